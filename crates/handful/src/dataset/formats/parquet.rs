//! Parquet as on Hugging Face: a column of pictures, each a PNG or JPEG file of its own, and a column of labels.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
};

use ndarray::Array2;
use parquet::{
    basic::Type as Physical,
    file::{
        metadata::{ParquetMetaData, RowGroupMetaData},
        reader::{FileReader, SerializedFileReader},
    },
    record::{Field, Row, reader::RowIter},
    schema::types::Type,
};

use super::{Batch, Rows, is_label, label, one_line, pictures, wrong};
use crate::dataset::{Error, input::Input};

pub(super) struct Table {
    path: PathBuf,
    rows: RowIter<'static>,
    /// The first row, read to see how large images are.
    first: Option<Row>,
    shape: [usize; 2],
    n_rows: usize,
    has_labels: bool,
    row: u64,
}

impl Table {
    pub(super) fn new(input: Input) -> Result<Self, Error> {
        let path = input.path.clone();
        let problem = |problem: String| Error::Content { path: path.clone(), problem };
        let file = input.into_file()?;
        let length = file.metadata().map_err(|source| Error::Io { path: path.clone(), source })?.len();
        let reader = guarded(|| SerializedFileReader::new(file)).map_err(problem)?;
        if !is_within(reader.metadata(), length) {
            return Err(problem("expected columns within the file, found others: it is damaged".to_owned()));
        }
        let metadata = reader.metadata().file_metadata();
        let n_rows = usize::try_from(metadata.num_rows()).unwrap_or(0);
        let columns = metadata.schema().get_fields();
        let image = columns.iter().find(|column| holds_pictures(column));
        let image = image.ok_or_else(|| {
            let names: Vec<&str> = columns.iter().map(|column| column.name()).collect();
            problem(format!("expected a column of images in PNG or JPEG, found {}", names.join(", ")))
        })?;
        let labels = columns.iter().find(|column| is_label(column.name()));
        let chosen = [Some(image), labels].into_iter().flatten().cloned().collect();
        let schema = Type::group_type_builder(metadata.schema().name()).with_fields(chosen).build();
        let schema = schema.map_err(|error| problem(one_line(error)))?;
        let has_labels = labels.is_some();
        let rows = RowIter::from_file_into(Box::new(reader));
        let mut rows = guarded(|| rows.project(Some(schema))).map_err(problem)?;
        let first = guarded(|| rows.next().transpose()).map_err(problem)?;
        let first = first.ok_or(Error::NoImages { path: path.clone() })?;
        let mut found = Self { path, rows, first: None, shape: [0, 0], n_rows, has_labels, row: 1 };
        found.shape = shape_of(&found.picture(&first)?);
        found.first = Some(first);
        found.row = 0;
        Ok(found)
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
        pictures::decode_picture(bytes.data()).map_err(|problem| wrong(&self.path, self.row, problem))
    }

    fn label(&self, row: &Row) -> Result<String, Error> {
        let found = row.get_column_iter().find_map(|(name, field)| match field {
            _ if !is_label(name) => None,
            Field::Str(text) => Some(label(text)),
            Field::Null | Field::Bytes(_) | Field::Group(_) => None,
            other => Some(label(&other.to_string())),
        });
        found.ok_or_else(|| wrong(&self.path, self.row, "expected a label, found none"))
    }
}

/// What a reader of Parquet says; of damaged files it panics at times.
fn guarded<T>(read: impl FnOnce() -> parquet::errors::Result<T>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(result) => result.map_err(one_line),
        Err(_) => Err("expected Parquet, found a damaged file".to_owned()),
    }
}

/// Whether all columns are where there is something, on which readers rely.
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

/// A column of bytes, or one of records with bytes among them.
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
                if self.row != self.n_rows as u64 {
                    let problem = format!("expected {} rows as declared, found {}", self.n_rows, self.row);
                    return Err(Error::Content { path: self.path.clone(), problem });
                }
                break;
            };
            self.row += 1;
            let picture = self.picture(&row)?;
            if shape_of(&picture) != self.shape {
                return Err(Error::ShapeMismatch {
                    path: self.path.join(format!("row {}", self.row)),
                    expected: self.shape,
                    found: shape_of(&picture),
                });
            }
            into.pixels.extend(picture);
            if self.has_labels {
                into.labels.push(self.label(&row)?);
            }
        }
        Ok(())
    }

    fn size_hint(&self) -> usize {
        self.n_rows
    }
}
