/* What a user says better than the program: names of persons, merges and splits, labels, words,
 * speakers, boundaries. Corrections stand beside the timeline, in a table (CSV, docs/timeline.md),
 * and are applied to it in memory; what was there before stays in the attributes of what was
 * changed. */
#ifndef AFFECT_CORRECTIONS_H
#define AFFECT_CORRECTIONS_H

#include "affect/timeline.h"

#ifdef __cplusplus
extern "C" {
#endif

/* X(symbol, word): target and value of each are texts, as in the table. */
#define AFFECT_CORRECTION_TABLE(X)                                                                 \
    X(NAME, "name")         /* target a person's number, value its name */                         \
    X(MERGE, "merge")       /* target a person, value the person that it is */                     \
    X(SPLIT, "split")       /* target a person, value another, who has what lies in [t0, t1) */    \
    X(LABEL, "label")       /* target an interval's id, value the label */                         \
    X(WORD, "word")         /* target a word's or utterance's id, value its text */                \
    X(SPEAKER, "speaker")   /* target an interval's id, value a person */                          \
    X(BOUNDARY, "boundary") /* target an interval's id; t0 or t1 or both */

typedef enum affect_correction_kind {
#define AFFECT_CORRECTION_ENUM(symbol, word) AFFECT_CORRECTION_##symbol,
    AFFECT_CORRECTION_TABLE(AFFECT_CORRECTION_ENUM)
#undef AFFECT_CORRECTION_ENUM
} affect_correction_kind;

/* May get further members at its end, as the structs of timeline.h. */
typedef struct affect_correction {
    affect_correction_kind kind;
    const char *target; /* never NULL or empty */
    const char *value;  /* never NULL; "" where the kind has none */
    affect_time t0, t1; /* AFFECT_TIME_NONE where there is none */
    const char *by;     /* who said so, and when, as they wrote it; "" if they did not; */
    const char *at;     /* never NULL in what is handed out, NULL is "" in what is handed in */
} affect_correction;

typedef struct affect_corrections affect_corrections;

/* None yet. The caller destroys them. `context` may be NULL here and below; it carries the error's
 * text. Errors: MEMORY. */
AFFECT_API AFFECT_MUST_USE affect_status affect_corrections_create(affect_context *context,
                                                                   affect_corrections **out);
AFFECT_API void affect_corrections_destroy(affect_corrections *corrections); /* NULL is fine */
/* Adds those of a table, behind what is there. Errors: NOT_FOUND, FORMAT (with the line), LIMIT,
 * MEMORY; then what stood before the line that is wrong has been added. */
AFFECT_API AFFECT_MUST_USE affect_status affect_corrections_read(affect_context *context,
                                                                 affect_corrections *corrections,
                                                                 const char *path);
/* Adds a copy of one. `size` is sizeof(affect_correction) as the caller was compiled. Errors:
 * ARGUMENT, MEMORY. */
AFFECT_API AFFECT_MUST_USE affect_status affect_corrections_add(affect_context *context,
                                                                affect_corrections *corrections,
                                                                const affect_correction *correction,
                                                                size_t size);
AFFECT_API size_t affect_corrections_count(const affect_corrections *corrections); /* NULL: 0 */
/* Borrowed until the next one is added; NULL beyond the end. */
AFFECT_API const affect_correction *affect_corrections_get(const affect_corrections *corrections,
                                                           size_t i);
/* Applies all in their order. Pointers to intervals and events of the timeline are then others.
 * Errors: ARGUMENT (which one, and what is wrong with it), MEMORY; then those before it have been
 * applied. */
AFFECT_API AFFECT_MUST_USE affect_status affect_corrections_apply(
    affect_context *context, const affect_corrections *corrections, affect_timeline *timeline);
/* Writes the table, which affect_corrections_read reads; it appears under its name only when it is
 * complete, in place of an earlier one. Errors: OUTPUT, MEMORY. */
AFFECT_API AFFECT_MUST_USE affect_status affect_corrections_write(
    affect_context *context, const affect_corrections *corrections, const char *path);

#ifdef __cplusplus
}
#endif
#endif
