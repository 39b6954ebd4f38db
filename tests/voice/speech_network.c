/* Between the voice stage and its network: what is heard, when, and that it is what the trainer's
 * own front end gives. The networks are tiny and untrained. */
#include "voice/speech_network.h"

#include <math.h>

#include "nn/onnx_proto.h"
#include "tests/nn/tiny.h"
#include "voice/voice.h"

enum { RATE = 16000 };
static affect_context *ctx;
static tiny_model model;
static const char *affect_path; /* the command */

static int set_up(void **state) {
    (void)state;
    if (affect_context_create(&ctx)) return 1;
    model = tiny_make(
        ctx, "tiny.voice",
        (nn_net_options){.kind = "voice_crnn", .outputs = 6, .inputs = 24, .width = 8}, 4, false,
        "\"calm\", \"neutral\", \"angry\", \"boredom\", \"valence\", \"arousal\"", NULL, true,
        ", \"input\": {\"bands\": 24, \"step_s\": 0.02, \"trim_db\": 40}, \"validation\": "
        "{\"errors\": "
        "{\"valence\": "
        "0.4, \"arousal\": 0.25}}");
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    tiny_remove(&model);
    affect_context_destroy(ctx);
    return 0;
}

/* `seconds` of a buzzing tone between silences of `silence` seconds. */
static float *make_sound(double silence, double seconds, size_t *count) {
    *count = (size_t)((2 * silence + seconds) * RATE);
    float *x = base_calloc(*count, sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < *count; i++) {
        double t = (double)i / RATE - silence;
        if (t < 0 || t >= seconds) continue;
        for (int h = 1; h < 20; h++)
            x[i] += (float)(.1 / h * sin(6.2831853 * 140 * h * t * (1 + .05 * sin(3 * t))));
    }
    return x;
}

static affect_timeline *listen(const float *x, size_t count, size_t block, affect_time gap) {
    affect_timeline *timeline;
    voice_stage *stage;
    /* Without speech activity all sound is taken for speech: the utterance is the whole. Its model
     * needs ONNX Runtime, and the network does not. */
    voice_options options = {.emotion_model = model.folder};
    const char *chosen = getenv("AFFECT_ORT");
    char *before = chosen ? base_strdup(chosen) : NULL;
    setenv("AFFECT_ORT", "/nowhere/libonnxruntime.so", 1);
    assert_int_equal(timeline_create(ctx, &timeline), AFFECT_OK);
    assert_int_equal(voice_create(ctx, &options, timeline, &stage), AFFECT_OK);
    if (before)
        setenv("AFFECT_ORT", before, 1);
    else
        unsetenv("AFFECT_ORT");
    base_free(before);
    for (size_t i = 0; i < count; i += block) {
        affect_time late = i >= count / 2 ? gap : 0;
        media_block b = {.t0 = late + time_from_ticks((int64_t)i, 1, RATE),
                         .sample_rate = RATE,
                         .count = BASE_MIN(block, count - i),
                         .samples = x + i};
        assert_int_equal(voice_push(stage, &b), AFFECT_OK);
    }
    assert_int_equal(voice_finish(stage), AFFECT_OK);
    voice_destroy(stage);
    return timeline;
}

static void labels_are_ours_where_they_mean_ours(void **state) {
    (void)state;
    voice_network *n;
    size_t count;
    assert_int_equal(voice_network_create(ctx, model.folder, &n), AFFECT_OK);
    const char *const *labels = voice_network_labels(n, &count);
    assert_int_equal(count, 3); /* calm joins neutral */
    assert_string_equal(labels[0], "neutral");
    assert_string_equal(labels[1], "anger");
    assert_string_equal(labels[2], "boredom");
    assert_true(voice_network_has_values(n));
    float *x;
    size_t samples;
    x = make_sound(0, 1, &samples);
    voice_heard heard;
    assert_int_equal(voice_network_hear(ctx, n, x, samples, NULL, 0, &heard), AFFECT_OK);
    assert_true(fabsf(heard.posteriors[0] + heard.posteriors[1] + heard.posteriors[2] - 1) < 1e-5F);
    assert_true(heard.sd[0] == 0.4F && heard.sd[1] == 0.25F && isnan(heard.value[2]));
    assert_int_equal(voice_network_hear(ctx, n, x, 100, NULL, 0, &heard), AFFECT_ERROR_ARGUMENT);
    base_free(x);
    voice_network_destroy(n);
}

static void a_short_utterance_gives_one_row_a_long_one_a_row_a_second(void **state) {
    (void)state;
    static const struct {
        double seconds;
        size_t rows;
    } cases[] = {{0.3, 0}, {1.5, 1}, {3.9, 1}, {6.6, 4}, {12, 9}};
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        size_t count;
        float *x = make_sound(0, cases[i].seconds, &count);
        affect_timeline *t = listen(x, count, 1600, 0);
        const affect_track *heard = affect_timeline_find_track(t, "voice/emotion");
        const affect_track *affect = affect_timeline_find_track(t, "voice/affect");
        assert_non_null(heard);
        assert_int_equal(affect_track_rows(heard), cases[i].rows);
        assert_int_equal(affect_track_rows(affect), cases[i].rows);
        assert_string_equal(affect->model, "tiny.voice");
        for (size_t r = 0; r < heard->rows; r++) {
            assert_in_range(heard->times[r], 0, time_from_seconds(cases[i].seconds));
            assert_true(isnan(affect->values[r * 6 + 2])); /* the network has no dominance */
        }
        affect_timeline_destroy(t);
        base_free(x);
    }
}

static void same(const affect_timeline *a, const affect_timeline *b) {
    const affect_track *x = affect_timeline_find_track(a, "voice/emotion"),
                       *y = affect_timeline_find_track(b, "voice/emotion");
    assert_int_equal(x->rows, y->rows);
    assert_memory_equal(x->times, y->times, x->rows * sizeof *x->times);
    assert_memory_equal(x->values, y->values, x->rows * x->channel_count * sizeof *x->values);
}

static void how_blocks_are_cut_changes_nothing(void **state) {
    (void)state;
    size_t count;
    float *x = make_sound(0, 9.3, &count);
    affect_timeline *a = listen(x, count, 1600, 0), *b = listen(x, count, 777, 0),
                    *c = listen(x, count, count, 0);
    same(a, b);
    same(a, c);
    affect_timeline_destroy(a);
    affect_timeline_destroy(b);
    affect_timeline_destroy(c);
    base_free(x);
}

static void a_gap_ends_the_utterance(void **state) {
    (void)state;
    size_t count;
    float *x = make_sound(0, 4, &count);
    affect_timeline *t = listen(x, count, 1600, 10 * AFFECT_SECOND);
    const affect_track *heard = affect_timeline_find_track(t, "voice/emotion");
    assert_int_equal(affect_track_rows(heard), 2);
    assert_true(fabs(time_to_seconds(heard->times[0]) - 1) < 0.1);
    assert_true(fabs(time_to_seconds(heard->times[1]) - 13) < 0.1);
    affect_timeline_destroy(t);
    base_free(x);
}

/* Functionals stand against the training's voices at first, and against the voice's own after a
 * while; what was heard long ago fades. */
static void a_voice_becomes_its_own_measure(void **state) {
    (void)state;
    tiny_model whole = tiny_make(ctx, "tiny.whole",
                                 (nn_net_options){.kind = "voice_crnn",
                                                  .outputs = 2,
                                                  .inputs = 24,
                                                  .width = 8,
                                                  .side = VOICE_EGEMAPS_FUNCTIONALS},
                                 2, false, "\"neutral\", \"anger\"", NULL, true,
                                 ", \"input\": {\"bands\": 24, \"step_s\": 0.02}");
    voice_network *n;
    voice_heard alone, heard;
    size_t count;
    float *x = make_sound(0.1, 1, &count);
    voice_speaker_statistics statistics = {.weight = {0}};
    assert_int_equal(voice_network_create(ctx, whole.folder, &n), AFFECT_OK);
    assert_int_equal(voice_network_hear(ctx, n, x, count, NULL, 1, &alone), AFFECT_OK);
    assert_int_equal(voice_network_hear(ctx, n, x, count, &statistics, 0, &heard), AFFECT_OK);
    assert_true(fabsf(heard.posteriors[0] - alone.posteriors[0]) < 1e-4F);
    assert_true(statistics.weight[0] == 0);
    for (int i = 0; i < 40; i++)
        assert_int_equal(voice_network_hear(ctx, n, x, count, &statistics, 0.5, &heard), AFFECT_OK);
    assert_true(fabs(statistics.weight[0] - 20) < 1e-9);
    assert_true(fabsf(heard.posteriors[0] - alone.posteriors[0]) > 1e-3F);
    for (int i = 0; i < 60; i++)
        assert_int_equal(voice_network_hear(ctx, n, x, count, &statistics, 1, &heard), AFFECT_OK);
    assert_true(statistics.weight[0] < 60.001);
    base_free(x);
    voice_network_destroy(n);
    tiny_remove(&whole);
}

static void other_networks_are_refused(void **state) {
    (void)state;
    tiny_model face = tiny_make(
        ctx, "tiny.face",
        (nn_net_options){.kind = "face_cnn", .outputs = 2, .width = 8, .blocks = {1, 1, 1, 1}}, 2,
        false, "\"a\", \"b\"", NULL, true, "");
    voice_network *n;
    assert_int_equal(voice_network_create(ctx, face.folder, &n), AFFECT_ERROR_MODEL);
    assert_non_null(strstr(affect_context_message(ctx), "tiny.face"));
    assert_null(n);
    tiny_remove(&face);
}

/* A user's ONNX model with our inputs stands in by its card. */
static void a_plugged_in_model_hears_the_same(void **state) {
    (void)state;
    tiny_model onnx =
        tiny_plug(ctx, &model,
                  "\"calm\", \"neutral\", \"angry\", \"boredom\", \"valence\", \"arousal\"", false,
                  ", \"input\": {\"step_s\": 0.02, \"trim_db\": 40}, \"validation\": {\"errors\": "
                  "{\"valence\": 0.4}}");
    size_t count, labels;
    float *x = make_sound(0.1, 1.3, &count);
    voice_network *n[2];
    voice_heard heard[2];
    assert_int_equal(voice_network_create(ctx, model.folder, &n[0]), AFFECT_OK);
    if (voice_network_create(ctx, onnx.folder, &n[1]) == AFFECT_ERROR_RUNTIME) {
        print_message("skipped: %s\n", affect_context_message(ctx));
        voice_network_destroy(n[0]);
        base_free(x);
        tiny_remove(&onnx);
        skip();
    }
    assert_non_null(n[1]);
    assert_string_equal(voice_network_labels(n[1], &labels)[1], "anger");
    assert_int_equal(labels, 3);
    for (int k = 0; k < 2; k++)
        assert_int_equal(voice_network_hear(ctx, n[k], x, count, NULL, 0, &heard[k]), AFFECT_OK);
    for (size_t i = 0; i < 3; i++)
        assert_true(fabsf(heard[0].posteriors[i] - heard[1].posteriors[i]) < 1e-5F);
    for (size_t v = 0; v < 2; v++)
        assert_true(fabsf(heard[0].value[v] - heard[1].value[v]) < 1e-5F);
    assert_true(heard[1].sd[0] == 0.4F && isnan(heard[1].value[2]));
    base_free(x);
    voice_network_destroy(n[0]);
    voice_network_destroy(n[1]);
    tiny_remove(&onnx);
}

/* A network that takes samples: its answer is the power of the sound times some weights. */
static void a_model_of_samples_plugs_in(void **state) {
    (void)state;
    static const char *const in[] = {"1", "samples"}, *const out[] = {"1", "4"};
    const float weights[] = {2, 0, 0.75F, 0.1F};
    tiny_model m = {"/tmp/affect-tiny-XXXXXX"};
    assert_non_null(mkdtemp(m.folder));
    char path[300], sum[65], card[1000];
    nn_onnx_graph g = {0};
    nn_onnx_constant(&g, "w", ONNX_FLOAT, (const size_t[]){1, 4}, 2, weights, sizeof weights);
    ONNX_NODE(&g, "Mul", "square", "wave", "wave");
    nn_onnx_node(&g, "ReduceMean", "power", ONNX_IN("square"),
                 (const nn_onnx_attribute[]){{.name = "axes", .values = {1}, .count = 1},
                                             {.name = "keepdims", .values = {1}}},
                 2);
    ONNX_NODE(&g, "MatMul", "logits", "power", "w");
    nn_onnx_port(&g, true, "wave", ONNX_FLOAT, in, 2);
    nn_onnx_port(&g, false, "logits", ONNX_FLOAT, out, 2);
    snprintf(path, sizeof path, "%s/weights.safetensors", m.folder);
    assert_int_equal(nn_onnx_file(ctx, &g, path), AFFECT_OK);
    tiny_sum(path, sum);
    snprintf(
        card, sizeof card,
        "{\"name\": \"samples\", \"version\": \"1\", \"task\": \"test\", \"licence\": \"MIT\", "
        "\"commercial\": true, \"training_data\": \"none\", \"labels\": [\"happy\", \"sad\", "
        "\"valence\", \"arousal\"], \"files\": [{\"name\": \"weights.safetensors\", \"sha256\": "
        "\"%s\"}], \"input\": {\"normalise\": true}, \"value_range\": [0, 1]}",
        sum);
    snprintf(path, sizeof path, "%s/card.json", m.folder);
    assert_int_equal(base_write_file(ctx, path, card, strlen(card)), AFFECT_OK);
    size_t count;
    float *x = make_sound(0, 1, &count);
    voice_network *n;
    voice_heard heard;
    if (voice_network_create(ctx, m.folder, &n) == AFFECT_ERROR_RUNTIME) {
        print_message("skipped: %s\n", affect_context_message(ctx));
        base_free(x);
        tiny_remove(&m);
        skip();
    }
    assert_non_null(n);
    assert_int_equal(voice_network_hear(ctx, n, x, count, NULL, 0, &heard), AFFECT_OK);
    /* normalised sound has the power 1; 0..1 is -1..1 here */
    assert_true(fabs((double)heard.posteriors[0] - exp(2) / (exp(2) + 1)) < 1e-3);
    assert_true(fabsf(heard.value[0] - .5F) < 1e-3F && fabsf(heard.value[1] + .8F) < 1e-3F);
    assert_int_equal(voice_network_hear(ctx, n, x, 100, NULL, 0, &heard), AFFECT_ERROR_ARGUMENT);
    base_free(x);
    voice_network_destroy(n);
    tiny_remove(&m);
}

/* `affect predict` reads the file with the trainer's code. */
static void the_trainer_hears_the_same(void **state) {
    (void)state;
    size_t count;
    float *x = make_sound(0.1, 2, &count);
    char path[200], command[600], line[2000] = "";
    snprintf(path, sizeof path, "%s/words.txt", model.folder); /* removed with the folder */
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    uint32_t bytes = (uint32_t)(count * 2),
             head[11] = {0x46464952, 36 + bytes, 0x45564157, 0x20746d66, 16,   0x00010001,
                         RATE,       RATE * 2,   0x00100002, 0x61746164, bytes};
    fwrite(head, 4, 11, file);
    for (size_t i = 0; i < count; i++) {
        int16_t v = (int16_t)lrint((double)x[i] * 20000);
        fwrite(&v, 2, 1, file);
        x[i] = (float)v / 32768;
    }
    fclose(file);
    snprintf(command, sizeof command, "%s predict --json %s %s", affect_path, model.folder, path);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    assert_non_null(fgets(line, sizeof line, pipe));
    assert_int_equal(pclose(pipe), 0);
    voice_network *n;
    voice_heard heard;
    assert_int_equal(voice_network_create(ctx, model.folder, &n), AFFECT_OK);
    assert_int_equal(voice_network_hear(ctx, n, x, count, NULL, 0, &heard), AFFECT_OK);
    const char *anger = strstr(line, "\"angry\": "), *valence = strstr(line, "\"valence\": ");
    assert_non_null(anger);
    assert_non_null(valence);
    assert_true(fabs(strtod(anger + 9, NULL) - (double)heard.posteriors[1]) < 2e-4);
    assert_true(fabs(strtod(valence + 11, NULL) - (double)heard.value[0]) < 2e-3);
    voice_network_destroy(n);
    base_free(x);
}

static affect_status load(void *user) {
    (void)user;
    voice_network *n = NULL;
    affect_status status = voice_network_create(ctx, model.folder, &n);
    assert_true((status == AFFECT_OK) == (n != NULL));
    voice_network_destroy(n);
    return status;
}

static void out_of_memory_is_an_error(void **state) {
    (void)state;
    assert_true(test_fail_each_allocation("loading", load, NULL) > 5);
}

int main(int count, char **arguments) {
    affect_path = count > 1 ? arguments[1] : "affect";
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_are_ours_where_they_mean_ours),
        cmocka_unit_test(a_short_utterance_gives_one_row_a_long_one_a_row_a_second),
        cmocka_unit_test(how_blocks_are_cut_changes_nothing),
        cmocka_unit_test(a_gap_ends_the_utterance),
        cmocka_unit_test(a_voice_becomes_its_own_measure),
        cmocka_unit_test(a_plugged_in_model_hears_the_same),
        cmocka_unit_test(a_model_of_samples_plugs_in),
        cmocka_unit_test(other_networks_are_refused),
        cmocka_unit_test(the_trainer_hears_the_same),
        cmocka_unit_test(out_of_memory_is_an_error),
    };
    return cmocka_run_group_tests_name("voice/speech_network", tests, set_up, tear_down);
}
