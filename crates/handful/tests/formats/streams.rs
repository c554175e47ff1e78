//! What comes from a stream or a pipe is what a file holds.

use std::{fs, io::Cursor, path::Path};

use handful::dataset::{self, ReadOptions, Reader, Split};

use crate::{
    expected::{Expected, sha256},
    fixture,
};

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
