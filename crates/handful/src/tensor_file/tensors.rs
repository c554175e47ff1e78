//! Conversion of arrays to and from the tensors of a file.

use std::borrow::Cow;

use ndarray::{Array1, Array2, ArrayView, Dimension};
use safetensors::{Dtype, SafeTensors, View};
use sha2::{Digest, Sha256};

use super::Error;

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

impl View for &Tensor {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.bytes)
    }

    fn data_len(&self) -> usize {
        self.bytes.len()
    }
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
    pub(crate) fn parts(&self) -> (&[usize], &[u8]) {
        (&self.shape, &self.bytes)
    }
}

/// The tensors of a file.
pub(crate) struct Reader<'a>(pub(super) SafeTensors<'a>);

impl Reader<'_> {
    /// The values of a tensor of this shape, in which an open length may have any value.
    pub(crate) fn values<T: Scalar>(
        &self,
        name: &str,
        expected: &[Option<usize>],
    ) -> Result<(Vec<T>, Vec<usize>), Error> {
        let tensor = self
            .0
            .tensor(name)
            .map_err(|_| Error::Content(format!("expected a tensor {name}, found none")))?;
        let shape = tensor.shape().to_vec();
        let fits = shape.len() == expected.len()
            && shape
                .iter()
                .zip(expected)
                .all(|(length, expected)| expected.is_none_or(|expected| expected == *length));
        if tensor.dtype() != T::DTYPE || !fits {
            let expected: Vec<String> = expected
                .iter()
                .map(|length| length.map_or("any".to_owned(), |length| length.to_string()))
                .collect();
            return Err(Error::Content(format!(
                "tensor {name}: expected {:?} of shape ({}), found {:?} of shape {shape:?}",
                T::DTYPE,
                expected.join(", "),
                tensor.dtype(),
            )));
        }
        Ok((tensor.data().chunks_exact(size_of::<T>()).map(T::get).collect(), shape))
    }

    /// All tensors, in the order of their names.
    #[cfg(test)]
    pub(crate) fn tensors(&self) -> Vec<(String, Tensor)> {
        let tensor = |tensor: safetensors::tensor::TensorView| Tensor {
            dtype: tensor.dtype(),
            shape: tensor.shape().to_vec(),
            bytes: tensor.data().to_vec(),
        };
        let mut all: Vec<_> =
            self.0.tensors().into_iter().map(|(name, found)| (name, tensor(found))).collect();
        all.sort_by(|(a, _), (b, _)| a.cmp(b));
        all
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.tensor(name).is_ok()
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
