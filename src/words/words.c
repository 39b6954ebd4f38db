/* The stage: audio in fixed chunks through the recogniser, word times back onto the recording's
 * clock.
 *
 * Chunks are cut at fixed distances from the start of each continuous stretch, so that the result
 * does not depend on how the caller's blocks fall: Vosk looks for the end of an utterance after
 * each chunk it is given. Where the audio fed is not continuous (a gap; silence left out) a list of
 * (position fed, time) pairs, one a join, maps positions to times. */
#include <math.h>
#include <string.h>

#include "voice/turns.h"
#include "words/judge.h"
#include "words/private.h"

enum {
    CHUNKS_PER_SECOND = 5,
    ROUND_S = 240, /* audio fed before the recogniser is made anew, at the end of an utterance */
    JOIN_TOLERANCE_NS = 1000000
};

typedef struct join {
    int64_t fed; /* first sample after the join */
    affect_time t0;
} join;

struct words_stage {
    affect_context *ctx;
    affect_timeline *timeline;
    words_options options;
    char *model;
    words_vosk *vosk; /* NULL until the first block, and when recognition is off or missing */
    bool missing;     /* a warning said that there is no recogniser */
    words_emitter *emitter;
    words_judge *judge;
    char *speaker_model;
    voice_turns *turns; /* NULL: off or missing */
    int rate;
    bool started;
    affect_time stretch_t0; /* of the first sample since the last gap */
    int64_t stretch_count;  /* samples since then */
    float *chunk;
    size_t chunk_count, chunk_size;
    int64_t fed; /* samples since the recogniser was made */
    size_t join_count, join_capacity;
    join *joins;
    vosk_result result;
    size_t item_capacity;
    words_item *items;
};

words_options words_options_default(void) {
    return (words_options){.recognise = true, .affect = true, .speakers = true};
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
    s->model = base_strdup(model ? model : "words.recognition.en");
    if (!s->model) status = base_fail_memory(ctx);
    s->options.recognition_model = s->model;
    if (s->options.speaker_model && !(s->speaker_model = base_strdup(s->options.speaker_model)))
        status = base_fail_memory(ctx);
    if (!status) status = words_emitter_create(ctx, &s->options, timeline, &s->emitter);
    if (!status) status = words_judge_create(ctx, timeline, s->emitter, &s->judge);
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
    s->chunk = base_alloc(s->chunk_size * sizeof *s->chunk);
    if (!s->chunk) return base_fail_memory(s->ctx);
    affect_status status = words_vosk_open(s->ctx, s->model, rate, &s->vosk);
    if (status == AFFECT_ERROR_MODEL || status == AFFECT_ERROR_RUNTIME) {
        s->missing = true;
        return timeline_warn(s->ctx, s->timeline, AFFECT_TIME_NONE, AFFECT_TIME_NONE,
                             "no words were recognised: %s", affect_context_message(s->ctx));
    }
    if (status || !s->options.speakers) return status;
    status = words_vosk_speakers(s->vosk, s->speaker_model);
    if (!status) return voice_turns_create(s->ctx, s->timeline, &s->turns);
    if (status != AFFECT_ERROR_MODEL) return status;
    return timeline_warn(s->ctx, s->timeline, AFFECT_TIME_NONE, AFFECT_TIME_NONE,
                         "No speaker turns: %s", affect_context_message(s->ctx));
}

/* Time of a position in the audio fed. A word's end takes the stretch that ends there, its start
 * the one that begins. */
static affect_time time_of(const words_stage *s, double seconds, bool is_end) {
    double position = seconds * s->rate;
    size_t i = s->join_count;
    while (i > 1 && (is_end ? (double)s->joins[i - 1].fed >= position
                            : (double)s->joins[i - 1].fed > position))
        i--;
    const join *j = &s->joins[i - 1];
    return j->t0 + time_from_seconds((position - (double)j->fed) / s->rate);
}

static affect_status take(words_stage *s, bool last) {
    affect_status status = words_vosk_take(s->vosk, last, &s->result);
    if (status || !s->result.count) return status;
    size_t n = s->result.count;
    if (!base_grow((void **)&s->items, &s->item_capacity, n, sizeof *s->items))
        return base_fail_memory(s->ctx);
    double confidence = 0;
    for (size_t i = 0; i < n; i++) {
        const vosk_word *w = &s->result.items[i];
        words_item *item = &s->items[i];
        *item = (words_item){.t0 = time_of(s, w->t0_s, false),
                             .t1 = time_of(s, w->t1_s, true),
                             .text = w->text,
                             .confidence = w->confidence};
        item->t1 = BASE_MAX(item->t0, item->t1);
        confidence += w->confidence;
    }
    if (s->turns) {
        bool known = s->result.speaker_count > 0;
        double spoken =
            known ? s->result.speaker_s : time_to_seconds(s->items[n - 1].t1 - s->items[0].t0);
        status = voice_turns_add(s->turns, s->items[0].t0, s->items[n - 1].t1,
                                 known ? s->result.speaker : NULL, s->result.speaker_count, spoken);
        if (status) return status;
    }
    return words_judge_add(s->judge,
                           &(words_utterance){.t0 = s->items[0].t0,
                                              .t1 = s->items[n - 1].t1,
                                              .confidence = (float)(confidence / (double)n),
                                              .count = n,
                                              .items = s->items});
}

static affect_status add_join(words_stage *s, affect_time t0) {
    if (!base_grow((void **)&s->joins, &s->join_capacity, s->join_count + 1, sizeof *s->joins))
        return base_fail_memory(s->ctx);
    s->joins[s->join_count++] = (join){s->fed, t0};
    return AFFECT_OK;
}

static affect_status restart(words_stage *s, affect_time t0) {
    s->fed = 0;
    s->join_count = 0;
    affect_status status = words_vosk_restart(s->vosk);
    return status ? status : add_join(s, t0);
}

static affect_status feed_chunk(words_stage *s) {
    bool ended = false;
    affect_status status = words_vosk_feed(s->vosk, s->chunk, s->chunk_count, &ended);
    s->fed += (int64_t)s->chunk_count;
    s->stretch_count += (int64_t)s->chunk_count;
    s->chunk_count = 0;
    if (!status)
        status = words_judge_advance(s->judge,
                                     s->stretch_t0 + time_from_ticks(s->stretch_count, 1, s->rate));
    if (!status && affect_context_cancelled(s->ctx)) status = AFFECT_ERROR_CANCELLED;
    if (!status && ended) {
        bool renew = s->fed >= (int64_t)ROUND_S * s->rate;
        status = take(s, renew);
        if (!status && renew)
            status = restart(s, s->stretch_t0 + time_from_ticks(s->stretch_count, 1, s->rate));
    }
    return status;
}

static affect_status close_stretch(words_stage *s) {
    affect_status status = AFFECT_OK;
    if (s->chunk_count) status = feed_chunk(s);
    return status ? status : take(s, true);
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
        if (!status) status = restart(s, block->t0);
        s->started = true;
        s->stretch_t0 = block->t0;
        s->stretch_count = 0;
    }
    for (size_t i = 0; !status && i < block->count;) {
        size_t n = BASE_MIN(block->count - i, s->chunk_size - s->chunk_count);
        memcpy(s->chunk + s->chunk_count, block->samples + i, n * sizeof *s->chunk);
        s->chunk_count += n;
        i += n;
        if (s->chunk_count == s->chunk_size) status = feed_chunk(s);
    }
    return status;
}

affect_status words_finish(words_stage *s) {
    if (!s->vosk || !s->started) return AFFECT_OK;
    s->started = false;
    affect_status status = close_stretch(s);
    if (!status) status = words_judge_finish(s->judge);
    return !status && s->turns ? voice_turns_finish(s->turns) : status;
}

void words_destroy(words_stage *s) {
    if (!s) return;
    words_vosk_close(s->vosk);
    words_judge_destroy(s->judge);
    voice_turns_destroy(s->turns);
    base_free(s->speaker_model);
    words_emitter_destroy(s->emitter);
    vosk_result_destroy(&s->result);
    base_free(s->items);
    base_free(s->joins);
    base_free(s->chunk);
    base_free(s->model);
    base_free(s);
}
