import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serve } from './fixture.js';
import { draw, settled } from './pen.js';
import { drawings } from './strokes.js';

const visit = serve();
const { strokes } = drawings()[30];

test('the number of neighbours is chosen, and what is drawn is explained again', async (t) => {
  const page = await visit(t);
  assert.equal(await page.inputValue('#neighbors'), '5');
  await draw(page, strokes);
  for (const k of ['1', '8', '5']) {
    await chooseNeighbors(page, k);
    const told = await answer(page, k === '5' ? '' : `?n_neighbors=${k}`);
    assert.equal(told.neighbors.length, Number(k));
    assert.deepEqual(await voters(page), told.neighbors.map(({ label }) => label));
    assert.equal(new URL(page.url()).search, k === '5' ? '' : `?n_neighbors=${k}`);
    assert.equal((await page.textContent('#choice-note')) === '', k === '5', 'other numbers are not calibrated');
  }
});

test('the page says which numbers of neighbours are possible', async (t) => {
  const page = await visit(t);
  await draw(page, strokes);
  for (const wrong of ['0', '101', '2.5', '-3', '']) {
    await chooseNeighbors(page, '3');
    await chooseNeighbors(page, wrong);
    assert.match(await page.textContent('#choice-note'), /^Expected a whole number of neighbours from 1 to 100: 5 vote/);
    assert.equal(await page.inputValue('#neighbors'), '5');
    assert.equal((await voters(page)).length, 5);
  }
});

test('another model explains what is drawn, and all parts of the page are about it', async (t) => {
  const page = await visit(t);
  await draw(page, strokes);
  await chooseModel(page, 'tiny');
  const told = await answer(page, '?model=tiny');
  assert.equal(await page.textContent('#label'), told.label);
  assert.deepEqual(await voters(page), told.neighbors.map(({ label }) => label));
  assert.equal(await page.inputValue('#neighbors'), '3');
  assert.equal(await page.getAttribute('#neighbors', 'max'), '50');
  assert.equal(await page.locator('#map text').count(), 50);
  const { accuracy } = await page.evaluate(async () => (await fetch('/api/gallery?model=tiny')).json());
  await page.locator('#gallery-lead', { hasText: `model tiny reads ${(100 * accuracy).toFixed(2)} %` }).waitFor();
  await page.waitForSelector('#digits li');

  // The gallery shows the labels that this model gives.
  const [label, predicted] = (await page.textContent('#digits li:first-child [aria-hidden]')).split(' → ');
  await page.click('#digits li:first-child button');
  await page.locator('#truth', { hasText: `True label: ${label}, read as ${predicted}` }).waitFor();
});

test('the address keeps the choice', async (t) => {
  const page = await visit(t);
  await chooseModel(page, 'small');
  await chooseNeighbors(page, '7');
  assert.equal(new URL(page.url()).search, '?model=small&n_neighbors=7');
  await page.waitForSelector('#digits li');
  await page.reload();
  await page.waitForSelector('html[data-ready]');
  assert.equal(await page.inputValue('#model'), 'small');
  assert.equal(await page.inputValue('#neighbors'), '7');
  await draw(page, strokes);
  assert.equal((await voters(page)).length, 7);
});

test('an address that names another server’s model shows this server’s own', async (t) => {
  const page = await visit(t, {}, '?model=huge&n_neighbors=7');
  assert.equal(await page.inputValue('#model'), 'everyday');
  assert.equal(await page.inputValue('#neighbors'), '5');
  await draw(page, strokes);
  assert.equal((await voters(page)).length, 5);
});

test('where hyperplanes decide, the number of neighbours cannot be chosen, and the page says so', async (t) => {
  const page = await visit(t);
  await draw(page, strokes);
  await chooseModel(page, 'neighbors');
  assert(await page.isDisabled('#neighbors'));
  assert.match(await page.textContent('#choice-note'), /hyperplanes .* decide/);
  assert.equal(await page.textContent('#voters-title'), 'The neighbours that were considered: the nearest 10 of 200');
  await chooseModel(page, 'everyday');
  assert(await page.isEnabled('#neighbors'));
  assert.equal(await page.textContent('#choice-note'), '');
});

test('an answer of the model before is not taken for one of the new model', async (t) => {
  const page = await visit(t);
  let release;
  const wait = new Promise((resolve) => { release = resolve; });
  await page.route('**/api/predict*', async (route) => {
    await wait;
    await route.continue();
  });
  for (const points of strokes) {
    const [x, y] = points[0];
    const { x: left, y: top, width, height } = await page.locator('#drawing').boundingBox();
    await page.mouse.click(left + x * width, top + y * height);
  }
  await page.selectOption('#model', 'tiny');
  await page.locator('#facts', { hasText: 'model tiny' }).waitFor();
  await page.evaluate(async () => {
    const { reader } = await import('/app.js');
    window.seen = [];
    reader.addEventListener('answer', ({ detail }) => window.seen.push(detail.neighbors.length));
  });
  release();
  await page.waitForSelector('#voters img');
  await settled(page);
  // Three vote in `tiny`, five in the model before.
  assert.deepEqual(await page.evaluate(() => window.seen), [3]);
  assert.deepEqual(await voters(page), (await answer(page, '?model=tiny')).neighbors.map(({ label }) => label));
});

test('if a model cannot be loaded, the page says so and keeps the one before', async (t) => {
  const page = await visit(t);
  await draw(page, strokes);
  const busy = { status: 503, contentType: 'application/json', body: '{"error": "The server is busy."}' };
  await page.route('**/api/map?model=small', (route) => route.fulfill(busy));
  await chooseNeighbors(page, '3');
  await page.selectOption('#model', 'small');
  await page.locator('#choice-note', { hasText: 'The server is busy.' }).waitFor();
  assert.equal(await page.inputValue('#model'), 'everyday');
  await settled(page);
  assert.equal((await voters(page)).length, Number(await page.inputValue('#neighbors')));
  page.problems.logged = [];
});

async function chooseModel(page, name) {
  await page.selectOption('#model', name);
  await page.locator('#facts', { hasText: `model ${name},` }).waitFor();
  await settled(page);
}

async function chooseNeighbors(page, k) {
  await page.fill('#neighbors', k);
  await page.locator('#neighbors').blur();
  await settled(page);
}

/** The answer of the API for what is on the paper, with parameters. */
function answer(page, search) {
  return page.evaluate(async (parameters) => {
    const { drawing } = await import('/app.js');
    return (await fetch(`/api/predict${parameters}`, { method: 'POST', body: drawing.body() })).json();
  }, search);
}

/** The labels of the neighbours that are shown. */
function voters(page) {
  return page.$$eval('#voters li b', (labels) => labels.map((label) => label.textContent));
}
