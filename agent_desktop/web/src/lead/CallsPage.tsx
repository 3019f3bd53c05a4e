/** The team lead's page of calls: who talks, and listen, whisper, barge, take over, disconnect. */
import { AudioOutlined, CustomerServiceOutlined, DisconnectOutlined, EyeOutlined } from "@ant-design/icons";
import { App, Button, Modal, Select } from "antd";
import i18next from "i18next";
import { useCallback, useEffect, useRef, useState } from "react";
import { ApiError, api } from "../engine/api";
import { duration } from "../engine/clock";
import type { PhoneState } from "../engine/phone";
import type { Directory, Login, PhoneChoice } from "../engine/types";
import { pick, useT } from "../i18n";
import { callsEn } from "../i18n/callsEn";
import { callsZh } from "../i18n/callsZh";
import { phoneNumber } from "../ui/format";
import { useServerNow } from "../ui/hooks";
import { Empty, sentence } from "../ui/parts";
import { type Mode, mine, SeatPhone, type SeatPhoneDoc, type Talk, type TalksNow, talks, whoHears } from "./calls";
import { LeadPage } from "./LeadPage";
import { useLiveList } from "./live";
import "./calls.css";

i18next.addResourceBundle("zh", "translation", { calls: callsZh }, true);
i18next.addResourceBundle("en", "translation", { calls: callsEn }, true);

const MODES: Mode[] = ["listen", "whisper", "barge"];
const OFF: PhoneState = { status: "off", call: null, problem: null };

export function CallsPage() {
  return <LeadPage place="calls">{({ who, ended }) => <Calls who={who} onEnded={ended} />}</LeadPage>;
}

function Calls({ who, onEnded }: { who: Login; onEnded: () => void }) {
  const t = useT();
  const { message } = App.useApp();
  const { list, away } = useLiveList<TalksNow>("/api/v1/talks/live", onEnded);
  const [phone, setPhone] = useState<PhoneState>(OFF);
  const seat = useRef<SeatPhone | null>(null);
  const [ending, setEnding] = useState<Talk | null>(null);
  seat.current ??= new SeatPhone(setPhone);

  const act = useCallback(
    async (work: () => Promise<unknown>) => {
      try {
        await work();
      } catch (error) {
        void message.error(sentence(error instanceof ApiError ? error.code : "no_phone"));
      }
    },
    [message],
  );
  // The page was loaded anew: it is the phone again before the next click, and a call that was taken over rings here.
  useEffect(() => {
    if (seat.current?.held) void act(async () => seat.current?.take());
  }, [act]);

  const own = list && mine(list.talks, who.user);
  const come = (talk: Talk, mode: Mode) =>
    act(async () => {
      if (own?.talk.conversation === talk.conversation) return talks.change(talk.conversation, mode);
      if (own && !own.taken) await talks.stop(own.talk.conversation);
      if (!list?.phone?.desk && phone.status !== "ready") await seat.current?.take();
      await talks.monitor(talk.conversation, mode);
    });
  const chooseDesk = (desk: string) =>
    act(async () => {
      if (!desk) return seat.current?.take();
      await talks.desk(desk);
      seat.current?.drop();
    });

  if (!list) return <main className="lead-main one" aria-busy="true" />;
  return (
    <main className="lead-main one calls-main">
      {own ? (
        <OwnBar talk={own.talk} taken={own.taken} come={come} act={act} problem={phone.problem} />
      ) : (
        <PhoneBar phone={list.phone} ready={phone.status === "ready"} onChoose={(desk) => void chooseDesk(desk)} />
      )}
      <section className="card lead-list" data-testid="calls">
        <header className="card-head">
          <h2>{t("calls.all")}</h2>
          <small className="lead-hint">{t("calls.hint")}</small>
          {away && (
            <span className="lead-failed" role="status">
              {t("calls.away")}
            </span>
          )}
        </header>
        {list.talks.length === 0 && (
          <Empty icon={<CustomerServiceOutlined />} title={t("calls.empty")} hint={t("calls.empty_hint")} />
        )}
        {list.talks.length > 0 && (
          <div className="lead-scroll">
            <table className="lead-table">
              <thead>
                <tr>
                  {["agent", "customer", "queue", "state", "since", "lead"].map((name) => (
                    <th key={name}>{t(`calls.${name}`)}</th>
                  ))}
                  <th />
                </tr>
              </thead>
              <tbody>
                {list.talks.map((talk) => (
                  <Row
                    key={talk.conversation}
                    talk={talk}
                    user={who.user}
                    onCome={(mode) => void come(talk, mode)}
                    onEnd={() => setEnding(talk)}
                  />
                ))}
              </tbody>
            </table>
          </div>
        )}
      </section>
      <Modal
        open={ending !== null}
        title={ending && t("calls.sure", { agent: pick(ending.agent_name) || ending.agent })}
        okText={t("calls.disconnect")}
        cancelText={t("calls.cancel")}
        okButtonProps={{ danger: true }}
        onCancel={() => setEnding(null)}
        onOk={() => {
          const talk = ending;
          setEnding(null);
          if (talk) void act(() => talks.disconnect(talk.conversation));
        }}
      >
        <p className="lead-sure">{t("calls.sure_hint")}</p>
      </Modal>
    </main>
  );
}

type Act = (work: () => Promise<unknown>) => Promise<void>;

/** Who is heard and who hears me, in words, and what can be done about it. */
function OwnBar({
  talk,
  taken,
  come,
  act,
  problem,
}: {
  talk: Talk;
  taken: boolean;
  come: (talk: Talk, mode: Mode) => Promise<void>;
  act: Act;
  problem: PhoneState["problem"];
}) {
  const t = useT();
  const hears = whoHears(talk, taken);
  const name = talk.conversation;
  return (
    <section className="card calls-own" data-testid="own-call" data-hears={hears} aria-live="polite">
      <AudioOutlined className={hears === "barge" || taken ? "calls-heard" : ""} />
      <div>
        <b>{t(`calls.hears.${hears}`)}</b>
        <small>
          {t("calls.in_call", {
            agent: taken ? t("calls.me") : pick(talk.agent_name) || talk.agent || "–",
            customer: talk.customer || phoneNumber(talk.number) || t("calls.somebody"),
          })}
          {problem && ` · ${sentence(problem)}`}
        </small>
      </div>
      <span className="spacer" />
      {!taken &&
        MODES.map((mode) => (
          <Button
            key={mode}
            type={talk.monitor?.mode === mode ? "primary" : "default"}
            aria-pressed={talk.monitor?.mode === mode}
            data-testid={`own-${mode}`}
            onClick={() => void come(talk, mode)}
          >
            {t(`calls.${mode}`)}
          </Button>
        ))}
      {!taken && (
        <Button data-testid="own-take-over" onClick={() => void act(() => talks.takeOver(name))}>
          {t("calls.take_over")}
        </Button>
      )}
      {!taken && (
        <Button data-testid="own-leave" onClick={() => void act(() => talks.stop(name))}>
          {t("calls.leave")}
        </Button>
      )}
      {taken && (
        <Button
          data-testid="own-hold"
          onClick={() => void act(() => (talk.state === "held" ? talks.retrieve(name) : talks.hold(name)))}
        >
          {t(talk.state === "held" ? "calls.retrieve" : "calls.hold")}
        </Button>
      )}
      {taken && <SendOn onSend={(to) => void act(() => talks.transfer(name, to))} />}
      {taken && (
        <Button danger data-testid="own-hang-up" onClick={() => void act(() => talks.hangUp(name))}>
          {t("calls.hang_up")}
        </Button>
      )}
    </section>
  );
}

/** Whom the customer is sent to: a colleague or a queue, as the directory shows them when the list is opened. */
function SendOn({ onSend }: { onSend: (to: Record<string, string>) => void }) {
  const t = useT();
  const [found, setFound] = useState<Directory | null>(null);
  const agents = (found?.agents ?? []).map((agent) => ({
    value: `to_agent/${agent.id}`,
    label: `${pick(agent.name)} ${agent.id} · ${t(`state.${agent.state}`)}`,
  }));
  const queues = (found?.queues ?? []).map((queue) => ({
    value: `queue/${queue.id}`,
    label: pick(queue.name),
    disabled: queue.closed,
  }));
  return (
    <Select
      showSearch
      value={null}
      placeholder={t("calls.send_on")}
      aria-label={t("calls.send_on")}
      data-testid="own-send-on"
      popupMatchSelectWidth={false}
      optionFilterProp="label"
      options={[...agents, ...queues]}
      onOpenChange={(open) => open && void api.directory().then(setFound, () => setFound(null))}
      onChange={(chosen: string | null) => {
        const [kind, id] = (chosen ?? "").split("/");
        if (kind && id) onSend({ [kind]: id });
      }}
    />
  );
}

function PhoneBar({
  phone,
  ready,
  onChoose,
}: {
  phone: SeatPhoneDoc | null;
  ready: boolean;
  onChoose: (desk: string) => void;
}) {
  const t = useT();
  const [desks, setDesks] = useState<PhoneChoice[]>([]);
  useEffect(() => {
    talks.phones().then(setDesks, () => setDesks([]));
  }, []);
  const there = phone?.desk ? phone.contact : ready;
  return (
    <section className="card calls-own">
      <CustomerServiceOutlined />
      <span>{t("calls.phone")}</span>
      {desks.length > 0 ? (
        <Select
          size="small"
          value={phone?.desk ?? ""}
          aria-label={t("calls.phone")}
          data-testid="seat-phone"
          popupMatchSelectWidth={false}
          options={[
            { value: "", label: t("calls.this_page") },
            ...desks.map((desk) => ({ value: desk.id, label: pick(desk.name) })),
          ]}
          onChange={onChoose}
        />
      ) : (
        <b>{t("calls.this_page")}</b>
      )}
      <small className="lead-hint" data-testid="seat-ready" data-ready={there}>
        {t(there ? "calls.phone_ready" : "calls.phone_off")}
      </small>
    </section>
  );
}

function Row({
  talk,
  user,
  onCome,
  onEnd,
}: {
  talk: Talk;
  user: string;
  onCome: (mode: Mode) => void;
  onEnd: () => void;
}) {
  const t = useT();
  const now = useServerNow();
  const own = talk.monitor?.user === user || talk.agent === `@${user}`;
  const open = talk.may_listen && !talk.monitor && !own;
  return (
    <tr data-testid="call" data-call={talk.conversation} data-state={talk.state}>
      <td>
        <b>{pick(talk.agent_name) || talk.agent || t("calls.nobody")}</b>
        <small className="num">{talk.agent}</small>
      </td>
      <td>
        {talk.customer || talk.caller || phoneNumber(talk.number)}
        <small className="num">{phoneNumber(talk.number)}</small>
      </td>
      <td>{pick(talk.queue_name) || "–"}</td>
      <td>{t(`calls.${talk.state}`)}</td>
      <td className="num">{duration(now - talk.since)}</td>
      <td>
        {talk.monitor ? (
          <>
            <EyeOutlined /> {talk.monitor.user} · {t(`calls.${talk.monitor.mode}`)}
          </>
        ) : (
          "–"
        )}
      </td>
      <td className="lead-acts">
        {open &&
          MODES.map((mode) => (
            <Button key={mode} size="small" data-testid={mode} onClick={() => onCome(mode)}>
              {t(`calls.${mode}`)}
            </Button>
          ))}
        {talk.agent && !own && (
          <Button size="small" danger icon={<DisconnectOutlined />} data-testid="disconnect" onClick={onEnd}>
            {t("calls.disconnect")}
          </Button>
        )}
      </td>
    </tr>
  );
}
