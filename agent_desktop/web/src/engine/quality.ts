/** How good the line is, from two readings of the browser's counters. `qualityOf` is pure. */

export type Quality = "good" | "fair" | "bad";
export interface Reading {
  received: number;
  lost: number;
  /** seconds */
  jitter: number;
}

export async function readStats(connection: RTCPeerConnection | null): Promise<Reading | null> {
  if (!connection || connection.connectionState === "closed") return null;
  const stats = await connection.getStats();
  let reading: Reading | null = null;
  for (const report of stats.values()) {
    if (report.type === "inbound-rtp" && report.kind === "audio") {
      reading = { received: report.packetsReceived ?? 0, lost: report.packetsLost ?? 0, jitter: report.jitter ?? 0 };
    }
  }
  return reading;
}

export function qualityOf(before: Reading, after: Reading): Quality {
  const received = after.received - before.received;
  const lost = Math.max(0, after.lost - before.lost);
  // While nothing is sent to us (hold, silence suppression) there is nothing to complain about.
  const share = received + lost > 0 ? lost / (received + lost) : 0;
  if (share > 0.05 || after.jitter > 0.08) return "bad";
  if (share > 0.01 || after.jitter > 0.03) return "fair";
  return "good";
}
