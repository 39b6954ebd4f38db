/* The stream: rows in, trajectories and episodes out. */
#include "fuse/fuse.h"

#include <math.h>
#include <string.h>

#include "align/speaking.h"
#include "fuse/network.h"

enum { STREAMS = FUSE_STREAMS, DIMENSIONS = FUSE_DIMENSIONS };

#define LAG FUSE_STEP /* of the latent smoother: results use 4 to 8 s of future */
#define REACH (2500 * AFFECT_MILLISECOND) /* a row speaks for this long to both sides */

fuse_options fuse_options_default(void) {
    return (fuse_options){.rate_hz = 10.0, .face = true, .voice = true, .words = true};
}

typedef struct answers {
    latent_estimate *items;
    size_t count, capacity;
    bool failed;
} answers;

typedef struct grid_range {
    size_t first, end;
} grid_range;

typedef struct person {
    int number;
    latent_online *latent[DIMENSIONS];
    answers answers[DIMENSIONS];
    struct {
        grid_range *items; /* the instants of the grid that have a row near them; in order, apart */
        size_t first, count, capacity; /* those before `first` are done */
    } covered;
    affect_time covered_to[STREAMS];
    size_t asked;   /* instants of the grid decided */
    fuse_rows rows; /* for the network, with the piece it told last */
    fuse_piece piece;
    affect_track *trajectory;
    fuse_changes *changes;
    affect_time last; /* of the trajectory */
    bool open;        /* a stretch without gaps is going on */
} person;

/* Where we are in one track that we follow. */
typedef struct cursor {
    const affect_track *track;
    size_t row;
} cursor;

struct fuse_stage {
    affect_context *ctx;
    fuse_options options;
    fuse_parameters *parameters;
    fuse_network *network; /* or NULL */
    affect_timeline *out;
    struct {
        person **items;
        size_t count, capacity;
    } persons;
    struct {
        cursor *items;
        size_t count, capacity;
    } cursors;
    struct {
        affect_interval *items;
        size_t count, capacity;
    } waiting; /* stretches whose cues may still be incomplete */
    affect_tier *episodes;
    int last_speaker;
    size_t late;
    affect_time end; /* of the recording, once known */
};

affect_status fuse_create(affect_context *ctx, const fuse_options *options, affect_timeline *out,
                          fuse_stage **stage) {
    *stage = NULL;
    if (!(options->rate_hz >= 0.1 && options->rate_hz <= 1000.0))
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "a rate of %g Hz is outside 0.1..1000",
                         options->rate_hz);
    fuse_stage *s = base_calloc(1, sizeof *s);
    if (!s) return base_fail_memory(ctx);
    s->ctx = ctx;
    s->options = *options;
    s->out = out;
    s->end = INT64_MAX;
    affect_status status = fuse_parameters_load(ctx, options->model, &s->parameters);
    if (status == AFFECT_OK && options->network)
        status = fuse_network_load(ctx, options->network, &s->network);
    s->options.model = s->options.network = NULL; /* were only borrowed */
    if (status == AFFECT_OK)
        status = timeline_tier(ctx, out, "episodes", AFFECT_MODALITY_FUSED, &s->episodes);
    if (status != AFFECT_OK) {
        fuse_destroy(s);
        return status;
    }
    *stage = s;
    return AFFECT_OK;
}

static void person_destroy(person *p) {
    if (!p) return;
    for (int d = 0; d < DIMENSIONS; d++) {
        latent_online_destroy(p->latent[d]);
        base_free(p->answers[d].items);
    }
    base_free(p->covered.items);
    fuse_rows_destroy(&p->rows);
    fuse_piece_destroy(&p->piece);
    fuse_changes_destroy(p->changes);
    base_free(p);
}

void fuse_destroy(fuse_stage *s) {
    if (!s) return;
    for (size_t i = 0; i < s->persons.count; i++) person_destroy(s->persons.items[i]);
    base_free(s->persons.items);
    base_free(s->cursors.items);
    base_free(s->waiting.items);
    fuse_parameters_destroy(s->parameters);
    fuse_network_destroy(s->network);
    base_free(s);
}

static affect_status find_person(fuse_stage *s, int number, person **out) {
    for (size_t i = 0; i < s->persons.count; i++)
        if (s->persons.items[i]->number == number) {
            *out = s->persons.items[i];
            return AFFECT_OK;
        }
    if (!base_grow((void **)&s->persons.items, &s->persons.capacity, s->persons.count + 1,
                   sizeof *s->persons.items))
        return base_fail_memory(s->ctx);
    person *p = base_calloc(1, sizeof *p);
    if (!p) return base_fail_memory(s->ctx);
    p->number = number;
    for (int i = 0; i < STREAMS; i++) p->covered_to[i] = INT64_MIN;
    affect_status status = fuse_changes_create(s->ctx, &p->changes);
    for (int d = 0; d < DIMENSIONS && status == AFFECT_OK; d++)
        status = latent_online_create(s->ctx, &s->parameters->dimensions[d], LAG, &p->latent[d]);
    if (status == AFFECT_OK)
        status = timeline_add_role(s->ctx, s->out, TRACK_ROLE_TRAJECTORY, AFFECT_MODALITY_FUSED,
                                   number, s->network ? fuse_network_name(s->network) : "", NULL, 0,
                                   &p->trajectory);
    if (status != AFFECT_OK) {
        person_destroy(p);
        return status;
    }
    s->persons.items[s->persons.count++] = *out = p;
    return AFFECT_OK;
}

/* ---- rows in ---- */

static affect_time grid_time(const fuse_stage *s, size_t k) {
    return time_from_seconds((double)k / s->options.rate_hz);
}

static size_t grid_index(const fuse_stage *s, affect_time t) { /* first instant at or after t */
    if (t <= 0) return 0;
    size_t k = (size_t)floor(time_to_seconds(t) * s->options.rate_hz);
    while (k > 0 && grid_time(s, k - 1) >= t) k--;
    while (grid_time(s, k) < t) k++;
    return k;
}

/* Joins [first, end) to the ranges. It falls behind the last one or near it, so the search begins
 * there. */
static affect_status cover_range(fuse_stage *s, person *p, size_t first, size_t end) {
    first = BASE_MAX(first, p->asked); /* what is decided stays */
    if (first >= end) return AFFECT_OK;
    size_t at = p->covered.count, behind = at;
    while (at > p->covered.first && p->covered.items[at - 1].end >= first) at--;
    for (behind = at; behind < p->covered.count && p->covered.items[behind].first <= end;
         behind++) {
        first = BASE_MIN(first, p->covered.items[behind].first);
        end = BASE_MAX(end, p->covered.items[behind].end);
    }
    if (!base_grow((void **)&p->covered.items, &p->covered.capacity, p->covered.count + 1,
                   sizeof *p->covered.items))
        return base_fail_memory(s->ctx);
    memmove(p->covered.items + at + 1, p->covered.items + behind,
            (p->covered.count - behind) * sizeof *p->covered.items);
    p->covered.count = p->covered.count - (behind - at) + 1;
    p->covered.items[at] = (grid_range){first, end};
    return AFFECT_OK;
}

static affect_status cover(fuse_stage *s, person *p, size_t stream, affect_time at) {
    affect_time from = BASE_MAX(at - REACH, p->covered_to[stream]), to = at + REACH;
    if (to <= from) return AFFECT_OK;
    p->covered_to[stream] = to;
    return cover_range(s, p, grid_index(s, from), grid_index(s, to));
}

/* One row of an affect track: valence, arousal, dominance and, where known, their sds. A row that
 * is less sure of itself than the stream's model counts for less, one that is surer not for more.
 */
static affect_status take_row(fuse_stage *s, int number, size_t stream, const affect_track *track,
                              size_t row, affect_time offset, double share) {
    const float *v = track->values + row * track->channel_count;
    double confidence = track->confidence[row] * share;
    affect_time time = track->times[row] - offset;
    bool says = false;
    for (size_t d = 0; d < DIMENSIONS && d < track->channel_count; d++)
        says = says || isfinite(v[d]);
    if (!says || !(confidence > 0)) return AFFECT_OK;
    person *p;
    affect_status status = find_person(s, number, &p);
    if (status == AFFECT_OK) status = cover(s, p, stream, time);
    for (size_t d = 0; d < DIMENSIONS && d < track->channel_count && status == AFFECT_OK; d++) {
        const latent_stream *m = &s->parameters->streams[d][stream];
        double c = confidence, sd = d + 3 < track->channel_count ? (double)v[d + 3] : NAN;
        double usual = m->noise_sd * m->noise_sd + m->drift_sd * m->drift_sd;
        if (isfinite(sd) && sd * sd > usual) c *= usual / (sd * sd);
        status = latent_online_push(p->latent[d], &(latent_observation){.time = time,
                                                                        .stream = stream,
                                                                        .value = (double)v[d],
                                                                        .confidence = c});
    }
    return status;
}

static affect_status follow(fuse_stage *s, const affect_track *track, cursor **out) {
    for (size_t i = 0; i < s->cursors.count; i++)
        if (s->cursors.items[i].track == track) {
            *out = &s->cursors.items[i];
            return AFFECT_OK;
        }
    if (!base_grow((void **)&s->cursors.items, &s->cursors.capacity, s->cursors.count + 1,
                   sizeof *s->cursors.items))
        return base_fail_memory(s->ctx);
    *out = &s->cursors.items[s->cursors.count++];
    **out = (cursor){.track = track};
    return AFFECT_OK;
}

/* Which stream a track is, or -1. */
static int stream_of(const fuse_stage *s, const affect_track *track) {
    if (!track->kind || track->kind->role != TRACK_ROLE_AFFECT) return -1;
    switch (track->kind->modality) {
    case AFFECT_MODALITY_FACE: return s->options.face ? AFFECT_MODALITY_FACE - 1 : -1;
    case AFFECT_MODALITY_VOICE: return s->options.voice ? AFFECT_MODALITY_VOICE - 1 : -1;
    case AFFECT_MODALITY_WORDS: return s->options.words ? AFFECT_MODALITY_WORDS - 1 : -1;
    default: return -1;
    }
}

/* Which of the network's streams, or -1: none, or there is no network. */
static int input_of(const fuse_stage *s, const affect_track *track) {
    return s->network ? fuse_input_of(track) : -1;
}

static affect_status take_input(fuse_stage *s, int number, const affect_track *track, size_t row,
                                affect_time offset, double share) {
    person *p;
    affect_status status = find_person(s, number, &p);
    return status == AFFECT_OK
               ? fuse_rows_take(s->ctx, &p->rows, track, row, track->times[row] - offset, share)
               : status;
}

static affect_status take_rows(fuse_stage *s, const timeline_view *view, affect_time horizon) {
    affect_status status = AFFECT_OK;
    /* Faces first: a voice goes to person 1 only where no face is. Voice and words wait until the
     * mouths around them are known. */
    affect_time heard = horizon == INT64_MAX ? horizon : horizon - FUSE_SPEAKER_REACH;
    for (size_t i = 0; i < view->count; i++)
        for (size_t k = 0; k < view->items[i]->track_count; k++) {
            const affect_track *track = view->items[i]->tracks[k];
            int stream = stream_of(s, track), input = input_of(s, track);
            if (stream < 0 && input < 0) continue;
            cursor *at = NULL;
            status = follow(s, track, &at);
            if (status != AFFECT_OK) return status;
            bool face = track->kind->modality == AFFECT_MODALITY_FACE;
            affect_time until = face ? horizon : heard;
            for (; at->row < track->rows && track->times[at->row] < until; at->row++) {
                int number = track->person;
                affect_time offset = 0;
                double share = 1;
                if (!face) {
                    int *last = &s->last_speaker;
                    number = fuse_speaks(view, track, track->times[at->row], *last, &share);
                    if (number == AFFECT_PERSON_NONE) continue; /* of nobody in view */
                    if (stream == AFFECT_MODALITY_VOICE - 1) *last = number;
                    offset = align_offset_at(view, track->times[at->row]);
                }
                if (stream >= 0)
                    status = take_row(s, number, (size_t)stream, track, at->row, offset, share);
                if (input >= 0 && status == AFFECT_OK)
                    status = take_input(s, number, track, at->row, offset, share);
                if (status != AFFECT_OK) return status;
            }
        }
    return AFFECT_OK;
}

/* ---- results out ---- */

static void keep_answer(void *user, const latent_estimate *estimate) {
    answers *a = user;
    if (a->failed || !base_grow((void **)&a->items, &a->capacity, a->count + 1, sizeof *a->items)) {
        a->failed = true;
        return;
    }
    a->items[a->count++] = *estimate;
}

/* How much was learnt beyond the prior, 0..1, mean of valence and arousal. */
static float confidence_of(const fuse_stage *s, const double sd[DIMENSIONS]) {
    double sum = 0;
    for (int d = 0; d < 2; d++) {
        double share = sd[d] / s->parameters->dimensions[d].sd;
        sum += 0.5 * (1.0 - BASE_MIN(share * share, 1.0));
    }
    return (float)sum;
}

static affect_status keep_stretches(fuse_stage *s, person *p) {
    affect_time t0, t1;
    while (fuse_changes_next(p->changes, &t0, &t1)) {
        if (!base_grow((void **)&s->waiting.items, &s->waiting.capacity, s->waiting.count + 1,
                       sizeof *s->waiting.items))
            return base_fail_memory(s->ctx);
        s->waiting.items[s->waiting.count++] =
            (affect_interval){.t0 = t0, .t1 = t1, .person = p->number};
    }
    return AFFECT_OK;
}

/* The network's answer in the place of the latent model's, where it tells the dimension. */
static affect_status tell(fuse_stage *s, person *p, affect_time t, double mean[DIMENSIONS],
                          double sd[DIMENSIONS]) {
    for (size_t d = 0; d < DIMENSIONS; d++)
        if (fuse_network_tells(s->network, d)) sd[d] = fuse_network_error(s->network, d);
    return fuse_network_tell(s->ctx, s->network, &p->rows, &p->piece, t, mean);
}

static affect_status append_answers(fuse_stage *s, person *p) {
    affect_status status = AFFECT_OK;
    affect_time step = time_from_seconds(1.0 / s->options.rate_hz);
    for (size_t i = 0; i < p->answers[0].count && status == AFFECT_OK; i++) {
        affect_time t = p->answers[0].items[i].time;
        double mean[DIMENSIONS], sd[DIMENSIONS];
        float row[2 * DIMENSIONS];
        for (int d = 0; d < DIMENSIONS; d++) {
            mean[d] = p->answers[d].items[i].mean;
            sd[d] = p->answers[d].items[i].sd;
        }
        if (s->network) status = tell(s, p, t, mean, sd);
        if (status != AFFECT_OK) break;
        for (int d = 0; d < DIMENSIONS; d++) {
            row[d] = (float)fmax(-1.0, fmin(1.0, mean[d]));
            row[DIMENSIONS + d] = (float)sd[d];
        }
        if (p->open && t - p->last > step + step / 2) { /* the person was away */
            status = fuse_changes_end(p->changes, p->last + step);
            if (status == AFFECT_OK) status = keep_stretches(s, p);
        }
        p->open = true;
        p->last = t;
        if (status == AFFECT_OK)
            status = track_append(s->ctx, p->trajectory, t, confidence_of(s, sd), row);
        if (status == AFFECT_OK) status = fuse_changes_push(p->changes, t, mean, sd);
        if (status == AFFECT_OK) status = keep_stretches(s, p);
    }
    for (int d = 0; d < DIMENSIONS; d++) p->answers[d].count = 0;
    return status;
}

static affect_status advance_person(fuse_stage *s, person *p, affect_time horizon) {
    affect_status status = AFFECT_OK;
    /* Rows of the voice are taken up to FUSE_SPEAKER_REACH before the horizon, and each speaks for
     * REACH before its place in the picture. */
    affect_time known =
        horizon == INT64_MAX ? horizon : horizon - FUSE_SPEAKER_REACH - REACH - ALIGN_OFFSET_MOST;
    bool over = false;
    for (; !over && p->covered.first < p->covered.count; p->covered.first += !over) {
        grid_range range = p->covered.items[p->covered.first];
        for (p->asked = BASE_MAX(p->asked, range.first); p->asked < range.end; p->asked++) {
            affect_time t = grid_time(s, p->asked);
            over = t >= known || t > s->end;
            if (over) break;
            for (int d = 0; d < DIMENSIONS; d++) {
                status = latent_online_ask(p->latent[d], t);
                if (status != AFFECT_OK) return status;
            }
        }
    }
    if (known != INT64_MAX) p->asked = BASE_MAX(p->asked, grid_index(s, known));
    for (int d = 0; d < DIMENSIONS && status == AFFECT_OK; d++) {
        status = latent_online_advance(p->latent[d], known, keep_answer, &p->answers[d]);
        if (p->answers[d].failed) status = base_fail_memory(s->ctx);
    }
    if (status == AFFECT_OK) status = append_answers(s, p);
    if (known != INT64_MAX) /* steps whose next one is over have been told */
        fuse_rows_forget(&p->rows, (known / FUSE_STEP - 2) * FUSE_STEP);
    return status;
}

/* Labels the stretches that end at or before `known`. */
static affect_status label_stretches(fuse_stage *s, const timeline_view *view, affect_time known) {
    size_t kept = 0;
    affect_status status = AFFECT_OK;
    for (size_t i = 0; i < s->waiting.count; i++) {
        affect_interval w = s->waiting.items[i];
        if (status != AFFECT_OK || w.t1 > known) {
            s->waiting.items[kept++] = w;
            continue;
        }
        person *p = NULL;
        status = find_person(s, w.person, &p);
        if (status == AFFECT_OK)
            status = fuse_label_episode(s->ctx, s->parameters, view, p->trajectory, w.t0, w.t1,
                                        s->episodes);
    }
    s->waiting.count = kept;
    return status;
}

affect_status fuse_advance(fuse_stage *s, const timeline_view *view, affect_time horizon) {
    affect_status status = take_rows(s, view, horizon);
    for (size_t i = 0; i < s->persons.count && status == AFFECT_OK; i++)
        status = advance_person(s, s->persons.items[i], horizon);
    if (status == AFFECT_OK) status = label_stretches(s, view, horizon);
    return status;
}

affect_status fuse_finish(fuse_stage *s, const timeline_view *view, affect_time end) {
    s->end = end;
    affect_status status = fuse_advance(s, view, INT64_MAX);
    affect_time step = time_from_seconds(1.0 / s->options.rate_hz);
    for (size_t i = 0; i < s->persons.count && status == AFFECT_OK; i++) {
        person *p = s->persons.items[i];
        if (p->open)
            status = fuse_changes_end(p->changes, BASE_MAX(p->last, BASE_MIN(p->last + step, end)));
        if (status == AFFECT_OK) status = keep_stretches(s, p);
        p->open = false;
        for (int d = 0; d < DIMENSIONS; d++) s->late += latent_online_late(p->latent[d]);
    }
    if (status == AFFECT_OK) status = label_stretches(s, view, INT64_MAX);
    if (status == AFFECT_OK && s->late)
        status = timeline_warn(s->ctx, s->out, AFFECT_TIME_NONE, AFFECT_TIME_NONE,
                               "%zu values of perception came later than its stated look-ahead and "
                               "were left out of the trajectory",
                               s->late);
    return status;
}

affect_status fuse_provisional(const fuse_stage *s, const timeline_view *view, affect_time now,
                               affect_timeline *out) {
    return fuse_estimate_now(s->ctx, s->parameters, view, now, out);
}
