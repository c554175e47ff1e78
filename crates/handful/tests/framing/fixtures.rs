//! Pictures that Pillow drew of MNIST's test digits, of the kinds of `benches/redrawn`: see `make_fixtures.py`.

use std::fs;

use handful::{dataset::decode_picture, preprocess::Framing};
use ndarray::{Array2, Axis};

use super::{fixture, judged, model};

/// The kinds, with the pictures and labels of each.
fn kinds() -> Vec<(String, Vec<(String, Array2<u8>, String)>)> {
    let mut folders: Vec<_> = fs::read_dir(fixture("")).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    let pictures = |folder: &std::path::PathBuf| {
        let table = fs::read_to_string(folder.join("labels.csv")).unwrap();
        let picture = |row: &str| {
            let (name, label) = row.split_once(',').unwrap();
            let bytes = fs::read(folder.join(name)).unwrap();
            (name.to_owned(), decode_picture(&bytes).unwrap(), label.to_owned())
        };
        table.lines().skip(1).map(picture).collect()
    };
    let name = |folder: &std::path::PathBuf| folder.file_name().unwrap().to_string_lossy().into_owned();
    folders.iter().map(|folder| (name(folder), pictures(folder))).collect()
}

#[test]
fn every_digit_arrives() {
    let model = model();
    let framer = judged(&model, Framing::Auto);
    let kinds = kinds();
    assert!(kinds.len() > 20, "{} kinds", kinds.len());
    for (kind, pictures) in kinds {
        for (name, picture, label) in pictures {
            let image = framer.frame(picture.view()).unwrap();
            let row = image.into_shape_with_order(28 * 28).unwrap().insert_axis(Axis(0));
            let found = &model.explain(row.view()).unwrap()[0];
            assert_eq!(model.classes()[found.label as usize], label, "{kind}/{name}");
            assert!(found.is_digit && found.has_ink, "{kind}/{name}: refused");
        }
    }
}
