//! Symmetric systems of thousands of unknowns.

use nalgebra::DMatrix;
use ndarray::{Array2, ArrayView2, Axis, azip, linalg::general_mat_mul, s};
use rayon::prelude::*;

/// Columns that are eliminated together.
const BLOCK: usize = 192;

/// Solves A x = b for a symmetric positive definite A, of which the part up to the diagonal is read and overwritten
/// with its Cholesky factor; `b` and the result have shape (n, systems). None if A is not positive definite.
///
/// Blocks of columns are eliminated one after the other (Golub and Van Loan 2013, 4.2.5); a block's rows are updated
/// side by side, and each always in the same order. O(n³ / 3).
pub(super) fn solve(a: &mut Array2<f64>, b: Array2<f64>) -> Option<Array2<f64>> {
    factor(a)?;
    let mut x = b;
    for i in 0..a.nrows() {
        let (done, mut rest) = x.view_mut().split_at(Axis(0), i);
        let known = a.slice(s![i, ..i]).dot(&done);
        let diagonal = a[[i, i]];
        azip!((x in rest.row_mut(0), &known in &known) *x = (*x - known) / diagonal);
    }
    for i in (0..a.nrows()).rev() {
        let (mut above, mut rest) = x.view_mut().split_at(Axis(0), i);
        rest.row_mut(0).mapv_inplace(|x| x / a[[i, i]]);
        for (j, mut above) in above.outer_iter_mut().enumerate() {
            above.scaled_add(-a[[i, j]], &rest.row(0));
        }
    }
    Some(x)
}

/// Overwrites the part of `a` up to the diagonal with L, where L Lᵀ = `a`.
fn factor(a: &mut Array2<f64>) -> Option<()> {
    let n = a.nrows();
    for first in (0..n).step_by(BLOCK) {
        let end = n.min(first + BLOCK);
        let mut corner = a.slice_mut(s![first..end, first..end]);
        let (lower, inverse) = small_factor(corner.view())?;
        corner.assign(&lower);
        let mut below = a.slice_mut(s![end.., ..]);
        let panel = below.slice(s![.., first..end]).dot(&inverse.t());
        below.axis_chunks_iter_mut(Axis(0), BLOCK).into_par_iter().enumerate().for_each(
            |(block, mut rows)| {
                let own = panel.slice(s![block * BLOCK.., ..]);
                let own = own.slice(s![..rows.nrows(), ..]);
                rows.slice_mut(s![.., first..end]).assign(&own);
                let last = block * BLOCK + rows.nrows();
                let mut rest = rows.slice_mut(s![.., end..end + last]);
                general_mat_mul(-1.0, &own, &panel.slice(s![..last, ..]).t(), 1.0, &mut rest);
            },
        );
    }
    Some(())
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

    #[test]
    fn solutions_solve() {
        for n in [1, 5, BLOCK, 2 * BLOCK + 30] {
            let root =
                Array2::from_shape_fn((n, n), |(i, j)| (((i * 31 + j * 17 + i * j) % 101) as f64) / 101.0);
            let a = root.dot(&root.t()) + Array2::<f64>::eye(n);
            let x = Array2::from_shape_fn((n, 3), |(i, j)| (i % 7) as f64 - j as f64);
            let found = solve(&mut a.clone(), a.dot(&x)).unwrap();
            assert!((&found - &x).iter().all(|difference| difference.abs() < 1e-8), "{n}");
        }
    }

    #[test]
    fn what_is_not_positive_definite_has_no_factor() {
        assert!(solve(&mut Array2::zeros((3, 3)), Array2::zeros((3, 1))).is_none());
    }
}
