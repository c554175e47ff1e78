//! Splits lines of text into fields at commas, semicolons, tabs or spaces.

use std::{io, path::Path};

use csv::{ReaderBuilder, StringRecord};

use super::{rows::wrong, text::next_line};
use crate::dataset::{
    Error,
    files::input::{Bytes, Input},
};

/// Rows of fields, one per line.
pub(super) struct Records {
    lines: Lines,
    /// Whether to skip the first field of each row.
    pub(super) skips_first: bool,
}

enum Lines {
    Delimited(Box<csv::Reader<Bytes>>),
    /// Any number of spaces between two fields.
    Spaced {
        bytes: Bytes,
        row: u64,
    },
}

impl Records {
    fn new(lines: Lines) -> Self {
        Self { lines, skips_first: false }
    }

    pub(super) fn delimited(input: Input) -> Self {
        let rows = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .trim(csv::Trim::All)
            .delimiter(delimiter(&input.head))
            .from_reader(input.bytes);
        Self::new(Lines::Delimited(Box::new(rows)))
    }

    pub(super) fn spaced(input: Input) -> Self {
        Self::new(Lines::Spaced { bytes: input.bytes, row: 0 })
    }

    /// The next row and its line number, counted from 1; `None` at the end.
    pub(super) fn next(&mut self, path: &Path) -> Result<Option<(u64, StringRecord)>, Error> {
        let next = self.lines.next(path)?;
        let rest = |record: StringRecord| record.iter().skip(1).collect();
        Ok(if self.skips_first { next.map(|(line, record)| (line, rest(record))) } else { next })
    }
}

impl Lines {
    fn next(&mut self, path: &Path) -> Result<Option<(u64, StringRecord)>, Error> {
        let mut record = StringRecord::new();
        match self {
            Self::Delimited(rows) => {
                let is_there = rows.read_record(&mut record).map_err(|error| malformed(path, error))?;
                let line = record.position().map_or(1, csv::Position::line);
                Ok(is_there.then_some((line, record)))
            }
            Self::Spaced { bytes, row } => {
                let mut line = String::new();
                if !next_line(bytes, &mut line).map_err(|source| not_text(path, *row + 1, source))? {
                    return Ok(None);
                }
                *row += 1;
                record.extend(line.split_whitespace());
                Ok(Some((*row, record)))
            }
        }
    }
}

/// The delimiter that occurs most often in the first line.
fn delimiter(head: &[u8]) -> u8 {
    let line = head.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let count = |delimiter: &u8| line.split(|byte| byte == delimiter).count();
    [b'\t', b';', b','].into_iter().max_by_key(count).unwrap_or(b',')
}

const NOT_TEXT: &str = "expected text in UTF-8, found text in another encoding";

fn not_text(path: &Path, row: u64, source: io::Error) -> Error {
    match source.kind() {
        io::ErrorKind::InvalidData => wrong(path, row, NOT_TEXT),
        _ => Error::Io { path: path.to_owned(), source },
    }
}

fn malformed(path: &Path, error: csv::Error) -> Error {
    let (line, problem) = (error.position().map_or(1, csv::Position::line), error.to_string());
    match error.into_kind() {
        csv::ErrorKind::Io(source) => Error::Io { path: path.to_owned(), source },
        csv::ErrorKind::Utf8 { .. } => wrong(path, line, NOT_TEXT),
        _ => wrong(path, line, problem),
    }
}
