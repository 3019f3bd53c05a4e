/** Before the first call of the day: do the devices work? Done, put off or past, it stays away until tomorrow. */
import { Button } from "antd";
import { useState } from "react";
import { checkWord } from "../engine/check";
import { markChecked } from "../engine/desktop";
import { useApp } from "../engine/store";
import { useT } from "../i18n";
import { useServerNow } from "../ui/hooks";
import { NOTHING_TRIED, SoundCheck } from "../ui/SoundCheck";

/** Whether today's check is done; turns over at midnight. */
export function useChecked(): boolean {
  const user = useApp((state) => state.login?.user ?? "");
  const checked = useApp((state) => state.checked);
  return checked === checkWord(user, useServerNow());
}

export function DeviceCheck() {
  const t = useT();
  const [tried, setTried] = useState(NOTHING_TRIED);
  const all = tried.microphone && tried.ring && tried.echo;
  return (
    <section className="card device-check" data-testid="device-check" aria-label={t("day.check")}>
      <header className="card-head">
        <h2>{t("day.check")}</h2>
        <Button
          size="small"
          type={all ? "primary" : "default"}
          data-testid="check-done"
          data-all={all}
          onClick={markChecked}
        >
          {t(all ? "day.check_done" : "day.check_skip")}
        </Button>
      </header>
      <p className="device-check-hint">{t("day.check_hint")}</p>
      <SoundCheck tried={tried} onTried={setTried} />
    </section>
  );
}
