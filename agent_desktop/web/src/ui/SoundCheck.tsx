/** Trying the devices: microphone with its level, ring tone and where it sounds, one second of echo, notifications. */
import {
  AudioOutlined,
  BellOutlined,
  CheckCircleFilled,
  CustomerServiceOutlined,
  SoundOutlined,
} from "@ant-design/icons";
import { Button, Select } from "antd";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { askPermission, permission } from "../engine/notices";
import {
  canChooseRing,
  chooseMicrophone,
  chooseRingDevice,
  chosenMicrophone,
  chosenRingDevice,
  echo,
  meter,
  openMicrophone,
  ring,
} from "../engine/sound";
import { useT } from "../i18n";

/** A word in a headset reaches this level (0..1 of 60 dB); a quiet room does not. */
const HEARD = 0.4;
const RING_MS = 1600;

export interface Tried {
  microphone: boolean;
  ring: boolean;
  echo: boolean;
}
export const NOTHING_TRIED: Tried = { microphone: false, ring: false, echo: false };

/** `inTalk`: what would sound into a call, or ask for something, is not offered. */
export function SoundCheck({
  tried,
  onTried,
  inTalk = false,
}: {
  tried: Tried;
  onTried: (tried: Tried) => void;
  inTalk?: boolean;
}) {
  const t = useT();
  const [devices, setDevices] = useState<MediaDeviceInfo[]>([]);
  const [chosen, setChosen] = useState(chosenMicrophone());
  const [rings, setRings] = useState(chosenRingDevice());
  const [problem, setProblem] = useState(false);
  const [phase, setPhase] = useState<"speak" | "listen" | "done">("done");
  const stream = useRef<MediaStream | null>(null);
  const stopEcho = useRef<(() => void) | null>(null);
  const latest = useRef({ tried, onTried });
  latest.current = { tried, onTried };
  const tick = (what: keyof Tried) => {
    const now = latest.current;
    if (!now.tried[what]) now.onTried({ ...now.tried, [what]: true });
  };

  const listen = () => {
    const stop = ring();
    setTimeout(stop, RING_MS);
    tick("ring");
  };
  const hearMyself = () => {
    if (!stream.current || phase !== "done") return;
    stopEcho.current = echo(stream.current, (now) => {
      setPhase(now);
      if (now === "listen") tick("echo");
    });
  };
  useEffect(() => () => stopEcho.current?.(), []);

  return (
    <div className="sound-check">
      <Line done={tried.microphone} icon={<AudioOutlined />} name={t("day.check_mic")} id="mic">
        <Choice
          label={t("phone.microphone")}
          testid="microphone"
          devices={devices.filter((device) => device.kind === "audioinput")}
          chosen={chosen}
          onChoose={(id) => {
            chooseMicrophone(id);
            setChosen(id);
          }}
        />
        <Level
          chosen={chosen}
          onStream={(opened) => {
            stream.current = opened;
          }}
          onDevices={setDevices}
          onProblem={setProblem}
          onHeard={() => tick("microphone")}
        />
        {problem && <p className="phone-problem">{t("banner.mic_denied")}</p>}
      </Line>
      <Line done={tried.ring} icon={<SoundOutlined />} name={t("day.check_ring")} id="ring">
        <div className="sound-row">
          {canChooseRing && (
            <Choice
              label={t("day.ring_device")}
              testid="ring-device"
              devices={devices.filter((device) => device.kind === "audiooutput")}
              chosen={rings}
              onChoose={(id) => {
                chooseRingDevice(id);
                setRings(id);
              }}
            />
          )}
          <Button size="small" data-testid="play-ring" onClick={listen}>
            {t("day.play")}
          </Button>
        </div>
      </Line>
      {!inTalk && (
        <Line done={tried.echo} icon={<CustomerServiceOutlined />} name={t("day.check_echo")} id="echo" beside>
          <Button size="small" data-testid="echo" data-phase={phase} disabled={problem} onClick={hearMyself}>
            {t(phase === "speak" ? "day.echo_speak" : phase === "listen" ? "day.echo_listen" : "day.echo")}
          </Button>
        </Line>
      )}
      {!inTalk && <Notify />}
    </div>
  );
}

function Line({
  done,
  icon,
  name,
  id,
  beside = false,
  children,
}: {
  done: boolean;
  icon: ReactNode;
  name: string;
  id: string;
  /** The one button stands beside the name, not under it. */
  beside?: boolean;
  children: ReactNode;
}) {
  const t = useT();
  return (
    <div
      className={`sound-line${done ? " sound-done" : ""}${beside ? " sound-beside" : ""}`}
      data-testid={`check-${id}`}
      data-done={done}
    >
      <span className="sound-icon" role="status">
        {done ? <CheckCircleFilled aria-label={t("day.works")} /> : icon}
      </span>
      <span className="sound-name">{name}</span>
      <div className="sound-what">{children}</div>
    </div>
  );
}

function Choice({
  label,
  testid,
  devices,
  chosen,
  onChoose,
}: {
  label: string;
  testid: string;
  devices: MediaDeviceInfo[];
  chosen: string;
  onChoose: (id: string) => void;
}) {
  const t = useT();
  return (
    <Select
      size="small"
      className="sound-choice"
      aria-label={label}
      data-testid={testid}
      value={chosen}
      onChange={onChoose}
      options={[
        { value: "", label: t("phone.default") },
        ...devices
          .filter((device) => device.deviceId && device.deviceId !== "default")
          .map((device) => ({ value: device.deviceId, label: device.label || device.deviceId.slice(0, 8) })),
      ]}
    />
  );
}

/** Opens the chosen microphone as long as it is on the screen. */
function Level({
  chosen,
  onStream,
  onDevices,
  onProblem,
  onHeard,
}: {
  chosen: string;
  onStream: (stream: MediaStream | null) => void;
  onDevices: (devices: MediaDeviceInfo[]) => void;
  onProblem: (problem: boolean) => void;
  onHeard: () => void;
}) {
  const bar = useRef<HTMLDivElement>(null);
  const say = useRef({ onStream, onDevices, onProblem, onHeard });
  say.current = { onStream, onDevices, onProblem, onHeard };
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
          say.current.onStream(null);
          reading.stop();
          for (const track of stream.getTracks()) track.stop();
        };
        if (closed) return close();
        say.current.onProblem(false);
        say.current.onStream(stream);
        // Names are told only once the microphone is allowed.
        say.current.onDevices(await navigator.mediaDevices.enumerateDevices());
        let shown = 0;
        const draw = () => {
          const level = reading.level();
          if (level > HEARD) say.current.onHeard();
          shown = Math.max(level, shown * 0.92);
          if (bar.current) bar.current.style.transform = `scaleX(${shown.toFixed(3)})`;
          if (!closed) frame = requestAnimationFrame(draw);
        };
        draw();
      } catch {
        say.current.onProblem(true);
      }
    })();
    return () => {
      closed = true;
      cancelAnimationFrame(frame);
      close();
    };
  }, [chosen]);
  return (
    <div className="level" aria-hidden="true">
      <div ref={bar} className="level-bar" />
    </div>
  );
}

/** Asked for here, in a click between calls, never in one. */
function Notify() {
  const t = useT();
  const [state, setState] = useState(permission());
  if (state === "none") return null;
  return (
    <Line
      done={state === "granted"}
      icon={<BellOutlined />}
      name={t("day.check_notify")}
      id="notify"
      beside={state === "default"}
    >
      {state === "default" ? (
        <Button size="small" data-testid="allow-notices" onClick={() => void askPermission().then(setState)}>
          {t("day.notify_allow")}
        </Button>
      ) : (
        state === "denied" && <p className="phone-hint">{t("day.notify_off")}</p>
      )}
    </Line>
  );
}
