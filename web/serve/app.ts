/* The served page. Each entry of `pages` is a view with an address of its own ("#live"). */
import { showLive } from "./live";
import { showRecordings } from "./recordings";
import { showSearch } from "./search";
import { showStudy } from "./study";
import { ask } from "./reach";
import { $, make, say, setUpTheme } from "./tools";

interface Page {
  name: string;
  title: string;
  show: (main: HTMLElement) => void | (() => void); /* what it returns is called when it is left */
}

const pages: Page[] = [
  { name: "recordings", title: "Recordings", show: showRecordings },
  { name: "live", title: "Live", show: showLive },
  { name: "search", title: "Search", show: showSearch },
  { name: "study", title: "Study", show: showStudy },
];

let leave: void | (() => void);

function show(): void {
  const name = location.hash.slice(1).split("?")[0] || pages[0].name;
  if (name === "main") return; /* the skip link */
  const page = pages.find((p) => p.name === name) ?? pages[0];
  if (leave) leave();
  $("main").replaceChildren();
  $("facts").textContent = "";
  $("title").textContent = page.title;
  document.title = `${page.title} · affect`;
  $("pages").replaceChildren(...pages.map((p) => make("a", { href: `#${p.name}`, "aria-current": p === page ? "page" : null }, p.title)));
  leave = page.show($("main"));
  document.documentElement.dataset.page = page.name;
}

setUpTheme($("theme"));
window.addEventListener("hashchange", show);
show();
ask<{ name: string }>("/api/project").then((project) => { document.title = `${project.name} · affect`; document.documentElement.dataset.ready = "yes"; }, (e: Error) => say(e.message));
