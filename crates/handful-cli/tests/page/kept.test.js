import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { serve } from './fixture.js';
import { answer, draw, pixels, press } from './pen.js';
import { program } from './server.js';
import { drawings } from './strokes.js';

const visit = serve();
const folder = mkdtempSync(join(tmpdir(), 'handful-page-'));
after(() => rmSync(folder, { recursive: true }));
/** One of each digit. */
const few = drawings().filter((_, i) => i % 10 === 0);

test('drawings are kept with their labels, right or wrong, until they are forgotten', async (t) => {
  const page = await visit(t);
  assert.equal(await page.isVisible('#exports'), false);
  assert.deepEqual(await enabled(page), []);
  const images = [];
  for (const label of ['0', '5', '7']) {
    await draw(page, few[0].strokes);
    assert.deepEqual(await enabled(page), [...'0123456789']);
    images.push((await answer(page)).input);
    await keep(page, label);
    assert.equal(
      await page.textContent('#keep-note'),
      `Kept as ${label}, ${label === '0' ? 'read right' : 'read as 0'}; ${images.length} in all.`,
    );
    await page.click('#clear');
  }
  const all = ['0', '5', '7'].map((label, i) => [label, images[i]]);
  assert.deepEqual(await kept(page), all);

  // A reload would cut off what is still loading.
  await page.waitForSelector('#digits li');
  await learned(page, 3);
  await page.reload();
  await page.waitForSelector('html[data-ready]');
  await learned(page, 3);
  assert.deepEqual(await kept(page), all);

  await page.click('#kept li:nth-child(2) .forget');
  assert.deepEqual(await kept(page), [all[0], all[2]]);
  await answerDialog(page, 'dismiss');
  assert.deepEqual(await kept(page), [all[0], all[2]]);
  await answerDialog(page, 'accept');
  assert.deepEqual(await kept(page), []);
  assert.equal(await page.isVisible('#exports'), false);
  // A reload would cut off what is still loading.
  await page.waitForSelector('#digits li');
  await page.reload();
  await page.waitForSelector('html[data-ready]');
  assert.deepEqual(await kept(page), []);
});

test('kept drawings are exported as files that handful learns from', async (t) => {
  const page = await visit(t);
  const expected = [];
  for (const { digit, strokes } of few) {
    await draw(page, strokes);
    expected.push([digit, ...await pixels(page, (await answer(page)).input)]);
    await keep(page, String(digit));
    await page.click('#clear');
  }

  const [csv] = await downloads(page, 'csv', ['drawings.csv']);
  const [header, ...lines] = readFileSync(csv, 'utf8').trimEnd().split('\n');
  assert.equal(header, ['label', ...Array.from({ length: 784 }, (_, i) => `pixel${i}`)].join(','));
  assert.deepEqual(lines.map((line) => line.split(',').map(Number)), expected);

  const parts = ['train-images-idx3-ubyte', 'train-labels-idx1-ubyte'];
  const [images, labels] = (await downloads(page, 'idx', parts)).map((path) => readFileSync(path));
  assert.deepEqual(numbers(images, 4), [0x803, few.length, 28, 28]);
  assert.deepEqual(numbers(labels, 2), [0x801, few.length]);
  assert.deepEqual([...images.subarray(16)], expected.flatMap(([, ...values]) => values));
  assert.deepEqual([...labels.subarray(8)], expected.map(([label]) => label));

  const model = join(folder, 'model.safetensors');
  for (const data of [csv, join(folder, 'idx')]) {
    const recipe = ['--preset', 'notebook', '--prototypes', '1', '--n-neighbors', '1'];
    handful('train', '--data', data, ...recipe, '-o', model);
    const { predictions: read } = JSON.parse(handful('predict', '--model', model, '--json', csv));
    assert.deepEqual(read.map(({ label }) => Number(label)), expected.map(([label]) => label));
  }
});

test('a drawing is kept as it is, not as it was before, and once', async (t) => {
  const page = await visit(t);
  const [zero, one] = [few[0], few[1]];
  await draw(page, zero.strokes);
  await page.dblclick('#choices button[value="0"]');
  assert.equal((await kept(page)).length, 1);
  await page.click('#clear');
  await draw(page, zero.strokes);

  // Chosen while the answer is under way.
  let release;
  const wait = new Promise((resolve) => { release = resolve; });
  await page.route('**/api/predict*', async (route) => {
    await wait;
    await route.continue();
  });
  for (const points of one.strokes) await (await press(page, points)).lift();
  await keep(page, '1');
  assert.equal((await kept(page)).length, 1);
  release();
  await page.waitForFunction(() => document.querySelectorAll('#kept li').length === 2);
  await page.unroute('**/api/predict*');
  const [, [label, image]] = await kept(page);
  assert.deepEqual([label, image], ['1', (await answer(page)).input]);
});

test('what another window keeps stays, and is shown', async (t) => {
  const page = await visit(t);
  const other = await page.context().newPage();
  await other.goto(page.url());
  await other.waitForSelector('html[data-ready]');
  for (const [window, digit] of [[page, 0], [other, 1], [page, 2]]) {
    await window.bringToFront();
    await draw(window, few[digit].strokes);
    await keep(window, String(digit));
  }
  assert.deepEqual((await kept(page)).map(([label]) => label), ['0', '1', '2']);
  await other.waitForFunction(() => document.querySelectorAll('#kept li').length === 3);
});

test('a drawing that is kept can be looked at again', async (t) => {
  const page = await visit(t);
  await draw(page, few[3].strokes);
  const { input } = await answer(page);
  await keep(page, '3');
  await page.click('#clear');
  await page.click('#kept li button');
  await page.waitForSelector(`#seen img[src="${input}"]`);
  assert.equal(await page.textContent('#label'), '3');
});

function handful(...args) {
  return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

function keep(page, label) {
  return page.click(`#choices button[value="${label}"]`);
}

function learned(page, n) {
  return page.locator('#learn-note', { hasText: `has learned ${n} of your drawings` }).waitFor();
}

function enabled(page) {
  const usable = '#choices button[aria-disabled="false"]';
  return page.$$eval(usable, (buttons) => buttons.map(({ value }) => value));
}

function kept(page) {
  return page.$$eval('#kept li', (items) => items.map((item) => [
    item.querySelector('span').textContent, item.querySelector('img').src,
  ]));
}

async function answerDialog(page, how) {
  page.once('dialog', (dialog) => dialog[how]());
  await page.click('#forget');
}

/** Exports files in a format, which have to have these names, to a folder of its own. */
async function downloads(page, format, names) {
  const made = [];
  const all = new Promise((resolve) => {
    page.on('download', (download) => made.push(download) === names.length && resolve());
  });
  await page.click(`#export-${format}`);
  await all;
  page.removeAllListeners('download');
  assert.deepEqual(made.map((download) => download.suggestedFilename()).sort(), names);
  const path = (name) => join(folder, format, name);
  await Promise.all(made.map((download) => download.saveAs(path(download.suggestedFilename()))));
  return names.map(path);
}

function numbers(file, count) {
  return Array.from({ length: count }, (_, i) => file.readUInt32BE(4 * i));
}
