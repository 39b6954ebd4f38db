/* Private to benchmark/: the manifest, and predictions of its items. */
#ifndef BENCHMARK_PRIVATE_H
#define BENCHMARK_PRIVATE_H

#include <jansson.h>

#include "benchmark/benchmark.h"
#include "data/annotation.h"

typedef struct benchmark_manifest {
    char *path, *folder; /* of the file; where its other files are */
    json_t *root;
    const json_t *items, *dimensions, *tiers;
} benchmark_manifest;

/* ---- manifest.c ---- */

/* A JSON object of that schema. Errors: NOT_FOUND, FORMAT, MEMORY. */
AFFECT_MUST_USE affect_status benchmark_load(affect_context *ctx, const char *path,
                                             const char *schema, json_t **out);
/* The manifest of a folder or a file; every item has a unique id that is a file's name. */
AFFECT_MUST_USE affect_status benchmark_open(affect_context *ctx, const char *path,
                                             benchmark_manifest *out);
void benchmark_close(benchmark_manifest *manifest);
/* The text of a member, or "". Borrowed. */
const char *benchmark_text(const json_t *object, const char *key);
/* folder/name in new memory; NULL where the name leaves the folder (absolute, "..") or on no memory. */
char *benchmark_inside(const char *folder, const char *name);
AFFECT_MUST_USE affect_status benchmark_sha256(affect_context *ctx, const char *path, char out[65],
                                               int64_t *bytes);
/* Is an item of that split ("all": any)? */
bool benchmark_in_split(const json_t *item, const char *split);

/* What is right for an item: traces by dimension (confidence is not used) and marks by tier. *out is the caller's to
 * destroy. Errors: those of the files. */
AFFECT_MUST_USE affect_status benchmark_gold(affect_context *ctx, const benchmark_manifest *m,
                                             const json_t *item, data_annotation *out);

/* ---- predict.c: what a system says of an item, kept in a file ---- */

/* Fills `out` (traces, marks, a mark of tier "label" for the whole) for the item; read from `kept` where that exists, else made
 * and written there. Errors: NOT_FOUND (the recording), those of analysis, OUTPUT. */
AFFECT_MUST_USE affect_status benchmark_predict(affect_context *ctx, const benchmark_manifest *m,
                                                const json_t *item, const char *system,
                                                const char *media, const char *kept,
                                                data_annotation *out);

/* ---- score.c ---- */

typedef struct benchmark_item {
    const char *id;
    data_annotation gold, predicted;
    char *label; /* of the whole recording, lower case; NULL: none */
} benchmark_item;

/* Appends the report. Errors: MEMORY, ARGUMENT. */
AFFECT_MUST_USE affect_status benchmark_score(affect_context *ctx, const benchmark_manifest *m,
                                              const benchmark_run_options *options,
                                              const benchmark_item *items, size_t count,
                                              base_text *out);

#endif
