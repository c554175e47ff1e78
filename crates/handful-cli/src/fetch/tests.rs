use std::{fs, io::Write, net::TcpListener, thread};

use zip::{ZipWriter, write::SimpleFileOptions};

use super::*;
use super::{sources::RemoteFile, unpack::unpack};
use crate::args::Args;

fn console() -> Console {
    use clap::Parser;
    Console::new(&Args::parse_from(["handful", "fetch", "mnist", "-q"]).global)
}

fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn an_archive_is_unpacked_once_and_data_alone() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = archive(&[
        ("gzip/emnist-digits-train-images-idx3-ubyte.gz", b"images"),
        ("gzip/emnist-digits-mapping.txt", b"0 48"),
        ("../../outside-ubyte.gz", b"stays inside"),
        ("gzip/readme.txt", b"not wanted"),
        ("gzip/..-ubyte.gz/", b""),
    ]);
    fs::write(folder.path().join("gzip.zip"), bytes).unwrap();
    let (_, md5) = part::measure(&folder.path().join("gzip.zip")).unwrap().unwrap();
    let md5: &'static str = md5.leak();
    let files = vec![RemoteFile { name: "gzip.zip", md5: vec![md5].leak() }].leak();
    let source = Source { mirrors: &[], files, packed: true };
    let run = || fetch(&source, vec![], Duration::from_mins(10), folder.path(), &console()).unwrap();

    let statuses = |files: Vec<FileSummary>| files.iter().map(|file| file.status).collect::<Vec<_>>();
    assert!(statuses(run())[1..].iter().all(|&status| status == Status::Unpacked));
    let expected = [
        "emnist-digits-mapping.txt",
        "emnist-digits-train-images-idx3-ubyte.gz",
        "gzip.zip",
        "outside-ubyte.gz",
    ];
    assert_eq!(names(folder.path()), expected);
    let images = folder.path().join(expected[1]);
    assert_eq!(fs::read(&images).unwrap(), b"images");

    assert!(statuses(run()).iter().all(|&status| status == Status::Present));
    fs::write(&images, b"imagEs").unwrap();
    assert_eq!(statuses(run()).iter().filter(|&&status| status == Status::Unpacked).count(), 1);
    assert_eq!(fs::read(&images).unwrap(), b"images");
}

#[test]
fn an_archive_that_is_damaged_or_lies_leaves_nothing() {
    let good = archive(&[("gzip/a-ubyte.gz", &[7; 1000])]);
    let changed = |place: usize, value: u8| {
        let mut bad = good.clone();
        bad[place] = value;
        bad
    };
    let central = good.windows(4).position(|bytes| bytes == b"PK\x01\x02").unwrap();
    for (bad, reason) in [
        (b"<html>".to_vec(), "gzip.zip cannot be unpacked"),
        // The checksum, then the length, as the archive's directory has them.
        (changed(central + 16, good[central + 16] ^ 1), "a-ubyte.gz"),
        (changed(central + 24, 5), "declares"),
        (changed(central + 27, 0x7f), "expected at most"),
        (archive(&[("readme.txt", b"")]), "found none"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gzip.zip");
        fs::write(&path, bad).unwrap();
        let error = unpack(&path, folder.path(), &console()).map(|_| ()).unwrap_err();
        assert!(format!("{error:#}").contains(reason), "{error:#}");
        assert_eq!(names(folder.path()), ["gzip.zip"]);
    }
}

#[test]
fn a_mirror_that_sends_without_end_is_left() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        while stream.write_all(&[0; 1 << 12]).is_ok() {}
    });
    let folder = tempfile::tempdir().unwrap();
    let agent = ureq::Agent::config_builder().proxy(None).build().into();
    let (folder, most, console) = (folder.path(), 1_000_000, &console());
    let downloads = Downloads { agent, mirrors: vec![url], folder, most, console };
    let error = downloads.get(&Name::Mnist.source().files[0]).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("more than 1,000,000 bytes"), "{error}");
    assert!(names(folder).is_empty());
}

#[test]
fn mirrors_are_folders_of_the_web() {
    assert_eq!(mirror("http://127.0.0.1:80").unwrap(), "http://127.0.0.1:80/");
    assert_eq!(mirror("https://example.org/a/").unwrap(), "https://example.org/a/");
    for wrong in ["example.org", "ftp://example.org/", "file:///tmp", "https://example.org/?file=", ""] {
        assert!(mirror(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn every_known_mirror_is_well_formed() {
    use clap::ValueEnum;
    for name in Name::value_variants() {
        let source = name.source();
        assert!(!source.mirrors.is_empty() && !source.files.is_empty());
        assert!(source.mirrors.iter().all(|&known| mirror(known).as_deref() == Ok(known)), "{name:?}");
        for file in source.files {
            let is_md5 =
                |md5: &&str| md5.len() == 32 && md5.bytes().all(|b| b"0123456789abcdef".contains(&b));
            assert!(file.md5.iter().all(is_md5), "{}", file.name);
        }
    }
}
