/* A server on a folder of its own and a browser, for the tests of the page. Debian's Chromium, driven by playwright-core;
   neither reaches anything but 127.0.0.1. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, existsSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createRequire } from 'node:module';

export const root = process.argv[3], affect = process.argv[2];
const need = createRequire(join(root, 'package.json'));
const SKIP = 77;

let made; /* the folder below, once it is there */
export function skip(why) {
  console.log(`SKIP: ${why}`);
  if (made) rmSync(made, { recursive: true, force: true });
  process.exit(process.env.AFFECT_REQUIRE_ALL ? 1 : SKIP);
}

let chromium;
try { ({ chromium } = need('playwright-core')); } catch { skip('no playwright-core: tools/fetch-npm --dev'); }
const program = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find(existsSync);
if (!program) skip('no chromium');

export const folder = mkdtempSync(join(tmpdir(), 'affect-serve-'));
made = folder;
/* A recording of a talking person: one of the data folder's, else four seconds of what `make demo` composed, unless no `from` says
   that these will do. */
export function recording(name, from) {
  const real = join(process.env.AFFECT_DATA ?? join(root, '..', 'shared', 'data'), name), demo = join(dirname(affect), '../../demo/clip.mp4');
  if (existsSync(real)) return real;
  if (from === undefined || !existsSync(demo)) skip(`no ${name} (AFFECT_DATA)${from === undefined ? '' : ` and no ${demo} (make demo)`}`);
  const cut = join(folder, `.cut-${from}.mp4`);
  execFileSync('ffmpeg', ['-nostdin', '-v', 'error', '-y', '-ss', String(from), '-i', demo, '-t', '4', '-vf', 'scale=480:-2', '-c:v', 'libx264', '-preset', 'ultrafast', cut]);
  return cut;
}

const ends = [];
export const atEnd = (what) => ends.push(what);

/* Starts the server; its address is the first line that it prints. */
export function serve(options = [], where = folder) {
  const child = spawn(affect, ['serve', '--port', '0', ...options, where], { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '', err = '';
  child.stderr.on('data', (d) => { err += d; });
  const server = { child, said: () => err, ended: new Promise((done) => child.on('exit', (code, signal) => done({ code, signal }))) };
  atEnd(async () => { if (child.exitCode === null && child.signalCode === null) { child.kill('SIGTERM'); await server.ended; } });
  return new Promise((done, fail) => {
    child.stdout.on('data', (d) => { out += d; const line = out.indexOf('\n'); if (line > 0) { server.address = out.slice(0, line); done(server); } });
    server.ended.then(({ code, signal }) => fail(new Error(`the server ended with ${code ?? signal}: ${err}`)));
  });
}

export async function browser(options = {}) {
  const { args = [], ...rest } = options;
  const b = await chromium.launch({ executablePath: program, headless: true, ...rest,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--no-first-run',
      '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1', '--autoplay-policy=no-user-gesture-required', ...args] });
  atEnd(() => b.close());
  return b;
}

/* A page whose errors, and whose requests to others, fail the test. */
export async function open(context, address) {
  const page = await context.newPage();
  page.problems = [];
  page.on('pageerror', (e) => page.problems.push(String(e)));
  page.on('console', (m) => { if (m.type() === 'error' && !/the server responded with a status of 4/.test(m.text())) page.problems.push(m.text()); });
  page.on('request', (r) => { if (!/^(http:\/\/127\.0\.0\.1:|data:|blob:)/.test(r.url())) page.problems.push(`asked ${r.url()}`); });
  await page.goto(address);
  return page;
}

/* Until the function says something true in the page. Asked again and again from outside: what would wait inside is
 * evaluated there as text, which the page's policy forbids. */
export async function wait(page, what, argument = null, { timeout = 30000 } = {}) {
  for (const end = Date.now() + timeout; !(await page.evaluate(what, argument).catch(() => false));) { /* false: the page is just replaced */
    if (Date.now() > end) throw new Error(`waited ${timeout} ms for ${what}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

let failed = 0;
export function check(good, what) { if (!good) { failed++; console.log(`FAILED: ${what}`); } else console.log(`ok: ${what}`); }

/* axe-core's findings that are serious or critical. */
export async function accessible(page, what) {
  await page.evaluate(readFileSync(need.resolve('axe-core/axe.min.js'), 'utf8')); /* evaluated, as the policy lets no script in */
  const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
  const bad = found.violations.filter((v) => v.impact === 'serious' || v.impact === 'critical');
  check(bad.length === 0, `${what}: axe-core finds nothing serious ${bad.map((v) => `${v.id}: ${v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160)).join(' | ')}`).join('; ')}`);
}

export async function main(body) {
  try { await body(); } catch (e) { failed++; console.log(`FAILED: ${e.stack ?? e}`); }
  for (const end of ends.reverse()) try { await end(); } catch { /* ended already */ }
  rmSync(folder, { recursive: true, force: true });
  process.exit(failed ? 1 : 0);
}

/* Screenshots are kept where this says, to be looked at. */
export const shot = async (page, name) => { if (process.env.AFFECT_SHOTS) await page.screenshot({ path: join(process.env.AFFECT_SHOTS, `${name}.png`), fullPage: true }); };
