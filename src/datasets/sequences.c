/* Features as samples: vectors or sequences of numbers with a sentiment. MMSA's pickles
 * (thuiar/MMSA), the ACL-2017 set of CMU-MOSI (its folder, or pickles of videos x utterances), and
 * computational sequences of the CMU-SDK (A2Zadeh/CMU-MultimodalSDK), whose labels' intervals are
 * the samples. Infinite numbers become unknown ones. */
#include <math.h>
#include <string.h>

#include "data/hdf5.h"
#include "data/pickle.h"
#include "datasets/datasets_private.h"

enum { MODALITIES = 3, FOLDS = 5 };

typedef struct sequences {
    datasets_reader *r;
    const char *path;
    /* the sample under way; rules see what is text */
    char split[16], fold[16];
    base_text id, video;
    uint64_t *videos; /* hashes, in order of their first sample; the place is the number */
    size_t video_count, video_capacity;
    size_t first_video; /* of this file */
    float *features;
    size_t capacity;
} sequences;

static const char *cell(const void *user, const char *column) {
    const sequences *s = user;
    if (strcmp(column, "split") == 0) return *s->split ? s->split : NULL;
    if (strcmp(column, "fold") == 0) return s->fold;
    if (strcmp(column, "video") == 0) return s->video.data ? s->video.data : "";
    if (strcmp(column, "id") == 0) return s->id.data ? s->id.data : "";
    return NULL;
}

/* Which of text, audio and video (or vision) are wanted. */
static affect_status wanted_modalities(datasets_reader *r, bool out[MODALITIES]) {
    static const char *const names[][2] = {
        {"text", "text"}, {"audio", "audio"}, {"video", "vision"}};
    const char *at = r->request->modalities;
    for (size_t m = 0; m < MODALITIES; m++) out[m] = !at || !*at;
    while (at && *at) {
        size_t n = strcspn(at, " "), m = 0;
        while (n && m < MODALITIES &&
               (strlen(names[m][0]) != n || strncmp(names[m][0], at, n) != 0) &&
               (strlen(names[m][1]) != n || strncmp(names[m][1], at, n) != 0))
            m++;
        if (n && m == MODALITIES)
            return base_fail(r->ctx, AFFECT_ERROR_FORMAT,
                             "modalities are text, audio and video, not '%.*s'", (int)n, at);
        if (n) out[m] = true;
        at += n + (at[n] == ' ');
    }
    return AFFECT_OK;
}

static float known(double x) { return isfinite(x) ? (float)x : NAN; }

static void take(const data_array *a, size_t from, size_t count, float *out) {
    enum { PIECE = 512 };
    double x[PIECE];
    for (size_t at = 0; at < count; at += PIECE) {
        size_t n = BASE_MIN(count - at, (size_t)PIECE);
        data_array_numbers(a, from + at, n, x);
        for (size_t i = 0; i < n; i++) out[at + i] = known(x[i]);
    }
}

static bool room(sequences *s, size_t count) {
    return base_grow((void **)&s->features, &s->capacity, count, sizeof *s->features);
}

/* The video of the sample under way gets its number, and its fold where it is one to train on. */
static affect_status place_video(sequences *s, int32_t *number) {
    uint64_t hash =
        datasets_hash(s->first_video + 1, s->video.data ? s->video.data : "", s->video.length);
    size_t at = s->video_count;
    /* most often that of the sample before */
    while (at > s->first_video && s->videos[at - 1] != hash) at--;
    if (at > s->first_video) {
        *number = (int32_t)(at - 1);
    } else {
        if (!base_grow((void **)&s->videos, &s->video_capacity, s->video_count + 1,
                       sizeof *s->videos))
            return base_fail_memory(s->r->ctx);
        *number = (int32_t)s->video_count;
        s->videos[s->video_count++] = hash;
    }
    if (!*s->split || strcmp(s->split, "train") == 0)
        snprintf(s->fold, sizeof s->fold, "%zu", ((size_t)*number - s->first_video) % FOLDS);
    else
        snprintf(s->fold, sizeof s->fold, "%s", s->split);
    return AFFECT_OK;
}

/* Hands s->features over as a sample of sentiment x (0 = neither), `range` being the strongest.
 * Where a `name` of the class is given, it counts. */
static affect_status give(sequences *s, size_t rows, size_t width, double x, double range,
                          const char *name) {
    datasets_reader *r = s->r;
    const datasets_request *q = r->request;
    bool wanted = false;
    int32_t video = -1;
    if (s->id.failed || s->video.failed) return base_fail_memory(r->ctx);
    affect_status status = place_video(s, &video);
    if (status == AFFECT_OK) status = datasets_wanted(r, s->path, true, cell, s, &wanted);
    if (status != AFFECT_OK || !wanted) return status;
    datasets_sample sample = datasets_sample_begin(r);
    const char *sign = x < 0 ? "negative" : x > 0 ? "positive" : "neutral";
    int c = isnan(x) && !name ? -1 : datasets_label(q->labels, q->classes, name ? name : sign);
    if (c >= 0) datasets_sample_class(r, &sample, c);
    if (!isnan(x)) datasets_sample_value(r, 0, x / range);
    sample.name = s->id.data;
    sample.features = s->features;
    sample.rows = rows;
    sample.width = width;
    sample.speaker = video;
    return r->visit(r->user, &sample);
}

/* Rows of zeros at both ends are padding. */
static size_t trim_rows(float *x, size_t rows, size_t width) {
    size_t first = 0, end = rows;
    for (size_t k = 0; first < rows; first++) {
        for (k = 0; k < width && x[first * width + k] == 0;) k++;
        if (k < width) break;
    }
    for (size_t k = 0; end > first + 1; end--) {
        for (k = 0; k < width && x[(end - 1) * width + k] == 0;) k++;
        if (k < width) break;
    }
    if (first == rows) return rows ? 1 : 0;
    memmove(x, x + first * width, (end - first) * width * sizeof *x);
    return end - first;
}

/* ---- MMSA ---- */

typedef struct modality {
    const data_array *array; /* samples x frames x width, or samples x width */
    const data_value *lengths;
    size_t frames, width;
} modality;

static affect_status open_modality(sequences *s, const data_value *split, const char *part,
                                   const char *name, size_t rows, modality *out) {
    const data_value *value = data_get(split, name);
    char key[32];
    if (!value || value->kind != DATA_ARRAY || value->as.array->type >= DATA_BOOL8 ||
        value->as.array->rank < 2 || value->as.array->rank > 3 || value->as.array->shape[0] != rows)
        return base_fail(s->r->ctx, AFFECT_ERROR_FORMAT,
                         "%s: %s.%s: expected an array of %zu samples x frames x width", s->path,
                         part, name, rows);
    const data_array *a = value->as.array;
    snprintf(key, sizeof key, "%s_lengths", name);
    *out = (modality){.array = a,
                      .lengths = data_get(split, key),
                      .frames = a->rank == 3 ? a->shape[1] : 1,
                      .width = a->shape[a->rank - 1]};
    return AFFECT_OK;
}

/* Number i of a list or an array. */
bool datasets_number_at(const data_value *v, size_t i, double *out) {
    if (!v || v->kind != DATA_ARRAY || v->as.array->type == DATA_OBJECT)
        return data_number(data_item(v, i), out);
    if (v->as.array->type >= DATA_CHARS || i >= v->as.array->count) return false;
    *out = data_array_number(v->as.array, i);
    return true;
}

void datasets_append_text(const data_value *v, size_t i, base_text *out) {
    const data_value *item = data_item(v, i);
    if (item && (item->kind == DATA_TEXT || item->kind == DATA_BYTES)) {
        base_text_append_n(out, item->as.text.bytes, item->as.text.length);
    } else if (v && v->kind == DATA_ARRAY && i < v->as.array->count &&
               (v->as.array->type == DATA_CHARS || v->as.array->type == DATA_UNICODE)) {
        char *text = data_array_text(v->as.array, i);
        if (text)
            base_text_append(out, text);
        else
            out->failed = true;
        base_free(text);
    }
}

static size_t frames_of(const modality *m, size_t i) {
    double n;
    return datasets_number_at(m->lengths, i, &n) && n >= 1 && n < (double)m->frames ? (size_t)n
                                                                                    : m->frames;
}

/* The mean of the frames that are not padding. */
static void pool_frames(const modality *m, size_t i, float *scratch, float *out) {
    size_t frames = frames_of(m, i), from = i * m->frames * m->width;
    take(m->array, from, frames * m->width, scratch);
    frames = trim_rows(scratch, frames, m->width);
    for (size_t k = 0; k < m->width; k++) {
        double sum = 0, n = 0;
        for (size_t f = 0; f < frames; f++) {
            float x = scratch[f * m->width + k];
            if (isnan(x)) continue;
            sum += (double)x;
            n++;
        }
        out[k] = n > 0 ? (float)(sum / n) : NAN;
    }
}

/* Fills s->features with sample i; its rows in *rows. */
static affect_status gather(sequences *s, const modality *m, size_t count, size_t width, size_t i,
                            size_t *rows) {
    const bool pooled = s->r->request->pooled;
    size_t most = 0, at = 0;
    for (size_t k = 0; k < count; k++) most = BASE_MAX(most, m[k].frames * m[k].width);
    if (!room(s, pooled ? width + most : m[0].frames * width)) return base_fail_memory(s->r->ctx);
    if (pooled) {
        for (size_t k = 0; k < count; at += m[k++].width)
            pool_frames(&m[k], i, s->features + width, s->features + at);
        *rows = 1;
        return AFFECT_OK;
    }
    size_t frames = 0;
    for (size_t k = 0; k < count; k++) frames = BASE_MAX(frames, frames_of(&m[k], i));
    for (size_t f = 0; f < frames; f++)
        for (size_t k = 0; k < count; at += m[k++].width)
            take(m[k].array, (i * m[k].frames + f) * m[k].width, m[k].width, s->features + at);
    *rows = trim_rows(s->features, frames, width);
    return AFFECT_OK;
}

static affect_status read_mmsa_split(sequences *s, const data_value *split, const char *part,
                                     double range) {
    static const char *const names[MODALITIES] = {"text", "audio", "vision"};
    const data_value *scores = data_get(split, "regression_labels"), *ids = data_get(split, "id"),
                     *classes = data_get(split, "annotations");
    size_t rows = data_length(scores), count = 0, width = 0;
    bool wanted[MODALITIES];
    modality m[MODALITIES];
    base_text name = {0};
    affect_status status = wanted_modalities(s->r, wanted);
    for (size_t k = 0; k < MODALITIES && !status; k++)
        if (wanted[k]) status = open_modality(s, split, part, names[k], rows, &m[count++]);
    for (size_t k = 0; k < count && !status; k++) {
        width += m[k].width;
        if (!s->r->request->pooled && m[k].frames != m[0].frames)
            status = base_fail(s->r->ctx, AFFECT_ERROR_FORMAT,
                               "%s: %s has modalities of %zu and of %zu frames: take one of them, "
                               "or 'pool = mean'",
                               s->path, part, m[0].frames, m[k].frames);
    }
    snprintf(s->split, sizeof s->split, "%s", part);
    for (size_t i = 0; i < rows && !status; i++) {
        double x;
        size_t frames;
        base_text_clear(&s->id);
        base_text_clear(&s->video);
        base_text_clear(&name);
        datasets_append_text(ids, i, &s->id);
        if (!s->id.length) base_text_printf(&s->id, "%s %zu", part, i);
        const char *id = s->id.data ? s->id.data : "", *cut = strstr(id, "$_$");
        base_text_append_n(&s->video, id, cut ? (size_t)(cut - id) : strlen(id));
        datasets_append_text(classes, i, &name);
        if (name.failed) status = base_fail_memory(s->r->ctx);
        if (!datasets_number_at(scores, i, &x)) x = NAN;
        if (!status) status = gather(s, m, count, width, i, &frames);
        if (!status && frames)
            status = give(s, frames, width, x, range, name.length ? name.data : NULL);
    }
    base_text_destroy(&name);
    return status;
}

static affect_status read_mmsa(sequences *s, const data_value *root) {
    static const char *const parts[] = {"train", "valid", "test"};
    double range = 1, x; /* CH-SIMS: -1 to 1; CMU-MOSI and MOSEI: -3 to 3 */
    for (size_t p = 0; p < BASE_COUNT(parts); p++) {
        const data_value *scores = data_get(data_get(root, parts[p]), "regression_labels");
        for (size_t i = 0; i < data_length(scores); i++)
            if (datasets_number_at(scores, i, &x) && fabs(x) > 1) range = 3;
    }
    affect_status status = AFFECT_OK;
    for (size_t p = 0; p < BASE_COUNT(parts) && !status; p++)
        if (data_get(root, parts[p]))
            status = read_mmsa_split(s, data_get(root, parts[p]), parts[p], range);
    return status;
}

/* ---- ACL 2017 ---- */

/* (x, y, x, y, longest, lengths, lengths) of train and test: videos x utterances x width. */
static affect_status read_padded(sequences *s, const data_value *root) {
    static const char *const parts[] = {"train", "test"};
    for (size_t p = 0; p < 2; p++) {
        const data_value *x = data_item(root, 2 * p), *y = data_item(root, 2 * p + 1),
                         *lengths = data_item(root, 5 + p);
        if (data_length(root) != 7 || !x || x->kind != DATA_ARRAY || x->as.array->rank != 3 ||
            x->as.array->type >= DATA_BOOL8 || !y || y->kind != DATA_ARRAY ||
            y->as.array->rank != 2 || y->as.array->shape[0] != x->as.array->shape[0] ||
            y->as.array->shape[1] != x->as.array->shape[1])
            return base_fail(s->r->ctx, AFFECT_ERROR_FORMAT,
                             "%s: expected (x, y, x, y, longest, lengths, lengths) with arrays of "
                             "videos x utterances",
                             s->path);
        const size_t *shape = x->as.array->shape, width = shape[2];
        snprintf(s->split, sizeof s->split, "%s", parts[p]);
        if (!room(s, width)) return base_fail_memory(s->r->ctx);
        for (size_t v = 0; v < shape[0]; v++) {
            double n;
            if (!datasets_number_at(lengths, v, &n)) n = 0;
            for (size_t u = 0; u < shape[1] && (double)u < n; u++) {
                size_t at = v * shape[1] + u;
                take(x->as.array, at * width, width, s->features);
                base_text_clear(&s->id);
                base_text_clear(&s->video);
                base_text_printf(&s->video, "%s %zu", parts[p], v);
                base_text_printf(&s->id, "%s %zu_%zu", parts[p], v, u);
                double label = data_array_number(y->as.array, at);
                affect_status status = give(s, 1, width, label > 0 ? 1 : -1, 1, NULL);
                if (status != AFFECT_OK) return status;
            }
        }
    }
    return AFFECT_OK;
}

static affect_status open_numbers(sequences *s, const char *name, data_table **out) {
    const data_table_options o = {.no_header = true};
    char *path = base_path_join(s->path, name);
    affect_status status =
        path ? data_table_open(s->r->ctx, path, &o, out) : base_fail_memory(s->r->ctx);
    base_free(path);
    return status;
}

static affect_status table_number(sequences *s, const data_table *t, size_t row, size_t column,
                                  double *out) {
    const char *text = data_table_cell(t, row, column);
    if (base_parse_double(text, strlen(text), out)) return AFFECT_OK;
    return data_table_fail(s->r->ctx, t, row, column, "a number");
}

/* One row of the modalities' tables; the last column of each is the sentiment, 0 or 1. */
static affect_status read_folder_row(sequences *s, data_table *const *t, size_t count, size_t row,
                                     size_t width, double sentiment) {
    affect_status status = AFFECT_OK;
    double x;
    if (!room(s, width)) return base_fail_memory(s->r->ctx);
    for (size_t m = 0, at = 0; m < count; m++) {
        for (size_t k = 0; k + 1 < t[m]->columns && !status; k++) {
            status = table_number(s, t[m], row, k, &x);
            s->features[at++] = known(x);
        }
        if (!status) status = table_number(s, t[m], row, t[m]->columns - 1, &x);
        if (!status && x != sentiment)
            status = data_table_fail(s->r->ctx, t[m], row, t[m]->columns - 1,
                                     "%g, what transcripts.csv says of the row", sentiment);
        if (status) return status;
    }
    return give(s, 1, width, sentiment > 0 ? 1 : -1, 1, NULL);
}

/* The folder of the set: transcripts.csv (id, text, video, sentiment), of which text_train.csv and
 * text_test.csv give the rows of each split, and a folder a modality. */
static affect_status read_folder(sequences *s) {
    static const char *const parts[] = {"train", "test"}, *const names[] = {"text", "audio",
                                                                            "video"};
    bool wanted[MODALITIES];
    data_table *transcripts = NULL;
    affect_status status = wanted_modalities(s->r, wanted);
    if (!status) status = open_numbers(s, "transcripts.csv", &transcripts);
    for (size_t p = 0; p < BASE_COUNT(parts) && !status; p++) {
        data_table *t[MODALITIES] = {NULL}, *rows = NULL;
        size_t count = 0, width = 0;
        char name[64];
        snprintf(s->split, sizeof s->split, "%s", parts[p]);
        snprintf(name, sizeof name, "text_%s.csv", parts[p]);
        status = open_numbers(s, name, &rows);
        for (size_t m = 0; m < MODALITIES && !status; m++) {
            if (!wanted[m]) continue;
            snprintf(name, sizeof name, "%s/%s_%s0.csv", names[m], names[m], parts[p]);
            status = open_numbers(s, name, &t[count]);
            if (status) break;
            if (t[count]->rows != rows->rows || t[count]->columns < 2)
                status = base_fail(s->r->ctx, AFFECT_ERROR_FORMAT,
                                   "%s: has %zu rows of %zu columns, expected %zu rows of features "
                                   "and a label",
                                   t[count]->path, t[count]->rows, t[count]->columns, rows->rows);
            width += t[count++]->columns - 1;
        }
        for (size_t i = 0; !status && i < rows->rows; i++) {
            double at, sentiment;
            status = table_number(s, rows, i, 0, &at);
            if (!status && !(at >= 0 && at < (double)transcripts->rows))
                status = data_table_fail(s->r->ctx, rows, i, 0, "a row of transcripts.csv");
            if (!status) status = table_number(s, transcripts, (size_t)at, 3, &sentiment);
            if (status) break;
            base_text_clear(&s->id);
            base_text_clear(&s->video);
            base_text_append(&s->id, data_table_cell(transcripts, (size_t)at, 0));
            const char *id = s->id.data ? s->id.data : "", *cut = strrchr(id, '_');
            base_text_append_n(&s->video, id, cut ? (size_t)(cut - id) : strlen(id));
            status = read_folder_row(s, t, count, i, width, sentiment);
        }
        for (size_t m = 0; m < MODALITIES; m++) data_table_destroy(t[m]);
        data_table_destroy(rows);
    }
    data_table_destroy(transcripts);
    return status;
}

/* ---- computational sequences ---- */

typedef struct segment {
    double *intervals, *rows; /* count x 2, count x width; NULL where there is none */
    size_t count, width;
} segment;

static void segment_clear(segment *g) {
    base_free(g->intervals);
    base_free(g->rows);
    *g = (segment){0};
}

static affect_status read_all(affect_context *ctx, data_hdf5 *f, size_t item, double **out) {
    const data_hdf5_item *x = data_hdf5_item_at(f, item);
    *out = base_calloc(BASE_MAX(x->count, (size_t)1), sizeof **out);
    if (!*out) return base_fail_memory(ctx);
    return x->count ? data_hdf5_numbers(ctx, f, item, 0, x->shape[0], *out) : AFFECT_OK;
}

/* "/ROOT" of the first computational sequence of a file. */
static const char *find_root(const data_hdf5 *f) {
    for (size_t i = 1; i < data_hdf5_count(f); i++) {
        const data_hdf5_item *item = data_hdf5_item_at(f, i);
        const char *end = strchr(item->path + 1, '/');
        if (item->content == DATA_HDF5_GROUP && !end && i + 1 < data_hdf5_count(f)) {
            base_text path = {0};
            base_text_printf(&path, "%s/data", item->path);
            bool is = !path.failed && data_hdf5_find(f, path.data) != SIZE_MAX;
            base_text_destroy(&path);
            if (is) return item->path;
        }
    }
    return NULL;
}

/* What a sequence has of a video; nothing where the video is not in it. */
static affect_status read_segment(sequences *s, data_hdf5 *f, const char *root, const char *video,
                                  segment *out) {
    base_text path[2] = {{0}, {0}};
    base_text_printf(&path[0], "%s/data/%s/intervals", root, video);
    base_text_printf(&path[1], "%s/data/%s/features", root, video);
    affect_status status =
        path[0].failed || path[1].failed ? base_fail_memory(s->r->ctx) : AFFECT_OK;
    size_t at[2] = {SIZE_MAX, SIZE_MAX};
    for (int k = 0; k < 2 && !status; k++) at[k] = data_hdf5_find(f, path[k].data);
    if (!status && at[0] != SIZE_MAX && at[1] != SIZE_MAX) {
        const data_hdf5_item *t = data_hdf5_item_at(f, at[0]), *x = data_hdf5_item_at(f, at[1]);
        if (t->rank != 2 || t->shape[1] != 2 || x->rank < 1 || x->shape[0] != t->shape[0] ||
            t->content != DATA_HDF5_NUMBERS || x->content != DATA_HDF5_NUMBERS)
            status = base_fail(s->r->ctx, AFFECT_ERROR_FORMAT,
                               "%s: %s: expected rows of features and as many intervals", s->path,
                               path[1].data);
        out->count = t->shape[0];
        out->width = out->count ? x->count / out->count : 0;
        if (!status) status = read_all(s->r->ctx, f, at[0], &out->intervals);
        if (!status) status = read_all(s->r->ctx, f, at[1], &out->rows);
    }
    base_text_destroy(&path[0]);
    base_text_destroy(&path[1]);
    return status;
}

/* The mean of the rows that overlap [t0, t1); unknown where there are none. */
static bool mean_over(const segment *g, double t0, double t1, size_t width, float *out) {
    bool any = false;
    for (size_t k = 0; k < width; k++) {
        double sum = 0, n = 0;
        for (size_t i = 0; i < g->count; i++) {
            double x = g->rows[i * width + k];
            if (g->intervals[2 * i] >= t1 || g->intervals[2 * i + 1] <= t0 || !isfinite(x))
                continue;
            sum += x;
            n++;
        }
        out[k] = n > 0 ? known(sum / n) : NAN;
        any |= n > 0;
    }
    return any;
}

/* One label's interval. The rows of the first sequence that begin in it are the steps; the others
 * are averaged over each step, as the SDK's align does. */
static affect_status read_interval(sequences *s, const segment *g, const size_t *widths,
                                   size_t count, double t0, double t1, double x) {
    size_t width = 0, rows = 0;
    for (size_t k = 0; k < count; k++) width += widths[k];
    if (s->r->request->pooled) {
        bool any = false;
        size_t at = 0;
        if (!room(s, width)) return base_fail_memory(s->r->ctx);
        for (size_t k = 0; k < count; at += widths[k++])
            any |= mean_over(&g[k], t0, t1, widths[k], s->features + at);
        return any ? give(s, 1, width, x, 3, NULL) : AFFECT_OK;
    }
    for (size_t i = 0; i < g[0].count; i++) {
        double from = g[0].intervals[2 * i], to = g[0].intervals[2 * i + 1];
        if (!(from >= t0 && from < t1)) continue;
        if (!room(s, (rows + 1) * width)) return base_fail_memory(s->r->ctx);
        float *out = s->features + rows++ * width;
        for (size_t k = 0; k < widths[0]; k++) *out++ = known(g[0].rows[i * widths[0] + k]);
        for (size_t k = 1; k < count; out += widths[k++])
            mean_over(&g[k], from, to, widths[k], out);
    }
    return rows ? give(s, rows, width, x, 3, NULL) : AFFECT_OK;
}

enum { MOST_SEQUENCES = 8 };

typedef struct sequence_files {
    data_hdf5 *file[MOST_SEQUENCES];
    const char *root[MOST_SEQUENCES];
    size_t width[MOST_SEQUENCES], count; /* the last one has the labels */
} sequence_files;

/* The width of a sequence is that of its first segment with rows. */
static affect_status find_width(sequences *s, sequence_files *f, size_t k, const char *path) {
    size_t n = strlen(f->root[k]);
    for (size_t i = 0; i < data_hdf5_count(f->file[k]); i++) {
        const data_hdf5_item *item = data_hdf5_item_at(f->file[k], i);
        if (strncmp(item->path, f->root[k], n) == 0 && base_ends_with(item->path, "/features") &&
            item->content == DATA_HDF5_NUMBERS && item->count) {
            f->width[k] = item->count / item->shape[0];
            return AFFECT_OK;
        }
    }
    return base_fail(s->r->ctx, AFFECT_ERROR_FORMAT, "%s: no segment has features", path);
}

static affect_status read_labelled_video(sequences *s, sequence_files *f, const char *video) {
    segment g[MOST_SEQUENCES] = {{0}};
    affect_status status = AFFECT_OK;
    const size_t last = f->count - 1;
    bool any = false;
    for (size_t k = 0; k < f->count && !status; k++) {
        status = read_segment(s, f->file[k], f->root[k], video, &g[k]);
        if (!status && g[k].count && g[k].width != f->width[k])
            status = base_fail(s->r->ctx, AFFECT_ERROR_FORMAT,
                               "%s: %s has rows of %zu numbers, others of %zu", f->root[k], video,
                               g[k].width, f->width[k]);
        any |= k < last && g[k].count;
    }
    base_text_clear(&s->video);
    base_text_append(&s->video, video);
    for (size_t i = 0; i < g[last].count && any && !status; i++) {
        base_text_clear(&s->id);
        base_text_printf(&s->id, "%s %zu", video, i);
        status = read_interval(s, g, f->width, last, g[last].intervals[2 * i],
                               g[last].intervals[2 * i + 1], g[last].rows[i * g[last].width]);
    }
    for (size_t k = 0; k < f->count; k++) segment_clear(&g[k]);
    return status;
}

/* Features' files, then the one with the labels. */
static affect_status read_csd(sequences *s, const char *const *paths, size_t count) {
    sequence_files f = {.count = count};
    affect_status status = AFFECT_OK;
    if (count < 2 || count > MOST_SEQUENCES)
        return base_fail(s->r->ctx, AFFECT_ERROR_FORMAT,
                         "%s: expected one to %d computational sequences of features and then the "
                         "one with the labels",
                         paths[0], MOST_SEQUENCES - 1);
    for (size_t k = 0; k < count && !status; k++) {
        s->path = paths[k];
        status = data_hdf5_open(s->r->ctx, paths[k], &f.file[k]);
        if (!status && !(f.root[k] = find_root(f.file[k])))
            status = base_fail(s->r->ctx, AFFECT_ERROR_FORMAT,
                               "%s: expected a CMU-SDK computational sequence", paths[k]);
        if (!status) status = find_width(s, &f, k, paths[k]);
    }
    data_hdf5 *labels = f.file[count - 1];
    const char *root = f.root[count - 1];
    for (size_t i = 0; !status && i < data_hdf5_count(labels); i++) {
        const data_hdf5_item *item = data_hdf5_item_at(labels, i);
        size_t n = strlen(root);
        const char *rest = item->path + n;
        if (item->content == DATA_HDF5_GROUP && strncmp(item->path, root, n) == 0 &&
            strncmp(rest, "/data/", 6) == 0 && !strchr(rest + 6, '/'))
            status = read_labelled_video(s, &f, rest + 6);
    }
    for (size_t k = 0; k < count; k++) data_hdf5_destroy(f.file[k]);
    return status;
}

/* ---- which of them ---- */

static affect_status read_pickle(sequences *s) {
    data_document *document;
    affect_status status = data_pickle_read(s->r->ctx, s->path, &document);
    if (status != AFFECT_OK) return status;
    const data_value *root = data_document_root(document), *train = data_get(root, "train");
    if (train && data_get(train, "regression_labels"))
        status = read_mmsa(s, root);
    else if (data_item(root, 0) && data_item(root, 0)->kind == DATA_ARRAY)
        status = read_padded(s, root);
    else
        status = base_fail(s->r->ctx, AFFECT_ERROR_FORMAT,
                           "%s: expected a pickle of MMSA (train, valid, test) or of the ACL-2017 "
                           "set (arrays of videos x utterances)",
                           s->path);
    data_document_destroy(document);
    return status;
}

affect_status datasets_read_features(datasets_reader *r, const char *const *paths, size_t count) {
    sequences s = {.r = r};
    bool wanted[MODALITIES];
    affect_status status = wanted_modalities(r, wanted);
    if (!status && count && base_ends_with(paths[0], ".csd")) {
        status = read_csd(&s, paths, count);
        count = 0;
    }
    for (size_t i = 0; i < count && !status; i++) {
        s.path = paths[i];
        s.first_video = s.video_count;
        status = base_is_folder(paths[i]) ? read_folder(&s) : read_pickle(&s);
    }
    base_text_destroy(&s.id);
    base_text_destroy(&s.video);
    base_free(s.videos);
    base_free(s.features);
    return status;
}
