//! A model in one file: safetensors with metadata, without any executable content.
//!
//! Tensors are named after what they belong to (`features.0.lda.weights`, `prototypes.vectors`). The metadata have one
//! entry, `handful`, with everything else as JSON: the format's version, the recipe, classes, image shape, the training
//! set's size and checksum, validation figures, the original type of the labels if it was noted, and last a checksum of
//! all that and the tensors.

mod error;
#[cfg(feature = "presets")]
mod presets;
#[cfg(test)]
mod tests;

use std::path::Path;

use ndarray::ArrayView1;
use serde::{Deserialize, Serialize};

pub use error::Error;

// Only the command and tests need this and the version below.
#[doc(hidden)]
pub use crate::classifier::Provenance;

use crate::{
    Dataset,
    classifier::{Model, Params, PrototypeParams},
    features::Vectorizer,
    progress::Observer,
    tensor_file::{Reader, Tensor, Writer, sealed},
};

/// The newest format version that can be read, and the one that is written.
#[doc(hidden)]
pub const FORMAT_VERSION: u32 = 1;

/// The oldest version that can be read.
const OLDEST_VERSION: u32 = 1;

const KEY: &str = "handful";
/// The only optional tensor.
const PICTURES: &str = "prototypes.pictures";

#[derive(Serialize, Deserialize)]
struct Metadata {
    version: u32,
    params: Params,
    classes: Vec<String>,
    image_shape: [usize; 2],
    provenance: Provenance,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    label_type: Option<String>,
}

/// The part of the metadata that shows whether the rest can be read.
#[derive(Deserialize)]
struct Version {
    version: u32,
}

impl Model {
    /// The model as the bytes of a file; the same model always gives the same bytes.
    ///
    /// # Errors
    /// [`Error::Provenance`] if its notes about the training set belong to another model.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let tensors = self.tensors();
        let metadata = Metadata {
            version: FORMAT_VERSION,
            params: self.params().clone(),
            classes: self.classes().to_vec(),
            image_shape: self.image_shape(),
            provenance: self.provenance().clone(),
            label_type: self.label_type().map(str::to_owned),
        };
        metadata.provenance.check(self.params(), self.medoids()).map_err(Error::Provenance)?;
        let metadata = serde_json::to_string(&metadata).map_err(|error| Error::Content(error.to_string()))?;
        Ok(sealed::seal(KEY, &metadata, &tensors)?)
    }

    /// The names of the tensors of its file, and the number of bytes of each, in the file's order.
    #[must_use]
    pub fn tensor_sizes(&self) -> Vec<(String, usize)> {
        let tensors = self.tensors().into_iter();
        tensors.map(|(name, tensor)| (name, tensor.parts().1.len())).collect()
    }

    fn tensors(&self) -> Vec<(String, Tensor)> {
        let mut writer = Writer::default();
        self.vectorizer().write(&mut writer);
        let prototypes = self.prototypes();
        writer.put("prototypes.vectors".to_owned(), prototypes.images().view());
        writer.put("prototypes.labels".to_owned(), ArrayView1::from(prototypes.labels()));
        if self.params().prototypes != PrototypeParams::All || self.provenance().n_taught > 0 {
            writer.put("prototypes.medoids".to_owned(), ArrayView1::from(self.medoids()));
        }
        if let Some(pictures) = self.pictures() {
            writer.put(PICTURES.to_owned(), pictures);
        }
        writer.finish()
    }

    /// Reads a model from the bytes of a file, all of which are checked.
    ///
    /// # Errors
    /// If the bytes are not a model, are damaged, were saved by a version of handful that is too new or too old, or are
    /// inconsistent.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let content = |error: serde_json::Error| Error::Content(error.to_string());
        let json = sealed::metadata(KEY, bytes)?.ok_or(Error::Foreign)?;
        let Version { version } = serde_json::from_str(&json).map_err(content)?;
        if version < OLDEST_VERSION {
            return Err(Error::OldVersion { found: version, oldest: OLDEST_VERSION });
        }
        if version > FORMAT_VERSION {
            return Err(Error::Version { found: version, supported: FORMAT_VERSION });
        }
        let (rest, tensors) = sealed::open(&json, bytes)?;
        let metadata: Metadata = serde_json::from_str(&rest).map_err(content)?;
        Self::from_parts(&tensors, metadata)
    }

    fn from_parts(reader: &Reader, metadata: Metadata) -> Result<Self, Error> {
        let Metadata { params, classes, image_shape, provenance, label_type, .. } = metadata;
        params.check(image_shape, classes.len()).map_err(Error::Content)?;
        let vectorizer = Vectorizer::read(&params.features, image_shape, classes.len(), reader)?;
        let vectors = reader.array2("prototypes.vectors", [None, Some(vectorizer.n_features_out())])?;
        let n = vectors.nrows();
        let labels = reader.array1("prototypes.labels", Some(n))?.to_vec();
        let medoids: Vec<u32> = match params.prototypes {
            PrototypeParams::All if provenance.n_taught == 0 => (0..).take(n).collect(),
            _ => reader.array1("prototypes.medoids", Some(n))?.to_vec(),
        };
        provenance.check(&params, &medoids).map_err(Error::Content)?;
        let shape = [1, vectorizer.n_features_out()];
        let prototypes = Dataset::new(vectors, shape, labels, classes)
            .map_err(|error| Error::Content(error.to_string()))?;
        let [height, width] = image_shape;
        let pictures = reader
            .has(PICTURES)
            .then(|| reader.array2(PICTURES, [Some(n), Some(height * width)]))
            .transpose()?;
        let nobody = Observer::default();
        let model = Self::new(params, image_shape, vectorizer, prototypes, medoids, provenance, &nobody)?;
        let model = model.with_checked_pictures(pictures);
        match label_type {
            Some(label_type) => {
                Ok(model.with_label_type(&label_type).map_err(|error| Error::Content(error.to_string()))?)
            }
            None => Ok(model),
        }
    }

    /// Writes the model, first under a temporary name, so that the file is either complete or absent.
    ///
    /// # Errors
    /// As [`to_bytes`](Self::to_bytes); if the file cannot be written.
    #[cfg(feature = "training")]
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        let bytes = self.to_bytes()?;
        sealed::write(path, &bytes).map_err(|source| Error::Io { path: path.to_owned(), source })
    }

    /// Reads a model from a file or a pipe. Data that are not a model are not read to the end.
    ///
    /// # Errors
    /// As [`from_bytes`](Self::from_bytes); if the file cannot be read, or declares to be larger than any model.
    pub fn load(path: &Path) -> Result<Self, Error> {
        Self::from_bytes(&sealed::read(path)?)
    }
}
