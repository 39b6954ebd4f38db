/* usage: fit-voice RAVDESS_FOLDER OUTPUT_FOLDER
 * Fits voice.prosody: valence, arousal and dominance of a clip from its prosodic features, by ridge
 * regression on RAVDESS, and measures it with speakers held out (the six folds of EmoBox,
 * folds_emobox.csv). Writes weights.json and prints what goes into the card.
 *
 * The targets are the places of the acted emotions in the space of Russell & Mehrabian 1977 (J.
 * Res. Pers. 11:273), drawn towards neutral for normal intensity. They say how such an expression
 * is meant to be perceived. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "affect/score.h"
#include "media/media.h"
#include "voice/prosody.h"

enum { D = VOICE_PROSODY_FEATURES, T = VOICE_PROSODY_TARGETS, MOST = 2000, FOLDS = 6 };

typedef struct clip {
    char name[64];
    int fold, emotion, intensity, actor;
    float features[D];
    double target[T];
} clip;

/* neutral calm happy sad angry fearful disgust surprised; calm as "relaxed" */
static const double places[8][T] = {
    {0, 0, 0},           {0.68, -0.46, 0.20},  {0.81, 0.51, 0.46},  {-0.63, -0.27, -0.33},
    {-0.51, 0.59, 0.25}, {-0.64, 0.60, -0.43}, {-0.60, 0.35, 0.11}, {0.40, 0.67, -0.13}};
static const double NORMAL_INTENSITY = 0.7; /* of the full place */

static clip clips[MOST];
static size_t clip_count;

static void die(affect_context *ctx, const char *what) {
    fprintf(stderr, "fit-voice: %s: %s\n", what, affect_context_message(ctx));
    exit(1);
}

static bool read_clip(affect_context *ctx, const char *path, float out[D]) {
    media_options options = media_options_default();
    options.want_video = false;
    media_reader *reader;
    voice_descriptors *descriptors;
    if (media_open(ctx, path, &options, &reader) ||
        voice_descriptors_create(ctx, 16000, &descriptors))
        die(ctx, path);
    static voice_frame frames[6000];
    size_t n = 0, got;
    media_item item;
    for (bool end = false; !end;) {
        if (media_next(reader, &item)) die(ctx, path);
        if (item.kind == MEDIA_AUDIO &&
            voice_descriptors_push(descriptors, item.audio.samples, item.audio.count))
            die(ctx, path);
        end = item.kind == MEDIA_END;
        if (end && voice_descriptors_finish(descriptors)) die(ctx, path);
        const voice_frame *taken = voice_descriptors_take(descriptors, &got);
        for (size_t i = 0; i < got && n < 6000; i++)
            if (taken[i].complete) frames[n++] = taken[i];
    }
    media_close(reader);
    voice_descriptors_destroy(descriptors);
    return voice_prosody_features(frames, NULL, n, out);
}

static void load(affect_context *ctx, const char *folder) {
    char path[512], line[256];
    snprintf(path, sizeof path, "%s/folds_emobox.csv", folder);
    FILE *file = fopen(path, "r");
    if (!file || !fgets(line, sizeof line, file)) die(ctx, path);
    while (fgets(line, sizeof line, file) && clip_count < MOST) {
        clip *c = &clips[clip_count];
        int f[7];
        char *comma = strchr(line, ',');
        if (!comma || comma - line >= (long)sizeof c->name) continue;
        memcpy(c->name, line, (size_t)(comma - line));
        c->name[comma - line] = '\0';
        c->fold = atoi(comma + 1) % FOLDS;
        if (sscanf(c->name, "%d-%d-%d-%d-%d-%d-%d", &f[0], &f[1], &f[2], &f[3], &f[4], &f[5],
                   &f[6]) != 7)
            continue;
        c->emotion = f[2];
        c->intensity = f[3];
        c->actor = f[6];
        snprintf(path, sizeof path, "%s/%s.ogg", folder, c->name);
        if (!read_clip(ctx, path, c->features)) {
            fprintf(stderr, "too little speech: %s\n", c->name);
            continue;
        }
        for (int t = 0; t < T; t++)
            c->target[t] = places[c->emotion - 1][t] * (c->intensity == 2 ? 1 : NORMAL_INTENSITY);
        clip_count++;
    }
    fclose(file);
}

typedef struct fit {
    double mean[D], sd[D], weight[T][D], offset[T];
} fit;

/* Ridge by the normal equations and Cholesky; clips of `without` are left out (-1: none). */
static void ridge(int without, double lambda, fit *out) {
    double n = 0, gram[D][D] = {{0}}, right[T][D] = {{0}};
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < clip_count; i++) {
        if (clips[i].fold == without) continue;
        n++;
        for (int k = 0; k < D; k++) out->mean[k] += (double)clips[i].features[k];
        for (int t = 0; t < T; t++) out->offset[t] += clips[i].target[t];
    }
    for (int k = 0; k < D; k++) out->mean[k] /= n;
    for (int t = 0; t < T; t++) out->offset[t] /= n;
    for (size_t i = 0; i < clip_count; i++)
        for (int k = 0; k < D && clips[i].fold != without; k++)
            out->sd[k] += pow((double)clips[i].features[k] - out->mean[k], 2) / n;
    for (int k = 0; k < D; k++) out->sd[k] = fmax(sqrt(out->sd[k]), 1e-6);
    for (size_t i = 0; i < clip_count; i++) {
        if (clips[i].fold == without) continue;
        double z[D];
        for (int k = 0; k < D; k++)
            z[k] = fmin(fmax(((double)clips[i].features[k] - out->mean[k]) / out->sd[k], -3), 3);
        for (int a = 0; a < D; a++) {
            for (int b = 0; b < D; b++) gram[a][b] += z[a] * z[b];
            for (int t = 0; t < T; t++) right[t][a] += z[a] * (clips[i].target[t] - out->offset[t]);
        }
    }
    for (int a = 0; a < D; a++) gram[a][a] += lambda;
    for (int j = 0; j < D; j++) { /* gram becomes its lower Cholesky factor */
        for (int k = 0; k < j; k++) gram[j][j] -= gram[j][k] * gram[j][k];
        gram[j][j] = sqrt(gram[j][j]);
        for (int i = j + 1; i < D; i++) {
            for (int k = 0; k < j; k++) gram[i][j] -= gram[i][k] * gram[j][k];
            gram[i][j] /= gram[j][j];
        }
    }
    for (int t = 0; t < T; t++) {
        double *x = out->weight[t];
        for (int i = 0; i < D; i++) {
            x[i] = right[t][i];
            for (int k = 0; k < i; k++) x[i] -= gram[i][k] * x[k];
            x[i] /= gram[i][i];
        }
        for (int i = D; i-- > 0;) {
            for (int k = i + 1; k < D; k++) x[i] -= gram[k][i] * x[k];
            x[i] /= gram[i][i];
        }
    }
}

static double predict(const fit *f, const float *features, int t) {
    double sum = f->offset[t];
    for (int k = 0; k < D; k++)
        sum += f->weight[t][k] * fmin(fmax(((double)features[k] - f->mean[k]) / f->sd[k], -3), 3);
    return sum;
}

/* Predictions with the clip's own fold (four actors) held out. */
static void held_out(double lambda, double predicted[T][MOST], double gold[T][MOST]) {
    for (int fold = 0; fold < FOLDS; fold++) {
        static fit f;
        ridge(fold, lambda, &f);
        for (size_t i = 0; i < clip_count; i++)
            for (int t = 0; t < T && clips[i].fold == fold; t++) {
                predicted[t][i] = predict(&f, clips[i].features, t);
                gold[t][i] = clips[i].target[t];
            }
    }
}

static void print_array(FILE *out, const char *name, const double *x) {
    fprintf(out, "\"%s\": [", name);
    for (int k = 0; k < D; k++) fprintf(out, k ? ", %.9g" : "%.9g", x[k]);
    fprintf(out, "]");
}

int main(int argc, char **argv) {
    affect_context *ctx;
    if (argc != 3 || affect_context_create(&ctx)) {
        fprintf(stderr, "usage: fit-voice RAVDESS_FOLDER OUTPUT_FOLDER\n");
        return 2;
    }
    load(ctx, argv[1]);
    static const char *const names[T] = {"valence", "arousal", "dominance"};
    static double predicted[T][MOST], gold[T][MOST];
    double best_lambda = 1, best_error = INFINITY;
    for (double lambda = 1; lambda < 2000; lambda *= 3) {
        held_out(lambda, predicted, gold);
        double error = 0;
        affect_score_regression s;
        for (int t = 0; t < T; t++) {
            if (affect_score_regression_from(ctx, gold[t], predicted[t], clip_count,
                                             AFFECT_SCORE_POPULATION, &s))
                die(ctx, "score");
            error += s.rmse;
        }
        if (error < best_error) {
            best_error = error;
            best_lambda = lambda;
        }
    }
    held_out(best_lambda, predicted, gold);
    static fit all;
    ridge(-1, best_lambda, &all);
    printf("%zu clips, lambda %g, six folds of four held-out actors\n", clip_count, best_lambda);
    affect_score_regression s[T];
    for (int t = 0; t < T; t++) {
        if (affect_score_regression_from(ctx, gold[t], predicted[t], clip_count,
                                         AFFECT_SCORE_POPULATION, &s[t]))
            die(ctx, "score");
        printf("%-10s r %.3f  CCC %.3f  RMSE %.3f  (always the mean: RMSE %.3f)\n", names[t],
               s[t].pearson, s[t].ccc, s[t].rmse, s[t].sd_gold);
    }
    char path[512];
    snprintf(path, sizeof path, "%s/weights.json", argv[2]);
    FILE *out = fopen(path, "w");
    if (!out) {
        fprintf(stderr, "fit-voice: cannot write %s\n", path);
        return 6;
    }
    fprintf(out, "{\n\"features\": [");
    for (int k = 0; k < D; k++)
        fprintf(out, k ? ", \"%s\"" : "\"%s\"", voice_prosody_feature_names[k]);
    fprintf(out, "],\n");
    print_array(out, "mean", all.mean);
    fprintf(out, ",\n");
    print_array(out, "sd", all.sd);
    fprintf(out, ",\n\"targets\": {\n");
    for (int t = 0; t < T; t++) {
        fprintf(out, "\"%s\": {\"offset\": %.9g, \"error_sd\": %.9g, ", names[t], all.offset[t],
                s[t].rmse);
        print_array(out, "weights", all.weight[t]);
        fprintf(out, t + 1 < T ? "},\n" : "}\n");
    }
    fprintf(out, "}\n}\n");
    if (fclose(out)) return 6;
    affect_context_destroy(ctx);
    return 0;
}
