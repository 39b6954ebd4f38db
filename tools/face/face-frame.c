/* face-frame: which square around the mesh an expression network should see.
 *
 * usage: face-frame MODEL IMAGES.npz VIDEO.csv [EVERY]
 *
 * First, where the mesh lies in the pictures that the network was trained on (FER+): the square
 * that would give them back. Then, for a grid of squares, how often the network alone meets the
 * label of the clips of VIDEO.csv (columns path, label), from every EVERY-th frame (6), and the
 * mean log-probability of the label among the labels of the table. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/npy.h"
#include "data/table.h"
#include "face/face_private.h"

enum { SIDE = 48, C = FACE_CATEGORIES };

static const float sides[] = {1.0f, 1.1f, 1.2f, 1.3f, 1.45f}, ups[] = {0, 0.08f}, turns[] = {0, 1};
enum { FRAMES = BASE_COUNT(sides) * BASE_COUNT(ups) * BASE_COUNT(turns) };

static int compare(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void print_spread(const char *name, float *v, size_t n) {
    qsort(v, n, sizeof *v, compare);
    printf("%-28s median %6.3f, 10th to 90th percentile %6.3f to %6.3f\n", name, (double)v[n / 2],
           (double)v[n / 10], (double)v[n * 9 / 10]);
}

static affect_status look_at_training(affect_context *ctx, face_mesher *m, const char *path) {
    data_npz *npz = NULL;
    data_npy *images = NULL;
    enum { MOST = 400 };
    float side[MOST], up[MOST], right[MOST], roll[MOST];
    size_t n = 0;
    affect_status status = data_npz_open(ctx, path, &npz);
    if (!status) status = data_npz_array(ctx, npz, "images", &images);
    size_t step = status ? 1 : BASE_MAX(images->values.shape[0] / MOST, (size_t)1);
    for (size_t i = 0; !status && i < images->values.shape[0] && n < MOST; i += step) {
        uint8_t rgb[SIDE * SIDE * 3];
        for (int k = 0; k < SIDE * SIDE; k++)
            memset(rgb + 3 * k, images->values.bytes[i * SIDE * SIDE + (size_t)k], 3);
        media_frame frame = {.width = SIDE, .height = SIDE, .stride = SIDE * 3, .rgb = rgb};
        face_roi roi = {SIDE * 0.5f, SIDE * 0.5f, SIDE * 4.0f / 3, 0};
        face_mesh mesh;
        status = face_mesher_run(ctx, m, &frame, &roi, &mesh);
        roi = face_mesh_roi(&mesh);
        if (!status && roi.side > 30 && roi.side < 110)
            status = face_mesher_run(ctx, m, &frame, &roi, &mesh);
        if (status || mesh.presence < 0.8f) continue;
        roi = face_mesh_roi(&mesh);
        float tight = roi.side / 1.5f;
        side[n] = SIDE / tight;
        up[n] = (roi.y - SIDE * 0.5f) / tight;
        right[n] = (SIDE * 0.5f - roi.x) / tight;
        roll[n++] = roi.angle * 57.29578f;
    }
    if (!status && n) {
        printf("%zu training pictures, in sides of the mesh's tight square:\n", n);
        print_spread("side", side, n);
        print_spread("centre, towards the forehead", up, n);
        print_spread("centre, to the right", right, n);
        print_spread("roll of the face (degrees)", roll, n);
    }
    data_npy_destroy(images);
    data_npz_destroy(npz);
    return status;
}

/* Mean log-probabilities of a clip for each square. False if no face was seen. */
static affect_status look_at_clip(affect_context *ctx, face_detector *d, face_mesher *m,
                                  face_classifier *e, const char *path, int every,
                                  double out[FRAMES][C], int *seen) {
    media_options options = media_options_default();
    options.want_audio = false;
    media_reader *reader = NULL;
    affect_status status = media_open(ctx, path, &options, &reader);
    media_item item = {.kind = MEDIA_GAP};
    *seen = 0;
    memset(out, 0, sizeof(double) * FRAMES * C);
    for (int k = 0; !status && item.kind != MEDIA_END;) {
        status = media_next(reader, &item);
        if (status || item.kind != MEDIA_FRAME || k++ % every) continue;
        face_detection found[DETECT_MAX];
        size_t count = 0;
        face_mesh mesh;
        status = face_detector_run(ctx, d, &item.frame, 0, found, &count);
        if (status || !count) continue;
        face_roi roi = face_detection_roi(&found[0]);
        for (int twice = 0; twice < 2 && !status; twice++) {
            status = face_mesher_run(ctx, m, &item.frame, &roi, &mesh);
            roi = face_mesh_roi(&mesh);
        }
        if (status || mesh.presence < 0.5f) continue;
        (*seen)++;
        for (int f = 0; f < FRAMES && !status; f++) {
            float logs[32];
            int s = f / 4, u = f / 2 % 2, t = f % 2;
            roi = face_expression_roi(&mesh, sides[s], ups[u], turns[t]);
            status = face_classifier_run_at(ctx, e, &item.frame, &roi, logs);
            for (int c = 0; c < C; c++) out[f][c] += (double)logs[c];
        }
    }
    for (int f = 0; f < FRAMES; f++)
        for (int c = 0; c < C && *seen; c++) out[f][c] /= *seen;
    media_close(reader);
    return status;
}

static int category_of(const char *label) {
    for (int c = 0; c < C; c++)
        if (strcmp(label, category_names[c]) == 0) return c;
    return -1;
}

static affect_status run(affect_context *ctx, char **a, int every) {
    face_detector *d = NULL;
    face_mesher *m = NULL;
    face_classifier *e = NULL;
    data_table *table = NULL;
    affect_status status = face_detector_create(ctx, "face.detect.wide", &d);
    if (!status) status = face_mesher_create(ctx, "face.mesh", &m);
    if (!status) status = face_classifier_create(ctx, a[1], &e);
    if (!status) status = look_at_training(ctx, m, a[2]);
    if (!status) status = data_table_open(ctx, a[3], NULL, &table);
    int paths = status ? -1 : data_table_column(table, "path");
    int labels = status ? -1 : data_table_column(table, "label");
    if (!status && (paths < 0 || labels < 0))
        status = base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: no columns path and label", a[3]);
    const char *slash = strrchr(a[3], '/');
    static double logs[FRAMES][C];
    double sure[FRAMES] = {0};
    int met[FRAMES] = {0}, clips = 0;
    bool used[C] = {false};
    for (size_t r = 0; !status && r < table->rows; r++) {
        int label = category_of(data_table_cell(table, r, (size_t)labels));
        if (label >= 0) used[label] = true;
    }
    for (size_t r = 0; !status && r < table->rows; r++) {
        char clip[1024];
        int seen, label = category_of(data_table_cell(table, r, (size_t)labels));
        snprintf(clip, sizeof clip, "%.*s%s", slash ? (int)(slash + 1 - a[3]) : 0, a[3],
                 data_table_cell(table, r, (size_t)paths));
        if (label < 0) continue;
        status = look_at_clip(ctx, d, m, e, clip, every, logs, &seen);
        if (status || !seen) continue;
        clips++;
        for (int f = 0; f < FRAMES; f++) {
            int best = -1;
            double sum = 0;
            for (int c = 0; c < C; c++) {
                if (!used[c]) continue;
                sum += exp(logs[f][c]);
                if (best < 0 || logs[f][c] > logs[f][best]) best = c;
            }
            met[f] += best == label;
            sure[f] += logs[f][label] - log(sum);
        }
    }
    if (!status) printf("\n%d clips\n side    up  upright  agreement  log-probability\n", clips);
    for (int f = 0; f < FRAMES && !status; f++)
        printf("%5.2f  %4.2f  %7.0f  %9.3f  %15.3f\n", (double)sides[f / 4], (double)ups[f / 2 % 2],
               (double)turns[f % 2], (double)met[f] / BASE_MAX(clips, 1),
               sure[f] / BASE_MAX(clips, 1));
    data_table_destroy(table);
    face_classifier_destroy(e);
    face_mesher_destroy(m);
    face_detector_destroy(d);
    return status;
}

int main(int count, char **arguments) {
    affect_context *ctx;
    if (count < 4) {
        fprintf(stderr, "usage: face-frame MODEL IMAGES.npz VIDEO.csv [EVERY]\n");
        return AFFECT_ERROR_USAGE;
    }
    if (affect_context_create(&ctx)) return AFFECT_ERROR_MEMORY;
    int every = count > 4 ? atoi(arguments[4]) : 6;
    affect_status status = run(ctx, arguments, BASE_MAX(every, 1));
    if (status) fprintf(stderr, "face-frame: %s\n", affect_context_message(ctx));
    affect_context_destroy(ctx);
    return (int)status;
}
