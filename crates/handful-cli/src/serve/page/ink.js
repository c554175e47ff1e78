// Ink: paints strokes and pictures, finds ink, and reads it.

import { fileOf } from './element.js';

/** Paints a smooth line through the midpoints between its points. */
export function paintStroke(context, { width, points }, side) {
  const at = ([x, y]) => [x * side, y * side];
  context.beginPath();
  if (points.length === 1) {
    context.arc(...at(points[0]), (width * side) / 2, 0, 2 * Math.PI);
    context.fill();
    return;
  }
  context.lineWidth = width * side;
  context.moveTo(...at(points[0]));
  for (let i = 1; i < points.length - 1; i += 1) {
    const middle = [0, 1].map((axis) => (points[i][axis] + points[i + 1][axis]) / 2);
    context.quadraticCurveTo(...at(points[i]), ...at(middle));
  }
  context.lineTo(...at(points.at(-1)));
  context.stroke();
}

/** Paints a picture as large as possible: a framed digit as ink, any other picture on white. */
export function paintPicture(context, { bitmap, isInk }, side, color) {
  const scale = side / Math.max(bitmap.width, bitmap.height);
  const [width, height] = [bitmap.width * scale, bitmap.height * scale];
  const place = [(side - width) / 2, (side - height) / 2, width, height];
  context.imageSmoothingEnabled = !isInk;
  if (!isInk) {
    context.fillStyle = 'white';
    context.fillRect(...place);
  }
  context.drawImage(isInk ? asInk(bitmap, color) : bitmap, ...place);
}

/** A canvas with the picture, scaled down to at most `longest` pixels per side. */
export function scaled(bitmap, longest) {
  const scale = Math.min(1, longest / Math.max(bitmap.width, bitmap.height));
  const [width, height] = [bitmap.width, bitmap.height].map((side) => Math.max(1, Math.round(scale * side)));
  const context = new OffscreenCanvas(width, height).getContext('2d');
  context.drawImage(bitmap, 0, 0, width, height);
  return context.canvas;
}

/** The smallest square around the opaque pixels of a square image; the whole image if there are none. */
export function findInk(opacity, n) {
  let [left, right, top, bottom] = [n, 0, n, 0];
  opacity.forEach((value, i) => {
    if (value === 0) return;
    const [x, y] = [i % n, Math.floor(i / n)];
    [left, right] = [Math.min(left, x), Math.max(right, x + 1)];
    [top, bottom] = [Math.min(top, y), Math.max(bottom, y + 1)];
  });
  if (right === 0) return { x: 0, y: 0, side: n };
  const side = Math.max(right - left, bottom - top);
  return { x: (left + right - side) / 2, y: (top + bottom - side) / 2, side };
}

/** Grey values of a picture in a `data:` address, which has to have this shape. */
export async function greyValues(address, [height, width]) {
  const image = await createImageBitmap(fileOf(address));
  if (image.width !== width || image.height !== height) throw new Error('another size');
  const context = new OffscreenCanvas(width, height).getContext('2d');
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, width, height);
  return Uint8Array.from({ length: width * height }, (_, i) => data[4 * i]);
}

/** Grey values as opacity. */
function asInk(bitmap, color) {
  const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d');
  context.drawImage(bitmap, 0, 0);
  const image = context.getImageData(0, 0, bitmap.width, bitmap.height);
  for (let i = 0; i < image.data.length; i += 4) image.data[i + 3] = image.data[i];
  context.putImageData(image, 0, 0);
  context.globalCompositeOperation = 'source-in';
  context.fillStyle = color;
  context.fillRect(0, 0, bitmap.width, bitmap.height);
  return context.canvas;
}
