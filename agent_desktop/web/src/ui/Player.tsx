/** Plays a recording: the caller's track above the line, the agent's below it; click anywhere to go there. */
import { CaretRightFilled, CloseOutlined, PauseOutlined } from "@ant-design/icons";
import { Button } from "antd";
import { useEffect, useRef, useState } from "react";
import { api } from "../engine/api";
import { duration } from "../engine/clock";
import type { CallRecord } from "../engine/types";
import { useT } from "../i18n";
import { phoneNumber } from "./format";

const SPEEDS = [1, 1.25, 1.5, 2];
const BARS = 220;
/** Longer recordings are played without their picture: about ten minutes. */
const PICTURE_BYTES = 20_000_000;

export function Player({ call, onClose }: { call: CallRecord; onClose: () => void }) {
  const t = useT();
  const audio = useRef<HTMLAudioElement>(null);
  const [playing, setPlaying] = useState(false);
  const [at, setAt] = useState(0);
  const [total, setTotal] = useState(call.talk_seconds ?? 0);
  const [speed, setSpeed] = useState(0);
  const [failed, setFailed] = useState(false);
  const url = api.recording(call.conversation);
  const peaks = usePeaks(url);

  useEffect(() => {
    void audio.current?.play().catch(() => {});
  }, []);

  const toggle = () => {
    const element = audio.current;
    if (!element) return;
    if (element.paused) void element.play().catch(() => setFailed(true));
    else element.pause();
  };
  const seek = (share: number) => {
    if (audio.current && Number.isFinite(audio.current.duration))
      audio.current.currentTime = share * audio.current.duration;
  };

  return (
    <div className="player" data-testid="player">
      <audio
        ref={audio}
        src={url}
        preload="metadata"
        data-testid="player-audio"
        onPlay={() => setPlaying(true)}
        onPause={() => setPlaying(false)}
        onTimeUpdate={(event) => setAt(event.currentTarget.currentTime)}
        onLoadedMetadata={(event) => setTotal(event.currentTarget.duration)}
        onError={() => setFailed(true)}
      />
      <Button
        shape="circle"
        type="primary"
        icon={playing ? <PauseOutlined /> : <CaretRightFilled />}
        aria-label={t(playing ? "home.pause" : "home.play")}
        onClick={toggle}
        disabled={failed}
      />
      {failed ? (
        <span className="player-failed">{t("home.recording_pending")}</span>
      ) : (
        <>
          <div className="player-body">
            <div className="player-tracks">
              <span>{call.customer?.name || call.caller_name || phoneNumber(call.caller_number)}</span>
              <span>{t("phonepage.you")}</span>
            </div>
            <Wave peaks={peaks} share={total > 0 ? at / total : 0} onSeek={seek} />
          </div>
          <span className="player-time num">
            {duration(at)} / {duration(total)}
          </span>
          <Button
            size="small"
            type="text"
            className="num quiet"
            aria-label={`${t("home.speed")} ${SPEEDS[speed]}×`}
            onClick={() => {
              const next = (speed + 1) % SPEEDS.length;
              setSpeed(next);
              if (audio.current) audio.current.playbackRate = SPEEDS[next] ?? 1;
            }}
          >
            {SPEEDS[speed]}×
          </Button>
        </>
      )}
      <Button
        size="small"
        type="text"
        className="quiet"
        icon={<CloseOutlined />}
        aria-label={t("home.close_player")}
        onClick={onClose}
      />
    </div>
  );
}

interface Peaks {
  caller: number[];
  agent: number[];
}

function usePeaks(url: string): Peaks | null {
  const [peaks, setPeaks] = useState<Peaks | null>(null);
  useEffect(() => {
    const stop = new AbortController();
    void (async () => {
      try {
        const response = await fetch(url, { signal: stop.signal });
        if (!response.ok || Number(response.headers.get("Content-Length") ?? 0) > PICTURE_BYTES) {
          stop.abort();
          return;
        }
        const sound = await new OfflineAudioContext(1, 1, 8000).decodeAudioData(await response.arrayBuffer());
        const caller = peaksOf(sound.getChannelData(0));
        const agent = sound.numberOfChannels > 1 ? peaksOf(sound.getChannelData(1)) : caller.map(() => 0);
        setPeaks({ caller, agent });
      } catch {
        // Without a picture the player still plays.
      }
    })();
    return () => stop.abort();
  }, [url]);
  return peaks;
}

function peaksOf(samples: Float32Array): number[] {
  const step = Math.max(1, Math.floor(samples.length / BARS));
  const peaks: number[] = [];
  for (let bar = 0; bar < BARS; bar += 1) {
    let peak = 0;
    for (let i = bar * step; i < Math.min(samples.length, (bar + 1) * step); i += 4) {
      peak = Math.max(peak, Math.abs(samples[i] ?? 0));
    }
    peaks.push(peak);
  }
  const highest = Math.max(0.05, ...peaks);
  return peaks.map((peak) => Math.sqrt(peak / highest));
}

function Wave({ peaks, share, onSeek }: { peaks: Peaks | null; share: number; onSeek: (share: number) => void }) {
  const t = useT();
  const place = (event: { clientX: number; currentTarget: Element }) => {
    const box = event.currentTarget.getBoundingClientRect();
    return (event.clientX - box.left) / box.width;
  };
  const path = (values: number[], up: boolean) =>
    values
      .map(
        (value, i) =>
          `M${i * 3 + 1.5} ${up ? 19 : 21}V${up ? 19 - Math.max(0.6, value * 17) : 21 + Math.max(0.6, value * 17)}`,
      )
      .join("");
  return (
    <div
      className="wave"
      role="slider"
      tabIndex={0}
      aria-label={t("home.play")}
      aria-valuenow={Math.round(share * 100)}
      aria-valuemin={0}
      aria-valuemax={100}
      onClick={(event) => onSeek(place(event))}
      onKeyDown={(event) => {
        if (event.key === "ArrowRight") onSeek(Math.min(1, share + 0.02));
        if (event.key === "ArrowLeft") onSeek(Math.max(0, share - 0.02));
      }}
    >
      <svg viewBox={`0 0 ${BARS * 3} 40`} preserveAspectRatio="none" aria-hidden="true">
        {peaks ? (
          <>
            <path d={path(peaks.caller, true)} className="wave-caller" />
            <path d={path(peaks.agent, false)} className="wave-agent" />
          </>
        ) : (
          <path d={`M0 20H${BARS * 3}`} className="wave-flat" />
        )}
      </svg>
      <div className="wave-head" style={{ left: `${share * 100}%` }} />
      <div className="wave-done" style={{ width: `${share * 100}%` }} />
    </div>
  );
}
