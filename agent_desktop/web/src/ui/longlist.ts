/** Long lists: only the rows in view, and some around them, are in the page. Short lists are there whole. */
import { useEffect, useState } from "react";

/** So many rows cost nothing; find-in-page and screen readers have all of them. */
export const WHOLE = 80;
/** Rows above and below those in view: the next ones are there before they are scrolled to or tabbed into. */
const AROUND = 12;

export interface Rows {
  from: number;
  to: number;
}

/** `top`: pixels scrolled; `view`: pixels in view; `height`: of a row. */
export function rowsInView(count: number, height: number, top: number, view: number): Rows {
  if (count <= WHOLE) return { from: 0, to: count };
  const last = Math.max(0, count - Math.ceil(view / height));
  const first = Math.min(last, Math.floor(top / height));
  // In steps, so that scrolling draws anew only now and then.
  const from = Math.max(0, Math.floor((first - AROUND) / AROUND) * AROUND);
  return { from, to: Math.min(count, from + Math.ceil(view / height) + 4 * AROUND) };
}

/** Which rows of `count` are to be drawn in what scrolls them. Nothing is measured but the scroller: rows have `height`. */
export function useRows(scroller: HTMLElement | null, count: number, height: number): Rows & { long: boolean } {
  const [at, setAt] = useState({ top: 0, view: 800 });
  const long = count > WHOLE;
  useEffect(() => {
    if (!scroller || !long) return;
    const look = () => {
      const step = AROUND * height;
      const top = Math.floor(scroller.scrollTop / step) * step;
      const view = scroller.clientHeight || 800;
      setAt((before) => (before.top === top && before.view === view ? before : { top, view }));
    };
    look();
    scroller.addEventListener("scroll", look, { passive: true });
    const resized = new ResizeObserver(look);
    resized.observe(scroller);
    return () => {
      scroller.removeEventListener("scroll", look);
      resized.disconnect();
    };
  }, [scroller, long, height]);
  return { ...rowsInView(count, height, at.top, at.view), long };
}
