//! Divides grey values into two groups: dark and light.

use ndarray::Array2;

/// The two groups that explain most of the variance: Otsu's method (A threshold selection method from gray-level
/// histograms, 1979), equivalent to K-Means with two clusters.
pub(super) struct Groups {
    /// Darker pixels belong to one group, lighter ones to the other.
    pub(super) threshold: f32,
    /// The difference between the means of the groups.
    pub(super) contrast: f32,
}

impl Groups {
    pub(super) fn of(picture: &Array2<f32>) -> Self {
        let mut counts = [0_u32; 256];
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0 to 255")]
        for value in picture {
            counts[value.clamp(0.0, 255.0).round() as usize] += 1;
        }
        let histogram = || counts.iter().enumerate().map(|(grey, &count)| (grey as f64, f64::from(count)));
        let n = picture.len() as f64;
        let sum: f64 = histogram().map(|(grey, count)| grey * count).sum();
        let (mut n_dark, mut sum_dark) = (0.0, 0.0);
        let (mut most, mut contrast, mut thresholds) = (0.0, 0.0, Vec::new());
        for (grey, count) in histogram() {
            n_dark += count;
            sum_dark += grey * count;
            let n_light = n - n_dark;
            if n_dark == 0.0 || n_light == 0.0 {
                continue;
            }
            let difference = (sum - sum_dark) / n_light - sum_dark / n_dark;
            let between = n_dark * n_light * difference * difference;
            if between > most {
                (most, contrast) = (between, difference);
                thresholds.clear();
            }
            // All thresholds between two groups are equally good, so their mean is taken.
            #[expect(clippy::float_cmp, reason = "without pixels of a grey value nothing changes")]
            if between == most {
                thresholds.push(grey + 0.5);
            }
        }
        let threshold = thresholds.iter().sum::<f64>() / thresholds.len().max(1) as f64;
        #[expect(clippy::cast_possible_truncation, reason = "grey values")]
        Self { threshold: threshold as f32, contrast: contrast as f32 }
    }
}

/// In smaller pictures nearly all pixels are at the edges of strokes, where noise cannot be distinguished from ink.
const LEAST_PIXELS: usize = 400;
/// The lower quartile of a normal variable's absolute value.
const LOWER_QUARTILE: f32 = 0.319;

/// The standard deviation of a picture's noise, whatever is drawn on it. It is estimated from second differences, which
/// uneven light and straight edges do not change (Immerkær, Fast noise variance estimation, 1996), by their lower
/// quartile, because many are at edges. 0 for a picture that is too small for an estimate.
pub(super) fn noise(picture: &Array2<f32>) -> f32 {
    let second_difference = |window: ndarray::ArrayView2<f32>| {
        let corners = window[[0, 0]] + window[[0, 2]] + window[[2, 0]] + window[[2, 2]];
        let sides = window[[0, 1]] + window[[1, 0]] + window[[1, 2]] + window[[2, 1]];
        (corners - 2.0 * sides + 4.0 * window[[1, 1]]).abs()
    };
    let mut differences: Vec<f32> = picture.windows((3, 3)).into_iter().map(second_difference).collect();
    if differences.len() < LEAST_PIXELS {
        return 0.0;
    }
    let place = differences.len() / 4;
    let quartile = *differences.select_nth_unstable_by(place, f32::total_cmp).1;
    // The squares of the weights of a second difference add up to 36.
    quartile / LOWER_QUARTILE / 6.0
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

    use super::*;

    #[test]
    fn groups_are_those_of_the_grey_values() {
        let picture = Array2::from_shape_fn((20, 10), |(y, _)| if y < 3 { 200.0 } else { 40.0 });
        let groups = Groups::of(&picture);
        assert!((groups.threshold - 120.0).abs() + (groups.contrast - 160.0).abs() < 1e-3);
        assert!(Groups::of(&Array2::from_elem((5, 5), 7.0)).contrast < 1e-6);
    }

    #[test]
    fn noise_is_told_from_strokes_and_from_light() {
        let mut random = ChaCha8Rng::seed_from_u64(0);
        let stroke = |y: usize, x: usize| if (30..40).contains(&x) && y > 10 { 100.0 } else { 0.0 };
        let clean = Array2::from_shape_fn((80, 80), |(y, x)| stroke(y, x) + (y + x) as f32);
        assert!(noise(&clean) < 0.5);
        // Uniform noise in a range of 20 has a standard deviation of 5.8.
        let noisy = clean.mapv(|value| value + random.random_range(-10.0_f32..10.0));
        assert!((4.5..7.0).contains(&noise(&noisy)), "{}", noise(&noisy));
    }
}
