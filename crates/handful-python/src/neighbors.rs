//! Exact nearest neighbours in arrays.

use handful::neighbors::{self, Algorithm};
use ndarray::{Array, Array1, Dimension};
use numpy::{IntoPyArray, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray2};
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

/// Where the points of each query begin and end, their squared distances and their indices.
type Within<'py> = (Bound<'py, PyArray1<i64>>, Bound<'py, PyArray1<f64>>, Bound<'py, PyArray1<i64>>);

macro_rules! indexed {
    ($element:ty, $radius:ident => $exact:expr) => {
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

            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_precision_loss,
                clippy::cast_sign_loss,
                clippy::unnecessary_cast,
                reason = "whole numbers below 2^53, or floats; a radius saturates"
            )]
            fn radius_neighbors<'py>(
                &self,
                py: Python<'py>,
                queries: PyReadonlyArray2<'py, $element>,
                $radius: f64,
                n_threads: usize,
                progress: Option<&Bound<'py, PyAny>>,
            ) -> PyResult<Within<'py>> {
                let points = self.points.bind(py).try_readonly()?;
                let (points, queries) = (points.as_array(), queries.as_array());
                let found = job::run(py, n_threads, progress, |observer| {
                    self.index.clone().observer(observer.clone()).radius_neighbors(points, queries, $exact)
                })?;
                let found = found.map_err(Raise::raise)?;
                let distances: Array1<f64> =
                    found.distances.into_iter().map(|squared| squared as f64).collect();
                let (offsets, indices) = (signed(found.offsets.into()), signed(found.indices.into()));
                Ok((offsets.into_pyarray(py), distances.into_pyarray(py), indices.into_pyarray(py)))
            }
        }
    };
}

// Distances of bytes are whole: those up to a number are those up to its whole part.
indexed!(u8, squared_radius => squared_radius as u64);
indexed!(f32, squared_radius => squared_radius);
indexed!(f64, squared_radius => squared_radius);

/// Evaluates an expression for points and queries of the same type.
macro_rules! of_one_type {
    ($index:expr, $given:expr, |$points:ident, $queries:ident| $found:expr) => {
        match (&$index.0, $given) {
            (Kind::U8($points), Vectors::U8($queries)) => $found,
            (Kind::F32($points), Vectors::F32($queries)) => $found,
            (Kind::F64($points), Vectors::F64($queries)) => $found,
            _ => Err(PyTypeError::new_err("expected queries of the same dtype as the points")),
        }
    };
}

pub(crate) fn signed<D: Dimension>(indices: Array<usize, D>) -> Array<i64, D> {
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
        of_one_type!(self, queries, |points, queries| {
            points.kneighbors(py, queries, n_neighbors, n_threads, progress)
        })
    }

    /// The points of each query whose squared distance is at most `squared_radius`, which is not negative, nearest
    /// first. Queries must have the points' type.
    #[pyo3(signature = (queries, squared_radius, n_threads, progress))]
    fn radius_neighbors<'py>(
        &self,
        py: Python<'py>,
        queries: Vectors<'py>,
        squared_radius: f64,
        n_threads: usize,
        progress: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Within<'py>> {
        let progress = progress.as_ref();
        of_one_type!(self, queries, |points, queries| {
            points.radius_neighbors(py, queries, squared_radius, n_threads, progress)
        })
    }
}
