//! Vectors of floats: rounded to bytes they tell which points are too far, by a proven bound; what is left is
//! measured in `f64`.
//!
//! A vector's bytes X are its values less a lowest one, in steps of s: clamped to 0..=255, which brings no two
//! vectors farther apart, and rounded. If rounding took lengths a and b from x and q, then
//! |X - Q| <= |x - q| / s + a + b. So a point whose bytes are farther is farther. (Where a value less the lowest
//! overflows, it is clamped as it should be or the same in all vectors at a finite distance.)

use std::sync::Arc;

use ndarray::{Array2, ArrayView1, ArrayView2, ArrayViewMut1, Axis, CowArray, Ix2};
use rayon::prelude::*;

use super::{
    Error,
    bytes::{CONTIGUOUS, contiguous},
    engine::{Pairs, Searchable},
    evenly,
};
use crate::distance::{self, Element, Kernel, Level, ordered_sum, with_kernel};

/// Rows that the scale is chosen for; one in so many of them may be clamped.
const SAMPLE: usize = 1024;
const CLAMPED: usize = 512;
/// A number so large that its neighbours differ by one.
const WHOLE: f64 = (1_u64 << 52) as f64;
/// The smallest step: far above it nothing underflows.
const LEAST_STEP: f64 = 1e-290;
/// Squares of differences of larger values might overflow when they are summed.
pub(crate) const LARGEST: f64 = 1e150;

/// How floats become bytes.
#[derive(Clone, Debug)]
pub(crate) struct Scale {
    lowest: f64,
    step: f64,
}

impl Scale {
    pub(crate) fn new<T: Float>(points: ArrayView2<T>) -> Self {
        let sampled = evenly(points.nrows(), points.nrows().min(SAMPLE));
        let of_rows = |extreme: fn(f64, f64) -> f64, start| {
            let of_row = |&row: &usize| points.row(row).iter().map(|&x| x.into()).fold(start, extreme);
            let mut extremes: Vec<f64> = sampled.iter().map(of_row).collect();
            extremes.sort_by(f64::total_cmp);
            extremes
        };
        let (lowest, highest) = (of_rows(f64::min, f64::MAX), of_rows(f64::max, f64::MIN));
        let clamped = sampled.len() / CLAMPED;
        let (Some(&lowest), Some(&highest)) = (lowest.get(clamped), highest.iter().rev().nth(clamped)) else {
            return Self { lowest: 0.0, step: 1.0 };
        };
        // Divided one by one, so that the widest range does not overflow.
        Self { lowest, step: (highest / 255.0 - lowest / 255.0).max(LEAST_STEP) }
    }

    pub(crate) fn step(&self) -> f64 {
        self.step
    }

    /// The rows in bytes, and how far each is from them, in steps, or a little more; on all threads. Rows are contiguous.
    pub(crate) fn quantise<T: Float>(&self, rows: ArrayView2<T>) -> (Array2<u8>, Vec<f64>) {
        let mut bytes = Array2::zeros(rows.raw_dim());
        let lost = with_kernel!(Level::detect(), |kernel| {
            let pairs = bytes.axis_iter_mut(Axis(0)).into_par_iter().zip(rows.axis_iter(Axis(0)));
            let quantise = |(mut bytes, row): (ArrayViewMut1<u8>, ArrayView1<T>)| {
                kernel.run(|| self.quantise_row(contiguous(row), bytes.as_slice_mut().expect(CONTIGUOUS)))
            };
            pairs.map(quantise).collect()
        });
        (bytes, lost)
    }

    #[inline(always)]
    fn quantise_row<T: Float>(&self, row: &[T], bytes: &mut [u8]) -> f64 {
        const SUMS: usize = 16;
        let (mut squares, per_step) = ([0.0; SUMS], 1.0 / self.step);
        let mut quantise = |bytes: &mut [u8], values: &[T]| {
            for ((byte, &value), squares) in bytes.iter_mut().zip(values).zip(&mut squares) {
                let steps = (value.into() - self.lowest) * per_step;
                // The sum has no place for a fraction: it is rounded, and ends in the byte.
                let whole = steps.clamp(0.0, 255.0) + WHOLE;
                #[expect(clippy::cast_possible_truncation, reason = "the last byte is meant")]
                {
                    *byte = whole.to_bits() as u8;
                }
                *squares += (steps - (whole - WHOLE)).powi(2);
            }
        };
        let ((bytes, bytes_rest), (values, values_rest)) =
            (bytes.as_chunks_mut::<SUMS>(), row.as_chunks::<SUMS>());
        bytes.iter_mut().zip(values).for_each(|(bytes, values)| quantise(bytes, values));
        quantise(bytes_rest, values_rest);
        // The slack covers what `steps` and the sum are rounded by themselves.
        squares.iter().sum::<f64>().sqrt() * (1.0 + 1e-9) + 1e-9 * (row.len() as f64).sqrt()
    }
}

/// Points as bytes: most queries are decided by these alone.
#[derive(Clone, Debug)]
pub(super) struct Scaled {
    scale: Scale,
    bytes: Arc<Array2<u8>>,
    /// The largest length that rounding took from a point, in steps.
    most_lost: f64,
}

/// `f32` or `f64`.
pub(crate) trait Float: Element + Into<f64> {}
impl Float for f32 {}
impl Float for f64 {}

/// The size of the largest value; or row, column and value of the first that no sum of squares can be made of: NaN, or more
/// than [`LARGEST`] in size.
pub(crate) fn largest<T: Float>(values: ArrayView2<T>) -> Result<f64, (usize, usize, f64)> {
    // Bits of sizes are ordered as these are, with NaN above all, and their maximum can be taken many at a time.
    let bits = |x: T| x.into().abs().to_bits();
    let largest = with_kernel!(Level::detect(), |kernel| {
        let of_row = |row: ArrayView1<T>| match row.to_slice() {
            Some(row) => kernel.run(|| row.iter().fold(0, |largest, &x| bits(x).max(largest))),
            None => row.fold(0, |largest, &x| bits(x).max(largest)),
        };
        values.axis_iter(Axis(0)).into_par_iter().map(of_row).max().unwrap_or_default()
    });
    let largest = f64::from_bits(largest);
    if largest <= LARGEST {
        return Ok(largest);
    }
    let fits = |x: T| (-LARGEST..=LARGEST).contains(&x.into());
    let wrong = values.indexed_iter().find(|&(_, &x)| !fits(x));
    let ((row, column), &value) = wrong.expect("one is too large");
    Err((row, column, value.into()))
}

macro_rules! search_floats {
    ($float:ty) => {
        impl Searchable for $float {
            type Scaled = Scaled;

            const EXACT_COST: f64 = 2.0;

            fn scale(points: ArrayView2<Self>) -> Scaled {
                let scale = Scale::new(points);
                let (bytes, lost) = scale.quantise(points);
                Scaled { scale, bytes: Arc::new(bytes), most_lost: lost.into_iter().fold(0.0, f64::max) }
            }

            fn check(vectors: ArrayView2<Self>, what: &'static str) -> Result<(), Error> {
                match largest(vectors) {
                    Ok(_) => Ok(()),
                    Err((row, column, value)) => Err(Error::NotFinite { what, row, column, value }),
                }
            }

            fn bytes<'a>(_points: ArrayView2<'a, Self>, scaled: &'a Scaled) -> ArrayView2<'a, u8> {
                scaled.bytes.view()
            }

            fn pairs<'a, K: Kernel + 'a>(
                kernel: K,
                points: ArrayView2<'a, Self>,
                terms: &'a [i64],
                scaled: &'a Scaled,
                queries: ArrayView2<'a, Self>,
            ) -> impl Pairs + 'a {
                let queries = CowArray::from(queries);
                let queries = if queries.is_standard_layout() {
                    queries
                } else {
                    queries.as_standard_layout().into_owned().into()
                };
                let (bytes, lost) = scaled.scale.quantise(queries.view());
                let (signed, norms) = (distance::signed(bytes.view()), distance::squared_norms(bytes.view()));
                FloatPairs { kernel, points, terms, scaled, queries, bytes, signed, norms, lost }
            }

            fn from_key(key: u64) -> f64 {
                f64::from_bits(key)
            }
        }
    };
}

search_floats!(f32);
search_floats!(f64);

struct FloatPairs<'a, K, T> {
    kernel: K,
    points: ArrayView2<'a, T>,
    terms: &'a [i64],
    scaled: &'a Scaled,
    queries: CowArray<'a, T, Ix2>,
    bytes: Array2<u8>,
    signed: Array2<i8>,
    norms: Vec<u64>,
    /// What rounding took from each query, in steps.
    lost: Vec<f64>,
}

impl<K: Kernel, T: Float> Pairs for FloatPairs<'_, K, T> {
    fn queries(&self) -> ArrayView2<'_, u8> {
        self.bytes.view()
    }

    #[inline]
    fn distance(&self, query: usize, row: usize) -> u64 {
        // Bits of floats that are not negative are ordered as the floats are.
        let (point, query) = (contiguous(self.points.row(row)), contiguous(self.queries.row(query)));
        self.kernel.run(|| ordered_sum(point, query)).to_bits()
    }

    /// By bytes first, which are a quarter or an eighth as long. Sketched vectors are short enough for one product.
    #[inline]
    fn distance_within(&self, query: usize, row: usize, limit: u64) -> Option<u64> {
        let (point, signed) = (contiguous(self.scaled.bytes.row(row)), contiguous(self.signed.row(query)));
        let dot = i64::from(self.kernel.dot(point, signed));
        let squared = self.terms[row] + self.norms[query].cast_signed() - 2 * dot;
        let too_far = limit != u64::MAX && squared > self.reach_squared(query, limit);
        (!too_far).then(|| self.distance(query, row))
    }

    fn reach(&self, query: usize, distance: u64) -> f64 {
        // d sums and squares lose at most this share in f64, and what underflows is below the square root of
        // the smallest normal number, whatever d.
        let share = (self.points.ncols() + 16) as f64 * f64::EPSILON;
        let length = f64::from_bits(distance).sqrt() * (1.0 + share) + f64::MIN_POSITIVE.sqrt();
        (length / self.scaled.scale.step) * (1.0 + 1e-12) + self.scaled.most_lost + self.lost[query]
    }

    #[inline]
    fn prefetch(&self, row: usize) {
        self.kernel.prefetch(contiguous(self.scaled.bytes.row(row)));
    }
}
