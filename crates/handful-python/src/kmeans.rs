//! K-Means on arrays.

use handful::{
    Dataset,
    kmeans::{Centroids, Clusterable, Error, Init, KMeans, KMeansParams},
};
use ndarray::{Array1, Array2, ArrayView2, Ix1, Ix2};
use numpy::{IntoPyArray, PyArray1, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::{exceptions::PyValueError, prelude::*, types::PyDict};

use crate::{
    arrays::{Floats, Received, Vectors},
    errors::Raise,
    job,
};

/// Parameters of K-Means, which are converted to the library's `KMeansParams`.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Params<'py> {
    n_clusters: usize,
    /// `k-means++`, `random`, or the initial centroids.
    init: Start<'py>,
    n_init: usize,
    max_iter: usize,
    tol: f64,
    seed: u64,
}

#[derive(FromPyObject)]
enum Start<'py> {
    Named(String),
    At(Received<'py, f64, Ix2>),
}

impl Params<'_> {
    pub(crate) fn has_centroids(&self) -> bool {
        matches!(self.init, Start::At(_))
    }

    pub(crate) fn library(&self) -> PyResult<KMeansParams> {
        let init = match &self.init {
            Start::Named(name) if name == "k-means++" => Init::KMeansPlusPlus,
            Start::Named(name) if name == "random" => Init::Random,
            Start::Named(name) => {
                return Err(PyValueError::new_err(format!(
                    "init: expected 'k-means++', 'random' or an array, found {name:?}"
                )));
            }
            Start::At(centroids) => Init::Given(centroids.as_array().to_owned()),
        };
        let params = KMeans::params(self.n_clusters).init(init).n_init(self.n_init);
        Ok(params.max_iter(self.max_iter).tol(self.tol).seed(self.seed))
    }
}

/// Centroids as arrays: as floats and, for bytes, also as exact sums and counts.
trait AsArrays {
    fn put(self, into: &Bound<'_, PyDict>) -> PyResult<()>;
}

impl AsArrays for Array2<f64> {
    fn put(self, into: &Bound<'_, PyDict>) -> PyResult<()> {
        into.set_item("centroids", self.into_pyarray(into.py()))
    }
}

impl AsArrays for Centroids {
    fn put(self, into: &Bound<'_, PyDict>) -> PyResult<()> {
        self.to_f64().put(into)?;
        into.set_item("sums", self.sums().clone().into_pyarray(into.py()))?;
        into.set_item("counts", Array1::from(self.counts().to_vec()).into_pyarray(into.py()))
    }
}

/// Clusters rows. Returns a dictionary of `centroids`, `labels`, `cluster_sizes`, `inertia`, `n_iter` and, for bytes,
/// `sums` and `counts`.
#[pyfunction]
#[pyo3(signature = (x, params, sample_weight, n_threads, progress))]
pub(crate) fn kmeans<'py>(
    py: Python<'py>,
    x: Vectors<'py>,
    params: Params<'py>,
    sample_weight: Option<PyReadonlyArray1<'py, f64>>,
    n_threads: usize,
    progress: Option<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let (params, weights) =
        (params.library()?, sample_weight.as_ref().map(|weights| weights.as_slice()).transpose()?);
    let job = Job { params, weights, n_threads, progress };
    match x {
        Vectors::U8(x) => job.run(py, x.as_array()),
        Vectors::F32(x) => job.run(py, x.as_array()),
        Vectors::F64(x) => job.run(py, x.as_array()),
    }
}

struct Job<'a, 'py> {
    params: KMeansParams,
    weights: Option<&'a [f64]>,
    n_threads: usize,
    progress: Option<Bound<'py, PyAny>>,
}

impl<'py> Job<'_, 'py> {
    fn run<T: Clusterable>(self, py: Python<'py>, x: ArrayView2<T>) -> PyResult<Bound<'py, PyDict>>
    where
        T::Centroids: AsArrays + Send,
    {
        let Self { params, weights, n_threads, progress } = self;
        let found = job::run(py, n_threads, progress.as_ref(), |observer| {
            let params = params.observer(observer.clone());
            weights.map_or_else(|| params.fit(x), |weights| params.fit_weighted(x, weights))
        })?;
        let KMeans { centroids, labels, cluster_sizes, inertia, n_iter } = found.map_err(Raise::raise)?;
        let all = PyDict::new(py);
        centroids.put(&all)?;
        all.set_item("labels", signed(labels).into_pyarray(py))?;
        all.set_item("cluster_sizes", sizes(&cluster_sizes).into_pyarray(py))?;
        all.set_item("inertia", inertia)?;
        all.set_item("n_iter", n_iter)?;
        Ok(all)
    }
}

/// Clusters the rows of each class; the classes `y` are numbered from 0. Returns a dictionary: `prototypes` (centroids
/// rounded to bytes), the `classes` and `cluster_sizes` of the prototypes, `labels` (the prototype of each row),
/// `inertia` and `n_iter`.
#[pyfunction]
#[pyo3(signature = (x, y, n_classes, params, n_threads, progress))]
pub(crate) fn kmeans_per_class<'py>(
    py: Python<'py>,
    x: PyReadonlyArray2<'py, u8>,
    y: PyReadonlyArray1<'py, u32>,
    n_classes: usize,
    params: Params<'py>,
    n_threads: usize,
    progress: Option<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let (x, y, params) = (x.as_array(), y.to_vec()?, params.library()?);
    let names = (0..n_classes).map(|class| class.to_string()).collect();
    let found = job::run(py, n_threads, progress.as_ref(), |observer| {
        let data = Dataset::new(x.to_owned(), [1, x.ncols()], y, names)?;
        params.observer(observer.clone()).fit_per_class(&data)
    })?;
    let found = found.map_err(|error: Error| error.raise())?;
    let all = PyDict::new(py);
    all.set_item("prototypes", found.dataset.images().to_owned().into_pyarray(py))?;
    all.set_item("classes", signed(found.dataset.labels().to_vec()).into_pyarray(py))?;
    all.set_item("inertia", found.inertia())?;
    all.set_item("n_iter", found.n_iter())?;
    all.set_item("cluster_sizes", sizes(&found.cluster_sizes).into_pyarray(py))?;
    all.set_item("labels", signed(found.labels).into_pyarray(py))?;
    Ok(all)
}

/// The nearest centroid of each row, with distances in `f64`.
#[pyfunction]
pub(crate) fn nearest_centroids<'py>(
    py: Python<'py>,
    x: Floats<'py>,
    centroids: Received<'py, f64, Ix2>,
    n_threads: usize,
) -> PyResult<Bound<'py, PyArray1<i32>>> {
    let kmeans = at(centroids.as_array().to_owned());
    let labels = match x {
        Floats::F32(x) => {
            let x = x.as_array();
            job::run(py, n_threads, None, |_| kmeans.predict(x))
        }
        Floats::F64(x) => {
            let x = x.as_array();
            job::run(py, n_threads, None, |_| kmeans.predict(x))
        }
    }?;
    Ok(signed(labels.map_err(Raise::raise)?).into_pyarray(py))
}

/// The exact nearest centroid of each row of bytes. The centroids are given as sums and their divisors.
#[pyfunction]
pub(crate) fn nearest_exact<'py>(
    py: Python<'py>,
    x: PyReadonlyArray2<'py, u8>,
    sums: Received<'py, u64, Ix2>,
    counts: Received<'py, u64, Ix1>,
    n_threads: usize,
) -> PyResult<Bound<'py, PyArray1<i32>>> {
    let centroids = Centroids::from_sums(sums.as_array().to_owned(), counts.to_vec()?);
    let (x, kmeans) = (x.as_array(), at(centroids.map_err(Raise::raise)?));
    let labels = job::run(py, n_threads, None, |_| kmeans.predict(x))?;
    Ok(signed(labels.map_err(Raise::raise)?).into_pyarray(py))
}

/// A clustering of which only the centroids are known.
fn at<C>(centroids: C) -> KMeans<C> {
    KMeans { centroids, labels: Vec::new(), cluster_sizes: Vec::new(), inertia: 0.0, n_iter: 0 }
}

pub(crate) fn sizes(sizes: &[u64]) -> Array1<i64> {
    sizes.iter().map(|size| size.cast_signed()).collect()
}

/// Labels as signed integers, as is usual in NumPy.
fn signed(labels: Vec<u32>) -> Array1<i32> {
    labels.into_iter().map(u32::cast_signed).collect()
}
