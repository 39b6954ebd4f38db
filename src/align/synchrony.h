/* Lip-voice synchrony: do this mouth and this voice move together? In: cells of 20 ms of what is
 * measured of a voice and of a mouth. Out: a few variates of each, and the log likelihood ratio of
 * "this mouth speaks with this voice" to "they have nothing to do with each other".
 *
 * The variates are canonical (Hotelling 1936; for lips and voice: Slaney & Covell 2000, FaceSync):
 * weighted sums of the features of the last and next 400 ms of sound, and of 140 ms of mouth, that
 * correlate most in people who speak. Of a pair of standard normal variates with correlation r the
 * ratio is -ln(1 - r^2) / 2 - (r^2 (x^2 + y^2) - 2 r x y) / (2 (1 - r^2)), added over the pairs.
 * The mouth moves before it sounds; that lead is in the weights, so that the offset of a recording whose sound
 * and picture fit is 0.
 *
 * Features are relative to what is within 2.5 s around them: their scale is the speaker's and the
 * microphone's own. docs/align.md says how the weights were fitted. */
#ifndef ALIGN_SYNCHRONY_H
#define ALIGN_SYNCHRONY_H

#include "track/track.h"

#define ALIGN_CELL (20 * AFFECT_MILLISECOND)

enum {
    ALIGN_SOUNDS = 8,      /* what is measured of a voice */
    ALIGN_SHAPES = 9,      /* and of a mouth */
    ALIGN_MOVES = 11,      /* the shapes' deviation from their last half second, two speeds */
    ALIGN_SOUND_TAPS = 21, /* every 40 ms from -400 to 400 ms */
    ALIGN_MOUTH_TAPS = 3,  /* -60, 0, 60 ms */
    ALIGN_SOUND_WIDTH = ALIGN_SOUNDS * ALIGN_SOUND_TAPS,
    ALIGN_MOUTH_WIDTH = ALIGN_MOVES * ALIGN_MOUTH_TAPS,
    ALIGN_VARIATES = 6,
    ALIGN_AHEAD = 145 /* cells of future that the features of one need */
};

/* ---- cells ---- */

/* What tracks say of cell k (cells.c), which is around k * ALIGN_CELL; false if they say nothing. Rows
 * up to 0.3 s later must be there. Sounds are voice/prosody's channels energy_db, loudness, voicing,
 * spectral_flux, alpha_ratio_db, f1_hz, f2_hz and the probability of speech; shapes are the mouth's
 * opening and width and the units AU25, AU26, AU17, AU20, AU10, AU12, AU23. */
bool align_read_sound(const timeline_view *view, size_t k, double out[ALIGN_SOUNDS]);
bool align_read_mouth(const timeline_view *view, const affect_track *mouth, size_t k,
                      double out[ALIGN_SHAPES]);

/* In which shot `time` is (tier "shots"): how many cuts there are up to it. */
size_t align_shot_at(const timeline_view *view, affect_time time);

/* A voice or a mouth, cell after cell; the latest 10 s are kept. What is said of cell k needs cells up to
 * k + ALIGN_AHEAD, or the end. */
typedef struct align_sound align_sound;
typedef struct align_mouth align_mouth;

/* `first` is the number of the first cell. NULL: out of memory. */
align_sound *align_sound_create(size_t first);
align_mouth *align_mouth_create(size_t first);
void align_sound_destroy(align_sound *sound); /* NULL is fine */
void align_mouth_destroy(align_mouth *mouth);
/* The next cell; NULL: nothing is known of it; NaN: nothing of that value. */
void align_sound_push(align_sound *sound, const double values[ALIGN_SOUNDS]);
void align_mouth_push(align_mouth *mouth, const double values[ALIGN_SHAPES]);
/* No more cells will come. */
void align_sound_end(align_sound *sound);
void align_mouth_end(align_mouth *mouth);

/* The features of cell k; false where it is unknown or no longer kept. */
bool align_sound_features(const align_sound *sound, size_t k, double out[ALIGN_SOUND_WIDTH]);
bool align_mouth_features(const align_mouth *mouth, size_t k, double out[ALIGN_MOUTH_WIDTH]);
/* How fast the mouth opens and shuts at cell k, in shares of its width a second; NaN where unknown. */
double align_mouth_speed(const align_mouth *mouth, size_t k);

/* ---- weights ---- */

/* weights.json of a model folder. */
typedef struct align_synchrony {
    double sound_mean[ALIGN_SOUND_WIDTH], mouth_mean[ALIGN_MOUTH_WIDTH];
    double sound[ALIGN_VARIATES][ALIGN_SOUND_WIDTH], mouth[ALIGN_VARIATES][ALIGN_MOUTH_WIDTH];
    double correlation[ALIGN_VARIATES];
} align_synchrony;

/* By name or folder, NULL = "align.synchrony"; the caller destroys *out. Errors: MODEL, MEMORY. */
AFFECT_MUST_USE affect_status align_synchrony_load(affect_context *ctx, const char *model,
                                                   align_synchrony **out);
AFFECT_MUST_USE affect_status align_synchrony_parse(affect_context *ctx, const char *where,
                                                    const char *text, size_t length,
                                                    align_synchrony **out);
void align_synchrony_destroy(align_synchrony *synchrony);

void align_sound_variates(const align_synchrony *s, const double *features,
                          double out[ALIGN_VARIATES]);
void align_mouth_variates(const align_synchrony *s, const double *features,
                          double out[ALIGN_VARIATES]);
double align_synchrony_ratio(const align_synchrony *s, const double x[ALIGN_VARIATES],
                             const double y[ALIGN_VARIATES]);

#endif
