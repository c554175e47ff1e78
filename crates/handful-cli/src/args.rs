//! The command line.

use std::{
    num::{NonZeroU32, NonZeroUsize},
    path::{Path, PathBuf},
};

use clap::{Parser, Subcommand, ValueEnum};
use handful::{
    classifier::Preset,
    dataset::{self, Split, TrainTest, idx::Images},
    kmeans,
    neighbors::{Algorithm, TieBreak, Weights},
};

use crate::{
    console::Console,
    docs::{Completions, Man},
    fetch::Fetch,
    text,
};

/// Threads beyond this are a mistake: more than any machine has, and rayon starts them all.
const MOST_THREADS: i64 = 4096;

/// Handwritten digits, classified with K-Means and k-nearest neighbours: exact, fast, explained.
#[derive(Debug, Parser)]
#[command(
    name = "handful",
    version,
    max_term_width = 100,
    propagate_version = true,
    subcommand_required = true
)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Global {
    /// Threads to work with [default: the CPUs that this process may use]
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=MOST_THREADS))]
    pub(crate) threads: Option<u16>,
    /// What all random choices follow from, but those of presets, which have seeds of their own
    #[arg(long, global = true, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Print one JSON document on stdout and nothing else there
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// No progress bars, no notes
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Tell on stderr what is read, done and written
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
    /// Whether output is coloured
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Color,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Also into files and pipes
    Always,
    /// Not at all
    Never,
}

impl Color {
    pub(crate) fn write_global(self) {
        match self {
            Self::Auto => anstream::ColorChoice::Auto,
            Self::Always => anstream::ColorChoice::Always,
            Self::Never => anstream::ColorChoice::Never,
        }
        .write_global();
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Compare(Compare),
    Cluster(Cluster),
    Neighbors(Neighbors),
    Select(Select),
    Train(Train),
    Fetch(Fetch),
    Completions(Completions),
    Man(Man),
}

/// The whole experiment: K-Means prototypes beside all training images, with a report
///
/// Clusters the training images of each class with K-Means, keeps only the centroids, and lets k-nearest
/// neighbours classify the test images: against all training images (knn-all), against the centroids
/// (kmeans-knn), and, as a control, against as many random training images (random-knn).
#[derive(Debug, clap::Args)]
#[command(
    group = clap::ArgGroup::new("presets").multiple(true),
    after_help = "Example:\n  handful compare --clusters 30 --n-neighbors 3 --sweep --report report.html"
)]
pub(crate) struct Compare {
    /// Folder with MNIST's four IDX files, plain or gzipped [default: MNIST, where it is found]
    #[arg(long, value_name = "PATH")]
    pub(crate) data: Option<PathBuf>,
    /// Centroids a class
    #[arg(long, value_name = "K", default_value = "9")]
    pub(crate) clusters: NonZeroUsize,
    /// Neighbours that vote
    #[arg(long, value_name = "K", default_value = "1")]
    pub(crate) n_neighbors: NonZeroUsize,
    /// How much a neighbour's vote counts
    #[arg(long, value_enum, default_value = "uniform")]
    pub(crate) weights: WeightsArg,
    /// Which class wins when several have the most votes
    #[arg(long, value_enum, default_value = "nearest")]
    pub(crate) tie_break: TieBreakArg,
    /// K-Means runs from different starts, of which the best is kept
    #[arg(long, value_name = "N", default_value = "10")]
    pub(crate) n_init: NonZeroUsize,
    /// Also measure accuracy for 1, 3, 9, 30, 100 and 300 prototypes a class
    #[arg(long)]
    pub(crate) sweep: bool,
    /// Also fit and test these presets: notebook, pixels, tiny, small, fast, best, neighbors
    #[arg(long, value_name = "NAME", value_delimiter = ',', group = "presets")]
    pub(crate) preset: Vec<Preset>,
    /// Also fit and test all presets
    #[arg(long, group = "presets")]
    pub(crate) frontier: bool,
    /// Use the presets that come with the program, trained on MNIST, rather than to fit them again: their time to fit
    /// is that of loading them
    #[arg(long, requires = "presets")]
    pub(crate) pretrained: bool,
    /// Fit each preset with so many seeds, its own and those after it, and tell how errors differ
    #[arg(long, value_name = "N", default_value = "1", conflicts_with = "pretrained", requires = "presets")]
    pub(crate) seeds: NonZeroU32,
    /// Images that are no digits, of the same size: how well do presets tell them? Files of images, or folders, of
    /// which the test images are taken
    #[arg(long, value_name = "PATH", num_args = 1.., requires = "presets")]
    pub(crate) ood: Vec<PathBuf>,
    /// Where the report goes
    #[arg(long, value_name = "FILE.html", default_value = "handful-report.html")]
    pub(crate) report: PathBuf,
}

impl Compare {
    /// Those named, each once, or all.
    pub(crate) fn presets(&self) -> Vec<Preset> {
        Preset::ALL.into_iter().filter(|preset| self.frontier || self.preset.contains(preset)).collect()
    }
}

/// Cluster images with K-Means
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  handful cluster --clusters 100 --n-init 3 -o clusters.npz")]
pub(crate) struct Cluster {
    /// Folder with MNIST's four IDX files, of which the training images are clustered, or a file of
    /// images [default: MNIST, where it is found]
    #[arg(long, value_name = "PATH")]
    pub(crate) data: Option<PathBuf>,
    /// Clusters to make
    #[arg(long, value_name = "K")]
    pub(crate) clusters: NonZeroU32,
    /// Cluster the images of each class on their own, into so many clusters each
    #[arg(long)]
    pub(crate) per_class: bool,
    /// Where centroids start: k-means++, random, or a NumPy file of shape (K, pixels); with --per-class
    /// of shape (classes * K, pixels)
    #[arg(long, value_name = "k-means++|random|FILE.npy", default_value = "k-means++")]
    pub(crate) init: String,
    /// Runs from different starts, of which the best is kept
    #[arg(long, value_name = "N", default_value = "1")]
    pub(crate) n_init: NonZeroUsize,
    /// Most iterations of a run
    #[arg(long, value_name = "N", default_value = "300")]
    pub(crate) max_iter: NonZeroUsize,
    /// Stop when the centroids' squared movement is at most this times the mean variance of a pixel
    #[arg(long, value_name = "X", default_value_t = 1e-4, allow_negative_numbers = true, value_parser = tolerance)]
    pub(crate) tol: f64,
    /// How images find their nearest centroid; the results are the same
    #[arg(long, value_enum, default_value = "auto")]
    pub(crate) algorithm: ClusterAlgorithmArg,
    /// NumPy file for `centroids`, `labels` and `cluster_sizes`; with --per-class also `classes`
    #[arg(short, long, value_name = "FILE.npz")]
    pub(crate) output: Option<PathBuf>,
}

/// Find the nearest training images of other images, exactly
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  handful neighbors --queries data/mnist --n-neighbors 3 -o neighbors.npz")]
#[expect(clippy::struct_field_names, reason = "`n_neighbors` is the option's name")]
pub(crate) struct Neighbors {
    /// Folder with MNIST's four IDX files, of which the training images are searched, or a file of
    /// images [default: MNIST, where it is found]
    #[arg(long, value_name = "PATH")]
    pub(crate) data: Option<PathBuf>,
    /// Folder with MNIST's four IDX files, of which the test images are looked up, or a file of images
    #[arg(long, value_name = "PATH")]
    pub(crate) queries: PathBuf,
    /// Neighbours to find for each
    #[arg(long, value_name = "K", default_value = "5")]
    pub(crate) n_neighbors: NonZeroUsize,
    /// How to search; the answers are the same
    #[arg(long, value_enum, default_value = "auto")]
    pub(crate) algorithm: AlgorithmArg,
    /// Search for one image after the other, as they come to a service, and tell how long one takes
    #[arg(long)]
    pub(crate) one_by_one: bool,
    /// NumPy file for `distances` (squared) and `indices`
    #[arg(short, long, value_name = "FILE.npz")]
    pub(crate) output: Option<PathBuf>,
}

/// Show what a preset was chosen from: validation figures of it and its alternatives
///
/// Each candidate is fitted without a part of the training images and tested on that part. The test images are not
/// read. Random recipes are fitted with several seeds.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  handful select --preset tiny")]
pub(crate) struct Select {
    /// The preset
    #[arg(long, value_name = "NAME")]
    pub(crate) preset: Preset,
    /// Folder with MNIST's IDX files of training images [default: MNIST, where it is found]
    #[arg(long, value_name = "PATH")]
    pub(crate) data: Option<PathBuf>,
    /// Parts, of six, that are held out one after the other
    #[arg(long, value_name = "N", default_value = "3", value_parser = clap::value_parser!(u8).range(1..=6))]
    pub(crate) folds: u8,
    /// The preset alone, without its alternatives
    #[arg(long)]
    pub(crate) alone: bool,
    /// Seeds that each candidate is fitted with: the preset's own and those after it
    #[arg(long, value_name = "N", default_value = "5")]
    pub(crate) seeds: NonZeroU32,
}

/// Learn a model from labelled images and save it
///
/// How sure the model is of its verdicts, and what it takes for no digit, was measured on MNIST, whatever the images.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  handful train --preset small -o small.safetensors")]
pub(crate) struct Train {
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

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ClusterAlgorithmArg {
    /// Rule most centroids out by a sketch, where that pays
    Auto,
    /// Compare with every centroid
    Dense,
}

impl From<ClusterAlgorithmArg> for kmeans::Algorithm {
    fn from(algorithm: ClusterAlgorithmArg) -> Self {
        match algorithm {
            ClusterAlgorithmArg::Auto => Self::Auto,
            ClusterAlgorithmArg::Dense => Self::Dense,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum AlgorithmArg {
    /// Rule most images out by a sketch, where that pays
    Auto,
    /// Measure the distance to every image
    Brute,
}

impl From<AlgorithmArg> for Algorithm {
    fn from(algorithm: AlgorithmArg) -> Self {
        match algorithm {
            AlgorithmArg::Auto => Self::Auto,
            AlgorithmArg::Brute => Self::Brute,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum WeightsArg {
    /// Every neighbour alike
    Uniform,
    /// The inverse of its distance
    Distance,
}

impl From<WeightsArg> for Weights {
    fn from(weights: WeightsArg) -> Self {
        match weights {
            WeightsArg::Uniform => Self::Uniform,
            WeightsArg::Distance => Self::Distance,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum TieBreakArg {
    /// The class of the nearest among the tied
    Nearest,
    /// The lowest label, as in scikit-learn
    LowestLabel,
}

impl From<TieBreakArg> for TieBreak {
    fn from(tie_break: TieBreakArg) -> Self {
        match tie_break {
            TieBreakArg::Nearest => Self::Nearest,
            TieBreakArg::LowestLabel => Self::LowestLabel,
        }
    }
}

/// How a value is written on the command line.
pub(crate) fn name(value: impl ValueEnum) -> String {
    value.to_possible_value().expect("no value is skipped").get_name().to_owned()
}

fn tolerance(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(tol) if tol >= 0.0 && tol.is_finite() => Ok(tol),
        _ => Err("expected a finite number, 0 or more".to_owned()),
    }
}

/// The folder or file that was named, or else MNIST where it is found.
pub(crate) fn data_path(named: Option<&PathBuf>) -> Result<PathBuf, dataset::Error> {
    named.map_or_else(dataset::locate, |path| Ok(path.clone()))
}

/// A folder's training and test images with their labels.
pub(crate) fn load(named: Option<&PathBuf>, console: &Console) -> anyhow::Result<TrainTest> {
    let path = data_path(named)?;
    let data = dataset::load(&path)?;
    console.detail(&format!("read {}", path.display()));
    Ok(data)
}

/// A file's images, or those of one part of a folder.
pub(crate) fn load_images(path: &Path, split: Split, console: &Console) -> anyhow::Result<Images> {
    let images = dataset::load_images(path, split)?;
    console.detail(&format!("read {} from {}", text::plural(images.pixels.nrows(), "image"), path.display()));
    Ok(images)
}
