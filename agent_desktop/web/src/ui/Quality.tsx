/** How good the line is: three bars and the figures, measured every two seconds from what arrives here. */
import { useEffect, useState } from "react";
import { phone } from "../engine/desktop";
import { type Figures, figuresOf, type Quality, qualityOf, readStats } from "../engine/quality";
import { useT } from "../i18n";

const EVERY_MS = 2000;

export function QualityMark() {
  const t = useT();
  const [line, setLine] = useState<{ quality: Quality; figures: Figures } | null>(null);
  useEffect(() => {
    let last: Awaited<ReturnType<typeof readStats>> = null;
    const timer = setInterval(async () => {
      const next = await readStats(phone.connection);
      if (last && next) setLine({ quality: qualityOf(last, next), figures: figuresOf(last, next) });
      last = next;
    }, EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  if (!line) return null;
  const { loss, jitter, roundTrip } = line.figures;
  const words = [
    t(`call.quality_${line.quality}`),
    t("day.loss", { value: loss }),
    t("day.jitter", { value: jitter }),
    ...(roundTrip === null ? [] : [t("day.round_trip", { value: roundTrip })]),
  ].join(" · ");
  return (
    <span className="quality" title={words} data-testid="quality" data-quality={line.quality}>
      <span className={`bars bars-${line.quality}`} role="img" aria-label={words}>
        <i />
        <i />
        <i />
      </span>
      <small className="num" aria-hidden="true">
        {loss}% {jitter}
        {roundTrip !== null && `/${roundTrip}`} ms
      </small>
    </span>
  );
}
