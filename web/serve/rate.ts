/* A rater's page: a reaction task, practice, then each recording of the study with each of its dimensions (slider, relative trace,
   plane), intervals with hot keys, comparisons. It sees nothing of what a model or another rater said. Samples go over a socket
   as they come, are kept until the server has written them, and are sent again after a break. */
import { ask, keepPlaying, post, reached } from "./reach";
import { $, clock, make, say, setUpTheme } from "./tools";

interface Dimension { name: string; low?: number; high?: number; tool?: "slider" | "relative" | "plane"; question?: string; }
interface Vocabulary { name: string; key?: string; tier?: string; }
interface Comparison { dimension: string; recording: string; a: [number, number]; b: [number, number]; }
interface Study {
  name?: string; instructions?: string; rater: string; recordings: { id: string }[]; dimensions?: Dimension[]; labels?: Vocabulary[];
  suggestions?: boolean; practice?: string; comparisons?: Comparison[]; break_after?: number; done: [string, string][]; trials: number; chosen: [number][];
}
type Mark = [tier: string, label: string, begin: number, end: number, by: string];

const token = new URLSearchParams(location.search).get("rater") ?? "";
const at = (path: string): string => `${path}?rater=${encodeURIComponent(token)}`;
const media = (id: string): string => at(`/api/rate/media/${encodeURIComponent(id)}`);
const clamp = (x: number, low: number, high: number): number => Math.min(Math.max(x, low), high);

/* ---- the way to the server ---- */

/* Samples of one trace: numbered, sent every fifth of a second, kept until they are written. */
class Sender {
  private socket: WebSocket | null = null;
  private kept: number[][] = []; /* not written yet; the first has the number `base` */
  private base: number;
  private sent: number; /* the number that goes next */
  private closed = false;
  private timer: number;
  written = 0;
  error = "";
  constructor(private trace: number, next: number) {
    this.base = this.sent = next;
    this.open();
    this.timer = window.setInterval(() => this.flush(), 200);
  }
  private open(): void {
    const socket = this.socket = new WebSocket(`ws://${location.host}${at("/ws/trace")}`);
    socket.onopen = () => { this.sent = this.base; this.flush(); };
    socket.onmessage = (e) => {
      const m = JSON.parse(String(e.data)) as { trace?: number; ack?: number; error?: string };
      if (m.error) { this.error = m.error; say(m.error); }
      if (m.trace !== this.trace || m.ack === undefined) return;
      const count = m.ack + 1 - this.base;
      if (count > 0) { this.kept.splice(0, count); this.base += count; this.written += count; }
    };
    socket.onclose = () => {
      if (!this.closed) setTimeout(() => void reached().then(() => this.open()), 250);
    };
  }
  add(sample: number[]): void { this.kept.push(sample); }
  flush(): void {
    if (this.socket?.readyState !== WebSocket.OPEN) return;
    while (this.sent < this.base + this.kept.length) {
      const samples = this.kept.slice(this.sent - this.base, this.sent - this.base + 500);
      this.socket.send(JSON.stringify({ trace: this.trace, from: this.sent, samples }));
      this.sent += samples.length;
    }
  }
  get waiting(): number { return this.kept.length; }
  async finish(): Promise<void> {
    this.flush();
    while (this.kept.length) await new Promise((done) => setTimeout(done, 100)); /* the page says that nobody answers */
    this.closed = true;
    clearInterval(this.timer);
    this.socket?.close();
  }
}

/* ---- media time: of the picture that is shown, not of the clock on the wall ---- */

interface FrameVideo { requestVideoFrameCallback?(call: (now: number, meta: { mediaTime: number; expectedDisplayTime: number }) => void): number; }

class MediaClock {
  private mediaTime = 0;
  private shown = -1;
  constructor(private video: HTMLVideoElement) {
    const v = video as unknown as FrameVideo;
    const frame = (_now: number, meta: { mediaTime: number; expectedDisplayTime: number }): void => {
      this.mediaTime = meta.mediaTime;
      this.shown = meta.expectedDisplayTime;
      v.requestVideoFrameCallback?.(frame);
    };
    v.requestVideoFrameCallback?.(frame);
    video.addEventListener("seeking", () => { this.shown = -1; });
  }
  /* Between two pictures at the playback's rate; sound alone, or pictures that stopped coming: the element's own. */
  now(): number {
    const since = performance.now() - this.shown;
    if (this.shown < 0 || since > 250 || since < -100) return this.video.currentTime;
    return Math.max(0, this.mediaTime + Math.max(since, 0) / 1000 * this.video.playbackRate);
  }
}

/* ---- instruments: each holds a value (the plane two), whatever moves it ---- */

interface Instrument { node: HTMLElement; value: () => number[]; draw: () => void; end: () => void; }

function pad(): Gamepad | null { return (navigator.getGamepads?.() ?? []).find((g) => g !== null) ?? null; }

function instrument(dimension: Dimension, second: Dimension | null): Instrument {
  const low = dimension.low ?? -1, high = dimension.high ?? 1, tool = dimension.tool ?? "slider";
  let x = tool === "relative" ? 0 : (low + high) / 2, y = ((second?.low ?? -1) + (second?.high ?? 1)) / 2;
  const keys = new Set<string>(), trail: number[] = [];
  const canvas = make("canvas", { class: `instrument ${tool}`, tabindex: 0, role: "slider", "aria-label": second ? `${dimension.name} and ${second.name}` : dimension.name,
    "aria-valuemin": low, "aria-valuemax": high, "aria-valuenow": x }) as HTMLCanvasElement;
  const step = (high - low) / 60;
  const place = (e: PointerEvent): void => {
    const box = canvas.getBoundingClientRect(), across = clamp((e.clientX - box.left) / box.width, 0, 1), up = 1 - clamp((e.clientY - box.top) / box.height, 0, 1);
    if (tool === "plane") { x = low + across * (high - low); y = (second?.low ?? -1) + up * ((second?.high ?? 1) - (second?.low ?? -1)); }
    else if (tool === "relative") { if (e.buttons) x += -e.movementY / box.height * (high - low); }
    else x = low + up * (high - low);
  };
  /* A mouse moves it without a button, as in CARMA and FEELtrace; touch by touching. */
  canvas.addEventListener("pointermove", place);
  canvas.addEventListener("pointerdown", (e) => { canvas.setPointerCapture(e.pointerId); canvas.focus(); place(e); });
  canvas.addEventListener("wheel", (e) => { e.preventDefault(); x += -Math.sign(e.deltaY) * step * 2; if (tool !== "relative") x = clamp(x, low, high); }, { passive: false });
  const down = (e: KeyboardEvent): void => {
    if (!/^Arrow|^[wasd]$/.test(e.key) || (e.target as HTMLElement).closest("input, select, textarea")) return;
    e.preventDefault();
    keys.add(e.key);
  };
  const up = (e: KeyboardEvent): void => { keys.delete(e.key); };
  window.addEventListener("keydown", down);
  window.addEventListener("keyup", up);
  const held = (...names: string[]): number => names.some((n) => keys.has(n)) ? 1 : 0;
  const move = (): void => {
    const g = pad(), stick = (i: number): number => { const v = g?.axes[i] ?? 0; return Math.abs(v) > .12 ? v : 0; };
    const vertical = held("ArrowUp", "w") - held("ArrowDown", "s") - stick(1), horizontal = held("ArrowRight", "d") - held("ArrowLeft", "a") + stick(0);
    if (tool === "plane") { x = clamp(x + horizontal * step, low, high); y = clamp(y + vertical * step, second?.low ?? -1, second?.high ?? 1); }
    else { x += (vertical || horizontal) * step; if (tool === "slider") x = clamp(x, low, high); }
  };
  const draw = (): void => {
    move();
    const ratio = devicePixelRatio || 1, w = canvas.clientWidth, h = canvas.clientHeight;
    if (canvas.width !== Math.round(w * ratio)) { canvas.width = Math.round(w * ratio); canvas.height = Math.round(h * ratio); }
    const c = canvas.getContext("2d"), style = getComputedStyle(canvas);
    if (!c) return;
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    c.clearRect(0, 0, w, h);
    c.strokeStyle = style.getPropertyValue("--hair-strong") || "#888";
    c.fillStyle = style.getPropertyValue("--accent") || "#06c";
    c.lineWidth = 1;
    c.beginPath();
    if (tool === "plane") {
      c.moveTo(w / 2, 0); c.lineTo(w / 2, h); c.moveTo(0, h / 2); c.lineTo(w, h / 2); c.stroke();
      c.beginPath(); c.arc((x - low) / (high - low) * w, h - (y - (second?.low ?? -1)) / ((second?.high ?? 1) - (second?.low ?? -1)) * h, 9, 0, 7); c.fill();
    } else {
      trail.push(x);
      if (trail.length > 600) trail.shift();
      /* relative: the scale is the trace's own */
      const a = tool === "relative" ? Math.min(...trail) - step : low, b = tool === "relative" ? Math.max(...trail) + step : high;
      const at_ = (v: number): number => h - 10 - (v - a) / (b - a) * (h - 20);
      c.moveTo(0, at_(tool === "relative" ? trail[0] : (low + high) / 2)); c.lineTo(w, at_(tool === "relative" ? trail[0] : (low + high) / 2)); c.stroke();
      c.strokeStyle = c.fillStyle; c.lineWidth = 2; c.beginPath();
      trail.forEach((v, i) => { const px = w - 14 - (trail.length - 1 - i) * (w - 28) / 600; if (i) c.lineTo(px, at_(v)); else c.moveTo(px, at_(v)); });
      c.stroke(); c.beginPath(); c.arc(w - 14, at_(x), 9, 0, 7); c.fill();
    }
    canvas.setAttribute("aria-valuenow", x.toFixed(2));
  };
  return { node: canvas, value: () => second ? [x, y] : [x], draw, end: () => { window.removeEventListener("keydown", down); window.removeEventListener("keyup", up); } };
}

/* ---- steps ---- */

type Step = (main: HTMLElement) => Promise<void>;

const pressed = (button: HTMLElement): Promise<void> => new Promise((done) => button.addEventListener("click", () => done(), { once: true }));

async function notice(main: HTMLElement, title: string, text: string, word: string): Promise<void> {
  const button = make("button", { type: "button", class: "button" }, word);
  main.replaceChildren(make("h2", {}, title), make("p", {}, text), button);
  button.focus();
  await pressed(button);
}

/* A mark jumps; how long until the rater's is half-way there. */
async function reaction(main: HTMLElement): Promise<void> {
  const trials = 8, lags: number[] = [];
  await notice(main, "How fast do you follow?", "A bar jumps up or down. Follow it with your pointer, the arrow keys or a stick, as fast as you can.", "Begin");
  const hand = instrument({ name: "follow the bar" }, null), target = make("div", { class: "target" }), box = make("div", { class: "follow" }, target, hand.node);
  const told = make("p", { role: "status" });
  main.replaceChildren(make("h2", {}, "Follow the bar"), box, told);
  hand.node.focus();
  let level = 0;
  for (let i = 0; i < trials; i++) {
    const next = level > 0 ? -.7 : .7;
    told.textContent = `${i} of ${trials}`;
    await new Promise((done) => setTimeout(done, 900 + Math.random() * 1400));
    const middle = (hand.value()[0] + next) / 2, begin = performance.now(), up = next > hand.value()[0];
    level = next;
    target.style.top = `${50 - level * 45}%`;
    await new Promise<void>((done) => {
      const look = (): void => {
        hand.draw();
        const v = hand.value()[0], seconds = (performance.now() - begin) / 1000;
        if ((up ? v >= middle : v <= middle) || seconds > 5) { if (seconds <= 5 && seconds > .05) lags.push(seconds); done(); }
        else requestAnimationFrame(look);
      };
      look();
    });
  }
  hand.end();
  if (lags.length) await post(at("/api/rate/reactions"), { lags });
}

/* One recording, one dimension (or two on the plane). Without `sender` nothing is kept: practice. */
async function trace(main: HTMLElement, id: string, dimension: Dimension, second: Dimension | null, sender: Sender | null, from: number, title: string): Promise<void> {
  const video = make("video", { src: media(id), preload: "auto", playsinline: true, class: "stimulus" }) as HTMLVideoElement;
  const hand = instrument(dimension, second), media_ = new MediaClock(video);
  const play = make("button", { type: "button", class: "button" }, "Play"), back = make("button", { type: "button", class: "quiet" }, "Back 5 s");
  const rate = make("select", { class: "field", "aria-label": "Speed" }, ...["1", "0.75", "0.5"].map((r) => make("option", { value: r }, `${r}×`))) as HTMLSelectElement;
  const told = make("p", { class: "facts", role: "status" });
  main.replaceChildren(make("h2", {}, title), make("p", {}, dimension.question ?? `How much ${dimension.name}${second ? ` (across) and ${second.name} (up)` : ""}? Move as you watch.`),
    make("div", { class: "rating" }, video, hand.node), make("div", { class: "bar-line" }, play, back, rate), told);
  const toggle = (): void => { if (video.paused) { void video.play(); hand.node.focus(); } else video.pause(); };
  const key = (e: KeyboardEvent): void => { if (e.key === " " && !(e.target as HTMLElement).closest("button, select")) { e.preventDefault(); toggle(); } };
  play.addEventListener("click", toggle);
  back.addEventListener("click", () => { video.currentTime = Math.max(0, video.currentTime - 5); });
  rate.addEventListener("change", () => { video.playbackRate = Number(rate.value); });
  window.addEventListener("keydown", key);
  for (const what of ["play", "pause"]) video.addEventListener(what, () => { play.textContent = video.paused ? "Play" : "Pause"; });
  await new Promise<void>((done, fail) => {
    keepPlaying(video, () => fail(new Error("This recording cannot be played by this browser.")));
    if (video.readyState > 0) done();
    video.addEventListener("loadedmetadata", () => done(), { once: true });
  });
  if (from > 0 && from < video.duration - 1) video.currentTime = from;
  play.focus();
  let last = -1, count = 0, ticked = 0;
  const tick = (): void => {
    ticked = performance.now();
    hand.draw();
    const t = media_.now();
    if (!video.paused && !video.seeking && Math.abs(t - last) > 1e-4) {
      last = t;
      count++;
      sender?.add([Math.round(t * 1e4) / 1e4, ...hand.value().map((v) => Math.round(v * 1e5) / 1e5)]);
    }
    told.textContent = `${clock(t)} of ${clock(video.duration)}${sender ? ` · ${sender.written} samples written${sender.waiting > 300 ? ` · ${sender.waiting} wait here and are sent when the server answers` : ""}` : " · practice"}`;
    main.dataset.samples = String(count);
  };
  let frame = 0;
  const run = (): void => { tick(); frame = requestAnimationFrame(run); };
  run();
  const slow = window.setInterval(() => { if (performance.now() - ticked > 30) tick(); }, 15); /* where pictures of the page come too seldom */
  await new Promise<void>((done) => video.addEventListener("ended", () => done(), { once: true }));
  cancelAnimationFrame(frame);
  clearInterval(slow);
  window.removeEventListener("keydown", key);
  hand.end();
  await sender?.finish();
}

async function traced(main: HTMLElement, study: Study, id: string, dimension: Dimension, second: Dimension | null, title: string): Promise<void> {
  const name = second ? `${dimension.name}+${second.name}` : dimension.name;
  const begun = await post<{ trace: number; next: number; at: number | null }>(at("/api/rate/trace"), { recording: id, dimension: name });
  await trace(main, id, dimension, second, new Sender(begun.trace, begun.next), begun.at ?? 0, title);
  await post(at("/api/rate/done"), { trace: begun.trace });
  study.done.push([id, name]);
}

/* ---- intervals on a timeline ---- */

async function labelled(main: HTMLElement, id: string, words: Vocabulary[], title: string): Promise<void> {
  const path = `/api/rate/labels/${encodeURIComponent(id)}`;
  const known = await ask<{ labels: Mark[]; suggestions: [string, string, number, number][] }>(at(path));
  /* All that is kept, rejected suggestions too, so that they are not shown again. */
  let marks = known.labels;
  const past: Mark[][] = [], open = new Map<string, number>();
  let chosen = -1, offered = -1; /* of the marks; of the suggestions */
  const video = make("video", { src: media(id), preload: "auto", playsinline: true, controls: true, class: "stimulus" }) as HTMLVideoElement;
  const lanes = make("div", { class: "lanes", role: "group", "aria-label": "Intervals" }), told = make("p", { class: "facts", role: "status" });
  const tier = (w: Vocabulary): string => w.tier ?? "labels";
  const key = (i: number): string => words[i].key ?? String(i + 1);
  /* One at a time, so that what was sent last is written last, however long the server was away. */
  let saving: Promise<void> | null = null, changed = false;
  const save = (): Promise<void> => {
    changed = true;
    saving ??= (async () => {
      while (changed) {
        changed = false;
        told.textContent = "…";
        try { await post(at(path), { labels: marks }, "PUT"); told.textContent = `${marks.filter((m) => m[4] !== "rejected").length} intervals, written`; }
        catch (e) { told.textContent = (e as Error).message; }
      }
      saving = null;
    })();
    return saving;
  };
  const change = (next: Mark[]): void => { past.push(marks); marks = next.sort((a, b) => a[2] - b[2]); paint(); void save(); };
  const length = (): number => video.duration || 1;
  /* A suggestion that was taken over and changed says what it was. */
  const was = (m: [string, string, number, number]): string => `corrected from ${m[2].toFixed(3)} to ${m[3].toFixed(3)}`;
  const derived = (m: Mark): string => m[4] === "accepted" ? was([m[0], m[1], m[2], m[3]]) : m[4];
  const near = (a: number, b: number): boolean => Math.abs(a - b) < .002;
  const offers = (): [string, string, number, number][] => known.suggestions.filter((s) => !marks.some((m) => m[0] === s[0] && m[1] === s[1] &&
    (m[4] === was(s) || ((m[4] === "accepted" || m[4] === "rejected") && near(m[2], s[2]) && near(m[3], s[3])))));
  const place = (node: HTMLElement, from: number, to: number): HTMLElement => {
    node.style.left = `${from / length() * 100}%`;
    node.style.width = `${Math.max((to - from) / length() * 100, .4)}%`;
    return node;
  };
  const paint = (): void => {
    lanes.replaceChildren(...[...new Set(words.map(tier))].map((name) => make("div", { class: "lane", "data-tier": name }, make("span", { class: "lane-name" }, name),
      ...offers().map((s, i) => [s, i] as const).filter(([s]) => s[0] === name).map(([s, i]) =>
        place(make("button", { type: "button", class: "mark offer", "aria-pressed": i === offered ? "true" : "false", "data-offer": i, title: `Suggested: ${s[1]} ${clock(s[2])} to ${clock(s[3])}` }, `${s[1]}?`), s[2], s[3])),
      ...marks.map((m, i) => [m, i] as const).filter(([m]) => m[0] === name && m[4] !== "rejected").map(([m, i]) =>
        place(make("button", { type: "button", class: "mark", "aria-pressed": i === chosen ? "true" : "false", "data-index": i, title: `${m[1]} ${clock(m[2])} to ${clock(m[3])}${m[4] === "rater" ? "" : `, ${m[4]}`}` },
          make("i", { class: "edge", "data-edge": 2 }), m[1], make("i", { class: "edge", "data-edge": 3 })), m[2], m[3])))));
    answers.hidden = !offers().length;
  };
  const answers = make("div", { class: "bar-line", id: "answers" });
  const answer = (yes: boolean): void => {
    const s = offers()[offered];
    if (!s) { told.textContent = "choose a suggestion first"; return; }
    offered = -1;
    change([...marks, [...s, yes ? "accepted" : "rejected"] as Mark]);
  };
  /* Chosen by the keyboard, too; arrows move what is chosen, with Shift its end, with Alt its begin. */
  const select = (node: HTMLElement): void => {
    offered = node.dataset.offer === undefined ? -1 : Number(node.dataset.offer);
    chosen = node.dataset.index === undefined ? -1 : Number(node.dataset.index);
    paint();
    lanes.querySelector<HTMLElement>("[aria-pressed='true']")?.focus();
  };
  lanes.addEventListener("click", (e) => {
    const node = (e.target as HTMLElement).closest<HTMLElement>(".mark");
    if (node && e.detail === 0) select(node); /* 0: no pointer did it */
  });
  lanes.addEventListener("keydown", (e) => {
    const m = marks[chosen], by = e.key === "ArrowLeft" ? -.1 : e.key === "ArrowRight" ? .1 : 0;
    if (!by || !m) return;
    e.preventDefault();
    e.stopPropagation();
    const moved: Mark = [m[0], m[1], e.shiftKey ? m[2] : clamp(m[2] + by, 0, e.altKey ? m[3] : length()), e.altKey ? m[3] : clamp(m[3] + by, e.shiftKey ? m[2] : 0, length()), derived(m)];
    change(marks.map((x, i) => i === chosen ? moved : x));
    chosen = marks.indexOf(moved);
    paint();
    lanes.querySelector<HTMLElement>("[aria-pressed='true']")?.focus();
  });
  lanes.addEventListener("pointerdown", (e) => {
    const node = (e.target as HTMLElement).closest<HTMLElement>(".mark");
    if (!node) return;
    if (node.dataset.offer !== undefined) { select(node); e.preventDefault(); return; }
    offered = -1;
    chosen = Number(node.dataset.index);
    const edge = Number((e.target as HTMLElement).dataset.edge ?? 0), box = node.parentElement?.getBoundingClientRect(), before = marks, start = e.clientX, m = marks[chosen];
    const move = (p: PointerEvent): void => {
      const shift = (p.clientX - start) / (box?.width ?? 1) * length(), now = [...m] as Mark;
      if (edge !== 3) now[2] = clamp(m[2] + shift, 0, edge ? m[3] : length());
      if (edge !== 2) now[3] = clamp(m[3] + shift, edge ? m[2] : 0, length());
      now[4] = derived(m);
      marks = before.map((old, i) => i === chosen ? now : old);
      paint();
    };
    const stop = (): void => {
      window.removeEventListener("pointermove", move);
      const moved = marks;
      marks = before;
      if (moved !== before) change(moved.map((x) => [...x] as Mark)); else paint();
    };
    window.addEventListener("pointermove", move);
    window.addEventListener("pointerup", stop, { once: true });
    e.preventDefault();
  });
  /* What the hot keys do, also by buttons. */
  const word = (i: number): void => {
    const w = words[i], name = `${tier(w)}\n${w.name}`, begin = open.get(name);
    if (begin === undefined) { open.set(name, video.currentTime); told.textContent = `${w.name} from ${clock(video.currentTime)}: press again at its end`; return; }
    open.delete(name);
    const a = Math.min(begin, video.currentTime), b = Math.max(begin, video.currentTime);
    if (b - a > .02) change([...marks, [tier(w), w.name, a, b, "rater"]]);
  };
  const split = (): void => {
    const m = marks[chosen], t = video.currentTime;
    if (!m || t <= m[2] || t >= m[3]) { told.textContent = "choose an interval and go to a time inside it"; return; }
    change(marks.flatMap((x, i) => i === chosen ? [[x[0], x[1], x[2], t, derived(x)], [x[0], x[1], t, x[3], derived(x)]] as Mark[] : [x]));
  };
  const merge = (): void => {
    const m = marks[chosen], next = marks.findIndex((x, i) => i > chosen && x[0] === m?.[0] && x[4] !== "rejected");
    if (!m || next < 0) { told.textContent = "choose an interval that another follows"; return; }
    change(marks.map((x, i) => i === chosen ? [x[0], x[1], x[2], Math.max(x[3], marks[next][3]), derived(x)] as Mark : x).filter((_, i) => i !== next));
  };
  const remove = (): void => {
    const m = marks[chosen], from = /^corrected from ([\d.]+) to ([\d.]+)$/.exec(m?.[4] ?? "");
    if (!m) return;
    chosen = -1;
    /* What was suggested does not come back. */
    const gone: Mark[] = m[4] === "accepted" ? [[m[0], m[1], m[2], m[3], "rejected"]] : from ? [[m[0], m[1], Number(from[1]), Number(from[2]), "rejected"]] : [];
    change([...marks.filter((x) => x !== m), ...gone]);
  };
  const undo = (): void => { const old = past.pop(); if (old) { marks = old; paint(); void save(); } };
  const keys = (e: KeyboardEvent): void => {
    if ((e.target as HTMLElement).closest("input, select, textarea") || e.altKey) return;
    const i = words.findIndex((_, k) => key(k) === e.key.toLowerCase());
    const act = (e.ctrlKey || e.metaKey) && e.key === "z" ? undo : e.ctrlKey || e.metaKey ? null : i >= 0 ? () => word(i) : e.key === "s" ? split : e.key === "m" ? merge : e.key === "u" ? undo : e.key === "y" ? () => answer(true) : e.key === "n" ? () => answer(false)
      : e.key === "Delete" || e.key === "Backspace" ? remove : e.key === " " && !(e.target as HTMLElement).closest("button, video") ? () => { if (video.paused) void video.play(); else video.pause(); } : null;
    if (!act) return;
    e.preventDefault();
    act();
  };
  window.addEventListener("keydown", keys);
  const finish = make("button", { type: "button", class: "button" }, "Done");
  main.replaceChildren(make("h2", {}, title), make("p", {}, "Press a word's key when it begins and again when it ends. Drag intervals and their edges."), video,
    make("div", { class: "bar-line" }, ...words.map((w, i) => make("button", { type: "button", class: "quiet", onclick: () => word(i) }, `${w.name} (${key(i)})`)),
      make("button", { type: "button", class: "quiet", onclick: split }, "Split (s)"), make("button", { type: "button", class: "quiet", onclick: merge }, "Merge (m)"),
      make("button", { type: "button", class: "quiet", onclick: remove }, "Remove (Del)"), make("button", { type: "button", class: "quiet", onclick: undo }, "Undo (u)")), answers, lanes, told, finish);
  answers.append(make("span", {}, "Dashed: suggested by a program. Choose one:"), make("button", { type: "button", class: "quiet", onclick: () => answer(true) }, "Accept (y)"), make("button", { type: "button", class: "quiet", onclick: () => answer(false) }, "Reject (n)"));
  video.addEventListener("loadedmetadata", paint);
  keepPlaying(video);
  paint();
  await pressed(finish);
  await save();
  window.removeEventListener("keydown", keys);
}

async function compared(main: HTMLElement, number: number, c: Comparison): Promise<void> {
  const video = make("video", { src: media(c.recording), preload: "auto", playsinline: true, class: "stimulus" }) as HTMLVideoElement;
  let stop = 0;
  keepPlaying(video);
  video.addEventListener("timeupdate", () => { if (stop && video.currentTime >= stop) video.pause(); });
  const part = (name: string, [begin, end]: [number, number]): HTMLElement => make("button", { type: "button", class: "quiet", onclick: () => { stop = end; video.currentTime = begin; void video.play(); } }, `Play ${name}`);
  const a = make("button", { type: "button", class: "button" }, "A"), b = make("button", { type: "button", class: "button" }, "B");
  main.replaceChildren(make("h2", {}, `Which has more ${c.dimension}?`), video, make("div", { class: "bar-line" }, part("A", c.a), part("B", c.b)), make("div", { class: "bar-line" }, a, b));
  const answer = await Promise.race([pressed(a).then(() => "a"), pressed(b).then(() => "b")]);
  await post(at("/api/rate/choice"), { number, answer });
}

/* ---- all of it ---- */

async function run(): Promise<void> {
  const main = $("main"), study = await ask<Study>(at("/api/rate"));
  $("title").textContent = study.name ?? "Study";
  document.title = `${study.name ?? "Study"} · ${study.rater}`;
  $("facts").textContent = `You are ${study.rater}. Nothing else of you is kept.`;
  const dimensions = study.dimensions ?? [], plane = dimensions.filter((d) => d.tool === "plane");
  const tasks: [Dimension, Dimension | null][] = dimensions.filter((d) => d.tool !== "plane").map((d) => [d, null]);
  if (plane.length >= 2) tasks.unshift([plane[0], plane[1]]);
  const done = (id: string, name: string): boolean => study.done.some(([r, d]) => r === id && d === name);
  const steps: Step[] = [];
  if (tasks.length && !study.trials) steps.push(reaction);
  if (tasks.length && study.practice && !study.done.length)
    steps.push(async (m) => { await notice(m, "Practice", "Try it once; this is not kept.", "Begin"); await trace(m, study.practice ?? "", tasks[0][0], tasks[0][1], null, 0, "Practice"); });
  let since = 0;
  const rest = study.break_after ?? 5;
  study.recordings.forEach(({ id }, i) => {
    for (const [d, second] of tasks) {
      const name = second ? `${d.name}+${second.name}` : d.name;
      if (done(id, name)) continue;
      steps.push((m) => traced(m, study, id, d, second, `Recording ${i + 1} of ${study.recordings.length}: ${second ? `${d.name} and ${second.name}` : d.name}`));
      if (++since % rest === 0) steps.push((m) => notice(m, "A break", "Rest as long as you like. Everything so far is written.", "Go on"));
    }
    if (study.labels?.length) steps.push((m) => labelled(m, id, study.labels ?? [], `Recording ${i + 1} of ${study.recordings.length}`));
  });
  study.comparisons?.forEach((c, i) => { if (!study.chosen.some(([n]) => n === i)) steps.push((m) => compared(m, i, c)); });
  if (study.instructions) await notice(main, "What this is", study.instructions, "Begin");
  document.documentElement.dataset.ready = "yes";
  for (const step of steps) await step(main);
  main.replaceChildren(make("h2", {}, "Thank you"), make("p", {}, "Everything is written. You can close this page."));
  document.documentElement.dataset.over = "yes";
}

setUpTheme($("theme"));
run().catch((e: Error) => {
  say(e.message);
  $("main").append(make("p", { class: "error", role: "alert" }, e.message), make("p", {}, "What you did so far is written. ", make("button", { type: "button", class: "button", onclick: () => location.reload() }, "Go on from there")));
});
