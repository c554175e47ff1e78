//! Recipes that are changed for images of one's own: more or fewer prototypes, and other numbers of neighbours.

use super::{Decision, Hyperplanes, Params, PrototypeParams};

/// How K-Means runs where the recipe had all images as prototypes.
const N_INIT: usize = 1;
const MAX_ITER: usize = 50;

impl Params {
    /// The same recipe with this number of prototypes per class, or with all images as prototypes.
    ///
    /// ```
    /// use handful::classifier::{Preset, PrototypeParams};
    ///
    /// let params = Preset::Best.params().with_prototypes(Some(20));
    /// assert_eq!(params.prototypes, PrototypeParams::PerClass { n_clusters: 20, n_init: 1, max_iter: 50 });
    /// assert_eq!(params.with_prototypes(None).prototypes, PrototypeParams::All);
    /// ```
    #[must_use]
    pub fn with_prototypes(self, per_class: Option<usize>) -> Self {
        let prototypes = match (per_class, self.prototypes) {
            (None, _) => PrototypeParams::All,
            (Some(n_clusters), PrototypeParams::PerClass { n_init, max_iter, .. }) => {
                PrototypeParams::PerClass { n_clusters, n_init, max_iter }
            }
            (Some(n_clusters), PrototypeParams::All) => {
                PrototypeParams::PerClass { n_clusters, n_init: N_INIT, max_iter: MAX_ITER }
            }
        };
        Self { prototypes, ..self }
    }

    /// The same recipe with this number of neighbours that decide.
    #[must_use]
    pub fn with_n_neighbors(self, n_neighbors: usize) -> Self {
        let decision = match self.decision {
            Decision::Votes { .. } => Decision::Votes { n_neighbors },
            Decision::Hyperplanes(hyperplanes) => {
                Decision::Hyperplanes(Hyperplanes { n_neighbors, ..hyperplanes })
            }
        };
        Self { decision, ..self }
    }
}
