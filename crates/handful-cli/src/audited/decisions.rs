//! Decisions about images, read from a CSV file: that of an audit, with the last two columns filled in.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    fs::File,
    io,
    path::{Path, PathBuf},
};

use super::images::Part;

/// The columns of the file.
pub(crate) const COLUMNS: [&str; 12] = [
    "kind",
    "part",
    "index",
    "label",
    "suggested",
    "score",
    "other_part",
    "other_index",
    "other_label",
    "distance",
    "decision",
    "new_label",
];

/// What to do with an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    Keep,
    Relabel(String),
    Remove,
}

/// A row of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// The line of the file, counted from 1.
    pub(crate) line: u64,
    pub(crate) kind: String,
    pub(crate) part: Part,
    pub(crate) index: usize,
    /// The label that the image had, if the file says so.
    pub(crate) label: Option<String>,
    pub(crate) decision: Option<Decision>,
}

/// What can be wrong with decisions.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{} cannot be read", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("{}: line {line}: {problem}", path.display())]
    Line { path: PathBuf, line: u64, problem: String },
    #[error("{}: {problem}", path.display())]
    File { path: PathBuf, problem: String },
}

/// The rows of a file.
pub(crate) struct Decisions {
    path: PathBuf,
    pub(crate) rows: Vec<Row>,
}

/// The decision about each image, with its line.
pub(crate) type ByImage<'a> = BTreeMap<(Part, usize), (&'a Row, &'a Decision)>;

impl Decisions {
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        let file = File::open(path).map_err(|source| Error::Io { path: path.to_owned(), source })?;
        Self::parse(path, file)
    }

    fn parse(path: &Path, file: impl io::Read) -> Result<Self, Error> {
        let mut found = Self { path: path.to_owned(), rows: Vec::new() };
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(file);
        let header = reader.headers().map_err(|error| found.csv_error(error))?.clone();
        let column =
            |name: &str| header.iter().position(|column| column.trim_start_matches('\u{feff}') == name);
        let needed = |name: &str| {
            let columns: Vec<&str> = header.iter().collect();
            column(name).ok_or_else(|| {
                found.of_file(format!("expected a column {name:?}, found the columns {}", columns.join(", ")))
            })
        };
        let (part, index) = (needed("part")?, needed("index")?);
        let [kind, label, decision, new_label] = ["kind", "label", "decision", "new_label"].map(column);
        for record in reader.records() {
            let record = record.map_err(|error| found.csv_error(error))?;
            let line = record.position().map_or(0, csv::Position::line);
            let text =
                |column: Option<usize>| column.and_then(|column| record.get(column)).unwrap_or_default();
            let named =
                |column: Option<usize>| Some(text(column)).filter(|text| !text.is_empty()).map(str::to_owned);
            let part = Part::parse(text(Some(part))).ok_or_else(|| {
                found.of_line(
                    line,
                    format!("expected the part train, test or all, found {:?}", text(Some(part))),
                )
            })?;
            let index = text(Some(index)).parse().map_err(|_| {
                let index = text(Some(index));
                found.of_line(line, format!("expected the number of an image as index, found {index:?}"))
            })?;
            let decision = match (text(decision), named(new_label)) {
                ("", None) => None,
                ("keep", _) => Some(Decision::Keep),
                ("remove", _) => Some(Decision::Remove),
                ("relabel", Some(label)) => Some(Decision::Relabel(label)),
                ("relabel", None) => {
                    return Err(
                        found.of_line(line, "expected the new label of the image as new_label, found none")
                    );
                }
                (other, _) => {
                    let problem = format!("expected the decision keep, relabel or remove, found {other:?}");
                    return Err(found.of_line(line, problem));
                }
            };
            let (kind, label) = (text(kind).to_owned(), named(label));
            found.rows.push(Row { line, kind, part, index, label, decision });
        }
        Ok(found)
    }

    /// The decisions, one per image, with the lines that they are from.
    pub(crate) fn by_image(&self) -> Result<ByImage<'_>, Error> {
        let mut found = ByImage::new();
        for row in &self.rows {
            let Some(decision) = &row.decision else { continue };
            match found.entry((row.part, row.index)) {
                Entry::Vacant(place) => {
                    place.insert((row, decision));
                }
                Entry::Occupied(place) if place.get().1 == decision => {}
                Entry::Occupied(place) => {
                    let (first, noun) = (place.get().0.line, row.part.noun());
                    let problem = format!("{noun} {} is decided differently in line {first}", row.index);
                    return Err(self.of_line(row.line, problem));
                }
            }
        }
        Ok(found)
    }

    pub(crate) fn of_line(&self, line: u64, problem: impl Into<String>) -> Error {
        Error::Line { path: self.path.clone(), line, problem: problem.into() }
    }

    pub(crate) fn of_file(&self, problem: impl Into<String>) -> Error {
        Error::File { path: self.path.clone(), problem: problem.into() }
    }

    fn csv_error(&self, error: csv::Error) -> Error {
        let line = error.position().map(csv::Position::line);
        match (error.into_kind(), line) {
            (csv::ErrorKind::Io(source), _) => Error::Io { path: self.path.clone(), source },
            (csv::ErrorKind::UnequalLengths { expected_len, len, .. }, Some(line)) => {
                self.of_line(line, format!("expected {expected_len} values, found {len}"))
            }
            (csv::ErrorKind::Utf8 { .. }, Some(line)) => {
                self.of_line(line, "expected text in UTF-8, found other bytes")
            }
            (other, _) => self.of_file(format!("expected a table in CSV, found {other:?}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Decisions, Error> {
        Decisions::parse(Path::new("d.csv"), text.as_bytes())
    }

    #[test]
    fn rows_are_read_by_the_names_of_their_columns() {
        let text = "\u{feff}decision,part, index,new_label,more\nremove,train,7,,x\nrelabel,test,0,\"a,b\",\n,all,3,,\n";
        let rows = parse(text).unwrap().rows;
        let decisions: Vec<_> =
            rows.iter().map(|row| (row.line, row.part, row.index, row.decision.clone())).collect();
        assert_eq!(
            decisions,
            [
                (2, Part::Train, 7, Some(Decision::Remove)),
                (3, Part::Test, 0, Some(Decision::Relabel("a,b".to_owned()))),
                (4, Part::All, 3, None),
            ]
        );
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_its_line() {
        for (text, expected) in [
            ("part,decision\n", "d.csv: expected a column \"index\", found the columns part, decision"),
            (
                "part,index\ntrain,1\nvalid,2\n",
                "d.csv: line 3: expected the part train, test or all, found \"valid\"",
            ),
            (
                "part,index\ntrain,-1\n",
                "d.csv: line 2: expected the number of an image as index, found \"-1\"",
            ),
            (
                "part,index,decision\ntrain,1,drop\n",
                "d.csv: line 2: expected the decision keep, relabel or remove, found \"drop\"",
            ),
            (
                "part,index,decision,new_label\ntrain,1,relabel,\n",
                "d.csv: line 2: expected the new label of the image as new_label, found none",
            ),
            (
                "part,index,decision,new_label\ntrain,1,,4\n",
                "d.csv: line 2: expected the decision keep, relabel or remove, found \"\"",
            ),
            ("part,index,decision\ntrain,1\n", "d.csv: line 2: expected 3 values, found 2"),
        ] {
            assert_eq!(parse(text).err().unwrap().to_string(), expected);
        }
    }

    #[test]
    fn an_image_has_one_decision() {
        let text =
            "part,index,decision,new_label\ntrain,1,remove,\ntrain,1,remove,\ntest,1,keep,\ntrain,2,,\n";
        let found = parse(text).unwrap();
        let decisions: Vec<_> =
            found.by_image().unwrap().into_iter().map(|(key, (_, to))| (key, to.clone())).collect();
        assert_eq!(decisions, [((Part::Train, 1), Decision::Remove), ((Part::Test, 1), Decision::Keep)]);
        let found = parse("part,index,decision,new_label\ntrain,1,remove,\ntrain,1,relabel,4\n").unwrap();
        let error = found.by_image().err().unwrap().to_string();
        assert_eq!(error, "d.csv: line 3: training image 1 is decided differently in line 2");
    }
}
