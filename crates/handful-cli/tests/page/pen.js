// What people do with the paper, and what they see of it. Places are in parts of the paper's side.

/** Draws strokes with the mouse, and waits for the verdict. */
export async function draw(page, strokes) {
  for (const points of strokes) await (await press(page, points)).lift();
  await settled(page);
}

/**
 * One stroke with the mouse, whose button stays down until it is lifted. These are the events that
 * `page.mouse` sends, but as fast as a hand does: not each of them waits until the last is painted.
 */
export async function press(page, points) {
  const at = await places(page);
  const client = await page.context().newCDPSession(page);
  const send = (type, point) => {
    const [x, y] = at(point);
    return client.send('Input.dispatchMouseEvent', { type, x, y, button: 'left', buttons: 1, clickCount: 1 });
  };
  await Promise.all([
    send('mousePressed', points[0]),
    ...points.slice(1).map((point) => send('mouseMoved', point)),
  ]);
  const lift = async () => {
    await send('mouseReleased', points.at(-1));
    await client.detach();
  };
  return { lift };
}

/** From places on the paper to those in the window. */
export async function places(page) {
  const paper = page.locator('#drawing');
  await paper.scrollIntoViewIfNeeded();
  const { x, y, width, height } = await paper.boundingBox();
  return ([across, down]) => [x + across * width, y + down * height];
}

/** Waits until what is drawn has its verdict. */
export function settled(page) {
  return page.waitForSelector('#verdict:not([aria-busy="true"])');
}

/** Chooses the brush's width, in parts of the paper's side. */
export function setBrush(page, width) {
  return page.locator('#brush').fill(String(100 * width));
}

/** The answer of the API for what is on the paper, which the page has to tell. */
export function answer(page) {
  return page.evaluate(async () => {
    const { drawing } = await import('/app.js');
    const response = await fetch('/api/predict', { method: 'POST', body: drawing.body() });
    return response.json();
  });
}

/** How much of the paper is covered, from 0 to 1. */
export function ink(page) {
  return page.locator('#drawing').evaluate((canvas) => {
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    const opaque = data.filter((_, i) => i % 4 === 3);
    return opaque.reduce((sum, value) => sum + value, 0) / (255 * opaque.length);
  });
}

/** Grey values of a picture in a `data:` address. */
export function pixels(page, address) {
  return page.evaluate(async (source) => {
    const image = new Image();
    image.src = source;
    await image.decode();
    const context = new OffscreenCanvas(image.width, image.height).getContext('2d');
    context.drawImage(image, 0, 0);
    return [...context.getImageData(0, 0, image.width, image.height).data].filter((_, i) => i % 4 === 0);
  }, address);
}
