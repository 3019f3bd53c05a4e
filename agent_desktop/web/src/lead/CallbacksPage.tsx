/** The team lead's page of callbacks: whom we lost and should call back, and what is booked. */
import { DisconnectOutlined, PhoneOutlined, ReloadOutlined, RollbackOutlined } from "@ant-design/icons";
import { App, Button } from "antd";
import i18next from "i18next";
import { type ReactNode, useCallback, useEffect, useState } from "react";
import { ApiError } from "../engine/api";
import { duration } from "../engine/clock";
import type { Label } from "../engine/types";
import { pick, useLanguage, useT } from "../i18n";
import { callbacksEn } from "../i18n/callbacksEn";
import { callbacksZh } from "../i18n/callbacksZh";
import { clockTime, phoneNumber } from "../ui/format";
import { Empty, sentence } from "../ui/parts";
import { type LostCaller, lastKey, lists, type OpenCallback } from "./callbacks";
import { LeadPage } from "./LeadPage";

i18next.addResourceBundle("zh", "translation", { callbacks: callbacksZh }, true);
i18next.addResourceBundle("en", "translation", { callbacks: callbacksEn }, true);

export function CallbacksPage() {
  return <LeadPage place="callbacks">{() => <Lists />}</LeadPage>;
}

function Lists() {
  const t = useT();
  const { message } = App.useApp();
  const [lost, setLost] = useState<LostCaller[] | null>(null);
  const [open, setOpen] = useState<OpenCallback[] | null>(null);
  const [names, setNames] = useState<Record<string, Label>>({});
  const [failed, setFailed] = useState(false);
  const [busy, setBusy] = useState("");

  const load = useCallback(async () => {
    try {
      const [callers, callbacks] = await Promise.all([lists.lost(), lists.open()]);
      setLost(callers);
      setOpen(callbacks.callbacks);
      setNames(callbacks.queues);
      setFailed(false);
    } catch {
      setFailed(true);
    }
  }, []);
  useEffect(() => {
    void load();
    window.addEventListener("focus", load);
    return () => window.removeEventListener("focus", load);
  }, [load]);

  const act = async (what: "book" | "dismiss" | "cancel", contact: string) => {
    setBusy(contact);
    try {
      await lists[what](contact);
      const done = { book: "booked", dismiss: "dismissed", cancel: "cancelled" }[what];
      void message.success(t(`callbacks.${done}`));
    } catch (error) {
      void message.error(sentence(error instanceof ApiError ? error.code : "failed"));
    }
    await load();
    setBusy("");
  };

  if (failed && !lost)
    return (
      <Empty icon={<DisconnectOutlined />} title={t("callbacks.failed_load")} hint={t("reject.server_away")}>
        <Button onClick={() => void load()}>{t("callbacks.again")}</Button>
      </Empty>
    );
  return (
    <main className="lead-main">
      <Section
        title={t("callbacks.lost")}
        hint={t("callbacks.lost_hint")}
        onRefresh={() => void load()}
        testid="lost-callers"
        rows={lost}
        empty={
          <Empty icon={<PhoneOutlined />} title={t("callbacks.lost_empty")} hint={t("callbacks.lost_empty_hint")} />
        }
        head={["at", "who", "queue", "waited", "how"]}
      >
        {(row) => (
          <Lost
            key={row.contact}
            row={row}
            queue={pick(names[row.queue]) || row.queue}
            busy={busy === row.contact}
            act={act}
          />
        )}
      </Section>
      <Section
        title={t("callbacks.open")}
        testid="open-callbacks"
        rows={open}
        empty={
          <Empty icon={<RollbackOutlined />} title={t("callbacks.open_empty")} hint={t("callbacks.open_empty_hint")} />
        }
        head={["at", "who", "queue", "tries", "state"]}
      >
        {(row) => (
          <Booked
            key={row.contact}
            row={row}
            queue={pick(names[row.queue]) || row.queue}
            busy={busy === row.contact}
            act={act}
          />
        )}
      </Section>
    </main>
  );
}

function Section<Row>({
  title,
  hint,
  onRefresh,
  testid,
  rows,
  empty,
  head,
  children,
}: {
  title: string;
  hint?: string;
  onRefresh?: () => void;
  testid: string;
  rows: Row[] | null;
  empty: ReactNode;
  head: string[];
  children: (row: Row) => ReactNode;
}) {
  const t = useT();
  return (
    <section className="card lead-list" data-testid={testid} aria-busy={rows === null}>
      <header className="card-head">
        <h2>{title}</h2>
        {hint && <small className="lead-hint">{hint}</small>}
        {onRefresh && (
          <Button
            type="text"
            size="small"
            className="quiet"
            icon={<ReloadOutlined />}
            aria-label={t("callbacks.refresh")}
            title={t("callbacks.refresh")}
            onClick={onRefresh}
          />
        )}
      </header>
      {rows?.length === 0 && empty}
      {rows && rows.length > 0 && (
        <div className="lead-scroll">
          <table className="lead-table">
            <thead>
              <tr>
                {head.map((name) => (
                  <th key={name}>{t(`callbacks.${name}`)}</th>
                ))}
                <th>
                  <span className="sr-only">{t("nav.acts")}</span>
                </th>
              </tr>
            </thead>
            <tbody>{rows.map(children)}</tbody>
          </table>
        </div>
      )}
    </section>
  );
}

type Act = (what: "book" | "dismiss" | "cancel", contact: string) => Promise<void>;

function Customer({ row }: { row: LostCaller | OpenCallback }) {
  const name = row.customer?.name || row.name;
  return (
    <td>
      <b>{name || phoneNumber(row.number)}</b>
      {name && <small className="num">{phoneNumber(row.number)}</small>}
    </td>
  );
}

function Lost({ row, queue, busy, act }: { row: LostCaller; queue: string; busy: boolean; act: Act }) {
  const t = useT();
  const language = useLanguage();
  return (
    <tr data-testid="lost-caller" data-contact={row.contact}>
      <td className="num">{clockTime(row.ended_at, language)}</td>
      <Customer row={row} />
      <td>{queue}</td>
      <td className="num">{duration(row.ended_at - row.queued_at)}</td>
      <td>
        {t(`callbacks.${row.reason}`)}
        {row.callback_end && <small className="lead-failed">{t(`callbacks.${row.callback_end}`)}</small>}
      </td>
      <td className="lead-acts">
        <Button
          type="primary"
          size="small"
          data-testid="book"
          icon={<RollbackOutlined />}
          loading={busy}
          onClick={() => void act("book", row.contact)}
        >
          {t("callbacks.book")}
        </Button>
        <Button size="small" data-testid="dismiss" disabled={busy} onClick={() => void act("dismiss", row.contact)}>
          {t("callbacks.dismiss")}
        </Button>
      </td>
    </tr>
  );
}

function Booked({ row, queue, busy, act }: { row: OpenCallback; queue: string; busy: boolean; act: Act }) {
  const t = useT();
  const language = useLanguage();
  const last = lastKey(row.last);
  return (
    <tr data-testid="open-callback" data-contact={row.contact}>
      <td className="num">
        {clockTime(row.booked_at, language)}
        {row.queued_at < row.booked_at - 1 && (
          <small>{t("callbacks.since", { time: clockTime(row.queued_at, language) })}</small>
        )}
      </td>
      <Customer row={row} />
      <td>{queue}</td>
      <td className="num">
        {row.tries} / {row.of}
        {last && <small>{t(last)}</small>}
      </td>
      <td>
        {t(`callbacks.${row.state}`, { time: row.retry_at ? clockTime(row.retry_at, language) : "" })}
        <small>{t("callbacks.by", { name: row.by || t("callbacks.himself") })}</small>
      </td>
      <td className="lead-acts">
        {row.state !== "connected" && (
          <Button size="small" data-testid="cancel" loading={busy} onClick={() => void act("cancel", row.contact)}>
            {t("callbacks.cancel")}
          </Button>
        )}
      </td>
    </tr>
  );
}
