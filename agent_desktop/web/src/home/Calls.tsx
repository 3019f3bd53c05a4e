/** My calls, newest first, found by words, played back. */
import {
  CaretRightFilled,
  CustomerServiceOutlined,
  DisconnectOutlined,
  PauseOutlined,
  PhoneOutlined,
  SearchOutlined,
} from "@ant-design/icons";
import { Button, Tooltip } from "antd";
import { useCallback, useEffect, useState } from "react";
import { api } from "../engine/api";
import { duration } from "../engine/clock";
import { command } from "../engine/desktop";
import { clock, meOf, siteOf, useApp } from "../engine/store";
import type { CallRecord } from "../engine/types";
import { has, pick, useLanguage, useT } from "../i18n";
import { clockTime, daysAgo, phoneNumber, shortDate } from "../ui/format";
import { Player } from "../ui/Player";
import { Empty, named } from "../ui/parts";

const PAGE = 50;
const TYPING_MS = 250;
/** The last list, so that coming back from a call shows it at once. */
let known: { user: string; calls: CallRecord[] } = { user: "", calls: [] };

function useCalls(search: string) {
  const user = useApp((state) => state.login?.user ?? "");
  const version = useApp((state) => state.callsVersion);
  const [calls, setCalls] = useState<CallRecord[] | null>(known.user === user ? known.calls : null);
  const [failed, setFailed] = useState(false);
  const [full, setFull] = useState(false);
  const load = useCallback(async () => {
    try {
      const list = await api.calls(PAGE, undefined, search);
      if (!search) known = { user, calls: list };
      setCalls(list);
      setFull(list.length >= PAGE);
      setFailed(false);
    } catch {
      setFailed(true);
    }
  }, [user, search]);
  const last = calls?.at(-1)?.queued_at;
  const more = useCallback(async () => {
    if (!last) return;
    try {
      const next = await api.calls(PAGE, last, search);
      setCalls((before) => [...(before ?? []), ...next]);
      setFull(next.length >= PAGE);
    } catch {
      setFailed(true);
    }
  }, [last, search]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new version means that the list has changed
  useEffect(() => {
    const soon = setTimeout(() => void load(), search ? TYPING_MS : 0);
    // The file of a recording follows the call by a moment.
    const later = setTimeout(() => void load(), 1500);
    return () => {
      clearTimeout(soon);
      clearTimeout(later);
    };
  }, [load, version]);
  return { calls, failed, full, load, more };
}

export function Calls({ search }: { search: string }) {
  const t = useT();
  const { calls, failed, full, load, more } = useCalls(search.trim());
  const [playing, setPlaying] = useState<CallRecord | null>(null);
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
        {search ? (
          <Empty icon={<SearchOutlined />} title={t("day.nothing_found")} hint={t("day.nothing_found_hint")} />
        ) : (
          <Empty icon={<CustomerServiceOutlined />} title={t("home.empty")} hint={t("home.empty_hint")} />
        )}
      </div>
    );
  }
  return (
    <>
      <ul className="call-rows" data-testid="call-list">
        {calls.map((call) => (
          <CallRow
            key={call.contact}
            call={call}
            playing={playing?.contact === call.contact}
            onPlay={(chosen) => setPlaying(chosen)}
          />
        ))}
        {full && (
          <li className="call-more">
            <Button type="link" onClick={() => void more()}>
              {t("home.more")}
            </Button>
          </li>
        )}
      </ul>
      {playing && <Player key={playing.conversation} call={playing} onClose={() => setPlaying(null)} />}
    </>
  );
}

/** When it was: the day before the time unless it was today. */
export function At({ at }: { at: number }) {
  const t = useT();
  const language = useLanguage();
  const days = daysAgo(at, clock.now());
  return (
    <span className="call-at num">
      {days > 0 && <small>{days === 1 ? t("home.day_yesterday") : shortDate(at, language)}</small>}
      {at ? clockTime(at, language) : "—"}
    </span>
  );
}

export function Caller({ name, number }: { name: string; number: string }) {
  const t = useT();
  return (
    <span className="call-name">
      <b>{name || phoneNumber(number) || t("call.anonymous")}</b>
      {name && <small className="num">{phoneNumber(number)}</small>}
    </span>
  );
}

/** Calls the number again, on a site where agents may call outside; a colleague's (`inside`) on any. */
export function Redial({ name, number, inside = false }: { name: string; number: string; inside?: boolean }) {
  const t = useT();
  const offered = useApp((state) => (inside || (siteOf(state)?.outside ?? false)) && (meOf(state)?.signed_in ?? false));
  if (!offered || !number) return null;
  return (
    <Button
      shape="circle"
      size="small"
      className="call-play"
      data-testid="redial"
      icon={<PhoneOutlined />}
      aria-label={`${t("day.redial")}: ${name || phoneNumber(number)}`}
      title={t("day.redial")}
      onClick={() => void command("MakeCall", { number })}
    />
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
  const site = useApp(siteOf);
  const me = useApp((state) => meOf(state)?.agent);
  const name = call.customer?.name || call.caller_name;
  const inside = call.medium === "internal";
  // A colleague's number is his name for the one who may not know him; it is dialled like any other.
  const number = inside ? (call.callee === me ? call.agent : call.callee) || "" : call.caller_number;
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
      <At at={call.answered_at ?? call.queued_at ?? call.ended_at ?? 0} />
      <Caller name={name} number={number} />
      <span className="call-queue">
        {inside ? t("dial.inside") : pick(site?.queues[call.queue]?.name) || call.queue}
      </span>
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
          aria-label={`${t(playing ? "home.close_player" : "home.play")}: ${name || phoneNumber(call.caller_number)}`}
          onClick={() => onPlay(playing ? null : call)}
        />
      ) : (
        <span className="call-norec" title={t("home.no_recording")}>
          —
        </span>
      )}
      <Redial name={name} number={number} inside={inside} />
    </li>
  );
}
