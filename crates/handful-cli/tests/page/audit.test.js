import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { assertCalm, open, visit } from './browser.js';
import { dataSet } from './reports.js';
import { program } from './server.js';

const run = promisify(execFile);
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const HEADER = 'kind,part,index,label,suggested,score,other_part,other_index,other_label,distance,decision,new_label';
/** Training images whose labels are changed. */
const WRONG = [12, 345, 678];

let browser;
let folder;
let url;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'handful-audit-'));
  const data = dataSet(folder, 'data', 2000, 200);
  const path = join(data, 'train-labels-idx1-ubyte');
  const labels = readFileSync(path);
  for (const index of WRONG) labels[8 + index] = (labels[8 + index] + 5) % 10;
  writeFileSync(path, labels);
  await run(program, ['audit', '--data', data, '--report', join(folder, 'audit.html')]);
  url = pathToFileURL(join(folder, 'audit.html')).href;
  browser = await open();
});
after(async () => {
  await browser?.close();
  if (folder) rmSync(folder, { recursive: true });
});

async function visitPage(t, options) {
  const page = await visit(browser, url, { acceptDownloads: true, ...options });
  t.after(async () => {
    await page.context().close();
    assertCalm(page);
  });
  await page.waitForSelector('html[data-ready]');
  return page;
}

/** The rows of the file that the page saves. */
async function saved(page) {
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('#download')]);
  assert.equal(download.suggestedFilename(), 'decisions.csv');
  const [header, ...rows] = readFileSync(await download.path(), 'utf8').trimEnd().split('\n');
  assert.equal(header, HEADER);
  return rows;
}

const progress = (page) => page.textContent('#progress');
const row = (page, number) => page.locator('main section .finding:not(#stage *)').nth(number).getAttribute('data-row');

test('keys decide about one finding after the other, and the decisions are saved in a file', async (t) => {
  const page = await visitPage(t);
  const n = await page.locator('.finding:not(#stage *)').count();
  assert(n > WRONG.length, `${n} findings`);
  assert.equal(await progress(page), `1 of ${n}, 0 decided`);
  assert(await page.isDisabled('#download'));
  const rows = await Promise.all([0, 1, 2, 3].map((number) => row(page, number)));
  for (const index of WRONG) assert(rows.some((one) => one.startsWith(`label,train,${index},`)), `${rows}`);
  const suggested = rows[1].split(',')[4];

  await page.keyboard.press('k');
  await page.keyboard.press('R');
  await page.keyboard.press('x');
  assert.equal(await progress(page), `4 of ${n}, 3 decided`);
  await page.keyboard.press('7');
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowLeft');
  assert.equal(await progress(page), `3 of ${n}, 4 decided`);
  assert.equal(await page.textContent('#stage .decision'), 'remove');
  await page.keyboard.press('u');
  assert.equal(await page.textContent('#stage .decision'), '');
  await page.keyboard.press('Control+k');
  assert.equal(await progress(page), `3 of ${n}, 3 decided`, 'a shortcut of the browser decides nothing');

  assert.deepEqual(await saved(page), [`${rows[0]},keep,`, `${rows[1]},relabel,${suggested}`, `${rows[3]},relabel,7`]);
});

test('buttons do what keys do, and decisions are still there after the page is loaded again', async (t) => {
  const page = await visitPage(t);
  await page.click('#remove');
  await page.selectOption('#other', '4');
  await page.click('#next');
  await page.click('#previous');
  await page.click('#relabel');
  const before = await saved(page);
  assert.deepEqual(before.map((one) => one.split(',').slice(10)[0]), ['remove', 'relabel', 'relabel']);
  await page.reload();
  await page.waitForSelector('html[data-ready]');
  assert.match(await progress(page), /^4 of \d+, 3 decided$/, 'the first that is not decided is shown');
  assert.deepEqual(await saved(page), before);
});

test('a finding in the list can be chosen by the keyboard', async (t) => {
  const page = await visitPage(t);
  const button = page.locator('.finding:not(#stage *) .decide').nth(5);
  await button.focus();
  await page.keyboard.press('Enter');
  assert.match(await progress(page), /^6 of /);
  assert.equal(await page.evaluate(() => document.activeElement.id), 'keep');
  const chosen = await page.locator('#stage .finding').getAttribute('data-row');
  assert.equal(chosen, await row(page, 5));
});

test('the file of decisions corrects the data set', async (t) => {
  const page = await visitPage(t);
  // MNIST has wrong labels of its own, some of which are among the first.
  for (let i = 0, n = 0; n < WRONG.length; i += 1) {
    const isWrong = WRONG.includes(Number((await row(page, i)).split(',')[2]));
    await page.keyboard.press(isWrong ? 'r' : 'ArrowRight');
    n += isWrong;
  }
  const path = join(folder, 'decisions.csv');
  writeFileSync(path, `${[HEADER, ...await saved(page)].join('\n')}\n`);
  const corrected = join(folder, 'corrected');
  await run(program, ['audit', '--data', join(folder, 'data'), '--fix', path, '-o', corrected]);
  const original = readFileSync(join(dataSet(folder, 'original', 2000, 200), 'train-labels-idx1-ubyte'));
  assert.deepEqual(readFileSync(join(corrected, 'train-labels-idx1-ubyte')), original);
});

test('axe finds nothing to object to, in both themes', async (t) => {
  for (const colorScheme of ['light', 'dark']) {
    const page = await visitPage(t, { colorScheme });
    await page.keyboard.press('k');
    // Tests get past the page's policy, which lets no other script in.
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => globalThis.axe.run());
    assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}`), [], colorScheme);
  }
});
