/** A table of the site as a list of rows and the form of the chosen one. */
import { DeleteOutlined, PlusOutlined } from "@ant-design/icons";
import { Button, Input } from "antd";
import { type ReactNode, useState } from "react";
import { has, pick, useT } from "../i18n";
import { Empty } from "../ui/parts";
import { Field } from "./Field";
import { fresh, SECTIONS, type Field as Spec } from "./fields";
import { addRow, idOf, isEdited, meaning, type Row, removeRow, setKey, useRows, useSite } from "./site";

/** `below`: what a table shows under a row's form, beside its fields. */
export function Table({ table, below }: { table: string; below?: (id: string, row: Row) => ReactNode }) {
  const t = useT();
  const view = useSite((state) => state.view);
  const edits = useSite((state) => state.edits);
  const rows = useRows(table);
  const [chosen, setChosen] = useState("");
  const [typed, setTyped] = useState("");
  if (!view) return null;
  const shown = rows.filter((row) => finds(view.names[table] ?? "id", row, typed));
  const row = rows.find((each) => idOf(view, table, each) === chosen) ?? shown[0];
  return (
    <div className="admin-two">
      <aside className="admin-list card">
        <header>
          <h1>{t(`admin.place.${table}`)}</h1>
          <AddRow table={table} onAdded={setChosen} />
        </header>
        {rows.length > 8 && (
          <Input
            allowClear
            value={typed}
            placeholder={t("admin.find")}
            onChange={(e) => setTyped(e.target.value)}
            aria-label={t("admin.find")}
          />
        )}
        <ul>
          {shown.slice(0, MOST).map((each) => {
            const id = idOf(view, table, each);
            return (
              <li key={id}>
                <button
                  type="button"
                  aria-current={each === row || undefined}
                  className={isEdited(edits, table, id) ? "unsaved" : ""}
                  onClick={() => setChosen(id)}
                  data-testid={`row-${id}`}
                >
                  <b>{pick(each["name"] as never) || id}</b>
                  <span>{id}</span>
                </button>
              </li>
            );
          })}
        </ul>
        {shown.length > MOST && <p className="af-hint">{t("admin.more", { count: shown.length - MOST })}</p>}
      </aside>
      {row ? (
        <Form key={idOf(view, table, row)} table={table} row={row} below={below} />
      ) : (
        <div className="card">
          <Empty icon={<PlusOutlined />} title={t(`admin.empty.${table}`)} hint={t(`admin.about.${table}`)} />
        </div>
      )}
    </div>
  );
}

const MOST = 200;

export function finds(key: string, row: Row, typed: string): boolean {
  const wanted = typed.trim().toLowerCase();
  if (!wanted) return true;
  const name = (row["name"] ?? {}) as Record<string, unknown>;
  return [row[key], name["zh"], name["en"]].some((text) =>
    String(text ?? "")
      .toLowerCase()
      .includes(wanted),
  );
}

export function AddRow({ table, onAdded }: { table: string; onAdded: (id: string) => void }) {
  const t = useT();
  const view = useSite((state) => state.view);
  const rows = useRows(table);
  const [id, setId] = useState<string | null>(null);
  if (!view) return null;
  if (id === null)
    return (
      <Button size="small" icon={<PlusOutlined />} data-testid="add" onClick={() => setId("")}>
        {t("admin.new")}
      </Button>
    );
  const taken = rows.some((row) => idOf(view, table, row) === id);
  const good = /^[+*#A-Za-z0-9][A-Za-z0-9_.*#-]{0,63}$/.test(id) && !taken;
  return (
    <form
      className="admin-add"
      onSubmit={(event) => {
        event.preventDefault();
        if (!good) return;
        addRow(table, id, fresh(table, id, view.flows));
        onAdded(id);
        setId(null);
      }}
    >
      <Input
        autoFocus
        size="small"
        value={id}
        status={id && !good ? "error" : ""}
        placeholder={t("admin.new_id")}
        onChange={(event) => setId(event.target.value)}
        onKeyDown={(event) => event.key === "Escape" && setId(null)}
        data-testid="add-id"
      />
      <Button size="small" type="primary" htmlType="submit" disabled={!good}>
        {t("admin.new")}
      </Button>
    </form>
  );
}

export function Form({
  table,
  row,
  below,
}: {
  table: string;
  row: Row;
  below?: ((id: string, row: Row) => ReactNode) | undefined;
}) {
  const t = useT();
  const view = useSite((state) => state.view);
  const faults = useSite((state) => state.faults);
  if (!view) return null;
  const id = idOf(view, table, row);
  const mine = faults.filter((fault) => fault.table === table && fault.id === id);
  const sections = SECTIONS[table] ?? [];
  const known = sections.flatMap((section) => section.fields.map((field) => field.key));
  return (
    <section className="admin-form card" data-testid="form" data-row={id}>
      <header>
        <h1>{pick(row["name"] as never) || id}</h1>
        <code>{id}</code>
        <span className="spacer" />
        <Button danger type="text" icon={<DeleteOutlined />} data-testid="remove" onClick={() => removeRow(table, id)}>
          {t("admin.remove")}
        </Button>
      </header>
      {mine
        .filter((fault) => !known.includes(fault.key))
        .map((fault) => (
          <div key={fault.message} className="af-fault" role="alert" data-testid="fault">
            {fault.key} {fault.message}
          </div>
        ))}
      {sections.map((section) => (
        <fieldset key={section.key}>
          {sections.length > 1 && <legend>{t(`admin.section.${section.key}`)}</legend>}
          {has(`admin.section_is.${section.key}`) && <p className="af-hint">{t(`admin.section_is.${section.key}`)}</p>}
          <div className="af-grid">
            {section.fields
              .filter((spec) => isOfUse(spec, (key) => meaning(view, table, row, key)))
              .map((spec) => (
                <Field
                  key={spec.key}
                  spec={spec}
                  value={row[spec.key]}
                  fallback={view.defaults[table]?.[spec.key]}
                  path={spec.key}
                  table={table}
                  faults={mine}
                  queue={table === "queues" ? id : ""}
                  testid={`field-${spec.key}`}
                  onChange={(value) => setKey(table, id, spec.key, value)}
                />
              ))}
          </div>
        </fieldset>
      ))}
      {below?.(id, row)}
    </section>
  );
}

/** A field that means nothing as long as another is as it is. */
function isOfUse(spec: Spec, value: (key: string) => unknown): boolean {
  if (spec.key === "ring_at_most") return value("algorithm") === "ring_all";
  if (spec.key === "at_close" || spec.key === "when_closed") return Boolean(value("calendar"));
  return true;
}
