//! Column-major arrays, in which the first index runs fastest, read row by row.

use std::{
    fs::File,
    io::{self, Read, Seek},
};

use crate::dataset::read_at;

/// Number of bytes that are transposed at once.
const BYTES: usize = 1 << 23;

/// Reads the rows of a column-major array, of which some are in memory at a time.
pub(super) struct Columns {
    file: File,
    n_rows: usize,
    /// Size of a number, in bytes.
    size: usize,
    /// The column of each number of a row.
    places: Vec<usize>,
    next: usize,
    /// Rows in memory, and the number of their bytes that have been read.
    rows: Vec<u8>,
    read: usize,
}

impl Columns {
    /// Reads `n_rows` rows of this shape from the start of `file`.
    pub(super) fn new(file: File, n_rows: usize, shape: &[usize], size: usize) -> Self {
        let place = |i: usize| {
            let (mut rest, mut stride, mut place) = (i, shape.iter().product::<usize>(), 0);
            for &length in shape.iter().rev() {
                stride /= length;
                place += rest % length * stride;
                rest /= length;
            }
            place
        };
        let places = (0..shape.iter().product()).map(place).collect();
        Self { file, n_rows, size, places, next: 0, rows: Vec::new(), read: 0 }
    }

    /// The next rows.
    fn turn(&mut self) -> io::Result<()> {
        let Self { file, n_rows, size, places, next, rows, read } = self;
        let row_len = places.len() * *size;
        let n = (BYTES / row_len).max(1).min(*n_rows - *next);
        let mut column = vec![0; n * *size];
        rows.resize(n * row_len, 0);
        for (i, place) in places.iter().enumerate() {
            read_at(file, &mut column, ((place * *n_rows + *next) * *size) as u64)?;
            for (row, number) in rows.chunks_exact_mut(row_len).zip(column.chunks_exact(*size)) {
                row[i * *size..][..*size].copy_from_slice(number);
            }
        }
        (*next, *read) = (*next + n, 0);
        Ok(())
    }
}

impl Read for Columns {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.read == self.rows.len() && self.next < self.n_rows {
            self.turn()?;
        }
        let n = into.len().min(self.rows.len() - self.read);
        into[..n].copy_from_slice(&self.rows[self.read..][..n]);
        self.read += n;
        Ok(n)
    }
}

/// Copies up to `most` bytes to a temporary file, and returns how many there were.
pub(super) fn keep(bytes: &mut impl Read, most: u64) -> io::Result<(File, u64)> {
    let mut file = tempfile::tempfile()?;
    let found = io::copy(&mut bytes.take(most), &mut file)?;
    file.rewind()?;
    Ok((file, found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_in_the_order_of_their_indices() {
        // The position of (row, i, j): rows run fastest in the file, then i.
        let (n_rows, shape) = (BYTES / 24 + 5, [2, 3]);
        let number = |row: usize, i: usize, j: usize| ((row * 6 + i * 3 + j) as u32).to_le_bytes();
        let columns = (0..3).flat_map(|j| (0..2).map(move |i| (i, j)));
        let bytes: Vec<u8> =
            columns.flat_map(|(i, j)| (0..n_rows).flat_map(move |row| number(row, i, j))).collect();
        let (file, found) = keep(&mut &bytes[..], bytes.len() as u64).unwrap();
        assert_eq!(found, bytes.len() as u64);
        let mut rows = Vec::new();
        Columns::new(file, n_rows, &shape, 4).read_to_end(&mut rows).unwrap();
        let expected: Vec<u8> = (0..n_rows as u32 * 6).flat_map(u32::to_le_bytes).collect();
        assert!(rows == expected);
    }
}
