/* model, private: the card parser without files, and where models are looked for. */
#ifndef MODEL_PRIVATE_H
#define MODEL_PRIVATE_H

#include "model/model.h"

enum {
    CARD_LIMIT = 1 << 20, /* bytes of a card.json */
    CARD_MAX_ITEMS = 4096 /* labels, files */
};

/* Parses card.json text. `where` names it in error texts; `folder` is copied into the card. Never
 * touches a file. Errors: MODEL, MEMORY. */
AFFECT_MUST_USE affect_status model_card_parse(affect_context *ctx, const char *text, size_t length,
                                               const char *where, const char *folder,
                                               model_card **out);
/* Calls visit with each candidate path, most wanted first, until it returns true; false when none
 * did. `tried` (may be NULL) collects the candidates, one a line, for the error text. Paths:
 * model folders for a name. */
bool model_locate(affect_context *ctx, const char *name, base_text *tried, model_visit *visit,
                  void *user);

#endif
