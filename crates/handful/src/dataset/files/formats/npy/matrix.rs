//! An array of numbers with two axes.

use ndarray::{Array2, ShapeBuilder};

use super::array::Array;
use crate::dataset::{Error, files::input::Input};

/// Enough for a hundred thousand centroids of MNIST's size; a gigabyte once they are floats.
const MOST_VALUES: u64 = 1 << 27;

/// Reads an array of numbers with two axes.
pub(in crate::dataset::files) fn read_matrix(input: Input) -> Result<Array2<f64>, Error> {
    let mut array = Array::new(input.path, input.bytes)?;
    let path = array.path.clone();
    let problem = |problem: String| Error::Content { path: path.clone(), problem };
    if matches!(array.kind, 'U' | 'S' | 'b') {
        return Err(problem("expected an array of numbers, found one of text or booleans".to_owned()));
    }
    let [rows, columns] = array.shape[..] else {
        return Err(problem(format!(
            "expected an array of shape (rows, columns), found shape {:?}",
            array.shape
        )));
    };
    let n_values = rows.checked_mul(columns).filter(|&n_values| (1..=MOST_VALUES).contains(&n_values));
    let Some(n_values) = n_values else {
        return Err(problem(format!(
            "expected 1 to {MOST_VALUES} values, found an array of shape ({rows}, {columns})"
        )));
    };
    let expected = n_values * array.size as u64;
    let mut bytes = array.take(expected)?;
    if (bytes.len() as u64) < expected || !array.take(1)?.is_empty() {
        let found =
            if (bytes.len() as u64) < expected { format!("{}", bytes.len()) } else { "more".to_owned() };
        return Err(problem(format!("expected {expected} bytes of values, found {found}")));
    }
    let shape = [rows, columns].map(|size| usize::try_from(size).expect("the values are in memory"));
    let values = array.decode(&mut bytes);
    Ok(Array2::from_shape_vec(shape.set_f(array.is_fortran), values)
        .expect("as many values as the shape has"))
}
