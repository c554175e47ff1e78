//! Options of `handful neighbors`.

use std::{num::NonZeroUsize, path::PathBuf};

use clap::ValueEnum;
use handful::{dataset::ReadOptions, neighbors::Algorithm};

use crate::{
    console::{Console, WrongUsage},
    data::{self, DataArgs},
    options,
};

/// Find the nearest training images of other images
#[derive(Debug, clap::Args)]
#[command(after_help = format!("{}\n\n{}", "Example:\n  handful neighbors --queries data/mnist --n-neighbors 3 -o neighbors.npz", data::formats()))]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// How to search: all images, or only the nearest lists of an inverted index, which groups similar images with
    /// K-Means. The index is faster for many images, but sometimes misses a neighbour; its recall is measured and printed
    #[arg(long, value_enum, default_value = "exact")]
    pub(crate) index: IndexArg,
    /// Number of lists to make [default: twice the square root of the number of images]
    #[arg(long, value_name = "N")]
    pub(crate) n_lists: Option<NonZeroUsize>,
    /// Number of lists to search for each image [default: the smallest number with a recall of 0.99, or as the file says]
    #[arg(long, value_name = "P")]
    pub(crate) n_probe: Option<NonZeroUsize>,
    /// Write the index to this file, for this search and later ones; the images stay on disk
    #[arg(long, value_name = "FILE")]
    pub(crate) save_index: Option<PathBuf>,
    /// Search the index in this file, written by `--save-index`, instead of images; it is read in parts
    #[arg(long, value_name = "FILE", conflicts_with_all = ["data", "n_lists", "save_index"])]
    pub(crate) index_file: Option<PathBuf>,
    /// Images to find the neighbours of: a folder or file of images. If they have a test part, it is used
    #[arg(long, value_name = "PATH")]
    pub(crate) queries: PathBuf,
    /// Number of neighbours to find for each image
    #[arg(long, value_name = "K", default_value = "5")]
    pub(crate) n_neighbors: NonZeroUsize,
    /// How to search all images; the results are the same
    #[arg(long, value_enum, default_value = "auto")]
    pub(crate) algorithm: AlgorithmArg,
    /// Search for one image after the other, as a service does, and print how long one takes
    #[arg(long)]
    pub(crate) one_by_one: bool,
    /// Leave the images on disk, and use at most this much memory, such as 512M or 2G. The results are the same; the
    /// search time includes the time to read. An inverted index must then be in a file (`--save-index` or `--index-file`)
    #[arg(long, value_name = "SIZE", value_parser = options::memory_size, conflicts_with = "one_by_one")]
    pub(crate) memory_limit: Option<u64>,
    /// Write `distances` (squared) and `indices` to this NumPy file
    #[arg(short, long, value_name = "FILE.npz")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum IndexArg {
    /// Search all images
    Exact,
    /// Search only the lists with the nearest centroids
    Inverted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AlgorithmArg {
    /// Rule out most images by a sketch, if that saves time
    Auto,
    /// Compute the distance to every image
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

impl Args {
    pub(super) fn reading(&self, console: &Console) -> ReadOptions {
        self.data.reading().options_as_is(console)
    }

    /// Checks that the options go together.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        let inverted = self.index == IndexArg::Inverted || self.index_file.is_some();
        let given = [
            (self.n_lists.is_some(), "--n-lists"),
            (self.n_probe.is_some(), "--n-probe"),
            (self.save_index.is_some(), "--save-index"),
        ];
        if let Some((_, option)) = given.iter().find(|(is_given, _)| *is_given && !inverted) {
            return WrongUsage::conflict(format!("{option} needs --index inverted"));
        }
        if inverted && self.algorithm == AlgorithmArg::Brute {
            return WrongUsage::conflict("--algorithm brute needs --index exact");
        }
        let in_file = self.save_index.is_some() || self.index_file.is_some();
        if inverted && self.memory_limit.is_some() && !in_file {
            return WrongUsage::conflict(
                "--memory-limit with --index inverted needs an index in a file: add --save-index or --index-file",
            );
        }
        if let (Some(n_probe), Some(n_lists)) = (self.n_probe, self.n_lists)
            && n_probe > n_lists
        {
            return WrongUsage::conflict(format!(
                "--n-probe {n_probe} is more than the number of lists: expected at most {n_lists} (--n-lists)"
            ));
        }
        Ok(())
    }
}
