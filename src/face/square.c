/* A model that is shown squares of the frame: [1, S, S, 3] in, whatever it says out. */
#include "face/face_private.h"

affect_status face_square_open(affect_context *ctx, const char *model, int largest,
                               face_square *out) {
    *out = (face_square){0};
    affect_status status = infer_model_load(ctx, model, 1, &out->model);
    if (status) return status;
    const infer_tensor in = infer_model_input(out->model, 0);
    const int64_t side = in.rank == 4 ? in.shape[1] : 0;
    if (side < 32 || side > largest || in.shape[2] != side || in.shape[3] != 3 ||
        in.type != INFER_F32)
        return AFFECT_OK; /* size 0: the caller says what it would have been */
    out->input = base_alloc((size_t)side * (size_t)side * 3 * sizeof(float));
    if (!out->input) return base_fail_memory(ctx);
    out->size = (int)side;
    return AFFECT_OK;
}

void face_square_close(face_square *s) {
    infer_model_destroy(s->model);
    base_free(s->input);
}

affect_status face_square_run(affect_context *ctx, face_square *s, const media_frame *frame,
                              const face_roi *roi, float gain, float offset,
                              infer_tensor outputs[FACE_SQUARE_OUTPUTS], size_t *count) {
    face_image_crop(frame, roi, s->size, gain, offset, s->input);
    const infer_tensor input = {
        .type = INFER_F32, .rank = 4, .shape = {1, s->size, s->size, 3}, .data = s->input};
    *count = BASE_MIN(infer_model_output_count(s->model), (size_t)FACE_SQUARE_OUTPUTS);
    for (size_t k = 0; k < *count; k++) outputs[k] = (infer_tensor){0};
    return infer_model_run(ctx, s->model, &input, 1, outputs, *count);
}
