//! Pictures that Pillow drew of MNIST's test digits, of the kinds of `benches/redrawn`: see `make_fixtures.py`.

use std::fs;

use handful::{dataset::decode_picture, preprocess::Framing};
use ndarray::{Array2, Axis};

use super::{fixture, judged, model};

struct Picture {
    name: String,
    pixels: Array2<u8>,
    label: String,
}

/// The pictures of a kind, in the folder of that name.
fn pictures(kind: &str) -> Vec<Picture> {
    let folder = fixture(kind);
    let table = fs::read_to_string(folder.join("labels.csv")).expect("a table of labels");
    let picture = |row: &str| {
        let (name, label) = row.split_once(',').expect("a file and its label");
        let bytes = fs::read(folder.join(name)).expect("a picture");
        let pixels = decode_picture(&bytes).expect("a whole picture");
        Picture { name: name.to_owned(), pixels, label: label.to_owned() }
    };
    table.lines().skip(1).map(picture).collect()
}

/// The names of all folders.
fn kinds() -> Vec<String> {
    let entries = fs::read_dir(fixture("")).expect("fixtures");
    let mut kinds: Vec<String> =
        entries.map(|entry| entry.expect("a folder").file_name().to_string_lossy().into_owned()).collect();
    kinds.sort();
    kinds
}

#[test]
fn every_digit_arrives() {
    let model = model();
    let framer = judged(&model, Framing::Auto);
    let kinds = kinds();
    assert!(kinds.len() > 20, "{} kinds", kinds.len());
    for kind in kinds {
        for Picture { name, pixels, label } in pictures(&kind) {
            let image = framer.frame(pixels.view()).unwrap();
            let row = image.into_shape_with_order(28 * 28).unwrap().insert_axis(Axis(0));
            let found = &model.explain(row.view()).unwrap()[0];
            assert_eq!(model.classes()[found.label as usize], label, "{kind}/{name}");
            assert!(found.is_digit && found.has_ink, "{kind}/{name}: refused");
        }
    }
}
