//! Whether rows are sketched: decided for each group, by a trial on some of its rows.

use std::sync::Arc;

use crate::{
    dataset::RowSource,
    distance::{Kernel, evenly},
    kmeans::{
        Centroids, Error,
        assignment::shared_sketch::{TRIAL_ROWS, may_pay, pays_for},
        bytes::Bytes,
        on_disk::row_assignments::RowAssignments,
    },
    sketch::{Basis, Projection},
};

impl RowAssignments {
    /// For each group, how its rows are sketched, if a sketch is worthwhile for centroids like these; tried on some of
    /// its rows.
    pub(super) fn plan(
        &self,
        kernel: Kernel,
        source: &impl RowSource,
        centroids: &[Option<&Centroids>],
    ) -> Result<Vec<Option<Arc<Projection>>>, Error> {
        let (d, sizes) = (self.n_features, self.group_sizes());
        let first_of =
            |group: usize| centroids[group * self.n_runs()..][..self.n_runs()].iter().flatten().next();
        let may_pay = |group: usize| {
            let k = first_of(group)?.n_clusters();
            may_pay((sizes[group], d), k, self.sketched_passes).then_some(group)
        };
        let candidates: Vec<usize> = (0..self.n_groups).filter_map(may_pay).collect();
        let mut plan = vec![None; self.n_groups];
        if candidates.is_empty() {
            return Ok(plan);
        }
        let sample = evenly(self.n_samples, Basis::sample_size(self.n_samples, d));
        let sample = source.select_rows(&sample)?;
        let Some(projection) = Projection::new(kernel, sample.view()).map(Arc::new) else { return Ok(plan) };
        for group in candidates {
            let rows = source.select_rows(&self.some_rows(group, sizes[group].min(TRIAL_ROWS)))?;
            let (bytes, centroids) = (Bytes::new(rows.view()), first_of(group).expect("a candidate"));
            if pays_for(kernel, &bytes, centroids.n_clusters(), centroids, &projection, 1) {
                plan[group] = Some(Arc::clone(&projection));
            }
        }
        Ok(plan)
    }

    /// `count` rows of a group, evenly spaced.
    fn some_rows(&self, group: usize, count: usize) -> Vec<usize> {
        let mut wanted = evenly(self.group_sizes()[group], count).into_iter().peekable();
        let (mut rows, mut seen) = (Vec::with_capacity(count), 0);
        for chunk in &self.chunks {
            let chunk = chunk.lock().expect("no panic while locked");
            let places = &chunk.parts[group].rows;
            while let Some(number) = wanted.next_if(|&number| number < seen + places.len()) {
                rows.push(chunk.rows.start + usize::from(places[number - seen]));
            }
            seen += places.len();
        }
        rows
    }

    fn group_sizes(&self) -> Vec<usize> {
        let mut sizes = vec![0; self.n_groups];
        for chunk in &self.chunks {
            let chunk = chunk.lock().expect("no panic while locked");
            sizes.iter_mut().zip(&chunk.parts).for_each(|(size, part)| *size += part.rows.len());
        }
        sizes
    }

    pub(super) fn use_sketches(&mut self, group: usize, wanted: bool) {
        for chunk in &mut self.chunks {
            chunk.get_mut().expect("no panic while locked").parts[group].use_sketches(wanted);
        }
    }
}
