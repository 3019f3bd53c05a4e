/** The administrator's pages: what calls are routed by, changed while they run. */
import {
  ApartmentOutlined,
  CalendarOutlined,
  CoffeeOutlined,
  FlagOutlined,
  HistoryOutlined,
  LockOutlined,
  LogoutOutlined,
  NumberOutlined,
  PhoneOutlined,
  TeamOutlined,
  UnorderedListOutlined,
  WarningOutlined,
} from "@ant-design/icons";
import { Button } from "antd";
import i18next from "i18next";
import { type ReactNode, useEffect, useState } from "react";
import { api } from "../engine/api";
import type { Login } from "../engine/types";
import { useT } from "../i18n";
import { adminEn } from "../i18n/adminEn";
import { adminZh } from "../i18n/adminZh";
import { LoginPage } from "../ui/LoginPage";
import { Empty, Logo } from "../ui/parts";
import { LanguageSwitch, ThemeSwitch } from "../ui/switches";
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

/** Undefined: not known yet; null: nobody. */
type Who = Login | null | undefined;

export function AdminPage() {
  const t = useT();
  const [who, setWho] = useState<Who>(undefined);
  useEffect(() => {
    document.title = `Hollyhock · ${t("admin.title")}`;
    api.me().then(setWho, () => setWho(null));
  }, [t]);
  if (who === undefined) return null;
  if (who === null) return <LoginPage enter={async (user, password) => setWho(await api.login(user, password))} />;
  if (who.role !== "admin")
    return (
      <div className="waiting">
        <Empty icon={<LockOutlined />} title={t("admin.not_you")} hint={t("admin.not_you_hint")}>
          <Button href="/">{t("app.desktop")}</Button>
        </Empty>
      </div>
    );
  return <House who={who} onOut={() => void api.logout().finally(() => setWho(null))} />;
}

function House({ who, onOut }: { who: Login; onOut: () => void }) {
  const t = useT();
  const [place, setPlace] = useState(() => placeOf(location.hash));
  const edits = useSite((state) => state.edits);
  const unsaved = Object.keys(edits).length > 0;
  useEffect(() => {
    void look();
    const moved = () => setPlace(placeOf(location.hash));
    window.addEventListener("hashchange", moved);
    return () => window.removeEventListener("hashchange", moved);
  }, []);
  useEffect(() => {
    if (!unsaved) return;
    const stay = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener("beforeunload", stay);
    return () => window.removeEventListener("beforeunload", stay);
  }, [unsaved]);
  const out = () => {
    if (!unsaved || window.confirm(t("admin.leave"))) onOut();
  };
  return (
    <div className="admin">
      <nav className="admin-nav" aria-label={t("admin.title")}>
        <div className="admin-brand">
          <Logo size={26} />
          <span>Hollyhock</span>
        </div>
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
        <span className="spacer" />
        <div className="admin-foot">
          <span>{who.user}</span>
          <LanguageSwitch />
          <ThemeSwitch />
          <Button
            type="text"
            className="quiet"
            icon={<LogoutOutlined />}
            aria-label={t("admin.logout")}
            onClick={out}
          />
        </div>
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
