//! Rows of files are those that are read into memory, wherever they are.

use std::{
    io::Write,
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use flate2::{Compression, write::GzEncoder};
use ndarray::array;

use ndarray::{Axis, s};

use super::*;
use crate::progress::{Observer, Stage};

fn idx(images: &Array2<u8>) -> Vec<u8> {
    let sizes = [images.nrows(), 1, images.ncols()].map(|size| (size as u32).to_be_bytes());
    [&[0, 0, 8, 3][..], &sizes.concat(), images.as_slice().unwrap()].concat()
}

fn pixels() -> Array2<u8> {
    Array2::from_shape_fn((5000, 3), |(i, j)| (i * 7 + j) as u8)
}

#[test]
fn plain_and_packed_files_hold_the_same_rows() {
    let (folder, images) = (tempfile::tempdir().unwrap(), pixels());
    let (plain, packed) = (folder.path().join("a"), folder.path().join("b.gz"));
    std::fs::write(&plain, idx(&images)).unwrap();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&idx(&images)).unwrap();
    std::fs::write(&packed, encoder.finish().unwrap()).unwrap();
    for (path, is_copy) in [(plain, false), (packed, true)] {
        let data = OnDisk::open(&path, Split::Train, &ReadOptions::default()).unwrap();
        assert_eq!((data.shape(), data.is_copy(), data.labels()), ((5000, 3), is_copy, None));
        let rows = [4999, 0, 1, 2, 1500, 1499];
        assert_eq!(data.select_rows(&rows).unwrap(), images.select(Axis(0), &rows));
        let mut buffer = Vec::new();
        assert_eq!(data.rows(17..4000, &mut buffer).unwrap(), images.slice(s![17..4000, ..]));
    }
}

#[test]
fn joined_sets_are_those_joined_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let table = |name: &str, rows: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, format!("label,p0,p1,p2,p3\n{rows}")).unwrap();
        path
    };
    let paths =
        [table("a.csv", "9,1,0,0,9\n8,2,0,0,9\n"), table("b.csv", "7,3,0,0,9\n9,4,0,0,9\n8,5,0,0,7\n")];
    let whole = paths.each_ref().map(|path| (path.display(), crate::dataset::load_train(path).unwrap()));
    let whole = crate::Dataset::join(whole).unwrap();
    let sets = paths.iter().map(|path| OnDisk::open(path, Split::Train, &ReadOptions::default()).unwrap());
    let joined = OnDisk::join(sets.collect()).unwrap();
    assert_eq!(joined.labels(), Some((whole.labels(), whole.classes())));
    for rows in [0..5, 1..3, 3..4, 2..5] {
        let mut buffer = Vec::new();
        assert_eq!(joined.rows(rows.clone(), &mut buffer).unwrap(), whole.images().slice(s![rows, ..]));
    }
}

#[test]
fn a_file_that_shrinks_is_an_error() {
    let (folder, images) = (tempfile::tempdir().unwrap(), pixels());
    let path = folder.path().join("images");
    std::fs::write(&path, idx(&images)).unwrap();
    let data = OnDisk::open(&path, Split::Train, &ReadOptions::default()).unwrap();
    File::options().write(true).open(&path).unwrap().set_len(3000).unwrap();
    assert!(data.select_rows(&[0, 1]).is_ok());
    let error = data.select_rows(&[4000]).unwrap_err().to_string();
    assert!(error.contains("images"), "{error}");
}

#[test]
fn opening_ends_before_the_next_images_where_the_observer_breaks() {
    let (folder, images) = (tempfile::tempdir().unwrap(), Array2::zeros((100, 1 << 20)));
    let path = folder.path().join("images");
    std::fs::write(&path, idx(&images)).unwrap();
    for most in [0, 8, 50] {
        let (observer, seen) = watch(most);
        let error = OnDisk::open(&path, Split::Train, &ReadOptions { observer, ..ReadOptions::default() })
            .unwrap_err();
        assert!(matches!(error, Error::Cancelled(_)), "{error}");
        // There are four rows of a megabyte between two reports.
        assert_eq!(seen.load(Ordering::Relaxed), most.next_multiple_of(4));
    }
    let (observer, seen) = watch(usize::MAX);
    OnDisk::open(&path, Split::Train, &ReadOptions { observer, ..ReadOptions::default() }).unwrap();
    assert_eq!(seen.load(Ordering::Relaxed), 100);
}

/// An observer that breaks once `most` images are read, and the number of images read.
fn watch(most: usize) -> (Observer, Arc<AtomicUsize>) {
    let seen = Arc::new(AtomicUsize::new(0));
    let last = Arc::clone(&seen);
    let observer = Observer::new(move |progress| {
        assert_eq!((progress.stage, progress.total), (Stage::Read, 100));
        last.store(progress.done, Ordering::Relaxed);
        if progress.done >= most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    (observer, seen)
}

#[test]
fn damage_is_found_on_opening() {
    let (folder, images) = (tempfile::tempdir().unwrap(), pixels());
    let path = folder.path().join("images");
    let whole = idx(&images);
    for damaged in [&whole[..whole.len() - 1], &[&whole[..], &[0]].concat()] {
        std::fs::write(&path, damaged).unwrap();
        let error = OnDisk::open(&path, Split::Train, &ReadOptions::default()).unwrap_err();
        assert!(matches!(error, Error::WrongSize { .. }), "{error}");
    }
}

#[test]
fn labels_are_those_that_a_whole_load_finds() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    std::fs::write(&path, "label,p0,p1,p2,p3\n10,1,0,0,9\n9,2,0,0,9\nb,3,5,7,9\n10,4,0,0,9\n").unwrap();
    let data = OnDisk::open(&path, Split::Train, &ReadOptions::default()).unwrap();
    let whole = crate::dataset::load_train(&path).unwrap();
    assert_eq!(data.labels(), Some((whole.labels(), whole.classes())));
    assert_eq!(data.select_rows(&[2]).unwrap(), array![[3, 5, 7, 9]]);
}
