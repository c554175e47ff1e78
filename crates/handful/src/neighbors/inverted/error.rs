//! What can be wrong with an inverted index.

use std::{io, path::PathBuf};

use crate::{dataset, kmeans, neighbors, progress::Cancelled, tensor_file};

/// What can be wrong with an inverted index.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// More lists than rows, or none.
    #[error("n_lists is {n_lists}: expected 1 to {n_samples}, the number of vectors to search")]
    ListCount {
        /// Number of lists requested.
        n_lists: usize,
        /// Number of vectors to search.
        n_samples: usize,
    },
    /// More lists to probe than there are, or none.
    #[error("n_probe is {n_probe}: expected 1 to {n_lists}, the number of lists")]
    ProbeCount {
        /// Number of lists to probe.
        n_probe: usize,
        /// Number of lists.
        n_lists: usize,
    },
    /// An invalid recall.
    #[error("the recall to reach is {recall}: expected a number above 0 and at most 1")]
    Recall {
        /// The recall requested.
        recall: f64,
    },
    /// A search with invalid parameters, or one that the observer cancelled.
    #[error(transparent)]
    Search(#[from] neighbors::Error),
    /// Rows that cannot be clustered.
    #[error(transparent)]
    Clusters(#[from] kmeans::Error),
    /// Rows that cannot be read.
    #[error(transparent)]
    Rows(#[from] dataset::Error),
    /// A file that cannot be read or written.
    #[error("{}: cannot be read or written", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The file is not an index saved by handful, or is incomplete.
    #[error(
        "{}: expected a complete index that handful saved, found another or a damaged file", path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file was saved by a newer version of handful.
    #[error(
        "{}: the index has format version {found}, but this version of handful reads only versions up to {supported}: \
         install a newer handful", path.display()
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// The file's format version.
        found: u32,
        /// The newest supported version.
        supported: u32,
    },
    /// The bytes have changed since the file was saved.
    #[error("{}: the index is damaged: {what}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is inconsistent.
        what: String,
    },
}

impl From<Cancelled> for Error {
    fn from(cancelled: Cancelled) -> Self {
        Self::Search(cancelled.into())
    }
}

impl Error {
    /// The error for an invalid head of a file.
    pub(super) fn of_head(path: &std::path::Path, error: &tensor_file::Error) -> Self {
        let what = match error {
            tensor_file::Error::Checksum { expected, found } => {
                format!("its checksum is {found}, expected {expected}")
            }
            tensor_file::Error::Content(what) | tensor_file::Error::Format(what) => what.clone(),
            other => other.to_string(),
        };
        Self::Damaged { path: path.to_owned(), what }
    }
}
