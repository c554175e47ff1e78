//! Loading of data sets as arrays.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
};

use handful::{
    Dataset,
    dataset::{self, Invert, Notes, Parts, ReadOptions, Split},
    preprocess::Framing,
};
use numpy::{IntoPyArray, PyArray1, PyArray2};
use pyo3::{exceptions::PyValueError, prelude::*};

use crate::{errors::Raise, job};

/// Images, and the index of each image's class.
type Part<'py> = (Bound<'py, PyArray2<u8>>, Bound<'py, PyArray1<u32>>);

/// The parts of a data set, of which there are one or two, the names of its classes, and notes on what was inferred from
/// its content.
type Loaded<'py> = (Vec<Part<'py>>, Vec<String>, Vec<String>);

/// The folder of MNIST.
#[pyfunction]
pub(crate) fn locate() -> PyResult<PathBuf> {
    dataset::locate().map_err(Raise::raise)
}

/// The folder for downloaded data.
#[pyfunction]
pub(crate) fn user_folder() -> Option<PathBuf> {
    dataset::user_folder()
}

/// The `auto`, `both`, `train` or `test` part of a data set, the names of its classes, and notes on what was inferred.
#[pyfunction]
pub(crate) fn load<'py>(
    py: Python<'py>,
    path: PathBuf,
    part: &str,
    label_column: &str,
    framing: &str,
    invert: &str,
) -> PyResult<Loaded<'py>> {
    let framing = chosen("framing", framing, [Framing::Auto, Framing::Always, Framing::Never])?;
    let invert = chosen("invert", invert, [Invert::Auto, Invert::Always, Invert::Never])?;
    let told = Arc::new(Mutex::new(Vec::new()));
    let listener = Arc::clone(&told);
    let notes = Notes::to(move |note| {
        if let Ok(mut told) = listener.lock() {
            told.push(note.to_string());
        }
    });
    let Ok(label_column) = label_column.parse();
    let options = ReadOptions { framing, invert, label_column, notes, ..ReadOptions::default() };
    let load = |_: &_| match part {
        "auto" => dataset::load_any(&path, &options),
        "both" => dataset::load_with(&path, &options).map(Parts::Both),
        "train" => dataset::load_split(&path, Split::Train, &options).map(Parts::One),
        _ => dataset::load_split(&path, Split::Test, &options).map(Parts::One),
    };
    let parts = match job::run(py, 1, None, load)?.map_err(Raise::raise)? {
        Parts::Both(both) => vec![both.train, both.test],
        Parts::One(all) => vec![all],
    };
    let told = told.lock().map(|told| told.clone()).unwrap_or_default();
    let arrays = parts.iter().map(|part| arrays(py, part)).collect();
    Ok((arrays, parts[0].classes().to_vec(), told))
}

/// The value of a parameter with three choices.
fn chosen<T>(parameter: &str, name: &str, [auto, always, never]: [T; 3]) -> PyResult<T> {
    match name {
        "auto" => Ok(auto),
        "always" => Ok(always),
        "never" => Ok(never),
        _ => {
            let problem = format!("{parameter}: expected 'auto', 'always' or 'never', found {name:?}");
            Err(PyValueError::new_err(problem))
        }
    }
}

/// The number of rows in each row group of a Parquet file of pictures, and the shape and the label of its first image.
#[pyfunction]
pub(crate) fn parquet_groups(
    py: Python<'_>,
    path: PathBuf,
) -> PyResult<(Vec<usize>, [usize; 2], Option<String>)> {
    let read = |_: &_| {
        let groups = dataset::RowGroups::open(&path)?;
        let mut reader = dataset::Reader::open(&path, Split::Train)?;
        let first = reader.read(1)?.and_then(|images| images.labels?.pop());
        Ok((groups.sizes().to_vec(), reader.image_shape(), first))
    };
    job::run(py, 1, None, read)?.map_err(|error: dataset::Error| error.raise())
}

/// The images of the row groups `first` to `end`, without `end`.
#[pyfunction]
pub(crate) fn parquet_images(
    py: Python<'_>,
    path: PathBuf,
    first: usize,
    end: usize,
) -> PyResult<Bound<'_, PyArray2<u8>>> {
    let read = |_: &_| dataset::RowGroups::open(&path)?.images(first..end);
    let images = job::run(py, 1, None, read)?.map_err(Raise::raise)?;
    Ok(images.pixels.into_owned().into_pyarray(py))
}

/// The labels of the row groups `first` to `end`, without `end`.
#[pyfunction]
pub(crate) fn parquet_labels(
    py: Python<'_>,
    path: PathBuf,
    first: usize,
    end: usize,
) -> PyResult<Vec<String>> {
    let read = |_: &_| dataset::RowGroups::open(&path)?.labels(first..end);
    job::run(py, 1, None, read)?.map_err(Raise::raise)
}

fn arrays<'py>(py: Python<'py>, data: &Dataset) -> Part<'py> {
    (data.images().to_owned().into_pyarray(py), PyArray1::from_slice(py, data.labels()))
}
