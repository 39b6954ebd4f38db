/* A person's own resting face, estimated while it is watched: each measure starts at the
 * population's neutral and moves to where this person mostly is. A frame counts less the farther it
 * lies from the present estimate (a redescending kernel), so that expressions hardly move it, and
 * the estimate never leaves what neutral faces are like. */
#include <math.h>

#include "face/face_private.h"

static const double prior_s = 2.0;    /* evidence the population's neutral is worth, seconds */
static const double longest_s = 60.0; /* memory */
static const double reach = 2.5;      /* spreads a person's neutral may be from the population's */
static const double warm_up_s = 0.75; /* below this much evidence the population's is used */

void face_neutral_add(face_neutral *n, const float deviation[FACE_MEASURES], float confidence,
                      double dt_s) {
    double dt = fmin(fmax(dt_s, 0), 0.2) * (double)confidence;
    n->seen_s += dt;
    for (int k = 0; k < FACE_MEASURES; k++) {
        /* Wide while nothing is known (people differ by one spread), narrower later. */
        double width2 = 0.6 * 0.6 + 1.2 * 1.2 * prior_s / (prior_s + n->weight[k]);
        double d = (double)deviation[k] - n->mean[k];
        double w = dt * exp(-0.5 * d * d / width2);
        n->mean[k] += d * w / (prior_s + n->weight[k] + w);
        n->mean[k] = fmin(reach, fmax(-reach, n->mean[k]));
        n->weight[k] = fmin(n->weight[k] + w, longest_s);
    }
}

void face_neutral_get(const face_neutral *n, float out[FACE_MEASURES]) {
    double trust = fmin(1, n->seen_s / warm_up_s);
    for (int k = 0; k < FACE_MEASURES; k++) out[k] = (float)(trust * n->mean[k]);
}
