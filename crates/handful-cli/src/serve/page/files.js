// Files of labelled images that `handful train --data` and many other programs can read.

/** CSV in the format of Kaggle's Digit Recognizer: `label,pixel0,…`. */
export function csv(rows, [height, width]) {
  const names = Array.from({ length: height * width }, (_, i) => `pixel${i}`);
  const lines = rows.map(({ label, pixels }) => [quoted(label), ...pixels].join(','));
  return `${['label', ...names].join(',')}\n${lines.map((line) => `${line}\n`).join('')}`;
}

/** Images in IDX, MNIST's own format: a magic number, the sizes, and the bytes. */
export function idxImages(rows, [height, width]) {
  return idx(0x803, [rows.length, height, width], rows.flatMap(({ pixels }) => [...pixels]));
}

/** Labels, each a number from 0 to 255, in IDX. */
export function idxLabels(rows) {
  return idx(0x801, [rows.length], rows.map(({ label }) => Number(label)));
}

function idx(magic, sizes, bytes) {
  const head = new DataView(new ArrayBuffer(4 * (1 + sizes.length)));
  [magic, ...sizes].forEach((value, i) => head.setUint32(4 * i, value));
  const file = new Uint8Array(head.byteLength + bytes.length);
  file.set(new Uint8Array(head.buffer));
  file.set(bytes, head.byteLength);
  return file;
}

function quoted(field) {
  return /[",\n\r]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}
