/* What the page says in sentences: claims with their verdicts, answers to questions, and the evidence that both rest on,
   as things to click on and as a graph. Times in seconds. */
import type { Account, Answer, Claim, LinkRow } from "./data";

/* What there is to cite, as the page has it. */
export interface Node { id: string; lane: string; label: string; t0: number; at: number; t1: number; strength: number | null; person: number; colour: string }
export interface Page {
  make(tag: string, attributes?: Record<string, any>, ...children: any[]): any;
  clock(t: number, decimals?: number): string;
  percent(x: number): string;
  esc(text: string): string;
  textWidth(text: string, size?: number): number;
  node(id: string): Node | undefined;
  nameOf(person: number): string;
  persons: number[];
  links: LinkRow[];
  show(node: Node): void; /* there, and marked in the timeline */
}

const LANES = ["episodes", "face", "voice", "words"];
const VERDICTS: Record<string, [string, string]> = { /* sign, what it means */
  supported: ["✓", "the timeline shows it"],
  contradicted: ["✗", "the timeline says otherwise"],
  unsupported: ["?", "nothing that is cited shows it"],
  uncheckable: ["–", "the timeline has not what it would take"],
};
const LINKS: Record<string, string> = { matches: "matches", contradicts: "against", causes: "may cause", leads: "leads", parent: "part of" };
const SAID: Record<string, string> = { cause: "causes", contradiction: "contradicts", lag: "matches", order: "leads" }; /* a claim of two things ties them */
const AT_ONCE = 40; /* paragraphs */

interface Paragraph { claims: Claim[]; ids: string[]; node?: any }

export function buildAccount(account: Account, page: Page): void {
  const { make, clock, percent } = page;
  const $ = (id: string): any => document.getElementById(id);
  const paragraphs: Paragraph[] = [];
  for (const claim of account.claims) {
    if (!paragraphs.length || claim.kind === "state") paragraphs.push({ claims: [], ids: [] });
    const last = paragraphs[paragraphs.length - 1];
    last.claims.push(claim);
    for (const id of claim.evidence) if (!last.ids.includes(id)) last.ids.push(id);
  }
  let shown: Paragraph | null = null, lit: string[] = [];

  /* ---- evidence to click on ---- */

  function chip(id: string) {
    const n = page.node(id);
    if (!n) return make("span", { class: "chip gone", title: "the timeline has no such thing" }, id);
    const text = n.label.length > 34 ? `${n.label.slice(0, 32).trimEnd()}…` : n.label;
    const button = make("button", { type: "button", class: `chip m-${n.lane === "episodes" ? "fused" : n.lane}`, "data-id": id, title: `${id}, ${clock(n.t0, 1)} – ${clock(n.t1, 1)}`,
      "aria-label": `${text} ${clock(n.at, 1)}, go there` }, make("b", { dir: "auto" }, text), ` ${clock(n.at, 1)}`);
    button.addEventListener("click", () => page.show(n));
    return button;
  }
  const chips = (ids: string[]) => make("span", { class: "chips" }, ...ids.map(chip));

  /* Without the lists of ids: they stand below as things to click on. */
  const spoken = (a: Answer) => a.text.replace(/ ?\[([^\]]*)\]/g, (all, ids) => (ids.split(", ").every((id: string) => a.evidence.includes(id)) ? "" : all));

  /* ---- the graph: time to the right, a lane a modality ---- */

  function drawGraph() {
    const svg = $("evidence");
    const near = new Set(shown ? shown.ids : []), links = shown ? page.links.filter(([from, to, kind]) => LINKS[kind] && (near.has(from) || near.has(to))).slice(0, 60) : [];
    for (const claim of shown ? shown.claims : []) { /* and what the sentences themselves tie */
      const kind = SAID[claim.kind], [from, to] = claim.evidence;
      if (kind && to !== undefined && !links.some(([a, b, k]) => k === kind && ((a === from && b === to) || (a === to && b === from)))) links.push([from, to, kind, null, null, null]);
    }
    const more = new Set(links.flatMap(([from, to]) => [from, to]));
    const nodes = [...new Set([...near, ...more])].map(page.node).filter((n): n is Node => Boolean(n)).slice(0, 60);
    svg.parentElement.hidden = !nodes.length;
    if (!nodes.length) return;
    const wide = Math.max(260, svg.clientWidth || 520), left = 62, right = 14, laneHeight = 64;
    const lanes = LANES.filter((lane) => nodes.some((n) => n.lane === lane));
    const t0 = Math.min(...nodes.map((n) => n.t0)), t1 = Math.max(...nodes.map((n) => n.t1), t0 + 0.1);
    const X = (t: number) => left + ((t - t0) / (t1 - t0)) * (wide - left - right), Y = (lane: string) => 24 + lanes.indexOf(lane) * laneHeight;
    const height = lanes.length * laneHeight + 12, r = (x: number) => Math.round(x * 10) / 10;
    const place = new Map<string, [number, number]>(); /* events that would lie on each other stand below each other */
    const taken: { lane: string; step: number; from: number; to: number }[] = [];
    const short = (n: Node) => (n.label.length > 18 ? `${n.label.slice(0, 16).trimEnd()}…` : n.label);
    for (const n of [...nodes].sort((a, b) => a.at - b.at)) {
      const x = n.lane === "episodes" ? (X(n.t0) + X(n.t1)) / 2 : X(n.at);
      let step = 0;
      const text = n.lane === "episodes" ? 0 : page.textWidth(short(n)) + 16, back = x + text > wide; /* its label stands left of it */
      const from = n.lane === "episodes" ? X(n.t0) + 3 : back ? x - text : x - 7, to = n.lane === "episodes" ? X(n.t1) - 3 : back ? x + 7 : x + text;
      while (step < 2 && taken.some((other) => other.lane === n.lane && other.step === step && other.from < to && from < other.to)) step++;
      taken.push({ lane: n.lane, step, from, to });
      place.set(n.id, [x, Y(n.lane) + step * 17]);
    }
    let out = lanes.map((lane) => `<path class="lane" d="M${left - 8} ${Y(lane) + 22}H${wide}"/><text class="lane-name m-${lane === "episodes" ? "fused" : lane}" x="0" y="${Y(lane) + 4}">${lane}</text>`).join("");
    for (const [from, to, kind, , , score] of links) {
      const a = place.get(from), b = place.get(to);
      if (!a || !b) continue;
      const on = lit.includes(from) && lit.includes(to), middle = (a[0] + b[0]) / 2, bend = a[1] === b[1] ? -16 : 0;
      out += `<g class="tie ${kind}${on ? " on" : ""}"><path d="M${r(a[0])} ${r(a[1])}Q${r(middle)} ${r((a[1] + b[1]) / 2 + bend)} ${r(b[0])} ${r(b[1])}" stroke-width="${r(1 + 2 * (score ?? 0.5))}"/>` +
        `<title>${page.esc(LINKS[kind])}${score === null ? "" : `, ${percent(score)}`}</title></g>`;
    }
    for (const n of nodes) {
      const [x, y] = place.get(n.id)!, cited = near.has(n.id), on = lit.includes(n.id);
      const classes = `dot m-${n.lane === "episodes" ? "fused" : n.lane}${cited ? "" : " beside"}${on ? " on" : ""}`;
      const label = short(n), end = x + 16 + page.textWidth(label) > wide;
      out += n.lane === "episodes"
        ? `<g class="${classes}" data-id="${page.esc(n.id)}" style="--c:${n.colour}"><rect x="${r(X(n.t0))}" y="${y - 8}" width="${r(Math.max(X(n.t1) - X(n.t0) - 2, 3))}" height="16" rx="3"/><text x="${r(X(n.t0) + 6)}" y="${y + 4}">${page.textWidth(label) + 10 < X(n.t1) - X(n.t0) ? page.esc(label) : ""}</text>`
        : `<g class="${classes}" data-id="${page.esc(n.id)}"><circle cx="${r(x)}" cy="${y}" r="${r(3.5 + 3 * (n.strength ?? 0.5))}"/><text x="${r(end ? x - 9 : x + 9)}" y="${y + 4}"${end ? ' text-anchor="end"' : ""}>${page.esc(label)}</text>`;
      out += `<title>${page.esc(`${n.id}: ${n.label}, ${clock(n.t0, 1)} – ${clock(n.t1, 1)}`)}</title></g>`;
    }
    svg.setAttribute("viewBox", `0 0 ${wide} ${height}`);
    svg.style.height = `${height}px`;
    svg.innerHTML = out;
    const kinds = new Set(links.map(([, , kind]) => kind));
    $("evidence-note").textContent = `${clock(t0, 1)} – ${clock(t1, 1)}` + [...kinds].map((kind) => ` · ${kind === "contradicts" ? "dashed" : kind === "causes" ? "dotted" : "line"}: ${LINKS[kind]}`).join("");
  }

  function choose(paragraph: Paragraph, ids: string[]) {
    if (paragraph === shown && ids.join() === lit.join()) return;
    shown?.node?.classList.remove("on");
    shown = paragraph;
    lit = ids;
    paragraph.node?.classList.add("on");
    drawGraph();
  }

  /* ---- claims and answers ---- */

  function claimNode(paragraph: Paragraph, claim: Claim) {
    const [sign, means] = VERDICTS[claim.verdict] ?? ["", ""];
    const li = make("li", { class: `claim ${claim.verdict}` }, make("span", { class: "sign", role: "img", "aria-label": claim.verdict, title: `${claim.verdict}: ${means}` }, sign),
      make("div", {}, make("p", { dir: "auto" }, claim.text), ...(claim.reason ? [make("p", { class: "reason" }, make("b", {}, claim.verdict), `: ${claim.reason}`)] : []), chips(claim.evidence)));
    for (const kind of ["pointerenter", "focusin"]) li.addEventListener(kind, () => choose(paragraph, claim.evidence));
    return li;
  }

  function paragraphNode(p: Paragraph) {
    const person = p.claims[0].person, t0 = Math.min(...p.claims.map((c) => c.t0)) / 1000;
    const state = p.claims[0].evidence.map(page.node).find((n) => n && n.lane === "episodes");
    const head = make("h3", {}, ...(state ? [make("span", { class: "swatch", style: `--c:${state.colour}` })] : []),
      [page.persons.length > 1 && person > 0 ? page.nameOf(person) : "", clock(state ? state.t0 : t0, 1)].filter(Boolean).join(", "));
    p.node = make("article", { class: "paragraph" }, head, make("ul", {}, ...p.claims.map((c) => claimNode(p, c))));
    return p.node;
  }

  function showClaims(only: string, all: boolean) {
    const list = only ? paragraphs.map((p) => ({ ...p, claims: p.claims.filter((c) => c.verdict === only) })).filter((p) => p.claims.length) : paragraphs;
    const some = all ? list : list.slice(0, AT_ONCE);
    $("claims").replaceChildren(...some.map(paragraphNode));
    if (some.length < list.length)
      $("claims").append(make("button", { type: "button", class: "quiet", onclick: () => showClaims(only, true) }, `Show all ${list.length} paragraphs`));
    if (account.count > account.claims.length)
      $("claims").append(make("p", { class: "note" }, `The first ${account.claims.length} of ${account.count} claims; explanation.json has all.`));
    for (const button of $("verdicts").children) button.setAttribute("aria-pressed", String(button.dataset.verdict === only));
    shown = null;
    if (some.length) choose(some[0], []);
    else drawGraph();
  }

  $("account").hidden = !account.claims.length && !account.answers.length;
  if ($("account").hidden) return;
  $("answers").replaceChildren(...account.answers.map((a) => make("article", { class: `answer${a.refused ? " refused" : ""}` }, make("h3", { dir: "auto" }, a.question),
    make("p", { dir: "auto" }, spoken(a)), ...(a.confidence === null ? [] : [make("p", { class: "reason" }, `how sure: ${percent(a.confidence)}`)]), chips(a.evidence))));
  $("account-title").textContent = account.own ? "What was expressed, and on what evidence" : "An explanation, checked";
  const counts = Object.keys(VERDICTS).map((v) => [v, account.claims.filter((c) => c.verdict === v).length] as [string, number]).filter(([, n]) => n);
  let pressed = "";
  $("verdicts").replaceChildren(...counts.map(([v, n]) => make("button", { type: "button", class: `quiet ${v}`, "data-verdict": v, "aria-pressed": "false", title: VERDICTS[v][1],
    onclick: () => { pressed = pressed === v ? "" : v; showClaims(pressed, false); } }, `${VERDICTS[v][0]} ${n} ${v}`)));
  $("account-facts").textContent = [account.faithfulness === null ? "" : `${percent(account.faithfulness)} of the claims hold`,
    account.utilisation === null ? "" : `${percent(account.utilisation)} of the strong events are cited`].filter(Boolean).join(" · ");
  showClaims("", false);
  $("evidence").addEventListener("click", (e: any) => {
    const n = page.node(e.target.closest("[data-id]")?.dataset.id ?? "");
    if (n) page.show(n);
  });
  let wide = 0; /* drawn anew where its room changes */
  new ResizeObserver(() => { const w = $("evidence").clientWidth; if (w && w !== wide) { wide = w; drawGraph(); } }).observe($("evidence"));
}
