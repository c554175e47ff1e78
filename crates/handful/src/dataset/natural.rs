//! Natural order of file names: `2.png` before `10.png`.

use std::{cmp::Ordering, path::Path};

/// Compares file names in natural order: `2.png` comes before `10.png`.
///
/// ```
/// use handful::dataset::natural_order;
///
/// let mut files = ["10.png", "page-2/b.png", "2.png", "page-10/a.png", "1.png"];
/// files.sort_by(|a, b| natural_order(a.as_ref(), b.as_ref()));
/// assert_eq!(files, ["1.png", "2.png", "10.png", "page-2/b.png", "page-10/a.png"]);
/// ```
#[must_use]
pub fn natural_order(a: &Path, b: &Path) -> Ordering {
    let names = |path: &Path| -> Vec<String> {
        path.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect()
    };
    let (a_names, b_names) = (names(a), names(b));
    let first_difference =
        a_names.iter().zip(&b_names).map(|(a, b)| compare(a, b)).find(|order| order.is_ne());
    first_difference.unwrap_or_else(|| a_names.len().cmp(&b_names.len())).then_with(|| a.cmp(b))
}

/// The same for any names. Names that differ in leading zeros alone are ordered as text.
pub(super) fn compare(a: &str, b: &str) -> Ordering {
    pieces(a).cmp(pieces(b)).then_with(|| a.cmp(b))
}

/// A number of any length, or the text between two numbers.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Piece<'a> {
    /// Of two numbers without leading zeros, the shorter is the smaller.
    Number(usize, &'a str),
    Text(&'a str),
}

fn pieces(name: &str) -> impl Iterator<Item = Piece<'_>> {
    let is_digit = |piece: &str| piece.starts_with(|c: char| c.is_ascii_digit());
    let chunks = name.as_bytes().chunk_by(|a, b| a.is_ascii_digit() == b.is_ascii_digit());
    let mut end = 0;
    chunks.map(move |chunk| {
        let piece = &name[end..end + chunk.len()];
        end += chunk.len();
        if is_digit(piece) {
            let digits = piece.trim_start_matches('0');
            Piece::Number(digits.len(), digits)
        } else {
            Piece::Text(piece)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_count() {
        let ordered = [
            "1.png",
            "2.png",
            "10.png",
            "99999999999999999999999.png",
            "100000000000000000000000.png",
            "a",
            "a1b2",
            "a01b10",
            "a1b10",
            "a2",
            "é1",
            "é12",
        ];
        for pair in ordered.windows(2) {
            assert_eq!(compare(pair[0], pair[1]), Ordering::Less, "{pair:?}");
        }
        assert_eq!(compare("7", "7"), Ordering::Equal);
    }
}
