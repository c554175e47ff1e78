//! The directions of a sketch: principal components.

use nalgebra::{DMatrix, SymmetricEigen};
use ndarray::{Array2, ArrayView2, Axis};
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

use super::Basis;

/// Number of directions beyond those requested, which improve the range finder's estimate.
const OVERSAMPLING: usize = 16;
const POWER_ITERATIONS: usize = 2;
/// Number of steps after which eigenvalues that have not converged never will.
const MOST_SWEEPS: usize = 10_000;

impl Basis {
    /// The first `n` principal components of some rows, found by a randomised range finder (Halko, Martinsson and Tropp
    /// 2011), randomly rotated among themselves so that all have similar variance, and rounded to bytes. Rounding costs
    /// only sharpness, because the stretch is that of the bytes. `None` if the eigenvalues do not converge.
    pub(crate) fn principal(sample: ArrayView2<u8>, n: usize) -> Option<Self> {
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
        // The exact components within the range.
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
        let gram = gram(&directions);
        let (stretch, whitening) = (spectral_norm(&gram)?, whitening(gram));
        Some(Self { directions: directions.as_standard_layout().into_owned(), stretch, whitening })
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

/// The products of the directions with each other, which are whole numbers.
fn gram(directions: &Array2<i8>) -> DMatrix<f64> {
    let wide = directions.mapv(f64::from);
    let gram = wide.dot(&wide.t());
    DMatrix::from_fn(gram.nrows(), gram.ncols(), |i, j| gram[[i, j]])
}

/// The square root of the largest eigenvalue of the Gram matrix; the last factor covers the rounding errors of the
/// eigenvalues in `f64`.
fn spectral_norm(gram: &DMatrix<f64>) -> Option<f64> {
    let trace = gram.trace();
    let largest = SymmetricEigen::try_new(gram.clone(), f64::EPSILON, MOST_SWEEPS)?.eigenvalues.max();
    let norm = (largest + 1e-9 * trace).sqrt() * (1.0 + 1e-9);
    // The solver's result is accepted only after checking that norm² minus the Gram matrix has no negative eigenvalue.
    let rest = DMatrix::from_diagonal_element(gram.nrows(), gram.ncols(), norm * norm) - gram;
    (norm == 0.0 || rest.cholesky().is_some()).then_some(norm)
}

/// The inverse of the Gram matrix's Cholesky factor, if the directions are independent enough to compute it in `f32`.
fn whitening(gram: DMatrix<f64>) -> Option<Array2<f32>> {
    let (n, trace) = (gram.nrows(), gram.trace());
    let factor = gram.cholesky()?.unpack();
    let least = factor.diagonal().min();
    let inverse = factor.solve_lower_triangular(&DMatrix::identity(n, n))?;
    #[expect(clippy::cast_possible_truncation, reason = "a part in 10⁷ is well below what is promised")]
    let narrow = Array2::from_shape_fn((n, n), |(i, j)| inverse[(i, j)] as f32);
    // The trace is the sum of n squared lengths, which are equal except for rounding.
    (least * least > 0.5 * trace / n as f64).then_some(narrow)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        distance::{Kernel, Level, Rows},
        sketch::project,
    };

    #[test]
    fn the_stretch_bounds_every_product_and_is_not_far_above() {
        let x = Array2::from_shape_fn((300, 50), |(i, j)| ((i * 37 + j * 11 + i * j) % 251) as u8);
        let basis = Basis::principal(x.view(), 16).unwrap();
        let mut largest: f64 = 0.0;
        let (kernel, directions) = (Kernel::new(Level::Scalar), Rows::new(basis.directions.view()));
        project(kernel, directions, Rows::new(x.view()), |first, n, products| {
            for (lane, row) in (first..first + n).enumerate() {
                let found: Vec<f64> = products.iter().map(|products| products[lane]).collect();
                let row = x.row(row).mapv(f64::from);
                assert_eq!(found, basis.directions.mapv(f64::from).dot(&row).to_vec());
                let ratio = (found.iter().map(|x| x * x).sum::<f64>() / row.dot(&row)).sqrt();
                assert!(ratio <= basis.stretch);
                largest = largest.max(ratio);
            }
        });
        assert!(largest > 0.2 * basis.stretch, "{largest} of {}", basis.stretch);
    }
}
