/* Tables: rows, labels, splits, times, what a user should know before training on them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/frame.h"
#include "data/xlsx.h"
#include "datasets/datasets_private.h"

static void count_column(datasets_report *r, const data_table *t, const char *column,
                         datasets_form form) {
    int at = data_table_column(t, column);
    datasets_tally labels = {0};
    char text_empty[128];
    size_t empty = 0;
    if (at < 0) return;
    for (size_t i = 0; i < t->rows; i++) {
        const char *text = data_table_cell(t, i, (size_t)at);
        empty += !*text;
        if (form == DATASETS_LABEL_QUOTED) {
            for (const char *c = strpbrk(text, "'\""); c; c = strpbrk(c, "'\"")) {
                size_t n = strcspn(c + 1, "'\"");
                datasets_tally_add(&labels, c + 1, n);
                c += 1 + n + (c[1 + n] != 0);
            }
        } else if (*text) {
            size_t n;
            text += strspn(text, " \t");
            for (n = strlen(text); n && (text[n - 1] == ' ' || text[n - 1] == '\t');) n--;
            datasets_tally_add(&labels, text, n);
        }
    }
    datasets_tally_put(r, column, &labels);
    snprintf(text_empty, sizeof text_empty, "rows without %.100s", column);
    datasets_oddity(r, text_empty, empty);
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
static void describe_dialogues(datasets_report *r, const data_table *t) {
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
    datasets_field(r, "dialogues", dialogues);
    datasets_field(r, "consecutive pairs", pairs);
    datasets_oddity(r, "rows that end before they start", empty);
    datasets_oddity(r, "rows longer than 30 s", lengthy);
    datasets_oddity(r, "consecutive pairs that overlap or run backwards", overlap);
    datasets_oddity(r, "gaps in the utterance numbers", gaps);
    datasets_oddity(r, "rows with unreadable times", unread);
}

/* Rows whose key was met before, in this file or, where files are splits, in another. */
static void describe_keys(datasets_report *r, const data_table *t, const char *set,
                          const int *columns, size_t count, bool splits) {
    datasets_seen here = {0};
    size_t repeated = 0, elsewhere = 0;
    for (size_t i = 0; i < t->rows; i++) {
        uint64_t hash = datasets_hash(0, set, strlen(set));
        for (size_t k = 0; k < count; k++) {
            const char *text = data_table_cell(t, i, (size_t)columns[k]);
            hash = datasets_hash(hash, text, strlen(text));
        }
        bool again = datasets_seen_add(&here, hash);
        repeated += again;
        if (!again && splits && r->folder) elsewhere += datasets_seen_add(r->folder, hash);
    }
    if (here.failed || (r->folder && r->folder->failed)) r->out->failed = true;
    datasets_seen_clear(&here);
    datasets_oddity(r, "rows whose id stands further up", repeated);
    datasets_oddity(r, "rows that are in another file of this folder too", elsewhere);
}

/* Traces: time should rise from row to row. */
static void describe_time(datasets_report *r, const data_table *t, const char *column) {
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
    datasets_oddity(r, "rows that run backwards in time", backwards);
    datasets_oddity(r, "rows at the time of the one before", repeated);
}

/* FER+: the class with most votes among the eight, as the set's "majority" mode counts it. */
static void describe_votes(datasets_report *r, const data_table *t) {
    int first = data_table_column(t, "neutral"), last = data_table_column(t, "NF");
    datasets_tally winners = {0};
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
        datasets_tally_add(&winners, t->names[first + winner], strlen(t->names[first + winner]));
    }
    datasets_tally_put(r, "most votes", &winners);
    datasets_oddity(r, "rows without an absolute majority", no_majority);
    datasets_oddity(r, "rows whose votes are not ten", odd_sum);
}

/* Rows may be far narrower than the header: only the cells that are there are looked at. */
static affect_status describe_columns(datasets_report *r, const data_table *t) {
    struct column {
        datasets_spread spread;
        bool text;
    } *columns = base_calloc(t->columns + 1, sizeof *columns);
    datasets_spread all = {0};
    size_t numeric = 0, empty = 0;
    if (!columns) return base_fail_memory(r->ctx);
    for (size_t i = 0; i < t->rows; i++) {
        size_t width = BASE_MIN(data_table_width(t, i), t->columns);
        for (size_t c = 0; c < width; c++) {
            const char *text = data_table_cell(t, i, c);
            double x;
            if (columns[c].text || !*text) continue;
            if (base_parse_double(text, strlen(text), &x))
                datasets_spread_add(&columns[c].spread, x);
            else
                columns[c].text = true;
        }
    }
    for (size_t c = 0; c < t->columns; c++) {
        const datasets_spread *s = &columns[c].spread;
        if (columns[c].text || !s->values) continue;
        numeric++;
        if (t->names && t->columns <= 12) datasets_spread_put(r, t->names[c], s);
        all.nan += s->nan;
        all.positive_infinite += s->positive_infinite;
        all.negative_infinite += s->negative_infinite;
        empty += t->rows - s->values;
    }
    base_free(columns);
    datasets_field(r, "numeric columns", numeric);
    if (!t->names || t->columns > 12) datasets_spread_oddities(r, &all);
    datasets_oddity(r, "empty cells in numeric columns", empty);
    return AFFECT_OK;
}

/* EmoBox: seconds of a recording. */
static void describe_lengths(datasets_report *r, const data_table *t, size_t column) {
    datasets_spread seconds = {0};
    size_t none = 0;
    for (size_t i = 0; i < t->rows; i++) {
        const char *text = data_table_cell(t, i, column);
        double x;
        if (!base_parse_double(text, strlen(text), &x)) continue;
        datasets_spread_add(&seconds, x);
        none += x <= 0;
    }
    datasets_spread_put(r, "length", &seconds);
    datasets_oddity(r, "rows of zero length", none);
}

static affect_status open_any_table(affect_context *ctx, const char *path,
                                    const data_table_options *options, data_table **out) {
    if (base_ends_with(path, ".xlsx")) return data_xlsx_open(ctx, path, options, out);
    if (base_ends_with(path, ".jsonl")) return data_json_lines_open(ctx, path, out);
    return data_table_open(ctx, path, options, out);
}

/* Lists of label numbers: GoEmotions, XED. */
static void describe_numbers(datasets_report *r, const data_table *t) {
    datasets_tally labels = {0};
    size_t several = 0, unlabelled = 0;
    for (size_t i = 0; i < t->rows; i++) {
        const char *text = data_table_cell(t, i, 1);
        size_t found = 0;
        for (text += strspn(text, ", "); *text; text += strspn(text, ", "), found++) {
            size_t n = strcspn(text, ", ");
            datasets_tally_add(&labels, text, n);
            text += n;
        }
        several += found > 1;
        unlabelled += !found;
    }
    datasets_tally_put(r, "labels", &labels);
    datasets_field(r, "rows with several labels", several);
    datasets_oddity(r, "rows without a label", unlabelled);
}

/* A table whose header is known. */
static affect_status describe_known(datasets_report *r, const data_table *t,
                                    const datasets_set *set) {
    if (set->split) count_column(r, t, set->split, DATASETS_LABEL_ONE);
    if (set->label) count_column(r, t, set->label, set->form);
    if (set->label2) count_column(r, t, set->label2, set->form);
    if (set->speaker) count_column(r, t, set->speaker, DATASETS_LABEL_ONE);
    if (set->dialogues) describe_dialogues(r, t);
    if (set->votes) describe_votes(r, t);
    int columns[BASE_COUNT(set->key)];
    size_t keys = 0;
    for (; keys < BASE_COUNT(set->key) && set->key[keys]; keys++) {
        columns[keys] = data_table_column(t, set->key[keys]);
        if (columns[keys] < 0) break;
    }
    if (keys && (keys == BASE_COUNT(set->key) || !set->key[keys]))
        describe_keys(r, t, set->name, columns, keys, set->splits);
    if (set->time) describe_time(r, t, set->time);
    affect_status status = set->label ? AFFECT_OK : describe_columns(r, t);
    int length = data_table_column(t, "length");
    if (length >= 0) describe_lengths(r, t, (size_t)length);
    if (set->note) datasets_field_text(r, "note", set->note);
    return status;
}

affect_status datasets_describe_table(datasets_report *r, const char *path) {
    data_table *t;
    data_table_options options = {.ragged = true};
    affect_status status = open_any_table(r->ctx, path, &options, &t);
    if (status) return status;
    const datasets_set *set = datasets_by_header(t);
    const bool known = set != NULL;
    if (!known) set = datasets_by_first_row(t);
    const bool listed = set->layout == DATASETS_GOEMOTIONS || set->layout == DATASETS_XED;
    if (!base_ends_with(path, ".jsonl") && (known ? set->plain : set->layout != DATASETS_TABLE)) {
        data_table_destroy(t);
        options =
            (data_table_options){.ragged = true, .no_header = !known, .plain = known || listed};
        status = open_any_table(r->ctx, path, &options, &t);
        if (status) return status;
    }
    datasets_begin_set(r, path, set, NULL);
    datasets_field(r, "rows", t->rows);
    datasets_field(r, "columns", t->columns);
    if (known) {
        status = describe_known(r, t, set);
    } else if (listed) {
        const int id = 2;
        describe_numbers(r, t);
        if (set->layout == DATASETS_GOEMOTIONS) describe_keys(r, t, "GoEmotions", &id, 1, true);
    } else if (set->layout == DATASETS_MOSI_TRANSCRIPTS) {
        datasets_tally labels = {0};
        for (size_t i = 0; i < t->rows; i++) {
            const char *text = data_table_cell(t, i, 3);
            datasets_tally_add(&labels, text, strlen(text));
        }
        datasets_tally_put(r, "sentiment (1 = positive)", &labels);
    } else {
        status = describe_columns(r, t);
    }
    datasets_end(r);
    data_table_destroy(t);
    return status;
}

/* XED's neutral lines: "9<TAB>text". Anything else that ends in .txt is not described. */
affect_status datasets_describe_neutral(datasets_report *r, const char *path, bool *described) {
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
        datasets_begin_set(r, path, datasets_by_layout(DATASETS_XED_NEUTRAL), NULL);
        datasets_field(r, "rows", t->rows);
        datasets_oddity(r, "rows without text", empty);
        datasets_oddity(r, "rows of another label", other);
        datasets_end(r);
    }
    data_table_destroy(t);
    return AFFECT_OK;
}
