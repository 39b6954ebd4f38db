/* reason: what is said about a timeline, and whether it holds. In: a finished timeline, free
 * descriptions, questions, explanations. Out: labels, explanations with evidence, verdicts,
 * answers. Implements include/affect/reason.h. Follows the survey arXiv 2509.24322: no claim
 * without evidence, no reading of an inner state. */
#ifndef REASON_H
#define REASON_H

#include "affect/reason.h"
#include "base/base.h"

/* A table with the columns name and text as the text of a table name,openset, which
 * `affect score mer-ov` reads. Errors: those of a table; FORMAT (a column is missing). */
AFFECT_MUST_USE affect_status reason_label_table(affect_context *ctx, const char *path,
                                                 base_text *out);

/* Lines of a text file without blanks around them; empty ones are left out. */
typedef struct reason_list {
    const char *const *items;
    size_t count;
    char *text; /* private */
} reason_list;

/* Errors: those of base_read_file (over 1 MiB is LIMIT); FORMAT (no line). */
AFFECT_MUST_USE affect_status reason_list_read(affect_context *ctx, const char *path,
                                               reason_list *out);
void reason_list_clear(reason_list *list);

/* An answer as one line of text with how sure it is, or as JSON. Check out->failed. */
void reason_put_answer(const char *question, const affect_answer *answer, bool json,
                       base_text *out);

/* The deterministic explanation of a timeline as explanation.json and explanation.txt in a folder that
 * is there. Errors: EXISTS (unless `force`), OUTPUT, those of affect_reasoner_create and
 * affect_explain. */
AFFECT_MUST_USE affect_status reason_write(affect_context *ctx, const affect_timeline *timeline,
                                           const char *folder, bool force);
/* The check alone, for a command that wants to know before it works for minutes. */
AFFECT_MUST_USE affect_status reason_check_folder(affect_context *ctx, const char *folder,
                                                  bool force);
/* The vocabulary of a language model, by llama.cpp: context and path of the file from the caller, the rest NULL until the first
 * text opens it. */
typedef struct reason_vocabulary {
    affect_context *ctx;
    const char *path;
    const struct affect_llama_api *api;
    void *model;
} reason_vocabulary;
/* Appends the tokens of a text to a list that grows (base_grow); `begin`: with what the model wants at the begin of a
 * text. `vocabulary` is a reason_vocabulary, as tune_options.tokenise wants it. Errors: MODEL (no model, damaged), RUNTIME (no
 * library), MEMORY. */
AFFECT_MUST_USE affect_status reason_vocabulary_read(void *vocabulary, const char *text, bool begin,
                                                     int32_t **tokens, size_t *count,
                                                     size_t *capacity);
void reason_vocabulary_close(reason_vocabulary *vocabulary);

/* Is a language model, as affect_llm_options.url names it, a file in this process, and no server? */
bool reason_is_file(const char *url);
/* What would be sent in all, for the user to agree to, appended: requests, bytes, pictures, seconds of sound, from which
 * recording, to whom. */
AFFECT_MUST_USE affect_status reason_llm_sends(affect_reasoner *reasoner,
                                               const affect_timeline *timeline,
                                               const affect_llm_options *options, base_text *out);
/* Its text appended to `out`. */
AFFECT_MUST_USE affect_status reason_put_text(affect_context *ctx, const affect_timeline *timeline,
                                              base_text *out);

/* ---- segment.c, streams.c, lines.c: what a tuned language model is told of a segment, and asked ----
 *
 * `affect tune-data` makes pairs of prompts and answers with it, and a tuned model is asked with the same prompts. A prompt
 * holds the marks <face> and <voice> where the streams go, what was said, and for claims the evidence with its
 * ids. An answer is a line of emotion words, or lines of claims, each a sentence with the ids of its evidence
 * in brackets behind it. */

typedef struct reason_segment {
    int person;
    affect_time t0, t1;
    unsigned hidden; /* bit 1 << modality: nothing is told of it */
} reason_segment;

typedef enum reason_task {
    REASON_TASK_LABEL,   /* one emotion */
    REASON_TASK_WORDS,   /* several words, the best first */
    REASON_TASK_EXPLAIN, /* words, then claims */
    REASON_TASK_ANSWER   /* claims that answer a question */
} reason_task;

/* A timeline with what our own explanation claims of it, checked. Borrows both. Errors: MEMORY, CANCELLED. */
typedef struct reason_recording reason_recording;
AFFECT_MUST_USE affect_status reason_recording_open(affect_reasoner *reasoner,
                                                    const affect_timeline *timeline,
                                                    reason_recording **out);
void reason_recording_close(reason_recording *recording); /* NULL is fine */
/* The i-th episode, by time; false beyond the last. */
bool reason_recording_episode(const reason_recording *recording, size_t i, reason_segment *out);
/* Whose episodes are the longest together; AFFECT_PERSON_NONE where there is none. */
int reason_recording_person(const reason_recording *recording);
bool reason_recording_has_person(const reason_recording *recording, int person);
/* `question`: of REASON_TASK_ANSWER, else NULL. Check out->failed. */
void reason_put_task(const reason_recording *recording, const reason_segment *segment,
                     reason_task task, const char *question, base_text *out);
/* Up to `most` claims that hold and of whose evidence all is told in the prompt. A state whose category is not that of
 * `label` (NULL: any) is left out. The caller destroys *out. Errors: MEMORY. */
AFFECT_MUST_USE affect_status reason_recording_explain(const reason_recording *recording,
                                                       const reason_segment *segment,
                                                       const char *label, size_t most,
                                                       affect_explanation **out);
/* The i-th question about what happened when, appended to `question`, with the claim that answers it; *out is NULL
 * beyond the last. Errors: MEMORY. */
AFFECT_MUST_USE affect_status reason_recording_question(const reason_recording *recording,
                                                        const reason_segment *segment, size_t i,
                                                        base_text *question,
                                                        affect_explanation **out);
/* Words for the segment's longest episode that are of the category of `label`, with commas; none is fine. Errors: MEMORY. */
AFFECT_MUST_USE affect_status reason_recording_words(const reason_recording *recording,
                                                     const reason_segment *segment,
                                                     const char *label, base_text *out);
/* Claims as lines: "SENTENCE [ID, ID]". */
void reason_put_lines(const affect_explanation *explanation, base_text *out);

/* ---- streams.c ---- */

enum { REASON_STREAMS = 2 };
/* "face": action units and expression; "voice": prosody, and what the voice's network says. */
extern const char *const reason_stream_names[REASON_STREAMS];

typedef struct reason_stream {
    char **channels; /* "AU01", "expression/anger", ... */
    size_t width, count;
    double *
        times; /* s from the segment's begin; when the values of a row were measured, on the mean */
    float *rows; /* count * width; NaN = unknown */
} reason_stream;

/* Stream i of a segment: a row for each 1/rate_hz s in which there is a value. count 0: it is absent or hidden.
 * Errors: MEMORY. */
AFFECT_MUST_USE affect_status reason_stream_read(const reason_recording *recording,
                                                 const reason_segment *segment, size_t i,
                                                 double rate_hz, reason_stream *out);
void reason_stream_clear(reason_stream *stream);

/* ---- pull.c ---- */

typedef struct reason_pull {
    const char *what;   /* a known model of whisper.cpp ("base.en") or an address, https:// */
    const char *sha256; /* 64 digits, needed with an address; NULL */
    const char *output; /* the file that is made; NULL: named as there, in the current folder */
    void (*progress)(void *user, int64_t bytes, int64_t total); /* total: 0 if unknown; or NULL */
    void *user;
} reason_pull;

/* Fetches a file of weights, unless it is there already; its path is appended and its sum given. It
 * stands under its name only when it is whole and its sum right; what an attempt that was broken off
 * has brought (PATH.partial) is gone on with. Another host that a server sends on to is logged as a
 * warning. Errors: USAGE (no sum), ARGUMENT (not https; this machine may be asked by http), MODEL (no
 * such name; another sum), EXISTS (the file is another), NOT_FOUND (network, server), OUTPUT, RUNTIME,
 * UNSUPPORTED (no libcurl), MEMORY, CANCELLED. */
AFFECT_MUST_USE affect_status reason_pull_file(affect_context *ctx, const reason_pull *asked,
                                               base_text *path, char sha256[65]);

#endif
