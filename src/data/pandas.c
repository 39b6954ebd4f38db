/* pandas' frames and series as they lie in pickles (pandas 1.2 and later): a manager of blocks, each an array of
 * columns x rows with the places of its columns, and two indexes. A manager is (blocks, axes), of a series (block, axis). */
#include <string.h>

#include "data/data_private.h"

/* An index as pickle.c leaves it: the dict that pandas' _new_Index takes. */
static bool range_of(const data_value *index, int64_t out[3]) {
    static const char *const names[] = {"start", "stop", "step"};
    for (int k = 0; k < 3; k++) {
        const data_value *v = data_get(index, names[k]);
        if (!v || v->kind != DATA_INT) return false;
        out[k] = v->as.integer;
    }
    return out[2] != 0;
}

/* As Python's len(range(...)); a range over all of int64 has a length that fits uint64. */
static uint64_t range_length(const int64_t r[3]) {
    const bool up = r[2] > 0;
    if (up ? r[0] >= r[1] : r[0] <= r[1]) return 0;
    const uint64_t from = (uint64_t)r[0], to = (uint64_t)r[1],
                   step = up ? (uint64_t)r[2] : 0 - (uint64_t)r[2];
    return ((up ? to - from : from - to) - 1) / step + 1;
}

static uint64_t index_length(const data_value *index) {
    int64_t range[3];
    return range_of(index, range) ? range_length(range) : data_length(data_get(index, "data"));
}

/* Label i of an index, i below its length. */
static const data_value *label_at(data_document *document, const data_value *index, size_t i) {
    int64_t range[3];
    const data_value *data = data_get(index, "data");
    if (!range_of(index, range) &&
        !(data && data->kind == DATA_ARRAY && data->as.array->type != DATA_OBJECT))
        return data_item(data, i);
    data_value *v = data_document_value(document, DATA_INT);
    if (!v) return NULL;
    if (range_of(index, range)) {
        v->as.integer = (int64_t)((uint64_t)range[0] + (uint64_t)i * (uint64_t)range[2]);
        return v;
    }
    const double number = data_array_number(data->as.array, i);
    v->kind = DATA_FLOAT;
    v->as.number = number;
    return v;
}

/* Where row k of a block stands among all columns: a slice (three numbers) or an array of places. */
static bool place_of(const data_value *places, size_t k, size_t count, size_t *out) {
    double x;
    if (places && places->kind == DATA_TUPLE && data_length(places) == 3) {
        double start, step;
        if (!data_number(data_item(places, 0), &start) || !data_number(data_item(places, 2), &step))
            return false;
        x = start + (double)k * step;
    } else if (places && places->kind == DATA_ARRAY && places->as.array->type < DATA_CHARS &&
               k < places->as.array->count) {
        x = data_array_number(places->as.array, k);
    } else {
        return false;
    }
    if (!(x >= 0 && x < (double)count)) return false;
    *out = (size_t)x;
    return true;
}

/* Column k of a block of columns x rows; NULL without memory. */
static data_value *column_of(data_document *document, const data_array *block, size_t k,
                             size_t rows) {
    data_value *v = data_document_array(document);
    if (!v) return NULL;
    data_array *a = v->as.array;
    const size_t size = block->item_size, columns = block->rank == 2 ? block->shape[0] : 1;
    a->type = block->type;
    a->item_size = size;
    a->big_endian = block->big_endian;
    a->rank = 1;
    a->shape[0] = a->count = rows;
    if (!rows) return v;
    if (block->type == DATA_OBJECT) { /* numpy writes objects row by row whatever their order */
        a->items = block->items + k * rows;
    } else if (!block->fortran || columns == 1) {
        a->bytes = block->bytes + k * rows * size;
    } else {
        uint8_t *bytes = data_document_alloc(document, rows * size);
        if (!bytes) return NULL;
        for (size_t r = 0; r < rows; r++)
            memcpy(bytes + r * size, block->bytes + (r * columns + k) * size, size);
        a->bytes = bytes;
    }
    return v;
}

static const char out_of_memory[] = "memory"; /* its address tells it from texts */
const char *data_pandas_memory(void) { return out_of_memory; }

/* The values of a block, and its columns and rows. */
static bool block_of(const data_value *block, const data_array **values, size_t *columns,
                     size_t *rows) {
    const data_value *v = data_item(block, 0);
    if (!block || block->kind != DATA_TUPLE || !v || v->kind != DATA_ARRAY) return false;
    *values = v->as.array;
    if (v->as.array->rank == 1) {
        *columns = 1;
        *rows = v->as.array->shape[0];
    } else if (v->as.array->rank == 2) {
        *columns = v->as.array->shape[0];
        *rows = v->as.array->shape[1];
    } else {
        return false;
    }
    return true;
}

/* The index as the first column, where it is more than a count of rows. */
static bool add_index(data_document *document, const data_value *index, data_value **items) {
    const data_value *data = data_get(index, "data"), *name = data_get(index, "name");
    data_value *label = data_document_value(document, DATA_TEXT);
    if (!label) return false;
    label->as.text.bytes = "index";
    label->as.text.length = strlen("index");
    items[0] = name && name->kind != DATA_NONE ? (data_value *)name : label;
    items[1] = (data_value *)data;
    return true;
}

/* (axes, values, items, {"0.14.1": {"axes": [...], "blocks": [{"values": ..., "mgr_locs": ...}]}}) */
const char *data_pandas_manager(data_document *document, const data_value *state,
                                data_value *into) {
    const data_value *last = data_get(data_item(state, 3), "0.14.1"),
                     *axes = data_get(last, "axes"), *blocks = data_get(last, "blocks");
    const size_t count = data_length(blocks), dimensions = data_length(axes);
    if (state->kind != DATA_TUPLE || !blocks || blocks->kind != DATA_LIST || !axes ||
        axes->kind != DATA_LIST || (dimensions != 1 && dimensions != 2) ||
        (dimensions == 1 && count != 1))
        return "a manager of another form";
    data_value **pair = data_document_alloc(document, 2 * sizeof *pair);
    data_value *list = data_document_value(document, DATA_TUPLE);
    data_value **made = data_document_alloc(document, (count + 1) * sizeof *made);
    if (!pair || !list || !made) return out_of_memory;
    for (size_t b = 0; b < count; b++) {
        const data_value *values = data_get(data_item(blocks, b), "values"),
                         *places = data_get(data_item(blocks, b), "mgr_locs");
        data_value **items = data_document_alloc(document, 2 * sizeof *items);
        made[b] = data_document_value(document, DATA_TUPLE);
        if (!items || !made[b]) return out_of_memory;
        if (!values || !places) return "a block without values";
        items[0] = (data_value *)values;
        items[1] = (data_value *)places;
        made[b]->as.list.items = items;
        made[b]->as.list.count = made[b]->as.list.capacity = 2;
    }
    list->as.list.items = made;
    list->as.list.count = list->as.list.capacity = count;
    pair[0] = dimensions == 1 ? made[0] : list; /* as the constructor takes them */
    pair[1] = dimensions == 1 ? (data_value *)data_item(axes, 0) : (data_value *)axes;
    into->kind = DATA_TUPLE;
    into->as.list.items = pair;
    into->as.list.count = into->as.list.capacity = 2;
    return NULL;
}

const char *data_pandas_columns(data_document *document, const data_value *manager, bool series,
                                const data_value *name, data_value *into) {
    const data_value *blocks = data_item(manager, 0), *axes = data_item(manager, 1);
    const data_value *index = series ? axes : data_item(axes, 1), *labels = data_item(axes, 0);
    if (!manager || manager->kind != DATA_TUPLE || !index || index->kind != DATA_DICT ||
        (!series && (!labels || labels->kind != DATA_DICT)))
        return "a manager of another form";
    const size_t block_count = series ? 1 : data_length(blocks);
    const uint64_t rows = index_length(index);
    int64_t range[3];
    const data_array *values;
    size_t columns = 0, width, length;
    for (size_t b = 0; b < block_count; b++) {
        if (!block_of(series ? blocks : data_item(blocks, b), &values, &width, &length))
            return "a block that is no array";
        if (length != rows || (series && width != 1)) return "a block of other than its rows";
        if (width > SIZE_MAX / 64 - columns) return "a block of too many columns";
        columns += width;
    }
    if (!series && columns != index_length(labels)) return "other than as many columns as names";
    const bool with_index = !range_of(index, range) && data_get(index, "data");
    data_value **items = data_document_alloc(document, 2 * (columns + 1) * sizeof *items);
    if (!items) return out_of_memory;
    memset(items, 0, 2 * (columns + 1) * sizeof *items);
    data_value **at = items + (with_index ? 2 : 0);
    if (with_index && !add_index(document, index, items)) return out_of_memory;
    for (size_t b = 0; b < block_count; b++) {
        const data_value *block = series ? blocks : data_item(blocks, b);
        if (!block_of(block, &values, &width, &length)) return "a block that is no array";
        for (size_t k = 0; k < width; k++) {
            size_t place = 0;
            if (!series && !place_of(data_item(block, 1), k, columns, &place))
                return "a block without places";
            if (at[2 * place]) return "two columns in one place";
            data_value *column = column_of(document, values, k, length);
            data_value *zero = data_document_value(document, DATA_INT);
            if (!column || !zero) return out_of_memory;
            const data_value *label = !series ? label_at(document, labels, place)
                                      : name && name->kind != DATA_NONE ? name
                                                                        : zero;
            if (!label) return "a column without a name";
            at[2 * place] = (data_value *)label;
            at[2 * place + 1] = column;
        }
    }
    into->kind = DATA_DICT;
    into->as.list.items = items;
    into->as.list.count = into->as.list.capacity = 2 * (columns + (with_index ? 1 : 0));
    return NULL;
}
