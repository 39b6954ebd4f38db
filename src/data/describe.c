/* Recognition and description of data files. Licence notes are those of the sets' own pages; they
 * are a reminder, not advice. */
#include "data/describe.h"

#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "data/arff.h"
#include "data/describe_private.h"
#include "data/frame.h"
#include "data/npy.h"
#include "data/pickle.h"
#include "data/table.h"
#include "data/xlsx.h"

/* ---- the sets ---- */

typedef enum label_form {
    LABEL_NONE,
    LABEL_ONE,   /* a name or number a row */
    LABEL_LIST,  /* several, separated by commas */
    LABEL_QUOTED /* a list of quoted names: only counted */
} label_form;

static const struct known_table {
    const char *name, *licence;
    const char *columns[6]; /* that a header must have */
    const char *label, *label2, *split, *speaker;
    label_form form;
} known_tables[] = {
    {"MELD (utterances)",
     "GPL-3 repository, text of a television series: research only",
     {"Utterance", "Speaker", "Emotion", "Sentiment", "Dialogue_ID", "Utterance_ID"},
     "Emotion",
     "Sentiment",
     NULL,
     "Speaker",
     LABEL_ONE},
    {"EmoryNLP (utterances)",
     "Apache-2.0 repository, text of a television series: research only",
     {"Utterance", "Speaker", "Emotion", "Scene_ID"},
     "Emotion",
     NULL,
     NULL,
     "Speaker",
     LABEL_ONE},
    {"FER+ votes",
     "votes MIT (Microsoft); the FER2013 images are for research",
     {"neutral", "happiness", "surprise", "contempt", "unknown", "NF"},
     NULL,
     NULL,
     NULL,
     NULL,
     LABEL_NONE},
    {"EmoBank",
     "CC BY-SA 4.0",
     {"id", "split", "V", "A", "D", "text"},
     NULL,
     NULL,
     "split",
     NULL,
     0},
    {"nEMO",
     "CC BY-NC-SA 4.0",
     {"file_id", "emotion", "raw_text", "speaker_id"},
     "emotion",
     "gender",
     NULL,
     "speaker_id",
     LABEL_ONE},
    {"CREMA-D summary of votes",
     "ODbL",
     {"FileName", "VoiceVote", "FaceVote", "MultiModalVote"},
     "VoiceVote",
     "MultiModalVote",
     NULL,
     NULL,
     LABEL_ONE},
    {"CREMA-D votes",
     "ODbL",
     {"fileName", "numResponses", "emoVote"},
     "emoVote",
     NULL,
     NULL,
     NULL,
     1},
    {"CREMA-D actors", "ODbL", {"ActorID", "Age", "Sex", "Race"}, "Sex", "Race", NULL, NULL, 1},
    {"CREMA-D stimuli", "ODbL", {"Stimulus_Number", "Filename"}, NULL, NULL, NULL, NULL, 0},
    {"RAVDESS action units (clip means)",
     "from CC BY-NC-SA 4.0 material",
     {"clip", "actor", "emotion", "statement", "AU01_r"},
     "emotion",
     NULL,
     NULL,
     "actor",
     LABEL_ONE},
    {"EmoBox folds",
     "that of the corpus (RAVDESS: CC BY-NC-SA 4.0)",
     {"clip", "test_fold", "emotion", "seconds"},
     "emotion",
     NULL,
     "test_fold",
     NULL,
     LABEL_ONE},
    {"Java-SED",
     "MIT",
     {"path", "label", "speaker", "sentence"},
     "label",
     NULL,
     NULL,
     "speaker",
     LABEL_ONE},
    {"open-vocabulary labels (MER)",
     "Apache-2.0 repository; the service is non-commercial",
     {"name", "openset"},
     "openset",
     NULL,
     NULL,
     NULL,
     LABEL_QUOTED},
    {"EmoBox split",
     "Apache-2.0 repository; the recordings' licences are their corpora's",
     {"key", "dataset", "wav", "emo"},
     "emo",
     NULL,
     "dataset",
     NULL,
     LABEL_ONE},
    {"studyforrest portrayed emotions",
     "CC0",
     {"start", "end", "character", "arousal", "valence", "oncue"},
     "emotion",
     "oncue",
     NULL,
     "character",
     LABEL_ONE},
    {"emotion wheel (MER 2025 and 2026)",
     "Apache-2.0 repository; the service is non-commercial",
     {"level1", "level2", "level3"},
     NULL,
     NULL,
     NULL,
     NULL,
     LABEL_NONE},
    {"emotion synonyms (MER 2025 and 2026)",
     "Apache-2.0 repository; the service is non-commercial",
     {"word_run1", "synonym_run1"},
     NULL,
     NULL,
     NULL,
     NULL,
     LABEL_NONE},
    {"emotion word forms (MER 2025 and 2026)",
     "Apache-2.0 repository; the service is non-commercial",
     {"name", "format"},
     NULL,
     NULL,
     NULL,
     NULL,
     LABEL_NONE},
    {"Booth 2016 trace", "MIT", {"Time(sec)", "Data"}, NULL, NULL, NULL, NULL, 0},
    {"Booth 2016 triplet comparisons",
     "MIT",
     {"ref_start", "a_start", "b_start", "closer_to_ref"},
     "closer_to_ref",
     NULL,
     NULL,
     NULL,
     LABEL_ONE},
};

/* ---- tables ---- */

static bool is_label_list(const char *text) {
    if (!*text) return false;
    for (const char *c = text; *c; c++)
        if (!(*c >= '0' && *c <= '9') && *c != ',' && *c != ' ') return false;
    return true;
}

static void count_column(describe_report *r, const data_table *t, const char *column,
                         label_form form) {
    int at = data_table_column(t, column);
    describe_tally labels = {0};
    char text_empty[128];
    size_t empty = 0;
    if (at < 0) return;
    for (size_t i = 0; i < t->rows; i++) {
        const char *text = data_table_cell(t, i, (size_t)at);
        empty += !*text;
        if (form == LABEL_QUOTED) {
            for (const char *c = strpbrk(text, "'\""); c; c = strpbrk(c, "'\"")) {
                size_t n = strcspn(c + 1, "'\"");
                describe_tally_add(&labels, c + 1, n);
                c += 1 + n + (c[1 + n] != 0);
            }
        } else if (*text) {
            size_t n;
            text += strspn(text, " \t");
            for (n = strlen(text); n && (text[n - 1] == ' ' || text[n - 1] == '\t');) n--;
            describe_tally_add(&labels, text, n);
        }
    }
    describe_tally_put(r, column, &labels);
    snprintf(text_empty, sizeof text_empty, "rows without %.100s", column);
    describe_oddity(r, text_empty, empty);
}

/* "00:20:57,256" in seconds; NaN otherwise. */
static double clock_time(const char *text) {
    double part[3];
    const char *at = text;
    for (int k = 0; k < 3; k++) {
        char *stop;
        if (*at < '0' || *at > '9') return NAN;
        part[k] = (double)strtol(at, &stop, 10);
        at = stop;
        if (k < 2 && *at++ != ':') return NAN;
    }
    double fraction = 0, unit = .1;
    if (*at == ',' || *at == '.')
        for (at++; *at >= '0' && *at <= '9'; at++, unit /= 10) fraction += (*at - '0') * unit;
    return *at ? NAN : part[0] * 3600 + part[1] * 60 + part[2] + fraction;
}

/* Dialogues, and rows whose times cannot be right. */
static void describe_dialogues(describe_report *r, const data_table *t) {
    int dialogue = data_table_column(t, "Dialogue_ID"), start = data_table_column(t, "StartTime"),
        stop = data_table_column(t, "EndTime"), number = data_table_column(t, "Utterance_ID");
    if (dialogue < 0 || start < 0 || stop < 0 || number < 0) return;
    size_t dialogues = 0, empty = 0, lengthy = 0, pairs = 0, overlap = 0, unread = 0, gaps = 0;
    double before = NAN;
    for (size_t i = 0; i < t->rows; i++) {
        double t0 = clock_time(data_table_cell(t, i, (size_t)start)),
               t1 = clock_time(data_table_cell(t, i, (size_t)stop));
        bool first = i == 0 || strcmp(data_table_cell(t, i, (size_t)dialogue),
                                      data_table_cell(t, i - 1, (size_t)dialogue)) != 0;
        dialogues += first;
        unread += isnan(t0) || isnan(t1);
        empty += t1 <= t0;
        lengthy += t1 - t0 > 30;
        if (!first) {
            pairs++;
            overlap += t0 < before;
            gaps += strtol(data_table_cell(t, i, (size_t)number), NULL, 10) !=
                    strtol(data_table_cell(t, i - 1, (size_t)number), NULL, 10) + 1;
        }
        before = t1;
    }
    describe_field(r, "dialogues", dialogues);
    describe_field(r, "consecutive pairs", pairs);
    describe_oddity(r, "rows that end before they start", empty);
    describe_oddity(r, "rows longer than 30 s", lengthy);
    describe_oddity(r, "consecutive pairs that overlap or run backwards", overlap);
    describe_oddity(r, "gaps in the utterance numbers", gaps);
    describe_oddity(r, "rows with unreadable times", unread);
}

/* FER+: the class with most votes among the eight, as the set's "majority" mode counts it. */
static void describe_votes(describe_report *r, const data_table *t) {
    int first = data_table_column(t, "neutral"), last = data_table_column(t, "NF");
    describe_tally winners = {0};
    size_t odd_sum = 0, no_majority = 0;
    if (first < 0 || last != first + 9 || !t->names) return;
    for (size_t i = 0; i < t->rows; i++) {
        long sum = 0, best = -1;
        int winner = 0;
        for (int k = 0; k < 10; k++) {
            long votes = strtol(data_table_cell(t, i, (size_t)(first + k)), NULL, 10);
            sum += votes;
            if (votes > best) {
                best = votes;
                winner = k;
            }
        }
        odd_sum += sum != 10;
        no_majority += 2 * best <= sum;
        describe_tally_add(&winners, t->names[first + winner], strlen(t->names[first + winner]));
    }
    describe_tally_put(r, "most votes", &winners);
    describe_oddity(r, "rows without an absolute majority", no_majority);
    describe_oddity(r, "rows whose votes are not ten", odd_sum);
}

/* Rows may be far narrower than the header: only the cells that are there are looked at. */
static affect_status describe_columns(describe_report *r, const data_table *t) {
    struct column {
        describe_spread spread;
        bool text;
    } *columns = base_calloc(t->columns + 1, sizeof *columns);
    describe_spread all = {0};
    size_t numeric = 0, empty = 0;
    if (!columns) return base_fail_memory(r->ctx);
    for (size_t i = 0; i < t->rows; i++) {
        size_t width = BASE_MIN(data_table_width(t, i), t->columns);
        for (size_t c = 0; c < width; c++) {
            const char *text = data_table_cell(t, i, c);
            double x;
            if (columns[c].text || !*text) continue;
            if (base_parse_double(text, strlen(text), &x))
                describe_spread_add(&columns[c].spread, x);
            else
                columns[c].text = true;
        }
    }
    for (size_t c = 0; c < t->columns; c++) {
        const describe_spread *s = &columns[c].spread;
        if (columns[c].text || !s->values) continue;
        numeric++;
        if (t->names && t->columns <= 12) describe_spread_put(r, t->names[c], s);
        all.nan += s->nan;
        all.positive_infinite += s->positive_infinite;
        all.negative_infinite += s->negative_infinite;
        empty += t->rows - s->values;
    }
    base_free(columns);
    describe_field(r, "numeric columns", numeric);
    if (!t->names || t->columns > 12) describe_spread_oddities(r, &all);
    describe_oddity(r, "empty cells in numeric columns", empty);
    return AFFECT_OK;
}

static affect_status open_any_table(affect_context *ctx, const char *path,
                                    const data_table_options *options, data_table **out) {
    if (base_ends_with(path, ".xlsx")) return data_xlsx_open(ctx, path, options, out);
    if (base_ends_with(path, ".jsonl")) return data_json_lines_open(ctx, path, out);
    return data_table_open(ctx, path, options, out);
}

static affect_status describe_table(describe_report *r, const char *path) {
    data_table *t;
    data_table_options options = {.ragged = true};
    affect_status status = open_any_table(r->ctx, path, &options, &t);
    if (status) return status;
    const struct known_table *known = NULL;
    for (size_t k = 0; k < BASE_COUNT(known_tables) && !known; k++) {
        known = &known_tables[k];
        for (size_t c = 0; c < 6 && known && known_tables[k].columns[c]; c++)
            if (data_table_column(t, known_tables[k].columns[c]) < 0) known = NULL;
    }
    /* GoEmotions and XED have no header: their second column is a list of numbers in the first row
     * already. */
    bool headless = false, numbers = t->columns > 0;
    double x;
    for (size_t c = 0; c < t->columns; c++)
        numbers &= base_parse_double(t->names[c], strlen(t->names[c]), &x);
    if (!known && t->columns >= 2 && t->columns <= 3 && is_label_list(t->names[1])) headless = true;
    bool transcripts = !known && t->columns == 4 && is_label_list(t->names[2]) &&
                       is_label_list(t->names[3]) && !is_label_list(t->names[0]);
    if (!base_ends_with(path, ".jsonl") && (headless || transcripts || (!known && numbers))) {
        data_table_destroy(t);
        options = (data_table_options){.ragged = true, .no_header = true, .plain = headless};
        status = open_any_table(r->ctx, path, &options, &t);
        if (status) return status;
    }
    bool go = headless && t->columns == 3, xed = headless && t->columns == 2;
    describe_begin(r, path,
                   known         ? known->name
                   : go          ? "GoEmotions (27 emotions, 27 = neutral)"
                   : xed         ? "XED (Plutchik's eight, 1 anger to 8 trust)"
                   : transcripts ? "CMU-MOSI transcripts with sentiment (ACL-2017 set)"
                   : numbers     ? "a table of numbers without a header"
                                 : "a table",
                   known         ? known->licence
                   : go          ? "Apache-2.0"
                   : xed         ? "CC BY 4.0"
                   : transcripts ? "research; no licence file"
                                 : NULL);
    describe_field(r, "rows", t->rows);
    describe_field(r, "columns", t->columns);
    if (go || xed) {
        describe_tally labels = {0};
        size_t several = 0, unlabelled = 0;
        for (size_t i = 0; i < t->rows; i++) {
            const char *text = data_table_cell(t, i, 1);
            size_t found = 0;
            for (text += strspn(text, ", "); *text; text += strspn(text, ", "), found++) {
                size_t n = strcspn(text, ", ");
                describe_tally_add(&labels, text, n);
                text += n;
            }
            several += found > 1;
            unlabelled += !found;
        }
        describe_tally_put(r, "labels", &labels);
        describe_field(r, "rows with several labels", several);
        describe_oddity(r, "rows without a label", unlabelled);
    } else if (transcripts) {
        describe_tally labels = {0};
        for (size_t i = 0; i < t->rows; i++) {
            const char *text = data_table_cell(t, i, 3);
            describe_tally_add(&labels, text, strlen(text));
        }
        describe_tally_put(r, "sentiment (1 = positive)", &labels);
    } else if (known) {
        if (known->split) count_column(r, t, known->split, LABEL_ONE);
        if (known->label) count_column(r, t, known->label, known->form);
        if (known->label2) count_column(r, t, known->label2, known->form);
        if (known->speaker) count_column(r, t, known->speaker, LABEL_ONE);
        if (known == &known_tables[0]) describe_dialogues(r, t);
        if (strcmp(known->name, "FER+ votes") == 0) describe_votes(r, t);
        if (!known->label) status = describe_columns(r, t);
    } else {
        status = describe_columns(r, t);
    }
    describe_end(r);
    data_table_destroy(t);
    return status;
}

/* XED's neutral lines: "9<TAB>text". Anything else that ends in .txt is not described. */
static affect_status describe_neutral(describe_report *r, const char *path, bool *described) {
    data_table *t;
    const data_table_options options = {
        .ragged = true, .no_header = true, .plain = true, .delimiter = '\t'};
    affect_status status = data_table_open(r->ctx, path, &options, &t);
    if (status) return status;
    size_t empty = 0, other = 0;
    for (size_t i = 0; i < t->rows; i++) {
        other += strcmp(data_table_cell(t, i, 0), "9") != 0;
        empty += !*data_table_cell(t, i, 1);
    }
    *described = t->rows && strcmp(data_table_cell(t, 0, 0), "9") == 0;
    if (*described) {
        describe_begin(r, path, "XED neutral lines", "CC BY 4.0");
        describe_field(r, "rows", t->rows);
        describe_oddity(r, "rows without text", empty);
        describe_oddity(r, "rows of another label", other);
        describe_end(r);
    }
    data_table_destroy(t);
    return AFFECT_OK;
}

/* ---- npy and npz ---- */

static void shape_text(char *out, size_t room, const char *type, const size_t *shape, size_t rank) {
    size_t n = (size_t)snprintf(out, room, "%s (", type);
    for (size_t k = 0; k < rank && n + 24 < room; k++)
        n += (size_t)snprintf(out + n, room - n, k ? ", %zu" : "%zu", shape[k]);
    snprintf(out + n, room - n, ")");
}

static void walk_value(describe_report *r, const char *path, const data_value *value, int depth);

static affect_status describe_npy(describe_report *r, const char *name, const data_npy *npy) {
    const data_array *a = &npy->values;
    char text[512];
    shape_text(text, sizeof text, data_type_name(a->type), a->shape, a->rank);
    if (a->type == DATA_OBJECT) {
        data_document *document;
        affect_status status =
            data_pickle_parse(r->ctx, name, a->bytes, npy->length, NULL, &document);
        if (status) return status;
        walk_value(r, name, data_document_root(document), 0);
        data_document_destroy(document);
        return AFFECT_OK;
    }
    describe_field_text(r, name, text);
    if (a->type < DATA_CHARS) {
        describe_spread s = {0};
        for (size_t i = 0; i < a->count; i++) describe_spread_add(&s, data_array_number(a, i));
        snprintf(text, sizeof text, "%.200s values", name);
        describe_spread_put(r, text, &s);
    }
    return AFFECT_OK;
}

static affect_status describe_npz(describe_report *r, const char *path) {
    data_npz *zip;
    affect_status status = data_npz_open(r->ctx, path, &zip);
    if (status) return status;
    bool corpus = false, wheels = false, images = false;
    for (size_t k = 0; k < data_npz_count(zip); k++) {
        corpus |= strcmp(data_npz_name(zip, k), "train_corpus") == 0;
        wheels |= strcmp(data_npz_name(zip, k), "wheel_map_whole") == 0;
        images |= strcmp(data_npz_name(zip, k), "images") == 0;
    }
    describe_begin(r, path,
                   corpus   ? "MERBench labels"
                   : wheels ? "emotion wheels (MER 2025 and 2026)"
                   : images ? "images"
                            : "an npz archive",
                   corpus || wheels ? "Apache-2.0 repository; the service is non-commercial"
                                    : NULL);
    for (size_t k = 0; k < data_npz_count(zip) && !status; k++) {
        data_npy *array;
        status = data_npz_array(r->ctx, zip, data_npz_name(zip, k), &array);
        if (!status) status = describe_npy(r, data_npz_name(zip, k), array);
        data_npy_destroy(array);
    }
    describe_end(r);
    data_npz_destroy(zip);
    return status;
}

/* ---- pickles ---- */

/* A dict of many {emo, val}: MERBench's form of labels. */
static bool describe_corpus(describe_report *r, const char *name, const data_value *value) {
    size_t n = value->as.list.count / 2;
    if (!n || !data_get(value->as.list.items[1], "emo")) return false;
    describe_tally labels = {0};
    describe_spread valence = {0};
    for (size_t i = 0; i < n; i++) {
        const data_value *row = value->as.list.items[2 * i + 1], *emo = data_get(row, "emo");
        double x;
        char number[32];
        if (emo && emo->kind == DATA_TEXT) {
            describe_tally_add(&labels, emo->as.text.bytes, emo->as.text.length);
        } else if (data_number(emo, &x)) {
            int length = snprintf(number, sizeof number, "%g", x);
            describe_tally_add(&labels, number, (size_t)length);
        }
        if (data_number(data_get(row, "val"), &x)) describe_spread_add(&valence, x);
    }
    char key[256];
    describe_field(r, name, n);
    snprintf(key, sizeof key, "%s emo", name);
    describe_tally_put(r, key, &labels);
    snprintf(key, sizeof key, "%s val", name);
    describe_spread_put(r, key, &valence);
    return true;
}

static void walk_value(describe_report *r, const char *path, const data_value *value, int depth) {
    char text[512];
    if (!value) return;
    if (value->kind == DATA_ARRAY) {
        const data_array *a = value->as.array;
        if (a->type == DATA_OBJECT && a->rank == 0) {
            walk_value(r, path, a->items[0], depth);
            return;
        }
        shape_text(text, sizeof text, data_type_name(a->type), a->shape, a->rank);
        describe_field_text(r, path, text);
        if (a->type >= DATA_BOOL8) return;
        describe_spread s = {0};
        for (size_t i = 0; i < a->count; i++) describe_spread_add(&s, data_array_number(a, i));
        snprintf(text, sizeof text, "%s values", path);
        describe_spread_put(r, text, &s);
        return;
    }
    if (value->kind == DATA_DICT && describe_corpus(r, path, value)) return;
    size_t n = data_length(value);
    snprintf(text, sizeof text, "%s of %zu", data_kind_name(value->kind), n);
    bool list = value->kind == DATA_LIST || value->kind == DATA_TUPLE;
    if (list || value->kind == DATA_DICT) describe_field_text(r, path, text);
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
        walk_value(r, text, item, depth + 1);
    }
}

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

/* DialogueRNN's form: ids, speakers and labels of a dialogue's utterances, each a dict by dialogue,
 * then features; the last lists name the dialogues to train and to test on. */
static void describe_conversations(describe_report *r, const data_value *root) {
    const data_value *ids = data_item(root, 0), *labels = data_item(root, 2);
    describe_tally tally = {0};
    size_t utterances = 0, unlabelled = 0;
    for (size_t i = 0; i < data_length(labels) && labels->kind == DATA_DICT; i++) {
        const data_value *row = labels->as.list.items[2 * i + 1];
        const data_value *names = ids && ids->kind == DATA_DICT && i < data_length(ids)
                                      ? ids->as.list.items[2 * i + 1]
                                      : row;
        utterances += data_length(row);
        unlabelled += data_length(names) > data_length(row);
        for (size_t k = 0; k < data_length(row); k++) {
            char number[32];
            double x = NAN;
            if (row->kind == DATA_ARRAY)
                x = data_array_number(row->as.array, k);
            else if (!data_number(data_item(row, k), &x))
                continue;
            int n = snprintf(number, sizeof number, "%g", x);
            describe_tally_add(&tally, number, (size_t)n);
        }
    }
    describe_field(r, "dialogues", data_length(labels));
    describe_field(r, "utterances", utterances);
    if (tally.count) describe_tally_put(r, "labels", &tally);
    describe_oddity(r, "dialogues with fewer labels than utterances", unlabelled);
    describe_tally_clear(&tally);
}

static affect_status describe_pickle(describe_report *r, const char *path) {
    data_document *document;
    affect_status status = data_pickle_read(r->ctx, path, &document);
    if (status) return status;
    const data_value *root = data_document_root(document), *train = data_get(root, "train");
    const struct mmsa_set *mmsa = NULL;
    char what[128] = "a pickle";
    const char *licence = NULL;
    bool conversations = false;
    if (train && data_get(train, "vision") && data_get(train, "regression_labels")) {
        mmsa = find_mmsa(root);
        snprintf(what, sizeof what, "MMSA features (%s)",
                 mmsa ? mmsa->name : "MOSI, MOSEI or SIMS");
        licence = "that of the corpus (CMU-MOSI and MOSEI: research; SIMS: research)";
    } else if (root && (root->kind == DATA_TUPLE || root->kind == DATA_LIST)) {
        size_t n = data_length(root), dicts = 0, arrays = 0;
        for (size_t i = 0; i < n; i++) {
            const data_value *item = data_item(root, i);
            dicts += item && item->kind == DATA_DICT;
            arrays += item && item->kind == DATA_ARRAY;
        }
        conversations = n >= 6 && n <= 14 && dicts >= 5;
        if (conversations) {
            const data_value *first = data_item(root, 2);
            const data_value *key =
                data_length(first) && first->kind == DATA_DICT ? first->as.list.items[0] : NULL;
            bool session = key && (key->kind == DATA_TEXT || key->kind == DATA_BYTES) &&
                           key->as.text.length > 3 && memcmp(key->as.text.bytes, "Ses", 3) == 0;
            snprintf(what, sizeof what, "%s features (DialogueRNN form: a dict per dialogue)",
                     session ? "IEMOCAP" : "conversation");
            licence = "that of the corpus (IEMOCAP: signed licence; MELD: research)";
        } else if (n >= 4 && n <= 10 && arrays >= 4) {
            snprintf(what, sizeof what,
                     "utterance features (ACL-2017 bc-LSTM form: arrays of videos x utterances)");
            licence = "research; no licence file";
        }
    }
    describe_begin(r, path, what, licence);
    if (conversations) describe_conversations(r, root);
    walk_value(r, "root", root, 0);
    status = describe_check(r, path, mmsa != NULL);
    describe_end(r);
    data_document_destroy(document);
    return status;
}

/* ---- ARFF ---- */

typedef struct arff_counts {
    size_t rows, kinds[3], missing;
    describe_spread numbers;
    describe_tally labels; /* of the last attribute, where it is nominal */
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
        else if (arff->attributes[i].kind == DATA_ARFF_NUMERIC &&
                 base_parse_double(cells[i], strlen(cells[i]), &x))
            describe_spread_add(&c->numbers, x);
    }
    const char *last = cells[arff->count - 1];
    if (last && arff->attributes[arff->count - 1].kind == DATA_ARFF_NOMINAL)
        describe_tally_add(&c->labels, last, strlen(last));
    return AFFECT_OK;
}

static affect_status describe_arff(describe_report *r, const char *path) {
    arff_counts c = {0};
    affect_status status = data_arff_read(r->ctx, path, count_attributes, count_row, &c);
    if (!status) {
        describe_begin(r, path, "an ARFF table", NULL); /* openSMILE and Weka sets alike */
        describe_field(r, "rows", c.rows);
        describe_field(r, "numeric attributes", c.kinds[DATA_ARFF_NUMERIC]);
        describe_field(r, "nominal attributes", c.kinds[DATA_ARFF_NOMINAL]);
        describe_field(r, "text attributes", c.kinds[DATA_ARFF_STRING]);
        describe_oddity(r, "unknown values", c.missing);
        describe_spread_oddities(r, &c.numbers);
        if (c.labels.count) describe_tally_put(r, "classes", &c.labels);
        describe_end(r);
    }
    describe_tally_clear(&c.labels);
    return status;
}

/* ---- files and folders ---- */

static bool ends_with_one(const char *path, const char *const *suffixes, size_t n) {
    for (size_t k = 0; k < n; k++)
        if (base_ends_with(path, suffixes[k])) return true;
    return false;
}

/* NOT_FOUND without a message stands for a kind of file that is not described. */
static affect_status describe_file(describe_report *r, const char *path, bool *described) {
    static const char *const tables[] = {".csv", ".tsv", ".xlsx", ".jsonl"},
                             *const pickles[] = {".pkl", ".pickle"},
                             *const hdf5[] = {".csd", ".h5", ".hdf5", ".mat"};
    *described = true;
    if (ends_with_one(path, tables, BASE_COUNT(tables))) return describe_table(r, path);
    if (ends_with_one(path, pickles, BASE_COUNT(pickles))) return describe_pickle(r, path);
    if (base_ends_with(path, ".arff")) return describe_arff(r, path);
    if (base_ends_with(path, ".txt")) return describe_neutral(r, path, described);
    if (ends_with_one(path, hdf5, BASE_COUNT(hdf5))) return describe_hdf5(r, path);
    if (base_ends_with(path, ".npz")) return describe_npz(r, path);
    if (base_ends_with(path, ".npy")) {
        data_npy *array;
        affect_status status = data_npy_open(r->ctx, path, &array);
        if (status) return status;
        describe_begin(r, path, "an array", NULL);
        status = describe_npy(r, "array", array);
        describe_end(r);
        data_npy_destroy(array);
        return status;
    }
    *described = false;
    return AFFECT_OK;
}

typedef struct media_names {
    size_t files;
    describe_tally emotion, speaker;
    const char *what, *licence;
} media_names;

static bool digits(const char *text, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (text[i] < '0' || text[i] > '9') return false;
    return true;
}

/* Emotion and speaker out of the file name, in the ways of RAVDESS, CREMA-D and nEMO. */
static void read_name(media_names *m, const char *name) {
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
        m->what = "RAVDESS recordings";
        m->licence = "CC BY-NC-SA 4.0";
    } else if (n == 15 && digits(name, 4) && name[4] == '_' && name[8] == '_' && name[12] == '_') {
        emotion = name + 9;
        emotion_length = 3;
        speaker = name;
        speaker_length = 4;
        m->what = "CREMA-D recordings";
        m->licence = "ODbL";
    } else if (n > 6 && name[2] == '0' && name[3] == '_' && name[0] >= 'A' && name[0] <= 'Z') {
        const char *last = memchr(name + 4, '_', n - 4);
        if (!last || !digits(last + 1, (size_t)(name + n - last - 1))) return;
        emotion = name + 4;
        emotion_length = (size_t)(last - emotion);
        speaker = name;
        speaker_length = 3;
        m->what = "nEMO recordings";
        m->licence = "CC BY-NC-SA 4.0";
    } else {
        return;
    }
    describe_tally_add(&m->emotion, emotion, emotion_length);
    describe_tally_add(&m->speaker, speaker, speaker_length);
}

static int plain_name(const struct dirent *entry) { return entry->d_name[0] != '.'; }

static affect_status describe_folder(describe_report *r, const char *path, int depth) {
    static const char *const media[] = {".wav", ".ogg", ".flac", ".mp3", ".opus",
                                        ".mp4", ".avi", ".mkv",  ".webm"};
    struct dirent **entries;
    int n = scandir(path, &entries, plain_name, alphasort);
    if (n < 0) return base_fail(r->ctx, AFFECT_ERROR_NOT_FOUND, "%s: cannot be read", path);
    media_names names = {.what = "recordings"};
    affect_status status = AFFECT_OK;
    for (int i = 0; i < n; i++) {
        char *file = status ? NULL : base_path_join(path, entries[i]->d_name);
        struct stat info;
        if (!status && !file) status = base_fail_memory(r->ctx);
        if (file && lstat(file, &info) == 0) {
            bool described;
            if (S_ISDIR(info.st_mode) && depth < 8) {
                status = describe_folder(r, file, depth + 1);
            } else if (S_ISREG(info.st_mode) && ends_with_one(file, media, BASE_COUNT(media))) {
                read_name(&names, entries[i]->d_name);
            } else if (S_ISREG(info.st_mode)) {
                size_t length = r->out->length, files = r->files;
                affect_status one = describe_file(r, file, &described);
                if (one == AFFECT_ERROR_MEMORY) {
                    status = one;
                } else if (one) { /* the rest of the folder is still of interest */
                    r->out->length = length;
                    if (r->out->data) r->out->data[length] = 0;
                    r->files = files;
                    describe_begin(r, file, "unreadable", NULL);
                    describe_field_text(r, "error", affect_context_message(r->ctx));
                    describe_end(r);
                }
            }
        }
        base_free(file);
        free(entries[i]);
    }
    free(entries);
    if (!status && names.files) {
        describe_begin(r, path, names.what, names.licence);
        describe_field(r, "files", names.files);
        if (names.emotion.count) {
            describe_tally_put(r, "emotion", &names.emotion);
            describe_tally_put(r, "speaker", &names.speaker);
        }
        describe_end(r);
    }
    return status;
}

affect_status data_describe(affect_context *ctx, const char *path, bool json, bool check,
                            base_text *out, size_t *mismatches) {
    describe_report r = {.ctx = ctx, .out = out, .json = json, .check = check};
    bool described = true;
    if (json) base_text_append(out, "[");
    affect_status status =
        base_is_folder(path) ? describe_folder(&r, path, 0) : describe_file(&r, path, &described);
    if (!status && !described)
        status = base_file_exists(path)
                     ? base_fail(ctx, AFFECT_ERROR_UNSUPPORTED,
                                 "%s: expected a folder, CSV, TSV, xlsx, ARFF, npy, npz, "
                                 "JSON Lines, HDF5 or pickle",
                                 path)
                     : base_fail(ctx, AFFECT_ERROR_NOT_FOUND, "%s: does not exist", path);
    if (json) base_text_append(out, "]\n");
    if (!status && out->failed) status = base_fail_memory(ctx);
    *mismatches = r.mismatches;
    return status;
}
