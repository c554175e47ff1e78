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

use crate::{
    data::{self, DataArgs},
    disputed::DisputedArgs,
};

/// Run the whole experiment: compare K-Means prototypes with all training images, and write a report
///
/// Clusters the training images of each class with K-Means and keeps only the centroids. Then classifies the test images
/// with k-nearest neighbours among all training images (knn-all), among the centroids (kmeans-knn) and, as a control,
/// among the same number of random training images (random-knn).
#[derive(Debug, clap::Args)]
#[command(
    group = clap::ArgGroup::new("presets").multiple(true),
    after_help = format!("{}\n\n{}", "Example:\n  handful compare --clusters 30 --n-neighbors 3 --sweep --report report.html", data::formats())
)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// Centroids per class
    #[arg(long, value_name = "K", default_value = "9")]
    pub(crate) clusters: NonZeroUsize,
    /// Number of neighbours that vote
    #[arg(long, value_name = "K", default_value = "1")]
    pub(crate) n_neighbors: NonZeroUsize,
    /// Weight of each neighbour's vote
    #[arg(long, value_enum, default_value = "uniform")]
    pub(crate) weights: WeightsArg,
    /// Which class wins when several have the most votes
    #[arg(long, value_enum, default_value = "nearest")]
    pub(crate) tie_break: TieBreakArg,
    /// Number of K-Means runs with different initial centroids; the best is kept
    #[arg(long, value_name = "N", default_value = "10")]
    pub(crate) n_init: NonZeroUsize,
    /// Also measure accuracy for 1, 3, 9, 30, 100 and 300 prototypes per class
    #[arg(long)]
    pub(crate) sweep: bool,
    /// Also fit and test these presets: notebook, pixels, tiny, small, fast, best, neighbors, everyday
    #[arg(long, value_name = "NAME", value_delimiter = ',', group = "presets")]
    pub(crate) preset: Vec<Preset>,
    /// Also fit and test all presets
    #[arg(long, group = "presets")]
    pub(crate) frontier: bool,
    /// Use the presets that come with the program, trained on MNIST, instead of fitting them again. Their fit time is
    /// then the time to load them
    #[arg(long, requires = "presets")]
    pub(crate) pretrained: bool,
    /// Fit each preset with this many seeds, its own and those after it, and report how the errors differ
    #[arg(long, value_name = "N", default_value = "1", conflicts_with = "pretrained", requires = "presets")]
    pub(crate) seeds: NonZeroU32,
    /// Images that are not digits, of the same size as the test images, to measure how well presets refuse them. Files of
    /// images, or folders, whose test images are used
    #[arg(long, value_name = "PATH", num_args = 1.., requires = "presets")]
    pub(crate) ood: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) disputed: DisputedArgs,
    /// Where to write the report
    #[arg(long, value_name = "FILE.html", default_value = "handful-report.html")]
    pub(crate) report: PathBuf,
}

impl Args {
    /// The presets to fit: those that were named, each once, or all.
    pub(crate) fn presets(&self) -> Vec<Preset> {
        Preset::ALL.into_iter().filter(|preset| self.frontier || self.preset.contains(preset)).collect()
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum WeightsArg {
    /// Every vote has the same weight
    Uniform,
    /// The weight is the inverse of the distance
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
    /// The tied class with the nearest neighbour
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
