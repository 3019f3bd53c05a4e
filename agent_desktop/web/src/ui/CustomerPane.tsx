/** Who is calling and what they want: the card, how they came, the note, what was before. */
import {
  CalendarOutlined,
  EditOutlined,
  ExclamationCircleOutlined,
  PhoneOutlined,
  RightOutlined,
  ShoppingOutlined,
  ToolOutlined,
  UserOutlined,
} from "@ant-design/icons";
import { Input } from "antd";
import { type ReactNode, useEffect, useLayoutEffect, useState } from "react";
import { duration } from "../engine/clock";
import { offerPainted } from "../engine/desktop";
import { NOTE_LIMIT } from "../engine/notes";
import { afterPaint } from "../engine/paint";
import { clock, siteOf, useApp } from "../engine/store";
import type { PathStep, Text, WorkDoc } from "../engine/types";
import { has, pick, useLanguage, useT } from "../i18n";
import { keeperOf, useDrafts } from "./drafts";
import { clockTime, daysAgo, pathSteps, phoneNumber, shortDate } from "./format";
import { ClassMarks, Empty, Key, useCallerName } from "./parts";

export function CustomerPane({ work }: { work: WorkDoc }) {
  const t = useT();
  const { customer } = work;
  const name = useCallerName(work);
  const device = useApp((state) => state.device);
  const { reservation, kind, confirmed } = work;

  // The server rings as soon as it knows that this card is on the screen.
  useLayoutEffect(() => {
    if (kind === "offer" && !confirmed && reservation && device === "here") {
      afterPaint(() => offerPainted(reservation));
    }
  }, [kind, confirmed, reservation, device]);

  return (
    <div
      className={`pane pane-${kind}`}
      data-testid={kind === "offer" ? "offer-card" : "customer-card"}
      data-contact={work.contact}
      data-reservation={reservation ?? ""}
    >
      <div className="pane-left">
        <section className="card who">
          <div className={`avatar${customer ? "" : " avatar-unknown"}`} aria-hidden="true">
            {customer ? name.slice(0, 1) : <UserOutlined />}
          </div>
          <div className="who-main">
            <h1>
              <span data-testid="customer-name">{customer ? customer.name : t("card.unknown")}</span>
              <ClassMarks classes={customer?.classes ?? []} />
            </h1>
            {customer ? (
              <dl className="facts">
                <Fact label={t("card.code")} value={customer.code} />
                <Fact label={t("card.manager")} value={customer.manager} />
                <Fact
                  label={t("card.language")}
                  value={has(`language.${customer.language}`) ? t(`language.${customer.language}`) : customer.language}
                />
                <Fact label={t("card.phones")} value={customer.phones.map(phoneNumber).join("  ·  ")} wide />
              </dl>
            ) : (
              <p className="who-hint">{t("card.unknown_hint")}</p>
            )}
          </div>
        </section>
        {work.medium !== "outbound" && <CameBy work={work} />}
        <HandedOn work={work} />
        {work.task !== "consult" && <NoteField work={work} />}
      </div>
      <Timeline work={work} />
    </div>
  );
}

function Fact({ label, value, wide = false }: { label: string; value: string; wide?: boolean }) {
  if (!value) return null;
  return (
    <div className={wide ? "fact fact-wide" : "fact"}>
      <dt>{label}</dt>
      <dd className="num">{value}</dd>
    </div>
  );
}

function stepText(step: PathStep): string {
  if (typeof step === "string" || "zh" in step) return pick(step as Text);
  return pick(step.text ?? step.name ?? step.label ?? "");
}

const waitEnds = new Map<string, number>();

/** When the waiting ended; remembered from the talk, because a wrap-up need not say it any more. */
function waitEnd(work: WorkDoc): number | null {
  const end = work.talking_since ?? (work.kind === "offer" ? work.since : null);
  if (end !== null) waitEnds.set(work.contact, end);
  return waitEnds.get(work.contact) ?? null;
}

/** Who had this customer before, and what they wrote: nobody has to ask him again. */
function HandedOn({ work }: { work: WorkDoc }) {
  const t = useT();
  const language = useLanguage();
  if (!work.handed?.length) return null;
  return (
    <section className="card handed" aria-label={t("card.handed")} data-testid="handed">
      <span className="path-label">{t("card.handed")}</span>
      {work.handed.map((one) => (
        <div className="handed-row" key={one.at}>
          <b>{pick(one.name)}</b> <span className="quiet">{pick(one.queue)}</span>{" "}
          <span className="num quiet">{clockTime(one.at, language)}</span>
          {one.note && <p className="handed-note">{one.note}</p>}
        </div>
      ))}
    </section>
  );
}

function CameBy({ work }: { work: WorkDoc }) {
  const t = useT();
  const site = useApp(siteOf);
  const steps = pathSteps(work.path.map(stepText).filter(Boolean), work.dialled, (id) => pick(site?.queues[id]?.name));
  const end = waitEnd(work);
  const late = end !== null && end - work.queued_at > (site?.queues[work.queue]?.service_level_seconds ?? 20);
  const data = Object.entries(work.data ?? {}).filter(([, value]) => value !== "" && value !== null);
  return (
    <section className="card path" aria-label={t("card.came_by")}>
      <span className="path-label">{t("card.came_by")}</span>
      {steps.map((step, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a path only grows; its steps have no other name
        <span className="path-step" key={i}>
          {i > 0 && <RightOutlined className="path-arrow" />}
          {step.kind === "key" ? <Key name={step.text} /> : step.text}
        </span>
      ))}
      {data.map(([key, value]) => (
        <span className="path-step" key={key}>
          <RightOutlined className="path-arrow" />
          <span className="path-data">
            {has(`data.${key}`) ? t(`data.${key}`) : key} <b className="num">{String(value)}</b>
          </span>
        </span>
      ))}
      {end !== null && (
        <span className="path-step">
          <RightOutlined className="path-arrow" />
          <span className={`path-wait num${late ? " path-late" : ""}`}>
            {t("card.waited", { time: duration(end - work.queued_at) })}
          </span>
        </span>
      )}
    </section>
  );
}

function NoteField({ work }: { work: WorkDoc }) {
  const t = useT();
  const keeper = keeperOf(work.contact, work.note);
  const [text, setText] = useState(keeper.text);
  const state = useDrafts((drafts) => drafts.noteState[work.contact] ?? "clean");
  useEffect(() => {
    if (keeper.hear(work.note)) setText(keeper.text);
  }, [keeper, work.note]);
  useEffect(() => () => void keeper.flush(), [keeper]);
  return (
    <section className="card note">
      <header>
        <label htmlFor="note">{t("card.note")}</label>
        {(text !== "" || state !== "clean") && (
          <span className={`note-state note-${state}`} data-testid="note-state" data-state={state}>
            {t(`card.note_${state}`)}
          </span>
        )}
      </header>
      <Input.TextArea
        id="note"
        data-testid="note"
        variant="borderless"
        maxLength={NOTE_LIMIT}
        placeholder={t("card.note_hint")}
        value={text}
        onChange={(event) => {
          keeper.type(event.target.value);
          setText(keeper.text);
        }}
        onBlur={() => void keeper.flush()}
      />
    </section>
  );
}

const ICONS: Record<string, ReactNode> = {
  call: <PhoneOutlined />,
  complaint: <ExclamationCircleOutlined />,
  order: <ShoppingOutlined />,
  note: <EditOutlined />,
  fault: <ToolOutlined />,
};

function Timeline({ work }: { work: WorkDoc }) {
  const t = useT();
  const language = useLanguage();
  const history = [...(work.customer?.history ?? [])].sort((a, b) => b.at - a.at);
  const now = clock.now();
  const day = (at: number) => {
    const days = daysAgo(at, now);
    if (days === 0) return `${t("home.day_today")} ${clockTime(at, language)}`;
    if (days === 1) return `${t("home.day_yesterday")} ${clockTime(at, language)}`;
    return shortDate(at, language);
  };
  return (
    <aside className="card timeline" data-testid="timeline">
      <h2>{t("card.history")}</h2>
      {history.length === 0 ? (
        <Empty icon={<CalendarOutlined />} title={t("card.history_empty")} hint={t("card.history_empty_hint")} />
      ) : (
        <ol>
          {history.map((item) => (
            <li key={`${item.at}-${item.kind}`} className={`event event-${item.kind}`}>
              <span className="event-icon">{ICONS[item.kind] ?? <CalendarOutlined />}</span>
              <div>
                <div className="event-head">
                  <b>{has(`kind.${item.kind}`) ? t(`kind.${item.kind}`) : item.kind}</b>
                  <time className="num">{day(item.at)}</time>
                </div>
                <p>{pick(item.text)}</p>
              </div>
            </li>
          ))}
        </ol>
      )}
    </aside>
  );
}
