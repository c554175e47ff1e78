//! The trained presets, in the program itself.

use handful::{
    classifier::{Model, Preset},
    model_file,
};

/// A preset that was trained on MNIST, as `make models` does.
pub(crate) fn embedded(preset: Preset) -> Result<Model, model_file::Error> {
    macro_rules! bytes {
        ($name:literal) => {
            include_bytes!(concat!("../../../models/", $name, ".safetensors"))
        };
    }
    let bytes: &[u8] = match preset {
        Preset::Notebook => bytes!("notebook"),
        Preset::Pixels => bytes!("pixels"),
        Preset::Tiny => bytes!("tiny"),
        Preset::Small => bytes!("small"),
        Preset::Fast => bytes!("fast"),
        Preset::Best => bytes!("best"),
        Preset::Neighbors => bytes!("neighbors"),
    };
    Model::from_bytes(bytes)
}
