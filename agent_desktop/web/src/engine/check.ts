/** Whether microphone and ring were tried today on this computer by this agent. Pure; the store keeps the word. */

export const CHECK_KEY = "hollyhock.device-check";

/** `now`: the server's time; the day is that of the place where the page is. */
export function checkWord(user: string, now: number): string {
  const day = new Date(now * 1000);
  return `${user} ${day.getFullYear()}-${day.getMonth() + 1}-${day.getDate()}`;
}

/** The beginning of the local day of `now`, in epoch seconds. */
export function midnight(now: number): number {
  const day = new Date(now * 1000);
  return new Date(day.getFullYear(), day.getMonth(), day.getDate()).getTime() / 1000;
}
