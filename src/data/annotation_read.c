/* Annotations out of tables, JSON and npz. The layouts are those that the programs' own code and manuals show:
 *
 * CARMA 10 and later, DARMA (Girard 2014; Girard & Wright 2018): lines "Time of Rating", "Multimedia File", the scale, then
 * "Second,Rating" (DARMA: two named axes and "Button"), a line of percent signs, and a row a bin with its end.
 * Older CARMA: a header with Filename, Lower Label, ..., Second, Rating, the scale in every row.
 * PAGAN (Melhart, Liapis & Yannakakis 2019): OriginalName, DatabaseName, Participant, SessionID, Timestamp, VideoTime
 * (milliseconds), Value; a session ends with a row whose value is 0, which nobody traced.
 * MuSe (Stappen et al. 2021): timestamp (milliseconds), value, segment_id (class_id). */
#include "data/annotation.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *keep(data_annotation *a, const char *text) {
    size_t length = strlen(text) + 1;
    char *copy = base_arena_alloc(&a->arena, length);
    return copy ? memcpy(copy, text, length) : NULL;
}

static double cell_number(const data_table *t, size_t row, size_t column) {
    const char *text = data_table_cell(t, row, column);
    size_t n = strlen(text);
    double value;
    while (n && (*text == ' ' || *text == '\t')) text++, n--;
    while (n && (text[n - 1] == ' ' || text[n - 1] == '\t')) n--;
    return base_parse_double(text, n, &value) && isfinite(value) ? value : NAN;
}

/* "folder/rater1.csv" -> "rater1" */
static const char *name_of_file(data_annotation *a, const char *path) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    char *copy = base_arena_alloc(&a->arena, strlen(name) + 1);
    if (!copy) return NULL;
    memcpy(copy, name, strlen(name) + 1);
    char *dot = strrchr(copy, '.');
    if (dot && dot > copy) *dot = 0;
    return copy;
}

/* ---- CARMA and DARMA ---- */

/* Values at the middle of their bins; the bin is the typical distance of the rows' ends. */
static void centre(data_trace *t) {
    double bin =
        t->rows > 1 ? (t->times_s[t->rows - 1] - t->times_s[0]) / (double)(t->rows - 1) : 0;
    if (!(bin > 0)) return;
    t->bin_s = bin;
    for (size_t i = 0; i < t->rows; i++) t->times_s[i] -= bin / 2;
}

/* Rows `first`.. with the second in `time` and values in columns[0..count). */
static affect_status take_bins(affect_context *ctx, const data_table *t, size_t first, size_t time,
                               const size_t *columns, const data_trace *like, size_t count,
                               data_annotation *out) {
    size_t begin = out->trace_count;
    for (size_t k = 0; k < count; k++) {
        data_trace *added;
        affect_status status =
            data_annotation_add_trace(ctx, out, &like[k], t->rows - first, &added);
        if (status) return status;
    }
    double last = -INFINITY;
    for (size_t r = first; r < t->rows; r++) {
        if (base_starts_with(data_table_cell(t, r, time), "%%")) continue;
        double end = cell_number(t, r, time);
        if (isnan(end) || fabs(end) > 1e7) {
            out->left_out++;
            continue;
        }
        if (end < last)
            return data_table_fail(ctx, t, r, time,
                                   "a second that is not before that of the row above");
        last = end;
        for (size_t k = 0; k < count; k++) {
            data_trace *trace = &out->traces[begin + k];
            trace->times_s[trace->rows] = end;
            trace->values[trace->rows++] = cell_number(t, r, columns[k]);
        }
    }
    for (size_t k = 0; k < count; k++) {
        if (out->traces[begin + k].rows < 1)
            return base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: holds no rating", t->path);
        centre(&out->traces[begin + k]);
    }
    return AFFECT_OK;
}

static affect_status take_girard(affect_context *ctx, const data_table *t, data_annotation *out) {
    const char *rater = name_of_file(out, t->path);
    if (!rater) return base_fail_memory(ctx);
    data_trace like[2] = {{.rater = rater, .low = NAN, .high = NAN},
                          {.rater = rater, .low = NAN, .high = NAN}};
    /* The first line ("Time of Rating") stands in the names. */
    for (size_t r = 0; r < t->rows; r++) {
        const char *key = data_table_cell(t, r, 0), *value = data_table_cell(t, r, 1);
        if (base_equal_ignore_case(key, "Multimedia File")) like[0].recording = value;
        if (base_equal_ignore_case(key, "Minimum Value")) like[0].low = cell_number(t, r, 1);
        if (base_equal_ignore_case(key, "Maximum Value")) like[0].high = cell_number(t, r, 1);
        if (base_equal_ignore_case(key, "Magnitude")) {
            like[0].high = cell_number(t, r, 1);
            like[0].low = -like[0].high;
        }
        if (!base_equal_ignore_case(key, "Second")) continue;
        bool two = data_table_width(t, r) >= 3 && *data_table_cell(t, r, 2);
        const size_t columns[] = {1, 2};
        out->format = two ? "darma" : "carma";
        like[1] = like[0];
        like[0].dimension = base_equal_ignore_case(value, "Rating") ? "" : value;
        like[1].dimension = data_table_cell(t, r, 2);
        return take_bins(ctx, t, r + 1, 0, columns, like, two ? 2 : 1, out);
    }
    return base_fail(ctx, AFFECT_ERROR_FORMAT,
                     "%s: begins as CARMA and DARMA do, but has no line 'Second,...'", t->path);
}

static affect_status take_old_carma(affect_context *ctx, const data_table *t,
                                    data_annotation *out) {
    const char *rater = name_of_file(out, t->path);
    if (!rater) return base_fail_memory(ctx);
    int low = data_table_column(t, "Minimum Value"), high = data_table_column(t, "Maximum Value"),
        file = data_table_column(t, "Filename");
    const size_t rating = (size_t)data_table_column(t, "Rating");
    const char *recording = t->rows && file >= 0 ? data_table_cell(t, 0, (size_t)file) : "";
    const char *slash = strrchr(recording, '\\');
    if (slash) recording = slash + 1; /* the program runs on Windows and writes whole paths */
    const data_trace like = {.rater = rater,
                             .recording = recording,
                             .low = t->rows && low >= 0 ? cell_number(t, 0, (size_t)low) : NAN,
                             .high = t->rows && high >= 0 ? cell_number(t, 0, (size_t)high) : NAN};
    out->format = "carma";
    return take_bins(ctx, t, 0, (size_t)data_table_column(t, "Second"), &rating, &like, 1, out);
}

/* ---- tables with a row a sample ---- */

typedef struct sample {
    const char *group[3]; /* recording, rater, dimension (PAGAN: session) */
    double time, value, confidence;
    size_t row;
} sample;

static int by_group(const void *a, const void *b) {
    const sample *x = a, *y = b;
    for (size_t k = 0; k < 3; k++) {
        int order = strcmp(x->group[k], y->group[k]);
        if (order) return order;
    }
    if (x->time != y->time) return x->time < y->time ? -1 : 1;
    return x->row < y->row ? -1 : 1;
}

static bool same_group(const sample *x, const sample *y) {
    return strcmp(x->group[0], y->group[0]) == 0 && strcmp(x->group[1], y->group[1]) == 0 &&
           strcmp(x->group[2], y->group[2]) == 0;
}

/* Sorts samples into traces, one a group. PAGAN's groups are sessions, not dimensions. */
static affect_status take_samples(affect_context *ctx, const data_table *t, sample *s, size_t n,
                                  bool pagan, bool confident, const double scale[2],
                                  data_annotation *out) {
    float some = 0;
    if (!n) return base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: holds no row with a time", t->path);
    qsort(s, n, sizeof *s, by_group);
    for (size_t from = 0, to; from < n; from = to) {
        for (to = from + 1; to < n && same_group(&s[from], &s[to]);) to++;
        size_t rows = to - from;
        const sample *end = &s[to - 1];
        if (pagan && *s[from].group[0] && rows > 1 && end->value == 0 &&
            end->time - end[-1].time < .1)
            rows--, out->left_out++;
        char rater[256];
        snprintf(rater, sizeof rater, "%s%s%s", s[from].group[1],
                 pagan && *s[from].group[2] && *s[from].group[1] ? " " : "",
                 pagan ? s[from].group[2] : "");
        const data_trace like = {.recording = s[from].group[0],
                                 .rater = rater,
                                 .dimension = pagan ? "" : s[from].group[2],
                                 .low = scale[0],
                                 .high = scale[1],
                                 .relative = pagan,
                                 .confidence = confident ? &some : NULL};
        data_trace *added;
        affect_status status = data_annotation_add_trace(ctx, out, &like, rows, &added);
        if (status) return status;
        for (size_t i = 0; i < rows; i++) {
            added->times_s[i] = s[from + i].time;
            added->values[i] = s[from + i].value;
            if (confident) added->confidence[i] = (float)s[from + i].confidence;
        }
        added->rows = rows;
    }
    return AFFECT_OK;
}

typedef struct layout {
    const char *format;
    int group[3], time, value, confidence; /* columns, -1: none */
    double unit_s;
} layout;

static affect_status take_rows(affect_context *ctx, const data_table *t, const layout *l,
                               data_annotation *out) {
    static const double unknown[] = {NAN, NAN};
    bool pagan = strcmp(l->format, "pagan") == 0;
    const char *file = name_of_file(out, t->path);
    sample *samples = base_calloc(BASE_MAX(t->rows, 1), sizeof *samples);
    size_t n = 0;
    if (!samples || !file) {
        base_free(samples);
        return base_fail_memory(ctx);
    }
    for (size_t r = 0; r < t->rows; r++) {
        sample *s = &samples[n];
        s->time = cell_number(t, r, (size_t)l->time) * l->unit_s;
        if (isnan(s->time) || fabs(s->time) > 1e7) {
            out->left_out++;
            continue;
        }
        s->value = cell_number(t, r, (size_t)l->value);
        s->confidence = l->confidence < 0 ? 1 : cell_number(t, r, (size_t)l->confidence);
        if (!(s->confidence >= 0 && s->confidence <= 1)) s->confidence = isnan(s->value) ? 0 : 1;
        for (size_t k = 0; k < 3; k++)
            s->group[k] = l->group[k] < 0 ? "" : data_table_cell(t, r, (size_t)l->group[k]);
        if (l->group[1] < 0) s->group[1] = file;
        s->row = r;
        n++;
    }
    out->format = l->format;
    affect_status status =
        take_samples(ctx, t, samples, n, pagan, l->confidence >= 0, unknown, out);
    base_free(samples);
    return status;
}

static affect_status take_marks(affect_context *ctx, const data_table *t, data_annotation *out) {
    int start = data_table_column(t, "start"), end = data_table_column(t, "end"),
        label = data_table_column(t, "label"), tier = data_table_column(t, "tier"),
        rater = data_table_column(t, "rater"), recording = data_table_column(t, "recording"),
        confidence = data_table_column(t, "confidence"), made = data_table_column(t, "made");
    out->format = "csv";
    for (size_t r = 0; r < t->rows; r++) {
        data_mark m = {.t0_s = cell_number(t, r, (size_t)start),
                       .t1_s = cell_number(t, r, (size_t)end),
                       .label = data_table_cell(t, r, (size_t)label),
                       .confidence = NAN};
        if (!(m.t0_s <= m.t1_s) || fabs(m.t0_s) > 1e7 || fabs(m.t1_s) > 1e7)
            return data_table_fail(ctx, t, r, (size_t)start,
                                   "a start in seconds that is not behind the end");
        if (tier >= 0) m.tier = data_table_cell(t, r, (size_t)tier);
        if (rater >= 0) m.rater = data_table_cell(t, r, (size_t)rater);
        if (recording >= 0) m.recording = data_table_cell(t, r, (size_t)recording);
        if (confidence >= 0) m.confidence = cell_number(t, r, (size_t)confidence);
        if (made >= 0) m.made = data_table_cell(t, r, (size_t)made);
        affect_status status = data_annotation_add_mark(ctx, out, &m);
        if (status) return status;
    }
    return AFFECT_OK;
}

static bool has(const data_table *t, const char *name) { return data_table_column(t, name) >= 0; }

affect_status data_annotation_take(affect_context *ctx, const data_table *t, data_annotation *out,
                                   bool *known) {
    affect_status status = AFFECT_OK;
    *out = (data_annotation){0};
    base_arena_init(&out->arena, 0);
    *known = true;
    if (!t->names || !t->columns) {
        *known = false;
    } else if (base_equal_ignore_case(t->names[0], "Time of Rating") ||
               base_equal_ignore_case(t->names[0], "Multimedia File")) {
        status = take_girard(ctx, t, out);
    } else if (has(t, "Second") && has(t, "Rating") && has(t, "Lower Label")) {
        status = take_old_carma(ctx, t, out);
    } else if (has(t, "VideoTime") && has(t, "Value") && has(t, "Timestamp")) {
        const layout l = {"pagan",
                          {data_table_column(t, "OriginalName"),
                           data_table_column(t, "Participant"), data_table_column(t, "SessionID")},
                          data_table_column(t, "VideoTime"),
                          data_table_column(t, "Value"),
                          -1,
                          .001};
        status = take_rows(ctx, t, &l, out);
    } else if (has(t, "timestamp") && has(t, "value") &&
               (has(t, "segment_id") || has(t, "class_id")) && t->columns == 3) {
        const layout l = {
            "muse", {-1, -1, -1}, data_table_column(t, "timestamp"), data_table_column(t, "value"),
            -1,     .001};
        status = take_rows(ctx, t, &l, out);
    } else if (has(t, "rater") && has(t, "time") && has(t, "value")) {
        const layout l = {"csv",
                          {data_table_column(t, "recording"), data_table_column(t, "rater"),
                           data_table_column(t, "dimension")},
                          data_table_column(t, "time"),
                          data_table_column(t, "value"),
                          data_table_column(t, "confidence"),
                          1};
        status = take_rows(ctx, t, &l, out);
    } else if (has(t, "tier") && has(t, "start") && has(t, "end") && has(t, "label")) {
        status = take_marks(ctx, t, out);
    } else {
        *known = false;
    }
    if (status || !*known) {
        data_annotation_destroy(out);
        *known = false;
    }
    return status;
}

/* ---- affect-annotation/1 ---- */

static double json_number_or(const json_t *value, double otherwise) {
    return json_is_number(value) ? json_number_value(value) : otherwise;
}

static affect_status take_json_trace(affect_context *ctx, const char *name, const json_t *one,
                                     size_t number, data_annotation *out) {
    const json_t *samples = json_object_get(one, "samples");
    float some = 0;
    data_trace like = {.recording = json_string_value(json_object_get(one, "recording")),
                       .dimension = json_string_value(json_object_get(one, "dimension")),
                       .rater = json_string_value(json_object_get(one, "rater")),
                       .low = json_number_or(json_object_get(one, "low"), NAN),
                       .high = json_number_or(json_object_get(one, "high"), NAN),
                       .bin_s = json_number_or(json_object_get(one, "bin"), 0),
                       .relative = json_is_true(json_object_get(one, "relative"))};
    size_t rows = json_array_size(samples);
    if (!json_is_array(samples))
        return base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: trace %zu has no samples", name,
                         number + 1);
    for (size_t i = 0; i < rows; i++)
        if (json_array_size(json_array_get(samples, i)) > 2) like.confidence = &some;
    data_trace *t;
    affect_status status = data_annotation_add_trace(ctx, out, &like, rows, &t);
    double last = -INFINITY;
    for (size_t i = 0; i < rows && !status; i++) {
        const json_t *row = json_array_get(samples, i);
        double time = json_number_or(json_array_get(row, 0), NAN);
        if (!(time >= last) || fabs(time) > 1e7)
            return base_fail(
                ctx, AFFECT_ERROR_FORMAT,
                "%s: trace %zu, sample %zu: expected [seconds, value], times that never "
                "decrease",
                name, number + 1, i + 1);
        t->times_s[i] = last = time;
        t->values[i] = json_number_or(json_array_get(row, 1), NAN);
        if (t->confidence) {
            double c = json_number_or(json_array_get(row, 2), 1);
            t->confidence[i] = (float)(c >= 0 && c <= 1 ? c : 0);
        }
        t->rows++;
    }
    return status;
}

affect_status data_annotation_parse_json(affect_context *ctx, const char *name, const char *text,
                                         size_t length, data_annotation *out, bool *known) {
    json_error_t error;
    json_t *root = json_loadb(text, length, 0, &error), *one;
    const char *schema = json_string_value(json_object_get(root, "schema"));
    size_t i;
    *out = (data_annotation){.format = "json"};
    base_arena_init(&out->arena, 0);
    *known = schema && strcmp(schema, "affect-annotation/1") == 0;
    affect_status status = AFFECT_OK;
    if (*known) {
        json_array_foreach(json_object_get(root, "traces"), i, one) {
            if (!status) status = take_json_trace(ctx, name, one, i, out);
        }
        json_array_foreach(json_object_get(root, "intervals"), i, one) {
            const data_mark m = {.recording = json_string_value(json_object_get(one, "recording")),
                                 .tier = json_string_value(json_object_get(one, "tier")),
                                 .rater = json_string_value(json_object_get(one, "rater")),
                                 .label = json_string_value(json_object_get(one, "label")),
                                 .t0_s = json_number_or(json_object_get(one, "start"), NAN),
                                 .t1_s = json_number_or(json_object_get(one, "end"), NAN),
                                 .made = json_string_value(json_object_get(one, "made")),
                                 .confidence =
                                     json_number_or(json_object_get(one, "confidence"), NAN)};
            if (status) break;
            if (!(m.t0_s <= m.t1_s) || fabs(m.t0_s) > 1e7 || fabs(m.t1_s) > 1e7)
                status =
                    base_fail(ctx, AFFECT_ERROR_FORMAT,
                              "%s: interval %zu: expected a start in seconds and an end that is "
                              "not before it",
                              name, i + 1);
            else
                status = data_annotation_add_mark(ctx, out, &m);
        }
    }
    json_decref(root);
    if (status || !*known) {
        data_annotation_destroy(out);
        *known = false;
    }
    return status;
}

/* ---- npz: times (rows), values (rows x traces), and texts of the traces ---- */

static bool named(const data_npz *zip, const char *name) {
    for (size_t i = 0; i < data_npz_count(zip); i++)
        if (strcmp(data_npz_name(zip, i), name) == 0) return true;
    return false;
}

/* An array of texts, one a trace; NULL is fine and gives none. */
static affect_status texts_of(affect_context *ctx, data_npz *zip, const char *name,
                              data_npy **out) {
    *out = NULL;
    return named(zip, name) ? data_npz_array(ctx, zip, name, out) : AFFECT_OK;
}

static const char *text_at(data_annotation *a, const data_npy *texts, size_t i, bool *failed) {
    if (!texts || i >= texts->values.count) return "";
    char *text = data_array_text(&texts->values, i);
    const char *kept = keep(a, text ? text : "");
    base_free(text);
    if (!kept) *failed = true;
    return kept ? kept : "";
}

static affect_status take_npz(affect_context *ctx, const char *path, data_npz *zip,
                              data_annotation *out) {
    static const char *const members[] = {"times", "values", "recordings", "raters", "dimensions"};
    data_npy *array[BASE_COUNT(members)] = {0};
    affect_status status = AFFECT_OK;
    for (size_t k = 0; k < BASE_COUNT(members) && !status; k++)
        status = texts_of(ctx, zip, members[k], &array[k]);
    if (!status) {
        const data_array *times = &array[0]->values, *values = &array[1]->values;
        size_t rows = times->count, traces = values->rank == 2 ? values->shape[1] : 1;
        bool fits = times->rank == 1 && times->type < DATA_CHARS && values->type < DATA_CHARS &&
                    (values->rank == 1 || values->rank == 2) && values->shape[0] == rows;
        if (!fits)
            status = base_fail(ctx, AFFECT_ERROR_SHAPE,
                               "%s: wants times (rows) and values (rows, or rows x traces)", path);
        for (size_t k = 0; k < traces && !status; k++) {
            bool failed = false;
            const data_trace like = {.recording = text_at(out, array[2], k, &failed),
                                     .rater = text_at(out, array[3], k, &failed),
                                     .dimension = text_at(out, array[4], k, &failed),
                                     .low = NAN,
                                     .high = NAN};
            data_trace *t = NULL;
            status = failed ? base_fail_memory(ctx)
                            : data_annotation_add_trace(ctx, out, &like, rows, &t);
            for (size_t i = 0; i < rows && !status; i++) {
                double time = data_array_number(times, i);
                if (!(fabs(time) <= 1e7) || (i && time < t->times_s[i - 1]))
                    status = base_fail(ctx, AFFECT_ERROR_FORMAT,
                                       "%s: time %zu is no second, or goes back", path, i);
                t->times_s[i] = time;
                t->values[i] = data_array_number(values, i * traces + k);
                t->rows = i + 1;
            }
        }
    }
    for (size_t k = 0; k < BASE_COUNT(members); k++) data_npy_destroy(array[k]);
    return status;
}

/* ---- which it is ---- */

static bool ends_with_any(const char *path, const char *const *endings, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (base_ends_with(path, endings[i])) return true;
    return false;
}

static affect_status open_nova(affect_context *ctx, const char *path, data_annotation *out) {
    size_t n = strlen(path), header_length = 0, values_length = 0;
    char *header_path = base_strndup(path, path[n - 1] == '~' ? n - 1 : n), *header = NULL,
         *values = NULL;
    base_text values_path = {0};
    if (header_path) base_text_printf(&values_path, "%s~", header_path);
    affect_status status = !header_path || values_path.failed
                               ? base_fail_memory(ctx)
                               : base_read_file(ctx, header_path, 1 << 20, &header, &header_length);
    if (!status) status = base_read_file(ctx, values_path.data, 0, &values, &values_length);
    if (!status)
        status = data_annotation_parse_nova(ctx, header_path, header, header_length, values,
                                            values_length, out);
    base_free(header_path);
    base_free(header);
    base_free(values);
    base_text_destroy(&values_path);
    return status;
}

affect_status data_annotation_open(affect_context *ctx, const char *path, data_annotation *out,
                                   bool *known) {
    static const char *const tables[] = {".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz"};
    affect_status status = AFFECT_OK;
    *out = (data_annotation){0};
    *known = false;
    if (base_ends_with(path, ".annotation") || base_ends_with(path, ".annotation~")) {
        status = open_nova(ctx, path, out);
        *known = !status;
    } else if (base_ends_with(path, ".json")) {
        char *text = NULL;
        size_t length = 0;
        status = base_read_file(ctx, path, 0, &text, &length);
        if (!status) status = data_annotation_parse_json(ctx, path, text, length, out, known);
        base_free(text);
    } else if (base_ends_with(path, ".npz")) {
        data_npz *zip = NULL;
        status = data_npz_open(ctx, path, &zip);
        if (!status && named(zip, "times") && named(zip, "values")) {
            out->format = "npz";
            base_arena_init(&out->arena, 0);
            status = take_npz(ctx, path, zip, out);
            if (status) data_annotation_destroy(out);
            *known = !status;
        }
        data_npz_destroy(zip);
    } else if (ends_with_any(path, tables, BASE_COUNT(tables))) {
        const data_table_options options = {.ragged = true};
        data_table *table = NULL;
        status = data_table_open(ctx, path, &options, &table);
        if (!status) status = data_annotation_take(ctx, table, out, known);
        data_table_destroy(table);
    }
    return status;
}
