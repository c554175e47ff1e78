// Measures the time from the pen stroke to the answer of the page, in a browser on the same machine.
//
//     HANDFUL=target/release/handful node benches/serve/latency.js          # make load

import { open, visit } from '../../crates/handful-cli/tests/page/browser.js';
import { start } from '../../crates/handful-cli/tests/page/server.js';
import { drawings } from '../../crates/handful-cli/tests/page/strokes.js';

/** Milliseconds between two points of the pen: 120 a second. */
const PACE = 1000 / 120;

const server = await start(['--model', 'fast']);
const browser = await open();
try {
  const page = await visit(browser, server.url);
  await page.waitForSelector('html[data-ready]');
  await page.evaluate(async () => {
    const { reader } = await import('/app.js');
    window.answers = [];
    reader.addEventListener('answer', ({ detail }) => window.answers.push(detail));
  });
  const { x, y, width, height } = await page.locator('#drawing').boundingBox();
  const place = ([across, down]) => [x + across * width, y + down * height];
  for (const { strokes } of drawings()) {
    for (const [first, ...rest] of strokes) {
      await page.mouse.move(...place(first));
      await page.mouse.down();
      for (const point of rest) {
        await page.mouse.move(...place(point));
        await page.waitForTimeout(PACE);
      }
      await page.mouse.up();
    }
    await page.click('#clear');
  }
  const answers = await page.evaluate(() => window.answers);
  const total = answers.map(({ milliseconds }) => milliseconds);
  const inModel = answers.map(({ microseconds }) => microseconds / 1000);
  console.log(
    `from pen to answer, ${answers.length} answers while 100 digits are drawn: median ${at(total, 0.5)} ms, `
    + `90 % ${at(total, 0.9)} ms; of it in the server ${at(inModel, 0.5)} ms`,
  );
} finally {
  await browser.close();
  await server.stop();
}

/** The value below which a share of all lies. */
function at(values, share) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(share * (sorted.length - 1))].toFixed(1);
}
