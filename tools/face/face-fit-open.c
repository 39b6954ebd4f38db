/* face-fit-open: fits what models/face.geometry.open/weights.json holds, from video whose licence
 * lets everybody use it: no picture of FER2013 goes in.
 *
 * usage: face-fit-open WEIGHTS.json VIDEO.csv [NEUTRAL...] [-- CLIP...]
 * VIDEO.csv has the columns path (beside it), label, speaker (Java-SED's video.csv). NEUTRAL are
 * people who speak without any expression, CLIPs people who talk as they do, each somebody else.
 * Ten frames a second are looked at.
 *
 * Few people, many frames: what a measure does when a head turns is learnt inside each clip of
 * neutral speech, against the clip's own mean, and held near "nothing" as strongly as is best for a
 * person who was left out. Of a clip of speech the third of the frames in which the mouth is most
 * closed is taken: a resting face does not speak. Where a neutral face lies, and how far people
 * differ, is then counted over persons. Labels give the softmax regression of expressions; actors
 * are left out in turn for the agreement that is printed. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/table.h"
#include "fit.h"
#include "media/media.h"

enum { C = FIT_C, F = FIT_F, SLOPES = FIT_POSE - 1, PERSONS = 64, CLIPS = 512 };

typedef struct seen {
    face_geometry g;
    int clip;
    bool rest; /* nobody acts, and the mouth is as closed as it gets */
    float deviation[F];
} seen;

typedef struct clip {
    int person, label; /* -1: nobody said what is shown */
    size_t first, count;
} clip;

typedef struct material {
    seen *items;
    size_t count, capacity;
    clip clips[CLIPS];
    size_t clip_count;
    int persons, actors; /* actors come first */
    char names[PERSONS][64];
} material;

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static affect_status find_rest(affect_context *ctx, material *m) {
    double *x = base_alloc(BASE_MAX(m->count, (size_t)1) * sizeof *x);
    if (!x) return base_fail_memory(ctx);
    for (size_t k = 0; k < m->clip_count; k++) {
        const clip *c = &m->clips[k];
        if (c->label > 0 || !c->count) continue; /* acted */
        seen *of = m->items + c->first;
        for (size_t i = 0; i < c->count; i++) x[i] = (double)of[i].g.measures[MEASURE_mouth_open];
        qsort(x, c->count, sizeof *x, compare);
        for (size_t i = 0; i < c->count; i++)
            of[i].rest = (double)of[i].g.measures[MEASURE_mouth_open] <= x[c->count / 3];
    }
    base_free(x);
    return AFFECT_OK;
}

static affect_status look_at_clip(affect_context *ctx, face_people_models models, const char *path,
                                  int person, int label, material *out) {
    if (out->clip_count == CLIPS) return base_fail(ctx, AFFECT_ERROR_LIMIT, "too many clips");
    media_options options = media_options_default();
    options.want_audio = false;
    options.max_fps = 10;
    media_reader *reader = NULL;
    face_people *p = NULL;
    clip *c = &out->clips[out->clip_count++];
    *c = (clip){.person = person, .label = label, .first = out->count};
    affect_status status = media_open(ctx, path, &options, &reader);
    if (!status) status = face_people_create(ctx, &models, 1, &p);
    media_item item = {.kind = MEDIA_GAP};
    while (!status && item.kind != MEDIA_END) {
        const face_seen *faces;
        size_t count = 0;
        status = media_next(reader, &item);
        if (!status && item.kind == MEDIA_FRAME)
            status = face_people_step(ctx, p, &item.frame, &faces, &count);
        if (status || !count || faces[0].mesh.presence <= 0.5f) continue;
        if (!base_grow((void **)&out->items, &out->capacity, out->count + 1, sizeof *out->items)) {
            status = base_fail_memory(ctx);
            break;
        }
        seen *s = &out->items[out->count];
        *s = (seen){.clip = (int)(out->clip_count - 1)};
        face_geometry_measure(&faces[0].mesh, &s->g);
        if (s->g.residual >= 0.1f) continue;
        out->count++;
        c->count++;
    }
    face_people_destroy(p);
    media_close(reader);
    return status;
}

static int person_called(material *m, const char *name) {
    for (int i = 0; i < m->persons; i++)
        if (strcmp(m->names[i], name) == 0) return i;
    if (m->persons == PERSONS) return -1;
    snprintf(m->names[m->persons], sizeof m->names[0], "%s", name);
    return m->persons++;
}

static affect_status look_at_all(affect_context *ctx, const char *table, char *const *clips,
                                 int count, material *out) {
    face_detector *d = NULL;
    face_mesher *m = NULL;
    data_table *t = NULL;
    affect_status status = face_detector_create(ctx, "face.detect.wide", &d);
    if (!status) status = face_mesher_create(ctx, "face.mesh", &m);
    if (!status) status = data_table_open(ctx, table, NULL, &t);
    face_people_models models = {d, m, NULL};
    static const char *const names[3] = {"path", "label", "speaker"};
    int column[3] = {-1, -1, -1};
    for (int k = 0; k < 3 && !status; k++)
        if ((column[k] = data_table_column(t, names[k])) < 0)
            status = base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: no column %s", table, names[k]);
    const char *slash = strrchr(table, '/');
    for (size_t r = 0; !status && r < t->rows; r++) {
        char path[1024];
        snprintf(path, sizeof path, "%.*s%s", slash ? (int)(slash - table) + 1 : 0, table,
                 data_table_cell(t, r, (size_t)column[0]));
        int label = -1, person = person_called(out, data_table_cell(t, r, (size_t)column[2]));
        for (int c = 0; c < C; c++)
            if (strcmp(data_table_cell(t, r, (size_t)column[1]), category_names[c]) == 0) label = c;
        if (label < 0 || person < 0) continue;
        status = look_at_clip(ctx, models, path, person, label, out);
    }
    out->actors = out->persons;
    bool neutral = true;
    for (int i = 0; i < count && !status; i++) {
        if (strcmp(clips[i], "--") == 0) {
            neutral = false;
            continue;
        }
        int person = person_called(out, clips[i]);
        if (person >= 0)
            status = look_at_clip(ctx, models, clips[i], person, neutral ? 0 : -1, out);
    }
    data_table_destroy(t);
    face_mesher_destroy(m);
    face_detector_destroy(d);
    return status;
}

/* ---- pose: slopes inside clips ---- */

/* Solves a x = y for a positive definite a by elimination; a and y are spent. */
static void solve(double a[SLOPES][SLOPES], double y[SLOPES], double x[SLOPES]) {
    for (int p = 0; p < SLOPES; p++)
        for (int r = p + 1; r < SLOPES; r++) {
            double f = a[r][p] / a[p][p];
            for (int k = p; k < SLOPES; k++) a[r][k] -= f * a[p][k];
            y[r] -= f * y[p];
        }
    for (int p = SLOPES - 1; p >= 0; p--) {
        x[p] = y[p];
        for (int k = p + 1; k < SLOPES; k++) x[p] -= a[p][k] * x[k];
        x[p] /= a[p][p];
    }
}

/* Basis and measure of a frame less their means over its clip. */
static void centred(const material *m, const clip *c, size_t i, int k, double b[SLOPES],
                    double *value) {
    double all[FIT_POSE], mean[SLOPES] = {0}, sum = 0, n = 0;
    for (size_t j = c->first; j < c->first + c->count; j++) {
        if (!m->items[j].rest) continue;
        fit_pose_basis(&m->items[j].g, all);
        for (int p = 0; p < SLOPES; p++) mean[p] += all[p + 1];
        sum += (double)m->items[j].g.measures[k];
        n++;
    }
    fit_pose_basis(&m->items[i].g, all);
    for (int p = 0; p < SLOPES; p++) b[p] = all[p + 1] - mean[p] / n;
    *value = (double)m->items[i].g.measures[k] - sum / n;
}

typedef struct moments {
    double a[SLOPES][SLOPES], y[SLOPES], square;
} moments;

static void add_moments(moments *to, const moments *from, double sign) {
    for (int p = 0; p < SLOPES; p++) {
        for (int q = 0; q < SLOPES; q++) to->a[p][q] += sign * from->a[p][q];
        to->y[p] += sign * from->y[p];
    }
    to->square += sign * from->square;
}

static void slopes_of(const moments *all, double ridge, double out[SLOPES]) {
    moments m = *all;
    for (int p = 0; p < SLOPES; p++) m.a[p][p] += ridge;
    solve(m.a, m.y, out);
}

/* What is left of a person's movement with these slopes. */
static double left_over(const moments *m, const double x[SLOPES]) {
    double sum = m->square;
    for (int p = 0; p < SLOPES; p++) {
        sum -= 2 * x[p] * m->y[p];
        for (int q = 0; q < SLOPES; q++) sum += x[p] * m->a[p][q] * x[q];
    }
    return sum;
}

static affect_status fit_slopes(affect_context *ctx, const material *m, face_population *out) {
    static const double ridges[] = {1, 3, 10, 30, 100, 300, 1000, 10000};
    moments(*of)[PERSONS] = base_calloc(F, sizeof *of);
    if (!of) return base_fail_memory(ctx);
    double frames[PERSONS] = {0};
    for (size_t i = 0; i < m->count; i++)
        if (m->items[i].rest) frames[m->clips[m->items[i].clip].person]++;
    for (size_t i = 0; i < m->count; i++) {
        const clip *from = &m->clips[m->items[i].clip];
        if (!m->items[i].rest) continue;
        double weight = 100 / frames[from->person]; /* everybody says as much as 100 frames */
        for (int k = 0; k < F; k++) {
            double b[SLOPES], value;
            moments *to = &of[k][from->person];
            centred(m, from, i, k, b, &value);
            for (int p = 0; p < SLOPES; p++) {
                for (int q = 0; q < SLOPES; q++) to->a[p][q] += weight * b[p] * b[q];
                to->y[p] += weight * b[p] * value;
            }
            to->square += weight * value * value;
        }
    }
    int kept[BASE_COUNT(ridges)] = {0};
    for (int k = 0; k < F; k++) {
        moments all = {.square = 0};
        double x[SLOPES], best = INFINITY, chosen = 0;
        size_t which = 0;
        for (int p = 0; p < m->persons; p++) add_moments(&all, &of[k][p], 1);
        for (size_t r = 0; r < BASE_COUNT(ridges); r++) {
            double left = 0;
            for (int p = 0; p < m->persons; p++) {
                moments others = all;
                add_moments(&others, &of[k][p], -1);
                slopes_of(&others, ridges[r], x);
                left += left_over(&of[k][p], x);
            }
            if (left < best) best = left, chosen = ridges[r], which = r;
        }
        kept[which]++;
        slopes_of(&all, chosen, x);
        for (int p = 0; p < SLOPES; p++) out->pose[k][p + 1] = (float)x[p];
    }
    printf("slopes: ridge chosen for how many measures:");
    for (size_t r = 0; r < BASE_COUNT(ridges); r++) printf(" %g: %d", ridges[r], kept[r]);
    printf("\n");
    base_free(of);
    return AFFECT_OK;
}

/* ---- where neutral faces lie ---- */

static double median(double *x, size_t n) {
    qsort(x, n, sizeof *x, compare);
    return n ? x[n / 2] : NAN;
}

/* The middle of each person's frames at rest; their mean and how they differ, with the usual
 * distance of a frame from its person's middle. */
static affect_status fit_neutral(affect_context *ctx, const material *m, face_population *out) {
    double *x = base_alloc(m->count * sizeof *x);
    if (!x) return base_fail_memory(ctx);
    for (int k = 0; k < F; k++) {
        double middle[PERSONS], jitter = 0, mean = 0, between = 0;
        int persons = 0;
        for (int p = 0; p < m->persons; p++) {
            size_t n = 0;
            for (size_t i = 0; i < m->count; i++) {
                const clip *c = &m->clips[m->items[i].clip];
                double b[FIT_POSE];
                if (c->person != p || !m->items[i].rest) continue;
                fit_pose_basis(&m->items[i].g, b);
                x[n] = (double)m->items[i].g.measures[k];
                for (int q = 1; q < FIT_POSE; q++) x[n] -= (double)out->pose[k][q] * b[q];
                n++;
            }
            if (!n) continue;
            double at = middle[persons++] = median(x, n);
            for (size_t i = 0; i < n; i++) x[i] = fabs(x[i] - at);
            jitter += pow(1.4826 * median(x, n), 2);
        }
        for (int p = 0; p < persons; p++) mean += middle[p] / persons;
        for (int p = 0; p < persons; p++) between += pow(middle[p] - mean, 2) / (persons - 1);
        out->pose[k][0] = (float)mean;
        out->spread[k] = (float)sqrt(between + jitter / persons);
    }
    base_free(x);
    return AFFECT_OK;
}

/* ---- expressions ---- */

/* Deviations from each clip's own neutral, learnt as the stage does. */
static void deviate(material *m, const face_population *p) {
    for (size_t c = 0; c < m->clip_count; c++) {
        face_neutral own = {.seen_s = 0};
        float neutral[F];
        for (int pass = 0; pass < 2; pass++)
            for (size_t i = m->clips[c].first; i < m->clips[c].first + m->clips[c].count; i++) {
                float *d = m->items[i].deviation;
                if (!pass) face_population_deviation(p, &m->items[i].g, d);
                if (!pass) face_neutral_add(&own, d, 1, 0.1);
                face_neutral_get(&own, neutral);
                for (int k = 0; pass && k < F; k++) d[k] = fmaxf(-6, fminf(6, d[k] - neutral[k]));
            }
    }
}

/* Regression on the frames of the actors but `without` (-1: of all). */
static affect_status fit_expression(affect_context *ctx, const material *m, int without,
                                    double w[C * (F + 1)]) {
    float *x = base_alloc(m->count * F * sizeof *x), *t = base_calloc(m->count * C, sizeof *t);
    size_t n = 0;
    for (size_t i = 0; x && t && i < m->count; i++) {
        const clip *c = &m->clips[m->items[i].clip];
        if (c->label < 0 || c->person == without) continue;
        memcpy(x + n * F, m->items[i].deviation, F * sizeof *x);
        t[n++ * C + (size_t)c->label] = 1;
    }
    fit_regression r = {n, F, x, NULL, t, 0.1};
    memset(w, 0, C * (F + 1) * sizeof *w);
    bool good = x && t && fit_softmax(&r, 400, w);
    base_free(x);
    base_free(t);
    return good ? AFFECT_OK : base_fail_memory(ctx);
}

static affect_status judge_expression(affect_context *ctx, const material *m) {
    int met = 0, all = 0, hits[C] = {0}, of[C] = {0};
    double loss = 0;
    affect_status status = AFFECT_OK;
    for (int actor = 0; actor < m->actors && !status; actor++) {
        double w[C * (F + 1)];
        status = fit_expression(ctx, m, actor, w);
        for (size_t c = 0; c < m->clip_count && !status; c++) {
            const clip *at = &m->clips[c];
            double sum[C] = {0}, p[C];
            if (at->person != actor || at->label < 0 || !at->count) continue;
            for (size_t i = at->first; i < at->first + at->count; i++) {
                fit_regression one = {1, F, m->items[i].deviation, NULL, NULL, 0};
                fit_probabilities(&one, w, 0, p);
                for (int k = 0; k < C; k++) sum[k] += log(fmax(p[k], 1e-6)) / (double)at->count;
                loss -= log(fmax(p[at->label], 1e-6)) / (double)at->count;
            }
            hits[at->label] += fit_best(sum) == at->label;
            met += fit_best(sum) == at->label;
            of[at->label]++;
            all++;
        }
    }
    if (status) return status;
    printf("expression, each actor left out: agreement %.3f of %d clips, cross-entropy %.3f;",
           (double)met / all, all, loss / all);
    for (int k = 0; k < C; k++)
        if (of[k]) printf(" %s %.2f", category_names[k], (double)hits[k] / of[k]);
    printf("\n");
    return AFFECT_OK;
}

static affect_status run(affect_context *ctx, const char *output, const char *table,
                         char *const *clips, int count) {
    static material m;
    face_population p = {.spread = {0}};
    double w[C * (F + 1)];
    base_output file = {0};
    affect_status status = look_at_all(ctx, table, clips, count, &m);
    if (!status)
        printf("%zu frames of %zu clips of %d persons\n", m.count, m.clip_count, m.persons);
    if (!status) status = find_rest(ctx, &m);
    if (!status) status = fit_slopes(ctx, &m, &p);
    if (!status) status = fit_neutral(ctx, &m, &p);
    if (!status) {
        deviate(&m, &p);
        status = judge_expression(ctx, &m);
    }
    if (!status) status = fit_expression(ctx, &m, -1, w);
    if (!status) status = base_output_open(ctx, output, &file);
    if (!status) {
        fit_write(file.file, &p, w);
        status = base_output_commit(ctx, &file);
    }
    base_free(m.items);
    return status;
}

int main(int count, char **arguments) {
    if (count < 3) {
        fprintf(stderr, "usage: face-fit-open WEIGHTS.json VIDEO.csv [NEUTRAL...] [-- CLIP...]\n");
        return AFFECT_ERROR_USAGE;
    }
    affect_context *ctx;
    if (affect_context_create(&ctx)) return AFFECT_ERROR_MEMORY;
    affect_status status = run(ctx, arguments[1], arguments[2], arguments + 3, count - 3);
    if (status) fprintf(stderr, "face-fit-open: %s\n", affect_context_message(ctx));
    affect_context_destroy(ctx);
    return (int)status;
}
