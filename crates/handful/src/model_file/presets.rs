//! The trained presets, which are part of the library.

use super::Error;
use crate::classifier::{Model, Preset};

impl Preset {
    /// The model of this preset for MNIST, as trained by `make models`.
    ///
    /// ```
    /// use handful::classifier::Preset;
    ///
    /// let model = Preset::Small.trained()?;
    /// assert_eq!(model.classes().len(), 10);
    /// # Ok::<(), handful::model_file::Error>(())
    /// ```
    ///
    /// # Errors
    /// Never in practice: as [`Model::from_bytes`].
    pub fn trained(self) -> Result<Model, Error> {
        Model::from_bytes(self.trained_bytes())
    }

    /// The file of [`trained`](Self::trained).
    #[must_use]
    pub fn trained_bytes(self) -> &'static [u8] {
        macro_rules! file {
            ($name:literal) => {
                include_bytes!(concat!("../../models/", $name, ".safetensors"))
            };
        }
        match self {
            Self::Notebook => file!("notebook"),
            Self::Pixels => file!("pixels"),
            Self::Tiny => file!("tiny"),
            Self::Small => file!("small"),
            Self::Fast => file!("fast"),
            Self::Best => file!("best"),
            Self::Neighbors => file!("neighbors"),
            Self::Everyday => file!("everyday"),
        }
    }
}
