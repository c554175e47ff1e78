//! Every format, held to the pixels and labels that went into it.

use std::fs;

use handful::{
    dataset::{self, KnownReader, Split},
    preprocess::Framing,
};

use crate::{
    expected::{Expected, holds},
    fixture,
};

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
    holds(&dataset::Images { labels: None, ..words }, 8, &train.sha256, None);
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
    assert!(one.contains("expected training images and test images, found only one set"), "{one}");
    fs::copy(
        fixture("torchvision/MNIST/raw/t10k-labels-idx1-ubyte"),
        empty.path().join("train-labels-idx1-ubyte"),
    )
    .unwrap();
    assert!(told("").contains("has 8 images") && told("").contains("has 4 labels"), "{}", told(""));
    let several = dataset::load(&fixture("csv")).unwrap_err().to_string();
    assert!(several.contains("found several (headerless.csv, openml.csv"), "{several}");
    fs::write(empty.path().join("notes"), "These are notes.").unwrap();
    let text = dataset::load_images(&empty.path().join("notes"), Split::Train).unwrap_err().to_string();
    assert!(text.contains("found a file that starts with \"These are notes.\""), "{text}");
    let five = ["5".to_owned()];
    let known = dataset::load_known(&fixture("kaggle"), Split::Train, &five, [28, 28], &Framing::Auto.into());
    let mut reader =
        KnownReader::open(&fixture("kaggle"), Split::Train, &five, [28, 28], &Framing::Auto.into()).unwrap();
    assert_eq!(reader.read(1).unwrap().unwrap().labels(), [0]);
    for known in [known.map(Some), reader.read(1)] {
        let error = known.unwrap_err().to_string();
        assert!(error.contains("row 2: expected one of the labels 5, found \"0\""), "{error}");
    }
}
