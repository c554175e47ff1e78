//! K-Means pass by pass, for rows on several machines: the work on each machine, and the merging of the results.

use std::sync::Mutex;

use handful::kmeans::{self, Centroids, Error, Farthest, PartialStats};
use ndarray::{Array1, Array2, Axis, Ix1, Ix2, stack};
use numpy::{IntoPyArray, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2, ToPyArray};
use pyo3::{exceptions::PyValueError, prelude::*};

use crate::{arrays::Received, errors::Raise, job};

/// Centroids as sums and their divisors.
pub(crate) type Fractions<'py> = (Bound<'py, PyArray2<u64>>, Bound<'py, PyArray1<u64>>);

/// Rows as indices, labels and pixels.
type Rows<'py> = (Bound<'py, PyArray1<u64>>, Bound<'py, PyArray1<u32>>, Bound<'py, PyArray2<u8>>);

/// The same, as arguments from Python.
#[derive(FromPyObject)]
pub(crate) struct GivenFractions<'py>(Received<'py, u64, Ix2>, Received<'py, u64, Ix1>);

#[derive(FromPyObject)]
pub(crate) struct GivenRows<'py>(Received<'py, u64, Ix1>, Received<'py, u32, Ix1>, Received<'py, u8, Ix2>);

impl GivenFractions<'_> {
    pub(crate) fn library(&self) -> PyResult<Centroids> {
        Centroids::from_sums(self.0.as_array().to_owned(), self.1.to_vec()?).map_err(Raise::raise)
    }
}

pub(crate) fn fractions<'py>(py: Python<'py>, centroids: &Centroids) -> Fractions<'py> {
    (centroids.sums().to_pyarray(py), PyArray1::from_slice(py, centroids.counts()))
}

/// Statistics of rows, which can be sent between processes and added.
#[pyclass(frozen, module = "handful._core")]
pub(crate) struct Stats(pub(crate) PartialStats);

#[pymethods]
impl Stats {
    /// `squares` are numbers of 128 bits in two halves, the lower one first; shape (`n_clusters`, 2).
    #[new]
    fn new(
        counts: Received<'_, u64, Ix1>,
        sums: Received<'_, u64, Ix2>,
        squares: Received<'_, u64, Ix2>,
    ) -> PyResult<Self> {
        let halves = squares.as_array();
        if halves.ncols() != 2 {
            return Err(PyValueError::new_err(
                "expected two columns: the low and the high half of each square",
            ));
        }
        let squares =
            halves.outer_iter().map(|halves| u128::from(halves[0]) | u128::from(halves[1]) << 64).collect();
        let stats = PartialStats::from_parts(counts.to_vec()?, sums.as_array().to_owned(), squares);
        stats.map(Self).map_err(Raise::raise)
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
        let (py, stats) = (slf.py(), &slf.get().0);
        #[expect(clippy::cast_possible_truncation, reason = "a half")]
        let half =
            |shift| stats.squares().iter().map(|squares| (squares >> shift) as u64).collect::<Array1<_>>();
        let squares = stack(Axis(1), &[half(0).view(), half(64).view()]).expect("two of one length");
        let parts =
            (PyArray1::from_slice(py, stats.counts()), stats.sums().to_pyarray(py), squares.into_pyarray(py));
        Ok((slf.get_type().into_any(), parts.into_pyobject(py)?.into_any()))
    }

    fn __sizeof__(&self) -> usize {
        size_of_val(self) + 8 * self.0.sums().len() + 24 * self.0.counts().len()
    }

    /// The sum of statistics with the same number of clusters.
    #[staticmethod]
    fn sum(py: Python<'_>, parts: Vec<Py<Self>>) -> PyResult<Self> {
        let mut parts = parts.iter().map(|part| &part.get().0);
        let first = parts.next().ok_or_else(|| PyValueError::new_err("expected at least one part"))?;
        let mut all = first.clone();
        for part in parts {
            if part.sums().dim() != all.sums().dim() {
                return Err(PyValueError::new_err(
                    "expected all statistics to have the same number of clusters and features",
                ));
            }
            py.detach(|| all.merge(part));
        }
        Ok(Self(all))
    }

    /// Number of rows in each cluster.
    #[getter]
    fn counts<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<u64>> {
        PyArray1::from_slice(py, self.0.counts())
    }

    /// Mean variance of the features.
    fn mean_variance(&self) -> f64 {
        self.0.mean_variance()
    }
}

/// A part of the rows, and what is known about them from previous passes.
#[pyclass(frozen, module = "handful._core")]
pub(crate) struct Shard {
    rows: Py<PyArray2<u8>>,
    known: Mutex<kmeans::RowAssignments>,
    /// Number of groups times number of runs.
    n_sets: usize,
}

#[pymethods]
impl Shard {
    #[new]
    #[pyo3(signature = (rows, groups, n_groups, n_runs))]
    fn new(
        py: Python<'_>,
        rows: PyReadonlyArray2<'_, u8>,
        groups: Option<PyReadonlyArray1<'_, u32>>,
        n_groups: usize,
        n_runs: usize,
    ) -> PyResult<Self> {
        let view = rows.as_array();
        let groups = groups.map(|groups| groups.to_vec()).transpose()?;
        let is_right = |groups: &Vec<u32>| {
            groups.len() == view.nrows() && groups.iter().all(|&group| (group as usize) < n_groups)
        };
        if !groups.as_ref().is_none_or(is_right) || n_groups == 0 || n_runs == 0 {
            return Err(PyValueError::new_err(
                "expected the number of an existing group for each row, and at least one run",
            ));
        }
        let shard = py.detach(|| kmeans::RowAssignments::new(&view, groups.as_deref(), n_groups, n_runs));
        let n_sets = n_groups * n_runs;
        Ok(Self { rows: (*rows).clone().unbind(), known: Mutex::new(shard), n_sets })
    }

    /// Assigns each row to its nearest centroid. Returns the statistics for each set that has centroids.
    #[pyo3(name = "pass_over")]
    fn pass(
        &self,
        py: Python<'_>,
        centroids: Vec<Option<GivenFractions<'_>>>,
        n_threads: usize,
    ) -> PyResult<Vec<Option<Stats>>> {
        if centroids.len() != self.n_sets {
            let message = format!("expected centroids of {} sets, found {}", self.n_sets, centroids.len());
            return Err(PyValueError::new_err(message));
        }
        let given = |given: Option<GivenFractions<'_>>| given.map(|given| given.library()).transpose();
        let centroids = centroids.into_iter().map(given).collect::<PyResult<Vec<_>>>()?;
        let rows = self.rows.bind(py).try_readonly()?;
        let rows = rows.as_array();
        let found = job::run(py, n_threads, None, |_| {
            let mut shard = self.known.lock().expect("no panic while locked");
            let sets: Vec<_> = centroids.iter().map(Option::as_ref).collect();
            shard.pass(&rows, &sets)?;
            let stats = |(set, centroids): (usize, &Option<_>)| {
                centroids.as_ref().map(|_| Stats(shard.stats(set).clone()))
            };
            Ok(sets.iter().enumerate().map(stats).collect())
        })?;
        found.map_err(|error: Error| error.raise())
    }

    /// Statistics of each group, with all its rows as one cluster.
    fn totals(&self, py: Python<'_>, n_threads: usize) -> PyResult<Vec<Stats>> {
        let rows = self.rows.bind(py).try_readonly()?;
        let rows = rows.as_array();
        let found = job::run(py, n_threads, None, |_| {
            self.known.lock().expect("no panic while locked").totals(&rows)
        })?;
        Ok(found.map_err(Raise::raise)?.into_iter().map(Stats).collect())
    }

    /// The rows of a set that are farthest from its centroids. Row indices count from `first`.
    fn farthest<'py>(
        &self,
        py: Python<'py>,
        set: usize,
        centroids: GivenFractions<'py>,
        first: u64,
        n_threads: usize,
    ) -> PyResult<Rows<'py>> {
        // Repeating a pass costs little. On another machine, it may not have been made yet.
        let mut sets: Vec<_> = (0..self.n_sets).map(|_| None).collect();
        *sets
            .get_mut(set)
            .ok_or_else(|| PyValueError::new_err("expected the number of an existing set"))? =
            Some(centroids);
        self.pass(py, sets, n_threads)?;
        let rows = self.rows.bind(py).try_readonly()?;
        let rows = rows.as_array();
        let found = job::run(py, n_threads, None, |_| {
            self.known.lock().expect("no panic while locked").farthest(&rows, set, first)
        })?;
        Ok(as_rows(py, &found.map_err(Raise::raise)?, rows.ncols()))
    }
}

fn as_rows<'py>(py: Python<'py>, farthest: &Farthest, n_features: usize) -> Rows<'py> {
    let (numbers, labels): (Vec<_>, Vec<_>) =
        farthest.rows().map(|(number, label, _)| (number, label)).unzip();
    let pixels = farthest.rows().flat_map(|(.., pixels)| pixels).copied().collect();
    let pixels = Array2::from_shape_vec((numbers.len(), n_features), pixels).expect("whole rows");
    (numbers.into_pyarray(py), labels.into_pyarray(py), pixels.into_pyarray(py))
}

/// The rows that are farthest from their centroids, among several lists of rows.
pub(crate) fn farthest_of(centroids: &Centroids, parts: &[GivenRows<'_>]) -> PyResult<Farthest> {
    let mut farthest = Farthest::new(centroids.n_clusters());
    for GivenRows(numbers, labels, pixels) in parts {
        let (numbers, labels, pixels) = (numbers.as_array(), labels.as_array(), pixels.as_array());
        let fits = numbers.len() == pixels.nrows()
            && labels.len() == pixels.nrows()
            && pixels.ncols() == centroids.n_features()
            && labels.iter().all(|&label| (label as usize) < centroids.n_clusters());
        if !fits {
            return Err(PyValueError::new_err(
                "expected one number, one label and all features for each row",
            ));
        }
        for ((&number, &label), pixels) in numbers.iter().zip(labels).zip(pixels.outer_iter()) {
            farthest.offer(centroids, label, number, pixels);
        }
    }
    Ok(farthest)
}

/// Merges the farthest rows that were found in the parts.
#[pyfunction]
pub(crate) fn merge_farthest<'py>(
    py: Python<'py>,
    centroids: GivenFractions<'py>,
    parts: Vec<GivenRows<'py>>,
) -> PyResult<Rows<'py>> {
    let centroids = centroids.library()?;
    Ok(as_rows(py, &farthest_of(&centroids, &parts)?, centroids.n_features()))
}
