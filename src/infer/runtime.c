/* Opens ONNX Runtime. API structs of ONNX Runtime only grow at their end, so asking GetApi(n)
 * downward from the header's version and using long-standing members only works with the npm
 * package's, the distribution's and a GPU build's library alike.
 *
 * Its telemetry is off before the library can start it. Builds from 1.29 on carry a client that
 * looks up its maker's collector, connects to it, writes a device id and a database of events under
 * the user's cache folder and a log into the folder of temporary files. DisableTelemetryEvents comes
 * too late: it needs an environment, and making the first one starts the client. The one switch that
 * comes before is ORT_DISABLE_TELEMETRY, which the library asks getenv for while the first
 * environment is made (base/environment.c tells how it gets there). What the host itself says in
 * ORT_DISABLE_TELEMETRY does not count: the promise is this library's. A host that opened the same
 * file of ONNX Runtime before us has decided before us. */
#include <dlfcn.h>
#include <string.h>

#include "infer/infer_private.h"

#ifdef INFER_HAVE_ORT

enum { OLDEST_API = 12 }; /* every member that this room uses is older */

typedef struct finder {
    void *library;
    const OrtApi *api;
    char text[512]; /* why the most wanted candidate that exists cannot be used */
} finder;

static bool try_library(void *user, const char *path) {
    finder *f = user;
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

static affect_status check(affect_context *ctx, const OrtApi *api, OrtStatus *result) {
    if (!result) return AFFECT_OK;
    affect_status status = base_fail(ctx, AFFECT_ERROR_RUNTIME, "ONNX Runtime does not start: %s",
                                     api->GetErrorMessage(result));
    api->ReleaseStatus(result);
    return status;
}

affect_status infer_runtime_open(affect_context *ctx, infer_runtime *out) {
    *out = (infer_runtime){0};
    finder f = {0};
    base_text tried = {0};
    base_environment *off = base_environment_begin("ORT_DISABLE_TELEMETRY=1");
    if (!off) return base_fail_memory(ctx);
    bool found = model_find_runtime(&tried, try_library, &f);
    OrtStatus *result =
        found ? f.api->CreateEnv(ORT_LOGGING_LEVEL_FATAL, "affect", &out->env) : NULL;
    base_environment_end(off);
    affect_status status = AFFECT_OK;
    if (!found)
        status = base_fail(ctx, AFFECT_ERROR_RUNTIME,
                           "ONNX Runtime was not found or cannot be used (%s%slooked for %s): run "
                           "\"make setup\", or name libonnxruntime.so in AFFECT_ORT",
                           f.text, f.text[0] ? "; " : "", tried.data ? tried.data : "");
    base_text_destroy(&tried);
    out->library = f.library;
    out->api = f.api;
    if (!status) status = check(ctx, f.api, result);
    /* For a build whose switch is this call alone. */
    if (!status) status = check(ctx, f.api, f.api->DisableTelemetryEvents(out->env));
    return status;
}

void infer_runtime_close(infer_runtime *r) {
    if (r->env) r->api->ReleaseEnv(r->env);
    if (r->library) dlclose(r->library);
    *r = (infer_runtime){0};
}

#endif
