//! How well a score separates outliers from inliers; higher scores mean outliers.

/// The area under the receiver operating characteristic (Fawcett 2006): the probability that a random outlier scores
/// higher than a random inlier, where a tie counts half. It is the statistic of Mann and Whitney (1947) divided by the
/// number of pairs.
///
/// The slices may differ in length. NaN if either is empty. O(n log n).
///
/// ```
/// use handful::metrics::auroc;
///
/// // Of six pairs four are in order, and one is tied.
/// assert_eq!(auroc(&[0.1, 0.2, 0.4], &[0.2, 0.9]), 4.5 / 6.0);
/// ```
///
/// # Panics
/// If a score is NaN.
#[must_use]
pub fn auroc(inliers: &[f64], outliers: &[f64]) -> f64 {
    assert_numbers(inliers);
    assert_numbers(outliers);
    let mut sorted = inliers.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    // Twice the number of inliers below plus the number of ties: whole numbers, so the order does not matter.
    let halves = |&outlier: &f64| {
        let below = sorted.partition_point(|&inlier| inlier < outlier);
        let up_to = sorted.partition_point(|&inlier| inlier <= outlier);
        (below + up_to) as u64
    };
    let halves: u64 = outliers.iter().map(halves).sum();
    halves as f64 / (2.0 * inliers.len() as f64 * outliers.len() as f64)
}

/// The share of `scores` above `threshold`: the false positive rate for inliers, the true positive rate for outliers. A
/// score equal to the threshold is accepted.
///
/// NaN if there are no scores.
///
/// ```
/// use handful::metrics::refused;
///
/// let (inliers, outliers, threshold) = ([0.1, 0.2, 0.4, 0.6], [0.5, 0.9], 0.5);
/// assert_eq!([refused(&inliers, threshold), refused(&outliers, threshold)], [0.25, 0.5]);
/// ```
///
/// # Panics
/// If a score or the threshold is NaN.
#[must_use]
pub fn refused(scores: &[f64], threshold: f64) -> f64 {
    assert_numbers(scores);
    assert_numbers(&[threshold]);
    scores.iter().filter(|&&score| score > threshold).count() as f64 / scores.len() as f64
}

fn assert_numbers(scores: &[f64]) {
    assert!(!scores.iter().any(|score| score.is_nan()), "a score is not a number");
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the figures are exact")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn apart_reversed_and_all_tied() {
        let (low, high) = ([f64::NEG_INFINITY, 1.0, 2.0], [3.0, f64::INFINITY]);
        assert_eq!([auroc(&low, &high), auroc(&high, &low), auroc(&low, &low)], [1.0, 0.0, 0.5]);
        assert_eq!([auroc(&[0.0], &[-0.0]), auroc(&[1.0], &[2.0])], [0.5, 1.0]);
    }

    #[test]
    fn a_score_at_the_threshold_is_kept() {
        let scores = [1.0, 2.0, 2.0, 3.0];
        assert_eq!([0.0, 1.0, 2.0, 3.0].map(|threshold| refused(&scores, threshold)), [1.0, 0.75, 0.25, 0.0]);
    }

    #[test]
    fn without_scores_there_is_no_share() {
        assert!(auroc(&[], &[1.0]).is_nan() && auroc(&[1.0], &[]).is_nan() && refused(&[], 1.0).is_nan());
    }

    #[test]
    #[should_panic(expected = "a score is not a number")]
    fn scores_must_be_numbers() {
        let _ = auroc(&[1.0, f64::NAN], &[1.0]);
    }

    proptest! {
        #[test]
        fn auroc_counts_the_pairs_in_order(
            // Few distinct values, so that many are tied.
            inliers in prop::collection::vec((-5_i8..5).prop_map(f64::from), 1..60),
            outliers in prop::collection::vec((-5_i8..5).prop_map(f64::from), 1..60),
        ) {
            let in_order = |(inlier, outlier): (&f64, &f64)| {
                if outlier > inlier { 1.0 } else if outlier < inlier { 0.0 } else { 0.5 }
            };
            let pairs = inliers.iter().flat_map(|inlier| outliers.iter().map(move |outlier| (inlier, outlier)));
            let expected = pairs.map(in_order).sum::<f64>() / (inliers.len() * outliers.len()) as f64;
            let found = auroc(&inliers, &outliers);
            prop_assert!((found - expected).abs() < 1e-12);
            prop_assert!((found + auroc(&outliers, &inliers) - 1.0).abs() < 1e-12);
        }
    }
}
