/** The last numbers that this agent called from this browser, the latest first. */
const KEPT = 8;
const key = (user: string) => `hollyhock.dialled.${user}`;

/** What can be dialled of what was typed: digits, with a + in front; "" = no number. */
export function asNumber(typed: string): string {
  const written = typed.trim();
  if (!/^\+?[\d\s()-]*$/.test(written)) return "";
  const digits = written.replace(/\D/g, "");
  return digits && written.startsWith("+") ? `+${digits}` : digits;
}

export function lastDialled(user: string): string[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(key(user)) ?? "[]");
    return Array.isArray(kept) ? kept.filter((one) => typeof one === "string").slice(0, KEPT) : [];
  } catch {
    return [];
  }
}

export function rememberDialled(user: string, number: string): void {
  const others = lastDialled(user).filter((one) => one !== number);
  try {
    localStorage.setItem(key(user), JSON.stringify([number, ...others].slice(0, KEPT)));
  } catch {
    // a browser that keeps nothing: then there is nothing to dial again
  }
}
