//! Data sets in files: which files are meant, their formats, and the ways to read them.

mod find;
mod formats;
mod framed;
mod input;
mod kept;
mod known;
mod load;
mod locate;
mod on_disk;
mod options;
mod polarity;
mod reader;
#[cfg(feature = "parquet")]
mod row_groups;
mod source;
#[cfg(feature = "images")]
mod stream;
mod values;

pub use {
    load::{TrainTest, load, load_train, load_with},
    locate::locate,
    options::{Invert, LabelColumn, ReadOptions},
    reader::{Images, Reader},
};

// Only the command and the Python package need these.
#[cfg(feature = "images")]
#[doc(hidden)]
pub use formats::{
    decode::{decode_picture, picture_size},
    picture_stream::PictureStream,
    pictures::{decode_pages, read_picture, read_picture_file},
};
#[cfg(feature = "parquet")]
#[doc(hidden)]
pub use row_groups::RowGroups;
#[cfg(feature = "images")]
#[doc(hidden)]
pub use stream::Stream;
#[doc(hidden)]
pub use {
    kept::keep_stream,
    known::KnownReader,
    load::{Parts, load_any, load_images, load_images_with, load_known, load_matrix, load_split},
    locate::user_folder,
    on_disk::OnDisk,
    options::{Note, Notes},
};
