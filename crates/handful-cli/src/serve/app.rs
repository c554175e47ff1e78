//! State shared by all requests.

use std::{net::SocketAddr, sync::Arc};

use axum::http::StatusCode;
use handful::{classifier::Model, preprocess::Framer};

use super::{
    Named, body::Bodies, gallery::Gallery, map::Map, once::Once, portraits::Portraits, predictor::Predictor,
    problem::Problem, turns::Turns,
};
use crate::console::Console;

/// The model, and everything that is derived from it.
pub(super) struct App {
    pub(super) model: Arc<Model>,
    pub(super) framer: Framer,
    pub(super) predictor: Predictor,
    pub(super) bodies: Bodies,
    pub(super) turns: Turns,
    pub(super) map: Map,
    pub(super) named: Named,
    portraits: Once<Portraits>,
    gallery: Once<Result<Gallery, String>>,
    pub(super) address: SocketAddr,
    pub(super) console: Console,
}

impl App {
    pub(super) fn new(model: Model, mut named: Named, address: SocketAddr, console: &Console) -> Arc<Self> {
        let model = Arc::new(model);
        let framer = model.framer(named.reading.framing);
        named.reading.judge = model.judge();
        let app = Arc::new(Self {
            predictor: Predictor::start(Arc::clone(&model)),
            bodies: Bodies::new(),
            turns: Turns::new(),
            map: Map::new(&model),
            portraits: Once::new(),
            gallery: Once::new(),
            console: console.clone(),
            model,
            framer,
            named,
            address,
        });
        // The first user should not have to wait.
        let eager = Arc::clone(&app);
        tokio::spawn(async move {
            eager.portraits().await;
        });
        app
    }

    pub(super) async fn portraits(&self) -> &Portraits {
        let (model, data) = (Arc::clone(&self.model), self.named.data.clone());
        let (reading, console) = (self.named.reading.clone(), self.console.clone());
        let find = move || Portraits::find(&model, data.as_deref().map(|path| (path, &reading)), &console);
        self.portraits.get(find).await
    }

    /// # Errors
    /// If there are no test images.
    pub(super) async fn gallery(&self) -> Result<&Gallery, Problem> {
        let (model, data) = (Arc::clone(&self.model), self.named.data.clone());
        let reading = self.named.reading.clone();
        let gallery = self.gallery.get(move || Gallery::new(&model, data, &reading)).await;
        gallery.as_ref().map_err(|why| {
            Problem::new(StatusCode::NOT_FOUND, format!("There are no test images for this model: {why}."))
        })
    }
}
