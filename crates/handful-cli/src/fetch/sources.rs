//! The data sets that can be fetched, where they are, and their checksums.

use clap::ValueEnum;

/// The known data sets.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Name {
    /// Handwritten digits
    Mnist,
    /// Pictures of clothes
    FashionMnist,
    /// Cursive Japanese characters
    Kmnist,
    /// MNIST, reconstructed, with 60,000 test images
    Qmnist,
    /// Digits from envelopes, 16 x 16 pixels
    Usps,
    /// Handwritten letters and digits (a download of half a gigabyte, and half a gigabyte more when unpacked)
    Emnist,
}

/// The source of a data set.
pub(super) struct Source {
    /// Folders, tried in order.
    pub(super) mirrors: &'static [&'static str],
    pub(super) files: &'static [RemoteFile],
    /// Whether the files are ZIP archives whose members are the data set.
    pub(super) packed: bool,
}

/// A file that every mirror has.
pub(super) struct RemoteFile {
    pub(super) name: &'static str,
    /// The right checksums: one for each known way in which the same content is compressed.
    pub(super) md5: &'static [&'static str],
}

impl RemoteFile {
    pub(super) fn is_right(&self, md5: &str) -> bool {
        self.md5.contains(&md5)
    }
}

impl Name {
    pub(super) fn source(self) -> Source {
        match self {
            Self::Mnist => Source {
                mirrors: &[
                    "https://ossci-datasets.s3.amazonaws.com/mnist/",
                    "https://storage.googleapis.com/cvdf-datasets/mnist/",
                ],
                files: MNIST,
                packed: false,
            },
            Self::FashionMnist => Source {
                mirrors: &[
                    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
                    // The authors' own server. It can also be reached through proxies that allow only https.
                    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
                ],
                files: FASHION_MNIST,
                packed: false,
            },
            Self::Kmnist => Source {
                mirrors: &[
                    "http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
                    "https://codh.rois.ac.jp/kmnist/dataset/kmnist/",
                ],
                files: KMNIST,
                packed: false,
            },
            Self::Qmnist => Source {
                mirrors: &["https://raw.githubusercontent.com/facebookresearch/qmnist/master/"],
                files: QMNIST,
                packed: false,
            },
            Self::Usps => Source {
                mirrors: &["https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass/"],
                files: USPS,
                packed: false,
            },
            Self::Emnist => Source {
                mirrors: &[
                    "https://www.itl.nist.gov/iaui/vip/cs_links/EMNIST/",
                    "https://biometrics.nist.gov/cs_links/EMNIST/",
                ],
                files: EMNIST,
                packed: true,
            },
        }
    }
}

/// The first checksums are those of the mirrors, the second those of this project's `data/mnist`, so that a clone counts
/// as fetched and can be a mirror.
const MNIST: &[RemoteFile] = &[
    RemoteFile {
        name: "train-images-idx3-ubyte.gz",
        md5: &["f68b3c2dcbeaaa9fbdd348bbdeb94873", "c7dfcf1bfd3481a40f7b3aedbdbd083c"],
    },
    RemoteFile {
        name: "train-labels-idx1-ubyte.gz",
        md5: &["d53e105ee54ea40749a09fcbcd1e9432", "d289298a347a2cc65765a3c81043ba88"],
    },
    RemoteFile {
        name: "t10k-images-idx3-ubyte.gz",
        md5: &["9fb629c4189551a2d022fa330f9573f3", "ecff87aa27c74fbc2c1f97e89c19221d"],
    },
    RemoteFile {
        name: "t10k-labels-idx1-ubyte.gz",
        md5: &["ec29112dd5afa0611ce80d1b7f02629c", "a38049bc042dc6e683842a84160daae1"],
    },
];

const FASHION_MNIST: &[RemoteFile] = &[
    RemoteFile { name: "train-images-idx3-ubyte.gz", md5: &["8d4fb7e6c68d591d4c3dfef9ec88bf0d"] },
    RemoteFile { name: "train-labels-idx1-ubyte.gz", md5: &["25c81989df183df01b3e8a0aad5dffbe"] },
    RemoteFile { name: "t10k-images-idx3-ubyte.gz", md5: &["bef4ecab320f06d8554ea6380940ec79"] },
    RemoteFile { name: "t10k-labels-idx1-ubyte.gz", md5: &["bb300cfdad3c16e7a12a480ee83cd310"] },
];

const KMNIST: &[RemoteFile] = &[
    RemoteFile { name: "train-images-idx3-ubyte.gz", md5: &["bdb82020997e1d708af4cf47b453dcf7"] },
    RemoteFile { name: "train-labels-idx1-ubyte.gz", md5: &["e144d726b3acfaa3e44228e80efcd344"] },
    RemoteFile { name: "t10k-images-idx3-ubyte.gz", md5: &["5c965bf0a639b31b8f53240b1b52f4d7"] },
    RemoteFile { name: "t10k-labels-idx1-ubyte.gz", md5: &["7320c461ea6c1c855c0b718fb2a4b134"] },
];

const QMNIST: &[RemoteFile] = &[
    RemoteFile { name: "qmnist-train-images-idx3-ubyte.gz", md5: &["ed72d4157d28c017586c42bc6afe6370"] },
    RemoteFile { name: "qmnist-train-labels-idx2-int.gz", md5: &["0058f8dd561b90ffdd0f734c6a30e5e4"] },
    RemoteFile { name: "qmnist-test-images-idx3-ubyte.gz", md5: &["1394631089c404de565df7b7aeaf9412"] },
    RemoteFile { name: "qmnist-test-labels-idx2-int.gz", md5: &["5b5b05890a5e13444e108efe57b788aa"] },
];

const USPS: &[RemoteFile] = &[
    RemoteFile { name: "usps.bz2", md5: &["ec16c51db3855ca6c91edd34d0e9b197"] },
    RemoteFile { name: "usps.t.bz2", md5: &["8ea070ee2aca1ac39742fdd1ef5ed118"] },
];

const EMNIST: &[RemoteFile] = &[RemoteFile { name: "gzip.zip", md5: &["58c8d27c78d21e728a6bc7b3cc06412e"] }];
