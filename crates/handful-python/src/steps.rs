//! The steps of K-Means between passes over rows on several machines: its start, and Lloyd's iteration.

use handful::kmeans::{self, Centroids};
use ndarray::Ix2;
use numpy::{IntoPyArray, PyArray1, PyReadonlyArray2};
use pyo3::{exceptions::PyValueError, prelude::*};

use crate::{
    arrays::Received,
    errors::Raise,
    job,
    kmeans::{Params, sizes},
    passes::{Fractions, GivenFractions, GivenRows, Stats, farthest_of, fractions},
};

/// A run of Lloyd's iteration. From the statistics of a pass over all rows, it computes the centroids of the next pass.
#[pyclass(module = "handful._core")]
pub(crate) struct Steps(kmeans::LloydRun);

#[pymethods]
impl Steps {
    #[new]
    fn new(start: GivenFractions<'_>, max_iter: usize, tol: f64) -> PyResult<Self> {
        Ok(Self(kmeans::LloydRun::new(start.library()?, max_iter, tol)))
    }

    #[getter]
    fn centroids<'py>(&self, py: Python<'py>) -> Fractions<'py> {
        fractions(py, self.0.centroids())
    }

    #[getter]
    fn has_ended(&self) -> bool {
        self.0.has_ended()
    }

    #[getter]
    fn n_iter(&self) -> usize {
        self.0.n_iter()
    }

    #[getter]
    fn inertia(&self) -> f64 {
        self.0.inertia()
    }

    #[getter]
    fn cluster_sizes<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<i64>> {
        sizes(self.0.cluster_sizes()).into_pyarray(py)
    }

    fn wants_farthest(&self, stats: &Stats) -> bool {
        self.0.wants_farthest(&stats.0)
    }

    #[pyo3(signature = (stats, farthest))]
    fn step(&mut self, py: Python<'_>, stats: &Stats, farthest: Option<GivenRows<'_>>) -> PyResult<()> {
        let farthest = farthest.map(|rows| farthest_of(self.0.centroids(), &[rows])).transpose()?;
        let step = || self.0.step(stats.0.clone(), &farthest.unwrap_or_default());
        py.detach(step).map_err(Raise::raise)
    }
}

/// Number of rows, stream of random numbers and number of the run; they determine the initial centroids.
type Place = (usize, u32, usize);

/// Indices of the rows that a run needs to choose its initial centroids.
#[pyfunction]
pub(crate) fn start_rows<'py>(
    py: Python<'py>,
    params: Params<'py>,
    place: Place,
) -> PyResult<Bound<'py, PyArray1<i64>>> {
    let start = start(&params, place)?;
    let rows = start.rows().iter().map(|&row| i64::try_from(row).expect("a row of an array"));
    Ok(rows.collect::<Vec<_>>().into_pyarray(py))
}

/// The initial centroids, given those rows in the order of `start_rows`.
#[pyfunction]
pub(crate) fn start_centroids<'py>(
    py: Python<'py>,
    params: Params<'py>,
    place: Place,
    rows: PyReadonlyArray2<'py, u8>,
    n_threads: usize,
) -> PyResult<Fractions<'py>> {
    let (start, rows) = (start(&params, place)?, rows.as_array());
    let found = job::run(py, n_threads, None, |observer| start.centroids(rows, observer))?;
    Ok(fractions(py, &found.map_err(Raise::raise)?))
}

fn start(params: &Params<'_>, (n_samples, stream, run): Place) -> PyResult<kmeans::Start> {
    if params.has_centroids() {
        return Err(PyValueError::new_err("init: expected 'k-means++' or 'random', found centroids"));
    }
    params.library()?.start(n_samples, stream, run).map_err(Raise::raise)
}

/// Converts given centroids to fractions, as precisely as fractions of bytes are stored.
#[pyfunction]
pub(crate) fn given_centroids<'py>(
    py: Python<'py>,
    centroids: Received<'py, f64, Ix2>,
) -> PyResult<Fractions<'py>> {
    let centroids = Centroids::from_f64(&centroids.as_array().to_owned()).map_err(Raise::raise)?;
    Ok(fractions(py, &centroids))
}
