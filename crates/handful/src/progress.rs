//! One callback through which long work tells how far it is and can be cancelled.
//!
//! ```
//! use std::ops::ControlFlow;
//! use handful::{KMeans, kmeans, progress::Observer};
//! use ndarray::array;
//!
//! let stop_at_once = Observer::new(|_progress| ControlFlow::Break(()));
//! let result = KMeans::params(2).observer(stop_at_once).fit(array![[1_u8], [2], [9]].view());
//! assert!(matches!(result, Err(kmeans::Error::Cancelled(_))));
//! ```

use std::{fmt, ops::ControlFlow, sync::Arc};

/// What is being counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// Initial centroids chosen, of `n_clusters`.
    Seeding,
    /// Lloyd iterations done, of at most `max_iter`, by runs that go side by side; their last report has
    /// `done == total`.
    Lloyd,
    /// Rows met in a pass over what is not in memory.
    Pass,
    /// K-Means runs done, over all classes and restarts, where classes are clustered on their own.
    Runs,
    /// Images whose features have been seen to, over all passes.
    Features,
    /// Queries answered.
    Search,
    /// Images made of others.
    Augment,
}

/// How far the work is: `done` of `total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being counted.
    pub stage: Stage,
    /// So many are done.
    pub done: usize,
    /// Of so many.
    pub total: usize,
}

type Callback = dyn Fn(Progress) -> ControlFlow<()> + Send + Sync;

/// A callback for [`Progress`], called from any of the working threads; the default watches nothing.
#[derive(Clone, Default)]
pub struct Observer(Option<Arc<Callback>>);

impl Observer {
    /// `callback` should return soon; [`ControlFlow::Break`] ends the work with [`Cancelled`].
    pub fn new(callback: impl Fn(Progress) -> ControlFlow<()> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(callback)))
    }

    /// Tells the callback how far the work is: for those whose work takes several calls of the library.
    ///
    /// # Errors
    /// [`Cancelled`] if the callback says so.
    pub fn report(&self, stage: Stage, done: usize, total: usize) -> Result<(), Cancelled> {
        match self.0.as_ref().map(|callback| callback(Progress { stage, done, total })) {
            Some(ControlFlow::Break(())) => Err(Cancelled),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.0.is_some() { "Observer(callback)" } else { "Observer(none)" })
    }
}

/// The work was ended through its [`Observer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cancelled")]
pub struct Cancelled;
