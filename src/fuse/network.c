/* The trained fusion: model folder, one pass a step, values between the references. */
#include "fuse/network.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

struct fuse_network {
    model_card *card;
    nn_fusion *net;
    nn_tape *tape;
    double rate_hz, errors[FUSE_DIMENSIONS];
    int column[FUSE_DIMENSIONS];           /* of the network's values; -1: it does not tell it */
    size_t references, there[FUSE_INPUTS]; /* there: rows of the piece under way */
};

static const char *const dimension_names[FUSE_DIMENSIONS] = {"valence", "arousal", "dominance"};

size_t fuse_piece_references(double rate_hz) { return (size_t)(FUSE_PIECE_S * rate_hz + .5) + 1; }

static affect_status bad(affect_context *ctx, const model_card *card, const char *field,
                         const char *expected) {
    return base_fail(ctx, AFFECT_ERROR_MODEL, "%s/card.json: '%s': expected %s", card->folder,
                     field, expected);
}

static affect_status read_card(affect_context *ctx, fuse_network *n) {
    const nn_fusion_options *o = nn_fusion_get_options(n->net);
    json_t *root = json_loads(n->card->json, 0, NULL);
    n->rate_hz = json_number_value(json_object_get(json_object_get(root, "input"), "rate_hz"));
    bool fits = o->streams == FUSE_INPUTS, told = false;
    for (size_t m = 0; m < o->streams && fits; m++) fits = o->inputs[m] == fuse_input_width(m);
    affect_status status = AFFECT_OK;
    if (!fits)
        status = bad(ctx, n->card, "network.inputs", "those of recipes/fusion.ini");
    else if (!(n->rate_hz >= 1 && n->rate_hz <= 20))
        status = bad(ctx, n->card, "input.rate_hz", "a number from 1 to 20");
    else if (n->card->label_count != o->values)
        status = bad(ctx, n->card, "labels", "a name for each of the network's values");
    const json_t *errors = json_object_get(root, "errors");
    for (size_t d = 0; d < FUSE_DIMENSIONS && status == AFFECT_OK; d++) {
        n->column[d] = -1;
        for (size_t k = 0; k < n->card->label_count; k++)
            if (strcmp(n->card->labels[k], dimension_names[d]) == 0) n->column[d] = (int)k;
        if (n->column[d] < 0) continue;
        told = true;
        n->errors[d] = json_number_value(json_object_get(errors, dimension_names[d]));
        if (!(n->errors[d] > 0 && n->errors[d] <= 2))
            status = bad(ctx, n->card, "errors", "an RMSE for each label, above 0 and up to 2");
    }
    if (status == AFFECT_OK && !told)
        status = bad(ctx, n->card, "labels", "valence, arousal or dominance");
    json_decref(root);
    return status;
}

affect_status fuse_network_load(affect_context *ctx, const char *model, fuse_network **out) {
    *out = NULL;
    fuse_network *n = base_calloc(1, sizeof *n);
    if (!n) return base_fail_memory(ctx);
    affect_status status = model_card_load(ctx, model, false, &n->card);
    if (status == AFFECT_OK) status = nn_fusion_load(ctx, n->card, &n->net);
    if (status == AFFECT_OK) status = read_card(ctx, n);
    if (status == AFFECT_OK) status = nn_tape_create(ctx, nn_fusion_params(n->net), &n->tape);
    if (status != AFFECT_OK) {
        fuse_network_destroy(n);
        return status;
    }
    nn_tape_freeze(n->tape, true);
    n->references = fuse_piece_references(n->rate_hz);
    *out = n;
    return AFFECT_OK;
}

void fuse_network_destroy(fuse_network *n) {
    if (!n) return;
    nn_tape_destroy(n->tape);
    nn_fusion_destroy(n->net);
    model_card_destroy(n->card);
    base_free(n);
}

const char *fuse_network_name(const fuse_network *n) { return n->card->name; }
/* The correction of the trajectory becomes what is said: with the base taken as the network weighs it. */
static void add_base(const fuse_network *n, const double base[FUSE_DIMENSIONS],
                     double mean[FUSE_DIMENSIONS]) {
    const float *w = nn_fusion_base(n->net);
    size_t values = nn_fusion_get_options(n->net)->values;
    for (size_t d = 0; w && d < FUSE_DIMENSIONS; d++)
        for (size_t k = 0; k < FUSE_DIMENSIONS && n->column[d] >= 0; k++)
            if (n->column[k] >= 0)
                mean[d] +=
                    (double)w[(size_t)n->column[k] * values + (size_t)n->column[d]] * base[k];
}

bool fuse_network_tells(const fuse_network *n, size_t d) { return n->column[d] >= 0; }
double fuse_network_error(const fuse_network *n, size_t d) { return n->errors[d]; }

void fuse_piece_destroy(fuse_piece *piece) {
    base_free(piece->values);
    *piece = (fuse_piece){.made = false};
}

/* The rows of a piece as the network takes them; memory is the tape's. */
static bool fill(fuse_network *n, const fuse_rows *rows, int64_t step, float *times,
                 const size_t *length, nn_fusion_batch *batch) {
    size_t first[FUSE_INPUTS], count[FUSE_INPUTS];
    affect_time start = fuse_piece_start(step);
    fuse_piece_rows(rows, step, first, count);
    for (size_t r = 0; r < n->references; r++) times[r] = (float)((double)r / n->rate_hz);
    *batch = (nn_fusion_batch){
        .count = 1, .references = n->references, .times = times, .length = length};
    for (size_t m = 0; m < FUSE_INPUTS; m++) {
        size_t width = fuse_input_width(m), all = BASE_MAX(count[m], (size_t)1);
        float *at = nn_tape_alloc(n->tape, all), *values = nn_tape_alloc(n->tape, all * width);
        if (!at || !values) return false;
        at[0] = 0;
        memset(values, 0, width * sizeof *values);
        n->there[m] = count[m];
        for (size_t r = 0; r < count[m]; r++)
            at[r] = (float)time_to_seconds(rows->inputs[m].times[first[m] + r] - start);
        if (count[m])
            memcpy(values, rows->inputs[m].values + first[m] * width,
                   count[m] * width * sizeof *values);
        batch->streams[m] =
            (nn_fusion_stream){.rows = all, .values = values, .times = at, .length = &n->there[m]};
    }
    return true;
}

static affect_status make_piece(affect_context *ctx, fuse_network *n, const fuse_rows *rows,
                                int64_t step, fuse_piece *piece) {
    size_t values = nn_fusion_get_options(n->net)->values, length = n->references;
    nn_fusion_batch batch;
    nn_fusion_result result;
    if (!piece->values &&
        !(piece->values = base_calloc(n->references * values, sizeof *piece->values)))
        return base_fail_memory(ctx);
    nn_tape_begin(n->tape, false, 0, NULL);
    float *times = nn_tape_alloc(n->tape, n->references);
    if (!times || !fill(n, rows, step, times, &length, &batch) ||
        !nn_fusion_forward(n->net, n->tape, &batch, &result)) {
        affect_status status = nn_tape_status(n->tape);
        return status != AFFECT_OK ? status : base_fail_memory(ctx);
    }
    memcpy(piece->values, result.values->data, n->references * values * sizeof *piece->values);
    piece->step = step;
    piece->made = true;
    return AFFECT_OK;
}

affect_status fuse_network_tell(affect_context *ctx, fuse_network *n, const fuse_rows *rows,
                                fuse_piece *piece, affect_time time, double mean[FUSE_DIMENSIONS]) {
    int64_t step = time / FUSE_STEP;
    affect_status status = AFFECT_OK;
    if (!piece->made || piece->step != step) status = make_piece(ctx, n, rows, step, piece);
    if (status != AFFECT_OK) return status;
    size_t values = nn_fusion_get_options(n->net)->values;
    double at = time_to_seconds(time - fuse_piece_start(step)) * n->rate_hz;
    size_t r = BASE_MIN((size_t)at, n->references - 2);
    double base[FUSE_DIMENSIONS];
    memcpy(base, mean, sizeof base);
    for (size_t d = 0; d < FUSE_DIMENSIONS; d++) {
        if (n->column[d] < 0) continue;
        const float *v = piece->values + r * values + n->column[d];
        mean[d] = (double)v[0] + (at - (double)r) * ((double)v[values] - (double)v[0]);
    }
    add_base(n, base, mean);
    return AFFECT_OK;
}
