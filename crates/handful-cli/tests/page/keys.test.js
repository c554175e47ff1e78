import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serve } from './fixture.js';
import { ink, settled } from './pen.js';

const visit = serve();

test('the keyboard alone draws, undoes and clears, and the verdict is said', async (t) => {
  const page = await visit(t);
  await tabTo(page, 'drawing');
  const status = page.getByRole('status').and(page.locator('#spoken'));
  assert.equal(await status.textContent(), '');

  await page.keyboard.press('Space');
  assert(await page.locator('#paper.has-pen.pen-down').count(), 'the pen is to be seen');
  await press(page, 'ArrowDown', 10);
  await page.keyboard.press('Space');
  await settled(page);
  assert.equal(await page.textContent('#label'), '1');
  await status.filter({ hasText: /^1, [\d.> ]+ % sure$/ }).waitFor({ state: 'attached' });
  const bar = await ink(page);

  // A pen that is not down leaves no ink; with Shift it makes small steps.
  await press(page, 'ArrowUp', 5);
  await press(page, 'ArrowLeft', 5);
  assert.equal(await ink(page), bar);
  await page.keyboard.press('Space');
  await press(page, 'Shift+ArrowRight', 4);
  await page.keyboard.press('Space');
  const dash = (await ink(page)) - bar;
  assert(dash > 0 && dash < 0.04 * 0.06 + 0.06 ** 2, `${dash}`);

  // Wherever the focus is.
  await page.keyboard.press('Tab');
  await page.keyboard.press('Control+z');
  await page.keyboard.press('Shift+Tab');
  await settled(page);
  assert.equal(await ink(page), bar);
  assert.equal(await page.textContent('#label'), '1');
  await page.keyboard.press('Delete');
  await settled(page);
  assert.equal(await ink(page), 0);
  assert.equal(await page.textContent('#label'), '?');
  await status.filter({ hasText: /^$/ }).waitFor({ state: 'attached' });
});

test('the pen stays on the paper, and is put away when the paper is left', async (t) => {
  const page = await visit(t);
  await tabTo(page, 'drawing');
  await press(page, 'ArrowLeft', 30);
  const pen = () => page.locator('#paper').evaluate((paper) => paper.style.getPropertyValue('--pen-x'));
  assert.equal(await pen(), '0');
  await page.keyboard.press('Tab');
  assert.equal(await page.locator('#paper.has-pen').count(), 0);
});

test('every control is reached by Tab, in the order in which they are seen', async (t) => {
  const page = await visit(t);
  await page.waitForSelector('#digits button');
  await tabTo(page, 'drawing');
  await page.keyboard.press('Space');
  await page.keyboard.press('Space');
  await settled(page);
  const reached = [];
  for (let i = 0; i < 3 + 1 + 10; i += 1) {
    await page.keyboard.press('Tab');
    reached.push(await page.evaluate(() => document.activeElement.id || document.activeElement.value));
  }
  assert.deepEqual(reached, ['brush', 'undo', 'clear', 'file', ...'0123456789']);
});

async function tabTo(page, id) {
  for (let i = 0; i < 5; i += 1) {
    await page.keyboard.press('Tab');
    if (await page.evaluate(() => document.activeElement.id) === id) return;
  }
  assert.fail(`Tab does not lead to #${id}`);
}

async function press(page, key, times) {
  for (let i = 0; i < times; i += 1) await page.keyboard.press(key);
}
