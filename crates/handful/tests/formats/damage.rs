//! Damaged and hostile files end in an error, at once and without taking memory that they do not fill.

use std::{fs, io::Write, path::Path};

use flate2::{Compression, write::GzEncoder};
use handful::dataset::{self, Error, Reader, Split};
use proptest::prelude::*;

use crate::fixture;

/// Fixtures of every format.
const FILES: &[&str] = &[
    "torchvision/MNIST/raw/train-images-idx3-ubyte",
    "gzip/train-images-idx3-ubyte.gz",
    "emnist/emnist-letters-train-images-idx3-ubyte.gz",
    "qmnist/qmnist-train-images-idx3-ubyte.gz",
    "keras/mnist.npz",
    "keras/compressed.npz",
    "npy/images.npy",
    "npy/fortran.npy",
    "npy/unit.npy",
    "usps/zip.train.gz",
    "usps/usps.bz2",
    #[cfg(feature = "parquet")]
    "huggingface/mnist/train-00000-of-00001.parquet",
    #[cfg(feature = "parquet")]
    "huggingface/zstd.parquet",
    #[cfg(feature = "images")]
    "strays/large.png",
    #[cfg(feature = "images")]
    "strays/photo.jpg",
];

fn read(bytes: &[u8]) -> Result<usize, Error> {
    let mut reader = Reader::from_stream(Path::new("damaged"), std::io::Cursor::new(bytes.to_vec()))?;
    let mut n = 0;
    while let Some(images) = reader.read(3)? {
        n += images.pixels.nrows();
    }
    Ok(n)
}

#[track_caller]
fn told(bytes: &[u8], expected: &str) {
    let error = read(bytes).expect_err("damaged");
    let mut text = error.to_string();
    if let Some(source) = std::error::Error::source(&error) {
        text = format!("{text}: {source}");
    }
    assert!(text.contains(expected) && !text.contains('\n'), "{text}");
}

#[test]
fn files_cut_at_every_sixteenth_are_refused() {
    for name in FILES {
        let whole = fs::read(fixture(name)).unwrap();
        assert!(read(&whole).is_ok(), "{name}");
        for part in 0..16 {
            let cut = &whole[..whole.len() * part / 16];
            assert!(read(cut).is_err(), "{name} cut to {} of {} bytes", cut.len(), whole.len());
        }
    }
}

/// A table cut between two rows is one: what is cut within a row is told.
#[test]
fn texts_cut_within_a_row_are_refused() {
    for name in ["kaggle/train.csv", "csv/headerless.csv", "csv/words.csv"] {
        let whole = fs::read(fixture(name)).unwrap();
        for part in 1..16 {
            let cut = &whole[..whole.len() * part / 16];
            let n = read(cut);
            assert!(n.as_ref().map_or(true, |&n| n < 2), "{name} cut to {}: {n:?}", cut.len());
        }
    }
}

fn idx(sizes: &[u32], data: &[u8]) -> Vec<u8> {
    let magic = if sizes.len() == 3 { 0x0803_u32 } else { 0x0801 };
    let words = std::iter::once(&magic).chain(sizes).flat_map(|word| word.to_be_bytes());
    words.chain(data.iter().copied()).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn npy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}");
    let mut file = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    file.extend(format!("{header:<117}\n").bytes());
    file.extend(data);
    file
}

#[test]
fn idx_files_whose_header_is_wrong_are_refused() {
    let whole = idx(&[2, 1, 2], &[1, 2, 3, 4]);
    for wrap in [<[u8]>::to_vec, gzip] {
        told(&wrap(&whole[..whole.len() - 1]), "declares 4 bytes of data, found 3");
        told(&wrap(&[&whole[..], &[5, 6]].concat()), "declares 4 bytes of data, found at least 5");
        told(&wrap(&idx(&[1 << 30, 1, 1], &[1, 2, 3])), "declares 1073741824 bytes of data, found 3");
        told(
            &wrap(&idx(&[1, 1_000_000_000, 1_000_000_000], &[1, 2, 3])),
            "declares images of shape [1000000000, 1000000000]",
        );
        told(&wrap(&idx(&[60_000, 28, 28], &[1, 2, 3])), "declares 47040000 bytes of data, found 3");
        told(&wrap(&idx(&[0, 28, 28], &[])), "which is empty");
        told(&wrap(&idx(&[5, 0, 28], &[])), "which is empty");
        told(&wrap(&idx(&[1, 1, 1], &[0])[..9]), "expected an IDX header of 16 bytes, found 9 bytes");
        told(&wrap(&idx(&[4], &[0, 1, 2, 3])), "expected an IDX file of images");
    }
    told(&[], "found an empty file");
    let mut cut = gzip(&whole);
    cut.truncate(cut.len() - 9);
    told(&cut, "cannot be read");
}

#[test]
fn arrays_that_are_no_images_are_refused() {
    told(&npy("|u1", "1000000000, 1000000000", &[0; 8]), "declares images of shape [1000000000]");
    told(&npy("|u1", "1000000000, 28, 28", &[0; 8]), "declares 784000000000 bytes of data, found 8");
    told(&npy("|u1", "18446744073709551615, 2, 2", &[0; 8]), "bytes of data, found 8");
    told(&npy("|u1", "99999999999999999999999, 2, 2", &[0; 8]), "expected a NumPy array's header");
    told(&npy("|u1", "2, 0", &[]), "found none");
    told(&npy("|u1", "8,", &[0; 8]), "of shape [8]");
    told(&npy("|O", "2, 2, 2", &[0; 8]), "expected an array of numbers or text, found one of type \"|O\"");
    told(
        &npy("<i8", "1, 1", &(-1_i64).to_le_bytes()),
        "row 1: pixel 0: expected a number from 0 to 255, found -1",
    );
    told(&npy("<f4", "1, 1", &f32::NAN.to_le_bytes()), "found NaN");
    told(
        &npy("<f8", "2, 1", &[0.5_f64.to_le_bytes(), 7_f64.to_le_bytes()].concat()),
        "row 2: pixel 0: expected a number from 0 to 1, found 7",
    );
    told(&npy("|u1", "1, 2, 2", &[0; 5]), "declares 4 bytes of data, found at least 5");
    let nested = [b"\x93NUMPY\x01\x00\x40\x1f".as_slice(), &[b'('; 8000]].concat();
    told(&nested, "expected a NumPy array's header");
    let long = [b"\x93NUMPY\x02\x00\xff\xff\xff\x7f".as_slice(), &[b' '; 100]].concat();
    told(&long, "the header is not one of NumPy");
}

#[test]
fn archives_that_are_bombs_are_refused() {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
    zip.start_file("x.npy", options).unwrap();
    zip.write_all(&npy("|u1", "500000, 28, 28", &[])).unwrap();
    for _ in 0..400 {
        zip.write_all(&vec![0; 1 << 20]).unwrap();
    }
    let bytes = zip.finish().unwrap().into_inner();
    assert!(bytes.len() < 1 << 20);
    told(&bytes, "expected a file that unpacks to at most 200 times its size");
}

#[test]
fn tables_whose_rows_are_wrong_are_refused() {
    let table = |rows: &str| format!("label,pixel0,pixel1,pixel2,pixel3\n{rows}").into_bytes();
    assert_eq!(read(&table("1,0,0,0,9\n\"2\",0, 0 ,0,255\r\n")).unwrap(), 2);
    told(&table("1,0,0,0,9\n2,0,0,0\n"), "row 3: expected 5 columns, found 4");
    told(&table("1,0,0,0,9,9\n"), "row 2: expected 5 columns, found 6");
    told(&table("1,0,x,0,9\n"), "row 2: column 3: expected a number, found \"x\"");
    told(&table("1,0,,0,9\n"), "row 2: column 3: expected a number, found \"\"");
    told(&table("1,0,256,0,9\n"), "row 2: column 3: expected a number from 0 to 255, found 256");
    told(&table("1,0,-1,0,9\n"), "found -1");
    told(&table("1,0,nan,0,9\n"), "found NaN");
    told(&table(""), "found none");
    told(b"1,2,3,4,5,6,7\n1,2,3,4,5,6,7\n", "expected a header that names the pixels");
    told(b"label,pixel0,pixel1,pixel2,pixel3\n1,0,\xff\xfe,0,9\n", "expected text in UTF-8");
    told(b"3 1:0.5 2:x 3:1 4:1\n", "expected a file of images");
    told(
        b"3 1:0.5 2:1 3:1 4:1\n3 1:1 9999999999:1\n",
        "row 2: expected index:value with an index from 1 to 1048576",
    );
    told(b"3 1:0.5 0:1 3:1 4:1\n", "row 1: expected index:value");
    told(b"3.0 -1 0 0.5 0.5\n3.0 -1 0 0.5\n", "row 2: expected 5 columns, found 4");
    told(b"3.0 -1 0 0.5 1\n3.0 -1 0 0.5 1.5\n", "expected a number from -1 to 1, found 1.5");
}

#[cfg(feature = "images")]
#[test]
fn pictures_that_declare_too_much_are_refused() {
    let mut png = fs::read(fixture("strays/inverted.png")).unwrap();
    // Width and height of the header, and its checksum.
    png[16..20].copy_from_slice(&100_000_u32.to_be_bytes());
    png[20..24].copy_from_slice(&100_000_u32.to_be_bytes());
    let mut checksum = flate2::Crc::new();
    checksum.update(&png[12..29]);
    png[29..33].copy_from_slice(&checksum.sum().to_be_bytes());
    told(&png, "expected a picture");
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("7")).unwrap();
    fs::write(folder.path().join("7/bad.png"), &png).unwrap();
    let error = dataset::load_images(folder.path(), Split::Train).unwrap_err().to_string();
    assert!(error.contains("bad.png: expected a picture"), "{error}");
}

proptest! {
    /// Whatever byte is changed: a result, or an error in one line.
    #[test]
    fn no_damage_makes_a_reader_panic(
        file in 0..FILES.len(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = fs::read(fixture(FILES[file])).unwrap();
        for (at, value) in &damage {
            *at.get_mut(&mut bytes) = *value;
        }
        if let Err(error) = read(&bytes) {
            prop_assert!(!error.to_string().contains('\n'), "{}", error);
        }
    }
}
