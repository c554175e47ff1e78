//! The pages of a TIFF file. The decoder reads only the first page, so each page is made the first in turn.

use std::{collections::HashSet, ops::Range};

/// Nobody scanned a file with more pages.
const MOST_PAGES: usize = 1 << 14;
/// No page needs more entries.
const MOST_ENTRIES: u64 = 1 << 12;
/// The tag that says what a page is: bit 0 is set for a smaller copy of another page, bit 2 for a mask.
const NEW_SUBFILE_TYPE: u64 = 254;
const COPY_OR_MASK: u64 = 0b101;

/// The offsets of the page directories in a file.
pub(super) struct Pages {
    /// Where the header stores the offset of the first page.
    first: Range<usize>,
    is_big_endian: bool,
    offsets: Vec<u64>,
}

pub(super) fn matches(head: &[u8]) -> bool {
    matches!(head, [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..])
}

impl Pages {
    /// A damaged file has no pages beyond the damage, which the decoder reports.
    pub(super) fn new(bytes: &[u8]) -> Self {
        let is_big_endian = bytes.starts_with(b"MM");
        let number = |at: u64, size: u64| -> Option<u64> {
            let start = usize::try_from(at).ok()?;
            let bytes = bytes.get(start..start.checked_add(usize::try_from(size).ok()?)?)?.iter();
            let number = |all: u64, &byte: &u8| all << 8 | u64::from(byte);
            Some(if is_big_endian { bytes.fold(0, number) } else { bytes.rev().fold(0, number) })
        };
        // BigTIFF files use 8-byte counts and offsets.
        let is_large = number(2, 2) == Some(43);
        let (count_size, entry_size, pointer_size) = if is_large { (8, 20, 8) } else { (2, 12, 4) };
        let first = if is_large { 8..16 } else { 4..8 };
        let mut found = Self { first, is_big_endian, offsets: Vec::new() };
        let (mut at, mut seen) = (number(found.first.start as u64, pointer_size), HashSet::new());
        while let Some(offset) = at.filter(|&at| at != 0 && seen.insert(at) && seen.len() <= MOST_PAGES) {
            let Some(n) = number(offset, count_size).filter(|&n| n <= MOST_ENTRIES) else { break };
            let entries = (0..n).map(|i| offset.saturating_add(count_size + i * entry_size));
            let kind = entries.clone().find(|&entry| number(entry, 2) == Some(NEW_SUBFILE_TYPE));
            let kind = kind.and_then(|entry| number(entry + entry_size - pointer_size, 4)).unwrap_or(0);
            if kind & COPY_OR_MASK == 0 || found.offsets.is_empty() {
                found.offsets.push(offset);
            }
            at = number(offset.saturating_add(count_size + n * entry_size), pointer_size);
        }
        found
    }

    pub(super) fn len(&self) -> usize {
        self.offsets.len()
    }

    /// Makes a page the first one.
    pub(super) fn turn_to(&self, page: usize, bytes: &mut [u8]) {
        let pointer = self.offsets[page].to_le_bytes();
        let pointer = pointer.iter().take(self.first.len());
        let place = bytes[self.first.clone()].iter_mut();
        if self.is_big_endian {
            place.rev().zip(pointer).for_each(|(to, from)| *to = *from);
        } else {
            place.zip(pointer).for_each(|(to, from)| *to = *from);
        }
    }
}
