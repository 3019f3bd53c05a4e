/** Calls that rang here in vain, and what became of the callers. */
import { CheckCircleOutlined, DisconnectOutlined } from "@ant-design/icons";
import { useEffect, useState } from "react";
import { api } from "../engine/api";
import { meOf, siteOf, useApp } from "../engine/store";
import type { MissedOffer } from "../engine/types";
import { has, pick, useT } from "../i18n";
import { Empty } from "../ui/parts";
import { At, Caller, Redial } from "./Calls";

export function Missed() {
  const t = useT();
  const site = useApp(siteOf);
  const version = useApp((state) => state.callsVersion);
  const misses = useApp((state) => meOf(state)?.misses ?? 0);
  const [missed, setMissed] = useState<MissedOffer[] | null>(null);
  const [failed, setFailed] = useState(false);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a miss or an ended call changes the list
  useEffect(() => {
    api.missed().then(setMissed, () => setFailed(true));
  }, [version, misses]);
  if (failed && !missed) {
    return <Empty icon={<DisconnectOutlined />} title={t("day.failed")} hint={t("reject.server_away")} />;
  }
  if (!missed) return <div className="call-rows" data-testid="missed-list" aria-busy="true" />;
  if (missed.length === 0) {
    return (
      <div className="call-rows" data-testid="missed-list">
        <Empty icon={<CheckCircleOutlined />} title={t("day.no_missed")} hint={t("day.no_missed_hint")} />
      </div>
    );
  }
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: arrow keys scroll what has the focus
    <ul className="call-rows" tabIndex={0} data-testid="missed-list">
      {missed.map((one) => (
        <li className="call-row missed-row" key={`${one.contact} ${one.at}`} data-testid="missed-row">
          <At at={one.at} />
          <Caller name={one.customer?.name || one.name} number={one.number} />
          <span className="call-queue">{pick(site?.queues[one.queue]?.name) || one.queue}</span>
          <span className="call-outcome outcome-none">
            {t("day.became", {
              what: !one.end_reason
                ? t("day.open")
                : has(`end.${one.end_reason}`)
                  ? t(`end.${one.end_reason}`)
                  : one.end_reason,
            })}
          </span>
          <Redial name={one.customer?.name || one.name} number={one.number} />
        </li>
      ))}
    </ul>
  );
}
