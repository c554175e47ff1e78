//! What a call returns, and the message of the last error.

use std::{
    cell::RefCell,
    ffi::{CString, c_char},
    panic::{AssertUnwindSafe, catch_unwind},
    ptr,
};

use handful::{classifier, model_file};

/// What became of a call.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandfulStatus {
    /// It succeeded.
    HandfulOk = 0,
    /// An argument is invalid.
    HandfulInvalidArgument = 1,
    /// A file cannot be read.
    HandfulIo = 2,
    /// A file is not a model, is damaged, or was saved by a version that this one cannot read.
    HandfulInvalidModel = 3,
    /// An error in handful. Please report it.
    HandfulInternal = 4,
}

/// A status that is not success, and a sentence about it.
pub(crate) struct Failure(HandfulStatus, String);

impl Failure {
    pub(crate) fn argument(message: impl Into<String>) -> Self {
        Self(HandfulStatus::HandfulInvalidArgument, message.into())
    }
}

impl From<model_file::Error> for Failure {
    fn from(error: model_file::Error) -> Self {
        match &error {
            model_file::Error::Io { source, .. } => {
                Self(HandfulStatus::HandfulIo, format!("{error}: {source}"))
            }
            _ => Self(HandfulStatus::HandfulInvalidModel, error.to_string()),
        }
    }
}

impl From<classifier::Error> for Failure {
    fn from(error: classifier::Error) -> Self {
        Self::argument(error.to_string())
    }
}

thread_local! {
    static LAST: RefCell<CString> = RefCell::default();
}

/// What went wrong in the last call of this thread that failed, as UTF-8; empty if none has. It is valid until the next
/// call of this thread.
#[unsafe(no_mangle)]
pub extern "C" fn handful_last_error() -> *const c_char {
    // A thread that ends has no message any more.
    LAST.try_with(|last| last.borrow().as_ptr()).unwrap_or(ptr::null())
}

/// Runs the body of a function, and keeps the message of what fails.
pub(crate) fn guarded(body: impl FnOnce() -> Result<(), Failure>) -> HandfulStatus {
    let internal = "an error in handful: please report it, with the message on stderr";
    let found = catch_unwind(AssertUnwindSafe(body))
        .unwrap_or_else(|_| Err(Failure(HandfulStatus::HandfulInternal, internal.to_owned())));
    let Err(Failure(status, message)) = found else { return HandfulStatus::HandfulOk };
    let message = CString::new(message.replace('\0', "\\0")).unwrap_or_default();
    let _ = LAST.try_with(|last| *last.borrow_mut() = message);
    status
}
