//! `handful select`: the alternatives that a preset was chosen from. No code here can read test images.

use std::{collections::BTreeMap, io::Write, num::NonZeroU32, time::Instant};

use comfy_table::{CellAlignment, LineStyle, Table, TableStyle};
use handful::{
    Dataset,
    classifier::{Calibration, Candidate, HeldOut, IMAGES, Params, Preset, Validation, folds},
    dataset::Split,
    progress::Stage,
};
use serde::Serialize;

use crate::{
    console::Console,
    data::{self, DataArgs},
    options::Global,
    output::print_json,
    text,
};

/// Show the validation errors of a preset and of the alternatives that it was chosen from
///
/// Each candidate is fitted without one part of the training images, and tested on that part. Candidates are fitted with
/// several seeds. The test images are not read.
#[derive(Debug, clap::Args)]
#[command(after_help = format!("{}\n\n{}", "Example:\n  handful select --preset tiny", data::formats()))]
pub(crate) struct Args {
    /// Preset to show
    #[arg(long, value_name = "NAME")]
    pub(crate) preset: Preset,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// How many of six parts of the training images to hold out, one after the other
    #[arg(long, value_name = "N", default_value = "3", value_parser = clap::value_parser!(u8).range(1..=6))]
    pub(crate) folds: u8,
    /// Show only the preset, without its alternatives
    #[arg(long)]
    pub(crate) alone: bool,
    /// Fit each candidate with this many seeds: the preset's own and those after it
    #[arg(long, value_name = "N", default_value = "5")]
    pub(crate) seeds: NonZeroU32,
}

#[derive(Serialize)]
struct Selection<'a> {
    preset: &'static str,
    n_folds: usize,
    seeds: Vec<u64>,
    candidates: Vec<Figures<'a>>,
}

/// Results of a candidate on images held out of the training set.
#[derive(Serialize)]
struct Figures<'a> {
    name: &'a str,
    params: &'a Params,
    /// Mean over the seeds, and each seed's mean over the folds.
    error_percent: f64,
    seed_errors: Vec<f64>,
    /// Mean error on each source of images; there are several if the recipe adds images to the training set.
    sources: BTreeMap<&'static str, f64>,
    /// Means over all fits.
    fit_seconds: f64,
    microseconds_per_image: f64,
    model_bytes: usize,
    calibration: Calibration,
}

pub(crate) fn run(args: &Args, global: &Global, console: &Console) -> anyhow::Result<()> {
    let train = args.data.split(Split::Train, args.data.reading().options(console), console)?;
    let n = train.n_samples();
    anyhow::ensure!(n >= 12, "expected at least 12 training images, to hold out parts of them, found {n}");
    let mut candidates = args.preset.candidates();
    if args.alone {
        candidates.truncate(1);
    }
    let first = candidates[0].params.seed;
    let seeds: Vec<u64> = (first..).take(args.seeds.get() as usize).collect();
    let figures = candidates
        .iter()
        .map(|candidate| try_out(candidate, &train, usize::from(args.folds), &seeds, console))
        .collect::<anyhow::Result<Vec<_>>>()?;
    if global.json {
        let n_folds = args.folds.into();
        return print_json(&Selection { preset: args.preset.name(), n_folds, seeds, candidates: figures });
    }
    let mut out = anstream::stdout().lock();
    writeln!(
        out,
        "{}: errors on {} held out of the {}, {}\n\n{}",
        args.preset,
        text::plural(args.folds.into(), "part"),
        text::plural(train.n_samples(), "training image"),
        text::plural(seeds.len(), "seed"),
        table(&figures)
    )?;
    let Calibration { votes, distance, novel, .. } = figures[0].calibration;
    Ok(writeln!(
        out,
        "\nCalibration of {}: votes {votes:.4}, distance {distance:.4}, novel {novel:.4}",
        args.preset
    )?)
}

fn try_out<'a>(
    candidate: &'a Candidate,
    train: &Dataset,
    n_folds: usize,
    seeds: &[u64],
    console: &Console,
) -> anyhow::Result<Figures<'a>> {
    let (mut all, mut own, mut seed_errors) = (Vec::new(), Vec::new(), Vec::new());
    let mut sources: BTreeMap<&'static str, Vec<f64>> = BTreeMap::new();
    let (mut fit_seconds, mut microseconds, mut model_bytes, mut n_fits) = (0.0, 0.0, 0, 0.0);
    for &seed in seeds {
        let params = Params { seed, ..candidate.params.clone() };
        let mut of_seed = Vec::new();
        for (number, fold) in folds(train.n_samples(), n_folds).into_iter().enumerate() {
            let HeldOut { params, rest, unseen } = params.hold_out(train, &fold, number)?;
            let bar = console.bar("fitting", Stage::Features);
            let start = Instant::now();
            let model = params.observer(bar.observer()).fit(&rest)?;
            fit_seconds += start.elapsed().as_secs_f64();
            let start = Instant::now();
            let of_fold = &unseen[0].1;
            model.predict(of_fold.images().view())?;
            microseconds += 1e6 * start.elapsed().as_secs_f64() / of_fold.n_samples() as f64;
            model_bytes = model.to_bytes()?.len();
            n_fits += 1.0;
            for &(source, ref unseen) in &unseen {
                let found = Validation::new(&model, unseen)?;
                let error = found.error_percent();
                sources.entry(source).or_default().push(error);
                if source == IMAGES {
                    of_seed.push(error);
                    own.push(found.clone());
                }
                all.push(found);
            }
        }
        seed_errors.push(mean(&of_seed));
    }
    Ok(Figures {
        name: &candidate.name,
        params: &candidate.params,
        error_percent: mean(&seed_errors),
        sources: sources.into_iter().map(|(source, errors)| (source, mean(&errors))).collect(),
        seed_errors,
        fit_seconds: fit_seconds / n_fits,
        microseconds_per_image: microseconds / n_fits,
        model_bytes,
        // Some distorted digits are illegible: only images of the training set decide what is unlike a digit.
        calibration: Calibration {
            novel: Validation::join(own).calibration().novel,
            ..Validation::join(all).calibration()
        },
    })
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn table(figures: &[Figures]) -> Table {
    let mut table = Table::new();
    table.load_style(TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─')));
    let others: Vec<&str> = figures[0].sources.keys().copied().filter(|source| *source != IMAGES).collect();
    let header = ["candidate", "error %", "range", "fit", "µs/image", "bytes"];
    table.set_header(
        header.iter().copied().map(str::to_owned).chain(others.iter().map(|source| format!("{source} %"))),
    );
    for candidate in figures {
        let range =
            |pick: fn(f64, f64) -> f64| candidate.seed_errors.iter().copied().reduce(pick).unwrap_or(0.0);
        let row = [
            candidate.name.to_owned(),
            format!("{:.3}", candidate.error_percent),
            format!("{:.3} – {:.3}", range(f64::min), range(f64::max)),
            text::seconds(candidate.fit_seconds),
            format!("{:.1}", candidate.microseconds_per_image),
            text::count(candidate.model_bytes as u64),
        ];
        let others = others.iter().map(|source| format!("{:.2}", candidate.sources[source]));
        table.add_row(row.into_iter().chain(others));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
