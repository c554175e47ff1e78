//! Parquet as on Hugging Face: a column of pictures, each a PNG or JPEG file of its own, and a column of labels.

use std::{
    cell::Cell,
    fs::File,
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    rc::Rc,
};

use ndarray::Array2;
use parquet::{
    basic::Type as Physical,
    file::{
        metadata::{ParquetMetaData, RowGroupMetaData},
        reader::{FileReader, SerializedFileReader},
        serialized_reader::ReadOptionsBuilder,
    },
    record::{Field, Row, reader::RowIter},
    schema::types::{Type, TypePtr},
};

use super::{
    Batch, Rows,
    decode::decode_picture,
    rows::{is_label, one_line, wrong},
};
use crate::{
    dataset::{
        Error,
        files::{LabelColumn, ReadOptions, input::Input, options::FRAME},
        labels,
    },
    preprocess::{Framer, Framing},
};

pub(super) struct Table {
    path: PathBuf,
    rows: RowIter<'static>,
    /// The first row, which is read to find the size of the images.
    first: Option<Row>,
    shape: [usize; 2],
    /// Gives all images one shape, if they are to be framed.
    framer: Option<Framer>,
    n_rows: usize,
    /// Name of the label column.
    label: Option<String>,
    row: u64,
    /// The row after the last.
    end: u64,
}

/// An open file, the row groups to read, and their rows by number in the file.
struct Open {
    path: PathBuf,
    reader: SerializedFileReader<File>,
    rows: Range<u64>,
}

impl Open {
    /// Opens all row groups, unless some are named.
    fn new(input: Input, groups: Option<Range<usize>>) -> Result<Self, Error> {
        let path = input.path.clone();
        let problem = |problem: String| Error::Content { path: path.clone(), problem };
        let file = input.into_file()?;
        let length = file.metadata().map_err(|source| Error::Io { path: path.clone(), source })?.len();
        let first = Rc::new(Cell::new(0));
        let mut options = ReadOptionsBuilder::new();
        if let Some(groups) = groups.clone() {
            let first = Rc::clone(&first);
            options = options.with_predicate(Box::new(move |group, number| {
                if number < groups.start {
                    first.set(first.get() + rows_in(group));
                }
                groups.contains(&number)
            }));
        }
        let reader =
            guarded(|| SerializedFileReader::new_with_options(file, options.build())).map_err(problem)?;
        if !is_within(reader.metadata(), length) {
            return Err(problem("the file is damaged: some of its columns are beyond its end".to_owned()));
        }
        let n_rows = match groups {
            Some(_) => reader.metadata().row_groups().iter().map(rows_in).sum(),
            None => u64::try_from(reader.metadata().file_metadata().num_rows()).unwrap_or(0),
        };
        let first = first.get();
        Ok(Self { path, reader, rows: first..first.saturating_add(n_rows) })
    }

    /// Reads some of its columns, row by row.
    fn read(self, columns: Vec<TypePtr>) -> Result<RowIter<'static>, Error> {
        let problem = |problem: String| Error::Content { path: self.path.clone(), problem };
        let name = self.reader.metadata().file_metadata().schema().name().to_owned();
        let schema = Type::group_type_builder(&name).with_fields(columns).build();
        let schema = schema.map_err(|error| problem(one_line(error)))?;
        let rows = RowIter::from_file_into(Box::new(self.reader));
        guarded(|| rows.project(Some(schema))).map_err(problem)
    }
}

fn rows_in(group: &RowGroupMetaData) -> u64 {
    u64::try_from(group.num_rows()).unwrap_or(0)
}

impl Table {
    pub(super) fn new(input: Input, options: &ReadOptions) -> Result<Self, Error> {
        Self::of(input, None, options)
    }

    fn of(input: Input, groups: Option<Range<usize>>, options: &ReadOptions) -> Result<Self, Error> {
        let open = Open::new(input, groups)?;
        let (path, numbers) = (open.path.clone(), open.rows.clone());
        let problem = |problem: String| Error::Content { path: path.clone(), problem };
        let metadata = open.reader.metadata().file_metadata();
        let columns = metadata.schema().get_fields();
        let image = columns.iter().find(|column| holds_pictures(column));
        let image = image.ok_or_else(|| {
            let names: Vec<&str> = columns.iter().map(|column| column.name()).collect();
            problem(format!(
                "expected a column of images in PNG or JPEG, found the columns {}",
                names.join(", ")
            ))
        })?;
        let labels = label_column(columns, &options.label_column).map_err(problem)?;
        let chosen = [Some(image), labels].into_iter().flatten().cloned().collect();
        let label = labels.map(|column| column.name().to_owned());
        let mut rows = open.read(chosen)?;
        let first = guarded(|| rows.next().transpose()).map_err(problem)?;
        let first = first.ok_or(Error::NoImages { path: path.clone() })?;
        let n_rows = usize::try_from(numbers.end - numbers.start).unwrap_or(0);
        let (row, end) = (numbers.start + 1, numbers.end);
        let framer = (options.framing == Framing::Always)
            .then(|| options.framer(options.image_shape.unwrap_or(FRAME)));
        let mut found = Self { path, rows, first: None, shape: [0, 0], framer, n_rows, label, row, end };
        found.shape = shape_of(&found.image(&first)?);
        found.first = Some(first);
        found.row = numbers.start;
        Ok(found)
    }

    /// The picture of a row, framed if requested.
    fn image(&self, row: &Row) -> Result<Array2<u8>, Error> {
        let picture = self.picture(row)?;
        let framed = self.framer.as_ref().and_then(|framer| framer.frame(picture.view()));
        Ok(framed.unwrap_or(picture))
    }

    fn picture(&self, row: &Row) -> Result<Array2<u8>, Error> {
        let bytes = row.get_column_iter().find_map(|(_, field)| match field {
            Field::Bytes(bytes) => Some(bytes.clone()),
            Field::Group(group) => group.get_column_iter().find_map(|(_, field)| match field {
                Field::Bytes(bytes) => Some(bytes.clone()),
                _ => None,
            }),
            _ => None,
        });
        let bytes = bytes.ok_or_else(|| wrong(&self.path, self.row, "expected an image, found none"))?;
        decode_picture(bytes.data()).map_err(|problem| wrong(&self.path, self.row, problem))
    }
}

const NO_LABEL: &str = "expected a label, found none";

/// The requested label column, if there is one; an error message if there is none of that name.
fn label_column<'a>(columns: &'a [TypePtr], wanted: &LabelColumn) -> Result<Option<&'a TypePtr>, String> {
    match wanted {
        LabelColumn::Auto => Ok(columns.iter().find(|column| is_label(column.name()))),
        LabelColumn::None => Ok(None),
        LabelColumn::First => Ok(columns.first()),
        LabelColumn::Last => Ok(columns.last()),
        LabelColumn::Named(name) => {
            let named = columns.iter().find(|column| column.name() == name);
            let numbered = || columns.get(name.parse::<usize>().ok()?.checked_sub(1)?);
            named.or_else(numbered).map(Some).ok_or_else(|| {
                let names: Vec<&str> = columns.iter().map(|column| column.name()).collect();
                format!("expected a label column {name:?}, found the columns {}", names.join(", "))
            })
        }
    }
}

fn label_of(row: &Row, column: &str) -> Option<String> {
    row.get_column_iter().find_map(|(name, field)| match field {
        _ if name != column => None,
        Field::Str(text) => Some(labels::name(text)),
        Field::Null | Field::Bytes(_) | Field::Group(_) => None,
        other => Some(labels::name(&other.to_string())),
    })
}

/// Number of rows in each row group of a file, of which only the footer is read.
pub(in crate::dataset::files) fn group_sizes(path: &Path) -> Result<Vec<usize>, Error> {
    let open = Open::new(Input::open(path)?, None)?;
    let groups = open.reader.metadata().row_groups().iter();
    Ok(groups.map(|group| usize::try_from(group.num_rows()).unwrap_or(0)).collect())
}

/// The images of some row groups, with their labels.
pub(in crate::dataset::files) fn open_groups(
    path: &Path,
    groups: Range<usize>,
) -> Result<Box<dyn Rows>, Error> {
    Ok(Box::new(Table::of(Input::open(path)?, Some(groups), &ReadOptions::default())?))
}

/// The labels of some row groups; no picture is decoded.
pub(in crate::dataset::files) fn labels(path: &Path, groups: Range<usize>) -> Result<Vec<String>, Error> {
    let open = Open::new(Input::open(path)?, Some(groups))?;
    let numbers = open.rows.clone();
    let columns = open.reader.metadata().file_metadata().schema().get_fields();
    let column = columns.iter().find(|column| is_label(column.name())).cloned();
    let problem = "expected a column of labels, such as one called label, found none".to_owned();
    let column = column.ok_or_else(|| Error::Content { path: path.to_owned(), problem })?;
    let name = column.name().to_owned();
    let mut rows = open.read(vec![column])?;
    let label = |number: u64| {
        let row = guarded(|| rows.next().transpose()).map_err(|problem| wrong(path, number + 1, problem))?;
        row.as_ref().and_then(|row| label_of(row, &name)).ok_or_else(|| wrong(path, number + 1, NO_LABEL))
    };
    numbers.map(label).collect()
}

/// The result of the Parquet reader, which sometimes panics on damaged files.
fn guarded<T>(read: impl FnOnce() -> parquet::errors::Result<T>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(result) => result.map_err(one_line),
        Err(_) => Err("the Parquet file is damaged".to_owned()),
    }
}

/// Whether all columns lie within the file, which the readers rely on.
fn is_within(metadata: &ParquetMetaData, length: u64) -> bool {
    let mut columns = metadata.row_groups().iter().flat_map(RowGroupMetaData::columns);
    columns.all(|column| {
        let start = column.dictionary_page_offset().unwrap_or(column.data_page_offset());
        let (start, size) = (u64::try_from(start), u64::try_from(column.compressed_size()));
        matches!((start, size), (Ok(start), Ok(size)) if start.checked_add(size).is_some_and(|end| end <= length))
    })
}

fn shape_of(picture: &Array2<u8>) -> [usize; 2] {
    [picture.nrows(), picture.ncols()]
}

/// Whether this is a column of bytes, or of records that contain bytes.
fn holds_pictures(column: &Type) -> bool {
    match column {
        Type::PrimitiveType { physical_type, basic_info, .. } => {
            *physical_type == Physical::BYTE_ARRAY
                && basic_info.logical_type_ref().is_none()
                && basic_info.converted_type() == parquet::basic::ConvertedType::NONE
        }
        Type::GroupType { fields, .. } => {
            fields.iter().any(|field| field.is_primitive() && holds_pictures(field))
        }
    }
}

impl Rows for Table {
    fn shape(&self) -> [usize; 2] {
        self.shape
    }

    fn read(&mut self, most: usize, into: &mut Batch) -> Result<(), Error> {
        for _ in 0..most {
            let next = match self.first.take() {
                Some(first) => Ok(Some(first)),
                None => guarded(|| self.rows.next().transpose()),
            };
            let next = next.map_err(|problem| wrong(&self.path, self.row + 1, problem))?;
            let Some(row) = next else {
                if self.row != self.end {
                    let problem =
                        format!("expected {} rows, as the file declares, found {}", self.end, self.row);
                    return Err(Error::Content { path: self.path.clone(), problem });
                }
                break;
            };
            self.row += 1;
            let image = self.image(&row)?;
            if shape_of(&image) != self.shape {
                return Err(Error::ShapeMismatch {
                    path: self.path.join(format!("row {}", self.row)),
                    expected: self.shape,
                    found: shape_of(&image),
                });
            }
            into.pixels.extend(image);
            if let Some(column) = &self.label {
                let label = label_of(&row, column);
                into.labels.push(label.ok_or_else(|| wrong(&self.path, self.row, NO_LABEL))?);
            }
        }
        Ok(())
    }

    fn size_hint(&self) -> usize {
        self.n_rows
    }

    fn at_once(&self) -> usize {
        if self.is_framed() { 16 } else { 8192 }
    }

    fn is_framed(&self) -> bool {
        self.framer.is_some()
    }
}
