/* What kinds of events say of valence and arousal, where they say anything: the muscle of the smile
 * and that of the frown follow valence, one up and one down (Lang, Greenwald, Bradley & Hamm 1993); the
 * height and force of the voice follow arousal (Banse & Scherer 1996). Sizes are those of a clear
 * event, on the scale -1..1. */
#include <math.h>
#include <string.h>

#include "track/track.h"

static const event_kind kinds[] = {
    {"smile", 0.5, NAN},      {"brow_furrow", -0.4, NAN}, {"brow_raise", NAN, 0.3},
    {"pitch_rise", NAN, 0.3}, {"pitch_fall", NAN, -0.3},  {"emphasis", NAN, 0.4},
    {"laughter", 0.6, 0.4},   {"swearing", -0.4, 0.4},
};

event_kind event_kind_of(const char *kind) {
    for (size_t i = 0; i < BASE_COUNT(kinds); i++)
        if (strcmp(kinds[i].kind, kind) == 0) return kinds[i];
    return (event_kind){kind, NAN, NAN};
}
