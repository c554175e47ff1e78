// The page: what is drawn goes to the reader, and what it answers to all that show it.

import { Drawing } from './drawing.js';
import { byId, count } from './element.js';
import { Gallery } from './gallery.js';
import { Kept } from './kept.js';
import { DigitMap } from './map.js';
import { Reader, ask } from './reader.js';
import { startTheme } from './theme.js';
import { Verdict } from './verdict.js';

export const drawing = new Drawing(byId('drawing'));
startTheme(() => drawing.recolour());
useTools();

const model = await ask('/api/model');
tellFacts(model);
const { points } = await ask('/api/map');
const [map, verdict, kept] = [new DigitMap(points, model), new Verdict(model), new Kept(model)];

export const reader = new Reader(drawing);
reader.addEventListener('answer', ({ detail }) => {
  verdict.show(detail);
  map.show(detail);
  kept.offer(detail);
});
reader.addEventListener('nothing', () => {
  verdict.showNothing();
  map.showNothing();
  kept.offer(null);
});
reader.addEventListener('failure', ({ detail }) => verdict.showFailure(detail));
reader.addEventListener('busy', () => verdict.setBusy(true));
reader.addEventListener('idle', () => verdict.setBusy(false));
takePictures();
document.documentElement.dataset.ready = '';

// Null where there are no test images: then there is no gallery.
const summary = await ask('/api/gallery');
if (summary) {
  new Gallery(summary, model, async (file) => {
    await drawing.show(file);
    byId('paper').scrollIntoView({ block: 'nearest' });
  });
}

function useTools() {
  const update = () => {
    byId('undo').disabled = drawing.isEmpty;
    byId('clear').disabled = drawing.isEmpty;
    byId('hint').hidden = !drawing.isEmpty;
  };
  const setBrush = () => {
    drawing.brush = byId('brush').valueAsNumber / 100;
  };
  drawing.addEventListener('change', update);
  byId('undo').addEventListener('click', () => drawing.undo());
  byId('clear').addEventListener('click', () => drawing.clear());
  byId('brush').addEventListener('input', setBrush);
  setBrush();
  update();
}

/** Files that are chosen, dropped or pasted. */
function takePictures() {
  const take = (files) => {
    const file = [...files].find(({ type }) => type.startsWith('image/')) ?? files[0];
    if (file) drawing.show(file).catch(() => {
      verdict.showFailure(new Error(`${file.name} cannot be shown: expected a picture.`));
    });
  };
  byId('file').addEventListener('change', ({ target }) => {
    take(target.files);
    // So that the same file can be chosen again.
    target.value = '';
  });
  document.addEventListener('paste', ({ clipboardData }) => take(clipboardData.files));
  document.addEventListener('dragover', (event) => event.preventDefault());
  document.addEventListener('drop', (event) => {
    event.preventDefault();
    take(event.dataTransfer.files);
  });
}

function tellFacts(model) {
  const facts = [
    `handful ${model.version}, model ${model.model}, ${count(Math.round(model.bytes / 1000))} kB`,
    `${count(model.n_prototypes)} prototypes, of which the nearest ${model.n_neighbors} decide`,
    `learned from ${count(model.n_samples)} images`,
  ];
  byId('facts').textContent = `${facts.join('; ')}.`;
}
