//! Models.

use std::{
    ffi::{CStr, CString, c_char},
    path::Path,
    ptr, slice,
    sync::Arc,
};

use handful::{
    classifier::{Explanation, Model, Voter},
    preprocess::{Framer, Framing},
};
use ndarray::ArrayView2;

use crate::status::{Failure, HandfulStatus, guarded};

/// A trained model. Any number of threads may use it at the same time.
pub struct HandfulModel {
    model: Arc<Model>,
    framer: Framer,
    class_names: Vec<CString>,
}

/// The label of an image, and how sure it is.
#[repr(C)]
pub struct HandfulExplanation {
    /// The number of the class, from 0 on.
    pub label: u32,
    /// The probability of the label, from 0 to 1; 0 for a blank image.
    pub confidence: f64,
    /// Whether the image resembles the training images.
    pub is_digit: bool,
    /// Whether the image is not blank.
    pub has_ink: bool,
}

/// A prototype that voted.
#[repr(C)]
pub struct HandfulNeighbor {
    /// Its number in the model, from 0 on.
    pub prototype: usize,
    /// The number of its class.
    pub label: u32,
    /// The number of the training image nearest to it.
    pub medoid: u32,
    /// The squared distance between the vectors of the image and of the prototype.
    pub distance: u64,
}

impl HandfulModel {
    fn new(model: Model) -> Self {
        // A name with a zero byte could not be read in C.
        let class_names = model.classes().iter().map(|name| name.replace('\0', "\\0"));
        let class_names = class_names.map(|name| CString::new(name).unwrap_or_default()).collect();
        let model = Arc::new(model);
        Self { framer: model.framer(Framing::Auto), model, class_names }
    }

    fn n_pixels(&self) -> usize {
        self.model.image_shape().iter().product()
    }
}

/// Loads a model from a file, which `handful train` writes. `path` is UTF-8 on Windows, and any bytes elsewhere.
///
/// On success, `*model` is a model to be freed with `handful_model_free`; otherwise it is NULL.
///
/// # Safety
/// `path` must be a string that ends with a zero byte, and `model` must be valid for writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn handful_model_load(
    path: *const c_char,
    model: *mut *mut HandfulModel,
) -> HandfulStatus {
    guarded(|| {
        // SAFETY: as the caller promises.
        unsafe { put(model, [ptr::null_mut()], "model") }?;
        if path.is_null() {
            return Err(Failure::argument("path is NULL"));
        }
        // SAFETY: as the caller promises.
        let path = unsafe { CStr::from_ptr(path) };
        let loaded = boxed(Model::load(native(path)?)?);
        // SAFETY: as the caller promises.
        unsafe { put(model, [loaded], "model") }
    })
}

/// Loads a model from the bytes of a file.
///
/// On success, `*model` is a model to be freed with `handful_model_free`; otherwise it is NULL.
///
/// # Safety
/// `bytes` must point to `length` bytes, which are not needed after the call, and `model` must be valid for writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn handful_model_from_bytes(
    bytes: *const u8,
    length: usize,
    model: *mut *mut HandfulModel,
) -> HandfulStatus {
    guarded(|| {
        // SAFETY: as the caller promises.
        unsafe { put(model, [ptr::null_mut()], "model") }?;
        // SAFETY: as the caller promises.
        let bytes = unsafe { input(bytes, Some(length), "bytes") }?;
        let loaded = boxed(Model::from_bytes(bytes)?);
        // SAFETY: as the caller promises.
        unsafe { put(model, [loaded], "model") }
    })
}

/// Frees a model. NULL is allowed.
///
/// # Safety
/// The model must come from this library, and must not be used any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn handful_model_free(model: *mut HandfulModel) {
    if !model.is_null() {
        // SAFETY: it was boxed, and nobody uses it any more.
        drop(unsafe { Box::from_raw(model) });
    }
}

/// Number of rows of pixels of an image; 0 if the model is NULL.
///
/// # Safety
/// The model must come from this library, or be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn handful_model_image_height(model: *const HandfulModel) -> usize {
    // SAFETY: as the caller promises.
    unsafe { model.as_ref() }.map_or(0, |model| model.model.image_shape()[0])
}

/// Number of columns of pixels of an image; 0 if the model is NULL.
///
/// # Safety
/// The model must come from this library, or be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn handful_model_image_width(model: *const HandfulModel) -> usize {
    // SAFETY: as the caller promises.
    unsafe { model.as_ref() }.map_or(0, |model| model.model.image_shape()[1])
}

/// Number of classes; 0 if the model is NULL.
///
/// # Safety
/// The model must come from this library, or be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn handful_model_n_classes(model: *const HandfulModel) -> usize {
    // SAFETY: as the caller promises.
    unsafe { model.as_ref() }.map_or(0, |model| model.class_names.len())
}

/// Number of prototypes that vote; 0 if the model is NULL.
///
/// # Safety
/// The model must come from this library, or be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn handful_model_n_neighbors(model: *const HandfulModel) -> usize {
    // SAFETY: as the caller promises.
    unsafe { model.as_ref() }.map_or(0, |model| model.model.n_neighbors())
}

/// The name of a class, such as "7", as UTF-8; NULL if there is no such class. It is valid until the model is freed.
///
/// # Safety
/// The model must come from this library, or be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn handful_model_class_name(model: *const HandfulModel, label: u32) -> *const c_char {
    // SAFETY: as the caller promises.
    let model = unsafe { model.as_ref() };
    let name = model.and_then(|model| model.class_names.get(label as usize));
    name.map_or(ptr::null(), |name| name.as_ptr())
}

/// Turns a grey picture of any size into an image of the model's size: finds the digit, scales and centres it, and makes
/// ink bright. The image is blank if the picture shows nothing.
///
/// `picture` has `height` rows of `width` bytes, and 255 is white. Writes as many bytes to `image` as an image has pixels.
///
/// # Safety
/// The model must come from this library, and the pointers must be valid for as many bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn handful_model_frame(
    model: *const HandfulModel,
    picture: *const u8,
    height: usize,
    width: usize,
    image: *mut u8,
) -> HandfulStatus {
    guarded(|| {
        // SAFETY: as the caller promises.
        let model = unsafe { checked(model) }?;
        // SAFETY: as the caller promises.
        let pixels = unsafe { input(picture, height.checked_mul(width), "picture") }?;
        if pixels.is_empty() {
            return Err(Failure::argument(format!(
                "expected a picture with pixels, found {height} x {width}"
            )));
        }
        let framed = model
            .framer
            .frame(view(pixels, (height, width)))
            .ok_or_else(|| Failure::argument("expected a picture with pixels"))?;
        // SAFETY: as the caller promises; a framed picture has the size of an image.
        unsafe { put(image, framed, "image") }
    })
}

/// Predicts the labels of `n_images` images, one after the other in memory. An image has bright ink on black, as in MNIST:
/// `handful_model_frame` makes one of a picture. Works on all threads.
///
/// # Safety
/// The model must come from this library. `images` must point to all pixels, and `labels` to `n_images` numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn handful_model_predict(
    model: *const HandfulModel,
    images: *const u8,
    n_images: usize,
    labels: *mut u32,
) -> HandfulStatus {
    guarded(|| {
        // SAFETY: as the caller promises.
        let model = unsafe { checked(model) }?;
        if n_images == 0 {
            return Ok(());
        }
        let n_pixels = model.n_pixels();
        // SAFETY: as the caller promises.
        let images = unsafe { input(images, n_images.checked_mul(n_pixels), "images") }?;
        let found = model.model.predict(view(images, (n_images, n_pixels)))?;
        // SAFETY: as the caller promises.
        unsafe { put(labels, found, "labels") }
    })
}

/// Predicts the label of one image, and tells why.
///
/// Writes `handful_model_n_classes` numbers to `probabilities` and `handful_model_n_neighbors` neighbours to `neighbors`,
/// nearest first. Either may be NULL.
///
/// # Safety
/// The model must come from this library. `image` must point to all pixels of an image, and the other pointers to as many
/// values as are written, or be NULL where that is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn handful_model_explain(
    model: *const HandfulModel,
    image: *const u8,
    explanation: *mut HandfulExplanation,
    probabilities: *mut f64,
    neighbors: *mut HandfulNeighbor,
) -> HandfulStatus {
    guarded(|| {
        // SAFETY: as the caller promises.
        let model = unsafe { checked(model) }?;
        // SAFETY: as the caller promises.
        let image = unsafe { input(image, Some(model.n_pixels()), "image") }?;
        let found = model.model.explain(view(image, (1, model.n_pixels())))?;
        let found = found.into_iter().next().ok_or_else(|| Failure::argument("expected an image"))?;
        let Explanation { label, confidence, is_digit, has_ink, .. } = found;
        // SAFETY: as the caller promises.
        unsafe {
            put(explanation, [HandfulExplanation { label, confidence, is_digit, has_ink }], "explanation")
        }?;
        if !probabilities.is_null() {
            // SAFETY: as the caller promises.
            unsafe { put(probabilities, found.probabilities, "probabilities") }?;
        }
        if !neighbors.is_null() {
            let voters = found.neighbors.into_iter().map(|voter| {
                let Voter { prototype, label, distance, medoid } = voter;
                HandfulNeighbor { prototype, label, medoid, distance }
            });
            // SAFETY: as the caller promises.
            unsafe { put(neighbors, voters, "neighbors") }?;
        }
        Ok(())
    })
}

fn boxed(model: Model) -> *mut HandfulModel {
    Box::into_raw(Box::new(HandfulModel::new(model)))
}

fn view(values: &[u8], shape: (usize, usize)) -> ArrayView2<'_, u8> {
    ArrayView2::from_shape(shape, values).expect("as many values as the shape says")
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere, a path may be invalid")]
fn native(path: &CStr) -> Result<&Path, Failure> {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
    Ok(Path::new(OsStr::from_bytes(path.to_bytes())))
}

#[cfg(not(unix))]
fn native(path: &CStr) -> Result<&Path, Failure> {
    path.to_str().map(Path::new).map_err(|_| Failure::argument("path is not UTF-8"))
}

/// # Safety
/// The model must come from this library, or be NULL.
unsafe fn checked<'a>(model: *const HandfulModel) -> Result<&'a HandfulModel, Failure> {
    // SAFETY: as the caller promises.
    unsafe { model.as_ref() }.ok_or_else(|| Failure::argument("model is NULL"))
}

/// # Safety
/// `values` must point to `n` values, or be NULL.
unsafe fn input<'a, T>(values: *const T, n: Option<usize>, name: &str) -> Result<&'a [T], Failure> {
    if values.is_null() {
        return Err(Failure::argument(format!("{name} is NULL")));
    }
    let n = n.filter(|n| n.checked_mul(size_of::<T>()).is_some_and(|bytes| isize::try_from(bytes).is_ok()));
    let n = n.ok_or_else(|| Failure::argument(format!("{name} is larger than memory")))?;
    // SAFETY: as the caller promises; it is not larger than a slice can be.
    Ok(unsafe { slice::from_raw_parts(values, n) })
}

/// Writes values one after the other, to memory that may not be initialised.
///
/// # Safety
/// `to` must be valid for writing as many values, or be NULL.
unsafe fn put<T>(to: *mut T, values: impl IntoIterator<Item = T>, name: &str) -> Result<(), Failure> {
    if to.is_null() {
        return Err(Failure::argument(format!("{name} is NULL")));
    }
    for (i, value) in values.into_iter().enumerate() {
        // SAFETY: as the caller promises.
        unsafe { to.add(i).write(value) };
    }
    Ok(())
}
