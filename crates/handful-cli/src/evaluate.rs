//! `handful evaluate`: how right a model is on labelled images.

use std::{io::Write, path::PathBuf, sync::Arc, time::Instant};

use handful::{
    Dataset,
    classifier::{Explanation, Model},
    dataset::{KnownReader, ReadOptions, Split},
    metrics::{ConfusionMatrix, Reliability, brier_score, log_loss},
};
use ndarray::{Array2, ArrayView1, Axis};
use serde::Serialize;

use crate::{
    args::Global,
    console::Console,
    data::{self, DataArgs, names},
    models::ModelArgs,
    output::{OutputFile, print_json},
    pictures::Pictures,
    report,
    summary::{ClassSummary, Machine, per_class},
    text,
};

/// Test a model on labelled images
///
/// Of data in two parts the images to be tested on are taken, of other data all. Files larger than memory are read piece
/// by piece.
#[derive(Debug, clap::Args)]
#[command(after_help = format!("{}\n\n{}", "Example:\n  handful evaluate --model best --data data/mnist --report report.html", data::formats()))]
pub(crate) struct Args {
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    data: DataArgs,
    /// A page with the figures, and the mistakes with the neighbours that voted
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
}

/// Images that are explained together.
const BATCH: usize = 4096;
/// Mistakes kept of each class.
const MOST_MISTAKES: usize = 12;

/// A model's verdicts on labelled images: what figures need of all of them, and what is shown of some.
pub(crate) struct Evaluation {
    /// What the model was called.
    pub(crate) name: String,
    pub(crate) data: String,
    pub(crate) confusion_matrix: ConfusionMatrix,
    /// Of each class the surest, these first.
    pub(crate) mistakes: Vec<Vec<Mistake>>,
    /// Spent on explanations.
    pub(crate) seconds: f64,
    reliability: Reliability,
    /// Sums over the images.
    brier_scores: f64,
    log_losses: f64,
    n_refused: u64,
    n_without_ink: u64,
}

/// An image that was read wrongly.
pub(crate) struct Mistake {
    /// Its number.
    pub(crate) row: usize,
    pub(crate) pixels: Vec<u8>,
    pub(crate) explanation: Explanation,
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
    /// Images without ink, whose labels mean nothing: they are among the refused.
    n_without_ink: u64,
}

pub(crate) fn run(args: &Args, global: &Global, console: &Console) -> anyhow::Result<()> {
    let report = args.report.as_deref().map(OutputFile::create).transpose()?;
    let (model, _) = args.model.load()?;
    let model = Arc::new(model);
    let paths = args.data.paths()?;
    let options = args.data.reading().options(console);
    let options = ReadOptions { judge: model.judge(), ..options };
    let open =
        |path: &PathBuf| KnownReader::open(path, Split::Test, model.classes(), model.image_shape(), &options);
    let tests = paths.iter().map(open).collect::<Result<Vec<_>, _>>()?;
    let model = Model::clone(&model).observer(console.interrupter());
    let found = Evaluation::new(args.model.model.clone(), names(&paths), &model, tests, console)?;
    console.detail(&format!("read {} from {}", text::plural(found.n_images(), "image"), found.data));
    if let Some(file) = report {
        let pictures = Pictures::find(&model, None, console);
        let page = report::model::evaluation(&found, &model, pictures.as_ref());
        file.commit(|mut file| Ok(file.write_all(page.as_bytes())?))?;
    }
    let summary = found.summary(model.classes());
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
        text::seconds(found.seconds),
    )?;
    writeln!(
        out,
        "Confidence is off by {} on average; {} look like nothing that the model knows.",
        text::percent(summary.expected_calibration_error),
        text::percent(summary.refused),
    )?;
    if summary.n_without_ink > 0 {
        let blank = text::plural(usize::try_from(summary.n_without_ink)?, "image");
        writeln!(out, "No ink in {blank}: the label that is counted there means nothing.")?;
    }
    if let Some(path) = &args.report {
        writeln!(out, "Report: {}", path.display())?;
    }
    Ok(())
}

impl Evaluation {
    /// Batch by batch.
    fn new(
        name: String,
        data: String,
        model: &Model,
        tests: Vec<KnownReader>,
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
        };
        let counter = console.counter("images", false);
        for mut test in tests {
            while let Some(images) = test.read(BATCH)? {
                let start = Instant::now();
                let explanations = model.explain(images.images().view())?;
                found.seconds += start.elapsed().as_secs_f64();
                found.add(&images, explanations);
                counter.inc(images.n_samples() as u64);
            }
        }
        counter.finish_and_clear();
        Ok(found)
    }

    fn add(&mut self, images: &Dataset, explanations: Vec<Explanation>) {
        let (truth, n_classes) = (images.labels(), images.classes().len());
        let first = self.n_images();
        let probabilities = Array2::from_shape_fn((truth.len(), n_classes), |(row, class)| {
            explanations[row].probabilities[class]
        });
        let predicted: Vec<u32> = explanations.iter().map(|explanation| explanation.label).collect();
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

    fn summary<'a>(&'a self, classes: &'a [String]) -> Summary<'a> {
        let matrix = &self.confusion_matrix;
        let n = self.n_images() as f64;
        Summary {
            version: env!("CARGO_PKG_VERSION"),
            model: &self.name,
            data: &self.data,
            machine: Machine::this(),
            n_test: self.n_images(),
            classes,
            accuracy: matrix.accuracy(),
            accuracy_interval: matrix.accuracy_interval(),
            error_percent: matrix.error_percent(),
            seconds: self.seconds,
            images_per_second: n / self.seconds,
            confusion_matrix: matrix.counts().outer_iter().map(|row| row.to_vec()).collect(),
            per_class: per_class(classes, matrix),
            expected_calibration_error: self.reliability.expected_calibration_error(),
            brier_score: self.brier_scores / n,
            log_loss: self.log_losses / n,
            refused: self.n_refused as f64 / n,
            n_without_ink: self.n_without_ink,
        }
    }
}

/// What a page of a model says of itself in a sentence.
pub(crate) fn verdict(found: &Evaluation, model: &Model) -> String {
    format!(
        "{} reads {} of {} right, with {}.",
        found.name,
        text::percent(found.confusion_matrix.accuracy()),
        text::plural(found.n_images(), "image"),
        text::plural(model.prototypes().n_samples(), "prototype"),
    )
}
