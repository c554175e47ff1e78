mod alternatives;
mod few;
mod interrupted;
mod refused;
mod shared;
mod taught;

use std::{fs, ops::ControlFlow};

use ndarray::{Array2, Axis, s};
use rayon::ThreadPoolBuilder;

use super::*;
use crate::{
    Dataset,
    augment::Distortions,
    dataset,
    features::{BlockParams, DiscriminantsParams, Emphasis, Gradients},
    model_file,
    preprocess::Deskew,
    progress::Observer,
};

/// Recipes that together use all features of recipes, on few images.
fn recipes() -> [Params; 3] {
    let gradients = Gradients::new(8, 5);
    let blocks = vec![
        BlockParams::Local { gradients, window: 5, n_components: 12, n_atoms: 4, spread: 0.3, max_iter: 3 },
        BlockParams::Local { gradients, window: 4, n_components: 8, n_atoms: 2, spread: 0.4, max_iter: 3 },
        BlockParams::Shared {
            gradients: Gradients::new(6, 8),
            window: 3,
            n_components: 10,
            n_atoms: 9,
            n_pools: 2,
            max_iter: 3,
        },
    ];
    let discriminants = DiscriminantsParams {
        deskew: Some(Deskew::new().normalize(0.6)),
        blocks,
        ridge: 0.1,
        emphasis: Some(Emphasis { share: 0.1, extra: 3 }),
    };
    let components = FeatureParams::Components { deskew: None, gradients, n_components: 20, whitening: 0.25 };
    let calibration = Calibration { votes: 2.0, distance: 3.0, novel: 2.0, unsure: 0.0 };
    let few = PrototypeParams::PerClass { n_clusters: 4, n_init: 2, max_iter: 20 };
    let planes = Hyperplanes { n_candidates: 40, n_neighbors: 10, least: 3, ridge: 0.3 };
    let recipe = |features, prototypes, decision| Params {
        features,
        prototypes,
        decision,
        calibration,
        seed: 7,
        index: IndexParams::Exact,
        everyday: None,
    };
    [
        recipe(
            vec![(1.0, components.clone()), (1.5, FeatureParams::Discriminants(discriminants))],
            few,
            Decision::Votes { n_neighbors: 3 },
        ),
        recipe(vec![(1.0, components)], PrototypeParams::All, Decision::Hyperplanes(planes)),
        recipe(
            vec![(1.0, FeatureParams::Pixels { deskew: Some(Deskew::new()) })],
            PrototypeParams::All,
            Decision::Votes { n_neighbors: 5 },
        ),
    ]
}

/// Training images, and other images.
fn images() -> (Dataset, Dataset) {
    let mnist = dataset::load(&dataset::locate().unwrap()).unwrap();
    (mnist.train.select(&(0..600).collect::<Vec<_>>()), mnist.test.select(&(0..300).collect::<Vec<_>>()))
}

#[test]
fn every_recipe_learns() {
    let (train, test) = images();
    for params in recipes() {
        let model = params.fit(&train).unwrap();
        let predicted = model.predict(test.images().view()).unwrap();
        let right = predicted.iter().zip(test.labels()).filter(|(a, b)| a == b).count();
        assert!(right > 240, "{right} of 300 by {params:?}");
    }
}

#[test]
fn explanations_agree_with_predictions() {
    let (train, test) = images();
    for params in recipes() {
        let model = params.fit(&train).unwrap();
        let images = test.images().view();
        let (predicted, probabilities) =
            (model.predict(images).unwrap(), model.predict_proba(images).unwrap());
        for (row, explanation) in model.explain(images).unwrap().into_iter().enumerate() {
            assert_eq!(explanation.label, predicted[row]);
            assert_eq!(explanation.probabilities, probabilities.row(row).to_vec());
            assert!((explanation.probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            let most = explanation.probabilities.iter().copied().fold(0.0, f64::max);
            assert!(explanation.confidence >= most, "no class is likelier than the verdict");
            assert_eq!(explanation.neighbors.len(), params.decision.n_neighbors());
            assert!(explanation.neighbors.is_sorted_by_key(|voter| (voter.distance, voter.prototype)));
            for voter in explanation.neighbors {
                assert_eq!(
                    train.labels()[voter.medoid as usize],
                    voter.label,
                    "a medoid has its prototype's class"
                );
            }
        }
    }
}

#[test]
fn images_that_the_recipe_added_are_told_from_those_of_the_data_set() {
    let n = 40;
    let (train, _) = images();
    let train = train.select(&(0..n as usize).collect::<Vec<_>>());
    let everyday = Everyday { copies: 2, drawn: 15, distortions: Distortions::NONE, seed: 0 };
    let [.., pixels] = recipes();
    let model = Params { everyday: Some(everyday), ..pixels.clone() }.fit(&train).unwrap();
    let origins = model.medoids().iter().map(|&medoid| model.origin(medoid));
    let expected = (0..n)
        .map(Origin::Image)
        .chain((0..2 * n).map(|row| Origin::Copy(row % n)))
        .chain(std::iter::repeat_n(Origin::Drawn, 15));
    assert!(origins.eq(expected));
    let plain = pixels.fit(&train).unwrap();
    assert_eq!([0, n - 1].map(|row| plain.origin(row)), [0, n - 1].map(Origin::Image));
}

#[test]
fn a_blank_image_is_no_digit() {
    let (train, _) = images();
    for params in recipes() {
        let model = params.fit(&train).unwrap();
        let blank = model.explain(Array2::zeros((1, 784)).view()).unwrap();
        assert!(!blank[0].is_digit);
    }
}

#[test]
fn the_same_bytes_for_any_number_of_threads_and_a_model_that_predicts_the_same() {
    let (train, test) = images();
    for params in recipes() {
        let of_threads = |n| {
            let pool = ThreadPoolBuilder::new().num_threads(n).build().unwrap();
            pool.install(|| params.fit(&train).unwrap().to_bytes().unwrap())
        };
        let bytes = of_threads(1);
        assert!(bytes == of_threads(3));
        let (model, loaded) = (params.fit(&train).unwrap(), Model::from_bytes(&bytes).unwrap());
        assert_eq!(loaded.to_bytes().unwrap(), bytes);
        assert_eq!(loaded.params(), &params);
        let images = test.images().view();
        assert_eq!(loaded.explain(images).unwrap(), model.explain(images).unwrap());
        assert_eq!(loaded.outlier_scores(images).unwrap(), model.outlier_scores(images).unwrap());
    }
}

#[test]
fn images_of_another_shape_are_refused() {
    let (train, _) = images();
    let model = recipes()[2].fit(&train).unwrap();
    let images = Array2::zeros((2, 100));
    let expected =
        "expected images of 28 x 28 pixels, like those that the model was trained on, found 100 pixels";
    for error in [
        model.predict(images.view()).map(|_| ()),
        model.predict_proba(images.view()).map(|_| ()),
        model.explain(images.view()).map(|_| ()),
        model.outlier_scores(images.view()).map(|_| ()),
    ] {
        assert_eq!(error.unwrap_err().to_string(), expected);
    }
}

#[test]
fn validation_tells_the_probabilities_that_the_model_tells() {
    let (train, test) = images();
    for params in recipes() {
        for calibration in [Calibration::default(), params.calibration] {
            let model = Params { calibration, ..params.clone() }.fit(&train).unwrap();
            let told = model.predict_proba(test.images().view()).unwrap();
            let found = Validation::new(&model, &test).unwrap();
            let some = Some(calibration).filter(|_| calibration != Calibration::default());
            assert_eq!(found.probabilities(some), told);
            let later = params.fit(&train).unwrap().with_calibration(calibration).unwrap();
            assert_eq!(later.predict_proba(test.images().view()).unwrap(), told);
            let strict = Calibration { novel: 1e9, unsure: 0.9, ..calibration };
            for verdict in
                later.clone().with_calibration(strict).unwrap().explain(test.images().view()).unwrap()
            {
                assert_eq!(verdict.is_digit, verdict.confidence >= 0.9);
            }
            let wrong = Calibration { novel: f64::NAN, ..calibration };
            assert!(later.with_calibration(wrong).unwrap_err().to_string().contains("found NaN"));
        }
    }
}

#[test]
fn prototypes_are_not_searched_where_a_dictionary_tells_how_strange_images_are() {
    let (train, test) = images();
    for (params, is_searched) in recipes().iter().zip([false, true, true]) {
        let unwilling = Observer::new(|_| ControlFlow::Break(()));
        let model = params.fit(&train).unwrap().observer(unwilling);
        assert!(model.predict(test.images().view()).is_err());
        assert_eq!(model.outlier_scores(test.images().view()).is_err(), is_searched);
    }
}

#[test]
fn images_that_nothing_can_be_learned_from_are_errors() {
    let (train, _) = images();
    let blank =
        Dataset::new(Array2::zeros((600, 784)), [28, 28], train.labels().to_vec(), train.classes().to_vec())
            .unwrap();
    let error = recipes()[0].fit(&blank).unwrap_err().to_string();
    assert!(error.contains("expected images with strokes"), "{error}");
    let one = train.images().select(Axis(0), &[0; 600]);
    let one = Dataset::new(one, [28, 28], train.labels().to_vec(), train.classes().to_vec()).unwrap();
    for (params, images) in recipes()[1..].iter().flat_map(|params| [(params, &blank), (params, &one)]) {
        let model = params.fit(images).unwrap();
        let loaded = Model::from_bytes(&model.to_bytes().unwrap()).unwrap();
        let answers = loaded.explain(train.images().view()).unwrap();
        assert!(answers.iter().all(|answer| answer.probabilities.iter().all(|p| p.is_finite())));
    }
}

#[test]
fn damaged_files_are_errors() {
    let (train, _) = images();
    let bytes = recipes()[0].fit(&train).unwrap().to_bytes().unwrap();
    for length in (0..bytes.len()).step_by(997).chain([bytes.len() - 1]) {
        assert!(Model::from_bytes(&bytes[..length]).is_err(), "cut to {length} bytes");
    }
    for place in (0..4096).chain((4096..bytes.len()).step_by(211)) {
        let mut changed = bytes.clone();
        changed[place] ^= 1 << (place % 8);
        assert!(Model::from_bytes(&changed).is_err(), "byte {place}");
    }
}

#[test]
fn foreign_and_newer_files_say_so() {
    let (train, _) = images();
    let bytes = recipes()[2].fit(&train).unwrap().to_bytes().unwrap();
    let replaced = |from: &str, to: &str| {
        let place = bytes.windows(from.len()).position(|window| window == from.as_bytes()).unwrap();
        let mut changed = bytes.clone();
        changed[place..place + to.len()].copy_from_slice(to.as_bytes());
        Model::from_bytes(&changed).unwrap_err()
    };
    let newer = replaced(r#"\"version\":1"#, r#"\"version\":9"#);
    assert!(matches!(newer, model_file::Error::Version { found: 9, .. }), "{newer}");
    assert!(matches!(replaced(r#""handful""#, r#""handles""#), model_file::Error::Foreign));
    assert!(matches!(Model::from_bytes(b"PK\x03\x04 and so on"), Err(model_file::Error::Format(_))));
}

#[test]
fn a_file_is_whole_or_not_there() {
    let (train, test) = images();
    let model = recipes()[2].fit(&train).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    model.save(&path).unwrap();
    let images = test.images().view();
    assert_eq!(Model::load(&path).unwrap().predict(images).unwrap(), model.predict(images).unwrap());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left there");
    let nowhere = folder.path().join("missing").join("model.safetensors");
    assert!(model.save(&nowhere).unwrap_err().to_string().contains("missing"));
}

#[test]
fn names_of_presets_are_read_as_they_are_written() {
    for preset in Preset::ALL {
        assert_eq!(preset.to_string().parse(), Ok(preset));
        assert_eq!(preset.candidates()[0].params, preset.params());
    }
    assert!("Best".parse::<Preset>().unwrap_err().contains("notebook, pixels, tiny"));
}
