/** The site's configuration as the page holds it: what the server said, and the changes that are not saved yet. */
import { create } from "zustand";
import { ApiError, request } from "../engine/api";

export type Value = unknown;
export type Row = Record<string, Value>;

export interface Fault {
  table: string;
  id: string;
  key: string;
  path: string;
  message: string;
}
export interface Holiday {
  day: string;
  hours?: string[];
  name?: string;
}
export interface SiteView {
  revision: string;
  in_force: boolean;
  tables: Record<string, Row[]>;
  defaults: Record<string, Row>;
  names: Record<string, string>;
  skills: string[];
  flows: string[];
  prompts: string[];
  holidays: Record<string, Holiday[]>;
  faults: Fault[];
}
export interface Version {
  number: number;
  at: number;
  by: string;
  changed: string[];
  in_force: boolean;
}
export interface Stale {
  by: string;
  at: number;
  changed: string[];
}
/** One row's change. In `set`, null takes the key out of the file: then its default holds. */
export interface Edit {
  table: string;
  id: string;
  set: Row;
  create?: boolean;
  remove?: boolean;
}
export interface Told {
  kind: "saved" | "checked" | "failed";
  lines: string[];
  warnings: string[];
  /** The version that "undo" brings back. */
  undo?: number | undefined;
  code?: string;
}
interface State {
  view: SiteView | null;
  edits: Record<string, Edit>;
  faults: Fault[];
  stale: Stale | null;
  told: Told | null;
  busy: boolean;
  failed: string;
}

export const useSite = create<State>(() => ({
  view: null,
  edits: {},
  faults: [],
  stale: null,
  told: null,
  busy: false,
  failed: "",
}));
const { setState: put, getState: now } = useSite;

export const same = (one: Value, other: Value): boolean => JSON.stringify(one) === JSON.stringify(other);
const at = (table: string, id: string) => `${table}/${id}`;

export function idOf(view: SiteView, table: string, row: Row): string {
  return String(row[view.names[table] ?? "id"]);
}

/** The rows of a table with what is not saved yet; removed ones are left out. */
export function rowsOf(view: SiteView | null, edits: Record<string, Edit>, table: string): Row[] {
  if (!view) return [];
  const rows: Row[] = [];
  for (const row of view.tables[table] ?? []) {
    const edit = edits[at(table, idOf(view, table, row))];
    if (!edit?.remove) rows.push(edit ? merged(row, edit.set) : row);
  }
  for (const edit of Object.values(edits))
    if (edit.table === table && edit.create) rows.push(merged({ [view.names[table] ?? "id"]: edit.id }, edit.set));
  return rows;
}

function merged(row: Row, set: Row): Row {
  return Object.fromEntries(Object.entries({ ...row, ...set }).filter(([, value]) => value !== null));
}

export function useRows(table: string): Row[] {
  const view = useSite((state) => state.view);
  const edits = useSite((state) => state.edits);
  return rowsOf(view, edits, table);
}

/** What a key of a row means: as written, or its default. */
export function meaning(view: SiteView, table: string, row: Row, key: string): Value {
  return row[key] ?? view.defaults[table]?.[key];
}

/** `value` undefined: as if it were not written. */
export function setKey(table: string, id: string, key: string, value: Value): void {
  const { view, edits } = now();
  if (!view) return;
  const row = (view.tables[table] ?? []).find((each) => idOf(view, table, each) === id);
  const old = edits[at(table, id)] ?? { table, id, set: {} };
  const wanted = same(value, view.defaults[table]?.[key]) && row?.[key] === undefined ? undefined : value;
  const set: Row = { ...old.set, [key]: wanted ?? null };
  if (same(wanted ?? null, row?.[key] ?? null)) delete set[key];
  const edit: Edit = { ...old, set };
  const all = { ...edits, [at(table, id)]: edit };
  if (!edit.create && !edit.remove && Object.keys(set).length === 0) delete all[at(table, id)];
  const faults = now().faults.filter((each) => each.table !== table || each.id !== id || each.key !== key);
  put({ edits: all, faults, told: null });
}

export function addRow(table: string, id: string, set: Row): void {
  const gone = now().edits[at(table, id)];
  const edit = gone?.remove ? { table, id, set } : { table, id, set, create: true };
  put({ edits: { ...now().edits, [at(table, id)]: edit }, told: null });
}

export function removeRow(table: string, id: string): void {
  const edits = { ...now().edits };
  const created = edits[at(table, id)]?.create;
  if (created) delete edits[at(table, id)];
  else edits[at(table, id)] = { table, id, set: {}, remove: true };
  const faults = now().faults.filter((each) => each.table !== table || each.id !== id);
  put({ edits, faults, told: null });
}

export function isEdited(edits: Record<string, Edit>, table: string, id: string): boolean {
  return at(table, id) in edits;
}

export function discard(): void {
  put({ edits: {}, faults: [], stale: null, told: null });
}

export function forgetTold(): void {
  put({ told: null });
}

export async function look(): Promise<void> {
  try {
    const view = await request<SiteView>("GET", "/api/v1/admin/site");
    put({ view, failed: "" });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    put({ failed: error.code });
  }
}

export const versions = async () =>
  (await request<{ versions: Version[] }>("GET", "/api/v1/admin/site/versions")).versions;

interface Changed {
  changed: string[];
  warnings: string[];
}

async function ask(work: (revision: string) => Promise<Changed>, done: Told["kind"]): Promise<boolean> {
  const { view, busy } = now();
  if (!view || busy) return false;
  put({ busy: true, faults: [], stale: null, told: null });
  try {
    const found = await work(view.revision);
    const told: Told = { kind: done, lines: found.changed, warnings: found.warnings };
    if (done === "saved") {
      put({ edits: {} });
      await look();
      told.undo = (await versions())[1]?.number;
    }
    put({ told });
    return true;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const body = error.body as { faults?: Fault[] } & Partial<Stale>;
    if (error.code === "stale_site")
      put({ stale: { by: body.by ?? "", at: body.at ?? 0, changed: body.changed ?? [] } });
    else if (error.code === "bad_site") put({ faults: body.faults ?? [] });
    else put({ told: { kind: "failed", lines: [], warnings: [], code: error.code } });
    return false;
  } finally {
    put({ busy: false });
  }
}

export const save = (check = false) =>
  ask(
    (revision) =>
      request<Changed>("PATCH", "/api/v1/admin/site", { revision, edits: Object.values(now().edits), check }),
    check ? "checked" : "saved",
  );

export const restore = (version: number) =>
  ask((revision) => request<Changed>("POST", "/api/v1/admin/site/restore", { revision, version }), "saved");

export const loadFile = () => ask(() => request<Changed>("POST", "/api/v1/admin/site/reload", {}), "saved");

/** After somebody else's change: see theirs, and keep what is not saved here on top of it. */
export async function lookAgain(keep: boolean): Promise<void> {
  if (!keep) discard();
  put({ stale: null });
  await look();
}

export interface Fitting {
  requires: string;
  problem: string;
  unknown: string[];
  fits: number;
  signed_in: number;
  free: number;
  agents: number;
}

export const fitting = (requires: string, queue: string) =>
  request<Fitting>(
    "GET",
    `/api/v1/admin/requirement?requires=${encodeURIComponent(requires)}&queue=${encodeURIComponent(queue)}`,
  );
