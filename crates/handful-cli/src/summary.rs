//! The output of `compare --json`. Scripts rely on these names.

use handful::{
    classifier::Preset,
    dataset::TrainTest,
    metrics::{ClassMetrics, ConfusionMatrix},
};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    disputed::Undisputed,
    evaluated::Evaluated,
    experiment::{Comparison, Experiment, SweepPoint},
    machine::Machine,
    presets::{COVERAGES, Confidence, Outliers, PresetResult},
};

#[derive(Serialize)]
pub(crate) struct Summary<'a> {
    version: &'static str,
    seed: u64,
    dataset: DatasetSummary<'a>,
    pub(crate) machine: Machine,
    models: Vec<ModelSummary<'a>>,
    comparisons: Vec<ComparisonSummary>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sweep: Option<Vec<SweepSummary>>,
    total_seconds: f64,
}

#[derive(Serialize)]
struct DatasetSummary<'a> {
    name: &'a str,
    n_train: usize,
    n_test: usize,
    n_features: usize,
    classes: &'a [String],
    train_counts: Vec<usize>,
    test_counts: Vec<usize>,
}

#[derive(Serialize)]
struct ModelSummary<'a> {
    name: &'a str,
    preset: Option<&'static str>,
    parameters: &'a Map<String, Value>,
    n_prototypes: usize,
    n_neighbors: usize,
    inertia: Option<f64>,
    n_iter: Option<usize>,
    accuracy: f64,
    accuracy_interval: [f64; 2],
    error_percent: f64,
    fit_seconds: f64,
    predict_seconds: f64,
    images_per_second: f64,
    model_bytes: Option<u64>,
    confusion_matrix: Vec<Vec<u64>>,
    per_class: Vec<ClassSummary<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed_errors: Option<&'a [f64]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    confidence: Option<ConfidenceSummary<'a>>,
    /// The result without disputed labels, if a file names any.
    #[serde(skip_serializing_if = "Option::is_none")]
    undisputed: Option<Undisputed>,
}

/// Confidence of presets. Pairs are values before and after calibration.
#[derive(Serialize)]
struct ConfidenceSummary<'a> {
    expected_calibration_error: [f64; 2],
    brier_score: [f64; 2],
    log_loss: [f64; 2],
    /// Shares of the test images kept, by descending confidence, and the errors in percent among them.
    risk_coverage: Vec<[f64; 2]>,
    false_rejects: f64,
    /// Images that are not digits.
    outliers: Vec<OutliersSummary<'a>>,
}

#[derive(Serialize)]
struct OutliersSummary<'a> {
    name: &'a str,
    n_images: usize,
    auroc: f64,
    refused: f64,
}

#[derive(Serialize)]
pub(crate) struct ClassSummary<'a> {
    class: &'a str,
    precision: f64,
    recall: f64,
    f1: f64,
    support: u64,
}

#[derive(Serialize)]
struct ComparisonSummary {
    a: &'static str,
    b: &'static str,
    mcnemar_p: f64,
}

#[derive(Serialize)]
struct SweepSummary {
    prototypes_per_class: usize,
    kmeans_knn_accuracy: f64,
    kmeans_knn_interval: [f64; 2],
    random_knn_accuracy: f64,
    random_knn_interval: [f64; 2],
}

impl<'a> Summary<'a> {
    pub(crate) fn new(experiment: &'a Experiment, seed: u64, total_seconds: f64) -> Self {
        let TrainTest { name, train, test } = &experiment.data;
        Self {
            version: env!("CARGO_PKG_VERSION"),
            seed,
            dataset: DatasetSummary {
                name,
                n_train: train.n_samples(),
                n_test: test.n_samples(),
                n_features: train.n_features(),
                classes: train.classes(),
                train_counts: train.class_counts(),
                test_counts: test.class_counts(),
            },
            machine: Machine::this(),
            models: experiment.models.iter().map(|model| ModelSummary::new(model, experiment)).collect(),
            comparisons: experiment.comparisons.iter().map(ComparisonSummary::new).collect(),
            sweep: experiment.sweep.as_ref().map(|points| points.iter().map(SweepSummary::new).collect()),
            total_seconds,
        }
    }
}

/// The figures of each class.
pub(crate) fn per_class<'a>(classes: &'a [String], matrix: &ConfusionMatrix) -> Vec<ClassSummary<'a>> {
    let summary = |(class, metrics): (&'a String, ClassMetrics)| ClassSummary {
        class,
        precision: metrics.precision,
        recall: metrics.recall,
        f1: metrics.f1,
        support: metrics.support,
    };
    classes.iter().zip(matrix.per_class()).map(summary).collect()
}

impl<'a> ModelSummary<'a> {
    fn new(model: &'a Evaluated, experiment: &'a Experiment) -> Self {
        let test = &experiment.data.test;
        let result = experiment.presets.iter().find(|result| Some(result.preset) == model.preset);
        let matrix = &model.confusion_matrix;
        Self {
            name: model.name,
            preset: model.preset.map(Preset::name),
            parameters: &model.parameters,
            n_prototypes: model.n_prototypes,
            n_neighbors: model.n_neighbors,
            inertia: model.inertia,
            n_iter: model.n_iter,
            accuracy: matrix.accuracy(),
            accuracy_interval: matrix.accuracy_interval(),
            error_percent: matrix.error_percent(),
            fit_seconds: model.fit_seconds,
            predict_seconds: model.predict_seconds,
            images_per_second: model.images_per_second(),
            model_bytes: model.model_bytes,
            confusion_matrix: matrix.counts().outer_iter().map(|row| row.to_vec()).collect(),
            per_class: per_class(test.classes(), matrix),
            seed_errors: result.map(|result| &result.seed_errors[..]),
            confidence: result.map(ConfidenceSummary::new),
            undisputed: experiment.undisputed(model),
        }
    }
}

impl<'a> ConfidenceSummary<'a> {
    fn new(result: &'a PresetResult) -> Self {
        let both = |of: fn(&Confidence) -> f64| [of(&result.before), of(&result.after)];
        Self {
            expected_calibration_error: both(|confidence| confidence.expected_calibration_error),
            brier_score: both(|confidence| confidence.brier_score),
            log_loss: both(|confidence| confidence.log_loss),
            risk_coverage: COVERAGES
                .into_iter()
                .zip(&result.risk_coverage)
                .map(|(share, risk)| [share, *risk])
                .collect(),
            false_rejects: result.false_rejects,
            outliers: result.outliers.iter().map(OutliersSummary::new).collect(),
        }
    }
}

impl<'a> OutliersSummary<'a> {
    fn new(outliers: &'a Outliers) -> Self {
        let Outliers { name, n_images, auroc, refused } = outliers;
        Self { name, n_images: *n_images, auroc: *auroc, refused: *refused }
    }
}

impl ComparisonSummary {
    fn new(comparison: &Comparison) -> Self {
        Self { a: comparison.a, b: comparison.b, mcnemar_p: comparison.test.p_value }
    }
}

impl SweepSummary {
    fn new(point: &SweepPoint) -> Self {
        Self {
            prototypes_per_class: point.prototypes_per_class,
            kmeans_knn_accuracy: point.kmeans.accuracy(),
            kmeans_knn_interval: point.kmeans.accuracy_interval(),
            random_knn_accuracy: point.random.accuracy(),
            random_knn_interval: point.random.accuracy_interval(),
        }
    }
}
