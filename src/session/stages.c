/* The three kinds of perception in one shape. */
#include <string.h>

#include "session/internal.h"

/* ---- face ---- */

#if __has_include("face/face.h")
#include "face/face.h"

static affect_status face_make(affect_context *ctx, const affect_options *o,
                               affect_timeline *timeline, void **impl) {
    face_options options = face_options_default();
    options.detector = session_option_model(o, "face.detect");
    options.mesh = session_option_model(o, "face.mesh");
    options.expressions = session_option_model(o, "face.expression");
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
#else
static affect_status face_make(affect_context *ctx, const affect_options *o,
                               affect_timeline *timeline, void **impl) {
    (void)o;
    *impl = NULL;
    return timeline_warn(ctx, timeline, AFFECT_TIME_NONE, AFFECT_TIME_NONE,
                         "this build has no face perception");
}
#define face_take NULL
#define face_end NULL
#define face_free NULL
#endif

const session_stage_kind session_face = {
    "face", {"face.detect.wide", "face.mesh"}, face_make, face_take, face_end, face_free};

/* ---- voice ---- */

#if __has_include("voice/voice.h")
#include "voice/voice.h"

static affect_status voice_make(affect_context *ctx, const affect_options *o,
                                affect_timeline *timeline, void **impl) {
    voice_options options = voice_options_default();
    options.activity_model = session_option_model(o, "voice.activity");
    options.prosody_model = session_option_model(o, "voice.prosody");
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
#else
static affect_status voice_make(affect_context *ctx, const affect_options *o,
                                affect_timeline *timeline, void **impl) {
    (void)o;
    *impl = NULL;
    return timeline_warn(ctx, timeline, AFFECT_TIME_NONE, AFFECT_TIME_NONE,
                         "this build has no voice perception");
}
#define voice_take NULL
#define voice_end NULL
#define voice_free NULL
#endif

const session_stage_kind session_voice = {"voice",    {"voice.activity"}, voice_make,
                                          voice_take, voice_end,          voice_free};

/* ---- words ---- */

#if __has_include("words/words.h")
#include "words/words.h"

static words_options words_from(const affect_options *o) {
    words_options options = words_options_default();
    options.recognition_model = session_option_model(o, "words.recognition.en");
    options.lexicon = session_option_model(o, "words.lexicon");
    options.speaker_model = session_option_model(o, "voice.speaker");
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

affect_status session_import_words(affect_context *ctx, const affect_options *o, const char *path,
                                   affect_timeline *timeline) {
    words_options options = words_from(o);
    return words_import_with(ctx, path, &options, timeline);
}
#else
static affect_status words_make(affect_context *ctx, const affect_options *o,
                                affect_timeline *timeline, void **impl) {
    (void)o;
    *impl = NULL;
    return timeline_warn(ctx, timeline, AFFECT_TIME_NONE, AFFECT_TIME_NONE,
                         "this build has no words perception");
}
#define words_take NULL
#define words_end NULL
#define words_free NULL

affect_status session_import_words(affect_context *ctx, const affect_options *o, const char *path,
                                   affect_timeline *timeline) {
    (void)o;
    (void)timeline;
    return base_fail(ctx, AFFECT_ERROR_UNSUPPORTED, "%s: this build reads no transcripts", path);
}
#endif

const session_stage_kind session_words = {"words",    {NULL},    words_make,
                                          words_take, words_end, words_free};

/* A text that was pushed is an utterance; what it expresses comes from the same lexical part. */
affect_status session_push_words(affect_context *ctx, const affect_options *o, affect_time t0,
                                 affect_time t1, const char *text, affect_timeline *timeline) {
    (void)o;
    affect_tier *tier;
    affect_status status = timeline_tier(ctx, timeline, "utterances", AFFECT_MODALITY_WORDS, &tier);
    if (status != AFFECT_OK) return status;
    return tier_append(ctx, tier,
                       &(affect_interval){.t0 = t0, .t1 = t1, .label = text, .score = 1.0f});
}
