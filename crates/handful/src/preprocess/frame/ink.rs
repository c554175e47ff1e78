//! What in a picture is ink: whatever differs from the paper, which is most of it and may be lit unevenly.

use ndarray::{Array2, Ix2, SliceInfo, SliceInfoElem, s};

/// Rounds of the paper's fit; it settles sooner.
const ROUNDS: usize = 8;
/// Every so many pixels are enough to see the paper.
const SEEN: usize = 4096;
/// Grey values that make no difference, even where there is no noise.
const LEAST: f32 = 6.0;
/// Of ink's full strength: what belongs to a stroke, and what to its soft edge.
const STROKE: f32 = 0.35;
pub(super) const EDGE: f32 = 0.12;
/// A blot of less ink, compared with the largest, is none of the digit's.
const LEAST_BLOT: f32 = 0.06;

/// Rows `top..bottom` and columns `left..right`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Box2 {
    pub(super) top: usize,
    pub(super) bottom: usize,
    pub(super) left: usize,
    pub(super) right: usize,
}

impl Box2 {
    pub(super) fn new() -> Self {
        Self { top: usize::MAX, bottom: 0, left: usize::MAX, right: 0 }
    }

    pub(super) fn add(&mut self, (y, x): (usize, usize)) {
        (self.top, self.bottom) = (self.top.min(y), self.bottom.max(y + 1));
        (self.left, self.right) = (self.left.min(x), self.right.max(x + 1));
    }

    pub(super) fn height(&self) -> f64 {
        (self.bottom - self.top) as f64
    }

    pub(super) fn width(&self) -> f64 {
        (self.right - self.left) as f64
    }

    pub(super) fn slice(&self) -> SliceInfo<[SliceInfoElem; 2], Ix2, Ix2> {
        s![self.top..self.bottom, self.left..self.right]
    }

    /// In a picture that is larger by these factors.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the picture")]
    pub(super) fn scaled(&self, [by_rows, by_columns]: [f64; 2]) -> Self {
        let scale = |at: usize, by: f64| (at as f64 * by).round() as usize;
        Self {
            top: scale(self.top, by_rows),
            bottom: scale(self.bottom, by_rows),
            left: scale(self.left, by_columns),
            right: scale(self.right, by_columns),
        }
    }

    /// With so much of its longer side on all sides, within a picture.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the picture")]
    pub(super) fn with_margin(&self, share: f64, [height, width]: [usize; 2]) -> Self {
        let margin = (share * self.height().max(self.width())).ceil() as usize;
        Self {
            top: self.top.saturating_sub(margin),
            bottom: (self.bottom + margin).min(height),
            left: self.left.saturating_sub(margin),
            right: (self.right + margin).min(width),
        }
    }
}

/// Ink as values of 0 to 1, and the box that holds it.
pub(super) struct Ink {
    pub(super) values: Array2<f32>,
    pub(super) bounds: Box2,
}

impl Ink {
    /// None if all is paper.
    pub(super) fn find(mut values: Array2<f32>) -> Option<Self> {
        let noise = Paper::fit(&values).take_from(&mut values);
        // Ink is where more differs.
        let floor = (2.5 * noise).max(LEAST);
        let excess = |sign: f32| values.iter().map(|value| (sign * value - floor).max(0.0)).sum::<f32>();
        let sign = if excess(1.0) >= excess(-1.0) { 1.0 } else { -1.0 };
        values.mapv_inplace(|value| (sign * value).max(0.0));
        let full = strength(&values, floor)?;
        let cut = if noise > 1.0 { (2.0 * noise / full).min(0.5) } else { 0.0 };
        values.mapv_inplace(|value| ((value / full - cut) / (1.0 - cut)).clamp(0.0, 1.0));
        let bounds = keep_blots(&mut values)?;
        Some(Self { values, bounds })
    }
}

/// How strong ink is where it is strongest, but for a few pixels.
fn strength(values: &Array2<f32>, floor: f32) -> Option<f32> {
    let most = values.iter().copied().fold(0.0, f32::max);
    if most <= 2.0 * floor {
        return None;
    }
    let mut strong: Vec<f32> = values.iter().copied().filter(|&value| value > 0.5 * most).collect();
    strong.sort_by(f32::total_cmp);
    Some(strong[strong.len() - 1 - strong.len() / 20])
}

/// Grey values of the paper: a surface of the second degree.
struct Paper([f64; TERMS]);

const TERMS: usize = 6;

/// The terms at a place, which goes from -1 to 1.
fn terms(y: usize, x: usize, (rows, columns): (usize, usize)) -> [f64; TERMS] {
    let to = |at: usize, n: usize| 2.0 * (at as f64 + 0.5) / n as f64 - 1.0;
    let (y, x) = (to(y, rows), to(x, columns));
    [1.0, y, x, y * y, x * y, x * x]
}

impl Paper {
    /// By least squares, again and again without what differs most: Tukey's biweight.
    fn fit(picture: &Array2<f32>) -> Self {
        let step = picture.len().div_ceil(SEEN).max(1);
        let seen: Vec<([f64; TERMS], f64)> = picture
            .indexed_iter()
            .step_by(step)
            .map(|((y, x), &value)| (terms(y, x, picture.dim()), f64::from(value)))
            .collect();
        let mut paper = Self([0.0; TERMS]);
        paper.0[0] = median(seen.iter().map(|(_, value)| *value).collect());
        // Most of it has one grey value: in a small picture a surface would bend towards the ink.
        let is_like = |(_, value): &&([f64; TERMS], f64)| (value - paper.0[0]).abs() <= f64::from(LEAST);
        if 2 * seen.iter().filter(is_like).count() > seen.len() {
            return paper;
        }
        for round in 0..ROUNDS {
            let rest: Vec<f64> = seen.iter().map(|(terms, value)| value - paper.at(terms)).collect();
            let spread = 1.4826 * median(rest.iter().map(|rest| rest.abs()).collect());
            let reach = (4.0 * spread).max(f64::from(LEAST));
            let weight = |rest: f64| (1.0 - (rest / reach).powi(2)).max(0.0).powi(2);
            // A plane first: what bends is looked for when ink is out of the way.
            let n = if round < ROUNDS / 2 { 3 } else { TERMS };
            let weighted = seen.iter().zip(rest).map(|((terms, value), rest)| (*terms, *value, weight(rest)));
            match solve(weighted, n) {
                Some(found) => paper.0 = found,
                None => break,
            }
        }
        paper
    }

    fn at(&self, terms: &[f64; TERMS]) -> f64 {
        self.0.iter().zip(terms).map(|(weight, term)| weight * term).sum()
    }

    /// Subtracts the paper, and tells how noisy it is: the standard deviation.
    fn take_from(&self, picture: &mut Array2<f32>) -> f32 {
        let shape = picture.dim();
        #[expect(clippy::cast_possible_truncation, reason = "grey values")]
        for ((y, x), value) in picture.indexed_iter_mut() {
            *value -= self.at(&terms(y, x, shape)) as f32;
        }
        let step = picture.len().div_ceil(SEEN).max(1);
        let rest = picture.iter().step_by(step).map(|&value| f64::from(value.abs())).collect();
        #[expect(clippy::cast_possible_truncation, reason = "grey values")]
        let noise = 1.4826 * median(rest) as f32;
        noise
    }
}

/// Weighted least squares in the first `n` terms, by Gauss's elimination; none if too little is seen.
fn solve(seen: impl Iterator<Item = ([f64; TERMS], f64, f64)>, n: usize) -> Option<[f64; TERMS]> {
    let mut rows = [[0.0; TERMS + 1]; TERMS];
    for (terms, value, weight) in seen {
        for i in 0..n {
            for j in 0..n {
                rows[i][j] += weight * terms[i] * terms[j];
            }
            rows[i][TERMS] += weight * terms[i] * value;
        }
    }
    for i in 0..n {
        if rows[i][i] < 1e-6 {
            return None;
        }
        for other in (0..n).filter(|&other| other != i) {
            let (pivot, factor) = (rows[i], rows[other][i] / rows[i][i]);
            rows[other].iter_mut().zip(pivot).for_each(|(value, pivot)| *value -= factor * pivot);
        }
    }
    Some(std::array::from_fn(|i| if i < n { rows[i][TERMS] / rows[i][i] } else { 0.0 }))
}

fn median(mut values: Vec<f64>) -> f64 {
    let middle = values.len() / 2;
    *values.select_nth_unstable_by(middle, f64::total_cmp).1
}

/// Takes away all but the digit's blots and their soft edges, and tells what box holds these; none if nothing is left.
fn keep_blots(values: &mut Array2<f32>) -> Option<Box2> {
    let (rows, columns) = values.dim();
    let mut blot_of = Array2::from_elem((rows, columns), 0_u32);
    let mut blots = vec![0.0_f32];
    let mut stack = Vec::new();
    for start in ndarray::indices((rows, columns)) {
        if blot_of[start] != 0 || values[start] < STROKE {
            continue;
        }
        let number = u32::try_from(blots.len()).expect("few pixels");
        blots.push(0.0);
        blot_of[start] = number;
        stack.push(start);
        while let Some((y, x)) = stack.pop() {
            blots[number as usize] += values[[y, x]];
            for next in around((y, x), (rows, columns)) {
                // Strokes go on in their soft edges, but do not start there.
                if blot_of[next] == 0 && values[next] >= EDGE {
                    blot_of[next] = number;
                    stack.push(next);
                }
            }
        }
    }
    let largest = blots.iter().copied().fold(0.0, f32::max);
    let is_kept = |place: (usize, usize)| {
        let blot = blot_of[place] as usize;
        blot != 0 && blots[blot] >= LEAST_BLOT * largest
    };
    let mut bounds = Box2::new();
    for (place, value) in values.indexed_iter_mut() {
        if is_kept(place) {
            bounds.add(place);
        } else if !around(place, (rows, columns)).any(is_kept) {
            // What fades out beside a stroke belongs to it.
            *value = 0.0;
        }
    }
    (bounds.bottom > 0).then_some(bounds)
}

/// A place and those beside it.
fn around((y, x): (usize, usize), (rows, columns): (usize, usize)) -> impl Iterator<Item = (usize, usize)> {
    let beside = move |y: usize| (x.saturating_sub(1)..(x + 2).min(columns)).map(move |x| (y, x));
    (y.saturating_sub(1)..(y + 2).min(rows)).flat_map(beside)
}
