/* The trajectory, what is known so far, and the labels, beside sums written out here: Gaussian conditioning on all
 * rows at once by Gauss-Jordan, in the space of what is observed (the stage filters in time), and the product of experts
 * from rows. The constants are none that ship: every gain, offset, delay, mean and error differs from 1 and 0. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuse/fuse.h"
#include "tests/attributes.h"
#include "tests/test.h"

enum { MOST = 96 };

static affect_context *ctx;
static fuse_parameters *constants;
static char folder[] = "/tmp/affect-fuse-XXXXXX";

/* The same numbers as the test sees them. */
static const double prior_mean[3] = {0.1, -0.05, 0.2}, prior_sd[3] = {0.5, 0.4, 0.3},
                    length_s = 1.7;
static const struct {
    double gain, offset, noise_sd, delay_s, drift_sd, drift_s;
} streams[3] = {{0.8, 0.05, 0.15, 0.0, 0.3, 4.0},
                {1.3, -0.1, 0.25, 0.1, 0.2, 3.0},
                {0.9, 0.2, 0.35, 0.05, 0.25, 5.0}};

static const char weights[] =
    "\"weights\": {\"face\": 0.5, \"voice\": [1.5, 1.1, 0.4, 0, 2, 0.9, 1.3, 1], "
    "\"words\": 0.7, \"place\": 0.6}, \"spread\": 0.4,"
    "\"sets\": {\"share\": 0.9, \"face\": 0.0625, \"both\": 0.1},"
    "\"categories\": {\"neutral\": {\"place\": [0, 0, 0], \"face\": -0.7, \"prior\": 0.5},"
    "\"happiness\": {\"place\": [0.8, 0.5, 0.4], \"face\": 0.1, \"prior\": -0.1},"
    "\"surprise\": {\"place\": [0.4, 0.7, -0.1], \"face\": -0.5, \"prior\": 0.2},"
    "\"sadness\": {\"place\": [-0.6, -0.3, -0.3], \"face\": 0.4, \"prior\": 0},"
    "\"anger\": {\"place\": [-0.5, 0.6, 0.3], \"face\": 0.3, \"prior\": 0},"
    "\"disgust\": {\"place\": [-0.6, 0.35, 0.1], \"face\": 0.2, \"prior\": -0.3},"
    "\"fear\": {\"place\": [-0.65, 0.6, -0.4], \"face\": 0.8, \"prior\": 0},"
    "\"contempt\": {\"place\": [-0.7, 0.3, 0.5], \"face\": 0, \"prior\": 0.1}}}";
static const double weight[4] = {0.5, 0, 0.7, 0.6}, spread = 0.4;
static const double voice_weight[8] = {1.5, 1.1, 0.4, 0, 2, 0.9, 1.3, 1};
static const double face_constant[8] = {-0.7, 0.1, -0.5, 0.4, 0.3, 0.2, 0.8, 0};
static const double prior[8] = {0.5, -0.1, 0.2, 0, 0, -0.3, 0, 0.1};
static const double place[8][3] = {{0, 0, 0},          {0.8, 0.5, 0.4},  {0.4, 0.7, -0.1},
                                   {-0.6, -0.3, -0.3}, {-0.5, 0.6, 0.3}, {-0.6, 0.35, 0.1},
                                   {-0.65, 0.6, -0.4}, {-0.7, 0.3, 0.5}};

static const char *in_folder(const char *name) {
    static char path[2][96];
    static int which;
    char *out = path[which ^= 1];
    snprintf(out, sizeof path[0], "%s/%s", folder, name);
    return out;
}

static int setup(void **state) {
    (void)state;
    static const char *const names[] = {"valence", "arousal", "dominance"}, *const of[] = {"face",
                                                                                           "voice",
                                                                                           "words"};
    base_text text = {0};
    char *card;
    size_t length;
    if (affect_context_create(&ctx) || !mkdtemp(folder)) return 1;
    base_text_append(&text, "{\"dimensions\": {");
    for (int d = 0; d < 3; d++) {
        base_text_printf(&text, "%s\"%s\": {\"mean\": %g, \"sd\": %g, \"length_s\": %g",
                         d ? ", " : "", names[d], prior_mean[d], prior_sd[d], length_s);
        for (int s = 0; s < 3; s++)
            base_text_printf(
                &text,
                ", \"%s\": {\"gain\": %g, \"offset\": %g, \"noise_sd\": %g, \"delay_s\": %g, "
                "\"drift_sd\": %g, \"drift_s\": %g}",
                of[s], streams[s].gain, streams[s].offset, streams[s].noise_sd, streams[s].delay_s,
                streams[s].drift_sd, streams[s].drift_s);
        base_text_append(&text, "}");
    }
    base_text_append(&text, "}, ");
    base_text_append(&text, weights);
    if (fuse_parameters_parse(ctx, "weights", text.data, text.length, &constants)) {
        printf("%s\n", affect_context_message(ctx));
        return 1;
    }
    if (base_write_file(ctx, in_folder("weights.json"), text.data, text.length) ||
        base_read_file(ctx, "models/fuse.default/card.json", 0, &card, &length) ||
        base_write_file(ctx, in_folder("card.json"), card, length))
        return 1;
    base_free(card);
    base_text_destroy(&text);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    fuse_parameters_destroy(constants);
    (void)unlink(in_folder("weights.json"));
    (void)unlink(in_folder("card.json"));
    (void)rmdir(folder);
    affect_context_destroy(ctx);
    return 0;
}

/* ---- conditioning ---- */

typedef struct seen {
    double t, value[3], sd[3], confidence;
    int stream;
} seen;

static double matern(double d, double sd) {
    double x = sqrt(3) * fabs(d) / length_s;
    return sd * sd * (1 + x) * exp(-x);
}

/* a x = b, both sides at once: a becomes the identity. */
static void gauss_jordan(double a[MOST][MOST], double b[MOST], size_t n) {
    for (size_t k = 0; k < n; k++) {
        size_t top = k;
        for (size_t i = k; i < n; i++)
            if (fabs(a[i][k]) > fabs(a[top][k])) top = i;
        for (size_t j = 0; j < n; j++) {
            double swap = a[k][j];
            a[k][j] = a[top][j], a[top][j] = swap;
        }
        double swap = b[k], pivot;
        b[k] = b[top], b[top] = swap;
        pivot = a[k][k];
        for (size_t j = 0; j < n; j++) a[k][j] /= pivot;
        b[k] /= pivot;
        for (size_t i = 0; i < n; i++) {
            if (i == k) continue;
            double f = a[i][k];
            for (size_t j = 0; j < n; j++) a[i][j] -= f * a[k][j];
            b[i] -= f * b[k];
        }
    }
}

/* What rows say of dimension d at t. `rows_sd`: a row that is less sure than its stream counts for less. */
static void condition(const seen *rows, size_t count, int d, double t, bool rows_sd, double *mean,
                      double *sd) {
    static double a[MOST][MOST], again[MOST][MOST];
    double y[MOST], k[MOST];
    size_t n = 0, at[MOST];
    for (size_t i = 0; i < count; i++)
        if (isfinite(rows[i].value[d])) at[n++] = i;
    for (size_t i = 0; i < n; i++) {
        const seen *r = &rows[at[i]];
        double g = streams[r->stream].gain, ti = r->t - streams[r->stream].delay_s;
        double noise = pow(streams[r->stream].noise_sd, 2),
               drift = pow(streams[r->stream].drift_sd, 2);
        double confidence = r->confidence;
        if (rows_sd && isfinite(r->sd[d]) && pow(r->sd[d], 2) > noise + drift)
            confidence *= (noise + drift) / pow(r->sd[d], 2);
        for (size_t j = 0; j < n; j++) {
            const seen *q = &rows[at[j]];
            double tj = q->t - streams[q->stream].delay_s;
            a[i][j] = g * streams[q->stream].gain * matern(ti - tj, prior_sd[d]);
            if (r->stream == q->stream)
                a[i][j] += drift * exp(-fabs(ti - tj) / streams[r->stream].drift_s);
            if (i == j) a[i][j] += noise / confidence;
            again[i][j] = a[i][j];
        }
        y[i] = r->value[d] - streams[r->stream].offset - g * prior_mean[d];
        k[i] = g * matern(t - ti, prior_sd[d]);
    }
    double left = prior_sd[d] * prior_sd[d], solved[MOST];
    gauss_jordan(a, y, n);
    memcpy(solved, k, n * sizeof *k);
    gauss_jordan(again, solved, n);
    *mean = prior_mean[d];
    for (size_t i = 0; i < n; i++) {
        *mean += k[i] * y[i];
        left -= k[i] * solved[i];
    }
    *sd = sqrt(left);
}

/* 0..1: how much narrower valence and arousal are than before anything was seen. */
static double learnt(const double sd[3]) {
    double v = sd[0] / prior_sd[0], a = sd[1] / prior_sd[1];
    return 1 - (v * v + a * a) / 2;
}

static affect_timeline *new_timeline(void) {
    affect_timeline *t;
    assert_int_equal(timeline_create(ctx, &t), AFFECT_OK);
    return t;
}

static affect_track *role(affect_timeline *t, track_role kind, affect_modality m, int person,
                          const char *const *channels, size_t count) {
    affect_track *track;
    assert_int_equal(timeline_add_role(ctx, t, kind, m, person, "", channels, count, &track),
                     AFFECT_OK);
    return track;
}

static void put(affect_track *track, const seen *r) {
    float row[6];
    for (int d = 0; d < 3; d++) row[d] = (float)r->value[d], row[3 + d] = (float)r->sd[d];
    assert_int_equal(track_append(ctx, track, time_from_seconds(r->t), (float)r->confidence, row),
                     AFFECT_OK);
}

static void near_row(const affect_track *track, size_t row, const double mean[3],
                     const double sd[3], double tolerance) {
    const float *v = affect_track_row(track, row);
    for (int d = 0; d < 3; d++) {
        assert_true(fabs((double)v[d] - mean[d]) < tolerance);
        assert_true(fabs((double)v[3 + d] - sd[d]) < tolerance);
    }
    assert_true(fabs((double)track->confidence[row] - learnt(sd)) < tolerance);
}

/* What is known now: the newest row of each that says something and is no older than 10 s. */
static void the_newest_rows_are_conditioned_on(void **state) {
    (void)state;
    const double now = 12.5;
    seen face[] = {{11, {-.9, -.9, -.9}, {NAN, NAN, NAN}, .9, 0},
                   {12.4, {.3, .2, -.1}, {NAN, NAN, NAN}, .75, 0},
                   {12.45, {NAN, NAN, NAN}, {NAN, NAN, NAN}, 1, 0},
                   {12.5, {.9, .9, .9}, {NAN, NAN, NAN}, 0, 0},
                   {12.6, {-.5, -.5, -.5}, {NAN, NAN, NAN}, 1, 0}},
         voice[] = {{10.25, {-.4, .6, NAN}, {NAN, NAN, NAN}, .5, 1}},
         words[] = {{2.5, {.5, -.2, .1}, {NAN, NAN, NAN}, .875, 2}},
         other[] = {{3.0, {.7, .1, .3}, {NAN, NAN, NAN}, .625, 0}};
    affect_timeline *in = new_timeline(), *out = new_timeline();
    affect_track *one = role(in, TRACK_ROLE_AFFECT, AFFECT_MODALITY_FACE, 1, NULL, 0),
                 *two = role(in, TRACK_ROLE_AFFECT, AFFECT_MODALITY_FACE, 2, NULL, 0),
                 *heard = role(in, TRACK_ROLE_AFFECT, AFFECT_MODALITY_VOICE, 0, NULL, 0),
                 *said = role(in, TRACK_ROLE_AFFECT, AFFECT_MODALITY_WORDS, 0, NULL, 0);
    for (size_t i = 0; i < BASE_COUNT(face); i++) put(one, &face[i]);
    put(two, &other[0]);
    put(heard, &voice[0]);
    put(said, &words[0]);
    const affect_timeline *inputs[] = {in};
    assert_int_equal(
        fuse_estimate_now(ctx, constants, &(timeline_view){inputs, 1}, time_from_seconds(now), out),
        AFFECT_OK);
    /* Nobody's mouth is known: what is heard is person 1's. Words of ten seconds ago still count. */
    const seen all[] = {face[1], voice[0], words[0]};
    const affect_track *t = affect_timeline_find_track(out, "trajectory/1");
    double mean[3], sd[3];
    assert_non_null(t);
    assert_int_equal(t->rows, 1);
    assert_int_equal(t->times[0], time_from_seconds(now));
    for (int d = 0; d < 3; d++) condition(all, 3, d, now, false, &mean[d], &sd[d]);
    near_row(t, 0, mean, sd, 1e-6);
    t = affect_timeline_find_track(out, "trajectory/2");
    assert_non_null(t);
    for (int d = 0; d < 3; d++) condition(other, 1, d, now, false, &mean[d], &sd[d]);
    near_row(t, 0, mean, sd, 1e-6);
    affect_timeline_destroy(out);
    /* A moment later the words are too old, and the second person is 9.5 s and a moment away. */
    out = new_timeline();
    const double later = now + 1e-3;
    assert_int_equal(fuse_estimate_now(ctx, constants, &(timeline_view){inputs, 1},
                                       time_from_seconds(later), out),
                     AFFECT_OK);
    for (int d = 0; d < 3; d++) condition(all, 2, d, later, false, &mean[d], &sd[d]);
    near_row(affect_timeline_find_track(out, "trajectory/1"), 0, mean, sd, 1e-6);
    assert_non_null(affect_timeline_find_track(out, "trajectory/2"));
    affect_timeline_destroy(out);
    out = new_timeline();
    assert_int_equal(fuse_estimate_now(ctx, constants, &(timeline_view){inputs, 1},
                                       time_from_seconds(13.1), out),
                     AFFECT_OK);
    assert_null(affect_timeline_find_track(out, "trajectory/2")); /* 10.1 s */
    affect_timeline_destroy(out);
    affect_timeline_destroy(in);
    /* Heard alone: nobody is seen, and still somebody speaks. */
    in = new_timeline(), out = new_timeline();
    put(role(in, TRACK_ROLE_AFFECT, AFFECT_MODALITY_VOICE, 0, NULL, 0), &voice[0]);
    inputs[0] = in;
    assert_int_equal(
        fuse_estimate_now(ctx, constants, &(timeline_view){inputs, 1}, time_from_seconds(now), out),
        AFFECT_OK);
    for (int d = 0; d < 3; d++) condition(voice, 1, d, now, false, &mean[d], &sd[d]);
    near_row(affect_timeline_find_track(out, "trajectory/1"), 0, mean, sd, 1e-6);
    affect_timeline_destroy(out);
    affect_timeline_destroy(in);
}

static const affect_track *fused(const affect_timeline *in, affect_timeline *out, fuse_options o,
                                 double end) {
    const affect_timeline *inputs[] = {in};
    fuse_stage *stage;
    o.model = folder;
    if (fuse_create(ctx, &o, out, &stage)) fail_msg("%s", affect_context_message(ctx));
    assert_int_equal(fuse_finish(stage, &(timeline_view){inputs, 1}, time_from_seconds(end)),
                     AFFECT_OK);
    fuse_destroy(stage);
    return affect_timeline_find_track(out, "trajectory/1");
}

/* Within the smoother's reach a trajectory is the exact posterior of all rows. */
static void the_trajectory_is_the_posterior_of_all_rows(void **state) {
    (void)state;
    seen rows[MOST];
    size_t count = 0;
    affect_timeline *in = new_timeline(), *out = new_timeline();
    affect_track *tracks[] = {role(in, TRACK_ROLE_AFFECT, AFFECT_MODALITY_FACE, 1, NULL, 0),
                              role(in, TRACK_ROLE_AFFECT, AFFECT_MODALITY_VOICE, 0, NULL, 0),
                              role(in, TRACK_ROLE_AFFECT, AFFECT_MODALITY_WORDS, 0, NULL, 0)};
    static const double every[] = {0.27, 0.9, 1.35};
    for (int s = 0; s < 3; s++)
        for (int i = 0; i * every[s] < 3.4; i++) {
            seen r = {.t = i * every[s],
                      .stream = s,
                      .confidence = (double)(float)(0.4 + 0.06 * (i % 8))};
            for (int d = 0; d < 3; d++) {
                r.value[d] = (double)(float)(0.6 * sin(2.1 * i + d + s));
                r.sd[d] = i % 3 == 1   ? 0.6
                          : i % 3 == 2 ? 0.1
                                       : NAN; /* unsure, surer than usual, unsaid */
            }
            if (i % 4 == 3) r.value[2] = NAN;
            put(tracks[s], &r);
            for (int d = 0; d < 3; d++) r.sd[d] = (double)(float)r.sd[d];
            rows[count++] = r;
        }
    fuse_options o = fuse_options_default();
    o.rate_hz = 5;
    const affect_track *t = fused(in, out, o, 3.5);
    assert_non_null(t);
    assert_int_equal(t->rows, 18); /* 0, 0.2 ... 3.4: none beyond the end */
    for (size_t i = 0; i < t->rows; i++) {
        double mean[3], sd[3];
        assert_int_equal(t->times[i], time_from_seconds((double)i / 5));
        for (int d = 0; d < 3; d++)
            condition(rows, count, d, (double)i / 5, true, &mean[d], &sd[d]);
        near_row(t, i, mean, sd, 2e-6);
    }
    affect_timeline_destroy(out);
    /* Without words and voice: the face's rows alone. */
    out = new_timeline();
    o.voice = o.words = false;
    t = fused(in, out, o, 3.5);
    size_t faces = 0;
    while (faces < count && rows[faces].stream == 0) faces++;
    for (size_t i = 0; i < t->rows; i++) {
        double mean[3], sd[3];
        for (int d = 0; d < 3; d++)
            condition(rows, faces, d, (double)i / 5, true, &mean[d], &sd[d]);
        near_row(t, i, mean, sd, 2e-6);
    }
    affect_timeline_destroy(out);
    o.face = false;
    out = new_timeline();
    assert_null(fused(in, out, o, 3.5)); /* nobody says anything */
    affect_timeline_destroy(out);
    affect_timeline_destroy(in);
}

/* A row speaks for 2.5 s to both sides: [row - 2.5, row + 2.5) of the grid, and no further. */
static void nothing_is_said_far_from_all_rows(void **state) {
    (void)state;
    affect_timeline *in = new_timeline(), *out = new_timeline();
    affect_track *face = role(in, TRACK_ROLE_AFFECT, AFFECT_MODALITY_FACE, 1, NULL, 0);
    bool expected[200] = {false};
    for (int i = 0; i < 20; i++) {
        double at = i < 10 ? 3 + i * 0.125 : 12 + (i - 10) * 0.125;
        put(face, &(seen){at, {.5, .3, .1}, {NAN, NAN, NAN}, 1, 0});
        for (int k = 0; k < 200; k++)
            if (k / 10.0 >= at - 2.5 && k / 10.0 < at + 2.5) expected[k] = true;
    }
    put(face, &(seen){19, {.5, .3, .1}, {NAN, NAN, NAN}, 0, 0}); /* not believed at all */
    const affect_track *t = fused(in, out, fuse_options_default(), 14.0);
    size_t row = 0;
    for (int k = 0; k <= 140; k++) {
        if (!expected[k]) continue;
        assert_true(row < t->rows);
        assert_int_equal(t->times[row++], time_from_seconds(k / 10.0));
    }
    assert_int_equal(row, t->rows);
    const affect_tier *episodes = affect_timeline_find_tier(out, "episodes");
    assert_int_equal(episodes->count, 2);
    assert_int_equal(episodes->items[0].t0, time_from_seconds(0.5));
    assert_int_equal(episodes->items[0].t1,
                     time_from_seconds(6.7)); /* a step behind the last instant, 6.6 */
    assert_int_equal(episodes->items[1].t0, time_from_seconds(9.5));
    assert_int_equal(episodes->items[1].t1, time_from_seconds(14.0)); /* the end */
    assert_int_equal(episodes->items[0].person, 1);
    affect_timeline_destroy(out);
    /* A rate is refused outside 0.1 to 1000 Hz. */
    static const double rates[] = {0.099, 0.1, 1000, 1000.5, NAN};
    for (size_t i = 0; i < BASE_COUNT(rates); i++) {
        fuse_options o = fuse_options_default();
        fuse_stage *stage;
        o.rate_hz = rates[i];
        out = new_timeline();
        assert_int_equal(fuse_create(ctx, &o, out, &stage),
                         i == 1 || i == 2 ? AFFECT_OK : AFFECT_ERROR_ARGUMENT);
        fuse_destroy(stage);
        affect_timeline_destroy(out);
    }
    affect_timeline_destroy(in);
}

/* ---- labels ---- */

static double log_normal(double x, double sd, double at) {
    double v = sd * sd + spread * spread;
    return -(x - at) * (x - at) / (2 * v) - log(v) / 2;
}

static void shares(double *x, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += exp(x[i]);
    for (size_t i = 0; i < n; i++) x[i] = exp(x[i]) / sum;
}

/* The product of experts, from the definition in docs/latent.md. */
static void product(const fuse_evidence *e, double out[8]) {
    for (int c = 0; c < 8; c++) {
        out[c] = 0;
        if (e->has_face) out[c] += e->trust[0] * (weight[0] * e->log_face[c] + face_constant[c]);
        if (e->has_voice) out[c] += e->trust[1] * voice_weight[c] * (e->log_voice[c] - log(.125));
        if (e->has_words) out[c] += e->trust[2] * weight[2] * e->log_words[c];
        if (e->has_face || e->has_voice || e->has_words) out[c] += prior[c];
        for (int d = 0; d < 3; d++) {
            double ratio = pow(e->sd[d] / prior_sd[d], 2);
            if (!isfinite(e->mean[d]) || !isfinite(e->sd[d]) || 1 - ratio < 0.1) continue;
            double mean = e->mean[d] / (1 - ratio); /* the prior, about 0, taken out */
            out[c] += weight[3] * log_normal(mean > 1    ? 1
                                             : mean < -1 ? -1
                                                         : mean,
                                             e->sd[d] / sqrt(1 - ratio), place[c][d]);
        }
    }
    shares(out, 8);
}

static void scores_are_the_product_of_experts(void **state) {
    (void)state;
    static const double means[][3] = {
        {.3, -.2, .1}, {.45, -.55, NAN}, {NAN, .2, -.25}, {NAN, NAN, NAN}};
    static const double sds[][3] = {{.1, .2, .05},
                                    {.2, .3, .1},
                                    {.1, .385, .29},
                                    {.1, .1, .1}}; /* .385, .29: nearly the prior */
    for (int k = 0; k < 32; k++) {
        fuse_evidence e = {
            .has_face = k & 1, .has_voice = k & 2, .has_words = k & 4, .trust = {.9, .5, .7, 1}};
        for (int d = 0; d < 3; d++) e.mean[d] = means[k >> 3][d], e.sd[d] = sds[k >> 3][d];
        for (int c = 0; c < 8; c++) {
            e.log_face[c] = -0.3 - fabs(sin(c + 1));
            e.log_voice[c] = -0.2 - fabs(cos(2 * c));
            e.log_words[c] = -0.1 * (c + 1);
        }
        double got[8], want[8], terms[FUSE_EXPERTS][FUSE_CATEGORIES];
        fuse_category_scores(constants, &e, got);
        product(&e, want);
        for (int c = 0; c < 8; c++) assert_true(fabs(got[c] - want[c]) < 1e-12);
        fuse_category_terms(constants, &e, terms);
        for (int c = 0; c < 8; c++) {
            assert_true(terms[FUSE_FACE][c] == (e.has_face ? .9 * (e.log_face[c] + log(8)) : 0));
            assert_true(terms[FUSE_VOICE][c] == (e.has_voice ? .5 * (e.log_voice[c] + log(8)) : 0));
            assert_true(terms[FUSE_WORDS][c] == (e.has_words ? .7 * (e.log_words[c] + log(8)) : 0));
        }
        /* The region is the one whose share is largest, valence and arousal as they are. */
        double region[CATEGORY_REGIONS] = {0}, score;
        size_t best = 0;
        for (size_t r = 0; r < CATEGORY_REGIONS; r++) {
            if (isfinite(e.mean[0]))
                region[r] += log_normal(e.mean[0], e.sd[0], category_regions[r].valence);
            if (isfinite(e.mean[1]))
                region[r] += log_normal(e.mean[1], e.sd[1], category_regions[r].arousal);
        }
        shares(region, CATEGORY_REGIONS);
        for (size_t r = 1; r < CATEGORY_REGIONS; r++)
            if (region[r] > region[best]) best = r;
        assert_string_equal(fuse_region(constants, &e, &score), category_regions[best].name);
        assert_true(fabs(score - region[best]) < 1e-12);
    }
}

/* Rows of posteriors in [t0, t1): channels of one category join as labels that may hold together, a category without
 * one gets the mean of the others, one frame cannot veto, and rows weigh by confidence. */
static void evidence_is_gathered_from_rows(void **state) {
    (void)state;
    static const char *const channels[] = {"joy", "sadness", "amusement", "anger", "zeal"};
    static const struct {
        double t;
        float confidence, p[5];
    } rows[] = {{0.9, 1, {.9f, .9f, .9f, .9f, 0}}, /* before */
                {1.0, .5f, {.5f, .2f, .4f, .1f, .3f}},
                {1.5, .25f, {.1f, .8f, 0, 0, .9f}}, /* anger 0: taken for .01 of it all */
                {1.75, 1, {.5f, NAN, .4f, .1f, 0}}, /* not whole */
                {1.8, 0, {0, 0, 0, 1, 0}},
                {1.9, 1, {0, 0, 0, 0, 1}},          /* no category at all */
                {2.0, 1, {.9f, .9f, .9f, .9f, 0}}}; /* the end is not in it */
    affect_timeline *in = new_timeline();
    affect_track *face = role(in, TRACK_ROLE_CATEGORIES, AFFECT_MODALITY_FACE, 1, channels, 5);
    for (size_t i = 0; i < BASE_COUNT(rows); i++)
        assert_int_equal(
            track_append(ctx, face, time_from_seconds(rows[i].t), rows[i].confidence, rows[i].p),
            AFFECT_OK);
    affect_track *path = role(in, TRACK_ROLE_TRAJECTORY, AFFECT_MODALITY_FUSED, 1, NULL, 0);
    const float at[][6] = {{.9f, .9f, .9f, .9f, .9f, .9f},
                           {.2f, -.4f, NAN, .1f, .2f, .3f},
                           {.6f, .2f, .5f, .3f, .1f, .2f}};
    static const double when[] = {0.5, 1.0, 1.6};
    static const float sure[] = {1, .75f, .25f};
    for (int i = 0; i < 3; i++)
        assert_int_equal(track_append(ctx, path, time_from_seconds(when[i]), sure[i], at[i]),
                         AFFECT_OK);
    const affect_timeline *inputs[] = {in};
    fuse_evidence e;
    assert_true(
        fuse_gather(&(timeline_view){inputs, 1}, path, 1, AFFECT_SECOND, 2 * AFFECT_SECOND, &e));
    assert_true(e.has_face && !e.has_voice && !e.has_words);
    double want[8] = {0};
    static const int told[] = {1, 3, 4}; /* happiness, sadness, anger */
    double p[2][3] = {{1 - .5 * .6, .2, .1}, {.1, .8, 0}}, w[2] = {.5, .25};
    for (int r = 0; r < 2; r++) {
        double sum = p[r][0] + p[r][1] + p[r][2];
        for (int k = 0; k < 3; k++) want[told[k]] += w[r] / .75 * log(fmax(p[r][k] / sum, .01));
    }
    for (int c = 0; c < 8; c++) {
        double mean = (want[1] + want[3] + want[4]) / 3,
               expected = c == 1 || c == 3 || c == 4 ? want[c] : mean;
        assert_true(fabs(e.log_face[c] - expected) < 1e-6);
    }
    assert_true(fabs(e.trust[FUSE_FACE] - (.5 * .5 + .25 * .25) / .75) < 1e-9);
    assert_true(e.trust[FUSE_PLACE] == 1);
    assert_true(fabs(e.mean[0] - (.75 * .2 + .25 * .6)) < 1e-7 &&
                fabs(e.mean[1] - (.75 * -.4 + .25 * .2)) < 1e-7);
    assert_true(fabs(e.mean[2] - .5) < 1e-7); /* only one row has it */
    assert_true(fabs(e.sd[0] - (.75 * .1 + .25 * .3)) < 1e-7 &&
                fabs(e.sd[2] - (.75 * .3 + .25 * .2)) < 1e-7);
    /* An instant, as a picture is; and a stretch with nothing in it. */
    assert_true(
        fuse_gather(&(timeline_view){inputs, 1}, NULL, 1, AFFECT_SECOND, AFFECT_SECOND, &e));
    assert_true(e.has_face && isnan(e.mean[0]) && fabs(e.trust[FUSE_FACE] - .5) < 1e-9);
    assert_false(fuse_gather(&(timeline_view){inputs, 1}, path, 1, 3 * AFFECT_SECOND,
                             4 * AFFECT_SECOND, &e));
    affect_timeline_destroy(in);
}

/* Labels worth naming: the best, and others with at least a third of its score, four at most; numbers with three
 * decimals. */
static void an_episode_tells_what_it_is_of(void **state) {
    (void)state;
    affect_timeline *in = new_timeline(), *out = new_timeline();
    affect_track *face =
                     role(in, TRACK_ROLE_CATEGORIES, AFFECT_MODALITY_FACE, 1, category_names, 8),
                 *path = role(in, TRACK_ROLE_TRAJECTORY, AFFECT_MODALITY_FUSED, 1, NULL, 0);
    const float p[8] = {.01f, .5f, .025f, .02f, .1f, .01f, .1f, .06f},
                where[6] = {.1f, .3f, 0, .2f, .2f, .25f};
    for (int i = 0; i < 10; i++) {
        assert_int_equal(track_append(ctx, face, i * 100 * AFFECT_MILLISECOND, 1, p), AFFECT_OK);
        assert_int_equal(track_append(ctx, path, i * 100 * AFFECT_MILLISECOND, 1, where),
                         AFFECT_OK);
    }
    affect_tier *tier;
    assert_int_equal(timeline_tier(ctx, out, "episodes", AFFECT_MODALITY_FUSED, &tier), AFFECT_OK);
    const affect_timeline *inputs[] = {in};
    const timeline_view view = {inputs, 1};
    assert_int_equal(fuse_label_episode(ctx, constants, &view, path, 0, AFFECT_SECOND, tier),
                     AFFECT_OK);
    fuse_evidence e = {.has_face = true, .trust = {1, 0, 0, 1}};
    double scores[8];
    for (int c = 0; c < 8; c++) e.log_face[c] = log((double)p[c]);
    for (int d = 0; d < 3; d++) e.mean[d] = (double)where[d], e.sd[d] = (double)where[3 + d];
    product(&e, scores);
    size_t order[8] = {0, 1, 2, 3, 4, 5, 6, 7}, named = 0;
    for (size_t i = 0; i < 8; i++)
        for (size_t j = i + 1; j < 8; j++)
            if (scores[order[j]] > scores[order[i]]) {
                size_t swap = order[i];
                order[i] = order[j], order[j] = swap;
            }
    while (named < 4 && scores[order[named]] >= scores[order[0]] / 3) named++;
    const affect_interval *got = &tier->items[0];
    const affect_value *labels = affect_attributes_find(got->attributes, "labels"),
                       *told = affect_attributes_find(got->attributes, "label_scores");
    assert_string_equal(got->label, category_names[order[0]]);
    assert_true(fabs((double)got->score - scores[order[0]]) < 1e-6);
    assert_int_equal(got->t0, 0);
    assert_int_equal(got->t1, AFFECT_SECOND);
    assert_int_equal(affect_value_count(labels), named);
    assert_int_equal(named, 3); /* and the fourth has more than a quarter: */
    assert_true(scores[order[3]] > scores[order[0]] / 4);
    for (size_t k = 0; k < named; k++) {
        assert_string_equal(affect_value_text(affect_value_item(labels, k)),
                            category_names[order[k]]);
        assert_true(fabs(affect_value_number(affect_value_item(told, k)) -
                         round(scores[order[k]] * 1000) / 1000) < 1e-12);
    }
    /* The set of labels: whatever is not ruled out, here by the face alone. */
    const affect_value *set = affect_attributes_find(got->attributes, "label_set");
    size_t left = 0;
    while (left < 8 && scores[order[left]] >= .0625) left++;
    assert_true(left > named - 1 && left < 8);
    assert_int_equal(affect_value_count(set), left);
    for (size_t k = 0; k < left; k++)
        assert_string_equal(affect_value_text(affect_value_item(set, k)), category_names[order[k]]);
    assert_true(affect_attributes_number(got->attributes, "label_set_share") == .9);
    assert_true(fabs(affect_attributes_number(got->attributes, "valence") - .1) < 1e-9);
    assert_true(fabs(affect_attributes_number(got->attributes, "dominance_sd") - .25) < 1e-9);
    affect_timeline_destroy(in);
    affect_timeline_destroy(out);
}

/* What shows a little supports nothing, what shows the contrary denies; a clear event of the label's direction beats a
 * faint one, whatever came first. */
static void cues_are_weighed_by_where_they_point(void **state) {
    (void)state;
    affect_timeline *in = new_timeline(), *out = new_timeline();
    affect_track *face =
                     role(in, TRACK_ROLE_CATEGORIES, AFFECT_MODALITY_FACE, 1, category_names, 8),
                 *affect = role(in, TRACK_ROLE_AFFECT, AFFECT_MODALITY_FACE, 1, NULL, 0),
                 *voice = role(in, TRACK_ROLE_AFFECT, AFFECT_MODALITY_VOICE, 0, NULL, 0),
                 *path = role(in, TRACK_ROLE_TRAJECTORY, AFFECT_MODALITY_FUSED, 1, NULL, 0);
    const float happy[8] = {.02f, .86f, .02f, .02f, .02f, .02f, .02f, .02f};
    const float row[6] = {.5f, .4f, NAN, .1f, .1f, NAN}, low[6] = {-.3f, -.2f, NAN, .1f, .1f, NAN};
    for (int i = 0; i < 10; i++) {
        affect_time t = i * 100 * AFFECT_MILLISECOND;
        assert_int_equal(track_append(ctx, face, t, 1, happy), AFFECT_OK);
        assert_int_equal(track_append(ctx, affect, t, 1, row), AFFECT_OK);
        assert_int_equal(track_append(ctx, voice, t, 1, low), AFFECT_OK);
        assert_int_equal(track_append(ctx, path, t, 1, row), AFFECT_OK);
    }
    static const struct {
        const char *kind;
        double apex;
        float strength, confidence;
        int person;
        affect_modality modality;
    } events[] = {{"smile", .2, .5f, .5f, 1, AFFECT_MODALITY_FACE},
                  {"smile", .4, .9f, .8f, 1, AFFECT_MODALITY_FACE},
                  {"smile", .6, 1, .7f, 1, AFFECT_MODALITY_FACE},
                  {"smile", 1.0, 1, 1, 1, AFFECT_MODALITY_FACE},
                  {"smile", .5, 1, 1, 2, AFFECT_MODALITY_FACE},
                  {"brow_furrow", .3, 1, 1, 1, AFFECT_MODALITY_FACE},
                  {"pitch_fall", .5, 1, 1, 1, AFFECT_MODALITY_VOICE}};
    for (size_t i = 0; i < BASE_COUNT(events); i++) {
        affect_time at = time_from_seconds(events[i].apex);
        assert_int_equal(timeline_add_event(ctx, in,
                                            &(affect_event){.onset = at,
                                                            .apex = at,
                                                            .offset = at + 1,
                                                            .kind = events[i].kind,
                                                            .modality = events[i].modality,
                                                            .person = events[i].person,
                                                            .strength = events[i].strength,
                                                            .confidence = events[i].confidence}),
                         AFFECT_OK);
    }
    affect_tier *tier;
    assert_int_equal(timeline_tier(ctx, out, "episodes", AFFECT_MODALITY_FUSED, &tier), AFFECT_OK);
    const affect_timeline *inputs[] = {in};
    const timeline_view view = {inputs, 1};
    assert_int_equal(fuse_label_episode(ctx, constants, &view, path, 0, AFFECT_SECOND, tier),
                     AFFECT_OK);
    const affect_attributes *a = tier->items[0].attributes;
    assert_string_equal(tier->items[0].label, "happiness");
    assert_string_equal(affect_attributes_text(a, "cue_face"),
                        "smile at 0.400 s"); /* .72 beats .7 and .25 */
    assert_null(
        affect_attributes_find(a, "cue_voice")); /* falling pitch and low values point elsewhere */
    const affect_value *against = affect_attributes_find(a, "against");
    assert_int_equal(affect_value_count(against), 2);
    assert_string_equal(affect_value_text(affect_value_item(against, 0)),
                        "face: brow_furrow at 0.300 s");
    /* a pitch that falls denies nothing: what does is the mean of the voice */
    assert_string_equal(affect_value_text(affect_value_item(against, 1)),
                        "voice: valence -0.30, arousal -0.20");
    affect_timeline_destroy(in);
    affect_timeline_destroy(out);
}

/* ---- who says it ---- */

/* Person 2 speaks in [0.5, 2.5) of the picture, person 1 in [4, 8); the sound comes 0.3 s later than the picture. */
static const double turns[2][3] = {{0.5, 2.5, 2}, {4, 8, 1}}, offset_s = 0.3;

static void add_turns(affect_timeline *t) {
    affect_tier *speaking, *offsets;
    affect_attributes *told;
    assert_int_equal(timeline_tier(ctx, t, "speaking", AFFECT_MODALITY_FUSED, &speaking),
                     AFFECT_OK);
    assert_int_equal(timeline_tier(ctx, t, "av_offset", AFFECT_MODALITY_FUSED, &offsets),
                     AFFECT_OK);
    for (int i = 0; i < 2; i++)
        assert_int_equal(tier_append(ctx, speaking,
                                     &(affect_interval){.t0 = time_from_seconds(turns[i][0]),
                                                        .t1 = time_from_seconds(turns[i][1]),
                                                        .person = (int)turns[i][2],
                                                        .label = "",
                                                        .score = i ? .95f : .5f}),
                         AFFECT_OK);
    assert_int_equal(affect_attributes_create(ctx, &told), AFFECT_OK);
    assert_int_equal(affect_attributes_set_number(ctx, told, "offset_s", offset_s), AFFECT_OK);
    assert_int_equal(
        tier_append(
            ctx, offsets,
            &(affect_interval){.t0 = 0, .t1 = 8 * AFFECT_SECOND, .label = "", .attributes = told}),
        AFFECT_OK);
    affect_attributes_destroy(told);
}

/* How long each turn lasts within a second of an instant of the sound. */
static void around(double sound, double time[2]) {
    for (int i = 0; i < 2; i++) {
        double a = fmax(turns[i][0] + offset_s, sound - 1),
               b = fmin(turns[i][1] + offset_s, sound + 1);
        time[i] = fmax(b - a, 0);
    }
}

static void what_is_heard_is_the_speakers(void **state) {
    (void)state;
    static const char *const channels[] = {"happiness", "anger"};
    affect_timeline *in = new_timeline(), *out = new_timeline();
    affect_track *emotion = role(in, TRACK_ROLE_CATEGORIES, AFFECT_MODALITY_VOICE, 0, channels, 2),
                 *affect = role(in, TRACK_ROLE_AFFECT, AFFECT_MODALITY_VOICE, 0, NULL, 0);
    double log_happy[2] = {0}, count[2] = {0};
    seen rows[2][MOST];
    size_t n[2] = {0};
    add_turns(in);
    for (int i = 0; i < 24; i++) {
        double t = 0.125 + i * 0.3125, time[2];
        float p[2] = {(float)(.2 + .02 * i), (float)(.8 - .02 * i)};
        assert_int_equal(track_append(ctx, emotion, time_from_seconds(t), 1, p), AFFECT_OK);
        seen r = {.t = t,
                  .value = {.02 * i, -.1, .3},
                  .sd = {NAN, NAN, NAN},
                  .confidence = .5,
                  .stream = 1};
        put(affect, &r);
        around(t, time);
        int who = time[1] > time[0]; /* which turn */
        if (t >= offset_s) {         /* [0, 8) of the picture */
            log_happy[who] += log((double)p[0] / ((double)p[0] + (double)p[1]));
            count[who]++;
        }
        r.confidence *= time[who] / (time[0] + time[1]);
        r.t -= offset_s; /* its place in the picture */
        r.value[0] = (double)(float)r.value[0], r.value[1] = (double)-.1f, r.value[2] = (double).3f;
        rows[who][n[who]++] = r;
    }
    const affect_timeline *inputs[] = {in};
    const timeline_view view = {inputs, 1};
    for (int who = 0; who < 2; who++) {
        fuse_evidence e;
        assert_true(fuse_gather(&view, NULL, who ? 1 : 2, 0, 8 * AFFECT_SECOND, &e));
        assert_true(e.has_voice && count[who] > 5);
        assert_true(fabs(e.log_voice[1] - log_happy[who] / count[who]) < 1e-6);
    }
    fuse_options o = fuse_options_default();
    o.rate_hz = 2;
    (void)fused(in, out, o, 8);
    for (int who = 0; who < 2; who++) {
        const affect_track *t =
            affect_timeline_find_track(out, who ? "trajectory/1" : "trajectory/2");
        assert_non_null(t);
        for (size_t i = 0; i < t->rows; i++) {
            double at = time_to_seconds(t->times[i]), mean[3], sd[3];
            if (at > rows[who][n[who] - 1].t - 4)
                continue; /* beyond: the smoother's lag does not reach the last row */
            for (int d = 0; d < 3; d++) condition(rows[who], n[who], d, at, true, &mean[d], &sd[d]);
            near_row(t, i, mean, sd, 5e-3); /* rows more than 4 s on are not waited for */
        }
        assert_true(
            time_to_seconds(t->times[0]) ==
            fmax(0, ceil((rows[who][0].t - 2.5) * 2) / 2)); /* the first of the grid in reach */
    }
    /* Only what is surely his supports a label: person 2's score is .5. */
    double share;
    assert_int_equal(fuse_speaks(&view, emotion, time_from_seconds(3.5), 7, &share), 2);
    assert_true(fabs(share - .3 / .5) < 1e-6); /* 0.3 s of turn one, 0.2 s of turn two */
    assert_int_equal(fuse_speaks(&view, emotion, 20 * AFFECT_SECOND, 7, &share), 7);
    assert_true(share == 1);
    assert_true(fuse_says(&view, emotion, 2 * AFFECT_SECOND, 2) &&
                !fuse_says(&view, emotion, 2 * AFFECT_SECOND, 1));
    assert_true(fuse_surely_says(&view, 6 * AFFECT_SECOND, 1) &&
                !fuse_surely_says(&view, 2 * AFFECT_SECOND, 2));
    assert_false(fuse_surely_says(&view, 6 * AFFECT_SECOND, 2));
    affect_timeline_destroy(in);
    affect_timeline_destroy(out);
}

/* Mouths, no tier: motion while there is a voice, a quarter of plain motion, steps of at most half a second. */
static void mouths_are_scored_by_the_formula(void **state) {
    (void)state;
    affect_timeline *in = new_timeline();
    affect_track *mouth[2] = {role(in, TRACK_ROLE_MOUTH, AFFECT_MODALITY_FACE, 3, NULL, 0),
                              role(in, TRACK_ROLE_MOUTH, AFFECT_MODALITY_FACE, 4, NULL, 0)},
                 *voice = role(in, TRACK_ROLE_ACTIVITY, AFFECT_MODALITY_VOICE, 0, NULL, 0);
    /* Mouth 3 moves twice as much, but in the pause; mouth 4 a little, with the voice: 3: (0 - m a / n) + m / 4 ... */
    for (int i = 0; i < 80; i++) {
        bool speech = i % 8 < 6;
        float three[2] = {(float)(!speech && i % 2 ? .9 : .1), 0},
              four[2] = {(float)(speech && i % 2 ? .3 : .1), 0};
        float p = speech ? 1 : 0;
        affect_time t = i * 125 * AFFECT_MILLISECOND;
        assert_int_equal(track_append(ctx, mouth[0], t, 1, three), AFFECT_OK);
        assert_int_equal(track_append(ctx, mouth[1], t, 1, four), AFFECT_OK);
        assert_int_equal(track_append(ctx, voice, t, 1, &p), AFFECT_OK);
    }
    const affect_timeline *inputs[] = {in};
    double score[2] = {0};
    for (int k = 0; k < 2; k++) { /* the definition, over the rows within reach of 5 s */
        double motion = 0, active = 0, both = 0, n = 0;
        for (int i = 1; i < 80; i++) {
            affect_time t = i * 125 * AFFECT_MILLISECOND;
            if (t <= 5 * AFFECT_SECOND - FUSE_SPEAKER_REACH ||
                t >= 5 * AFFECT_SECOND + FUSE_SPEAKER_REACH)
                continue;
            double a = (double)mouth[k]->values[2 * i], b = (double)mouth[k]->values[2 * (i - 1)],
                   m = fabs(a - b) / .125;
            motion += m, active += (double)voice->values[i], both += m * (double)voice->values[i],
                n++;
        }
        score[k] = both / n - motion / n * active / n + motion / n / 4;
    }
    assert_int_equal(fuse_speaker(&(timeline_view){inputs, 1}, 5 * AFFECT_SECOND, 0),
                     score[0] > score[1] ? 3 : 4);
    affect_timeline_destroy(in);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_rows_are_conditioned_on),
        cmocka_unit_test(the_trajectory_is_the_posterior_of_all_rows),
        cmocka_unit_test(nothing_is_said_far_from_all_rows),
        cmocka_unit_test(scores_are_the_product_of_experts),
        cmocka_unit_test(evidence_is_gathered_from_rows),
        cmocka_unit_test(an_episode_tells_what_it_is_of),
        cmocka_unit_test(cues_are_weighed_by_where_they_point),
        cmocka_unit_test(what_is_heard_is_the_speakers),
        cmocka_unit_test(mouths_are_scored_by_the_formula),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
