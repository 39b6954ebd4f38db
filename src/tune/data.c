/* Clips of analyzed recordings with labels: instruction pairs in the prompts that a tuned model is asked with later (reason/segment.c),
 * with the streams of face and voice. Answers hold labels first and then claims that the checker supports. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "affect/session.h"
#include "reason/reason.h"
#include "tune/data_private.h"

enum kind { LABEL, WORDS, EXPLANATION, MASKED, QUESTION, DESCRIPTION, KINDS };
static const char *const kind_names[KINDS] = {"label",  "words",    "explanation",
                                              "masked", "question", "description"};
enum { QUESTIONS = 2 }; /* of a segment */

typedef struct channels { /* of a stream, those of the first timeline that has it */
    char **names;
    size_t count;
} channels;

typedef struct making {
    affect_context *ctx;
    const tune_data_options *o;
    tune_data_counts *counts;
    affect_reasoner *reasoner;
    bool kinds[KINDS];
    tune_rows rows;
    tune_row **sorted; /* by recording */
    channels channels[REASON_STREAMS];
    size_t silent, broken; /* timelines without labels; unreadable */
    base_output out;
} making;

static affect_status read_kinds(making *m) {
    const char *text = m->o->kinds ? m->o->kinds : "label,words,explanation,masked,question";
    while (*text) {
        size_t n = strcspn(text, ","), k = 0;
        while (k < KINDS && (strlen(kind_names[k]) != n || strncmp(kind_names[k], text, n) != 0))
            k++;
        if (k == KINDS)
            return base_fail(m->ctx, AFFECT_ERROR_USAGE,
                             "'%.*s' is none of label, words, explanation, masked, question, "
                             "description",
                             (int)BASE_MIN(n, (size_t)40), text);
        m->kinds[k] = true;
        text += n + (text[n] == ',');
    }
    return AFFECT_OK;
}

/* ---- streams ---- */

static affect_status know_channels(making *m, size_t s, const reason_stream *stream) {
    channels *c = &m->channels[s];
    if (c->count || !stream->count) return AFFECT_OK;
    c->names = base_calloc(stream->width + 1, sizeof *c->names);
    if (!c->names) return base_fail_memory(m->ctx);
    for (; c->count < stream->width; c->count++) {
        c->names[c->count] = base_strdup(stream->channels[c->count]);
        if (!c->names[c->count]) return base_fail_memory(m->ctx);
    }
    return AFFECT_OK;
}

/* By name: another program version, or a model plugged in, may have other channels. */
static void put_stream(const channels *c, const reason_stream *stream, double rate_hz,
                       base_text *out) {
    base_text_printf(out, "{\"rate_hz\":%g,\"channels\":[", rate_hz);
    for (size_t i = 0; i < c->count; i++) {
        base_text_append(out, i ? "," : "");
        base_text_append_json(out, c->names[i]);
    }
    base_text_append(out, "],\"times\":[");
    for (size_t r = 0; r < stream->count; r++)
        base_text_printf(out, "%s%.3f", r ? "," : "", stream->times[r]);
    base_text_append(out, "],\"rows\":[");
    for (size_t r = 0; r < stream->count; r++) {
        base_text_append(out, r ? ",[" : "[");
        for (size_t i = 0; i < c->count; i++) {
            size_t k = i < stream->width && strcmp(stream->channels[i], c->names[i]) == 0 ? i : 0;
            while (k < stream->width && strcmp(stream->channels[k], c->names[i]) != 0) k++;
            float x = k < stream->width ? stream->rows[r * stream->width + k] : NAN;
            base_text_append(out, i ? "," : "");
            if (isfinite(x))
                base_text_printf(out, "%.5g", (double)x);
            else
                base_text_append(out, "null");
        }
        base_text_append(out, "]");
    }
    base_text_append(out, "]}");
}

static affect_status put_streams(making *m, const reason_recording *r, const reason_segment *g,
                                 base_text *out, size_t *present) {
    affect_status status = AFFECT_OK;
    *present = 0;
    base_text_append(out, "{");
    for (size_t s = 0; s < REASON_STREAMS && !status; s++) {
        reason_stream stream;
        status = reason_stream_read(r, g, s, m->o->rate_hz, &stream);
        if (!status) status = know_channels(m, s, &stream);
        *present += stream.count > 0;
        base_text_printf(out, "%s\"%s\":", s ? "," : "", reason_stream_names[s]);
        if (!status && stream.count)
            put_stream(&m->channels[s], &stream, m->o->rate_hz, out);
        else
            base_text_append(out, "null");
        reason_stream_clear(&stream);
    }
    base_text_append(out, "}");
    return status;
}

/* ---- clips ---- */

typedef struct clip {
    making *m;
    const reason_recording *recording;
    const tune_row *row;
    reason_segment segment;
    const char *name; /* of the recording */
    size_t number;    /* of the segment */
    base_text labels, streams;
    bool several;   /* labels hold more than the one */
    size_t present; /* streams */
} clip;

static void put_text(base_text *out, const char *key, const char *text) {
    base_text_printf(out, ",\"%s\":", key);
    base_text_append_json(out, text);
}

static affect_status write_clip(const clip *c, enum kind kind, size_t number, const char *prompt,
                                const char *answer, affect_explanation *claims,
                                const char *streams) {
    const tune_row *row = c->row;
    tune_data_counts *counts = c->m->counts;
    base_text line = {0}, id = {0};
    const char *json = NULL;
    affect_status status = claims ? affect_explanation_json(c->m->ctx, claims, &json) : AFFECT_OK;
    if (status) return status;
    base_text_printf(&id, "%s/%zu/%s", c->name, c->number, kind_names[kind]);
    if (number) base_text_printf(&id, "-%zu", number + 1);
    base_text_append(&line, "{\"id\":");
    base_text_append_json(&line, id.data ? id.data : "");
    put_text(&line, "recording", c->name);
    put_text(&line, "participant", row->text[TUNE_PARTICIPANT]);
    put_text(&line, "split", row->split);
    put_text(&line, "kind", kind_names[kind]);
    put_text(&line, "label", row->text[TUNE_LABEL]);
    base_text_printf(&line, ",\"person\":%d,\"start\":%.3f,\"end\":%.3f", c->segment.person,
                     (double)c->segment.t0 / AFFECT_SECOND, (double)c->segment.t1 / AFFECT_SECOND);
    put_text(&line, "prompt", prompt);
    put_text(&line, "answer", answer);
    if (json) { /* for who checks; its line ends are none of ours */
        base_text_append(&line, ",\"explanation\":");
        size_t from = line.length;
        base_text_append(&line, json);
        for (; line.data && from < line.length; from++)
            if (line.data[from] == '\n') line.data[from] = ' ';
    }
    base_text_append(&line, ",\"streams\":");
    base_text_append(&line, streams);
    base_text_append(&line, "}\n");
    if (line.failed || id.failed)
        status = base_fail_memory(c->m->ctx);
    else
        fwrite(line.data, 1, line.length, c->m->out.file); /* a full disk is found at the end */
    counts->clips++;
    counts->train += strcmp(row->split, "train") == 0;
    counts->valid += strcmp(row->split, "valid") == 0;
    base_text_destroy(&line);
    base_text_destroy(&id);
    return status;
}

static affect_status put_plain(const clip *c, enum kind kind, reason_task task,
                               const char *answer) {
    base_text prompt = {0};
    reason_put_task(c->recording, &c->segment, task, NULL, &prompt);
    affect_status status = prompt.failed
                               ? base_fail_memory(c->m->ctx)
                               : write_clip(c, kind, 0, prompt.data, answer, NULL, c->streams.data);
    base_text_destroy(&prompt);
    return status;
}

/* Labels first, then claims; with `hidden` the same with a modality that is not known. */
static affect_status put_explanation(const clip *c, enum kind kind, unsigned hidden) {
    clip own = *c;
    base_text prompt = {0}, answer = {0}, streams = {0};
    affect_explanation *claims = NULL;
    const char *label = c->row->text[TUNE_LABEL];
    own.segment.hidden = hidden;
    affect_status status = reason_recording_explain(
        c->recording, &own.segment, *label ? label : NULL, (size_t)c->m->o->claims, &claims);
    if (!status && affect_explanation_count(claims)) {
        reason_put_task(c->recording, &own.segment, REASON_TASK_EXPLAIN, NULL, &prompt);
        if (c->labels.length) base_text_append(&answer, c->labels.data);
        reason_put_lines(claims, &answer);
        if (hidden) status = put_streams(c->m, c->recording, &own.segment, &streams, &own.present);
        if (!status && (prompt.failed || answer.failed || streams.failed))
            status = base_fail_memory(c->m->ctx);
        if (!status)
            status = write_clip(&own, kind, 0, prompt.data, answer.data, claims,
                                hidden ? streams.data : c->streams.data);
    }
    affect_explanation_destroy(claims);
    base_text_destroy(&prompt);
    base_text_destroy(&answer);
    base_text_destroy(&streams);
    return status;
}

static affect_status put_questions(const clip *c) {
    affect_status status = AFFECT_OK;
    for (size_t i = 0; i < QUESTIONS && !status; i++) {
        base_text question = {0}, prompt = {0}, answer = {0};
        affect_explanation *claims = NULL;
        status = reason_recording_question(c->recording, &c->segment, i, &question, &claims);
        if (!status && claims) {
            reason_put_task(c->recording, &c->segment, REASON_TASK_ANSWER, question.data, &prompt);
            reason_put_lines(claims, &answer);
            status =
                prompt.failed || answer.failed
                    ? base_fail_memory(c->m->ctx)
                    : write_clip(c, QUESTION, i, prompt.data, answer.data, claims, c->streams.data);
        }
        if (!claims) i = QUESTIONS;
        affect_explanation_destroy(claims);
        base_text_destroy(&question);
        base_text_destroy(&prompt);
        base_text_destroy(&answer);
    }
    return status;
}

/* Is the word one of the list? */
static bool names(const char *list, const char *word) {
    size_t n = strlen(word);
    for (const char *at = list; at; at = strstr(at, ", ")) {
        at += at > list ? 2 : 0;
        if (strncmp(at, word, n) == 0 && (!at[n] || at[n] == ',')) return true;
    }
    return false;
}

/* The label and words beside it: as people wrote them, or what their description names, or what is of the
 * label's category in our own labels. */
static affect_status read_words(clip *c) {
    affect_labels *named = NULL;
    affect_status status = AFFECT_OK;
    const char *description = c->row->text[TUNE_DESCRIPTION], *label = c->row->text[TUNE_LABEL];
    base_text words = {0};
    base_text_append(&words, c->row->text[TUNE_WORDS]);
    if (!words.length && *description)
        status = affect_labels_from_text(c->m->reasoner, description, &named);
    for (size_t i = 0; i < affect_labels_count(named) && !status; i++)
        base_text_printf(&words, "%s%s", i ? ", " : "", affect_labels_word(named, i));
    affect_labels_destroy(named);
    if (!status && !words.length && *label)
        status = reason_recording_words(c->recording, &c->segment, label, &words);
    c->several = words.length > 0;
    if (*label && !names(words.data, label)) {
        base_text_append(&c->labels, label);
        base_text_append(&c->labels, words.length ? ", " : "");
    }
    base_text_append(&c->labels, words.data ? words.data : "");
    if (!status && (words.failed || c->labels.failed)) status = base_fail_memory(c->m->ctx);
    base_text_destroy(&words);
    return status;
}

static affect_status put_clips(clip *c) {
    const bool *kinds = c->m->kinds;
    const char *label = c->row->text[TUNE_LABEL], *description = c->row->text[TUNE_DESCRIPTION];
    /* Which modality is hidden changes from clip to clip. */
    unsigned hidden =
        1U << (c->m->counts->clips % 2 ? AFFECT_MODALITY_FACE : AFFECT_MODALITY_VOICE);
    affect_status status = read_words(c);
    if (!status) status = put_streams(c->m, c->recording, &c->segment, &c->streams, &c->present);
    if (!status && c->streams.failed) status = base_fail_memory(c->m->ctx);
    if (!status && kinds[LABEL] && *label) status = put_plain(c, LABEL, REASON_TASK_LABEL, label);
    if (!status && kinds[WORDS] && c->several)
        status = put_plain(c, WORDS, REASON_TASK_WORDS, c->labels.data);
    if (!status && kinds[DESCRIPTION] && *description)
        status = put_plain(c, DESCRIPTION, REASON_TASK_EXPLAIN, description);
    if (!status && kinds[EXPLANATION]) status = put_explanation(c, EXPLANATION, 0);
    if (!status && kinds[MASKED] && c->present == REASON_STREAMS)
        status = put_explanation(c, MASKED, hidden);
    if (!status && kinds[QUESTION]) status = put_questions(c);
    base_text_destroy(&c->labels);
    base_text_destroy(&c->streams);
    return status;
}

/* A segment that is not longer than wanted, or each of its episodes. */
static affect_status put_row(making *m, const reason_recording *r, const affect_timeline *t,
                             const char *name, tune_row *row, size_t *number) {
    reason_segment whole = {row->person ? row->person : reason_recording_person(r), 0,
                            affect_timeline_duration(t), 0},
                   episode;
    affect_status status = AFFECT_OK;
    row->used = true;
    if (row->person && !reason_recording_has_person(r, row->person)) {
        tune_warn(m->ctx, &m->rows.bad, "%s:%zu: left out: there is no person %d in %s", row->file,
                  row->line, row->person, name);
        return AFFECT_OK;
    }
    if (!isnan(row->t0)) {
        affect_time end = whole.t1;
        whole.t0 = (affect_time)(row->t0 * AFFECT_SECOND);
        whole.t1 = BASE_MIN((affect_time)(row->t1 * AFFECT_SECOND), end);
        if (whole.t0 >= whole.t1) {
            tune_warn(m->ctx, &m->rows.bad, "%s:%zu: left out: %s ends before %.3f s", row->file,
                      row->line, name, row->t0);
            return AFFECT_OK;
        }
    }
    clip c = {.m = m, .recording = r, .row = row, .segment = whole, .name = name};
    if (whole.t1 - whole.t0 <= (affect_time)(m->o->longest_s * AFFECT_SECOND)) {
        c.number = (*number)++;
        return put_clips(&c);
    }
    for (size_t i = 0; !status && reason_recording_episode(r, i, &episode); i++) {
        if (episode.person != whole.person || episode.t1 <= whole.t0 || episode.t0 >= whole.t1)
            continue;
        c.segment = episode;
        c.segment.t0 = BASE_MAX(episode.t0, whole.t0);
        c.segment.t1 = BASE_MIN(episode.t1, whole.t1);
        c.number = (*number)++;
        status = put_clips(&c);
    }
    return status;
}

/* ---- recordings ---- */

typedef struct name {
    const char *text;
    size_t length;
} name;

static int compare_names(name a, name b) {
    int order = memcmp(a.text, b.text, BASE_MIN(a.length, b.length));
    if (order || a.length == b.length) return order;
    return a.length < b.length ? -1 : 1;
}

static name recording_of(const tune_row *r) {
    name n;
    n.text = tune_name_in(r->text[TUNE_RECORDING], &n.length);
    return n;
}

static int by_recording(const void *a, const void *b) {
    const tune_row *x = *(tune_row *const *)a, *y = *(tune_row *const *)b;
    int order = compare_names(recording_of(x), recording_of(y));
    return order ? order : x < y ? -1 : x > y;
}

/* Participants may be named in one table and not in another. */
static affect_status check_parts(const making *m) {
    for (size_t i = 1; i < m->rows.count; i++) {
        const tune_row *a = m->sorted[i - 1], *b = m->sorted[i];
        name n = recording_of(b);
        if (compare_names(recording_of(a), n) == 0 && strcmp(a->split, b->split) != 0)
            return base_fail(m->ctx, AFFECT_ERROR_FORMAT,
                             "%s:%zu: %.*s is in the parts '%s' and '%s' (%s:%zu): name its "
                             "participant in every table",
                             b->file, b->line, (int)BASE_MIN(n.length, (size_t)80), n.text,
                             b->split, a->split, a->file, a->line);
    }
    return AFFECT_OK;
}

/* The first row of a recording; the count where there is none. */
static size_t find_rows(const making *m, name wanted) {
    size_t low = 0, high = m->rows.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_names(recording_of(m->sorted[middle]), wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < m->rows.count && compare_names(recording_of(m->sorted[low]), wanted) == 0
               ? low
               : m->rows.count;
}

/* Of .../NAME/timeline.json and .../NAME.json. */
static name name_of_path(const char *path) {
    name n;
    n.text = tune_name_in(path, &n.length);
    if (n.text > path && n.length == 8 && strncmp(n.text, "timeline", 8) == 0) {
        const char *end = n.text - 1, *from = end;
        while (from > path && from[-1] != '/') from--;
        if (end > from) return (name){from, (size_t)(end - from)};
    }
    return n;
}

static affect_status make_of(making *m, const char *path) {
    affect_timeline *t = NULL;
    reason_recording *r = NULL;
    name own = name_of_path(path);
    affect_status status = affect_timeline_read(m->ctx, path, &t);
    if (status && status != AFFECT_ERROR_MEMORY) {
        tune_warn(m->ctx, &m->broken, "left out: %s", affect_context_message(m->ctx));
        return AFFECT_OK;
    }
    if (status) return status;
    size_t first = find_rows(m, own), number = 0;
    const char *input = affect_timeline_property(t, "input");
    if (first == m->rows.count && input) { /* it was put elsewhere */
        own.text = tune_name_in(input, &own.length);
        first = find_rows(m, own);
    }
    if (first == m->rows.count) {
        tune_warn(m->ctx, &m->silent, "%s: there is no label for it", path);
    } else if (m->sorted[first]->used) {
        tune_warn(m->ctx, &m->broken, "left out: %s: there was a timeline of that recording before",
                  path);
    } else {
        char *text = base_strndup(own.text, own.length);
        status = text ? reason_recording_open(m->reasoner, t, &r) : base_fail_memory(m->ctx);
        m->counts->recordings++;
        for (size_t i = first;
             !status && i < m->rows.count && compare_names(recording_of(m->sorted[i]), own) == 0;
             i++)
            status = put_row(m, r, t, text, m->sorted[i], &number);
        base_free(text);
    }
    reason_recording_close(r);
    affect_timeline_destroy(t);
    return status;
}

static affect_status make_all(making *m, const tune_paths *paths) {
    affect_status status = AFFECT_OK;
    for (size_t i = 0; i < paths->count && !status; i++) {
        if (affect_context_cancelled(m->ctx))
            status = base_fail(m->ctx, AFFECT_ERROR_CANCELLED, "interrupted");
        else
            status = make_of(m, paths->items[i]);
    }
    for (size_t i = 0; i < m->rows.count; i++) m->counts->unmatched += !m->rows.items[i].used;
    m->counts->bad = m->rows.bad;
    if (!status && m->counts->unmatched)
        base_log(m->ctx, AFFECT_LOG_WARNING, "%zu of %zu rows are of recordings without a timeline",
                 m->counts->unmatched, m->rows.count);
    if (!status && !m->counts->clips)
        status = base_fail(m->ctx, AFFECT_ERROR_FORMAT,
                           "no clip can be made: none of %zu rows names one of %zu timelines, or "
                           "nothing is said of them",
                           m->rows.count, paths->count);
    return status;
}

/* Would writing there cost something else than earlier clips? */
static bool is_precious(const tune_data_options *o, const tune_paths *timelines) {
    struct stat out, in;
    if (stat(o->output, &out) || !S_ISREG(out.st_mode)) return false;
    if (!base_ends_with(o->output, ".jsonl")) return true;
    for (size_t i = 0; i < o->label_count + timelines->count; i++) {
        const char *path = i < o->label_count ? o->labels[i] : timelines->items[i - o->label_count];
        if (!stat(path, &in) && in.st_dev == out.st_dev && in.st_ino == out.st_ino) return true;
    }
    return false;
}

affect_status tune_data_make(affect_context *ctx, const tune_data_options *o,
                             tune_data_counts *counts) {
    BASE_NEED(ctx, o && counts && (o->timelines || !o->timeline_count));
    if (!o->label_count || !o->output)
        return base_fail(ctx, AFFECT_ERROR_USAGE, "tune-data wants --labels and --out");
    making m = {.ctx = ctx, .o = o, .counts = counts, .rows.ctx = ctx};
    tune_paths paths = {0};
    *counts = (tune_data_counts){0};
    affect_status status = read_kinds(&m);
    if (!status) status = tune_paths_find(ctx, o->timelines, o->timeline_count, &paths);
    for (size_t i = 0; i < o->label_count && !status; i++)
        status = tune_rows_read(&m.rows, o->labels[i]);
    if (!status) status = tune_rows_deal(&m.rows, (size_t)o->valid_every, o->hold_out);
    if (!status) status = affect_reasoner_create(ctx, NULL, &m.reasoner);
    if (!status) {
        m.sorted = base_calloc(m.rows.count + 1, sizeof *m.sorted);
        if (!m.sorted) status = base_fail_memory(ctx);
    }
    for (size_t i = 0; i < m.rows.count && !status; i++) m.sorted[i] = &m.rows.items[i];
    if (!status) qsort(m.sorted, m.rows.count, sizeof *m.sorted, by_recording);
    if (!status) status = check_parts(&m);
    if (!status && is_precious(o, &paths))
        status = base_fail(ctx, AFFECT_ERROR_OUTPUT,
                           "%s is there already, and no earlier list of clips (.jsonl): name "
                           "another file",
                           o->output);
    if (!status) status = base_output_open(ctx, o->output, &m.out);
    if (!status) status = make_all(&m, &paths);
    if (!status) status = base_output_commit(ctx, &m.out);
    base_output_abort(&m.out);
    for (size_t s = 0; s < REASON_STREAMS; s++) {
        for (size_t i = 0; i < m.channels[s].count; i++) base_free(m.channels[s].names[i]);
        base_free(m.channels[s].names);
    }
    base_free(m.sorted);
    tune_rows_clear(&m.rows);
    tune_paths_clear(&paths);
    affect_reasoner_destroy(m.reasoner);
    return status;
}
