/* Statistics of contours. Thresholds and corner cases are those of the eGeMAPS set. */
#include "voice/contour.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- moments ---- */

void voice_contour_moments_add(voice_contour_moments *m, float value) {
    if (m->count++ == 0) m->shift = (double)value;
    double x = (double)value - m->shift;
    m->sum += x;
    m->squares += x * x;
}

float voice_contour_mean(const voice_contour_moments *m) {
    return m->count ? (float)(m->shift + m->sum / (double)m->count) : 0.0f;
}

float voice_contour_variation(const voice_contour_moments *m) {
    if (m->count == 0) return 0.0f;
    double n = (double)m->count, mean = m->sum / n;
    double variance = m->squares / n - mean * mean;
    /* What is left of equal values after rounding is no variance. */
    if (!(variance > 1e-14 * (m->shift * m->shift + m->squares / n))) return 0.0f;
    double whole = (double)voice_contour_mean(m);
    return (float)(sqrt(variance) / (whole == 0.0 ? 1.0 : whole));
}

/* ---- order ---- */

bool voice_contour_values_add(voice_contour_values *values, float value) {
    if (!base_grow((void **)&values->items, &values->capacity, values->count + 1,
                   sizeof *values->items))
        return false;
    values->items[values->count++] = value;
    return true;
}

static int compare(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

void voice_contour_sort(const voice_contour_values *values, float *sorted) {
    if (!values->count) return;
    memcpy(sorted, values->items, values->count * sizeof *sorted);
    qsort(sorted, values->count, sizeof *sorted, compare);
}

float voice_contour_percentile(const float *sorted, size_t count, double p) {
    if (count == 0) return 0.0f;
    double rank = p * (double)(count - 1);
    size_t low = (size_t)floor(rank), high = (size_t)ceil(rank);
    if (low == high) return sorted[low];
    return sorted[low] * (float)((double)high - rank) + sorted[high] * (float)(rank - (double)low);
}

/* ---- peaks ---- */

typedef struct extremum {
    size_t at;
    float value;
    bool maximum, dropped;
} extremum;

/* Small rises: a maximum goes if neither the value before it nor the last accepted minimum lies far
 * enough below; of several on one rise the last that is 5 % higher stays. */
static void drop_small_maxima(extremum *e, size_t n, float first, float threshold) {
    float before = first, minimum = first, maximum = first;
    extremum *kept = NULL;
    bool after_minimum = false;
    for (size_t i = 0; i < n; i++) {
        bool small = fabsf(e[i].value - before) < threshold;
        before = e[i].value;
        if (!e[i].maximum) {
            if (!small) {
                after_minimum = true;
                minimum = e[i].value;
            }
            continue;
        }
        if (small && e[i].value - minimum < threshold) {
            e[i].dropped = true;
            continue;
        }
        bool higher = (double)e[i].value > (double)maximum * 1.05;
        if (small && !higher && !after_minimum) {
            e[i].dropped = true;
        } else {
            if (small && higher && kept) kept->dropped = true;
            maximum = e[i].value;
            kept = &e[i];
        }
        after_minimum = false;
    }
}

static void drop_small_minima(extremum *e, size_t n, float first, float threshold) {
    float maximum = first;
    for (size_t i = 0; i < n; i++) {
        if (e[i].dropped) continue;
        if (e[i].maximum)
            maximum = e[i].value;
        else if (maximum - e[i].value < threshold)
            e[i].dropped = true;
    }
}

/* Of neighbours of one kind the highest maximum and the lowest minimum stay. */
static void alternate(extremum *e, size_t n) {
    extremum *last = NULL;
    for (size_t i = 0; i < n; i++) {
        if (e[i].dropped) continue;
        if (!last || last->maximum != e[i].maximum) {
            last = &e[i];
        } else if (e[i].maximum ? e[i].value > last->value : e[i].value < last->value) {
            last->dropped = true;
            last = &e[i];
        } else {
            e[i].dropped = true;
        }
    }
}

typedef struct slopes {
    float mean, deviation;
    int count;
} slopes;

static void finish_slopes(slopes *s) {
    if (s->count > 1) s->deviation /= (float)s->count;
    s->deviation = s->deviation > 0.0f ? sqrtf(s->deviation) : 0.0f;
}

/* pass 0 sums the slopes, pass 1 their squared distance from the mean */
static int walk_slopes(const voice_contour_values *v, const extremum *e, size_t n, float period,
                       int pass, slopes *rising, slopes *falling, size_t *end) {
    float maximum = v->items[0], minimum = v->items[0];
    size_t maximum_at = 0, minimum_at = 0;
    int last = -1;
    for (size_t i = 0; i < n; i++) {
        if (e[i].dropped) continue;
        slopes *s = e[i].maximum ? rising : falling;
        size_t from = e[i].maximum ? minimum_at : maximum_at;
        if (e[i].maximum) {
            maximum = e[i].value;
            maximum_at = e[i].at;
        } else {
            minimum = e[i].value;
            minimum_at = e[i].at;
        }
        if (e[i].at == from) continue;
        float slope = (maximum - minimum) / ((float)(e[i].at - from) * period);
        if (pass == 0) {
            s->mean += slope;
            s->count++;
        } else {
            s->deviation += (slope - s->mean) * (slope - s->mean);
        }
        last = e[i].maximum ? 1 : 0;
    }
    *end = last == 1 ? maximum_at : minimum_at;
    return last;
}

static void find_slopes(const voice_contour_values *v, const extremum *e, size_t n, float period,
                        voice_contour_peaks *out) {
    slopes rising = {0}, falling = {0};
    size_t from;
    int last = walk_slopes(v, e, n, period, 0, &rising, &falling, &from);
    float final = v->items[v->count - 1];
    if (last >= 0) {
        /* The piece behind the last extremum counts, with its own sign. */
        if (v->count - 1 > from) {
            slopes *s = last == 1 ? &falling : &rising;
            s->mean += (final - v->items[from]) / ((float)(v->count - 1 - from) * period);
            s->count++;
        }
    } else {
        float slope = (final - v->items[0]) / (float)v->count; /* per frame: so defined */
        slopes *s = slope > 0.0f ? &rising : &falling;
        if (slope != 0.0f) *s = (slopes){.mean = slope, .count = 1};
    }
    if (rising.count > 1) rising.mean /= (float)rising.count;
    if (falling.count > 1) falling.mean /= (float)falling.count;
    walk_slopes(v, e, n, period, 1, &rising, &falling, &from);
    finish_slopes(&rising);
    finish_slopes(&falling);
    out->rising_mean = rising.mean;
    out->rising_deviation = rising.deviation;
    out->falling_mean = falling.mean;
    out->falling_deviation = falling.deviation;
}

bool voice_contour_find_peaks(const voice_contour_values *v, float period,
                              voice_contour_peaks *out) {
    *out = (voice_contour_peaks){0};
    if (v->count == 0) return true;
    float low = v->items[0], high = v->items[0];
    for (size_t i = 1; i < v->count; i++) {
        low = v->items[i] < low ? v->items[i] : low;
        high = v->items[i] > high ? v->items[i] : high;
    }
    float threshold = 0.1f * (high - low);
    extremum *e = base_alloc((v->count + 1) * sizeof *e);
    if (!e) return false;
    size_t n = 0;
    for (size_t i = 2; i + 2 < v->count; i++) {
        float a = v->items[i - 1], b = v->items[i], c = v->items[i + 1];
        if (b > a && b > c)
            e[n++] = (extremum){.at = i, .value = b, .maximum = true};
        else if (b < a && b < c)
            e[n++] = (extremum){.at = i, .value = b};
    }
    drop_small_maxima(e, n, v->items[0], threshold);
    drop_small_minima(e, n, v->items[0], threshold);
    alternate(e, n);
    for (size_t i = 0; i < n; i++) out->maxima += e[i].maximum && !e[i].dropped;
    find_slopes(v, e, n, period, out);
    base_free(e);
    return true;
}

/* ---- runs ---- */

enum { OUTSIDE, CANDIDATE, INSIDE };
enum { LEAST_RUN = 3, LEAST_GAP = 2, MOST_RUNS = 1000 };

void voice_contour_runs_reset(voice_contour_runs *r) { memset(r, 0, sizeof *r); }

static void close_run(voice_contour_runs *r, size_t end) {
    if (r->count >= MOST_RUNS) return;
    size_t length = end - r->start;
    r->count++;
    r->total += length;
    r->squares += (double)length * (double)length;
}

void voice_contour_runs_add(voice_contour_runs *r, bool kind) {
    if (kind) {
        if (r->state == OUTSIDE) {
            r->state = CANDIDATE;
            r->in++;
            r->start = r->frame;
        } else if (r->state == CANDIDATE) {
            r->out = 0;
            if (++r->in >= LEAST_RUN) {
                r->in = 0;
                r->state = INSIDE;
            }
        } else {
            r->out = 0;
        }
    } else if (r->state != OUTSIDE) {
        bool inside = r->state == INSIDE;
        if (inside) r->in = 0;
        if (++r->out >= LEAST_GAP) {
            if (inside) close_run(r, r->frame - (size_t)r->out);
            r->state = OUTSIDE;
            r->in = r->out = 0;
        }
    }
    r->frame++;
}

void voice_contour_runs_finish(voice_contour_runs *r) {
    if (r->state == INSIDE) close_run(r, r->frame - (size_t)r->out - 1);
    r->state = OUTSIDE;
}

float voice_contour_runs_mean(const voice_contour_runs *r) {
    return r->count > 1 ? (float)r->total / (float)r->count : (float)r->total;
}

float voice_contour_runs_deviation(const voice_contour_runs *r) {
    if (r->count < 2) return 0.0f;
    double mean = (double)r->total / (double)r->count;
    double variance = r->squares / (double)r->count - mean * mean;
    return variance > 0.0 ? (float)sqrt(variance) : 0.0f;
}
