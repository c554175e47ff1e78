//! AVX-512 without VNNI: sixteen sums; bytes are multiplied as 16-bit pairs.

use std::arch::x86_64::{
    __m512i, _mm256_loadu_si256, _mm512_add_epi32, _mm512_and_si512, _mm512_cmple_epi32_mask,
    _mm512_cvtepi8_epi16, _mm512_cvtepu8_epi16, _mm512_loadu_si512, _mm512_madd_epi16,
    _mm512_reduce_add_epi32, _mm512_set1_epi16, _mm512_set1_epi32, _mm512_setzero_si512, _mm512_srli_epi16,
    _mm512_storeu_si512, _mm512_sub_epi32,
};

use super::{
    GROUP,
    vector::{Vector, pairs, products},
};

#[derive(Clone, Copy)]
pub(super) struct Bytes512(__m512i);

impl Bytes512 {
    pub(super) fn words(group: [i8; GROUP]) -> [i32; 2] {
        pairs(group)
    }

    /// # Safety
    /// `queries` holds as many vectors of the point's length as there are `dots`.
    #[target_feature(enable = "avx512f,avx512bw")]
    pub(super) unsafe fn dots(point: &[u8], queries: &[i8], dots: &mut [i32]) {
        for (dot, query) in dots.iter_mut().zip(queries.chunks_exact(point.len().max(1))) {
            // SAFETY: the lengths agree.
            *dot = unsafe { Self::dot(point, query) };
        }
    }

    /// # Safety
    /// The vectors are of equal length.
    #[target_feature(enable = "avx512f,avx512bw")]
    pub(super) unsafe fn dot(point: &[u8], query: &[i8]) -> i32 {
        let (x, x_rest) = point.as_chunks::<32>();
        let (q, q_rest) = query.as_chunks::<32>();
        let mut sums = _mm512_setzero_si512();
        for (x, q) in x.iter().zip(q) {
            // SAFETY: both hold 32 bytes.
            let (x, q) =
                unsafe { (_mm256_loadu_si256(x.as_ptr().cast()), _mm256_loadu_si256(q.as_ptr().cast())) };
            sums =
                _mm512_add_epi32(sums, _mm512_madd_epi16(_mm512_cvtepu8_epi16(x), _mm512_cvtepi8_epi16(q)));
        }
        _mm512_reduce_add_epi32(sums) + products(x_rest, q_rest)
    }
}

#[expect(clippy::inline_always, reason = "compiled for the instruction set of each caller")]
impl Vector for Bytes512 {
    const WIDTH: usize = 16;
    const WORDS: usize = 2;
    type Points = [__m512i; 2];
    type Query = [__m512i; 2];

    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: the caller's promise.
        Self(unsafe { _mm512_setzero_si512() })
    }

    #[inline(always)]
    unsafe fn points(points: *const [u8; GROUP]) -> Self::Points {
        // SAFETY: the caller's promise.
        unsafe {
            let bytes = _mm512_loadu_si512(points.cast());
            [_mm512_and_si512(bytes, _mm512_set1_epi16(0xff)), _mm512_srli_epi16::<8>(bytes)]
        }
    }

    #[inline(always)]
    unsafe fn query(words: *const i32) -> Self::Query {
        // SAFETY: the caller's promise.
        unsafe { [_mm512_set1_epi32(*words), _mm512_set1_epi32(*words.add(1))] }
    }

    #[inline(always)]
    unsafe fn multiply_add(self, points: Self::Points, query: Self::Query) -> Self {
        // SAFETY: the caller's promise.
        unsafe {
            let even = _mm512_add_epi32(self.0, _mm512_madd_epi16(points[0], query[0]));
            Self(_mm512_add_epi32(even, _mm512_madd_epi16(points[1], query[1])))
        }
    }

    #[inline(always)]
    unsafe fn below(self, base: *const i32, threshold: i32) -> u32 {
        // SAFETY: the caller's promise.
        unsafe { below512(self.0, base, threshold) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut i32) {
        // SAFETY: the caller's promise.
        unsafe { _mm512_storeu_si512(to.cast(), self.0) }
    }
}

/// # Safety
/// As [`Vector::below`].
#[inline(always)]
#[expect(clippy::inline_always, reason = "compiled for the instruction set of each caller")]
pub(super) unsafe fn below512(dots: __m512i, base: *const i32, threshold: i32) -> u32 {
    // SAFETY: the caller's promise.
    unsafe {
        let keys = _mm512_sub_epi32(_mm512_loadu_si512(base.cast()), _mm512_add_epi32(dots, dots));
        _mm512_cmple_epi32_mask(keys, _mm512_set1_epi32(threshold)).into()
    }
}
