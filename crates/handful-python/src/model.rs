//! Models: training, saving, loading and prediction.

use std::{path::PathBuf, sync::Arc};

use handful::{
    Dataset,
    classifier::{self, Explanation, IndexParams, Params, Preset, Voter},
    dataset::decode_picture,
    preprocess::Framing,
    progress::Observer,
};
use ndarray::{Array2, ArrayView2};
use numpy::{IntoPyArray, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2, ToPyArray};
use pyo3::{
    exceptions::PyValueError,
    prelude::*,
    pybacked::PyBackedBytes,
    types::{PyBytes, PyDict},
};

use rayon::prelude::*;

use crate::{errors::Raise, job};

/// How a recipe is changed and fitted.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Options {
    preset: String,
    seed: Option<u64>,
    /// Number of prototypes per class, 0 for all images; `None` as the preset.
    prototypes: Option<usize>,
    n_neighbors: Option<usize>,
    /// Whether prototypes are searched in an inverted index, with this many lists, of which this many are searched.
    inverted: bool,
    n_lists: Option<usize>,
    n_probe: Option<usize>,
    /// Whether to measure the calibration on images held out from those given.
    calibrates: bool,
    /// Whether the model keeps pictures of the prototypes.
    pictures: bool,
}

impl Options {
    fn params(&self, preset: Preset) -> Params {
        let mut params = preset.params();
        params.seed = self.seed.unwrap_or(params.seed);
        if let Some(n) = self.prototypes {
            params = params.with_prototypes((n > 0).then_some(n));
        }
        if let Some(n) = self.n_neighbors {
            params = params.with_n_neighbors(n);
        }
        if self.inverted {
            params.index = IndexParams::Inverted { n_lists: self.n_lists, n_probe: self.n_probe };
        }
        params
    }
}

/// A fitted recipe. Images are rows of bytes, and labels are indices of classes.
#[pyclass(frozen, module = "handful._core")]
pub(crate) struct Model(Arc<classifier::Model>);

#[pymethods]
impl Model {
    /// The preset with this name, trained on MNIST.
    #[staticmethod]
    fn preset(py: Python<'_>, name: &str) -> PyResult<Self> {
        let preset: Preset = name.parse().map_err(PyValueError::new_err)?;
        job::run(py, 1, None, |_| preset.trained())?.map(Self::from).map_err(Raise::raise)
    }

    /// Names of the presets, from the simplest to the most complex.
    #[staticmethod]
    fn presets() -> Vec<&'static str> {
        Preset::ALL.into_iter().map(Preset::name).collect()
    }

    /// Fits the recipe of a preset on images. `y` are indices of `classes`, the names of labels of type `label_type`.
    #[staticmethod]
    #[pyo3(signature = (x, y, classes, label_type, image_shape, options, n_threads, progress))]
    #[expect(clippy::too_many_arguments, reason = "Python's keywords")]
    fn train<'py>(
        py: Python<'py>,
        x: PyReadonlyArray2<'py, u8>,
        y: PyReadonlyArray1<'py, u32>,
        classes: Vec<String>,
        label_type: &str,
        image_shape: [usize; 2],
        options: Options,
        n_threads: usize,
        progress: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Self> {
        let preset: Preset = options.preset.parse().map_err(PyValueError::new_err)?;
        let params = options.params(preset);
        let (x, y) = (x.as_array(), y.to_vec()?);
        let found = job::run(py, n_threads, progress.as_ref(), |observer| {
            let data = Dataset::new(x.to_owned(), image_shape, y, classes)?;
            let observed = params.observer(observer.clone());
            let model =
                if options.calibrates { observed.fit_calibrated(&data)? } else { observed.fit(&data)? };
            let model = model.named_after(preset);
            let model = model.with_label_type(label_type)?.observer(observer.clone());
            let model = if options.pictures { model.with_pictures(&data)? } else { model };
            // Later calls report to their own callbacks.
            Ok(model.observer(Observer::default()))
        })?;
        found.map(Self::from).map_err(|error: classifier::Error| error.raise())
    }

    /// The same model with these images as further prototypes. `y` are indices of `classes`.
    fn taught(
        &self,
        py: Python<'_>,
        x: PyReadonlyArray2<'_, u8>,
        y: PyReadonlyArray1<'_, u32>,
        classes: Vec<String>,
        n_threads: usize,
    ) -> PyResult<Self> {
        let (x, y) = (x.as_array(), y.to_vec()?);
        let found = job::run(py, n_threads, None, |_| {
            let images = Dataset::new(x.to_owned(), self.0.image_shape(), y, classes)?;
            self.0.taught(&images)
        })?;
        found.map(Self::from).map_err(|error: classifier::Error| error.raise())
    }

    #[staticmethod]
    fn load(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        job::run(py, 1, None, |_| classifier::Model::load(&path))?.map(Self::from).map_err(Raise::raise)
    }

    #[staticmethod]
    fn from_bytes(py: Python<'_>, bytes: &[u8]) -> PyResult<Self> {
        job::run(py, 1, None, |_| classifier::Model::from_bytes(bytes))?.map(Self::from).map_err(Raise::raise)
    }

    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.0.to_bytes().map_err(Raise::raise)?))
    }

    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        py.detach(|| self.0.save(&path)).map_err(Raise::raise)
    }

    #[getter]
    fn classes(&self) -> Vec<String> {
        self.0.classes().to_vec()
    }

    /// The name of the type of the labels, if it is stored.
    #[getter]
    fn label_type(&self) -> Option<&str> {
        self.0.label_type()
    }

    #[getter]
    fn image_shape(&self) -> (usize, usize) {
        self.0.image_shape().into()
    }

    /// How the model was trained, and its validation error.
    #[getter]
    fn provenance<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let provenance = self.0.provenance();
        let all = PyDict::new(py);
        all.set_item("preset", &provenance.preset)?;
        all.set_item("n_samples", provenance.n_samples)?;
        all.set_item("sha256", &provenance.sha256)?;
        all.set_item("validation_error", provenance.validation_error)?;
        all.set_item("n_taught", provenance.n_taught)?;
        Ok(all)
    }

    /// The share of the true neighbours that an inverted index finds; `None` if the search is exact.
    #[getter]
    fn recall(&self) -> Option<f64> {
        self.0.recall()
    }

    #[getter]
    fn n_neighbors(&self) -> usize {
        self.0.n_neighbors()
    }

    /// The vectors that vote.
    #[getter]
    fn prototypes<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray2<u8>> {
        self.0.prototypes().images().to_pyarray(py)
    }

    #[getter]
    fn prototype_labels<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<u32>> {
        PyArray1::from_slice(py, self.0.prototypes().labels())
    }

    #[getter]
    fn medoids<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<u32>> {
        PyArray1::from_slice(py, self.0.medoids())
    }

    #[getter]
    fn pictures<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyArray2<u8>>> {
        self.0.pictures().map(|pictures| pictures.to_pyarray(py))
    }

    /// Puts the ink of a picture into the frame. The model chooses if there are several plausible ways: see `Framer`.
    fn frame<'py>(
        &self,
        py: Python<'py>,
        picture: PyReadonlyArray2<'py, u8>,
    ) -> PyResult<Bound<'py, PyArray2<u8>>> {
        let picture = picture.as_array();
        let framer = self.0.framer(Framing::Auto);
        let image = job::run(py, 1, None, |_| framer.frame(picture).expect("any picture can be framed"))?;
        Ok(image.into_pyarray(py))
    }

    /// Converts the contents of picture files, in PNG, JPEG or a similar format, to images for this model. The error
    /// holds the index of the first file that is not a picture, and the reason.
    fn read_pictures<'py>(
        &self,
        py: Python<'py>,
        files: Vec<PyBackedBytes>,
        n_threads: usize,
    ) -> PyResult<Bound<'py, PyArray2<u8>>> {
        let framer = self.0.framer(Framing::Auto);
        let image = |(number, file): (usize, &PyBackedBytes)| {
            let picture = decode_picture(file).map_err(|problem| (number, problem))?;
            Ok(framer.frame(picture.view()).expect("any picture can be framed"))
        };
        let rows = job::run(py, n_threads, None, |_| {
            files.par_iter().enumerate().map(image).collect::<Result<Vec<Array2<u8>>, (usize, String)>>()
        })?;
        let rows = rows.map_err(|(number, problem)| PyValueError::new_err((number, problem)))?;
        let (height, width) = self.image_shape();
        let shape = (rows.len(), height * width);
        let pixels = rows.into_iter().flatten().collect();
        Ok(Array2::from_shape_vec(shape, pixels).expect("images of that shape").into_pyarray(py))
    }

    fn predict<'py>(
        &self,
        py: Python<'py>,
        x: PyReadonlyArray2<'py, u8>,
        n_threads: usize,
    ) -> PyResult<Bound<'py, PyArray1<u32>>> {
        let labels = self.ask(py, x.as_array(), n_threads, |model, x| model.predict(x))?;
        Ok(labels.concat().into_pyarray(py))
    }

    fn predict_proba<'py>(
        &self,
        py: Python<'py>,
        x: PyReadonlyArray2<'py, u8>,
        n_threads: usize,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let shares = self.ask_rows(py, x.as_array(), n_threads, |model, x| model.predict_proba(x))?;
        Ok(shares.into_pyarray(py))
    }

    fn transform<'py>(
        &self,
        py: Python<'py>,
        x: PyReadonlyArray2<'py, u8>,
        n_threads: usize,
    ) -> PyResult<Bound<'py, PyArray2<u8>>> {
        Ok(self.ask_rows(py, x.as_array(), n_threads, |model, x| model.transform(x))?.into_pyarray(py))
    }

    fn outlier_scores<'py>(
        &self,
        py: Python<'py>,
        x: PyReadonlyArray2<'py, u8>,
        n_threads: usize,
    ) -> PyResult<Bound<'py, PyArray1<f64>>> {
        let scores = self.ask(py, x.as_array(), n_threads, |model, x| model.outlier_scores(x))?;
        // A score of 1 is the limit of `is_digit`, if the limit was measured.
        let edge = match self.0.params().calibration.novel {
            0.0 => 1.0,
            novel => novel,
        };
        Ok(scores.into_iter().flatten().map(|score| score / edge).collect::<Vec<_>>().into_pyarray(py))
    }

    /// Returns a dictionary of arrays. For each image: `label`, `confidence`, `is_digit`, `has_ink` and
    /// `probabilities`. For each of its neighbours, nearest first: `prototypes`, `labels`, `distances` and `medoids`.
    fn explain<'py>(
        &self,
        py: Python<'py>,
        x: PyReadonlyArray2<'py, u8>,
        n_threads: usize,
    ) -> PyResult<Bound<'py, PyDict>> {
        let found = self.ask(py, x.as_array(), n_threads, |model, x| model.explain(x))?.concat();
        let of_image = |of: fn(&Explanation) -> f64| found.iter().map(of).collect::<Vec<_>>();
        let all = PyDict::new(py);
        all.set_item("label", found.iter().map(|why| why.label).collect::<Vec<_>>().into_pyarray(py))?;
        all.set_item("confidence", of_image(|why| why.confidence).into_pyarray(py))?;
        all.set_item("is_digit", found.iter().map(|why| why.is_digit).collect::<Vec<_>>().into_pyarray(py))?;
        all.set_item("has_ink", found.iter().map(|why| why.has_ink).collect::<Vec<_>>().into_pyarray(py))?;
        let shape = (found.len(), self.0.classes().len());
        let shares = found.iter().flat_map(|why| &why.probabilities).copied().collect();
        let shares = Array2::from_shape_vec(shape, shares).expect("a share for each class");
        all.set_item("probabilities", shares.into_pyarray(py))?;
        let put = |name, of: fn(&Voter) -> i64| {
            let each = found.iter().flat_map(|why| &why.neighbors).map(of).collect();
            let shape = (found.len(), self.n_neighbors());
            let each = Array2::from_shape_vec(shape, each).expect("as many neighbours for each");
            all.set_item(name, each.into_pyarray(py))
        };
        put("prototypes", |voter| voter.prototype.cast_signed() as i64)?;
        put("labels", |voter| voter.label.into())?;
        put("distances", |voter| voter.distance.cast_signed())?;
        put("medoids", |voter| voter.medoid.into())?;
        Ok(all)
    }
}

impl From<classifier::Model> for Model {
    fn from(model: classifier::Model) -> Self {
        Self(Arc::new(model))
    }
}

impl Model {
    /// Calls the model on blocks of images.
    fn ask<T: Send>(
        &self,
        py: Python<'_>,
        x: ArrayView2<u8>,
        n_threads: usize,
        question: impl Fn(&classifier::Model, ArrayView2<u8>) -> Result<T, classifier::Error> + Send + Sync,
    ) -> PyResult<Vec<T>> {
        let answers =
            job::run(py, n_threads, None, |observer| job::in_blocks(observer, x, |x| question(&self.0, x)))?;
        answers.map_err(Raise::raise)
    }

    /// The same, if each result is a row.
    fn ask_rows<T: Clone + Send>(
        &self,
        py: Python<'_>,
        x: ArrayView2<u8>,
        n_threads: usize,
        question: impl Fn(&classifier::Model, ArrayView2<u8>) -> Result<Array2<T>, classifier::Error>
        + Send
        + Sync,
    ) -> PyResult<Array2<T>> {
        let answers = job::run(py, n_threads, None, |observer| {
            job::rows_in_blocks(observer, x, |x| question(&self.0, x))
        })?;
        answers.map_err(Raise::raise)
    }
}
