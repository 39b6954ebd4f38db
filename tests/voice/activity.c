#include "tests/test.h"

#include <math.h>
#include <string.h>

#include "voice/activity.h"

/* 16 kHz mono samples of a recording, through the ffmpeg command; skips the test where that fails.
 */
static float *decode(const char *file, size_t *count) {
    char command[512];
    snprintf(command, sizeof command,
             "ffmpeg -v error -i '%s/%s' -ac 1 -ar 16000 -f f32le - 2>/dev/null", test_data(),
             file);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    float *samples = NULL;
    size_t capacity = 0, n = 0, got;
    do {
        assert_true(base_grow((void **)&samples, &capacity, n + 65536, sizeof *samples));
        got = fread(samples + n, sizeof *samples, 65536, pipe);
        n += got;
    } while (got);
    pclose(pipe);
    *count = n;
    return samples;
}

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

static affect_timeline *run(const float *samples, size_t n, size_t block, affect_time t0) {
    affect_timeline *timeline;
    voice_activity *activity;
    assert_int_equal(timeline_create(ctx, &timeline), AFFECT_OK);
    affect_status status = voice_activity_create(ctx, NULL, timeline, &activity);
    if (status == AFFECT_ERROR_MODEL || status == AFFECT_ERROR_RUNTIME) {
        print_message("skipped: %s\n", affect_context_message(ctx));
        affect_timeline_destroy(timeline);
        skip();
    }
    assert_int_equal(status, AFFECT_OK);
    for (size_t i = 0; i < n; i += block) {
        media_block b = {.t0 = t0 + time_from_ticks((int64_t)i, 1, 16000),
                         .sample_rate = 16000,
                         .count = BASE_MIN(block, n - i),
                         .samples = samples + i};
        assert_int_equal(voice_activity_push(activity, &b), AFFECT_OK);
    }
    assert_int_equal(voice_activity_finish(activity), AFFECT_OK);
    voice_activity_destroy(activity);
    return timeline;
}

static double speech_seconds(const affect_timeline *timeline) {
    const affect_tier *tier = affect_timeline_find_tier(timeline, "speech");
    double sum = 0;
    for (size_t i = 0; i < affect_tier_count(tier); i++) {
        affect_interval one = *affect_tier_interval(tier, i);
        sum += time_to_seconds(one.t1 - one.t0);
    }
    return sum;
}

static void speech_is_found_between_silences_where_it_is(void **state) {
    (void)state;
    TEST_NEED_DATA();
    size_t n;
    float *speech = decode("media/speech/jfk.flac", &n);
    if (!n) skip();
    /* 2 s of faint noise, the address, 2 s of faint noise. */
    size_t pad = 32000, all = n + 2 * pad;
    float *samples = malloc(all * sizeof *samples);
    unsigned seed = 1;
    for (size_t i = 0; i < all; i++) {
        seed = seed * 1664525U + 1013904223U;
        samples[i] = ((float)(seed >> 8) / (float)(1 << 24) - 0.5F) * 0.002F;
        if (i >= pad && i < pad + n) samples[i] += speech[i - pad];
    }
    affect_timeline *timeline = run(samples, all, 1600, 0);
    const affect_tier *tier = affect_timeline_find_tier(timeline, "speech");
    assert_true(affect_tier_count(tier) >= 1);
    affect_interval first = *affect_tier_interval(tier, 0);
    affect_interval last = *affect_tier_interval(tier, affect_tier_count(tier) - 1);
    assert_in_range(first.t0 / AFFECT_MILLISECOND, 1900, 2700);
    assert_in_range(last.t1 / AFFECT_MILLISECOND, 2000 + n / 16 - 1200, 2000 + n / 16 + 200);
    double share = speech_seconds(timeline) / ((double)n / 16000);
    print_message("speech in %.0f %% of the address, %zu intervals\n", share * 100,
                  affect_tier_count(tier));
    assert_true(share > 0.6 && share < 1.0);
    affect_timeline_destroy(timeline);
    free(samples);
    base_free(speech);
}

static void block_size_changes_nothing_and_a_late_start_only_shifts(void **state) {
    (void)state;
    TEST_NEED_DATA();
    size_t n;
    float *speech = decode("media/speech/jfk.flac", &n);
    if (!n) skip();
    n = BASE_MIN(n, (size_t)16000 * 5 + 77);
    affect_timeline *a = run(speech, n, n, 0), *b = run(speech, n, 333, 0);
    affect_timeline *c = run(speech, n, 4096, 7 * AFFECT_SECOND);
    const affect_track *x = affect_timeline_find_track(a, "voice/activity");
    const affect_track *y = affect_timeline_find_track(b, "voice/activity");
    const affect_track *z = affect_timeline_find_track(c, "voice/activity");
    assert_int_equal(affect_track_rows(x), (n + 511) / 512);
    assert_int_equal(affect_track_rows(x), affect_track_rows(y));
    for (size_t i = 0; i < affect_track_rows(x); i++) {
        assert_true(affect_track_row(x, i)[0] == affect_track_row(y, i)[0]);
        assert_true(affect_track_time(x, i) == affect_track_time(y, i));
        assert_true(affect_track_row(x, i)[0] == affect_track_row(z, i)[0]);
        assert_true(affect_track_time(x, i) + 7 * AFFECT_SECOND == affect_track_time(z, i));
    }
    affect_timeline_destroy(a);
    affect_timeline_destroy(b);
    affect_timeline_destroy(c);
    base_free(speech);
}

static void tones_and_noise_are_not_speech(void **state) {
    (void)state;
    enum { N = 16000 * 6 };
    float *samples = calloc(N, sizeof *samples);
    unsigned seed = 3;
    for (size_t i = 0; i < N; i++) {
        seed = seed * 1664525U + 1013904223U;
        if (i < N / 3)
            samples[i] = 0.3F * (float)sin(0.17 * (double)i);
        else if (i < 2 * N / 3)
            samples[i] = ((float)(seed >> 8) / (float)(1 << 24) - 0.5F) * 0.2F;
    }
    affect_timeline *timeline = run(samples, N, 1600, 0);
    assert_true(speech_seconds(timeline) < 0.5);
    affect_timeline_destroy(timeline);
    free(samples);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(speech_is_found_between_silences_where_it_is),
        cmocka_unit_test(block_size_changes_nothing_and_a_late_start_only_shifts),
        cmocka_unit_test(tones_and_noise_are_not_speech),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
