//! The models that clients may choose: the server's own, and the presets, each of which is loaded when it is first asked.
//! Nothing else can be named, so that the memory is bounded.

use std::sync::Arc;

use axum::http::StatusCode;
use handful::classifier::Preset;

use super::{
    loaded::{Loaded, Shared},
    once::Once,
    problem::Problem,
};

pub(super) struct Models {
    own: Arc<Loaded>,
    presets: Vec<(Preset, Once<Option<Arc<Loaded>>>)>,
    shared: Arc<Shared>,
}

impl Models {
    pub(super) fn new(own: Arc<Loaded>, shared: Arc<Shared>) -> Self {
        let others = Preset::ALL.into_iter().filter(|preset| preset.name() != own.name);
        Self { presets: others.map(|preset| (preset, Once::new())).collect(), own, shared }
    }

    /// The names of all models; the server's own is the first.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.own.name.as_str()).chain(self.presets.iter().map(|(preset, _)| preset.name()))
    }

    /// The model of this name, or the server's own.
    ///
    /// # Errors
    /// If there is no such model.
    pub(super) async fn find(&self, name: Option<&str>) -> Result<&Arc<Loaded>, Problem> {
        let Some(name) = name.filter(|&name| name != self.own.name) else { return Ok(&self.own) };
        let Some((preset, loaded)) = self.presets.iter().find(|(preset, _)| preset.name() == name) else {
            let expected = self.names().collect::<Vec<_>>().join(", ");
            let sentence = format!("Parameter model: expected one of {expected}; found {name:?}.");
            return Err(Problem::new(StatusCode::BAD_REQUEST, sentence));
        };
        let (preset, shared) = (*preset, Arc::clone(&self.shared));
        let load = move || {
            let model = shared.in_turn(|| preset.trained()).ok()?;
            Some(Loaded::new(preset.name().to_owned(), model, preset.trained_bytes().len(), &shared))
        };
        loaded.get(load).await.as_ref().ok_or_else(Problem::internal)
    }
}
