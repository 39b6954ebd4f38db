/* One recording: the report page with what a server can add: rows that are asked for, corrections, exports. */
import type { Data, Source } from "../report/data";
import { report } from "../report/page";
import { ask, clock, make, post } from "./tools";

const id = decodeURIComponent(location.pathname.split("/")[2] ?? "");
const api = (rest: string) => `/api/recordings/${encodeURIComponent(id)}/${rest}`;

interface Correction { kind: string; target: string; value: string; t0?: number; t1?: number; by: string; at: string }

const source: Source = {
  track: (number, from, to, rows) => ask(api(`rows?${new URLSearchParams({ track: String(number), from: from.toFixed(3), to: to.toFixed(3), rows: String(Math.min(rows, 20000)) })}`)),
};

/* A correction changes what everything is made of, so the page begins again where it was. */
const again = (t: number) => { location.hash = `t=${t.toFixed(2)}`; location.reload(); };

function corrections(view: ReturnType<typeof report>): HTMLElement {
  const problem = make("p", { class: "error", role: "alert" });
  const send = (body: Omit<Correction, "by" | "at">) => post(api("corrections"), body).then(() => again(view.position()), (e: Error) => { problem.textContent = e.message; });
  const box = make("section", { class: "panel corrections", "aria-labelledby": "corrections-title" }, make("h2", { id: "corrections-title" }, "Corrections"));

  /* names and merges */
  const persons = make("div", { class: "fields" });
  for (const person of view.persons) {
    const name = make("input", { type: "text", class: "field", id: `name-${person}`, value: view.nameOf(person), autocomplete: "off" });
    const into = make("select", { class: "field", "aria-label": `Person ${person} is the same as` }, make("option", { value: "" }, "is the same as…"),
      ...view.persons.filter((p: number) => p !== person).map((p: number) => make("option", { value: p }, view.nameOf(p))));
    const form = make("form", { class: "bar-line" }, make("label", { for: `name-${person}` }, `Person ${person}`), name, make("button", { class: "quiet" }, "Name"), view.persons.length > 1 ? into : null);
    form.addEventListener("submit", (e) => { e.preventDefault(); if (name.value.trim()) void send({ kind: "name", target: String(person), value: name.value.trim() }); });
    into.addEventListener("change", () => { if (into.value) void send({ kind: "merge", target: String(person), value: into.value }); });
    persons.append(form);
  }

  /* what lies at the position: its label, words, speaker, bounds */
  const here = make("div", { class: "fields", id: "here" });
  const fieldsOf = (item: { id: string; t0: number; t1: number; label: string; person: number }, kind: "label" | "word") => {
    const text = make("input", { type: "text", class: "field wide", value: item.label.replace(/_/g, " "), "aria-label": kind === "label" ? "Label" : "Words" });
    const from = make("input", { type: "number", class: "field", step: "0.01", min: "0", value: item.t0.toFixed(2), "aria-label": "From, seconds" });
    const to = make("input", { type: "number", class: "field", step: "0.01", min: "0", value: item.t1.toFixed(2), "aria-label": "To, seconds" });
    const who = make("select", { class: "field", "aria-label": "Who" }, ...view.persons.map((p: number) => make("option", { value: p, selected: p === item.person }, view.nameOf(p))));
    const form = make("form", { class: "bar-line" }, make("span", { class: "what" }, `${kind === "label" ? "Episode" : "Said"} ${clock(item.t0)}`), text, from, to, who.options.length > 1 ? who : null, make("button", { class: "quiet" }, "Correct"));
    form.addEventListener("submit", (e) => {
      e.preventDefault();
      if (text.value.trim() !== item.label.replace(/_/g, " ")) void send({ kind, target: item.id, value: text.value.trim() });
      else if (from.value !== item.t0.toFixed(2) || to.value !== item.t1.toFixed(2)) void send({ kind: "boundary", target: item.id, value: "", t0: Number(from.value), t1: Number(to.value) });
      else if (who.value && Number(who.value) !== item.person) void send({ kind: "speaker", target: item.id, value: who.value });
    });
    return form;
  };
  const showHere = () => {
    const t = view.position();
    const at = <T extends { t0: number; t1: number }>(list: T[]) => list.filter((i) => i.t0 <= t && t <= i.t1);
    const forms = [...at(view.episodes).map((i) => fieldsOf(i, "label")), ...at(view.utterances).map((i) => fieldsOf(i, "word"))];
    here.replaceChildren(make("p", { class: "note" }, `At ${clock(t)}`), ...(forms.length ? forms : [make("p", { class: "note" }, "Nothing lies here that could be corrected.")]));
  };
  const list = make("ol", { class: "plain", id: "corrections-list" });
  void ask<{ corrections: Correction[] }>(api("corrections")).then(({ corrections: all }) => {
    list.replaceChildren(...all.map((c, i) => make("li", {}, `${c.kind} ${c.target}${c.value ? `: ${c.value}` : ""}${c.t0 !== undefined ? ` from ${clock(c.t0)}` : ""}${c.t1 !== undefined ? ` to ${clock(c.t1)}` : ""} `,
      make("button", { type: "button", class: "quiet", "aria-label": `Take back: ${c.kind} ${c.target}`, onclick: () => ask(api(`corrections/${i}`), { method: "DELETE" }).then(() => again(view.position()), (e: Error) => { problem.textContent = e.message; }) }, "Take back"))));
  });
  box.append(problem, persons, make("button", { type: "button", class: "button", id: "correct-here", onclick: showHere }, "Correct what lies here"), here, list);
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
