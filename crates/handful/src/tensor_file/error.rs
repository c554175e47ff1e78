//! Errors of files of tensors.

use std::{io, path::PathBuf};

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{}: cannot be read", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("expected a complete .safetensors file, found another or a damaged file ({0})")]
    Format(String),
    #[error("expected at most {most} bytes, found a file that declares {found} bytes")]
    TooLarge { found: u64, most: u64 },
    #[error("the file is damaged: its checksum is {found}, expected {expected}")]
    Checksum { expected: String, found: String },
    /// Parts are missing or inconsistent.
    #[error("{0}")]
    Content(String),
}
