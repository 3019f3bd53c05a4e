/** The answer for one contact or offer: a sentence, a bar of all agents by reason, what would help, every agent. */
import { ReloadOutlined, WarningOutlined } from "@ant-design/icons";
import { Button } from "antd";
import { duration } from "../engine/clock";
import { has, pick, translate, useLanguage, useT } from "../i18n";
import { Empty } from "../ui/parts";
import { type AgentAnswer, type Answer, type Obstacle, type Told, useAnswer, type Why } from "./why";

export function AnswerPane({ id, version, onChoose }: { id: string; version: string; onChoose: (id: string) => void }) {
  const t = useT();
  const { answer, failed, ask } = useAnswer(id, version);
  if (failed)
    return (
      <section className="card why-pane">
        <Empty
          icon={<WarningOutlined />}
          title={t(failed === "unknown_contact" ? "lead.unknown" : "lead.failed")}
          hint={id}
        >
          <Button onClick={ask}>{t("lead.refresh")}</Button>
        </Empty>
      </section>
    );
  if (!answer) return <section className="card why-pane" aria-busy="true" />;
  const { told, record } = answer;
  return (
    <section className="card why-pane" data-testid="answer">
      <header>
        <div>
          <h2 data-testid="verdict">{headline(answer)}</h2>
          <p className="num">
            {answer.reservation && answer.subject === "offer" ? `${answer.reservation} · ` : ""}
            {answer.contact}
            {told && ` · ${pick(told.queue_name)}`}
            {told && answer.subject === "contact" && (
              <>
                {" · "}
                {t("lead.waits", { time: duration(told.at - told.entered_at) })}
                {" · "}
                {t("lead.offers", { count: told.offers })}
              </>
            )}
          </p>
        </div>
        <Button icon={<ReloadOutlined />} aria-label={t("lead.refresh")} onClick={ask} />
      </header>
      {record && (answer.subject === "offer" || !told) && <Chosen record={record} />}
      {told && <Bar told={told} />}
      {told && answer.subject === "contact" && <Serve told={told} />}
      {told && <Needs told={told} />}
      {told && told.place > 0 && <Order told={told} onChoose={onChoose} />}
      {told && <Agents told={told} />}
      {!told && answer.untold && <p className="why-bad">{t("lead.untold", { why: answer.untold })}</p>}
      <History answer={answer} onChoose={onChoose} />
    </section>
  );
}

function headline(answer: Answer): string {
  if (answer.subject === "offer") return translate("lead.head.chosen");
  const verdict = answer.told?.verdict ?? "ended";
  return has(`lead.verdict.${verdict}`) ? translate(`lead.verdict.${verdict}`) : verdict;
}

/** With seconds: who goes first is often a matter of them. */
function moment(at: number, language: string): string {
  return new Date(at * 1000).toLocaleTimeString(language === "zh" ? "zh-CN" : "en-GB", { hour12: false });
}

const keyName = (name: string) => (has(`lead.key.${name}`) ? translate(`lead.key.${name}`) : name);

const reasonName = (reason: string) => (has(`lead.reason.${reason}`) ? translate(`lead.reason.${reason}`) : reason);

function Chosen({ record }: { record: Why }) {
  const t = useT();
  return (
    <p className="why-chosen">
      {t("lead.by_rule", {
        chosen: record.chosen.join(", "),
        rule: has(`lead.rule.${record.rule}`) ? t(`lead.rule.${record.rule}`) : record.rule,
        among: record.candidates.length + (record.excluded["ranked_lower"] ?? 0),
      })}
      {record.tie_break && <> · {t("lead.decided_by", { key: keyName(record.tie_break) })}</>}
    </p>
  );
}

/** All agents in one bar: who could have it, and the others by the first reason why not. */
function Bar({ told }: { told: Told }) {
  const counts = [["eligible", told.eligible] as const, ...Object.entries(told.excluded)].filter(([, n]) => n > 0);
  return (
    <div className="why-bar-box" data-testid="bar">
      <div className="why-bar" aria-hidden="true">
        {counts.map(([reason, n]) => (
          <i key={reason} className={`r-${reason}`} style={{ flexGrow: n }} />
        ))}
      </div>
      <ul>
        {counts.map(([reason, n]) => (
          <li key={reason}>
            <i className={`r-${reason}`} /> {reasonName(reason)} <b className="num">{n}</b>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Serve({ told }: { told: Told }) {
  const t = useT();
  const language = useLanguage();
  const known = new Map(told.agents.map((one) => [one.agent, one]));
  const { step, opening } = told;
  const next = step && step.number <= step.of;
  const values = step && {
    at: step.ends_at ? moment(step.ends_at, language) : "",
    below: step.ends_below_available ?? 0,
    requires: step.next_requires || t("lead.anybody"),
    count: step.next_count ?? 0,
    free: step.next_free ?? 0,
  };
  return (
    <div className="why-part">
      <h3>{t("lead.head.serve")}</h3>
      <ul className="why-lines" data-testid="nearest">
        {told.nearest.map((agent) => {
          const one = known.get(agent);
          return (
            <li key={agent}>
              <b className="num">{agent}</b> {one && pick(one.name)}{" "}
              <Obstacles list={one?.obstacles ?? []} at={told.at} />
            </li>
          );
        })}
        {told.nearest.length === 0 && <li>{t("lead.serve_none")}</li>}
        {next && step.ends_at ? <li>{t("lead.next_step", values ?? {})}</li> : null}
        {next && step.ends_below_available ? <li>{t("lead.next_load", values ?? {})}</li> : null}
        {opening && (
          <li>{t("lead.opening", { at: moment(opening.at, language), delay: opening.delay, count: opening.count })}</li>
        )}
      </ul>
    </div>
  );
}

function Needs({ told }: { told: Told }) {
  const t = useT();
  return (
    <div className="why-part">
      <h3>{t("lead.head.needs")}</h3>
      <ul className="why-lines">
        {!told.requires && <li>{t("lead.anybody")}</li>}
        {told.requires &&
          told.parts.map((part) => (
            <li key={part.requires}>
              <code>{part.requires}</code>{" "}
              <span className={part.free === 0 ? "why-bad" : ""}>{t("lead.part", { ...part })}</span>
            </li>
          ))}
        {told.step && (
          <li>
            {told.step.number > told.step.of
              ? t("lead.after_last", { of: told.step.of })
              : t("lead.step", { number: told.step.number, of: told.step.of })}
          </li>
        )}
        {told.rules.length > 0 && <li>{t("lead.rules", { rules: told.rules.join(", ") })}</li>}
        {(told.only_agent ?? told.prefer) && <li>{t("lead.prefer", { agent: told.only_agent ?? told.prefer })}</li>}
      </ul>
    </div>
  );
}

function Order({ told, onChoose }: { told: Told; onChoose: (id: string) => void }) {
  const t = useT();
  const language = useLanguage();
  return (
    <div className="why-part">
      <h3>{t("lead.head.order")}</h3>
      <p>{t("lead.place", { place: told.place, length: told.queue_length, ahead: told.ahead_count })}</p>
      <p className="why-quiet num">
        {t("lead.due", {
          due: moment(told.due, language),
          queued: moment(told.queued_at, language),
          objective: told.objective,
          queue: told.queue_priority,
          start: told.head_start,
        })}
      </p>
      <ul className="why-lines">
        {told.ahead.map((one) => (
          <li key={one.contact}>
            <Button type="link" size="small" className="num" onClick={() => onChoose(one.contact)}>
              {one.contact}
            </Button>
            {one.queue} · {t(`lead.by.${one.by}`, { time: duration(one.seconds) })}{" "}
            <span className="why-quiet">{t("lead.for_whom", { count: one.agents })}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Agents({ told }: { told: Told }) {
  const t = useT();
  return (
    <div className="why-part">
      <h3>{t("lead.head.agents")}</h3>
      <table className="why-table" data-testid="agents">
        <thead>
          <tr>
            {["place", "agent", "why", "skills"].map((name) => (
              <th key={name}>{t(`lead.column.${name}`)}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {told.agents.map((one) => (
            <tr key={one.agent} className={one.place ? "in" : ""}>
              <td className="num">{one.place || "–"}</td>
              <td>
                <b className="num">{one.agent}</b> {pick(one.name)}
              </td>
              <td>
                {one.place ? <Keys one={one} told={told} /> : <Obstacles list={one.obstacles ?? []} at={told.at} />}
              </td>
              <td className="num">
                {Object.entries(one.skills ?? {})
                  .map(([skill, level]) => `${skill} ${level}`)
                  .join(", ")}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Keys({ one, told }: { one: AgentAnswer; told: Told }) {
  const language = useLanguage();
  const shown = told.names.map((name, place) => {
    const value = one.keys?.[place] ?? 0;
    const text = name === "idle_since" || name === "offered_at" ? moment(value, language) : Number(value.toFixed(3));
    return `${keyName(name)} ${text}`;
  });
  return <span className="num why-quiet">{shown.join(" · ")}</span>;
}

function Obstacles({ list, at }: { list: Obstacle[]; at: number }) {
  const t = useT();
  return (
    <>
      {list.map((one) => (
        <span key={one.reason} className="why-why">
          <i className={`r-${one.reason}`} />
          {one.reason === "skill" && one.missing?.length
            ? t("lead.with.lacks", { missing: one.missing.join(", ") })
            : reasonName(one.reason)}
          {one.about && one.reason === "not_ready" && ` ${t("lead.with.about", { about: breakName(one.about) })}`}
          {one.left ? ` ${t("lead.with.left", { time: duration(one.left) })}` : ""}
          {one.since && !one.left ? ` ${t("lead.with.since", { time: duration(at - one.since) })}` : ""}
        </span>
      ))}
    </>
  );
}

const breakName = (reason: string) => (has(`reason.${reason}`) ? translate(`reason.${reason}`) : reason);

function History({ answer, onChoose }: { answer: Answer; onChoose: (id: string) => void }) {
  const t = useT();
  const language = useLanguage();
  if (answer.history.length === 0) return null;
  return (
    <div className="why-part">
      <h3>{t("lead.head.history")}</h3>
      <ul className="why-lines">
        {answer.history.map((one, place) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: what happened does not move
          <li key={place}>
            <span className="num">{moment(one.at, language)}</span> {one.event} {one.agents?.join(", ")} {one.about}
            {one.event === "OfferMade" && one.reservation && (
              <Button type="link" size="small" className="num" onClick={() => onChoose(one.reservation ?? "")}>
                {one.reservation}
              </Button>
            )}
          </li>
        ))}
      </ul>
    </div>
  );
}
