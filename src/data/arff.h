/* ARFF, the attribute-relation files of Weka and openSMILE (Hall et al. 2009; the format as Weka's
 * manual states it): dense and sparse rows, quoted names and values, '?' for what is missing,
 * numeric, nominal and string attributes. Dates, relational attributes and weights are refused with
 * their line.
 *
 * In: a path. Out: rows one after the other, or all of them as a table. */
#ifndef DATA_ARFF_H
#define DATA_ARFF_H

#include "data/table.h"

typedef enum data_arff_kind {
    DATA_ARFF_NUMERIC,
    DATA_ARFF_NOMINAL,
    DATA_ARFF_STRING
} data_arff_kind;

typedef struct data_arff_attribute {
    char *name;
    data_arff_kind kind;
    char **values; /* of a nominal one */
    char **sorted; /* the same texts by name */
    size_t value_count, value_capacity;
} data_arff_attribute;

typedef struct data_arff {
    data_arff_attribute *attributes;
    size_t count, capacity;
} data_arff;

/* Called for each row: `cells` has arff->count texts, NULL where a value is missing; they last
 * until it returns. Anything but OK ends the reading. */
typedef affect_status (*data_arff_row)(void *user, const data_arff *arff, const char *const *cells,
                                       size_t line);

/* `begin` (may be NULL) is called once, before the first row. The file is mapped. Errors:
 * NOT_FOUND, FORMAT and UNSUPPORTED (with the line), LIMIT (a small file of sparse rows that stands
 * for a huge table), MEMORY, what the calls return. */
AFFECT_MUST_USE affect_status data_arff_read(affect_context *ctx, const char *path,
                                             affect_status (*begin)(void *user,
                                                                    const data_arff *arff),
                                             data_arff_row row, void *user);
AFFECT_MUST_USE affect_status data_arff_parse(
    affect_context *ctx, const char *name, const char *text, size_t length,
    affect_status (*begin)(void *user, const data_arff *arff), data_arff_row row, void *user);
/* All rows; a missing value is an empty cell, the names are the attributes'. */
AFFECT_MUST_USE affect_status data_arff_open(affect_context *ctx, const char *path,
                                             data_table **out);

#endif
