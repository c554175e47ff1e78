//! Numbers as text: recognises the format, and reads libsvm's lines.

use std::io::{BufRead, BufReader, Read, Seek};

use super::{Batch, Rows, rows::wrong};
use crate::dataset::{
    Error,
    files::{
        input::Input,
        values::{Scale, shape_of},
    },
    labels,
};

/// A longer line is not an image.
const LONGEST_LINE: u64 = 1 << 24;
/// libsvm does not declare the number of pixels; a larger index is a mistake.
const MOST_PIXELS: usize = 1 << 20;

/// Reads the next line that is not empty into `line`; `false` at the end.
pub(super) fn next_line(bytes: &mut impl BufRead, line: &mut String) -> std::io::Result<bool> {
    loop {
        line.clear();
        if bytes.by_ref().take(LONGEST_LINE).read_line(line)? == 0 {
            return Ok(false);
        }
        if !line.trim().is_empty() {
            return Ok(true);
        }
    }
}

/// `label index:value …`, with indices from 1 and zeros left out.
pub(super) struct Libsvm {
    path: std::path::PathBuf,
    lines: BufReader<std::fs::File>,
    n_features: usize,
    scale: Scale,
    /// USPS uses the labels 1 to 10 for the digits 0 to 9.
    first_label: i64,
    row: u64,
}

impl Libsvm {
    /// Reads the whole file once to find the number of pixels, which is rounded up to the next square.
    pub(super) fn new(input: Input) -> Result<Self, Error> {
        let path = input.path.clone();
        let io_error = |source| Error::Io { path: path.clone(), source };
        let mut lines = BufReader::new(input.into_file()?);
        let (mut line, mut row, mut most) = (String::new(), 0, 0);
        let (mut low, mut high, mut is_signed) = (i64::MAX, i64::MIN, false);
        while next_line(&mut lines, &mut line).map_err(io_error)? {
            row += 1;
            let (name, pairs) = split(&line);
            for pair in pairs {
                let (index, value) = parse(pair).map_err(|problem| wrong(&path, row, problem))?;
                most = most.max(index);
                is_signed |= value < 0.0;
            }
            let number = labels::name(name).parse().unwrap_or(i64::MIN);
            (low, high) = (low.min(number), high.max(number));
        }
        lines.rewind().map_err(io_error)?;
        let side = most.isqrt() + usize::from(most.isqrt().pow(2) < most);
        let n_features = side * side;
        let first_label = i64::from(n_features == 256 && (low, high) == (1, 10));
        let scale = if is_signed { Scale::Signed } else { Scale::Unknown };
        Ok(Self { path, lines, n_features, scale, first_label, row: 0 })
    }
}

fn split(line: &str) -> (&str, impl Iterator<Item = &str>) {
    let mut words = line.split_whitespace();
    (words.next().unwrap_or_default(), words.take_while(|word| !word.starts_with('#')))
}

fn parse(pair: &str) -> Result<(usize, f64), String> {
    let wrong = || format!("expected index:value with an index from 1 to {MOST_PIXELS}, found {pair:?}");
    let (index, value) = pair.split_once(':').ok_or_else(wrong)?;
    let index = index.parse().ok().filter(|index| (1..=MOST_PIXELS).contains(index)).ok_or_else(wrong)?;
    Ok((index, value.parse().map_err(|_| wrong())?))
}

impl Rows for Libsvm {
    fn shape(&self) -> [usize; 2] {
        shape_of(self.n_features)
    }

    fn read(&mut self, most: usize, into: &mut Batch) -> Result<(), Error> {
        let mut line = String::new();
        let mut values = vec![0.0; self.n_features];
        for _ in 0..most {
            let more = next_line(&mut self.lines, &mut line);
            if !more.map_err(|source| Error::Io { path: self.path.clone(), source })? {
                break;
            }
            self.row += 1;
            let problem = |problem: String| wrong(&self.path, self.row, problem);
            let (name, pairs) = split(&line);
            values.fill(0.0);
            for pair in pairs {
                let (index, value) = parse(pair).map_err(problem)?;
                values[index - 1] = value;
            }
            self.scale.push(&values, &mut into.pixels).map_err(|outside| problem(outside.problem))?;
            let name = labels::name(name);
            into.labels.push(match name.parse::<i64>() {
                Ok(number) => (number - self.first_label).to_string(),
                Err(_) => name,
            });
        }
        Ok(())
    }
}
