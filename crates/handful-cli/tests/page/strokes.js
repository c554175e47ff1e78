import { mulberry32 } from './random.js';
import { shapes } from './shapes.js';

const brushes = [0.03, 0.05, 0.08, 0.11];

/**
 * A hundred digits as people draw them: every shape once, each at its own size, place and slant, by
 * an unsteady hand. Points and brushes are in parts of the side of a square canvas, with y down.
 */
export function drawings() {
  return shapes.flatMap((ofDigit, digit) =>
    Object.entries(ofDigit).map(([shape, strokes], index) => {
      // A seed for each drawing, so that a shape can be mended without moving all that follow it.
      const random = mulberry32(digit * 100 + index);
      return { digit, shape, ...draw(strokes, random) };
    }),
  );
}

function draw(shape, random) {
  const between = (low, high) => low + (high - low) * random();
  const height = between(0.35, 0.85);
  const angle = between(-0.12, 0.12);
  const slant = between(-0.15, 0.25);
  const width = between(0.85, 1.15);
  // A brush wider than this part of a digit's height would fill its loops.
  const fitting = brushes.filter((brush) => brush <= 0.15 * height);
  const brush = fitting[Math.floor(random() * fitting.length)];

  const turned = shape.map((points) => {
    const [strayX, strayY] = [tremor(random), tremor(random)];
    return curve(points).map(([gridX, gridY], index) => {
      const x = width * gridX - slant * gridY + strayX(index);
      const y = gridY + strayY(index);
      return [x * Math.cos(angle) - y * Math.sin(angle), x * Math.sin(angle) + y * Math.cos(angle)];
    });
  });

  const [left, right] = extent(turned, 0);
  const [top, bottom] = extent(turned, 1);
  const scale = height / (bottom - top);
  const place = (size) => between(brush / 2, 1 - brush / 2 - size);
  const offsetX = place(scale * (right - left));
  const offsetY = place(height);
  const strokes = turned.map((points) =>
    points.map(([x, y]) => [offsetX + scale * (x - left), offsetY + scale * (y - top)]),
  );
  return { brush, strokes };
}

function extent(strokes, axis) {
  const values = strokes.flat().map((point) => point[axis]);
  return [Math.min(...values), Math.max(...values)];
}

/** How far an unsteady hand strays at each point of a stroke: slow waves rather than white noise. */
function tremor(random) {
  const waves = [40, 22, 13].map((length) => ({ length, phase: random(), size: 0.005 * length * random() }));
  return (index) =>
    waves
      .map(({ length, phase, size }) => size * Math.sin(2 * Math.PI * (index / length + phase)))
      .reduce((sum, height) => sum + height);
}

/** Evenly spaced points of the curves through a stroke's points; a point given twice is a corner. */
function curve(points) {
  const pieces = [[]];
  points.forEach((point, index) => {
    const before = points[index - 1];
    if (before && point[0] === before[0] && point[1] === before[1]) pieces.push([]);
    pieces.at(-1).push(point);
  });
  return evenly(pieces.flatMap(spline));
}

/** A Catmull-Rom spline, finely; centripetal, so that points at unequal distances make no cusps. */
function spline(points) {
  const mirror = (end, next) => [2 * end[0] - next[0], 2 * end[1] - next[1]];
  const padded = [mirror(points[0], points[1]), ...points, mirror(points.at(-1), points.at(-2))];
  return points.slice(1).flatMap((_, index) => {
    const near = padded.slice(index, index + 4);
    const knots = [0];
    for (let i = 1; i < 4; i += 1) knots.push(knots[i - 1] + Math.sqrt(distance(near[i - 1], near[i])));
    const times = Array.from({ length: 21 }, (_, step) => knots[1] + ((knots[2] - knots[1]) * step) / 20);
    return times.map((time) => interpolate(near, knots, time));
  });
}

/** The point at a time between the second and third of four points, by Barry and Goldman's pyramid. */
function interpolate(points, knots, time) {
  let level = points;
  for (const [reach, shift] of [[1, 0], [2, 0], [1, 1]]) {
    level = level.slice(1).map((after, index) => {
      const from = knots[index + shift];
      return mix(level[index], after, (time - from) / (knots[index + shift + reach] - from));
    });
  }
  return level[0];
}

/** Points at even distances along others, as many as a pointer leaves that follows the pen. */
function evenly(points) {
  const along = [0];
  for (let i = 1; i < points.length; i += 1) along.push(along[i - 1] + distance(points[i - 1], points[i]));
  const length = along.at(-1);
  const count = Math.min(60, Math.max(20, Math.round(length * 2.5)));
  let i = 1;
  return Array.from({ length: count }, (_, step) => {
    const wanted = (length * step) / (count - 1);
    while (i < points.length - 1 && along[i] < wanted) i += 1;
    return mix(points[i - 1], points[i], (wanted - along[i - 1]) / (along[i] - along[i - 1] || 1));
  });
}

function mix(a, b, share) {
  return [a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share];
}

function distance(a, b) {
  return Math.hypot(b[0] - a[0], b[1] - a[1]);
}
