/* A scene: what is to be composed, read from text, and the truth about it. */
#ifndef TOOLS_COMPOSE_H
#define TOOLS_COMPOSE_H

#include "track/track.h"

typedef struct scene_shot {
    double t0_s, length_s, dissolve_s;
    double flash_t0_s, flash_t1_s; /* from its beginning; equal: none */
} scene_shot;

/* Somebody who is in a shot. */
typedef struct scene_sight {
    size_t shot;
    int person;
    char *file; /* in the scene's data folder; with `made` a path of its own */
    bool photo, mirror, turn, made;
    int x, y, w, h; /* pixels */
    double from_s;
    int height, crf; /* 0: as the clip is */
} scene_sight;

/* Somebody who is heard. */
typedef struct scene_voice {
    int person; /* AFFECT_PERSON_NONE: nobody who is ever seen or named */
    char *file, *label;
    double at_s, from_s, for_s, gain_db;
    double t0_s, t1_s; /* when the file is loud there: found when it is mixed */
} scene_voice;

/* A line that goes into the truth as it is. */
typedef struct scene_note {
    enum { NOTE_INTERVAL, NOTE_EVENT, NOTE_PROPERTY } kind;
    char *name, *label;
    int person;
    affect_modality modality;
    double t[3];
} scene_note;

typedef struct scene {
    char *data;
    int width, height;
    double fps, length_s, offset_s, noise_db;
    char **persons; /* names; number i + 1 */
    size_t person_count, person_capacity;
    scene_shot *shots;
    size_t shot_count, shot_capacity;
    scene_sight *sights;
    size_t sight_count, sight_capacity;
    scene_voice *voices;
    size_t voice_count, voice_capacity;
    scene_note *notes;
    size_t note_count, note_capacity;
} scene;

/* Errors: NOT_FOUND, FORMAT (with the line), MEMORY. */
AFFECT_MUST_USE affect_status scene_read(affect_context *ctx, const char *path, const char *data,
                                         scene *out);
/* Persons; tiers `shots`, `persons` (when each is in view), `photos`, `speaking` (by voice_count's
 * times), `emotions` (of the voices that have a label); the notes; property `av_offset_s`. */
AFFECT_MUST_USE affect_status scene_truth(affect_context *ctx, const scene *s,
                                          affect_timeline **out);
void scene_destroy(scene *s);

#endif
