//! Options of every command, and how to parse and print values.

use std::path::Path;

use clap::ValueEnum;
use handful::kmeans::DiskOptions;

/// More threads than this are a mistake: no machine has so many CPUs, and rayon would start them all.
const MOST_THREADS: i64 = 4096;

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Global {
    /// Number of threads [default: the number of CPUs that this process may use]
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=MOST_THREADS))]
    pub(crate) threads: Option<u16>,
    /// Seed of all random choices, except in presets, which have their own seeds
    #[arg(long, global = true, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Print one JSON document on stdout, and nothing else there
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print no progress bars and no notes
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Print on stderr what is read, done and written
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
    /// When to colour the output
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Color,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Color {
    /// If the output goes to a terminal and `NO_COLOR` is not set
    Auto,
    /// Always, even if the output goes to a file or pipe
    Always,
    /// Never
    Never,
}

impl Color {
    pub(crate) fn write_global(self) {
        match self {
            Self::Auto => anstream::ColorChoice::Auto,
            Self::Always => anstream::ColorChoice::Always,
            Self::Never => anstream::ColorChoice::Never,
        }
        .write_global();
    }
}

/// How to make passes over images on disk. `None` if images are to be read into memory.
pub(crate) fn passes(memory_limit: Option<u64>, checkpoint: Option<&Path>) -> Option<DiskOptions> {
    let passes = memory_limit.into_iter().fold(DiskOptions::default(), DiskOptions::memory_limit);
    let is_wanted = memory_limit.is_some() || checkpoint.is_some();
    is_wanted.then(|| checkpoint.into_iter().fold(passes, DiskOptions::checkpoint))
}

/// Parses a number of bytes: `512M`, `2G`, `1.5GiB` or a plain number. Units are powers of 1024.
pub(crate) fn memory_size(text: &str) -> Result<u64, String> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit = unit.trim().to_ascii_lowercase();
    let power = match unit.trim_end_matches('b').trim_end_matches('i') {
        "" => 0,
        "k" => 1,
        "m" => 2,
        "g" => 3,
        "t" => 4,
        _ => return Err("expected a number of bytes, such as 512M or 2G".to_owned()),
    };
    let bytes = number.parse::<f64>().unwrap_or(0.0) * 1024_f64.powi(power);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked")]
    match bytes {
        bytes if (1.0..1e18).contains(&bytes) => Ok(bytes as u64),
        _ => Err("expected a number of bytes greater than 0, such as 512M or 2G".to_owned()),
    }
}

/// The name of a value on the command line.
pub(crate) fn name(value: impl ValueEnum) -> String {
    value.to_possible_value().expect("no value is skipped").get_name().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        let sizes = [
            ("512M", 512 << 20),
            ("1.5g", 3 << 29),
            ("2GiB", 2 << 30),
            ("300 MB", 300 << 20),
            ("4096", 4096),
        ];
        for (text, bytes) in sizes {
            assert_eq!(memory_size(text), Ok(bytes), "{text}");
        }
        for wrong in ["", "0", "M", "-1", "1e3", "5X", "1.2.3M", "99999999T"] {
            assert!(memory_size(wrong).is_err(), "{wrong}");
        }
    }
}
