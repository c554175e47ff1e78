//! `handful augment`: makes a data set of any size from deformed images, or draws one.

mod destination;
pub(crate) mod idx;
pub(crate) mod parquet;
pub(crate) mod rows;

use std::{
    io::Write,
    num::{NonZeroU16, NonZeroU64},
    path::PathBuf,
    time::Instant,
};

use clap::error::ErrorKind;
use handful::{
    augment::{Augmenter, Distortions, Pen},
    dataset::Split,
    progress::Stage,
};
use serde::Serialize;

use self::destination::Destination;
use crate::{
    augment::rows::{Rows, Source},
    console::{Console, WrongUsage},
    data::{self, DataArgs},
    machine::{Machine, peak_bytes},
    options::Global,
    output::print_json,
    text,
};

const EXAMPLES: &str = "\
Examples:
  handful augment --count 2000000 -o big
  handful cluster --data big --clusters 1000
  handful augment --count 120000 --distort -o distorted
  handful augment --pen --count 20000 -o drawn";

/// Options that say which images are deformed, and how.
const NOT_FOR_THE_PEN: [&str; 10] = [
    "data",
    "label_column",
    "invert",
    "framing",
    "rotation",
    "scale",
    "shear",
    "translation",
    "elastic",
    "smoothness",
];

/// Height and width of drawn digits, as in MNIST.
const DRAWN_SHAPE: [usize; 2] = [28, 28];

/// Make a larger data set with deformed images, or draw one
///
/// Images are rotated, stretched, slanted and moved a little, and bent as if the paper were rubber. The first round is
/// the original images, unchanged. Each further round contains every original once, deformed, so that each class keeps
/// its share. An image depends only on the seed, its number and its original, so a larger data set begins with the
/// images of a smaller one. Test images are left out. If a command needs them, put their files into the same folder.
///
/// With --pen, digits are drawn instead, from 0 to 9 in turn.
#[derive(Debug, clap::Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{}", data::formats()))]
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
    /// Distort all but the originals, as if they came from other sources: other widths of strokes, few pixels, black and
    /// white, gaps, noise, photos. Distorted images are framed, as pictures to be classified are
    #[arg(long)]
    distort: bool,
    /// Draw digits with a synthetic pen, in handwriting of many countries and in print. This needs no images
    #[arg(long, conflicts_with_all = NOT_FOR_THE_PEN)]
    pen: bool,
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
        let distortions = self.distort.then(Distortions::default);
        Augmenter { rotation, scale, shear, translation, elastic, smoothness, distortions }
    }

    /// The endless data set to write a part of, and the number of original images, which come first.
    fn source(&self, global: &Global, console: &Console) -> anyhow::Result<(Source, usize)> {
        if self.pen {
            let distortions = if self.distort { Distortions::default() } else { Distortions::NONE };
            let digits = Pen::default().digits(global.seed)?.framed(DRAWN_SHAPE, distortions)?;
            return Ok((Source::Drawn(digits), 0));
        }
        let reading = self.data.reading().options(console);
        let data = self.data.split(Split::Train, reading, console)?;
        let augmented = self.augmenter().augment(&data, global.seed)?;
        Ok((Source::Deformed(Box::new(augmented)), data.n_samples()))
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
    let count = args.count.get();
    args.augmenter().check().map_err(wrong_value)?;
    let destination = Destination::new(&args.output, args.shards, count).map_err(wrong_value)?;
    let files = destination.create()?;

    let (source, n_sources) = args.source(global, console)?;
    let bar = console.bar("augmenting", Stage::Augment);
    let rows = Rows::new(source, count, bar.observer());
    let start = Instant::now();
    let written = files.write(&rows)?;
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
            n_sources,
            n_features: rows.source.n_features(),
            seconds,
            images_per_second: count as f64 / seconds,
            bytes,
            output: args.output.display().to_string(),
            files: written.iter().map(|path| path.display().to_string()).collect(),
            peak_bytes: peak_bytes(),
        });
    }
    let origin = match n_sources {
        0 => "drawn".to_owned(),
        n => format!("made from {}", text::count(n as u64)),
    };
    Ok(writeln!(
        anstream::stdout(),
        "{} images {origin} in {}, {} per second; {} bytes: {}",
        text::count(count),
        text::seconds(seconds),
        text::rough(count as f64 / seconds),
        text::count(bytes),
        args.output.display()
    )?)
}

fn wrong_value(problem: impl std::fmt::Display) -> WrongUsage {
    WrongUsage(ErrorKind::ValueValidation, problem.to_string())
}
