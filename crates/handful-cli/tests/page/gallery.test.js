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
      // The gallery does not say which images look like no digit.
      const [read, sure] = [await page.textContent('#label'), await page.textContent('#sure')];
      assert(read === predicted || (read === '?' && sure.endsWith(`the most similar is ${predicted}`)), `${read}, ${sure}`);
    }
  });

  test('a mistake is shown with its true label, the nearest prototypes of that, and why they lost', async (t) => {
    const page = await visit(t);
    const shown = await gallery(page);
    const wrong = shown.filter(({ label, predicted }) => label !== predicted).slice(0, 8);
    assert.equal(wrong.length, 8);
    for (const { index, image, label, predicted } of wrong) {
      await choose(page, index, image);
      const isDoubtful = (await page.textContent('#label')) === '?';
      const told = isDoubtful ? 'and the most similar is' : 'read as';
      assert.equal(await page.textContent('#truth'), `True label: ${label}, ${told} ${predicted}`);
      const { neighbors, true_label_neighbors: nearest } = await explained(page, image, label);
      const far = ({ distance }) => Math.sqrt(distance).toFixed(1);
      const losers = await page.$$eval('#losers li', (items) =>
        items.map((item) => [item.textContent, item.querySelector('img').src]));
      assert.deepEqual(losers, nearest.map((one) => [`${label} at distance ${far(one)}`, one.image]));
      const why = await page.textContent('#losers-why');
      const votes = (name) => neighbors.filter((one) => one.label === name).length;
      const place = neighbors.findIndex(({ prototype }) => prototype === nearest[0].prototype) + 1;
      for (const part of [
        `The 5 nearest prototypes are ${neighbors.map((one) => one.label).join(', ')}:`,
        `“${predicted}” gets ${votes(predicted)} vote`,
        `“${label}” gets ${votes(label) === 0 ? 'none' : `${votes(label)} vote`}`,
        `The nearest “${label}” is at distance ${far(nearest[0])}${place > 0 ? `, in place ${place}.` : '; those that voted are at most'}`,
      ]) assert(why.includes(part), `${part}: ${why}`);
    }
  });

  test('a digit that is read right has its true label too, and a drawing has none', async (t) => {
    const page = await visit(t);
    const shown = await gallery(page);
    const { index, image, label } = shown.findLast((digit) => digit.label === digit.predicted);
    await choose(page, index, image);
    assert.equal(await page.textContent('#truth'), `True label: ${label}, read right`);
    assert.equal(await page.isVisible('#losers-section'), false);
    await draw(page, drawings()[0].strokes);
    assert.equal(await page.isVisible('#truth'), false);
    await page.click('#clear');
    await page.click('#undo');
    for (const _ of drawings()[0].strokes) await page.click('#undo');
    await page.locator('#truth', { hasText: `True label: ${label}, read right` }).waitFor();
  });

  test('if hyperplanes decide, the page explains a mistake without votes', async (t) => {
    const page = await visit(t, {}, '?model=neighbors');
    const shown = await gallery(page);
    const { index, image, label, predicted } = shown[0];
    assert.notEqual(label, predicted);
    await choose(page, index, image);
    const why = await page.textContent('#losers-why');
    assert.match(why, new RegExp(`hyperplane. That of “${predicted}” is nearer than that of “${label}”. The nearest “${label}” is`));
    assert.equal(await page.locator('#losers li').count(), 5);
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

/** Puts a digit of the gallery on the paper, and waits for its verdict. */
async function choose(page, index, image) {
  await page.click(`#digits li:nth-child(${index + 1}) button`);
  await page.waitForSelector(`#seen img[src="${image}"]`);
}

/** The answer of the API for an image of the gallery. */
function explained(page, image, label) {
  return page.evaluate(async ([address, truth]) => {
    const { fileOf } = await import('/element.js');
    const body = fileOf(address);
    return (await fetch(`/api/predict?true_label=${truth}`, { method: 'POST', body })).json();
  }, [image, label]);
}

/** The digits that are shown, as they are told. */
async function gallery(page) {
  await page.waitForSelector('#digits li');
  return page.$$eval('#digits li', (items) => items.map((item, index) => {
    const told = item.querySelector('[aria-hidden]').textContent.split(' → ');
    return { index, image: item.querySelector('img').src, label: told[0], predicted: told.at(-1) };
  }));
}
