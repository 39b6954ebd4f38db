/* The descriptor stream: independent of how the samples arrive and of the processor, right on
 * signals whose values are known, safe on bad input. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/test.h"
#include "tests/voice/wave.h"
#include "voice/descriptors.h"
#include "voice/kernels.h"

static affect_context *ctx;

static int set_up(void **state) {
    (void)state;
    return affect_context_create(&ctx) == AFFECT_OK ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    affect_context_destroy(ctx);
    return 0;
}

typedef struct frames {
    voice_frame *items;
    size_t count, capacity;
} frames;

static void collect(frames *f, voice_descriptors *stream) {
    size_t n;
    const voice_frame *got = voice_descriptors_take(stream, &n);
    assert_true(base_grow((void **)&f->items, &f->capacity, f->count + n + 1, sizeof *f->items));
    if (n) memcpy(f->items + f->count, got, n * sizeof *got);
    f->count += n;
}

/* Pushes in pieces of `piece` samples (0 = pseudo-random sizes). */
static frames run(int rate, const float *samples, size_t count, size_t piece) {
    frames f = {0};
    voice_descriptors *stream;
    assert_int_equal(voice_descriptors_create(ctx, rate, &stream), AFFECT_OK);
    uint32_t random = 1;
    for (size_t at = 0; at < count;) {
        random = random * 1664525u + 1013904223u;
        size_t n = piece ? piece : 1 + (random >> 16) % 3000;
        if (n > count - at) n = count - at;
        assert_int_equal(voice_descriptors_push(stream, samples + at, n), AFFECT_OK);
        collect(&f, stream);
        at += n;
    }
    assert_int_equal(voice_descriptors_finish(stream), AFFECT_OK);
    collect(&f, stream);
    voice_descriptors_destroy(stream);
    return f;
}

static float *speech(size_t *count) {
    char path[512];
    int rate;
    snprintf(path, sizeof path, "%s/reference_egemaps/nemo_fear.wav", test_data());
    return test_wave(path, count, &rate);
}

static void streaming_equals_the_whole(void **state) {
    (void)state;
    TEST_NEED_DATA();
    size_t count;
    float *samples = speech(&count);
    assert_non_null(samples);
    frames whole = run(16000, samples, count, count), pieces = run(16000, samples, count, 0),
           single = run(16000, samples, count, 1);
    assert_int_equal(whole.count, (count - 320) / 160 + 1);
    assert_int_equal(pieces.count, whole.count);
    assert_int_equal(single.count, whole.count);
    assert_memory_equal(pieces.items, whole.items, whole.count * sizeof *whole.items);
    assert_memory_equal(single.items, whole.items, whole.count * sizeof *whole.items);
    base_free(whole.items);
    base_free(pieces.items);
    base_free(single.items);
    base_free(samples);
}

static void look_ahead_is_bounded(void **state) {
    (void)state;
    TEST_NEED_DATA();
    size_t count;
    float *samples = speech(&count);
    assert_non_null(samples);
    voice_descriptors *stream;
    assert_int_equal(voice_descriptors_create(ctx, 16000, &stream), AFFECT_OK);
    size_t given = 0;
    for (size_t at = 0; at + 160 <= count; at += 160) {
        assert_int_equal(voice_descriptors_push(stream, samples + at, 160), AFFECT_OK);
        size_t n;
        voice_descriptors_take(stream, &n);
        given += n;
        size_t pushed = at + 160;
        if (pushed > 8640) assert_true(given * 160 >= pushed - 8640); /* 540 ms */
    }
    voice_descriptors_destroy(stream);
    base_free(samples);
}

/* A harmonic complex with a known pitch. */
static float *complex_tone(double f0, int rate, size_t count) {
    float *x = base_alloc(count * sizeof *x);
    for (size_t i = 0; i < count; i++) {
        double sum = 0.0;
        for (int h = 1; h * f0 < 0.45 * rate && h <= 20; h++)
            sum += cos(6.283185307179586 * f0 * h * (double)i / rate) / h;
        x[i] = (float)(0.1 * sum);
    }
    return x;
}

static void tones_have_their_pitch(void **state) {
    (void)state;
    const double pitches[] = {80.0, 120.0, 217.3, 330.0};
    const int rates[] = {8000, 16000, 44100, 48000};
    for (size_t r = 0; r < BASE_COUNT(rates); r++)
        for (size_t p = 0; p < BASE_COUNT(pitches); p++) {
            size_t count = (size_t)rates[r];
            float *x = complex_tone(pitches[p], rates[r], count);
            frames f = run(rates[r], x, count, count);
            for (size_t i = 5; i + 10 < f.count; i++) {
                assert_true(f.items[i].complete);
                assert_true(fabs((double)f.items[i].f0 / pitches[p] - 1.0) < 0.01);
                assert_true(f.items[i].jitter < 0.005f);
                /* Peaks are read at samples, which few samples a period make uncertain. */
                assert_true(f.items[i].shimmer_db < (rates[r] < 44100 ? 2.0f : 0.1f));
                /* The window's own decay caps it: about 5 dB at 80 Hz. */
                assert_true(f.items[i].hnr_db > 4.0f);
            }
            base_free(f.items);
            base_free(x);
        }
}

static void every_processor_gives_the_same_bits(void **state) {
    (void)state;
    const voice_kernels *fast = voice_kernels_get("avx2");
    if (fast == &voice_kernels_baseline) {
        print_message("skipped: this processor runs the baseline kernels\n");
        skip();
    }
    const int rates[] = {8000, 16000, 44100};
    for (size_t r = 0; r < BASE_COUNT(rates); r++) {
        voice_plan *plan;
        assert_int_equal(voice_plan_create(ctx, rates[r], &plan), AFFECT_OK);
        size_t count = plan->long_size + 7 * plan->step;
        float *x = base_alloc(count * sizeof *x);
        uint32_t random = 7;
        for (size_t i = 0; i < count; i++) {
            random = random * 1664525u + 1013904223u;
            x[i] = 0.3f * (float)sin((double)i * 0.07) + (float)(int32_t)random * 1e-11f;
        }
        size_t bins = plan->long_bins * VOICE_LANES;
        voice_block a, b;
        memset(&a, 0, sizeof a);
        memset(&b, 0, sizeof b);
        float *ma = base_alloc_aligned(64, bins * sizeof *ma);
        float *mb = base_alloc_aligned(64, bins * sizeof *mb);
        float *pa = base_calloc(plan->short_bins, sizeof *pa);
        float *pb = base_calloc(plan->short_bins, sizeof *pb);
        void *scratch = base_alloc_aligned(64, voice_scratch_size(plan));
        fast->long_frames(plan, x, 8, scratch, ma, &a);
        fast->short_frames(plan, x, 5, false, pa, scratch, &a);
        voice_kernels_baseline.long_frames(plan, x, 8, scratch, mb, &b);
        voice_kernels_baseline.short_frames(plan, x, 5, false, pb, scratch, &b);
        assert_memory_equal(&a, &b, sizeof a);
        assert_memory_equal(ma, mb, bins * sizeof *ma);
        assert_memory_equal(pa, pb, plan->short_bins * sizeof *pa);
        assert_true(fast->dot(x, x + 3, 777) == voice_kernels_baseline.dot(x, x + 3, 777));
        base_free(scratch);
        base_free(pa);
        base_free(pb);
        base_free(ma);
        base_free(mb);
        base_free(x);
        voice_plan_destroy(plan);
    }
}

static void assert_finite(const frames *f) {
    for (size_t i = 0; i < f->count; i++) {
        const float *values = &f->items[i].energy;
        size_t n = (sizeof(voice_frame) - offsetof(voice_frame, energy)) / sizeof(float);
        for (size_t k = 0; k < n; k++) assert_true(isfinite(values[k]));
    }
}

static void odd_signals_give_finite_values(void **state) {
    (void)state;
    enum { COUNT = 16000 };
    static float x[COUNT];
    for (int kind = 0; kind < 6; kind++) {
        uint32_t random = 3;
        for (int i = 0; i < COUNT; i++) {
            random = random * 1664525u + 1013904223u;
            double noise = (double)(int32_t)random / 2147483648.0;
            switch (kind) {
            case 0: x[i] = 0.0f; break;                             /* silence */
            case 1: x[i] = 0.7f; break;                             /* DC */
            case 2: x[i] = sin(i * 0.05) > 0 ? 1.0f : -1.0f; break; /* clipped */
            case 3: x[i] = i == 8000 ? 1.0f : 0.0f; break;          /* click */
            case 4: x[i] = (float)(1e-6 * noise); break;            /* below 16 bits */
            default: x[i] = (float)(1e3 * noise); break;            /* absurdly loud */
            }
        }
        frames f = run(16000, x, COUNT, COUNT);
        assert_finite(&f);
        if (kind == 0)
            for (size_t i = 0; i < f.count; i++) {
                assert_true(f.items[i].f0 == 0.0f);
                assert_true(f.items[i].formant[0] == 0.0f);
                assert_true(fabs((double)f.items[i].loudness - 1.033966e-03) < 1e-8);
            }
        base_free(f.items);
    }
}

static void damaged_samples_are_refused(void **state) {
    (void)state;
    float x[400] = {0};
    x[123] = NAN;
    voice_descriptors *stream;
    assert_int_equal(voice_descriptors_create(ctx, 16000, &stream), AFFECT_OK);
    assert_int_equal(voice_descriptors_push(stream, x, 400), AFFECT_ERROR_FORMAT);
    assert_non_null(strstr(affect_context_message(ctx), "sample 123"));
    x[123] = INFINITY;
    assert_int_equal(voice_descriptors_push(stream, x, 400), AFFECT_ERROR_FORMAT);
    voice_descriptors_destroy(stream);
    assert_int_equal(voice_descriptors_create(ctx, 4000, &stream), AFFECT_ERROR_ARGUMENT);
    assert_null(stream);
}

static void short_input_gives_no_frames(void **state) {
    (void)state;
    static float x[2000];
    frames none = run(16000, x, 160, 160), few = run(16000, x, 959, 959),
           one = run(16000, x, 960, 7);
    assert_int_equal(none.count, 0);
    assert_int_equal(few.count, 4);
    for (size_t i = 0; i < few.count; i++) assert_false(few.items[i].complete);
    assert_int_equal(one.count, 5);
    assert_true(one.items[0].complete);
    assert_false(one.items[1].complete);
    base_free(none.items);
    base_free(few.items);
    base_free(one.items);
}

static void memory_failures_are_reported(void **state) {
    (void)state;
    static float x[8000];
    for (int i = 0; i < 8000; i++) x[i] = (float)sin(i * 0.05) * 0.2f;
    for (long n = 1;; n++) {
        voice_descriptors *stream = NULL;
        base_alloc_fail_at(n);
        affect_status status = voice_descriptors_create(ctx, 16000, &stream);
        if (status == AFFECT_OK) status = voice_descriptors_push(stream, x, 8000);
        if (status == AFFECT_OK) status = voice_descriptors_finish(stream);
        bool failed = base_alloc_count() >= n;
        base_alloc_fail_at(0);
        voice_descriptors_destroy(stream);
        if (!failed) {
            assert_int_equal(status, AFFECT_OK);
            break;
        }
        assert_int_equal(status, AFFECT_ERROR_MEMORY);
        assert_true(n < 1000);
    }
}

static void prosody_rows_say_nothing_of_unvoiced_pitch(void **state) {
    (void)state;
    voice_frame frame = {.energy = 0.01f, .f0 = 0.0f};
    float row[VOICE_PROSODY_CHANNELS];
    voice_prosody_row(&frame, row);
    assert_true(isnan(row[0]) && isnan(row[4]) && isnan(row[5]) && isnan(row[6]) && isnan(row[9]));
    assert_true(fabsf(row[2] + 20.0f) < 1e-4f);
    frame.f0 = 123.0f;
    voice_prosody_row(&frame, row);
    assert_true(row[0] == 123.0f && !isnan(row[4]));
}

static void log_mel_finds_a_tone(void **state) {
    (void)state;
    voice_log_mel_options options = voice_log_mel_default();
    voice_log_mel *mel;
    assert_int_equal(voice_log_mel_create(ctx, &options, &mel), AFFECT_OK);
    enum { COUNT = 4000 };
    static float x[COUNT];
    const double hz = 1000.0;
    for (int i = 0; i < COUNT; i++) x[i] = (float)(0.5 * sin(6.283185307179586 * hz * i / 16000.0));
    size_t frames_count = voice_log_mel_frames(mel, COUNT);
    assert_int_equal(frames_count, (COUNT - 400) / 160 + 1);
    float *out = base_alloc(frames_count * options.bands * sizeof *out);
    assert_int_equal(voice_log_mel_compute(ctx, mel, x, COUNT, out), AFFECT_OK);
    double width = (voice_mel_from_hz(8000.0) - voice_mel_from_hz(20.0)) / 65.0;
    size_t expected = (size_t)lround((voice_mel_from_hz(hz) - voice_mel_from_hz(20.0)) / width) - 1;
    /* Power of a sine in a Hann window: (a * sum(w) / 2)^2 in the strongest bin. */
    for (size_t f = 0; f < frames_count; f++) {
        size_t best = 0;
        for (size_t b = 0; b < options.bands; b++) {
            assert_true(isfinite(out[f * options.bands + b]));
            if (out[f * options.bands + b] > out[f * options.bands + best]) best = b;
        }
        assert_int_equal(best, expected);
        assert_true(fabs((double)out[f * options.bands + best] - log(0.25 * 0.25 * 200.0 * 200.0)) <
                    1.0);
    }
    memset(x, 0, sizeof x);
    assert_int_equal(voice_log_mel_compute(ctx, mel, x, COUNT, out), AFFECT_OK);
    assert_true(fabs((double)out[5] - log(1e-10)) < 1e-4);
    base_free(out);
    voice_log_mel_destroy(mel);
    options.bands = 0;
    assert_int_equal(voice_log_mel_create(ctx, &options, &mel), AFFECT_ERROR_ARGUMENT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streaming_equals_the_whole),
        cmocka_unit_test(look_ahead_is_bounded),
        cmocka_unit_test(tones_have_their_pitch),
        cmocka_unit_test(every_processor_gives_the_same_bits),
        cmocka_unit_test(odd_signals_give_finite_values),
        cmocka_unit_test(damaged_samples_are_refused),
        cmocka_unit_test(short_input_gives_no_frames),
        cmocka_unit_test(memory_failures_are_reported),
        cmocka_unit_test(prosody_rows_say_nothing_of_unvoiced_pitch),
        cmocka_unit_test(log_mel_finds_a_tone),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
