//! The library's errors as Python's exceptions.

use std::io;

use handful::{classifier, dataset, kmeans, model_file, neighbors};
use pyo3::{
    PyErr,
    exceptions::{PyFileNotFoundError, PyOSError, PyPermissionError, PyValueError},
};

/// An error that Python knows.
pub(crate) trait Raise {
    fn raise(self) -> PyErr;
}

macro_rules! raise_value_error {
    ($($error:ty),*) => {
        $(impl Raise for $error {
            fn raise(self) -> PyErr {
                PyValueError::new_err(self.to_string())
            }
        })*
    };
}
raise_value_error!(classifier::Error, kmeans::Error, neighbors::Error, neighbors::inverted::Error);

impl Raise for dataset::Error {
    fn raise(self) -> PyErr {
        match &self {
            Self::NotFound { .. } => PyFileNotFoundError::new_err(self.to_string()),
            Self::Io { source, .. } => of_kind(source.kind(), self.to_string()),
            _ => PyValueError::new_err(self.to_string()),
        }
    }
}

impl Raise for model_file::Error {
    fn raise(self) -> PyErr {
        match &self {
            Self::Io { source, .. } => of_kind(source.kind(), self.to_string()),
            _ => PyValueError::new_err(self.to_string()),
        }
    }
}

fn of_kind(kind: io::ErrorKind, message: String) -> PyErr {
    match kind {
        io::ErrorKind::NotFound => PyFileNotFoundError::new_err(message),
        io::ErrorKind::PermissionDenied => PyPermissionError::new_err(message),
        _ => PyOSError::new_err(message),
    }
}
