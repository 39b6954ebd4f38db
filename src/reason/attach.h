/* The pictures and the sound of a recording for a language model that takes them: apex frames of the
 * strongest events of the face in each episode, cut to the face where the timeline knows its place, and what
 * is heard during the episode. */
#ifndef REASON_ATTACH_H
#define REASON_ATTACH_H

#include "reason/reason_private.h"

typedef struct reason_attachment {
    const reason_node *episode;
    const reason_node *event; /* whose apex a picture shows, or NULL: the middle of the episode */
    bool sound;               /* else a picture */
    int person;               /* whom it shows; of sound 0 */
    int rank;                 /* of an episode's pictures: 0 is the strongest event's */
    affect_time t0, t1;       /* of a picture the same instant */
    float box[4];        /* the face: x, y, width, height as shares of the picture; NaN: none */
    bool wanted, chosen; /* in any prompt; in the one that is being made */
    int16_t *samples;    /* of sound while it is read: mono, REASON_SOUND_HZ */
    size_t sample_count, heard;
    base_text data; /* PNG or WAV; empty where the recording has nothing there */
} reason_attachment;

typedef struct reason_attachments {
    reason_attachment *items;
    size_t count, capacity;
    char trouble[256]; /* why the recording gives nothing, or "" */
} reason_attachments;

enum { REASON_SOUND_HZ = 16000 };

/* What there is to attach to the prompts about these scopes. Errors: MEMORY. */
AFFECT_MUST_USE affect_status reason_attach_plan(affect_context *ctx, const reason_graph *g,
                                                 bool pictures, bool sound,
                                                 const reason_scope *scopes, size_t scope_count,
                                                 reason_attachments *out);
/* Marks what belongs to the prompt about a scope; nothing of a modality that it hides. */
void reason_attach_choose(reason_attachments *a, const reason_scope *scope);
/* One pass over the recording, up to the last thing that is wanted. Errors: those of media_open, CANCELLED, MEMORY. */
AFFECT_MUST_USE affect_status reason_attach_read(affect_context *ctx, const char *path,
                                                 reason_attachments *a);
/* "Picture of person 1, apex of event f3 (smile) at 12.30 s": what stands before it in the prompt. */
void reason_attach_caption(const reason_attachment *item, base_text *out);
/* What is wanted in all. */
void reason_attach_count(const reason_attachments *a, size_t *pictures, double *sound_s);
/* takes.c: the plan of what may go to a server by the options and by what the recording holds. One that cannot be read
 * costs these alone. Errors: CANCELLED, MEMORY. */
AFFECT_MUST_USE affect_status reason_attach_offer(affect_context *ctx, const reason_graph *g,
                                                  const affect_llm_options *o,
                                                  const reason_scope *scopes, size_t scope_count,
                                                  reason_attachments *out);
/* What a model takes is read from the recording; trouble is one warning. Errors: CANCELLED, MEMORY. */
AFFECT_MUST_USE affect_status reason_attach_take(affect_context *ctx, const affect_llm_options *o,
                                                 bool pictures, bool sound, reason_attachments *a);
/* The server is asked what its model takes, and that is read from the recording; trouble is one warning. Errors:
 * CANCELLED, MEMORY. */
AFFECT_MUST_USE affect_status reason_attach_fill(affect_context *ctx, const affect_llm_options *o,
                                                 double timeout_s, reason_attachments *a);
void reason_attach_clear(reason_attachments *a);

#endif
