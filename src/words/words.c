/* The stage: audio in fixed chunks through the recogniser, word times back onto the recording's
 * clock.
 *
 * Chunks are cut at fixed distances from the start of each continuous stretch, so that the result
 * does not depend on how the caller's blocks fall: Vosk looks for the end of an utterance after
 * each chunk it is given. Where the audio fed is not continuous (a gap; silence left out) a list of
 * (position fed, time) pairs, one a join, maps positions to times.
 *
 * An ear is a recogniser with what it was fed. There is one, of the mix, until left and right turn out
 * to be two speakers (voice/channels.h): then each channel has one, which hears again what the mix's
 * had not yet said, and the mix's is silent. */
#include <math.h>
#include <string.h>

#include "voice/channels.h"
#include "voice/turns.h"
#include "words/judge.h"
#include "words/words_private.h"

enum {
    CHUNKS_PER_SECOND = 5,
    ROUND_S = 240, /* audio fed before the recogniser lets go of it, at the end of an utterance */
    JOIN_TOLERANCE_NS = 1000000,
    RATE = 16000, /* at which channels can be told apart */
    EARS = 3,     /* the mix, left, right */
    KEPT_S = 30   /* the longest utterance that a channel's ear hears again */
};

static const affect_time WINDOW_TIME = VOICE_CHANNELS_WINDOW * AFFECT_SECOND / RATE;

typedef struct join {
    int64_t fed; /* first sample after the join */
    affect_time t0;
} join;

typedef struct ear {
    words_recogniser *recogniser; /* NULL: none */
    words_judge *judge;
    int channel;       /* 0 left, 1 right, -1 the mix */
    int silent_chunks; /* in a row */
    bool deaf;         /* digital silence: nothing is fed */
    int64_t fed;       /* samples since the recogniser's last result of all */
    size_t join_count, join_capacity;
    join *joins;
    words_heard result;
} ear;

struct words_stage {
    affect_context *ctx;
    affect_timeline *timeline;
    words_options options;
    char *model;
    bool named;   /* the model was: then it must work */
    bool missing; /* a warning said that there is no recogniser */
    words_emitter *emitter;
    ear ears[EARS];           /* the first has a recogniser from the first block on */
    voice_channels *channels; /* NULL: they are not told apart */
    bool apart;               /* the channels' ears listen */
    char *speaker_model;
    voice_turns *turns; /* NULL: off or missing */
    int rate;
    bool started;
    affect_time stretch_t0;     /* of the first sample since the last gap */
    int64_t stretch_count;      /* samples since then */
    float *chunk, *side, *work; /* chunk_size each */
    size_t chunk_count, chunk_size;
    bool sided; /* the chunk has a side */
    struct {    /* whole chunks, mix and side, that the mix's ear has said nothing of */
        float *items;
        size_t count, capacity; /* chunks; floats */
    } kept;
    size_t item_capacity;
    words_item *items;
};

words_options words_options_default(void) {
    return (words_options){
        .recognise = true, .affect = true, .speakers = true, .length = AFFECT_TIME_NONE};
}

affect_status words_create(affect_context *ctx, const words_options *options,
                           affect_timeline *timeline, words_stage **out) {
    *out = NULL;
    words_stage *s = base_calloc(1, sizeof *s);
    if (!s) return base_fail_memory(ctx);
    s->ctx = ctx;
    s->timeline = timeline;
    s->options = options ? *options : words_options_default();
    affect_status status = AFFECT_OK;
    const char *model = s->options.recognition_model;
    s->named = model != NULL;
    s->model = base_strdup(model ? model : "words.recognition.en");
    if (!s->model) status = base_fail_memory(ctx);
    s->options.recognition_model = s->model;
    if (s->options.speaker_model && !(s->speaker_model = base_strdup(s->options.speaker_model)))
        status = base_fail_memory(ctx);
    if (!status) status = words_emitter_create(ctx, &s->options, timeline, &s->emitter);
    for (int i = 0; i < EARS && !status; i++) {
        s->ears[i].channel = i - 1;
        status = words_judge_create(ctx, timeline, s->emitter, &s->ears[i].judge);
    }
    if (!status) status = voice_channels_create(ctx, NULL, &s->channels);
    if (status) {
        words_destroy(s);
        return status;
    }
    *out = s;
    return AFFECT_OK;
}

static affect_status start(words_stage *s, int rate) {
    s->rate = rate;
    s->chunk_size = (size_t)(rate / CHUNKS_PER_SECOND);
    s->chunk = base_calloc(3 * s->chunk_size, sizeof *s->chunk);
    if (!s->chunk) return base_fail_memory(s->ctx);
    s->side = s->chunk + s->chunk_size;
    s->work = s->side + s->chunk_size;
    affect_status status = words_recogniser_open(s->ctx, s->model, rate, &s->ears[0].recogniser);
    if (status == AFFECT_ERROR_RUNTIME && s->named) {
        char why[512];
        snprintf(why, sizeof why, "%s", affect_context_message(s->ctx));
        return base_fail(s->ctx, AFFECT_ERROR_MODEL, "model %s cannot be used: %s", s->model, why);
    }
    if (!s->named && (status == AFFECT_ERROR_MODEL || status == AFFECT_ERROR_RUNTIME)) {
        s->missing = true;
        return timeline_warn(s->ctx, s->timeline, AFFECT_TIME_NONE, AFFECT_TIME_NONE,
                             "no words were recognised: %s", affect_context_message(s->ctx));
    }
    if (status || !s->options.speakers) return status;
    status = words_recogniser_speakers(s->ctx, s->ears[0].recogniser, s->speaker_model);
    if (!status) return voice_turns_create(s->ctx, s->timeline, &s->turns);
    if (status != AFFECT_ERROR_MODEL || s->speaker_model) return status;
    return timeline_warn(s->ctx, s->timeline, AFFECT_TIME_NONE, AFFECT_TIME_NONE,
                         "No speaker turns: %s", affect_context_message(s->ctx));
}

/* Time of a position in the audio fed. A word's end takes the stretch that ends there, its start
 * the one that begins. */
static affect_time time_of(const words_stage *s, const ear *e, double seconds, bool is_end) {
    double position = seconds * s->rate;
    size_t i = e->join_count;
    while (i > 1 && (is_end ? (double)e->joins[i - 1].fed >= position
                            : (double)e->joins[i - 1].fed > position))
        i--;
    const join *j = &e->joins[i - 1];
    return j->t0 + time_from_seconds((position - (double)j->fed) / s->rate);
}

/* Is it the channel's own voice that says the word, and not what leaks over from the other? */
static bool is_own(const words_stage *s, const ear *e, const words_item *item) {
    if (e->channel < 0) return true;
    size_t first = (size_t)(BASE_MAX(item->t0 - s->stretch_t0, 0) / WINDOW_TIME);
    size_t end = (size_t)(BASE_MAX(item->t1 - s->stretch_t0, 0) / WINDOW_TIME) + 1;
    end = BASE_MIN(end, voice_channels_count(s->channels));
    size_t own = 0, leaks = 0;
    for (size_t w = first; w < end && end - first < VOICE_CHANNELS_KEPT; w++)
        if (voice_channels_own(voice_channels_at(s->channels, w), e->channel))
            own++;
        else
            leaks++;
    return own >= leaks;
}

static affect_status take(words_stage *s, ear *e, bool last) {
    affect_status status = words_recogniser_take(e->recogniser, last, &e->result);
    if (status || !e->result.count) return status;
    size_t n = 0;
    if (!base_grow((void **)&s->items, &s->item_capacity, e->result.count, sizeof *s->items))
        return base_fail_memory(s->ctx);
    double confidence = 0;
    for (size_t i = 0; i < e->result.count; i++) {
        const words_heard_word *w = &e->result.items[i];
        words_item *item = &s->items[n];
        *item = (words_item){.t0 = time_of(s, e, w->t0_s, false),
                             .t1 = time_of(s, e, w->t1_s, true),
                             .text = w->text,
                             .confidence = w->confidence};
        item->t1 = BASE_MAX(item->t0, item->t1);
        if (!is_own(s, e, item)) continue;
        confidence += w->confidence;
        n++;
    }
    if (!n) return AFFECT_OK;
    if (s->turns && e->channel < 0) {
        bool known = e->result.speaker_count > 0;
        double spoken =
            known ? e->result.speaker_s : time_to_seconds(s->items[n - 1].t1 - s->items[0].t0);
        status = voice_turns_add(s->turns, s->items[0].t0, s->items[n - 1].t1,
                                 known ? e->result.speaker : NULL, e->result.speaker_count, spoken);
        if (status) return status;
    }
    const words_utterance utterance = {
        .t0 = s->items[0].t0,
        .t1 = s->items[n - 1].t1,
        .text = n == e->result.count && e->result.text.length ? e->result.text.data : NULL,
        .confidence = (float)(confidence / (double)n),
        .channel = e->channel < 0 ? NULL : voice_channels_names[e->channel],
        .understood = e->result.judged,
        .foreign = e->result.foreign,
        .count = n,
        .items = s->items};
    return e->result.judged ? words_emit(s->emitter, &utterance)
                            : words_judge_add(e->judge, &utterance);
}

static affect_status add_join(words_stage *s, ear *e, affect_time t0) {
    if (!base_grow((void **)&e->joins, &e->join_capacity, e->join_count + 1, sizeof *e->joins))
        return base_fail_memory(s->ctx);
    e->joins[e->join_count++] = (join){e->fed, t0};
    return AFFECT_OK;
}

/* After the last result of what was fed so far. */
static affect_status begin(words_stage *s, ear *e, affect_time t0) {
    e->fed = 0;
    e->join_count = 0;
    return add_join(s, e, t0);
}

static affect_time now(const words_stage *s) {
    return s->stretch_t0 + time_from_ticks(s->stretch_count, 1, s->rate);
}

/* Digital silence: a muted microphone, a paused source. */
static bool is_silence(const float *samples, size_t count) {
    const float two_steps = 2.0F / 32768.0F;
    for (size_t i = 0; i < count; i++)
        if (fabsf(samples[i]) > two_steps) return false;
    return true;
}

/* A chunk at `t0`. The recogniser adapts to what it hears, and minutes of nothing spoil that: after a
 * second of digital silence it is told that all is said, and hears again from the next sound on.
 * *said: what was heard before is done with. */
static affect_status feed_ear(words_stage *s, ear *e, affect_time t0, const float *samples,
                              size_t count, bool *said) {
    bool ended = false;
    affect_status status = AFFECT_OK;
    *said = false;
    e->silent_chunks = is_silence(samples, count) ? e->silent_chunks + 1 : 0;
    if (e->silent_chunks > CHUNKS_PER_SECOND) {
        if (!e->deaf) status = take(s, e, true);
        e->deaf = *said = true;
    } else {
        if (e->deaf) status = begin(s, e, t0);
        e->deaf = false;
        if (!status) status = words_recogniser_feed(e->recogniser, samples, count, &ended);
        e->fed += (int64_t)count;
    }
    affect_time end = t0 + time_from_ticks((int64_t)count, 1, s->rate);
    if (!status) status = words_judge_advance(e->judge, end);
    if (!status && affect_context_cancelled(s->ctx)) status = AFFECT_ERROR_CANCELLED;
    if (!status && ended) {
        bool renew = e->fed >= (int64_t)ROUND_S * s->rate;
        status = take(s, e, renew);
        if (!status && renew) status = begin(s, e, end);
        *said = true;
    }
    return status;
}

/* ---- channels ---- */

static affect_status feed_channels(words_stage *s, affect_time t0, const float *mix,
                                   const float *side, size_t count) {
    affect_status status = AFFECT_OK;
    for (int i = 1; i < EARS && !status; i++) {
        bool said;
        for (size_t k = 0; k < count; k++)
            s->work[k] = i == 1 ? mix[k] + side[k] : mix[k] - side[k];
        status = feed_ear(s, &s->ears[i], t0, s->work, count, &said);
    }
    return status;
}

/* The chunk that comes is kept for the channels' ears: while it may have to be heard again. */
static affect_status keep_chunk(words_stage *s) {
    size_t width = 2 * s->chunk_size;
    if (s->kept.count == (size_t)KEPT_S * CHUNKS_PER_SECOND) {
        s->kept.count--;
        memmove(s->kept.items, s->kept.items + width, s->kept.count * width * sizeof(float));
    }
    if (!base_grow((void **)&s->kept.items, &s->kept.capacity, (s->kept.count + 1) * width,
                   sizeof(float)))
        return base_fail_memory(s->ctx);
    memcpy(s->kept.items + s->kept.count++ * width, s->chunk, width * sizeof(float));
    return AFFECT_OK;
}

/* From here on, and in what the mix's ear has not said yet, each channel has an ear of its own. */
static affect_status take_apart(words_stage *s) {
    words_heard unsaid = {0};
    affect_status status = words_recogniser_take(s->ears[0].recogniser, true, &unsaid);
    words_heard_destroy(&unsaid);
    size_t width = 2 * s->chunk_size;
    affect_time step = time_from_ticks((int64_t)s->chunk_size, 1, s->rate);
    affect_time t0 = now(s) - (affect_time)s->kept.count * step;
    for (int i = 1; i < EARS && !status; i++) {
        ear *e = &s->ears[i];
        if (!e->recogniser)
            status = words_recogniser_open(s->ctx, s->model, s->rate, &e->recogniser);
        if (!status) status = begin(s, e, t0);
        e->deaf = false;
        e->silent_chunks = CHUNKS_PER_SECOND;
    }
    for (size_t k = 0; k < s->kept.count && !status; k++) {
        const float *chunk = s->kept.items + k * width;
        status = feed_channels(s, t0 + (affect_time)k * step, chunk, chunk + s->chunk_size,
                               s->chunk_size);
    }
    s->kept.count = 0;
    s->apart = true;
    return status;
}

static affect_status put_together(words_stage *s) {
    affect_status status = AFFECT_OK;
    for (int i = 1; i < EARS && !status; i++)
        if (!s->ears[i].deaf) status = take(s, &s->ears[i], true);
    s->ears[0].deaf = false;
    s->ears[0].silent_chunks = CHUNKS_PER_SECOND;
    s->apart = false;
    return status ? status : begin(s, &s->ears[0], now(s));
}

static affect_status feed_chunk(words_stage *s) {
    affect_status status = AFFECT_OK;
    size_t count = s->chunk_count;
    bool sided = s->sided && s->rate == RATE, said;
    if (sided || s->apart)
        status = voice_channels_push(s->channels, s->chunk, sided ? s->side : NULL, count);
    if (!status && s->apart && !voice_channels_separate(s->channels)) status = put_together(s);
    if (!status && sided && !s->apart && voice_channels_separate(s->channels))
        status = take_apart(s);
    if (status) return status;
    if (s->apart) {
        status = feed_channels(s, now(s), s->chunk, s->side, count);
    } else {
        status = feed_ear(s, &s->ears[0], now(s), s->chunk, count, &said);
        if (!status && sided && !said && count == s->chunk_size) status = keep_chunk(s);
        if (said || !sided) s->kept.count = 0;
    }
    s->stretch_count += (int64_t)count;
    s->chunk_count = 0;
    s->sided = false;
    return status;
}

static affect_status close_stretch(words_stage *s) {
    affect_status status = s->chunk_count ? feed_chunk(s) : AFFECT_OK;
    for (int i = s->apart ? 1 : 0; i < (s->apart ? EARS : 1) && !status; i++)
        if (!s->ears[i].deaf) status = take(s, &s->ears[i], true);
    return status;
}

static affect_status begin_stretch(words_stage *s, affect_time t0) {
    affect_status status = AFFECT_OK;
    for (int i = s->apart ? 1 : 0; i < (s->apart ? EARS : 1) && !status; i++) {
        status = begin(s, &s->ears[i], t0);
        s->ears[i].deaf = false;
        s->ears[i].silent_chunks = CHUNKS_PER_SECOND; /* a start in silence is not listened to */
    }
    voice_channels_begin(s->channels);
    s->kept.count = 0;
    s->started = true;
    s->stretch_t0 = t0;
    s->stretch_count = 0;
    return status;
}

affect_status words_push(words_stage *s, const media_block *block) {
    if (!s->options.recognise || s->missing || !block->count) return AFFECT_OK;
    affect_status status = AFFECT_OK;
    if (block->sample_rate < 4000)
        return base_fail(s->ctx, AFFECT_ERROR_ARGUMENT, "words: a sample rate of %d Hz",
                         block->sample_rate);
    if (!s->rate) status = start(s, block->sample_rate);
    if (status || s->missing) return status;
    if (block->sample_rate != s->rate)
        return base_fail(s->ctx, AFFECT_ERROR_ARGUMENT,
                         "words: the sample rate changed from %d to %d Hz", s->rate,
                         block->sample_rate);
    affect_time expected =
        s->stretch_t0 + time_from_ticks(s->stretch_count + (int64_t)s->chunk_count, 1, s->rate);
    if (!s->started || block->t0 - expected > JOIN_TOLERANCE_NS ||
        expected - block->t0 > JOIN_TOLERANCE_NS) {
        if (s->started) status = close_stretch(s);
        if (!status) status = begin_stretch(s, block->t0);
    }
    for (size_t i = 0; !status && i < block->count;) {
        size_t n = BASE_MIN(block->count - i, s->chunk_size - s->chunk_count);
        memcpy(s->chunk + s->chunk_count, block->samples + i, n * sizeof *s->chunk);
        if (block->side)
            memcpy(s->side + s->chunk_count, block->side + i, n * sizeof *s->side);
        else
            memset(s->side + s->chunk_count, 0, n * sizeof *s->side);
        s->sided = s->sided || block->side;
        s->chunk_count += n;
        i += n;
        if (s->chunk_count == s->chunk_size) status = feed_chunk(s);
    }
    return status;
}

affect_status words_finish(words_stage *s) {
    if (!s->ears[0].recogniser || !s->started) return AFFECT_OK;
    s->started = false;
    affect_status status = close_stretch(s);
    for (int i = 0; i < EARS && !status; i++) status = words_judge_finish(s->ears[i].judge);
    return !status && s->turns && !s->ears[1].recogniser ? voice_turns_finish(s->turns) : status;
}

void words_destroy(words_stage *s) {
    if (!s) return;
    for (int i = 0; i < EARS; i++) {
        words_recogniser_close(s->ears[i].recogniser);
        words_judge_destroy(s->ears[i].judge);
        words_heard_destroy(&s->ears[i].result);
        base_free(s->ears[i].joins);
    }
    voice_channels_destroy(s->channels);
    voice_turns_destroy(s->turns);
    base_free(s->speaker_model);
    words_emitter_destroy(s->emitter);
    base_free(s->items);
    base_free(s->kept.items);
    base_free(s->chunk);
    base_free(s->model);
    base_free(s);
}
