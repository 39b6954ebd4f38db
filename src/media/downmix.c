/* Two channels to one, also where they cancel.
 *
 * The mix of left and right is their middle, (L + R) / 2. A microphone wired the wrong way round, or
 * a cable, gives R = -L: the middle is silent, and all the sound is in the side, (L - R) / 2. Where
 * the middle's power falls 15 dB under the side's, the side is added to it, and the sum is the left
 * channel. It comes and goes within 10 ms, sample by sample, so what comes out does not depend on
 * how blocks are cut, and nothing waits for what is to come. */
#include <math.h>

#include "media/media_private.h"

static const double MEMORY_S = 0.05; /* of the powers: a few periods of a voice */
static const double HOLD_S = 0.05;   /* so long they must cancel: two noises do for moments */
static const double FADE_S = 0.01;
static const double TOLD_S = 0.5;     /* of audible sound, before it is worth a warning */
static const double CANCELS = 0.0316; /* -15 dB; an ordinary wide recording stays above -6 */
static const double RETURNS = 0.126;  /* -9 dB: not to and fro */
static const double AUDIBLE = 1e-6;   /* -60 dBFS */
static const double NOTHING = 1e-10;  /* -100 dBFS: no channel says anything */

void media_downmix_pairs(media_downmix *d, int rate, float *samples, size_t count, float *sides) {
    double forget = exp(-1 / (MEMORY_S * rate)), take = 1 - forget;
    int64_t hold = (int64_t)(HOLD_S * rate), told = (int64_t)(TOLD_S * rate);
    float fade = (float)(1 / (FADE_S * rate));
    for (size_t i = 0; i < count; i++) {
        float middle = samples[2 * i], side = samples[2 * i + 1];
        sides[i] = side;
        d->middle = forget * d->middle + take * (double)middle * (double)middle;
        d->side = forget * d->side + take * (double)side * (double)side;
        if (d->side < NOTHING) {
            d->held = 0; /* in silence it stays as it is */
        } else if (!d->one_channel) {
            d->held = d->middle < CANCELS * d->side ? d->held + 1 : 0;
            d->one_channel = d->held >= hold;
        } else if (d->middle > RETURNS * d->side) {
            d->one_channel = false;
            d->held = 0;
        }
        if (d->one_channel && d->side > AUDIBLE && d->cancelled < told) d->cancelled++;
        d->gain = d->one_channel ? fminf(1, d->gain + fade) : fmaxf(0, d->gain - fade);
        samples[i] = middle + d->gain * side;
    }
    if (d->cancelled >= told && d->warning == DOWNMIX_FINE) d->warning = DOWNMIX_DUE;
}
