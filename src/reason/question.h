/* A question as it was understood. */
#ifndef REASON_QUESTION_H
#define REASON_QUESTION_H

#include "reason/reason_private.h"

typedef enum reason_question_kind {
    REASON_ASK_NOTHING,
    REASON_ASK_STATE,    /* what is expressed, is it X */
    REASON_ASK_EVENT,    /* when, is there a smile */
    REASON_ASK_WHO,      /* who smiles, who is angry */
    REASON_ASK_CHANGE,   /* when, whether, how something changes */
    REASON_ASK_CAUSE,    /* why it changes */
    REASON_ASK_ORDER,    /* which came first */
    REASON_ASK_LAG,      /* how long between */
    REASON_ASK_DURATION, /* how long */
    REASON_ASK_COUNT,    /* how often */
    REASON_ASK_COMPARE,  /* who more */
    REASON_ASK_NEXT,     /* what comes next */
    REASON_ASK_SAID,     /* what is said */
    REASON_ASK_EXTREME,  /* when most cheerful, the highest valence */
    REASON_ASK_MOMENTS,  /* higher at one time than at another */
    REASON_ASK_FOLLOW,   /* who smiles after her, what he does then */
    REASON_ASK_SPEECH,   /* when somebody begins or stops to speak, when nobody does */
    REASON_ASK_SEQUENCE  /* in which order the emotions come */
} reason_question_kind;

typedef struct reason_question {
    const char *asked;
    reason_question_kind kind;
    reason_facts facts;
    const char *refusal; /* why it is not answered, or NULL */
    int person;          /* the one it is about, or AFFECT_PERSON_NONE */
    bool yes_no;
    bool ends;            /* when does it stop: the end of what is asked for, not its begin */
    bool either;          /* "rise or fall", "before or after": no yes or no */
    bool moments;         /* two times are compared */
    bool same;            /* are two alike */
    bool of_voice;        /* "her voice rises", "what happens to his voice": its pitch */
    int places, place[2]; /* of two moments: 0 the beginning, 1 the middle, 2 the end */
    bool level;           /* how high, loud, positive: a level at a time or over the recording */
    bool tells;           /* who speaks, who says it */
    int order;            /* 1 first, 2, 3; -1 last; 0 none named */
    /* when: the whole recording unless `timed` */
    bool timed, outside, unsaid, failed; /* failed: no memory */
    affect_time t0, t1, end;
    int after;                 /* 1 after, -1 before, 0 at */
    const reason_node *anchor; /* "when she smiles", or NULL */
    const char *anchor_kind;
    reason_node said;          /* the anchor, where it is some words of an utterance */
    size_t phrase, phrase_end; /* tokens of what is said in "after she says ..." */
} reason_question;

void reason_question_read(const reason_graph *graph, const words_emotions *lexicon,
                          const char *text, reason_question *out);
/* Text as words in lower case with a blank around each, without apostrophes. */
void reason_question_words(const char *text, base_text *out);
void reason_question_clear(reason_question *question);

#endif
