//! The assignment step: the nearest centroid of every row, exactly.
//!
//! ```text
//!                many centroids ──► sketched ─┐
//!   rows, labels                              ├──► resolve_ties ──► labels
//!                few, or no use ──► dense ────┘
//! ```
//!
//! Both methods first multiply bytes, which decides almost all rows. The remaining rows are measured against the few
//! candidate centroids with a second byte, which leaves an error of √d / 512. The rows that are still undecided, a few
//! in a million, are decided by comparing fractions.

pub(super) mod dense;
pub(super) mod resolve_ties;
pub(super) mod shared_sketch;
pub(super) mod sketched;

use std::sync::Arc;

use ndarray::Array2;
use rayon::prelude::*;

use crate::{
    distance::{Kernel, Rows},
    kmeans::{
        assignment::{
            dense::Dense,
            resolve_ties::{CentroidDistances, NOWHERE},
            shared_sketch::SharedSketch,
            sketched::Sketched,
        },
        vectors::Vectors,
    },
    sketch::Sketch,
};

/// Rows, and the nearest centroid of each in several sets of equally many centroids, updated step by step.
pub(super) struct Assignment<'a, V> {
    vectors: &'a V,
    nearest: Array2<u32>,
    n_clusters: usize,
    road: Road,
}

enum Road {
    Sketched(Sketched),
    Dense(Dense),
}

impl<'a, V: Vectors> Assignment<'a, V> {
    /// For `n_sets` sets of `n_clusters` centroids each.
    pub(super) fn new(
        vectors: &'a V,
        (n_sets, n_clusters): (usize, usize),
        sketch: Option<Arc<Sketch>>,
    ) -> Self {
        let n = vectors.samples().rows.nrows();
        let road = match sketch {
            Some(sketch) => Road::Sketched(Sketched::new(sketch, 1, n, (n_sets, n_clusters))),
            None => Road::Dense(Dense::new(n, n_sets, n_clusters)),
        };
        Self { vectors, nearest: Array2::from_elem((n_sets, n), NOWHERE), n_clusters, road }
    }

    /// For a single step, which then needs little memory.
    fn once(self) -> Self {
        let road = match self.road {
            Road::Dense(dense) => Road::Dense(dense.once()),
            road @ Road::Sketched(_) => road,
        };
        Self { road, ..self }
    }

    /// The nearest centroids, shape (sets, n); on ties the lowest index.
    pub(super) fn nearest(&self) -> Rows<'_, u32> {
        Rows::new(self.nearest.view())
    }

    /// Finds the nearest centroids in some of the sets, which are given with their numbers.
    ///
    /// At most O(n k d) per set. In addition to the labels, it needs memory for the centroids and, per thread, for the
    /// products of a panel.
    pub(super) fn assign(&mut self, sets: &[(usize, &V::Centroids)]) {
        let (vectors, (n_sets, n)) = (self.vectors, self.nearest.dim());
        let kernel = Kernel::detect();
        let rounded: Vec<_> = sets.par_iter().map(|(_, centroids)| vectors.round(centroids)).collect();
        let pairs: Vec<_> = sets
            .iter()
            .zip(&rounded)
            .map(|(&(set, centroids), rounded)| {
                (set, CentroidDistances::new(kernel, vectors, centroids, rounded))
            })
            .collect();
        match &mut self.road {
            Road::Dense(dense) => dense.assign(kernel, &pairs, self.nearest.view_mut()),
            Road::Sketched(sketched) => {
                if !sketched.assign(kernel, &pairs, self.nearest.view_mut()) {
                    self.road = Road::Dense(Dense::new(n, n_sets, self.n_clusters));
                }
            }
        }
    }

    /// Records how far each centroid of a set has moved since the last assignment.
    pub(super) fn moved(&mut self, set: usize, distances: &[f64]) {
        let steps: Vec<f64> = distances.iter().map(|distance| distance / self.vectors.step()).collect();
        match &mut self.road {
            Road::Sketched(sketched) => sketched.moved(set, &steps),
            Road::Dense(dense) => dense.moved(set, &steps),
        }
    }
}

/// The nearest centroid of each row.
pub(super) fn assign_once<V: Vectors>(vectors: &V, n_clusters: usize, centroids: &V::Centroids) -> Vec<u32> {
    let sketch = SharedSketch::default().get(vectors, n_clusters, centroids, 1);
    let mut assignment = Assignment::new(vectors, (1, n_clusters), sketch).once();
    assignment.assign(&[(0, centroids)]);
    assignment.nearest.into_raw_vec_and_offset().0
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array, s};
    use proptest::prelude::*;

    use super::*;
    use crate::{
        distance::MOST_DIMENSIONS,
        kmeans::{bytes::Bytes, centroids::Centroids, samples::NARROW},
    };

    fn naive(x: &Array2<u8>, centroids: &Centroids) -> Vec<u32> {
        let nearest = |row: ndarray::ArrayView1<u8>| {
            (0..centroids.n_clusters() as u32)
                .min_by(|&a, &b| {
                    let distance = |j: u32| centroids.squared_distance(row, j as usize);
                    distance(a).compare(distance(b))
                })
                .expect("at least one")
        };
        x.outer_iter().map(nearest).collect()
    }

    fn labels(x: &Array2<u8>, sets: &[&Centroids]) -> Array2<u32> {
        let bytes = Bytes::new(x.view());
        let mut assignment = Assignment::new(&bytes, (sets.len(), sets[0].n_clusters()), None);
        assignment.assign(&sets.iter().copied().enumerate().collect::<Vec<_>>());
        assignment.nearest.reversed_axes()
    }

    #[test]
    fn rows_too_long_for_the_kernels_are_measured_one_by_one() {
        for d in [NARROW, NARROW + 1, MOST_DIMENSIONS + 3] {
            let x = Array2::from_shape_fn((40, d), |(i, j)| (i * 37 + j * 11 + i * j) as u8);
            let sums = Array2::from_shape_fn((5, d), |(i, j)| (i * 53 + j * 11 + i * j) as u64 % 1000);
            let centroids = Centroids { sums, counts: vec![4; 5] };
            assert_eq!(labels(&x, &[&centroids]).column(0).to_vec(), naive(&x, &centroids));
        }
        let extremes = Array2::from_shape_fn((3, NARROW), |(i, _)| if i == 1 { 255 } else { 0 });
        let centroids = Centroids {
            sums: array![[255], [0]].broadcast((2, NARROW)).unwrap().to_owned(),
            counts: vec![1; 2],
        };
        assert_eq!(labels(&extremes, &[&centroids]), array![[1], [0], [1]]);
    }

    proptest! {
        #[test]
        fn equals_the_definition(
            (n, k, d) in (1_usize..40, 1_usize..12, 1_usize..900),
            levels in prop::sample::select(vec![2_u8, 4, 255]),
            bytes in prop::collection::vec(any::<u8>(), 1009),
            counts in prop::collection::vec(1_u64..70_000, 12),
            // Distance between centroids, relative to their counts: far below the kernel's rounding error, or above it.
            spread in prop::sample::select(vec![0_u64, 1, 3, 50, 4000, 1_000_000]),
        ) {
            let byte = |i: usize| bytes[i % 1009] % levels;
            let x = Array2::from_shape_fn((n, d), |(i, j)| byte(i * d + j));
            let counts = counts[..k].to_vec();
            let sums = Array2::from_shape_fn((k, d), |(j, i)| {
                let moved = u64::from(bytes[(31 * j + 7 * i) % 1009]) * spread / 8;
                (counts[j] * u64::from(byte(500 + i)) + moved).min(255 * counts[j])
            });
            let centroids = Centroids { sums, counts };
            // The other centroids of a set do not matter.
            let turned = Centroids {
                sums: centroids.sums.slice(s![..;-1, ..]).as_standard_layout().into_owned(),
                counts: centroids.counts.iter().rev().copied().collect(),
            };
            let found = labels(&x, &[&centroids, &turned]);
            prop_assert_eq!(found.column(0).to_vec(), naive(&x, &centroids));
            prop_assert_eq!(found.column(1).to_vec(), naive(&x, &turned));
        }
    }

    #[test]
    fn ties_and_differences_far_below_rounding_are_decided_exactly() {
        // 100 ± 1/n and 100 - 1/(n+1): the last is the nearest of 99 by one part in 10^10.
        let n = 100_000;
        let sums = array![[100 * n + 1], [100 * n - 1], [100 * (n + 1) - 1], [100 * n - 1]];
        let centroids = Centroids { sums, counts: vec![n, n, n + 1, n] };
        let x = array![[100_u8], [99], [101]];
        assert_eq!(labels(&x, &[&centroids]), array![[2], [1], [0]]);
    }
}
