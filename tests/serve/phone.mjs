/* Every screen on a phone, in the dark, by a finger: nothing wider than the screen, nothing serious by axe-core; a rater's way through
   reaction task, traces, suggested intervals and comparison by touch alone. */
import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { accessible, affect, atEnd, browser, check, folder, main, open, root, shot, skip, wait } from './harness.mjs';

const data = process.env.AFFECT_DATA ?? join(root, '..', 'shared', 'data'), clip = join(data, 'java_sed/video/06-01-06_01.mp4');
if (!existsSync(clip)) skip('no recordings (AFFECT_DATA)');
copyFileSync(clip, join(folder, 'one.mp4'));
writeFileSync(join(folder, 'study.json'), JSON.stringify({ schema: 'affect-study/1', name: 'Phone', raters: 2, suggestions: true, recordings: [{ id: 'one', file: 'one.mp4' }],
  dimensions: [{ name: 'arousal', tool: 'slider' }, { name: 'valence', tool: 'relative' }],
  labels: [{ name: 'Anger', tier: 'felt' }, { name: 'brow raise', tier: 'face' }, { name: 'smile', tier: 'face' }, { name: 'disappointment', tier: 'felt' }],
  comparisons: [{ dimension: 'arousal', recording: 'one', a: [0, 1], b: [2, 3] }] }));

await main(async () => {
  const child = spawn(affect, ['annotate', '--port', '0', join(folder, 'study.json')], { stdio: ['ignore', 'pipe', 'inherit'] });
  atEnd(() => child.kill('SIGTERM'));
  const address = await new Promise((done) => child.stdout.on('data', (d) => done(String(d).split('\n')[0])));
  const b = await browser();
  const context = await b.newContext({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, colorScheme: 'dark' });
  const narrow = async (page, what) => { check(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${what}: nothing wider (${await page.evaluate(() => document.documentElement.scrollWidth)})`); await accessible(page, what); await shot(page, `phone-${what}`); };
  const page = await open(context, address);
  await page.waitForSelector('[data-recordings="1"]');
  await page.click('#analyze-all');
  await page.waitForSelector('li[data-state="done"]', { timeout: 120000 });
  await page.click('#train'); await page.waitForSelector('#trained .error'); await narrow(page, 'list');
  await page.goto(address + '#study'); await page.waitForSelector('table.links'); await narrow(page, 'study');
  await page.goto(address + '#live'); await page.waitForSelector('#live-button'); await narrow(page, 'live');
  await page.goto(address + 'recording/one'); await page.waitForSelector('[data-ready]'); await page.click('#correct-here'); await narrow(page, 'corrections');
  const study = await (await fetch(`${address}api/study`)).json();
  const rate = await open(context, `${address}rate?rater=${study.raters[0][1]}`);
  await rate.waitForSelector('[data-ready]'); await narrow(rate, 'begin');
  await rate.tap('text=Begin');
  const box = await (await rate.waitForSelector('canvas.instrument')).boundingBox();
  await narrow(rate, 'follow');
  const cdp = await context.newCDPSession(rate);
  /* a finger that follows the bar */
  await cdp.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: [{ x: box.x + box.width / 2, y: box.y + box.height / 2 }] });
  for (let i = 0; i < 600 && await rate.$('.target'); i++) {
    const top = await rate.$eval('.target', (n) => parseFloat(n.style.top || '50')).catch(() => null);
    if (top === null) break;
    await cdp.send('Input.dispatchTouchEvent', { type: 'touchMove', touchPoints: [{ x: box.x + box.width / 2, y: box.y + box.height * top / 100 }] });
    await rate.waitForTimeout(50);
  }
  await cdp.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
  await rate.waitForSelector('h2:has-text("arousal")', { timeout: 20000 });
  await narrow(rate, 'trace');
  await rate.tap('.bar-line .button');
  await rate.waitForSelector('h2:has-text("valence")', { timeout: 40000 });
  await rate.tap('.bar-line .button');
  await rate.waitForSelector('.lanes', { timeout: 40000 });
  await wait(rate, () => document.querySelector('.offer') !== null);
  await narrow(rate, 'intervals');
  await rate.tap('.offer'); await rate.tap('text=Accept (y)');
  await wait(rate, () => /1 intervals, written/.test(document.body.innerText));
  await rate.tap('text=Done');
  await rate.waitForSelector('text=Which has more'); await narrow(rate, 'compare');
  check(rate.problems.length + page.problems.length === 0, `no problem ${page.problems} ${rate.problems}`);
});
