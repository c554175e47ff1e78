//! Predictions of a model on labelled images.

use std::time::Instant;

use handful::{
    Dataset,
    classifier::{Explanation, Model},
    dataset::KnownReader,
    metrics::{ConfusionMatrix, Reliability, brier_score, log_loss},
};
use ndarray::{Array2, ArrayView1, Axis};

use crate::{
    console::Console,
    disputed::{Disputed, Undisputed},
    text,
};

/// Number of images that are explained together.
const BATCH: usize = 4096;
/// Maximum number of mistakes kept per class.
const MOST_MISTAKES: usize = 12;

/// A model's predictions on labelled images: sums over all images for the figures, and some mistakes to show.
pub(crate) struct Evaluation {
    /// The name of the model on the command line.
    pub(crate) name: String,
    pub(crate) data: String,
    pub(crate) confusion_matrix: ConfusionMatrix,
    /// The mistakes of each class with the highest confidence, by descending confidence.
    pub(crate) mistakes: Vec<Vec<Mistake>>,
    /// Time spent on explanations.
    pub(crate) seconds: f64,
    pub(crate) reliability: Reliability,
    /// Sums over the images.
    pub(crate) brier_scores: f64,
    pub(crate) log_losses: f64,
    pub(crate) n_refused: u64,
    pub(crate) n_without_ink: u64,
    /// Predictions for the images whose labels are not disputed, if a file disputes any.
    undisputed: Option<ConfusionMatrix>,
}

/// An image that was misread.
pub(crate) struct Mistake {
    /// Its number.
    pub(crate) row: usize,
    pub(crate) pixels: Vec<u8>,
    pub(crate) explanation: Explanation,
}

impl Evaluation {
    /// Batch by batch.
    pub(crate) fn new(
        name: String,
        data: String,
        model: &Model,
        tests: Vec<KnownReader>,
        disputed: Option<&Disputed>,
        console: &Console,
    ) -> anyhow::Result<Self> {
        let n_classes = model.classes().len();
        let mut found = Self {
            name,
            data,
            confusion_matrix: ConfusionMatrix::new(&[], &[], n_classes),
            mistakes: (0..n_classes).map(|_| Vec::new()).collect(),
            seconds: 0.0,
            reliability: Reliability::default(),
            brier_scores: 0.0,
            log_losses: 0.0,
            n_refused: 0,
            n_without_ink: 0,
            undisputed: disputed.map(|_| ConfusionMatrix::new(&[], &[], n_classes)),
        };
        let counter = console.counter("images", false);
        for mut test in tests {
            while let Some(images) = test.read(BATCH)? {
                let start = Instant::now();
                let explanations = model.explain(images.images().view())?;
                found.seconds += start.elapsed().as_secs_f64();
                found.add(&images, explanations, disputed)?;
                counter.inc(images.n_samples() as u64);
            }
        }
        counter.finish_and_clear();
        if let Some(disputed) = disputed {
            disputed.check_count(found.n_images())?;
        }
        Ok(found)
    }

    /// The result without disputed labels, if a file disputes any.
    pub(crate) fn undisputed(&self) -> Option<Undisputed> {
        self.undisputed.as_ref().map(|kept| Undisputed::new(&self.confusion_matrix, kept))
    }

    fn add(
        &mut self,
        images: &Dataset,
        explanations: Vec<Explanation>,
        disputed: Option<&Disputed>,
    ) -> anyhow::Result<()> {
        let (truth, n_classes) = (images.labels(), images.classes().len());
        let first = self.n_images();
        let probabilities = Array2::from_shape_fn((truth.len(), n_classes), |(row, class)| {
            explanations[row].probabilities[class]
        });
        let predicted: Vec<u32> = explanations.iter().map(|explanation| explanation.label).collect();
        if let (Some(disputed), Some(kept)) = (disputed, &mut self.undisputed) {
            disputed.check(first, truth, images.classes())?;
            kept.merge(&disputed.matrix(first, truth, &predicted, n_classes));
        }
        self.confusion_matrix.merge(&ConfusionMatrix::new(truth, &predicted, n_classes));
        self.reliability.merge(Reliability::new(probabilities.view(), &predicted, truth));
        for (probabilities, truth) in probabilities.axis_chunks_iter(Axis(0), 1).zip(truth.chunks(1)) {
            self.brier_scores += brier_score(probabilities, truth);
            self.log_losses += log_loss(probabilities, truth);
        }
        for ((row, explanation), image) in
            explanations.into_iter().enumerate().zip(images.images().outer_iter())
        {
            self.n_refused += u64::from(!explanation.is_digit);
            self.n_without_ink += u64::from(!explanation.has_ink);
            if explanation.label != truth[row] {
                self.add_mistake(truth[row], first + row, image, explanation);
            }
        }
        Ok(())
    }

    fn add_mistake(&mut self, truth: u32, row: usize, image: ArrayView1<u8>, explanation: Explanation) {
        let mistakes = &mut self.mistakes[truth as usize];
        let is_surer = |other: &Mistake| other.explanation.confidence >= explanation.confidence;
        let place = mistakes.partition_point(is_surer);
        if place < MOST_MISTAKES {
            mistakes.truncate(MOST_MISTAKES - 1);
            mistakes.insert(place, Mistake { row, pixels: image.to_vec(), explanation });
        }
    }

    pub(crate) fn n_images(&self) -> usize {
        usize::try_from(self.confusion_matrix.total()).expect("they were counted one by one")
    }
}

/// The result in one sentence.
pub(crate) fn verdict(found: &Evaluation, model: &Model) -> String {
    format!(
        "{} reads {} of {} right, with {}.",
        found.name,
        text::percent(found.confusion_matrix.accuracy()),
        text::plural(found.n_images(), "image"),
        text::plural(model.prototypes().n_samples(), "prototype"),
    )
}
