//! Presets in the experiment: fits each one, measures its file size, and tests it.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context, bail, ensure};
use handful::{
    Dataset,
    classifier::{Model, Params, Preset, Validation},
    dataset::{Split, TrainTest},
    metrics::{ConfusionMatrix, Reliability, ReliabilityBin, auroc, brier_score, log_loss, refused},
    model_file::Provenance,
    progress::Stage,
};
use ndarray::{ArcArray2, Array2};

use crate::{
    console::Console,
    data,
    evaluated::{Evaluated, timed},
    experiment_options, text,
};

/// Shares of the test images, by descending confidence, for which errors are reported.
pub(crate) const COVERAGES: [f64; 6] = [1.0, 0.99, 0.98, 0.95, 0.9, 0.8];

/// How reliable a preset's predictions on the test images are.
pub(crate) struct PresetResult {
    pub(crate) preset: Preset,
    /// Confidence as the share of votes, before calibration.
    pub(crate) before: Confidence,
    /// Confidence as a probability, after calibration.
    pub(crate) after: Confidence,
    /// Errors in percent among the images with the highest confidence, for each of [`COVERAGES`].
    pub(crate) risk_coverage: Vec<f64>,
    /// Share of the test images that are refused as not digits.
    pub(crate) false_rejects: f64,
    /// Results on each set of images that are not digits.
    pub(crate) outliers: Vec<Outliers>,
    /// Errors in percent when fitted with the preset's own seed and those after it.
    pub(crate) seed_errors: Vec<f64>,
}

/// Images that are not digits.
pub(crate) struct OutlierSet {
    pub(crate) name: String,
    pub(crate) images: ArcArray2<u8>,
}

impl PresetResult {
    /// One sentence for each set of images that are not digits.
    pub(crate) fn of_outliers(&self) -> impl Iterator<Item = String> {
        self.outliers.iter().map(|set| {
            format!(
                "{} refuses {} of {} ({}) and {} of the test images; AUROC {:.4}",
                self.preset,
                text::percent(set.refused),
                set.name,
                text::count(set.n_images as u64),
                text::percent(self.false_rejects),
                set.auroc,
            )
        })
    }

    /// One sentence on how errors differ between seeds; `None` if there was only one seed.
    pub(crate) fn of_seeds(&self) -> Option<String> {
        let errors = || self.seed_errors.iter().copied();
        let n = self.seed_errors.len();
        (n > 1).then(|| {
            format!(
                "{} with {n} seeds: mean error {:.2} %, from {:.2} to {:.2} %",
                self.preset,
                errors().sum::<f64>() / n as f64,
                errors().fold(f64::INFINITY, f64::min),
                errors().fold(0.0, f64::max),
            )
        })
    }
}

/// How well probabilities are calibrated.
pub(crate) struct Confidence {
    pub(crate) curve: Vec<ReliabilityBin>,
    pub(crate) expected_calibration_error: f64,
    pub(crate) brier_score: f64,
    pub(crate) log_loss: f64,
}

/// How well images that are not digits were distinguished from the test images.
pub(crate) struct Outliers {
    pub(crate) name: String,
    pub(crate) n_images: usize,
    pub(crate) auroc: f64,
    pub(crate) refused: f64,
}

/// Reads images that are not digits, and checks that presets can be trained, before any long work.
pub(crate) fn prepare(
    args: &experiment_options::Args,
    data: &TrainTest,
    console: &Console,
) -> anyhow::Result<Vec<OutlierSet>> {
    ensure!(
        !args.pretrained || Provenance::of(&data.train).sha256 == Preset::CHOSEN_ON,
        "--pretrained uses presets that were trained on MNIST, but these are other training images: \
         leave out --pretrained to fit the presets on them"
    );
    let presets = args.presets();
    // A model can only predict classes that it was trained on.
    let unknown = data.train.class_counts().iter().position(|&count| count == 0);
    if let Some(class) = unknown.filter(|_| !presets.is_empty()) {
        bail!(
            "presets must be trained on every class of the test images: expected training images of class {:?}, found none",
            data.train.classes()[class]
        );
    }
    for preset in presets {
        let cannot = || format!("{preset} cannot be trained on these images");
        preset.params().check_images(&data.train).with_context(cannot)?;
    }
    let load = |path: &PathBuf| {
        let reading = args.data.reading().options(console);
        let images = data::load_images(path, Split::Test, &reading, console)?;
        let ([height, width], [found_height, found_width]) = (data.test.image_shape(), images.shape);
        ensure!(
            images.shape == data.test.image_shape(),
            "{}: expected images of {height} x {width} pixels, like the test images, \
             found {found_height} x {found_width}",
            path.display()
        );
        Ok(OutlierSet { name: file_name(path), images: images.pixels })
    };
    args.ood.iter().map(load).collect()
}

/// The last part of a path, without the usual ending of image files.
fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    name.trim_end_matches(".gz").trim_end_matches("-idx3-ubyte").to_owned()
}

pub(crate) fn run(
    preset: Preset,
    args: &experiment_options::Args,
    data: &TrainTest,
    outlier_sets: &[OutlierSet],
    console: &Console,
) -> anyhow::Result<(Evaluated, PresetResult)> {
    let (params, test) = (preset.params(), &data.test);
    let bar = console.bar(preset.name(), Stage::Features);
    let start = Instant::now();
    let model =
        if args.pretrained { preset.trained()? } else { params.observer(bar.observer()).fit(&data.train)? };
    let model = model.observer(bar.observer());
    let fit_seconds = start.elapsed().as_secs_f64();
    let (predict_seconds, predicted) = timed(|| Ok(model.predict(test.images().view())?))?;
    let mut result = evaluate_preset(preset, &model, &data.test, outlier_sets)?;
    for seed in (params.seed..).take(args.seeds.get() as usize).skip(1) {
        let params = Params { seed, ..params.clone() };
        let other = params.observer(bar.observer()).fit(&data.train)?.predict(test.images().view())?;
        result
            .seed_errors
            .push(ConfusionMatrix::new(test.labels(), &other, test.classes().len()).error_percent());
    }
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

fn evaluate_preset(
    preset: Preset,
    model: &Model,
    test: &Dataset,
    outlier_sets: &[OutlierSet],
) -> anyhow::Result<PresetResult> {
    let found = Validation::new(model, test)?;
    let (predicted, truth) = (&found.predicted[..], test.labels());
    let calibration = model.params().calibration;
    let (probabilities, vote_shares) = (found.probabilities(Some(calibration)), found.probabilities(None));
    let confidence = |probabilities: &Array2<f64>| {
        let reliability = Reliability::new(probabilities.view(), predicted, truth);
        Confidence {
            curve: reliability.curve().to_vec(),
            expected_calibration_error: reliability.expected_calibration_error(),
            brier_score: brier_score(probabilities.view(), truth),
            log_loss: log_loss(probabilities.view(), truth),
        }
    };
    let tell = |set: &OutlierSet| {
        let scores = model.outlier_scores(set.images.view())?;
        anyhow::Ok(Outliers {
            name: set.name.clone(),
            n_images: scores.len(),
            auroc: auroc(&found.outlier_scores, &scores),
            refused: refused(&scores, calibration.novel),
        })
    };
    Ok(PresetResult {
        preset,
        before: confidence(&vote_shares),
        after: confidence(&probabilities),
        risk_coverage: Reliability::new(probabilities.view(), predicted, truth).risk_coverage(&COVERAGES),
        false_rejects: refused(&found.outlier_scores, calibration.novel),
        outliers: outlier_sets.iter().map(tell).collect::<anyhow::Result<_>>()?,
        seed_errors: vec![found.error_percent()],
    })
}
