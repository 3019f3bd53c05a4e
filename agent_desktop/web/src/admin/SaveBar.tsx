/** What is not saved, what came of saving, and the way back. Always at the bottom. */
import { CheckCircleFilled, CloseOutlined, WarningFilled } from "@ant-design/icons";
import { Button } from "antd";
import { useEffect } from "react";
import { has, useLanguage, useT } from "../i18n";
import { faultText } from "./faults";
import { discard, forgetTold, lookAgain, restore, save, useSite } from "./site";
import { Lines } from "./Versions";

export function SaveBar() {
  const t = useT();
  const { edits, faults, told, stale, busy } = useSite();
  const count = Object.keys(edits).length;
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.key !== "s" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      if (Object.keys(useSite.getState().edits).length) void save();
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, []);
  return (
    <footer className="save-bar" data-testid="save-bar" data-edits={count}>
      {stale && <StaleNote />}
      {faults.length > 0 && (
        <div className="admin-note admin-note-bad" role="alert" data-testid="refused">
          <WarningFilled />
          <div>
            <strong>{t("admin.refused", { count: faults.length })}</strong>
            {faults.map((fault) => (
              <p key={`${fault.table}${fault.id}${fault.key}${fault.message}`}>
                {fault.table && (
                  <a href={`#${fault.table}`}>
                    {has(`admin.place.${fault.table}`) ? t(`admin.place.${fault.table}`) : fault.table}
                  </a>
                )}{" "}
                {[fault.id, has(`admin.field.${fault.key}`) ? t(`admin.field.${fault.key}`) : fault.key]
                  .filter(Boolean)
                  .join(" / ")}{" "}
                {faultText(fault.message)}
              </p>
            ))}
          </div>
        </div>
      )}
      {told && (
        <div
          className={`admin-note${told.kind === "failed" ? " admin-note-bad" : " admin-note-good"}`}
          role="status"
          data-testid="told"
          data-told={told.kind}
        >
          {told.kind === "failed" ? <WarningFilled /> : <CheckCircleFilled />}
          <div>
            <strong>
              {told.kind === "failed"
                ? t(has(`admin.failed.${told.code}`) ? `admin.failed.${told.code}` : "admin.failed.other")
                : t(`admin.${told.kind}`)}
            </strong>
            <Lines lines={told.lines} />
            {told.warnings.map((line) => (
              <p key={line}>
                <WarningFilled /> {line}
              </p>
            ))}
          </div>
          <span className="spacer" />
          {told.undo !== undefined && count === 0 && (
            <Button size="small" onClick={() => void restore(told.undo ?? 0)} data-testid="undo">
              {t("admin.undo")}
            </Button>
          )}
          <Button
            size="small"
            type="text"
            icon={<CloseOutlined />}
            aria-label={t("admin.close")}
            onClick={forgetTold}
          />
        </div>
      )}
      {count > 0 && (
        <div className="save-line">
          <span>{t("admin.unsaved", { count })}</span>
          <span className="spacer" />
          <Button onClick={discard} disabled={busy} data-testid="discard">
            {t("admin.discard")}
          </Button>
          <Button onClick={() => void save(true)} disabled={busy} data-testid="check">
            {t("admin.check")}
          </Button>
          <Button type="primary" onClick={() => void save()} loading={busy} data-testid="save">
            {t("admin.save")}
          </Button>
        </div>
      )}
    </footer>
  );
}

function StaleNote() {
  const t = useT();
  const language = useLanguage();
  const stale = useSite((state) => state.stale);
  if (!stale) return null;
  const time = new Intl.DateTimeFormat(language === "zh" ? "zh-CN" : "en-GB", { timeStyle: "medium" });
  return (
    <div className="admin-note admin-note-bad" role="alert" data-testid="stale">
      <WarningFilled />
      <div>
        <strong>
          {t("admin.stale", { who: stale.by || t("admin.by_nobody"), time: time.format(new Date(stale.at * 1000)) })}
        </strong>
        <Lines lines={stale.changed} />
      </div>
      <span className="spacer" />
      <Button onClick={() => void lookAgain(false)} data-testid="take-theirs">
        {t("admin.take_theirs")}
      </Button>
      <Button type="primary" onClick={() => void lookAgain(true)} data-testid="keep-mine">
        {t("admin.keep_mine")}
      </Button>
    </div>
  );
}
