//! `handful augment`: what it writes is read back, whole or not at all.

use std::{fs, path::Path};

use handful::dataset::{self, Images, Split};
use ndarray::s;

#[cfg(unix)]
use crate::patience::{ended, send_signal, wait_for};
use crate::{
    commands::fails,
    subset::{Subset, json, stderr, stdout},
};

#[track_caller]
fn augment(subset: &Subset, args: &[&str]) -> serde_json::Value {
    let output = subset.handful().args(["augment", "--json"]).args(args).output().unwrap();
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()), "{args:?}");
    json(&output)
}

fn read(path: &Path) -> Images {
    dataset::load_images(path, Split::Train).unwrap()
}

#[test]
fn idx_and_parquet_hold_the_same_images_for_any_number_of_threads() {
    let subset = Subset::new(300, 30);
    let summary = augment(&subset, &["-n", "5000", "-o", "idx", "--threads", "1"]);
    assert_eq!((&summary["n_samples"], &summary["n_sources"]), (&5000.into(), &300.into()));
    let files = ["idx/train-images-idx3-ubyte", "idx/train-labels-idx1-ubyte"];
    assert_eq!(summary["files"], serde_json::json!(files));
    assert_eq!(summary["bytes"], 16 + 5000 * 784 + 8 + 5000);
    assert!(summary["seconds"].as_f64() > Some(0.0) && summary["images_per_second"].as_f64() > Some(0.0));
    let summary = augment(&subset, &["-n", "5000", "-o", "one.parquet", "--threads", "2"]);
    assert_eq!(summary["bytes"], fs::metadata(subset.path("one.parquet")).unwrap().len());
    augment(&subset, &["-n", "5000", "-o", "some", "--shards", "3"]);
    assert_eq!(fs::read_dir(subset.path("some")).unwrap().count(), 3);
    assert!(subset.path("some/train-00002-of-00003.parquet").is_file());

    let expected = read(&subset.path("idx"));
    assert_eq!((expected.pixels.dim(), expected.shape), ((5000, 784), [28, 28]));
    assert_eq!(read(&subset.path("one.parquet")), expected);
    assert_eq!(read(&subset.path("some")), expected);
    let originals = read(&subset.path("mnist"));
    assert_eq!(expected.pixels.slice(s![..300, ..]), originals.pixels);
    assert_eq!(expected.labels.as_ref().unwrap()[4800..], originals.labels.unwrap()[..200]);

    // More of them begin with the same; another seed, or another strength, makes others.
    augment(&subset, &["-n", "5100", "-o", "more"]);
    assert_eq!(read(&subset.path("more")).pixels.slice(s![..5000, ..]), expected.pixels);
    for other in [["--seed", "1"], ["--rotation", "11"], ["--elastic", "0"]] {
        augment(&subset, &[&["-n", "301", "-o", "other"], &other[..]].concat());
        let other = read(&subset.path("other")).pixels;
        assert_eq!(other.slice(s![..300, ..]), originals.pixels);
        assert_ne!(other.row(300), expected.pixels.row(300));
    }
}

#[test]
fn what_is_written_is_data_for_other_commands() {
    let subset = Subset::new(100, 10);
    let output = subset.handful().args(["augment", "-n", "250", "-o", "big", "-v"]).output().unwrap();
    assert!(stdout(&output).starts_with("250 images made from 100 in "), "{}", stdout(&output));
    for expected in ["read 100 images from mnist", "wrote big/train-images-idx3-ubyte"] {
        assert!(stderr(&output).contains(expected), "{}", stderr(&output));
    }
    let info = stdout(&subset.handful().args(["info", "big"]).output().unwrap());
    assert!(info.contains("28 x 28 pixels, 10 classes") && info.contains("250 images"), "{info}");
    let args = ["cluster", "--data", "big", "--clusters", "7", "--json"];
    assert_eq!(json(&subset.handful().args(args).output().unwrap())["n_samples"], 250);

    // Once more, over what is there; nothing else stays in the folder.
    augment(&subset, &["-n", "120", "-o", "big"]);
    assert_eq!(read(&subset.path("big")).pixels.nrows(), 120);
    assert_eq!(fs::read_dir(subset.path("big")).unwrap().count(), 2);
}

#[test]
fn the_pen_draws_digits_in_turn_without_any_data() {
    let subset = Subset::empty();
    let summary = augment(&subset, &["--pen", "-n", "100", "-o", "drawn", "--threads", "1"]);
    assert_eq!((&summary["n_samples"], &summary["n_sources"]), (&100.into(), &0.into()));
    let drawn = read(&subset.path("drawn"));
    assert_eq!((drawn.pixels.dim(), drawn.shape), ((100, 784), [28, 28]));
    let in_turn: Vec<String> = (0..100).map(|i| (i % 10).to_string()).collect();
    assert_eq!(drawn.labels.as_ref(), Some(&in_turn));
    assert!(drawn.pixels.outer_iter().all(|image| image.iter().any(|&pixel| pixel > 128)));

    let bytes =
        |folder: &str, kind| fs::read(subset.path(folder).join(format!("train-{kind}-ubyte"))).unwrap();
    augment(&subset, &["--pen", "-n", "100", "-o", "again", "--threads", "2"]);
    augment(&subset, &["--pen", "-n", "100", "-o", "other", "--seed", "1"]);
    for kind in ["images-idx3", "labels-idx1"] {
        assert!(bytes("again", kind) == bytes("drawn", kind), "{kind}");
    }
    assert!(bytes("other", "images-idx3") != bytes("drawn", "images-idx3"));
    assert!(bytes("other", "labels-idx1") == bytes("drawn", "labels-idx1"));

    // Parquet files hold the same digits, and more of them begin with these.
    augment(&subset, &["--pen", "-n", "100", "-o", "drawn.parquet"]);
    assert_eq!(read(&subset.path("drawn.parquet")), drawn);
    augment(&subset, &["--pen", "-n", "130", "-o", "shards", "--shards", "3"]);
    assert_eq!(read(&subset.path("shards")).pixels.slice(s![..100, ..]), drawn.pixels);

    augment(&subset, &["--pen", "-n", "100", "-o", "distorted", "--distort"]);
    let distorted = read(&subset.path("distorted"));
    assert_eq!((distorted.shape, distorted.labels), ([28, 28], drawn.labels));
    assert_ne!(distorted.pixels, drawn.pixels);

    let output = subset.handful().args(["augment", "--pen", "-n", "9", "-o", "few"]).output().unwrap();
    assert!(stdout(&output).starts_with("9 images drawn in "), "{}", stdout(&output));
}

#[test]
fn the_pen_takes_no_options_of_images_that_it_does_not_read() {
    let subset = Subset::made([5, 3], &[200, 7, 7]);
    let before = subset.files();
    for option in [
        ["--data", "mnist"],
        ["--label-column", "last"],
        ["--invert", "always"],
        ["--framing", "always"],
        ["--rotation", "5"],
        ["--scale", "0.1"],
        ["--shear", "0.1"],
        ["--translation", "0.1"],
        ["--elastic", "0.1"],
        ["--smoothness", "0.1"],
    ] {
        let args = ["augment", "--pen", "-n", "9", "-o", "drawn"];
        let output = subset.handful().args(args).args(option).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{option:?}");
        assert!(stderr(&output).contains("cannot be used with"), "{option:?}: {}", stderr(&output));
    }
    assert_eq!(subset.files(), before);
}

#[test]
fn all_but_the_originals_are_distorted() {
    let subset = Subset::new(30, 10);
    augment(&subset, &["-n", "90", "-o", "plain"]);
    augment(&subset, &["-n", "90", "-o", "distorted", "--distort", "--threads", "1"]);
    augment(&subset, &["-n", "90", "-o", "distorted.parquet", "--distort", "--threads", "2"]);
    let [plain, distorted] = ["plain", "distorted"].map(|name| read(&subset.path(name)));
    assert_eq!(distorted, read(&subset.path("distorted.parquet")));
    assert_eq!((distorted.shape, &distorted.labels), (plain.shape, &plain.labels));
    for (row, (distorted, plain)) in distorted.pixels.outer_iter().zip(plain.pixels.outer_iter()).enumerate()
    {
        assert_eq!(distorted == plain, row < 30, "image {row}");
    }
}

#[test]
fn labels_are_those_of_the_data() {
    let subset = Subset::made([5, 3], &[200, 7, 7]);
    augment(&subset, &["-n", "7", "-o", "idx"]);
    augment(&subset, &["-n", "7", "-o", "numbers.parquet"]);
    let expected: Vec<String> = [200, 7, 7, 200, 7, 7, 200].iter().map(u8::to_string).collect();
    for name in ["idx", "numbers.parquet"] {
        let found = read(&subset.path(name));
        assert_eq!((found.shape, found.labels.as_ref()), ([5, 3], Some(&expected)));
    }

    fs::write(subset.path("words.csv"), "label,a,b,c,d\nhätte,0,255,0,255\n07,255,0,255,0\n").unwrap();
    augment(&subset, &["--data", "words.csv", "-n", "3", "-o", "words.parquet"]);
    let words = read(&subset.path("words.parquet")).labels.unwrap();
    assert_eq!(words, ["hätte", "07", "hätte"]);
    let reason = "class \"07\": expected a whole number from 0 to 255, because IDX stores labels as bytes";
    fails(&subset, &["augment", "--data", "words.csv", "-n", "3", "-o", "words"], reason);
}

#[test]
fn jobs_that_cannot_be_done_leave_nothing_behind() {
    let subset = Subset::new(100, 10);
    fails(
        &subset,
        &["augment", "-n", "9", "-o", "no/such/folder"],
        "no/such/folder cannot be created as a folder",
    );
    fails(&subset, &["augment", "-n", "9", "-o", "no/such.parquet"], "no/such.parquet cannot be written");
    fails(&subset, &["augment", "-n", "9", "-o", "big", "--data", "nowhere"], "nowhere: cannot be read");
    fails(
        &subset,
        &["augment", "-n", "9", "-o", "mnist", "--shards", "2"],
        "-ubyte already exists: expected a folder without other training images",
    );
    fs::write(subset.path("file"), "").unwrap();
    fails(&subset, &["augment", "-n", "9", "-o", "file"], "file cannot be created as a folder");
    fs::remove_file(subset.path("mnist/train-labels-idx1-ubyte")).unwrap();
    fails(&subset, &["augment", "-n", "9", "-o", "big"], "expected labels in train-labels-idx1-ubyte");
    fails(
        &subset,
        &["augment", "-n", "9", "-o", "big.parquet"],
        "expected labels in train-labels-idx1-ubyte",
    );
}

#[test]
fn wrong_usage_is_told_before_anything_is_read() {
    let subset = Subset::new(1, 1);
    let before = subset.files();
    for (args, reason) in [
        (&["-n", "0", "-o", "big"][..], "--count"),
        (&["-o", "big"], "--count"),
        (&["-n", "9"], "--output"),
        (&["-n", "9", "-o", "big", "--rotation", "-1"], "rotation is -1: expected a number from 0 to 180"),
        (&["-n", "9", "-o", "big", "--smoothness", "nan"], "smoothness is NaN"),
        (&["-n", "9", "-o", "big", "--shards", "0"], "--shards"),
        (&["-n", "9", "-o", "big", "--shards", "10"], "--shards is 10: expected at most 9"),
        (&["-n", "9", "-o", "big.parquet", "--shards", "2"], "expected a folder"),
        (&["-n", "4294967296", "-o", "big"], "expected at most 4294967295, the most that IDX can hold"),
    ] {
        let output = subset.handful().arg("augment").args(args).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(stderr(&output).contains(reason), "{args:?}: {}", stderr(&output));
    }
    assert_eq!(subset.files(), before);
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_it_and_leaves_nothing_behind() {
    let subset = Subset::new(100, 10);
    let before = subset.files();
    for output in ["big", "big.parquet"] {
        let mut child = subset.command(["augment", "-n", "4000000000", "-q", "-o", output]).spawn().unwrap();
        let begun = || {
            fs::read_dir(subset.path(if output == "big" { "big" } else { "" })).is_ok_and(|entries| {
                entries
                    .flatten()
                    .any(|entry| entry.metadata().is_ok_and(|file| file.is_file() && file.len() > 0))
            })
        };
        wait_for("a file that grows", || begun().then_some(()));
        send_signal("INT", &child);
        assert_eq!(ended(&mut child).code(), Some(130));
        assert_eq!(subset.files(), before);
    }
}
