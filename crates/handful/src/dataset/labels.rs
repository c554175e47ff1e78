//! Labels as they are written, and as indices into the classes.

use std::collections::{BTreeSet, HashMap};

use super::natural;

/// Beyond 2^53 not every whole number is a float.
const MOST: f64 = 9_007_199_254_740_992.0;

/// The name of the class that a text denotes. Whole numbers are normalised, however they are written (`7`, `7.0`,
/// `7.000e+00`, `"7"`). Everything else loses only the spaces and quotes around it.
pub(super) fn name(text: &str) -> String {
    let text = unquoted(text);
    let number = whole(text).filter(|_| !is_numbered_name(text));
    number.map_or_else(|| text.to_owned(), |number| number.to_string())
}

/// The text without the spaces and quotes around it.
pub(super) fn unquoted(text: &str) -> &str {
    let text = text.trim();
    let quoted = ['"', '\''].iter().find_map(|&quote| text.strip_prefix(quote)?.strip_suffix(quote));
    quoted.unwrap_or(text).trim()
}

/// Names such as `007` are not numbers.
fn is_numbered_name(text: &str) -> bool {
    let text = text.trim_start_matches(['+', '-']).as_bytes();
    matches!(text, [b'0', b'0'..=b'9', ..])
}

/// The whole number that a text denotes.
pub(super) fn whole(text: &str) -> Option<i64> {
    let of_float = || {
        let number = text.parse::<f64>().ok()?;
        #[expect(clippy::cast_possible_truncation, reason = "whole, and below 2^53")]
        (number.fract() == 0.0 && number.abs() <= MOST).then_some(number as i64)
    };
    text.parse().ok().or_else(of_float)
}

/// What is wrong with a label, if it cannot name a class.
fn problem(label: &str) -> Option<String> {
    let is_class =
        || label.parse::<f64>().map_or(true, |number| number.fract() == 0.0 || number.is_infinite());
    match label {
        "" => Some("expected a label, found none".to_owned()),
        _ if is_class() => None,
        _ => Some(format!("expected a label that is a whole number or a name, found {label}")),
    }
}

/// Fails at the first label that cannot name a class, with its row, counted from 0, and the problem.
pub(super) fn check(labels: &[String]) -> Result<(), (usize, String)> {
    let mut problems = labels.iter().enumerate().filter_map(|(row, label)| Some((row, problem(label)?)));
    problems.next().map_or(Ok(()), Err)
}

/// The distinct names: first the numbers, sorted as numbers, then the other names, sorted.
pub(super) fn classes<'a>(labels: impl IntoIterator<Item = &'a String>) -> Vec<String> {
    let names: BTreeSet<&String> = labels.into_iter().collect();
    let mut names: Vec<String> = names.into_iter().cloned().collect();
    let rank = |name: &String| name.parse::<i64>().map_or((true, 0), |number| (false, number));
    names.sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| natural::compare(a, b)));
    names
}

/// The class index of each label; or the row and name of the first unknown label.
pub(super) fn indices<'a>(labels: &'a [String], classes: &[String]) -> Result<Vec<u32>, (usize, &'a str)> {
    let numbers: HashMap<&str, u32> = classes.iter().map(String::as_str).zip(0..).collect();
    let index =
        |(row, label): (usize, &'a String)| numbers.get(label.as_str()).copied().ok_or((row, label.as_str()));
    labels.iter().enumerate().map(index).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_have_one_name_however_they_are_written() {
        for text in ["7", "7.0", "7.000e+00", "\"7\"", " 7 ", "+7", "7.", "0.7e1", "' 7.00 '"] {
            assert_eq!(name(text), "7", "{text:?}");
        }
        for (text, expected) in [
            ("-0.0", "0"),
            ("-1.0", "-1"),
            ("1e20", "1e20"),
            ("7.5", "7.5"),
            ("9007199254740993", "9007199254740993"),
            (" seven ", "seven"),
            ("\"7", "\"7"),
            ("inf", "inf"),
            ("007", "007"),
            ("0", "0"),
        ] {
            assert_eq!(name(text), expected);
        }
    }

    #[test]
    fn what_names_no_class_is_told() {
        let labels = |label: &str| vec!["7".to_owned(), label.to_owned()];
        for label in ["seven", "1e20", "-3", "9007199254740993", "infinity", "3 4"] {
            assert_eq!(check(&labels(label)), Ok(()), "{label}");
        }
        for (label, expected) in
            [("7.5", "whole number or a name, found 7.5"), ("NaN", "found NaN"), ("", "found none")]
        {
            let (row, problem) = check(&labels(label)).unwrap_err();
            assert!(row == 1 && problem.ends_with(expected), "{problem}");
        }
    }

    #[test]
    fn numbers_are_ordered_as_numbers_and_before_names() {
        let labels = ["10", "b", "9", "-1", "a10", "a9", "9"].map(str::to_owned);
        assert_eq!(classes(&labels), ["-1", "9", "10", "a9", "a10", "b"]);
        assert_eq!(indices(&labels, &classes(&labels)), Ok(vec![2, 5, 1, 0, 4, 3, 1]));
        assert_eq!(indices(&labels, &["9".to_owned()]), Err((0, "10")));
    }
}
