/** The team lead's page: who waits, live, and why; any contact or offer can be asked about. */
import { LockOutlined, LogoutOutlined, QuestionCircleOutlined, SmileOutlined } from "@ant-design/icons";
import { Button, Input } from "antd";
import i18next from "i18next";
import { useEffect, useState } from "react";
import { api } from "../engine/api";
import { duration } from "../engine/clock";
import type { Login } from "../engine/types";
import { pick, useT } from "../i18n";
import { leadEn } from "../i18n/leadEn";
import { leadZh } from "../i18n/leadZh";
import { useServerNow } from "../ui/hooks";
import { LoginPage } from "../ui/LoginPage";
import { Empty, Logo } from "../ui/parts";
import { LanguageSwitch, ThemeSwitch } from "../ui/switches";
import { AnswerPane } from "./AnswerPane";
import "./waiting.css";
import { useWaiting, type Waiting, type WaitingNow } from "./why";

i18next.addResourceBundle("zh", "translation", { lead: leadZh }, true);
i18next.addResourceBundle("en", "translation", { lead: leadEn }, true);

/** Undefined: not known yet; null: nobody. */
type Who = Login | null | undefined;

export function WaitingPage() {
  const t = useT();
  const [who, setWho] = useState<Who>(undefined);
  useEffect(() => {
    document.title = `Hollyhock · ${t("lead.title")}`;
    api.me().then(setWho, () => setWho(null));
  }, [t]);
  if (who === undefined) return null;
  if (who === null) return <LoginPage enter={async (user, password) => setWho(await api.login(user, password))} />;
  if (who.role === "agent")
    return (
      <div className="waiting">
        <Empty icon={<LockOutlined />} title={t("lead.not_you")} hint={t("lead.not_you_hint")}>
          <Button href="/">{t("app.desktop")}</Button>
        </Empty>
      </div>
    );
  return <Board who={who} onOut={() => void api.logout().finally(() => setWho(null))} onEnded={() => setWho(null)} />;
}

function Board({ who, onOut, onEnded }: { who: Login; onOut: () => void; onEnded: () => void }) {
  const t = useT();
  const { list, away } = useWaiting(onEnded);
  const [chosen, setChosen] = useState(() => decodeURIComponent(location.hash.slice(1)));
  const choose = (id: string) => {
    setChosen(id);
    history.replaceState(null, "", id ? `#${encodeURIComponent(id)}` : location.pathname);
  };
  const row = list?.waiting.find((each) => each.contact === chosen);
  // What is said of one contact can change with everybody else's: agents come and go with the list.
  const version = row ? JSON.stringify([row, list?.count]) : "";
  return (
    <div className="why">
      <header className="why-top">
        <Logo size={26} />
        <h1>{t("lead.title")}</h1>
        <a href="/lead/callbacks">{t("home.to_callbacks")}</a>
        <b className="num why-count" data-testid="waiting-count">
          {list?.count ?? "–"}
        </b>
        {away && (
          <span className="why-away" role="status">
            {t("lead.away")}
          </span>
        )}
        <span className="spacer" />
        <a href="/lead/queues">{t("lead.queues")}</a>
        <a href="/lead/callbacks">{t("lead.callbacks")}</a>
        <Ask onAsk={choose} />
        <span className="why-quiet">{pick(who.name)}</span>
        <LanguageSwitch />
        <ThemeSwitch />
        <Button type="text" className="quiet" icon={<LogoutOutlined />} aria-label={t("lead.logout")} onClick={onOut} />
      </header>
      <main className="why-two">
        <List list={list} chosen={chosen} onChoose={choose} />
        {chosen ? (
          <AnswerPane key={chosen} id={chosen} version={version} onChoose={choose} />
        ) : (
          <section className="card why-pane">
            <Empty icon={<QuestionCircleOutlined />} title={t("lead.pick")} hint={t("lead.pick_hint")} />
          </section>
        )}
      </main>
    </div>
  );
}

function Ask({ onAsk }: { onAsk: (id: string) => void }) {
  const t = useT();
  const [text, setText] = useState("");
  return (
    <form
      className="why-ask"
      onSubmit={(event) => {
        event.preventDefault();
        if (text.trim()) onAsk(text.trim());
      }}
    >
      <Input
        value={text}
        placeholder={t("lead.ask")}
        aria-label={t("lead.ask")}
        maxLength={64}
        onChange={(event) => setText(event.target.value)}
        data-testid="ask"
      />
      <Button htmlType="submit">{t("lead.asked")}</Button>
    </form>
  );
}

function List({ list, chosen, onChoose }: { list: WaitingNow | null; chosen: string; onChoose: (id: string) => void }) {
  const t = useT();
  if (!list) return <section className="card why-list" aria-busy="true" />;
  if (list.count === 0)
    return (
      <section className="card why-list">
        <Empty icon={<SmileOutlined />} title={t("lead.nobody")} hint={t("lead.nobody_hint")} />
      </section>
    );
  return (
    <section className="card why-list">
      <ul>
        {list.waiting.map((row) => (
          <li key={row.contact}>
            <button
              type="button"
              aria-current={row.contact === chosen ? "true" : undefined}
              onClick={() => onChoose(row.contact)}
              data-testid="waiting-row"
            >
              <Row row={row} />
            </button>
          </li>
        ))}
      </ul>
      {list.count > list.waiting.length && (
        <p className="why-more">{t("lead.more", { count: list.count - list.waiting.length })}</p>
      )}
    </section>
  );
}

function Row({ row }: { row: Waiting }) {
  const t = useT();
  const now = useServerNow();
  return (
    <>
      <b className="num">{duration(now - row.entered_at)}</b>
      <span>
        <strong>{pick(row.queue_name)}</strong>
        <small>
          {row.offered_to.length > 0
            ? t("lead.offered_to", { agents: row.offered_to.join(", ") })
            : row.requires || t("lead.anybody")}
          {row.steps > 0 && ` · ${t("lead.step", { number: Math.min(row.step, row.steps), of: row.steps })}`}
          {row.offers > 0 && ` · ${t("lead.offers", { count: row.offers })}`}
        </small>
      </span>
      {row.able === 0 && <em className="why-bad">{t("lead.nobody_able")}</em>}
    </>
  );
}
