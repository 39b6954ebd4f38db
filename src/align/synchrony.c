/* Features of a voice and of a mouth, and how well they fit. */
#include "align/synchrony.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "model/model.h"

enum {
    SCALE = 125, /* 2.5 s: a feature's own scale is taken over so many cells to both sides */
    REST = 15,   /* 0.3 s: a shape is compared with its mean over these */
    KEPT = 500,  /* cells */
    ROOM = KEPT + 50
};
/* Variates further out than this are held at it: a Gaussian makes too much of them. */
static const double MOST = 2.5;
static const double range_db = 50; /* softer than that below the loudest is silence */
/* Below these deviations is only the noise of the measuring: they keep a mouth at rest at rest. */
static const double sound_floor[ALIGN_SOUNDS] = {3, .05, .1, .02, 2, 60, 120, .15};
static const double move_floor[ALIGN_MOVES] = {.02, .01, .1, .1, .1, .1, .1, .1, .1, .15, .08};
static const int mouth_taps[ALIGN_MOUTH_TAPS] = {-3, 0, 3};

/* ---- cells by number, the latest of them ---- */

enum { WIDEST = ALIGN_MOVES };
typedef struct cells {
    size_t first, count;
    double values[ROOM][WIDEST];
} cells;

static double *append(cells *c) {
    if (c->count == ROOM) {
        c->count = KEPT;
        c->first += ROOM - KEPT;
        memmove(c->values, c->values + (ROOM - KEPT), KEPT * sizeof *c->values);
    }
    return c->values[c->count++];
}

static int64_t end_of(const cells *c) { return (int64_t)(c->first + c->count); }

/* NULL for what has not come yet or is no longer kept. */
static const double *cell(const cells *c, int64_t k) {
    return k < (int64_t)c->first || k >= end_of(c) ? NULL
                                                   : c->values[(size_t)(k - (int64_t)c->first)];
}

typedef struct moments {
    double n, sum, square;
} moments;

static void add(moments *m, double v) {
    if (!isfinite(v)) return;
    m->n++;
    m->sum += v;
    m->square += v * v;
}

/* How far v is from the mean, in deviations; an unknown value is at the mean. */
static double standardised(const moments *m, double v, double least) {
    if (!isfinite(v) || !(m->n > 0)) return 0;
    double mean = m->sum / m->n, variance = fmax(m->square / m->n - mean * mean, 0);
    return (v - mean) / sqrt(variance + least * least);
}

static double standardise(const cells *c, int64_t k, size_t i, double least, double below) {
    moments m = {0};
    for (int64_t j = k - SCALE; j <= k + SCALE; j++) {
        const double *v = cell(c, j);
        if (v) add(&m, fmax(v[i], below));
    }
    double v = cell(c, k)[i];
    return standardised(&m, isfinite(v) ? fmax(v, below) : v, least);
}

/* ---- a voice ---- */

struct align_sound {
    cells raw, scaled;
    bool ended;
};

align_sound *align_sound_create(size_t first) {
    align_sound *s = base_calloc(1, sizeof *s);
    if (s) s->raw.first = s->scaled.first = first;
    return s;
}

void align_sound_destroy(align_sound *s) { base_free(s); }

static void scale_sound(align_sound *s) {
    for (int64_t k; (k = end_of(&s->scaled)) < end_of(&s->raw);) {
        if (!s->ended && k + SCALE >= end_of(&s->raw)) return;
        double *out = append(&s->scaled), loudest = -INFINITY;
        bool known = false;
        for (size_t i = 0; i < ALIGN_SOUNDS; i++) known = known || isfinite(cell(&s->raw, k)[i]);
        for (int64_t j = k - SCALE; j <= k + SCALE; j++) {
            const double *v = cell(&s->raw, j);
            if (v) loudest = fmax(loudest, v[0]);
        }
        for (size_t i = 0; i < ALIGN_SOUNDS; i++)
            out[i] = known ? standardise(&s->raw, k, i, sound_floor[i],
                                         i == 0 ? loudest - range_db : -INFINITY)
                           : NAN;
    }
}

void align_sound_push(align_sound *s, const double values[ALIGN_SOUNDS]) {
    double *to = append(&s->raw);
    for (size_t i = 0; i < ALIGN_SOUNDS; i++) to[i] = values ? values[i] : NAN;
    scale_sound(s);
}

void align_sound_end(align_sound *s) {
    s->ended = true;
    scale_sound(s);
}

bool align_sound_features(const align_sound *s, size_t k, double out[ALIGN_SOUND_WIDTH]) {
    const double *now = cell(&s->scaled, (int64_t)k);
    if (!now || isnan(now[0])) return false;
    for (int t = 0; t < ALIGN_SOUND_TAPS; t++) {
        const double *v = cell(&s->scaled, (int64_t)k + 2 * (t - ALIGN_SOUND_TAPS / 2));
        for (size_t i = 0; i < ALIGN_SOUNDS; i++)
            out[(size_t)t * ALIGN_SOUNDS + i] = v && isfinite(v[i]) ? v[i] : 0;
    }
    return true;
}

/* ---- a mouth ---- */

struct align_mouth {
    cells raw, smooth, moves, scaled;
    bool ended;
};

align_mouth *align_mouth_create(size_t first) {
    align_mouth *m = base_calloc(1, sizeof *m);
    if (m) m->raw.first = m->smooth.first = m->moves.first = m->scaled.first = first;
    return m;
}

void align_mouth_destroy(align_mouth *m) { base_free(m); }

/* The mean of value i around cell k. */
static double mean_around(const cells *c, int64_t k, int64_t reach, size_t i) {
    moments m = {0};
    for (int64_t j = k - reach; j <= k + reach; j++) {
        const double *v = cell(c, j);
        if (v) add(&m, v[i]);
    }
    return m.n > 0 ? m.sum / m.n : NAN;
}

/* Of one cell, in shapes a second. */
static double speed(const cells *c, int64_t k, size_t i) {
    const double *before = cell(c, k - 1), *after = cell(c, k + 1), *now = cell(c, k);
    double from = before && isfinite(before[i]) ? before[i] : NAN;
    double to = after && isfinite(after[i]) ? after[i] : NAN;
    double cells_between = isfinite(from) && isfinite(to) ? 2 : 1;
    if (!isfinite(from)) from = now[i];
    if (!isfinite(to)) to = now[i];
    return (to - from) / (cells_between * time_to_seconds(ALIGN_CELL));
}

/* Each step as far as its look-ahead allows: smoothed over three cells, as movement, to scale. */
static void follow(align_mouth *m) {
    for (int64_t k; (k = end_of(&m->smooth)) < end_of(&m->raw);) {
        if (!m->ended && k + 1 >= end_of(&m->raw)) break;
        double *out = append(&m->smooth);
        for (size_t i = 0; i < ALIGN_SHAPES; i++)
            out[i] = isfinite(cell(&m->raw, k)[i]) ? mean_around(&m->raw, k, 1, i) : NAN;
    }
    for (int64_t k; (k = end_of(&m->moves)) < end_of(&m->smooth);) {
        if (!m->ended && k + REST >= end_of(&m->smooth)) break;
        double *out = append(&m->moves);
        const double *now = cell(&m->smooth, k);
        for (size_t i = 0; i < ALIGN_SHAPES; i++)
            out[i] = now[i] - mean_around(&m->smooth, k, REST, i);
        for (size_t i = 0; i < ALIGN_MOVES - ALIGN_SHAPES; i++)
            out[ALIGN_SHAPES + i] = speed(&m->smooth, k, i);
    }
    for (int64_t k; (k = end_of(&m->scaled)) < end_of(&m->moves);) {
        if (!m->ended && k + SCALE >= end_of(&m->moves)) break;
        double *out = append(&m->scaled);
        bool known = isfinite(cell(&m->moves, k)[0]);
        for (size_t i = 0; i < ALIGN_MOVES; i++)
            out[i] = known ? standardise(&m->moves, k, i, move_floor[i], -INFINITY) : NAN;
    }
}

void align_mouth_push(align_mouth *m, const double values[ALIGN_SHAPES]) {
    double *to = append(&m->raw);
    for (size_t i = 0; i < ALIGN_SHAPES; i++) to[i] = values ? values[i] : NAN;
    follow(m);
}

void align_mouth_end(align_mouth *m) {
    m->ended = true;
    follow(m);
}

bool align_mouth_features(const align_mouth *m, size_t k, double out[ALIGN_MOUTH_WIDTH]) {
    const double *now = cell(&m->scaled, (int64_t)k);
    if (!now || isnan(now[0])) return false;
    for (size_t t = 0; t < ALIGN_MOUTH_TAPS; t++) {
        const double *v = cell(&m->scaled, (int64_t)k + mouth_taps[t]);
        for (size_t i = 0; i < ALIGN_MOVES; i++)
            out[t * ALIGN_MOVES + i] = v && isfinite(v[i]) ? v[i] : 0;
    }
    return true;
}

double align_mouth_speed(const align_mouth *m, size_t k) {
    const double *v = cell(&m->moves, (int64_t)k);
    return v ? v[ALIGN_SHAPES] : NAN;
}

/* ---- weights ---- */

static bool read_numbers(const json_t *list, double *out, size_t count) {
    if (json_array_size(list) != count) return false;
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_array_get(list, i);
        out[i] = json_is_number(value) ? json_number_value(value) : NAN;
        if (!(fabs(out[i]) < 1e6)) return false;
    }
    return true;
}

affect_status align_synchrony_parse(affect_context *ctx, const char *where, const char *text,
                                    size_t length, align_synchrony **out) {
    *out = NULL;
    json_error_t error;
    json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    if (!root)
        return base_fail(ctx, AFFECT_ERROR_MODEL, "%s:%d: not valid JSON: %s", where, error.line,
                         error.text);
    align_synchrony *s = base_calloc(1, sizeof *s);
    affect_status status = s ? AFFECT_OK : base_fail_memory(ctx);
    bool whole =
        s && read_numbers(json_object_get(root, "sound_mean"), s->sound_mean, ALIGN_SOUND_WIDTH) &&
        read_numbers(json_object_get(root, "mouth_mean"), s->mouth_mean, ALIGN_MOUTH_WIDTH) &&
        read_numbers(json_object_get(root, "correlation"), s->correlation, ALIGN_VARIATES);
    for (size_t v = 0; v < ALIGN_VARIATES && whole; v++)
        whole = s->correlation[v] >= 0 && s->correlation[v] < 1 &&
                read_numbers(json_array_get(json_object_get(root, "sound"), v), s->sound[v],
                             ALIGN_SOUND_WIDTH) &&
                read_numbers(json_array_get(json_object_get(root, "mouth"), v), s->mouth[v],
                             ALIGN_MOUTH_WIDTH);
    json_decref(root);
    if (s && !whole)
        status = base_fail(ctx, AFFECT_ERROR_MODEL,
                           "%s: \"sound_mean\" must be %d numbers, \"mouth_mean\" %d, "
                           "\"correlation\" %d from 0 to below 1, and \"sound\" and \"mouth\" so "
                           "many lists",
                           where, ALIGN_SOUND_WIDTH, ALIGN_MOUTH_WIDTH, ALIGN_VARIATES);
    if (status == AFFECT_OK)
        *out = s;
    else
        base_free(s);
    return status;
}

affect_status align_synchrony_load(affect_context *ctx, const char *model, align_synchrony **out) {
    *out = NULL;
    char *path, *text;
    size_t length = 0;
    affect_status status =
        model_card_text(ctx, model ? model : "align.synchrony", false, &path, &text, &length);
    if (status == AFFECT_OK) status = align_synchrony_parse(ctx, path, text, length, out);
    base_free(path);
    base_free(text);
    return status;
}

void align_synchrony_destroy(align_synchrony *s) { base_free(s); }

static void project(const double *weights, const double *mean, const double *features, size_t width,
                    double out[ALIGN_VARIATES]) {
    for (size_t v = 0; v < ALIGN_VARIATES; v++) {
        double sum = 0;
        for (size_t i = 0; i < width; i++) sum += weights[v * width + i] * (features[i] - mean[i]);
        out[v] = sum;
    }
}

void align_sound_variates(const align_synchrony *s, const double *features,
                          double out[ALIGN_VARIATES]) {
    project(s->sound[0], s->sound_mean, features, ALIGN_SOUND_WIDTH, out);
}

void align_mouth_variates(const align_synchrony *s, const double *features,
                          double out[ALIGN_VARIATES]) {
    project(s->mouth[0], s->mouth_mean, features, ALIGN_MOUTH_WIDTH, out);
}

double align_synchrony_ratio(const align_synchrony *s, const double x[ALIGN_VARIATES],
                             const double y[ALIGN_VARIATES]) {
    double sum = 0;
    for (size_t v = 0; v < ALIGN_VARIATES; v++) {
        double r = s->correlation[v], left = 1 - r * r;
        double a = fmax(-MOST, fmin(MOST, x[v])), b = fmax(-MOST, fmin(MOST, y[v]));
        sum -= .5 * log(left) + (r * r * (a * a + b * b) - 2 * r * a * b) / (2 * left);
    }
    return sum;
}
