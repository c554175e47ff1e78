//! Groups of images that are connected by duplicates.

/// Disjoint sets with path halving (Tarjan and van Leeuwen 1984); the smallest row of a set represents it.
pub(super) struct Groups(Vec<usize>);

impl Groups {
    /// Each of `n` images alone.
    pub(super) fn new(n: usize) -> Self {
        Self((0..n).collect())
    }

    /// The smallest row of the set of `row`.
    pub(super) fn first(&mut self, mut row: usize) -> usize {
        while self.0[row] != row {
            self.0[row] = self.0[self.0[row]];
            row = self.0[row];
        }
        row
    }

    pub(super) fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.first(a), self.first(b));
        self.0[a.max(b)] = a.min(b);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_row_stands_for_all_that_are_connected() {
        let mut groups = Groups::new(7);
        for (a, b) in [(5, 6), (1, 4), (6, 4), (2, 2)] {
            groups.join(a, b);
        }
        let first: Vec<usize> = (0..7).map(|row| groups.first(row)).collect();
        assert_eq!(first, [0, 1, 2, 3, 1, 1, 1]);
    }
}
