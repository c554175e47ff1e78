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

use ndarray::{Array2, ArrayViewMut1, Axis};
use rayon::prelude::*;

use super::graph::Graph;

/// How much a score weighs one edge further. It was chosen on MNIST's training images, among 0.9 to 0.999.
const ALPHA: f32 = 0.97;
/// The error is then 0.78⁶⁰ = 3 · 10⁻⁷.
const ITERATIONS: usize = 60;
/// What reaches an image counts as little if it is not much more than this share of what reaches most images.
const LITTLE: f32 = 0.01;

/// The labels of all images, as far as the answers tell.
#[derive(Clone, Debug)]
pub struct Spread {
    /// The label of each image; `None` for an image that belongs to no class, as far as the answers tell.
    pub labels: Vec<Option<u32>>,
    /// The share of each class in what reaches an image, shape (n, classes); rows sum to 1. If images were set aside,
    /// the last column is their share.
    pub shares: Array2<f32>,
    /// How doubtful each label is, from 0 to 1: large if two classes reach an image about equally, or if hardly anything
    /// reaches it.
    pub doubts: Vec<f32>,
}

/// An answer that spreads.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source {
    pub(super) row: usize,
    pub(super) class: usize,
    pub(super) weight: f32,
}

/// Spreads the answers of `sources`. The class `aside` is no label. Vectors that no answer reaches get the class in
/// `otherwise`.
pub(super) fn spread(
    graph: &Graph,
    sources: &[Source],
    n_classes: usize,
    aside: Option<usize>,
    otherwise: &[usize],
) -> Spread {
    let mut answers = vec![None; graph.n_samples()];
    let largest = sources.iter().map(|source| source.weight).fold(0.0, f32::max);
    for source in sources {
        answers[source.row] = Some((source.class, source.weight / largest));
    }
    let mut shares = scores(graph, &answers, n_classes);
    let totals: Vec<f32> = shares.outer_iter().map(|row| row.sum()).collect();
    let mut sorted = totals.clone();
    let (_, median, _) = sorted.select_nth_unstable_by(totals.len() / 2, f32::total_cmp);
    let little = LITTLE * *median;
    let rows = shares.axis_iter_mut(Axis(0)).into_par_iter().zip(&answers).zip(otherwise).zip(&totals);
    let (best, doubts): (Vec<usize>, Vec<f32>) = rows
        .map(|(((row, answer), &otherwise), &total)| decide(row, *answer, otherwise, total, little))
        .unzip();
    let label = |class: usize| u32::try_from(class).ok().filter(|_| aside != Some(class));
    Spread { labels: best.into_iter().map(label).collect(), shares, doubts }
}

/// Turns the scores of an image into shares. Returns its class and the doubt about it.
fn decide(
    mut row: ArrayViewMut1<f32>,
    answer: Option<(usize, f32)>,
    otherwise: usize,
    total: f32,
    little: f32,
) -> (usize, f32) {
    let certain = match answer {
        Some((class, _)) => Some((class, 0.0)),
        None if total > 0.0 => None,
        None => Some((otherwise, 1.0)),
    };
    if let Some((class, doubt)) = certain {
        row.fill(0.0);
        row[class] = 1.0;
        return (class, doubt);
    }
    // The first of equal scores.
    let (mut best, mut second) = (0, 0.0_f32);
    for (class, &score) in row.iter().enumerate().skip(1) {
        if score > row[best] {
            (second, best) = (row[best], class);
        } else {
            second = second.max(score);
        }
    }
    let doubt = 1.0 - (row[best] - second) / (total + little);
    row /= total;
    (best, doubt)
}

/// The score of each class at each vector, shape (n, `n_classes`), none below 0. `answers` has the class and the weight
/// of each vector that has an answer.
fn scores(graph: &Graph, answers: &[Option<(usize, f32)>], n_classes: usize) -> Array2<f32> {
    let shape = (graph.n_samples(), n_classes);
    let (mut before, mut now) = (Array2::<f32>::zeros(shape), Array2::<f32>::zeros(shape));
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
                let answer = |class: usize| match answers[row] {
                    Some((answer, weight)) if answer == class => weight,
                    _ => 0.0,
                };
                for (class, (before, sum)) in before.iter_mut().zip(&*sums).enumerate() {
                    *before += omega * (ALPHA * sum + answer(class) - *before);
                }
            },
        );
        std::mem::swap(&mut before, &mut now);
    }
    now.mapv_inplace(|score| score.max(0.0));
    now
}
