import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serve } from './fixture.js';
import { answer, draw, ink, pixels, places, press, setBrush, settled } from './pen.js';
import { mulberry32 } from './random.js';
import { drawings } from './strokes.js';

const visit = serve();
/** One of each, in order. */
const ofEachDigit = drawings().filter((_, i) => i % 10 === 0);
const [zero, one] = ofEachDigit;

test('every digit is shown with its probabilities, its voters and what the model sees', async (t) => {
  const page = await visit(t);
  for (const { digit, brush, strokes } of ofEachDigit) {
    await setBrush(page, brush);
    await draw(page, strokes);
    const told = await answer(page);
    assert.equal(told.label, String(digit));
    assert.deepEqual(await verdict(page), expected(told));
    const latency = /^\d+ ms from pen to answer, [\d.]+ (µs|ms) of it in the server$/;
    assert.match(await page.textContent('#latency'), latency);
    await page.click('#clear');
  }
});

test('the map explains its ring and its lines, and the ring lies near the prototypes that voted', async (t) => {
  // The ring does not glide to its place.
  const page = await visit(t, { reducedMotion: 'reduce' });
  const legend = await page.$$eval('#legend li', (items) => items.map((item) =>
    [item.textContent, item.querySelector('circle, line, text').tagName]));
  assert.deepEqual(legend.map(([, tag]) => tag), ['circle', 'line', 'text']);
  assert.match(legend[0][0], /your drawing/);
  assert.match(legend[1][0], /neighbour/);
  for (const { digit, strokes } of ofEachDigit) {
    await draw(page, strokes);
    const nearest = await page.evaluate(() => {
      const place = (shape) => {
        const { x, y, width, height } = shape.getBoundingClientRect();
        return [x + width / 2, y + height / 2];
      };
      const [x, y] = place(document.querySelector('#map .here'));
      const glyphs = [...document.querySelectorAll('#map text')].map((glyph) => {
        const [left, top] = place(glyph);
        return [Math.hypot(left - x, top - y), glyph.textContent];
      });
      return glyphs.sort(([a], [b]) => a - b)[0][1];
    });
    assert.equal(nearest, String(digit));
    await page.click('#clear');
  }
});

test('the map shows the drawing among the prototypes that voted', async (t) => {
  const page = await visit(t);
  const circle = page.locator('#map .here');
  assert.equal(await circle.evaluate((shape) => getComputedStyle(shape).opacity), '0');
  const seen = [];
  for (const { strokes } of [zero, one]) {
    await draw(page, strokes);
    assert.equal(await circle.evaluate((shape) => getComputedStyle(shape).opacity), '1');
    seen.push(await circle.evaluate((shape) => shape.style.transform));
    const led = await page.$$eval('#map line', (lines) => lines.map((line) => {
      const [x, y] = [line.getAttribute('x2'), line.getAttribute('y2')];
      return document.querySelector(`#map text[x="${x}"][y="${y}"]`).textContent;
    }));
    assert.deepEqual(led, (await answer(page)).neighbors.map(({ label }) => label));
    await page.click('#clear');
    assert.equal(await page.locator('#map line').count(), 0);
  }
  assert.notEqual(seen[0], seen[1]);
});

test('answers come while the pen is still down', async (t) => {
  const page = await visit(t);
  await page.evaluate(() => {
    globalThis.labels = [];
    const label = document.getElementById('label');
    new MutationObserver(() => labels.push(label.textContent)).observe(label, { childList: true });
  });
  const [ring] = zero.strokes;
  const pen = await press(page, ring.slice(0, ring.length / 2));
  await page.waitForFunction(() => labels.length > 1);
  await settled(page);
  const half = await answer(page);
  assert.equal(await page.textContent('#label'), half.label);

  await pen.lift();
  await draw(page, zero.strokes);
  assert.equal(await page.textContent('#label'), '0');
  assert.notEqual(half.input, (await answer(page)).input);
});

test('undo takes one stroke back, and clear takes all', async (t) => {
  const page = await visit(t);
  assert.deepEqual(await blank(page), { label: '?', undo: true, clear: true, hint: true, ink: 0 });
  await draw(page, one.strokes);
  const before = [await answer(page), await ink(page)];
  await draw(page, [[[0.1, 0.9], [0.9, 0.9]], [[0.1, 0.1], [0.9, 0.1]]]);
  assert.notEqual(await ink(page), before[1]);
  await page.click('#undo');
  await page.click('#undo');
  await settled(page);
  assert.deepEqual(await verdict(page), expected(before[0]));
  assert.equal(await ink(page), before[1]);
  assert.equal(await page.isVisible('#hint'), false);

  await draw(page, [[[0.1, 0.9], [0.9, 0.9]]]);
  const whole = await ink(page);
  await page.click('#clear');
  await settled(page);
  assert.deepEqual(await blank(page), { label: '?', undo: false, clear: true, hint: true, ink: 0 });
  await page.click('#undo');
  assert.equal(await ink(page), whole);
});

test('undo ends a stroke that is being drawn', async (t) => {
  const page = await visit(t);
  const at = await places(page);
  await page.mouse.move(...at([0.5, 0.2]));
  await page.mouse.down();
  await page.mouse.move(...at([0.5, 0.4]));
  await page.keyboard.press('Control+z');
  await page.mouse.move(...at([0.5, 0.8]));
  await page.mouse.up();
  await settled(page);
  assert.equal(await ink(page), 0);
  assert.equal(await page.textContent('#label'), '?');
});

test('a wider brush leaves more ink', async (t) => {
  const page = await visit(t);
  const covered = [];
  for (const width of [0.02, 0.06, 0.14]) {
    await setBrush(page, width);
    await draw(page, [[[0.2, 0.5], [0.8, 0.5]]]);
    covered.push(await ink(page));
    await page.click('#clear');
  }
  // A bar with round ends.
  [0.02, 0.06, 0.14].forEach((width, i) => {
    const area = 0.6 * width + Math.PI * (width / 2) ** 2;
    assert(Math.abs(covered[i] - area) < 0.05 * area, `${width}: ${covered[i]}, expected ${area}`);
  });
});

test('the page says that a scribble and a filled paper are not digits', async (t) => {
  const page = await visit(t);
  const random = mulberry32(1);
  const scribble = Array.from({ length: 40 }, () => [0.1 + 0.8 * random(), 0.1 + 0.8 * random()]);
  const tenths = Array.from({ length: 10 }, (_, i) => 0.05 + i / 10);
  const filled = tenths.flatMap((y) => tenths.map((x) => [x, y]));
  for (const [width, stroke, light] of [[0.03, scribble, 0.1], [0.14, filled, 0.4]]) {
    await setBrush(page, width);
    await draw(page, [stroke]);
    const told = await answer(page);
    const sentence = `This does not look like one digit; the most similar is ${told.label}`;
    assert.equal(await page.textContent('#sure'), sentence);
    assert.deepEqual(await verdict(page), expected(told));
    assert.deepEqual(await colours(page), { label: 'neutral', bars: 'neutral', choice: 'neutral' });
    const seen = await pixels(page, await page.getAttribute('#seen img', 'src'));
    const mean = seen.reduce((sum, value) => sum + value) / (255 * seen.length);
    assert(mean > light, `the model sees ink as ink: ${mean}`);
    await page.click('#clear');
  }
  await draw(page, one.strokes);
  assert.match(await page.textContent('#sure'), / sure$/);
  assert.deepEqual(await colours(page), { label: 'accent', bars: 'accent', choice: 'accent' });
});

/** What the page tells, as far as it follows from an answer. */
async function verdict(page) {
  await page.$$eval('#verdict img', (images) => Promise.all(images.map((image) => image.decode())));
  return page.evaluate(() => {
    const text = (node) => node.textContent;
    const all = (selector, told) => [...document.querySelectorAll(selector)].map(told);
    const picture = (image) => [image.src, image.naturalWidth, image.naturalHeight];
    return {
      label: text(document.getElementById('label')),
      isDoubtful: document.getElementById('verdict').classList.contains('is-doubtful'),
      bars: all('#bars li', (bar) =>
        [text(bar.querySelector('.class')), Number(bar.style.getPropertyValue('--share'))]),
      first: all('#bars .is-first .class', text),
      shares: all('#bars .share', text),
      voters: all('#voters li', (voter) => [text(voter), ...picture(voter.querySelector('img'))]),
      seen: all('#seen img', picture),
    };
  });
}

function expected({ label, is_digit: isDigit, probabilities, neighbors, input }) {
  assert.equal(neighbors.length, 5);
  assert.equal(Object.keys(probabilities).length, 10);
  const share = (p) => `${(Math.floor(1000 * p) / 10).toFixed(1)} %`;
  return {
    label: isDigit ? label : '?',
    isDoubtful: !isDigit,
    bars: Object.entries(probabilities),
    first: [label],
    shares: Object.values(probabilities).map(share),
    voters: neighbors.map(({ label, distance, image }) =>
      [`${label} at distance ${Math.sqrt(distance).toFixed(1)}`, image, 28, 28]),
    seen: [[input, 28, 28]],
  };
}

/** Which parts of the verdict have the colour of a verdict. */
function colours(page) {
  return page.evaluate(() => {
    const accent = getComputedStyle(document.querySelector('.wordmark')).color;
    const told = (color) => (color === accent ? 'accent' : 'neutral');
    const style = (selector) => getComputedStyle(document.querySelector(selector));
    const choices = [...document.querySelectorAll('#choices button')].map((button) => getComputedStyle(button).color);
    return {
      label: told(style('#label').color),
      bars: told(style('#bars .is-first .bar').backgroundColor),
      choice: choices.includes(accent) ? 'accent' : 'neutral',
    };
  });
}

/** What there is to see of an empty paper. */
async function blank(page) {
  return {
    label: await page.textContent('#label'),
    undo: await page.isDisabled('#undo'),
    clear: await page.isDisabled('#clear'),
    hint: await page.isVisible('#hint'),
    ink: await ink(page),
  };
}
