/* The way to the server: requests, sockets, media. While nobody answers, a line on the page says so in plain words; what was
   asked waits, and goes on by itself when somebody answers again, so nothing that was typed or traced is lost. */
import { make, say } from "./tools";

const GONE = "The server does not answer: it was stopped, or is starting again (affect serve starts it). What you typed or traced stays here and is sent when it answers; leave this page open.";
const BUSY = "The server has more to do than it can. This page tries again by itself.";

const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));
const line = make("p", { class: "away", id: "away", role: "alert", hidden: true });

function tell(text: string): void {
  if (line.textContent !== text) line.textContent = text;
  line.hidden = !text;
  if (text && !line.isConnected) document.body.prepend(line);
  if (text) document.documentElement.dataset.away = "yes"; else delete document.documentElement.dataset.away;
}

/* Any answer of it counts; this file is given to everybody, raters too. */
async function answered(): Promise<boolean> {
  try { return (await fetch("/app.css", { cache: "no-store" })).status < 500; } catch { return false; }
}

let again: Promise<void> | null = null;

/* Ends when the server answers, at once where it does. Whoever finds nobody there calls it. */
export function reached(): Promise<void> {
  again ??= (async () => {
    for (let wait = 300; !await answered(); wait = Math.min(wait * 1.5, 3000)) { tell(GONE); await pause(wait); }
    if (!line.hidden) { tell(""); say("The server answers again."); setTimeout(() => say(""), 4000); }
    again = null;
  })();
  return again;
}

/* A link to a server that is gone would replace the page by the browser's own error, and with it what was typed. */
document.addEventListener("click", (e) => {
  const link = (e.target as Element | null)?.closest?.("a[href]") as HTMLAnchorElement | null;
  if (!link || line.hidden || link.getAttribute("href")?.startsWith("#")) return;
  e.preventDefault();
  say("The server does not answer yet: links work when it does.");
}, true);

/* JSON of an address of ours; the server's own sentence where it refuses. A request that nobody answered is made again, except
   where it must not be made twice (`once`): then it is said that it may have been done. */
export async function ask<T>(path: string, options: RequestInit = {}, once = false): Promise<T> {
  for (let tries = 0; ; tries++) {
    let response: Response, text: string;
    try { response = await fetch(path, options); text = await response.text(); }
    catch {
      await reached();
      if (once) throw new Error("The server was away, so it is not sure whether this was done. It answers again: please look, and try again.");
      await pause(Math.min(tries * 200, 2000));
      continue;
    }
    if (response.status === 503) { tell(BUSY); await pause(500 + 500 * Math.random()); continue; }
    if (line.textContent === BUSY) tell("");
    let body: unknown = null;
    try { body = JSON.parse(text); } catch { /* said below */ }
    if (!response.ok) throw new Error((body as { error?: string } | null)?.error ?? `The server could not do this: its answer was only the number ${response.status}.`);
    return body as T;
  }
}

export const post = <T>(path: string, body: unknown, method = "POST"): Promise<T> =>
  ask<T>(path, { method, headers: { "content-type": "application/json" }, body: JSON.stringify(body) });

/* A socket that is opened again when it breaks; `back` is called when it is open (again). */
export function listen(path: string, message: (data: Record<string, unknown>) => void, back: () => void): void {
  const open = () => {
    const socket = new WebSocket(`ws://${location.host}${path}`);
    socket.onopen = back;
    socket.onmessage = (e) => message(JSON.parse(String(e.data)) as Record<string, unknown>);
    socket.onclose = () => void pause(250).then(reached).then(open);
  };
  open();
}

/* A recording whose bytes stopped coming goes on where it was when the server answers again. `broken` is told where it
   is the recording itself that cannot be played. */
export function keepPlaying(media: HTMLMediaElement, broken: () => void = () => {}): void {
  let at = 0, playing = false, tries = 0;
  media.addEventListener("timeupdate", () => { if (media.readyState > 0 && !media.error) { at = media.currentTime; tries = 0; } });
  media.addEventListener("play", () => { playing = true; });
  media.addEventListener("pause", () => { playing = false; });
  media.addEventListener("error", () => {
    if (!media.error) return;
    void answered().then(async (there) => {
      if (there && (media.error?.code !== MediaError.MEDIA_ERR_NETWORK && !at || tries++ > 5)) { broken(); return; }
      await pause(200);
      await reached();
      media.addEventListener("loadedmetadata", () => { media.currentTime = at; if (playing) void media.play(); }, { once: true });
      media.load();
    });
  });
}
