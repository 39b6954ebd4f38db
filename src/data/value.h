/* data/value: what a pickle or an object array holds, as a tree of values.
 *
 * A tree belongs to its data_document and dies with it. Arrays and long texts are views into the
 * file where it stores them plainly, so a 2 GB pickle costs little more than its index. A value may
 * be reached by several ways (pickles share), never by a cycle: readers refuse those. */
#ifndef DATA_VALUE_H
#define DATA_VALUE_H

#include "base/base.h"

typedef enum data_kind {
    DATA_NONE,
    DATA_BOOL,
    DATA_INT,
    DATA_FLOAT,
    DATA_TEXT, /* UTF-8, not NUL-terminated */
    DATA_BYTES,
    DATA_LIST,
    DATA_TUPLE,
    DATA_SET,
    DATA_DICT, /* items: key, value, key, value, ... in file order */
    DATA_ARRAY /* numpy */
} data_kind;

/* A file mapped read-only; private to the readers. */
typedef struct data_mapping {
    void *bytes;
    size_t length; /* 0: nothing is mapped */
} data_mapping;

/* Element types of arrays. */
typedef enum data_type {
    DATA_F16,
    DATA_F32,
    DATA_F64,
    DATA_I8,
    DATA_I16,
    DATA_I32,
    DATA_I64,
    DATA_U8,
    DATA_U16,
    DATA_U32,
    DATA_U64,
    DATA_BOOL8,
    DATA_CHARS,   /* fixed-length bytes ("S12") */
    DATA_UNICODE, /* fixed-length UCS-4 ("U12") */
    DATA_OBJECT   /* items are values */
} data_type;

enum { DATA_MAX_RANK = 16 };

typedef struct data_array {
    data_type type;
    size_t item_size; /* bytes of an element; 0 for DATA_OBJECT */
    bool big_endian, fortran;
    size_t rank, shape[DATA_MAX_RANK], count; /* count = product of the shape */
    const uint8_t *bytes;      /* count * item_size, as in the file (any alignment) */
    struct data_value **items; /* count values for DATA_OBJECT */
} data_array;

typedef struct data_value {
    data_kind kind;
    union {
        bool truth;
        int64_t integer;
        double number;
        struct {
            const char *bytes;
            size_t length;
        } text;
        struct {
            struct data_value **items;
            size_t count, capacity;
        } list;
        data_array *array;
    } as;
} data_value;

typedef struct data_document data_document;

const data_value *data_document_root(const data_document *document);
void data_document_destroy(data_document *document);

/* ---- looking at values; all accept NULL and then answer "not there" ---- */

const char *data_kind_name(data_kind kind);
const char *data_type_name(data_type type); /* "float32", ... */
/* Number of items: elements of a list, pairs of a dict, elements of an array's first axis. */
size_t data_length(const data_value *value);
/* Item i of a list, tuple, set or object array; NULL outside. */
const data_value *data_item(const data_value *value, size_t i);
/* The value of a text (or bytes) key in a dict, or NULL. Linear. */
const data_value *data_get(const data_value *value, const char *key);
bool data_text_equals(const data_value *value, const char *text);
/* A number out of bool, int, float or an array of one element; false otherwise. */
bool data_number(const data_value *value, double *out);

/* Element i (flat, in C order whatever the file's order) as a double; NaN for texts and objects. */
double data_array_number(const data_array *array, size_t i);
/* Elements from..from+count-1 in the same way, many times as fast where the file holds them in C order;
 * all must be there. */
void data_array_numbers(const data_array *array, size_t from, size_t count, double *out);
/* Fixed-length text element i as UTF-8 in new memory (base_free), trailing NULs dropped; NULL if it
 * is no text array or no memory is left. */
AFFECT_MUST_USE char *data_array_text(const data_array *array, size_t i);

#endif
