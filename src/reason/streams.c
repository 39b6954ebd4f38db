/* The tracks of a segment as streams: rows of numbers at their own times. What is measured more often than a row is wanted
 * is averaged, what is measured less often holds until it is measured again. */
#include <math.h>
#include <string.h>

#include "reason/segment.h"

const char *const reason_stream_names[REASON_STREAMS] = {"face", "voice"};

/* The first part of a stream dates its rows. */
static const struct part {
    size_t stream;
    affect_modality modality;
    track_role role;
    const char *prefix; /* of the channels' names */
} parts[] = {{0, AFFECT_MODALITY_FACE, TRACK_ROLE_UNITS, ""},
             {0, AFFECT_MODALITY_FACE, TRACK_ROLE_CATEGORIES, "expression/"},
             {1, AFFECT_MODALITY_VOICE, TRACK_ROLE_PROSODY, ""},
             {1, AFFECT_MODALITY_VOICE, TRACK_ROLE_RATE, ""},
             {1, AFFECT_MODALITY_VOICE, TRACK_ROLE_CATEGORIES, "emotion/"},
             {1, AFFECT_MODALITY_VOICE, TRACK_ROLE_AFFECT, ""}};
static const affect_time HOLD = 2 * AFFECT_SECOND; /* windows of the voice's network are shorter */

typedef struct piece {
    const affect_track *track;
    const struct part *part;
    size_t first; /* of its columns */
} piece;

void reason_stream_clear(reason_stream *s) {
    for (size_t i = 0; s->channels && i < s->width; i++) base_free(s->channels[i]);
    base_free(s->channels);
    base_free(s->times);
    base_free(s->rows);
    *s = (reason_stream){0};
}

/* How sure a value is, is no value of its own here. */
static bool taken(const char *channel) { return !base_ends_with(channel, "_sd"); }

static bool name_channels(reason_stream *s, piece *pieces, size_t count) {
    size_t most = 0;
    for (size_t i = 0; i < count; i++) most += pieces[i].track->channel_count;
    s->channels = base_calloc(most + 1, sizeof *s->channels);
    if (!s->channels) return false;
    for (size_t i = 0; i < count; i++) {
        const affect_track *t = pieces[i].track;
        pieces[i].first = s->width;
        for (size_t c = 0; c < t->channel_count; c++) {
            base_text name = {0};
            if (!taken(t->channels[c])) continue;
            base_text_append(&name, pieces[i].part->prefix);
            base_text_append(&name, t->channels[c]);
            if (name.failed) base_text_destroy(&name);
            if (!name.data) return false;
            s->channels[s->width++] = name.data;
        }
    }
    return true;
}

/* Somebody else alone speaks then. */
static bool is_others(const affect_timeline *t, int person, affect_time at) {
    const affect_tier *turns = affect_timeline_find_tier(t, "speakers");
    bool own = false, other = false;
    for (size_t i = 0; turns && person && i < turns->count && turns->items[i].t0 <= at; i++) {
        const affect_interval *v = &turns->items[i];
        if (v->t1 < at || !v->person) continue;
        own = own || v->person == person;
        other = other || v->person != person;
    }
    return other && !own;
}

/* The means of a track's values in [from, to) into a row; *sum and *n of their times. */
static void average(const piece *p, affect_time from, affect_time to, float *row, double *sum,
                    size_t *n) {
    const affect_track *t = p->track;
    size_t begin = track_row_at(t, from), end = track_row_at(t, to), out = p->first;
    if (begin == end && begin && from - t->times[begin - 1] <= HOLD) begin--; /* it holds */
    for (size_t i = begin; i < end; i++) {
        *sum += time_to_seconds(t->times[i]);
        ++*n;
    }
    for (size_t c = 0; c < t->channel_count; c++) {
        double total = 0;
        size_t known = 0;
        if (!taken(t->channels[c])) continue;
        for (size_t i = begin; i < end; i++) {
            double x = (double)t->values[i * t->channel_count + c];
            if (isfinite(x)) total += x, known++;
        }
        row[out++] = known ? (float)(total / (double)known) : NAN;
    }
}

static affect_status fill(const affect_timeline *t, const reason_segment *g, const piece *pieces,
                          size_t count, affect_time step, reason_stream *s) {
    size_t most = (size_t)((g->t1 - g->t0) / step) + 1;
    s->times = base_calloc(most, sizeof *s->times);
    s->rows = base_calloc(most * s->width, sizeof *s->rows);
    if (!s->times || !s->rows) return AFFECT_ERROR_MEMORY;
    for (size_t k = 0; k < most; k++) {
        affect_time from = g->t0 + (affect_time)k * step, to = BASE_MIN(from + step, g->t1);
        const affect_track *first = pieces[0].track;
        if (to <= from || track_row_at(first, from) == track_row_at(first, to)) continue;
        if (pieces[0].part->modality == AFFECT_MODALITY_VOICE && is_others(t, g->person, from))
            continue;
        float *row = s->rows + s->count * s->width;
        for (size_t i = 0; i < count; i++) {
            double sum = 0;
            size_t n = 0;
            average(&pieces[i], from, to, row, &sum, &n);
            if (!i) s->times[s->count] = sum / (double)n - time_to_seconds(g->t0);
        }
        s->count++;
    }
    return AFFECT_OK;
}

affect_status reason_stream_read(const reason_recording *r, const reason_segment *g, size_t i,
                                 double rate_hz, reason_stream *out) {
    const affect_timeline *t = r->graph.timeline;
    affect_context *ctx = r->reasoner->ctx;
    piece pieces[BASE_COUNT(parts)];
    size_t count = 0;
    *out = (reason_stream){0};
    for (size_t k = 0; k < BASE_COUNT(parts); k++) {
        const struct part *p = &parts[k];
        if (p->stream != i || g->hidden & 1U << p->modality) continue;
        int person = p->modality == AFFECT_MODALITY_FACE ? g->person : AFFECT_PERSON_NONE;
        const affect_track *track = timeline_role(t, p->role, p->modality, person);
        if (track && track->rows) pieces[count++] = (piece){track, p, 0};
    }
    if (!count || g->t1 <= g->t0) return AFFECT_OK;
    affect_status status = name_channels(out, pieces, count) && out->width
                               ? fill(t, g, pieces, count, time_from_seconds(1 / rate_hz), out)
                               : AFFECT_ERROR_MEMORY;
    if (!status) return AFFECT_OK;
    reason_stream_clear(out);
    return base_fail_memory(ctx);
}
