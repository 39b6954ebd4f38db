/* Which reader a kind of data has. */
#include "datasets/datasets_private.h"

affect_status datasets_read(affect_context *ctx, const datasets_request *request,
                            const char *const *paths, size_t count, datasets_visitor *visit,
                            void *user) {
    datasets_reader r = {.ctx = ctx, .request = request, .visit = visit, .user = user};
    affect_status status = AFFECT_OK;
    if (request->kind == DATASETS_FACES && count != 2)
        return base_fail(ctx, AFFECT_ERROR_FORMAT,
                         "expected two files, IMAGES.npz VOTES.csv, not %zu", count);
    r.shares = base_calloc(request->classes + 1, sizeof *r.shares);
    r.values = base_calloc(request->values + 1, sizeof *r.values);
    if (!r.shares || !r.values)
        status = base_fail_memory(ctx);
    else if (request->kind == DATASETS_FACES)
        status = datasets_read_faces(&r, paths[0], paths[1]);
    else if (request->kind == DATASETS_FEATURES)
        status = datasets_read_features(&r, paths, count);
    for (size_t i = 0; !status && i < count; i++)
        if (request->kind == DATASETS_TEXT)
            status = datasets_read_texts(&r, paths[i]);
        else if (request->kind == DATASETS_RECORDING)
            status = datasets_read_recordings(&r, paths[i]);
    base_free(r.shares);
    base_free(r.values);
    return status;
}
