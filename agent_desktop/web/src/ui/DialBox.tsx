/**
 * Whom to call: a number typed or clicked, a colleague by name, or one of the last numbers. Enter calls what is chosen.
 * What may be called is the server's to say; it says no with a reason.
 */
import { PhoneOutlined, RedoOutlined } from "@ant-design/icons";
import { Input, type InputRef } from "antd";
import { type KeyboardEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { api } from "../engine/api";
import { command } from "../engine/desktop";
import { asNumber, lastDialled, rememberDialled } from "../engine/dialled";
import { siteOf, useApp } from "../engine/store";
import type { Directory } from "../engine/types";
import { pick, useT } from "../i18n";
import { finds, phoneNumber } from "./format";
import { Keypad } from "./Keypad";
import { StateIcon } from "./parts";

interface Target {
  key: string;
  icon: ReactNode;
  name: string;
  word: string;
  off: boolean;
  fields: { number: string } | { to_agent: string };
}

const BUSY = ["busy", "reserved", "working_after_call"];

export function DialBox({ onClose }: { onClose: () => void }) {
  const t = useT();
  const user = useApp((state) => state.login?.user ?? "");
  const outside = useApp((state) => siteOf(state)?.outside ?? false);
  const [colleagues, setColleagues] = useState<Directory["agents"]>([]);
  const [typed, setTyped] = useState("");
  const [at, setAt] = useState(0);
  const [sending, setSending] = useState(false);
  const field = useRef<InputRef>(null);
  useEffect(() => {
    field.current?.focus();
    api.directory().then(
      (found) => setColleagues(found.agents),
      () => {},
    );
  }, []);
  const shown = targets();
  const chosen = Math.max(0, Math.min(at, shown.length - 1));

  function targets(): Target[] {
    const number = asNumber(typed);
    const wanted = typed.trim();
    const last = outside ? lastDialled(user).filter((one) => one !== number && one.includes(asNumber(wanted))) : [];
    return [
      ...(outside && number ? [entry(`number/${number}`, <PhoneOutlined />, number, t("dial.call"))] : []),
      ...colleagues
        .filter((agent) => finds(wanted, agent.name, agent.id))
        .map((agent) => ({
          key: `agent/${agent.id}`,
          icon: <StateIcon state={agent.state} />,
          name: `${pick(agent.name)} ${agent.id}`,
          word: t(`state.${agent.state}`),
          off: BUSY.includes(agent.state),
          fields: { to_agent: agent.id },
        })),
      ...(/[^\d\s+()-]/.test(wanted) ? [] : last).map((one) =>
        entry(`last/${one}`, <RedoOutlined />, one, t("dial.again")),
      ),
    ];
  }

  const send = async (target: Target | undefined) => {
    if (!target || target.off || sending) return;
    setSending(true);
    const answer = await command("MakeCall", target.fields);
    setSending(false);
    if (!answer.ok) return;
    if ("number" in target.fields) rememberDialled(user, target.fields.number);
    onClose();
  };
  const press = (event: KeyboardEvent) => {
    if (event.key === "Escape") onClose();
    else if (event.key === "ArrowDown") setAt(Math.min(chosen + 1, shown.length - 1));
    else if (event.key === "ArrowUp") setAt(Math.max(chosen - 1, 0));
    else if (event.key === "Enter" && !event.nativeEvent.isComposing) void send(shown[chosen]);
    else return;
    event.preventDefault();
  };
  const write = (text: string) => {
    setTyped(text);
    setAt(0);
  };
  return (
    <div className="transfer dial" role="dialog" aria-label={t("dial.title")} data-testid="dial-box">
      <Input
        ref={field}
        value={typed}
        placeholder={t(outside ? "dial.search" : "dial.search_inside")}
        data-testid="dial-number"
        role="combobox"
        aria-expanded
        aria-controls="dial-list"
        onKeyDown={press}
        onChange={(event) => write(event.target.value)}
      />
      <div className="transfer-list" id="dial-list" role="listbox" aria-label={t("dial.title")}>
        {shown.map((target, i) => (
          <button
            key={target.key}
            type="button"
            role="option"
            aria-selected={i === chosen}
            disabled={target.off || sending}
            className={`transfer-row${i === chosen ? " transfer-chosen" : ""}`}
            data-testid={`dial-${target.key}`}
            onMouseEnter={() => setAt(i)}
            onClick={() => void send(target)}
          >
            <span className="transfer-icon">{target.icon}</span>
            <span className="transfer-name num">{target.name}</span>
            <span className="transfer-word">{target.word}</span>
          </button>
        ))}
        {shown.length === 0 && <p className="transfer-note">{t("dial.none")}</p>}
      </div>
      {outside && (
        <Keypad
          onKey={(key) => {
            write(typed + key);
            field.current?.focus();
          }}
        />
      )}
      <p className="transfer-hint">{t(outside ? "dial.hint" : "dial.hint_inside")}</p>
    </div>
  );
}

function entry(key: string, icon: ReactNode, number: string, word: string): Target {
  return { key, icon, name: phoneNumber(number), word, off: false, fields: { number } };
}
