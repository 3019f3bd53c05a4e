/** The team lead's page of queues: open or closed, what became of all callers, the predicted wait, the emergency switch. */
import { ClusterOutlined, DisconnectOutlined, PoweroffOutlined, ReloadOutlined } from "@ant-design/icons";
import { App, Button, Input, Modal } from "antd";
import i18next from "i18next";
import { useCallback, useEffect, useState } from "react";
import { ApiError } from "../engine/api";
import { duration } from "../engine/clock";
import { pick, useLanguage, useT } from "../i18n";
import { queuesEn } from "../i18n/queuesEn";
import { queuesZh } from "../i18n/queuesZh";
import { Empty, sentence } from "../ui/parts";
import { LeadPage } from "./LeadPage";
import { ends, type QueueNow, queues } from "./queues";

i18next.addResourceBundle("zh", "translation", { queues: queuesZh }, true);
i18next.addResourceBundle("en", "translation", { queues: queuesEn }, true);

export function QueuesPage() {
  return <LeadPage place="queues">{() => <Queues />}</LeadPage>;
}

function Queues() {
  const t = useT();
  const { message } = App.useApp();
  const [rows, setRows] = useState<QueueNow[] | null>(null);
  const [failed, setFailed] = useState(false);
  const [closing, setClosing] = useState<QueueNow | null>(null);
  const [reason, setReason] = useState("");

  const load = useCallback(async () => {
    try {
      setRows(await queues.all());
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

  const act = async (work: Promise<unknown>, done: string) => {
    setClosing(null);
    try {
      await work;
      void message.success(t(done));
    } catch (error) {
      void message.error(sentence(error instanceof ApiError ? error.code : "failed"));
    }
    await load();
  };

  if (failed && !rows)
    return (
      <Empty icon={<DisconnectOutlined />} title={t("queues.failed_load")} hint={t("reject.server_away")}>
        <Button onClick={() => void load()}>{t("queues.again")}</Button>
      </Empty>
    );
  return (
    <main className="lead-main one">
      <section className="card lead-list" data-testid="queues" aria-busy={rows === null}>
        <header className="card-head">
          <h2>{t("queues.all")}</h2>
          <small className="lead-hint">{t("queues.hint")}</small>
          <Button
            type="text"
            size="small"
            className="quiet"
            icon={<ReloadOutlined />}
            aria-label={t("queues.refresh")}
            onClick={() => void load()}
          />
        </header>
        {rows?.length === 0 && (
          <Empty icon={<ClusterOutlined />} title={t("queues.empty")} hint={t("queues.empty_hint")} />
        )}
        {rows && rows.length > 0 && (
          <div className="lead-scroll">
            <table className="lead-table">
              <thead>
                <tr>
                  {["queue", "state", "waiting", "entered", "ended", "forecast"].map((name) => (
                    <th key={name}>{t(`queues.${name}`)}</th>
                  ))}
                  <th>
                    <span className="sr-only">{t("nav.acts")}</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {rows.map((row) => (
                  <Row
                    key={row.id}
                    row={row}
                    onClose={() => {
                      setReason("");
                      setClosing(row);
                    }}
                    onOpen={() => void act(queues.open(row.id), "queues.opened_now")}
                  />
                ))}
              </tbody>
            </table>
          </div>
        )}
      </section>
      <Modal
        open={closing !== null}
        title={closing && t("queues.sure", { name: pick(closing.name) })}
        okText={t("queues.close")}
        cancelText={t("queues.cancel")}
        okButtonProps={{ danger: true }}
        onCancel={() => setClosing(null)}
        onOk={() => closing && void act(queues.close(closing.id, reason.trim()), "queues.closed_now")}
      >
        <p className="lead-sure">{t("queues.sure_hint")}</p>
        <Input
          value={reason}
          maxLength={200}
          placeholder={t("queues.reason")}
          aria-label={t("queues.reason")}
          data-testid="close-reason"
          onChange={(event) => setReason(event.target.value)}
        />
      </Modal>
    </main>
  );
}

function Row({ row, onClose, onOpen }: { row: QueueNow; onClose: () => void; onOpen: () => void }) {
  const t = useT();
  const language = useLanguage();
  const moment = (at: number) =>
    new Date(at * 1000).toLocaleString(language === "zh" ? "zh-CN" : "en-GB", {
      dateStyle: "short",
      timeStyle: "short",
    });
  return (
    <tr data-testid="queue" data-queue={row.id}>
      <td>
        <b>{pick(row.name)}</b>
        <small className="num">{row.id}</small>
      </td>
      <td>
        <span className={row.open ? "" : "lead-failed"}>
          {t(row.closed_at ? "queues.switched" : row.open ? "queues.open" : "queues.closed")}
        </span>
        {row.closed_at && (
          <small>
            {t("queues.by", { name: row.closed_by, time: moment(row.closed_at) })}
            {row.closed_reason && ` · ${row.closed_reason}`}
          </small>
        )}
        {!row.closed_at && row.changes_at && (
          <small>{t(row.open ? "queues.closes" : "queues.until", { time: moment(row.changes_at) })}</small>
        )}
      </td>
      <td className="num">{row.waiting}</td>
      <td className="num">{row.entered}</td>
      <td>
        {ends(row).map(({ key, count }) => (
          <span key={key} className="lead-end">
            {t(key)} <b className="num">{count}</b>
          </span>
        ))}
      </td>
      <td>
        {row.predicted_seconds === null
          ? t("queues.unknown")
          : t("queues.about", { time: duration(row.predicted_seconds) })}
        <small>
          {row.told
            ? t("queues.told", { low: duration(row.told[0]), high: duration(row.told[1]) })
            : t("queues.untold")}
          {row.held !== null && ` · ${t("queues.held", { share: `${Math.round(row.held * 100)} %` })}`}
        </small>
      </td>
      <td className="lead-acts">
        {row.closed_at ? (
          <Button size="small" type="primary" data-testid="reopen" onClick={onOpen}>
            {t("queues.reopen")}
          </Button>
        ) : (
          <Button size="small" danger data-testid="close" icon={<PoweroffOutlined />} onClick={onClose}>
            {t("queues.close")}
          </Button>
        )}
      </td>
    </tr>
  );
}
