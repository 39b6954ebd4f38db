/* Intervals and pairs: spotting, localisation, emotion diarization, emotion-cause pairs. A row is an interval (or
 * a pair) of a clip; the bootstrap draws clips. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "evaluate/evaluate.h"

/* The rows of one file; `columns` are of clip, then as the task names them. */
typedef struct span_rows {
    affect_score_segment *segments; /* sorted by clip and time */
    affect_score_pair *pairs;
    double *scores; /* of the segments, in their order; NULL where the task has none */
    size_t count;
    size_t *start; /* of each clip; clips + 1 */
} span_rows;

typedef struct spans {
    evaluate_names clips, labels;
    data_frame *frame[2];
    int clip_column[2];
    span_rows rows[2];
    double *duration; /* of each clip, seconds */
    bool labelled;
    bool scored;     /* the task wants the predictions' scores, where they have some */
    int32_t neutral; /* pairs: left out of the weighted F1; -1 = none */
    int64_t not_in_gold, incomplete[2];
} spans;

enum { GOLD, PREDICTED };

static const char *const from_names[] = {"onset", "start", "t0", "begin", "from", "start_s"};
static const char *const to_names[] = {"offset", "end", "t1", "stop", "to", "end_s"};
static const char *const emotion_names[] = {"emotion_utterance", "emotion_utt", "emotion_id",
                                            "utterance", "utterance_id"};
static const char *const cause_names[] = {"cause_utterance", "cause_utt", "cause_id", "cause"};
static const char *const score_names[] = {"score", "confidence", "probability", "p"};
static const char *const duration_names[] = {"duration", "duration_s", "length", "seconds"};

static void spans_clear(spans *s) {
    for (int side = 0; side < 2; side++) {
        data_frame_destroy(s->frame[side]);
        base_free(s->rows[side].segments);
        base_free(s->rows[side].pairs);
        base_free(s->rows[side].scores);
        base_free(s->rows[side].start);
    }
    evaluate_names_clear(&s->clips);
    evaluate_names_clear(&s->labels);
    base_free(s->duration);
}

static int by_clip_and_time(const void *a, const void *b) {
    const affect_score_segment *x = a, *y = b;
    if (x->clip != y->clip) return x->clip < y->clip ? -1 : 1;
    return (x->t0 > y->t0) - (x->t0 < y->t0);
}

static int by_clip(const void *a, const void *b) {
    const affect_score_pair *x = a, *y = b;
    return (x->clip > y->clip) - (x->clip < y->clip);
}

static affect_status need_column(const evaluate_call *call, const data_frame *frame,
                                 const char *const *names, size_t count, const char *what,
                                 int *out) {
    affect_status status = evaluate_find_column(call->ctx, frame, NULL, names, count, out);
    return !status && *out < 0
               ? base_fail(call->ctx, AFFECT_ERROR_FORMAT, "%s: no column of %s, such as '%s'",
                           frame->path, what, names[0])
               : status;
}

/* "7", "utt7" and "dia1_utt7" are utterance 7: the digits at the end. */
static bool utterance_number(const char *text, int32_t *out) {
    size_t n = strlen(text), from = n;
    int64_t value;
    while (n && isspace((unsigned char)text[n - 1])) n--;
    from = n;
    while (from && isdigit((unsigned char)text[from - 1])) from--;
    if (from == n || n - from > 9 || !base_parse_int64(text + from, n - from, &value)) return false;
    *out = (int32_t)value;
    return true;
}

/* Column numbers of a file: clip, two values, label. */
static affect_status find_columns(const evaluate_call *call, spans *s, int side, bool pairs,
                                  int column[4]) {
    const data_frame *f = s->frame[side];
    const char *label = side ? call->predicted_column : call->gold_column;
    if (f->rows > INT32_MAX)
        return base_fail(call->ctx, AFFECT_ERROR_LIMIT, "%s: more than 2^31 rows", f->path);
    affect_status status =
        evaluate_find_column(call->ctx, f, call->clip ? call->clip : call->id, evaluate_clip_names,
                             EVALUATE_CLIP_NAMES, &column[0]);
    if (!status && column[0] < 0)
        status =
            base_fail(call->ctx, AFFECT_ERROR_FORMAT, "%s: no column of clips (--clip)", f->path);
    if (!status && pairs) {
        status = need_column(call, f, emotion_names, BASE_COUNT(emotion_names),
                             "utterances with an emotion", &column[1]);
        if (!status)
            status = need_column(call, f, cause_names, BASE_COUNT(cause_names),
                                 "utterances that are causes", &column[2]);
    } else if (!status) {
        status = need_column(call, f, from_names, BASE_COUNT(from_names), "onsets", &column[1]);
        if (!status)
            status = need_column(call, f, to_names, BASE_COUNT(to_names), "offsets", &column[2]);
    }
    if (!status)
        status = evaluate_find_column(call->ctx, f, label ? label : call->column,
                                      evaluate_label_names, EVALUATE_LABEL_NAMES, &column[3]);
    s->clip_column[side] = column[0];
    return status;
}

/* Gold names the clips: a row without times only says that the clip exists and has no interval. */
static affect_status read_rows(const evaluate_call *call, spans *s, int side, bool pairs,
                               const int column[4]) {
    const data_frame *f = s->frame[side];
    int score_column = -1;
    span_rows *out = &s->rows[side];
    char buffer[DATA_FRAME_CELL], other[DATA_FRAME_CELL];
    affect_status status = AFFECT_OK;
    if (pairs)
        out->pairs = base_alloc((f->rows + 1) * sizeof *out->pairs);
    else
        out->segments = base_alloc((f->rows + 1) * sizeof *out->segments);
    if (!out->pairs && !out->segments) return base_fail_memory(call->ctx);
    if (s->scored && side == PREDICTED) {
        out->scores = base_alloc((f->rows + 1) * sizeof *out->scores);
        if (!out->scores) return base_fail_memory(call->ctx);
        status = evaluate_find_column(call->ctx, f, NULL, score_names, BASE_COUNT(score_names),
                                      &score_column);
    }
    for (size_t r = 0; r < f->rows && !status; r++) {
        const char *clip = data_frame_text(f, r, (size_t)column[0], buffer);
        if (side == GOLD) status = evaluate_names_add(call->ctx, &s->clips, clip, strlen(clip));
        int32_t at = evaluate_names_find(&s->clips, clip, strlen(clip)), label = 0, utterance[2];
        double time[2];
        if (status) break;
        if (at < 0) {
            s->not_in_gold++;
            continue;
        }
        bool empty[2], good = true;
        for (int k = 0; k < 2 && !status; k++) {
            const char *text = data_frame_text(f, r, (size_t)column[1 + k], other);
            empty[k] = data_frame_missing(text);
            if (empty[k]) continue;
            if (pairs ? !utterance_number(text, &utterance[k])
                      : !data_frame_number(f, r, (size_t)column[1 + k], &time[k]) || isnan(time[k]))
                status = data_frame_fail(call->ctx, f, r, (size_t)column[1 + k],
                                         pairs ? "an utterance, such as 3 or utt3" : "seconds");
        }
        if (status) break;
        if (empty[0] || empty[1]) {
            s->incomplete[side] += !(empty[0] && empty[1]) || side == PREDICTED;
            continue;
        }
        if (s->labelled) {
            const char *text = data_frame_text(f, r, (size_t)column[3], other);
            good = !data_frame_missing(text);
            if (good && !s->labels.fixed)
                status = evaluate_names_add(call->ctx, &s->labels, text, strlen(text));
            label = evaluate_names_find(&s->labels, text, strlen(text));
            good &= label >= 0;
        }
        if (!pairs && good && time[1] < time[0])
            status = data_frame_fail(call->ctx, f, r, (size_t)column[2],
                                     "an offset that is not before the onset");
        double score = 0;
        if (good && !pairs && score_column >= 0)
            good = data_frame_number(f, r, (size_t)score_column, &score) && !isnan(score);
        if (good && out->scores) out->scores[out->count] = score;
        if (!good)
            s->incomplete[side]++;
        else if (pairs)
            out->pairs[out->count++] = (affect_score_pair){at, utterance[0], utterance[1], label};
        else
            out->segments[out->count++] = (affect_score_segment){time[0], time[1], label, at};
    }
    return status;
}

/* The scores follow their segments. */
typedef struct scored_segment {
    affect_score_segment segment;
    double score;
} scored_segment;

static int by_scored(const void *a, const void *b) {
    const scored_segment *x = a, *y = b;
    return by_clip_and_time(&x->segment, &y->segment);
}

static affect_status sort_scored(const evaluate_call *call, span_rows *rows) {
    scored_segment *both = base_alloc((rows->count + 1) * sizeof *both);
    if (!both) return base_fail_memory(call->ctx);
    for (size_t i = 0; i < rows->count; i++)
        both[i] = (scored_segment){rows->segments[i], rows->scores[i]};
    qsort(both, rows->count, sizeof *both, by_scored);
    for (size_t i = 0; i < rows->count; i++) {
        rows->segments[i] = both[i].segment;
        rows->scores[i] = both[i].score;
    }
    base_free(both);
    return AFFECT_OK;
}

static affect_status sort_rows(const evaluate_call *call, spans *s, span_rows *rows) {
    if (rows->scores) {
        affect_status status = sort_scored(call, rows);
        if (status) return status;
    } else if (rows->segments)
        qsort(rows->segments, rows->count, sizeof *rows->segments, by_clip_and_time);
    if (rows->pairs) qsort(rows->pairs, rows->count, sizeof *rows->pairs, by_clip);
    base_free(rows->start);
    rows->start = base_calloc(s->clips.count + 2, sizeof *rows->start);
    if (!rows->start) return base_fail_memory(call->ctx);
    for (size_t i = 0; i < rows->count; i++)
        rows->start[(rows->segments ? rows->segments[i].clip : rows->pairs[i].clip) + 1]++;
    for (size_t c = 0; c < s->clips.count; c++) rows->start[c + 1] += rows->start[c];
    return AFFECT_OK;
}

static affect_status read_spans(const evaluate_call *call, spans *s, bool pairs,
                                evaluate_report *r) {
    int column[2][4];
    affect_status status = AFFECT_OK;
    const char *path[2] = {call->gold, call->predicted};
    for (int side = 0; side < 2 && !status; side++) {
        status = data_frame_open(call->ctx, path[side], call->no_header, &s->frame[side]);
        if (!status) status = find_columns(call, s, side, pairs, column[side]);
    }
    s->labelled = !status && column[GOLD][3] >= 0 && column[PREDICTED][3] >= 0;
    if (!status) status = evaluate_names_from_option(call->ctx, call->labels, &s->labels);
    for (int side = 0; side < 2 && !status; side++) {
        status = read_rows(call, s, side, pairs, column[side]);
        if (!status) status = sort_rows(call, s, &s->rows[side]);
    }
    evaluate_report_skip(r, "predictions of clips that gold does not name", s->not_in_gold);
    evaluate_report_skip(r, "gold rows with an empty cell or an unknown label",
                         s->incomplete[GOLD]);
    evaluate_report_skip(r, "predicted rows with an empty cell or an unknown label",
                         s->incomplete[PREDICTED]);
    size_t silent = 0;
    for (size_t c = 0; c < s->clips.count && !status; c++)
        silent += s->rows[PREDICTED].start[c] == s->rows[PREDICTED].start[c + 1] &&
                  s->rows[GOLD].start[c] < s->rows[GOLD].start[c + 1];
    if (silent)
        base_log(call->ctx, AFFECT_LOG_WARNING,
                 "%zu clips have no prediction; all of their gold is missed", silent);
    r->item = pairs ? "gold pairs" : "gold intervals";
    r->items = (int64_t)s->rows[GOLD].count;
    return status;
}

/* Values over the clips, for which `metric` gathers the rows of drawn clips. */
static affect_status values_of_clips(evaluate_data *d, spans *s, affect_score_metric metric,
                                     evaluate_report *r) {
    int32_t *unit = base_alloc((s->clips.count + 1) * sizeof *unit);
    size_t units = 0;
    affect_status status = unit ? AFFECT_OK : base_fail_memory(d->call->ctx);
    if (!status)
        status = evaluate_clip_units(d->call, s->frame[GOLD], s->clip_column[GOLD], &s->clips, unit,
                                     &units);
    r->unit = d->call->unit ? d->call->unit : "clips";
    r->units = (int64_t)units;
    if (!status) status = evaluate_values_over(d, metric, unit, s->clips.count, units, r);
    base_free(unit);
    return status;
}

/* The rows of drawn clips, segments or pairs; a clip that is drawn twice becomes two clips. */
static void *gather_rows(evaluate_data *d, int slot, const span_rows *rows, const uint32_t *index,
                         size_t n, size_t *count) {
    *count = 0;
    for (size_t i = 0; i < n; i++) *count += rows->start[index[i] + 1] - rows->start[index[i]];
    size_t size = rows->segments ? sizeof *rows->segments : sizeof *rows->pairs;
    void *out = evaluate_draw(d, slot, (*count + 1) * size);
    affect_score_segment *segments = rows->segments ? out : NULL;
    affect_score_pair *pairs = rows->segments ? NULL : out;
    for (size_t i = 0, at = 0; i < n && out; i++)
        for (size_t k = rows->start[index[i]]; k < rows->start[index[i] + 1]; k++, at++) {
            if (segments) {
                segments[at] = rows->segments[k];
                segments[at].clip = (int32_t)i;
            } else {
                pairs[at] = rows->pairs[k];
                pairs[at].clip = (int32_t)i;
            }
        }
    return out;
}

/* The scores of the segments that gather_rows gives. */
static const double *gather_scores(evaluate_data *d, int slot, const span_rows *rows,
                                   const uint32_t *index, size_t n, size_t count) {
    double *out = evaluate_draw(d, slot, (count + 1) * sizeof *out);
    for (size_t i = 0, at = 0; i < n && out; i++)
        for (size_t k = rows->start[index[i]]; k < rows->start[index[i] + 1]; k++)
            out[at++] = rows->scores ? rows->scores[k] : 0;
    return out;
}

/* Values of other predictions, for the majority row. */
static affect_status majority_of(evaluate_data *d, spans *s, span_rows *instead,
                                 affect_score_metric metric, evaluate_report *r) {
    span_rows kept = s->rows[PREDICTED];
    affect_status status = sort_rows(d->call, s, instead);
    uint32_t *all = base_alloc((s->clips.count + 1) * sizeof *all);
    if (!status && !all) status = base_fail_memory(d->call->ctx);
    for (size_t c = 0; c < s->clips.count && all; c++) all[c] = (uint32_t)c;
    s->rows[PREDICTED] = *instead;
    if (!status) (void)metric(d, all, s->clips.count, r->majority);
    s->rows[PREDICTED] = kept;
    base_free(all);
    base_free(instead->start);
    base_free(instead->segments);
    base_free(instead->pairs);
    return status ? status : d->status;
}

/* The label with most gold rows, or most seconds. */
static int32_t most_frequent(const spans *s, bool by_time, evaluate_report *r) {
    int32_t best = 0;
    double most = -1;
    for (int32_t k = 0; k < (int32_t)s->labels.count; k++) {
        double sum = 0;
        for (size_t i = 0; i < s->rows[GOLD].count; i++) {
            const affect_score_segment *g = s->rows[GOLD].pairs ? NULL : &s->rows[GOLD].segments[i];
            if ((g ? g->label : s->rows[GOLD].pairs[i].emotion) == k)
                sum += by_time && g ? g->t1 - g->t0 : 1;
        }
        if (sum > most) {
            most = sum;
            best = k;
        }
    }
    if (s->labelled && s->labels.count)
        snprintf(r->majority_label, sizeof r->majority_label, "%s", s->labels.items[best]);
    return best;
}

/* ---- durations of clips ---- */

static affect_status read_durations(const evaluate_call *call, spans *s) {
    s->duration = base_calloc(s->clips.count + 1, sizeof *s->duration);
    if (!s->duration) return base_fail_memory(call->ctx);
    for (size_t i = 0; i < s->rows[GOLD].count; i++) {
        const affect_score_segment *g = &s->rows[GOLD].segments[i];
        s->duration[g->clip] = fmax(s->duration[g->clip], g->t1);
    }
    if (!call->durations) return AFFECT_OK;
    data_frame *f = NULL;
    int clip, column;
    char buffer[DATA_FRAME_CELL];
    size_t known = 0;
    unsigned char *seen = base_calloc(s->clips.count + 1, 1);
    affect_status status =
        seen ? data_frame_open(call->ctx, call->durations, false, &f) : base_fail_memory(call->ctx);
    if (!status)
        status = need_column(call, f, evaluate_clip_names, EVALUATE_CLIP_NAMES, "clips", &clip);
    if (!status)
        status =
            need_column(call, f, duration_names, BASE_COUNT(duration_names), "durations", &column);
    for (size_t r = 0; !status && r < f->rows; r++) {
        const char *name = data_frame_text(f, r, (size_t)clip, buffer);
        int32_t at = evaluate_names_find(&s->clips, name, strlen(name));
        double x;
        if (at < 0) continue;
        if (!data_frame_number(f, r, (size_t)column, &x) || !(x > 0))
            status = data_frame_fail(call->ctx, f, r, (size_t)column, "seconds above 0");
        else
            s->duration[at] = x;
        known += !seen[at];
        seen[at] = 1;
    }
    if (!status && known < s->clips.count)
        status = base_fail(call->ctx, AFFECT_ERROR_FORMAT, "%s: no duration of %zu of %zu clips",
                           call->durations, s->clips.count - known, s->clips.count);
    data_frame_destroy(f);
    base_free(seen);
    return status;
}

/* ---- spotting ---- */

static const char *const spotting_values[] = {"f1", "precision", "recall", "analysis_f1", "strs"};

static bool spotting_metric(void *user, const uint32_t *index, size_t n, double *out) {
    evaluate_data *d = user;
    const spans *s = d->more;
    size_t g, p;
    affect_score_spotting m;
    const affect_score_segment *gold = gather_rows(d, 0, &s->rows[GOLD], index, n, &g);
    const affect_score_segment *said = gather_rows(d, 1, &s->rows[PREDICTED], index, n, &p);
    if (!gold || !said) return false;
    d->status = affect_score_spotting_from(d->call->ctx, gold, g, said, p, d->call->iou,
                                           s->labelled ? s->labels.count : 0, &m);
    if (d->status) return false;
    const double values[] = {m.spot.f1, m.spot.precision, m.spot.recall, m.analysis_f1, m.strs};
    memcpy(out, values, sizeof values);
    return true;
}

static int by_number(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Intervals of gold's median length, one after the other to the end of each clip. */
static affect_status back_to_back(const evaluate_call *call, const spans *s, int32_t label,
                                  span_rows *out) {
    const span_rows *gold = &s->rows[GOLD];
    size_t n = gold->count, most = 0;
    double *length = base_alloc((n + 1) * sizeof *length);
    if (!length) return base_fail_memory(call->ctx);
    for (size_t i = 0; i < n; i++) length[i] = gold->segments[i].t1 - gold->segments[i].t0;
    qsort(length, n, sizeof *length, by_number);
    double step = n ? length[n / 2] : 0;
    base_free(length);
    for (size_t c = 0; c < s->clips.count && step > 0; c++)
        most += (size_t)fmin(s->duration[c] / step, 1e6) + 1;
    out->segments = base_alloc((most + 1) * sizeof *out->segments);
    if (!out->segments) return base_fail_memory(call->ctx);
    for (size_t c = 0; c < s->clips.count && step > 0; c++)
        for (size_t k = 0; k < most && (double)k * step < s->duration[c] && out->count < most; k++)
            out->segments[out->count++] = (affect_score_segment){
                (double)k * step, fmin((double)(k + 1) * step, s->duration[c]), label, (int32_t)c};
    return AFFECT_OK;
}

affect_status evaluate_task_spotting(const evaluate_call *call) {
    static const char *const count_rows[] = {"matched", "gold", "predicted", "labels_right"};
    static const char *const count_columns[] = {"intervals"};
    spans s = {0};
    evaluate_report r;
    evaluate_data d = {.call = call, .more = &s};
    span_rows instead = {0};
    evaluate_report_begin(call, &r, spotting_values, BASE_COUNT(spotting_values),
                          "intervals of gold's median length back to back, most frequent label");
    affect_status status = read_spans(call, &s, false, &r);
    if (!status) status = read_durations(call, &s);
    if (!status) status = values_of_clips(&d, &s, spotting_metric, &r);
    affect_score_spotting m;
    if (!status)
        status = affect_score_spotting_from(call->ctx, s.rows[GOLD].segments, s.rows[GOLD].count,
                                            s.rows[PREDICTED].segments, s.rows[PREDICTED].count,
                                            call->iou, s.labelled ? s.labels.count : 0, &m);
    double *counts = status ? NULL
                            : evaluate_report_table(&r, "counts", count_rows, s.labelled ? 4 : 3,
                                                    count_columns, 1);
    if (!status && !counts) status = base_fail_memory(call->ctx);
    if (!status) {
        counts[0] = (double)m.spot.matched;
        counts[1] = (double)m.spot.gold;
        counts[2] = (double)m.spot.predicted;
        if (s.labelled) counts[3] = (double)m.labels_right;
        status = back_to_back(call, &s, most_frequent(&s, false, &r), &instead);
    }
    if (!status) status = majority_of(&d, &s, &instead, spotting_metric, &r);
    if (!status) status = evaluate_report_write(call, &r);
    evaluate_report_clear(&r);
    evaluate_data_clear(&d);
    spans_clear(&s);
    return status;
}

/* ---- localisation ---- */

static const double localisation_iou[] = {.3, .5, .7};
static const char *const localisation_values[] = {"f1_at_.3",  "f1_at_.5",  "f1_at_.7", "map_at_.3",
                                                  "map_at_.5", "map_at_.7", "map"};

static bool localisation_metric(void *user, const uint32_t *index, size_t n, double *out) {
    evaluate_data *d = user;
    const spans *s = d->more;
    size_t g, p;
    const affect_score_segment *gold = gather_rows(d, 0, &s->rows[GOLD], index, n, &g);
    const affect_score_segment *said = gather_rows(d, 1, &s->rows[PREDICTED], index, n, &p);
    const double *scores = said ? gather_scores(d, 2, &s->rows[PREDICTED], index, n, p) : NULL;
    if (!gold || !scores) return false;
    const size_t levels = BASE_COUNT(localisation_iou);
    out[6] = 0;
    for (size_t k = 0; k < levels && !d->status; k++) {
        affect_score_localisation m;
        d->status =
            affect_score_localisation_from(d->call->ctx, gold, g, said, scores, p,
                                           localisation_iou[k], BASE_MAX(s->labels.count, 1), &m);
        out[k] = m.f1.f1;
        out[3 + k] = m.map;
        out[6] += m.map / (double)levels;
    }
    return d->status == AFFECT_OK;
}

/* The predictions at other places: what a localiser that knows labels and lengths, but not times,
 * would score. The mean of 20 shuffles, each interval anywhere in its clip. */
static affect_status shuffled_of(evaluate_data *d, spans *s, evaluate_report *r) {
    enum { SHUFFLES = 20 };
    static const char *const rows[] = {"mean of 20"};
    double *values = evaluate_report_table(r, "shuffled", rows, 1, localisation_values,
                                           BASE_COUNT(localisation_values));
    span_rows *said = &s->rows[PREDICTED], kept = *said;
    affect_score_segment *moved = base_alloc((said->count + 1) * sizeof *moved);
    uint32_t *all = base_alloc((s->clips.count + 1) * sizeof *all);
    affect_status status = values && moved && all ? AFFECT_OK : base_fail_memory(d->call->ctx);
    uint64_t state = (uint64_t)d->call->seed + 1;
    for (size_t c = 0; c < s->clips.count && all; c++) all[c] = (uint32_t)c;
    for (size_t k = 0; k < BASE_COUNT(localisation_values) && !status; k++) values[k] = 0;
    for (int round = 0; round < SHUFFLES && !status; round++) {
        double out[BASE_COUNT(localisation_values)];
        for (size_t i = 0; i < kept.count; i++) {
            uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */
            z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
            z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
            double share = (double)((z ^ (z >> 31)) >> 11) / 9007199254740992.0;
            affect_score_segment x = kept.segments[i];
            double length = fmin(x.t1 - x.t0, s->duration[x.clip]);
            x.t0 = share * (s->duration[x.clip] - length);
            x.t1 = x.t0 + length;
            moved[i] = x; /* each stays in its clip, so the starts of clips hold */
        }
        said->segments = moved;
        if (!localisation_metric(d, all, s->clips.count, out)) status = d->status;
        for (size_t k = 0; k < BASE_COUNT(localisation_values) && !status; k++)
            values[k] += out[k] / SHUFFLES;
        said->segments = kept.segments;
    }
    base_free(moved);
    base_free(all);
    return status;
}

affect_status evaluate_task_localisation(const evaluate_call *call) {
    spans s = {.scored = true};
    evaluate_report r;
    evaluate_data d = {.call = call, .more = &s};
    span_rows instead = {0};
    evaluate_report_begin(call, &r, localisation_values, BASE_COUNT(localisation_values),
                          "intervals of gold's median length back to back, most frequent label");
    affect_status status = read_spans(call, &s, false, &r);
    if (!status) status = read_durations(call, &s);
    if (!status) status = values_of_clips(&d, &s, localisation_metric, &r);
    if (!status) status = shuffled_of(&d, &s, &r);
    if (!status) status = back_to_back(call, &s, most_frequent(&s, false, &r), &instead);
    if (!status) status = majority_of(&d, &s, &instead, localisation_metric, &r);
    if (!status) status = evaluate_report_write(call, &r);
    evaluate_report_clear(&r);
    evaluate_data_clear(&d);
    spans_clear(&s);
    return status;
}

/* ---- diarization ---- */

static const char *const eder_values[] = {"eder", "eder_mean_of_clips"};

static bool eder_metric(void *user, const uint32_t *index, size_t n, double *out) {
    evaluate_data *d = user;
    const spans *s = d->more;
    size_t g, p, defined = 0;
    const affect_score_segment *gold = gather_rows(d, 0, &s->rows[GOLD], index, n, &g);
    const affect_score_segment *said = gather_rows(d, 1, &s->rows[PREDICTED], index, n, &p);
    const double *duration = evaluate_gather(d, 2, s->duration, sizeof *duration, index, n);
    if (!gold || !said || !duration) return false;
    d->status = affect_score_eder(d->call->ctx, gold, g, said, p, duration, n, &out[0]);
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        if (!isnan(d->gold[index[i]])) {
            sum += d->gold[index[i]];
            defined++;
        }
    out[1] = defined ? sum / (double)defined : NAN;
    return d->status == AFFECT_OK;
}

/* Each clip's own rate, for its mean over clips (what SpeechBrain's recipe prints). */
static affect_status eder_of_clips(evaluate_data *d, const spans *s) {
    base_free(d->gold);
    d->gold = base_alloc((s->clips.count + 1) * sizeof *d->gold);
    affect_status status = d->gold ? AFFECT_OK : base_fail_memory(d->call->ctx);
    for (size_t c = 0; c < s->clips.count && !status; c++) {
        size_t g, p;
        uint32_t at = (uint32_t)c;
        const affect_score_segment *gold = gather_rows(d, 0, &s->rows[GOLD], &at, 1, &g);
        const affect_score_segment *said = gather_rows(d, 1, &s->rows[PREDICTED], &at, 1, &p);
        status = gold && said ? affect_score_eder(d->call->ctx, gold, g, said, p, &s->duration[c],
                                                  1, &d->gold[c])
                              : d->status;
    }
    return status;
}

/* Predictions of overlapping windows: those with one label join, others share the overlap evenly
 * (Wang et al. 2023). */
static void resolve_overlaps(span_rows *rows) {
    affect_score_segment *x = rows->segments;
    size_t kept = 0;
    for (size_t i = 0; i < rows->count; i++) {
        affect_score_segment *before = kept ? &x[kept - 1] : NULL;
        if (before && before->clip == x[i].clip && x[i].t0 <= before->t1) {
            if (before->label == x[i].label) {
                before->t1 = fmax(before->t1, x[i].t1);
                continue;
            }
            double middle = (before->t1 + x[i].t0) / 2;
            before->t1 = middle;
            x[i].t0 = middle;
            if (x[i].t1 < middle) continue; /* it lay inside the one before */
        }
        x[kept++] = x[i];
    }
    rows->count = kept;
}

/* What no gold interval covers, up to the clip's end, becomes --fill. */
static affect_status fill_gaps(const evaluate_call *call, spans *s, span_rows *rows) {
    affect_status status =
        evaluate_names_add(call->ctx, &s->labels, call->fill, strlen(call->fill));
    if (status) return status;
    int32_t label = evaluate_names_find(&s->labels, call->fill, strlen(call->fill));
    affect_score_segment *out = base_alloc((2 * rows->count + s->clips.count + 1) * sizeof *out);
    if (!out) return base_fail_memory(call->ctx);
    size_t n = 0;
    for (size_t c = 0; c < s->clips.count; c++) {
        double at = 0;
        for (size_t i = rows->start[c]; i < rows->start[c + 1]; i++) {
            const affect_score_segment *x = &rows->segments[i];
            if (x->t0 > at) out[n++] = (affect_score_segment){at, x->t0, label, (int32_t)c};
            out[n++] = *x;
            at = fmax(at, x->t1);
        }
        if (at < s->duration[c])
            out[n++] = (affect_score_segment){at, s->duration[c], label, (int32_t)c};
    }
    base_free(rows->segments);
    rows->segments = out;
    rows->count = n;
    return sort_rows(call, s, rows);
}

affect_status evaluate_task_eder(const evaluate_call *call) {
    spans s = {0};
    evaluate_report r;
    evaluate_data d = {.call = call, .more = &s};
    span_rows instead = {0};
    evaluate_report_begin(call, &r, eder_values, BASE_COUNT(eder_values),
                          "the label with most gold seconds all the time");
    affect_status status = read_spans(call, &s, false, &r);
    if (!status && !s.labelled)
        status =
            base_fail(call->ctx, AFFECT_ERROR_FORMAT,
                      "%s and %s need a column of labels (--column)", call->gold, call->predicted);
    if (!status) status = read_durations(call, &s);
    if (!status) {
        resolve_overlaps(&s.rows[PREDICTED]);
        status = sort_rows(call, &s, &s.rows[PREDICTED]);
    }
    if (!status && call->fill) status = fill_gaps(call, &s, &s.rows[GOLD]);
    if (!status) status = eder_of_clips(&d, &s);
    if (!status) status = values_of_clips(&d, &s, eder_metric, &r);
    if (!status) {
        int32_t label = most_frequent(&s, true, &r);
        instead.segments = base_alloc((s.clips.count + 1) * sizeof *instead.segments);
        if (!instead.segments) status = base_fail_memory(call->ctx);
        for (size_t c = 0; c < s.clips.count && instead.segments; c++)
            instead.segments[instead.count++] =
                (affect_score_segment){0, s.duration[c], label, (int32_t)c};
    }
    if (!status) status = majority_of(&d, &s, &instead, eder_metric, &r);
    r.majority[1] = NAN; /* d.gold holds the predictions' rates */
    if (!status) status = evaluate_report_write(call, &r);
    evaluate_report_clear(&r);
    evaluate_data_clear(&d);
    spans_clear(&s);
    return status;
}

/* ---- causes ---- */

static const char *const cause_values[] = {"f1", "precision", "recall", "weighted_f1"};

static bool cause_metric(void *user, const uint32_t *index, size_t n, double *out) {
    evaluate_data *d = user;
    const spans *s = d->more;
    size_t g, p;
    affect_score_f1 f;
    const affect_score_pair *gold = gather_rows(d, 0, &s->rows[GOLD], index, n, &g);
    const affect_score_pair *said = gather_rows(d, 1, &s->rows[PREDICTED], index, n, &p);
    if (!gold || !said) return false;
    d->status = affect_score_cause_pairs(d->call->ctx, gold, g, said, p,
                                         BASE_MAX(s->labels.count, 1), s->neutral, &f, &out[3]);
    const double values[] = {f.f1, f.precision, f.recall};
    memcpy(out, values, sizeof values);
    if (!s->labelled) out[3] = NAN;
    return d->status == AFFECT_OK;
}

affect_status evaluate_task_cause(const evaluate_call *call) {
    static const char *const count_rows[] = {"matched", "gold", "predicted"};
    static const char *const count_columns[] = {"pairs"};
    spans s = {.neutral = -1};
    evaluate_report r;
    evaluate_data d = {.call = call, .more = &s};
    span_rows instead = {0};
    evaluate_report_begin(call, &r, cause_values, BASE_COUNT(cause_values),
                          "each gold emotion its own cause, most frequent emotion");
    affect_status status = read_spans(call, &s, true, &r);
    const char *neutral = call->fill ? call->fill : "neutral";
    s.neutral = evaluate_names_find(&s.labels, neutral, strlen(neutral));
    if (!status) status = values_of_clips(&d, &s, cause_metric, &r);
    affect_score_f1 f;
    double weighted, *counts = NULL;
    if (!status)
        status = affect_score_cause_pairs(call->ctx, s.rows[GOLD].pairs, s.rows[GOLD].count,
                                          s.rows[PREDICTED].pairs, s.rows[PREDICTED].count,
                                          BASE_MAX(s.labels.count, 1), s.neutral, &f, &weighted);
    if (!status) {
        counts = evaluate_report_table(&r, "counts", count_rows, 3, count_columns, 1);
        instead.pairs = base_alloc((s.rows[GOLD].count + 1) * sizeof *instead.pairs);
        if (!counts || !instead.pairs) status = base_fail_memory(call->ctx);
    }
    if (!status) {
        counts[0] = (double)f.matched;
        counts[1] = (double)f.gold;
        counts[2] = (double)f.predicted;
        int32_t emotion = most_frequent(&s, false, &r);
        for (size_t i = 0; i < s.rows[GOLD].count; i++) {
            affect_score_pair x = s.rows[GOLD].pairs[i];
            x.cause_utterance = x.emotion_utterance;
            x.emotion = emotion;
            instead.pairs[instead.count++] = x;
        }
        status = majority_of(&d, &s, &instead, cause_metric, &r);
    } else {
        base_free(instead.pairs);
    }
    if (!status) status = evaluate_report_write(call, &r);
    evaluate_report_clear(&r);
    evaluate_data_clear(&d);
    spans_clear(&s);
    return status;
}
