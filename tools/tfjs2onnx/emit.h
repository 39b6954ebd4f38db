/* emit: builds an ONNX graph in memory, message by message, and packs it. Everything lives in the
 * builder's arena. After the first failed allocation `failed` is set and calls do nothing, so that
 * the converter checks once. */
#ifndef TFJS2ONNX_EMIT_H
#define TFJS2ONNX_EMIT_H

#include "base/base.h"
#include "onnx.pb-c.h"

typedef struct emit_graph {
    base_arena arena;
    bool failed;
    Onnx__Graph graph;
    size_t node_capacity, initializer_capacity;
} emit_graph;

void emit_init(emit_graph *graph, const char *name);
void emit_destroy(emit_graph *graph);

/* Text in the graph's arena, printf-like; "" when memory ran out. */
AFFECT_PRINTF(2, 3) const char *emit_name(emit_graph *graph, const char *format, ...);

/* A node with its inputs (NULL names are left out) and one output. Attributes are added to it. */
Onnx__Node *emit_node(emit_graph *graph, const char *op, const char *output, const char *a,
                      const char *b, const char *c);
void emit_input(emit_graph *graph, Onnx__Node *node, const char *name); /* one more input */
void emit_int(emit_graph *graph, Onnx__Node *node, const char *name, int64_t value);
void emit_ints(emit_graph *graph, Onnx__Node *node, const char *name, const int64_t *values,
               size_t n);
void emit_text(emit_graph *graph, Onnx__Node *node, const char *name, const char *value);

/* Initializers; dims and values are copied. They return `name`. */
const char *emit_floats(emit_graph *graph, const char *name, const int64_t *dims, size_t rank,
                        const float *values);
const char *emit_whole(emit_graph *graph, const char *name, const int64_t *values, size_t n);

/* A graph input or output; negative dims are free. rank SIZE_MAX: no shape is stated. */
void emit_port(emit_graph *graph, bool output, const char *name, const int64_t *dims, size_t rank);

/* The file's bytes: new memory (base_free). */
AFFECT_MUST_USE affect_status emit_pack(affect_context *ctx, emit_graph *graph, uint8_t **out,
                                        size_t *length);

#endif
