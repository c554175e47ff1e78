//! Where a photo ends that has previews or depth maps appended (CIPA DC-007, Multi-Picture Format).
//!
//! An index in the photo has the form of TIFF: a byte order, and a directory of entries. One of these lists the pictures,
//! each with its size and its offset from the start of the index.

/// The entry with the list of pictures, and the number of bytes per picture.
const PICTURES: u16 = 0xb002;
const ENTRY: usize = 16;

/// The end of the last picture, counted from the start of the index; `None` if the index is damaged.
pub(super) fn end(index: &[u8]) -> Option<u64> {
    let is_little = match index.get(..4)? {
        b"II*\0" => true,
        b"MM\0*" => false,
        _ => return None,
    };
    let bytes = |at: usize| index.get(at..at.checked_add(4)?)?.try_into().ok();
    let long = |at: usize| bytes(at).map(if is_little { u32::from_le_bytes } else { u32::from_be_bytes });
    let short = |at: usize| {
        let bytes = index.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if is_little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    };
    let place = |at: usize| long(at).and_then(|place| usize::try_from(place).ok());
    let directory = place(4)?;
    let n_entries = usize::from(short(directory)?);
    let list = (0..n_entries).map(|i| directory + 2 + 12 * i).find(|&at| short(at) == Some(PICTURES))?;
    let (n_bytes, start) = (place(list + 4)?, place(list + 8)?);
    let pictures = (0..n_bytes / ENTRY).map(|i| start + ENTRY * i);
    // The offset of the photo itself is 0.
    let ends = pictures.skip(1).map(|at| Some(u64::from(long(at + 4)?) + u64::from(long(at + 8)?)));
    ends.collect::<Option<Vec<u64>>>()?.into_iter().max()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// An index of a photo and one attachment of this size, which starts at this offset.
    pub(in crate::dataset::files::formats) fn index(size: u32, offset: u32) -> Vec<u8> {
        let mut index = b"II*\0\x08\0\0\0\x01\0".to_vec();
        // Tag, type 7 (bytes), number of bytes, place; and no next directory.
        index.extend([PICTURES.to_le_bytes(), 7_u16.to_le_bytes()].concat());
        index.extend([32_u32, 26, 0].map(u32::to_le_bytes).concat());
        index.extend([0x0003_0000_u32, 999, 0, 0, 0, size, offset, 0].map(u32::to_le_bytes).concat());
        index
    }

    #[test]
    fn the_last_picture_ends_where_its_entry_says() {
        assert_eq!(end(&index(500, 7000)), Some(7500));
        let whole = index(1, 2);
        for n in 0..whole.len() {
            assert!(end(&whole[..n]).is_none_or(|end| end == 3), "{n}");
        }
        assert_eq!(end(b"II*\0\xff\xff\xff\xff"), None);
        assert_eq!(end(b"not an index"), None);
    }
}
