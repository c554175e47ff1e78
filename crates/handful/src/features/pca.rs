//! Principal components (Pearson 1901), as bytes.

use std::sync::OnceLock;

#[cfg(feature = "training")]
use nalgebra::{DMatrix, SymmetricEigen};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, ArrayViewMut2, Axis};
use rayon::prelude::*;

use super::linear::Linear;
#[cfg(feature = "training")]
use super::moments::Moments;
use crate::{
    distance::{LANES, Lanes, evenly, squared_euclidean},
    progress::{Cancelled, Tally},
    step::{BATCH, Step, to_byte, transform},
    tensor_file::{self, Reader, Writer},
};

/// Number of rows from which the range of the components is taken.
const SAMPLE: usize = 16_384;
/// Eigenvalues below this share of the largest are noise.
const LEAST: f64 = 1e-9;

/// Number of components that rows can have: one less than there are rows, because the rows have a mean.
pub(super) fn most_components(n_components: usize, n_rows: usize) -> usize {
    n_components.min(n_rows.saturating_sub(1)).max(1)
}

/// The directions of largest variance of rows of bytes, and the positions of rows along them, as bytes.
///
/// ```
/// use handful::features::Pca;
/// use ndarray::array;
///
/// let x = array![[0_u8, 10, 7], [10, 20, 7], [20, 30, 7], [30, 40, 7]];
/// let pca = Pca::fit(x.view(), 1, 0.0);
/// assert_eq!(pca.transform(x.view()), array![[1], [86], [170], [255]]);
/// ```
#[derive(Clone, Debug)]
pub struct Pca {
    weights: Array2<i8>,
    linear: Linear,
    /// The value of one unit of a product with the weights, and the position of a product of zero, in bytes.
    scales: Vec<f32>,
    offsets: Vec<f32>,
    /// The mean row, and the mean squared distance of rows from the subspace through it.
    mean: Array1<u8>,
    residual: f32,
    /// Computed when residuals are first requested.
    directions: OnceLock<Vec<Direction>>,
}

/// A component in the form that residuals need.
#[derive(Clone, Copy, Debug)]
struct Direction {
    /// The product of the mean row and the weights.
    centre: f64,
    /// The squared length of the weights.
    squared: f64,
}

impl Pca {
    /// The first `n_components` principal components of `x`, shape (n, `n_features`). Each component's variance is
    /// multiplied by eigenvalue^-`whitening`: 0 leaves it unchanged, 1 makes all variances equal.
    ///
    /// Weights are rounded to 8 bits, and positions to bytes. The middle byte is the mean, the range just covers the
    /// rows, and one step is the same in all components. O(n d² + d³).
    ///
    /// # Panics
    /// If there are no rows, or `n_components` is not 1 to `n_features`.
    #[cfg(feature = "training")]
    #[must_use]
    pub fn fit(x: ArrayView2<u8>, n_components: usize, whitening: f64) -> Self {
        Self::fit_observed(x, n_components, whitening, &Tally::silent()).expect("nobody cancels")
    }

    #[cfg(feature = "training")]
    pub(crate) fn fit_observed(
        x: ArrayView2<u8>,
        n_components: usize,
        whitening: f64,
        tally: &Tally,
    ) -> Result<Self, Cancelled> {
        let (n, d) = x.dim();
        assert!(n > 0 && (1..=d).contains(&n_components), "{n_components} components of shape ({n}, {d})");
        let mut moments = Moments::new(d, 1);
        moments.add(x, |_| 0, 1, tally)?;
        let mean = moments.sums.row(0).mapv(|sum| sum / n as f64);
        let covariance = DMatrix::from_fn(d, d, |i, j| {
            moments.products[[i.max(j), i.min(j)]] / n as f64 - mean[i] * mean[j]
        });
        tally.ask()?;
        let eigen = SymmetricEigen::new(covariance);
        tally.ask()?;
        let mut order: Vec<usize> = (0..d).collect();
        order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]));
        let floor = match eigen.eigenvalues[order[0]] * LEAST {
            floor if floor > 0.0 => floor,
            // All rows are the same.
            _ => 1.0,
        };

        let mut weights = Array2::zeros((n_components, d));
        let mut units = Vec::with_capacity(n_components);
        for (mut weights, &component) in weights.outer_iter_mut().zip(&order) {
            let direction = eigen.eigenvectors.column(component);
            // The sign is that of its largest value, because solvers may flip it.
            let largest = direction
                .iter()
                .copied()
                .fold(0.0, |most: f64, x| if x.abs() > most.abs() { x } else { most });
            let unit = largest / 127.0;
            #[expect(clippy::cast_possible_truncation, reason = "scaled to -127..=127")]
            weights.iter_mut().zip(direction).for_each(|(weight, x)| *weight = (x / unit).round() as i8);
            units.push(unit.abs() * eigen.eigenvalues[component].max(floor).powf(-whitening / 2.0));
        }
        let centres: Vec<f64> = weights
            .outer_iter()
            .map(|weights| weights.iter().zip(&mean).map(|(&w, x)| f64::from(w) * x).sum())
            .collect();
        let linear = Linear::new(weights.view());
        let reach = match reach(&linear, x, &units, &centres) {
            reach if reach > 0.0 => reach,
            // All rows are the same.
            _ => 1.0,
        };
        #[expect(clippy::cast_possible_truncation, reason = "f32 is precise enough for bytes")]
        let scales: Vec<f32> = units.iter().map(|unit| (unit / reach * 127.0) as f32).collect();
        #[expect(clippy::cast_possible_truncation, reason = "as above")]
        let offsets = scales
            .iter()
            .zip(centres)
            .map(|(&scale, centre)| (128.0 - centre * f64::from(scale)) as f32)
            .collect();
        let left_over = eigen.eigenvalues.sum()
            - order[..n_components].iter().map(|&i| eigen.eigenvalues[i]).sum::<f64>();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "means of bytes; as above"
        )]
        let (mean, residual) = (mean.mapv(|mean| mean.round() as u8), left_over.max(1.0) as f32);
        Ok(Self { weights, linear, scales, offsets, mean, residual, directions: OnceLock::new() })
    }

    pub(super) fn write(&self, prefix: &str, writer: &mut Writer) {
        writer.put(format!("{prefix}.components"), self.weights.view());
        writer.put(format!("{prefix}.scales"), ArrayView1::from(&self.scales));
        writer.put(format!("{prefix}.offsets"), ArrayView1::from(&self.offsets));
        writer.put(format!("{prefix}.mean"), self.mean.view());
        writer.put(format!("{prefix}.residual"), ArrayView1::from(&[self.residual]));
    }

    pub(super) fn read(
        prefix: &str,
        n_components: usize,
        n_features: usize,
        reader: &Reader,
    ) -> Result<Self, tensor_file::Error> {
        let weights: Array2<i8> = reader.array2(&format!("{prefix}.components"), [None, Some(n_features)])?;
        let most = n_components;
        let n_components = weights.nrows();
        if !(1..=most).contains(&n_components) {
            let problem =
                format!("tensor {prefix}.components: expected 1 to {most} components, found {n_components}");
            return Err(tensor_file::Error::Content(problem));
        }
        let scales = reader.floats(&format!("{prefix}.scales"), Some(n_components))?;
        let offsets = reader.floats(&format!("{prefix}.offsets"), Some(n_components))?;
        let mean = reader.array1(&format!("{prefix}.mean"), Some(n_features))?;
        let residual = reader.floats(&format!("{prefix}.residual"), Some(1))?[0].max(f32::MIN_POSITIVE);
        let linear = Linear::new(weights.view());
        Ok(Self { weights, linear, scales, offsets, mean, residual, directions: OnceLock::new() })
    }

    /// Number of components.
    #[must_use]
    pub fn n_components(&self) -> usize {
        self.weights.nrows()
    }

    /// The positions of rows along the components: shape (n, `n_components`). O(n d `n_components`).
    ///
    /// # Panics
    /// If the length of the rows differs from that of the training rows.
    #[must_use]
    pub fn transform(&self, x: ArrayView2<u8>) -> Array2<u8> {
        transform(self, x)
    }

    /// The squared distance of each row to the subspace, relative to the mean over the training rows: the part that the
    /// components cannot represent. O(n d `n_components`).
    pub(crate) fn residuals(&self, x: ArrayView2<u8>) -> Vec<f64> {
        let mean = self.mean.as_slice().expect("contiguous");
        let directions = self.directions();
        let of_rows = |rows: ArrayView2<u8>| {
            let products = self.linear.products(rows);
            let of_row = |(row, products): (ArrayView1<u8>, ArrayView1<i32>)| {
                let all = squared_euclidean(row.to_slice().expect("rows are contiguous"), mean) as f64;
                let said = products
                    .iter()
                    .zip(directions)
                    .map(|(&product, direction)| direction.squared_distance(product));
                (all - said.sum::<f64>()).max(0.0) / f64::from(self.residual)
            };
            rows.outer_iter().zip(products.outer_iter()).map(of_row).collect::<Vec<_>>()
        };
        x.axis_chunks_iter(Axis(0), BATCH).into_par_iter().flat_map_iter(of_rows).collect()
    }

    fn directions(&self) -> &[Direction] {
        self.directions.get_or_init(|| {
            let direction = |weights: ArrayView1<i8>| {
                let products = weights.iter().zip(&self.mean).map(|(&w, &x)| f64::from(w) * f64::from(x));
                let squares = weights.iter().map(|&w| f64::from(w).powi(2));
                Direction { centre: products.sum(), squared: squares.sum::<f64>().max(1.0) }
            };
            self.weights.outer_iter().map(direction).collect()
        })
    }

    /// Makes all steps coarser by a factor, 0 to 1, around the middle.
    pub(super) fn shrink(&mut self, factor: f64) {
        #[expect(clippy::cast_possible_truncation, reason = "f32 is precise enough for bytes")]
        let factor = factor as f32;
        self.scales.iter_mut().for_each(|scale| *scale *= factor);
        self.offsets.iter_mut().for_each(|offset| *offset = 128.0 + (*offset - 128.0) * factor);
    }
}

impl Direction {
    /// The squared distance from the mean row along the component, for a row with this product.
    fn squared_distance(self, product: i32) -> f64 {
        (f64::from(product) - self.centre).powi(2) / self.squared
    }
}

impl Step for Pca {
    fn n_features_out(&self) -> usize {
        self.n_components()
    }

    fn run(&self, x: ArrayView2<u8>, out: ArrayViewMut2<u8>) {
        self.linear.map(
            x,
            #[inline(always)]
            |first, products| places(products, &self.scales[first..], &self.offsets[first..]),
            out,
        );
    }
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "compiled for the instruction set of each caller")]
fn places(products: Lanes, scales: &[f32], offsets: &[f32]) -> [u8; LANES] {
    let mut bytes = [0; LANES];
    for (byte, (product, (scale, offset))) in
        bytes.iter_mut().zip(products.into_iter().zip(scales.iter().zip(offsets)))
    {
        *byte = to_byte(product as f32 * scale + offset);
    }
    bytes
}

/// The largest distance of some rows from the middle in any component.
fn reach(linear: &Linear, x: ArrayView2<u8>, units: &[f64], centres: &[f64]) -> f64 {
    let sample = x.select(Axis(0), &evenly(x.nrows(), SAMPLE.min(x.nrows())));
    let mut reach: f64 = 0.0;
    for products in sample.axis_chunks_iter(Axis(0), BATCH).map(|rows| linear.products(rows)) {
        for (component, products) in products.columns().into_iter().enumerate() {
            for &product in products {
                reach = reach.max(((f64::from(product) - centres[component]) * units[component]).abs());
            }
        }
    }
    reach
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn residuals_are_squared_distances_from_the_subspace() {
        // A plane in three dimensions, and so much beside it.
        let beside = |i: usize| if i.is_multiple_of(2) { 4_u8 } else { 0 };
        let plane = |i: usize| [(i % 37 * 6) as u8, (i % 23 * 10) as u8, 100 + beside(i)];
        let x = Array2::from_shape_fn((37 * 23, 3), |(i, j)| plane(i)[j]);
        let pca = Pca::fit(x.view(), 2, 0.25);
        let residuals = pca.residuals(x.view());
        assert!(
            (residuals.iter().sum::<f64>() / residuals.len() as f64 - 1.0).abs() < 0.05,
            "as the fit says"
        );
        // A distance of 2 from the plane is usual; 20 and 40 are 100 and 400 times as much, squared.
        let far = ndarray::array![[100_u8, 100, 122], [50, 200, 142]];
        let residuals = pca.residuals(far.view());
        assert!(
            (residuals[0] / 100.0 - 1.0).abs() < 0.1 && (residuals[1] / 400.0 - 1.0).abs() < 0.1,
            "{residuals:?}"
        );
        let all = Pca::fit(x.view(), 3, 0.0).residuals(far.view());
        assert!(all.iter().all(|residual| *residual < 2.0), "three directions say everything: {all:?}");
    }
}
