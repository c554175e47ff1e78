//! Digits as people bring them become images as the models know them.

mod drawn;
mod fixtures;
mod several;

use std::{path::Path, sync::Arc};

use handful::{
    classifier::{Model, Preset},
    preprocess::{Framer, Framing},
};

fn fixture(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/framing/fixtures").join(name)
}

fn model() -> Arc<Model> {
    Arc::new(Preset::Fast.trained().expect("a preset"))
}

/// Frames all pictures, and lets the model choose where several ways are plausible.
fn judged(model: &Arc<Model>, framing: Framing) -> Framer {
    Framer::new(model.image_shape(), framing).judged_by(model.judge().expect("presets are calibrated"))
}
