//! Nearest neighbours in an inverted index: lists of an array's rows, made by K-Means.

use std::sync::Arc;

use handful::neighbors::{self, Neighbors, Searcher};
use ndarray::ArrayView2;
use numpy::{IntoPyArray, PyArray2, PyReadonlyArray2};
use pyo3::prelude::*;

use crate::{errors::Raise, job, neighbors::signed};

/// An inverted index of the rows of an array. It copies the rows.
#[pyclass(frozen, module = "handful._core")]
pub(crate) struct InvertedIndex {
    index: Arc<neighbors::InvertedIndex>,
}

type Found<'py> = (Bound<'py, PyArray2<f64>>, Bound<'py, PyArray2<i64>>);

#[pymethods]
impl InvertedIndex {
    #[new]
    #[pyo3(signature = (points, n_lists, n_probe, n_threads, progress))]
    fn new<'py>(
        py: Python<'py>,
        points: PyReadonlyArray2<'py, u8>,
        n_lists: Option<usize>,
        n_probe: Option<usize>,
        n_threads: usize,
        progress: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Self> {
        let view: ArrayView2<u8> = points.as_array();
        let index = job::run(py, n_threads, progress.as_ref(), |observer| {
            let mut params = neighbors::InvertedIndex::params().observer(observer.clone());
            if let Some(n_lists) = n_lists {
                params = params.n_lists(n_lists);
            }
            if let Some(n_probe) = n_probe {
                params = params.n_probe(n_probe);
            }
            params.fit(&view)
        })?;
        Ok(Self { index: Arc::new(index.map_err(Raise::raise)?) })
    }

    #[getter]
    fn n_lists(&self) -> usize {
        self.index.n_lists()
    }

    #[getter]
    fn n_probe(&self) -> usize {
        self.index.n_probe()
    }

    #[getter]
    fn recall(&self) -> f64 {
        self.index.recall()
    }

    /// Squared distances and indices of the nearest points in the lists that each query searches.
    #[pyo3(signature = (queries, n_neighbors, n_threads, progress))]
    #[expect(clippy::cast_precision_loss, reason = "whole numbers below 2^53")]
    fn kneighbors<'py>(
        &self,
        py: Python<'py>,
        queries: PyReadonlyArray2<'py, u8>,
        n_neighbors: usize,
        n_threads: usize,
        progress: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Found<'py>> {
        let queries = queries.as_array();
        let found = job::run(py, n_threads, progress.as_ref(), |observer| {
            Searcher::Inverted(Arc::clone(&self.index), observer.clone()).kneighbors(queries, n_neighbors)
        })?;
        let Neighbors { distances, indices } = found.map_err(Raise::raise)?;
        Ok((distances.mapv(|squared| squared as f64).into_pyarray(py), signed(indices).into_pyarray(py)))
    }
}
