import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { serve } from './fixture.js';
import { draw } from './pen.js';
import { drawings } from './strokes.js';

describe('with test images', () => {
  const visit = serve();

  test('the gallery shows mistakes first, and its figures are those of the API', async (t) => {
    const page = await visit(t);
    const summary = await get(page, '/api/gallery');
    const { n_images: n, n_mistakes: mistakes, accuracy, confusion_matrix: matrix } = summary;
    const shown = await gallery(page);
    assert.equal(shown.length, 60);
    assert.deepEqual(shown.slice(0, mistakes).filter(({ label, predicted }) => label === predicted), []);
    assert.deepEqual(shown.slice(mistakes).filter(({ label, predicted }) => label !== predicted), []);

    const lead = await page.textContent('#gallery-lead');
    const figures = [n.toLocaleString('en'), `${(100 * accuracy).toFixed(2)} %`, `${mistakes} mistakes`];
    for (const figure of figures) assert(lead.includes(figure), `${figure}: ${lead}`);
    const cells = await page.$$eval('#matrix tbody tr', (rows) => rows.map((row) =>
      [...row.querySelectorAll('td')].map((cell) => Number(cell.textContent))));
    assert.deepEqual(cells, matrix);
    assert.equal(matrix.flat().reduce((sum, count) => sum + count), n);
  });

  test('a digit that is chosen goes to the paper, and gets the verdict that the gallery tells', async (t) => {
    const page = await visit(t);
    const shown = await gallery(page);
    const isRight = ({ label, predicted }) => label === predicted;
    const isWrong = (digit) => !isRight(digit);
    const chosen = [isWrong, isRight].flatMap((kind) => shown.filter(kind).slice(0, 6));
    assert.equal(chosen.length, 12);
    for (const { index, image, predicted } of chosen) {
      await page.click(`#digits li:nth-child(${index + 1}) button`);
      // The model sees it as it is.
      await page.waitForSelector(`#seen img[src="${image}"]`);
      assert.equal(await page.textContent('#label'), predicted);
    }
  });

  test('a cell of the matrix shows exactly its images', async (t) => {
    const page = await visit(t);
    const first = await gallery(page);
    const cell = page.locator('#matrix .is-wrong button').first();
    const name = await cell.getAttribute('aria-label');
    const [, label, predicted, count] = name.match(/^(\d) read as (\d): (\d+)$/);
    await cell.click();
    await page.waitForFunction((n) => document.querySelectorAll('#digits li').length === n, Number(count));
    assert.equal(await page.textContent('#gallery-what'), `${label}, read as ${predicted}`);
    for (const digit of await gallery(page)) {
      assert.deepEqual([digit.label, digit.predicted], [label, predicted]);
    }
    assert.equal(await page.getAttribute('#more', 'aria-disabled'), 'true');

    await page.click('#all');
    assert.deepEqual(await gallery(page), first);
    assert.equal(await page.getAttribute('#all', 'aria-disabled'), 'true');
  });

  test('there are more where they come from', async (t) => {
    const page = await visit(t);
    const first = await gallery(page);
    await page.dblclick('#more');
    await page.waitForFunction(() => document.querySelectorAll('#digits li').length >= 120);
    const both = await gallery(page);
    assert.deepEqual(both.slice(0, 60), first);
    assert.equal(new Set(both.map(({ image }) => image)).size, 120);
  });
});

describe('without test images', () => {
  const folder = mkdtempSync(join(tmpdir(), 'handful-page-'));
  after(() => rmSync(folder, { recursive: true }));
  const visit = serve(['--data', folder]);

  test('there is no gallery, and neighbours are shown by the pictures that the model keeps', async (t) => {
    const page = await visit(t);
    assert.equal(await get(page, '/api/gallery'), null);
    await draw(page, drawings()[0].strokes);
    assert.equal(await page.textContent('#label'), '0');
    const widths = await page.$$eval('#voters img', (images) =>
      Promise.all(images.map((image) => image.decode().then(() => image.naturalWidth))));
    assert.deepEqual(widths, [28, 28, 28, 28, 28]);
    assert.equal(await page.isVisible('#gallery-section'), false);
  });
});

function get(page, path) {
  return page.evaluate(async (address) => (await fetch(address)).json(), path);
}

/** The digits that are shown, as they are told. */
async function gallery(page) {
  await page.waitForSelector('#digits li');
  return page.$$eval('#digits li', (items) => items.map((item, index) => {
    const told = item.querySelector('[aria-hidden]').textContent.split(' → ');
    return { index, image: item.querySelector('img').src, label: told[0], predicted: told.at(-1) };
  }));
}
