/* The constants of fusion: weights.json of a model folder (docs/model-card.md). */
#include <jansson.h>
#include <math.h>

#include "fuse/fuse.h"
#include "model/model.h"

static const char *const dimension_names[FUSE_DIMENSIONS] = {"valence", "arousal", "dominance"};
static const char *const expert_names[FUSE_EXPERTS] = {"face", "voice", "words", "place"};

/* What is being read, and the first thing that was wrong with it. */
typedef struct reader {
    affect_context *ctx;
    const char *where;
    affect_status status;
} reader;

/* `of` is the name of the object, for the message. */
static void refuse(reader *r, const char *of, const char *field, const char *expected) {
    if (r->status == AFFECT_OK)
        r->status = base_fail(r->ctx, AFFECT_ERROR_MODEL, "%s: \"%s\" of %s must be %s", r->where,
                              field, of, expected);
}

static const json_t *member(reader *r, const json_t *object, const char *of, const char *field) {
    const json_t *found = json_object_get(object, field);
    if (!json_is_object(found)) refuse(r, of, field, "an object");
    return found;
}

static double number_of(const json_t *value) {
    double number = json_is_number(value) ? json_number_value(value) : NAN;
    return fabs(number) <= 1000 ? number : NAN; /* nothing here is larger */
}

static double number(reader *r, const json_t *object, const char *of, const char *field) {
    double value = number_of(json_object_get(object, field));
    if (!isfinite(value)) refuse(r, of, field, "a number from -1000 to 1000");
    return value;
}

static void read_dimension(reader *r, const json_t *all, int d, fuse_parameters *out) {
    const char *name = dimension_names[d];
    const json_t *one = member(r, all, "dimensions", name);
    latent_model *m = &out->dimensions[d];
    *m = (latent_model){.mean = number(r, one, name, "mean"),
                        .sd = number(r, one, name, "sd"),
                        .length_s = number(r, one, name, "length_s"),
                        .stream_count = FUSE_STREAMS,
                        .streams = out->streams[d]};
    for (int s = 0; s < FUSE_STREAMS; s++) {
        const char *stream = affect_modality_name((affect_modality)(s + 1));
        const json_t *from = member(r, one, name, stream);
        out->streams[d][s] = (latent_stream){.gain = number(r, from, stream, "gain"),
                                             .offset = number(r, from, stream, "offset"),
                                             .noise_sd = number(r, from, stream, "noise_sd"),
                                             .delay_s = number(r, from, stream, "delay_s"),
                                             .drift_sd = number(r, from, stream, "drift_sd"),
                                             .drift_s = number(r, from, stream, "drift_s")};
        const json_t *tail = json_object_get(from, "tail");
        if (tail) {
            out->streams[d][s].tail = number_of(tail);
            if (!(out->streams[d][s].tail >= 0)) refuse(r, stream, "tail", "0 or more");
        }
        /* What is provisional divides by it; and a stream that shows nothing is left out. */
        if (!(fabs(out->streams[d][s].gain) > 0)) refuse(r, stream, "gain", "other than 0");
    }
    if (r->status == AFFECT_OK && latent_model_check(r->ctx, m) != AFFECT_OK) {
        char text[256];
        snprintf(text, sizeof text, "%s", affect_context_message(r->ctx));
        r->status = base_fail(r->ctx, AFFECT_ERROR_MODEL, "%s: %s: %s", r->where, name, text);
    }
}

/* One for all categories, or one each in their order. */
static void read_weights(reader *r, const json_t *from, int expert, double out[FUSE_CATEGORIES]) {
    bool each = json_array_size(from) == FUSE_CATEGORIES;
    for (size_t c = 0; c < FUSE_CATEGORIES; c++) {
        out[c] = number_of(each ? json_array_get(from, c) : from);
        if (!(out[c] >= 0))
            refuse(r, "weights", expert_names[expert], "a number from 0 to 1000, or eight of them");
    }
}

static void read_categories(reader *r, const json_t *root, fuse_parameters *out) {
    const json_t *all = member(r, root, "the file", "categories");
    for (int c = 0; c < FUSE_CATEGORIES; c++) {
        const char *name = category_names[c];
        const json_t *one = member(r, all, "categories", name);
        const json_t *place = json_object_get(one, "place");
        bool whole = json_array_size(place) == FUSE_DIMENSIONS;
        for (size_t d = 0; d < FUSE_DIMENSIONS; d++) {
            out->places[c][d] = number_of(json_array_get(place, d));
            whole = whole && fabs(out->places[c][d]) <= 1;
        }
        if (!whole) refuse(r, name, "place", "three numbers from -1 to 1");
        out->face_constants[c] = number(r, one, name, "face");
        out->prior[c] = number(r, one, name, "prior");
    }
}

/* Sets of labels: a file may have none. Even odds are always above the least score, so that no set is empty. */
static void read_sets(reader *r, const json_t *root, fuse_parameters *out) {
    static const char *const names[FUSE_SETS] = {"face", "voice", "both"};
    const json_t *sets = json_object_get(root, "sets");
    for (int k = 0; k < FUSE_SETS; k++) out->least[k] = NAN;
    if (!sets) return;
    out->set_share = number_of(json_object_get(sets, "share"));
    if (!(out->set_share > 0 && out->set_share < 1)) refuse(r, "sets", "share", "between 0 and 1");
    for (int k = 0; k < FUSE_SETS; k++) {
        const json_t *least = json_object_get(sets, names[k]);
        if (!least) continue;
        out->least[k] = number_of(least);
        if (!(out->least[k] > 0 && out->least[k] <= 1.0 / FUSE_CATEGORIES))
            refuse(r, "sets", names[k], "above 0 and at most 0.125");
    }
}

affect_status fuse_parameters_parse(affect_context *ctx, const char *where, const char *text,
                                    size_t length, fuse_parameters **out) {
    *out = NULL;
    json_error_t error;
    json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    if (!root)
        return base_fail(ctx, AFFECT_ERROR_MODEL, "%s:%d: not valid JSON: %s", where, error.line,
                         error.text);
    fuse_parameters *p = base_calloc(1, sizeof *p);
    reader r = {ctx, where, p ? AFFECT_OK : base_fail_memory(ctx)};
    if (p) {
        const json_t *dimensions = member(&r, root, "the file", "dimensions");
        const json_t *weights = member(&r, root, "the file", "weights");
        for (int d = 0; d < FUSE_DIMENSIONS; d++) read_dimension(&r, dimensions, d, p);
        for (int e = 0; e < FUSE_EXPERTS; e++)
            read_weights(&r, json_object_get(weights, expert_names[e]), e, p->weights[e]);
        p->spread = number(&r, root, "the file", "spread");
        if (!(p->spread > 0)) refuse(&r, "the file", "spread", "above 0");
        read_categories(&r, root, p);
        read_sets(&r, root, p);
    }
    json_decref(root);
    if (r.status == AFFECT_OK)
        *out = p;
    else
        fuse_parameters_destroy(p);
    return r.status;
}

affect_status fuse_parameters_load(affect_context *ctx, const char *model, fuse_parameters **out) {
    *out = NULL;
    char *path, *text;
    size_t length = 0;
    affect_status status =
        model_card_text(ctx, model ? model : "fuse.default", false, &path, &text, &length);
    if (status == AFFECT_OK) status = fuse_parameters_parse(ctx, path, text, length, out);
    base_free(path);
    base_free(text);
    return status;
}

void fuse_parameters_destroy(fuse_parameters *parameters) { base_free(parameters); }
