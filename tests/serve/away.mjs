/* The server goes away while somebody types, labels, traces, gives a file or speaks: the page says so in plain words, keeps what
   it was given, and goes on by itself when the server is there again. */
import { readFileSync, writeFileSync } from 'node:fs';
import { execFileSync, spawn } from 'node:child_process';
import { join } from 'node:path';
import { accessible, affect, atEnd, browser, check, folder, main, open, recording, shot, skip, wait } from './harness.mjs';

const clip = recording('java_sed/video/06-01-06_01.mp4', 14);
try { execFileSync('ffmpeg', ['-nostdin', '-v', 'error', '-y', '-i', clip, '-t', '4', '-vf', 'fps=10,scale=240:-2', '-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8', '-b:v', '400k', '-c:a', 'libvorbis', join(folder, 'clip.webm')]);
  execFileSync('ffmpeg', ['-nostdin', '-v', 'error', '-y', '-i', clip, '-ac', '1', '-ar', '48000', join(folder, '.microphone.wav')]); }
catch { skip('no ffmpeg that writes WebM'); }
writeFileSync(join(folder, 'study.json'), JSON.stringify({ schema: 'affect-study/1', name: 'One rater', raters: 1, recordings: [{ id: 'clip', file: 'clip.webm' }],
  labels: [{ name: 'smile', key: 'q' }, { name: 'frown', key: 'e' }] }));

/* Nobody's words matter here, and their recogniser takes longest of all to load, each time that the server starts: it is not found. */
const env = { ...process.env, AFFECT_VOSK: join(folder, 'no-recogniser.so') };
let child, port = 0;
async function start() {
  child = spawn(affect, ['annotate', '--port', String(port), join(folder, 'study.json')], { stdio: ['ignore', 'pipe', 'inherit'], env });
  const address = await new Promise((done, fail) => {
    let out = '';
    child.stdout.on('data', (d) => { out += d; if (out.includes('\n')) done(out.split('\n')[0]); });
    child.on('exit', (code) => { if (!out) fail(new Error(`ended with ${code}`)); });
  });
  port = Number(new URL(address).port);
  return address;
}
async function kill() { const gone = new Promise((done) => child.once('exit', done)); child.kill('SIGKILL'); await gone; }
atEnd(() => child.kill('SIGTERM'));
const quiet = (page) => page.problems.filter((p) => !/WebSocket|net::ERR_|Failed to load resource/.test(p)); /* the browser's own log of what it did not reach */
const plain = async (page, what) => {
  await page.waitForSelector('#away:not([hidden])');
  const text = await page.evaluate(() => document.body.innerText);
  check(/The server does not answer/.test(text) && !/Failed to fetch|TypeError|NetworkError/.test(text), `${what}: said in plain words`);
};
const back = (page, what) => page.waitForSelector('#away', { state: 'hidden', timeout: 15000 }).then(() => check(true, `${what}: the page finds it again`));

await main(async () => {
  const address = await start(), b = await browser({ args: ['--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream', `--use-file-for-fake-audio-capture=${join(folder, '.microphone.wav')}`] });
  const context = await b.newContext({ viewport: { width: 1100, height: 800 }, colorScheme: 'light', permissions: ['microphone'] });
  const page = await open(context, address);
  await page.waitForSelector('[data-recordings="1"]');
  await page.click('#analyze-all');
  await page.waitForSelector('li[data-state="done"]', { timeout: 90000 });

  /* a search, and a file that is given meanwhile */
  await kill();
  await plain(page, 'the list');
  await accessible(page, 'the line that says so');
  await shot(page, 'away-light');
  await page.setInputFiles('#file', { name: 'given.mp4', mimeType: 'video/mp4', buffer: readFileSync(clip) });
  await start();
  await back(page, 'the list');
  await page.waitForSelector('[data-recordings="2"]');
  check(Buffer.compare(readFileSync(join(folder, 'given.mp4')), readFileSync(clip)) === 0, 'a file that was given while nobody served is there, whole');
  await page.click('a[href="#search"]');
  await kill();
  await page.fill('#q', 'zebra');
  await page.press('#q', 'Enter');
  await plain(page, 'the search');
  await start();
  await wait(page, () => /Nothing was found/.test(document.getElementById('facts').textContent));
  check(await page.inputValue('#q') === 'zebra', 'what was searched for is still there, and was asked');

  /* names: one is sent, one only typed */
  await page.goto(`${address}recording/clip`);
  await page.waitForSelector('#name-1');
  await page.focus('#name-1');
  await page.keyboard.press('Control+a');
  await page.keyboard.type('Kit at 0');
  check(await page.inputValue('#name-1') === 'Kit at 0', 'letters that are short cuts elsewhere can be typed');
  await kill();
  await page.keyboard.press('Enter');
  await plain(page, 'the report');
  await page.click('.tools a[href="/#recordings"]');
  check(new URL(page.url()).pathname === '/recording/clip' && await page.inputValue('#name-1') === 'Kit at 0', 'a link does not throw away what was typed');
  await Promise.all([page.waitForEvent('load', { timeout: 20000 }), start()]);
  await page.waitForSelector('#corrections-list li');
  check(await page.locator('#corrections-list li').count() === 1 && (await page.textContent('#rows')).includes('Kit at 0'), 'the name is kept, once');
  check(quiet(page).length === 0, `no other problem ${quiet(page)}`);

  /* a rater's intervals */
  const study = await (await fetch(`${address}api/study`)).json();
  const rater = await open(context, `${address}rate?rater=${study.raters[0][1]}`);
  await rater.waitForSelector('.lanes');
  const seek = (t) => rater.$eval('video', (v, to) => new Promise((done) => { v.onseeked = () => done(); v.currentTime = to; }), t);
  await rater.evaluate(() => document.activeElement?.blur?.());
  await wait(rater, () => document.querySelector('video').readyState === 4);
  await kill();
  for (const [key, from, to] of [['q', .5, 1.5], ['e', 2, 3], ['q', 3.2, 3.6]]) { await seek(from); await rater.keyboard.press(key); await seek(to); await rater.keyboard.press(key); }
  await plain(rater, 'labelling');
  await start();
  await back(rater, 'labelling');
  await wait(rater, () => /3 intervals, written/.test(document.body.innerText));
  const seen = await (await fetch(`${address}api/study/annotations`)).json();
  check(seen.intervals.length === 3, `intervals that were made while nobody served are written ${JSON.stringify(seen.intervals)}`);
  check(quiet(rater).length === 0, `no other problem ${quiet(rater)}`);

  /* live: what comes after is a recording of its own */
  await page.goto(`${address}#live`);
  await page.check('#consent');
  await page.uncheck('#use-camera');
  await page.click('#live-button');
  await page.waitForSelector('[data-live="on"]', { timeout: 60000 });
  await kill();
  await plain(page, 'live');
  await start();
  await page.waitForSelector('[data-live="on"]', { timeout: 60000 });
  await wait(page, () => window.affectLive.lags.length > 0);
  await page.click('#live-button');
  await page.waitForSelector('[data-live="kept"]', { timeout: 60000 });
  check(/open it/.test(await page.textContent('#live-kept')), 'live goes on by itself in a recording of its own');
  check(quiet(page).length === 0, `no other problem in live ${quiet(page)}`);
});
