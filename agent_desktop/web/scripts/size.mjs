/** What a browser fetches, gzip, per page and what comes later; fails when a first load is over its limit. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const LIMIT_KB = 450;
const root = fileURLToPath(new URL("../../static/assets/", import.meta.url));
const size = new Map(readdirSync(root).map((name) => [name, gzipSync(readFileSync(root + name)).length / 1024]));
const is = (name, part) => name.startsWith(`${part}-`);
const later = [...size].filter(([name]) => is(name, "JsSIP"));
const shared = [...size].filter(
  ([name]) =>
    !["JsSIP", "Desktop", "CallPage", "AdminPage", "CallbacksPage", "WaitingPage"].some((part) => is(name, part)),
);
const sum = (list) => list.reduce((total, [, kb]) => total + kb, 0);
const row = (title, kb) => console.log(`${title.padEnd(36)} ${kb.toFixed(1).padStart(7)} kB gzip`);

let failed = false;
for (const [title, part] of [
  ["agent desktop, first load", "Desktop"],
  ["customer's phone, first load", "CallPage"],
]) {
  const kb = sum(shared) + sum([...size].filter(([name]) => is(name, part)));
  row(title, kb);
  if (kb > LIMIT_KB) failed = true;
}
row("administrator's pages, beside the shared part", sum([...size].filter(([name]) => is(name, "AdminPage"))));
for (const part of ["CallbacksPage", "WaitingPage"])
  row(`team lead's ${part}, beside the shared part`, sum([...size].filter(([name]) => is(name, part))));
row("softphone, when the first is needed", sum(later));
if (failed) {
  console.error(`over ${LIMIT_KB} kB`);
  process.exit(1);
}
