//! AVX-512 with VNNI: sixteen sums; a single instruction multiplies four bytes of each.

use std::arch::x86_64::{
    __m512i, _mm512_add_epi32, _mm512_dpbusd_epi32, _mm512_loadu_si512, _mm512_maskz_loadu_epi8,
    _mm512_reduce_add_epi32, _mm512_set1_epi32, _mm512_setzero_si512, _mm512_storeu_si512,
};

use super::{GROUP, avx512::below512, vector::Vector};

#[derive(Clone, Copy)]
pub(super) struct Vnni512(__m512i);

impl Vnni512 {
    pub(super) fn words(group: [i8; GROUP]) -> [i32; 1] {
        [i32::from_le_bytes(group.map(i8::cast_unsigned))]
    }

    /// # Safety
    /// `queries` holds as many vectors of the point's length as there are `dots`.
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    pub(super) unsafe fn dots(point: &[u8], queries: &[i8], dots: &mut [i32]) {
        let (mut queries, mut dots) = (queries, dots);
        while !dots.is_empty() {
            // Four sums at once hide the latency; of five, two and three are faster than four and one.
            let now = if dots.len() == 5 { 3 } else { dots.len().min(4) };
            let (these, others) = queries.split_at(now * point.len());
            let (found, rest) = dots.split_at_mut(now);
            // SAFETY: the numbers of queries and of dot products are equal each time.
            unsafe {
                match now {
                    1 => Self::dots_of::<1>(point, these, found),
                    2 => Self::dots_of::<2>(point, these, found),
                    3 => Self::dots_of::<3>(point, these, found),
                    _ => Self::dots_of::<4>(point, these, found),
                }
            }
            (queries, dots) = (others, rest);
        }
    }

    /// # Safety
    /// `queries` holds `N` vectors of the point's length.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    unsafe fn dots_of<const N: usize>(point: &[u8], queries: &[i8], dots: &mut [i32]) {
        let mut sums = [_mm512_setzero_si512(); N];
        let (whole, tail) = (point.len() / 64 * 64, point.len() % 64);
        let there = (1_u64 << tail) - 1;
        // SAFETY: only existing bytes are read.
        unsafe {
            for first in (0..whole).step_by(64) {
                let x = _mm512_loadu_si512(point.as_ptr().add(first).cast());
                for (q, sum) in sums.iter_mut().enumerate() {
                    let query = queries.as_ptr().add(q * point.len() + first);
                    *sum = _mm512_dpbusd_epi32(*sum, x, _mm512_loadu_si512(query.cast()));
                }
            }
            let x = _mm512_maskz_loadu_epi8(there, point.as_ptr().add(whole).cast());
            for (q, sum) in sums.iter_mut().enumerate() {
                let query = queries.as_ptr().add(q * point.len() + whole);
                *sum = _mm512_dpbusd_epi32(*sum, x, _mm512_maskz_loadu_epi8(there, query));
            }
        }
        for (dot, sum) in dots.iter_mut().zip(sums) {
            *dot = _mm512_reduce_add_epi32(sum);
        }
    }

    /// # Safety
    /// The vectors are of equal length.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    pub(super) unsafe fn dot(point: &[u8], query: &[i8]) -> i32 {
        let (x, x_rest) = point.as_chunks::<64>();
        let (q, q_rest) = query.as_chunks::<64>();
        let mut sums = [_mm512_setzero_si512(); 2];
        for (i, (x, q)) in x.iter().zip(q).enumerate() {
            // SAFETY: both hold 64 bytes.
            let (x, q) =
                unsafe { (_mm512_loadu_si512(x.as_ptr().cast()), _mm512_loadu_si512(q.as_ptr().cast())) };
            sums[i % 2] = _mm512_dpbusd_epi32(sums[i % 2], x, q);
        }
        let rest = (1_u64 << x_rest.len()) - 1;
        // SAFETY: only existing bytes are read.
        let (x, q) = unsafe {
            (
                _mm512_maskz_loadu_epi8(rest, x_rest.as_ptr().cast()),
                _mm512_maskz_loadu_epi8(rest, q_rest.as_ptr()),
            )
        };
        _mm512_reduce_add_epi32(_mm512_dpbusd_epi32(_mm512_add_epi32(sums[0], sums[1]), x, q))
    }
}

#[expect(clippy::inline_always, reason = "compiled for the instruction set of each caller")]
impl Vector for Vnni512 {
    const WIDTH: usize = 16;
    const WORDS: usize = 1;
    type Points = __m512i;
    type Query = __m512i;

    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: the caller's promise.
        Self(unsafe { _mm512_setzero_si512() })
    }

    #[inline(always)]
    unsafe fn points(points: *const [u8; GROUP]) -> Self::Points {
        // SAFETY: the caller's promise.
        unsafe { _mm512_loadu_si512(points.cast()) }
    }

    #[inline(always)]
    unsafe fn query(words: *const i32) -> Self::Query {
        // SAFETY: the caller's promise.
        unsafe { _mm512_set1_epi32(*words) }
    }

    #[inline(always)]
    unsafe fn multiply_add(self, points: Self::Points, query: Self::Query) -> Self {
        // SAFETY: the caller's promise.
        Self(unsafe { _mm512_dpbusd_epi32(self.0, points, query) })
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
