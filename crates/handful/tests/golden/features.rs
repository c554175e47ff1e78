//! The same features as `make_features.py` computes with the usual libraries.

use std::sync::LazyLock;

use handful::{
    Dataset,
    features::{Activation, Dictionary, DictionaryParams, Gradients, Lda, Pca},
    preprocess::Deskew,
    progress::Observer,
};
use ndarray::{Array2, ArrayView1, ArrayView2, Axis, s};
use serde_json::Value;

use crate::{
    MNIST,
    reference::{integers, numbers},
};

/// Values that are not yet rounded to bytes.
static REFERENCE: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("features.json")).expect("features.json is JSON"));

/// Bytes are rounded to whole numbers, and what they are compared with to hundredths.
const ROUNDING: f64 = 0.505;
/// Weights are rounded to 8 bits: over all pixels of an image that moves these places by up to 0.22.
const WEIGHTS: f64 = 0.25;

/// The images that the reference has learned from.
static IMAGES: LazyLock<Dataset> = LazyLock::new(|| MNIST.train.select(&integers(&REFERENCE["rows"])));

/// What lies in a frame of them, and its shape.
fn framed(frame: &Value) -> (Array2<u8>, [usize; 2]) {
    let [top, bottom, left, right] = integers::<usize>(frame)[..] else { panic!("a frame has four sides") };
    let images = IMAGES.images().to_shape((IMAGES.n_samples(), 28, 28)).expect("28 x 28 pixels");
    let inside = images.slice(s![.., top..bottom, left..right]);
    let shape = [bottom - top, right - left];
    (inside.to_shape((IMAGES.n_samples(), shape[0] * shape[1])).expect("whole").into_owned(), shape)
}

/// Every so many-th row: those that the reference holds.
fn stored(rows: ArrayView2<u8>) -> Array2<u8> {
    let chosen: Vec<usize> = (0..rows.nrows()).step_by(count(&REFERENCE["stored"])).collect();
    rows.select(Axis(0), &chosen)
}

fn matrix(value: &Value) -> Array2<f64> {
    let rows: Vec<Vec<f64>> = value.as_array().expect("rows").iter().map(numbers).collect();
    Array2::from_shape_vec((rows.len(), rows[0].len()), rows.concat()).expect("rows of one length")
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

fn count(value: &Value) -> usize {
    value.as_u64().and_then(|count| usize::try_from(count).ok()).expect("a count")
}

fn farthest(found: ArrayView1<f64>, expected: ArrayView1<f64>) -> f64 {
    found.iter().zip(expected).map(|(found, expected)| (found - expected).abs()).fold(0.0, f64::max)
}

/// All bytes of the rows that the reference holds are within a distance of its values.
#[track_caller]
fn assert_close(found: ArrayView2<u8>, expected: &Value, within: f64) {
    let (found, expected) = (stored(found).mapv(f64::from), matrix(expected));
    assert_eq!(found.dim(), expected.dim());
    for (row, (found, expected)) in found.outer_iter().zip(expected.outer_iter()).enumerate() {
        let farthest = farthest(found, expected);
        assert!(farthest <= within, "row {row} is {farthest} away");
    }
}

/// As [`assert_close`], but of each column the places may all be on the other side of 128: solvers turn directions
/// round as they like.
#[track_caller]
fn assert_close_up_to_sign(found: ArrayView2<u8>, expected: &Value, within: f64) {
    let (found, expected) = (stored(found).mapv(f64::from), matrix(expected));
    assert_eq!(found.dim(), expected.dim());
    for (direction, (found, expected)) in found.columns().into_iter().zip(expected.columns()).enumerate() {
        let turned = found.mapv(|place| 256.0 - place);
        let farthest = farthest(found, expected).min(farthest(turned.view(), expected));
        assert!(farthest <= within, "direction {direction} is {farthest} away");
    }
}

fn cases(name: &str) -> &'static [Value] {
    REFERENCE[name].as_array().expect("a list")
}

#[test]
fn deskew_resamples_as_scipy_does() {
    for case in cases("deskew") {
        let (images, shape) = framed(&case["frame"]);
        let deskew = Deskew::new().normalize(number(&case["normalize"]));
        assert_close(deskew.transform(images.view(), shape).view(), &case["images"], ROUNDING);
    }
}

#[test]
fn gradients_are_those_of_the_arc_tangent() {
    for case in cases("gradients") {
        let (images, shape) = framed(&case["frame"]);
        let gradients = Gradients::new(count(&case["n_bins"]), count(&case["n_cells"]));
        assert_close(gradients.transform(images.view(), shape).view(), &case["histograms"], ROUNDING);
    }
}

#[test]
fn principal_components_are_scikit_learns() {
    let (x, _) = framed(&REFERENCE["middle"]);
    for case in cases("pca") {
        let pca = Pca::fit(x.view(), 20, number(&case["whitening"]));
        assert_close_up_to_sign(pca.transform(x.view()).view(), &case["places"], ROUNDING + WEIGHTS);
    }
}

#[test]
fn discriminants_are_scikit_learns() {
    let (x, _) = framed(&REFERENCE["middle"]);
    for case in cases("lda") {
        let lda = Lda::fit(x.view(), IMAGES.labels(), 10, number(&case["ridge"])).expect("ten classes");
        assert_close_up_to_sign(lda.transform(x.view()).view(), &case["places"], ROUNDING);
    }
}

#[test]
fn activations_follow_from_distances() {
    let expected = &REFERENCE["activations"];
    let (x, _) = framed(&REFERENCE["middle"]);
    let x = x / 4;
    let atoms = x.slice(s![..;8, ..]);
    #[expect(clippy::cast_possible_truncation, reason = "a round number")]
    let variance = number(&expected["variance"]) as f32;
    for (name, activation) in
        [("radial_basis", Activation::RadialBasis { variance }), ("triangle", Activation::Triangle)]
    {
        let dictionary = Dictionary::new(atoms.to_owned(), activation);
        assert_close(dictionary.transform(x.view()).view(), &expected[name], ROUNDING);
    }
}

#[test]
fn spread_is_a_part_of_the_median_squared_distance() {
    let (x, shape) = framed(&REFERENCE["middle"]);
    let images = IMAGES.with_images(x, shape).expect("of that shape");
    // An atom for each image.
    let n_atoms = IMAGES.n_samples() / 10;
    let params =
        DictionaryParams { n_atoms, spread: 0.5, max_iter: 10, seed: 0, observer: Observer::default() };
    let dictionary = Dictionary::fit_per_class(&params, &images).expect("enough images");
    let Activation::RadialBasis { variance } = dictionary.activation() else { panic!("radial bases") };
    let expected = 0.5 * number(&REFERENCE["median_squared_distance"]);
    assert!((f64::from(variance) / expected - 1.0).abs() < 1e-6, "{variance} is not {expected}");
}
