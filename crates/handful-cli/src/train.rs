//! `handful train`: a recipe fitted on labelled images, as a file.

use std::{io::Write, path::PathBuf, time::Instant};

use handful::{
    classifier::{Params, Preset},
    dataset,
    model_file::Provenance,
    progress::Stage,
};
use serde::Serialize;

use crate::{
    args::{self, Global},
    console::Console,
    output::{OutputFile, print_json},
    text,
};

/// Learn a model from labelled images and save it
///
/// How sure the model is of its verdicts, and what it takes for no digit, was measured on MNIST, whatever the images.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  handful train --preset small -o small.safetensors")]
pub(crate) struct Args {
    /// The recipe: notebook, pixels, tiny, small, fast, best or neighbors
    #[arg(long, value_name = "NAME", default_value = "best")]
    pub(crate) preset: Preset,
    /// Folder with MNIST's IDX files of training images [default: MNIST, where it is found]
    #[arg(long, value_name = "PATH")]
    pub(crate) data: Option<PathBuf>,
    /// Where the model goes
    #[arg(short, long, value_name = "MODEL.safetensors")]
    pub(crate) output: PathBuf,
}

#[derive(Serialize)]
struct Summary<'a> {
    preset: &'static str,
    params: &'a Params,
    n_samples: usize,
    n_prototypes: usize,
    model_bytes: usize,
    fit_seconds: f64,
    output: String,
}

pub(crate) fn run(args: &Args, global: &Global, console: &Console) -> anyhow::Result<()> {
    let file = OutputFile::create(&args.output)?;
    let train = dataset::load_train(&args::data_path(args.data.as_ref())?)?;
    let params = args.preset.params();
    let bar = console.bar(args.preset.name(), Stage::Features);
    let start = Instant::now();
    let model = params.fit_observed(&train, &bar.observer())?;
    let fit_seconds = start.elapsed().as_secs_f64();
    drop(bar);
    let learned_from = model.provenance().clone();
    let is_mnist = learned_from.sha256 == Preset::CHOSEN_ON;
    let provenance = Provenance {
        preset: Some(args.preset.name().to_owned()),
        validation_error: is_mnist.then(|| args.preset.validation_error()),
        ..learned_from
    };
    let model = model.with_provenance(provenance);
    let bytes = model.to_bytes()?;
    file.commit(|file| Ok(file.write_all(&bytes)?))?;
    let (n_samples, n_prototypes) = (train.n_samples(), model.prototypes().n_samples());
    if global.json {
        return print_json(&Summary {
            preset: args.preset.name(),
            params: model.params(),
            n_samples,
            n_prototypes,
            model_bytes: bytes.len(),
            fit_seconds,
            output: args.output.display().to_string(),
        });
    }
    Ok(writeln!(
        anstream::stdout(),
        "{}: {} learned from {} in {}, {} bytes: {}",
        args.preset,
        text::plural(n_prototypes, "prototype"),
        text::plural(n_samples, "image"),
        text::seconds(fit_seconds),
        text::count(bytes.len() as u64),
        args.output.display()
    )?)
}
