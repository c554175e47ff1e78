//! Invalid recipes are rejected before any work.

use super::*;
use crate::features::Vectorizer;

/// An observer for work that must not begin.
fn untouched() -> Observer {
    Observer::new(|progress| panic!("{progress:?}"))
}

/// The pixels do not matter here.
fn blank(labels: Vec<u32>) -> Dataset {
    let classes = ["a", "b", "c"].map(str::to_owned).to_vec();
    Dataset::new(Array2::zeros((labels.len(), 784)), [28, 28], labels, classes).unwrap()
}

#[track_caller]
fn refused(params: &Params, expected: &str) {
    match params.observer(untouched()).fit(&blank(vec![0, 1, 2])) {
        Err(Error::Params(problem)) => assert!(problem.contains(expected), "{expected}: {problem}"),
        other => panic!("{expected}: {other:?}"),
    }
}

/// All floats of a recipe, except those of `Deskew`.
fn numbers(params: &mut Params) -> Vec<(&'static str, &mut f64)> {
    let Calibration { votes, distance, novel, .. } = &mut params.calibration;
    let mut all = vec![("votes", votes), ("distance", distance), ("novel", novel)];
    for (weight, features) in &mut params.features {
        all.push(("weight", weight));
        match features {
            FeatureParams::Pixels { .. } => {}
            FeatureParams::Components { whitening, .. } => all.push(("whitening", whitening)),
            FeatureParams::Discriminants(DiscriminantsParams { blocks, ridge, emphasis, .. }) => {
                all.push(("ridge", ridge));
                all.extend(emphasis.iter_mut().map(|emphasis| ("share", &mut emphasis.share)));
                all.extend(blocks.iter_mut().filter_map(|block| match block {
                    BlockParams::Local { spread, .. } => Some(("spread", spread)),
                    BlockParams::Shared { .. } => None,
                }));
            }
        }
    }
    if let Decision::Hyperplanes(planes) = &mut params.decision {
        all.push(("ridge", &mut planes.ridge));
    }
    all
}

#[test]
fn numbers_that_make_no_sense_or_cannot_be_saved_are_refused() {
    for wrong in [f64::NAN, f64::INFINITY, -0.5] {
        for params in recipes() {
            for place in 0..numbers(&mut params.clone()).len() {
                let mut params = params.clone();
                let (name, number) = numbers(&mut params).swap_remove(place);
                *number = wrong;
                refused(&params, name);
            }
            let mut params = params;
            for (_, features) in &mut params.features {
                let (FeatureParams::Pixels { deskew }
                | FeatureParams::Components { deskew, .. }
                | FeatureParams::Discriminants(DiscriminantsParams { deskew, .. })) = features;
                *deskew = Some(Deskew::new().normalize(wrong));
            }
            refused(&params, "normalize");
        }
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

#[test]
fn images_of_one_class_are_refused_before_any_work() {
    for params in recipes() {
        let error = params.observer(untouched()).fit(&blank(vec![0; 9])).unwrap_err().to_string();
        assert_eq!(error, "expected images of at least two classes, found one class (\"a\")");
    }
}
