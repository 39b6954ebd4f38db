/* Tables whose rows are samples: texts (GoEmotions, XED, EmoBank, MELD ..., or any table with text
 * and label columns) and lists of recordings (path,label[,speaker] and the sets' own columns). */
#include <math.h>
#include <string.h>

#include "datasets/datasets_private.h"

typedef struct rows {
    datasets_reader *r;
    const data_table *t;
    const datasets_set *set; /* NULL: no known one */
    size_t row;
} rows;

static const char *cell(const void *user, const char *column) {
    const rows *at = user;
    int c = at->t->names ? data_table_column(at->t, column) : -1;
    return c < 0 ? NULL : data_table_cell(at->t, at->row, (size_t)c);
}

static int first_column(const data_table *t, const char *const *names, size_t count) {
    for (size_t i = 0; i < count; i++) {
        int column = data_table_column(t, names[i]);
        if (column >= 0) return column;
    }
    return -1;
}

static affect_status read_class(const rows *at, int column, datasets_sample *sample) {
    const datasets_request *q = at->r->request;
    const char *name = data_table_cell(at->t, at->row, (size_t)column);
    for (size_t k = 0; q->map && k < q->map->count; k++)
        if (base_equal_ignore_case(q->map->from[k], name)) {
            name = q->map->to[k];
            break;
        }
    if (q->map && strcmp(name, "-") == 0) return AFFECT_OK;
    int c = datasets_label(q->labels, q->classes, name);
    for (size_t k = 0; c < 0 && at->set && k < BASE_COUNT(at->set->alias); k++)
        if (at->set->alias[k][0] && strcmp(at->set->alias[k][0], name) == 0)
            c = datasets_label(q->labels, q->classes, at->set->alias[k][1]);
    if (c < 0)
        return data_table_fail(at->r->ctx, at->t, at->row, (size_t)column,
                               "one of the model's labels");
    datasets_sample_class(at->r, sample, c);
    return AFFECT_OK;
}

affect_status datasets_row_value(affect_context *ctx, const data_table *t, size_t row,
                                 const char *columns, double low, double high, double *out) {
    const bool raters = strchr(columns, ' ') != NULL;
    double sum = 0, n = 0;
    *out = NAN;
    while (*columns) {
        char name[64];
        size_t length = strcspn(columns, " ");
        snprintf(name, sizeof name, "%.*s", (int)BASE_MIN(length, sizeof name - 1), columns);
        columns += length + (columns[length] == ' ');
        int column = data_table_column(t, name);
        if (column < 0) continue;
        const char *text = data_table_cell(t, row, (size_t)column);
        double v;
        if (!*text && raters) continue;
        if (!base_parse_double(text, strlen(text), &v) || v < low || v > high)
            return data_table_fail(ctx, t, row, (size_t)column, "a number from %g to %g", low,
                                   high);
        sum += v;
        n++;
    }
    if (n > 0) *out = sum / n;
    return AFFECT_OK;
}

/* -1 to 1 of the range. */
static affect_status read_value(const rows *at, const char *columns, double low, double high,
                                size_t number) {
    double x;
    affect_status status = datasets_row_value(at->r->ctx, at->t, at->row, columns, low, high, &x);
    if (!status && !isnan(x))
        datasets_sample_value(at->r, number, (x - (low + high) / 2) / ((high - low) / 2));
    return status;
}

/* Intensities of emotions. One label a sample: the strongest, or neutral where there is none; the
 * shares are the intensities over their sum. Several: each intensity over the largest possible. */
static affect_status read_intensities(const rows *at, datasets_sample *sample) {
    const datasets_request *q = at->r->request;
    const datasets_set *set = at->set;
    const char *slash = strrchr(at->t->path, '/'), *file = slash ? slash + 1 : at->t->path;
    double sum = 0, top = 0;
    size_t known = 0;
    for (const char *emotion = set->intensities; *emotion;) {
        char name[32];
        size_t length = strcspn(emotion, " ");
        snprintf(name, sizeof name, "%.*s", (int)BASE_MIN(length, sizeof name - 1), emotion);
        emotion += length + (emotion[length] == ' ');
        if (set->one_emotion && strncmp(file, name, length) != 0) continue;
        int column = data_table_column(at->t, set->one_emotion ? "intensity" : name),
            c = datasets_label(q->labels, q->classes, name);
        if (column < 0 || c < 0) continue;
        const char *text = data_table_cell(at->t, at->row, (size_t)column);
        double v;
        if (!base_parse_double(text, strlen(text), &v) || v < 0 || v > set->high)
            return data_table_fail(at->r->ctx, at->t, at->row, (size_t)column,
                                   "a number from 0 to %g", set->high);
        at->r->shares[c] = (float)(v / set->high);
        sum += v;
        known++;
        if (v == top) sample->label = -1;
        if (v > top) {
            top = v;
            sample->label = c;
        }
    }
    if (!known)
        return base_fail(at->r->ctx, AFFECT_ERROR_FORMAT,
                         "%s: none of its emotions (%s) is one of the model's labels", at->t->path,
                         set->intensities);
    if (q->several) return AFFECT_OK;
    int neutral = datasets_label(q->labels, q->classes, "neutral");
    if (set->one_emotion || (sum <= 0 && neutral >= 0)) {
        if (sum <= 0) sample->label = neutral;
        if (sample->label >= 0) datasets_sample_class(at->r, sample, sample->label);
        return AFFECT_OK;
    }
    for (size_t k = 0; k < q->classes; k++)
        if (sum > 0)
            at->r->shares[k] = (float)(fmax((double)at->r->shares[k], 0) * set->high / sum);
        else
            at->r->shares[k] = -1;
    return AFFECT_OK;
}

/* ---- texts ---- */

/* "3,27" against the label list (GoEmotions), or Plutchik's numbers (XED). */
static affect_status read_numbers(const rows *at, bool plutchik, datasets_sample *sample) {
    const datasets_request *q = at->r->request;
    const char *text = data_table_cell(at->t, at->row, 1);
    float *shares = at->r->shares;
    size_t hits = 0;
    int last = -1;
    for (size_t k = 0; !plutchik && k < q->classes; k++) shares[k] = 0;
    for (size_t k = 1; plutchik && k < DATASETS_PLUTCHIK; k++) {
        int c = datasets_label(q->labels, q->classes, datasets_plutchik[k]);
        if (c >= 0) shares[c] = 0; /* XED's annotators chose among all eight */
    }
    while (*text) {
        size_t n = strcspn(text, ", ");
        int64_t number;
        if (n) {
            if (!base_parse_int64(text, n, &number) || number < 0 ||
                number >= (int64_t)(plutchik ? DATASETS_PLUTCHIK : q->classes))
                return data_table_fail(at->r->ctx, at->t, at->row, 1, "label numbers from 0 to %zu",
                                       plutchik ? (size_t)DATASETS_PLUTCHIK - 1 : q->classes - 1);
            int c = plutchik ? datasets_label(q->labels, q->classes, datasets_plutchik[number])
                             : (int)number;
            if (c >= 0) {
                shares[c] = 1;
                last = c;
                hits++;
            }
        }
        text += n + (text[n] != '\0');
    }
    sample->label = hits == 1 && !plutchik ? last : -1;
    return AFFECT_OK;
}

/* XED's neutral lines; some hold tabs. */
static affect_status read_neutral(const rows *at, size_t width, datasets_sample *sample) {
    datasets_reader *r = at->r;
    base_text line = {0};
    for (size_t k = 1; k < width; k++)
        base_text_printf(&line, "%s%s", k > 1 ? " " : "", data_table_cell(at->t, at->row, k));
    int c = datasets_label(r->request->labels, r->request->classes, "neutral");
    if (c >= 0) datasets_sample_class(r, sample, c);
    sample->text = line.data ? line.data : "";
    affect_status status = line.failed ? base_fail_memory(r->ctx) : r->visit(r->user, sample);
    base_text_destroy(&line);
    return status;
}

static affect_status read_headerless(rows *at) {
    const data_table *t = at->t;
    affect_status status = AFFECT_OK;
    for (at->row = 0; status == AFFECT_OK && at->row < t->rows; at->row++) {
        size_t width = data_table_width(t, at->row);
        const char *first = data_table_cell(t, at->row, 0);
        datasets_sample sample = datasets_sample_begin(at->r);
        if (width >= 2 && strcmp(first, "9") == 0) {
            status = read_neutral(at, width, &sample);
            continue;
        }
        if (!*first && (width < 2 || !*data_table_cell(t, at->row, 1)))
            continue; /* blank but for tabs */
        if (width != 2 && width != 3)
            return base_fail(at->r->ctx, AFFECT_ERROR_FORMAT,
                             "%s:%zu: has %zu columns, expected text, label numbers[, id]", t->path,
                             t->line[at->row], width);
        sample.text = first;
        status = read_numbers(at, width == 2, &sample);
        if (status == AFFECT_OK) status = at->r->visit(at->r->user, &sample);
    }
    return status;
}

/* Columns by the set's names for them, else by the usual ones. */
static affect_status read_header(rows *at) {
    static const char *const texts[] = {"text", "utterance"}, *const labels[] = {"emotion",
                                                                                 "label"};
    static const datasets_set plain = {.values = {"V", "A", "D"}, .low = 1, .high = 5};
    const data_table *t = at->t;
    const datasets_set *set = at->set;
    const bool own = set && set->text;
    int text = own ? data_table_column(t, set->text) : first_column(t, texts, 2),
        label =
            own ? (set->label ? data_table_column(t, set->label) : -1) : first_column(t, labels, 2);
    const bool vad = data_table_column(t, "V") >= 0 && data_table_column(t, "A") >= 0 &&
                     data_table_column(t, "D") >= 0;
    if (!own && vad) label = -1;
    const datasets_set *ranges = own ? set : vad ? &plain : NULL;
    const bool valued = ranges && ranges->values[0];
    if (text < 0 || (label < 0 && !valued && !(own && set->intensities)))
        return base_fail(at->r->ctx, AFFECT_ERROR_FORMAT,
                         "%s:1: expected the columns text,label or Utterance,Emotion or text,V,A,D",
                         t->path);
    affect_status status = AFFECT_OK;
    for (at->row = 0; status == AFFECT_OK && at->row < t->rows; at->row++) {
        bool wanted;
        status = datasets_wanted(at->r, t->path, true, cell, at, &wanted);
        if (status || !wanted) continue;
        datasets_sample sample = datasets_sample_begin(at->r);
        sample.text = data_table_cell(t, at->row, (size_t)text);
        if (label >= 0) status = read_class(at, label, &sample);
        if (!status && own && set->intensities) status = read_intensities(at, &sample);
        for (size_t k = 0; !status && valued && k < 3 && ranges->values[k]; k++)
            status = read_value(at, ranges->values[k], ranges->low, ranges->high, k);
        if (status == AFFECT_OK) status = at->r->visit(at->r->user, &sample);
    }
    return status;
}

affect_status datasets_open_texts(affect_context *ctx, const char *path, data_table **out,
                                  const datasets_set **set) {
    const bool tsv = base_ends_with(path, ".tsv") || base_ends_with(path, ".txt");
    data_table_options o = {.ragged = tsv, .plain = tsv};
    affect_status status = data_table_open(ctx, path, &o, out);
    if (status != AFFECT_OK) return status;
    *set = datasets_by_header(*out);
    if (!tsv || (*set && (*set)->text) || data_table_column(*out, "text") >= 0) return AFFECT_OK;
    data_table_destroy(*out); /* GoEmotions, XED */
    *out = NULL;
    o.no_header = true;
    return data_table_open(ctx, path, &o, out);
}

affect_status datasets_read_texts(datasets_reader *r, const char *path) {
    rows at = {.r = r};
    data_table *t = NULL;
    affect_status status = datasets_open_texts(r->ctx, path, &t, &at.set);
    at.t = t;
    if (!status) status = t->names ? read_header(&at) : read_headerless(&at);
    data_table_destroy(t);
    return status;
}

/* ---- recordings ---- */

/* The file a row names: as it stands, or beside the manifest, with .ogg for .wav or none. */
static affect_status find_file(affect_context *ctx, const char *manifest, const char *name,
                               char **out) {
    const char *slash = strrchr(manifest, '/'), *dot = strrchr(name, '.');
    size_t folder = slash ? (size_t)(slash - manifest) + 1 : 0;
    size_t stem = dot && strlen(dot) <= 5 ? (size_t)(dot - name) : strlen(name);
    static const char *const endings[] = {"", ".ogg", ".wav", ".flac"};
    *out = NULL;
    for (int beside = 1; beside >= 0; beside--)
        for (size_t e = 0; e < BASE_COUNT(endings); e++) {
            base_text path = {0};
            if (beside) base_text_append_n(&path, manifest, folder);
            base_text_append_n(&path, name, e ? stem : strlen(name));
            base_text_append(&path, endings[e]);
            if (path.failed) {
                base_text_destroy(&path);
                return base_fail_memory(ctx);
            }
            if (path.data && base_file_exists(path.data) && !base_is_folder(path.data)) {
                *out = path.data;
                return AFFECT_OK;
            }
            base_text_destroy(&path);
        }
    return AFFECT_OK;
}

/* Numbers the speakers of a manifest as they appear; names are compared within one manifest. */
static int32_t speaker_of(const data_table *t, size_t row, int column) {
    const char *name = data_table_cell(t, row, (size_t)column);
    for (size_t r = 0; r < row; r++)
        if (strcmp(data_table_cell(t, r, (size_t)column), name) == 0) return (int32_t)r;
    return (int32_t)row;
}

/* RAVDESS names its actor last: 03-01-01-01-01-01-07. */
static int32_t actor_in_name(const char *name) {
    size_t dashes = 0, n = 0;
    for (; name[n] && strchr("0123456789-", name[n]); n++) dashes += name[n] == '-';
    int64_t actor;
    if (dashes != 6 || n != 20 || !base_parse_int64(name + 18, 2, &actor)) return -1;
    return (int32_t)actor;
}

static affect_status read_recording(rows *at, int path, int label, int speaker) {
    datasets_reader *r = at->r;
    const datasets_request *q = r->request;
    const data_table *t = at->t;
    datasets_sample sample = datasets_sample_begin(r);
    affect_status status = read_class(at, label, &sample);
    if (status != AFFECT_OK) return status;
    for (size_t v = 0; q->places && v < q->values; v++)
        r->values[v] = q->places[(size_t)sample.label * q->values + v];
    for (size_t v = 0; !status && at->set && v < 3 && at->set->values[v]; v++)
        status = read_value(at, at->set->values[v], at->set->low, at->set->high, v);
    const char *name = data_table_cell(t, at->row, (size_t)path);
    sample.speaker = speaker >= 0 ? speaker_of(t, at->row, speaker) : actor_in_name(name);
    char *file = NULL;
    if (status == AFFECT_OK) status = find_file(r->ctx, t->path, name, &file);
    if (status == AFFECT_OK && !file)
        status = data_table_fail(r->ctx, t, at->row, (size_t)path, "an audio file that exists");
    sample.file = file;
    if (status == AFFECT_OK) status = r->visit(r->user, &sample);
    base_free(file);
    return status;
}

affect_status datasets_read_recordings(datasets_reader *r, const char *manifest) {
    static const char *const paths[] = {"path", "file", "clip", "file_id"};
    static const char *const labels[] = {"label", "emotion"};
    static const char *const speakers[] = {"speaker", "speaker_id", "actor"};
    data_table *t;
    affect_status status = data_table_open(r->ctx, manifest, NULL, &t);
    if (status != AFFECT_OK) return status;
    rows at = {.r = r, .t = t, .set = datasets_by_header(t)};
    int path = first_column(t, paths, 4), label = first_column(t, labels, 2),
        speaker = first_column(t, speakers, 3);
    if (path < 0 || label < 0)
        status =
            base_fail(r->ctx, AFFECT_ERROR_FORMAT,
                      "%s:1: expected the columns path,label[,speaker] (or clip, file_id; emotion; "
                      "speaker_id)",
                      manifest);
    for (; status == AFFECT_OK && at.row < t->rows; at.row++) {
        bool wanted;
        status = datasets_wanted(r, manifest, false, cell, &at, &wanted);
        if (status == AFFECT_OK && wanted) status = read_recording(&at, path, label, speaker);
    }
    data_table_destroy(t);
    return status;
}
