//! What can be wrong with a model's file.

use std::{io, path::PathBuf};

use crate::{classifier, tensor_file};

/// What can be wrong with a model's file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It cannot be read or written.
    #[error("{}: cannot be read or written", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// No safetensors file, or a cut one.
    #[error("expected a model in a .safetensors file, found something else or a part of one ({0})")]
    Format(String),
    /// A file that says to hold more than a model can.
    #[error("expected a model of at most {most} bytes, found a file that says to have {found}")]
    TooLarge {
        /// Bytes that it says to have.
        found: u64,
        /// Bytes that a model may have.
        most: u64,
    },
    /// Another program's file.
    #[error("expected a model that handful has saved, found a .safetensors file of another kind")]
    Foreign,
    /// A newer handful's file.
    #[error(
        "the model has format version {found}, and this handful reads versions up to {supported}: expected a newer handful"
    )]
    Version {
        /// The file's version.
        found: u32,
        /// The newest that can be read.
        supported: u32,
    },
    /// A file older than any that this handful reads.
    #[error(
        "the model has format version {found}, and this handful reads versions from {oldest} on: train it again with `handful train`"
    )]
    OldVersion {
        /// The file's version.
        found: u32,
        /// The oldest that can be read.
        oldest: u32,
    },
    /// Bytes have changed since it was saved.
    #[error("the model is damaged: its checksum is {found}, expected {expected}")]
    Checksum {
        /// What its metadata say.
        expected: String,
        /// What its bytes give.
        found: String,
    },
    /// Parts that are missing, or do not fit one another.
    #[error("the model cannot be used: {0}")]
    Content(String),
    /// Notes on what a model was learned from that are none on this one.
    #[error("the model cannot be saved with this provenance: {0}; start from that of the fitted model")]
    Provenance(String),
    /// Parts that make no model.
    #[error("the model cannot be used: {0}")]
    Model(#[from] classifier::Error),
}

impl From<tensor_file::Error> for Error {
    fn from(error: tensor_file::Error) -> Self {
        match error {
            tensor_file::Error::Io { path, source } => Self::Io { path, source },
            tensor_file::Error::Format(problem) => Self::Format(problem),
            tensor_file::Error::TooLarge { found, most } => Self::TooLarge { found, most },
            tensor_file::Error::Checksum { expected, found } => Self::Checksum { expected, found },
            tensor_file::Error::Content(problem) => Self::Content(problem),
        }
    }
}
