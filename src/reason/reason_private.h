/* What the files of this room share. */
#ifndef REASON_PRIVATE_H
#define REASON_PRIVATE_H

#include <jansson.h>

#include "affect/reason.h"
#include "reason/reason.h"
#include "reason/turns.h"
#include "track/track.h"
#include "words/emotions.h"

struct affect_reasoner {
    affect_context *ctx;
    words_emotions *lexicon;
    reason_turns_model *turns; /* or NULL: not there, or not for commercial use */
};

/* ---- labels.c ---- */

typedef struct reason_label {
    char *word;
    double score;
    const char *family, *category; /* the lexicon's; "" where a word is none of it */
} reason_label;

struct affect_labels {
    reason_label *items;
    size_t count, capacity;
};

/* Appends entry `i` of the lexicon. Errors: MEMORY. */
AFFECT_MUST_USE affect_status reason_labels_add(affect_context *ctx, affect_labels *labels,
                                                const words_emotions *lexicon, size_t i,
                                                double score);

/* ---- graph.c: what there is to cite, and the levels of the tracks ---- */

typedef struct reason_node {
    const char *id;
    affect_time t0, apex, t1; /* apex: of an interval its begin */
    affect_modality modality;
    int person;
    double strength; /* of an event: strength x confidence; else 0 */
    const affect_event *event;
    const affect_interval *interval; /* one of the two */
    const char *tier;                /* "" for an event */
} reason_node;

typedef struct reason_graph {
    const affect_timeline *timeline; /* merged persons are one */
    affect_timeline *made;           /* where that had to be made */
    reason_node *nodes;              /* by id */
    size_t count;
    const reason_node **events, **episodes; /* by time */
    size_t event_count, episode_count;
    const reason_node **utterances; /* by time */
    reason_turn *turns;             /* of the utterances, and room for one more */
    size_t utterance_count;
    const reason_turns_model *model; /* or NULL */
    int *persons;                    /* who is in the timeline, ascending */
    size_t person_count, person_capacity;
} reason_graph;

/* Borrows the timeline and the reasoner. Errors: MEMORY. */
AFFECT_MUST_USE affect_status reason_graph_build(const affect_reasoner *reasoner,
                                                 const affect_timeline *timeline,
                                                 reason_graph *out);
void reason_graph_clear(reason_graph *graph);
const reason_node *reason_graph_find(const reason_graph *graph, const char *id); /* or NULL */
bool reason_graph_has_person(const reason_graph *graph, int person);
/* The link of that kind between two ids in either direction, or NULL. */
const affect_link *reason_graph_link(const reason_graph *graph, affect_link_kind kind,
                                     const char *a, const char *b);
bool reason_is_episode(const reason_node *node);
/* The person's episode that holds an instant, or NULL. */
const reason_node *reason_episode_at(const reason_graph *graph, int person, affect_time time);
/* The person's episode before this one, or NULL. */
const reason_node *reason_episode_before(const reason_graph *graph, const reason_node *episode);

enum { REASON_VALENCE, REASON_AROUSAL, REASON_DOMINANCE, REASON_PITCH, REASON_LOUDNESS };
extern const char *const reason_dimension_names[]; /* "valence", ..., "pitch", "loudness" */
/* Mean of a dimension in [t0, t1) as a modality alone (FUSED: everything together) says it, and its
 * standard deviation. False where there is none. */
bool reason_level(const reason_graph *graph, int person, affect_modality modality, int dimension,
                  affect_time t0, affect_time t1, double *mean, double *sd);
/* The same of an episode, from what it says of itself where it does. */
bool reason_episode_level(const reason_graph *graph, const reason_node *episode, int dimension,
                          double *mean, double *sd);
/* The level at the end of a stretch less that at its begin. */
bool reason_change(const reason_graph *graph, int person, affect_modality modality, int dimension,
                   affect_time t0, affect_time t1, double *change);
/* From which difference on a level has moved, and up to which it is steady: between them either may
 * be said. In the unit of the dimension. */
double reason_moved(int dimension);
double reason_steady(int dimension);

/* "smile", "rise of pitch": what an event's kind is called in a sentence. */
const char *reason_kind_phrase(const char *kind);

/* ---- explanation.c ---- */

typedef struct reason_claim {
    affect_claim public; /* texts and lists are owned */
    const char *episode; /* id of the episode that a paragraph is about, or NULL; owned */
} reason_claim;

typedef struct reason_named { /* the labels of an episode */
    char *episode;
    int person;
    affect_labels *labels;
} reason_named;

struct affect_explanation {
    char *input, *generator;
    reason_claim *claims;
    size_t count, capacity;
    reason_named *named;
    size_t named_count, named_capacity;
    bool checked;
    size_t strong, strong_cited; /* events, after a check */
    base_text evidence; /* JSON of what it rests on (evidence.c); empty where it was only read */
    base_text text;     /* what was handed out last */
};

enum { REASON_CLAIMS_LIMIT = 10000, REASON_EVIDENCE_LIMIT = 64 };

AFFECT_MUST_USE affect_status reason_explanation_create(affect_context *ctx, const char *input,
                                                        const char *generator,
                                                        affect_explanation **out);
/* Appends a copy of a claim; `episode` may be NULL. Errors: MEMORY. */
AFFECT_MUST_USE affect_status reason_explanation_add(affect_context *ctx, affect_explanation *e,
                                                     const affect_claim *claim,
                                                     const char *episode);
AFFECT_MUST_USE affect_status reason_claim_judge(affect_context *ctx, reason_claim *claim,
                                                 affect_verdict verdict, const char *reason);

/* The labels of an episode, taken over. Errors: MEMORY (then they are destroyed). */
AFFECT_MUST_USE affect_status reason_explanation_name(affect_context *ctx, affect_explanation *e,
                                                      const char *episode, int person,
                                                      affect_labels *labels);

/* ---- sentence.c: what a sentence about a timeline says, as facts ---- */

enum { REASON_TOKEN = 40, REASON_TOKENS = 400, REASON_FACTS = 16 };

typedef struct reason_token {
    char text[REASON_TOKEN]; /* a word in lower case, or a number as it stands */
    double value;            /* of a number, else NaN */
    int decimals;
    bool clock;  /* 1:20 */
    bool quoted; /* between quotation marks */
    bool capital;
    char before; /* punctuation in front; 0 for none */
} reason_token;

typedef struct reason_quantity {
    double value, tolerance; /* seconds; half a unit of the last decimal */
    size_t at;               /* token */
} reason_quantity;

typedef struct reason_mention {
    const char *kind; /* of an event */
    size_t at;
    bool denied;
} reason_mention;

typedef struct reason_move {
    int dimension; /* or -1 */
    affect_direction direction;
    size_t at;
} reason_move;

typedef struct reason_facts {
    reason_token tokens[REASON_TOKENS];
    size_t token_count;
    reason_quantity times[REASON_FACTS], lags[REASON_FACTS], lasting[REASON_FACTS];
    size_t time_count, lag_count, lasting_count;
    int persons[REASON_FACTS];
    size_t person_at[REASON_FACTS];
    size_t person_count;
    bool modality[AFFECT_MODALITY_FUSED + 1];
    reason_mention kinds[REASON_FACTS];
    size_t kind_count;
    reason_move moves[REASON_FACTS];
    size_t move_count;
    long labels[REASON_FACTS]; /* entries of the lexicon; -1: a category or region that it lacks */
    size_t label_at[REASON_FACTS];
    size_t label_count;
    long denied[REASON_FACTS]; /* the same of what is denied: "is not sad" */
    size_t denied_at[REASON_FACTS];
    size_t denied_count;
    bool agreement;  /* two things are said to agree */
    base_text quote; /* what stands between quotation marks, words with blanks between */
} reason_facts;

/* Clear with reason_facts_clear. What goes beyond the limits above is not looked at. */
void reason_facts_read(const reason_graph *graph, const words_emotions *lexicon, const char *text,
                       reason_facts *out);
void reason_facts_clear(reason_facts *facts);
/* Is the token (in lower case) one of the words? One that ends in * stands for all that begin so. */
bool reason_is(const char *word, const char *const *list);
#define REASON_IS(word, ...) reason_is((word), (const char *const[]){__VA_ARGS__, NULL})

/* ---- evidence.c ---- */

/* Fills e->evidence: what the claims cite and what links tie to that. Errors: MEMORY. */
AFFECT_MUST_USE affect_status reason_evidence(affect_context *ctx, const reason_graph *graph,
                                              affect_explanation *e);

/* ---- check.c ---- */

/* How well an emotion word (`entry` of the lexicon, or -1 and only `word`) fits an episode: 1 its label or category, less for its runners-up, 0 what
 * it speaks against; NaN where nothing can be said. */
double reason_label_fit(const reason_graph *graph, const words_emotions *lexicon, long entry,
                        const char *word, const reason_node *episode);

/* ---- prompt.c: what a language model is told ---- */

typedef struct reason_scope {
    const reason_node *episode; /* told of with what surrounds it; NULL: everything */
    bool outline;               /* persons and episodes alone */
    affect_modality hidden;     /* nothing is told of it; NONE: none is hidden */
    double least;               /* events weaker than that are left out */
} reason_scope;

/* Is a word in a list with commas? */
bool reason_list_names(const char *list, const char *word);
/* Is the server told it: "text", "events", "pictures", "audio"? */
bool reason_sends(const affect_llm_options *o, const char *what);

/* The text of a shipped template or of a file. Errors: NOT_FOUND, LIMIT, FORMAT (no {EVIDENCE}), MEMORY. */
AFFECT_MUST_USE affect_status reason_prompt_template(affect_context *ctx, const char *prompt,
                                                     char **out);
/* Appends the prompt, and to `ids` what it names as a JSON list (nothing where it names nothing).
 * Errors: MEMORY. */
AFFECT_MUST_USE affect_status reason_prompt_make(affect_context *ctx, const reason_graph *graph,
                                                 const char *pattern, const affect_llm_options *o,
                                                 const reason_scope *scope, base_text *out,
                                                 base_text *ids);

/* ---- grammar.c: the form of an answer ---- */

typedef struct reason_question_to {
    const char *prompt;
    const char *ids; /* as above */
    int vote;        /* 0 for the first */
    int most;        /* claims (episodes with their words) in the answer */
    bool labels;     /* words for episodes are asked for, not claims */
    const struct reason_attachments *attached; /* those of it that are chosen; NULL: none */
} reason_question_to;

enum { REASON_LABEL_WORDS = 4, REASON_LABEL_LETTERS = 32 }; /* of an episode, of a word */
/* The JSON schema of the answer. Not `bounded`: any id may be cited, and no list and no text has a
 * greatest length. Check out->failed. */
void reason_put_form(const affect_llm_options *o, const reason_question_to *question, bool bounded,
                     base_text *out);

/* A schema as a GBNF grammar. Errors: FORMAT (it holds what this does not know), MEMORY. */
AFFECT_MUST_USE affect_status reason_grammar(affect_context *ctx, const char *schema,
                                             base_text *out);

/* ---- server.c, llama.c: the two ways to ask a model ---- */

/* How a server wants to be asked, as it was found out; begins with zeros and goes on from question to
 * question. */
typedef struct reason_server_form {
    int answer; /* how the answer's form is asked for */
    bool sound_by_url;
    bool no_pictures, no_sound; /* it refused them */
} reason_server_form;
/* Appends the text of the answer. `deadline`: on base_now_s's clock. Errors: those of reason_http_ask; FORMAT (no chat
 * completion). */
AFFECT_MUST_USE affect_status reason_server_ask(affect_context *ctx, const affect_llm_options *o,
                                                const reason_question_to *question, double deadline,
                                                reason_server_form *form, base_text *out);

typedef struct reason_llama reason_llama;
/* Loads the model in the file o->url, in a process of its own. Errors: MODEL (no model, damaged, that process ended),
 * RUNTIME (no library, no program), CANCELLED, MEMORY. */
AFFECT_MUST_USE affect_status reason_llama_open(affect_context *ctx, const affect_llm_options *o,
                                                reason_llama **out);
void reason_llama_close(reason_llama *llama); /* NULL is fine */
/* What the projector of o->mmproj takes; nothing without one. */
void reason_llama_takes(const reason_llama *llama, bool *pictures, bool *sound);
/* Does the prompt leave room for an answer? */
bool reason_llama_fits(const reason_llama *llama, const char *prompt);
/* Appends the text of the answer, which follows the bounded schema. Errors: MODEL, FORMAT (cut off), NOT_FOUND (not
 * within `timeout_s`), CANCELLED, MEMORY. */
AFFECT_MUST_USE affect_status reason_llama_ask(reason_llama *llama, const affect_llm_options *o,
                                               const reason_question_to *question, double timeout_s,
                                               base_text *out);

/* The same model with the adapter in a file. Errors: MODEL. */
AFFECT_MUST_USE affect_status reason_llama_adapt(reason_llama *llama, const char *adapter);
size_t reason_llama_width(const reason_llama *llama); /* values of an embedding */
/* As reason_vocabulary_read. */
AFFECT_MUST_USE affect_status reason_llama_tokens(const reason_llama *llama, const char *text,
                                                  bool begin, int32_t **tokens, size_t *count,
                                                  size_t *capacity);
/* Tokens, or where that is NULL embeddings [count, width]. */
typedef struct reason_part {
    const int32_t *tokens;
    const float *embeddings;
    size_t count;
} reason_part;
/* Appends what is likeliest to follow, up to `most` tokens; *complete: the model ended it. Errors: as reason_llama_ask. */
AFFECT_MUST_USE affect_status reason_llama_go_on(reason_llama *llama, const reason_part *parts,
                                                 size_t count, size_t most, double timeout_s,
                                                 base_text *out, bool *complete);

/* ---- ask.c ---- */

/* The claims of an explanation as an answer: their sentences with the evidence in brackets. Errors: MEMORY. */
AFFECT_MUST_USE affect_status reason_answer_of(affect_context *ctx,
                                               const affect_explanation *claims,
                                               const affect_answer **out);

/* ---- answer.c ---- */

/* The JSON object in what a model says, which may put a fence around it or think aloud first; NULL: none is in it. */
json_t *reason_object_in(const char *content);

/* ---- named.c: words first, evidence second ---- */

/* `named`: a JSON object {episode: {word: votes}}. */
void reason_put_label_question(const affect_llm_options *o, base_text *out);
void reason_put_named(json_t *named, base_text *out);
/* Adds the words of an answer. Errors: FORMAT, MEMORY. */
AFFECT_MUST_USE affect_status reason_named_read(affect_context *ctx, const reason_graph *g,
                                                const char *content, json_t *named);
void reason_named_keep(json_t *named, size_t answers); /* what more than half of them name */
/* Drops the states that say none of the words of their episode. */
void reason_named_drop(const affect_reasoner *r, const reason_graph *g, json_t *named,
                       affect_explanation *e);
/* The words that fit what was measured, as labels. Errors: MEMORY. */
AFFECT_MUST_USE affect_status reason_named_fill(const affect_reasoner *r, const reason_graph *g,
                                                json_t *named, affect_explanation *e);

/* ---- cause.c ---- */

/* How well `cause` explains the begin of `effect`: 0 (not at all) to 1. A link where there is one; of
 * an utterance what the model of turns says; else the time between and what the cause expresses. */
double reason_cause_score(const reason_graph *graph, const reason_node *cause,
                          const reason_node *effect);
/* The best candidate, or NULL. */
const reason_node *reason_cause_find(const reason_graph *graph, const reason_node *effect,
                                     double *score);
enum { REASON_CAUSE_PERCENT = 30 }; /* from which score on it is said, in hundredths */

/* ---- name.c ---- */

/* The labels of an episode; see affect_labels_of_episode. Errors: MEMORY. */
AFFECT_MUST_USE affect_status reason_name_episode(affect_context *ctx, const reason_graph *graph,
                                                  const words_emotions *lexicon,
                                                  const reason_node *episode,
                                                  const char *const *allowed, size_t allowed_count,
                                                  affect_labels **labels);
/* "Ann", or "person 2"; for the begin of a sentence "Person 2". */
const char *reason_person_title(const affect_timeline *timeline, int person, bool begin,
                                char out[64]);

#endif
