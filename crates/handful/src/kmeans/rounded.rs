//! Centroids as the kernels take them: in one byte a value, and in two.

use ndarray::{Array2, Zip};

use super::centroids::Centroids;

/// Of a byte.
pub(super) const PARTS: i64 = 256;

/// Centroids to the nearest whole number, and to the nearest 256th.
pub(super) struct Rounded {
    /// The nearest whole numbers less 128.
    pub(super) upper: Array2<i8>,
    /// How many 256ths are missing to the nearest 256th.
    pub(super) lower: Array2<i8>,
    /// Squared lengths of the nearest whole numbers.
    pub(super) norms: Vec<i64>,
    /// 256² times the squared lengths of the nearest 256ths.
    pub(super) scaled_norms: Vec<i64>,
    /// The most that a centroid moved to the nearest whole numbers, and to the nearest 256ths.
    pub(super) moved: f64,
    pub(super) moved_least: f64,
}

impl Rounded {
    #[expect(clippy::cast_possible_truncation, reason = "0 to 255 * 256, and its bytes")]
    pub(super) fn new(centroids: &Centroids) -> Self {
        let (k, d) = (centroids.n_clusters(), centroids.n_features());
        let mut rounded = Self {
            upper: Array2::zeros((k, d)),
            lower: Array2::zeros((k, d)),
            norms: vec![0; k],
            scaled_norms: vec![0; k],
            moved: 0.0,
            moved_least: 0.0,
        };
        for j in 0..k {
            let per_count = PARTS as f64 / centroids.counts[j] as f64;
            let (mut norm, mut scaled_norm, mut moved, mut moved_least) = (0, 0, 0.0, 0.0);
            Zip::from(rounded.upper.row_mut(j))
                .and(rounded.lower.row_mut(j))
                .and(centroids.sums.row(j))
                .for_each(|upper, lower, &sum| {
                    let exact = sum as f64 * per_count;
                    let parts = (exact + 0.5) as i32;
                    let whole = (parts + 128) >> 8;
                    *upper = (whole - 128) as i8;
                    *lower = (parts - (whole << 8)) as i8;
                    norm += i64::from(whole * whole);
                    scaled_norm += i64::from(parts).pow(2);
                    moved += (exact - f64::from(whole << 8)).powi(2);
                    moved_least += (exact - f64::from(parts)).powi(2);
                });
            (rounded.norms[j], rounded.scaled_norms[j]) = (norm, scaled_norm);
            // What the floats lose in this is far below the last factor.
            let length = |parts: f64| parts.sqrt() / PARTS as f64 * (1.0 + 1e-6) + 1e-9;
            rounded.moved = rounded.moved.max(length(moved));
            rounded.moved_least = rounded.moved_least.max(length(moved_least));
        }
        rounded
    }

    /// (256 |x - c|)² with c to the nearest 256th, from the row's term and its products with both bytes.
    pub(super) fn scaled_distance(&self, j: usize, term: i64, upper: i64, lower: i64) -> i64 {
        self.scaled_norms[j] + PARTS * PARTS * (term - 2 * upper) - 2 * PARTS * lower
    }
}
