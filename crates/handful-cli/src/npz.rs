//! Writes NumPy arrays to a compressed `.npz` file.

use std::{
    fs::File,
    io::{BufWriter, Write},
};

use ndarray::{ArrayBase, Data, Dimension};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

/// A number that NumPy knows.
pub(crate) trait Number: Copy {
    /// NumPy's name of the type.
    const DESCR: &str;

    fn bytes(self) -> [u8; 8];
}

impl Number for i64 {
    const DESCR: &str = "<i8";

    fn bytes(self) -> [u8; 8] {
        self.to_le_bytes()
    }
}

impl Number for u64 {
    const DESCR: &str = "<u8";

    fn bytes(self) -> [u8; 8] {
        self.to_le_bytes()
    }
}

impl Number for f64 {
    const DESCR: &str = "<f8";

    fn bytes(self) -> [u8; 8] {
        self.to_le_bytes()
    }
}

pub(crate) struct NpzWriter<'a>(ZipWriter<&'a File>);

impl<'a> NpzWriter<'a> {
    pub(crate) fn new(file: &'a File) -> Self {
        Self(ZipWriter::new(file))
    }

    pub(crate) fn add<T: Number, S: Data<Elem = T>, D: Dimension>(
        &mut self,
        name: &str,
        array: &ArrayBase<S, D>,
    ) -> anyhow::Result<()> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .large_file(array.len() >= 1 << 28);
        self.0.start_file(format!("{name}.npy"), options)?;
        let mut out = BufWriter::new(&mut self.0);
        out.write_all(&header(T::DESCR, array.shape()))?;
        for &value in array {
            out.write_all(&value.bytes())?;
        }
        Ok(out.flush()?)
    }

    pub(crate) fn finish(self) -> anyhow::Result<()> {
        self.0.finish()?;
        Ok(())
    }
}

/// The start of an array in C order: version 1.0 of the format, whose values begin at a multiple of 64 bytes.
fn header(descr: &str, shape: &[usize]) -> Vec<u8> {
    const FIXED: usize = 10;
    let sizes = shape.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
    let comma = if shape.len() == 1 { "," } else { "" };
    let text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({sizes}{comma})}}");
    let length = (FIXED + text.len() + 1).next_multiple_of(64) - FIXED;
    let mut header = b"\x93NUMPY\x01\x00".to_vec();
    header.extend(u16::try_from(length).expect("a few axes").to_le_bytes());
    header.extend(format!("{text:<width$}\n", width = length - 1).bytes());
    header
}

#[cfg(test)]
mod tests {
    use ndarray::{Array1, array};
    use ndarray_npy::{NpzReader, WritableElement, WriteNpyExt};

    use super::*;

    #[test]
    fn arrays_have_the_bytes_that_numpy_expects() {
        fn bytes<T: Number + WritableElement, D: Dimension>(array: &ndarray::Array<T, D>) -> [Vec<u8>; 2] {
            let mut expected = Vec::new();
            array.write_npy(&mut expected).unwrap();
            let mut found = header(T::DESCR, array.shape());
            found.extend(array.iter().flat_map(|value| value.bytes()));
            [found, expected]
        }
        for [found, expected] in [
            bytes(&array![[1.5, -2.0], [0.1, f64::NAN]]),
            bytes(&array![[[1_i64], [-2]]]),
            bytes(&Array1::<u64>::from_vec(vec![u64::MAX; 70_000])),
            bytes(&Array1::<i64>::zeros(0)),
        ] {
            assert!(found == expected);
        }
    }

    #[test]
    fn a_file_holds_its_arrays() {
        let file = tempfile::tempfile().unwrap();
        let mut npz = NpzWriter::new(&file);
        npz.add("a", &array![[1_i64, 2], [3, 4]].t()).unwrap();
        npz.add("b", &array![0.5]).unwrap();
        npz.finish().unwrap();
        let mut npz = NpzReader::new(&file).unwrap();
        assert_eq!(npz.by_name::<ndarray::OwnedRepr<i64>, _>("a").unwrap(), array![[1, 3], [2, 4]]);
        assert_eq!(npz.by_name::<ndarray::OwnedRepr<f64>, _>("b").unwrap(), array![0.5]);
    }
}
