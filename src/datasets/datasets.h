/* The field's data sets. In: a file or a folder. Out: what it is (which published set, its shapes,
 * splits, label balance, licence note and oddities) as text lines or JSON; or its samples, one after
 * the other. Recognition goes by the names of columns and keys, not by file names alone, so that
 * renamed copies are known too. */
#ifndef DATASETS_H
#define DATASETS_H

#include "base/base.h"
#include "data/frame.h"

/* Appends to `out`: one JSON array of objects with `json`, else text. A folder is walked (symbolic
 * links are not followed, at most 8 levels); media files are counted by what their names say, and a
 * file that cannot be read is reported as such inside the report. Errors: NOT_FOUND, MEMORY; for a
 * single file also those of its reader.
 *
 * With `check`, files of sets whose publishers give SHA-256 sums are held against them; *mismatches
 * counts those of such a set that have another one. */
AFFECT_MUST_USE affect_status datasets_describe(affect_context *ctx, const char *path, bool json,
                                                bool check, base_text *out, size_t *mismatches);

/* ---- samples ---- */

typedef enum datasets_kind {
    DATASETS_TEXT,      /* tables of texts */
    DATASETS_RECORDING, /* tables that name recordings */
    DATASETS_FACES,     /* IMAGES.npz VOTES.csv */
    DATASETS_FEATURES   /* vectors or sequences of numbers: MMSA and ACL-2017 pickles, the folder of
                           the ACL-2017 set, computational sequences (.csd) */
} datasets_kind;

/* Labels by other names: `from` as the set writes it (whatever the case), `to` as it is to be read;
 * "-" = a label that is not asked for. */
typedef struct datasets_map {
    size_t count;
    char **from, **to;
} datasets_map;

/* What the caller wants of a set; the same for all of its samples. */
typedef struct datasets_request {
    datasets_kind kind;
    const char *const *labels; /* classes, then values, by name */
    size_t classes, values;
    const float *places;    /* recordings: classes x values, what a class stands for where the set
                               has no values of its own; NULL = unknown */
    bool several;           /* several labels a sample, as shares of 0 to 1 */
    bool drop_single_votes; /* faces: single votes are outliers (Barsoum et al. 2016) */
    const char *modalities; /* features: "text audio video" or fewer, side by side; NULL = all */
    bool pooled;            /* features: a sequence becomes the mean of its rows */
    /* NULL, or rules "COLUMN VALUE,VALUE" separated by '|', of which one must hold (`only`) or none
     * (`except`); "PART: COLUMN VALUES" concerns files whose path contains PART. Columns of features:
     * split, fold, video, id. */
    const char *only, *except;
    const char *by;          /* a column whose text each sample brings with it; NULL = none */
    const datasets_map *map; /* of tables with one label a row; NULL = the set's own names */
} datasets_request;

/* Borrowed until the visitor returns. */
typedef struct datasets_sample {
    const char *name;            /* of a sample of features, else NULL */
    const char *text, *file;     /* file: a recording that exists */
    const unsigned char *pixels; /* faces: 48 x 48 */
    const float *features;       /* rows x width; NaN = unknown */
    size_t rows, width;
    const float *shares; /* of each class: a share, or 0 and 1; -1 = unknown */
    int32_t label;       /* the class, or -1: none, several, unknown */
    const float *values; /* -1 to 1 by the set's own range; NaN = unknown */
    int32_t speaker; /* a number within the call, of one who is heard or of a video; -1 = unknown */
    bool clear;      /* faces: the class has an absolute majority of the votes */
    const char *by;  /* the text of the column that was asked for, else NULL */
} datasets_sample;

typedef affect_status datasets_visitor(void *user, const datasets_sample *sample);

/* Hands over the samples of one set: `paths` are one file or folder, for DATASETS_FACES the two
 * files, for computational sequences the features' files and the labels'. What the visitor returns
 * other than OK ends the reading. Errors: NOT_FOUND, FORMAT (file, line, what was expected), LIMIT,
 * MEMORY, and the visitor's. */
AFFECT_MUST_USE affect_status datasets_read(affect_context *ctx, const datasets_request *request,
                                            const char *const *paths, size_t count,
                                            datasets_visitor *visit, void *user);

/* ---- gold ---- */

/* A file with the labels of a set, as columns: of a set that is not known, or with `as_is`, the frame
 * is what data_frame_open gives. A known table has, behind its own columns and where it has none of
 * that name, "id" (the columns that name a row, joined by '_'), "label", and "valence", "arousal" and
 * "dominance" in the set's own range. GoEmotions and XED become "id" and "labels" (names, joined by
 * ','), MMSA's pickles "id", "split", "annotation" and "value" (all three splits). Errors: as of
 * data_frame_open, and FORMAT for numbers out of the set's range. */
AFFECT_MUST_USE affect_status datasets_frame_open(affect_context *ctx, const char *path,
                                                  bool no_header, bool as_is, data_frame **out);

/* Counts of votes, a column a class, and the columns "unknown" and "NF" (no face) where there are
 * any, as FER+ has them. */
enum { DATASETS_MOST_CLASSES = 64 };
typedef struct datasets_votes {
    size_t classes;
    int column[DATASETS_MOST_CLASSES + 2]; /* of each class, then unknown and NF, -1 = none */
} datasets_votes;
/* Errors: FORMAT (a class without a column), LIMIT. */
AFFECT_MUST_USE affect_status datasets_votes_find(affect_context *ctx, const data_frame *frame,
                                                  const char *const *classes, size_t count,
                                                  datasets_votes *out);
/* votes: classes + 2 counts of a row; 0 where there is no column. Errors: FORMAT. */
AFFECT_MUST_USE affect_status datasets_votes_row(affect_context *ctx, const data_frame *frame,
                                                 const datasets_votes *votes, size_t row,
                                                 double *out);

#endif
