/* A rater's browser is killed while it traces: what was traced until a second before is there, and the same link goes on from there. */
import { execFileSync, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { affect, atEnd, browser, check, folder, main, open, skip } from './harness.mjs';

try { execFileSync('ffmpeg', ['-nostdin', '-v', 'error', '-y', '-f', 'lavfi', '-i', 'testsrc=size=160x120:rate=25', '-t', '8', '-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8', '-b:v', '200k', join(folder, 'clip.webm')]); }
catch { skip('no ffmpeg that writes WebM'); }
writeFileSync(join(folder, 'study.json'), JSON.stringify({ schema: 'affect-study/1', name: 'Crash', raters: ['r'], recordings: [{ id: 'clip', file: 'clip.webm', persons: ['a'] }], dimensions: [{ name: 'arousal', tool: 'relative' }] }));
const child = spawn(affect, ['annotate', '--port', '0', join(folder, 'study.json')], { stdio: ['ignore', 'pipe', 'ignore'] });
atEnd(() => child.kill('SIGTERM'));
const address = await new Promise((done) => { let out = ''; child.stdout.on('data', (d) => { out += d; if (out.includes('\n')) done(out.split('\n')[0]); }); });

await main(async () => {
  const [, token] = (await (await fetch(`${address}api/study`)).json()).raters[0];
  await fetch(`${address}api/rate/reactions?rater=${token}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"lags":[0.4]}' });
  const written = async () => (await (await fetch(`${address}api/study/annotations`)).json()).traces[0]?.samples ?? [];
  for (let k = 0; k < 3; k++) {
    const b = await browser(), page = await open(await b.newContext(), `${address}rate?rater=${token}`);
    await page.waitForSelector('canvas.instrument');
    const before = await written();
    /* The recording stands where it ended as soon as its length is known, which takes a while on a machine that is busy. */
    if (k > 0) await page.waitForFunction((t) => Math.abs(document.querySelector('video').currentTime - t) < 0.3, before.at(-1)[0], { timeout: 15000 }).catch(() => {});
    const at = await page.$eval('video', (v) => v.currentTime);
    check(k === 0 || Math.abs(at - before.at(-1)[0]) < 0.3, `it goes on where it ended (${at}, ${before.at(-1)?.[0]})`);
    await page.click('.bar-line .button');
    await page.keyboard.down('ArrowUp');
    await page.waitForTimeout(900 + 400 * k);
    const shown = await page.$eval('video', (v) => v.currentTime);
    execFileSync('kill', ['-9', String(b.process?.()?.pid ?? (await pid(b)))]);
    await new Promise((done) => setTimeout(done, 500));
    const last = (await written()).at(-1)?.[0] ?? 0;
    check(shown - last <= 1, `killed at ${shown.toFixed(2)} s of the recording: written until ${last.toFixed(2)}`);
  }
});

/* Chromium of this test's own, by the folder of its profile. */
async function pid(b) {
  const session = await b.newBrowserCDPSession(), { processInfo } = await session.send('SystemInfo.getProcessInfo');
  return processInfo.find((p) => p.type === 'browser').id;
}
