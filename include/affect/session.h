/* Analysis: a whole file at once (affect_analyze), or what a program pushes as it comes
 * (affect_session). The first is a loop around the second, so both give the same result. */
#ifndef AFFECT_SESSION_H
#define AFFECT_SESSION_H

#include "affect/timeline.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- options ------------------------------------------------------------------------------------
 * Made with defaults, changed by setters, copied by whoever takes them: they can be destroyed or
 * used again at once. Setters that can fail return a status: ARGUMENT (with the range), MEMORY. */

typedef struct affect_options affect_options;

AFFECT_API AFFECT_MUST_USE affect_status affect_options_create(affect_context *context,
                                                               affect_options **out);
AFFECT_API void affect_options_destroy(affect_options *options); /* NULL is fine */

/* Which kinds of perception run; all by default. `on` is 0 or 1. */
AFFECT_API void affect_options_set_face(affect_options *options, int on);
AFFECT_API void affect_options_set_voice(affect_options *options, int on);
/* Are persons told apart by embeddings of face and voice (default: on)? These are biometric data: they live in
 * memory while the session does and are never written. Off: faces by motion and appearance over seconds
 * alone, voices not at all. */
AFFECT_API void affect_options_set_identity(affect_options *options, int on);
/* Are 68 points of each face tracks of their own, face/P/landmarks (default: off)? They are as many numbers as
 * everything else there is. */
AFFECT_API void affect_options_set_landmarks(affect_options *options, int on);
/* How many people there are in the recording, 1 to 1000; 0 (the default): not known. A hint: faces that
 * seem to be more persons are joined, most alike first, until they are so many; nobody is joined beyond
 * that, and never two who are in view at once or clearly different. */
AFFECT_API AFFECT_MUST_USE affect_status affect_options_set_person_count(affect_options *options,
                                                                         int count);
/* affect_analyze only: at most 12.5 pictures a second are looked at (default: off), and pictures that no other picture is made
 * from are not decoded where the rest are six a second or more. Blinks and expressions of less than a fifth of a second are
 * missed or seen late; a warning of the timeline says so. Sound and words are the same. */
AFFECT_API void affect_options_set_fast(affect_options *options, int on);
AFFECT_API void affect_options_set_words(affect_options *options, int on);
/* By default the sound is moved to the picture before modalities are joined, where lips and voice show
 * that they are apart (properties av_offset_s, av_offset_sd_s). On: it stays where it is. */
AFFECT_API void affect_options_set_keep_offset(affect_options *options, int on);
/* Rows of the trajectory a second: 0.1 to 1000, default 10. */
AFFECT_API AFFECT_MUST_USE affect_status affect_options_set_rate(affect_options *options,
                                                                 double rate_hz);
/* affect_analyze only: which of several audio streams, from 0; -1 (the default) is the one that the
 * container marks as best. */
AFFECT_API AFFECT_MUST_USE affect_status affect_options_set_audio_stream(affect_options *options,
                                                                         int stream);
/* A transcript (SRT, WebVTT, ASS, SBV, LRC, TTML, TSV, TextGrid, EAF or a recogniser's JSON); no
 * recognition is run then. affect_analyze takes "stream" for the first text subtitles inside the
 * recording, "stream:N" for subtitle stream N, from 0 (a file of that name is "./stream"). NULL
 * removes it. `path` is copied. */
AFFECT_API AFFECT_MUST_USE affect_status affect_options_set_subtitles(affect_options *options,
                                                                      const char *path);
/* Seconds added to all times of the transcript (-3600 for programme time code that begins at one
 * hour): -360000 to 360000, default 0. */
AFFECT_API AFFECT_MUST_USE affect_status
affect_options_set_subtitles_offset(affect_options *options, double seconds);
/* Another model for a task of docs/model-card.md ("face.emotion", "fuse"): `model` is the name or
 * folder of the one to use instead of the default; NULL goes back. Both are copied. A model that was
 * named and is not there is an error of the session (MODEL), not a warning. */
AFFECT_API AFFECT_MUST_USE affect_status affect_options_set_model(affect_options *options,
                                                                  const char *task,
                                                                  const char *model);
/* How long the trajectory waits for perception: 2000 to 600000 ms, default 20000. A row of the
 * trajectory is final at most this plus 29200 ms after its instant was pushed. Perception that
 * comes later still (an utterance that lasts longer) is left out of the trajectory, with a warning.
 * affect_analyze waits as long as it takes unless it is set. */
AFFECT_API AFFECT_MUST_USE affect_status affect_options_set_look_ahead_ms(affect_options *options,
                                                                          int ms);

/* Options like others, callbacks included, that can be changed without these; NULL: the defaults.
 * The caller destroys *out. Errors: MEMORY. */
AFFECT_API AFFECT_MUST_USE affect_status affect_options_copy(affect_context *context,
                                                             const affect_options *options,
                                                             affect_options **out);
/* One line that names what changes results ("face on, voice on, words off, ..."): two runs with the
 * same line and the same models give the same timeline. At most `size` bytes with the NUL; returns
 * how many bytes it has without, as snprintf does. NULL: the defaults. */
AFFECT_API size_t affect_options_describe(const affect_options *options, char *text, size_t size);

/* ---- callbacks ----------------------------------------------------------------------------------
 * Called on the thread that pushes (or analyzes), during the push, for what has become final since
 * the last call. What they are given is borrowed until they return. They must not call the session.
 * NULL removes one. */

/* Rows [first, first + count) of a track. */
typedef void (*affect_rows_fn)(void *user, const affect_track *track, size_t first, size_t count);
/* Intervals [first, first + count) of a tier. */
typedef void (*affect_intervals_fn)(void *user, const affect_tier *tier, size_t first,
                                    size_t count);
typedef void (*affect_event_fn)(void *user, const affect_event *event);
/* The label is the sentence; t0 and t1 are AFFECT_TIME_NONE where it is about everything. */
typedef void (*affect_warning_fn)(void *user, const affect_interval *warning);
typedef void (*affect_link_fn)(void *user, const affect_link *link);
/* Rows of a trajectory that say what is known so far: the track, which has only these rows, is
 * borrowed until the call returns, they may be said again and otherwise, and they are never part of
 * the result or of what the other callbacks get. */
typedef void (*affect_provisional_fn)(void *user, const affect_track *track, size_t first,
                                      size_t count);
/* affect_analyze only. `done` of `total` have been taken in; total is AFFECT_TIME_NONE for a pipe.
 * seconds_left is an estimate, NaN where there is none yet. */
typedef void (*affect_progress_fn)(void *user, affect_time done, affect_time total,
                                   double seconds_left);

AFFECT_API void affect_options_on_rows(affect_options *options, affect_rows_fn call, void *user);
AFFECT_API void affect_options_on_intervals(affect_options *options, affect_intervals_fn call,
                                            void *user);
AFFECT_API void affect_options_on_event(affect_options *options, affect_event_fn call, void *user);
AFFECT_API void affect_options_on_warning(affect_options *options, affect_warning_fn call,
                                          void *user);
AFFECT_API void affect_options_on_link(affect_options *options, affect_link_fn call, void *user);
/* Called at least once for every second that is pushed, for each person of whom anything was seen or
 * heard in the last ten seconds, with one row: valence, arousal, dominance and their standard
 * deviations at the latest instant pushed, from the newest row of each modality. */
AFFECT_API void affect_options_on_provisional(affect_options *options, affect_provisional_fn call,
                                              void *user);
AFFECT_API void affect_options_on_progress(affect_options *options, affect_progress_fn call,
                                           void *user);

/* ---- session ------------------------------------------------------------------------------------
 * Belongs to one thread at a time; different sessions may run at the same time, on one context or
 * on several. With more than one thread on the context, perception runs beside the caller; the
 * result is the same. Push in order of time, across the three kinds too. Times are from the first
 * instant of the recording. What goes back behind what was pushed of its kind is refused
 * (ARGUMENT), and so is a time beyond AFFECT_SESSION_LONGEST; the session goes on with the next
 * push. NULL where nothing says that it is fine is ARGUMENT too. */

typedef struct affect_session affect_session;

/* The latest time that can be pushed: 10000 hours. */
#define AFFECT_SESSION_LONGEST (INT64_C(36000000) * AFFECT_SECOND)

/* `options` may be NULL. A model or run-time library that is missing is a warning in the timeline,
 * and the session does what it can. Errors: MEMORY; MODEL for a model that was named; NOT_FOUND or
 * FORMAT for the subtitles. */
AFFECT_API AFFECT_MUST_USE affect_status affect_session_create(affect_context *context,
                                                               const affect_options *options,
                                                               affect_session **out);
/* `count` mono samples in -1..1 at 1000 to 768000 Hz, the first at `t0`; NaN and infinities are
 * taken as 0; a begin up to a millisecond before the end of the last push is jitter of a clock, no step
 * back. Perception works at 16000 Hz: at other rates a stretch of pushes that meet within a
 * millisecond is resampled as a whole, as a file is, and the last milliseconds of it wait for the
 * next push. Errors: ARGUMENT, RUNTIME (another rate, and FFmpeg is missing), CANCELLED, MEMORY. */
AFFECT_API AFFECT_MUST_USE affect_status affect_session_push_audio(affect_session *session,
                                                                   affect_time t0, int sample_rate,
                                                                   const float *samples,
                                                                   size_t count);
/* The same for 1 to 64 interleaved channels: `count` is that of samples of each channel. Two are
 * stereo, six 5.1 and so on, mixed as docs/media.md says. */
AFFECT_API AFFECT_MUST_USE affect_status affect_session_push_channels(affect_session *session,
                                                                      affect_time t0,
                                                                      int sample_rate, int channels,
                                                                      const float *samples,
                                                                      size_t count);
/* One picture: `height` rows of `width` RGB pixels of 3 bytes, rows `stride` bytes apart
 * (>= 3 width), square pixels, upright. Errors: ARGUMENT, CANCELLED, MEMORY. */
AFFECT_API AFFECT_MUST_USE affect_status affect_session_push_frame(affect_session *session,
                                                                   affect_time time, int width,
                                                                   int height, size_t stride,
                                                                   const uint8_t *rgb);
/* How pixels lie in memory. */
typedef enum affect_pixels {
    AFFECT_PIXELS_RGB = 0,  /* 3 bytes a pixel */
    AFFECT_PIXELS_BGR = 1,  /* 3 bytes a pixel */
    AFFECT_PIXELS_GREY = 2, /* 1 byte a pixel */
    AFFECT_PIXELS_NV12 = 3, /* two planes: luma; then for 2 x 2 pixels one byte each of Cb, Cr */
    AFFECT_PIXELS_YUYV = 4  /* 4 bytes for two pixels: Y Cb Y Cr; an even width */
} affect_pixels;

/* The same as affect_session_push_frame for other pixels: `planes` and `strides` (bytes from row to
 * row) have two entries for NV12, else one. Luma and chroma are those of ITU-R BT.601 in the video
 * range 16 to 235, as cameras give them. Errors: ARGUMENT, CANCELLED, MEMORY. */
AFFECT_API AFFECT_MUST_USE affect_status affect_session_push_pixels(
    affect_session *session, affect_time time, affect_pixels pixels, int width, int height,
    const uint8_t *const *planes, const size_t *strides);
/* The same as affect_session_push_channels for samples of 16 bits. */
AFFECT_API AFFECT_MUST_USE affect_status affect_session_push_int16(affect_session *session,
                                                                   affect_time t0, int sample_rate,
                                                                   int channels,
                                                                   const int16_t *samples,
                                                                   size_t count);
/* What was said in [t0, t1), as UTF-8, in order of time; instead of recognition, which stops with
 * the first text (what it had recognised is left out of the result). Errors: ARGUMENT, CANCELLED,
 * MEMORY. */
AFFECT_API AFFECT_MUST_USE affect_status affect_session_push_text(affect_session *session,
                                                                  affect_time t0, affect_time t1,
                                                                  const char *text);
/* Ends the recording and hands over everything, in order. Afterwards the session can only be
 * destroyed. Errors: NO_STREAM (nothing was pushed), MODEL or RUNTIME (what was missing left
 * nothing to work with), CANCELLED, MEMORY; then *out is NULL. */
AFFECT_API AFFECT_MUST_USE affect_status affect_session_finish(affect_session *session,
                                                               affect_timeline **out);
AFFECT_API void affect_session_destroy(affect_session *session); /* NULL is fine */

/* ---- whole files -------------------------------------------------------------------------------
 */

/* Analyzes a file that FFmpeg opens, or standard input for "-". `options` may be NULL. Stops early
 * with CANCELLED after affect_context_cancel. Errors: NOT_FOUND, FORMAT, NO_STREAM, ARGUMENT,
 * RUNTIME (no FFmpeg), CANCELLED, MEMORY; then *out is NULL. The caller destroys *out. */
AFFECT_API AFFECT_MUST_USE affect_status affect_analyze(affect_context *context, const char *path,
                                                        const affect_options *options,
                                                        affect_timeline **out);

/* A recording that the caller reads. */
typedef struct affect_input {
    /* Up to `size` bytes into `buffer`: how many came, 0 at the end, below 0 for a failure. */
    int64_t (*read)(void *user, void *buffer, size_t size);
    /* Goes to a byte counted from the start; below 0 for a failure. NULL: a stream, of which
     * formats with an index at their end (most MP4) cannot be read. */
    int64_t (*seek)(void *user, int64_t offset);
    int64_t (*length)(void *user); /* in bytes; below 0 for a failure. NULL where seek is */
    void *user;
} affect_input;

/* As affect_analyze. `size` is sizeof(affect_input) as the caller was compiled. `name` becomes the
 * property "input" and stands in messages; its end may tell the format of a raw stream. The
 * functions are called on the calling thread, during this call only. */
AFFECT_API AFFECT_MUST_USE affect_status affect_analyze_input(affect_context *context,
                                                              const affect_input *input,
                                                              size_t size, const char *name,
                                                              const affect_options *options,
                                                              affect_timeline **out);

/* Takes `size` bytes of what is written, in order; a value other than `size` stops the writing. */
typedef size_t (*affect_write_fn)(void *user, const void *bytes, size_t size);
/* Writes one format (json, eaf, textgrid, vtt, svg, html, pdf, png or openface) piece by piece. Errors: USAGE (another
 * word), OUTPUT (the function stopped it), MEMORY. */
AFFECT_API AFFECT_MUST_USE affect_status affect_timeline_write_to(affect_context *context,
                                                                  const affect_timeline *timeline,
                                                                  const char *format,
                                                                  affect_write_fn write,
                                                                  void *user);

/* Writes a timeline into `folder` (made if it is not there) in the formats named with commas:
 * json, csv, eaf, textgrid, vtt, svg, html, or "all" of these; pdf, png, openface. A file appears under its final name only when
 * it is complete. Errors: EXISTS (if `overwrite` is 0), OUTPUT, USAGE (unknown format), MEMORY. */
AFFECT_API AFFECT_MUST_USE affect_status affect_timeline_write(affect_context *context,
                                                               const affect_timeline *timeline,
                                                               const char *folder,
                                                               const char *formats, int overwrite);
/* Reads what the JSON writer wrote. Errors: NOT_FOUND, FORMAT, LIMIT, MEMORY; then *out is NULL. */
AFFECT_API AFFECT_MUST_USE affect_status affect_timeline_read(affect_context *context,
                                                              const char *path,
                                                              affect_timeline **out);

#ifdef __cplusplus
}
#endif
#endif
