/* Reasoning over a timeline: which words name what was expressed, on what evidence, whether an
 * account of it holds, and answers to questions about it. All of it is about what people would
 * perceive, never about an inner state, and everything cites ids of the timeline.
 *
 * A reasoner holds what is read once (the emotion lexicon); it is immutable and may be used by
 * several threads. docs/reason.md has the rules. */
#ifndef AFFECT_REASON_H
#define AFFECT_REASON_H

#include <stddef.h>

#include "affect/context.h"
#include "affect/status.h"
#include "affect/timeline.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct affect_reasoner affect_reasoner;

/* Reads the lexicon (`lexicon`: name or folder of a model, NULL = "words.emotions"). `context` must
 * outlive it, and may be NULL, as in all of this file. Errors: MODEL, MEMORY. The caller destroys *out. */
AFFECT_API AFFECT_MUST_USE affect_status affect_reasoner_create(affect_context *context,
                                                                const char *lexicon,
                                                                affect_reasoner **out);
AFFECT_API void affect_reasoner_destroy(affect_reasoner *reasoner); /* NULL is fine */

/* ---- labels ---- */

/* Words that name an expression, the best first. */
typedef struct affect_labels affect_labels;

AFFECT_API size_t affect_labels_count(const affect_labels *labels); /* NULL is 0 */
/* Borrowed from the list; NULL (NaN) beyond its end. */
AFFECT_API const char *affect_labels_word(const affect_labels *labels, size_t i);
AFFECT_API double affect_labels_score(const affect_labels *labels, size_t i); /* 0..1; sum 1 */
AFFECT_API const char *affect_labels_family(const affect_labels *labels, size_t i); /* "joy" */
/* One of the eight categories: "happiness". */
AFFECT_API const char *affect_labels_category(const affect_labels *labels, size_t i);
AFFECT_API void affect_labels_destroy(affect_labels *labels); /* NULL is fine */

/* The emotions that a description in English ascribes to the person it is about, by fixed rules:
 * what is denied, supposed, quoted or somebody else's does not count. None is fine (count 0).
 * Errors: LIMIT (over 20,000 words), MEMORY. The caller destroys *labels. */
AFFECT_API AFFECT_MUST_USE affect_status affect_labels_from_text(affect_reasoner *reasoner,
                                                                 const char *text,
                                                                 affect_labels **labels);

/* The labels of one episode (an interval of the tier "episodes"), from its place in valence, arousal
 * and dominance, its posteriors, its words and how it differs from the episode before. `allowed`
 * (`allowed_count` texts) restricts them to a user's own list; NULL is the whole lexicon. Errors:
 * NOT_FOUND (no such episode), MEMORY. The caller destroys *labels. */
AFFECT_API AFFECT_MUST_USE affect_status
affect_labels_of_episode(affect_reasoner *reasoner, const affect_timeline *timeline, const char *id,
                         const char *const *allowed, size_t allowed_count, affect_labels **labels);

/* ---- explanations ---- */

/* X(symbol, word): what a claim says. */
#define AFFECT_CLAIM_TABLE(X)                                                                      \
    X(EVENT, "event")   /* something was seen, heard or said */                                    \
    X(STATE, "state")   /* what was expressed for a while */                                       \
    X(CHANGE, "change") /* a level moved, or did not */                                            \
    X(ORDER, "order")   /* the first of the evidence came before the second */                     \
    X(LAG, "lag")       /* by how much */                                                          \
    X(CAUSE, "cause")   /* the first of the evidence may be the reason of the second */            \
    X(CONTRADICTION, "contradiction") /* two modalities speak for different things */

typedef enum affect_claim_kind {
#define AFFECT_CLAIM_ENUM(symbol, word) AFFECT_CLAIM_##symbol,
    AFFECT_CLAIM_TABLE(AFFECT_CLAIM_ENUM)
#undef AFFECT_CLAIM_ENUM
} affect_claim_kind;

typedef enum affect_direction {
    AFFECT_DIRECTION_NONE = 0,
    AFFECT_DIRECTION_RISE = 1,
    AFFECT_DIRECTION_FALL = 2,
    AFFECT_DIRECTION_STEADY = 3
} affect_direction;

typedef enum affect_verdict {
    AFFECT_VERDICT_NONE = 0, /* not checked yet */
    AFFECT_VERDICT_SUPPORTED = 1,
    AFFECT_VERDICT_CONTRADICTED = 2, /* the timeline says otherwise, or text and fields differ */
    AFFECT_VERDICT_UNSUPPORTED = 3,  /* nothing that is cited shows it */
    AFFECT_VERDICT_UNCHECKABLE = 4   /* the timeline has not what it would take */
} affect_verdict;

AFFECT_API const char *affect_claim_kind_name(affect_claim_kind kind);    /* "event" */
AFFECT_API const char *affect_direction_name(affect_direction direction); /* "rise"; NONE: "" */
AFFECT_API const char *affect_verdict_name(affect_verdict verdict);       /* "supported" */

/* Handed out by pointer; may get further members at its end. */
typedef struct affect_claim {
    const char *text; /* one sentence, UTF-8 */
    affect_claim_kind kind;
    int person; /* AFFECT_PERSON_NONE: nobody in particular */
    affect_modality modality;
    affect_direction direction;
    affect_time t0, t1;
    const char *const *evidence; /* ids, in the order of time where order matters */
    size_t evidence_count;
    affect_verdict verdict;
    const char *reason; /* of the verdict; "" before a check */
} affect_claim;

/* An account of a recording as claims; docs/explanation.schema.json describes its file. */
typedef struct affect_explanation affect_explanation;

/* A deterministic account of the timeline: of each episode what, when, how sure, on which evidence in
 * which modality, what changed, what may have caused it and what contradicts. `allowed` as above.
 * Errors: CANCELLED, MEMORY. The caller destroys *out. */
AFFECT_API AFFECT_MUST_USE affect_status affect_explain(affect_reasoner *reasoner,
                                                        const affect_timeline *timeline,
                                                        const char *const *allowed,
                                                        size_t allowed_count,
                                                        affect_explanation **out);
/* Reads the JSON of an explanation (affect-explanation/1), at most 64 MiB and 10,000 claims; "-" is
 * standard input. Members that are not known are passed over. Errors: NOT_FOUND, LIMIT, FORMAT (which
 * claim, which member), MEMORY. The caller destroys *out. */
AFFECT_API AFFECT_MUST_USE affect_status affect_explanation_read(affect_context *context,
                                                                 const char *path,
                                                                 affect_explanation **out);
/* The same from memory; `name` stands in messages. */
AFFECT_API AFFECT_MUST_USE affect_status affect_explanation_parse(affect_context *context,
                                                                  const char *name,
                                                                  const char *text, size_t length,
                                                                  affect_explanation **out);
/* Its JSON (with verdicts once it was checked), or its text as paragraphs. The pointer lives until
 * the next of these calls on the explanation or its end. Errors: MEMORY. */
AFFECT_API AFFECT_MUST_USE affect_status affect_explanation_json(affect_context *context,
                                                                 affect_explanation *explanation,
                                                                 const char **text);
AFFECT_API AFFECT_MUST_USE affect_status affect_explanation_text(affect_context *context,
                                                                 affect_explanation *explanation,
                                                                 const char **text);
/* What a check found, a line a claim, and the sums. */
AFFECT_API AFFECT_MUST_USE affect_status affect_explanation_verdicts(
    affect_context *context, affect_explanation *explanation, const char **text);
AFFECT_API size_t affect_explanation_count(const affect_explanation *explanation);
AFFECT_API const affect_claim *affect_explanation_claim(const affect_explanation *explanation,
                                                        size_t i);           /* or NULL */
AFFECT_API void affect_explanation_destroy(affect_explanation *explanation); /* NULL is fine */

/* ---- checking ---- */

/* Gives each claim a verdict with its reason: existence of the evidence, interval, modality, person,
 * direction, order, lag, and whether the text says what the fields say. Errors: CANCELLED, MEMORY. */
AFFECT_API AFFECT_MUST_USE affect_status affect_explanation_check(affect_reasoner *reasoner,
                                                                  const affect_timeline *timeline,
                                                                  affect_explanation *explanation);
/* After a check: the share of the claims that are supported, 0..1; NaN without claims. */
AFFECT_API double affect_explanation_faithfulness(const affect_explanation *explanation);
/* After a check: the share of the timeline's strong events (strength times confidence at least .5,
 * blinks aside) that supported claims cite, 0..1; NaN where there are none. */
AFFECT_API double affect_explanation_utilisation(const affect_explanation *explanation);
/* Takes out the claims with any other verdict than supported. */
AFFECT_API void affect_explanation_drop(affect_explanation *explanation);

/* ---- explanations by a language model, checked ---- */

typedef struct affect_llm_options {
    const char *url; /* of an OpenAI-compatible server: "http://127.0.0.1:8080/v1", or the name of a
                           model's file that ends in .gguf: it runs in this process, by llama.cpp */
    const char *model;  /* as the server calls it; NULL = "default" */
    const char *prompt; /* "zero-shot" (NULL), "few-shot", "chain-of-thought", or a file */
    const char
        *send; /* what the server is told beside persons and episodes, with commas: "text" (what
                           was said), "events" (and links), "pictures" (of faces) and "audio", both from
                           `media`; NULL = all four */
    const char *key; /* bearer token, or NULL; never logged and never written */
    double
        timeout_s; /* for everything, retries included, or for each answer of a model in this process;
                           0 = 120 */
    int votes;     /* answers that are asked for, 1 to 15; 0 = 1: claims that more than half of
                           them make are kept */
    int mask;      /* not 0: it is asked again with face, voice and words hidden in turn, and what
                           it claims of a modality that it could not see is dropped: that did not
                           come from the evidence (up to three more answers) */
    /* Told what is being done and its share, 0..1; NULL is fine. */
    void (*progress)(void *user, const char *what, double share);
    void *progress_user;
    int labels_first; /* not 0: it is asked for words for each episode first and for claims second; states
                           are kept that say one of them, and what fits the measurements becomes the
                           explanation's labels (one more answer for each) */
    const char *const *allowed; /* the only words for labels then, as in affect_explain */
    size_t allowed_count;
    const char *
        adapter; /* NULL, or a folder of `affect tune`: the file `url` is asked with its adapter, sees and hears
                            the streams, and is asked as it was taught; of the options above only model, mask,
                            timeout_s and progress are then of use */
    const char
        *media; /* the recording, whose pictures and sound are sent to a server whose model takes
                          them; NULL = none is sent */
    const char
        *attach; /* "pictures", "audio" or both with a comma: what the model takes; NULL = the
                           server is asked */
    const char *mmproj; /* NULL, or the projector (GGUF) that goes with the file `url`: pictures and
                           sound of `media` are shown to that model where the projector takes them */
} affect_llm_options;

/* What would be sent, as one text (*text is the caller's: affect_text_free). `size` is sizeof of the
 * options. Errors: ARGUMENT, NOT_FOUND (the prompt's file), FORMAT (it has no {EVIDENCE}), MEMORY. */
AFFECT_API AFFECT_MUST_USE affect_status affect_llm_prompt(affect_reasoner *reasoner,
                                                           const affect_timeline *timeline,
                                                           const affect_llm_options *options,
                                                           size_t size, char **text);
AFFECT_API void affect_text_free(char *text); /* NULL is fine */
/* Asks the server or the model that options->url names, and nobody else. Its claims are checked, and what
 * is not supported is dropped. A model in this process, and a server where a recording's measurements
 * exceed 48 KiB, is asked episode by episode and last about the episodes as a whole; an episode of which it says
 * nothing that holds gets its paragraph of the deterministic explanation. Whatever goes wrong with all
 * gives that explanation alone; each of both gives one warning on the context's log. Errors: ARGUMENT, those of affect_llm_prompt, CANCELLED, MEMORY. */
AFFECT_API AFFECT_MUST_USE affect_status affect_explain_with_llm(affect_reasoner *reasoner,
                                                                 const affect_timeline *timeline,
                                                                 const affect_llm_options *options,
                                                                 size_t size,
                                                                 affect_explanation **out);

/* ---- questions ---- */

/* Handed out by pointer; may get further members at its end. */
typedef struct affect_answer {
    const char *text;  /* sentences in English, with the evidence in brackets */
    const char *kind;  /* "state", "event", "who", "change", "cause", "order", "lag", "duration",
                          "count", "comparison", "next", "said", or "refused" */
    const char *value; /* the answer in a word or number: a label, "yes", "12.5", "person 2" */
    int refused;       /* 1: it cannot be known from the timeline; `text` says why */
    double confidence; /* 0..1: how sure; NaN where it is refused */
    const char *const *evidence; /* ids */
    size_t evidence_count;
} affect_answer;

/* Answers a question in English from the timeline alone, by the grammar of docs/reason.md. Questions
 * that it does not cover, or that no expression answers, are refused. Errors: LIMIT (over 2,000
 * bytes), MEMORY. The caller destroys *out. */
AFFECT_API AFFECT_MUST_USE affect_status affect_ask(affect_reasoner *reasoner,
                                                    const affect_timeline *timeline,
                                                    const char *question,
                                                    const affect_answer **out);
/* The same by a tuned language model (options->url and options->adapter), which is asked about the episode that the
 * timeline's own answer cites, else about the longest. Its claims are checked, and those that hold are the answer (kind "claims", value "",
 * confidence NaN). What the timeline alone refuses stays refused, and where the model says nothing that holds, the timeline's
 * own answer is given and a warning on the context's log. `size` is sizeof of the options. Errors: ARGUMENT,
 * those of affect_ask, CANCELLED, MEMORY. */
AFFECT_API AFFECT_MUST_USE affect_status affect_ask_with_llm(
    affect_reasoner *reasoner, const affect_timeline *timeline, const char *question,
    const affect_llm_options *options, size_t size, const affect_answer **out);
AFFECT_API void affect_answer_destroy(const affect_answer *answer); /* NULL is fine */

#ifdef __cplusplus
}
#endif
#endif
