/** Small parts that several areas use. */
import {
  CheckCircleFilled,
  ClockCircleFilled,
  EditFilled,
  MinusCircleFilled,
  PhoneFilled,
  PoweroffOutlined,
} from "@ant-design/icons";
import { Button, type ButtonProps } from "antd";
import type { ReactNode } from "react";
import { duration } from "../engine/clock";
import type { AgentStateName, Text, WorkDoc } from "../engine/types";
import { has, pick, translate, useT } from "../i18n";
import { useServerNow } from "./hooks";

export function Since({ at }: { at: number }) {
  const now = useServerNow();
  return <time className="num">{duration(now - at)}</time>;
}

export function Key({ name }: { name: string }) {
  return <kbd className="key">{name}</kbd>;
}

export const STATE_CLASS: Record<AgentStateName, string> = {
  null: "off",
  not_ready: "notready",
  ready: "ready",
  reserved: "busy",
  busy: "busy",
  working_after_call: "wrap",
};
const STATE_ICON: Record<AgentStateName, ReactNode> = {
  null: <PoweroffOutlined />,
  not_ready: <MinusCircleFilled />,
  ready: <CheckCircleFilled />,
  reserved: <PhoneFilled />,
  busy: <PhoneFilled />,
  working_after_call: <EditFilled />,
};
export function StateIcon({ state }: { state: AgentStateName }) {
  return STATE_ICON[state] ?? <ClockCircleFilled />;
}

/** An action of the call bar: icon, word, key. */
export function Action({
  icon,
  label,
  hotkey,
  tone = "plain",
  on = false,
  ...rest
}: {
  icon: ReactNode;
  label: string;
  hotkey?: string;
  tone?: "plain" | "go" | "stop";
  on?: boolean;
} & Omit<ButtonProps, "icon">) {
  return (
    <Button {...rest} className={`action action-${tone}${on ? " action-on" : ""}`} aria-pressed={on || undefined}>
      <span className="action-icon">{icon}</span>
      <span>{label}</span>
      {hotkey && <Key name={hotkey} />}
    </Button>
  );
}

export function HangUpIcon() {
  return <PhoneFilled style={{ transform: "rotate(225deg)" }} />;
}

export function Logo({ size = 24 }: { size?: number }) {
  return <img src="/hollyhock.svg" width={size} height={size} alt="" />;
}

export function ClassMarks({ classes }: { classes: string[] }) {
  const t = useT();
  return (
    <>
      {classes.map((name) => (
        <span key={name} className={`mark mark-${name}`}>
          {has(`class.${name}`) ? t(`class.${name}`) : name}
        </span>
      ))}
    </>
  );
}

export function Empty({
  icon,
  title,
  hint,
  children,
}: {
  icon: ReactNode;
  title: string;
  hint: string;
  children?: ReactNode;
}) {
  return (
    <div className="empty">
      <div className="empty-icon">{icon}</div>
      <strong>{title}</strong>
      <p>{hint}</p>
      {children}
    </div>
  );
}

/** A code with a sentence, or the code itself if nobody wrote one. */
export function sentence(code: string): string {
  for (const key of [`notice.${code}`, `reject.${code}`, `banner.${code}`]) if (has(key)) return translate(key);
  return `${translate("reject.failed")} (${code})`;
}

export function named(list: { id: string; name: Text }[] | undefined, id: string | null | undefined): string {
  if (!id) return "";
  const found = list?.find((entry) => entry.id === id);
  return found ? pick(found.name) : has(`reason.${id}`) ? translate(`reason.${id}`) : id;
}

/** Who is at the other end, in words. */
export function useCallerName(work: WorkDoc): string {
  const t = useT();
  if (work.partner) return pick(work.partner.name);
  return work.customer?.name || work.caller.name || t(work.medium === "outbound" ? "dial.outside" : "call.unknown");
}
