/** Behind the phone's mark in the top bar: which device, which microphone, does it hear me, how loud is the ring. */
import { CheckCircleFilled } from "@ant-design/icons";
import { useEffect, useState } from "react";
import { markChecked, startWork, takeDeskPhone } from "../engine/desktop";
import { currentWork, meOf, siteOf, useApp } from "../engine/store";
import { useChecked } from "../home/DeviceCheck";
import { useT } from "../i18n";
import { DeviceChoice, deskChoice } from "./DeviceChoice";
import { NOTHING_TRIED, SoundCheck } from "./SoundCheck";

/** Which device is the phone, and for a page the sound of it. */
export function PhonePanel({ onChosen }: { onChosen: () => void }) {
  const t = useT();
  const some = useApp((state) => (siteOf(state)?.desk_phones || siteOf(state)?.outside) ?? false);
  const device = useApp((state) => state.device);
  const desk = useApp((state) => meOf(state)?.phone?.desk?.id ?? null);
  const busy = useApp((state) => currentWork(state)?.kind === "busy" && !currentWork(state)?.lost);
  const chosen = device === "desk" ? desk : device === "here" ? "" : null;
  return (
    <div className="phone-panel" role="dialog" aria-label={t("day.check")} data-testid="phone-panel">
      {some && (
        <DeviceChoice
          chosen={chosen}
          disabled={busy}
          onChoose={(phone) => {
            onChosen();
            void (phone ? takeDeskPhone(deskChoice(phone)) : startWork(true));
          }}
        />
      )}
      {device !== "desk" && <Sound inTalk={busy} />}
    </div>
  );
}

function Sound({ inTalk }: { inTalk: boolean }) {
  const t = useT();
  const checked = useChecked();
  const [tried, setTried] = useState(NOTHING_TRIED);
  const all = tried.microphone && tried.ring && tried.echo;
  useEffect(() => {
    if (all) markChecked();
  }, [all]);
  return (
    <>
      <SoundCheck tried={tried} onTried={setTried} inTalk={inTalk} />
      <p className={checked ? "checked" : "phone-hint"} data-testid="checked" data-checked={checked}>
        {checked && <CheckCircleFilled />} {t(checked ? "day.checked" : "day.not_checked")}
      </p>
    </>
  );
}
