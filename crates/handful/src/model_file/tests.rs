//! Saved models are restored, and files with a valid checksum but invalid content are rejected.

use std::io::Write;

use ndarray::Array2;

use super::*;
use crate::{
    classifier::{self, Calibration, Decision, Hyperplanes, IndexParams},
    features::{BlockParams, DiscriminantsParams, FeatureParams, Gradients},
};

fn model() -> Model {
    calibrated(Calibration::default())
}

/// Crosses and bars.
fn images() -> Dataset {
    let images = Array2::from_shape_fn((40, 64), |(i, pixel)| {
        let (row, column) = (pixel / 8, pixel % 8);
        let is_ink = column == 2 + i % 3 || (i % 2 == 0 && row == 3 + i % 2);
        if is_ink { 200 + (i as u8) } else { 0 }
    });
    let labels = (0..40).map(|i| i % 2).collect();
    Dataset::new(images, [8, 8], labels, vec!["cross".into(), "bar".into()]).unwrap()
}

/// A model with discriminants of a dictionary of windows anywhere.
fn calibrated(calibration: Calibration) -> Model {
    let gradients = Gradients::new(4, 4);
    let block =
        BlockParams::Shared { gradients, window: 2, n_components: 6, n_atoms: 5, n_pools: 2, max_iter: 3 };
    let params = DiscriminantsParams { deskew: None, blocks: vec![block], ridge: 0.1, emphasis: None };
    let params = Params {
        features: vec![(1.0, FeatureParams::Discriminants(params))],
        prototypes: PrototypeParams::All,
        decision: Decision::Hyperplanes(Hyperplanes {
            n_candidates: 9,
            n_neighbors: 3,
            least: 2,
            ridge: 0.5,
        }),
        calibration,
        seed: 0,
        index: IndexParams::Exact,
        everyday: None,
    };
    params.fit(&images()).unwrap()
}

/// The file with some of its metadata replaced, and a matching checksum.
fn changed(bytes: &[u8], from: &str, to: &str) -> Result<Model, Error> {
    let (metadata, tensors) = sealed::open(&sealed::metadata(KEY, bytes).unwrap().unwrap(), bytes).unwrap();
    assert!(metadata.contains(from), "{metadata}");
    let file = sealed::seal(KEY, &metadata.replace(from, to), &tensors.tensors()).unwrap();
    Model::from_bytes(&file)
}

#[test]
fn metadata_that_make_no_sense_are_told() {
    let bytes = model().to_bytes().unwrap();
    assert!(changed(&bytes, "cross", "x").is_ok(), "a change of a name does no harm");
    let many = format!("{:?}", vec!["class"; 4097]);
    for (from, to, expected) in [
        (r#""window":2"#, r#""window":5"#, "expected a window of 1 to 4 cells, found 5"),
        (r#""window":2"#, r#""window":0"#, "expected a window of 1 to 4 cells, found 0"),
        (r#""n_components":6"#, r#""n_components":70000"#, "expected 1 to 16 components, found 70000"),
        (r#""n_pools":2"#, r#""n_pools":1000000"#, "expected 1 to 64 rows of pools"),
        (r#""n_atoms":5"#, r#""n_atoms":4"#, "expected at most 4 atoms, found 5"),
        (r#""n_components":6"#, r#""n_components":5"#, "expected 1 to 5 components, found 6"),
        (r#""n_atoms":5"#, r#""n_atoms":5000000"#, "expected 1 to 4096 atoms"),
        (r#""gradients":[4,4]"#, r#""gradients":[99,4]"#, "expected 1 to 15 directions"),
        (r#""n_neighbors":3"#, r#""n_neighbors":60000"#, "expected 1 to 1024 neighbours for each hyperplane"),
        (r#""n_candidates":9"#, r#""n_candidates":0"#, "n_candidates is 0"),
        (r#""ridge":0.5"#, r#""ridge":0.0"#, "expected a ridge above 0"),
        (r#""ridge":0.1"#, r#""ridge":-0.1"#, "ridge: expected a finite number of 0 or more, found -0.1"),
        (r#""novel":0.0"#, r#""novel":-1.0"#, "calibration, novel: expected a finite number"),
        (r#""validation_error":null"#, r#""validation_error":101"#, "validation error: expected 0 to 100"),
        ("[[1.0,{", "[[-1.0,{", "expected a weight above 0"),
        (r#"["cross","bar"]"#, "[]", "for 0 classes"),
        (r#"["cross","bar"]"#, r#"["cross"]"#, "for 1 classes"),
        (r#"["cross","bar"]"#, &many, "expected 4096 classes at most, found 4097"),
        (r#""image_shape":[8,8]"#, r#""image_shape":[0,8]"#, "expected images of 1 to 65536 pixels"),
        (r#""n_samples":40"#, r#""n_samples":39"#, "expected medoids below 39"),
    ] {
        let error = changed(&bytes, from, to).map(|_| "a model").unwrap_err().to_string();
        assert!(error.contains(expected), "{to}: {error}");
    }
}

#[test]
fn versions_that_cannot_be_read_say_what_to_do() {
    let bytes = model().to_bytes().unwrap();
    for (version, expected) in [(0, "train the model again"), (2, "install a newer handful")] {
        let version = format!("\"version\":{version}");
        let error = changed(&bytes, "\"version\":1", &version).map(|_| "a model").unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn pictures_are_those_of_the_medoids_and_are_kept() {
    let images = images();
    let model = model();
    assert!(model.pictures().is_none());
    let other = images.select(&[3, 2, 1]);
    assert!(matches!(model.clone().with_pictures(&other), Err(classifier::Error::OtherImages)));
    let model = model.with_pictures(&images).unwrap();
    let loaded = Model::from_bytes(&model.to_bytes().unwrap()).unwrap();
    let pictures = loaded.pictures().unwrap();
    for (picture, &medoid) in pictures.outer_iter().zip(loaded.medoids()) {
        assert_eq!(picture, images.images().row(medoid as usize));
    }
    let bytes: usize = loaded.tensor_sizes().iter().map(|(_, bytes)| bytes).sum();
    assert!(bytes < loaded.to_bytes().unwrap().len());
}

#[test]
fn the_type_of_labels_is_kept_and_has_to_fit_the_classes() {
    let plain = model();
    assert_eq!(Model::from_bytes(&plain.to_bytes().unwrap()).unwrap().label_type(), None);
    let error = plain.clone().with_label_type("int64").unwrap_err().to_string();
    assert!(error.contains("converted to int64, found \"cross\""), "{error}");
    let bytes = plain.with_label_type("object").unwrap().to_bytes().unwrap();
    assert_eq!(Model::from_bytes(&bytes).unwrap().label_type(), Some("object"));
    for wrong in ["bool", "__import__"] {
        let error = changed(&bytes, "\"object\"", &format!("{wrong:?}")).map(|_| "a model").unwrap_err();
        assert!(error.to_string().contains(wrong), "{error}");
    }
}

#[test]
fn notes_on_another_training_set_are_not_saved() {
    let model = model();
    let error_of = |percent| Provenance { validation_error: Some(percent), ..model.provenance().clone() };
    for (provenance, expected) in [
        (Provenance::default(), "expected medoids below 0 (the number of training images), found 0"),
        (error_of(f64::NAN), "validation error: expected 0 to 100, found NaN"),
        (error_of(f64::INFINITY), "validation error: expected 0 to 100, found inf"),
    ] {
        let error = model.clone().with_provenance(provenance).to_bytes().unwrap_err();
        assert!(matches!(error, Error::Provenance(_)), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn numbers_come_back_to_the_last_bit() {
    let calibration = Calibration { votes: 0.1 + 0.2, distance: 2.0 / 13.0, novel: 1.0 / 11.0, unsure: 0.0 };
    let model = calibrated(calibration);
    let provenance = Provenance { validation_error: Some(10.0 / 11.0), ..model.provenance().clone() };
    let model = model.with_provenance(provenance);
    let loaded = Model::from_bytes(&model.to_bytes().unwrap()).unwrap();
    assert_eq!(loaded.params(), model.params());
    assert_eq!(loaded.provenance(), model.provenance());
}

#[test]
fn a_file_that_goes_on_for_ever_is_not_read_to_its_end() {
    let (folder, bytes) = (tempfile::tempdir().unwrap(), model().to_bytes().unwrap());
    let path = folder.path().join("model");
    let refused = |start: &[u8]| {
        let mut file = std::fs::File::create(&path).unwrap();
        file.write_all(start).unwrap();
        // A terabyte that needs no space on disk, but would need it in memory.
        file.set_len(1 << 40).unwrap();
        Model::load(&path).map(|_| "a model").unwrap_err().to_string()
    };
    let header = |json: &str| [&(json.len() as u64).to_le_bytes(), json.as_bytes()].concat();
    for (start, expected) in [
        (vec![], "it does not start like a .safetensors file"),
        (bytes.clone(), "expected a complete model in a .safetensors file, found another or a damaged file"),
        ([&(1_u64 << 40).to_le_bytes()[..], b"{"].concat(), "it declares a header of 1099511627776 bytes"),
        (
            header(r#"{"a":{"dtype":"U8","shape":[1099511627776],"data_offsets":[0,1099511627776]}}"#),
            "expected a model of at most 17179869184 bytes, found a file that declares 1099511627776 bytes",
        ),
    ] {
        let error = refused(&start);
        assert!(error.contains(expected), "{error}");
    }
    std::fs::write(&path, &bytes).unwrap();
    assert!(Model::load(&path).unwrap().to_bytes().unwrap() == bytes);
}

#[cfg(target_os = "linux")]
#[test]
fn a_device_is_no_model_and_a_pipe_may_be_one() {
    for device in ["/dev/zero", "/dev/urandom", "/dev/null"] {
        let error = Model::load(device.as_ref()).map(|_| "a model").unwrap_err().to_string();
        assert!(error.starts_with("expected a complete model in a .safetensors file"), "{device}: {error}");
    }
    let (folder, bytes) = (tempfile::tempdir().unwrap(), model().to_bytes().unwrap());
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    std::thread::scope(|scope| {
        scope.spawn(|| std::fs::write(&pipe, &bytes).unwrap());
        assert!(Model::load(&pipe).unwrap().to_bytes().unwrap() == bytes);
    });
}
