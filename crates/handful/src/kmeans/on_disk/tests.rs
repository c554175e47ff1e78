//! Rows on disk are clustered like rows in memory, and jobs resume where they were interrupted.

use std::{
    ops::ControlFlow,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use ndarray::{Array2, s};
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

use crate::{
    Dataset,
    dataset::{ReadOptions, Split, load_split},
    kmeans::on_disk::*,
    progress::Observer,
};

const N: usize = 6000;

/// Clouds around the corners of a cube, in three classes, as IDX.
fn write(folder: &Path) -> (OnDisk, Dataset) {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let images = Array2::from_shape_fn((N, 9), |(i, j)| {
        let corner = if i >> (j % 3) & 1 == 1 { 150 } else { 40 };
        corner + rng.random_range(0..100_u8)
    });
    let labels: Vec<u8> = (0..N).map(|i| (i * i % 7 % 3) as u8).collect();
    let n = (N as u32).to_be_bytes();
    let header = [&[0, 0, 8, 3][..], &n, &3_u32.to_be_bytes(), &3_u32.to_be_bytes()].concat();
    let path = folder.join("train-images-idx3-ubyte");
    std::fs::write(&path, [&header[..], images.as_slice().unwrap()].concat()).unwrap();
    std::fs::write(folder.join("train-labels-idx1-ubyte"), [&[0, 0, 8, 1][..], &n, &labels].concat())
        .unwrap();
    (
        OnDisk::open(folder, Split::Train, &ReadOptions::default()).unwrap(),
        load_split(folder, Split::Train, &ReadOptions::default()).unwrap(),
    )
}

fn same(found: &Prototypes, expected: &Prototypes) {
    assert_eq!(found.clusterings, expected.clusterings);
    assert_eq!((&found.labels, &found.cluster_sizes), (&expected.labels, &expected.cluster_sizes));
    assert_eq!(found.dataset, expected.dataset);
}

#[test]
fn the_bits_are_those_of_rows_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let (data, in_memory) = write(folder.path());
    let images = in_memory.images().view();
    let given = |n: usize| Init::Given(images.slice(s![..n, ..]).mapv(f64::from));
    for [init, of_classes] in [Init::KMeansPlusPlus, Init::Random]
        .map(|init| [init.clone(), init])
        .into_iter()
        .chain([[given(4), given(12)]])
    {
        let params = KMeans::params(4).init(init).n_init(3).tol(1e-3).seed(5);
        for threads in [1, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let found = pool.install(|| params.fit_on_disk(&data, &DiskOptions::default())).unwrap();
            assert_eq!(found, params.fit(images).unwrap());
        }
        let params = params.init(of_classes);
        same(
            &params.fit_per_class_on_disk(&data, &DiskOptions::default()).unwrap(),
            &params.fit_per_class(&in_memory).unwrap(),
        );
    }
}

/// An observer that breaks at the n-th report of a pass over the rows, and the number of these reports.
fn breaking_at(n: usize) -> (Observer, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let observer = Observer::new(move |progress| {
        if progress.stage != Stage::Pass {
            return ControlFlow::Continue(());
        }
        match counted.fetch_add(1, Ordering::Relaxed) {
            i if i + 1 == n => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    });
    (observer, count)
}

#[test]
fn an_interrupted_job_goes_on_from_its_last_pass() {
    let folder = tempfile::tempdir().unwrap();
    let (data, in_memory) = write(folder.path());
    let params = KMeans::params(5).n_init(2).max_iter(30).tol(0.0);
    let expected = params.fit_per_class(&in_memory).unwrap();
    let (observer, all) = breaking_at(usize::MAX);
    params.clone().observer(observer).fit_per_class_on_disk(&data, &DiskOptions::default()).unwrap();
    let all = all.load(Ordering::Relaxed);
    let path = folder.path().join("job");
    // A pass consists of two chunks.
    for broken in (1..all).step_by(all / 9) {
        let _ = std::fs::remove_file(&path);
        let passes = DiskOptions::default().checkpoint(&path);
        let (observer, before) = breaking_at(broken);
        let error = params.clone().observer(observer).fit_per_class_on_disk(&data, &passes).unwrap_err();
        assert!(matches!(error, Error::Cancelled(_)), "{error}");
        let (observer, after) = breaking_at(usize::MAX);
        same(&params.clone().observer(observer).fit_per_class_on_disk(&data, &passes).unwrap(), &expected);
        let lost = before.load(Ordering::Relaxed) + after.load(Ordering::Relaxed) - all;
        assert!(lost <= 4, "broken after {broken}: {lost} of {all} chunks looked at twice");
    }
    // A job that has ended is at its end at once.
    same(&params.fit_per_class_on_disk(&data, &DiskOptions::default().checkpoint(&path)).unwrap(), &expected);
}

#[test]
fn checkpoints_of_other_jobs_and_damaged_ones_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (data, _) = write(folder.path());
    let path = folder.path().join("job");
    let passes = DiskOptions::default().checkpoint(&path);
    let params = KMeans::params(3).max_iter(2);
    params.fit_on_disk(&data, &passes).unwrap();
    let whole = std::fs::read(&path).unwrap();
    for other in [params.clone().seed(1), KMeans::params(4).max_iter(2), params.clone().tol(0.5)] {
        let error = other.fit_on_disk(&data, &passes).unwrap_err().to_string();
        assert!(error.contains("job: this is not a checkpoint of this job"), "{error}");
    }
    assert!(params.fit_per_class_on_disk(&data, &passes).is_err(), "of other groups");
    for at in (0..whole.len()).step_by(97) {
        let mut damaged = whole.clone();
        damaged[at] ^= 4;
        std::fs::write(&path, &damaged).unwrap();
        assert!(matches!(params.fit_on_disk(&data, &passes), Err(Error::Checkpoint { .. })), "byte {at}");
        std::fs::write(&path, &whole[..at]).unwrap();
        assert!(matches!(params.fit_on_disk(&data, &passes), Err(Error::Checkpoint { .. })), "{at} bytes");
    }
}

#[test]
fn too_little_memory_is_told_beforehand() {
    let folder = tempfile::tempdir().unwrap();
    let (data, _) = write(folder.path());
    let params = KMeans::params(3);
    let huge = params.clone().n_init(usize::MAX / 8 + 1);
    for params in [&params, &huge] {
        let error = params.fit_on_disk(&data, &DiskOptions::default().memory_limit(1 << 20)).unwrap_err();
        assert!(matches!(error, Error::Memory { .. }) && error.to_string().contains("found 1 MB"), "{error}");
    }
    params.fit_on_disk(&data, &DiskOptions::default().memory_limit(1 << 30)).unwrap();
}

#[test]
fn wrong_jobs_are_told_as_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let (data, in_memory) = write(folder.path());
    let given = Init::Given(Array2::zeros((3, 8)));
    for params in
        [KMeans::params(0), KMeans::params(N + 1), KMeans::params(3).tol(-1.0), KMeans::params(3).init(given)]
    {
        let (here, there) =
            (params.fit(in_memory.images().view()), params.fit_on_disk(&data, &DiskOptions::default()));
        assert_eq!(there.unwrap_err().to_string(), here.unwrap_err().to_string());
        let (here, there) =
            (params.fit_per_class(&in_memory), params.fit_per_class_on_disk(&data, &DiskOptions::default()));
        assert_eq!(there.unwrap_err().to_string(), here.unwrap_err().to_string());
    }
    for shape in [(0, 4), (4, 0)] {
        let rows = Array2::zeros(shape);
        let params = KMeans::params(2).init(Init::Given(Array2::zeros((2, shape.1))));
        let there = params.fit_on_disk(&rows.view(), &DiskOptions::default());
        assert_eq!(there.unwrap_err().to_string(), params.fit(rows.view()).unwrap_err().to_string());
    }
}

#[test]
fn checkpoints_whose_content_makes_no_sense_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (data, _) = write(folder.path());
    let path = folder.path().join("job");
    let passes = DiskOptions::default().checkpoint(&path);
    let params = KMeans::params(3).max_iter(2);
    params.fit_on_disk(&data, &passes).unwrap();
    let all = vec![(N, 0, params.clone())];
    let groups = Groups { params: &params, data: &data, of_rows: None, all };
    let checkpoint = Checkpoint::new(&path, groups.job().unwrap());
    let run = checkpoint.load().unwrap().unwrap().remove(0);
    let spoil: [fn(&mut LloydRun); 6] = [
        |run| run.stats = None,
        |run| run.state.n_iter = 3,
        |run| run.state.tol = -1.0,
        |run| run.state.centroids.counts[0] = u64::MAX / 256,
        |run| run.stats.as_mut().unwrap().counts[1] += 1,
        |run| run.stats.as_mut().unwrap().sums[[2, 0]] = u64::MAX,
    ];
    for (number, spoil) in spoil.into_iter().enumerate() {
        let mut spoiled = run.clone();
        spoil(&mut spoiled);
        checkpoint.save(&[spoiled]).unwrap();
        let error = params.fit_on_disk(&data, &passes).unwrap_err().to_string();
        assert!(error.contains("is impossible"), "{number}: {error}");
    }
    // A valid checkpoint of data that differ only in rows outside the checksum.
    let mut other = run;
    let stats = other.stats.as_mut().unwrap();
    stats.sums[[0, 0]] -= 1;
    checkpoint.save(&[other]).unwrap();
    let error = params.fit_on_disk(&data, &passes).unwrap_err().to_string();
    assert!(error.contains("written for other images"), "{error}");
    for nowhere in ["/dev/null", "missing/job"] {
        let passes = DiskOptions::default().checkpoint(nowhere);
        assert!(matches!(params.fit_on_disk(&data, &passes), Err(Error::Checkpoint { .. })), "{nowhere}");
    }
}
