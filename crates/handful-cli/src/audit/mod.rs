//! `handful audit`: finds labels that look wrong, duplicates, images of no class and rare classes.

mod fix;
mod show;

use std::{
    io::{BufWriter, Write},
    path::PathBuf,
    time::Instant,
};

use clap::ValueEnum;
use handful::{audit::Audit, progress::Stage};
use serde::Serialize;

use self::fix::Fixed;
use crate::{
    audited::{Decisions, Images},
    console::Console,
    data::{self, DataArgs},
    options::Global,
    output::{OutputFile, print_json},
    report, text,
};

const EXAMPLES: &str = "\
Examples:
  handful audit --report audit.html                   # look at what was found, decide, and save the decisions
  handful audit --data digits/ --format csv -o findings.csv
  handful audit --data digits/ --fix decisions.csv -o corrected/
  handful evaluate --model best --disputed findings.csv";

/// Find labels that look wrong, duplicates, leaks, images of no class, and rare classes
///
/// Compares every image with all others, in the training and the test part together. Neither an image nor its duplicates
/// vote on its label. The command suggests, and you decide: a label that looks wrong may be right, and the image unusual.
///
/// To correct a data set, fill in the last two columns of the CSV output, or let the page of --report do so: the decision
/// (keep, relabel or remove), and the new label. Then apply the file with --fix.
#[derive(Debug, clap::Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{}", data::formats()))]
pub(crate) struct Args {
    #[command(flatten)]
    data: DataArgs,
    /// Number of neighbours that vote on an image
    #[arg(long, value_name = "K", default_value_t = Audit::N_NEIGHBORS)]
    n_neighbors: usize,
    /// A label looks wrong if this share of its neighbours' votes is against it, 0 to 1
    #[arg(long, value_name = "X", default_value_t = Audit::MIN_SCORE)]
    min_score: f64,
    /// Output format; `--json` is the same as `--format json`
    #[arg(long, value_enum, default_value = "text", conflicts_with = "json")]
    format: Format,
    /// Write to this file instead of stdout. With --fix: the folder to write the corrected data set to as IDX files, or as
    /// Parquet files if labels are not numbers; or a Parquet file, if there is one part; or a CSV file, for the labels alone
    #[arg(short, long, value_name = "PATH")]
    output: Option<PathBuf>,
    /// Write an HTML page to look at the findings one by one, and to decide with keys
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
    /// Apply the decisions in this file instead of searching
    #[arg(long, value_name = "FILE.csv", requires = "output", conflicts_with_all = ["report", "format", "n_neighbors", "min_score"])]
    fix: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A summary, with the first findings of each kind
    Text,
    /// One row per finding, with empty columns for decisions
    Csv,
    /// One JSON document
    Json,
}

#[derive(Serialize)]
struct FixSummary {
    version: &'static str,
    n_relabelled: usize,
    n_removed: usize,
    n_kept: usize,
    files: Vec<String>,
}

pub(crate) fn run(args: &Args, global: &Global, console: &Console) -> anyhow::Result<()> {
    if let (Some(decisions), Some(output)) = (&args.fix, &args.output) {
        return fix(args, decisions, output, global, console);
    }
    let report_file = args.report.as_deref().map(OutputFile::create).transpose()?;
    let output = args.output.as_deref().map(OutputFile::create).transpose()?;
    let (name, parts) = args.data.parts(args.data.reading().options(console), console)?;
    let images = Images::new(name, parts);
    let start = Instant::now();
    let bar = console.bar("comparing images", Stage::Search);
    let params =
        Audit::params().n_neighbors(args.n_neighbors).min_score(args.min_score).observer(bar.observer());
    let audit = params.fit(&images.first, images.test.as_ref())?;
    drop(bar);
    let seconds = start.elapsed().as_secs_f64();

    if let Some(file) = report_file {
        let page = report::audit::render(&audit, &images, seconds)?;
        file.commit(|mut file| Ok(file.write_all(page.as_bytes())?))?;
    }
    let format = if global.json { Format::Json } else { args.format };
    let show = |out: &mut dyn Write| match format {
        Format::Text => show::text(out, &audit, &images, seconds, args.report.as_deref()),
        Format::Csv => show::csv(out, &audit, &images),
        Format::Json => show::json(out, &audit, &images, seconds),
    };
    match output {
        Some(file) => file.commit(|file| {
            let mut out = BufWriter::new(file);
            show(&mut out)?;
            Ok(out.flush()?)
        }),
        None => show(&mut anstream::stdout().lock()),
    }
}

fn fix(
    args: &Args,
    decisions: &std::path::Path,
    output: &std::path::Path,
    global: &Global,
    console: &Console,
) -> anyhow::Result<()> {
    let decisions = Decisions::read(decisions)?;
    let (name, parts) = args.data.parts(args.data.reading().options_as_is(console), console)?;
    let images = Images::new(name, parts);
    let fixed = Fixed::new(&images, &decisions)?;
    let (n_relabelled, n_removed, n_kept) = (fixed.n_relabelled, fixed.n_removed, fixed.n_kept);
    let bar = console.bar("writing", Stage::Augment);
    let files = fixed.write(output, &bar.observer())?;
    drop(bar);
    for file in &files {
        console.detail(&format!("wrote {}", file.display()));
    }
    if global.json {
        let files = files.iter().map(|file| file.display().to_string()).collect();
        return print_json(&FixSummary {
            version: env!("CARGO_PKG_VERSION"),
            n_relabelled,
            n_removed,
            n_kept,
            files,
        });
    }
    Ok(writeln!(
        anstream::stdout(),
        "{} relabelled, {} removed, {} kept as labelled: {}",
        text::plural(n_relabelled, "image"),
        text::count(n_removed as u64),
        text::count(n_kept as u64),
        output.display()
    )?)
}
