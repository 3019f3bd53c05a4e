/** The desktop's own notification of an offer, for an agent who looks at something else. */
import type { WorkDoc } from "./types";

export type Permission = "default" | "granted" | "denied" | "none";

export function permission(): Permission {
  return typeof Notification === "undefined" ? "none" : Notification.permission;
}

/** Only in a click: a browser that asks out of the blue is refused for ever. */
export async function askPermission(): Promise<Permission> {
  if (permission() === "default") await Notification.requestPermission();
  return permission();
}

/** The offer of which a notification should be on the screen now, if any. Pure. */
export function noteworthy(
  work: WorkDoc | undefined,
  page: { inFront: boolean; permission: Permission },
): string | null {
  if (work?.kind !== "offer" || !work.reservation) return null;
  return page.inFront || page.permission !== "granted" ? null : work.reservation;
}

let shown: { reservation: string; notification: Notification } | null = null;

/** Told the most urgent work after every change: shows one notification an offer, and takes it away with the offer. */
export function announce(work: WorkDoc | undefined, words: (work: WorkDoc) => { title: string; body: string }): void {
  if (shown && (work?.kind !== "offer" || work.reservation !== shown.reservation)) {
    shown.notification.close();
    shown = null;
  }
  const inFront = document.visibilityState === "visible" && document.hasFocus();
  const reservation = noteworthy(work, { inFront, permission: permission() });
  if (!work || !reservation || shown?.reservation === reservation) return;
  const { title, body } = words(work);
  const notification = new Notification(title, {
    body,
    icon: "/hollyhock.svg",
    tag: "hollyhock.offer",
    requireInteraction: true,
    // The page itself rings.
    silent: true,
  });
  notification.onclick = () => {
    window.focus();
    notification.close();
  };
  shown = { reservation, notification };
}
