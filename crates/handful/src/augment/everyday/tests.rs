use std::{fs, path::Path};

use proptest::prelude::*;

use super::*;
use crate::{
    classifier::{self, Calibration, Decision, IndexParams, Model, Params, PrototypeParams},
    dataset::{OnDisk, ReadOptions, Split},
    features::FeatureParams,
    kmeans::DiskOptions,
};

/// Digits in turn.
fn digits(n: u64) -> Dataset {
    Pen::default().digits(1).unwrap().framed([28, 28], Distortions::NONE).unwrap().rows(0..n).unwrap()
}

/// The same images, with other names of classes.
fn named(digits: &Dataset, classes: Vec<String>) -> Dataset {
    Dataset::new(digits.images().clone(), [28, 28], digits.labels().to_vec(), classes).unwrap()
}

fn everyday(copies: u32, drawn: u32) -> Everyday {
    Everyday { copies, drawn, distortions: Distortions::default(), seed: 5 }
}

fn all(digits: &EverydayDigits) -> Dataset {
    digits.rows(0..digits.n_samples()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn originals_come_first_and_classes_are_counted(n in 1_u64..30, copies in 0_u32..3, drawn in 0_u32..25) {
        let data = digits(n);
        let larger = everyday(copies, drawn).augment(&data).unwrap();
        prop_assert_eq!(larger.n_samples(), n as usize * (1 + copies as usize) + drawn as usize);
        prop_assert_eq!(larger.n_samples(), everyday(copies, drawn).most_samples(n as usize));
        let rows = all(&larger);
        prop_assert_eq!(rows.n_samples(), larger.n_samples());
        prop_assert_eq!(&larger.rows(0..n as usize).unwrap(), &data);
        prop_assert_eq!(rows.class_counts(), larger.class_counts());
        prop_assert_eq!(rows.classes(), data.classes());
    }

    #[test]
    fn rows_are_the_same_in_any_range_and_for_any_number_of_threads(
        start in 0_usize..45, n in 1_usize..45, threads in 1_usize..4,
    ) {
        // 15 originals, 15 copies and 15 drawn digits.
        let larger = everyday(1, 15).augment(&digits(15)).unwrap();
        let end = (start + n).min(45);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let some = pool.install(|| larger.rows(start..end)).unwrap();
        for (i, row) in (start..end).enumerate() {
            prop_assert_eq!(some.select(&[i]), larger.rows(row..row + 1).unwrap());
        }
    }
}

#[test]
fn drawn_digits_get_the_labels_of_the_data() {
    let classes: Vec<String> =
        ["x", "9", "8", "7", "6", "5", "4", "3", "2", "1", "0"].map(str::to_owned).to_vec();
    let labels = (0..10).map(|digit| 10 - digit).collect();
    let reversed = Dataset::new(digits(10).images().clone(), [28, 28], labels, classes.clone()).unwrap();
    let larger = everyday(1, 20).augment(&reversed).unwrap();
    let rows = all(&larger);
    assert_eq!((rows.classes(), rows.n_samples()), (&classes[..], 40));
    assert_eq!(rows.class_counts(), larger.class_counts());
    let expected = all(&everyday(1, 20).augment(&digits(10)).unwrap());
    assert_eq!(rows.images(), expected.images());
    for row in 20..40 {
        assert_eq!(classes[rows.labels()[row] as usize], (row % 10).to_string());
    }
}

#[test]
fn no_digit_is_drawn_among_classes_that_are_not_digits() {
    let letters = (b'a'..=b'j').map(|letter| char::from(letter).to_string()).collect();
    let nine_digits = Digits::classes().into_iter().take(9).collect();
    for data in [named(&digits(10), letters), named(&digits(9), nine_digits)] {
        let larger = everyday(1, 40).augment(&data).unwrap();
        assert_eq!(larger.n_samples(), 2 * data.n_samples());
        assert!(larger.n_samples() <= everyday(1, 40).most_samples(data.n_samples()));
        assert_eq!(larger.class_counts(), all(&larger).class_counts());
        assert!(larger.rows(2 * data.n_samples()..2 * data.n_samples() + 1).is_err());
    }
}

#[test]
fn rows_that_are_not_there_are_refused() {
    let larger = everyday(1, 5).augment(&digits(10)).unwrap();
    let error = larger.rows(20..26).unwrap_err();
    assert_eq!(error.to_string(), "expected rows up to 25, found 20..26");
    for empty in [0..0, 20..20, 25..25] {
        assert!(larger.rows(empty).is_err());
    }
}

#[test]
fn only_some_styles_are_drawn() {
    let larger = |wanted: fn(u8, &str) -> bool| everyday(1, 30).augment(&digits(10)).unwrap().only(wanted);
    let (some, every) =
        (all(&larger(|_, name| name == "print").unwrap()), all(&larger(|_, _| true).unwrap()));
    assert_eq!(some.images().slice(ndarray::s![..20, ..]), every.images().slice(ndarray::s![..20, ..]));
    assert_ne!(some.images(), every.images());
    assert_eq!(
        larger(|digit, _| digit != 3).unwrap_err().to_string(),
        "expected at least one style for each digit, found none for 3"
    );
}

#[test]
fn distortions_out_of_range_are_errors() {
    let wrong = Everyday { distortions: Distortions { noisy: 1.5, ..Distortions::NONE }, ..everyday(1, 1) };
    for error in [wrong.check().unwrap_err(), wrong.augment(&digits(10)).unwrap_err()] {
        assert_eq!(error.to_string(), "noisy is 1.5: expected a number from 0 to 1");
    }
}

/// A recipe that enlarges 30 images to 120.
fn params() -> Params {
    Params {
        features: vec![(1.0, FeatureParams::Pixels { deskew: None })],
        prototypes: PrototypeParams::PerClass { n_clusters: 3, n_init: 1, max_iter: 5 },
        decision: Decision::Votes { n_neighbors: 1 },
        calibration: Calibration::default(),
        seed: 0,
        index: IndexParams::Exact,
        everyday: Some(everyday(1, 60)),
    }
}

#[test]
fn a_model_learns_from_added_images_and_keeps_pictures_of_them() {
    let data = digits(30);
    let model = params().fit(&data).unwrap();
    let larger = everyday(1, 60).augment(&data).unwrap();
    for part in [0..30, 30..60, 60..120] {
        assert!(model.medoids().iter().any(|medoid| part.contains(medoid)), "a medoid in {part:?}");
    }
    assert_eq!(model.provenance().n_samples, 30);

    let model = model.with_pictures(&data).unwrap();
    for (&medoid, picture) in model.medoids().iter().zip(model.pictures().unwrap().outer_iter()) {
        let medoid = medoid as usize;
        assert_eq!(larger.rows(medoid..medoid + 1).unwrap().images().row(0), picture);
    }
    let loaded = Model::from_bytes(&model.to_bytes().unwrap()).unwrap();
    assert_eq!(loaded.params(), &params());
    assert_eq!((loaded.medoids(), loaded.pictures()), (model.medoids(), model.pictures()));
    let others = digits(40);
    assert_eq!(
        loaded.predict(others.images().view()).unwrap(),
        model.predict(others.images().view()).unwrap()
    );
    assert!(matches!(loaded.with_pictures(&others), Err(classifier::Error::OtherImages)));
}

#[test]
fn added_images_make_prototypes_of_small_classes() {
    // Three of each class: the image, its copy, and a drawn digit, which one class lacks.
    let enlarged = |drawn| Params { everyday: Some(everyday(1, drawn)), ..params() };
    let prototypes = |drawn| enlarged(drawn).fit(&digits(10)).unwrap().prototypes().class_counts();
    assert_eq!(prototypes(10), [3; 10]);
    assert_eq!(prototypes(9).into_iter().filter(|&n| n == 2).count(), 1);
}

#[test]
fn images_cannot_be_added_to_those_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &Path, data: &Dataset| {
        let row = |(label, image): (&u32, ndarray::ArrayView1<u8>)| {
            let pixels: Vec<String> = image.iter().map(u8::to_string).collect();
            format!("{label},{}\n", pixels.join(","))
        };
        let header: Vec<String> = (0..784).map(|pixel| format!("pixel{pixel}")).collect();
        let rows: String = data.labels().iter().zip(data.images().outer_iter()).map(row).collect();
        fs::write(path, format!("label,{}\n{rows}", header.join(","))).unwrap();
    };
    let path = folder.path().join("train.csv");
    let data = digits(30);
    write(&path, &data);
    let on_disk = OnDisk::open(&path, Split::Train, &ReadOptions::default()).unwrap();
    let reason = "expected a recipe that takes the training images as they are";
    let error = params().fit_on_disk(&on_disk, &DiskOptions::default()).unwrap_err();
    assert!(error.to_string().starts_with(reason), "{error}");
    let error = params().fit(&data).unwrap().with_pictures_on_disk(&on_disk).unwrap_err();
    assert!(error.to_string().starts_with(reason), "{error}");
}
