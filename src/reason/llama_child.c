/* The program that runs llama.cpp for reason/llama.c. usage: affect-llama LIBRARY, with questions on standard input, answers on
 * standard output and the model as descriptor 3. What goes wrong inside llama.cpp, or takes all memory, ends this
 * process and no other; with its end all that memory is free again. It opens no socket. */
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reason/llama_pipe.h"
#include "reason/llama_shim.h"

/* Whoever asks is gone where a pipe ends: then there is nothing left to do. */
static void receive(void *bytes, size_t length) {
    char *at = bytes;
    while (length) {
        const ssize_t n = read(STDIN_FILENO, at, length);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) _exit(0);
        at += n;
        length -= (size_t)n;
    }
}

static void send_bytes(const void *bytes, size_t length) {
    const char *at = bytes;
    while (length) {
        const ssize_t n = write(STDOUT_FILENO, at, length);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) _exit(0);
        at += n;
        length -= (size_t)n;
    }
}

static void say(llama_message message, const void *a, size_t a_length, const void *b,
                size_t b_length) {
    const llama_head head = {.message = message, .length = (uint32_t)(a_length + b_length)};
    send_bytes(&head, sizeof head);
    send_bytes(a, a_length);
    send_bytes(b, b_length);
}

/* While something is under way the only message that comes is that it is not wanted any more. */
static int stopped(void *user) {
    bool *stop = user;
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    if (!*stop && poll(&input, 1, 0) > 0) {
        llama_head head;
        receive(&head, sizeof head);
        *stop = head.message == LLAMA_STOP && head.length == 0;
        if (!*stop) _exit(1);
    }
    return *stop;
}

static int tell(void *user, float share) {
    say(LLAMA_PROGRESS, &share, sizeof share, NULL, 0);
    return !stopped(user);
}

static void fail(const char *why) { say(LLAMA_FAILED, why, strlen(why), NULL, 0); }

static void *open_model(const affect_llama_api *api, const char *body, size_t length) {
    char why[AFFECT_LLAMA_WHY] = "";
    llama_open o;
    bool stop = false;
    if (length != sizeof o) _exit(1);
    memcpy(&o, body, sizeof o);
    void *model = api->open(LLAMA_MODEL_FD, o.context, o.threads, tell, &stop, why);
    int pictures = 0, sound = 0;
    if (model && o.projector &&
        api->project(model, LLAMA_PROJECTOR_FD, o.threads, &pictures, &sound, why)) {
        char line[AFFECT_LLAMA_WHY + 32] = "the projector: ";
        strncat(line, why, AFFECT_LLAMA_WHY);
        fail(line);
        api->close(model);
        return NULL;
    }
    if (model) {
        const llama_opened opened = {api->context(model), pictures, sound};
        say(LLAMA_OPENED, &opened, sizeof opened, NULL, 0);
    } else {
        fail(why);
    }
    return model;
}

/* The pictures and sounds behind the texts of a question; false where they are not as long as they say. */
static bool take_media(const char *at, size_t left, uint32_t count,
                       affect_llama_medium out[AFFECT_LLAMA_MEDIA]) {
    if (count > AFFECT_LLAMA_MEDIA) return false;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t length;
        if (left < sizeof length) return false;
        memcpy(&length, at, sizeof length);
        at += sizeof length;
        left -= sizeof length;
        if (length > left) return false;
        out[i] = (affect_llama_medium){(const unsigned char *)at, length};
        at += length;
        left -= length;
    }
    return left == 0;
}

static void answer(const affect_llama_api *api, void *model, const char *body, size_t length) {
    char why[AFFECT_LLAMA_WHY] = "";
    llama_answer a;
    affect_llama_reply reply = {0};
    bool stop = false;
    if (length < sizeof a) _exit(1);
    memcpy(&a, body, sizeof a);
    const size_t texts = length - sizeof a;
    const char *prompt = body + sizeof a;
    affect_llama_medium media[AFFECT_LLAMA_MEDIA];
    if (!a.prompt || !a.grammar || a.prompt > texts || a.grammar > texts - a.prompt ||
        prompt[a.prompt - 1] || prompt[a.prompt + a.grammar - 1] ||
        !take_media(prompt + a.prompt + a.grammar, texts - a.prompt - a.grammar, a.media, media))
        _exit(1);
    const affect_llama_request request = {.prompt = prompt,
                                          .grammar = prompt + a.prompt,
                                          .most_tokens = a.most_tokens,
                                          .temperature = a.temperature,
                                          .seed = a.seed,
                                          .stop = stopped,
                                          .user = &stop,
                                          .media = media,
                                          .media_count = (int)a.media};
    if (api->answer(model, &request, &reply, why)) {
        fail(why);
        return;
    }
    const llama_answered done = {reply.prompt_tokens, reply.reused_tokens, reply.answer_tokens,
                                 reply.complete};
    say(LLAMA_ANSWERED, &done, sizeof done, reply.text, reply.length);
}

int main(int argc, char **argv) {
    void *library = argc == 2 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
    void *symbol = library ? dlsym(library, "affect_llama") : NULL;
    affect_llama_entry *entry;
    if (!symbol) return 1;
    memcpy(&entry, &symbol, sizeof entry); /* a function pointer from an object pointer: POSIX */
    const affect_llama_api *api = entry();
    if (api->interface != AFFECT_LLAMA_INTERFACE) return 1;
    void *model = NULL;
    for (llama_head head;;) {
        receive(&head, sizeof head);
        if (head.length > LLAMA_MESSAGE_LIMIT) return 1;
        char *body = calloc(1, (size_t)head.length + 1);
        if (!body) return 1;
        receive(body, head.length);
        if (head.message == LLAMA_OPEN && !model) {
            model = open_model(api, body, head.length);
        } else if (head.message == LLAMA_COUNT && model) {
            const int32_t n = api->count(model, body);
            say(LLAMA_COUNTED, &n, sizeof n, NULL, 0);
        } else if (head.message == LLAMA_ANSWER && model) {
            answer(api, model, body, head.length);
        } else if (head.message != LLAMA_STOP) {
            return 1;
        } /* else it came after the answer */
        free(body);
    }
}
