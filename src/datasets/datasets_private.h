/* What the parts of datasets share: a report of files, and counts of texts and numbers. */
#ifndef DATASETS_PRIVATE_H
#define DATASETS_PRIVATE_H

#include "data/table.h"
#include "data/value.h"
#include "datasets/datasets.h"

/* ---- sets.c: the table of the sets ---- */

typedef enum datasets_form {
    DATASETS_LABEL_NONE,
    DATASETS_LABEL_ONE,   /* a name or number a row */
    DATASETS_LABEL_QUOTED /* a list of quoted names: only counted */
} datasets_form;

/* What a file is known by where that is not the header of a table. */
typedef enum datasets_layout {
    DATASETS_HEADER,
    DATASETS_GOEMOTIONS, /* text, numbers, id */
    DATASETS_XED,        /* text, numbers */
    DATASETS_XED_NEUTRAL,
    DATASETS_MOSI_TRANSCRIPTS, /* id, text, number of the video, sentiment */
    DATASETS_NUMBERS,
    DATASETS_TABLE,
    DATASETS_MERBENCH,
    DATASETS_WHEELS,
    DATASETS_IMAGES,
    DATASETS_NPZ,
    DATASETS_MMSA,
    DATASETS_IEMOCAP,
    DATASETS_CONVERSATIONS,
    DATASETS_PADDED,
    DATASETS_PICKLE,
    DATASETS_CSD,
    DATASETS_HDF5,
    DATASETS_MELD_MEDIA,
    DATASETS_RAVDESS_MEDIA,
    DATASETS_CREMA_D_MEDIA,
    DATASETS_NEMO_MEDIA,
    DATASETS_MEDIA
} datasets_layout;

typedef struct datasets_set {
    datasets_layout layout;
    const char *name, *licence, *note; /* note: what no count says */
    const char *columns[6];            /* that a header must have */
    const char *label, *label2, *split, *speaker;
    datasets_form form;
    const char *key[4]; /* columns that name a row */
    bool splits;        /* a key in two files of a folder is in two splits */
    bool dialogues, votes;
    bool plain;       /* quotes mean nothing in it */
    const char *time; /* a column of seconds */
    /* how rows become samples */
    const char *text, *file; /* columns; `file`: of recordings, beside the table */
    const char *values[3];   /* valence, arousal, dominance: a column, or one a rater, whose mean */
    const char *intensities; /* columns of emotions, 0 = absent */
    bool one_emotion;        /* "intensity" is of that one of them that the file is named by */
    double low, high;        /* of values; of intensities `high` */
    const char *alias[6][2]; /* the set's own name of a category, and a common one */
} datasets_set;

/* The set whose columns a header has, or NULL. */
const datasets_set *datasets_by_header(const data_table *table);
/* The set of a layout; there is one for each but DATASETS_HEADER. */
const datasets_set *datasets_by_layout(datasets_layout layout);
/* What a table without a known header is, by its first row, which stands in the table's names. */
const datasets_set *datasets_by_first_row(const data_table *table);
/* The category called `name` in any of the field's spellings (angry, ANG, anger ...), -1 if none.
 */
int datasets_label(const char *const *labels, size_t count, const char *name);

/* What the numbers of XED's (0 = none of them) and of GoEmotions' files stand for. */
enum { DATASETS_PLUTCHIK = 9, DATASETS_GOEMOTIONS_LABELS = 28 };
extern const char *const datasets_plutchik[DATASETS_PLUTCHIK];
extern const char *const datasets_goemotions[DATASETS_GOEMOTIONS_LABELS];

/* ---- description ---- */

/* One file's fields after the other, as text or as JSON objects. */
typedef struct datasets_report {
    affect_context *ctx;
    base_text *out;
    bool json, check;
    size_t files, mismatches;     /* mismatches: checksums that are not the published ones */
    struct datasets_seen *folder; /* keys of the rows of this folder's tables; NULL outside one */
    struct datasets_members *members; /* names of the clips of an archive of splits, or NULL */
} datasets_report;

/* `what` NULL: the set's name. */
void datasets_begin_set(datasets_report *r, const char *path, const datasets_set *set,
                        const char *what);
/* `licence` may be NULL. */
void datasets_begin(datasets_report *r, const char *path, const char *what, const char *licence);
void datasets_end(datasets_report *r);
void datasets_field(datasets_report *r, const char *name, size_t value);
void datasets_field_text(datasets_report *r, const char *name, const char *value);
/* Something a user should know before training on it; nothing is said about a count of 0. */
void datasets_oddity(datasets_report *r, const char *name, size_t count);

/* How often each text occurs; at most some thousand different ones. */
typedef struct datasets_tally {
    struct {
        char *text;
        size_t count;
    } * items;
    size_t count, capacity;
    uint32_t *slots; /* index + 1 of a text by its hash */
    bool failed, full;
} datasets_tally;

void datasets_tally_add(datasets_tally *t, const char *text, size_t n);
/* Writes "name: a 12, b 3" and empties the tally. */
void datasets_tally_put(datasets_report *r, const char *name, datasets_tally *t);
void datasets_tally_clear(datasets_tally *t);

/* Which texts have been met, by a hash of 64 bits: right but for one in 2^64 pairs. */
typedef struct datasets_seen {
    uint64_t *slots;
    size_t count, capacity;
    bool failed;
} datasets_seen;

/* Was it met before? Texts may be joined: pass the hash of what stands before, or 0. */
bool datasets_seen_add(datasets_seen *seen, uint64_t hash);
bool datasets_seen_has(const datasets_seen *seen, uint64_t hash);
uint64_t datasets_hash(uint64_t before, const char *text, size_t n);
void datasets_seen_clear(datasets_seen *seen);

typedef struct datasets_members {
    datasets_seen seen;
    size_t repeated;
} datasets_members;

typedef struct datasets_spread {
    size_t values, nan, positive_infinite, negative_infinite;
    double low, high, sum;
} datasets_spread;

void datasets_spread_add(datasets_spread *s, double x);
void datasets_spread_array(datasets_spread *s, const data_array *array); /* each element */
void datasets_spread_oddities(datasets_report *r, const datasets_spread *s);
void datasets_spread_put(datasets_report *r, const char *name, const datasets_spread *s);

/* check.c: with --check, the file's SHA-256 and whose it is. `expected`: the set's
 * publisher gives sums for its files, so that another one is a mismatch. Errors: NOT_FOUND. */
AFFECT_MUST_USE affect_status datasets_check(datasets_report *r, const char *path, bool expected);

/* tables.c: CSV, TSV, xlsx, JSON Lines. Errors: those of the readers. */
AFFECT_MUST_USE affect_status datasets_describe_table(datasets_report *r, const char *path);
/* XED's neutral lines: "9<TAB>text". *described is false for any other text. */
AFFECT_MUST_USE affect_status datasets_describe_neutral(datasets_report *r, const char *path,
                                                        bool *described);

/* json.c: EmoryNLP's scenes, EmoBox's dictionaries. *described is false for other JSON.
 * Errors: NOT_FOUND, FORMAT, LIMIT, MEMORY. */
AFFECT_MUST_USE affect_status datasets_describe_json(datasets_report *r, const char *path,
                                                     bool *described);

/* features.c: pickles, among them those of MMSA, DialogueRNN and bc-LSTM. Errors: those of
 * data/pickle. */
AFFECT_MUST_USE affect_status datasets_describe_pickle(datasets_report *r, const char *path);
/* "float32 (3, 4)" */
void datasets_describe_shape(char *out, size_t room, const data_array *array);
/* Everything in a tree that has a shape, 4 levels deep. */
void datasets_describe_value(datasets_report *r, const char *path, const data_value *value,
                             int depth);

/* hdf5.c: HDF5 files, among them CMU-SDK computational sequences. Errors: those of
 * data/hdf5. */
AFFECT_MUST_USE affect_status datasets_describe_hdf5(datasets_report *r, const char *path);

/* ---- samples: the readers of a kind ---- */

typedef struct datasets_reader {
    affect_context *ctx;
    const datasets_request *request;
    datasets_visitor *visit;
    void *user;
    float *shares, *values; /* of the sample under way; datasets_sample borrows them */
    char by[128];           /* and the text of the column `by` of the row that was wanted last */
} datasets_reader;

/* Nothing is known of the sample that comes next. */
datasets_sample datasets_sample_begin(datasets_reader *r);
/* The class is known: all others are not it. */
void datasets_sample_class(datasets_reader *r, datasets_sample *sample, int label);
/* Value number 0 (valence), 1 (arousal) or 2 (dominance) is x, -1 to 1; nothing happens where it is
 * not wanted. */
void datasets_sample_value(datasets_reader *r, size_t number, double x);
/* Is the row wanted, by the request's rules? `cell` gives the text of a column, NULL where there is
 * no such column; a missing column "split" is no mistake with `lenient`. */
typedef const char *datasets_cell(const void *user, const char *column);
AFFECT_MUST_USE affect_status datasets_wanted(datasets_reader *r, const char *path, bool lenient,
                                              datasets_cell *cell, const void *user, bool *out);

/* rows.c: tables of texts or of recordings. */
/* A table of texts, with names where it has a header, and the set that the header is of, or NULL. */
AFFECT_MUST_USE affect_status datasets_open_texts(affect_context *ctx, const char *path,
                                                  data_table **out, const datasets_set **set);
/* The mean of a row's numbers in the columns ("a1_V a2_V a3_V": one a rater, who may have given
 * none); NaN where there is none. Errors: FORMAT (no number, or outside low to high). */
AFFECT_MUST_USE affect_status datasets_row_value(affect_context *ctx, const data_table *table,
                                                 size_t row, const char *columns, double low,
                                                 double high, double *out);
AFFECT_MUST_USE affect_status datasets_read_texts(datasets_reader *r, const char *path);
AFFECT_MUST_USE affect_status datasets_read_recordings(datasets_reader *r, const char *path);
/* votes.c */
AFFECT_MUST_USE affect_status datasets_read_faces(datasets_reader *r, const char *images,
                                                  const char *votes);
/* sequences.c */
/* Number and text i of a list or an array of any kind; the text is appended. */
bool datasets_number_at(const data_value *values, size_t i, double *out);
void datasets_append_text(const data_value *values, size_t i, base_text *out);
AFFECT_MUST_USE affect_status datasets_read_features(datasets_reader *r, const char *const *paths,
                                                     size_t count);

#endif
