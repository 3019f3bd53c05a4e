/** How good the line is, from two readings of the browser's counters. `qualityOf` is pure. */

export type Quality = "good" | "fair" | "bad";
export interface Reading {
  received: number;
  lost: number;
  /** seconds */
  jitter: number;
  /** seconds; null = not told yet */
  roundTrip: number | null;
}

/** For the eye: percent lost since the reading before, and milliseconds. */
export interface Figures {
  loss: string;
  jitter: string;
  roundTrip: string | null;
}

export async function readStats(connection: RTCPeerConnection | null): Promise<Reading | null> {
  if (!connection || connection.connectionState === "closed") return null;
  const stats = await connection.getStats();
  let reading: Omit<Reading, "roundTrip"> | null = null;
  let told: number | null = null;
  let path: number | null = null;
  for (const report of stats.values()) {
    if (report.type === "inbound-rtp" && report.kind === "audio") {
      reading = { received: report.packetsReceived ?? 0, lost: report.packetsLost ?? 0, jitter: report.jitter ?? 0 };
    }
    if (report.type === "remote-inbound-rtp" && report.kind === "audio") told = report.roundTripTime ?? null;
    if (report.type === "candidate-pair" && report.nominated) path = report.currentRoundTripTime ?? path;
  }
  // What the other side reports of our sound is the whole way; the path's own checks come sooner.
  return reading && { ...reading, roundTrip: told ?? path };
}

/** The share that was lost between two readings; null while nothing is sent to us. */
function lossOf(before: Reading, after: Reading): number | null {
  const received = after.received - before.received;
  const lost = Math.max(0, after.lost - before.lost);
  return received + lost > 0 ? lost / (received + lost) : null;
}

export function figuresOf(before: Reading, after: Reading): Figures {
  const loss = (lossOf(before, after) ?? 0) * 100;
  return {
    loss: loss >= 10 ? loss.toFixed(0) : loss.toFixed(1),
    jitter: String(Math.round(after.jitter * 1000)),
    roundTrip: after.roundTrip === null ? null : String(Math.round(after.roundTrip * 1000)),
  };
}

export function qualityOf(before: Reading, after: Reading): Quality {
  // While nothing is sent to us (hold, silence suppression) there is nothing to complain about.
  const share = lossOf(before, after) ?? 0;
  if (share > 0.05 || after.jitter > 0.08) return "bad";
  if (share > 0.01 || after.jitter > 0.03) return "fair";
  return "good";
}
