//! Audits of labelled images.

use handful::{
    Dataset,
    audit::{Audit, Error},
    progress::Observer,
};
use ndarray::{Array1, Array2};
use numpy::{IntoPyArray, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::{prelude::*, types::PyDict};

use crate::{errors::Raise, job};

/// Audits images: the first `n_train` are training images, and the rest test images. `y` are indices of `classes`.
#[pyfunction]
#[pyo3(signature = (x, y, n_train, classes, image_shape, n_neighbors, min_score, n_threads, progress))]
#[expect(clippy::too_many_arguments, reason = "Python's keywords")]
pub(crate) fn audit<'py>(
    py: Python<'py>,
    x: PyReadonlyArray2<'py, u8>,
    y: PyReadonlyArray1<'py, u32>,
    n_train: usize,
    classes: Vec<String>,
    image_shape: [usize; 2],
    n_neighbors: usize,
    min_score: f64,
    n_threads: usize,
    progress: Option<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let (x, y) = (x.as_array(), y.to_vec()?);
    let found = job::run(py, n_threads, progress.as_ref(), |observer: &Observer| {
        let all = Dataset::new(x.to_owned(), image_shape, y, classes)?;
        let n = all.n_samples();
        let part = |rows: std::ops::Range<usize>| all.select(&rows.collect::<Vec<_>>());
        let params = Audit::params().n_neighbors(n_neighbors).min_score(min_score).observer(observer.clone());
        if n_train == n {
            params.fit(&all, None)
        } else {
            params.fit(&part(0..n_train), Some(&part(n_train..n)))
        }
    })?;
    let found = found.map_err(|error: Error| error.raise())?;
    let rows = |rows: Vec<usize>| Array1::from(rows).mapv(signed).into_pyarray(py);
    let all = PyDict::new(py);
    all.set_item("label_issues", rows(found.label_issues.iter().map(|issue| issue.row).collect()))?;
    let suggested: Array1<u32> = found.label_issues.iter().map(|issue| issue.suggested).collect();
    all.set_item("suggested", suggested.into_pyarray(py))?;
    let width = found.label_issues.iter().map(|issue| issue.neighbors.len()).min().unwrap_or(0);
    let neighbors = Array2::from_shape_fn((found.label_issues.len(), width), |(issue, rank)| {
        signed(found.label_issues[issue].neighbors[rank].row)
    });
    all.set_item("neighbors", neighbors.into_pyarray(py))?;
    all.set_item("scores", Array1::from(found.scores).into_pyarray(py))?;
    all.set_item("probabilities", found.probabilities.into_pyarray(py))?;
    let pairs = Array2::from_shape_fn((found.duplicates.len(), 2), |(pair, i)| {
        signed(found.duplicates[pair].rows[i])
    });
    all.set_item("duplicates", pairs.into_pyarray(py))?;
    let distances: Array1<f64> = found.duplicates.iter().map(|pair| pair.distance).collect();
    all.set_item("duplicate_distances", distances.into_pyarray(py))?;
    all.set_item("outliers", rows(found.outliers.iter().map(|outlier| outlier.row).collect()))?;
    all.set_item("outlier_scores", Array1::from(found.outlier_scores).into_pyarray(py))?;
    let rare = found.classes.iter().enumerate().filter(|(_, class)| class.is_rare).map(|(class, _)| class);
    all.set_item("rare_classes", rows(rare.collect()))?;
    Ok(all)
}

fn signed(row: usize) -> i64 {
    i64::try_from(row).expect("an index of an array")
}
