/** Cells that are gone through with the arrow keys, as in a spreadsheet. */
import type { KeyboardEvent } from "react";

const STEPS: Record<string, [number, number]> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  Enter: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};

/** For `onKeyDown` of a table whose inputs have data-row and data-col. */
export function moveInGrid(event: KeyboardEvent<HTMLElement>): void {
  const cell = event.target as HTMLInputElement;
  const step = STEPS[event.key];
  const row = Number(cell.dataset["row"]);
  const col = Number(cell.dataset["col"]);
  if (!step || Number.isNaN(row) || Number.isNaN(col)) return;
  const next = event.currentTarget.querySelector<HTMLInputElement>(
    `[data-row="${row + step[0]}"][data-col="${col + step[1]}"]`,
  );
  event.preventDefault();
  if (!next) return;
  next.focus();
  next.select?.();
}
