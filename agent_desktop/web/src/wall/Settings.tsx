/** The panel in which this screen's tiles and thresholds are chosen; what is chosen shows behind it at once. */
import { ArrowUpOutlined, CloseOutlined, PlusOutlined } from "@ant-design/icons";
import { useEffect, useRef } from "react";
import { pick, useT } from "../i18n";
import { FIGURES, type Figure, type FloorSite, type Tile } from "../lead/board";
import { useFocusBack } from "../ui/hooks";
import { type Choice, LIMITS, MOST_TILES, wrong } from "./choice";

export function Settings({
  draft,
  site,
  own,
  onChange,
  onSave,
  onCancel,
  onSite,
}: {
  draft: Choice;
  site: FloorSite;
  /** This screen differs from the site already. */
  own: boolean;
  onChange: (draft: Choice) => void;
  onSave: () => void;
  onCancel: () => void;
  onSite: () => void;
}) {
  const t = useT();
  useFocusBack();
  const first = useRef<HTMLFormElement>(null);
  useEffect(() => first.current?.querySelector("select")?.focus(), []);
  const { tiles, limits } = draft;
  const put = (place: number, tile: Partial<Tile>) =>
    onChange({ ...draft, tiles: tiles.map((each, at) => (at === place ? { ...each, ...tile } : each)) });
  const up = (place: number) =>
    onChange({
      ...draft,
      tiles: tiles.map(
        (tile, at) => (at === place - 1 ? tiles[place] : at === place ? tiles[place - 1] : tile) ?? tile,
      ),
    });
  const faults = wrong(limits);
  const queues = Object.entries(site.queues);
  return (
    <form
      ref={first}
      className="wall-settings"
      data-testid="wall-settings"
      aria-label={t("floor.wall.edit")}
      onKeyDown={(event) => event.key === "Escape" && onCancel()}
      onSubmit={(event) => {
        event.preventDefault();
        if (faults.length === 0 && tiles.length > 0) onSave();
      }}
    >
      <h2>{t("floor.wall.edit")}</h2>
      <p>{t("floor.wall.only_here")}</p>
      <ol>
        {tiles.map((tile, place) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a tile is its place, two may be alike
          <li key={place}>
            <select
              value={tile.figure}
              aria-label={`${t("floor.wall.figure")} ${place + 1}`}
              data-testid={`tile-figure-${place}`}
              onChange={(event) => put(place, { figure: event.target.value as Figure })}
            >
              {FIGURES.map((figure) => (
                <option key={figure} value={figure}>
                  {t(`floor.wall.${figure}`)}
                </option>
              ))}
            </select>
            <select
              value={tile.queue ?? ""}
              aria-label={`${t("floor.name")} ${place + 1}`}
              data-testid={`tile-queue-${place}`}
              onChange={(event) => put(place, { queue: event.target.value })}
            >
              <option value="">{t("floor.wall.all")}</option>
              {queues.map(([id, queue]) => (
                <option key={id} value={id}>
                  {pick(queue.name)}
                </option>
              ))}
            </select>
            <button
              type="button"
              disabled={place === 0}
              aria-label={`${t("floor.wall.up")} ${place + 1}`}
              title={t("floor.wall.up")}
              onClick={() => up(place)}
            >
              <ArrowUpOutlined />
            </button>
            <button
              type="button"
              disabled={tiles.length === 1}
              aria-label={`${t("floor.wall.remove")} ${place + 1}`}
              title={t("floor.wall.remove")}
              data-testid={`tile-remove-${place}`}
              onClick={() => onChange({ ...draft, tiles: tiles.filter((_, at) => at !== place) })}
            >
              <CloseOutlined />
            </button>
          </li>
        ))}
      </ol>
      {tiles.length < MOST_TILES && (
        <button
          type="button"
          className="wide"
          data-testid="tile-add"
          onClick={() => onChange({ ...draft, tiles: [...tiles, { figure: "waiting", queue: "" }] })}
        >
          <PlusOutlined /> {t("floor.wall.add")}
        </button>
      )}
      <h3>{t("floor.wall.limits")}</h3>
      <div className="wall-limits">
        {LIMITS.map((name) => (
          <label key={name} className={faults.some((of) => name.endsWith(of)) ? "wrong" : ""}>
            <span>{t(`floor.wall.limit.${name}`)}</span>
            <input
              type="number"
              min={0}
              max={name.endsWith("percent") ? 100 : 86_400}
              step="any"
              value={Number.isNaN(limits[name]) ? "" : limits[name]}
              data-testid={`limit-${name}`}
              onChange={(event) => onChange({ ...draft, limits: { ...limits, [name]: event.target.valueAsNumber } })}
            />
          </label>
        ))}
      </div>
      {faults.length > 0 && (
        <p role="alert" className="wrong">
          {t("floor.wall.wrong")}
        </p>
      )}
      <footer>
        <button type="submit" className="go" disabled={faults.length > 0} data-testid="wall-save">
          {t("floor.wall.save")}
        </button>
        <button type="button" data-testid="wall-cancel" onClick={onCancel}>
          {t("floor.wall.cancel")}
        </button>
        {own && (
          <button type="button" data-testid="wall-site" onClick={onSite}>
            {t("floor.wall.as_site")}
          </button>
        )}
      </footer>
    </form>
  );
}
