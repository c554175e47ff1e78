//! Vectors of bytes: their distances are whole numbers, and the results of the kernels are final.

use ndarray::Array2;

use super::{
    Error,
    engine::{PointDistances, Searchable},
};
use crate::distance::{self, Kernel, Rows, contiguous, prefetch};

impl Searchable for u8 {
    type Scaled = ();

    const EXACT_COST: f64 = 1.0;

    fn scale(_points: Rows<Self>) {}

    fn check(_vectors: Rows<Self>, _what: &'static str) -> Result<(), Error> {
        Ok(())
    }

    fn bytes<'a>(points: Rows<'a, Self>, (): &'a ()) -> Rows<'a, u8> {
        points
    }

    fn pairs<'a>(
        kernel: Kernel,
        points: Rows<'a, Self>,
        terms: &'a [i64],
        (): &'a (),
        queries: Rows<'a, Self>,
    ) -> impl PointDistances + 'a {
        let (signed, norms) = (distance::signed(queries.view()), distance::squared_norms(queries.view()));
        BytePairs { kernel, points, terms, queries, signed, norms }
    }

    fn from_key(key: u64) -> u64 {
        key
    }

    fn limit(distance: u64) -> u64 {
        // No distance is beyond that, and a search takes the highest key for no limit.
        if distance < i64::MAX.cast_unsigned() { distance + 1 } else { u64::MAX }
    }
}

struct BytePairs<'a> {
    kernel: Kernel,
    points: Rows<'a, u8>,
    terms: &'a [i64],
    queries: Rows<'a, u8>,
    signed: Array2<i8>,
    norms: Vec<u64>,
}

impl PointDistances for BytePairs<'_> {
    fn queries(&self) -> Rows<'_, u8> {
        self.queries
    }

    #[inline]
    fn distance(&self, query: usize, row: usize) -> u64 {
        let signed = contiguous(self.signed.row(query));
        self.distance_of(query, row, self.kernel.long_dot(self.points.row(row), signed))
    }

    #[inline]
    fn distance_of_dot(&self, query: usize, row: usize, dot: i32) -> u64 {
        self.distance_of(query, row, dot.into())
    }

    fn reach(&self, _query: usize, distance: u64) -> f64 {
        (distance as f64).sqrt()
    }

    /// Of equally distant points the first one wins.
    fn reach_squared(&self, _query: usize, distance: u64) -> i64 {
        distance.cast_signed() - 1
    }

    #[inline]
    fn prefetch(&self, row: usize) {
        prefetch(self.points.row(row));
    }
}

impl BytePairs<'_> {
    #[inline]
    fn distance_of(&self, query: usize, row: usize, dot: i64) -> u64 {
        (self.terms[row] + self.norms[query].cast_signed() - 2 * dot).cast_unsigned()
    }
}
