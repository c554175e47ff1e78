#ifndef HANDFUL_H
#define HANDFUL_H

/* Made by cbindgen from crates/handful-c/src. */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

// What became of a call.
typedef enum HandfulStatus {
  // It succeeded.
  HANDFUL_OK = 0,
  // An argument is invalid.
  HANDFUL_INVALID_ARGUMENT = 1,
  // A file cannot be read.
  HANDFUL_IO = 2,
  // A file is not a model, is damaged, or was saved by a version that this one cannot read.
  HANDFUL_INVALID_MODEL = 3,
  // An error in handful. Please report it.
  HANDFUL_INTERNAL = 4,
} HandfulStatus;

// A trained model. Any number of threads may use it at the same time.
typedef struct HandfulModel HandfulModel;

// The label of an image, and how sure it is.
typedef struct HandfulExplanation {
  // The number of the class, from 0 on.
  uint32_t label;
  // The probability of the label, from 0 to 1; 0 for a blank image.
  double confidence;
  // Whether the image resembles the training images.
  bool is_digit;
  // Whether the image is not blank.
  bool has_ink;
} HandfulExplanation;

// A prototype that voted.
typedef struct HandfulNeighbor {
  // Its number in the model, from 0 on.
  size_t prototype;
  // The number of its class.
  uint32_t label;
  // The number of the training image nearest to it.
  uint32_t medoid;
  // The squared distance between the vectors of the image and of the prototype.
  uint64_t distance;
} HandfulNeighbor;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// The version of this library, such as "0.1.0". It is never freed.
const char *handful_version(void);

// Sets the number of threads that all functions share, 1 to 1024. Without it, there are as many as the machine has cores.
// It can be called once, before any other function.
enum HandfulStatus handful_set_threads(size_t n_threads);

// Loads a model from a file, which `handful train` writes. `path` is UTF-8 on Windows, and any bytes elsewhere.
//
// On success, `*model` is a model to be freed with `handful_model_free`; otherwise it is NULL.
//
// # Safety
// `path` must be a string that ends with a zero byte, and `model` must be valid for writing.
enum HandfulStatus handful_model_load(const char *path, struct HandfulModel **model);

// Loads a model from the bytes of a file.
//
// On success, `*model` is a model to be freed with `handful_model_free`; otherwise it is NULL.
//
// # Safety
// `bytes` must point to `length` bytes, which are not needed after the call, and `model` must be valid for writing.
enum HandfulStatus handful_model_from_bytes(const uint8_t *bytes, size_t length, struct HandfulModel **model);

// Frees a model. NULL is allowed.
//
// # Safety
// The model must come from this library, and must not be used any more.
void handful_model_free(struct HandfulModel *model);

// Number of rows of pixels of an image; 0 if the model is NULL.
//
// # Safety
// The model must come from this library, or be NULL.
size_t handful_model_image_height(const struct HandfulModel *model);

// Number of columns of pixels of an image; 0 if the model is NULL.
//
// # Safety
// The model must come from this library, or be NULL.
size_t handful_model_image_width(const struct HandfulModel *model);

// Number of classes; 0 if the model is NULL.
//
// # Safety
// The model must come from this library, or be NULL.
size_t handful_model_n_classes(const struct HandfulModel *model);

// Number of prototypes that vote; 0 if the model is NULL.
//
// # Safety
// The model must come from this library, or be NULL.
size_t handful_model_n_neighbors(const struct HandfulModel *model);

// The name of a class, such as "7", as UTF-8; NULL if there is no such class. It is valid until the model is freed.
//
// # Safety
// The model must come from this library, or be NULL.
const char *handful_model_class_name(const struct HandfulModel *model, uint32_t label);

// Turns a grey picture of any size into an image of the model's size: finds the digit, scales and centres it, and makes
// ink bright. The image is blank if the picture shows nothing.
//
// `picture` has `height` rows of `width` bytes, and 255 is white. Writes as many bytes to `image` as an image has pixels.
//
// # Safety
// The model must come from this library, and the pointers must be valid for as many bytes.
enum HandfulStatus handful_model_frame(const struct HandfulModel *model,
                                       const uint8_t *picture,
                                       size_t height,
                                       size_t width,
                                       uint8_t *image);

// Predicts the labels of `n_images` images, one after the other in memory. An image has bright ink on black, as in MNIST:
// `handful_model_frame` makes one of a picture. Works on all threads.
//
// # Safety
// The model must come from this library. `images` must point to all pixels, and `labels` to `n_images` numbers.
enum HandfulStatus handful_model_predict(const struct HandfulModel *model,
                                         const uint8_t *images,
                                         size_t n_images,
                                         uint32_t *labels);

// Predicts the label of one image, and tells why.
//
// Writes `handful_model_n_classes` numbers to `probabilities` and `handful_model_n_neighbors` neighbours to `neighbors`,
// nearest first. Either may be NULL.
//
// # Safety
// The model must come from this library. `image` must point to all pixels of an image, and the other pointers to as many
// values as are written, or be NULL where that is allowed.
enum HandfulStatus handful_model_explain(const struct HandfulModel *model,
                                         const uint8_t *image,
                                         struct HandfulExplanation *explanation,
                                         double *probabilities,
                                         struct HandfulNeighbor *neighbors);

// What went wrong in the last call of this thread that failed, as UTF-8; empty if none has. It is valid until the next
// call of this thread.
const char *handful_last_error(void);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* HANDFUL_H */
