//! Tables with a row for each image: Kaggle's and others', read by their header where there is one.

use std::path::{Path, PathBuf};

use csv::{ReaderBuilder, StringRecord};

use super::{Batch, Rows, is_label, label, wrong};
use crate::dataset::{
    Error,
    input::{Bytes, Input},
    values::{Scale, shape_of},
};

/// What columns are called that number the rows.
const NUMBERS: [&str; 4] = ["id", "imageid", "index", ""];

/// Where a row's label and pixels stand.
struct Columns {
    n: usize,
    label: Option<usize>,
    pixels: Vec<usize>,
}

pub(super) struct Table {
    path: PathBuf,
    rows: csv::Reader<Bytes>,
    columns: Columns,
    /// A first row that turned out to be no header.
    first: Option<StringRecord>,
    scale: Scale,
}

impl Table {
    pub(super) fn new(input: Input) -> Result<Self, Error> {
        let Input { path, head, bytes } = input;
        let mut rows = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .trim(csv::Trim::All)
            .delimiter(delimiter(&head))
            .from_reader(bytes);
        let mut first = StringRecord::new();
        if !rows.read_record(&mut first).map_err(|error| malformed(&path, error))? {
            return Err(Error::NoImages { path });
        }
        let is_header = is_header(&first);
        let columns = if is_header { by_names(&first) } else { by_count(first.len()) };
        let Some(columns) = columns else {
            return Err(wrong(
                &path,
                1,
                format!(
                    "expected a header that names pixels, or as many numbers as a square has pixels, with or \
                     without a label before them, found {} columns",
                    first.len()
                ),
            ));
        };
        let first = (!is_header).then_some(first);
        Ok(Self { path, rows, columns, first, scale: Scale::default() })
    }
}

/// The one that occurs most often in the first line.
fn delimiter(head: &[u8]) -> u8 {
    let line = head.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let count = |delimiter: &u8| line.split(|byte| byte == delimiter).count();
    [b'\t', b';', b','].into_iter().max_by_key(count).unwrap_or(b',')
}

/// Whether these are names rather than an image: most are no numbers, one names labels, or they count from 0.
fn is_header(record: &StringRecord) -> bool {
    let n_words = record.iter().filter(|field| field.parse::<f64>().is_err()).count();
    let counts = || (0..).zip(record).all(|(i, field)| field.parse() == Ok(i));
    2 * n_words > record.len() || record.iter().any(is_label) || counts()
}

fn by_names(names: &StringRecord) -> Option<Columns> {
    let label = names.iter().position(is_label);
    let is_pixel = |&column: &usize| {
        let is_number = NUMBERS.iter().any(|number| names[column].eq_ignore_ascii_case(number));
        Some(column) != label && !is_number && !names[column].starts_with("Unnamed:")
    };
    let mut pixels: Vec<usize> = (0..names.len()).filter(is_pixel).collect();
    // `pixel0` to `pixel783` may stand in any order; other names are taken as they stand.
    let number = |&column: &usize| {
        let name = &names[column];
        let digits = name.trim_start_matches(|c: char| !c.is_ascii_digit());
        digits.parse::<u32>().ok().map(|number| (name[..name.len() - digits.len()].to_owned(), number))
    };
    let numbers: Option<Vec<_>> = pixels.iter().map(number).collect();
    if numbers.is_some_and(|numbers| numbers.windows(2).all(|pair| pair[0].0 == pair[1].0)) {
        pixels.sort_by_key(number);
    }
    (!pixels.is_empty()).then_some(Columns { n: names.len(), label, pixels })
}

/// A square of pixels, or one with a label before it.
fn by_count(n: usize) -> Option<Columns> {
    let is_square = |n: usize| n > 0 && shape_of(n)[0] > 1;
    if is_square(n) {
        Some(Columns { n, label: None, pixels: (0..n).collect() })
    } else {
        is_square(n - 1).then(|| Columns { n, label: Some(0), pixels: (1..n).collect() })
    }
}

impl Rows for Table {
    fn shape(&self) -> [usize; 2] {
        shape_of(self.columns.pixels.len())
    }

    fn read(&mut self, most: usize, into: &mut Batch) -> Result<(), Error> {
        let (mut record, mut values) = (StringRecord::new(), Vec::new());
        for _ in 0..most {
            match self.first.take() {
                Some(first) => record = first,
                None if self
                    .rows
                    .read_record(&mut record)
                    .map_err(|error| malformed(&self.path, error))? => {}
                None => break,
            }
            let line = record.position().map_or(1, csv::Position::line);
            let problem = |problem: String| wrong(&self.path, line, problem);
            if record.len() != self.columns.n {
                let expected = self.columns.n;
                return Err(problem(format!("expected {expected} columns, found {}", record.len())));
            }
            values.clear();
            for &column in &self.columns.pixels {
                let field = &record[column];
                values.push(field.parse().map_err(|_| {
                    problem(format!("column {}: expected a number, found {:?}", column + 1, short(field)))
                })?);
            }
            self.scale.push(&values, &mut into.pixels).map_err(|outside| {
                problem(format!("column {}: {}", self.columns.pixels[outside.column] + 1, outside.problem))
            })?;
            into.labels.extend(self.columns.label.map(|column| label(&record[column])));
        }
        Ok(())
    }
}

fn short(field: &str) -> String {
    field.chars().take(20).collect()
}

fn malformed(path: &Path, error: csv::Error) -> Error {
    let line = error.position().map_or(1, csv::Position::line);
    match error.into_kind() {
        csv::ErrorKind::Io(source) => Error::Io { path: path.to_owned(), source },
        csv::ErrorKind::Utf8 { .. } => wrong(path, line, "expected text in UTF-8, found other bytes"),
        other => wrong(path, line, format!("{other:?}")),
    }
}
