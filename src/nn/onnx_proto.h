/* ONNX as bytes: the few protobuf messages of onnx.proto that our networks need, written by field
 * number (github.com/onnx/onnx). A graph is filled node by node and written once; what fails is
 * remembered until then. Private to nn/. */
#ifndef NN_ONNX_PROTO_H
#define NN_ONNX_PROTO_H

#include "nn/nn.h"

typedef enum nn_onnx_type { ONNX_FLOAT = 1, ONNX_INT32 = 6, ONNX_INT64 = 7 } nn_onnx_type;

typedef struct nn_onnx_graph {
    const nn_params *params;
    base_text nodes, initializers, inputs, outputs;
    size_t constants; /* names of their own */
    bool missing;     /* a parameter that the network should have */
} nn_onnx_graph;

/* An attribute of a node: whole numbers, one whole number, or a text. */
typedef struct nn_onnx_attribute {
    const char *name;
    int64_t values[4];
    size_t count;     /* 0 = one whole number, values[0] */
    const char *text; /* not NULL: this text instead */
} nn_onnx_attribute;

/* A constant tensor. */
void nn_onnx_constant(nn_onnx_graph *g, const char *name, nn_onnx_type type, const size_t *dims,
                      size_t rank, const void *values, size_t bytes);
/* One float or whole number; returns its name, which lives in `name`. */
const char *nn_onnx_number(nn_onnx_graph *g, double value, char name[32]);
const char *nn_onnx_integers(nn_onnx_graph *g, const int64_t *values, size_t count, char name[32]);
/* A node with one output, named like it. `inputs` ends with NULL; "" leaves an optional one out. */
void nn_onnx_node(nn_onnx_graph *g, const char *type, const char *output, const char *const *inputs,
                  const nn_onnx_attribute *attributes, size_t attribute_count);
#define ONNX_IN(...) ((const char *const[]){__VA_ARGS__, NULL})
/* y = type(inputs) without attributes. */
#define ONNX_NODE(g, type, output, ...) nn_onnx_node(g, type, output, ONNX_IN(__VA_ARGS__), NULL, 0)
/* An input or output of the whole graph; dims[i] is a number, or a name where it is free. */
void nn_onnx_port(nn_onnx_graph *g, bool input, const char *name, nn_onnx_type type,
                  const char *const *dims, size_t rank);
/* Values and shape of parameter "stem.leaf"; NULL (and g->missing) where it is not there. */
const float *nn_onnx_values(nn_onnx_graph *g, const char *stem, const char *leaf, nn_shape *shape);
/* The parameter as a constant called "stem.leaf". */
void nn_onnx_parameter(nn_onnx_graph *g, const char *stem, const char *leaf);
/* Writes the model (IR version 7, opset 13) and empties the graph. Errors: INTERNAL (a parameter is
 * missing), OUTPUT, MEMORY. */
AFFECT_MUST_USE affect_status nn_onnx_file(affect_context *ctx, nn_onnx_graph *g, const char *path);

#endif
