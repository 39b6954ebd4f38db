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
    const char *key[4]; /* columns that name a row */
    bool splits;        /* a key in two files of a folder is in two splits */
    const char *time;   /* a column of seconds */
} known_tables[] = {
    {"MELD (utterances)",
     "GPL-3 repository, text of a television series: research only",
     {"Utterance", "Speaker", "Emotion", "Sentiment", "Dialogue_ID", "Utterance_ID"},
     "Emotion",
     "Sentiment",
     NULL,
     "Speaker",
     LABEL_ONE,
     .key = {"Dialogue_ID", "Utterance_ID"}},
    {"EmoryNLP (utterances)",
     "Apache-2.0 repository, text of a television series: research only",
     {"Utterance", "Speaker", "Emotion", "Scene_ID"},
     "Emotion",
     NULL,
     NULL,
     "Speaker",
     LABEL_ONE,
     .key = {"Season", "Episode", "Scene_ID", "Utterance_ID"},
     .splits = true},
    {"FER+ votes",
     "votes MIT (Microsoft); the FER2013 images are for research",
     {"neutral", "happiness", "surprise", "contempt", "unknown", "NF"},
     NULL,
     NULL,
     "Usage",
     NULL,
     LABEL_NONE,
     .key = {"Image name"},
     .splits = true},
    {"EmoBank",
     "CC BY-SA 4.0",
     {"id", "split", "V", "A", "D", "text"},
     NULL,
     NULL,
     "split",
     NULL,
     0,
     .key = {"id"}},
    {"EmoBank (means and deviations of one perspective)",
     "CC BY-SA 4.0",
     {"id", "V", "A", "D", "stdV", "N"},
     NULL,
     NULL,
     NULL,
     NULL,
     0,
     .key = {"id"}},
    {"GoEmotions (every rater's answer)",
     "Apache-2.0",
     {"text", "id", "rater_id", "example_very_unclear", "admiration", "neutral"},
     "example_very_unclear",
     NULL,
     NULL,
     NULL,
     LABEL_ONE,
     .key = {"id", "rater_id"},
     .splits = true},
    {"nEMO",
     "CC BY-NC-SA 4.0",
     {"file_id", "emotion", "raw_text", "speaker_id"},
     "emotion",
     "gender",
     NULL,
     "speaker_id",
     LABEL_ONE,
     .key = {"file_id"}},
    {"CREMA-D summary of votes",
     "ODbL",
     {"FileName", "VoiceVote", "FaceVote", "MultiModalVote"},
     "VoiceVote",
     "MultiModalVote",
     NULL,
     NULL,
     LABEL_ONE,
     .key = {"FileName"}},
    {"CREMA-D responses of every rater",
     "ODbL",
     {"localid", "queryType", "clipName", "respEmo", "respLevel", "dispEmo"},
     "respEmo",
     "queryType",
     NULL,
     NULL,
     LABEL_ONE,
     .key = {NULL}},
    {"CREMA-D first responses with their time",
     "ODbL",
     {"localid", "queryType", "clipName", "ttr", "questNum"},
     "queryType",
     NULL,
     NULL,
     NULL,
     LABEL_ONE,
     .key = {NULL}},
    {"CREMA-D votes",
     "ODbL",
     {"fileName", "numResponses", "emoVote"},
     "emoVote",
     NULL,
     NULL,
     NULL,
     1,
     .key = {NULL}},
    {"CREMA-D actors",
     "ODbL",
     {"ActorID", "Age", "Sex", "Race"},
     "Sex",
     "Race",
     NULL,
     NULL,
     1,
     .key = {"ActorID"}},
    {"CREMA-D stimuli",
     "ODbL",
     {"Stimulus_Number", "Filename"},
     NULL,
     NULL,
     NULL,
     NULL,
     0,
     .key = {"Filename"}},
    {"RAVDESS action units (clip means)",
     "from CC BY-NC-SA 4.0 material",
     {"clip", "actor", "emotion", "statement", "AU01_r"},
     "emotion",
     NULL,
     NULL,
     "actor",
     LABEL_ONE,
     .key = {NULL}},
    {"EmoBox folds",
     "that of the corpus (RAVDESS: CC BY-NC-SA 4.0)",
     {"clip", "test_fold", "emotion", "seconds"},
     "emotion",
     NULL,
     "test_fold",
     NULL,
     LABEL_ONE,
     .key = {NULL}},
    {"Java-SED",
     "MIT",
     {"path", "label", "speaker", "sentence"},
     "label",
     NULL,
     NULL,
     "speaker",
     LABEL_ONE,
     .key = {"path"},
     .splits = true},
    {"open-vocabulary labels (MER)",
     "Apache-2.0 repository; the service is non-commercial",
     {"name", "openset"},
     "openset",
     NULL,
     NULL,
     NULL,
     LABEL_QUOTED,
     .key = {"name"}},
    {"MERBench labels (MER 2023)",
     "Apache-2.0 repository; the recordings by request, research only",
     {"name", "discrete"},
     "discrete",
     NULL,
     NULL,
     NULL,
     LABEL_ONE,
     .key = {"name"},
     .splits = true},
    {"MERBench transcripts",
     "Apache-2.0 repository; the service is non-commercial",
     {"name", "chinese"},
     NULL,
     NULL,
     NULL,
     NULL,
     LABEL_NONE,
     .key = {"name"}},
    {"MMSA labels (CMU-MOSI, CMU-MOSEI, CH-SIMS)",
     "that of the corpus (research only)",
     {"video_id", "clip_id", "text", "label", "mode"},
     "annotation",
     NULL,
     "mode",
     NULL,
     LABEL_ONE,
     .key = {"video_id", "clip_id"}},
    {"EmoBox split",
     "MIT repository; the recordings' licences are their corpora's",
     {"key", "dataset", "wav", "emo"},
     "emo",
     NULL,
     "dataset",
     NULL,
     LABEL_ONE,
     .key = {"key"},
     .splits = true},
    {"studyforrest portrayed emotions",
     "CC0",
     {"start", "end", "character", "arousal", "valence", "oncue"},
     "emotion",
     "oncue",
     NULL,
     "character",
     LABEL_ONE,
     .key = {NULL}},
    {"emotion wheel (MER 2025 and 2026)",
     "Apache-2.0 repository; the service is non-commercial",
     {"level1", "level2", "level3"},
     NULL,
     NULL,
     NULL,
     NULL,
     LABEL_NONE,
     .key = {NULL}},
    {"emotion synonyms (MER 2025 and 2026)",
     "Apache-2.0 repository; the service is non-commercial",
     {"word_run1", "synonym_run1"},
     NULL,
     NULL,
     NULL,
     NULL,
     LABEL_NONE,
     .key = {NULL}},
    {"emotion word forms (MER 2025 and 2026)",
     "Apache-2.0 repository; the service is non-commercial",
     {"name", "format"},
     NULL,
     NULL,
     NULL,
     NULL,
     LABEL_NONE,
     .key = {NULL}},
    {"Booth 2016 trace",
     "MIT",
     {"Time(sec)", "Data"},
     NULL,
     NULL,
     NULL,
     NULL,
     0,
     .time = "Time(sec)"},
    {"Booth 2016 feature",
     "MIT",
     {"Time(sec)", "Intensity"},
     NULL,
     NULL,
     NULL,
     NULL,
     0,
     .time = "Time(sec)"},
    {"Booth 2016 feature (difference)",
     "MIT",
     {"Time(sec)", "Diff Intensity"},
     NULL,
     NULL,
     NULL,
     NULL,
     0,
     .time = "Time(sec)"},
    {"Booth 2016 fused trace",
     "MIT",
     {"Time_sec", "Data"},
     NULL,
     NULL,
     NULL,
     NULL,
     0,
     .time = "Time_sec"},
    {"Booth 2016 triplet comparisons",
     "MIT",
     {"ref_start", "a_start", "b_start", "closer_to_ref"},
     "closer_to_ref",
     NULL,
     NULL,
     NULL,
     LABEL_ONE,
     .key = {NULL}},
    {"Booth 2016 triplets to compare",
     "MIT",
     {"ref_video_url", "ref_start", "a_start", "b_start"},
     NULL,
     NULL,
     NULL,
     NULL,
     LABEL_NONE,
     .key = {NULL}},
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

/* Rows whose key was met before, in this file or, where files are splits, in another. */
static void describe_keys(describe_report *r, const data_table *t, const char *set,
                          const int *columns, size_t count, bool splits) {
    describe_seen here = {0};
    size_t repeated = 0, elsewhere = 0;
    for (size_t i = 0; i < t->rows; i++) {
        uint64_t hash = describe_hash(0, set, strlen(set));
        for (size_t k = 0; k < count; k++) {
            const char *text = data_table_cell(t, i, (size_t)columns[k]);
            hash = describe_hash(hash, text, strlen(text));
        }
        bool again = describe_seen_add(&here, hash);
        repeated += again;
        if (!again && splits && r->folder) elsewhere += describe_seen_add(r->folder, hash);
    }
    if (here.failed || (r->folder && r->folder->failed)) r->out->failed = true;
    describe_seen_clear(&here);
    describe_oddity(r, "rows whose id stands further up", repeated);
    describe_oddity(r, "rows that are in another file of this folder too", elsewhere);
}

/* Traces: time should rise from row to row. */
static void describe_time(describe_report *r, const data_table *t, const char *column) {
    int at = data_table_column(t, column);
    size_t backwards = 0, repeated = 0;
    double before = NAN;
    if (at < 0) return;
    for (size_t i = 0; i < t->rows; i++) {
        const char *text = data_table_cell(t, i, (size_t)at);
        double x;
        if (!base_parse_double(text, strlen(text), &x)) continue;
        backwards += x < before;
        repeated += x == before;
        before = x;
    }
    describe_oddity(r, "rows that run backwards in time", backwards);
    describe_oddity(r, "rows at the time of the one before", repeated);
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

/* EmoBox: seconds of a recording. */
static void describe_lengths(describe_report *r, const data_table *t, size_t column) {
    describe_spread seconds = {0};
    size_t none = 0;
    for (size_t i = 0; i < t->rows; i++) {
        const char *text = data_table_cell(t, i, column);
        double x;
        if (!base_parse_double(text, strlen(text), &x)) continue;
        describe_spread_add(&seconds, x);
        none += x <= 0;
    }
    describe_spread_put(r, "length", &seconds);
    describe_oddity(r, "rows of zero length", none);
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
        if (go) {
            const int id = 2;
            describe_keys(r, t, "GoEmotions", &id, 1, true);
        }
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
        int columns[BASE_COUNT(known->key)];
        size_t keys = 0;
        for (; keys < BASE_COUNT(known->key) && known->key[keys]; keys++) {
            columns[keys] = data_table_column(t, known->key[keys]);
            if (columns[keys] < 0) break;
        }
        if (keys && (keys == BASE_COUNT(known->key) || !known->key[keys]))
            describe_keys(r, t, known->name, columns, keys, known->splits);
        if (known->time) describe_time(r, t, known->time);
        if (!known->label) status = describe_columns(r, t);
        int length = data_table_column(t, "length");
        if (length >= 0) describe_lengths(r, t, (size_t)length);
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

static affect_status describe_npy(describe_report *r, const char *name, const data_npy *npy) {
    const data_array *a = &npy->values;
    char text[512];
    describe_shape(text, sizeof text, a);
    if (a->type == DATA_OBJECT) {
        data_document *document;
        affect_status status =
            data_pickle_parse(r->ctx, name, a->bytes, npy->length, NULL, &document);
        if (status) return status;
        describe_value(r, name, data_document_root(document), 0);
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
    describe_members members = {0};
    for (size_t k = 0; k < data_npz_count(zip); k++) {
        corpus |= strcmp(data_npz_name(zip, k), "train_corpus") == 0 ||
                  strcmp(data_npz_name(zip, k), "whole_corpus") == 0;
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
    r->members = corpus ? &members : NULL;
    for (size_t k = 0; k < data_npz_count(zip) && !status; k++) {
        data_npy *array;
        status = data_npz_array_at(r->ctx, zip, k, &array);
        if (!status) status = describe_npy(r, data_npz_name(zip, k), array);
        data_npy_destroy(array);
    }
    r->members = NULL;
    describe_oddity(r, "clips in several splits", members.repeated);
    if (members.seen.failed) r->out->failed = true;
    describe_seen_clear(&members.seen);
    describe_end(r);
    data_npz_destroy(zip);
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
        else if (arff->attributes[i].kind != DATA_ARFF_NUMERIC)
            continue;
        else if (strcmp(cells[i], "0") == 0) /* most values of sparse rows */
            describe_spread_add(&c->numbers, 0);
        else if (base_parse_double(cells[i], strlen(cells[i]), &x))
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
        if (c.labels.count || c.labels.failed) describe_tally_put(r, "classes", &c.labels);
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
    if (base_ends_with(path, ".json")) return describe_json(r, path, described);
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
    size_t files, meld_dialogues;
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
    unsigned dialogue, utterance;
    char end;
    if (sscanf(name, "dia%5u_utt%5u%c", &dialogue, &utterance, &end) == 3 && end == '.') {
        m->files++;
        m->meld_dialogues = BASE_MAX(m->meld_dialogues, (size_t)dialogue + 1);
        m->what = "MELD recordings (labels: the table of the same split)";
        m->licence = "GPL-3 repository, a television series: research only";
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

enum { FEW_ARRAYS = 8 }; /* npy files that are described one by one */

typedef struct feature_files {
    size_t files, empty, unreadable;
    describe_tally widths;
    describe_spread rows, values;
} feature_files;

/* One clip's features: a vector, or frames x width. */
static affect_status add_features(describe_report *r, feature_files *f, const char *path) {
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
    describe_shape(text, sizeof text, &row);
    describe_tally_add(&f->widths, text, strlen(text));
    describe_spread_add(&f->rows, array->values.rank > 1 ? (double)array->values.shape[0] : 1);
    f->empty += array->values.count == 0;
    for (size_t i = 0; i < array->values.count; i++)
        describe_spread_add(&f->values, data_array_number(&array->values, i));
    data_npy_destroy(array);
    return AFFECT_OK;
}

static int plain_name(const struct dirent *entry) { return entry->d_name[0] != '.'; }

static affect_status describe_folder(describe_report *r, const char *path, int depth) {
    static const char *const media[] = {".wav", ".ogg", ".flac", ".mp3",  ".opus",
                                        ".mp4", ".avi", ".mkv",  ".webm", ".flv"};
    struct dirent **entries;
    int n = scandir(path, &entries, plain_name, alphasort);
    if (n < 0) return base_fail(r->ctx, AFFECT_ERROR_NOT_FOUND, "%s: cannot be read", path);
    media_names names = {.what = "recordings"};
    describe_seen keys = {0}, *keys_above = r->folder;
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
            if (S_ISDIR(info.st_mode) && depth < 8) {
                status = describe_folder(r, file, depth + 1);
            } else if (S_ISREG(info.st_mode) && ends_with_one(file, media, BASE_COUNT(media))) {
                read_name(&names, entries[i]->d_name);
            } else if (S_ISREG(info.st_mode) && arrays > FEW_ARRAYS &&
                       base_ends_with(file, ".npy")) {
                status = add_features(r, &features, file);
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
    r->folder = keys_above;
    describe_seen_clear(&keys);
    if (!status && features.files) {
        describe_begin(r, path, "features, an npy file a clip (MERBench form)", NULL);
        describe_field(r, "files", features.files);
        describe_tally_put(r, "shape of a row", &features.widths);
        describe_spread_put(r, "rows of a file", &features.rows);
        describe_spread_put(r, "values", &features.values);
        describe_oddity(r, "files of zero length", features.empty);
        describe_oddity(r, "unreadable files", features.unreadable);
        describe_end(r);
    }
    describe_tally_clear(&features.widths);
    if (!status && names.files) {
        describe_begin(r, path, names.what, names.licence);
        describe_field(r, "files", names.files);
        if (names.meld_dialogues) describe_field(r, "dialogues up to", names.meld_dialogues);
        if (names.emotion.count || names.emotion.failed || names.speaker.failed) {
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
