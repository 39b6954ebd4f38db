/* ONNX models on ONNX Runtime's C API. The library is opened when a model is loaded: API structs
 * of ONNX Runtime only grow at their end, so asking GetApi(n) downward from the header's version
 * and using long-standing members only works with the npm package's, the distribution's and a GPU
 * build's library alike.
 *
 * Threads sleep when idle (no spinning: on small machines two spinning threads cost more than they
 * give), and one thread is the default. */
#include <dlfcn.h>
#include <string.h>

#include "infer/internal.h"

#ifdef INFER_HAVE_ORT

#include <onnxruntime_c_api.h>

enum {
    OLDEST_API = 12,         /* every member used below is older */
    VERIFY_LIMIT = 32 << 20, /* files up to this many bytes are checked at each load */
    MAX_PORTS = 64,          /* inputs, outputs */
};

typedef struct port {
    char *name;
    infer_type type;
    bool known_type;
    size_t rank;
    int64_t shape[INFER_MAX_RANK];
} port;

struct infer_model {
    infer_card *card;
    void *library;
    const OrtApi *api;
    OrtEnv *env;
    OrtSession *session;
    OrtMemoryInfo *memory;
    size_t input_count, output_count;
    port *inputs, *outputs;
    OrtValue **values; /* outputs of the last run */
};

/* ---- the library ------------------------------------------------------------------------------
 */

typedef struct runtime_finder {
    void *library;
    const OrtApi *api;
    char text[512]; /* why the most wanted candidate that exists cannot be used */
} runtime_finder;

static bool try_runtime(void *user, const char *path) {
    runtime_finder *f = user;
    bool is_path = strchr(path, '/') != NULL;
    if (is_path && !base_file_exists(path)) return false;
    /* NODELETE: ONNX Runtime does not survive being unloaded while its threads wind down. */
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!library) {
        const char *why = dlerror();
        if (is_path && !f->text[0]) snprintf(f->text, sizeof f->text, "%s", why ? why : path);
        return false;
    }
    const OrtApiBase *(*get_base)(void) = NULL;
    *(void **)&get_base = dlsym(library, "OrtGetApiBase");
    const OrtApiBase *base = get_base ? get_base() : NULL;
    for (uint32_t version = ORT_API_VERSION; base && !f->api && version >= OLDEST_API; version--) {
        /* GetApi prints a complaint for a version it lacks; GetVersionString tells beforehand. */
        const char *text = base->GetVersionString ? base->GetVersionString() : "";
        unsigned major = 0, minor = 0;
        if (sscanf(text, "%u.%u", &major, &minor) == 2 && major == 1 && version > minor) continue;
        f->api = base->GetApi(version);
    }
    if (f->api) {
        f->library = library;
        return true;
    }
    if (!f->text[0])
        snprintf(f->text, sizeof f->text, "%s is no ONNX Runtime of version 1.%d or later", path,
                 OLDEST_API);
    dlclose(library);
    return false;
}

static affect_status open_runtime(affect_context *ctx, infer_model *model) {
    runtime_finder f = {0};
    base_text tried = {0};
    affect_status status = AFFECT_OK;
    if (!locate_runtime(&tried, try_runtime, &f))
        status = base_fail(ctx, AFFECT_ERROR_RUNTIME,
                           "ONNX Runtime was not found or cannot be used (%s%slooked for %s): run "
                           "\"make setup\", or name libonnxruntime.so in AFFECT_ORT",
                           f.text, f.text[0] ? "; " : "", tried.data ? tried.data : "");
    base_text_destroy(&tried);
    model->library = f.library;
    model->api = f.api;
    return status;
}

/* Turns an OrtStatus into ours and releases it. */
static affect_status check(affect_context *ctx, const infer_model *model, OrtStatus *result,
                           affect_status code, const char *what) {
    if (!result) return AFFECT_OK;
    char text[400];
    snprintf(text, sizeof text, "%s", model->api->GetErrorMessage(result));
    for (char *c = text; *c; c++)
        if (*c == '\n' || *c == '\r') *c = ' '; /* errors are one line */
    model->api->ReleaseStatus(result);
    return base_fail(ctx, code, "model %s: %s: %s", model->card->name, what, text);
}

/* ---- describing inputs and outputs ------------------------------------------------------------
 */

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

static size_t type_size(infer_type type) {
    return type == INFER_F32 ? sizeof(float) : type == INFER_I64 ? sizeof(int64_t) : 1;
}

static const char *type_name(infer_type type) {
    static const char *const names[] = {"float32", "int64", "uint8", "bool"};
    return names[type];
}

static affect_status describe_port(affect_context *ctx, infer_model *model, bool is_input, size_t i,
                                   port *out) {
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

static affect_status describe(affect_context *ctx, infer_model *model) {
    const OrtApi *api = model->api;
    affect_status status =
        check(ctx, model, api->SessionGetInputCount(model->session, &model->input_count),
              AFFECT_ERROR_MODEL, "cannot be described");
    if (!status)
        status = check(ctx, model, api->SessionGetOutputCount(model->session, &model->output_count),
                       AFFECT_ERROR_MODEL, "cannot be described");
    if (status) return status;
    if (model->input_count > MAX_PORTS || model->output_count > MAX_PORTS)
        return base_fail(ctx, AFFECT_ERROR_MODEL, "model %s: more than %d inputs or outputs",
                         model->card->name, MAX_PORTS);
    model->inputs = base_calloc(model->input_count, sizeof *model->inputs);
    model->outputs = base_calloc(model->output_count, sizeof *model->outputs);
    model->values = base_calloc(model->output_count, sizeof(OrtValue *));
    if (!model->inputs || !model->outputs || !model->values) return base_fail_memory(ctx);
    for (size_t i = 0; !status && i < model->input_count; i++) {
        status = describe_port(ctx, model, true, i, &model->inputs[i]);
        if (!status && !model->inputs[i].known_type)
            status = base_fail(ctx, AFFECT_ERROR_MODEL,
                               "model %s: input %s is no tensor of float32, int64, uint8 or bool "
                               "with at most %d dimensions",
                               model->card->name, model->inputs[i].name, INFER_MAX_RANK);
    }
    for (size_t i = 0; !status && i < model->output_count; i++)
        status = describe_port(ctx, model, false, i, &model->outputs[i]);
    return status;
}

/* ---- loading ----------------------------------------------------------------------------------
 */

static affect_status open_session(affect_context *ctx, infer_model *model, int threads) {
    const OrtApi *api = model->api;
    OrtSessionOptions *options = NULL;
    char *path = infer_card_path(model->card, model->card->files[0].name);
    affect_status status = path ? AFFECT_OK : base_fail_memory(ctx);
    if (!status)
        status = check(ctx, model, api->CreateEnv(ORT_LOGGING_LEVEL_FATAL, "affect", &model->env),
                       AFFECT_ERROR_RUNTIME, "ONNX Runtime does not start");
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
        status = check(ctx, model, api->CreateSession(model->env, path, options, &model->session),
                       AFFECT_ERROR_MODEL, "the weights cannot be loaded");
        /* A wrong sum explains more than the parser's complaint. */
        if (status) {
            char text[600];
            snprintf(text, sizeof text, "%s", affect_context_message(ctx));
            affect_status damaged = card_verify_file(ctx, model->card, 0);
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

static affect_status verify_small_files(affect_context *ctx, const infer_card *card) {
    affect_status status = AFFECT_OK;
    for (size_t i = 0; !status && i < card->file_count; i++) {
        char *path = infer_card_path(card, card->files[i].name);
        FILE *file = path ? fopen(path, "rb") : NULL;
        bool small = file && fseek(file, 0, SEEK_END) == 0 && ftell(file) <= VERIFY_LIMIT;
        if (file) fclose(file);
        if (!path)
            status = base_fail_memory(ctx);
        else if (small)
            status = card_verify_file(ctx, card, i);
        base_free(path);
    }
    return status;
}

affect_status infer_model_load(affect_context *ctx, const char *name_or_folder, int threads,
                               infer_model **out) {
    *out = NULL;
    infer_model *model = base_calloc(1, sizeof *model);
    if (!model) return base_fail_memory(ctx);
    affect_status status = infer_card_load(ctx, name_or_folder, false, &model->card);
    if (!status) status = verify_small_files(ctx, model->card);
    if (!status) status = open_runtime(ctx, model);
    if (!status) status = open_session(ctx, model, threads < 1 ? 1 : threads);
    if (!status) status = describe(ctx, model);
    if (status) {
        infer_model_destroy(model);
        return status;
    }
    *out = model;
    return AFFECT_OK;
}

static void release_values(infer_model *model) {
    for (size_t i = 0; model->values && i < model->output_count; i++) {
        if (model->values[i]) model->api->ReleaseValue(model->values[i]);
        model->values[i] = NULL;
    }
}

void infer_model_destroy(infer_model *model) {
    if (!model) return;
    release_values(model);
    if (model->memory) model->api->ReleaseMemoryInfo(model->memory);
    if (model->session) model->api->ReleaseSession(model->session);
    if (model->env) model->api->ReleaseEnv(model->env);
    for (size_t i = 0; model->inputs && i < model->input_count; i++)
        base_free(model->inputs[i].name);
    for (size_t i = 0; model->outputs && i < model->output_count; i++)
        base_free(model->outputs[i].name);
    base_free(model->inputs);
    base_free(model->outputs);
    base_free(model->values);
    if (model->library) dlclose(model->library);
    infer_card_destroy(model->card);
    base_free(model);
}

const infer_card *infer_model_card(const infer_model *model) { return model->card; }
size_t infer_model_input_count(const infer_model *model) { return model->input_count; }
size_t infer_model_output_count(const infer_model *model) { return model->output_count; }

static infer_tensor tensor_of(const port *p) {
    infer_tensor tensor = {.name = p->name, .type = p->type, .rank = p->rank};
    memcpy(tensor.shape, p->shape, sizeof tensor.shape);
    return tensor;
}

infer_tensor infer_model_input(const infer_model *model, size_t i) {
    return i < model->input_count ? tensor_of(&model->inputs[i]) : (infer_tensor){0};
}

infer_tensor infer_model_output(const infer_model *model, size_t i) {
    return i < model->output_count ? tensor_of(&model->outputs[i]) : (infer_tensor){0};
}

/* ---- running ----------------------------------------------------------------------------------
 */

static const port *find_port(const port *ports, size_t count, const char *name, size_t position) {
    if (!name) return position < count ? &ports[position] : NULL;
    for (size_t i = 0; i < count; i++)
        if (strcmp(ports[i].name, name) == 0) return &ports[i];
    return NULL;
}

static void shape_text(char out[128], infer_type type, size_t rank, const int64_t *shape) {
    size_t n = (size_t)snprintf(out, 128, "%s[", type_name(type));
    for (size_t d = 0; d < BASE_MIN(rank, (size_t)INFER_MAX_RANK) && n < 128; d++)
        n += (size_t)(shape[d] < 0 ? snprintf(out + n, 128 - n, "%s?", d ? "," : "")
                                   : snprintf(out + n, 128 - n, "%s%lld", d ? "," : "",
                                              (long long)shape[d]));
    if (n < 127) snprintf(out + n, 128 - n, "]");
}

static affect_status check_shape(affect_context *ctx, const infer_model *model, const port *want,
                                 const infer_tensor *have) {
    bool fits = have->type == want->type && have->rank == want->rank && have->data;
    for (size_t d = 0; fits && d < want->rank; d++)
        fits = have->shape[d] >= 0 && (want->shape[d] < 0 || want->shape[d] == have->shape[d]);
    if (fits) return AFFECT_OK;
    char a[128], b[128];
    shape_text(a, want->type, want->rank, want->shape);
    shape_text(b, have->type, have->rank, have->shape);
    return base_fail(ctx, AFFECT_ERROR_SHAPE, "model %s: input %s wants %s and was given %s%s",
                     model->card->name, want->name, a, b, have->data ? "" : " without data");
}

static affect_status make_input(affect_context *ctx, infer_model *model, const infer_tensor *in,
                                size_t position, const char **name, OrtValue **value) {
    const port *p = find_port(model->inputs, model->input_count, in->name, position);
    if (!p)
        return base_fail(ctx, AFFECT_ERROR_SHAPE, "model %s has no input %s", model->card->name,
                         in->name ? in->name : "at that position");
    affect_status status = check_shape(ctx, model, p, in);
    if (status) return status;
    size_t bytes = type_size(in->type);
    for (size_t d = 0; d < in->rank; d++)
        if (__builtin_mul_overflow(bytes, (size_t)in->shape[d], &bytes))
            return base_fail(ctx, AFFECT_ERROR_SHAPE, "model %s: input %s is too large",
                             model->card->name, p->name);
    *name = p->name;
    return check(ctx, model,
                 model->api->CreateTensorWithDataAsOrtValue(model->memory, in->data, bytes,
                                                            in->shape, in->rank,
                                                            type_to_ort(in->type), value),
                 AFFECT_ERROR_RUNTIME, "an input is refused");
}

static affect_status read_output(affect_context *ctx, infer_model *model, OrtValue *value,
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

affect_status infer_model_run(affect_context *ctx, infer_model *model, const infer_tensor *inputs,
                              size_t input_count, infer_tensor *outputs, size_t output_count) {
    const char *in_names[MAX_PORTS], *out_names[MAX_PORTS];
    OrtValue *in_values[MAX_PORTS] = {NULL};
    if (input_count != model->input_count || output_count > model->output_count || !output_count)
        return base_fail(ctx, AFFECT_ERROR_SHAPE,
                         "model %s takes %zu inputs and has %zu outputs; %zu and %zu were given",
                         model->card->name, model->input_count, model->output_count, input_count,
                         output_count);
    release_values(model);
    affect_status status = AFFECT_OK;
    for (size_t i = 0; !status && i < input_count; i++)
        status = make_input(ctx, model, &inputs[i], i, &in_names[i], &in_values[i]);
    for (size_t i = 0; !status && i < output_count; i++) {
        const port *p = find_port(model->outputs, model->output_count, outputs[i].name, i);
        if (!p)
            status = base_fail(ctx, AFFECT_ERROR_SHAPE, "model %s has no output %s",
                               model->card->name, outputs[i].name);
        else
            out_names[i] = outputs[i].name = p->name;
    }
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

#else /* built without ONNX Runtime's header */

struct infer_model {
    infer_card *card;
};

affect_status infer_model_load(affect_context *ctx, const char *name_or_folder, int threads,
                               infer_model **out) {
    (void)name_or_folder;
    (void)threads;
    *out = NULL;
    return base_fail(ctx, AFFECT_ERROR_RUNTIME,
                     "this build knows no ONNX Runtime (its header was missing when it was "
                     "configured): run \"make setup\" and build again");
}
const infer_card *infer_model_card(const infer_model *model) { return model->card; }
size_t infer_model_input_count(const infer_model *model) { return (void)model, 0; }
size_t infer_model_output_count(const infer_model *model) { return (void)model, 0; }
infer_tensor infer_model_input(const infer_model *model, size_t i) {
    return (void)model, (void)i, (infer_tensor){0};
}
infer_tensor infer_model_output(const infer_model *model, size_t i) {
    return (void)model, (void)i, (infer_tensor){0};
}
affect_status infer_model_run(affect_context *ctx, infer_model *model, const infer_tensor *inputs,
                              size_t input_count, infer_tensor *outputs, size_t output_count) {
    (void)model, (void)inputs, (void)input_count, (void)outputs, (void)output_count;
    return base_fail(ctx, AFFECT_ERROR_RUNTIME, "this build knows no ONNX Runtime");
}
void infer_model_destroy(infer_model *model) { (void)model; }

#endif

#if defined(__SANITIZE_ADDRESS__)
/* ONNX Runtime leaves a few bytes of its own behind at exit (14 B, once a process, 1.29). */
AFFECT_API const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) { return "leak:libonnxruntime.so\n"; }
#endif
