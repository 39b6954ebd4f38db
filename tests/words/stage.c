/* The stage on real recordings; skipped without the data, Vosk or its model. */
#include "tests/test.h"

#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include "media/media.h"
#include "words/words.h"

static affect_context *ctx;

typedef struct sound {
    float *samples;
    size_t count;
} sound;

static sound load(const char *name) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", test_data(), name);
    media_options options = media_options_default();
    options.want_video = false;
    media_reader *reader;
    assert_int_equal(media_open(ctx, path, &options, &reader), AFFECT_OK);
    sound out = {0};
    media_item item = {0};
    while (item.kind != MEDIA_END) {
        assert_int_equal(media_next(reader, &item), AFFECT_OK);
        if (item.kind != MEDIA_AUDIO) continue;
        out.samples = realloc(out.samples, (out.count + item.audio.count) * sizeof *out.samples);
        memcpy(out.samples + out.count, item.audio.samples, item.audio.count * sizeof(float));
        out.count += item.audio.count;
    }
    media_close(reader);
    return out;
}

/* Pushes the sound in blocks of one size, from t0 on; with `gap_at` samples a gap of 10 s. */
static affect_timeline *run(const sound *s, size_t block, affect_time t0, size_t gap_at) {
    affect_timeline *timeline;
    words_stage *stage;
    assert_int_equal(timeline_create(ctx, &timeline), AFFECT_OK);
    assert_int_equal(words_create(ctx, NULL, timeline, &stage), AFFECT_OK);
    for (size_t i = 0; i < s->count;) {
        size_t n = BASE_MIN(block, s->count - i);
        if (gap_at && i < gap_at) n = BASE_MIN(n, gap_at - i);
        affect_time gap = gap_at && i >= gap_at ? 10 * AFFECT_SECOND : 0;
        media_block b = {t0 + gap + time_from_ticks((int64_t)i, 1, 16000), 16000, n, s->samples + i,
                         NULL};
        assert_int_equal(words_push(stage, &b), AFFECT_OK);
        i += n;
    }
    assert_int_equal(words_finish(stage), AFFECT_OK);
    words_destroy(stage);
    timeline_sort(timeline);
    return timeline;
}

static const affect_tier *words_of(const affect_timeline *t) {
    return affect_timeline_find_tier(t, "words");
}

static bool no_recogniser(const affect_timeline *t) {
    for (size_t i = 0; i < affect_timeline_warning_count(t); i++)
        if (strstr(affect_timeline_warning(t, i)->label, "no words were recognised")) {
            print_message("skipped: %s\n", affect_timeline_warning(t, i)->label);
            return true;
        }
    return false;
}

static affect_interval find(const affect_timeline *t, const char *label) {
    const affect_tier *tier = words_of(t);
    for (size_t i = 0; i < affect_tier_count(tier); i++)
        if (!strcmp(affect_tier_interval(tier, i)->label, label))
            return *affect_tier_interval(tier, i);
    fail_msg("no word \"%s\"", label);
    return (affect_interval){0};
}

static void an_address_is_heard_with_its_times(void **state) {
    (void)state;
    TEST_NEED_DATA();
    sound s = load("media/speech/jfk.flac");
    affect_timeline *t = run(&s, 1600, 0, 0);
    if (no_recogniser(t)) {
        affect_timeline_destroy(t);
        free(s.samples);
        skip();
    }
    assert_in_range(affect_tier_count(words_of(t)), 18, 24); /* 22 were said */
    /* "my fellow": by ear and waveform, 1.29 s .. 1.65 s to within a tenth of a second */
    affect_interval fellow = find(t, "fellow");
    assert_true(llabs(fellow.t0 - 1290 * AFFECT_MILLISECOND) < 100 * AFFECT_MILLISECOND);
    assert_true(fellow.score > .8F);
    const affect_track *track = affect_timeline_find_track(t, "words/affect");
    assert_true(track && affect_track_rows(track) > 0);
    affect_time before = 0;
    for (size_t i = 0; i < affect_tier_count(words_of(t)); i++) {
        affect_interval w = *affect_tier_interval(words_of(t), i);
        assert_true(w.t0 >= before && w.t1 >= w.t0 && w.t1 <= 11 * AFFECT_SECOND);
        before = w.t0;
    }
    /* Blocks of another size give the same; a later start and a gap move times, nothing else. */
    affect_timeline *other = run(&s, 777, 0, 0);
    affect_timeline *late = run(&s, 4096, 3600 * AFFECT_SECOND + 123456789, 0);
    assert_int_equal(affect_tier_count(words_of(other)), affect_tier_count(words_of(t)));
    assert_int_equal(affect_tier_count(words_of(late)), affect_tier_count(words_of(t)));
    for (size_t i = 0; i < affect_tier_count(words_of(t)); i++) {
        affect_interval a = *affect_tier_interval(words_of(t), i);
        affect_interval b = *affect_tier_interval(words_of(other), i);
        affect_interval c = *affect_tier_interval(words_of(late), i);
        assert_string_equal(a.label, b.label);
        assert_true(a.t0 == b.t0 && a.t1 == b.t1 && a.score == b.score);
        assert_true(a.t0 + 3600 * AFFECT_SECOND + 123456789 == c.t0);
    }
    affect_timeline *gap = run(&s, 1600, 0, 126400); /* at 7.9 s, in a pause */
    affect_interval country = find(gap, "country");
    assert_true(llabs(country.t0 - find(t, "country").t0) < 50 * AFFECT_MILLISECOND);
    const affect_tier *words = words_of(gap);
    affect_interval last = *affect_tier_interval(words, affect_tier_count(words) - 1);
    affect_interval last_before =
        *affect_tier_interval(words_of(t), affect_tier_count(words_of(t)) - 1);
    assert_string_equal(last.label, last_before.label);
    assert_true(llabs(last.t0 - last_before.t0 - 10 * AFFECT_SECOND) < 100 * AFFECT_MILLISECOND);
    affect_timeline_destroy(t);
    affect_timeline_destroy(other);
    affect_timeline_destroy(late);
    affect_timeline_destroy(gap);
    free(s.samples);
}

/* Breaks when exact zeros (a muted microphone) reach the recogniser and spoil what follows. */
static void a_muted_start_costs_no_words(void **state) {
    (void)state;
    TEST_NEED_DATA();
    enum { MUTED_S = 15 };
    sound s = load("media/speech/jfk.flac"), muted = {0};
    muted.count = s.count + MUTED_S * 16000;
    muted.samples = calloc(muted.count, sizeof *muted.samples);
    memcpy(muted.samples + MUTED_S * 16000, s.samples, s.count * sizeof *s.samples);
    affect_timeline *t = run(&s, 1600, 0, 0), *late = run(&muted, 1600, 0, 0);
    if (no_recogniser(t)) {
        affect_timeline_destroy(t);
        affect_timeline_destroy(late);
        free(s.samples);
        free(muted.samples);
        skip();
    }
    assert_int_equal(affect_tier_count(words_of(late)), affect_tier_count(words_of(t)));
    for (size_t i = 0; i < affect_tier_count(words_of(t)); i++) {
        affect_interval a = *affect_tier_interval(words_of(t), i);
        affect_interval b = *affect_tier_interval(words_of(late), i);
        assert_string_equal(a.label, b.label);
        assert_true(a.t0 + MUTED_S * AFFECT_SECOND == b.t0 && a.score == b.score);
    }
    affect_timeline_destroy(t);
    affect_timeline_destroy(late);
    free(s.samples);
    free(muted.samples);
}

static void other_languages_and_noise_give_no_words(void **state) {
    (void)state;
    TEST_NEED_DATA();
    const char *names[] = {"media/sadtalker/audio/japanese.flac",
                           "media/sadtalker/audio/chinese_poem1.flac",
                           "media/sadtalker/audio/fayu.flac"};
    for (size_t i = 0; i < BASE_COUNT(names); i++) {
        sound s = load(names[i]);
        affect_timeline *t = run(&s, 1600, 0, 0);
        free(s.samples);
        if (no_recogniser(t)) {
            affect_timeline_destroy(t);
            skip();
        }
        assert_int_equal(affect_tier_count(words_of(t)), 0);
        assert_true(affect_tier_count(affect_timeline_find_tier(t, "utterances")) > 0);
        assert_true(affect_timeline_warning_count(t) > 0);
        affect_timeline_destroy(t);
    }
    uint32_t seed = 1;
    sound noise = {malloc(80000 * sizeof(float)), 80000};
    for (size_t i = 0; i < noise.count; i++) {
        seed = seed * 1664525u + 1013904223u;
        noise.samples[i] = ((float)(seed >> 8) / 8388608.0F - 1.0F) * .1F;
    }
    noise.samples[5] = NAN;
    affect_timeline *t = run(&noise, 1600, 0, 0);
    assert_int_equal(affect_tier_count(words_of(t)), 0);
    affect_timeline_destroy(t);
    free(noise.samples);
}

static void a_missing_recogniser_is_a_warning(void **state) {
    (void)state;
    sound silence = {calloc(16000, sizeof(float)), 16000};
    setenv("AFFECT_VOSK", "/nonexistent/libvosk.so", 1);
    affect_timeline *t = run(&silence, 1600, 0, 0);
    unsetenv("AFFECT_VOSK");
    assert_int_equal(affect_timeline_warning_count(t), 1);
    assert_non_null(strstr(affect_timeline_warning(t, 0)->label, "no words were recognised"));
    affect_timeline_destroy(t);
    words_options options = words_options_default();
    options.lexicon = "no.such.lexicon";
    char folder[] = "/tmp/affect-words-XXXXXX", model[64], card[96];
    assert_non_null(mkdtemp(folder)); /* found first, and no model */
    snprintf(model, sizeof model, "%s/words.recognition.en", folder);
    snprintf(card, sizeof card, "%s/card.json", model);
    assert_int_equal(mkdir(model, 0700), 0);
    assert_int_equal(base_write_file(ctx, card, "{", 1), AFFECT_OK);
    assert_int_equal(affect_context_set_models(ctx, folder), AFFECT_OK);
    media_block block = {0, 16000, silence.count, silence.samples, NULL};
    for (int named = 0; named < 2; named++) { /* one that was named must work */
        affect_timeline *timeline;
        words_stage *stage;
        if (named) options.recognition_model = "no.such.model";
        assert_int_equal(timeline_create(ctx, &timeline), AFFECT_OK);
        assert_int_equal(words_create(ctx, &options, timeline, &stage), AFFECT_OK);
        assert_int_equal(words_push(stage, &block), named ? AFFECT_ERROR_MODEL : AFFECT_OK);
        if (!named) assert_int_equal(words_finish(stage), AFFECT_OK);
        words_destroy(stage);
        assert_int_equal(affect_timeline_warning_count(timeline), named ? 1 : 2);
        affect_timeline_destroy(timeline);
    }
    assert_int_equal(affect_context_set_models(ctx, NULL), AFFECT_OK);
    remove(card);
    remove(model);
    remove(folder);
    free(silence.samples);
}

static int make_context(void **state) {
    (void)state;
    return affect_context_create(&ctx);
}

static int drop_context(void **state) {
    (void)state;
    affect_context_destroy(ctx);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_heard_with_its_times),
        cmocka_unit_test(a_muted_start_costs_no_words),
        cmocka_unit_test(other_languages_and_noise_give_no_words),
        cmocka_unit_test(a_missing_recogniser_is_a_warning),
    };
    return cmocka_run_group_tests(tests, make_context, drop_context);
}
