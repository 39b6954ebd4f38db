/* face-identity: does the identity embedding tell persons apart? Pairs of clips of one person and of
 * two, each clip by the mean of so many pictures.
 *
 * usage: face-identity [--pictures N] [--centre] [--model NAME] TABLE.csv DATA
 * TABLE.csv: columns path (below DATA), person, and a corpus (pairs of different persons are made within
 * one corpus and across all). Prints the likeness of both kinds of pairs and the equal error rate, and
 * beside it that of the appearance descriptor. --centre takes the mean embedding of the other corpora's
 * clips off first. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/table.h"
#include "face/face_private.h"
#include "media/media.h"

enum { MOST_CLIPS = 1024 };

typedef struct clip {
    const char *person, *corpus;
    face_identity identity;
    face_appearance appearance;
} clip;

static clip clips[MOST_CLIPS];
static size_t clip_count;

typedef struct tools {
    affect_context *ctx;
    face_detector *detect;
    face_mesher *mesh;
    face_identifier *identify;
    double seconds;
    size_t runs;
} tools;

static affect_status look(tools *t, const char *path, int pictures, clip *out) {
    media_options options = media_options_default();
    options.want_audio = false;
    media_reader *reader = NULL;
    media_item item = {0};
    face_people *people = NULL;
    face_people_models models = {t->detect, t->mesh, NULL};
    affect_status status = media_open(t->ctx, path, &options, &reader);
    if (!status) status = face_people_create(t->ctx, &models, 8, &people);
    affect_time next = 0;
    double duration = status ? 0 : time_to_seconds(media_reader_info(reader)->duration);
    affect_time step = time_from_seconds(fmax(duration, 0.04) / pictures);
    while (!status && item.kind != MEDIA_END) {
        status = media_next(reader, &item);
        if (status || item.kind != MEDIA_FRAME) continue;
        const face_seen *faces;
        size_t count;
        status = face_people_step(t->ctx, people, &item.frame, &faces, &count);
        if (status || !count || item.frame.time < next) continue;
        next = item.frame.time + step;
        const face_mesh *largest = &faces[0].mesh;
        float most = 0;
        for (size_t i = 0; i < count; i++) {
            float box[4];
            face_mesh_box(&faces[i].mesh, box);
            if (box[2] - box[0] > most) most = box[2] - box[0], largest = &faces[i].mesh;
        }
        face_identity one;
        face_appearance appearance;
        double start = base_now_s();
        status = face_identifier_run(t->ctx, t->identify, &item.frame, largest, &one);
        t->seconds += base_now_s() - start;
        t->runs++;
        face_identity_add(&out->identity, &one);
        face_appearance_measure(&item.frame, largest, &appearance);
        face_appearance_update(&out->appearance, &appearance);
    }
    face_people_destroy(people);
    media_close(reader);
    return status;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The error where as many same pairs lie below a threshold as different pairs above it. */
static double equal_error(double *same, size_t n, double *other, size_t m, double *threshold) {
    qsort(same, n, sizeof *same, by_value);
    qsort(other, m, sizeof *other, by_value);
    double best = 1;
    size_t j = 0;
    for (size_t i = 0; i < n; i++) {
        while (j < m && other[j] < same[i]) j++;
        double miss = (double)i / (double)n, alarm = (double)(m - j) / (double)m;
        if (fmax(miss, alarm) < best) best = fmax(miss, alarm), *threshold = same[i];
    }
    return best;
}

static void centre(const char *except) {
    static double mean[FACE_IDENTITY_MAX];
    memset(mean, 0, sizeof mean);
    size_t count = 0, width = clips[0].identity.width;
    for (size_t i = 0; i < clip_count; i++) {
        if (!strcmp(clips[i].corpus, except)) continue;
        count++;
        for (size_t k = 0; k < width; k++) mean[k] += (double)clips[i].identity.direction[k];
    }
    for (size_t i = 0; i < clip_count && count; i++) {
        if (strcmp(clips[i].corpus, except) != 0) continue;
        double square = 0;
        float *d = clips[i].identity.direction;
        for (size_t k = 0; k < width; k++) {
            d[k] = (float)((double)d[k] - mean[k] / (double)count);
            square += (double)(d[k] * d[k]);
        }
        for (size_t k = 0; k < width; k++) d[k] = (float)((double)d[k] / sqrt(square));
    }
}

static void report(const char *corpus) {
    static double same[2][MOST_CLIPS * MOST_CLIPS / 2], other[2][MOST_CLIPS * MOST_CLIPS / 2];
    size_t n = 0, m = 0;
    for (size_t i = 0; i < clip_count; i++)
        for (size_t j = i + 1; j < clip_count; j++) {
            const clip *a = &clips[i], *b = &clips[j];
            if (corpus && (strcmp(a->corpus, corpus) != 0 || strcmp(b->corpus, corpus) != 0))
                continue;
            if (!(a->identity.weight > 0) || !(b->identity.weight > 0)) continue;
            bool alike = !strcmp(a->person, b->person);
            double values[2] = {(double)face_identity_likeness(&a->identity, &b->identity),
                                -(double)face_appearance_distance(&a->appearance, &b->appearance)};
            for (int k = 0; k < 2; k++) (alike ? same : other)[k][alike ? n : m] = values[k];
            if (alike)
                n++;
            else
                m++;
        }
    if (!n || !m) return;
    for (int k = 0; k < 2; k++) {
        double threshold = 0, error = equal_error(same[k], n, other[k], m, &threshold);
        printf("%-12s %-10s %6zu same, median %.3f (5 %% below %.3f) %7zu other, median %.3f (5 %% "
               "above %.3f, highest %.3f)  EER %.2f %% at %.3f\n",
               corpus ? corpus : "all", k ? "appearance" : "embedding", n, same[k][n / 2],
               same[k][n / 20], m, other[k][m / 2], other[k][m - 1 - m / 20], other[k][m - 1],
               100 * error, threshold);
    }
}

int main(int argc, char **argv) {
    const char *table_path = NULL, *data = NULL, *model = "face.identity";
    int pictures = 5;
    bool centred = false;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--pictures") && i + 1 < argc)
            pictures = (int)strtol(argv[++i], NULL, 10);
        else if (!strcmp(argv[i], "--model") && i + 1 < argc)
            model = argv[++i];
        else if (!strcmp(argv[i], "--centre"))
            centred = true;
        else if (!table_path)
            table_path = argv[i];
        else
            data = argv[i];
    }
    tools t = {0};
    data_table *table = NULL;
    if (!data || pictures < 1) {
        fprintf(stderr,
                "usage: face-identity [--pictures N] [--centre] [--model NAME] TABLE.csv DATA\n");
        return 2;
    }
    affect_status status = affect_context_create(&t.ctx);
    if (!status) status = face_detector_create(t.ctx, "face.detect", &t.detect);
    if (!status) status = face_mesher_create(t.ctx, "face.mesh", &t.mesh);
    if (!status) status = face_identifier_create(t.ctx, model, &t.identify);
    if (!status) status = data_table_open(t.ctx, table_path, NULL, &table);
    int column[3] = {-1, -1, -1};
    static const char *const names[] = {"path", "person", "corpus"};
    for (int k = 0; k < 3 && !status; k++)
        if ((column[k] = data_table_column(table, names[k])) < 0)
            status =
                base_fail(t.ctx, AFFECT_ERROR_FORMAT, "%s: no column %s", table_path, names[k]);
    for (size_t r = 0; !status && r < table->rows && clip_count < MOST_CLIPS; r++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", data, data_table_cell(table, r, (size_t)column[0]));
        clip *c = &clips[clip_count++];
        c->person = data_table_cell(table, r, (size_t)column[1]);
        c->corpus = data_table_cell(table, r, (size_t)column[2]);
        status = look(&t, path, pictures, c);
    }
    if (status) fprintf(stderr, "face-identity: %s\n", affect_context_message(t.ctx));
    for (int pass = 0; pass < (centred ? 2 : 1) && !status; pass++) {
        if (pass) {
            printf("centred on the other corpora\n");
            for (size_t i = 0; i < clip_count; i++)
                if (!i || strcmp(clips[i].corpus, clips[i - 1].corpus) != 0)
                    centre(clips[i].corpus);
        }
        report(NULL);
        for (size_t i = 0; i < clip_count; i++)
            if (!i || strcmp(clips[i].corpus, clips[i - 1].corpus) != 0) report(clips[i].corpus);
    }
    if (t.runs) printf("%.2f ms an embedding\n", 1e3 * t.seconds / (double)t.runs);
    data_table_destroy(table);
    face_identifier_destroy(t.identify);
    face_mesher_destroy(t.mesh);
    face_detector_destroy(t.detect);
    affect_context_destroy(t.ctx);
    return (int)status;
}
