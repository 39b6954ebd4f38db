/* face-fit: fits what models/face.geometry/weights.json holds, and the calibration in the card of
 * face.expression, on the FER+ votes (Barsoum et al. 2016) with the same mesh, measures and crop
 * that the face stage uses.
 *
 * usage: face-fit FERPLUS_FOLDER WEIGHTS.json [EVERY]
 *        face-fit --join MODEL FERPLUS_FOLDER [EVERY]
 *        face-fit --turns GEOMETRY FERPLUS_FOLDER [EVERY]
 * EVERY 3 fits on every third face (quicker). --join prints how much the posteriors of one
 * of our networks and the installed face.geometry should count beside each other (expression.c).
 *
 * Training faces give the pose terms and spreads (neutral faces) and the softmax regression of the
 * votes (all). Validation faces give the calibration of the expression network (which has seen the
 * training faces) and every number that is printed. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/npy.h"
#include "data/table.h"
#include "fit.h"

enum { SIDE = 48, C = FACE_CATEGORIES, F = FACE_MEASURES, LABELS = 32, VOTES = 5 };

typedef struct sample {
    face_geometry g;
    float target[C];      /* shares of the votes */
    float deviation[F];   /* filled once the pose terms are known */
    float looked[LABELS]; /* what the expression network was calibrated to say */
} sample;

typedef struct set {
    sample *items;
    size_t count;
} set;

static affect_status read_votes(affect_context *ctx, const data_table *t, size_t row, float out[C],
                                bool *enough) {
    double total = 0;
    for (int c = 0; c < C; c++) {
        int column = data_table_column(t, category_names[c]);
        const char *cell = column < 0 ? "" : data_table_cell(t, row, (size_t)column);
        double votes;
        if (!base_parse_double(cell, strlen(cell), &votes))
            return base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: no votes for %s in row %zu", t->path,
                             category_names[c], row + 1);
        out[c] = (float)votes;
        total += votes;
    }
    *enough = total >= VOTES;
    for (int c = 0; c < C && total > 0; c++) out[c] = (float)((double)out[c] / total);
    return AFFECT_OK;
}

/* The mesh of a tightly cropped face: first on the whole picture, then on its own square. */
static affect_status measure(affect_context *ctx, face_mesher *m, const media_frame *frame,
                             face_mesh *mesh) {
    face_roi roi = {SIDE * 0.5f, SIDE * 0.5f, SIDE * 4.0f / 3, 0};
    affect_status status = face_mesher_run(ctx, m, frame, &roi, mesh);
    face_roi own = face_mesh_roi(mesh);
    if (own.side > 40 && own.side < 110 && fabsf(own.angle) < 1) roi = own;
    return status ? status : face_mesher_run(ctx, m, frame, &roi, mesh);
}

static affect_status read_set(affect_context *ctx, const char *folder, const char *name,
                              face_mesher *m, face_classifier *e, size_t every, set *out) {
    char path[1024];
    data_npz *npz = NULL;
    data_npy *images = NULL;
    data_table *votes = NULL;
    snprintf(path, sizeof path, "%s/%s_images.npz", folder, name);
    affect_status status = data_npz_open(ctx, path, &npz);
    if (!status) status = data_npz_array(ctx, npz, "images", &images);
    snprintf(path, sizeof path, "%s/%s_votes.csv", folder, name);
    if (!status) status = data_table_open(ctx, path, NULL, &votes);
    if (!status && (images->values.rank != 3 || images->values.shape[1] != SIDE ||
                    images->values.shape[2] != SIDE || images->values.type != DATA_U8 ||
                    images->values.shape[0] != votes->rows))
        status = base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: pictures and votes do not fit", path);
    size_t n = status ? 0 : images->values.shape[0];
    out->items = base_calloc(n, sizeof *out->items);
    if (!status && !out->items) status = base_fail_memory(ctx);
    for (size_t i = 0; !status && i < n; i += every) {
        uint8_t rgb[SIDE * SIDE * 3];
        const unsigned char *grey = images->values.bytes + i * SIDE * SIDE;
        for (int k = 0; k < SIDE * SIDE; k++) memset(rgb + 3 * k, grey[k], 3);
        media_frame frame = {.width = SIDE, .height = SIDE, .stride = SIDE * 3, .rgb = rgb};
        sample *s = &out->items[out->count];
        face_mesh mesh;
        bool enough = false;
        float known;
        status = read_votes(ctx, votes, i, s->target, &enough);
        if (!status && enough) status = measure(ctx, m, &frame, &mesh);
        if (status || !enough || mesh.presence <= 0.5f) continue;
        face_geometry_measure(&mesh, &s->g);
        if (s->g.residual >= 0.1f) continue;
        if (e) status = face_classifier_run(ctx, e, &frame, &mesh, s->looked, &known);
        out->count++;
        if (out->count % 5000 == 0) fprintf(stderr, "%s: %zu of %zu\n", name, i + 1, n);
    }
    fprintf(stderr, "%s: %zu of %zu faces used\n", name, out->count, n);
    data_table_destroy(votes);
    data_npy_destroy(images);
    data_npz_destroy(npz);
    return status;
}

/* ---- pose terms and spreads: least squares on neutral faces ---- */

static bool is_neutral(const sample *s) { return s->target[0] > 0.6f; }

/* Solves a x = y for a positive definite a (6 x 6) by elimination. */
static void solve6(double a[6][6], double y[6], double x[6]) {
    for (int p = 0; p < 6; p++)
        for (int r = p + 1; r < 6; r++) {
            double f = a[r][p] / a[p][p];
            for (int k = p; k < 6; k++) a[r][k] -= f * a[p][k];
            y[r] -= f * y[p];
        }
    for (int p = 5; p >= 0; p--) {
        x[p] = y[p];
        for (int k = p + 1; k < 6; k++) x[p] -= a[p][k] * x[k];
        x[p] /= a[p][p];
    }
}

static void fit_pose(const set *train, face_population *out) {
    for (int k = 0; k < F; k++) {
        double a[6][6] = {{0}}, y[6] = {0}, x[6], b[6], square = 0;
        size_t n = 0;
        for (size_t i = 0; i < train->count; i++) {
            if (!is_neutral(&train->items[i])) continue;
            fit_pose_basis(&train->items[i].g, b);
            for (int p = 0; p < 6; p++) {
                for (int q = 0; q < 6; q++) a[p][q] += b[p] * b[q];
                y[p] += b[p] * (double)train->items[i].g.measures[k];
            }
        }
        solve6(a, y, x);
        for (size_t i = 0; i < train->count; i++) {
            if (!is_neutral(&train->items[i])) continue;
            fit_pose_basis(&train->items[i].g, b);
            double left = (double)train->items[i].g.measures[k];
            for (int p = 0; p < 6; p++) left -= x[p] * b[p];
            square += left * left;
            n++;
        }
        for (int p = 0; p < 6; p++) out->pose[k][p] = (float)x[p];
        out->spread[k] = (float)sqrt(square / (double)BASE_MAX(n, 1));
    }
}

/* Agreement with the majority vote, and mean cross-entropy with the votes, of rows i with
 * i % of == which (of = 1: all). */
static void judge(const fit_regression *r, const double *w, size_t of, size_t which,
                  double out[2]) {
    size_t n = 0;
    out[0] = out[1] = 0;
    for (size_t i = which; i < r->n; i += of) {
        double p[C], t[C];
        fit_probabilities(r, w, i, p);
        for (int c = 0; c < C; c++) {
            t[c] = (double)r->target[i * C + (size_t)c];
            out[1] -= t[c] * log(fmax(p[c], 1e-12));
        }
        out[0] += fit_best(p) == fit_best(t);
        n++;
    }
    out[0] /= (double)n;
    out[1] /= (double)n;
}

static bool rows_of(const set *s, size_t d, const float *(*get)(const sample *), float **x,
                    float **target) {
    *x = base_alloc(s->count * d * sizeof(float));
    *target = base_alloc(s->count * C * sizeof(float));
    if (!*x || !*target) return false;
    for (size_t i = 0; i < s->count; i++) {
        for (size_t k = 0; k < d; k++) (*x)[i * d + k] = fmaxf(-6, fminf(6, get(&s->items[i])[k]));
        memcpy(*target + i * C, s->items[i].target, C * sizeof(float));
    }
    return true;
}

static const float *get_deviation(const sample *s) { return s->deviation; }
static const float *get_looked(const sample *s) { return s->looked; }

/* Calibrates the network beside the geometry on half of the validation faces, judges on the other,
 * and the other way round; then prints the fit on all for the card. */
static bool calibrate(const set *valid, size_t labels, const model_card *card,
                      const float *geometry) {
    float *x = NULL, *target = NULL;
    if (!rows_of(valid, labels, get_looked, &x, &target)) return false;
    double agreement[2][2] = {{0}};
    for (size_t half = 0; half < 2; half++) {
        size_t n = 0;
        float *hx = base_alloc(valid->count * labels * sizeof *hx);
        float *ht = base_alloc(valid->count * C * sizeof *ht);
        float *ho = base_alloc(valid->count * C * sizeof *ho);
        if (!hx || !ht || !ho) return false;
        for (size_t i = half; i < valid->count; i += 2, n++) {
            memcpy(hx + n * labels, x + i * labels, labels * sizeof *hx);
            memcpy(ht + n * C, target + i * C, C * sizeof *ht);
            memcpy(ho + n * C, geometry + i * C, C * sizeof *ho);
        }
        for (int with = 0; with < 2; with++) {
            double w[C * (LABELS + 1)] = {0}, result[2];
            fit_regression part = {n, labels, hx, with ? ho : NULL, ht, 2e-3};
            fit_regression whole = {valid->count, labels, x, with ? geometry : NULL, target, 0};
            if (!fit_softmax(&part, 800, w)) return false;
            judge(&whole, w, 2, 1 - half, result);
            for (int k = 0; k < 2; k++) agreement[with][k] += result[k] / 2;
        }
        base_free(hx);
        base_free(ht);
        base_free(ho);
    }
    printf("network calibrated, two-fold: agreement %.3f, cross-entropy %.3f\n", agreement[0][0],
           agreement[0][1]);
    printf("network and geometry, two-fold: agreement %.3f, cross-entropy %.3f\n", agreement[1][0],
           agreement[1][1]);
    double w[C * (LABELS + 1)] = {0};
    fit_regression all = {valid->count, labels, x, geometry, target, 2e-3};
    if (!fit_softmax(&all, 800, w)) return false;
    printf("calibration for the card of %s:\n  \"constant\": [", card->name);
    for (int c = 0; c < C; c++)
        printf("%s%.3f", c ? ", " : "", w[(size_t)c * (labels + 1) + labels]);
    printf("]");
    for (size_t i = 0; i < labels; i++) {
        printf(",\n  \"%s\": [", card->labels[i]);
        for (int c = 0; c < C; c++)
            printf("%s%.3f", c ? ", " : "", w[(size_t)c * (labels + 1) + i]);
        printf("]");
    }
    printf("\n");
    base_free(x);
    base_free(target);
    return true;
}

/* Neutral validation faces must read the same whichever way they look. */
static void print_turns(const set *valid) {
    static const struct {
        const char *name;
        int axis;
        float from, to;
    } bins[] = {{"yaw -25..-15", 0, -25, -15},
                {"yaw -5..5", 0, -5, 5},
                {"yaw 15..25", 0, 15, 25},
                {"pitch -20..-10", 1, -20, -10},
                {"pitch 10..20", 1, 10, 20}};
    printf("mean intensity on neutral faces, against the population's neutral:\n%-15s faces", "");
    for (int u = 0; u < FACE_UNITS; u++) printf(" %s", face_unit_names[u]);
    for (size_t b = 0; b < BASE_COUNT(bins); b++) {
        double sums[FACE_UNITS] = {0};
        int n = 0;
        for (size_t i = 0; i < valid->count; i++) {
            const sample *s = &valid->items[i];
            float angle = bins[b].axis ? s->g.pitch : s->g.yaw, units[FACE_UNITS];
            if (!is_neutral(s) || angle < bins[b].from || angle > bins[b].to) continue;
            face_units_measure(s->deviation, units);
            for (int u = 0; u < FACE_UNITS; u++) sums[u] += (double)units[u];
            n++;
        }
        printf("\n%-15s %5d", bins[b].name, n);
        for (int u = 0; u < FACE_UNITS; u++) printf(" %4.2f", sums[u] / BASE_MAX(n, 1));
    }
    printf("\n");
}

static affect_status run(affect_context *ctx, const char *folder, const char *output,
                         size_t every) {
    face_mesher *m = NULL;
    face_classifier *e = NULL;
    model_card *card = NULL;
    set train = {0}, valid = {0};
    face_population population;
    float *x = NULL, *t = NULL, *vx = NULL, *vt = NULL, *geometry = NULL;
    double w[C * (F + 1)] = {0};
    affect_status status = face_mesher_create(ctx, "face.mesh", &m);
    if (!status) status = model_card_load(ctx, "face.expression", false, &card);
    if (!status) status = face_classifier_create_raw(ctx, "face.expression", &e);
    if (!status) status = read_set(ctx, folder, "valid", m, e, 1, &valid);
    if (!status) status = read_set(ctx, folder, "train", m, NULL, every, &train);
    if (status) goto cleanup;
    fit_pose(&train, &population);
    for (size_t i = 0; i < train.count; i++)
        face_population_deviation(&population, &train.items[i].g, train.items[i].deviation);
    for (size_t i = 0; i < valid.count; i++)
        face_population_deviation(&population, &valid.items[i].g, valid.items[i].deviation);
    geometry = base_alloc(valid.count * C * sizeof *geometry);
    if (!geometry || !rows_of(&train, F, get_deviation, &x, &t) ||
        !rows_of(&valid, F, get_deviation, &vx, &vt)) {
        status = base_fail_memory(ctx);
        goto cleanup;
    }
    fit_regression fit = {train.count, F, x, NULL, t, 1e-4};
    fit_regression test = {valid.count, F, vx, NULL, vt, 0};
    double result[2];
    if (!fit_softmax(&fit, 600, w)) status = base_fail_memory(ctx);
    judge(&test, w, 1, 0, result);
    printf("geometry: FER+ valid, %zu faces: agreement %.3f, cross-entropy %.3f\n", valid.count,
           result[0], result[1]);
    print_turns(&valid);
    for (size_t i = 0; i < valid.count; i++) {
        double p[C];
        fit_probabilities(&test, w, i, p);
        for (int c = 0; c < C; c++) geometry[i * C + (size_t)c] = (float)log(fmax(p[c], 1e-12));
    }
    if (!status && !calibrate(&valid, card->label_count, card, geometry))
        status = base_fail_memory(ctx);
    base_output file = {0};
    if (!status) status = base_output_open(ctx, output, &file);
    if (!status) {
        fit_write(file.file, &population, w);
        status = base_output_commit(ctx, &file);
    }
cleanup:
    base_free(x);
    base_free(t);
    base_free(vx);
    base_free(vt);
    base_free(geometry);
    base_free(train.items);
    base_free(valid.items);
    model_card_destroy(card);
    face_classifier_destroy(e);
    face_mesher_destroy(m);
    return status;
}

/* Two weights, of the network's and of the geometry's log-odds, by a grid on one half of the
 * validation faces, judged on the other, and the other way round. */
static affect_status join(affect_context *ctx, const char *model, const char *folder,
                          size_t every) {
    face_mesher *m = NULL;
    face_classifier *e = NULL;
    set valid = {0};
    face_population p;
    affect_status status = face_mesher_create(ctx, "face.mesh", &m);
    if (!status) status = face_classifier_create_raw(ctx, model, &e);
    if (!status) status = face_population_load(ctx, "face.geometry", &p);
    if (!status) status = read_set(ctx, folder, "valid", m, e, every, &valid);
    enum { STEPS = 31 };
    static double loss[STEPS][STEPS][2], met[STEPS][STEPS][2];
    for (size_t i = 0; !status && i < valid.count; i++) {
        sample *s = &valid.items[i];
        double geometry[C], target[C];
        face_population_deviation(&p, &s->g, s->deviation);
        for (int c = 0; c < C; c++) {
            geometry[c] = (double)p.weights[c][F];
            target[c] = (double)s->target[c];
            for (int k = 0; k < F; k++)
                geometry[c] += (double)p.weights[c][k] * fmax(-6, fmin(6, (double)s->deviation[k]));
        }
        for (int a = 0; a < STEPS; a++)
            for (int b = 0; b < STEPS; b++) {
                double logit[C], top = -INFINITY, sum = 0;
                for (int c = 0; c < C; c++) {
                    logit[c] = .05 * a * (double)s->looked[c] + .05 * b * geometry[c];
                    top = fmax(top, logit[c]);
                }
                for (int c = 0; c < C; c++) sum += exp(logit[c] - top);
                for (int c = 0; c < C; c++)
                    loss[a][b][i % 2] -= target[c] * (logit[c] - top - log(sum));
                met[a][b][i % 2] += fit_best(logit) == fit_best(target);
            }
    }
    const size_t halves[2] = {(valid.count + 1) / 2, valid.count / 2};
    double n[2] = {(double)halves[0], (double)halves[1]};
    for (int half = 0; half < 2 && !status; half++) {
        int at[2] = {20, 0};
        for (int a = 0; a < STEPS; a++)
            for (int b = 0; b < STEPS; b++)
                if (loss[a][b][half] < loss[at[0]][at[1]][half]) at[0] = a, at[1] = b;
        int o = 1 - half;
        printf("half %d: network %.2f, geometry %.2f; on the other half agreement %.3f, "
               "cross-entropy %.3f; network alone %.3f, %.3f; geometry alone %.3f, %.3f\n",
               half, .05 * at[0], .05 * at[1], met[at[0]][at[1]][o] / n[o],
               loss[at[0]][at[1]][o] / n[o], met[20][0][o] / n[o], loss[20][0][o] / n[o],
               met[0][20][o] / n[o], loss[0][20][o] / n[o]);
    }
    base_free(valid.items);
    face_classifier_destroy(e);
    face_mesher_destroy(m);
    return status;
}

static affect_status turns(affect_context *ctx, const char *model, const char *folder,
                           size_t every) {
    face_mesher *m = NULL;
    set valid = {0};
    face_population p;
    affect_status status = face_mesher_create(ctx, "face.mesh", &m);
    if (!status) status = face_population_load(ctx, model, &p);
    if (!status) status = read_set(ctx, folder, "valid", m, NULL, every, &valid);
    for (size_t i = 0; i < valid.count; i++)
        face_population_deviation(&p, &valid.items[i].g, valid.items[i].deviation);
    if (!status) print_turns(&valid);
    base_free(valid.items);
    face_mesher_destroy(m);
    return status;
}

int main(int count, char **arguments) {
    int64_t every = 1;
    bool joining = count > 1 && strcmp(arguments[1], "--join") == 0;
    bool turning = count > 1 && strcmp(arguments[1], "--turns") == 0;
    int needed = joining || turning ? 4 : 3;
    const char *last = count == needed + 1 ? arguments[needed] : "1";
    if (count < needed || count > needed + 1 || !base_parse_int64(last, strlen(last), &every) ||
        every < 1) {
        fprintf(stderr, "usage: face-fit FERPLUS_FOLDER WEIGHTS.json [EVERY]\n"
                        "       face-fit --join MODEL FERPLUS_FOLDER [EVERY]\n"
                        "       face-fit --turns GEOMETRY FERPLUS_FOLDER [EVERY]\n");
        return AFFECT_ERROR_USAGE;
    }
    affect_context *ctx;
    if (affect_context_create(&ctx)) return AFFECT_ERROR_MEMORY;
    affect_status status = turning   ? turns(ctx, arguments[2], arguments[3], (size_t)every)
                           : joining ? join(ctx, arguments[2], arguments[3], (size_t)every)
                                     : run(ctx, arguments[1], arguments[2], (size_t)every);
    if (status) fprintf(stderr, "face-fit: %s\n", affect_context_message(ctx));
    affect_context_destroy(ctx);
    return (int)status;
}
