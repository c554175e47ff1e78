//! `handful train`: fits a recipe on labelled images, and writes the model to a file.

use std::{io::Write, num::NonZeroUsize, path::PathBuf, sync::Arc, time::Instant};

use handful::{
    classifier::{IndexParams, Model, Params, Preset, PrototypeParams},
    dataset::{ReadOptions, RowSource, Split},
    kmeans::DiskOptions,
    progress::Stage,
};
use serde::Serialize;

use crate::{
    console::{Console, WrongUsage},
    data::{self, DataArgs},
    models,
    neighbors::IndexArg,
    options::{self, Global},
    output::{OutputFile, print_json},
    text,
};

/// Train a model on labelled images and save it
///
/// One image of each class is enough. From few images, the model becomes smaller than the preset: a class has at most as
/// many prototypes as images. With `--from`, a trained model learns further images without being trained again.
///
/// The calibration of confidence and the threshold for images that are not digits were measured on MNIST. They stay the
/// same for other training images, unless these are too few for the preset.
#[derive(Debug, clap::Args)]
#[command(after_help = format!("{}\n\n{}", "Examples:\n  handful train --preset small -o small.safetensors\n  handful train --from everyday --data my-digits/ -o mine.safetensors", data::formats()))]
pub(crate) struct Args {
    /// Recipe to train: notebook, pixels, tiny, small, fast, best, neighbors or everyday
    #[arg(long, value_name = "NAME", default_value = "best")]
    preset: Preset,
    /// Teach a trained model the images of --data, instead of training a new one: a model file, or a preset that comes
    /// with the program. Each image becomes a prototype with a majority of the votes
    #[arg(
        long,
        value_name = "MODEL",
        requires = "data",
        conflicts_with_all = ["preset", "prototypes", "n_neighbors", "index", "n_lists", "n_probe", "pictures", "memory_limit", "checkpoint"]
    )]
    from: Option<String>,
    #[command(flatten)]
    data: DataArgs,
    /// Number of prototypes per class, or `all` for all images [default: as the preset]
    #[arg(long, value_name = "M|all", value_parser = prototypes)]
    prototypes: Option<Prototypes>,
    /// Number of neighbours that decide [default: as the preset]
    #[arg(long, value_name = "K")]
    n_neighbors: Option<NonZeroUsize>,
    /// How to search the prototypes: all of them, or only the nearest lists of an inverted index. The index is faster if
    /// there are very many prototypes, but sometimes misses a neighbour
    #[arg(long, value_enum, default_value = "exact")]
    index: IndexArg,
    /// Number of lists of the inverted index [default: twice the square root of the number of prototypes]
    #[arg(long, value_name = "N")]
    n_lists: Option<NonZeroUsize>,
    /// Number of lists to search for each image [default: the smallest number with a recall of 0.99]
    #[arg(long, value_name = "P")]
    n_probe: Option<NonZeroUsize>,
    /// Store a picture of each prototype in the model, to show neighbours without the training data
    #[arg(long)]
    pictures: bool,
    /// Leave the images on disk, and use at most this much memory, such as 512M or 2G; the model is the same
    #[arg(long, value_name = "SIZE", value_parser = options::memory_size)]
    memory_limit: Option<u64>,
    /// Leave the images on disk, and save the state of K-Means to this file after each pass over them. The same command
    /// resumes from it
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    /// Where to write the model
    #[arg(short, long, value_name = "MODEL.safetensors")]
    output: PathBuf,
}

/// Number of prototypes per class; `None` for all images.
#[derive(Clone, Copy, Debug)]
struct Prototypes(Option<usize>);

fn prototypes(text: &str) -> Result<Prototypes, String> {
    match text.parse::<NonZeroUsize>() {
        Ok(n) => Ok(Prototypes(Some(n.get()))),
        Err(_) if text == "all" => Ok(Prototypes(None)),
        Err(_) => Err("expected a number of prototypes per class, or all".to_owned()),
    }
}

impl Args {
    fn reading(&self, console: &Console) -> ReadOptions {
        self.data.reading().options(console)
    }

    /// The model, the number of training images, and the seconds to fit it.
    fn in_memory(&self, console: &Console) -> anyhow::Result<(Model, usize, f64)> {
        let train = self.data.split(Split::Train, self.reading(console), console)?;
        let bar = console.bar(self.preset.name(), Stage::Features);
        let start = Instant::now();
        let model = self.params().observer(bar.observer()).fit(&train)?;
        let fit_seconds = start.elapsed().as_secs_f64();
        drop(bar);
        let model = model.named_after(self.preset).observer(console.interrupter());
        let model = if self.pictures { model.with_pictures(&train)? } else { model };
        Ok((model, train.n_samples(), fit_seconds))
    }

    /// A trained model that was taught the images.
    fn taught(&self, model: &str, console: &Console) -> anyhow::Result<(Model, usize, f64)> {
        let model = Arc::new(models::load(model)?.0);
        let options = ReadOptions {
            image_shape: Some(model.image_shape()),
            judge: model.judge(),
            ..self.reading(console)
        };
        let images = self.data.split(Split::Train, options, console)?;
        let start = Instant::now();
        let taught = model.taught(&images)?;
        Ok((taught, images.n_samples(), start.elapsed().as_secs_f64()))
    }

    /// The same for images that stay on disk.
    fn on_disk(&self, passes: &DiskOptions, console: &Console) -> anyhow::Result<(Model, usize, f64)> {
        let train = self.data.on_disk(Split::Train, self.reading(console), console)?;
        let bar = console.bar(self.preset.name(), Stage::Lloyd);
        let start = Instant::now();
        let model = self.params().observer(bar.observer()).fit_on_disk(&train, passes)?;
        let fit_seconds = start.elapsed().as_secs_f64();
        drop(bar);
        let model = model.named_after(self.preset).observer(console.interrupter());
        let model = if self.pictures { model.with_pictures_on_disk(&train)? } else { model };
        Ok((model, train.shape().0, fit_seconds))
    }

    /// Checks that the options go together.
    fn check_index(&self) -> anyhow::Result<()> {
        if self.index == IndexArg::Exact && (self.n_lists.is_some() || self.n_probe.is_some()) {
            return WrongUsage::conflict("--n-lists and --n-probe need --index inverted");
        }
        if self.n_lists.zip(self.n_probe).is_some_and(|(n_lists, n_probe)| n_probe > n_lists) {
            return WrongUsage::conflict("--n-probe is more than --n-lists");
        }
        Ok(())
    }

    /// The preset's recipe, with the changes from the options.
    fn params(&self) -> Params {
        let mut params = self.preset.params();
        if let Some(Prototypes(per_class)) = self.prototypes {
            params = params.with_prototypes(per_class);
        }
        if let Some(n_neighbors) = self.n_neighbors {
            params = params.with_n_neighbors(n_neighbors.get());
        }
        let index = match self.index {
            IndexArg::Exact => IndexParams::Exact,
            IndexArg::Inverted => IndexParams::Inverted {
                n_lists: self.n_lists.map(NonZeroUsize::get),
                n_probe: self.n_probe.map(NonZeroUsize::get),
            },
        };
        Params { index, ..params }
    }
}

#[derive(Serialize)]
struct Summary<'a> {
    /// The model that was taught the images, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    preset: Option<&'a str>,
    params: &'a Params,
    n_samples: usize,
    n_prototypes: usize,
    model_bytes: usize,
    fit_seconds: f64,
    /// Recall of an inverted index, measured on its own prototypes.
    #[serde(skip_serializing_if = "Option::is_none")]
    recall: Option<f64>,
    output: String,
}

pub(crate) fn run(args: &Args, global: &Global, console: &Console) -> anyhow::Result<()> {
    args.check_index()?;
    if args.checkpoint.is_some() && args.params().prototypes == PrototypeParams::All {
        anyhow::bail!(
            "--checkpoint saves the progress of K-Means, but here all images are prototypes: leave it out, or set a \
             number of prototypes per class with --prototypes"
        );
    }
    let file = OutputFile::create(&args.output)?;
    let passes = options::passes(args.memory_limit, args.checkpoint.as_deref());
    let (model, n_samples, fit_seconds) = match (&args.from, passes) {
        (Some(from), _) => args.taught(from, console)?,
        (None, Some(passes)) => args.on_disk(&passes, console)?,
        (None, None) => args.in_memory(console)?,
    };
    let name = args.from.as_deref().unwrap_or(args.preset.name());
    let bytes = model.to_bytes()?;
    file.commit(|mut file| Ok(file.write_all(&bytes)?))?;
    let n_prototypes = model.prototypes().n_samples();
    if global.json {
        return print_json(&Summary {
            from: args.from.as_deref(),
            preset: args.from.is_none().then_some(name),
            params: model.params(),
            n_samples,
            n_prototypes,
            model_bytes: bytes.len(),
            fit_seconds,
            recall: model.recall(),
            output: args.output.display().to_string(),
        });
    }
    Ok(writeln!(
        anstream::stdout(),
        "{name}: {} {} {} in {}, {} bytes{}: {}",
        text::plural(n_prototypes, "prototype"),
        if args.from.is_some() { "after it was taught" } else { "learned from" },
        text::plural(n_samples, "image"),
        text::seconds(fit_seconds),
        text::count(bytes.len() as u64),
        model.recall().map_or(String::new(), |recall| format!(", recall {}", text::percent(recall))),
        args.output.display()
    )?)
}
