/* Vosk through dlopen. Its C interface (vosk_api.h of Vosk 0.3) is declared here as far as it is
 * used, so that the program builds and starts without it.
 *
 * Word times are seconds of audio since the recogniser was made. Vosk keeps that origin in a float
 * and moves it every ten minutes by frames it dropped; so a recogniser here lives for a few minutes
 * only (the stage restarts it), and its times are exact. The log level is a process-wide setting of
 * the library: it is set to silence once, when the library is loaded. */
#include <dlfcn.h>
#include <jansson.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "infer/infer.h"
#include "words/private.h"

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

struct words_vosk {
    affect_context *ctx;
    vosk_api api;
    void *model, *recognizer;
    void *speaker; /* speaker model, or NULL */
    int rate;
    char *language;
    float *scaled;
    size_t scaled_capacity;
};

typedef struct opener {
    void *library;
    char error[256];
} opener;

static bool try_library(void *user, const char *path) {
    opener *o = user;
    if (strchr(path, '/') && !base_file_exists(path)) return false;
    o->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!o->library) {
        const char *why = dlerror();
        if (strchr(path, '/')) snprintf(o->error, sizeof o->error, "; %s", why ? why : "");
    }
    return o->library != NULL;
}

/* The library stays loaded for the life of the process: Kaldi has static objects. */
static affect_status load_api(affect_context *ctx, vosk_api *api) {
    opener o = {0};
    base_text tried = {0};
    infer_find_library("AFFECT_VOSK", "libvosk.so", "node_modules/vosk/lib/linux-x86_64/libvosk.so",
                       &tried, try_library, &o);
    affect_status status = AFFECT_OK;
    if (!o.library)
        status =
            base_fail(ctx, AFFECT_ERROR_RUNTIME,
                      "the speech recogniser Vosk was not found (%s)%s: run \"make setup\", or "
                      "name libvosk.so in AFFECT_VOSK",
                      tried.data ? tried.data : "", o.error);
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
        void *symbol = dlsym(o.library, symbols[i].name);
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
static affect_status check_sizes(affect_context *ctx, const infer_card *card, json_t *root) {
    size_t i;
    json_t *file;
    json_array_foreach(json_object_get(root, "files"), i, file) {
        const char *name = json_string_value(json_object_get(file, "name"));
        json_t *bytes = json_object_get(file, "bytes");
        if (!name || !json_is_integer(bytes)) continue;
        char *path = infer_card_path(card, name);
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

affect_status words_vosk_open(affect_context *ctx, const char *model, int rate_hz,
                              words_vosk **out) {
    *out = NULL;
    words_vosk *v = base_calloc(1, sizeof *v);
    if (!v) return base_fail_memory(ctx);
    v->ctx = ctx;
    v->rate = rate_hz;
    infer_card *card = NULL;
    json_t *root = NULL;
    affect_status status =
        infer_card_load(ctx, model ? model : "words.recognition.en", false, &card);
    if (!status) {
        root = json_loads(card->json, 0, NULL);
        const char *language = json_string_value(json_object_get(root, "language"));
        v->language = base_strdup(language ? language : "");
        if (!v->language) status = base_fail_memory(ctx);
    }
    if (!status) status = check_sizes(ctx, card, root);
    if (!status) status = load_api(ctx, &v->api);
    if (!status && !(v->model = v->api.model_new(card->folder)))
        status =
            base_fail(ctx, AFFECT_ERROR_MODEL, "model %s: Vosk cannot load %s: run \"make setup\"",
                      card->name, card->folder);
    if (!status) status = words_vosk_restart(v);
    json_decref(root);
    infer_card_destroy(card);
    if (status) {
        words_vosk_close(v);
        return status;
    }
    *out = v;
    return AFFECT_OK;
}

const char *words_vosk_language(const words_vosk *v) { return v->language; }

affect_status words_vosk_restart(words_vosk *v) {
    if (v->recognizer) v->api.recognizer_free(v->recognizer);
    v->recognizer = v->api.recognizer_new(v->model, (float)v->rate);
    if (!v->recognizer)
        return base_fail(v->ctx, AFFECT_ERROR_RUNTIME, "Vosk could not make a recogniser");
    v->api.set_words(v->recognizer, 1);
    if (v->speaker) v->api.set_speaker(v->recognizer, v->speaker);
    return AFFECT_OK;
}

affect_status words_vosk_speakers(words_vosk *v, const char *model) {
    infer_card *card = NULL;
    affect_status status = infer_card_load(v->ctx, model ? model : "voice.speaker", false, &card);
    if (!status && !(v->speaker = v->api.speaker_new(card->folder)))
        status = base_fail(v->ctx, AFFECT_ERROR_MODEL,
                           "model %s: Vosk cannot load %s: run \"make setup\"", card->name,
                           card->folder);
    if (!status) v->api.set_speaker(v->recognizer, v->speaker);
    infer_card_destroy(card);
    return status;
}

affect_status words_vosk_feed(words_vosk *v, const float *samples, size_t count, bool *ended) {
    *ended = false;
    if (!base_grow((void **)&v->scaled, &v->scaled_capacity, count, sizeof *v->scaled))
        return base_fail_memory(v->ctx);
    /* Kaldi's features expect the range of 16-bit samples. */
    for (size_t i = 0; i < count; i++) {
        float x = samples[i];
        v->scaled[i] = x != x ? 0 : BASE_MAX(-1.0F, BASE_MIN(1.0F, x)) * 32767.0F;
    }
    int result = v->api.accept(v->recognizer, v->scaled, (int)count);
    if (result < 0) return base_fail(v->ctx, AFFECT_ERROR_RUNTIME, "Vosk failed on the audio");
    *ended = result == 1;
    return AFFECT_OK;
}

affect_status words_vosk_take(words_vosk *v, bool last, vosk_result *out) {
    vosk_result_clear(out);
    const char *text = last ? v->api.final_result(v->recognizer) : v->api.result(v->recognizer);
    json_t *root = text ? json_loads(text, 0, NULL) : NULL;
    if (!root) return base_fail(v->ctx, AFFECT_ERROR_RUNTIME, "Vosk gave no result");
    affect_status status = AFFECT_OK;
    size_t i;
    json_t *word;
    json_array_foreach(json_object_get(root, "result"), i, word) {
        const char *name = json_string_value(json_object_get(word, "word"));
        double t0 = json_number_value(json_object_get(word, "start"));
        double t1 = json_number_value(json_object_get(word, "end"));
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
            (vosk_word){copy, t0, t1, (float)BASE_MAX(0.0, BASE_MIN(1.0, confidence))};
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

void vosk_result_clear(vosk_result *result) {
    for (size_t i = 0; i < result->count; i++) base_free(result->items[i].text);
    result->count = result->speaker_count = 0;
}

void vosk_result_destroy(vosk_result *result) {
    vosk_result_clear(result);
    base_free(result->items);
    base_free(result->speaker);
    *result = (vosk_result){0};
}

void words_vosk_close(words_vosk *v) {
    if (!v) return;
    if (v->recognizer) v->api.recognizer_free(v->recognizer);
    if (v->speaker) v->api.speaker_free(v->speaker);
    if (v->model) v->api.model_free(v->model);
    base_free(v->language);
    base_free(v->scaled);
    base_free(v);
}
