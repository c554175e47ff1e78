//! Models that commands use: trained presets, which are compiled into the program, and files.

use std::path::Path;

use anyhow::Context;
use handful::{
    classifier::{Model, Preset, PrototypeParams},
    model_file,
};

/// Options of all commands that use a model.
#[derive(Debug, clap::Args)]
pub(crate) struct ModelArgs {
    /// Model file, or name of a preset that comes with the program: notebook, pixels, tiny, small, fast, best,
    /// neighbors, everyday
    #[arg(long, value_name = "MODEL", default_value = "everyday")]
    pub(crate) model: String,
}

impl ModelArgs {
    /// The model, and the size of its file.
    pub(crate) fn load(&self) -> anyhow::Result<(Model, usize)> {
        load(&self.model)
    }
}

/// Loads a preset by its name, or a file. A file with the name of a preset needs its folder, as in `./best`.
pub(crate) fn load(name: &str) -> anyhow::Result<(Model, usize)> {
    if let Ok(preset) = name.parse::<Preset>() {
        return Ok((preset.trained()?, preset.trained_bytes().len()));
    }
    let path = Path::new(name);
    if !path.exists() && !name.contains(['/', '\\', '.']) {
        let names: Vec<&str> = Preset::ALL.iter().map(|preset| preset.name()).collect();
        anyhow::bail!("{name}: expected a model file or one of {}, found neither", names.join(", "));
    }
    let model = match Model::load(path) {
        Err(error @ model_file::Error::Io { .. }) => return Err(error.into()),
        other => other.with_context(|| path.display().to_string())?,
    };
    let size = match path.metadata() {
        Ok(found) if found.is_file() => usize::try_from(found.len())?,
        // A pipe has been read and is empty.
        _ => model.to_bytes()?.len(),
    };
    Ok((model, size))
}

/// Why some classes of a model have fewer prototypes than its recipe says.
pub(crate) fn fewer_prototypes(model: &Model) -> Option<String> {
    let PrototypeParams::PerClass { n_clusters, .. } = model.params().prototypes else { return None };
    let least = model.prototypes().class_counts().into_iter().filter(|&n| n > 0).min()?;
    (least < n_clusters).then(|| {
        format!(
            "some classes have fewer prototypes than the recipe's {n_clusters}, because they had fewer distinct images"
        )
    })
}
