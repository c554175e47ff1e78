//! `handful augment`: makes a data set of any size from deformed images.

mod destination;
mod idx;
mod parquet;
mod rows;

use std::{
    io::Write,
    num::{NonZeroU16, NonZeroU64},
    path::PathBuf,
    time::Instant,
};

use clap::error::ErrorKind;
use handful::{augment::Augmenter, dataset::Split, progress::Stage};
use serde::Serialize;

use self::destination::Destination;
use crate::{
    augment::rows::Rows,
    console::{Console, WrongUsage},
    data::{self, DataArgs},
    machine::{Machine, peak_bytes},
    options::Global,
    output::print_json,
    text,
};

/// Make a larger data set with deformed images
///
/// Images are rotated, stretched, slanted and moved a little, and bent as if the paper were rubber. The first round is
/// the original images, unchanged. Each further round contains every original once, deformed, so that each class keeps
/// its share. An image depends only on the seed, its number and its original, so a larger data set begins with the
/// images of a smaller one. Test images are left out. If a command needs them, put their files into the same folder.
#[derive(Debug, clap::Args)]
#[command(
    after_help = format!("{}\n\n{}", "Example:\n  handful augment --count 2000000 -o big\n  handful cluster --data big --clusters 1000", data::formats())
)]
pub(crate) struct Args {
    #[command(flatten)]
    data: DataArgs,
    /// Number of images, including the originals
    #[arg(short = 'n', long, value_name = "N")]
    count: NonZeroU64,
    /// Maximum rotation of an image in degrees, in either direction
    #[arg(long, value_name = "DEGREES", default_value_t = Augmenter::default().rotation, allow_negative_numbers = true)]
    rotation: f64,
    /// Maximum growth or shrinkage of height and of width, chosen independently, as a fraction
    #[arg(long, value_name = "X", default_value_t = Augmenter::default().scale, allow_negative_numbers = true)]
    scale: f64,
    /// Maximum slant of an image in columns per row, in either direction
    #[arg(long, value_name = "X", default_value_t = Augmenter::default().shear, allow_negative_numbers = true)]
    shear: f64,
    /// Maximum shift of an image in each direction, as a fraction of its height and width
    #[arg(long, value_name = "X", default_value_t = Augmenter::default().translation, allow_negative_numbers = true)]
    translation: f64,
    /// Strength of the elastic deformation: the standard deviation of a pixel's shift in each direction, as a fraction of
    /// height and width
    #[arg(long, value_name = "X", default_value_t = Augmenter::default().elastic, allow_negative_numbers = true)]
    elastic: f64,
    /// Smoothness of the elastic deformation: the width of the Gaussian that smooths the random shifts, as a fraction of
    /// height and width
    #[arg(long, value_name = "X", default_value_t = Augmenter::default().smoothness, allow_negative_numbers = true)]
    smoothness: f64,
    /// Write this many Parquet files to the folder: train-00000-of-N.parquet and so on
    #[arg(long, value_name = "N")]
    shards: Option<NonZeroU16>,
    /// Folder to write images and labels to as IDX files, which --data can read; or Parquet file, with PNG pictures as on
    /// Hugging Face
    #[arg(short, long, value_name = "FOLDER|FILE.parquet")]
    output: PathBuf,
}

impl Args {
    fn augmenter(&self) -> Augmenter {
        let &Self { rotation, scale, shear, translation, elastic, smoothness, .. } = self;
        Augmenter { rotation, scale, shear, translation, elastic, smoothness }
    }
}

#[derive(Serialize)]
struct Summary {
    version: &'static str,
    seed: u64,
    machine: Machine,
    n_samples: u64,
    /// Number of original images, which come first.
    n_sources: usize,
    n_features: usize,
    /// Time from the first image to the finished files.
    seconds: f64,
    images_per_second: f64,
    /// Size of all files together.
    bytes: u64,
    output: String,
    files: Vec<String>,
    /// Peak memory of the process; null if the system does not report it.
    peak_bytes: Option<u64>,
}

pub(crate) fn run(args: &Args, global: &Global, console: &Console) -> anyhow::Result<()> {
    let (augmenter, count) = (args.augmenter(), args.count.get());
    augmenter.check().map_err(wrong_value)?;
    let destination = Destination::new(&args.output, args.shards, count).map_err(wrong_value)?;
    let files = destination.create()?;

    let reading = args.data.reading().options(console);
    let data = args.data.split(Split::Train, reading, console)?;
    let bar = console.bar("augmenting", Stage::Augment);
    let rows = Rows::new(augmenter.augment(&data, global.seed)?, count, bar.observer());
    let start = Instant::now();
    let written = files.write(&rows, &data)?;
    let seconds = start.elapsed().as_secs_f64();
    drop(bar);

    for file in &written {
        console.detail(&format!("wrote {}", file.display()));
    }
    let bytes = written.iter().map(|path| Ok(path.metadata()?.len())).sum::<std::io::Result<u64>>()?;
    if global.json {
        return print_json(&Summary {
            version: env!("CARGO_PKG_VERSION"),
            seed: global.seed,
            machine: Machine::this(),
            n_samples: count,
            n_sources: data.n_samples(),
            n_features: data.n_features(),
            seconds,
            images_per_second: count as f64 / seconds,
            bytes,
            output: args.output.display().to_string(),
            files: written.iter().map(|path| path.display().to_string()).collect(),
            peak_bytes: peak_bytes(),
        });
    }
    Ok(writeln!(
        anstream::stdout(),
        "{} images made from {} in {}, {} per second; {} bytes: {}",
        text::count(count),
        text::count(data.n_samples() as u64),
        text::seconds(seconds),
        text::rough(count as f64 / seconds),
        text::count(bytes),
        args.output.display()
    )?)
}

fn wrong_value(problem: impl std::fmt::Display) -> WrongUsage {
    WrongUsage(ErrorKind::ValueValidation, problem.to_string())
}
