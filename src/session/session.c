/* The engine: what is pushed goes into two workers (pictures; sound) for the stages of perception,
 * what they have found is called back and understood as it becomes final, and the end joins
 * everything into one timeline. */
#include <math.h>
#include <string.h>

#include "align/speaking.h"
#include "infer/infer.h"
#include "session/session_private.h"
#include "words/words.h"

enum { PICTURE_WORKER, SOUND_WORKER, WORKERS };
/* What waits for a worker: .6 s of pictures at 25 a second, 2.4 s of sound. An end of an utterance
 * keeps the sound worker busy for long; but what is left of it when the pictures are done is worked
 * through alone. */
enum { FRAMES_AHEAD = 16, BLOCKS_AHEAD = 24 };

/* Callbacks and understanding are served this often, in time of the recording, if the workers happen to be
 * between two items. They wait for a worker only when it is so late: the caller decodes, which
 * takes longest of all, and while it waits for a worker (a fifth of a second of sound takes as long
 * as five pictures) the pictures' worker starves. */
#define SERVE_EVERY (100 * AFFECT_MILLISECOND)
#define SERVE_LATEST (2 * AFFECT_SECOND)
#define ADVANCE_LATEST (500 * AFFECT_MILLISECOND)

struct affect_session {
    affect_context *ctx;
    affect_options *options;
    session_worker workers[WORKERS];
    session_stage own;  /* warnings, texts that were pushed: no perception of its own */
    session_stage text; /* what was given as text, by a file or pushed */
    const session_perception *reader; /* the kind that takes text; NULL: none does */
    void *feed;                       /* of texts that are pushed */
    session_stage *understanding;
    size_t understanding_count;
    const affect_timeline **seen; /* room for the timelines of all stages: what a view borrows */
    affect_time look_ahead;       /* INT64_MAX = understand at the end */
    affect_time pushed;           /* the end of the latest thing pushed */
    affect_time advanced;         /* and when understanding last went on */
    affect_time told;             /* and when what is provisional was last said */
    bool fed, finished;
    affect_time last_frame; /* NONE before the first */
    affect_time last_text;  /* the begin of the latest text */
    affect_time sound_end;  /* the end of the latest sound, NONE before the first */
    affect_status broken;   /* what an earlier call failed with */
    float *clean;           /* samples without NaN */
    size_t clean_capacity;
    uint8_t *rgb; /* a frame that came in other pixels */
    size_t rgb_capacity;
    struct { /* pushed sound that is not mono at 16 kHz; resampler NULL: none under way */
        media_resampler *resampler;
        int rate, channels;
        bool told;           /* that channels cancel */
        affect_time t0;      /* of its first sample */
        int64_t taken, made; /* samples in and out since then */
    } sound;
};

/* Perception takes mono sound at this rate. Pushes that meet this closely are one stretch. */
enum { SOUND_RATE = 16000 };
#define SOUND_JOIN AFFECT_MILLISECOND

/* The timelines of perception, in a fixed order; those of understanding have room behind them. */
static timeline_view perceived(affect_session *s) {
    size_t n = 0;
    for (int l = 0; l < WORKERS; l++)
        for (size_t i = 0; i < s->workers[l].stage_count; i++)
            if (!s->workers[l].stages[i].dropped) s->seen[n++] = s->workers[l].stages[i].timeline;
    s->seen[n++] = s->text.timeline;
    return (timeline_view){s->seen, n};
}

static affect_status add_perception(affect_session *s, const session_perception *kind) {
    session_worker *worker =
        &s->workers[kind->takes == MEDIA_FRAME ? PICTURE_WORKER : SOUND_WORKER];
    session_stage *stage = &worker->stages[worker->stage_count++];
    stage->kind = kind;
    affect_status status = timeline_create(s->ctx, &stage->timeline);
    if (status == AFFECT_OK)
        status = kind->create(s->ctx, s->options, stage->timeline, &stage->impl);
    if (status == AFFECT_OK) stage->lacking = stage->timeline->warnings->count > 0;
    return status;
}

/* Did the user name a model for one of the tasks? */
static bool is_named(const affect_options *o, const session_task *tasks) {
    for (; tasks && tasks->task; tasks++)
        if (session_option_model(o, tasks->task)) return true;
    return false;
}

/* What takes something that the recording has none of is not made, for its models take long to make ready;
 * but a model that was named is looked at all the same. */
static bool is_needed(const affect_options *o, const session_perception *kind) {
    bool fed = kind->takes == MEDIA_FRAME ? !o->no_pictures : !o->no_sound;
    return kind->wanted(o) && (fed || is_named(o, kind->tasks));
}

/* A stage whose own model is missing is left out with a warning; one that was named is an error. */
static affect_status add_understanding(affect_session *s, const session_understanding *kind) {
    session_stage *stage = &s->understanding[s->understanding_count++];
    stage->understanding = kind;
    affect_status status = timeline_create(s->ctx, &stage->timeline);
    if (status != AFFECT_OK) return status;
    status = kind->create(s->ctx, s->options, stage->timeline, &stage->impl);
    if (status == AFFECT_ERROR_CANCELLED) { /* as every push will say, after a reset too */
        s->broken = status;
        return AFFECT_OK;
    }
    return is_named(s->options, kind->tasks)
               ? status
               : session_stage_failed(s->ctx, stage, AFFECT_TIME_NONE, status);
}

/* Every card in the model folder that the user named must be usable, or the warning of a stage
 * would hide what is wrong with it. */
static affect_status check_folder(affect_context *ctx) {
    const char *folder = base_models_folder(ctx);
    if (!folder) return AFFECT_OK;
    char **names;
    size_t count;
    affect_status status = model_names(ctx, &names, &count);
    if (status != AFFECT_OK) return status;
    for (size_t i = 0; i < count; i++) {
        char *own = base_path_join(folder, names[i]),
             *card = own ? base_path_join(own, "card.json") : NULL;
        model_card *loaded = NULL;
        if (!card && status == AFFECT_OK) status = base_fail_memory(ctx);
        if (status == AFFECT_OK && base_file_exists(card))
            status = model_card_load(ctx, names[i], false, &loaded);
        model_card_destroy(loaded);
        base_free(card);
        base_free(own);
        base_free(names[i]);
    }
    base_free(names);
    return status;
}

/* A model that was asked for by name must be there and whole (its files have the sums that its card
 * gives): else that is an error, not a warning. */
static affect_status check_models(affect_context *ctx, const affect_options *o) {
    affect_status status = check_folder(ctx);
    for (size_t i = 0; i < o->models.count && status == AFFECT_OK; i++) {
        model_card *card = NULL;
        if (o->models.items[i].model && !words_whisper_file(o->models.items[i].model))
            status = model_card_load(ctx, o->models.items[i].model, true, &card);
        model_card_destroy(card);
    }
    return status;
}

/* When perception made nothing at all and something was missing from the start, that is the error:
 * an empty timeline would look like a recording in which nothing happens. */
static affect_status check_able(affect_session *s) {
    size_t made = s->text.timeline->tier_count + s->text.timeline->track_count;
    const session_perception *lacking = NULL;
    for (int l = 0; l < WORKERS; l++)
        for (size_t i = 0; i < s->workers[l].stage_count; i++) {
            const session_stage *stage = &s->workers[l].stages[i];
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

/* Room for every stage of the plan. */
static affect_status make_room(affect_session *s) {
    const session_plan *plan = s->options->plan;
    size_t perception = 0, understanding = 0;
    while (plan->perception[perception]) perception++;
    while (plan->understanding[understanding]) understanding++;
    s->understanding = base_calloc(understanding, sizeof *s->understanding);
    s->seen = base_calloc(perception + understanding + 1, sizeof *s->seen);
    if (!s->understanding || !s->seen) return base_fail_memory(s->ctx);
    for (int l = 0; l < WORKERS; l++) {
        s->workers[l].stages = base_calloc(perception, sizeof *s->workers[l].stages);
        if (!s->workers[l].stages) return base_fail_memory(s->ctx);
    }
    return AFFECT_OK;
}

static affect_status create(affect_session *s, const affect_options *options) {
    affect_context *ctx = s->ctx;
    affect_status status = session_options_copy(ctx, options, &s->options);
    if (status != AFFECT_OK) return status;
    const affect_options *o = s->options;
    const session_plan *plan = o->plan;
    s->look_ahead = (o->look_ahead_ms ? o->look_ahead_ms : 20000) * AFFECT_MILLISECOND;
    status = check_models(ctx, o);
    if (status == AFFECT_OK) status = make_room(s);
    if (status == AFFECT_OK) status = timeline_create(ctx, &s->own.timeline);
    if (status == AFFECT_OK) status = timeline_create(ctx, &s->text.timeline);
    for (size_t k = 0; plan->perception[k] && !s->reader; k++)
        if (plan->perception[k]->text) s->reader = plan->perception[k];
    if (status == AFFECT_OK && o->subtitles && s->reader)
        status = s->reader->import(ctx, o, o->subtitles, s->text.timeline);
    for (size_t k = 0; plan->perception[k] && status == AFFECT_OK; k++)
        if (is_needed(o, plan->perception[k])) status = add_perception(s, plan->perception[k]);
    for (size_t k = 0; plan->understanding[k] && status == AFFECT_OK; k++)
        status = add_understanding(s, plan->understanding[k]);
    static const size_t ahead[WORKERS] = {FRAMES_AHEAD, BLOCKS_AHEAD};
    bool threaded = affect_context_threads(ctx) != 1;
    for (int l = 0; l < WORKERS && status == AFFECT_OK; l++)
        status = session_worker_start(&s->workers[l], ctx, threaded && s->workers[l].stage_count,
                                      ahead[l]);
    return status;
}

affect_status affect_session_create(affect_context *ctx, const affect_options *options,
                                    affect_session **out) {
    BASE_NEED(ctx, out);
    *out = NULL;
    BASE_NEED(ctx, ctx);
    affect_session *s = base_calloc(1, sizeof *s);
    if (!s) return base_fail_memory(ctx);
    s->ctx = ctx;
    s->last_frame = s->sound_end = AFFECT_TIME_NONE;
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
    for (size_t i = 0; i < s->understanding_count; i++) {
        session_stage *stage = &s->understanding[i];
        if (stage->impl) stage->understanding->destroy(stage->impl);
        stage_clear(stage);
    }
    base_free(s->understanding);
    base_free(s->seen);
    if (s->reader) s->reader->text_end(s->feed);
    for (int l = 0; l < WORKERS; l++) session_worker_destroy(&s->workers[l]);
    stage_clear(&s->own);
    stage_clear(&s->text);
    affect_options_destroy(s->options);
    media_resampler_destroy(s->sound.resampler);
    base_free(s->clean);
    base_free(s->rgb);
    base_free(s);
}

void session_wait_for_everything(affect_session *s) { s->look_ahead = INT64_MAX; }

static void add_time(session_times *times, const char *name, double seconds) {
    if (times->count < SESSION_TIMES)
        times->stages[times->count++] = (struct session_time){name, seconds};
}

void session_timing(const affect_session *s, session_times *times) {
    times->count = 0;
    for (size_t k = 0; s->options->plan->perception[k]; k++) {
        const session_perception *kind = s->options->plan->perception[k];
        double seconds = 0; /* of a stage that was not wanted */
        for (int l = 0; l < WORKERS; l++)
            for (size_t i = 0; i < s->workers[l].stage_count; i++)
                if (s->workers[l].stages[i].kind == kind)
                    seconds += s->workers[l].stages[i].seconds;
        add_time(times, kind->name, seconds);
    }
    for (size_t i = 0; i < s->understanding_count; i++)
        add_time(times, s->understanding[i].understanding->name, s->understanding[i].seconds);
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
    if (!o->on_rows && !o->on_intervals && !o->on_event && !o->on_link && !o->on_warning)
        return AFFECT_OK;
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
    for (; seen->links < t->link_count; seen->links++)
        if (o->on_link) o->on_link(o->link_user, &t->links[seen->links]);
    for (; seen->warnings < t->warnings->count; seen->warnings++)
        if (o->on_warning) o->on_warning(o->warning_user, &t->warnings->items[seen->warnings]);
    return AFFECT_OK;
}

/* What perception has surely finished: the earliest end among the stages that have been fed, less
 * the look-ahead that they were granted. */
static affect_time horizon(const affect_session *s) {
    if (s->look_ahead == INT64_MAX) return INT64_MIN;
    affect_time at = s->pushed;
    for (int l = 0; l < WORKERS; l++)
        for (size_t i = 0; i < s->workers[l].stage_count; i++) {
            const session_stage *stage = &s->workers[l].stages[i];
            if (stage->impl && stage->fed) at = BASE_MIN(at, stage->at);
        }
    return at - s->look_ahead;
}

/* Calls back for a worker while it stands still between two items; the others work on. */
static affect_status serve_worker(affect_session *s, session_worker *worker, bool all) {
    affect_time late = s->pushed - worker->served;
    if (!all && late < SERVE_EVERY) return AFFECT_OK;
    if (!session_worker_read(worker, all || late >= SERVE_LATEST)) return AFFECT_OK;
    affect_status status = AFFECT_OK;
    for (size_t i = 0; i < worker->stage_count && status == AFFECT_OK; i++)
        status = call_back(s, &worker->stages[i]);
    worker->served = s->pushed;
    session_worker_leave(worker);
    return status;
}

/* What the stages from `first` on understood is forgotten: they begin again. */
static affect_status begin_again(affect_session *s, size_t first) {
    affect_status status = AFFECT_OK;
    for (size_t i = first; i < s->understanding_count && status == AFFECT_OK; i++) {
        session_stage *stage = &s->understanding[i];
        if (!stage->impl) continue; /* it failed before */
        stage->understanding->destroy(stage->impl);
        stage->impl = NULL;
        affect_timeline_destroy(stage->timeline);
        stage->timeline = NULL;
        stage->seen.events = stage->seen.links = stage->seen.warnings = 0;
        stage->seen.rows.count = stage->seen.intervals.count = 0;
        status = timeline_create(s->ctx, &stage->timeline);
        if (status == AFFECT_OK)
            status =
                stage->understanding->create(s->ctx, s->options, stage->timeline, &stage->impl);
        if (status != AFFECT_OK && stage->timeline)
            status = session_stage_failed(s->ctx, stage, AFFECT_TIME_NONE, status);
    }
    return status;
}

/* Lets each stage of understanding take what is final before it: what is of perception, and of the
 * stages before. With `end`, everything. */
static affect_status understand(affect_session *s, affect_time known, bool end) {
    timeline_view view = perceived(s);
    affect_status status = AFFECT_OK;
    for (size_t i = 0; i < s->understanding_count && status == AFFECT_OK; i++) {
        session_stage *stage = &s->understanding[i];
        const session_understanding *kind = stage->understanding;
        double start = base_now_s();
        if (stage->impl && end) status = kind->finish(stage->impl, &view, s->pushed);
        bool again = status == AFFECT_OK && stage->impl && end && s->advanced > 0 &&
                     kind->revised && kind->revised(stage->impl);
        if (again) status = begin_again(s, i + 1);
        if (again && status == AFFECT_OK)
            status = session_gap(s, AFFECT_TIME_NONE, AFFECT_TIME_NONE,
                                 "the whole recording tells otherwise who spoke than was said on "
                                 "the way: trajectories and episodes were made again");
        if (stage->impl && !end && known > 0) status = kind->advance(stage->impl, &view, known);
        affect_time from = stage->impl && known > 0 ? known : AFFECT_TIME_NONE;
        status = session_stage_failed(s->ctx, stage, from, status);
        stage->seconds += base_now_s() - start;
        s->seen[view.count++] = stage->timeline;
        if (!end) known = known > kind->look_ahead ? known - kind->look_ahead : 0;
    }
    return status;
}

/* Takes all workers, the sound first: its items take longest, and the pictures go on meanwhile.
 * Returns the lowest that was taken: 0 if all stand still. */
static int hold_workers(affect_session *s, bool wait) {
    int held = WORKERS;
    while (held > 0 && session_worker_read(&s->workers[held - 1], wait)) held--;
    return held;
}

static void leave_workers(affect_session *s, int held) {
    for (; held < WORKERS; held++) session_worker_leave(&s->workers[held]);
}

/* Goes on with understanding while all workers stand still. */
static affect_status advance(affect_session *s, bool all) {
    affect_time late = s->pushed - s->advanced;
    if (!all && late < SERVE_EVERY) return AFFECT_OK;
    int held = hold_workers(s, all || late >= ADVANCE_LATEST);
    affect_status status = AFFECT_OK;
    if (held == 0) {
        s->advanced = s->pushed;
        status = understand(s, horizon(s), false);
    }
    leave_workers(s, held);
    return status;
}

/* Says what is known so far, with all workers standing still. */
static affect_status tell_provisional(affect_session *s) {
    const affect_options *o = s->options;
    affect_time late = s->pushed - s->told;
    if (!o->on_provisional || late < SERVE_EVERY) return AFFECT_OK;
    int held = hold_workers(s, late >= ADVANCE_LATEST);
    affect_timeline *known = NULL;
    affect_status status = AFFECT_OK;
    if (held == 0) {
        timeline_view view = perceived(s);
        s->told = s->pushed;
        status = timeline_create(s->ctx, &known);
        for (size_t i = 0; i < s->understanding_count && status == AFFECT_OK; i++) {
            session_stage *stage = &s->understanding[i];
            if (stage->impl && stage->understanding->provisional)
                status = stage->understanding->provisional(stage->impl, &view, s->pushed, known);
            s->seen[view.count++] = stage->timeline;
        }
    }
    leave_workers(s, held);
    for (size_t i = 0; status == AFFECT_OK && known && i < known->track_count; i++)
        o->on_provisional(o->provisional_user, known->tracks[i], 0, known->tracks[i]->rows);
    affect_timeline_destroy(known);
    return status;
}

/* Calls back and goes on with understanding; with `all`, everything that there is. */
static affect_status serve(affect_session *s, bool all) {
    affect_status status = AFFECT_OK;
    for (int l = 0; l < WORKERS && status == AFFECT_OK; l++)
        status = serve_worker(s, &s->workers[l], all);
    if (status == AFFECT_OK && s->look_ahead != INT64_MAX) status = advance(s, all);
    if (status == AFFECT_OK) status = call_back(s, &s->own);
    if (status == AFFECT_OK) status = call_back(s, &s->text);
    for (size_t i = 0; i < s->understanding_count && status == AFFECT_OK; i++)
        status = call_back(s, &s->understanding[i]);
    if (status == AFFECT_OK && !all) status = tell_provisional(s);
    return status;
}

/* Nobody listens and nothing is understood before the end: then nobody needs to wait for the workers. */
static bool worth_serving(const affect_session *s) {
    const affect_options *o = s->options;
    return s->look_ahead != INT64_MAX || o->on_rows || o->on_intervals || o->on_event ||
           o->on_link || o->on_provisional || o->on_warning;
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
        return pushed(s, end, session_worker_push(&s->workers[PICTURE_WORKER], item));
    }
    affect_time end =
        item->audio.t0 + time_from_ticks((int64_t)item->audio.count, 1, item->audio.sample_rate);
    return pushed(s, end, session_worker_push(&s->workers[SOUND_WORKER], item));
}

static affect_status push_block(affect_session *s, affect_time t0, const float *samples,
                                const float *side, size_t count) {
    if (count == 0) return ready(s);
    return session_push_item(s, &(media_item){.kind = MEDIA_AUDIO,
                                              .audio = {.t0 = t0,
                                                        .sample_rate = SOUND_RATE,
                                                        .count = count,
                                                        .samples = samples,
                                                        .side = side}});
}

/* What came out of the resampler, at its place. */
static affect_status push_made(affect_session *s, const float *samples, size_t count) {
    affect_time t0 = s->sound.t0 + time_from_ticks(s->sound.made, 1, SOUND_RATE);
    s->sound.made += (int64_t)count;
    return push_block(s, t0, samples, media_resampler_side(s->sound.resampler), count);
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
    const char *warning = media_resampler_warning(s->sound.resampler);
    if (warning && !s->sound.told) status = session_gap(s, t0, t0, warning);
    s->sound.told |= warning != NULL;
    if (status != AFFECT_OK) return status;
    s->sound.taken += (int64_t)count;
    return push_made(s, made, made_count);
}

/* A push that goes back in time is refused, and the session goes on: perception cannot unhear, and
 * what it made is final. `latest` is what must not lie after `time`, NONE if nothing does. */
static affect_status check_time(affect_session *s, const char *what, affect_time time,
                                affect_time latest) {
    char begin[TIME_TEXT_SIZE], end[TIME_TEXT_SIZE];
    if (time < 0 || time > AFFECT_SESSION_LONGEST)
        return base_fail(s->ctx, AFFECT_ERROR_ARGUMENT,
                         "%s at %s s: times are from 0 to %lld h from the begin of the recording",
                         what, time_to_text(time, begin),
                         (long long)(AFFECT_SESSION_LONGEST / AFFECT_SECOND / 3600));
    if (latest >= 0 && time < latest)
        return base_fail(s->ctx, AFFECT_ERROR_ARGUMENT,
                         "%s at %s s after what was pushed up to %s s: times must not go back",
                         what, time_to_text(time, begin), time_to_text(latest, end));
    return AFFECT_OK;
}

affect_status affect_session_push_channels(affect_session *s, affect_time t0, int sample_rate,
                                           int channels, const float *samples, size_t count) {
    BASE_NEED(NULL, s);
    if (sample_rate < MEDIA_LOWEST_RATE || sample_rate > MEDIA_HIGHEST_RATE || channels < 1 ||
        channels > MEDIA_MAX_CHANNELS)
        return base_fail(s->ctx, AFFECT_ERROR_ARGUMENT,
                         "samples at %d Hz in %d channels: a session takes %d to %d Hz and 1 to %d "
                         "channels",
                         sample_rate, channels, MEDIA_LOWEST_RATE, MEDIA_HIGHEST_RATE,
                         MEDIA_MAX_CHANNELS);
    if (count && !samples)
        return base_fail(s->ctx, AFFECT_ERROR_ARGUMENT, "%zu samples at NULL", count);
    affect_status status =
        check_time(s, "samples", t0,
                   s->sound_end == AFFECT_TIME_NONE ? s->sound_end : s->sound_end - SOUND_JOIN);
    if (status != AFFECT_OK) return status;
    affect_time end =
        count > (size_t)INT64_MAX ? INT64_MAX : time_from_ticks((int64_t)count, 1, sample_rate);
    end = end > AFFECT_SESSION_LONGEST ? end : t0 + end;
    status = check_time(s, "the end of samples", end, AFFECT_TIME_NONE);
    if (status == AFFECT_OK) status = ready(s);
    if (status != AFFECT_OK || count == 0) return status;
    s->sound_end = BASE_MAX(s->sound_end, end);
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
    return status == AFFECT_OK ? push_block(s, t0, samples, NULL, count) : status;
}

affect_status affect_session_push_audio(affect_session *s, affect_time t0, int sample_rate,
                                        const float *samples, size_t count) {
    return affect_session_push_channels(s, t0, sample_rate, 1, samples, count);
}

affect_status affect_session_push_frame(affect_session *s, affect_time time, int width, int height,
                                        size_t stride, const uint8_t *rgb) {
    BASE_NEED(NULL, s);
    if (width < 1 || height < 1 || width > 65535 || height > 65535 || !rgb ||
        stride < (size_t)width * 3)
        return base_fail(s->ctx, AFFECT_ERROR_ARGUMENT,
                         "a frame of %d x %d pixels with rows of %zu bytes", width, height, stride);
    affect_status status = check_time(s, "a frame", time, s->last_frame);
    if (status != AFFECT_OK) return status;
    /* A frame lasts until the next; how long the last one does is told by the one before. */
    affect_time duration = s->last_frame != AFFECT_TIME_NONE ? time - s->last_frame : 0;
    s->last_frame = time;
    return session_push_item(s, &(media_item){.kind = MEDIA_FRAME,
                                              .frame = {.time = time,
                                                        .duration = duration,
                                                        .width = width,
                                                        .height = height,
                                                        .stride = stride,
                                                        .rgb = rgb}});
}

affect_status affect_session_push_pixels(affect_session *s, affect_time time, affect_pixels pixels,
                                         int width, int height, const uint8_t *const *planes,
                                         const size_t *strides) {
    BASE_NEED(NULL, s);
    BASE_NEED(s->ctx, planes && strides);
    if (width < 1 || height < 1 || width > 65535 || height > 65535 ||
        (unsigned)pixels > AFFECT_PIXELS_YUYV)
        return base_fail(s->ctx, AFFECT_ERROR_ARGUMENT, "a frame of %d x %d pixels of kind %d",
                         width, height, (int)pixels);
    size_t size = (size_t)width * (size_t)height * 3;
    if (!base_grow((void **)&s->rgb, &s->rgb_capacity, size, 1)) return base_fail_memory(s->ctx);
    affect_status status = session_pixels(s->ctx, pixels, width, height, planes, strides, s->rgb);
    if (status != AFFECT_OK) return status;
    return affect_session_push_frame(s, time, width, height, (size_t)width * 3, s->rgb);
}

affect_status affect_session_push_int16(affect_session *s, affect_time t0, int sample_rate,
                                        int channels, const int16_t *samples, size_t count) {
    BASE_NEED(NULL, s);
    BASE_NEED(s->ctx, samples || !count);
    if (channels < 1 || channels > MEDIA_MAX_CHANNELS || (count && !samples) ||
        count > SIZE_MAX / sizeof *s->clean / MEDIA_MAX_CHANNELS)
        return base_fail(s->ctx, AFFECT_ERROR_ARGUMENT, "%zu samples at %p in %d channels", count,
                         (const void *)samples, channels);
    size_t all = count * (size_t)channels;
    if (!base_grow((void **)&s->clean, &s->clean_capacity, all + 1, sizeof *s->clean))
        return base_fail_memory(s->ctx);
    for (size_t i = 0; i < all; i++) s->clean[i] = (float)samples[i] / 32768.0F;
    return affect_session_push_channels(s, t0, sample_rate, channels, s->clean, count);
}

affect_status affect_session_push_text(affect_session *s, affect_time t0, affect_time t1,
                                       const char *text) {
    BASE_NEED(NULL, s);
    if (!text || t1 < t0)
        return base_fail(s->ctx, AFFECT_ERROR_ARGUMENT,
                         "a text needs words and an interval that does not end before it begins");
    affect_status status = check_time(s, "a text", t0, s->last_text);
    if (status == AFFECT_OK) status = check_time(s, "a text", t1, AFFECT_TIME_NONE);
    if (status == AFFECT_OK) status = ready(s);
    if (status != AFFECT_OK) return status;
    s->last_text = t0;
    /* Recognition stops, and what it said so far is left out: two accounts of the same words would
     * count twice. */
    session_worker *worker = &s->workers[SOUND_WORKER];
    bool held = session_worker_read(worker, true);
    for (size_t i = 0; i < worker->stage_count && held; i++)
        if (worker->stages[i].kind == s->reader && worker->stages[i].impl) {
            worker->stages[i].kind->destroy(worker->stages[i].impl);
            worker->stages[i].impl = NULL;
            worker->stages[i].dropped = true;
        }
    session_worker_leave(worker);
    return pushed(
        s, t1,
        s->reader ? s->reader->text(s->ctx, s->options, t0, t1, text, s->text.timeline, &s->feed)
                  : AFFECT_OK);
}

affect_status session_gap(affect_session *s, affect_time t0, affect_time t1, const char *text) {
    if (t1 != AFFECT_TIME_NONE) s->pushed = BASE_MAX(s->pushed, t1);
    return timeline_warn(s->ctx, s->own.timeline, t0, t1, "%s", text);
}

affect_status session_property(affect_session *s, const char *key, const char *value) {
    return timeline_set_property(s->ctx, s->own.timeline, key, value);
}

/* ---- the end ---- */

/* ---- what the timeline says about how it was made ---- */

static affect_status note_model(affect_session *s, const char *name) {
    char key[300];
    model_card *card = NULL;
    const char *file = words_whisper_file(name), *slash = file ? strrchr(file, '/') : NULL;
    if (file) { /* it has no card: its own name, without the folder */
        snprintf(key, sizeof key, "model/whisper:%s", slash ? slash + 1 : file);
        return timeline_set_property(s->ctx, s->own.timeline, key, "whisper.cpp");
    }
    affect_status status = model_card_load(s->ctx, name, false, &card);
    if (status != AFFECT_OK) return status == AFFECT_ERROR_MEMORY ? status : AFFECT_OK;
    snprintf(key, sizeof key, "model/%s", card->name);
    status = timeline_set_property(s->ctx, s->own.timeline, key, card->version);
    model_card_destroy(card);
    return status;
}

static bool has_items(const affect_timeline *timeline, const char *tier) {
    const affect_tier *found = affect_timeline_find_tier(timeline, tier);
    return found && found->count;
}

/* Name and version of each model that something in `made` is from, by the tracks, which name
 * theirs, and by what the tasks declare. A model that was given as a folder can only be found under
 * that. */
static affect_status note_models(affect_session *s, const affect_timeline *made,
                                 const session_task *tasks) {
    affect_status status = AFFECT_OK;
    for (size_t i = 0; i < made->track_count && status == AFFECT_OK; i++)
        if (made->tracks[i]->rows && *made->tracks[i]->model)
            status = note_model(s, made->tracks[i]->model);
    for (size_t i = 0; i < s->options->models.count && status == AFFECT_OK; i++) {
        model_card *card = NULL;
        const char *model = s->options->models.items[i].model;
        if (!model || words_whisper_file(model) ||
            model_card_load(s->ctx, model, false, &card) != AFFECT_OK)
            continue;
        for (size_t k = 0; k < made->track_count && status == AFFECT_OK; k++)
            if (made->tracks[k]->rows && strcmp(made->tracks[k]->model, card->name) == 0)
                status = note_model(s, model);
        model_card_destroy(card);
    }
    for (; tasks && tasks->task && status == AFFECT_OK; tasks++) {
        if (!tasks->tier || !has_items(made, tasks->tier)) continue;
        if (tasks->only_heard && made == s->text.timeline) continue;
        const char *chosen = session_option_model(s->options, tasks->task);
        status = note_model(s, chosen ? chosen : tasks->model ? tasks->model : tasks->task);
    }
    return status;
}

static bool did_look(const session_stage *stage) {
    return stage->impl && stage->fed && !stage->lacking && !stage->dropped;
}

/* A stretch in which one stage found something and another nothing, which grows while the next one is less than a pause away. */
typedef struct missed {
    const char *text;
    affect_time t0, t1; /* t0 is AFFECT_TIME_NONE where none is open */
} missed;

static const affect_time MISSED_PAUSE = AFFECT_SECOND, MISSED_LEAST = 2 * AFFECT_SECOND;

static affect_status missed_close(affect_session *s, missed *open) {
    bool long_enough = open->t0 != AFFECT_TIME_NONE && open->t1 - open->t0 >= MISSED_LEAST;
    affect_time t0 = open->t0;
    open->t0 = AFFECT_TIME_NONE;
    return long_enough ? session_gap(s, t0, open->t1, open->text) : AFFECT_OK;
}

static affect_status missed_add(affect_session *s, missed *open, affect_time t0, affect_time t1) {
    if (t1 <= t0) return AFFECT_OK;
    affect_status status = AFFECT_OK;
    if (open->t0 == AFFECT_TIME_NONE || t0 - open->t1 > MISSED_PAUSE) {
        status = missed_close(s, open);
        open->t0 = t0;
    }
    open->t1 = t1;
    return status;
}

/* The tier of another stage of perception, or NULL. */
static const affect_tier *tier_of_others(const affect_session *s, const session_stage *but,
                                         const char *id) {
    const affect_tier *found = NULL;
    for (int l = 0; l < WORKERS; l++)
        for (size_t i = 0; i < s->workers[l].stage_count && !found; i++)
            if (&s->workers[l].stages[i] != but)
                found = affect_timeline_find_tier(s->workers[l].stages[i].timeline, id);
    return found;
}

/* What the stage says that it should have found something in. The two tiers need not meet at their
 * edges: a pause to each side of an interval that is here is taken for its. */
static affect_status note_missed(affect_session *s, const session_stage *stage) {
    const session_miss *miss = &stage->kind->miss;
    if (!miss->text || !did_look(stage)) return AFFECT_OK;
    const affect_tier *there = tier_of_others(s, stage, miss->there);
    const affect_tier *here = affect_timeline_find_tier(stage->timeline, miss->here);
    size_t at = 0, count = here ? here->count : 0;
    missed open = {miss->text, AFFECT_TIME_NONE, 0};
    affect_status status = AFFECT_OK;
    for (size_t i = 0; there && i < there->count && status == AFFECT_OK; i++) {
        affect_time from = there->items[i].t0, to = there->items[i].t1;
        while (at < count && here->items[at].t1 + MISSED_PAUSE <= from) at++;
        for (size_t u = at; u < count && from < to && status == AFFECT_OK; u++) {
            affect_time before = here->items[u].t0 - MISSED_PAUSE;
            if (before >= to) break;
            status = missed_add(s, &open, from, before);
            from = BASE_MAX(from, here->items[u].t1 + MISSED_PAUSE);
        }
        if (status == AFFECT_OK) status = missed_add(s, &open, from, to);
    }
    return status == AFFECT_OK ? missed_close(s, &open) : status;
}

/* What the timeline says of perception: its models, what it did not find. */
static affect_status note_stage(affect_session *s, const session_stage *stage) {
    if (stage->dropped) return AFFECT_OK;
    affect_status status = note_models(s, stage->timeline, stage->kind->tasks);
    if (status == AFFECT_OK && stage->kind->found_nothing && did_look(stage) &&
        stage->kind->found_nothing(stage->timeline))
        status = session_gap(s, AFFECT_TIME_NONE, AFFECT_TIME_NONE, stage->kind->nothing);
    return status == AFFECT_OK ? note_missed(s, stage) : status;
}

static affect_status note_perception(affect_session *s) {
    affect_status status = note_models(s, s->text.timeline, s->reader ? s->reader->tasks : NULL);
    for (int l = 0; l < WORKERS; l++)
        for (size_t i = 0; i < s->workers[l].stage_count && status == AFFECT_OK; i++)
            status = note_stage(s, &s->workers[l].stages[i]);
    return status;
}

/* Numbers of perception that turned out to be one person become one before anything is understood from
 * them: a person has one trajectory, and episodes that do not overlap. */
static affect_status join_persons(affect_session *s, session_stage *stage, bool *joined) {
    affect_timeline *made;
    const affect_timeline *out;
    affect_status status = call_back(s, stage); /* as it was made */
    if (status == AFFECT_OK) status = timeline_resolve(s->ctx, stage->timeline, &made, &out);
    if (status != AFFECT_OK || !made) return status;
    for (size_t i = 0; i < stage->timeline->person_count && status == AFFECT_OK; i++) {
        const affect_person *p = &stage->timeline->persons[i];
        if (!p->merged_into) continue;
        /* How sure the least sure of them is. */
        int id = affect_timeline_resolve_person(stage->timeline, p->id);
        const affect_person *known = timeline_find_person(made, id);
        affect_person one = {.id = id, .name = "", .score = p->score};
        if (known && isfinite(known->score)) one.score = fminf(known->score, p->score);
        status = timeline_set_person(s->ctx, made, &one);
        if (status == AFFECT_OK && worth_serving(s))
            status = timeline_warn(s->ctx, s->own.timeline, AFFECT_TIME_NONE, AFFECT_TIME_NONE,
                                   "person %d turned out to be person %d", p->id, id);
    }
    affect_timeline_destroy(stage->timeline);
    stage->timeline = made;
    *joined = true;
    if (status == AFFECT_OK) status = seen_grow(s, stage);
    if (status != AFFECT_OK) return status;
    for (size_t i = 0; i < made->track_count; i++)
        stage->seen.rows.items[i] = made->tracks[i]->rows;
    for (size_t i = 0; i < made->tier_count; i++)
        stage->seen.intervals.items[i] = made->tiers[i]->count;
    stage->seen.events = made->event_count;
    stage->seen.links = made->link_count;
    stage->seen.warnings = made->warnings->count;
    return status;
}

static affect_status join_all_persons(affect_session *s) {
    bool joined = false;
    affect_status status = AFFECT_OK;
    for (int l = 0; l < WORKERS; l++)
        for (size_t i = 0; i < s->workers[l].stage_count && status == AFFECT_OK; i++)
            status = join_persons(s, &s->workers[l].stages[i], &joined);
    if (status != AFFECT_OK || !joined || s->advanced <= 0) return status;
    s->advanced = 0; /* nothing is understood yet */
    return begin_again(s, 0);
}

static affect_status finish(affect_session *s, affect_timeline **out) {
    affect_status status = AFFECT_OK;
    for (int l = 0; l < WORKERS; l++) session_worker_close(&s->workers[l]);
    for (int l = 0; l < WORKERS && status == AFFECT_OK; l++)
        status = session_worker_finish(&s->workers[l]);
    if (status != AFFECT_OK) return status;
    if (affect_context_cancelled(s->ctx))
        return base_fail(s->ctx, AFFECT_ERROR_CANCELLED, "interrupted");
    status = check_able(s);
    if (status == AFFECT_OK) status = note_perception(s);
    if (status == AFFECT_OK) status = join_all_persons(s);
    if (status == AFFECT_OK) status = understand(s, horizon(s), true);
    for (size_t i = 0; i < s->understanding_count && status == AFFECT_OK; i++)
        status =
            note_models(s, s->understanding[i].timeline, s->understanding[i].understanding->tasks);
    if (status == AFFECT_OK) status = serve(s, true);
    if (status != AFFECT_OK) return status;
    affect_timeline *all = s->own.timeline;
    for (int l = 0; l < WORKERS; l++)
        for (size_t i = 0; i < s->workers[l].stage_count && status == AFFECT_OK; i++)
            if (!s->workers[l].stages[i].dropped)
                status = timeline_join(s->ctx, all, s->workers[l].stages[i].timeline);
    if (status == AFFECT_OK) status = timeline_join(s->ctx, all, s->text.timeline);
    for (size_t i = 0; i < s->understanding_count && status == AFFECT_OK; i++)
        status = timeline_join(s->ctx, all, s->understanding[i].timeline);
    if (status != AFFECT_OK) return status;
    all->duration = BASE_MAX(all->duration, s->pushed);
    timeline_sort(all);
    status = align_speakers_apply(s->ctx, all);
    if (status != AFFECT_OK) return status;
    timeline_sort(all);
    timeline_leave_rows(all);
    s->own.timeline = NULL;
    *out = all;
    return AFFECT_OK;
}

affect_status affect_session_finish(affect_session *s, affect_timeline **out) {
    BASE_NEED(NULL, out);
    *out = NULL;
    BASE_NEED(NULL, s);
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
