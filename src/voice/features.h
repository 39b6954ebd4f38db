/* Voice features of whole recordings as tables (CSV, ARFF, npy) in openSMILE's column names: a row a
 * recording, segment, window or frame. In: paths. Out: files. Memory does not grow with the length
 * of a single recording. */
#ifndef VOICE_FEATURES_H
#define VOICE_FEATURES_H

#include <stdio.h>

#include "base/base.h"
#include "voice/descriptors.h"

typedef enum voice_features_set {
    VOICE_FEATURES_EGEMAPS, /* functionals, and the descriptors they are of */
    VOICE_FEATURES_PROSODY, /* what the voice stage uses */
    VOICE_FEATURES_LOGMEL
} voice_features_set;

enum { VOICE_FEATURES_OVERLAP = 64 }; /* segments that overlap at one instant, at most */

typedef struct voice_features_segment {
    double t0, t1;
    const char *label;
} voice_features_segment;

typedef struct voice_features_options {
    voice_features_set set;
    const char *output; /* .csv, .arff, .npy; NULL: CSV to `otherwise` unless lld is set */
    const char *lld;    /* egemaps: table of the descriptors, or NULL */
    const char *name;   /* of every row; NULL: the file's name without its ending */
    FILE *otherwise;
    const voice_features_segment *segments; /* egemaps: a row each, in order of t0; NULL: none */
    size_t segment_count;
    double window, step; /* egemaps: a row a window of so many seconds; 0: a row a recording */
    int rate;            /* resample to it first; 0 = the recording's own */
    size_t bands;        /* logmel: 1 to 256 */
    bool force;          /* overwrite existing files */
    /* Empties `otherwise` for good. */
    affect_status (*flush)(affect_context *ctx);
    /* One of several recordings failed, with its text on the context; the others go on. */
    void (*failed)(void *user, const affect_context *ctx, affect_status status);
    void *user;
} voice_features_options;

typedef struct voice_features_result {
    double heard_s, took_s; /* sound in all recordings; time that passed */
} voice_features_result;

/* What is lost (segments too short, gaps, low rates) goes to the context's log as warnings. Errors:
 * EXISTS, NO_STREAM, FORMAT (shorter than 60 ms or a frame), LIMIT (segments that overlap), OUTPUT,
 * CANCELLED, MEMORY and those of reading; of several recordings those that could be read are
 * written. */
AFFECT_MUST_USE affect_status voice_features_write(affect_context *ctx,
                                                   const voice_features_options *options,
                                                   const char *const *paths, size_t count,
                                                   voice_features_result *result);

#endif
