/**
 * Where the customer goes, or whom the agent asks: one search over colleagues, queues, flows and numbers. Typing narrows,
 * the arrows choose; Enter asks first, Ctrl+Enter sends the customer there at once. A flow cannot be asked.
 * What is shown is a moment old; the server says no with a reason if it is no longer true.
 */
import { ApartmentOutlined, ForkOutlined, PhoneOutlined } from "@ant-design/icons";
import { Input, type InputRef } from "antd";
import { type KeyboardEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { api } from "../engine/api";
import { command } from "../engine/desktop";
import { asNumber } from "../engine/dialled";
import { siteOf, useApp } from "../engine/store";
import type { Directory } from "../engine/types";
import { pick, useT } from "../i18n";
import { phoneNumber } from "./format";
import { useFocusBack } from "./hooks";
import { StateIcon } from "./parts";

interface Target {
  key: string;
  icon: ReactNode;
  name: string;
  word: string;
  off: boolean;
  fields: Record<string, string>;
}

function targets(found: Directory, t: ReturnType<typeof useT>): Target[] {
  return [
    ...found.agents.map((agent) => ({
      key: `agent/${agent.id}`,
      icon: <StateIcon state={agent.state} />,
      name: `${pick(agent.name)} ${agent.id}`,
      word: t(`state.${agent.state}`),
      off: false,
      fields: { to_agent: agent.id },
    })),
    ...found.queues.map((queue) => ({
      key: `queue/${queue.id}`,
      icon: <ApartmentOutlined />,
      name: pick(queue.name),
      word: queue.closed
        ? t("transfer.closed")
        : t("transfer.queue_word", { waiting: queue.waiting, ready: queue.ready } as never),
      off: queue.closed,
      fields: { queue: queue.id },
    })),
    ...found.flows.map((flow) => ({
      key: `flow/${flow.id}`,
      icon: <ForkOutlined />,
      name: flow.id,
      word: t("transfer.flow_word"),
      off: false,
      fields: { flow: flow.id },
    })),
  ];
}

function toNumber(number: string, t: ReturnType<typeof useT>): Target {
  const name = phoneNumber(number);
  return {
    key: `number/${number}`,
    icon: <PhoneOutlined />,
    name,
    word: t("dial.to_number"),
    off: false,
    fields: { number },
  };
}

function canBeAsked(target: Target): boolean {
  return !target.fields["flow"];
}

export function TransferBox({
  conversation,
  onClose,
  consultOnly = false,
}: {
  conversation: string;
  onClose: () => void;
  /** In a conference: somebody is added, nobody is sent on. */
  consultOnly?: boolean;
}) {
  const t = useT();
  const [found, setFound] = useState<Directory | null>(null);
  const [failed, setFailed] = useState(false);
  const [search, setSearch] = useState("");
  const [at, setAt] = useState(0);
  const [sending, setSending] = useState(false);
  const field = useRef<InputRef>(null);
  useFocusBack();
  useEffect(() => {
    field.current?.focus();
    api.directory().then(setFound, () => setFailed(true));
  }, []);
  const outside = useApp((state) => siteOf(state)?.outside ?? false);
  const number = outside ? asNumber(search) : "";
  const words = search.trim().toLowerCase().split(/\s+/);
  const listed = (found ? targets(found, t) : []).filter(
    (target) =>
      (!consultOnly || canBeAsked(target)) &&
      words.every((word) => `${target.key} ${target.name}`.toLowerCase().includes(word)),
  );
  // A colleague whose number begins so is more likely meant than somebody outside.
  const shown = number.length < 3 ? listed : [...listed, toNumber(number, t)];
  const chosen = Math.min(at, shown.length - 1);
  const send = async (target: Target | undefined, blind: boolean) => {
    if (!target || target.off || sending || (blind && consultOnly)) return;
    setSending(true);
    const asks = canBeAsked(target) && !blind;
    const answer = await command(asks ? "ConsultCall" : "TransferCall", { conversation, ...target.fields });
    setSending(false);
    if (answer.ok) onClose();
  };
  const typed = (event: KeyboardEvent) => {
    if (event.key === "Escape") onClose();
    else if (event.key === "ArrowDown") setAt(Math.min(chosen + 1, shown.length - 1));
    else if (event.key === "ArrowUp") setAt(Math.max(chosen - 1, 0));
    else if (event.key === "Enter" && !event.nativeEvent.isComposing) void send(shown[chosen], event.ctrlKey);
    else return;
    event.preventDefault();
  };
  return (
    <div className="transfer" role="dialog" aria-label={t("transfer.title")} data-testid="transfer-box">
      <Input
        ref={field}
        value={search}
        placeholder={t("transfer.search")}
        data-testid="transfer-search"
        role="combobox"
        aria-expanded
        aria-controls="transfer-list"
        onKeyDown={typed}
        onChange={(event) => {
          setSearch(event.target.value);
          setAt(0);
        }}
      />
      <div className="transfer-list" id="transfer-list" role="listbox" aria-label={t("transfer.title")}>
        {shown.map((target, i) => (
          <div key={target.key} className={`transfer-pair${i === chosen ? " transfer-chosen" : ""}`}>
            <button
              type="button"
              role="option"
              aria-selected={i === chosen}
              disabled={target.off || sending}
              className="transfer-row"
              data-testid={`transfer-${target.key}`}
              onMouseEnter={() => setAt(i)}
              onClick={(event) => void send(target, event.ctrlKey)}
            >
              <span className="transfer-icon">{target.icon}</span>
              <span className="transfer-name">{target.name}</span>
              <span className="transfer-word num">{target.word}</span>
            </button>
            {canBeAsked(target) && !consultOnly && (
              <button
                type="button"
                role="option"
                aria-selected={false}
                aria-label={`${t("call.transfer")}: ${target.name}`}
                className="transfer-blind"
                disabled={target.off || sending}
                data-testid={`transfer-blind-${target.key}`}
                onClick={() => void send(target, true)}
              >
                {t("call.transfer")}
              </button>
            )}
          </div>
        ))}
        {failed && <p className="transfer-note">{t("transfer.failed")}</p>}
        {found && shown.length === 0 && <p className="transfer-note">{t("transfer.none")}</p>}
      </div>
      <p className="transfer-hint">{t(consultOnly ? "transfer.hint_add" : "transfer.hint")}</p>
    </div>
  );
}
