/* The stage: activity, descriptors, events and what they express over one stream of blocks. */
#include "voice/voice.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "infer/infer.h"
#include "voice/activity.h"
#include "voice/channels.h"
#include "voice/descriptors.h"
#include "voice/events.h"
#include "voice/prosody.h"
#include "voice/speech_network.h"
#include "voice/voices.h"

enum { RATE = 16000, FRAME = RATE / 100 };
static const affect_time FRAME_CENTRE = 30 * AFFECT_MILLISECOND; /* of the 60 ms pitch window */

/* What the network hears, in frames of 10 ms: an utterance ends where this long nobody speaks; of a
 * longer one a window at each hop. A margin of the sound around it belongs to it, as in the clips
 * of the training. */
enum { UTTERANCE_GAP = 50, HEARD_LONGEST = 400, HEARD_HOP = 100, HEARD_LEAST = 50, MARGIN = 25 };

/* The utterance that is going on. Frames are numbered from the start of the stretch. */
typedef struct utterance {
    bool open;
    size_t start, last; /* its first and latest frame of speech */
    size_t from, heard; /* the next window's start; end of the last one, 0 = none */
    size_t next;        /* number of the frame that comes */
    float *samples;     /* of the stretch, from sample `first` */
    size_t first, count, capacity;
} utterance;

struct voice_stage {
    affect_context *ctx;
    affect_timeline *timeline;
    voice_activity *activity; /* NULL if its model is missing */
    voice_channels *channels;
    voice_voices *voices;
    voice_descriptors *descriptors;
    voice_events *events;
    voice_prosody *emotion;              /* NULL if its model is missing or not needed */
    voice_network *network;              /* NULL if there is none */
    bool alone;                          /* each utterance by itself */
    voice_speaker_statistics statistics; /* of the voice so far */
    affect_track *heard;                 /* voice/emotion */
    utterance utterance;
    const affect_track *activity_track; /* NULL where activity is not known */
    affect_track *prosody, *affect, *rate;
    size_t window_next, window_row; /* of channels; voice/activity's row of the first */
    size_t activity_row;            /* of voice/activity at the frame being looked at */
    affect_time origin;             /* time of sample 0 of the descriptor stream */
    affect_time next_t0;            /* where the next block should start; NONE before the first */
    voice_frame window[VOICE_PROSODY_WINDOW];
    bool speech[VOICE_PROSODY_WINDOW];
    size_t window_count;
};

voice_options voice_options_default(void) { return (voice_options){0}; }

/* The network that was named, or the first of ours that may be used. */
static affect_status make_network(voice_stage *v, const char *model) {
    static const char *const ours[] = {"voice.emotion", "voice.emotion.open"};
    affect_status status = AFFECT_ERROR_MODEL;
    for (size_t i = 0; i < (model ? 1 : BASE_COUNT(ours)) && !v->network; i++) {
        status = voice_network_create(v->ctx, model ? model : ours[i], &v->network);
        if (status == AFFECT_ERROR_MEMORY || (status != AFFECT_OK && model)) return status;
        if (status != AFFECT_OK)
            status = timeline_warn(v->ctx, v->timeline, AFFECT_TIME_NONE, AFFECT_TIME_NONE,
                                   "No emotion from the voice by %s: %s", model ? model : ours[i],
                                   affect_context_message(v->ctx));
        if (status != AFFECT_OK) return status;
    }
    if (!v->network) return AFFECT_OK;
    size_t count;
    const char *const *labels = voice_network_labels(v->network, &count);
    return timeline_add_role(v->ctx, v->timeline, TRACK_ROLE_CATEGORIES, AFFECT_MODALITY_VOICE,
                             AFFECT_PERSON_NONE, voice_network_model(v->network), labels, count,
                             &v->heard);
}

static affect_status make_emotion(voice_stage *v, const char *model) {
    affect_status status = voice_prosody_create(v->ctx, model, &v->emotion);
    bool missing = status == AFFECT_ERROR_MODEL || status == AFFECT_ERROR_RUNTIME;
    if (!missing || model) return status; /* one that was named must work */
    return timeline_warn(v->ctx, v->timeline, AFFECT_TIME_NONE, AFFECT_TIME_NONE,
                         "No valence and arousal from the voice: %s",
                         affect_context_message(v->ctx));
}

affect_status voice_create(affect_context *ctx, const voice_options *options,
                           affect_timeline *timeline, voice_stage **out) {
    *out = NULL;
    voice_stage *v = base_calloc(1, sizeof *v);
    if (!v) return base_fail_memory(ctx);
    v->ctx = ctx;
    v->timeline = timeline;
    v->next_t0 = AFFECT_TIME_NONE;
    v->alone = options && options->alone;
    affect_status status = voice_activity_create(ctx, options ? options->activity_model : NULL,
                                                 timeline, &v->activity);
    if ((status == AFFECT_ERROR_MODEL || status == AFFECT_ERROR_RUNTIME) &&
        !(options && options->activity_model))
        status = timeline_warn(ctx, timeline, AFFECT_TIME_NONE, AFFECT_TIME_NONE,
                               "No speech activity: %s", affect_context_message(ctx));
    if (status == AFFECT_OK)
        status = voice_channels_create(ctx, options ? options->activity_model : NULL, &v->channels);
    if (status == AFFECT_OK) status = voice_voices_create(ctx, timeline, &v->voices);
    if (status == AFFECT_OK) status = make_network(v, options ? options->emotion_model : NULL);
    if (status == AFFECT_OK && !(v->network && voice_network_has_values(v->network)))
        status = make_emotion(v, options ? options->prosody_model : NULL);
    if (status == AFFECT_OK) status = voice_descriptors_create(ctx, RATE, &v->descriptors);
    if (status == AFFECT_OK) status = voice_events_create(ctx, timeline, &v->events);
    if (status == AFFECT_OK)
        status = timeline_add_role(ctx, timeline, TRACK_ROLE_PROSODY, AFFECT_MODALITY_VOICE,
                                   AFFECT_PERSON_NONE, NULL, voice_prosody_channels,
                                   VOICE_PROSODY_CHANNELS, &v->prosody);
    if (status == AFFECT_OK)
        status = timeline_add_role(ctx, timeline, TRACK_ROLE_RATE, AFFECT_MODALITY_VOICE,
                                   AFFECT_PERSON_NONE, NULL, NULL, 0, &v->rate);
    bool heard = v->network && voice_network_has_values(v->network);
    if (status == AFFECT_OK && (v->emotion || heard))
        status = timeline_add_role(
            ctx, timeline, TRACK_ROLE_AFFECT, AFFECT_MODALITY_VOICE, AFFECT_PERSON_NONE,
            heard ? voice_network_model(v->network) : voice_prosody_model(v->emotion), NULL, 0,
            &v->affect);
    if (status != AFFECT_OK) {
        voice_destroy(v);
        return status;
    }
    v->activity_track =
        timeline_role(timeline, TRACK_ROLE_ACTIVITY, AFFECT_MODALITY_VOICE, AFFECT_PERSON_NONE);
    *out = v;
    return AFFECT_OK;
}

void voice_destroy(voice_stage *v) {
    if (!v) return;
    voice_activity_destroy(v->activity);
    voice_channels_destroy(v->channels);
    voice_voices_destroy(v->voices);
    voice_descriptors_destroy(v->descriptors);
    voice_events_destroy(v->events);
    voice_prosody_destroy(v->emotion);
    voice_network_destroy(v->network);
    base_free(v->utterance.samples);
    base_free(v);
}

/* Probability of speech at a time that only moves forward; 1 where activity is not known. Activity
 * is pushed before the descriptors and has the shorter look-ahead, so its row is there. */
static float speech_at(voice_stage *v, affect_time time) {
    const affect_track *track = v->activity_track;
    if (!track || !track->rows) return 1;
    while (v->activity_row + 1 < track->rows && llabs(track->times[v->activity_row + 1] - time) <=
                                                    llabs(track->times[v->activity_row] - time))
        v->activity_row++;
    return track->values[v->activity_row];
}

/* One row of voice/rate and of voice/affect from the window, if there is enough speech in it. */
static affect_status estimate(voice_stage *v) {
    float features[VOICE_PROSODY_FEATURES], row[2 * VOICE_PROSODY_TARGETS];
    if (!voice_prosody_features(v->window, v->speech, v->window_count, features)) return AFFECT_OK;
    size_t first = SIZE_MAX, last = 0, spoken = 0;
    for (size_t i = 0; i < v->window_count; i++) {
        if (!v->speech[i]) continue;
        if (first == SIZE_MAX) first = i;
        last = i;
        spoken++;
    }
    /* It speaks for the middle of the speech that it heard. */
    affect_time time =
        v->origin + FRAME_CENTRE +
        time_from_ticks((int64_t)(v->window[first].index + v->window[last].index), 1, 200);
    if (v->rate->rows) time = BASE_MAX(time, v->rate->times[v->rate->rows - 1] + 1);
    float confidence = (float)fmin((double)spoken / 150, 1);
    float rate[] = {features[VOICE_PROSODY_SYLLABLE_RATE], features[VOICE_PROSODY_VOICED_SHARE],
                    (float)spoken / (float)v->window_count};
    affect_status status = track_append(v->ctx, v->rate, time, confidence, rate);
    if (status != AFFECT_OK || !v->emotion) return status;
    voice_prosody_estimate(v->emotion, features, row, row + VOICE_PROSODY_TARGETS);
    return track_append(v->ctx, v->affect, time, confidence, row);
}

/* ---- utterances ---- */

/* Hears frames [from, to) with their margin and writes what it says for their middle. */
static affect_status hear(voice_stage *v, size_t from, size_t to) {
    utterance *u = &v->utterance;
    double fresh = (double)(to - BASE_MAX(from, u->heard)) / (double)(to - from);
    u->heard = to;
    size_t begin = from > MARGIN ? (from - MARGIN) * FRAME : 0, end = (to + MARGIN) * FRAME;
    begin = BASE_MAX(begin, u->first);
    end = BASE_MIN(end, u->first + u->count);
    if (to - from < HEARD_LEAST || end < begin + VOICE_NETWORK_LEAST) return AFFECT_OK;
    voice_heard h;
    affect_status status =
        voice_network_hear(v->ctx, v->network, u->samples + (begin - u->first), end - begin,
                           v->alone ? NULL : &v->statistics, fresh, &h);
    if (status != AFFECT_OK) return status;
    affect_time time = v->origin + FRAME_CENTRE + time_from_ticks((int64_t)(from + to - 1), 1, 200);
    if (v->heard->rows) time = BASE_MAX(time, v->heard->times[v->heard->rows - 1]);
    float confidence = h.in_distribution * fminf((float)(to - from) / 150, 1);
    status = track_append(v->ctx, v->heard, time, confidence, h.posteriors);
    if (status != AFFECT_OK || !voice_network_has_values(v->network)) return status;
    float row[6];
    for (size_t k = 0; k < 3; k++) {
        row[k] = h.value[k];
        row[3 + k] = h.sd[k];
    }
    return track_append(v->ctx, v->affect, time, confidence, row);
}

/* The utterance is over: its last window reaches to its end, unless one came near. */
static affect_status end_utterance(voice_stage *v) {
    utterance *u = &v->utterance;
    if (!u->open) return AFFECT_OK;
    u->open = false;
    size_t end = u->last + 1;
    if (u->heard && end < u->heard + HEARD_HOP / 2) return AFFECT_OK;
    return hear(v, end > u->start + HEARD_LONGEST ? end - HEARD_LONGEST : u->start, end);
}

static affect_status follow_utterance(voice_stage *v, bool speech) {
    utterance *u = &v->utterance;
    size_t frame = u->next++;
    affect_status status = AFFECT_OK;
    if (u->open && frame - u->last > UTTERANCE_GAP) status = end_utterance(v);
    if (speech && !u->open) {
        u->open = true;
        u->start = u->from = frame;
        u->heard = 0;
    }
    if (speech) u->last = frame;
    /* Once the margin after it is there, however blocks fall. */
    if (status == AFFECT_OK && u->open && frame + 1 - u->from >= HEARD_LONGEST + MARGIN) {
        status = hear(v, u->from, u->from + HEARD_LONGEST);
        u->from += HEARD_HOP;
    }
    /* What no later window can reach is forgotten. */
    size_t reach = BASE_MIN(frame, (size_t)(HEARD_LONGEST + UTTERANCE_GAP + 1));
    size_t needed = u->open ? BASE_MIN(u->from, frame - reach) : frame;
    needed = needed > MARGIN ? (needed - MARGIN) * FRAME : 0;
    if (needed > u->first + (size_t)RATE && needed <= u->first + u->count) {
        u->count -= needed - u->first;
        memmove(u->samples, u->samples + (needed - u->first), u->count * sizeof *u->samples);
        u->first = needed;
    }
    return status;
}

static affect_status keep_samples(voice_stage *v, const media_block *block) {
    utterance *u = &v->utterance;
    if (!v->network) return AFFECT_OK;
    if (!base_grow((void **)&u->samples, &u->capacity, u->count + block->count, sizeof *u->samples))
        return base_fail_memory(v->ctx);
    memcpy(u->samples + u->count, block->samples, block->count * sizeof *u->samples);
    u->count += block->count;
    return AFFECT_OK;
}

/* ---- frames ---- */

static affect_status take_frame(voice_stage *v, const voice_frame *frame) {
    affect_time time = v->origin + FRAME_CENTRE + time_from_ticks((int64_t)frame->index, 1, 100);
    float row[VOICE_PROSODY_CHANNELS];
    voice_prosody_row(frame, row);
    float speech = speech_at(v, time);
    affect_status status = track_append(v->ctx, v->prosody, time, speech, row);
    if (status != AFFECT_OK) return status;
    /* Pitch of what is no speech (music, a door) is measured, but is no event of a voice. */
    float f0 = speech >= 0.5F ? frame->f0 : 0;
    status = voice_events_frame(v->events, time, f0,
                                (float)(10 * log10(fmax((double)frame->energy, 1e-10))));
    if (status == AFFECT_OK && v->network) status = follow_utterance(v, speech >= 0.5F);
    if (status != AFFECT_OK || !frame->complete) return status;
    v->window[v->window_count] = *frame;
    v->speech[v->window_count++] = speech >= 0.5F;
    if (v->window_count < VOICE_PROSODY_WINDOW) return AFFECT_OK;
    status = estimate(v);
    size_t kept = VOICE_PROSODY_WINDOW - VOICE_PROSODY_HOP;
    memmove(v->window, v->window + VOICE_PROSODY_HOP, kept * sizeof *v->window);
    memmove(v->speech, v->speech + VOICE_PROSODY_HOP, kept * sizeof *v->speech);
    v->window_count = kept;
    return status;
}

static affect_status take_frames(voice_stage *v) {
    size_t count;
    affect_status status = AFFECT_OK;
    const voice_frame *frames = voice_descriptors_take(v->descriptors, &count);
    for (size_t i = 0; i < count && status == AFFECT_OK; i++) status = take_frame(v, &frames[i]);
    return status;
}

/* Ends a contiguous stretch of sound. */
static affect_status end_stretch(voice_stage *v) {
    affect_status status = voice_descriptors_finish(v->descriptors);
    if (status == AFFECT_OK) status = take_frames(v);
    if (status == AFFECT_OK) status = voice_events_finish(v->events);
    if (status == AFFECT_OK) status = voice_voices_end(v->voices);
    /* A recording shorter than a window, or its last part, still says something. */
    if (status == AFFECT_OK) status = estimate(v);
    if (status == AFFECT_OK && v->network) status = end_utterance(v);
    v->window_count = 0;
    v->utterance = (utterance){.samples = v->utterance.samples, .capacity = v->utterance.capacity};
    voice_descriptors_reset(v->descriptors);
    return status;
}

/* Windows of channels that are there, each with the probability of speech in it: the network's
 * windows and these are the same. */
static affect_status take_channels(voice_stage *v, const media_block *block) {
    affect_status status =
        voice_channels_push(v->channels, block->samples, block->side, block->count);
    const affect_track *track = v->activity_track;
    for (; track && v->window_next < voice_channels_count(v->channels) && status == AFFECT_OK;
         v->window_next++) {
        affect_time t0 =
            v->origin + time_from_ticks((int64_t)v->window_next * VOICE_CHANNELS_WINDOW, 1, RATE);
        size_t row = v->window_row + v->window_next;
        if (row >= track->rows) break;
        status = voice_voices_window(v->voices, t0, track->values[row],
                                     voice_channels_at(v->channels, v->window_next));
    }
    return status;
}

affect_status voice_push(voice_stage *v, const media_block *block) {
    affect_status status = AFFECT_OK;
    if (block->sample_rate != RATE)
        return base_fail(v->ctx, AFFECT_ERROR_ARGUMENT, "voice wants 16000 Hz, not %d",
                         block->sample_rate);
    affect_time jump = v->next_t0 == AFFECT_TIME_NONE ? INT64_MAX : block->t0 - v->next_t0;
    if (v->activity) status = voice_activity_push(v->activity, block);
    if (jump > AFFECT_MILLISECOND || jump < -AFFECT_MILLISECOND) {
        if (status == AFFECT_OK && v->next_t0 != AFFECT_TIME_NONE) status = end_stretch(v);
        v->origin = block->t0;
        if (v->activity_track)
            v->window_row = v->activity_track->rows - block->count / VOICE_CHANNELS_WINDOW;
        voice_channels_begin(v->channels);
        v->window_next = 0;
    }
    if (status == AFFECT_OK) status = take_channels(v, block);
    if (status == AFFECT_OK) status = keep_samples(v, block);
    if (status == AFFECT_OK)
        status = voice_descriptors_push(v->descriptors, block->samples, block->count);
    if (status == AFFECT_OK) status = take_frames(v);
    v->next_t0 = block->t0 + time_from_ticks((int64_t)block->count, 1, RATE);
    return status;
}

affect_status voice_finish(voice_stage *v) {
    affect_status status = AFFECT_OK;
    if (v->next_t0 == AFFECT_TIME_NONE) return AFFECT_OK;
    if (v->activity) status = voice_activity_finish(v->activity);
    if (status == AFFECT_OK) status = end_stretch(v);
    const affect_tier *speech = affect_timeline_find_tier(v->timeline, "speech");
    if (status == AFFECT_OK && speech) status = voice_events_pauses(v->ctx, v->timeline, speech, 0);
    return status;
}
