// The page: sends the drawing to the reader, and the reader's answers to the parts that show them.

import { Drawing } from './drawing.js';
import { byId, count, setUsable } from './element.js';
import { Gallery } from './gallery.js';
import { Kept } from './kept.js';
import { DigitMap } from './map.js';
import { Reader } from './reader.js';
import { ask } from './server.js';
import { startTheme } from './theme.js';
import { Verdict } from './verdict.js';

export const drawing = new Drawing(byId('drawing'));
export const reader = new Reader(drawing);
startTheme(() => drawing.recolour());
useTools();

try {
  const [model, { points }] = await Promise.all([ask('/api/model'), ask('/api/map')]);
  tellFacts(model);
  const [map, verdict, kept] = [new DigitMap(points, model), new Verdict(model), new Kept(model, look)];
  tellAll(map, verdict, kept);
  takePictures((sentence) => verdict.tell(sentence));
  // There may be strokes already.
  if (!drawing.isEmpty) drawing.changed();
  document.documentElement.dataset.ready = '';

  // Null if there are no test images; then there is no gallery.
  const summary = await ask('/api/gallery');
  if (summary) new Gallery(summary, model, look);
} catch (error) {
  byId('sure').textContent = 'The page could not be loaded';
  byId('latency').textContent = `${error.message} Reload the page to try again.`;
}

/** Shows a digit in its frame on the paper. */
async function look(file) {
  await drawing.show(file, { isInk: true });
  byId('paper').scrollIntoView({ block: 'nearest' });
}

function tellAll(map, verdict, kept) {
  drawing.addEventListener('change', () => kept.expect());
  reader.addEventListener('answer', ({ detail }) => {
    verdict.show(detail);
    if (detail.label === null) {
      map.showNothing();
      kept.withdraw();
      return;
    }
    map.show(detail);
    if (detail.isCurrent) kept.offer(detail);
  });
  const showNone = (show) => {
    show();
    map.showNothing();
    kept.withdraw();
  };
  reader.addEventListener('nothing', () => showNone(() => verdict.showNothing()));
  reader.addEventListener('failure', ({ detail }) => showNone(() => verdict.showFailure(detail)));
  reader.addEventListener('busy', () => verdict.setBusy(true));
  reader.addEventListener('idle', () => verdict.setBusy(false));
}

function useTools() {
  const update = () => {
    setUsable(byId('undo'), drawing.canUndo);
    setUsable(byId('clear'), !drawing.isEmpty);
    byId('hint').hidden = !drawing.isEmpty;
  };
  const setBrush = () => {
    drawing.brush = byId('brush').valueAsNumber / 100;
  };
  drawing.addEventListener('change', update);
  byId('undo').addEventListener('click', () => drawing.undo());
  byId('clear').addEventListener('click', () => drawing.clear());
  byId('brush').addEventListener('input', setBrush);
  document.addEventListener('keydown', (event) => {
    const isUndo = event.key === 'z' && (event.ctrlKey || event.metaKey) && !event.shiftKey;
    if (!isUndo) return;
    event.preventDefault();
    drawing.undo();
  });
  setBrush();
  update();
}

/** Shows files that are chosen, dropped or pasted. */
function takePictures(tell) {
  const take = (files) => {
    const file = [...files].find(({ type }) => type.startsWith('image/')) ?? files[0];
    if (file) drawing.show(file).catch(() => tell(`${file.name} cannot be shown: expected a picture.`));
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
    `${count(model.n_prototypes)} prototypes; the nearest ${model.n_neighbors} decide`,
    `trained on ${count(model.n_samples)} images`,
  ];
  byId('facts').textContent = `${facts.join('; ')}.`;
}
