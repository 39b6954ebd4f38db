/* Vosk through dlopen. Its C interface (vosk_api.h of Vosk 0.3) is declared here as far as it is
 * used, so that the program builds and starts without it.
 *
 * A recogniser composes its search graph as it goes and keeps it, so it is made once: after each last
 * result (words_vosk_take with `last`) Vosk begins anew with the sound that follows. Its word times
 * go on counting, from an origin that it keeps as a float of samples and moves by the samples fed
 * since the last such beginning; the same sum is kept here and taken off again, so times are exact
 * however long the recogniser lives. The log level is a process-wide setting of the library: it is
 * set to silence once, when the library is loaded. */
#include <dlfcn.h>
#include <jansson.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "infer/infer.h"
#include "words/words_private.h"

typedef struct vosk_api {
    void *(*model_new)(const char *path);
    void (*model_free)(void *model);
    void *(*recognizer_new)(void *model, float rate);
    void (*recognizer_free)(void *recognizer);
    void (*set_words)(void *recognizer, int words);
    void *(*speaker_new)(const char *path);
    void (*speaker_free)(void *model);
    void (*set_speaker)(void *recognizer, void *model);
    int (*accept)(void *recognizer, const float *samples, int count);
    const char *(*result)(void *recognizer);
    const char *(*final_result)(void *recognizer);
    void (*set_log_level)(int level);
} vosk_api;

/* A loaded model; any number of recognisers may use it at once. */
typedef struct vosk_weights {
    void *model;
    void (*free)(void *model);
    bool kept; /* by the context, which destroys it */
} vosk_weights;

struct words_vosk {
    affect_context *ctx;
    vosk_api api;
    vosk_weights *model;
    void *recognizer;
    vosk_weights *speaker; /* speaker model, or NULL */
    int rate;
    float *scaled;
    size_t scaled_capacity;
    float origin;   /* as Vosk counts it: samples fed before its current beginning */
    int64_t fed;    /* samples since that beginning */
    int64_t start;  /* of them, before the last words_vosk_take with `last` */
    bool running;   /* fed since the last result */
    bool finished;  /* the next sample makes a beginning */
    uint64_t noise; /* state of the dither */
};

/* libvosk brings an OpenBLAS that picks its kernels by the processor when it is loaded, and they
 * round differently: scores of words would differ from processor to processor, now and then a word.
 * So it is told which kernels to take, unless the user told it: those for AVX2 and FMA where the
 * processor has them, else those that any processor since 2009 has. */
static const char *core_type(void) {
    const char *chosen = getenv("OPENBLAS_CORETYPE");
    if (chosen && *chosen) return NULL;
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return "OPENBLAS_CORETYPE=Haswell";
    if (__builtin_cpu_supports("sse4.2")) return "OPENBLAS_CORETYPE=Nehalem";
#endif
    return NULL;
}

/* The library stays loaded for the life of the process: Kaldi has static objects. */
static affect_status load_api(affect_context *ctx, vosk_api *api) {
    char why[256];
    base_text tried = {0};
    const char *core = core_type();
    base_environment *pinned = core ? base_environment_begin(core) : NULL;
    if (core && !pinned) return base_fail_memory(ctx);
    void *library = model_open_library(
        "AFFECT_VOSK", "libvosk.so", "node_modules/vosk/lib/linux-x86_64/libvosk.so", &tried, why);
    if (pinned) base_environment_end(pinned);
    affect_status status = AFFECT_OK;
    if (!library)
        status =
            base_fail(ctx, AFFECT_ERROR_RUNTIME,
                      "the speech recogniser Vosk was not found (%s)%s: run \"make setup\", or "
                      "name libvosk.so in AFFECT_VOSK",
                      tried.data ? tried.data : "", why);
    base_text_destroy(&tried);
    if (status) return status;
    const struct {
        const char *name;
        void *slot;
    } symbols[] = {
        {"vosk_model_new", &api->model_new},
        {"vosk_model_free", &api->model_free},
        {"vosk_recognizer_new", &api->recognizer_new},
        {"vosk_recognizer_free", &api->recognizer_free},
        {"vosk_recognizer_set_words", &api->set_words},
        {"vosk_spk_model_new", &api->speaker_new},
        {"vosk_spk_model_free", &api->speaker_free},
        {"vosk_recognizer_set_spk_model", &api->set_speaker},
        {"vosk_recognizer_accept_waveform_f", &api->accept},
        {"vosk_recognizer_result", &api->result},
        {"vosk_recognizer_final_result", &api->final_result},
        {"vosk_set_log_level", &api->set_log_level},
    };
    for (size_t i = 0; i < BASE_COUNT(symbols); i++) {
        void *symbol = dlsym(library, symbols[i].name);
        if (!symbol)
            return base_fail(ctx, AFFECT_ERROR_RUNTIME, "libvosk.so has no %s: is it Vosk 0.3?",
                             symbols[i].name);
        memcpy(symbols[i].slot, &symbol, sizeof symbol);
    }
    api->set_log_level(
        -3); /* below Kaldi's warnings (-1) and errors (-2): a library prints nothing */
    return AFFECT_OK;
}

/* OpenFst ends the process over a truncated graph, so sizes are compared with the card first
 * ("bytes" of a file, optional). The whole check, sha-256, is `affect models`' business. */
static affect_status check_sizes(affect_context *ctx, const model_card *card, json_t *root) {
    size_t i;
    json_t *file;
    json_array_foreach(json_object_get(root, "files"), i, file) {
        const char *name = json_string_value(json_object_get(file, "name"));
        json_t *bytes = json_object_get(file, "bytes");
        if (!name || !json_is_integer(bytes)) continue;
        char *path = model_card_path(card, name);
        if (!path) return base_fail_memory(ctx);
        struct stat info;
        bool right = stat(path, &info) == 0 && info.st_size == json_integer_value(bytes);
        base_free(path);
        if (!right)
            return base_fail(
                ctx, AFFECT_ERROR_MODEL,
                "model %s: %s is damaged (the card says %lld bytes): run \"make setup\"",
                card->name, name, (long long)json_integer_value(bytes));
    }
    return AFFECT_OK;
}

static void destroy_weights(void *kept) {
    vosk_weights *w = kept;
    if (!w) return;
    if (w->model) w->free(w->model);
    base_free(w);
}

static void release_weights(vosk_weights *w) {
    if (w && !w->kept) destroy_weights(w);
}

/* Loads the model of a card, or takes the one that the context has kept. */
static affect_status load_weights(words_vosk *v, const char *name, bool check,
                                  void *(*load)(const char *path), void (*done)(void *model),
                                  vosk_weights **out) {
    affect_context *ctx = v->ctx;
    model_card *card = NULL;
    json_t *root = NULL;
    base_text key = {0};
    vosk_weights *w = NULL;
    affect_status status = AFFECT_OK;
    model_key("vosk", ctx, name, &key);
    if (key.failed) status = base_fail_memory(ctx);
    if (!status && (*out = base_kept_take(ctx, key.data)) != NULL) goto cleanup;
    if (!status) status = model_card_load(ctx, name, false, &card);
    if (!status && check) root = json_loads(card->json, 0, NULL);
    if (!status && check) status = check_sizes(ctx, card, root);
    if (!status && !(w = base_calloc(1, sizeof *w))) status = base_fail_memory(ctx);
    if (!status && !(w->model = load(card->folder)))
        status =
            base_fail(ctx, AFFECT_ERROR_MODEL, "model %s: Vosk cannot load %s: run \"make setup\"",
                      card->name, card->folder);
    if (!status) {
        w->free = done;
        w->kept = true; /* before others can see it */
        if (!base_kept_share(ctx, key.data, w, destroy_weights)) w->kept = false;
        *out = w;
        w = NULL;
    }
cleanup:
    destroy_weights(w);
    base_text_destroy(&key);
    json_decref(root);
    model_card_destroy(card);
    return status;
}

static affect_status make_recognizer(words_vosk *v) {
    v->recognizer = v->api.recognizer_new(v->model->model, (float)v->rate);
    if (!v->recognizer)
        return base_fail(v->ctx, AFFECT_ERROR_RUNTIME, "Vosk could not make a recogniser");
    v->api.set_words(v->recognizer, 1);
    v->noise = UINT64_C(0x9e3779b97f4a7c15);
    return AFFECT_OK;
}

affect_status words_vosk_open(affect_context *ctx, const char *model, int rate_hz,
                              words_vosk **out) {
    *out = NULL;
    words_vosk *v = base_calloc(1, sizeof *v);
    if (!v) return base_fail_memory(ctx);
    v->ctx = ctx;
    v->rate = rate_hz;
    affect_status status = load_api(ctx, &v->api);
    if (!status)
        status = load_weights(v, model ? model : "words.recognition.en", true, v->api.model_new,
                              v->api.model_free, &v->model);
    if (!status) status = make_recognizer(v);
    if (status) {
        words_vosk_close(v);
        return status;
    }
    *out = v;
    return AFFECT_OK;
}

affect_status words_vosk_speakers(words_vosk *v, const char *model) {
    affect_status status = load_weights(v, model ? model : "voice.speaker", false,
                                        v->api.speaker_new, v->api.speaker_free, &v->speaker);
    if (!status) v->api.set_speaker(v->recognizer, v->speaker->model);
    return status;
}

/* Triangular noise of one 16-bit step, the usual dither (Lipshitz, Wannamaker & Vanderkooy 1992).
 * Exact zeros, as of a muted microphone, have no logarithm: Kaldi's features fall to their floor, its
 * running means with them, and minutes of speech that follow are lost. The seed is fixed and the state
 * goes by the samples fed, so results depend neither on the process nor on how blocks fall. */
static float dither(words_vosk *v) {
    uint64_t z = v->noise += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return ((float)(z & 0xffffff) - (float)(z >> 24 & 0xffffff)) / 16777216.0F;
}

affect_status words_vosk_feed(words_vosk *v, const float *samples, size_t count, bool *ended) {
    *ended = false;
    if (!base_grow((void **)&v->scaled, &v->scaled_capacity, count, sizeof *v->scaled))
        return base_fail_memory(v->ctx);
    if (v->finished) {
        v->origin += (float)v->fed;
        v->fed = v->start = 0;
        v->finished = false;
    }
    v->running = true;
    /* Kaldi's features expect the range of 16-bit samples. */
    for (size_t i = 0; i < count; i++) {
        float x = samples[i];
        v->scaled[i] = (x != x ? 0 : BASE_MAX(-1.0F, BASE_MIN(1.0F, x)) * 32767.0F) + dither(v);
    }
    v->fed += (int64_t)count;
    int result = v->api.accept(v->recognizer, v->scaled, (int)count);
    if (result < 0) return base_fail(v->ctx, AFFECT_ERROR_RUNTIME, "Vosk failed on the audio");
    *ended = result == 1;
    return AFFECT_OK;
}

affect_status words_vosk_take(words_vosk *v, bool last, words_heard *out) {
    words_heard_clear(out);
    const char *text = last ? v->api.final_result(v->recognizer) : v->api.result(v->recognizer);
    json_t *root = text ? json_loads(text, 0, NULL) : NULL;
    if (!root) return base_fail(v->ctx, AFFECT_ERROR_RUNTIME, "Vosk gave no result");
    affect_status status = AFFECT_OK;
    double origin_s = (double)(v->origin / (float)v->rate) + (double)v->start / v->rate;
    if (last) {
        /* Without sound since the last result Vosk has nothing to finish, and goes on as it was. */
        v->finished = v->running;
        v->start = v->fed;
    }
    v->running = false;
    size_t i;
    json_t *word;
    json_array_foreach(json_object_get(root, "result"), i, word) {
        const char *name = json_string_value(json_object_get(word, "word"));
        double t0 = json_number_value(json_object_get(word, "start")) - origin_s;
        double t1 = json_number_value(json_object_get(word, "end")) - origin_s;
        double confidence = json_number_value(json_object_get(word, "conf"));
        if (!name || !(t0 >= 0) || !(t1 >= t0)) continue;
        char *copy = base_strdup(name);
        if (!copy ||
            !base_grow((void **)&out->items, &out->capacity, out->count + 1, sizeof *out->items)) {
            base_free(copy);
            status = base_fail_memory(v->ctx);
            break;
        }
        out->items[out->count++] =
            (words_heard_word){copy, t0, t1, (float)BASE_MAX(0.0, BASE_MIN(1.0, confidence))};
    }
    const json_t *vector = json_object_get(root, "spk");
    size_t d = json_array_size(vector);
    if (!status && d) {
        if (base_grow((void **)&out->speaker, &out->speaker_capacity, d, sizeof *out->speaker)) {
            for (i = 0; i < d; i++)
                out->speaker[i] = (float)json_number_value(json_array_get(vector, i));
            out->speaker_count = d;
            out->speaker_s = json_number_value(json_object_get(root, "spk_frames")) * 0.01;
        } else {
            status = base_fail_memory(v->ctx);
        }
    }
    json_decref(root);
    return status;
}

void words_vosk_close(words_vosk *v) {
    if (!v) return;
    if (v->recognizer) v->api.recognizer_free(v->recognizer);
    release_weights(v->speaker);
    release_weights(v->model);
    base_free(v->scaled);
    base_free(v);
}
