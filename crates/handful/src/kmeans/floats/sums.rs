//! The sums from which means of floats are computed.

use ndarray::{Array2, ArrayViewMut1, Axis};
use rayon::prelude::*;

use crate::{
    distance::{CONTIGUOUS, Float, Kernel, vectorize},
    kmeans::{
        assignment::resolve_ties::NOWHERE,
        floats::{grid::Grid, rows::Floats},
    },
};

/// Number of rows that are summed before their sum is added to others. It is fixed, so that the number of threads does
/// not matter.
pub(in crate::kmeans) const BLOCK: usize = 256;

/// The data from which the means of floats are computed.
pub(in crate::kmeans) struct Stats {
    /// Σ w x.
    sums: Sums,
    /// Σ w.
    pub(in crate::kmeans) weights: Vec<f64>,
    /// Number of rows with a weight.
    pub(in crate::kmeans) sizes: Vec<usize>,
}

enum Sums {
    /// On a grid: updated row by row.
    Whole(Grid, Array2<i64>),
    /// Recomputed where something has changed, because updates would accumulate rounding errors.
    Floats(Array2<f64>),
}

impl Stats {
    pub(in crate::kmeans) fn sums(&self) -> Array2<f64> {
        match &self.sums {
            Sums::Whole(grid, sums) => sums.mapv(|sum| grid.value(sum)),
            Sums::Floats(sums) => sums.clone(),
        }
    }
}

impl<T: Float> Floats<'_, T> {
    /// Uses sums on a grid if rows have no weights and all their values, of which `largest` is the largest, lie on one.
    pub(in crate::kmeans) fn on_grid(self, largest: f64) -> Self {
        let grid = || {
            let grid = Grid::new(largest, self.rows.nrows())?;
            let rows = self.rows.par_iter();
            let kernel = Kernel::detect();
            let is_on =
                |row: &[T]| vectorize!(kernel, row.iter().fold(true, |all, &x| all & grid.holds(x.into())));
            rows.all(is_on).then_some(grid)
        };
        Self { grid: if self.weights.is_none() { grid() } else { None }, ..self }
    }

    pub(in crate::kmeans) fn no_sums(&self, n_clusters: usize) -> Stats {
        let shape = (n_clusters, self.rows.ncols());
        let sums = match self.grid {
            Some(grid) => Sums::Whole(grid, Array2::zeros(shape)),
            None => Sums::Floats(Array2::zeros(shape)),
        };
        Stats { sums, weights: vec![0.0; n_clusters], sizes: vec![0; n_clusters] }
    }

    /// Σ w x over some rows, block by block.
    pub(in crate::kmeans) fn sum(&self, rows: &[usize], weight: impl Fn(usize) -> f64 + Sync) -> Vec<f64> {
        let of_block = |rows: &[usize]| {
            let mut sums = vec![0.0; self.rows.ncols()];
            let kernel = Kernel::detect();
            for &row in rows {
                let (weight, row) = (weight(row), self.rows.row(row));
                vectorize!(kernel, sums.iter_mut().zip(row).for_each(|(sum, &x)| *sum += weight * x.into()));
            }
            sums
        };
        let blocks: Vec<Vec<f64>> = rows.par_chunks(BLOCK).map(of_block).collect();
        let add = |mut sums: Vec<f64>, block: Vec<f64>| {
            sums.iter_mut().zip(block).for_each(|(sum, x)| *sum += x);
            sums
        };
        blocks.into_iter().reduce(add).unwrap_or_else(|| vec![0.0; self.rows.ncols()])
    }

    /// Moves the rows whose label has changed. Returns whether there were any.
    pub(in crate::kmeans) fn move_rows(
        &self,
        stats: &mut Stats,
        labels: &mut [u32],
        nearest: &[u32],
    ) -> bool {
        match &mut stats.sums {
            Sums::Whole(grid, sums) => {
                let any = self.move_wholes(*grid, sums, &mut stats.sizes, labels, nearest);
                stats.weights = stats.sizes.iter().map(|&size| size as f64).collect();
                any
            }
            Sums::Floats(sums) => self.sum_anew(sums, &mut stats.weights, &mut stats.sizes, labels, nearest),
        }
    }

    fn move_wholes(
        &self,
        grid: Grid,
        sums: &mut Array2<i64>,
        sizes: &mut [usize],
        labels: &mut [u32],
        nearest: &[u32],
    ) -> bool {
        let mut any = false;
        let kernel = Kernel::detect();
        let mut add = |cluster: u32, row: usize, sign: i64| {
            let mut sums = sums.row_mut(cluster as usize);
            let sums = sums.as_slice_mut().expect(CONTIGUOUS).iter_mut().zip(self.rows.row(row));
            vectorize!(kernel, sums.for_each(|(sum, &x)| *sum += sign * grid.whole(x.into())));
        };
        for (row, (label, &new)) in labels.iter_mut().zip(nearest).enumerate() {
            if *label == new {
                continue;
            }
            if *label != NOWHERE {
                add(*label, row, -1);
                sizes[*label as usize] -= 1;
            }
            add(new, row, 1);
            sizes[new as usize] += 1;
            (*label, any) = (new, true);
        }
        any
    }

    fn sum_anew(
        &self,
        sums: &mut Array2<f64>,
        weights: &mut [f64],
        sizes: &mut [usize],
        labels: &mut [u32],
        nearest: &[u32],
    ) -> bool {
        let mut changed = vec![false; sizes.len()];
        for (label, &new) in labels.iter_mut().zip(nearest) {
            if *label != new {
                if *label != NOWHERE {
                    changed[*label as usize] = true;
                }
                changed[new as usize] = true;
                *label = new;
            }
        }
        let mut rows = vec![Vec::new(); changed.len()];
        for (row, &label) in labels.iter().enumerate() {
            if changed[label as usize] && self.weight(row) > 0.0 {
                rows[label as usize].push(row);
            }
        }
        let of_cluster = |mut sums: ArrayViewMut1<f64>,
                          weight: &mut f64,
                          size: &mut usize,
                          rows: Vec<usize>,
                          changed: bool| {
            if changed {
                sums.iter_mut()
                    .zip(self.sum(&rows, |row| self.weight(row)))
                    .for_each(|(sum, new)| *sum = new);
                *weight = rows.iter().map(|&row| self.weight(row)).sum();
                *size = rows.len();
            }
        };
        let any = changed.contains(&true);
        sums.axis_iter_mut(Axis(0))
            .into_par_iter()
            .zip(weights)
            .zip(sizes)
            .zip(rows.into_par_iter().zip(changed))
            .for_each(|(((sums, weight), size), (rows, changed))| {
                of_cluster(sums, weight, size, rows, changed);
            });
        any
    }
}
