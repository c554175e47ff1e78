//! Every format, held to the pixels and labels that went into it.

use std::{
    fs,
    io::Cursor,
    path::Path,
    sync::{Arc, Mutex},
};

use handful::{
    dataset::{self, Images, Invert, KnownReader, LabelColumn, Note, Notes, ReadOptions, Reader, Split},
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
        Self::of(&json, if split == Split::Train { "train" } else { "test" })
    }

    /// Of UCI's table of that name.
    fn uci(name: &str) -> Self {
        let json: Value = serde_json::from_slice(&fs::read(fixture("expected.json")).unwrap()).unwrap();
        Self::of(&json, name)
    }

    fn of(json: &Value, part: &str) -> Self {
        let of = &json[part];
        let texts = |name: &str| -> Vec<String> {
            let values = of[name].as_array().into_iter().flatten();
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

/// What readers tell, and options with which they do.
fn listening() -> (Arc<Mutex<Vec<Note>>>, ReadOptions) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let listener = Arc::clone(&told);
    let notes = Notes::to(move |note: &Note| listener.lock().unwrap().push(note.clone()));
    (told, ReadOptions { notes, ..ReadOptions::default() })
}

#[test]
fn uci_s_tables_have_the_label_in_the_last_column() {
    for (name, split, n) in [("tra", Split::Train, 60), ("tes", Split::Test, 30)] {
        let expected = Expected::uci(name);
        let (told, options) = listening();
        let images = dataset::load_images_with(&fixture("uci"), split, &options).unwrap();
        assert_eq!(images.shape, [8, 8]);
        holds(&images, n, &expected.sha256, Some(&expected.labels));
        let path = fixture(&format!("uci/optdigits.{name}"));
        assert_eq!(*told.lock().unwrap(), [Note::LabelColumn { path, column: 64, n_columns: 65 }]);
    }
    let both = dataset::load(&fixture("uci")).unwrap();
    assert_eq!((both.train.n_samples(), both.test.n_samples(), both.train.classes().len()), (60, 30, 10));
    let path = fixture("uci/optdigits.tra");
    let read = |label_column| {
        let options = ReadOptions { label_column, ..ReadOptions::default() };
        dataset::load_images_with(&path, Split::Train, &options).unwrap()
    };
    assert_eq!(read(LabelColumn::Last), read(LabelColumn::Named("65".to_owned())));
    assert_eq!(read(LabelColumn::First).labels.unwrap()[..3], ["0", "0", "0"]);
    let none = read(LabelColumn::None);
    assert_eq!((none.labels, none.shape), (None, [1, 65]));
}

#[test]
fn numpy_s_texts_have_the_label_first_or_last() {
    let expected = Expected::new(Split::Train);
    for (name, column) in [("first", 0), ("last", 784)] {
        let (told, options) = listening();
        let path = fixture(&format!("text/{name}.txt"));
        let images = dataset::load_images_with(&path, Split::Train, &options).unwrap();
        holds(&images, 2, &expected.sha256, Some(&expected.labels));
        assert_eq!(*told.lock().unwrap(), [Note::LabelColumn { path, column, n_columns: 785 }]);
    }
}

#[test]
fn a_label_that_may_be_first_or_last_is_asked_for() {
    let table = "0,0,0,0,0\n0,0,9,0,0\n0,0,7,0,0\n";
    let read = |options: &ReadOptions| {
        Reader::stream_with("t.csv".as_ref(), table.as_bytes(), options).and_then(Reader::read_all)
    };
    let error = read(&ReadOptions::default()).unwrap_err().to_string();
    assert!(error.contains("the label may be in the first or in the last of the 5 columns"), "{error}");
    let first = ReadOptions { label_column: LabelColumn::First, ..ReadOptions::default() };
    assert_eq!(read(&first).unwrap().pixels.row(1).to_vec(), [0, 9, 0, 0]);
}

/// pandas names columns by their numbers, and rows too, unless told otherwise.
#[test]
fn headers_that_count_tell_no_label() {
    let rows = [[9, 1, 0, 0, 3], [8, 0, 0, 0, 4], [0, 2, 0, 0, 5]];
    let row = |row: &[i32; 5]| row.map(|value| value.to_string()).join(",");
    let plain: String = rows.iter().fold("0,1,2,3,4\n".to_owned(), |all, values| all + &row(values) + "\n");
    let numbered = rows
        .iter()
        .enumerate()
        .fold(",0,1,2,3,4\n".to_owned(), |all, (i, values)| all + &format!("{i},{}\n", row(values)));
    for table in [plain, numbered] {
        let reader = Reader::from_stream("t.csv".as_ref(), Cursor::new(table)).unwrap();
        let images = reader.read_all().unwrap();
        assert_eq!(
            (images.shape, images.labels.unwrap()),
            ([2, 2], ["3", "4", "5"].map(str::to_owned).to_vec())
        );
    }
}

#[test]
fn labels_are_whole_numbers_however_they_are_written() {
    let expected = Expected::new(Split::Train);
    for name in ["floats", "one_hot"] {
        let images = dataset::load_images(&fixture(&format!("keras/{name}.npz")), Split::Train).unwrap();
        assert_eq!(images.shape, [28, 28]);
        holds(&images, 8, &expected.sha256, Some(&expected.labels));
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    let told = |labels: [&str; 2]| {
        let rows = labels.map(|label| format!("{label},0,0,0,9\n")).concat();
        fs::write(&path, format!("label,p0,p1,p2,p3\n{rows}")).unwrap();
        dataset::load_train(&path).map(|data| data.classes().to_vec())
    };
    assert_eq!(told(["7.000e+00", "-0.0"]).unwrap(), ["0", "7"]);
    assert_eq!(told([" \"7\" ", "7.0"]).unwrap(), ["7"]);
    let error = told(["7", "7.5"]).unwrap_err().to_string();
    assert!(error.contains("row 2: expected a label that is a whole number or a name, found 7.5"), "{error}");
    let error = told(["", "7"]).unwrap_err().to_string();
    assert!(error.contains("row 1: expected a label, found none"), "{error}");
}

#[test]
fn an_array_may_be_one_image_for_those_who_know_its_shape() {
    let expected = Expected::new(Split::Train);
    let known = |image_shape| ReadOptions { image_shape: Some(image_shape), ..ReadOptions::default() };
    for name in ["channel_last", "channel_first"] {
        let images = dataset::load_images(&fixture(&format!("npy/{name}.npy")), Split::Train).unwrap();
        assert_eq!(images.shape, [28, 28]);
        holds(&images, 2, &expected.sha256, None);
    }
    for name in ["one", "one_fortran", "one_row"] {
        let path = fixture(&format!("npy/{name}.npy"));
        let images = dataset::load_images_with(&path, Split::Test, &known([28, 28])).unwrap();
        assert_eq!(images.shape, [28, 28], "{name}");
        holds(&images, 1, &expected.sha256, None);
    }
    let path = fixture("npy/one.npy");
    assert_eq!(dataset::load_images(&path, Split::Test).unwrap().shape, [1, 28]);
    assert_eq!(dataset::load_images_with(&path, Split::Test, &known([1, 28])).unwrap().pixels.nrows(), 28);
}

/// Ink that was light is dark, and paper white.
#[test]
fn dark_ink_on_light_paper_is_inverted_if_one_asks() {
    let raw = fs::read(fixture("torchvision/MNIST/raw/train-images-idx3-ubyte")).unwrap();
    let negative: Vec<u8> =
        raw[..16].iter().copied().chain(raw[16..].iter().map(|value| 255 - value)).collect();
    let read = |bytes: &[u8], invert| {
        let (told, options) = listening();
        let options = ReadOptions { invert, ..options };
        let reader = Reader::stream_with("t".as_ref(), Cursor::new(bytes.to_vec()), &options).unwrap();
        let pixels = reader.read_all().unwrap().pixels;
        (pixels, told.lock().unwrap().clone())
    };
    let (images, _) = read(&raw, Invert::Never);
    let inverted = Note::Inverted { path: "t".into() };
    assert_eq!(read(&raw, Invert::Auto), (images.clone(), vec![]));
    assert_eq!(read(&negative, Invert::Auto), (images.clone(), vec![inverted]));
    assert_eq!(read(&negative, Invert::Always), (images.clone(), vec![]));
    assert_ne!(read(&negative, Invert::Never).0, images);
}

#[cfg(feature = "images")]
#[test]
fn tiff_is_read_page_by_page() {
    let expected = Expected::new(Split::Train);
    let read = |name: &str| {
        let mut reader = Reader::open(&fixture(&format!("tiff/{name}.tif")), Split::Test).unwrap();
        assert!(reader.is_picture());
        let mut pages = Vec::new();
        while let Some(images) = reader.read(2).unwrap() {
            pages.extend(images.pixels.outer_iter().map(|row| (images.shape, row.to_vec())));
        }
        pages
    };
    let shas = |name: &str| -> Vec<String> {
        read(name).into_iter().map(|(_, pixels)| sha256(ndarray::aview1(&pixels))).collect()
    };
    assert_eq!(shas("pages"), expected.sha256[..3]);
    for name in ["grey", "packbits", "sixteen", "colour", "big"] {
        assert_eq!(shas(name), expected.sha256[..1], "{name}");
    }
    let shapes: Vec<[usize; 2]> = read("mixed").into_iter().map(|(shape, _)| shape).collect();
    assert_eq!(shapes, [[28, 28], [40, 28], [28, 28], [28, 28]]);
    let mixed = Reader::open(&fixture("tiff/mixed.tif"), Split::Test).unwrap().read_all().unwrap_err();
    assert!(matches!(mixed, dataset::Error::ShapeMismatch { found: [40, 28], .. }), "{mixed}");
    let bilevel = read("bilevel");
    assert!(bilevel[0].1.iter().all(|value| [0, 255].contains(value)) && bilevel[0].1.contains(&255));
    assert_eq!(read("fax"), bilevel);
    let negative: Vec<u8> = read("grey")[0].1.iter().map(|value| 255 - value).collect();
    assert_eq!(read("white_is_zero")[0].1, negative);

    let pages = fs::read(fixture("tiff/pages.tif")).unwrap();
    let error = dataset::decode_picture(&pages).unwrap_err();
    assert_eq!(error, "expected one picture, found a TIFF file of 3 pages");
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("7")).unwrap();
    fs::write(folder.path().join("7/pages.tif"), pages).unwrap();
    fs::copy(fixture("tiff/grey.tif"), folder.path().join("7/z.tif")).unwrap();
    let images = dataset::load_images(folder.path(), Split::Train).unwrap();
    let shas = [&expected.sha256[..3], &expected.sha256[..1]].concat();
    holds(&images, 4, &shas, Some(&["7"; 4].map(str::to_owned)));
}

#[cfg(feature = "images")]
#[test]
fn formats_that_are_not_read_are_called_by_their_name() {
    let told = |name: &str, bytes: &[u8]| {
        let reader = Reader::from_stream(name.as_ref(), Cursor::new(bytes.to_vec()));
        let error = reader.err().expect("not read").to_string();
        assert_eq!(error, format!("{name}: {}", dataset::decode_picture(bytes).unwrap_err()));
        error
    };
    for (file, kind) in
        [("digit.pdf", "PDF"), ("digit.avif", "AVIF"), ("digit.jp2", "JPEG 2000"), ("digit.ico", "ICO")]
    {
        let error = told(file, &fs::read(fixture("unsupported").join(file)).unwrap());
        assert_eq!(error, format!("{file}: {kind} files are not supported: export it as PNG or JPEG"));
    }
    let heic = told("digit.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic");
    assert_eq!(heic, "digit.heic: HEIC files are not supported: export it as PNG or JPEG");
    let fax = fs::read(fixture("tiff/fax3.tif")).unwrap();
    assert!(dataset::decode_picture(&fax).unwrap_err().ends_with("save it as PNG or JPEG"));
    let unknown = dataset::decode_picture(b"seven").unwrap_err();
    assert!(
        unknown.contains("PNG, JPEG, TIFF, GIF, BMP, WebP, PNM") && unknown.contains("\"seven\""),
        "{unknown}"
    );
}

#[cfg(feature = "images")]
#[test]
fn files_come_in_the_order_of_their_numbers() {
    let expected = Expected::new(Split::Train);
    let folder = tempfile::tempdir().unwrap();
    for (class, label) in [("2", 0), ("10", 1)] {
        fs::create_dir(folder.path().join(class)).unwrap();
        for (i, name) in ["1", "2", "10", "11"].iter().enumerate() {
            let image = fixture(&format!(
                "folders/train/{}/{:05}.png",
                expected.labels[4 * label + i],
                4 * label + i
            ));
            fs::copy(image, folder.path().join(class).join(format!("{name}.png"))).unwrap();
        }
    }
    let images = dataset::load_images(folder.path(), Split::Train).unwrap();
    let labels: Vec<String> = ["2", "10"].into_iter().flat_map(|class| vec![class.to_owned(); 4]).collect();
    holds(&images, 8, &expected.sha256, Some(&labels));
}

#[cfg(feature = "parquet")]
#[test]
fn the_column_of_labels_in_parquet_can_be_named() {
    let path = fixture("huggingface/mnist/train-00000-of-00001.parquet");
    let read = |column: &str| {
        let options = ReadOptions { label_column: column.parse().unwrap(), ..ReadOptions::default() };
        dataset::load_images_with(&path, Split::Train, &options)
    };
    let expected = Expected::new(Split::Train);
    for column in ["label", "last", "2"] {
        holds(&read(column).unwrap(), 8, &expected.sha256, Some(&expected.labels));
    }
    assert_eq!(read("none").unwrap().labels, None);
    let error = read("digit").unwrap_err().to_string();
    assert!(error.contains("expected a label column \"digit\", found the columns image, label"), "{error}");
}

/// A named pipe, with a program that writes a file into it.
#[cfg(unix)]
fn pipe(folder: &Path, content: Vec<u8>) -> std::path::PathBuf {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let path = folder.join(format!("pipe-{}", NUMBER.fetch_add(1, Ordering::Relaxed)));
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    let there = path.clone();
    // A reader that has seen enough may leave.
    std::thread::spawn(move || fs::write(there, content));
    path
}

#[cfg(unix)]
#[test]
fn pipes_are_read_once() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = |name: &str| pipe(folder.path(), fs::read(fixture(name)).unwrap());
    for name in [
        "gzip/t10k-images-idx3-ubyte.gz",
        "keras/compressed.npz",
        "npy/fortran.npy",
        "kaggle/test.csv",
        "uci/optdigits.tes",
        "usps/usps",
        #[cfg(feature = "parquet")]
        "huggingface/mnist/test-00000-of-00001.parquet",
        #[cfg(feature = "images")]
        "strays/photo.jpg",
    ] {
        let from_file = Reader::open(&fixture(name), Split::Test).unwrap().read_all().unwrap();
        let from_pipe = Reader::open(&pipe(name), Split::Test).unwrap().read_all().unwrap();
        assert_eq!(from_pipe.pixels, from_file.pixels, "{name}");
    }
    let both = dataset::load(&pipe("keras/compressed.npz")).unwrap();
    assert_eq!((both.train.n_samples(), both.test.n_samples()), (8, 4));
    let on_disk =
        dataset::OnDisk::open(&pipe("npy/images.npy"), Split::Train, &ReadOptions::default()).unwrap();
    assert!(on_disk.is_copy());
    let known = dataset::load_known(
        &pipe("kaggle/train.csv"),
        Split::Test,
        &["0", "5"].map(str::to_owned),
        [28, 28],
        &ReadOptions::default(),
    );
    assert_eq!(known.unwrap().labels(), [1, 0]);
}
