//! The layout of points: up to 32 side by side.

use ndarray::{ArrayView2, Axis};

/// Number of points in a panel.
pub(crate) const LANES: usize = 32;
/// Number of values of one vector that are multiplied together: VNNI takes four bytes at once.
pub(crate) const GROUP: usize = 4;
/// A dot product of this many bytes cannot overflow: 255 · 128 · 65,536 < 2³¹.
pub(crate) const MOST_DIMENSIONS: usize = 65_536;

/// One dot product, or key, for each point of a panel.
pub(crate) type Lanes = [i32; LANES];

/// Up to 32 interleaved points: `[group of 4 dimensions][point][dimension]`, padded with zeros after the last dimension
/// and the last point. All kernels use the same layout, so panels can be kept.
#[derive(Clone, Debug, Default)]
pub(crate) struct Panel {
    groups: Vec<Group>,
}

/// Two cache lines.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(crate) struct Group(pub(crate) [[u8; GROUP]; LANES]);

impl Panel {
    /// From the result of [`bytes`](Self::bytes).
    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        let (values, rest) = bytes.as_chunks::<GROUP>();
        let (groups, more) = values.as_chunks::<LANES>();
        assert!(rest.is_empty() && more.is_empty(), "whole groups");
        Self { groups: groups.iter().copied().map(Group).collect() }
    }

    /// The bytes in memory order.
    pub(crate) fn bytes(&self) -> impl Iterator<Item = u8> {
        self.groups.iter().flat_map(|group| group.0.as_flattened().iter().copied())
    }

    pub(crate) fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Replaces the content by at most 32 rows, for kernels with this block size.
    pub(crate) fn pack(&mut self, rows: ArrayView2<u8>, block: usize) {
        assert!(rows.nrows() <= LANES, "a panel holds {LANES} points, not {}", rows.nrows());
        let groups = rows.ncols().div_ceil(GROUP).next_multiple_of(block);
        self.groups.resize(groups, Group([[0; GROUP]; LANES]));
        if rows.nrows() < LANES {
            self.groups.fill(Group([[0; GROUP]; LANES]));
        }
        for (lane, row) in rows.axis_iter(Axis(0)).enumerate() {
            if let Some(row) = row.as_slice() {
                let (whole, rest) = row.as_chunks::<GROUP>();
                for (group, &values) in self.groups.iter_mut().zip(whole) {
                    group.0[lane] = values;
                }
                for group in &mut self.groups[whole.len()..] {
                    group.0[lane] = [0; GROUP];
                }
                if let Some(group) = self.groups.get_mut(whole.len()) {
                    group.0[lane][..rest.len()].copy_from_slice(rest);
                }
            } else {
                self.groups.iter_mut().for_each(|group| group.0[lane] = [0; GROUP]);
                for (i, &value) in row.iter().enumerate() {
                    self.groups[i / GROUP].0[lane][i % GROUP] = value;
                }
            }
        }
    }
}

/// The lanes whose bit is set.
pub(crate) fn lanes(mut mask: u32) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let lane = (mask != 0).then(|| mask.trailing_zeros() as usize);
        mask &= mask.wrapping_sub(1);
        lane
    })
}
