//! Lloyd's iteration over rows in memory.

pub(super) mod run;
pub(super) mod state;

use rayon::prelude::*;

use super::{Error, KMeans, KMeansParams, vectors::Vectors};
use crate::{
    kmeans::{
        assignment::{Assignment, resolve_ties::NOWHERE, shared_sketch::SharedSketch},
        lloyd::state::LloydState,
    },
    progress::Stage,
};

/// Runs from each of `starts` until no label changes, the sum of the centroids' squared movements is at most `tol`, or
/// `max_iter` iterations are done. As in scikit-learn, the returned labels belong to the returned centroids.
///
/// The runs advance together, so that rows are read once for all of them.
pub(super) fn lloyd<V: Vectors>(
    vectors: &V,
    params: &KMeansParams,
    starts: Vec<V::Centroids>,
    tol: f64,
    sketch: &SharedSketch,
) -> Result<Vec<KMeans<V::Centroids>>, Error> {
    let &KMeansParams { n_clusters, max_iter, ref observer, .. } = params;
    let sketch = sketch.get(vectors, n_clusters, &starts[0], params.sketched_steps());
    let mut assignment = Assignment::new(vectors, (starts.len(), n_clusters), sketch);
    let mut runs: Vec<Run<V>> =
        starts.into_iter().map(|start| Run::new(vectors, params, start, tol)).collect();
    for iteration in 0.. {
        let mut active: Vec<(usize, &mut Run<V>)> =
            runs.iter_mut().enumerate().filter(|(_, run)| !run.state.ended).collect();
        if active.is_empty() {
            break;
        }
        // The final report waits for the last assignment.
        if iteration < max_iter {
            observer.report(Stage::Lloyd, iteration, max_iter)?;
        }
        let sets: Vec<(usize, &V::Centroids)> =
            active.iter().map(|(set, run)| (*set, &run.state.centroids)).collect();
        assignment.assign(&sets);
        let nearest = assignment.nearest();
        let moved: Vec<(usize, Vec<f64>)> =
            active.par_iter_mut().map(|(set, run)| (*set, run.step(vectors, nearest.row(*set)))).collect();
        for (set, distances) in moved {
            assignment.moved(set, &distances);
        }
    }
    observer.report(Stage::Lloyd, max_iter, max_iter)?;
    Ok(runs.into_iter().map(|run| run.into_kmeans(vectors, n_clusters)).collect())
}

/// One run in progress.
struct Run<V: Vectors> {
    state: LloydState<V::Centroids>,
    labels: Vec<u32>,
    stats: V::Stats,
}

impl<V: Vectors> Run<V> {
    fn new(vectors: &V, params: &KMeansParams, start: V::Centroids, tol: f64) -> Self {
        Self {
            state: LloydState::new(start, params.max_iter, tol),
            labels: vec![NOWHERE; vectors.samples().rows.nrows()],
            stats: vectors.stats(params.n_clusters),
        }
    }

    /// Continues from the rows' nearest centroids, and returns how far each centroid moved.
    fn step(&mut self, vectors: &V, nearest: &[u32]) -> Vec<f64> {
        let any_moved = vectors.relabel(&mut self.stats, &mut self.labels, nearest);
        self.state.step(!any_moved, |centroids| {
            let means = vectors.means(&self.stats, centroids, &self.labels);
            let squares = vectors.movement(centroids, &means);
            (means, squares)
        })
    }

    fn into_kmeans(self, vectors: &V, n_clusters: usize) -> KMeans<V::Centroids> {
        let Self { state: LloydState { centroids, n_iter, .. }, labels, stats } = self;
        let inertia = vectors.inertia(&stats, &centroids, &labels);
        let mut cluster_sizes = vec![0; n_clusters];
        for &label in &labels {
            cluster_sizes[label as usize] += 1;
        }
        KMeans { centroids, labels, cluster_sizes, inertia, n_iter }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, Axis, array};
    use proptest::prelude::*;

    use super::*;
    use crate::kmeans::{bytes::Bytes, centroids::Centroids};

    fn run(x: &Array2<u8>, start: &Array2<f64>, max_iter: usize) -> KMeans {
        let starts = vec![Centroids::from_f64(start).expect("bytes")];
        let params = KMeans::params(start.nrows()).max_iter(max_iter);
        let runs = lloyd(&Bytes::new(x.view()), &params, starts, 0.0, &SharedSketch::default());
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
