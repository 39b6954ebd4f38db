/* collection, private: the columns of the tables, and a recording's part of them. */
#ifndef COLLECTION_PRIVATE_H
#define COLLECTION_PRIVATE_H

#include "collection/collection.h"
#include "data/table.h"
#include "report/report.h"
#include "track/track.h"

/* ---- columns.c ---- */

typedef enum collection_table {
    COLLECTION_EPISODES,
    COLLECTION_UTTERANCES,
    COLLECTION_EVENTS,
    COLLECTION_SUMMARY,
    COLLECTION_RECORDING, /* of one recording: what it is, one row */
    COLLECTION_TABLES
} collection_table;

/* How the numbers of one participant's recordings become one. */
typedef enum collection_pool { POOL_NOT, POOL_SUM, POOL_MEAN, POOL_SD } collection_pool;

enum { COLUMN_NAME_SIZE = 40, COLUMNS_MOST = 96 };
typedef struct collection_column {
    char name[COLUMN_NAME_SIZE];
    const char *unit, *text; /* text may hold one %s, for `about` */
    const char *about;
    collection_pool pool;
    const char *weight; /* POOL_MEAN, POOL_SD: the column of the weights */
} collection_column;

/* The columns of a recording's part; returns how many. The first two are `recording` and `person`. */
size_t collection_columns(collection_table table, collection_column out[COLUMNS_MOST]);
const char *collection_file(collection_table table); /* "episodes.csv" */

/* Kinds of events whose rate is told, and of which modality they are. */
typedef struct collection_kind {
    const char *name;
    affect_modality modality;
} collection_kind;
extern const collection_kind collection_kinds[];
extern const size_t collection_kind_count;

/* The codebook: table, column, unit, meaning. `conditions` are the names of the joined columns. */
void collection_put_codebook(const char *const *conditions, size_t count, FILE *out);
/* Is there a column of that name in any table? */
bool collection_has_column(const char *name);

/* ---- rows.c ---- */

/* Writes a recording's rows as files of `folder`/tables. `settings` is the text of the options, error
 * NULL or why it could not be read to its end. */
AFFECT_MUST_USE affect_status collection_write_rows(affect_context *ctx,
                                                    const affect_timeline *timeline,
                                                    const collection_recording *recording,
                                                    const char *settings, const char *error,
                                                    const char *folder, bool unsynced);

/* ---- participants.c ---- */

typedef struct collection_participants {
    data_table *table; /* NULL: nobody is joined */
    int recording, person, participant;
    size_t *order; /* rows by recording and person */
    bool *used;
    const char **conditions; /* names of the other columns */
    int *condition_columns;
    size_t condition_count;
} collection_participants;

AFFECT_MUST_USE affect_status collection_participants_read(affect_context *ctx, const char *path,
                                                           collection_participants *out);
/* The row for a person ("" for rows of nobody) of a recording, by its id, its file's name with and
 * without ending, or its path; a row without a person holds for all who have none of their own, *own
 * says which it was. SIZE_MAX: none. */
size_t collection_participants_find(collection_participants *p, const char *id, const char *path,
                                    const char *person, bool *own);
void collection_participants_warn(affect_context *ctx, const collection_participants *p);
void collection_participants_destroy(collection_participants *p);

/* ---- page.c ---- */

typedef struct collection_entry {
    char *id, *file, *folder; /* of the recording; folder "" where there is none */
    char *status;             /* "done", "partial", "failed", "missing" */
    char *error;
    char *duration, *persons, *label, *valence, *arousal; /* as in the tables; "" unknown */
    char *bytes, *video, *audio, *warnings;
} collection_entry;

void collection_put_page(const collection_entry *entries, size_t count, const char *beside,
                         base_text *out);

#endif
