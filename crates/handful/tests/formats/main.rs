//! Files that other software wrote are read as they were meant. `make_fixtures.py` makes them, and `expected.json`.

mod damage;
mod reads;

use std::path::{Path, PathBuf};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats/fixtures").join(name)
}
