import { useEffect, useRef, useState, useSyncExternalStore } from "react";
import { clock } from "../engine/store";

const tickers = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | null = null;
const subscribe = (run: () => void) => {
  tickers.add(run);
  timer ??= setInterval(() => {
    for (const ticker of tickers) ticker();
  }, 200);
  return () => {
    tickers.delete(run);
    if (tickers.size === 0 && timer) {
      clearInterval(timer);
      timer = null;
    }
  };
};

/** The server's time in whole seconds; draws again once a second. */
export function useServerNow(): number {
  return useSyncExternalStore(subscribe, () => Math.floor(clock.now()));
}

/** Any number that is read again five times a second; draws again only when it changes. */
export function useTicking(read: () => number): number {
  return useSyncExternalStore(subscribe, read);
}

/** True once `on` has been true for so long: what passes by itself in a moment need not move the page. */
export function useLasting(on: boolean, ms: number): boolean {
  const [lasting, setLasting] = useState(false);
  useEffect(() => {
    if (!on) {
      setLasting(false);
      return;
    }
    const timer = setTimeout(() => setLasting(true), ms);
    return () => clearTimeout(timer);
  }, [on, ms]);
  return on && lasting;
}

export type Hotkeys = Partial<Record<string, () => void>>;

/** Keys of the whole page. A missing entry leaves the key to the browser. */
export function useHotkeys(keys: Hotkeys): void {
  const latest = useRef(keys);
  latest.current = keys;
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.altKey || event.ctrlKey || event.metaKey || event.isComposing) return;
      const run = latest.current[event.key];
      if (!run) return;
      event.preventDefault();
      if (!event.repeat) run();
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, []);
}

/** What is opened over the page gives the focus back to where it was, unless somebody has taken it elsewhere. */
export function useFocusBack(): void {
  useEffect(() => {
    const before = document.activeElement;
    return () => {
      const lost = !document.activeElement || document.activeElement === document.body;
      if (lost && before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
}
