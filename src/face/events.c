/* Facial events from action units: gestures (smile, brow_raise, brow_furrow) by hysteresis, and
 * short excursions (blink, micro_expression: 40 to 500 ms from onset to offset) around each local
 * peak in a window of a second. */
#include <math.h>
#include <string.h>

#include "face/face_private.h"

enum { WINDOW = 256 };

/* ---- gestures ---- */

typedef struct gesture_kind {
    const char *kind;
    float on, off;     /* intensity 0..5 to begin, to end */
    double shortest_s; /* shorter ones are not gestures */
} gesture_kind;

static const gesture_kind gestures[] = {
    {"smile", 1.5f, 0.8f, 0.3},
    {"brow_raise", 1.5f, 0.8f, 0.16},
    {"brow_furrow", 1.5f, 0.8f, 0.16},
};
enum { GESTURES = BASE_COUNT(gestures) };
static const affect_time bridge = 150 * AFFECT_MILLISECOND; /* a dip this short does not end one */

typedef struct gesture {
    bool rising, on;
    affect_time onset, apex, last_above;
    float peak;
    double confidence, rows;
} gesture;

/* ---- excursions ---- */

enum {
    SIGNAL_EYES, /* closure */
    SIGNAL_BROW_UP,
    SIGNAL_BROW_DOWN,
    SIGNAL_NOSE,
    SIGNAL_CORNERS_UP,
    SIGNAL_CORNERS_DOWN,
    SIGNALS
};

static const affect_time shortest = 40 * AFFECT_MILLISECOND, longest = 500 * AFFECT_MILLISECOND;
static const float blink_depth = 0.13f; /* of the open eye */
static const float micro_height = 1.0f; /* intensity */
static const float noise_ratio = 6.0f;  /* height over the typical step between frames */
static const float still_mouth = 1.0f;  /* spreads the lips may move beside a mouth signal */
static const float still_head = 5.0f;   /* degrees the head may turn */

struct face_events {
    affect_timeline *timeline;
    const char *model;
    int person;
    gesture gestures[GESTURES];
    size_t count;
    struct {
        face_moment m;
        float signals[SIGNALS];
    } window[WINDOW];
    affect_time last_peak[SIGNALS], last_micro, last_blink_end;
};

affect_status face_events_create(affect_context *ctx, affect_timeline *timeline, int person,
                                 const char *model, face_events **out) {
    *out = base_calloc(1, sizeof **out);
    if (!*out) return base_fail_memory(ctx);
    (*out)->timeline = timeline;
    (*out)->person = person;
    (*out)->model = model;
    (*out)->last_micro = (*out)->last_blink_end = AFFECT_TIME_NONE;
    for (int s = 0; s < SIGNALS; s++) (*out)->last_peak[s] = AFFECT_TIME_NONE;
    return AFFECT_OK;
}

void face_events_destroy(face_events *e) { base_free(e); }

static affect_status add(affect_context *ctx, face_events *e, const char *kind, affect_time onset,
                         affect_time apex, affect_time offset, float strength, float confidence) {
    affect_event event = {.onset = onset,
                          .apex = apex,
                          .offset = offset,
                          .kind = kind,
                          .modality = AFFECT_MODALITY_FACE,
                          .person = e->person,
                          .strength = fmaxf(0, fminf(1, strength)),
                          .confidence = fmaxf(0, fminf(1, confidence)),
                          .model = e->model};
    return timeline_add_event(ctx, e->timeline, &event);
}

static affect_status end_gesture(affect_context *ctx, face_events *e, size_t i) {
    gesture *g = &e->gestures[i];
    affect_status status = AFFECT_OK;
    if (g->on && time_to_seconds(g->last_above - g->onset) >= gestures[i].shortest_s) {
        float mean = (float)(g->confidence / fmax(1, g->rows));
        float sure = (g->peak - gestures[i].off) / (g->peak + 0.5f);
        status = add(ctx, e, gestures[i].kind, g->onset, g->apex, g->last_above, g->peak / 5,
                     mean * sure);
    }
    *g = (gesture){0};
    return status;
}

static affect_status push_gesture(affect_context *ctx, face_events *e, size_t i, affect_time now,
                                  float value, float confidence) {
    gesture *g = &e->gestures[i];
    if (g->rising && (value < gestures[i].off || isnan(value)) && now - g->last_above > bridge) {
        affect_status status = end_gesture(ctx, e, i);
        if (status) return status;
    }
    if (!(value >= gestures[i].off)) return AFFECT_OK;
    if (!g->rising) *g = (gesture){.rising = true, .onset = now, .apex = now};
    if (value > g->peak) {
        g->peak = value;
        g->apex = now;
    }
    g->on |= value >= gestures[i].on;
    g->last_above = now;
    g->confidence += (double)confidence;
    g->rows++;
    return AFFECT_OK;
}

/* ---- excursions ---- */

typedef struct excursion {
    size_t onset, apex, offset; /* window indices */
    float height, base;
} excursion;

static affect_time at(const face_events *e, size_t i) { return e->window[i].m.time; }

/* The excursion whose peak is at window index c: rises from and returns to a base within half a
 * second on both sides. */
static bool find_excursion(const face_events *e, int s, size_t c, excursion *out) {
    float peak = e->window[c].signals[s], left = peak, right = peak;
    size_t a = c, b = c;
    for (size_t i = c; i-- > 0 && at(e, c) - at(e, i) <= longest;) {
        if (e->window[i].signals[s] >= peak) break; /* the first of equal heights is the peak */
        left = fminf(left, e->window[i].signals[s]);
        a = i;
    }
    for (size_t i = c + 1; i < e->count && at(e, i) - at(e, c) <= longest; i++) {
        if (e->window[i].signals[s] > peak) break;
        right = fminf(right, e->window[i].signals[s]);
        b = i;
    }
    float base = fmaxf(left, right), foot = base + 0.2f * (peak - base);
    if (a == c || b == c || !(peak > base)) return false;
    size_t onset = c, offset = c;
    while (onset > a && e->window[onset].signals[s] > foot) onset--;
    while (offset < b && e->window[offset].signals[s] > foot) offset++;
    *out = (excursion){onset, c, offset, peak - base, base};
    affect_time width = at(e, offset) - at(e, onset);
    return width >= shortest && width <= longest && e->window[onset].signals[s] <= foot &&
           e->window[offset].signals[s] <= foot;
}

/* Median-like size of a step between frames in the window: its noise. */
static float step_size(const face_events *e, int s) {
    float steps[WINDOW];
    size_t n = 0;
    for (size_t i = 1; i < e->count; i++) {
        float step = fabsf(e->window[i].signals[s] - e->window[i - 1].signals[s]);
        size_t k = n++;
        while (k > 0 && steps[k - 1] > step) {
            steps[k] = steps[k - 1];
            k--;
        }
        steps[k] = step;
    }
    return n ? steps[n / 2] : 0;
}

static float range_of(const face_events *e, size_t a, size_t b, float (*get)(const face_moment *)) {
    float lo = INFINITY, hi = -INFINITY;
    for (size_t i = a; i <= b; i++) {
        lo = fminf(lo, get(&e->window[i].m));
        hi = fmaxf(hi, get(&e->window[i].m));
    }
    return hi - lo;
}
static float get_mouth(const face_moment *m) { return m->mouth_open; }
static float get_yaw(const face_moment *m) { return m->yaw; }
static float get_pitch(const face_moment *m) { return m->pitch; }

static float mean_confidence(const face_events *e, size_t a, size_t b) {
    double sum = 0;
    for (size_t i = a; i <= b; i++) sum += (double)e->window[i].m.confidence;
    return (float)(sum / (double)(b - a + 1));
}

static affect_status look_at(affect_context *ctx, face_events *e, size_t c) {
    excursion x;
    if (find_excursion(e, SIGNAL_EYES, c, &x)) {
        /* The signal is minus the aperture, so that the open eye is -base. */
        float depth = x.height / fmaxf(-x.base, 0.05f);
        if (depth >= blink_depth && x.height > noise_ratio * step_size(e, SIGNAL_EYES) &&
            at(e, x.onset) != e->last_peak[SIGNAL_EYES]) {
            e->last_blink_end = at(e, x.offset);
            /* The mesh follows lids halfway: a full closure reads as about half the aperture. */
            return add(ctx, e, "blink", at(e, x.onset), at(e, x.apex), at(e, x.offset), 2 * depth,
                       mean_confidence(e, x.onset, x.offset) * fminf(1, depth / 0.3f));
        }
    }
    for (int s = SIGNAL_BROW_UP; s < SIGNALS; s++) {
        if (!find_excursion(e, s, c, &x) || x.height < micro_height) continue;
        if (x.height < noise_ratio * step_size(e, s)) continue;
        if (range_of(e, x.onset, x.offset, get_yaw) > still_head ||
            range_of(e, x.onset, x.offset, get_pitch) > still_head)
            continue;
        if (s >= SIGNAL_NOSE && range_of(e, 0, e->count - 1, get_mouth) > still_mouth) continue;
        excursion lids; /* lids pull brows and cheeks along */
        if (find_excursion(e, SIGNAL_EYES, x.apex, &lids) && lids.height > blink_depth * -lids.base)
            continue;
        if (e->last_blink_end != AFFECT_TIME_NONE && at(e, x.onset) < e->last_blink_end) continue;
        if (e->last_micro != AFFECT_TIME_NONE && at(e, x.onset) < e->last_micro) continue;
        e->last_micro = at(e, x.offset);
        return add(ctx, e, "micro_expression", at(e, x.onset), at(e, x.apex), at(e, x.offset),
                   x.height / 5, mean_confidence(e, x.onset, x.offset) * x.height / (x.height + 2));
    }
    return AFFECT_OK;
}

static void drop(face_events *e, size_t n) {
    memmove(e->window, e->window + n, (e->count - n) * sizeof *e->window);
    e->count -= n;
}

static affect_status push_window(affect_context *ctx, face_events *e, const face_moment *m) {
    /* A break in the rows (lost face) begins a new window. */
    if (e->count && m->time - at(e, e->count - 1) > 250 * AFFECT_MILLISECOND) e->count = 0;
    if (e->count == WINDOW) drop(e, 1);
    size_t i = e->count++;
    e->window[i].m = *m;
    float *s = e->window[i].signals;
    s[SIGNAL_EYES] = -m->eye_open;
    s[SIGNAL_BROW_UP] = 0.5f * (m->units[UNIT_AU01] + m->units[UNIT_AU02]);
    s[SIGNAL_BROW_DOWN] = m->units[UNIT_AU04];
    s[SIGNAL_NOSE] = 0.5f * (m->units[UNIT_AU09] + m->units[UNIT_AU10]);
    s[SIGNAL_CORNERS_UP] = m->units[UNIT_AU12];
    s[SIGNAL_CORNERS_DOWN] = m->units[UNIT_AU15];
    /* Look at the moments that now have half a second of future, each once. */
    affect_status status = AFFECT_OK;
    size_t from = 0, to = 0;
    while (to < e->count && m->time - at(e, to) > longest) to++;
    if (to > 0) {
        from = to - 1;
        if (i > 0)
            while (from > 0 && at(e, i - 1) - at(e, from) <= longest) from--;
        for (size_t c = from; !status && c < to; c++)
            if (i == 0 || at(e, i - 1) - at(e, c) <= longest) status = look_at(ctx, e, c);
    }
    size_t old = 0;
    while (old < e->count && m->time - at(e, old) > 3 * longest) old++;
    if (old) drop(e, old);
    return status;
}

affect_status face_events_push(affect_context *ctx, face_events *e, const face_moment *m) {
    const float values[GESTURES] = {m->units[UNIT_AU12],
                                    0.5f * (m->units[UNIT_AU01] + m->units[UNIT_AU02]),
                                    m->units[UNIT_AU04]};
    affect_status status = AFFECT_OK;
    for (size_t i = 0; !status && i < GESTURES; i++)
        status = push_gesture(ctx, e, i, m->time, values[i], m->confidence);
    return status ? status : push_window(ctx, e, m);
}

affect_status face_events_finish(affect_context *ctx, face_events *e) {
    affect_status status = AFFECT_OK;
    for (size_t i = 0; !status && i < GESTURES; i++) status = end_gesture(ctx, e, i);
    return status;
}
