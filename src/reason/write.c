/* The deterministic explanation as files, for `affect analyze --explain`. */
#include <string.h>

#include "reason/reason.h"

static const char *const names[] = {"explanation.json", "explanation.txt"};
typedef affect_status (*form_of)(affect_context *ctx, affect_explanation *e, const char **text);
static const form_of forms[] = {affect_explanation_json, affect_explanation_text};

static affect_status explain(affect_context *ctx, const affect_timeline *timeline,
                             affect_explanation **out) {
    affect_reasoner *reasoner = NULL;
    affect_status status = affect_reasoner_create(ctx, NULL, &reasoner);
    if (status == AFFECT_OK) status = affect_explain(reasoner, timeline, NULL, 0, out);
    affect_reasoner_destroy(reasoner);
    return status;
}

affect_status reason_check_folder(affect_context *ctx, const char *folder, bool force) {
    for (size_t i = 0; i < BASE_COUNT(names) && !force; i++) {
        char *path = base_path_join(folder, names[i]);
        if (!path) return base_fail_memory(ctx);
        bool there = base_file_exists(path);
        affect_status status =
            there ? base_fail(ctx, AFFECT_ERROR_EXISTS, "%s exists; --force overwrites it", path)
                  : AFFECT_OK;
        base_free(path);
        if (there) return status;
    }
    return AFFECT_OK;
}

affect_status reason_write(affect_context *ctx, const affect_timeline *timeline, const char *folder,
                           bool force) {
    affect_explanation *e = NULL;
    affect_status status = reason_check_folder(ctx, folder, force);
    if (status == AFFECT_OK) status = explain(ctx, timeline, &e);
    for (size_t i = 0; i < BASE_COUNT(names) && status == AFFECT_OK; i++) {
        const char *text;
        char *path = base_path_join(folder, names[i]);
        status = path ? forms[i](ctx, e, &text) : base_fail_memory(ctx);
        if (status == AFFECT_OK) status = base_write_file(ctx, path, text, strlen(text));
        base_free(path);
    }
    affect_explanation_destroy(e);
    return status;
}

affect_status reason_put_text(affect_context *ctx, const affect_timeline *timeline,
                              base_text *out) {
    affect_explanation *e = NULL;
    const char *text;
    affect_status status = explain(ctx, timeline, &e);
    if (status == AFFECT_OK) status = affect_explanation_text(ctx, e, &text);
    if (status == AFFECT_OK) base_text_append(out, text);
    affect_explanation_destroy(e);
    return status;
}
