/** What one screen shows instead of the site's wallboard: tiles and thresholds, kept in this browser. Pure but for the store. */
import { FIGURES, type FloorSite, type Thresholds, type Tile } from "../lead/board";

export const MOST_TILES = 8;
export const LIMITS = [
  "warn_waiting",
  "bad_waiting",
  "warn_longest_seconds",
  "bad_longest_seconds",
  "warn_service_percent",
  "bad_service_percent",
] as const satisfies (keyof Thresholds)[];
export type Limits = Record<(typeof LIMITS)[number], number>;
export interface Choice {
  tiles: Tile[];
  limits: Limits;
}

export function limitsOf(floor: Thresholds): Limits {
  return Object.fromEntries(LIMITS.map((name) => [name, floor[name]])) as Limits;
}

/** Why it cannot be so: the names of the limits that are the wrong way around or no number. */
export function wrong(limits: Limits): string[] {
  const crossed = (["waiting", "longest_seconds"] as const).filter(
    (of) => !(limits[`warn_${of}`] >= 0 && limits[`bad_${of}`] >= limits[`warn_${of}`]),
  );
  const { warn_service_percent: warn, bad_service_percent: bad } = limits;
  return warn <= 100 && bad <= warn && bad >= 0 ? crossed : [...crossed, "service_percent"];
}

/** What was kept, as far as it still makes sense: a queue that is gone or another team's has no tile. Null: nothing. */
export function read(text: string | null, site: FloorSite): Choice | null {
  try {
    const kept = JSON.parse(text ?? "null") as Partial<Choice> | null;
    if (!kept || !Array.isArray(kept.tiles)) return null;
    const tiles = kept.tiles
      .filter((tile) => FIGURES.includes(tile.figure) && (!tile.queue || tile.queue in site.queues))
      .slice(0, MOST_TILES);
    const limits = { ...limitsOf(site.floor), ...kept.limits };
    return tiles.length > 0 && wrong(limits).length === 0 ? { tiles, limits } : null;
  } catch {
    return null;
  }
}

const KEY = "hollyhock.wallboard";
export const store = {
  read: () => localStorage.getItem(KEY),
  /** Null: as the site has it. */
  write: (text: string | null) => (text === null ? localStorage.removeItem(KEY) : localStorage.setItem(KEY, text)),
};
