/** The live board: one link to the server, what it brought, and what a lead asks for. Nothing polls. */
import { useEffect, useRef, useState } from "react";
import { api, request, socketUrl } from "../engine/api";
import { type LinkStatus, LiveLink, type SocketLike } from "../engine/live";
import { clock, pulse } from "../engine/store";
import type { Docs } from "../engine/types";

const TOUCH_MS = 240_000;

/** `ended`: the login is over. A board that is left open for weeks says now and then that it is there. */
export function useFloor(ended: () => void): { docs: Docs; status: LinkStatus } {
  const [docs, setDocs] = useState<Docs>({});
  const [status, setStatus] = useState<LinkStatus>("connecting");
  const over = useRef(ended);
  over.current = ended;
  useEffect(() => {
    let socket: WebSocket | null = null;
    const link = new LiveLink({
      open: () => {
        socket = new WebSocket(socketUrl("/api/v1/floor/live"));
        return socket as unknown as SocketLike;
      },
      onDocs: setDocs,
      onStatus: setStatus,
      onNow: (now) => {
        clock.hear(now);
        pulse.at = performance.now();
      },
      onEnded: () => over.current(),
      onRetry: () => void api.me().catch((error: unknown) => gone(error) && over.current()),
    });
    link.start();
    const touch = setInterval(() => socket?.readyState === 1 && socket.send('{"type":"here"}'), TOUCH_MS);
    return () => {
      clearInterval(touch);
      link.stop();
    };
  }, []);
  return { docs, status };
}

const gone = (error: unknown) => (error as { status?: number }).status === 401;

export interface AuditLine {
  at: number;
  by: string;
  what: string;
  agent: string | null;
  conversation: string | null;
  contact: string | null;
  detail: string;
}

const name = encodeURIComponent;
export const acts = {
  force: (agent: string, state: "ready" | "not_ready" | "signed_out", reason = "") =>
    request("POST", `/api/v1/floor/agents/${name(agent)}/state`, { state, reason }),
  able: (agent: string, change: { skills?: Record<string, number>; queues?: string[] }) =>
    request("PATCH", `/api/v1/floor/agents/${name(agent)}`, change),
  end: (conversation: string) => request("POST", `/api/v1/floor/calls/${name(conversation)}/end`, {}),
  pull: (contact: string, agent: string) => request("POST", `/api/v1/floor/contacts/${name(contact)}/pull`, { agent }),
  prioritise: (contact: string, seconds: number) =>
    request("POST", `/api/v1/floor/contacts/${name(contact)}/priority`, { seconds }),
  message: (text: string, agents: string[] | null) => request("POST", "/api/v1/floor/messages", { text, agents }),
  audit: async () => (await request<{ lines: AuditLine[] }>("GET", "/api/v1/floor/audit?limit=200")).lines,
};
