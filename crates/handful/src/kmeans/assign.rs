//! The assignment step: the nearest centroid of every row, exactly.
//!
//! Dot products of bytes with centroids come from the kernel rounded, off by a known bound. Where the
//! nearest is nearer than the next by more than that, it is certain. In the rest, some rows in ten
//! thousand, the contenders are compared as fractions.

use ndarray::{ArrayView2, Axis};
use rayon::prelude::*;

use super::centroids::Centroids;
use crate::distance::{self, LANES, RELATIVE_ERROR};

/// Rows assigned together: enough to pay for a task, few enough to share out six thousand of them.
const ROW_BLOCK: usize = 256;

/// Centroids as the kernel wants them.
struct Rounded {
    values: ndarray::Array2<f32>,
    squared_norms: Vec<f64>,
    longest: f64,
}

impl Rounded {
    #[expect(clippy::cast_possible_truncation, reason = "the rounding is within the kernel's bound")]
    fn new(centroids: &Centroids) -> Self {
        let exact = centroids.to_f64();
        let squared_norms: Vec<f64> =
            exact.outer_iter().map(|row| row.iter().map(|value| value * value).sum()).collect();
        let longest = squared_norms.iter().copied().fold(0.0, f64::max).sqrt();
        Self { values: exact.mapv(|value| value as f32), squared_norms, longest }
    }

    /// By how much |c|² - 2x·c can differ from its true value: twice the dot product's error, and what
    /// `f64` loses in a norm of d squares, each of a rounded quotient.
    fn error(&self, row_norm: f64) -> f64 {
        let of_norm = (self.values.ncols() + 8) as f64 * f64::EPSILON * self.longest.powi(2);
        2.0 * RELATIVE_ERROR * row_norm * self.longest + of_norm
    }
}

/// Writes each row's nearest centroid into `labels`; of equally near ones the lowest. `norms` are the
/// rows' squared lengths.
///
/// O(n k d); beside the labels, memory for the centroids and a few panels per thread.
pub(super) fn assign(x: ArrayView2<u8>, norms: &[u64], centroids: &Centroids, labels: &mut [u32]) {
    let rounded = Rounded::new(centroids);
    x.axis_chunks_iter(Axis(0), ROW_BLOCK)
        .into_par_iter()
        .zip(norms.par_chunks(ROW_BLOCK))
        .zip(labels.par_chunks_mut(ROW_BLOCK))
        .for_each(|((rows, norms), labels)| assign_block(rows, norms, centroids, &rounded, labels));
}

fn assign_block(
    rows: ArrayView2<u8>,
    norms: &[u64],
    centroids: &Centroids,
    rounded: &Rounded,
    labels: &mut [u32],
) {
    let last = centroids.n_clusters() - 1;
    // |x - c|² less |x|², for one panel of rows and every centroid.
    let mut keys = vec![[0.0; LANES]; centroids.n_clusters()];
    distance::for_each_tile(rows, rounded.values.view(), |j, first, dots| {
        for (key, dot) in keys[j].iter_mut().zip(dots) {
            *key = rounded.squared_norms[j] - 2.0 * dot;
        }
        if j == last {
            for (lane, row) in (first..rows.nrows()).take(LANES).enumerate() {
                let of_row = |j: usize| keys[j][lane];
                let error = rounded.error((norms[row] as f64).sqrt());
                labels[row] = nearest(of_row, centroids, rows, row, error);
            }
        }
    });
}

fn nearest(
    key: impl Fn(usize) -> f64,
    centroids: &Centroids,
    rows: ArrayView2<u8>,
    row: usize,
    error: f64,
) -> u32 {
    let all = 0..centroids.n_clusters();
    let least = all.clone().map(&key).fold(f64::INFINITY, f64::min);
    let mut contenders = all.filter(|&j| key(j) <= least + 2.0 * error);
    let first = contenders.next().expect("the least is among them");
    let exact = |j| centroids.squared_distance(rows.row(row), j);
    let nearest = match contenders.next() {
        None => first,
        Some(second) => {
            let rest = [second].into_iter().chain(contenders).map(|j| (j, exact(j)));
            rest.fold(
                (first, exact(first)),
                |best, next| if next.1.compare(best.1).is_lt() { next } else { best },
            )
            .0
        }
    };
    u32::try_from(nearest).expect("fewer than 2^32 clusters")
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};
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
            assign(x.view(), &distance::squared_norms(x.view()), &centroids, &mut labels);
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
        assign(x.view(), &distance::squared_norms(x.view()), &centroids, &mut labels);
        assert_eq!(labels, [2, 1, 0]);
    }
}
