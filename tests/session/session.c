/* The engine: threads, callbacks and the way of pushing must not change what comes out; failures
 * are statuses; sessions know nothing of each other. */
#include "tests/test.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "affect/affect.h"
#include "media/media.h"
#include "report/report.h"
#include "track/track.h"

static char *clip(const char *name) {
    static char path[2][512];
    static int turn;
    turn = !turn;
    snprintf(path[turn], sizeof path[turn], "%s/media/%s", test_data(), name);
    return path[turn];
}

/* The timeline as JSON. */
static char *json_of(affect_context *ctx, const affect_timeline *timeline, size_t *length) {
    char *text = NULL;
    FILE *file = open_memstream(&text, length);
    assert_int_equal(report_print(ctx, timeline, REPORT_JSON, NULL, NULL, file), AFFECT_OK);
    fclose(file);
    return text;
}

/* Everything but recognition, which takes most of the time to load. */
static affect_options *quick(affect_context *ctx) {
    affect_options *options;
    assert_int_equal(affect_options_create(ctx, &options), AFFECT_OK);
    affect_options_set_words(options, 0);
    return options;
}

static char *analyzed(const char *path, int threads, bool words) {
    affect_context *ctx;
    affect_timeline *timeline;
    size_t length;
    assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
    affect_options *options = quick(ctx);
    affect_options_set_words(options, words);
    affect_context_set_threads(ctx, threads);
    affect_status status = affect_analyze(ctx, path, options, &timeline);
    if (status != AFFECT_OK) fail_msg("%s", affect_context_message(ctx));
    char *text = json_of(ctx, timeline, &length);
    affect_timeline_destroy(timeline);
    affect_options_destroy(options);
    affect_context_destroy(ctx);
    return text;
}

static void threads_and_runs_give_the_same_bytes(void **state) {
    (void)state;
    TEST_NEED_DATA();
    char *a = analyzed(clip("grid/bbaf2n.mpg"), 1, true);
    char *b = analyzed(clip("grid/bbaf2n.mpg"), 2, true);
    char *c = analyzed(clip("grid/bbaf2n.mpg"), 2, true);
    assert_string_equal(a, b);
    assert_string_equal(b, c);
    free(a), free(b), free(c);
}

/* ---- pushing ---- */

static affect_timeline *pushed(affect_context *ctx, const char *path, const affect_options *options,
                               size_t cut) {
    media_options media = media_options_default();
    media_reader *reader;
    affect_session *session;
    affect_timeline *timeline;
    assert_int_equal(media_open(ctx, path, &media, &reader), AFFECT_OK);
    assert_int_equal(affect_session_create(ctx, options, &session), AFFECT_OK);
    for (media_item item = {0};;) {
        assert_int_equal(media_next(reader, &item), AFFECT_OK);
        if (item.kind == MEDIA_END) break;
        if (item.kind == MEDIA_FRAME)
            assert_int_equal(affect_session_push_frame(session, item.frame.time, item.frame.width,
                                                       item.frame.height, item.frame.stride,
                                                       item.frame.rgb),
                             AFFECT_OK);
        for (size_t at = 0; item.kind == MEDIA_AUDIO && at < item.audio.count; at += cut)
            assert_int_equal(affect_session_push_audio(
                                 session, item.audio.t0 + time_from_ticks((int64_t)at, 1, 16000),
                                 16000, item.audio.samples + at,
                                 BASE_MIN(cut, item.audio.count - at)),
                             AFFECT_OK);
    }
    assert_int_equal(affect_session_finish(session, &timeline), AFFECT_OK);
    affect_session_destroy(session);
    media_close(reader);
    return timeline;
}

static void same_track(const affect_timeline *a, const affect_timeline *b, const char *id) {
    const affect_track *x = affect_timeline_find_track(a, id);
    const affect_track *y = affect_timeline_find_track(b, id);
    if (!x && !y) return;
    assert_non_null(x);
    assert_non_null(y);
    if (affect_track_rows(x) != affect_track_rows(y))
        fail_msg("%s: %zu rows from the file, %zu pushed", id, affect_track_rows(x),
                 affect_track_rows(y));
    for (size_t i = 0; i < affect_track_rows(x); i++) {
        assert_int_equal(affect_track_time(x, i), affect_track_time(y, i));
        assert_memory_equal(affect_track_row(x, i), affect_track_row(y, i),
                            affect_track_channels(x) * sizeof(float));
    }
}

static void pushed_equals_file(void **state) {
    (void)state;
    TEST_NEED_DATA();
    affect_context *ctx;
    affect_timeline *file;
    assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
    affect_options *options = quick(ctx);
    assert_int_equal(affect_analyze(ctx, clip("grid/lbax4n.mpg"), options, &file), AFFECT_OK);
    affect_timeline *live = pushed(ctx, clip("grid/lbax4n.mpg"), options, 777);
    affect_options_destroy(options);
    for (size_t i = 0; i < affect_timeline_track_count(file); i++)
        same_track(file, live, affect_track_id(affect_timeline_track(file, i)));
    assert_int_equal(affect_timeline_track_count(file), affect_timeline_track_count(live));
    assert_int_equal(affect_timeline_event_count(file), affect_timeline_event_count(live));
    affect_timeline_destroy(file);
    affect_timeline_destroy(live);
    affect_context_destroy(ctx);
}

/* Two channels that are two speakers are told apart live as in a file, however pushes fall. */
static void channels_are_speakers_live_too(void **state) {
    (void)state;
    affect_context *ctx;
    affect_timeline *file, *live;
    affect_session *session;
    media_options media = media_options_default();
    media_reader *reader;
    const char *path = "tests/cases/two-channels/overlap.flac";
    assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
    affect_options *options = quick(ctx);
    assert_int_equal(affect_analyze(ctx, path, options, &file), AFFECT_OK);
    assert_int_equal(media_open(ctx, path, &media, &reader), AFFECT_OK);
    assert_int_equal(affect_session_create(ctx, options, &session), AFFECT_OK);
    for (media_item item = {0};;) {
        assert_int_equal(media_next(reader, &item), AFFECT_OK);
        if (item.kind == MEDIA_END) break;
        float both[2 * 777];
        for (size_t at = 0; at < item.audio.count; at += 777) {
            size_t n = BASE_MIN((size_t)777, item.audio.count - at);
            for (size_t i = 0; i < n; i++) {
                both[2 * i] = item.audio.samples[at + i] + item.audio.side[at + i];
                both[2 * i + 1] = item.audio.samples[at + i] - item.audio.side[at + i];
            }
            assert_int_equal(affect_session_push_channels(
                                 session, item.audio.t0 + time_from_ticks((int64_t)at, 1, 16000),
                                 16000, 2, both, n),
                             AFFECT_OK);
        }
    }
    assert_int_equal(affect_session_finish(session, &live), AFFECT_OK);
    const affect_tier *want = affect_timeline_find_tier(file, "speakers");
    const affect_tier *have = affect_timeline_find_tier(live, "speakers");
    if (!want) print_message("skipped: speech activity is missing\n");
    for (size_t i = 0; want && i < affect_tier_count(want); i++) {
        const affect_interval *a = affect_tier_interval(want, i),
                              *b = affect_tier_interval(have, i);
        assert_int_equal(a->t0, b->t0);
        assert_int_equal(a->t1, b->t1);
        assert_int_equal(a->person, b->person);
        assert_string_equal(affect_attributes_text(a->attributes, "channel"),
                            affect_attributes_text(b->attributes, "channel"));
    }
    if (want) assert_int_equal(affect_tier_count(have), affect_tier_count(want));
    affect_timeline_destroy(file);
    affect_timeline_destroy(live);
    affect_session_destroy(session);
    media_close(reader);
    affect_options_destroy(options);
    affect_context_destroy(ctx);
}

static void put_voice(FILE *file, int channel) { /* five seconds of one voice, and one of nothing */
    media_options media = media_options_default();
    media_reader *reader;
    affect_context *ctx;
    assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
    assert_int_equal(media_open(ctx, "tests/cases/two-channels/overlap.flac", &media, &reader),
                     AFFECT_OK);
    for (media_item item = {0};;) {
        assert_int_equal(media_next(reader, &item), AFFECT_OK);
        if (item.kind == MEDIA_END) break;
        for (size_t i = 0; i < item.audio.count; i++) {
            float x = item.audio.samples[i] + (channel ? -1 : 1) * item.audio.side[i];
            int16_t y = (int16_t)(x * 32767);
            assert_int_equal(fwrite(&y, 2, 1, file), 1);
        }
    }
    for (int i = 0; i < 16000; i++) assert_int_equal(fwrite(&(int16_t){0}, 2, 1, file), 1);
    media_close(reader);
    affect_context_destroy(ctx);
}

static char *analyzed_with(const char *path, int look_ahead_ms, size_t *persons, bool *again) {
    affect_context *ctx;
    affect_options *options;
    affect_timeline *timeline;
    size_t length;
    assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
    assert_int_equal(affect_options_create(ctx, &options), AFFECT_OK);
    if (look_ahead_ms)
        assert_int_equal(affect_options_set_look_ahead_ms(options, look_ahead_ms), AFFECT_OK);
    assert_int_equal(affect_analyze(ctx, path, options, &timeline), AFFECT_OK);
    const affect_tier *speaking = affect_timeline_find_tier(timeline, "speaking");
    *persons = 0;
    for (size_t i = 0; speaking && i < affect_tier_count(speaking); i++)
        *persons = BASE_MAX(*persons, (size_t)affect_tier_interval(speaking, i)->person);
    *again = false;
    for (size_t i = 0; i < timeline->warnings->count; i++)
        *again |= strstr(timeline->warnings->items[i].label, "made again") != NULL;
    size_t warnings = timeline->warnings->count;
    timeline->warnings->count = 0; /* those may differ */
    char *text = json_of(ctx, timeline, &length);
    timeline->warnings->count = warnings;
    affect_timeline_destroy(timeline);
    affect_options_destroy(options);
    affect_context_destroy(ctx);
    return text;
}

/* Voices are told apart when all is known: a live session then understands again, and ends as a file. */
static void voices_told_apart_at_the_end_end_alike(void **state) {
    (void)state;
    char path[] = "/tmp/affect-voices-XXXXXX.s16";
    int fd = mkstemps(path, 4);
    assert_true(fd >= 0);
    close(fd);
    char wav[64];
    snprintf(wav, sizeof wav, "%s.wav", path);
    FILE *file = fopen(wav, "wb");
    assert_non_null(file);
    uint32_t header[11] = {0x46464952, 0,     0x45564157, 0x20746d66, 16, 0x00010001,
                           16000,      32000, 0x00100002, 0x61746164, 0};
    assert_int_equal(fwrite(header, sizeof header, 1, file), 1);
    for (int i = 0; i < 4; i++) put_voice(file, i % 2);
    header[10] = (uint32_t)ftell(file) - 44;
    header[1] = header[10] + 36;
    rewind(file);
    assert_int_equal(fwrite(header, sizeof header, 1, file), 1);
    fclose(file);
    size_t persons, live_persons;
    bool again, live_again;
    char *a = analyzed_with(wav, 0, &persons, &again);
    char *b = analyzed_with(wav, 2000, &live_persons, &live_again);
    remove(wav);
    remove(path);
    assert_false(again);
    if (persons < 2) print_message("skipped: no speaker vectors\n");
    if (persons >= 2) {
        assert_int_equal(persons, 2);
        assert_true(live_again);
        assert_string_equal(a, b);
    }
    free(a), free(b);
}

/* ---- callbacks: everything of the timeline, once, in order ---- */

typedef struct heard {
    size_t rows, intervals, events, warnings;
} heard;

static void on_rows(void *user, const affect_track *track, size_t first, size_t count) {
    heard *h = user;
    assert_true(count > 0 && first + count <= affect_track_rows(track));
    h->rows += count;
}
static void on_intervals(void *user, const affect_tier *tier, size_t first, size_t count) {
    assert_true(count > 0 && first + count <= affect_tier_count(tier));
    ((heard *)user)->intervals += count;
}
static void on_event(void *user, const affect_event *event) {
    assert_non_null(event->kind);
    ((heard *)user)->events++;
}
static void on_warning(void *user, const affect_interval *warning) {
    assert_non_null(warning->label);
    ((heard *)user)->warnings++;
}

static void callbacks_tell_everything_once(void **state) {
    (void)state;
    TEST_NEED_DATA();
    for (int threads = 1; threads <= 2; threads++) {
        affect_context *ctx;
        affect_options *options;
        affect_timeline *timeline;
        heard h = {0};
        assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
        affect_context_set_threads(ctx, threads);
        options = quick(ctx);
        affect_options_on_rows(options, on_rows, &h);
        affect_options_on_intervals(options, on_intervals, &h);
        affect_options_on_event(options, on_event, &h);
        affect_options_on_warning(options, on_warning, &h);
        assert_int_equal(affect_analyze(ctx, clip("grid/brbk7n.mpg"), options, &timeline),
                         AFFECT_OK);
        size_t rows = 0, intervals = 0;
        for (size_t i = 0; i < affect_timeline_track_count(timeline); i++)
            rows += affect_track_rows(affect_timeline_track(timeline, i));
        for (size_t i = 0; i < affect_timeline_tier_count(timeline); i++)
            intervals += affect_tier_count(affect_timeline_tier(timeline, i));
        assert_int_equal(h.rows, rows);
        assert_int_equal(h.intervals, intervals);
        assert_int_equal(h.events, affect_timeline_event_count(timeline));
        assert_int_equal(h.warnings, affect_timeline_warning_count(timeline));
        affect_timeline_destroy(timeline);
        affect_options_destroy(options);
        affect_context_destroy(ctx);
    }
}

static size_t rows_of(const affect_timeline *timeline, const char *id) {
    const affect_track *track = affect_timeline_find_track(timeline, id);
    return track ? affect_track_rows(track) : 0;
}

/* Fewer pictures, and the result says so; the sound is the same. */
static void fast_looks_at_fewer_pictures(void **state) {
    (void)state;
    TEST_NEED_DATA();
    size_t faces[2], voice[2];
    for (int fast = 0; fast < 2; fast++) {
        affect_context *ctx;
        affect_timeline *timeline;
        assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
        affect_options *options = quick(ctx);
        affect_options_set_fast(options, fast);
        char text[400];
        affect_options_describe(options, text, sizeof text);
        assert_int_equal(strstr(text, ", fast") != NULL, fast);
        assert_int_equal(affect_analyze(ctx, clip("grid/brbk7n.mpg"), options, &timeline),
                         AFFECT_OK);
        faces[fast] = rows_of(timeline, "face/1/box");
        voice[fast] = rows_of(timeline, "voice/prosody");
        bool said = false;
        for (size_t i = 0; i < affect_timeline_warning_count(timeline); i++)
            said |= base_starts_with(affect_timeline_warning(timeline, i)->label, "fast: ");
        assert_int_equal(said, fast);
        affect_timeline_destroy(timeline);
        affect_options_destroy(options);
        affect_context_destroy(ctx);
    }
    assert_true(faces[0] > 0 && faces[1] > 0 && 10 * faces[1] <= 6 * faces[0]);
    assert_int_equal(voice[0], voice[1]);
}

/* ---- calls that are wrong ---- */

static void wrong_calls_are_refused(void **state) {
    (void)state;
    affect_context *ctx;
    affect_options *options;
    affect_session *session;
    affect_timeline *timeline;
    assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
    assert_int_equal(affect_options_create(ctx, &options), AFFECT_OK);
    assert_int_equal(affect_options_set_rate(options, 0), AFFECT_ERROR_ARGUMENT);
    assert_int_equal(affect_options_set_rate(options, NAN), AFFECT_ERROR_ARGUMENT);
    assert_int_equal(affect_options_set_audio_stream(options, -2), AFFECT_ERROR_ARGUMENT);
    assert_int_equal(affect_options_set_look_ahead_ms(options, 1), AFFECT_ERROR_ARGUMENT);
    assert_int_equal(affect_options_set_model(options, NULL, "x"), AFFECT_ERROR_ARGUMENT);
    affect_options_set_face(options, 0);
    affect_options_set_voice(options, 0);
    affect_options_set_words(options, 0);
    assert_int_equal(affect_analyze(ctx, "any", options, &timeline), AFFECT_ERROR_ARGUMENT);
    assert_null(timeline);
    assert_int_equal(affect_session_create(ctx, options, &session), AFFECT_OK);
    float sample = 0;
    uint8_t pixel[3] = {0};
    assert_int_equal(affect_session_push_audio(session, 0, 999, &sample, 1), AFFECT_ERROR_ARGUMENT);
    assert_int_equal(affect_session_push_channels(session, 0, 16000, 0, &sample, 1),
                     AFFECT_ERROR_ARGUMENT);
    assert_int_equal(affect_session_push_channels(session, 0, 16000, 65, &sample, 1),
                     AFFECT_ERROR_ARGUMENT);
    assert_int_equal(affect_session_push_audio(session, -1, 16000, &sample, 1),
                     AFFECT_ERROR_ARGUMENT);
    assert_int_equal(affect_session_push_frame(session, 0, 0, 1, 3, pixel), AFFECT_ERROR_ARGUMENT);
    assert_int_equal(affect_session_push_frame(session, 0, 2, 1, 3, pixel), AFFECT_ERROR_ARGUMENT);
    assert_int_equal(affect_session_push_text(session, 5, 4, "x"), AFFECT_ERROR_ARGUMENT);
    assert_int_equal(affect_session_finish(session, &timeline), AFFECT_ERROR_NO_STREAM);
    assert_null(timeline);
    affect_session_destroy(session);
    affect_session_destroy(NULL);
    affect_options_destroy(options);
    affect_context_destroy(ctx);
}

static void odd_samples_and_frames_are_taken(void **state) {
    (void)state;
    affect_context *ctx;
    affect_session *session;
    affect_timeline *timeline;
    assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
    assert_int_equal(affect_session_create(ctx, NULL, &session), AFFECT_OK);
    float samples[1600];
    for (size_t i = 0; i < 1600; i++) samples[i] = i % 3 ? NAN : INFINITY;
    uint8_t pixel[3] = {1, 2, 3};
    assert_int_equal(affect_session_push_frame(session, 0, 1, 1, 3, pixel), AFFECT_OK);
    assert_int_equal(affect_session_push_audio(session, 0, 16000, samples, 1600), AFFECT_OK);
    assert_int_equal(affect_session_push_audio(session, AFFECT_SECOND / 10, 16000, samples, 0),
                     AFFECT_OK);
    assert_int_equal(affect_session_finish(session, &timeline), AFFECT_OK);
    assert_int_equal(affect_timeline_duration(timeline), AFFECT_SECOND / 10);
    for (size_t i = 0; i < affect_timeline_track_count(timeline); i++) {
        const affect_track *t = affect_timeline_track(timeline, i);
        for (size_t r = 0; r < affect_track_rows(t); r++)
            for (size_t c = 0; c < affect_track_channels(t); c++)
                assert_false(isinf(affect_track_row(t, r)[c]));
    }
    affect_timeline_destroy(timeline);
    assert_int_equal(affect_session_finish(session, &timeline), AFFECT_ERROR_ARGUMENT);
    affect_session_destroy(session);
    affect_context_destroy(ctx);
}

/* A tone that rises slowly, at any rate: `cut` samples at a time, each channel the same. */
static affect_timeline *pushed_tone(affect_context *ctx, int rate, int channels, size_t cut,
                                    affect_time hole) {
    affect_options *options;
    affect_session *session;
    affect_timeline *timeline;
    assert_int_equal(affect_options_create(ctx, &options), AFFECT_OK);
    affect_options_set_face(options, 0);
    affect_options_set_words(options, 0);
    assert_int_equal(affect_session_create(ctx, options, &session), AFFECT_OK);
    affect_options_destroy(options);
    size_t total = 2 * (size_t)rate;
    float *samples = base_alloc(cut * (size_t)channels * sizeof *samples);
    for (size_t at = 0; at < total; at += cut) {
        size_t n = BASE_MIN(cut, total - at);
        for (size_t i = 0; i < n; i++) {
            double t = (double)(at + i) / rate, x = 0;
            for (int k = 1; k <= 8; k++) x += .1 / k * sin(6.283185307 * k * (150 + 25 * t) * t);
            for (int c = 0; c < channels; c++) samples[i * (size_t)channels + (size_t)c] = (float)x;
        }
        affect_time t0 = time_from_ticks((int64_t)at, 1, rate);
        if (at >= total / 2) t0 += hole;
        assert_int_equal(affect_session_push_channels(session, t0, rate, channels, samples, n),
                         AFFECT_OK);
    }
    base_free(samples);
    assert_int_equal(affect_session_finish(session, &timeline), AFFECT_OK);
    affect_session_destroy(session);
    return timeline;
}

static void any_rate_and_channels_are_heard_alike(void **state) {
    (void)state;
    affect_context *ctx;
    assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
    affect_timeline *plain = pushed_tone(ctx, 16000, 1, 1600, 0);
    const affect_track *want = affect_timeline_find_track(plain, "voice/prosody");
    assert_true(affect_track_rows(want) > 150);
    const struct {
        int rate, channels;
        size_t cut;
    } cases[] = {{44100, 1, 1000}, {44100, 2, 777}, {48000, 6, 4800}, {192000, 1, 19200}};
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        affect_timeline *other =
            pushed_tone(ctx, cases[i].rate, cases[i].channels, cases[i].cut, 0);
        assert_int_equal(affect_timeline_duration(other), 2 * AFFECT_SECOND);
        const affect_track *have = affect_timeline_find_track(other, "voice/prosody");
        assert_int_equal(affect_track_rows(have), affect_track_rows(want));
        for (size_t r = 20; r + 20 < affect_track_rows(want); r++) {
            assert_int_equal(affect_track_time(have, r), affect_track_time(want, r));
            float a = affect_track_row(want, r)[0], b = affect_track_row(have, r)[0];
            if (!isnan(a) && !isnan(b)) assert_true(fabsf(a - b) < 1); /* Hz */
        }
        affect_timeline_destroy(other);
    }
    /* How the pushes fall changes nothing. */
    affect_timeline *one = pushed_tone(ctx, 44100, 2, 777, 0);
    affect_timeline *two = pushed_tone(ctx, 44100, 2, 44100, 0);
    same_track(one, two, "voice/prosody");
    affect_timeline_destroy(one);
    affect_timeline_destroy(two);
    /* A hole is a hole: what follows it keeps its time. */
    affect_timeline *late = pushed_tone(ctx, 48000, 2, 4800, AFFECT_SECOND);
    assert_int_equal(affect_timeline_duration(late), 3 * AFFECT_SECOND);
    affect_timeline_destroy(late);
    affect_timeline_destroy(plain);
    affect_context_destroy(ctx);
}

/* A model folder that the user names with a broken card in it is an error that names the card; it
 * is not passed over for the default model. */
static void broken_card_is_told(void **state) {
    (void)state;
    char folder[] = "/tmp/affect-session-XXXXXX", path[128];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/voice.activity", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/voice.activity/card.json", folder);
    affect_context *ctx;
    affect_session *session;
    assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
    assert_int_equal(affect_context_set_models(ctx, folder), AFFECT_OK);
    assert_int_equal(affect_session_create(ctx, NULL, &session), AFFECT_OK);
    affect_session_destroy(session);
    assert_int_equal(base_write_file(ctx, path, "{\"name\": ", 9), AFFECT_OK);
    assert_int_equal(affect_session_create(ctx, NULL, &session), AFFECT_ERROR_MODEL);
    assert_null(session);
    assert_non_null(strstr(affect_context_message(ctx), path));
    affect_context_destroy(ctx);
    unlink(path);
    *strrchr(path, '/') = '\0';
    rmdir(path);
    rmdir(folder);
}

static void pushed_text_replaces_recognition(void **state) {
    (void)state;
    affect_context *ctx;
    affect_options *options;
    affect_session *session;
    affect_timeline *timeline;
    assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
    assert_int_equal(affect_options_create(ctx, &options), AFFECT_OK);
    affect_options_set_face(options, 0);
    affect_options_set_voice(options, 0);
    assert_int_equal(affect_session_create(ctx, options, &session), AFFECT_OK);
    assert_int_equal(affect_session_push_text(session, 0, AFFECT_SECOND, "What a wonderful day"),
                     AFFECT_OK);
    assert_int_equal(affect_session_push_text(session, 2 * AFFECT_SECOND, 3 * AFFECT_SECOND,
                                              "\xff\xfe bad bytes"),
                     AFFECT_OK);
    assert_int_equal(affect_session_finish(session, &timeline), AFFECT_OK);
    const affect_tier *utterances = affect_timeline_find_tier(timeline, "utterances");
    assert_non_null(utterances);
    assert_int_equal(affect_tier_count(utterances), 2);
    assert_string_equal(affect_tier_interval(utterances, 0)->label, "What a wonderful day");
    const affect_tier *words = affect_timeline_find_tier(timeline, "words");
    assert_int_equal(affect_tier_interval(words, 2)->t0 > 0, 1);
    assert_int_equal(affect_timeline_duration(timeline), 3 * AFFECT_SECOND);
    affect_timeline_destroy(timeline);
    affect_session_destroy(session);
    affect_options_destroy(options);
    affect_context_destroy(ctx);
}

static bool warned(const affect_timeline *timeline, const char *text) {
    for (size_t i = 0; i < affect_timeline_warning_count(timeline); i++)
        if (strcmp(affect_timeline_warning(timeline, i)->label, text) == 0) return true;
    return false;
}

/* Which models spoke, and that a stage looked in vain. */
static void timeline_says_what_made_it_and_what_was_missing(void **state) {
    (void)state;
    TEST_NEED_DATA();
    affect_context *ctx;
    affect_timeline *timeline;
    assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
    affect_options *options = quick(ctx);
    if (affect_analyze(ctx, clip("grid/bbaf2n.mpg"), options, &timeline) != AFFECT_OK)
        fail_msg("%s", affect_context_message(ctx));
    for (size_t i = 0; i < affect_timeline_track_count(timeline); i++) {
        const affect_track *track = affect_timeline_track(timeline, i);
        char key[128];
        if (!affect_track_rows(track) || !*affect_track_model(track)) continue;
        snprintf(key, sizeof key, "model/%s", affect_track_model(track));
        if (!affect_timeline_property(timeline, key))
            fail_msg("%s is from %s, which the timeline does not name", affect_track_id(track),
                     affect_track_model(track));
    }
    assert_non_null(affect_timeline_property(timeline, "model/voice.activity"));
    assert_false(warned(timeline, "no face was seen"));
    assert_false(warned(timeline, "no speech was heard"));
    affect_timeline_destroy(timeline);

    affect_session *session;
    uint8_t *grey = calloc(120 * 160, 3);
    float *silence = calloc(32000, sizeof *silence);
    assert_non_null(grey);
    assert_non_null(silence);
    assert_int_equal(affect_session_create(ctx, options, &session), AFFECT_OK);
    assert_int_equal(affect_session_push_frame(session, 0, 160, 120, 480, grey), AFFECT_OK);
    assert_int_equal(affect_session_push_audio(session, 0, 16000, silence, 32000), AFFECT_OK);
    assert_int_equal(affect_session_finish(session, &timeline), AFFECT_OK);
    assert_true(warned(timeline, "no face was seen"));
    assert_true(warned(timeline, "no speech was heard"));
    affect_session_destroy(session);
    affect_timeline_destroy(timeline);
    free(grey);
    free(silence);
    affect_options_destroy(options);
    affect_context_destroy(ctx);
}

static void cancelling_stops_soon(void **state) {
    (void)state;
    TEST_NEED_DATA();
    for (int threads = 1; threads <= 2; threads++) {
        affect_context *ctx;
        affect_timeline *timeline;
        assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
        affect_context_set_threads(ctx, threads);
        affect_context_cancel(ctx);
        assert_int_equal(affect_analyze(ctx, clip("grid/bbaf2n.mpg"), NULL, &timeline),
                         AFFECT_ERROR_CANCELLED);
        assert_null(timeline);
        affect_context_destroy(ctx);
    }
}

/* ---- two sessions at once ---- */

static void *analyze_thread(void *path) { return analyzed(path, 1, false); }

static void separate_sessions_run_at_once(void **state) {
    (void)state;
    TEST_NEED_DATA();
    char one[512], two[512];
    snprintf(one, sizeof one, "%s", clip("grid/lrwp9a.mpg"));
    snprintf(two, sizeof two, "%s", clip("grid/sbia1a.mpg"));
    char *alone[2] = {analyzed(one, 1, false), analyzed(two, 1, false)};
    pthread_t threads[2];
    void *together[2];
    assert_int_equal(pthread_create(&threads[0], NULL, analyze_thread, one), 0);
    assert_int_equal(pthread_create(&threads[1], NULL, analyze_thread, two), 0);
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], &together[i]);
        assert_string_equal(alone[i], together[i]);
        free(alone[i]);
        free(together[i]);
    }
}

static void every_allocation_of_the_engine_may_fail(void **state) {
    (void)state;
    affect_context *ctx;
    assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
    affect_context_set_threads(ctx, 1);
    affect_options *options;
    assert_int_equal(affect_options_create(ctx, &options), AFFECT_OK);
    affect_options_set_face(options, 0); /* the stages have tests of their own */
    affect_options_set_voice(options, 0);
    affect_options_set_words(options, 0);
    long n = 1;
    /* One by one where the engine is made, then in longer steps through the lexicon's loading, which
     * has tests of its own and tens of thousands of allocations. */
    for (;; n += 1 + (n > 300 ? n / 16 : 0)) {
        affect_session *session = NULL;
        affect_timeline *timeline = NULL;
        float samples[160] = {NAN};
        base_alloc_fail_at(n);
        affect_status status = affect_session_create(ctx, options, &session);
        if (status == AFFECT_OK)
            status = affect_session_push_audio(session, 0, 16000, samples, 160);
        if (status == AFFECT_OK)
            status = affect_session_push_text(session, 0, AFFECT_SECOND, "what a day");
        if (status == AFFECT_OK) status = affect_session_finish(session, &timeline);
        base_alloc_fail_at(0);
        affect_timeline_destroy(timeline);
        affect_session_destroy(session);
        if (status == AFFECT_OK) break;
        assert_int_equal(status, AFFECT_ERROR_MEMORY);
        assert_true(n < 1000000);
    }
    assert_true(n > 300);
    affect_options_destroy(options);
    affect_context_destroy(ctx);
}

/* A sound card's clock may step back, a program may be wrong: the push is refused, what follows in
 * time is heard. Nothing overflows at the ends of the range, and finishing ends. */
static void going_back_in_time_is_refused_and_the_session_goes_on(void **state) {
    (void)state;
    affect_context *ctx;
    affect_session *session;
    affect_timeline *timeline;
    static float tone[1600];
    static uint8_t pixels[32 * 32 * 3];
    for (int i = 0; i < 1600; i++) tone[i] = .2F * sinf(6.2831853F * 200 * (float)i / 16000);
    assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
    affect_options *options = quick(ctx);
    assert_int_equal(affect_session_create(ctx, options, &session), AFFECT_OK);
    for (int k = 0; k < 30; k++) {
        affect_time at =
            (k < 10 ? k : k - 1) * 100 * AFFECT_MILLISECOND; /* the tenth's time twice */
        assert_int_equal(affect_session_push_audio(session, at, 16000, tone, 1600),
                         k == 10 ? AFFECT_ERROR_ARGUMENT : AFFECT_OK);
        affect_time frame = k % 2 ? at - 200 * AFFECT_MILLISECOND : at; /* forth and back */
        assert_int_equal(
            affect_session_push_frame(session, frame < 0 ? 0 : frame, 32, 32, 96, pixels),
            k > 1 && k % 2 ? AFFECT_ERROR_ARGUMENT : AFFECT_OK);
    }
    /* Another rate does not help. */
    assert_int_equal(affect_session_push_channels(session, AFFECT_SECOND, 8000, 2, tone, 800),
                     AFFECT_ERROR_ARGUMENT);
    const affect_time far[] = {INT64_MIN, -1, AFFECT_SESSION_LONGEST + 1, INT64_MAX - 1, INT64_MAX};
    for (size_t i = 0; i < BASE_COUNT(far); i++) {
        assert_int_equal(affect_session_push_audio(session, far[i], 16000, tone, 1600),
                         AFFECT_ERROR_ARGUMENT);
        assert_int_equal(affect_session_push_frame(session, far[i], 32, 32, 96, pixels),
                         AFFECT_ERROR_ARGUMENT);
        assert_int_equal(affect_session_push_text(session, 0, far[i], "x"), AFFECT_ERROR_ARGUMENT);
        assert_int_equal(affect_session_push_text(session, far[i], INT64_MAX, "x"),
                         AFFECT_ERROR_ARGUMENT);
    }
    assert_int_equal(affect_session_push_audio(session, 3 * AFFECT_SECOND, 16000, tone, SIZE_MAX),
                     AFFECT_ERROR_ARGUMENT);
    assert_int_equal(affect_session_finish(session, &timeline), AFFECT_OK);
    const affect_track *prosody = affect_timeline_find_track(timeline, "voice/prosody");
    assert_non_null(prosody);
    assert_true(affect_track_time(prosody, affect_track_rows(prosody) - 1) >
                2800 * AFFECT_MILLISECOND);
    affect_timeline_destroy(timeline);
    affect_session_destroy(session);

    /* The last instant that is allowed: little memory, and an end. */
    assert_int_equal(affect_session_create(ctx, options, &session), AFFECT_OK);
    assert_int_equal(affect_session_push_text(session, 0, AFFECT_SECOND, "I am happy"), AFFECT_OK);
    assert_int_equal(affect_session_push_audio(session, AFFECT_SESSION_LONGEST - AFFECT_SECOND,
                                               16000, tone, 1600),
                     AFFECT_OK);
    assert_int_equal(affect_session_push_text(session, AFFECT_SESSION_LONGEST - AFFECT_SECOND,
                                              AFFECT_SESSION_LONGEST, "I am so sad"),
                     AFFECT_OK);
    assert_int_equal(affect_session_finish(session, &timeline), AFFECT_OK);
    assert_int_equal(affect_timeline_duration(timeline), AFFECT_SESSION_LONGEST);
    affect_timeline_destroy(timeline);
    affect_session_destroy(session);
    affect_options_destroy(options);
    affect_context_destroy(ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_and_runs_give_the_same_bytes),
        cmocka_unit_test(pushed_equals_file),
        cmocka_unit_test(channels_are_speakers_live_too),
        cmocka_unit_test(voices_told_apart_at_the_end_end_alike),
        cmocka_unit_test(callbacks_tell_everything_once),
        cmocka_unit_test(wrong_calls_are_refused),
        cmocka_unit_test(going_back_in_time_is_refused_and_the_session_goes_on),
        cmocka_unit_test(odd_samples_and_frames_are_taken),
        cmocka_unit_test(any_rate_and_channels_are_heard_alike),
        cmocka_unit_test(broken_card_is_told),
        cmocka_unit_test(pushed_text_replaces_recognition),
        cmocka_unit_test(timeline_says_what_made_it_and_what_was_missing),
        cmocka_unit_test(fast_looks_at_fewer_pictures),
        cmocka_unit_test(cancelling_stops_soon),
        cmocka_unit_test(separate_sessions_run_at_once),
        cmocka_unit_test(every_allocation_of_the_engine_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
