/* benchmark: a study as a folder that others can score against with one command. In: a study (recordings, traces of raters
 * or a truth that is known). Out: a folder with a manifest (affect-benchmark/1, docs/benchmark-set.md), gold standards with
 * bands, raters' traces, splits without a person in two of them, a card, baselines; and scores of predictions. Manifests of
 * recordings with one label each (the sets of MER-UniBench) are run by the same verb. */
#ifndef BENCHMARK_H
#define BENCHMARK_H

#include "base/base.h"

#define BENCHMARK_SCHEMA "affect-benchmark/1"
#define BENCHMARK_STUDY "affect-study/1"

/* Makes `folder` (which must not exist) from the study's file. Errors: EXISTS, NOT_FOUND, FORMAT (what of the study, of
 * which recording), those of gold standards, OUTPUT, MEMORY; then nothing is left. */
AFFECT_MUST_USE affect_status benchmark_make(affect_context *ctx, const char *study,
                                             const char *folder);

/* What is wrong with a benchmark, a line each in `out`: schema, files that are missing, checksums, persons or recordings in two
 * splits, gold that is not there. *problems counts them. Errors: NOT_FOUND, FORMAT (no manifest), MEMORY. */
AFFECT_MUST_USE affect_status benchmark_check(affect_context *ctx, const char *folder,
                                              base_text *out, size_t *problems);

typedef struct benchmark_run_options {
    const char *manifest; /* the folder, or a manifest's file */
    const char *
        predictions; /* of another program: any annotation file, or a table name,label; NULL: by `system` */
    const char *system; /* "default", "prosody" (voice alone) or "majority" */
    const char *split;  /* "test", "dev", "train", "all" */
    const char *media;  /* where the recordings are, if not beside the manifest; NULL */
    const char *
        output; /* where predictions are kept, a file an item, so that a run goes on where it ended; NULL: beside the
                                manifest, predictions/SYSTEM */
    bool json;
    int64_t rounds; /* of the bootstrap, which draws recordings */
} benchmark_run_options;
/* Analyzes what has no prediction yet, scores, and appends the report to `out`. Errors: NOT_FOUND, FORMAT, those of analysis,
 * OUTPUT, CANCELLED, MEMORY. */
AFFECT_MUST_USE affect_status benchmark_run(affect_context *ctx,
                                            const benchmark_run_options *options, base_text *out);

#endif
