/* Who speaks in which stretch of a whole recording, by lips and voices together. In: for each stretch how well
 * each face's lips fit and how the voice sounds. Out: the probability of each face, and of
 * nobody in view.
 *
 * Each face has one voice; those out of view have any number. What is not known of a face's voice is what
 * the stretches that are probably his tell, so lips that are sure of some stretches decide others in which they are not: mean
 * field of a mixture whose components are the faces (align/voices.h) and, for nobody, the likeness to
 * other stretches that are nobody's or to a voice not heard yet. */
#ifndef ALIGN_TOGETHER_H
#define ALIGN_TOGETHER_H

#include "align/voices.h"

typedef struct align_together_rule {
    double lips, voice; /* weights of the two */
    double nobody;      /* log likelihood of nobody, against a face of ratio 0 */
    double new_voice;   /* how many stretches' weight a voice has that was not heard yet */
    double bond;        /* log odds for going on as in the stretch before, in one shot */
} align_together_rule;

typedef struct align_stretch {
    bool heard; /* is there a description? */
    bool bound; /* to the stretch before */
    double voice[ALIGN_VOICE_MEASURES];
} align_stretch;

/* `lips`: [count][faces] log likelihood ratios; `out`: [count][faces + 1], nobody last. `voices` may be NULL: lips
 * alone. Errors: MEMORY. */
AFFECT_MUST_USE affect_status align_together(affect_context *ctx, const align_together_rule *rule,
                                             const align_voices *voices,
                                             const align_stretch *stretches, size_t count,
                                             size_t faces, const double *lips, double *out);

#endif
