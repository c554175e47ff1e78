import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { serve } from './fixture.js';
import { draw, ink, press, settled } from './pen.js';
import { drawings } from './strokes.js';

const visit = serve();
const photo = {
  name: 'photo.jpg',
  mimeType: 'image/jpeg',
  buffer: readFileSync(new URL('../../../handful/tests/formats/fixtures/strays/photo.jpg', import.meta.url)),
};

test('a photograph that is chosen is read', async (t) => {
  const page = await visit(t);
  await page.setInputFiles('#file', photo);
  await told(page, '7');
  assert(await page.isEnabled('#undo'));

  await page.click('#undo');
  await told(page, '?');
  await page.setInputFiles('#file', photo);
  await told(page, '7');
});

for (const kind of ['drop', 'paste']) {
  test(`a photograph is read after a ${kind}`, async (t) => {
    const page = await visit(t);
    await page.evaluate(({ kind, name, mimeType, encoded }) => {
      const bytes = Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0));
      const data = new DataTransfer();
      data.items.add(new File([bytes], name, { type: mimeType }));
      const init = { bubbles: true, cancelable: true };
      const event = kind === 'drop'
        ? new DragEvent('drop', { ...init, dataTransfer: data })
        : new ClipboardEvent('paste', { ...init, clipboardData: data });
      document.body.dispatchEvent(event);
      // Else the browser would leave the page for the file that was dropped.
      if (kind === 'drop' && !event.defaultPrevented) throw new Error('the page would be left');
    }, { ...photo, kind, encoded: photo.buffer.toString('base64') });
    await told(page, '7');
  });
}

test('a picture of blank paper has no verdict', async (t) => {
  const page = await visit(t);
  const encoded = 'iVBORw0KGgoAAAANSUhEUgAAACgAAAAoAQAAAACkhYXAAAAAEklEQVR42mP8z8DAwMDEMFJIABSQAU8mPDaBAAAAAElFTkSuQmCC';
  const blank = { name: 'blank.png', mimeType: 'image/png', buffer: Buffer.from(encoded, 'base64') };
  await page.setInputFiles('#file', blank);
  await page.locator('#sure', { hasText: 'No ink found' }).waitFor();
  await page.locator('#spoken', { hasText: 'No ink found' }).waitFor({ state: 'attached' });
  assert.equal(await page.textContent('#label'), '?');
  assert.equal(await page.textContent('#voters'), '');
  assert.deepEqual(await page.$$eval('#bars li', (bars) =>
    bars.filter((bar) => bar.style.getPropertyValue('--share') !== '0' || bar.matches('.is-first'))), []);
  assert.equal(await page.locator('#verdict.is-doubtful').count(), 1, 'no colour says that it is sure');
});

test('a drawing takes the place of a picture', async (t) => {
  const page = await visit(t);
  await page.setInputFiles('#file', photo);
  await told(page, '7');
  await draw(page, drawings()[0].strokes);
  assert.equal(await page.textContent('#label'), '0');
});

test('the page says that a file is not a picture, and clears the verdict on what was there before', async (t) => {
  const page = await visit(t);
  for (const [name, mimeType] of [['broken.png', 'image/png'], ['letter.txt', 'text/plain']]) {
    await draw(page, drawings()[0].strokes);
    assert.equal(await page.textContent('#label'), '0');
    await page.setInputFiles('#file', { name, mimeType, buffer: Buffer.from('no picture') });
    const expected = `${name} cannot be shown: expected a picture.`;
    await page.locator('#latency', { hasText: expected }).waitFor();
    await page.locator('#spoken', { hasText: expected }).waitFor({ state: 'attached' });
    assert.equal(await page.textContent('#sure'), 'No picture');
    assert.equal(await page.textContent('#label'), '?');
    assert.equal(await page.locator('#voters img, #seen img, #bars .is-first, #map line').count(), 0);
    assert.equal(await ink(page), 0);
    assert.deepEqual(await page.$$eval('#choices button', (all) => [...new Set(all.map((one) => one.ariaDisabled))]), ['true']);

    // What was drawn is not lost.
    await page.click('#undo');
    await told(page, '0');
    assert.match(await page.textContent('#sure'), / sure$/);
    assert.doesNotMatch(await page.textContent('#latency'), /expected/);
    await page.click('#clear');
  }
});

test('the page says that the server cannot read a picture, and clears the verdict on the last one', async (t) => {
  const page = await visit(t);
  await page.setInputFiles('#file', photo);
  await told(page, '7');
  const answer = { status: 422, contentType: 'application/json', body: '{"error": "Expected a picture."}' };
  await page.route('**/api/predict*', (route) => route.fulfill(answer));
  await page.setInputFiles('#file', photo);
  await told(page, '?');
  assert.equal(await page.textContent('#sure'), 'No answer');
  assert.equal(await page.textContent('#latency'), 'Expected a picture.');
  assert.equal(await page.locator('#voters img').count(), 0);
  page.problems.logged = [];
});

test('the page says that it cannot read an answer, and shows the next answer', async (t) => {
  const page = await visit(t);
  await page.route('**/api/predict*', (route) => route.fulfill({ status: 200, body: 'no JSON' }));
  await draw(page, drawings()[0].strokes);
  assert.equal(await page.textContent('#sure'), 'No answer');
  assert.equal(await page.textContent('#label'), '?');
  await page.unroute('**/api/predict*');
  await draw(page, [[[0.5, 0.5]]]);
  assert.match(await page.textContent('#sure'), / sure$|no digit$/);
  await settled(page);
});

test('a server that is busy is asked again', async (t) => {
  const page = await visit(t);
  const busy = { status: 503, contentType: 'application/json', body: '{"error": "Busy."}' };
  let release;
  const wait = new Promise((resolve) => { release = resolve; });
  await page.route('**/api/predict*', async (route) => {
    await wait;
    await route.continue();
  });
  // Of two routes the later one comes first, here once.
  await page.route('**/api/predict*', (route) => route.fulfill(busy), { times: 1 });
  await (await press(page, drawings()[0].strokes[0].slice(0, 1))).lift();
  await page.locator('#sure', { hasText: 'No answer' }).waitFor();
  assert.equal(await page.textContent('#label'), '?');
  release();
  await page.waitForFunction(() => document.getElementById('label').textContent !== '?');
  // Chromium reports each.
  assert.match(page.problems.logged.join(), /503/);
  page.problems.logged = [];
});

test('a small picture is shown and read as it is, whatever its colours', async (t) => {
  const page = await visit(t);
  const address = await page.evaluate(() => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 28, height: 28 });
    const context = canvas.getContext('2d');
    context.fillRect(12, 4, 4, 20);
    return canvas.toDataURL();
  });
  const buffer = Buffer.from(address.split(',')[1], 'base64');
  await page.setInputFiles('#file', { name: 'one.png', mimeType: 'image/png', buffer });
  await told(page, '1');
  // Black on white paper of its own.
  const grey = await page.locator('#drawing').evaluate((canvas) => {
    const context = canvas.getContext('2d');
    return [0.25, 0.5].map((x) => context.getImageData(x * canvas.width, canvas.height / 2, 1, 1).data[0]);
  });
  assert.deepEqual(grey, [255, 0]);
});

function told(page, label) {
  return page.waitForFunction((text) => document.getElementById('label').textContent === text, label);
}
