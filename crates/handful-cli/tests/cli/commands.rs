//! What the command promises to those who type it and to scripts: stdout, stderr, exit codes, files.

use std::{
    fs,
    process::{Command, Stdio},
};

use ndarray::{Array1, Array2, s};
use ndarray_npy::{NpzReader, write_npy};

use crate::subset::{Subset, handful, json, stderr, stdout};

#[test]
fn wrong_usage_ends_with_2_and_names_the_option() {
    for (args, named) in [
        (&["compare", "--clusters", "0"][..], "--clusters"),
        (&["compare", "--n-neighbors", "0"], "--n-neighbors"),
        (&["compare", "--threads", "0"], "--threads"),
        (&["compare", "--threads", "5000"], "--threads"),
        (&["compare", "--no-such-option"], "--no-such-option"),
        (&["cluster"], "--clusters"),
        (&["cluster", "--clusters", "3", "--tol", "-1"], "--tol"),
        (&["neighbors"], "--queries"),
        (&["neighbors", "--queries", "mnist", "--n-probe", "3"], "--n-probe needs --index inverted"),
        (&["neighbors", "--queries", "mnist", "--n-lists", "3"], "--n-lists needs --index inverted"),
        (&["neighbors", "--queries", "mnist", "--save-index", "x"], "--save-index needs --index inverted"),
        (
            &["neighbors", "--queries", "mnist", "--index", "inverted", "--n-lists", "3", "--n-probe", "4"],
            "at most 3",
        ),
        (
            &["neighbors", "--queries", "mnist", "--index", "inverted", "--algorithm", "brute"],
            "--algorithm brute",
        ),
        (&["neighbors", "--queries", "mnist", "--index-file", "x", "--data", "y"], "--index-file"),
        (
            &["neighbors", "--queries", "mnist", "--index", "inverted", "--memory-limit", "1G"],
            "add --save-index or --index-file",
        ),
        (&["neighbors", "--queries", "mnist", "--index", "inverted", "--n-probe", "0"], "--n-probe"),
        (&["no-such-command"], "no-such-command"),
    ] {
        let output = handful().args(args).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(stderr(&output).contains(named), "{args:?}: {}", stderr(&output));
        assert!(output.stdout.is_empty(), "{args:?}");
    }
}

#[test]
fn help_shows_an_example_of_every_command() {
    for command in ["compare", "cluster", "neighbors", "select", "augment", "fetch", "completions", "man"] {
        let output = handful().args([command, "--help"]).output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        let (one, some) = ("Example:\n  handful", "Examples:\n  handful");
        let help = stdout(&output);
        assert!([one, some].iter().any(|start| help.contains(&format!("{start} {command} "))), "{help}");
    }
}

/// A failed job: exit code 1, one line that says why, nothing on stdout, nothing left behind.
#[track_caller]
pub(crate) fn fails(subset: &Subset, args: &[&str], reason: &str) {
    let before = subset.files();
    let output = subset.handful().args(args).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{args:?}: {}", stderr(&output));
    let told = stderr(&output);
    assert!(told.starts_with("error: ") && told.contains(reason), "{args:?}: {told}");
    assert_eq!(told.lines().count(), 1, "{args:?}: {told}");
    let clauses: Vec<&str> = told.trim_end().split(": ").collect();
    assert!(clauses.iter().zip(&clauses[1..]).all(|(a, b)| a != b), "nothing is said twice: {told}");
    assert!(output.stdout.is_empty(), "{args:?}: {}", stdout(&output));
    assert_eq!(subset.files(), before, "{args:?} leaves nothing half-written");
}

#[test]
fn jobs_that_cannot_be_done_end_with_1_and_say_why() {
    let subset = Subset::new(200, 20);
    fails(&subset, &["compare", "--data", "nowhere"], "nowhere: cannot be read: No such file");
    fails(
        &subset,
        &["compare", "--data", "mnist/train-images-idx3-ubyte"],
        "expected training images and test images, found only one set",
    );
    fails(
        &subset,
        &["compare", "--n-neighbors", "11", "--clusters", "1"],
        "--n-neighbors 11 is too many for 1 prototypes per class: n_neighbors is 11: expected 1 to 10",
    );
    fails(&subset, &["compare", "--clusters", "150"], "expected at least 150 images of class");
    fails(&subset, &["compare", "--report", "no/such/folder/report.html"], "cannot be written");
    fails(&subset, &["compare", "--report", "mnist"], "it is a folder");
    fails(&subset, &["cluster", "--clusters", "201"], "n_clusters is 201: expected at most 200");
    fails(
        &subset,
        &["cluster", "--clusters", "2", "--init", "nowhere.npy"],
        "expected k-means++, random or a NumPy file",
    );
    fails(&subset, &["cluster", "--clusters", "2", "-o", "no/such/folder/out.npz"], "cannot be written");
    fails(&subset, &["neighbors", "--queries", "mnist", "--n-neighbors", "201"], "expected 1 to 200");

    fs::write(subset.path("mnist/t10k-labels-idx1-ubyte"), [0, 0, 8, 1, 0, 0, 0, 20, 1, 2]).unwrap();
    fails(&subset, &["compare"], "t10k-labels-idx1-ubyte: the header declares 20 bytes of data, found 2");
    fs::remove_file(subset.path("mnist/t10k-labels-idx1-ubyte")).unwrap();
    fails(
        &subset,
        &["compare"],
        "expected labels in t10k-labels-idx1-ubyte or t10k-labels-idx1-ubyte.gz beside it, found none",
    );
}

#[test]
fn missing_default_data_lists_the_places_looked_at() {
    let empty = tempfile::tempdir().unwrap();
    let output =
        handful().arg("compare").env("HANDFUL_DATA", empty.path()).current_dir(&empty).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains(&empty.path().join("mnist").display().to_string()),
        "{}",
        stderr(&output)
    );
}

#[test]
fn stdout_is_one_json_document_and_stderr_stays_empty_off_a_terminal() {
    let subset = Subset::new(300, 30);
    for args in [
        &["compare", "--clusters", "2", "--json"][..],
        &["cluster", "--clusters", "2", "--json"],
        &["neighbors", "--queries", "mnist", "--json"],
    ] {
        let output = subset.handful().args(args).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert!(json(&output).is_object());
        assert_eq!(stderr(&output), "");
    }
}

#[test]
fn the_table_is_plain_off_a_terminal_and_names_the_report() {
    let subset = Subset::new(300, 30);
    let output = subset.handful().args(["compare", "--clusters", "2"]).output().unwrap();
    let text = stdout(&output);
    for expected in ["knn-all", "kmeans-knn", "random-knn", "95 % interval", "Report: handful-report.html"] {
        assert!(text.contains(expected), "{text}");
    }
    assert!(!text.contains('\u{1b}'), "no escape sequences");
    assert!(subset.path("handful-report.html").is_file());
    let verbose = subset.handful().args(["compare", "--clusters", "2", "-v"]).output().unwrap();
    assert!(
        stderr(&verbose).contains("read mnist") && stderr(&verbose).contains("wrote handful-report.html")
    );
    let colored =
        subset.handful().args(["compare", "--clusters", "2", "--color", "always"]).output().unwrap();
    assert!(stdout(&colored).contains('\u{1b}'));
}

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

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let subset = Subset::new(300, 30);
    let mut child =
        subset.command(["compare", "--clusters", "2", "--json"]).stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
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

#[cfg(unix)]
#[test]
fn links_and_pipes_stay_what_they_are() {
    let subset = Subset::new(300, 30);
    fs::write(subset.path("target.html"), "old").unwrap();
    std::os::unix::fs::symlink("target.html", subset.path("link.html")).unwrap();
    let run = |report: &str| {
        let output =
            subset.handful().args(["compare", "--clusters", "2", "--report", report]).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    };
    run("link.html");
    assert!(subset.path("link.html").is_symlink());
    assert!(fs::read_to_string(subset.path("target.html")).unwrap().starts_with("<!DOCTYPE html>"));
    let pipe = subset.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || fs::read_to_string(pipe).unwrap()
    });
    run("pipe");
    assert!(reader.join().unwrap().ends_with("</html>"));
    assert!(!pipe.is_file());
}
