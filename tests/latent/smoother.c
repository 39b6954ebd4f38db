/* The latent trajectory against an independent reference (dense Gaussian-process regression by
 * Cholesky), and its properties. */
#include "tests/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "latent/latent.h"

/* Deterministic normal deviates: splitmix64 and Box-Muller. */
static uint64_t seed_state;
static double uniform(void) {
    uint64_t z = seed_state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return ((double)((z ^ (z >> 31)) >> 11) + 0.5) / 9007199254740992.0;
}
static double normal(void) { return sqrt(-2 * log(uniform())) * cos(2 * M_PI * uniform()); }

enum { STREAMS = 3 };
static const latent_stream streams[STREAMS] = {{1.0, 0.05, 0.2, 0.0, 0.1, 3.0, 0.0},
                                               {0.7, -0.1, 0.3, 0.35, 0.0, 0.0, 0.0},
                                               {1.3, 0.0, 0.15, -0.2, 0.2, 8.0, 0.0}};
static const latent_model three_streams = {
    .mean = 0.1, .sd = 0.4, .length_s = 1.5, .stream_count = STREAMS, .streams = streams};

/* The same with one stream that can be changed. */
static latent_model with_stream(size_t which, latent_stream changed, latent_stream room[STREAMS]) {
    latent_model m = three_streams;
    memcpy(room, streams, sizeof streams);
    room[which] = changed;
    m.streams = room;
    return m;
}

/* ---- the reference: everything written out as one joint Gaussian ---- */

static double matern(const latent_model *m, double dt) {
    double a = sqrt(3.0) * fabs(dt) / m->length_s;
    return m->sd * m->sd * (1 + a) * exp(-a);
}

static double latent_s(const latent_model *m, const latent_observation *o) {
    return (double)o->time * 1e-9 - m->streams[o->stream].delay_s;
}

static double covariance(const latent_model *m, const latent_observation *a,
                         const latent_observation *b) {
    const latent_stream *s = &m->streams[a->stream], *t = &m->streams[b->stream];
    double dt = latent_s(m, a) - latent_s(m, b), c = s->gain * t->gain * matern(m, dt);
    if (a->stream == b->stream && s->drift_sd > 0)
        c += s->drift_sd * s->drift_sd * exp(-fabs(dt) / s->drift_s);
    if (a == b) c += s->noise_sd * s->noise_sd / a->confidence;
    return c;
}

/* In place; lower triangle. */
static void cholesky(double *a, size_t n) {
    for (size_t j = 0; j < n; j++)
        for (size_t i = j; i < n; i++) {
            double sum = a[i * n + j];
            for (size_t k = 0; k < j; k++) sum -= a[i * n + k] * a[j * n + k];
            a[i * n + j] = i == j ? sqrt(sum) : sum / a[j * n + j];
        }
}

static void solve_lower(const double *l, size_t n, double *b) {
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < i; k++) b[i] -= l[i * n + k] * b[k];
        b[i] /= l[i * n + i];
    }
}

static void dense(const latent_model *m, const latent_observation *o, size_t n,
                  const affect_time *times, size_t count, latent_estimate *out,
                  double *log_likelihood) {
    double *l = calloc(n * n, sizeof *l), *r = calloc(n, sizeof *r), *c = calloc(n, sizeof *c);
    for (size_t i = 0; i < n; i++) {
        const latent_stream *s = &m->streams[o[i].stream];
        r[i] = o[i].value - s->gain * m->mean - s->offset;
        for (size_t j = 0; j <= i; j++) l[i * n + j] = covariance(m, &o[i], &o[j]);
    }
    cholesky(l, n);
    solve_lower(l, n, r);
    *log_likelihood = -0.5 * (double)n * log(2 * M_PI);
    for (size_t i = 0; i < n; i++) *log_likelihood -= log(l[i * n + i]) + 0.5 * r[i] * r[i];
    for (size_t q = 0; q < count; q++) {
        double mean = m->mean, variance = m->sd * m->sd;
        for (size_t i = 0; i < n; i++)
            c[i] = m->streams[o[i].stream].gain *
                   matern(m, (double)times[q] * 1e-9 - latent_s(m, &o[i]));
        solve_lower(l, n, c);
        for (size_t i = 0; i < n; i++) mean += c[i] * r[i], variance -= c[i] * c[i];
        out[q] = (latent_estimate){times[q], mean, sqrt(variance)};
    }
    free(l), free(r), free(c);
}

/* ---- material ---- */

enum { ROWS = 160, ASKED = 90 };

static void irregular(latent_observation *o, size_t n, double span_s) {
    for (size_t i = 0; i < n; i++)
        o[i] = (latent_observation){.time = (affect_time)(uniform() * span_s * 1e9),
                                    .stream = (size_t)(uniform() * 3),
                                    .value = 0.5 * normal(),
                                    .confidence = 0.05 + 0.95 * uniform()};
}

static void grid(affect_time *times, size_t n, double t0_s, double step_s) {
    for (size_t i = 0; i < n; i++) times[i] = (affect_time)((t0_s + step_s * (double)i) * 1e9);
}

static void equals_dense_regression(void **state) {
    (void)state;
    affect_context *ctx;
    assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
    for (uint64_t seed = 1; seed <= 5; seed++) {
        seed_state = seed;
        latent_observation rows[ROWS];
        affect_time times[ASKED];
        latent_estimate fast[ASKED], slow[ASKED];
        double fast_l, slow_l;
        irregular(rows, ROWS, 20);
        rows[7].time = rows[8].time; /* two rows at one instant */
        grid(times, ASKED, -2, 0.3); /* reaches beyond the data at both ends */
        assert_int_equal(
            latent_smooth(ctx, &three_streams, rows, ROWS, times, ASKED, fast, &fast_l), AFFECT_OK);
        dense(&three_streams, rows, ROWS, times, ASKED, slow, &slow_l);
        for (size_t i = 0; i < ASKED; i++) {
            assert_true(fabs(fast[i].mean - slow[i].mean) <= 1e-9);
            assert_true(fabs(fast[i].sd - slow[i].sd) <= 1e-9);
            assert_int_equal(fast[i].time, times[i]);
        }
        assert_true(fabs(fast_l - slow_l) <= 1e-9 * fabs(slow_l));
    }
    affect_context_destroy(ctx);
}

/* A study with forty annotators, each of whom errs in a way of his own that lasts. */
static void many_streams_equal_dense_regression(void **state) {
    (void)state;
    enum { MANY = 40 };
    affect_context *ctx;
    assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
    latent_stream many[MANY];
    for (size_t s = 0; s < MANY; s++)
        many[s] = (latent_stream){.gain = 0.5 + 0.02 * (double)s,
                                  .noise_sd = 0.1 + 0.01 * (double)(s % 7),
                                  .delay_s = 0.05 * (double)(s % 5),
                                  .drift_sd = 0.2,
                                  .drift_s = 1 + (double)(s % 3)};
    latent_model m = {.sd = 0.4, .length_s = 1.5, .stream_count = MANY, .streams = many};
    seed_state = 40;
    latent_observation rows[ROWS];
    affect_time times[ASKED];
    latent_estimate fast[ASKED], slow[ASKED];
    double fast_l, slow_l;
    irregular(rows, ROWS, 20);
    for (size_t i = 0; i < ROWS; i++) rows[i].stream = i % MANY;
    grid(times, ASKED, -2, 0.3);
    assert_int_equal(latent_smooth(ctx, &m, rows, ROWS, times, ASKED, fast, &fast_l), AFFECT_OK);
    dense(&m, rows, ROWS, times, ASKED, slow, &slow_l);
    for (size_t i = 0; i < ASKED; i++) {
        assert_true(fabs(fast[i].mean - slow[i].mean) <= 1e-9);
        assert_true(fabs(fast[i].sd - slow[i].sd) <= 1e-9);
    }
    assert_true(fabs(fast_l - slow_l) <= 1e-9 * fabs(slow_l));
    affect_context_destroy(ctx);
}

static void any_subset_of_streams_may_be_absent(void **state) {
    (void)state;
    affect_context *ctx;
    assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
    for (unsigned present = 0; present < 8; present++) {
        seed_state = 3;
        latent_observation all[ROWS], rows[ROWS];
        irregular(all, ROWS, 20);
        size_t n = 0;
        for (size_t i = 0; i < ROWS; i++)
            if (present >> all[i].stream & 1) rows[n++] = all[i];
        affect_time times[ASKED];
        latent_estimate fast[ASKED], slow[ASKED];
        double a, b;
        grid(times, ASKED, 0, 0.2);
        assert_int_equal(latent_smooth(ctx, &three_streams, rows, n, times, ASKED, fast, &a),
                         AFFECT_OK);
        dense(&three_streams, rows, n, times, ASKED, slow, &b);
        for (size_t i = 0; i < ASKED; i++) {
            assert_true(fabs(fast[i].mean - slow[i].mean) <= 1e-9);
            assert_true(fabs(fast[i].sd - slow[i].sd) <= 1e-9);
        }
        if (!present) assert_true(fabs(fast[5].sd - three_streams.sd) < 1e-12);
    }
    affect_context_destroy(ctx);
}

static void order_of_rows_and_empty_rows_do_not_matter(void **state) {
    (void)state;
    affect_context *ctx;
    assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
    seed_state = 11;
    latent_observation rows[ROWS + 3], shuffled[ROWS + 3];
    irregular(rows, ROWS, 20);
    for (size_t i = 0; i < ROWS; i++) shuffled[i] = rows[(i * 37) % ROWS];
    shuffled[ROWS] = (latent_observation){5 * AFFECT_SECOND, 0, NAN, 1};
    shuffled[ROWS + 1] = (latent_observation){5 * AFFECT_SECOND, 1, INFINITY, 1};
    shuffled[ROWS + 2] = (latent_observation){5 * AFFECT_SECOND, 2, 0.5, 0};
    affect_time times[ASKED];
    latent_estimate a[ASKED], b[ASKED];
    grid(times, ASKED, 0, 0.2);
    assert_int_equal(latent_smooth(ctx, &three_streams, rows, ROWS, times, ASKED, a, NULL),
                     AFFECT_OK);
    assert_int_equal(latent_smooth(ctx, &three_streams, shuffled, ROWS + 3, times, ASKED, b, NULL),
                     AFFECT_OK);
    for (size_t i = 0; i < ASKED; i++) assert_true(a[i].mean == b[i].mean && a[i].sd == b[i].sd);
    affect_context_destroy(ctx);
}

/* ---- the bounded form ---- */

typedef struct heard {
    latent_estimate items[4 * ASKED];
    size_t count;
} heard;

static void hear(void *user, const latent_estimate *e) {
    heard *h = user;
    h->items[h->count++] = *e;
}

/* Feeds in steps of `step` nanoseconds, each kind of thing as late as it may come. */
static void feed(affect_context *ctx, const latent_observation *rows, size_t n,
                 const affect_time *times, size_t count, affect_time lag, affect_time step,
                 heard *h) {
    latent_online *o;
    assert_int_equal(latent_online_create(ctx, &three_streams, lag, &o), AFFECT_OK);
    h->count = 0;
    for (affect_time at = -2 * AFFECT_SECOND; at < 30 * AFFECT_SECOND; at += step) {
        for (size_t i = 0; i < n; i++) {
            affect_time u =
                rows[i].time - time_from_seconds(three_streams.streams[rows[i].stream].delay_s);
            if (u >= at && u < at + step)
                assert_int_equal(latent_online_push(o, &rows[i]), AFFECT_OK);
        }
        for (size_t i = 0; i < count; i++)
            if (times[i] >= at && times[i] < at + step)
                assert_int_equal(latent_online_ask(o, times[i]), AFFECT_OK);
        assert_int_equal(latent_online_advance(o, at + step, hear, h), AFFECT_OK);
        for (size_t i = 0; i < count; i++) /* final at most two lags behind */
            if (times[i] < at + step - 2 * lag) assert_true(h->count > i);
    }
    assert_int_equal(latent_online_finish(o, hear, h), AFFECT_OK);
    assert_int_equal(latent_online_late(o), 0);
    assert_int_equal(h->count, count);
    latent_online_destroy(o);
}

static void bounded_form_is_cut_invariant_and_close(void **state) {
    (void)state;
    affect_context *ctx;
    assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
    seed_state = 17;
    static latent_observation rows[900];
    irregular(rows, 900, 20);
    affect_time times[ASKED];
    latent_estimate whole[ASKED];
    grid(times, ASKED, 0.05, 0.2);
    assert_int_equal(latent_smooth(ctx, &three_streams, rows, 900, times, ASKED, whole, NULL),
                     AFFECT_OK);
    static heard fine, coarse, once;
    double worst = 0;
    feed(ctx, rows, 900, times, ASKED, 4 * AFFECT_SECOND, 40 * AFFECT_MILLISECOND, &fine);
    feed(ctx, rows, 900, times, ASKED, 4 * AFFECT_SECOND, 1700 * AFFECT_MILLISECOND, &coarse);
    feed(ctx, rows, 900, times, ASKED, 4 * AFFECT_SECOND, 32 * AFFECT_SECOND, &once);
    for (size_t i = 0; i < ASKED; i++) {
        assert_true(fine.items[i].mean == coarse.items[i].mean);
        assert_true(fine.items[i].sd == coarse.items[i].sd);
        assert_true(fine.items[i].mean == once.items[i].mean);
        /* the future beyond the lag moves the answer by a small part of its own uncertainty */
        worst = fmax(worst, fabs(fine.items[i].mean - whole[i].mean) / whole[i].sd);
        assert_true(fine.items[i].sd >= whole[i].sd - 1e-12);
    }
    print_message("lag 4 s against the whole future: %.3f sd at most\n", worst);
    assert_true(worst < 0.25);
    static heard wide;
    feed(ctx, rows, 900, times, ASKED, 25 * AFFECT_SECOND, 500 * AFFECT_MILLISECOND, &wide);
    for (size_t i = 0; i < ASKED; i++)
        assert_true(fabs(wide.items[i].mean - whole[i].mean) < 1e-12);
    affect_context_destroy(ctx);
}

static void late_rows_are_dropped_and_counted(void **state) {
    (void)state;
    affect_context *ctx;
    assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
    latent_online *o;
    assert_int_equal(latent_online_create(ctx, &three_streams, AFFECT_SECOND, &o), AFFECT_OK);
    heard h = {.count = 0};
    assert_int_equal(latent_online_advance(o, 5 * AFFECT_SECOND, hear, &h), AFFECT_OK);
    assert_int_equal(latent_online_push(o, &(latent_observation){AFFECT_SECOND, 0, 1, 1}),
                     AFFECT_OK);
    assert_int_equal(latent_online_late(o), 1);
    assert_int_equal(latent_online_ask(o, AFFECT_SECOND), AFFECT_ERROR_ARGUMENT);
    latent_online_destroy(o);
    affect_context_destroy(ctx);
}

/* ---- heavy tails ---- */

static const latent_stream plain[2] = {{1.0, 0.1, 0.1, 0.0, 0.0, 0.0, 0.0},
                                       {0.8, 0.0, 0.2, 0.3, 0.0, 0.0, 0.0}};

static int by_latent_time(const void *a, const void *b) {
    const latent_observation *x = a, *y = b;
    double s = (double)x->time * 1e-9 - plain[x->stream].delay_s,
           t = (double)y->time * 1e-9 - plain[y->stream].delay_s;
    return (s > t) - (s < t);
}

/* One row after the other is predicted from those before it by dense regression and gets the noise
 * of its weight; then all are regressed at once. */
static void heavy_tails_equal_reweighted_regression(void **state) {
    (void)state;
    enum { N = 40, ASK = 25 };
    affect_context *ctx;
    assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
    const latent_model m = {
        .mean = 0.1, .sd = 0.5, .length_s = 1, .stream_count = 2, .streams = plain};
    latent_stream tailed[2] = {plain[0], plain[1]};
    tailed[0].tail = tailed[1].tail = 4;
    latent_model heavy = m;
    heavy.streams = tailed;
    latent_observation rows[N], weighted[N];
    latent_estimate expected[ASK], got[ASK], at;
    affect_time times[ASK];
    double log_p = 0, ignored, found;
    seed_state = 77;
    for (size_t i = 0; i < N; i++)
        rows[i] = (latent_observation){.time = (affect_time)(uniform() * 6e9),
                                       .stream = i % 2,
                                       .value = 0.3 * normal() + (i % 9 == 4 ? 4 : 0),
                                       .confidence = 0.3 + 0.7 * uniform()};
    qsort(rows, N, sizeof *rows, by_latent_time);
    memcpy(weighted, rows, sizeof rows);
    for (size_t i = 0; i < N; i++) {
        const latent_stream *s = &plain[rows[i].stream];
        affect_time when = rows[i].time - (affect_time)llround(s->delay_s * 1e9);
        dense(&m, weighted, i, &when, 1, &at, &ignored);
        double y = rows[i].value - s->offset - s->gain * at.mean;
        double v =
            s->gain * s->gain * at.sd * at.sd + s->noise_sd * s->noise_sd / rows[i].confidence;
        weighted[i].confidence *= fmin(1, 5 / (4 + y * y / v));
        log_p += lgamma(2.5) - lgamma(2) - 0.5 * log(4 * M_PI * v) - 2.5 * log(1 + y * y / (4 * v));
    }
    grid(times, ASK, 0, 0.25);
    dense(&m, weighted, N, times, ASK, expected, &ignored);
    assert_int_equal(latent_smooth(ctx, &heavy, rows, N, times, ASK, got, &found), AFFECT_OK);
    for (size_t i = 0; i < ASK; i++) {
        assert_float_equal(got[i].mean, expected[i].mean, 1e-7);
        assert_float_equal(got[i].sd, expected[i].sd, 1e-7);
    }
    assert_float_equal(found, log_p, 1e-6);
    affect_context_destroy(ctx);
}

/* Ten seconds of frames; one of them is wrong by `by`. How far does it bend the curve? */
static double bend(affect_context *ctx, double tail, double by) {
    enum { FRAMES = 300, ASK = 100 };
    latent_stream one = {1.0, 0.0, 0.15, 0.0, 0.0, 0.0, tail};
    const latent_model m = {
        .mean = 0, .sd = 0.5, .length_s = 2, .stream_count = 1, .streams = &one};
    latent_observation rows[FRAMES];
    latent_estimate right[ASK], wrong[ASK];
    affect_time times[ASK];
    double most = 0;
    seed_state = 5;
    for (size_t i = 0; i < FRAMES; i++)
        rows[i] = (latent_observation){.time = (affect_time)i * 33333333,
                                       .value = 0.4 * sin((double)i / 40) + 0.15 * normal(),
                                       .confidence = 1};
    grid(times, ASK, 0, 0.1);
    assert_int_equal(latent_smooth(ctx, &m, rows, FRAMES, times, ASK, right, NULL), AFFECT_OK);
    rows[150].value += by;
    assert_int_equal(latent_smooth(ctx, &m, rows, FRAMES, times, ASK, wrong, NULL), AFFECT_OK);
    for (size_t i = 0; i < ASK; i++) most = fmax(most, fabs(wrong[i].mean - right[i].mean));
    return most;
}

static void a_wrong_frame_does_not_bend_the_curve(void **state) {
    (void)state;
    affect_context *ctx;
    assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
    double normal_error = bend(ctx, 0, 3), heavy = bend(ctx, 4, 3), far = bend(ctx, 4, 30);
    if (!(normal_error > 0.1 && heavy < 0.1 * normal_error && far < heavy))
        fail_msg(
            "a frame wrong by 3 bends the curve by %.4f, with a tail by %.4f, wrong by 30 by %.4f",
            normal_error, heavy, far);
    latent_stream one = {1.0, 0.0, 0.15, 0.0, 0.0, 0.0, -1};
    const latent_model m = {.sd = 0.5, .length_s = 2, .stream_count = 1, .streams = &one};
    assert_int_equal(latent_model_check(ctx, &m), AFFECT_ERROR_ARGUMENT);
    affect_context_destroy(ctx);
}

/* ---- calibration: if the model is right, 90 % intervals hold the truth 90 % of the time ---- */

static void intervals_are_calibrated(void **state) {
    (void)state;
    affect_context *ctx;
    assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
    seed_state = 23;
    size_t inside90 = 0, inside50 = 0, total = 0;
    double squares = 0;
    enum { N = 120, DRAWS = 150 };
    for (int draw = 0; draw < DRAWS; draw++) {
        /* Draws z and every row from the joint Gaussian itself (not from the state space). */
        latent_observation rows[N];
        irregular(rows, N, 30);
        double *l = calloc((N + 1) * (N + 1), sizeof *l), e[N + 1], y[N + 1];
        affect_time asked = (affect_time)((3 + 24 * uniform()) * 1e9);
        for (size_t i = 0; i <= N; i++) {
            e[i] = normal();
            for (size_t j = 0; j <= i; j++)
                l[i * (N + 1) + j] =
                    i < N   ? covariance(&three_streams, &rows[i], &rows[j])
                    : j < N ? three_streams.streams[rows[j].stream].gain *
                                  matern(&three_streams,
                                         (double)asked * 1e-9 - latent_s(&three_streams, &rows[j]))
                            : three_streams.sd * three_streams.sd;
        }
        cholesky(l, N + 1);
        for (size_t i = 0; i <= N; i++) {
            y[i] = 0;
            for (size_t j = 0; j <= i; j++) y[i] += l[i * (N + 1) + j] * e[j];
        }
        free(l);
        for (size_t i = 0; i < N; i++) {
            const latent_stream *s = &three_streams.streams[rows[i].stream];
            rows[i].value = y[i] + s->offset + s->gain * three_streams.mean;
        }
        latent_estimate got;
        assert_int_equal(latent_smooth(ctx, &three_streams, rows, N, &asked, 1, &got, NULL),
                         AFFECT_OK);
        double error = fabs(y[N] + three_streams.mean - got.mean) / got.sd;
        inside90 += error < 1.6448536;
        inside50 += error < 0.6744898;
        squares += error * error;
        total++;
    }
    double share90 = (double)inside90 / (double)total, share50 = (double)inside50 / (double)total;
    print_message("coverage of 90 %% and 50 %% intervals: %.3f %.3f, mean square %.3f\n", share90,
                  share50, squares / (double)total);
    assert_true(fabs(share90 - 0.9) < 0.06); /* 2.5 sd of a binomial over 150 draws */
    assert_true(fabs(share50 - 0.5) < 0.1);
    assert_true(fabs(squares / (double)total - 1.0) < 0.25);
    affect_context_destroy(ctx);
}

/* ---- robustness ---- */

static void extreme_spacing_and_noise_stay_finite(void **state) {
    (void)state;
    affect_context *ctx;
    assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
    latent_stream changed = streams[1], room[STREAMS];
    changed.noise_sd = 1e-9;
    latent_model m = with_stream(1, changed, room);
    enum { N = 4000 };
    static latent_observation rows[N];
    affect_time at = 0;
    for (size_t i = 0; i < N; i++) {
        at += i % 3 ? 1 : i % 500 == 0 ? 36000 * AFFECT_SECOND : 7; /* 1 ns to 10 h apart */
        rows[i] = (latent_observation){at, i % 3, i % 2 ? 0.2 : -0.2, i % 5 ? 1.0 : 1e-6};
    }
    affect_time times[4] = {0, rows[100].time, rows[2000].time, at + AFFECT_SECOND};
    latent_estimate out[4];
    double l;
    assert_int_equal(latent_smooth(ctx, &m, rows, N, times, 4, out, &l), AFFECT_OK);
    for (size_t i = 0; i < 4; i++) {
        assert_true(isfinite(out[i].mean) && isfinite(out[i].sd));
        assert_true(out[i].sd <= m.sd + 1e-9);
    }
    assert_true(isfinite(l));
    affect_context_destroy(ctx);
}

static void wrong_models_are_refused(void **state) {
    (void)state;
    affect_context *ctx;
    assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
    latent_model m = three_streams;
    m.length_s = 0;
    assert_int_equal(latent_model_check(ctx, &m), AFFECT_ERROR_ARGUMENT);
    latent_stream noiseless = streams[2], timeless = streams[0], room[STREAMS];
    noiseless.noise_sd = timeless.drift_s = 0;
    m = with_stream(2, noiseless, room);
    assert_int_equal(latent_model_check(ctx, &m), AFFECT_ERROR_ARGUMENT);
    assert_non_null(strstr(affect_context_message(ctx), "stream 2"));
    m = with_stream(0, timeless, room);
    assert_int_equal(latent_model_check(ctx, &m), AFFECT_ERROR_ARGUMENT);
    m = three_streams, m.stream_count = 0;
    assert_int_equal(latent_model_check(ctx, &m), AFFECT_ERROR_ARGUMENT);
    assert_int_equal(latent_model_check(ctx, &three_streams), AFFECT_OK);
    affect_context_destroy(ctx);
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    affect_context *ctx;
    assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
    seed_state = 5;
    latent_observation rows[ROWS];
    irregular(rows, ROWS, 20);
    affect_time times[ASKED];
    latent_estimate out[ASKED];
    grid(times, ASKED, 0, 0.2);
    long n = 1;
    for (;; n++) {
        base_alloc_fail_at(n);
        affect_status status =
            latent_smooth(ctx, &three_streams, rows, ROWS, times, ASKED, out, NULL);
        base_alloc_fail_at(0);
        if (status == AFFECT_OK) break;
        assert_int_equal(status, AFFECT_ERROR_MEMORY);
        assert_true(n < 500);
    }
    assert_true(n > 5);
    affect_context_destroy(ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_dense_regression),
        cmocka_unit_test(many_streams_equal_dense_regression),
        cmocka_unit_test(any_subset_of_streams_may_be_absent),
        cmocka_unit_test(order_of_rows_and_empty_rows_do_not_matter),
        cmocka_unit_test(bounded_form_is_cut_invariant_and_close),
        cmocka_unit_test(late_rows_are_dropped_and_counted),
        cmocka_unit_test(heavy_tails_equal_reweighted_regression),
        cmocka_unit_test(a_wrong_frame_does_not_bend_the_curve),
        cmocka_unit_test(intervals_are_calibrated),
        cmocka_unit_test(extreme_spacing_and_noise_stay_finite),
        cmocka_unit_test(wrong_models_are_refused),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
