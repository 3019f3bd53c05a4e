// Runs in every page before its own scripts (see browser.py): listens to what the page's peer connections receive.
// Here: taps on remote audio, levels at frequencies, a timeline, transport statistics. Never changes what the page does,
// except for the microphone: constraints lose echo cancellation, noise suppression and gain control, which would eat a
// steady tone; and with window.__harnessTone set (Browser.context(tone_hz=...)) it is an oscillator of that frequency.
(() => {
  if (window.__harness) return;
  const taps = [];
  const connections = [];
  const timeline = [];
  const STEP_MS = 50;
  const KEEP = 2400; // two minutes
  let context = null;

  const Original = window.RTCPeerConnection;
  if (!Original) return;

  function tap(track) {
    context ??= new AudioContext();
    const stream = new MediaStream([track]);
    // Chromium feeds a remote track into Web Audio only while some media element plays it.
    const pump = new Audio();
    pump.muted = true;
    pump.srcObject = stream;
    pump.play().catch(() => {});
    const analyser = context.createAnalyser();
    analyser.fftSize = 8192;
    analyser.smoothingTimeConstant = 0;
    context.createMediaStreamSource(stream).connect(analyser);
    taps.push({ track, analyser, pump, samples: new Float32Array(analyser.fftSize) });
    if (taps.length > 32) taps.shift();
  }

  class Watched extends Original {
    constructor(...args) {
      super(...args);
      connections.push(this);
      if (connections.length > 32) connections.shift();
      this.addEventListener("track", (event) => {
        if (event.track.kind === "audio") tap(event.track);
      });
    }
  }
  window.RTCPeerConnection = Watched;
  if (window.webkitRTCPeerConnection) window.webkitRTCPeerConnection = Watched;

  function oscillator(hz) {
    context ??= new AudioContext();
    const source = new OscillatorNode(context, { frequency: hz });
    const volume = new GainNode(context, { gain: 0.25 }); // -12 dBFS, as the microphone file
    const out = context.createMediaStreamDestination();
    source.connect(volume).connect(out);
    source.start();
    return out.stream;
  }

  const media = navigator.mediaDevices;
  if (media?.getUserMedia) {
    const ask = media.getUserMedia.bind(media);
    media.getUserMedia = (constraints) => {
      if (!constraints?.audio) return ask(constraints);
      if (window.__harnessTone && !constraints.video) return Promise.resolve(oscillator(window.__harnessTone));
      const audio = constraints.audio === true ? {} : constraints.audio;
      const plain = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
      return ask({ ...constraints, audio: { ...audio, ...plain } });
    };
  }

  const toDb = (amplitude) => 20 * Math.log10(Math.max(amplitude, 1e-7));

  function levelAt(samples, hz, rate) {
    let re = 0;
    let im = 0;
    let weight = 0;
    for (let i = 0; i < samples.length; i++) {
      const window = 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / (samples.length - 1));
      const phase = (2 * Math.PI * hz * i) / rate;
      re += samples[i] * window * Math.cos(phase);
      im += samples[i] * window * Math.sin(phase);
      weight += window;
    }
    return toDb((2 * Math.hypot(re, im)) / weight);
  }

  function rms(samples) {
    let sum = 0;
    for (const sample of samples) sum += sample * sample;
    return toDb(Math.sqrt((2 * sum) / samples.length));
  }

  function strongest(analyser, samples, rate) {
    const bins = new Float32Array(analyser.frequencyBinCount);
    analyser.getFloatFrequencyData(bins);
    const width = rate / analyser.fftSize;
    let top = Math.ceil(60 / width);
    for (let i = top; i < Math.min(bins.length - 1, 4000 / width); i++) if (bins[i] > bins[top]) top = i;
    const [left, middle, right] = [bins[top - 1], bins[top], bins[top + 1]];
    const bend = left - 2 * middle + right;
    const shift = Number.isFinite(bend) && bend !== 0 ? (0.5 * (left - right)) / bend : 0;
    const hz = (top + shift) * width;
    return { hz, dbfs: levelAt(samples, hz, rate) };
  }

  const live = () => taps.filter((t) => t.track.readyState === "live");

  function read(frequencies) {
    if (context && context.state !== "running") context.resume();
    return live().map(({ track, analyser, samples }) => {
      analyser.getFloatTimeDomainData(samples);
      const top = strongest(analyser, samples, context.sampleRate);
      const at = Object.fromEntries(frequencies.map((hz) => [hz, levelAt(samples, hz, context.sampleRate)]));
      return { track: track.id, muted: track.muted, hz: top.hz, dbfs: top.dbfs, level: rms(samples), at };
    });
  }

  setInterval(() => {
    if (!taps.length) return;
    if (context && context.state !== "running") context.resume();
    let level = -140;
    for (const { analyser, samples } of live()) {
      analyser.getFloatTimeDomainData(samples);
      // The newest STEP_MS only, so that a gap is as long as it was.
      const count = Math.floor((context.sampleRate * STEP_MS) / 1000);
      level = Math.max(level, rms(samples.subarray(samples.length - count)));
    }
    timeline.push([Date.now(), level]);
    if (timeline.length > KEEP) timeline.shift();
  }, STEP_MS);

  async function stats() {
    const total = { received: 0, lost: 0, sent: 0, connections: 0, states: [] };
    for (const connection of connections) {
      if (connection.connectionState === "closed") continue;
      total.connections += 1;
      total.states.push(connection.connectionState);
      for (const report of (await connection.getStats()).values()) {
        if (report.type === "inbound-rtp" && report.kind === "audio") {
          total.received += report.packetsReceived ?? 0;
          total.lost += report.packetsLost ?? 0;
        }
        if (report.type === "outbound-rtp" && report.kind === "audio") total.sent += report.packetsSent ?? 0;
      }
    }
    return total;
  }

  window.__harness = { read, stats, timeline: () => timeline.slice() };
})();
