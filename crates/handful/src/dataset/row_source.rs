//! Rows that can be read in any order, wherever they are.

use std::ops::Range;

use ndarray::{Array2, ArrayView2, Axis, s};
use rayon::prelude::*;

use super::Error;

/// Rows of bytes that can be read in any order, some at a time.
pub trait RowSource: Sync {
    /// Number of rows and features.
    fn shape(&self) -> (usize, usize);

    /// Some of the rows, borrowed or read into `buffer`, shape (`rows.len()`, `n_features`), in standard layout.
    ///
    /// # Errors
    /// If they cannot be read.
    fn rows<'a>(&'a self, rows: Range<usize>, buffer: &'a mut Vec<u8>) -> Result<ArrayView2<'a, u8>, Error>;

    /// The given rows, in the given order, read on all threads of the current rayon pool; adjacent rows are read
    /// together.
    ///
    /// # Errors
    /// If they cannot be read.
    ///
    /// # Panics
    /// If a row is out of range.
    fn select_rows(&self, rows: &[usize]) -> Result<Array2<u8>, Error> {
        const TASK: usize = 1024;
        let mut found = Array2::zeros((rows.len(), self.shape().1));
        let tasks = found.axis_chunks_iter_mut(Axis(0), TASK).into_par_iter().zip(rows.par_chunks(TASK));
        tasks.try_for_each(|(mut found, rows)| {
            let (mut done, mut buffer) = (0, Vec::new());
            for run in rows.chunk_by(|a, b| a + 1 == *b) {
                let mut to = found.slice_mut(s![done..done + run.len(), ..]);
                to.assign(&self.rows(run[0]..run[0] + run.len(), &mut buffer)?);
                done += run.len();
            }
            Ok::<_, Error>(())
        })?;
        Ok(found)
    }
}

impl RowSource for ArrayView2<'_, u8> {
    fn shape(&self) -> (usize, usize) {
        self.dim()
    }

    fn rows<'a>(&'a self, rows: Range<usize>, buffer: &'a mut Vec<u8>) -> Result<ArrayView2<'a, u8>, Error> {
        let found = self.slice(s![rows, ..]);
        if found.is_standard_layout() {
            return Ok(found);
        }
        buffer.clear();
        buffer.extend(found.iter());
        Ok(ArrayView2::from_shape(found.dim(), buffer).expect("as many"))
    }
}
