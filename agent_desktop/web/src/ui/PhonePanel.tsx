/** Behind the phone's mark in the top bar: which device, which microphone, does it hear me, how loud is the ring. */
import { SoundOutlined } from "@ant-design/icons";
import { Button, Select } from "antd";
import { useEffect, useRef, useState } from "react";
import { startWork, takeDeskPhone } from "../engine/desktop";
import { chooseMicrophone, chosenMicrophone, meter, openMicrophone, ring } from "../engine/sound";
import { currentWork, meOf, siteOf, useApp } from "../engine/store";
import { useT } from "../i18n";
import { DeviceChoice } from "./DeviceChoice";

/** Which device is the phone, and for a page the sound of it. */
export function PhonePanel({ onChosen }: { onChosen: () => void }) {
  const some = useApp((state) => siteOf(state)?.desk_phones ?? false);
  const device = useApp((state) => state.device);
  const desk = useApp((state) => meOf(state)?.phone?.desk?.id ?? null);
  const busy = useApp((state) => currentWork(state)?.kind === "busy" && !currentWork(state)?.lost);
  const chosen = device === "desk" ? desk : device === "here" ? "" : null;
  return (
    <div className="phone-panel" data-testid="phone-panel">
      {some && (
        <DeviceChoice
          chosen={chosen}
          disabled={busy}
          onChoose={(phone) => {
            onChosen();
            void (phone ? takeDeskPhone({ id: phone.id, takeOver: phone.user !== null }) : startWork(true));
          }}
        />
      )}
      {device !== "desk" && <Sound />}
    </div>
  );
}

function Sound() {
  const t = useT();
  const [devices, setDevices] = useState<MediaDeviceInfo[]>([]);
  const [chosen, setChosen] = useState(chosenMicrophone());
  const [problem, setProblem] = useState(false);
  const bar = useRef<HTMLDivElement>(null);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another choice opens another microphone
  useEffect(() => {
    let closed = false;
    let frame = 0;
    let close = () => {};
    void (async () => {
      try {
        const stream = await openMicrophone();
        const reading = meter(stream);
        close = () => {
          reading.stop();
          for (const track of stream.getTracks()) track.stop();
        };
        if (closed) return close();
        setProblem(false);
        // Names are told only once the microphone is allowed.
        setDevices((await navigator.mediaDevices.enumerateDevices()).filter((device) => device.kind === "audioinput"));
        let shown = 0;
        const draw = () => {
          shown = Math.max(reading.level(), shown * 0.92);
          if (bar.current) bar.current.style.transform = `scaleX(${shown.toFixed(3)})`;
          if (!closed) frame = requestAnimationFrame(draw);
        };
        draw();
      } catch {
        setProblem(true);
      }
    })();
    return () => {
      closed = true;
      cancelAnimationFrame(frame);
      close();
    };
  }, [chosen]);

  const listen = () => {
    const stop = ring();
    setTimeout(stop, 1600);
  };

  return (
    <>
      <label htmlFor="microphone">{t("phone.microphone")}</label>
      <Select
        id="microphone"
        value={chosen}
        onChange={(id) => {
          chooseMicrophone(id);
          setChosen(id);
        }}
        options={[
          { value: "", label: t("phone.default") },
          ...devices
            .filter((device) => device.deviceId && device.deviceId !== "default")
            .map((device) => ({ value: device.deviceId, label: device.label || device.deviceId.slice(0, 8) })),
        ]}
      />
      <div className="level">
        <div ref={bar} className="level-bar" />
      </div>
      <p className={problem ? "phone-problem" : "phone-hint"}>{t(problem ? "banner.mic_denied" : "phone.speak")}</p>
      <Button icon={<SoundOutlined />} onClick={listen}>
        {t("phone.ring")}
      </Button>
    </>
  );
}
