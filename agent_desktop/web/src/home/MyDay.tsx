/** My day in figures. They come from the call records when something has ended, not by asking again and again. */
import { Tooltip } from "antd";
import { useEffect, useState } from "react";
import { api } from "../engine/api";
import { midnight } from "../engine/check";
import { duration } from "../engine/clock";
import { meOf, useApp } from "../engine/store";
import type { Day } from "../engine/types";
import { useT } from "../i18n";
import { useServerNow } from "../ui/hooks";

/** The last figures, so that coming back from a call shows them at once. */
let known: { user: string; day: Day } | null = null;

export function MyDay() {
  const t = useT();
  const user = useApp((state) => state.login?.user ?? "");
  const version = useApp((state) => state.callsVersion);
  const ready = useApp((state) => meOf(state)?.ready ?? false);
  const signedIn = useApp((state) => meOf(state)?.signed_in ?? false);
  const misses = useApp((state) => meOf(state)?.misses ?? 0);
  const now = useServerNow();
  const since = midnight(now);
  const [day, setDay] = useState<Day | null>(known?.user === user ? known.day : null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: each of these changes the day
  useEffect(() => {
    let old = false;
    api.day(since).then(
      (told) => {
        if (old) return;
        known = { user, day: told };
        setDay(told);
      },
      () => {},
    );
    return () => {
      old = true;
    };
  }, [user, since, version, ready, signedIn, misses]);
  const handling = day && day.handled > 0 ? (day.talk_seconds + day.wrap_up_seconds) / day.handled : null;
  // Ready time runs on without a word from the server.
  const readyFor = day && day.ready_seconds + (day.ready && ready ? Math.max(0, now - day.at) : 0);
  const figures: [string, string, string?][] = [
    [
      "handled",
      day ? String(day.handled) : "—",
      day?.internal
        ? t("day.internal_hint", { count: day.internal, time: duration(day.internal_seconds ?? 0) } as never)
        : undefined,
    ],
    ["average", handling === null ? "—" : duration(handling), t("day.average_hint")],
    ["ready", readyFor === null ? "—" : duration(readyFor), t("day.ready_hint")],
    ["talk", day ? duration(day.talk_seconds) : "—"],
    ["missed", day ? String(day.missed) : "—"],
  ];
  return (
    <section className="figures" aria-label={t("day.title")}>
      {figures.map(([key, value, hint]) => (
        <Tooltip key={key} title={hint}>
          <div className="card figure" data-testid={`figure-${key}`}>
            <span className="figure-label">{t(`day.${key}`)}</span>
            <b className="num">{value}</b>
          </div>
        </Tooltip>
      ))}
    </section>
  );
}
