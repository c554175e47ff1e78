//! A model that is loaded, and everything that is derived from it when it is first needed.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use axum::http::StatusCode;
use handful::{classifier::Model, dataset::ReadOptions, preprocess::Framer};

use super::{gallery::Gallery, limits, map::Map, once::Once, portraits::Portraits, problem::Problem};
use crate::console::Console;

/// What all models share.
pub(super) struct Shared {
    pub(super) data: Option<PathBuf>,
    pub(super) reading: ReadOptions,
    pub(super) console: Console,
    /// Held by whoever loads or derives something, so that the memory and the time that this takes do not add up.
    pub(super) turn: Mutex<()>,
}

impl Shared {
    /// Does some work when it is its turn.
    pub(super) fn in_turn<T>(&self, work: impl FnOnce() -> T) -> T {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        work()
    }
}

/// A model by its name.
pub(super) struct Loaded {
    pub(super) name: String,
    /// Size of its file.
    pub(super) bytes: usize,
    pub(super) model: Arc<Model>,
    pub(super) framer: Framer,
    /// How its data are read.
    reading: ReadOptions,
    map: Once<Map>,
    portraits: Once<Portraits>,
    gallery: Once<Result<Gallery, String>>,
    shared: Arc<Shared>,
}

impl Loaded {
    pub(super) fn new(name: String, model: Model, bytes: usize, shared: &Arc<Shared>) -> Arc<Self> {
        let model = Arc::new(model);
        let reading = ReadOptions { judge: model.judge(), ..shared.reading.clone() };
        Arc::new(Self {
            name,
            bytes,
            framer: model.framer(reading.framing),
            reading,
            map: Once::new(),
            portraits: Once::new(),
            gallery: Once::new(),
            shared: Arc::clone(shared),
            model,
        })
    }

    /// The framer for this model, or for it after it was taught.
    pub(super) fn framer_of(&self, model: &Arc<Model>) -> Framer {
        model.framer(self.reading.framing)
    }

    /// The largest number of neighbours that may vote on a request; `None` if hyperplanes decide.
    pub(super) fn most_neighbors(&self) -> Option<usize> {
        Some(self.model.most_neighbors()?.min(limits::NEIGHBORS.max(self.model.n_neighbors())))
    }

    pub(super) async fn map(self: &Arc<Self>) -> &Map {
        let own = Arc::clone(self);
        self.map.get(move || own.shared.in_turn(|| Map::new(&own.model))).await
    }

    pub(super) async fn portraits(self: &Arc<Self>) -> &Portraits {
        let own = Arc::clone(self);
        let find = move || {
            let data = own.shared.data.as_deref().map(|path| (path, &own.reading));
            own.shared.in_turn(|| Portraits::find(&own.model, data, &own.shared.console))
        };
        self.portraits.get(find).await
    }

    /// # Errors
    /// If there are no test images.
    pub(super) async fn gallery(self: &Arc<Self>) -> Result<&Gallery, Problem> {
        let own = Arc::clone(self);
        let read =
            move || own.shared.in_turn(|| Gallery::new(&own.model, own.shared.data.clone(), &own.reading));
        self.gallery.get(read).await.as_ref().map_err(|why| {
            Problem::new(StatusCode::NOT_FOUND, format!("There are no test images for this model: {why}."))
        })
    }
}
