//! Golden figures on the real MNIST.

use std::sync::LazyLock;

use handful::{
    Dataset, KMeans, KNeighborsClassifier,
    dataset::{OnDisk, ReadOptions, Split, TrainTest},
    metrics::ConfusionMatrix,
    neighbors::{NearestNeighbors, Neighbors, OutOfCore, TieBreak},
};
use ndarray::Axis;

use crate::{MNIST, folder, reference};

/// The five nearest training images of every test image: a smaller search is its beginning.
pub(crate) static NEIGHBORS: LazyLock<Neighbors> = LazyLock::new(|| {
    let index = NearestNeighbors::new(MNIST.train.images().clone()).expect("bytes");
    index.kneighbors(MNIST.test.images().view(), 5).expect("valid search")
});

pub(crate) fn accuracy(test: &Dataset, predicted: &[u32]) -> f64 {
    ConfusionMatrix::new(test.labels(), predicted, test.classes().len()).accuracy()
}

#[test]
fn mnist_is_what_it_should_be() {
    let TrainTest { name, train, test } = &*MNIST;
    assert_eq!(name, "mnist");
    assert_eq!((train.n_samples(), test.n_samples(), train.n_features()), (60_000, 10_000, 784));
    assert_eq!(train.image_shape(), [28, 28]);
    assert_eq!(train.class_counts(), [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]);
    assert_eq!(test.class_counts(), [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]);
}

#[test]
fn knn_on_all_training_images_has_its_known_accuracies() {
    for (k, tie_break, expected) in [
        (1, TieBreak::Nearest, 0.9691),
        (3, TieBreak::Nearest, 0.9717),
        (5, TieBreak::Nearest, 0.9693),
        (1, TieBreak::LowestLabel, 0.9691),
        (3, TieBreak::LowestLabel, 0.9705),
        (5, TieBreak::LowestLabel, 0.9688),
    ] {
        let model = KNeighborsClassifier::params(k).tie_break(tie_break).fit(&MNIST.train).expect("valid k");
        let found = accuracy(&MNIST.test, &model.predict_from(&NEIGHBORS.nearest(k)));
        assert!((found - expected).abs() < 1e-9, "k = {k}, ties {tie_break:?}: {found}");
    }
}

#[test]
fn neighbors_are_the_same_where_images_stay_on_disk() {
    let open =
        |split| OnDisk::open(&folder(), split, &ReadOptions::default()).expect("MNIST is in the clone");
    let (points, queries) = (open(Split::Train), open(Split::Test));
    let search = OutOfCore::default().memory_limit(100 << 20);
    assert_eq!(search.kneighbors(&points, &queries, 5).expect("valid search"), *NEIGHBORS);
}

#[test]
fn nine_centroids_a_digit_are_as_tight_as_scikit_learns_and_classify_as_well_as_the_originals() {
    let prototypes = KMeans::params(9).n_init(10).fit_per_class(&MNIST.train).expect("valid");
    let expected: f64 = reference::numbers(&reference::load()["class_inertia"]).iter().sum();
    let ratio = prototypes.inertia() / expected;
    assert!((0.998..1.002).contains(&ratio), "inertia is {ratio} times scikit-learn's best of 10");

    let model = KNeighborsClassifier::params(1).fit(&prototypes.dataset).expect("90 prototypes");
    let found = accuracy(&MNIST.test, &model.predict(MNIST.test.images().view()).expect("784 pixels"));
    assert!((0.918..=0.928).contains(&found), "accuracy {found}");

    assert_eq!(prototypes.dataset.class_counts(), [9; 10]);
    assert_eq!(prototypes.cluster_sizes.iter().sum::<u64>(), 60_000);
    for (row, &prototype) in prototypes.labels.iter().enumerate() {
        assert_eq!(MNIST.train.labels()[row], prototypes.dataset.labels()[prototype as usize]);
    }
}

#[test]
fn kmeans_is_the_same_for_any_number_of_threads() {
    let x = MNIST.train.images().slice_axis(Axis(0), (..3000).into()).to_owned();
    let small = MNIST.train.select(&(0..3000).collect::<Vec<_>>());
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| {
            let kmeans = KMeans::params(25).n_init(3).seed(5).fit(x.view()).expect("valid");
            (kmeans, KMeans::params(3).n_init(2).fit_per_class(&small).expect("valid").clusterings)
        })
    };
    let one = with(1);
    assert_eq!(one, with(2));
    assert_eq!(one, with(7));
}
