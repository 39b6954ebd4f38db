/* Live: Chromium's camera and microphone play a clip; how late what is known is shown, and what is kept at the end. */
import { execFileSync } from 'node:child_process';
import { availableParallelism, loadavg } from 'node:os';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { accessible, browser, check, folder, main, open, recording, serve, shot, wait } from './harness.mjs';

const clip = recording('java_sed/video/06-01-06_01.mp4', 14);
const seconds = Number(process.env.LIVE_SECONDS ?? 12);

await main(async () => {
  const y4m = join(folder, '.camera.y4m'), wav = join(folder, '.microphone.wav');
  execFileSync('ffmpeg', ['-v', 'error', '-i', clip, '-vf', 'scale=640:480,fps=25', '-pix_fmt', 'yuv420p', y4m]);
  execFileSync('ffmpeg', ['-v', 'error', '-i', clip, '-ac', '1', '-ar', '48000', wav]);
  const server = await serve();
  const b = await browser({ args: ['--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream', `--use-file-for-fake-video-capture=${y4m}`, `--use-file-for-fake-audio-capture=${wav}`] });
  const context = await b.newContext({ viewport: { width: 1280, height: 900 }, permissions: ['camera', 'microphone'] });
  const page = await open(context, `${server.address}#live`);
  await page.waitForSelector('#live-button');
  check(await page.isDisabled('#live-button'), 'nothing starts before everybody agreed');
  await accessible(page, 'live');
  await page.check('#consent');
  await page.click('#live-button');
  await page.waitForSelector('[data-live="on"]', { timeout: 60000 });
  await wait(page, () => window.affectLive.rows.length > 3, null, { timeout: 60000 });
  const from = await page.evaluate(() => window.affectLive.lags.length); /* after what waited for the models */
  await page.waitForTimeout(seconds * 1000);
  await shot(page, 'live-light');
  const lags = (await page.evaluate((n) => window.affectLive.lags.slice(n), from)).sort((x, y) => x - y);
  const p95 = lags[Math.floor(lags.length * 0.95)];
  console.log(`${lags.length} rows in ${seconds} s; lag median ${lags[lags.length >> 1]?.toFixed(3)} s, p95 ${p95?.toFixed(3)} s; ${await page.textContent('#live-facts')}`);
  check(lags.length > (process.env.AFFECT_MEASURE ? seconds : 2), `rows come: ${lags.length} in ${seconds} s`);
  /* The bar is for a machine that has a processor to spare; on a crowded one only that rows go on coming is asked. */
  const crowded = 'ASAN_OPTIONS' in process.env || loadavg()[0] > 1.5 * availableParallelism();
  check(p95 <= 1 || crowded, `what is known is at most one second late (p95 ${p95?.toFixed(3)} s${crowded ? `; not judged: load ${loadavg()[0]}` : ''})`);
  await page.click('#live-button');
  await page.waitForSelector('[data-live="kept"]', { timeout: 60000 });
  const { recordings } = await (await context.request.get(`${server.address}api/recordings`)).json();
  const live = recordings.find((r) => r.id.startsWith('live-'));
  check(live && live.state === 'done' && live.seconds > seconds - 2, `the timeline is kept (${live?.seconds} s)`);
  const timeline = JSON.parse(readFileSync(join(folder, `.affect/recordings/${live.id}/timeline.json`), 'utf8'));
  /* Sound is never dropped; pictures are, down to none, where the processor has no time for them. */
  check(timeline.tracks.some((t) => /voice/.test(t.id)), 'it has the voice');
  check(timeline.tracks.some((t) => /face/.test(t.id)) || crowded, 'it has the face');
  await page.click('#live-kept a');
  await page.waitForSelector('[data-ready]');
  check((await page.textContent('#player-note')).length >= 0 && await page.evaluate(() => window.affectReport.rows.length) > 3, 'and opens as a report');
  check(page.problems.length === 0, `no problem ${page.problems}`);
});
