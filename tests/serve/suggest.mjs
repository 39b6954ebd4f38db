/* Suggestions of the analysis to a rater: shown only where the study allows it; accepted, corrected, rejected by keyboard alone, kept
   and exported as what they are. */
import { execFileSync, spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { accessible, affect, atEnd, browser, check, folder, main, open, root, shot, skip, wait } from './harness.mjs';

const data = process.env.AFFECT_DATA ?? join(root, '..', 'shared', 'data'), clip = join(data, 'java_sed/video/06-01-06_01.mp4');
if (!existsSync(clip)) skip('no recordings (AFFECT_DATA)');

async function start(where) {
  const child = spawn(affect, ['annotate', '--port', '0', join(where, 'study.json')], { stdio: ['ignore', 'pipe', 'inherit'] });
  const server = { child, ended: new Promise((done) => child.on('exit', done)) };
  atEnd(async () => { child.kill('SIGTERM'); await server.ended; });
  await new Promise((done, fail) => {
    let out = '';
    child.stdout.on('data', (d) => { out += d; if (out.includes('\n')) { server.address = out.split('\n')[0]; done(); } });
    child.on('exit', (code) => { if (!out) fail(new Error(`ended with ${code}`)); });
  });
  return server;
}
const study = { schema: 'affect-study/1', name: 'Suggested', raters: 1, recordings: [{ id: 'one', file: 'one.mp4' }],
  labels: [{ name: 'Anger', tier: 'felt' }, { name: 'brow raise', tier: 'face' }, { name: 'smile', tier: 'face' }, { name: 'yodel' }] };
const token = async (address) => (await (await fetch(`${address}api/study`)).json()).raters[0][1];

await main(async () => {
  const blind = join(folder, 'blind');
  mkdirSync(blind);
  copyFileSync(clip, join(blind, 'one.mp4'));
  writeFileSync(join(blind, 'study.json'), JSON.stringify(study));
  let server = await start(blind);
  await fetch(`${server.address}api/recordings/one/analysis`, { method: 'POST' });
  const state = async () => (await (await fetch(`${server.address}api/recordings`)).json()).recordings.find((r) => r.id === 'one')?.state;
  for (let i = 0; i < 900 && await state() !== 'done'; i++) await new Promise((done) => setTimeout(done, 100));
  let rater = await token(server.address);
  const labels = async () => (await fetch(`${server.address}api/rate/labels/one?rater=${rater}`)).json();
  check((await labels()).suggestions.length === 0, 'a study that does not allow it suggests nothing, though the recording is analyzed');
  server.child.kill('SIGTERM');
  await server.ended;

  writeFileSync(join(blind, 'study.json'), JSON.stringify({ ...study, suggestions: true }));
  server = await start(blind);
  rater = await token(server.address);
  const offered = (await labels()).suggestions;
  check(offered.length >= 3 && offered.some(([tier, label]) => tier === 'felt' && label === 'Anger') && offered.every(([, label]) => ['Anger', 'brow raise', 'smile'].includes(label)), `labels of the study alone, from episodes and events ${JSON.stringify(offered)}`);
  const b = await browser(), context = await b.newContext({ viewport: { width: 1100, height: 860 } }), page = await open(context, `${server.address}rate?rater=${rater}`);
  await wait(page, () => document.querySelector('video')?.readyState > 0);
  await wait(page, (n) => document.querySelectorAll('.offer').length === n, offered.length);
  await accessible(page, 'suggestions');
  await shot(page, 'suggest');
  /* by keyboard: the first is accepted, one is accepted and moved, one rejected */
  const choose = async () => { await page.focus('.offer'); await page.keyboard.press('Enter'); await wait(page, () => document.querySelector('.offer[aria-pressed="true"]') !== null); };
  await choose(); await page.keyboard.press('y');
  await wait(page, () => document.querySelectorAll('.mark:not(.offer)').length === 1);
  await choose(); await page.keyboard.press('n');
  await wait(page, (n) => document.querySelectorAll('.offer').length === n - 2, offered.length);
  await choose(); await page.keyboard.press('y');
  await wait(page, () => document.querySelectorAll('.mark:not(.offer)').length === 2);
  const felt = page.locator('.mark:not(.offer)').last();
  await felt.focus();
  await page.keyboard.press('Enter');
  await page.keyboard.press('Shift+ArrowLeft');
  await wait(page, () => /2 intervals, written/.test(document.body.innerText));
  const seen = await (await fetch(`${server.address}api/study/annotations`)).json(), made = seen.intervals.map((i) => i.made).sort();
  check(seen.intervals.length === 2 && made[0] === 'accepted' && /^corrected from [\d.]+ to [\d.]+$/.test(made[1]), `exported as what they are ${JSON.stringify(seen.intervals)}`);
  const moved = seen.intervals.find((i) => /corrected/.test(i.made)), [, from, to] = /from ([\d.]+) to ([\d.]+)/.exec(moved.made).map(Number);
  check(offered.some(([, label, a, z]) => label === moved.label && Math.abs(a - from) < .002 && Math.abs(z - to) < .002) && Math.abs(moved.end - (to - .1)) < .002, 'a corrected one says what was suggested');
  await page.keyboard.press('q'); /* no word's key: nothing */
  await page.reload();
  await wait(page, (n) => document.querySelectorAll('.mark:not(.offer)').length === 2 && document.querySelectorAll('.offer').length === n - 3, offered.length);
  check(true, 'after a reload what was answered is not asked again');
  writeFileSync(join(folder, 'all.json'), JSON.stringify(seen));
  execFileSync(affect, ['data', 'convert', join(folder, 'all.json'), '--format', 'csv', '-o', join(folder, 'all.csv')]);
  execFileSync(affect, ['data', 'convert', join(folder, 'all.csv'), '--format', 'json', '-o', join(folder, 'again.json')]);
  const { intervals } = JSON.parse(execFileSync('cat', [join(folder, 'again.json')], { encoding: 'utf8' }));
  check(JSON.stringify(intervals.map((i) => i.made).sort()) === JSON.stringify(made), 'a table keeps it, too');
  check(page.problems.length === 0, `no problem ${page.problems}`);
});
