/* Two raters in a browser: reaction task, slider and plane by pointer and keys, a server that is killed while one traces, intervals by
   hot keys, comparisons; then the study's own page with gold standard and agreement. */
import { execFileSync, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { accessible, affect, atEnd, browser, check, folder, main, open, shot, skip } from './harness.mjs';

try { execFileSync('ffmpeg', ['-nostdin', '-v', 'error', '-y', '-f', 'lavfi', '-i', 'testsrc=size=320x240:rate=25', '-f', 'lavfi', '-i', 'sine=frequency=300', '-t', '5', '-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8', '-b:v', '300k', '-c:a', 'libvorbis', join(folder, 'clip.webm')]); }
catch { skip('no ffmpeg that writes WebM'); }
writeFileSync(join(folder, 'study.json'), JSON.stringify({ schema: 'affect-study/1', name: 'Two raters', raters: 2, recordings: [{ id: 'clip', file: 'clip.webm', persons: ['a'] }],
  dimensions: [{ name: 'arousal', tool: 'slider' }, { name: 'valence', tool: 'plane' }, { name: 'dominance', tool: 'plane' }], labels: [{ name: 'smile', key: 'q' }, { name: 'frown', key: 'e' }],
  comparisons: [{ dimension: 'arousal', recording: 'clip', a: [0, 1], b: [2, 3] }] }));

let child;
async function start(port = 0) {
  child = spawn(affect, ['annotate', '--port', String(port), join(folder, 'study.json')], { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '', err = '';
  child.stderr.on('data', (d) => { err += d; });
  return new Promise((done, fail) => {
    child.stdout.on('data', (d) => { out += d; if (out.includes('\n')) done(out.split('\n')[0]); });
    child.on('exit', (code) => { if (!out) fail(new Error(`ended with ${code}: ${err}`)); });
  });
}
atEnd(() => child.kill('SIGTERM'));

/* Follows the jumping bar with the pointer. */
async function react(page) {
  await page.click('text=Begin');
  const box = await (await page.waitForSelector('canvas.instrument')).boundingBox();
  for (let i = 0; i < 400 && await page.$('.target'); i++) {
    const top = await page.$eval('.target', (n) => parseFloat(n.style.top || '50')).catch(() => null);
    if (top === null) break;
    await page.mouse.move(box.x + box.width / 2, box.y + box.height * top / 100);
    await page.waitForTimeout(60);
  }
}

await main(async () => {
  const address = await start(), port = Number(new URL(address).port);
  const study = await (await fetch(`${address}api/study`)).json();
  const b = await browser();
  let rates = [];
  for (const [i, [label, token]] of study.raters.entries()) {
    const context = await b.newContext({ viewport: { width: 1180, height: 860 } }), page = await open(context, `${address}rate?rater=${token}`);
    await page.waitForSelector('[data-ready]');
    check(!/Recordings|Search/.test(await page.textContent('#pages')), `${label}: a rater sees no other page`);
    await react(page);
    for (const name of ['valence and dominance', 'arousal']) {
      await page.waitForSelector(`h2:has-text("${name}")`, { timeout: 30000 });
      if (i === 0) await shot(page, `rate-${name.split(' ')[0]}`);
      if (i === 0) await accessible(page, `rating ${name}`);
      const box = await (await page.waitForSelector('canvas.instrument')).boundingBox(), begin = Date.now();
      await page.click('.bar-line .button');
      let killed = false;
      for (let k = 0; ; k++) {
        const title = await page.textContent('h2').catch(() => '');
        if (!title.includes(name)) break;
        const t = (Date.now() - begin) / 1000;
        if (i === 0 && name === 'arousal') await page.keyboard.down(k % 20 < 10 ? 'ArrowUp' : 'ArrowDown').then(() => page.keyboard.up(k % 20 < 10 ? 'ArrowUp' : 'ArrowDown'));
        else await page.mouse.move(box.x + box.width * (.5 + .3 * Math.cos(t)), box.y + box.height * (.5 - .4 * Math.sin(t + i * .3)));
        if (i === 1 && name === 'arousal' && t > 1.5 && !killed) { /* nothing is lost by a server that is killed */
          killed = true;
          child.kill('SIGKILL');
          await new Promise((done) => child.once('exit', done));
          await start(port);
        }
        await page.waitForTimeout(40);
        if (t > 40) break;
      }
    }
    /* intervals */
    await page.waitForSelector('.lanes');
    const seek = (t) => page.$eval('video', (v, to) => new Promise((done) => { v.onseeked = () => done(); v.currentTime = to; }), t);
    await page.$eval('h2', () => document.activeElement?.blur?.());
    for (const [key, from, to] of [['q', .5, 2], ['e', 3, 4]]) { await seek(from); await page.keyboard.press(key); await seek(to); await page.keyboard.press(key); }
    check(await page.locator('.mark').count() === 2, `${label}: two intervals by hot keys`);
    await page.locator('.mark').first().click();
    await seek(1);
    await page.keyboard.press('s');
    check(await page.locator('.mark').count() === 3, `${label}: split`);
    await page.keyboard.press('u');
    check(await page.locator('.mark').count() === 2, `${label}: undone`);
    const edge = await page.locator('.mark').nth(1).locator('.edge').nth(1).boundingBox();
    await page.mouse.move(edge.x + 2, edge.y + 8); await page.mouse.down(); await page.mouse.move(edge.x + 60, edge.y + 8, { steps: 4 }); await page.mouse.up();
    if (i === 0) { await shot(page, 'rate-intervals'); await accessible(page, 'intervals'); }
    await page.click('text=Done');
    await page.click('button:text-is("B")');
    await page.waitForSelector('[data-over]', { timeout: 20000 });
    const severe = page.problems.filter((p) => !/WebSocket|ERR_CONNECTION|ERR_EMPTY_RESPONSE|ERR_CONTENT_LENGTH_MISMATCH|ERR_INCOMPLETE_CHUNKED_ENCODING|Failed to fetch/.test(p));
    check(severe.length === 0, `${label}: no problem ${severe}`);
    await context.close();
  }
  const seen = await (await fetch(`${address}api/study/annotations`)).json();
  for (const t of seen.traces) rates.push([t.rater, t.dimension, t.samples.length, Math.max(...t.samples.slice(1).map(([x], k) => x - t.samples[k][0])), t.samples.at(-1)[0]]);
  check(seen.traces.length === 6, `six traces ${seen.traces.length}`);
  const each = rates.map(([, , n, , last]) => n / last).sort((x, y) => x - y);
  check(each[each.length >> 1] >= 30 && each[0] > 12 && rates.every((r) => r[4] > 4.8), `30 samples a second or more (median; others use this machine, too), to the end: ${JSON.stringify(rates)}`);
  check(seen.intervals.length === 4 && seen.intervals.every((i) => i.end > i.start), 'intervals are there');
  check(seen.intervals.filter((i) => i.label === 'frown').every((i) => i.end > 4.1), `an edge was dragged ${JSON.stringify(seen.intervals)}`);
  const moved = seen.traces.filter((t) => t.dimension === 'valence').map((t) => new Set(t.samples.map((s) => s[1])).size);
  check(moved.every((n) => n > 20), `the pointer moved them ${moved}`);
  const times = seen.traces[0].samples.map((s) => s[0]);
  check(times.every((t, k) => !k || t > times[k - 1]), 'media times rise');
  check((await (await fetch(`${address}api/study/reactions`)).text()).split('\n').length === 4, 'reaction times of two');
  const context = await b.newContext({ viewport: { width: 1180, height: 860 } }), page = await open(context, `${address}#study`);
  await page.waitForSelector('.result[data-ready]');
  await page.waitForSelector('svg.plot polygon');
  check(/pairwise ccc/.test(await page.textContent('.agreement')), 'gold and agreement in the page');
  check(await page.locator('.apart i').count() >= 1 && /Ask another rater here: 0:0/.test(await page.textContent('#ask')), 'where they lie apart, and where another rater tells most');
  await accessible(page, 'study');
  await shot(page, 'study');
  check(page.problems.length === 0, `study: no problem ${page.problems}`);
});
