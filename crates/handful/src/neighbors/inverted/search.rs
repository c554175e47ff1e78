//! The search: which lists a query probes, and the nearest rows in them.

use std::{ops::Range, sync::OnceLock};

use ndarray::{Array2, ArrayView2, Axis, s};

use super::{
    Error, InvertedIndex,
    lists::{ListPairs, Lists, Queries},
};
use crate::{
    distance::{Kernel, Rows},
    neighbors::{NearestNeighbors, scan, sketched::Search, top_k::TopK},
    progress::Cancelled,
    sketch::SketchedQueries,
};

/// Ranks of the lists that are probed together, by their distance from the query.
const ROUNDS: [Range<usize>; 3] = [0..1, 1..4, 4..usize::MAX];

/// The lists that each query probes, nearest first.
struct Routes {
    lists: Vec<usize>,
    ends: Vec<usize>,
}

impl Routes {
    /// The `n_probe` nearest lists, and further ones until they hold `k` rows.
    fn new(
        centroids: &NearestNeighbors,
        lists: &Lists,
        queries: ArrayView2<u8>,
        (k, n_probe): (usize, usize),
    ) -> Result<Self, Error> {
        let nearest = centroids.kneighbors(queries, n_probe)?.indices;
        let mut routes = Self { lists: Vec::with_capacity(nearest.len()), ends: Vec::new() };
        for (query, nearest) in nearest.outer_iter().enumerate() {
            let held: usize = nearest.iter().map(|&list| lists.size(list)).sum();
            routes.lists.extend(nearest);
            let (mut held, mut more) = (held, n_probe);
            while held < k {
                let known = more;
                more = (2 * more).min(lists.n_lists());
                let further = centroids.kneighbors(queries.slice(s![query..=query, ..]), more)?.indices;
                for &list in further.iter().skip(known) {
                    if held < k {
                        held += lists.size(list);
                        routes.lists.push(list);
                    }
                }
            }
            routes.ends.push(routes.lists.len());
        }
        Ok(routes)
    }

    /// For each list with rows, the queries for which its rank is in `ranks`.
    fn visits(&self, lists: &Lists, ranks: Range<usize>) -> Vec<(usize, Vec<usize>)> {
        let mut visits: Vec<(usize, Vec<usize>)> =
            (0..lists.n_lists()).map(|list| (list, Vec::new())).collect();
        let mut start = 0;
        for (query, &end) in self.ends.iter().enumerate() {
            let ranks = end.min(start + ranks.start)..end.min(start.saturating_add(ranks.end));
            self.lists[ranks].iter().for_each(|&list| visits[list].1.push(query));
            start = end;
        }
        visits.retain(|(list, queries)| !queries.is_empty() && lists.size(*list) > 0);
        visits
    }
}

impl InvertedIndex {
    /// The `k` nearest rows in the lists that each query probes. `tick` counts every pair of query and list.
    pub(super) fn block(
        &self,
        kernel: Kernel,
        queries: ArrayView2<u8>,
        (k, n_probe): (usize, usize),
        tick: &(dyn Fn(usize) -> Result<(), Cancelled> + Sync),
    ) -> Result<Vec<TopK>, Error> {
        let routes = Routes::new(&self.centroids, &self.lists, queries, (k, n_probe))?;
        let queries = Queries::new(Rows::new(queries));
        let projection = self.lists.projection.as_deref();
        let sketched = projection.map(|projection| SketchedQueries::new(kernel, projection, queries.bytes));
        let mut best = vec![TopK::new(k); queries.bytes.nrows()];
        // The nearest lists come first: the neighbours found there rule out most rows of the others.
        for ranks in ROUNDS {
            for (number, which) in routes.visits(&self.lists, ranks) {
                self.visit(kernel, number, (&queries, &which), sketched.as_ref(), &mut best)?;
                tick(which.len())?;
            }
        }
        Ok(best)
    }

    /// Offers the rows of a list to some queries.
    fn visit(
        &self,
        kernel: Kernel,
        number: usize,
        (queries, which): (&Queries, &[usize]),
        sketched: Option<&SketchedQueries>,
        best: &mut [TopK],
    ) -> Result<(), Error> {
        let read = |source| self.unreadable(source);
        for part in self.lists.parts(number) {
            let list = self.lists.list(number, part, which.len()).map_err(read)?;
            let mut pairs = ListPairs {
                kernel,
                list: &list,
                queries,
                which,
                selected: Array2::zeros((0, 0)),
                failed: OnceLock::new(),
            };
            let wanted: Vec<TopK> =
                which.iter().map(|&query| TopK::within(best[query].k(), best[query].threshold())).collect();
            let (all, never) = (0..list.len(), |_| Ok(()));
            let found = if let (Some(sketch), Some(sketched)) = (&list.sketch, sketched) {
                let sketched = sketched.select(which);
                Search::of_sketched(kernel, sketch, &pairs, &wanted, sketched).stream(all, &never)?.0
            } else {
                let (rows, terms) = list.whole().expect("rows without a sketch are read as a whole");
                pairs.selected = queries.bytes.view().select(Axis(0), which);
                scan::scan(kernel, rows, terms, &pairs, &wanted, all, &never)?
            };
            for (&query, found) in which.iter().zip(found) {
                let found = found.into_sorted().into_iter();
                found.for_each(|(distance, row)| best[query].offer(distance, list.index(row)));
            }
            pairs.failed.into_inner().map_or(Ok(()), |source| Err(read(source)))?;
        }
        Ok(())
    }
}
