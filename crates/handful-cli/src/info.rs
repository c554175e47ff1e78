//! `handful info`: describes a model, a data set, or the program itself.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use handful::{
    classifier::{Model, Params, Preset},
    dataset::{self, Dataset, Split},
    model_file::{FORMAT_VERSION, Provenance},
};
use serde::Serialize;

use crate::{
    console::Console,
    data::{self, ReadingArgs},
    machine::Machine,
    models,
    options::Global,
    output::{OutputFile, print_json},
    pictures::Pictures,
    report, text,
};

/// Describe a model or a data set
///
/// Without a path, it shows the presets that come with the program, the machine, and where MNIST is.
#[derive(Debug, clap::Args)]
#[command(after_help = format!("Examples:\n  handful info small --report small.html\n  handful info data/mnist\n\n{}", data::formats()))]
pub(crate) struct Args {
    /// Model file, name of a preset, or folder or file of images
    #[arg(value_name = "PATH")]
    path: Option<String>,
    #[command(flatten)]
    reading: ReadingArgs,
    /// Write an HTML page that shows the model's prototypes as pictures
    #[arg(long, value_name = "FILE.html", requires = "path")]
    report: Option<PathBuf>,
}

#[derive(Serialize)]
struct ModelInfo<'a> {
    model: &'a str,
    format_version: u32,
    preset: Option<&'a str>,
    bytes: usize,
    bytes_by_part: Vec<Part>,
    classes: &'a [String],
    image_shape: [usize; 2],
    n_prototypes: usize,
    prototypes_by_class: Vec<usize>,
    /// Why some classes have fewer than the recipe says.
    #[serde(skip_serializing_if = "Option::is_none")]
    fewer_prototypes: Option<String>,
    n_features: usize,
    n_neighbors: usize,
    has_pictures: bool,
    provenance: &'a Provenance,
    params: &'a Params,
}

#[derive(Serialize)]
struct Part {
    part: String,
    bytes: usize,
}

#[derive(Serialize)]
struct DataInfo<'a> {
    data: &'a str,
    image_shape: [usize; 2],
    classes: &'a [String],
    parts: Vec<DataPart>,
}

#[derive(Serialize)]
struct DataPart {
    split: &'static str,
    n_samples: usize,
    class_counts: Vec<usize>,
}

#[derive(Serialize)]
struct Overview {
    version: &'static str,
    machine: Machine,
    data: Option<PathBuf>,
    presets: Vec<PresetInfo>,
}

#[derive(Serialize)]
struct PresetInfo {
    preset: &'static str,
    validation_error: f64,
    bytes: usize,
    n_prototypes: usize,
}

pub(crate) fn run(args: &Args, global: &Global, console: &Console) -> anyhow::Result<()> {
    let Some(name) = &args.path else { return overview(global) };
    let is_data = name.parse::<Preset>().is_err() && is_data(Path::new(name));
    anyhow::ensure!(
        !is_data || args.report.is_none(),
        "{name}: expected a model, because --report describes models, found a data set"
    );
    if is_data {
        data_set(args, name, global, console)
    } else {
        model(name, args.report.as_deref(), global, console)
    }
}

/// A safetensors file starts with the length of its header, and the header with a brace.
fn is_data(path: &Path) -> bool {
    let starts_as_model = || {
        let mut start = [0; 9];
        let read =
            std::fs::File::open(path).and_then(|mut file| std::io::Read::read_exact(&mut file, &mut start));
        read.is_ok() && start[8] == b'{'
    };
    path.is_dir()
        || is_pipe(path)
        || (path.exists()
            && path.extension().is_none_or(|extension| extension != "safetensors")
            && !starts_as_model())
}

/// Whether the path can be read only once.
fn is_pipe(path: &Path) -> bool {
    path.metadata().is_ok_and(|found| !found.is_file() && !found.is_dir())
}

fn overview(global: &Global) -> anyhow::Result<()> {
    let preset = |preset: Preset| {
        let (model, bytes) = models::load(preset.name())?;
        let n_prototypes = model.prototypes().n_samples();
        let validation_error = preset.validation_error();
        anyhow::Ok(PresetInfo { preset: preset.name(), validation_error, bytes, n_prototypes })
    };
    let found = Overview {
        version: env!("CARGO_PKG_VERSION"),
        machine: Machine::this(),
        data: dataset::locate().ok(),
        presets: Preset::ALL.into_iter().map(preset).collect::<Result<_, _>>()?,
    };
    if global.json {
        return print_json(&found);
    }
    let mut out = anstream::stdout().lock();
    let Machine { cpu, level, threads } = &found.machine;
    writeln!(out, "handful {}, {cpu}, {level}, {}", found.version, text::plural(*threads, "thread"))?;
    match &found.data {
        Some(path) => writeln!(out, "MNIST: {}", path.display())?,
        None => writeln!(out, "MNIST: not found; run `handful fetch mnist` to download it")?,
    }
    writeln!(
        out,
        "\nPresets that come with the program, trained on MNIST (errors on images held out of its training set):"
    )?;
    for preset in &found.presets {
        let PresetInfo { preset, validation_error, bytes, n_prototypes } = preset;
        let (bytes, n_prototypes) = (text::count(*bytes as u64), text::count(*n_prototypes as u64));
        writeln!(
            out,
            "  {preset:<10} {validation_error:>5.2} %  {bytes:>9} bytes  {n_prototypes:>6} prototypes"
        )?;
    }
    Ok(())
}

fn data_set(args: &Args, name: &str, global: &Global, console: &Console) -> anyhow::Result<()> {
    // The data may be read twice, but a pipe can be read only once.
    let kept = dataset::keep_stream(Path::new(name))?;
    let path = kept.as_deref().unwrap_or(Path::new(name));
    let options = args.reading.options(console);
    let parts: Vec<(&str, Dataset)> = match dataset::load_with(path, &options) {
        Ok(both) => vec![("train", both.train), ("test", both.test)],
        Err(
            dataset::Error::OneSet { .. } | dataset::Error::NoSplit { .. } | dataset::Error::NoLabels { .. },
        ) => {
            vec![("all", dataset::load_split(path, Split::Train, &options)?)]
        }
        Err(error) => return Err(error.into()),
    };
    let first = &parts[0].1;
    if global.json {
        let part = |(split, data): &(&'static str, Dataset)| DataPart {
            split,
            n_samples: data.n_samples(),
            class_counts: data.class_counts(),
        };
        return print_json(&DataInfo {
            data: name,
            image_shape: first.image_shape(),
            classes: first.classes(),
            parts: parts.iter().map(part).collect(),
        });
    }
    let mut out = anstream::stdout().lock();
    let [height, width] = first.image_shape();
    writeln!(
        out,
        "{name}: images of {height} x {width} pixels, {}",
        text::plural(first.classes().len(), "class")
    )?;
    for (split, data) in &parts {
        writeln!(out, "\n{split}: {}", text::plural(data.n_samples(), "image"))?;
        for (class, count) in data.classes().iter().zip(data.class_counts()) {
            writeln!(out, "  {class:<12} {:>8}", text::count(count as u64))?;
        }
    }
    Ok(())
}

fn model(name: &str, report: Option<&Path>, global: &Global, console: &Console) -> anyhow::Result<()> {
    let file = report.map(OutputFile::create).transpose()?;
    let (model, bytes) = models::load(name)?;
    let info = ModelInfo::new(name, &model, bytes);
    if let Some(file) = file {
        let pictures = Pictures::find(&model, None, console);
        let page = report::model::prototypes(name, &model, pictures.as_ref());
        file.commit(|mut file| Ok(file.write_all(page.as_bytes())?))?;
    }
    if global.json {
        return print_json(&info);
    }
    let mut out = anstream::stdout().lock();
    info.print(&mut out)?;
    if let Some(report) = report {
        writeln!(out, "Report: {}", report.display())?;
    }
    Ok(())
}

impl<'a> ModelInfo<'a> {
    fn new(name: &'a str, model: &'a Model, bytes: usize) -> Self {
        let mut parts: Vec<Part> = Vec::new();
        for (tensor, bytes) in model.tensor_sizes() {
            let part = tensor.rsplit_once('.').map_or(tensor.as_str(), |(part, _)| part).to_owned();
            match parts.last_mut().filter(|last| last.part == part) {
                Some(last) => last.bytes += bytes,
                None => parts.push(Part { part, bytes }),
            }
        }
        let tensors: usize = parts.iter().map(|part| part.bytes).sum();
        parts.push(Part { part: "metadata".to_owned(), bytes: bytes.saturating_sub(tensors) });
        Self {
            model: name,
            format_version: FORMAT_VERSION,
            preset: model.provenance().preset.as_deref(),
            bytes,
            bytes_by_part: parts,
            classes: model.classes(),
            image_shape: model.image_shape(),
            n_prototypes: model.prototypes().n_samples(),
            prototypes_by_class: model.prototypes().class_counts(),
            fewer_prototypes: models::fewer_prototypes(model),
            n_features: model.prototypes().n_features(),
            n_neighbors: model.n_neighbors(),
            has_pictures: model.pictures().is_some(),
            provenance: model.provenance(),
            params: model.params(),
        }
    }

    fn print(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        let Provenance { n_samples, sha256, validation_error, .. } = self.provenance;
        let [height, width] = self.image_shape;
        writeln!(
            out,
            "{}: {}, {} bytes",
            self.model,
            self.preset.unwrap_or("no preset"),
            text::count(self.bytes as u64)
        )?;
        writeln!(out, "  images        {height} x {width} pixels")?;
        writeln!(out, "  classes       {}", self.classes.join(", "))?;
        writeln!(
            out,
            "  prototypes    {}, vectors of {}; {} decide{}",
            text::count(self.n_prototypes as u64),
            text::plural(self.n_features, "byte"),
            self.n_neighbors,
            if self.has_pictures { "; with pictures" } else { "" },
        )?;
        let of_mnist = if sha256 == Preset::CHOSEN_ON { " (MNIST)" } else { "" };
        writeln!(out, "  learned from  {}{of_mnist}, SHA-256 {sha256}", text::plural(*n_samples, "image"))?;
        if self.provenance.n_taught > 0 {
            let n_taught = text::plural(self.provenance.n_taught, "image");
            writeln!(out, "  taught        {n_taught} afterwards, each with a majority of the votes")?;
        }
        if let Some(rule) = &self.fewer_prototypes {
            writeln!(out, "  few images    {rule}")?;
        }
        if let Some(error) = validation_error {
            writeln!(out, "  validation    {error:.2} % errors on held-out training images")?;
        }
        writeln!(out, "  bytes by part")?;
        for Part { part, bytes } in &self.bytes_by_part {
            writeln!(out, "    {part:<36} {:>12}", text::count(*bytes as u64))?;
        }
        Ok(())
    }
}
