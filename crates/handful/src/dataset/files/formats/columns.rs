//! Finds the label column and the pixel columns of a table, by its header or else by its values.

use std::{cmp::Ordering, collections::BTreeSet, ops::Range};

use csv::StringRecord;

use super::rows::is_label;
use crate::dataset::{
    files::{LabelColumn, values::shape_of},
    labels,
};

/// Names of columns that number the rows.
const NUMBERS: [&str; 4] = ["id", "imageid", "index", ""];

/// The positions of a row's label and pixels.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Columns {
    /// Number of columns.
    pub(super) n: usize,
    pub(super) label: Label,
    pub(super) pixels: Vec<usize>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Label {
    None,
    Column(usize),
    /// One column per class, with a 1 in one of them and zeros in the others.
    OneHot(Range<usize>),
}

/// The result of inferring the columns of a table without names.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Inferred {
    Columns(Columns),
    /// The rows leave it open; more rows may decide it.
    InDoubt,
    /// No choice of columns leaves a square number of pixels.
    NoSquare,
    /// Neither the first nor the last column holds labels.
    NoLabel,
}

impl Columns {
    /// All columns except the label are pixels.
    fn all(n: usize, label: Label) -> Self {
        let is_label = |column: &usize| match &label {
            Label::None => false,
            Label::Column(label) => label == column,
            Label::OneHot(labels) => labels.contains(column),
        };
        Self { n, pixels: (0..n).filter(|column| !is_label(column)).collect(), label }
    }

    /// The columns of a table with a header; an error message if it has no such column.
    pub(super) fn by_names(names: &StringRecord, wanted: &LabelColumn) -> Result<Self, String> {
        let label = match wanted {
            LabelColumn::Auto => names.iter().position(is_label),
            _ => chosen(names.len(), Some(names), wanted)?,
        };
        let is_pixel = |&column: &usize| {
            let is_number = NUMBERS.iter().any(|number| names[column].eq_ignore_ascii_case(number));
            Some(column) != label && !is_number && !names[column].starts_with("Unnamed:")
        };
        let mut pixels: Vec<usize> = (0..names.len()).filter(is_pixel).collect();
        // `pixel0` to `pixel783` may be in any order; columns with other names keep their order.
        let number = |&column: &usize| {
            let name = &names[column];
            let digits = name.trim_start_matches(|c: char| !c.is_ascii_digit());
            digits.parse::<u32>().ok().map(|number| (name[..name.len() - digits.len()].to_owned(), number))
        };
        let numbers: Option<Vec<_>> = pixels.iter().map(number).collect();
        if numbers.is_some_and(|numbers| numbers.windows(2).all(|pair| pair[0].0 == pair[1].0)) {
            pixels.sort_by_key(number);
        }
        if pixels.is_empty() {
            return Err(format!("expected columns of pixels, found none among the {} columns", names.len()));
        }
        Ok(Self { n: names.len(), label: label.map_or(Label::None, Label::Column), pixels })
    }

    /// The columns of a table without a header, as the caller requests; an error message if there is no such column.
    pub(super) fn by_place(n: usize, wanted: &LabelColumn) -> Result<Self, String> {
        let label = chosen(n, None, wanted)?;
        let found = Self::all(n, label.map_or(Label::None, Label::Column));
        if found.pixels.is_empty() {
            Err(format!("expected columns of pixels, found none among the {n} columns"))
        } else {
            Ok(found)
        }
    }

    /// The columns of a table without a header, inferred from its first rows.
    pub(super) fn by_values(n: usize, rows: &[StringRecord]) -> Inferred {
        // Rows of another length are reported as errors when they are read.
        let rows: Vec<&StringRecord> = rows.iter().filter(|row| row.len() == n).collect();
        if is_square(n) {
            return Inferred::Columns(Self::all(n, Label::None));
        }
        if is_square(n - 1) {
            let side = (n - 1).isqrt();
            let first = Evidence::new(&rows, 0, [1, side]);
            let last = Evidence::new(&rows, n - 1, [n - 2, n - 1 - side]);
            let column = match (first, last) {
                (Some(first), Some(last)) => match first.compare(&last) {
                    Ordering::Greater => 0,
                    Ordering::Less => n - 1,
                    Ordering::Equal => return Inferred::InDoubt,
                },
                (Some(_), None) => 0,
                (None, Some(_)) => n - 1,
                (None, None) => return Inferred::NoLabel,
            };
            return Inferred::Columns(Self::all(n, Label::Column(column)));
        }
        let mut labels = (2..n / 2).map(|n_classes| n - n_classes..n);
        let one_hot =
            labels.find(|labels| is_square(labels.start) && rows.iter().all(|row| is_one_hot(row, labels)));
        one_hot.map_or(Inferred::NoSquare, |labels| Inferred::Columns(Self::all(n, Label::OneHot(labels))))
    }

    /// The label of a row.
    pub(super) fn label(&self, row: &StringRecord) -> Result<Option<String>, String> {
        match &self.label {
            Label::None => Ok(None),
            Label::Column(column) => Ok(Some(labels::name(&row[*column]))),
            Label::OneHot(labels) if is_one_hot(row, labels) => {
                let class = labels.clone().position(|column| number(&row[column]) == Some(1.0));
                Ok(class.map(|class| class.to_string()))
            }
            Label::OneHot(labels) => {
                Err(format!("expected one 1 and otherwise zeros in the last {} columns", labels.len()))
            }
        }
    }
}

/// The requested column.
fn chosen(n: usize, names: Option<&StringRecord>, wanted: &LabelColumn) -> Result<Option<usize>, String> {
    match wanted {
        LabelColumn::Auto | LabelColumn::None => Ok(None),
        LabelColumn::First => Ok(Some(0)),
        LabelColumn::Last => Ok(n.checked_sub(1)),
        LabelColumn::Named(name) => {
            let named = names.and_then(|names| names.iter().position(|found| found == name));
            let numbered =
                || name.parse::<usize>().ok().filter(|place| (1..=n).contains(place)).map(|i| i - 1);
            named.or_else(numbered).map(Some).ok_or_else(|| {
                let found = if names.is_some() { "none of that name" } else { "without names" };
                format!("expected a label column {name:?}, found {n} columns, {found}")
            })
        }
    }
}

fn is_square(n: usize) -> bool {
    n > 0 && shape_of(n)[0] > 1
}

fn number(field: &str) -> Option<f64> {
    field.parse().ok()
}

fn is_one_hot(row: &StringRecord, labels: &Range<usize>) -> bool {
    let values = || labels.clone().map(|column| row.get(column).and_then(number));
    values().all(|value| matches!(value, Some(0.0 | 1.0)))
        && values().filter(|value| *value == Some(1.0)).count() == 1
}

/// Evidence that a column is the label rather than a pixel in the corner of an image.
struct Evidence {
    /// A column of names cannot be pixels.
    has_names: bool,
    /// How many of these hold: its values are a few whole numbers without large gaps; it often differs from both
    /// adjacent pixels.
    points: u8,
    n_distinct: usize,
}

impl Evidence {
    /// `None` if the column cannot be the label, because it has fractions or is empty.
    fn new(rows: &[&StringRecord], column: usize, neighbours: [usize; 2]) -> Option<Self> {
        let (mut numbers, mut n_apart) = (BTreeSet::new(), 0);
        let mut has_names = false;
        for row in rows {
            let field = row.get(column).filter(|field| !field.is_empty())?;
            match (labels::whole(labels::unquoted(field)), number(field)) {
                (Some(whole), _) => _ = numbers.insert(whole),
                (None, Some(_)) => return None,
                (None, None) => has_names = true,
            }
            let differs = |&neighbour: &usize| row.get(neighbour).and_then(number) != number(field);
            n_apart += usize::from(neighbours.iter().all(differs));
        }
        let span = numbers.last().zip(numbers.first()).map_or(0, |(last, first)| last.abs_diff(*first));
        let is_compact = numbers.len() > 1 && span < 2 * numbers.len() as u64;
        let stands_out = 4 * n_apart > rows.len();
        let points = u8::from(is_compact) + u8::from(stands_out);
        Some(Self { has_names, points, n_distinct: numbers.len() })
    }

    /// Of two columns with the same number of points, the one with at most half as many values is the label.
    fn compare(&self, other: &Self) -> Ordering {
        let has_fewer = |a: &Self, b: &Self| a.n_distinct > 1 && 2 * a.n_distinct <= b.n_distinct;
        (self.has_names, self.points, has_fewer(self, other)).cmp(&(
            other.has_names,
            other.points,
            has_fewer(other, self),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `n_rows` rows of `n` columns with these values.
    fn rows(n_rows: usize, n: usize, value: impl Fn(usize, usize) -> String) -> Vec<StringRecord> {
        (0..n_rows).map(|row| (0..n).map(|column| value(row, column)).collect()).collect()
    }

    /// A pseudo-random number from 0 to `below - 1`.
    fn noise(row: usize, column: usize, below: usize) -> usize {
        (row * 7919 + column * 104_729 + row * column * 31) % 10_007 * 13 % below
    }

    fn column(found: &Inferred) -> Option<usize> {
        match found {
            Inferred::Columns(Columns { label: Label::Column(column), .. }) => Some(*column),
            _ => None,
        }
    }

    /// A pixel of images of 4 x 4 pixels with a black border, whose inner pixels have some grey.
    fn pixel(row: usize, pixel: usize) -> usize {
        let (y, x) = (pixel / 4, pixel % 4);
        if (1..3).contains(&y) && (1..3).contains(&x) { noise(row, pixel, 256) } else { 0 }
    }

    #[test]
    fn digits_are_told_from_the_black_of_corners() {
        for n_rows in [2, 20, 256] {
            let first =
                rows(n_rows, 17, |row, i| if i == 0 { row % 10 } else { pixel(row, i - 1) }.to_string());
            assert_eq!(column(&Columns::by_values(17, &first)), Some(0));
            let last = rows(n_rows, 17, |row, i| if i == 16 { row % 10 } else { pixel(row, i) }.to_string());
            assert_eq!(column(&Columns::by_values(17, &last)), Some(16));
        }
        let one = rows(1, 17, |row, i| if i == 0 { 7 } else { pixel(row, i - 1) }.to_string());
        assert_eq!(column(&Columns::by_values(17, &one)), Some(0));
    }

    #[test]
    fn digits_are_told_from_corners_with_ink_now_and_then() {
        let corner = |row: usize| if row.is_multiple_of(9) { noise(row, 0, 200) } else { 0 };
        let last = rows(200, 17, |row, i| match i {
            16 => (row % 10).to_string(),
            0 => corner(row).to_string(),
            _ => pixel(row, i).to_string(),
        });
        assert_eq!(column(&Columns::by_values(17, &last)), Some(16));
    }

    #[test]
    fn digits_are_told_from_coordinates() {
        // Like pendigits.
        let last = rows(256, 17, |row, i| if i == 16 { row % 10 } else { noise(row, i, 101) }.to_string());
        assert_eq!(column(&Columns::by_values(17, &last)), Some(16));
    }

    #[test]
    fn names_are_labels_and_fractions_are_none() {
        let letters = rows(50, 17, |row, i| match i {
            0 => char::from(b'A' + u8::try_from(row % 26).unwrap()).to_string(),
            _ => noise(row, i, 16).to_string(),
        });
        assert_eq!(column(&Columns::by_values(17, &letters)), Some(0));
        let usps =
            rows(50, 17, |row, i| if i == 0 { format!("{}.0000", row % 10) } else { format!("-0.{row}1") });
        assert_eq!(column(&Columns::by_values(17, &usps)), Some(0));
        let with_nothing = rows(50, 17, |row, i| match i {
            0 => (row % 10).to_string(),
            16 => String::new(),
            _ => pixel(row, i).to_string(),
        });
        assert_eq!(column(&Columns::by_values(17, &with_nothing)), Some(0));
        let none = rows(50, 17, |row, i| format!("0.{row}{i}1"));
        assert_eq!(Columns::by_values(17, &none), Inferred::NoLabel);
    }

    #[test]
    fn one_column_for_each_class_is_a_label() {
        // Like semeion.
        let rows = rows(30, 46, |row, i| match i {
            36.. => f64::from(u8::from(row % 10 == i - 36)).to_string(),
            _ => (noise(row, i, 2)).to_string(),
        });
        let Inferred::Columns(columns) = Columns::by_values(46, &rows) else { panic!("expected columns") };
        assert_eq!(columns.label, Label::OneHot(36..46));
        assert_eq!(columns.label(&rows[13]), Ok(Some("3".to_owned())));
    }

    #[test]
    fn what_can_be_either_is_in_doubt() {
        let zeros = rows(50, 17, |row, i| if i == 0 { 0 } else { pixel(row, i - 1) }.to_string());
        assert_eq!(Columns::by_values(17, &zeros), Inferred::InDoubt);
        let both = rows(50, 17, |row, i| match i {
            0 | 16 => (row % 10).to_string(),
            _ => "0".to_owned(),
        });
        assert_eq!(Columns::by_values(17, &both), Inferred::InDoubt);
        assert_eq!(Columns::by_values(7, &rows(3, 7, |_, i| i.to_string())), Inferred::NoSquare);
    }

    #[test]
    fn columns_are_chosen_by_name_or_place() {
        let names: StringRecord = ["id", "species", "p0", "p1"].iter().collect();
        let named = |name: &str| Columns::by_names(&names, &name.parse().expect("any text"));
        let species = Columns { n: 4, label: Label::Column(1), pixels: vec![2, 3] };
        assert_eq!(named("species"), Ok(species));
        assert_eq!(named("2").unwrap().label, Label::Column(1));
        assert_eq!(named("last").unwrap().pixels, [1, 2]);
        assert_eq!(named("none").unwrap().label, Label::None);
        assert!(named("genus").unwrap_err().contains("expected a label column \"genus\", found"));
        let placed = |name: &str| Columns::by_place(4, &name.parse().expect("any text"));
        assert_eq!(placed("4").unwrap().pixels, [0, 1, 2]);
        assert!(placed("5").is_err() && placed("0").is_err() && placed("species").is_err());
    }
}
