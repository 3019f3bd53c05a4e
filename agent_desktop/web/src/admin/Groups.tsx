/** Groups x queues: for each queue that a group serves its priority, delay and tier. */
import { ApartmentOutlined, CloseOutlined, PlusOutlined } from "@ant-design/icons";
import { Button } from "antd";
import { useState } from "react";
import { pick, useT } from "../i18n";
import { Empty } from "../ui/parts";
import { faultText } from "./faults";
import { moveInGrid } from "./Grid";
import { idOf, isEdited, type Row, setKey, useRows, useSite } from "./site";
import { AddRow, Form } from "./Table";

type Serves = Row & { queue: string };
const PARTS = ["priority", "delay_seconds", "tier", "share"] as const;
const DEFAULT = { priority: 1, delay_seconds: 0, tier: 1, share: 0 };
const served = (row: Row) => (row["serves"] ?? []) as Serves[];

export function Groups() {
  const t = useT();
  const view = useSite((state) => state.view);
  const edits = useSite((state) => state.edits);
  const faults = useSite((state) => state.faults);
  const groups = useRows("groups");
  const queues = useRows("queues");
  const agents = useRows("agents");
  const [chosen, setChosen] = useState("");
  if (!view) return null;
  const put = (group: string, old: Serves[], queue: string, next: Serves | null) => {
    const others = old.filter((each) => each.queue !== queue);
    const place = old.findIndex((each) => each.queue === queue);
    const all = next ? [...others] : others;
    if (next) all.splice(place < 0 ? all.length : place, 0, next);
    setKey("groups", group, "serves", all.length ? all : undefined);
  };
  const row = groups.find((each) => idOf(view, "groups", each) === chosen);
  return (
    <div className="admin-one">
      <section className="card admin-matrix">
        <header>
          <h1>{t("admin.place.groups")}</h1>
          <AddRow table="groups" onAdded={setChosen} />
        </header>
        <p className="af-hint">{t("admin.about.groups")}</p>
        {groups.length === 0 ? (
          <Empty icon={<ApartmentOutlined />} title={t("admin.empty.groups")} hint={t("admin.empty_hint.groups")} />
        ) : (
          <div className="matrix-scroll">
            <table className="matrix matrix-groups" onKeyDown={moveInGrid}>
              <thead>
                <tr>
                  <th scope="col">{t("admin.field.group")}</th>
                  {queues.map((queue) => (
                    <th scope="col" key={idOf(view, "queues", queue)}>
                      {pick(queue["name"] as never)}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {groups.map((group, n) => {
                  const id = idOf(view, "groups", group);
                  const fault = faults.find((each) => each.table === "groups" && each.id === id);
                  return (
                    <tr key={id} className={isEdited(edits, "groups", id) ? "unsaved" : ""}>
                      <th scope="row">
                        <button
                          type="button"
                          onClick={() => setChosen(chosen === id ? "" : id)}
                          data-testid={`group-${id}`}
                        >
                          <b>{pick(group["name"] as never)}</b>
                          <span>
                            {t("admin.members", { count: agents.filter((each) => each["group"] === id).length })}
                          </span>
                        </button>
                        {fault && (
                          <div className="af-fault" role="alert" data-testid="fault">
                            {faultText(fault.message)}
                          </div>
                        )}
                      </th>
                      {queues.map((queue, m) => {
                        const name = idOf(view, "queues", queue);
                        const one = served(group).find((each) => each.queue === name);
                        return (
                          <td key={name}>
                            {one ? (
                              <div className="serves" data-testid={`serves-${id}-${name}`}>
                                {PARTS.map((part, place) => (
                                  <label key={part} title={t(`admin.serves_hint.${part}`)}>
                                    <small>{t(`admin.short.${part}`)}</small>
                                    <input
                                      className="num"
                                      inputMode="numeric"
                                      data-row={n}
                                      data-col={m * PARTS.length + place}
                                      data-testid={`${part}-${id}-${name}`}
                                      value={String(one[part] ?? DEFAULT[part])}
                                      onFocus={(e) => e.target.select()}
                                      onChange={(e) => {
                                        const value = Number(e.target.value.replace(/[^\d.]/g, ""));
                                        put(id, served(group), name, { ...one, [part]: value });
                                      }}
                                    />
                                  </label>
                                ))}
                                <Button
                                  size="small"
                                  type="text"
                                  icon={<CloseOutlined />}
                                  aria-label={t("admin.remove")}
                                  onClick={() => put(id, served(group), name, null)}
                                />
                              </div>
                            ) : (
                              <Button
                                size="small"
                                type="text"
                                className="quiet"
                                icon={<PlusOutlined />}
                                data-testid={`serve-${id}-${name}`}
                                onClick={() =>
                                  put(id, served(group), name, { queue: name, priority: 1, delay_seconds: 0, tier: 1 })
                                }
                              >
                                {t("admin.serve")}
                              </Button>
                            )}
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
          <Form key={chosen} table="groups" row={row} />
        </div>
      )}
    </div>
  );
}
