/* tfjs2onnx: turns a TF.js graph model (model.json and its weight shards) into an ONNX file.
 * In: the JSON file's path. Out: the bytes of an ONNX model (IR 7, opset 13).
 *
 * The graph keeps its NHWC interface: inputs and outputs have the shapes TF.js shows. Inside, 4-D
 * tensors are NCHW, as ONNX's convolutions want them; a Transpose stands only where a tensor enters
 * or leaves that world. Inputs and outputs are named by the keys of the model's signature without
 * ":0", outputs in the signature's order. Weights quantised to uint8, uint16 or float16 come out as
 * float32 with the values TF.js computes with. */
#ifndef TFJS2ONNX_H
#define TFJS2ONNX_H

#include <jansson.h>

#include "base/base.h"

enum { TFJS_MAX_RANK = 6 };

typedef struct tfjs_tensor {
    const char *name;
    size_t rank, count;
    int64_t dims[TFJS_MAX_RANK];
    float *f;   /* count values, or NULL where the tensor holds whole numbers */
    int64_t *i; /* count values, or NULL */
} tfjs_tensor;

typedef struct tfjs_node {
    const char *name, *op;
    const json_t *attributes;
    size_t input_count;
    const char **inputs; /* node names, without ":0" */
} tfjs_node;

typedef struct tfjs_port {
    const char *name; /* as the outside calls it */
    const char *node; /* the node that it is */
} tfjs_port;

typedef struct tfjs_model {
    base_arena arena; /* owns everything but root */
    json_t *root;
    size_t tensor_count, node_count, input_count, output_count;
    tfjs_tensor *tensors;
    tfjs_node *nodes;
    tfjs_port *inputs, *outputs;
} tfjs_model;

/* Reads model.json and the shards beside it. Errors: NOT_FOUND, MODEL (what is wrong where),
 * MEMORY. On any status the caller ends with tfjs_model_destroy. */
AFFECT_MUST_USE affect_status tfjs_model_read(affect_context *ctx, const char *path,
                                              tfjs_model *out);
void tfjs_model_destroy(tfjs_model *model);

/* Attributes of a node; absent ones give the fallback, NULL or 0. */
bool tfjs_bool(const tfjs_node *node, const char *name, bool fallback);
/* Fills at most `limit` integers of a list and returns how many the list has. */
size_t tfjs_ints(const tfjs_node *node, const char *name, int64_t *out, size_t limit);
/* The k-th string of a list (k = 0 also takes a plain string), decoded; false if there is none. */
bool tfjs_string(const tfjs_node *node, const char *name, size_t k, char out[32]);

/* The ONNX file of a model: new memory (base_free). Errors: MODEL (an operation or a form of it
 * that the converter does not know, by name), MEMORY. */
AFFECT_MUST_USE affect_status tfjs_to_onnx(affect_context *ctx, tfjs_model *model,
                                           const char *graph_name, uint8_t **out, size_t *length);

/* Both, from file to file. */
AFFECT_MUST_USE affect_status tfjs_convert_file(affect_context *ctx, const char *json_path,
                                                const char *onnx_path);

#endif
