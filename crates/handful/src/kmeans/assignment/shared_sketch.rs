//! The sketch of the rows that all runs share, if it is worthwhile.

use std::{cell::OnceCell, sync::Arc};

use ndarray::Array2;

use crate::{
    distance::{Kernel, LANES},
    kmeans::{
        assignment::{
            resolve_ties::{CentroidDistances, NOWHERE},
            sketched::Sketched,
        },
        samples::NARROW,
        vectors::Vectors,
    },
    sketch::{LEAST_FEATURES, LEAST_SAMPLES, Projection, Sketch},
};

/// With fewer centroids, assignment is as fast without a sketch.
const LEAST_CLUSTERS: usize = 48;
/// Minimum number of products with all rows, one for each centroid and step, for which sketching them is worthwhile.
const LEAST_PRODUCTS: usize = 512;
/// Number of panels of rows on which a sketch is tried.
const TRIALS: usize = 32;

/// Whether there are enough rows, and long enough ones, that a sketch may be worthwhile in `steps` steps.
pub(in crate::kmeans) fn may_pay((n, d): (usize, usize), n_clusters: usize, steps: usize) -> bool {
    let worth = n_clusters >= LEAST_CLUSTERS && n_clusters.saturating_mul(steps) >= LEAST_PRODUCTS;
    worth && n >= LEAST_SAMPLES && (LEAST_FEATURES..=NARROW).contains(&d)
}

/// A sketch of the rows, created at first use.
#[derive(Default)]
pub(in crate::kmeans) struct SharedSketch {
    projection: Option<Arc<Projection>>,
    found: OnceCell<Option<Arc<Sketch>>>,
}

impl SharedSketch {
    /// With the projection of similar rows, if there is one.
    pub(in crate::kmeans) fn new(projection: Option<Arc<Projection>>) -> Self {
        Self { projection, found: OnceCell::new() }
    }

    /// `None` if a sketch cannot be worthwhile in the given number of steps, or if, tried on some rows, it does not rule
    /// out enough of the centroids.
    pub(in crate::kmeans) fn get<V: Vectors>(
        &self,
        vectors: &V,
        n_clusters: usize,
        centroids: &V::Centroids,
        steps: usize,
    ) -> Option<Arc<Sketch>> {
        let samples = vectors.samples();
        if !may_pay(samples.rows.dim(), n_clusters, steps) {
            return None;
        }
        let find = || self.find(Kernel::detect(), vectors, n_clusters, centroids);
        self.found.get_or_init(find).clone()
    }

    fn find<V: Vectors>(
        &self,
        kernel: Kernel,
        vectors: &V,
        n_clusters: usize,
        centroids: &V::Centroids,
    ) -> Option<Arc<Sketch>> {
        let rows = vectors.samples().rows.view();
        let new = || Projection::new(kernel, rows).map(Arc::new);
        let projection = self.projection.clone().or_else(new)?;
        let every = (rows.nrows() / LANES / TRIALS).max(1);
        let found = pays_for(kernel, vectors, n_clusters, centroids, &projection, every);
        found.then(|| Arc::new(Sketch::new(kernel, rows, &projection)))
    }
}

/// Number of rows that suits [`pays_for`].
pub(in crate::kmeans) const TRIAL_ROWS: usize = TRIALS * LANES;

/// Whether a sketch is worthwhile, tried on some panels of rows.
pub(in crate::kmeans) fn pays_for<V: Vectors>(
    kernel: Kernel,
    vectors: &V,
    n_clusters: usize,
    centroids: &V::Centroids,
    projection: &Arc<Projection>,
    every: usize,
) -> bool {
    let rows = vectors.samples().rows.view();
    let (n, some) = (rows.nrows(), Arc::new(Sketch::of_some(kernel, rows, projection, every)));
    let mut trial = Sketched::new(some, every, n, (1, n_clusters));
    let mut nearest = Array2::from_elem((1, n), NOWHERE);
    let rounded = vectors.round(centroids);
    trial.assign(
        kernel,
        &[(0, CentroidDistances::new(kernel, vectors, centroids, &rounded))],
        nearest.view_mut(),
    )
}
