//! Models that were taught a person's images. The server keeps the last of them for a while, and may forget any: a
//! client whose model was forgotten teaches again. The name of a model is a checksum of what it was taught. So nobody can
//! change the model of somebody else.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use handful::{
    Dataset,
    classifier::{Model, Origin, Provenance, Voter},
    preprocess::Framer,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{
    limits,
    loaded::Loaded,
    problem::{Problem, Reason},
};
use crate::picture;

/// Separates the name of a model from that of what it was taught. It needs no escape in addresses.
const SEPARATOR: char = '~';

/// A model, and the images that it was taught.
pub(super) struct Taught {
    pub(super) name: String,
    pub(super) base: Arc<Loaded>,
    pub(super) model: Arc<Model>,
    pub(super) framer: Framer,
    images: Dataset,
    /// The picture of each image, encoded when it is first shown.
    portraits: Vec<OnceLock<String>>,
    /// Held as long as the model exists.
    room: Option<OwnedSemaphorePermit>,
}

impl Taught {
    /// Teaches a model these images, whose classes are those of the model.
    ///
    /// # Errors
    /// If the images do not fit the model.
    pub(super) fn new(name: String, base: Arc<Loaded>, images: Dataset) -> Result<Self, Problem> {
        let taught = base.model.taught(&images);
        let model = Arc::new(taught.map_err(|error| Problem::unreadable(&error.to_string()))?);
        let portraits = vec![OnceLock::new(); images.n_samples()];
        Ok(Self { name, framer: base.framer_of(&model), base, model, images, portraits, room: None })
    }

    pub(super) fn n_images(&self) -> usize {
        self.images.n_samples()
    }

    /// Which of the images a neighbour is; `None` for those that the model had before.
    pub(super) fn image_of(&self, voter: &Voter) -> Option<usize> {
        let Origin::Taught(image) = self.model.origin(voter.medoid) else { return None };
        // The model may be from a file, and have been taught others before.
        (image as usize).checked_sub(self.base.model.provenance().n_taught)
    }

    pub(super) fn portrait(&self, image: usize) -> &str {
        let encode = || picture::grey(&self.images.images().row(image).to_vec(), self.images.image_shape());
        self.portraits[image].get_or_init(encode)
    }

    /// About what it takes in memory in addition to the model that it was made of: its prototypes and their sketches,
    /// twice if all was asked for, and pictures.
    fn n_bytes(&self) -> usize {
        const SKETCH: usize = 80;
        let (n, d) = self.model.prototypes().images().dim();
        let pictures = self.model.pictures().map_or(0, |pictures| pictures.len());
        2 * n * (d + SKETCH) + pictures + 4 * self.images.images().len()
    }
}

/// The name of a model that is taught these images.
pub(super) fn name(base: &str, images: &Dataset) -> String {
    format!("{base}{SEPARATOR}{}", Provenance::of(images).sha256)
}

/// The name of the model that was taught, if this is the name of a taught model.
pub(super) fn base(name: &str) -> Option<&str> {
    let (base, hash) = name.rsplit_once(SEPARATOR)?;
    (hash.len() == 64 && hash.bytes().all(|digit| digit.is_ascii_hexdigit())).then_some(base)
}

/// The taught models that were asked last. The memory of all that exist is bounded, also of those that are forgotten
/// while somebody still asks them.
pub(super) struct Recent {
    models: Mutex<VecDeque<Arc<Taught>>>,
    /// One permit for each kibibyte.
    room: Arc<Semaphore>,
}

impl Recent {
    pub(super) fn new() -> Self {
        Self { models: Mutex::default(), room: Arc::new(Semaphore::new(limits::TAUGHT_BYTES >> 10)) }
    }

    pub(super) fn get(&self, name: &str) -> Option<Arc<Taught>> {
        let mut models = self.models.lock().unwrap_or_else(PoisonError::into_inner);
        let found = models.iter().position(|taught| taught.name == name)?;
        let taught = models.remove(found)?;
        models.push_front(Arc::clone(&taught));
        Some(taught)
    }

    /// Keeps a model, and forgets others until there is room for it. One that is larger than all room takes all.
    ///
    /// # Errors
    /// If there is no room, because models that are forgotten are still asked.
    pub(super) fn keep(&self, mut taught: Taught) -> Result<Arc<Taught>, Problem> {
        let kibibytes = taught.n_bytes().min(limits::TAUGHT_BYTES).div_ceil(1 << 10);
        let kibibytes = u32::try_from(kibibytes).map_err(|_| Problem::internal())?;
        let mut models = self.models.lock().unwrap_or_else(PoisonError::into_inner);
        models.retain(|other| other.name != taught.name);
        models.truncate(limits::TAUGHT_MODELS - 1);
        taught.room = loop {
            match Arc::clone(&self.room).try_acquire_many_owned(kibibytes) {
                Ok(room) => break Some(room),
                Err(_) => models.pop_back().map(drop).ok_or_else(|| Problem::busy(Reason::Lessons))?,
            }
        };
        let taught = Arc::new(taught);
        models.push_front(Arc::clone(&taught));
        Ok(taught)
    }

    pub(super) fn n_kept(&self) -> usize {
        self.models.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_name_with_a_hash_is_that_of_a_taught_model() {
        let hash = "0123456789abcdef".repeat(4);
        assert_eq!(base(&format!("everyday~{hash}")), Some("everyday"));
        assert_eq!(base(&format!("my~own~{hash}")), Some("my~own"));
        for name in ["everyday", "everyday~", "everyday~0123", &format!("everyday~{hash}0"), &hash] {
            assert_eq!(base(name), None, "{name}");
        }
    }
}
