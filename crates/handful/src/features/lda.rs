//! Linear discriminants (Fisher 1936; Rao 1948), in closed form.

#[cfg(feature = "training")]
use nalgebra::{DMatrix, SymmetricEigen};
use ndarray::{Array2, ArrayView1, ArrayView2, ArrayViewMut2, Axis, concatenate, s};

use super::linear::Linear;
#[cfg(feature = "training")]
use super::{Error, cholesky, moments::Moments};
use crate::{
    progress::Tally,
    step::{Step, to_byte, transform},
    tensor_file::{self, Reader, Writer},
};

/// Number of rows of products that are converted to variances between two calls of the observer.
const ROWS: usize = 128;

/// Directions that separate classes while keeping the rows of each class close together, and the positions of rows
/// along them, as bytes.
///
/// For c classes there are c - 1 such directions. In each, the mean variance within the classes is 1, so that Euclidean
/// distances there are Mahalanobis distances. Classes have equal weight, whatever their sizes; distances do not depend
/// on that.
#[derive(Clone, Debug)]
pub struct Lda {
    /// Shape (directions, features).
    weights: Array2<i16>,
    /// Two rows per direction: the upper and lower bytes of its weights.
    linear: Linear,
    /// The value of one unit of a product with the weights, and the position of a product of zero, in bytes.
    scales: Vec<f64>,
    offsets: Vec<f64>,
}

impl Lda {
    /// From rows of bytes and their labels, which are below `n_classes`. `ridge` times the mean variance within the
    /// classes is added to each feature's variance. O(n d² + d³).
    ///
    /// # Errors
    /// [`Error::Singular`] if features are linearly dependent and the ridge is too small; [`Error::OneClass`] if fewer
    /// than two classes have rows.
    ///
    /// # Panics
    /// If there is not exactly one label below `n_classes` per row.
    #[cfg(feature = "training")]
    pub fn fit(x: ArrayView2<u8>, labels: &[u32], n_classes: usize, ridge: f64) -> Result<Self, Error> {
        assert_eq!(x.nrows(), labels.len(), "a label for each row");
        let (mut moments, tally) = (Moments::new(x.ncols(), n_classes), Tally::silent());
        moments.add(x, |row| labels[row], 1, &tally)?;
        let mut lda = Self::solve(moments, &[x.ncols()], ridge, &tally)?;
        lda.fit_range(lda.places(x).view());
        Ok(lda)
    }

    /// Directions from sums, for features in blocks of these lengths, each of which has its own ridge.
    #[cfg(feature = "training")]
    pub(super) fn solve(
        moments: Moments,
        blocks: &[usize],
        ridge: f64,
        tally: &Tally,
    ) -> Result<Self, Error> {
        let total = moments.total();
        let Moments { counts, sums, products: mut within } = moments;
        let present: Vec<usize> = (0..counts.len()).filter(|&class| counts[class] > 0.0).collect();
        if present.len() < 2 {
            return Err(Error::OneClass);
        }
        let (d, n_classes) = (within.nrows(), present.len());
        // For each class, the difference of its mean from the overall mean, and the part to subtract from the products.
        let mean = sums.sum_axis(Axis(0)) / total;
        let mut means = Array2::zeros((d, n_classes));
        let mut roots = Array2::zeros((d, n_classes));
        for (column, &class) in present.iter().enumerate() {
            let of_class = &sums.row(class) / counts[class];
            roots.column_mut(column).assign(&(&of_class * counts[class].sqrt()));
            means.column_mut(column).assign(&(&of_class - &mean));
        }
        for (i, mut row) in within.outer_iter_mut().enumerate() {
            let mut row = row.slice_mut(s![..=i]);
            row -= &roots.slice(s![..=i, ..]).dot(&roots.row(i));
            row /= total;
            if i % ROWS == 0 {
                tally.ask()?;
            }
        }
        let mut first = 0;
        for &length in blocks {
            let mut diagonal = within.diag_mut();
            let mut diagonal = diagonal.slice_mut(s![first..first + length]);
            let mean = diagonal.sum() / length as f64;
            // Classes of one image each do not vary: then all features count the same.
            let ridge = if mean > 0.0 { (ridge * mean).max(f64::MIN_POSITIVE) } else { 1.0 };
            diagonal += ridge;
            first += length;
        }
        let solved = cholesky::solve(&mut within, means.clone(), tally)?;
        drop(within);

        // Of the directions between the classes, those that separate most, each scaled to unit variance within classes.
        let between = means.t().dot(&solved);
        let between =
            DMatrix::from_fn(n_classes, n_classes, |i, j| f64::midpoint(between[[i, j]], between[[j, i]]));
        let eigen = SymmetricEigen::new(between);
        let mut order: Vec<usize> = (0..n_classes).collect();
        order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]));
        order.truncate((n_classes - 1).min(d));
        let turn = Array2::from_shape_fn((n_classes, order.len()), |(class, j)| {
            let column = eigen.eigenvectors.column(order[j]);
            // The sign is that of its largest value, because solvers may flip it.
            let largest =
                column.iter().copied().fold(0.0, |most: f64, x| if x.abs() > most.abs() { x } else { most });
            column[class] * largest.signum() / eigen.eigenvalues[order[j]].max(f64::MIN_POSITIVE).sqrt()
        });
        Ok(Self::rounded(solved.dot(&turn).reversed_axes(), mean.as_slice().expect("contiguous")))
    }

    /// From weights of shape (directions, features), whose product with `mean` is zero.
    #[cfg(feature = "training")]
    fn rounded(exact: Array2<f64>, mean: &[f64]) -> Self {
        const MOST: f64 = 127.0 * 256.0;
        let largest = |weights: &[f64]| weights.iter().fold(f64::MIN_POSITIVE, |most, x| most.max(x.abs()));
        let exact = exact.as_standard_layout();
        let scales: Vec<f64> =
            exact.outer_iter().map(|row| largest(row.to_slice().expect("contiguous")) / MOST).collect();
        let weights = Array2::from_shape_fn(exact.dim(), |(j, i)| {
            #[expect(clippy::cast_possible_truncation, reason = "scaled to fit")]
            {
                (exact[[j, i]] / scales[j]).round() as i16
            }
        });
        let offsets = weights
            .outer_iter()
            .zip(&scales)
            .map(|(weights, scale)| {
                -scale * weights.iter().zip(mean).map(|(&weight, mean)| f64::from(weight) * mean).sum::<f64>()
            })
            .collect();
        Self::new(weights, scales, offsets)
    }

    /// No directions yet.
    pub(super) fn none() -> Self {
        Self::new(Array2::zeros((0, 0)), Vec::new(), Vec::new())
    }

    pub(super) fn new(weights: Array2<i16>, scales: Vec<f64>, offsets: Vec<f64>) -> Self {
        // 256 upper + lower, both signed.
        #[expect(clippy::cast_possible_truncation, reason = "-127..=127, and the lowest byte")]
        let (upper, lower) = (
            weights.mapv(|weight| ((i32::from(weight) + 128) >> 8) as i8),
            weights.mapv(|weight| weight as i8),
        );
        let bytes = concatenate(Axis(0), &[upper.view(), lower.view()]).expect("of one length");
        Self { linear: Linear::new(bytes.view()), weights, scales, offsets }
    }

    pub(super) fn write(&self, prefix: &str, writer: &mut Writer) {
        writer.put(format!("{prefix}.weights"), self.weights.view());
        writer.put(format!("{prefix}.scales"), ArrayView1::from(&self.scales));
        writer.put(format!("{prefix}.offsets"), ArrayView1::from(&self.offsets));
    }

    pub(super) fn read(
        prefix: &str,
        n_features: usize,
        n_classes: usize,
        reader: &Reader,
    ) -> Result<Self, tensor_file::Error> {
        let weights: Array2<i16> = reader.array2(&format!("{prefix}.weights"), [None, Some(n_features)])?;
        let n = weights.nrows();
        if n == 0 || n >= n_classes {
            let problem = format!(
                "expected 1 to {} directions for {n_classes} classes, found {n}",
                n_classes.saturating_sub(1)
            );
            return Err(tensor_file::Error::Content(problem));
        }
        let scales = reader.array1(&format!("{prefix}.scales"), Some(n))?.to_vec();
        let offsets = reader.array1(&format!("{prefix}.offsets"), Some(n))?.to_vec();
        Ok(Self::new(weights, scales, offsets))
    }

    /// Number of directions.
    #[must_use]
    pub fn n_components(&self) -> usize {
        self.weights.nrows()
    }

    /// The positions of rows along the directions: shape (n, `n_components`). O(n d `n_components`).
    ///
    /// # Panics
    /// If the length of the rows differs from that of the training rows.
    #[must_use]
    pub fn transform(&self, x: ArrayView2<u8>) -> Array2<u8> {
        transform(self, x)
    }

    /// The positions of rows before they are rounded.
    pub(super) fn places(&self, x: ArrayView2<u8>) -> Array2<f64> {
        let mut places = Array2::zeros((x.nrows(), self.n_components()));
        self.for_each(x, |row, direction, place| {
            places[[row, direction]] = place;
        });
        places
    }

    fn for_each(&self, x: ArrayView2<u8>, mut sink: impl FnMut(usize, usize, f64)) {
        let products = self.linear.products(x);
        for (row, products) in products.outer_iter().enumerate() {
            let (upper, lower) = products.split_at(Axis(0), self.n_components());
            for (direction, (scale, offset)) in self.scales.iter().zip(&self.offsets).enumerate() {
                let product = 256 * i64::from(upper[direction]) + i64::from(lower[direction]);
                sink(row, direction, product as f64 * scale + offset);
            }
        }
    }

    /// Scales positions to bytes so that they just fit, with the same step in all directions.
    pub(super) fn fit_range(&mut self, places: ArrayView2<f64>) {
        let ends = places.columns().into_iter().map(|column| {
            column
                .iter()
                .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &x| (low.min(x), high.max(x)))
        });
        let ends: Vec<_> = ends.collect();
        let widest = ends.iter().map(|(low, high)| high - low).fold(0.0, f64::max);
        let steps = 254.0 / if widest > 0.0 { widest } else { 1.0 };
        for ((scale, offset), (low, high)) in self.scales.iter_mut().zip(&mut self.offsets).zip(ends) {
            *scale *= steps;
            *offset = (*offset - f64::midpoint(low, high)) * steps + 128.0;
        }
    }

    /// Makes all steps coarser by a factor, 0 to 1, around the middle.
    pub(super) fn shrink(&mut self, factor: f64) {
        self.scales.iter_mut().for_each(|scale| *scale *= factor);
        self.offsets.iter_mut().for_each(|offset| *offset = 128.0 + (*offset - 128.0) * factor);
    }
}

impl Step for Lda {
    fn n_features_out(&self) -> usize {
        self.n_components()
    }

    fn run(&self, x: ArrayView2<u8>, mut out: ArrayViewMut2<u8>) {
        #[expect(clippy::cast_possible_truncation, reason = "f32 is precise enough for bytes")]
        self.for_each(x, |row, direction, place| out[[row, direction]] = to_byte(place as f32));
    }
}
