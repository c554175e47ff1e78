//! `handful neighbors`: the same neighbours however they are searched.

use std::fs;

use ndarray::Array2;
use ndarray_npy::NpzReader;

use crate::{
    commands::fails,
    subset::{Subset, json, stderr, stdout},
};

#[test]
fn neighbors_writes_squared_distances_and_indices() {
    let subset = Subset::new(300, 30);
    let args =
        ["neighbors", "--queries", "mnist/train-images-idx3-ubyte", "--n-neighbors", "2", "-o", "out.npz"];
    let output = subset.handful().args(args).output().unwrap();
    assert!(
        stdout(&output).contains("the 2 nearest of 300 images for each of 300 images"),
        "{}",
        stdout(&output)
    );
    let mut npz = NpzReader::new(fs::File::open(subset.path("out.npz")).unwrap()).unwrap();
    let distances: Array2<i64> = npz.by_name("distances").unwrap();
    let indices: Array2<i64> = npz.by_name("indices").unwrap();
    assert_eq!(indices.column(0).to_vec(), (0..300).collect::<Vec<_>>(), "every image is its own nearest");
    assert_eq!(distances.column(0).sum(), 0);
    assert!(distances.column(1).iter().all(|&distance| distance > 0));
}

#[test]
fn neighbors_are_the_same_one_by_one_and_by_brute_force() {
    let subset = Subset::new(300, 30);
    let found = |options: &[&str]| {
        let output = subset
            .handful()
            .args(["--json", "neighbors", "--queries", "mnist", "-o", "out.npz"])
            .args(options)
            .output()
            .unwrap();
        let summary: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
        let mut npz = NpzReader::new(fs::File::open(subset.path("out.npz")).unwrap()).unwrap();
        let indices: Array2<i64> = npz.by_name("indices").unwrap();
        (summary, indices)
    };
    let (together, expected) = found(&[]);
    assert_eq!((&together["algorithm"], together.get("latency_seconds")), (&"auto".into(), None));
    let (alone, indices) = found(&["--one-by-one", "--algorithm", "brute"]);
    assert_eq!((&alone["algorithm"], indices), (&"brute".into(), expected));
    let seconds = |name: &str| alone["latency_seconds"][name].as_f64().unwrap();
    assert!(0.0 < seconds("median") && seconds("median") <= seconds("p99"));
}

#[test]
fn neighbors_are_the_same_in_a_limit_of_memory() {
    let subset = Subset::new(6000, 500);
    let found = |options: &[&str]| {
        let args = ["--json", "neighbors", "--queries", "mnist", "-o", "out.npz"];
        let output = subset.handful().args(args).args(options).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        (json(&output), fs::read(subset.path("out.npz")).unwrap())
    };
    let (in_memory, expected) = found(&[]);
    let (on_disk, npz) = found(&["--memory-limit", "120M"]);
    assert!(npz == expected);
    let names =
        |summary: &serde_json::Value| summary.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&on_disk), names(&in_memory));
    assert_eq!((&on_disk["n_samples"], &on_disk["n_queries"]), (&6000.into(), &500.into()));
    fails(
        &subset,
        &["neighbors", "--queries", "mnist", "--memory-limit", "1M"],
        "500 queries and their neighbours, beside blocks of 6000 vectors of 784 bytes, found 1 MB: raise it",
    );
    let both = ["neighbors", "--queries", "mnist", "--memory-limit", "1G", "--one-by-one"];
    assert_eq!(subset.handful().args(both).output().unwrap().status.code(), Some(2));
}

#[test]
fn an_inverted_index_tells_its_recall_and_is_searched_from_its_file() {
    let subset = Subset::new(300, 30);
    let found = |options: &[&str]| {
        let common = ["--json", "neighbors", "--queries", "mnist", "-o", "out.npz"];
        let output = subset.handful().args(common).args(options).output().unwrap();
        assert!(output.status.success(), "{options:?}: {}", stderr(&output));
        let summary: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
        let mut npz = NpzReader::new(fs::File::open(subset.path("out.npz")).unwrap()).unwrap();
        let indices: Array2<i64> = npz.by_name("indices").unwrap();
        (summary, indices)
    };
    let (exact, expected) = found(&[]);
    assert_eq!((&exact["index"], exact.get("recall")), (&"exact".into(), None));
    let making = ["--index", "inverted", "--n-lists", "12", "--n-probe", "2", "--save-index", "lists"];
    let (made, indices) = found(&making);
    assert_eq!(
        (&made["index"], &made["n_lists"], &made["n_probe"]),
        (&"inverted".into(), &12.into(), &2.into())
    );
    assert_eq!((&made["recall_sample"], made.get("algorithm")), (&300.into(), None));
    let recall = made["recall"].as_f64().unwrap();
    assert!(0.3 < recall && recall < 1.0, "{recall}");
    assert_ne!(indices, expected);

    let (opened, again) = found(&["--index-file", "lists"]);
    assert_eq!((again, &opened["recall"], &opened["n_probe"]), (indices, &made["recall"], &2.into()));
    let (all, again) = found(&["--index-file", "lists", "--n-probe", "12", "--one-by-one"]);
    assert_eq!((again, &all["recall"]), (expected, &1.0.into()));
    let wrong = ["neighbors", "--queries", "mnist", "--index-file", "lists", "--n-probe", "13"];
    fails(&subset, &wrong, "n_probe is 13: expected 1 to 12, the number of lists");
    let wrong = ["neighbors", "--queries", "mnist", "--index-file", "out.npz"];
    fails(&subset, &wrong, "expected a complete index that handful saved");
    let output =
        subset.handful().args(["neighbors", "--queries", "mnist", "--index-file", "lists"]).output().unwrap();
    assert!(stdout(&output).contains("Searched 2 of 12 lists: recall 0."), "{}", stdout(&output));
}
