/* Left and right that cancel: one channel is taken, it is said once, and how the sound is cut
 * changes nothing. Left and right that do not: their mix, sample for sample. */
#include <string.h>

#include "media/media.h"
#include "tests/test.h"

enum { RATE = 16000, SECONDS = 3, COUNT = RATE * SECONDS };
static affect_context *ctx;

static float noise(uint32_t *seed) {
    *seed = *seed * 1664525U + 1013904223U;
    return ((float)(*seed >> 8) / 8388608.0F - 1.0F);
}

/* A voice-like tone with pauses on the left; the right is `turn` times the left, plus noise. */
static void make_pairs(float *pairs, float turn, float noise_level) {
    uint32_t seed = 7;
    for (int i = 0; i < COUNT; i++) {
        bool sounds = i / (RATE / 2) % 2 == 0;
        float left = sounds ? .3F * (float)sin(2 * 3.14159265 * 150 * i / RATE) : 0;
        pairs[2 * i] = left + noise_level * noise(&seed);
        pairs[2 * i + 1] = turn * left + noise_level * noise(&seed);
    }
}

/* Pushed in pieces of `piece`; returns how often something was said. */
static int push_all(const float *pairs, size_t piece, float *out) {
    media_resampler *r;
    const float *made;
    size_t count, have = 0;
    int told = 0;
    assert_int_equal(media_resampler_create(ctx, RATE, 2, RATE, &r), AFFECT_OK);
    for (size_t at = 0; at < COUNT; at += piece) {
        assert_int_equal(
            media_resampler_push(r, pairs + 2 * at, BASE_MIN(piece, COUNT - at), &made, &count),
            AFFECT_OK);
        memcpy(out + have, made, count * sizeof *out);
        have += count;
        told += media_resampler_warning(r) != NULL;
    }
    assert_int_equal(media_resampler_finish(r, &made, &count), AFFECT_OK);
    memcpy(out + have, made, count * sizeof *out);
    assert_int_equal(have + count, COUNT);
    media_resampler_destroy(r);
    return told;
}

static double power(const float *x, int from, int to) {
    double sum = 0;
    for (int i = from; i < to; i++) sum += (double)x[i] * (double)x[i];
    return sum / (to - from);
}

static float pairs[2 * COUNT], whole[COUNT], cut[COUNT];

static void channels_that_cancel_give_one(void **state) {
    (void)state;
    static const float turns[] = {-1, -.9F, -1.1F};
    for (size_t t = 0; t < BASE_COUNT(turns); t++) {
        make_pairs(pairs, turns[t], .0005F);
        assert_int_equal(push_all(pairs, COUNT, whole), 1);
        /* the left channel, from the second tone on */
        for (int i = RATE; i < 3 * RATE / 2; i++) assert_near(whole[i], pairs[2 * i], 1e-4);
        static const size_t pieces[] = {1, 37, 1600};
        for (size_t k = 0; k < BASE_COUNT(pieces); k++) {
            assert_int_equal(push_all(pairs, pieces[k], cut), 1);
            assert_memory_equal(cut, whole, sizeof whole);
        }
        /* and within a tenth of a second of the first sound */
        assert_true(power(whole, RATE / 10, RATE / 5) > .8 * .045);
    }
}

static void channels_that_do_not_cancel_are_mixed(void **state) {
    (void)state;
    static const float turns[] = {1, 0, -.3F, .5F}; /* alike, one silent, wide */
    for (size_t t = 0; t < BASE_COUNT(turns); t++) {
        make_pairs(pairs, turns[t], .01F);
        assert_int_equal(push_all(pairs, 160, whole), 0);
        for (int i = 0; i < COUNT; i++)
            assert_near(whole[i], .5F * (pairs[2 * i] + pairs[2 * i + 1]), 1e-6);
    }
}

static void it_ends_where_the_channels_agree_again(void **state) {
    (void)state;
    make_pairs(pairs, 1, 0);
    for (int i = 0; i < COUNT / 2; i++) pairs[2 * i + 1] = -pairs[2 * i];
    assert_int_equal(push_all(pairs, 160, whole), 1);
    for (int i = COUNT / 2 + RATE; i < COUNT; i++) assert_near(whole[i], pairs[2 * i], 1e-6);
    for (int i = 1; i < COUNT; i++) /* no click: the tone itself moves by .018 a sample */
        assert_true(fabsf(whole[i] - whole[i - 1]) < .03F);
}

static int setup(void **state) {
    (void)state;
    return affect_context_create(&ctx);
}
static int teardown(void **state) {
    (void)state;
    affect_context_destroy(ctx);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(channels_that_cancel_give_one),
        cmocka_unit_test(channels_that_do_not_cancel_are_mixed),
        cmocka_unit_test(it_ends_where_the_channels_agree_again),
    };
    return cmocka_run_group_tests_name("media/downmix", tests, setup, teardown);
}
