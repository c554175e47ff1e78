//! What a search asks of vectors: bytes for the kernels, and exact distances for the verdict.

use std::fmt::Debug;

use ndarray::ArrayView2;

use super::Error;
use crate::distance::{Element, Kernel};

/// An [`Element`] whose vectors can be searched.
pub(super) trait Searchable: Element {
    /// Points as bytes, and how others become such.
    type Scaled: Clone + Debug + Send + Sync;

    /// How many times longer an exact distance takes than one between bytes.
    const EXACT_COST: f64;

    /// Makes bytes of points, on all threads.
    fn scale(points: ArrayView2<Self>) -> Self::Scaled;

    /// Values that no distance can be measured to are errors.
    fn check(vectors: ArrayView2<Self>, what: &'static str) -> Result<(), Error>;

    /// Points as bytes.
    fn bytes<'a>(points: ArrayView2<'a, Self>, scaled: &'a Self::Scaled) -> ArrayView2<'a, u8>;

    /// Points, with their terms, and the queries that they are compared with.
    fn pairs<'a, K: Kernel + 'a>(
        kernel: K,
        points: ArrayView2<'a, Self>,
        terms: &'a [i64],
        scaled: &'a Self::Scaled,
        queries: ArrayView2<'a, Self>,
    ) -> impl Pairs + 'a;

    /// The distance that a key of [`Pairs::distance`] stands for.
    fn from_key(key: u64) -> Self::Distance;
}

/// Points and queries, as bytes and as they are.
pub(super) trait Pairs: Sync {
    /// The queries as bytes.
    fn queries(&self) -> ArrayView2<'_, u8>;

    /// The squared distance of a query from a point: a key, larger for what is farther.
    fn distance(&self, query: usize, row: usize) -> u64;

    /// [`distance`](Self::distance), unless it is surely larger than this, or as large in a point of higher index.
    fn distance_within(&self, query: usize, row: usize, _limit: u64) -> Option<u64> {
        Some(self.distance(query, row))
    }

    /// [`distance`](Self::distance), where the dot product of point and signed query is known.
    fn distance_of_dot(&self, query: usize, row: usize, _dot: i32) -> u64 {
        self.distance(query, row)
    }

    /// The largest distance between the bytes of a query and those of a point no farther than this.
    fn reach(&self, query: usize, distance: u64) -> f64;

    /// The largest squared distance of its bytes at which a point of higher index may still be nearer.
    fn reach_squared(&self, query: usize, distance: u64) -> i64 {
        #[expect(clippy::cast_possible_truncation, reason = "saturates, and squares of bytes are whole")]
        {
            (self.reach(query, distance).powi(2) * (1.0 + 1e-9)) as i64
        }
    }

    /// Tells the machine that the point will be wanted soon.
    fn prefetch(&self, row: usize);
}
