//! The trained presets in `models/`, on MNIST's test images.

use std::{env, fs, path::PathBuf, process::Command};

use handful::{
    Dataset,
    classifier::{Model, Preset},
    dataset,
    dataset::Split,
    distance::Level,
    model_file::Provenance,
    preprocess::Frame,
};
use ndarray::{Array2, ArrayView2, s};
use rand::{RngExt, SeedableRng, rngs::SmallRng};

use crate::{MNIST, exact::FASHION_MNIST};

/// Errors, and how the checksum of the vectors begins.
const EXPECTED: [(Preset, usize, &str); 8] = [
    (Preset::Notebook, 771, "45a60edf"),
    (Preset::Pixels, 177, "d0c12fb5"),
    (Preset::Tiny, 111, "3d331819"),
    (Preset::Small, 69, "3b0736a6"),
    (Preset::Fast, 42, "db51f5db"),
    (Preset::Best, 36, "fed5802c"),
    (Preset::Neighbors, 59, "fed5e99d"),
    (Preset::Everyday, 49, "47286245"),
];

fn path(preset: Preset) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("models/{preset}.safetensors"))
}

fn load(preset: Preset) -> Model {
    Model::load(&path(preset)).expect("a model of this version: make models")
}

fn errors(model: &Model) -> usize {
    let predicted = model.predict(MNIST.test.images().view()).expect("images of the shape");
    predicted.iter().zip(MNIST.test.labels()).filter(|(a, b)| a != b).count()
}

fn checksum(model: &Model) -> String {
    let vectors = model.transform(MNIST.test.images().view()).expect("images of the shape");
    let shape = [1, vectors.ncols()];
    let labels = MNIST.test.labels().to_vec();
    let vectors = Dataset::new(vectors, shape, labels, MNIST.test.classes().to_vec());
    Provenance::of(&vectors.expect("labels as before")).sha256
}

/// Features are whole numbers and searches exact: the same on every machine.
/// As pictures, dark on light and off centre, digits lose what scaling and rounding take.
#[test]
fn digits_in_pictures_are_read_as_well() {
    let model = load(Preset::Fast);
    let n = 1000;
    let images = MNIST.test.images().slice(s![..n, ..]);
    let framed = images.outer_iter().flat_map(|image| {
        let picture = Array2::from_shape_fn((60, 90), |(y, x)| match (y.checked_sub(30), x.checked_sub(5)) {
            (Some(y), Some(x)) if y < 28 && x < 28 => 230 - image[28 * y + x] / 5 * 4,
            _ => 230,
        });
        Frame::new([28, 28]).fit(picture.view())
    });
    let framed = Array2::from_shape_vec((n, 784), framed.collect()).expect("as many pixels");
    let wrong =
        |predicted: Vec<u32>| predicted.iter().zip(MNIST.test.labels()).filter(|(a, b)| a != b).count();
    let (as_is, in_pictures) =
        (wrong(model.predict(images).unwrap()), wrong(model.predict(framed.view()).unwrap()));
    assert!(in_pictures <= as_is + 5, "{as_is} errors as they are, {in_pictures} in pictures");
}

#[test]
fn presets_err_on_so_many_of_the_10_000_test_images() {
    for (preset, expected_errors, expected_vectors) in EXPECTED {
        let model = load(preset);
        let (errors, vectors) = (errors(&model), checksum(&model));
        assert_eq!((errors, &vectors[..8]), (expected_errors, expected_vectors), "{preset}");
    }
}

/// The level is found once in a process: each has one of its own, which runs the test above.
#[test]
#[ignore = "slow without vector instructions"]
fn presets_see_the_same_at_every_level() {
    let test = "models::presets_err_on_so_many_of_the_10_000_test_images";
    for level in Level::ALL.iter().filter(|level| level.is_available()) {
        let mut command = Command::new(env::current_exe().unwrap());
        let output = command.args(["--exact", test]).env("HANDFUL_LEVEL", level.name()).output().unwrap();
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && told.contains("1 passed"), "{level:?}: {told}");
    }
}

#[test]
fn presets_are_those_that_the_program_knows_and_small() {
    let learned_from = Provenance::of(&MNIST.train);
    let size = |preset| fs::metadata(path(preset)).unwrap().len();
    for preset in Preset::ALL {
        let model = load(preset);
        assert_eq!(model.params(), &preset.params(), "{preset} is to be trained again: make models");
        assert_eq!(model.provenance().sha256, learned_from.sha256);
    }
    assert!(size(Preset::Tiny) <= 13 * 1024 && size(Preset::Small) <= 36 * 1024);
    // Pictures of neighbours come on top.
    let pictures = |preset| load(preset).pictures().unwrap().len() as u64;
    let pictures = pictures(Preset::Fast) + pictures(Preset::Everyday);
    assert!(pictures <= 320_000);
    assert!(Preset::ALL.into_iter().map(size).sum::<u64>() - pictures <= 8_900_000);
}

/// Float fits are promised to 1e-5 across levels: weights may then round to another whole number here and there.
#[test]
fn presets_trained_again_are_as_good() {
    for preset in [Preset::Notebook, Preset::Tiny, Preset::Small] {
        let again = preset.params().fit(&MNIST.train).unwrap();
        let (kept, again) = (errors(&load(preset)), errors(&again));
        assert!(kept.abs_diff(again) <= 3, "{preset}: {again} errors, {kept} kept");
    }
}

/// The share of images that a model says are no digits.
fn refused(model: &Model, images: ArrayView2<u8>) -> f64 {
    let explained = model.explain(images).expect("images of the shape");
    explained.iter().filter(|explanation| !explanation.is_digit).count() as f64 / explained.len() as f64
}

#[test]
fn blank_images_and_noise_are_no_digits_and_digits_are() {
    let shades = Array2::from_shape_fn((256, 784), |(shade, _)| u8::try_from(shade).unwrap());
    let mut random = SmallRng::seed_from_u64(0);
    let noise = Array2::from_shape_simple_fn((500, 784), || random.random::<u8>());
    let sparse = noise.mapv(|byte| if byte < 26 { 255 } else { 0 });
    for preset in Preset::ALL {
        let model = load(preset);
        for (name, images) in [("shades", &shades), ("noise", &noise), ("sparse noise", &sparse)] {
            let refused = refused(&model, images.view());
            // What little ink `pixels` finds upright in sparse noise is now and then that of a pale digit.
            let least = if preset == Preset::Pixels { 0.99 } else { 1.0 };
            assert!(refused >= least, "{preset} takes {name} for digits: refuses {refused}");
        }
        let digits = refused(&model, MNIST.test.images().view());
        assert!(digits <= 0.01, "{preset} refuses {digits} of the digits");
    }
}

#[test]
#[ignore = "needs Debian's package dataset-fashion-mnist"]
fn garments_are_no_digits() {
    let garments = dataset::load_images(FASHION_MNIST.as_ref(), Split::Test).unwrap().pixels;
    for preset in [Preset::Fast, Preset::Best] {
        let refused = refused(&load(preset), garments.view());
        assert!(refused >= 0.98, "{preset} refuses {refused} of the garments");
    }
}
