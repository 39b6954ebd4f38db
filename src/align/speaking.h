/* Who speaks, and by how much sound and picture are apart. In: a view with voice/prosody, voice/activity,
 * mouths and action units. Out: the tier "speaking", for the whole recording one: intervals with
 * speech, whose person is who says it (AFFECT_PERSON_NONE: nobody in view; person 1 while no face
 * has been in view at all) and whose score is how
 * sure that is; where two speak at once two intervals overlap. A voice that has a channel of its own
 * (tier "speakers", attribute "channel") is a person, whether or not a face is his. And the recording's own audio-visual
 * offset: the tier "av_offset" with what was known when, and the properties av_offset_s and
 * av_offset_sd_s.
 *
 * Lip-voice synchrony (align/synchrony.h) is evidence for each mouth in view, or for nobody; a
 * mouth that does not move is evidence against. A hidden Markov chain over who speaks, a state each
 * 0.1 s, joins it; each state is decided 2 s later. The offset is the lag at which the best mouths
 * fit the voice best, all of the recording so far considered; it is claimed where the likelihood
 * leaves no other lag. Where one is claimed, at the end everything is decided again with it; parts of a
 * recording that was put together have their own, or none ("unknown").
 *
 * At the end, when all of the recording is known, voices that were told apart (tier "speakers" without
 * channels) are joined with faces: a voice that lips gave to one face, surely and mostly, is that
 * face's also where nobody in view was seen to speak; one that is no face's is a person of its own, as
 * is, in a recording without faces, each voice. What is heard of it for less than 3 s, or unsurely,
 * stays nobody's.
 *
 * Times of "speaking" are the picture's: those of the sound less the offset, where one is claimed
 * and corrected. Bounded memory; the result does not depend on how the input was cut. */
#ifndef ALIGN_SPEAKING_H
#define ALIGN_SPEAKING_H

#include "align/synchrony.h"
#include "align/together.h"

/* Results are final this much behind the horizon; an interval comes when it has ended, and none is
 * longer than ALIGN_SPEAKING_LONGEST. */
#define ALIGN_SPEAKING_LOOKAHEAD (16 * AFFECT_SECOND)
#define ALIGN_SPEAKING_LONGEST (5 * AFFECT_SECOND)
/* Lags that are tried: sound up to so much earlier or later than the picture. */
#define ALIGN_OFFSET_MOST (680 * AFFECT_MILLISECOND)

/* What decides who speaks: name, value, meaning. Fitted by bench/speakers.py on the people that it names
 * (docs/align.md); a program of its own may try others. */
#define ALIGN_RULES(X)                                                                                        \
    /* Ratios of neighbouring cells say almost the same thing: so much of their sum is new. */                \
    X(chain_weight, 0.07)                                                                                     \
    /* Of nobody in view: prior, and log likelihood of 0.1 s of speech against a face of ratio 0. */          \
    X(prior_nobody, 0.1)                                                                                      \
    X(nobody_evidence, 0)                                                                                     \
    /* Probability of going on as before after 0.1 s of speech, and of silence. */                            \
    X(stay_speech, 0.95)                                                                                      \
    X(stay_silence, 0.8)                                                                                      \
    /* The same at a cut, at most: who is seen next is mostly who speaks next. */                             \
    X(stay_cut, 0.5)                                                                                          \
    /* A mouth slower than this is at rest; weight of ln(speed / rest) in 0.1 s. */                           \
    X(rest_speed, 0.15)                                                                                       \
    X(rest_weight, 0.3)                                                                                       \
    /* Somebody else speaks too where that is so much likelier than that he is silent, over 2 s. */           \
    X(overlap_evidence, 6)                                                                                    \
    /* A loud voiced sound is speech where lips say so by this much. */                                       \
    X(lips_evidence, 1)                                                                                       \
    /* settle.c: a voice of which so many seconds, such a share of what faces had, and of all, were one */    \
    /* face's is that face's. */                                                                              \
    X(linked_s, 3)                                                                                            \
    X(linked_share, 0.75)                                                                                     \
    X(linked_of_all, 0.8)                                                                                     \
    /* A voice is a person out of view where no face has so many seconds of it, with this mean score. */      \
    X(absent_s, 3)                                                                                            \
    X(absent_sure, 0.6)                                                                                       \
    /* A face's stretch with less than this score is not his if this share of the voice fits no face. */      \
    X(doubt, 0.7)                                                                                             \
    X(owned_share, 0.75)                                                                                      \
    /* together.h, over the whole recording: weights of lips and of voices, nobody's log likelihood, the    \
     * weight of a voice not heard yet, the odds for going on within a shot; and of a face that is not in   \
     * view. */ \
    X(together_lips, 1)                                                                                       \
    X(together_voice, 0.6)                                                                                    \
    X(together_nobody, -2)                                                                                    \
    X(together_new, 0.5)                                                                                      \
    X(together_bond, 1)                                                                                       \
    X(together_away, -4)                                                                                      \
    /* Log odds of being right, of log odds of the model: bench/speakers.py calibrate. */                     \
    X(sure_slope, 0.41)                                                                                       \
    X(sure_shift, 0.3)                                                                                        \
    /* Offsets: log chance that the next scene has another, as an edit of other recordings has; */            \
    /* chance that in a scene nobody in view speaks; log likelihood ratio from which a scene says so */       \
    /* itself; what is shorter has no offset of its own. bench-synchrony --parts. */                          \
    X(scene_changes, -4)                                                                                      \
    X(scene_unspoken, 0.001)                                                                                  \
    X(scene_evidence, 0.5)                                                                                    \
    X(scene_least_s, 8)

typedef struct align_rule {
#define ALIGN_RULE_MEMBER(name, value) double name;
    ALIGN_RULES(ALIGN_RULE_MEMBER)
#undef ALIGN_RULE_MEMBER
} align_rule;
align_rule align_rule_default(void);

typedef struct align_speaking_options {
    const char *model;                /* of the weights; NULL = "align.synchrony" */
    const align_synchrony *synchrony; /* instead of a model's; is copied */
    const align_rule *rule;           /* instead of the default; is copied */
    const char *voices;               /* model of the weights of voices; NULL = "align.voices" */
    bool anonymous;                   /* no voices are told apart */
    bool keep_offset;                 /* estimate it, but leave times as they are */
} align_speaking_options;

typedef struct align_speaking align_speaking;
/* `out` is borrowed for the life of the stage. Errors: those of align_synchrony_load. */
AFFECT_MUST_USE affect_status align_speaking_create(affect_context *ctx,
                                                    const align_speaking_options *options,
                                                    affect_timeline *out, align_speaking **stage);
/* As the stages of session/: takes what is new in the view below `horizon`. Errors: MEMORY. */
AFFECT_MUST_USE affect_status align_speaking_advance(align_speaking *stage,
                                                     const timeline_view *view,
                                                     affect_time horizon);
AFFECT_MUST_USE affect_status align_speaking_finish(align_speaking *stage,
                                                    const timeline_view *view, affect_time end);
/* Did the whole recording tell otherwise who spoke than was said on the way? What was made from that is
 * to be made again. After finish. */
bool align_speaking_revised(const align_speaking *stage);
void align_speaking_destroy(align_speaking *stage);

typedef struct align_offset {
    bool claimed;
    double offset_s;   /* the sound comes so much later than the picture */
    double sd_s;       /* of the lags that the data leave likely */
    double confidence; /* 0..1: their share within 60 ms of the best */
    double evidence;   /* log likelihood ratio of the best to nobody in view */
} align_offset;
/* What is known so far; after finish, of the recording. */
align_offset align_speaking_offset(const align_speaking *stage);

/* ---- settle.c: at the end ---- */

/* Changes persons of `speaking`; `speakers` may be NULL. *revised becomes true where one changed, else
 * stays. `faces`: has there been a face in view? Errors: MEMORY. */
AFFECT_MUST_USE affect_status align_settle(affect_context *ctx, const align_rule *rule,
                                           affect_tier *speaking, const affect_tier *speakers,
                                           bool faces, affect_time offset, bool *revised);
/* What lips said of a face in 0.1 s. */
typedef struct align_lips {
    affect_time time; /* of the sound, its middle */
    int person;
    float ratio; /* log likelihood that it speaks, against nobody */
} align_lips;
/* By lips and voices of the whole recording (together.h): persons and scores of `speaking`, whose intervals
 * end at cuts; not of those that overlap or have a channel of their own. `lips` in order of time.
 * *revised as below. Errors: MEMORY. */
AFFECT_MUST_USE affect_status align_settle_together(affect_context *ctx, const align_rule *rule,
                                                    const align_voices *voices,
                                                    const timeline_view *view,
                                                    const align_lips *lips, size_t count,
                                                    affect_tier *speaking, affect_time offset,
                                                    bool *revised);
/* N of a label "SN"; 0 of any other. */
int64_t align_voice_number(const affect_interval *turn);

/* ---- reading the result ---- */

/* Voices that are no face's are persons from this number on while a recording runs; at its end they get
 * the lowest numbers that no other person has (align_speakers_apply). */
enum { ALIGN_VOICE_FIRST = 100001 };

/* The tier "speaking" of a view, or NULL where nothing is known of who speaks. */
const affect_tier *align_speaking_tier(const timeline_view *view);

/* How long anybody, and how long each person, speaks in [t0, t1) of the sound. */
enum { ALIGN_SPEAKERS_MOST = 8 };
typedef struct align_speakers {
    affect_time spoken; /* by anybody, or nobody in view; those who overlap count each */
    size_t count;
    struct {
        int person; /* AFFECT_PERSON_NONE: somebody who is not in view */
        affect_time time;
        double sure;              /* 0..1: mean score of that time */
    } items[ALIGN_SPEAKERS_MOST]; /* who speaks most first */
} align_speakers;
void align_speakers_in(const timeline_view *view, affect_time t0, affect_time t1,
                       align_speakers *out);
/* The channel of the utterance whose middle is at `time`; NULL where it has none. */
const char *align_utterance_channel(const timeline_view *view, affect_time time);
/* Of one channel alone: "left" or "right"; NULL = all that is heard. */
void align_speakers_of(const timeline_view *view, const char *channel, affect_time t0,
                       affect_time t1, align_speakers *out);
/* Persons of what is heard, by who speaks: of the intervals of words/ and voice/ and of their events
 * that are nobody's yet. An utterance in which another begins to speak becomes several. Of a whole
 * timeline in order, which it leaves in disorder. Errors: MEMORY. */
AFFECT_MUST_USE affect_status align_speakers_apply(affect_context *ctx, affect_timeline *timeline);
/* The share of what is spoken in [t0, t1) of the sound that is that person's; 0 where nobody speaks. */
double align_speakers_share(const timeline_view *view, affect_time t0, affect_time t1, int person);
/* The offset that is taken off the sound's times at `time` of the sound; 0 where none is. */
affect_time align_offset_at(const timeline_view *view, affect_time time);

#endif
