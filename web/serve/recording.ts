/* One recording: the report page with what a server can add: rows that are asked for, corrections, exports. */
import type { Data, Source } from "../report/data";
import { report } from "../report/page";
import { ask, keepPlaying, post, reached } from "./reach";
import { clock, make } from "./tools";

const id = decodeURIComponent(location.pathname.split("/")[2] ?? "");
const api = (rest: string) => `/api/recordings/${encodeURIComponent(id)}/${rest}`;

interface Correction { kind: string; target: string; value: string; t0?: number; t1?: number; by: string; at: string }

const source: Source = {
  media: keepPlaying,
  track: (number, from, to, rows) => ask(api(`rows?${new URLSearchParams({ track: String(number), from: from.toFixed(3), to: to.toFixed(3), rows: String(Math.min(rows, 20000)) })}`)),
};

/* A correction changes what everything is made of, so the page begins again where it was, with what was typed in other
   fields and not sent. Not before the server answers: the browser's own error would take its place. */
const DRAFTS = `affect-drafts ${id}`;
const fieldsIn = (box: Element) => [...box.querySelectorAll<HTMLInputElement>("input[id]")];
async function again(box: Element, t: number): Promise<void> {
  const drafts = fieldsIn(box).filter((f) => f.value !== f.defaultValue && !f.dataset.sent).map((f) => [f.id, f.value]);
  try { sessionStorage.setItem(DRAFTS, JSON.stringify(drafts)); } catch { /* no storage */ }
  await reached();
  location.hash = `t=${t.toFixed(2)}`;
  location.reload();
}
function restore(box: Element): void {
  try {
    const drafts = JSON.parse(sessionStorage.getItem(DRAFTS) ?? "[]") as [string, string][];
    sessionStorage.removeItem(DRAFTS);
    for (const [key, value] of drafts) for (const f of fieldsIn(box)) if (f.id === key) f.value = value;
  } catch { /* no storage */ }
}

function corrections(view: ReturnType<typeof report>): HTMLElement {
  const problem = make("p", { class: "error", role: "alert" });
  const box = make("section", { class: "panel corrections", "aria-labelledby": "corrections-title" }, make("h2", { id: "corrections-title" }, "Corrections"));
  const fail = (e: Error) => { problem.textContent = e.message; };
  const send = (body: Omit<Correction, "by" | "at">, from?: HTMLInputElement) => {
    if (from) from.dataset.sent = "yes";
    return post(api("corrections"), body).then(() => again(box, view.position()), (e: Error) => { if (from) delete from.dataset.sent; fail(e); });
  };
  const takeBack = (i: number) => ask(api(`corrections/${i}`), { method: "DELETE" }, true).then(() => again(box, view.position()), fail);
  const who = (person: string | number) => view.nameOf(Number(person));

  /* names and merges */
  const persons = make("div", { class: "fields" });
  for (const person of view.persons) {
    const name = make("input", { type: "text", class: "field", id: `name-${person}`, value: view.nameOf(person), autocomplete: "off" });
    const into = make("select", { class: "field", "aria-label": `Person ${person} is the same as` }, make("option", { value: "" }, "is the same as…"),
      ...view.persons.filter((p: number) => p !== person).map((p: number) => make("option", { value: p }, view.nameOf(p))));
    const form = make("form", { class: "bar-line" }, make("label", { for: `name-${person}` }, `Person ${person}`), name, make("button", { class: "quiet" }, "Name"), view.persons.length > 1 ? into : null);
    form.addEventListener("submit", (e) => { e.preventDefault(); if (name.value.trim()) void send({ kind: "name", target: String(person), value: name.value.trim() }, name); });
    into.addEventListener("change", () => { if (into.value) void send({ kind: "merge", target: String(person), value: into.value }); });
    persons.append(form);
  }

  /* what lies at the position: its label, words, speaker, bounds */
  const here = make("div", { class: "fields", id: "here" });
  const fieldsOf = (item: { id: string; t0: number; t1: number; label: string; person: number }, kind: "label" | "word") => {
    const text = make("input", { type: "text", class: "field wide", value: item.label.replace(/_/g, " "), "aria-label": kind === "label" ? "Label" : "Words" });
    const from = make("input", { type: "number", class: "field", step: "0.01", min: "0", value: item.t0.toFixed(2), "aria-label": "From, seconds" });
    const to = make("input", { type: "number", class: "field", step: "0.01", min: "0", value: item.t1.toFixed(2), "aria-label": "To, seconds" });
    const speaker = make("select", { class: "field", "aria-label": "Who" }, ...view.persons.map((p: number) => make("option", { value: p, selected: p === item.person }, view.nameOf(p))));
    const form = make("form", { class: "bar-line" }, make("span", { class: "what" }, `${kind === "label" ? "Episode" : "Said"} ${clock(item.t0)}`), text, from, to, speaker.options.length > 1 ? speaker : null, make("button", { class: "quiet" }, "Correct"));
    form.addEventListener("submit", (e) => {
      e.preventDefault();
      if (text.value.trim() !== item.label.replace(/_/g, " ")) void send({ kind, target: item.id, value: text.value.trim() });
      else if (from.value !== item.t0.toFixed(2) || to.value !== item.t1.toFixed(2)) void send({ kind: "boundary", target: item.id, value: "", t0: Number(from.value), t1: Number(to.value) });
      else if (speaker.value && Number(speaker.value) !== item.person) void send({ kind: "speaker", target: item.id, value: speaker.value });
    });
    return form;
  };
  /* One who was taken for two is merged above; two who were taken for one are told apart here, from a time on. */
  const splitOf = (person: number, t: number) => {
    const fresh = Math.max(0, ...view.persons, ...Object.keys(view.data.names).map(Number)) + 1;
    const from = make("input", { type: "number", class: "field", step: "0.01", min: "0", max: view.data.duration, value: t.toFixed(2), "aria-label": `${who(person)} is another person from, seconds` });
    const to = make("input", { type: "number", class: "field", step: "0.01", min: "0", value: view.data.duration.toFixed(2), "aria-label": `${who(person)} is another person to, seconds` });
    const other = make("select", { class: "field", "aria-label": `${who(person)} is there` }, make("option", { value: fresh }, `a new person (${fresh})`),
      ...view.persons.filter((p: number) => p !== person).map((p: number) => make("option", { value: p }, who(p))));
    const form = make("form", { class: "bar-line split", "data-person": person }, make("span", { class: "what" }, `${who(person)} from`), from, make("span", { class: "what" }, "to"), to, make("span", { class: "what" }, "is"), other, make("button", { class: "quiet" }, "Split"));
    form.addEventListener("submit", (e) => {
      e.preventDefault();
      const t0 = Number(from.value), t1 = Number(to.value);
      if (!(t1 > t0)) { problem.textContent = "The end must lie after the begin."; return; }
      void send({ kind: "split", target: String(person), value: other.value, t0, ...(t1 < view.data.duration - 0.005 ? { t1 } : {}) });
    });
    return form;
  };
  const showHere = () => {
    const t = view.position();
    const at = <T extends { t0: number; t1: number }>(list: T[]) => list.filter((i) => i.t0 <= t && t <= i.t1);
    const forms = [...at(view.episodes).map((i) => fieldsOf(i, "label")), ...at(view.utterances).map((i) => fieldsOf(i, "word"))];
    here.replaceChildren(make("p", { class: "note" }, `At ${clock(t)}`), ...(forms.length ? forms : [make("p", { class: "note" }, "No episode and no words lie here.")]), ...view.persons.map((p: number) => splitOf(p, t)));
  };
  const list = make("ol", { class: "plain", id: "corrections-list" });
  const undo = make("button", { type: "button", class: "quiet", id: "undo-correction", disabled: true }, "Undo the last");
  const inWords = (c: Correction): string => {
    const range = (c.t0 !== undefined ? ` from ${clock(c.t0)}` : "") + (c.t1 !== undefined ? ` to ${clock(c.t1)}` : "");
    return c.kind === "name" ? `Person ${c.target} is ${c.value}` : c.kind === "merge" ? `Person ${c.target} is the same as person ${c.value}`
      : c.kind === "split" ? `Person ${c.target} is person ${c.value}${range}` : c.kind === "speaker" ? `${c.target} is person ${c.value}'s`
      : c.kind === "boundary" ? `${c.target} lies${range}` : `${c.target} is “${c.value}”`;
  };
  void ask<{ corrections: Correction[] }>(api("corrections")).then(({ corrections: all }) => {
    list.replaceChildren(...all.map((c, i) => make("li", {}, `${inWords(c)} `, make("button", { type: "button", class: "quiet", "aria-label": `Take back: ${inWords(c)}`, onclick: () => takeBack(i) }, "Take back"))));
    undo.disabled = !all.length;
    undo.addEventListener("click", () => void takeBack(all.length - 1));
  }, fail);
  document.addEventListener("keydown", (e) => {
    if (!(e.ctrlKey || e.metaKey) || e.key !== "z" || undo.disabled || (e.target as Element).closest("input, select, textarea")) return;
    e.preventDefault();
    undo.click();
  });
  box.append(problem, persons, make("p", { class: "bar-line" }, make("button", { type: "button", class: "button", id: "correct-here", onclick: showHere }, "Correct what lies here"), undo), here, list);
  restore(box);
  return box;
}

const FORMATS = ["json", "eaf", "textgrid", "vtt", "svg", "html", "openface"];

async function start(): Promise<void> {
  const data = await ask<Data>(api("view"));
  const view = report(data, source);
  Object.assign(window, { affectReport: view });
  const tools = document.querySelector(".tools");
  tools?.prepend(make("a", { href: "/#recordings" }, "All recordings"));
  const exports = make("p", { class: "exports" }, "Export, corrected: ", ...FORMATS.flatMap((f) => [make("a", { href: api(`export?format=${f}`), download: "" }, f), " "]));
  document.querySelector("main")?.append(corrections(view), exports);
  if (new URLSearchParams(location.search).has("inside")) document.documentElement.classList.add("inside");
}

start().catch((e: Error) => {
  document.querySelector("main")?.replaceChildren(make("p", { class: "error", role: "alert" }, e.message), make("p", {}, make("a", { href: "/" }, "All recordings")));
  document.getElementById("title")!.textContent = id;
});
