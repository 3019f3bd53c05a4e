/**
 * A server of one agent for developing and testing the page: it speaks the protocol (snapshot, deltas, commands, device
 * lease, desk phones, SIP over WebSocket) and follows a script. POST /mock/<act> moves it: offer, caller-gone, cut-live,
 * cut-sip, take-phone, desk-answers, desk-contact, end-login, reset. It knows nothing of queues or media.
 */
import { randomUUID } from "node:crypto";
import { WebSocketServer } from "ws";
import { customers, pastCalls, recording, site, story } from "./data.mjs";
import { SipPeer } from "./sip.mjs";

const now = () => Date.now() / 1000;
const PASSWORD = "demo";

export function createMock() {
  const wss = new WebSocketServer({ noServer: true });
  /** @type {any} */
  const state = {};
  const lives = new Set();
  let sip = null;
  let wav = null;

  const queueDoc = (id, waiting, longest, ready, staffed, talking) => ({
    id,
    name: site.queues[id].name,
    waiting,
    longest_since: longest,
    ready,
    staffed,
    talking,
  });

  function reset() {
    state.loggedIn = false;
    state.seq = 1;
    state.calls = pastCalls(now());
    state.docs = {
      me: {
        agent: "1001",
        name: { zh: "刘洋", en: "Liu Yang" },
        signed_in: false,
        state: "null",
        since: now(),
        ready: false,
        reason: "",
        chosen_by: "1001",
        pending: false,
        phone: null,
        own_phone: null,
        links: 1,
        misses: 0,
        handled: 5,
        notices: [],
        queues: ["service", "complaint", "order"],
      },
      site,
      "queue/service": queueDoc("service", 3, now() - 41, 1, 5, 3),
      "queue/complaint": queueDoc("complaint", 0, null, 2, 3, 1),
      "queue/order": queueDoc("order", 1, now() - 12, 1, 4, 2),
    };
    state.offers = 0;
    state.phones = [
      { id: "p1", name: { zh: "一号话机", en: "Phone one" }, there: true, own: false, user: null, in_call: false },
      {
        id: "p2",
        name: { zh: "二号话机", en: "Phone two" },
        there: true,
        own: false,
        user: { zh: "李娜", en: "Li Na" },
        in_call: false,
      },
      { id: "p3", name: { zh: "三号话机", en: "Phone three" }, there: false, own: false, user: null, in_call: false },
    ];
  }
  reset();

  const send = (socket, message) => socket.readyState === 1 && socket.send(JSON.stringify(message));

  function change(set, del = []) {
    const prev = state.seq;
    state.seq += 1;
    for (const [key, doc] of Object.entries(set)) state.docs[key] = doc;
    for (const key of del) delete state.docs[key];
    for (const live of lives) send(live, { type: "delta", seq: state.seq, prev, now: now(), set, del });
  }
  const me = (fields) => change({ me: { ...state.docs.me, ...fields } });
  const work = () => Object.values(state.docs).find((doc) => doc.contact && doc.conversation);
  const become = (name, fields = {}) => me({ state: name, since: now(), ...fields });
  const chosen = () => (state.docs.me.ready ? "ready" : "not_ready");

  function offer({ customer = 0, queue = "service" } = {}) {
    state.offers += 1;
    const who = customer === null ? null : customers(now())[customer];
    const contact = `contact-${state.offers}`;
    const doc = {
      contact,
      conversation: `conversation-${state.offers}`,
      reservation: `reservation-${state.offers}`,
      kind: "offer",
      since: now(),
      queue,
      medium: "voice",
      caller: { number: who?.phones[0] ?? "13677778888", name: who?.name ?? "" },
      dialled: "95500",
      customer: who,
      path: ["main", "language:1", "menu:3", queue],
      data: { order_no: "4711" },
      arrived_at: now() - 58,
      queued_at: now() - 41,
      ring_deadline: null,
      confirmed: false,
      ringing: false,
      talking_since: null,
      held: false,
      lost: false,
      recording: true,
      until: null,
      note: "",
      calling: false,
      unreached: false,
      callback: null,
      handed: [],
      task: "contact",
      side: "customer",
      parties: [],
      party_gone: null,
      why: { rule: "longest_idle", chosen: "1001", tie_break: "" },
    };
    become("reserved");
    change({ [`work/${contact}`]: doc });
  }

  const edit = (fields) => {
    const doc = work();
    if (doc) change({ [`work/${doc.contact}`]: { ...doc, ...fields } });
  };
  function wrapUp() {
    const doc = work();
    if (doc?.kind !== "busy") return;
    become("working_after_call", { handled: state.docs.me.handled + 1 });
    edit({ kind: "wrap_up", since: now(), until: now() + site.queues[doc.queue].wrap_up_seconds, talking_since: null });
  }
  function withdraw() {
    const doc = work();
    if (!doc) return;
    sip?.bye();
    if (doc.kind === "busy") wrapUp();
    else {
      change({}, [`work/${doc.contact}`]);
      become(chosen());
    }
  }

  const sipHandlers = {
    answered: () => {
      become("busy");
      edit({ kind: "busy", since: now(), ringing: false, reservation: null, talking_since: now() });
    },
    rejected: () => {
      const doc = work();
      if (doc?.kind !== "offer") return;
      change({}, [`work/${doc.contact}`]);
      become("not_ready", { ready: false, reason: "" });
    },
    bye: wrapUp,
  };

  const commands = {
    SignIn: () => {
      become("not_ready", { signed_in: true, ready: false });
      if (state.docs.me.own_phone) commands.UsePhone({ phone: state.docs.me.own_phone.id });
    },
    UsePhone: ({ phone, take_over }) => {
      const found = state.phones.find(({ id }) => id === phone);
      if (!found) return "unknown_phone";
      if (found.in_call) return "phone_in_call";
      if (found.user && !take_over) return "phone_elsewhere";
      found.user = null;
      const { id, name, there } = found;
      const lease = `desk-${id}`;
      me({ phone: { kind: "desk", desk: { id, name }, lease, instance: "", registered: true, contact: there } });
    },
    SignOut: () => (work() ? "work_in_progress" : become("null", { signed_in: false, ready: false, phone: null })),
    SetReady: () => {
      if (!state.docs.me.phone?.registered) return "no_phone";
      return work() ? me({ ready: true, reason: "", pending: false }) : become("ready", { ready: true, reason: "" });
    },
    SetNotReady: ({ reason }) => {
      if (!site.reasons.some((entry) => entry.id === reason)) return "unknown_reason";
      if (work()) return me({ ready: false, reason, pending: true });
      return become("not_ready", { ready: false, reason, pending: false });
    },
    PhoneReady: ({ lease, instance }) => {
      const { phone } = state.docs.me;
      if (phone?.lease !== lease) return "lease_lost";
      return me({ phone: { ...phone, instance, registered: true } });
    },
    ConfirmOffer: ({ reservation }) => {
      const doc = work();
      if (doc?.reservation !== reservation) return "unknown_offer";
      edit({ confirmed: true, ringing: true, ring_deadline: now() + 20 });
      sip?.ring(doc.caller.number, doc.caller.name);
    },
    HoldCall: () => edit({ held: true }),
    RetrieveCall: () => (work()?.held ? edit({ held: false }) : "not_on_hold"),
    HangUpCall: () => {
      sip?.bye();
      wrapUp();
    },
    TransferCall: ({ queue, to_agent, flow }) => {
      if ([queue, to_agent, flow].filter(Boolean).length !== 1) return "bad_command";
      sip?.bye();
      wrapUp();
    },
    ConsultCall: ({ to_agent }) => {
      const one = { agent: to_agent, name: { zh: "李娜", en: "Li Na" }, state: "ringing", since: now(), lost: false };
      edit({ held: true, side: "consultee", parties: [...work().parties, one] });
    },
    SwapCall: () => edit(work().held ? { held: false, side: "customer" } : { held: true, side: "consultee" }),
    CancelConsult: () =>
      edit({ held: false, side: "customer", parties: work().parties.filter(({ state }) => state === "joined") }),
    ConferenceCall: () => {
      const parties = work().parties.map((one) => ({ ...one, state: "joined" }));
      edit({ held: false, side: "customer", parties });
    },
    CompleteConsult: () => {
      sip?.bye();
      wrapUp();
    },
    LeaveConference: () => {
      sip?.bye();
      wrapUp();
    },
    DropParty: ({ party }) => edit({ parties: work().parties.filter(({ agent }) => agent !== party) }),
    WriteNote: ({ text }) => edit({ note: text }),
    ExtendWrapUp: () => edit({ until: work().until + 30 }),
    FinishWrapUp: ({ disposition, note, ready }) => {
      const doc = work();
      if (doc?.kind !== "wrap_up") return "not_in_wrap_up";
      if (!disposition) return "disposition_required";
      const ended = doc.since;
      state.calls.unshift({
        conversation: doc.conversation,
        contact: doc.contact,
        queue: doc.queue,
        caller_number: doc.caller.number,
        caller_name: doc.caller.name,
        customer: doc.customer,
        queued_at: doc.queued_at,
        answered_at: ended - 20,
        ended_at: ended,
        talk_seconds: 20,
        end_reason: "answered",
        disposition,
        note,
        recording: true,
      });
      change({}, [`work/${doc.contact}`]);
      become(ready ? "ready" : "not_ready", { ready, reason: ready ? "" : "wrap_up", pending: false });
    },
  };

  function live(socket) {
    lives.add(socket);
    const snapshot = () => send(socket, { type: "snapshot", seq: state.seq, now: now(), docs: state.docs });
    snapshot();
    const beat = setInterval(() => send(socket, { type: "beat", now: now(), seq: state.seq }), 1000);
    socket.on("message", (data) => {
      const message = JSON.parse(data);
      if (message.type === "resync") return snapshot();
      const run = commands[message.name];
      const refused = run ? run(message) : "bad_command";
      if (typeof refused === "string")
        send(socket, { type: "answer", id: message.id, ok: false, code: refused, detail: "" });
      else send(socket, { type: "answer", id: message.id, ok: true });
    });
    socket.on("close", () => {
      clearInterval(beat);
      lives.delete(socket);
    });
  }

  function phone(socket, demo) {
    const peer = new SipPeer((text) => socket.readyState === 1 && socket.send(text), demo ? {} : sipHandlers);
    peer.socket = socket;
    if (!demo) sip = peer;
    socket.on("message", (data) => peer.hear(String(data)));
    socket.on("close", () => {
      if (sip === peer) sip = null;
    });
  }

  function tell(socket) {
    const timers = story.map(([after, kind, text]) =>
      setTimeout(() => send(socket, { type: "story", at: now(), kind, text }), after + 400),
    );
    socket.on("close", () => timers.forEach(clearTimeout));
    state.teller = (item) => send(socket, { type: "story", at: now(), ...item });
  }

  const acts = {
    reset,
    offer,
    "caller-gone": withdraw,
    "cut-live": () => {
      for (const socket of lives) socket.terminate();
    },
    "cut-sip": () => sip?.socket.terminate(),
    "take-phone": () =>
      me({
        phone: { kind: "browser", desk: null, lease: "other", instance: "other", registered: true, contact: true },
      }),
    "end-login": () => {
      state.loggedIn = false;
      for (const socket of lives) socket.close(4401);
    },
    gap: () => {
      state.seq += 5;
      me({ misses: state.docs.me.misses + 1 });
    },
    story: (item) => state.teller?.(item),
    edit,
    "desk-answers": () => sipHandlers.answered(),
    "desk-contact": ({ there }) => me({ phone: { ...state.docs.me.phone, contact: there } }),
  };

  const login = { user: "1001", role: "agent", name: { zh: "刘洋", en: "Liu Yang" }, csrf: "mock" };

  async function answer(request, url) {
    let text = "";
    for await (const chunk of request) text += chunk;
    const body = text ? JSON.parse(text) : {};
    const route = `${request.method} ${url.pathname}`;
    if (url.pathname.startsWith("/mock/")) {
      const result = acts[url.pathname.slice(6)]?.(body);
      return [200, { ok: true, result: result ?? null }];
    }
    if (route === "POST /api/v1/login") {
      if (body.password !== PASSWORD) return [401, { code: "bad_credentials", message: "Check user and password." }];
      state.loggedIn = true;
      return [200, login];
    }
    if (route === "GET /api/v1/demo") {
      const callers = [...customers(now()), null].map((c) => ({
        phone: c?.phones[0] ?? "13677778888",
        customer: c && { name: c.name, code: c.code, classes: c.classes },
      }));
      return [
        200,
        { numbers: [{ number: "95500", name: { zh: "客服热线", en: "Hotline" } }], callers, active: 1, limit: 10 },
      ];
    }
    if (route === "POST /api/v1/demo/calls") {
      return [
        200,
        { call: "demo1", username: "demo1", password: "x", domain: "127.0.0.1", ws_path: "/sip?lease=demo1" },
      ];
    }
    if (!state.loggedIn) return [401, { code: "not_logged_in", message: "Log in." }];
    if (route === "GET /api/v1/me") return [200, login];
    if (route === "POST /api/v1/logout") {
      state.loggedIn = false;
      return [200, {}];
    }
    if (route === "POST /api/v1/device") {
      const holder = state.docs.me.phone;
      if (holder && holder.lease !== body.lease && !body.take_over) {
        return [409, { code: "phone_elsewhere", message: "Take it over." }];
      }
      const lease = holder && holder.lease === body.lease ? body.lease : randomUUID();
      me({ phone: { kind: "browser", desk: null, lease, instance: body.instance, registered: false, contact: false } });
      return [200, { lease, username: "1001", password: "x", domain: "127.0.0.1", ws_path: `/sip?lease=${lease}` }];
    }
    if (route === "GET /api/v1/directory") {
      const agent = (id, zh, en, of) => ({ id, name: { zh, en }, state: of, since: now(), reason: "" });
      return [
        200,
        {
          agents: [agent("1002", "李娜", "Li Na", "ready"), agent("1003", "张敏", "Zhang Min", "busy")],
          queues: Object.entries(site.queues).map(([id, { name }]) => ({
            id,
            name,
            waiting: 2,
            ready: 1,
            closed: false,
          })),
          flows: [{ id: "main" }],
        },
      ];
    }
    if (route === "GET /api/v1/day") {
      const { ready, handled } = state.docs.me;
      const figures = { handled, talk_seconds: 1078, longest_seconds: 341, wrap_up_seconds: 142, ready_seconds: 5400 };
      return [200, { at: now(), ...figures, ready, missed: 2 }];
    }
    if (route === "GET /api/v1/missed") {
      const [first] = customers(now());
      const at = now() - 3000;
      const offer = { contact: "m1", conversation: "m1", queue: "service", number: "13800138000", name: "", at };
      return [200, { missed: [{ ...offer, customer: first, end_reason: "answered" }] }];
    }
    if (route === "GET /api/v1/phones") return [200, { phones: state.phones }];
    if (route === "GET /api/v1/calls") {
      const before = Number(url.searchParams.get("before") ?? Number.POSITIVE_INFINITY);
      const search = url.searchParams.get("search") ?? "";
      const finds = (call) => [call.caller_number, call.caller_name, call.note].some((text) => text?.includes(search));
      return [200, { calls: state.calls.filter((call) => call.queued_at < before && finds(call)) }];
    }
    return [404, { code: "not_found", message: "No such thing." }];
  }

  function serveRecording(request, response) {
    wav ??= recording(34);
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
    const start = range ? Number(range[1]) : 0;
    const end = range?.[2] ? Math.min(Number(range[2]), wav.length - 1) : wav.length - 1;
    response.writeHead(range ? 206 : 200, {
      "Content-Type": "audio/wav",
      "Accept-Ranges": "bytes",
      "Content-Length": end - start + 1,
      ...(range && { "Content-Range": `bytes ${start}-${end}/${wav.length}` }),
    });
    response.end(wav.subarray(start, end + 1));
  }

  return {
    state,
    act: (name, body) => acts[name](body),
    handleRequest(request, response) {
      const url = new URL(request.url, "http://mock");
      if (!url.pathname.startsWith("/api/") && !url.pathname.startsWith("/mock/")) return false;
      if (url.pathname.startsWith("/api/v1/recordings/")) {
        serveRecording(request, response);
        return true;
      }
      answer(request, url).then(
        ([status, body]) => {
          response.writeHead(status, { "Content-Type": "application/json" });
          response.end(JSON.stringify(body));
        },
        (error) => {
          response.writeHead(500, { "Content-Type": "application/json" });
          response.end(JSON.stringify({ code: "mock", message: String(error) }));
        },
      );
      return true;
    },
    handleUpgrade(request, socket, head) {
      const url = new URL(request.url, "http://mock");
      const serve = (run) => wss.handleUpgrade(request, socket, head, run);
      if (url.pathname === "/api/v1/live") serve((ws) => (state.loggedIn ? live(ws) : ws.close(4401)));
      else if (url.pathname === "/sip") serve((ws) => phone(ws, url.searchParams.get("lease") === "demo1"));
      else if (url.pathname.startsWith("/api/v1/demo/calls/")) serve(tell);
      else return false;
      return true;
    },
    close() {
      for (const client of wss.clients) client.terminate();
      wss.close();
    },
  };
}
