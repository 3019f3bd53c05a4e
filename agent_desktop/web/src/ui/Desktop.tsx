/** The agent's page: login, or the desktop with its fixed bars and the area that shows who is calling. */
import { UserOutlined, WarningOutlined } from "@ant-design/icons";
import { Button } from "antd";
import { Component, type ReactNode, useEffect, useRef, useState } from "react";
import { answerCall, command, hangUp, notify, phone, rejectCall, setNotReady, setReady } from "../engine/desktop";
import { announce } from "../engine/notices";
import { consultedIn, crowded, keyCommand } from "../engine/parties";
import { currentWork, meOf, siteOf, store, useApp } from "../engine/store";
import type { WorkDoc } from "../engine/types";
import { pick, translate, useT } from "../i18n";
import { Banner } from "./Banner";
import type { OpenBox } from "./CallActions";
import { CallBar } from "./CallBar";
import { CustomerPane } from "./CustomerPane";
import { Home } from "./Home";
import { useHotkeys } from "./hooks";
import { InternalPane } from "./InternalPane";
import { LoginPage } from "./LoginPage";
import { Notices } from "./Notices";
import { Empty, Logo, sentence } from "./parts";
import { TopBar } from "./TopBar";
import "./desktop.css";

export function AgentPage() {
  const screen = useApp((state) => state.screen);
  if (screen === "login") return <LoginPage />;
  if (screen === "desktop") return <Desktop />;
  return <Waiting away={screen === "away"} />;
}

function Waiting({ away }: { away: boolean }) {
  const t = useT();
  return (
    <div className="waiting">
      <Logo size={48} />
      {away && <p>{t("login.away")}</p>}
    </div>
  );
}

/** F8: ready, or not ready with the first reason of the site (the short break). */
function toggleReady(): void {
  const state = store.getState();
  const me = meOf(state);
  if (!me?.signed_in) return;
  const first = siteOf(state)?.reasons[0]?.id;
  if (!me.ready) void setReady();
  else if (first) void setNotReady(first);
}

function Desktop() {
  const [box, setBox] = useState<OpenBox>("");
  const work = useApp(currentWork);
  const call = useApp((state) => state.phone.call);
  const signedIn = useApp((state) => meOf(state)?.signed_in ?? false);
  const known = useApp((state) => meOf(state) !== undefined);
  const talking = work?.kind === "busy" ? work : undefined;
  const offered = work?.kind === "offer" || (call?.phase === "ringing" && call.direction === "in");

  useEffect(() => {
    if (!talking) setBox((open) => (open === "dial" ? open : ""));
    else setBox((open) => (open === "dial" ? "" : open));
  }, [talking]);
  useUnanswered();

  const several = talking && crowded(talking) ? talking : undefined;
  const inParty = (work: WorkDoc, key: "F3" | "F4" | "F6" | "F10") => {
    const name = keyCommand(work, key);
    if (name) void command(name, { conversation: work.conversation });
  };

  useHotkeys({
    ...(offered && { F2: answerCall, F4: rejectCall }),
    ...(talking && {
      F4: () => void hangUp(talking.conversation),
      F6: () => void command(talking.held ? "RetrieveCall" : "HoldCall", { conversation: talking.conversation }),
      F7: () => phone.mute(!phone.state.call?.muted),
      F3: () => setBox((open) => (open === "transfer" ? "" : "transfer")),
      F9: () => setBox((open) => (open === "keypad" ? "" : "keypad")),
    }),
    ...(several && {
      F4: () => inParty(several, "F4"),
      F6: () => inParty(several, "F6"),
      F9: () => {},
      F10: () => inParty(several, "F10"),
      ...((consultedIn(several) || several.task === "consult") && { F3: () => inParty(several, "F3") }),
    }),
    ...(signedIn && { F8: toggleReady }),
    ...(signedIn && !work && { F9: () => setBox((open) => (open === "dial" ? "" : "dial")) }),
  });
  useTitle();
  useNotification(work);

  return (
    <div className="desktop">
      <TopBar />
      <CallBar box={box} onBox={setBox} />
      <Banner />
      <Notices />
      <main className="main">
        <Guard key={work?.contact ?? "home"}>
          {known ? work ? <Pane key={work.contact} work={work} /> : <Home /> : <NoSeat />}
        </Guard>
      </main>
      <Toast />
    </div>
  );
}

function Pane({ work }: { work: WorkDoc }) {
  return work.partner ? <InternalPane work={work} /> : <CustomerPane work={work} />;
}

/** An internal call that came to nothing leaves no wrap-up behind: a sentence says why. */
function useUnanswered(): void {
  const last = useApp((state) => meOf(state)?.unanswered ?? null);
  const told = useRef<number | null>(null);
  const at = last?.at ?? 0;
  useEffect(() => {
    const first = told.current === null;
    if (told.current === at) return;
    told.current = at;
    if (!first && last?.name) notify(`dial_${last.why}`, "info");
  }, [at, last]);
}

/** A fault in the picture of one area must not take the call bar away. */
class Guard extends Component<{ children: ReactNode }, { broken: boolean }> {
  override state = { broken: false };
  static getDerivedStateFromError() {
    return { broken: true };
  }
  override render() {
    return this.state.broken ? <Broken /> : this.props.children;
  }
}

function Broken() {
  const t = useT();
  return (
    <div className="card" data-testid="broken">
      <Empty icon={<WarningOutlined />} title={t("home.broken")} hint={t("home.broken_hint")}>
        <Button onClick={() => location.reload()}>{t("home.reload")}</Button>
      </Empty>
    </div>
  );
}

/** An agent's login without a seat; leads and administrators are on the floor page by then. */
function NoSeat() {
  const t = useT();
  const told = useApp((state) => state.link === "live" && siteOf(state) !== undefined);
  if (!told) return null;
  return (
    <div className="card">
      <Empty icon={<UserOutlined />} title={t("home.no_seat")} hint={t("home.no_seat_hint")} />
    </div>
  );
}

/** While it rings the tab's title and sign call too: the agent may be in another tab. */
function useTitle(): void {
  const ringing = useApp((state) => {
    const work = currentWork(state);
    return work?.kind === "offer" ? work.customer?.name || work.caller.name || work.caller.number || "?" : "";
  });
  useEffect(() => {
    document.title = "Hollyhock";
    if (!ringing) return;
    let on = false;
    const flash = () => {
      on = !on;
      document.title = on ? `☎ ${ringing}` : `${translate("call.offer")} · Hollyhock`;
    };
    flash();
    const timer = setInterval(flash, 900);
    favicon("/hollyhock-ringing.svg");
    return () => {
      clearInterval(timer);
      favicon("/hollyhock.svg");
      document.title = "Hollyhock";
    };
  }, [ringing]);
}

/** Whoever looks at another window is told by the system. */
function useNotification(work: WorkDoc | undefined): void {
  const t = useT();
  const site = useApp(siteOf);
  useEffect(() => {
    announce(work, ({ customer, caller, queue }) => ({
      title: t("day.notify_title", { name: customer?.name || caller.name || caller.number || t("call.anonymous") }),
      body: t("day.notify_body", { queue: pick(site?.queues[queue]?.name) || queue }),
    }));
  }, [work, site, t]);
}

function favicon(path: string): void {
  document.querySelector('link[rel="icon"]')?.setAttribute("href", path);
}

/** A refused command says why, in a sentence, where the eye is, and goes away by itself. */
function Toast() {
  useT();
  const notice = useApp((state) => state.notice);
  const shown = useRef(0);
  const [visible, setVisible] = useState(false);
  useEffect(() => {
    if (!notice || notice.id === shown.current) return;
    shown.current = notice.id;
    setVisible(true);
    const timer = setTimeout(() => setVisible(false), 7000);
    return () => clearTimeout(timer);
  }, [notice]);
  if (!notice || !visible) return null;
  return (
    <div className={`toast toast-${notice.kind}`} role="alert" data-testid="toast" data-code={notice.code}>
      <span>{sentence(notice.code)}</span>
      <Button size="small" type="text" onClick={() => setVisible(false)} aria-label="×">
        ×
      </Button>
    </div>
  );
}
