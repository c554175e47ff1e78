// Elements, made in one expression.

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

/** A 28 x 28 image, light on dark, as ink on whatever paper the page has. */
export function picture(source, alt) {
  return element('img', { className: 'ink', src: source, alt, width: 28, height: 28, decoding: 'sync' });
}

export const byId = (id) => document.getElementById(id);

export const count = (number) => number.toLocaleString('en');

/** A share of 1 in percent, never rounded to all or nothing. */
export function percent(share) {
  if (share > 0.9995 && share < 1) return '> 99.9 %';
  if (share > 0 && share < 0.0005) return '< 0.1 %';
  return `${(100 * share).toFixed(1)} %`;
}

function fill(made, properties) {
  for (const [key, value] of Object.entries(properties)) {
    if (key.includes('-') || key === 'role') made.setAttribute(key, value);
    else made[key] = value;
  }
}
