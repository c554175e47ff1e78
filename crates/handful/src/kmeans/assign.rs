//! The assignment step: the nearest centroid of every row, exactly.
//!
//! The kernel multiplies bytes, so a centroid is given to it as two: c - 128 to the nearest 256th. That
//! moves the centroid by a known length, at most √d / 512, and a row's distance from it by no more. Where
//! the nearest is nearer than the next by more than twice that, it is certain; the rest, some rows in a
//! thousand, are decided by comparing fractions.

use ndarray::{Array2, ArrayView1, ArrayView2, Axis};
use rayon::prelude::*;

use super::centroids::{Centroids, Fraction};
use crate::distance::{self, Kernel, LANES, Level, OFFSET, with_kernel};

/// Rows assigned together: enough to pay for a task, few enough to share out six thousand of them.
const ROW_BLOCK: usize = 256;
/// Of a byte.
const PARTS: i64 = 256;

/// Centroids to the nearest 256th.
struct Rounded {
    /// The upper byte of every centroid less 128, then the lower byte of every one, signed both.
    bytes: Array2<i8>,
    /// 256² times the squared length of what they stand for.
    squared_norms: Vec<i64>,
    /// The most that a centroid moved.
    moved: f64,
}

impl Rounded {
    fn new(centroids: &Centroids) -> Self {
        let (k, d) = (centroids.n_clusters(), centroids.n_features());
        let exact = centroids.to_f64();
        #[expect(clippy::cast_possible_truncation, reason = "0 to 255 * 256")]
        let parts = exact.mapv(|value| (value * PARTS as f64).round() as i64);
        let squared_norms = parts.outer_iter().map(|row| row.iter().map(|part| part * part).sum()).collect();
        let moved = |j: usize| -> f64 {
            let differences = exact.row(j).into_iter().zip(parts.row(j));
            differences.map(|(value, &part)| (value - part as f64 / PARTS as f64).powi(2)).sum()
        };
        let bytes = Array2::from_shape_fn((2 * k, d), |(row, i)| {
            let part = parts[[row % k, i]] - OFFSET * PARTS;
            let upper = (part + PARTS / 2).div_euclid(PARTS);
            let byte = if row < k { upper } else { part - upper * PARTS };
            i8::try_from(byte).expect("within half a byte of zero")
        });
        // What the floats lose in this is far below the last factor.
        let moved = (0..k).map(moved).fold(0.0, f64::max).sqrt() * (1.0 + 1e-6) + 1e-9;
        Self { bytes, squared_norms, moved }
    }
}

/// What a row's scaled squared distances have in common, (256|x|)² less the part of the dot products that the
/// offset of bytes takes away: computed once for all iterations.
pub(super) fn row_terms(x: ArrayView2<u8>) -> Vec<i64> {
    let term =
        |(norm, sum): (u64, i64)| PARTS * PARTS * norm.cast_signed() - 2 * PARTS * PARTS * OFFSET * sum;
    distance::squared_norms(x).into_iter().zip(distance::sums(x)).map(term).collect()
}

/// Writes each row's nearest centroid into `labels`; of equally near ones the lowest. `terms` are the rows'
/// [`row_terms`].
///
/// O(n k d); beside the labels, memory for the centroids and a few panels per thread.
pub(super) fn assign(x: ArrayView2<u8>, terms: &[i64], centroids: &Centroids, labels: &mut [u32]) {
    let rounded = Rounded::new(centroids);
    x.axis_chunks_iter(Axis(0), ROW_BLOCK)
        .into_par_iter()
        .zip(terms.par_chunks(ROW_BLOCK))
        .zip(labels.par_chunks_mut(ROW_BLOCK))
        .for_each(|((rows, terms), labels)| {
            with_kernel!(Level::detect(), |kernel| assign_block(
                kernel, rows, terms, centroids, &rounded, labels
            ));
        });
}

fn assign_block<K: Kernel>(
    kernel: K,
    rows: ArrayView2<u8>,
    terms: &[i64],
    centroids: &Centroids,
    rounded: &Rounded,
    labels: &mut [u32],
) {
    let k = centroids.n_clusters();
    // (256|x - c|)², less the row's term, for one panel of rows and every centroid.
    let mut keys = vec![[0_i64; LANES]; k];
    distance::for_each_tile(kernel, rows, rounded.bytes.view(), |query, first, dots| {
        let keys_of = &mut keys[query % k];
        if query < k {
            let squared_norm = rounded.squared_norms[query];
            for (key, dot) in keys_of.iter_mut().zip(dots) {
                *key = squared_norm - 2 * PARTS * PARTS * dot;
            }
        } else {
            for (key, dot) in keys_of.iter_mut().zip(dots) {
                *key -= 2 * PARTS * dot;
            }
        }
        if query == 2 * k - 1 {
            for (lane, row) in (first..).take(dots.len()).enumerate() {
                let scaled = |j: usize| keys[j][lane] + terms[row];
                labels[row] = nearest(scaled, centroids, rows.row(row), rounded.moved);
            }
        }
    });
}

/// The nearest centroid of a row, given (256 times its distance from each rounded centroid)².
fn nearest(scaled: impl Fn(usize) -> i64, centroids: &Centroids, row: ArrayView1<u8>, moved: f64) -> u32 {
    let all = 0..centroids.n_clusters();
    let least = all.clone().map(&scaled).min().expect("at least one centroid");
    let margin = 2.0 * PARTS as f64 * moved;
    let limit = ((least as f64).sqrt() + margin).powi(2) * (1.0 + 1e-12) + 1.0;
    let mut contenders = all.filter(|&j| scaled(j) as f64 <= limit);
    let first = contenders.next().expect("the least is among them");
    let exact = |j| centroids.squared_distance(row, j);
    let nearest = match contenders.next() {
        None => first,
        Some(second) => {
            let rest = [second].into_iter().chain(contenders).map(|j| (j, exact(j)));
            let nearer = |best: (usize, Fraction), next: (usize, Fraction)| {
                if next.1.compare(best.1).is_lt() { next } else { best }
            };
            rest.fold((first, exact(first)), nearer).0
        }
    };
    u32::try_from(nearest).expect("fewer than 2^32 clusters")
}

#[cfg(test)]
mod tests {
    use ndarray::array;
    use proptest::prelude::*;

    use super::*;

    fn naive(x: &Array2<u8>, centroids: &Centroids) -> Vec<u32> {
        let nearest = |row: ndarray::ArrayView1<u8>| {
            (0..centroids.n_clusters() as u32)
                .min_by(|&a, &b| {
                    let distance = |j: u32| centroids.squared_distance(row, j as usize);
                    distance(a).compare(distance(b))
                })
                .expect("at least one")
        };
        x.outer_iter().map(nearest).collect()
    }

    proptest! {
        #[test]
        fn equals_the_definition(
            (n, k, d) in (1_usize..40, 1_usize..12, 1_usize..900),
            levels in prop::sample::select(vec![2_u8, 4, 255]),
            bytes in prop::collection::vec(any::<u8>(), 1009),
            counts in prop::collection::vec(1_u64..70_000, 12),
            // How far centroids lie apart, in parts of their counts: far below the kernel's rounding, or above.
            spread in prop::sample::select(vec![0_u64, 1, 3, 50, 4000, 1_000_000]),
        ) {
            let byte = |i: usize| bytes[i % 1009] % levels;
            let x = Array2::from_shape_fn((n, d), |(i, j)| byte(i * d + j));
            let counts = counts[..k].to_vec();
            let sums = Array2::from_shape_fn((k, d), |(j, i)| {
                let moved = u64::from(bytes[(31 * j + 7 * i) % 1009]) * spread / 8;
                (counts[j] * u64::from(byte(500 + i)) + moved).min(255 * counts[j])
            });
            let centroids = Centroids { sums, counts };
            let mut labels = vec![0; n];
            assign(x.view(), &row_terms(x.view()), &centroids, &mut labels);
            prop_assert_eq!(labels, naive(&x, &centroids));
        }
    }

    #[test]
    fn ties_and_differences_far_below_rounding_are_decided_exactly() {
        // 100 ± 1/n and 100 - 1/(n+1): the last is the nearest of 99 by one part in 10^10.
        let n = 100_000;
        let sums = array![[100 * n + 1], [100 * n - 1], [100 * (n + 1) - 1], [100 * n - 1]];
        let centroids = Centroids { sums, counts: vec![n, n, n + 1, n] };
        let mut labels = [9; 3];
        let x = array![[100_u8], [99], [101]];
        assign(x.view(), &row_terms(x.view()), &centroids, &mut labels);
        assert_eq!(labels, [2, 1, 0]);
    }
}
