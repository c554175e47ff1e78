import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { assertCalm, open, visit } from './browser.js';
import { start } from './server.js';

/** A server and a browser for a file's tests; opens the page for a test, at whose end it has to be calm. */
export function serve(args) {
  let server;
  let browser;
  before(async () => {
    server = await start(args);
    browser = await open();
  });
  after(async () => {
    await browser?.close();
    if (server) assert.equal(await server.stop(), 0);
  });

  return async (t, options, search = '') => {
    const page = await visit(browser, server.url + search, options);
    t.after(async () => {
      await page.context().close();
      assertCalm(page);
    });
    await page.waitForSelector('html[data-ready]');
    return page;
  };
}
