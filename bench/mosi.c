/* Fusion in context on CMU-MOSI (features of the ACL-2017 paper): logistic regression, bc-LSTM (Poria
 * et al. 2017) and the trajectory-aware network in one program, under one protocol.
 *
 * usage: bench-mosi FOLDER [OPTIONS]        (FOLDER: mosi_acl2017)
 *   --seeds N     how many seeds (10); each seed deals the 62 training videos anew: 12 validate
 *   --search N    N drawings from each network's space of settings, three seeds each, judged on
 *                 validation; prints the best, and goes no further
 *   --test        opens the test list: the table with intervals, and the ablations
 *   --set NAME=VALUE, --lstm NAME=VALUE   another setting of the network, of bc-LSTM
 *
 * The features of text and video were learnt by the set's makers on the sentiments of all 62 videos,
 * those that validate too: there bc-LSTM is right in 99 of 100 utterances. Stopping or choosing on
 * them as they are would choose whoever trusts them most. So in training and in validation a row of
 * these two is mixed with one of another video: text with a share between 0 and 1, which makes its
 * sign wrong in a quarter, video between .9 and 1 (docs/fusion.md says why so much). Both networks
 * get this; `--lstm mix=0` is bc-LSTM without it.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/kernels.h"
#include "nn/tape.h"
#include "train/fusion.h"
#include "train/train.h"

enum { MOST = 4096, VALID = 12, SEEDS = 10, MODELS = 12, OURS = 2 /* its row of the table */ };

typedef struct settings {
    double width, dropout, rate, decay, context, mix, drop, heads, epochs, patience, batch;
    double value, slope, contrast, rank, temperature, softness, hard, nearest, apart, utterance,
        swap, sound, path, own, steep, attached;
} settings;

static const struct {
    const char *name;
    size_t at;
} names[] = {
#define SETTING(x)                                                                                 \
    { #x, offsetof(settings, x) }
    SETTING(width),       SETTING(dropout),  SETTING(rate),  SETTING(decay),    SETTING(context),
    SETTING(mix),         SETTING(drop),     SETTING(heads), SETTING(epochs),   SETTING(patience),
    SETTING(batch),       SETTING(value),    SETTING(slope), SETTING(contrast), SETTING(rank),
    SETTING(temperature), SETTING(softness), SETTING(hard),  SETTING(nearest),  SETTING(apart),
    SETTING(utterance),   SETTING(swap),     SETTING(sound), SETTING(path),     SETTING(own),
    SETTING(steep),       SETTING(attached)};

static bool set_from(settings *s, const char *text) {
    const char *is = strchr(text, '=');
    for (size_t i = 0; is && i < BASE_COUNT(names); i++)
        if (strlen(names[i].name) == (size_t)(is - text) &&
            strncmp(names[i].name, text, (size_t)(is - text)) == 0) {
            *(double *)((char *)s + names[i].at) = atof(is + 1);
            return true;
        }
    return false;
}

/* Text, audio, video; of audio as the settings say. NULL: none. */
static const train_mixing *mixing_of(const settings *s) {
    static train_mixing mixed[NN_FUSION_STREAMS] = {{0, 1}, {0, 0}, {.9, 1}};
    mixed[1].most = s->sound;
    return s->mix > 0 ? mixed : NULL;
}

typedef struct split {
    uint32_t train[256], valid[256];
    size_t trains, valids;
} split;

static void deal(const train_sequences *set, uint64_t seed, split *out) {
    uint32_t order[256];
    size_t n = BASE_MIN(set->count, (size_t)256);
    train_dice dice = {seed * 9176 + 11, 0};
    for (size_t i = 0; i < n; i++) order[i] = (uint32_t)i;
    for (size_t i = n; i-- > 1;) {
        size_t j = BASE_MIN((size_t)(train_roll(&dice) * (double)(i + 1)), i);
        uint32_t keep = order[i];
        order[i] = order[j];
        order[j] = keep;
    }
    *out = (split){.valids = VALID};
    for (size_t i = 0; i < n; i++) {
        if (i < VALID)
            out->valid[i] = order[i];
        else
            out->train[out->trains++] = order[i];
    }
}

/* ---- bc-LSTM ---- */

/* A bidirectional LSTM, a hidden layer, a softmax over the classes. */
typedef struct block {
    int in[2], state[2], bias[2], hidden, hidden_bias, out, out_bias, mean, deviation;
} block;

typedef struct lstm {
    nn_params *params;
    block blocks[4]; /* text, audio, video, all */
    size_t width;
    double dropout;
} lstm;

static int add(nn_params *p, size_t k, const char *what, nn_shape shape, nn_kind kind, double dev) {
    char name[48];
    snprintf(name, sizeof name, "block%zu.%s", k, what);
    return nn_param_add(p, name, shape, kind, dev, 0);
}

static void add_block(lstm *net, size_t k, size_t in) {
    block *b = &net->blocks[k];
    size_t h = net->width;
    for (int way = 0; way < 2; way++) {
        b->in[way] = add(net->params, k, way ? "back.in" : "in", NN_SHAPE(in, 4 * h), NN_WEIGHT,
                         1 / sqrt((double)in));
        b->state[way] = add(net->params, k, way ? "back.state" : "state", NN_SHAPE(h, 4 * h),
                            NN_WEIGHT, 1 / sqrt((double)h));
        b->bias[way] = add(net->params, k, way ? "back.bias" : "bias", NN_SHAPE(4 * h), NN_BIAS, 0);
    }
    b->hidden =
        add(net->params, k, "hidden", NN_SHAPE(2 * h, h), NN_WEIGHT, 1 / sqrt(2 * (double)h));
    b->hidden_bias = add(net->params, k, "hidden.b", NN_SHAPE(h), NN_BIAS, 0);
    b->out = add(net->params, k, "out", NN_SHAPE(h, 2), NN_WEIGHT, 1 / sqrt((double)h));
    b->out_bias = add(net->params, k, "out.b", NN_SHAPE(2), NN_BIAS, 0);
}

static nn_tensor *run_block(lstm *net, nn_tape *t, size_t k, nn_tensor *x, const size_t *length,
                            double dropout, nn_tensor **hidden) {
    const block *b = &net->blocks[k];
    x = nn_dropout(t, x, dropout);
    nn_tensor *both[2] = {nn_lstm(t, x, b->in[0], b->state[0], b->bias[0], length, false),
                          nn_lstm(t, x, b->in[1], b->state[1], b->bias[1], length, true)};
    nn_tensor *y = nn_dropout(t, nn_concat(t, both, 2), dropout);
    *hidden = nn_relu(t, nn_linear(t, y, b->hidden, b->hidden_bias));
    return nn_linear(t, nn_dropout(t, *hidden, dropout), b->out, b->out_bias);
}

typedef struct lstm_step {
    lstm *net;
    train_view view;
    size_t stage; /* 0..2: one modality; 3: all */
    const float *usual;
    float *out; /* shares, or NULL when training */
} lstm_step;

static nn_tensor *stream_input(const lstm_step *s, nn_tape *t, const nn_fusion_batch *b, size_t m) {
    const train_sequences *set = s->view.set;
    size_t width = set->inputs[m], at = 0, count = b->count * b->streams[m].rows * width;
    for (size_t k = 0; k < m; k++) at += 2 * set->inputs[k];
    const float *mean = s->usual + at, *deviation = mean + width;
    float *x = nn_tape_alloc(t, count);
    for (size_t i = 0; x && i < count; i++) {
        float v = (b->streams[m].values[i] - mean[i % width]) / deviation[i % width];
        bool padding =
            i / width % b->streams[m].rows >= b->streams[m].length[i / width / b->streams[m].rows];
        x[i] = deviation[i % width] > 0 && !padding ? BASE_MAX(-5, BASE_MIN(5, v)) : 0;
    }
    return x ? nn_input(t, NN_SHAPE(b->count, b->streams[m].rows, width), x) : NULL;
}

static nn_tensor *build_lstm(void *user, nn_tape *t, size_t shard) {
    (void)shard;
    lstm_step *s = user;
    nn_fusion_batch b;
    if (!train_sequences_batch(&s->view, t, &b)) return NULL;
    nn_tensor *hidden[4], *logits = NULL;
    for (size_t m = 0; m < 3; m++) {
        if (s->stage < 3 && m != s->stage) continue;
        logits = run_block(s->net, t, m, stream_input(s, t, &b, m), b.length,
                           s->stage < 3 ? s->net->dropout : 0, &hidden[m]);
    }
    if (s->stage == 3)
        logits =
            run_block(s->net, t, 3, nn_concat(t, hidden, 3), b.length, s->net->dropout, &hidden[3]);
    if (!logits) return NULL;
    size_t rows = b.count * b.references, known = 0;
    logits = nn_reshape(t, logits, NN_SHAPE(rows, 2));
    if (s->out) {
        nn_tensor *shares = nn_softmax(t, logits);
        for (size_t i = 0; shares && i < b.count; i++) {
            memcpy(s->out, shares->data + i * b.references * 2, 2 * b.length[i] * sizeof(float));
            s->out += 2 * b.length[i];
        }
        return shares;
    }
    float *target = nn_tape_alloc(t, 2 * rows);
    if (!target) return NULL;
    memset(target, 0, 2 * rows * sizeof *target);
    for (size_t i = 0; i < b.count; i++) {
        const train_sequence *q = &s->view.set->items[s->view.index[i]];
        memcpy(target + 2 * i * b.references, q->classes, 2 * q->references * sizeof *target);
        known += q->references;
    }
    return nn_cross_entropy(t, logits, target, NULL, 1 / (double)known);
}

static affect_status lstm_predict(affect_context *ctx, lstm *net, const lstm_step *how,
                                  float *out) {
    nn_engine *engine = NULL;
    affect_status status = nn_engine_create(ctx, net->params, NULL, 1, &engine);
    for (size_t from = 0; from < how->view.n && status == AFFECT_OK; from += 16) {
        lstm_step s = *how;
        s.view.index += from;
        s.view.n = BASE_MIN((size_t)16, how->view.n - from);
        s.view.seed += from;
        s.out = out;
        status = nn_engine_map(engine, 1, build_lstm, &s);
        for (size_t i = 0; i < s.view.n; i++)
            out += 2 * s.view.set->items[s.view.index[i]].references;
    }
    nn_engine_destroy(engine);
    return status;
}

/* Cross-entropy and accuracy of shares ([rows, width], the first two columns). */
static void judge(const train_sequences *set, const uint32_t *index, size_t n, const float *shares,
                  size_t width, double *loss, double *right, double *rows) {
    for (size_t i = 0; i < n; i++) {
        const train_sequence *s = &set->items[index[i]];
        for (size_t r = 0; r < s->references; r++, shares += width) {
            int gold = s->classes[2 * r + 1] > .5f;
            *loss -= log(BASE_MAX((double)shares[gold], 1e-12));
            *right += (shares[1] > shares[0]) == gold;
            ++*rows;
        }
    }
}

static affect_status validate(affect_context *ctx, lstm *net, const lstm_step *how, double *loss,
                              double *accuracy) {
    static float shares[2 * MOST];
    double sum = 0, right = 0, rows = 0;
    for (uint64_t d = 0; d < (how->view.mixing ? 4 : 1); d++) {
        lstm_step s = *how;
        s.view.seed = 7777 + 97 * d;
        affect_status status = lstm_predict(ctx, net, &s, shares);
        if (status) return status;
        judge(how->view.set, how->view.index, how->view.n, shares, 2, &sum, &right, &rows);
    }
    *loss = sum / rows;
    *accuracy = right / rows;
    return AFFECT_OK;
}

static void usual_of(const train_sequences *set, const split *sp, float *out) {
    for (size_t m = 0; m < set->streams; m++) {
        size_t width = set->inputs[m];
        for (size_t k = 0; k < width; k++) {
            double n = 0, sum = 0, square = 0;
            for (size_t i = 0; i < sp->trains; i++) {
                const train_sequence *s = &set->items[sp->train[i]];
                for (size_t r = 0; r < s->rows[m]; r++, n++) {
                    double x = (double)s->row_values[m][r * width + k];
                    sum += x;
                    square += x * x;
                }
            }
            double mean = sum / n, variance = square / n - mean * mean;
            out[k] = (float)mean;
            out[width + k] = variance > 1e-12 ? (float)sqrt(variance) : 0;
        }
        out += 2 * width;
    }
}

/* The stages of the paper: each modality by itself, then all on their hidden layers. */
static affect_status fit_lstm(affect_context *ctx, const train_sequences *set, const split *sp,
                              const settings *o, uint64_t seed, lstm *net, float *usual,
                              double *accuracy) {
    *net = (lstm){.width = (size_t)o->width, .dropout = o->dropout};
    affect_status status = nn_params_create(ctx, seed, &net->params);
    if (status) return status;
    for (size_t m = 0; m < 3; m++) add_block(net, m, set->inputs[m]);
    add_block(net, 3, 3 * net->width);
    usual_of(set, sp, usual);
    nn_real *best = base_alloc(net->params->size * sizeof *best);
    uint32_t order[256];
    for (size_t stage = 0; stage < 4 && !status; stage++) {
        nn_engine *engine = NULL;
        size_t best_epoch = 0, batch = (size_t)o->batch, each = (sp->trains + batch - 1) / batch;
        double least = INFINITY;
        uint64_t steps = 0;
        char prefix[16];
        snprintf(prefix, sizeof prefix, "block%zu.", stage);
        for (size_t i = 0; i < net->params->count; i++)
            net->params->items[i].frozen =
                strncmp(net->params->items[i].name, prefix, strlen(prefix)) != 0;
        status = nn_engine_create(ctx, net->params, NULL, 1, &engine);
        memcpy(order, sp->train, sizeof order);
        for (size_t epoch = 1; epoch <= (size_t)o->epochs && !status; epoch++) {
            if (best_epoch && epoch > best_epoch + (size_t)o->patience) break;
            train_dice dice = {seed * 7919 + epoch, 0};
            for (size_t i = sp->trains; i-- > 1;) {
                size_t j = BASE_MIN((size_t)(train_roll(&dice) * (double)(i + 1)), i);
                uint32_t keep = order[i];
                order[i] = order[j];
                order[j] = keep;
            }
            lstm_step s = {.net = net, .stage = stage, .usual = usual};
            s.view = (train_view){.set = set,
                                  .pool = sp->train,
                                  .pool_count = sp->trains,
                                  .mixing = mixing_of(o),
                                  .swap = o->swap};
            for (size_t from = 0; from < sp->trains && !status; from += batch, steps++) {
                double loss;
                s.view.index = order + from;
                s.view.n = BASE_MIN(batch, sp->trains - from);
                s.view.seed = seed * 1000003 + steps;
                const nn_optimiser how = {
                    .rate = nn_cosine(o->rate, .05, steps, each, (size_t)o->epochs * each),
                    .beta1 = .9,
                    .beta2 = .99,
                    .epsilon = 1e-8,
                    .decay = o->decay,
                    .clip = 1};
                status = nn_engine_step(engine, 1, build_lstm, &s, s.view.seed, &how, &loss);
            }
            double loss = 0;
            s.view.index = sp->valid;
            s.view.n = sp->valids;
            s.view.swap = 0;
            if (!status) status = validate(ctx, net, &s, &loss, accuracy);
            if (!status && loss < least) {
                least = loss;
                best_epoch = epoch;
                memcpy(best, net->params->value, net->params->size * sizeof *best);
            }
        }
        if (!status) memcpy(net->params->value, best, net->params->size * sizeof *best);
        nn_engine_destroy(engine);
    }
    lstm_step s = {.net = net, .stage = 3, .usual = usual};
    s.view = (train_view){.set = set,
                          .index = sp->valid,
                          .n = sp->valids,
                          .pool = sp->train,
                          .pool_count = sp->trains,
                          .mixing = mixing_of(o)};
    double loss;
    if (!status) status = validate(ctx, net, &s, &loss, accuracy);
    base_free(best);
    return status;
}

/* ---- the network ---- */

static train_fusion_options options_of(const train_sequences *set, const settings *s,
                                       uint64_t seed) {
    train_fusion_options o = train_fusion_default(set);
    o.net.width = (size_t)s->width;
    o.net.path = (size_t)s->path;
    o.own_weight = s->own;
    o.net.steep = s->steep;
    o.net.attached = s->attached > 0;
    o.net.heads = (size_t)s->heads;
    o.net.context = (size_t)s->context;
    o.net.dropout = s->dropout;
    o.net.nearest = s->nearest > 0;
    o.net.apart = s->apart > 0;
    o.rate = s->rate;
    o.decay = s->decay;
    o.drop = s->drop;
    o.swap = s->swap;
    o.epochs = (size_t)s->epochs;
    o.patience = (size_t)s->patience;
    o.batch = (size_t)s->batch;
    o.draws = 4;
    o.frames = 20;
    o.net.reach = 3; /* utterances, of the encoders */
    o.value_weight = s->value;
    o.slope_weight = s->slope;
    o.contrast_weight = s->contrast;
    o.rank_weight = s->rank;
    o.temperature = s->temperature;
    o.softness = s->softness;
    o.hard = s->hard > 0;
    o.utterance = (size_t)s->utterance;
    o.seed = seed;
    if (s->mix > 0) memcpy(o.mixing, mixing_of(s), sizeof o.mixing);
    return o;
}

typedef struct contestant {
    const char *name;
    bool is_lstm;
    settings s;
    double valid[SEEDS];
    float *shares[SEEDS]; /* of the test list */
} contestant;

static affect_status compete(affect_context *ctx, const train_sequences *set,
                             const train_sequences *test, contestant *c, size_t seeds) {
    uint32_t all[256];
    size_t rows = 0;
    for (size_t i = 0; test && i < test->count; i++) {
        all[i] = (uint32_t)i;
        rows += test->items[i].references;
    }
    for (size_t k = 0; k < seeds; k++) {
        split sp;
        deal(set, k + 1, &sp);
        train_view view = {.set = test, .index = all, .n = test ? test->count : 0};
        affect_status status;
        if (test) c->shares[k] = base_alloc(3 * rows * sizeof(float));
        if (c->is_lstm) {
            static float usual[2048];
            lstm net = {0};
            status = fit_lstm(ctx, set, &sp, &c->s, k + 1, &net, usual, &c->valid[k]);
            lstm_step how = {.net = &net, .stage = 3, .usual = usual, .view = view};
            if (!status && test) status = lstm_predict(ctx, &net, &how, c->shares[k]);
            nn_params_destroy(net.params);
        } else {
            train_fusion_fit fit;
            train_fusion_options o = options_of(set, &c->s, k + 1);
            status = train_fusion_run(ctx, set, sp.train, sp.trains, sp.valid, sp.valids, &o, &fit);
            c->valid[k] = fit.accuracy;
            if (!status && test) status = train_fusion_predict(ctx, fit.net, &view, c->shares[k]);
            nn_fusion_destroy(fit.net);
        }
        if (status) return status;
    }
    return AFFECT_OK;
}

static double mean_of(const double *x, size_t n, double *sd) {
    double mean = 0, square = 0;
    for (size_t i = 0; i < n; i++) mean += x[i] / (double)n;
    for (size_t i = 0; i < n; i++) square += (x[i] - mean) * (x[i] - mean);
    if (sd) *sd = n > 1 ? sqrt(square / (double)(n - 1)) : 0;
    return mean;
}

/* ---- the search: as many drawings from one network's space as from the other's ---- */

typedef struct choice {
    size_t at;
    double of[4];
    int count;
} choice;
#define CHOICE(x, ...)                                                                             \
    { offsetof(settings, x), {__VA_ARGS__}, sizeof((double[]){__VA_ARGS__}) / sizeof(double) }
static const choice lstm_space[] = {CHOICE(width, 16, 32, 64),
                                    CHOICE(dropout, .3, .5, .7),
                                    CHOICE(rate, .001, .002, .005),
                                    CHOICE(decay, .05, 1),
                                    CHOICE(batch, 4, 8, 16),
                                    CHOICE(sound, 0, 1),
                                    CHOICE(swap, 0, .5)},
                    our_space[] = {CHOICE(width, 32, 64),     CHOICE(dropout, .5, .7),
                                   CHOICE(rate, .002, .005),  CHOICE(decay, .05, 1),
                                   CHOICE(batch, 4, 8, 16),   CHOICE(sound, 0, 1),
                                   CHOICE(swap, 0, .5),       CHOICE(path, 8, 16),
                                   CHOICE(context, 0, 8),     CHOICE(drop, 0, .3),
                                   CHOICE(value, .1, .5),     CHOICE(slope, .01, .05),
                                   CHOICE(contrast, .03, .1), CHOICE(rank, .02, .1)};

static affect_status search(affect_context *ctx, const train_sequences *set, contestant *c,
                            int tries, size_t seeds) {
    const choice *space = c->is_lstm ? lstm_space : our_space;
    size_t count = c->is_lstm ? BASE_COUNT(lstm_space) : BASE_COUNT(our_space);
    settings best = c->s;
    double most = -1;
    affect_status status = AFFECT_OK;
    for (int t = 0; t < tries && !status; t++) {
        train_dice dice = {4242 + (uint64_t)t, 0};
        printf("%-8s", c->name);
        for (size_t i = 0; i < count; i++) {
            int k = (int)(train_roll(&dice) * space[i].count);
            double v = space[i].of[BASE_MIN(k, space[i].count - 1)];
            *(double *)((char *)&c->s + space[i].at) = v;
            for (size_t n = 0; n < BASE_COUNT(names); n++)
                if (names[n].at == space[i].at) printf(" %s=%g", names[n].name, v);
        }
        status = compete(ctx, set, NULL, c, seeds);
        double mean = mean_of(c->valid, seeds, NULL);
        printf("  %.2f\n", 100 * mean);
        fflush(stdout);
        if (mean > most) {
            most = mean;
            best = c->s;
        }
    }
    c->s = best;
    return status;
}

/* ---- logistic regression: standardised, L2, all rows as they are ---- */

static void regress(const train_sequences *set, const train_sequences *test, float *shares) {
    enum { WIDTH = 273, ROUNDS = 800 };
    static double mean[WIDTH], deviation[WIDTH], w[WIDTH + 1], step[WIDTH + 1], slope[WIDTH + 1];
    static float x[MOST][WIDTH];
    const double l2 = 100; /* C = .01 */
    size_t rows = 0;
    memset(w, 0, sizeof w);
    memset(step, 0, sizeof step);
    for (int part = 0; part < 2; part++) {
        const train_sequences *from = part ? test : set;
        size_t at = 0;
        for (size_t i = 0; i < from->count; i++)
            for (size_t r = 0; r < from->items[i].references && at < MOST; r++, at++)
                for (size_t m = 0, k = 0; m < 3; m++)
                    for (size_t c = 0; c < from->inputs[m]; c++, k++)
                        x[at][k] = from->items[i].row_values[m][r * from->inputs[m] + c];
        for (size_t k = 0; k < WIDTH && !part; k++) {
            double sum = 0, square = 0;
            for (size_t r = 0; r < at; r++) sum += (double)x[r][k] / (double)at;
            for (size_t r = 0; r < at; r++) square += pow((double)x[r][k] - sum, 2) / (double)at;
            mean[k] = sum;
            deviation[k] = sqrt(square);
        }
        for (size_t r = 0; r < at; r++)
            for (size_t k = 0; k < WIDTH; k++)
                x[r][k] =
                    deviation[k] > 1e-9 ? (float)(((double)x[r][k] - mean[k]) / deviation[k]) : 0;
        rows = at;
        for (int round = 0; round < ROUNDS && !part; round++) { /* descent with momentum */
            size_t q = 0;
            for (size_t k = 0; k < WIDTH; k++) slope[k] = l2 * w[k];
            slope[WIDTH] = 0;
            for (size_t i = 0; i < set->count; i++)
                for (size_t r = 0; r < set->items[i].references; r++, q++) {
                    double z = w[WIDTH];
                    for (size_t k = 0; k < WIDTH; k++) z += w[k] * (double)x[q][k];
                    double e = 1 / (1 + exp(-z)) - (double)set->items[i].classes[2 * r + 1];
                    for (size_t k = 0; k < WIDTH; k++) slope[k] += e * (double)x[q][k];
                    slope[WIDTH] += e;
                }
            for (size_t k = 0; k <= WIDTH; k++) {
                step[k] = .9 * step[k] - 1e-5 * slope[k];
                w[k] += step[k];
            }
        }
    }
    for (size_t r = 0; r < rows; r++) {
        double z = w[WIDTH];
        for (size_t k = 0; k < WIDTH; k++) z += w[k] * (double)x[r][k];
        shares[2 * r + 1] = (float)(1 / (1 + exp(-z)));
        shares[2 * r] = 1 - shares[2 * r + 1];
    }
}

/* ---- the table ---- */

/* What one video adds to each measure. */
typedef struct counts {
    double right, rows;
    double level[6], slope[6]; /* n, x, y, xx, yy, xy of the path and of its differences */
    double found, said, there; /* turning points: matched, predicted, true */
} counts;

static void add_pair(double *p, double x, double y) {
    const double by[6] = {1, x, y, x * x, y * y, x * y};
    for (int i = 0; i < 6; i++) p[i] += by[i];
}

/* Shares of the positive class are a path between -1 and 1; a turning point is a change of its sign,
 * found where one is predicted at most an utterance away. */
static counts count_video(const train_sequence *s, const float *row, size_t width) {
    counts c = {.rows = (double)s->references};
    bool used[512] = {false};
    for (size_t r = 0; r < s->references; r++) {
        double x = 2 * (double)row[r * width + 1] - 1, y = (double)s->values[r];
        c.right += (x > 0) == (y > 0);
        add_pair(c.level, x, y);
        if (!r) continue;
        add_pair(c.slope, x - (2 * (double)row[(r - 1) * width + 1] - 1),
                 y - (double)s->values[r - 1]);
        c.said += (x > 0) != (row[(r - 1) * width + 1] > .5f);
        if (s->values[r] == s->values[r - 1]) continue;
        c.there++;
        for (size_t k = r > 1 ? r - 1 : 1; k <= r + 1 && k < s->references && k < 512; k++)
            if (!used[k] && (row[k * width + 1] > .5f) != (row[(k - 1) * width + 1] > .5f)) {
                used[k] = true;
                c.found++;
                break;
            }
    }
    return c;
}

static void join_counts(counts *a, const counts *b) {
    for (size_t i = 0; i < sizeof *a / sizeof(double); i++)
        ((double *)a)[i] += ((const double *)b)[i];
}

static double ccc(const double *p) {
    double mx = p[1] / p[0], my = p[2] / p[0];
    return 2 * (p[5] / p[0] - mx * my) /
           (p[3] / p[0] - mx * mx + p[4] / p[0] - my * my + (mx - my) * (mx - my));
}

enum { MEASURES = 4 };
static void measures_of(const counts *c, double out[MEASURES]) {
    out[0] = 100 * c->right / c->rows;
    out[1] = ccc(c->level);
    out[2] = ccc(c->slope);
    out[3] = c->said + c->there > 0 ? 2 * c->found / (c->said + c->there) : 0;
}

typedef struct judged {
    counts of[SEEDS][64]; /* by seed and video */
} judged;

static void judge_all(const train_sequences *test, const contestant *c, size_t seeds, judged *out) {
    for (size_t k = 0; k < seeds; k++) {
        const float *row = c->shares[k];
        size_t width = c->is_lstm ? 2 : 3;
        for (size_t v = 0; v < test->count && v < 64; v++) {
            out->of[k][v] = count_video(&test->items[v], row, width);
            row += test->items[v].references * width;
        }
    }
}

/* Mean over seeds of each measure, on the videos and seeds that were drawn (NULL: all). */
static void mean_measures(const judged *j, const size_t *seed, size_t seeds, const size_t *video,
                          size_t videos, double out[MEASURES]) {
    memset(out, 0, MEASURES * sizeof *out);
    for (size_t k = 0; k < seeds; k++) {
        counts sum = {0};
        double m[MEASURES];
        for (size_t v = 0; v < videos; v++)
            join_counts(&sum, &j->of[seed ? seed[k] : k][video ? video[v] : v]);
        measures_of(&sum, m);
        for (int i = 0; i < MEASURES; i++) out[i] += m[i] / (double)seeds;
    }
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* a - b with its 95 % interval: seeds and videos drawn anew, the same for both. */
static void compare(const char *what, const judged *a, const judged *b, size_t seeds,
                    size_t videos) {
    enum { ROUNDS = 4000 };
    static double drawn[MEASURES][ROUNDS];
    double x[MEASURES], y[MEASURES];
    train_dice dice = {99, 0};
    for (size_t round = 0; round < ROUNDS; round++) {
        size_t seed[SEEDS], video[64];
        for (size_t k = 0; k < seeds; k++)
            seed[k] = BASE_MIN((size_t)(train_roll(&dice) * (double)seeds), seeds - 1);
        for (size_t v = 0; v < videos; v++)
            video[v] = BASE_MIN((size_t)(train_roll(&dice) * (double)videos), videos - 1);
        mean_measures(a, seed, seeds, video, videos, x);
        mean_measures(b, seed, seeds, video, videos, y);
        for (int i = 0; i < MEASURES; i++) drawn[i][round] = x[i] - y[i];
    }
    mean_measures(a, NULL, seeds, NULL, videos, x);
    mean_measures(b, NULL, seeds, NULL, videos, y);
    printf("%-40s", what);
    for (int i = 0; i < MEASURES; i++) {
        qsort(drawn[i], ROUNDS, sizeof(double), by_size);
        printf(i ? "  %+.3f [%+.3f, %+.3f]" : " %+5.2f [%+.2f, %+.2f]", x[i] - y[i],
               drawn[i][ROUNDS / 40], drawn[i][ROUNDS - 1 - ROUNDS / 40]);
    }
    printf("\n");
}

static affect_status table(affect_context *ctx, const char *folder, const train_sequences *set,
                           contestant *c, size_t count, size_t seeds) {
    train_sequences *test = NULL;
    judged *j = base_calloc(count, sizeof *j);
    affect_status status =
        j ? train_sequences_mosi(ctx, folder, "test", &test) : AFFECT_ERROR_MEMORY;
    if (status) goto cleanup;
    double positive = 0, rows = 0, right = 0, loss = 0, total = 0;
    uint32_t all[64];
    static float shares[2 * MOST];
    for (size_t v = 0; v < test->count; v++) {
        all[v] = (uint32_t)v;
        for (size_t r = 0; r < test->items[v].references; r++, rows++)
            positive += (double)test->items[v].classes[2 * r + 1];
    }
    regress(set, test, shares);
    judge(test, all, test->count, shares, 2, &loss, &right, &total);
    printf("%zu test videos, %.0f utterances, %zu seeds\n", test->count, rows, seeds);
    printf("%-40s %5.2f\n", "majority", 100 * BASE_MAX(positive, rows - positive) / rows);
    printf("%-40s %5.2f\n", "logistic regression", 100 * right / total);
    printf("%-40s %-15s %-10s %-9s %-11s %s\n", "", "accuracy", "CCC", "of slopes", "turning F1",
           "valid (mixed)");
    for (size_t k = 0; k < count && !status; k++) {
        double m[MEASURES], one[SEEDS], sd, ignored[MEASURES];
        status = compete(ctx, set, test, &c[k], seeds);
        if (status) break;
        judge_all(test, &c[k], seeds, &j[k]);
        mean_measures(&j[k], NULL, seeds, NULL, test->count, m);
        for (size_t i = 0; i < seeds; i++) {
            mean_measures(&j[k], &i, 1, NULL, test->count, ignored);
            one[i] = ignored[0];
        }
        (void)mean_of(one, seeds, &sd);
        printf("%-40s %5.2f +- %-6.2f %.3f      %.3f     %.3f       %.2f\n", c[k].name, m[0], sd,
               m[1], m[2], m[3], 100 * mean_of(c[k].valid, seeds, NULL));
        for (size_t i = k == OURS ? 0 : k; k >= OURS && i <= k; i++) {
            char what[80];
            if (i == OURS) continue;
            snprintf(what, sizeof what, "  ours - %s", c[i].name);
            compare(what, &j[OURS], &j[i], seeds, test->count);
        }
        fflush(stdout);
    }
cleanup:
    for (size_t k = 0; k < count; k++)
        for (size_t i = 0; i < SEEDS; i++) base_free(c[k].shares[i]);
    base_free(j);
    train_sequences_destroy(test);
    return status;
}

int main(int argc, char **argv) {
    affect_context *ctx = NULL;
    size_t seeds = SEEDS;
    bool open = false;
    int tries = 0, only = -1;
    static contestant c[MODELS];
    /* Ours: the best of the drawings on validation (docs/fusion.md says which were made). */
    settings ours = {.width = 32,
                     .dropout = .7,
                     .rate = .005,
                     .decay = 1,
                     .context = 8,
                     .mix = 1,
                     .heads = 4,
                     .epochs = 40,
                     .patience = 8,
                     .batch = 16,
                     .value = .1,
                     .slope = .05,
                     .contrast = .03,
                     .rank = .1,
                     .temperature = .2,
                     .softness = 2,
                     .utterance = 3,
                     .path = 16,
                     .own = 1,
                     .steep = 16,
                     .sound = 1};
    settings base = {.width = 64,
                     .dropout = .5,
                     .rate = 2e-3,
                     .decay = .05,
                     .mix = 1,
                     .epochs = 40,
                     .patience = 8,
                     .batch = 8};
    if (argc < 2 || affect_context_create(&ctx)) return 2;
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--test") == 0)
            open = true;
        else if (strcmp(argv[i], "--ours") == 0)
            only = 1;
        else if (strcmp(argv[i], "--lstms") == 0)
            only = 0;
        else if (i + 1 < argc && strcmp(argv[i], "--seeds") == 0)
            seeds = (size_t)atoi(argv[++i]);
        else if (i + 1 < argc && strcmp(argv[i], "--search") == 0)
            tries = atoi(argv[++i]);
        else if (i + 1 < argc && strcmp(argv[i], "--set") == 0 && set_from(&ours, argv[i + 1]))
            i++;
        else if (i + 1 < argc && strcmp(argv[i], "--lstm") == 0 && set_from(&base, argv[i + 1]))
            i++;
        else
            return 2;
    }
    if (seeds < 1 || seeds > SEEDS) seeds = SEEDS;
    train_sequences *set = NULL;
    affect_status status = train_sequences_mosi(ctx, argv[1], "train", &set);
    const settings published = {.width = 128,
                                .dropout = .6,
                                .rate = .002,
                                .decay = .05,
                                .epochs = 40,
                                .patience = 10,
                                .batch = 8};
    c[0] = (contestant){.name = "bc-LSTM, features as they are", .is_lstm = true, .s = published};
    c[1] = (contestant){.name = "bc-LSTM, mixed features", .is_lstm = true, .s = base};
    c[2] = (contestant){.name = "ours", .s = ours};
    static const struct {
        const char *name, *change[3];
    } without[] = {{"no trajectory terms (CE alone)", {"value=0", "slope=0"}},
                   {"no contrast", {"contrast=0", "rank=0"}},
                   {"no attention between modalities", {"apart=1"}},
                   {"no time attention (nearest row)", {"nearest=1"}},
                   {"no own trajectories (step 2)", {"attached=1", "own=0"}},
                   {"hard targets, not trajectories", {"hard=1", "rank=0"}}};
    size_t count = 3;
    for (size_t k = 0; k < BASE_COUNT(without); k++, count++) {
        c[count] = (contestant){.name = without[k].name, .s = ours};
        for (int i = 0; i < 3 && without[k].change[i]; i++)
            (void)set_from(&c[count].s, without[k].change[i]);
    }
    if (tries) {
        status = status ? status : search(ctx, set, &c[2], tries, seeds);
        if (!status) status = search(ctx, set, &c[1], tries, seeds);
    } else if (open) {
        status = status ? status : table(ctx, argv[1], set, c, count, seeds);
    } else {
        for (size_t k = 0; k < count && !status; k++) {
            double started = base_now_s(), sd, mean;
            if (only >= 0 && k != (size_t)(only ? 2 : 1)) continue;
            status = compete(ctx, set, NULL, &c[k], seeds);
            mean = mean_of(c[k].valid, seeds, &sd);
            printf("%-40s valid %.2f +- %.2f   %.1f s\n", c[k].name, 100 * mean, 100 * sd,
                   base_now_s() - started);
            fflush(stdout);
        }
    }
    if (status) fprintf(stderr, "%s\n", affect_context_message(ctx));
    train_sequences_destroy(set);
    affect_context_destroy(ctx);
    return status ? 1 : 0;
}
