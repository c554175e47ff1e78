// Helpers for elements and numbers.

/** An element with properties, attributes (those with a dash, and `role`) and children. */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  fill(made, properties);
  made.append(...children);
  return made;
}

/** An element of SVG, with attributes. */
export function shape(name, attributes = {}, ...children) {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** Shows an image, light on dark, as ink on the page's paper. */
export function picture(source, alt) {
  return element('img', { className: 'ink', src: source, alt, width: 28, height: 28, decoding: 'sync' });
}

export const byId = (id) => document.getElementById(id);

/** Sets whether a button is usable. An unusable button keeps the focus, unlike a disabled one. */
export function setUsable(button, isUsable) {
  button.ariaDisabled = String(!isUsable);
}

/** Whether the name of a class is too long to stand where a digit stands. */
export const isWord = (name) => name.length > 2;

export const count = (number) => number.toLocaleString('en');

/** A share of 1 in percent, rounded down, so that only 1 is 100 %. */
export function percent(share) {
  return `${(Math.floor(1000 * share) / 10).toFixed(1)} %`;
}

/** The file in a `data:` URI of a PNG. */
export function fileOf(address) {
  const [, encoded] = address.split(',');
  return new Blob([Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0))], { type: 'image/png' });
}

/** Lets the user save a file. */
export function download(name, content) {
  // Of other types browsers may add an ending to the name: IDX files have none.
  const blob = new Blob([content], { type: 'application/octet-stream' });
  const address = URL.createObjectURL(blob);
  element('a', { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

function fill(made, properties) {
  for (const [key, value] of Object.entries(properties)) {
    if (key.includes('-') || key === 'role') made.setAttribute(key, value);
    else made[key] = value;
  }
}
