//! Vectors of floats: rounded to bytes they tell which points are too far, by a proven bound; what is left is
//! measured in `f64`.
//!
//! A vector's bytes X are its values less a lowest one, in steps of s: clamped to 0..=255, which brings no two
//! vectors farther apart, and rounded. If rounding took lengths a and b from x and q, then
//! |X - Q| <= |x - q| / s + a + b. So a point whose bytes are farther is farther. (Where a value less the lowest
//! overflows, it is clamped as it should be or the same in all vectors at a finite distance.)

use std::ops::Range;

use ndarray::{Array2, ArrayView1, ArrayView2, ArrayViewMut1, Axis, CowArray, Ix2, s};
use rayon::prelude::*;

use super::{
    Error,
    bytes::contiguous,
    engine::{Pairs, Rows, Searchable, Terms},
    evenly,
};
use crate::distance::{Element, Kernel, ordered_sum};

/// Rows that the scale is chosen for; one in so many of them may be clamped.
const SAMPLE: usize = 1024;
const CLAMPED: usize = 512;
/// A number so large that its neighbours differ by one.
const WHOLE: f64 = (1_u64 << 52) as f64;
/// The smallest step: far above it nothing underflows.
const LEAST_STEP: f64 = 1e-290;

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

    /// A row in bytes, and its distance from them, in steps, or a little more.
    pub(crate) fn quantise<T: Float>(&self, row: ArrayView1<T>, mut bytes: ArrayViewMut1<u8>) -> f64 {
        let (mut squares, per_step) = (0.0, 1.0 / self.step);
        for (byte, &value) in bytes.iter_mut().zip(row) {
            let steps = (value.into() - self.lowest) * per_step;
            let whole = steps.clamp(0.0, 255.0) + WHOLE;
            #[expect(clippy::cast_possible_truncation, reason = "the last byte is meant")]
            {
                *byte = whole.to_bits() as u8;
            }
            squares += (steps - (whole - WHOLE)).powi(2);
        }
        // The slack covers what `steps` and the sum are rounded by themselves.
        squares.sqrt() * (1.0 + 1e-9) + 1e-9 * (row.len() as f64).sqrt()
    }

    /// The rows in bytes, and the length that rounding took from each, in steps, or a little more.
    fn round<T: Float>(&self, rows: ArrayView2<T>) -> (Array2<u8>, Vec<f64>) {
        let mut bytes = Array2::zeros(rows.raw_dim());
        let per_step = 1.0 / self.step;
        let lost = bytes.outer_iter_mut().zip(rows.outer_iter()).map(|(mut bytes, row)| {
            let mut lost = 0.0;
            for (byte, &value) in bytes.iter_mut().zip(row) {
                let steps = ((value.into() - self.lowest) * per_step).clamp(0.0, 255.0);
                // The sum has no place for a fraction: it is rounded, and ends in the byte.
                let whole = steps + WHOLE;
                #[expect(clippy::cast_possible_truncation, reason = "the last byte is meant")]
                {
                    *byte = whole.to_bits() as u8;
                }
                lost += (steps - (whole - WHOLE)).powi(2);
            }
            // The slack covers what `steps` and the sum are rounded by themselves.
            lost.sqrt() * (1.0 + 1e-9) + 1e-9 * (row.len() as f64).sqrt()
        });
        let lost = lost.collect();
        (bytes, lost)
    }
}

/// `f32` or `f64`.
pub(crate) trait Float: Element + Into<f64> {}
impl Float for f32 {}
impl Float for f64 {}

macro_rules! search_floats {
    ($float:ty) => {
        impl Searchable for $float {
            type Scale = Scale;

            const EXACT_COST: f64 = 8.0;

            fn scale(points: ArrayView2<Self>) -> Scale {
                Scale::new(points)
            }

            fn check(vectors: ArrayView2<Self>, what: &'static str) -> Result<(), Error> {
                let rows = vectors.axis_iter(Axis(0)).into_par_iter().enumerate();
                let not_finite = rows.find_map_first(|(row, values)| {
                    values.iter().position(|x| !x.is_finite()).map(|column| (row, column))
                });
                if let Some((row, column)) = not_finite {
                    let value = vectors[[row, column]].into();
                    return Err(Error::NotFinite { what, row, column, value });
                }
                Ok(())
            }

            fn rows<'a>(points: ArrayView2<'a, Self>, scale: &'a Scale) -> impl Rows + 'a {
                Scaled { points, scale }
            }

            fn pairs<'a, K: Kernel + 'a>(
                kernel: K,
                points: ArrayView2<'a, Self>,
                terms: &'a Terms,
                scale: &'a Scale,
                queries: ArrayView2<'a, Self>,
            ) -> impl Pairs + 'a {
                let (bytes, lost) = scale.round(queries);
                let queries = CowArray::from(queries);
                let queries = if queries.is_standard_layout() {
                    queries
                } else {
                    queries.as_standard_layout().into_owned().into()
                };
                FloatPairs { kernel, points, scale, most_lost: terms.most_lost, queries, bytes, lost }
            }

            fn from_key(key: u64) -> f64 {
                f64::from_bits(key)
            }
        }
    };
}

search_floats!(f32);
search_floats!(f64);

struct Scaled<'a, T> {
    points: ArrayView2<'a, T>,
    scale: &'a Scale,
}

impl<T: Float> Rows for Scaled<'_, T> {
    fn dim(&self) -> (usize, usize) {
        self.points.dim()
    }

    fn bytes(&self, rows: Range<usize>) -> CowArray<'_, u8, Ix2> {
        self.scale.round(self.points.slice(s![rows, ..])).0.into()
    }

    fn gather(&self, rows: &[usize]) -> Array2<u8> {
        self.scale.round(self.points.select(Axis(0), rows).view()).0
    }

    fn terms(&self, rows: Range<usize>) -> Terms {
        let (bytes, lost) = self.scale.round(self.points.slice(s![rows, ..]));
        Terms::new(bytes.view(), lost.into_iter().fold(0.0, f64::max))
    }
}

struct FloatPairs<'a, K, T> {
    kernel: K,
    points: ArrayView2<'a, T>,
    scale: &'a Scale,
    most_lost: f64,
    queries: CowArray<'a, T, Ix2>,
    bytes: Array2<u8>,
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

    fn reach(&self, query: usize, distance: u64) -> f64 {
        // d sums and squares lose at most this share in f64, and what underflows is below the square root of
        // the smallest normal number, whatever d.
        let share = (self.points.ncols() + 16) as f64 * f64::EPSILON;
        let length = f64::from_bits(distance).sqrt() * (1.0 + share) + f64::MIN_POSITIVE.sqrt();
        (length / self.scale.step) * (1.0 + 1e-12) + self.most_lost + self.lost[query]
    }

    #[inline]
    fn prefetch(&self, row: usize) {
        self.kernel.prefetch(contiguous(self.points.row(row)));
    }
}
