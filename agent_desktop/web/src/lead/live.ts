/** A list that the server sends whole whenever it has changed. */
import { useEffect, useState } from "react";
import { socketUrl } from "../engine/api";
import { clock } from "../engine/store";

const AGAIN_MS = 1500;
const LOGIN_ENDED = 4401;

/** Null until the first came, and always when there is no `path`. `away`: the link is down and is tried again. */
export function useLiveList<T extends { now: number }>(
  path: string | null,
  onEnded: () => void,
): { list: T | null; away: boolean } {
  const [list, setList] = useState<T | null>(null);
  const [away, setAway] = useState(false);
  // biome-ignore lint/correctness/useExhaustiveDependencies: one link as long as the page is there
  useEffect(() => {
    let socket: WebSocket | null = null;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let over = false;
    if (!path) return;
    const open = () => {
      socket = new WebSocket(socketUrl(path));
      socket.onmessage = (event) => {
        const heard = JSON.parse(String(event.data)) as T;
        clock.hear(heard.now);
        setList(heard);
        setAway(false);
      };
      socket.onclose = (event) => {
        if (over) return;
        if (event.code === LOGIN_ENDED) return onEnded();
        setAway(true);
        timer = setTimeout(open, AGAIN_MS);
      };
    };
    open();
    return () => {
      over = true;
      clearTimeout(timer);
      socket?.close();
    };
  }, []);
  return { list, away };
}
