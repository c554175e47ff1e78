//! The type of labels before they became names of classes, so that callers that passed booleans or small integers get
//! the same back.

/// Checks that the names of classes can be read back as labels of a type, with the names of NumPy: `str`, `object`
/// (also strings), `bool`, `int8` to `uint64`, or `float16` to `float64` (whole numbers).
pub(super) fn check(label_type: &str, classes: &[String]) -> Result<(), String> {
    let whole =
        |low: i128, high: i128| move |name: &str| integer(name).is_some_and(|n| n >= low && n <= high);
    let digits = |name: &str| name.trim_start_matches('-').bytes().all(|byte| byte.is_ascii_digit());
    let float =
        |largest: f64| move |name: &str| digits(name) && name.parse().is_ok_and(|x: f64| x.abs() <= largest);
    let is_label: Box<dyn Fn(&str) -> bool> = match label_type {
        "str" | "object" => Box::new(|_| true),
        "bool" => Box::new(|name| ["False", "True"].contains(&name)),
        "int8" => Box::new(whole(i8::MIN.into(), i8::MAX.into())),
        "int16" => Box::new(whole(i16::MIN.into(), i16::MAX.into())),
        "int32" => Box::new(whole(i32::MIN.into(), i32::MAX.into())),
        "int64" => Box::new(whole(i64::MIN.into(), i64::MAX.into())),
        "uint8" => Box::new(whole(0, u8::MAX.into())),
        "uint16" => Box::new(whole(0, u16::MAX.into())),
        "uint32" => Box::new(whole(0, u32::MAX.into())),
        "uint64" => Box::new(whole(0, u64::MAX.into())),
        "float16" => Box::new(float(65504.0)),
        "float32" => Box::new(float(f32::MAX.into())),
        "float64" => Box::new(float(f64::MAX)),
        _ => {
            return Err(format!(
                "expected labels of a type such as int64, bool or str, found {label_type:?}"
            ));
        }
    };
    match classes.iter().find(|name| !is_label(name)) {
        None => Ok(()),
        Some(name) => {
            Err(format!("expected class names that can be converted to {label_type}, found {name:?}"))
        }
    }
}

/// A whole number in its usual notation.
fn integer(name: &str) -> Option<i128> {
    name.parse().ok().filter(|number: &i128| number.to_string() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_to_be_labels_of_the_type() {
        for (label_type, right, wrong) in [
            ("str", &["a", "", "7"][..], &[][..]),
            ("object", &["a", "True"], &[]),
            ("bool", &["False", "True"], &["0", "true", ""]),
            ("int8", &["-128", "127"], &["128", "-129", "01", "+1", "1.0", "a"]),
            ("uint8", &["0", "255"], &["-1", "256", "-0"]),
            ("int64", &["-9223372036854775808"], &["9223372036854775808"]),
            ("uint64", &["18446744073709551615"], &["18446744073709551616", "-1"]),
            ("float16", &["-3", "65504"], &["65505", "0.5", "inf", "NaN"]),
            ("float64", &["1000000000000000000000"], &["1.5", "inf", "-inf", "x"]),
            ("complex128", &[], &["1"]),
        ] {
            for name in right {
                check(label_type, &[(*name).to_owned()]).unwrap();
            }
            for name in wrong {
                let error = check(label_type, &["1".to_owned(), (*name).to_owned()]).unwrap_err();
                assert!(error.contains(label_type), "{error}");
            }
        }
    }
}
