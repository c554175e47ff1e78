import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { serve } from './fixture.js';
import { answer, draw, settled } from './pen.js';
import { program } from './server.js';

const visit = serve();
const folder = mkdtempSync(join(tmpdir(), 'handful-learn-'));
after(() => rmSync(folder, { recursive: true }));

/** A one with a long flag, which is read as 7, and the same by a less steady hand. */
const flag = [[[0.3, 0.45], [0.55, 0.2], [0.55, 0.85]]];
const like = [[[0.26, 0.5], [0.55, 0.21], [0.54, 0.86]]];
/** A five as the Romans wrote it, which is no digit to the model. */
const roman = [[[0.3, 0.2], [0.5, 0.8], [0.7, 0.2]]];
const romanLike = [[[0.31, 0.21], [0.5, 0.8], [0.69, 0.2]]];

test('a digit that is misread is read right once it is kept, and misread again once it is forgotten', async (t) => {
  const page = await visit(t);
  await draw(page, flag);
  await reads(page, '7');
  assert(await page.isHidden('#lesson'));
  assert.equal(await page.textContent('#learn-note'), '');
  await keep(page, '1');
  await reads(page, '1');
  assert.equal(await page.textContent('#lesson'), 'Read by everyday, taught 1 of your drawings');
  assert.equal(await page.textContent('#learn-note'), 'everyday has learned 1 of your drawings.');
  await page.click('#clear');
  await draw(page, like);
  await reads(page, '1');
  assert.equal((await owns(page))[0], '1 your drawing');
  const [picture] = await page.$$eval('#voters img', (images) => images.map(({ src }) => src));
  assert.equal(picture, await page.getAttribute('#kept img', 'src'));
  await page.waitForSelector('#digits li');
  assert.equal(await page.locator('.untaught:visible').count(), 2, 'the map and the results are those of the model');
  assert.equal(await page.locator('#map text').count(), 200);

  await page.reload();
  await page.waitForSelector('html[data-ready]');
  await draw(page, like);
  await reads(page, '1');

  const other = await visit(t);
  await draw(other, like);
  await reads(other, '7');
  assert(await other.isHidden('#lesson'));

  await page.bringToFront();
  await page.click('#kept .forget');
  await reads(page, '7');
  assert(await page.isHidden('#lesson'));
  assert.deepEqual(await owns(page), []);
  assert.equal(await page.locator('.untaught:visible').count(), 0);
});

test('a digit that is like no other is read once it is kept, and the page says what it is like', async (t) => {
  const page = await visit(t);
  await draw(page, roman);
  await reads(page, '?');
  await keep(page, '5');
  await page.click('#clear');
  await draw(page, romanLike);
  await reads(page, '5');
  assert.equal(await page.textContent('#sure'), 'Most like your own 5; otherwise not like one digit');
});

test('another label is learned at once, and the switch decides whether anything is', async (t) => {
  const page = await visit(t);
  await draw(page, flag);
  await keep(page, '4');
  await reads(page, '4');
  assert.deepEqual(await pressed(page), ['4']);
  await keep(page, '1');
  await reads(page, '1');
  assert.deepEqual(await pressed(page), ['1']);
  assert.equal(await page.textContent('#keep-note'), 'Kept as 1 instead of 4.');
  assert.equal(await page.locator('#kept li').count(), 1);
  await page.click('#clear');
  assert.deepEqual(await pressed(page), []);

  // A drawing that is looked at again can be given another label, too.
  await page.click('#kept li button');
  await page.locator('#truth', { hasText: 'True label: 1, read right' }).waitFor();
  await keep(page, '4');
  await page.locator('#truth', { hasText: 'True label: 4, read right' }).waitFor();
  assert.equal(await page.locator('#kept li').count(), 1);

  await page.getByRole('switch', { name: 'Learn from my drawings' }).press('Space');
  await page.locator('#truth', { hasText: 'True label: 4, read as 7' }).waitFor();
  assert.equal(await page.textContent('#learn-note'), '');
  await page.waitForSelector('#digits li');
  await page.reload();
  await page.waitForSelector('html[data-ready]');
  assert.equal(await page.isChecked('#learn'), false);
  await draw(page, flag);
  await reads(page, '7');
  await page.check('#learn');
  await reads(page, '4');
});

test('the page says what is learned, also while nothing is drawn', async (t) => {
  const page = await visit(t);
  await draw(page, flag);
  await keep(page, '1');
  await page.click('#clear');
  await page.locator('#learn-note', { hasText: 'everyday has learned 1 of your drawings.' }).waitFor();
  await page.waitForSelector('#digits li');
  await page.reload();
  await page.locator('#learn-note', { hasText: 'everyday has learned 1 of your drawings.' }).waitFor();
  await page.click('#kept .forget');
  await page.locator('#learn-note:empty').waitFor({ state: 'attached' });
  await page.locator('.untaught:visible').first().waitFor({ state: 'detached' });
});

test('the model and the number of neighbours can be chosen as before', async (t) => {
  const page = await visit(t);
  await draw(page, flag);
  await keep(page, '1');
  for (const name of ['fast', 'neighbors', 'everyday']) {
    await page.selectOption('#model', name);
    await page.locator('#lesson', { hasText: `Read by ${name}, taught 1 of your drawings` }).waitFor();
    await reads(page, '1');
    assert.equal((await owns(page))[0], '1 your drawing', name);
  }
  await page.fill('#neighbors', '1');
  await page.locator('#neighbors').blur();
  await page.waitForFunction(() => document.querySelectorAll('#voters li').length === 1);
  assert.deepEqual(await owns(page), ['1 your drawing']);
  assert.equal(new URL(page.url()).search, '?model=everyday&n_neighbors=1');
});

test('when the server has forgotten what it was taught, it is taught again', async (t) => {
  const page = await visit(t);
  await draw(page, flag);
  await keep(page, '1');
  await reads(page, '1');
  let forgot = 0;
  await page.route('**/api/predict?model=everyday%7E*', (route) => {
    forgot += 1;
    return route.fulfill({ status: 410, contentType: 'application/json', body: '{"error": "Forgotten."}' });
  }, { times: 1 });
  const taught = page.waitForRequest('**/api/teach*');
  await page.click('#clear');
  await draw(page, like);
  await taught;
  await reads(page, '1');
  assert.equal(forgot, 1);
  page.problems.logged = [];
});

test('when the server cannot teach, the model reads as it is, and the page says so', async (t) => {
  const page = await visit(t);
  await draw(page, flag);
  const refusal = { status: 413, contentType: 'application/json', body: '{"error": "Expected fewer."}' };
  await page.route('**/api/teach*', (route) => route.fulfill(refusal));
  await keep(page, '1');
  await page.locator('#learn-note', { hasText: 'The model did not learn your drawings: Expected fewer.' }).waitFor();
  await reads(page, '7');
  page.problems.logged = [];
});

test('drawings that the model cannot learn are left out, and counted', async (t) => {
  const page = await visit(t);
  await draw(page, flag);
  await keep(page, '1');
  await reads(page, '1');
  await page.evaluate(() => {
    const [key] = Object.keys(localStorage).filter((name) => name.startsWith('handful.kept'));
    const [drawing] = JSON.parse(localStorage.getItem(key));
    const damaged = { ...drawing, id: 'damaged', image: 'data:image/png;base64,AAAA' };
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [3, 3];
    const small = { ...drawing, id: 'small', image: canvas.toDataURL() };
    localStorage.setItem(key, JSON.stringify([drawing, { ...drawing, id: 'word', label: 'one' }, damaged, small]));
  });
  await page.waitForSelector('#digits li');
  await page.reload();
  await page.waitForSelector('html[data-ready]');
  await draw(page, like);
  await reads(page, '1');
  assert.equal(
    await page.textContent('#learn-note'),
    'everyday has learned 1 of your drawings. 3 are left out: their labels are not among the classes of the model, ' +
      'or the picture is damaged.',
  );
  page.problems.logged = [];
});

test('the taught model is saved as a file that handful predicts with', async (t) => {
  const page = await visit(t);
  await draw(page, flag);
  await keep(page, '1');
  await reads(page, '1');
  const address = (await answer(page)).input;
  const saved = page.waitForEvent('download');
  await page.click('#save-model');
  const download = await saved;
  assert.equal(download.suggestedFilename(), 'everyday-taught.safetensors');
  const [model, picture] = ['model.safetensors', 'flag.png'].map((name) => join(folder, name));
  await download.saveAs(model);
  writeFileSync(picture, Buffer.from(address.split(',')[1], 'base64'));
  const predicted = (...args) => JSON.parse(
    execFileSync(program, ['predict', '--json', ...args, picture], { encoding: 'utf8' }),
  ).predictions[0].label;
  assert.equal(predicted('--model', model), '1');
  assert.equal(predicted('--model', 'everyday'), '7');
  assert(readFileSync(model).length > 900_000);
});

function keep(page, label) {
  return page.click(`#choices button[value="${label}"]`);
}

/** Waits until what is drawn is read as this. */
async function reads(page, label) {
  await page.locator('#label', { hasText: label }).waitFor();
  await settled(page);
  assert.equal(await page.textContent('#label'), label);
}

/** The neighbours that are the user's own drawings. */
function owns(page) {
  return page.$$eval('#voters li:has(.own)', (items) => items.map((item) =>
    `${item.querySelector('b').textContent}${item.querySelector('.own').textContent}`));
}

function pressed(page) {
  return page.$$eval('#choices [aria-pressed="true"]', (buttons) => buttons.map(({ value }) => value));
}
