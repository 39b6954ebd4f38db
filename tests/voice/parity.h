/* Compares the set with a folder of reference numbers: NAME.wav with openSMILE's NAME_lld.csv and
 * NAME_functionals.csv. Shared by the test and by bench/egemaps. */
#ifndef TESTS_VOICE_PARITY_H
#define TESTS_VOICE_PARITY_H

#include <dirent.h>
#include <math.h>
#include <stdlib.h>

#include "tests/voice/wave.h"
#include "voice/egemaps.h"

enum { PARITY_FILES = 64, PARITY_DESCRIPTORS = VOICE_EGEMAPS_DESCRIPTORS };

typedef struct parity_descriptor {
    double r, median_error; /* worst over the files */
} parity_descriptor;

typedef struct parity {
    size_t files;
    char name[PARITY_FILES][64];
    size_t rows[PARITY_FILES], expected_rows[PARITY_FILES];
    bool names_match;
    parity_descriptor descriptor[PARITY_DESCRIPTORS];
    double descriptor_r[PARITY_DESCRIPTORS][PARITY_FILES];
    double descriptor_error[PARITY_DESCRIPTORS][PARITY_FILES];
    double functional_error[VOICE_EGEMAPS_FUNCTIONALS][PARITY_FILES]; /* relative */
} parity;

/* Splits a line of a ';' separated file and skips the first two columns; names may be NULL. */
static inline size_t parity_split(char *line, size_t most, double *values, char **names) {
    size_t n = 0, column = 0;
    for (char *at = line, *end; at && n < most; at = end ? end + 1 : NULL, column++) {
        end = strchr(at, ';');
        if (end) *end = '\0';
        if (column < 2) continue;
        if (names) names[n] = at;
        if (values) values[n] = strtod(at, NULL);
        n++;
    }
    return n;
}

static inline int parity_compare_double(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static inline void parity_column(const double *mine, const double *theirs, size_t rows, size_t step,
                                 double *r, double *median) {
    double sx = 0, sy = 0, sxx = 0, syy = 0, sxy = 0, n = (double)rows;
    double *error = base_alloc(rows * sizeof *error);
    for (size_t i = 0; i < rows; i++) {
        double x = mine[i * step], y = theirs[i * step];
        sx += x;
        sy += y;
        error[i] = x == y ? 0.0 : fabs(x - y) / fmax(fabs(y), 1e-9);
    }
    for (size_t i = 0; i < rows; i++) {
        double x = mine[i * step] - sx / n, y = theirs[i * step] - sy / n;
        sxx += x * x;
        syy += y * y;
        sxy += x * y;
    }
    *r = sxx > 0 && syy > 0 ? sxy / sqrt(sxx * syy) : sxx == syy;
    qsort(error, rows, sizeof *error, parity_compare_double);
    *median = error[rows / 2];
    base_free(error);
}

static inline bool parity_file(affect_context *ctx, const char *folder, parity *p) {
    enum { D = VOICE_EGEMAPS_DESCRIPTORS, F = VOICE_EGEMAPS_FUNCTIONALS };
    size_t k = p->files;
    char path[1024];
    size_t count, capacity = 0, rows = 0;
    int rate;
    snprintf(path, sizeof path, "%s/%s.wav", folder, p->name[k]);
    float *samples = test_wave(path, &count, &rate);
    voice_egemaps *set = NULL;
    if (!samples || voice_egemaps_create(ctx, rate, &set) != AFFECT_OK) return false;
    double *mine = NULL;
    float functionals[F];
    for (int end = 0; end < 2; end++) {
        affect_status status =
            end ? voice_egemaps_finish(set) : voice_egemaps_push(set, samples, count);
        size_t n;
        const float *got = voice_egemaps_take(set, &n);
        if (status != AFFECT_OK ||
            !base_grow((void **)&mine, &capacity, (rows + n + 1) * D, sizeof *mine))
            return false;
        for (size_t i = 0; i < n * D; i++) mine[rows * D + i] = (double)got[i];
        rows += n;
    }
    bool good = voice_egemaps_functionals(set, functionals) == AFFECT_OK;
    voice_egemaps_destroy(set);
    base_free(samples);

    char *text, *names[F];
    double values[F];
    snprintf(path, sizeof path, "%s/%s_functionals.csv", folder, p->name[k]);
    if (!good || base_read_file(NULL, path, 0, &text, &count) != AFFECT_OK) return false;
    char *line = strtok(text, "\r\n");
    p->names_match &= parity_split(line, F, NULL, names) == F;
    for (int i = 0; i < F; i++)
        p->names_match &= strcmp(names[i], voice_egemaps_functional_names[i]) == 0;
    line = strtok(NULL, "\r\n");
    if (parity_split(line, F, values, NULL) != F) return false;
    for (int i = 0; i < F; i++) {
        double x = (double)functionals[i];
        p->functional_error[i][k] =
            x == values[i] ? 0.0 : fabs(x - values[i]) / fmax(fabs(values[i]), 1e-9);
    }
    base_free(text);

    snprintf(path, sizeof path, "%s/%s_lld.csv", folder, p->name[k]);
    if (base_read_file(NULL, path, 0, &text, &count) != AFFECT_OK) return false;
    line = strtok(text, "\r\n");
    p->names_match &= parity_split(line, D, NULL, names) == D;
    for (int i = 0; i < D; i++)
        p->names_match &= strcmp(names[i], voice_egemaps_descriptor_names[i]) == 0;
    double *theirs = NULL;
    size_t expected = 0, their_capacity = 0;
    while ((line = strtok(NULL, "\r\n"))) {
        if (!base_grow((void **)&theirs, &their_capacity, (expected + 1) * D, sizeof *theirs))
            return false;
        if (parity_split(line, D, theirs + expected * D, NULL) == D) expected++;
    }
    base_free(text);
    p->rows[k] = rows;
    p->expected_rows[k] = expected;
    size_t common = BASE_MIN(rows, expected);
    for (int i = 0; i < D && common; i++) {
        double r, median;
        parity_column(mine + i, theirs + i, common, D, &r, &median);
        p->descriptor_r[i][k] = r;
        p->descriptor_error[i][k] = median;
        p->descriptor[i].r = k ? fmin(p->descriptor[i].r, r) : r;
        p->descriptor[i].median_error = k ? fmax(p->descriptor[i].median_error, median) : median;
    }
    base_free(mine);
    base_free(theirs);
    p->files++;
    return true;
}

/* false if the folder holds no reference or one could not be read. */
static inline bool parity_run(affect_context *ctx, const char *folder, parity *p) {
    memset(p, 0, sizeof *p);
    p->names_match = true;
    struct dirent **entries;
    int n = scandir(folder, &entries, NULL, alphasort);
    bool good = n > 0;
    for (int i = 0; i < n; i++) {
        const char *name = entries[i]->d_name;
        size_t length = strlen(name);
        if (good && length > 4 && length < sizeof p->name[0] && base_ends_with(name, ".wav") &&
            p->files < PARITY_FILES) {
            memcpy(p->name[p->files], name, length - 4);
            p->name[p->files][length - 4] = '\0';
            good = parity_file(ctx, folder, p);
        }
        free(entries[i]);
    }
    if (n >= 0) free(entries);
    return good && p->files > 0;
}

#endif
