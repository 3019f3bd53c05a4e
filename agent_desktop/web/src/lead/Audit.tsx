/** The audit log: who did what to whom. Asked for when it is opened. */
import { useEffect, useState } from "react";
import { has, useLanguage, useT } from "../i18n";
import { type AuditLine, acts } from "./useFloor";

export function Audit() {
  const t = useT();
  const language = useLanguage();
  const [lines, setLines] = useState<AuditLine[] | null>(null);
  useEffect(() => {
    acts.audit().then(setLines, () => setLines([]));
  }, []);
  if (!lines) return null;
  if (lines.length === 0) return <p>{t("floor.audit_empty")}</p>;
  return (
    <table className="floor-table" data-testid="audit-lines">
      <tbody>
        {lines.map((line) => (
          <tr key={`${line.at}${line.what}${line.agent}${line.contact}`}>
            <td className="num">{new Date(line.at * 1000).toLocaleString(language === "zh" ? "zh-CN" : "en-GB")}</td>
            <td>
              <b>{line.by}</b> {has(`floor.what.${line.what}`) ? t(`floor.what.${line.what}`) : line.what}
              <small>{[line.agent, line.contact, line.conversation, line.detail].filter(Boolean).join(" · ")}</small>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
