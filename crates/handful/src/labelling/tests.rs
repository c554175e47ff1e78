use ndarray::{Array2, ArrayView2};
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

use super::{Answers, ClusterLabeler, Error, Estimate, Question, tree::Tree};
use crate::progress::Observer;

/// `n` vectors around each of some centres.
fn clouds(centres: &[[f64; 2]], n: usize, width: f64) -> Array2<f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    Array2::from_shape_fn((centres.len() * n, 2), |(i, j)| {
        centres[i / n][j] + width * (0..4).map(|_| rng.random_range(-1.0..1.0)).sum::<f64>()
    })
}

fn answer(labeler: &ClusterLabeler<f64>, label: impl Fn(usize) -> u32) -> Answers {
    let mut answers = Answers::default();
    loop {
        let questions = labeler.questions(&answers);
        if questions.is_empty() {
            return answers;
        }
        for Question { image, .. } in questions {
            answers.label(image, label(image));
        }
    }
}

/// The merges of single vectors, by trying all pairs.
fn ward_by_definition(x: ArrayView2<f64>) -> Vec<Vec<Vec<usize>>> {
    let mut clusters: Vec<Vec<usize>> = (0..x.nrows()).map(|row| vec![row]).collect();
    let inertia = |rows: &[usize]| {
        let mean = |j: usize| rows.iter().map(|&i| x[[i, j]]).sum::<f64>() / rows.len() as f64;
        rows.iter().map(|&i| (0..x.ncols()).map(|j| (x[[i, j]] - mean(j)).powi(2)).sum::<f64>()).sum::<f64>()
    };
    let mut found = vec![clusters.clone()];
    while clusters.len() > 1 {
        let mut best = (f64::INFINITY, 0, 0);
        for b in 0..clusters.len() {
            for a in 0..b {
                let both = [&clusters[a][..], &clusters[b]].concat();
                let cost = inertia(&both) - inertia(&clusters[a]) - inertia(&clusters[b]);
                if cost < best.0 {
                    best = (cost, a, b);
                }
            }
        }
        let moved = clusters.remove(best.2);
        clusters[best.1].extend(moved);
        found.push(clusters.clone());
    }
    found
}

#[test]
fn clusters_are_those_of_wards_method_for_every_number_of_clusters() {
    let x = clouds(&[[0.0, 0.0], [4.0, 1.0], [1.0, 5.0]], 8, 1.0);
    // As many groups as vectors.
    let tree = Tree::fit(x.view(), x.nrows(), 0, &Observer::default()).unwrap();
    for expected in ward_by_definition(x.view()) {
        let mut found: Vec<Vec<usize>> = tree
            .cut(expected.len())
            .into_iter()
            .map(|cluster| {
                let mut rows: Vec<usize> = tree.rows_of(cluster).collect();
                rows.sort_unstable();
                rows
            })
            .collect();
        let mut expected: Vec<Vec<usize>> = expected
            .into_iter()
            .map(|mut rows| {
                rows.sort_unstable();
                rows
            })
            .collect();
        found.sort();
        expected.sort();
        assert_eq!(found, expected);
    }
}

#[test]
fn three_answers_label_three_clouds_and_new_vectors() {
    let x = clouds(&[[0.0, 0.0], [30.0, 0.0], [0.0, 30.0]], 100, 3.0);
    let labeler = ClusterLabeler::params(3).fit(x.clone()).unwrap();
    let truth = |row: usize| (row / 100) as u32;
    let answers = answer(&labeler, truth);
    assert_eq!(answers.len(), 3);
    let spread = labeler.spread(&answers, 3).unwrap();
    assert!((0..300).all(|row| spread.labels[row] == Some(truth(row))), "{:?}", spread.labels);
    let shares = labeler.predict_proba(&spread, ndarray::array![[1.0, 29.0], [28.0, 1.0]].view()).unwrap();
    assert!(shares[[0, 2]] > 0.9 && shares[[1, 1]] > 0.9, "{shares}");
}

#[test]
fn answers_follow_curved_clusters_that_means_would_cut() {
    // Two half circles, one inside the other.
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let x = Array2::from_shape_fn((400, 2), |(i, j)| {
        let angle = i as f64 / 400.0 * std::f64::consts::PI;
        let radius = if i % 2 == 0 { 10.0 } else { 6.0 };
        radius * if j == 0 { angle.cos() } else { angle.sin() } + rng.random_range(-0.1..0.1)
    });
    let labeler = ClusterLabeler::params(2).fit(x).unwrap();
    let mut answers = Answers::default();
    answers.label(200, 0);
    answers.label(201, 1);
    let spread = labeler.spread(&answers, 2).unwrap();
    assert!((0..400).all(|row| spread.labels[row] == Some((row % 2) as u32)));
}

#[test]
fn clusters_with_different_answers_and_those_called_mixed_are_split() {
    let x = clouds(&[[0.0, 0.0], [3.0, 0.0], [100.0, 0.0]], 60, 0.4);
    let labeler = ClusterLabeler::params(2).fit(x).unwrap();
    let questions = labeler.questions(&Answers::default());
    let [both, other] = questions[..] else { panic!("{questions:?}") };
    assert_eq!((both.size, other.size), (120, 60));
    let mut answers = Answers::default();
    answers.split(both.cluster);
    let parts: Vec<Question> = labeler.questions(&answers);
    assert_eq!(parts.iter().map(|part| part.size).collect::<Vec<_>>(), [60, 60, 60]);
    // The same without a word about the cluster: two of its images have different labels.
    let mut answers = Answers::default();
    answers.label(0, 0);
    answers.label(60, 1);
    assert_eq!(labeler.questions(&answers), [other]);
    answers.label(61, 0);
    assert!(labeler.questions(&answers).len() > 1, "the second cloud is split in turn");
}

#[test]
fn images_set_aside_keep_others_like_them_from_having_labels() {
    let x = clouds(&[[0.0, 0.0], [30.0, 0.0], [15.0, 20.0]], 50, 2.0);
    let labeler = ClusterLabeler::params(3).fit(x).unwrap();
    let mut answers = Answers::default();
    for question in labeler.questions(&answers) {
        match question.image / 50 {
            2 => answers.set_aside(question.image),
            label => answers.label(question.image, label as u32),
        }
    }
    let spread = labeler.spread(&answers, 2).unwrap();
    let expected = |row: usize| [Some(0), Some(1), None][row / 50];
    assert!((0..150).all(|row| spread.labels[row] == expected(row)));
    assert_eq!(spread.shares.ncols(), 3);
}

#[test]
fn the_next_questions_are_about_the_border_between_answers() {
    // One long cloud whose ends have different labels.
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let x =
        Array2::from_shape_fn(
            (600, 2),
            |(i, j)| {
                if j == 0 { i as f64 / 10.0 } else { rng.random_range(-1.0..1.0) }
            },
        );
    let labeler = ClusterLabeler::params(2).fit(x).unwrap();
    let answers = {
        let mut answers = Answers::default();
        answers.label(20, 0);
        answers.label(580, 1);
        answers
    };
    let spread = labeler.spread(&answers, 2).unwrap();
    let asked = labeler.doubtful(&spread, 3, |image| answers.of(image).is_some());
    assert_eq!(asked.len(), 3);
    assert!(asked.iter().all(|image| (200..400).contains(image)), "{asked:?}");
}

#[test]
fn an_estimate_compares_answers_that_were_held_out() {
    let x = clouds(&[[0.0, 0.0], [30.0, 0.0]], 100, 3.0);
    let labeler = ClusterLabeler::params(2).fit(x).unwrap();
    let answers = answer(&labeler, |row| (row / 100) as u32);
    let spread = labeler.spread(&answers, 2).unwrap();
    let mut held_out = Answers::default();
    let nothing = Estimate::new(&spread, &held_out);
    assert_eq!((nothing.accuracy(), nothing.interval()), (None, [0.0, 1.0]));
    for (number, &row) in labeler.sample()[..40].iter().enumerate() {
        // The person finds one label in ten wrong.
        held_out.label(row, if number % 10 == 0 { 1 - (row / 100) as u32 } else { (row / 100) as u32 });
    }
    let estimate = Estimate::new(&spread, &held_out);
    assert_eq!((estimate.n, estimate.correct), (40, 36));
    let [low, high] = estimate.interval();
    assert!(low < 0.9 && 0.9 < high && high - low < 0.25, "{low} to {high}");
}

#[test]
fn few_vectors_duplicates_and_lonely_ones_are_labelled() {
    let one = ClusterLabeler::params(1).fit(ndarray::array![[3_u8, 4]]).unwrap();
    let mut answers = Answers::default();
    assert!(matches!(one.spread(&answers, 1), Err(Error::NoAnswers)));
    answers.label(0, 0);
    assert_eq!(one.spread(&answers, 1).unwrap().labels, [Some(0)]);
    answers.label(1, 0);
    assert!(matches!(one.spread(&answers, 1), Err(Error::NoSuchImage { found: 1, n_samples: 1 })));

    // Fifty vectors at one place, fifty at another, and one far from both.
    let x = Array2::from_shape_fn((101, 2), |(i, _)| if i == 100 { 250 } else { (i % 2) as u8 * 90 });
    let labeler = ClusterLabeler::params(2).fit(x).unwrap();
    let mut answers = Answers::default();
    answers.label(0, 0);
    answers.label(1, 1);
    let spread = labeler.spread(&answers, 2).unwrap();
    assert!((0..100).all(|row| spread.labels[row] == Some((row % 2) as u32)));
    assert_eq!(spread.labels[100], Some(1), "the nearest answer counts where the graph is not connected");
    assert_eq!(labeler.doubtful(&spread, 1, |image| image < 2), [100], "and is doubtful");
    assert!(spread.shares.rows().into_iter().all(|row| (row.sum() - 1.0).abs() < 1e-5));
}

#[test]
fn labels_do_not_depend_on_the_number_of_threads() {
    let x = clouds(&[[0.0, 0.0], [5.0, 0.0], [0.0, 5.0]], 200, 1.5);
    let found = |threads: usize| {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| {
            let labeler = ClusterLabeler::params(6).seed(4).fit(x.clone()).unwrap();
            let answers = answer(&labeler, |row| (row / 200) as u32);
            let spread = labeler.spread(&answers, 3).unwrap();
            (answers, spread.labels, spread.shares.mapv(f32::to_bits))
        })
    };
    assert_eq!(found(1), found(3));
}
