/* Recordings as the network eats them: log-mel spectrograms, read once. Augmentation works on the
 * spectrogram, in the power domain where noise and echoes add up. */
#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include "media/media.h"
#include "nn/tape.h"
#include "train/train.h"
#include "voice/descriptors.h"
#include "voice/egemaps.h"
#include "voice/summary.h"

enum { RATE = 16000, LONGEST_S = 15 };

/* ---- reading ---- */

typedef struct samples {
    float *items;
    size_t count, capacity;
} samples;

static affect_status decode(affect_context *ctx, const char *path, samples *out) {
    media_options o = media_options_default();
    o.want_video = false;
    o.sample_rate = RATE;
    media_reader *reader = NULL;
    affect_status status = media_open(ctx, path, &o, &reader);
    while (status == AFFECT_OK && out->count < (size_t)RATE * LONGEST_S) {
        media_item item;
        status = media_next(reader, &item);
        if (status != AFFECT_OK || item.kind == MEDIA_END) break;
        if (item.kind != MEDIA_AUDIO) continue;
        if (!base_grow((void **)&out->items, &out->capacity, out->count + item.audio.count,
                       sizeof *out->items)) {
            status = base_fail_memory(ctx);
            break;
        }
        memcpy(out->items + out->count, item.audio.samples, item.audio.count * sizeof(float));
        out->count += item.audio.count;
    }
    if (status == AFFECT_OK && media_reader_error(reader))
        status = base_fail(ctx, AFFECT_ERROR_NOT_FOUND, "%s: cannot be read: %s", path,
                           strerror(media_reader_error(reader)));
    media_close(reader);
    return status;
}

/* ---- the whole clip in numbers ---- */

enum { SIDE = VOICE_EGEMAPS_FUNCTIONALS, LEAST_CLIPS = 8, SUMMARY = VOICE_SUMMARY_WIDTH };

static affect_status describe_clip(affect_context *ctx, const float *wave, size_t count,
                                   float out[SIDE]) {
    voice_egemaps *set = NULL;
    affect_status status = voice_egemaps_create(ctx, RATE, &set);
    if (status == AFFECT_OK) status = voice_egemaps_describe(set, wave, count, out);
    voice_egemaps_destroy(set);
    return status;
}

/* Appends the clip's rows; the sample itself has been added. */
static affect_status append_clip(train_set *s, const char *path) {
    affect_context *ctx = s->ctx;
    voice_log_mel_options o = voice_log_mel_network(s->spec.bands, s->spec.step_s);
    voice_log_mel *mel = NULL;
    samples wave = {0};
    affect_status status = decode(ctx, path, &wave);
    const float *heard = wave.items;
    if (status == AFFECT_OK && s->spec.trim_db > 0)
        voice_trim(&heard, &wave.count, s->spec.trim_db);
    if (status == AFFECT_OK) status = voice_log_mel_create(ctx, &o, &mel);
    if (status == AFFECT_OK) {
        size_t rows = voice_log_mel_frames(mel, wave.count),
               at = s->count > 1 ? s->first[s->count - 1] : 0;
        size_t *first = base_realloc(s->first, (s->count + 1) * sizeof *first);
        if (first) s->first = first;
        /* one clip at a time: growing a large block is a remapping, not a copy */
        float *frames = base_realloc(s->frames, BASE_MAX(at + rows, (size_t)1) * s->spec.bands *
                                                    sizeof *frames);
        if (frames) s->frames = frames;
        if (!first || !frames)
            status = base_fail_memory(ctx);
        else if (rows < 8)
            status = base_fail(ctx, AFFECT_ERROR_FORMAT,
                               "%s: is %.2f s long, expected at least 8 frames of %.0f ms", path,
                               (double)wave.count / RATE, 1000 * s->spec.step_s);
        else {
            s->first[s->count - 1] = at;
            s->first[s->count] = at + rows;
            status =
                voice_log_mel_compute(ctx, mel, heard, wave.count, s->frames + at * s->spec.bands);
        }
    }
    if (status == AFFECT_OK && s->spec.functionals) {
        float *side = base_realloc(s->side, s->count * SIDE * sizeof *side);
        if (side) s->side = side;
        status = side ? describe_clip(ctx, heard, wave.count, side + (s->count - 1) * SIDE)
                      : base_fail_memory(ctx);
    }
    voice_log_mel_destroy(mel);
    base_free(wave.items);
    return status;
}

/* ---- summaries ---- */

/* A name for what is kept of a clip: by its path and size, and how it is read. NULL: no memory. */
static char *cache_path(const train_set *s, const char *path) {
    enum { VERSION = 1 }; /* of the front ends and of train_wave_disturb */
    uint64_t hash = 0xcbf29ce484222325u;
    for (const char *c = path; *c; c++) hash = (hash ^ (unsigned char)*c) * 0x100000001b3u;
    struct stat file = {0};
    if (stat(path, &file)) file.st_size = 0; /* reading it will say what is wrong */
    base_text text = {0};
    base_text_printf(&text, "%s/%016llx-%lld-%g-%d.f32", s->spec.cache, (unsigned long long)hash,
                     (long long)file.st_size, s->spec.trim_db, VERSION);
    char *name = text.failed ? NULL : base_strdup(text.data);
    base_text_destroy(&text);
    return name;
}

static affect_status summarise(const train_set *s, voice_summary *summary, const char *path,
                               const float *wave, size_t count, float *rows) {
    affect_status status = voice_summary_describe(summary, wave, count, rows);
    uint64_t seed = 0xcbf29ce484222325u;
    for (const char *c = path; *c; c++) seed = (seed ^ (unsigned char)*c) * 0x100000001b3u;
    for (size_t v = 1; status == AFFECT_OK && v <= s->spec.copies; v++) {
        train_dice dice = {seed + v * 7919, 0};
        float *other = NULL;
        size_t length = 0;
        status = train_wave_disturb(s->ctx, wave, count, &dice, &other, &length);
        if (status == AFFECT_OK)
            status = voice_summary_describe(summary, other, length, rows + v * SUMMARY);
        base_free(other);
    }
    return status;
}

/* Appends the clip's summary and those of its copies, from the cache where they are there. */
static affect_status append_summary(train_set *s, const char *path) {
    affect_context *ctx = s->ctx;
    const size_t versions = 1 + s->spec.copies, size = versions * SUMMARY * sizeof(float);
    float *side = base_realloc(s->side, s->count * size);
    if (!side) return base_fail_memory(ctx);
    s->side = side;
    float *rows = side + (s->count - 1) * versions * SUMMARY;
    char *cached = NULL, *bytes = NULL;
    size_t length = 0;
    affect_status status = AFFECT_OK;
    if (s->spec.cache && *s->spec.cache && !(cached = cache_path(s, path)))
        return base_fail_memory(ctx);
    if (cached && base_file_exists(cached))
        status = base_read_file(ctx, cached, (size_t)1 << 24, &bytes, &length);
    samples wave = {0};
    voice_summary *summary = NULL;
    if (status == AFFECT_OK && bytes && length >= size) {
        memcpy(rows, bytes, size);
    } else if (status == AFFECT_OK) {
        status = decode(ctx, path, &wave);
        const float *heard = wave.items;
        if (status == AFFECT_OK && s->spec.trim_db > 0)
            voice_trim(&heard, &wave.count, s->spec.trim_db);
        if (status == AFFECT_OK) status = voice_summary_create(ctx, &summary);
        if (status == AFFECT_OK) status = summarise(s, summary, path, heard, wave.count, rows);
        if (status == AFFECT_OK && cached) status = base_write_file(ctx, cached, rows, size);
    }
    voice_summary_destroy(summary);
    base_free(bytes);
    base_free(cached);
    base_free(wave.items);
    return status;
}

bool train_audio_ways(const train_set *s) {
    if (s->spec.kind != TRAIN_AUDIO) return false;
    for (size_t i = 0; i < s->count; i++)
        if (s->voice_size ? s->voice_size[i] > 1 : s->relative && !isnan(s->relative[i * SIDE]))
            return true;
    return false;
}

affect_status train_audio_voices(train_set *s) {
    if (!s->spec.summary) return AFFECT_OK;
    const size_t n = s->count;
    s->voice = base_calloc(BASE_MAX(n, (size_t)1), sizeof *s->voice);
    s->voice_at = base_calloc(BASE_MAX(n, (size_t)1), sizeof *s->voice_at);
    s->voice_size = base_calloc(BASE_MAX(n, (size_t)1), sizeof *s->voice_size);
    if (!s->voice || !s->voice_at || !s->voice_size) return base_fail_memory(s->ctx);
    uint32_t at = 0;
    for (size_t i = 0; i < n; i++) {
        if (s->voice_size[i]) continue;
        uint32_t from = at;
        for (size_t k = i; k < n; k++)
            if (k == i || (s->group[i] >= 0 && s->group[k] == s->group[i]))
                s->voice[at++] = (uint32_t)k;
        for (uint32_t k = from; k < at; k++) {
            s->voice_at[s->voice[k]] = from;
            s->voice_size[s->voice[k]] = at - from;
        }
    }
    return AFFECT_OK;
}

affect_status train_audio_add(train_set *s, const char *path) {
    char *name = base_strdup(path);
    if (!name) return base_fail_memory(s->ctx);
    affect_status status = train_set_add(s, name);
    if (status != AFFECT_OK) return status;
    return s->spec.summary ? append_summary(s, path) : append_clip(s, path);
}

affect_status train_audio_speakers(train_set *s) {
    if (!s->spec.functionals) return train_audio_voices(s);
    s->relative = base_alloc(BASE_MAX(s->count, (size_t)1) * SIDE * sizeof *s->relative);
    if (!s->relative) return base_fail_memory(s->ctx);
    for (size_t i = 0; i < s->count * SIDE; i++) s->relative[i] = NAN;
    for (size_t i = 0; i < s->count; i++) {
        size_t clips = 0, earlier = 0;
        for (size_t k = 0; k < s->count; k++) {
            clips += s->group[k] == s->group[i];
            earlier += k < i && s->group[k] == s->group[i];
        }
        if (s->group[i] < 0 || earlier || clips < LEAST_CLIPS) continue;
        for (size_t f = 0; f < SIDE; f++) {
            double sum = 0, square = 0, n = 0;
            for (size_t k = i; k < s->count; k++) {
                double x = (double)s->side[k * SIDE + f];
                if (s->group[k] != s->group[i] || isnan(x)) continue;
                n++;
                sum += x;
                square += x * x;
            }
            double mean = sum / fmax(n, 1),
                   deviation = sqrt(fmax(square / fmax(n, 1) - mean * mean, 0));
            for (size_t k = i; k < s->count; k++)
                if (s->group[k] == s->group[i])
                    s->relative[k * SIDE + f] =
                        deviation > 0 ? (float)(((double)s->side[k * SIDE + f] - mean) / deviation)
                                      : 0;
        }
    }
    return AFFECT_OK;
}

/* ---- batches ---- */

/* Spectrogram value at fractional row and band, edges repeated. */
static float value_at(const float *x, size_t rows, size_t bands, double r, double b) {
    r = fmin(fmax(r, 0), (double)rows - 1);
    b = fmin(fmax(b, 0), (double)bands - 1);
    size_t r0 = (size_t)r, b0 = (size_t)b, r1 = BASE_MIN(r0 + 1, rows - 1),
           b1 = BASE_MIN(b0 + 1, bands - 1);
    double fr = r - (double)r0, fb = b - (double)b0;
    return (float)((1 - fr) * ((1 - fb) * x[r0 * bands + b0] + fb * x[r0 * bands + b1]) +
                   fr * ((1 - fb) * x[r1 * bands + b0] + fb * x[r1 * bands + b1]));
}

static void disturb(float *x, size_t rows, size_t bands, double step_s, const train_augment *a,
                    train_dice *d) {
    float top = -100;
    for (size_t i = 0; i < rows * bands; i++) top = fmaxf(top, x[i]);
    if (train_roll(d) < a->reverb) { /* exponential tail: T60 .1 to .6 s, 3 to 15 dB below */
        double decay = exp(-13.8 * step_s / (.1 + .5 * train_roll(d)));
        double level = pow(10, -(3 + 12 * train_roll(d)) / 10);
        for (size_t b = 0; b < bands; b++) {
            double tail = 0;
            for (size_t r = 0; r < rows; r++) {
                double power = exp((double)x[r * bands + b]);
                x[r * bands + b] = (float)log(power + level * tail);
                tail = decay * (tail + (1 - decay) * power);
            }
        }
    }
    if (train_roll(d) < a->noisy) { /* coloured noise 8 to 40 dB below the loudest band */
        double level = top - (8 + 32 * train_roll(d)) * .2303, tilt = train_spread(d, 3);
        for (size_t r = 0; r < rows; r++)
            for (size_t b = 0; b < bands; b++) {
                double n = level + tilt * ((double)b / (double)bands - .5) + train_spread(d, 1.2);
                double v = x[r * bands + b], high = fmax(v, n);
                x[r * bands + b] = (float)(high + log1p(exp(fmin(v, n) - high)));
            }
    }
    if (train_roll(d) < a->narrow) { /* telephone, low bit rates: nothing above a cut-off */
        size_t cut = (size_t)((.55 + .4 * train_roll(d)) * (double)bands);
        for (size_t r = 0; r < rows; r++)
            for (size_t b = cut; b < bands; b++)
                x[r * bands + b] = fminf(x[r * bands + b], top - 14 + (float)train_spread(d, 1));
    }
}

/* Two masks along time and two along bands (SpecAugment, Park et al. 2019), after standardising. */
static void mask(float *x, size_t rows, size_t bands, train_dice *d) {
    for (int k = 0; k < 2; k++) {
        size_t w = (size_t)(train_roll(d) * (double)rows * .12),
               at = (size_t)(train_roll(d) * (double)(rows - w));
        memset(x + at * bands, 0, w * bands * sizeof *x);
        size_t h = (size_t)(train_roll(d) * (double)bands * .15),
               low = (size_t)(train_roll(d) * (double)(bands - h));
        for (size_t r = 0; r < rows; r++) memset(x + r * bands + low, 0, h * sizeof *x);
    }
}

/* Functionals against the speaker where they are known; three in ten training clips as if alone. */
static bool side_batch(const train_set *s, nn_tape *tape, const uint32_t *index, size_t n,
                       const train_augment *a, uint64_t seed, nn_batch *batch) {
    float *side = nn_tape_alloc(tape, n * SIDE);
    bool *relative = nn_tape_bytes_alloc(tape, n * sizeof *relative);
    if (!side || !relative) return false;
    for (size_t i = 0; i < n; i++) {
        train_dice d = {seed ^ (uint64_t)index[i] * 0x9e3779b97f4a7c15u, 7777};
        const float *known = s->relative && !s->alone ? s->relative + index[i] * SIDE : NULL;
        relative[i] = known && !isnan(known[0]) && (!a || train_roll(&d) < .7);
        memcpy(side + i * SIDE, relative[i] ? known : s->side + index[i] * SIDE,
               SIDE * sizeof *side);
    }
    batch->side = side;
    batch->relative = relative;
    return true;
}

/* Clip `i` in version `v` against `known` clips of its voice, itself among them, drawn from all, or
 * those `like` it, of the same class: a voice that is known by one mood. */
static void against_voice(const train_set *s, size_t i, size_t v, size_t known, bool all, bool like,
                          train_dice *d, float *out) {
    const size_t versions = 1 + s->spec.copies;
    double sum[SUMMARY] = {0}, square[SUMMARY] = {0}, weight[SUMMARY] = {0};
    for (size_t k = 0; k < known; k++) {
        size_t other = i;
        if (all)
            other = s->voice[s->voice_at[i] + k];
        else
            for (int tries = 0; k && tries < 8; tries++) {
                other =
                    s->voice[s->voice_at[i] + (size_t)(train_roll(d) * (double)s->voice_size[i])];
                if (!like || s->gold[other] == s->gold[i]) break;
                other = i;
            }
        const float *x = s->side + (other * versions + v) * SUMMARY;
        for (size_t f = 0; f < SUMMARY; f++) {
            if (isnan(x[f])) continue;
            sum[f] += (double)x[f];
            square[f] += (double)x[f] * (double)x[f];
            weight[f]++;
        }
    }
    const float *x = s->side + (i * versions + v) * SUMMARY;
    for (size_t f = 0; f < SUMMARY; f++)
        out[f] = isnan(x[f]) ? NAN
                             : voice_against(x[f], s->spec.usual[f], s->spec.spread[f], weight[f],
                                             sum[f], square[f]);
}

/* In training a third of the clips by themselves, the others against one to all of their voice's. */
static bool summary_batch(const train_set *s, nn_tape *tape, const uint32_t *index, size_t n,
                          const train_augment *a, uint64_t seed, nn_batch *batch) {
    const size_t versions = 1 + s->spec.copies;
    float *side = nn_tape_alloc(tape, n * SUMMARY);
    bool *relative = nn_tape_bytes_alloc(tape, n * sizeof *relative);
    if (!side || !relative) return false;
    for (size_t i = 0; i < n; i++) {
        /* a clip that is drawn twice in an epoch is not the same twice */
        train_dice d = {seed ^ (uint64_t)index[i] * 0x9e3779b97f4a7c15u ^ (uint64_t)i << 40, 7777};
        size_t v = a ? (size_t)(train_roll(&d) * (double)versions) : 0,
               voices = s->voice_size[index[i]], known = voices;
        bool like = false;
        if (a) {
            known = train_roll(&d) < .35 ? 0 : (size_t)ceil(pow((double)voices, train_roll(&d)));
            known = BASE_MIN(known, (size_t)24);
            like = train_roll(&d) < .2;
        } else if (s->alone || voices < 2) {
            known = 0;
        }
        float *out = side + i * SUMMARY;
        relative[i] = known > 0 && s->spec.usual;
        if (relative[i]) {
            against_voice(s, index[i], v, known, !a, like, &d, out);
        } else {
            memcpy(out, s->side + (index[i] * versions + v) * SUMMARY, SUMMARY * sizeof *out);
            out[VOICE_SUMMARY_LEVEL] = NAN;
        }
    }
    *batch = (nn_batch){.count = n, .side = side, .relative = relative};
    return true;
}

bool train_audio_batch(const train_set *s, nn_tape *tape, const uint32_t *index, size_t n,
                       const train_augment *a, uint64_t seed, nn_batch *batch) {
    if (s->spec.summary) return summary_batch(s, tape, index, n, a, seed, batch);
    size_t bands = s->spec.bands, longest = 8;
    size_t *length = nn_tape_bytes_alloc(tape, n * sizeof *length);
    double *tempo = nn_tape_bytes_alloc(tape, n * sizeof *tempo);
    if (!length || !tempo) return false;
    size_t crop = a && a->crop_s > 0 ? (size_t)(a->crop_s / s->spec.step_s) : SIZE_MAX;
    for (size_t i = 0; i < n; i++) {
        train_dice d = {seed ^ (uint64_t)index[i] * 0x9e3779b97f4a7c15u, 0};
        size_t rows = s->first[index[i] + 1] - s->first[index[i]];
        tempo[i] = a ? 1 + train_spread(&d, a->tempo) : 1;
        length[i] = BASE_MIN(BASE_MAX((size_t)((double)rows / tempo[i]), (size_t)8), crop);
        longest = BASE_MAX(longest, length[i]);
    }
    longest = (longest + 7) / 8 * 8;
    float *data = nn_tape_alloc(tape, n * longest * bands);
    if (!data) return false;
    memset(data, 0, n * longest * bands * sizeof *data);
    for (size_t i = 0; i < n; i++) {
        train_dice d = {seed ^ (uint64_t)index[i] * 0x9e3779b97f4a7c15u, 1};
        const float *x = s->frames + s->first[index[i]] * bands;
        size_t rows = s->first[index[i] + 1] - s->first[index[i]];
        float *out = data + i * longest * bands;
        if (a) {
            double shift = train_spread(&d, a->pitch), used = (double)length[i] * tempo[i];
            double start = train_roll(&d) * fmax((double)rows - used, 0);
            for (size_t r = 0; r < length[i]; r++)
                for (size_t b = 0; b < bands; b++)
                    out[r * bands + b] =
                        value_at(x, rows, bands, start + (double)r * tempo[i], (double)b + shift);
            disturb(out, length[i], bands, s->spec.step_s, a, &d);
        } else {
            memcpy(out, x, length[i] * bands * sizeof *out);
        }
        nn_standardise(out, length[i] * bands);
        if (a && train_roll(&d) < a->mask) mask(out, length[i], bands, &d);
    }
    *batch =
        (nn_batch){.count = n, .data = data, .steps = longest, .bands = bands, .length = length};
    return !s->spec.functionals || side_batch(s, tape, index, n, a, seed, batch);
}
