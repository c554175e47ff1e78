//! State shared by all requests.

use std::{net::SocketAddr, sync::Arc};

use tokio::sync::Semaphore;

use super::{
    body::Bodies,
    limits,
    loaded::{Loaded, Shared},
    metrics::Metrics,
    models::Models,
    predictor::Predictor,
    taught::Recent,
    turns::Turns,
};
use crate::console::Console;

/// The models, and everything that limits how much they are asked at a time.
pub(super) struct App {
    pub(super) models: Models,
    pub(super) taught: Recent,
    pub(super) predictor: Predictor,
    pub(super) bodies: Bodies,
    pub(super) turns: Turns,
    /// One permit for each connection that may still be opened.
    pub(super) connections: Arc<Semaphore>,
    pub(super) metrics: Metrics,
    pub(super) address: SocketAddr,
    pub(super) console: Console,
}

impl App {
    pub(super) fn new(own: Arc<Loaded>, shared: Arc<Shared>, address: SocketAddr) -> Arc<Self> {
        // The first user should not have to wait.
        let eager = Arc::clone(&own);
        tokio::spawn(async move {
            eager.map().await;
            eager.portraits().await;
        });
        Arc::new(Self {
            taught: Recent::new(),
            predictor: Predictor::start(),
            bodies: Bodies::new(),
            turns: Turns::new(),
            connections: Arc::new(Semaphore::new(limits::CONNECTIONS)),
            metrics: Metrics::new(),
            console: shared.console.clone(),
            models: Models::new(own, shared),
            address,
        })
    }

    /// Number of open connections.
    pub(super) fn n_connections(&self) -> usize {
        limits::CONNECTIONS - self.connections.available_permits()
    }
}
