//! Matrices whose rows lie one after the other.

use ndarray::ArrayView2;
use rayon::prelude::*;

/// A matrix in standard layout, whose rows are slices.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rows<'a, T> {
    values: &'a [T],
    shape: (usize, usize),
}

impl<'a, T> Rows<'a, T> {
    /// # Panics
    /// If the matrix is not in standard layout.
    pub(crate) fn new(matrix: ArrayView2<'a, T>) -> Self {
        Self { values: matrix.to_slice().expect("rows in standard layout"), shape: matrix.dim() }
    }

    pub(crate) fn view(&self) -> ArrayView2<'a, T> {
        ArrayView2::from_shape(self.shape, self.values).expect("as many values as in the shape")
    }

    pub(crate) fn dim(&self) -> (usize, usize) {
        self.shape
    }

    pub(crate) fn nrows(&self) -> usize {
        self.shape.0
    }

    pub(crate) fn ncols(&self) -> usize {
        self.shape.1
    }

    #[inline]
    pub(crate) fn row(&self, row: usize) -> &'a [T] {
        &self.values[row * self.shape.1..][..self.shape.1]
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &'a [T]> {
        (0..self.shape.0).map(|row| self.row(row))
    }

    pub(crate) fn par_iter(&self) -> impl IndexedParallelIterator<Item = &'a [T]>
    where
        T: Sync,
    {
        (0..self.shape.0).into_par_iter().map(|row| self.row(row))
    }
}
