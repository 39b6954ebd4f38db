/* The stage on real pictures and recordings: who is found, and what the obvious faces say. */
#include <math.h>

#include "tests/face/clip.h"
#include "track/track.h"

static affect_context *ctx;

static int set_up(void **state) {
    (void)state;
    return affect_context_create(&ctx) != AFFECT_OK;
}

static int tear_down(void **state) {
    (void)state;
    affect_context_destroy(ctx);
    return 0;
}

static affect_timeline *run_picture(const char *name) {
    affect_timeline *timeline;
    face_stage *stage;
    assert_int_equal(timeline_create(ctx, &timeline), AFFECT_OK);
    assert_int_equal(face_create(ctx, NULL, timeline, &stage), AFFECT_OK);
    if (affect_timeline_warning_count(timeline)) {
        print_message("skipped: %s\n", affect_timeline_warning(timeline, 0)->label);
        face_destroy(stage);
        affect_timeline_destroy(timeline);
        skip();
    }
    picture p = picture_load(ctx, name);
    media_frame frame = picture_frame(&p, 0);
    assert_int_equal(face_push(stage, &frame), AFFECT_OK);
    assert_int_equal(face_finish(stage), AFFECT_OK);
    face_destroy(stage);
    base_free(p.rgb);
    return timeline;
}

static float value_of(const affect_timeline *t, const char *id, const char *channel) {
    const affect_track *track = affect_timeline_find_track(t, id);
    assert_non_null(track);
    for (size_t c = 0; c < track->channel_count; c++)
        if (strcmp(track->channels[c], channel) == 0) return track->values[c];
    fail_msg("no channel %s in %s", channel, id);
    return NAN;
}

static void smiles_are_happy(void **state) {
    (void)state;
    TEST_NEED_DATA();
    static const char *const names[] = {"pyfeat/0-f15-hao-ph.jpg", "pyfeat/single_face.jpg",
                                        "sadtalker/stills/happy1.png"};
    for (size_t i = 0; i < BASE_COUNT(names); i++) {
        affect_timeline *t = run_picture(names[i]);
        assert_null(affect_timeline_find_track(t, "face/2/box"));
        assert_true(value_of(t, "face/1/expression", "happiness") > 0.8f);
        assert_true(value_of(t, "face/1/aus", "AU12") > 3);
        assert_true(value_of(t, "face/1/affect", "valence") > 0.4f);
        affect_timeline_destroy(t);
    }
}

static void others_are_not(void **state) {
    (void)state;
    TEST_NEED_DATA();
    affect_timeline *t = run_picture("pyfeat/0-f1-su-ph.jpg"); /* surprise */
    assert_true(value_of(t, "face/1/expression", "surprise") > 0.5f);
    assert_true(value_of(t, "face/1/aus", "AU26") > 2);
    assert_true(value_of(t, "face/1/aus", "AU12") < 1);
    affect_timeline_destroy(t);
    t = run_picture("pyfeat/15-f13-anc-ph.jpg"); /* anger, mouth closed */
    assert_true(value_of(t, "face/1/aus", "AU04") > 2);
    assert_true(value_of(t, "face/1/aus", "AU12") < 1);
    affect_timeline_destroy(t);
    t = run_picture("sadtalker/stills/sad.png");
    assert_true(value_of(t, "face/1/aus", "AU15") > 1);
    assert_true(value_of(t, "face/1/expression", "happiness") < 0.1f);
    affect_timeline_destroy(t);
}

static void five_people_and_none(void **state) {
    (void)state;
    TEST_NEED_DATA();
    affect_timeline *t = run_picture("pyfeat/multi_face.jpg");
    assert_non_null(affect_timeline_find_track(t, "face/5/box"));
    assert_null(affect_timeline_find_track(t, "face/6/box"));
    affect_timeline_destroy(t);
    t = run_picture("pyfeat/free-mountain-vector-01.jpg");
    assert_int_equal(affect_timeline_track_count(t), 0);
    affect_timeline_destroy(t);
}

static void any_size_of_frame(void **state) {
    (void)state;
    static const int sizes[][2] = {{1, 1}, {1, 700}, {3, 2}, {7680, 4320}};
    for (size_t i = 0; i < BASE_COUNT(sizes); i++) {
        affect_timeline *t;
        face_stage *stage;
        assert_int_equal(timeline_create(ctx, &t), AFFECT_OK);
        assert_int_equal(face_create(ctx, NULL, t, &stage), AFFECT_OK);
        picture p = picture_make(sizes[i][0], sizes[i][1], 100);
        for (int k = 0; k < 3; k++) {
            media_frame frame = picture_frame(&p, k * 200 * AFFECT_MILLISECOND);
            assert_int_equal(face_push(stage, &frame), AFFECT_OK);
        }
        assert_int_equal(face_finish(stage), AFFECT_OK);
        assert_int_equal(affect_timeline_track_count(t), 0);
        base_free(p.rgb);
        face_destroy(stage);
        affect_timeline_destroy(t);
    }
}

/* A model of ours that is missing or damaged is a warning, and the rest goes on; one that the caller
 * named is an error. */
static void missing_models_are_warnings(void **state) {
    (void)state;
    affect_context *own;
    char folder[] = "/tmp/affect-face-XXXXXX", path[128], model[64];
    assert_non_null(mkdtemp(folder));
    snprintf(model, sizeof model, "%s/face.mesh", folder);
    snprintf(path, sizeof path, "%s/card.json", model);
    assert_int_equal(base_make_folder(ctx, model), AFFECT_OK);
    assert_int_equal(base_write_file(ctx, path, "{}", 2), AFFECT_OK);
    assert_int_equal(affect_context_create(&own), AFFECT_OK);
    assert_int_equal(affect_context_set_models(own, folder), AFFECT_OK);
    affect_timeline *t;
    face_stage *stage;
    assert_int_equal(timeline_create(own, &t), AFFECT_OK);
    assert_int_equal(face_create(own, NULL, t, &stage), AFFECT_OK);
    assert_int_equal(affect_timeline_warning_count(t), 1);
    assert_non_null(strstr(affect_timeline_warning(t, 0)->label, "face.mesh"));
    picture p = picture_make(64, 64, 90);
    media_frame frame = picture_frame(&p, 0);
    assert_int_equal(face_push(stage, &frame), AFFECT_OK);
    assert_int_equal(face_finish(stage), AFFECT_OK);
    base_free(p.rgb);
    face_destroy(stage);

    face_options options = face_options_default();
    options.mesh = "no.such.mesh";
    assert_int_equal(face_create(own, &options, t, &stage), AFFECT_ERROR_MODEL);
    assert_non_null(strstr(affect_context_message(own), "no.such.mesh"));
    options.max_persons = 0;
    assert_int_equal(face_create(own, &options, t, &stage), AFFECT_ERROR_ARGUMENT);
    affect_timeline_destroy(t);
    affect_context_destroy(own);
    assert_int_equal(remove(path), 0);
    assert_int_equal(remove(model), 0);
    assert_int_equal(remove(folder), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(smiles_are_happy),
        cmocka_unit_test(others_are_not),
        cmocka_unit_test(five_people_and_none),
        cmocka_unit_test(any_size_of_frame),
        cmocka_unit_test(missing_models_are_warnings),
    };
    return cmocka_run_group_tests_name("face/stage", tests, set_up, tear_down);
}
