//! `handful predict`: classifies images.

use std::{
    io::{self, BufWriter, Write},
    path::PathBuf,
    sync::Arc,
};

use handful::{classifier::Model, dataset::ReadOptions};

use crate::{
    console::{AlreadyReported, Console, print_error},
    data::{self, ReadingArgs},
    inputs::{self, Batch},
    models::ModelArgs,
    options::Global,
    output::OutputFile,
    pictures::Pictures,
    predictions::{Format, Prediction, Printer},
    report, text,
};

/// Classify images
///
/// Reads pictures of any size, folders, tar archives of pictures, files of images in any supported format, and `-`, which
/// is standard input. A stream may have any number of pictures, one after the other.
/// Pictures are scaled and centred as MNIST's digits are. Files and streams larger than memory are read piece by piece.
/// Inputs that cannot be read are reported on stderr and do not stop the rest, but then the exit code is 1.
#[derive(Debug, clap::Args)]
#[command(
    after_help = format!("{}\n\n{}", "Examples:\n  handful predict photo.png\n  handful predict --model best --format kaggle test.csv > submission.csv\n  handful predict --explain --report why.html scans/\n  ffmpeg -i film.mp4 -f image2pipe -c:v png - | handful predict --format jsonl -", data::formats())
)]
pub(crate) struct Args {
    #[command(flatten)]
    model: ModelArgs,
    /// Pictures, folders, files of images, or `-` for standard input
    #[arg(required = true, value_name = "INPUT")]
    inputs: Vec<PathBuf>,
    /// Output format. In CSV and JSON, `n_digits` is the number of digits in the picture; `--json` is the same as `--format json`
    #[arg(long, value_enum, default_value = "text", conflicts_with = "json")]
    format: Format,
    /// Give no label if the confidence is less than this (0 to 1), or if the image does not look like a digit
    #[arg(long, value_name = "P", value_parser = probability)]
    min_confidence: Option<f64>,
    /// Also print the neighbours that voted, with their labels and their distances in the model's space (squared in CSV
    /// and JSON)
    #[arg(long)]
    explain: bool,
    #[command(flatten)]
    reading: ReadingArgs,
    /// Write to this file instead of stdout; it appears only when it is complete
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write an HTML page with the images, the predictions and the neighbours that voted
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
}

fn probability(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(p) if (0.0..=1.0).contains(&p) => Ok(p),
        _ => Err("expected a number from 0 to 1".to_owned()),
    }
}

pub(crate) fn run(args: &Args, global: &Global, console: &Console) -> anyhow::Result<()> {
    let report = args.report.as_deref().map(OutputFile::create).transpose()?;
    let output = args.output.as_deref().map(OutputFile::create).transpose()?;
    let (model, _) = args.model.load()?;
    let format = if global.json { Format::Json } else { args.format };
    let mut shown = report.is_some().then(|| report::predictions::Shown::new(&args.model.model));
    let model = Arc::new(model);
    let options = ReadOptions {
        image_shape: Some(model.image_shape()),
        judge: model.judge(),
        ..args.reading.options(console)
    };
    let model = Model::clone(&model).observer(console.interrupter());
    let batches = inputs::read(args.inputs.clone(), options);
    let mut printer = Printer::new(format, args.explain, args.min_confidence, &model);
    let mut failed = Vec::new();
    let mut predict = |out: &mut dyn Write| {
        printer.begin(out)?;
        let counter = console.counter("images", output_is_terminal(args));
        while let Some(Batch { images, places, failures }) = inputs::next(&batches, console)? {
            for failure in failures {
                printer.print_failure(&failure, out)?;
                print_error(&failure.error);
                failed.push(failure.place.to_string());
            }
            let with_places = places.iter().zip(images.outer_iter());
            if printer.needs_only_labels() && shown.is_none() {
                let labels = model.predict(images.view())?;
                for (label, (place, image)) in labels.into_iter().zip(with_places) {
                    let label = model.has_ink(image).then_some(label);
                    printer.print_label(place, label, out)?;
                }
            } else {
                let explanations = model.explain(images.view())?;
                for (explanation, (place, image)) in explanations.iter().zip(with_places) {
                    let prediction = Prediction { place, explanation };
                    printer.print(&prediction, out)?;
                    if let Some(shown) = &mut shown {
                        shown.add(&prediction, image);
                    }
                }
            }
            counter.inc(places.len() as u64);
            // A reader of the stream should see all results so far.
            out.flush()?;
        }
        anyhow::ensure!(!console.was_interrupted(), "interrupted");
        printer.end(out, &failed)
    };
    match output {
        Some(file) => file.commit(|file| {
            let mut out = BufWriter::new(file);
            predict(&mut out)?;
            Ok(out.flush()?)
        })?,
        None => predict(&mut BufWriter::new(anstream::stdout().lock()))?,
    }
    if let (Some(file), Some(shown)) = (report, shown) {
        let pictures = Pictures::find(&model, None, console);
        let page = report::predictions::render(&shown, &model, pictures.as_ref());
        file.commit(|mut file| Ok(file.write_all(page.as_bytes())?))?;
    }
    let is_one_file = matches!(&args.inputs[..], [path] if !path.is_dir());
    let n_inputs = printer.n_images() + failed.len();
    match failed.len() {
        0 => Ok(()),
        // Its error has already been printed.
        1 if is_one_file => Err(AlreadyReported.into()),
        n => anyhow::bail!(
            "{} of {} could not be read",
            text::count(n as u64),
            text::plural(n_inputs, "input")
        ),
    }
}

fn output_is_terminal(args: &Args) -> bool {
    args.output.is_none() && io::IsTerminal::is_terminal(&io::stdout())
}
