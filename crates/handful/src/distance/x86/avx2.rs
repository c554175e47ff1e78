//! AVX2: eight sums; bytes are multiplied as 16-bit pairs.

use std::arch::x86_64::{
    __m256i, _mm_loadu_si128, _mm256_add_epi32, _mm256_and_si256, _mm256_castsi256_ps, _mm256_cmpgt_epi32,
    _mm256_cvtepi8_epi16, _mm256_cvtepu8_epi16, _mm256_loadu_si256, _mm256_madd_epi16, _mm256_movemask_ps,
    _mm256_set1_epi16, _mm256_set1_epi32, _mm256_setzero_si256, _mm256_srli_epi16, _mm256_storeu_si256,
    _mm256_sub_epi32,
};

use super::{
    GROUP,
    vector::{Vector, pairs, products},
};

#[derive(Clone, Copy)]
pub(super) struct Bytes256(__m256i);

impl Bytes256 {
    pub(super) fn words(group: [i8; GROUP]) -> [i32; 2] {
        pairs(group)
    }

    /// # Safety
    /// `queries` holds as many vectors of the point's length as there are `dots`.
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn dots(point: &[u8], queries: &[i8], dots: &mut [i32]) {
        for (dot, query) in dots.iter_mut().zip(queries.chunks_exact(point.len().max(1))) {
            // SAFETY: the lengths agree.
            *dot = unsafe { Self::dot(point, query) };
        }
    }

    /// # Safety
    /// The vectors are of equal length.
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn dot(point: &[u8], query: &[i8]) -> i32 {
        let (x, x_rest) = point.as_chunks::<16>();
        let (q, q_rest) = query.as_chunks::<16>();
        let mut sums = _mm256_setzero_si256();
        for (x, q) in x.iter().zip(q) {
            // SAFETY: both hold 16 bytes.
            let (x, q) = unsafe { (_mm_loadu_si128(x.as_ptr().cast()), _mm_loadu_si128(q.as_ptr().cast())) };
            sums =
                _mm256_add_epi32(sums, _mm256_madd_epi16(_mm256_cvtepu8_epi16(x), _mm256_cvtepi8_epi16(q)));
        }
        let mut lanes = [0_i32; 8];
        // SAFETY: there is room for 8 values.
        unsafe { _mm256_storeu_si256(lanes.as_mut_ptr().cast(), sums) };
        lanes.iter().sum::<i32>() + products(x_rest, q_rest)
    }
}

#[expect(clippy::inline_always, reason = "compiled for the instruction set of each caller")]
impl Vector for Bytes256 {
    const WIDTH: usize = 8;
    const WORDS: usize = 2;
    type Points = [__m256i; 2];
    type Query = [__m256i; 2];

    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: the caller's promise.
        Self(unsafe { _mm256_setzero_si256() })
    }

    #[inline(always)]
    unsafe fn points(points: *const [u8; GROUP]) -> Self::Points {
        // SAFETY: the caller's promise.
        unsafe {
            let bytes = _mm256_loadu_si256(points.cast());
            [_mm256_and_si256(bytes, _mm256_set1_epi16(0xff)), _mm256_srli_epi16::<8>(bytes)]
        }
    }

    #[inline(always)]
    unsafe fn query(words: *const i32) -> Self::Query {
        // SAFETY: the caller's promise.
        unsafe { [_mm256_set1_epi32(*words), _mm256_set1_epi32(*words.add(1))] }
    }

    #[inline(always)]
    unsafe fn multiply_add(self, points: Self::Points, query: Self::Query) -> Self {
        // SAFETY: the caller's promise.
        unsafe {
            let even = _mm256_add_epi32(self.0, _mm256_madd_epi16(points[0], query[0]));
            Self(_mm256_add_epi32(even, _mm256_madd_epi16(points[1], query[1])))
        }
    }

    #[inline(always)]
    unsafe fn below(self, base: *const i32, threshold: i32) -> u32 {
        // SAFETY: the caller's promise.
        unsafe {
            let keys = _mm256_sub_epi32(_mm256_loadu_si256(base.cast()), _mm256_add_epi32(self.0, self.0));
            let above = _mm256_cmpgt_epi32(keys, _mm256_set1_epi32(threshold));
            !_mm256_movemask_ps(_mm256_castsi256_ps(above)).cast_unsigned() & 0xff
        }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut i32) {
        // SAFETY: the caller's promise.
        unsafe { _mm256_storeu_si256(to.cast(), self.0) }
    }
}
