//! Recognises the format of a file by its first bytes.

use super::idx;
use crate::dataset::files::input::is_picture;

/// A line needs at least this many numbers to be an image.
const FEWEST_NUMBERS: usize = 4;

/// The format of a file, recognised by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::dataset::files) enum Format {
    Idx,
    Npy,
    Npz,
    Parquet,
    Picture,
    /// `label 1:0.5 7:1 …`
    Libsvm,
    /// A label and numbers, or only numbers, separated by spaces.
    Numbers,
    Csv,
}

impl Format {
    pub(in crate::dataset::files) fn of(head: &[u8]) -> Option<Self> {
        match head {
            [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => Some(Self::Npy),
            [b'P', b'K', 3 | 5, 4 | 6, ..] => Some(Self::Npz),
            [b'P', b'A', b'R', b'1', ..] => Some(Self::Parquet),
            _ if is_picture(head) => Some(Self::Picture),
            _ if idx::matches(head) => Some(Self::Idx),
            _ => of_text(head),
        }
    }
}

/// The format of a text, by its first line; `None` if it is no text format.
fn of_text(head: &[u8]) -> Option<Format> {
    // Text that is cut within a character, or in another encoding, still counts as text.
    let text = String::from_utf8_lossy(head);
    if text.contains(|c: char| c.is_control() && !c.is_whitespace()) {
        return None;
    }
    let (line, is_whole) = text.split_once('\n').map_or((&*text, false), |(line, _)| (line, true));
    let mut words: Vec<&str> = line.split_whitespace().collect();
    if !is_whole && words.len() > FEWEST_NUMBERS {
        words.pop();
    }
    let is_pair = |word: &&str| {
        word.split_once(':').is_some_and(|(i, x)| i.parse::<u32>().is_ok() && x.parse::<f64>().is_ok())
    };
    let is_number = |word: &&str| word.parse::<f64>().is_ok();
    // A label may be a name.
    let inner = words.get(1..words.len().saturating_sub(1)).unwrap_or_default();
    if words.len() > 1 && words[1..].iter().all(is_pair) {
        Some(Format::Libsvm)
    } else if words.len() > FEWEST_NUMBERS && inner.iter().all(is_number) {
        Some(Format::Numbers)
    } else if line.split([',', ';', '\t']).count() > FEWEST_NUMBERS {
        Some(Format::Csv)
    } else {
        None
    }
}
