/* Where models and ONNX Runtime are looked for. In: a name. Out: candidate paths in order of
 * preference.
 *
 * A build tree is recognised by the build.ninja in one of the folders above the file this code was
 * loaded from, so that a program in the build tree uses the build's models and an installed one
 * those beside it, wherever both were moved to, and neither carries the other's path. */
#include <dlfcn.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "model/model_private.h"

#ifndef MODEL_DATA_FOLDER
#define MODEL_DATA_FOLDER "/usr/local/share/affect"
#endif
#ifndef MODEL_LIB_FOLDER
#define MODEL_LIB_FOLDER "/usr/local/lib/affect"
#endif

#define ORT_IN_NPM "node_modules/com.github.asus4.onnxruntime/Plugins/Linux/x64/libonnxruntime.so"

typedef struct search {
    base_text *tried;
    model_visit *visit;
    void *user;
} search;

AFFECT_PRINTF(2, 3) static bool attempt(search *s, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    char path[PATH_MAX];
    int n = vsnprintf(path, sizeof path, format, arguments);
    va_end(arguments);
    if (n < 0 || n >= (int)sizeof path) return false;
    if (s->tried) base_text_printf(s->tried, "%s%s", s->tried->length ? ", " : "", path);
    return s->visit(s->user, path);
}

/* Folder of the executable or shared library that holds this code, without trailing slash. */
static bool own_folder(char out[PATH_MAX]) {
    Dl_info info;
    if (!dladdr((const void *)(uintptr_t)&own_folder, &info) || !info.dli_fname) return false;
    if (!realpath(info.dli_fname, out) && !realpath("/proc/self/exe", out)) return false;
    char *slash = strrchr(out, '/');
    if (!slash || slash == out) return false;
    *slash = '\0';
    return true;
}

/* The build tree this code runs in: the nearest folder upward with a build.ninja. */
static bool build_folder(char out[PATH_MAX]) {
    if (!own_folder(out)) return false;
    for (int level = 0; level < 5; level++) {
        char marker[PATH_MAX + 16];
        snprintf(marker, sizeof marker, "%s/build.ninja", out);
        if (base_file_exists(marker)) return true;
        char *slash = strrchr(out, '/');
        if (!slash || slash == out) return false;
        *slash = '\0';
    }
    return false;
}

bool model_locate(affect_context *ctx, const char *name, base_text *tried, model_visit *visit,
                  void *user) {
    search s = {tried, visit, user};
    const char *chosen = base_models_folder(ctx), *environment = getenv("AFFECT_MODELS");
    if (chosen && attempt(&s, "%s/%s", chosen, name)) return true;
    if (environment && *environment && attempt(&s, "%s/%s", environment, name)) return true;
    char folder[PATH_MAX];
    if (build_folder(folder)) {
        if (attempt(&s, "%s/models/%s", folder, name)) return true;
        if (attempt(&s, "%s/../build/models/%s", folder, name)) return true; /* build-asan/ … */
        if (attempt(&s, "%s/../models/%s", folder, name)) return true;       /* committed weights */
    }
    if (own_folder(folder) && attempt(&s, "%s/../share/affect/models/%s", folder, name))
        return true;
    return attempt(&s, "%s/models/%s", MODEL_DATA_FOLDER, name);
}

bool model_find_library(const char *variable, const char *file, const char *npm, base_text *tried,
                        bool (*visit)(void *user, const char *path), void *user) {
    search s = {tried, visit, user};
    const char *environment = getenv(variable);
    /* A user who names a library means that one: no silent fall-back to another. */
    if (environment && *environment) return attempt(&s, "%s", environment);
    char folder[PATH_MAX];
    if (build_folder(folder)) {
        if (attempt(&s, "%s/lib/%s", folder, file)) return true;
        if (attempt(&s, "%s/%s", folder, file)) return true; /* what this build made */
        if (attempt(&s, "%s/../build/lib/%s", folder, file)) return true;
        if (npm && attempt(&s, "%s/../%s", folder, npm)) return true;
    }
    if (own_folder(folder)) {
        if (attempt(&s, "%s/affect/%s", folder, file)) return true;
        if (attempt(&s, "%s/../lib/affect/%s", folder, file)) return true;
    }
    if (attempt(&s, "%s/%s", MODEL_LIB_FOLDER, file)) return true;
    return attempt(&s, "%s", file);
}

typedef struct opener {
    void *library;
    char *why; /* 256 bytes */
} opener;

static bool try_library(void *user, const char *path) {
    opener *o = user;
    if (strchr(path, '/') && !base_file_exists(path)) return false;
    o->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!o->library) {
        const char *why = dlerror();
        if (strchr(path, '/')) snprintf(o->why, 256, "; %s", why ? why : "");
    }
    return o->library != NULL;
}

void *model_open_library(const char *variable, const char *file, const char *npm, base_text *tried,
                         char why[256]) {
    opener o = {.why = why};
    *why = '\0';
    model_find_library(variable, file, npm, tried, try_library, &o);
    return o.library;
}

affect_status model_fail_shim(affect_context *ctx, const model_shim *shim) {
    return base_fail(ctx, AFFECT_ERROR_RUNTIME, "%s is of another version: run \"%s\"", shim->file,
                     shim->target);
}

affect_status model_open_shim(affect_context *ctx, const model_shim *shim, void *entry) {
    char why[256];
    base_text tried = {0};
    void *library = model_open_library(shim->variable, shim->file, NULL, &tried, why);
    affect_status status = AFFECT_OK;
    if (!library)
        status =
            base_fail(ctx, AFFECT_ERROR_RUNTIME,
                      "%s was not found (%s)%s: run \"%s\", or name %s in %s", shim->program,
                      tried.data ? tried.data : "", why, shim->target, shim->file, shim->variable);
    base_text_destroy(&tried);
    if (status) return status;
    void *symbol = dlsym(library, shim->entry);
    if (!symbol) return model_fail_shim(ctx, shim);
    memcpy(entry, &symbol, sizeof symbol); /* a function pointer from an object pointer: POSIX */
    return AFFECT_OK;
}

bool model_find_runtime(base_text *tried, model_visit *visit, void *user) {
    search s = {tried, visit, user};
    if (model_find_library("AFFECT_ORT", "libonnxruntime.so", ORT_IN_NPM, tried, visit, user))
        return true;
    const char *environment = getenv("AFFECT_ORT");
    if (environment && *environment) return false;
    return attempt(&s, "libonnxruntime.so.1");
}
