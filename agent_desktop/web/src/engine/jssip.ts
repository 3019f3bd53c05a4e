/** JsSIP, loaded only when a phone is needed, behind the small interface of sipstack.ts. */
import type { AgentLike, OpenedAgent, PhoneGrant } from "./sipstack";

export async function openJsSip(grant: PhoneGrant): Promise<OpenedAgent> {
  const { default: JsSIP } = await import("jssip");
  const socket = new JsSIP.WebSocketInterface(grant.url);
  const agent = new JsSIP.UA({
    sockets: [socket],
    uri: `sip:${grant.username}@${grant.domain}`,
    password: grant.password,
    register: grant.register,
    register_expires: 120,
    session_timers: false,
    no_answer_timeout: 120,
    connection_recovery_min_interval: 1,
    connection_recovery_max_interval: 4,
    user_agent: "Hollyhock",
  });
  return { agent: agent as unknown as AgentLike, cut: () => socket.disconnect() };
}
