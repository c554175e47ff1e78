//! Every format, held to the pixels and labels that went into it.

use std::{fs, io::Cursor};

use handful::{
    dataset::{self, Images, KnownReader, Reader, Split},
    preprocess::Framing,
};
use ndarray::ArrayView1;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::fixture;

/// What went into the fixtures.
struct Expected {
    labels: Vec<String>,
    letters: Vec<u32>,
    sha256: Vec<String>,
    usps_sha256: Vec<String>,
}

impl Expected {
    fn new(split: Split) -> Self {
        let json: Value = serde_json::from_slice(&fs::read(fixture("expected.json")).unwrap()).unwrap();
        let of = &json[if split == Split::Train { "train" } else { "test" }];
        let texts = |name: &str| -> Vec<String> {
            let values = of[name].as_array().unwrap().iter();
            values.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)).collect()
        };
        Self {
            labels: texts("labels"),
            letters: texts("letters").iter().map(|number| number.parse().unwrap()).collect(),
            sha256: texts("sha256"),
            usps_sha256: texts("usps_sha256"),
        }
    }
}

fn sha256(row: ArrayView1<u8>) -> String {
    Sha256::digest(row.to_vec()).iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

/// So many images, with the first of the expected pixels and, if there are any, labels.
#[track_caller]
fn holds(images: &Images, n: usize, sha256s: &[String], labels: Option<&[String]>) {
    assert_eq!(images.pixels.nrows(), n);
    let found: Vec<String> = images.pixels.outer_iter().map(sha256).collect();
    assert_eq!(found, sha256s[..n]);
    assert_eq!(images.labels.as_deref(), labels.map(|labels| &labels[..n]));
}

#[test]
fn folders_of_idx_files_are_read_whether_packed_or_not() {
    for folder in ["torchvision", "torchvision/MNIST", "torchvision/MNIST/raw", "gzip", "qmnist"] {
        for (split, n) in [(Split::Train, 8), (Split::Test, 4)] {
            let expected = Expected::new(split);
            let images = dataset::load_images(&fixture(folder), split).unwrap();
            assert_eq!(images.shape, [28, 28]);
            holds(&images, n, &expected.sha256, Some(&expected.labels));
        }
    }
    let file = fixture("gzip/t10k-images-idx3-ubyte.gz");
    assert_eq!(
        dataset::load_images(&file, Split::Train).unwrap().labels,
        Some(Expected::new(Split::Test).labels)
    );
}

#[test]
fn emnist_is_put_upright_and_its_labels_are_letters() {
    let expected = Expected::new(Split::Train);
    let letters: Vec<String> =
        expected.letters.iter().map(|&number| char::from_u32(64 + number).unwrap().to_string()).collect();
    let images = dataset::load_images(&fixture("emnist"), Split::Train).unwrap();
    holds(&images, 8, &expected.sha256, Some(&letters));
    let both = dataset::load(&fixture("emnist")).unwrap();
    assert_eq!(both.train.classes(), ["A", "B", "G", "H", "M", "N", "O", "P", "W", "Z"]);
}

#[test]
fn archives_of_numpy_hold_both_parts() {
    let (train, test) = (Expected::new(Split::Train), Expected::new(Split::Test));
    for (name, [n_train, n_test]) in [("mnist.npz", [2, 2]), ("compressed.npz", [8, 4])] {
        let path = fixture("keras").join(name);
        holds(
            &dataset::load_images(&path, Split::Train).unwrap(),
            n_train,
            &train.sha256,
            Some(&train.labels),
        );
        holds(&dataset::load_images(&path, Split::Test).unwrap(), n_test, &test.sha256, Some(&test.labels));
    }
    let both = dataset::load(&fixture("keras/compressed.npz")).unwrap();
    assert_eq!(both.train.classes(), ["0", "1", "2", "3", "4", "5", "7", "9"]);
    assert_eq!((both.train.n_samples(), both.test.n_samples()), (8, 4));
}

#[test]
fn arrays_of_any_type_and_order_are_the_same_images() {
    let expected = Expected::new(Split::Train);
    for (name, n) in
        [("images", 2), ("fortran", 2), ("big_endian", 2), ("unit", 1), ("flat", 1), ("signed", 1)]
    {
        let images = dataset::load_images(&fixture("npy").join(format!("{name}.npy")), Split::Train).unwrap();
        assert_eq!(images.shape, [28, 28], "{name}");
        holds(&images, n, &expected.sha256, None);
    }
}

#[test]
fn tables_are_read_by_their_header() {
    let (train, test) = (Expected::new(Split::Train), Expected::new(Split::Test));
    holds(
        &dataset::load_images(&fixture("kaggle"), Split::Train).unwrap(),
        2,
        &train.sha256,
        Some(&train.labels),
    );
    holds(&dataset::load_images(&fixture("kaggle"), Split::Test).unwrap(), 2, &test.sha256, None);
    for name in ["openml", "headerless", "shuffled"] {
        let images = dataset::load_images(&fixture(&format!("csv/{name}.csv")), Split::Train).unwrap();
        holds(&images, 2, &train.sha256, Some(&train.labels));
    }
    let words = ["five", "zero"].map(str::to_owned);
    let path = fixture("csv/words.csv");
    holds(&dataset::load_images(&path, Split::Train).unwrap(), 2, &train.sha256, Some(&words));
    assert_eq!(dataset::load_train(&path).unwrap().classes(), words);
}

#[test]
fn usps_is_read_from_both_its_texts() {
    let (train, test) = (Expected::new(Split::Train), Expected::new(Split::Test));
    for (name, n, expected) in
        [("zip.train.gz", 8, &train), ("zip.test.gz", 4, &test), ("usps", 2, &train), ("usps.bz2", 2, &train)]
    {
        let images = dataset::load_images(&fixture("usps").join(name), Split::Train).unwrap();
        assert_eq!(images.shape, [16, 16], "{name}");
        let labels = if name.starts_with("usps") {
            // Two rows do not have all of the labels 1 to 10, by which these are told to be one too high.
            expected.labels.iter().map(|label| (label.parse::<u32>().unwrap() + 1).to_string()).collect()
        } else {
            expected.labels.clone()
        };
        holds(&images, n, &expected.usps_sha256, Some(&labels));
    }
    let usps: String = fs::read_to_string(fixture("usps/usps")).unwrap();
    let digit = usps.lines().next().unwrap().split_once(' ').unwrap().1;
    let all: String = (1..=10).fold(String::new(), |all, label| all + &format!("{label} {digit}\n"));
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("usps"), all).unwrap();
    let images = dataset::load_images(&folder.path().join("usps"), Split::Train).unwrap();
    assert_eq!(images.labels.unwrap(), (0..10).map(|digit| digit.to_string()).collect::<Vec<_>>());
}

#[cfg(feature = "parquet")]
#[test]
fn parquet_holds_pictures() {
    let (train, test) = (Expected::new(Split::Train), Expected::new(Split::Test));
    for folder in ["huggingface/mnist", "huggingface/mnist/train-00000-of-00001.parquet"] {
        let images = dataset::load_images(&fixture(folder), Split::Train).unwrap();
        holds(&images, 8, &train.sha256, Some(&train.labels));
    }
    holds(
        &dataset::load_images(&fixture("huggingface/mnist"), Split::Test).unwrap(),
        4,
        &test.sha256,
        Some(&test.labels),
    );
    let binary = dataset::load_images(&fixture("huggingface/binary.parquet"), Split::Train).unwrap();
    holds(&binary, 8, &train.sha256, Some(&train.labels));
    let words = dataset::load_images(&fixture("huggingface/zstd.parquet"), Split::Train).unwrap();
    assert_eq!(words.labels.as_ref().unwrap()[..2], ["five", "zero"]);
    holds(&Images { labels: None, ..words }, 8, &train.sha256, None);
}

#[cfg(feature = "parquet")]
#[test]
fn row_groups_of_parquet_are_read_on_their_own() {
    let path = fixture("huggingface/mnist/train-00000-of-00001.parquet");
    let all = dataset::load_images(&path, Split::Train).unwrap();
    let file = dataset::RowGroups::open(&path).unwrap();
    let n = file.sizes().len();
    assert_eq!(file.sizes().iter().sum::<usize>(), all.pixels.nrows());
    assert_eq!(file.images(0..n).unwrap(), all);
    assert_eq!(file.labels(0..n).unwrap(), all.labels.unwrap());
    assert!(matches!(file.images(n..n + 1), Err(dataset::Error::NoImages { .. })));
    assert_eq!(file.labels(n..n + 1).unwrap(), [""; 0]);
}

#[cfg(feature = "images")]
#[test]
fn folders_of_pictures_have_a_class_each() {
    for (split, n) in [(Split::Train, 8), (Split::Test, 4)] {
        let expected = Expected::new(split);
        let images = dataset::load_images(&fixture("folders"), split).unwrap();
        let found: std::collections::BTreeSet<(String, String)> =
            images.labels.unwrap().into_iter().zip(images.pixels.outer_iter().map(sha256)).collect();
        assert_eq!(found, expected.labels.into_iter().zip(expected.sha256).collect());
        assert_eq!(found.len(), n);
    }
    let words = dataset::load_train(&fixture("words")).unwrap();
    assert_eq!((words.image_shape(), words.n_samples()), ([10, 12], 8));
    assert_eq!(words.classes(), ["cat", "dog"]);
    let framed = dataset::load_known(
        &fixture("words"),
        Split::Train,
        words.classes(),
        [28, 28],
        &Framing::Auto.into(),
    );
    assert_eq!(framed.unwrap().image_shape(), [28, 28]);
    let unframed = dataset::load_known(
        &fixture("words"),
        Split::Train,
        words.classes(),
        [28, 28],
        &Framing::Never.into(),
    );
    let error = unframed.unwrap_err().to_string();
    assert!(error.contains("expected images of 28 x 28") && error.contains("found 10 x 12"), "{error}");
}

#[cfg(feature = "images")]
#[test]
fn the_size_of_a_picture_is_known_before_the_whole_is() {
    for name in ["alpha.png", "large.png", "photo.jpg", "sixteen.png"] {
        let bytes = fs::read(fixture("strays").join(name)).unwrap();
        let picture = dataset::decode_picture(&bytes).unwrap();
        let size = [picture.nrows(), picture.ncols()];
        assert_eq!(dataset::picture_size(&bytes[..bytes.len() - 20]), Ok(size), "{name}");
    }
    let error = dataset::picture_size(b"seven").unwrap_err();
    assert!(error.starts_with("expected a picture"), "{error}");
}

/// What comes from a pipe is the same, a few rows at a time.
#[test]
fn streams_are_read_a_few_rows_at_a_time() {
    let expected = Expected::new(Split::Test);
    for name in [
        "gzip/t10k-images-idx3-ubyte.gz",
        "keras/compressed.npz",
        "usps/zip.test.gz",
        #[cfg(feature = "parquet")]
        "huggingface/mnist/test-00000-of-00001.parquet",
    ] {
        let bytes = fs::read(fixture(name)).unwrap();
        let mut reader = Reader::from_stream("-".as_ref(), Cursor::new(bytes)).unwrap();
        let mut found = Vec::new();
        while let Some(images) = reader.read(3).unwrap() {
            assert!(images.pixels.nrows() <= 3);
            found.extend(images.pixels.outer_iter().map(sha256));
        }
        assert!(found == expected.sha256 || found == expected.usps_sha256, "{name}");
    }
}

#[test]
fn what_is_missing_or_unclear_is_told() {
    let empty = tempfile::tempdir().unwrap();
    let copy = |name: &str| {
        fs::copy(fixture("torchvision/MNIST/raw").join(name), empty.path().join(name)).unwrap();
    };
    let told = |path: &str| dataset::load(&empty.path().join(path)).unwrap_err().to_string();
    assert!(told("").ends_with("expected images, found none"), "{}", told(""));
    assert!(told("nowhere").contains("nowhere: cannot be read"), "{}", told("nowhere"));
    copy("train-images-idx3-ubyte");
    assert!(
        told("").contains("with `test` or `t10k` in its name, found train-images-idx3-ubyte"),
        "{}",
        told("")
    );
    copy("t10k-images-idx3-ubyte");
    let wanted =
        "expected labels in train-labels-idx1-ubyte or train-labels-idx1-ubyte.gz beside it, found none";
    assert!(told("").ends_with(wanted), "{}", told(""));
    copy("train-labels-idx1-ubyte");
    let one = told("train-images-idx3-ubyte");
    assert!(one.contains("expected images to learn from and others to be tested on, found one set"), "{one}");
    fs::copy(
        fixture("torchvision/MNIST/raw/t10k-labels-idx1-ubyte"),
        empty.path().join("train-labels-idx1-ubyte"),
    )
    .unwrap();
    assert!(told("").contains("holds 8 images") && told("").contains("holds 4 labels"), "{}", told(""));
    let several = dataset::load(&fixture("csv")).unwrap_err().to_string();
    assert!(several.contains("found several (headerless.csv, openml.csv"), "{several}");
    fs::write(empty.path().join("notes"), "These are notes.").unwrap();
    let text = dataset::load_images(&empty.path().join("notes"), Split::Train).unwrap_err().to_string();
    assert!(text.contains("found one that starts with \"These are notes.\""), "{text}");
    let five = ["5".to_owned()];
    let known = dataset::load_known(&fixture("kaggle"), Split::Train, &five, [28, 28], &Framing::Auto.into());
    let mut reader =
        KnownReader::open(&fixture("kaggle"), Split::Train, &five, [28, 28], &Framing::Auto.into()).unwrap();
    assert_eq!(reader.read(1).unwrap().unwrap().labels(), [0]);
    for known in [known.map(Some), reader.read(1)] {
        let error = known.unwrap_err().to_string();
        assert!(error.contains("row 2: expected a label among 5, found \"0\""), "{error}");
    }
}
