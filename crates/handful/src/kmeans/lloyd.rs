//! Lloyd's iteration: rows to their nearest centroid, centroids to the mean of their rows.

use std::sync::Arc;

use ndarray::{ArrayView2, Axis, Zip};
use rayon::prelude::*;

use super::{
    Error, KMeans,
    assign::Assignment,
    centroids::{Centroids, Fraction},
    partial_stats::PartialStats,
    samples::{CONTIGUOUS, Samples},
    settle::NOWHERE,
};
use crate::{
    distance::with_kernel,
    neighbors::sketch::Projection,
    progress::{Observer, Stage},
};

/// Labels that are compared at once, for few change.
const BLOCK: usize = 32;

/// Runs from each of `starts` until no label changes, the centroids' squared movement sums to at most `tol`, or
/// `max_iter` iterations are done. As in scikit-learn, the labels returned belong to the centroids returned.
///
/// The runs go side by side, so that rows are read once for all of them.
pub(super) fn lloyd(
    samples: &Samples,
    starts: Vec<Centroids>,
    max_iter: usize,
    tol: f64,
    projection: Option<&Arc<Projection>>,
    observer: &Observer,
) -> Result<Vec<KMeans>, Error> {
    let n = samples.rows.nrows();
    let sets: Vec<&Centroids> = starts.iter().collect();
    let mut assignment = Assignment::new(samples, &sets, max_iter.saturating_add(1), projection);
    let mut runs: Vec<Run> = starts.into_iter().map(|start| Run::new(n, start)).collect();
    for iteration in 0.. {
        let mut active: Vec<(usize, &mut Run)> =
            runs.iter_mut().enumerate().filter(|(_, run)| !run.ended).collect();
        if active.is_empty() {
            break;
        }
        // The last report, that all is done, waits for the last assignment.
        if iteration < max_iter {
            observer.report(Stage::Lloyd, iteration, max_iter)?;
        }
        let sets: Vec<(usize, &Centroids)> = active.iter().map(|(set, run)| (*set, &run.centroids)).collect();
        assignment.assign(&sets);
        let nearest = assignment.nearest();
        let moved: Vec<(usize, Vec<f64>)> = active
            .par_iter_mut()
            .map(|(set, run)| {
                (*set, run.step(samples, nearest.row(*set).to_slice().expect(CONTIGUOUS), max_iter, tol))
            })
            .collect();
        moved.iter().for_each(|(set, distances)| assignment.moved(*set, distances));
    }
    observer.report(Stage::Lloyd, max_iter, max_iter)?;
    Ok(runs.into_iter().map(Run::into_kmeans).collect())
}

/// One run, on its way.
struct Run {
    centroids: Centroids,
    labels: Vec<u32>,
    stats: PartialStats,
    n_iter: usize,
    /// The centroids have hardly moved; the labels do not yet belong to them.
    settled: bool,
    ended: bool,
}

impl Run {
    fn new(n_samples: usize, centroids: Centroids) -> Self {
        let stats = PartialStats::new(centroids.n_clusters(), centroids.n_features());
        Self { centroids, labels: vec![NOWHERE; n_samples], stats, n_iter: 0, settled: false, ended: false }
    }

    /// Goes on from the rows' nearest centroids, and tells how far each centroid moved.
    fn step(&mut self, samples: &Samples, nearest: &[u32], max_iter: usize, tol: f64) -> Vec<f64> {
        let any_moved = relabel(&mut self.stats, samples, &mut self.labels, nearest);
        if self.settled || self.n_iter == max_iter {
            self.ended = true;
            return Vec::new();
        }
        self.n_iter += 1;
        if !any_moved {
            self.ended = true;
            return Vec::new();
        }
        let means = means(&self.stats, &self.centroids, samples.rows, &self.labels);
        let squares = movement(&self.centroids, &means);
        self.settled = squares.iter().sum::<f64>() <= tol;
        self.centroids = means;
        squares.into_iter().map(f64::sqrt).collect()
    }

    fn into_kmeans(self) -> KMeans {
        let Self { centroids, labels, stats, n_iter, .. } = self;
        let inertia = stats.inertia(&centroids);
        KMeans { centroids, labels, cluster_sizes: stats.counts, inertia, n_iter }
    }
}

/// Moves the rows whose label is no longer right; whether there was one.
fn relabel(stats: &mut PartialStats, samples: &Samples, labels: &mut [u32], nearest: &[u32]) -> bool {
    let mut any = false;
    with_kernel!(samples.level, |kernel| {
        for (block, (labels, nearest)) in labels.chunks_mut(BLOCK).zip(nearest.chunks(BLOCK)).enumerate() {
            if labels == nearest {
                continue;
            }
            for (row, (label, &new)) in (block * BLOCK..).zip(labels.iter_mut().zip(nearest)) {
                if *label == new {
                    continue;
                }
                if *label != NOWHERE {
                    stats.remove(kernel, *label as usize, samples, row);
                }
                stats.add(kernel, new as usize, samples, row);
                *label = new;
                any = true;
            }
        }
    });
    any
}

/// The mean of each cluster. Empty ones move to the rows farthest from their centroids; those for
/// which there is no such row stay where they were.
fn means(stats: &PartialStats, previous: &Centroids, x: ArrayView2<u8>, labels: &[u32]) -> Centroids {
    let mut means = stats.means(previous);
    let mut empty = (0..stats.counts.len()).filter(|&j| stats.counts[j] == 0).peekable();
    if empty.peek().is_none() {
        return means;
    }
    let mut far = farthest_first(previous, x, labels).into_iter();
    for j in empty {
        // A cluster's only row stays: taking it would empty another.
        if let Some(row) = far.find(|&row| means.counts[labels[row] as usize] > 1) {
            let (pixels, from) = (x.row(row).mapv(u64::from), labels[row] as usize);
            means.counts[from] -= 1;
            means.counts[j] = 1;
            Zip::from(means.sums.row_mut(from)).and(&pixels).for_each(|sum, &x| *sum -= x);
            means.sums.row_mut(j).assign(&pixels);
        }
    }
    means
}

/// The rows that are not at their centroid, by falling distance from it, then by index.
fn farthest_first(centroids: &Centroids, x: ArrayView2<u8>, labels: &[u32]) -> Vec<usize> {
    let mut far: Vec<(usize, Fraction)> = x
        .axis_iter(Axis(0))
        .into_par_iter()
        .zip(labels)
        .enumerate()
        .map(|(row, (pixels, &label))| (row, centroids.squared_distance(pixels, label as usize)))
        .filter(|(_, distance)| distance.numerator > 0)
        .collect();
    far.sort_by(|a, b| b.1.compare(a.1).then(a.0.cmp(&b.0)));
    far.into_iter().map(|(row, _)| row).collect()
}

/// |new - old|² of each centroid.
fn movement(old: &Centroids, new: &Centroids) -> Vec<f64> {
    let of_cluster = |j: usize| -> f64 {
        let (before, after) = (old.sums.row(j), new.sums.row(j));
        if old.counts[j] == new.counts[j] && before == after {
            return 0.0;
        }
        let (n, m) = (old.counts[j] as f64, new.counts[j] as f64);
        before.iter().zip(after).map(|(&old, &new)| (new as f64 / m - old as f64 / n).powi(2)).sum()
    };
    (0..old.n_clusters()).into_par_iter().map(of_cluster).collect()
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};
    use proptest::prelude::*;

    use super::*;

    fn run(x: &Array2<u8>, start: &Array2<f64>, max_iter: usize) -> KMeans {
        let starts = vec![Centroids::from_f64(start).expect("bytes")];
        let runs = lloyd(&Samples::new(x.view()), starts, max_iter, 0.0, None, &Observer::default());
        runs.expect("not cancelled").remove(0)
    }

    #[test]
    fn stops_when_no_label_changes_and_counts_that_iteration() {
        let x = array![[0_u8], [2], [10], [12]];
        let found = run(&x, &array![[0.0], [1.0]], 300);
        assert_eq!(found.centroids.to_f64(), array![[1.0], [11.0]]);
        assert_eq!((found.labels, found.inertia), (vec![0, 0, 1, 1], 4.0));
        assert_eq!(found.n_iter, 3);
    }

    #[test]
    fn labels_and_inertia_belong_to_the_centroids_even_when_cut_short() {
        let x = Array2::from_shape_fn((50, 1), |(i, _)| (i * i / 10) as u8);
        for max_iter in 1..6 {
            let found = run(&x, &array![[0.0], [1.0], [2.0]], max_iter);
            assert_eq!(found.labels, found.predict(x.view()).expect("same features"));
            let centroids = found.centroids.to_f64();
            let inertia: f64 = (0..50)
                .map(|row| (f64::from(x[[row, 0]]) - centroids[[found.labels[row] as usize, 0]]).powi(2))
                .sum();
            assert!((found.inertia - inertia).abs() < 1e-9 * inertia, "{} {inertia}", found.inertia);
            assert_eq!(found.n_iter, max_iter);
        }
    }

    #[test]
    fn an_empty_cluster_moves_to_the_farthest_row() {
        let x = array![[0_u8], [1], [2], [100], [104]];
        let found = run(&x, &array![[1.0], [255.0], [255.0]], 300);
        // The first assignment leaves cluster 2 empty (ties go to 1); the farthest row from its centroid
        // is 100, 155 away from 255.
        assert_eq!(found.cluster_sizes, [3, 1, 1]);
        assert_eq!(found.centroids.to_f64(), array![[1.0], [104.0], [100.0]]);
    }

    #[test]
    fn clusters_beyond_the_distinct_rows_stay_empty() {
        let x = array![[7_u8], [7], [9]];
        let found = run(&x, &array![[7.0], [7.0], [9.0]], 300);
        assert_eq!((found.cluster_sizes, found.inertia), (vec![2, 0, 1], 0.0));
        assert_eq!(found.centroids.to_f64(), array![[7.0], [7.0], [9.0]]);
    }

    proptest! {
        #[test]
        fn sizes_sums_and_inertia_agree_with_the_labels(
            bytes in prop::collection::vec(any::<u8>(), 12..120),
            k in 1_usize..7,
            levels in prop::sample::select(vec![2_u8, 5, 255]),
        ) {
            let n = bytes.len() / 2;
            let x = Array2::from_shape_fn((n, 2), |(i, j)| bytes[2 * i + j] % levels);
            let start = Array2::from_shape_fn((k, 2), |(i, j)| f64::from(x[[i * n / k, j]]));
            let found = run(&x, &start, 300);
            for j in 0..k {
                let rows: Vec<usize> = (0..n).filter(|&row| found.labels[row] as usize == j).collect();
                prop_assert_eq!(found.cluster_sizes[j], rows.len() as u64);
                if !rows.is_empty() && found.n_iter < 300 {
                    let sum = x.select(Axis(0), &rows).mapv(u64::from).sum_axis(Axis(0));
                    let mean = sum.mapv(|sum| sum as f64 / rows.len() as f64);
                    prop_assert_eq!(found.centroids.to_f64().row(j).to_owned(), mean);
                }
            }
            prop_assert_eq!(&found.labels, &found.predict(x.view()).expect("same features"));
        }
    }
}
