//! Data sets as arrays.

use std::path::PathBuf;

use handful::{Dataset, dataset};
use numpy::{IntoPyArray, PyArray1, PyArray2};
use pyo3::prelude::*;

use crate::{errors::Raise, job};

/// Images, and for each the number of its class.
type Part<'py> = (Bound<'py, PyArray2<u8>>, Bound<'py, PyArray1<u32>>);

/// Where MNIST is.
#[pyfunction]
pub(crate) fn locate() -> PyResult<PathBuf> {
    dataset::locate().map_err(Raise::raise)
}

/// Where data that is fetched goes.
#[pyfunction]
pub(crate) fn user_folder() -> Option<PathBuf> {
    dataset::user_folder()
}

/// Both parts of a data set, and the names of its classes.
#[pyfunction]
pub(crate) fn load(py: Python<'_>, path: PathBuf) -> PyResult<(Part<'_>, Part<'_>, Vec<String>)> {
    let both = job::run(py, 1, None, |_| dataset::load(&path))?.map_err(Raise::raise)?;
    Ok((arrays(py, &both.train), arrays(py, &both.test), both.train.classes().to_vec()))
}

fn arrays<'py>(py: Python<'py>, data: &Dataset) -> Part<'py> {
    (data.images().to_owned().into_pyarray(py), PyArray1::from_slice(py, data.labels()))
}
