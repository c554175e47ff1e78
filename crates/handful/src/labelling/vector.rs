//! What can be labelled.

use ndarray::{ArcArray2, Array2, ArrayView2};

use crate::{
    kmeans::Clusterable,
    neighbors::{self, NearestNeighbors},
    progress::Observer,
};

/// Vectors that can be clustered and searched: of `u8`, `f32` or `f64`.
pub trait Vector: Clusterable + Into<f64> {
    /// The nearest points of each query, nearest first, shape (`n_queries`, `n_neighbors`).
    #[doc(hidden)]
    fn nearest_points(
        points: ArcArray2<Self>,
        queries: ArrayView2<Self>,
        n_neighbors: usize,
        observer: &Observer,
    ) -> Result<Array2<usize>, neighbors::Error>;
}

macro_rules! vector {
    ($($type:ty),*) => {$(
        impl Vector for $type {
            fn nearest_points(
                points: ArcArray2<Self>,
                queries: ArrayView2<Self>,
                n_neighbors: usize,
                observer: &Observer,
            ) -> Result<Array2<usize>, neighbors::Error> {
                let index = NearestNeighbors::new(points)?.observer(observer.clone());
                Ok(index.kneighbors(queries, n_neighbors)?.indices)
            }
        }
    )*};
}
vector!(u8, f32, f64);
