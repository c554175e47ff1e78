//! How unlike all others images are.

use ndarray::{ArrayView2, Axis};

use super::Error;
use crate::{features::Pca, progress::Tally};

/// Number of components that describe usual images. With more, strange images have components of their own.
const N_COMPONENTS: usize = 40;
/// Number of parts. The components that measure an image are learned from the other parts.
const PARTS: usize = 5;
/// An image is strange if the logarithm of its distance is farther above the upper quartile than so many interquartile
/// ranges (Tukey 1977).
const FENCE: f64 = 1.5;

/// For each image, its distance from what is usual in others: from the subspace of their components, relative to the
/// median. Infinite without ink.
pub(super) fn scores(cells: ArrayView2<u8>, has_ink: &[bool], tally: &Tally) -> Result<Vec<f64>, Error> {
    let n = cells.nrows();
    let mut found = vec![1.0; n];
    // Neighbouring rows are often of one class: each part has its share of them.
    for part in 0..PARTS.min(n) {
        let (own, rest): (Vec<usize>, Vec<usize>) =
            (0..n).filter(|&row| has_ink[row]).partition(|row| row % PARTS == part);
        // With as many components as images or values, nothing would be left over.
        let n_components = N_COMPONENTS.min(rest.len() / 2).min(cells.ncols() / 2);
        if own.is_empty() || n_components == 0 {
            continue;
        }
        let pca = Pca::fit_observed(cells.select(Axis(0), &rest).view(), n_components, 0.0, tally)?;
        let residuals = pca.residuals(cells.select(Axis(0), &own).view());
        own.into_iter().zip(residuals).for_each(|(row, residual)| found[row] = residual.sqrt());
        tally.add(n / PARTS)?;
    }
    let median = quantile(&found, 0.5);
    let relative = |(score, &has_ink): (f64, &bool)| match median {
        _ if !has_ink => f64::INFINITY,
        median if median > 0.0 => score / median,
        _ => 1.0,
    };
    Ok(found.into_iter().zip(has_ink).map(relative).collect())
}

/// Rows of the images that are stranger than usual, strangest first.
pub(super) fn beyond_fence(scores: &[f64]) -> Vec<usize> {
    let logarithms: Vec<f64> = scores.iter().map(|score| score.max(f64::MIN_POSITIVE).ln()).collect();
    let (low, high) = (quantile(&logarithms, 0.25), quantile(&logarithms, 0.75));
    let fence = high + FENCE * (high - low);
    let mut rows: Vec<usize> = (0..scores.len()).filter(|&row| logarithms[row] > fence).collect();
    rows.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]).then(a.cmp(&b)));
    rows
}

/// Of finite values; 0 if there are none.
fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of the values")]
    let place = (share * sorted.len() as f64) as usize;
    sorted.get(place).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;
    use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

    use super::*;

    #[test]
    fn an_image_outside_the_plane_of_all_others_is_strange() {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let places: Vec<[f64; 2]> = (0..200).map(|_| [rng.random(), rng.random()]).collect();
        let noise = Array2::from_shape_fn((200, 30), |_| rng.random_range(0.0..4.0));
        #[expect(clippy::cast_sign_loss, reason = "positive")]
        let mut cells = Array2::from_shape_fn((200, 30), |(row, column)| {
            let [a, b] = places[row];
            (40.0 + 100.0 * if column % 2 == 0 { a } else { b } + noise[[row, column]]) as u8
        });
        cells.row_mut(77).iter_mut().step_by(3).for_each(|value| *value = 255 - *value);
        let mut has_ink = vec![true; 200];
        has_ink[3] = false;
        let found = scores(cells.view(), &has_ink, &Tally::silent()).unwrap();
        assert_eq!(beyond_fence(&found)[..2], [3, 77], "{found:?}");
        assert!(found[3].is_infinite() && found[77] > 3.0, "{}", found[77]);
        let usual = found.iter().filter(|score| **score < 1.0).count();
        assert!((95..=105).contains(&usual), "the median is 1: {usual}");
    }

    #[test]
    fn few_or_equal_images_are_not_strange() {
        for n in [1, 2, 5, 30] {
            let found =
                scores(Array2::from_elem((n, 8), 9).view(), &vec![true; n], &Tally::silent()).unwrap();
            assert_eq!(beyond_fence(&found), Vec::<usize>::new(), "{n}: {found:?}");
        }
        let blank = scores(Array2::zeros((2, 8)).view(), &[false, false], &Tally::silent()).unwrap();
        assert_eq!(beyond_fence(&blank), [0, 1]);
    }
}
