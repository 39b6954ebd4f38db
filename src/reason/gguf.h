/* Is a file a model in the form GGUF (https://github.com/ggml-org/ggml, docs/gguf.md), whole, and with nothing in it
 * that makes llama.cpp read beyond an end or end the process? */
#ifndef REASON_GGUF_H
#define REASON_GGUF_H

#include <stdint.h>
#include <stdio.h>

/* What is wrong with it, or NULL. The position in the file is anywhere afterwards. */
const char *reason_gguf_damage(FILE *file, int64_t size);

#endif
