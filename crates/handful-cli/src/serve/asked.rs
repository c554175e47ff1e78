//! The model that a client asks for a prediction: one by its name, or one that was taught.

use std::sync::Arc;

use handful::{classifier::Model, preprocess::Framer};

use super::{
    app::App,
    loaded::Loaded,
    problem::Problem,
    taught::{self, Taught},
};

pub(super) struct Asked {
    /// The model, before it was taught anything. The map and the pictures of its prototypes are those of this one.
    pub(super) base: Arc<Loaded>,
    pub(super) taught: Option<Arc<Taught>>,
}

impl Asked {
    pub(super) fn model(&self) -> &Arc<Model> {
        self.taught.as_ref().map_or(&self.base.model, |taught| &taught.model)
    }

    pub(super) fn framer(&self) -> &Framer {
        self.taught.as_ref().map_or(&self.base.framer, |taught| &taught.framer)
    }
}

impl App {
    /// The model of this name, or the server's own.
    ///
    /// # Errors
    /// If there is no such model, or it is a taught one that is forgotten.
    pub(super) async fn find(&self, name: Option<&str>) -> Result<Asked, Problem> {
        if let Some(taught) = name.and_then(|name| self.taught.get(name)) {
            return Ok(Asked { base: Arc::clone(&taught.base), taught: Some(taught) });
        }
        let is_known = |name: &str| self.models.names().any(|known| known == name);
        if let Some(base) =
            name.filter(|&name| !is_known(name)).and_then(taught::base).filter(|base| is_known(base))
        {
            return Err(Problem::forgotten(base));
        }
        Ok(Asked { base: Arc::clone(self.models.find(name).await?), taught: None })
    }
}
