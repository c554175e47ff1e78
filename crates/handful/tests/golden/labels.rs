//! Few named images of MNIST label all others.

use handful::{
    Dataset,
    labelling::{Answers, ClusterLabeler, Estimate, UnsupervisedFeatures},
    progress::Observer,
};
use ndarray::Array2;

use crate::MNIST;

/// The training images and the test images as vectors that were learned without labels.
fn vectors(train: &Dataset, test: &Dataset) -> [Array2<u8>; 2] {
    let features =
        UnsupervisedFeatures::fit(train.images().view(), train.image_shape(), &Observer::default())
            .expect("images of one shape");
    [train, test].map(|data| features.transform(data.images().view()))
}

fn share(found: impl Iterator<Item = bool>, n: usize) -> f64 {
    found.filter(|&right| right).count() as f64 / n as f64
}

#[test]
#[ignore = "run by `make test-full`"]
fn ten_named_medoids_label_sixty_thousand_images_and_ten_more_at_a_time_help() {
    let (train, test) = (&MNIST.train, &MNIST.test);
    let [x, queries] = vectors(train, test);
    let labeler = ClusterLabeler::params(10).fit(x).unwrap();
    let mut answers = Answers::default();
    for question in labeler.questions(&answers) {
        answers.label(question.image, train.labels()[question.image]);
    }
    assert_eq!(answers.len(), 10);
    let mut held_out = Answers::default();
    labeler.sample()[..200].iter().for_each(|&image| held_out.label(image, train.labels()[image]));

    for (n_labels, least, least_test) in [(10, 0.982, 0.987), (20, 0.987, 0.99), (50, 0.99, 0.9925)] {
        while answers.len() < n_labels {
            let spread = labeler.spread(&answers, 10).unwrap();
            for image in labeler.doubtful(&spread, 10, |image| answers.of(image).is_some()) {
                answers.label(image, train.labels()[image]);
            }
        }
        let spread = labeler.spread(&answers, 10).unwrap();
        let right = |(label, &truth): (&Option<u32>, &u32)| *label == Some(truth);
        let found = share(spread.labels.iter().zip(train.labels()).map(right), train.n_samples());
        assert!(found >= least, "{n_labels} labels: {found} of the training images are right");
        let [low, high] = Estimate::new(&spread, &held_out).interval();
        assert!(low <= found && found <= high, "{found} is not between {low} and {high}");

        let shares = labeler.predict_proba(&spread, queries.view()).unwrap();
        let best = |row: ndarray::ArrayView1<f64>| {
            let classes = 0..10_u32;
            classes.max_by(|&a, &b| row[a as usize].total_cmp(&row[b as usize])).unwrap()
        };
        let right = shares.outer_iter().zip(test.labels()).map(|(row, &truth)| best(row) == truth);
        let found = share(right, test.n_samples());
        assert!(found >= least_test, "{n_labels} labels: {found} of the test images are right");
    }
}
