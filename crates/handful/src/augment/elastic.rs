//! A smooth random field: noise on a coarse grid, smoothed by a Gaussian.
//!
//! A Gaussian removes everything that changes faster than its width. Noise at intervals of one width therefore suffices
//! instead of noise at every pixel, and the work per pixel is small and does not depend on the smoothness.

/// Number of grid points that affect a pixel along one axis: three widths to one side, four to the other, and its own.
const REACH: usize = 8;

/// One axis of the field: for each pixel, the first grid point that affects it, and the weights of all that do.
#[derive(Clone, Debug)]
pub(super) struct Smoothing {
    firsts: Vec<usize>,
    weights: Vec<[f32; REACH]>,
}

impl Smoothing {
    /// Over `n_pixels` pixels, by a Gaussian whose standard deviation is `width` times that. Independent noise of
    /// variance 1 keeps its variance.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few grid points; weights")]
    pub(super) fn new(n_pixels: usize, width: f64) -> Self {
        let (mut firsts, mut weights) = (Vec::with_capacity(n_pixels), Vec::with_capacity(n_pixels));
        for pixel in 0..n_pixels {
            let place = pixel as f64 / (width * n_pixels as f64);
            let first = place.floor();
            let own = (REACH / 2 - 1) as f64 + place - first;
            let gaussian = |i: usize| libm::exp(-0.5 * (i as f64 - own) * (i as f64 - own));
            let reach: [f64; REACH] = std::array::from_fn(gaussian);
            let length = reach.iter().map(|weight| weight * weight).sum::<f64>().sqrt();
            firsts.push(first as usize);
            weights.push(reach.map(|weight| (weight / length) as f32));
        }
        Self { firsts, weights }
    }

    /// Number of pixels along the axis.
    pub(super) fn n_pixels(&self) -> usize {
        self.firsts.len()
    }

    /// Number of grid points along the axis.
    pub(super) fn n_points(&self) -> usize {
        self.firsts.last().map_or(0, |last| last + REACH)
    }

    /// Smooths rows of noise, one per grid point, to rows, one per pixel.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "compiled for the instruction set of each caller")]
    pub(super) fn spread(&self, noise: &[f32], row_len: usize, smooth: &mut [f32]) {
        let rows = smooth.chunks_exact_mut(row_len).zip(self.firsts.iter().zip(&self.weights));
        for (row, (&first, weights)) in rows {
            row.fill(0.0);
            for (noise, &weight) in noise[first * row_len..].chunks_exact(row_len).zip(weights) {
                row.iter_mut().zip(noise).for_each(|(sum, &value)| *sum += weight * value);
            }
        }
    }
}
