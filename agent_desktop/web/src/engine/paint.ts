/**
 * "The pop is painted before the phone rings": the server rings when the desktop has confirmed the offer. So the
 * confirmation leaves only after the card was put on the screen: two animation frames after its commit (the first
 * callback runs before the paint, the second after it). Hidden tabs get no frames: there nobody sees a paint, so the
 * commit itself counts; a timer of 100 ms catches the rest (a window behind another one).
 */
export interface PaintEnvironment {
  hidden: () => boolean;
  frame: (run: () => void) => void;
  timer: (run: () => void, ms: number) => void;
}

export const PAINT_DEADLINE_MS = 100;

const browser: PaintEnvironment = {
  hidden: () => document.visibilityState === "hidden",
  frame: (run) => requestAnimationFrame(run),
  timer: (run, ms) => setTimeout(run, ms),
};

export function afterPaint(run: () => void, env: PaintEnvironment = browser): void {
  let done = false;
  const once = () => {
    if (done) return;
    done = true;
    run();
  };
  if (env.hidden()) {
    once();
    return;
  }
  env.timer(once, PAINT_DEADLINE_MS);
  env.frame(() => env.frame(once));
}
