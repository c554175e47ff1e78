//! Conversion of NumPy arrays to views and back.

use std::{
    ops::Deref,
    sync::atomic::{AtomicBool, Ordering},
};

use handful::distance::Element;
use ndarray::{Array2, ArrayView2, Axis, Dimension, Zip};
use numpy::{IntoPyArray, PyArray, PyArray2, PyArrayMethods, PyReadonlyArray, PyReadonlyArray2};
use pyo3::prelude::*;
use rayon::prelude::*;

use crate::job;

/// Number of rows that are checked first: most arrays that are not bytes show it early.
const ROWS: usize = 256;

/// An array of a type that can be searched and clustered.
#[derive(FromPyObject)]
pub(crate) enum Vectors<'py> {
    U8(PyReadonlyArray2<'py, u8>),
    F32(PyReadonlyArray2<'py, f32>),
    F64(PyReadonlyArray2<'py, f64>),
}

/// An array of floats.
#[derive(FromPyObject)]
pub(crate) enum Floats<'py> {
    F32(PyReadonlyArray2<'py, f32>),
    F64(PyReadonlyArray2<'py, f64>),
}

/// An array that may come from another process: in a message, numbers may be unaligned.
pub(crate) struct Received<'py, T: numpy::Element, D: Dimension>(PyReadonlyArray<'py, T, D>);

impl<'a, 'py, T: numpy::Element + 'a, D: Dimension + 'a> FromPyObject<'a, 'py> for Received<'py, T, D> {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let array = object.cast::<PyArray<T, D>>()?;
        if array.getattr("flags")?.getattr("aligned")?.extract()? {
            return Ok(Self(array.try_readonly()?));
        }
        let copy = array.call_method0("copy")?.cast_into::<PyArray<T, D>>()?;
        Ok(Self(copy.try_readonly()?))
    }
}

impl<'py, T: numpy::Element, D: Dimension> Deref for Received<'py, T, D> {
    type Target = PyReadonlyArray<'py, T, D>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// The same numbers as bytes, if all are whole and from 0 to 255.
#[pyfunction]
pub(crate) fn whole_bytes<'py>(
    py: Python<'py>,
    x: Floats<'py>,
    n_threads: usize,
) -> PyResult<Option<Bound<'py, PyArray2<u8>>>> {
    let bytes = match x {
        Floats::F32(x) => {
            let x = x.as_array();
            job::run(py, n_threads, None, |_| to_bytes(x))?
        }
        Floats::F64(x) => {
            let x = x.as_array();
            job::run(py, n_threads, None, |_| to_bytes(x))?
        }
    };
    Ok(bytes.map(|bytes| bytes.into_pyarray(py)))
}

fn to_bytes<T: Element + Into<f64>>(x: ArrayView2<T>) -> Option<Array2<u8>> {
    let first = x.axis_chunks_iter(Axis(0), ROWS).next();
    if first.is_some_and(|rows| rows.iter().any(|&value| byte(value.into()).is_none())) {
        return None;
    }
    let (mut bytes, all_whole) = (Array2::zeros(x.raw_dim()), AtomicBool::new(true));
    let blocks = bytes.axis_chunks_iter_mut(Axis(0), ROWS).into_par_iter();
    blocks.zip(x.axis_chunks_iter(Axis(0), ROWS)).for_each(|(bytes, x)| {
        if all_whole.load(Ordering::Relaxed) {
            let mut whole = true;
            Zip::from(bytes).and(x).for_each(|to, &value| {
                let found = byte(value.into());
                whole &= found.is_some();
                *to = found.unwrap_or_default();
            });
            all_whole.fetch_and(whole, Ordering::Relaxed);
        }
    });
    all_whole.into_inner().then_some(bytes)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "told by casting back")]
#[expect(clippy::float_cmp, reason = "whole or not")]
fn byte(value: f64) -> Option<u8> {
    let byte = value as u8;
    (f64::from(byte) == value).then_some(byte)
}
