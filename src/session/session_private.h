/* Private to session/: options, what a stage is, and the workers that perception runs in. */
#ifndef SESSION_PRIVATE_H
#define SESSION_PRIVATE_H

#include "affect/session.h"
#include "media/media.h"
#include "track/track.h"

typedef struct session_model {
    char *task, *model;
} session_model;

typedef struct session_plan session_plan;

/* What changes results stands in affect_options_describe too: a collection is resumed by it. */
struct affect_options {
    affect_context *ctx;
    const session_plan *plan; /* which stages there are */
    bool face, voice, words, identity, keep_offset, landmarks, fast;
    double rate_hz;
    int audio_stream;
    int look_ahead_ms; /* 0 = not set */
    int person_count;  /* 0 = not known */
    char *subtitles;
    affect_time subtitles_offset;
    bool no_pictures, no_sound;  /* the recording has none: nothing is made ready to take them */
    affect_time length;          /* of the recording, AFFECT_TIME_NONE where nobody knows */
    const base_text *transcript; /* instead of the file `subtitles`, which then only names it */
    struct {
        session_model *items;
        size_t count, capacity;
    } models;
    affect_rows_fn on_rows;
    affect_intervals_fn on_intervals;
    affect_event_fn on_event;
    affect_warning_fn on_warning;
    affect_link_fn on_link;
    affect_provisional_fn on_provisional;
    affect_progress_fn on_progress;
    void *rows_user, *intervals_user, *event_user, *warning_user, *link_user, *provisional_user,
        *progress_user;
};

AFFECT_MUST_USE affect_status session_options_copy(affect_context *ctx,
                                                   const affect_options *options,
                                                   affect_options **out);

/* ---- stages: what a session runs, and what each says of itself (stages.c) ----
 *
 * The session knows stages by what they declare here and none by its name. */

/* A model that can be named for a stage. */
typedef struct session_task {
    const char *task;  /* what options call it: "words.lexicon" */
    const char *model; /* its default; NULL: that of the task's name */
    const char *tier;  /* what stands in this tier was made with it; NULL: its tracks say so */
    bool only_heard;   /* of no use where the words are given as text */
} session_task;

/* Stretches in which another stage found something and this one nothing. */
typedef struct session_miss {
    const char *there, *here; /* tiers: "speech", "utterances" */
    const char *text;         /* what is said about them */
} session_miss;

/* A kind of perception: media in, rows and intervals out. */
typedef struct session_perception {
    const char *name; /* "face"; stands in warnings */
    media_kind takes; /* MEDIA_AUDIO or MEDIA_FRAME */
    bool (*wanted)(const affect_options *options);
    const session_task *tasks; /* ends with a task of NULL */
    const char *essential[3];  /* models without which it does nothing; ends with NULL */
    const char *unfed;         /* the warning about a recording that has nothing of what it takes */
    const char *nothing;       /* and that it looked and found nothing: silence could also mean that
                                  it did not look */
    bool (*found_nothing)(const affect_timeline *made); /* NULL with `nothing` */
    session_miss miss;                                  /* text NULL: none */
    affect_status (*create)(affect_context *ctx, const affect_options *options,
                            affect_timeline *timeline, void **impl);
    affect_status (*push)(void *impl, const media_item *item);
    affect_status (*finish)(void *impl);
    void (*destroy)(void *impl);
    /* Of a kind whose place text can take, all three or none: the text of a file; one piece of
     * text, *feed NULL at first; the end of these. */
    affect_status (*import)(affect_context *ctx, const affect_options *options, const char *path,
                            affect_timeline *timeline);
    affect_status (*text)(affect_context *ctx, const affect_options *options, affect_time t0,
                          affect_time t1, const char *text, affect_timeline *timeline, void **feed);
    void (*text_end)(void *feed);
} session_perception;

/* A stage of understanding: timelines in, one of its own out. */
typedef struct session_understanding {
    const char *name;          /* "fuse"; stands in warnings */
    const session_task *tasks; /* ends with a task of NULL */
    /* What it says about an instant is final once the horizon is this far beyond it. Intervals may
     * come later: whoever reads them takes them as they come. */
    affect_time look_ahead;
    affect_status (*create)(affect_context *ctx, const affect_options *options,
                            affect_timeline *timeline, void **impl);
    /* Takes what is new in `view`: perception in a fixed order, then the stages before this one. The
     * session states that nothing with a time below `horizon` will be appended to it any more. The
     * result must not depend on how often this is called, or with which horizons. */
    affect_status (*advance)(void *impl, const timeline_view *view, affect_time horizon);
    /* The rest: the view is complete, `end` the recording's last instant. */
    affect_status (*finish)(void *impl, const timeline_view *view, affect_time end);
    void (*destroy)(void *impl);
    /* After finish: is what it said on the way no longer true? Then the stages after it begin again
     * with the whole view. May be NULL. */
    bool (*revised)(const void *impl);
    /* What is known at `now`, into an empty timeline; never part of a result. May be NULL. */
    affect_status (*provisional)(void *impl, const timeline_view *view, affect_time now,
                                 affect_timeline *out);
} session_understanding;

/* Which stages there are, each list in the order in which they run; both end with NULL. */
struct session_plan {
    const session_perception *const *perception;
    const session_understanding *const *understanding;
};

extern const session_plan session_default_plan;

/* ---- what is asked of plans and options (plan.c) ---- */

/* The model named for a task, or NULL = the default. Borrowed from the options. */
const char *session_option_model(const affect_options *options, const char *task);
/* The i-th task of all stages of a plan, perception first; NULL beyond the last. */
const session_task *session_task_at(const session_plan *plan, size_t i);
/* Is there a kind of perception that is wanted and takes such media? */
bool session_wants(const affect_options *options, media_kind kind);

/* Into 3 x width x height bytes of RGB (pixels.c). Errors: ARGUMENT. */
AFFECT_MUST_USE affect_status session_pixels(affect_context *ctx, affect_pixels pixels, int width,
                                             int height, const uint8_t *const *planes,
                                             const size_t *strides, uint8_t *out);

/* ---- workers: a thread with a queue, and the stages it feeds (workers.c) ---- */

/* How far everything of a stage has been handed to callbacks. */
typedef struct session_seen {
    struct {
        size_t *items;
        size_t count, capacity;
    } rows, intervals;
    size_t events, links, warnings;
} session_seen;

typedef struct session_stage {
    const session_perception *kind;             /* or */
    const session_understanding *understanding; /* or neither: the session's own timelines */
    void *impl;                                 /* NULL: off, or given up */
    affect_timeline *timeline;                  /* its own */
    session_seen seen;
    bool fed;
    bool dropped;   /* left out of the result: text was pushed instead */
    bool lacking;   /* it warned when it was made */
    affect_time at; /* the end of what it has taken in */
    double seconds; /* that its work took */
} session_stage;

/* Out of memory and cancelling end everything; any other failure ends the stage alone, with a
 * warning from `from` on (AFFECT_TIME_NONE: about the whole recording). */
AFFECT_MUST_USE affect_status session_stage_failed(affect_context *ctx, session_stage *stage,
                                                   affect_time from, affect_status status);

typedef struct session_worker {
    affect_context *ctx;
    session_stage *stages; /* room for as many as there are kinds of perception */
    size_t stage_count;
    bool threaded;
    pthread_t thread;
    base_queue *full, *empty;
    pthread_mutex_t lock; /* held while stages work; whoever reads their timelines takes it */
    pthread_cond_t turn;
    atomic_int readers; /* that want the lock: the worker lets them in between two items */
    affect_time served; /* how far the recording was pushed when callbacks were last made */
    atomic_int status;  /* affect_status that stops everything: MEMORY, CANCELLED */
    char message[512];  /* and its text, which the worker's thread alone can read; before status */
    size_t buffer_count;
    struct session_buffer *buffers;
} session_worker;

/* `threaded` false: items are worked on inside session_worker_push. */
AFFECT_MUST_USE affect_status session_worker_start(session_worker *worker, affect_context *ctx,
                                                   bool threaded, size_t capacity);
/* Copies the item (takes its pixels, where they are lent) and queues it, or works on it at once. */
AFFECT_MUST_USE affect_status session_worker_push(session_worker *worker, const media_item *item);
/* No more items will come: the worker may begin to finish. */
void session_worker_close(session_worker *worker);
/* Works through the queue, ends the thread and finishes the stages. */
AFFECT_MUST_USE affect_status session_worker_finish(session_worker *worker);
/* True: the caller may read the stages' timelines until it leaves. Without `wait`, only if the
 * worker stands between two items just now. */
AFFECT_MUST_USE bool session_worker_read(session_worker *worker, bool wait);
void session_worker_leave(session_worker *worker);
void session_worker_destroy(session_worker *worker); /* of a zeroed one too */

/* Used by affect_analyze: warnings about the recording, its properties and its length. */
AFFECT_MUST_USE affect_status session_gap(affect_session *session, affect_time t0, affect_time t1,
                                          const char *text);
AFFECT_MUST_USE affect_status session_property(affect_session *session, const char *key,
                                               const char *value);
AFFECT_MUST_USE affect_status session_push_item(affect_session *session, const media_item *item);
void session_wait_for_everything(affect_session *session); /* no trajectory before the end */

enum { SESSION_TIMES = 16 };
typedef struct session_times {
    double decode; /* seconds that reading and decoding took */
    size_t count;
    struct session_time {
        const char *name; /* of a stage; perception first, in order of the plan */
        double seconds;
    } stages[SESSION_TIMES]; /* of more stages, the first */
} session_times;

/* Seconds that the stages' work took. For benchmarks. */
void session_timing(const affect_session *session, session_times *times);

/* affect_analyze, and where the time went (times may be NULL). */
AFFECT_MUST_USE affect_status session_analyze(affect_context *ctx, const char *path,
                                              const affect_options *options, session_times *times,
                                              affect_timeline **out);

#endif
