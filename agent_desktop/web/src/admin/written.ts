/** What people write into fields of the forms: spans of hours, conditions, days. Pure. */
import type { Holiday } from "./site";

export const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

export const spans = (text: string): string[] => text.split(/[,，\s]+/).filter(Boolean);

/** ISO text of a day; months from 0. */
export const dayText = (year: number, month: number, day: number): string =>
  `${year}-${String(month + 1).padStart(2, "0")}-${String(day).padStart(2, "0")}`;

/** What holds on a day, and where that comes from. */
export function hoursOn(
  day: string,
  week: Record<string, string[]>,
  own: Holiday[],
  country: Holiday[],
): { hours: string[]; from: "week" | "own" | "country"; name: string } {
  const special = own.find((each) => each.day === day);
  if (special) return { hours: special.hours ?? [], from: "own", name: special.name ?? "" };
  const public_ = country.find((each) => each.day === day);
  if (public_) return { hours: public_.hours ?? [], from: "country", name: public_.name ?? "" };
  const [year = 0, month = 1, date = 1] = day.split("-").map(Number);
  const place = (new Date(Date.UTC(year, month - 1, date)).getUTCDay() + 6) % 7;
  return { hours: week[DAYS[place] ?? ""] ?? [], from: "week", name: "" };
}

export const pairsText = (value: Record<string, string | number>): string =>
  Object.entries(value)
    .map(([name, wanted]) => `${name}=${wanted}`)
    .join(", ");

export function pairsOf(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const part of text.split(/[,，]/)) {
    const [name = "", ...rest] = part.split("=");
    if (name.trim() && rest.length) found[name.trim()] = rest.join("=").trim();
  }
  return found;
}
