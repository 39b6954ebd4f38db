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
AFFECT_API void affect_options_set_words(affect_options *options, int on);
/* Rows of the trajectory a second: 0.1 to 1000, default 10. */
AFFECT_API AFFECT_MUST_USE affect_status affect_options_set_rate(affect_options *options,
                                                                 double rate_hz);
/* affect_analyze only: which of several audio streams, from 0; -1 (the default) is the one that the
 * container marks as best. */
AFFECT_API AFFECT_MUST_USE affect_status affect_options_set_audio_stream(affect_options *options,
                                                                         int stream);
/* A transcript (SRT, WebVTT, TextGrid, EAF or JSON); no recognition is run then. NULL removes it.
 * `path` is copied. */
AFFECT_API AFFECT_MUST_USE affect_status affect_options_set_subtitles(affect_options *options,
                                                                      const char *path);
/* Another model for a task: `task` is the name of the default model ("face.expression"), `model`
 * the name or folder of the one to use instead; NULL goes back. Both are copied. A model that was
 * named and is not there is an error of the session (MODEL), not a warning. */
AFFECT_API AFFECT_MUST_USE affect_status affect_options_set_model(affect_options *options,
                                                                  const char *task,
                                                                  const char *model);
/* How long the trajectory waits for perception: 2000 to 600000 ms, default 20000. A row of the
 * trajectory is final at most this plus 12500 ms after its instant was pushed. Perception that
 * comes later still (an utterance that lasts longer) is left out of the trajectory, with a warning.
 * affect_analyze waits as long as it takes unless it is set. */
AFFECT_API AFFECT_MUST_USE affect_status affect_options_set_look_ahead_ms(affect_options *options,
                                                                          int ms);

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
AFFECT_API void affect_options_on_progress(affect_options *options, affect_progress_fn call,
                                           void *user);

/* ---- session ------------------------------------------------------------------------------------
 * Belongs to one thread at a time; different sessions may run at the same time, on one context or
 * on several. With more than one thread on the context, perception runs beside the caller; the
 * result is the same. Push in order of time, across the three kinds too. Times are from the first
 * instant of the recording. */

typedef struct affect_session affect_session;

/* `options` may be NULL. A model or run-time library that is missing is a warning in the timeline,
 * and the session does what it can. Errors: MEMORY; MODEL for a model that was named; NOT_FOUND or
 * FORMAT for the subtitles. */
AFFECT_API AFFECT_MUST_USE affect_status affect_session_create(affect_context *context,
                                                               const affect_options *options,
                                                               affect_session **out);
/* `count` mono samples in -1..1 at 1000 to 768000 Hz, the first at `t0`; NaN and infinities are
 * taken as 0. Perception works at 16000 Hz: at other rates a stretch of pushes that meet within a
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

/* Writes a timeline into `folder` (made if it is not there) in the formats named with commas:
 * json, csv, eaf, textgrid, vtt, svg, html, or "all". A file appears under its final name only when
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
