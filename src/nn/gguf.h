/* GGUF files (https://github.com/ggml-org/ggml, docs/gguf.md): header, named values, tensors; then their data, each
 * at an aligned offset. One walk reads them for this library and says of a file that goes to llama.cpp that
 * nothing in it makes that read beyond an end or end the process. */
#ifndef NN_GGUF_H
#define NN_GGUF_H

#include "base/base.h"

typedef enum nn_gguf_use {
    NN_GGUF_MODEL,    /* a whole language model: vocabulary and weights */
    NN_GGUF_ADAPTER,  /* weights that go with one */
    NN_GGUF_PROJECTOR /* of pictures or sound, for one ("mmproj") */
} nn_gguf_use;

enum { NN_GGUF_NAME = 64 }; /* bytes of a tensor's name with its end */

typedef struct nn_gguf_tensor {
    char name[NN_GGUF_NAME];
    size_t rank, d[4];         /* d[0] lies together; those beyond the rank are 1 */
    uint32_t type;             /* ggml's number */
    const unsigned char *data; /* may lie at any address */
    size_t bytes;
} nn_gguf_tensor;

typedef struct nn_gguf nn_gguf;

/* Maps an open file; the descriptor stays the caller's and may be closed. The file must not become
 * shorter while it is in use. Errors: MODEL (what is wrong in words that follow a file's name), MEMORY. */
AFFECT_MUST_USE affect_status nn_gguf_open(affect_context *ctx, int descriptor, nn_gguf_use use,
                                           nn_gguf **out);
/* The same of bytes that stay the caller's and outlive it. */
AFFECT_MUST_USE affect_status nn_gguf_read(affect_context *ctx, const void *bytes, size_t size,
                                           nn_gguf_use use, nn_gguf **out);
void nn_gguf_close(nn_gguf *file); /* NULL is fine */

/* A number or truth value; false where there is none of that name. */
bool nn_gguf_number(const nn_gguf *file, const char *name, double *out);
/* A text, cut where it is longer; false where there is none, or a zero byte in it. */
bool nn_gguf_text(const nn_gguf *file, const char *name, char *out, size_t room);
/* Entries of a list, or 0. */
size_t nn_gguf_length(const nn_gguf *file, const char *name);
/* Does a value of that name stand in it, of whatever kind? */
bool nn_gguf_has(const nn_gguf *file, const char *name);

/* The texts of a list, one after the other, and how many are left. */
typedef struct nn_gguf_texts {
    const unsigned char *next;
    size_t left;
} nn_gguf_texts;
bool nn_gguf_list(const nn_gguf *file, const char *name, nn_gguf_texts *out); /* false: none */
/* Not terminated; false at the end. */
bool nn_gguf_next(nn_gguf_texts *list, const char **text, size_t *length);
/* Entry i of a list of 32-bit integers; `usual` where there is none. */
int32_t nn_gguf_int(const nn_gguf *file, const char *name, size_t i, int32_t usual);

size_t nn_gguf_count(const nn_gguf *file); /* tensors */
const nn_gguf_tensor *nn_gguf_at(const nn_gguf *file, size_t i);
const nn_gguf_tensor *nn_gguf_find(const nn_gguf *file, const char *name); /* or NULL */

#endif
