//! Files that earlier versions wrote are read, with the same answers. See `docs/embedding.md`, "Model files".
//!
//! The folder `0.1.0` has a model for each kind of features, prototypes, decision and search, fitted to 90 images of bars
//! by version 0.1.0, and what that version answered about 30 other images. Files of a version are never replaced.

use std::{collections::HashMap, fs, path::PathBuf};

use handful::{classifier::Model, neighbors::InvertedIndex};
use ndarray::Array2;
use serde::{Deserialize, de::DeserializeOwned};

/// What a version answered about the images.
#[derive(Deserialize)]
struct Answers {
    labels: Vec<u32>,
    confidences: Vec<f64>,
    is_digit: Vec<bool>,
    distances: Vec<Vec<u64>>,
}

/// The neighbours that a version found.
#[derive(Deserialize)]
struct Neighbors {
    indices: Vec<usize>,
    distances: Vec<u64>,
}

fn path(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/versions/0.1.0", name].iter().collect()
}

fn json<T: DeserializeOwned>(name: &str) -> T {
    serde_json::from_slice(&fs::read(path(name)).expect("a file")).expect("answers")
}

/// Bars that stand, lie and lean, with noise.
fn images() -> Array2<u8> {
    Array2::from_shape_fn((30, 256), |(row, pixel)| {
        let (i, y, x) = (row + 1000, pixel / 16, pixel % 16);
        let place = 4 + i / 3 % 7;
        let ink = match i % 3 {
            0 => (place..place + 2).contains(&x),
            1 => (place..place + 2).contains(&y),
            _ => (place % 3..place % 3 + 2).contains(&((x + 16 - y) % 16)),
        };
        let grey = if ink { 200 } else { 0 } + (i * 31 + pixel * 17 + i * pixel) % 50;
        u8::try_from(grey).expect("a byte")
    })
}

#[test]
fn models_of_earlier_versions_give_the_same_answers() {
    let expected: HashMap<String, Answers> = json("predictions.json");
    assert_eq!(expected.len(), 5);
    for (name, expected) in expected {
        let model = Model::load(&path(&format!("{name}.safetensors"))).expect(&name);
        assert_eq!(model.classes(), ["bar", "é, \"quoted\"", "10"], "{name}");
        assert_eq!(model.pictures().is_some(), name == "pixels");
        let found = model.explain(images().view()).expect(&name);
        for (row, found) in found.iter().enumerate() {
            let distances: Vec<u64> = found.neighbors.iter().map(|voter| voter.distance).collect();
            assert_eq!(
                (found.label, found.is_digit, &distances),
                (expected.labels[row], expected.is_digit[row], &expected.distances[row]),
                "{name}, image {row}"
            );
            let difference = (found.confidence - expected.confidences[row]).abs();
            assert!(difference < 1e-9, "{name}, image {row}: {difference}");
        }
    }
}

#[test]
fn indexes_of_earlier_versions_find_the_same_neighbours() {
    let expected: Neighbors = json("neighbors.json");
    for index in [InvertedIndex::load(&path("bars.index")), InvertedIndex::open(&path("bars.index"))] {
        let found = index.expect("an index").kneighbors(images().view(), 3).expect("a search");
        assert_eq!(found.indices.into_raw_vec_and_offset().0, expected.indices);
        assert_eq!(found.distances.into_raw_vec_and_offset().0, expected.distances);
    }
}
