//! Numbers formatted for people, on the terminal and in the report.

/// `60,000`
pub(crate) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut grouped = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `96.91 %`
pub(crate) fn percent(ratio: f64) -> String {
    format!("{:.2} %", 100.0 * ratio)
}

/// `96.55 – 97.23`
pub(crate) fn interval([low, high]: [f64; 2]) -> String {
    format!("{:.2} – {:.2}", 100.0 * low, 100.0 * high)
}

/// `12.3 s`, `45 ms`
pub(crate) fn seconds(seconds: f64) -> String {
    match seconds {
        s if s >= 99.5 => format!("{s:.0} s"),
        s if s >= 9.95 => format!("{s:.1} s"),
        s if s >= 0.995 => format!("{s:.2} s"),
        s if s >= 0.000_995 => format!("{:.0} ms", 1e3 * s),
        s => format!("{:.0} µs", 1e6 * s),
    }
}

/// Two significant digits, grouped: `1,300`, `47`, `1.2`
pub(crate) fn rough(value: f64) -> String {
    if value < 9.95 {
        return format!("{value:.1}");
    }
    let unit = 10_f64.powf(value.log10().floor() - 1.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "positive; saturates at 2^64"
    )]
    count(((value / unit).round() * unit).round() as u64)
}

/// `p < 0.001`, or to three decimals
pub(crate) fn p_value(p: f64) -> String {
    if p < 0.001 { "p < 0.001".to_owned() } else { format!("p = {p:.3}") }
}

/// `1 prototype`, `90 prototypes`
pub(crate) fn plural(n: usize, what: &str) -> String {
    let ending = match n {
        1 => "",
        _ if what.ends_with('s') => "es",
        _ => "s",
    };
    format!("{} {what}{ending}", count(n as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_rounded_as_people_expect() {
        assert_eq!(
            [0, 999, 1000, 60_000, 1_234_567].map(count),
            ["0", "999", "1,000", "60,000", "1,234,567"]
        );
        assert_eq!([1.0, 9.94, 9.96, 472.3, 9_960.0].map(rough), ["1.0", "9.9", "10", "470", "10,000"]);
        assert_eq!(
            [120.4, 12.34, 1.0, 0.0456, 0.000_012].map(seconds),
            ["120 s", "12.3 s", "1.00 s", "46 ms", "12 µs"]
        );
        assert_eq!([0.0005, 0.047].map(p_value), ["p < 0.001", "p = 0.047"]);
    }
}
