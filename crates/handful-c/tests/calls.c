/* Calls every function, with arguments that it takes and with some that it refuses. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handful.h"

#define CHECK(what)                                                                                                    \
    if (!(what)) {                                                                                                     \
        fprintf(stderr, "line %d: expected %s; last error: %s\n", __LINE__, #what, handful_last_error());              \
        exit(EXIT_FAILURE);                                                                                            \
    }

static uint8_t *read_all(const char *path, size_t *length) {
    FILE *file = fopen(path, "rb");
    CHECK(file != NULL && fseek(file, 0, SEEK_END) == 0);
    *length = (size_t)ftell(file);
    rewind(file);
    uint8_t *bytes = malloc(*length);
    CHECK(bytes != NULL && fread(bytes, 1, *length, file) == *length);
    fclose(file);
    return bytes;
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    CHECK(strcmp(handful_version(), "0.1.0") == 0);
    CHECK(strcmp(handful_last_error(), "") == 0);
    CHECK(handful_set_threads(0) == HANDFUL_INVALID_ARGUMENT);
    CHECK(handful_set_threads(SIZE_MAX) == HANDFUL_INVALID_ARGUMENT);
    CHECK(handful_set_threads(1) == HANDFUL_OK);
    CHECK(handful_set_threads(2) == HANDFUL_INVALID_ARGUMENT);
    CHECK(strstr(handful_last_error(), "cannot be set") != NULL);

    /* A damaged model is refused. */
    size_t length;
    uint8_t *bytes = read_all(argv[1], &length);
    HandfulModel *model = NULL;
    bytes[length / 2] ^= 1;
    CHECK(handful_model_from_bytes(bytes, length, &model) == HANDFUL_INVALID_MODEL && model == NULL);
    CHECK(strstr(handful_last_error(), "damaged") != NULL);
    bytes[length / 2] ^= 1;
    CHECK(handful_model_from_bytes(bytes, length / 2, &model) == HANDFUL_INVALID_MODEL && model == NULL);
    CHECK(handful_model_from_bytes(NULL, length, &model) == HANDFUL_INVALID_ARGUMENT);
    CHECK(handful_model_from_bytes(bytes, length, NULL) == HANDFUL_INVALID_ARGUMENT);
    CHECK(handful_model_from_bytes(bytes, length, &model) == HANDFUL_OK && model != NULL);
    free(bytes);

    CHECK(handful_model_image_height(model) == 28 && handful_model_image_width(model) == 28);
    CHECK(handful_model_n_classes(model) == 10 && handful_model_n_neighbors(model) == 5);
    CHECK(strcmp(handful_model_class_name(model, 9), "9") == 0 && handful_model_class_name(model, 10) == NULL);
    CHECK(handful_model_image_height(NULL) == 0 && handful_model_image_width(NULL) == 0);
    CHECK(handful_model_n_classes(NULL) == 0 && handful_model_n_neighbors(NULL) == 0);
    CHECK(handful_model_class_name(NULL, 0) == NULL);

    /* A ring, which is a zero, and nothing at all. */
    uint8_t picture[100 * 80], images[2][28 * 28];
    for (int y = 0; y < 100; y++)
        for (int x = 0; x < 80; x++) {
            int square = (y - 50) * (y - 50) * 4 / 9 + (x - 40) * (x - 40);
            picture[y * 80 + x] = square > 14 * 14 && square < 20 * 20 ? 20 : 230;
        }
    CHECK(handful_model_frame(model, picture, 100, 80, images[0]) == HANDFUL_OK);
    memset(picture, 230, sizeof picture);
    CHECK(handful_model_frame(model, picture, 100, 80, images[1]) == HANDFUL_OK);
    CHECK(handful_model_frame(NULL, picture, 100, 80, images[1]) == HANDFUL_INVALID_ARGUMENT);
    CHECK(handful_model_frame(model, NULL, 100, 80, images[1]) == HANDFUL_INVALID_ARGUMENT);
    CHECK(handful_model_frame(model, picture, 0, 80, images[1]) == HANDFUL_INVALID_ARGUMENT);
    CHECK(handful_model_frame(model, picture, SIZE_MAX, 80, images[1]) == HANDFUL_INVALID_ARGUMENT);
    CHECK(handful_model_frame(model, picture, 100, 80, NULL) == HANDFUL_INVALID_ARGUMENT);

    uint32_t labels[2] = {99, 99};
    CHECK(handful_model_predict(model, images[0], 2, labels) == HANDFUL_OK && labels[0] == 0 && labels[1] < 10);
    CHECK(handful_model_predict(model, NULL, 0, NULL) == HANDFUL_OK);
    CHECK(handful_model_predict(model, images[0], SIZE_MAX, labels) == HANDFUL_INVALID_ARGUMENT);
    CHECK(handful_model_predict(model, images[0], 2, NULL) == HANDFUL_INVALID_ARGUMENT);
    CHECK(handful_model_predict(NULL, images[0], 2, labels) == HANDFUL_INVALID_ARGUMENT);

    HandfulExplanation why;
    HandfulNeighbor neighbors[5];
    double probabilities[10], sum = 0;
    CHECK(handful_model_explain(model, images[0], &why, probabilities, neighbors) == HANDFUL_OK);
    CHECK(why.label == 0 && why.has_ink && why.confidence > 0.5 && why.confidence == probabilities[0]);
    for (int i = 0; i < 10; i++)
        sum += probabilities[i];
    CHECK(sum > 0.999 && sum < 1.001);
    for (int i = 1; i < 5; i++)
        CHECK(neighbors[i - 1].distance <= neighbors[i].distance && neighbors[i].label < 10);
    CHECK(handful_model_explain(model, images[1], &why, NULL, NULL) == HANDFUL_OK && !why.has_ink && !why.is_digit);
    CHECK(handful_model_explain(model, images[1], NULL, NULL, NULL) == HANDFUL_INVALID_ARGUMENT);
    CHECK(strcmp(handful_last_error(), "explanation is NULL") == 0);

    handful_model_free(model);
    handful_model_free(NULL);
    CHECK(handful_model_load("no such file", &model) == HANDFUL_IO && model == NULL);
    CHECK(handful_model_load(NULL, &model) == HANDFUL_INVALID_ARGUMENT);
    CHECK(handful_model_load(argv[1], &model) == HANDFUL_OK);
    handful_model_free(model);
    return EXIT_SUCCESS;
}
