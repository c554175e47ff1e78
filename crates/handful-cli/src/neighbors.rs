//! `handful neighbors`: finds nearest neighbours, exactly or with an inverted index.

mod args;
mod index;

use std::{io::Write, time::Instant};

pub(crate) use args::{Args, IndexArg};
use handful::{
    dataset::{RowSource, Split},
    neighbors::{Neighbors, OutOfCore, Searcher},
    progress::Stage,
};
use index::Inverted;
use ndarray::{ArrayView2, Axis, s};
use serde::Serialize;

use crate::{
    console::Console,
    data::{self},
    machine::{Machine, peak_bytes},
    options::{self, Global},
    output::{OutputFile, print_json},
    text,
};

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
    /// `None` if there are no queries.
    fn of(mut seconds: Vec<f64>) -> Option<Self> {
        seconds.sort_by(f64::total_cmp);
        let at = |percent| seconds.get(seconds.len() * percent / 100).copied();
        Some(Self { median: at(50)?, p99: at(99)? })
    }
}

/// Searches for the neighbours of every query separately. Returns them, and the seconds for each.
fn one_by_one(
    index: &Searcher,
    queries: ArrayView2<u8>,
    n_neighbors: usize,
) -> anyhow::Result<(Neighbors, Vec<f64>)> {
    // This also works if there are no queries.
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

/// The neighbours, and the time to find them.
struct Found {
    neighbors: Neighbors,
    /// Images and pixels.
    shape: (usize, usize),
    fit_seconds: f64,
    search_seconds: f64,
    /// Seconds per query, with `--one-by-one`.
    latencies: Vec<f64>,
    /// Facts about the inverted index, if there is one.
    inverted: Option<Inverted>,
}

fn in_memory(args: &Args, seed: u64, console: &Console) -> anyhow::Result<Found> {
    let (index, fit_time) = index::fit(args, seed, console)?;
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
        inverted: index.inverted().map(Inverted::from),
    })
}

fn on_disk(args: &Args, limit: u64, seed: u64, console: &Console) -> anyhow::Result<Found> {
    if let Some((index, fit_time)) = index::in_file(args, seed, console)? {
        let queries = data::open_on_disk(&args.queries, Split::Test, &args.reading(console), console)?;
        let bar = console.bar("searching", Stage::Search);
        let start = Instant::now();
        let index = index.observer(bar.observer()).memory_limit(limit);
        let neighbors = index.kneighbors_on_disk(&queries, args.n_neighbors.get())?;
        return Ok(Found {
            neighbors,
            shape: (index.n_samples(), index.n_features()),
            fit_seconds: fit_time.as_secs_f64(),
            search_seconds: start.elapsed().as_secs_f64(),
            latencies: Vec::new(),
            inverted: Some((&index).into()),
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

pub(crate) fn run(args: &Args, global: &Global, console: &Console) -> anyhow::Result<()> {
    args.check()?;
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
        index: options::name(if found.inverted.is_some() { IndexArg::Inverted } else { IndexArg::Exact }),
        algorithm: found.inverted.is_none().then(|| options::name(args.algorithm)),
        inverted: found.inverted,
        fit_seconds,
        search_seconds,
        queries_per_second: n_queries as f64 / search_seconds,
        latency_seconds: Latency::of(found.latencies),
        peak_bytes: peak_bytes(),
    };
    if let Some(output) = output {
        output.commit_npz(|npz| {
            npz.add("distances", &neighbors.distances.mapv(u64::cast_signed))?;
            npz.add("indices", &neighbors.indices.mapv(|index| (index as u64).cast_signed()))?;
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
        "the {} nearest of {} for each of {}: {}, {} per second",
        summary.n_neighbors,
        text::plural(n_samples, "image"),
        text::plural(summary.n_queries, "image"),
        text::seconds(search_seconds),
        text::rough(summary.queries_per_second)
    )?;
    if let Some(Inverted { n_lists, n_probe, recall, recall_sample }) = &summary.inverted {
        writeln!(
            out,
            "Searched {n_probe} of {n_lists} lists: recall {recall:.4}, measured on {recall_sample} of the images searched"
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
