/** The team lead's page: who waits, live, and why; any contact or offer can be asked about. */
import { QuestionCircleOutlined, SmileOutlined } from "@ant-design/icons";
import { Button, Input } from "antd";
import i18next from "i18next";
import { useState } from "react";
import { duration } from "../engine/clock";
import { pick, useT } from "../i18n";
import { leadEn } from "../i18n/leadEn";
import { leadZh } from "../i18n/leadZh";
import { useServerNow } from "../ui/hooks";
import { Empty } from "../ui/parts";
import { AnswerPane } from "./AnswerPane";
import { LeadPage } from "./LeadPage";
import "./waiting.css";
import { useWaiting, type Waiting, type WaitingNow } from "./why";

i18next.addResourceBundle("zh", "translation", { lead: leadZh }, true);
i18next.addResourceBundle("en", "translation", { lead: leadEn }, true);

export function WaitingPage() {
  const [chosen, setChosen] = useState(() => decodeURIComponent(location.hash.slice(1)));
  const choose = (id: string) => {
    setChosen(id);
    history.replaceState(null, "", id ? `#${encodeURIComponent(id)}` : location.pathname);
  };
  return (
    <LeadPage place="waiting" tools={() => <Ask onAsk={choose} />}>
      {({ ended }) => <Board chosen={chosen} onChoose={choose} onEnded={ended} />}
    </LeadPage>
  );
}

function Board({ chosen, onChoose, onEnded }: { chosen: string; onChoose: (id: string) => void; onEnded: () => void }) {
  const t = useT();
  const { list, away } = useWaiting(onEnded);
  const row = list?.waiting.find((each) => each.contact === chosen);
  // What is said of one contact can change with everybody else's: agents come and go with the list.
  const version = row ? JSON.stringify([row, list?.count]) : "";
  return (
    <main className="why-two">
      <List list={list} away={away} chosen={chosen} onChoose={onChoose} />
      {chosen ? (
        <AnswerPane key={chosen} id={chosen} version={version} onChoose={onChoose} />
      ) : (
        <section className="card why-pane">
          <Empty icon={<QuestionCircleOutlined />} title={t("lead.pick")} hint={t("lead.pick_hint")} />
        </section>
      )}
    </main>
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

function List({
  list,
  away,
  chosen,
  onChoose,
}: {
  list: WaitingNow | null;
  away: boolean;
  chosen: string;
  onChoose: (id: string) => void;
}) {
  const t = useT();
  return (
    <section className="card why-list" aria-busy={list === null}>
      <header className="why-head">
        <h2>{t("lead.title")}</h2>
        <b className="num why-count" data-testid="waiting-count">
          {list?.count ?? "–"}
        </b>
        {away && (
          <span className="why-away" role="status">
            {t("lead.away")}
          </span>
        )}
      </header>
      {list?.count === 0 && <Empty icon={<SmileOutlined />} title={t("lead.nobody")} hint={t("lead.nobody_hint")} />}
      <ul>
        {list?.waiting.map((row) => (
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
      {list && list.count > list.waiting.length && (
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
