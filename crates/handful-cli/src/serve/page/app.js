// The page: sends the drawing to the reader, and the reader's answers to the parts that show them.

import { Choice } from './choice.js';
import { Drawing } from './drawing.js';
import { byId, count, setUsable } from './element.js';
import { Gallery } from './gallery.js';
import { Kept } from './kept.js';
import { DigitMap } from './map.js';
import { Reader } from './reader.js';
import { ask } from './server.js';
import { Teaching } from './teaching.js';
import { startTheme } from './theme.js';
import { Verdict } from './verdict.js';

export const drawing = new Drawing(byId('drawing'));
const teaching = new Teaching();
export const reader = new Reader(drawing, teaching);
const [choice, map, verdict] = [new Choice(), new DigitMap(), new Verdict()];
const [kept, gallery] = [new Kept(look), new Gallery(look)];
/** The model in use, and how many have been chosen so far. */
let [model, turn] = [null, 0];
startTheme(() => drawing.recolour());
useTools();

try {
  choice.offer((await ask('/api/model')).models);
  await useModel();
  connect();
  takePictures();
  // There may be strokes already.
  if (!drawing.isEmpty) drawing.changed();
  document.documentElement.dataset.ready = '';
} catch (error) {
  byId('sure').textContent = 'The page could not be loaded';
  byId('latency').textContent = `${error.message} Reload the page to try again.`;
}

/** Reads with the model that is chosen. */
async function useModel() {
  turn += 1;
  const [mine, query] = [turn, choice.ofModel];
  const found = await Promise.all([ask('/api/model', query), ask('/api/map', query)]).catch((error) => {
    if (mine === turn) throw error;
  });
  // Another one may have been chosen meanwhile.
  if (mine !== turn) return;
  model = found[0];
  choice.use(model);
  map.use(found[1].points, model);
  verdict.use(model);
  kept.use(model);
  tellFacts();
  learn();
  gallery.use(model, query);
}

/** Reads what is drawn with all that is chosen, and with the drawings that are kept now. */
function learn() {
  if (drawing.kept !== null) {
    drawing.truth = kept.drawings.find(({ id }) => id === drawing.kept)?.label ?? null;
  }
  teaching.use(model, kept.drawings);
  readAgain();
}

function readAgain() {
  reader.use(choice.ofPrediction, model.classes);
}

/** Shows a digit in its frame on the paper, with its label if that is known, and its id if it is kept. */
async function look(file, truth, id = null) {
  await show(file, { isInk: true, truth, kept: id }, 'This digit cannot be shown: its picture is damaged.');
  byId('paper').scrollIntoView({ block: 'nearest' });
}

/** Shows a picture, or a sentence if that is not possible. */
async function show(file, options, sentence) {
  const { version } = drawing;
  await drawing.show(file, options).catch(() => {
    if (version === drawing.version) drawing.fail(sentence);
  });
}

function connect() {
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
  const showNone = (tell) => {
    tell();
    map.showNothing();
    kept.withdraw();
  };
  reader.addEventListener('nothing', () => showNone(() => verdict.showNothing(drawing.problem)));
  reader.addEventListener('failure', ({ detail }) => showNone(() => verdict.showFailure(detail)));
  reader.addEventListener('busy', () => verdict.setBusy(true));
  reader.addEventListener('idle', () => verdict.setBusy(false));
  kept.addEventListener('change', learn);
  teaching.addEventListener('change', readAgain);
  choice.addEventListener('neighbors', readAgain);
  choice.addEventListener('model', () => useModel().catch((error) => {
    choice.fail(error.message);
    readAgain();
  }));
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
    if (!isUndo || event.target.matches('input[type="number"]')) return;
    event.preventDefault();
    drawing.undo();
  });
  setBrush();
  update();
}

/** Shows files that are chosen, dropped or pasted. */
function takePictures() {
  const take = (files) => {
    const file = [...files].find(({ type }) => type.startsWith('image/')) ?? files[0];
    if (file) show(file, {}, `${file.name} cannot be shown: expected a picture.`);
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

function tellFacts() {
  const facts = [
    `handful ${model.version}, model ${model.model}, ${count(Math.round(model.bytes / 1000))} kB`,
    `${count(model.n_prototypes)} prototypes; in its recipe the nearest ${model.n_neighbors} decide`,
    `trained on ${count(model.n_samples)} images`,
  ];
  byId('facts').textContent = `${facts.join('; ')}.`;
}
