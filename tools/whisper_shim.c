/* The other side of whisper_shim.h. Not part of the program: tools/build-whisper compiles it with whisper.cpp's
 * header and links both into libaffect-whisper.so. Decoding is what whisper.cpp's own command does by default:
 * beam search of 5, with its fall-back to higher temperatures. */
#include "words/whisper_shim.h"

#include <stdbool.h>
#include <stdlib.h>
#include <whisper.h>

enum { BEAMS = 5 };

typedef struct shim {
    struct whisper_context *context;
    int threads;
    affect_whisper_token *tokens;
    size_t capacity;
} shim;

typedef struct stopper {
    int (*stop)(void *user);
    void *user;
} stopper;

static void say_nothing(enum ggml_log_level level, const char *text, void *user) {
    (void)level, (void)text, (void)user;
}

static void *open_model(const char *path, int threads) {
    whisper_log_set(say_nothing, NULL); /* a library prints nothing */
    struct whisper_context_params params = whisper_context_default_params();
    params.use_gpu = false;
    params.flash_attn = false;
    shim *s = calloc(1, sizeof *s);
    if (!s) return NULL;
    s->threads = threads;
    s->context = whisper_init_from_file_with_params(path, params);
    if (s->context) return s;
    free(s);
    return NULL;
}

static void close_model(void *whisper) {
    shim *s = whisper;
    if (!s) return;
    whisper_free(s->context);
    free(s->tokens);
    free(s);
}

static bool should_stop(void *user) {
    const stopper *s = user;
    return s->stop && s->stop(s->user);
}

static int read_samples(void *whisper, const float *samples, int count, int (*stop)(void *user),
                        void *user, const affect_whisper_token **tokens, const char **language) {
    shim *s = whisper;
    stopper stops = {stop, user};
    struct whisper_full_params params = whisper_full_default_params(WHISPER_SAMPLING_BEAM_SEARCH);
    params.n_threads = s->threads;
    params.no_context = true;
    params.print_progress = params.print_realtime = params.print_timestamps = false;
    params.token_timestamps = true;
    params.beam_search.beam_size = BEAMS;
    params.language = whisper_is_multilingual(s->context) ? "auto" : "en";
    params.abort_callback = should_stop;
    params.abort_callback_user_data = &stops;
    if (whisper_full(s->context, params, samples, count) != 0) return -1;
    size_t n = 0;
    const whisper_token end = whisper_token_eot(s->context);
    for (int i = 0; i < whisper_full_n_segments(s->context); i++) {
        size_t first = n;
        double sum = 0;
        for (int k = 0; k < whisper_full_n_tokens(s->context, i); k++) {
            whisper_token_data t = whisper_full_get_token_data(s->context, i, k);
            if (t.id >= end) continue; /* times and other marks */
            if (n == s->capacity) {
                size_t room = s->capacity ? 2 * s->capacity : 256;
                void *grown = realloc(s->tokens, room * sizeof *s->tokens);
                if (!grown) return -1;
                s->tokens = grown;
                s->capacity = room;
            }
            sum += (double)t.plog;
            s->tokens[n++] = (affect_whisper_token){
                .text = whisper_full_get_token_text(s->context, i, k),
                .t0_s = (double)t.t0 / 100,
                .t1_s = (double)t.t1 / 100,
                .p = t.p,
                .segment = i,
                .no_speech = whisper_full_get_segment_no_speech_prob(s->context, i)};
        }
        for (size_t k = first; k < n; k++)
            s->tokens[k].logprob = (float)(sum / (double)(n - first));
    }
    *tokens = s->tokens;
    *language = whisper_lang_str(whisper_full_lang_id(s->context));
    return (int)n;
}

__attribute__((visibility("default"))) const affect_whisper_api *affect_whisper(void);
const affect_whisper_api *affect_whisper(void) {
    static affect_whisper_api api = {.interface = AFFECT_WHISPER_INTERFACE,
                                     .open = open_model,
                                     .close = close_model,
                                     .read = read_samples};
    api.version = whisper_version();
    return &api;
}
