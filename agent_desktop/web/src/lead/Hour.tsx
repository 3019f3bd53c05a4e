/** Three small plots of the last hour: who waited, the service level, agents ready and talking. */
import { memo, type PointerEvent, useMemo, useRef, useState } from "react";
import type { Docs } from "../engine/types";
import { type Language, useLanguage, useT } from "../i18n";
import { clockTime } from "../ui/format";
import type { Thresholds } from "./board";
import { hourOf, type Line, MINUTES, path, told } from "./hour";

const HEIGHT = 40;

interface Drawn {
  line: Line;
  live: number | null;
  name: string;
  className: string;
}

/** The points among the documents: the same object as long as none is new. */
export function usePast(docs: Docs): Docs {
  const past = useRef<Docs>({});
  const found = Object.entries(docs).filter(([key]) => key.startsWith("hour/"));
  const same = found.length === Object.keys(past.current).length;
  if (!same || found.some(([key, doc]) => past.current[key] !== doc)) past.current = Object.fromEntries(found);
  return past.current;
}

/** The lines of `past` for a queue and a team ('' = all), and the same figures at this moment; `service`: 0 ... 1. */
export const HourPlots = memo(function HourPlots({
  past,
  queue,
  team,
  floor,
  ...live
}: {
  past: Docs;
  queue: string;
  team: string;
  floor: Thresholds;
  waiting: number;
  service: number | null;
  ready: number;
  talking: number;
}) {
  const t = useT();
  const language = useLanguage();
  const hour = useMemo(() => hourOf(past, queue, team), [past, queue, team]);
  if (!hour) return <p className="floor-none">{t("floor.hour.empty")}</p>;
  const most = (...lines: Line[]) => Math.max(1, ...lines.flat().map((value) => value ?? 0));
  const plot = (title: string, top: number, unit: string, lines: Drawn[], limit?: number) => (
    <Plot key={title} {...{ title: t(`floor.hour.${title}`), top, unit, lines, limit, until: hour.until, language }} />
  );
  return (
    <div className="hour" data-testid="hour">
      {plot("waiting", most(hour.waiting), "", [
        { line: hour.waiting, live: live.waiting, name: t("floor.waiting"), className: "hour-waiting" },
      ])}
      {plot(
        "service",
        100,
        " %",
        [
          {
            line: hour.service,
            live: live.service === null ? null : 100 * live.service,
            name: t("floor.service"),
            className: "hour-service",
          },
        ],
        floor.warn_service_percent,
      )}
      {plot("agents", most(hour.ready, hour.talking), "", [
        { line: hour.ready, live: live.ready, name: t("floor.hour.ready"), className: "hour-ready" },
        { line: hour.talking, live: live.talking, name: t("floor.hour.talking"), className: "hour-talking" },
      ])}
    </div>
  );
});

function Plot({
  title,
  top,
  unit,
  lines,
  limit,
  until,
  language,
}: {
  title: string;
  top: number;
  unit: string;
  lines: Drawn[];
  limit: number | undefined;
  until: number;
  language: Language;
}) {
  const t = useT();
  const [at, setAt] = useState<number | null>(null);
  const look = (event: PointerEvent<SVGElement>) => {
    const { left, width } = event.currentTarget.getBoundingClientRect();
    setAt(Math.max(0, Math.min(MINUTES - 1, Math.round(((event.clientX - left) / width) * (MINUTES - 1)))));
  };
  const time = (point: number) => clockTime(until - (MINUTES - 1 - point) * 60, language);
  const written = (value: number | null | undefined) => (value == null ? "–" : `${Math.round(value)}${unit}`);
  const words = lines.map(({ line, live, name }) => {
    const found = told(line);
    return found
      ? t("floor.hour.told", { name, now: written(live), least: written(found.least), most: written(found.most) })
      : `${name}: –`;
  });
  const since = Math.max(0, ...lines.map(({ line }) => told(line)?.since ?? 0));
  return (
    <figure className="hour-plot">
      <figcaption>
        <span>{at !== null ? time(at) : lines.length === 1 ? title : ""}</span>
        {lines.map(({ line, live, name, className }) => (
          <b key={name} className={`num ${className}`} title={name}>
            {lines.length > 1 && <i />}
            {lines.length > 1 && at === null && `${name} `}
            {written(at === null ? live : line[at])}
          </b>
        ))}
      </figcaption>
      <svg
        viewBox={`-0.5 -3 ${MINUTES} ${HEIGHT + 6}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${title}. ${words.join(". ")}`}
        onPointerMove={look}
        onPointerLeave={() => setAt(null)}
      >
        <line className="hour-axis" x1="0" x2={MINUTES - 1} y1={HEIGHT} y2={HEIGHT} />
        {limit !== undefined && (
          <line
            className="hour-limit"
            x1="0"
            x2={MINUTES - 1}
            y1={HEIGHT * (1 - limit / top)}
            y2={HEIGHT * (1 - limit / top)}
          />
        )}
        {at !== null && <line className="hour-axis" x1={at} x2={at} y1="0" y2={HEIGHT} />}
        {lines.map(({ line, name, className }) => (
          <path key={name} className={className} d={path(line, top, HEIGHT)} />
        ))}
      </svg>
      <small className="num">
        <span>{since < MINUTES - 1 ? t("floor.hour.since", { time: time(MINUTES - 1 - since) }) : time(0)}</span>
        <span>{t("floor.hour.top", { top: written(top) })}</span>
        <span>{time(MINUTES - 1)}</span>
      </small>
    </figure>
  );
}
