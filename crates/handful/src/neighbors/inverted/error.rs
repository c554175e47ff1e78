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
        /// Lists asked for.
        n_lists: usize,
        /// Vectors to search.
        n_samples: usize,
    },
    /// More lists to look into than there are, or none.
    #[error("n_probe is {n_probe}: expected 1 to {n_lists}, the number of lists")]
    ProbeCount {
        /// Lists to look into.
        n_probe: usize,
        /// Lists that there are.
        n_lists: usize,
    },
    /// A share that is none.
    #[error("the recall to reach is {recall}: expected a number above 0, and at most 1")]
    Recall {
        /// What was asked for.
        recall: f64,
    },
    /// A search that makes no sense, or was ended by the observer.
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
        /// What the system says.
        source: io::Error,
    },
    /// Another program's file, or a part of one.
    #[error(
        "{}: expected an index that handful has saved, found something else or a part of one", path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A newer handful's file.
    #[error(
        "{}: the index has format version {found}, and this handful reads versions up to {supported}: \
         expected a newer handful", path.display()
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// The file's version.
        found: u32,
        /// The newest that can be read.
        supported: u32,
    },
    /// Bytes have changed since it was saved.
    #[error("{}: the index is damaged: {what}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        what: String,
    },
}

impl From<Cancelled> for Error {
    fn from(cancelled: Cancelled) -> Self {
        Self::Search(cancelled.into())
    }
}

impl Error {
    /// What is wrong with the head of a file.
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
