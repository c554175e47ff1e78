//! Answers spread along the graph of nearest neighbours.
//!
//! Zhou et al. (Learning with local and global consistency, 2004) let a score f of each class solve
//! f = α S f + y, where S has the weights of the [`Graph`] and y the answers: the score of a vector is that of its
//! neighbours and its own. The eigenvalues of α S are between -α and α, so Chebyshev's semi-iteration solves this fastest
//! (Golub and Varga, 1961):
//!
//! ```text
//! f₀ = 0, f₁ = y, ω₁ = 2
//! ωᵢ₊₁ = 1 / (1 - α² ωᵢ / 4)
//! fᵢ₊₁ = ωᵢ₊₁ (α S fᵢ + y - fᵢ₋₁) + fᵢ₋₁
//! ```
//!
//! The error shrinks by α / (1 + √(1 - α²)) per iteration. O(iterations · edges · classes).

use ndarray::{Array2, ArrayView1, ArrayViewMut1, Axis};
use rayon::prelude::*;

use super::Graph;

/// How much a score weighs one edge further. It was chosen on MNIST's training images, among 0.9 to 0.999.
const ALPHA: f32 = 0.97;
/// The error is then 0.78⁶⁰ = 3 · 10⁻⁷.
const ITERATIONS: usize = 60;

/// The labels of all images, as far as the answers tell.
#[derive(Clone, Debug)]
pub struct Spread {
    /// The label of each image; `None` for an image that belongs to no class, as far as the answers tell.
    pub labels: Vec<Option<u32>>,
    /// The share of each class in what reaches an image, shape (n, classes); rows sum to 1. If images were set aside,
    /// the last column is their share.
    pub shares: Array2<f32>,
    /// How doubtful each label is: 1 minus the difference of the two largest shares.
    pub doubts: Vec<f32>,
}

impl Spread {
    pub(super) fn new(shares: Array2<f32>, n_classes: usize) -> Self {
        let of_row = |row: ArrayView1<f32>| {
            // The first of equal shares.
            let (mut best, mut second) = (0, 0.0_f32);
            for (class, &share) in row.iter().enumerate().skip(1) {
                if share > row[best] {
                    (second, best) = (row[best], class);
                } else {
                    second = second.max(share);
                }
            }
            let label = u32::try_from(best).ok().filter(|_| best < n_classes);
            (label, 1.0 - (row[best] - second))
        };
        let rows: Vec<ArrayView1<f32>> = shares.outer_iter().collect();
        let (labels, doubts) = rows.into_par_iter().map(of_row).unzip();
        Self { labels, shares, doubts }
    }
}

/// An answer that spreads.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source {
    pub(super) row: usize,
    pub(super) class: usize,
    pub(super) weight: f32,
}

/// The share of each class at each vector, shape (n, `n_classes`). Vectors that no answer reaches have the class in
/// `otherwise`.
pub(super) fn shares(graph: &Graph, sources: &[Source], n_classes: usize, otherwise: &[usize]) -> Array2<f32> {
    let n = graph.n_samples();
    let mut answers = vec![None; n];
    let largest = sources.iter().map(|source| source.weight).fold(0.0, f32::max);
    sources.iter().for_each(|source| answers[source.row] = Some((source.class, source.weight / largest)));
    let (mut before, mut now) = (Array2::<f32>::zeros((n, n_classes)), Array2::<f32>::zeros((n, n_classes)));
    for (row, answer) in answers.iter().enumerate() {
        if let Some((class, weight)) = *answer {
            now[[row, class]] = weight;
        }
    }
    let mut omega = 2.0;
    for _ in 1..ITERATIONS {
        omega = 1.0 / (1.0 - ALPHA * ALPHA * omega / 4.0);
        let rows = before.axis_iter_mut(Axis(0)).into_par_iter().enumerate();
        rows.for_each_init(
            || vec![0.0; n_classes],
            |sums, (row, mut before)| {
                sums.fill(0.0);
                for (other, weight) in graph.of(row) {
                    sums.iter_mut().zip(now.row(other)).for_each(|(sum, score)| *sum += weight * score);
                }
                sums.iter_mut().for_each(|sum| *sum *= ALPHA);
                if let Some((class, weight)) = answers[row] {
                    sums[class] += weight;
                }
                before
                    .iter_mut()
                    .zip(&*sums)
                    .for_each(|(before, sum)| *before = omega * (sum - *before) + *before);
            },
        );
        std::mem::swap(&mut before, &mut now);
    }
    let rows = now.axis_iter_mut(Axis(0)).into_par_iter().zip(&answers).zip(otherwise);
    rows.for_each(|((mut row, answer), &otherwise)| {
        row.mapv_inplace(|score| score.max(0.0));
        let total = row.sum();
        match answer {
            Some((class, _)) => one(&mut row, *class),
            None if total > 0.0 => row /= total,
            None => one(&mut row, otherwise),
        }
    });
    now
}

fn one(row: &mut ArrayViewMut1<f32>, class: usize) {
    row.fill(0.0);
    row[class] = 1.0;
}
