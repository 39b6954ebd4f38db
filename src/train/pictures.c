/* What a trained network thinks of one input; pictures first, whose faces are looked for. */
#include <string.h>

#include "data/npy.h"
#include "face/face.h"
#include "media/media.h"
#include "nn/model.h"
#include "train/train.h"

enum { LARGEST = 15000 };   /* pixels a side, as face_image_crop takes */
enum { FACE_ALREADY = 64 }; /* pixels: a picture this small is a face cut out, as data sets have */

static affect_status predict_square(train_predictor *p, const media_frame *f) {
    uint8_t grey[FACE_FOUND_SIDE * FACE_FOUND_SIDE];
    face_middle_square(f, grey);
    return nn_model_face(p->ctx, train_model_network(p->model), grey, p->row);
}

/* Each face of the picture; where there is none, its middle square is taken for one, and said. */
static affect_status predict_frame(train_predictor *p, const char *path, const media_frame *f) {
    const face_found *faces = NULL;
    size_t count = 0;
    bool already = f->width <= FACE_ALREADY && f->height <= FACE_ALREADY;
    affect_status status = AFFECT_OK;
    if (!already && !p->finder) status = face_finder_create(p->ctx, &p->finder);
    if (!already && !status) status = face_finder_run(p->ctx, p->finder, f, &faces, &count);
    if (status == AFFECT_ERROR_MODEL || (status == AFFECT_ERROR_RUNTIME && !p->finder)) {
        base_put_line(stderr,
                      "%s: faces cannot be looked for (%s): its middle square is taken for one",
                      path, affect_context_message(p->ctx));
        status = AFFECT_OK;
    } else if (!status && !already && !count) {
        base_put_line(stderr, "%s: no face was found: its middle square is taken for one", path);
    }
    if (!status && !count) {
        status = predict_square(p, f);
        return status ? status
                      : train_print_answer(p->ctx, p->model, path, NULL, 0, 0, p->row, p->json);
    }
    for (size_t i = 0; !status && i < count; i++) {
        status = nn_model_face(p->ctx, train_model_network(p->model), faces[i].grey, p->row);
        if (!status)
            status = train_print_answer(p->ctx, p->model, path, faces[i].box, i + 1, count, p->row,
                                        p->json);
    }
    return status;
}

/* The first frame of a picture or a video. */
static affect_status predict_picture(train_predictor *p, const char *path) {
    media_options o = media_options_default();
    o.want_audio = false;
    media_reader *reader = NULL;
    affect_status status = media_open(p->ctx, path, &o, &reader);
    media_item item = {.kind = MEDIA_GAP};
    while (status == AFFECT_OK && item.kind != MEDIA_FRAME) {
        status = media_next(reader, &item);
        if (status == AFFECT_OK && item.kind == MEDIA_END)
            status = base_fail(p->ctx, AFFECT_ERROR_NO_STREAM, "%s: holds no picture", path);
    }
    if (status == AFFECT_OK) status = predict_frame(p, path, &item.frame);
    media_close(reader);
    return status;
}

/* Every picture of an npz, one after the other. */
static affect_status predict_pictures(train_predictor *p, const char *path) {
    affect_context *ctx = p->ctx;
    data_npz *npz = NULL;
    data_npy *array = NULL;
    affect_status status = data_npz_open(ctx, path, &npz);
    if (status == AFFECT_OK) status = data_npz_array(ctx, npz, "images", &array);
    if (status == AFFECT_OK &&
        (array->values.type != DATA_U8 || array->values.rank != 3 || array->values.fortran))
        status =
            base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: expected 'images' of uint8 [n, h, w]", path);
    size_t h = 0, w = 0;
    if (status == AFFECT_OK) h = array->values.shape[1], w = array->values.shape[2];
    if (status == AFFECT_OK && (h == 0 || w == 0 || h > LARGEST || w > LARGEST))
        status = base_fail(ctx, AFFECT_ERROR_LIMIT, "%s: pictures of %zu x %zu", path, w, h);
    const size_t pixels = h * w;
    uint8_t *rgb = status == AFFECT_OK ? base_alloc(3 * pixels) : NULL;
    if (status == AFFECT_OK && !rgb) status = base_fail_memory(ctx);
    const media_frame frame = {.width = (int)w, .height = (int)h, .stride = 3 * w, .rgb = rgb};
    for (size_t i = 0; status == AFFECT_OK && i < array->values.shape[0]; i++) {
        if (affect_context_cancelled(ctx)) {
            status = base_fail(ctx, AFFECT_ERROR_CANCELLED, "interrupted");
            break;
        }
        char name[32];
        snprintf(name, sizeof name, "%zu", i);
        const uint8_t *grey = array->values.bytes + i * pixels;
        for (size_t k = 0; k < pixels; k++) memset(rgb + 3 * k, grey[k], 3);
        status = predict_square(p, &frame);
        if (status == AFFECT_OK)
            status = train_print_answer(ctx, p->model, name, NULL, 0, 0, p->row, p->json);
    }
    base_free(rgb);
    data_npy_destroy(array);
    data_npz_destroy(npz);
    return status;
}

affect_status train_predict(train_predictor *p, const char *input) {
    const train_spec *spec = train_model_spec(p->model);
    if (affect_context_cancelled(p->ctx))
        return base_fail(p->ctx, AFFECT_ERROR_CANCELLED, "interrupted");
    if (spec->kind == TRAIN_FACES && base_ends_with(input, ".npz"))
        return predict_pictures(p, input);
    if (spec->kind == TRAIN_FACES) return predict_picture(p, input);
    affect_status status = train_model_predict(p->ctx, p->model, input, p->row);
    return status ? status
                  : train_print_answer(p->ctx, p->model, input, NULL, 0, 0, p->row, p->json);
}

void train_predictor_end(train_predictor *p) {
    face_finder_destroy(p->finder);
    train_model_close(p->model);
}
