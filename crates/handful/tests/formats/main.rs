//! Files that other software wrote are read as they were meant. `make_fixtures.py` makes them, and `expected.json`.

#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

mod choices;
mod damage;
mod expected;
#[cfg(feature = "images")]
mod pictures;
mod reads;
mod streams;

use std::path::{Path, PathBuf};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats/fixtures").join(name)
}
