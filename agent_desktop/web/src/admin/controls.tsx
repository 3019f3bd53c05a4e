/** What a field is filled in with, kind by kind. Not here: fields within fields (`Field`). */
import { Input, Select } from "antd";
import { useEffect, useState } from "react";
import { pick, useT } from "../i18n";
import { faultText } from "./faults";
import { ALGORITHMS, type Field as Spec } from "./fields";
import { type Fitting, fitting, idOf, type Row, rowsOf, useSite, type Value } from "./site";
import { DAYS, pairsOf, pairsText, spans } from "./written";

export function LabelControl({
  id,
  value,
  onChange,
  testid,
}: {
  id: string;
  value: Row | undefined;
  onChange: (value: Value) => void;
  testid: string;
}) {
  const name = value ?? { zh: "", en: "" };
  const set = (language: string, text: string) => onChange({ ...name, [language]: text });
  return (
    <div className="af-pair">
      <Input
        id={id}
        prefix={<span className="af-lang">中</span>}
        data-testid={`${testid}-zh`}
        value={String(name["zh"] ?? "")}
        onChange={(e) => set("zh", e.target.value)}
      />
      <Input
        aria-label="English"
        prefix={<span className="af-lang">EN</span>}
        data-testid={`${testid}-en`}
        value={String(name["en"] ?? "")}
        onChange={(e) => set("en", e.target.value)}
      />
    </div>
  );
}

export function AlgorithmControl({
  id,
  value,
  onChange,
  testid,
}: {
  id: string;
  value: string | undefined;
  onChange: (value: Value) => void;
  testid: string;
}) {
  const t = useT();
  return (
    <>
      <Select
        id={id}
        data-testid={testid}
        value={value || undefined}
        placeholder="—"
        allowClear
        onChange={(next: string | undefined) => onChange(next)}
        options={ALGORITHMS.map((each) => ({ value: each, label: t(`admin.algorithm.${each}`) }))}
      />
      {value && <div className="af-hint af-said">{t(`admin.algorithm_is.${value}`)}</div>}
    </>
  );
}

/** Ids of a table with their names, in the language of the page. */
function useOptions(from: string): { value: string; label: string }[] {
  const t = useT();
  const view = useSite((state) => state.view);
  const edits = useSite((state) => state.edits);
  if (!view) return [];
  void t;
  if (from === "flows" || from === "prompts") return view[from].map((each) => ({ value: each, label: each }));
  return rowsOf(view, edits, from).map((row) => {
    const value = idOf(view, from, row);
    const name = pick(row["name"] as never);
    return { value, label: name && name !== value ? `${name} (${value})` : value };
  });
}

export function Choice({
  id,
  spec,
  value,
  onChange,
  testid,
}: {
  id: string;
  spec: Spec & { kind: "choice" | "many" };
  value: Value;
  onChange: (value: Value) => void;
  testid: string;
}) {
  const t = useT();
  const rows = useOptions(spec.from ?? "");
  if (spec.kind === "many")
    return (
      <Select
        id={id}
        mode="multiple"
        data-testid={testid}
        value={(value ?? []) as string[]}
        onChange={(next: string[]) => onChange(next.length ? next : undefined)}
        options={rows}
        optionFilterProp="label"
      />
    );
  const options = spec.words ? spec.words.map((word) => ({ value: word, label: t(`admin.word.${word}`) })) : rows;
  return (
    <Select
      id={id}
      showSearch={{ optionFilterProp: "label" }}
      data-testid={testid}
      value={String(value ?? "")}
      onChange={(next: string) => onChange(next || undefined)}
      options={spec.none ? [{ value: "", label: t("admin.none") }, ...options] : options}
    />
  );
}

/** A requirement is checked while it is typed: whether it reads, and who would fit now; `told`: its fault is shown. */
export function Requires({
  id,
  value,
  onChange,
  queue,
  testid,
  told,
}: {
  id: string;
  value: string;
  onChange: (value: Value) => void;
  queue: string;
  testid: string;
  told: boolean;
}) {
  const t = useT();
  const [found, setFound] = useState<Fitting | null>(null);
  useEffect(() => {
    let live = true;
    const timer = setTimeout(() => {
      fitting(value, queue).then(
        (answer) => live && setFound(answer),
        () => live && setFound(null),
      );
    }, 250);
    return () => {
      live = false;
      clearTimeout(timer);
    };
  }, [value, queue]);
  return (
    <>
      <Input
        id={id}
        className="af-code"
        data-testid={testid}
        value={value}
        placeholder={t("admin.anybody")}
        spellCheck={false}
        onChange={(e) => onChange(e.target.value || undefined)}
      />
      {found && !(told && found.problem) && (
        <div
          className={`af-fits${found.problem || found.unknown.length ? " af-fits-bad" : ""}`}
          data-testid={`${testid}-fits`}
          data-fits={found.problem ? "" : found.fits}
          role="status"
        >
          {found.problem
            ? faultText(found.problem)
            : found.unknown.length
              ? t("admin.unknown_skill", { skills: found.unknown.join(", ") })
              : t("admin.fits", { ...found })}
        </div>
      )}
    </>
  );
}

export function Percents({
  id,
  value,
  onChange,
  testid,
}: {
  id: string;
  value: Record<string, number>;
  onChange: (value: Value) => void;
  testid: string;
}) {
  const [text, setText] = useState(() => pairsText(value));
  return (
    <Input
      id={id}
      className="af-code"
      data-testid={testid}
      value={text}
      placeholder="—"
      onChange={(e) => {
        setText(e.target.value);
        const found = Object.entries(pairsOf(e.target.value)).map(([queue, share]) => [queue, Number(share)]);
        onChange(found.length ? Object.fromEntries(found) : undefined);
      }}
    />
  );
}

export function Pairs({ value, onChange }: { value: Record<string, string>; onChange: (value: Value) => void }) {
  const t = useT();
  const [text, setText] = useState(() => pairsText(value));
  return (
    <Input
      className="af-code"
      value={text}
      placeholder={t("admin.always")}
      onChange={(e) => {
        setText(e.target.value);
        onChange(pairsOf(e.target.value));
      }}
    />
  );
}

export function Week({ value, onChange }: { value: Record<string, string[]>; onChange: (value: Value) => void }) {
  const t = useT();
  return (
    <div className="week">
      {DAYS.map((day) => (
        <div key={day}>
          <span>{t(`admin.day.${day}`)}</span>
          <Spans
            value={value[day] ?? []}
            testid={`week-${day}`}
            name={t(`admin.day.${day}`)}
            onChange={(next) => {
              const { [day]: _, ...others } = value;
              onChange(next.length ? { ...others, [day]: next } : others);
            }}
          />
        </div>
      ))}
    </div>
  );
}

export function Spans({
  value,
  onChange,
  testid,
  name,
}: {
  value: string[];
  onChange: (value: string[]) => void;
  testid: string;
  name: string;
}) {
  const t = useT();
  const [text, setText] = useState(value.join(", "));
  return (
    <Input
      className="num"
      aria-label={name}
      data-testid={testid}
      value={text}
      placeholder={t("admin.closed")}
      onChange={(e) => {
        setText(e.target.value);
        onChange(spans(e.target.value));
      }}
    />
  );
}
