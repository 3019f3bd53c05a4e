/** The team lead's page of calls: who talks, and listen, whisper, barge, take over, disconnect. */
import { CustomerServiceOutlined, DisconnectOutlined, EyeOutlined } from "@ant-design/icons";
import { Button } from "antd";
import { duration } from "../engine/clock";
import type { Login } from "../engine/types";
import { pick, useT } from "../i18n";
import { phoneNumber } from "../ui/format";
import { useServerNow } from "../ui/hooks";
import { Empty } from "../ui/parts";
import type { Talk } from "./calls";
import { LeadPage } from "./LeadPage";
import { comes, EndSure, MODES, OwnBar, PhoneBar, type Seat, useSeat } from "./Seat";

export function CallsPage() {
  return <LeadPage place="calls">{({ who, ended }) => <Calls who={who} onEnded={ended} />}</LeadPage>;
}

function Calls({ who, onEnded }: { who: Login; onEnded: () => void }) {
  const t = useT();
  const seat = useSeat(who, onEnded);
  const { list } = seat;
  if (!list) return <main className="lead-main one" aria-busy="true" />;
  return (
    <main className="lead-main one calls-main">
      {seat.own ? <OwnBar seat={seat} /> : <PhoneBar seat={seat} />}
      <section className="card lead-list" data-testid="calls">
        <header className="card-head">
          <h2>{t("calls.all")}</h2>
          <small className="lead-hint">{t("calls.hint")}</small>
          {seat.away && (
            <span className="lead-failed" role="status">
              {t("calls.away")}
            </span>
          )}
        </header>
        {list.talks.length === 0 && (
          <Empty icon={<CustomerServiceOutlined />} title={t("calls.empty")} hint={t("calls.empty_hint")} />
        )}
        {list.talks.length > 0 && (
          <div className="lead-scroll">
            <table className="lead-table">
              <thead>
                <tr>
                  {["agent", "customer", "queue", "state", "since", "lead"].map((name) => (
                    <th key={name}>{t(`calls.${name}`)}</th>
                  ))}
                  <th>
                    <span className="sr-only">{t("nav.acts")}</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {list.talks.map((talk) => (
                  <Row key={talk.conversation} talk={talk} seat={seat} />
                ))}
              </tbody>
            </table>
          </div>
        )}
      </section>
      <EndSure seat={seat} />
    </main>
  );
}

function Row({ talk, seat }: { talk: Talk; seat: Seat }) {
  const t = useT();
  const now = useServerNow();
  const own = seat.own?.talk.conversation === talk.conversation;
  return (
    <tr data-testid="call" data-call={talk.conversation} data-state={talk.state}>
      <td>
        <b>{pick(talk.agent_name) || talk.agent || t("calls.nobody")}</b>
        <small className="num">{talk.agent}</small>
      </td>
      <td>
        {talk.customer || talk.caller || phoneNumber(talk.number)}
        <small className="num">{phoneNumber(talk.number)}</small>
      </td>
      <td>{pick(talk.queue_name) || "–"}</td>
      <td>{t(`calls.${talk.state}`)}</td>
      <td className="num">{duration(now - talk.since)}</td>
      <td>
        {talk.monitor ? (
          <>
            <EyeOutlined /> {talk.monitor.user} · {t(`calls.${talk.monitor.mode}`)}
          </>
        ) : (
          "–"
        )}
      </td>
      <td className="lead-acts">
        {comes(seat, talk) &&
          MODES.map((mode) => (
            <Button key={mode} size="small" data-testid={mode} onClick={() => void seat.come(talk, mode)}>
              {t(`calls.${mode}`)}
            </Button>
          ))}
        {talk.agent && !own && (
          <Button
            size="small"
            danger
            icon={<DisconnectOutlined />}
            data-testid="disconnect"
            onClick={() => seat.end(talk)}
          >
            {t("calls.disconnect")}
          </Button>
        )}
      </td>
    </tr>
  );
}
