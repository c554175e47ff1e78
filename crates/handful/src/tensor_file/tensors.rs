//! Conversion of arrays to and from the tensors of a file.

use ndarray::{Array1, Array2, ArrayView, Dimension};
use sha2::{Digest, Sha256};

use super::{
    Error,
    header::{Dtype, Header, Info},
};

/// A number in its stored form, little-endian.
pub(crate) trait Scalar: Copy {
    const DTYPE: Dtype;
    fn put(self, bytes: &mut Vec<u8>);
    fn get(bytes: &[u8]) -> Self;
}

macro_rules! scalar {
    ($($type:ty => $dtype:ident),*) => {$(
        impl Scalar for $type {
            const DTYPE: Dtype = Dtype::$dtype;

            fn put(self, bytes: &mut Vec<u8>) {
                bytes.extend(self.to_le_bytes());
            }

            fn get(bytes: &[u8]) -> Self {
                Self::from_le_bytes(bytes.try_into().expect("of the type's size"))
            }
        }
    )*};
}
scalar!(u8 => U8, i8 => I8, i16 => I16, u32 => U32, u64 => U64, f32 => F32, f64 => F64);

/// One tensor, as bytes.
#[derive(Debug)]
pub(crate) struct Tensor {
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

/// The tensors that a model writes into its file.
#[derive(Debug, Default)]
pub(crate) struct Writer(Vec<(String, Tensor)>);

impl Writer {
    pub(crate) fn put<T: Scalar, D: Dimension>(&mut self, name: String, array: ArrayView<T, D>) {
        let mut bytes = Vec::with_capacity(array.len() * size_of::<T>());
        array.iter().for_each(|&value| value.put(&mut bytes));
        self.0.push((name, Tensor { dtype: T::DTYPE, shape: array.shape().to_vec(), bytes }));
    }

    /// The tensors in the order of their names.
    pub(crate) fn finish(mut self) -> Vec<(String, Tensor)> {
        self.0.sort_by(|(a, _), (b, _)| a.cmp(b));
        self.0
    }
}

/// A checksum of metadata and of the names, shapes and bytes of tensors in the order of their names.
pub(super) fn sha256<'a>(
    metadata: &str,
    tensors: impl Iterator<Item = (&'a str, &'a [usize], &'a [u8])>,
) -> String {
    let mut hash = Sha256::new_with_prefix(metadata);
    for (name, shape, bytes) in tensors {
        hash.update(format!("{name} {shape:?}\n"));
        hash.update(bytes);
    }
    super::hex(&hash.finalize())
}

impl Tensor {
    pub(super) fn dtype(&self) -> Dtype {
        self.dtype
    }

    pub(crate) fn parts(&self) -> (&[usize], &[u8]) {
        (&self.shape, &self.bytes)
    }
}

/// The tensors of a file.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    header: Header,
    data: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn of(file: &'a [u8]) -> Result<Self, Error> {
        let (header, data) = Header::of(file)?;
        Ok(Self { header, data })
    }

    /// The name, shape and bytes of each tensor, in the order of their names.
    pub(super) fn parts(&self) -> impl Iterator<Item = (&str, &[usize], &[u8])> {
        self.header.tensors.iter().map(|(name, info)| (name.as_str(), &info.shape[..], self.bytes(info)))
    }

    fn bytes(&self, info: &Info) -> &'a [u8] {
        let at = info.data_offsets.map(|offset| usize::try_from(offset).expect("within the file"));
        &self.data[at[0]..at[1]]
    }

    /// The values of a tensor of this shape, in which an open length may have any value.
    pub(crate) fn values<T: Scalar>(
        &self,
        name: &str,
        expected: &[Option<usize>],
    ) -> Result<(Vec<T>, Vec<usize>), Error> {
        let info = self.header.tensors.get(name);
        let info = info.ok_or_else(|| Error::Content(format!("expected a tensor {name}, found none")))?;
        let (shape, bytes) = (&info.shape, self.bytes(info));
        let fits = shape.len() == expected.len()
            && shape
                .iter()
                .zip(expected)
                .all(|(length, expected)| expected.is_none_or(|expected| expected == *length));
        if info.dtype != T::DTYPE.to_string() || !fits {
            let expected: Vec<String> = expected
                .iter()
                .map(|length| length.map_or("any".to_owned(), |length| length.to_string()))
                .collect();
            return Err(Error::Content(format!(
                "tensor {name}: expected {} of shape ({}), found {} of shape {shape:?}",
                T::DTYPE,
                expected.join(", "),
                info.dtype,
            )));
        }
        let n = shape.iter().try_fold(size_of::<T>(), |n, &length| n.checked_mul(length));
        if n != Some(bytes.len()) {
            let found = bytes.len();
            return Err(Error::Format(format!("tensor {name} of shape {shape:?} has {found} bytes")));
        }
        Ok((bytes.chunks_exact(size_of::<T>()).map(T::get).collect(), shape.clone()))
    }

    /// All tensors, in the order of their names, whose types are those that are written.
    #[cfg(test)]
    pub(crate) fn tensors(&self) -> Vec<(String, Tensor)> {
        let tensor = |info: &Info| Tensor {
            dtype: Dtype::ALL
                .into_iter()
                .find(|dtype| dtype.to_string() == info.dtype)
                .expect("a known type"),
            shape: info.shape.clone(),
            bytes: self.bytes(info).to_vec(),
        };
        self.header.tensors.iter().map(|(name, info)| (name.clone(), tensor(info))).collect()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.header.tensors.contains_key(name)
    }

    pub(crate) fn array1<T: Scalar>(&self, name: &str, length: Option<usize>) -> Result<Array1<T>, Error> {
        Ok(self.values(name, &[length])?.0.into())
    }

    pub(crate) fn array2<T: Scalar>(
        &self,
        name: &str,
        shape: [Option<usize>; 2],
    ) -> Result<Array2<T>, Error> {
        let (values, shape) = self.values(name, &shape)?;
        Ok(Array2::from_shape_vec((shape[0], shape[1]), values).expect("as many values as the shape says"))
    }

    /// Finite floats.
    pub(crate) fn floats(&self, name: &str, length: Option<usize>) -> Result<Vec<f32>, Error> {
        let values: Array1<f32> = self.array1(name, length)?;
        match values.iter().find(|value| !value.is_finite()) {
            Some(value) => {
                Err(Error::Content(format!("tensor {name}: expected finite numbers, found {value}")))
            }
            None => Ok(values.to_vec()),
        }
    }
}
