//! `handful cluster`: where it starts, and what it writes.

use std::fs;

use ndarray::{Array1, Array2, s};
use ndarray_npy::{NpzReader, write_npy};

use crate::{
    commands::fails,
    subset::{Subset, json, stdout},
};

#[test]
fn cluster_starts_where_it_is_told_and_writes_what_it_found() {
    let subset = Subset::new(300, 30);
    let images =
        handful::dataset::load_images(&subset.path("mnist"), handful::dataset::Split::Train).unwrap().pixels;
    write_npy(subset.path("init.npy"), &images.slice(s![..7, ..]).to_owned()).unwrap();
    let args = [
        "cluster",
        "--clusters",
        "7",
        "--init",
        "init.npy",
        "--max-iter",
        "5",
        "--tol",
        "0",
        "-o",
        "out.npz",
        "--json",
    ];
    let summary = json(&subset.handful().args(args).output().unwrap());

    let start = handful::kmeans::Init::Given(images.slice(s![..7, ..]).mapv(f64::from));
    let expected = handful::KMeans::params(7).init(start).max_iter(5).tol(0.0).fit(images.view()).unwrap();
    assert_eq!(summary["inertia"], expected.inertia);
    assert_eq!(summary["n_iter"], expected.n_iter);
    assert!(summary["loop_seconds"].as_f64() <= summary["seconds"].as_f64());
    assert!(summary["loop_seconds"].as_f64() > Some(0.0));
    let mut npz = NpzReader::new(fs::File::open(subset.path("out.npz")).unwrap()).unwrap();
    let centroids: Array2<f64> = npz.by_name("centroids").unwrap();
    let labels: Array1<i64> = npz.by_name("labels").unwrap();
    assert_eq!(centroids, expected.centroids.to_f64());
    assert_eq!(labels.to_vec(), expected.labels.iter().map(|&label| i64::from(label)).collect::<Vec<_>>());
}

#[test]
fn cluster_per_class_tells_the_class_of_each_centroid() {
    let subset = Subset::new(300, 30);
    let args = ["cluster", "--clusters", "2", "--per-class", "--init", "random", "-o", "out.npz"];
    let output = subset.handful().args(args).output().unwrap();
    assert!(stdout(&output).contains("300 images of 784 pixels in 20 clusters"), "{}", stdout(&output));
    let mut npz = NpzReader::new(fs::File::open(subset.path("out.npz")).unwrap()).unwrap();
    let classes: Array1<i64> = npz.by_name("classes").unwrap();
    let sizes: Array1<u64> = npz.by_name("cluster_sizes").unwrap();
    assert_eq!(classes.to_vec(), (0..20).map(|i| i / 2).collect::<Vec<_>>());
    assert_eq!(sizes.sum(), 300);
}

#[test]
fn a_centroid_file_is_refused_before_it_costs_memory() {
    let subset = Subset::new(200, 20);
    let write = |name: &str, shape: &str, values: &[u8]| {
        let header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}");
        let mut file = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
        file.extend(format!("{header:<117}\n").bytes());
        file.extend(values);
        fs::write(subset.path(name), file).unwrap();
    };
    let refused = |name: &str, clusters: &str, reason: &str| {
        fails(&subset, &["cluster", "--clusters", clusters, "--per-class", "--init", name], reason);
    };
    for (name, shape, values, reason) in [
        ("huge.npy", "(1099511627776, 784)", &[][..], "expected 1 to 134217728 values"),
        ("none.npy", "(0, 9223372036854775808)", &[], "expected 1 to 134217728 values"),
        ("nothing.npy", "(9223372036854775808, 0)", &[], "expected 1 to 134217728 values"),
        ("cut.npy", "(20, 784)", &[7], "expected 15680 bytes of values, found 1"),
        ("long.npy", "(1, 2)", &[7, 7, 7], "expected 2 bytes of values, found more"),
    ] {
        write(name, shape, values);
        refused(name, "2", reason);
    }
    write_npy(subset.path("flat.npy"), &Array1::<i64>::zeros(784)).unwrap();
    refused("flat.npy", "2", "expected an array of shape (rows, columns), found shape [784]");
    write_npy(subset.path("bool.npy"), &Array2::<bool>::default((20, 784))).unwrap();
    refused("bool.npy", "2", "expected an array of numbers, found one of text or booleans");
    write_npy(subset.path("above.npy"), &Array2::<i64>::from_elem((20, 784), 256)).unwrap();
    refused("above.npy", "2", "expected a value from 0 to 255, found 256");
    refused("above.npy", "3", "expected initial centroids of shape (30, 784)");
}
