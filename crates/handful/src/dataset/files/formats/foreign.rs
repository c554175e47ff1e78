//! Common formats that handful does not read: what they are, and how to convert them.

/// How files start, what they are, and what to do with them.
const KINDS: &[(&[u8], &str, &str)] = &[
    (b"%PDF", "PDF", EXPORT),
    (b"8BPS", "Photoshop", EXPORT),
    (b"\0\0\0\x0cJXL ", "JPEG XL", EXPORT),
    (b"\xff\x0a", "JPEG XL", EXPORT),
    (b"\0\0\0\x0cjP  ", "JPEG 2000", EXPORT),
    (b"\0\0\x01\0", "ICO", EXPORT),
    (b"AT&TFORM", "DjVu", EXPORT),
    (b"<svg", "SVG", EXPORT),
    (b"MATLAB 5.0", "MATLAB", SAVE),
    (b"\x89HDF\r\n", "HDF5", SAVE),
    (b"\x80\x02", "pickle", SAVE),
    (b"\x80\x03", "pickle", SAVE),
    (b"\x80\x04", "pickle", SAVE),
    (b"\x80\x05", "pickle", SAVE),
];
const EXPORT: &str = "export it as PNG or JPEG";
const SAVE: &str = "save its arrays with numpy.savez";

/// What an unsupported file is, and what to do with it; `None` if that is not known.
pub(super) fn advice(head: &[u8]) -> Option<String> {
    let known =
        KINDS.iter().find(|(start, ..)| head.starts_with(start)).map(|&(_, kind, advice)| (kind, advice));
    let (kind, advice) = known.or_else(|| Some((container(head)?, EXPORT)))?;
    Some(format!("{kind} files are not supported: {advice}"))
}

/// ISO's container format for pictures and films stores its content type after `ftyp`.
fn container(head: &[u8]) -> Option<&'static str> {
    match (head.get(4..8)?, head.get(8..12)?) {
        (b"ftyp", b"avif" | b"avis") => Some("AVIF"),
        (b"ftyp", b"mif1" | b"msf1" | b"heic" | b"heix" | b"hevc" | b"hevx" | b"heim" | b"heis") => {
            Some("HEIC")
        }
        (b"ftyp", _) => Some("video (MP4)"),
        _ => None,
    }
}
