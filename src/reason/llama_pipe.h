/* What goes through the two pipes between reason/llama.c and affect-llama, the program that runs llama.cpp: messages of
 * a head and as many bytes as it says, both sides from one build. */
#ifndef REASON_LLAMA_PIPE_H
#define REASON_LLAMA_PIPE_H

#include <stddef.h>
#include <stdint.h>

enum { LLAMA_MODEL_FD = 3, LLAMA_PROJECTOR_FD = 4, LLAMA_MESSAGE_LIMIT = 64 << 20 };

typedef enum llama_message {
    /* to the program */
    LLAMA_OPEN = 1, /* llama_open; the model is descriptor 3 */
    LLAMA_COUNT,    /* a prompt */
    LLAMA_ANSWER, /* llama_answer, prompt, grammar, and of each picture or sound its length (uint32_t) and its bytes */
    LLAMA_STOP,   /* an answer or a loading is not wanted any more */
    /* from it */
    LLAMA_PROGRESS, /* float: the share that is loaded */
    LLAMA_OPENED,   /* llama_opened */
    LLAMA_COUNTED,  /* int32_t: tokens; negative where they cannot be counted */
    LLAMA_ANSWERED, /* llama_answered and the text */
    LLAMA_FAILED    /* why, a line */
} llama_message;

typedef struct llama_head {
    uint32_t message, length;
} llama_head;

typedef struct llama_open {
    int32_t context, threads;
    int32_t projector; /* 1: descriptor 4 is one */
} llama_open;

typedef struct llama_opened {
    int32_t context;         /* tokens */
    int32_t pictures, sound; /* 1: the projector takes them */
} llama_opened;

typedef struct llama_answer {
    int32_t most_tokens;
    float temperature;
    uint32_t seed;
    uint32_t prompt, grammar; /* bytes that follow; each ends with a 0 that is counted */
    uint32_t media;           /* how many follow these */
} llama_answer;

typedef struct llama_answered {
    int32_t prompt_tokens, reused_tokens, answer_tokens, complete;
} llama_answered;

#endif
