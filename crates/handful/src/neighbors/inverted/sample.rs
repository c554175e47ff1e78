//! A sample of rows that stay where they are.

use std::ops::Range;

use ndarray::ArrayView2;

use crate::dataset::{Error, RowSource};

/// The rows with these numbers.
pub(super) struct Sample<'a, S> {
    pub(super) rows: &'a S,
    pub(super) numbers: Vec<usize>,
}

impl<S: RowSource> RowSource for Sample<'_, S> {
    fn shape(&self) -> (usize, usize) {
        (self.numbers.len(), self.rows.shape().1)
    }

    fn rows<'a>(&'a self, rows: Range<usize>, buffer: &'a mut Vec<u8>) -> Result<ArrayView2<'a, u8>, Error> {
        let (numbers, n_features) = (&self.numbers[rows], self.rows.shape().1);
        if let (Some(&first), true) = (numbers.first(), numbers.is_sorted_by(|a, b| a + 1 == *b)) {
            return self.rows.rows(first..first + numbers.len(), buffer);
        }
        let mut runs = numbers.chunk_by(|a, b| a + 1 == *b).map(|run| run[0]..run[0] + run.len());
        buffer.clear();
        let mut some = Vec::new();
        runs.try_for_each(|run| {
            let found = self.rows.rows(run, &mut some)?;
            buffer.extend_from_slice(found.as_slice().expect("rows in standard layout"));
            Ok::<_, Error>(())
        })?;
        Ok(ArrayView2::from_shape((numbers.len(), n_features), buffer).expect("whole rows"))
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, Axis};

    use super::*;

    #[test]
    fn rows_are_those_of_their_numbers() {
        let all = Array2::from_shape_fn((40, 3), |(i, j)| (i * 3 + j) as u8);
        let numbers = vec![0, 1, 2, 7, 9, 10, 39];
        let expected = all.select(Axis(0), &numbers);
        let (view, mut buffer) = (all.view(), Vec::new());
        let sample = Sample { rows: &view, numbers };
        assert_eq!(sample.shape(), (7, 3));
        for (first, last) in (0..=7).flat_map(|first| (first..=7).map(move |last| (first, last))) {
            let found = sample.rows(first..last, &mut buffer).unwrap();
            assert_eq!(found, expected.slice(ndarray::s![first..last, ..]));
        }
        assert_eq!(sample.select_rows(&[6, 0, 3]).unwrap(), expected.select(Axis(0), &[6, 0, 3]));
    }
}
