/* align as a stage of understanding. In: the timelines of perception and fusion. Out, into one of
 * its own: the alignment tree (tiers "alignment/recording", "/episodes", "/utterances", "/moments"),
 * links "matches" between events of different modalities, tracks "consistency/P", events
 * "contradiction" with links "contradicts" and "cites". docs/align.md explains them.
 *
 * Streaming: time is cut into blocks of two minutes; a block is worked through when everything in it
 * and around it is final, so memory holds one block and a few numbers an event. The result does not
 * depend on how the input was cut into calls.
 *
 * The tools that this rests on are in affect/align.h. */
#ifndef ALIGN_H
#define ALIGN_H

#include "affect/align.h"
#include "track/track.h"

typedef struct align_stage align_stage;

/* A block of this length is understood at once; the lag that it finds is what its episodes start
 * from. */
#define ALIGN_BLOCK (120 * AFFECT_SECOND)
/* Rows of consistency are final this much behind the horizon. */
#define ALIGN_LOOKAHEAD (ALIGN_BLOCK + 5 * AFFECT_SECOND)

/* `out` is where results go; borrowed for the life of the stage. Errors: MEMORY. */
AFFECT_MUST_USE affect_status align_create(affect_context *ctx, affect_timeline *out,
                                           align_stage **stage);
/* Takes what is new in the view (always the same timelines, in the same order): the caller states
 * that nothing with a time below `horizon` will be appended any more, episodes aside, which are
 * taken as they come. */
AFFECT_MUST_USE affect_status align_advance(align_stage *stage, const timeline_view *view,
                                            affect_time horizon);
AFFECT_MUST_USE affect_status align_finish(align_stage *stage, const timeline_view *view,
                                           affect_time end);
void align_destroy(align_stage *stage);

/* ---- speaker.c: whose voice and words are those at `time` ---- */

/* `time` is the sound's. The person who speaks most around it by the tier "speaking" (speaking.h);
 * without that tier the only person whose face is in view within two seconds, the one seen last where none is, 1 where nobody ever
 * was; AFFECT_PERSON_NONE where several are. Depends on rows up to two seconds later. */
int align_speaker(const timeline_view *view, affect_time time);

/* ---- node.c: the lag between two modalities in a node of the tree ---- */

enum { ALIGN_PAIRS = 3 }; /* face-voice, face-words, voice-words */

typedef struct align_belief {
    double lag_s, sd_s; /* how much the second comes after the first; NaN: not known */
    double p;           /* how likely chance shows so much relation; NaN: too little to tell */
} align_belief;

/* Is there a lag to speak of? */
bool align_claimed(const align_belief *belief);

/* Events of both modalities in [t0_s, t1_s), in order of time. `parent` is the lag of the node above,
 * or NULL: where it claims one, the node's events are matched near it and correct it, and p asks
 * whether they coincide there more than when one side is shifted round the node; else the lag is
 * searched anew, for which there must be five events a side. `matches` has room for min(n, m) and
 * gets the pairs, *count their number. Errors: MEMORY. */
AFFECT_MUST_USE affect_status align_node_lag(affect_context *ctx, const affect_align_event *a,
                                             size_t n, const affect_align_event *b, size_t m,
                                             double t0_s, double t1_s, const align_belief *parent,
                                             align_belief *out, affect_align_match *matches,
                                             size_t *count);

/* ---- signs.c: is what a modality shows below, at or above neutral? ---- */

enum { ALIGN_SIGNS = 3 }; /* below, at, above neutral */

/* What a modality says at an instant, means over what stands near it. */
typedef struct align_reading {
    double valence, arousal; /* NaN: unknown, counts as 0 */
    double happiness, below; /* shares of the categories above and below neutral, 0..1 */
    double smile;      /* of a face: how far the corners of the lips are pulled (AU12), 0..5; NaN:
                                not known */
    double confidence; /* 0..1; 0: it says nothing */
} align_reading;

/* Probabilities, summing to 1. The reading's confidence is not in them. */
void align_signs_of(affect_modality modality, const align_reading *reading,
                    double out[ALIGN_SIGNS]);
/* 0 where both surely say the same .. 1 where one is surely above and the other below. */
double align_disagreement(const double a[ALIGN_SIGNS], const double b[ALIGN_SIGNS]);
/* The mean of the rows in [t0, t1] of affect, categories and action units (each may be NULL). */
align_reading align_read(const affect_track *affect, const affect_track *categories,
                         const affect_track *units, affect_time t0, affect_time t1);

#endif
