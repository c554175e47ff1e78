//! Labels as they are written, and as indices into the classes.

use std::collections::{BTreeSet, HashMap};

/// The names that occur, each once: numbers in their order, then other names in theirs.
pub(super) fn classes<'a>(labels: impl IntoIterator<Item = &'a String>) -> Vec<String> {
    let names: BTreeSet<&String> = labels.into_iter().collect();
    let mut names: Vec<String> = names.into_iter().cloned().collect();
    let rank = |name: &String| name.parse::<i64>().map_or((true, 0), |number| (false, number));
    names.sort_by_key(rank);
    names
}

/// For each label the index of its class; the row and name of the first that is none.
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
    fn numbers_are_ordered_as_numbers_and_before_names() {
        let labels = ["10", "b", "9", "-1", "a", "9"].map(str::to_owned);
        assert_eq!(classes(&labels), ["-1", "9", "10", "a", "b"]);
        assert_eq!(indices(&labels, &classes(&labels)), Ok(vec![2, 4, 1, 0, 3, 1]));
        assert_eq!(indices(&labels, &["9".to_owned()]), Err((0, "10")));
    }
}
