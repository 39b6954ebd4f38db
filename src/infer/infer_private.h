/* infer, private: what a back end is, and opening ONNX Runtime. */
#ifndef INFER_PRIVATE_H
#define INFER_PRIVATE_H

#include "infer/infer.h"

enum { INFER_MAX_PORTS = 64 }; /* inputs, outputs */

typedef struct infer_port {
    char *name;
    infer_type type;
    bool known_type;
    size_t rank;
    int64_t shape[INFER_MAX_RANK]; /* -1 = free */
} infer_port;

/* What runs a model. `open` fills the model's ports and `state`; `run` gets as many inputs as the
 * model has, at most the optional ones less, each with its port and of its shape, and fills the
 * wanted outputs. `side` and `vocabulary` may be NULL. */
typedef struct infer_backend {
    affect_status (*open)(affect_context *ctx, infer_model *model, int threads);
    affect_status (*run)(affect_context *ctx, infer_model *model, const infer_tensor *inputs,
                         const infer_port *const *in_ports, size_t input_count,
                         infer_tensor *outputs, const infer_port *const *out_ports,
                         size_t output_count);
    void (*close)(infer_model *model); /* after a failed `open` too */
    bool (*side)(const infer_model *model, float *mean, float *deviation);
    size_t (*vocabulary)(const infer_model *model);
} infer_backend;

extern const infer_backend infer_ort;     /* ort.c: ONNX */
extern const infer_backend infer_network; /* network.c: the project's own networks */

struct infer_model {
    model_card *card;
    const infer_backend *backend;
    void *state;
    size_t input_count, output_count;
    size_t optional; /* inputs behind input_count that may be left out */
    infer_port *inputs, *outputs;
    affect_context *ctx; /* that may keep it when it is not used any more, */
    char *key;           /* under this name */
};

#ifdef INFER_HAVE_ORT

#include <onnxruntime_c_api.h>

/* An ONNX Runtime library, found as model/ says, with its telemetry off. */
typedef struct infer_runtime {
    void *library; /* of dlopen */
    const OrtApi *api;
    OrtEnv *env;
} infer_runtime;

/* Opens the library and starts an environment that logs nothing and sends nothing. Errors: RUNTIME
 * (with the places looked at), MEMORY. What was opened is in *out even on failure;
 * infer_runtime_close(*out) either way. */
AFFECT_MUST_USE affect_status infer_runtime_open(affect_context *ctx, infer_runtime *out);
void infer_runtime_close(infer_runtime *r);

#endif
#endif
