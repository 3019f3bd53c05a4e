/** One field of a form, whatever its kind; its faults are under it. */
import { ArrowUpOutlined, CloseOutlined, PlusOutlined } from "@ant-design/icons";
import { Button, Input, InputNumber, Select, Switch } from "antd";
import { type ReactNode, useId } from "react";
import { has, useT } from "../i18n";
import { AlgorithmControl, Choice, LabelControl, Pairs, Percents, Requires, Week } from "./controls";
import { faultText } from "./faults";
import type { Field as Spec } from "./fields";
import { type Fault, type Row, useSite, type Value } from "./site";

interface Props {
  spec: Spec;
  value: Value;
  fallback: Value;
  onChange: (value: Value) => void;
  queue: string;
  testid: string;
  /** Where it is in its row, e.g. steps[0].requires; the row's faults are told by that. */
  path: string;
  faults: Fault[];
  /** Of which table, and within which key of its rows: there are its defaults. */
  table: string;
}

/** A field with its name, what it means, and what is wrong with it. */
export function Field(props: Props & { small?: boolean }) {
  const t = useT();
  const id = useId();
  const { spec, small } = props;
  const faults = props.faults.filter((fault) => isHere(fault.path, props.path, spec));
  const hint = `admin.hint.${spec.key}`;
  const words = `admin.field.${spec.key}`;
  const wide = ["rows", "part", "named", "requires", "week", "pairs", "label", "algorithm"].includes(spec.kind);
  return (
    <div className={`af${wide ? " af-wide" : ""}${faults.length ? " af-bad" : ""}`}>
      {spec.kind !== "rows" && spec.kind !== "named" && (
        <label htmlFor={id} className="af-name">
          {has(words) ? t(words) : spec.key}
          {spec.unit && <small>{t(`admin.unit.${spec.unit}`)}</small>}
        </label>
      )}
      <Control {...props} id={id} />
      {faults.map((fault) => (
        <div key={fault.message} className="af-fault" role="alert" data-testid="fault">
          {faultText(fault.message)}
        </div>
      ))}
      {!small && has(hint) && <div className="af-hint">{t(hint)}</div>}
    </div>
  );
}

/** Whether a fault is this field's own: a field within it that has its own place shows its own. */
function isHere(fault: string, path: string, spec: Spec): boolean {
  if (fault === path) return true;
  if (!fault.startsWith(path) || !/[.[]/.test(fault.charAt(path.length))) return false;
  if (!("fields" in spec)) return true;
  const inner = /^(?:\[\d+\])?\.(\w+)/.exec(fault.slice(path.length))?.[1];
  return !spec.fields.some((field) => field.key === inner);
}

function Control({
  spec,
  value,
  fallback,
  onChange,
  queue,
  testid,
  id,
  path,
  faults,
  table,
}: Props & { id: string }): ReactNode {
  const shown = value ?? fallback;
  switch (spec.kind) {
    case "number":
      return (
        <InputNumber
          id={id}
          data-testid={testid}
          value={shown as number | null}
          placeholder="—"
          onChange={(next) => onChange(next ?? undefined)}
          controls={false}
        />
      );
    case "text":
      return (
        <Input id={id} data-testid={testid} value={String(shown ?? "")} onChange={(e) => onChange(e.target.value)} />
      );
    case "flag":
      return <Switch id={id} data-testid={testid} checked={shown === true} onChange={onChange} />;
    case "label":
      return <LabelControl id={id} value={shown as Row} onChange={onChange} testid={testid} />;
    case "requires":
      return (
        <Requires
          id={id}
          value={String(shown ?? "")}
          onChange={onChange}
          queue={queue}
          testid={testid}
          told={faults.some((fault) => fault.path === path)}
        />
      );
    case "algorithm":
      return <AlgorithmControl id={id} value={shown as string} onChange={onChange} testid={testid} />;
    case "choice":
    case "many":
      return <Choice id={id} spec={spec} value={shown} onChange={onChange} testid={testid} />;
    case "names":
      return (
        <Select
          id={id}
          mode="tags"
          open={false}
          suffixIcon={null}
          tokenSeparators={[",", " ", "，"]}
          data-testid={testid}
          value={(shown ?? []) as string[]}
          onChange={(next: string[]) => onChange(next.length ? next : undefined)}
        />
      );
    case "percents":
      return <Percents id={id} value={(shown ?? {}) as Record<string, number>} onChange={onChange} testid={testid} />;
    case "named":
      return (
        <Rows
          spec={{ ...spec, kind: "rows" }}
          value={Object.entries((shown ?? {}) as Record<string, Row>).map(([medium, row]) => ({ medium, ...row }))}
          onChange={(rows) =>
            onChange(rows && Object.fromEntries((rows as Row[]).map(({ medium, ...row }) => [String(medium), row])))
          }
          queue={queue}
          testid={testid}
          path={path}
          faults={faults}
          table={`${table}.${spec.key}`}
        />
      );
    case "pairs":
      return <Pairs value={(shown ?? {}) as Record<string, string>} onChange={onChange} />;
    case "week":
      return <Week value={(shown ?? {}) as Record<string, string[]>} onChange={onChange} />;
    case "rows":
      return (
        <Rows
          spec={spec}
          value={(shown ?? []) as Row[]}
          onChange={onChange}
          queue={queue}
          testid={testid}
          path={path}
          faults={faults}
          table={`${table}.${spec.key}`}
        />
      );
    case "part":
      return (
        <Part
          spec={spec}
          value={shown as Row | null}
          onChange={onChange}
          queue={queue}
          testid={testid}
          path={path}
          faults={faults}
          table={`${table}.${spec.key}`}
        />
      );
  }
}

function Rows({
  spec,
  value,
  onChange,
  queue,
  testid,
  path,
  faults,
  table,
}: {
  spec: Spec & { kind: "rows" };
  value: Row[];
  onChange: (value: Value) => void;
  queue: string;
  testid: string;
  path: string;
  faults: Fault[];
  table: string;
}) {
  const t = useT();
  const defaults = useSite((state) => state.view?.defaults[table]);
  const told = (rows: Row[]) => onChange(rows.length ? rows : undefined);
  const change = (place: number, key: string, next: Value) =>
    told(
      value.map((row, n) => {
        if (n !== place) return row;
        const { [key]: _, ...others } = row;
        return next === undefined ? others : { ...row, [key]: next };
      }),
    );
  return (
    <div className="rows">
      {value.length === 0 && <p className="af-hint">{t(`admin.no.${spec.key}`)}</p>}
      {value.map((row, place) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: rows have no names, their place is what they are
        <div className="rows-row" key={place}>
          <b className="rows-place">{place + 1}</b>
          <div className="af-grid">
            {spec.fields.map((field) => (
              <Field
                key={field.key}
                small
                spec={field}
                value={row[field.key]}
                fallback={defaults?.[field.key]}
                table={table}
                queue={queue}
                testid={`${testid}-${place}-${field.key}`}
                path={`${path}[${place}].${field.key}`}
                faults={faults}
                onChange={(next) => change(place, field.key, next)}
              />
            ))}
          </div>
          <Button
            type="text"
            icon={<ArrowUpOutlined />}
            aria-label={t("admin.up")}
            disabled={place === 0}
            onClick={() => {
              const next = [...value];
              next.splice(place - 1, 0, ...next.splice(place, 1));
              told(next);
            }}
          />
          <Button
            type="text"
            icon={<CloseOutlined />}
            aria-label={t("admin.remove")}
            onClick={() => told(value.filter((_, n) => n !== place))}
          />
        </div>
      ))}
      <Button icon={<PlusOutlined />} data-testid={`${testid}-add`} onClick={() => told([...value, { ...spec.fresh }])}>
        {t(`admin.add.${spec.key}`)}
      </Button>
    </div>
  );
}

function Part({
  spec,
  value,
  onChange,
  queue,
  testid,
  path,
  faults,
  table,
}: {
  spec: Spec & { kind: "part" };
  value: Row | null | undefined;
  onChange: (value: Value) => void;
  queue: string;
  testid: string;
  path: string;
  faults: Fault[];
  table: string;
}) {
  const defaults = useSite((state) => state.view?.defaults[table]);
  return (
    <div className="part">
      <Switch checked={value != null} data-testid={testid} onChange={(on) => onChange(on ? {} : undefined)} />
      {value != null && (
        <div className="af-grid">
          {spec.fields.map((field) => (
            <Field
              key={field.key}
              small
              spec={field}
              value={value[field.key]}
              fallback={defaults?.[field.key]}
              table={table}
              queue={queue}
              testid={`${testid}-${field.key}`}
              path={`${path}.${field.key}`}
              faults={faults}
              onChange={(next) => {
                const { [field.key]: _, ...others } = value;
                onChange(next === undefined ? others : { ...value, [field.key]: next });
              }}
            />
          ))}
        </div>
      )}
    </div>
  );
}
