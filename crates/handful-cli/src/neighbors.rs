//! `handful neighbors`: exact nearest neighbours.

use std::{io::Write, time::Instant};

use handful::{dataset::Split, neighbors::NearestNeighbors, progress::Stage};
use ndarray::Array2;
use serde::Serialize;

use crate::{
    args::{self, Global, Neighbors},
    console::Console,
    output::{OutputFile, print_json},
    summary::Machine,
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
    fit_seconds: f64,
    search_seconds: f64,
    queries_per_second: f64,
}

pub(crate) fn run(args: &Neighbors, global: &Global, console: &Console) -> anyhow::Result<()> {
    let output = args.output.as_deref().map(OutputFile::create).transpose()?;
    let points = args::load_images(&args::data_path(args.data.as_ref())?, Split::Train, console)?;
    let queries = args::load_images(&args.queries, Split::Test, console)?;
    let (n_samples, n_features) = points.dim();

    let bar = console.bar("searching", Stage::Search);
    let start = Instant::now();
    let index = NearestNeighbors::new(points).observer(bar.observer());
    let fit_seconds = start.elapsed().as_secs_f64();
    let start = Instant::now();
    let found = index.kneighbors(queries.view(), args.n_neighbors.get())?;
    let search_seconds = start.elapsed().as_secs_f64();
    drop(bar);

    let summary = Summary {
        version: env!("CARGO_PKG_VERSION"),
        machine: Machine::this(),
        n_samples,
        n_queries: queries.nrows(),
        n_features,
        n_neighbors: args.n_neighbors.get(),
        fit_seconds,
        search_seconds,
        queries_per_second: queries.nrows() as f64 / search_seconds,
    };
    if let Some(output) = output {
        let signed = |values: Array2<u64>| values.mapv(|value| i64::try_from(value).expect("below 2^53"));
        output.commit_npz(|npz| {
            npz.add_array("distances", &signed(found.distances))?;
            npz.add_array("indices", &signed(found.indices.mapv(|index| index as u64)))?;
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
    if let Some(path) = &args.output {
        writeln!(out, "Distances and indices: {}", path.display())?;
    }
    Ok(())
}
