/** The actions that several faces of the call bar offer, each with its key. Which of them make sense now, the face says. */
import {
  AudioMutedOutlined,
  AudioOutlined,
  CaretRightOutlined,
  PauseOutlined,
  PhoneFilled,
  PhoneOutlined,
} from "@ant-design/icons";
import type { ReactNode } from "react";
import { answerCall, command, hangUp, phone } from "../engine/desktop";
import { meOf, useApp } from "../engine/store";
import type { WorkDoc } from "../engine/types";
import { pick, useT } from "../i18n";
import { Action, HangUpIcon } from "./parts";

/** Which of the call bar's boxes is open. */
export type OpenBox = "" | "keypad" | "transfer" | "dial";

export function Answer({ word }: { word: string }) {
  return <Action data-testid="answer" tone="go" icon={<PhoneFilled />} label={word} hotkey="F2" onClick={answerCall} />;
}

/** Where there is nothing to click: he answers on his desk phone or outside line. */
export function AnswerOnPhone() {
  const t = useT();
  const desk = useApp((state) => (state.device === "desk" ? (meOf(state)?.phone?.desk ?? null) : null));
  const atNumber = useApp((state) => meOf(state)?.phone?.lease.startsWith("out-") ?? false);
  if (!desk) return null;
  return (
    <div className="desk-note" data-testid="answer-on-phone">
      <PhoneOutlined />
      <span>{t(atNumber ? "call.on_your_line" : "call.on_your_phone", { name: pick(desk.name) })}</span>
    </div>
  );
}

/** Of the browser's phone, while it talks. */
export function Mute() {
  const t = useT();
  const call = useApp((state) => state.phone.call);
  if (call?.phase !== "talking") return null;
  return (
    <Action
      data-testid="mute"
      on={call.muted}
      icon={call.muted ? <AudioMutedOutlined /> : <AudioOutlined />}
      label={t(call.muted ? "call.unmute" : "call.mute")}
      hotkey="F7"
      onClick={() => phone.mute(!call.muted)}
    />
  );
}

export function HoldOrRetrieve({ work }: { work: WorkDoc }) {
  const t = useT();
  const { conversation, held } = work;
  return (
    <Action
      data-testid={held ? "retrieve" : "hold"}
      tone={held ? "go" : "plain"}
      icon={held ? <CaretRightOutlined /> : <PauseOutlined />}
      label={t(held ? "call.retrieve" : "call.hold")}
      hotkey="F6"
      onClick={() => void command(held ? "RetrieveCall" : "HoldCall", { conversation })}
    />
  );
}

export function HangUp({ conversation, word }: { conversation: string; word: string }) {
  return (
    <Action
      data-testid="hangup"
      tone="stop"
      icon={<HangUpIcon />}
      label={word}
      hotkey="F4"
      onClick={() => void hangUp(conversation)}
    />
  );
}

/** An action that opens a box above itself, and closes it. */
export function Opener({
  name,
  icon,
  word,
  hotkey,
  box,
  onBox,
  children,
}: {
  name: Exclude<OpenBox, "">;
  icon: ReactNode;
  word: string;
  hotkey: string;
  box: OpenBox;
  onBox: (box: OpenBox) => void;
  children: ReactNode;
}) {
  const open = box === name;
  return (
    <div className="keypad-anchor">
      <Action
        data-testid={name}
        on={open}
        icon={icon}
        label={word}
        hotkey={hotkey}
        onClick={() => onBox(open ? "" : name)}
      />
      {open && children}
    </div>
  );
}
