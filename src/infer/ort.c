/* The back end for ONNX models, on ONNX Runtime's C API. The library is opened (runtime.c) when a model is loaded.
 *
 * Threads sleep when idle (no spinning: on small machines two spinning threads cost more than they
 * give), and one thread is the default. */
#include <string.h>
#include <sys/stat.h>

#include "infer/infer_private.h"

#ifdef INFER_HAVE_ORT

enum {
    VERIFY_LIMIT = 32 << 20, /* files up to this many bytes are checked at each load */
};

typedef struct session {
    infer_model *of;
    const model_card *card; /* of it */
    infer_runtime ort;
    const OrtApi *api; /* of ort */
    OrtSession *session;
    OrtMemoryInfo *memory;
    OrtValue **values; /* outputs of the last run */
} session;

/* Turns an OrtStatus into ours and releases it. */
static affect_status check(affect_context *ctx, const session *model, OrtStatus *result,
                           affect_status code, const char *what) {
    if (!result) return AFFECT_OK;
    char text[400];
    snprintf(text, sizeof text, "%s", model->api->GetErrorMessage(result));
    for (char *c = text; *c; c++)
        if (*c == '\n' || *c == '\r') *c = ' '; /* errors are one line */
    model->api->ReleaseStatus(result);
    return base_fail(ctx, code, "model %s: %s: %s", model->card->name, what, text);
}

/* ---- describing inputs and outputs ---- */

static bool type_from_ort(ONNXTensorElementDataType type, infer_type *out) {
    switch (type) {
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT: *out = INFER_F32; return true;
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64: *out = INFER_I64; return true;
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8: *out = INFER_U8; return true;
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL: *out = INFER_BOOL; return true;
    default: return false;
    }
}

static ONNXTensorElementDataType type_to_ort(infer_type type) {
    switch (type) {
    case INFER_F32: return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
    case INFER_I64: return ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64;
    case INFER_U8: return ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8;
    case INFER_BOOL: return ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL;
    }
    return ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
}

static affect_status describe_port(affect_context *ctx, session *model, bool is_input, size_t i,
                                   infer_port *out) {
    const OrtApi *api = model->api;
    OrtAllocator *allocator = NULL;
    OrtTypeInfo *info = NULL;
    char *name = NULL;
    affect_status status = check(ctx, model, api->GetAllocatorWithDefaultOptions(&allocator),
                                 AFFECT_ERROR_RUNTIME, "no allocator");
    if (!status)
        status = check(ctx, model,
                       is_input ? api->SessionGetInputName(model->session, i, allocator, &name)
                                : api->SessionGetOutputName(model->session, i, allocator, &name),
                       AFFECT_ERROR_MODEL, "cannot be described");
    if (!status) {
        out->name = base_strdup(name);
        if (!out->name) status = base_fail_memory(ctx);
        OrtStatus *ignored = api->AllocatorFree(allocator, name);
        if (ignored) api->ReleaseStatus(ignored);
    }
    if (!status)
        status = check(ctx, model,
                       is_input ? api->SessionGetInputTypeInfo(model->session, i, &info)
                                : api->SessionGetOutputTypeInfo(model->session, i, &info),
                       AFFECT_ERROR_MODEL, "cannot be described");
    const OrtTensorTypeAndShapeInfo *tensor = NULL;
    if (!status)
        status = check(ctx, model, api->CastTypeInfoToTensorInfo(info, &tensor), AFFECT_ERROR_MODEL,
                       "cannot be described");
    if (!status && tensor) {
        ONNXTensorElementDataType type;
        status = check(ctx, model, api->GetTensorElementType(tensor, &type), AFFECT_ERROR_MODEL,
                       "cannot be described");
        if (!status) out->known_type = type_from_ort(type, &out->type);
        if (!status)
            status = check(ctx, model, api->GetDimensionsCount(tensor, &out->rank),
                           AFFECT_ERROR_MODEL, "cannot be described");
        if (!status && out->rank > INFER_MAX_RANK) out->known_type = false;
        if (!status && out->known_type)
            status = check(ctx, model, api->GetDimensions(tensor, out->shape, out->rank),
                           AFFECT_ERROR_MODEL, "cannot be described");
        for (size_t d = 0; d < BASE_MIN(out->rank, (size_t)INFER_MAX_RANK); d++)
            if (out->shape[d] < 0) out->shape[d] = -1;
    }
    if (info) api->ReleaseTypeInfo(info);
    return status;
}

static affect_status describe(affect_context *ctx, session *model) {
    const OrtApi *api = model->api;
    affect_status status =
        check(ctx, model, api->SessionGetInputCount(model->session, &model->of->input_count),
              AFFECT_ERROR_MODEL, "cannot be described");
    if (!status)
        status =
            check(ctx, model, api->SessionGetOutputCount(model->session, &model->of->output_count),
                  AFFECT_ERROR_MODEL, "cannot be described");
    if (status) return status;
    if (model->of->input_count > INFER_MAX_PORTS || model->of->output_count > INFER_MAX_PORTS)
        return base_fail(ctx, AFFECT_ERROR_MODEL, "model %s: more than %d inputs or outputs",
                         model->card->name, INFER_MAX_PORTS);
    model->of->inputs = base_calloc(model->of->input_count, sizeof *model->of->inputs);
    model->of->outputs = base_calloc(model->of->output_count, sizeof *model->of->outputs);
    model->values = base_calloc(model->of->output_count, sizeof(OrtValue *));
    if (!model->of->inputs || !model->of->outputs || !model->values) return base_fail_memory(ctx);
    for (size_t i = 0; !status && i < model->of->input_count; i++) {
        status = describe_port(ctx, model, true, i, &model->of->inputs[i]);
        if (!status && !model->of->inputs[i].known_type)
            status = base_fail(ctx, AFFECT_ERROR_MODEL,
                               "model %s: input %s is no tensor of float32, int64, uint8 or bool "
                               "with at most %d dimensions",
                               model->card->name, model->of->inputs[i].name, INFER_MAX_RANK);
    }
    for (size_t i = 0; !status && i < model->of->output_count; i++)
        status = describe_port(ctx, model, false, i, &model->of->outputs[i]);
    return status;
}

/* ---- loading ---- */

static affect_status open_session(affect_context *ctx, session *model, int threads) {
    const OrtApi *api = model->api;
    OrtSessionOptions *options = NULL;
    char *path = model_card_path(model->card, model->card->files[0].name);
    affect_status status = path ? AFFECT_OK : base_fail_memory(ctx);
    if (!status)
        status =
            check(ctx, model, api->CreateSessionOptions(&options), AFFECT_ERROR_RUNTIME, "options");
    if (!status) {
        OrtStatus *settings[] = {
            api->SetIntraOpNumThreads(options, threads),
            api->SetInterOpNumThreads(options, 1),
            api->SetSessionExecutionMode(options, ORT_SEQUENTIAL),
            api->SetSessionGraphOptimizationLevel(options, ORT_ENABLE_ALL),
            api->SetSessionLogSeverityLevel(options, ORT_LOGGING_LEVEL_FATAL),
            api->AddSessionConfigEntry(options, "session.intra_op.allow_spinning", "0"),
            api->AddSessionConfigEntry(options, "session.inter_op.allow_spinning", "0"),
        };
        for (size_t i = 0; i < BASE_COUNT(settings); i++) {
            affect_status one =
                check(ctx, model, settings[i], AFFECT_ERROR_RUNTIME, "an option is refused");
            if (!status) status = one;
        }
    }
    if (!status) {
        status =
            check(ctx, model, api->CreateSession(model->ort.env, path, options, &model->session),
                  AFFECT_ERROR_MODEL, "the weights cannot be loaded");
        /* A wrong sum explains more than the parser's complaint. */
        if (status) {
            char text[600];
            snprintf(text, sizeof text, "%s", affect_context_message(ctx));
            affect_status damaged = model_card_verify_file(ctx, model->card, 0);
            if (!damaged) status = base_fail(ctx, status, "%s", text);
        }
    }
    if (!status)
        status =
            check(ctx, model,
                  api->CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &model->memory),
                  AFFECT_ERROR_RUNTIME, "memory");
    if (options) api->ReleaseSessionOptions(options);
    base_free(path);
    return status;
}

static affect_status verify_small_files(affect_context *ctx, const model_card *card) {
    affect_status status = AFFECT_OK;
    for (size_t i = 0; !status && i < card->file_count; i++) {
        char *path = model_card_path(card, card->files[i].name);
        struct stat about;
        /* What is no regular file at all is refused there too. */
        bool small = path && (stat(path, &about) != 0 || !S_ISREG(about.st_mode) ||
                              about.st_size <= VERIFY_LIMIT);
        if (!path)
            status = base_fail_memory(ctx);
        else if (small)
            status = model_card_verify_file(ctx, card, i);
        base_free(path);
    }
    return status;
}

static void release_values(session *model) {
    for (size_t i = 0; model->values && i < model->of->output_count; i++) {
        if (model->values[i]) model->api->ReleaseValue(model->values[i]);
        model->values[i] = NULL;
    }
}

/* ---- running ---- */

static size_t type_size(infer_type type) {
    return type == INFER_F32 ? sizeof(float) : type == INFER_I64 ? sizeof(int64_t) : 1;
}

static affect_status make_input(affect_context *ctx, session *model, const infer_tensor *in,
                                const infer_port *port, OrtValue **value) {
    size_t bytes = type_size(in->type);
    for (size_t d = 0; d < in->rank; d++)
        if (__builtin_mul_overflow(bytes, (size_t)in->shape[d], &bytes))
            return base_fail(ctx, AFFECT_ERROR_SHAPE, "model %s: input %s is too large",
                             model->card->name, port->name);
    return check(ctx, model,
                 model->api->CreateTensorWithDataAsOrtValue(model->memory, in->data, bytes,
                                                            in->shape, in->rank,
                                                            type_to_ort(in->type), value),
                 AFFECT_ERROR_RUNTIME, "an input is refused");
}

static affect_status read_output(affect_context *ctx, session *model, OrtValue *value,
                                 infer_tensor *out) {
    const OrtApi *api = model->api;
    OrtTensorTypeAndShapeInfo *info = NULL;
    ONNXTensorElementDataType type = ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
    affect_status status = check(ctx, model, api->GetTensorTypeAndShape(value, &info),
                                 AFFECT_ERROR_RUNTIME, "an output is no tensor");
    if (!status)
        status = check(ctx, model, api->GetTensorElementType(info, &type), AFFECT_ERROR_RUNTIME,
                       "an output cannot be read");
    if (!status)
        status = check(ctx, model, api->GetDimensionsCount(info, &out->rank), AFFECT_ERROR_RUNTIME,
                       "an output cannot be read");
    if (!status && (!type_from_ort(type, &out->type) || out->rank > INFER_MAX_RANK))
        status = base_fail(ctx, AFFECT_ERROR_MODEL,
                           "model %s: an output is of a type or rank that affect does not read",
                           model->card->name);
    if (!status)
        status = check(ctx, model, api->GetDimensions(info, out->shape, out->rank),
                       AFFECT_ERROR_RUNTIME, "an output cannot be read");
    if (!status)
        status = check(ctx, model, api->GetTensorMutableData(value, &out->data),
                       AFFECT_ERROR_RUNTIME, "an output cannot be read");
    if (info) api->ReleaseTensorTypeAndShapeInfo(info);
    return status;
}

static affect_status ort_run(affect_context *ctx, infer_model *of, const infer_tensor *inputs,
                             const infer_port *const *in_ports, size_t input_count,
                             infer_tensor *outputs, const infer_port *const *out_ports,
                             size_t output_count) {
    session *model = of->state;
    const char *in_names[INFER_MAX_PORTS], *out_names[INFER_MAX_PORTS];
    OrtValue *in_values[INFER_MAX_PORTS] = {NULL};
    release_values(model);
    affect_status status = AFFECT_OK;
    for (size_t i = 0; !status && i < input_count; i++) {
        in_names[i] = in_ports[i]->name;
        status = make_input(ctx, model, &inputs[i], in_ports[i], &in_values[i]);
    }
    for (size_t i = 0; i < output_count; i++) out_names[i] = out_ports[i]->name;
    if (!status)
        status = check(ctx, model,
                       model->api->Run(model->session, NULL, in_names,
                                       (const OrtValue *const *)in_values, input_count, out_names,
                                       output_count, model->values),
                       AFFECT_ERROR_RUNTIME, "the run failed");
    for (size_t i = 0; i < input_count; i++)
        if (in_values[i]) model->api->ReleaseValue(in_values[i]);
    for (size_t i = 0; !status && i < output_count; i++)
        status = read_output(ctx, model, model->values[i], &outputs[i]);
    return status;
}

static void ort_close(infer_model *of) {
    session *model = of->state;
    if (!model) return;
    release_values(model);
    if (model->memory) model->api->ReleaseMemoryInfo(model->memory);
    if (model->session) model->api->ReleaseSession(model->session);
    infer_runtime_close(&model->ort);
    base_free(model->values);
    base_free(model);
}

static affect_status ort_open(affect_context *ctx, infer_model *of, int threads) {
    session *model = of->state = base_calloc(1, sizeof *model);
    if (!model) return base_fail_memory(ctx);
    model->of = of;
    model->card = of->card;
    affect_status status = verify_small_files(ctx, of->card);
    if (!status) status = infer_runtime_open(ctx, &model->ort);
    model->api = model->ort.api;
    if (!status) status = open_session(ctx, model, threads);
    if (!status) status = describe(ctx, model);
    return status;
}

#else /* built without ONNX Runtime's header */

static affect_status ort_open(affect_context *ctx, infer_model *model, int threads) {
    (void)model, (void)threads;
    return base_fail(ctx, AFFECT_ERROR_RUNTIME,
                     "this build knows no ONNX Runtime (its header was missing when it was "
                     "configured): run \"make setup\" and build again");
}
static affect_status ort_run(affect_context *ctx, infer_model *model, const infer_tensor *inputs,
                             const infer_port *const *in_ports, size_t input_count,
                             infer_tensor *outputs, const infer_port *const *out_ports,
                             size_t output_count) {
    (void)model, (void)inputs, (void)in_ports, (void)input_count, (void)outputs, (void)out_ports,
        (void)output_count;
    return base_fail(ctx, AFFECT_ERROR_RUNTIME, "this build knows no ONNX Runtime");
}
static void ort_close(infer_model *model) { (void)model; }

#endif

const infer_backend infer_ort = {.open = ort_open, .run = ort_run, .close = ort_close};

#if defined(__SANITIZE_ADDRESS__)
/* ONNX Runtime leaves a few bytes of its own behind at exit (14 B, once a process, 1.29). */
AFFECT_API const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) { return "leak:libonnxruntime.so\n"; }
#endif
