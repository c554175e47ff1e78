//! The format safetensors: eight bytes with the length of a header, the header as JSON, and the bytes of all tensors.
//!
//! ```text
//! 8 bytes: n, little-endian │ n bytes: {"__metadata__": {…}, "a": {"dtype": "U8", "shape": [2, 3], "data_offsets": [0, 6]}, …} │ bytes
//! ```
//!
//! Offsets count from the end of the header. Together, the tensors cover all bytes that follow, without gaps.
//! <https://huggingface.co/docs/safetensors>

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
};

use serde::{Deserialize, Serialize};

use super::Error;

/// Number of bytes before the header.
pub(super) const PREFIX: usize = 8;
/// Maximum length of a header. The format allows more, but JSON takes several times its size in memory, and the longest
/// header that handful writes has some thousand bytes.
const LONGEST: u64 = 1 << 22;

/// The types of numbers that are written, in the format's order: the last need the strictest alignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) enum Dtype {
    U8,
    I8,
    I16,
    U32,
    F32,
    F64,
    U64,
}

#[cfg(test)]
impl Dtype {
    pub(super) const ALL: [Self; 7] =
        [Self::U8, Self::I8, Self::I16, Self::U32, Self::F32, Self::F64, Self::U64];
}

impl fmt::Display for Dtype {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, formatter)
    }
}

/// What a header says about a tensor.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Info<T = String> {
    pub(super) dtype: T,
    pub(super) shape: Vec<usize>,
    pub(super) data_offsets: [u64; 2],
}

/// The header of a file, which has been checked.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Header {
    #[serde(default, rename = "__metadata__")]
    pub(super) metadata: HashMap<String, String>,
    #[serde(flatten)]
    pub(super) tensors: BTreeMap<String, Info>,
}

impl Header {
    /// The number of bytes of the header that starts with these nine bytes.
    pub(super) fn length(start: &[u8]) -> Result<u64, Error> {
        let Some((&length, [b'{', ..])) = start.split_first_chunk::<PREFIX>() else {
            return Err(format("it does not start like a .safetensors file"));
        };
        match u64::from_le_bytes(length) {
            length @ 1..=LONGEST => Ok(length),
            length => Err(format(&format!("it declares a header of {length} bytes"))),
        }
    }

    /// Reads the JSON of a header.
    pub(super) fn parse(json: &[u8]) -> Result<Self, Error> {
        let header: Self = serde_json::from_slice(json).map_err(|error| format(&error.to_string()))?;
        header.check()?;
        Ok(header)
    }

    /// The header of a whole file, and the bytes of the tensors.
    pub(super) fn of(file: &[u8]) -> Result<(Self, &[u8]), Error> {
        let length = usize::try_from(Self::length(file)?).unwrap_or(usize::MAX);
        let Some((json, data)) = file[PREFIX..].split_at_checked(length) else {
            return Err(format("its header is cut"));
        };
        let header = Self::parse(json)?;
        let expected = header.n_bytes();
        if expected != data.len() as u64 {
            return Err(format(&format!("expected {expected} bytes of tensors, found {}", data.len())));
        }
        Ok((header, data))
    }

    /// Number of bytes of all tensors.
    pub(super) fn n_bytes(&self) -> u64 {
        self.tensors.values().map(|info| info.data_offsets[1]).max().unwrap_or(0)
    }

    /// Checks that the tensors follow each other without gaps.
    fn check(&self) -> Result<(), Error> {
        let mut all: Vec<_> = self.tensors.iter().map(|(name, info)| (info.data_offsets, name)).collect();
        all.sort_unstable();
        let mut end = 0;
        for ([first, last], name) in all {
            if first != end || last < first {
                return Err(format(&format!(
                    "tensor {name}: expected bytes from {end} on, found {first} to {last}"
                )));
            }
            end = last;
        }
        Ok(())
    }
}

/// A file from its metadata and tensors. Tensors with larger numbers come first, so that all are aligned.
pub(super) fn serialize<'a>(
    metadata: (&str, &str),
    tensors: impl Iterator<Item = (&'a str, Dtype, &'a [usize], &'a [u8])>,
) -> Result<Vec<u8>, Error> {
    let mut tensors: Vec<_> = tensors.collect();
    tensors.sort_by(|(a, left, ..), (b, right, ..)| right.cmp(left).then(a.cmp(b)));
    let json = |text: &str| serde_json::to_string(text).map_err(|error| format(&error.to_string()));
    let (key, value) = metadata;
    // A map would not keep the order.
    let mut entries = vec![format!("\"__metadata__\":{{{}:{}}}", json(key)?, json(value)?)];
    let mut end = 0;
    for (name, dtype, shape, bytes) in &tensors {
        let data_offsets = [end, end + bytes.len() as u64];
        end = data_offsets[1];
        let info = Info { dtype: *dtype, shape: shape.to_vec(), data_offsets };
        let info = serde_json::to_string(&info).map_err(|error| format(&error.to_string()))?;
        entries.push(format!("{}:{info}", json(name)?));
    }
    let mut header = format!("{{{}}}", entries.join(",")).into_bytes();
    let length = header.len().next_multiple_of(PREFIX);
    header.resize(length, b' ');
    let mut file = Vec::with_capacity(PREFIX + length + usize::try_from(end).unwrap_or(0));
    file.extend((length as u64).to_le_bytes());
    file.extend(header);
    for (.., bytes) in tensors {
        file.extend(bytes);
    }
    Ok(file)
}

fn format(problem: &str) -> Error {
    Error::Format(problem.to_owned())
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use safetensors::{SafeTensors, View};

    use super::*;

    struct Part(safetensors::Dtype, Vec<usize>, Vec<u8>);

    impl View for &Part {
        fn dtype(&self) -> safetensors::Dtype {
            self.0
        }

        fn shape(&self) -> &[usize] {
            &self.1
        }

        fn data(&self) -> Cow<'_, [u8]> {
            Cow::Borrowed(&self.2)
        }

        fn data_len(&self) -> usize {
            self.2.len()
        }
    }

    /// One tensor of each type, named against the order of the types, and an empty one.
    fn parts() -> Vec<(&'static str, Dtype, Part)> {
        use safetensors::Dtype as Reference;
        let types = [
            ("z.\"quoted\"", Dtype::U8, Reference::U8, 1),
            ("h", Dtype::I8, Reference::I8, 1),
            ("g", Dtype::I16, Reference::I16, 2),
            ("f", Dtype::U32, Reference::U32, 4),
            ("e", Dtype::F32, Reference::F32, 4),
            ("d", Dtype::F64, Reference::F64, 8),
            ("c", Dtype::U64, Reference::U64, 8),
            ("b", Dtype::U64, Reference::U64, 0),
        ];
        types
            .map(|(name, dtype, reference, size)| {
                let shape = if size == 0 { vec![0, 3] } else { vec![2, 3] };
                (name, dtype, Part(reference, shape, (0..6 * size).collect()))
            })
            .into_iter()
            .collect()
    }

    fn file() -> Vec<u8> {
        let parts = parts();
        let tensors = parts.iter().map(|(name, dtype, part)| (*name, *dtype, &part.1[..], &part.2[..]));
        serialize(("handful", "{\"a\":\"é\\n\"}"), tensors).unwrap()
    }

    #[test]
    fn files_are_those_of_the_reference_implementation() {
        let metadata = HashMap::from([("handful".to_owned(), "{\"a\":\"é\\n\"}".to_owned())]);
        let parts = parts();
        let tensors = parts.iter().map(|(name, _, part)| (*name, part));
        assert_eq!(file(), safetensors::serialize(tensors, Some(metadata)).unwrap());
        let (file, read) = (file(), SafeTensors::deserialize(&file()).unwrap().len());
        let (header, data) = Header::of(&file).unwrap();
        assert_eq!((header.tensors.len(), read), (8, 8));
        assert_eq!(header.n_bytes(), data.len() as u64);
    }

    #[test]
    fn files_of_other_programs_have_other_types() {
        let json = br#"{"x":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}}"#;
        assert_eq!(Header::parse(json).unwrap().tensors["x"].dtype, "BF16");
    }

    #[test]
    fn gaps_overlaps_and_cut_files_are_refused() {
        let with = |offsets: &str| {
            let json = format!(
                r#"{{"a":{{"dtype":"U8","shape":[4],"data_offsets":[0,4]}},"b":{{"dtype":"U8","shape":[4],"data_offsets":{offsets}}}}}"#
            );
            Header::parse(json.as_bytes())
        };
        assert!(with("[4,8]").is_ok());
        for offsets in ["[5,9]", "[3,7]", "[4,3]", "[0,4]", "[18446744073709551615,0]", "[-4,8]"] {
            assert!(with(offsets).is_err(), "{offsets}");
        }
        let file = file();
        for n in [0, 7, 8, 9, 100, file.len() - 1] {
            assert!(Header::of(&file[..n]).is_err(), "{n} bytes");
        }
        assert!(Header::of(&[&file[..], &[0]].concat()).is_err());
    }
}
