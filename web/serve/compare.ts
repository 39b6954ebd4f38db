/* Two recordings beside each other: each the page of its own, played and moved together. */
import { $, clock, make, setUpTheme } from "./tools";

interface View { data: { duration: number; title: string }; play(): void; pause(): void; seek(t: number): void; position(): number; player: { playing: boolean } }
type Inside = Window & { affectReport?: View };

const wanted = new URLSearchParams(location.search);
setUpTheme($("theme"));
$("title").textContent = "Two recordings";
$("pages").append(make("a", { href: "/#recordings" }, "All recordings"));
const frames = ["a", "b"].map((key) => {
  const id = wanted.get(key) ?? "";
  return make("iframe", { src: `/recording/${encodeURIComponent(id)}?inside`, title: `Recording ${id}`, class: "side" });
});
const views = () => frames.map((f) => (f.contentWindow as Inside | null)?.affectReport).filter((v): v is View => Boolean(v));
const position = make("input", { type: "range", min: 0, max: 1000, value: 0, class: "wide", "aria-label": "Position in both", id: "both" });
const time = make("output", { class: "clock" }, "0:00");
const button = make("button", { type: "button", class: "button", id: "play-both" }, "Play both");
const longest = () => Math.max(...views().map((v) => v.data.duration), 0.001);
button.addEventListener("click", () => {
  const on = views().some((v) => v.player.playing);
  for (const v of views()) if (on) v.pause(); else v.play();
  button.textContent = on ? "Play both" : "Pause both";
});
position.addEventListener("input", () => {
  const t = (Number(position.value) / 1000) * longest();
  for (const v of views()) v.seek(Math.min(t, v.data.duration));
});
setInterval(() => {
  const all = views();
  if (!all.length) return;
  const t = Math.max(...all.map((v) => v.position()));
  time.textContent = clock(t);
  if (document.activeElement !== position) position.value = String(Math.round((1000 * t) / longest()));
  document.documentElement.dataset.ready = String(all.length);
}, 200);
$("main").append(make("div", { class: "bar-line" }, button, position, time), make("div", { class: "sides" }, ...frames));
