/* Between the face stage and its expression network: the square that is cut out, how picture and
 * geometry join, and which models are taken. The network is tiny and untrained. */
#include <math.h>

#include "face/face_private.h"
#include "tests/face/clip.h"
#include "tests/nn/tiny.h"

static affect_context *ctx;
static tiny_model model;

#define LABELS                                                                                     \
    "\"neutral\", \"happiness\", \"surprise\", \"sadness\", \"anger\", \"disgust\", \"fear\", "    \
    "\"contempt\""

static tiny_model make(const char *name, bool commercial) {
    return tiny_make(
        ctx, name,
        (nn_net_options){.kind = "face_cnn", .outputs = 8, .width = 8, .blocks = {1, 0, 0, 0}}, 8,
        false, LABELS, NULL, commercial, "");
}

static int set_up(void **state) {
    (void)state;
    if (affect_context_create(&ctx)) return 1;
    model = make("tiny.face", false);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    tiny_remove(&model);
    affect_context_destroy(ctx);
    return 0;
}

static picture textured(int size) {
    picture p = picture_make(size, size, 0);
    for (int i = 0; i < size * size; i++)
        memset(p.rgb + 3 * i, (i * 7919 ^ i / size * 104729) & 255, 3);
    return p;
}

/* A 48 x 48 picture seen whole goes to the network as it is: the trainer's input. */
static void the_crop_is_the_trainers(void **state) {
    (void)state;
    picture p = textured(48);
    media_frame frame = picture_frame(&p, 0);
    uint8_t grey[48 * 48];
    for (int i = 0; i < 48 * 48; i++) grey[i] = p.rgb[3 * i];
    nn_model *network;
    face_classifier *e;
    float expected[8], logs[8];
    assert_int_equal(nn_model_load(ctx, model.folder, &network), AFFECT_OK);
    assert_int_equal(nn_model_face(ctx, network, grey, expected), AFFECT_OK);
    assert_int_equal(face_classifier_create_raw(ctx, model.folder, &e), AFFECT_OK);
    face_roi whole = {24, 24, 48, 0};
    assert_int_equal(face_classifier_run_at(ctx, e, &frame, &whole, logs), AFFECT_OK);
    double mean = 0;
    for (int c = 0; c < 8; c++) mean += log((double)expected[c]) / 8;
    for (int c = 0; c < 8; c++)
        assert_true(fabs((double)logs[c] - (log((double)expected[c]) - mean)) < 2e-2);
    face_classifier_destroy(e);
    nn_model_destroy(network);
    base_free(p.rgb);
}

/* The square moves, grows and turns with the mesh. */
static void the_square_follows_the_mesh(void **state) {
    (void)state;
    face_mesh a = {.presence = 1}, b = a;
    for (int i = 0; i < MESH_POINTS; i++) {
        double t = 6.2831853 * i / MESH_POINTS;
        a.points[i][0] = (float)(100 + 30 * cos(t));
        a.points[i][1] = (float)(100 + 30 * sin(t));
    }
    a.points[33][0] = 85, a.points[33][1] = 95, a.points[263][0] = 115, a.points[263][1] = 95;
    face_roi upright = face_expression_roi(&a, 1.2f, 0.1f, 0);
    assert_true(fabsf(upright.side - 72) < 0.5f && fabsf(upright.y - 94) < 0.5f);
    assert_true(fabsf(upright.x - 100) < 0.5f && fabsf(upright.angle) < 1e-3f);
    for (int i = 0; i < MESH_POINTS; i++) { /* turned by 30 degrees about its centre */
        double x = (double)a.points[i][0] - 100, y = (double)a.points[i][1] - 100;
        b.points[i][0] = (float)(100 + x * cos(.5236) - y * sin(.5236));
        b.points[i][1] = (float)(100 + x * sin(.5236) + y * cos(.5236));
    }
    face_roi full = face_expression_roi(&b, 1.2f, 0.1f, 1),
             part = face_expression_roi(&b, 1.2f, 0.1f, 0);
    assert_true(fabsf(full.angle - 0.5236f) < 1e-2f);
    assert_true(part.angle > 0.25f && part.angle < 0.45f); /* the part beyond usual faces */
    assert_true(full.x > 102 && full.y < 96);
}

static void picture_and_geometry_multiply(void **state) {
    (void)state;
    static face_population p; /* all zero but constants: geometry says anger three to one */
    float deviation[FACE_MEASURES] = {0}, said[8] = {0}, out[8], sum = 0;
    p.weights[4][FACE_MEASURES] = logf(3);
    face_expression_posteriors(&p, deviation, NULL, 1, out);
    assert_true(fabsf(out[4] - 0.3f) < 1e-5f);
    said[1] = logf(6);
    face_expression_posteriors(&p, deviation, said, 1, out);
    assert_true(fabsf(out[1] / out[4] - 2) < 1e-4f);
    face_expression_posteriors(&p, deviation, said, 0, out);
    assert_true(fabsf(out[4] - out[0]) < 1e-6f);
    for (int c = 0; c < 8; c++) sum += out[c];
    assert_true(fabsf(sum - 1) < 1e-5f);
}

static void named_models_are_used_and_named(void **state) {
    (void)state;
    TEST_NEED_DATA();
    affect_timeline *t;
    face_stage *stage;
    face_options options = face_options_default();
    options.expressions = model.folder;
    assert_int_equal(timeline_create(ctx, &t), AFFECT_OK);
    assert_int_equal(face_create(ctx, &options, t, &stage), AFFECT_OK);
    FACE_NEED_MODELS(t);
    picture p = picture_load(ctx, "pyfeat/single_face.jpg");
    for (int k = 0; k < 12; k++) {
        media_frame frame = picture_frame(&p, k * 100 * AFFECT_MILLISECOND);
        assert_int_equal(face_push(stage, &frame), AFFECT_OK);
    }
    assert_int_equal(face_finish(stage), AFFECT_OK);
    face_destroy(stage);
    const affect_track *expression = affect_timeline_find_track(t, "face/1/expression");
    assert_non_null(expression);
    assert_string_equal(expression->model, model.folder);
    assert_int_equal(expression->rows, 12);
    for (size_t r = 1; r < 12; r++) /* a still face: the average over readings is still, too */
        assert_true(fabsf(expression->values[r * 8 + 1] - expression->values[1]) < 0.05f);
    base_free(p.rgb);
    affect_timeline_destroy(t);
}

static void only_commercial_models_if_asked(void **state) {
    (void)state;
    tiny_model open = make("tiny.open", true);
    face_classifier *e;
    affect_context_set_commercial(ctx, 1);
    assert_int_equal(face_classifier_create(ctx, model.folder, &e), AFFECT_ERROR_MODEL);
    assert_non_null(strstr(affect_context_message(ctx), "tiny.face is not for commercial use"));
    assert_int_equal(face_classifier_create(ctx, open.folder, &e), AFFECT_OK);
    face_classifier_destroy(e);
    affect_context_set_commercial(ctx, 0);
    assert_int_equal(face_classifier_create(ctx, model.folder, &e), AFFECT_OK);
    face_classifier_destroy(e);
    tiny_remove(&open);
}

static affect_status load(void *user) {
    (void)user;
    face_classifier *e = NULL;
    affect_status status = face_classifier_create(ctx, model.folder, &e);
    assert_true((status == AFFECT_OK) == (e != NULL));
    face_classifier_destroy(e);
    return status;
}

static void out_of_memory_is_an_error(void **state) {
    (void)state;
    assert_true(test_fail_each_allocation("loading", load, NULL) > 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_crop_is_the_trainers),
        cmocka_unit_test(the_square_follows_the_mesh),
        cmocka_unit_test(picture_and_geometry_multiply),
        cmocka_unit_test(named_models_are_used_and_named),
        cmocka_unit_test(only_commercial_models_if_asked),
        cmocka_unit_test(out_of_memory_is_an_error),
    };
    return cmocka_run_group_tests_name("face/expression", tests, set_up, tear_down);
}
