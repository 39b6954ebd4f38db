/* The back end for the project's own networks, on nn/. */
#include <string.h>

#include "infer/infer_private.h"
#include "nn/model.h"

enum { SIDE = 48 };

/* The outputs, in the order of the ports; "values" is last because not all networks have any. */
enum { POSTERIORS, IN_DISTRIBUTION, OOD_SCORE, VALUES, OUTPUTS };

typedef enum kind { FACE, VOICE, SUMMARY, TEXT, FEATURES } kind;

typedef struct network {
    nn_model *net;
    kind kind;
    size_t bands, side, classes, values;
    float *data, *rows, *made[OUTPUTS]; /* rows: classes, then values */
    size_t data_capacity, row_capacity, made_capacity[OUTPUTS];
    size_t *length, *start;
    size_t length_capacity, start_capacity;
    int32_t *index;
    size_t index_capacity;
} network;

static affect_status add_port(affect_context *ctx, infer_port *ports, size_t *count,
                              const char *name, infer_type type, size_t rank,
                              const int64_t *shape) {
    infer_port *p = &ports[*count];
    *p = (infer_port){.name = base_strdup(name), .type = type, .known_type = true, .rank = rank};
    memcpy(p->shape, shape, rank * sizeof *shape);
    if (!p->name) return base_fail_memory(ctx);
    (*count)++;
    return AFFECT_OK;
}

static affect_status describe(affect_context *ctx, infer_model *model, const network *n) {
    model->inputs = base_calloc(4, sizeof *model->inputs);
    model->outputs = base_calloc(OUTPUTS, sizeof *model->outputs);
    if (!model->inputs || !model->outputs) return base_fail_memory(ctx);
    infer_port *in = model->inputs, *out = model->outputs;
    size_t *ins = &model->input_count, *outs = &model->output_count;
    const int64_t image[] = {-1, SIDE, SIDE, 1}, spectrogram[] = {-1, -1, (int64_t)n->bands},
                  units[] = {-1, -1, -1}, each[] = {-1}, side[] = {-1, (int64_t)n->side},
                  classes[] = {-1, (int64_t)n->classes}, values[] = {-1, (int64_t)n->values};
    affect_status status =
        n->kind == SUMMARY    ? AFFECT_OK /* side alone */
        : n->kind == FACE     ? add_port(ctx, in, ins, "image", INFER_F32, 4, image)
        : n->kind == VOICE    ? add_port(ctx, in, ins, "spectrogram", INFER_F32, 3, spectrogram)
        : n->kind == FEATURES ? add_port(ctx, in, ins, "features", INFER_F32, 3, spectrogram)
                              : add_port(ctx, in, ins, "units", INFER_I64, 3, units);
    if (!status && n->kind != FACE && n->kind != SUMMARY)
        status = add_port(ctx, in, ins, "length", INFER_I64, 1, each);
    if (!status && n->side) status = add_port(ctx, in, ins, "side", INFER_F32, 2, side);
    if (!status && n->side) { /* whether a row of them is standardised already */
        size_t all = *ins;
        status = add_port(ctx, in, &all, "relative", INFER_BOOL, 1, each);
        model->optional = all - *ins;
    }
    if (!status) status = add_port(ctx, out, outs, "posteriors", INFER_F32, 2, classes);
    if (!status) status = add_port(ctx, out, outs, "in_distribution", INFER_F32, 1, each);
    if (!status) status = add_port(ctx, out, outs, "ood_score", INFER_F32, 1, each);
    if (!status && n->values) status = add_port(ctx, out, outs, "values", INFER_F32, 2, values);
    return status;
}

static void network_close(infer_model *model) {
    network *n = model->state;
    if (!n) return;
    nn_model_destroy(n->net);
    base_free(n->data);
    base_free(n->rows);
    for (size_t i = 0; i < OUTPUTS; i++) base_free(n->made[i]);
    base_free(n->length);
    base_free(n->start);
    base_free(n->index);
    base_free(n);
}

static affect_status network_open(affect_context *ctx, infer_model *model, int threads) {
    (void)threads; /* one sample at a time gives more than one thread nothing to do */
    network *n = model->state = base_calloc(1, sizeof *n);
    if (!n) return base_fail_memory(ctx);
    affect_status status = nn_model_load(ctx, model->card->folder, &n->net);
    if (status) return status;
    const nn_net_options *o = nn_net_get_options(nn_model_net(n->net));
    n->kind = base_starts_with(o->kind, "face")       ? FACE
              : strcmp(o->kind, "voice_mlp") == 0     ? SUMMARY
              : base_starts_with(o->kind, "voice")    ? VOICE
              : base_starts_with(o->kind, "features") ? FEATURES
                                                      : TEXT;
    n->bands = o->inputs;
    n->side = o->side;
    n->classes = nn_model_classes(n->net);
    n->values = nn_model_values(n->net);
    return describe(ctx, model, n);
}

static bool room(float **items, size_t *capacity, size_t needed) {
    return base_grow((void **)items, capacity, needed, sizeof **items);
}

/* Lengths as nn/ takes them; each within what is there. */
static affect_status take_lengths(affect_context *ctx, infer_model *model, network *n,
                                  const infer_tensor *lengths, size_t count, size_t steps) {
    if ((size_t)lengths->shape[0] != count)
        return base_fail(ctx, AFFECT_ERROR_SHAPE, "model %s: %zu samples and %lld lengths",
                         model->card->name, count, (long long)lengths->shape[0]);
    if (!base_grow((void **)&n->length, &n->length_capacity, count, sizeof *n->length))
        return base_fail_memory(ctx);
    for (size_t i = 0; i < count; i++) {
        int64_t length = ((const int64_t *)lengths->data)[i];
        if (length < 1 || length > (int64_t)steps)
            return base_fail(ctx, AFFECT_ERROR_SHAPE, "model %s: a length of %lld in %zu steps",
                             model->card->name, (long long)length, steps);
        n->length[i] = (size_t)length;
    }
    return AFFECT_OK;
}

static affect_status take_units(affect_context *ctx, infer_model *model, network *n,
                                const infer_tensor *units, size_t count, size_t steps) {
    size_t pieces = (size_t)units->shape[2], total = 0, tokens = count * steps;
    const int64_t *at = units->data;
    if (!base_grow((void **)&n->start, &n->start_capacity, tokens + 1, sizeof *n->start) ||
        !base_grow((void **)&n->index, &n->index_capacity, tokens * pieces + 1, sizeof *n->index))
        return base_fail_memory(ctx);
    size_t vocabulary = nn_net_get_options(nn_model_net(n->net))->vocabulary;
    for (size_t k = 0; k < tokens; k++) {
        n->start[k] = total;
        for (size_t p = 0; p < pieces && at[k * pieces + p] >= 0; p++) {
            if (at[k * pieces + p] >= (int64_t)vocabulary)
                return base_fail(ctx, AFFECT_ERROR_SHAPE, "model %s: unit %lld of %zu",
                                 model->card->name, (long long)at[k * pieces + p], vocabulary);
            n->index[total++] = (int32_t)at[k * pieces + p];
        }
    }
    n->start[tokens] = total;
    return AFFECT_OK;
}

static affect_status network_run(affect_context *ctx, infer_model *model,
                                 const infer_tensor *inputs, const infer_port *const *in_ports,
                                 size_t input_count, infer_tensor *outputs,
                                 const infer_port *const *out_ports, size_t output_count) {
    network *n = model->state;
    /* In the order of the ports; the side numbers come third, and alone where they are all. */
    const infer_tensor *given[4] = {NULL};
    const size_t first = n->kind == SUMMARY ? 2 : 0;
    for (size_t i = 0; i < input_count; i++)
        given[first + (size_t)(in_ports[i] - model->inputs)] = &inputs[i];
    for (size_t i = 0; i < model->input_count; i++)
        if (!given[first + i])
            return base_fail(ctx, AFFECT_ERROR_SHAPE, "model %s: input %s is given twice",
                             model->card->name, in_ports[i]->name);
    size_t count = (size_t)given[first]->shape[0];
    affect_status status = AFFECT_OK;
    nn_batch batch = {.count = count};
    if (n->kind == FACE) {
        const size_t pixels = SIDE * SIDE;
        if (!room(&n->data, &n->data_capacity, count * pixels)) return base_fail_memory(ctx);
        memcpy(n->data, given[0]->data, count * pixels * sizeof *n->data);
        for (size_t i = 0; i < count; i++) nn_standardise(n->data + i * pixels, pixels);
        batch.data = n->data;
        batch.height = batch.width = SIDE;
    } else {
        batch.steps = n->kind == SUMMARY ? 1 : (size_t)given[0]->shape[1];
        if (n->kind != SUMMARY) status = take_lengths(ctx, model, n, given[1], count, batch.steps);
        if (!status && n->kind == TEXT)
            status = take_units(ctx, model, n, given[0], count, batch.steps);
        if (!status && n->kind == VOICE && batch.steps % 8)
            status =
                base_fail(ctx, AFFECT_ERROR_SHAPE, "model %s: %zu steps, expected a multiple of 8",
                          model->card->name, batch.steps);
        if (!status && n->side && (size_t)given[2]->shape[0] != count)
            status = base_fail(ctx, AFFECT_ERROR_SHAPE, "model %s: %zu samples and %lld of side",
                               model->card->name, count, (long long)given[2]->shape[0]);
        batch.data = n->kind == TEXT || n->kind == SUMMARY ? NULL : given[0]->data;
        batch.bands = n->bands;
        batch.length = n->kind == SUMMARY ? NULL : n->length;
        batch.index = n->index;
        batch.start = n->start;
        batch.side = n->side ? given[2]->data : NULL;
        if (!status && n->side && given[3] && (size_t)given[3]->shape[0] != count)
            status =
                base_fail(ctx, AFFECT_ERROR_SHAPE, "model %s: %zu samples and %lld of relative",
                          model->card->name, count, (long long)given[3]->shape[0]);
        batch.relative = n->side && given[3] ? given[3]->data : NULL;
    }
    const size_t width[OUTPUTS] = {n->classes, 1, 1, n->values}, row = n->classes + n->values;
    bool fits = room(&n->rows, &n->row_capacity, count * row);
    for (size_t i = 0; i < OUTPUTS; i++)
        fits = fits && room(&n->made[i], &n->made_capacity[i], count * width[i] + 1);
    if (!status && !fits) status = base_fail_memory(ctx);
    if (!status) status = nn_model_run(ctx, n->net, &batch, n->rows);
    for (size_t i = 0; !status && i < count; i++) {
        const float *from = n->rows + i * row;
        memcpy(n->made[POSTERIORS] + i * n->classes, from, n->classes * sizeof *from);
        memcpy(n->made[VALUES] + i * n->values, from + n->classes, n->values * sizeof *from);
        n->made[IN_DISTRIBUTION][i] = nn_model_in_distribution(n->net, i);
        n->made[OOD_SCORE][i] = nn_model_ood_score(n->net, i);
    }
    for (size_t i = 0; !status && i < output_count; i++) {
        size_t at = (size_t)(out_ports[i] - model->outputs);
        outputs[i] = (infer_tensor){.name = out_ports[i]->name,
                                    .type = INFER_F32,
                                    .rank = out_ports[i]->rank,
                                    .shape = {(int64_t)count, (int64_t)width[at]},
                                    .data = n->made[at]};
    }
    return status;
}

static bool network_side(const infer_model *model, float *mean, float *deviation) {
    const network *n = model->state;
    if (n->side) nn_net_get_side(nn_model_net(n->net), mean, deviation);
    return n->side > 0;
}

static size_t network_vocabulary(const infer_model *model) {
    const network *n = model->state;
    return n->kind == TEXT ? nn_net_get_options(nn_model_net(n->net))->vocabulary : 0;
}

const infer_backend infer_network = {network_open, network_run, network_close, network_side,
                                     network_vocabulary};
