import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { serve } from './fixture.js';
import { answer, draw, pixels } from './pen.js';
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
      `Kept as ${label}, ${label === '0' ? 'read right' : 'read as 0'}.`,
    );
    await page.click('#clear');
  }
  const all = ['0', '5', '7'].map((label, i) => [label, images[i]]);
  assert.deepEqual(await kept(page), all);

  await page.reload();
  await page.waitForSelector('html[data-ready]');
  assert.deepEqual(await kept(page), all);

  await page.click('#kept li:nth-child(2) button');
  assert.deepEqual(await kept(page), [all[0], all[2]]);
  await answerDialog(page, 'dismiss');
  assert.deepEqual(await kept(page), [all[0], all[2]]);
  await answerDialog(page, 'accept');
  assert.deepEqual(await kept(page), []);
  assert.equal(await page.isVisible('#exports'), false);
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

function handful(...args) {
  return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

function keep(page, label) {
  return page.click(`#choices button[value="${label}"]`);
}

function enabled(page) {
  return page.$$eval('#choices button:enabled', (buttons) => buttons.map(({ value }) => value));
}

function kept(page) {
  return page.$$eval('#kept button', (buttons) => buttons.map((button) => [
    button.querySelector('span').textContent, button.querySelector('img').src,
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
