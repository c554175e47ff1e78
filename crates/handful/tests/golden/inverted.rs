//! What an inverted index misses on the real MNIST.

use handful::{KNeighborsClassifier, metrics::ConfusionMatrix, neighbors::InvertedIndex};

use crate::{MNIST, mnist::NEIGHBORS};

#[test]
fn an_inverted_index_has_its_known_recall_and_error() {
    let images = MNIST.train.images();
    let index = InvertedIndex::params().n_lists(256).n_probe(24).fit(&images.view()).expect("valid");
    let found = index.kneighbors(MNIST.test.images().view(), 3).expect("valid search");
    let exact = NEIGHBORS.nearest(3);
    let hits: usize = exact
        .indices
        .outer_iter()
        .zip(found.indices.outer_iter())
        .map(|(exact, found)| found.iter().filter(|&index| exact.iter().any(|i| i == index)).count())
        .sum();
    let recall = hits as f64 / exact.indices.len() as f64;
    assert!(recall >= 0.99, "recall {recall} on test images");
    assert!((index.recall() - recall).abs() < 0.01, "recall {} on its own sample", index.recall());

    let model = KNeighborsClassifier::params(3).fit(&MNIST.train).expect("valid k");
    let accuracy = |predicted: &[u32]| ConfusionMatrix::new(MNIST.test.labels(), predicted, 10).accuracy();
    let lost = accuracy(&model.predict_from(&exact)) - accuracy(&model.predict_from(&found));
    assert!(lost.abs() < 0.001, "{lost} of the accuracy is lost");
}
