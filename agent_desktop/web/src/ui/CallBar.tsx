/**
 * The call bar: always in the same place and of the same height, whatever happens. It shows the one thing that the
 * agent can do now; actions that make no sense are not drawn.
 */
import {
  EyeOutlined,
  PauseOutlined,
  PhoneFilled,
  PhoneOutlined,
  RollbackOutlined,
  SwapOutlined,
  TableOutlined,
} from "@ant-design/icons";
import { phone, rejectCall } from "../engine/desktop";
import { canRing } from "../engine/device";
import { type Chooser, chooser } from "../engine/forced";
import { crowded } from "../engine/parties";
import { currentWork, meOf, siteOf, useApp } from "../engine/store";
import type { MeDoc, WorkDoc } from "../engine/types";
import { pick, useT } from "../i18n";
import { Answer, AnswerOnPhone, HangUp, HoldOrRetrieve, Mute, type OpenBox, Opener } from "./CallActions";
import { DialBox } from "./DialBox";
import { phoneNumber } from "./format";
import { Keypad } from "./Keypad";
import { Parties } from "./Parties";
import { Action, ClassMarks, HangUpIcon, named, Since, STATE_CLASS, StateIcon, useCallerName } from "./parts";
import { QualityMark } from "./Quality";
import { TransferBox } from "./TransferBox";
import { WrapUpBar } from "./WrapUpBar";

export function CallBar({ box, onBox }: { box: OpenBox; onBox: (box: OpenBox) => void }) {
  const t = useT();
  const work = useApp(currentWork);
  const stray = useApp((state) => state.phone.call?.phase === "talking");
  return (
    <section
      className={`callbar callbar-${work?.kind ?? "idle"}${work?.callback ? " callbar-callback" : ""}`}
      aria-label={t("day.bar")}
      data-testid="callbar"
      data-kind={work?.kind ?? "idle"}
    >
      {!work && (stray ? <Stray /> : <Idle box={box} onBox={onBox} />)}
      {work?.kind === "offer" && <Offer work={work} />}
      {work?.kind === "busy" && crowded(work) && <Parties work={work} box={box} onBox={onBox} />}
      {work?.kind === "busy" && !crowded(work) && <Talk work={work} box={box} onBox={onBox} />}
      {work?.kind === "wrap_up" && <WrapUpBar key={work.contact} work={work} />}
    </section>
  );
}

/** A leg without work: the conversation ended elsewhere and the line is still up for a moment. */
function Stray() {
  const t = useT();
  return (
    <>
      <div className="callbar-badge tone-busy">
        <PhoneFilled />
      </div>
      <div className="callbar-who">
        <div className="callbar-title quiet-title">{t("call.talking")}</div>
      </div>
      <div className="actions">
        <Action
          data-testid="hangup"
          tone="stop"
          icon={<HangUpIcon />}
          label={t("call.hangup")}
          onClick={() => phone.hangUp()}
        />
      </div>
    </>
  );
}

function Idle({ box, onBox }: { box: OpenBox; onBox: (box: OpenBox) => void }) {
  const t = useT();
  const me = useApp(meOf);
  const rings = useApp((state) => canRing(state.device, state.phone.status === "ready", meOf(state)));
  const state = me?.state ?? "null";
  const blocked = state === "ready" && !rings;
  const alone = state === "not_ready" && (me?.reason === "device_lost" || me?.reason === "misses") ? me.reason : "";
  const user = useApp((app) => app.login?.user ?? "");
  const site = useApp(siteOf);
  const forced = me && !alone && !blocked ? forcedWords(me, chooser(me, user), named(site?.reasons, me.reason), t) : "";
  const key = alone
    ? `idle_${alone}`
    : blocked
      ? "idle_no_phone"
      : state === "ready" || state === "not_ready"
        ? `idle_${state}`
        : "idle_null";
  const tone = blocked ? "notready" : STATE_CLASS[state];
  return (
    <>
      <div className={`callbar-badge tone-${tone}`}>
        <StateIcon state={blocked ? "not_ready" : state} />
      </div>
      <div className="callbar-who">
        <div className="callbar-title quiet-title" role="status">
          {forced || t(`call.${key}`)}
        </div>
        <div className="callbar-sub" data-testid="idle-sub">
          {forced ? t("day.forced_sub") : t(`call.${key}_sub`)}
        </div>
      </div>
      {me?.signed_in && rings && (
        <div className="actions">
          <Opener name="dial" icon={<PhoneOutlined />} word={t("dial.open")} hotkey="F9" box={box} onBox={onBox}>
            <DialBox onClose={() => onBox("")} />
          </Opener>
        </div>
      )}
    </>
  );
}

/** "Lead 2001 set you not ready: Meeting"; "" when it was himself. */
function forcedWords(me: MeDoc, by: Chooser, reason: string, t: ReturnType<typeof useT>): string {
  if (!by) return "";
  const who = by === "system" ? t("day.by_system") : t("day.by_lead", { id: me.chosen_by });
  if (me.ready) return t("day.forced_ready", { who });
  return t(reason ? "day.forced_reason" : "day.forced_not_ready", { who, reason });
}

function Who({ work, live }: { work: WorkDoc; live?: "assertive" }) {
  const t = useT();
  const name = useCallerName(work);
  const site = useApp(siteOf);
  return (
    <div className="callbar-who" aria-live={live}>
      <div className="callbar-title">
        <span data-testid="caller-name">{name}</span>
        {work.callback && (
          <span className="mark mark-callback" data-testid="callback-mark">
            <RollbackOutlined /> {t("callback.mark")}
          </span>
        )}
        <ClassMarks classes={work.customer?.classes.slice(0, 2) ?? []} />
      </div>
      <div className="callbar-sub">
        <span className="num" data-testid="caller-number">
          {work.partner?.agent ?? (work.caller.number ? phoneNumber(work.caller.number) : t("call.anonymous"))}
        </span>
        <span className="sep">·</span>
        <span>{work.partner ? t("dial.inside") : pick(site?.queues[work.queue]?.name) || work.queue}</span>
      </div>
    </div>
  );
}

function Offer({ work }: { work: WorkDoc }) {
  const t = useT();
  const call = useApp((state) => state.phone.call);
  const here = useApp((state) => state.device === "here");
  const desk = useApp((state) => state.device === "desk" && Boolean(meOf(state)?.phone?.desk));
  const answering = call?.phase === "answering" || call?.phase === "talking";
  const asks = work.parties?.find((one) => one.state === "agent")?.name;
  return (
    <>
      <div
        className={`callbar-badge tone-busy${call?.phase === "ringing" || (desk && work.ringing) ? " ringing" : ""}`}
      >
        <PhoneFilled />
      </div>
      <Who work={work} live="assertive" />
      <div className="callbar-clock">
        <span className="phase">
          {t(
            answering
              ? "call.answering"
              : work.callback
                ? "callback.offer"
                : work.task === "consult"
                  ? "party.offer"
                  : call || (desk && work.ringing)
                    ? "call.ringing"
                    : "call.incoming_soon",
            { name: pick(asks) } as never,
          )}
        </span>
        <Since at={work.since} />
      </div>
      {here && !answering && (
        <div className="actions">
          <Answer word={t(work.callback ? "callback.accept" : "call.answer")} />
          <Action
            data-testid="reject"
            icon={<HangUpIcon />}
            label={t("call.reject")}
            hotkey="F4"
            onClick={rejectCall}
          />
        </div>
      )}
      <AnswerOnPhone />
    </>
  );
}

function Talk({ work, box, onBox }: { work: WorkDoc; box: OpenBox; onBox: (box: OpenBox) => void }) {
  const t = useT();
  const call = useApp((state) => state.phone.call);
  const up = call?.phase === "talking";
  const muted = call?.muted ?? false;
  const atDesk = useApp((state) => state.device === "desk");
  const phase = work.calling ? "calling" : work.lost ? "lost" : work.held ? "held" : "talking";
  const { conversation } = work;
  const dials = work.medium === "outbound" || work.medium === "internal";
  const rings = work.calling && work.partner?.calls === true;
  const here = useApp((state) => state.device === "here");
  const callingWord = rings
    ? "dial.incoming"
    : !dials
      ? "callback.calling"
      : work.called_since
        ? "dial.calling"
        : "dial.own_phone";
  return (
    <>
      <div className={`callbar-badge tone-${work.held || work.lost ? "notready" : "busy"}${rings ? " ringing" : ""}`}>
        {work.held ? <PauseOutlined /> : <PhoneFilled />}
      </div>
      <Who work={work} />
      <div className="callbar-clock" data-testid="call-phase" data-phase={phase}>
        <span className="phase">
          {t(phase === "calling" ? callingWord : phase === "lost" ? "call.held" : `call.${phase}`)}
          {work.recording && <span className="rec">{t("call.recording")}</span>}
          {work.listened && (
            <span className="listened" data-testid="listened">
              <EyeOutlined /> {t("call.listened")}
            </span>
          )}
        </span>
        <span className="clock-row">
          <Since at={work.talking_since ?? work.called_since ?? work.since} />
          {up && <QualityMark />}
        </span>
      </div>
      {rings ? (
        <AnswerOnPhone />
      ) : work.calling && dials ? (
        <div className="muted-note">{t(work.called_since ? "dial.calling_note" : "dial.own_phone_note")}</div>
      ) : work.calling ? (
        <div className="muted-note">
          {t("callback.calling_note", { n: (work.callback?.tries ?? 0) + 1, of: work.callback?.of ?? 1 })}
        </div>
      ) : work.lost ? (
        <div className="muted-note">{t(atDesk ? "call.lost_desk" : "call.lost")}</div>
      ) : work.held ? (
        <div className="muted-note" data-testid="held-note">
          {work.party_gone && work.party_gone.at >= work.since
            ? t(`party.gone_${work.party_gone.why}`, { name: pick(work.party_gone.name) } as never)
            : t("call.held_note")}
        </div>
      ) : (
        muted && <div className="muted-note">{t("call.muted")}</div>
      )}
      <div className="actions">
        {rings && here && call?.phase === "ringing" && <Answer word={t("call.answer")} />}
        {!work.held && <Mute />}
        {(work.held || (!work.lost && !work.partner?.calls && !work.calling)) && <HoldOrRetrieve work={work} />}
        {up && !work.held && (
          <Opener name="keypad" icon={<TableOutlined />} word={t("call.keypad")} hotkey="F9" box={box} onBox={onBox}>
            <Keypad onKey={(key) => phone.dtmf(key)} onClose={() => onBox("")} floating />
          </Opener>
        )}
        {!work.lost && !work.calling && !work.partner && (
          <Opener name="transfer" icon={<SwapOutlined />} word={t("call.transfer")} hotkey="F3" box={box} onBox={onBox}>
            <TransferBox conversation={conversation} onClose={() => onBox("")} />
          </Opener>
        )}
        <HangUp
          conversation={conversation}
          word={t(rings ? "call.reject" : work.calling ? "callback.give_up" : "call.hangup")}
        />
      </div>
    </>
  );
}
