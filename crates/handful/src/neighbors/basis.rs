//! A few directions that tell vectors apart: the principal components, as bytes.

use nalgebra::{DMatrix, SymmetricEigen};
use ndarray::{Array2, ArrayView2, Axis, s};
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

use crate::distance::{self, Kernel};

/// Rows that the components are taken from, and the most values in them.
const SAMPLE: usize = 1024;
const SAMPLE_VALUES: usize = 1 << 22;
/// Directions beyond those wanted, which make the range finder's guess good.
const OVERSAMPLING: usize = 16;
const POWER_ITERATIONS: usize = 2;
/// Steps after which eigenvalues that have not converged never will.
const MOST_SWEEPS: usize = 10_000;
/// Fewer rows than this are projected one by one, which saves packing the directions.
const FEW: usize = 8;

/// Signed byte vectors, and by how much they can stretch.
#[derive(Debug)]
pub(super) struct Basis {
    /// Shape (directions, `n_features`).
    pub(super) directions: Array2<i8>,
    /// The spectral norm of `directions`, or a little more: |directions · x| is at most this times |x|.
    pub(super) stretch: f64,
}

impl Basis {
    /// How many rows the components are best taken from.
    pub(super) fn sample_size(n_samples: usize, n_features: usize) -> usize {
        SAMPLE.min(SAMPLE_VALUES / n_features).clamp(1, n_samples)
    }

    /// The first `n` principal components of some rows, found by a randomised range finder
    /// (Halko, Martinsson and Tropp 2011), turned randomly among themselves so that all vary alike, and
    /// rounded to bytes. Rounding costs nothing but sharpness: the stretch is that of the bytes. None if the
    /// eigenvalues do not converge.
    pub(super) fn principal(sample: ArrayView2<u8>, n: usize) -> Option<Self> {
        let mut sample = sample.mapv(f32::from);
        let d = sample.ncols();
        let mean = sample.mean_axis(Axis(0)).expect("at least one row");
        sample -= &mean;

        let mut rng = ChaCha8Rng::seed_from_u64(0);
        let mut random = |rows, columns| Array2::from_shape_fn((rows, columns), |_| normal(&mut rng));
        let mut range = orthonormal(&random(d, n + OVERSAMPLING));
        for _ in 0..POWER_ITERATIONS {
            range = orthonormal(&sample.t().dot(&sample.dot(&range)));
        }
        // Within the range, the exact components.
        let projected = sample.dot(&range);
        let covariance = to_nalgebra(&projected.t().dot(&projected));
        let eigen = SymmetricEigen::try_new(covariance, f32::EPSILON, MOST_SWEEPS)?;
        let mut order: Vec<usize> = (0..eigen.eigenvalues.len()).collect();
        order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]));
        let leading = Array2::from_shape_fn((range.ncols(), n), |(i, j)| eigen.eigenvectors[(i, order[j])]);
        let turned = range.dot(&leading).dot(&orthonormal(&random(n, n)));

        let largest = turned.iter().fold(f32::MIN_POSITIVE, |largest, value| largest.max(value.abs()));
        #[expect(clippy::cast_possible_truncation, reason = "scaled to -127..=127")]
        let directions = turned.t().mapv(|value| (value / largest * 127.0).round() as i8);
        let stretch = spectral_norm(&directions)?;
        Some(Self { directions: directions.as_standard_layout().into_owned(), stretch })
    }

    /// The product of every row with every direction, exactly: `sink(first_row, products)` is given up to 32
    /// rows at a time, shape (directions, rows).
    pub(super) fn project<K: Kernel>(
        &self,
        kernel: K,
        x: ArrayView2<u8>,
        mut sink: impl FnMut(usize, ArrayView2<i64>),
    ) {
        let n = self.directions.nrows();
        if (1..FEW).contains(&x.nrows()) {
            let x = x.as_standard_layout();
            let products = Array2::from_shape_fn((n, x.nrows()), |(direction, row)| {
                let (point, direction) = (x.row(row), self.directions.row(direction));
                let contiguous = "rows are contiguous";
                i64::from(
                    kernel.dot(point.as_slice().expect(contiguous), direction.as_slice().expect(contiguous)),
                )
            });
            return sink(0, products.view());
        }
        let mut products = Array2::zeros((n, distance::LANES));
        distance::for_each_tile(kernel, x, self.directions.view(), |direction, first, dots| {
            products.row_mut(direction).iter_mut().zip(dots).for_each(|(product, &dot)| *product = dot);
            if direction == n - 1 {
                sink(first, products.slice(s![.., ..dots.len()]));
            }
        });
    }
}

/// By the polar method (Marsaglia and Bray 1964).
fn normal(rng: &mut ChaCha8Rng) -> f32 {
    loop {
        let (u, v) = (rng.random_range(-1.0_f32..1.0), rng.random_range(-1.0_f32..1.0));
        let square = u * u + v * v;
        if square > 0.0 && square < 1.0 {
            return u * (-2.0 * square.ln() / square).sqrt();
        }
    }
}

fn to_nalgebra(matrix: &Array2<f32>) -> DMatrix<f32> {
    DMatrix::from_fn(matrix.nrows(), matrix.ncols(), |i, j| matrix[[i, j]])
}

/// An orthonormal basis of the columns' span.
fn orthonormal(matrix: &Array2<f32>) -> Array2<f32> {
    let q = to_nalgebra(matrix).qr().q();
    Array2::from_shape_fn((q.nrows(), q.ncols()), |(i, j)| q[(i, j)])
}

/// The square root of the largest eigenvalue of the Gram matrix, whose entries are whole; the last factor
/// covers what the eigenvalues lose in `f64`.
fn spectral_norm(directions: &Array2<i8>) -> Option<f64> {
    let wide = directions.mapv(f64::from);
    let gram = wide.dot(&wide.t());
    let gram = DMatrix::from_fn(gram.nrows(), gram.ncols(), |i, j| gram[[i, j]]);
    let trace = gram.trace();
    let largest = SymmetricEigen::try_new(gram.clone(), f64::EPSILON, MOST_SWEEPS)?.eigenvalues.max();
    let norm = (largest + 1e-9 * trace).sqrt() * (1.0 + 1e-9);
    // The solver is believed only once norm² less the Gram matrix is seen to have no negative eigenvalue.
    let rest = DMatrix::from_diagonal_element(gram.nrows(), gram.ncols(), norm * norm) - gram;
    (norm == 0.0 || rest.cholesky().is_some()).then_some(norm)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stretch_bounds_every_product_and_is_not_far_above() {
        let x = Array2::from_shape_fn((300, 50), |(i, j)| ((i * 37 + j * 11 + i * j) % 251) as u8);
        let basis = Basis::principal(x.view(), 16).unwrap();
        let mut largest: f64 = 0.0;
        basis.project(distance::Scalar, x.view(), |first, products| {
            for (column, row) in products.columns().into_iter().zip(first..) {
                let exact = basis.directions.mapv(i64::from).dot(&x.row(row).mapv(i64::from));
                assert_eq!(column, exact);
                let squared =
                    |values: ndarray::ArrayView1<i64>| values.iter().map(|v| (v * v) as f64).sum::<f64>();
                let ratio = (squared(column) / squared(x.row(row).mapv(i64::from).view())).sqrt();
                assert!(ratio <= basis.stretch);
                largest = largest.max(ratio);
            }
        });
        assert!(largest > 0.2 * basis.stretch, "{largest} of {}", basis.stretch);
    }
}
