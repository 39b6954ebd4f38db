/* For who runs a study: raters' links, how far they are, gold standards with bands, agreement, what is odd, exports. */
import { ask } from "./reach";
import { clock, make } from "./tools";

interface Study { name: string; dimensions?: { name: string }[]; recordings?: { id: string }[]; raters: [string, string][]; traces: [string, string, string, number, number][]; reactions: [string, number, number][]; }
interface Gold {
  method: string;
  gold: [number, number | null, number | null][]; traces: Record<string, [number, number | null][]>;
  raters: { name: string; lag_s: number | null; reliability: number | null }[];
  agreement?: { before: Record<string, number | null>; after: Record<string, number | null> };
  ask?: [number, number, number | null, number | null, number | null][]; apart?: [number, number, number | null, number | null, number | null][];
  findings: { rater: string; finding: string; from_s: number; to_s: number; value: number }[];
}

const number = (x: number | null | undefined): string => x === null || x === undefined ? "–" : x.toFixed(2);

function plot(gold: Gold): SVGSVGElement {
  const names = "http://www.w3.org/2000/svg", svg = document.createElementNS(names, "svg"), w = 1000, h = 260;
  const all = [...Object.values(gold.traces).flat(), ...gold.gold.flatMap(([t, v, sd]): [number, number | null][] => v === null ? [] : [[t, v - 1.96 * (sd ?? 0)], [t, v + 1.96 * (sd ?? 0)]])]
    .filter((p): p is [number, number] => p[1] !== null);
  const end = Math.max(1, ...all.map((p) => p[0])), low = Math.min(...all.map((p) => p[1])), high = Math.max(...all.map((p) => p[1]));
  const x = (t: number): string => (t / end * w).toFixed(1), y = (v: number): string => (h - 8 - (v - low) / (high - low || 1) * (h - 16)).toFixed(1);
  svg.setAttribute("viewBox", `0 0 ${w} ${h}`);
  svg.setAttribute("class", "plot");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", "Raters' traces and the gold standard with its band of 95 %");
  const add = (tag: string, attributes: Record<string, string>): void => {
    const node = document.createElementNS(names, tag);
    for (const [k, v] of Object.entries(attributes)) node.setAttribute(k, v);
    svg.append(node);
  };
  const known = gold.gold.filter((g): g is [number, number, number | null] => g[1] !== null);
  if (known.length) add("polygon", { points: [...known.map(([t, v, sd]) => `${x(t)},${y(v + 1.96 * (sd ?? 0))}`), ...known.reverse().map(([t, v, sd]) => `${x(t)},${y(v - 1.96 * (sd ?? 0))}`)].join(" "), fill: "var(--accent)", opacity: ".22" });
  known.reverse();
  for (const points of Object.values(gold.traces))
    add("polyline", { points: points.filter((p) => p[1] !== null).map(([t, v]) => `${x(t)},${y(v ?? 0)}`).join(" "), fill: "none", stroke: "var(--muted)", "stroke-width": "1", "vector-effect": "non-scaling-stroke" });
  if (known.length) add("polyline", { points: known.map(([t, v]) => `${x(t)},${y(v)}`).join(" "), fill: "none", stroke: "var(--accent)", "stroke-width": "2.5", "vector-effect": "non-scaling-stroke" });
  return svg;
}

/* How far the raters lie apart, second by second: a strip, darker where more. */
function apart(gold: Gold): HTMLElement {
  const strip = make("div", { class: "apart", role: "img", "aria-label": "Where raters lie apart: the darker, the farther" });
  const seconds = (gold.apart ?? []).filter((s) => s[3] !== null), end = Math.max(1, ...(gold.apart ?? []).map((s) => s[1])), most = Math.max(1e-9, ...seconds.map((s) => s[3] ?? 0));
  for (const [from, to, , spread] of seconds) {
    const node = make("i", { title: `${clock(from)}: ${number(spread)} apart` });
    node.style.left = `${from / end * 100}%`;
    node.style.width = `${(to - from) / end * 100 + .1}%`;
    node.style.opacity = String((spread ?? 0) / most);
    strip.append(node);
  }
  return strip;
}

export function showStudy(main: HTMLElement): void {
  ask<Study>("/api/study").then((study) => {
    const recording = make("select", { class: "field", "aria-label": "Recording" }, ...(study.recordings ?? []).map((r) => make("option", {}, r.id))) as HTMLSelectElement;
    const dimension = make("select", { class: "field", "aria-label": "Dimension" }, ...(study.dimensions ?? []).map((d) => make("option", {}, d.name))) as HTMLSelectElement;
    const result = make("div", { class: "result" });
    const show = (): void => {
      ask<Gold>(`/api/study/gold?recording=${encodeURIComponent(recording.value)}&dimension=${encodeURIComponent(dimension.value)}`).then((gold) => {
        const lines = (["pairwise_ccc", "alpha", "icc21", "icc2k"] as const).map((k) => `${k.replace("_", " ")} ${number(gold.agreement?.before[k])}, lags taken off ${number(gold.agreement?.after[k])}`);
        const all = [...Object.values(gold.traces).flat()].filter((p): p is [number, number] => p[1] !== null);
        const facts = all.length ? `From 0:00 to ${clock(Math.max(...all.map((p) => p[0])))}, from ${number(Math.min(...all.map((p) => p[1])))} to ${number(Math.max(...all.map((p) => p[1])))}. ` : "";
        result.replaceChildren(...[plot(gold), apart(gold), make("p", {}, `${facts}Gold standard by ${gold.method}, with its band of 95 %; below, where the raters lie apart.`),
          gold.ask?.length ? make("p", { id: "ask" }, "Ask another rater here: ", gold.ask.map(([from, to, sd, , more]) => `${clock(from)} to ${clock(to)} (deviation ${number(sd)}${more === null ? "" : `, with one more ${number(more)}`})`).join(", ")) : null, make("p", { class: "agreement" }, gold.agreement ? lines.join(" · ") : "Agreement wants two raters."),
          make("ul", {}, ...gold.raters.map((r) => make("li", {}, `${r.name}: lag ${number(r.lag_s)} s, reliability ${number(r.reliability)}`)),
            ...gold.findings.map((f) => make("li", { class: "error" }, `${f.rater}: ${f.finding}, ${clock(f.from_s)} to ${clock(f.to_s)} (${number(f.value)})`)))].filter((node): node is HTMLElement | SVGSVGElement => node !== null));
        result.dataset.ready = "yes";
      }, (e: Error) => result.replaceChildren(make("p", {}, e.message)));
    };
    recording.addEventListener("change", show);
    dimension.addEventListener("change", show);
    const done = (label: string): string => {
      const own = study.traces.filter((t) => t[0] === label);
      return `${own.filter((t) => t[3]).length} traces done, ${own.reduce((n, t) => n + t[4], 0)} samples`;
    };
    main.replaceChildren(make("h2", {}, study.name), make("p", {}, "Give each rater one of these links. They hold no name, and show nothing of what others or a model said."),
      make("table", { class: "links" }, make("tbody", {}, ...study.raters.map(([label, token]) => make("tr", {}, make("td", {}, label), make("td", {}, make("a", { href: `/rate?rater=${token}` }, `/rate?rater=${token.slice(0, 6)}…`)),
        make("td", {}, done(label)), make("td", {}, study.reactions.filter((r) => r[0] === label).map((r) => `reaction ${number(r[2])} s`).join("")))))),
      make("h2", {}, "Gold standard"), make("div", { class: "bar-line" }, recording, dimension, make("button", { type: "button", class: "quiet", onclick: show }, "Again")), result,
      make("p", { class: "exports" }, "Download: ", make("a", { href: "/api/study/annotations" }, "annotations (JSON)"), " · ", make("a", { href: "/api/study/reactions" }, "reaction times (CSV)")));
    show();
  }, (e: Error) => main.replaceChildren(make("p", {}, e.message)));
}
