//! The index that `handful neighbors` searches.

use std::time::{Duration, Instant};

use handful::{
    dataset::Split,
    neighbors::{InvertedIndex, NearestNeighbors, Searcher, inverted::InvertedParams},
    progress::{Observer, Stage},
};
use serde::Serialize;

use super::args::{Args, IndexArg};
use crate::{console::Console, output::OutputFile};

/// Facts about an inverted index.
#[derive(Serialize)]
pub(super) struct Inverted {
    pub(super) n_lists: usize,
    pub(super) n_probe: usize,
    /// Number of rows on which the recall was measured.
    pub(super) recall: f64,
    pub(super) recall_sample: usize,
}

impl From<&InvertedIndex> for Inverted {
    fn from(index: &InvertedIndex) -> Self {
        Self {
            n_lists: index.n_lists(),
            n_probe: index.n_probe(),
            recall: index.recall(),
            recall_sample: index.measured_recall().n_queries,
        }
    }
}

/// Makes the index that the options ask for. Returns it, and the time that this took.
pub(super) fn fit(args: &Args, seed: u64, console: &Console) -> anyhow::Result<(Searcher, Duration)> {
    if let Some((index, fit_time)) = in_file(args, seed, console)? {
        return Ok((index.into(), fit_time));
    }
    let points = args.data.images(Split::Train, args.reading(console), console)?.pixels;
    let start = Instant::now();
    let index = match args.index {
        IndexArg::Exact => NearestNeighbors::with_algorithm(points, args.algorithm.into())?.into(),
        IndexArg::Inverted => {
            let bar = console.bar("making lists", Stage::Pass);
            params(args, seed, bar.observer()).fit(&points.view())?.into()
        }
    };
    Ok((index, start.elapsed()))
}

/// An index that stays in its file, if the options name one: opens it, or makes it from images on disk.
pub(super) fn in_file(
    args: &Args,
    seed: u64,
    console: &Console,
) -> anyhow::Result<Option<(InvertedIndex, Duration)>> {
    if let Some(path) = &args.index_file {
        let start = Instant::now();
        let index = InvertedIndex::open(path)?;
        let index = match args.n_probe {
            Some(n_probe) => index.with_n_probe(n_probe.get())?,
            None => index,
        };
        return Ok(Some((index, start.elapsed())));
    }
    let Some(path) = &args.save_index else { return Ok(None) };
    // Checks that the file can be written before it reads the images.
    let may_be_file = !path.exists() || path.is_file();
    anyhow::ensure!(may_be_file, "{} cannot be written: expected the name of a file", path.display());
    drop(OutputFile::create(path)?);
    let points = args.data.on_disk(Split::Train, args.reading(console), console)?;
    let bar = console.bar("making lists", Stage::Pass);
    let start = Instant::now();
    let params = params(args, seed, bar.observer());
    let index = params.fit_to_file(&points, path, args.memory_limit)?;
    console.detail(&format!("wrote {}", path.display()));
    Ok(Some((index, start.elapsed())))
}

/// The settings of an inverted index.
fn params(args: &Args, seed: u64, observer: Observer) -> InvertedParams {
    let mut params = InvertedIndex::params().seed(seed).observer(observer);
    if let Some(n_lists) = args.n_lists {
        params = params.n_lists(n_lists.get());
    }
    if let Some(n_probe) = args.n_probe {
        params = params.n_probe(n_probe.get());
    }
    params
}
