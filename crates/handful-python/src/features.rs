//! Transformations from image to image, and from image to vector, on arrays of bytes.

use handful::{
    features::{Activation, Dictionary, Gradients},
    neighbors,
    preprocess::{Deskew, Frame},
};
use ndarray::{Array2, ArrayView2};
use numpy::{IntoPyArray, PyArray2, PyReadonlyArray2};
use pyo3::{exceptions::PyValueError, prelude::*};

use crate::{errors::Raise, job};

/// No model supports larger images.
const MOST_PIXELS: usize = 65_536;

type Bytes<'py> = Bound<'py, PyArray2<u8>>;

/// Straightens and centres images, and scales them towards a common size by `normalize`.
#[pyfunction]
pub(crate) fn deskew<'py>(
    py: Python<'py>,
    images: PyReadonlyArray2<'py, u8>,
    image_shape: [usize; 2],
    normalize: f64,
    n_threads: usize,
) -> PyResult<Bytes<'py>> {
    let images = images.as_array();
    check_shape(images, image_shape)?;
    let deskew = Deskew::new().normalize(normalize);
    rows(py, n_threads, images, |images| deskew.transform(images, image_shape))
}

/// Histograms of gradient directions.
#[pyfunction]
pub(crate) fn gradients<'py>(
    py: Python<'py>,
    images: PyReadonlyArray2<'py, u8>,
    image_shape: [usize; 2],
    n_bins: usize,
    n_cells: usize,
    n_threads: usize,
) -> PyResult<Bytes<'py>> {
    let images = images.as_array();
    check_shape(images, image_shape)?;
    let gradients = Gradients::try_from((n_bins, n_cells)).map_err(PyValueError::new_err)?;
    rows(py, n_threads, images, |images| gradients.transform(images, image_shape))
}

/// Converts a picture of any size to an image of the given shape, with the ink where a digit's would be.
#[pyfunction]
pub(crate) fn frame<'py>(
    py: Python<'py>,
    picture: PyReadonlyArray2<'py, u8>,
    image_shape: [usize; 2],
) -> PyResult<Bytes<'py>> {
    let picture = picture.as_array();
    let pixels =
        image_shape[0].checked_mul(image_shape[1]).filter(|pixels| (1..=MOST_PIXELS).contains(pixels));
    if picture.is_empty() || pixels.is_none() {
        let message = format!(
            "expected a picture with at least one pixel, and an image_shape of 1 to {MOST_PIXELS} pixels"
        );
        return Err(PyValueError::new_err(message));
    }
    let frame = Frame::new(image_shape);
    Ok(job::run(py, 1, None, |_| frame.fit(picture))?.into_pyarray(py))
}

/// The variance of radial basis functions around atoms: `spread` times the median squared distance of rows to atoms.
#[pyfunction]
pub(crate) fn radial_variance<'py>(
    py: Python<'py>,
    x: PyReadonlyArray2<'py, u8>,
    atoms: PyReadonlyArray2<'py, u8>,
    spread: f64,
    n_threads: usize,
) -> PyResult<f32> {
    let (x, atoms) = (x.as_array(), checked(atoms.as_array(), x.as_array())?);
    let found =
        job::run(py, n_threads, None, |_| Dictionary::new(atoms, Activation::Triangle).radial(spread, x))?;
    match found.activation() {
        Activation::RadialBasis { variance } => Ok(variance),
        Activation::Triangle => unreachable!("radial bases were asked for"),
    }
}

/// The similarity of each row to each atom.
#[pyfunction]
#[pyo3(signature = (x, atoms, variance, n_threads))]
pub(crate) fn look_up<'py>(
    py: Python<'py>,
    x: PyReadonlyArray2<'py, u8>,
    atoms: PyReadonlyArray2<'py, u8>,
    variance: Option<f32>,
    n_threads: usize,
) -> PyResult<Bytes<'py>> {
    let (x, atoms) = (x.as_array(), checked(atoms.as_array(), x.as_array())?);
    let activation = variance.map_or(Activation::Triangle, |variance| Activation::RadialBasis { variance });
    let dictionary = Dictionary::new(atoms, activation);
    rows(py, n_threads, x, |x| dictionary.transform(x))
}

/// Transforms each row separately.
fn rows<'py>(
    py: Python<'py>,
    n_threads: usize,
    x: ArrayView2<u8>,
    transform: impl Fn(ArrayView2<u8>) -> Array2<u8> + Sync + Send,
) -> PyResult<Bytes<'py>> {
    let found = job::run(py, n_threads, None, |observer| {
        job::rows_in_blocks(observer, x, |x| Ok::<_, neighbors::Error>(transform(x)))
    })?;
    Ok(found.map_err(Raise::raise)?.into_pyarray(py))
}

fn check_shape(images: ArrayView2<u8>, [height, width]: [usize; 2]) -> PyResult<()> {
    let found = images.ncols();
    if height.checked_mul(width) == Some(found) && found > 0 {
        return Ok(());
    }
    let message = format!("expected images of {height} x {width} pixels, found {found} pixels");
    Err(PyValueError::new_err(message))
}

/// Checks that rows can be compared with the atoms. Distances between longer rows do not fit into 32 bits.
fn checked(atoms: ArrayView2<u8>, x: ArrayView2<u8>) -> PyResult<Array2<u8>> {
    const MOST: usize = 1 << 15;
    let found = x.ncols();
    if found > MOST {
        return Err(PyValueError::new_err(format!("expected at most {MOST} features, found {found}")));
    }
    if atoms.is_empty() || x.is_empty() || atoms.ncols() != found {
        return Err(PyValueError::new_err(
            "expected at least one atom, at least one row, and rows that are as long as the atoms",
        ));
    }
    Ok(atoms.to_owned())
}
