/* The public calls that make, hand over and take in: a timeline by a program's hands, a recording
 * and a file through functions, pixels and samples of other kinds, what is provisional, going on
 * after cancelling. */
#include "tests/test.h"

#include <math.h>
#include <string.h>

#include "affect/affect.h"
#include "session/session_private.h"

static void a_program_makes_a_timeline_and_reads_it_back(void **state) {
    (void)state;
    affect_context *ctx;
    affect_timeline *t, *again;
    affect_track *track;
    affect_tier *tier;
    affect_attributes *a;
    const char *channels[] = {"valence", "arousal"};
    assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
    assert_int_equal(affect_timeline_create(ctx, 5 * AFFECT_SECOND, &t), AFFECT_OK);
    assert_int_equal(affect_timeline_add_track(ctx, t, "mine", AFFECT_MODALITY_FUSED, 2, "m",
                                               channels, 2, &track),
                     AFFECT_OK);
    assert_int_equal(affect_track_append(ctx, track, 0, .5F, (float[]){.25F, NAN}), AFFECT_OK);
    assert_int_equal(affect_track_find_channel(track, "arousal"), 1);
    assert_true(affect_track_find_channel(track, "x") == AFFECT_CHANNEL_NONE);
    assert_int_equal(affect_timeline_add_tier(ctx, t, "gold", AFFECT_MODALITY_NONE, &tier),
                     AFFECT_OK);
    assert_int_equal(affect_attributes_create(ctx, &a), AFFECT_OK);
    assert_int_equal(affect_attributes_set_number(ctx, a, "valence", .125), AFFECT_OK);
    affect_interval interval = {.t1 = AFFECT_SECOND, .label = "joy", .score = 1, .attributes = a};
    assert_int_equal(affect_tier_append(ctx, tier, &interval, sizeof interval), AFFECT_OK);
    affect_attributes_destroy(a);
    affect_event event = {.kind = "nod", .modality = AFFECT_MODALITY_FACE, .id = "f9"};
    assert_int_equal(affect_timeline_add_event(ctx, t, &event, sizeof event), AFFECT_OK);
    affect_link link = {.from = "f9",
                        .to = affect_tier_interval(tier, 0)->id,
                        .kind = AFFECT_LINK_LEADS,
                        .lag = 250 * AFFECT_MILLISECOND,
                        .lag_sd = AFFECT_TIME_NONE};
    assert_int_equal(affect_timeline_add_link(ctx, t, &link, sizeof link), AFFECT_OK);
    affect_person person = {.id = 2, .name = "Ann", .score = NAN};
    assert_int_equal(affect_timeline_set_person(ctx, t, &person, sizeof person), AFFECT_OK);
    assert_int_equal(affect_timeline_set_property(ctx, t, "input", "x.wav"), AFFECT_OK);
    affect_timeline_sort(t);

    char folder[] = "/tmp/affect-api-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    assert_int_equal(affect_timeline_write(ctx, t, folder, "json", 0), AFFECT_OK);
    snprintf(path, sizeof path, "%s/timeline.json", folder);
    assert_int_equal(affect_timeline_read(ctx, path, &again), AFFECT_OK);
    assert_true(affect_timeline_duration(again) == 5 * AFFECT_SECOND);
    assert_string_equal(affect_timeline_property(again, "input"), "x.wav");
    const affect_interval *joy = affect_timeline_find_interval(again, "gold/1", NULL);
    assert_non_null(joy);
    assert_true(affect_attributes_number(joy->attributes, "valence") == .125);
    assert_true(affect_timeline_link(again, 0)->lag == 250 * AFFECT_MILLISECOND);
    assert_string_equal(affect_timeline_person_name(again, 2), "Ann");
    assert_string_equal(affect_timeline_find_event(again, "f9")->kind, "nod");
    affect_timeline_destroy(again);
    assert_int_equal(affect_timeline_add_event(ctx, t, &event, sizeof event), AFFECT_OK);
    assert_int_equal(affect_timeline_write(ctx, t, folder, "json", 1),
                     AFFECT_ERROR_ARGUMENT); /* f9 twice */
    remove(path);
    remove(folder);
    affect_timeline_destroy(t);
    affect_context_destroy(ctx);
}

static void a_struct_from_before_or_after_its_time_is_taken(void **state) {
    (void)state;
    affect_timeline *t;
    affect_tier *tier;
    assert_int_equal(affect_timeline_create(NULL, 0, &t), AFFECT_OK);
    assert_int_equal(affect_timeline_add_tier(NULL, t, "gold", AFFECT_MODALITY_NONE, &tier),
                     AFFECT_OK);
    struct {
        affect_interval now;
        char later[64]; /* what a later version may add */
    } longer = {.now = {.label = "x"}, .later = "not ours"};
    assert_int_equal(affect_tier_append(NULL, tier, &longer.now, sizeof longer), AFFECT_OK);
    assert_string_equal(affect_tier_interval(tier, 0)->label, "x");
    assert_int_equal(affect_tier_append(NULL, tier, &longer.now, 8), AFFECT_ERROR_ARGUMENT);
    assert_int_equal(affect_tier_append(NULL, tier, NULL, sizeof longer.now),
                     AFFECT_ERROR_ARGUMENT);
    affect_event nameless = {.onset = 0};
    assert_int_equal(affect_timeline_add_event(NULL, t, &nameless, sizeof nameless),
                     AFFECT_ERROR_ARGUMENT);
    affect_link unknown = {.from = "a", .to = "b", .kind = (affect_link_kind)99};
    assert_int_equal(affect_timeline_add_link(NULL, t, &unknown, sizeof unknown),
                     AFFECT_ERROR_ARGUMENT);
    affect_track *track;
    assert_int_equal(affect_timeline_add_track(NULL, t, "x", AFFECT_MODALITY_NONE, 0, NULL,
                                               (const char *const[]){NULL}, 1, &track),
                     AFFECT_ERROR_ARGUMENT);
    assert_int_equal(affect_timeline_add_tier(NULL, t, "warnings", AFFECT_MODALITY_NONE, &tier),
                     AFFECT_ERROR_ARGUMENT);
    affect_timeline_destroy(t);
}

typedef struct taken {
    char *bytes;
    size_t count, most; /* stops at `most` */
} taken;

static size_t take_bytes(void *user, const void *bytes, size_t size) {
    taken *t = user;
    if (t->count + size > t->most) return 0;
    t->bytes = realloc(t->bytes, t->count + size + 1);
    memcpy(t->bytes + t->count, bytes, size);
    t->count += size;
    return size;
}

static void writing_goes_to_a_function(void **state) {
    (void)state;
    affect_context *ctx;
    affect_timeline *t;
    assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
    assert_int_equal(affect_timeline_create(ctx, AFFECT_SECOND, &t), AFFECT_OK);
    taken all = {.most = SIZE_MAX / 2}, none = {.most = 10};
    assert_int_equal(affect_timeline_write_to(ctx, t, "json", take_bytes, &all), AFFECT_OK);
    assert_non_null(all.bytes);
    all.bytes[all.count] = '\0';
    assert_non_null(strstr(all.bytes, "\"duration\":1.000"));
    assert_int_equal(affect_timeline_write_to(ctx, t, "json", take_bytes, &none),
                     AFFECT_ERROR_OUTPUT);
    assert_int_equal(affect_timeline_write_to(ctx, t, "csv", take_bytes, &all), AFFECT_ERROR_USAGE);
    free(all.bytes);
    free(none.bytes);
    affect_timeline_destroy(t);
    affect_context_destroy(ctx);
}

/* ---- a recording in memory ---- */

typedef struct memory {
    char *bytes;
    size_t size, at, fail_at;
} memory;

static int64_t memory_read(void *user, void *buffer, size_t size) {
    memory *m = user;
    if (m->at >= m->fail_at) return -1;
    size_t n = BASE_MIN(BASE_MIN(size, m->size - m->at), (size_t)1000); /* short reads are fine */
    memcpy(buffer, m->bytes + m->at, n);
    m->at += n;
    return (int64_t)n;
}
static int64_t memory_seek(void *user, int64_t offset) {
    memory *m = user;
    if (offset < 0 || (size_t)offset > m->size) return -1;
    m->at = (size_t)offset;
    return 0;
}
static int64_t memory_length(void *user) { return (int64_t)((memory *)user)->size; }

static void a_recording_comes_through_functions(void **state) {
    (void)state;
    TEST_NEED_DATA();
    affect_context *ctx;
    affect_timeline *file, *stream;
    affect_options *options;
    char path[512];
    snprintf(path, sizeof path, "%s/media/grid/bbaf2n.mpg", test_data());
    assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
    assert_int_equal(affect_options_create(ctx, &options), AFFECT_OK);
    affect_options_set_words(options, 0);
    affect_options_set_face(options, 0);
    memory m = {.fail_at = SIZE_MAX};
    assert_int_equal(base_read_file(ctx, path, 0, &m.bytes, &m.size), AFFECT_OK);
    assert_int_equal(affect_analyze(ctx, path, options, &file), AFFECT_OK);
    affect_input input = {memory_read, memory_seek, memory_length, &m};
    assert_int_equal(affect_analyze_input(ctx, &input, sizeof input, path, options, &stream),
                     AFFECT_OK);
    taken a = {.most = SIZE_MAX / 2}, b = {.most = SIZE_MAX / 2};
    assert_int_equal(affect_timeline_write_to(ctx, file, "json", take_bytes, &a), AFFECT_OK);
    assert_int_equal(affect_timeline_write_to(ctx, stream, "json", take_bytes, &b), AFFECT_OK);
    assert_int_equal(a.count, b.count);
    assert_memory_equal(a.bytes, b.bytes, a.count);
    affect_timeline_destroy(stream);
    m.fail_at = m.at = 0; /* nothing can be read */
    assert_int_not_equal(affect_analyze_input(ctx, &input, sizeof input, "x", options, &stream),
                         AFFECT_OK);
    assert_null(stream);
    input.length = NULL;
    assert_int_equal(affect_analyze_input(ctx, &input, sizeof input, "x", options, &stream),
                     AFFECT_ERROR_ARGUMENT);
    free(a.bytes);
    free(b.bytes);
    base_free(m.bytes);
    affect_timeline_destroy(file);
    affect_options_destroy(options);
    affect_context_destroy(ctx);
}

/* ---- pixels and samples ---- */

static void pixels_of_all_kinds_become_rgb(void **state) {
    (void)state;
    uint8_t out[3 * 2 * 2];
    const uint8_t bgr[] = {3, 2, 1, 6, 5, 4};
    const uint8_t *planes[2] = {bgr, NULL};
    size_t strides[2] = {6, 0};
    assert_int_equal(session_pixels(NULL, AFFECT_PIXELS_BGR, 2, 1, planes, strides, out),
                     AFFECT_OK);
    assert_memory_equal(out, ((uint8_t[]){1, 2, 3, 4, 5, 6}), 6);
    const uint8_t grey[] = {7, 9};
    planes[0] = grey, strides[0] = 2;
    assert_int_equal(session_pixels(NULL, AFFECT_PIXELS_GREY, 2, 1, planes, strides, out),
                     AFFECT_OK);
    assert_memory_equal(out, ((uint8_t[]){7, 7, 7, 9, 9, 9}), 6);
    /* BT.601 of the colour bars: white 235 128 128, red 81 90 240, black 16 128 128. */
    const uint8_t yuyv[] = {81, 90, 81, 240};
    planes[0] = yuyv, strides[0] = 4;
    assert_int_equal(session_pixels(NULL, AFFECT_PIXELS_YUYV, 2, 1, planes, strides, out),
                     AFFECT_OK);
    for (int x = 0; x < 2; x++)
        assert_true(out[3 * x] >= 253 && out[3 * x + 1] <= 2 && out[3 * x + 2] <= 2);
    const uint8_t luma[] = {235, 16, 235, 16}, chroma[] = {128, 128};
    planes[0] = luma, planes[1] = chroma, strides[0] = 2, strides[1] = 2;
    assert_int_equal(session_pixels(NULL, AFFECT_PIXELS_NV12, 2, 2, planes, strides, out),
                     AFFECT_OK);
    assert_memory_equal(out, ((uint8_t[]){255, 255, 255, 0, 0, 0, 255, 255, 255, 0, 0, 0}), 12);
    planes[1] = NULL;
    assert_int_equal(session_pixels(NULL, AFFECT_PIXELS_NV12, 2, 2, planes, strides, out),
                     AFFECT_ERROR_ARGUMENT);
    assert_int_equal(session_pixels(NULL, AFFECT_PIXELS_YUYV, 1, 1, planes, strides, out),
                     AFFECT_ERROR_ARGUMENT);
    assert_int_equal(session_pixels(NULL, AFFECT_PIXELS_BGR, 2, 1, planes, strides, out),
                     AFFECT_ERROR_ARGUMENT); /* rows of 2 bytes */
}

typedef struct heard {
    int calls;
    affect_time last;
    bool finite, final; /* a provisional row had a value; a final trajectory came */
} heard;

static void on_provisional(void *user, const affect_track *track, size_t first, size_t count) {
    heard *h = user;
    assert_int_equal(first, 0);
    assert_int_equal(count, 1);
    assert_string_equal(affect_track_id(track), "trajectory/1");
    const float *row = affect_track_row(track, 0);
    h->calls++;
    h->last = affect_track_time(track, 0);
    h->finite = h->finite || (isfinite(row[0]) && isfinite(row[3]) && row[3] > 0);
}

static void on_rows(void *user, const affect_track *track, size_t first, size_t count) {
    (void)first;
    (void)count;
    heard *h = user;
    h->final = h->final || strncmp(affect_track_id(track), "trajectory", 10) == 0;
}

/* Somebody who is seen and heard, as JSON; the sound as floats or as samples of 16 bits. */
static char *sounded(bool provisional, bool small, heard *h) {
    affect_context *ctx;
    affect_options *options;
    affect_session *session;
    affect_timeline *timeline;
    assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
    assert_int_equal(affect_options_create(ctx, &options), AFFECT_OK);
    affect_options_set_words(options, 0);
    if (provisional) affect_options_on_provisional(options, on_provisional, h);
    if (provisional) affect_options_on_rows(options, on_rows, h);
    media_options media = media_options_default();
    media_reader *reader;
    char path[512];
    snprintf(path, sizeof path, "%s/media/grid/bbaf2n.mpg", test_data());
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
        if (item.kind != MEDIA_AUDIO) continue;
        int16_t *whole = calloc(item.audio.count, sizeof *whole);
        float *rounded = calloc(item.audio.count, sizeof *rounded);
        for (size_t i = 0; i < item.audio.count; i++) {
            whole[i] = (int16_t)lrintf(item.audio.samples[i] * 32767);
            rounded[i] = (float)whole[i] / 32768.0F;
        }
        assert_int_equal(small ? affect_session_push_int16(session, item.audio.t0, 16000, 1, whole,
                                                           item.audio.count)
                               : affect_session_push_audio(session, item.audio.t0, 16000, rounded,
                                                           item.audio.count),
                         AFFECT_OK);
        free(whole);
        free(rounded);
    }
    assert_int_equal(affect_session_finish(session, &timeline), AFFECT_OK);
    taken all = {.most = SIZE_MAX / 2};
    assert_int_equal(affect_timeline_write_to(ctx, timeline, "json", take_bytes, &all), AFFECT_OK);
    all.bytes[all.count] = '\0';
    affect_timeline_destroy(timeline);
    affect_session_destroy(session);
    media_close(reader);
    affect_options_destroy(options);
    affect_context_destroy(ctx);
    return all.bytes;
}

static void what_is_provisional_is_apart_from_the_result(void **state) {
    (void)state;
    TEST_NEED_DATA();
    heard h = {0};
    char *with = sounded(true, false, &h), *without = sounded(false, true, &h);
    assert_string_equal(with, without); /* and 16 bits give the same as their floats */
    assert_true(h.calls > 0);
    assert_true(h.finite);
    assert_true(h.last > AFFECT_SECOND);
    free(with);
    free(without);
}

static void after_a_reset_the_context_works_again(void **state) {
    (void)state;
    affect_context *ctx;
    affect_session *session;
    affect_options *options;
    assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
    assert_int_equal(affect_options_create(ctx, &options), AFFECT_OK);
    affect_options_set_words(options, 0);
    affect_options_set_voice(options, 0);
    affect_options_set_face(options, 0);
    affect_context_cancel(ctx);
    assert_int_equal(affect_session_create(ctx, options, &session), AFFECT_OK);
    assert_int_equal(affect_session_push_text(session, 0, 1, "x"), AFFECT_ERROR_CANCELLED);
    affect_session_destroy(session);
    affect_context_reset(ctx);
    assert_int_equal(affect_context_cancelled(ctx), 0);
    assert_int_equal(affect_session_create(ctx, options, &session), AFFECT_OK);
    assert_int_equal(affect_session_push_text(session, 0, 1, "x"), AFFECT_OK);
    affect_session_destroy(session);
    affect_options_destroy(options);
    affect_context_destroy(ctx);
}

static void the_version_is_that_of_the_build(void **state) {
    (void)state;
    assert_string_equal(affect_version(), AFFECT_VERSION);
    assert_int_equal(affect_version_number(), AFFECT_VERSION_NUMBER);
}

static void corrections_are_made_written_and_applied(void **state) {
    (void)state;
    affect_timeline *t;
    affect_tier *tier;
    char path[] = "/tmp/affect-corrections-XXXXXX";
    int handle = mkstemp(path);
    assert_true(handle >= 0);
    close(handle);
    assert_int_equal(affect_timeline_create(NULL, AFFECT_SECOND, &t), AFFECT_OK);
    assert_int_equal(affect_timeline_add_tier(NULL, t, "words", AFFECT_MODALITY_WORDS, &tier),
                     AFFECT_OK);
    assert_int_equal(affect_tier_append(NULL, tier,
                                        &(affect_interval){.t1 = 5, .label = "a", .person = 2},
                                        sizeof(affect_interval)),
                     AFFECT_OK);
    affect_correction name = {.kind = AFFECT_CORRECTION_NAME,
                              .target = "1",
                              .value = "Ann",
                              .t0 = AFFECT_TIME_NONE,
                              .t1 = AFFECT_TIME_NONE};
    affect_correction merge = name, word = name;
    merge.kind = AFFECT_CORRECTION_MERGE, merge.target = "2", merge.value = "1";
    word.kind = AFFECT_CORRECTION_WORD, word.target = "w1", word.value = "b", word.by = "mk";
    affect_corrections *none = NULL;
    assert_int_equal(affect_corrections_count(NULL), 0);
    assert_null(affect_corrections_get(NULL, 0));
    const affect_correction *given[] = {&name, &merge, &word};
    for (int step = 0; step < 3; step++) /* made; written; read and applied: */
        for (long n = 1;; n++) {         /* each allocation fails in turn */
            affect_corrections *made = NULL;
            affect_status status = AFFECT_OK;
            base_alloc_fail_at(step == 1 ? 0 : n);
            status = affect_corrections_create(NULL, &made);
            for (size_t i = 0; i < BASE_COUNT(given) && step < 2 && status == AFFECT_OK; i++)
                status = affect_corrections_add(NULL, made, given[i], sizeof *given[i]);
            if (step == 1) {
                assert_int_equal(status, AFFECT_OK);
                base_alloc_fail_at(n);
                status = affect_corrections_write(NULL, made, path);
            } else if (step == 2) {
                if (status == AFFECT_OK) status = affect_corrections_read(NULL, made, path);
                if (status == AFFECT_OK) status = affect_corrections_apply(NULL, made, t);
            }
            bool over = base_alloc_count() < n;
            base_alloc_fail_at(0);
            if (over) {
                assert_int_equal(status, AFFECT_OK);
                assert_int_equal(affect_corrections_count(made), 3);
                assert_string_equal(affect_corrections_get(made, 2)->by, "mk");
                assert_string_equal(affect_corrections_get(made, 0)->at, "");
                assert_null(affect_corrections_get(made, 3));
            } else if (step != 1 || status != AFFECT_OK) {
                /* (Writing also looks for what killed runs left behind, as well as it can.) */
                assert_int_equal(status, AFFECT_ERROR_MEMORY);
            }
            affect_corrections_destroy(made);
            if (over) break;
            assert_true(n < 1000);
        }
    assert_string_equal(affect_timeline_person_name(t, 2), "Ann");
    assert_string_equal(affect_tier_interval(tier, 0)->label, "b");
    assert_string_equal(
        affect_attributes_text(affect_tier_interval(tier, 0)->attributes, "word_was"), "a");
    assert_int_equal(affect_corrections_create(NULL, &none), AFFECT_OK);
    name.target = "";
    assert_int_equal(affect_corrections_add(NULL, none, &name, sizeof name), AFFECT_ERROR_ARGUMENT);
    name.target = "1", name.value = NULL;
    assert_int_equal(affect_corrections_add(NULL, none, &name, sizeof name), AFFECT_ERROR_ARGUMENT);
    assert_int_equal(affect_corrections_add(NULL, none, &merge, 8), AFFECT_ERROR_ARGUMENT);
    merge.kind = (affect_correction_kind)99;
    assert_int_equal(affect_corrections_add(NULL, none, &merge, sizeof merge),
                     AFFECT_ERROR_ARGUMENT);
    assert_int_equal(affect_corrections_read(NULL, none, "nowhere.csv"), AFFECT_ERROR_NOT_FOUND);
    assert_int_equal(affect_corrections_count(none), 0);
    affect_corrections_destroy(none);
    affect_timeline_destroy(t);
    unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_program_makes_a_timeline_and_reads_it_back),
        cmocka_unit_test(a_struct_from_before_or_after_its_time_is_taken),
        cmocka_unit_test(writing_goes_to_a_function),
        cmocka_unit_test(a_recording_comes_through_functions),
        cmocka_unit_test(pixels_of_all_kinds_become_rgb),
        cmocka_unit_test(what_is_provisional_is_apart_from_the_result),
        cmocka_unit_test(after_a_reset_the_context_works_again),
        cmocka_unit_test(corrections_are_made_written_and_applied),
        cmocka_unit_test(the_version_is_that_of_the_build),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
