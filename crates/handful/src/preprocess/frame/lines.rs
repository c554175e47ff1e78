//! Lines that do not belong to the digit: form boxes, ruled and squared paper, the edge of a sheet.
//!
//! A line is straight, thin, of uniform thickness, and goes from one border of the picture to the other. It is found by
//! a Hough transform (Duda and Hart, Use of the Hough transformation to detect lines and curves in pictures, 1972) of
//! the short runs of ink across it, and erased where no stroke crosses it:
//!
//! ```text
//! for each column: find the runs of ink, from top to bottom
//! repeat: of all lines, take the one with the most short runs
//!         if it is a line: erase its short runs; its long runs are where strokes cross it
//! ```
//!
//! Vertical lines are found in the same way in the transposed picture.

use ndarray::{Array2, ArrayViewMut2};

use super::blots::EDGE;

/// Lines may rise or fall by this share of their length.
const STEEPEST: f64 = 0.12;
/// Minimum share of columns in which a line is seen at all, and in which no stroke crosses it.
const SEEN: f64 = 0.85;
const SEEN_ALONE: f64 = 0.2;
/// Minimum share of a line's runs that are equally high.
const EVEN: f64 = 0.8;
/// Minimum shorter side of a picture in which lines can be distinguished from strokes.
const SMALLEST: usize = 24;
/// The maximum thickness of a line is the picture's shorter side divided by this.
const THINNESS: usize = 14;
/// Maximum number of lines searched for in one direction.
const MOST_LINES: usize = 12;

/// Rows `top..bottom` of one column.
#[derive(Clone, Copy)]
struct Run {
    top: usize,
    bottom: usize,
}

impl Run {
    fn height(self) -> usize {
        self.bottom - self.top
    }

    fn centre(self) -> f64 {
        (self.top + self.bottom) as f64 / 2.0
    }
}

/// Erases lines in both directions. Returns whether there were any.
pub(super) fn erase(ink: &mut Array2<f32>) -> bool {
    if ink.nrows().min(ink.ncols()) < SMALLEST {
        return false;
    }
    let horizontal = erase_horizontal(ink.view_mut());
    let vertical = erase_horizontal(ink.view_mut().reversed_axes());
    horizontal || vertical
}

fn erase_horizontal(mut ink: ArrayViewMut2<f32>) -> bool {
    let (rows, columns) = ink.dim();
    let thickest = (rows.min(columns) / THINNESS).max(2);
    let runs: Vec<Vec<Run>> = (0..columns).map(|x| runs_of(ink.column(x).iter())).collect();
    let mut short: Vec<(usize, Run)> = runs
        .iter()
        .enumerate()
        .flat_map(|(x, runs)| runs.iter().map(move |&run| (x, run)))
        .filter(|(_, run)| run.height() <= thickest)
        .collect();
    let slopes = slopes(columns);
    let mut found = false;
    for _ in 0..MOST_LINES {
        let Some(line) = strongest_line(&short, &slopes, [rows, columns]) else { break };
        let (on_line, rest): (Vec<_>, Vec<_>) = short.iter().partition(|(x, run)| line.meets(*x, *run));
        short = rest;
        if !line.is_seen(&runs) || !goes_through(&on_line, columns) || !is_even(&on_line) {
            continue;
        }
        found = true;
        for (x, run) in on_line {
            let soft = run.top.saturating_sub(1)..(run.bottom + 1).min(rows);
            soft.for_each(|y| ink[[y, x]] = 0.0);
        }
    }
    found
}

/// Whether short runs are in enough of the columns, and at both borders of the picture.
fn goes_through(runs: &[(usize, Run)], columns: usize) -> bool {
    let reach = columns / 12 + 1;
    runs.len() as f64 >= SEEN_ALONE * columns as f64
        && runs.iter().any(|(x, _)| *x < reach)
        && runs.iter().any(|(x, _)| *x + reach >= columns)
}

/// Whether nearly all runs are equally high, as those of a printed line are.
fn is_even(runs: &[(usize, Run)]) -> bool {
    let mut heights: Vec<usize> = runs.iter().map(|(_, run)| run.height()).collect();
    heights.sort_unstable();
    let median = heights[heights.len() / 2];
    let n_even = heights.iter().filter(|height| height.abs_diff(median) <= 1 + median / 8).count();
    n_even as f64 >= EVEN * heights.len() as f64
}

/// A straight line through the picture.
#[derive(Clone, Copy)]
struct Line {
    slope: f64,
    /// Its height at the first column.
    offset: f64,
}

impl Line {
    fn meets(self, x: usize, run: Run) -> bool {
        let y = self.offset + self.slope * x as f64;
        (run.top as f64) - 1.0 <= y && y <= run.bottom as f64 + 1.0
    }

    /// Whether there is ink on nearly all of it.
    fn is_seen(self, runs: &[Vec<Run>]) -> bool {
        let is_seen = |(x, runs): &(usize, &Vec<Run>)| runs.iter().any(|&run| self.meets(*x, run));
        runs.iter().enumerate().filter(is_seen).count() as f64 >= SEEN * runs.len() as f64
    }
}

fn runs_of<'a>(column: impl Iterator<Item = &'a f32>) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for (y, &value) in column.enumerate() {
        if value < EDGE {
            continue;
        }
        match runs.last_mut() {
            Some(run) if run.bottom == y => run.bottom += 1,
            _ => runs.push(Run { top: y, bottom: y + 1 }),
        }
    }
    runs
}

/// Slopes whose lines end one pixel apart.
fn slopes(columns: usize) -> Vec<f64> {
    #[expect(clippy::cast_possible_truncation, reason = "a few pixels")]
    let most = (STEEPEST * columns as f64) as i32;
    let mut rises: Vec<i32> = (-most..=most).collect();
    // Of lines that are seen equally well, the most level one is found.
    rises.sort_by_key(|rise| rise.abs());
    rises.into_iter().map(|rise| f64::from(rise) / columns as f64).collect()
}

/// The line with the most short runs, if they are enough.
fn strongest_line(short: &[(usize, Run)], slopes: &[f64], [rows, columns]: [usize; 2]) -> Option<Line> {
    let mut most = SEEN_ALONE * columns as f64;
    let mut strongest = None;
    if (short.len() as f64) < most {
        return None;
    }
    let mut counts = vec![0_u32; rows + 2];
    for &slope in slopes {
        counts.fill(0);
        for (x, run) in short {
            let offset = (run.centre() - slope * *x as f64).round();
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked")]
            if offset >= 0.0 && offset <= rows as f64 {
                counts[offset as usize] += 1;
            }
        }
        for (offset, pair) in counts.windows(2).enumerate() {
            let count = f64::from(pair[0] + pair[1]);
            if count > most {
                most = count;
                strongest = Some(Line { slope, offset: offset as f64 + 0.5 });
            }
        }
    }
    strongest
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIDE: usize = 80;

    /// A thick digit 4: a vertical and a horizontal bar that cross, away from the border.
    fn digit() -> Array2<f32> {
        let is_bar = |along: usize, across: usize| (15..65).contains(&along) && (42..50).contains(&across);
        Array2::from_shape_fn((SIDE, SIDE), |(y, x)| if is_bar(y, x) || is_bar(x, y) { 1.0 } else { 0.0 })
    }

    fn with(ink: &Array2<f32>, is_line: impl Fn(usize, usize) -> bool) -> Array2<f32> {
        Array2::from_shape_fn(ink.dim(), |(y, x)| if is_line(y, x) { 0.7 } else { 0.0_f32 }.max(ink[[y, x]]))
    }

    fn n_different(a: &Array2<f32>, b: &Array2<f32>) -> usize {
        a.iter().zip(b).filter(|(a, b)| (*a - *b).abs() > 0.1).count()
    }

    #[test]
    fn lines_go_and_the_digit_stays() {
        type IsLine = fn(usize, usize) -> bool;
        let lines: [(&str, IsLine); 5] = [
            ("an edge", |y, _| y < 2),
            ("a box", |y, x| y < 2 || x < 2 || y >= SIDE - 2 || x >= SIDE - 2),
            ("ruled", |y, _| y % 25 == 7),
            ("squared", |y, x| y % 25 == 7 || x % 25 == 3),
            ("a slope", |y, x| y.abs_diff(10 + x / 12) < 1),
        ];
        for (name, is_line) in lines {
            let mut ink = with(&digit(), is_line);
            assert!(erase(&mut ink), "{name}");
            // Where a line crossed or touched a stroke, a pixel beside the stroke may be erased or kept.
            assert!(n_different(&ink, &digit()) < 40, "{name}: {}", n_different(&ink, &digit()));
        }
    }

    #[test]
    fn strokes_are_no_lines() {
        let slanted = |y: usize, x: usize| (10..70).contains(&y) && x.abs_diff(60 - y / 2) < 4;
        let seven = |y: usize, x: usize| ((8..14).contains(&y) && (20..64).contains(&x)) || slanted(y, x);
        for ink in [digit(), with(&Array2::zeros((SIDE, SIDE)), seven), Array2::zeros((SIDE, SIDE))] {
            let mut same = ink.clone();
            assert!(!erase(&mut same));
            assert_eq!(same, ink);
        }
        // In a picture this small, a thin line may be a stroke.
        let mut small = Array2::from_shape_fn((20, 20), |(y, _)| if y == 3 { 1.0 } else { 0.0 });
        assert!(!erase(&mut small));
    }
}
