/**
 * The server's clock, seen from here. A message is always late, never early, so the largest of the last
 * offsets is the best estimate; a jump of over two seconds (a laptop that slept) starts afresh.
 */
export class ServerClock {
  #offsets: number[] = [];
  #local: () => number;

  constructor(local: () => number = () => Date.now() / 1000) {
    this.#local = local;
  }

  hear(now: number): void {
    const offset = now - this.#local();
    if (this.#offsets.length > 0 && Math.abs(offset - this.offset) > 2) this.#offsets = [];
    this.#offsets.push(offset);
    if (this.#offsets.length > 30) this.#offsets.shift();
  }

  get offset(): number {
    return this.#offsets.length > 0 ? Math.max(...this.#offsets) : 0;
  }

  /** Epoch seconds of the server. */
  now(): number {
    return this.#local() + this.offset;
  }
}

/** 75 -> "01:15", 3675 -> "1:01:15"; a negative time is 0. */
export function duration(seconds: number): string {
  const total = Math.max(0, Math.floor(seconds));
  const two = (n: number) => String(n).padStart(2, "0");
  const [h, m, s] = [Math.floor(total / 3600), Math.floor(total / 60) % 60, total % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${two(m)}:${two(s)}`;
}
