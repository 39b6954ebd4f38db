#include "tests/test.h"

#include <math.h>
#include <string.h>

#include "media/media.h"
#include "voice/channels.h"

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

/* The two voices of the case two-channels. */
typedef struct sound {
    float *left, *right;
    size_t count;
} sound;

static sound two_voices(void) {
    media_options options = media_options_default();
    media_reader *reader;
    sound s = {0};
    size_t a = 0, b = 0;
    assert_int_equal(media_open(ctx, "tests/cases/two-channels/overlap.flac", &options, &reader),
                     AFFECT_OK);
    for (media_item item = {0};;) {
        assert_int_equal(media_next(reader, &item), AFFECT_OK);
        if (item.kind == MEDIA_END) break;
        assert_int_equal(item.kind, MEDIA_AUDIO);
        assert_non_null(item.audio.side);
        assert_true(base_grow((void **)&s.left, &a, s.count + item.audio.count, sizeof(float)));
        assert_true(base_grow((void **)&s.right, &b, s.count + item.audio.count, sizeof(float)));
        for (size_t i = 0; i < item.audio.count; i++) {
            s.left[s.count] = item.audio.samples[i] + item.audio.side[i];
            s.right[s.count++] = item.audio.samples[i] - item.audio.side[i];
        }
    }
    media_close(reader);
    return s;
}

static void sound_free(sound s) {
    base_free(s.left);
    base_free(s.right);
}

/* The window from which on the channels are apart, SIZE_MAX if they never are; in blocks of `cut`. */
static size_t apart(const float *left, const float *right, size_t count, size_t cut) {
    voice_channels *c;
    float mix[4096], side[4096];
    assert_int_equal(voice_channels_create(ctx, NULL, &c), AFFECT_OK);
    for (size_t at = 0; at < count; at += cut) {
        size_t n = BASE_MIN(cut, count - at);
        for (size_t i = 0; i < n; i++) {
            mix[i] = (left[at + i] + right[at + i]) / 2;
            side[i] = (left[at + i] - right[at + i]) / 2;
        }
        affect_status status = voice_channels_push(c, mix, side, n);
        assert_int_equal(status, AFFECT_OK);
    }
    assert_int_equal(voice_channels_count(c), count / VOICE_CHANNELS_WINDOW);
    size_t first = SIZE_MAX;
    for (size_t w = voice_channels_count(c); w-- > 0 && voice_channels_at(c, w)->separate;)
        first = w;
    voice_channels_destroy(c);
    return first;
}

static void speakers_are_taken_apart_however_the_sound_is_cut(void **state) {
    (void)state;
    sound s = two_voices();
    size_t first = apart(s.left, s.right, s.count, 1600);
    if (first == SIZE_MAX) { /* without its network nothing is taken apart */
        print_message("skipped: speech activity is missing\n");
        sound_free(s);
        skip();
    }
    assert_in_range(first, 30, s.count / VOICE_CHANNELS_WINDOW - 1);
    assert_int_equal(apart(s.left, s.right, s.count, 333), first);
    assert_int_equal(apart(s.right, s.left, s.count, 4096), first);
    sound_free(s);
}

static void one_sound_heard_twice_stays_together(void **state) {
    (void)state;
    sound s = two_voices();
    float *other = base_calloc(s.count, sizeof *other);
    assert_non_null(other);
    /* Both voices in both channels: softer and .5 ms later, turned over, from two places. */
    for (size_t i = 8; i < s.count; i++) other[i] = .2F * s.left[i - 8];
    assert_int_equal(apart(s.left, other, s.count, 1600), SIZE_MAX);
    for (size_t i = 0; i < s.count; i++) other[i] = -s.left[i];
    assert_int_equal(apart(s.left, other, s.count, 1600), SIZE_MAX);
    for (size_t i = 0; i < s.count; i++) {
        float left = s.left[i], right = s.right[i];
        s.left[i] = left + .7F * right;
        other[i] = .7F * left + right;
    }
    assert_int_equal(apart(s.left, other, s.count, 1600), SIZE_MAX);
    /* One channel alone. */
    memset(other, 0, s.count * sizeof *other);
    assert_int_equal(apart(s.left, other, s.count, 1600), SIZE_MAX);
    base_free(other);
    sound_free(s);
}

/* Two channels that are no voices: bursts of noise in turn. */
static void noises_are_no_speakers(void **state) {
    (void)state;
    enum { N = 10 * 16000 };
    float *left = base_calloc(N, sizeof *left), *right = base_calloc(N, sizeof *right);
    assert_non_null(left);
    assert_non_null(right);
    uint32_t seed = 1;
    for (size_t i = 0; i < N; i++) {
        seed = seed * 1664525U + 1013904223U;
        float x = (float)(seed >> 8) / 8388608.0F - 1;
        *((i / 8000) % 2 ? &left[i] : &right[i]) = .2F * x;
    }
    assert_int_equal(apart(left, right, N, 1600), SIZE_MAX);
    base_free(left);
    base_free(right);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(speakers_are_taken_apart_however_the_sound_is_cut),
        cmocka_unit_test(one_sound_heard_twice_stays_together),
        cmocka_unit_test(noises_are_no_speakers),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
