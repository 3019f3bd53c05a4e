/** Agents x skills: a cell is a level; the chosen agent's other data is beside it. */
import { CloseOutlined, PlusOutlined, TeamOutlined } from "@ant-design/icons";
import { Button, Input } from "antd";
import { useState } from "react";
import { pick, useT } from "../i18n";
import { Empty } from "../ui/parts";
import { faultText } from "./faults";
import { moveInGrid } from "./Grid";
import { idOf, isEdited, type Row, setKey, useRows, useSite } from "./site";
import { AddRow, Form, finds } from "./Table";

const MOST = 100;
type Levels = Record<string, number>;
const levels = (row: Row) => (row["skills"] ?? {}) as Levels;

export function Agents() {
  const t = useT();
  const view = useSite((state) => state.view);
  const edits = useSite((state) => state.edits);
  const faults = useSite((state) => state.faults);
  const rows = useRows("agents");
  const [typed, setTyped] = useState("");
  const [chosen, setChosen] = useState("");
  const [added, setAdded] = useState<string[]>([]);
  const [naming, setNaming] = useState<string | null>(null);
  if (!view) return null;
  const skills = [...new Set([...rows.flatMap((row) => Object.keys(levels(row))), ...added])].sort();
  const shown = rows.filter((row) => finds("id", row, typed)).slice(0, MOST);
  const row = rows.find((each) => idOf(view, "agents", each) === chosen);
  const set = (id: string, old: Levels, skill: string, text: string) => {
    const { [skill]: _, ...others } = old;
    const level = Number(text);
    const next = text.trim() === "" || Number.isNaN(level) ? others : { ...old, [skill]: level };
    setKey("agents", id, "skills", next);
  };
  const addSkill = () => {
    const name = naming?.trim();
    if (name && !skills.includes(name)) setAdded([...added, name]);
    setNaming(null);
  };
  return (
    <div className="admin-one">
      <section className="card admin-matrix">
        <header>
          <h1>{t("admin.place.agents")}</h1>
          <AddRow table="agents" onAdded={setChosen} />
          <span className="spacer" />
          {naming === null ? (
            <Button size="small" icon={<PlusOutlined />} onClick={() => setNaming("")} data-testid="add-skill">
              {t("admin.new_skill")}
            </Button>
          ) : (
            <Input
              size="small"
              autoFocus
              value={naming}
              style={{ width: 160 }}
              placeholder={t("admin.new_skill")}
              data-testid="add-skill-name"
              onChange={(e) => setNaming(e.target.value)}
              onPressEnter={addSkill}
              onBlur={addSkill}
            />
          )}
          <Input
            allowClear
            size="small"
            value={typed}
            style={{ width: 200 }}
            placeholder={t("admin.find")}
            aria-label={t("admin.find")}
            data-testid="find"
            onChange={(e) => setTyped(e.target.value)}
          />
        </header>
        <p className="af-hint">{t("admin.matrix_hint")}</p>
        {rows.length === 0 ? (
          <Empty icon={<TeamOutlined />} title={t("admin.empty.agents")} hint={t("admin.about.agents")} />
        ) : (
          <div className="matrix-scroll">
            <table className="matrix" onKeyDown={moveInGrid}>
              <thead>
                <tr>
                  <th scope="col">{t("admin.agent")}</th>
                  <th scope="col">{t("admin.field.group")}</th>
                  {skills.map((skill) => (
                    <th scope="col" key={skill}>
                      {skill}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {shown.map((each, n) => {
                  const id = idOf(view, "agents", each);
                  const fault = faults.find((one) => one.table === "agents" && one.id === id && one.key === "skills");
                  return (
                    <tr key={id} className={isEdited(edits, "agents", id) ? "unsaved" : ""}>
                      <th scope="row">
                        <button
                          type="button"
                          onClick={() => setChosen(chosen === id ? "" : id)}
                          data-testid={`agent-${id}`}
                          aria-expanded={chosen === id}
                        >
                          <b>{pick(each["name"] as never)}</b> <span className="num">{id}</span>
                        </button>
                        {fault && (
                          <div className="af-fault" role="alert" data-testid="fault">
                            {faultText(fault.message)}
                          </div>
                        )}
                      </th>
                      <td className="matrix-word">{String(each["group"] ?? "")}</td>
                      {skills.map((skill, col) => {
                        const level = levels(each)[skill];
                        return (
                          <td key={skill}>
                            <input
                              className="num"
                              inputMode="numeric"
                              aria-label={`${id} ${skill}`}
                              data-testid={`level-${id}-${skill}`}
                              data-row={n}
                              data-col={col}
                              style={{ "--level": level ?? 0 } as React.CSSProperties}
                              value={level ?? ""}
                              placeholder="·"
                              onFocus={(e) => e.target.select()}
                              onChange={(e) => set(id, levels(each), skill, e.target.value.replace(/\D/g, ""))}
                            />
                          </td>
                        );
                      })}
                    </tr>
                  );
                })}
              </tbody>
            </table>
          </div>
        )}
        {rows.length > MOST && (
          <p className="af-hint">{t("admin.narrow", { shown: shown.length, count: rows.length })}</p>
        )}
      </section>
      {row && (
        <div className="admin-side">
          <Button
            type="text"
            className="admin-side-close"
            icon={<CloseOutlined />}
            aria-label={t("admin.close")}
            onClick={() => setChosen("")}
          />
          <Form key={chosen} table="agents" row={row} />
        </div>
      )}
    </div>
  );
}
