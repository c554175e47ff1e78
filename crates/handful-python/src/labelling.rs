//! Labels for many images from the answers to a few questions.

use handful::{
    labelling::{Answers, ClusterLabeler, Error, Spread, UnsupervisedFeatures, Vector},
    metrics,
    progress::Observer,
};
use ndarray::{Array1, ArrayView2};
use numpy::{IntoPyArray, PyArray1, PyArray2, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::{exceptions::PyValueError, prelude::*, types::PyBytes};

use crate::{arrays::Vectors, errors::Raise, job, neighbors::signed};

/// Features of images, learned without labels.
#[pyclass(frozen, module = "handful._core")]
pub(crate) struct Features(UnsupervisedFeatures);

#[pymethods]
impl Features {
    #[new]
    fn new(
        py: Python<'_>,
        images: PyReadonlyArray2<'_, u8>,
        image_shape: [usize; 2],
        n_threads: usize,
        progress: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let images = images.as_array();
        let found = job::run(py, n_threads, progress.as_ref(), |observer| {
            UnsupervisedFeatures::fit(images, image_shape, observer)
        })?;
        found.map(Self).map_err(|error| Error::from(error).raise())
    }

    fn transform<'py>(
        &self,
        py: Python<'py>,
        images: PyReadonlyArray2<'py, u8>,
        n_threads: usize,
    ) -> PyResult<Bound<'py, PyArray2<u8>>> {
        let images = images.as_array();
        Ok(job::run(py, n_threads, None, |_| self.0.transform(images))?.into_pyarray(py))
    }

    #[staticmethod]
    fn from_bytes(bytes: &[u8]) -> PyResult<Self> {
        UnsupervisedFeatures::from_bytes(bytes).map(Self).map_err(PyValueError::new_err)
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        let read = py.get_type::<Self>().getattr("from_bytes")?;
        Ok((read, (PyBytes::new(py, &self.0.to_bytes()),)))
    }
}

/// Vectors that are grouped and connected. It copies them.
#[pyclass(frozen, module = "handful._core")]
pub(crate) struct Labeler(Kind);

enum Kind {
    U8(ClusterLabeler<u8>),
    F32(ClusterLabeler<f32>),
    F64(ClusterLabeler<f64>),
}

/// The share of each class at each row.
type Shares<'py> = Bound<'py, PyArray2<f32>>;
type Rows<'py> = Bound<'py, PyArray1<i64>>;

#[pymethods]
impl Labeler {
    #[new]
    fn new(
        py: Python<'_>,
        x: Vectors<'_>,
        n_clusters: usize,
        seed: u64,
        n_threads: usize,
        progress: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        fn fit<T: Vector>(
            py: Python<'_>,
            x: ArrayView2<T>,
            (n_clusters, seed, n_threads): (usize, u64, usize),
            progress: Option<&Bound<'_, PyAny>>,
        ) -> PyResult<ClusterLabeler<T>> {
            let found = job::run(py, n_threads, progress, |observer| {
                ClusterLabeler::params(n_clusters).seed(seed).observer(observer.clone()).fit(x.to_owned())
            })?;
            // Later work has no progress of its own.
            found.map(|labeler| labeler.observer(Observer::default())).map_err(Raise::raise)
        }
        let job = (n_clusters, seed, n_threads);
        Ok(Self(match x {
            Vectors::U8(x) => Kind::U8(fit(py, x.as_array(), job, progress.as_ref())?),
            Vectors::F32(x) => Kind::F32(fit(py, x.as_array(), job, progress.as_ref())?),
            Vectors::F64(x) => Kind::F64(fit(py, x.as_array(), job, progress.as_ref())?),
        }))
    }

    /// The rows to ask about before any answer.
    fn first_questions<'py>(&self, py: Python<'py>, n_threads: usize) -> PyResult<Rows<'py>> {
        let found = job::run(py, n_threads, None, |_| match &self.0 {
            Kind::U8(labeler) => questions(labeler, &Answers::default()),
            Kind::F32(labeler) => questions(labeler, &Answers::default()),
            Kind::F64(labeler) => questions(labeler, &Answers::default()),
        })?;
        Ok(signed(Array1::from(found)).into_pyarray(py))
    }

    /// Spreads the labels of some rows. Returns the shares of the classes, and the rows to ask about next.
    fn spread<'py>(
        &self,
        py: Python<'py>,
        rows: PyReadonlyArray1<'py, i64>,
        labels: PyReadonlyArray1<'py, u32>,
        n_classes: usize,
        n_threads: usize,
    ) -> PyResult<(Shares<'py>, Rows<'py>)> {
        let mut answers = Answers::default();
        for (&row, &label) in rows.as_array().iter().zip(labels.as_array()) {
            let row = usize::try_from(row).map_err(|_| PyValueError::new_err("expected rows from 0 on"))?;
            answers.label(row, label);
        }
        let found = job::run(py, n_threads, None, |_| match &self.0 {
            Kind::U8(labeler) => spread(labeler, &answers, n_classes),
            Kind::F32(labeler) => spread(labeler, &answers, n_classes),
            Kind::F64(labeler) => spread(labeler, &answers, n_classes),
        })?;
        let (spread, next) = found.map_err(Raise::raise)?;
        Ok((spread.shares.into_pyarray(py), signed(Array1::from(next)).into_pyarray(py)))
    }

    /// All rows in a random order.
    fn sample<'py>(&self, py: Python<'py>) -> Rows<'py> {
        let found = match &self.0 {
            Kind::U8(labeler) => labeler.sample(),
            Kind::F32(labeler) => labeler.sample(),
            Kind::F64(labeler) => labeler.sample(),
        };
        signed(Array1::from(found)).into_pyarray(py)
    }
}

fn questions<T: Vector>(labeler: &ClusterLabeler<T>, answers: &Answers) -> Vec<usize> {
    labeler.questions(answers).into_iter().map(|question| question.image).collect()
}

/// The labels of all rows, and the rows to ask about next: medoids, or after them as many doubtful rows.
fn spread<T: Vector>(
    labeler: &ClusterLabeler<T>,
    answers: &Answers,
    n_classes: usize,
) -> Result<(Spread, Vec<usize>), Error> {
    let spread = labeler.spread(answers, n_classes)?;
    let medoids = questions(labeler, answers);
    let next = if medoids.is_empty() {
        labeler.doubtful(&spread, labeler.n_clusters(), |row| answers.of(row).is_some())
    } else {
        medoids
    };
    Ok((spread, next))
}

/// The 95 % score interval of a proportion.
#[pyfunction]
pub(crate) fn wilson_interval(correct: u64, total: u64) -> (f64, f64) {
    let [low, high] = metrics::wilson_interval(correct, total);
    (low, high)
}
