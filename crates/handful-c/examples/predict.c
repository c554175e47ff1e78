/* Reads a digit from a picture in the format PGM, and says why it is one.
 *
 *     cc examples/predict.c -I include -L ../../target/release -lhandful_c -o predict
 *     ./predict everyday.safetensors digit.pgm
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "handful.h"

/* The grey values of a picture, to be freed; NULL if it is not one. */
static uint8_t *read_pgm(const char *path, size_t *height, size_t *width) {
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return NULL;
    uint8_t *pixels = NULL;
    unsigned columns, rows, most;
    if (fscanf(file, "P5 %u %u %u", &columns, &rows, &most) == 3 && fgetc(file) != EOF && most == 255 &&
        columns > 0 && rows > 0 && columns <= 10000 && rows <= 10000) {
        *height = rows;
        *width = columns;
        pixels = malloc(*height * *width);
        if (pixels != NULL && fread(pixels, *width, *height, file) != *height) {
            free(pixels);
            pixels = NULL;
        }
    }
    fclose(file);
    return pixels;
}

static int fail(void) {
    fprintf(stderr, "%s\n", handful_last_error());
    return EXIT_FAILURE;
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: predict MODEL PICTURE.pgm\n");
        return EXIT_FAILURE;
    }
    HandfulModel *model;
    if (handful_model_load(argv[1], &model) != HANDFUL_OK)
        return fail();

    size_t height, width;
    uint8_t *picture = read_pgm(argv[2], &height, &width);
    if (picture == NULL) {
        fprintf(stderr, "%s: expected a grey picture in the format PGM (P5)\n", argv[2]);
        handful_model_free(model);
        return EXIT_FAILURE;
    }

    int result = EXIT_FAILURE;
    size_t n_neighbors = handful_model_n_neighbors(model);
    uint8_t *image = malloc(handful_model_image_height(model) * handful_model_image_width(model));
    HandfulNeighbor *neighbors = malloc(n_neighbors * sizeof *neighbors);
    uint32_t label;
    HandfulExplanation why;
    if (image == NULL || neighbors == NULL)
        fprintf(stderr, "out of memory\n");
    else if (handful_model_frame(model, picture, height, width, image) != HANDFUL_OK ||
             handful_model_predict(model, image, 1, &label) != HANDFUL_OK ||
             handful_model_explain(model, image, &why, NULL, neighbors) != HANDFUL_OK)
        fail();
    else {
        printf("%s: %.1f %% sure%s\n", handful_model_class_name(model, label), 100 * why.confidence,
               !why.has_ink ? ", the picture is blank" : !why.is_digit ? ", does not look like a digit" : "");
        for (size_t i = 0; i < n_neighbors; i++)
            printf("  a %s at squared distance %" PRIu64 "\n", handful_model_class_name(model, neighbors[i].label),
                   neighbors[i].distance);
        result = EXIT_SUCCESS;
    }
    free(neighbors);
    free(image);
    free(picture);
    handful_model_free(model);
    return result;
}
