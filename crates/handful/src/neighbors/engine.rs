//! The operations on vectors that a search needs: bytes for the kernels, and exact distances for the result.

use std::fmt::Debug;

use super::Error;
use crate::distance::{Element, Kernel, Rows};

/// An [`Element`] whose vectors can be searched.
pub(super) trait Searchable: Element {
    /// Points as bytes, and the mapping of other vectors to bytes.
    type Scaled: Clone + Debug + Send + Sync;

    /// Cost of an exact distance, relative to one between bytes.
    const EXACT_COST: f64;

    /// Maps points to bytes, on all threads.
    fn scale(points: Rows<Self>) -> Self::Scaled;

    /// Values for which distances cannot be computed are errors.
    fn check(vectors: Rows<Self>, what: &'static str) -> Result<(), Error>;

    /// Points as bytes.
    fn bytes<'a>(points: Rows<'a, Self>, scaled: &'a Self::Scaled) -> Rows<'a, u8>;

    /// The points, with their terms, and the queries to compare them with.
    fn pairs<'a>(
        kernel: Kernel,
        points: Rows<'a, Self>,
        terms: &'a [i64],
        scaled: &'a Self::Scaled,
        queries: Rows<'a, Self>,
    ) -> impl PointDistances + 'a;

    /// The distance that a key of [`PointDistances::distance`] represents.
    fn from_key(key: u64) -> Self::Distance;

    /// A limit of keys that all distances up to this one pass, even if the search counts equal keys as too far.
    fn limit(distance: Self::Distance) -> u64;
}

/// Points and queries, as bytes and as they are.
pub(super) trait PointDistances: Sync {
    /// The queries as bytes.
    fn queries(&self) -> Rows<'_, u8>;

    /// A key for the squared distance of a query from a point; larger distances have larger keys.
    fn distance(&self, query: usize, row: usize) -> u64;

    /// [`distance`](Self::distance), or `None` if it is certainly larger than the limit, or certainly equal for a point
    /// of higher index.
    fn distance_within(&self, query: usize, row: usize, _limit: u64) -> Option<u64> {
        Some(self.distance(query, row))
    }

    /// [`distance`](Self::distance), if the dot product of the point and the signed query is known.
    fn distance_of_dot(&self, query: usize, row: usize, _dot: i32) -> u64 {
        self.distance(query, row)
    }

    /// The largest distance between the bytes of a query and those of a point that is no farther than this.
    fn reach(&self, query: usize, distance: u64) -> f64;

    /// The largest squared distance of its bytes at which a point of higher index may still be nearer.
    fn reach_squared(&self, query: usize, distance: u64) -> i64 {
        #[expect(clippy::cast_possible_truncation, reason = "saturates, and squares of bytes are whole")]
        {
            (self.reach(query, distance).powi(2) * (1.0 + 1e-9)) as i64
        }
    }

    /// Prefetches a point that will be needed soon.
    fn prefetch(&self, row: usize);
}
