//! The test images, if they are found, with the model's predictions, mistakes first.

use std::path::{Path, PathBuf};

use handful::{
    Dataset,
    classifier::Model,
    dataset::{self, ReadOptions, Split},
    metrics::ConfusionMatrix,
};
use ndarray::Axis;
use serde::{Deserialize, Serialize};

use super::limits;
use crate::picture;

/// Maximum number of images in an answer.
const MOST_IMAGES: usize = 200;

/// Test images and predictions.
pub(super) struct Gallery {
    name: String,
    test: Dataset,
    predicted: Vec<u32>,
    confidences: Vec<f64>,
    /// Rows: mistakes by descending confidence, then correct predictions by ascending confidence.
    order: Vec<usize>,
    matrix: ConfusionMatrix,
}

/// A summary of the gallery.
#[derive(Serialize)]
pub(super) struct Summary<'a> {
    name: &'a str,
    n_images: usize,
    n_mistakes: usize,
    accuracy: f64,
    /// One row per true class, one column per predicted class.
    confusion_matrix: Vec<Vec<u64>>,
}

/// A request for some of the images.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Query {
    pub(super) model: Option<String>,
    label: Option<String>,
    predicted: Option<String>,
    #[serde(default)]
    offset: usize,
    #[serde(default = "few")]
    limit: usize,
}

fn few() -> usize {
    60
}

#[derive(Serialize)]
pub(super) struct Found<'a> {
    /// Number of images that match the request.
    n_images: usize,
    images: Vec<Shown<'a>>,
}

#[derive(Serialize)]
struct Shown<'a> {
    index: usize,
    label: &'a str,
    predicted: &'a str,
    confidence: f64,
    image: String,
}

impl Gallery {
    /// # Errors
    /// The reason why there is no gallery.
    pub(super) fn new(model: &Model, path: Option<PathBuf>, reading: &ReadOptions) -> Result<Self, String> {
        let path = path.map_or_else(dataset::locate, Ok).map_err(|error| error.to_string())?;
        let (classes, shape) = (model.classes(), model.image_shape());
        let test = dataset::load_known(&path, Split::Test, classes, shape, reading);
        let test = test.map_err(|error| error.to_string())?;
        let (mut predicted, mut confidences) = (Vec::new(), Vec::new());
        for images in test.images().axis_chunks_iter(Axis(0), limits::IMAGES_AT_ONCE) {
            let explained = model.explain(images).map_err(|error| error.to_string())?;
            predicted.extend(explained.iter().map(|found| found.label));
            confidences.extend(explained.iter().map(|found| found.confidence));
        }
        let is_right = |row: usize| predicted[row] == test.labels()[row];
        let doubt = |row: usize| if is_right(row) { confidences[row] } else { -confidences[row] };
        let mut order: Vec<usize> = (0..test.n_samples()).collect();
        order.sort_by(|&a, &b| is_right(a).cmp(&is_right(b)).then(doubt(a).total_cmp(&doubt(b))));
        let matrix = ConfusionMatrix::new(test.labels(), &predicted, classes.len());
        Ok(Self { name: name(&path), test, predicted, confidences, order, matrix })
    }

    pub(super) fn summary(&self) -> Summary<'_> {
        let counts = self.matrix.counts();
        Summary {
            name: &self.name,
            n_images: self.test.n_samples(),
            n_mistakes: self
                .order
                .iter()
                .filter(|&&row| self.predicted[row] != self.test.labels()[row])
                .count(),
            accuracy: self.matrix.accuracy(),
            confusion_matrix: counts.outer_iter().map(|row| row.to_vec()).collect(),
        }
    }

    /// Images with a given true class, predicted class, or both.
    pub(super) fn find(&self, query: &Query) -> Found<'_> {
        let name = |label: u32| self.test.classes()[label as usize].as_str();
        let is_asked =
            |asked: &Option<String>, label: u32| asked.as_ref().is_none_or(|asked| asked == name(label));
        let label = |row: usize| self.test.labels()[row];
        let rows: Vec<usize> = self
            .order
            .iter()
            .copied()
            .filter(|&row| {
                is_asked(&query.label, label(row)) && is_asked(&query.predicted, self.predicted[row])
            })
            .collect();
        let shown = |&row: &usize| Shown {
            index: row,
            label: name(label(row)),
            predicted: name(self.predicted[row]),
            confidence: self.confidences[row],
            image: picture::grey(&self.test.images().row(row).to_vec(), self.test.image_shape()),
        };
        let images = rows.iter().skip(query.offset).take(query.limit.min(MOST_IMAGES)).map(shown).collect();
        Found { n_images: rows.len(), images }
    }
}

fn name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}
