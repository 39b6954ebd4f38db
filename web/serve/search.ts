/* Where something was expressed, said or done, over all recordings. */
import { ask } from "./reach";
import { $, clock, make, say } from "./tools";

interface Find { recording: string; path: string; what: string; id: string; person: number; t0: number; t1: number; score: number | null; text: string; with: string }

export function showSearch(main: HTMLElement): void {
  const field = make("input", { type: "search", id: "q", name: "q", autocomplete: "off", class: "field", "aria-describedby": "q-help" });
  const results = make("ol", { class: "finds", id: "finds" });
  const form = make("form", { role: "search", class: "bar-line" }, make("label", { for: "q" }, "Search"), field, make("button", { class: "button" }, "Find"));
  main.append(form, make("p", { class: "note", id: "q-help" }, "A label (anger), words that were said, or an event (smile); several at the same time with “with”: anger with smile."), results);
  form.addEventListener("submit", (e) => {
    e.preventDefault();
    const q = field.value.trim();
    if (!q) return;
    ask<{ finds: Find[]; most: number }>(`/api/search?${new URLSearchParams({ q })}`).then(({ finds, most }) => {
      results.replaceChildren(...finds.map((f) => make("li", {},
        make("a", { href: `/recording/${encodeURIComponent(f.recording)}#t=${Math.max(0, f.t0).toFixed(2)}` }, `${f.path}, ${clock(f.t0)}`),
        make("span", { class: "found" }, f.what === "words" ? `“${f.text}”` : f.text), f.with ? make("span", { class: "found with" }, `with ${f.with}`) : null,
        make("span", { class: "who" }, f.person > 0 ? `person ${f.person}` : ""))));
      const text = finds.length ? `${finds.length}${finds.length === most ? " and more" : ""} found` : "Nothing was found";
      $("facts").textContent = text;
      say(text);
    }, (error: Error) => say(error.message));
  });
  field.focus();
}
