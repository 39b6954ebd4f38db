/* The three kinds of perception in one shape. */
#include <string.h>

#include "face/face.h"
#include "session/internal.h"
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

const session_stage_kind session_face = {
    "face", {"face.detect.wide", "face.mesh"}, face_make, face_take, face_end, face_free};

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

const session_stage_kind session_voice = {"voice",    {"voice.activity"}, voice_make,
                                          voice_take, voice_end,          voice_free};

/* ---- words ---- */

static words_options words_from(const affect_options *o) {
    words_options options = words_options_default();
    options.recognition_model = session_option_model(o, "words.recognition.en");
    options.lexicon = session_option_model(o, "words.lexicon");
    options.emotion_model = session_option_model(o, "text.emotion");
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

const session_stage_kind session_words = {"words",    {NULL},    words_make,
                                          words_take, words_end, words_free};

affect_status session_push_words(affect_context *ctx, const affect_options *o, affect_time t0,
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

void session_push_words_end(void *feed) { words_text_destroy(feed); }
