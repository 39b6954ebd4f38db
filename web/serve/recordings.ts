/* The recordings of the folder: pictures, state, progress; new files; two side by side. */
import { ask, listen, reached } from "./reach";
import { $, clock, make, say } from "./tools";

interface Recording {
  id: string; path: string; bytes: number; state: "new" | "queued" | "running" | "done" | "failed"; error: string;
  seconds: number | null; persons: number | null; label: string; share?: number; kind: string;
}

const size = (bytes: number) => bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
const address = (id: string) => `/recording/${encodeURIComponent(id)}`;
const api = (id: string, rest: string) => `/api/recordings/${encodeURIComponent(id)}/${rest}`;

/* One socket for the page's life; who looks at the list is told. */
let told: (message: Record<string, unknown> | null) => void = () => {};
let listening = false;

export function showRecordings(main: HTMLElement): () => void {
  const list = make("ul", { class: "cards", id: "cards" }), empty = make("p", { class: "note" }, "No recording is in this folder yet. Drop one here, or copy it into the folder.");
  const input = make("input", { type: "file", multiple: true, accept: "video/*,audio/*,image/*", class: "hidden-input", id: "file" });
  const uploads = make("ul", { class: "uploads" });
  const compare = make("button", { type: "button", class: "button", disabled: true, id: "compare" }, "Compare two");
  const all = make("button", { type: "button", class: "button", id: "analyze-all" }, "Analyze all new");
  const train = make("button", { type: "button", class: "button", id: "train" }, "Train from my corrections"), trained = make("div", { id: "trained", role: "status" });
  interface Training { train: string; use: string; recordings: number; corrected: number; rows: number; unknown: number; first_unknown: string }
  train.addEventListener("click", () => ask<Training>("/api/training", { method: "POST" }).then((made) => {
    const copy = (text: string) => make("p", { class: "command" }, make("code", {}, text), make("button", { type: "button", class: "quiet", onclick: () => void navigator.clipboard.writeText(text).then(() => say("Copied."), () => say("The browser does not let this page copy: mark the line instead.")) }, "Copy"));
    trained.replaceChildren(make("div", { class: "panel" }, make("h2", {}, "Train from my corrections"),
      make("p", {}, `A recipe is written: ${made.corrected} corrected ${made.corrected === 1 ? "label" : "labels"} and ${made.rows - made.corrected} beside them that you left as they are, in ${made.recordings} recordings.${made.unknown ? ` ${made.unknown} could not be used: nothing is known of the place of “${made.first_unknown}” in valence and arousal.` : ""} This trains on them:`),
      copy(made.train), make("p", {}, "and this uses what was trained:"), copy(made.use),
      make("p", { class: "note" }, "A handful of labels makes no good model: compare both on recordings that you did not correct.")));
  }, (e: Error) => trained.replaceChildren(make("p", { class: "error" }, e.message))));
  const bar = make("div", { class: "bar-line" }, make("label", { class: "button", for: "file" }, "Add recordings…"), input, all, compare, train);
  main.append(bar, trained, uploads, empty, list);
  let recordings: Recording[] = [];
  const chosen: string[] = [];

  const mark = () => {
    compare.disabled = chosen.length !== 2;
    compare.textContent = chosen.length === 1 ? "Compare: choose another" : "Compare two";
  };
  compare.addEventListener("click", () => { location.href = `/compare?${new URLSearchParams({ a: chosen[0], b: chosen[1] })}`; });
  const fail = (e: Error) => say(e.message);
  const act = (id: string, method: string) => ask(api(id, "analysis"), { method }).then(load, fail);
  all.addEventListener("click", () => { for (const r of recordings) if (r.state === "new" || r.state === "failed") void act(r.id, "POST"); });

  function stateOf(r: Recording): HTMLElement {
    if (r.state === "running") return make("div", { class: "state" }, make("progress", { max: 1, value: r.share ?? 0, "aria-label": `Analysis of ${r.path}` }), make("span", {}, `${Math.round(100 * (r.share ?? 0))} %`));
    const texts = { new: "not analyzed", queued: "waits for its turn", failed: "failed", done: "" };
    return make("div", { class: `state ${r.state}` }, r.state === "done" ? "" : texts[r.state], r.error ? make("span", { class: "error" }, r.error) : null);
  }

  function card(r: Recording): HTMLElement {
    const facts = [r.seconds !== null ? clock(r.seconds) : "", size(r.bytes), r.persons ? `${r.persons} ${r.persons === 1 ? "person" : "persons"}` : "", r.state === "done" && r.label ? `mostly ${r.label.replace(/_/g, " ")}` : ""].filter(Boolean).join(" · ");
    const audio = r.kind.startsWith("audio/");
    const picture = make("div", { class: "picture" }, audio ? make("span", { "aria-hidden": "true" }, "♪") : make("img", { src: api(r.id, "picture"), alt: "", loading: "lazy", onerror: (e: Event) => { (e.target as HTMLElement).replaceWith(make("span", { "aria-hidden": "true" }, "♪")); } }));
    const name = r.state === "done" ? make("a", { href: address(r.id), class: "name" }, r.path) : make("span", { class: "name" }, r.path);
    const box = make("input", { type: "checkbox", "aria-label": `Choose ${r.path} for a comparison`, disabled: r.state !== "done" });
    box.checked = chosen.includes(r.id);
    box.addEventListener("change", () => {
      const at = chosen.indexOf(r.id);
      if (at >= 0) chosen.splice(at, 1); else chosen.push(r.id);
      if (chosen.length > 2) { const first = chosen.shift(); for (const other of list.querySelectorAll<HTMLElement>("li")) if (other.dataset.id === first) (other.querySelector("input") as HTMLInputElement).checked = false; }
      mark();
    });
    const button = r.state === "queued" || r.state === "running" ? make("button", { type: "button", class: "quiet", onclick: () => act(r.id, "DELETE") }, "Stop")
      : make("button", { type: "button", class: "quiet", onclick: () => act(r.id, "POST") }, r.state === "done" ? "Analyze again" : "Analyze");
    button.setAttribute("aria-label", `${button.textContent} ${r.path}`);
    return make("li", { class: "card", "data-id": r.id, "data-state": r.state }, picture, name, make("p", { class: "card-facts" }, facts), stateOf(r), make("div", { class: "card-tools" }, box, button));
  }

  function draw(): void {
    empty.hidden = recordings.length > 0;
    all.disabled = !recordings.some((r) => r.state === "new" || r.state === "failed");
    const focus = document.activeElement?.closest<HTMLElement>("li.card")?.dataset.id;
    list.replaceChildren(...recordings.map(card));
    if (focus) for (const one of list.querySelectorAll<HTMLElement>("li")) if (one.dataset.id === focus) (one.querySelector("button") as HTMLElement).focus();
    $("facts").textContent = `${recordings.length} ${recordings.length === 1 ? "recording" : "recordings"}`;
    document.documentElement.dataset.recordings = String(recordings.length);
  }
  async function load(): Promise<void> {
    recordings = (await ask<{ recordings: Recording[] }>("/api/recordings")).recordings;
    draw();
  }

  /* ---- new files ---- */
  async function upload(file: File): Promise<void> {
    const progress = make("progress", { max: 1, value: 0, "aria-label": `Adding ${file.name}` });
    const row = make("li", {}, make("span", {}, file.name), progress);
    uploads.append(row);
    let request: XMLHttpRequest; /* fetch does not say how far it is */
    for (;;) {
      request = new XMLHttpRequest();
      request.open("POST", `/api/recordings?${new URLSearchParams({ name: file.name })}`);
      request.upload.onprogress = (e) => { if (e.lengthComputable) progress.value = e.loaded / e.total; };
      await new Promise<void>((done) => { request.onloadend = () => done(); request.send(file); });
      if (request.status) break;
      /* Nobody took it to the end, and a part of it is not kept: once more from the begin. */
      await new Promise((done) => setTimeout(done, 300));
      await reached();
    }
    if (request.status === 200) row.remove();
    else {
      let why = `the server could not take it (${request.status})`;
      try { why = (JSON.parse(request.responseText) as { error: string }).error; } catch { /* none */ }
      row.replaceChildren(make("span", { class: "error" }, `${file.name}: ${why}`), make("button", { type: "button", class: "quiet", onclick: () => row.remove() }, "Close"));
      say(why);
    }
    await load();
  }
  const take = async (files: FileList | null | undefined) => { for (const file of files ?? []) await upload(file); };
  input.addEventListener("change", () => void take(input.files));
  const over = (e: DragEvent) => { e.preventDefault(); document.body.classList.toggle("dropping", e.type === "dragover"); if (e.type === "drop") void take(e.dataTransfer?.files); };
  for (const kind of ["dragover", "dragleave", "drop"] as const) document.addEventListener(kind, over);

  told = (message) => {
    const r = message ? recordings.find((one) => one.id === message.id) : undefined;
    if (message && message.type === "progress" && r) {
      r.share = Number(message.share);
      r.state = "running";
      for (const node of list.querySelectorAll<HTMLElement>("li")) if (node.dataset.id === r.id) {
        if (node.dataset.state === "running") node.querySelector(".state")!.replaceWith(stateOf(r));
        else draw();
      }
    } else void load().catch(fail);
  };
  if (!listening) { listening = true; listen("/ws/events", (m) => told(m), () => told(null)); }
  void load().catch(fail);
  return () => { told = () => {}; for (const kind of ["dragover", "dragleave", "drop"] as const) document.removeEventListener(kind, over); };
}
