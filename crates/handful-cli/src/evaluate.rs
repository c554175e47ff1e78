//! `handful evaluate`: how right a model is on labelled images.

use std::{io::Write, path::PathBuf, time::Instant};

use handful::{
    Dataset,
    classifier::{Explanation, Model},
    dataset::{self, Split},
    metrics::{ConfusionMatrix, Reliability, brier_score, log_loss},
    preprocess::Framing,
    progress::Stage,
};
use ndarray::Array2;
use serde::Serialize;

use crate::{
    args::{self, Global},
    console::Console,
    models::ModelArgs,
    output::{OutputFile, print_json},
    pictures::Pictures,
    predict::FramingArg,
    report,
    summary::{ClassSummary, Machine, per_class},
    text,
};

/// Test a model on labelled images
///
/// Of data in two parts the images to be tested on are taken, of other data all.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  handful evaluate --model best --data data/mnist --report report.html")]
pub(crate) struct Args {
    #[command(flatten)]
    model: ModelArgs,
    /// Folder or file of labelled images in any format [default: MNIST, where it is found]
    #[arg(long, value_name = "PATH")]
    data: Option<PathBuf>,
    /// Whether the ink of pictures in folders is put into the frame
    #[arg(long, value_enum, value_name = "WHEN", default_value = "auto")]
    framing: FramingArg,
    /// A page with the figures, and the mistakes with the neighbours that voted
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
}

/// A model's verdicts on labelled images.
pub(crate) struct Evaluation {
    /// What the model was called.
    pub(crate) name: String,
    pub(crate) data: String,
    pub(crate) test: Dataset,
    pub(crate) explanations: Vec<Explanation>,
    pub(crate) confusion_matrix: ConfusionMatrix,
    pub(crate) seconds: f64,
}

#[derive(Serialize)]
struct Summary<'a> {
    version: &'static str,
    model: &'a str,
    data: &'a str,
    machine: Machine,
    n_test: usize,
    classes: &'a [String],
    accuracy: f64,
    accuracy_interval: [f64; 2],
    error_percent: f64,
    seconds: f64,
    images_per_second: f64,
    confusion_matrix: Vec<Vec<u64>>,
    per_class: Vec<ClassSummary<'a>>,
    expected_calibration_error: f64,
    brier_score: f64,
    log_loss: f64,
    /// The share of the images that the model takes for no digits.
    refused: f64,
}

pub(crate) fn run(args: &Args, global: &Global, console: &Console) -> anyhow::Result<()> {
    let report = args.report.as_deref().map(OutputFile::create).transpose()?;
    let (model, _) = args.model.load()?;
    let path = args::data_path(args.data.as_ref())?;
    let framing = Framing::from(args.framing);
    let test = dataset::load_known(&path, Split::Test, model.classes(), model.image_shape(), framing)?;
    console.detail(&format!("read {} from {}", text::plural(test.n_samples(), "image"), path.display()));
    let bar = console.bar("predicting", Stage::Search);
    let model = model.observer(bar.observer());
    let start = Instant::now();
    let explanations = model.explain(test.images().view())?;
    let seconds = start.elapsed().as_secs_f64();
    drop(bar);
    let predicted: Vec<u32> = explanations.iter().map(|explanation| explanation.label).collect();
    let found = Evaluation {
        name: args.model.model.clone(),
        data: path.display().to_string(),
        confusion_matrix: ConfusionMatrix::new(test.labels(), &predicted, model.classes().len()),
        test,
        explanations,
        seconds,
    };
    if let Some(file) = report {
        let pictures = Pictures::find(&model, None, console);
        let page = report::model::evaluation(&found, &model, pictures.as_ref());
        file.commit(|file| Ok(file.write_all(page.as_bytes())?))?;
    }
    let summary = found.summary();
    if global.json {
        return print_json(&summary);
    }
    let mut out = anstream::stdout().lock();
    writeln!(
        out,
        "{}: {} of {} right ({}, 95 % interval {}), in {}",
        found.name,
        text::count(found.confusion_matrix.correct()),
        text::count(found.confusion_matrix.total()),
        text::percent(summary.accuracy),
        text::interval(summary.accuracy_interval),
        text::seconds(seconds),
    )?;
    writeln!(
        out,
        "Confidence is off by {} on average; {} look like nothing that the model knows.",
        text::percent(summary.expected_calibration_error),
        text::percent(summary.refused),
    )?;
    if let Some(path) = &args.report {
        writeln!(out, "Report: {}", path.display())?;
    }
    Ok(())
}

impl Evaluation {
    fn summary(&self) -> Summary<'_> {
        let (matrix, n) = (&self.confusion_matrix, self.explanations.len());
        let truth = self.test.labels();
        let probabilities = Array2::from_shape_fn((n, self.test.classes().len()), |(row, class)| {
            self.explanations[row].probabilities[class]
        });
        let predicted: Vec<u32> = self.explanations.iter().map(|explanation| explanation.label).collect();
        let n_refused = self.explanations.iter().filter(|explanation| !explanation.is_digit).count();
        let reliability = Reliability::new(probabilities.view(), &predicted, truth);
        Summary {
            version: env!("CARGO_PKG_VERSION"),
            model: &self.name,
            data: &self.data,
            machine: Machine::this(),
            n_test: n,
            classes: self.test.classes(),
            accuracy: matrix.accuracy(),
            accuracy_interval: matrix.accuracy_interval(),
            error_percent: matrix.error_percent(),
            seconds: self.seconds,
            images_per_second: n as f64 / self.seconds,
            confusion_matrix: matrix.counts().outer_iter().map(|row| row.to_vec()).collect(),
            per_class: per_class(self.test.classes(), matrix),
            expected_calibration_error: reliability.expected_calibration_error(),
            brier_score: brier_score(probabilities.view(), truth),
            log_loss: log_loss(probabilities.view(), truth),
            refused: n_refused as f64 / n as f64,
        }
    }
}

/// Mistakes, the surest of each class first.
pub(crate) fn mistakes(found: &Evaluation) -> Vec<usize> {
    let truth = found.test.labels();
    let mut rows: Vec<usize> =
        (0..truth.len()).filter(|&row| found.explanations[row].label != truth[row]).collect();
    rows.sort_by(|&a, &b| {
        let confidence = |row: usize| found.explanations[row].confidence;
        truth[a].cmp(&truth[b]).then(confidence(b).total_cmp(&confidence(a)))
    });
    rows
}

/// What a page of a model says of itself in a sentence.
pub(crate) fn verdict(found: &Evaluation, model: &Model) -> String {
    format!(
        "{} reads {} of {} right, with {}.",
        found.name,
        text::percent(found.confusion_matrix.accuracy()),
        text::plural(found.explanations.len(), "image"),
        text::plural(model.prototypes().n_samples(), "prototype"),
    )
}
