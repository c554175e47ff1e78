//! An index created in its file equals the one created in memory, and stays within its memory limit.

use std::{
    ops::{ControlFlow, Range},
    path::Path,
    sync::Arc,
};

use super::*;
use crate::{
    dataset,
    kmeans::DiskOptions,
    neighbors::inverted::{draft::Draft, memory::Plan, sample::Sample},
};

/// The smallest sufficient limit.
fn least(params: &InvertedParams, rows: &ArrayView2<u8>, path: &Path) -> u64 {
    let error = params.fit_to_file(rows, path, Some(1)).unwrap_err();
    let Error::Search(neighbors::Error::Memory { needed, .. }) = error else { panic!("{error}") };
    needed
}

/// Files and search results are the same, however little memory there is.
fn check(params: &InvertedParams, rows: &Array2<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let [expected, found] = ["expected", "found"].map(|name| folder.path().join(name));
    let (view, queries) = (rows.view(), rows.slice(s![..;rows.nrows().div_ceil(50), ..]));
    let index = params.fit(&view).unwrap();
    index.save(&expected).unwrap();
    let neighbors = index.kneighbors(queries, 1).unwrap();
    let same = |stored: InvertedIndex| {
        assert!(std::fs::read(&found).unwrap() == std::fs::read(&expected).unwrap());
        assert_eq!(stored.kneighbors(queries, 1).unwrap(), neighbors);
        assert_eq!(stored.kneighbors_on_disk(&queries, 1).unwrap(), neighbors);
    };
    for limit in [None, Some(least(params, &view, &found))] {
        // The searches here may need more memory than such a small index.
        same(params.fit_to_file(&view, &found, limit).unwrap().memory_limit(1 << 30));
    }
    for (passes, batch) in [(None, 701), (Some(DiskOptions::default()), 4000)] {
        let plan = Plan { passes, batch, search: None };
        params.fill(Draft::create(&found).unwrap(), &view, index.n_lists(), &plan).unwrap();
        same(InvertedIndex::open(&found).unwrap());
    }
}

#[test]
fn the_file_is_that_of_an_index_in_memory() {
    let params = InvertedIndex::params();
    // With sketches, and lists that are read in parts.
    check(&params.clone().n_lists(70), &clustered(9000));
    check(&params.clone().n_lists(3).n_probe(2).seed(5), &random(700, 30, 9));
    // Lists without rows, and a long one.
    let few = Array2::from_shape_fn((5000, 200), |(i, _)| if i % 50 == 0 { 7 } else { 200 });
    check(&params.clone().n_lists(9), &few);
    check(&params, &random(1, 1, 1));
}

/// Rows of this shape that must not be read.
struct Unread(usize, usize);

impl RowSource for Unread {
    fn shape(&self) -> (usize, usize) {
        (self.0, self.1)
    }

    fn rows<'a>(&'a self, _: Range<usize>, _: &'a mut Vec<u8>) -> Result<ArrayView2<'a, u8>, dataset::Error> {
        panic!("no row is looked at")
    }
}

#[test]
fn little_memory_makes_for_passes_and_small_batches() {
    let (params, rows) = (InvertedIndex::params(), Unread(2_000_000, 784));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    let plan = |limit: u64| pool.install(|| Plan::new(&params, 1414, &rows, Some(limit << 20)));
    let (small, large) = (plan(250).unwrap(), plan(1000).unwrap());
    assert_eq!((small.passes.is_some(), large.passes.is_some()), (true, false));
    assert!(4096 <= small.batch && small.batch < large.batch, "{} and {}", small.batch, large.batch);
    let error = plan(100).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("MB for 1414 lists of 2000000 vectors of 784 bytes, found 100 MB"), "{error}");
}

/// Rows that cannot be read from some row on.
struct Failing<'a>(ArrayView2<'a, u8>, usize);

impl RowSource for Failing<'_> {
    fn shape(&self) -> (usize, usize) {
        self.0.dim()
    }

    fn rows<'a>(
        &'a self,
        rows: Range<usize>,
        buffer: &'a mut Vec<u8>,
    ) -> Result<ArrayView2<'a, u8>, dataset::Error> {
        if rows.end > self.1 {
            return Err(dataset::Error::NoImages { path: "gone".into() });
        }
        self.0.rows(rows, buffer)
    }
}

#[test]
fn what_goes_wrong_leaves_no_file() {
    let rows = clustered(6000);
    let (folder, params) = (tempfile::tempdir().unwrap(), InvertedIndex::params().n_lists(20));
    let path = folder.path().join("index");
    let left = || std::fs::read_dir(folder.path()).unwrap().count();

    let error = params.fit_to_file(&Failing(rows.view(), 5999), &path, None).unwrap_err();
    assert!(matches!(error, Error::Rows(_) | Error::Clusters(_)), "{error}");
    assert_eq!(left(), 0);
    for shape in [(0, 3), (3, 0)] {
        let none = Array2::zeros(shape);
        let error = InvertedIndex::params().fit_to_file(&none.view(), &path, Some(1)).unwrap_err();
        assert!(matches!(error, Error::Clusters(_)), "{error}");
    }
    // Reported before any row is read: the file cannot be created, or the memory limit is too low.
    let unread = Unread(6000, 200);
    for wrong in [folder.path().join("nowhere/index"), folder.path().to_owned()] {
        let error = params.fit_to_file(&unread, &wrong, None).unwrap_err();
        assert!(matches!(&error, Error::Io { path, .. } if *path == wrong), "{error}");
    }
    let least = least(&params, &rows.view(), &path);
    let error = params.fit_to_file(&unread, &path, Some(least - 1)).unwrap_err().to_string();
    assert!(error.starts_with("expected a memory limit of at least"), "{error}");
    assert!(error.contains("for 20 lists of 6000 vectors of 200 bytes"), "{error}");
    assert_eq!(left(), 0);

    // The same whenever it is cancelled.
    let made = |until: usize| {
        let told = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&told);
        let observer = Observer::new(move |_| match counted.fetch_add(1, Ordering::Relaxed) {
            before if before < until => ControlFlow::Continue(()),
            _ => ControlFlow::Break(()),
        });
        let made = params.clone().observer(observer).fit_to_file(&rows.view(), &path, None);
        (made, told.load(Ordering::Relaxed))
    };
    let (whole, all) = made(usize::MAX);
    whole.unwrap();
    std::fs::remove_file(&path).unwrap();
    for until in [0, 1, all / 3, all / 2, all * 9 / 10] {
        assert_eq!(made(until).0.unwrap_err().to_string(), "cancelled", "{until} of {all}");
        assert_eq!(left(), 0);
    }
}

#[test]
fn a_search_keeps_to_its_limit() {
    let rows = clustered(5000);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("index");
    let index =
        InvertedIndex::params().n_lists(30).n_probe(3).fit_to_file(&rows.view(), &path, None).unwrap();
    let expected = index.kneighbors(rows.view(), 2).unwrap();
    let index = index.memory_limit(1);
    let error = index.kneighbors(rows.view(), 2).unwrap_err();
    let Error::Search(neighbors::Error::Memory { needed, .. }) = error else { panic!("{error}") };
    let index = index.memory_limit(needed);
    assert!(index.queries_together(5000, (2, 3)).unwrap() < 10, "few at a time");
    assert_eq!(index.kneighbors(rows.view(), 2).unwrap(), expected);
}

#[test]
fn a_sample_reads_no_other_rows() {
    let rows = random(100, 3, 1);
    let failing = Failing(rows.view(), 60);
    let sample = Sample { rows: &failing, numbers: vec![3, 40, 59] };
    assert_eq!(sample.select_rows(&[0, 1, 2]).unwrap(), rows.select(Axis(0), &[3, 40, 59]));
}
