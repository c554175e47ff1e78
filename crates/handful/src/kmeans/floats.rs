//! Clustering floats: rounded to bytes they tell which centroids may be the nearest, and what is left is measured
//! in `f64`, in one order.

use std::collections::BTreeSet;

use ndarray::{Array2, ArrayView1, ArrayView2, ArrayViewMut1, Axis};
use rayon::prelude::*;

use super::{
    Error,
    rounded::Rounded,
    samples::{CONTIGUOUS, Samples},
    settle::{NOWHERE, Settled},
    vectors::{Vectors, whole},
};
use crate::{
    distance::{Kernel, ordered_sum, with_kernel},
    neighbors::{Float, Scale},
};

/// Rows that are summed before their sum is added to others: not left to threads, so that these do not matter.
const BLOCK: usize = 256;
/// Squares of larger values might overflow when they are summed.
pub(super) const LARGEST: f64 = 1e150;

/// Rows of floats, perhaps with weights.
pub(super) struct Floats<'a, T> {
    rows: ArrayView2<'a, T>,
    scale: &'a Scale,
    samples: Samples<'a>,
    /// As they are, and as whole numbers for seeding.
    weights: Option<(&'a [f64], Vec<u64>)>,
}

/// What the means of floats are made of.
pub(super) struct Stats {
    /// Σ w x.
    sums: Array2<f64>,
    /// Σ w.
    weights: Vec<f64>,
    /// Rows that have a weight.
    sizes: Vec<usize>,
}

/// The rows in bytes, and how far each is from them, in steps.
pub(super) fn quantise<T: Float>(rows: ArrayView2<T>, scale: &Scale) -> (Array2<u8>, Vec<f32>) {
    let mut bytes = Array2::zeros(rows.raw_dim());
    let lost = bytes
        .axis_iter_mut(Axis(0))
        .into_par_iter()
        .zip(rows.axis_iter(Axis(0)))
        .map(|(bytes, row)| {
            #[expect(clippy::cast_possible_truncation, reason = "rounded up by the factor")]
            {
                scale.quantise(row, bytes) as f32 * (1.0 + 1e-6)
            }
        })
        .collect();
    (bytes, lost)
}

/// Values that no sum of squares can be made of are errors.
pub(super) fn check<T: Float>(values: ArrayView2<T>) -> Result<(), Error> {
    let rows = values.axis_iter(Axis(0)).into_par_iter().enumerate();
    let wrong = rows.find_map_first(|(row, values)| {
        let fits = |x: T| (-LARGEST..=LARGEST).contains(&x.into());
        values.iter().position(|&x| !fits(x)).map(|column| (row, column))
    });
    match wrong {
        Some((row, column)) => Err(Error::Value { row, column, value: values[[row, column]].into() }),
        None => Ok(()),
    }
}

impl<'a, T: Float> Floats<'a, T> {
    /// `rows` are in standard layout, `bytes` and `lost` what [`quantise`] makes of them.
    pub(super) fn new(
        rows: ArrayView2<'a, T>,
        scale: &'a Scale,
        bytes: ArrayView2<'a, u8>,
        lost: Vec<f32>,
        weights: Option<&'a [f64]>,
    ) -> Self {
        // Closer rows are as good as the same: their squared distance may be no float but zero.
        let least = f64::MIN_POSITIVE.sqrt() / scale.step();
        #[expect(clippy::cast_possible_truncation, reason = "the factor rounds up")]
        let lost = lost.into_iter().map(|lost| lost + (least * (1.0 + 1e-6)) as f32).collect();
        Self {
            rows,
            scale,
            samples: Samples::new(bytes).inexact(lost),
            weights: weights.map(|weights| (weights, whole(weights).0)),
        }
    }

    fn weight(&self, row: usize) -> f64 {
        self.weights.as_ref().map_or(1.0, |(weights, _)| weights[row])
    }

    fn row(&self, row: usize) -> &[T] {
        self.rows.row(row).to_slice().expect(CONTIGUOUS)
    }

    fn distance<K: Kernel>(&self, kernel: K, centroids: &Array2<f64>, row: usize, j: usize) -> f64 {
        let centroid = centroids.row(j);
        kernel.run(|| ordered_sum(self.row(row), centroid.to_slice().expect(CONTIGUOUS)))
    }

    /// Σ w x over some rows, block by block.
    fn sum(&self, rows: &[usize], weight: impl Fn(usize) -> f64 + Sync) -> Vec<f64> {
        let of_block = |rows: &[usize]| {
            let mut sums = vec![0.0; self.rows.ncols()];
            for &row in rows {
                let weight = weight(row);
                sums.iter_mut().zip(self.row(row)).for_each(|(sum, &x)| *sum += weight * x.into());
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

    /// A number for each row, summed block by block.
    fn total(&self, of_row: impl Fn(usize) -> f64 + Sync) -> f64 {
        let rows: Vec<usize> = (0..self.rows.nrows()).collect();
        let blocks: Vec<f64> =
            rows.par_chunks(BLOCK).map(|rows| rows.iter().map(|&row| of_row(row)).sum()).collect();
        blocks.into_iter().sum()
    }

    /// The rows that are not at their centroid, by falling distance from it, then by index.
    fn farthest_first(&self, centroids: &Array2<f64>, labels: &[u32]) -> Vec<usize> {
        let distance = |(row, &j): (usize, &u32)| {
            (
                row,
                with_kernel!(self.samples.level, |kernel| self.distance(kernel, centroids, row, j as usize)),
            )
        };
        let mut far: Vec<(usize, f64)> = labels
            .par_iter()
            .enumerate()
            .map(distance)
            .filter(|(row, distance)| *distance > 0.0 && self.weight(*row) > 0.0)
            .collect();
        far.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        far.into_iter().map(|(row, _)| row).collect()
    }
}

impl<T: Float> Vectors for Floats<'_, T> {
    type Centroids = Array2<f64>;
    type Fine = ();
    type Stats = Stats;

    fn samples(&self) -> &Samples<'_> {
        &self.samples
    }

    fn step(&self) -> f64 {
        self.scale.step()
    }

    fn mean_variance(&self) -> f64 {
        let every: Vec<usize> = (0..self.rows.nrows()).collect();
        let n = every.len() as f64;
        let mean: Vec<f64> = self.sum(&every, |_| 1.0).into_iter().map(|sum| sum / n).collect();
        let of_row = |row: usize| ordered_sum(self.row(row), &mean);
        self.total(of_row) / n / self.rows.ncols() as f64
    }

    fn whole_weights(&self) -> Option<&[u64]> {
        self.weights.as_ref().map(|(_, whole)| &whole[..])
    }

    fn at_rows(&self, rows: &[usize]) -> Array2<f64> {
        self.rows.select(Axis(0), rows).mapv(Into::into)
    }

    fn at(&self, places: &Array2<f64>) -> Result<Array2<f64>, Error> {
        check(places.view())?;
        Ok(places.as_standard_layout().into_owned())
    }

    fn round(&self, centroids: &Array2<f64>) -> (Rounded, ()) {
        let (bytes, lost) = quantise(centroids.view(), self.scale);
        let norms = bytes.outer_iter().map(|row| row.iter().map(|&x| i64::from(x).pow(2)).sum()).collect();
        let moved = lost.into_iter().fold(0.0, f32::max).into();
        (Rounded { upper: bytes.mapv(|x| (x ^ 0x80).cast_signed()), norms, moved }, ())
    }

    fn settle<K: Kernel>(
        &self,
        kernel: K,
        centroids: &Array2<f64>,
        (): &(),
        row: usize,
        contenders: impl Iterator<Item = (usize, i64)>,
    ) -> Settled {
        let (mut nearest, mut least, mut second) = (0, f64::INFINITY, f64::INFINITY);
        for (j, _) in contenders {
            let distance = self.distance(kernel, centroids, row, j);
            second = second.min(distance.max(least));
            (nearest, least) = if distance < least { (j, distance) } else { (nearest, least) };
        }
        // As in a search (`neighbors::floats`): sums and squares lose no more.
        let share = (self.rows.ncols() + 16) as f64 * f64::EPSILON;
        let step = self.scale.step();
        let least_normal = f64::MIN_POSITIVE.sqrt();
        Settled {
            nearest: u32::try_from(nearest).expect("fewer than 2^32 clusters"),
            distance: (least.sqrt() * (1.0 + share) + least_normal) / step,
            next: (second.sqrt() * (1.0 - share) - least_normal) / step,
        }
    }

    fn stats(&self, n_clusters: usize) -> Stats {
        let sums = Array2::zeros((n_clusters, self.rows.ncols()));
        Stats { sums, weights: vec![0.0; n_clusters], sizes: vec![0; n_clusters] }
    }

    /// Sums anew what has changed: added to and taken from, sums of floats would drift.
    fn relabel(&self, stats: &mut Stats, labels: &mut [u32], nearest: &[u32]) -> bool {
        let mut changed = vec![false; stats.sizes.len()];
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
        stats
            .sums
            .axis_iter_mut(Axis(0))
            .into_par_iter()
            .zip(&mut stats.weights)
            .zip(&mut stats.sizes)
            .zip(rows.into_par_iter().zip(changed))
            .for_each(|(((sums, weight), size), (rows, changed))| {
                of_cluster(sums, weight, size, rows, changed);
            });
        any
    }

    fn means(&self, stats: &Stats, previous: &Array2<f64>, labels: &[u32]) -> Array2<f64> {
        let (mut sums, mut weights, mut sizes) =
            (stats.sums.clone(), stats.weights.clone(), stats.sizes.clone());
        let empty: Vec<usize> = (0..sizes.len()).filter(|&j| sizes[j] == 0).collect();
        let mut far =
            if empty.is_empty() { Vec::new() } else { self.farthest_first(previous, labels) }.into_iter();
        let mut taken = Vec::new();
        for j in empty {
            // A cluster's only row stays: taking it would empty another.
            if let Some(row) = far.find(|&row| sizes[labels[row] as usize] > 1) {
                (sizes[labels[row] as usize], sizes[j]) = (sizes[labels[row] as usize] - 1, 1);
                weights[j] = self.weight(row);
                sums.row_mut(j).assign(&self.rows.row(row).mapv(|x| self.weight(row) * x.into()));
                taken.push(row);
            }
        }
        // What is left is summed anew: a large row taken from a sum would leave nothing of the small ones.
        let from: BTreeSet<u32> = taken.iter().map(|&row| labels[row]).collect();
        for label in from {
            let stays =
                |&row: &usize| labels[row] == label && self.weight(row) > 0.0 && !taken.contains(&row);
            let rows: Vec<usize> = (0..labels.len()).filter(stays).collect();
            let sum = self.sum(&rows, |row| self.weight(row));
            sums.row_mut(label as usize).assign(&ArrayView1::from(&sum));
            weights[label as usize] = rows.iter().map(|&row| self.weight(row)).sum();
        }
        for (j, mut sums) in sums.outer_iter_mut().enumerate() {
            if sizes[j] == 0 {
                sums.assign(&previous.row(j));
            } else {
                sums.mapv_inplace(|sum| sum / weights[j]);
            }
        }
        sums
    }

    fn movement(&self, old: &Array2<f64>, new: &Array2<f64>) -> Vec<f64> {
        let of_cluster = |(old, new): (ArrayView1<f64>, ArrayView1<f64>)| {
            let squares = ordered_sum(old.to_slice().expect(CONTIGUOUS), new.to_slice().expect(CONTIGUOUS));
            if squares == 0.0 && old != new { f64::MIN_POSITIVE } else { squares }
        };
        old.outer_iter().zip(new.outer_iter()).map(of_cluster).collect()
    }

    fn inertia(&self, _stats: &Stats, centroids: &Array2<f64>, labels: &[u32]) -> f64 {
        with_kernel!(self.samples.level, |kernel| {
            self.total(|row| self.weight(row) * self.distance(kernel, centroids, row, labels[row] as usize))
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use ndarray::Zip;

    use super::*;
    use crate::{
        distance::squared_euclidean,
        kmeans::{Error, Init, KMeans},
    };

    /// One iteration by definition: labels, and the means of the rows in their order.
    fn naive_step(x: &Array2<f64>, centroids: &Array2<f64>) -> (Vec<u32>, Array2<f64>) {
        let row = |of: &Array2<f64>, i: usize| of.row(i).to_vec();
        let nearest = |i: usize| {
            let distance = |j: usize| squared_euclidean(&row(x, i), &row(centroids, j));
            (0..centroids.nrows()).min_by(|&a, &b| distance(a).total_cmp(&distance(b))).unwrap() as u32
        };
        let labels: Vec<u32> = (0..x.nrows()).map(nearest).collect();
        let mut means = Array2::zeros(centroids.raw_dim());
        for (i, &label) in labels.iter().enumerate() {
            Zip::from(means.row_mut(label as usize)).and(x.row(i)).for_each(|sum, x| *sum += x);
        }
        for (j, mut mean) in means.outer_iter_mut().enumerate() {
            let size = labels.iter().filter(|&&label| label as usize == j).count();
            mean.mapv_inplace(|sum| sum / size as f64);
        }
        (labels, means)
    }

    proptest! {
        #[test]
        fn every_step_is_that_of_the_definition(
            (n, k, d) in (1_usize..100, 1_usize..8, 1_usize..20),
            values in prop::collection::vec(-1.0_f64..1.0, 499),
            scale in prop::sample::select(vec![1e-200, 1e-160, 1e-155, 1e-3, 1.0, 1e100]),
            levels in prop::sample::select(vec![3.0, 1000.0, 1e9]),
            far in any::<bool>(),
        ) {
            let k = k.min(n);
            let mut x = Array2::from_shape_fn((n, d), |(i, j)| {
                (values[(i * d + j) % 499] * levels).round() / levels * scale
            });
            if far {
                x.row_mut(n / 2).mapv_inplace(|x| x * 1e9);
            }
            let start = x.select(Axis(0), &(0..k).map(|j| j * n / k).collect::<Vec<_>>());
            let mut centroids = start.clone();
            for max_iter in 1..5 {
                let (labels, means) = naive_step(&x, &centroids);
                let (cluster_sizes, inertia, n_iter) = (Vec::new(), 0.0, 0);
                let at = KMeans { centroids: centroids.clone(), labels: Vec::new(), cluster_sizes, inertia, n_iter };
                prop_assert_eq!(&at.predict(x.view())?, &labels);
                if means.iter().any(|x| x.is_nan()) {
                    break; // an empty cluster
                }
                let params = KMeans::params(k).init(Init::Given(start.clone())).tol(0.0).max_iter(max_iter);
                let found = params.fit(x.view())?;
                let done = found.n_iter < max_iter;
                if !done {
                    prop_assert_eq!(&found.centroids, &means);
                }
                prop_assert_eq!(&found.labels, &naive_step(&x, &found.centroids).0);
                prop_assert_eq!(&found.labels, &found.predict(x.view())?);
                if done {
                    prop_assert_eq!(found.labels, labels);
                    break;
                }
                centroids = means;
            }
        }
    }

    #[test]
    fn bytes_and_the_same_floats_find_the_same_clusters() {
        let x = Array2::from_shape_fn((500, 30), |(i, j)| ((i * i * 37 + j * 11 + i * j * j) % 251) as u8);
        let params = KMeans::params(7).n_init(3).seed(1);
        let (bytes, floats) = (params.fit(x.view()).unwrap(), params.fit(x.mapv(f32::from).view()).unwrap());
        assert_eq!((&bytes.labels, bytes.n_iter), (&floats.labels, floats.n_iter));
        assert!((bytes.inertia / floats.inertia - 1.0).abs() < 1e-12);
        assert!((bytes.centroids.to_f64() - floats.centroids).iter().all(|x| x.abs() < 1e-10));
    }

    #[test]
    fn empty_clusters_move_and_distinct_rows_may_be_too_few() {
        let x = Array2::from_shape_fn((5, 1), |(i, _)| [0.0, 1.0, 2.0, 100.0, 104.0][i]);
        let params = |start: [f64; 3]| {
            KMeans::params(3).init(Init::Given(Array2::from_shape_fn((3, 1), |(j, _)| start[j])))
        };
        let found: KMeans<Array2<f64>> = params([1.0, 255.0, 255.0]).fit(x.view()).unwrap();
        assert_eq!(found.centroids.into_raw_vec_and_offset().0, [1.0, 104.0, 100.0]);
        // What is left of a cluster whose farthest row is taken is its mean, however far that row was.
        let x = Array2::from_shape_fn((3, 1), |(i, _)| [0.125, 0.25, 1e17][i]);
        let start = Init::Given(Array2::from_shape_fn((2, 1), |(j, _)| [0.0, 1e30][j]));
        let found: KMeans<Array2<f64>> = KMeans::params(2).max_iter(1).init(start).fit(x.view()).unwrap();
        assert_eq!(found.centroids.into_raw_vec_and_offset().0, [0.1875, 1e17]);
        let same = Array2::from_elem((4, 1), 7.5_f32);
        let found = params([7.5, 7.5, 9.0]).fit(same.view()).unwrap();
        assert_eq!((found.cluster_sizes, found.inertia), (vec![4, 0, 0], 0.0));
    }

    #[test]
    fn threads_do_not_matter_with_a_sketch_and_without() {
        for k in [5, 60] {
            let x = Array2::from_shape_fn((5000, 200), |(i, j)| {
                ((i % 97) as f32 * 0.1 + (i * j % 13) as f32).sin()
            });
            let run = |threads| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| KMeans::params(k).max_iter(12).seed(3).fit(x.view()).unwrap())
            };
            let (one, four) = (run(1), run(4));
            assert_eq!(one, four);
            assert_eq!(one.inertia.to_bits(), four.inertia.to_bits());
        }
    }

    #[test]
    fn values_that_are_no_numbers_are_errors() {
        for wrong in [f64::NAN, f64::INFINITY, 1e200] {
            let mut x = Array2::zeros((4, 3));
            x[[2, 1]] = wrong;
            let error = KMeans::params(2).fit(x.view()).unwrap_err();
            assert!(matches!(error, Error::Value { row: 2, column: 1, .. }), "{error}");
        }
    }
}
