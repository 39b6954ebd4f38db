/* card.json: what a model is. In: a model folder. Out: a checked model_card. The format is
 * documented in docs/model-card.md; fields that only one task knows ("input", "temperature", ...)
 * are left in `json` for that task. */
#include <errno.h>
#include <jansson.h>
#include <nettle/sha2.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/model_private.h"

static const char *kind_name(const json_t *value) {
    switch (json_typeof(value)) {
    case JSON_OBJECT: return "an object";
    case JSON_ARRAY: return "an array";
    case JSON_STRING: return "a string";
    case JSON_INTEGER:
    case JSON_REAL: return "a number";
    case JSON_TRUE:
    case JSON_FALSE: return "true or false";
    case JSON_NULL: break;
    }
    return "null";
}

/* Copies a string field. Absent: an error if `required`, else "". */
static affect_status read_string(affect_context *ctx, const char *where, const json_t *object,
                                 const char *field, bool required, char **out) {
    const json_t *value = json_object_get(object, field);
    if (!value && required)
        return base_fail(ctx, AFFECT_ERROR_MODEL, "%s: the field \"%s\" is missing", where, field);
    if (value && !json_is_string(value))
        return base_fail(ctx, AFFECT_ERROR_MODEL, "%s: \"%s\" is %s, expected a string", where,
                         field, kind_name(value));
    const char *text = value ? json_string_value(value) : "";
    if (required && !*text)
        return base_fail(ctx, AFFECT_ERROR_MODEL, "%s: the field \"%s\" is empty", where, field);
    *out = base_strdup(text);
    return *out ? AFFECT_OK : base_fail_memory(ctx);
}

static affect_status read_labels(affect_context *ctx, const char *where, const json_t *root,
                                 model_card *card) {
    const json_t *labels = json_object_get(root, "labels");
    if (!labels) return AFFECT_OK;
    if (!json_is_array(labels) || json_array_size(labels) > CARD_MAX_ITEMS)
        return base_fail(ctx, AFFECT_ERROR_MODEL,
                         "%s: \"labels\" must be an array of at most %d strings", where,
                         CARD_MAX_ITEMS);
    size_t count = json_array_size(labels);
    card->labels = base_calloc(count, sizeof *card->labels);
    if (!card->labels) return base_fail_memory(ctx);
    for (size_t i = 0; i < count; i++) {
        const json_t *label = json_array_get(labels, i);
        if (!json_is_string(label) || !*json_string_value(label))
            return base_fail(ctx, AFFECT_ERROR_MODEL, "%s: \"labels\"[%zu] is not a name", where,
                             i);
        card->labels[i] = base_strdup(json_string_value(label));
        if (!card->labels[i]) return base_fail_memory(ctx);
        card->label_count = i + 1;
    }
    return AFFECT_OK;
}

/* A card may come from anywhere: its files stay inside its folder. */
static bool safe_name(const char *name) {
    if (!*name || *name == '/' || strlen(name) > 255 || strchr(name, '\\')) return false;
    for (const char *part = name;;) {
        size_t n = strcspn(part, "/");
        if (n == 0 || (n == 1 && part[0] == '.') || (n == 2 && part[0] == '.' && part[1] == '.'))
            return false;
        if (!part[n]) return true;
        part += n + 1;
    }
}

static bool is_sha256(const char *text) {
    return strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64;
}

static affect_status read_files(affect_context *ctx, const char *where, const json_t *root,
                                model_card *card) {
    const json_t *files = json_object_get(root, "files");
    if (!json_is_array(files) || json_array_size(files) < 1 ||
        json_array_size(files) > CARD_MAX_ITEMS)
        return base_fail(ctx, AFFECT_ERROR_MODEL,
                         "%s: \"files\" must be an array of at least one {\"name\", \"sha256\"}",
                         where);
    size_t count = json_array_size(files);
    card->files = base_calloc(count, sizeof *card->files);
    if (!card->files) return base_fail_memory(ctx);
    for (size_t i = 0; i < count; i++) {
        const json_t *file = json_array_get(files, i);
        if (!json_is_object(file))
            return base_fail(ctx, AFFECT_ERROR_MODEL, "%s: \"files\"[%zu] is %s", where, i,
                             kind_name(file));
        card->file_count = i + 1;
        affect_status status = read_string(ctx, where, file, "name", true, &card->files[i].name);
        if (!status) status = read_string(ctx, where, file, "sha256", true, &card->files[i].sha256);
        if (status) return status;
        if (!safe_name(card->files[i].name))
            return base_fail(ctx, AFFECT_ERROR_MODEL,
                             "%s: \"files\"[%zu] must be a name inside the model folder", where, i);
        if (!is_sha256(card->files[i].sha256))
            return base_fail(ctx, AFFECT_ERROR_MODEL,
                             "%s: the \"sha256\" of %s must be 64 lower-case hex digits", where,
                             card->files[i].name);
    }
    return AFFECT_OK;
}

affect_status model_card_parse(affect_context *ctx, const char *text, size_t length,
                               const char *where, const char *folder, model_card **out) {
    *out = NULL;
    if (length > CARD_LIMIT)
        return base_fail(ctx, AFFECT_ERROR_MODEL, "%s: longer than %d bytes", where, CARD_LIMIT);
    json_error_t error;
    json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    if (!root)
        return base_fail(ctx, AFFECT_ERROR_MODEL, "%s:%d: not valid JSON: %s", where, error.line,
                         error.text);
    affect_status status = AFFECT_OK;
    model_card *card = base_calloc(1, sizeof *card);
    if (!card) {
        json_decref(root);
        return base_fail_memory(ctx);
    }
    if (!json_is_object(root))
        status = base_fail(ctx, AFFECT_ERROR_MODEL, "%s: the card is %s, expected an object", where,
                           kind_name(root));
    const struct {
        const char *field;
        bool required;
        char **out;
    } strings[] = {{"name", true, &card->name},
                   {"version", true, &card->version},
                   {"task", true, &card->task},
                   {"licence", true, &card->licence},
                   {"training_data", true, &card->training_data},
                   {"source", false, &card->source}};
    for (size_t i = 0; !status && i < BASE_COUNT(strings); i++)
        status =
            read_string(ctx, where, root, strings[i].field, strings[i].required, strings[i].out);
    if (!status) {
        const json_t *commercial = json_object_get(root, "commercial");
        if (!json_is_boolean(commercial))
            status = base_fail(ctx, AFFECT_ERROR_MODEL,
                               "%s: the field \"commercial\" must be true or false", where);
        else
            card->commercial = json_is_true(commercial);
    }
    if (!status) status = read_labels(ctx, where, root, card);
    if (!status) status = read_files(ctx, where, root, card);
    if (!status) {
        card->folder = base_strdup(folder);
        card->json = base_strndup(text, length);
        if (!card->folder || !card->json) status = base_fail_memory(ctx);
    }
    json_decref(root);
    if (status) {
        model_card_destroy(card);
        return status;
    }
    *out = card;
    return AFFECT_OK;
}

void model_card_destroy(model_card *card) {
    if (!card) return;
    for (size_t i = 0; i < card->label_count; i++) base_free(card->labels[i]);
    for (size_t i = 0; i < card->file_count; i++) {
        base_free(card->files[i].name);
        base_free(card->files[i].sha256);
    }
    base_free(card->labels);
    base_free(card->files);
    base_free(card->name);
    base_free(card->version);
    base_free(card->task);
    base_free(card->licence);
    base_free(card->training_data);
    base_free(card->source);
    base_free(card->folder);
    base_free(card->json);
    base_free(card);
}

char *model_card_path(const model_card *card, const char *file) {
    return base_path_join(card->folder, file);
}

affect_status model_card_text(affect_context *ctx, const char *name_or_folder, bool verify,
                              char **path, char **text, size_t *length) {
    model_card *card = NULL;
    *path = *text = NULL;
    affect_status status = model_card_load(ctx, name_or_folder, verify, &card);
    if (status) return status;
    *path = model_card_path(card, card->files[0].name);
    status =
        *path ? base_read_file(ctx, *path, (size_t)1 << 20, text, length) : base_fail_memory(ctx);
    model_card_destroy(card);
    if (status) {
        base_free(*path);
        *path = NULL;
    }
    return status;
}

affect_status model_card_verify_file(affect_context *ctx, const model_card *card, size_t i) {
    affect_status status = AFFECT_OK;
    char *path = model_card_path(card, card->files[i].name);
    int file = path ? base_open_regular(path) : -1;
    enum { CHUNK = 1 << 16 };
    uint8_t *chunk = base_alloc(CHUNK);
    if (!path || !chunk) {
        status = base_fail_memory(ctx);
        goto cleanup;
    }
    if (file < 0) {
        status =
            base_fail(ctx, AFFECT_ERROR_MODEL, "model %s: cannot read %s (%s): run \"make setup\"",
                      card->name, path, errno == EINVAL ? "not a regular file" : strerror(errno));
        goto cleanup;
    }
    struct sha256_ctx sum;
    sha256_init(&sum);
    ssize_t n;
    while ((n = read(file, chunk, CHUNK)) != 0) {
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 || (ctx && affect_context_cancelled(ctx))) break;
        sha256_update(&sum, (size_t)n, chunk);
    }
    if (n) {
        status = n < 0
                     ? base_fail(ctx, AFFECT_ERROR_MODEL, "model %s: %s: %s", card->name, path,
                                 strerror(errno))
                     : base_fail(ctx, AFFECT_ERROR_CANCELLED, "model %s: interrupted", card->name);
        goto cleanup;
    }
    uint8_t digest[SHA256_DIGEST_SIZE];
    sha256_digest(&sum, sizeof digest, digest);
    char hex[2 * SHA256_DIGEST_SIZE + 1];
    for (size_t k = 0; k < sizeof digest; k++) snprintf(hex + 2 * k, 3, "%02x", digest[k]);
    if (strcmp(hex, card->files[i].sha256) != 0)
        status = base_fail(ctx, AFFECT_ERROR_MODEL,
                           "model %s: %s is damaged or not the file the card describes (sha-256 "
                           "%.12s…, card says %.12s…): delete it and run \"make setup\" again",
                           card->name, path, hex, card->files[i].sha256);
cleanup:
    if (file >= 0) close(file);
    base_free(chunk);
    base_free(path);
    return status;
}

/* ---- finding a card ---- */

typedef struct finder {
    affect_context *ctx;
    affect_status status; /* of the first card that was there but could not be used */
    char text[512];       /* its message */
    model_card *card;
} finder;

static affect_status load_folder(affect_context *ctx, const char *folder, model_card **out) {
    *out = NULL;
    char *path = base_path_join(folder, "card.json"), *text = NULL;
    if (!path) return base_fail_memory(ctx);
    size_t length = 0;
    affect_status status = base_read_file(ctx, path, CARD_LIMIT, &text, &length);
    if (!status) status = model_card_parse(ctx, text, length, path, folder, out);
    for (size_t i = 0; !status && i < (*out)->file_count; i++) {
        char *file = model_card_path(*out, (*out)->files[i].name);
        if (!file)
            status = base_fail_memory(ctx);
        else if (!base_file_exists(file))
            status = base_fail(ctx, AFFECT_ERROR_MODEL,
                               "model %s: %s is missing: run \"make setup\"", (*out)->name, file);
        base_free(file);
    }
    if (status) {
        model_card_destroy(*out);
        *out = NULL;
    }
    base_free(text);
    base_free(path);
    return status;
}

static bool is_within(const char *path, const char *folder) {
    size_t n = folder ? strlen(folder) : 0;
    return n && strncmp(path, folder, n) == 0 && path[n] == '/';
}

static bool users_folder(affect_context *ctx, const char *folder) {
    return is_within(folder, base_models_folder(ctx)) || is_within(folder, getenv("AFFECT_MODELS"));
}

static bool try_folder(void *user, const char *folder) {
    finder *f = user;
    char card[4200];
    if (snprintf(card, sizeof card, "%s/card.json", folder) >= (int)sizeof card ||
        !base_file_exists(card))
        return false;
    affect_status status = load_folder(f->ctx, folder, &f->card);
    if (!status) return true;
    if (!f->status) {
        f->status = status;
        snprintf(f->text, sizeof f->text, "%s", affect_context_message(f->ctx));
    }
    /* Another model does not stand in for a broken one in a folder that the user named. */
    return status == AFFECT_ERROR_MEMORY || users_folder(f->ctx, folder);
}

affect_status model_card_load(affect_context *ctx, const char *name_or_folder, bool verify,
                              model_card **out) {
    *out = NULL;
    finder f = {.ctx = ctx};
    if (!name_or_folder || !*name_or_folder)
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "a model has no name");
    base_text tried = {0};
    bool found = false;
    if (strchr(name_or_folder, '/') || base_is_folder(name_or_folder))
        found = try_folder(&f, name_or_folder);
    else
        found = model_locate(ctx, name_or_folder, &tried, try_folder, &f);
    affect_status status = tried.failed ? base_fail_memory(ctx) : AFFECT_OK;
    if (!status && (!found || !f.card)) {
        if (f.status)
            status = base_fail(ctx, f.status, "%s", f.text);
        else
            status = base_fail(ctx, AFFECT_ERROR_MODEL,
                               "model %s is not installed (no card.json in %s): run \"make "
                               "setup\", or name its folder in AFFECT_MODELS",
                               name_or_folder, tried.data ? tried.data : name_or_folder);
    }
    base_text_destroy(&tried);
    if (!status && base_commercial_only(ctx) && !f.card->commercial)
        status =
            base_fail(ctx, AFFECT_ERROR_MODEL,
                      "model %s is not for commercial use (\"affect models info %s\" says why)",
                      f.card->name, f.card->name);
    for (size_t i = 0; !status && verify && i < f.card->file_count; i++)
        status = model_card_verify_file(ctx, f.card, i);
    if (status) {
        model_card_destroy(f.card);
        return status;
    }
    *out = f.card;
    return AFFECT_OK;
}

void model_key(const char *kind, const affect_context *ctx, const char *name_or_folder,
               base_text *out) {
    const char *folder = base_models_folder(ctx);
    base_text_printf(out, "%s %d %s %s", kind, base_commercial_only(ctx), folder ? folder : "",
                     name_or_folder);
}
