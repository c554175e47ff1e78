//! Pictures in folders and in TIFF files, and pictures that cannot be read.

use std::{fs, io::Cursor};

use handful::{
    dataset::{self, Reader, Split},
    preprocess::Framing,
};

use crate::{
    expected::{Expected, holds, sha256},
    fixture,
};

#[test]
fn folders_of_pictures_have_a_class_each() {
    for (split, n) in [(Split::Train, 8), (Split::Test, 4)] {
        let expected = Expected::new(split);
        let images = dataset::load_images(&fixture("folders"), split).unwrap();
        let found: std::collections::BTreeSet<(String, String)> =
            images.labels.unwrap().into_iter().zip(images.pixels.outer_iter().map(sha256)).collect();
        assert_eq!(found, expected.labels.into_iter().zip(expected.sha256).collect());
        assert_eq!(found.len(), n);
    }
    let words = dataset::load_train(&fixture("words")).unwrap();
    assert_eq!((words.image_shape(), words.n_samples()), ([10, 12], 8));
    assert_eq!(words.classes(), ["cat", "dog"]);
    let framed = dataset::load_known(
        &fixture("words"),
        Split::Train,
        words.classes(),
        [28, 28],
        &Framing::Auto.into(),
    );
    assert_eq!(framed.unwrap().image_shape(), [28, 28]);
    let unframed = dataset::load_known(
        &fixture("words"),
        Split::Train,
        words.classes(),
        [28, 28],
        &Framing::Never.into(),
    );
    let error = unframed.unwrap_err().to_string();
    assert!(error.contains("expected images of 28 x 28") && error.contains("found 10 x 12"), "{error}");
}

#[test]
fn the_size_of_a_picture_is_known_before_the_whole_is() {
    for name in ["alpha.png", "large.png", "photo.jpg", "sixteen.png"] {
        let bytes = fs::read(fixture("strays").join(name)).unwrap();
        let picture = dataset::decode_picture(&bytes).unwrap();
        let size = [picture.nrows(), picture.ncols()];
        assert_eq!(dataset::picture_size(&bytes[..bytes.len() - 20]), Ok(size), "{name}");
    }
    let error = dataset::picture_size(b"seven").unwrap_err();
    assert!(error.starts_with("expected a picture"), "{error}");
}

#[test]
fn tiff_is_read_page_by_page() {
    let expected = Expected::new(Split::Train);
    let read = |name: &str| {
        let mut reader = Reader::open(&fixture(&format!("tiff/{name}.tif")), Split::Test).unwrap();
        assert!(reader.is_picture());
        let mut pages = Vec::new();
        while let Some(images) = reader.read(2).unwrap() {
            pages.extend(images.pixels.outer_iter().map(|row| (images.shape, row.to_vec())));
        }
        pages
    };
    let shas = |name: &str| -> Vec<String> {
        read(name).into_iter().map(|(_, pixels)| sha256(ndarray::aview1(&pixels))).collect()
    };
    assert_eq!(shas("pages"), expected.sha256[..3]);
    for name in ["grey", "packbits", "sixteen", "colour", "big"] {
        assert_eq!(shas(name), expected.sha256[..1], "{name}");
    }
    let shapes: Vec<[usize; 2]> = read("mixed").into_iter().map(|(shape, _)| shape).collect();
    assert_eq!(shapes, [[28, 28], [40, 28], [28, 28], [28, 28]]);
    let mixed = Reader::open(&fixture("tiff/mixed.tif"), Split::Test).unwrap().read_all().unwrap_err();
    assert!(matches!(mixed, dataset::Error::ShapeMismatch { found: [40, 28], .. }), "{mixed}");
    let bilevel = read("bilevel");
    assert!(bilevel[0].1.iter().all(|value| [0, 255].contains(value)) && bilevel[0].1.contains(&255));
    assert_eq!(read("fax"), bilevel);
    let negative: Vec<u8> = read("grey")[0].1.iter().map(|value| 255 - value).collect();
    assert_eq!(read("white_is_zero")[0].1, negative);

    let pages = fs::read(fixture("tiff/pages.tif")).unwrap();
    let error = dataset::decode_picture(&pages).unwrap_err();
    assert_eq!(error, "expected one picture, found a TIFF file of 3 pages");
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("7")).unwrap();
    fs::write(folder.path().join("7/pages.tif"), pages).unwrap();
    fs::copy(fixture("tiff/grey.tif"), folder.path().join("7/z.tif")).unwrap();
    let images = dataset::load_images(folder.path(), Split::Train).unwrap();
    let shas = [&expected.sha256[..3], &expected.sha256[..1]].concat();
    holds(&images, 4, &shas, Some(&["7"; 4].map(str::to_owned)));
}

#[test]
fn formats_that_are_not_read_are_called_by_their_name() {
    let told = |name: &str, bytes: &[u8]| {
        let reader = Reader::from_stream(name.as_ref(), Cursor::new(bytes.to_vec()));
        let error = reader.err().expect("not read").to_string();
        assert_eq!(error, format!("{name}: {}", dataset::decode_picture(bytes).unwrap_err()));
        error
    };
    for (file, kind) in
        [("digit.pdf", "PDF"), ("digit.avif", "AVIF"), ("digit.jp2", "JPEG 2000"), ("digit.ico", "ICO")]
    {
        let error = told(file, &fs::read(fixture("unsupported").join(file)).unwrap());
        assert_eq!(error, format!("{file}: {kind} files are not supported: export it as PNG or JPEG"));
    }
    let heic = told("digit.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic");
    assert_eq!(heic, "digit.heic: HEIC files are not supported: export it as PNG or JPEG");
    let fax = fs::read(fixture("tiff/fax3.tif")).unwrap();
    assert!(dataset::decode_picture(&fax).unwrap_err().ends_with("save it as PNG or JPEG"));
    let unknown = dataset::decode_picture(b"seven").unwrap_err();
    assert!(
        unknown.contains("PNG, JPEG, TIFF, GIF, BMP, WebP, PNM") && unknown.contains("\"seven\""),
        "{unknown}"
    );
}

#[test]
fn files_come_in_the_order_of_their_numbers() {
    let expected = Expected::new(Split::Train);
    let folder = tempfile::tempdir().unwrap();
    for (class, label) in [("2", 0), ("10", 1)] {
        fs::create_dir(folder.path().join(class)).unwrap();
        for (i, name) in ["1", "2", "10", "11"].iter().enumerate() {
            let image = fixture(&format!(
                "folders/train/{}/{:05}.png",
                expected.labels[4 * label + i],
                4 * label + i
            ));
            fs::copy(image, folder.path().join(class).join(format!("{name}.png"))).unwrap();
        }
    }
    let images = dataset::load_images(folder.path(), Split::Train).unwrap();
    let labels: Vec<String> = ["2", "10"].into_iter().flat_map(|class| vec![class.to_owned(); 4]).collect();
    holds(&images, 8, &expected.sha256, Some(&labels));
}
