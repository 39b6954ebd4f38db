/* HDF5 files. A CMU-SDK computational sequence (.csd) is a group with a group "data" of segments
 * (each with "features" rows x width and "intervals" rows x 2, in seconds) and a group "metadata"
 * of JSON texts (A2Zadeh/CMU-MultimodalSDK). */
#include <math.h>
#include <string.h>

#include "data/hdf5.h"
#include "datasets/datasets_private.h"

enum { SHOWN = 60 }; /* datasets of a file that is no sequence */

/* Hands the rows of a dataset of numbers over in pieces of at most 4 MiB. */
static affect_status each_row(affect_context *ctx, data_hdf5 *f, size_t index,
                              void (*take)(void *user, const double *row, size_t width),
                              void *user) {
    const data_hdf5_item *item = data_hdf5_item_at(f, index);
    size_t rows = item->rank ? item->shape[0] : 1, width = item->count / BASE_MAX(rows, (size_t)1);
    if (!item->count) return AFFECT_OK;
    size_t most = ((size_t)4 << 20) / sizeof(double) / width;
    most = BASE_MIN(BASE_MAX(most, (size_t)1), rows);
    double *numbers = base_calloc(most * width, sizeof *numbers);
    affect_status status = numbers ? AFFECT_OK : base_fail_memory(ctx);
    for (size_t row = 0, n; row < rows && !status; row += n) {
        n = BASE_MIN(most, rows - row);
        status = data_hdf5_numbers(ctx, f, index, row, n, numbers);
        for (size_t i = 0; i < n && !status; i++) take(user, numbers + i * width, width);
    }
    base_free(numbers);
    return status;
}

static void add_row(void *user, const double *row, size_t width) {
    for (size_t i = 0; i < width; i++) datasets_spread_add(user, row[i]);
}

/* Index of a member of a group; SIZE_MAX when absent, or without memory (then the report fails). */
static size_t member(datasets_report *r, const data_hdf5 *f, const char *group, const char *name) {
    base_text path = {0};
    base_text_printf(&path, "%s/%s", strcmp(group, "/") == 0 ? "" : group, name);
    size_t i = path.failed ? SIZE_MAX : data_hdf5_find(f, path.data);
    r->out->failed |= path.failed;
    base_text_destroy(&path);
    return i;
}

static bool is_group(const data_hdf5 *f, size_t i) {
    return i != SIZE_MAX && data_hdf5_item_at(f, i)->content == DATA_HDF5_GROUP;
}

/* ---- computational sequences ---- */

typedef struct times {
    datasets_spread seconds;
    size_t intervals, reversed, disordered, overlapping, negative, unknown;
    double start, end; /* of the interval before; NaN at the start of a segment */
} times;

static void add_interval(void *user, const double *row, size_t width) {
    times *t = user;
    double start = row[0], end = width > 1 ? row[1] : NAN;
    const double rounding = 1e-6; /* s: neighbours are written with less than full precision */
    t->intervals++;
    datasets_spread_add(&t->seconds, end - start);
    t->unknown += isnan(start) || isnan(end);
    t->reversed += end <= start;
    t->disordered += start < t->start;
    t->overlapping += start >= t->start && start < t->end - rounding;
    t->negative += start < 0;
    t->start = start;
    t->end = end;
}

typedef struct sequence {
    size_t segments, incomplete, uneven, empty, narrow;
    size_t width;
    bool mixed; /* widths differ */
    data_type type;
    datasets_spread rows, values;
    times times;
} sequence;

static affect_status add_segment(datasets_report *r, data_hdf5 *f, const char *path, sequence *s) {
    size_t features = member(r, f, path, "features"), intervals = member(r, f, path, "intervals");
    s->segments++;
    if (features == SIZE_MAX || intervals == SIZE_MAX) {
        s->incomplete++;
        return AFFECT_OK;
    }
    const data_hdf5_item *x = data_hdf5_item_at(f, features), *t = data_hdf5_item_at(f, intervals);
    size_t rows = x->rank ? x->shape[0] : 1, width = rows ? x->count / rows : 0;
    if (rows && s->values.values + s->values.nan == 0 && !s->width) {
        s->width = width;
        s->type = x->type;
    }
    s->mixed |= rows && width != s->width;
    s->empty += x->count == 0;
    s->uneven += (t->rank ? t->shape[0] : 1) != rows;
    datasets_spread_add(&s->rows, (double)rows);
    affect_status status = AFFECT_OK;
    if (x->content == DATA_HDF5_NUMBERS)
        status = each_row(r->ctx, f, features, add_row, &s->values);
    if (t->rank != 2 || t->shape[1] != 2) {
        s->narrow++;
        return status;
    }
    s->times.start = s->times.end = NAN;
    return status ? status : each_row(r->ctx, f, intervals, add_interval, &s->times);
}

static affect_status describe_metadata(datasets_report *r, data_hdf5 *f, const char *path) {
    affect_status status = AFFECT_OK;
    size_t n = strlen(path);
    for (size_t i = 0; i < data_hdf5_count(f) && !status; i++) {
        const data_hdf5_item *item = data_hdf5_item_at(f, i);
        if (strncmp(item->path, path, n) != 0 || item->path[n] != '/' ||
            item->content != DATA_HDF5_TEXTS || !item->count)
            continue;
        char *text, name[128];
        status = data_hdf5_text(r->ctx, f, i, 0, &text);
        if (status) break;
        snprintf(name, sizeof name, "metadata %.100s", item->path + n + 1);
        datasets_field_text(r, name, text);
        base_free(text);
    }
    return status;
}

static affect_status describe_sequence(datasets_report *r, data_hdf5 *f, const char *root) {
    sequence s = {0};
    base_text data = {0}, metadata = {0}, shape = {0};
    base_text_printf(&data, "%s/data", root);
    base_text_printf(&metadata, "%s/metadata", root);
    affect_status status = data.failed || metadata.failed ? base_fail_memory(r->ctx) : AFFECT_OK;
    if (!status) {
        datasets_field_text(r, "computational sequence", root + 1);
        status = describe_metadata(r, f, metadata.data);
    }
    size_t n = data.length;
    for (size_t i = 0; i < data_hdf5_count(f) && !status; i++) {
        const data_hdf5_item *item = data_hdf5_item_at(f, i);
        if (item->content == DATA_HDF5_GROUP && strncmp(item->path, data.data, n) == 0 &&
            item->path[n] == '/' && !strchr(item->path + n + 1, '/'))
            status = add_segment(r, f, item->path, &s);
    }
    if (!status) {
        base_text_printf(&shape, s.mixed ? "%s (%.0f, differing widths)" : "%s (%.0f, %zu)",
                         data_type_name(s.type), s.rows.sum, s.width);
        if (shape.failed) status = base_fail_memory(r->ctx);
    }
    if (!status) {
        datasets_field(r, "segments", s.segments);
        datasets_field_text(r, "features", shape.data);
        datasets_spread_put(r, "rows of a segment", &s.rows);
        datasets_spread_put(r, "values", &s.values);
        datasets_field(r, "intervals", s.times.intervals);
        datasets_spread_put(r, "seconds of an interval", &s.times.seconds);
        datasets_oddity(r, "segments without features or intervals", s.incomplete);
        datasets_oddity(r, "segments without a value", s.empty);
        datasets_oddity(r, "segments with other numbers of intervals than of rows", s.uneven);
        datasets_oddity(r, "segments whose intervals are not pairs", s.narrow);
        datasets_oddity(r, "intervals that end before they start", s.times.reversed);
        datasets_oddity(r, "intervals out of order", s.times.disordered);
        datasets_oddity(r, "intervals that overlap the one before", s.times.overlapping);
        datasets_oddity(r, "intervals before time 0", s.times.negative);
        datasets_oddity(r, "intervals without a time", s.times.unknown);
    }
    base_text_destroy(&data);
    base_text_destroy(&metadata);
    base_text_destroy(&shape);
    return status;
}

/* ---- other files ---- */

static void shape_put(base_text *out, const data_hdf5_item *item) {
    static const char *const contents[] = {"group", NULL, "texts", "other"};
    base_text_append(out, item->content == DATA_HDF5_NUMBERS ? data_type_name(item->type)
                                                             : contents[item->content]);
    if (item->content == DATA_HDF5_NUMBERS || item->content == DATA_HDF5_TEXTS) {
        base_text_append(out, " (");
        for (size_t k = 0; k < item->rank; k++)
            base_text_printf(out, k ? ", %zu" : "%zu", item->shape[k]);
        base_text_append(out, ")");
    }
    if (item->compressed)
        base_text_append(out, ", compressed");
    else if (item->chunked)
        base_text_append(out, ", in chunks");
    if (item->problem) base_text_printf(out, "; unreadable: %s", item->problem);
}

static affect_status describe_items(datasets_report *r, data_hdf5 *f) {
    size_t groups = 0, sets = 0, unreadable = 0;
    affect_status status = AFFECT_OK;
    for (size_t i = 0; i < data_hdf5_count(f); i++) {
        const data_hdf5_item *item = data_hdf5_item_at(f, i);
        groups += item->content == DATA_HDF5_GROUP;
        sets += item->content != DATA_HDF5_GROUP;
        unreadable += item->problem != NULL;
    }
    datasets_field(r, "groups", groups);
    datasets_field(r, "datasets", sets);
    datasets_oddity(r, "unreadable", unreadable);
    for (size_t i = 0, shown = 0; i < data_hdf5_count(f) && shown < SHOWN && !status; i++) {
        const data_hdf5_item *item = data_hdf5_item_at(f, i);
        base_text text = {0};
        for (size_t k = 0; k < item->attribute_count; k++) {
            base_text_clear(&text);
            base_text_printf(&text, "%s@%s", item->path, item->attributes[k].name);
            if (text.failed) {
                base_text_destroy(&text);
                return base_fail_memory(r->ctx);
            }
            datasets_field_text(r, text.data, item->attributes[k].value);
        }
        if (item->content != DATA_HDF5_GROUP) {
            shown++;
            base_text_clear(&text);
            shape_put(&text, item);
            r->out->failed |= text.failed;
            if (!text.failed) datasets_field_text(r, item->path, text.data);
            datasets_spread s = {0};
            if (item->content == DATA_HDF5_NUMBERS && !item->problem) {
                status = each_row(r->ctx, f, i, add_row, &s);
                base_text_clear(&text);
                base_text_printf(&text, "%s values", item->path);
                if (!status && !text.failed) datasets_spread_put(r, text.data, &s);
            }
            if (text.failed) status = base_fail_memory(r->ctx);
        }
        base_text_destroy(&text);
    }
    return status;
}

affect_status datasets_describe_hdf5(datasets_report *r, const char *path) {
    data_hdf5 *f;
    affect_status status = data_hdf5_open(r->ctx, path, &f);
    if (status) return status;
    size_t sequences = 0;
    for (int pass = 0; pass < 2 && !status; pass++) {
        if (pass == 1)
            datasets_begin_set(r, path,
                               datasets_by_layout(sequences ? DATASETS_CSD : DATASETS_HDF5), NULL);
        for (size_t i = 1; i < data_hdf5_count(f) && !status; i++) {
            const char *root = data_hdf5_item_at(f, i)->path;
            if (strchr(root + 1, '/') || !is_group(f, i) ||
                !is_group(f, member(r, f, root, "data")) ||
                !is_group(f, member(r, f, root, "metadata")))
                continue;
            if (pass == 0)
                sequences++;
            else
                status = describe_sequence(r, f, root);
        }
    }
    if (!status && !sequences) status = describe_items(r, f);
    if (!status) datasets_end(r);
    data_hdf5_destroy(f);
    return status;
}
