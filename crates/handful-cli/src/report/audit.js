'use strict';

// Shows findings one by one, takes decisions, keeps them, and saves them as a file.
(() => {
  const byId = (id) => document.getElementById(id);
  const desk = byId('desk');
  if (!desk) return;
  const findings = [...document.querySelectorAll('.finding')];
  const key = `handful-audit-${desk.dataset.key}`;
  /** Decisions by the line of the finding: `keep`, `remove`, or `relabel` with a label. */
  const decisions = new Map(stored());
  let at = 0;
  /** Whether all decisions are where they outlast the page. */
  let isKept = true;

  function stored() {
    // A browser may refuse to keep anything for a file.
    try {
      return JSON.parse(localStorage.getItem(key) ?? '[]');
    } catch {
      return [];
    }
  }

  function store() {
    try {
      localStorage.setItem(key, JSON.stringify([...decisions]));
    } catch {
      isKept = false;
    }
  }

  const rowOf = (finding) => finding.dataset.row;
  const told = ({ decision, label }) => (decision === 'relabel' ? `relabel: ${label}` : decision);

  function mark(finding) {
    const decision = decisions.get(rowOf(finding));
    finding.querySelector('.decision').textContent = decision ? told(decision) : '';
  }

  function show(next) {
    findings[at].classList.remove('current');
    at = Math.min(Math.max(next, 0), findings.length - 1);
    const finding = findings[at];
    finding.classList.add('current');
    const copy = finding.cloneNode(true);
    copy.classList.remove('current');
    byId('stage').replaceChildren(copy);
    const { given, suggested } = finding.dataset;
    byId('keep').firstElementChild.textContent = `Keep ${given}`;
    byId('relabel').firstElementChild.textContent = suggested ? `Relabel as ${suggested}` : 'Relabel';
    byId('relabel').disabled = !suggested;
    const decision = decisions.get(rowOf(finding));
    byId('undo').disabled = !decision;
    byId('previous').disabled = at === 0;
    byId('next').disabled = at === findings.length - 1;
    byId('other').value = decision?.decision === 'relabel' ? decision.label : '';
    const n = findings.filter((other) => decisions.has(rowOf(other))).length;
    byId('progress').textContent = `${at + 1} of ${findings.length}, ${n} decided`;
    byId('download').disabled = n === 0;
  }

  function decide(decision, label = '') {
    decisions.set(rowOf(findings[at]), { decision, label });
    changed();
    show(at + 1);
  }

  function undo() {
    decisions.delete(rowOf(findings[at]));
    changed();
    show(at);
  }

  function changed() {
    mark(findings[at]);
    store();
    byId('downloaded').textContent = '';
  }

  const quoted = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

  function save() {
    const decided = findings.map(rowOf).filter((row) => decisions.has(row));
    const lines = decided.map((row) => {
      const { decision, label } = decisions.get(row);
      return `${row},${decision},${quoted(label)}`;
    });
    const url = URL.createObjectURL(new Blob([[desk.dataset.columns, ...lines, ''].join('\n')], { type: 'text/csv' }));
    const link = document.createElement('a');
    link.href = url;
    link.download = 'decisions.csv';
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
    isKept = true;
    byId('downloaded').textContent = `${decided.length} saved in decisions.csv`;
  }

  const relabel = () => {
    const { suggested } = findings[at].dataset;
    if (suggested) decide('relabel', suggested);
  };
  const actions = {
    ArrowLeft: () => show(at - 1),
    ArrowRight: () => show(at + 1),
    k: () => decide('keep'),
    r: relabel,
    x: () => decide('remove'),
    Delete: () => decide('remove'),
    u: undo,
  };
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.target.matches('select')) return;
    const isLabel = /^\d$/.test(event.key) && [...byId('other').options].some(({ value }) => value === event.key);
    const action = isLabel ? () => decide('relabel', event.key) : actions[event.key] ?? actions[event.key.toLowerCase()];
    if (!action) return;
    event.preventDefault();
    action();
  });
  byId('previous').addEventListener('click', actions.ArrowLeft);
  byId('next').addEventListener('click', actions.ArrowRight);
  byId('keep').addEventListener('click', actions.k);
  byId('relabel').addEventListener('click', relabel);
  byId('remove').addEventListener('click', actions.x);
  byId('undo').addEventListener('click', undo);
  byId('download').addEventListener('click', save);
  byId('other').addEventListener('change', ({ target }) => {
    if (target.value) decide('relabel', target.value);
  });
  addEventListener('beforeunload', (event) => {
    if (!isKept) event.preventDefault();
  });

  findings.forEach((finding, number) => {
    const decision = document.createElement('span');
    decision.className = 'decision';
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'decide';
    button.textContent = 'Decide';
    button.setAttribute('aria-label', `Decide about ${finding.querySelector('.seen img').alt}`);
    button.addEventListener('click', () => {
      show(number);
      desk.scrollIntoView();
      byId('keep').focus();
    });
    finding.querySelector('figcaption').append(decision, button);
    mark(finding);
  });
  desk.hidden = false;
  show(Math.max(findings.findIndex((finding) => !decisions.has(rowOf(finding))), 0));
  document.documentElement.dataset.ready = '';
})();
