/** The floor's agents as a table, sorted as one likes. */
import { CaretDownOutlined, CaretUpOutlined, MessageOutlined } from "@ant-design/icons";
import { memo, useMemo, useState } from "react";
import { duration } from "../engine/clock";
import { pick, useT } from "../i18n";
import { phoneNumber } from "../ui/format";
import { useServerNow } from "../ui/hooks";
import { useRows } from "../ui/longlist";
import { named, STATE_CLASS, StateIcon } from "../ui/parts";
import { Away, ROW } from "./Away";
import { type FloorAgent, type FloorSite, type SortKey, sorted, tooLong } from "./board";
import { type Seat, sameSeat } from "./Seat";
import { TalkActs } from "./TalkActs";

const COLUMNS: [SortKey | "skills", boolean][] = [
  ["agent", true],
  ["status", true],
  ["since", true],
  ["call", true],
  ["skills", false],
  ["handled", true],
];

/** Which agents are shown, as a table or as cards; `chosen`: whose drawer is open. */
export interface AgentsShown {
  agents: FloorAgent[];
  site: FloorSite;
  chosen: string;
  seat: Seat;
  onChoose: (id: string) => void;
}

export function AgentTable({ agents, site, chosen, seat, onChoose }: AgentsShown) {
  const t = useT();
  const [by, setBy] = useState<SortKey>("agent");
  const [down, setDown] = useState(false);
  const sort = (key: SortKey) => {
    setDown(key === by && !down);
    setBy(key);
  };
  const [table, setTable] = useState<HTMLTableElement | null>(null);
  const rows = useMemo(() => sorted(agents, by, down), [agents, by, down]);
  const { from, to, long } = useRows(table?.parentElement ?? null, rows.length, ROW);
  return (
    <table className={`floor-table${long ? " long" : ""}`} ref={setTable} aria-rowcount={rows.length + 1}>
      <thead>
        <tr>
          {COLUMNS.map(([key, sorts]) => (
            <th
              key={key}
              aria-sort={key === by ? (down ? "descending" : "ascending") : undefined}
              className={key === "handled" || key === "since" ? "right" : ""}
            >
              {sorts ? (
                <button type="button" data-testid={`sort-${key}`} onClick={() => sort(key as SortKey)}>
                  {t(`floor.${key}`)}
                  {key === by && (down ? <CaretUpOutlined /> : <CaretDownOutlined />)}
                </button>
              ) : (
                t(`floor.${key}`)
              )}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        <Away rows={from} columns={COLUMNS.length} />
        {rows.slice(from, to).map((agent, place) => (
          <AgentRow
            key={agent.id}
            agent={agent}
            site={site}
            seat={seat}
            place={from + place + 2}
            chosen={agent.id === chosen}
            onChoose={onChoose}
          />
        ))}
        <Away rows={rows.length - to} columns={COLUMNS.length} />
      </tbody>
    </table>
  );
}

/** `place`: which row of the whole table it is. Only those whose agent has changed are drawn again. */
const AgentRow = memo(function AgentRow({ agent, site, place, chosen, seat, onChoose }: Row) {
  const t = useT();
  const reason = named(site.reasons, agent.reason);
  const call = agent.call;
  const here = agent.state !== "null";
  return (
    <tr
      className={`${chosen ? "chosen" : ""}${here ? "" : " out"}`}
      data-testid={`agent-${agent.id}`}
      data-state={agent.state}
      aria-rowindex={place}
      onClick={() => onChoose(agent.id)}
    >
      <td>
        <button type="button" className="floor-name" data-testid={`open-${agent.id}`}>
          <b>{pick(agent.name)}</b> <span className="num">{agent.id}</span>
        </button>
        <small>{pick(site.groups[agent.group])}</small>
      </td>
      <td>
        <span className={`state state-${STATE_CLASS[agent.state]}`}>
          <StateIcon state={agent.state} />
          {t(`state.${agent.state}`)}
        </span>
        <small>
          {agent.state === "not_ready" && reason}
          {agent.pending && t("floor.pending", { name: reason || t("state.not_ready") })}
          {here && !agent.reachable && <em>{t("floor.unreachable")}</em>}
          {agent.unread > 0 && (
            <em>
              <MessageOutlined /> {t("floor.unread", { count: agent.unread })}
            </em>
          )}
        </small>
      </td>
      <HowLong agent={agent} site={site} />
      <td>
        {call && (
          <div className="floor-call">
            <span>
              {call.name || phoneNumber(call.number) || t("call.anonymous")}
              <small>
                {pick(site.queues[call.queue]?.name) || call.queue} {call.held && <em>{t("floor.held")}</em>}
              </small>
            </span>
            <TalkActs conversation={call.conversation} agent={agent.id} seat={seat} who={pick(agent.name)} />
          </div>
        )}
      </td>
      <td className="floor-skills" title={skillsOf(agent)}>
        {skillsOf(agent)}
      </td>
      <td className="num right">{here && agent.handled}</td>
    </tr>
  );
}, sameRow);

interface Row {
  agent: FloorAgent;
  site: FloorSite;
  chosen: boolean;
  seat: Seat;
  place?: number;
  onChoose: (id: string) => void;
}

/** Nothing that an agent's row (or card) shows has changed. */
export function sameRow(one: Row, other: Row): boolean {
  return (
    one.agent === other.agent &&
    one.site === other.site &&
    one.chosen === other.chosen &&
    one.place === other.place &&
    one.onChoose === other.onChoose &&
    sameSeat(one.seat, other.seat, other.agent.call?.conversation)
  );
}

/** The one cell that changes by itself, once a second. */
function HowLong({ agent, site }: { agent: FloorAgent; site: FloorSite }) {
  const now = useServerNow();
  return (
    <td className={`num right level-${tooLong(agent, now, site.floor)}`}>
      {agent.state !== "null" && duration(now - agent.since)}
    </td>
  );
}

const skillsOf = (agent: FloorAgent) =>
  Object.entries(agent.skills)
    .map(([skill, level]) => `${skill} ${level}`)
    .join(" · ");
