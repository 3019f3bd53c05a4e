/** The tables of the floor beside the agents': queues, calls. */
import { PhoneOutlined, QuestionCircleOutlined, VerticalAlignTopOutlined } from "@ant-design/icons";
import { Button, Dropdown, Popconfirm } from "antd";
import { memo, type RefObject, useRef, useState } from "react";
import { duration } from "../engine/clock";
import { pick, useT } from "../i18n";
import { phoneNumber } from "../ui/format";
import { useServerNow } from "../ui/hooks";
import { useRows } from "../ui/longlist";
import { HangUpIcon } from "../ui/parts";
import { Away, ROW } from "./Away";
import { type Act, above, type FloorAgent, type FloorCall, type FloorQueue, type FloorSite, tileLevel } from "./board";
import { type Seat, sameSeat } from "./Seat";
import { TalkActs } from "./TalkActs";
import { acts } from "./useFloor";

const share = (value: number | null) => (value === null ? "–" : `${Math.round(value * 100)} %`);

export function QueueTable({ queues, site }: { queues: FloorQueue[]; site: FloorSite }) {
  const t = useT();
  const now = useServerNow();
  return (
    <table className="floor-table">
      <thead>
        <tr>
          <th>{t("floor.name")}</th>
          {["waiting", "longest", "predicted"].map((key) => (
            <th key={key} className="right">
              {t(`floor.${key}`)}
            </th>
          ))}
          <th className="right" title={t("floor.service")}>
            {t("floor.service_now")}
          </th>
          <th className="right" title={t("floor.service")}>
            {t("floor.service_today")}
          </th>
          <th className="right wraps">
            {t("floor.ready")} / {t("floor.busy")} / {t("floor.staffed")}
          </th>
        </tr>
      </thead>
      <tbody>
        {queues.map((queue) => {
          const longest = queue.longest_since === null ? null : Math.max(0, now - queue.longest_since);
          const level = (figure: "waiting" | "longest" | "service_now" | "service_today", value: number | null) =>
            `num right level-${tileLevel(figure, value, site.floor)}`;
          return (
            <tr key={queue.id} data-testid={`floor-queue-${queue.id}`}>
              <td>
                <b>{pick(site.queues[queue.id]?.name)}</b>
                {!queue.open && (
                  <small>
                    <em>{t("floor.closed")}</em>
                  </small>
                )}
              </td>
              <td className={level("waiting", queue.waiting)}>{queue.waiting}</td>
              <td className={level("longest", longest)}>{longest === null ? "–" : duration(longest)}</td>
              <td className="num right">{queue.predicted === null ? "–" : duration(queue.predicted)}</td>
              <td className={level("service_now", queue.service_now)}>{share(queue.service_now)}</td>
              <td className={level("service_today", queue.service_today)}>{share(queue.service_today)}</td>
              <td className="num right">
                {queue.ready} / {queue.busy} / {queue.staffed}
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

const PRIORITIES = [0, 60, 300, 900, 3600];

const CALL_COLUMNS = ["caller", "name", "place", "since"];

export function CallTable({
  calls,
  agents,
  site,
  act,
  seat,
}: {
  calls: FloorCall[];
  agents: FloorAgent[];
  site: FloorSite;
  act: Act;
  seat: Seat;
}) {
  const t = useT();
  const everybody = useRef(agents);
  everybody.current = agents;
  const [table, setTable] = useState<HTMLTableElement | null>(null);
  const { from, to, long } = useRows(table?.parentElement ?? null, calls.length, ROW);
  if (calls.length === 0)
    return (
      <p className="floor-none">
        <PhoneOutlined /> {t("floor.no_calls")}
      </p>
    );
  return (
    <table className={`floor-table${long ? " long" : ""}`} ref={setTable} aria-rowcount={calls.length + 1}>
      <thead>
        <tr>
          {CALL_COLUMNS.map((key) => (
            <th key={key} className={key === "since" ? "right" : ""}>
              {t(`floor.${key}`)}
            </th>
          ))}
          <th>
            <span className="sr-only">{t("nav.acts")}</span>
          </th>
        </tr>
      </thead>
      <tbody>
        <Away rows={from} columns={CALL_COLUMNS.length + 1} />
        {calls.slice(from, to).map((call, place) => (
          <CallRow
            key={call.conversation}
            call={call}
            place={from + place + 2}
            everybody={everybody}
            site={site}
            act={act}
            seat={seat}
          />
        ))}
        <Away rows={calls.length - to} columns={CALL_COLUMNS.length + 1} />
      </tbody>
    </table>
  );
}

interface CallProps {
  call: FloorCall;
  /** Which row of the whole table it is. */
  place: number;
  everybody: RefObject<FloorAgent[]>;
  site: FloorSite;
  act: Act;
  seat: Seat;
}

function sameCall(one: CallProps, other: CallProps): boolean {
  return (
    one.call === other.call &&
    one.place === other.place &&
    one.site === other.site &&
    one.act === other.act &&
    sameSeat(one.seat, other.seat, other.call.conversation)
  );
}

/** Only those whose call has changed are drawn again; `everybody` is looked at when somebody is to be chosen. */
const CallRow = memo(function CallRow({ call, place: nth, everybody, site, act, seat }: CallProps) {
  const t = useT();
  const waits = call.contact !== "" && call.state === "waiting";
  const place = call.state === "reserved" ? "reserved" : call.place;
  return (
    <tr data-testid="floor-call" aria-rowindex={nth} data-place={place} data-contact={call.contact}>
      <td className="floor-who">
        {call.name || phoneNumber(call.number) || t("call.anonymous")}
        {call.name && <small className="num">{phoneNumber(call.number)}</small>}
      </td>
      <td>{pick(site.queues[call.queue]?.name) || call.queue}</td>
      <td>
        {t(`floor.place_${place}`)}
        <small>
          {call.agents.join(", ")}
          {call.prefer && t("floor.for_agent", { name: call.prefer })}
          {waits && call.head && !call.prefer && t("floor.first")}
          {waits && call.priority > 0 && ` +${duration(call.priority)}`}
        </small>
      </td>
      <HowLong call={call} waits={waits} site={site} />
      <td className="right floor-acts">
        <TalkActs conversation={call.conversation} seat={seat} who={call.name || call.number} />
        {waits && (
          <>
            <Pull call={call} everybody={everybody} act={act} />
            <Dropdown
              trigger={["click"]}
              menu={{
                items: PRIORITIES.map((seconds) => ({
                  key: String(seconds),
                  label: seconds ? t("floor.priority_up", { minutes: seconds / 60 }) : t("floor.priority_none"),
                })),
                onClick: ({ key }) => void act(acts.prioritise(call.contact, Number(key))),
              }}
            >
              <Button
                size="small"
                icon={<VerticalAlignTopOutlined />}
                aria-label={t("floor.priority")}
                title={t("floor.priority")}
                data-testid="priority"
              />
            </Dropdown>
            <Button
              size="small"
              icon={<QuestionCircleOutlined />}
              aria-label={t("floor.why")}
              title={t("floor.why")}
              href={`/lead/waiting#${encodeURIComponent(call.contact)}`}
            />
          </>
        )}
        {call.place !== "booked" && call.place !== "calling" && (
          <Popconfirm
            title={t("floor.end_sure")}
            okText={t("floor.end_call")}
            cancelText={t("floor.close")}
            okButtonProps={{ danger: true }}
            onConfirm={() => void act(acts.end(call.conversation))}
          >
            <Button
              size="small"
              danger
              icon={<HangUpIcon />}
              aria-label={t("floor.end_call")}
              title={t("floor.end_call")}
              data-testid="end-call"
            />
          </Popconfirm>
        )}
      </td>
    </tr>
  );
}, sameCall);

/** The one cell that changes by itself, once a second. */
function HowLong({ call, waits, site }: { call: FloorCall; waits: boolean; site: FloorSite }) {
  const now = useServerNow();
  const { warn_longest_seconds: warn, bad_longest_seconds: bad } = site.floor;
  return (
    <td className={`num right level-${waits ? above(now - call.since, warn, bad) : ""}`}>
      {duration(now - call.since)}
    </td>
  );
}

/** Gives the caller to an agent of his queue. The list is made when it is opened: there may be hundreds. */
function Pull({ call, everybody, act }: { call: FloorCall; everybody: RefObject<FloorAgent[]>; act: Act }) {
  const t = useT();
  const [open, setOpen] = useState(false);
  const items = open
    ? everybody.current
        .filter((agent) => agent.state !== "null" && agent.queues.includes(call.queue))
        .map((agent) => ({
          key: agent.id,
          label: `${pick(agent.name)} ${agent.id} · ${t(`state.${agent.state}`)}`,
        }))
    : [];
  return (
    <Dropdown
      trigger={["click"]}
      open={open}
      onOpenChange={setOpen}
      menu={{ items, onClick: ({ key }) => void act(acts.pull(call.contact, key)) }}
    >
      <Button size="small" data-testid="pull">
        {t("floor.pull")}
      </Button>
    </Dropdown>
  );
}
