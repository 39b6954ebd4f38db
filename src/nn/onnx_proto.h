/* ONNX as bytes: the few protobuf messages of onnx.proto that our networks need, written by field
 * number (github.com/onnx/onnx). A graph is filled node by node and written once; what fails is
 * remembered until then. Private to nn/. */
#ifndef NN_ONNX_PROTO_H
#define NN_ONNX_PROTO_H

#include "nn/nn.h"

typedef enum onnx_type { ONNX_FLOAT = 1, ONNX_INT32 = 6, ONNX_INT64 = 7 } onnx_type;

typedef struct onnx_graph {
    const nn_params *params;
    base_text nodes, initializers, inputs, outputs;
    size_t constants; /* names of their own */
    bool missing;     /* a parameter that the network should have */
} onnx_graph;

/* An attribute of a node: whole numbers, one whole number, or a text. */
typedef struct onnx_attribute {
    const char *name;
    int64_t values[4];
    size_t count;     /* 0 = one whole number, values[0] */
    const char *text; /* not NULL: this text instead */
} onnx_attribute;

/* A constant tensor. */
void onnx_constant(onnx_graph *g, const char *name, onnx_type type, const size_t *dims, size_t rank,
                   const void *values, size_t bytes);
/* One float or whole number; returns its name, which lives in `name`. */
const char *onnx_number(onnx_graph *g, double value, char name[32]);
const char *onnx_integers(onnx_graph *g, const int64_t *values, size_t count, char name[32]);
/* A node with one output, named like it. `inputs` ends with NULL; "" leaves an optional one out. */
void onnx_node(onnx_graph *g, const char *type, const char *output, const char *const *inputs,
               const onnx_attribute *attributes, size_t attribute_count);
#define ONNX_IN(...) ((const char *const[]){__VA_ARGS__, NULL})
/* y = type(inputs) without attributes. */
#define ONNX_NODE(g, type, output, ...) onnx_node(g, type, output, ONNX_IN(__VA_ARGS__), NULL, 0)
/* An input or output of the whole graph; dims[i] is a number, or a name where it is free. */
void onnx_port(onnx_graph *g, bool input, const char *name, onnx_type type, const char *const *dims,
               size_t rank);
/* Values and shape of parameter "stem.leaf"; NULL (and g->missing) where it is not there. */
const float *onnx_values(onnx_graph *g, const char *stem, const char *leaf, nn_shape *shape);
/* The parameter as a constant called "stem.leaf". */
void onnx_parameter(onnx_graph *g, const char *stem, const char *leaf);
/* Writes the model (IR version 7, opset 13) and empties the graph. Errors: INTERNAL (a parameter is
 * missing), OUTPUT, MEMORY. */
AFFECT_MUST_USE affect_status onnx_write(affect_context *ctx, onnx_graph *g, const char *path);

#endif
