import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { open } from './browser.js';
import { measure } from './layout.js';
import { writeReports } from './reports.js';

/** In pixels: an old phone, a phone, and so on to a large screen. */
const WIDTHS = [320, 375, 600, 800, 1000, 1280];
/** A4 without its margins of 16 mm. */
const PAPER = 672;

let browser;
let folder;
/** What is measured of each report on a screen of each width, and on paper. */
const screens = [];
const papers = [];

before(async () => {
  let names;
  ({ folder, names } = await writeReports());
  browser = await open();
  for (const name of names) {
    const page = await browser.newPage();
    await page.goto(pathToFileURL(join(folder, `${name}.html`)).href);
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 800 });
      screens.push({ name, width, ...await page.evaluate(measure) });
    }
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
    await page.setViewportSize({ width: PAPER, height: 950 });
    papers.push({ name, width: PAPER, ...await page.evaluate(measure) });
    await page.close();
  }
});
after(async () => {
  await browser?.close();
  if (folder) rmSync(folder, { recursive: true });
});

/** Asserts that a measure lists nothing, in any of the pages. */
function assertNone(pages, listed) {
  const found = pages.flatMap(({ name, width, [listed]: list }) => list.map((item) => `${name} at ${width}: ${item}`));
  assert.deepEqual(found, []);
}

describe('a report', () => {
  test('has nothing that is wider than its column', () => assertNone(screens, 'tooWide'));

  test('has no text of less than 12 pixels', () => assertNone(screens, 'tooSmall'));

  test('has charts whose labels do not overlap', () => {
    assertNone([...screens, ...papers], 'overlaps');
    assert(screens[0].labels > 50, `${screens[0].labels} labels`);
  });

  test('has charts and rows of pictures that fill their columns', () => assertNone(screens, 'unfilled'));

  test('has small multiples of one size', () => {
    for (const { name, width, multiples } of screens) {
      assert.equal(new Set(multiples).size, name === 'presets' ? 1 : 0, `${multiples} in ${name} at ${width}`);
    }
  });

  test('has captions of one style', () => {
    const styles = new Set(screens.flatMap(({ captions }) => captions));
    assert.equal(styles.size, 1, [...styles].join('\n'));
  });

  test('has a table of contents for fingers, which leads to every part', () => {
    const phones = screens.filter(({ width }) => width === 375);
    assert.deepEqual(Object.fromEntries(phones.map(({ name, contents }) => [name, contents.length])), {
      presets: 9, neighbors: 7, evaluation: 2, predictions: 0, prediction: 0, means: 10, prototypes: 10, audit: 5,
    });
    for (const { text, height, leadsTo } of phones.flatMap(({ contents }) => contents)) {
      assert(height >= 36, `${text}: ${height}`);
      assert.match(leadsTo, /^(H2|H3)$/, text);
    }
  });

  test('is dark on white on paper, where nothing is cut off', () => {
    assertNone(papers, 'tooWide');
    assertNone(papers, 'breakable');
    for (const { name, colours, contents } of papers) {
      assert.deepEqual(colours, { backgroundColor: 'rgb(255, 255, 255)', color: 'rgb(0, 0, 0)' }, name);
      assert.deepEqual(contents.filter(({ height }) => height > 0), [], name);
    }
  });
});
