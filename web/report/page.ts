/* The report page: draws a timeline and plays its recording. One code for report.html, which holds its data
   (main.ts), and for the served page, which is asked for them (web/serve/recording.ts). Times in seconds; `view` is the
   visible stretch; rows draw themselves into SVG. */
import { buildAccount, type Node as Evidence } from "./account";
import type { Data, LinkRow, Source, Track } from "./data";

export function report(D: Data, source: Source | null = null) {
const CATEGORIES = D.categories;
const $ = (id: string): any => document.getElementById(id);
const MODALITIES = ["none", "face", "voice", "words", "fused"];
const DURATION = Math.max(D.duration, 0.001);
const STILL = D.media.kind === "image" && !(D.duration > 0); /* one picture: nothing plays, nothing is a curve */
const view = { a: 0, b: DURATION };
let width = 800; /* of the plots, CSS pixels */
let now = 0;

/* ---- small tools ---- */

const escapes: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const esc = (text: string) => String(text).replace(/[&<>"']/g, (c) => escapes[c]);
const clamp = (x: number, a: number, b: number) => Math.min(Math.max(x, a), b);
const r1 = (x: number): any => Math.round(x * 10) / 10;
const plain = (text: string) => String(text).replace(/_/g, " ");
const xOf = (t: number) => ((t - view.a) / (view.b - view.a)) * width;

function make(tag: string, attributes: Record<string, any> = {}, ...children: (Node | string | null)[]): any {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "class") node.className = value;
    else if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined) node.setAttribute(key, value);
  }
  node.append(...children.filter((child): child is Node | string => child !== null));
  return node;
}

/* "1:02:03", "4:05", with decimals "4:05.2" */
function clock(t: number, decimals = 0) {
  const unit = 10 ** decimals;
  let rest = Math.round(Math.max(t, 0) * unit);
  const part = rest % unit;
  rest = (rest - part) / unit;
  const s = rest % 60, m = Math.floor(rest / 60) % 60, h = Math.floor(rest / 3600);
  const two = (n: number) => String(n).padStart(2, "0");
  return (h ? `${h}:${two(m)}` : String(m)) + ":" + two(s) +
    (decimals ? "." + String(part).padStart(decimals, "0") : "");
}

function spoken(t: number) {
  const s = Math.floor(t), h = Math.floor(s / 3600), m = Math.floor(s / 60) % 60;
  return (h ? `${h} hours ` : "") + (m ? `${m} minutes ` : "") + `${s % 60} seconds`;
}

const signed = (x: number) => (x < 0 ? "−" : "+") + Math.abs(x).toFixed(2);
const percent = (x: number) => `${Math.round(x * 100)}\u202f%`;

/* First index whose key is > t. */
function after(array: any[], t: number, key: (x: any) => number = (x) => x): number {
  let low = 0, high = array.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (key(array[middle]) > t) high = middle; else low = middle + 1;
  }
  return low;
}

/* What a person is called. */
const nameOf = (person: number) => (Object.hasOwn(D.names, person) ? D.names[person] : `Person ${person}`);

/* Which colour a label has, by the table that named it (track/category.c). */
function colourOf(label: string) {
  const word = label.toLowerCase();
  const of = CATEGORIES.includes(word) ? word : CATEGORIES[Object.hasOwn(D.labels, word) ? D.labels[word] : -1];
  return `var(--c-${of || "other"})`;
}

/* ---- the data in the form that drawing wants ---- */

/* By role, modality and person: an id is a name, not a way to find things. */
const byRole = new Map<string, Track>();
const roleKey = (role: string, modality: string, person = 0) => `${role} ${modality} ${person}`;
const trackOf = (role: string, modality: string, person?: number) => byRole.get(roleKey(role, modality, person));
/* How far apart rows are, and from which pause on a line is broken. */
function measureSteps(track: Track): void {
  const steps: number[] = [], stride = Math.max(1, Math.floor(track.t.length / 400));
  for (let i = 1; i < track.t.length; i += stride) steps.push(track.t[i] - track.t[i - 1]);
  steps.sort((x, y) => x - y);
  track.step = steps.length ? steps[steps.length >> 1] : 0;
  track.gap = Math.max(track.step * 3, 0.3);
}
let number = 0;
for (const track of D.tracks) {
  track.t = track.t.map((ms) => ms / 1000);
  measureSteps(track);
  track.index = new Map(track.channels.map((name, i) => [name, i]));
  const key = roleKey(track.role, MODALITIES[track.modality], track.person);
  if (track.role && !byRole.has(key)) byRole.set(key, track);
  track.number = number++;
}
interface Item { t0: number; t1: number; label: string; score: number | null; person: number; extra: any; id: string; node?: any }
const tiers = new Map<string, Item[]>();
for (const tier of D.tiers) {
  tiers.set(tier.id, tier.items.map(([t0, t1, label, score, person, extra, id]) =>
    ({ t0: t0 / 1000, t1: t1 / 1000, label, score, person, extra: extra || null, id })).sort((a, b) => a.t0 - b.t0));
}
const events = D.events.map(([t0, apex, t1, kind, modality, person, strength, confidence, id]) =>
  ({ t0: t0 / 1000, apex: apex / 1000, t1: t1 / 1000, kind, modality: MODALITIES[modality], person, strength, confidence, id }));
const eventById = new Map(events.map((e) => [e.id, e]));
/* Matched events of two modalities, in order of time; `lag` in seconds. */
interface Match { from: any; to: any; lag: number | null; sd: number | null; score: number; t0: number; t1: number }
const matches: Match[] = D.links.filter(([, , kind]) => kind === "matches")
  .map(([from, to, , lag, sd, score]) => ({ from: eventById.get(from), to: eventById.get(to), lag: lag === null ? null : lag / 1000, sd: sd === null ? null : sd / 1000, score: score ?? 0.5, t0: 0, t1: 0 }))
  .filter((m) => m.from && m.to);
for (const m of matches) { m.t0 = Math.min(m.from.apex, m.to.apex); m.t1 = Math.max(m.from.apex, m.to.apex); }
matches.sort((a, b) => a.t0 - b.t0);
const itemsOf = (id: string): Item[] => tiers.get(id) ?? [];
/* The alignment tree's node of an episode. */
const nodeOf = new Map(itemsOf("alignment/episodes").filter((n) => n.extra).map((n) => [n.extra.node, n.extra]));
const episodes = itemsOf("episodes"), words = itemsOf("words"), utterances = itemsOf("utterances");

const persons = [...new Set([
  ...D.tracks.map((t) => t.person), ...episodes.map((e) => e.person), ...events.map((e) => e.person),
  ...utterances.map((u) => u.person), ...words.map((w) => w.person)])].filter((p) => p > 0).sort((a, b) => a - b);
const modalities = ["face", "voice", "words"].filter((m) =>
  D.tracks.some((t) => MODALITIES[t.modality] === m && t.t.length) || events.some((e) => e.modality === m) ||
  D.tiers.some((t) => MODALITIES[t.modality] === m && t.items.length));

/* A channel's values, where the track has it. */
function channelOf(track: Track | undefined, channel: string): (number | null)[] | undefined {
  const i = track ? track.index.get(channel) : undefined;
  return track && i !== undefined ? track.v[i] : undefined;
}

/* The value of a channel at a time: between two rows that belong together, else null. */
function valueAt(track: Track | undefined, channel: string, t: number): number | null {
  const values = channelOf(track, channel);
  if (!track || !values) return null;
  const i = after(track.t, t);
  const before = i > 0 ? values[i - 1] : null, next = i < values.length ? values[i] : null;
  if (i > 0 && i < values.length && track.t[i] - track.t[i - 1] <= track.gap && before !== null && next !== null) {
    const span = track.t[i] - track.t[i - 1];
    return span > 0 ? before + ((next - before) * (t - track.t[i - 1])) / span : next;
  }
  if (before !== null && i > 0 && t - track.t[i - 1] <= track.gap) return before;
  return null;
}

const trajectory = (person: number) => trackOf("trajectory", "fused", person);
const episodeAt = (person: number, t: number) => {
  for (let i = after(episodes, t, (e) => e.t0) - 1, left = 400; i >= 0 && left; i--, left--)
    if ((episodes[i].person === person || !episodes[i].person) && (t < episodes[i].t1 || (STILL && t === episodes[i].t1))) return episodes[i];
  return null;
};

/* One scale for all curves, so that heights compare: the smallest of these that holds the means with
   one standard deviation. */
const REACH = [0.25, 0.5, 0.75].find((reach) => D.tracks.every((track) => track.role !== "trajectory" ||
  ["valence", "arousal"].every((name) => {
    const m = channelOf(track, name) ?? [], sd = channelOf(track, `${name}_sd`) ?? [];
    return m.every((value, i) => value === null || Math.abs(value) + (sd[i] || 0) <= reach);
  }))) || 1;

/* ---- drawing ---- */

/* Rows of a channel in view: as they are, or one {mean, lo, hi} a pixel where there are more. */
function visible(track: Track, channel: string) {
  const c = track.index.get(channel)!, t = track.t, m = track.v[c];
  const lo = track.lo ? track.lo[c] : m, hi = track.hi ? track.hi[c] : m;
  const first = Math.max(0, after(t, view.a) - 2), last = Math.min(t.length, after(t, view.b) + 2);
  const out = { t: [] as number[], m: [] as (number | null)[], lo: [] as (number | null)[], hi: [] as (number | null)[], envelope: Boolean(track.lo) };
  if (last - first <= width * 2) {
    for (let i = first; i < last; i++) { out.t.push(t[i]); out.m.push(m[i]); out.lo.push(lo[i]); out.hi.push(hi[i]); }
    return out;
  }
  out.envelope = true;
  for (let i = first; i < last;) {
    const column = Math.floor(xOf(t[i]));
    let sum = 0, n = 0, low = Infinity, high = -Infinity;
    const start = i;
    for (; i < last && Math.floor(xOf(t[i])) === column; i++) {
      if (m[i] === null) continue;
      sum += m[i]!; n++;
      low = Math.min(low, lo[i]!); high = Math.max(high, hi[i]!);
    }
    out.t.push((t[start] + t[i - 1]) / 2);
    out.m.push(n ? sum / n : null); out.lo.push(n ? low : null); out.hi.push(n ? high : null);
  }
  return out;
}

/* Stretches without a gap, as index pairs. */
type Scale = (value: number) => number;
type Values = (number | null)[];

function stretches(t: number[], defined: (i: number) => boolean, gap: number): [number, number][] {
  const out: [number, number][] = [];
  let start = -1;
  for (let i = 0; i <= t.length; i++) {
    const ends = i === t.length || !defined(i) || (start >= 0 && i > start && t[i] - t[i - 1] > gap);
    if (ends && start >= 0) { out.push([start, i]); start = -1; }
    if (i < t.length && defined(i) && start < 0) start = i;
  }
  return out;
}

function linePath(t: number[], y: Values, parts: [number, number][], Y: Scale): string {
  let d = "";
  for (const [a, b] of parts) {
    for (let i = a; i < b; i++) d += `${i === a ? "M" : "L"}${r1(xOf(t[i]))} ${r1(Y(y[i]!))}`;
    if (b - a === 1) d += "h.1";
  }
  return d;
}

function areaPath(t: number[], low: Values, high: Values, parts: [number, number][], Y: Scale): string {
  let d = "";
  for (const [a, b] of parts) {
    if (b - a < 2) continue;
    for (let i = a; i < b; i++) d += `${i === a ? "M" : "L"}${r1(xOf(t[i]))} ${r1(Y(high[i]!))}`;
    for (let i = b - 1; i >= a; i--) d += `L${r1(xOf(t[i]))} ${r1(Y(low[i]!))}`;
    d += "Z";
  }
  return d;
}

const gapInView = (track: Track) => Math.max(track.gap, (3 * (view.b - view.a)) / width);

/* One and two standard deviations around the mean. */
function drawBands(track: Track, channel: string, sdChannel: string, Y: Scale) {
  if (!track.index.has(sdChannel)) return "";
  const s = visible(track, channel), sd = visible(track, sdChannel).m;
  const parts = stretches(s.t, (i: number) => s.m[i] !== null && sd[i] !== null && sd[i] !== undefined, gapInView(track));
  const edge = (k: number): Values => s.m.map((m, i) => (m === null ? null : m + k * (sd[i] || 0)));
  return `<path class="band2" d="${areaPath(s.t, edge(-2), edge(2), parts, Y)}"/>` +
    `<path class="band1" d="${areaPath(s.t, edge(-1), edge(1), parts, Y)}"/>`;
}

function drawLine(track: Track, channel: string, Y: any) {
  const s = visible(track, channel);
  const parts = stretches(s.t, (i: number) => s.m[i] !== null, gapInView(track));
  return (s.envelope ? `<path class="envelope" d="${areaPath(s.t, s.lo, s.hi, parts, Y)}"/>` : "") +
    `<path class="line" d="${linePath(s.t, s.m, parts, Y)}"/>`;
}

function drawPoints(track: Track, channel: string, sdChannel: string, Y: any, allowed: any) {
  const s = visible(track, channel), sd = track.index.has(sdChannel) ? visible(track, sdChannel).m : [];
  let out = "";
  for (let i = 0; i < s.t.length; i++) {
    if (s.m[i] === null || !allowed(s.t[i])) continue;
    const x = r1(xOf(s.t[i]));
    if (sd[i]) out += `<path class="whisker" d="M${x} ${r1(Y(s.m[i]! - sd[i]!))}V${r1(Y(s.m[i]! + sd[i]!))}"/>`;
    out += `<circle class="points" cx="${x}" cy="${r1(Y(s.m[i]!))}" r="3.2"/>`;
  }
  return out;
}

function tickStep(span: number, room: number) {
  const steps = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400];
  return steps.find((step) => span / step <= room) || 28800;
}

function ticks() {
  const step = tickStep(view.b - view.a, Math.max(2, width / 84));
  const out = [];
  for (let k = Math.ceil(view.a / step - 1e-9); k * step <= view.b + 1e-9; k++) out.push(k * step);
  return { step, at: out };
}

const gridLines = (h: any) => ticks().at.map((t) => `<path class="tick" d="M${r1(xOf(t))} 0V${h}"/>`).join("");
/* What is too narrow for a shape of its own goes into one path a colour: thousands of nodes would make
   each redraw of a long recording slow. */
const box = (x: number, y: number, w: any, h: any) => `M${r1(x)} ${r1(y)}h${r1(w)}v${h}h${-r1(w)}z`;
function collector() {
  const paths = new Map();
  return { add: (key: string, d: any) => paths.set(key, (paths.get(key) || "") + d),
    draw: (open: any) => [...paths].map(([key, d]) => `<path ${open(key)} d="${d}"/>`).join("") };
}

/* Widths as the browser will draw them. */
const pen = document.createElement("canvas").getContext("2d")!;
const family = getComputedStyle(document.body).fontFamily, widths = new Map();
function textWidth(text: string, size = 11, weight = 400) {
  const key = `${weight} ${size}px`, entry = `${key} ${text}`;
  let wide = widths.get(entry);
  if (wide === undefined) {
    pen.font = `${key} ${family}`;
    wide = pen.measureText(text).width;
    if (widths.size < 20000) widths.set(entry, wide);
  }
  return wide;
}

function fitted(text: string, room: number, size: number, weight: number) {
  if (textWidth(text, size, weight) <= room) return text;
  const letters = [...text].slice(0, 80);
  while (letters.length && textWidth(letters.join("") + "…", size, weight) > room) letters.pop();
  return letters.length > 1 ? letters.join("").trimEnd() + "…" : "";
}

/* ---- rows. Each: {name, height, draw() -> SVG, tip(t) -> text or null} ---- */

const rows: any[] = [], moreRows: any[] = [];

function axisRow() {
  return { kind: "axis", name: "", height: 24, draw() {
    const { step, at } = ticks();
    const decimals = step < 0.1 ? 2 : step < 1 ? 1 : 0;
    return at.map((t) => {
      const x = xOf(t), anchor = x < 16 ? "start" : x > width - 16 ? "end" : "middle";
      return `<text x="${r1(clamp(x, 1, width - 1))}" y="15" text-anchor="${anchor}">${clock(t, decimals)}</text>`;
    }).join("");
  } };
}

/* Who spoke at t, to give the voice's and the words' estimates to a person; null if it is not known. */
function speakerAt(t: number) {
  for (const list of [utterances, itemsOf("speakers")]) {
    for (let i = after(list, t, (u) => u.t0) - 1, left = 6; i >= 0 && left; i--, left--)
      if (t <= list[i].t1 && list[i].person > 0) return list[i].person;
  }
  return null;
}

function curveRow(person: number, channel: string, title: string) {
  const track = trajectory(person), height = 84;
  const most = REACH * 1.12;
  const Y = (v: number) => height / 2 - (clamp(v, -most, most) / most) * (height / 2);
  const streams = [[trackOf("affect", "face", person), "face"], [trackOf("affect", "voice"), "voice"]]
    .filter((pair): pair is [Track, string] => Boolean((pair[0] as Track | undefined)?.index.has(channel)));
  const said = trackOf("affect", "words");
  const theirs = (t: number) => persons.length < 2 || speakerAt(t) === person;
  return { kind: "curve", name: title, height, live: (t: number) => valueAt(track, channel, t), draw() {
    let out = `<rect class="plot-bg" width="${width}" height="${height}" rx="4"/>${gridLines(height)}`;
    out += `<path class="zero" d="M0 ${height / 2}H${width}"/>`;
    const sd = `${channel}_sd`;
    if (track) out += drawBands(track, channel, sd, Y);
    for (const [stream, modality] of streams) {
      const s = visible(stream, channel);
      const mine = modality === "face" ? () => true : (i: number) => theirs(s.t[i]);
      const parts = stretches(s.t, (i: number) => s.m[i] !== null && mine(i), gapInView(stream));
      out += `<path class="stream ${modality} m-${modality}" d="${linePath(s.t, s.m, parts, Y)}"/>`;
    }
    if (track) out += drawLine(track, channel, Y);
    if (said)
      out += `<g class="m-words">${drawPoints(said, channel, sd, Y, theirs)}</g>`;
    return out;
  }, tip(t: number) {
    const v = valueAt(track, channel, t), sd = valueAt(track, `${channel}_sd`, t);
    return v === null ? `${title}: not known here` : `${title} <b>${signed(v)}</b>` + (sd === null ? "" : ` <span>± ${sd.toFixed(2)}</span>`);
  } };
}

function within(items: any[], t: number, slack = 0) {
  const out = [];
  for (let i = after(items, t + slack, (e) => e.t0) - 1, left = 300; i >= 0 && left; i--, left--)
    if (t <= items[i].t1 + slack) out.push(items[i]);
  return out;
}

function blockRow(name: string, items: any[], strong: any) {
  const height = strong ? 27 : 18;
  return { kind: "blocks", name, height, items, draw() {
    let out = "", drawn = -1;
    const thin = collector();
    for (const e of items) {
      if (e.t1 < view.a || e.t0 > view.b) continue;
      const x = Math.max(xOf(e.t0), -2), w = Math.min(xOf(e.t1), width + 2) - x;
      if (x + w < drawn + 0.7) continue;
      drawn = x + w;
      if (w < 6) { thin.add(colourOf(e.label), box(x, 0, Math.max(w - 0.5, 0.7), height)); continue; }
      const room = w - 16, label = plain(e.label), text = room > 12 ? fitted(label, room, 12, 550) : "";
      const rest = e.score !== null && text === label && room - textWidth(label, 12, 550) > 40
        ? ` <tspan class="soft">${percent(e.score)}</tspan>` : "";
      out += `<g class="block" style="--c:${colourOf(e.label)}"><rect x="${r1(x)}" width="${r1(Math.max(w - 1.5, 1))}" height="${height}" rx="3"/>` +
        (strong ? `<rect class="edge" x="${r1(x)}" width="${r1(Math.min(3, Math.max(w - 1.5, 1)))}" height="${height}" rx="1.5"/>` : "") +
        (text ? `<text x="${r1(x + 9)}" y="${height / 2 + 4}">${esc(text)}${rest}</text>` : "") + "</g>";
    }
    return out + thin.draw((colour: any) => `class="thin" style="fill:${colour}"`);
  }, tip(t: number) {
    return within(items, t).slice(0, 3).map((e) => `<b>${esc(plain(e.label))}</b>` +
      (e.score === null ? "" : ` ${percent(e.score)}`) + ` <span>${clock(e.t0, 1)} – ${clock(e.t1, 1)}</span>`).join("<br>") || null;
  } };
}

/* Posteriors as stretches of their likeliest label. Rows of words stand for their utterance. */
function likeliest(track: Track) {
  const out: { t0: number; t1: number; label: string; score: number }[] = [];
  for (let i = 0; i < track.t.length; i++) {
    let best = -1;
    track.v.forEach((values, c) => { if (values[i] !== null && (best < 0 || values[i]! > track.v[best][i]!)) best = c; });
    if (best < 0) continue;
    const t = track.t[i], said = MODALITIES[track.modality] === "words" && utterances.find((u) => u.t0 <= t && t <= u.t1);
    const half = (j: number) => Math.min(Math.abs(track.t[j] - t) / 2, 1);
    const t0 = said ? said.t0 : t - (i > 0 ? half(i - 1) : 0), t1 = said ? said.t1 : t + (i + 1 < track.t.length ? half(i + 1) : 0.5);
    const last = out[out.length - 1], label = track.channels[best], score = track.v[best][i]!;
    if (last && last.label === label && t0 - last.t1 < 0.05) { last.t1 = t1; last.score = Math.max(last.score, score); }
    else out.push({ t0, t1, label, score });
  }
  return out;
}

function eventRow(name: string, modality: string, items: any[]) {
  const blinks = items.filter((e: any) => e.kind === "blink"), others = items.filter((e: any) => e.kind !== "blink");
  const ends: any[] = [];
  for (const e of others) { /* first fit into at most three lines */
    let line = ends.findIndex((end) => end <= e.t0);
    if (line < 0) line = ends.length < 3 ? ends.length : 2;
    ends[line] = Math.max(e.t1, ends[line] || 0);
    e.line = line;
  }
  const lines = Math.max(ends.length, others.length ? 1 : 0), foot = blinks.length ? 9 : 0;
  const height = lines * 17 + foot + 2;
  return { kind: "events", name, modality, height, items, draw() {
    let out = "";
    const thin = collector();
    for (let line = 0; line < lines; line++) {
      const list = others.filter((e: any) => e.line === line && e.t1 >= view.a && e.t0 <= view.b);
      let drawn = -10;
      list.forEach((e: any, i: number) => {
        const x = xOf(e.t0), w = Math.max(xOf(e.t1) - x, 3);
        if (x + w < drawn + 0.6) return;
        drawn = x + w;
        const next = i + 1 < list.length ? xOf(list[i + 1].t0) : width;
        const label = plain(e.kind), y = line * 17 + 2;
        const fits = next - (x + w) > 20 && next - (x + w) > textWidth(label) + 9;
        const apex = xOf(e.apex), sure = 0.3 + 0.7 * (e.confidence ?? 0.5);
        if (w < 7 && !fits) { thin.add((Math.round(sure * 5) / 5).toFixed(1), box(x, y, w, 13)); return; }
        out += `<g class="event"><rect x="${r1(x)}" y="${y}" width="${r1(w)}" height="13" rx="3" opacity="${sure.toFixed(2)}"/>` +
          (w > 9 ? `<path class="apex" d="M${r1(apex)} ${y + 2.5}v8"/>` : "") +
          (fits ? `<text x="${r1(x + w + 4)}" y="${y + 10.5}">${esc(label)}</text>` : "") + "</g>";
      });
    }
    let last = -10;
    for (const e of blinks) {
      const x = xOf(e.apex);
      if (e.t1 < view.a || e.t0 > view.b || x - last < 0.8) continue;
      last = x;
      thin.add("0.8", box(x - 1, lines * 17 + 2, 2, 7));
    }
    return out + `<g class="event">${thin.draw((opacity: any) => `opacity="${opacity}"`)}</g>`;
  }, tip(t: number) {
    const slack = (4 * (view.b - view.a)) / width;
    return within(items, t, slack).slice(0, 4).map((e) => `<b>${esc(plain(e.kind))}</b> <span>${clock(e.t0, 2)} – ${clock(e.apex, 2)} – ${clock(e.t1, 2)}` +
      (e.strength === null ? "" : `, strength ${percent(e.strength)}`) + (e.confidence === null ? "" : `, confidence ${percent(e.confidence)}`) + "</span>").join("<br>") || null;
  } };
}

const inMs = (s: any) => `${s < 0 ? "−" : "+"}${Math.round(Math.abs(s) * 1000)}\u202fms`;

/* Arcs from the events of the lane above to those of the lane below, with how much later the lower one comes. */
function arcRow(modality: string, items: any[]) {
  const height = 26, longest = Math.max(...items.map((m: any) => m.t1 - m.t0));
  return { kind: "arcs", name: "Matches", modality, height, draw() {
    let out = "", end = -10;
    for (let i = after(items, view.a - longest - 0.01, (m) => m.t0); i < items.length && items[i].t0 <= view.b; i++) {
      const m = items[i], x = xOf(m.from.apex), y = xOf(m.to.apex);
      if (m.t1 < view.a) continue;
      const label = m.lag === null ? "" : inMs(m.lag), middle = (x + y) / 2;
      out += `<g class="arc" opacity="${clamp(m.score, 0.4, 1).toFixed(2)}"><path d="M${r1(x)} 3C${r1(x)} 14 ${r1(y)} 12 ${r1(y)} 23"/>` +
        `<circle class="m-${m.from.modality}" cx="${r1(x)}" cy="3" r="2.2"/><circle class="m-${m.to.modality}" cx="${r1(y)}" cy="23" r="2.2"/>`;
      const left = Math.max(x, y) + 4;
      const next = i + 1 < items.length ? xOf(items[i + 1].t0) : width;
      if (label && left > end && next - left > textWidth(label) + 4) {
        out += `<text x="${r1(left)}" y="${16.5}">${label}</text>`;
        end = Math.max(middle, left + textWidth(label));
      }
      out += "</g>";
    }
    return out;
  }, tip(t: number) {
    const slack = (4 * (view.b - view.a)) / width;
    return within(items, t, slack).slice(0, 4).map((m) => `<b>${esc(plain(m.from.kind))}</b> and <b>${esc(plain(m.to.kind))}</b> <span>` +
      (m.lag === null ? "" : `${m.to.modality} ${Math.round(Math.abs(m.lag) * 1000)}${m.sd === null ? "" : ` ± ${Math.round(m.sd * 1000)}`} ms ${m.lag < 0 ? "earlier" : "later"}, `) +
      `score ${percent(m.score)}</span>`).join("<br>") || null;
  } };
}

function wordRow() {
  return { items: words, kind: "words", name: "Transcript", modality: "words", height: 22, draw() {
    const first = Math.max(0, after(words, view.a, (w) => w.t0) - 3), last = after(words, view.b, (w) => w.t0);
    let out = "", bars = "", bar = -1, end = -10, fit = 0;
    const room = (i: number) => (i + 1 < words.length ? xOf(words[i + 1].t0) : width) - xOf(words[i].t0);
    if ((last - first) * 12 < width * 1.5)
      for (let i = first; i < last; i++) fit += Number(textWidth(words[i].label, 11.5) <= room(i));
    const legible = fit >= 0.6 * (last - first); /* a few stray words would say less than none */
    for (let i = first; i < last; i++) {
      const w = words[i], x = xOf(w.t0), x1 = xOf(w.t1);
      if (x1 >= bar + 0.6) {
        const from = Math.max(x, bar);
        bars += box(from, 17, Math.max(x1 - from - 0.6, 0.6), 3);
        bar = x1;
      }
      if (legible && x > end && textWidth(w.label, 11.5) <= room(i)) {
        out += `<text class="word" x="${r1(x)}" y="12">${esc(w.label)}</text>`;
        end = x + textWidth(w.label, 11.5) + 2;
      }
    }
    return `<path class="word-bar" d="${bars}"/>${out}`;
  }, tip: (t: number) => within(words, t).slice(0, 3).map((w) => `<b>${esc(w.label)}</b>` +
      (w.score === null ? "" : ` <span>recognised with ${percent(w.score)}</span>`) +
      (typeof w.extra === "number" ? ` <span>valence ${signed(w.extra)}</span>` : "")).join("<br>") || null };
}

function barRow(name: string, modality: string, items: any[], tipText: any) {
  return { kind: "speech", name, modality, height: 12, draw() {
    let out = "", drawn = -1;
    for (const e of items) {
      if (e.t1 < view.a || e.t0 > view.b) continue;
      const x = Math.max(xOf(e.t0), drawn, -2), x1 = Math.min(xOf(e.t1), width + 2);
      if (x1 <= drawn + 0.4) continue;
      drawn = x1;
      out += box(x, 2, Math.max(x1 - x, 0.8), 8);
    }
    return `<path class="${modality === "gap" ? "gap" : "speech"}" d="${out}"/>`;
  }, tip: (t: number) => within(items, t).slice(0, 2).map((e) => esc(tipText(e))).join("<br>") || null };
}

function trackRow(track: Track, channel: string) {
  const height = 34;
  let low = Infinity, high = -Infinity;
  const c = track.index.get(channel)!;
  const note = (v: number | null) => { if (v !== null) { low = Math.min(low, v); high = Math.max(high, v); } };
  (track.lo ? track.lo[c] : track.v[c]).forEach(note);
  (track.hi ? track.hi[c] : track.v[c]).forEach(note);
  if (!(high > low)) { low -= 0.5; high = low + 1; }
  const Y = (v: number) => height - 3 - ((v - low) / (high - low)) * (height - 6);
  return { kind: "small", name: plain(channel), modality: MODALITIES[track.modality], height,
    live: (t: number) => valueAt(track, channel, t), format: (v: number) => String(Number(v.toPrecision(3))),
    draw: () => `<rect class="plot-bg" width="${width}" height="${height}" rx="3"/>${gridLines(height)}${drawLine(track, channel, Y)}`,
    tip(t: number) {
      const v = valueAt(track, channel, t);
      return `${esc(plain(channel))} ` + (v === null ? "not known here" : `<b>${Number(v.toPrecision(4))}</b>`);
    } };
}

function personRow(title: string) { return { kind: "person", name: title, height: 0, draw: () => "" }; }

function buildRows() {
  rows.push(axisRow());
  const lanes = (only: (person: number) => boolean) => {
    for (const modality of ["face", "voice", "words", "fused", "none"]) {
      const list = events.filter((e) => e.modality === modality && (only(e.person)));
      const arcs = matches.filter((m) => m.to.modality === modality && only(m.to.person > 0 ? m.to.person : m.from.person));
      if (arcs.length && list.length) rows.push(arcRow(modality, arcs));
      if (list.length) rows.push(eventRow({ face: "Face", voice: "Voice", words: "Words", fused: "Fused", none: "Other" }[modality]!, modality, list));
    }
  };
  for (const person of persons) {
    const track = trajectory(person), theirs = episodes.filter((e) => e.person === person);
    if (!track && !theirs.length && !events.some((e) => e.person === person)) continue;
    rows.push(personRow(nameOf(person)));
    if (theirs.length) rows.push(blockRow("Episodes", theirs, true));
    for (const [channel, title] of [["valence", "Valence"], ["arousal", "Arousal"]])
      if ((track && track.index.has(channel)) || trackOf("affect", "face", person)) rows.push(curveRow(person, channel, title));
    const looks = trackOf("categories", "face", person);
    if (looks && looks.t.length) rows.push(blockRow("Face looks", likeliest(looks), false));
    lanes((p: number) => p === person || (persons.length === 1 && !(p > 0)));
  }
  for (const [modality, name] of [["voice", "Voice sounds"], ["words", "Words say"]]) {
    const told = trackOf("categories", modality);
    if (told && told.t.length) rows.push(blockRow(name, likeliest(told), false));
  }
  const start = rows.length;
  const free = episodes.filter((e) => !(e.person > 0));
  if (free.length) rows.push(blockRow("Episodes", free, true));
  if (persons.length !== 1) lanes((p: number) => !(p > 0));
  if (words.length) rows.push(wordRow());
  if (itemsOf("speech").length) rows.push(barRow("Speech", "voice", itemsOf("speech"), () => "speech"));
  const gaps = D.warnings.filter((w) => w[0] !== null && w[1] !== null).map((w) => ({ t0: w[0]! / 1000, t1: w[1]! / 1000, label: w[2] }));
  if (gaps.length) rows.push(barRow("Missing", "gap", gaps, (w: any) => w.label));
  if (rows.length > start && start > 1 && persons.length > 1) rows.splice(start, 0, personRow("Recording"));
  if (rows.length === 1) rows.push({ kind: "person", name: "Nothing was found in this recording.", height: 0, draw: () => "" });
}

function mount(row: any, parent: any) {
  const name = make("div", { class: `name${row.modality ? ` m-${row.modality}` : ""}` });
  if (row.kind === "person") name.textContent = row.name;
  else if (row.kind !== "axis") {
    name.append(make("b", { class: row.kind === "events" || row.kind === "words" ? "tag" : "" }, row.name));
    if (row.kind === "curve") name.append(make("i", { class: "high" }, `+${REACH}`), make("i", { class: "low" }, `−${REACH}`));
    if (row.live) { row.output = make("output"); name.append(row.output); }
  }
  row.node = make("div", { class: `row ${row.kind}${row.modality ? ` m-${row.modality}` : ""}` }, name);
  if (row.height) {
    row.svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    row.svg.setAttribute("aria-hidden", "true");
    row.node.append(row.svg);
    row.node.row = row;
  }
  parent.append(row.node);
}

function drawRow(row: any) {
  if (!row.svg) return;
  row.svg.setAttribute("viewBox", `0 0 ${width} ${row.height}`);
  row.svg.innerHTML = row.draw();
}

function measure() {
  const gutter = parseFloat(getComputedStyle($("timeline")).getPropertyValue("--gutter")) * 16;
  width = Math.max(120, Math.round($("grid").clientWidth - gutter));
}

function draw() {
  rows.forEach(drawRow);
  if ($("more").open) moreRows.forEach(drawRow);
  drawMap();
  drawMark();
  showTime(true);
}

/* ---- the served page: rows that were not sent, and finer ones where somebody looks closely ---- */

/* The stretch in view with as many rows as there are pixels, between the rows that are there already. */
const asked = new Map<Track, [number, number, number]>();
async function refine(track: Track): Promise<void> {
  if (!source) return;
  const span = view.b - view.a, a = Math.max(0, view.a - span), b = Math.min(DURATION, view.b + span);
  const had = asked.get(track), wanted = Math.ceil(((b - a) / span) * width);
  const shown = after(track.t, view.b) - after(track.t, view.a);
  if (shown >= width || shown >= (track.n * span) / DURATION * 0.9) return;
  if (had && had[0] <= view.a && had[1] >= view.b && had[2] <= span * 1.5) return;
  asked.set(track, [a, b, span]);
  const finer = await source.track(track.number, a, b, wanted);
  if (!finer.t.length) return;
  const t = finer.t.map((ms) => ms / 1000), from = after(track.t, t[0] - 1e-9), to = after(track.t, t[t.length - 1]);
  const spliced = (old: Values, fine: Values): Values => [...old.slice(0, from), ...fine, ...old.slice(to)];
  const lo = track.lo ?? track.v, hi = track.hi ?? track.v;
  track.lo = lo.map((old, c) => spliced(old, (finer.lo ?? finer.v)[c]));
  track.hi = hi.map((old, c) => spliced(old, (finer.hi ?? finer.v)[c]));
  track.v = track.v.map((old, c) => spliced(old, finer.v[c]));
  track.t = [...track.t.slice(0, from), ...t, ...track.t.slice(to)];
  drawSoon();
}
let closer = 0;
function refineSoon() {
  if (!source) return;
  clearTimeout(closer);
  closer = window.setTimeout(() => {
    for (const track of D.tracks) if (track.lo && (track.role === "trajectory" || track.role === "affect")) void refine(track).catch(() => asked.delete(track));
  }, 150);
}
/* A track that was left out for later. */
async function fetchRows(track: Track): Promise<void> {
  if (!source || !track.later) return;
  track.later = false;
  const rows = await source.track(track.number, 0, DURATION + 1, 1500);
  Object.assign(track, rows, { t: rows.t.map((ms) => ms / 1000) });
  measureSteps(track);
}

let pending = 0;
function drawSoon() { if (!pending) pending = requestAnimationFrame(() => { pending = 0; draw(); }); }

function drawMap() {
  const whole = view.b - view.a >= DURATION * 0.999;
  $("map").hidden = whole;
  if (whole) return;
  const w = $("map").clientWidth, scale = w / DURATION;
  $("map-window").style.left = `${view.a * scale}px`;
  $("map-window").style.width = `${(view.b - view.a) * scale}px`;
  if ($("map-svg").dataset.width !== String(w)) {
    $("map-svg").dataset.width = w;
    const each = 24 / Math.max(persons.length, 1);
    let last = -1;
    $("map-svg").innerHTML = episodes.map((e) => {
      const x = e.t0 * scale, x1 = e.t1 * scale;
      if (persons.length < 2 && x1 < last + 0.7) return "";
      last = x1;
      return `<rect x="${r1(x)}" y="${r1(Math.max(persons.indexOf(e.person), 0) * each)}" width="${r1(Math.max(x1 - x, 0.5))}" height="${r1(each)}" style="fill:${colourOf(e.label)}" opacity=".55"/>`;
    }).join("");
  }
}

/* ---- zoom ---- */

function setView(a: number, b: number) {
  const least = Math.min(DURATION, 0.5), span = clamp(b - a, least, DURATION);
  view.a = clamp(a, 0, DURATION - span);
  view.b = view.a + span;
  drawSoon();
  refineSoon();
}
function zoom(factor: number, around = now >= view.a && now <= view.b ? now : (view.a + view.b) / 2) {
  const span = (view.b - view.a) * factor, share = (around - view.a) / (view.b - view.a);
  setView(around - share * span, around + (1 - share) * span);
}

/* ---- playing: a media element, or a clock of our own where there is none ---- */

const player = { media: null as HTMLMediaElement | null, playing: false, rate: 1, base: 0, since: 0, says: null as any, idle: "" };

function position() {
  if (player.media) return player.media.currentTime;
  return player.playing ? Math.min(DURATION, player.base + ((performance.now() - player.since) / 1000) * player.rate) : player.base;
}
function seek(t: number) {
  t = clamp(t, 0, DURATION);
  if (player.media) player.media.currentTime = t;
  player.base = t; player.since = performance.now();
  now = t;
  follow();
  showTime(true);
}
function play() {
  if (now >= DURATION - 0.05) seek(0);
  if (player.media) player.media.play().catch(() => setPlaying(false));
  player.base = now; player.since = performance.now();
  setPlaying(true);
}
function pause() {
  const t = position();
  if (player.media) player.media.pause();
  player.base = t;
  setPlaying(false);
}
function setPlaying(on: any) {
  player.playing = on;
  $("play-shape").setAttribute("d", on ? "M7 5h3.6v14H7zM13.4 5H17v14h-3.6z" : "M8 5v14l11-7z");
  $("play").setAttribute("aria-label", on ? "Pause" : "Play");
  if (on) requestAnimationFrame(frame);
}
function frame() {
  if (!player.playing) return;
  now = clamp(position(), 0, DURATION);
  if (!player.media && now >= DURATION) pause();
  follow();
  showTime(false);
  requestAnimationFrame(frame);
}
/* Turns the page when the position leaves the view. */
function follow() {
  if (now >= view.a && now <= view.b) return;
  const span = view.b - view.a;
  setView(now - span * 0.08, now + span * 0.92);
}
function toggle() { if (player.playing) pause(); else play(); }

const RATES = [1, 1.5, 2, 0.5, 0.75];
function nextRate() {
  const t = position();
  player.rate = RATES[(RATES.indexOf(player.rate) + 1) % RATES.length];
  player.base = t; player.since = performance.now();
  if (player.media) player.media.playbackRate = player.rate;
  $("rate").textContent = `${player.rate}×`;
  $("rate").setAttribute("aria-label", `Speed, ${player.rate} times`);
}

function note(text: string) { $("player-note").textContent = text; $("player-note").hidden = !text; }

function wordsOnStage(idle: string) {
  player.says = make("p", { class: "says idle", dir: "auto", "aria-hidden": "true" }, idle);
  player.idle = idle;
  $("stage").replaceChildren(player.says);
}

/* Boxes around the faces of a still, over the picture as it lies on the stage. */
function drawFaces(picture: any) {
  const over = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  over.setAttribute("class", "faces");
  over.setAttribute("aria-hidden", "true");
  $("stage").append(over);
  const place = () => {
    const w = picture.naturalWidth, h = picture.naturalHeight;
    if (!w || !h) return;
    const size = Math.max(w, h) / 640; /* of a stroke, so that it looks alike on every picture */
    over.setAttribute("viewBox", `0 0 ${w} ${h}`);
    over.innerHTML = persons.map((person) => {
      const track = trackOf("box", "face", person), episode = episodeAt(person, 0);
      const [x, y, width, height] = ["x", "y", "width", "height"].map((name) => valueAt(track, name, 0));
      if (x === null || y === null || width === null || height === null) return "";
      const title = persons.length > 1 ? nameOf(person) : "", label = [title, episode ? episode.label : ""].filter(Boolean).join(" · ");
      const colour = episode ? colourOf(episode.label) : "var(--muted)", top = y * h > 20 * size ? y * h - 6 * size : (y + height) * h + 18 * size;
      return `<rect x="${r1(x * w)}" y="${r1(y * h)}" width="${r1(width * w)}" height="${r1(height * h)}" rx="${r1(4 * size)}" style="stroke:${colour};stroke-width:${2.5 * size}"/>` +
        `<text x="${r1(x * w)}" y="${r1(top)}" style="font-size:${14 * size}px;stroke-width:${4 * size}">${esc(label)}</text>`;
    }).join("");
  };
  picture.addEventListener("load", place);
  place();
}

/* What is shown of a still besides the picture: each person's shares and action units. */
function buildStill() {
  document.documentElement.classList.add("still");
  const bars = (list: any[]) => make("dl", { class: "shares" }, ...list.flatMap(([name, share, text, colour]) => {
    const bar = make("span", { class: "bar" });
    const fill = make("span", { style: `width:${r1(clamp(share, 0, 1) * 100)}%;${colour ? `background:${colour}` : ""}` });
    bar.append(fill);
    return [make("dt", {}, name), make("dd", {}, bar, make("span", { class: "value" }, text))];
  }));
  for (const person of persons) {
    const looks = trackOf("categories", "face", person), units = trackOf("units", "face", person), episode = episodeAt(person, 0);
    const read = (track: Track | undefined): [string, number][] => (track && track.t.length ? track.channels.map((name: string) => [name, valueAt(track, name, 0)] as [string, number | null]).filter((pair): pair is [string, number] => pair[1] !== null) : []);
    const shares = read(looks).sort((a, b) => b[1] - a[1]).slice(0, 4), active = read(units).filter(([, v]) => v >= 1).sort((a, b) => b[1] - a[1]).slice(0, 6);
    if (!shares.length && !episode) continue;
    const card = make("section", { class: "face-card" }, make("h3", {}, nameOf(person)));
    if (episode) card.append(make("p", { class: "verdict" }, make("b", {}, plain(episode.label)), ` ${percent(episode.score ?? 0)}`));
    if (shares.length) card.append(make("h4", {}, "Face looks"), bars(shares.map(([name, v]) => [plain(name), v, percent(v), colourOf(name)])));
    if (active.length) card.append(make("h4", {}, "Action units, 0 to 5"), bars(active.map(([name, v]) => [name, v / 5, v.toFixed(1), ""])));
    $("face-cards").append(card);
  }
  $("faces-title").textContent = persons.length === 1 ? "The face" : "The faces";
  $("faces").hidden = !$("face-cards").childElementCount;
}

function setUpPlayer() {
  const { src, kind, name } = D.media;
  if (!src) {
    wordsOnStage(utterances.length || words.length ? "Press play: the words appear here." : "No picture.");
    note(name ? `${name} is not beside this page. Everything but picture and sound works.` : "");
  } else if (kind === "image") {
    const picture = make("img", { src, alt: name });
    $("stage").replaceChildren(picture);
    if (STILL) drawFaces(picture);
  } else {
    const media = make(kind === "audio" ? "audio" : "video", { src, preload: "auto", playsinline: "" });
    if (kind === "audio") { wordsOnStage(words.length || utterances.length ? "Press play: the words appear here." : "♪"); $("stage").append(media); }
    else { $("stage").replaceChildren(media); media.addEventListener("click", toggle); }
    player.media = media;
    $("mute").hidden = false;
    media.addEventListener("play", () => setPlaying(true));
    media.addEventListener("pause", () => setPlaying(false));
    media.addEventListener("ended", () => setPlaying(false));
    media.addEventListener("seeked", () => { if (!player.playing) { now = media.currentTime; showTime(true); } });
    media.addEventListener("loadedmetadata", () => {
      if (kind === "video" && !media.videoWidth) note(`This browser plays the sound of ${name || "the recording"}, but cannot show its picture.`);
    });
    const broken = () => {
      const t = now;
      player.media = null; $("mute").hidden = true;
      wordsOnStage("");
      note(`This browser cannot play ${name || "the recording"}. “affect report --proxy” puts a copy beside the page that it can.`);
      seek(t);
    };
    if (source) source.media(media, broken);
    else media.addEventListener("error", broken);
  }
}

/* ---- transcript ---- */

const paragraphs: any[] = []; /* {t0, t1, person, node, words: [{t0, t1, node}]} */

function wordSpan(word: Pick<Item, "t0" | "label"> & Partial<Item>) {
  const span = make("span", { class: "w" }, word.label);
  if (typeof word.extra === "number") {
    if (word.extra > 0.15) span.classList.add("pos");
    if (word.extra < -0.15) span.classList.add("neg");
    span.title = `valence ${signed(word.extra)}`;
  }
  span.t = word.t0;
  word.node = span;
  return span;
}

function buildTranscript() {
  const groups = utterances.map((u) => ({ t0: u.t0, t1: u.t1, person: u.person, text: u.label, words: [] as Item[] }));
  let loose: any = null;
  for (const word of words) {
    const middle = (word.t0 + word.t1) / 2;
    let home: any = null;
    for (let i = after(groups, middle, (g) => g.t0) - 1, left = 8; i >= 0 && left && !home; i--, left--)
      if (i < utterances.length && middle <= groups[i].t1 && (!word.person || !groups[i].person || word.person === groups[i].person)) home = groups[i];
    if (!home) {
      if (!loose || word.t0 - loose.t1 > 1.2 || word.person !== loose.person || loose.words.length > 24) {
        loose = { t0: word.t0, t1: word.t1, person: word.person, text: "", words: [], loose: true };
        paragraphs.push(loose);
      }
      home = loose;
      loose.t1 = Math.max(loose.t1, word.t1);
    }
    home.words.push(word);
  }
  paragraphs.push(...groups);
  paragraphs.sort((a, b) => a.t0 - b.t0);
  const box = document.createDocumentFragment();
  let last = null;
  for (const p of paragraphs) {
    const text = make("p", { dir: "auto" });
    if (p.words.length) p.words.forEach((word: Item, i: number) => text.append(i ? " " : "", wordSpan(word)));
    else text.append(wordSpan({ t0: p.t0, label: p.text || "(not understood)" }));
    const at = make("button", { type: "button", class: "at", "aria-label": `${clock(p.t0)}, play from here` }, clock(p.t0));
    at.t = p.t0;
    const who = persons.length > 1 && p.person > 0 && p.person !== last ? make("span", { class: "by" }, nameOf(p.person)) : null;
    last = p.person;
    p.node = make("div", { class: "said" }, ...(who ? [who, at, text] : [at, text]));
    if (who) { at.style.gridRow = "2"; }
    box.append(p.node);
  }
  $("transcript").append(box);
  const any = paragraphs.length > 0;
  $("transcript").hidden = !any;
  $("hero").classList.toggle("with-words", any);
  $("transcript").addEventListener("click", (e: any) => { if (e.target.t !== undefined) seek(e.target.t + 0.001); });
  for (const kind of ["wheel", "touchmove", "pointerdown"])
    $("transcript").addEventListener(kind, () => { lastTouch = performance.now(); }, { passive: true });
}

let litWords: any[] = [], litParagraph: any = null, nearParagraph: any = null, lastTouch = -1e9;
function light(t: number) {
  const on = within(words, t).filter((w) => t < w.t1);
  if (on.length !== litWords.length || on.some((w, i) => w !== litWords[i])) {
    litWords.forEach((w) => w.node && w.node.classList.remove("on"));
    on.forEach((w) => w.node && w.node.classList.add("on"));
    litWords = on;
  }
  let p = null;
  for (let i = after(paragraphs, t, (g) => g.t0) - 1, left = 8; i >= 0 && left && !p; i--, left--)
    if (t <= paragraphs[i].t1 + 0.2) p = paragraphs[i];
  /* In a pause the transcript stands where the talk stopped. */
  const near = p || paragraphs[Math.max(0, after(paragraphs, t, (g) => g.t0) - 1)] || null;
  if (near !== nearParagraph) {
    const box = $("transcript");
    if (near && performance.now() - lastTouch > 4000)
      for (const again of [0, 60, 180]) /* what comes into sight gets its true height */
        setTimeout(() => { if (nearParagraph === near) box.scrollTop = near.node.offsetTop - box.clientHeight * 0.32; }, again);
    nearParagraph = near;
  }
  if (p !== litParagraph) {
    if (litParagraph) litParagraph.node.classList.remove("on");
    if (p) p.node.classList.add("on");
    litParagraph = p;
    if (player.says) {
      player.says.textContent = p ? p.text || p.words.map((w: any) => w.label).join(" ") : player.idle;
      player.says.classList.toggle("idle", !p);
    }
  }
}

/* ---- the plane and the labels of this moment ---- */

const planePersons = persons.filter((p) => { const t = trajectory(p); return t && t.index.has("valence") && t.index.has("arousal"); });
const PLANE = 104; /* half side in its own units */

function buildPlane() {
  const s = PLANE;
  let out = `<rect class="rim" x="${-s}" y="${-s}" width="${2 * s}" height="${2 * s}" rx="10"/>` +
    `<path class="axis" d="M${-s} 0H${s}M0 ${-s}V${s}"/>` +
    `<text x="5" y="${-s + 14}">activated</text><text x="5" y="${s - 7}">calm</text>` +
    `<text x="${-s + 7}" y="-5">unpleasant</text><text x="${s - 7}" y="-5" text-anchor="end">pleasant</text>`;
  for (const p of planePersons)
    out += `<g data-person="${p}"><ellipse class="spread"/><g class="trail-set"></g>` +
      `<g class="dot"><circle r="8"/>${persons.length > 1 ? `<text y="3.6">${p}</text>` : ""}</g></g>`;
  $("plane").innerHTML = out;
  $("now").replaceChildren(...persons.map((p) => make("li", { "data-person": p },
    make("span", { class: "who" }, nameOf(p)), make("span", { class: "swatch" }), make("span", { class: "what" }), make("span", { class: "how" }))));
  if (!persons.length) $("now").replaceChildren(make("li", {}, make("span", { class: "who" }, "Nobody was seen or heard.")));
}

function showPlane(t: number) {
  for (const person of planePersons) {
    const track = trajectory(person), group = $("plane").querySelector(`[data-person="${person}"]`);
    const v = valueAt(track, "valence", t), a = valueAt(track, "arousal", t);
    group.style.display = v === null || a === null ? "none" : "";
    if (v === null || a === null) continue;
    const at = (value: number) => r1(clamp(value, -1, 1) * PLANE);
    const sv = valueAt(track, "valence_sd", t) || 0, sa = valueAt(track, "arousal_sd", t) || 0;
    const spread = group.querySelector(".spread");
    spread.setAttribute("cx", at(v)); spread.setAttribute("cy", -at(a));
    spread.setAttribute("rx", r1(sv * PLANE)); spread.setAttribute("ry", r1(sa * PLANE));
    group.querySelector(".dot").setAttribute("transform", `translate(${at(v)} ${-at(a)})`);
    let trail = "";
    for (let k = 0; k < 5; k++) {
      let d = "";
      for (let i = 0; i <= 8; i++) {
        const when = t - 5 + k + i / 8;
        const tv = when < 0 ? null : valueAt(track, "valence", when), ta = valueAt(track, "arousal", when);
        if (tv !== null && ta !== null) d += `${d ? "L" : "M"}${at(tv)} ${-at(ta)}`;
      }
      if (d) trail += `<path class="trail" opacity="${(0.1 + 0.16 * k).toFixed(2)}" d="${d}"/>`;
    }
    group.querySelector(".trail-set").innerHTML = trail;
  }
  for (const item of $("now").querySelectorAll("[data-person]")) {
    const e = episodeAt(Number(item.dataset.person), t);
    const what = e ? plain(e.label) : "—", how = e && e.score !== null ? percent(e.score) : "";
    const [, swatch, name, score] = item.children;
    if (name.textContent !== what || score.textContent !== how) { name.textContent = what; score.textContent = how; }
    swatch.style.setProperty("--c", e ? colourOf(e.label) : "var(--hair-strong)");
  }
}

/* ---- everything that follows the position ---- */

let shownClock = "";
function showTime(force: any) {
  const t = now, x = xOf(t);
  $("head").style.display = x < -8 || x > width + 8 ? "none" : "";
  $("head").style.transform = `translateX(${x}px)`;
  light(t);
  showPlane(t);
  const text = clock(t, 1);
  if (text === shownClock && !force) return;
  shownClock = text;
  $("clock").innerHTML = `<b>${text}</b> / ${clock(DURATION)}`;
  $("seek").value = String(Math.round((t / DURATION) * 1000));
  $("seek").setAttribute("aria-valuetext", `${spoken(t)} of ${spoken(DURATION)}`);
  $("grid").setAttribute("aria-valuenow", t.toFixed(1));
  $("grid").setAttribute("aria-valuetext", spoken(t));
  for (const row of $("more").open ? rows.concat(moreRows) : rows) {
    if (!row.output) continue;
    const v = row.live(t);
    row.output.textContent = v === null ? "–" : (row.format || signed)(v);
  }
  for (const card of $("moment-list").children) card.classList.toggle("on", t >= card.episode.t0 && t < card.episode.t1);
}

/* ---- moments ---- */

function meanOver(track: Track | undefined, channel: string, t0: number, t1: number) {
  const values = channelOf(track, channel);
  if (!track || !values) return 0;
  let sum = 0, n = 0;
  for (let i = after(track.t, t0 - 1e-6); i < values.length && track.t[i] < t1; i++)
    if (values[i] !== null) { sum += values[i]!; n++; }
  return n ? sum / n : 0;
}

/* The same order as the terminal's: report_strength in report/curve.c. */
function strength(e: any) {
  const track = trajectory(e.person);
  const v = meanOver(track, "valence", e.t0, e.t1), a = meanOver(track, "arousal", e.t0, e.t1);
  return (e.score ?? 0.5) * (e.label === "neutral" ? 0.15 : 1) * (0.35 + Math.hypot(v, a));
}

/* "voice leads face by 240 ± 60 ms", where chance does not explain it: as report_lag in report/lag.c. */
function lagsOf(e: any) {
  const node = nodeOf.get(e.id), out = [];
  for (const [a, b] of [["face", "voice"], ["face", "words"], ["voice", "words"]]) {
    const key = `lag_${a}_${b}`, lag = node ? node[`${key}_s`] : undefined, sd = node ? node[`${key}_sd_s`] : undefined;
    if (typeof lag !== "number" || typeof sd !== "number" || !(node[`${key}_p`] < 0.05)) continue;
    if (Math.abs(lag) <= 2 * sd && Math.abs(lag) + 2 * sd > 0.5) continue; /* known too badly */
    const size = `${Math.round(Math.abs(lag) * 1000)} ± ${Math.round(sd * 1000)}\u202fms`;
    out.push(Math.abs(lag) <= 2 * sd ? `${a} and ${b} together within ${size}` : lag < 0 ? `${b} leads ${a} by ${size}` : `${a} leads ${b} by ${size}`);
  }
  return out;
}

function momentCard(e: any) {
  const labels = e.extra && Array.isArray(e.extra.labels) ? e.extra.labels.slice(1, 4) : [];
  const range = `${clock(e.t0, 1)} – ${clock(e.t1, 1)}`;
  const list = make("dl", { class: "cues" });
  for (const modality of ["face", "voice", "words"]) {
    const cue = e.extra && e.extra[`cue_${modality}`];
    if (cue) list.append(make("dt", { class: `m-${modality}` }, modality), make("dd", { dir: "auto" }, plain(String(cue))));
  }
  const against = e.extra && Array.isArray(e.extra.against) ? e.extra.against : [];
  for (const text of against) list.append(make("dt", { class: "against" }, "against"), make("dd", { class: "against", dir: "auto" }, plain(String(text))));
  const set = e.extra && Array.isArray(e.extra.label_set) ? e.extra.label_set : []; /* of such sets that share holds the right label, on the people of the fit */
  if (set.length > 1) list.append(make("dt", {}, percent(e.extra.label_set_share)), make("dd", {}, set.length > 4 ? `any of ${set.length} labels` : set.map((l: any) => plain(String(l))).join(" or ")));
  for (const text of lagsOf(e)) list.append(make("dt", { class: "lag" }, "lag"), make("dd", { class: "lag" }, text));
  const card = make("li", { class: "moment", style: `--c:${colourOf(e.label)}` },
    make("div", { class: "moment-head" }, make("span", { class: "name" }, plain(e.label)),
      make("button", { type: "button", class: "goto", "aria-label": `${range}, play ${plain(e.label)}`, onclick: () => { seek(e.t0); play(); } }, range),
      make("span", { class: "print-time" }, range)));
  const sure = make("div", { class: "sure" });
  if (e.score !== null) {
    const meter = make("i");
    meter.style.width = `${clamp(e.score, 0, 1) * 100}%`;
    sure.append(make("span", { class: "meter", "aria-hidden": "true" }, meter), make("span", {}, percent(e.score)));
  }
  const also = labels.filter(Boolean).map((l: any) => plain(String(l))).join(", ");
  if (persons.length > 1 && e.person > 0) sure.append(make("span", {}, nameOf(e.person)));
  card.append(sure);
  if (also) card.append(make("p", { class: "also" }, `also ${also}`));
  if (list.children.length) card.append(list);
  card.episode = e;
  return card;
}

function buildMoments() {
  $("moments").hidden = !episodes.length;
  if (!episodes.length) return;
  episodes.forEach((e) => colourOf(e.label));
  const best = [...episodes].sort((a, b) => strength(b) - strength(a)).slice(0, 6);
  const show = (list: any[]) => $("moment-list").replaceChildren(...list.map(momentCard));
  show(best);
  if (episodes.length <= best.length) return;
  const button = $("all-moments");
  const few = `Show all ${episodes.length > 1000 ? "(first 1000)" : episodes.length} in order`;
  button.hidden = false;
  button.textContent = few;
  button.addEventListener("click", () => {
    const all = button.getAttribute("aria-expanded") !== "true";
    button.setAttribute("aria-expanded", String(all));
    button.textContent = all ? "Show the strongest" : few;
    $("moments-title").textContent = all ? "All episodes" : "Strongest moments";
    show(all ? episodes.slice(0, 1000) : best);
    showTime(true);
  });
}

/* ---- texts ---- */

/* How far sound and picture are apart, where lips and voice tell; "" where they do not. */
function offsetText() {
  const known = new Map(D.properties), offset = Math.round(1000 * Number(known.get("av_offset_s")));
  if (!offset) return "";
  const done = known.get("av_offset_corrected") === "yes" ? "corrected" : "left as it is", parts = itemsOf("av_offset");
  if (parts.length > 1) return `sound after picture, from ${parts.map((x) => `${clock(x.t0)}: ${x.label}`).join(", ")}; ${done}`;
  return `sound ${Math.abs(offset)} ms ${offset > 0 ? "after" : "ahead of"} picture, ${done}`;
}

function buildTexts() {
  document.title = `${D.title} · affect`;
  $("title").textContent = D.title;
  const facts = [STILL ? "one picture" : DURATION < 60 ? `${Math.round(DURATION)} s` : clock(DURATION) + (DURATION >= 3600 ? " h" : " min"),
    persons.length ? `${persons.length} ${persons.length === 1 ? "person" : "persons"}` : "nobody seen or heard",
    modalities.length ? modalities.join(", ") : "nothing measured",
    episodes.length && !STILL ? `${episodes.length} ${episodes.length === 1 ? "episode" : "episodes"}` : "", offsetText()].filter(Boolean);
  $("facts").replaceChildren(...facts.map((fact) => make("span", {}, fact)));
  $("missing").replaceChildren(...D.warnings.map(([t0, t1, text]) => t0 === null || t1 === null ? make("li", {}, text) :
    make("li", {}, make("button", { type: "button", class: "quiet", onclick: () => seek(t0 / 1000), "aria-label": `${clock(t0 / 1000, 1)} – ${clock(t1 / 1000, 1)}, go there` }, `${clock(t0 / 1000, 1)} – ${clock(t1 / 1000, 1)}`), " " + text)));
  if (!D.warnings.length) $("missing").replaceChildren(make("li", {}, "Nothing was reported."));
  const made = D.properties.filter(([key]) => key !== "input");
  $("made").replaceChildren(...made.flatMap(([key, value]) => [make("dt", {}, plain(key.replace(/^model\//, ""))), make("dd", {}, value)]));
  $("made-box").hidden = !made.length;
  const legend: any[] = [];
  const sample = (inner: any, text: string) => { const li = make("li"); li.innerHTML = `<svg viewBox="0 0 24 12" aria-hidden="true">${inner}</svg>`; li.append(text); legend.push(li); };
  if (planePersons.length) sample('<rect class="band2" width="24" height="12"/><rect class="band1" y="2.5" width="24" height="7"/><path class="line" d="M0 6H24"/>', "fused, ± 1 and 2 sd");
  if (D.tracks.some((t) => t.role === "affect" && MODALITIES[t.modality] === "face")) sample('<g class="m-face"><path class="stream" d="M0 6H24"/></g>', "face alone");
  if (trackOf("affect", "voice")) sample('<g class="m-voice"><path class="stream voice" d="M0 6H24"/></g>', "voice alone");
  if (trackOf("affect", "words")) sample('<g class="m-words"><path class="whisker" d="M12 0V12"/><circle class="points" cx="12" cy="6" r="3.4"/></g>', "words alone");
  $("legend").replaceChildren(...legend);
}

function buildMore() {
  const list = D.tracks.filter((t) => (t.later ? t.n > 1 : t.t.length > 1) && t.channels.length);
  $("more").hidden = !list.length;
  let built = false;
  const build = async () => {
    for (const track of list) {
      await fetchRows(track);
      $("more-rows").append(make("h3", {}, track.id, make("span", {}, [track.model, track.n > track.t.length ? `${track.n} rows, drawn as mean and range of ${track.t.length} stretches` : `${track.n} rows`].filter(Boolean).join(" · "))));
      for (const channel of track.channels) {
        if (/_sd$/.test(channel)) continue;
        const row = trackRow(track, channel);
        moreRows.push(row);
        mount(row, $("more-rows"));
        drawRow(row);
      }
    }
    draw();
  };
  $("more").addEventListener("toggle", () => {
    if (!$("more").open) return;
    if (!built) { built = true; void build(); }
    draw();
  });
}

/* ---- evidence: what can be cited, and where it is in the timeline ---- */

const laneOf = (tier: string, modality: string) => (tier === "episodes" || tier === "emotions" ? "episodes" : tier === "words" || tier === "utterances" ? "words" :
  tier === "speech" || tier === "speakers" ? "voice" : ["face", "voice", "words"].includes(modality) ? modality : "episodes");
const evidence = new Map<string, Evidence>();
if (D.account) {
  for (const tier of D.tiers)
    for (const [t0, t1, label, score, person, , id] of tier.items)
      evidence.set(id, { id, lane: laneOf(tier.id, MODALITIES[tier.modality]), label: plain(label), t0: t0 / 1000, at: t0 / 1000, t1: t1 / 1000, strength: score, person, colour: colourOf(label) });
  for (const e of events)
    evidence.set(e.id, { id: e.id, lane: laneOf("", e.modality), label: plain(e.kind), t0: e.t0, at: e.apex, t1: e.t1, strength: (e.strength ?? 1) * (e.confidence ?? 1), person: e.person, colour: "var(--mod)" });
}

/* A frame around one of them, in its row where it has one. */
let marked: Evidence | null = null;
function drawMark() {
  const box = $("mark"), row = marked && rows.find((r) => r.items && r.items.some((item: any) => item.id === marked!.id));
  box.hidden = !marked || marked.t1 < view.a || marked.t0 > view.b;
  document.querySelectorAll(".row.marked").forEach((node) => node.classList.remove("marked"));
  if (row) row.node.classList.add("marked");
  if (box.hidden || !marked) return;
  const x = xOf(marked.t0);
  box.style.left = `${x - 2}px`;
  box.style.width = `${Math.max(xOf(marked.t1) - x, 4) + 4}px`;
  box.style.top = row ? `${row.svg.getBoundingClientRect().top - $("overlay").getBoundingClientRect().top - 2}px` : "18px";
  box.style.height = row ? `${row.height + 4}px` : "calc(100% - 18px)";
}
function showEvidence(node: Evidence) {
  marked = node;
  seek(node.at);
  if (node.t0 < view.a || node.t1 > view.b) setView(node.t0 - (view.b - view.a) * 0.3, node.t0 + (view.b - view.a) * 0.7);
  drawMark();
  $("timeline").scrollIntoView({ block: "nearest" });
}

/* ---- theme ---- */

const dark = window.matchMedia("(prefers-color-scheme: dark)");
function setTheme(theme: string, keep = false) {
  document.documentElement.dataset.theme = theme;
  $("theme").textContent = theme === "dark" ? "Light" : "Dark";
  if (keep) try { localStorage.setItem("affect-theme", theme); } catch { /* file:// without storage */ }
}
function storedTheme() { try { return localStorage.getItem("affect-theme"); } catch { return null; } }
const flipTheme = () => setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark", true);

/* ---- input ---- */

function timeAtPointer(e: any) {
  const box = $("overlay").getBoundingClientRect();
  return view.a + clamp((e.clientX - box.left) / box.width, 0, 1) * (view.b - view.a);
}
const onPlot = (e: any) => e.clientX >= $("overlay").getBoundingClientRect().left - 2;

function wire() {
  $("play").addEventListener("click", toggle);
  $("rate").addEventListener("click", nextRate);
  $("seek").addEventListener("input", () => seek((Number($("seek").value) / 1000) * DURATION));
  $("mute").addEventListener("click", () => {
    if (!player.media) return;
    player.media.muted = !player.media.muted;
    $("mute").setAttribute("aria-pressed", String(player.media.muted));
  });
  $("theme").addEventListener("click", flipTheme);
  $("keys-button").addEventListener("click", () => {
    $("keys").hidden = !$("keys").hidden;
    $("keys-button").setAttribute("aria-expanded", String(!$("keys").hidden));
  });
  $("zoom-in").addEventListener("click", () => zoom(0.5));
  $("zoom-out").addEventListener("click", () => zoom(2));
  $("zoom-fit").addEventListener("click", () => setView(0, DURATION));

  for (const area of [$("grid"), $("more-rows")]) {
    let scrubbing = false;
    area.addEventListener("pointerdown", (e: any) => {
      if (e.button || !onPlot(e)) return;
      scrubbing = true;
      area.setPointerCapture(e.pointerId);
      seek(timeAtPointer(e));
    });
    area.addEventListener("pointermove", (e: any) => {
      if (scrubbing) seek(timeAtPointer(e));
      showTip(e);
    });
    area.addEventListener("pointerup", () => { scrubbing = false; });
    area.addEventListener("pointercancel", () => { scrubbing = false; });
    area.addEventListener("pointerleave", hideTip);
    area.addEventListener("wheel", (e: any) => {
      if (e.ctrlKey || e.metaKey) { e.preventDefault(); zoom(Math.exp(clamp(e.deltaY, -60, 60) * 0.008), timeAtPointer(e)); }
      else if (Math.abs(e.deltaX) > Math.abs(e.deltaY) && view.b - view.a < DURATION) {
        e.preventDefault();
        const by = (e.deltaX / width) * (view.b - view.a);
        setView(view.a + by, view.b + by);
      }
    }, { passive: false });
  }
  const map = $("map");
  const pan = (e: any) => {
    const box = map.getBoundingClientRect(), span = view.b - view.a;
    const middle = ((e.clientX - box.left) / box.width) * DURATION;
    setView(middle - span / 2, middle + span / 2);
  };
  map.addEventListener("pointerdown", (e: any) => { map.setPointerCapture(e.pointerId); pan(e); });
  map.addEventListener("pointermove", (e: any) => { if (e.buttons) pan(e); });

  document.addEventListener("keydown", onKey);
  dark.addEventListener("change", () => { if (!storedTheme()) setTheme(dark.matches ? "dark" : "light"); });
  new ResizeObserver(() => { const before = width; measure(); if (width !== before) drawSoon(); }).observe($("grid"));

  /* Paper: light, the whole recording, as wide as a page. */
  let kept: any = null;
  window.addEventListener("beforeprint", () => {
    kept = { theme: document.documentElement.dataset.theme, a: view.a, b: view.b };
    setTheme("light");
    view.a = 0; view.b = DURATION;
    width = 580;
    draw();
  });
  window.addEventListener("afterprint", () => {
    if (!kept) return;
    setTheme(kept.theme);
    view.a = kept.a; view.b = kept.b;
    measure();
    draw();
  });
}

function showTip(e: any) {
  const row = e.target.closest && e.target.closest(".row") && e.target.closest(".row").row;
  if (!onPlot(e) || e.pointerType === "touch") return hideTip();
  const t = timeAtPointer(e), text = row && row.tip ? row.tip(t) : null;
  $("hover").hidden = false;
  $("hover").style.left = `${xOf(t)}px`;
  $("tip").innerHTML = `<span>${clock(t, 2)}</span>` + (text ? `<br>${text}` : "");
  $("tip").hidden = false;
  const box = $("tip").getBoundingClientRect();
  $("tip").style.left = `${clamp(e.clientX + 14, 4, innerWidth - box.width - 4)}px`;
  $("tip").style.top = `${e.clientY + 18 + box.height > innerHeight ? e.clientY - box.height - 12 : e.clientY + 18}px`;
}
function hideTip() { $("tip").hidden = true; $("hover").hidden = true; }

/* What was opened over or beside the rest: the list of keys, a tip, all measured tracks, all moments. */
function closePanels() {
  hideTip();
  marked = null;
  drawMark();
  if (!$("keys").hidden) { $("keys-button").click(); $("keys-button").focus(); }
  if ($("more").open) $("more").open = false;
  if ($("all-moments").getAttribute("aria-expanded") === "true") $("all-moments").click();
}

function onKey(e: any) {
  if (e.ctrlKey || e.metaKey || e.altKey) return;
  const on = e.target;
  if (on.matches && on.matches("textarea, input:not([type=range], [type=checkbox])")) return; /* what is typed is no command */
  if (on.matches && on.matches("input, select") && /^(Arrow|Home|End|Page)/.test(e.key)) return;
  if (on.matches && on.matches("button, summary, a") && (e.key === " " || e.key === "Enter")) return;
  const jump = (t: number) => { seek(t); };
  const starts = episodes.map((x) => x.t0);
  const keys: Record<string, () => void> = {
    " ": toggle, k: toggle,
    ArrowLeft: () => jump(now - (e.shiftKey ? 5 : 1)), ArrowRight: () => jump(now + (e.shiftKey ? 5 : 1)),
    Home: () => jump(0), End: () => jump(DURATION),
    "[": () => jump(starts.filter((x) => x < now - 0.5).pop() ?? 0),
    "]": () => jump(starts.find((x) => x > now + 0.01) ?? now),
    "+": () => zoom(0.5), "=": () => zoom(0.5), "-": () => zoom(2), "−": () => zoom(2), 0: () => setView(0, DURATION),
    t: flipTheme, "?": () => $("keys-button").click(), Escape: closePanels,
  };
  if (!keys[e.key]) return;
  e.preventDefault();
  keys[e.key]();
}

/* "#t=12.5" starts there; "#t=12.5&play" plays at once, muted, as browsers demand. */
function fromAddress() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  const t = Number(wanted.get("t"));
  if (Number.isFinite(t) && t > 0) {
    seek(t);
    if (player.media) player.media.addEventListener("loadedmetadata", () => seek(t), { once: true });
  }
  if (wanted.has("play")) {
    if (player.media) { player.media.muted = true; $("mute").setAttribute("aria-pressed", "true"); }
    play();
  }
}

setTheme(storedTheme() || (dark.matches ? "dark" : "light"));
buildTexts();
buildTranscript();
buildPlane();
buildRows();
rows.forEach((row) => mount(row, $("rows")));
$("grid").setAttribute("aria-valuemax", DURATION.toFixed(1));
buildMoments();
buildMore();
if (D.account)
  buildAccount(D.account, { make, clock, percent, esc, textWidth, persons, nameOf, node: (id) => evidence.get(id), show: showEvidence,
    links: [...D.links, ...D.account.links.map(([from, to, kind, score]): LinkRow => [from, to, kind, null, null, score])] });
if (STILL) buildStill();
setUpPlayer();
measure();
wire();
draw();
fromAddress();
document.documentElement.dataset.ready = String(rows.length);
return { data: D, view, rows, player, seek, play, pause, setView, position: () => now, persons, nameOf, episodes, utterances, words };
}
