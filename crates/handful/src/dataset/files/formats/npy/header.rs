//! The header of a NumPy array: a Python dictionary as text (NEP 1).

use std::io::Read;

/// NumPy's own limit.
const LONGEST: usize = 10_000;

pub(super) struct Header {
    pub(super) descr: String,
    pub(super) is_fortran: bool,
    pub(super) shape: Vec<u64>,
}

/// The dictionary as text; `None` if this is not an array.
pub(super) fn read(bytes: &mut impl Read) -> std::io::Result<Option<String>> {
    let mut start = [0; 8];
    bytes.read_exact(&mut start)?;
    let length = if start[6] == 1 {
        let mut length = [0; 2];
        bytes.read_exact(&mut length)?;
        usize::from(u16::from_le_bytes(length))
    } else {
        let mut length = [0; 4];
        bytes.read_exact(&mut length)?;
        u32::from_le_bytes(length) as usize
    };
    if &start[..6] != b"\x93NUMPY" || length > LONGEST {
        return Ok(None);
    }
    let mut text = vec![0; length];
    bytes.read_exact(&mut text)?;
    Ok(String::from_utf8(text).ok())
}

/// Parses a dictionary of a string `descr`, a boolean `fortran_order` and a tuple `shape`. `None` if it has other
/// entries: those of structured arrays, for example, have a list as `descr`.
pub(super) fn parse(text: &str) -> Option<Header> {
    let (mut descr, mut is_fortran, mut shape) = (None, None, None);
    let mut rest = text.trim().strip_prefix('{')?.strip_suffix('}')?.trim();
    while !rest.is_empty() {
        let (key, value) = string(rest)?;
        let value = value.trim_start().strip_prefix(':')?.trim_start();
        rest = match key {
            "descr" => {
                let (text, rest) = string(value)?;
                descr = Some(text.to_owned());
                rest
            }
            "fortran_order" => {
                let rest = value.strip_prefix("True").or_else(|| value.strip_prefix("False"))?;
                is_fortran = Some(value.starts_with('T'));
                rest
            }
            "shape" => {
                let (sizes, rest) = value.strip_prefix('(')?.split_once(')')?;
                shape = Some(tuple(sizes)?);
                rest
            }
            _ => return None,
        }
        .trim_start();
        rest = match rest.strip_prefix(',') {
            Some(rest) => rest.trim_start(),
            None if rest.is_empty() => rest,
            None => return None,
        };
    }
    Some(Header { descr: descr?, is_fortran: is_fortran?, shape: shape? })
}

/// A string between quotes, and what follows it.
fn string(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
    text[1..].split_once(quote).filter(|(string, _)| !string.contains('\\'))
}

/// The sizes of a tuple; Python 2 wrote some with an `L`.
fn tuple(sizes: &str) -> Option<Vec<u64>> {
    let sizes = sizes.trim();
    if sizes.is_empty() {
        return Some(Vec::new());
    }
    // Without a comma it would be a number between brackets.
    let sizes = sizes.strip_suffix(',').or_else(|| sizes.contains(',').then_some(sizes))?;
    let size = |size: &str| {
        let digits = size.trim();
        let digits = digits.strip_suffix('L').unwrap_or(digits);
        digits.bytes().all(|digit| digit.is_ascii_digit()).then(|| digits.parse().ok())?
    };
    sizes.split(',').map(size).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_all_versions_are_understood() {
        let header = |text: &str| parse(text).map(|found| (found.descr, found.is_fortran, found.shape));
        let expected = |shape: &[u64]| Some(("<f8".to_owned(), false, shape.to_vec()));
        for (text, shape) in [
            ("{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }   \n", &[3, 4][..]),
            ("{'shape': (3,), 'descr': '<f8', 'fortran_order': False}", &[3]),
            ("{\"descr\":\"<f8\",\"fortran_order\":False,\"shape\":(70000L, 784L)}", &[70_000, 784]),
            ("{'descr': '<f8', 'fortran_order': False, 'shape': (), }", &[]),
        ] {
            assert_eq!(header(text), expected(shape), "{text}");
        }
        assert!(
            parse("{'descr': '|u1', 'fortran_order': True, 'shape': (1,)}").is_some_and(|it| it.is_fortran)
        );
    }

    #[test]
    fn other_headers_are_refused() {
        for text in [
            "",
            "{",
            "{}",
            "[]",
            "{'descr': [('x', '<f8')], 'fortran_order': False, 'shape': (3,)}",
            "{'descr': '<f8', 'fortran_order': 0, 'shape': (3,)}",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (-3,)}",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (3, ,)}",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (3)}",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (+3,)}",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (3LL,)}",
            "{'descr': '<f8', 'fortran_order': False, 'shape': [3]}",
            "{'descr': '<f8' 'fortran_order': False, 'shape': (3,)}",
            "{'descr': '<f8', 'fortran_order': False}",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (3,), 'more': 1}",
            "{'descr: '<f8', 'fortran_order': False, 'shape': (3,)}",
        ] {
            assert!(parse(text).is_none(), "{text}");
        }
    }
}
