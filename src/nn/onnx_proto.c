#include "nn/onnx_proto.h"

#include <stdlib.h>
#include <string.h>

static void varint(base_text *out, uint64_t v) {
    do {
        char byte = (char)((v & 127) | (v > 127 ? 128 : 0));
        base_text_append_n(out, &byte, 1);
        v >>= 7;
    } while (v);
}

static void number(base_text *out, unsigned field, uint64_t v) {
    varint(out, field << 3);
    varint(out, v);
}

static void bytes(base_text *out, unsigned field, const void *data, size_t n) {
    varint(out, field << 3 | 2);
    varint(out, n);
    if (n) base_text_append_n(out, data, n);
}

static void text(base_text *out, unsigned field, const char *string) {
    bytes(out, field, string, strlen(string));
}

/* Appends a finished message and clears it for the next. */
static void message(base_text *out, unsigned field, base_text *inner) {
    bytes(out, field, inner->data, inner->length);
    out->failed |= inner->failed;
    base_text_destroy(inner);
}

/* ---- TensorProto ---- */

void nn_onnx_constant(nn_onnx_graph *g, const char *name, nn_onnx_type type, const size_t *dims,
                      size_t rank, const void *values, size_t size) {
    base_text t = {0};
    for (size_t i = 0; i < rank; i++) number(&t, 1, dims[i]);
    number(&t, 2, type);
    text(&t, 8, name);
    bytes(&t, 9, values, size);
    message(&g->initializers, 5, &t);
}

const char *nn_onnx_number(nn_onnx_graph *g, double value, char name[32]) {
    float f = (float)value;
    snprintf(name, 32, "constant%zu", ++g->constants);
    nn_onnx_constant(g, name, ONNX_FLOAT, NULL, 0, &f, sizeof f);
    return name;
}

const char *nn_onnx_integers(nn_onnx_graph *g, const int64_t *values, size_t count, char name[32]) {
    snprintf(name, 32, "constant%zu", ++g->constants);
    nn_onnx_constant(g, name, ONNX_INT64, &count, 1, values, count * sizeof *values);
    return name;
}

const float *nn_onnx_values(nn_onnx_graph *g, const char *stem, const char *leaf, nn_shape *shape) {
    char name[96];
    *shape = (nn_shape){0};
    snprintf(name, sizeof name, "%s.%s", stem, leaf);
    int id = nn_param_find(g->params, name);
    if (id < 0) {
        g->missing = true;
        return NULL;
    }
    *shape = g->params->items[id].shape;
    return nn_param_value(g->params, id);
}

void nn_onnx_parameter(nn_onnx_graph *g, const char *stem, const char *leaf) {
    nn_shape s;
    const float *values = nn_onnx_values(g, stem, leaf, &s);
    if (!values) return;
    char name[96];
    snprintf(name, sizeof name, "%s.%s", stem, leaf);
    nn_onnx_constant(g, name, ONNX_FLOAT, s.d, s.rank, values, nn_shape_count(s) * sizeof *values);
}

/* ---- NodeProto ---- */

void nn_onnx_node(nn_onnx_graph *g, const char *type, const char *output, const char *const *inputs,
                  const nn_onnx_attribute *attributes, size_t attribute_count) {
    enum { AN_INTEGER = 2, A_STRING = 3, INTEGERS = 7 };
    base_text n = {0};
    for (; *inputs; inputs++) text(&n, 1, *inputs);
    text(&n, 2, output);
    text(&n, 3, output);
    text(&n, 4, type);
    for (size_t i = 0; i < attribute_count; i++) {
        const nn_onnx_attribute *a = &attributes[i];
        base_text t = {0};
        text(&t, 1, a->name);
        if (a->text)
            text(&t, 4, a->text);
        else if (a->count == 0)
            number(&t, 3, (uint64_t)a->values[0]);
        for (size_t k = 0; k < a->count; k++) number(&t, 8, (uint64_t)a->values[k]);
        number(&t, 20, a->text ? A_STRING : a->count ? INTEGERS : AN_INTEGER);
        message(&n, 5, &t);
    }
    message(&g->nodes, 1, &n);
}

/* ---- ValueInfoProto, GraphProto, ModelProto ---- */

void nn_onnx_port(nn_onnx_graph *g, bool input, const char *name, nn_onnx_type type,
                  const char *const *dims, size_t rank) {
    base_text shape = {0}, tensor = {0}, kind = {0}, info = {0};
    for (size_t i = 0; i < rank; i++) {
        base_text dim = {0};
        char *end;
        unsigned long size = strtoul(dims[i], &end, 10);
        if (*end)
            text(&dim, 2, dims[i]);
        else
            number(&dim, 1, size);
        message(&shape, 1, &dim);
    }
    number(&tensor, 1, type);
    message(&tensor, 2, &shape);
    message(&kind, 1, &tensor);
    text(&info, 1, name);
    message(&info, 2, &kind);
    message(input ? &g->inputs : &g->outputs, input ? 11 : 12, &info);
}

static void append(base_text *out, base_text *part) {
    if (part->length) base_text_append_n(out, part->data, part->length);
    out->failed |= part->failed;
    base_text_destroy(part);
}

affect_status nn_onnx_file(affect_context *ctx, nn_onnx_graph *g, const char *path) {
    base_text body = {0}, opset = {0}, model = {0};
    append(&body, &g->nodes);
    text(&body, 2, "affect");
    append(&body, &g->initializers);
    append(&body, &g->inputs);
    append(&body, &g->outputs);
    number(&model, 1, 7); /* IR version 7 goes with opset 13 and old run times */
    text(&model, 2, "affect");
    message(&model, 7, &body);
    text(&opset, 1, "");
    number(&opset, 2, 13);
    message(&model, 8, &opset);
    affect_status status;
    if (g->missing)
        status = base_fail(ctx, AFFECT_ERROR_INTERNAL, "%s: the network lacks a parameter", path);
    else if (model.failed)
        status = base_fail_memory(ctx);
    else
        status = base_write_file(ctx, path, model.data, model.length);
    base_text_destroy(&model);
    return status;
}
