//! `handful cluster`: K-Means on all images, or on each class.

use std::{
    io::Write,
    num::{NonZeroU32, NonZeroUsize},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use anyhow::Context;
use clap::ValueEnum;
use handful::{
    KMeans,
    dataset::{RowSource, Split},
    kmeans::{self, Init, Prototypes},
    progress::{Progress, Stage},
};
use ndarray::{Array1, Array2};
use serde::Serialize;

use crate::{
    console::Console,
    data::{self, DataArgs},
    machine::{Machine, peak_bytes},
    options::{self, Global},
    output::{OutputFile, print_json},
    text,
};

/// Cluster images with K-Means
#[derive(Debug, clap::Args)]
#[command(after_help = format!("{}\n\n{}", "Example:\n  handful cluster --clusters 100 --n-init 3 -o clusters.npz", data::formats()))]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// Number of clusters
    #[arg(long, value_name = "K")]
    pub(crate) clusters: NonZeroU32,
    /// Cluster the images of each class separately, into K clusters per class
    #[arg(long)]
    pub(crate) per_class: bool,
    /// Initial centroids: k-means++, random, or a NumPy file with an array of shape (K, pixels), or (classes * K, pixels)
    /// with --per-class
    #[arg(long, value_name = "k-means++|random|FILE.npy", default_value = "k-means++")]
    pub(crate) init: String,
    /// Number of runs with different initial centroids; the best is kept
    #[arg(long, value_name = "N", default_value = "1")]
    pub(crate) n_init: NonZeroUsize,
    /// Maximum number of iterations of a run
    #[arg(long, value_name = "N", default_value = "300")]
    pub(crate) max_iter: NonZeroUsize,
    /// Stop when the squared movement of the centroids is at most X times the mean variance of a pixel
    #[arg(long, value_name = "X", default_value_t = 1e-4, allow_negative_numbers = true, value_parser = tolerance)]
    pub(crate) tol: f64,
    /// How to find the nearest centroid of each image; the results are the same
    #[arg(long, value_enum, default_value = "auto")]
    pub(crate) algorithm: ClusterAlgorithmArg,
    /// Leave the images on disk, and use at most this much memory, such as 512M or 2G; the results are the same
    #[arg(long, value_name = "SIZE", value_parser = options::memory_size)]
    pub(crate) memory_limit: Option<u64>,
    /// Leave the images on disk, and save the state of the job to this file after each pass over them. The same command
    /// resumes from it
    #[arg(long, value_name = "FILE")]
    pub(crate) checkpoint: Option<PathBuf>,
    /// Write `centroids`, `labels`, `cluster_sizes` and, with --per-class, `classes` to this NumPy file
    #[arg(short, long, value_name = "FILE.npz")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ClusterAlgorithmArg {
    /// Rule out most centroids by a sketch, if that saves time
    Auto,
    /// Compare each image with every centroid
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

fn tolerance(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(tol) if tol >= 0.0 && tol.is_finite() => Ok(tol),
        _ => Err("expected a finite number, 0 or more".to_owned()),
    }
}

#[derive(Serialize)]
struct Summary {
    version: &'static str,
    seed: u64,
    machine: Machine,
    n_samples: usize,
    n_features: usize,
    n_clusters: usize,
    per_class: bool,
    n_init: usize,
    algorithm: String,
    inertia: f64,
    n_iter: usize,
    /// Time from images in memory to labels and centroids.
    seconds: f64,
    /// The part of it in which Lloyd's iterations of any run were going on.
    loop_seconds: f64,
    /// Peak memory of the process; null if the system does not report it.
    peak_bytes: Option<u64>,
}

/// The result of both ways of clustering.
struct Clustering {
    centroids: Array2<f64>,
    /// The class of each centroid.
    classes: Option<Vec<u32>>,
    labels: Vec<u32>,
    cluster_sizes: Vec<u64>,
    inertia: f64,
    n_iter: usize,
}

pub(crate) fn run(args: &Args, global: &Global, console: &Console) -> anyhow::Result<()> {
    let output = args.output.as_deref().map(OutputFile::create).transpose()?;
    let on_disk = options::passes(args.memory_limit, args.checkpoint.as_deref());
    let is_on_disk = on_disk.is_some();
    let bar_stage = if args.per_class && !is_on_disk { Stage::Runs } else { Stage::Lloyd };
    let bar = console.bar("K-Means", bar_stage);
    let clock = LoopClock::default();
    let watch = clock.clone();
    let init = init(&args.init)?;
    // With given centroids, every run would be the same.
    let n_init = if matches!(init, Init::Given(_)) { 1 } else { args.n_init.get() };
    let params = KMeans::params(args.clusters.get() as usize)
        .init(init)
        .n_init(n_init)
        .max_iter(args.max_iter.get())
        .tol(args.tol)
        .seed(global.seed)
        .algorithm(args.algorithm.into())
        .observer(bar.observer_with(move |progress| watch.tell(progress)));

    let reading = args.data.reading().options_as_is(console);
    let (found, (n_samples, n_features), seconds): (Clustering, _, _) = if let Some(passes) = on_disk {
        let data = args.data.on_disk(Split::Train, reading, console)?;
        let start = Instant::now();
        let found = if args.per_class {
            params.fit_per_class_on_disk(&data, &passes)?.into()
        } else {
            params.fit_on_disk(&data, &passes)?.into()
        };
        (found, data.shape(), start.elapsed())
    } else if args.per_class {
        let data = args.data.split(Split::Train, reading, console)?;
        let start = Instant::now();
        (params.fit_per_class(&data)?.into(), data.images().dim(), start.elapsed())
    } else {
        let images = args.data.images(Split::Train, reading, console)?.pixels;
        let start = Instant::now();
        (params.fit(images.view())?.into(), images.dim(), start.elapsed())
    };
    drop(bar);

    let summary = Summary {
        version: env!("CARGO_PKG_VERSION"),
        seed: global.seed,
        machine: Machine::this(),
        n_samples,
        n_features,
        n_clusters: found.centroids.nrows(),
        per_class: args.per_class,
        n_init,
        algorithm: options::name(args.algorithm),
        inertia: found.inertia,
        n_iter: found.n_iter,
        seconds: seconds.as_secs_f64(),
        loop_seconds: clock.total().as_secs_f64(),
        peak_bytes: peak_bytes(),
    };
    if let Some(output) = output {
        write_npz(output, found)?;
    }
    if let Some(path) = &args.output {
        console.detail(&format!("wrote {}", path.display()));
    }
    if global.json { print_json(&summary) } else { print(&summary, args) }
}

impl From<KMeans> for Clustering {
    fn from(found: KMeans) -> Self {
        let KMeans { centroids, labels, cluster_sizes, inertia, n_iter } = found;
        Self { centroids: centroids.to_f64(), classes: None, labels, cluster_sizes, inertia, n_iter }
    }
}

impl From<Prototypes> for Clustering {
    fn from(found: Prototypes) -> Self {
        Self {
            centroids: found.centroids(),
            classes: Some(found.dataset.labels().to_vec()),
            inertia: found.inertia(),
            n_iter: found.n_iter(),
            labels: found.labels,
            cluster_sizes: found.cluster_sizes,
        }
    }
}

fn init(name: &str) -> anyhow::Result<Init> {
    match name {
        "k-means++" => Ok(Init::KMeansPlusPlus),
        "random" => Ok(Init::Random),
        file => handful::dataset::load_matrix(Path::new(file))
            .map(Init::Given)
            .context("--init: expected k-means++, random or a NumPy file"),
    }
}

fn write_npz(output: OutputFile, found: Clustering) -> anyhow::Result<()> {
    let signed = |values: Vec<u32>| Array1::from_iter(values.into_iter().map(i64::from));
    output.commit_npz(|npz| {
        npz.add("centroids", &found.centroids)?;
        npz.add("labels", &signed(found.labels))?;
        npz.add("cluster_sizes", &Array1::from_vec(found.cluster_sizes))?;
        if let Some(classes) = found.classes {
            npz.add("classes", &signed(classes))?;
        }
        Ok(())
    })
}

fn print(summary: &Summary, args: &Args) -> anyhow::Result<()> {
    let mut out = anstream::stdout().lock();
    writeln!(
        out,
        "{} of {} pixels in {}: inertia {:.6e} after {} in {}",
        text::plural(summary.n_samples, "image"),
        summary.n_features,
        text::plural(summary.n_clusters, "cluster"),
        summary.inertia,
        text::plural(summary.n_iter, "iteration"),
        text::seconds(summary.seconds)
    )?;
    if let Some(path) = &args.output {
        writeln!(out, "Centroids and labels: {}", path.display())?;
    }
    Ok(())
}

/// Measures the time in which Lloyd's iterations are going on, in one run or in several at once.
#[derive(Clone, Default)]
struct LoopClock(Arc<Mutex<LoopTime>>);

#[derive(Default)]
struct LoopTime {
    /// Number of loops that are running, and the time since which there is at least one.
    running: usize,
    since: Option<Instant>,
    total: Duration,
}

impl LoopClock {
    fn tell(&self, progress: Progress) {
        if progress.stage != Stage::Lloyd {
            return;
        }
        let mut time = self.0.lock().expect("no panic while locked");
        if progress.done == 0 {
            time.running += 1;
            time.since.get_or_insert_with(Instant::now);
        } else if progress.done == progress.total {
            time.running -= 1;
            if time.running == 0
                && let Some(since) = time.since.take()
            {
                time.total += since.elapsed();
            }
        }
    }

    fn total(&self) -> Duration {
        self.0.lock().expect("no panic while locked").total
    }
}
