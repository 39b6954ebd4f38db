/* report.html: the data are in the page. */
import type { Data } from "./data";
import { report } from "./page";

const data = JSON.parse(document.getElementById("data")!.textContent!) as Data;
Object.assign(window, { affectReport: report(data) });
