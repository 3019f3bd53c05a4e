/** Who changed what, newest first; an earlier version is brought back from here. */
import { HistoryOutlined } from "@ant-design/icons";
import { Button } from "antd";
import { useEffect, useState } from "react";
import { useLanguage, useT } from "../i18n";
import { Empty } from "../ui/parts";
import { restore, useSite, type Version, versions } from "./site";

export function Versions() {
  const t = useT();
  const language = useLanguage();
  const view = useSite((state) => state.view);
  const edits = useSite((state) => state.edits);
  const busy = useSite((state) => state.busy);
  const [found, setFound] = useState<Version[] | null>(null);
  useEffect(() => {
    void view;
    versions().then(setFound, () => setFound([]));
  }, [view]);
  if (!found) return null;
  const when = new Intl.DateTimeFormat(language === "zh" ? "zh-CN" : "en-GB", {
    dateStyle: "medium",
    timeStyle: "medium",
  });
  const unsaved = Object.keys(edits).length > 0;
  return (
    <div className="admin-one">
      <section className="card admin-versions">
        <header>
          <h1>{t("admin.place.versions")}</h1>
        </header>
        <p className="af-hint">{t("admin.about.versions")}</p>
        {found.length === 0 && (
          <Empty icon={<HistoryOutlined />} title={t("admin.empty.versions")} hint={t("admin.about.versions")} />
        )}
        <ol>
          {found.map((each) => (
            <li key={each.number} data-testid={`version-${each.number}`}>
              <b className="num">{each.number}</b>
              <div>
                <p>
                  <strong>{each.by || t("admin.by_nobody")}</strong>{" "}
                  <time>{when.format(new Date(each.at * 1000))}</time>
                  {each.in_force && <span className="mark">{t("admin.in_force")}</span>}
                </p>
                <Lines lines={each.changed} />
              </div>
              {!each.in_force && (
                <Button
                  loading={busy}
                  disabled={unsaved}
                  title={unsaved ? t("admin.save_first") : ""}
                  onClick={() => void restore(each.number)}
                  data-testid={`restore-${each.number}`}
                >
                  {t("admin.bring_back")}
                </Button>
              )}
            </li>
          ))}
        </ol>
      </section>
    </div>
  );
}

export function Lines({ lines }: { lines: string[] }) {
  return (
    <ul className="admin-lines">
      {lines.map((line) => (
        <li key={line}>{line}</li>
      ))}
    </ul>
  );
}
