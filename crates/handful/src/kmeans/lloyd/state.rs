//! Lloyd's iteration (Least squares quantization in PCM, 1982), as a state machine that receives what a pass over the
//! rows found:
//!
//! ```text
//! until the labels or the centroids stand still, or max_iter iterations are done:
//!     assign each row to its nearest centroid        one pass over the rows, wherever they are
//!     move each centroid to the mean of its rows     `step`
//! assign each row once more                          so that labels and centroids belong together
//! ```
//!
//! It drives the clustering of rows in memory, on disk and on other machines.

/// The state of a run between two passes.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::kmeans) struct LloydState<C> {
    pub(in crate::kmeans) centroids: C,
    pub(in crate::kmeans) max_iter: usize,
    /// The run ends when the sum of the centroids' squared movements is at most this.
    pub(in crate::kmeans) tol: f64,
    pub(in crate::kmeans) n_iter: usize,
    /// The centroids have hardly moved; the labels do not yet belong to them.
    pub(in crate::kmeans) converged: bool,
    pub(in crate::kmeans) ended: bool,
}

impl<C> LloydState<C> {
    pub(in crate::kmeans) fn new(start: C, max_iter: usize, tol: f64) -> Self {
        Self { centroids: start, max_iter, tol, n_iter: 0, converged: false, ended: false }
    }

    /// Whether the next pass is the last one, after which no centroid moves.
    pub(in crate::kmeans) fn is_last_pass(&self) -> bool {
        self.converged || self.n_iter == self.max_iter
    }

    /// Continues after a pass. `at_rest` says that the pass changed no label. `means` computes the next centroids and
    /// the squared movement of each. Returns how far each moved.
    pub(in crate::kmeans) fn step(
        &mut self,
        at_rest: bool,
        means: impl FnOnce(&C) -> (C, Vec<f64>),
    ) -> Vec<f64> {
        self.ended = self.is_last_pass() || at_rest;
        self.n_iter += usize::from(!self.is_last_pass());
        if self.ended {
            return Vec::new();
        }
        let (means, squares) = means(&self.centroids);
        self.converged = squares.iter().sum::<f64>() <= self.tol;
        self.centroids = means;
        squares.into_iter().map(f64::sqrt).collect()
    }
}
