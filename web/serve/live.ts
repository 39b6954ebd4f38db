/* Camera and microphone of this browser, analyzed on this machine while they run. Sound goes to the server in blocks of
   the audio clock, pictures with the time of that clock when they were taken; what is known comes back. */
import { reached } from "./reach";
import { clock, make, say } from "./tools";

interface Now { type: "now"; t: number; person: number; label: string; valence: number | null; arousal: number | null; valence_sd: number | null; arousal_sd: number | null }
interface Counts { pictures: number; dropped: number; lost: number; waiting: number }

const HEADER = 24, PICTURES_A_SECOND = 12, HEIGHT = 360, SHOWN_S = 30;

function message(kind: 1 | 2, a: number, b: number, time: number, bytes: ArrayBufferView): ArrayBuffer {
  const out = new ArrayBuffer(HEADER + bytes.byteLength), view = new DataView(out);
  view.setUint32(0, kind, true);
  view.setUint32(4, a, true);
  view.setUint32(8, b, true);
  view.setFloat64(16, time, true);
  new Uint8Array(out, HEADER).set(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  return out;
}

export function showLive(main: HTMLElement): () => void {
  const consent = make("input", { type: "checkbox", id: "consent" });
  const camera = make("input", { type: "checkbox", id: "use-camera", checked: true });
  const microphone = make("input", { type: "checkbox", id: "use-microphone", checked: true });
  const button = make("button", { type: "button", class: "button", id: "live-button", disabled: true }, "Start");
  const video = make("video", { class: "live-video", muted: true, playsinline: true, "aria-label": "What the camera sees" });
  video.muted = true;
  const label = make("p", { class: "live-label", id: "live-label", "aria-live": "off" }, "–");
  const canvas = make("canvas", { class: "live-curve", role: "img", "aria-label": "Valence and arousal of the last half minute" });
  const facts = make("p", { class: "card-facts", id: "live-facts" });
  const kept = make("p", { id: "live-kept" });
  main.append(
    make("div", { class: "panel consent" }, make("h2", {}, "Before you start"),
      make("p", {}, "Everybody who can be seen or heard must know that their expression is estimated, and agree. Scores say how others would perceive it; they are no reading of what a person feels. Picture and sound stay on this machine and are not kept; the timeline is."),
      make("p", { class: "bar-line" }, consent, make("label", { for: "consent" }, "Everybody here knows and agrees"))),
    make("div", { class: "bar-line" }, button, camera, make("label", { for: "use-camera" }, "Camera"), microphone, make("label", { for: "use-microphone" }, "Microphone")),
    make("div", { class: "live" }, video, make("div", { class: "live-side" }, label, canvas, facts)), kept);

  let socket: WebSocket | null = null, stream: MediaStream | null = null, audio: AudioContext | null = null, timer = 0, began = 0, stopped = false;
  const rows: Now[] = [];
  /* How late each row was when it was shown, in seconds; tests read it. */
  const lags: number[] = [];
  Object.assign(window, { affectLive: { rows, lags } });
  consent.addEventListener("change", () => { button.disabled = !consent.checked; });

  /* Seconds of the recording, on the clock of the sound where there is sound. */
  const elapsed = () => (audio ? audio.currentTime : performance.now() / 1000) - began;

  const css = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  function draw(): void {
    const ratio = window.devicePixelRatio || 1, w = canvas.clientWidth, h = canvas.clientHeight, pen = canvas.getContext("2d");
    if (!pen || !w) return;
    if (canvas.width !== Math.round(w * ratio)) { canvas.width = Math.round(w * ratio); canvas.height = Math.round(h * ratio); }
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, w, h);
    const last = rows.length ? rows[rows.length - 1].t : 0, x = (t: number) => w - ((last - t) / SHOWN_S) * w, y = (v: number) => h / 2 - v * (h / 2 - 4);
    pen.strokeStyle = css("--hair-strong");
    pen.beginPath(); pen.moveTo(0, h / 2); pen.lineTo(w, h / 2); pen.stroke();
    const shown = rows.filter((r) => r.t > last - SHOWN_S && r.person === (rows[rows.length - 1]?.person ?? 0));
    for (const [name, sd, colour, dash] of [["valence", "valence_sd", "--fused", []], ["arousal", "arousal_sd", "--voice", [5, 4]]] as const) {
      pen.strokeStyle = pen.fillStyle = css(colour);
      pen.globalAlpha = 0.16;
      pen.beginPath();
      shown.forEach((r, i) => { const v = (r[name] ?? 0) + (r[sd] ?? 0); if (i) pen.lineTo(x(r.t), y(v)); else pen.moveTo(x(r.t), y(v)); });
      [...shown].reverse().forEach((r) => pen.lineTo(x(r.t), y((r[name] ?? 0) - (r[sd] ?? 0))));
      pen.fill();
      pen.globalAlpha = 1;
      pen.lineWidth = 2;
      pen.setLineDash([...dash]);
      pen.beginPath();
      shown.forEach((r, i) => { const v = r[name] ?? 0; if (i) pen.lineTo(x(r.t), y(v)); else pen.moveTo(x(r.t), y(v)); });
      pen.stroke();
      pen.setLineDash([]);
    }
  }

  function heard(data: { type: string } & Record<string, unknown>): void {
    if (data.type === "ready") { facts.textContent = "Listening"; document.documentElement.dataset.live = "on"; }
    else if (data.type === "now") {
      const now = data as unknown as Now;
      rows.push(now);
      if (rows.length > 3000) rows.splice(0, 1000);
      lags.push(elapsed() - now.t);
      if (lags.length > 20000) lags.splice(0, 10000);
      label.textContent = now.label ? `${now.label} · valence ${(now.valence ?? 0).toFixed(2)}, arousal ${(now.arousal ?? 0).toFixed(2)}` : "–";
      draw();
    } else if (data.type === "counts") {
      const n = data as unknown as Counts;
      facts.textContent = `${clock(elapsed())} · ${n.pictures} pictures${n.dropped ? `, ${n.dropped} left out so that sound keeps up` : ""}${n.lost ? ` · ${n.lost.toFixed(1)} s of sound lost` : ""}`;
    } else if (data.type === "kept") {
      kept.replaceChildren(make("a", { href: `/recording/${encodeURIComponent(String(data.id))}` }, "The timeline is kept: open it"));
      document.documentElement.dataset.live = "kept";
      end();
    } else if (data.type === "failed") { say(String(data.error)); end(); }
  }

  function end(): void {
    clearInterval(timer);
    stream?.getTracks().forEach((track) => track.stop());
    void audio?.close();
    audio = null; stream = null;
    socket?.close();
    socket = null;
    button.textContent = "Start";
    button.disabled = !consent.checked;
    camera.disabled = microphone.disabled = false;
  }

  function stop(): void {
    if (!socket) return;
    clearInterval(timer);
    stream?.getTracks().forEach((track) => track.stop());
    stopped = true;
    if (socket.readyState !== WebSocket.OPEN) { end(); return; } /* nobody is there to stop */
    socket.send(JSON.stringify({ type: "stop" }));
    button.disabled = true;
    facts.textContent = "The rest is being analyzed…";
  }

  async function start(): Promise<void> {
    const pictures = camera.checked, sound = microphone.checked;
    if (!pictures && !sound) { say("Choose the camera, the microphone, or both."); return; }
    button.disabled = camera.disabled = microphone.disabled = true;
    rows.length = lags.length = 0;
    kept.replaceChildren();
    stream = await navigator.mediaDevices.getUserMedia({ video: pictures ? { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 } } : false,
      audio: sound ? { echoCancellation: false, noiseSuppression: false, autoGainControl: false, channelCount: 1 } : false });
    const open_ = async (): Promise<WebSocket> => {
      const open = new WebSocket(`ws://${location.host}/ws/live`);
      open.binaryType = "arraybuffer";
      await new Promise<void>((done, fail) => { open.onopen = () => done(); open.onerror = () => { void reached(); fail(new Error("The server does not answer; press Start again when it does.")); }; });
      open.onmessage = (e) => heard(JSON.parse(String(e.data)) as { type: string });
      open.onclose = (e) => {
        if (socket !== open) return;
        if (e.reason || stopped) { say(e.reason || "The connection broke before the timeline came; where the server still runs, it is among the recordings."); end(); }
        else void goOn();
      };
      open.send(JSON.stringify({ type: "start", sound, pictures }));
      facts.textContent = "Models are being loaded…";
      return open;
    };
    /* A server that went away keeps what it had, unless it was killed; camera and microphone stay on, and what comes after is a recording of its own. */
    const goOn = async (): Promise<void> => {
      facts.textContent = "The connection broke. A new recording begins when the server answers; the one until now is kept where the server was not killed.";
      document.documentElement.dataset.live = "away";
      while (stream && !stopped) {
        await reached();
        try { const open = await open_(); if (!stream || stopped) { open.close(); return; } socket = open; rebase = true; rows.length = lags.length = 0; return; }
        catch { await new Promise((done) => setTimeout(done, 500)); }
      }
      if (stopped) end();
    };
    let rebase = true; /* time begins anew with the next sound, or picture where there is none */
    stopped = false;
    socket = await open_();
    const ready = (data: ArrayBuffer) => { if (socket?.readyState === WebSocket.OPEN) socket.send(data); };

    if (sound) {
      audio = new AudioContext();
      await audio.audioWorklet.addModule("/worklet.js");
      const recorder = new AudioWorkletNode(audio, "recorder", { numberOfInputs: 1, numberOfOutputs: 0 });
      let samples = 0;
      recorder.port.onmessage = (e: MessageEvent<{ rate: number; at: number; samples: Float32Array }>) => {
        if (rebase) { began = e.data.at; samples = 0; rebase = false; }
        ready(message(1, e.data.rate, e.data.samples.length, samples / e.data.rate, e.data.samples));
        samples += e.data.samples.length;
      };
      audio.createMediaStreamSource(stream).connect(recorder);
    }

    if (pictures) {
      video.srcObject = stream;
      await video.play();
      const paper = document.createElement("canvas"), pen = paper.getContext("2d", { willReadFrequently: true });
      timer = window.setInterval(() => {
        /* What the connection cannot take is not queued up: sound would wait behind it. */
        if (!pen || !video.videoWidth || (socket?.bufferedAmount ?? 0) > 1 << 20) return;
        if (rebase && !sound) { began = performance.now() / 1000; rebase = false; }
        if (rebase) return;
        const h = Math.min(HEIGHT, video.videoHeight), w = Math.round((video.videoWidth * h) / video.videoHeight), t = elapsed();
        if (t < 0) return;
        if (paper.width !== w || paper.height !== h) { paper.width = w; paper.height = h; }
        pen.drawImage(video, 0, 0, w, h);
        ready(message(2, w, h, t, pen.getImageData(0, 0, w, h).data));
      }, 1000 / PICTURES_A_SECOND);
    }
    button.textContent = "Stop";
    button.disabled = false;
  }

  button.addEventListener("click", () => {
    if (socket) { stop(); return; }
    start().catch((e: Error) => { say(e.name === "NotAllowedError" ? "The browser was not allowed to use camera or microphone." : e.message); end(); });
  });
  return end;
}
