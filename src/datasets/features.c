/* Pickles of features. MMSA (thuiar/MMSA): splits of arrays by name. DialogueRNN (declare-lab):
 * dictionaries by dialogue. bc-LSTM (ACL 2017): arrays of videos x utterances, padded. */
#include <math.h>
#include <string.h>

#include "data/pickle.h"
#include "datasets/datasets_private.h"

static bool is_text(const data_value *v) {
    return v && (v->kind == DATA_TEXT || v->kind == DATA_BYTES);
}

static void add_number(datasets_tally *t, double x) {
    char number[32];
    int n = snprintf(number, sizeof number, "%g", x);
    datasets_tally_add(t, number, (size_t)n);
}

/* Number i of a list or of an array of any rank, flat; false where it is none. */
static bool number_at(const data_value *v, size_t i, double *out) {
    if (!v || v->kind != DATA_ARRAY || v->as.array->type == DATA_OBJECT)
        return data_number(data_item(v, i), out);
    if (v->as.array->type >= DATA_CHARS || i >= v->as.array->count) return false;
    *out = data_array_number(v->as.array, i);
    return true;
}

/* Element i of an array of texts in new memory; without memory the report fails. */
static bool array_text(datasets_report *r, const data_array *a, size_t i, char **out) {
    *out = data_array_text(a, i);
    if (!*out && i < a->count && (a->type == DATA_CHARS || a->type == DATA_UNICODE))
        r->out->failed = true;
    return *out;
}

/* Text i of a list or an array, hashed. */
static bool hash_at(datasets_report *r, const data_value *v, size_t i, uint64_t *hash,
                    size_t *video) {
    const data_value *item = data_item(v, i);
    char *owned = NULL;
    const char *text = NULL;
    size_t n = 0;
    if (is_text(item)) {
        text = item->as.text.bytes;
        n = item->as.text.length;
    } else if (v && v->kind == DATA_ARRAY && array_text(r, v->as.array, i, &owned)) {
        text = owned;
        n = strlen(owned);
    }
    if (!text) return false;
    *video = 0; /* "VIDEO$_$CLIP" */
    for (size_t k = 0; k + 3 <= n && !*video; k++)
        if (memcmp(text + k, "$_$", 3) == 0) *video = k;
    *hash = datasets_hash(0, text, n);
    *video = *video ? (size_t)datasets_hash(1, text, *video) : 0;
    base_free(owned);
    return true;
}

/* ---- any tree ---- */

void datasets_describe_shape(char *out, size_t room, const data_array *a) {
    size_t n = (size_t)snprintf(out, room, "%s (", data_type_name(a->type));
    for (size_t k = 0; k < a->rank && n + 24 < room; k++)
        n += (size_t)snprintf(out + n, room - n, k ? ", %zu" : "%zu", a->shape[k]);
    snprintf(out + n, room - n, ")");
}

/* A dict of many {emo, val}: MERBench's form of labels. */
static bool describe_corpus(datasets_report *r, const char *name, const data_value *value) {
    size_t n = value->as.list.count / 2;
    if (!n || !data_get(value->as.list.items[1], "emo")) return false;
    datasets_tally labels = {0};
    datasets_spread valence = {0};
    for (size_t i = 0; i < n; i++) {
        const data_value *clip = value->as.list.items[2 * i],
                         *row = value->as.list.items[2 * i + 1], *emo = data_get(row, "emo");
        double x;
        char number[32];
        if (r->members && is_text(clip))
            r->members->repeated += datasets_seen_add(
                &r->members->seen, datasets_hash(0, clip->as.text.bytes, clip->as.text.length));
        if (emo && emo->kind == DATA_TEXT) {
            datasets_tally_add(&labels, emo->as.text.bytes, emo->as.text.length);
        } else if (data_number(emo, &x)) {
            int length = snprintf(number, sizeof number, "%g", x);
            datasets_tally_add(&labels, number, (size_t)length);
        }
        if (data_number(data_get(row, "val"), &x)) datasets_spread_add(&valence, x);
    }
    char key[256];
    datasets_field(r, name, n);
    snprintf(key, sizeof key, "%s emo", name);
    datasets_tally_put(r, key, &labels);
    snprintf(key, sizeof key, "%s val", name);
    datasets_spread_put(r, key, &valence);
    return true;
}

void datasets_describe_value(datasets_report *r, const char *path, const data_value *value,
                             int depth) {
    char text[512];
    if (!value) return;
    if (value->kind == DATA_ARRAY) {
        const data_array *a = value->as.array;
        if (a->type == DATA_OBJECT && a->rank == 0) {
            datasets_describe_value(r, path, a->items[0], depth);
            return;
        }
        datasets_describe_shape(text, sizeof text, a);
        datasets_field_text(r, path, text);
        if (a->type >= DATA_BOOL8) return;
        datasets_spread s = {0};
        datasets_spread_array(&s, a);
        snprintf(text, sizeof text, "%s values", path);
        datasets_spread_put(r, text, &s);
        return;
    }
    if (value->kind == DATA_DICT && describe_corpus(r, path, value)) return;
    size_t n = data_length(value);
    snprintf(text, sizeof text, "%s of %zu", data_kind_name(value->kind), n);
    bool list = value->kind == DATA_LIST || value->kind == DATA_TUPLE;
    if (list || value->kind == DATA_DICT) datasets_field_text(r, path, text);
    if (depth >= 4 || n > 12) return;
    for (size_t i = 0; i < n && (list || value->kind == DATA_DICT); i++) {
        const data_value *item = list ? value->as.list.items[i] : value->as.list.items[2 * i + 1];
        const data_value *key = list ? NULL : value->as.list.items[2 * i];
        if (item->kind != DATA_ARRAY && item->kind != DATA_DICT && item->kind != DATA_LIST &&
            item->kind != DATA_TUPLE)
            continue;
        if (key && key->kind == DATA_TEXT)
            snprintf(text, sizeof text, "%.200s.%.*s", path,
                     (int)BASE_MIN(key->as.text.length, (size_t)100), key->as.text.bytes);
        else
            snprintf(text, sizeof text, "%.200s[%zu]", path, i);
        datasets_describe_value(r, text, item, depth + 1);
    }
}

/* ---- MMSA ---- */

/* Rows of the splits of the sets that MMSA distributes. */
static const struct mmsa_set {
    const char *name;
    size_t train, valid, test;
} mmsa_sets[] = {{"CMU-MOSI", 1284, 229, 686},
                 {"CMU-MOSEI", 16326, 1871, 4659},
                 {"CH-SIMS", 1368, 456, 457},
                 {"CH-SIMS v2", 2722, 647, 1034}};

static const struct mmsa_set *find_mmsa(const data_value *root) {
    size_t n[3];
    static const char *const parts[] = {"train", "valid", "test"};
    for (int k = 0; k < 3; k++)
        n[k] = data_length(data_get(data_get(root, parts[k]), "regression_labels"));
    for (size_t i = 0; i < BASE_COUNT(mmsa_sets); i++)
        if (mmsa_sets[i].train == n[0] && mmsa_sets[i].valid == n[1] && mmsa_sets[i].test == n[2])
            return &mmsa_sets[i];
    return NULL;
}

/* Labels of a split: names where there are some, the sign of the sentiment else. */
static void describe_mmsa_labels(datasets_report *r, const char *part, const data_value *split) {
    const data_value *names = data_get(split, "annotations"),
                     *scores = data_get(split, "regression_labels");
    char key[64];
    datasets_tally tally = {0};
    for (size_t i = 0; i < data_length(names); i++)
        if (is_text(data_item(names, i)))
            datasets_tally_add(&tally, data_item(names, i)->as.text.bytes,
                               data_item(names, i)->as.text.length);
    if (tally.count || tally.failed) {
        snprintf(key, sizeof key, "%s annotations", part);
        datasets_tally_put(r, key, &tally);
    }
    datasets_tally_clear(&tally);
    for (size_t i = 0; i < data_length(scores); i++) {
        double x;
        const char *sign = "none";
        if (number_at(scores, i, &x) && !isnan(x))
            sign = x < 0 ? "negative" : x > 0 ? "positive" : "zero";
        datasets_tally_add(&tally, sign, strlen(sign));
    }
    snprintf(key, sizeof key, "%s sentiment", part);
    if (tally.count || tally.failed) datasets_tally_put(r, key, &tally);
    datasets_tally_clear(&tally);
}

/* Lengths of the sequences of a modality against the frames that its array has. */
static void describe_mmsa_lengths(datasets_report *r, const char *part, const data_value *split,
                                  const char *modality, size_t rows) {
    char key[64];
    snprintf(key, sizeof key, "%s_lengths", modality);
    const data_value *lengths = data_get(split, key), *array = data_get(split, modality);
    size_t none = 0, beyond = 0, count = data_length(lengths);
    size_t frames = array && array->kind == DATA_ARRAY && array->as.array->rank > 1
                        ? array->as.array->shape[1]
                        : SIZE_MAX;
    for (size_t i = 0; i < count; i++) {
        double x;
        if (!number_at(lengths, i, &x)) continue;
        none += x <= 0;
        beyond += frames != SIZE_MAX && x > (double)frames;
    }
    snprintf(key, sizeof key, "%s rows of zero %s length", part, modality);
    datasets_oddity(r, key, none);
    snprintf(key, sizeof key, "%s %s lengths beyond the frames", part, modality);
    datasets_oddity(r, key, beyond);
    snprintf(key, sizeof key, "%s rows without %s", part, modality);
    if (array && data_length(array) < rows) datasets_oddity(r, key, rows - data_length(array));
}

static void describe_mmsa(datasets_report *r, const data_value *root) {
    static const char *const parts[] = {"train", "valid", "test"}, *const modalities[] = {
                                                                       "text", "audio", "vision"};
    datasets_seen ids = {0}, videos = {0};
    size_t repeated = 0, shared = 0;
    for (size_t p = 0; p < BASE_COUNT(parts); p++) {
        const data_value *split = data_get(root, parts[p]), *id = data_get(split, "id");
        size_t rows = data_length(data_get(split, "regression_labels"));
        char key[64];
        if (!split) continue;
        snprintf(key, sizeof key, "%s rows", parts[p]);
        datasets_field(r, key, rows);
        describe_mmsa_labels(r, parts[p], split);
        for (size_t m = 0; m < BASE_COUNT(modalities); m++)
            describe_mmsa_lengths(r, parts[p], split, modalities[m], rows);
        /* A video met in an earlier split: first look all up, then add all. */
        datasets_seen own = {0};
        for (size_t i = 0; i < data_length(id); i++) {
            uint64_t hash;
            size_t video;
            if (!hash_at(r, id, i, &hash, &video)) continue;
            repeated += datasets_seen_add(&ids, hash);
            if (video && !datasets_seen_add(&own, video))
                shared += datasets_seen_add(&videos, video);
        }
        if (own.failed) r->out->failed = true;
        datasets_seen_clear(&own);
    }
    if (ids.failed || videos.failed) r->out->failed = true;
    datasets_seen_clear(&ids);
    datasets_seen_clear(&videos);
    datasets_oddity(r, "rows whose id stands further up", repeated);
    datasets_oddity(r, "videos in several splits", shared);
}

/* ---- conversations ---- */

static bool same_key(const data_value *a, const data_value *b) {
    if (a->kind == DATA_INT || b->kind == DATA_INT)
        return a->kind == b->kind && a->as.integer == b->as.integer;
    return is_text(a) && is_text(b) && a->as.text.length == b->as.text.length &&
           memcmp(a->as.text.bytes, b->as.text.bytes, a->as.text.length) == 0;
}

/* The value of a dialogue that stands at i in another dict, as it nearly always does in this one.
 */
static const data_value *value_of(const data_value *dict, const data_value *key, size_t i) {
    enum { SEARCHED = 8192 }; /* no set has more dialogues: a hostile file must not cost squares */
    size_t n = dict && dict->kind == DATA_DICT ? data_length(dict) : 0;
    if (i < n && same_key(dict->as.list.items[2 * i], key)) return dict->as.list.items[2 * i + 1];
    for (size_t k = 0; k < n && n <= SEARCHED; k++)
        if (same_key(dict->as.list.items[2 * k], key)) return dict->as.list.items[2 * k + 1];
    return NULL;
}

static uint64_t key_hash(const data_value *key) {
    if (is_text(key)) return datasets_hash(0, key->as.text.bytes, key->as.text.length);
    double x = NAN;
    data_number(key, &x);
    return datasets_hash(2, (const char *)&x, sizeof x);
}

/* A dict by dialogue of one number an utterance: labels. */
static bool is_labels(const data_value *dict) {
    double x;
    for (size_t i = 0; i < data_length(dict) && dict->kind == DATA_DICT; i++) {
        const data_value *row = dict->as.list.items[2 * i + 1];
        if (data_length(row))
            return (row->kind != DATA_ARRAY || row->as.array->rank == 1) && number_at(row, 0, &x);
    }
    return false;
}

typedef struct conversation_features {
    datasets_spread values;
    size_t rows, uneven, width;
    bool mixed;
} conversation_features;

static void add_dialogue(conversation_features *f, const data_value *rows, size_t utterances) {
    size_t n = data_length(rows);
    f->uneven += n != utterances;
    if (rows && rows->kind == DATA_ARRAY && rows->as.array->type < DATA_CHARS) {
        const data_array *a = rows->as.array;
        size_t width = n ? a->count / n : 0;
        f->mixed |= n && f->rows && width != f->width;
        if (n) f->width = width;
        datasets_spread_array(&f->values, a);
    } else {
        for (size_t i = 0; i < n; i++) {
            const data_value *row = data_item(rows, i);
            size_t width = data_length(row);
            double x;
            f->mixed |= (f->rows || i) && width != f->width;
            f->width = width;
            for (size_t k = 0; k < width; k++)
                if (number_at(row, k, &x)) datasets_spread_add(&f->values, x);
        }
    }
    f->rows += n;
}

static bool describe_conversation_features(datasets_report *r, const data_value *ids,
                                           const data_value *dict, size_t at) {
    conversation_features f = {0};
    char key[96], text[96];
    for (size_t i = 0; i < data_length(ids); i++)
        add_dialogue(&f, value_of(dict, ids->as.list.items[2 * i], i),
                     data_length(ids->as.list.items[2 * i + 1]));
    if (!f.values.values) return false;
    snprintf(key, sizeof key, "features [%zu]", at);
    snprintf(text, sizeof text, f.mixed ? "%zu rows of differing widths" : "%zu rows x %zu", f.rows,
             f.width);
    datasets_field_text(r, key, text);
    snprintf(key, sizeof key, "features [%zu] values", at);
    datasets_spread_put(r, key, &f.values);
    snprintf(key, sizeof key, "dialogues whose rows [%zu] are not one an utterance", at);
    datasets_oddity(r, key, f.uneven);
    return true;
}

/* Which dialogues are in which split, and the labels of each. */
static void describe_conversation_splits(datasets_report *r, const data_value *root,
                                         const data_value *labels) {
    static const char *const three[] = {"train", "valid", "test"}, *const two[] = {"train", "test"};
    const data_value *splits[3];
    size_t count = 0, several = 0, unknown = 0, held = 0;
    datasets_seen met = {0};
    for (size_t i = 1; i < data_length(root); i++) {
        const data_value *item = data_item(root, i);
        bool list = item && (item->kind == DATA_LIST || item->kind == DATA_SET ||
                             item->kind == DATA_TUPLE || item->kind == DATA_ARRAY);
        if (list && count < 3) splits[count++] = item;
    }
    if (count < 2) return;
    for (size_t s = 0; s < count; s++) {
        const char *name = count == 2 ? two[s] : three[s];
        datasets_seen own = {0};
        datasets_tally tally = {0};
        char key[64];
        size_t utterances = 0;
        for (size_t i = 0; i < data_length(splits[s]); i++) {
            uint64_t hash;
            const data_value *item = data_item(splits[s], i);
            double x;
            if (item) {
                hash = key_hash(item);
            } else if (splits[s]->kind == DATA_ARRAY) {
                char *text;
                if (!array_text(r, splits[s]->as.array, i, &text))
                    x = data_array_number(splits[s]->as.array, i);
                hash = text ? datasets_hash(0, text, strlen(text))
                            : datasets_hash(2, (const char *)&x, sizeof x);
                base_free(text);
            } else {
                continue;
            }
            if (!datasets_seen_add(&own, hash)) several += datasets_seen_add(&met, hash);
        }
        for (size_t i = 0; i < data_length(labels); i++) {
            const data_value *row = labels->as.list.items[2 * i + 1];
            double x;
            if (!datasets_seen_has(&own, key_hash(labels->as.list.items[2 * i]))) continue;
            held++;
            utterances += data_length(row);
            for (size_t k = 0; k < data_length(row); k++)
                if (number_at(row, k, &x)) add_number(&tally, x);
        }
        unknown += own.count;
        snprintf(key, sizeof key, "%s dialogues", name);
        datasets_field(r, key, own.count);
        snprintf(key, sizeof key, "%s utterances", name);
        datasets_field(r, key, utterances);
        snprintf(key, sizeof key, "%s labels", name);
        if (tally.count || tally.failed) datasets_tally_put(r, key, &tally);
        datasets_tally_clear(&tally);
        if (own.failed) r->out->failed = true;
        datasets_seen_clear(&own);
    }
    datasets_oddity(r, "dialogues in several splits", several);
    datasets_oddity(r, "dialogues of a split that have no labels",
                    unknown - BASE_MIN(held, unknown));
    size_t placed = 0;
    for (size_t i = 0; i < data_length(labels); i++)
        placed += datasets_seen_has(&met, key_hash(labels->as.list.items[2 * i]));
    datasets_oddity(r, "dialogues in no split", data_length(labels) - placed);
    if (met.failed) r->out->failed = true;
    datasets_seen_clear(&met);
}

/* (ids, speakers, labels, features ..., sentences, train, test) or (ids, labels, ..., train, valid,
 * test): each a dict by dialogue of an item an utterance. */
static void describe_conversations(datasets_report *r, const data_value *root,
                                   const data_value *labels, size_t labels_at) {
    const data_value *ids = data_item(root, 0);
    datasets_tally tally = {0}, speakers = {0};
    datasets_seen met = {0};
    size_t utterances = 0, unlabelled = 0, empty = 0, repeated = 0;
    for (size_t i = 0; i < data_length(labels); i++) {
        const data_value *row = labels->as.list.items[2 * i + 1],
                         *key = labels->as.list.items[2 * i], *names = value_of(ids, key, i);
        double x;
        utterances += data_length(row);
        empty += !data_length(row);
        unlabelled += names && data_length(names) > data_length(row);
        for (size_t k = 0; k < data_length(row); k++)
            if (number_at(row, k, &x)) add_number(&tally, x);
        for (size_t k = 0; k < data_length(names); k++) {
            uint64_t hash;
            size_t video;
            /* utterances are numbered anew in each dialogue where they are numbers */
            if (hash_at(r, names, k, &hash, &video)) repeated += datasets_seen_add(&met, hash);
        }
        const data_value *who = value_of(data_item(root, labels_at == 1 ? 2 : 1), key, i);
        for (size_t k = 0; k < data_length(who); k++) {
            const data_value *name = data_item(who, k);
            if (is_text(name))
                datasets_tally_add(&speakers, name->as.text.bytes, name->as.text.length);
        }
    }
    datasets_field(r, "dialogues", data_length(labels));
    datasets_field(r, "utterances", utterances);
    if (tally.count || tally.failed) datasets_tally_put(r, "labels", &tally);
    if (speakers.failed || (speakers.count && speakers.count <= 400))
        datasets_tally_put(r, "speakers", &speakers);
    describe_conversation_splits(r, root, labels);
    for (size_t i = 1; i < data_length(root); i++)
        if (i != labels_at && data_item(root, i)->kind == DATA_DICT)
            describe_conversation_features(r, ids, data_item(root, i), i);
    datasets_oddity(r, "dialogues without an utterance", empty);
    datasets_oddity(r, "dialogues with fewer labels than utterances", unlabelled);
    datasets_oddity(r, "utterances whose id stands further up", repeated);
    if (met.failed) r->out->failed = true;
    datasets_seen_clear(&met);
    datasets_tally_clear(&tally);
    datasets_tally_clear(&speakers);
}

/* ---- bc-LSTM ---- */

/* (x, y, x, y, longest, lengths, lengths): labels of the utterances that are not padding. */
static void describe_padded(datasets_report *r, const data_value *root) {
    static const char *const parts[] = {"train", "test"};
    for (size_t s = 0; s < 2 && data_length(root) == 7; s++) {
        const data_value *x = data_item(root, 2 * s), *y = data_item(root, 2 * s + 1),
                         *lengths = data_item(root, 5 + s);
        char key[64];
        datasets_tally tally = {0};
        size_t utterances = 0, none = 0, beyond = 0;
        if (!x || x->kind != DATA_ARRAY || x->as.array->rank != 3 || !y || y->kind != DATA_ARRAY ||
            y->as.array->rank < 2 || data_length(lengths) != data_length(x) ||
            y->as.array->shape[0] != data_length(x))
            return;
        size_t most = x->as.array->shape[1],
               per = y->as.array->count / BASE_MAX(data_length(y), (size_t)1);
        for (size_t i = 0; i < data_length(lengths); i++) {
            double n, label;
            if (!number_at(lengths, i, &n)) continue;
            none += n <= 0;
            beyond += n > (double)most;
            for (size_t k = 0; n > 0 && k < most && (double)k < n; k++) {
                utterances++;
                if (per == most && number_at(y, i * per + k, &label)) add_number(&tally, label);
            }
        }
        snprintf(key, sizeof key, "%s videos", parts[s]);
        datasets_field(r, key, data_length(x));
        snprintf(key, sizeof key, "%s utterances", parts[s]);
        datasets_field(r, key, utterances);
        snprintf(key, sizeof key, "%s labels", parts[s]);
        if (tally.count || tally.failed) datasets_tally_put(r, key, &tally);
        datasets_tally_clear(&tally);
        snprintf(key, sizeof key, "%s videos of zero length", parts[s]);
        datasets_oddity(r, key, none);
        snprintf(key, sizeof key, "%s videos longer than their array", parts[s]);
        datasets_oddity(r, key, beyond);
    }
}

/* ---- which of them ---- */

/* Index of the labels among the dicts of a conversation set, or 0. */
static size_t find_labels(const data_value *root) {
    size_t n = data_length(root), dicts = 0, at = 0;
    if (!root || (root->kind != DATA_TUPLE && root->kind != DATA_LIST) || n < 4 || n > 14) return 0;
    for (size_t i = 0; i < n; i++) {
        dicts += data_item(root, i)->kind == DATA_DICT;
        if (i && !at && is_labels(data_item(root, i))) at = i;
    }
    return dicts >= 3 && data_item(root, 0)->kind == DATA_DICT ? at : 0;
}

affect_status datasets_describe_pickle(datasets_report *r, const char *path) {
    data_document *document;
    affect_status status = data_pickle_read(r->ctx, path, &document);
    if (status) return status;
    const data_value *root = data_document_root(document), *train = data_get(root, "train");
    const struct mmsa_set *set = NULL;
    bool mmsa = train && data_get(train, "vision") && data_get(train, "regression_labels");
    size_t labels = find_labels(root), arrays = 0, n = data_length(root);
    for (size_t i = 0; i < n && root->kind == DATA_TUPLE; i++)
        arrays += data_item(root, i)->kind == DATA_ARRAY;
    bool padded = n >= 4 && n <= 10 && arrays >= 4;
    datasets_layout layout = DATASETS_PICKLE;
    char what[64];
    if (mmsa) {
        layout = DATASETS_MMSA;
        set = find_mmsa(root);
        snprintf(what, sizeof what, "MMSA features (%s)", set ? set->name : "MOSI, MOSEI or SIMS");
    } else if (labels) {
        const data_value *dict = data_item(root, labels),
                         *key = data_length(dict) ? dict->as.list.items[0] : NULL;
        bool session =
            is_text(key) && key->as.text.length > 3 && memcmp(key->as.text.bytes, "Ses", 3) == 0;
        layout = session ? DATASETS_IEMOCAP : DATASETS_CONVERSATIONS;
    } else if (padded) {
        layout = DATASETS_PADDED;
    }
    datasets_begin_set(r, path, datasets_by_layout(layout), mmsa ? what : NULL);
    if (mmsa) describe_mmsa(r, root);
    if (labels) describe_conversations(r, root, data_item(root, labels), labels);
    if (padded && !labels) describe_padded(r, root);
    if (!labels) datasets_describe_value(r, "root", root, 0);
    status = datasets_check(r, path, set != NULL);
    datasets_end(r);
    data_document_destroy(document);
    return status;
}
