//! The text format of Prometheus, version 0.0.4:
//! <https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>.

use std::fmt::{Display, Write};

pub(super) const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What a metric measures.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// A label's name and value.
pub(super) type Label<'a> = (&'static str, &'a str);

/// A document in this format, one metric after the other.
#[derive(Default)]
pub(super) struct Exposition {
    text: String,
    /// The metric to which samples are added.
    name: &'static str,
}

impl Exposition {
    /// Begins the next metric. `help` is one line.
    pub(super) fn metric(&mut self, name: &'static str, kind: Kind, help: &str) -> &mut Self {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        self.name = name;
        self.line(format_args!("# HELP {name} {}", help.replace('\\', r"\\").replace('\n', r"\n")));
        self.line(format_args!("# TYPE {name} {kind}"))
    }

    pub(super) fn sample(&mut self, labels: &[Label], value: impl Display) -> &mut Self {
        self.suffixed("", labels, value)
    }

    /// A histogram of observations: the upper bounds of its buckets, how many observations fell into each and into none,
    /// and their sum.
    pub(super) fn histogram(&mut self, label: Label, bounds: &[f64], counts: &[u64], sum: f64) -> &mut Self {
        let bounds = bounds.iter().map(ToString::to_string).chain(["+Inf".to_owned()]);
        let mut total = 0;
        for (bound, count) in bounds.zip(counts) {
            total += count;
            self.suffixed("_bucket", &[label, ("le", &bound)], total);
        }
        self.suffixed("_sum", &[label], sum).suffixed("_count", &[label], total)
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }

    fn suffixed(&mut self, suffix: &str, labels: &[Label], value: impl Display) -> &mut Self {
        let pair = |(name, value): &Label| format!("{name}=\"{}\"", escaped(value));
        let pairs: Vec<String> = labels.iter().map(pair).collect();
        let set = if pairs.is_empty() { String::new() } else { format!("{{{}}}", pairs.join(",")) };
        let name = self.name;
        self.line(format_args!("{name}{suffix}{set} {value}"))
    }

    fn line(&mut self, line: std::fmt::Arguments) -> &mut Self {
        writeln!(self.text, "{line}").expect("writing to memory");
        self
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_written_as_the_format_says() {
        let mut found = Exposition::default();
        found.metric("drops_total", Kind::Counter, "Drops\nof \\ink.").sample(&[], 3);
        found.metric("level", Kind::Gauge, "Level.").sample(&[("pen", "a \"b\"\\\n")], 0.5);
        found.metric("size", Kind::Histogram, "Size.").histogram(("pen", "c"), &[0.25, 1.0], &[2, 0, 1], 2.5);
        let expected = r#"# HELP drops_total Drops\nof \\ink.
# TYPE drops_total counter
drops_total 3
# HELP level Level.
# TYPE level gauge
level{pen="a \"b\"\\\n"} 0.5
# HELP size Size.
# TYPE size histogram
size_bucket{pen="c",le="0.25"} 2
size_bucket{pen="c",le="1"} 2
size_bucket{pen="c",le="+Inf"} 3
size_sum{pen="c"} 2.5
size_count{pen="c"} 3
"#;
        assert_eq!(found.into_text(), expected);
    }
}
