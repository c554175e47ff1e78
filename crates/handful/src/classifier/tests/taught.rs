//! Images become prototypes of a trained model.

use super::*;

fn model() -> Model {
    let (train, _) = images();
    Preset::Tiny.params().fit(&train).unwrap().with_pictures(&train).unwrap()
}

/// A bar that lies, which no digit resembles.
fn bar() -> Array2<u8> {
    let mut bar = Array2::zeros((28, 28));
    bar.slice_mut(ndarray::s![12..15, 4..24]).fill(255);
    bar.into_shape_with_order((1, 784)).unwrap()
}

fn named(image: Array2<u8>, class: &str) -> Dataset {
    Dataset::new(image, [28, 28], vec![0], vec![class.to_owned()]).unwrap()
}

#[test]
#[cfg(feature = "presets")]
fn a_misread_image_is_read_and_hardly_any_other_changes() {
    let mnist = dataset::load(&dataset::locate().unwrap()).unwrap();
    let test = mnist.test.select(&(0..3000).collect::<Vec<_>>());
    let model = Preset::Fast.trained().unwrap();
    let before = model.predict(test.images().view()).unwrap();
    let is_wrong = |labels: &[u32], row: usize| labels[row] != test.labels()[row];
    let misread: Vec<usize> = (0..3000).filter(|&row| is_wrong(&before, row)).take(8).collect();
    assert!(misread.len() >= 3);
    for row in misread {
        let after = model.taught(&test.select(&[row])).unwrap().predict(test.images().view()).unwrap();
        assert!(!is_wrong(&after, row));
        let spoiled = (0..3000).filter(|&i| is_wrong(&after, i) && !is_wrong(&before, i)).count();
        assert!(spoiled <= 9, "image {row}: {spoiled}");
    }
}

#[test]
fn what_it_was_taught_is_shown_saved_and_added_to() {
    let (_, test) = images();
    let [first, second] = [0, 1].map(|row| test.select(&[row]));
    let taught = model().taught(&first).unwrap().taught(&second).unwrap();
    let n = model().prototypes().n_samples();
    assert_eq!(taught.prototypes().n_samples(), n + 4, "two of three votes each");
    assert_eq!((taught.provenance().n_taught, taught.provenance().n_samples), (2, 600));
    let taught = Model::from_bytes(&taught.to_bytes().unwrap()).unwrap();
    let why = &taught.explain(second.images().view()).unwrap()[0];
    let voter = why.neighbors[0];
    assert_eq!((voter.distance, taught.origin(voter.medoid)), (0, Origin::Taught(1)));
    assert_eq!(taught.pictures().unwrap().row(voter.prototype), second.images().row(0));
    let (train, _) = images();
    assert!(matches!(taught.with_pictures(&train), Err(Error::OtherImages)));
}

#[test]
fn models_in_which_all_images_vote_can_be_taught() {
    let (train, _) = images();
    let [.., votes] = recipes();
    let taught = votes.fit(&train).unwrap().taught(&named(bar(), "4")).unwrap();
    let taught = Model::from_bytes(&taught.to_bytes().unwrap()).unwrap();
    assert_eq!(taught.medoids()[598..], [598, 599, 600, 600, 600]);
    assert_eq!(taught.predict(bar().view()).unwrap(), [4]);
}

#[test]
fn a_model_of_few_prototypes_still_knows_the_other_class() {
    let (train, _) = images();
    let rows: Vec<usize> =
        [3, 8].map(|label| train.labels().iter().position(|&l| l == label).unwrap()).into();
    let few = train.select(&rows);
    for preset in [Preset::Pixels, Preset::Tiny, Preset::Neighbors] {
        let model = preset.params().fit(&few).unwrap();
        let taught = model.taught(&few.select(&[1])).unwrap();
        assert_eq!(taught.predict(few.images().view()).unwrap(), [3, 8], "{preset}");
    }
}

#[test]
fn unknown_classes_and_other_shapes_are_refused() {
    let error = model().taught(&named(bar(), "x")).unwrap_err().to_string();
    assert!(error.contains("(0, 1, 2, 3, 4, 5, 6, 7, 8, 9), found the class \"x\""), "{error}");
    for shape in [[2, 2], [14, 56]] {
        let n_pixels = shape[0] * shape[1];
        let other = Array2::zeros((1, n_pixels));
        let other = Dataset::new(other, shape, vec![0], vec!["1".to_owned()]).unwrap();
        assert!(matches!(model().taught(&other), Err(Error::ImageShape { .. })));
    }
}
