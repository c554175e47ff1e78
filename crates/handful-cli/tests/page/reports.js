import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { program } from './server.js';

const mnist = fileURLToPath(new URL('../../../../data/mnist/', import.meta.url));
const run = promisify(execFile);

/** Writes a report of every kind to a new folder. Returns the folder and the names of the reports. */
export async function writeReports() {
  const folder = mkdtempSync(join(tmpdir(), 'handful-reports-'));
  // The presets have learned from all training images; few are enough to show what K-Means does.
  const whole = dataSet(folder, 'whole', null, 300);
  const part = dataSet(folder, 'part', 4000, 300);
  const pictures = join(part, 't10k-images-idx3-ubyte');
  const commands = {
    presets: ['compare', '--data', whole, '--frontier', '--pretrained', '--n-init', '1', '--ood', pictures],
    neighbors: ['compare', '--data', part, '--sweep', '--n-neighbors', '5', '--clusters', '12'],
    evaluation: ['evaluate', '--model', 'best', '--data', whole],
    predictions: ['predict', '--model', 'small', pictures],
    prediction: ['predict', '--model', 'notebook', dataSet(folder, 'a-folder-with-a-very-long-name'.repeat(4), 10, 1)],
    means: ['info', 'notebook'],
    prototypes: ['info', 'fast'],
    audit: ['audit', '--data', part],
  };
  const names = Object.keys(commands);
  for (const name of names) {
    await run(program, [...commands[name], '--report', join(folder, `${name}.html`)], { maxBuffer: 2 ** 26 });
  }
  return { folder, names };
}

/** A folder with the first images of MNIST, or, for `null`, all. Returns its path. */
export function dataSet(folder, name, ...counts) {
  const path = join(folder, name);
  mkdirSync(path);
  ['train', 't10k'].forEach((part, i) => {
    for (const [file, header] of [[`${part}-images-idx3-ubyte`, 16], [`${part}-labels-idx1-ubyte`, 8]]) {
      const original = join(mnist, `${file}.gz`);
      if (counts[i] === null) symlinkSync(original, join(path, `${file}.gz`));
      else writeFileSync(join(path, file), first(gunzipSync(readFileSync(original)), header, counts[i]));
    }
  });
  return path;
}

/** The first images or labels of a file. */
function first(idx, header, count) {
  const size = header === 16 ? 28 * 28 : 1;
  const cut = Buffer.from(idx.subarray(0, header + size * count));
  cut.writeUInt32BE(count, 4);
  return cut;
}
