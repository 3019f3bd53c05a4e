/** Sounds made here, not loaded: ring tone, keypad tones; microphone and loudspeaker; level meters. */

let context: AudioContext | null = null;

export function audioContext(): AudioContext {
  context ??= new AudioContext({ latencyHint: "interactive" });
  if (context.state === "suspended") void context.resume().catch(() => {});
  return context;
}

/** Browsers let a page sound only after a touch: call this in the click of "Start work" or "Call". */
export function wakeAudio(): void {
  audioContext();
}

const AUDIO_KEY = "hollyhock.microphone";
/**
 * The microphone with the browser's speech processing. The local setting `hollyhock.microphone` (JSON constraints)
 * overrides it: another device, or the processing off for measurements.
 */
export async function openMicrophone(): Promise<MediaStream> {
  if (!navigator.mediaDevices) throw Object.assign(new Error("insecure"), { name: "InsecureContext" });
  const fallback = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
  return navigator.mediaDevices.getUserMedia({ audio: { ...fallback, ...microphoneSetting() }, video: false });
}

function microphoneSetting(): MediaTrackConstraints {
  try {
    return JSON.parse(localStorage.getItem(AUDIO_KEY) ?? "{}") as MediaTrackConstraints;
  } catch {
    // A broken setting is no setting.
    return {};
  }
}

/** The chosen device's id, "" = the system's own choice. */
export function chosenMicrophone(): string {
  const { deviceId } = microphoneSetting();
  return typeof deviceId === "object" && !Array.isArray(deviceId) ? String(deviceId.ideal ?? "") : "";
}

/** Ideal, not exact: a headset that is not plugged in today must not silence the agent. */
export function chooseMicrophone(id: string): void {
  const { deviceId: _, ...rest } = microphoneSetting();
  localStorage.setItem(AUDIO_KEY, JSON.stringify(id ? { ...rest, deviceId: { ideal: id } } : rest));
}

const RING_KEY = "hollyhock.ring-device";
let ringContext: (AudioContext & { setSinkId?: (id: string) => Promise<void> }) | null = null;
let ringOn = "";

/** Not every browser can send a page's sound to another device. */
export const canChooseRing = typeof AudioContext !== "undefined" && "setSinkId" in AudioContext.prototype;

/** Where it rings, "" = where everything else sounds. A loudspeaker calls an agent who has put the headset down. */
export function chosenRingDevice(): string {
  return canChooseRing ? (localStorage.getItem(RING_KEY) ?? "") : "";
}

export function chooseRingDevice(id: string): void {
  localStorage.setItem(RING_KEY, id);
}

/** The context of the ring tone; a device that is not there today must not make the ring silent. */
function ringAudio(): AudioContext {
  const wanted = chosenRingDevice();
  if (!wanted) return audioContext();
  ringContext ??= new AudioContext({ latencyHint: "interactive" });
  if (ringContext.state === "suspended") void ringContext.resume().catch(() => {});
  if (ringOn !== wanted) {
    ringOn = wanted;
    void ringContext.setSinkId?.(wanted).catch(() => ringContext?.setSinkId?.("").catch(() => {}));
  }
  return ringContext;
}

/** Two short high notes in the agent's ear: a call is through to him without his pressing anything. */
export function beep(): void {
  const audio = audioContext();
  for (const start of [0.02, 0.22]) {
    const note = audio.createOscillator();
    const shape = audio.createGain();
    note.frequency.value = 1320;
    shape.gain.setValueAtTime(0.25, audio.currentTime + start);
    shape.gain.setTargetAtTime(0, audio.currentTime + start + 0.1, 0.015);
    note.connect(shape).connect(audio.destination);
    note.start(audio.currentTime + start);
    note.stop(audio.currentTime + start + 0.2);
  }
}

const ECHO_SECONDS = 1;

/** One second of what the microphone hears, played a second later; never longer, or a loudspeaker would howl. */
export function echo(stream: MediaStream, phase: (now: "speak" | "listen" | "done") => void): () => void {
  const audio = audioContext();
  const source = audio.createMediaStreamSource(stream);
  const gate = audio.createGain();
  const delay = audio.createDelay(ECHO_SECONDS + 0.5);
  delay.delayTime.value = ECHO_SECONDS;
  gate.gain.setValueAtTime(0, audio.currentTime + ECHO_SECONDS);
  source.connect(gate).connect(delay).connect(audio.destination);
  phase("speak");
  const end = () => {
    clearTimeout(first);
    clearTimeout(second);
    source.disconnect();
    delay.disconnect();
    phase("done");
  };
  const first = setTimeout(() => phase("listen"), ECHO_SECONDS * 1000);
  const second = setTimeout(end, ECHO_SECONDS * 2000 + 200);
  return end;
}

export function speaker(): (stream: MediaStream | null) => Promise<void> {
  const element = new Audio();
  element.autoplay = true;
  return async (stream) => {
    element.srcObject = stream;
    if (stream) await element.play();
  };
}

/** A soft two-note ring, two seconds apart; returns how to stop it. */
export function ring(): () => void {
  const audio = ringAudio();
  const gain = audio.createGain();
  gain.connect(audio.destination);
  const chime = () => {
    const at = audio.currentTime + 0.02;
    for (const [i, frequency] of [659.3, 523.3, 659.3, 523.3].entries()) {
      const start = at + i * 0.18;
      const note = audio.createOscillator();
      const shape = audio.createGain();
      note.type = "triangle";
      note.frequency.value = frequency;
      shape.gain.setValueAtTime(0, start);
      shape.gain.linearRampToValueAtTime(0.22, start + 0.015);
      shape.gain.exponentialRampToValueAtTime(0.001, start + 0.34);
      note.connect(shape).connect(gain);
      note.start(start);
      note.stop(start + 0.36);
    }
  };
  chime();
  const timer = setInterval(chime, 2000);
  return () => {
    clearInterval(timer);
    gain.gain.setTargetAtTime(0, audio.currentTime, 0.02);
    setTimeout(() => gain.disconnect(), 200);
  };
}

const ROWS = [697, 770, 852, 941];
const COLUMNS = [1209, 1336, 1477];
export const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#"];

/** The key's own two tones, for the ear of the one who presses it. */
export function keyTone(key: string): void {
  const index = KEYS.indexOf(key);
  if (index < 0) return;
  const audio = audioContext();
  const gain = audio.createGain();
  gain.gain.setValueAtTime(0.08, audio.currentTime);
  gain.gain.setTargetAtTime(0, audio.currentTime + 0.11, 0.01);
  gain.connect(audio.destination);
  for (const frequency of [ROWS[Math.floor(index / 3)], COLUMNS[index % 3]]) {
    const tone = audio.createOscillator();
    tone.frequency.value = frequency ?? 0;
    tone.connect(gain);
    tone.start();
    tone.stop(audio.currentTime + 0.18);
  }
}

/** Loudness of a stream as 0..1 (0 = -60 dB and below, 1 = 0 dB); `stop` frees it. */
export function meter(stream: MediaStream): { level: () => number; stop: () => void } {
  const audio = audioContext();
  const source = audio.createMediaStreamSource(stream);
  const analyser = audio.createAnalyser();
  analyser.fftSize = 1024;
  source.connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  return {
    level: () => {
      analyser.getFloatTimeDomainData(samples);
      let sum = 0;
      for (const sample of samples) sum += sample * sample;
      const db = 10 * Math.log10(sum / samples.length + 1e-9);
      return Math.min(1, Math.max(0, (db + 60) / 60));
    },
    stop: () => source.disconnect(),
  };
}
