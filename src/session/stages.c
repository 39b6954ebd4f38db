/* The stages that there are: perception, then understanding. */
#include <string.h>

#include "align/align.h"
#include "align/speaking.h"
#include "face/face.h"
#include "fuse/fuse.h"
#include "session/session_private.h"
#include "voice/voice.h"
#include "words/words.h"

/* ---- face ---- */

static affect_status face_make(affect_context *ctx, const affect_options *o,
                               affect_timeline *timeline, void **impl) {
    face_options options = face_options_default();
    options.detector = session_option_model(o, "face.detect");
    options.mesh = session_option_model(o, "face.mesh");
    options.expressions = session_option_model(o, "face.emotion");
    options.geometry = session_option_model(o, "face.geometry");
    options.identifier = session_option_model(o, "face.identity");
    options.identity = o->identity;
    options.landmarks = o->landmarks;
    options.person_count = o->person_count;
    face_stage *stage = NULL;
    affect_status status = face_create(ctx, &options, timeline, &stage);
    *impl = stage;
    return status;
}
static affect_status face_take(void *impl, const media_item *item) {
    return face_push(impl, &item->frame);
}
static affect_status face_end(void *impl) { return face_finish(impl); }
static void face_free(void *impl) { face_destroy(impl); }

static bool face_wanted(const affect_options *o) { return o->face; }
static bool face_unseen(const affect_timeline *made) { return made->track_count == 0; }

static const session_task face_tasks[] = {{.task = "face.detect", .model = "face.detect.wide"},
                                          {.task = "face.mesh"},
                                          {.task = "face.geometry"},
                                          {.task = "face.emotion"},
                                          {.task = "face.identity"},
                                          {.task = NULL}};

static const session_perception face = {
    .name = "face",
    .takes = MEDIA_FRAME,
    .wanted = face_wanted,
    .tasks = face_tasks,
    .essential = {"face.detect.wide", "face.mesh"},
    .unfed = "the recording has no picture: nothing is said about faces",
    .nothing = "no face was seen",
    .found_nothing = face_unseen,
    .create = face_make,
    .push = face_take,
    .finish = face_end,
    .destroy = face_free,
};

/* ---- voice ---- */

static affect_status voice_make(affect_context *ctx, const affect_options *o,
                                affect_timeline *timeline, void **impl) {
    voice_options options = voice_options_default();
    options.activity_model = session_option_model(o, "voice.activity");
    options.prosody_model = session_option_model(o, "voice.prosody");
    options.emotion_model = session_option_model(o, "voice.emotion");
    voice_stage *stage = NULL;
    affect_status status = voice_create(ctx, &options, timeline, &stage);
    *impl = stage;
    return status;
}
static affect_status voice_take(void *impl, const media_item *item) {
    return voice_push(impl, &item->audio);
}
static affect_status voice_end(void *impl) { return voice_finish(impl); }
static void voice_free(void *impl) { voice_destroy(impl); }

static bool voice_wanted(const affect_options *o) { return o->voice; }
static bool voice_unheard(const affect_timeline *made) {
    const affect_track *activity =
        timeline_role(made, TRACK_ROLE_ACTIVITY, AFFECT_MODALITY_VOICE, AFFECT_PERSON_NONE);
    return activity && activity->rows &&
           affect_tier_count(affect_timeline_find_tier(made, "speech")) == 0;
}

static const session_task voice_tasks[] = {{.task = "voice.activity"},
                                           {.task = "voice.prosody"},
                                           {.task = "voice.emotion"},
                                           {.task = NULL}};

#define NO_SOUND "the recording has no sound: nothing is said about the voice"

static const session_perception voice = {
    .name = "voice",
    .takes = MEDIA_AUDIO,
    .wanted = voice_wanted,
    .tasks = voice_tasks,
    .essential = {"voice.activity"},
    .unfed = NO_SOUND,
    .nothing = "no speech was heard",
    .found_nothing = voice_unheard,
    .create = voice_make,
    .push = voice_take,
    .finish = voice_end,
    .destroy = voice_free,
};

/* ---- words ---- */

static words_options words_from(const affect_options *o) {
    words_options options = words_options_default();
    options.recognition_model = session_option_model(o, "words.recognition.en");
    options.lexicon = session_option_model(o, "words.lexicon");
    options.emotion_model = session_option_model(o, "text.emotion");
    options.speaker_model = session_option_model(o, "voice.speaker");
    options.speakers = o->identity;
    return options;
}
static affect_status words_make(affect_context *ctx, const affect_options *o,
                                affect_timeline *timeline, void **impl) {
    words_options options = words_from(o);
    words_stage *stage = NULL;
    affect_status status = words_create(ctx, &options, timeline, &stage);
    *impl = stage;
    return status;
}
static affect_status words_take(void *impl, const media_item *item) {
    return words_push(impl, &item->audio);
}
static affect_status words_end(void *impl) { return words_finish(impl); }
static void words_free(void *impl) { words_destroy(impl); }

static bool words_wanted(const affect_options *o) { return o->words && !o->subtitles; }

static affect_status words_import_file(affect_context *ctx, const affect_options *o,
                                       const char *path, affect_timeline *timeline) {
    words_options options = words_from(o);
    options.offset = o->subtitles_offset;
    options.length = o->length;
    if (o->transcript)
        return words_import_bytes(ctx, path, o->transcript->data, o->transcript->length, &options,
                                  timeline);
    return words_import_with(ctx, path, &options, timeline);
}

static affect_status words_take_text(affect_context *ctx, const affect_options *o, affect_time t0,
                                     affect_time t1, const char *text, affect_timeline *timeline,
                                     void **feed) {
    if (!*feed) {
        words_options options = words_from(o);
        words_text *made = NULL;
        affect_status status = words_text_create(ctx, &options, timeline, &made);
        if (status != AFFECT_OK) return status;
        *feed = made;
    }
    return words_text_push(*feed, t0, t1, text);
}
static void words_text_free(void *feed) { words_text_destroy(feed); }

static const session_task words_tasks[] = {
    {.task = "words.recognition.en", .tier = "words", .only_heard = true},
    {.task = "words.lexicon", .tier = "words"},
    {.task = "text.emotion"},
    {.task = "voice.speaker", .tier = "speakers"},
    {.task = NULL}};

/* Speech in which no words were found, not even words that were not understood (these have their
 * own warning). */
static const session_perception words = {
    .name = "words",
    .takes = MEDIA_AUDIO,
    .wanted = words_wanted,
    .tasks = words_tasks,
    .unfed = NO_SOUND,
    .miss = {"speech", "utterances", "speech was heard and no words were found in it"},
    .create = words_make,
    .push = words_take,
    .finish = words_end,
    .destroy = words_free,
    .import = words_import_file,
    .text = words_take_text,
    .text_end = words_text_free,
};

/* ---- who speaks ---- */

static affect_status speaking_make(affect_context *ctx, const affect_options *o,
                                   affect_timeline *timeline, void **impl) {
    align_speaking_options options = {.model = session_option_model(o, "align.synchrony"),
                                      .voices = session_option_model(o, "align.voices"),
                                      .anonymous = !o->identity,
                                      .keep_offset = o->keep_offset};
    align_speaking *stage = NULL;
    affect_status status = align_speaking_create(ctx, &options, timeline, &stage);
    *impl = stage;
    return status;
}
static affect_status speaking_go_on(void *impl, const timeline_view *view, affect_time horizon) {
    return align_speaking_advance(impl, view, horizon);
}
static affect_status speaking_end(void *impl, const timeline_view *view, affect_time end) {
    return align_speaking_finish(impl, view, end);
}
static bool speaking_revised(const void *impl) { return align_speaking_revised(impl); }
static void speaking_free(void *impl) { align_speaking_destroy(impl); }

static const session_task speaking_tasks[] = {
    {.task = "align.synchrony", .tier = "speaking"}, {.task = "align.voices"}, {.task = NULL}};

static const session_understanding speaking = {
    .name = "speaking",
    .tasks = speaking_tasks,
    .look_ahead = ALIGN_SPEAKING_LOOKAHEAD,
    .create = speaking_make,
    .advance = speaking_go_on,
    .finish = speaking_end,
    .destroy = speaking_free,
    .revised = speaking_revised,
};

/* ---- fuse ---- */

static affect_status fuse_make(affect_context *ctx, const affect_options *o,
                               affect_timeline *timeline, void **impl) {
    fuse_options options = fuse_options_default();
    options.rate_hz = o->rate_hz;
    options.model = session_option_model(o, "fuse");
    options.network = session_option_model(o, "fusion");
    fuse_stage *stage = NULL;
    affect_status status = fuse_create(ctx, &options, timeline, &stage);
    *impl = stage;
    return status;
}
static affect_status fuse_go_on(void *impl, const timeline_view *view, affect_time horizon) {
    return fuse_advance(impl, view, horizon);
}
static affect_status fuse_end(void *impl, const timeline_view *view, affect_time end) {
    return fuse_finish(impl, view, end);
}
static void fuse_free(void *impl) { fuse_destroy(impl); }
static affect_status fuse_now(void *impl, const timeline_view *view, affect_time now,
                              affect_timeline *out) {
    return fuse_provisional(impl, view, now, out);
}

static const session_task fuse_tasks[] = {
    {.task = "fuse", .model = "fuse.default", .tier = "episodes"},
    {.task = "fusion"}, /* none of its own: only what is named */
    {.task = NULL}};

static const session_understanding fuse = {
    .name = "fuse",
    .tasks = fuse_tasks,
    .look_ahead = FUSE_LOOKAHEAD,
    .create = fuse_make,
    .advance = fuse_go_on,
    .finish = fuse_end,
    .destroy = fuse_free,
    .provisional = fuse_now,
};

/* ---- align ---- */

static affect_status align_make(affect_context *ctx, const affect_options *o,
                                affect_timeline *timeline, void **impl) {
    (void)o;
    align_stage *stage = NULL;
    affect_status status = align_create(ctx, timeline, &stage);
    *impl = stage;
    return status;
}
static affect_status align_go_on(void *impl, const timeline_view *view, affect_time horizon) {
    return align_advance(impl, view, horizon);
}
static affect_status align_end(void *impl, const timeline_view *view, affect_time end) {
    return align_finish(impl, view, end);
}
static void align_free(void *impl) { align_destroy(impl); }

static const session_task align_tasks[] = {{.task = NULL}};

static const session_understanding align = {
    .name = "align",
    .tasks = align_tasks,
    .look_ahead = ALIGN_LOOKAHEAD,
    .create = align_make,
    .advance = align_go_on,
    .finish = align_end,
    .destroy = align_free,
};

/* ---- all of them ---- */

static const session_perception *const perception[] = {&face, &voice, &words, NULL};
static const session_understanding *const understanding[] = {&speaking, &fuse, &align, NULL};

const session_plan session_default_plan = {perception, understanding};

affect_status session_stage_failed(affect_context *ctx, session_stage *stage, affect_time from,
                                   affect_status status) {
    if (status == AFFECT_OK || status == AFFECT_ERROR_MEMORY || status == AFFECT_ERROR_CANCELLED)
        return status;
    /* Perception does without a default model; the error is of one that was named. */
    if (status == AFFECT_ERROR_MODEL && stage->kind) return status;
    char text[512];
    const char *message = affect_context_message(ctx);
    snprintf(text, sizeof text, "%s", *message ? message : affect_status_text(status));
    if (stage->impl)
        (stage->kind ? stage->kind->destroy : stage->understanding->destroy)(stage->impl);
    stage->impl = NULL;
    return timeline_warn(ctx, stage->timeline, from, from, "%s stopped: %s",
                         stage->kind ? stage->kind->name : stage->understanding->name, text);
}
