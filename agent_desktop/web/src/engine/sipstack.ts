/** What the softphone needs of a SIP stack, in the shape of JsSIP, which implements it (jssip.ts). */

export interface PhoneGrant {
  username: string;
  password: string;
  domain: string;
  url: string;
  register: boolean;
}

type Handler = (data: never) => void;
export interface SessionLike {
  direction: "incoming" | "outgoing";
  connection: RTCPeerConnection | null;
  on(event: string, handler: Handler): unknown;
  answer(options: Record<string, unknown>): void;
  terminate(options?: Record<string, unknown>): void;
  mute(options: { audio: boolean }): void;
  unmute(options: { audio: boolean }): void;
  contact: string | null;
  sendRequest(method: string, options: { extraHeaders: string[] }): unknown;
  isEstablished(): boolean;
}
export interface AgentLike {
  on(event: string, handler: Handler): unknown;
  start(): void;
  stop(): void;
  register(): void;
  call(target: string, options: Record<string, unknown>): SessionLike;
}
/** `cut` closes the signalling socket so that nothing more can be sent. */
export interface OpenedAgent {
  agent: AgentLike;
  cut: () => void;
}

export interface RegistrationFailure {
  response: { status_code: number } | null;
}
export interface NewSession {
  originator: "local" | "remote";
  session: SessionLike;
  request: { getHeader(name: string): string | undefined };
}
