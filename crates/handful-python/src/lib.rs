//! What `handful` for Python has in Rust: searches, clusterings and models on NumPy's arrays, without the interpreter's
//! lock.

use pyo3::prelude::*;

/// The module `handful._core`.
#[pymodule(gil_used = false)]
mod _core {
    use pyo3::prelude::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
