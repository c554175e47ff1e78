import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';

export function open() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium' });
}

/**
 * Milliseconds. No test depends on how fast the machine is: this limit, which no machine reaches, only keeps one that
 * waits in vain from hanging for ever.
 */
const PATIENCE = 600_000;

const none = () => ({ logged: [], thrown: [], foreign: [], failed: [] });

/** A page in a context of its own, which `options` are of; `page.problems` fills as it is used. */
export async function visit(browser, url, options) {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(PATIENCE);
  const problems = none();
  context.on('console', (message) => {
    if (!['error', 'warning'].includes(message.type())) return;
    problems.logged.push(`${message.location().url}: ${message.text()}`);
  });
  context.on('weberror', (event) => problems.thrown.push(String(event.error())));
  context.on('request', (request) => {
    if (new URL(request.url()).origin !== new URL(url).origin) problems.foreign.push(request.url());
  });
  context.on('requestfailed', (request) => {
    problems.failed.push(`${request.url()}: ${request.failure().errorText}`);
  });

  const page = await context.newPage();
  page.problems = problems;
  await page.goto(url);
  return page;
}

/** Asserts that a page logged nothing, threw nothing, and asked for nothing in vain or elsewhere. */
export function assertCalm(page) {
  assert.deepEqual(page.problems, none());
}
