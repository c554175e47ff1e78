//! Exact nearest neighbours in arrays.

use handful::neighbors::{self, Algorithm};
use ndarray::Array2;
use numpy::{IntoPyArray, PyArray2, PyArrayMethods, PyReadonlyArray2};
use pyo3::{exceptions::PyTypeError, prelude::*};

use crate::{arrays::Vectors, errors::Raise, job};

/// An index of the rows of an array. It keeps the array and does not copy it.
#[pyclass(frozen, module = "handful._core")]
pub(crate) struct Index(Kind);

enum Kind {
    U8(Indexed<u8, neighbors::Index<u8>>),
    F32(Indexed<f32, neighbors::Index<f32>>),
    F64(Indexed<f64, neighbors::Index<f64>>),
}

struct Indexed<T, I> {
    points: Py<PyArray2<T>>,
    index: I,
}

/// Squared distances of bytes are whole numbers. Floats represent them exactly up to 2⁵³, or 10¹¹ features.
type Found<'py> = (Bound<'py, PyArray2<f64>>, Bound<'py, PyArray2<i64>>);

macro_rules! indexed {
    ($element:ty) => {
        impl Indexed<$element, neighbors::Index<$element>> {
            fn new<'py>(
                py: Python<'py>,
                points: PyReadonlyArray2<'py, $element>,
                algorithm: Algorithm,
                n_threads: usize,
            ) -> PyResult<Self> {
                let view = points.as_array();
                let index = job::run(py, n_threads, None, |_| neighbors::Index::new(view, algorithm))?;
                let index = index.map_err(Raise::raise)?;
                Ok(Self { points: (*points).clone().unbind(), index })
            }

            #[allow(
                clippy::cast_precision_loss,
                clippy::unnecessary_cast,
                reason = "whole numbers below 2^53, or floats"
            )]
            fn kneighbors<'py>(
                &self,
                py: Python<'py>,
                queries: PyReadonlyArray2<'py, $element>,
                n_neighbors: usize,
                n_threads: usize,
                progress: Option<&Bound<'py, PyAny>>,
            ) -> PyResult<Found<'py>> {
                let points = self.points.bind(py).try_readonly()?;
                let (points, queries) = (points.as_array(), queries.as_array());
                let found = job::run(py, n_threads, progress, |observer| {
                    self.index.clone().observer(observer.clone()).kneighbors(points, queries, n_neighbors)
                })?;
                let found = found.map_err(Raise::raise)?;
                let distances = found.distances.mapv_into_any(|squared| squared as f64);
                Ok((distances.into_pyarray(py), signed(found.indices).into_pyarray(py)))
            }
        }
    };
}

indexed!(u8);
indexed!(f32);
indexed!(f64);

pub(crate) fn signed(indices: Array2<usize>) -> Array2<i64> {
    indices.mapv(|index| i64::try_from(index).expect("a row of an array"))
}

#[pymethods]
impl Index {
    #[new]
    fn new(py: Python<'_>, points: Vectors<'_>, brute: bool, n_threads: usize) -> PyResult<Self> {
        let algorithm = if brute { Algorithm::Brute } else { Algorithm::Auto };
        Ok(Self(match points {
            Vectors::U8(points) => Kind::U8(Indexed::<u8, _>::new(py, points, algorithm, n_threads)?),
            Vectors::F32(points) => Kind::F32(Indexed::<f32, _>::new(py, points, algorithm, n_threads)?),
            Vectors::F64(points) => Kind::F64(Indexed::<f64, _>::new(py, points, algorithm, n_threads)?),
        }))
    }

    /// Squared distances and indices of the nearest points of each query. Queries must have the points' type.
    #[pyo3(signature = (queries, n_neighbors, n_threads, progress))]
    fn kneighbors<'py>(
        &self,
        py: Python<'py>,
        queries: Vectors<'py>,
        n_neighbors: usize,
        n_threads: usize,
        progress: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Found<'py>> {
        let progress = progress.as_ref();
        match (&self.0, queries) {
            (Kind::U8(points), Vectors::U8(queries)) => {
                points.kneighbors(py, queries, n_neighbors, n_threads, progress)
            }
            (Kind::F32(points), Vectors::F32(queries)) => {
                points.kneighbors(py, queries, n_neighbors, n_threads, progress)
            }
            (Kind::F64(points), Vectors::F64(queries)) => {
                points.kneighbors(py, queries, n_neighbors, n_threads, progress)
            }
            _ => Err(PyTypeError::new_err("expected queries of the same dtype as the points")),
        }
    }
}
