/** The link against the mock server, over real sockets: one call from the offer to the wrap-up. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, it } from "vitest";
import { WebSocket as NodeSocket } from "ws";
import { createMock } from "../../mock/mock.mjs";
import { workOf } from "./docs";
import { LiveLink, type SocketLike } from "./live";
import type { Docs, MeDoc } from "./types";

let server: Server;
let mock: ReturnType<typeof createMock>;
let base: string;
let link: LiveLink;
let docs: Docs;

const until = async (what: () => unknown) => {
  const deadline = Date.now() + 3000;
  while (!what()) {
    if (Date.now() > deadline) throw new Error("it did not happen in 3 s");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};
const me = () => docs["me"] as MeDoc;
const work = () => workOf(docs)[0];
const post = async (path: string, body: unknown) =>
  (await (await fetch(`http://${base}${path}`, { method: "POST", body: JSON.stringify(body) })).json()) as Record<
    string,
    string
  >;

beforeEach(async () => {
  mock = createMock();
  server = createServer((request, response) => mock.handleRequest(request, response));
  server.on("upgrade", (request, socket, head) => mock.handleUpgrade(request, socket, head));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  await post("/api/v1/login", { user: "1001", password: "demo" });
  docs = {};
  link = new LiveLink({
    open: () => new NodeSocket(`ws://${base}/api/v1/live`) as unknown as SocketLike,
    onDocs: (next) => {
      docs = next;
    },
    onStatus: () => {},
    onNow: () => {},
    onEnded: () => {},
  });
  link.start();
  await until(() => link.status === "live");
});

afterEach(() => {
  link.stop();
  mock.close();
  server.close();
  server.closeAllConnections();
});

it("works a day's first call: sign in, phone, ready, offer, note, and a refused command in between", async () => {
  expect(await link.command("SetReady")).toMatchObject({ ok: false, code: "no_phone" });
  await link.command("SignIn");
  const { lease } = await post("/api/v1/device", { instance: "i", lease: null, take_over: false });
  expect(await link.command("PhoneReady", { lease, instance: "i" })).toEqual({ ok: true });
  expect(await link.command("SetReady")).toEqual({ ok: true });
  await until(() => me().state === "ready");
  mock.act("offer", {});
  await until(() => work()?.kind === "offer");
  expect(await link.command("ConfirmOffer", { reservation: work()?.reservation })).toEqual({ ok: true });
  await until(() => work()?.ringing);
  await link.command("WriteNote", { contact: work()?.contact, text: "备注" });
  await until(() => work()?.note === "备注");
});

it("catches up after a gap and after a cut, and then knows exactly what the server knows", async () => {
  mock.act("gap");
  await until(() => me().misses === 1);
  mock.act("cut-live");
  await until(() => link.status === "away");
  mock.act("edit", {});
  await until(() => link.status === "live");
  mock.act("offer", {});
  await until(() => work());
  expect(docs).toEqual(JSON.parse(JSON.stringify(mock.state.docs)));
});

it("gives the phone to one page only, until it is taken over", async () => {
  const first = await post("/api/v1/device", { instance: "a", lease: null, take_over: false });
  expect(await post("/api/v1/device", { instance: "b", lease: null, take_over: false })).toMatchObject({
    code: "phone_elsewhere",
  });
  expect(await post("/api/v1/device", { instance: "c", lease: first["lease"], take_over: false })).toMatchObject({
    lease: first["lease"],
  });
  const taken = await post("/api/v1/device", { instance: "b", lease: null, take_over: true });
  expect(taken["lease"]).not.toBe(first["lease"]);
});

it("gives a desk phone to one agent, until it is taken over; it answers, and the page only looks on", async () => {
  await link.command("SignIn");
  expect(await link.command("UsePhone", { phone: "p9" })).toMatchObject({ code: "unknown_phone" });
  expect(await link.command("UsePhone", { phone: "p2" })).toMatchObject({ code: "phone_elsewhere" });
  expect(await link.command("UsePhone", { phone: "p2", take_over: true })).toEqual({ ok: true });
  await until(() => me().phone?.desk?.id === "p2");
  const refused = await post("/api/v1/device", { instance: "a", lease: null, take_over: false });
  expect(refused).toMatchObject({ code: "phone_elsewhere" });
  await link.command("SetReady");
  mock.act("offer", {});
  await until(() => work()?.kind === "offer");
  await link.command("ConfirmOffer", { reservation: work()?.reservation });
  mock.act("desk-answers");
  await until(() => work()?.kind === "busy");
});
