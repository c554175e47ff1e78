//! Vectors of floats. Rounding to bytes shows which points are too far, by a proven bound; the remaining ones are
//! measured in `f64`.
//!
//! A vector's bytes X are its values less a lowest one, in steps of s: clamped to 0..=255, which brings no two
//! vectors farther apart, and rounded. If rounding took lengths a and b from x and q, then
//! |X - Q| <= |x - q| / s + a + b. So a point whose bytes are farther is farther. (Where a value less the lowest
//! overflows, it is clamped as it should be or the same in all vectors at a finite distance.)

use std::sync::Arc;

use ndarray::Array2;

use super::{
    Error,
    engine::{PointDistances, Searchable},
};
use crate::distance::{
    self, Float, Kernel, Rows, Scale, contiguous, largest, ordered_sum, prefetch, vectorize,
};

/// Points as bytes, which decide most queries alone.
#[derive(Clone, Debug)]
pub(super) struct Scaled {
    scale: Scale,
    bytes: Arc<Array2<u8>>,
    /// The largest length of a point's rounding error, in steps.
    most_lost: f64,
}

macro_rules! search_floats {
    ($float:ty) => {
        impl Searchable for $float {
            type Scaled = Scaled;

            const EXACT_COST: f64 = 2.0;

            fn scale(points: Rows<Self>) -> Scaled {
                let scale = Scale::new(points);
                let (bytes, lost) = scale.quantise(points);
                Scaled { scale, bytes: Arc::new(bytes), most_lost: lost.into_iter().fold(0.0, f64::max) }
            }

            fn check(vectors: Rows<Self>, what: &'static str) -> Result<(), Error> {
                match largest(vectors) {
                    Ok(_) => Ok(()),
                    Err((row, column, value)) => Err(Error::NotFinite { what, row, column, value }),
                }
            }

            fn bytes<'a>(_points: Rows<'a, Self>, scaled: &'a Scaled) -> Rows<'a, u8> {
                Rows::new(scaled.bytes.view())
            }

            fn pairs<'a>(
                kernel: Kernel,
                points: Rows<'a, Self>,
                terms: &'a [i64],
                scaled: &'a Scaled,
                queries: Rows<'a, Self>,
            ) -> impl PointDistances + 'a {
                let (bytes, lost) = scaled.scale.quantise(queries);
                let (signed, norms) = (distance::signed(bytes.view()), distance::squared_norms(bytes.view()));
                FloatPairs { kernel, points, terms, scaled, queries, bytes, signed, norms, lost }
            }

            fn from_key(key: u64) -> f64 {
                f64::from_bits(key)
            }

            fn limit(distance: f64) -> u64 {
                // Adding 0 turns -0 into 0. A search takes the highest key for no limit.
                if distance == f64::INFINITY { u64::MAX } else { (distance.max(0.0) + 0.0).to_bits() }
            }
        }
    };
}

search_floats!(f32);
search_floats!(f64);

struct FloatPairs<'a, T> {
    kernel: Kernel,
    points: Rows<'a, T>,
    terms: &'a [i64],
    scaled: &'a Scaled,
    queries: Rows<'a, T>,
    bytes: Array2<u8>,
    signed: Array2<i8>,
    norms: Vec<u64>,
    /// Length of each query's rounding error, in steps.
    lost: Vec<f64>,
}

impl<T: Float> PointDistances for FloatPairs<'_, T> {
    fn queries(&self) -> Rows<'_, u8> {
        Rows::new(self.bytes.view())
    }

    #[inline]
    fn distance(&self, query: usize, row: usize) -> u64 {
        // Bit patterns of non-negative floats have the same order as the floats.
        vectorize!(self.kernel, ordered_sum(self.points.row(row), self.queries.row(query))).to_bits()
    }

    /// Compares bytes first, which are a quarter or an eighth of the size. Vectors with a sketch are short enough for a
    /// single product.
    #[inline]
    fn distance_within(&self, query: usize, row: usize, limit: u64) -> Option<u64> {
        let (point, signed) = (contiguous(self.scaled.bytes.row(row)), contiguous(self.signed.row(query)));
        let dot = i64::from(self.kernel.dot(point, signed));
        let squared = self.terms[row] + self.norms[query].cast_signed() - 2 * dot;
        let too_far = limit != u64::MAX && squared > self.reach_squared(query, limit);
        (!too_far).then(|| self.distance(query, row))
    }

    fn reach(&self, query: usize, distance: u64) -> f64 {
        // d sums and squares lose at most this share in f64, and what underflows is below the square root of the
        // smallest normal number, whatever d.
        let share = (self.points.ncols() + 16) as f64 * f64::EPSILON;
        let length = f64::from_bits(distance).sqrt() * (1.0 + share) + f64::MIN_POSITIVE.sqrt();
        (length / self.scaled.scale.step()) * (1.0 + 1e-12) + self.scaled.most_lost + self.lost[query]
    }

    #[inline]
    fn prefetch(&self, row: usize) {
        prefetch(contiguous(self.scaled.bytes.row(row)));
    }
}
