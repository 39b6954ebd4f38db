/* What `affect tune` left: an adapter for a language model, and projectors that make soft tokens of a segment's streams. */
#ifndef REASON_ADAPTER_H
#define REASON_ADAPTER_H

#include "reason/segment.h"

typedef struct reason_adapter reason_adapter;
/* Reads a folder of `affect tune`. Errors: NOT_FOUND, MODEL (which file, what is wrong), MEMORY. */
AFFECT_MUST_USE affect_status reason_adapter_open(affect_context *ctx, const char *folder,
                                                  reason_adapter **out);
void reason_adapter_close(reason_adapter *adapter); /* NULL is fine */
/* The file for llama.cpp, or NULL where the projectors alone were trained. */
const char *reason_adapter_file(const reason_adapter *adapter);
size_t reason_adapter_width(const reason_adapter *adapter); /* 0: it has no streams */
/* The stream whose mark ("<face>") stands at the begin of a text and the mark's length, or -1. */
int reason_adapter_mark(const reason_adapter *adapter, const char *text, size_t *length);
/* Soft tokens of stream i for a segment, [*rows, width], until the next call; where the segment has not that stream, those
 * that were learnt for an absent one. Errors: MEMORY. */
AFFECT_MUST_USE affect_status reason_adapter_soft(reason_adapter *adapter,
                                                  const reason_recording *recording,
                                                  const reason_segment *segment, size_t i,
                                                  const float **soft, size_t *rows);

/* ---- tuned.c ---- */

/* A model in this process with an adapter, and the recording that it is asked about. */
typedef struct reason_tuned reason_tuned;
/* `llama` is borrowed. Errors: MODEL (no adapter, or one of another model), MEMORY. */
AFFECT_MUST_USE affect_status reason_tuned_open(affect_context *ctx, reason_llama *llama,
                                                const char *folder, reason_recording *recording,
                                                reason_tuned **out);
void reason_tuned_close(reason_tuned *tuned); /* NULL is fine; closes the recording, too */
/* Appends what it says of a segment (whole lines). Errors: MODEL, LIMIT, CANCELLED, NOT_FOUND (not within `timeout_s`), MEMORY. */
AFFECT_MUST_USE affect_status reason_tuned_ask(reason_tuned *tuned, const reason_segment *segment,
                                               reason_task task, const char *question,
                                               double timeout_s, base_text *out);

/* ---- lines.c ---- */

/* Reads an answer: its first line may be words (into *named as {episode: {word: 1}}, NULL: they are passed over), each other
 * line is a claim with its evidence's ids in brackets behind it. What a claim is about follows from what it cites, and
 * the checker holds its text against that. Errors: FORMAT (no claim), MEMORY. */
AFFECT_MUST_USE affect_status reason_lines_read(affect_context *ctx, const reason_graph *graph,
                                                const words_emotions *lexicon, const char *model,
                                                const char *text, const char *episode,
                                                json_t *named, affect_explanation **out);

#endif
