import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { serve } from './fixture.js';
import { draw, setBrush } from './pen.js';
import { mulberry32 } from './random.js';
import { drawings } from './strokes.js';

const visit = serve();

test('of a hundred digits that are drawn at least 95 are read right', async (t) => {
  const page = await visit(t);
  const all = drawings();
  assert.equal(all.length, 100);
  const misread = [];
  for (const { digit, shape, brush, strokes } of all) {
    await setBrush(page, brush);
    await draw(page, strokes);
    const read = await page.textContent('#label');
    if (read !== String(digit)) misread.push(`${digit}, ${shape}, as ${read}`);
    await page.click('#clear');
  }
  const which = misread.join('; ') || 'none';
  t.diagnostic(`${100 - misread.length} of 100 drawings are read right; misread: ${which}`);
  assert(misread.length <= 5);
});

test('of a thousand test digits, painted anywhere in any size, at least 97.5 % are read right', async (t) => {
  const page = await visit(t);
  const digits = await paintable(1000);
  // The paper has to hold a stroke to be read; what is painted is painted over it.
  await draw(page, [[[0.5, 0.5]]]);
  const read = await page.evaluate(readPainted, digits);
  const right = digits.filter(({ label }, i) => read[i].label === label).length;
  // The page says of some that they are not digits. It then names the most similar digit.
  const doubted = digits.filter(({ label }, i) => read[i].sure.endsWith(`the most similar is ${label}`)).length;
  t.diagnostic(`${right} of ${digits.length} painted test digits are read right, and ${doubted} are right but doubted`);
  assert(right >= 0.975 * digits.length);
});

/** The first test digits, each with the place of its frame: a quarter of the paper's side at least. */
function paintable(count) {
  const random = mulberry32(7);
  const images = mnist('images-idx3').subarray(16);
  const labels = mnist('labels-idx1').subarray(8);
  return Array.from({ length: count }, (_, i) => {
    const side = 0.25 + 0.75 * random();
    const [x, y] = [random() * (1 - side), random() * (1 - side)];
    const pixels = images.subarray(784 * i, 784 * (i + 1)).toString('base64');
    return { label: String(labels[i]), pixels, x, y, side };
  });
}

function mnist(name) {
  const path = `../../../../data/mnist/t10k-${name}-ubyte.gz`;
  return gunzipSync(readFileSync(new URL(path, import.meta.url)));
}

/** In the page: paints one digit after the other, and collects the verdicts that the page shows. */
async function readPainted(digits) {
  const { drawing } = await import('/app.js');
  const paper = document.getElementById('drawing');
  const context = paper.getContext('2d');
  const verdict = document.getElementById('verdict');
  const told = () => new Promise((resolve) => {
    new MutationObserver((_, observer) => {
      if (verdict.ariaBusy === 'true') return;
      observer.disconnect();
      const [label, sure] = ['label', 'sure'].map((id) => document.getElementById(id).textContent);
      resolve({ label, sure });
    }).observe(verdict, { attributeFilter: ['aria-busy'] });
  });

  const digit = new OffscreenCanvas(28, 28);
  const read = [];
  for (const { pixels, x, y, side } of digits) {
    const image = new ImageData(28, 28);
    [...atob(pixels)].forEach((letter, i) => (image.data[4 * i + 3] = letter.charCodeAt(0)));
    digit.getContext('2d').putImageData(image, 0, 0);
    context.clearRect(0, 0, paper.width, paper.height);
    context.imageSmoothingEnabled = true;
    context.drawImage(digit, ...[x, y, side, side].map((part) => part * paper.width));
    const answered = told();
    drawing.changed();
    read.push(await answered);
  }
  return read;
}
