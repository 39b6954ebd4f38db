/* Audio: csv manifests of files (path,label[,speaker]; the columns of RAVDESS's folds and nEMO's
 * table are known too), read to log-mel spectrograms once. Augmentation works on the spectrogram,
 * in the power domain where noise and echoes add up. */
#include <math.h>
#include <string.h>

#include "cli/train.h"
#include "data/table.h"
#include "media/media.h"
#include "nn/tape.h"
#include "voice/descriptors.h"
#include "voice/egemaps.h"

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
    media_reader *reader;
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
    if (status == AFFECT_OK || reader) media_close(reader);
    return status;
}

/* ---- the whole clip in numbers ---- */

enum { SIDE = VOICE_EGEMAPS_FUNCTIONALS, LEAST_CLIPS = 8 };

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

affect_status train_audio_add(train_set *s, const char *path) {
    char *name = base_strdup(path);
    if (!name) return base_fail_memory(s->ctx);
    affect_status status = train_set_add(s, name);
    return status == AFFECT_OK ? append_clip(s, path) : status;
}

static int first_column(const data_table *t, const char *const *names, size_t count) {
    for (size_t i = 0; i < count; i++) {
        int column = data_table_column(t, names[i]);
        if (column >= 0) return column;
    }
    return -1;
}

/* The file a row names: as it stands, or beside the manifest, with .ogg for .wav or none. */
static char *find_file(const char *manifest, const char *cell) {
    const char *slash = strrchr(manifest, '/'), *dot = strrchr(cell, '.');
    size_t folder = slash ? (size_t)(slash - manifest) + 1 : 0;
    size_t stem = dot && strlen(dot) <= 5 ? (size_t)(dot - cell) : strlen(cell);
    static const char *const endings[] = {"", ".ogg", ".wav", ".flac"};
    for (int beside = 1; beside >= 0; beside--)
        for (size_t e = 0; e < BASE_COUNT(endings); e++) {
            base_text path = {0};
            if (beside) base_text_append_n(&path, manifest, folder);
            base_text_append_n(&path, cell, e ? stem : strlen(cell));
            base_text_append(&path, endings[e]);
            if (path.failed || !path.data) {
                base_text_destroy(&path);
                return NULL;
            }
            if (base_file_exists(path.data) && !base_is_folder(path.data)) return path.data;
            base_text_destroy(&path);
        }
    return NULL;
}

/* Does the row match one rule, "COLUMN VALUE,VALUE"? */
static affect_status matches_one(affect_context *ctx, const data_table *t, size_t row,
                                 const char *rule, bool *out) {
    size_t n = strcspn(rule, " ");
    char column[64];
    snprintf(column, sizeof column, "%.*s", (int)BASE_MIN(n, sizeof column - 1), rule);
    int c = data_table_column(t, column);
    if (c < 0 || !rule[n])
        return base_fail(ctx, AFFECT_ERROR_FORMAT,
                         "%s:1: the rule '%s' wants a column '%s' and values after it", t->path,
                         rule, column);
    const char *cell = data_table_cell(t, row, (size_t)c), *at = rule + n + 1;
    *out = false;
    while (*cell == ' ') cell++; /* nEMO pads its speakers */
    while (*at) {
        size_t length = strcspn(at, ",");
        if (strlen(cell) == length && strncmp(cell, at, length) == 0) *out = true;
        at += length + (at[length] == ',');
    }
    return AFFECT_OK;
}

/* Rules separated by '|'; "PART: COLUMN VALUES" concerns manifests whose path contains PART. A row
 * no rule concerns gives `fallback`; else whether any that concerns it matches. */
static affect_status matches(affect_context *ctx, const data_table *t, size_t row,
                             const char *rules, bool fallback, bool *out) {
    char *copy = base_strdup(rules), *rest = copy;
    if (!copy) return base_fail_memory(ctx);
    affect_status status = AFFECT_OK;
    bool concerned = false, any = false;
    for (char *rule; status == AFFECT_OK && (rule = strsep(&rest, "|"));) {
        char *end = rule + strlen(rule), *colon = strchr(rule, ':');
        while (end > rule && end[-1] == ' ') *--end = '\0';
        while (*rule == ' ') rule++;
        if (colon && colon < rule + strcspn(rule, " ")) {
            *colon = '\0';
            if (!strstr(t->path, rule)) continue;
            for (rule = colon + 1; *rule == ' ';) rule++;
        }
        bool hit = false;
        status = matches_one(ctx, t, row, rule, &hit);
        concerned = true;
        any |= hit;
    }
    base_free(copy);
    *out = concerned ? any : fallback;
    return status;
}

/* Numbers the speakers of a manifest as they appear; names are compared within one manifest. */
static int32_t speaker_of(const data_table *t, size_t row, int column, int32_t base) {
    const char *name = data_table_cell(t, row, (size_t)column);
    for (size_t r = 0; r < row; r++)
        if (strcmp(data_table_cell(t, r, (size_t)column), name) == 0) return base + (int32_t)r;
    return base + (int32_t)row;
}

/* RAVDESS names its actor last: 03-01-01-01-01-01-07. */
static int32_t actor_in_name(const char *name, int32_t base) {
    size_t dashes = 0, n = 0;
    for (; name[n] && strchr("0123456789-", name[n]); n++) dashes += name[n] == '-';
    int64_t actor;
    if (dashes != 6 || n != 20 || !base_parse_int64(name + 18, 2, &actor)) return -1;
    return base + (int32_t)actor;
}

affect_status train_audio_open(train_set *s, const char *manifest, const char *only,
                               const char *except) {
    affect_context *ctx = s->ctx;
    data_table *t;
    affect_status status = data_table_open(ctx, manifest, NULL, &t);
    if (status != AFFECT_OK) return status;
    static const char *const paths[] = {"path", "file", "clip", "file_id"};
    static const char *const labels[] = {"label", "emotion"};
    static const char *const speakers[] = {"speaker", "speaker_id", "actor"};
    int path = first_column(t, paths, 4), label = first_column(t, labels, 2),
        speaker = first_column(t, speakers, 3);
    if (path < 0 || label < 0)
        status =
            base_fail(ctx, AFFECT_ERROR_FORMAT,
                      "%s:1: expected the columns path,label[,speaker] (or clip, file_id; emotion; "
                      "speaker_id)",
                      manifest);
    int32_t base = (int32_t)s->count;
    for (size_t r = 0; status == AFFECT_OK && r < t->rows; r++) {
        bool keep = true, drop = false;
        if (only) status = matches(ctx, t, r, only, true, &keep);
        if (status == AFFECT_OK && except) status = matches(ctx, t, r, except, false, &drop);
        if (status != AFFECT_OK || !keep || drop) continue;
        int c = train_label(&s->spec, data_table_cell(t, r, (size_t)label));
        if (c < 0) {
            status = data_table_fail(ctx, t, r, (size_t)label, "one of the model's labels");
            break;
        }
        char *file = find_file(manifest, data_table_cell(t, r, (size_t)path));
        if (!file) {
            status = data_table_fail(ctx, t, r, (size_t)path, "an audio file that exists");
            break;
        }
        status = train_audio_add(s, file);
        base_free(file);
        if (status != AFFECT_OK) break;
        size_t at = s->count - 1;
        s->gold[at] = c;
        s->group[at] = speaker >= 0 ? speaker_of(t, r, speaker, base)
                                    : actor_in_name(data_table_cell(t, r, (size_t)path), base);
        for (size_t k = 0; k < s->spec.classes; k++) s->target[at * s->width + k] = (int)k == c;
        for (size_t v = 0; s->spec.places && v < s->spec.values; v++)
            s->target[at * s->width + s->spec.classes + v] =
                s->spec.places[(size_t)c * s->spec.values + v];
    }
    data_table_destroy(t);
    return status;
}

affect_status train_audio_speakers(train_set *s) {
    if (!s->spec.functionals) return AFFECT_OK;
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
        const float *known = s->relative ? s->relative + index[i] * SIDE : NULL;
        relative[i] = known && !isnan(known[0]) && (!a || train_roll(&d) < .7);
        memcpy(side + i * SIDE, relative[i] ? known : s->side + index[i] * SIDE,
               SIDE * sizeof *side);
    }
    batch->side = side;
    batch->relative = relative;
    return true;
}

bool train_audio_batch(const train_set *s, nn_tape *tape, const uint32_t *index, size_t n,
                       const train_augment *a, uint64_t seed, nn_batch *batch) {
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
