//! Parquet as on Hugging Face: a column of pictures in PNG, and one of labels.

use std::{fs::File, sync::Arc};

use handful::Dataset;
use parquet::{
    column::writer::ColumnWriterImpl,
    data_type::{ByteArray, ByteArrayType, DataType, Int64Type},
    file::{
        metadata::KeyValue,
        properties::{EnabledStatistics, WriterProperties},
        writer::{SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::{parser::parse_message_type, types::ColumnPath},
};
use rayon::prelude::*;

use super::rows::Rows;
use crate::{output::OutputFile, picture};

/// Writes all rows, in nearly equal shares to the files.
pub(crate) fn write(rows: &Rows, files: &mut [OutputFile]) -> anyhow::Result<()> {
    let classes = Classes::of(&rows.source.classes());
    let n_files = files.len() as u64;
    let start = |i: u64| u64::try_from(u128::from(rows.count) * u128::from(i) / u128::from(n_files));
    for (i, output) in (0..).zip(files) {
        let part = start(i)?..start(i + 1)?;
        output.fill(|file| {
            let mut writer = Writer::new(file, &classes)?;
            rows.each(part, |batch| writer.write(batch))?;
            writer.0.close()?;
            Ok(())
        })?;
    }
    Ok(())
}

/// The content of the column of labels: whole numbers if all class names are whole numbers, otherwise names.
enum Classes {
    Numbers(Vec<i64>),
    Names(Vec<ByteArray>),
}

impl Classes {
    fn of(classes: &[String]) -> Self {
        let number = |class: &String| class.parse().ok().filter(|number: &i64| number.to_string() == *class);
        match classes.iter().map(number).collect() {
            Some(numbers) => Self::Numbers(numbers),
            None => Self::Names(classes.iter().map(|name| name.as_str().into()).collect()),
        }
    }
}

struct Writer<'a>(SerializedFileWriter<&'a File>, &'a Classes);

impl<'a> Writer<'a> {
    fn new(file: &'a File, classes: &'a Classes) -> anyhow::Result<Self> {
        let (column, dtype) = match classes {
            Classes::Numbers(_) => ("INT64 label", "int64"),
            Classes::Names(_) => ("BYTE_ARRAY label (STRING)", "string"),
        };
        let schema = parse_message_type(&format!(
            "message schema {{
                OPTIONAL group image {{ OPTIONAL BYTE_ARRAY bytes; OPTIONAL BYTE_ARRAY path (STRING); }}
                OPTIONAL {column};
            }}"
        ))?;
        // This tells Hugging Face's readers that the bytes are pictures.
        let features = serde_json::json!({"info": {"features": {
            "image": {"_type": "Image"}, "label": {"dtype": dtype, "_type": "Value"},
        }}});
        let pictures = ColumnPath::new(vec!["image".to_owned(), "bytes".to_owned()]);
        let properties = WriterProperties::builder()
            .set_key_value_metadata(Some(vec![KeyValue::new("huggingface".to_owned(), features.to_string())]))
            .set_column_dictionary_enabled(pictures.clone(), false)
            .set_column_statistics_enabled(pictures, EnabledStatistics::None)
            .build();
        Ok(Self(SerializedFileWriter::new(file, Arc::new(schema), Arc::new(properties))?, classes))
    }

    /// One row group.
    fn write(&mut self, batch: &Dataset) -> anyhow::Result<()> {
        let (n, shape) = (batch.n_samples(), batch.image_shape());
        let pixels = batch.images().as_slice().expect("contiguous");
        let pictures: Vec<ByteArray> = pixels
            .par_chunks(batch.n_features())
            .map(|pixels| picture::grey_png(pixels, shape).into())
            .collect();
        let mut group = self.0.next_row_group()?;
        // Levels say how much of a value is there: of `image` the bytes, but no path.
        column::<ByteArrayType, _>(&mut group, &pictures, &vec![2; n])?;
        column::<ByteArrayType, _>(&mut group, &[], &vec![1; n])?;
        let labels = batch.labels().iter().map(|&label| label as usize);
        match self.1 {
            Classes::Numbers(numbers) => {
                let labels: Vec<i64> = labels.map(|label| numbers[label]).collect();
                column::<Int64Type, _>(&mut group, &labels, &vec![1; n])?;
            }
            Classes::Names(names) => {
                let labels: Vec<ByteArray> = labels.map(|label| names[label].clone()).collect();
                column::<ByteArrayType, _>(&mut group, &labels, &vec![1; n])?;
            }
        }
        group.close()?;
        Ok(())
    }
}

fn column<T: DataType, W: std::io::Write + Send>(
    group: &mut SerializedRowGroupWriter<W>,
    values: &[T::T],
    levels: &[i16],
) -> anyhow::Result<()> {
    let mut column = group.next_column()?.expect("as many columns as in the schema");
    let writer: &mut ColumnWriterImpl<T> = column.typed::<T>();
    writer.write_batch(values, Some(levels), None)?;
    Ok(column.close()?)
}
