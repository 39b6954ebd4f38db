/* Pushed sound at any rate and with any number of channels -> mono at one rate, with the mix, the
 * resampler and the alignment of files (audio.c): output sample i lies at i / rate after the first
 * input sample, and a run of n samples gives ceil(n * rate / native rate), however it is cut. */
#include <string.h>

#include "media/media_private.h"

__extension__ typedef __int128 wide;

struct media_resampler {
    affect_context *ctx;
    struct SwrContext *swr;
    int in_rate, channels, rate;
    bool pairs; /* of middle and side come out of it */
    media_downmix downmix;
    int64_t taken, made;
    float *samples, *side;
    size_t capacity, side_capacity;
};

affect_status media_resampler_create(affect_context *ctx, int in_rate, int channels, int rate,
                                     media_resampler **out) {
    *out = NULL;
    if (in_rate < MEDIA_LOWEST_RATE || in_rate > MEDIA_HIGHEST_RATE || channels < 1 ||
        channels > MEDIA_MAX_CHANNELS)
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT,
                         "sound of %d Hz with %d channels: %d to %d Hz and 1 to %d channels are "
                         "taken",
                         in_rate, channels, MEDIA_LOWEST_RATE, MEDIA_HIGHEST_RATE,
                         MEDIA_MAX_CHANNELS);
    affect_status status = media_ffmpeg_load(ctx);
    if (status != AFFECT_OK) return status;
    media_resampler *r = base_calloc(1, sizeof *r);
    if (!r) return base_fail_memory(ctx);
    *r = (media_resampler){.ctx = ctx, .in_rate = in_rate, .channels = channels, .rate = rate};
    AVChannelLayout in = {0};
    media_ff.av_channel_layout_default(&in, channels);
    status = media_audio_mixer(ctx, &in, AV_SAMPLE_FMT_FLT, in_rate, rate, &r->swr, &r->pairs);
    media_ff.av_channel_layout_uninit(&in);
    if (status != AFFECT_OK) {
        media_resampler_destroy(r);
        return status;
    }
    *out = r;
    return AFFECT_OK;
}

static affect_status convert(media_resampler *r, const float *input, int count, size_t *have) {
    int room = media_ff.swr_get_out_samples(r->swr, count);
    if (room < 0 ||
        !base_grow((void **)&r->samples, &r->capacity,
                   *have + ((size_t)room + 1) * (r->pairs ? 2 : 1), sizeof *r->samples) ||
        (r->pairs && !base_grow((void **)&r->side, &r->side_capacity, *have + (size_t)room + 1,
                                sizeof *r->side)))
        return base_fail_memory(r->ctx);
    const uint8_t *data[1] = {(const uint8_t *)input};
    uint8_t *out = (uint8_t *)(r->samples + *have);
    int made = media_ff.swr_convert(r->swr, &out, room, input ? data : NULL, count);
    if (made < 0) return base_fail_memory(r->ctx);
    if (r->pairs)
        media_downmix_pairs(&r->downmix, r->rate, r->samples + *have, (size_t)made,
                            r->side + *have);
    for (size_t i = *have; i < *have + (size_t)made; i++)
        r->samples[i] = BASE_MAX(-1.0F, BASE_MIN(1.0F, r->samples[i]));
    *have += (size_t)made;
    return AFFECT_OK;
}

affect_status media_resampler_push(media_resampler *r, const float *samples, size_t count,
                                   const float **out, size_t *out_count) {
    enum { PIECE = 1 << 16 };
    affect_status status = AFFECT_OK;
    *out_count = 0;
    for (size_t at = 0; at < count && status == AFFECT_OK; at += PIECE)
        status = convert(r, samples + at * (size_t)r->channels, (int)BASE_MIN(count - at, PIECE),
                         out_count);
    *out = r->samples;
    r->taken += (int64_t)count;
    r->made += (int64_t)*out_count;
    return status;
}

affect_status media_resampler_finish(media_resampler *r, const float **out, size_t *out_count) {
    *out_count = 0;
    affect_status status = r->taken ? convert(r, NULL, 0, out_count) : AFFECT_OK;
    int64_t whole = (int64_t)(((wide)r->taken * r->rate + r->in_rate - 1) / r->in_rate);
    size_t wanted = (size_t)BASE_MAX(whole - r->made, 0);
    if (status == AFFECT_OK && wanted > *out_count) {
        if (!base_grow((void **)&r->samples, &r->capacity, wanted, sizeof *r->samples))
            return base_fail_memory(r->ctx);
        memset(r->samples + *out_count, 0, (wanted - *out_count) * sizeof *r->samples);
        if (r->pairs && !base_grow((void **)&r->side, &r->side_capacity, wanted, sizeof *r->side))
            return base_fail_memory(r->ctx);
        if (r->pairs) memset(r->side + *out_count, 0, (wanted - *out_count) * sizeof *r->side);
    }
    *out_count = wanted;
    *out = r->samples;
    r->made = whole;
    return status;
}

const char *media_resampler_warning(media_resampler *r) {
    if (r->downmix.warning != DOWNMIX_DUE) return NULL;
    r->downmix.warning = DOWNMIX_TOLD;
    return DOWNMIX_TEXT;
}

const float *media_resampler_side(const media_resampler *r) { return r->pairs ? r->side : NULL; }

void media_resampler_destroy(media_resampler *r) {
    if (!r) return;
    if (r->swr) media_ff.swr_free(&r->swr);
    base_free(r->samples);
    base_free(r->side);
    base_free(r);
}
