/**
 * The start of every page. On a reload the agent may be in a call: his engine (login, link, phone) goes first, so that the
 * sound is back before the browser's one thread is busy with drawing (measured: 300 ms of it).
 */
const path = location.pathname.replace(/\/+$/, "");
const PLACES: Record<string, "call" | "calls" | "admin" | "floor" | "callbacks" | "queues" | "waiting" | "wall"> = {
  "/call": "call",
  "/admin": "admin",
  "/lead": "floor",
  "/lead/calls": "calls",
  "/lead/callbacks": "callbacks",
  "/lead/queues": "queues",
  "/lead/waiting": "waiting",
  "/wallboard": "wall",
};
const page = PLACES[path] ?? "desktop";
/** The longest that drawing waits for a call to be back. */
const DRAW_AFTER_MS = 600;

async function draw(): Promise<void> {
  (await import("./screen")).draw(page);
}

async function start(): Promise<void> {
  if (page !== "desktop") return draw();
  if (sessionStorage.getItem("hollyhock.lease")) void import("jssip");
  const { boot, callIsBack } = await import("./engine/desktop");
  void boot();
  await Promise.race([callIsBack(), new Promise((resolve) => setTimeout(resolve, DRAW_AFTER_MS))]);
  await draw();
}

void start();
