//! Parquet as on Hugging Face: a column of pictures, each a PNG or JPEG file of its own, and a column of labels.

use std::path::PathBuf;

use ndarray::Array2;
use parquet::{
    basic::Type as Physical,
    file::reader::{FileReader, SerializedFileReader},
    record::{Field, Row, reader::RowIter},
    schema::types::Type,
};

use super::{Batch, Rows, is_label, label, pictures, wrong};
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
        let reader =
            SerializedFileReader::new(input.into_file()?).map_err(|error| problem(error.to_string()))?;
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
        let schema = schema.map_err(|error| problem(error.to_string()))?;
        let has_labels = labels.is_some();
        let rows = RowIter::from_file_into(Box::new(reader));
        let mut rows = rows.project(Some(schema)).map_err(|error| problem(error.to_string()))?;
        let first = rows.next().ok_or(Error::NoImages { path: path.clone() })?;
        let first = first.map_err(|error| problem(error.to_string()))?;
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
            let Some(row) = self.first.take().map(Ok).or_else(|| self.rows.next()) else {
                if self.row != self.n_rows as u64 {
                    let problem = format!("expected {} rows as declared, found {}", self.n_rows, self.row);
                    return Err(Error::Content { path: self.path.clone(), problem });
                }
                break;
            };
            self.row += 1;
            let row = row.map_err(|error| wrong(&self.path, self.row, error.to_string()))?;
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
