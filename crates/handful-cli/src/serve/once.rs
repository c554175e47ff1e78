//! Values that take a moment to compute, and are computed once, on first use.

use std::sync::Arc;

use tokio::{
    sync::OnceCell,
    task::{spawn, spawn_blocking},
};

/// A shared value. All users wait while it is computed.
pub(super) struct Once<T>(Arc<OnceCell<T>>);

impl<T: Send + Sync + 'static> Once<T> {
    pub(super) fn new() -> Self {
        Self(Arc::new(OnceCell::new()))
    }

    /// The value. `make` runs on a separate thread. It goes on if the client that asked first is gone: otherwise, clients
    /// that ask and go would cause the same work again and again.
    pub(super) async fn get(&self, make: impl FnOnce() -> T + Send + 'static) -> &T {
        if self.0.get().is_none() {
            let cell = Arc::clone(&self.0);
            let fill = async move {
                cell.get_or_init(|| async { spawn_blocking(make).await.expect("it does not panic") }).await;
            };
            spawn(fill).await.expect("it does not panic");
        }
        self.0.get().expect("it was computed")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn the_work_is_done_once_even_if_the_first_client_is_gone() {
        let (began, begin) = mpsc::channel();
        let (end, ended) = mpsc::channel::<()>();
        let once = Arc::new(Once::new());
        let first = Arc::clone(&once);
        let first = spawn(async move {
            let make = move || {
                began.send(()).unwrap();
                ended.recv().unwrap();
                "first"
            };
            first.get(make).await;
        });
        spawn_blocking(move || begin.recv().unwrap()).await.unwrap();
        first.abort();
        assert!(first.await.unwrap_err().is_cancelled());
        end.send(()).unwrap();
        assert_eq!(*once.get(|| "second").await, "first");
    }
}
