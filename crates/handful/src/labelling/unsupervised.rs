//! Features that need no labels.

use ndarray::{Array2, ArrayView2};
use serde::{Deserialize, Serialize};

use crate::{
    Dataset,
    features::{Error, FeatureParams, Gradients, Vectorizer},
    preprocess::Deskew,
    progress::Observer,
    tensor_file::{Writer, sealed},
};

const KEY: &str = "handful.unsupervised";

/// Vectors of images of handwriting, learned without labels: principal components of the gradients of upright images.
///
/// ```
/// use handful::labelling::UnsupervisedFeatures;
/// use ndarray::Array2;
///
/// let images = Array2::from_shape_fn((100, 64), |(i, pixel)| if pixel % 8 == i % 8 { 255_u8 } else { 0 });
/// let features = UnsupervisedFeatures::fit(images.view(), [8, 8], &Default::default())?;
/// assert_eq!(features.transform(images.view()).dim(), (100, 64));
/// # Ok::<(), handful::features::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct UnsupervisedFeatures {
    params: Params,
    vectorizer: Vectorizer,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Params {
    image_shape: [usize; 2],
    features: Vec<(f64, FeatureParams)>,
}

impl UnsupervisedFeatures {
    /// Learns 64 components (fewer from few images) of images of shape `[height, width]`, the rows of `images`.
    ///
    /// # Errors
    /// If the observer breaks.
    ///
    /// # Panics
    /// If there are no images, or they have another shape.
    pub fn fit(images: ArrayView2<u8>, image_shape: [usize; 2], observer: &Observer) -> Result<Self, Error> {
        let features = FeatureParams::Components {
            deskew: Some(Deskew::new().normalize(0.5)),
            gradients: Gradients::new(12, 7),
            n_components: 64,
            whitening: 0.12,
        };
        let params = Params { image_shape, features: vec![(1.0, features)] };
        let unlabelled =
            Dataset::new(images.to_owned(), image_shape, vec![0; images.nrows()], vec!["image".to_owned()]);
        let unlabelled = unlabelled.expect("images of this shape");
        let vectorizer = Vectorizer::fit(&params.features, &unlabelled, 0, observer)?;
        Ok(Self { params, vectorizer })
    }

    /// The vectors of images, shape (n, number of components).
    ///
    /// # Panics
    /// If the images have another shape.
    #[must_use]
    pub fn transform(&self, images: ArrayView2<u8>) -> Array2<u8> {
        self.vectorizer.transform(images)
    }

    /// What was learned, as bytes.
    #[doc(hidden)]
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        self.vectorizer.write(&mut writer);
        let metadata = serde_json::to_string(&self.params).expect("numbers that are finite");
        sealed::seal(KEY, &metadata, &writer.finish()).expect("few tensors")
    }

    /// The result of [`to_bytes`](Self::to_bytes) again; an error says what is wrong with the bytes.
    #[doc(hidden)]
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let read = || {
            let json = sealed::metadata(KEY, bytes).map_err(|error| error.to_string())?;
            let (rest, tensors) =
                sealed::open(&json.unwrap_or_default(), bytes).map_err(|error| error.to_string())?;
            let params: Params = serde_json::from_str(&rest).map_err(|error| error.to_string())?;
            let vectorizer = Vectorizer::read(&params.features, params.image_shape, 1, &tensors);
            Ok(Self { vectorizer: vectorizer.map_err(|error| error.to_string())?, params })
        };
        read()
    }
}
