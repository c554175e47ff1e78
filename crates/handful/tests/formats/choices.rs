//! What the values of a file decide, and options that decide otherwise.

use std::{
    fs,
    io::Cursor,
    sync::{Arc, Mutex},
};

use handful::dataset::{self, Invert, LabelColumn, Note, Notes, ReadOptions, Reader, Split};

use crate::{
    expected::{Expected, holds},
    fixture,
};

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
