/* Files of labels as columns, whichever set they are of: what affect score takes as gold. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "data/pickle.h"
#include "datasets/datasets_private.h"

/* A table in memory takes the place of what the frame held. */
static affect_status take_text(affect_context *ctx, data_frame *frame, base_text *text) {
    const data_table_options options = {.delimiter = '\t', .plain = true};
    data_table *table = NULL;
    affect_status status = text->failed ? base_fail_memory(ctx)
                                        : data_table_parse(ctx, frame->path, text->data,
                                                           text->length, &options, &table);
    base_text_destroy(text);
    if (status) return status;
    data_table_destroy(frame->table);
    frame->table = table;
    frame->rows = table->rows;
    frame->columns = table->columns;
    return AFFECT_OK;
}

/* ---- tables with a header ---- */

static void append_key(const data_table *t, const datasets_set *set, size_t row, base_text *out) {
    for (size_t k = 0; k < BASE_COUNT(set->key) && set->key[k]; k++) {
        int column = data_table_column(t, set->key[k]);
        if (column < 0) continue;
        if (k) base_text_append(out, "_");
        base_text_append(out, data_table_cell(t, row, (size_t)column));
    }
}

static affect_status add_columns(affect_context *ctx, data_frame *frame, const datasets_set *set) {
    static const char *const dimensions[] = {"valence", "arousal", "dominance"};
    enum { ID, LABEL, VALUE };
    data_table *t = frame->table;
    const char *names[5];
    size_t kind[5], count = 0;
    const int label =
        set->label && set->form == DATASETS_LABEL_ONE ? data_table_column(t, set->label) : -1;
    if (set->key[0] && data_table_column(t, "id") < 0) kind[count] = ID, names[count++] = "id";
    if (label >= 0 && data_table_column(t, "label") < 0)
        kind[count] = LABEL, names[count++] = "label";
    for (size_t v = 0; v < BASE_COUNT(dimensions); v++)
        if (set->values[v] && data_table_column(t, dimensions[v]) < 0)
            kind[count] = VALUE + v, names[count++] = dimensions[v];
    if (!count) return AFFECT_OK;
    base_text texts = {0};
    affect_status status = AFFECT_OK;
    for (size_t row = 0; row < t->rows && !status; row++)
        for (size_t c = 0; c < count && !status; c++) {
            double x = NAN;
            if (kind[c] == ID)
                append_key(t, set, row, &texts);
            else if (kind[c] == LABEL)
                base_text_append(&texts, data_table_cell(t, row, (size_t)label));
            else
                status = datasets_row_value(ctx, t, row, set->values[kind[c] - VALUE], set->low,
                                            set->high, &x);
            if (!isnan(x)) base_text_printf(&texts, "%.17g", x);
            base_text_append_n(&texts, "", 1);
        }
    if (status)
        base_text_destroy(&texts);
    else
        status = data_table_add_columns(ctx, t, names, count, &texts);
    frame->columns = t->columns;
    return status;
}

/* ---- lists of numbers: GoEmotions, XED ---- */

static affect_status append_labels(affect_context *ctx, const data_table *t, size_t row,
                                   bool plutchik, base_text *out) {
    const size_t most = plutchik ? DATASETS_PLUTCHIK : DATASETS_GOEMOTIONS_LABELS;
    const char *const *names = plutchik ? datasets_plutchik : datasets_goemotions;
    bool any = false;
    for (const char *at = data_table_cell(t, row, 1); *at;) {
        size_t n = strcspn(at, ", ");
        int64_t number;
        if (n && (!base_parse_int64(at, n, &number) || number < 0 || number >= (int64_t)most))
            return data_table_fail(ctx, t, row, 1, "label numbers from 0 to %zu", most - 1);
        if (n) base_text_printf(out, any ? ",%s" : "%s", names[number]);
        any |= n > 0;
        at += n + (at[n] != 0);
    }
    return AFFECT_OK;
}

static void append_flat(base_text *out, const char *text) {
    for (const char *c = text; *c; c++)
        base_text_append_n(out, *c == '\t' || *c == '\n' || *c == '\r' ? " " : c, 1);
}

/* GoEmotions' rows have ids; XED's are numbered from 0. */
static affect_status read_numbers(affect_context *ctx, const data_table *t, bool plutchik,
                                  base_text *out) {
    affect_status status = AFFECT_OK;
    base_text_append(out, "id\tlabels\n");
    for (size_t row = 0; row < t->rows && !status; row++) {
        if (plutchik)
            base_text_printf(out, "%zu", row);
        else
            append_flat(out, data_table_cell(t, row, 2));
        base_text_append(out, "\t");
        status = append_labels(ctx, t, row, plutchik, out);
        base_text_append(out, "\n");
    }
    return status;
}

/* ---- MMSA ---- */

/* *known is false for any other pickle. */
static affect_status read_mmsa(affect_context *ctx, const char *path, base_text *out, bool *known) {
    static const char *const parts[] = {"train", "valid", "test"};
    data_document *document;
    affect_status status = data_pickle_read(ctx, path, &document);
    if (status) return status;
    const data_value *root = data_document_root(document);
    *known =
        root && root->kind == DATA_DICT && data_get(data_get(root, "test"), "regression_labels");
    base_text_append(out, "id\tsplit\tannotation\tvalue\n");
    base_text cell = {0};
    for (size_t p = 0; p < BASE_COUNT(parts) && *known; p++) {
        const data_value *split = data_get(root, parts[p]), *ids = data_get(split, "id"),
                         *scores = data_get(split, "regression_labels"),
                         *classes = data_get(split, "annotations");
        for (size_t i = 0; i < data_length(scores); i++) {
            double x;
            base_text_clear(&cell);
            datasets_append_text(ids, i, &cell);
            append_flat(out, cell.data ? cell.data : "");
            base_text_printf(out, "\t%s\t", parts[p]);
            base_text_clear(&cell);
            datasets_append_text(classes, i, &cell);
            append_flat(out, cell.data ? cell.data : "");
            if (datasets_number_at(scores, i, &x) && isfinite(x))
                base_text_printf(out, "\t%.17g\n", x);
            else
                base_text_append(out, "\t\n");
        }
    }
    out->failed |= cell.failed;
    base_text_destroy(&cell);
    data_document_destroy(document);
    return AFFECT_OK;
}

/* ---- the frame ---- */

static affect_status read_headerless(affect_context *ctx, data_frame *frame) {
    data_table *t = NULL;
    const datasets_set *set = NULL;
    base_text text = {0};
    affect_status status = datasets_open_texts(ctx, frame->path, &t, &set);
    if (!status) status = read_numbers(ctx, t, data_table_width(t, 0) == 2, &text);
    data_table_destroy(t);
    if (status) {
        base_text_destroy(&text);
        return status;
    }
    return take_text(ctx, frame, &text);
}

/* Is the first line one of GoEmotions or XED? Their texts are no table that data_frame_open reads. */
static bool is_headerless(affect_context *ctx, const char *path) {
    if (!base_ends_with(path, ".tsv") && !base_ends_with(path, ".txt")) return false;
    char line[1 << 12];
    const int file = base_open_regular(path); /* a pipe would wait */
    FILE *f = file >= 0 ? fdopen(file, "r") : NULL;
    const bool read = f && fgets(line, sizeof line, f) != NULL;
    if (f)
        (void)fclose(f);
    else if (file >= 0)
        (void)close(file);
    const data_table_options options = {.delimiter = '\t', .plain = true};
    data_table *t = NULL;
    if (!read || data_table_parse(ctx, path, line, strlen(line), &options, &t)) return false;
    const datasets_layout layout = datasets_by_first_row(t)->layout;
    data_table_destroy(t);
    return layout == DATASETS_GOEMOTIONS || layout == DATASETS_XED;
}

static data_frame *new_frame(const char *path) {
    data_frame *f = base_calloc(1, sizeof *f);
    if (f) f->path = base_strdup(path);
    if (f && f->path) return f;
    base_free(f);
    return NULL;
}

affect_status datasets_frame_open(affect_context *ctx, const char *path, bool no_header, bool as_is,
                                  data_frame **out) {
    *out = NULL;
    if (!as_is && !no_header && is_headerless(ctx, path)) {
        data_frame *f = new_frame(path);
        affect_status status = f ? read_headerless(ctx, f) : base_fail_memory(ctx);
        if (status)
            data_frame_destroy(f);
        else
            *out = f;
        return status;
    }
    affect_status status = data_frame_open(ctx, path, no_header, out);
    if (as_is || no_header) return status;
    const bool pickle = base_ends_with(path, ".pkl") || base_ends_with(path, ".pickle");
    if (status == AFFECT_ERROR_FORMAT && pickle) { /* no columns: then perhaps a known tree */
        base_text text = {0};
        bool known = false;
        char *message = base_strdup(affect_context_message(ctx));
        data_frame *f = new_frame(path);
        if (!f || !message)
            status = base_fail_memory(ctx);
        else
            status = read_mmsa(ctx, path, &text, &known);
        if (!status && known) status = take_text(ctx, f, &text);
        if (!status && !known) status = base_fail(ctx, AFFECT_ERROR_FORMAT, "%s", message);
        base_text_destroy(&text);
        base_free(message);
        if (status)
            data_frame_destroy(f);
        else
            *out = f;
        return status;
    }
    data_frame *f = *out;
    if (status || !f->table || !f->table->names) return status;
    const datasets_set *set = datasets_by_header(f->table);
    if (set) status = add_columns(ctx, f, set);
    if (status) {
        data_frame_destroy(f);
        *out = NULL;
    }
    return status;
}
