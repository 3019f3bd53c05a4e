/** How numbers and times are written. Pure. */
import type { Text } from "../engine/types";

/** 13800138000 -> "138 0013 8000"; other numbers in groups that the eye can hold. */
export function phoneNumber(written: string): string {
  const number = written.replace(/[\s-]/g, "");
  if (/^1\d{10}$/.test(number)) return `${number.slice(0, 3)} ${number.slice(3, 7)} ${number.slice(7)}`;
  if (/^0(10|2\d)\d{8}$/.test(number)) return `${number.slice(0, 3)} ${number.slice(3, 7)} ${number.slice(7)}`;
  if (/^0\d{10,11}$/.test(number)) return `${number.slice(0, 4)} ${number.slice(4, 8)} ${number.slice(8)}`;
  return number;
}

/** What the flow noted on the way, for people: the dialled number, the keys, the queue. Site data may be plain words. */
export type Step = { kind: "text" | "key"; text: string };
export function pathSteps(path: string[], dialled: string, queueName: (id: string) => string): Step[] {
  const steps: Step[] = dialled ? [{ kind: "text", text: dialled }] : [];
  path.forEach((step, i) => {
    // "node:key" is a menu's choice; the first word is the flow's own id, which tells an agent nothing.
    const key = /^[\w-]+:([0-9*#]+)$/.exec(step)?.[1];
    if (step.startsWith("transfer:")) return; // told with the note of whoever sent him on
    if (key) steps.push({ kind: "key", text: key });
    else if (i === 0 && /^[a-z0-9_-]+$/.test(step)) return;
    else if (step !== dialled) steps.push({ kind: "text", text: queueName(step) || step });
  });
  return steps;
}

export function clockTime(at: number, language: "zh" | "en"): string {
  return new Date(at * 1000).toLocaleTimeString(language === "en" ? "en-GB" : "zh-CN", {
    hour: "2-digit",
    minute: "2-digit",
    hour12: false,
  });
}

/** Whole days between the local days of two times: 0 = the same day, 1 = the day before `now`. */
export function daysAgo(at: number, now: number): number {
  const day = (t: number) => {
    const date = new Date(t * 1000);
    return Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) / 86_400_000;
  };
  return day(now) - day(at);
}

export function shortDate(at: number, language: "zh" | "en"): string {
  return new Date(at * 1000).toLocaleDateString(language === "en" ? "en-GB" : "zh-CN", {
    month: "short",
    day: "numeric",
  });
}

// The first character of each pinyin initial in the order of the pinyin collation.
const INITIALS = [..."阿八嚓哒妸发旮哈讥咔垃痳拏噢妑七呥扨它穵夕丫帀"];
const LETTERS = "abcdefghjklmnopqrstwxyz";
const collator = new Intl.Collator("zh-Hans-u-co-pinyin");

/** 咨询已答复 -> "zxydf": what a Chinese typist presses first. Other characters stay as they are. */
export function pinyinInitials(text: string): string {
  let result = "";
  for (const character of text) {
    if (!/\p{Script=Han}/u.test(character)) {
      result += character.toLowerCase();
      continue;
    }
    let at = INITIALS.length - 1;
    while (at > 0 && collator.compare(character, INITIALS[at] ?? "") < 0) at -= 1;
    result += LETTERS[at];
  }
  return result.replace(/\s+/g, "");
}

/** Does the typed text find this name? By either language, by pinyin initials, by the first letters of words, by id. */
export function finds(typed: string, name: Text, id: string): boolean {
  const wanted = typed.trim().toLowerCase();
  if (!wanted) return true;
  const names = typeof name === "string" ? [name] : [name.zh, name.en];
  return [id, ...names].some((text) => {
    const lower = text.toLowerCase();
    const words = lower.split(/[\s_/-]+/);
    return (
      lower.includes(wanted) ||
      pinyinInitials(text).startsWith(wanted) ||
      words
        .map((word) => word[0] ?? "")
        .join("")
        .startsWith(wanted)
    );
  });
}

/** How long after the beginning: seconds with one decimal under a minute, then minutes and seconds. */
export function sinceStart(seconds: number): string {
  const tenths = Math.max(0, Math.round(seconds * 10));
  if (tenths < 600) return `${(tenths / 10).toFixed(1)} s`;
  const whole = Math.floor(tenths / 10);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
