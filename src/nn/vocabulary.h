/* Vocabularies of language models by byte pair encoding (Sennrich et al. 2016) over bytes (GPT-2: Radford et al. 2019), cut
 * into words as Qwen2 does it: what a GGUF file calls the model "gpt2" with the pre-tokeniser "qwen2". The
 * tokens of a text are those that llama.cpp finds. */
#ifndef NN_VOCABULARY_H
#define NN_VOCABULARY_H

#include "nn/gguf.h"

typedef struct nn_vocabulary nn_vocabulary;

/* Is the file's vocabulary of this kind? Others want llama.cpp. */
bool nn_vocabulary_known(const nn_gguf *file);
/* Copies what it needs. Errors: MODEL (what is wrong, in words that follow a file's name), MEMORY. */
AFFECT_MUST_USE affect_status nn_vocabulary_create(affect_context *ctx, const nn_gguf *file,
                                                   nn_vocabulary **out);

/* A new one. Its tokens: the 256 bytes, then one a merge of two that stand before it, then `marks`, which no text is
 * cut through. merges[count][2]: token numbers. Errors: ARGUMENT (a merge of what is not there yet), MEMORY. */
AFFECT_MUST_USE affect_status nn_vocabulary_make(affect_context *ctx, const int32_t (*merges)[2],
                                                 size_t count, const char *const *marks,
                                                 size_t mark_count, nn_vocabulary **out);
void nn_vocabulary_destroy(nn_vocabulary *vocabulary); /* NULL is fine */

size_t nn_vocabulary_size(const nn_vocabulary *vocabulary);
/* Bytes of a token; NULL where there is no such one. */
const char *nn_vocabulary_token(const nn_vocabulary *vocabulary, int32_t token, size_t *length);
bool nn_vocabulary_is_mark(const nn_vocabulary *vocabulary, int32_t token);
/* The number of a mark, or -1. */
int32_t nn_vocabulary_mark(const nn_vocabulary *vocabulary, const char *text);
/* Appends the tokens of a text to a list that grows (base_grow), marks in it as such; `begin`: with the token that the
 * model wants at the begin of a text, if it wants one. Errors: MEMORY. */
AFFECT_MUST_USE affect_status nn_vocabulary_read(affect_context *ctx, const nn_vocabulary *v,
                                                 const char *text, size_t length, bool begin,
                                                 int32_t **tokens, size_t *count, size_t *capacity);

/* The word (or run of signs or of blanks) that begins at text[*at], as Qwen2's pattern cuts it; moves *at behind it.
 * *at < length. */
void nn_vocabulary_next_word(const char *text, size_t length, size_t *at);

/* ---- as a GGUF file spells it ---- */

/* A byte as GPT-2 writes it: UTF-8 of a visible character; returns its length. */
size_t nn_vocabulary_put_byte(unsigned char byte, char out[4]);

#endif
