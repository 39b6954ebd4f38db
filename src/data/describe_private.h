/* What the parts of data/describe share: a report of files, and counts of texts and numbers. */
#ifndef DATA_DESCRIBE_PRIVATE_H
#define DATA_DESCRIBE_PRIVATE_H

#include "data/value.h"

/* One file's fields after the other, as text or as JSON objects. */
typedef struct describe_report {
    affect_context *ctx;
    base_text *out;
    bool json, check;
    size_t files, mismatches;     /* mismatches: checksums that are not the published ones */
    struct describe_seen *folder; /* keys of the rows of this folder's tables; NULL outside one */
    struct describe_members *members; /* names of the clips of an archive of splits, or NULL */
} describe_report;

/* `licence` may be NULL. */
void describe_begin(describe_report *r, const char *path, const char *what, const char *licence);
void describe_end(describe_report *r);
void describe_field(describe_report *r, const char *name, size_t value);
void describe_field_text(describe_report *r, const char *name, const char *value);
/* Something a user should know before training on it; nothing is said about a count of 0. */
void describe_oddity(describe_report *r, const char *name, size_t count);

/* How often each text occurs; at most some thousand different ones. */
typedef struct describe_tally {
    struct {
        char *text;
        size_t count;
    } * items;
    size_t count, capacity;
    uint32_t *slots; /* index + 1 of a text by its hash */
    bool failed, full;
} describe_tally;

void describe_tally_add(describe_tally *t, const char *text, size_t n);
/* Writes "name: a 12, b 3" and empties the tally. */
void describe_tally_put(describe_report *r, const char *name, describe_tally *t);
void describe_tally_clear(describe_tally *t);

/* Which texts have been met, by a hash of 64 bits: right but for one in 2^64 pairs. */
typedef struct describe_seen {
    uint64_t *slots;
    size_t count, capacity;
    bool failed;
} describe_seen;

/* Was it met before? Texts may be joined: pass the hash of what stands before, or 0. */
bool describe_seen_add(describe_seen *seen, uint64_t hash);
bool describe_seen_has(const describe_seen *seen, uint64_t hash);
uint64_t describe_hash(uint64_t before, const char *text, size_t n);
void describe_seen_clear(describe_seen *seen);

typedef struct describe_members {
    describe_seen seen;
    size_t repeated;
} describe_members;

typedef struct describe_spread {
    size_t values, nan, positive_infinite, negative_infinite;
    double low, high, sum;
} describe_spread;

void describe_spread_add(describe_spread *s, double x);
void describe_spread_oddities(describe_report *r, const describe_spread *s);
void describe_spread_put(describe_report *r, const char *name, const describe_spread *s);

/* describe_check.c: with --check, the file's SHA-256 and whose it is. `expected`: the set's
 * publisher gives sums for its files, so that another one is a mismatch. Errors: NOT_FOUND. */
AFFECT_MUST_USE affect_status describe_check(describe_report *r, const char *path, bool expected);

/* describe_json.c: EmoryNLP's scenes, EmoBox's dictionaries. *described is false for other JSON.
 * Errors: NOT_FOUND, FORMAT, LIMIT, MEMORY. */
AFFECT_MUST_USE affect_status describe_json(describe_report *r, const char *path, bool *described);

/* describe_features.c: pickles, among them those of MMSA, DialogueRNN and bc-LSTM. Errors: those of
 * data/pickle. */
AFFECT_MUST_USE affect_status describe_pickle(describe_report *r, const char *path);
/* "float32 (3, 4)" */
void describe_shape(char *out, size_t room, const data_array *array);
/* Everything in a tree that has a shape, 4 levels deep. */
void describe_value(describe_report *r, const char *path, const data_value *value, int depth);

/* describe_hdf5.c: HDF5 files, among them CMU-SDK computational sequences. Errors: those of
 * data/hdf5. */
AFFECT_MUST_USE affect_status describe_hdf5(describe_report *r, const char *path);

#endif
