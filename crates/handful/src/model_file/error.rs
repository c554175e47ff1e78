//! Errors of model files.

use std::{io, path::PathBuf};

use crate::{classifier, tensor_file};

/// An error of a model file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It cannot be read or written.
    #[error("{}: cannot be read or written", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// Not a safetensors file, or a truncated one.
    #[error("expected a complete model in a .safetensors file, found another or a damaged file ({0})")]
    Format(String),
    /// A file that declares more data than a model can have.
    #[error("expected a model of at most {most} bytes, found a file that declares {found} bytes")]
    TooLarge {
        /// Number of bytes that it declares.
        found: u64,
        /// Maximum number of bytes of a model.
        most: u64,
    },
    /// A safetensors file of another program.
    #[error("expected a model that handful saved, found a .safetensors file of another program")]
    Foreign,
    /// The file was saved by a newer version of handful.
    #[error(
        "the model has format version {found}, but this version of handful reads only versions up to {supported}: \
         install a newer handful"
    )]
    Version {
        /// The file's format version.
        found: u32,
        /// The newest supported version.
        supported: u32,
    },
    /// The file is older than the oldest supported version.
    #[error(
        "the model has format version {found}, but this version of handful reads only versions from {oldest} on: \
         train the model again"
    )]
    OldVersion {
        /// The file's format version.
        found: u32,
        /// The oldest supported version.
        oldest: u32,
    },
    /// The bytes have changed since the file was saved.
    #[error("the model is damaged: its checksum is {found}, expected {expected}")]
    Checksum {
        /// The checksum in its metadata.
        expected: String,
        /// The checksum of its bytes.
        found: String,
    },
    /// Parts that are missing or inconsistent.
    #[error("the model cannot be used: {0}")]
    Content(String),
    /// Notes about the training set that do not belong to this model.
    #[error(
        "the model cannot be saved with this provenance: {0}; change a copy of the fitted model's provenance instead"
    )]
    Provenance(String),
    /// Parts that are not a valid model.
    #[error("the model cannot be used: {0}")]
    Model(classifier::Error),
}

// The message contains that of the classifier, which is therefore no source: a chain would say it twice.
impl From<classifier::Error> for Error {
    fn from(error: classifier::Error) -> Self {
        Self::Model(error)
    }
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
