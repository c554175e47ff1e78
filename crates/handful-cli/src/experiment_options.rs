//! Options of the experiment.

use std::{
    num::{NonZeroU32, NonZeroUsize},
    path::PathBuf,
};

use clap::ValueEnum;
use handful::{
    classifier::Preset,
    neighbors::{TieBreak, Weights},
};

use crate::data::{self, DataArgs};

/// The whole experiment: K-Means prototypes beside all training images, with a report
///
/// Clusters the training images of each class with K-Means, keeps only the centroids, and lets k-nearest
/// neighbours classify the test images: against all training images (knn-all), against the centroids
/// (kmeans-knn), and, as a control, against as many random training images (random-knn).
#[derive(Debug, clap::Args)]
#[command(
    group = clap::ArgGroup::new("presets").multiple(true),
    after_help = format!("{}\n\n{}", "Example:\n  handful compare --clusters 30 --n-neighbors 3 --sweep --report report.html", data::formats())
)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) data: DataArgs,
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

impl Args {
    /// Those named, each once, or all.
    pub(crate) fn presets(&self) -> Vec<Preset> {
        Preset::ALL.into_iter().filter(|preset| self.frontier || self.preset.contains(preset)).collect()
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
