//! Converts numbers to bytes: grey values are written from 0 to 255, from 0 to 1, or from -1 to 1.

/// The range of the numbers in a file, which is the same for all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Scale {
    /// Only zeros so far.
    #[default]
    Unknown,
    /// 0 to 255.
    Byte,
    /// 0 to 1.
    Unit,
    /// -1 to 1, as in USPS.
    Signed,
}

/// A number outside the range.
#[derive(Debug, PartialEq)]
pub(super) struct Outside {
    /// Its position in the row.
    pub(super) column: usize,
    pub(super) problem: String,
}

impl Scale {
    /// The range that most of the non-blank rows have. One negative number among numbers from -1 to 1 means the signed
    /// range.
    pub(super) fn of(rows: impl Iterator<Item = Vec<f64>>) -> Self {
        let (mut n_small, mut n_large, mut is_signed) = (0, 0, false);
        for row in rows.filter(|row| row.iter().any(|&value| value != 0.0)) {
            if row.iter().all(|&value| value.abs() <= 1.0) {
                n_small += 1;
                is_signed |= row.iter().any(|&value| value < 0.0);
            } else {
                n_large += 1;
            }
        }
        match (n_small, n_large) {
            (0, 0) => Self::Unknown,
            _ if n_large > n_small => Self::Byte,
            _ if is_signed => Self::Signed,
            _ => Self::Unit,
        }
    }

    /// Appends a row's numbers as bytes, rounded. The first row that is not blank decides the range: if no number is
    /// above 1, 1 is white.
    pub(super) fn push(&mut self, row: &[f64], out: &mut Vec<u8>) -> Result<(), Outside> {
        if *self == Self::Unknown && row.iter().any(|&value| value != 0.0) {
            *self = if row.iter().all(|&value| value.abs() <= 1.0) { Self::Unit } else { Self::Byte };
        }
        let (low, high) = match self {
            Self::Byte => (0.0, 255.0),
            Self::Unit | Self::Unknown => (0.0, 1.0),
            Self::Signed => (-1.0, 1.0),
        };
        out.reserve(row.len());
        for (column, &value) in row.iter().enumerate() {
            if !(low..=high).contains(&value) {
                let problem = format!("expected a number from {low} to {high}, found {value}");
                return Err(Outside { column, problem });
            }
            let byte = (255.0 * (value - low) / (high - low) + 0.5).floor();
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 255")]
            out.push(byte as u8);
        }
        Ok(())
    }
}

/// The sides of a square with this number of pixels, or otherwise one row.
pub(super) fn shape_of(n_features: usize) -> [usize; 2] {
    let side = n_features.isqrt();
    if side * side == n_features { [side, side] } else { [1, n_features] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_row_that_is_not_blank_decides() {
        let mut scale = Scale::default();
        let mut out = Vec::new();
        scale.push(&[0.0, 0.0], &mut out).unwrap();
        scale.push(&[0.5, 1.0], &mut out).unwrap();
        assert_eq!(out, [0, 0, 128, 255]);
        let outside = scale.push(&[0.0, 2.0], &mut out).unwrap_err();
        assert_eq!((outside.column, outside.problem.as_str()), (1, "expected a number from 0 to 1, found 2"));

        let (mut scale, mut out) = (Scale::default(), Vec::new());
        scale.push(&[0.0, 254.6], &mut out).unwrap();
        scale.push(&[1.0, 1.0], &mut out).unwrap();
        assert_eq!(out, [0, 255, 1, 1]);
        for wrong in [f64::NAN, f64::INFINITY, -1.0, 256.0] {
            assert_eq!(scale.push(&[wrong], &mut out).unwrap_err().column, 0);
        }
    }

    #[test]
    fn most_rows_decide_what_numbers_mean() {
        let scale = |rows: &[[f64; 2]]| Scale::of(rows.iter().map(|row| row.to_vec()));
        assert_eq!(scale(&[[0.0, 0.0]]), Scale::Unknown);
        assert_eq!(scale(&[[0.0, 1.0], [0.0, 0.0]]), Scale::Unit);
        assert_eq!(scale(&[[0.0, 1.0], [0.0, -0.5]]), Scale::Signed);
        assert_eq!(scale(&[[0.0, 1.0], [0.0, 9.0], [4.0, 9.0]]), Scale::Byte);
        assert_eq!(scale(&[[0.0, 1.0], [0.0, -1.0], [4.0, 9.0]]), Scale::Signed);
    }

    #[test]
    fn usps_goes_from_minus_one_to_one() {
        let (mut scale, mut out) = (Scale::Signed, Vec::new());
        scale.push(&[-1.0, 0.0, 1.0], &mut out).unwrap();
        assert_eq!(out, [0, 128, 255]);
    }
}
