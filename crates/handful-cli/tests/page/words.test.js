import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { serve } from './fixture.js';
import { overflowing } from './overflow.js';
import { draw } from './pen.js';
import { drawings } from './strokes.js';
import { run } from './server.js';

const NAMES = ['cat', 'three-toed sloth', 'Donaudampfschifffahrtsgesellschaftskapitän', 'a dog of no particular breed at all'];
const folder = mkdtempSync(join(tmpdir(), 'handful-words-'));
const model = join(folder, 'words.safetensors');

/** A model whose classes have long names, and test images of them. */
before(() => {
  const words = fileURLToPath(new URL('../../../handful/tests/formats/fixtures/words', import.meta.url));
  for (const part of ['train', 'test']) {
    NAMES.forEach((name, i) => {
      cpSync(join(words, i % 2 === 0 ? 'cat' : 'dog'), join(folder, 'data', part, name), { recursive: true });
    });
  }
  run(['train', '--preset', 'notebook', '--prototypes', '2', '--framing', 'never', '-o', model, '--data', join(folder, 'data')]);
});
after(() => rmSync(folder, { recursive: true }));
const visit = serve(['--model', model, '--data', join(folder, 'data')]);

test('long names of classes neither overlap nor leave their column', async (t) => {
  for (const width of [360, 768, 1280]) {
    const page = await visit(t, { viewport: { width, height: 740 } });
    await page.waitForSelector('#digits li');
    for (const name of NAMES) {
      const digit = page.locator('#digits button', { hasText: new RegExp(`^${name}(,|$)`) }).first();
      await digit.click();
      await page.locator('#truth', { hasText: `True label: ${name}` }).waitFor();
      assert.deepEqual(await overflowing(page), [], `${name} at ${width}`);
    }
    await draw(page, drawings()[0].strokes);
    assert.deepEqual(await overflowing(page), [], `at ${width}`);
    for (const name of NAMES) {
      await page.locator('#choices button', { hasText: new RegExp(`^${name}$`) }).click();
      await page.locator('#voters li:has(.own)', { hasText: name }).first().waitFor();
      assert.deepEqual(await overflowing(page), [], `kept as ${name} at ${width}`);
    }
  }
});

test('the map explains the colours of classes whose names are long', async (t) => {
  const page = await visit(t);
  const hues = (selector) => page.$$eval(selector, (glyphs) => [...new Set(glyphs.map((glyph) => getComputedStyle(glyph).fill))]);
  const legend = await page.$$eval('#legend li', (items) => items.slice(2).map((item) => item.textContent));
  assert.deepEqual(legend.map((text) => text.replace('●', '')).sort(), [...NAMES].sort());
  assert.deepEqual((await hues('#map text')).sort(), (await hues('#legend text')).sort());
});

test('a model of digits can be chosen too, and the page says that it does not know a label', async (t) => {
  const page = await visit(t);
  await page.locator('#digits button').first().click();
  await page.locator('#truth').waitFor();
  await page.selectOption('#model', 'tiny');
  await page.locator('#losers-why', { hasText: 'The model does not know' }).waitFor();
  assert.equal(await page.locator('#bars li').count(), 10);
  assert.equal(await page.locator('#choices button').count(), 10);
});
