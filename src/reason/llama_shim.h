/* The narrow interface to llama.cpp: what libaffect-llama.so offers and reason/llama.c takes by dlopen. Its
 * own structs, which grow from release to release, stay on the other side. Plain C, no exception
 * crosses it. tools/build-llama makes the library from the source that an npm package brings. */
#ifndef REASON_LLAMA_SHIM_H
#define REASON_LLAMA_SHIM_H

#include <stddef.h>
#include <stdint.h>

enum { AFFECT_LLAMA_INTERFACE = 5, AFFECT_LLAMA_MEDIA = 64, AFFECT_LLAMA_WHY = 256 };

/* A picture (PNG) or sound (WAV), as a file's bytes. */
typedef struct affect_llama_medium {
    const unsigned char *bytes;
    size_t length;
} affect_llama_medium;

/* The byte in a prompt where a picture or sound belongs. */
#define AFFECT_LLAMA_PLACE '\001'

typedef struct affect_llama_request {
    const char *prompt;  /* UTF-8; put into the model's own chat template where that is known */
    const char *grammar; /* GBNF with the rule `root` */
    int most_tokens;     /* of the answer */
    float temperature;   /* 0: always the likeliest */
    uint32_t seed;
    int (*stop)(void *user); /* asked between tokens, and while the prompt is read */
    void *user;
    const affect_llama_medium *media; /* one for each place in the prompt, in their order */
    int media_count;                  /* up to AFFECT_LLAMA_MEDIA */
} affect_llama_request;

typedef struct affect_llama_reply {
    const char *text; /* UTF-8, until the next call */
    size_t length;
    int prompt_tokens, reused_tokens; /* reused: the begin of the prompt that was known already */
    int answer_tokens;
    int complete;          /* 0: cut off at most_tokens or at the end of the context */
    const int32_t *tokens; /* of the answer to a mixed prompt, until the next call */
} affect_llama_reply;

/* A prompt of tokens and of embeddings that stand in their place. */
typedef struct affect_llama_part {
    const int32_t *tokens;   /* or NULL: then */
    const float *embeddings; /* [count, width] */
    int count;
} affect_llama_part;

typedef struct affect_llama_mixed {
    const affect_llama_part *parts;
    int part_count, most_tokens;
    int (*stop)(void *user);
    void *user;
} affect_llama_mixed;

typedef struct affect_llama_api {
    int interface;
    const char *version; /* llama.cpp's */
    /* The model in an open file, of which a copy is taken; no other file is opened. `context`: tokens, fewer where the model
     * was trained on fewer. `progress` (may be NULL) is told the share that is loaded and stops the
     * loading with 0. NULL where it fails: `why` says why in one line. */
    void *(*open)(int file, int context, int threads, int (*progress)(void *user, float share),
                  void *user, char why[AFFECT_LLAMA_WHY]);
    void (*close)(void *model);
    int (*context)(const void *model);
    /* Tokens of a prompt as `answer` would read it; negative where it cannot. */
    int (*count)(void *model, const char *prompt);
    /* 0: it went well. The begin that a prompt shares with the one before it is not read again. */
    int (*answer)(void *model, const affect_llama_request *request, affect_llama_reply *reply,
                  char why[AFFECT_LLAMA_WHY]);
    /* Logits [n, vocabulary] of all tokens of a sequence by the model in an open file, with the adapter in the file
     * `adapter` (NULL = none), at full precision of keys and values; `room`: values that `out` holds. 0: it went well. */
    int (*logits)(int file, const char *adapter, const int32_t *tokens, int n, float *out,
                  size_t room, char why[AFFECT_LLAMA_WHY]);
    /* The vocabulary alone of the model in an open file: for `tokens` and `close`. NULL where it fails. */
    void *(*vocabulary)(int file, char why[AFFECT_LLAMA_WHY]);
    /* A text in the model's tokens as it stands, what its vocabulary has as marks read as such; `begin`: with what the
     * model wants at the begin of a text. Returns how many; where they are more than `room`, or it cannot be
     * done, nothing is written, and in that case it is negative. */
    int (*tokens)(void *model, const char *text, int begin, int32_t *out, int room);
    /* From now on with the adapter in the file of that name. 0: it went well. */
    int (*adapt)(void *model, const char *adapter, char why[AFFECT_LLAMA_WHY]);
    /* Values of an embedding. */
    int (*width)(const void *model);
    /* What is likeliest after a mixed prompt, token by token, in no grammar. 0: it went well. */
    int (*go_on)(void *model, const affect_llama_mixed *request, affect_llama_reply *reply,
                 char why[AFFECT_LLAMA_WHY]);
    /* From now on with the projector ("mmproj") in an open file, by whose number it is opened again: what media of a
     * request go through. *pictures and *sound: does it take them? 0: it went well. */
    int (*project)(void *model, int file, int threads, int *pictures, int *sound,
                   char why[AFFECT_LLAMA_WHY]);
} affect_llama_api;

/* The only symbol: `affect_llama`. */
typedef const affect_llama_api *affect_llama_entry(void);

#endif
