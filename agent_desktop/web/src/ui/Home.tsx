/** Between calls: my day in figures, my calls with their recordings, my queues, the keys. Never an empty page. */
import {
  CaretRightFilled,
  CustomerServiceOutlined,
  DisconnectOutlined,
  PauseOutlined,
  ReloadOutlined,
} from "@ant-design/icons";
import { Button, Tooltip } from "antd";
import { useCallback, useEffect, useState } from "react";
import { api } from "../engine/api";
import { duration } from "../engine/clock";
import { clock, meOf, queueOf, siteOf, useApp } from "../engine/store";
import type { CallRecord } from "../engine/types";
import { has, pick, useLanguage, useT } from "../i18n";
import { clockTime, daysAgo, phoneNumber, shortDate } from "./format";
import { useServerNow } from "./hooks";
import { Player } from "./Player";
import { Empty, Key, named } from "./parts";

const PAGE = 50;
const DAY_LIMIT = 500;
/** The last list, so that coming back from a call shows it at once. */
let known: { user: string; calls: CallRecord[] } = { user: "", calls: [] };

function useCalls() {
  const user = useApp((state) => state.login?.user ?? "");
  const version = useApp((state) => state.callsVersion);
  const [calls, setCalls] = useState<CallRecord[] | null>(known.user === user ? known.calls : null);
  const [failed, setFailed] = useState(false);
  const [full, setFull] = useState(false);
  const load = useCallback(async () => {
    try {
      const list = await api.calls(PAGE);
      let page = list;
      // The figures above say "today": they need all of today's calls, however many pages those are.
      while (page.length >= PAGE && list.length < DAY_LIMIT) {
        const last = list.at(-1)?.queued_at;
        if (!last || daysAgo(last, clock.now()) > 0) break;
        page = await api.calls(PAGE, last);
        list.push(...page);
      }
      known = { user, calls: list };
      setCalls(list);
      setFull(page.length >= PAGE);
      setFailed(false);
    } catch {
      setFailed(true);
    }
  }, [user]);
  const more = useCallback(async () => {
    const last = known.calls.at(-1);
    if (!last?.queued_at) return;
    try {
      const next = await api.calls(PAGE, last.queued_at);
      known = { user, calls: [...known.calls, ...next] };
      setCalls(known.calls);
      setFull(next.length >= PAGE);
    } catch {
      setFailed(true);
    }
  }, [user]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new version means that the list has changed
  useEffect(() => {
    void load();
    // Call records follow the call by a moment.
    const later = setTimeout(() => void load(), 1500);
    return () => clearTimeout(later);
  }, [load, version]);
  return { calls, failed, full, load, more };
}

export function Home() {
  const t = useT();
  const list = useCalls();
  const [playing, setPlaying] = useState<CallRecord | null>(null);
  return (
    <div className="home">
      <div className="home-left">
        <Figures calls={list.calls ?? []} />
        <section className="card calls">
          <header className="card-head">
            <h2>{t("home.calls")}</h2>
            <Button
              type="text"
              size="small"
              className="quiet"
              icon={<ReloadOutlined />}
              aria-label={t("home.refresh")}
              title={t("home.refresh")}
              onClick={() => void list.load()}
            />
          </header>
          <CallList {...list} playing={playing} onPlay={setPlaying} />
          {playing && <Player key={playing.conversation} call={playing} onClose={() => setPlaying(null)} />}
        </section>
      </div>
      <aside className="home-right">
        <Queues />
        <Keys />
      </aside>
    </div>
  );
}

function Figures({ calls }: { calls: CallRecord[] }) {
  const t = useT();
  const me = useApp(meOf);
  const now = useServerNow();
  const today = calls.filter((call) => call.answered_at && daysAgo(call.answered_at, now) === 0);
  const talks = today.map((call) => call.talk_seconds ?? 0);
  const total = talks.reduce((sum, talk) => sum + talk, 0);
  const figures: [string, string][] = [
    ["handled", String(Math.max(today.length, 0))],
    ["average", talks.length > 0 ? duration(total / talks.length) : "—"],
    ["longest", talks.length > 0 ? duration(Math.max(...talks)) : "—"],
    ["total", duration(total)],
    ["missed", String(me?.misses ?? 0)],
  ];
  return (
    <section className="figures" aria-label={t("home.today")}>
      {figures.map(([key, value]) => (
        <div key={key} className="card figure" data-testid={`figure-${key}`}>
          <span className="figure-label">{t(`home.${key}`)}</span>
          <b className="num">{value}</b>
        </div>
      ))}
    </section>
  );
}

function CallList({
  calls,
  failed,
  full,
  load,
  more,
  playing,
  onPlay,
}: ReturnType<typeof useCalls> & { playing: CallRecord | null; onPlay: (call: CallRecord | null) => void }) {
  const t = useT();
  if (failed && !calls) {
    return (
      <Empty icon={<DisconnectOutlined />} title={t("home.failed")} hint={t("reject.server_away")}>
        <Button onClick={() => void load()}>{t("home.retry")}</Button>
      </Empty>
    );
  }
  if (!calls) return <div className="call-rows" data-testid="call-list" aria-busy="true" />;
  if (calls.length === 0) {
    return (
      <div data-testid="call-list" className="call-rows">
        <Empty icon={<CustomerServiceOutlined />} title={t("home.empty")} hint={t("home.empty_hint")} />
      </div>
    );
  }
  return (
    <ul className="call-rows" data-testid="call-list">
      {calls.map((call) => (
        <CallRow key={call.contact} call={call} playing={playing?.contact === call.contact} onPlay={onPlay} />
      ))}
      {full && (
        <li className="call-more">
          <Button type="link" onClick={() => void more()}>
            {t("home.more")}
          </Button>
        </li>
      )}
    </ul>
  );
}

function CallRow({
  call,
  playing,
  onPlay,
}: {
  call: CallRecord;
  playing: boolean;
  onPlay: (call: CallRecord | null) => void;
}) {
  const t = useT();
  const language = useLanguage();
  const site = useApp(siteOf);
  const at = call.answered_at ?? call.queued_at ?? call.ended_at ?? 0;
  const days = daysAgo(at, clock.now());
  const name = call.customer?.name || call.caller_name;
  const outcome = call.disposition
    ? named(site?.dispositions, call.disposition)
    : has(`end.${call.end_reason}`)
      ? t(`end.${call.end_reason}`)
      : call.end_reason;
  return (
    <li
      className={`call-row${playing ? " call-playing" : ""}`}
      data-testid="call-row"
      data-conversation={call.conversation}
    >
      <span className="call-at num">
        {days > 0 && <small>{days === 1 ? t("home.day_yesterday") : shortDate(at, language)}</small>}
        {at ? clockTime(at, language) : "—"}
      </span>
      <span className="call-name">
        <b>{name || phoneNumber(call.caller_number) || t("call.anonymous")}</b>
        {name && <small className="num">{phoneNumber(call.caller_number)}</small>}
      </span>
      <span className="call-queue">{pick(site?.queues[call.queue]?.name) || call.queue}</span>
      <span className="call-outcome">
        <span className={`outcome${call.disposition ? "" : " outcome-none"}`}>{outcome}</span>
        {call.note && (
          <Tooltip title={call.note}>
            <small className="call-note">{call.note}</small>
          </Tooltip>
        )}
      </span>
      <span className="call-talk num">{call.talk_seconds === null ? "—" : duration(call.talk_seconds)}</span>
      {call.recording ? (
        <Button
          shape="circle"
          size="small"
          className="call-play"
          data-testid="call-list-play"
          icon={playing ? <PauseOutlined /> : <CaretRightFilled />}
          aria-label={t(playing ? "home.close_player" : "home.play")}
          onClick={() => onPlay(playing ? null : call)}
        />
      ) : (
        <span className="call-norec" title={t("home.no_recording")}>
          —
        </span>
      )}
    </li>
  );
}

function Queues() {
  const t = useT();
  const me = useApp(meOf);
  return (
    <section className="card queues">
      <header className="card-head">
        <h2>{t("home.queues")}</h2>
      </header>
      {me?.queues.length ? (
        me.queues.map((id) => <QueueCard key={id} id={id} />)
      ) : (
        <p className="queues-empty">{t("home.queues_empty")}</p>
      )}
    </section>
  );
}

function QueueCard({ id }: { id: string }) {
  const t = useT();
  const queue = useApp(queueOf(id));
  const now = useServerNow();
  if (!queue) return null;
  const longest = queue.longest_since === null ? null : now - queue.longest_since;
  return (
    <div className="queue-card" data-testid={`queue-${id}`}>
      <div className="queue-card-name">
        <span>{pick(queue.name)}</span>
        {longest !== null && <span className="num queue-longest">{t("top.longest", { time: duration(longest) })}</span>}
      </div>
      <div className="queue-card-figures">
        {(["waiting", "talking", "ready", "staffed"] as const).map((key) => (
          <span key={key} className={key === "waiting" && queue.waiting > 0 ? "hot" : ""}>
            <b className="num">{queue[key]}</b>
            <small>{t(`home.${key}`)}</small>
          </span>
        ))}
      </div>
    </div>
  );
}

function Keys() {
  const t = useT();
  const rows: [string, string][] = [
    ["F8", "key_ready"],
    ["F2", "key_answer"],
    ["F4", "key_hangup"],
    ["F6", "key_hold"],
    ["F7", "key_mute"],
    ["F3", "key_transfer"],
    ["F9", "key_keypad"],
    ["Enter", "key_done"],
  ];
  return (
    <section className="card keys">
      <header className="card-head">
        <h2>{t("home.keys")}</h2>
      </header>
      <dl>
        {rows.map(([key, name]) => (
          <div key={key}>
            <dt>
              <Key name={key} />
            </dt>
            <dd>{t(`home.${name}`)}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
