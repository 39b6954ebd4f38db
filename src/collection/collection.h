/* collection: many recordings as one study. In: paths of recordings. Out: a folder with a folder a
 * recording, tables over all of them (one row an episode, utterance, event; a row a person and
 * recording; a row a participant), a codebook that says what each column means, and a page that
 * leads to the reports.
 *
 *     FOLDER/recordings/ID/            what `affect analyze` writes of one recording
 *     FOLDER/recordings/ID/tables/     its rows of the tables
 *     FOLDER/shard-I-of-N/recordings/  the same where several machines share the work
 *     FOLDER/episodes.csv, ...         all rows, with participants joined; made of the parts
 *
 * A recording's folder appears when it is complete, so a run that was killed goes on where it was.
 * The tables depend on the parts alone: neither on who made them nor in which order. docs/collection.md
 * describes the columns' use; the codebook is written from the table in columns.c. */
#ifndef COLLECTION_H
#define COLLECTION_H

#include "affect/session.h"
#include "base/base.h"

/* ---- find.c: which recordings ---- */

typedef struct collection_recording {
    char *id;   /* its name in the tables and of its folder */
    char *path; /* as it was named */
    int64_t bytes;
} collection_recording;

typedef struct collection_list {
    collection_recording *items; /* in order of id */
    size_t count, capacity;
} collection_list;

/* Files as they are named; of folders, what is in them (and in theirs) with the ending of a picture,
 * film or sound. A file that is named twice is one. Ids are the paths below the folder without their
 * endings, unless two would be alike. Errors: NOT_FOUND, MEMORY. */
AFFECT_MUST_USE affect_status collection_find(affect_context *ctx, const char *const *operands,
                                              size_t count, collection_list *out);
void collection_list_destroy(collection_list *list);
/* Does the name end as recordings do? */
bool collection_is_recording(const char *name);
/* Has this folder been the output of such a run? */
bool collection_is(const char *folder);

/* ---- shard.c: which of them ---- */

typedef struct collection_shard {
    int index, count; /* from 1; 1 of 1 is everything */
    const char *from; /* who said so: "--shard", "Slurm", ... */
} collection_shard;

/* "I/N", or, with NULL, what the launcher of this process says in its environment: the tasks of a
 * Slurm step or array (or both), the ranks of Open MPI or of another MPI's PMI. Errors: USAGE. */
AFFECT_MUST_USE affect_status collection_shard_parse(affect_context *ctx, const char *text,
                                                     collection_shard *out);

/* ---- run.c: the analysis ---- */

typedef struct collection_progress {
    size_t done, failed, total; /* recordings; those of earlier runs are done */
    double share;               /* 0..1, by the files' sizes */
    double left_s;              /* by the pace so far, or NaN */
} collection_progress;

typedef struct collection_options {
    const char *folder;       /* the output */
    const char *participants; /* a table that is only checked here, before hours of work; or NULL */
    unsigned formats;         /* bits 1 << report_format of each recording's folder */
    bool embed, force;        /* as in report_options; force analyzes everything again */
    bool
        alone; /* one of many that are given one by one: no list of inputs and failures is written */
    int jobs;  /* recordings at once; 0: as many as the context has threads */
    collection_shard shard;
    /* Both are called by one thread at a time. */
    void (*on_progress)(void *user, const collection_progress *progress);
    void (*on_failure)(void *user, const char *path, const char *message);
    void *user;
} collection_options;

typedef struct collection_counts {
    size_t recordings, analyzed; /* of this shard; of them, now and not before */
    size_t failed, missing;      /* could not be analyzed (or not to their end); not tried yet */
    affect_status first;         /* what the first of `failed`, by id, failed with now */
    double analyzed_s;           /* length of what was analyzed now */
} collection_counts;

/* Analyzes what is not there yet; collection_merge then makes the tables. A recording that fails is
 * counted and the rest goes on. Errors: EXISTS (what is there was made with other options, or of
 * another file), those of reading the table of participants, OUTPUT, CANCELLED, MEMORY. */
AFFECT_MUST_USE affect_status collection_analyze(affect_context *ctx, const collection_list *list,
                                                 const affect_options *analysis,
                                                 const collection_options *options,
                                                 collection_counts *out);

/* ---- merge.c: the tables ---- */

/* Makes the tables of `out` from the recordings in these folders and their shards. Warnings go to the
 * context's log. Errors: NOT_FOUND (nothing there), FORMAT (a part or the table of participants),
 * OUTPUT, MEMORY. */
AFFECT_MUST_USE affect_status collection_merge(affect_context *ctx, const char *const *folders,
                                               size_t count, const char *participants,
                                               const char *out, collection_counts *counts);

#endif
