//! Centroids in the form that the kernels use: one byte per value, or two.

use ndarray::{Array2, Axis};
use rayon::prelude::*;

use crate::{
    distance::{CONTIGUOUS, Kernel, Rows, vectorize},
    kmeans::centroids::{Centroids, WIDTH},
};

/// Number of parts into which the second byte divides a unit.
pub(in crate::kmeans) const PARTS: i64 = 256;

/// Centroids rounded to the nearest bytes.
pub(in crate::kmeans) struct Rounded {
    /// The bytes minus 128.
    pub(in crate::kmeans) upper: Array2<i8>,
    /// Squared lengths.
    pub(in crate::kmeans) norms: Vec<i64>,
    /// The largest distance between a centroid and its rounding, or slightly more.
    pub(in crate::kmeans) moved: f64,
}

/// The difference between centroids and their bytes, to the nearest 256th.
pub(in crate::kmeans) struct ResidualBytes {
    /// The difference in 256ths.
    pub(in crate::kmeans) bytes: Array2<i8>,
    /// 256² times the squared lengths of the centroids rounded to 256ths.
    pub(in crate::kmeans) scaled_norms: Vec<i64>,
    /// The largest distance between a centroid and its rounding to 256ths, or slightly more.
    pub(in crate::kmeans) moved: f64,
}

impl ResidualBytes {
    /// Centroids in bytes, and the remainder.
    pub(in crate::kmeans) fn round(centroids: &Centroids) -> (Rounded, Self) {
        let shape = (centroids.n_clusters(), centroids.n_features());
        let (mut upper, mut lower) = (Array2::zeros(shape), Array2::zeros(shape));
        let lengths: Vec<Lengths> = Rows::new(centroids.sums.view())
            .par_iter()
            .zip(&centroids.counts)
            .zip(upper.axis_iter_mut(Axis(0)))
            .zip(lower.axis_iter_mut(Axis(0)))
            .map(|(((sums, &count), upper), lower)| {
                let (upper, lower) =
                    (upper.into_slice().expect(CONTIGUOUS), lower.into_slice().expect(CONTIGUOUS));
                vectorize!(Kernel::detect(), Lengths::round(sums, count, upper, lower))
            })
            .collect();
        // The rounding error of a length is far below the last factor.
        let most = |of: fn(&Lengths) -> f64| {
            lengths.iter().map(of).fold(0.0, f64::max).sqrt() / PARTS as f64 * (1.0 + 1e-6) + 1e-9
        };
        let rounded = Rounded {
            upper,
            norms: lengths.iter().map(|lengths| lengths.norm).collect(),
            moved: most(|lengths| lengths.moved),
        };
        let scaled_norms = lengths.iter().map(|lengths| lengths.scaled_norm).collect();
        (rounded, Self { bytes: lower, scaled_norms, moved: most(|lengths| lengths.moved_least) })
    }

    /// (256 |x - c|)² with c to the nearest 256th, from the row's term and its products with both bytes.
    pub(in crate::kmeans) fn scaled_distance(&self, j: usize, term: i64, upper: i64, lower: i64) -> i64 {
        self.scaled_norms[j] + PARTS * PARTS * (term - 2 * upper) - 2 * PARTS * lower
    }
}

/// Squared lengths of one centroid and of its rounding errors, the latter in 256ths.
struct Lengths {
    norm: i64,
    scaled_norm: i64,
    moved: f64,
    moved_least: f64,
}

impl Lengths {
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "compiled for the instruction set of each caller")]
    #[expect(clippy::cast_possible_truncation, reason = "0 to 255 * 256, and its bytes")]
    fn round(sums: &[u64], count: u64, upper: &mut [i8], lower: &mut [i8]) -> Self {
        let per_count = PARTS as f64 / count as f64;
        let (mut norm, mut scaled_norm) = ([0; WIDTH], [0; WIDTH]);
        let (mut moved, mut moved_least) = ([0.0; WIDTH], [0.0; WIDTH]);
        let uppers = upper.chunks_mut(WIDTH).zip(lower.chunks_mut(WIDTH));
        for (sums, (upper, lower)) in sums.chunks(WIDTH).zip(uppers) {
            for (i, ((&sum, upper), lower)) in sums.iter().zip(upper).zip(lower).enumerate() {
                let exact = sum as f64 * per_count;
                let parts = (exact + 0.5) as i32;
                let whole = (parts + 128) >> 8;
                *upper = (whole - 128) as i8;
                *lower = (parts - (whole << 8)) as i8;
                norm[i] += i64::from(whole * whole);
                scaled_norm[i] += i64::from(parts).pow(2);
                moved[i] += (exact - f64::from(whole << 8)).powi(2);
                moved_least[i] += (exact - f64::from(parts)).powi(2);
            }
        }
        Self {
            norm: norm.iter().sum(),
            scaled_norm: scaled_norm.iter().sum(),
            moved: moved.iter().sum(),
            moved_least: moved_least.iter().sum(),
        }
    }
}
