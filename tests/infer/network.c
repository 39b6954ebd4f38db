/* The project's own networks through the one interface: the same numbers as nn/ gives, and refusals of
 * what does not fit. */
#include <math.h>
#include <string.h>

#include "infer/infer.h"
#include "nn/model.h"
#include "tests/nn/tiny.h"
#include "tests/test.h"

static affect_context *ctx;

static float wave(size_t i) { return sinf((float)i * .37f) + .3f * cosf((float)i * 1.9f); }

static infer_model *load(const char *name) {
    infer_model *model = NULL;
    if (infer_model_load(ctx, name, 1, &model)) {
        print_message("skipped: %s\n", affect_context_message(ctx));
        skip();
    }
    return model;
}

/* Runs both ways; `batch` is what nn/ takes. */
static void same(const char *name, const infer_tensor *inputs, size_t input_count,
                 const nn_batch *batch) {
    infer_model *model = load(name);
    nn_model *network;
    assert_int_equal(nn_model_load(ctx, name, &network), AFFECT_OK);
    size_t classes = nn_model_classes(network), values = nn_model_values(network);
    float row[2 * 128];
    assert_int_equal(nn_model_run(ctx, network, batch, row), AFFECT_OK);
    assert_int_equal(infer_model_input_count(model), input_count);
    infer_tensor out[4] = {{.name = "posteriors"},
                           {.name = "in_distribution"},
                           {.name = "ood_score"},
                           {.name = "values"}};
    assert_int_equal(infer_model_run(ctx, model, inputs, input_count, out, values ? 4 : 3),
                     AFFECT_OK);
    assert_int_equal(out[0].shape[0], batch->count);
    assert_int_equal(out[0].shape[1], classes);
    for (size_t i = 0; i < batch->count; i++) {
        const float *from = row + i * (classes + values);
        assert_memory_equal((const float *)out[0].data + i * classes, from, classes * sizeof *from);
        if (values)
            assert_memory_equal((const float *)out[3].data + i * values, from + classes,
                                values * sizeof *from);
        assert_true(((const float *)out[1].data)[i] == nn_model_in_distribution(network, i));
        float score = ((const float *)out[2].data)[i], wanted = nn_model_ood_score(network, i);
        assert_true(score == wanted || (isnan(score) && isnan(wanted))); /* none was fitted */
    }
    /* one input too few, another shape, an output that is not there */
    assert_int_equal(infer_model_run(ctx, model, inputs, input_count - 1, out, 1),
                     AFFECT_ERROR_SHAPE);
    infer_tensor wrong[3];
    memcpy(wrong, inputs, input_count * sizeof *wrong);
    wrong[0].rank--;
    assert_int_equal(infer_model_run(ctx, model, wrong, input_count, out, 1), AFFECT_ERROR_SHAPE);
    out[0].name = "logits";
    assert_int_equal(infer_model_run(ctx, model, inputs, input_count, out, 1), AFFECT_ERROR_SHAPE);
    assert_true(infer_model_has_output(model, "posteriors"));
    assert_false(infer_model_has_output(model, "logits"));
    nn_model_destroy(network);
    infer_model_destroy(model);
}

static void faces(void **state) {
    (void)state;
    float grey[48 * 48], own[48 * 48];
    for (size_t i = 0; i < 48 * 48; i++) grey[i] = own[i] = roundf(128 + 50 * wave(i));
    nn_standardise(own, 48 * 48);
    nn_batch batch = {.count = 1, .data = own, .height = 48, .width = 48};
    infer_tensor in = {
        .name = "image", .type = INFER_F32, .rank = 4, .shape = {1, 48, 48, 1}, .data = grey};
    same("face.emotion", &in, 1, &batch);
}

static void spectrograms(void **state) {
    (void)state;
    enum { BANDS = 48, NUMBERS = 88 };
    tiny_model tiny = tiny_make(
        ctx, "tiny.voice",
        (nn_net_options){
            .kind = "voice_crnn", .outputs = 6, .inputs = BANDS, .width = 8, .side = NUMBERS},
        4, false, "\"a\", \"b\", \"c\", \"d\", \"valence\", \"arousal\"", NULL, true, "");
    static float frames[2 * 64 * BANDS], side[2 * NUMBERS];
    for (size_t i = 0; i < BASE_COUNT(frames); i++) frames[i] = wave(i);
    for (size_t i = 0; i < BASE_COUNT(side); i++) side[i] = wave(3 * i);
    int64_t length[2] = {64, 50};
    size_t lengths[2] = {64, 50};
    nn_batch batch = {
        .count = 2, .data = frames, .steps = 64, .bands = BANDS, .length = lengths, .side = side};
    infer_tensor in[3] = {{.type = INFER_F32, .rank = 3, .shape = {2, 64, BANDS}, .data = frames},
                          {.type = INFER_I64, .rank = 1, .shape = {2}, .data = length},
                          {.type = INFER_F32, .rank = 2, .shape = {2, NUMBERS}, .data = side}};
    same(tiny.folder, in, 3, &batch);
    infer_model *model = load(tiny.folder);
    infer_tensor out = {0};
    length[1] = 65;
    assert_int_equal(infer_model_run(ctx, model, in, 3, &out, 1), AFFECT_ERROR_SHAPE);
    infer_model_destroy(model);
    tiny_remove(&tiny);
}

static void voices(void **state) {
    (void)state;
    static const char *const ours[] = {"voice.emotion", "voice.emotion.open"};
    for (size_t m = 0; m < BASE_COUNT(ours); m++) {
        infer_model *model = load(ours[m]);
        size_t numbers = (size_t)infer_model_input(model, 0).shape[1];
        static float side[2 * 1024];
        assert_true(numbers <= 1024);
        for (size_t i = 0; i < 2 * numbers; i++) side[i] = wave(3 * i);
        side[3] = NAN; /* unknown */
        nn_batch batch = {.count = 2, .side = side};
        infer_tensor in[2] = {{.name = "side",
                               .type = INFER_F32,
                               .rank = 2,
                               .shape = {2, (int64_t)numbers},
                               .data = side},
                              {.name = "relative", .type = INFER_BOOL, .rank = 1, .shape = {2}}};
        same(ours[m], in, 1, &batch);
        /* what is standardised already is another sample; one flag for two samples is an error */
        bool relative[2] = {true, true};
        in[1].data = relative;
        float first;
        infer_tensor out = {.name = "posteriors"};
        assert_int_equal(infer_model_run(ctx, model, in, 1, &out, 1), AFFECT_OK);
        first = ((const float *)out.data)[0];
        assert_int_equal(infer_model_run(ctx, model, in, 2, &out, 1), AFFECT_OK);
        assert_true(((const float *)out.data)[0] != first);
        in[1].shape[0] = 1;
        assert_int_equal(infer_model_run(ctx, model, in, 2, &out, 1), AFFECT_ERROR_SHAPE);
        infer_model_destroy(model);
    }
}

static void texts(void **state) {
    (void)state;
    infer_model *model = load("text.emotion");
    bool surface = infer_model_input_count(model) == 3;
    size_t side_count = surface ? (size_t)infer_model_input(model, 2).shape[1] : 0;
    infer_model_destroy(model);
    int64_t units[2 * 3 * 4] = {5,  -1, -1, -1, 900, 901, 902, -1, 7,  -1, -1, -1,
                                12, 13, -1, -1, 9,   -1,  -1,  -1, -1, -1, -1, -1};
    int64_t length[2] = {3, 2};
    int32_t index[] = {5, 900, 901, 902, 7, 12, 13, 9};
    size_t start[] = {0, 1, 4, 5, 7, 8, 8}, lengths[2] = {3, 2};
    float side[2 * 64];
    assert_true(side_count <= 64);
    for (size_t i = 0; i < 2 * side_count; i++) side[i] = fabsf(wave(i));
    nn_batch batch = {.count = 2,
                      .steps = 3,
                      .length = lengths,
                      .index = index,
                      .start = start,
                      .side = surface ? side : NULL};
    infer_tensor in[3] = {
        {.type = INFER_I64, .rank = 3, .shape = {2, 3, 4}, .data = units},
        {.type = INFER_I64, .rank = 1, .shape = {2}, .data = length},
        {.type = INFER_F32, .rank = 2, .shape = {2, (int64_t)side_count}, .data = side}};
    same("text.emotion", in, surface ? 3 : 2, &batch);
    model = load("text.emotion");
    infer_tensor out = {0};
    units[1] = 1 << 30;
    assert_int_equal(infer_model_run(ctx, model, in, surface ? 3 : 2, &out, 1), AFFECT_ERROR_SHAPE);
    infer_model_destroy(model);
}

static affect_status run_once(void *user) {
    static float grey[48 * 48];
    infer_model *model = NULL;
    infer_tensor in = {.type = INFER_F32, .rank = 4, .shape = {1, 48, 48, 1}, .data = grey},
                 out = {0};
    affect_status status = infer_model_load(ctx, user, 1, &model);
    if (!status) status = infer_model_run(ctx, model, &in, 1, &out, 1);
    infer_model_destroy(model);
    return status;
}

static void out_of_memory_is_an_error(void **state) {
    (void)state;
    infer_model *model = load("face.emotion");
    char folder[4096]; /* by name, places that cannot be noted for an error text are passed over */
    snprintf(folder, sizeof folder, "%s", infer_model_card(model)->folder);
    infer_model_destroy(model);
    assert_true(test_fail_each_allocation("face.emotion", run_once, folder) > 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(faces), cmocka_unit_test(spectrograms),
                                       cmocka_unit_test(voices), cmocka_unit_test(texts),
                                       cmocka_unit_test(out_of_memory_is_an_error)};
    assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
    int failed = cmocka_run_group_tests_name("infer/network", tests, NULL, NULL);
    affect_context_destroy(ctx);
    return failed;
}
