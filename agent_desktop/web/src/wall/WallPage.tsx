/** The wallboard: dark, large, 4-8 tiles of the site's choice or this screen's own, one alarm line; for a television. */
import { FullscreenOutlined, SettingOutlined, UndoOutlined } from "@ant-design/icons";
import i18next from "i18next";
import { useEffect, useState } from "react";
import { duration } from "../engine/clock";
import { pick, useT } from "../i18n";
import { floorEn } from "../i18n/floorEn";
import { floorZh } from "../i18n/floorZh";
import {
  agentsIn,
  alarm,
  DEFAULT_TILES,
  type FloorSite,
  queuesIn,
  siteIn,
  type Tile,
  tileLevel,
  tileValue,
  together,
} from "../lead/board";
import { Fresh } from "../lead/FloorPage";
import { LeadPage } from "../lead/LeadPage";
import { PATHS } from "../lead/pages";
import { useFloor } from "../lead/useFloor";
import { useServerNow } from "../ui/hooks";
import { useMode } from "../ui/Themed";
import { type Choice, limitsOf, read, store, wrong } from "./choice";
import { Settings } from "./Settings";
import "./wall.css";

i18next.addResourceBundle("zh", "translation", { floor: floorZh }, true);
i18next.addResourceBundle("en", "translation", { floor: floorEn }, true);

export function WallPage() {
  return (
    <LeadPage place="wallboard" bare>
      {({ ended }) => <Wall onEnded={ended} />}
    </LeadPage>
  );
}

function Wall({ onEnded }: { onEnded: () => void }) {
  const t = useT();
  const now = useServerNow();
  const { docs, status } = useFloor(onEnded);
  const { mode } = useMode();
  // A television is dark whatever the desktop of whoever logged it in.
  useEffect(() => {
    document.documentElement.dataset["theme"] = "dark";
    return () => {
      document.documentElement.dataset["theme"] = mode;
    };
  }, [mode]);
  const { kept, undo, keep } = useKept();
  const [draft, setDraft] = useState<Choice | null>(null);
  const served = siteIn(docs);
  if (!served) return <main className="wall" aria-busy="true" />;
  const own = read(kept, served);
  const chosen = draft && wrong(draft.limits).length === 0 ? draft : own;
  const site: FloorSite = chosen ? { ...served, floor: { ...served.floor, ...chosen.limits } } : served;
  const queues = queuesIn(docs);
  const all = together(queues, agentsIn(docs));
  const tiles = (chosen ?? site.floor).tiles.length > 0 ? (chosen ?? site.floor).tiles : DEFAULT_TILES;
  const save = (choice: Choice | null) => {
    keep(choice && JSON.stringify(choice));
    setDraft(null);
  };
  return (
    <main className={`wall${status === "live" ? "" : " stale"}${draft ? " editing" : ""}`} data-testid="wall">
      <h1 className="sr-only">{t("floor.wall.title")}</h1>
      <header>
        <a href={PATHS.floor}>Hollyhock</a>
        <Line site={site} queues={queues} now={now} />
        <Fresh status={status} />
        {undo && (
          <button type="button" data-testid="wall-undo" onClick={undo}>
            <UndoOutlined /> {t("floor.undo")}
          </button>
        )}
        <button
          type="button"
          aria-label={t("floor.wall.edit")}
          title={t("floor.wall.edit")}
          aria-expanded={draft !== null}
          data-testid="wall-edit"
          onClick={() => setDraft(draft ? null : { tiles, limits: limitsOf(site.floor) })}
        >
          <SettingOutlined />
        </button>
        <button
          type="button"
          aria-label={t("floor.wall.full")}
          title={t("floor.wall.full")}
          onClick={() => void document.documentElement.requestFullscreen?.()}
        >
          <FullscreenOutlined />
        </button>
      </header>
      <div className={`wall-tiles of-${tiles.length}`}>
        {tiles.map((tile, place) => {
          const queue = tile.queue ? queues.find((each) => each.id === tile.queue) : all;
          const value = queue ? tileValue(tile.figure, queue, now) : null;
          return (
            <section
              // biome-ignore lint/suspicious/noArrayIndexKey: a tile is its place, two may be alike
              key={`${place}${tile.figure}${tile.queue ?? ""}`}
              className={`wall-tile level-${tileLevel(tile.figure, value, site.floor)}`}
              data-testid={`tile-${tile.figure}-${tile.queue || "all"}`}
            >
              <h2>{t(`floor.wall.${tile.figure}`)}</h2>
              <b className="num">{shown(tile, value)}</b>
              <small>{tile.queue ? pick(site.queues[tile.queue]?.name) : t("floor.wall.all")}</small>
            </section>
          );
        })}
      </div>
      {draft && (
        <Settings
          draft={draft}
          site={site}
          own={own !== null}
          onChange={setDraft}
          onSave={() => save(draft)}
          onCancel={() => setDraft(null)}
          onSite={() => save(null)}
        />
      )}
    </main>
  );
}

const UNDO_MS = 15_000;

/** What this screen keeps, and for a while the way back to what it kept before. */
function useKept() {
  const [kept, setKept] = useState(store.read);
  const [before, setBefore] = useState<{ was: string | null } | null>(null);
  useEffect(() => {
    if (!before) return;
    const over = setTimeout(() => setBefore(null), UNDO_MS);
    return () => clearTimeout(over);
  }, [before]);
  const put = (text: string | null) => {
    store.write(text);
    setKept(text);
  };
  const keep = (text: string | null) => {
    setBefore({ was: kept });
    put(text);
  };
  const undo =
    before &&
    (() => {
      put(before.was);
      setBefore(null);
    });
  return { kept, keep, undo };
}

function shown({ figure }: Tile, value: number | null): string {
  if (value === null) return "–";
  if (figure === "longest") return duration(value);
  return figure === "service_now" || figure === "service_today" ? `${Math.round(value * 100)} %` : String(value);
}

function Line({ site, queues, now }: { site: FloorSite; queues: ReturnType<typeof queuesIn>; now: number }) {
  const t = useT();
  const found = alarm(queues, now, site.floor);
  if (!found) return <p className="wall-line">{t("floor.wall.calm")}</p>;
  const { queue, kind } = found;
  return (
    <p className="wall-line bad" role="alert" data-testid="alarm" data-alarm={kind}>
      {t(`floor.wall.alarm_${kind}`, {
        queue: pick(site.queues[queue.id]?.name),
        count: queue.waiting,
        time: duration(queue.longest_since === null ? 0 : now - queue.longest_since),
        share: `${Math.round((queue.service_now ?? 0) * 100)} %`,
      })}
    </p>
  );
}
