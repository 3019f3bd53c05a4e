/** Top bar: who I am and in which state since when, how my queues stand, how the phone is, how fresh all this is. */
import { CheckOutlined, DownOutlined, LaptopOutlined, LogoutOutlined, PhoneOutlined } from "@ant-design/icons";
import { Button, Dropdown, type MenuProps, Popover, Tooltip } from "antd";
import { useState } from "react";
import { duration } from "../engine/clock";
import { type DeskChoice, logout, setNotReady, setReady, startAtDesk, startWork } from "../engine/desktop";
import { meOf, pulse, queueOf, siteOf, useApp } from "../engine/store";
import type { Text } from "../engine/types";
import { pick, useT } from "../i18n";
import { PATHS } from "../lead/pages";
import { DeviceChoice, deskChoice } from "./DeviceChoice";
import { useServerNow, useTicking } from "./hooks";
import { PhonePanel } from "./PhonePanel";
import { Key, Logo, named, Since, STATE_CLASS, StateIcon } from "./parts";
import { LanguageSwitch, ThemeSwitch } from "./switches";

export function TopBar() {
  const me = useApp(meOf);
  const login = useApp((state) => state.login);
  const t = useT();
  return (
    <header className="topbar">
      <Logo size={26} />
      {me?.signed_in ? <StateSelect /> : me && <StartWork />}
      <div className="spacer" />
      {me?.signed_in && (
        <div className="topbar-queues" data-testid="queues">
          {me.queues.slice(0, 3).map((id) => (
            <QueueFigure key={id} id={id} />
          ))}
        </div>
      )}
      {me?.signed_in && <PhoneChip />}
      <Freshness />
      {login && login.role !== "agent" && (
        <Button type="text" className="quiet" href={PATHS.floor} data-testid="to-lead">
          {t("top.floor")}
        </Button>
      )}
      <LanguageSwitch />
      <ThemeSwitch />
      <Dropdown
        trigger={["click"]}
        menu={{
          items: [{ key: "logout", icon: <LogoutOutlined />, label: t("top.logout") }],
          onClick: () => void logout(),
        }}
      >
        <Button type="text" className="quiet me" data-testid="me-menu">
          <span className="me-name">{pick(me?.name ?? login?.name)}</span>
          <span className="num">{me?.agent ?? login?.user}</span>
        </Button>
      </Dropdown>
    </header>
  );
}

/** His own desk phone is proposed if he has one; on a site without desk phones there is nothing to choose. */
function StartWork() {
  const t = useT();
  const own = useApp((state) => meOf(state)?.own_phone ?? null);
  const some = useApp((state) => (siteOf(state)?.desk_phones || siteOf(state)?.outside) ?? false);
  const [busy, setBusy] = useState(false);
  const [open, setOpen] = useState(false);
  const [picked, setPicked] = useState<(DeskChoice & { name: Text }) | "browser" | null>(null);
  const choice = picked ?? (own ? { ...own, takeOver: false } : "browser");
  const start = async () => {
    setBusy(true);
    await (choice === "browser" ? startWork() : startAtDesk(choice));
    setBusy(false);
  };
  const list = (
    <DeviceChoice
      chosen={choice === "browser" ? "" : choice.id}
      onChoose={(phone) => {
        setPicked(phone ? { ...deskChoice(phone), name: phone.name } : "browser");
        setOpen(false);
      }}
    />
  );
  return (
    <>
      <span className="state state-off" data-testid="state" data-state="null">
        <StateIcon state="null" />
        {t("state.null")}
      </span>
      <Button type="primary" data-testid="start-work" loading={busy} onClick={() => void start()}>
        {t("top.start")}
      </Button>
      {some && (
        <Popover
          content={list}
          trigger="click"
          open={open}
          onOpenChange={setOpen}
          destroyOnHidden
          placement="bottomLeft"
        >
          <Button type="text" className="quiet start-device" data-testid="start-device">
            {choice === "browser" ? <LaptopOutlined /> : <PhoneOutlined />}
            {choice === "browser" ? t("device.browser") : pick(choice.name)}
            <DownOutlined className="state-caret" />
          </Button>
        </Popover>
      )}
    </>
  );
}

function StateSelect() {
  const t = useT();
  const me = useApp(meOf);
  const site = useApp(siteOf);
  if (!me) return null;
  const working = me.state === "busy" || me.state === "working_after_call" || me.state === "reserved";
  const reason = named(site?.reasons, me.reason);
  const chosen = me.ready ? "ready" : me.reason;
  const tick = (id: string) => (id === chosen ? <CheckOutlined /> : <span className="no-icon" />);
  const items: MenuProps["items"] = [
    { key: "ready", icon: tick("ready"), label: t("state.ready"), className: "pick-ready" },
    { type: "divider" },
    {
      type: "group",
      label: t("top.reasons"),
      children: (site?.reasons ?? []).map((entry) => ({
        key: entry.id,
        icon: tick(entry.id),
        label: pick(entry.name),
      })),
    },
  ];
  const choose = (key: string) => void (key === "ready" ? setReady() : setNotReady(key));
  return (
    <>
      <Dropdown trigger={["click"]} menu={{ items, onClick: ({ key }) => choose(key) }}>
        <button
          type="button"
          className={`state state-${STATE_CLASS[me.state]}`}
          data-testid="state-select"
          data-state={me.state}
          data-reason={me.reason}
        >
          <StateIcon state={me.state} />
          <span className="state-word">{t(`state.${me.state}`)}</span>
          {me.state === "not_ready" && reason && <span className="state-reason">{reason}</span>}
          <Since at={me.since} />
          <DownOutlined className="state-caret" />
        </button>
      </Dropdown>
      {working && !me.ready && me.pending && (
        <span className="next" data-testid="next-state">
          {t("top.next", { name: reason || t("state.not_ready") })}
        </span>
      )}
      {!me.ready ? (
        <Button data-testid="ready-button" className="state-button go" onClick={() => void setReady()}>
          {t("top.ready")} <Key name="F8" />
        </Button>
      ) : (
        <Button
          data-testid="notready-button"
          className="state-button"
          onClick={() => site?.reasons[0] && void setNotReady(site.reasons[0].id)}
        >
          {t("top.not_ready")} <Key name="F8" />
        </Button>
      )}
    </>
  );
}

function QueueFigure({ id }: { id: string }) {
  const t = useT();
  const queue = useApp(queueOf(id));
  const site = useApp(siteOf);
  const now = useServerNow();
  if (!queue) return null;
  const limit = site?.queues[id]?.service_level_seconds ?? 20;
  const longest = queue.longest_since === null ? 0 : now - queue.longest_since;
  const late = queue.waiting > 0 && longest > limit;
  const detail = `${t("top.longest", { time: duration(longest) })} · ${t("top.staffed", queue as never)}`;
  return (
    <Tooltip title={`${pick(queue.name)}: ${t("top.waiting", { count: queue.waiting })} · ${detail}`}>
      <div className={`queue-figure${queue.waiting > 0 ? " some" : ""}${late ? " late" : ""}`}>
        <span className="queue-name">{pick(queue.name)}</span>
        <b className="num">{queue.waiting}</b>
        {queue.waiting > 0 && <span className="num queue-longest">{duration(longest)}</span>}
      </div>
    </Tooltip>
  );
}

function PhoneChip() {
  const t = useT();
  const device = useApp((state) => state.device);
  const status = useApp((state) => state.phone.status);
  const registered = useApp((state) => meOf(state)?.phone?.registered ?? false);
  const [open, setOpen] = useState(false);
  const desk = useApp((state) => (state.device === "desk" ? (meOf(state)?.phone ?? null) : null));
  let word: string = device;
  if (device === "here") word = status === "off" ? "connecting" : status;
  if (device === "desk" && !desk?.contact) word = "desk_away";
  // The page's own registration is not the whole truth: the server must have seen it too.
  if (word === "ready" && !registered) word = "connecting";
  const tone = word === "ready" || word === "desk" ? "ok" : ["asking", "connecting"].includes(word) ? "wait" : "bad";
  return (
    <Popover
      content={<PhonePanel onChosen={() => setOpen(false)} />}
      trigger="click"
      open={open}
      onOpenChange={setOpen}
      destroyOnHidden
      placement="bottomRight"
    >
      <button type="button" className={`phone-chip ${tone}`} data-testid="phone-status" data-status={word}>
        <i className="dot" />
        {t(`phone.${word}`, { name: pick(desk?.desk?.name) })}
      </button>
    </Popover>
  );
}

/** "live", or how old the picture is; grey after three seconds without a word from the server. */
function Freshness() {
  const t = useT();
  const link = useApp((state) => state.link);
  const age = useTicking(() => (pulse.at ? Math.floor((performance.now() - pulse.at) / 1000) : 0));
  const stale = link !== "live" || age >= 3;
  const word = link !== "live" ? t("top.reconnecting") : age >= 3 ? t("top.stale", { seconds: age }) : t("top.live");
  return (
    <Tooltip title={t("top.fresh_hint")}>
      <span className={`fresh${stale ? " stale" : ""}`} data-testid="freshness" data-stale={stale}>
        <i className="dot" />
        {word}
      </span>
    </Tooltip>
  );
}
