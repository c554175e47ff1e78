//! Values that take a moment to compute, and are computed once, on first use.

use tokio::{sync::OnceCell, task::spawn_blocking};

/// A shared value. All users wait while it is computed.
pub(super) struct Once<T>(OnceCell<T>);

impl<T: Send + 'static> Once<T> {
    pub(super) fn new() -> Self {
        Self(OnceCell::new())
    }

    /// The value. `make` runs on a separate thread.
    pub(super) async fn get(&self, make: impl FnOnce() -> T + Send + 'static) -> &T {
        self.0.get_or_init(|| async { spawn_blocking(make).await.expect("it does not panic") }).await
    }
}
