/** The floor's agents as cards coloured by state: a whole floor at one glance. What a card says, a row of the table says. */
import { MessageOutlined } from "@ant-design/icons";
import { Select } from "antd";
import { memo, useEffect, useMemo, useState } from "react";
import { duration } from "../engine/clock";
import { pick, useT } from "../i18n";
import { phoneNumber } from "../ui/format";
import { useServerNow } from "../ui/hooks";
import { useRows } from "../ui/longlist";
import { named, STATE_CLASS, StateIcon } from "../ui/parts";
import type { AgentsShown } from "./AgentTable";
import { sameRow } from "./AgentTable";
import { type FloorAgent, type FloorSite, type SortKey, sorted, tooLong } from "./board";
import type { Seat } from "./Seat";
import { TalkActs } from "./TalkActs";

const SORTS: SortKey[] = ["agent", "status", "since", "handled"];
/** Pixels of a card and the gap beside and below it (floor.css). */
const WIDTH = 184;
const HEIGHT = 104;

export function AgentTiles({ agents, site, chosen, seat, onChoose }: AgentsShown) {
  const t = useT();
  const [by, setBy] = useState<SortKey>("agent");
  const [list, setList] = useState<HTMLElement | null>(null);
  const columns = useColumns(list);
  const tiles = useMemo(() => sorted(agents, by, false), [agents, by]);
  const rows = Math.ceil(tiles.length / columns);
  const { from, to } = useRows(list?.parentElement ?? null, rows, HEIGHT);
  return (
    <>
      <div className="floor-tile-head">
        <span>{t("floor.sort")}</span>
        <Select
          size="small"
          value={by}
          aria-label={t("floor.sort")}
          data-testid="tile-sort"
          popupMatchSelectWidth={false}
          options={SORTS.map((key) => ({ value: key, label: t(`floor.${key}`) }))}
          onChange={setBy}
        />
      </div>
      <ul
        ref={setList}
        className="floor-tiles"
        aria-label={t("floor.agents")}
        style={{
          gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))`,
          paddingTop: from * HEIGHT,
          paddingBottom: (rows - to) * HEIGHT,
        }}
      >
        {tiles.slice(from * columns, to * columns).map((agent) => (
          <AgentTile
            key={agent.id}
            agent={agent}
            site={site}
            seat={seat}
            chosen={agent.id === chosen}
            onChoose={onChoose}
          />
        ))}
      </ul>
    </>
  );
}

/** How many cards stand side by side. */
function useColumns(list: HTMLElement | null): number {
  const [columns, setColumns] = useState(3);
  useEffect(() => {
    if (!list) return;
    const look = () => setColumns(Math.max(1, Math.floor(list.clientWidth / WIDTH)));
    look();
    const resized = new ResizeObserver(look);
    resized.observe(list);
    return () => resized.disconnect();
  }, [list]);
  return columns;
}

/** Only those whose agent has changed are drawn again. */
const AgentTile = memo(function AgentTile({
  agent,
  site,
  chosen,
  seat,
  onChoose,
}: {
  agent: FloorAgent;
  site: FloorSite;
  chosen: boolean;
  seat: Seat;
  onChoose: (id: string) => void;
}) {
  const t = useT();
  const call = agent.call;
  const reason = named(site.reasons, agent.reason);
  const here = agent.state !== "null";
  const note = agent.pending
    ? t("floor.pending", { name: reason || t("state.not_ready") })
    : agent.state === "not_ready"
      ? reason
      : "";
  return (
    <li
      className={`floor-tile state-${STATE_CLASS[agent.state]}${chosen ? " chosen" : ""}`}
      data-testid={`agent-${agent.id}`}
      data-state={agent.state}
    >
      <button type="button" className="floor-name" data-testid={`open-${agent.id}`} onClick={() => onChoose(agent.id)}>
        <b>{pick(agent.name)}</b> <span className="num">{agent.id}</span>
      </button>
      <span className="floor-tile-state">
        <StateIcon state={agent.state} />
        {t(`state.${agent.state}`)}
        <HowLong agent={agent} site={site} />
      </span>
      <span className="floor-tile-call">
        <small>
          {call && (call.name || phoneNumber(call.number) || t("call.anonymous"))}
          {call && ` · ${pick(site.queues[call.queue]?.name) || call.queue}`}
          {call?.held && ` · ${t("floor.held")}`}
          {!call && note}
          {here && !agent.reachable && ` ${t("floor.unreachable")}`}
          {agent.unread > 0 && (
            <>
              {" "}
              <MessageOutlined /> {t("floor.unread", { count: agent.unread })}
            </>
          )}
        </small>
        {call && <TalkActs conversation={call.conversation} agent={agent.id} seat={seat} who={pick(agent.name)} />}
      </span>
    </li>
  );
}, sameRow);

/** The one thing that changes by itself, once a second. */
function HowLong({ agent, site }: { agent: FloorAgent; site: FloorSite }) {
  const now = useServerNow();
  if (agent.state === "null") return null;
  return <time className={`num level-${tooLong(agent, now, site.floor)}`}>{duration(now - agent.since)}</time>;
}
