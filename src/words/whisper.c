/* Whisper (Radford et al. 2022, arXiv 2212.04356) by whisper.cpp, through dlopen of our narrow library
 * (whisper_shim.h; tools/build-whisper makes it). The model is a file of the user's.
 *
 * Whisper hears pieces of up to 30 s and writes fluent text where nobody speaks. So sound is gathered
 * until a pause, silence is never shown to it, and what cannot be speech is left out of what it writes:
 * segments that it takes for no speech itself, that stand where it is silent, or that hold more words
 * than anybody says. Loudness tells silence: 10 dB above the quietest of late. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "infer/infer.h"
#include "words/whisper_shim.h"
#include "words/words_private.h"

enum {
    RATE = 16000,
    FRAME = RATE / 20, /* of loudness */
    FRAMES_PER_S = RATE / FRAME,
    MOST_S = 28,                 /* of one piece; cut at the quietest place of the last third */
    PAUSE = 13,                  /* frames of silence that end a piece: 0.65 s */
    BEFORE = 6,                  /* frames kept in front of what is loud: an onset is soft */
    SHORTEST = RATE + RATE / 10, /* whisper.cpp wants a second */
    THREADS = 2                  /* always as many: results do not depend on the machine */
};
/* The floor of loudness begins at the first frame's, and rises by so much a frame. */
static const double ABOVE_DB = 10, LEAST_DB = -60, FIRST_DB = -40, RISE_DB = 0.15;
/* Whisper's own rule for silence (section 4.5); more words a second than fast speech has (6). */
static const float NO_SPEECH = 0.6F, LOGPROB = -1.0F;
static const double WORDS_PER_S = 10;

struct words_whisper {
    affect_context *ctx;
    const affect_whisper_api *api;
    void *model;
    float *samples;
    size_t count, capacity;
    double *loud; /* of each whole frame, dB */
    bool *speech; /* is it above the floor? */
    size_t frames, frame_capacity, speech_capacity;
    double floor_db;
    size_t spoken; /* frames of speech */
    size_t last;   /* one behind the last of them */
    int64_t gone;  /* samples before samples[0], since the last result of all */
};

/* ---- the library ---- */

static affect_status load_api(affect_context *ctx, const affect_whisper_api **out) {
    static const model_shim shim = {"whisper.cpp", "make whisper", "AFFECT_WHISPER",
                                    "libaffect-whisper.so", "affect_whisper"};
    affect_whisper_entry *entry;
    affect_status status = model_open_shim(ctx, &shim, &entry);
    if (status) return status;
    *out = entry();
    return (*out)->interface == AFFECT_WHISPER_INTERFACE ? AFFECT_OK : model_fail_shim(ctx, &shim);
}

/* ---- the file ---- */

/* whisper.cpp ends the process over some damaged files, so their structure is walked through first:
 * magic, eleven numbers, mel filters, vocabulary, tensors to the end of the file. */
static bool take_int(FILE *f, int32_t low, int32_t high, int32_t *out) {
    return fread(out, sizeof *out, 1, f) == 1 && *out >= low && *out <= high;
}

static bool skip(FILE *f, int64_t bytes, int64_t size) {
    int64_t at = ftell(f);
    return at >= 0 && bytes >= 0 && bytes <= size - at && fseek(f, bytes, SEEK_CUR) == 0;
}

/* Bytes of a tensor's data by ggml's number of its type; -1 for a type that models of Whisper have not. */
static int64_t data_bytes(int32_t type, int64_t elements) {
    static const struct {
        int32_t type, block, bytes;
    } types[] = {{0, 1, 4},      {1, 1, 2},      {2, 32, 18},    {3, 32, 20},
                 {6, 32, 22},    {7, 32, 24},    {8, 32, 34},    {10, 256, 84},
                 {11, 256, 110}, {12, 256, 144}, {13, 256, 176}, {14, 256, 210}};
    for (size_t i = 0; i < BASE_COUNT(types); i++)
        if (types[i].type == type && elements % types[i].block == 0)
            return elements / types[i].block * types[i].bytes;
    return -1;
}

static const char *damage(FILE *f, int64_t size) {
    static const int32_t most[11] = {200000, 4096, 8192, 256, 256,  8192,
                                     8192,   256,  256,  512, 10000};
    int32_t h[11], n, length, dims[4], type, mels, bins;
    uint32_t magic;
    if (fread(&magic, sizeof magic, 1, f) != 1 || magic != 0x67676d6cU)
        return "it is no model of Whisper as whisper.cpp reads it (ggml-NAME.bin)";
    for (size_t i = 0; i < BASE_COUNT(h); i++)
        if (!take_int(f, i == 10 ? 0 : 1, most[i], &h[i])) return "its header is damaged";
    if (h[2] % h[3] || h[6] % h[7]) return "its header is damaged";
    if (!take_int(f, h[9], h[9], &mels) || !take_int(f, 1, 4096, &bins) ||
        !skip(f, (int64_t)mels * bins * 4, size))
        return "its mel filters are damaged";
    if (!take_int(f, 1, h[0], &n)) return "its vocabulary is damaged";
    bool blank = false; /* looked up without asking whether it is there */
    for (int32_t i = 0; i < n; i++) {
        char first = 0;
        if (!take_int(f, 0, 4096, &length) || (length && fread(&first, 1, 1, f) != 1) ||
            !skip(f, length - (length > 0), size))
            return "its vocabulary is damaged";
        blank = blank || (length == 1 && first == ' ');
    }
    if (!blank) return "its vocabulary is damaged";
    size_t tensors = 0;
    for (; ftell(f) < size; tensors++) {
        int64_t elements = 1;
        if (!take_int(f, 1, 4, &n) || !take_int(f, 1, 256, &length) || !take_int(f, 0, 64, &type))
            return "its tensors are damaged";
        for (int32_t i = 0; i < n; i++) {
            if (!take_int(f, 1, 1 << 24, &dims[i])) return "its tensors are damaged";
            elements *= dims[i];
            if (elements > INT64_C(1) << 32) return "its tensors are damaged";
        }
        if (!skip(f, length, size) || !skip(f, data_bytes(type, elements), size))
            return "it is cut off";
    }
    /* encoder: 2 + 2 * 2 + 15 a layer + ...; what is missing whisper.cpp says by itself */
    return tensors ? NULL : "it is cut off";
}

static affect_status check_file(affect_context *ctx, const char *path) {
    int descriptor = base_open_regular(path);
    FILE *f = descriptor < 0 ? NULL : fdopen(descriptor, "rb");
    if (!f) {
        if (descriptor >= 0) close(descriptor);
        return base_fail(ctx, AFFECT_ERROR_MODEL, "%s: no such file of a Whisper model", path);
    }
    struct stat info;
    const char *why = fstat(fileno(f), &info) == 0 ? damage(f, info.st_size) : "it cannot be read";
    fclose(f);
    return why ? base_fail(ctx, AFFECT_ERROR_MODEL, "%s: %s", path, why) : AFFECT_OK;
}

affect_status words_whisper_open(affect_context *ctx, const char *file, int rate_hz,
                                 words_whisper **out) {
    const affect_whisper_api *api = NULL;
    *out = NULL;
    if (rate_hz != RATE)
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "Whisper hears 16 kHz, not %d Hz", rate_hz);
    affect_status status = check_file(ctx, file);
    if (!status) status = load_api(ctx, &api);
    if (status) return status;
    words_whisper *w = base_calloc(1, sizeof *w);
    if (!w) return base_fail_memory(ctx);
    w->ctx = ctx;
    w->api = api;
    w->floor_db = FIRST_DB;
    w->model = api->open(file, THREADS);
    if (!w->model) {
        base_free(w);
        return base_fail(ctx, AFFECT_ERROR_MODEL, "%s: whisper.cpp %s cannot load it", file,
                         api->version);
    }
    *out = w;
    return AFFECT_OK;
}

/* ---- sound until a pause ---- */

static void drop(words_whisper *w, size_t frames) {
    if (!frames) return; /* the lists may be NULL */
    size_t samples = BASE_MIN(frames * FRAME, w->count);
    frames = BASE_MIN(frames, w->frames);
    memmove(w->samples, w->samples + samples, (w->count - samples) * sizeof *w->samples);
    memmove(w->loud, w->loud + frames, (w->frames - frames) * sizeof *w->loud);
    memmove(w->speech, w->speech + frames, (w->frames - frames) * sizeof *w->speech);
    w->count -= samples;
    w->frames -= frames;
    w->gone += (int64_t)samples;
    w->spoken = w->last = 0;
    for (size_t i = 0; i < w->frames; i++)
        if (w->speech[i]) w->spoken++, w->last = i + 1;
}

static bool measure(words_whisper *w) {
    size_t whole = w->count / FRAME;
    if (!base_grow((void **)&w->loud, &w->frame_capacity, whole, sizeof *w->loud) ||
        !base_grow((void **)&w->speech, &w->speech_capacity, whole, sizeof *w->speech))
        return false;
    for (; w->frames < whole; w->frames++) {
        const float *x = w->samples + w->frames * FRAME;
        double sum = 1e-12;
        for (size_t i = 0; i < FRAME; i++) sum += (double)x[i] * (double)x[i];
        double db = 10 * log10(sum / FRAME);
        w->floor_db = fmax(LEAST_DB, fmin(w->floor_db + RISE_DB, db));
        w->loud[w->frames] = db;
        w->speech[w->frames] = db > w->floor_db + ABOVE_DB;
        if (w->speech[w->frames]) w->spoken++, w->last = w->frames + 1;
    }
    return true;
}

affect_status words_whisper_feed(words_whisper *w, const float *samples, size_t count,
                                 bool *ended) {
    if (!base_grow((void **)&w->samples, &w->capacity, w->count + count, sizeof *w->samples))
        return base_fail_memory(w->ctx);
    for (size_t i = 0; i < count; i++) {
        float x = samples[i];
        w->samples[w->count++] = x != x ? 0 : BASE_MAX(-1.0F, BASE_MIN(1.0F, x));
    }
    if (!measure(w)) return base_fail_memory(w->ctx);
    if (!w->spoken && w->frames > 2 * BEFORE) drop(w, w->frames - BEFORE);
    *ended = (w->spoken && w->frames - w->last >= PAUSE) || w->frames >= MOST_S * FRAMES_PER_S;
    return AFFECT_OK;
}

/* ---- words of a piece ---- */

static int stopped(void *user) { return affect_context_cancelled(user); }

static bool between_brackets(const char *text, size_t n, int *depth) {
    bool inside = *depth > 0;
    for (size_t i = 0; i < n; i++) {
        if (strchr("[(*", text[i]) && text[i] != '*') (*depth)++, inside = true;
        if ((text[i] == ']' || text[i] == ')') && *depth > 0) (*depth)--;
    }
    return inside;
}

static bool mark(char c) { return ispunct((unsigned char)c) && c != '\''; }

/* A word without the punctuation around it; the sentence keeps it. */
static affect_status add_word(words_whisper *w, const base_text *word, double t0, double t1,
                              double p, words_heard *out) {
    size_t a = 0, b = word->length;
    while (a < b && mark(word->data[a])) a++;
    while (b > a && mark(word->data[b - 1])) b--;
    char *clean = base_utf8_clean(word->data ? word->data : "", word->length);
    char *copy = a < b ? base_utf8_clean(word->data + a, b - a) : NULL;
    bool good = clean && (a == b || copy) &&
                base_grow((void **)&out->items, &out->capacity, out->count + 1, sizeof *out->items);
    if (good && a < b) {
        if (out->text.length) base_text_append(&out->text, " ");
        base_text_append(&out->text, clean);
        out->items[out->count++] = (words_heard_word){copy, t0, t1, (float)p};
        copy = NULL;
    } else if (good && out->text.length) {
        base_text_append(&out->text, clean); /* a dash or dots between words */
    }
    base_free(copy);
    base_free(clean);
    return good && !out->text.failed ? AFFECT_OK : base_fail_memory(w->ctx);
}

/* Is the segment of these tokens speech? */
static bool believed(const words_whisper *w, const affect_whisper_token *first, size_t n) {
    double t0 = first->t0_s, t1 = first[n - 1].t1_s;
    size_t words = 0, loud = 0, a = (size_t)fmax(0, t0 * FRAMES_PER_S);
    size_t b = BASE_MIN(w->frames, (size_t)fmax(0, t1 * FRAMES_PER_S) + 1);
    for (size_t i = 0; i < n; i++) words += first[i].text[0] == ' ';
    for (size_t i = a; i < b; i++) loud += w->speech[i];
    if (first->no_speech > NO_SPEECH && first->logprob < LOGPROB) return false;
    return loud > 0 && (double)words <= 2 + WORDS_PER_S * fmax(0, t1 - t0);
}

/* Whisper dates words to some hundred ms: an onset of loudness within 0.2 s of a word's begin is it. */
static double at_onset(const words_whisper *w, double t) {
    long at = lround(t * FRAMES_PER_S), reach = FRAMES_PER_S / 5;
    for (long d = 0; d <= reach; d++)
        for (int sign = -1; sign <= 1; sign += 2) {
            long k = at + sign * d;
            if (k >= 0 && (size_t)k < w->frames && w->speech[k] && (k == 0 || !w->speech[k - 1]))
                return (double)k / FRAMES_PER_S;
        }
    return t;
}

static affect_status put_tokens(words_whisper *w, const affect_whisper_token *tokens, size_t count,
                                words_heard *out) {
    affect_status status = AFFECT_OK;
    base_text word = {0};
    double offset = (double)w->gone / RATE, length = (double)w->count / RATE;
    for (size_t i = 0, n; i < count && !status; i += n) {
        for (n = 1; i + n < count && tokens[i + n].segment == tokens[i].segment;) n++;
        if (!believed(w, tokens + i, n)) continue;
        int depth = 0;
        for (size_t k = 0, end; k < n && !status; k = end) {
            double p = 0, t0 = at_onset(w, tokens[i + k].t0_s), t1 = tokens[i + k].t1_s;
            bool described = false;
            base_text_clear(&word);
            for (end = k; end < n && (end == k || tokens[i + end].text[0] != ' '); end++) {
                const char *text =
                    tokens[i + end].text + (end == k && tokens[i + k].text[0] == ' ');
                described |= between_brackets(text, strlen(text), &depth);
                base_text_append(&word, text);
                p += (double)tokens[i + end].p;
                t1 = fmax(t1, tokens[i + end].t1_s);
            }
            if (described || !word.length) continue;
            t0 = fmin(fmax(t0, 0), length);
            if (out->count) t0 = fmax(t0, out->items[out->count - 1].t0_s - offset);
            t1 = fmin(fmax(t1, t0), length);
            if (out->count) /* no two words at once */
                out->items[out->count - 1].t1_s =
                    fmin(out->items[out->count - 1].t1_s, offset + t0);
            status = word.failed ? base_fail_memory(w->ctx)
                                 : add_word(w, &word, offset + t0, offset + t1,
                                            fmin(1, p / (double)(end - k)), out);
        }
    }
    base_text_destroy(&word);
    return status;
}

/* How many frames of what was gathered are a piece. */
static size_t piece(const words_whisper *w, bool last) {
    if (last || w->frames < MOST_S * FRAMES_PER_S) return w->frames;
    size_t best = w->frames;
    for (size_t i = 2 * w->frames / 3; i < w->frames; i++)
        if (best == w->frames || w->loud[i] < w->loud[best]) best = i;
    return best;
}

affect_status words_whisper_take(words_whisper *w, bool last, words_heard *out) {
    affect_status status = AFFECT_OK;
    words_heard_clear(out);
    out->judged = true;
    size_t frames = piece(w, last), count = last ? w->count : frames * FRAME;
    if (w->spoken) {
        const affect_whisper_token *tokens = NULL;
        const char *language = NULL;
        size_t shown = BASE_MAX(count, (size_t)SHORTEST);
        float *padded = NULL;
        if (shown > count) {
            padded = base_calloc(shown, sizeof *padded);
            if (!padded) return base_fail_memory(w->ctx);
            memcpy(padded, w->samples, count * sizeof *padded);
        }
        int n = w->api->read(w->model, padded ? padded : w->samples, (int)shown, stopped, w->ctx,
                             &tokens, &language);
        base_free(padded);
        if (affect_context_cancelled(w->ctx))
            status = base_fail(w->ctx, AFFECT_ERROR_CANCELLED, "interrupted");
        else if (n < 0)
            status = base_fail(w->ctx, AFFECT_ERROR_RUNTIME, "whisper.cpp failed on the audio");
        else
            status = put_tokens(w, tokens, (size_t)n, out);
        out->foreign = language && strcmp(language, "en") != 0;
    }
    drop(w, frames);
    if (last) {
        w->count = 0;
        w->gone = 0;
        w->floor_db = FIRST_DB;
    }
    return status;
}

void words_whisper_close(words_whisper *w) {
    if (!w) return;
    if (w->model) w->api->close(w->model);
    base_free(w->samples);
    base_free(w->loud);
    base_free(w->speech);
    base_free(w);
}
