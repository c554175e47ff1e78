//! Text tables with one row per image: Kaggle's, UCI's, USPS and others.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
};

use csv::StringRecord;

use super::{
    Batch, Rows,
    columns::{Columns, Inferred, Label},
    records::Records,
    rows::{is_label, wrong},
};
use crate::dataset::{
    Error,
    files::{
        LabelColumn, Note, ReadOptions,
        values::{Scale, shape_of},
    },
};

/// Number of rows that are examined before the first is returned.
const SAMPLE: usize = 256;
/// If these do not show which column is the label, more are examined, because files may be sorted by it.
const MOST_FIELDS: usize = 1 << 23;

pub(super) struct Table {
    path: PathBuf,
    records: Records,
    columns: Columns,
    /// Rows that were examined, with their line numbers.
    waiting: VecDeque<(u64, StringRecord)>,
    scale: Scale,
}

impl Table {
    pub(super) fn new(path: PathBuf, mut records: Records, options: &ReadOptions) -> Result<Self, Error> {
        let Some((line, mut first)) = records.next(&path)? else {
            return Err(Error::NoImages { path });
        };
        // pandas numbers the rows in a column without a name.
        if first.get(0) == Some("") {
            let rest: StringRecord = first.iter().skip(1).collect();
            if counts(&rest) {
                (first, records.skips_first) = (rest, true);
            }
        }
        let mut sample = Sample { rows: Vec::new(), lines: Vec::new(), is_all: false };
        let is_header = is_header(&first);
        let n = first.len();
        let names = (is_header && !(counts(&first) && options.label_column == LabelColumn::Auto))
            .then(|| first.clone());
        if !is_header {
            sample.push(line, first);
        }
        sample.read(SAMPLE, &path, &mut records)?;
        let problem = |problem: String| wrong(&path, line, problem);
        let columns = match (&names, &options.label_column) {
            (Some(names), wanted) => Columns::by_names(names, wanted).map_err(problem)?,
            (None, LabelColumn::Auto) => infer(n, &mut sample, &path, &mut records, options)?,
            (None, wanted) => Columns::by_place(n, wanted).map_err(problem)?,
        };
        let pixels = |row: &StringRecord| -> Vec<f64> {
            columns.pixels.iter().filter_map(|&column| row.get(column)?.parse().ok()).collect()
        };
        let scale = Scale::of(sample.rows.iter().take(SAMPLE).map(pixels));
        let waiting = sample.lines.into_iter().zip(sample.rows).collect();
        Ok(Self { path, records, columns, waiting, scale })
    }
}

/// Rows to examine.
struct Sample {
    rows: Vec<StringRecord>,
    lines: Vec<u64>,
    /// Whether these are all rows.
    is_all: bool,
}

impl Sample {
    fn push(&mut self, line: u64, row: StringRecord) {
        self.lines.push(line);
        self.rows.push(row);
    }

    /// Reads until there are `n` rows in all.
    fn read(&mut self, n: usize, path: &Path, records: &mut Records) -> Result<(), Error> {
        while self.rows.len() < n && !self.is_all {
            match records.next(path)? {
                Some((line, row)) => self.push(line, row),
                None => self.is_all = true,
            }
        }
        Ok(())
    }
}

/// Infers the columns of a table whose header does not name them.
fn infer(
    n: usize,
    sample: &mut Sample,
    path: &Path,
    records: &mut Records,
    options: &ReadOptions,
) -> Result<Columns, Error> {
    let unclear = |problem: String| Error::LabelColumn { path: path.to_owned(), problem };
    if sample.rows.is_empty() {
        return Err(Error::NoImages { path: path.to_owned() });
    }
    loop {
        match Columns::by_values(n, &sample.rows) {
            Inferred::Columns(columns) => {
                let (path, n_columns) = (path.to_owned(), n);
                match &columns.label {
                    Label::None => {}
                    &Label::Column(column) => {
                        options.notes.tell(&Note::LabelColumn { path, column, n_columns });
                    }
                    Label::OneHot(labels) => {
                        options.notes.tell(&Note::OneHot { path, n_classes: labels.len(), n_columns });
                    }
                }
                return Ok(columns);
            }
            Inferred::InDoubt if !sample.is_all && sample.rows.len() * n < MOST_FIELDS => {
                sample.read(2 * sample.rows.len(), path, records)?;
            }
            Inferred::InDoubt => {
                return Err(unclear(format!(
                    "the label may be in the first or in the last of the {n} columns: set label_column to first or last"
                )));
            }
            Inferred::NoLabel => {
                return Err(unclear(format!(
                    "expected labels, which are whole numbers or names, in the first or in the last of the {n} columns, \
                     found other numbers: set label_column to the column of labels, or to none"
                )));
            }
            Inferred::NoSquare => {
                return Err(unclear(format!(
                    "expected a header that names the pixels, or the pixels of a square image with or without a label \
                     before or after them, found {n} columns: set label_column to the column of labels, or to none"
                )));
            }
        }
    }
}

/// Whether these are names rather than an image: most are not numbers, one is a usual name for labels, or they count
/// from 0.
fn is_header(record: &StringRecord) -> bool {
    let n_words = record.iter().filter(|field| field.parse::<f64>().is_err()).count();
    2 * n_words > record.len() || record.iter().any(is_label) || counts(record)
}

/// Names that pandas gives to unnamed columns.
fn counts(record: &StringRecord) -> bool {
    record.len() > 1 && (0..).zip(record).all(|(i, field)| field.parse() == Ok(i))
}

impl Rows for Table {
    fn shape(&self) -> [usize; 2] {
        shape_of(self.columns.pixels.len())
    }

    fn read(&mut self, most: usize, into: &mut Batch) -> Result<(), Error> {
        let mut values = Vec::new();
        for _ in 0..most {
            let next = match self.waiting.pop_front() {
                Some(row) => Some(row),
                None => self.records.next(&self.path)?,
            };
            let Some((line, record)) = next else { break };
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
            into.labels.extend(self.columns.label(&record).map_err(problem)?);
        }
        Ok(())
    }
}

fn short(field: &str) -> String {
    field.chars().take(20).collect()
}
