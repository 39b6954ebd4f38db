/* A libaffect-llama.so that goes wrong, in the way that its file is named: what happens in llama.cpp must not happen
 * to the program. */
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "reason/llama_shim.h"

__attribute__((visibility("default"))) affect_llama_entry affect_llama;

static int is(const char *how) {
    Dl_info info;
    return dladdr((const void *)(uintptr_t)&is, &info) && strstr(info.dli_fname, how) != NULL;
}

static void go_wrong(void) {
    signal(SIGSEGV, SIG_DFL); /* a sanitizer would make a status of it */
    signal(SIGABRT, SIG_DFL);
    if (is("segv")) raise(SIGSEGV);
    if (is("abort")) abort();
    if (is("exit")) _Exit(3);
    if (is("memory")) { /* as a kernel without memory does it */
        setrlimit(RLIMIT_CORE, &(struct rlimit){0});
        raise(SIGKILL);
    }
    while (is("hang")) nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
}

static void *open_model(int file, int context, int threads, int (*progress)(void *, float),
                        void *user, char why[AFFECT_LLAMA_WHY]) {
    static int model;
    (void)file, (void)context, (void)threads;
    if (!progress(user, 0.5F)) return NULL;
    if (is("open")) go_wrong();
    strcpy(why, "");
    return &model;
}

static void close_model(void *model) { (void)model; }
static int context_of(const void *model) { return model ? 4096 : 0; }

static int count(void *model, const char *prompt) {
    (void)model;
    if (is("count")) go_wrong();
    return (int)strlen(prompt) / 16;
}

/* Says what it was shown. */
static int tell_media(const affect_llama_request *request, char why[AFFECT_LLAMA_WHY]) {
    int pictures = 0, sounds = 0, places = 0;
    for (const char *at = request->prompt; *at; at++) places += *at == AFFECT_LLAMA_PLACE;
    for (int i = 0; i < request->media_count; i++) {
        const affect_llama_medium *m = &request->media[i];
        pictures += m->length > 33 && memcmp(m->bytes, "\x89PNG", 4) == 0;
        sounds += m->length > 44 && memcmp(m->bytes, "RIFF", 4) == 0;
    }
    snprintf(why, AFFECT_LLAMA_WHY, "%d pictures and %d sounds in %d of %d places", pictures,
             sounds, request->media_count, places);
    return -1;
}

static int project(void *model, int file, int threads, int *pictures, int *sound,
                   char why[AFFECT_LLAMA_WHY]) {
    char magic[4];
    FILE *f = fdopen(file, "rb");
    (void)model, (void)threads;
    if (is("project")) go_wrong();
    *pictures = 1;
    *sound = !is("eyes");
    strcpy(why, "its file is another one");
    const int other = !f || fread(magic, 1, 4, f) != 4 || memcmp(magic, "GGUF", 4) != 0;
    if (f) fclose(f);
    return other ? -1 : 0;
}

static int answer(void *model, const affect_llama_request *request, affect_llama_reply *reply,
                  char why[AFFECT_LLAMA_WHY]) {
    (void)model, (void)reply;
    if (is("answer")) go_wrong();
    if (is("sees")) return tell_media(request, why);
    while (is("slow") && !request->stop(request->user))
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    strcpy(why, "it has nothing to say");
    return -1;
}

const affect_llama_api *affect_llama(void) {
    static const affect_llama_api api = {.interface = AFFECT_LLAMA_INTERFACE,
                                         .version = "broken",
                                         .open = open_model,
                                         .close = close_model,
                                         .context = context_of,
                                         .count = count,
                                         .answer = answer,
                                         .project = project};
    return &api;
}
