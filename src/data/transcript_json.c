/* JSON transcripts, told apart by their keys:
 *   {"segments": [{"start", "end", "text", "words": [...]}], "language"}     Whisper, WhisperX
 *   {"transcription": [{"offsets": {"from", "to"} in ms, "text"}]}           whisper.cpp
 *   {"result": [{"word", "start", "end", "conf"}], "text"}, or a list of it  Vosk
 *   {"tiers": [{"id", "intervals": [{"start"|"t0", "end"|"t1", "label"}]}]}  Affect's timeline
 *   [{"start", "end", "text"}, ...]                                          a plain list
 * Times are seconds as numbers, or text in seconds or h:m:s. */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "data/transcript_private.h"

typedef struct reader {
    affect_context *ctx;
    const char *name;
    transcript *t;
} reader;

static const char *text_of(const json_t *object, const char *const *keys) {
    for (; *keys; keys++) {
        const char *s = json_string_value(json_object_get(object, *keys));
        if (s) return s;
    }
    return NULL;
}

static bool clock_text(const char *s, affect_time *out) {
    affect_time total = 0;
    for (int field = 0; field < 3; field++) {
        const char *colon = strchr(s, ':');
        size_t n = colon ? (size_t)(colon - s) : strlen(s);
        char part[32];
        if (!n || n >= sizeof part) return false;
        memcpy(part, s, n);
        part[n] = 0;
        char *comma = strchr(part, ',');
        if (comma) *comma = '.';
        affect_time value;
        if (part[0] == '-' || !transcript_seconds(part, n, &value)) return false;
        total = total * 60 + value; /* at most 1e9 s x 3600 in ns would overflow: see the check */
        if (total > INT64_MAX / 120) return false;
        if (!colon) {
            *out = total;
            return true;
        }
        s = colon + 1;
    }
    return false;
}

static bool time_value(const json_t *value, affect_time *out) {
    if (json_is_number(value)) {
        double seconds = json_number_value(value);
        if (!isfinite(seconds) || fabs(seconds) > 1e9) return false;
        *out = time_from_seconds(seconds);
        return true;
    }
    const char *s = json_string_value(value);
    return s && clock_text(s, out);
}

static bool time_of(const json_t *object, const char *const *keys, affect_time *out) {
    for (; *keys; keys++)
        if (time_value(json_object_get(object, *keys), out)) return true;
    return false;
}

static const char *const START[] = {"start", "t0", "begin", "start_time", "from", NULL};
static const char *const END[] = {"end", "t1", "stop", "end_time", "to", NULL};
static const char *const TEXT[] = {"text", "label", "word", "sentence", "transcript", NULL};
static const char *const WORD[] = {"word", "text", "punctuated_word", NULL};
static const char *const SPEAKER[] = {"speaker", "speaker_label", NULL};

/* Start and end of a segment, in whichever way it gives them. */
static bool interval(const json_t *object, affect_time *t0, affect_time *t1) {
    const json_t *offsets = json_object_get(object, "offsets"); /* whisper.cpp: milliseconds */
    if (offsets) {
        const json_t *from = json_object_get(offsets, "from"), *to = json_object_get(offsets, "to");
        if (json_is_integer(from) && json_is_integer(to) &&
            llabs(json_integer_value(from)) < INT64_C(1000000000000) &&
            llabs(json_integer_value(to)) < INT64_C(1000000000000)) {
            *t0 = json_integer_value(from) * AFFECT_MILLISECOND;
            *t1 = json_integer_value(to) * AFFECT_MILLISECOND;
            return true;
        }
    }
    const json_t *stamps = json_object_get(object, "timestamps");
    if (json_is_object(stamps)) return time_of(stamps, START, t0) && time_of(stamps, END, t1);
    return time_of(object, START, t0) && time_of(object, END, t1);
}

static float confidence_of(const json_t *object) {
    static const char *const keys[] = {"conf", "confidence", "probability", "score", "p", NULL};
    for (size_t i = 0; keys[i]; i++) {
        const json_t *value = json_object_get(object, keys[i]);
        double c = json_number_value(value);
        if (json_is_number(value) && c >= 0 && c <= 1) return (float)c;
    }
    const json_t *log_probability = json_object_get(object, "avg_logprob"); /* Whisper, per token */
    if (json_is_number(log_probability) && json_number_value(log_probability) <= 0)
        return (float)exp(json_number_value(log_probability));
    return NAN;
}

static char *keep(reader *r, const char *s) {
    while (*s == ' ' || *s == '\n') s++;
    size_t n = strlen(s);
    while (n && (s[n - 1] == ' ' || s[n - 1] == '\n')) n--;
    return transcript_copy(r->t, s, n);
}

/* Words of a segment; those without times (WhisperX leaves out what it could not align) void the
 * list, so that no word is lost: the segment's text is used instead. */
static affect_status add_words(reader *r, const json_t *words) {
    transcript *t = r->t;
    transcript_cue *cue = &t->cues[t->cue_count - 1];
    size_t first = t->word_count, i;
    json_t *word;
    json_array_foreach(words, i, word) {
        const char *text = text_of(word, WORD);
        transcript_word w = {.confidence = confidence_of(word)};
        if (!text || !interval(word, &w.t0, &w.t1) || w.t1 < w.t0) {
            t->word_count = first;
            cue->word_count = 0;
            return AFFECT_OK;
        }
        w.text = keep(r, text);
        if (!w.text) return base_fail_memory(r->ctx);
        affect_status status = transcript_add_word(r->ctx, t, &w);
        if (status) return status;
    }
    return AFFECT_OK;
}

static affect_status add_segment(reader *r, const json_t *segment, const char *tier,
                                 const char *where, size_t i) {
    const char *text = text_of(segment, TEXT), *speaker = text_of(segment, SPEAKER);
    transcript_cue cue = {.tier = tier, .confidence = confidence_of(segment)};
    if (!json_is_object(segment) || !text || !interval(segment, &cue.t0, &cue.t1))
        return base_fail(r->ctx, AFFECT_ERROR_FORMAT,
                         "%s: %s[%zu]: expected an object with start, end and text", r->name, where,
                         i);
    if (cue.t1 < cue.t0) {
        transcript_skip(r->t, 0);
        return AFFECT_OK;
    }
    cue.text = keep(r, text);
    cue.speaker = speaker ? keep(r, speaker) : "";
    if (!cue.text || !cue.speaker) return base_fail_memory(r->ctx);
    affect_status status = transcript_add_cue(r->ctx, r->t, &cue);
    const json_t *words = json_object_get(segment, "words");
    return !status && json_is_array(words) ? add_words(r, words) : status;
}

static affect_status add_segments(reader *r, const json_t *list, const char *tier,
                                  const char *where) {
    if (!json_is_array(list))
        return base_fail(r->ctx, AFFECT_ERROR_FORMAT, "%s: %s: expected a list", r->name, where);
    affect_status status = AFFECT_OK;
    for (size_t i = 0; !status && i < json_array_size(list); i++)
        status = add_segment(r, json_array_get(list, i), tier, where, i);
    return status;
}

/* One final result of Vosk. */
static affect_status add_vosk(reader *r, const json_t *object) {
    const json_t *words = json_object_get(object, "result");
    if (!json_is_array(words) || !json_array_size(words)) return AFFECT_OK;
    transcript_cue cue = {.confidence = NAN};
    affect_time unused;
    const char *text = json_string_value(json_object_get(object, "text"));
    if (!interval(json_array_get(words, 0), &cue.t0, &unused) ||
        !interval(json_array_get(words, json_array_size(words) - 1), &unused, &cue.t1))
        return base_fail(r->ctx, AFFECT_ERROR_FORMAT,
                         "%s: result: expected words with start and end", r->name);
    if (cue.t1 < cue.t0) {
        transcript_skip(r->t, 0);
        return AFFECT_OK;
    }
    cue.text = keep(r, text ? text : "");
    if (!cue.text) return base_fail_memory(r->ctx);
    affect_status status = transcript_add_cue(r->ctx, r->t, &cue);
    return status ? status : add_words(r, words);
}

static affect_status add_tiers(reader *r, const json_t *tiers) {
    affect_status status = AFFECT_OK;
    size_t i;
    json_t *tier;
    json_array_foreach(tiers, i, tier) {
        const char *id = json_string_value(json_object_get(tier, "id"));
        const json_t *list = json_object_get(tier, "intervals");
        if (!id || !json_is_array(list))
            return base_fail(r->ctx, AFFECT_ERROR_FORMAT,
                             "%s: tiers[%zu]: expected \"id\" and \"intervals\"", r->name, i);
        const char *kept = keep(r, id);
        if (!kept) return base_fail_memory(r->ctx);
        status = add_segments(r, list, kept, "intervals");
        if (status) break;
    }
    return status;
}

static affect_status read_root(reader *r, const json_t *root) {
    const char *language = json_string_value(json_object_get(root, "language"));
    if (!language)
        language = json_string_value(json_object_get(json_object_get(root, "result"), "language"));
    if (language && !(r->t->language = keep(r, language))) return base_fail_memory(r->ctx);
    if (json_is_array(root)) {
        const json_t *first = json_array_get(root, 0);
        if (first && json_object_get(first, "text") && !json_object_get(first, "start") &&
            (json_object_get(first, "result") || json_array_size(root) > 0) &&
            !json_object_get(first, "t0") && !json_object_get(first, "timestamps") &&
            !json_object_get(first, "begin") && !json_object_get(first, "start_time") &&
            !json_object_get(first, "offsets")) {
            affect_status status =
                AFFECT_OK; /* Vosk's results; those of silence hold only "text" */
            for (size_t i = 0; !status && i < json_array_size(root); i++)
                status = add_vosk(r, json_array_get(root, i));
            return status;
        }
        return add_segments(r, root, "", "");
    }
    if (json_object_get(root, "segments"))
        return add_segments(r, json_object_get(root, "segments"), "", "segments");
    if (json_object_get(root, "transcription"))
        return add_segments(r, json_object_get(root, "transcription"), "", "transcription");
    if (json_object_get(root, "tiers")) return add_tiers(r, json_object_get(root, "tiers"));
    if (json_is_array(json_object_get(root, "result"))) return add_vosk(r, root);
    return base_fail(r->ctx, AFFECT_ERROR_FORMAT,
                     "%s: line 1: no known kind of transcript (expected \"segments\", "
                     "\"transcription\", \"result\", \"tiers\" or a list)",
                     r->name);
}

affect_status transcript_parse_json(affect_context *ctx, const char *name, const char *text,
                                    size_t length, transcript *t) {
    reader r = {ctx, name, t};
    json_error_t error;
    json_t *root = json_loadb(text, length, 0, &error);
    if (!root) {
        if (json_error_code(&error) == json_error_out_of_memory) return base_fail_memory(ctx);
        return base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: line %d: %s", name, BASE_MAX(error.line, 1),
                         error.text);
    }
    affect_status status = read_root(&r, root);
    json_decref(root);
    return status;
}
