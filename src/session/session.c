/* The engine: what is pushed goes into two lanes (face; voice and words), what they have found is
 * called back and fused as it becomes final, and the end joins everything into one timeline. */
#include <math.h>
#include <string.h>

#include "infer/infer.h"
#include "session/internal.h"

enum { FACE_LANE, SOUND_LANE, LANES };
/* What waits for a lane: .6 s of pictures at 25 a second, 2.4 s of sound. An end of an utterance
 * keeps the sound lane busy for long; but what is left of it when the pictures are done is worked
 * through alone. */
enum { FRAMES_AHEAD = 16, BLOCKS_AHEAD = 24 };

/* Callbacks and fusion are served this often, in time of the recording, if the lanes happen to be
 * between two items. They wait for a lane only when it is so late: the caller decodes, which takes
 * longest of all, and while it waits for a lane (a fifth of a second of sound takes as long as five
 * pictures) the pictures' lane starves. */
#define SERVE_EVERY (100 * AFFECT_MILLISECOND)
#define SERVE_LATEST (2 * AFFECT_SECOND)
#define ADVANCE_LATEST (500 * AFFECT_MILLISECOND)

struct affect_session {
    affect_context *ctx;
    affect_options *options;
    session_lane lanes[LANES];
    session_stage own;  /* warnings, texts that were pushed: no perception of its own */
    session_stage text; /* words from a transcript */
    void *feed;         /* texts that are pushed */
    session_stage fused;
    fuse_stage *fuse;
    double fuse_seconds;
    affect_time look_ahead; /* INT64_MAX = fuse at the end */
    affect_time pushed;     /* the end of the latest thing pushed */
    affect_time advanced;   /* and at the latest fusion */
    bool fed, finished, framed;
    affect_time last_frame;
    affect_status broken; /* what an earlier call failed with */
    float *clean;         /* samples without NaN */
    size_t clean_capacity;
    struct { /* pushed sound that is not mono at 16 kHz; resampler NULL: none under way */
        media_resampler *resampler;
        int rate, channels;
        affect_time t0;      /* of its first sample */
        int64_t taken, made; /* samples in and out since then */
    } sound;
};

/* Perception takes mono sound at this rate. Pushes that meet this closely are one stretch. */
enum { SOUND_RATE = 16000 };
#define SOUND_JOIN AFFECT_MILLISECOND

enum { MAX_INPUTS = LANES * LANE_STAGES + 2 };

/* The timelines of perception, in a fixed order. */
static size_t inputs(const affect_session *s, const affect_timeline *out[MAX_INPUTS]) {
    size_t n = 0;
    for (int l = 0; l < LANES; l++)
        for (size_t i = 0; i < s->lanes[l].stage_count; i++)
            if (!s->lanes[l].stages[i].dropped) out[n++] = s->lanes[l].stages[i].timeline;
    out[n++] = s->text.timeline;
    return n;
}

static affect_status add_stage(affect_session *s, session_lane *lane,
                               const session_stage_kind *kind) {
    session_stage *stage = &lane->stages[lane->stage_count++];
    stage->kind = kind;
    affect_status status = timeline_create(s->ctx, &stage->timeline);
    if (status == AFFECT_OK)
        status = kind->create(s->ctx, s->options, stage->timeline, &stage->impl);
    if (status == AFFECT_OK) stage->lacking = stage->timeline->warnings->count > 0;
    return status;
}

/* Every card in the model folder that the user named must be usable, or the warning of a stage
 * would hide what is wrong with it. */
static affect_status check_folder(affect_context *ctx) {
    const char *folder = base_models_folder(ctx);
    if (!folder) return AFFECT_OK;
    char **names;
    size_t count;
    affect_status status = infer_model_names(ctx, &names, &count);
    if (status != AFFECT_OK) return status;
    for (size_t i = 0; i < count; i++) {
        char *own = base_path_join(folder, names[i]),
             *card = own ? base_path_join(own, "card.json") : NULL;
        infer_card *loaded = NULL;
        if (!card && status == AFFECT_OK) status = base_fail_memory(ctx);
        if (status == AFFECT_OK && base_file_exists(card))
            status = infer_card_load(ctx, names[i], false, &loaded);
        infer_card_destroy(loaded);
        base_free(card);
        base_free(own);
        base_free(names[i]);
    }
    base_free(names);
    return status;
}

/* A model that was asked for by name must be there: its absence is an error, not a warning. */
static affect_status check_models(affect_context *ctx, const affect_options *o) {
    affect_status status = check_folder(ctx);
    for (size_t i = 0; i < o->models.count && status == AFFECT_OK; i++) {
        infer_card *card = NULL;
        if (o->models.items[i].model)
            status = infer_card_load(ctx, o->models.items[i].model, false, &card);
        infer_card_destroy(card);
    }
    return status;
}

/* When perception made nothing at all and something was missing from the start, that is the error:
 * an empty timeline would look like a recording in which nothing happens. */
static affect_status check_able(affect_session *s) {
    size_t made = s->text.timeline->tier_count + s->text.timeline->track_count;
    const session_stage_kind *lacking = NULL;
    for (int l = 0; l < LANES; l++)
        for (size_t i = 0; i < s->lanes[l].stage_count; i++) {
            const session_stage *stage = &s->lanes[l].stages[i];
            made += stage->timeline->track_count + stage->timeline->event_count;
            for (size_t k = 0; k < stage->timeline->tier_count; k++)
                made += stage->timeline->tiers[k]->count;
            if (!lacking && stage->lacking && stage->fed) lacking = stage->kind;
        }
    if (made || !lacking) return AFFECT_OK;
    affect_status status = AFFECT_OK; /* loading says which: MODEL or RUNTIME, and what to do */
    for (size_t i = 0; lacking->essential[i] && status == AFFECT_OK; i++) {
        infer_model *model = NULL;
        status = infer_model_load(s->ctx, lacking->essential[i], 1, &model);
        infer_model_destroy(model);
    }
    return status;
}

static affect_status create(affect_session *s, const affect_options *options) {
    affect_context *ctx = s->ctx;
    affect_status status = session_options_copy(ctx, options, &s->options);
    if (status != AFFECT_OK) return status;
    const affect_options *o = s->options;
    s->look_ahead = (o->look_ahead_ms ? o->look_ahead_ms : 20000) * AFFECT_MILLISECOND;
    status = check_models(ctx, o);
    if (status == AFFECT_OK) status = timeline_create(ctx, &s->own.timeline);
    if (status == AFFECT_OK) status = timeline_create(ctx, &s->text.timeline);
    if (status == AFFECT_OK) status = timeline_create(ctx, &s->fused.timeline);
    if (status == AFFECT_OK && o->subtitles)
        status = session_import_words(ctx, o, o->subtitles, s->text.timeline);
    if (status == AFFECT_OK && o->face) status = add_stage(s, &s->lanes[FACE_LANE], &session_face);
    if (status == AFFECT_OK && o->voice)
        status = add_stage(s, &s->lanes[SOUND_LANE], &session_voice);
    if (status == AFFECT_OK && o->words && !o->subtitles)
        status = add_stage(s, &s->lanes[SOUND_LANE], &session_words);
    fuse_options fuse = fuse_options_default();
    fuse.rate_hz = o->rate_hz;
    if (status == AFFECT_OK) status = fuse_create(ctx, &fuse, s->fused.timeline, &s->fuse);
    bool threaded = affect_context_threads(ctx) != 1;
    if (status == AFFECT_OK)
        status = session_lane_start(&s->lanes[FACE_LANE], ctx, threaded && o->face, FRAMES_AHEAD);
    if (status == AFFECT_OK)
        status = session_lane_start(&s->lanes[SOUND_LANE], ctx,
                                    threaded && s->lanes[SOUND_LANE].stage_count, BLOCKS_AHEAD);
    return status;
}

affect_status affect_session_create(affect_context *ctx, const affect_options *options,
                                    affect_session **out) {
    *out = NULL;
    affect_session *s = base_calloc(1, sizeof *s);
    if (!s) return base_fail_memory(ctx);
    s->ctx = ctx;
    affect_status status = create(s, options);
    if (status != AFFECT_OK) {
        affect_session_destroy(s);
        return status;
    }
    *out = s;
    return AFFECT_OK;
}

static void stage_clear(session_stage *stage) {
    affect_timeline_destroy(stage->timeline);
    base_free(stage->seen.rows.items);
    base_free(stage->seen.intervals.items);
}

void affect_session_destroy(affect_session *s) {
    if (!s) return;
    fuse_destroy(s->fuse);
    session_push_words_end(s->feed);
    for (int l = 0; l < LANES; l++) session_lane_destroy(&s->lanes[l]);
    stage_clear(&s->own);
    stage_clear(&s->text);
    stage_clear(&s->fused);
    affect_options_destroy(s->options);
    media_resampler_destroy(s->sound.resampler);
    base_free(s->clean);
    base_free(s);
}

void session_wait_for_everything(affect_session *s) { s->look_ahead = INT64_MAX; }

void session_timing(const affect_session *s, double seconds[4]) {
    seconds[0] = seconds[1] = seconds[2] = 0;
    for (int l = 0; l < LANES; l++)
        for (size_t i = 0; i < s->lanes[l].stage_count; i++) {
            const session_stage *stage = &s->lanes[l].stages[i];
            int place = stage->kind == &session_face ? 0 : stage->kind == &session_voice ? 1 : 2;
            seconds[place] += stage->seconds;
        }
    seconds[3] = s->fuse_seconds;
}

/* ---- callbacks ---- */

static affect_status seen_grow(affect_session *s, session_stage *stage) {
    const affect_timeline *t = stage->timeline;
    session_seen *seen = &stage->seen;
    if (!base_grow((void **)&seen->rows.items, &seen->rows.capacity, t->track_count + 1,
                   sizeof *seen->rows.items) ||
        !base_grow((void **)&seen->intervals.items, &seen->intervals.capacity, t->tier_count + 1,
                   sizeof *seen->intervals.items))
        return base_fail_memory(s->ctx);
    while (seen->rows.count < t->track_count) seen->rows.items[seen->rows.count++] = 0;
    while (seen->intervals.count < t->tier_count)
        seen->intervals.items[seen->intervals.count++] = 0;
    return AFFECT_OK;
}

/* Calls back for everything of the stage that has not been called back for. */
static affect_status call_back(affect_session *s, session_stage *stage) {
    const affect_options *o = s->options;
    if (!o->on_rows && !o->on_intervals && !o->on_event && !o->on_warning) return AFFECT_OK;
    affect_status status = seen_grow(s, stage);
    if (status != AFFECT_OK) return status;
    const affect_timeline *t = stage->timeline;
    session_seen *seen = &stage->seen;
    for (size_t i = 0; i < t->track_count; i++) {
        size_t first = seen->rows.items[i], end = t->tracks[i]->rows;
        seen->rows.items[i] = end;
        if (end > first && o->on_rows) o->on_rows(o->rows_user, t->tracks[i], first, end - first);
    }
    for (size_t i = 0; i < t->tier_count; i++) {
        size_t first = seen->intervals.items[i], end = t->tiers[i]->count;
        seen->intervals.items[i] = end;
        if (end > first && o->on_intervals)
            o->on_intervals(o->intervals_user, t->tiers[i], first, end - first);
    }
    for (; seen->events < t->event_count; seen->events++)
        if (o->on_event) o->on_event(o->event_user, &t->events[seen->events]);
    for (; seen->warnings < t->warnings->count; seen->warnings++)
        if (o->on_warning) o->on_warning(o->warning_user, &t->warnings->items[seen->warnings]);
    return AFFECT_OK;
}

/* What perception has surely finished: the earliest end among the stages that have been fed, less
 * the look-ahead that they were granted. */
static affect_time horizon(const affect_session *s) {
    if (s->look_ahead == INT64_MAX) return INT64_MIN;
    affect_time at = s->pushed;
    for (int l = 0; l < LANES; l++)
        for (size_t i = 0; i < s->lanes[l].stage_count; i++) {
            const session_stage *stage = &s->lanes[l].stages[i];
            if (stage->impl && stage->fed) at = BASE_MIN(at, stage->at);
        }
    return at - s->look_ahead;
}

/* Calls back for a lane while it stands still between two items; the others work on. */
static affect_status serve_lane(affect_session *s, session_lane *lane, bool all) {
    affect_time late = s->pushed - lane->served;
    if (!all && late < SERVE_EVERY) return AFFECT_OK;
    if (!session_lane_read(lane, all || late >= SERVE_LATEST)) return AFFECT_OK;
    affect_status status = AFFECT_OK;
    for (size_t i = 0; i < lane->stage_count && status == AFFECT_OK; i++)
        status = call_back(s, &lane->stages[i]);
    lane->served = s->pushed;
    session_lane_leave(lane);
    return status;
}

/* Fuses with all lanes standing still. The sound is waited for first: its items take longest, and
 * the pictures go on meanwhile. */
static affect_status advance(affect_session *s, bool all) {
    affect_time late = s->pushed - s->advanced;
    if (!all && late < SERVE_EVERY) return AFFECT_OK;
    bool wait = all || late >= ADVANCE_LATEST;
    int held = LANES;
    while (held > 0 && session_lane_read(&s->lanes[held - 1], wait)) held--;
    affect_status status = AFFECT_OK;
    if (held == 0) {
        const affect_timeline *in[MAX_INPUTS];
        size_t n = inputs(s, in);
        affect_time known = horizon(s);
        s->advanced = s->pushed;
        double start = base_now_s();
        if (known > 0) status = fuse_advance(s->fuse, in, n, known);
        s->fuse_seconds += base_now_s() - start;
    }
    for (; held < LANES; held++) session_lane_leave(&s->lanes[held]);
    return status;
}

/* Calls back and fuses; with `all`, everything that there is. */
static affect_status serve(affect_session *s, bool all) {
    affect_status status = AFFECT_OK;
    for (int l = 0; l < LANES && status == AFFECT_OK; l++)
        status = serve_lane(s, &s->lanes[l], all);
    if (status == AFFECT_OK && s->look_ahead != INT64_MAX) status = advance(s, all);
    if (status == AFFECT_OK) status = call_back(s, &s->own);
    if (status == AFFECT_OK) status = call_back(s, &s->text);
    if (status == AFFECT_OK) status = call_back(s, &s->fused);
    return status;
}

/* Nobody listens and nothing is fused before the end: then nobody needs to wait for the lanes. */
static bool worth_serving(const affect_session *s) {
    const affect_options *o = s->options;
    return s->look_ahead != INT64_MAX || o->on_rows || o->on_intervals || o->on_event ||
           o->on_warning;
}

/* ---- pushing ---- */

static affect_status ready(affect_session *s) {
    if (s->finished)
        return base_fail(s->ctx, AFFECT_ERROR_ARGUMENT, "the session has been finished");
    if (s->broken != AFFECT_OK) return s->broken;
    if (affect_context_cancelled(s->ctx))
        return s->broken = base_fail(s->ctx, AFFECT_ERROR_CANCELLED, "interrupted");
    return AFFECT_OK;
}

static affect_status pushed(affect_session *s, affect_time end, affect_status status) {
    s->fed = true;
    s->pushed = BASE_MAX(s->pushed, end);
    if (status == AFFECT_OK && worth_serving(s)) status = serve(s, false);
    return s->broken = status;
}

affect_status session_push_item(affect_session *s, const media_item *item) {
    affect_status status = ready(s);
    if (status != AFFECT_OK) return status;
    if (item->kind == MEDIA_FRAME) {
        affect_time end = item->frame.time + item->frame.duration;
        return pushed(s, end, session_lane_push(&s->lanes[FACE_LANE], item));
    }
    affect_time end =
        item->audio.t0 + time_from_ticks((int64_t)item->audio.count, 1, item->audio.sample_rate);
    return pushed(s, end, session_lane_push(&s->lanes[SOUND_LANE], item));
}

static affect_status push_block(affect_session *s, affect_time t0, const float *samples,
                                size_t count) {
    if (count == 0) return ready(s);
    return session_push_item(
        s, &(media_item){
               .kind = MEDIA_AUDIO,
               .audio = {.t0 = t0, .sample_rate = SOUND_RATE, .count = count, .samples = samples}});
}

/* What came out of the resampler, at its place. */
static affect_status push_made(affect_session *s, const float *samples, size_t count) {
    affect_time t0 = s->sound.t0 + time_from_ticks(s->sound.made, 1, SOUND_RATE);
    s->sound.made += (int64_t)count;
    return push_block(s, t0, samples, count);
}

/* Ends the stretch of sound that is being resampled, if there is one. */
static affect_status close_sound(affect_session *s) {
    if (!s->sound.resampler) return AFFECT_OK;
    const float *samples;
    size_t count;
    affect_status status = media_resampler_finish(s->sound.resampler, &samples, &count);
    if (status == AFFECT_OK) status = push_made(s, samples, count);
    media_resampler_destroy(s->sound.resampler);
    s->sound.resampler = NULL;
    return status;
}

static affect_status push_resampled(affect_session *s, affect_time t0, int rate, int channels,
                                    const float *samples, size_t count) {
    affect_status status = AFFECT_OK;
    affect_time expected =
        s->sound.t0 + time_from_ticks(s->sound.taken, 1, BASE_MAX(s->sound.rate, 1));
    if (rate != s->sound.rate || channels != s->sound.channels || t0 - expected > SOUND_JOIN ||
        expected - t0 > SOUND_JOIN)
        status = close_sound(s);
    if (status == AFFECT_OK && !s->sound.resampler) {
        status = media_resampler_create(s->ctx, rate, channels, SOUND_RATE, &s->sound.resampler);
        s->sound.rate = rate;
        s->sound.channels = channels;
        s->sound.t0 = t0;
        s->sound.taken = s->sound.made = 0;
    }
    const float *made;
    size_t made_count;
    if (status == AFFECT_OK)
        status = media_resampler_push(s->sound.resampler, samples, count, &made, &made_count);
    if (status != AFFECT_OK) return status;
    s->sound.taken += (int64_t)count;
    return push_made(s, made, made_count);
}

affect_status affect_session_push_channels(affect_session *s, affect_time t0, int sample_rate,
                                           int channels, const float *samples, size_t count) {
    if (sample_rate < MEDIA_LOWEST_RATE || sample_rate > MEDIA_HIGHEST_RATE || channels < 1 ||
        channels > MEDIA_MAX_CHANNELS)
        return base_fail(s->ctx, AFFECT_ERROR_ARGUMENT,
                         "samples at %d Hz in %d channels: a session takes %d to %d Hz and 1 to %d "
                         "channels",
                         sample_rate, channels, MEDIA_LOWEST_RATE, MEDIA_HIGHEST_RATE,
                         MEDIA_MAX_CHANNELS);
    if (count && !samples)
        return base_fail(s->ctx, AFFECT_ERROR_ARGUMENT, "%zu samples at NULL", count);
    if (t0 < 0) return base_fail(s->ctx, AFFECT_ERROR_ARGUMENT, "samples before time 0");
    affect_status status = ready(s);
    if (status != AFFECT_OK || count == 0) return status;
    bool clean = true;
    size_t all = count * (size_t)channels;
    for (size_t i = 0; i < all && clean; i++) clean = isfinite(samples[i]);
    if (!clean) {
        if (!base_grow((void **)&s->clean, &s->clean_capacity, all, sizeof *s->clean))
            return base_fail_memory(s->ctx);
        for (size_t i = 0; i < all; i++) s->clean[i] = isfinite(samples[i]) ? samples[i] : 0.0f;
        samples = s->clean;
    }
    if (sample_rate != SOUND_RATE || channels != 1)
        return push_resampled(s, t0, sample_rate, channels, samples, count);
    status = close_sound(s);
    return status == AFFECT_OK ? push_block(s, t0, samples, count) : status;
}

affect_status affect_session_push_audio(affect_session *s, affect_time t0, int sample_rate,
                                        const float *samples, size_t count) {
    return affect_session_push_channels(s, t0, sample_rate, 1, samples, count);
}

affect_status affect_session_push_frame(affect_session *s, affect_time time, int width, int height,
                                        size_t stride, const uint8_t *rgb) {
    if (width < 1 || height < 1 || width > 65535 || height > 65535 || !rgb ||
        stride < (size_t)width * 3)
        return base_fail(s->ctx, AFFECT_ERROR_ARGUMENT,
                         "a frame of %d x %d pixels with rows of %zu bytes", width, height, stride);
    if (time < 0) return base_fail(s->ctx, AFFECT_ERROR_ARGUMENT, "a frame before time 0");
    /* A frame lasts until the next; how long the last one does is told by the one before. */
    affect_time duration = s->framed && time > s->last_frame ? time - s->last_frame : 0;
    s->framed = true;
    s->last_frame = time;
    return session_push_item(s, &(media_item){.kind = MEDIA_FRAME,
                                              .frame = {.time = time,
                                                        .duration = duration,
                                                        .width = width,
                                                        .height = height,
                                                        .stride = stride,
                                                        .rgb = rgb}});
}

affect_status affect_session_push_text(affect_session *s, affect_time t0, affect_time t1,
                                       const char *text) {
    affect_status status = ready(s);
    if (status != AFFECT_OK) return status;
    if (!text || t0 < 0 || t1 < t0)
        return base_fail(s->ctx, AFFECT_ERROR_ARGUMENT,
                         "a text needs words and an interval that does not end before it begins");
    /* Recognition stops, and what it said so far is left out: two accounts of the same words would
     * count twice. */
    session_lane *lane = &s->lanes[SOUND_LANE];
    bool held = session_lane_read(lane, true);
    for (size_t i = 0; i < lane->stage_count && held; i++)
        if (lane->stages[i].kind == &session_words && lane->stages[i].impl) {
            lane->stages[i].kind->destroy(lane->stages[i].impl);
            lane->stages[i].impl = NULL;
            lane->stages[i].dropped = true;
        }
    session_lane_leave(lane);
    return pushed(s, t1,
                  session_push_words(s->ctx, s->options, t0, t1, text, s->text.timeline, &s->feed));
}

affect_status session_gap(affect_session *s, affect_time t0, affect_time t1, const char *text) {
    if (t1 != AFFECT_TIME_NONE) s->pushed = BASE_MAX(s->pushed, t1);
    return timeline_warn(s->ctx, s->own.timeline, t0, t1, "%s", text);
}

affect_status session_property(affect_session *s, const char *key, const char *value) {
    return timeline_set_property(s->ctx, s->own.timeline, key, value);
}

/* ---- the end ---- */

/* Moves everything of `from` to the end of `to`; tracks keep their memory. */
static affect_status join(affect_context *ctx, affect_timeline *to, affect_timeline *from) {
    affect_status status = AFFECT_OK;
    if (!base_grow((void **)&to->tracks, &to->track_capacity, to->track_count + from->track_count,
                   sizeof *to->tracks) ||
        !base_grow((void **)&to->events, &to->event_capacity, to->event_count + from->event_count,
                   sizeof *to->events))
        return base_fail_memory(ctx);
    for (size_t i = 0; i < from->track_count; i++) to->tracks[to->track_count++] = from->tracks[i];
    from->track_count = 0;
    for (size_t i = 0; i < from->event_count; i++) to->events[to->event_count++] = from->events[i];
    from->event_count = 0;
    for (size_t i = 0; i < from->tier_count && status == AFFECT_OK; i++) {
        affect_tier *tier;
        status = timeline_tier(ctx, to, from->tiers[i]->id, from->tiers[i]->modality, &tier);
        for (size_t k = 0; k < from->tiers[i]->count && status == AFFECT_OK; k++)
            status = tier_append(ctx, tier, &from->tiers[i]->items[k]);
    }
    for (size_t i = 0; i < from->warnings->count && status == AFFECT_OK; i++)
        status = tier_append(ctx, to->warnings, &from->warnings->items[i]);
    for (size_t i = 0; i < from->property_count && status == AFFECT_OK; i++)
        status = timeline_set_property(ctx, to, from->properties[i].key, from->properties[i].value);
    return status;
}

/* ---- what the timeline says about how it was made ---- */

static affect_status note_model(affect_session *s, const char *name) {
    char key[300];
    infer_card *card = NULL;
    affect_status status = infer_card_load(s->ctx, name, false, &card);
    if (status != AFFECT_OK) return status == AFFECT_ERROR_MEMORY ? status : AFFECT_OK;
    snprintf(key, sizeof key, "model/%s", card->name);
    status = timeline_set_property(s->ctx, s->own.timeline, key, card->version);
    infer_card_destroy(card);
    return status;
}

static bool has_items(const affect_timeline *timeline, const char *tier) {
    const affect_tier *found = affect_timeline_find_tier(timeline, tier);
    return found && found->count;
}

static const char *model_of(const affect_session *s, const char *task) {
    const char *chosen = session_option_model(s->options, task);
    return chosen ? chosen : task;
}

/* Name and version of each model that something in `made` is from. Tracks name theirs; a model that
 * was given as a folder can only be found under that. */
static affect_status note_models(affect_session *s, const affect_timeline *made) {
    affect_status status = AFFECT_OK;
    for (size_t i = 0; i < made->track_count && status == AFFECT_OK; i++)
        if (made->tracks[i]->rows && *made->tracks[i]->model)
            status = note_model(s, made->tracks[i]->model);
    for (size_t i = 0; i < s->options->models.count && status == AFFECT_OK; i++) {
        infer_card *card = NULL;
        const char *model = s->options->models.items[i].model;
        if (!model || infer_card_load(s->ctx, model, false, &card) != AFFECT_OK) continue;
        for (size_t k = 0; k < made->track_count && status == AFFECT_OK; k++)
            if (made->tracks[k]->rows && strcmp(made->tracks[k]->model, card->name) == 0)
                status = note_model(s, model);
        infer_card_destroy(card);
    }
    if (status == AFFECT_OK && has_items(made, "words"))
        status = note_model(s, model_of(s, "words.lexicon"));
    if (status == AFFECT_OK && has_items(made, "words") && made != s->text.timeline)
        status = note_model(s, model_of(s, "words.recognition.en"));
    if (status == AFFECT_OK && has_items(made, "speakers"))
        status = note_model(s, model_of(s, "voice.speaker"));
    return status;
}

/* A stage that looked and found nothing says so: silence could also mean that it did not look. */
static affect_status note_absence(affect_session *s, const session_stage *stage) {
    const affect_timeline *made = stage->timeline;
    if (!stage->impl || !stage->fed || stage->lacking) return AFFECT_OK;
    if (stage->kind == &session_face && !made->track_count)
        return session_gap(s, AFFECT_TIME_NONE, AFFECT_TIME_NONE, "no face was seen");
    const affect_track *activity = affect_timeline_find_track(made, "voice/activity");
    if (stage->kind == &session_voice && activity && activity->rows && !has_items(made, "speech"))
        return session_gap(s, AFFECT_TIME_NONE, AFFECT_TIME_NONE, "no speech was heard");
    return AFFECT_OK;
}

static affect_status note_all(affect_session *s) {
    affect_status status = note_models(s, s->text.timeline);
    for (int l = 0; l < LANES; l++)
        for (size_t i = 0; i < s->lanes[l].stage_count && status == AFFECT_OK; i++) {
            const session_stage *stage = &s->lanes[l].stages[i];
            if (stage->dropped) continue;
            status = note_models(s, stage->timeline);
            if (status == AFFECT_OK) status = note_absence(s, stage);
        }
    return status;
}

static affect_status finish(affect_session *s, affect_timeline **out) {
    affect_status status = AFFECT_OK;
    for (int l = 0; l < LANES; l++) session_lane_close(&s->lanes[l]);
    for (int l = 0; l < LANES && status == AFFECT_OK; l++)
        status = session_lane_finish(&s->lanes[l]);
    if (status != AFFECT_OK) return status;
    if (affect_context_cancelled(s->ctx))
        return base_fail(s->ctx, AFFECT_ERROR_CANCELLED, "interrupted");
    status = check_able(s);
    if (status == AFFECT_OK) status = note_all(s);
    if (status != AFFECT_OK) return status;
    const affect_timeline *in[MAX_INPUTS];
    size_t n = inputs(s, in);
    double start = base_now_s();
    status = fuse_finish(s->fuse, in, n, s->pushed);
    s->fuse_seconds += base_now_s() - start;
    if (status == AFFECT_OK) status = serve(s, true);
    if (status != AFFECT_OK) return status;
    affect_timeline *all = s->own.timeline;
    for (int l = 0; l < LANES; l++)
        for (size_t i = 0; i < s->lanes[l].stage_count && status == AFFECT_OK; i++)
            if (!s->lanes[l].stages[i].dropped)
                status = join(s->ctx, all, s->lanes[l].stages[i].timeline);
    if (status == AFFECT_OK) status = join(s->ctx, all, s->text.timeline);
    if (status == AFFECT_OK) status = join(s->ctx, all, s->fused.timeline);
    if (status != AFFECT_OK) return status;
    all->duration = BASE_MAX(all->duration, s->pushed);
    timeline_sort(all);
    s->own.timeline = NULL;
    *out = all;
    return AFFECT_OK;
}

affect_status affect_session_finish(affect_session *s, affect_timeline **out) {
    *out = NULL;
    affect_status status = ready(s);
    if (status == AFFECT_OK) status = close_sound(s);
    if (status != AFFECT_OK) return status;
    if (!s->fed)
        return s->broken = base_fail(s->ctx, AFFECT_ERROR_NO_STREAM,
                                     "nothing was there to analyze: no sound, no picture, no text");
    status = finish(s, out);
    s->finished = true;
    return s->broken = status;
}
