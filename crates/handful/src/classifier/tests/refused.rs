//! Recipes that cannot be learned, told before any work.

use super::*;
use crate::features::Vectorizer;

/// For work that is not to begin.
fn untouched() -> Observer {
    Observer::new(|progress| panic!("{progress:?}"))
}

/// What images show is no matter then.
fn blank(labels: Vec<u32>) -> Dataset {
    let classes = ["a", "b", "c"].map(str::to_owned).to_vec();
    Dataset::new(Array2::zeros((labels.len(), 784)), [28, 28], labels, classes).unwrap()
}

#[track_caller]
fn refused(params: &Params, expected: &str) {
    match params.fit_observed(&blank(vec![0, 1, 2]), &untouched()) {
        Err(Error::Params(problem)) => assert!(problem.contains(expected), "{expected}: {problem}"),
        other => panic!("{expected}: {other:?}"),
    }
}

#[test]
fn recipes_of_nothing_are_refused() {
    let [.., votes] = recipes();
    refused(&Params { decision: Decision::Votes { n_neighbors: 0 }, ..votes.clone() }, "n_neighbors is 0");
    let none = PrototypeParams::PerClass { n_clusters: 0, n_init: 1, max_iter: 1 };
    refused(&Params { prototypes: none, ..votes.clone() }, "n_clusters is 0");
    let planes = Hyperplanes { n_candidates: 0, n_neighbors: 1, least: 1, ridge: 1.0 };
    refused(&Params { decision: Decision::Hyperplanes(planes), ..votes }, "n_candidates is 0");
    let error = Vectorizer::fit(&[], &blank(vec![0]), 0, &Observer::default()).unwrap_err();
    assert_eq!(error.to_string(), "expected at least one kind of features, found none");
}
