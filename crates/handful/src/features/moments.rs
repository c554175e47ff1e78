//! Sums of bytes and of their products, which are all that principal components and discriminants need.

use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis, s};
use rayon::prelude::*;

use crate::{
    distance::{Kernel, LANES, OFFSET, PackedPoints, signed, sums, vectorize},
    progress::{Cancelled, Tally},
};

/// Number of rows that are processed at once: enough to make sums of products rare, few enough for a tile's columns to
/// stay in cache.
const ROWS: usize = 4096;
/// Number of rows that are summed between two calls of the observer.
const SUMMED: usize = 512;
/// Number of columns that are multiplied by one another at once.
const COLUMNS: usize = 256;

/// Counts, sums and sums of products of labelled rows of bytes. They are whole numbers, exact as long as they stay
/// below 2⁵³, and therefore the same in any order and at any level.
#[derive(Clone, Debug)]
pub(super) struct Moments {
    /// Number of rows of each class.
    pub(super) counts: Vec<f64>,
    /// Shape (classes, features).
    pub(super) sums: Array2<f64>,
    /// Shape (features, features); only the lower triangle is filled.
    pub(super) products: Array2<f64>,
}

impl Moments {
    pub(super) fn new(n_features: usize, n_classes: usize) -> Self {
        Self {
            counts: vec![0.0; n_classes],
            sums: Array2::zeros((n_classes, n_features)),
            products: Array2::zeros((n_features, n_features)),
        }
    }

    /// Total weight of the rows so far.
    pub(super) fn total(&self) -> f64 {
        self.counts.iter().sum()
    }

    /// A copy of the moments.
    pub(super) fn copy(&self, tally: &Tally) -> Result<Self, Cancelled> {
        let mut products = Array2::zeros(self.products.dim());
        let blocks = products.axis_chunks_iter_mut(Axis(0), COLUMNS);
        for ((block, mut to), from) in
            blocks.enumerate().zip(self.products.axis_chunks_iter(Axis(0), COLUMNS))
        {
            let there = s![.., ..block * COLUMNS + from.nrows()];
            to.slice_mut(there).assign(&from.slice(there));
            tally.ask()?;
        }
        Ok(Self { counts: self.counts.clone(), sums: self.sums.clone(), products })
    }

    /// Adds rows with the given weight. O(n d²). Asks the observer after each tile of products.
    pub(super) fn add(
        &mut self,
        x: ArrayView2<u8>,
        labels: impl Fn(usize) -> u32,
        weight: u32,
        tally: &Tally,
    ) -> Result<(), Cancelled> {
        let weight = f64::from(weight);
        for (number, rows) in x.axis_chunks_iter(Axis(0), ROWS).enumerate() {
            for (row, values) in (number * ROWS..).zip(rows.outer_iter()) {
                if row % SUMMED == 0 {
                    tally.ask()?;
                }
                let class = labels(row) as usize;
                self.counts[class] += weight;
                self.sums.row_mut(class).zip_mut_with(&values, |sum, &x| *sum += weight * f64::from(x));
            }
            tally.ask()?;
            self.add_products(rows, weight, tally)?;
        }
        Ok(())
    }

    fn add_products(&mut self, rows: ArrayView2<u8>, weight: f64, tally: &Tally) -> Result<(), Cancelled> {
        let columns = transposed(rows);
        tally.ask()?;
        let tiles: Vec<(PackedPoints, Vec<i64>)> = columns
            .axis_chunks_iter(Axis(0), COLUMNS)
            .into_par_iter()
            .map(|tile| (PackedPoints::new(tile), sums(tile)))
            .collect();
        let of_rows = self.products.axis_chunks_iter_mut(Axis(0), COLUMNS).into_par_iter();
        of_rows.zip(columns.axis_chunks_iter(Axis(0), COLUMNS)).enumerate().try_for_each(
            |(tile, (mut products, columns))| {
                let queries = signed(columns);
                for (other, (points, sums)) in tiles[..=tile].iter().enumerate() {
                    let (n, _) = points.dim();
                    let to = &mut products.slice_mut(s![.., other * COLUMNS..other * COLUMNS + n]);
                    add_tile(to, points, sums, queries.view(), weight);
                    tally.ask()?;
                }
                Ok(())
            },
        )
    }
}

/// Adds the products of some columns (`queries`) and some others (`points`, with their sums).
fn add_tile(
    to: &mut ArrayViewMut2<f64>,
    points: &PackedPoints,
    sums: &[i64],
    queries: ArrayView2<i8>,
    weight: f64,
) {
    points.multiply(queries, |first, dots| {
        let end = sums.len().min(first + LANES);
        let mut to = to.slice_mut(s![.., first..end]);
        for (mut to, dots) in to.outer_iter_mut().zip(dots) {
            let to = to.as_slice_mut().expect("rows are contiguous");
            vectorize!(Kernel::detect(), {
                for (to, (&dot, &sum)) in to.iter_mut().zip(dots.iter().zip(&sums[first..end])) {
                    *to += weight * (i64::from(dot) + OFFSET * sum) as f64;
                }
            });
        }
    });
}

/// Transposes square by square, so that both sides stay in cache.
fn transposed(rows: ArrayView2<u8>) -> Array2<u8> {
    const SIDE: usize = 64;
    let mut columns = Array2::zeros((rows.ncols(), rows.nrows()));
    columns.axis_chunks_iter_mut(Axis(0), SIDE).into_par_iter().enumerate().for_each(|(number, mut to)| {
        let from = rows.slice(s![.., number * SIDE..number * SIDE + to.nrows()]);
        for (mut to, from) in to.axis_chunks_iter_mut(Axis(1), SIDE).zip(from.axis_chunks_iter(Axis(0), SIDE))
        {
            to.assign(&from.t());
        }
    });
    columns
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::{Observer, Stage, tests::reports};

    #[test]
    fn moments_are_those_of_the_definition() {
        let (n, d) = (ROWS + 37, COLUMNS + 70);
        let x = Array2::from_shape_fn((n, d), |(i, j)| ((i * 7919 + j * 104_729 + i * j) % 256) as u8);
        let (mut moments, tally) = (Moments::new(d, 2), Tally::silent());
        moments.add(x.view(), |row| (row % 2) as u32, 1, &tally).unwrap();
        moments.add(x.slice(s![..10, ..]), |_| 1, 3, &tally).unwrap();
        let moments = moments.copy(&tally).unwrap();
        assert_eq!(moments.total().to_bits(), (n as f64 + 30.0).to_bits());
        assert_eq!(moments.counts[0].to_bits(), (n.div_ceil(2) as f64).to_bits());
        let weight = |row: usize| if row < 10 { 4 } else { 1 };
        for (i, j) in [(0, 0), (5, 3), (COLUMNS, COLUMNS - 1), (d - 1, 1), (d - 1, d - 1)] {
            let expected: u64 = (0..n).map(|r| weight(r) * u64::from(x[[r, i]]) * u64::from(x[[r, j]])).sum();
            assert_eq!(moments.products[[i, j]].to_bits(), (expected as f64).to_bits(), "({i}, {j})");
        }
        let of_even: u64 = (0..n).step_by(2).map(|r| u64::from(x[[r, 9]])).sum();
        assert_eq!(moments.sums[[0, 9]].to_bits(), (of_even as f64).to_bits());
    }
    #[test]
    fn the_observer_is_asked_after_each_tile_of_products() {
        let x = Array2::from_elem((ROWS + 1, 2 * COLUMNS + 1), 1);
        let work = |observer: &Observer| {
            let tally = Tally::new(observer, Stage::Features, 0);
            let mut moments = Moments::new(x.ncols(), 1);
            moments.add(x.view(), |_| 0, 1, &tally)?;
            moments.copy(&tally)
        };
        // Of each block of rows: eight parts of the sums or one, their end, columns, and six tiles; of the copy three parts.
        let (found, n) = reports(usize::MAX, work);
        assert_eq!((found.is_ok(), n), (true, ROWS / SUMMED + 1 + 2 * (2 + 6) + 3));
        for until in 1..=n {
            let (found, calls) = reports(until, work);
            assert_eq!((found.is_err(), calls), (true, until));
        }
    }
}
