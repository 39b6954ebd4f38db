/* Several sessions at once, on one context and on several: nothing that one does shows in another,
 * and ThreadSanitizer (.ci/run) sees no two threads at one place. */
#include "tests/test.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "affect/affect.h"
#include "media/media.h"
#include "report/report.h"

enum { SIZE = 64, FRAMES = 12, RATE = 16000, SAMPLES = 2 * RATE, BLOCK = 1600 };

/* What every session is pushed: a recording where there is one, else a hum before a grey field. */
static struct {
    size_t frames, width, height, samples;
    affect_time times[FRAMES];
    uint8_t *rgb;
    float sound[SAMPLES];
} material;

static void make_material(void) {
    char path[512];
    snprintf(path, sizeof path, "%s/media/grid/bbaf2n.mpg", test_data());
    affect_context *ctx;
    media_reader *reader = NULL;
    media_options options = media_options_default();
    assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
    bool there = media_open(ctx, path, &options, &reader) == AFFECT_OK;
    for (media_item item = {0}; there && media_next(reader, &item) == AFFECT_OK;) {
        if (item.kind == MEDIA_END) break;
        if (item.kind == MEDIA_FRAME && material.frames < FRAMES) {
            size_t row = (size_t)item.frame.width * 3, height = (size_t)item.frame.height;
            material.width = (size_t)item.frame.width, material.height = height;
            if (!material.rgb) material.rgb = malloc(FRAMES * height * row);
            for (size_t y = 0; y < height; y++)
                memcpy(material.rgb + (material.frames * height + y) * row,
                       item.frame.rgb + y * item.frame.stride, row);
            material.times[material.frames++] = item.frame.time;
        }
        for (size_t i = 0; item.kind == MEDIA_AUDIO && i < item.audio.count; i++)
            if (material.samples < SAMPLES)
                material.sound[material.samples++] = item.audio.samples[i];
    }
    media_close(reader);
    affect_context_destroy(ctx);
    if (material.samples == SAMPLES && material.frames) return;
    material.frames = FRAMES, material.width = material.height = SIZE, material.samples = SAMPLES;
    free(material.rgb);
    material.rgb = malloc(FRAMES * SIZE * SIZE * 3);
    for (size_t i = 0; i < FRAMES * SIZE * SIZE * 3; i++) material.rgb[i] = (uint8_t)(i * i / 97);
    for (size_t i = 0; i < FRAMES; i++)
        material.times[i] = (affect_time)i * 40 * AFFECT_MILLISECOND;
    for (size_t i = 0; i < SAMPLES; i++)
        material.sound[i] = 0.3F * sinf((float)i * 0.05F) * sinf((float)i * 0.001F);
}

typedef struct job {
    affect_context *ctx;
    int number;
    bool words;
    affect_status status; /* of what should go well */
    char message[256];    /* of what should not */
    size_t rows;          /* called back */
    char *json;
} job;

static void on_rows(void *user, const affect_track *track, size_t first, size_t count) {
    (void)first;
    ((job *)user)->rows += track ? count : 0;
}

static affect_status push_all(affect_session *session) {
    affect_status status = AFFECT_OK;
    size_t size = material.width * material.height * 3;
    for (size_t at = 0, f = 0; at < material.samples && status == AFFECT_OK; at += BLOCK) {
        for (; f < material.frames && status == AFFECT_OK &&
               material.times[f] <= time_from_ticks((int64_t)at, 1, RATE);
             f++)
            status = affect_session_push_frame(session, material.times[f], (int)material.width,
                                               (int)material.height, material.width * 3,
                                               material.rgb + f * size);
        if (status == AFFECT_OK)
            status = affect_session_push_audio(session, time_from_ticks((int64_t)at, 1, RATE), RATE,
                                               material.sound + at, BLOCK);
    }
    return status;
}

static void *run(void *user) {
    job *j = user;
    affect_options *options = NULL;
    affect_session *session = NULL;
    affect_timeline *timeline = NULL, *none = NULL;
    j->status = affect_options_create(j->ctx, &options);
    affect_options_set_words(options, j->words);
    affect_options_on_rows(options, on_rows, j);
    if (j->status == AFFECT_OK) j->status = affect_session_create(j->ctx, options, &session);
    affect_options_destroy(options);
    if (j->status == AFFECT_OK) j->status = push_all(session);
    if (j->status == AFFECT_OK) j->status = affect_session_finish(session, &timeline);
    affect_session_destroy(session);
    char path[64];
    snprintf(path, sizeof path, "nowhere/%d.json", j->number);
    if (affect_timeline_read(j->ctx, path, &none) == AFFECT_ERROR_NOT_FOUND)
        snprintf(j->message, sizeof j->message, "%s", affect_context_message(j->ctx));
    size_t length;
    FILE *out = timeline ? open_memstream(&j->json, &length) : NULL;
    if (out && report_print(j->ctx, timeline, REPORT_JSON, NULL, NULL, out) != AFFECT_OK)
        j->status = AFFECT_ERROR_INTERNAL;
    if (out) fclose(out);
    affect_timeline_destroy(timeline);
    return NULL;
}

static void run_at_once(job *jobs, size_t count) {
    pthread_t threads[8];
    assert_true(count <= BASE_COUNT(threads));
    for (size_t i = 0; i < count; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run, &jobs[i]), 0);
    for (size_t i = 0; i < count; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (size_t i = 0; i < count; i++) {
        char path[64];
        snprintf(path, sizeof path, "nowhere/%d.json", jobs[i].number);
        assert_int_equal(jobs[i].status, AFFECT_OK);
        assert_non_null(jobs[i].json);
        assert_true(jobs[i].rows > 0);
        assert_string_equal(jobs[i].json, jobs[0].json);
        assert_non_null(strstr(jobs[i].message, path)); /* its own failure, nobody else's */
        if (i) free(jobs[i].json);
    }
    free(jobs[0].json);
}

static void sessions_on_one_context(void **state) {
    (void)state;
    affect_context *ctx;
    assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
    affect_context_set_threads(ctx, 2);
    job jobs[3] = {{.ctx = ctx, .number = 1}, {.ctx = ctx, .number = 2}, {.ctx = ctx, .number = 3}};
    run_at_once(jobs, BASE_COUNT(jobs));
    affect_context_destroy(ctx);
}

static void contexts_of_their_own(void **state) {
    (void)state;
    job jobs[3] = {{.number = 1}, {.number = 2}, {.number = 3}};
    for (size_t i = 0; i < BASE_COUNT(jobs); i++) {
        assert_int_equal(affect_context_create(&jobs[i].ctx), AFFECT_OK);
        affect_context_set_threads(jobs[i].ctx, 1 + (int)i);
    }
    run_at_once(jobs, BASE_COUNT(jobs));
    for (size_t i = 0; i < BASE_COUNT(jobs); i++) affect_context_destroy(jobs[i].ctx);
}

static void recognition_beside_recognition(void **state) {
    (void)state;
    affect_context *ctx;
    assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
    affect_context_set_threads(ctx, 2);
    job jobs[2] = {{.ctx = ctx, .number = 1, .words = true},
                   {.ctx = ctx, .number = 2, .words = true}};
    run_at_once(jobs, BASE_COUNT(jobs));
    affect_context_destroy(ctx);
}

static void *cancel(void *user) {
    affect_context_cancel(user);
    return NULL;
}

/* From any thread, while sessions of the context work. */
static void cancelling_from_beside(void **state) {
    (void)state;
    affect_context *ctx;
    pthread_t beside;
    job j = {.number = 1};
    assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
    affect_context_set_threads(ctx, 2);
    j.ctx = ctx;
    assert_int_equal(pthread_create(&beside, NULL, cancel, ctx), 0);
    run(&j);
    assert_int_equal(pthread_join(beside, NULL), 0);
    assert_true(j.status == AFFECT_OK || j.status == AFFECT_ERROR_CANCELLED);
    assert_true(affect_context_cancelled(ctx));
    free(j.json);
    affect_context_destroy(ctx);
}

int main(void) {
    make_material();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sessions_on_one_context),
        cmocka_unit_test(contexts_of_their_own),
        cmocka_unit_test(recognition_beside_recognition),
        cmocka_unit_test(cancelling_from_beside),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(material.rgb);
    return failed;
}
