/* What the files that answer questions share: the answer that is put together, and what is found for it. */
#ifndef REASON_ASK_H
#define REASON_ASK_H

#include "reason/question.h"

enum { REASON_ASK_EVIDENCE = 32 };

typedef struct reply {
    affect_answer public;
    base_text text, value;
    char *ids[REASON_ASK_EVIDENCE];
    size_t count;
    bool failed;
} reply;

typedef struct asking {
    const reason_graph *g;
    const words_emotions *lexicon;
    const reason_question *q;
    reply *r;
} asking;

/* ---- ask_reply.c ---- */

void reason_ask_cite(reply *r, const reason_node *n);
void reason_ask_refuse(reply *r, const char *why);
void reason_ask_give(reply *r, const char *kind, double confidence, const char *value, ...)
    AFFECT_PRINTF(4, 5);
void reason_ask_say(asking *a, const char *format, ...) AFFECT_PRINTF(2, 3);
double reason_ask_s(affect_time t);
const char *reason_ask_title(const asking *a, int person, bool begin, char out[64]);
/* P(x > 0) of a normal with that mean and deviation: how sure a difference is. */
double reason_ask_surely(double mean, double sd);
/* How sure a node is; a contradiction not more than the less sure of its sides. */
double reason_ask_score_of(const asking *a, const reason_node *n);
/* Was the person (NONE: anybody) seen, heard, or quoted at all? A timeline without a measured track was put together
 * by hand and tells nothing of that: it counts as complete. */
bool reason_ask_observed(const asking *a, int person, affect_modality modality);
/* Why the question must not be answered, though it was understood, or NULL. */
const char *reason_ask_out_of_sight(const asking *a);
/* NONE: of that event no single modality tells. */
affect_modality reason_ask_modality_of(const char *kind);
/* Is it of the person that is asked about? */
bool reason_ask_own(const asking *a, const reason_node *n);
/* Does it lie in the window? An instant takes what is around it. */
bool reason_ask_in_window(const asking *a, const reason_node *n);
/* The episode of a person at an instant: of two that meet there, the later. */
const reason_node *reason_ask_episode_at(const asking *a, int person, affect_time t);
bool reason_ask_is_label(const asking *a, const reason_node *e, size_t k);
bool reason_ask_any_label(const asking *a, const reason_node *e);
const char *reason_ask_asked_word(const asking *a, size_t k);
/* The kind of event that is asked for: the one that does not only say when. */
const char *reason_ask_asked_kind(const asking *a);
/* "angry" for "anger", where a label is a category's noun. */
const char *reason_ask_adjective(const char *label);
void reason_ask_say_state(asking *a, const reason_node *e);
void reason_ask_say_event(asking *a, const reason_node *n);
/* What the question says of a level, as a sign: +1 "positive", -1 "negative", 0 nothing. */
int reason_ask_asked_sign(const asking *a);
int reason_ask_asked_dimension(const asking *a); /* or -1 */
bool reason_ask_asked_event(const asking *a, const reason_node *n, const char *kind);
/* The n-th (1 first, -1 last) event of a kind in the window. */
const reason_node *reason_ask_nth_event(const asking *a, const char *kind, int n);
/* Does the question choose one by length ("the longest pause") or strength ("her strongest smile")? */
bool reason_ask_picks(const asking *a);
/* The event of a kind in the window that the question chooses, by its place, length or strength; NULL: it chooses
 * none, or none is there. */
const reason_node *reason_ask_chosen(const asking *a, const char *kind);
/* Is one of the words in the question, outside quotation marks? */
bool reason_ask_there(const asking *a, const char *const *list);
#define THERE(a, ...) reason_ask_there((a), (const char *const[]){__VA_ARGS__, NULL})
/* The tier that tells who speaks when: utterances, without them `speaking`; NULL: neither. */
const affect_tier *reason_ask_speech(const asking *a);

/* ---- ask_level.c: valence, arousal, pitch ---- */

void reason_ask_level(asking *a); /* how positive, how aroused, at a time */
/* Which side of pitch (or loudness, or, -2, of what is not compared) voices are compared on; -1: not voices. */
int reason_ask_voices(const asking *a, int *sign);
void reason_ask_put_level(int dimension, double level, char out[32]); /* "187 Hz", "-18.0 dB" */
bool reason_ask_for_level(const asking *a); /* is it what the question asks for? */
void reason_ask_trend(asking *a, int dimension, affect_direction direction); /* does it rise? */
void reason_ask_extreme(asking *a); /* when is it highest */
void reason_ask_moments(asking *a); /* higher at one time than at another */

/* ---- ask_order.c: what comes first, next, and in which order ---- */

void reason_ask_order(asking *a);
void reason_ask_lag(asking *a);
/* "How long from the first smile to the second": a lag, though it names one kind. */
bool reason_ask_two_of_kind(const asking *a);
void reason_ask_follow(asking *a);       /* who smiles after her first smile */
void reason_ask_speech_times(asking *a); /* when somebody speaks, and when nobody does */
void reason_ask_sequence(asking *a);     /* in which order the emotions come */

#endif
