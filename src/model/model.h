/* model: model folders and their cards. In: a name or a folder. Out: a checked card and where its
 * files and the run-time libraries lie. Running a model is infer/ (ONNX) and nn/ (our own
 * networks).
 *
 * A model is named ("face.detect") or given as a folder. A name is looked up as
 * FOLDER/NAME/card.json in the context's model folder, $AFFECT_MODELS, the build's and the
 * installed data folder. In the first two, which the user names, a card that is there and cannot be
 * used is an error; elsewhere the search goes on. */
#ifndef MODEL_H
#define MODEL_H

#include <stdio.h>

#include "base/base.h"

/* card.json, documented in docs/model-card.md. */
typedef struct model_card {
    char *name, *version, *task, *licence, *training_data, *source;
    bool commercial; /* may be used commercially */
    size_t label_count;
    char **labels;
    size_t file_count;
    struct model_file {
        char *name, *sha256;
    } * files;    /* files[0] is the weights */
    char *folder; /* where it was found */
    char *json;   /* the whole card, for fields of one task ("input", "temperature", ...) */
} model_card;

/* Finds, reads and checks a card (fields, file presence; sha-256 only when `verify`). Errors: MODEL
 * with a text that names the folder, the field and what to do; and where only models for commercial
 * use are allowed (affect_context_set_commercial) and this is none. The caller destroys the card.
 */
AFFECT_MUST_USE affect_status model_card_load(affect_context *ctx, const char *name_or_folder,
                                              bool verify, model_card **out);
void model_card_destroy(model_card *card);
/* Path of one of the card's files, new memory (base_free). */
AFFECT_MUST_USE char *model_card_path(const model_card *card, const char *file);

/* All its files together; one that cannot be opened counts nothing. */
double model_card_bytes(const model_card *card);
/* Name, licence, source, data, folder, files, labels, limits and figures, a line each. */
void model_card_print(FILE *to, const model_card *card);

/* The first file of a card as text, at most 1 MiB, and where it lies; both are the caller's (base_free).
 * With `verify` its sum is checked. Errors: those of the card, NOT_FOUND, LIMIT, MEMORY; then both are NULL. */
AFFECT_MUST_USE affect_status model_card_text(affect_context *ctx, const char *name_or_folder,
                                              bool verify, char **path, char **text,
                                              size_t *length);

/* The name under which the context keeps what was made of a model (base_kept_take): of one kind, from
 * the folders and with the rights that the context has now. Check out->failed. */
void model_key(const char *kind, const affect_context *ctx, const char *name_or_folder,
               base_text *out);

/* Names of all models that can be found, in order of the alphabet; each and the array are the
 * caller's (base_free). Errors: MEMORY. */
AFFECT_MUST_USE affect_status model_names(affect_context *ctx, char ***names, size_t *count);

/* Compares one file of the card with its sha-256. Errors: MODEL (names both sums and what to do),
 * MEMORY. */
AFFECT_MUST_USE affect_status model_card_verify_file(affect_context *ctx, const model_card *card,
                                                     size_t i);

typedef bool model_visit(void *user, const char *path);
/* Where a run-time library, or a program that the library starts, is looked for: the path in the
 * environment variable (then only that), the build's lib folder and the build folder, `npm` from the source root (may be NULL), the installed folders, and last
 * its bare name. Calls visit with each, most wanted first, until it returns true; false when none
 * did. `tried` (may be NULL) collects them for the error text. */
bool model_find_library(const char *variable, const char *file, const char *npm, base_text *tried,
                        bool (*visit)(void *user, const char *path), void *user);
/* The first of them that dlopen takes, symbols kept apart (RTLD_NOW | RTLD_LOCAL); NULL when none did. `tried` as above;
 * `why` gets "; " and what the loader said of the last that is a file, or "". Nobody closes it. */
void *model_open_library(const char *variable, const char *file, const char *npm, base_text *tried,
                         char why[256]);
/* A library of ours around another's program, which its own `make` target builds; one function of it, without
 * arguments, hands out all others. */
typedef struct model_shim {
    const char *program;         /* "llama.cpp" */
    const char *target;          /* "make llama" */
    const char *variable, *file; /* as above */
    const char *entry;           /* the function's name */
} model_shim;
/* Finds and opens it; the address of its function goes to where `entry`, a pointer to a pointer to such a function, points. Errors:
 * RUNTIME (not found, which names where it was looked for and what to do; another version's). */
AFFECT_MUST_USE affect_status model_open_shim(affect_context *ctx, const model_shim *shim,
                                              void *entry);
/* RUNTIME: it is of another version. */
affect_status model_fail_shim(affect_context *ctx, const model_shim *shim);
/* The same for the ONNX Runtime library, by full path or soname. */
bool model_find_runtime(base_text *tried, model_visit *visit, void *user);

#endif
