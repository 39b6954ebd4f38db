/* fuse: what was expressed, by whom, and how sure are we. In: the timelines that perception fills
 * (tracks "face/P/affect", "voice/affect", "words/affect", mouths, posteriors, events). Out: into a
 * timeline, for each person P the track "trajectory/P" (valence, arousal, dominance and their
 * standard deviations) and the tier "episodes".
 *
 * Streaming: rows are taken as they become final and results are appended as they become final, in
 * bounded memory. The result does not depend on how the input was cut into calls.
 *
 * Steps: voice and words are given to the person whose mouth moves with them (speaker.c); a latent
 * trajectory per person and dimension (latent/); change points of that trajectory (changes.c);
 * labels and cues per stretch between them (label.c). */
#ifndef FUSE_H
#define FUSE_H

#include "latent/latent.h"
#include "track/track.h"

/* ---- constants (parameters.c) ---- */

enum { FUSE_DIMENSIONS = 3, FUSE_STREAMS = 3, FUSE_CATEGORIES = CATEGORIES };
/* Dimensions: valence, arousal, dominance. Streams: AFFECT_MODALITY_FACE - 1, VOICE - 1, WORDS - 1.
 * Categories: those of track/category.c, in its order. */

/* The experts whose logarithms are added, each times its weight. */
typedef enum fuse_expert {
    FUSE_FACE,
    FUSE_VOICE,
    FUSE_WORDS,
    FUSE_PLACE, /* the category's place in valence-arousal-dominance */
    FUSE_EXPERTS
} fuse_expert;

/* What a model folder of the task "fuse" holds; docs/latent.md says where the numbers of
 * fuse.default are from. */
/* What an episode's label rests on, as its set of labels depends on it. */
enum { FUSE_SET_FACE, FUSE_SET_VOICE, FUSE_SET_BOTH, FUSE_SETS };

typedef struct fuse_parameters {
    latent_model dimensions[FUSE_DIMENSIONS]; /* how the streams observe each */
    latent_stream streams[FUSE_DIMENSIONS][FUSE_STREAMS];
    double weights[FUSE_EXPERTS][FUSE_CATEGORIES]; /* people see some emotions, and hear others */
    double places[FUSE_CATEGORIES][FUSE_DIMENSIONS];
    double spread; /* sd of a category around its place, each dimension */
    /* Added, as far as there is a face, to the sum: what the face's categories are short of, or too
     * much of, on people who speak. */
    double face_constants[FUSE_CATEGORIES];
    /* Added: how much more often recordings are of the category than the clips of the fit. */
    double prior[FUSE_CATEGORIES];
    /* The least score of a label that belongs to an episode's set (split conformal), by what there is
     * of face and voice; NaN: not known. */
    double least[FUSE_SETS];
    double set_share; /* of the sets that hold the right label, on the people of the fit */
} fuse_parameters;

/* By name or folder, NULL = "fuse.default". The caller destroys *out; it is not to be copied.
 * Errors: MODEL (which field, and what it must be), MEMORY. */
AFFECT_MUST_USE affect_status fuse_parameters_load(affect_context *ctx, const char *model,
                                                   fuse_parameters **out);
/* The same of the text of weights.json; `where` stands in the messages. */
AFFECT_MUST_USE affect_status fuse_parameters_parse(affect_context *ctx, const char *where,
                                                    const char *text, size_t length,
                                                    fuse_parameters **out);
void fuse_parameters_destroy(fuse_parameters *parameters);

/* ---- the stage (fuse.c) ---- */

typedef struct fuse_options {
    double rate_hz; /* rows of the trajectory a second, 0.1..1000 */
    bool face, voice, words;
    const char *model; /* of the constants; NULL = "fuse.default" */
    const char
        *network; /* a trained fusion (network.h), which then makes the trajectory; NULL = none */
} fuse_options;

fuse_options fuse_options_default(void); /* 10 Hz, everything */

/* Results are final this much behind the horizon at the latest, episodes aside. */
#define FUSE_LOOKAHEAD (13200 * AFFECT_MILLISECOND)

typedef struct fuse_stage fuse_stage;

/* `out` is where results go; borrowed for the life of the stage. Errors: ARGUMENT (the rate), those
 * of fuse_parameters_load. */
AFFECT_MUST_USE affect_status fuse_create(affect_context *ctx, const fuse_options *options,
                                          affect_timeline *out, fuse_stage **stage);
/* Takes what is new in the view (always the same timelines, in the same order) up to `horizon`: the
 * caller states that nothing with a time below it will be appended any more. */
AFFECT_MUST_USE affect_status fuse_advance(fuse_stage *stage, const timeline_view *view,
                                           affect_time horizon);
/* Takes the rest and appends the rest; no trajectory goes beyond `end`, the recording's last
 * instant. */
AFFECT_MUST_USE affect_status fuse_finish(fuse_stage *stage, const timeline_view *view,
                                          affect_time end);
void fuse_destroy(fuse_stage *stage);

/* What is known at `now` from the newest row of each modality (provisional.c): into `out`, an empty
 * timeline, a trajectory of one row for each person. Never part of a result. */
AFFECT_MUST_USE affect_status fuse_provisional(const fuse_stage *stage, const timeline_view *view,
                                               affect_time now, affect_timeline *out);
/* The same by the constants alone. */
AFFECT_MUST_USE affect_status fuse_estimate_now(affect_context *ctx,
                                                const fuse_parameters *parameters,
                                                const timeline_view *view, affect_time now,
                                                affect_timeline *out);

/* ---- change points (changes.c) ---- */

/* Finds the instants at which a trajectory of three values moves to another level: penalised
 * least squares by PELT (Killick, Fearnhead & Eckley 2012), each row weighted by its uncertainty
 * and by how much it says beyond its neighbours. A change point is handed out as soon as no future
 * row can remove it. */
typedef struct fuse_changes fuse_changes;

AFFECT_MUST_USE affect_status fuse_changes_create(affect_context *ctx, fuse_changes **out);
void fuse_changes_destroy(fuse_changes *changes);
/* One row in order of time; rows closer than 200 ms to the last one taken are skipped. */
AFFECT_MUST_USE affect_status fuse_changes_push(fuse_changes *changes, affect_time time,
                                                const double mean[3], const double sd[3]);
/* The next final stretch [t0, t1); false if there is none yet. After `end` (the time at which the
 * last stretch ends) everything comes out, and the detector is as new. */
bool fuse_changes_next(fuse_changes *changes, affect_time *t0, affect_time *t1);
AFFECT_MUST_USE affect_status fuse_changes_end(fuse_changes *changes, affect_time end);

/* ---- labels (label.c) ---- */

typedef struct fuse_evidence {
    /* mean log posteriors of what face, voice and words show */
    double log_face[FUSE_CATEGORIES], log_voice[FUSE_CATEGORIES], log_words[FUSE_CATEGORIES];
    bool has_face, has_voice, has_words;
    double trust[FUSE_EXPERTS]; /* 0..1: confidence of the rows behind them; 1 for the place */
    double mean[3], sd[3];      /* valence, arousal, dominance; NaN = unknown */
} fuse_evidence;

/* What each says of each category, above what it would if it could not tell (ln p - ln 1/8: weights may
 * differ between categories), 0 where it says nothing, times how far it can be trusted: the voice of a
 * machine or music over a face must not outvote it. */
void fuse_category_terms(const fuse_parameters *parameters, const fuse_evidence *evidence,
                         double out[FUSE_EXPERTS][FUSE_CATEGORIES]);
/* Scores of the categories, summing to 1: the product of experts of docs/latent.md. */
void fuse_category_scores(const fuse_parameters *parameters, const fuse_evidence *evidence,
                          double out[FUSE_CATEGORIES]);
/* The name of the region of the valence-arousal plane, and its score. */
const char *fuse_region(const fuse_parameters *parameters, const fuse_evidence *evidence,
                        double *score);
/* What [t0, t1) of a person holds; the trajectory may be NULL. False if there is nothing. */
bool fuse_gather(const timeline_view *view, const affect_track *trajectory, int person,
                 affect_time t0, affect_time t1, fuse_evidence *out);
/* Appends the interval with labels and cues for [t0, t1) of a person to the tier. */
AFFECT_MUST_USE affect_status fuse_label_episode(affect_context *ctx,
                                                 const fuse_parameters *parameters,
                                                 const timeline_view *view,
                                                 const affect_track *trajectory, affect_time t0,
                                                 affect_time t1, affect_tier *episodes);

/* ---- who speaks (speaker.c) ----
 *
 * Whose the sound is, is known from the tier "speaking" (align/speaking.h); where there is none
 * (nothing hears whether anybody speaks), from mouths that move. */

/* How far to both sides of an instant fuse_speaker looks. */
#define FUSE_SPEAKER_REACH (2 * AFFECT_SECOND)

/* Whose a row of voice or words at `time` of the sound is: who speaks around it (on the channel of the
 * utterance that the row is about, if it has one), and how much of what is heard there is his;
 * AFFECT_PERSON_NONE: nobody who is known. `last` is taken as fuse_speaker does. */
int fuse_speaks(const timeline_view *view, const affect_track *track, affect_time time, int last,
                double *share);
/* Is it that person's? Is what is heard at `time` so surely his that it can be shown as evidence? */
bool fuse_says(const timeline_view *view, const affect_track *track, affect_time time, int person);
bool fuse_surely_says(const timeline_view *view, affect_time time, int person);

/* The person whose mouth moves with the voice around `time`: the only one in view; of several, the
 * one with the largest projection of mouth motion on the voice's activity; `last` if none is in
 * view, or 1 if that is AFFECT_PERSON_NONE. */
int fuse_speaker(const timeline_view *view, affect_time time, int last);

#endif
