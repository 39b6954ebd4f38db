#include "tests/test.h"

#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include "media/media.h"
#include "voice/voice.h"

static affect_context *ctx;

static int setup(void **state) {
    (void)state;
    return affect_context_create(&ctx);
}
static int teardown(void **state) {
    (void)state;
    affect_context_destroy(ctx);
    return 0;
}

/* The stage over a recording of the data folder; `split` cuts blocks in two at odd places. */
static affect_timeline *analyse(const char *file, bool split) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", test_data(), file);
    media_options options = media_options_default();
    options.want_video = false;
    media_reader *reader;
    affect_timeline *timeline;
    voice_stage *stage;
    if (media_open(ctx, path, &options, &reader) != AFFECT_OK) {
        print_message("skipped: %s\n", affect_context_message(ctx));
        skip();
    }
    assert_int_equal(timeline_create(ctx, &timeline), AFFECT_OK);
    assert_int_equal(voice_create(ctx, NULL, timeline, &stage), AFFECT_OK);
    media_item item;
    do {
        assert_int_equal(media_next(reader, &item), AFFECT_OK);
        if (item.kind != MEDIA_AUDIO) continue;
        media_block a = item.audio, b = item.audio;
        a.count = split ? item.audio.count / 3 : item.audio.count;
        b.samples += a.count;
        b.count -= a.count;
        b.t0 += time_from_ticks((int64_t)a.count, 1, 16000);
        assert_int_equal(voice_push(stage, &a), AFFECT_OK);
        if (b.count) assert_int_equal(voice_push(stage, &b), AFFECT_OK);
    } while (item.kind != MEDIA_END);
    assert_int_equal(voice_finish(stage), AFFECT_OK);
    voice_destroy(stage);
    media_close(reader);
    timeline_sort(timeline);
    return timeline;
}

static double mean_arousal(const affect_timeline *timeline) {
    const affect_track *track = affect_timeline_find_track(timeline, "voice/affect");
    if (!track) skip();                        /* no model */
    if (!affect_track_rows(track)) return NAN; /* a whisper: too little voice to say anything */
    double sum = 0;
    for (size_t i = 0; i < affect_track_rows(track); i++)
        sum += (double)affect_track_row(track, i)[1];
    return sum / (double)affect_track_rows(track);
}

static void shouting_in_anger_is_heard_as_more_aroused_than_sadness(void **state) {
    (void)state;
    TEST_NEED_DATA();
    double sum[2] = {0};
    int count[2] = {0};
    for (int actor = 1; actor <= 24; actor += 4)
        for (int sad = 0; sad < 2; sad++) {
            char file[128];
            snprintf(file, sizeof file, "ravdess/03-01-%02d-02-01-01-%02d.ogg", sad ? 4 : 5, actor);
            affect_timeline *timeline = analyse(file, false);
            double arousal = mean_arousal(timeline);
            affect_timeline_destroy(timeline);
            if (isnan(arousal)) continue;
            sum[sad] += arousal;
            count[sad]++;
        }
    assert_true(count[0] >= 4 && count[1] >= 3);
    double angry = sum[0] / count[0], sad = sum[1] / count[1];
    print_message("mean arousal: angry %.2f, sad %.2f\n", angry, sad);
    assert_true(angry > sad + 0.3);
}

static void a_long_address_gives_all_its_parts(void **state) {
    (void)state;
    TEST_NEED_DATA();
    affect_timeline *timeline = analyse("media/speech/jfk.flac", false);
    const affect_track *prosody = affect_timeline_find_track(timeline, "voice/prosody");
    const affect_track *affect = affect_timeline_find_track(timeline, "voice/affect");
    assert_non_null(prosody);
    double seconds = time_to_seconds(affect_track_time(prosody, affect_track_rows(prosody) - 1));
    assert_true(fabs(seconds * 100 - (double)affect_track_rows(prosody)) < 8);
    size_t voiced = 0;
    for (size_t i = 0; i < affect_track_rows(prosody); i++) {
        float f0 = affect_track_row(prosody, i)[0];
        if (isnan(f0)) continue;
        voiced++;
        assert_true(f0 > 50 && f0 < 1000);
    }
    assert_in_range(voiced * 100 / affect_track_rows(prosody), 25, 80);
    assert_in_range(affect_track_rows(affect), 3, 30); /* a row a phrase, or two a second */
    size_t rises = 0, falls = 0, emphasis = 0, pauses = 0;
    for (size_t i = 0; i < affect_timeline_event_count(timeline); i++) {
        affect_event e = *affect_timeline_event(timeline, i);
        rises += !strcmp(e.kind, "pitch_rise");
        falls += !strcmp(e.kind, "pitch_fall");
        emphasis += !strcmp(e.kind, "emphasis");
        pauses += !strcmp(e.kind, "pause");
        assert_true(e.onset >= 0 && time_to_seconds(e.offset) < seconds + 0.2);
    }
    print_message("%zu rises, %zu falls, %zu emphasised, %zu pauses\n", rises, falls, emphasis,
                  pauses);
    assert_true(rises >= 2 && falls >= 2 && pauses >= 2);
    affect_timeline_destroy(timeline);
}

static void how_blocks_are_cut_changes_nothing(void **state) {
    (void)state;
    TEST_NEED_DATA();
    affect_timeline *a = analyse("media/speech/jfk.flac", false),
                    *b = analyse("media/speech/jfk.flac", true);
    assert_int_equal(a->track_count, b->track_count);
    for (size_t t = 0; t < a->track_count; t++) {
        assert_int_equal(a->tracks[t]->rows, b->tracks[t]->rows);
        assert_memory_equal(a->tracks[t]->times, b->tracks[t]->times,
                            a->tracks[t]->rows * sizeof(affect_time));
        assert_memory_equal(a->tracks[t]->values, b->tracks[t]->values,
                            a->tracks[t]->rows * a->tracks[t]->channel_count * sizeof(float));
    }
    assert_int_equal(a->event_count, b->event_count);
    affect_timeline_destroy(a);
    affect_timeline_destroy(b);
}

static void missing_models_are_warnings_and_the_rest_goes_on(void **state) {
    (void)state;
    static const char *const ours[] = {"voice.activity", "voice.prosody", "voice.emotion",
                                       "voice.emotion.open"};
    affect_timeline *timeline;
    voice_stage *stage;
    char folder[] = "/tmp/affect-voice-XXXXXX", path[128];
    assert_non_null(mkdtemp(folder));
    for (size_t i = 0; i < BASE_COUNT(ours); i++) { /* found first, and no model */
        snprintf(path, sizeof path, "%s/%s", folder, ours[i]);
        assert_int_equal(mkdir(path, 0700), 0);
        snprintf(path, sizeof path, "%s/%s/card.json", folder, ours[i]);
        assert_int_equal(base_write_file(ctx, path, "{}", 2), AFFECT_OK);
    }
    assert_int_equal(affect_context_set_models(ctx, folder), AFFECT_OK);
    assert_int_equal(timeline_create(ctx, &timeline), AFFECT_OK);
    assert_int_equal(voice_create(ctx, NULL, timeline, &stage), AFFECT_OK);
    assert_int_equal(affect_context_set_models(ctx, NULL), AFFECT_OK);
    for (size_t i = 0; i < BASE_COUNT(ours); i++) {
        snprintf(path, sizeof path, "%s/%s/card.json", folder, ours[i]);
        unlink(path);
        snprintf(path, sizeof path, "%s/%s", folder, ours[i]);
        rmdir(path);
    }
    rmdir(folder);
    assert_int_equal(affect_timeline_warning_count(timeline), 4);
    float samples[16000];
    for (int i = 0; i < 16000; i++)
        samples[i] = 0.2F * (float)sin(2 * 3.14159265 * 150 * i / 16000);
    media_block block = {.sample_rate = 16000, .count = 16000, .samples = samples};
    assert_int_equal(voice_push(stage, &block), AFFECT_OK);
    block.sample_rate = 8000;
    assert_int_equal(voice_push(stage, &block), AFFECT_ERROR_ARGUMENT);
    assert_int_equal(voice_finish(stage), AFFECT_OK);
    assert_true(affect_track_rows(affect_timeline_find_track(timeline, "voice/prosody")) > 90);
    voice_destroy(stage);
    affect_timeline_destroy(timeline);
}

static void a_model_that_was_named_must_work(void **state) {
    (void)state;
    const voice_options named[] = {
        {.activity_model = "/nowhere/activity"},
        {.emotion_model = "/nowhere/emotion"},
        {.activity_model = "/nowhere/activity", .emotion_model = "/nowhere/emotion"}};
    for (size_t i = 0; i < BASE_COUNT(named); i++) {
        affect_timeline *timeline;
        voice_stage *stage;
        assert_int_equal(timeline_create(ctx, &timeline), AFFECT_OK);
        assert_int_equal(voice_create(ctx, &named[i], timeline, &stage), AFFECT_ERROR_MODEL);
        assert_null(stage);
        assert_non_null(strstr(affect_context_message(ctx), "/nowhere/"));
        affect_timeline_destroy(timeline);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shouting_in_anger_is_heard_as_more_aroused_than_sadness),
        cmocka_unit_test(a_long_address_gives_all_its_parts),
        cmocka_unit_test(how_blocks_are_cut_changes_nothing),
        cmocka_unit_test(missing_models_are_warnings_and_the_rest_goes_on),
        cmocka_unit_test(a_model_that_was_named_must_work),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
