/**
 * A lead's seat on any page: who talks, his phone, what he does in a call, and the bar that says who hears whom.
 * Not here: lists of calls and agents (`CallsPage`, `FloorPage`), the phone itself (`calls.ts`).
 */
import { AudioOutlined, CustomerServiceOutlined } from "@ant-design/icons";
import { App, Button, Modal, Select } from "antd";
import i18next from "i18next";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { ApiError, api } from "../engine/api";
import type { PhoneState } from "../engine/phone";
import type { Directory, Login, PhoneChoice } from "../engine/types";
import { pick, useT } from "../i18n";
import { callsEn } from "../i18n/callsEn";
import { callsZh } from "../i18n/callsZh";
import { phoneNumber } from "../ui/format";
import { sentence } from "../ui/parts";
import { type Mode, mine, SeatPhone, type Talk, type TalksNow, talks, whoHears } from "./calls";
import { useLiveList } from "./live";
import "./calls.css";

i18next.addResourceBundle("zh", "translation", { calls: callsZh }, true);
i18next.addResourceBundle("en", "translation", { calls: callsEn }, true);

export const MODES: Mode[] = ["listen", "whisper", "barge"];
const OFF: PhoneState = { status: "off", call: null, problem: null };
/** How long a take-over waits for the own phone to be in the call. */
const THERE_MS = 15_000;

type Act = (work: () => Promise<unknown>) => Promise<void>;

export interface Seat {
  user: string;
  /** Null until it is known, and always for who may not listen. */
  list: TalksNow | null;
  away: boolean;
  phone: PhoneState;
  own: { talk: Talk; taken: boolean } | null;
  act: Act;
  come: (talk: Talk, mode: Mode) => Promise<void>;
  takeOver: (talk: Talk) => Promise<void>;
  chooseDesk: (desk: string) => Promise<void>;
  ending: Talk | null;
  end: (talk: Talk | null) => void;
}

/** He may come into this call: an agent talks to somebody, and no lead is there. */
export const comes = (seat: Seat, talk: Talk): boolean =>
  talk.may_listen && !talk.monitor && talk.agent !== `@${seat.user}`;

/**
 * For a row that shows one conversation: two seats that say the same of it. A row may keep the older one: what a seat
 * does is done with what is known then. So a floor of hundreds is not drawn anew whenever somewhere a call begins.
 */
export function sameSeat(one: Seat, other: Seat, conversation: string | undefined): boolean {
  if (one === other || conversation === undefined) return true;
  const said = (seat: Seat) => JSON.stringify(seat.list?.talks.find((each) => each.conversation === conversation));
  return said(one) === said(other);
}

export function useSeat(who: Login, onEnded: () => void): Seat {
  const { message } = App.useApp();
  const { list, away } = useLiveList<TalksNow>(who.role === "lead" ? "/api/v1/talks/live" : null, onEnded);
  const [phone, setPhone] = useState<PhoneState>(OFF);
  const [ending, end] = useState<Talk | null>(null);
  const seat = useRef<SeatPhone | null>(null);
  seat.current ??= new SeatPhone(setPhone);
  const own = useMemo(() => list && mine(list.talks, who.user), [list, who.user]);

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

  const waits = useRef<{ conversation: string; done: () => void } | null>(null);
  useEffect(() => {
    const there = own?.talk.monitor?.there && own.talk.conversation === waits.current?.conversation;
    if (there) waits.current?.done();
  }, [own]);

  const now = useRef({ list, phone, own });
  now.current = { list, phone, own };
  // The same object as long as it says the same: every row of the floor has it.
  return useMemo(() => {
    const enter = async (talk: Talk, mode: Mode) => {
      const { list, phone, own } = now.current;
      if (own?.talk.conversation === talk.conversation) return talks.change(talk.conversation, mode);
      if (own && !own.taken) await talks.stop(own.talk.conversation);
      if (!list?.phone?.desk && phone.status !== "ready") await seat.current?.take();
      return talks.monitor(talk.conversation, mode);
    };
    const there = (conversation: string) =>
      new Promise<void>((resolve, reject) => {
        const tooLong = setTimeout(() => {
          waits.current = null;
          reject(new Error("no_phone"));
        }, THERE_MS);
        const done = () => {
          clearTimeout(tooLong);
          waits.current = null;
          resolve();
        };
        waits.current = { conversation, done };
      });
    return {
      user: who.user,
      list,
      away,
      phone,
      own,
      act,
      ending,
      end,
      come: (talk, mode) => act(() => enter(talk, mode)),
      // Only who is in a call can take it over: from outside he listens first, until his phone is there.
      takeOver: (talk) =>
        act(async () => {
          if (now.current.own?.talk.conversation !== talk.conversation) {
            const arrived = there(talk.conversation);
            await Promise.all([enter(talk, "listen"), arrived]);
          }
          await talks.takeOver(talk.conversation);
        }),
      chooseDesk: (desk) =>
        act(async () => {
          if (!desk) return seat.current?.take();
          await talks.desk(desk);
          seat.current?.drop();
        }),
    };
  }, [who.user, list, away, phone, own, act, ending]);
}

/** Asks once before a call is cut off. */
export function EndSure({ seat }: { seat: Seat }) {
  const t = useT();
  const { ending, end, act } = seat;
  return (
    <Modal
      open={ending !== null}
      title={ending && t("calls.sure", { agent: pick(ending.agent_name) || ending.agent })}
      okText={t("calls.disconnect")}
      cancelText={t("calls.cancel")}
      okButtonProps={{ danger: true }}
      onCancel={() => end(null)}
      onOk={() => {
        end(null);
        if (ending) void act(() => talks.disconnect(ending.conversation));
      }}
    >
      <p className="lead-sure">{t("calls.sure_hint")}</p>
    </Modal>
  );
}

/** Who is heard and who hears me, in words, and what can be done about it. */
export function OwnBar({ seat }: { seat: Seat }) {
  const t = useT();
  const { own, act, come, takeOver } = seat;
  if (!own) return null;
  const { talk, taken } = own;
  const problem = seat.phone.problem;
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
          {seat.away && ` · ${t("calls.away")}`}
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
        <Button data-testid="own-take-over" onClick={() => void takeOver(talk)}>
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

export function PhoneBar({ seat }: { seat: Seat }) {
  const t = useT();
  const phone = seat.list?.phone;
  const [desks, setDesks] = useState<PhoneChoice[]>([]);
  useEffect(() => {
    talks.phones().then(setDesks, () => setDesks([]));
  }, []);
  const there = phone?.desk ? phone.contact : seat.phone.status === "ready";
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
          onChange={(desk) => void seat.chooseDesk(desk)}
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
