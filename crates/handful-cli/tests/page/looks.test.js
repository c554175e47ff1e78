import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { serve } from './fixture.js';
import { overflowing } from './overflow.js';
import { draw, ink, places, settled } from './pen.js';
import { drawings } from './strokes.js';

const visit = serve();
const { digit, strokes } = drawings()[20];
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const phone = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true };

test('on a phone a finger draws, and does not scroll the page', async (t) => {
  const page = await visit(t, phone);
  const at = await places(page);
  const isScrolled = () => page.evaluate(() => scrollY > 0);
  const client = await page.context().newCDPSession(page);
  const touch = (type, ...points) => client.send('Input.dispatchTouchEvent', {
    type, touchPoints: points.map(at).map(([x, y]) => ({ x, y })),
  });
  const pass = async ([first, ...points]) => {
    await touch('touchStart', first);
    await Promise.all(points.map((point) => touch('touchMove', point)));
    await touch('touchEnd');
  };
  for (const points of strokes) await pass(points);
  await settled(page);
  assert.equal(await page.textContent('#label'), String(digit));
  await pass([[0.5, 0.9], [0.5, 0.6], [0.5, 0.3], [0.5, 0.1]]);
  assert.equal(await isScrolled(), false);

  // From below the paper it does scroll.
  await pass([[0.1, 1.6], [0.1, 1.3], [0.1, 1], [0.1, 0.7]]);
  await page.waitForFunction(() => scrollY > 0);
});

test('nothing is wider than the window or its column, from phones to large screens', async (t) => {
  for (const width of [360, 768, 820, 1280, 2560]) {
    const page = await visit(t, { viewport: { width, height: 740 } });
    await page.waitForSelector('#digits li');
    assert.deepEqual(await overflowing(page), [], `empty, at ${width}`);
    await draw(page, strokes);
    await page.click('#choices button:first-child');
    await page.waitForSelector('#voters .own');
    assert.deepEqual(await overflowing(page), [], `drawn, at ${width}`);
    await page.click('#digits li:nth-child(1) button');
    await page.waitForSelector('#losers img');
    assert.deepEqual(await overflowing(page), [], `misread, at ${width}`);
    const tops = await page.$$eval('.draw .tools > *', (tools) => tools.map((tool) => {
      const { top, bottom } = tool.getBoundingClientRect();
      return Math.round((top + bottom) / 2);
    }));
    assert(Math.max(...tops) - Math.min(...tops) <= 1, `the tools are in one line at ${width}: ${tops}`);
  }
});

test('hints about keys and the mouse are only shown to those who have them', async (t) => {
  const hints = async (options) => {
    const page = await visit(t, options);
    return [await page.isVisible('#keys'), await page.isVisible('.with-mouse')];
  };
  assert.deepEqual(await hints({}), [true, true]);
  assert.deepEqual(await hints(phone), [false, false]);
});

test('what can be pressed looks like a button', async (t) => {
  const page = await visit(t);
  for (const id of ['theme', 'undo', 'all']) {
    const edge = await page.locator(`#${id}`).evaluate((button) => {
      const { borderTopColor: color, borderTopWidth: width } = getComputedStyle(button);
      return { color, width };
    });
    assert.deepEqual([edge.width, /, 0\)$/.test(edge.color)], ['1px', false], id);
  }
});

test('the verdict is in sight while one draws on a phone', async (t) => {
  const page = await visit(t, phone);
  const { y, height } = await page.locator('#label').boundingBox();
  assert(y + height <= 740, `it ends at ${y + height}`);
});

test('colours follow the system until somebody chooses, and ink does too', async (t) => {
  const page = await visit(t, { colorScheme: 'light' });
  await draw(page, strokes);
  const covered = await ink(page);
  assert.deepEqual(await lightness(page), { paper: 'light', ink: 'dark' });
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.waitForSelector('html[data-theme="dark"]');
  assert.deepEqual(await lightness(page), { paper: 'dark', ink: 'light' });

  await page.click('#theme');
  assert.deepEqual(await lightness(page), { paper: 'light', ink: 'dark' });
  assert.equal(await page.textContent('#theme'), 'Dark');
  assert.equal(await ink(page), covered);

  await page.reload();
  await page.waitForSelector('html[data-ready]');
  await draw(page, strokes);
  assert.deepEqual(await lightness(page), { paper: 'light', ink: 'dark' });
});

for (const colorScheme of ['light', 'dark']) {
  test(`axe finds nothing in ${colorScheme} colours`, async (t) => {
    const page = await visit(t, { colorScheme });
    await page.waitForSelector('#digits li');
    await page.evaluate(axe);
    assert.deepEqual(await violations(page), []);
    await draw(page, strokes);
    await page.click('#choices button:first-child');
    await page.waitForSelector('#voters .own');
    assert.deepEqual(await violations(page), []);
    await page.click('#matrix .is-wrong button');
    await page.waitForSelector('#all[aria-disabled="false"]');
    await page.click('#digits li:nth-child(1) button');
    await page.waitForSelector('#losers img');
    assert.deepEqual(await violations(page), []);
    await draw(page, [[[0.1, 0.1], [0.9, 0.9], [0.1, 0.5], [0.9, 0.2], [0.2, 0.9], [0.5, 0.1]]]);
    await page.waitForSelector('#verdict.is-doubtful');
    await page.selectOption('#model', 'neighbors');
    await page.waitForSelector('#neighbors:disabled');
    await page.waitForSelector('#digits li');
    assert.deepEqual(await violations(page), []);
  });
}

test('a script that is none of the page’s own does not run', async (t) => {
  const page = await visit(t);
  await assert.rejects(page.addScriptTag({ content: 'globalThis.ran = true' }), /Content Security Policy/);
  assert.equal(await page.evaluate(() => globalThis.ran), undefined);
  assert.match(page.problems.logged.join(), /Content Security Policy/);
  page.problems.logged = [];
});

/** Whether the paper, and the ink on it, are light or dark. */
function lightness(page) {
  return page.evaluate(() => {
    const told = ([r, g, b]) => (r + g + b > 3 * 128 ? 'light' : 'dark');
    const canvas = document.getElementById('drawing');
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    const opaque = data.findIndex((value, i) => i % 4 === 3 && value === 255);
    const paper = getComputedStyle(canvas.parentElement).backgroundColor.match(/\d+/g).map(Number);
    return { paper: told(paper), ink: told(data.slice(opaque - 3, opaque)) };
  });
}

async function violations(page) {
  const { violations: found } = await page.evaluate(() => globalThis.axe.run());
  return found
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).slice(0, 3)}`);
}
