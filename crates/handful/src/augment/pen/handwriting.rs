//! Writes one digit: a style's strokes, as the hand of one person would draw them.
//!
//! ```text
//! control points ──► jitter ──► hooks ──► splines ──► stretched, slanted, rotated ──► width and pressure of the pen
//! ```
//!
//! Sines and powers come from `libm`, and sums have one order, so that drawings are the same bits on every machine.

use super::{
    params::Pen,
    styles::{Point, Style},
};
use crate::augment::{
    random::RandomNumbers,
    raster::{Dot, Nib},
};

/// Least and greatest width of printed lines: light to bold type.
const PRINT_WIDTH: [f32; 2] = [0.05, 0.22];
/// Number of lines that a spline between two control points consists of.
const LINES: usize = 8;

/// A drawing before it has a size: strokes in units of the digit's height, and the tip of the pen.
pub(super) struct Handwriting {
    pub(super) strokes: Vec<Vec<Dot>>,
    pub(super) nib: Nib,
}

impl Handwriting {
    /// One drawing of a style.
    pub(super) fn draw(pen: &Pen, style: &Style, random: &mut RandomNumbers) -> Self {
        let is_print = style.is_print;
        let jitter = if is_print { 0.15 * pen.jitter } else { pen.jitter };
        let affine = Affine::draw(pen, is_print, random);
        let [thin, thick] = if is_print { PRINT_WIDTH } else { pen.width };
        let width = random.between(thin, thick);
        let nib = if random.with_probability(if is_print { 0.4 } else { 0.25 }) {
            let angle = if is_print { 0.0 } else { random.between(-1.2, 0.4) };
            Nib { direction: (libm::cosf(angle), libm::sinf(angle)), flatness: random.between(0.3, 0.8) }
        } else {
            Nib::ROUND
        };
        let pressure = if is_print { 0.0 } else { pen.pressure };
        let strokes = style.strokes.iter().map(|stroke| {
            let closed = is_closed(stroke);
            let mut points: Vec<Point> = stroke
                .iter()
                .map(|&point| Point {
                    x: point.x + jitter * random.normal(),
                    y: point.y + jitter * random.normal(),
                    ..point
                })
                .collect();
            if closed && is_print {
                let last = points.len() - 1;
                points[last] = points[0];
            }
            if !closed && !is_print {
                hooks(&mut points, pen.hooks, random);
            }
            let line = spline(&points);
            let (start, swing) = (random.between(0.0, 6.3), random.between(2.0, 6.0));
            let n = line.len().max(2) as f32;
            let press = |i: usize| 1.0 + pressure * libm::sinf(start + swing * i as f32 / n);
            let place = |(i, point): (usize, &Point)| {
                let (x, y) = affine.apply(point.x, point.y);
                Dot { x, y, width: width * press(i) }
            };
            line.iter().enumerate().map(place).collect()
        });
        Self { strokes: strokes.collect(), nib }
    }

    /// The borders of the ink: left, top, right and bottom.
    pub(super) fn bounds(&self) -> [f32; 4] {
        let start = [f32::MAX, f32::MAX, f32::MIN, f32::MIN];
        self.strokes.iter().flatten().fold(start, |[left, top, right, bottom], dot| {
            let half = 0.5 * dot.width;
            [left.min(dot.x - half), top.min(dot.y - half), right.max(dot.x + half), bottom.max(dot.y + half)]
        })
    }
}

fn is_closed(stroke: &[Point]) -> bool {
    stroke.first().zip(stroke.last()).is_some_and(|(a, b)| (a.x, a.y) == (b.x, b.y))
}

/// Short turns where the pen touches the paper and leaves it.
fn hooks(points: &mut Vec<Point>, probability: f32, random: &mut RandomNumbers) {
    for end in [false, true] {
        if !random.with_probability(probability) {
            continue;
        }
        let at = if end { points[points.len() - 1] } else { points[0] };
        let hook = Point {
            x: at.x + random.between(-0.1, 0.1),
            y: at.y + random.between(-0.1, 0.06),
            is_smooth: false,
        };
        if end { points.push(hook) } else { points.insert(0, hook) }
    }
}

/// The line through all points: smooth (Catmull and Rom 1974) through those that are, straight between the others.
fn spline(points: &[Point]) -> Vec<Point> {
    let n = points.len();
    let closed = n > 2 && is_closed(points);
    let mut line = vec![points[0]];
    for i in 0..n - 1 {
        let (b, c) = (points[i], points[i + 1]);
        if !b.is_smooth && !c.is_smooth {
            line.push(c);
            continue;
        }
        // At a sharp point the line begins in the direction of the next one.
        let before = if i > 0 && b.is_smooth {
            points[i - 1]
        } else if closed && b.is_smooth {
            points[n - 2]
        } else {
            b
        };
        let after = if i + 2 < n && c.is_smooth {
            points[i + 2]
        } else if closed && c.is_smooth {
            points[1]
        } else {
            c
        };
        for step in 1..=LINES {
            let t = step as f32 / LINES as f32;
            let through = |a: f32, b: f32, c: f32, d: f32| {
                let (t2, t3) = (t * t, t * t * t);
                0.5 * (2.0 * b
                    + (c - a) * t
                    + (2.0 * a - 5.0 * b + 4.0 * c - d) * t2
                    + (3.0 * b - a - 3.0 * c + d) * t3)
            };
            line.push(Point {
                x: through(before.x, b.x, c.x, after.x),
                y: through(before.y, b.y, c.y, after.y),
                is_smooth: true,
            });
        }
    }
    line
}

/// Stretched, then slanted, then rotated.
struct Affine([[f32; 2]; 2]);

impl Affine {
    fn draw(pen: &Pen, is_print: bool, random: &mut RandomNumbers) -> Self {
        let part = if is_print { 0.4 } else { 1.0 };
        let stretch = libm::expf(part * random.between(-pen.aspect, pen.aspect));
        // People slant digits to the right more often than to the left.
        let slant = if is_print && random.with_probability(0.7) {
            0.0
        } else {
            random.between(-0.4 * pen.slant, pen.slant)
        };
        let angle = part * random.between(-pen.rotation, pen.rotation).to_radians();
        let (sin, cos) = (libm::sinf(angle), libm::cosf(angle));
        // Rows of the matrix give x and y; y goes down, so a slant to the right subtracts from x.
        Self([[cos * stretch, -cos * slant - sin], [sin * stretch, -sin * slant + cos]])
    }

    fn apply(&self, x: f32, y: f32) -> (f32, f32) {
        let [[a, b], [c, d]] = self.0;
        (a * x + b * y, c * x + d * y)
    }
}
