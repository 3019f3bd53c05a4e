/**
 * A call with more than two people in it: the customer and the colleagues side by side, each with what he hears, and
 * what the agent can do now. For the colleague who was called in: who asks him, and his way out.
 */
import {
  CheckOutlined,
  CloseOutlined,
  LogoutOutlined,
  PauseOutlined,
  PhoneFilled,
  RollbackOutlined,
  SwapOutlined,
  TeamOutlined,
  UserAddOutlined,
  UserOutlined,
} from "@ant-design/icons";
import type { ReactNode } from "react";
import { command } from "../engine/desktop";
import { consultedIn } from "../engine/parties";
import type { PartyDoc, WorkDoc } from "../engine/types";
import { pick, useT } from "../i18n";
import { HangUp, HoldOrRetrieve, Mute, type OpenBox, Opener } from "./CallActions";
import { Action, Since, useCallerName } from "./parts";
import { QualityMark } from "./Quality";
import { TransferBox } from "./TransferBox";

/** In place of the usual bar while somebody was called in. */
export function Parties({ work, box, onBox }: { work: WorkDoc; box: OpenBox; onBox: (box: OpenBox) => void }) {
  const t = useT();
  return (
    <>
      <div className="parties" data-testid="parties" data-side={work.side}>
        <Customer work={work} />
        {work.parties.map((one) => (
          <Colleague key={one.agent} one={one} work={work} />
        ))}
      </div>
      <div className="callbar-clock" data-testid="call-phase" data-phase={phaseOf(work)}>
        {work.recording && <span className="rec">{t("call.recording")}</span>}
        <span className="clock-row">
          <Since at={work.talking_since ?? work.since} />
          {!consultedIn(work) && <QualityMark />}
        </span>
      </div>
      {work.task === "consult" ? <CalledIn work={work} /> : <Own work={work} box={box} onBox={onBox} />}
    </>
  );
}

function phaseOf(work: WorkDoc): string {
  const one = consultedIn(work);
  if (work.task === "consult") return "called_in";
  if (!one) return "conference";
  if (one.state !== "consulting") return one.state === "waiting" ? "consult_waiting" : "consult_ringing";
  return work.side === "customer" ? "swapped" : "consulting";
}

function Person({
  icon,
  name,
  word,
  live,
  children,
}: {
  icon: ReactNode;
  name: string;
  word: string;
  live: boolean;
  children?: ReactNode;
}) {
  return (
    <div className={`party${live ? " party-live" : ""}`}>
      <span className="party-icon">{icon}</span>
      <span className="party-who">
        <b>{name}</b>
        <span className="party-word">{word}</span>
      </span>
      {children}
    </div>
  );
}

function Customer({ work }: { work: WorkDoc }) {
  const t = useT();
  const name = useCallerName(work);
  const others = work.parties.some((one) => one.state === "joined");
  const mine = work.task === "contact" ? work.side === "customer" && !work.held : !work.held;
  const word = work.held ? "music" : mine ? "with_you" : others ? "with_others" : "music";
  return (
    <Person
      icon={work.held ? <PauseOutlined /> : <UserOutlined />}
      name={name}
      word={t(`party.${word}`)}
      live={word === "with_you"}
    />
  );
}

function Colleague({ one, work }: { one: PartyDoc; work: WorkDoc }) {
  const t = useT();
  const own = work.task === "contact";
  const apart = own && work.side === "customer";
  const word = one.lost
    ? "lost"
    : one.state === "waiting"
      ? "waiting"
      : one.state === "asked" || one.state === "ringing"
        ? "ringing"
        : one.state === "joined"
          ? "joined"
          : apart
            ? "music"
            : "with_you";
  return (
    <Person
      icon={word === "music" ? <PauseOutlined /> : <PhoneFilled />}
      name={pick(one.name)}
      word={t(`party.${word}`)}
      live={word === "with_you" || word === "joined"}
    >
      {own && one.state === "joined" && (
        <button
          type="button"
          className="party-drop"
          title={t("party.drop", { name: pick(one.name) })}
          aria-label={t("party.drop", { name: pick(one.name) })}
          data-testid={`drop-${one.agent}`}
          onClick={() => void command("DropParty", { conversation: work.conversation, party: one.agent })}
        >
          <CloseOutlined />
        </button>
      )}
    </Person>
  );
}

/** He was called in: it is his colleague's talk. */
function CalledIn({ work }: { work: WorkDoc }) {
  const t = useT();
  return (
    <div className="actions">
      <Mute />
      <HangUp conversation={work.conversation} word={t("party.leave")} />
    </div>
  );
}

function Own({ work, box, onBox }: { work: WorkDoc; box: OpenBox; onBox: (box: OpenBox) => void }) {
  const t = useT();
  const { conversation } = work;
  const one = consultedIn(work);
  const run = (name: string) => () => void command(name, { conversation });
  if (work.lost) return <div className="muted-note">{t("call.lost")}</div>;
  if (one) {
    const there = one.state === "consulting" && !one.lost;
    return (
      <div className="actions">
        <Mute />
        {there && (
          <>
            <Action
              data-testid="swap"
              icon={<SwapOutlined />}
              label={t("party.swap")}
              hotkey="F6"
              onClick={run("SwapCall")}
            />
            <Action
              data-testid="complete"
              tone="go"
              icon={<CheckOutlined />}
              label={t("party.complete")}
              hotkey="F3"
              onClick={run("CompleteConsult")}
            />
            <Action
              data-testid="merge"
              icon={<TeamOutlined />}
              label={t("party.merge")}
              hotkey="F10"
              onClick={run("ConferenceCall")}
            />
          </>
        )}
        <Action
          data-testid="cancel-consult"
          tone="stop"
          icon={<RollbackOutlined />}
          label={t("party.cancel")}
          hotkey="F4"
          onClick={run("CancelConsult")}
        />
      </div>
    );
  }
  return (
    <div className="actions">
      <Mute />
      <HoldOrRetrieve work={work} />
      <Opener name="transfer" icon={<UserAddOutlined />} word={t("party.add")} hotkey="F3" box={box} onBox={onBox}>
        <TransferBox conversation={conversation} consultOnly onClose={() => onBox("")} />
      </Opener>
      <Action
        data-testid="leave"
        tone="stop"
        icon={<LogoutOutlined />}
        label={t("party.leave")}
        hotkey="F4"
        onClick={run("LeaveConference")}
      />
    </div>
  );
}
