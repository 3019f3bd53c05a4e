/** What is wrong right now, what it means for the call, and the one button that helps. At most one line. */
import { Button } from "antd";
import { askDevice, phone, startWork } from "../engine/desktop";
import { currentWork, meOf, useApp } from "../engine/store";
import { useT } from "../i18n";
import { useLasting } from "./hooks";

/** The status marks in the top bar tell at once; the banner speaks up when it does not pass by itself. */
const SHORT_MS = 1200;

export function Banner() {
  const t = useT();
  const away = useLasting(
    useApp((state) => state.link === "away"),
    SHORT_MS,
  );
  const device = useApp((state) => state.device);
  const phoneLost = useLasting(
    useApp((state) => state.phone.status === "lost" || state.phone.status === "refused"),
    SHORT_MS,
  );
  const deskAway = useLasting(
    useApp((state) => state.device === "desk" && !meOf(state)?.phone?.contact),
    SHORT_MS,
  );
  const problem = useApp((state) => state.phone.problem);
  const signedIn = useApp((state) => meOf(state)?.signed_in ?? false);
  const working = useApp((state) => currentWork(state)?.kind === "busy");
  const show = (key: string, tone: "warn" | "bad", action?: [string, () => void, string]) => (
    <div className={`banner banner-${tone}`} role="status" data-testid="banner" data-banner={key}>
      <span>{t(`banner.${key}`)}</span>
      {action && (
        <Button size="small" type="primary" data-testid={action[2]} onClick={action[1]}>
          {t(`banner.${action[0]}`)}
        </Button>
      )}
    </div>
  );
  if (problem === "audio_blocked") {
    return show("audio_blocked", "bad", ["unblock", () => void phone.unblockAudio(), "unblock-audio"]);
  }
  if (problem) return show(problem, "bad");
  if (away) return show(working ? "away" : "away_idle", "warn");
  if (!signedIn) return null;
  if (device === "elsewhere") return show("elsewhere", "warn", ["take_over", () => void startWork(true), "take-over"]);
  if (device === "none" || device === "failed") {
    return show("none", "warn", [
      "take",
      () => void (device === "failed" ? askDevice(false) : startWork(false)),
      "take-phone",
    ]);
  }
  if (device === "desk" && deskAway) {
    return show("desk_away", "warn", ["take", () => void startWork(true), "take-phone"]);
  }
  if (device === "here" && phoneLost) return show("phone_lost", "warn");
  return null;
}
