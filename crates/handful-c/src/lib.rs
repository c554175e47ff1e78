//! A C interface to models: load, predict, explain, free.
//!
//! `include/handful.h` declares it, and `examples/predict.c` shows it. Functions that can fail return a [`HandfulStatus`],
//! and [`handful_last_error`] then says what is wrong. No panic crosses the border: it becomes a status.

// Pointers from C cannot be used without it. Each function says what it needs of them.
#![allow(unsafe_code)]

mod model;
mod status;

pub use model::{
    HandfulExplanation, HandfulModel, HandfulNeighbor, handful_model_class_name, handful_model_explain,
    handful_model_frame, handful_model_free, handful_model_from_bytes, handful_model_image_height,
    handful_model_image_width, handful_model_load, handful_model_n_classes, handful_model_n_neighbors,
    handful_model_predict,
};
pub use status::{HandfulStatus, handful_last_error};

use std::ffi::c_char;

use status::{Failure, guarded};

const MOST_THREADS: usize = 1024;

/// The version of this library, such as "0.1.0". It is never freed.
#[unsafe(no_mangle)]
pub extern "C" fn handful_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// Sets the number of threads that all functions share, 1 to 1024. Without it, there are as many as the machine has cores.
/// It can be called once, before any other function.
#[unsafe(no_mangle)]
pub extern "C" fn handful_set_threads(n_threads: usize) -> HandfulStatus {
    guarded(|| {
        if !(1..=MOST_THREADS).contains(&n_threads) {
            return Err(Failure::argument(format!(
                "expected 1 to {MOST_THREADS} threads, found {n_threads}"
            )));
        }
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads);
        pool.build_global()
            .map_err(|error| Failure::argument(format!("the number of threads cannot be set: {error}")))
    })
}
