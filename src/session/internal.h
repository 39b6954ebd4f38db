/* Private to session/: options, and the lanes that perception runs in. */
#ifndef SESSION_INTERNAL_H
#define SESSION_INTERNAL_H

#include "affect/session.h"
#include "fuse/fuse.h"
#include "media/media.h"

typedef struct session_model {
    char *task, *model;
} session_model;

struct affect_options {
    affect_context *ctx;
    bool face, voice, words;
    double rate_hz;
    int audio_stream;
    int look_ahead_ms; /* 0 = not set */
    char *subtitles;
    struct {
        session_model *items;
        size_t count, capacity;
    } models;
    affect_rows_fn on_rows;
    affect_intervals_fn on_intervals;
    affect_event_fn on_event;
    affect_warning_fn on_warning;
    affect_progress_fn on_progress;
    void *rows_user, *intervals_user, *event_user, *warning_user, *progress_user;
};

AFFECT_MUST_USE affect_status session_options_copy(affect_context *ctx,
                                                   const affect_options *options,
                                                   affect_options **out);
/* The model named for a task, or NULL = the default. Borrowed from the options. */
const char *session_option_model(const affect_options *options, const char *task);

/* ---- stages: one shape for face, voice and words (stages.c) ---- */

typedef struct session_stage session_stage;

typedef struct session_stage_kind {
    const char *name;         /* "face" */
    const char *essential[3]; /* models without which it does nothing; ends with NULL */
    affect_status (*create)(affect_context *ctx, const affect_options *options,
                            affect_timeline *timeline, void **impl);
    affect_status (*push)(void *impl, const media_item *item);
    affect_status (*finish)(void *impl);
    void (*destroy)(void *impl);
} session_stage_kind;

extern const session_stage_kind session_face, session_voice, session_words;
/* Writes the transcript of a file into a timeline. */
AFFECT_MUST_USE affect_status session_import_words(affect_context *ctx,
                                                   const affect_options *options, const char *path,
                                                   affect_timeline *timeline);
/* One piece of text; *feed is NULL at first, and ended with session_push_words_end. */
AFFECT_MUST_USE affect_status session_push_words(affect_context *ctx, const affect_options *options,
                                                 affect_time t0, affect_time t1, const char *text,
                                                 affect_timeline *timeline, void **feed);
void session_push_words_end(void *feed);

/* ---- lanes: a thread with a queue, and the stages it feeds (lanes.c) ---- */

/* How far everything of a stage has been handed to callbacks. */
typedef struct session_seen {
    struct {
        size_t *items;
        size_t count, capacity;
    } rows, intervals;
    size_t events, warnings;
} session_seen;

struct session_stage {
    const session_stage_kind *kind;
    void *impl;                /* NULL: off, or given up */
    affect_timeline *timeline; /* its own */
    session_seen seen;
    bool fed;
    bool dropped;   /* left out of the result: text was pushed instead */
    bool lacking;   /* it warned when it was made */
    affect_time at; /* the end of what it has taken in */
    double seconds; /* that its pushes took */
};

enum { LANE_STAGES = 2 };

typedef struct session_lane {
    affect_context *ctx;
    session_stage stages[LANE_STAGES];
    size_t stage_count;
    bool threaded;
    pthread_t thread;
    base_queue *full, *empty;
    pthread_mutex_t lock; /* held while stages work; whoever reads their timelines takes it */
    pthread_cond_t turn;
    atomic_int readers; /* that want the lock: the worker lets them in between two items */
    affect_time served; /* how far the recording was pushed when callbacks were last made */
    atomic_int status;  /* affect_status that stops everything: MEMORY, CANCELLED */
    size_t buffer_count;
    struct session_buffer *buffers;
} session_lane;

/* `threaded` false: items are worked on inside session_lane_push. */
AFFECT_MUST_USE affect_status session_lane_start(session_lane *lane, affect_context *ctx,
                                                 bool threaded, size_t capacity);
/* Copies the item and queues it, or works on it at once. */
AFFECT_MUST_USE affect_status session_lane_push(session_lane *lane, const media_item *item);
/* No more items will come: the worker may begin to finish. */
void session_lane_close(session_lane *lane);
/* Works through the queue, ends the thread and finishes the stages. */
AFFECT_MUST_USE affect_status session_lane_finish(session_lane *lane);
/* True: the caller may read the stages' timelines until it leaves. Without `wait`, only if the lane
 * stands between two items just now. */
AFFECT_MUST_USE bool session_lane_read(session_lane *lane, bool wait);
void session_lane_leave(session_lane *lane);
void session_lane_destroy(session_lane *lane); /* of a zeroed one too */

/* Used by affect_analyze: warnings about the recording, its properties and its length. */
AFFECT_MUST_USE affect_status session_gap(affect_session *session, affect_time t0, affect_time t1,
                                          const char *text);
AFFECT_MUST_USE affect_status session_property(affect_session *session, const char *key,
                                               const char *value);
AFFECT_MUST_USE affect_status session_push_item(affect_session *session, const media_item *item);
void session_wait_for_everything(affect_session *session); /* no trajectory before the end */
/* Seconds that the stages' pushes took: face, voice, words, fuse. For benchmarks. */
void session_timing(const affect_session *session, double seconds[4]);

typedef struct session_times {
    double decode, stages[4]; /* seconds: media; face, voice, words, fuse */
} session_times;

/* affect_analyze, and where the time went (times may be NULL). */
AFFECT_MUST_USE affect_status session_analyze(affect_context *ctx, const char *path,
                                              const affect_options *options, session_times *times,
                                              affect_timeline **out);

#endif
