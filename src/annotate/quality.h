/* Quality of raters' traces: what is odd, shown and never dropped, and where another rater would tell most. In: traces of
 * one recording (affect/gold.h). Out: findings with who, what and when; stretches by how little is known of them. */
#ifndef ANNOTATE_QUALITY_H
#define ANNOTATE_QUALITY_H

#include <jansson.h>

#include "affect/gold.h"
#include "base/base.h"

/* X(symbol, word, what it says). */
#define ANNOTATE_ODDITY_TABLE(X)                                                                   \
    X(LATE, "late start", "begins that many seconds after the first of the others")                \
    X(EARLY, "early end", "ends that many seconds before the last of the others")                  \
    X(BLANK, "blank", "says nothing for that many seconds")                                        \
    X(FLAT, "flat", "does not move for that many seconds, in which the others do")                 \
    X(SYNC, "out of sync", "lies that many seconds behind the middle of the raters")               \
    X(DUPLICATE, "duplicate", "is the same as that of another rater")                              \
    X(DISAGREES, "disagrees", "median correlation with each of the others, who agree")             \
    X(REVERSED, "reversed", "median correlation with each of the others: upside down")

typedef enum annotate_oddity_kind {
#define ODDITY_ENUM(symbol, word, text) ANNOTATE_ODDITY_##symbol,
    ANNOTATE_ODDITY_TABLE(ODDITY_ENUM)
#undef ODDITY_ENUM
        ANNOTATE_ODDITY_COUNT
} annotate_oddity_kind;
extern const char *const annotate_oddity_names[ANNOTATE_ODDITY_COUNT];
extern const char *const annotate_oddity_texts[ANNOTATE_ODDITY_COUNT];

typedef struct annotate_oddity {
    size_t rater; /* from 0 */
    annotate_oddity_kind kind;
    double from_s, to_s, value; /* value: as the table says */
    size_t other;               /* DUPLICATE: of whom; else SIZE_MAX */
} annotate_oddity;

typedef struct annotate_quality_options {
    double step_s; /* of the grid; 0: the median step of the traces */
    double
        late_s; /* begins later, or ends earlier, than that: above the reaction times of people who trace */
    double blank_s;    /* the shortest blank */
    double flat_s;     /* the shortest flat stretch */
    double flat_moved; /* in which the others' mean moved over so many of its deviations */
    double sync_s;     /* from the median of the lags */
    double max_lag_s;  /* no lag is larger */
    double agree,
        disagree; /* correlations: the others agree from `agree` on, and one below `disagree` does not */
} annotate_quality_options;
/* Where each is from: docs/annotate.md. */
#define ANNOTATE_QUALITY_DEFAULTS                                                                  \
    { 0, 3, 1, 10, 1, 2, 6, .3, .1 }

typedef struct annotate_quality {
    size_t count, capacity, raters;
    annotate_oddity *items; /* by rater, then time */
    double *lag_s;          /* of each rater behind the middle of all; NAN: unknown */
    double *
        agreement; /* median correlation of each with each of the others, lags taken off; NAN below three raters */
} annotate_quality;

/* Options may be NULL. *out is the caller's to destroy. Errors: those of affect_gold_make. */
AFFECT_MUST_USE affect_status annotate_quality_check(affect_context *ctx,
                                                     const affect_gold_trace *traces, size_t count,
                                                     const annotate_quality_options *options,
                                                     annotate_quality *out);
void annotate_quality_destroy(annotate_quality *quality);

/* A stretch of the recording and how well the gold standard is known there. */
typedef struct annotate_unsure {
    double from_s, to_s;
    double sd;     /* root mean square of the gold standard's; infinite where nobody spoke */
    double spread; /* deviation between raters at their lags; NAN below two */
    double raters; /* how many spoke, on average */
    double sd_with_one_more; /* of independent raters: sd x sqrt(n / (n + 1)) */
} annotate_unsure;
/* Stretches of `window_s`, the least sure first. *out is the caller's (base_free). Errors: ARGUMENT, MEMORY. */
AFFECT_MUST_USE affect_status annotate_ask(affect_context *ctx, const affect_gold *gold,
                                           const affect_gold_trace *traces, size_t count,
                                           double window_s, annotate_unsure **out,
                                           size_t *found_count);

/* Tables: rater,finding,from_s,to_s,value,other and rank,from_s,to_s,sd,spread,raters,sd_with_one_more. */
void annotate_print_quality(FILE *out, const annotate_quality *quality,
                            const affect_gold_trace *traces, bool csv);
AFFECT_MUST_USE affect_status annotate_write_quality(affect_context *ctx, const char *path,
                                                     const annotate_quality *quality,
                                                     const affect_gold_trace *traces);
/* annotate_ask into a file. */
AFFECT_MUST_USE affect_status annotate_write_asked(affect_context *ctx, const char *path,
                                                   const affect_gold *gold,
                                                   const affect_gold_trace *traces, size_t count,
                                                   double window_s);
/* An array of findings, NULL on no memory. */
json_t *annotate_quality_json(const annotate_quality *quality, const affect_gold_trace *traces);

#endif
