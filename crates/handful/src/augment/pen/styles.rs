//! The table of styles, `styles.txt`, as strokes.

use std::sync::LazyLock;

/// A way to write a digit.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Style {
    pub(super) digit: u8,
    pub(super) name: String,
    /// Whether a machine writes like this.
    pub(super) is_print: bool,
    /// How often the style is drawn, relative to the others of its digit.
    pub(super) weight: u32,
    pub(super) strokes: Vec<Vec<Point>>,
}

/// A control point; y goes down.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    pub(super) x: f32,
    pub(super) y: f32,
    /// Whether the stroke runs smoothly through the point. Otherwise it turns sharply.
    pub(super) is_smooth: bool,
}

/// All styles, ordered by digit.
pub(super) fn styles() -> &'static [Style] {
    static STYLES: LazyLock<Vec<Style>> = LazyLock::new(|| {
        let mut styles = parse(include_str!("styles.txt"));
        styles.sort_by_key(|style| style.digit);
        styles
    });
    &STYLES
}

/// Parses the table: the sections `[hand]` and `[print]`.
fn parse(table: &str) -> Vec<Style> {
    let mut is_print = false;
    let mut styles = Vec::new();
    for line in table.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match line {
            "[hand]" => is_print = false,
            "[print]" => is_print = true,
            _ => styles.push(style(line, is_print).unwrap_or_else(|| panic!("{line:?} is not a style"))),
        }
    }
    styles
}

/// Parses `digit name weight strokes`.
fn style(line: &str, is_print: bool) -> Option<Style> {
    let mut words = line.split_whitespace();
    let digit = words.next()?.parse().ok().filter(|digit| *digit <= 9)?;
    let (name, weight) = (words.next()?.to_owned(), words.next()?.parse().ok().filter(|weight| *weight > 0)?);
    let words: Vec<&str> = words.collect();
    let strokes: Vec<Vec<Point>> = if words.first()?.starts_with(':') {
        dots(&words)?
    } else {
        let strokes = words.split(|word| *word == "/");
        strokes.map(|stroke| stroke.iter().map(|word| point(word)).collect()).collect::<Option<_>>()?
    };
    strokes.iter().all(|stroke| stroke.len() >= 2).then_some(Style { digit, name, is_print, weight, strokes })
}

/// The dots of a matrix: each row is a word of `#` and `.` after a colon.
fn dots(rows: &[&str]) -> Option<Vec<Vec<Point>>> {
    let spacing = 1.0 / (rows.len().max(2) - 1) as f32;
    let mut dots = Vec::new();
    for (y, row) in rows.iter().enumerate() {
        for (x, dot) in row.strip_prefix(':')?.chars().enumerate() {
            let point = Point { x: spacing * x as f32, y: spacing * y as f32, is_smooth: false };
            match dot {
                '#' => dots.push(vec![point; 2]),
                '.' => {}
                _ => return None,
            }
        }
    }
    Some(dots)
}

fn point(word: &str) -> Option<Point> {
    let (is_smooth, word) = word.strip_prefix('~').map_or((false, word), |word| (true, word));
    let (x, y) = word.split_once(',')?;
    let (x, y) = (x.parse().ok()?, y.parse().ok()?);
    (-1.0..=2.0).contains(&x).then_some(Point { x, y, is_smooth })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_digit_has_styles_of_people_and_of_machines() {
        for digit in 0..10 {
            let of_digit = |style: &&Style| style.digit == digit;
            let (print, hand): (Vec<&Style>, Vec<&Style>) =
                styles().iter().filter(of_digit).partition(|style| style.is_print);
            assert!(print.len() >= 2 && hand.len() >= 5, "{digit}");
            let mut names: Vec<&str> =
                styles().iter().filter(of_digit).map(|style| &style.name[..]).collect();
            let n = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), n, "{digit}: each name once");
        }
    }

    #[test]
    fn a_line_that_is_no_style_is_refused() {
        assert!(style("1 bar 4 .1,0 .1,1", false).is_some());
        for line in
            ["", "1 bar", "1 bar 4", "10 bar 4 0,0 1,1", "1 bar 0 0,0 1,1", "1 bar 4 0,0", "1 bar 4 0,0 x,1"]
        {
            assert!(style(line, false).is_none(), "{line}");
        }
    }
}
