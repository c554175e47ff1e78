//! Explanations by other neighbours than those of the recipe: more or fewer, or those of one class.

use ndarray::{ArrayView1, ArrayView2};

use super::{Decision, Error, Explanation, Model, Voter};

impl Model {
    /// Explains the label of each image, if `n_neighbors` prototypes vote instead of as many as the recipe says.
    ///
    /// The calibration stays that of the recipe, so that probabilities are only a rough guide.
    ///
    /// ```
    /// # #[cfg(feature = "presets")] {
    /// use handful::classifier::Preset;
    /// use ndarray::Array2;
    ///
    /// let model = Preset::Tiny.trained()?;
    /// let image = Array2::from_shape_fn((1, 784), |(_, pixel)| if pixel % 28 / 3 == 4 { 255 } else { 0 });
    /// assert_eq!(model.explain(image.view())?[0].neighbors.len(), 3);
    /// assert_eq!(model.explain_with(image.view(), 7)?[0].neighbors.len(), 7);
    /// assert!(model.explain_with(image.view(), 1000).is_err(), "there are only 50 prototypes");
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Params`] if hyperplanes decide, or if there are not so many prototypes; otherwise as
    /// [`predict`](Self::predict).
    pub fn explain_with(
        &self,
        images: ArrayView2<u8>,
        n_neighbors: usize,
    ) -> Result<Vec<Explanation>, Error> {
        let most = self.most_neighbors().ok_or_else(|| {
            let expected = "expected no number of neighbours, because hyperplanes decide in this model";
            Error::Params(format!("{expected}, found {n_neighbors}"))
        })?;
        if !(1..=most).contains(&n_neighbors) {
            return Err(Error::Params(format!("expected 1 to {most} neighbours, found {n_neighbors}")));
        }
        self.explain_by(images, n_neighbors)
    }

    /// The largest number of neighbours that can vote, that is, the number of prototypes; `None` if hyperplanes decide.
    #[must_use]
    pub fn most_neighbors(&self) -> Option<usize> {
        match self.params.decision {
            Decision::Votes { .. } => Some(self.prototypes.n_samples()),
            Decision::Hyperplanes(_) => None,
        }
    }

    /// The prototypes of one class that are nearest to each vector, nearest first: `n_neighbors` of them, or all if the
    /// class has fewer. They show why an image did not get another label. The vectors are those of
    /// [`transform`](Self::transform), or an [`Explanation::vector`].
    ///
    /// # Errors
    /// [`Error::Params`] if there is no such class; otherwise as those of a search.
    pub fn nearest_of_class(
        &self,
        vectors: ArrayView2<u8>,
        label: u32,
        n_neighbors: usize,
    ) -> Result<Vec<Vec<Voter>>, Error> {
        let Some(index) = self.of_class()?.get(label as usize) else {
            let expected = format!("expected a label below {}, found {label}", self.n_classes());
            return Err(Error::Params(expected));
        };
        // Prototypes were indexed in this order.
        let rows: Vec<usize> =
            (0..self.prototypes.n_samples()).filter(|&row| self.prototypes.labels()[row] == label).collect();
        let n_neighbors = n_neighbors.min(rows.len());
        let Some(index) = index.as_ref().filter(|_| n_neighbors > 0) else {
            return Ok(vec![Vec::new(); vectors.nrows()]);
        };
        let found = index.kneighbors(vectors, n_neighbors)?;
        let of_vector = |(nearest, distances): (ArrayView1<usize>, ArrayView1<u64>)| {
            nearest.iter().zip(distances).map(|(&row, &distance)| self.voter(rows[row], distance)).collect()
        };
        Ok(found.indices.outer_iter().zip(found.distances.outer_iter()).map(of_vector).collect())
    }
}
