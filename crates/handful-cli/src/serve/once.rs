//! What takes a moment to make, and is made once: when it is first asked for.

use tokio::{sync::OnceCell, task::spawn_blocking};

/// A value that all share, and wait for while it is being made.
pub(super) struct Once<T>(OnceCell<T>);

impl<T: Send + 'static> Once<T> {
    pub(super) fn new() -> Self {
        Self(OnceCell::new())
    }

    /// The value; `make` works on a thread of its own.
    pub(super) async fn get(&self, make: impl FnOnce() -> T + Send + 'static) -> &T {
        self.0.get_or_init(|| async { spawn_blocking(make).await.expect("it does not panic") }).await
    }
}
