//! A small MNIST in a folder of its own, and the command to run there.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use handful::dataset::{self, TrainTest};
use serde_json::Value;

pub(crate) fn handful() -> assert_cmd::Command {
    assert_cmd::Command::new(assert_cmd::cargo::cargo_bin!("handful"))
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

#[track_caller]
pub(crate) fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", stderr(output)))
}

pub(crate) fn mnist() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/mnist")
}

/// A temporary folder to run in, with data in `mnist/`.
pub(crate) struct Subset {
    folder: tempfile::TempDir,
}

impl Subset {
    /// The first images of each part of MNIST.
    pub(crate) fn new(n_train: usize, n_test: usize) -> Self {
        let subset = Self::empty();
        let TrainTest { train, test, .. } = dataset::load(&mnist()).expect("MNIST is in the clone");
        for (name, data, n) in [("train", train, n_train), ("t10k", test, n_test)] {
            let labels: Vec<u8> =
                data.labels()[..n].iter().map(|&label| u8::try_from(label).unwrap()).collect();
            subset.write(name, &data.images().as_slice().unwrap()[..784 * n], [28, 28], &labels);
        }
        subset
    }

    /// Data of any shape, with any labels: each image has the brightness that `labels` say, and is both
    /// trained and tested on.
    pub(crate) fn made(shape: [usize; 2], labels: &[u8]) -> Self {
        let subset = Self::empty();
        let images: Vec<u8> = labels.iter().flat_map(|&label| vec![label; shape[0] * shape[1]]).collect();
        for name in ["train", "t10k"] {
            subset.write(name, &images, shape, labels);
        }
        subset
    }

    pub(crate) fn write(&self, name: &str, images: &[u8], [height, width]: [usize; 2], labels: &[u8]) {
        let idx = |magic: u32, sizes: &[usize], data: &[u8]| -> Vec<u8> {
            let sizes = sizes.iter().map(|&size| u32::try_from(size).unwrap());
            std::iter::once(magic)
                .chain(sizes)
                .flat_map(u32::to_be_bytes)
                .chain(data.iter().copied())
                .collect()
        };
        let n = labels.len();
        let images = idx(0x0803, &[n, height, width], images);
        fs::write(self.path(&format!("mnist/{name}-images-idx3-ubyte")), images).unwrap();
        fs::write(self.path(&format!("mnist/{name}-labels-idx1-ubyte")), idx(0x0801, &[n], labels)).unwrap();
    }

    /// Replaces the images to be tested on by blank ones with these labels.
    pub(crate) fn test_on(&self, labels: &[u8]) {
        for name in ["t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"] {
            let _ = fs::remove_file(self.path(&format!("mnist/{name}")));
        }
        self.write("t10k", &vec![0; labels.len() * 784], [28, 28], labels);
    }

    /// All of MNIST.
    pub(crate) fn whole() -> Self {
        let subset = Self::empty();
        for entry in fs::read_dir(mnist()).expect("MNIST is in the clone") {
            let path = entry.expect("readable").path();
            fs::copy(&path, subset.path("mnist").join(path.file_name().expect("a file")))
                .expect("temporary file");
        }
        subset
    }

    /// All of MNIST to learn from, with the test images of another.
    pub(crate) fn whole_with_test(other: &Self) -> Self {
        let subset = Self::whole();
        for name in ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"] {
            fs::remove_file(subset.path(&format!("mnist/{name}.gz"))).expect("a file");
            fs::copy(other.path(&format!("mnist/{name}")), subset.path(&format!("mnist/{name}")))
                .expect("temporary file");
        }
        subset
    }

    /// No data.
    pub(crate) fn empty() -> Self {
        let folder = tempfile::tempdir().expect("temporary folder");
        fs::create_dir(folder.path().join("mnist")).expect("temporary folder");
        Self { folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Everything in the folder.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let mut files: Vec<_> = fs::read_dir(self.folder.path())
            .expect("readable")
            .map(|entry| entry.expect("readable").path())
            .collect();
        files.sort();
        files
    }

    /// The command, run in the folder, where it finds the data by itself.
    pub(crate) fn handful(&self) -> assert_cmd::Command {
        assert_cmd::Command::from_std(self.command([]))
    }

    pub(crate) fn command<const N: usize>(&self, args: [&str; N]) -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("handful"));
        command.current_dir(self.folder.path()).env("HANDFUL_DATA", "mnist").args(args);
        command
    }
}
