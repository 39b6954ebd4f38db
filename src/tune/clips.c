/* Clips out of a file of JSON lines. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tune/tune_private.h"

enum { MOST_CLIPS = 1 << 20, MOST_STEPS = 1 << 16, MOST_FEATURES = 1 << 12, MOST_TOKENS = 1 << 15 };

typedef struct reading {
    tune_clips *clips;
    const tune_options *o;
    size_t line;
} reading;

/* FORMAT with the file and the line before the text, which is a literal. */
#define bad(r, ...) bad_at((r), __VA_ARGS__, "")
#define bad_at(r, format, ...)                                                                     \
    base_fail((r)->clips->ctx, AFFECT_ERROR_FORMAT, "%s:%zu: " format "%s", (r)->o->data,          \
              (r)->line, __VA_ARGS__)

static affect_status add_token(const reading *r, tune_clip *c, int32_t token) {
    if (c->count >= MOST_TOKENS) return bad(r, "more than %d tokens", MOST_TOKENS);
    if (!base_grow((void **)&c->tokens, &c->capacity, c->count + 1, sizeof *c->tokens))
        return base_fail_memory(r->clips->ctx);
    c->tokens[c->count++] = token;
    return AFFECT_OK;
}

static affect_status add_text(const reading *r, tune_clip *c, const char *text, size_t length,
                              bool begin) {
    if (!r->o->tokenise)
        return bad(r, "text wants llama.cpp (\"make llama\"); lists of tokens do not");
    if (!length && !begin) return AFFECT_OK;
    char *piece = base_strndup(text, length);
    if (!piece) return base_fail_memory(r->clips->ctx);
    affect_status status =
        r->o->tokenise(r->o->tokenise_user, piece, begin, &c->tokens, &c->count, &c->capacity);
    base_free(piece);
    return status;
}

/* "<face>" at the begin of the text: its stream, or -1. */
static int mark_at(const tune_clips *clips, const char *text, size_t *length) {
    for (size_t i = 0; i < clips->streams; i++) {
        size_t n = strlen(clips->names[i]);
        if (text[0] == '<' && strncmp(text + 1, clips->names[i], n) == 0 && text[n + 1] == '>') {
            *length = n + 2;
            return (int)i;
        }
    }
    return -1;
}

static affect_status add_marked(const reading *r, tune_clip *c, const char *text) {
    affect_status status = AFFECT_OK;
    const char *from = text, *at = text;
    bool begin = true;
    while (!status && *at) {
        size_t length;
        int stream = mark_at(r->clips, at, &length);
        if (stream < 0) {
            at++;
            continue;
        }
        status = add_text(r, c, from, (size_t)(at - from), begin);
        if (!status) status = add_token(r, c, -2 - stream);
        begin = false;
        from = at += length;
    }
    return status ? status : add_text(r, c, from, (size_t)(at - from), begin);
}

/* Text, or a list of tokens and marks. */
static affect_status add_words(const reading *r, tune_clip *c, const json_t *words, const char *key,
                               bool marks) {
    if (json_is_string(words) && marks) return add_marked(r, c, json_string_value(words));
    if (json_is_string(words))
        return add_text(r, c, json_string_value(words), json_string_length(words), false);
    if (!json_is_array(words)) return bad(r, "\"%s\" is neither text nor a list of tokens", key);
    affect_status status = AFFECT_OK;
    for (size_t i = 0; !status && i < json_array_size(words); i++) {
        const json_t *word = json_array_get(words, i);
        size_t length;
        int stream = json_is_string(word) && marks
                         ? mark_at(r->clips, json_string_value(word), &length)
                         : -1;
        json_int_t token = json_integer_value(word);
        if (stream >= 0)
            status = add_token(r, c, -2 - stream);
        else if (!json_is_integer(word) || token < 0 || (size_t)token >= r->clips->vocabulary)
            status = bad(r, "entry %zu of \"%s\" is no token of the model", i, key);
        else
            status = add_token(r, c, (int32_t)token);
    }
    return status;
}

/* What the numbers of a row are, for who uses the model: all clips say the same. */
static affect_status know_channels(const reading *r, size_t s, const json_t *stream) {
    tune_clips *clips = r->clips;
    const json_t *channels = json_object_get(stream, "channels");
    if (!channels) return AFFECT_OK;
    for (size_t i = 0; i < json_array_size(channels); i++)
        if (!json_is_string(json_array_get(channels, i)))
            return bad(r, "stream %s: \"channels\" want to be texts", clips->names[s]);
    if (json_array_size(channels) != clips->features[s])
        return bad(r, "stream %s: %zu channels for %zu numbers", clips->names[s],
                   json_array_size(channels), clips->features[s]);
    char *text = json_dumps(channels, JSON_COMPACT | JSON_ENSURE_ASCII);
    affect_status status = AFFECT_OK;
    if (!text) {
        status = base_fail_memory(clips->ctx);
    } else if (!clips->channels[s]) {
        clips->channels[s] = base_strdup(text);
        if (!clips->channels[s]) status = base_fail_memory(clips->ctx);
        double rate = json_number_value(json_object_get(stream, "rate_hz"));
        clips->rate_hz[s] = rate > 0 && rate <= 1000 ? rate : 0;
    } else if (strcmp(text, clips->channels[s]) != 0) {
        status = bad(r, "stream %s: other channels than in the clips before", clips->names[s]);
    }
    free(text); /* Jansson's */
    return status;
}

static affect_status read_stream(const reading *r, tune_clip *c, size_t s, const json_t *stream) {
    const char *name = r->clips->names[s];
    const json_t *times = json_object_get(stream, "times"), *rows = json_object_get(stream, "rows");
    size_t n = json_array_size(times), features = json_array_size(json_array_get(rows, 0));
    if (!json_is_array(times) || json_array_size(rows) != n || n > MOST_STEPS)
        return bad(r, "stream %s: \"times\" and \"rows\" want the same number of entries, up to %d",
                   name, MOST_STEPS);
    if (!n) return AFFECT_OK;
    if (!r->clips->features[s]) r->clips->features[s] = features;
    if (features != r->clips->features[s] || !features || features > MOST_FEATURES)
        return bad(r, "stream %s: rows of %zu numbers, those before have %zu", name, features,
                   r->clips->features[s]);
    affect_status known = know_channels(r, s, stream);
    if (known) return known;
    c->times[s] = base_calloc(n, sizeof *c->times[s]);
    c->rows[s] = base_calloc(n * features, sizeof *c->rows[s]);
    if (!c->times[s] || !c->rows[s]) return base_fail_memory(r->clips->ctx);
    c->steps[s] = n;
    for (size_t i = 0; i < n; i++) {
        const json_t *row = json_array_get(rows, i), *time = json_array_get(times, i);
        double t = json_number_value(time);
        if (!json_is_number(time) || !isfinite(t) || fabs(t) > 1e6 ||
            (i && (float)t < c->times[s][i - 1]))
            return bad(r, "stream %s: time %zu does not rise", name, i);
        c->times[s][i] = (float)t;
        if (json_array_size(row) != features)
            return bad(r, "stream %s: row %zu has %zu numbers, the first has %zu", name, i,
                       json_array_size(row), features);
        for (size_t k = 0; k < features; k++) { /* null: not known */
            const json_t *x = json_array_get(row, k);
            double value = json_is_number(x) ? json_number_value(x) : (double)NAN;
            c->rows[s][i * features + k] = fabs(value) < 1e30 ? (float)value : NAN;
        }
    }
    return AFFECT_OK;
}

static affect_status read_clip(const reading *r, const json_t *line, tune_clip *c) {
    const char *split = json_string_value(json_object_get(line, "split"));
    const json_t *streams = json_object_get(line, "streams"), *stream;
    c->split = !split || strcmp(split, "train") == 0 ? TUNE_TRAIN
               : strcmp(split, "valid") == 0         ? TUNE_VALID
                                                     : TUNE_OTHER;
    const char *participant = json_string_value(json_object_get(line, "participant"));
    for (size_t i = 0; participant && participant[i]; i++) /* FNV-1a */
        c->participant =
            ((i ? c->participant : UINT64_C(0xcbf29ce484222325)) ^ (unsigned char)participant[i]) *
            UINT64_C(0x100000001b3);
    affect_status status = add_words(r, c, json_object_get(line, "prompt"), "prompt", true);
    c->answer = c->count;
    if (!status) status = add_words(r, c, json_object_get(line, "answer"), "answer", false);
    if (!status && (!c->answer || c->count == c->answer))
        status = bad(r, "prompt and answer want at least a token each");
    if (!status) status = add_token(r, c, r->clips->end);
    for (size_t s = 0; !status && s < r->clips->streams; s++) {
        stream = json_object_get(streams, r->clips->names[s]);
        if (stream && !json_is_null(stream)) status = read_stream(r, c, s, stream);
    }
    return status;
}

static affect_status read_line(const reading *r, const char *text, size_t length) {
    json_error_t error;
    json_t *line = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    tune_clips *clips = r->clips;
    affect_status status = AFFECT_OK;
    if (!json_is_object(line))
        status = bad(r, "no JSON object: %s", line ? "something else" : error.text);
    else if (clips->count >= MOST_CLIPS)
        status = base_fail(clips->ctx, AFFECT_ERROR_LIMIT, "%s: more than %d clips", r->o->data,
                           MOST_CLIPS);
    else if (!base_grow((void **)&clips->items, &clips->capacity, clips->count + 1,
                        sizeof *clips->items))
        status = base_fail_memory(clips->ctx);
    if (!status) {
        tune_clip *c = &clips->items[clips->count++];
        *c = (tune_clip){0};
        status = read_clip(r, line, c);
    }
    json_decref(line);
    return status;
}

/* Mean and deviation of each feature over the training rows; then every row by them, and what is not known is the mean. */
static affect_status standardise(tune_clips *clips, size_t s) {
    size_t f = clips->features[s];
    double *sum = base_calloc(3 * f + 1, sizeof *sum), *square = sum ? sum + f : NULL,
           *known = sum ? square + f : NULL;
    clips->mean[s] = base_calloc(f + 1, sizeof(float));
    clips->deviation[s] = base_calloc(f + 1, sizeof(float));
    if (!sum || !clips->mean[s] || !clips->deviation[s]) {
        base_free(sum);
        return base_fail_memory(clips->ctx);
    }
    for (size_t i = 0; i < clips->count; i++) {
        const tune_clip *c = &clips->items[i];
        for (size_t j = 0; c->split == TUNE_TRAIN && j < c->steps[s] * f; j++) {
            double x = (double)c->rows[s][j];
            if (isnan(x)) continue;
            sum[j % f] += x;
            square[j % f] += x * x;
            known[j % f]++;
        }
    }
    for (size_t k = 0; k < f; k++) {
        double n = fmax(known[k], 1), mean = sum[k] / n, variance = square[k] / n - mean * mean;
        clips->mean[s][k] = (float)mean;
        clips->deviation[s][k] = variance > 1e-12 * (1 + mean * mean) ? (float)sqrt(variance) : 1;
    }
    base_free(sum);
    for (size_t i = 0; i < clips->count; i++)
        for (size_t j = 0; j < clips->items[i].steps[s] * f; j++) {
            float *x = &clips->items[i].rows[s][j];
            *x = isnan(*x) ? 0 : (*x - clips->mean[s][j % f]) / clips->deviation[s][j % f];
        }
    return AFFECT_OK;
}

affect_status tune_clips_parse(tune_clips *clips, const tune_options *o, const char *text,
                               size_t length) {
    affect_status status = AFFECT_OK;
    reading r = {clips, o, 0};
    for (size_t at = 0; !status && at < length;) {
        const char *end = memchr(text + at, '\n', length - at);
        size_t n = end ? (size_t)(end - text) - at : length - at;
        r.line++;
        if (n && strspn(text + at, " \t\r") < n) status = read_line(&r, text + at, n);
        at += n + 1;
        if (!status && affect_context_cancelled(clips->ctx))
            status = base_fail(clips->ctx, AFFECT_ERROR_CANCELLED, "interrupted");
    }
    for (size_t s = 0; !status && s < clips->streams; s++) status = standardise(clips, s);
    return status;
}

affect_status tune_clips_read(tune_clips *clips, const tune_options *o) {
    char *text = NULL;
    size_t length = 0;
    affect_status status = base_read_file(clips->ctx, o->data, (size_t)1 << 31, &text, &length);
    if (!status) status = tune_clips_parse(clips, o, text, length);
    base_free(text);
    return status;
}

void tune_clips_clear(tune_clips *clips) {
    for (size_t i = 0; i < clips->count; i++) {
        base_free(clips->items[i].tokens);
        for (size_t s = 0; s < TUNE_STREAMS; s++) {
            base_free(clips->items[i].times[s]);
            base_free(clips->items[i].rows[s]);
        }
    }
    for (size_t s = 0; s < TUNE_STREAMS; s++) {
        base_free(clips->mean[s]);
        base_free(clips->deviation[s]);
        base_free(clips->channels[s]);
    }
    base_free(clips->items);
    *clips = (tune_clips){0};
}
