//! The same answers as scikit-learn and statsmodels give.

use handful::{
    KMeans, KNeighborsClassifier,
    kmeans::Init,
    metrics::{ConfusionMatrix, mcnemar, wilson_interval},
    neighbors::Weights,
};
use ndarray::{Axis, concatenate, s};

use crate::{
    MNIST,
    reference::{self, integers, numbers},
};

#[track_caller]
pub(crate) fn assert_close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() <= 1e-9 * expected.abs().max(1e-3), "{found} is not {expected}");
    }
}

#[test]
fn wilson_intervals() {
    for case in reference::load()["wilson"].as_array().expect("a list") {
        let count = |name: &str| case[name].as_u64().expect("a count");
        assert_close(&wilson_interval(count("correct"), count("total")), &numbers(&case["interval"]));
    }
}

#[test]
fn mcnemars_test() {
    for case in reference::load()["mcnemar"].as_array().expect("a list") {
        let [only_a, only_b] = ["only_a", "only_b"].map(|name| case[name].as_u64().expect("a count"));
        let a: Vec<u32> = (0..only_a + only_b).map(|case| u32::from(case < only_a)).collect();
        let truth = vec![1; a.len()];
        let b: Vec<u32> = a.iter().map(|a| 1 - a).collect();
        assert_close(&[mcnemar(&truth, &a, &b).p_value], &[case["p_value"].as_f64().expect("a number")]);
    }
}

#[test]
fn confusion_matrix_precision_recall_and_f1() {
    let expected = &reference::load()["metrics"];
    let matrix = ConfusionMatrix::new(&integers(&expected["truth"]), &integers(&expected["predicted"]), 5);
    for (found, expected) in
        matrix.counts().outer_iter().zip(expected["confusion_matrix"].as_array().expect("rows"))
    {
        assert_eq!(found.to_vec(), integers::<u64>(expected));
    }
    let found = matrix.per_class();
    for (name, of) in [
        ("precision", found.iter().map(|class| class.precision).collect::<Vec<_>>()),
        ("recall", found.iter().map(|class| class.recall).collect()),
        ("f1", found.iter().map(|class| class.f1).collect()),
        ("support", found.iter().map(|class| class.support as f64).collect()),
    ] {
        assert_close(&of, &numbers(&expected[name]));
    }
}

#[test]
fn votes_with_uniform_and_distance_weights() {
    let train = MNIST.train.select(&(0..1000).collect::<Vec<_>>());
    let queries = concatenate![
        Axis(0),
        MNIST.train.images().slice(s![..1, ..]),
        MNIST.test.images().slice(s![..20, ..])
    ];
    for (name, weights) in [("uniform", Weights::Uniform), ("distance", Weights::Distance)] {
        let model = KNeighborsClassifier::params(3).weights(weights).fit(&train).expect("valid");
        let found = model.predict_proba(queries.view()).expect("valid");
        let expected = &reference::load()["votes"][name];
        for (found, expected) in found.outer_iter().zip(expected.as_array().expect("rows")) {
            assert_close(&found.to_vec(), &numbers(expected));
        }
    }
}

#[test]
fn lloyd_from_given_centroids() {
    let expected = &reference::load()["lloyd"];
    let x = MNIST.train.images().slice(s![..2000, ..]);
    let rows: Vec<usize> = integers(&expected["init"]);
    let start = Init::Given(x.select(Axis(0), &rows).mapv(f64::from));
    let found = KMeans::params(rows.len()).init(start).tol(0.0).fit(x).expect("valid");
    assert_eq!(found.labels, integers::<u32>(&expected["labels"]));
    assert_eq!(found.n_iter as u64, expected["n_iter"].as_u64().expect("a count"));
    assert_close(&[found.inertia], &[expected["inertia"].as_f64().expect("a number")]);
}
