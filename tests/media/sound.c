/* Sound: rates, channels, streams, holes and samples that are no numbers. */
#include "tests/media/recording.h"

static media_options sound_only(int rate) {
    media_options options = media_options_default();
    options.want_video = false;
    options.sample_rate = rate;
    return options;
}

/* All samples of a recording. */
static float *listen(const char *path, const media_options *options, size_t *count) {
    media_reader *reader = NULL;
    if (media_open(ctx, path, options, &reader) != AFFECT_OK)
        fail_msg("%s", affect_context_message(ctx));
    float *samples = NULL;
    size_t capacity = 0;
    *count = 0;
    for (;;) {
        media_item item;
        assert_int_equal(media_next(reader, &item), AFFECT_OK);
        if (item.kind == MEDIA_END) break;
        if (item.kind != MEDIA_AUDIO) continue;
        assert_true(
            base_grow((void **)&samples, &capacity, *count + item.audio.count, sizeof *samples));
        memcpy(samples + *count, item.audio.samples, item.audio.count * sizeof *samples);
        *count += item.audio.count;
    }
    media_close(reader);
    return samples;
}

/* Where the pulse around `near` seconds has its centre: the energy-weighted mean time. A resampler
 * with delay d moves it by d. */
static double pulse_centre(const float *x, size_t n, int rate, double near) {
    double sum = 0, moment = 0;
    for (size_t i = 0; i < n; i++) {
        double t = (double)i / rate;
        if (fabs(t - near) > .05) continue;
        sum += (double)x[i] * x[i];
        moment += (double)x[i] * x[i] * t;
    }
    return moment / sum;
}

static const int rates[] = {8000, 11025, 16000, 22050, 32000, 44100, 48000, 96000, 192000};

/* Smooth pulses (Gaussian, sigma 1 ms) at 0.25, 1.5 and 2.875 s, from every rate to 16 kHz, 8 kHz
 * and 44.1 kHz: their centres must stay to a hundredth of a sample, the length must be right to the
 * sample. */
static void test_resampling(void **state) {
    (void)state;
    NEED_FFMPEG();
    static const int targets[] = {16000, 8000, 44100, 0};
    static const double pulses[] = {.25, 1.5, 2.875};
    for (size_t i = 0; i < BASE_COUNT(rates); i++) {
        char name[32];
        snprintf(name, sizeof name, "pulse%d.wav", rates[i]);
        /* 3.0007 s: no whole number of blocks or of samples at the other rates */
        const char *path =
            make(name,
                 "-f lavfi -i \"aevalsrc='0.8*(exp(-pow((t-0.25)/0.001,2)/2)+"
                 "exp(-pow((t-1.5)/0.001,2)/2)+exp(-pow((t-2.875)/0.001,2)/2))':s=%d:d=3.0007\" "
                 "-c:a pcm_f32le",
                 rates[i]);
        media_options native = sound_only(0);
        heard *h = hear_with(path, &native);
        long in_count = h->samples;
        assert_int_equal(h->info.native_rate, rates[i]);
        assert_near((double)in_count / rates[i], 3.0007, 1. / 8000);
        free(h);
        for (size_t k = 0; k < BASE_COUNT(targets); k++) {
            int rate = targets[k] ? targets[k] : rates[i];
            media_options options = sound_only(targets[k]);
            size_t count;
            float *x = listen(path, &options, &count);
            int64_t expected = ((int64_t)in_count * rate + rates[i] - 1) / rates[i];
            assert_int_equal(count, expected);
            for (size_t p = 0; p < BASE_COUNT(pulses); p++)
                assert_near(pulse_centre(x, count, rate, pulses[p]), pulses[p], .01 / rate);
            base_free(x);
        }
    }
}

/* Rates through lossy codecs as well: the beep's onset within a millisecond. */
static void test_rates(void **state) {
    (void)state;
    NEED_FFMPEG();
    for (size_t i = 0; i < BASE_COUNT(rates); i++) {
        char name[32], rate[16];
        snprintf(name, sizeof name, "rate%d.%s", rates[i], rates[i] <= 48000 ? "mp3" : "flac");
        snprintf(rate, sizeof rate, "%d", rates[i]);
        heard *h = hear(make(name, AUDIO_IN("192000") "-ar %s", rate));
        tell(name, h);
        assert_int_equal(h->status, AFFECT_OK);
        assert_near(h->beep, 1, MS);
        assert_int_equal(h->info.native_rate, rates[i]);
        assert_near((double)h->samples, 48000, 1);
        assert_true(h->contiguous);
        free(h);
    }
}

/* A tone in one channel at a time: it comes out with that channel's weight over the sum of all. */
static void test_channels(void **state) {
    (void)state;
    NEED_FFMPEG();
    static const struct {
        const char *layout;
        int channels;
        double weights[8]; /* in FFmpeg's order */
    } cases[] = {
        {"mono", 1, {1}},
        {"stereo", 2, {M_SQRT1_2, M_SQRT1_2}},
        {"2.1", 3, {M_SQRT1_2, M_SQRT1_2, 0}},
        {"quad", 4, {M_SQRT1_2, M_SQRT1_2, .5, .5}},
        {"5.0", 5, {M_SQRT1_2, M_SQRT1_2, 1, .5, .5}},
        {"5.1", 6, {M_SQRT1_2, M_SQRT1_2, 1, 0, .5, .5}},
        {"6.1", 7, {M_SQRT1_2, M_SQRT1_2, 1, 0, .5, .5, .5}},
        {"7.1", 8, {M_SQRT1_2, M_SQRT1_2, 1, 0, .5, .5, .5, .5}},
    };
    media_options options = sound_only(16000);
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        double sum = 0;
        for (int c = 0; c < cases[i].channels; c++) sum += cases[i].weights[c];
        for (int c = 0; c < cases[i].channels; c++) {
            char source[512] = "";
            for (int k = 0; k < cases[i].channels; k++)
                snprintf(source + strlen(source), sizeof source - strlen(source), "%s%s",
                         k ? "|" : "", k == c ? "0.8*sin(2*PI*500*t)" : "0");
            const char *path = make(
                "channels.wav", "-f lavfi -i \"aevalsrc='%s':c=%s:s=48000:d=0.3\" -c:a pcm_s16le",
                source, cases[i].layout);
            heard *h = hear_with(path, &options);
            assert_int_equal(h->status, AFFECT_OK);
            assert_int_equal(h->info.channels, cases[i].channels);
            assert_near(h->peak, .8 * cases[i].weights[c] / sum, .005);
            free(h);
        }
    }
}

static void test_streams(void **state) {
    (void)state;
    NEED_FFMPEG();
    const char *path = make("streams.mkv", VIDEO AUDIO
                            "-f lavfi -i sine=440:d=3 -itsoffset 0.25" AUDIO
                            "-map 0 -map 1 -map 2 -map 3 -c:v mjpeg -c:a flac -disposition:a:0 0 "
                            "-disposition:a:1 default");
    media_options options = media_options_default();
    static const double beeps[] = {1, 0, 1.25};
    for (int n = 0; n < 3; n++) {
        options.audio_stream = n;
        heard *h = hear_with(path, &options);
        assert_int_equal(h->status, AFFECT_OK);
        assert_int_equal(h->info.audio_streams, 3);
        assert_near(h->beep, beeps[n], n == 1 ? .003 : MS);
        assert_near(h->flash, 1, HALF_FRAME);
        free(h);
    }
    options.audio_stream = -1; /* the one that is marked as default */
    heard *h = hear_with(path, &options);
    assert_near(h->beep, 0, .003);
    free(h);
    options.audio_stream = 3;
    h = hear_with(path, &options);
    assert_int_equal(h->status, AFFECT_ERROR_ARGUMENT);
    assert_non_null(strstr(affect_context_message(ctx), "no audio stream 3"));
    free(h);
}

/* Packets of FLAC in Matroska from 1.5 to 2 s are left out, and time stamps jitter by 2 ms. */
static void test_holes(void **state) {
    (void)state;
    NEED_FFMPEG();
    make("full.mkv", AUDIO_IN("48000") "-c:a pcm_s16le");
    heard *h = hear(
        make("hole.mkv", "-i full.mkv -c copy -bsf:a \"noise=drop='between(pts*tb\\,1.5\\,2)'\""));
    tell("hole.mkv", h);
    assert_int_equal(h->gaps, 1);
    assert_near(h->gap[0].t0, 1.5, .05);
    assert_near(h->gap[0].t1, 2, .05);
    assert_non_null(strstr(h->gap[0].text, "audio"));
    assert_near(h->last_sample, 3, MS);
    assert_true(h->contiguous); /* up to the gap and after it */
    assert_near((double)h->samples / 16000, 3 - (h->gap[0].t1 - h->gap[0].t0), MS);
    free(h);
    h = hear(make("jitter.mkv", "-i full.mkv -c copy -bsf:a "
                                "\"setts=ts='PTS+if(eq(mod(N\\,3)\\,0)\\,3\\,0)'\""));
    tell("jitter.mkv", h);
    assert_int_equal(h->gaps, 0);
    assert_true(h->contiguous);
    assert_near(h->beep, 1, 4 * MS);
    free(h);
}

static void put(FILE *file, uint32_t value, int bytes) {
    for (int i = 0; i < bytes; i++) fputc((int)(value >> (8 * i)) & 255, file);
}

static const char *write_wav(const char *name, const float *samples, uint32_t count,
                             uint32_t claimed) {
    const char *path = in_folder(name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fputs("RIFF", file);
    put(file, claimed * 4 + 36, 4);
    fputs("WAVEfmt ", file);
    put(file, 16, 4);
    put(file, 3, 2); /* float */
    put(file, 1, 2);
    put(file, 16000, 4);
    put(file, 64000, 4);
    put(file, 4, 2);
    put(file, 32, 2);
    fputs("data", file);
    put(file, claimed * 4, 4);
    fwrite(samples, 4, count, file);
    fclose(file);
    return path;
}

static void test_no_numbers(void **state) {
    (void)state;
    enum { COUNT = 48000 };
    float *samples = calloc(COUNT, sizeof *samples);
    for (int i = 0; i < COUNT; i++) samples[i] = .25f * sinf((float)i * .1f);
    for (int i = 8000; i < 8100; i++) samples[i] = NAN;
    samples[8200] = INFINITY;
    samples[8201] = -INFINITY;
    samples[8202] = 1e30f;
    for (int i = 32000; i < 32010; i++) samples[i] = -NAN;
    for (int i = 40000; i < 40100; i++) samples[i] = 1e-41f; /* denormal: a number, no warning */
    for (int i = 45000; i < 45100; i++) samples[i] = 3;      /* too loud: clipped, no warning */
    heard *h = hear(write_wav("nan.wav", samples, COUNT, COUNT));
    tell("nan.wav", h);
    assert_int_equal(h->status, AFFECT_OK);
    assert_true(h->finite);
    assert_true(h->contiguous);
    assert_int_equal(h->samples, COUNT);
    assert_int_equal(h->gaps, 2);
    assert_near(h->gap[0].t0, .5, 1e-6);
    assert_near(h->gap[0].t1, 8203 / 16000., 1e-6);
    assert_non_null(strstr(h->gap[0].text, "103 samples"));
    assert_near(h->gap[1].t0, 2, 1e-6);
    assert_near(h->gap[1].t1, 32010 / 16000., 1e-6);
    free(h);
    for (int i = 0; i < COUNT; i++) samples[i] = NAN;
    h = hear(write_wav("all_nan.wav", samples, COUNT, COUNT));
    assert_int_equal(h->status, AFFECT_OK);
    assert_int_equal(h->gaps, 1);
    assert_near(h->gap[0].t1 - h->gap[0].t0, 3, 1e-6);
    assert_true(h->peak == 0);
    free(h);
    free(samples);
}

/* A WAV written to a pipe claims 4 GB: no gap of a day at its end; one that is cut has a gap. */
static void test_wav_length(void **state) {
    (void)state;
    enum { COUNT = 48000 };
    float *samples = calloc(COUNT, sizeof *samples);
    samples[100] = .5f;
    heard *h = hear(write_wav("endless.wav", samples, COUNT, 0x3fffffff - 9));
    tell("endless.wav", h);
    assert_int_equal(h->status, AFFECT_OK);
    assert_int_equal(h->samples, COUNT);
    assert_int_equal(h->gaps, 0);
    free(h);
    h = hear(write_wav("cut.wav", samples, COUNT, 2 * COUNT));
    tell("cut.wav", h);
    assert_int_equal(h->samples, COUNT);
    assert_int_equal(h->gaps, 1);
    assert_near(h->gap[0].t0, 3, MS);
    assert_near(h->gap[0].t1, 6, MS);
    free(h);
    free(samples);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resampling), cmocka_unit_test(test_rates),
        cmocka_unit_test(test_channels),   cmocka_unit_test(test_streams),
        cmocka_unit_test(test_holes),      cmocka_unit_test(test_no_numbers),
        cmocka_unit_test(test_wav_length),
    };
    return cmocka_run_group_tests_name("media/sound", tests, make_folder, remove_folder);
}
