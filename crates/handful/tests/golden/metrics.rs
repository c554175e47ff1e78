//! The same metrics of probabilities and of outlier scores as `make_metrics.py` computes with scikit-learn.

use handful::metrics::{Reliability, auroc, brier_score, log_loss, refused};
use ndarray::Array2;
use serde_json::Value;

use crate::{
    peers::assert_close,
    reference::{integers, numbers},
};

fn cases(name: &str) -> Vec<Value> {
    let reference: Value = serde_json::from_str(include_str!("metrics.json")).expect("metrics.json is JSON");
    reference[name].as_array().expect("a list").clone()
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

/// Probabilities (n, classes), predicted labels and truth.
fn verdicts(case: &Value) -> (Array2<f64>, Vec<u32>, Vec<u32>) {
    let rows: Vec<Vec<f64>> = case["shares"].as_array().expect("rows").iter().map(numbers).collect();
    let shares =
        Array2::from_shape_vec((rows.len(), rows[0].len()), rows.concat()).expect("rows of one length");
    (shares / number(&case["parts"]), integers(&case["predicted"]), integers(&case["truth"]))
}

#[test]
fn reliability_curve_and_calibration_error() {
    for case in cases("probabilities") {
        let (probabilities, predicted, truth) = verdicts(&case);
        let reliability = Reliability::new(probabilities.view(), &predicted, &truth);
        // scikit-learn leaves out empty bins.
        let filled: Vec<_> = reliability.curve().into_iter().filter(|bin| bin.count > 0).collect();
        let confidence: Vec<f64> = filled.iter().map(|bin| bin.confidence).collect();
        let accuracy: Vec<f64> = filled.iter().map(|bin| bin.accuracy).collect();
        assert_close(&confidence, &numbers(&case["curve"]["confidence"]));
        assert_close(&accuracy, &numbers(&case["curve"]["accuracy"]));
        let expected = number(&case["expected_calibration_error"]);
        assert_close(&[reliability.expected_calibration_error()], &[expected]);
    }
}

#[test]
fn risk_coverage_curve() {
    for case in cases("probabilities") {
        let (probabilities, predicted, truth) = verdicts(&case);
        let reliability = Reliability::new(probabilities.view(), &predicted, &truth);
        assert_close(&reliability.risk_coverage(&numbers(&case["coverages"])), &numbers(&case["risks"]));
    }
}

#[test]
fn brier_score_and_log_loss() {
    for case in cases("probabilities") {
        let (probabilities, _, truth) = verdicts(&case);
        assert_close(&[brier_score(probabilities.view(), &truth)], &[number(&case["brier_score"])]);
        assert_close(&[log_loss(probabilities.view(), &truth)], &[number(&case["log_loss"])]);
    }
}

#[test]
fn auroc_and_shares_refused() {
    for case in cases("outliers") {
        let [inliers, outliers, thresholds] =
            ["inliers", "outliers", "thresholds"].map(|name| numbers(&case[name]));
        assert_close(&[auroc(&inliers, &outliers)], &[number(&case["auroc"])]);
        for (name, scores) in [("inliers_refused", &inliers), ("outliers_refused", &outliers)] {
            let found: Vec<f64> = thresholds.iter().map(|&threshold| refused(scores, threshold)).collect();
            assert_close(&found, &numbers(&case[name]));
        }
    }
}
