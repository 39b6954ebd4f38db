/* What a file or folder is: by its ending, then by what is in it. */
#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/annotation.h"
#include "data/arff.h"
#include "data/npy.h"
#include "data/pickle.h"
#include "datasets/datasets_private.h"

/* ---- npy and npz ---- */

static affect_status describe_npy(datasets_report *r, const char *name, const data_npy *npy) {
    const data_array *a = &npy->values;
    char text[512];
    datasets_describe_shape(text, sizeof text, a);
    if (a->type == DATA_OBJECT) {
        data_document *document;
        affect_status status =
            data_pickle_parse(r->ctx, name, a->bytes, npy->length, NULL, &document);
        if (status) return status;
        datasets_describe_value(r, name, data_document_root(document), 0);
        data_document_destroy(document);
        return AFFECT_OK;
    }
    datasets_field_text(r, name, text);
    if (a->type < DATA_CHARS) {
        datasets_spread s = {0};
        datasets_spread_array(&s, a);
        snprintf(text, sizeof text, "%.200s values", name);
        datasets_spread_put(r, text, &s);
    }
    return AFFECT_OK;
}

static affect_status describe_npz(datasets_report *r, const char *path) {
    data_npz *zip;
    affect_status status = data_npz_open(r->ctx, path, &zip);
    if (status) return status;
    bool corpus = false, wheels = false, images = false;
    datasets_members members = {0};
    for (size_t k = 0; k < data_npz_count(zip); k++) {
        corpus |= strcmp(data_npz_name(zip, k), "train_corpus") == 0 ||
                  strcmp(data_npz_name(zip, k), "whole_corpus") == 0;
        wheels |= strcmp(data_npz_name(zip, k), "wheel_map_whole") == 0;
        images |= strcmp(data_npz_name(zip, k), "images") == 0;
    }
    datasets_begin_set(r, path,
                       datasets_by_layout(corpus   ? DATASETS_MERBENCH
                                          : wheels ? DATASETS_WHEELS
                                          : images ? DATASETS_IMAGES
                                                   : DATASETS_NPZ),
                       NULL);
    r->members = corpus ? &members : NULL;
    for (size_t k = 0; k < data_npz_count(zip) && !status; k++) {
        data_npy *array;
        status = data_npz_array_at(r->ctx, zip, k, &array);
        if (!status) status = describe_npy(r, data_npz_name(zip, k), array);
        data_npy_destroy(array);
    }
    r->members = NULL;
    datasets_oddity(r, "clips in several splits", members.repeated);
    if (members.seen.failed) r->out->failed = true;
    datasets_seen_clear(&members.seen);
    datasets_end(r);
    data_npz_destroy(zip);
    return status;
}

/* ---- ARFF ---- */

typedef struct arff_counts {
    size_t rows, kinds[3], missing;
    datasets_spread numbers;
    datasets_tally labels; /* of the last attribute, where it is nominal */
} arff_counts;

static affect_status count_attributes(void *user, const data_arff *arff) {
    arff_counts *c = user;
    for (size_t i = 0; i < arff->count; i++) c->kinds[arff->attributes[i].kind]++;
    return AFFECT_OK;
}

static affect_status count_row(void *user, const data_arff *arff, const char *const *cells,
                               size_t line) {
    arff_counts *c = user;
    double x;
    (void)line;
    c->rows++;
    for (size_t i = 0; i < arff->count; i++) {
        if (!cells[i])
            c->missing++;
        else if (arff->attributes[i].kind != DATA_ARFF_NUMERIC)
            continue;
        else if (strcmp(cells[i], "0") == 0) /* most values of sparse rows */
            datasets_spread_add(&c->numbers, 0);
        else if (base_parse_double(cells[i], strlen(cells[i]), &x))
            datasets_spread_add(&c->numbers, x);
    }
    const char *last = cells[arff->count - 1];
    if (last && arff->attributes[arff->count - 1].kind == DATA_ARFF_NOMINAL)
        datasets_tally_add(&c->labels, last, strlen(last));
    return AFFECT_OK;
}

static affect_status describe_arff(datasets_report *r, const char *path) {
    arff_counts c = {0};
    affect_status status = data_arff_read(r->ctx, path, count_attributes, count_row, &c);
    if (!status) {
        datasets_begin(r, path, "an ARFF table", NULL); /* openSMILE and Weka sets alike */
        datasets_field(r, "rows", c.rows);
        datasets_field(r, "numeric attributes", c.kinds[DATA_ARFF_NUMERIC]);
        datasets_field(r, "nominal attributes", c.kinds[DATA_ARFF_NOMINAL]);
        datasets_field(r, "text attributes", c.kinds[DATA_ARFF_STRING]);
        datasets_oddity(r, "unknown values", c.missing);
        datasets_spread_oddities(r, &c.numbers);
        if (c.labels.count || c.labels.failed) datasets_tally_put(r, "classes", &c.labels);
        datasets_end(r);
    }
    datasets_tally_clear(&c.labels);
    return status;
}

/* ---- annotations of other programs ---- */

/* Could the file's first bytes be one's? A table is read twice only where they could. */
static bool looks_annotated(const char *path) {
    static const char *const signs[] = {"Time of Rating", "Multimedia File", "Lower Label",
                                        "VideoTime",      "segment_id",      "class_id"};
    char head[512] = "";
    if (base_ends_with(path, ".annotation")) return true;
    if (!base_ends_with(path, ".csv")) return false;
    int file = base_open_regular(path);
    if (file < 0) return false;
    if (read(file, head, sizeof head - 1) < 0) head[0] = 0;
    close(file);
    for (size_t i = 0; i < BASE_COUNT(signs); i++)
        if (strstr(head, signs[i])) return true;
    return false;
}

static affect_status describe_annotation(datasets_report *r, const char *path, bool *known) {
    static const char *const kinds[][2] = {{"carma", "a CARMA rating"},
                                           {"darma", "a DARMA rating"},
                                           {"pagan", "a PAGAN log"},
                                           {"muse", "labels of a MuSe challenge"},
                                           {"nova", "a NOVA annotation"}};
    data_annotation a;
    affect_status status = data_annotation_open(r->ctx, path, &a, known);
    if (status || !*known) return status;
    const char *kind = NULL;
    for (size_t i = 0; i < BASE_COUNT(kinds); i++)
        if (strcmp(a.format, kinds[i][0]) == 0) kind = kinds[i][1];
    *known = kind != NULL;
    if (kind) {
        datasets_spread values = {0};
        datasets_tally dimensions = {0}, labels = {0};
        size_t samples = 0;
        double from = INFINITY, to = -INFINITY;
        for (size_t k = 0; k < a.trace_count; k++) {
            const data_trace *t = &a.traces[k];
            datasets_tally_add(&dimensions, t->dimension, strlen(t->dimension));
            for (size_t i = 0; i < t->rows; i++) {
                datasets_spread_add(&values, t->values[i]);
                from = fmin(from, t->times_s[i]);
                to = fmax(to, t->times_s[i]);
            }
            samples += t->rows;
        }
        for (size_t i = 0; i < a.mark_count; i++)
            datasets_tally_add(&labels, a.marks[i].label, strlen(a.marks[i].label));
        datasets_begin(r, path, kind, NULL);
        if (a.trace_count) {
            char span[64];
            datasets_field(r, "traces", a.trace_count);
            datasets_field(r, "samples", samples);
            snprintf(span, sizeof span, "%.3f to %.3f s", from, to);
            datasets_field_text(r, "time", span);
            datasets_tally_put(r, "dimension", &dimensions);
            datasets_spread_put(r, "values", &values);
        }
        if (a.mark_count) {
            datasets_field(r, "intervals", a.mark_count);
            datasets_tally_put(r, "label", &labels);
        }
        datasets_oddity(r, "rows left out", a.left_out);
        datasets_end(r);
        datasets_tally_clear(&dimensions);
        datasets_tally_clear(&labels);
    }
    data_annotation_destroy(&a);
    return AFFECT_OK;
}

/* ---- files and folders ---- */

static bool ends_with_one(const char *path, const char *const *suffixes, size_t n) {
    for (size_t k = 0; k < n; k++)
        if (base_ends_with(path, suffixes[k])) return true;
    return false;
}

/* NOT_FOUND without a message stands for a kind of file that is not described. */
static affect_status describe_file(datasets_report *r, const char *path, bool *described) {
    static const char *const tables[] = {".csv", ".tsv", ".xlsx", ".jsonl", ".csv.gz", ".tsv.gz"},
                             *const pickles[] = {".pkl", ".pickle"},
                             *const hdf5[] = {".csd", ".h5", ".hdf5", ".mat"};
    *described = true;
    if (looks_annotated(path)) {
        bool known;
        affect_status status = describe_annotation(r, path, &known);
        if (status || known) return status;
    }
    if (ends_with_one(path, tables, BASE_COUNT(tables))) return datasets_describe_table(r, path);
    if (base_ends_with(path, ".json")) return datasets_describe_json(r, path, described);
    if (ends_with_one(path, pickles, BASE_COUNT(pickles))) return datasets_describe_pickle(r, path);
    if (base_ends_with(path, ".arff")) return describe_arff(r, path);
    if (base_ends_with(path, ".txt")) return datasets_describe_neutral(r, path, described);
    if (ends_with_one(path, hdf5, BASE_COUNT(hdf5))) return datasets_describe_hdf5(r, path);
    if (base_ends_with(path, ".npz")) return describe_npz(r, path);
    if (base_ends_with(path, ".npy")) {
        data_npy *array;
        affect_status status = data_npy_open(r->ctx, path, &array);
        if (status) return status;
        datasets_begin(r, path, "an array", NULL);
        status = describe_npy(r, "array", array);
        datasets_end(r);
        data_npy_destroy(array);
        return status;
    }
    *described = false;
    return AFFECT_OK;
}

typedef struct media_names {
    size_t files, meld_dialogues;
    datasets_tally emotion, speaker;
    datasets_layout layout;
} media_names;

static bool digits(const char *text, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (text[i] < '0' || text[i] > '9') return false;
    return true;
}

/* Emotion and speaker out of the file name, in the ways of RAVDESS, CREMA-D and nEMO. */
static void read_name(media_names *m, const char *name) {
    unsigned dialogue, utterance;
    char end;
    if (sscanf(name, "dia%5u_utt%5u%c", &dialogue, &utterance, &end) == 3 && end == '.') {
        m->files++;
        m->meld_dialogues = BASE_MAX(m->meld_dialogues, (size_t)dialogue + 1);
        m->layout = DATASETS_MELD_MEDIA;
        return;
    }
    static const char *const ravdess[] = {"neutral", "calm",    "happy",   "sad",
                                          "angry",   "fearful", "disgust", "surprised"};
    size_t n = strcspn(name, ".");
    m->files++;
    bool parts = n == 20;
    for (size_t k = 0; parts && k < 7; k++)
        parts = digits(name + 3 * k, 2) && (k == 6 || name[3 * k + 2] == '-');
    const char *emotion = NULL, *speaker = NULL;
    size_t emotion_length = 0, speaker_length = 0;
    if (parts) {
        int code = (name[6] - '0') * 10 + name[7] - '0';
        if (code < 1 || code > 8) return;
        emotion = ravdess[code - 1];
        emotion_length = strlen(emotion);
        speaker = name + 18;
        speaker_length = 2;
        m->layout = DATASETS_RAVDESS_MEDIA;
    } else if (n == 15 && digits(name, 4) && name[4] == '_' && name[8] == '_' && name[12] == '_') {
        emotion = name + 9;
        emotion_length = 3;
        speaker = name;
        speaker_length = 4;
        m->layout = DATASETS_CREMA_D_MEDIA;
    } else if (n > 6 && name[2] == '0' && name[3] == '_' && name[0] >= 'A' && name[0] <= 'Z') {
        const char *last = memchr(name + 4, '_', n - 4);
        if (!last || !digits(last + 1, (size_t)(name + n - last - 1))) return;
        emotion = name + 4;
        emotion_length = (size_t)(last - emotion);
        speaker = name;
        speaker_length = 3;
        m->layout = DATASETS_NEMO_MEDIA;
    } else {
        return;
    }
    datasets_tally_add(&m->emotion, emotion, emotion_length);
    datasets_tally_add(&m->speaker, speaker, speaker_length);
}

enum { FEW_ARRAYS = 8 }; /* npy files that are described one by one */

typedef struct feature_files {
    size_t files, empty, unreadable;
    datasets_tally widths;
    datasets_spread rows, values;
} feature_files;

/* One clip's features: a vector, or frames x width. */
static affect_status add_features(datasets_report *r, feature_files *f, const char *path) {
    data_npy *array;
    affect_status status = data_npy_open(r->ctx, path, &array);
    f->files++;
    if (status == AFFECT_ERROR_MEMORY) return status;
    if (status || array->values.type >= DATA_CHARS) {
        f->unreadable++;
        data_npy_destroy(array);
        return AFFECT_OK;
    }
    data_array row = array->values;
    if (row.rank > 1) {
        row.rank--;
        memmove(row.shape, row.shape + 1, row.rank * sizeof *row.shape);
    }
    char text[512];
    datasets_describe_shape(text, sizeof text, &row);
    datasets_tally_add(&f->widths, text, strlen(text));
    datasets_spread_add(&f->rows, array->values.rank > 1 ? (double)array->values.shape[0] : 1);
    f->empty += array->values.count == 0;
    datasets_spread_array(&f->values, &array->values);
    data_npy_destroy(array);
    return AFFECT_OK;
}

static int plain_name(const struct dirent *entry) { return entry->d_name[0] != '.'; }

static affect_status describe_folder(datasets_report *r, const char *path, int depth) {
    static const char *const media[] = {".wav", ".ogg", ".flac", ".mp3",  ".opus",
                                        ".mp4", ".avi", ".mkv",  ".webm", ".flv"};
    struct dirent **entries;
    int n = scandir(path, &entries, plain_name, alphasort);
    if (n < 0) return base_fail(r->ctx, AFFECT_ERROR_NOT_FOUND, "%s: cannot be read", path);
    media_names names = {.layout = DATASETS_MEDIA};
    datasets_seen keys = {0}, *keys_above = r->folder;
    feature_files features = {0};
    size_t arrays = 0;
    for (int i = 0; i < n; i++) arrays += base_ends_with(entries[i]->d_name, ".npy");
    affect_status status = AFFECT_OK;
    r->folder = &keys;
    for (int i = 0; i < n; i++) {
        char *file = status ? NULL : base_path_join(path, entries[i]->d_name);
        struct stat info;
        if (!status && !file) status = base_fail_memory(r->ctx);
        if (file && lstat(file, &info) == 0) {
            bool described;
            if (affect_context_cancelled(r->ctx)) {
                status = base_fail(r->ctx, AFFECT_ERROR_CANCELLED, "interrupted");
            } else if (S_ISDIR(info.st_mode) && depth < 8) {
                status = describe_folder(r, file, depth + 1);
            } else if (S_ISREG(info.st_mode) && ends_with_one(file, media, BASE_COUNT(media))) {
                read_name(&names, entries[i]->d_name);
            } else if (S_ISREG(info.st_mode) && arrays > FEW_ARRAYS &&
                       base_ends_with(file, ".npy")) {
                status = add_features(r, &features, file);
            } else if (S_ISREG(info.st_mode)) {
                size_t length = r->out->length, files = r->files;
                affect_status one = describe_file(r, file, &described);
                if (one == AFFECT_ERROR_MEMORY || one == AFFECT_ERROR_CANCELLED) {
                    status = one;
                } else if (one) { /* the rest of the folder is still of interest */
                    r->out->length = length;
                    if (r->out->data) r->out->data[length] = 0;
                    r->files = files;
                    datasets_begin(r, file, "unreadable", NULL);
                    datasets_field_text(r, "error", affect_context_message(r->ctx));
                    datasets_end(r);
                }
            }
        }
        base_free(file);
        free(entries[i]);
    }
    free(entries);
    r->folder = keys_above;
    datasets_seen_clear(&keys);
    if (!status && features.files) {
        datasets_begin(r, path, "features, an npy file a clip (MERBench form)", NULL);
        datasets_field(r, "files", features.files);
        datasets_tally_put(r, "shape of a row", &features.widths);
        datasets_spread_put(r, "rows of a file", &features.rows);
        datasets_spread_put(r, "values", &features.values);
        datasets_oddity(r, "files of zero length", features.empty);
        datasets_oddity(r, "unreadable files", features.unreadable);
        datasets_end(r);
    }
    datasets_tally_clear(&features.widths);
    if (!status && names.files) {
        datasets_begin_set(r, path, datasets_by_layout(names.layout), NULL);
        datasets_field(r, "files", names.files);
        if (names.meld_dialogues) datasets_field(r, "dialogues up to", names.meld_dialogues);
        if (names.emotion.count || names.emotion.failed || names.speaker.failed) {
            datasets_tally_put(r, "emotion", &names.emotion);
            datasets_tally_put(r, "speaker", &names.speaker);
        }
        datasets_end(r);
    }
    return status;
}

affect_status datasets_describe(affect_context *ctx, const char *path, bool json, bool check,
                                base_text *out, size_t *mismatches) {
    datasets_report r = {.ctx = ctx, .out = out, .json = json, .check = check};
    bool described = true;
    if (json) base_text_append(out, "[");
    affect_status status =
        base_is_folder(path) ? describe_folder(&r, path, 0) : describe_file(&r, path, &described);
    if (!status && !described)
        status = base_file_exists(path)
                     ? base_fail(ctx, AFFECT_ERROR_UNSUPPORTED,
                                 "%s: expected a folder, CSV, TSV, xlsx, ARFF, npy, npz, "
                                 "JSON Lines, HDF5, pickle or NOVA annotation",
                                 path)
                     : base_fail(ctx, AFFECT_ERROR_NOT_FOUND, "%s: does not exist", path);
    if (json) base_text_append(out, "]\n");
    if (!status && out->failed) status = base_fail_memory(ctx);
    *mismatches = r.mismatches;
    return status;
}
