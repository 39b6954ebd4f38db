/* JSON of recognisers and tools, told apart by their keys. Times are seconds unless said:
 *   {"segments": [{"start", "end", "text", "words"}], "language", "words"}   Whisper, faster-whisper, WhisperX
 *   {"transcription": [{"offsets" in ms, "text", "tokens"}]}                  whisper.cpp, plain and full
 *   {"result": [{"word", "start", "end", "conf"}], "text"}, or a list of it   Vosk
 *   {"tiers": [{"id", "intervals": [{"start"|"t0", "end"|"t1", "label"}]}]}   Affect's timeline
 *   [{"text", "timestamp": [[ms, ms]], "sentence_info"}]                      FunASR, SenseVoice
 *   {"utterances": [...] in ms, "words"}                                      AssemblyAI
 *   {"results": {"utterances"|"channels"}}                                    Deepgram
 *   {"results": {"items", "transcripts"}}                                     Amazon Transcribe
 *   {"results": [{"alternatives": [{"transcript", "words"}]}]}                Google
 *   {"recognizedPhrases"|"phrases": [...] in ticks or ms}                     Azure
 *   {"monologues": [{"speaker", "elements"}]}                                 Rev.ai
 *   {"events": [{"tStartMs", "dDurationMs", "segs"}]}                         YouTube's json3
 *   [{"start", "end", "text"}, ...]                                           a plain list
 * and several such values one after the other (JSON Lines). Text is seconds ("1.5", "1.400s"),
 * h:m:s, or ISO 8601 ("PT1.5S"). */
#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>
#include <strings.h>

#include "transcript/transcript_private.h"

typedef struct reader {
    affect_context *ctx;
    const char *name;
    transcript *t;
    bool milliseconds; /* of plain numbers */
} reader;

static const char *text_of(const json_t *object, const char *const *keys) {
    for (; *keys; keys++) {
        const char *s = json_string_value(json_object_get(object, *keys));
        if (s) return s;
    }
    return NULL;
}

/* ---- times ---- */

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
        if (!colon && !field && part[n - 1] == 's') part[--n] = 0; /* Google: "1.400s" */
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

/* ISO 8601's durations of hours, minutes and seconds: "PT1H2M3.5S". */
static bool iso_text(const char *s, affect_time *out) {
    affect_time total = 0, value;
    if (strncmp(s, "PT", 2) != 0) return false;
    s += 2;
    while (*s) {
        size_t n = strspn(s, "0123456789.");
        const affect_time unit = s[n] == 'H' ? 3600 : s[n] == 'M' ? 60 : s[n] == 'S' ? 1 : 0;
        if (!unit || !transcript_seconds(s, n, &value) || value > INT64_MAX / 7200) return false;
        total += value * unit;
        if (total > INT64_MAX / 4) return false;
        s += n + 1;
    }
    *out = total;
    return true;
}

static bool number_time(double value, double unit_s, affect_time *out) {
    double seconds = value * unit_s;
    if (!isfinite(seconds) || fabs(seconds) > 1e9) return false;
    *out = time_from_seconds(seconds);
    return true;
}

/* `unit_s` of plain numbers. */
static bool time_value(const json_t *value, double unit_s, affect_time *out) {
    if (json_is_integer(value) && unit_s == .001 &&
        llabs(json_integer_value(value)) < INT64_C(1000000000000)) {
        *out = json_integer_value(value) * AFFECT_MILLISECOND;
        return true;
    }
    if (json_is_number(value)) return number_time(json_number_value(value), unit_s, out);
    if (json_is_object(value)) { /* protobuf's durations */
        const json_t *whole = json_object_get(value, "seconds"),
                     *part = json_object_get(value, "nanos");
        affect_time seconds = 0;
        if ((whole && !time_value(whole, 1, &seconds)) || (!whole && !part)) return false;
        *out = seconds + (json_is_integer(part) ? json_integer_value(part) % AFFECT_SECOND : 0);
        return true;
    }
    const char *s = json_string_value(value);
    return s && (clock_text(s, out) || iso_text(s, out));
}

typedef struct time_key {
    const char *key;
    double unit_s; /* 0: the file's */
} time_key;

static const time_key START[] = {{"start", 0},
                                 {"t0", 0},
                                 {"begin", 0},
                                 {"start_time", 0},
                                 {"from", 0},
                                 {"startTime", 0},
                                 {"start_ms", .001},
                                 {"startMs", .001},
                                 {"begin_time", .001},
                                 {"tStartMs", .001},
                                 {"offsetMilliseconds", .001},
                                 {"offsetInTicks", 1e-7},
                                 {"Offset", 1e-7},
                                 {"offset", 0},
                                 {"startOffset", 0},
                                 {"ts", 0},
                                 {NULL, 0}};
static const time_key END[] = {{"end", 0},       {"t1", 0},      {"stop", 0},      {"end_time", 0},
                               {"to", 0},        {"endTime", 0}, {"end_ms", .001}, {"endMs", .001},
                               {"endOffset", 0}, {"end_ts", 0},  {NULL, 0}};
static const time_key DURATION[] = {{"durationMilliseconds", .001},
                                    {"dDurationMs", .001},
                                    {"durationInTicks", 1e-7},
                                    {"Duration", 1e-7},
                                    {"duration", 0},
                                    {"dur", 0},
                                    {NULL, 0}};

static const char *const TEXT[] = {"text",       "label",   "word",        "sentence",
                                   "transcript", "display", "DisplayText", "Display",
                                   "content",    "Word",    NULL};
static const char *const WORD[] = {"punctuated_word", "word", "text", "Word", NULL};

static bool time_of(const reader *r, const json_t *object, const time_key *keys, affect_time *out) {
    for (; keys->key; keys++) {
        double unit = keys->unit_s > 0 ? keys->unit_s : r->milliseconds ? .001 : 1;
        if (time_value(json_object_get(object, keys->key), unit, out)) return true;
    }
    return false;
}

/* Start and end of a segment, in whichever way it gives them. */
static bool interval(const reader *r, const json_t *object, affect_time *t0, affect_time *t1) {
    const json_t *offsets = json_object_get(object, "offsets"); /* whisper.cpp: milliseconds */
    if (json_is_object(offsets) && time_value(json_object_get(offsets, "from"), .001, t0) &&
        time_value(json_object_get(offsets, "to"), .001, t1))
        return true;
    const json_t *stamps = json_object_get(object, "timestamps");
    if (json_is_object(stamps)) return time_of(r, stamps, START, t0) && time_of(r, stamps, END, t1);
    stamps = json_object_get(object, "timestamp"); /* [start, end], as Transformers prints chunks */
    double unit = r->milliseconds ? .001 : 1;
    if (json_array_size(stamps) == 2 && time_value(json_array_get(stamps, 0), unit, t0) &&
        time_value(json_array_get(stamps, 1), unit, t1))
        return true;
    if (!time_of(r, object, START, t0)) return false;
    if (time_of(r, object, END, t1)) return true;
    if (!time_of(r, object, DURATION, t1)) return false;
    *t1 += *t0;
    return true;
}

/* Integers that last 50 or longer by the mean are milliseconds: nobody speaks a segment of 50 s. */
static bool looks_like_milliseconds(const json_t *list) {
    size_t i, count = 0;
    double sum = 0;
    json_t *item;
    json_array_foreach(list, i, item) {
        const json_t *a = json_object_get(item, "start"), *b = json_object_get(item, "end");
        if (!a || !b) continue;
        if (!json_is_integer(a) || !json_is_integer(b)) return false;
        sum += (double)json_integer_value(b) - (double)json_integer_value(a);
        count++;
    }
    return count && sum / (double)count >= 50;
}

/* ---- the rest of a segment ---- */

static float confidence_of(const json_t *object) {
    static const char *const keys[] = {"conf", "confidence", "probability", "score", "p", NULL};
    for (size_t i = 0; keys[i]; i++) {
        const json_t *value = json_object_get(object, keys[i]);
        double c = json_number_value(value);
        if (json_is_string(value) &&
            !base_parse_double(json_string_value(value), json_string_length(value), &c))
            continue;
        if (value && (json_is_number(value) || json_is_string(value)) && c >= 0 && c <= 1)
            return (float)c;
    }
    const json_t *log_probability = json_object_get(object, "avg_logprob"); /* Whisper, per token */
    if (json_is_number(log_probability) && json_number_value(log_probability) <= 0)
        return (float)exp(json_number_value(log_probability));
    return NAN;
}

static char *keep_n(reader *r, const char *s, size_t n) {
    while (n && (*s == ' ' || *s == '\n')) s++, n--;
    while (n && (s[n - 1] == ' ' || s[n - 1] == '\n')) n--;
    return transcript_copy(r->t, s, n);
}

static char *keep(reader *r, const char *s) { return keep_n(r, s, strlen(s)); }

/* Names as they are; numbers as "speaker 0". "" if the object says none. NULL on no memory. */
static const char *speaker_of(reader *r, const json_t *object) {
    static const char *const keys[] = {"speaker",      "speaker_label", "spk",     "speaker_id",
                                       "speakerLabel", "speakerTag",    "channel", NULL};
    for (size_t i = 0; keys[i]; i++) {
        const json_t *value = json_object_get(object, keys[i]);
        const char *s = json_string_value(value);
        if (!s && json_is_object(value)) s = json_string_value(json_object_get(value, "name"));
        if (s) return keep(r, s);
        if (!json_is_integer(value)) continue;
        char number[48];
        snprintf(number, sizeof number, "%s %lld",
                 strcmp(keys[i], "channel") ? "speaker" : "channel",
                 (long long)json_integer_value(value));
        return transcript_copy(r->t, number, strlen(number));
    }
    return "";
}

static size_t letters(const char *s) {
    size_t n = 0;
    for (; *s; s++) n += ((unsigned char)*s & 0xC0) != 0x80;
    return n;
}

/* Words without times (WhisperX cannot align digits) share what lies between their neighbours, by
 * their letters. */
static void place_untimed(transcript *t, transcript_cue *cue) {
    size_t n = cue->word_count;
    if (!n) return; // t->words may be NULL
    transcript_word *w = t->words + cue->first_word;
    for (size_t i = 0; i < n; i++) {
        if (w[i].t0 != AFFECT_TIME_NONE) continue;
        size_t end = i, total = 0, before = 0;
        while (end < n && w[end].t0 == AFFECT_TIME_NONE) total += letters(w[end++].text);
        affect_time from = i ? w[i - 1].t1 : cue->t0;
        affect_time to = BASE_MAX(from, end < n ? w[end].t0 : cue->t1);
        double span = (double)(to - from);
        for (; i < end; i++) {
            size_t after = before + letters(w[i].text);
            w[i].t0 = total ? from + (affect_time)(span * (double)before / (double)total) : from;
            w[i].t1 = total ? from + (affect_time)(span * (double)after / (double)total) : to;
            w[i].interpolated = true;
            before = after;
        }
    }
}

/* Words into the last cue. If none of them has times, they say nothing that the text does not. */
static affect_status add_words(reader *r, const json_t *words) {
    transcript *t = r->t;
    transcript_cue *cue = &t->cues[t->cue_count - 1];
    size_t i, timed = 0, first = t->word_count;
    json_t *word;
    affect_status status = AFFECT_OK;
    json_array_foreach(words, i, word) {
        const char *text = text_of(word, WORD);
        transcript_word w = {.confidence = confidence_of(word)};
        if (!text) continue;
        bool good = interval(r, word, &w.t0, &w.t1) && w.t0 <= w.t1;
        if (!good) w.t0 = w.t1 = AFFECT_TIME_NONE;
        timed += good;
        w.text = keep(r, text);
        if (!w.text) return base_fail_memory(r->ctx);
        if (*w.text) status = transcript_add_word(r->ctx, t, &w);
        if (status) return status;
    }
    cue = &t->cues[t->cue_count - 1];
    if (timed) {
        place_untimed(t, cue);
    } else {
        t->word_count = first;
        cue->word_count = 0;
    }
    return AFFECT_OK;
}

/* whisper.cpp's full JSON: pieces of words, of which those that begin with a blank begin a word,
 * and marks such as [_BEG_]. A piece may be part of a character. */
static affect_status add_tokens(reader *r, const json_t *tokens) {
    transcript *t = r->t;
    base_text text = {0};
    transcript_word w = {0};
    affect_status status = AFFECT_OK;
    double sum = 0;
    size_t pieces = 0, n = json_array_size(tokens);
    for (size_t i = 0; i <= n && !status; i++) {
        const json_t *token = json_array_get(tokens, i);
        const char *piece = json_string_value(json_object_get(token, "text"));
        affect_time t0, t1;
        if (i < n && (!piece || !strncmp(piece, "[_", 2) || !strncmp(piece, "<|", 2) ||
                      !interval(r, token, &t0, &t1) || t1 < t0))
            continue;
        if (text.length && (i == n || *piece == ' ')) {
            w.text = keep(r, text.failed ? "" : text.data);
            w.confidence = pieces ? (float)(sum / (double)pieces) : NAN;
            status = w.text ? AFFECT_OK : base_fail_memory(r->ctx);
            if (!status && *w.text) status = transcript_add_word(r->ctx, t, &w);
            base_text_clear(&text);
            sum = 0;
            pieces = 0;
        }
        if (i == n) break;
        if (!text.length) w.t0 = t0;
        w.t1 = text.length ? BASE_MAX(w.t1, t1) : t1;
        base_text_append(&text, piece);
        float p = confidence_of(token);
        if (!isnan(p)) sum += (double)p, pieces++;
    }
    if (text.failed && !status) status = base_fail_memory(r->ctx);
    base_text_destroy(&text);
    return status;
}

/* A cue with these words, as long as they last. */
static affect_status add_of_words(reader *r, const json_t *words, const char *text,
                                  const char *speaker, float confidence) {
    transcript_cue cue = {.confidence = confidence, .speaker = speaker};
    size_t n = json_array_size(words), from = 0;
    affect_time unused;
    while (from < n && !interval(r, json_array_get(words, from), &cue.t0, &unused)) from++;
    while (n > from && !interval(r, json_array_get(words, n - 1), &unused, &cue.t1)) n--;
    if (from >= n) {
        transcript_malformed(r->t, 0, "words without times");
        return AFFECT_OK;
    }
    if (cue.t1 < cue.t0) {
        transcript_skip(r->t, 0, "the end is before the start");
        return AFFECT_OK;
    }
    cue.text = keep(r, text ? text : "");
    if (!cue.text) return base_fail_memory(r->ctx);
    affect_status status = transcript_add_cue(r->ctx, r->t, &cue);
    return status ? status : add_words(r, words);
}

static affect_status add_segment(reader *r, const json_t *segment, const char *tier,
                                 const char *where, size_t i) {
    const char *text = text_of(segment, TEXT);
    transcript_cue cue = {.tier = tier, .confidence = confidence_of(segment)};
    const json_t *best = json_array_get(json_object_get(segment, "nBest"), 0); /* Azure */
    if (!best) best = json_array_get(json_object_get(segment, "NBest"), 0);
    if (best && !text) text = text_of(best, TEXT);
    if (!json_is_object(segment) || !text || !interval(r, segment, &cue.t0, &cue.t1)) {
        if (text && !*text) return AFFECT_OK; /* nothing was said, at no time */
        transcript_malformed(r->t, 0, "%s[%zu]: expected an object with start, end and text", where,
                             i);
        return AFFECT_OK;
    }
    if (cue.t1 < cue.t0) {
        transcript_skip(r->t, 0, "%s[%zu]: the end is before the start", where, i);
        return AFFECT_OK;
    }
    cue.text = keep(r, text);
    cue.speaker = speaker_of(r, segment);
    const json_t *own = json_object_get(segment, "attributes"); /* ours */
    if (cue.speaker && !*cue.speaker && own) cue.speaker = speaker_of(r, own);
    if (!cue.text || !cue.speaker) return base_fail_memory(r->ctx);
    affect_status status = transcript_add_cue(r->ctx, r->t, &cue);
    const json_t *words = json_object_get(segment, "words"),
                 *tokens = json_object_get(segment, "tokens");
    if (!words && best) words = json_object_get(best, "words");
    if (!words && best) words = json_object_get(best, "Words");
    if (!status && json_is_array(words)) return add_words(r, words);
    if (!status && json_is_object(json_array_get(tokens, 0))) return add_tokens(r, tokens);
    return status;
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

/* ---- makers ---- */

/* One final result of Vosk. */
static affect_status add_vosk(reader *r, const json_t *object) {
    const json_t *words = json_object_get(object, "result");
    if (!json_is_array(words) || !json_array_size(words)) return AFFECT_OK;
    return add_of_words(r, words, json_string_value(json_object_get(object, "text")), "", NAN);
}

/* FunASR: sentences, or a text whose words or characters have a pair of milliseconds each. */
static affect_status add_funasr(reader *r, const json_t *object) {
    r->milliseconds = true;
    const json_t *sentences = json_object_get(object, "sentence_info"),
                 *stamps = json_object_get(object, "timestamp");
    if (json_array_size(sentences)) return add_segments(r, sentences, "", "sentence_info");
    const char *text = json_string_value(json_object_get(object, "text"));
    const json_t *words = json_object_get(object, "words");
    size_t n = json_array_size(stamps), i;
    transcript_cue cue = {.confidence = NAN, .speaker = speaker_of(r, object)};
    if (!text || !n) {
        transcript_malformed(r->t, 0, "a result without times (\"timestamp\")");
        return AFFECT_OK;
    }
    if (!time_value(json_array_get(json_array_get(stamps, 0), 0), .001, &cue.t0) ||
        !time_value(json_array_get(json_array_get(stamps, n - 1), 1), .001, &cue.t1) ||
        cue.t1 < cue.t0) {
        transcript_malformed(r->t, 0, "\"timestamp\" is no list of pairs of milliseconds");
        return AFFECT_OK;
    }
    cue.text = keep(r, text);
    if (!cue.text || !cue.speaker) return base_fail_memory(r->ctx);
    affect_status status = transcript_add_cue(r->ctx, r->t, &cue);
    if (json_array_size(words) != n) return status;
    json_t *word;
    json_array_foreach(words, i, word) {
        transcript_word w = {.confidence = NAN};
        const char *s = json_string_value(word);
        const json_t *pair = json_array_get(stamps, i);
        if (status || !s || !time_value(json_array_get(pair, 0), .001, &w.t0) ||
            !time_value(json_array_get(pair, 1), .001, &w.t1) || w.t1 < w.t0)
            continue;
        w.text = keep(r, s);
        status = w.text ? transcript_add_word(r->ctx, r->t, &w) : base_fail_memory(r->ctx);
    }
    return status;
}

static affect_status add_tiers(reader *r, const json_t *tiers) {
    affect_status status = AFFECT_OK;
    size_t i;
    json_t *tier;
    json_array_foreach(tiers, i, tier) {
        const char *id = json_string_value(json_object_get(tier, "id"));
        const json_t *list = json_object_get(tier, "intervals");
        if (!id || !json_is_array(list)) {
            transcript_malformed(r->t, 0, "tiers[%zu]: expected \"id\" and \"intervals\"", i);
            continue;
        }
        const char *kept = keep(r, id);
        if (!kept) return base_fail_memory(r->ctx);
        status = add_segments(r, list, kept, "intervals");
        if (status) break;
    }
    return status;
}

/* Google: the first alternative of each result. With diarization, the last result repeats all words
 * with their speakers, and the others have none: it is the one to take. */
static affect_status add_google(reader *r, const json_t *results) {
    size_t n = json_array_size(results), from = 0, i;
    affect_status status = AFFECT_OK;
    const json_t *last = json_array_get(
        json_object_get(
            json_array_get(json_object_get(json_array_get(results, n - 1), "alternatives"), 0),
            "words"),
        0);
    bool diarized =
        n > 1 && (json_object_get(last, "speakerTag") || json_object_get(last, "speakerLabel"));
    if (diarized) from = n - 1;
    for (i = from; i < n && !status; i++) {
        const json_t *best =
            json_array_get(json_object_get(json_array_get(results, i), "alternatives"), 0);
        const json_t *words = json_object_get(best, "words");
        const char *text = json_string_value(json_object_get(best, "transcript"));
        if (!json_array_size(words)) {
            if (text && *text)
                transcript_malformed(r->t, 0, "results[%zu]: a text without the times of its words",
                                     i);
            continue;
        }
        if (!diarized) {
            status = add_of_words(r, words, text, "", confidence_of(best));
            continue;
        }
        for (size_t a = 0; a < json_array_size(words) && !status;) { /* a turn is one cue */
            const char *speaker = speaker_of(r, json_array_get(words, a));
            json_t *turn = json_array();
            base_text said = {0};
            size_t b = a;
            while (speaker && turn && b < json_array_size(words)) {
                json_t *word = json_array_get(words, b);
                const char *who = speaker_of(r, word), *s = text_of(word, WORD);
                if (!who || strcmp(who, speaker) != 0) break;
                if (said.length) base_text_append(&said, " ");
                base_text_append(&said, s ? s : "");
                if (json_array_append(turn, word)) break;
                b++;
            }
            status = b > a && !said.failed
                         ? add_of_words(r, turn, said.length ? said.data : "", speaker, NAN)
                         : base_fail_memory(r->ctx);
            json_decref(turn);
            base_text_destroy(&said);
            a = b;
        }
    }
    return status;
}

/* Amazon Transcribe, Rev.ai: words and punctuation in one list; a sentence, a speaker or half a
 * second of silence ends a cue. */
typedef struct pieces {
    reader *r;
    base_text text;
    json_t *words; /* {"word", "start", "end", "conf"} */
    const char *speaker;
    affect_time end;
} pieces;

static affect_status end_pieces(pieces *p) {
    affect_status status = AFFECT_OK;
    if (p->text.failed) status = base_fail_memory(p->r->ctx);
    if (!status && json_array_size(p->words))
        status = add_of_words(p->r, p->words, p->text.data, p->speaker, NAN);
    json_array_clear(p->words);
    base_text_clear(&p->text);
    return status;
}

static affect_status add_piece(pieces *p, const char *text, const json_t *start, const json_t *end,
                               const json_t *confidence, const char *speaker) {
    affect_time t0, t1;
    affect_status status = AFFECT_OK;
    if (!text || !speaker) return speaker ? AFFECT_OK : base_fail_memory(p->r->ctx);
    if (!start) { /* punctuation */
        if (json_array_size(p->words)) base_text_append(&p->text, text);
        return *text && strchr(".?!", *text) ? end_pieces(p) : AFFECT_OK;
    }
    if (!time_value(start, 1, &t0) || !time_value(end, 1, &t1)) {
        transcript_malformed(p->r->t, 0, "the word \"%.40s\" has no times", text);
        return AFFECT_OK;
    }
    if (json_array_size(p->words) &&
        (strcmp(speaker, p->speaker) != 0 || t0 - p->end > AFFECT_SECOND / 2))
        status = end_pieces(p);
    p->speaker = speaker;
    p->end = t1;
    if (p->text.length) base_text_append(&p->text, " ");
    base_text_append(&p->text, text);
    json_t *word = json_pack("{s:s, s:O, s:O}", "word", text, "start", start, "end", end);
    if (word && confidence) (void)json_object_set(word, "conf", (json_t *)(uintptr_t)confidence);
    if (!word || json_array_append_new(p->words, word)) return base_fail_memory(p->r->ctx);
    return status;
}

static affect_status add_amazon(reader *r, const json_t *items) {
    pieces p = {.r = r, .words = json_array(), .speaker = ""};
    affect_status status = p.words ? AFFECT_OK : base_fail_memory(r->ctx);
    size_t i;
    json_t *item;
    const char *speaker = "";
    json_array_foreach(items, i, item) {
        const json_t *best = json_array_get(json_object_get(item, "alternatives"), 0);
        const json_t *start = json_object_get(item, "start_time");
        if (start) speaker = speaker_of(r, item);
        if (!status)
            status = add_piece(&p, json_string_value(json_object_get(best, "content")), start,
                               json_object_get(item, "end_time"),
                               json_object_get(best, "confidence"), speaker);
    }
    if (!status) status = end_pieces(&p);
    json_decref(p.words);
    base_text_destroy(&p.text);
    return status;
}

static affect_status add_monologues(reader *r, const json_t *list) {
    pieces p = {.r = r, .words = json_array(), .speaker = ""};
    affect_status status = p.words ? AFFECT_OK : base_fail_memory(r->ctx);
    size_t i, k;
    json_t *monologue, *element;
    json_array_foreach(list, i, monologue) {
        const char *speaker = speaker_of(r, monologue);
        json_array_foreach(json_object_get(monologue, "elements"), k, element) {
            const char *type = json_string_value(json_object_get(element, "type"));
            const char *value = json_string_value(json_object_get(element, "value"));
            if (status || !value || !strcmp(value, " ")) continue;
            bool word = type && !strcmp(type, "text");
            status = add_piece(&p, value, word ? json_object_get(element, "ts") : NULL,
                               json_object_get(element, "end_ts"),
                               json_object_get(element, "confidence"), speaker);
        }
        if (!status) status = end_pieces(&p);
    }
    json_decref(p.words);
    base_text_destroy(&p.text);
    return status;
}

/* YouTube's json3: lines of pieces with their own offsets; lines of "\n" roll the window. */
static affect_status add_json3(reader *r, const json_t *events) {
    affect_status status = AFFECT_OK;
    size_t i, k;
    json_t *event, *seg;
    json_array_foreach(events, i, event) {
        const json_t *segs = json_object_get(event, "segs");
        transcript_cue cue = {.confidence = NAN};
        base_text text = {0};
        if (status) break;
        json_array_foreach(segs, k, seg) {
            const char *s = json_string_value(json_object_get(seg, "utf8"));
            base_text_append(&text, s ? s : "");
        }
        if (text.failed) status = base_fail_memory(r->ctx);
        bool empty = !text.length || strspn(text.data, " \n") == text.length;
        if (!status && !empty && (!interval(r, event, &cue.t0, &cue.t1) || cue.t1 < cue.t0)) {
            transcript_malformed(r->t, 0, "events[%zu]: no times", i);
            empty = true;
        }
        if (!status && !empty) {
            cue.text = keep(r, text.data);
            status = cue.text ? transcript_add_cue(r->ctx, r->t, &cue) : base_fail_memory(r->ctx);
            size_t first = r->t->word_count;
            bool several = json_array_size(segs) > 1;
            json_array_foreach(segs, k, seg) {
                affect_time offset = 0;
                const char *s = json_string_value(json_object_get(seg, "utf8"));
                (void)time_value(json_object_get(seg, "tOffsetMs"), .001, &offset);
                transcript_word w = {.t0 = BASE_MIN(cue.t0 + BASE_MAX(offset, 0), cue.t1),
                                     .t1 = cue.t1,
                                     .text = s ? keep(r, s) : "",
                                     .confidence = NAN};
                if (!w.text) status = base_fail_memory(r->ctx);
                if (status || !several || !*w.text) continue;
                if (r->t->word_count > first) {
                    transcript_word *before = &r->t->words[r->t->word_count - 1];
                    before->t1 = BASE_MAX(before->t0, w.t0);
                }
                status = transcript_add_word(r->ctx, r->t, &w);
            }
        }
        base_text_destroy(&text);
    }
    return status;
}

/* Segments, with the words of the whole file beside them where a maker has these (OpenAI). */
static affect_status add_with_words(reader *r, const json_t *segments, const char *where,
                                    const json_t *words) {
    bool inside = false;
    size_t i;
    json_t *segment;
    json_array_foreach(segments, i, segment) inside |=
        json_object_get(segment, "words") || json_object_get(segment, "tokens");
    if (inside || !json_array_size(words)) return add_segments(r, segments, "", where);
    affect_status status = add_segments(r, segments, "utterances", where);
    return status ? status : add_segments(r, words, "words", "words");
}

static bool has(const json_t *object, const char *key) { return json_object_get(object, key); }

static affect_status read_list(reader *r, const json_t *root) {
    affect_status status = AFFECT_OK;
    size_t i;
    json_t *item;
    bool vosk = false, funasr = false, lists = false;
    json_array_foreach(root, i, item) {
        vosk |= json_is_array(json_object_get(item, "result"));
        funasr |= has(item, "sentence_info") ||
                  json_is_array(json_array_get(json_object_get(item, "timestamp"), 0));
        lists |= has(item, "segments") || has(item, "transcription");
    }
    if (funasr) {
        for (i = 0; !status && i < json_array_size(root); i++)
            status = add_funasr(r, json_array_get(root, i));
        return status;
    }
    if (lists) return AFFECT_ERROR_UNSUPPORTED; /* several whole files: read_root goes through */
    if (vosk) {                                 /* results of silence hold only "text" */
        for (i = 0; !status && i < json_array_size(root); i++)
            status = add_vosk(r, json_array_get(root, i));
        return status;
    }
    r->milliseconds = looks_like_milliseconds(root);
    return add_segments(r, root, "", "");
}

static affect_status read_results(reader *r, const json_t *results) {
    const json_t *channels = json_object_get(results, "channels");
    affect_status status = AFFECT_OK;
    if (json_is_array(results)) return add_google(r, results);
    if (json_is_array(json_object_get(results, "utterances")))
        return add_segments(r, json_object_get(results, "utterances"), "", "utterances");
    if (has(results, "items")) return add_amazon(r, json_object_get(results, "items"));
    for (size_t i = 0; i < json_array_size(channels) && !status; i++) { /* Deepgram */
        const json_t *best =
            json_array_get(json_object_get(json_array_get(channels, i), "alternatives"), 0);
        char channel[32] = "";
        if (json_array_size(channels) > 1) snprintf(channel, sizeof channel, "channel %zu", i);
        const char *speaker = keep(r, channel);
        if (!speaker) return base_fail_memory(r->ctx);
        if (json_array_size(json_object_get(best, "words")))
            status = add_of_words(r, json_object_get(best, "words"),
                                  json_string_value(json_object_get(best, "transcript")), speaker,
                                  confidence_of(best));
    }
    return status;
}

static affect_status read_root(reader *r, const json_t *root) {
    const char *language = json_string_value(json_object_get(root, "language"));
    if (!language) language = json_string_value(json_object_get(root, "language_code"));
    if (!language)
        language = json_string_value(json_object_get(json_object_get(root, "result"), "language"));
    if (language && !(r->t->language = keep(r, language))) return base_fail_memory(r->ctx);
    if (json_is_array(root)) {
        affect_status status = read_list(r, root);
        if (status != AFFECT_ERROR_UNSUPPORTED) return status;
        status = AFFECT_OK;
        for (size_t i = 0; i < json_array_size(root) && !status; i++) {
            const json_t *item = json_array_get(root, i);
            if (json_is_object(item)) status = read_root(r, item);
        }
        return status;
    }
    static const char *const lists[] = {"segments",          "transcription", "utterances",
                                        "recognizedPhrases", "phrases",       "chunks",
                                        "sentences",         "captions",      "subtitles"};
    const json_t *words = json_object_get(root, "words");
    for (size_t i = 0; i < BASE_COUNT(lists); i++) {
        const json_t *list = json_object_get(root, lists[i]);
        if (!list || json_is_null(list)) continue;
        r->milliseconds = looks_like_milliseconds(list);
        return add_with_words(r, list, lists[i], words);
    }
    if (has(root, "tiers")) return add_tiers(r, json_object_get(root, "tiers"));
    if (json_is_array(json_object_get(root, "result"))) return add_vosk(r, root);
    if (has(root, "results")) return read_results(r, json_object_get(root, "results"));
    if (has(root, "monologues")) return add_monologues(r, json_object_get(root, "monologues"));
    if (has(root, "events")) return add_json3(r, json_object_get(root, "events"));
    if (has(root, "sentence_info") || json_is_array(json_object_get(root, "timestamp")))
        return add_funasr(r, root);
    if (json_array_size(words)) {
        r->milliseconds = looks_like_milliseconds(words);
        return add_segments(r, words, "words", "words");
    }
    return base_fail(
        r->ctx, AFFECT_ERROR_FORMAT,
        "%s: line 1: no known kind of transcript (expected \"segments\", "
        "\"transcription\", \"utterances\", \"result\", \"results\", \"tiers\" or a list)",
        r->name);
}

/* One value, or several one after the other as a list. */
static json_t *load(const char *text, size_t length, json_error_t *error) {
    json_t *root = json_loadb(text, length, JSON_DISABLE_EOF_CHECK, error), *list = NULL;
    size_t at = root ? (size_t)error->position : 0;
    while (root) {
        while (at < length && strchr(" \t\r\n,", text[at]) && text[at]) at++;
        if (at >= length) break;
        if (!list) {
            list = json_array();
            if (!list || json_array_append_new(list, root)) root = NULL;
        }
        json_t *next = json_loadb(text + at, length - at, JSON_DISABLE_EOF_CHECK, error);
        if (!next || json_array_append_new(list, next)) {
            if (list) json_decref(list);
            for (size_t i = 0; i < at; i++) error->line += text[i] == '\n';
            return NULL;
        }
        root = list;
        at += (size_t)error->position;
    }
    return root;
}

affect_status transcript_parse_json(affect_context *ctx, const char *name, const char *text,
                                    size_t length, transcript *t) {
    reader r = {.ctx = ctx, .name = name, .t = t};
    json_error_t error;
    json_t *root = load(text, length, &error);
    if (!root) {
        if (json_error_code(&error) == json_error_out_of_memory) return base_fail_memory(ctx);
        return base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: line %d: %s", name, BASE_MAX(error.line, 1),
                         error.text);
    }
    affect_status status = read_root(&r, root);
    json_decref(root);
    return status;
}
