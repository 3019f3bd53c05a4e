/** The team lead's floor: agents, queues and calls, live, and what a lead does about them. */
import {
  AppstoreOutlined,
  BarsOutlined,
  BellOutlined,
  HistoryOutlined,
  LockOutlined,
  TeamOutlined,
} from "@ant-design/icons";
import { App, Button, Drawer, Select } from "antd";
import i18next from "i18next";
import { memo, useCallback, useEffect, useMemo, useState } from "react";
import { ApiError } from "../engine/api";
import { pulse } from "../engine/store";
import type { AgentStateName, Login } from "../engine/types";
import { pick, useT } from "../i18n";
import { floorEn } from "../i18n/floorEn";
import { floorZh } from "../i18n/floorZh";
import { useTicking } from "../ui/hooks";
import { Empty, sentence } from "../ui/parts";
import { AgentTable } from "./AgentTable";
import { AgentTiles } from "./AgentTiles";
import { Audit } from "./Audit";
import {
  type Act,
  agentsIn,
  callsIn,
  type Filters,
  type FloorSite,
  filtered,
  queuesIn,
  siteIn,
  together,
} from "./board";
import { CallTable, QueueTable } from "./FloorTables";
import { HourPlots, usePast } from "./Hour";
import { AgentDrawer, MessageBox } from "./LeadActs";
import { LeadPage } from "./LeadPage";
import { EndSure, OwnBar, useSeat } from "./Seat";
import { useFloor } from "./useFloor";
import "./floor.css";

i18next.addResourceBundle("zh", "translation", { floor: floorZh }, true);
i18next.addResourceBundle("en", "translation", { floor: floorEn }, true);

export function FloorPage() {
  return <LeadPage place="floor">{({ who, ended }) => <Floor who={who} onEnded={ended} />}</LeadPage>;
}

function Floor({ who, onEnded }: { who: Login; onEnded: () => void }) {
  const t = useT();
  const { message } = App.useApp();
  const { docs, status } = useFloor(onEnded);
  const seat = useSeat(who, onEnded);
  const [filters, setFilters] = useState<Filters>({ team: "", queue: "", state: "" });
  const [agent, setAgent] = useState("");
  const [open, setOpen] = useState<"" | "message" | "audit">("");
  const [view, setView] = useState(firstView);
  const site = siteIn(docs);
  // What is below is drawn again with every message; it gets the same functions and lists as long as they are the same.
  const act: Act = useCallback(
    async (work) => {
      try {
        await work;
        void message.success(t("floor.done"));
        return true;
      } catch (error) {
        void message.error(sentence(error instanceof ApiError ? error.code : "failed"));
        return false;
      }
    },
    [message, t],
  );
  const close = useCallback(() => setOpen(""), []);
  const leave = useCallback(() => setAgent(""), []);
  const agents = useMemo(() => agentsIn(docs), [docs]);
  const past = usePast(docs);
  const shown = useMemo(() => filtered(agents, filters), [agents, filters]);
  if (!site) return <main className="floor" aria-busy="true" />;
  if (agents.length === 0 && Object.keys(site.queues).length === 0)
    return (
      <main className="floor">
        <Empty icon={<LockOutlined />} title={t("floor.no_team")} hint={t("floor.no_team_hint")} />
      </main>
    );
  const queues = queuesIn(docs).filter((queue) => !filters.queue || queue.id === filters.queue);
  const people = filtered(agents, { ...filters, state: "" });
  const all = together(queues, people);
  const talking = people.filter((each) => each.state === "busy").length;
  const live = { waiting: all.waiting, service: all.service_now, ready: all.ready, talking };
  const Agents = view === "tiles" ? AgentTiles : AgentTable;
  const calls = callsIn(docs).filter((call) => !filters.queue || call.queue === filters.queue);
  return (
    <main className={`floor${status === "live" ? "" : " stale"}`} data-testid="floor">
      <div className="floor-tools">
        <FilterBar site={site} filters={filters} onChange={setFilters} />
        <ViewSwitch view={view} onChange={setView} />
        <span className="spacer" />
        <Fresh status={status} />
        <Button icon={<BellOutlined />} data-testid="message-all" onClick={() => setOpen("message")}>
          {t("floor.message_all")}
        </Button>
        <Button icon={<HistoryOutlined />} data-testid="audit" onClick={() => setOpen("audit")}>
          {t("floor.audit")}
        </Button>
      </div>
      <section className="card floor-agents">
        {shown.length > 0 ? (
          <Agents agents={shown} site={site} chosen={agent} seat={seat} onChoose={setAgent} />
        ) : (
          <Empty icon={<TeamOutlined />} title={t("floor.no_agents")} hint={t("floor.no_agents_hint")} />
        )}
      </section>
      <div className="floor-side">
        <section className="card floor-queues">
          <QueueTable queues={queues} site={site} />
        </section>
        <section className="card floor-hour">
          <HourPlots past={past} queue={filters.queue} team={filters.team} {...live} floor={site.floor} />
        </section>
        <section className="card floor-calls">
          <CallTable calls={calls} agents={agents} site={site} act={act} seat={seat} />
        </section>
      </div>
      <OwnBar seat={seat} />
      <AgentDrawer agent={agents.find((each) => each.id === agent)} site={site} act={act} seat={seat} onClose={leave} />
      <EndSure seat={seat} />
      <MessageBox open={open === "message"} to={null} act={act} onClose={close} />
      <Drawer open={open === "audit"} title={t("floor.audit")} size="large" onClose={close} destroyOnHidden>
        <Audit />
      </Drawer>
    </main>
  );
}

const VIEW_KEY = "hollyhock.floor-view";
type View = "table" | "tiles";
const firstView = (): View => (localStorage.getItem(VIEW_KEY) === "tiles" ? "tiles" : "table");

/** Agents as a table or as cards; the browser remembers it. */
const ViewSwitch = memo(function ViewSwitch({ view, onChange }: { view: View; onChange: (view: View) => void }) {
  const t = useT();
  const other = view === "table" ? "tiles" : "table";
  return (
    <Button
      icon={other === "tiles" ? <AppstoreOutlined /> : <BarsOutlined />}
      data-testid="floor-view"
      data-view={view}
      onClick={() => {
        localStorage.setItem(VIEW_KEY, other);
        onChange(other);
      }}
    >
      {t(`floor.as_${other}`)}
    </Button>
  );
});

const STATES: AgentStateName[] = ["ready", "reserved", "busy", "working_after_call", "not_ready", "null"];

const FilterBar = memo(function FilterBar({
  site,
  filters,
  onChange,
}: {
  site: FloorSite;
  filters: Filters;
  onChange: (filters: Filters) => void;
}) {
  const t = useT();
  const groups = Object.entries(site.groups);
  const choose = (key: keyof Filters, options: { value: string; label: string }[]) => (
    <Select
      value={filters[key]}
      options={[{ value: "", label: t(`floor.${key}`) }, ...options]}
      onChange={(value) => onChange({ ...filters, [key]: value })}
      aria-label={t(`floor.${key}`)}
      data-testid={`filter-${key}`}
      popupMatchSelectWidth={false}
    />
  );
  return (
    <>
      {groups.length > 1 &&
        choose(
          "team",
          groups.map(([id, name]) => ({ value: id, label: pick(name) })),
        )}
      {choose(
        "queue",
        Object.entries(site.queues).map(([id, queue]) => ({ value: id, label: pick(queue.name) })),
      )}
      {choose("state", [
        { value: "present", label: t("floor.present") },
        ...STATES.map((state) => ({ value: state, label: t(`state.${state}`) })),
      ])}
    </>
  );
});

/** How fresh the picture is; grey after three seconds without a word of the server. */
export function Fresh({ status }: { status: string }) {
  const t = useT();
  const age = useTicking(() => (pulse.at ? Math.floor((performance.now() - pulse.at) / 100) / 10 : 0));
  const stale = status !== "live" || age >= 3;
  const [known, setKnown] = useState(false);
  useEffect(() => setKnown(known || status === "live"), [status, known]);
  if (!known) return null;
  return (
    <span className={`fresh${stale ? " stale" : ""}`} data-testid="freshness" data-stale={stale} role="status">
      <i className="dot" />
      {status !== "live"
        ? t("floor.away")
        : t(stale ? "floor.stale" : "floor.live", { seconds: stale ? Math.floor(age) : age.toFixed(1) })}
    </span>
  );
}
