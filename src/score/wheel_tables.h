/* The tables of the emotion wheels. In: a folder with format, synonym and wheel1 to wheel5, each
 * .xlsx or .csv, as the MER challenges publish them. Out: the three dictionaries that their
 * wheel_mapping.npz holds: surface word -> base forms, base form -> representatives, and wheel ->
 * level -> word -> sector. Words are lower-case without blanks around them. */
#ifndef SCORE_WHEEL_TABLES_H
#define SCORE_WHEEL_TABLES_H

#include "data/value.h"

/* The documents are the caller's, also where this fails (then NULL or half full). Errors: NOT_FOUND
 * (no such table), FORMAT (a column is missing), LIMIT, MEMORY. */
AFFECT_MUST_USE affect_status score_wheel_tables(affect_context *ctx, const char *folder,
                                                 data_document *out[3]);

#endif
