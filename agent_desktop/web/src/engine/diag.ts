/**
 * The diagnostic hook `window.__hollyhock`: what the browser tests (and a curious operator) may read.
 * popPaintedAt: reservation -> performance.now() when its card was on the screen; ringAt: performance.now() of each
 * INVITE that reached the softphone; state(): a copy of what the page knows. It changes nothing.
 */
export interface Diagnostics {
  popPaintedAt: Record<string, number>;
  ringAt: number[];
  state: () => unknown;
}

declare global {
  interface Window {
    __hollyhock?: Diagnostics;
  }
}

export const diagnostics: Diagnostics = { popPaintedAt: {}, ringAt: [], state: () => null };

export function exposeDiagnostics(state: () => unknown): void {
  diagnostics.state = state;
  window.__hollyhock = diagnostics;
}
