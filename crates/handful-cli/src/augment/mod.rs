//! `handful augment`: a data set of any size, made of deformed images.

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

/// Make a larger data set of deformed images
///
/// Images are turned, stretched, slanted and moved a little, and bent as if the paper were rubber. The first are the
/// originals, as they are; then come as many deformed ones, and so on, round after round, so that every class keeps its
/// share. An image follows from the seed, its number and its original alone: more of them begin with the same. Test
/// images are left out: where a command wants some, put their files into the same folder.
#[derive(Debug, clap::Args)]
#[command(
    after_help = format!("{}\n\n{}", "Example:\n  handful augment --count 2000000 -o big\n  handful cluster --data big --clusters 1000", data::formats())
)]
pub(crate) struct Args {
    #[command(flatten)]
    data: DataArgs,
    /// Images to make, originals included
    #[arg(short = 'n', long, value_name = "N")]
    count: NonZeroU64,
    /// Most degrees that an image is turned, to either side
    #[arg(long, value_name = "DEGREES", default_value_t = Augmenter::default().rotation, allow_negative_numbers = true)]
    rotation: f64,
    /// By what part height and width, each on its own, grow or shrink at most
    #[arg(long, value_name = "X", default_value_t = Augmenter::default().scale, allow_negative_numbers = true)]
    scale: f64,
    /// Most columns a row that an image slants, to either side
    #[arg(long, value_name = "X", default_value_t = Augmenter::default().shear, allow_negative_numbers = true)]
    shear: f64,
    /// Farthest that an image moves in each direction, as a part of its height and width
    #[arg(long, value_name = "X", default_value_t = Augmenter::default().translation, allow_negative_numbers = true)]
    translation: f64,
    /// How far the rubber moves a pixel in each direction (standard deviation), as a part of height and width
    #[arg(long, value_name = "X", default_value_t = Augmenter::default().elastic, allow_negative_numbers = true)]
    elastic: f64,
    /// How smoothly: the width of the Gaussian that spreads random displacements, as a part of height and width
    #[arg(long, value_name = "X", default_value_t = Augmenter::default().smoothness, allow_negative_numbers = true)]
    smoothness: f64,
    /// Parquet in so many files of the folder, train-00000-of-N.parquet and so on
    #[arg(long, value_name = "N")]
    shards: Option<NonZeroU16>,
    /// A folder, for images and labels as IDX, which --data reads back; or a file of Parquet, with pictures in PNG as on
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
    /// Images that they are made of, themselves the first.
    n_sources: usize,
    n_features: usize,
    /// From the first image to files that are there.
    seconds: f64,
    images_per_second: f64,
    /// Of all files together.
    bytes: u64,
    output: String,
    files: Vec<String>,
    /// The most memory that the process ever held; null where the system does not tell.
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
        "{} images of {} in {}, {} a second; {} bytes: {}",
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
