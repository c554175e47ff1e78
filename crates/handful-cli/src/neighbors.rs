//! `handful neighbors`: nearest neighbours, exact unless asked for those in an inverted index.

mod index;

use std::{io::Write, num::NonZeroUsize, path::PathBuf, time::Instant};

use clap::{CommandFactory, ValueEnum, error::ErrorKind};
use handful::{
    dataset::{ReadOptions, RowSource, Split},
    neighbors::{Algorithm, Neighbors, OutOfCore},
    progress::Stage,
};
use index::{Index, Inverted};
use ndarray::{ArrayView2, Axis, s};
use serde::Serialize;

use crate::{
    args::{self, Global},
    console::Console,
    data::{self, DataArgs},
    output::{OutputFile, print_json},
    summary::{Machine, peak_bytes},
    text,
};

/// Find the nearest training images of other images
#[derive(Debug, clap::Args)]
#[command(after_help = format!("{}\n\n{}", "Example:\n  handful neighbors --queries data/mnist --n-neighbors 3 -o neighbors.npz", data::formats()))]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// Whether all images are searched, or lists of those that are alike, made by K-Means, of which the nearest few are
    /// looked into: faster for many images, and the recall is measured and told
    #[arg(long, value_enum, default_value = "exact")]
    pub(crate) index: IndexArg,
    /// Lists to make of the images [default: twice the square root of their number]
    #[arg(long, value_name = "N")]
    pub(crate) n_lists: Option<NonZeroUsize>,
    /// Lists to look into for each image [default: the fewest with a recall of 0.99, or as the file says]
    #[arg(long, value_name = "P")]
    pub(crate) n_probe: Option<NonZeroUsize>,
    /// File to make the lists in, for this search and later ones; the images stay on disk
    #[arg(long, value_name = "FILE")]
    pub(crate) save_index: Option<PathBuf>,
    /// File with lists that were saved, which are searched in place of images; it is read in parts
    #[arg(long, value_name = "FILE", conflicts_with_all = ["data", "n_lists", "save_index"])]
    pub(crate) index_file: Option<PathBuf>,
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
    /// Leave the images on disk, and hold no more than so much memory: 512M, 2G; the answers are the same, and reading
    /// counts as searching. Lists then have to be in a file (`--save-index` or `--index-file`)
    #[arg(long, value_name = "SIZE", value_parser = args::memory_size, conflicts_with = "one_by_one")]
    pub(crate) memory_limit: Option<u64>,
    /// NumPy file for `distances` (squared) and `indices`
    #[arg(short, long, value_name = "FILE.npz")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum IndexArg {
    /// Search all images
    Exact,
    /// Search the lists whose centroids are nearest
    Inverted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
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

#[derive(Serialize)]
struct Summary {
    version: &'static str,
    machine: Machine,
    n_samples: usize,
    n_queries: usize,
    n_features: usize,
    n_neighbors: usize,
    index: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    algorithm: Option<String>,
    #[serde(flatten)]
    inverted: Option<Inverted>,
    fit_seconds: f64,
    search_seconds: f64,
    queries_per_second: f64,
    /// With `--one-by-one`.
    #[serde(skip_serializing_if = "Option::is_none")]
    latency_seconds: Option<Latency>,
    peak_bytes: Option<u64>,
}

/// How long one query takes.
#[derive(Serialize)]
struct Latency {
    median: f64,
    p99: f64,
}

impl Latency {
    /// None of no queries.
    fn of(mut seconds: Vec<f64>) -> Option<Self> {
        seconds.sort_by(f64::total_cmp);
        let at = |percent| seconds.get(seconds.len() * percent / 100).copied();
        Some(Self { median: at(50)?, p99: at(99)? })
    }
}

/// The neighbours of every query, each searched for on its own, and how long each took.
fn one_by_one(
    index: &Index,
    queries: ArrayView2<u8>,
    n_neighbors: usize,
) -> anyhow::Result<(Neighbors, Vec<f64>)> {
    // Also where there are no queries at all.
    let mut found = index.kneighbors(queries.slice(s![..0, ..]), n_neighbors)?;
    let mut seconds = Vec::with_capacity(queries.nrows());
    for query in queries.axis_chunks_iter(Axis(0), 1) {
        let start = Instant::now();
        let one = index.kneighbors(query, n_neighbors)?;
        seconds.push(start.elapsed().as_secs_f64());
        found.distances.append(Axis(0), one.distances.view()).expect("as many neighbours");
        found.indices.append(Axis(0), one.indices.view()).expect("as many neighbours");
    }
    Ok((found, seconds))
}

impl Args {
    fn reading(&self, console: &Console) -> ReadOptions {
        self.data.reading().options_as_is(console)
    }
}

/// What was found, and how long it took.
struct Found {
    neighbors: Neighbors,
    /// Images and pixels.
    shape: (usize, usize),
    fit_seconds: f64,
    search_seconds: f64,
    /// Of each query, with `--one-by-one`.
    latencies: Vec<f64>,
    /// About an inverted index.
    inverted: Option<Inverted>,
}

fn in_memory(args: &Args, seed: u64, console: &Console) -> anyhow::Result<Found> {
    let (index, fit_time) = Index::new(args, seed, console)?;
    let queries = data::load_images(&args.queries, Split::Test, &args.reading(console), console)?.pixels;
    let bar = console.bar("searching", Stage::Search);
    let index = index.observer(if args.one_by_one { console.interrupter() } else { bar.observer() });
    let start = Instant::now();
    let (neighbors, latencies) = if args.one_by_one {
        one_by_one(&index, queries.view(), args.n_neighbors.get())?
    } else {
        (index.kneighbors(queries.view(), args.n_neighbors.get())?, Vec::new())
    };
    Ok(Found {
        neighbors,
        shape: index.shape(),
        fit_seconds: fit_time.as_secs_f64(),
        search_seconds: start.elapsed().as_secs_f64(),
        latencies,
        inverted: index.inverted(),
    })
}

fn on_disk(args: &Args, limit: u64, seed: u64, console: &Console) -> anyhow::Result<Found> {
    if let Some((index, fit_time)) = Index::in_file(args, seed, console)? {
        let queries = data::open_on_disk(&args.queries, Split::Test, &args.reading(console), console)?;
        let bar = console.bar("searching", Stage::Search);
        let start = Instant::now();
        let index = index.observer(bar.observer()).memory_limit(limit);
        let neighbors = index.kneighbors_on_disk(&queries, args.n_neighbors.get())?;
        let index = Index::Inverted(Box::new(index));
        return Ok(Found {
            neighbors,
            shape: index.shape(),
            fit_seconds: fit_time.as_secs_f64(),
            search_seconds: start.elapsed().as_secs_f64(),
            latencies: Vec::new(),
            inverted: index.inverted(),
        });
    }
    let points = args.data.on_disk(Split::Train, args.reading(console), console)?;
    let queries = data::open_on_disk(&args.queries, Split::Test, &args.reading(console), console)?;
    let bar = console.bar("searching", Stage::Search);
    let start = Instant::now();
    let search = OutOfCore::default().algorithm(args.algorithm.into()).memory_limit(limit);
    let neighbors = search.observer(bar.observer()).kneighbors(&points, &queries, args.n_neighbors.get())?;
    let search_seconds = start.elapsed().as_secs_f64();
    Ok(Found {
        neighbors,
        shape: points.shape(),
        fit_seconds: 0.0,
        search_seconds,
        latencies: Vec::new(),
        inverted: None,
    })
}

/// Ends with 2 where options do not go together.
fn check(args: &Args) {
    let inverted = args.index == IndexArg::Inverted || args.index_file.is_some();
    let wrong = |message: &str| -> ! {
        crate::args::Args::command().error(ErrorKind::ArgumentConflict, message).exit()
    };
    let given = [
        (args.n_lists.is_some(), "--n-lists"),
        (args.n_probe.is_some(), "--n-probe"),
        (args.save_index.is_some(), "--save-index"),
    ];
    if let Some((_, option)) = given.iter().find(|(is_given, _)| *is_given && !inverted) {
        wrong(&format!("{option} goes with --index inverted"));
    }
    if inverted && args.algorithm == AlgorithmArg::Brute {
        wrong("--algorithm brute goes with --index exact");
    }
    let in_file = args.save_index.is_some() || args.index_file.is_some();
    if inverted && args.memory_limit.is_some() && !in_file {
        wrong(
            "--memory-limit with --index inverted wants the lists in a file: expected --save-index or --index-file",
        );
    }
    if let (Some(n_probe), Some(n_lists)) = (args.n_probe, args.n_lists)
        && n_probe > n_lists
    {
        wrong(&format!(
            "--n-probe {n_probe} is more than there are lists: expected at most {n_lists} (--n-lists)"
        ));
    }
}

pub(crate) fn run(args: &Args, global: &Global, console: &Console) -> anyhow::Result<()> {
    check(args);
    let output = args.output.as_deref().map(OutputFile::create).transpose()?;
    let found = match args.memory_limit {
        None => in_memory(args, global.seed, console)?,
        Some(limit) => on_disk(args, limit, global.seed, console)?,
    };
    let Found { neighbors, shape: (n_samples, n_features), fit_seconds, search_seconds, .. } = found;
    let n_queries = neighbors.indices.nrows();

    let summary = Summary {
        version: env!("CARGO_PKG_VERSION"),
        machine: Machine::this(),
        n_samples,
        n_queries,
        n_features,
        n_neighbors: args.n_neighbors.get(),
        index: args::name(if found.inverted.is_some() { IndexArg::Inverted } else { IndexArg::Exact }),
        algorithm: found.inverted.is_none().then(|| args::name(args.algorithm)),
        inverted: found.inverted,
        fit_seconds,
        search_seconds,
        queries_per_second: n_queries as f64 / search_seconds,
        latency_seconds: Latency::of(found.latencies),
        peak_bytes: peak_bytes(),
    };
    if let Some(output) = output {
        output.commit_npz(|npz| {
            npz.add_array("distances", &neighbors.distances.mapv(u64::cast_signed))?;
            npz.add_array("indices", &neighbors.indices.mapv(|index| (index as u64).cast_signed()))?;
            Ok(())
        })?;
    }

    if let Some(path) = &args.output {
        console.detail(&format!("wrote {}", path.display()));
    }
    if global.json {
        return print_json(&summary);
    }
    let mut out = anstream::stdout().lock();
    writeln!(
        out,
        "the {} nearest of {} for each of {}: {}, {} a second",
        summary.n_neighbors,
        text::plural(n_samples, "image"),
        text::plural(summary.n_queries, "image"),
        text::seconds(search_seconds),
        text::rough(summary.queries_per_second)
    )?;
    if let Some(Inverted { n_lists, n_probe, recall, recall_sample }) = &summary.inverted {
        writeln!(
            out,
            "Looked into {n_probe} of {n_lists} lists: recall {recall:.4}, measured on {recall_sample} of the images searched"
        )?;
    }
    if let Some(latency) = &summary.latency_seconds {
        let (median, p99) = (text::seconds(latency.median), text::seconds(latency.p99));
        writeln!(out, "One image takes {median} (median), 99 of 100 at most {p99}")?;
    }
    if let Some(path) = &args.output {
        writeln!(out, "Distances and indices: {}", path.display())?;
    }
    Ok(())
}
