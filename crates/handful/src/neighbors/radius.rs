//! All points within a radius of a query.

use ndarray::ArrayView2;

use super::{Error, Index, engine::Searchable, top_k::TopK};
use crate::distance::{Element, Rows};

/// The points within a radius of each query, nearest first: those of query `i` are at
/// `offsets[i]..offsets[i + 1]` of the other two vectors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RadiusNeighbors<D = u64> {
    /// Where the points of each query begin, and the end of the last: `n_queries + 1` numbers.
    pub offsets: Vec<usize>,
    /// Squared Euclidean distances: whole numbers between bytes, otherwise `f64`.
    pub distances: Vec<D>,
    /// Row indices of the points.
    pub indices: Vec<usize>,
}

impl<T: Element + Searchable> Index<T> {
    /// All points whose squared distance from a row of `queries`, shape (`n_queries`, `n_features`), is at most
    /// `squared_radius`. `points` must be those from which the index was created; for other points the result is
    /// meaningless. No point is within a radius that is negative or NaN.
    ///
    /// The points of a query are sorted by (squared distance, index). Time and threads are those of
    /// [`kneighbors`](Self::kneighbors). In addition to the result, the search takes 16 bytes of memory for each point
    /// that it finds.
    ///
    /// ```
    /// use handful::neighbors::{Algorithm, Index};
    /// use ndarray::array;
    ///
    /// let points = array![[0_u8, 0], [3, 4], [10, 0]];
    /// let index = Index::new(points.view(), Algorithm::Auto)?;
    /// let found = index.radius_neighbors(points.view(), array![[0_u8, 0], [9, 9]].view(), 25)?;
    /// assert_eq!(found.offsets, [0, 2, 2]);
    /// assert_eq!((found.indices, found.distances), (vec![0, 1], vec![0, 25]));
    /// # Ok::<(), handful::neighbors::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the numbers of features differ, a value is not finite, or the observer breaks.
    ///
    /// # Panics
    /// If the shape of the points differs from that of the points from which the index was created, or they are not in
    /// standard layout.
    pub fn radius_neighbors(
        &self,
        points: ArrayView2<T>,
        queries: ArrayView2<T>,
        squared_radius: T::Distance,
    ) -> Result<RadiusNeighbors<T::Distance>, Error> {
        let points = Rows::new(points);
        let wanted = TopK::within(points.nrows(), T::limit(squared_radius));
        let found = self.find(points, queries, &wanted)?;
        let mut all = RadiusNeighbors { offsets: vec![0], distances: Vec::new(), indices: Vec::new() };
        for near in found {
            let near = near.into_sorted().into_iter().map(|(key, index)| (T::from_key(key), index));
            for (distance, index) in near.take_while(|&(distance, _)| distance <= squared_radius) {
                all.distances.push(distance);
                all.indices.push(index);
            }
            all.offsets.push(all.indices.len());
        }
        Ok(all)
    }
}
