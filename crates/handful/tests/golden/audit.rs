//! Audits of MNIST's training images, some of which are made wrong.

use handful::{
    Dataset,
    audit::{Audit, Error},
    metrics::auroc,
    progress::{Observer, Stage},
};
use ndarray::Array2;
use rand::{Rng, RngExt, SeedableRng, rngs::ChaCha8Rng, seq::index};
use std::{collections::HashSet, ops::ControlFlow};

use crate::MNIST;

/// What each digit is taken for.
const SIMILAR: [u32; 10] = [6, 7, 7, 5, 9, 3, 0, 1, 3, 4];

fn first(n: usize) -> Dataset {
    MNIST.train.select(&(0..n).collect::<Vec<_>>())
}

/// The data with `n` wrong labels, and which these are.
fn flipped(data: &Dataset, n: usize, are_similar: bool, rng: &mut impl Rng) -> (Dataset, Vec<bool>) {
    let (mut labels, mut is_wrong) = (data.labels().to_vec(), vec![false; data.n_samples()]);
    for row in index::sample(rng, labels.len(), n) {
        let label = labels[row];
        labels[row] =
            if are_similar { SIMILAR[label as usize] } else { (label + rng.random_range(1..10)) % 10 };
        is_wrong[row] = true;
    }
    let data = Dataset::new(data.images().clone(), [28, 28], labels, data.classes().to_vec())
        .expect("labels of the data");
    (data, is_wrong)
}

/// The AUROC of the ranking, and the share of wrong labels among as many first ones.
fn ranked(data: &Dataset, is_wrong: &[bool]) -> (f64, f64) {
    let audit = Audit::params().fit(data, None).expect("labelled images");
    let of = |wanted: bool| -> Vec<f64> {
        let scores = audit.scores.iter().zip(is_wrong);
        scores.filter(|(_, wrong)| **wrong == wanted).map(|(score, _)| *score).collect()
    };
    let n = is_wrong.iter().filter(|wrong| **wrong).count();
    let mut rows: Vec<usize> = (0..is_wrong.len()).collect();
    rows.sort_by(|&a, &b| audit.scores[b].total_cmp(&audit.scores[a]));
    let found = rows[..n].iter().filter(|&&row| is_wrong[row]).count();
    (auroc(&of(false), &of(true)), found as f64 / n as f64)
}

/// The data with copies of some images, moved by a pixel and with noise; and the pairs.
fn with_copies(data: &Dataset, n: usize, rng: &mut impl Rng) -> (Dataset, HashSet<[usize; 2]>) {
    let (mut pixels, mut labels) =
        (data.images().iter().copied().collect::<Vec<u8>>(), data.labels().to_vec());
    let mut pairs = HashSet::new();
    for (copy, row) in index::sample(rng, data.n_samples(), n).into_iter().enumerate() {
        // All directions, but not none.
        let direction = [0, 1, 2, 3, 5, 6, 7, 8][copy % 8];
        let [down, right] = [direction / 3, direction % 3];
        let image = data.images().row(row);
        for (y, x) in (0..28).flat_map(|y| (0..28).map(move |x| (y, x))) {
            let from = [(y + 1_usize).checked_sub(down), (x + 1_usize).checked_sub(right)];
            let pixel = match from {
                [Some(y), Some(x)] if y < 28 && x < 28 => f64::from(image[y * 28 + x]),
                _ => 0.0,
            };
            // Twelve uniform numbers have a variance of 1.
            let normal = (0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
            pixels.push((pixel + 5.0 * normal).round().clamp(0.0, 255.0) as u8);
        }
        pairs.insert([row, labels.len()]);
        labels.push(data.labels()[row]);
    }
    let pixels = Array2::from_shape_vec((labels.len(), 784), pixels).expect("images of 784 pixels");
    (Dataset::new(pixels, [28, 28], labels, data.classes().to_vec()).expect("labels of the data"), pairs)
}

/// The shares of the pairs that are found, and of false alarms among those found.
fn copies_found(data: &Dataset, pairs: &HashSet<[usize; 2]>) -> (f64, f64) {
    let audit = Audit::params().fit(data, None).expect("labelled images");
    let found: HashSet<[usize; 2]> = audit.duplicates.iter().map(|pair| pair.rows).collect();
    let hits = found.intersection(pairs).count() as f64;
    (hits / pairs.len() as f64, 1.0 - hits / found.len() as f64)
}

#[test]
fn wrong_labels_come_first() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let data = first(5000);
    for (n, are_similar) in [(50, false), (250, false), (250, true)] {
        let (flawed, is_wrong) = flipped(&data, n, are_similar, &mut rng);
        let (auroc, among_first) = ranked(&flawed, &is_wrong);
        assert!(auroc > 0.995 && among_first > 0.9, "{n}, {are_similar}: {auroc}, {among_first}");
    }
}

#[test]
fn copies_that_were_moved_are_found() {
    let (flawed, pairs) = with_copies(&first(5000), 100, &mut ChaCha8Rng::seed_from_u64(2));
    let (found, alarms) = copies_found(&flawed, &pairs);
    assert!(found >= 0.98 && alarms < 0.01, "{found}, {alarms}");
}

#[test]
#[ignore = "run by `make test-full`"]
fn wrong_labels_and_copies_are_found_among_all_training_images() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    for (n, are_similar) in [(600, false), (3000, false), (600, true), (3000, true)] {
        let (flawed, is_wrong) = flipped(&MNIST.train, n, are_similar, &mut rng);
        let (auroc, among_first) = ranked(&flawed, &is_wrong);
        assert!(auroc > 0.999 && among_first > 0.93, "{n}, {are_similar}: {auroc}, {among_first}");
    }
    let (flawed, pairs) = with_copies(&MNIST.train, 1000, &mut rng);
    let (found, alarms) = copies_found(&flawed, &pairs);
    assert!(found >= 0.98 && alarms < 0.01, "{found}, {alarms}");
}

#[test]
fn an_audit_is_the_same_for_any_number_of_threads_and_can_be_cancelled() {
    let data = first(1500);
    let (train, test) =
        (data.select(&(0..1200).collect::<Vec<_>>()), data.select(&(1200..1500).collect::<Vec<_>>()));
    let with_threads = |n: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
        pool.install(|| Audit::params().fit(&train, Some(&test)).unwrap())
    };
    let one = with_threads(1);
    for n in [2, 7] {
        assert_eq!(with_threads(n), one, "{n}");
    }
    for stage in [Stage::Search, Stage::Features] {
        let stop = Observer::new(move |progress| {
            if progress.stage == stage { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        let error = Audit::params().observer(stop).fit(&train, Some(&test)).unwrap_err();
        assert_eq!(error.to_string(), "cancelled", "{stage:?}");
    }
}

#[test]
fn a_duplicate_does_not_vote_on_its_copy() {
    // Two equal images with the same wrong label.
    let data = first(1500);
    let (mut pixels, mut labels) = (data.images().to_owned(), data.labels().to_vec());
    let right = labels[20];
    let copy = pixels.row(20).to_owned();
    pixels.row_mut(700).assign(&copy);
    (labels[20], labels[700]) = ((right + 4) % 10, (right + 4) % 10);
    let data = Dataset::new(pixels, [28, 28], labels, data.classes().to_vec()).expect("labels of the data");
    let audit = Audit::params().fit(&data, None).unwrap();
    for row in [20, 700] {
        let issue = audit.label_issues.iter().find(|issue| issue.row == row).unwrap();
        assert_eq!(issue.suggested, right);
        assert!(issue.neighbors.iter().all(|neighbor| ![20, 700].contains(&neighbor.row)));
    }
    assert_eq!(audit.duplicates[0].rows, [20, 700]);
    assert!(audit.duplicates[0].is_exact);
}

#[test]
fn odd_data_sets_are_audited_too() {
    let names = |n: u32| (0..n).map(|class| format!("class {class}")).collect::<Vec<_>>();
    // One image of each class; equal images; images of one pixel; many classes of one image.
    for (n, shape, n_classes, value) in [
        (2, [3, 3], 2, 50),
        (30, [4, 5], 3, 0),
        (40, [1, 1], 4, 6),
        (200, [20, 17], 200, 1),
        (25, [1, 40], 2, 9),
    ] {
        let d = shape[0] * shape[1];
        let images = Array2::from_shape_fn((n, d), |(i, j)| {
            u8::try_from((i * value + i * j * value / 7) % 256).expect("below 256")
        });
        let labels = (0..n_classes).cycle().take(n).collect();
        let data = Dataset::new(images, shape, labels, names(n_classes)).unwrap();
        let audit = Audit::params().fit(&data, None).unwrap();
        assert_eq!((audit.scores.len(), audit.outlier_scores.len()), (n, n), "{shape:?}");
        assert!(
            audit.scores.iter().all(|score| (0.0..=1.0).contains(score)),
            "{shape:?}: {:?}",
            audit.scores
        );
        assert!(audit.outlier_scores.iter().all(|score| !score.is_nan()), "{shape:?}");
    }
    let one = Dataset::new(Array2::from_elem((3, 4), 7), [2, 2], vec![0, 0, 0], names(2)).unwrap();
    assert!(matches!(Audit::params().fit(&one, None), Err(Error::OneClass { .. })));
    let other = Dataset::new(Array2::from_elem((3, 9), 7), [3, 3], vec![0, 1, 0], names(2)).unwrap();
    let error = Audit::params().fit(&other, Some(&one)).unwrap_err().to_string();
    let expected =
        "the training images and the test images cannot be joined: their images have 3 x 3 and 2 x 2 pixels";
    assert_eq!(error, expected);
    for (params, expected) in [
        (Audit::params().n_neighbors(0), "n_neighbors is 0: expected at least 1 neighbour that votes"),
        (Audit::params().min_score(-0.5), "min_score: expected 0 to 1, found -0.5"),
    ] {
        assert_eq!(params.fit(&other, None).unwrap_err().to_string(), expected);
    }
}
