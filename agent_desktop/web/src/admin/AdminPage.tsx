/** The administrator's pages: what calls are routed by, changed while they run. */
import {
  ApartmentOutlined,
  CalendarOutlined,
  CoffeeOutlined,
  FlagOutlined,
  HistoryOutlined,
  NumberOutlined,
  PhoneOutlined,
  TeamOutlined,
  UnorderedListOutlined,
  WarningOutlined,
} from "@ant-design/icons";
import { Button } from "antd";
import i18next from "i18next";
import { type ReactNode, useEffect, useState } from "react";
import { useT } from "../i18n";
import { adminEn } from "../i18n/adminEn";
import { adminZh } from "../i18n/adminZh";
import { LeadPage } from "../lead/LeadPage";
import { Empty } from "../ui/parts";
import "./admin.css";
import { Agents } from "./Agents";
import { Calendars } from "./Calendars";
import { Groups } from "./Groups";
import { SaveBar } from "./SaveBar";
import { loadFile, look, useSite } from "./site";
import { Table } from "./Table";
import { Versions } from "./Versions";

i18next.addResourceBundle("zh", "translation", { admin: adminZh }, true);
i18next.addResourceBundle("en", "translation", { admin: adminEn }, true);

const PLACES: [string, ReactNode][] = [
  ["queues", <UnorderedListOutlined key="i" />],
  ["groups", <ApartmentOutlined key="i" />],
  ["agents", <TeamOutlined key="i" />],
  ["calendars", <CalendarOutlined key="i" />],
  ["reasons", <CoffeeOutlined key="i" />],
  ["dispositions", <FlagOutlined key="i" />],
  ["numbers", <NumberOutlined key="i" />],
  ["phones", <PhoneOutlined key="i" />],
  ["versions", <HistoryOutlined key="i" />],
];

export function AdminPage() {
  const t = useT();
  const unsaved = useSite((state) => Object.keys(state.edits).length > 0);
  useEffect(() => {
    if (!unsaved) return;
    const stay = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener("beforeunload", stay);
    return () => window.removeEventListener("beforeunload", stay);
  }, [unsaved]);
  return (
    <LeadPage place="admin" mayLeave={() => !unsaved || window.confirm(t("admin.leave"))}>
      {() => <House />}
    </LeadPage>
  );
}

function House() {
  const t = useT();
  const [place, setPlace] = useState(() => placeOf(location.hash));
  const edits = useSite((state) => state.edits);
  useEffect(() => {
    void look();
    const moved = () => setPlace(placeOf(location.hash));
    window.addEventListener("hashchange", moved);
    return () => window.removeEventListener("hashchange", moved);
  }, []);
  return (
    <div className="admin">
      <nav className="admin-nav" aria-label={t("admin.title")}>
        {PLACES.map(([name, icon]) => (
          <a
            key={name}
            href={`#${name}`}
            data-testid={`nav-${name}`}
            aria-current={name === place ? "page" : undefined}
            className={Object.values(edits).some((edit) => edit.table === name) ? "unsaved" : ""}
          >
            {icon}
            {t(`admin.place.${name}`)}
          </a>
        ))}
      </nav>
      <main className="admin-main">
        <FileState />
        <Place name={place} />
        <SaveBar />
      </main>
    </div>
  );
}

const placeOf = (hash: string): string => {
  const name = hash.replace("#", "").split("/")[0] ?? "";
  return PLACES.some(([each]) => each === name) ? name : "queues";
};

function Place({ name }: { name: string }) {
  const t = useT();
  const view = useSite((state) => state.view);
  const failed = useSite((state) => state.failed);
  if (!view)
    return failed ? (
      <Empty icon={<WarningOutlined />} title={t("admin.away")} hint={t("admin.away_hint")}>
        <Button onClick={() => void look()}>{t("admin.again")}</Button>
      </Empty>
    ) : null;
  switch (name) {
    case "agents":
      return <Agents />;
    case "groups":
      return <Groups />;
    case "calendars":
      return <Calendars />;
    case "versions":
      return <Versions />;
    default:
      return <Table key={name} table={name} />;
  }
}

/** The file was changed by hand: it is not in force until it is loaded. */
function FileState() {
  const t = useT();
  const view = useSite((state) => state.view);
  const busy = useSite((state) => state.busy);
  if (!view || view.in_force) return null;
  const sound = view.faults.length === 0;
  return (
    <div className={`admin-note${sound ? "" : " admin-note-bad"}`} role="status" data-testid="by-hand">
      <WarningOutlined />
      <div>
        <strong>{t(sound ? "admin.by_hand" : "admin.by_hand_bad")}</strong>
        {view.faults.map((fault) => (
          <p key={`${fault.table}${fault.id}${fault.key}${fault.message}`}>
            {[fault.table, fault.id, fault.key].filter(Boolean).join(" / ")} {fault.message}
          </p>
        ))}
      </div>
      <span className="spacer" />
      <Button onClick={() => void look()}>{t("admin.again")}</Button>
      {sound && (
        <Button type="primary" loading={busy} onClick={() => void loadFile()} data-testid="load-file">
          {t("admin.load")}
        </Button>
      )}
    </div>
  );
}
