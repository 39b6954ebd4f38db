/* The page opens, without a request to anybody else, in both themes, on a desk and on a phone. */
import { accessible, browser, check, main, open, serve, shot } from './harness.mjs';

await main(async () => {
  const server = await serve();
  const b = await browser();
  for (const [name, options] of [['desk', { viewport: { width: 1280, height: 800 } }], ['phone', { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }]])
    for (const colorScheme of ['light', 'dark']) {
      const context = await b.newContext({ ...options, colorScheme });
      const page = await open(context, server.address);
      await page.waitForSelector('[data-ready]');
      check(await page.evaluate(() => document.documentElement.dataset.theme) === colorScheme, `${name} is ${colorScheme}`);
      check(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${name}, ${colorScheme}: nothing is wider than the screen`);
      await accessible(page, `${name}, ${colorScheme}`);
      await shot(page, `page-${name}-${colorScheme}`);
      check(page.problems.length === 0, `${name}, ${colorScheme}: no problem ${page.problems}`);
      await context.close();
    }
  server.child.kill('SIGTERM');
  const { code, signal } = await server.ended;
  check(code === 0 && !signal && server.said() === '', `SIGTERM ends it cleanly (${code}, ${signal}, ${server.said()})`);
});
