/**
 * Just enough SIP over WebSocket for JsSIP: takes a registration, rings the page, answers its calls. There is no
 * media behind it: the SDP is well formed and leads nowhere.
 */
import { randomBytes } from "node:crypto";

const token = () => randomBytes(6).toString("hex");
const FINGERPRINT = Array.from({ length: 32 }, (_, i) =>
  ((i * 37 + 11) % 256).toString(16).padStart(2, "0").toUpperCase(),
);

export function sdp(setup) {
  return [
    "v=0",
    "o=- 1 1 IN IP4 127.0.0.1",
    "s=mock",
    "c=IN IP4 127.0.0.1",
    "t=0 0",
    "m=audio 9 UDP/TLS/RTP/SAVPF 8 0 101",
    "a=rtpmap:8 PCMA/8000",
    "a=rtpmap:0 PCMU/8000",
    "a=rtpmap:101 telephone-event/8000",
    "a=fmtp:101 0-16",
    "a=sendrecv",
    "a=rtcp-mux",
    "a=mid:0",
    `a=setup:${setup}`,
    `a=fingerprint:sha-256 ${FINGERPRINT.join(":")}`,
    "a=ice-ufrag:mockmock",
    "a=ice-pwd:mockmockmockmockmockmock",
    "a=ssrc:12345 cname:mock",
    "",
  ].join("\r\n");
}

export function parse(text) {
  const [head, body = ""] = text.split(/\r\n\r\n/, 2);
  const [first, ...lines] = head.split("\r\n");
  const headers = {};
  for (const line of lines) {
    const at = line.indexOf(":");
    const name = line.slice(0, at).trim().toLowerCase();
    if (!(name in headers)) headers[name] = [];
    headers[name].push(line.slice(at + 1).trim());
  }
  const response = /^SIP\/2\.0 (\d+)/.exec(first);
  return { first, headers, body, status: response ? Number(response[1]) : 0, method: first.split(" ")[0] };
}

function write(first, headers, body = "") {
  const lines = [first, ...headers, `Content-Length: ${Buffer.byteLength(body)}`, "", body];
  return lines.join("\r\n");
}

/** One page's phone: `hear` gets its messages, `ring` and `bye` send ours. */
export class SipPeer {
  constructor(send, handlers) {
    this.send = send;
    this.handlers = handlers;
    this.contact = "sip:page@127.0.0.1";
    this.out = null;
  }

  hear(text) {
    const message = parse(text);
    if (message.status) this.#answered(message);
    else this.#asked(message);
  }

  #reply(message, status, reason, extra = [], body = "") {
    const { headers } = message;
    const to = headers.to[0].includes("tag=") ? headers.to[0] : `${headers.to[0]};tag=${token()}`;
    this.send(
      write(
        `SIP/2.0 ${status} ${reason}`,
        [
          ...headers.via.map((via) => `Via: ${via}`),
          `From: ${headers.from[0]}`,
          `To: ${to}`,
          `Call-ID: ${headers["call-id"][0]}`,
          `CSeq: ${headers.cseq[0]}`,
          ...extra,
        ],
        body,
      ),
    );
  }

  #asked(message) {
    const contact = message.headers.contact?.[0];
    switch (message.method) {
      case "REGISTER":
        this.contact = /<([^>]+)>/.exec(contact ?? "")?.[1] ?? this.contact;
        this.#reply(message, 200, "OK", [`Contact: <${this.contact}>;expires=120`, "Expires: 120"]);
        this.handlers.registered?.();
        break;
      case "INVITE":
        this.#reply(message, 100, "Trying");
        this.#reply(
          message,
          200,
          "OK",
          ["Contact: <sip:mock@127.0.0.1;transport=ws>", "Content-Type: application/sdp"],
          sdp("active"),
        );
        this.handlers.called?.(message);
        break;
      case "ACK":
        break;
      default:
        this.#reply(message, 200, "OK");
        if (message.method === "BYE") {
          this.out = null;
          this.handlers.bye?.();
        }
    }
  }

  ring(number, name, auto = false) {
    const call = { id: token(), tag: token(), branch: token(), to: "" };
    this.out = call;
    this.send(
      write(
        `INVITE ${this.contact} SIP/2.0`,
        [
          `Via: SIP/2.0/WS 127.0.0.1;branch=z9hG4bK${call.branch}`,
          `From: "${name}" <sip:${number}@127.0.0.1>;tag=${call.tag}`,
          `To: <${this.contact}>`,
          `Call-ID: ${call.id}`,
          "CSeq: 1 INVITE",
          "Max-Forwards: 70",
          "Contact: <sip:mock@127.0.0.1;transport=ws>",
          ...(auto ? ["Call-Info: <sip:mock>;answer-after=0"] : []),
          "Content-Type: application/sdp",
        ],
        sdp("actpass"),
      ),
    );
  }

  #inDialog(method, cseq) {
    const call = this.out;
    if (!call) return;
    this.send(
      write(`${method} ${this.contact} SIP/2.0`, [
        `Via: SIP/2.0/WS 127.0.0.1;branch=z9hG4bK${method === "CANCEL" ? call.branch : token()}`,
        `From: <sip:mock@127.0.0.1>;tag=${call.tag}`,
        `To: ${call.to || `<${this.contact}>`}`,
        `Call-ID: ${call.id}`,
        `CSeq: ${cseq} ${method}`,
        "Max-Forwards: 70",
      ]),
    );
  }

  bye() {
    if (!this.out) return;
    if (this.out.to) this.#inDialog("BYE", 2);
    else this.#inDialog("CANCEL", 1);
    this.out = null;
  }

  #answered(message) {
    const call = this.out;
    if (!call || message.headers["call-id"][0] !== call.id || !message.headers.cseq[0].endsWith("INVITE")) return;
    if (message.status < 200) return;
    call.to = message.headers.to[0];
    this.#inDialog("ACK", 1);
    if (message.status < 300) this.handlers.answered?.();
    else {
      this.out = null;
      this.handlers.rejected?.(message.status);
    }
  }
}
