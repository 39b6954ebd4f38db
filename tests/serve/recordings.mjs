/* A folder of recordings in a browser: pictures, analysis with progress that goes on after kill -9, the report inside,
   corrections, search, comparison, a new file, and what is refused. */
import { copyFileSync, existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';
import { accessible, affect, browser, check, folder, main, open, recording, serve, shot, wait } from './harness.mjs';

const clips = ['06-01-06_01.mp4', '01-04-02_01.mp4', '02-03-03_01.mp4'].map((name) => recording(`java_sed/video/${name}`)); /* who is who there is asked below */

await main(async () => {
  copyFileSync(clips[0], join(folder, 'first.mp4'));
  copyFileSync(clips[1], join(folder, 'second.mp4'));
  symlinkSync('/etc/hostname', join(folder, 'outside.mp4'));
  writeFileSync(join(folder, 'no recording.wav'), 'nothing');
  let server = await serve(['--jobs', '2']);
  const b = await browser();
  const context = await b.newContext({ viewport: { width: 1280, height: 900 }, colorScheme: 'light' });
  let page = await open(context, server.address);
  const state = (id) => page.evaluate((one) => document.querySelector(`li[data-id="${one}"]`)?.dataset.state, id);
  const until = (id, wanted) => wait(page, ([one, w]) => document.querySelector(`li[data-id="${one}"]`)?.dataset.state === w, [id, wanted], { timeout: 90000 });
  await page.waitForSelector('[data-recordings="3"]');
  check(await state('outside') === undefined, 'a link out of the folder is no recording');
  await wait(page, () => [...document.querySelectorAll('.picture img')].filter((i) => i.naturalWidth > 0).length === 2);
  check(true, 'each film has a picture');

  /* killed in the middle: the next start goes on by itself */
  await page.click('#analyze-all');
  await wait(page, () => document.querySelector('li[data-state="running"]') !== null, null, { timeout: 30000 });
  server.child.kill('SIGKILL');
  await server.ended;
  const port = new URL(server.address).port;
  server = await serve(['--jobs', '2', '--port', port]);
  await until('first', 'done');
  await until('second', 'done');
  page.problems = page.problems.filter((text) => !/ERR_CONNECTION_(REFUSED|RESET)|ERR_EMPTY_RESPONSE|ERR_CONTENT_LENGTH_MISMATCH|ERR_INCOMPLETE_CHUNKED_ENCODING|Failed to fetch/.test(text)); /* while nobody served */
  check(true, 'analyses that were killed with the server are done after the next start, and the page finds it again');
  await until('no recording', 'failed');
  check((await page.textContent('li[data-id="no recording"] .error')).length > 10, 'what is no recording says why');
  await accessible(page, 'the list');
  await shot(page, 'recordings-light');

  /* a file that is given to the page */
  await page.setInputFiles('#file', { name: 'third.mp4', mimeType: 'video/mp4', buffer: readFileSync(clips[2]) });
  await page.waitForSelector('[data-recordings="4"]');
  check(Buffer.compare(readFileSync(join(folder, 'third.mp4')), readFileSync(clips[2])) === 0, 'a new file lies in the folder, whole');
  await page.setInputFiles('#file', { name: 'third.mp4', mimeType: 'video/mp4', buffer: Buffer.from('other') });
  await page.waitForSelector('.uploads .error');
  check(Buffer.compare(readFileSync(join(folder, 'third.mp4')), readFileSync(clips[2])) === 0, 'a file that is there is not replaced');
  await page.click('.uploads button');

  /* the report inside */
  await page.click('a[href="/recording/first"]');
  await page.waitForSelector('[data-ready]');
  check(await page.evaluate(() => window.affectReport.rows.length) > 4, 'the report has its rows');
  await page.click('#play');
  await wait(page, () => window.affectReport.position() > 0.8, null, { timeout: 15000 });
  await page.click('#play');
  check(await page.evaluate(() => document.querySelector('video').videoWidth) > 0, 'the recording plays');
  await page.click('#more summary');
  await wait(page, () => document.querySelectorAll('#more-rows svg').length > 10, null, { timeout: 15000 });
  check(true, 'all measured tracks come when they are wanted');
  await page.keyboard.press('Escape');
  await accessible(page, 'the report');
  await shot(page, 'recording-light');

  /* corrections: a name, the label of an episode */
  await page.fill('#name-1', 'Ada');
  await Promise.all([page.waitForEvent('load'), page.press('#name-1', 'Enter')]);
  await page.waitForSelector('#corrections-list li');
  check((await page.textContent('#rows')).includes('Ada'), 'a name is kept and shown');
  await page.evaluate(() => window.affectReport.seek(window.affectReport.episodes[0].t0 + 0.01));
  await page.click('#correct-here');
  await page.fill('#here input[aria-label="Label"]', 'triumph');
  await Promise.all([page.waitForEvent('load'), page.press('#here input[aria-label="Label"]', 'Enter')]);
  await page.waitForSelector('#corrections-list li:nth-child(2)');
  check(readFileSync(join(folder, '.affect/recordings/first/corrections.csv'), 'utf8').includes('triumph'), 'a correction is a row of the overlay');
  const exported = await (await context.request.get(`${server.address}api/recordings/first/export?format=vtt`)).text();
  check(exported.includes('triumph'), 'an export has the corrections');
  await page.click('#corrections-list li:nth-child(2) button');
  await wait(page, () => document.querySelectorAll('#corrections-list li').length === 1);
  check(!readFileSync(join(folder, '.affect/recordings/first/corrections.csv'), 'utf8').includes('triumph'), 'and can be taken back');

  /* one who is two, from a time on; undone */
  const persons = () => page.evaluate(() => window.affectReport.persons.length);
  const before = await persons();
  await page.evaluate(() => window.affectReport.seek(2));
  await page.click('#correct-here');
  await page.fill('#name-1', 'Grace'); /* typed, not sent */
  await page.fill('.split[data-person="1"] input >> nth=1', '1.5');
  await page.click('.split[data-person="1"] button');
  check(/end must lie after/.test(await page.textContent('.corrections [role="alert"]')), 'an end before the begin is refused in words');
  await page.fill('.split[data-person="1"] input >> nth=1', '999');
  await shot(page, 'split-light');
  await accessible(page, 'a split');
  await Promise.all([page.waitForEvent('load'), page.click('.split[data-person="1"] button')]);
  await page.waitForSelector('#corrections-list li:nth-child(2)');
  check(await persons() === before + 1, `somebody else from 2 s on (${before} to ${await persons()})`);
  check(await page.inputValue('#name-1') === 'Grace', 'what was typed elsewhere is still there');
  check(/split,1,2,2/.test(readFileSync(join(folder, '.affect/recordings/first/corrections.csv'), 'utf8')), 'a split is a row of the overlay');
  const halves = JSON.parse(await (await context.request.get(`${server.address}api/recordings/first/export?format=json`)).text()).tracks.filter((t) => /face/.test(t.id) && t.rows?.length);
  const of = (person) => halves.filter((t) => t.person === person).flatMap((t) => t.rows.map((row) => row[0]));
  check(of(1).length > 0 && of(2).length > 0 && Math.max(...of(1)) < 2 && Math.min(...of(2)) >= 2, `the face's rows before are the one's, those after the other's (${of(1).length}, ${of(2).length})`);
  await page.fill('#name-1', 'Ada');
  await page.locator('#corrections-title').focus().catch(() => {});
  await page.evaluate(() => document.activeElement?.blur?.());
  await Promise.all([page.waitForEvent('load'), page.keyboard.press('Control+z')]);
  await wait(page, () => document.querySelectorAll('#corrections-list li').length === 1);
  check(await persons() === before, 'and undone');

  /* corrected labels train a fusion */
  const correct = async (id, value) => {
    const view = await (await context.request.get(`${server.address}api/recordings/${id}/view`)).json(), target = view.tiers.find((t) => t.id === 'episodes').items[0][6];
    return context.request.post(`${server.address}api/recordings/${id}/corrections`, { data: { kind: 'label', target, value } });
  };
  check((await correct('first', 'joy')).ok(), 'a label is corrected');
  await page.goto(server.address);
  await page.waitForSelector('[data-recordings="4"]');
  await page.click('#train');
  await page.waitForSelector('#trained .error');
  check(/only one recording has corrected labels/.test(await page.textContent('#trained')), 'one corrected recording trains nothing, and that is said');
  await correct('second', 'zzyzx');
  await page.click('#train');
  await wait(page, () => /zzyzx/.test(document.getElementById('trained').textContent));
  check(true, 'a label of which no place is known is named');
  await correct('second', 'happiness');
  await page.click('#train');
  await page.waitForSelector('#trained code');
  await accessible(page, 'the recipe');
  await shot(page, 'train-light');
  const [train, use] = await page.$$eval('#trained code', (all) => all.map((n) => n.textContent));
  const table = readFileSync(join(folder, '.affect/training/labels.csv'), 'utf8').trim().split('\n');
  check(table.filter((row) => /,corrected$/.test(row)).length === 2 && table.some((row) => /^"first",1,.*"joy",corrected$/.test(row)), `the table has what was corrected ${table}`);
  const sh = (command) => execFileSync('sh', ['-c', command.replace(/^affect/, `'${affect}'`)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  sh(train);
  check(existsSync(join(folder, '.affect/training/model/card.json')), 'the command that is shown trains');
  sh(use.replace('RECORDING', `'${join(folder, 'first.mp4')}' --no-words -o '${join(folder, '.after')}'`));
  const valence = (file) => {
    const t = JSON.parse(readFileSync(file, 'utf8')).tracks.find((one) => one.id === 'trajectory/1'), at = 2 + t.channels.indexOf('valence');
    return t.rows.reduce((sum, row) => sum + row[at], 0) / t.rows.length;
  };
  const was = valence(join(folder, '.affect/recordings/first/timeline.json')), now = valence(join(folder, '.after/timeline.json'));
  check(now > was + 0.2, `what was corrected from anger to joy is heard and seen as more pleasant afterwards (${was.toFixed(2)}, ${now.toFixed(2)})`);

  /* search */
  const first = await (await context.request.get(`${server.address}api/recordings/first/view`)).json();
  const label = first.tiers.find((t) => t.id === 'episodes').items[0][2].replace(/_/g, ' '), kind = first.events.find((e) => e[3] !== 'blink')?.[3].replace(/_/g, ' ');
  await page.goto(`${server.address}#search`);
  await page.fill('#q', label);
  await page.press('#q', 'Enter');
  await page.waitForSelector('#finds li');
  check((await page.textContent('#finds')).includes('first.mp4'), `a label is found (${label})`);
  if (kind) {
    const found = await (await context.request.get(`${server.address}api/search?${new URLSearchParams({ q: `${label} with ${kind}` })}`)).json();
    const near = first.events.some((e) => e[3].replace(/_/g, ' ') === kind && first.tiers.find((t) => t.id === 'episodes').items.some((i) => i[2].replace(/_/g, ' ') === label && e[0] < i[1] + 1000 && i[0] < e[2] + 1000));
    check((found.finds.filter((f) => f.recording === 'first').length > 0) === near, `what lies together is found together (${label} with ${kind}: ${near})`);
  }
  const nothing = await (await context.request.get(`${server.address}api/search?q=${encodeURIComponent("%' OR 1=1 --")}`)).json();
  check(nothing.finds.length === 0, 'signs of the query language are only text');
  await accessible(page, 'the search');
  await shot(page, 'search-light');
  await page.click('#finds a');
  await page.waitForSelector('[data-ready]');

  /* two side by side */
  await page.goto(`${server.address}compare?a=first&b=second`);
  await page.waitForSelector('[data-ready="2"]', { timeout: 15000 });
  await page.fill('#both', '500');
  await wait(page, () => [...document.querySelectorAll('iframe')].every((f) => f.contentWindow.affectReport.position() > 1));
  check(true, 'two recordings move together');
  await accessible(page, 'the comparison');
  await shot(page, 'compare-light');
  check(page.problems.length === 0, `no problem ${page.problems}`);
  await context.close();

  /* a phone, dark, by keyboard alone */
  const phone = await b.newContext({ viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, colorScheme: 'dark' });
  page = await open(phone, server.address);
  await page.waitForSelector('[data-recordings="4"]');
  await accessible(page, 'the list on a phone, dark');
  await shot(page, 'recordings-phone-dark');
  for (let i = 0; i < 60 && await page.evaluate(() => document.activeElement?.getAttribute('href')) !== '/recording/first'; i++) await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.waitForSelector('[data-ready]');
  check(new URL(page.url()).pathname === '/recording/first', 'the keyboard alone leads to a report');
  check(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'nothing is wider than a phone');
  await accessible(page, 'the report on a phone, dark');
  await shot(page, 'recording-phone-dark');
  check(page.problems.length === 0, `no problem on a phone ${page.problems}`);
});
