//! The parameters of an audit, and how it is done.

use ndarray::{Array2, Axis};
use rayon::prelude::*;

use super::{
    Audit, Error, LabelIssue, Neighbor, Outlier, classes::classes, duplicates, evidence, groups::Groups,
    outliers,
};
use crate::{
    Dataset,
    distance::Rows,
    features::{FramedGradients, Gradients, Pca, total_variance},
    neighbors::NearestNeighbors,
    preprocess::{Deskew, FramedDeskew},
    progress::{Observer, Stage, Tally},
    step::transform_observed,
};

/// The features in which images are compared: gradients of upright images, as in the presets, reduced to components. They
/// are learned without labels. The number of components was chosen on MNIST's training images with flipped labels.
const N_COMPONENTS: usize = 64;
const WHITENING: f64 = 0.25;
const NORMALIZE: f64 = 0.6;
const N_BINS: usize = 12;
const N_CELLS: usize = 7;
/// Number of neighbours that are kept to be shown.
const SHOWN: usize = 10;

/// How images are audited; created by [`Audit::params`].
#[derive(Clone, Debug)]
pub struct AuditParams {
    n_neighbors: usize,
    min_score: f64,
    observer: Observer,
}

impl Default for AuditParams {
    fn default() -> Self {
        Self { n_neighbors: Audit::N_NEIGHBORS, min_score: Audit::MIN_SCORE, observer: Observer::default() }
    }
}

impl AuditParams {
    /// Number of neighbours that vote on an image; [`Audit::N_NEIGHBORS`] unless set. At most as many vote as the median
    /// class has images.
    #[must_use]
    pub fn n_neighbors(self, n_neighbors: usize) -> Self {
        Self { n_neighbors, ..self }
    }

    /// A label looks wrong from this [score](Audit::scores) on, 0 to 1; [`Audit::MIN_SCORE`] unless set.
    #[must_use]
    pub fn min_score(self, min_score: f64) -> Self {
        Self { min_score, ..self }
    }

    /// Progress callback.
    #[must_use]
    pub fn observer(self, observer: Observer) -> Self {
        Self { observer, ..self }
    }

    /// Audits training images together with test images, if there are any.
    ///
    /// All images are compared with all others, exactly: O(n² d) for n images of d pixels, at five shifts. On two cores
    /// with AVX-512, MNIST's 70,000 images take ten seconds. Memory besides the images: about 1 kB per image.
    ///
    /// The results are the same for any number of threads.
    ///
    /// # Errors
    /// If the images have different shapes or classes, belong to only one class, `n_neighbors` is 0, `min_score` is not
    /// from 0 to 1, or the observer breaks.
    pub fn fit(&self, train: &Dataset, test: Option<&Dataset>) -> Result<Audit, Error> {
        if self.n_neighbors == 0 {
            return Err(Error::Params(
                "n_neighbors is 0: expected at least 1 neighbour that votes".to_owned(),
            ));
        }
        if !(0.0..=1.0).contains(&self.min_score) {
            return Err(Error::Params(format!("min_score: expected 0 to 1, found {}", self.min_score)));
        }
        let parts =
            std::iter::once(("the training images", train)).chain(test.map(|test| ("the test images", test)));
        let images = Dataset::join(parts.map(|(name, part)| (name, part.clone())))?;
        let median_count = check_classes(&images)?;
        let (duplicates, groups) = duplicates::find(&images, &self.observer)?;

        let cells = self.cells(&images)?;
        let vectors = self.vectors(&cells)?;
        let neighbors =
            self.neighbors(&vectors, images.labels(), groups, self.n_neighbors.min(median_count))?;
        let unit = total_variance(vectors.view()).sqrt().max(f64::MIN_POSITIVE);
        let n_classes = images.classes().len();
        let probabilities = evidence::probabilities(&neighbors, images.labels(), n_classes, unit);

        let has_ink: Vec<bool> =
            images.images().outer_iter().map(|image| image.iter().any(|&pixel| pixel != image[0])).collect();
        let tally = Tally::new(&self.observer, Stage::Features, images.n_samples());
        let outlier_scores = outliers::scores(cells.view(), &has_ink, &tally)?;
        let shown = |row: usize| neighbors[row][..neighbors[row].len().min(SHOWN)].to_vec();
        let outlier = |row: usize| Outlier {
            row,
            label: images.labels()[row],
            score: outlier_scores[row],
            neighbors: shown(row),
        };
        let outliers = outliers::beyond_fence(&outlier_scores).into_iter().map(outlier).collect();

        let scores: Vec<f64> = probabilities
            .outer_iter()
            .zip(images.labels())
            .map(|(of, &label)| 1.0 - of[label as usize])
            .collect();
        let issue = |(row, &given): (usize, &u32)| {
            let suggested = evidence::likeliest(probabilities.row(row));
            let is_issue = suggested != given && scores[row] >= self.min_score && has_ink[row];
            is_issue.then(|| LabelIssue { row, given, suggested, score: scores[row], neighbors: shown(row) })
        };
        let mut label_issues: Vec<LabelIssue> =
            images.labels().iter().enumerate().filter_map(issue).collect();
        label_issues.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.row.cmp(&b.row)));

        let counts = |part: &Dataset| of_names(images.classes(), part);
        let test_counts = test.map(counts);
        Ok(Audit {
            n_train: train.n_samples(),
            label_issues,
            scores,
            probabilities,
            duplicates,
            outliers,
            outlier_scores,
            classes: classes(images.classes(), &counts(train), test_counts.as_deref()),
        })
    }

    /// The gradients of upright images.
    fn cells(&self, images: &Dataset) -> Result<Array2<u8>, Error> {
        let shape = images.image_shape();
        let tally = Tally::new(&self.observer, Stage::Features, 2 * images.n_samples());
        let deskew = FramedDeskew { deskew: Deskew::new().normalize(NORMALIZE), shape };
        let upright = transform_observed(&deskew, images.images().view(), &|n| tally.add(n))?;
        let gradients = FramedGradients { gradients: Gradients::new(N_BINS, N_CELLS), shape };
        Ok(transform_observed(&gradients, upright.view(), &|n| tally.add(n))?)
    }

    /// Their components.
    fn vectors(&self, cells: &Array2<u8>) -> Result<Array2<u8>, Error> {
        let n = cells.nrows();
        let tally = Tally::new(&self.observer, Stage::Features, 2 * n);
        // In fewer images there are fewer directions.
        let n_components = N_COMPONENTS.min(n.saturating_sub(1)).max(1);
        let pca = Pca::fit_observed(cells.view(), n_components, WHITENING, &tally)?;
        tally.add(n)?;
        Ok(transform_observed(&pca, cells.view(), &|n| tally.add(n))?)
    }

    /// The nearest images of each image, without its duplicates. Of duplicates only the first is there.
    fn neighbors(
        &self,
        vectors: &Array2<u8>,
        labels: &[u32],
        mut groups: Groups,
        n_neighbors: usize,
    ) -> Result<Vec<Vec<Neighbor>>, Error> {
        let group: Vec<usize> = (0..labels.len()).map(|row| groups.first(row)).collect();
        let voters: Vec<usize> = (0..labels.len()).filter(|&row| group[row] == row).collect();
        let index = NearestNeighbors::new(vectors.select(Axis(0), &voters))?.observer(self.observer.clone());
        let found =
            index.kneighbors(Rows::new(vectors.view()).view(), (n_neighbors + 1).min(voters.len()))?;
        let rows = found.indices.axis_iter(Axis(0)).into_par_iter().zip(found.distances.axis_iter(Axis(0)));
        let of_row =
            |(row, (indices, distances)): (usize, (ndarray::ArrayView1<usize>, ndarray::ArrayView1<u64>))| {
                let all = indices.into_iter().zip(distances).map(|(&voter, &distance)| {
                    let row = voters[voter];
                    Neighbor { row, label: labels[row], distance }
                });
                all.filter(|neighbor| neighbor.row != group[row]).take(n_neighbors).collect()
            };
        Ok(rows.enumerate().map(of_row).collect())
    }
}

/// Checks that there are at least two classes. Returns the median number of images of those that have any.
fn check_classes(images: &Dataset) -> Result<usize, Error> {
    let counts = images.class_counts();
    let mut present: Vec<usize> = counts.iter().copied().filter(|&count| count > 0).collect();
    if present.len() < 2 {
        let only = counts.iter().position(|&count| count > 0).unwrap_or(0);
        return Err(Error::OneClass { class: images.classes()[only].clone() });
    }
    present.sort_unstable();
    Ok(present[present.len() / 2])
}

/// The number of images of each of these classes. A part may lack some, or have them in another order.
fn of_names(classes: &[String], part: &Dataset) -> Vec<usize> {
    let counts = part.class_counts();
    let of_class = |name: &String| {
        part.classes().iter().position(|class| class == name).map_or(0, |class| counts[class])
    };
    classes.iter().map(of_class).collect()
}
