//! The trained presets under `models/`, on MNIST's test images.

use std::{fs, path::PathBuf};

use handful::{
    classifier::{Model, Preset},
    model_file::Provenance,
};

use crate::MNIST;

const EXPECTED: [(Preset, usize); 7] = [
    (Preset::Notebook, 771),
    (Preset::Pixels, 177),
    (Preset::Tiny, 111),
    (Preset::Small, 69),
    (Preset::Fast, 42),
    (Preset::Best, 36),
    (Preset::Neighbors, 59),
];

fn path(preset: Preset) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../../models/{preset}.safetensors"))
}

fn errors(model: &Model) -> usize {
    let predicted = model.predict(MNIST.test.images().view()).expect("images of the shape");
    predicted.iter().zip(MNIST.test.labels()).filter(|(a, b)| a != b).count()
}

/// Features are whole numbers and searches exact: the same on every machine.
#[test]
fn presets_err_on_so_many_of_the_10_000_test_images() {
    let learned_from = Provenance::of(&MNIST.train);
    let mut bytes = 0;
    for (preset, expected) in EXPECTED {
        let model = Model::load(&path(preset)).unwrap();
        assert_eq!(model.params(), &preset.params(), "{preset} is to be trained again: make models");
        assert_eq!(model.provenance().sha256, learned_from.sha256);
        assert_eq!(errors(&model), expected, "{preset}");
        bytes += fs::metadata(path(preset)).unwrap().len();
    }
    assert!(bytes <= 8_000_000, "{bytes} bytes of models");
}

/// Float fits are promised to 1e-5 across levels: weights may then round to another whole number here and there.
#[test]
fn presets_trained_again_are_as_good() {
    for preset in [Preset::Notebook, Preset::Tiny, Preset::Small] {
        let kept = Model::load(&path(preset)).unwrap();
        let again = preset.params().fit(&MNIST.train).unwrap();
        let (kept, again) = (errors(&kept), errors(&again));
        assert!(kept.abs_diff(again) <= 3, "{preset}: {again} errors, {kept} kept");
    }
}
