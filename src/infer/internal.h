/* infer, private: the card parser without files, and where models and ONNX Runtime are looked for.
 */
#ifndef INFER_INTERNAL_H
#define INFER_INTERNAL_H

#include "infer/infer.h"

enum {
    CARD_LIMIT = 1 << 20, /* bytes of a card.json */
    CARD_MAX_ITEMS = 4096 /* labels, files */
};

/* Parses card.json text. `where` names it in error texts; `folder` is copied into the card. Never
 * touches a file. Errors: MODEL, MEMORY. */
AFFECT_MUST_USE affect_status card_parse(affect_context *ctx, const char *text, size_t length,
                                         const char *where, const char *folder, infer_card **out);
/* Compares one file of the card with its sha-256. Errors: MODEL (names both sums and what to do),
 * MEMORY. */
AFFECT_MUST_USE affect_status card_verify_file(affect_context *ctx, const infer_card *card,
                                               size_t i);

/* Calls visit with each candidate path, most wanted first, until it returns true; false when none
 * did. `tried` (may be NULL) collects the candidates, one a line, for the error text. Paths:
 * model folders for a name, and full paths (or sonames) of the ONNX Runtime library. */
typedef bool locate_visit(void *user, const char *path);
bool locate_model(affect_context *ctx, const char *name, base_text *tried, locate_visit *visit,
                  void *user);
bool locate_runtime(base_text *tried, locate_visit *visit, void *user);

#endif
