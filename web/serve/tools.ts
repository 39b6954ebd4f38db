/* What every part of the served page uses: nodes, times as text, the theme. The way to the server is reach.ts. */

export type Child = Node | string | null;

/* An element with attributes; what begins with "on" is a listener. */
export function make<K extends keyof HTMLElementTagNameMap>(tag: K, attributes: Record<string, unknown> = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value as EventListener);
    else if (key === "class") node.className = String(value);
    else if (value === true) node.setAttribute(key, "");
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(key, String(value));
  }
  node.append(...children.filter((child): child is Node | string => child !== null));
  return node;
}

export const $ = (id: string): HTMLElement => document.getElementById(id) as HTMLElement;

/* A line that a screen reader says, too. */
export function say(text: string): void {
  let line = document.getElementById("said");
  if (!line) document.body.append(line = make("p", { class: "notice", id: "said", role: "status", "aria-live": "polite" }));
  line.textContent = text;
}

export function clock(t: number): string {
  const s = Math.max(0, Math.round(t)), two = (n: number) => String(n).padStart(2, "0");
  const h = Math.floor(s / 3600), m = Math.floor(s / 60) % 60;
  return (h ? `${h}:${two(m)}` : String(m)) + `:${two(s % 60)}`;
}

/* ---- theme: the system's, or the one that was chosen here, as the report page does it ---- */

const dark = window.matchMedia("(prefers-color-scheme: dark)");
const stored = (): string | null => { try { return localStorage.getItem("affect-theme"); } catch { return null; } };

export function setUpTheme(button: HTMLElement): void {
  const set = (theme: string) => {
    document.documentElement.dataset.theme = theme;
    button.textContent = theme === "dark" ? "Light" : "Dark";
  };
  set(stored() ?? (dark.matches ? "dark" : "light"));
  dark.addEventListener("change", () => { if (!stored()) set(dark.matches ? "dark" : "light"); });
  button.addEventListener("click", () => {
    const next = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    set(next);
    try { localStorage.setItem("affect-theme", next); } catch { /* no storage */ }
  });
}
