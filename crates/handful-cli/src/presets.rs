//! Presets beside the experiment: each fitted, saved to see how large it is, and tested.

use std::time::Instant;

use anyhow::ensure;
use handful::{
    Dataset,
    classifier::{Model, Preset},
    dataset::TrainTest,
    metrics::{ConfusionMatrix, Reliability, ReliabilityBin, auroc, brier_score, log_loss, refused},
    model_file::Provenance,
    progress::Stage,
};
use ndarray::{Array2, ArrayView2};

use crate::{
    console::Console,
    experiment::{Evaluated, timed},
    models,
};

/// Shares of the test images, the surest first, whose errors are told.
pub(crate) const COVERAGES: [f64; 6] = [1.0, 0.99, 0.98, 0.95, 0.9, 0.8];

/// How far a preset's verdicts on the test images can be relied on.
pub(crate) struct PresetResult {
    pub(crate) preset: Preset,
    /// Of shares of the votes, and of the probabilities that calibration makes of the evidence.
    pub(crate) before: Confidence,
    pub(crate) after: Confidence,
    /// Errors in percent among the surest, for each of [`COVERAGES`].
    pub(crate) risk_coverage: Vec<f64>,
    /// Of the test images the share refused as no digits.
    pub(crate) false_rejects: f64,
    /// How images that are none were told, if there are any.
    pub(crate) outliers: Option<Outliers>,
}

/// How well probabilities mean what they say.
pub(crate) struct Confidence {
    pub(crate) curve: Vec<ReliabilityBin>,
    pub(crate) expected_calibration_error: f64,
    pub(crate) brier_score: f64,
    pub(crate) log_loss: f64,
}

/// How well images that are no digits were told from the test images.
pub(crate) struct Outliers {
    pub(crate) auroc: f64,
    pub(crate) refused: f64,
}

pub(crate) fn run(
    preset: Preset,
    pretrained: bool,
    data: &TrainTest,
    outliers: Option<ArrayView2<u8>>,
    console: &Console,
) -> anyhow::Result<(Evaluated, PresetResult)> {
    let (params, test) = (preset.params(), &data.test);
    let bar = console.bar(preset.name(), Stage::Features);
    let start = Instant::now();
    let model = if pretrained {
        pretrained_on(&data.train, preset)?
    } else {
        params.fit_observed(&data.train, &bar.observer())?
    };
    let model = model.observer(bar.observer());
    let fit_seconds = start.elapsed().as_secs_f64();
    let (predict_seconds, predicted) = timed(|| Ok(model.predict(test.images().view())?))?;
    let result = look(preset, &model, &predicted, &data.test, outliers)?;
    let evaluated = Evaluated {
        name: preset.name(),
        preset: Some(preset),
        parameters: match serde_json::to_value(&params)? {
            serde_json::Value::Object(parameters) => parameters,
            _ => serde_json::Map::new(),
        },
        n_prototypes: model.prototypes().n_samples(),
        n_neighbors: params.decision.n_neighbors(),
        inertia: None,
        n_iter: None,
        fit_seconds,
        predict_seconds,
        model_bytes: Some(model.to_bytes()?.len() as u64),
        confusion_matrix: ConfusionMatrix::new(test.labels(), &predicted, test.classes().len()),
        predicted,
    };
    Ok((evaluated, result))
}

/// The preset that comes with the program, if it has learned from these very images.
fn pretrained_on(train: &Dataset, preset: Preset) -> anyhow::Result<Model> {
    let model = models::embedded(preset)?;
    ensure!(
        model.provenance().sha256 == Provenance::of(train).sha256,
        "the presets that come with the program were trained on MNIST, and these are other training images: expected no \
         --pretrained"
    );
    Ok(model)
}

fn look(
    preset: Preset,
    model: &Model,
    predicted: &[u32],
    test: &Dataset,
    outliers: Option<ArrayView2<u8>>,
) -> anyhow::Result<PresetResult> {
    let (images, truth) = (test.images().view(), test.labels());
    let (probabilities, vote_shares) = (model.predict_proba(images)?, model.vote_shares(images)?);
    let confidence = |probabilities: &Array2<f64>| {
        let reliability = Reliability::new(probabilities.view(), predicted, truth);
        Confidence {
            curve: reliability.curve().to_vec(),
            expected_calibration_error: reliability.expected_calibration_error(),
            brier_score: brier_score(probabilities.view(), truth),
            log_loss: log_loss(probabilities.view(), truth),
        }
    };
    let (inliers, threshold) = (model.outlier_scores(images)?, model.params().calibration.novel);
    let of_outliers = |images| {
        let scores = model.outlier_scores(images)?;
        anyhow::Ok(Outliers { auroc: auroc(&inliers, &scores), refused: refused(&scores, threshold) })
    };
    Ok(PresetResult {
        preset,
        before: confidence(&vote_shares),
        after: confidence(&probabilities),
        risk_coverage: Reliability::new(probabilities.view(), predicted, truth).risk_coverage(&COVERAGES),
        false_rejects: refused(&inliers, threshold),
        outliers: outliers.map(of_outliers).transpose()?,
    })
}
