//! Solves symmetric systems with thousands of unknowns.

use nalgebra::DMatrix;
use ndarray::{Array2, ArrayView2, Axis, azip, linalg::general_mat_mul, s};
use rayon::prelude::*;

use super::Error;
use crate::progress::Tally;

/// Number of columns that are eliminated together.
const BLOCK: usize = 192;
/// Number of columns that are updated between two calls of the observer.
const COLUMNS: usize = 1024;

/// Solves A x = b for a symmetric positive definite A, whose lower triangle is read and overwritten with its Cholesky
/// factor; `b` and the result have shape (n, systems).
///
/// Blocks of columns are eliminated one after the other (Golub and Van Loan 2013, 4.2.5). The rows of a block are
/// updated in parallel, each always in the same order. O(n³ / 3).
///
/// # Errors
/// [`Error::Singular`] if A is not positive definite; if the observer breaks.
pub(super) fn solve(a: &mut Array2<f64>, b: Array2<f64>, tally: &Tally) -> Result<Array2<f64>, Error> {
    factor(a, tally)?;
    let mut x = b;
    for i in 0..a.nrows() {
        if i % BLOCK == 0 {
            tally.ask()?;
        }
        let (done, mut rest) = x.view_mut().split_at(Axis(0), i);
        let known = a.slice(s![i, ..i]).dot(&done);
        let diagonal = a[[i, i]];
        azip!((x in rest.row_mut(0), &known in &known) *x = (*x - known) / diagonal);
    }
    for i in (0..a.nrows()).rev() {
        if i % BLOCK == 0 {
            tally.ask()?;
        }
        let (mut above, mut rest) = x.view_mut().split_at(Axis(0), i);
        rest.row_mut(0).mapv_inplace(|x| x / a[[i, i]]);
        for (j, mut above) in above.outer_iter_mut().enumerate() {
            above.scaled_add(-a[[i, j]], &rest.row(0));
        }
    }
    Ok(x)
}

/// Overwrites the lower triangle of `a` with L, where L Lᵀ = `a`.
fn factor(a: &mut Array2<f64>, tally: &Tally) -> Result<(), Error> {
    let n = a.nrows();
    for first in (0..n).step_by(BLOCK) {
        let end = n.min(first + BLOCK);
        let mut corner = a.slice_mut(s![first..end, first..end]);
        let (lower, inverse) = small_factor(corner.view()).ok_or(Error::Singular)?;
        corner.assign(&lower);
        let mut below = a.slice_mut(s![end.., ..]);
        let mut panel = Array2::zeros((below.nrows(), end - first));
        let blocks = panel.axis_chunks_iter_mut(Axis(0), BLOCK).into_par_iter();
        blocks.zip(below.axis_chunks_iter(Axis(0), BLOCK)).try_for_each(|(mut panel, rows)| {
            general_mat_mul(1.0, &rows.slice(s![.., first..end]), &inverse.t(), 0.0, &mut panel);
            tally.ask()
        })?;
        below.axis_chunks_iter_mut(Axis(0), BLOCK).into_par_iter().enumerate().try_for_each(
            |(block, mut rows)| {
                let own = panel.slice(s![block * BLOCK.., ..]);
                let own = own.slice(s![..rows.nrows(), ..]);
                rows.slice_mut(s![.., first..end]).assign(&own);
                let last = block * BLOCK + rows.nrows();
                let mut rest = rows.slice_mut(s![.., end..end + last]);
                let parts = rest.axis_chunks_iter_mut(Axis(1), COLUMNS);
                for (mut rest, other) in parts.zip(panel.axis_chunks_iter(Axis(0), COLUMNS)) {
                    let other = other.slice(s![..rest.ncols(), ..]);
                    general_mat_mul(-1.0, &own, &other.t(), 1.0, &mut rest);
                    tally.ask()?;
                }
                Ok::<(), Error>(())
            },
        )?;
    }
    Ok(())
}

/// The factor of a small matrix, and its inverse.
fn small_factor(a: ArrayView2<f64>) -> Option<(Array2<f64>, Array2<f64>)> {
    let n = a.nrows();
    let lower = DMatrix::from_fn(n, n, |i, j| a[[i.max(j), i.min(j)]]).cholesky()?.unpack();
    let inverse = lower.solve_lower_triangular(&DMatrix::identity(n, n))?;
    let array = |matrix: DMatrix<f64>| Array2::from_shape_fn((n, n), |(i, j)| matrix[(i, j)]);
    Some((array(lower), array(inverse)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::{Observer, Stage, tests::reports};

    #[test]
    fn solutions_solve() {
        for n in [1, 5, BLOCK, 2 * BLOCK + 30] {
            let root =
                Array2::from_shape_fn((n, n), |(i, j)| (((i * 31 + j * 17 + i * j) % 101) as f64) / 101.0);
            let a = root.dot(&root.t()) + Array2::<f64>::eye(n);
            let x = Array2::from_shape_fn((n, 3), |(i, j)| (i % 7) as f64 - j as f64);
            let found = solve(&mut a.clone(), a.dot(&x), &Tally::silent()).unwrap();
            assert!((&found - &x).iter().all(|difference| difference.abs() < 1e-8), "{n}");
        }
    }

    #[test]
    fn what_is_not_positive_definite_has_no_factor() {
        let found = solve(&mut Array2::zeros((3, 3)), Array2::zeros((3, 1)), &Tally::silent());
        assert!(matches!(found, Err(Error::Singular)));
    }
    #[test]
    fn the_observer_is_asked_after_each_block() {
        let n = 2 * BLOCK + 30;
        let (a, b) = (Array2::<f64>::eye(n), Array2::ones((n, 1)));
        let work =
            |observer: &Observer| solve(&mut a.clone(), b.clone(), &Tally::new(observer, Stage::Features, 0));
        // Below the first block of columns there are two of rows, below the second one, and each is met twice; then come
        // three blocks of unknowns, there and back.
        let (found, n) = reports(usize::MAX, work);
        assert_eq!((found.is_ok(), n), (true, 2 * (2 + 1) + 2 * 3));
        for until in 1..=n {
            let (found, calls) = reports(until, work);
            assert_eq!((found.is_err(), calls), (true, until));
        }
    }
}
