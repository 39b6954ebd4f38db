/* What every part of the served page uses: nodes, requests, the sockets' messages, times as text. */

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
export function say(text: string): void { $("said").textContent = text; }

/* JSON of an address of ours; the server's own sentence where it refuses. */
export async function ask<T>(path: string, options: RequestInit = {}): Promise<T> {
  const response = await fetch(path, options);
  const text = await response.text();
  let body: unknown = null;
  try { body = JSON.parse(text); } catch { /* said below */ }
  if (!response.ok) throw new Error((body as { error?: string } | null)?.error ?? `the server answered ${response.status}`);
  return body as T;
}

export const post = <T>(path: string, body: unknown, method = "POST"): Promise<T> =>
  ask<T>(path, { method, headers: { "content-type": "application/json" }, body: JSON.stringify(body) });

/* A socket that is opened again when it breaks; `back` is called when it is open (again). */
export function listen(path: string, message: (data: Record<string, unknown>) => void, back: () => void): void {
  let wait = 250;
  const open = () => {
    const socket = new WebSocket(`ws://${location.host}${path}`);
    socket.onopen = () => { wait = 250; back(); };
    socket.onmessage = (e) => message(JSON.parse(String(e.data)) as Record<string, unknown>);
    socket.onclose = () => { setTimeout(open, wait); wait = Math.min(wait * 2, 5000); };
  };
  open();
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
