//! Vectors of bytes: their distances are whole numbers, and the results of the kernels are final.

use ndarray::{Array2, ArrayView2};

use super::{
    Error,
    engine::{PointDistances, Searchable},
};
use crate::distance::{self, Kernel, MOST_DIMENSIONS, contiguous, prefetch};

impl Searchable for u8 {
    type Scaled = ();

    const EXACT_COST: f64 = 1.0;

    fn scale(_points: ArrayView2<Self>) {}

    fn check(_vectors: ArrayView2<Self>, _what: &'static str) -> Result<(), Error> {
        Ok(())
    }

    fn bytes<'a>(points: ArrayView2<'a, Self>, (): &'a ()) -> ArrayView2<'a, u8> {
        points
    }

    fn pairs<'a>(
        kernel: Kernel,
        points: ArrayView2<'a, Self>,
        terms: &'a [i64],
        (): &'a (),
        queries: ArrayView2<'a, Self>,
    ) -> impl PointDistances + 'a {
        let (signed, norms) = (distance::signed(queries), distance::squared_norms(queries));
        BytePairs { kernel, points, terms, queries, signed, norms }
    }

    fn from_key(key: u64) -> u64 {
        key
    }
}

struct BytePairs<'a> {
    kernel: Kernel,
    points: ArrayView2<'a, u8>,
    terms: &'a [i64],
    queries: ArrayView2<'a, u8>,
    signed: Array2<i8>,
    norms: Vec<u64>,
}

impl PointDistances for BytePairs<'_> {
    fn queries(&self) -> ArrayView2<'_, u8> {
        self.queries
    }

    #[inline]
    fn distance(&self, query: usize, row: usize) -> u64 {
        let (point, signed) = (contiguous(self.points.row(row)), contiguous(self.signed.row(query)));
        if point.len() <= MOST_DIMENSIONS {
            return self.distance_of_dot(query, row, self.kernel.dot(point, signed));
        }
        let parts = point.chunks(MOST_DIMENSIONS).zip(signed.chunks(MOST_DIMENSIONS));
        self.distance_of(query, row, parts.map(|(x, q)| i64::from(self.kernel.dot(x, q))).sum())
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
        prefetch(contiguous(self.points.row(row)));
    }
}

impl BytePairs<'_> {
    #[inline]
    fn distance_of(&self, query: usize, row: usize, dot: i64) -> u64 {
        (self.terms[row] + self.norms[query].cast_signed() - 2 * dot).cast_unsigned()
    }
}
