/* A recording of 20 minutes opens in a second, and playing it costs at most 8 ms of script and layout a frame.
   The timeline is the fixture of the report's tests, the film a drawn one. usage: speed.mjs AFFECT ROOT MAKE_FIXTURE */
import { execFileSync } from 'node:child_process';
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { affect, browser, check, folder, main, open, serve, wait } from './harness.mjs';

const minutes = 20, makeFixture = process.argv[4];
const rank = (list, share) => [...list].sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * share))];

await main(async () => {
  execFileSync('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', `testsrc2=size=320x180:rate=25:duration=${minutes * 60}`, '-f', 'lavfi', '-i', `sine=duration=${minutes * 60}`,
    '-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '38', '-g', '50', '-c:a', 'aac', '-b:a', '32k', '-movflags', '+faststart', join(folder, 'long.mp4')]);
  const first = await serve();
  await fetch(`${first.address}api/recordings`);
  first.child.kill('SIGTERM');
  await first.ended;
  const where = join(folder, '.affect/recordings/long');
  mkdirSync(where, { recursive: true });
  execFileSync(makeFixture, ['long', join(where, 'timeline.json'), String(minutes / 60)]);
  execFileSync('/usr/bin/python3', ['-c', `import sqlite3; d = sqlite3.connect(${JSON.stringify(join(folder, '.affect/project.db'))}); d.execute("UPDATE recordings SET state='done', seconds=1200"); d.commit()`]);
  execFileSync(affect, ['report', join(where, 'timeline.json'), '-o', join(folder, '.whole'), '--format', 'html', '--quiet']);
  const server = await serve();
  await (await fetch(`${server.address}api/recordings/long/view`)).text(); /* an analysis makes it at its end */
  console.log(`timeline.json ${(statSync(join(where, 'timeline.json')).size / 1e6).toFixed(1)} MB, report.html ${(statSync(join(folder, '.whole/report.html')).size / 1e6).toFixed(1)} MB, view.json ${(statSync(join(where, 'view.json')).size / 1e6).toFixed(2)} MB`);
  const b = await browser();
  const context = await b.newContext({ viewport: { width: 1360, height: 900 } });
  /* From the begin of the navigation until the report is drawn. */
  await context.addInitScript(() => new MutationObserver(() => { if (document.documentElement?.dataset.ready) window.readyAt ??= performance.now(); }).observe(document, { attributes: true, subtree: true, attributeFilter: ['data-ready'] }));
  const loads = [];
  let page;
  for (let i = 0; i < 5; i++) {
    await page?.close();
    page = await open(context, `${server.address}recording/long`);
    await page.waitForSelector('[data-ready]');
    loads.push(Math.round(await page.evaluate(() => window.readyAt)));
  }
  console.log(`opening: ${loads.join(', ')} ms, median ${rank(loads, 0.5)} ms`);
  check(rank(loads, 0.5) < 1000, `a recording of ${minutes} minutes opens in ${rank(loads, 0.5)} ms`);

  /* closer: the stretch in view comes finer */
  await page.evaluate(() => window.affectReport.setView(300, 310));
  await wait(page, () => { const t = window.affectReport.data.tracks.find((k) => k.role === 'trajectory').t; return t.filter((x) => x > 300 && x < 310).length > 50; }, null, { timeout: 15000 });
  check(true, 'who looks closely gets the rows themselves');

  await page.evaluate(() => window.affectReport.setView(0, 60));
  await page.waitForTimeout(1500);
  await b.startTracing(page, { categories: ['devtools.timeline'] });
  await page.click('#play');
  await page.waitForTimeout(8000);
  const trace = JSON.parse((await b.stopTracing()).toString('utf8')).traceEvents;
  const main = trace.find((e) => e.name === 'FireAnimationFrame');
  const costs = new Map(['FireAnimationFrame', 'TimerFire', 'EventDispatch', 'UpdateLayoutTree', 'Layout'].map((name) => [name, []]));
  for (const e of trace) if (e.ph === 'X' && e.pid === main.pid && e.tid === main.tid && costs.has(e.name)) costs.get(e.name).push(e);
  const begins = trace.filter((e) => e.name === 'FireAnimationFrame' && e.tid === main.tid && e.pid === main.pid).map((e) => e.ts).sort((x, y) => x - y);
  const frames = begins.slice(0, -1).map((from, i) => {
    /* what is inside of a counted event is counted with it */
    const inside = [...costs.values()].flat().filter((e) => e.ts >= from && e.ts < begins[i + 1]).sort((x, y) => x.ts - y.ts);
    let end = 0, sum = 0;
    for (const e of inside) if (e.ts >= end) { sum += e.dur; end = e.ts + e.dur; }
    return sum / 1000;
  });
  console.log(`${frames.length} frames; script and layout a frame: median ${rank(frames, 0.5).toFixed(2)} ms, p95 ${rank(frames, 0.95).toFixed(2)} ms`);
  check(frames.length > 60 && rank(frames, 0.95) <= 8, `p95 of a frame ${rank(frames, 0.95).toFixed(2)} ms`);
  check(page.problems.length === 0, `no problem ${page.problems}`);
});
