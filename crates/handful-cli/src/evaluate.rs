//! `handful evaluate`: tests a model on labelled images.

use std::{io::Write, path::PathBuf, sync::Arc};

use handful::{
    classifier::Model,
    dataset::{KnownReader, ReadOptions, Split},
};
use serde::Serialize;

use crate::{
    console::Console,
    data::{self, DataArgs, names},
    disputed::{self, DisputedArgs, Undisputed},
    evaluation::Evaluation,
    machine::Machine,
    models::ModelArgs,
    options::Global,
    output::{OutputFile, print_json},
    pictures::Pictures,
    report,
    summary::{ClassSummary, per_class},
    text,
};

/// Test a model on labelled images
///
/// If the data have a training and a test part, the test part is used; otherwise all images are used. Files larger than
/// memory are read piece by piece.
#[derive(Debug, clap::Args)]
#[command(after_help = format!("{}\n\n{}", "Example:\n  handful evaluate --model best --data data/mnist --report report.html", data::formats()))]
pub(crate) struct Args {
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    disputed: DisputedArgs,
    /// Write an HTML page with the figures, and the mistakes with the neighbours that voted
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
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
    /// Share of the images that the model refuses as not digits.
    refused: f64,
    /// Number of images without ink, whose labels mean nothing. They are among the refused.
    n_without_ink: u64,
    /// The result without disputed labels, if a file names any.
    #[serde(skip_serializing_if = "Option::is_none")]
    undisputed: Option<Undisputed>,
}

pub(crate) fn run(args: &Args, global: &Global, console: &Console) -> anyhow::Result<()> {
    let report = args.report.as_deref().map(OutputFile::create).transpose()?;
    let disputed = args.disputed.read()?;
    let (model, _) = args.model.load()?;
    let model = Arc::new(model);
    let paths = args.data.paths()?;
    let options = args.data.reading().options(console);
    let options = ReadOptions { judge: model.judge(), ..options };
    let open =
        |path: &PathBuf| KnownReader::open(path, Split::Test, model.classes(), model.image_shape(), &options);
    let tests = paths.iter().map(open).collect::<Result<Vec<_>, _>>()?;
    let model = Model::clone(&model).observer(console.interrupter());
    let found =
        Evaluation::new(args.model.model.clone(), names(&paths), &model, tests, disputed.as_ref(), console)?;
    console.detail(&format!("read {} from {}", text::plural(found.n_images(), "image"), found.data));
    if let Some(file) = report {
        let pictures = Pictures::find(&model, None, console);
        let page = report::model::evaluation(&found, &model, pictures.as_ref());
        file.commit(|mut file| Ok(file.write_all(page.as_bytes())?))?;
    }
    let summary = Summary::new(&found, model.classes());
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
    if let Some(undisputed) = &summary.undisputed {
        writeln!(out, "{}: {}. {}", found.name, undisputed.sentence(), disputed::NOTE)?;
    }
    writeln!(
        out,
        "Confidence differs from accuracy by {} on average; {} of the images look like nothing that the model knows.",
        text::percent(summary.expected_calibration_error),
        text::percent(summary.refused),
    )?;
    if summary.n_without_ink > 0 {
        let blank = text::plural(usize::try_from(summary.n_without_ink)?, "image");
        writeln!(out, "No ink in {blank}: the predicted label means nothing there, but it is counted.")?;
    }
    if let Some(path) = &args.report {
        writeln!(out, "Report: {}", path.display())?;
    }
    Ok(())
}

impl<'a> Summary<'a> {
    fn new(found: &'a Evaluation, classes: &'a [String]) -> Self {
        let matrix = &found.confusion_matrix;
        let n = found.n_images() as f64;
        Self {
            version: env!("CARGO_PKG_VERSION"),
            model: &found.name,
            data: &found.data,
            machine: Machine::this(),
            n_test: found.n_images(),
            classes,
            accuracy: matrix.accuracy(),
            accuracy_interval: matrix.accuracy_interval(),
            error_percent: matrix.error_percent(),
            seconds: found.seconds,
            images_per_second: n / found.seconds,
            confusion_matrix: matrix.counts().outer_iter().map(|row| row.to_vec()).collect(),
            per_class: per_class(classes, matrix),
            expected_calibration_error: found.reliability.expected_calibration_error(),
            brier_score: found.brier_scores / n,
            log_loss: found.log_losses / n,
            refused: found.n_refused as f64 / n,
            n_without_ink: found.n_without_ink,
            undisputed: found.undisputed(),
        }
    }
}
