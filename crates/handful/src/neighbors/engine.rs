//! What a search asks of vectors: bytes for the kernels, and exact distances for the verdict.

use std::{fmt::Debug, ops::Range};

use ndarray::{Array2, ArrayView2, CowArray, Ix2};
use rayon::prelude::*;

use super::Error;
use crate::distance::{self, Element, Kernel, OFFSET};

/// An [`Element`] whose vectors can be searched.
pub(super) trait Searchable: Element {
    /// How vectors become bytes.
    type Scale: Clone + Debug + Send + Sync;

    /// How many times longer an exact distance takes than one between bytes.
    const EXACT_COST: f64;

    /// A scale for these points.
    fn scale(points: ArrayView2<Self>) -> Self::Scale;

    /// Values that no distance can be measured to are errors.
    fn check(vectors: ArrayView2<Self>, what: &'static str) -> Result<(), Error>;

    /// Points as bytes.
    fn rows<'a>(points: ArrayView2<'a, Self>, scale: &'a Self::Scale) -> impl Rows + 'a;

    /// Points, with their terms, and the queries that they are compared with.
    fn pairs<'a, K: Kernel + 'a>(
        kernel: K,
        points: ArrayView2<'a, Self>,
        terms: &'a Terms,
        scale: &'a Self::Scale,
        queries: ArrayView2<'a, Self>,
    ) -> impl Pairs + 'a;

    /// The distance that a key of [`Pairs::distance`] stands for.
    fn from_key(key: u64) -> Self::Distance;
}

/// Points as bytes.
pub(super) trait Rows: Sync {
    /// Points and features.
    fn dim(&self) -> (usize, usize);

    fn bytes(&self, rows: Range<usize>) -> CowArray<'_, u8, Ix2>;

    fn gather(&self, rows: &[usize]) -> Array2<u8>;

    fn terms(&self, rows: Range<usize>) -> Terms {
        Terms::new(self.bytes(rows).view(), 0.0)
    }
}

/// What a search wants to know of each point beside its bytes.
#[derive(Clone, Debug, Default)]
pub(super) struct Terms {
    /// What |x - q|² has of a point alone once q is taken as signed bytes: |x|² - 256 Σx.
    pub(super) values: Vec<i64>,
    /// The largest length that rounding to bytes took from a point.
    pub(super) most_lost: f64,
}

impl Terms {
    pub(super) fn new(bytes: ArrayView2<u8>, most_lost: f64) -> Self {
        let term = |(norm, sum): (u64, i64)| norm.cast_signed() - 2 * OFFSET * sum;
        let norms_and_sums = distance::squared_norms(bytes).into_iter().zip(distance::sums(bytes));
        Self { values: norms_and_sums.map(term).collect(), most_lost }
    }

    /// Of all points, on all threads.
    pub(super) fn of_all(rows: &impl Rows) -> Self {
        const CHUNK: usize = 1024;
        let n = rows.dim().0;
        let chunks: Vec<Self> = (0..n.div_ceil(CHUNK))
            .into_par_iter()
            .map(|chunk| rows.terms(chunk * CHUNK..n.min((chunk + 1) * CHUNK)))
            .collect();
        let mut all = Self { values: Vec::with_capacity(n), most_lost: 0.0 };
        for chunk in chunks {
            all.values.extend(chunk.values);
            all.most_lost = all.most_lost.max(chunk.most_lost);
        }
        all
    }
}

/// Points and queries, as bytes and as they are.
pub(super) trait Pairs: Sync {
    /// The queries as bytes.
    fn queries(&self) -> ArrayView2<'_, u8>;

    /// The squared distance of a query from a point: a key, larger for what is farther.
    fn distance(&self, query: usize, row: usize) -> u64;

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
