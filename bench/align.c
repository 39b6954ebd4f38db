/* What the alignment tools are worth, on lags that are known because they were put in.
 *
 * usage: bench-align FOLDER [--every N] [--pairs N]      (FOLDER: the shared data)
 *
 * Recordings: the clips of one Java-SED actor, one after the other, and the same for the GRID and
 * SadTalker clips; face events and voice events as `affect analyze` finds them. Known truth: the
 * events of one modality against a copy of themselves that comes late by a constant or slowly
 * drifting lag of up to 1.2 s, each apex moved by 80 ms more or less, 30 % of the events dropped and
 * as many others of the same modality of another recording put in at a third of their number.
 * Unrelated: face events of one recording against voice events of another, from random places.
 *
 * Then the speeds that docs/benchmarks.md prints. */
#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "affect/affect.h"
#include "base/base.h"

enum { MODALITIES = 2, MOST_RECORDINGS = 32, MOST_EVENTS = 4096 };

typedef struct sequence {
    size_t count, capacity;
    affect_align_event *items;
} sequence;

typedef struct recording {
    char name[64];
    double length_s;
    sequence events[MODALITIES]; /* of the face, of the voice */
} recording;

static recording recordings[MOST_RECORDINGS];
static size_t recording_count;

static uint64_t noise_state = 20261129;
static double uniform(void) {
    uint64_t z = noise_state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return ((double)((z ^ (z >> 31)) >> 11) + 0.5) / 9007199254740992.0;
}
static double normal(void) {
    return sqrt(-2 * log(uniform())) * cos(2 * 3.14159265358979323846 * uniform());
}

static void add(sequence *s, affect_align_event event) {
    if (!base_grow((void **)&s->items, &s->capacity, s->count + 1, sizeof *s->items)) exit(1);
    s->items[s->count++] = event;
}

/* ---- real recordings ---- */

static recording *named(const char *name) {
    for (size_t i = 0; i < recording_count; i++)
        if (!strcmp(recordings[i].name, name)) return &recordings[i];
    if (recording_count == MOST_RECORDINGS) return NULL;
    snprintf(recordings[recording_count].name, sizeof recordings[0].name, "%s", name);
    return &recordings[recording_count++];
}

static void append_clip(affect_context *ctx, const char *path, const char *name) {
    affect_options *options;
    affect_timeline *t;
    recording *r = named(name);
    if (!r || affect_options_create(ctx, &options)) return;
    affect_options_set_words(options, 0);
    affect_status status = affect_analyze(ctx, path, options, &t);
    affect_options_destroy(options);
    if (status) {
        fprintf(stderr, "%s: %s\n", path, affect_context_message(ctx));
        return;
    }
    for (size_t i = 0; i < affect_timeline_event_count(t); i++) {
        const affect_event *e = affect_timeline_event(t, i);
        int which = e->modality == AFFECT_MODALITY_FACE    ? 0
                    : e->modality == AFFECT_MODALITY_VOICE ? 1
                                                           : -1;
        if (which < 0 || !(e->strength > 0)) continue;
        add(&r->events[which], (affect_align_event){r->length_s + (double)e->apex * 1e-9, 0,
                                                    (double)e->strength, NAN, NAN});
    }
    r->length_s += (double)affect_timeline_duration(t) * 1e-9;
    affect_timeline_destroy(t);
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Every N-th file of a folder whose name ends in `ending`; the recording is named by the first
 * `letters` of the file's name. */
static void append_folder(affect_context *ctx, const char *folder, const char *ending,
                          size_t letters, const char *prefix, int every) {
    DIR *dir = opendir(folder);
    char *names[2048];
    size_t count = 0;
    for (struct dirent *e; dir && (e = readdir(dir)) && count < BASE_COUNT(names);)
        if (base_ends_with(e->d_name, ending)) names[count++] = base_strdup(e->d_name);
    if (dir) closedir(dir);
    qsort(names, count, sizeof *names, by_name);
    for (size_t i = 0; i < count; i++) {
        char path[4096], name[64];
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        snprintf(name, sizeof name, "%s%.*s", prefix, (int)letters, names[i]);
        if (i % (size_t)every == 0) append_clip(ctx, path, name);
        base_free(names[i]);
    }
}

/* ---- known truth ---- */

typedef struct truth {
    double lag_s, swing_s, period_s, phase; /* lag(t) = lag + swing sin(2 pi t / period + phase) */
} truth;

static double truth_at(const truth *t, double at_s) {
    return t->lag_s + t->swing_s * sin(2 * 3.14159265358979323846 * at_s / t->period_s + t->phase);
}

typedef struct pair {
    sequence a, b;
    size_t *partner; /* of each event of b, or SIZE_MAX */
    size_t partner_capacity;
    double length_s;
} pair;

static void pair_destroy(pair *p) {
    base_free(p->a.items);
    base_free(p->b.items);
    base_free(p->partner);
    *p = (pair){0};
}

static void add_partner(pair *p, affect_align_event event, size_t partner) {
    add(&p->b, event);
    if (!base_grow((void **)&p->partner, &p->partner_capacity, p->b.count, sizeof *p->partner))
        exit(1);
    p->partner[p->b.count - 1] = partner;
}

/* A stretch of `length_s` of one modality from a random place. */
static void cut(const recording *r, int modality, double length_s, sequence *out) {
    double from = uniform() * fmax(r->length_s - length_s, 0);
    for (size_t i = 0; i < r->events[modality].count; i++) {
        affect_align_event e = r->events[modality].items[i];
        e.time_s -= from;
        if (e.time_s >= 0 && e.time_s < length_s) add(out, e);
    }
}

static pair related(const recording *r, const recording *other, int modality, double length_s,
                    const truth *t) {
    pair p = {.length_s = length_s};
    sequence strangers = {0};
    cut(r, modality, length_s, &p.a);
    cut(other, modality, length_s, &strangers);
    for (size_t i = 0; i < p.a.count; i++) {
        affect_align_event e = p.a.items[i];
        if (uniform() < 0.3) continue;
        e.time_s += truth_at(t, e.time_s) + 0.08 * normal();
        e.strength *= exp(0.3 * normal());
        if (e.time_s >= 0 && e.time_s < length_s) add_partner(&p, e, i);
    }
    for (size_t i = 0; i < strangers.count && i < p.a.count / 3; i++)
        add_partner(&p, strangers.items[(i * 7919) % strangers.count], SIZE_MAX);
    base_free(strangers.items);
    return p;
}

/* ---- the peers ---- */

enum { STEP_MS = 30 };

static size_t activity(const sequence *s, double length_s, double *times, double *values) {
    size_t rows = (size_t)(length_s * 1000 / STEP_MS);
    for (size_t k = 0; k < rows; k++) {
        times[k] = (double)k * STEP_MS * 1e-3;
        values[k] = 0;
        for (size_t i = 0; i < s->count; i++) {
            double d = (times[k] - s->items[i].time_s) / 0.15;
            if (fabs(d) < 5) values[k] += s->items[i].strength * exp(-0.5 * d * d);
        }
    }
    return rows;
}

/* The lag with the highest plain cross-correlation, on the grid. */
static double plain_correlation(const double *a, const double *b, size_t n, int reach) {
    double best = -2, at = 0;
    for (int lag = -reach; lag <= reach; lag++) {
        size_t from = lag < 0 ? (size_t)-lag : 0, to = lag > 0 ? n - (size_t)lag : n;
        double r = affect_score_pearson(a + from, b + (ptrdiff_t)from + lag, to - from);
        if (r > best) best = r, at = lag * STEP_MS * 1e-3;
    }
    return at;
}

/* The median offset along the DTW path. */
static double dtw_offset(affect_context *ctx, const double *a, const double *b, size_t n,
                         double *scratch) {
    affect_align_pair *path = base_alloc(2 * n * sizeof *path);
    size_t length = 0, count = 0;
    double distance;
    if (!path || affect_align_dtw(ctx, a, n, b, n, 1, 2.0 / ((double)n * STEP_MS * 1e-3), &distance,
                                  path, &length))
        exit(1);
    for (size_t k = 0; k < length; k++)
        scratch[count++] = ((double)path[k].j - (double)path[k].i) * STEP_MS * 1e-3;
    for (size_t i = 1; i < count; i++) { /* insertion sort: nearly sorted runs */
        double v = scratch[i];
        size_t k = i;
        for (; k > 0 && scratch[k - 1] > v; k--) scratch[k] = scratch[k - 1];
        scratch[k] = v;
    }
    base_free(path);
    return count ? scratch[count / 2] : 0;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}
static double quantile(double *values, size_t count, double q) {
    qsort(values, count, sizeof *values, by_value);
    return count ? values[(size_t)(q * (double)(count - 1) + 0.5)] : NAN;
}

/* ---- tables ---- */

enum { OURS_EVENTS, OURS_SERIES, PLAIN, DTW, INFORMATION, METHODS };
static const char *const method_names[METHODS] = {"events, matched", "series, posterior peak",
                                                  "plain cross-correlation", "DTW, median offset",
                                                  "Gaussian mutual information"};

static void constant_table(affect_context *ctx, size_t pairs) {
    static double error[METHODS][8192], times[8192], va[8192], vb[8192], scratch[16384];
    size_t count = 0, claimed = 0, claimed_path = 0, covered = 0;
    double f1 = 0;
    for (size_t k = 0; k < pairs; k++) {
        const recording *r = &recordings[k % recording_count];
        const recording *other = &recordings[(k + 1 + k / recording_count) % recording_count];
        double length = fmin(15 + 45 * uniform(), r->length_s);
        truth t = {2.4 * uniform() - 1.2, 0, 1, 0};
        pair p = related(r, other, (int)(k / recording_count % 2), length, &t);
        if (p.a.count < 5 || p.b.count < 5) {
            pair_destroy(&p);
            continue;
        }
        affect_align_lag lag, series, information;
        affect_align_lags *lags;
        affect_align_options o = AFFECT_ALIGN_DEFAULTS, info = AFFECT_ALIGN_DEFAULTS;
        info.measure = AFFECT_ALIGN_INFORMATION;
        size_t n = activity(&p.a, length, times, va);
        activity(&p.b, length, times, vb);
        affect_align_series sa = {n, 1, times, va}, sb = {n, 1, times, vb};
        if (affect_align_event_lag(ctx, p.a.items, p.a.count, p.b.items, p.b.count, 0, length, 0.15,
                                   &o, &lag) ||
            affect_align_lags_estimate(ctx, &sa, &sb, &o, &lags) ||
            affect_align_lag_estimate(ctx, &sa, &sb, &info, &information))
            exit(1);
        series = *affect_align_lags_constant(lags);
        claimed += lag.p < 0.05;
        claimed_path += affect_align_lags_p(lags) < 0.05;
        covered += fabs(lag.lag_s - t.lag_s) < 1.96 * lag.sd_s;
        affect_align_lags_destroy(lags);
        int reach = (int)(1500 / STEP_MS);
        const double found[METHODS] = {lag.lag_s, series.lag_s, plain_correlation(va, vb, n, reach),
                                       dtw_offset(ctx, va, vb, n, scratch), information.lag_s};
        for (int m = 0; m < METHODS; m++) error[m][count] = fabs(found[m] - t.lag_s);
        affect_align_match *matches = base_alloc(p.a.count * sizeof *matches);
        affect_align_match_options mo = AFFECT_ALIGN_MATCH_DEFAULTS;
        mo.lag_s = lag.lag_s;
        mo.lag_sd_s = 0.15;
        size_t made = 0, hits = 0, partners = 0;
        if (!matches || affect_align_match_events(ctx, p.a.items, p.a.count, p.b.items, p.b.count,
                                                  &mo, matches, &made, NULL))
            exit(1);
        for (size_t i = 0; i < made; i++) hits += p.partner[matches[i].b] == matches[i].a;
        for (size_t i = 0; i < p.b.count; i++) partners += p.partner[i] != SIZE_MAX;
        if (made + partners) f1 += 2.0 * (double)hits / (double)(made + partners);
        base_free(matches);
        pair_destroy(&p);
        count++;
    }
    printf("\nconstant lag, %zu related pairs of 15 to 60 s\n", count);
    printf("  %-28s %18s %10s\n", "method", "median |error| ms", "90 %");
    for (int m = 0; m < METHODS; m++)
        printf("  %-28s %18.0f %10.0f\n", method_names[m], quantile(error[m], count, 0.5) * 1e3,
               quantile(error[m], count, 0.9) * 1e3);
    printf("  a lag is claimed (p < .05) for %.1f %% from events, %.1f %% from series; its 95 %% "
           "interval holds the truth in %.1f %%\n",
           100.0 * (double)claimed / (double)count, 100.0 * (double)claimed_path / (double)count,
           100.0 * (double)covered / (double)count);
    printf("  event matching: mean F1 %.3f\n", f1 / (double)count);
}

static void drift_table(affect_context *ctx, size_t pairs) {
    static double error[3][65536], times[8192], va[8192], vb[8192], scratch[16384];
    size_t count = 0, claimed = 0, used = 0;
    for (size_t k = 0; k < pairs; k++) {
        const recording *r = &recordings[k % recording_count];
        const recording *other = &recordings[(k + 1 + k / recording_count) % recording_count];
        double length = fmin(30 + 60 * uniform(), r->length_s);
        truth t = {0.8 * uniform() - 0.4, 0.2 + 0.6 * uniform(), 40 + 80 * uniform(),
                   6.28 * uniform()};
        pair p = related(r, other, (int)(k / recording_count % 2), length, &t);
        if (p.a.count < 8 || p.b.count < 8 || length < 20) {
            pair_destroy(&p);
            continue;
        }
        affect_align_lags *lags;
        affect_align_options o = AFFECT_ALIGN_DEFAULTS;
        size_t n = activity(&p.a, length, times, va);
        activity(&p.b, length, times, vb);
        affect_align_series sa = {n, 1, times, va}, sb = {n, 1, times, vb};
        if (affect_align_lags_estimate(ctx, &sa, &sb, &o, &lags)) exit(1);
        claimed += affect_align_lags_p(lags) < 0.05;
        double plain = plain_correlation(va, vb, n, (int)(1500 / STEP_MS));
        double dtw = dtw_offset(ctx, va, vb, n, scratch);
        for (size_t i = 0; i < affect_align_lags_count(lags) && count < BASE_COUNT(error[0]); i++) {
            const affect_align_step *step = affect_align_lags_step(lags, i);
            double want = truth_at(&t, (step->t0_s + step->t1_s) / 2);
            error[0][count] = fabs(step->lag_s - want);
            error[1][count] = fabs(plain - want);
            error[2][count++] = fabs(dtw - want);
        }
        affect_align_lags_destroy(lags);
        pair_destroy(&p);
        used++;
    }
    printf("\ndrifting lag (swing .2 to .8 s, period 40 to 120 s), %zu related pairs\n", used);
    static const char *const names[] = {"path of lags", "plain cross-correlation",
                                        "DTW, median offset"};
    for (int m = 0; m < 3; m++)
        printf("  %-28s %18.0f %10.0f\n", names[m], quantile(error[m], count, 0.5) * 1e3,
               quantile(error[m], count, 0.9) * 1e3);
    printf("  a lag is claimed (p < .05) for %.1f %%\n", 100.0 * (double)claimed / (double)used);
}

static void unrelated_table(affect_context *ctx, size_t pairs) {
    static double times[8192], va[8192], vb[8192];
    size_t used = 0, events = 0, series = 0;
    for (size_t k = 0; used < pairs && k < 20 * pairs; k++) {
        const recording *r = &recordings[(size_t)(uniform() * (double)recording_count)];
        const recording *other = &recordings[(size_t)(uniform() * (double)recording_count)];
        if (r == other) continue;
        double length = fmin(15 + 45 * uniform(), fmin(r->length_s, other->length_s));
        pair p = {0};
        cut(r, 0, length, &p.a);
        cut(other, 1, length, &p.b);
        if (p.a.count >= 5 && p.b.count >= 5) {
            affect_align_lag lag;
            affect_align_lags *lags;
            size_t n = activity(&p.a, length, times, va);
            activity(&p.b, length, times, vb);
            affect_align_series sa = {n, 1, times, va}, sb = {n, 1, times, vb};
            if (affect_align_event_lag(ctx, p.a.items, p.a.count, p.b.items, p.b.count, 0, length,
                                       0.15, NULL, &lag) ||
                affect_align_lags_estimate(ctx, &sa, &sb, NULL, &lags))
                exit(1);
            events += lag.p < 0.05;
            series += affect_align_lags_p(lags) < 0.05;
            affect_align_lags_destroy(lags);
            used++;
        }
        pair_destroy(&p);
    }
    printf(
        "\n%zu unrelated pairs: a lag is claimed (p < .05) for %.1f %% from events, %.1f %% from "
        "series\n",
        used, 100.0 * (double)events / (double)used, 100.0 * (double)series / (double)used);
}

/* ---- speed ---- */

static double cpu_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void speeds(affect_context *ctx) {
    enum { N = 10000, HOUR = 360000 };
    double *a = base_alloc(HOUR * sizeof *a), *b = base_alloc(HOUR * sizeof *b);
    double *times = base_alloc(HOUR * sizeof *times), *gradient = base_alloc(500 * sizeof *a);
    affect_align_pair *path = base_alloc(2 * N * sizeof *path);
    if (!a || !b || !times || !gradient || !path) exit(1);
    a[0] = b[0] = 0;
    for (size_t k = 0; k < HOUR; k++) {
        times[k] = (double)k * 0.01;
        a[k] = (k ? 0.98 * a[k - 1] : 0) + normal();
        b[k] = (k ? 0.98 * b[k - 1] : 0) + normal();
    }
    double best[4] = {1e9, 1e9, 1e9, 1e9};
    for (int round = 0; round < 3; round++) {
        double value, start = cpu_s();
        size_t length;
        affect_align_lag lag;
        /* 10 % of the columns a row: 5 % to each side */
        if (affect_align_dtw(ctx, a, N, b, N, 1, 0.05, &value, NULL, NULL)) exit(1);
        best[0] = fmin(best[0], cpu_s() - start);
        start = cpu_s();
        if (affect_align_dtw(ctx, a, N, b, N, 1, 0.05, &value, path, &length)) exit(1);
        best[1] = fmin(best[1], cpu_s() - start);
        affect_align_series sa = {HOUR, 1, times, a}, sb = {HOUR, 1, times, b};
        start = cpu_s();
        if (affect_align_lag_estimate(ctx, &sa, &sb, NULL, &lag)) exit(1);
        best[2] = fmin(best[2], cpu_s() - start);
        start = cpu_s();
        for (int item = 0; item < 8; item++)
            if (affect_align_soft_dtw(ctx, a + item * 375, 375, b + item * 500, 500, 1, 1.0, &value,
                                      gradient, NULL))
                exit(1);
        best[3] = fmin(best[3], cpu_s() - start);
    }
    printf("\nspeed, one core, best of 3, processor time\n");
    printf("  DTW 10,000 x 10,000 in a band of 10 %%: distance %.0f ms, with path %.0f ms\n",
           best[0] * 1e3, best[1] * 1e3);
    printf("  lag with p-value, one hour at 100 Hz: %.0f ms\n", best[2] * 1e3);
    printf("  soft-DTW 375 x 500, batch of 8, forward and backward: %.0f ms\n", best[3] * 1e3);
    base_free(a);
    base_free(b);
    base_free(times);
    base_free(gradient);
    base_free(path);
}

int main(int argc, char **argv) {
    const char *folder = NULL;
    int every = 1;
    size_t pairs = 400;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--every") && i + 1 < argc)
            every = (int)strtol(argv[++i], NULL, 10);
        else if (!strcmp(argv[i], "--pairs") && i + 1 < argc)
            pairs = strtoul(argv[++i], NULL, 10);
        else
            folder = argv[i];
    }
    every = BASE_MAX(every, 1);
    affect_context *ctx;
    if (affect_context_create(&ctx)) return 1;
    speeds(ctx);
    if (!folder) {
        affect_context_destroy(ctx);
        return 0;
    }
    char path[4096];
    snprintf(path, sizeof path, "%s/java_sed/video", folder);
    append_folder(ctx, path, ".mp4", 2, "java_sed actor ", every);
    snprintf(path, sizeof path, "%s/media/grid", folder);
    append_folder(ctx, path, ".mpg", 0, "grid", every);
    snprintf(path, sizeof path, "%s/media/sadtalker", folder);
    append_folder(ctx, path, ".mp4", 0, "sadtalker", every);
    printf("\n%-20s %8s %12s %13s\n", "recording", "s", "face events", "voice events");
    for (size_t i = 0; i < recording_count; i++)
        printf("%-20s %8.1f %12zu %13zu\n", recordings[i].name, recordings[i].length_s,
               recordings[i].events[0].count, recordings[i].events[1].count);
    if (recording_count >= 2) {
        constant_table(ctx, pairs);
        drift_table(ctx, pairs);
        unrelated_table(ctx, 3 * pairs);
    }
    for (size_t i = 0; i < recording_count; i++)
        for (int m = 0; m < MODALITIES; m++) base_free(recordings[i].events[m].items);
    affect_context_destroy(ctx);
    return 0;
}
