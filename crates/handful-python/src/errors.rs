//! Conversion of the library's errors to Python exceptions.

use std::{error::Error, io};

use handful::{audit, classifier, dataset, kmeans, labelling, model_file, neighbors};
use pyo3::{
    PyErr,
    exceptions::{PyFileNotFoundError, PyOSError, PyPermissionError, PyValueError},
};

/// An error that can be raised in Python.
pub(crate) trait Raise {
    fn raise(self) -> PyErr;
}

macro_rules! raise_value_error {
    ($($error:ty),*) => {
        $(impl Raise for $error {
            fn raise(self) -> PyErr {
                PyValueError::new_err(whole(&self))
            }
        })*
    };
}
raise_value_error!(
    audit::Error,
    classifier::Error,
    kmeans::Error,
    labelling::Error,
    neighbors::Error,
    neighbors::inverted::Error
);

impl Raise for dataset::Error {
    fn raise(self) -> PyErr {
        match &self {
            Self::NotFound { .. } => PyFileNotFoundError::new_err(whole(&self)),
            Self::Io { source, .. } => of_kind(source.kind(), whole(&self)),
            _ => PyValueError::new_err(whole(&self)),
        }
    }
}

impl Raise for model_file::Error {
    fn raise(self) -> PyErr {
        match &self {
            Self::Io { source, .. } => of_kind(source.kind(), whole(&self)),
            _ => PyValueError::new_err(whole(&self)),
        }
    }
}

/// The message of an error, followed by those of its causes.
fn whole(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    causes.fold(error.to_string(), |all, cause| format!("{all}: {cause}"))
}

fn of_kind(kind: io::ErrorKind, message: String) -> PyErr {
    match kind {
        io::ErrorKind::NotFound => PyFileNotFoundError::new_err(message),
        io::ErrorKind::PermissionDenied => PyPermissionError::new_err(message),
        _ => PyOSError::new_err(message),
    }
}
