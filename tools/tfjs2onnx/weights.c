/* usage: onnx2safetensors MODEL.onnx OUT.safetensors
 * The float tensors of an ONNX model with 1 to 4 dimensions, under the names and shapes that they have there: for
 * networks that this project runs itself. The graph is left behind. */
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "nn/safetensors.h"
#include "onnx.pb-c.h"

static affect_status add(affect_context *ctx, nn_writer *writer, const Onnx__Tensor *t) {
    if (t->data_type != ONNX__TENSOR__DATA_TYPE__FLOAT || t->n_dims < 1 || t->n_dims > 4)
        return AFFECT_OK;
    nn_shape shape = {.rank = t->n_dims};
    size_t count = 1;
    for (size_t d = 0; d < t->n_dims; d++) {
        if (t->dims[d] < 1 || t->dims[d] > INT32_MAX ||
            count > ((size_t)1 << 28) / (size_t)t->dims[d])
            return base_fail(ctx, AFFECT_ERROR_MODEL, "%s: a size of %lld", t->name ? t->name : "?",
                             (long long)t->dims[d]);
        count *= shape.d[d] = (size_t)t->dims[d];
    }
    if (!t->name || t->raw_data.len != count * sizeof(float))
        return base_fail(ctx, AFFECT_ERROR_MODEL, "%s: %zu bytes of data, expected %zu",
                         t->name ? t->name : "?", t->raw_data.len, count * sizeof(float));
    float *values = base_alloc(count * sizeof *values);
    if (!values) return base_fail_memory(ctx);
    memcpy(values, t->raw_data.data, count * sizeof *values);
    nn_writer_add(writer, t->name, NN_F32, shape, values);
    base_free(values);
    return AFFECT_OK;
}

static affect_status convert(affect_context *ctx, const char *from, const char *to) {
    char *bytes = NULL;
    size_t length = 0;
    Onnx__Model *model = NULL;
    nn_writer *writer = NULL;
    affect_status status = base_read_file(ctx, from, (size_t)1 << 28, &bytes, &length);
    if (status == AFFECT_OK) {
        model = onnx__model__unpack(NULL, length, (const uint8_t *)bytes);
        if (!model || !model->graph)
            status = base_fail(ctx, AFFECT_ERROR_MODEL, "%s: no ONNX model", from);
    }
    if (status == AFFECT_OK) status = nn_writer_create(ctx, to, &writer);
    for (size_t i = 0; status == AFFECT_OK && i < model->graph->n_initializer; i++)
        status = add(ctx, writer, model->graph->initializer[i]);
    if (writer) {
        affect_status written = nn_writer_commit(ctx, writer);
        if (status == AFFECT_OK) status = written;
    }
    if (model) onnx__model__free_unpacked(model, NULL);
    base_free(bytes);
    return status;
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: onnx2safetensors MODEL.onnx OUT.safetensors\n");
        return AFFECT_ERROR_USAGE;
    }
    affect_context *ctx = NULL;
    affect_status status = affect_context_create(&ctx);
    if (status == AFFECT_OK) status = convert(ctx, argv[1], argv[2]);
    if (status != AFFECT_OK) fprintf(stderr, "onnx2safetensors: %s\n", affect_context_message(ctx));
    affect_context_destroy(ctx);
    return (int)status;
}
