/* The converter against TF.js's own outputs (golden/, written by tfjs-golden.mjs) on whole models,
 * against plain loops on a small graph with quantised weights, and on broken graphs. */
#include <math.h>
#include <nettle/sha2.h>
#include <string.h>
#include <unistd.h>

#include "infer/infer.h"
#include "tests/test.h"
#include "tfjs2onnx/tfjs2onnx.h"

#define MODELS "node_modules/@vladmandic/human/models/"
enum { PATH_SIZE = 512 };

static affect_context *ctx;
static char folder[] = "/tmp/affect-tfjs-XXXXXX";

static int set_up(void **state) {
    (void)state;
    return !mkdtemp(folder) || affect_context_create(&ctx) != AFFECT_OK;
}

static int tear_down(void **state) {
    (void)state;
    affect_context_destroy(ctx);
    const char *names[] = {"card.json", "model.onnx", "model.json", "weights.bin"};
    for (size_t k = 0; k < BASE_COUNT(names); k++) {
        char path[PATH_SIZE];
        snprintf(path, sizeof path, "%s/%s", folder, names[k]);
        unlink(path);
    }
    rmdir(folder);
    return 0;
}

static const char *in_folder(const char *name) {
    static char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void write_text(const char *name, const void *data, size_t length) {
    assert_int_equal(base_write_file(ctx, in_folder(name), data, length), AFFECT_OK);
}

/* Loads folder/model.onnx as a model of its own; NULL where there is no ONNX Runtime. */
static infer_model *load_converted(void) {
    char *onnx, card[512], sum[2 * SHA256_DIGEST_SIZE + 1];
    size_t length;
    assert_int_equal(base_read_file(ctx, in_folder("model.onnx"), 0, &onnx, &length), AFFECT_OK);
    struct sha256_ctx hash;
    uint8_t digest[SHA256_DIGEST_SIZE];
    sha256_init(&hash);
    sha256_update(&hash, length, (const uint8_t *)onnx);
    sha256_digest(&hash, sizeof digest, digest);
    base_free(onnx);
    for (size_t k = 0; k < sizeof digest; k++) snprintf(sum + 2 * k, 3, "%02x", digest[k]);
    int n = snprintf(card, sizeof card,
                     "{\"name\": \"test\", \"version\": \"1\", \"task\": \"test\","
                     "\"licence\": \"MIT\", \"training_data\": \"none\", \"commercial\": true,"
                     "\"files\": [{\"name\": \"model.onnx\", \"sha256\": \"%s\"}]}",
                     sum);
    write_text("card.json", card, (size_t)n);
    infer_model *model = NULL;
    affect_status status = infer_model_load(ctx, folder, 1, &model);
    if (status == AFFECT_ERROR_RUNTIME) {
        print_message("skipped: %s\n", affect_context_message(ctx));
        skip();
    }
    if (status) fail_msg("%s", affect_context_message(ctx));
    return model;
}

/* The picture of tfjs-golden.mjs: the same arithmetic in the same order. */
static float *picture(int64_t height, int64_t width, int64_t channels, double low) {
    size_t count = (size_t)(height * width * channels);
    float *out = base_alloc(count * sizeof *out);
    assert_non_null(out);
    uint32_t random = 12345;
    for (size_t k = 0; k < count; k++) {
        random = random * 1664525U + 1013904223U;
        double row = (double)(k / (size_t)(width * channels));
        out[k] = (float)(low + (1 - low) * (random / 4294967296.0 + 3 * row / (double)height) / 4);
    }
    return out;
}

static void check_golden(const char *name, double low, double bound) {
    char json[PATH_SIZE], golden[PATH_SIZE];
    snprintf(json, sizeof json, MODELS "%s.json", name);
    snprintf(golden, sizeof golden, "tests/tools/golden/%s.f32", name);
    if (access(json, R_OK) != 0) {
        print_message("skipped: no %s: run \"make setup\"\n", json);
        skip();
    }
    if (tfjs_convert_file(ctx, json, in_folder("model.onnx")))
        fail_msg("%s", affect_context_message(ctx));
    infer_model *model = load_converted();
    infer_tensor in = infer_model_input(model, 0);
    assert_int_equal(in.rank, 4);
    in.shape[0] = 1;
    in.data = picture(in.shape[1], in.shape[2], in.shape[3], low);
    infer_tensor out[4];
    size_t outputs = infer_model_output_count(model), at = 0;
    assert_in_range(outputs, 1, 4);
    for (size_t k = 0; k < outputs; k++) out[k] = infer_model_output(model, k);
    if (infer_model_run(ctx, model, &in, 1, out, outputs))
        fail_msg("%s", affect_context_message(ctx));

    char *bytes;
    size_t length;
    assert_int_equal(base_read_file(ctx, golden, 0, &bytes, &length), AFFECT_OK);
    double worst = 0;
    for (size_t k = 0; k < outputs; k++) {
        size_t count = 1;
        for (size_t d = 0; d < out[k].rank; d++) count *= (size_t)out[k].shape[d];
        assert_true((at + count) * sizeof(float) <= length);
        for (size_t i = 0; i < count; i++, at++) {
            float expected;
            memcpy(&expected, bytes + at * sizeof expected, sizeof expected);
            worst = fmax(worst, fabs((double)(((float *)out[k].data)[i] - expected)));
        }
    }
    assert_int_equal(at * sizeof(float), length);
    print_message("%s: largest difference from TF.js %.2g (bound %.2g)\n", name, worst, bound);
    if (!(worst <= bound)) fail_msg("%s differs by %g", name, worst);
    base_free(bytes);
    base_free(in.data);
    infer_model_destroy(model);
}

/* Outputs of facemesh are pixels of a 192-pixel picture (up to 160 here), of iris of a 64-pixel
 * one. ONNX Runtime chooses its kernels, and with them the order of its sums, by the processor:
 * at 160 pixels a float's last place is 1.5e-5, and the largest difference is 7 of them with AVX2 and
 * 10 with AVX-512. A graph that was converted wrongly is off by pixels. */
static void facemesh_is_tfjs(void **state) {
    (void)state;
    check_golden("facemesh", 0, 16 * 1.52588e-5);
}
static void iris_is_tfjs(void **state) {
    (void)state;
    check_golden("iris", 0, 1.2e-4);
}
static void emotion_is_tfjs(void **state) {
    (void)state;
    check_golden("emotion", -1, 3e-7);
}
static void faceres_is_tfjs(void **state) {
    (void)state;
    check_golden("faceres", 0, 1e-6);
}
static void antispoof_is_tfjs(void **state) {
    (void)state;
    check_golden("antispoof", 0, 1e-6);
}
static void liveness_is_tfjs(void **state) {
    (void)state;
    check_golden("liveness", 0, 1e-6);
}

/* ---- a small graph ---- */

/* x [1,5,4,2] → Conv2D 3×3, 2→3, SAME, stride 2 (uint8 weights) → Relu6 → MaxPool 2×2 SAME stride 1
 * → Pad one channel → Concat with itself → Mean → MatMul 8→2 (float16 weights) → Softmax. */
static const char small_graph[] =
    "{\"signature\": {\"inputs\": {\"x:0\": {\"name\": \"x:0\"}},"
    "                 \"outputs\": {\"y\": {\"name\": \"soft:0\"}, \"map\": {\"name\": \"act\"}}},"
    "\"modelTopology\": {\"node\": ["
    "{\"name\": \"x\", \"op\": \"Placeholder\", \"attr\": {\"shape\": {\"shape\": {\"dim\": ["
    "  {\"size\": \"-1\"}, {\"size\": \"5\"}, {\"size\": \"4\"}, {\"size\": \"2\"}]}}}},"
    "{\"name\": \"w\", \"op\": \"Const\"}, {\"name\": \"v\", \"op\": \"Const\"},"
    "{\"name\": \"pads\", \"op\": \"Const\"}, {\"name\": \"axis\", \"op\": \"Const\"},"
    "{\"name\": \"axes\", \"op\": \"Const\"},"
    "{\"name\": \"soft\", \"op\": \"Softmax\", \"input\": [\"mat\"]},"
    "{\"name\": \"conv\", \"op\": \"Conv2D\", \"input\": [\"x\", \"w\"], \"attr\": {"
    "  \"padding\": {\"s\": \"U0FNRQ==\"}, \"data_format\": {\"s\": \"TkhXQw==\"},"
    "  \"strides\": {\"list\": {\"i\": [\"1\", \"2\", \"2\", \"1\"]}}}},"
    "{\"name\": \"act\", \"op\": \"Relu6\", \"input\": [\"conv\"]},"
    "{\"name\": \"pool\", \"op\": \"MaxPool\", \"input\": [\"act\"], \"attr\": {"
    "  \"padding\": {\"s\": \"U0FNRQ==\"}, \"ksize\": {\"list\": {\"i\": [1, 2, 2, 1]}},"
    "  \"strides\": {\"list\": {\"i\": [1, 1, 1, 1]}}}},"
    "{\"name\": \"pad\", \"op\": \"Pad\", \"input\": [\"pool\", \"pads\"]},"
    "{\"name\": \"cat\", \"op\": \"ConcatV2\", \"input\": [\"pad\", \"pad\", \"axis\"]},"
    "{\"name\": \"mean\", \"op\": \"Mean\", \"input\": [\"cat\", \"axes\"]},"
    "{\"name\": \"mat\", \"op\": \"MatMul\", \"input\": [\"mean\", \"v\"]}]},"
    "\"weightsManifest\": [{\"paths\": [\"weights.bin\"], \"weights\": ["
    "{\"name\": \"w\", \"shape\": [3, 3, 2, 3], \"dtype\": \"float32\", \"quantization\": "
    "  {\"dtype\": \"uint8\", \"scale\": 0.03125, \"min\": -2}},"
    "{\"name\": \"v\", \"shape\": [8, 2], \"dtype\": \"float32\", \"quantization\": "
    "  {\"dtype\": \"float16\"}},"
    "{\"name\": \"pads\", \"shape\": [4, 2], \"dtype\": \"int32\"},"
    "{\"name\": \"axis\", \"shape\": [], \"dtype\": \"int32\"},"
    "{\"name\": \"axes\", \"shape\": [2], \"dtype\": \"int32\"}]}]}";

enum { SMALL_WEIGHTS = 54 + 32 + 11 * 4 };

static void small_weights(uint8_t out[SMALL_WEIGHTS]) {
    for (int k = 0; k < 54; k++) out[k] = (uint8_t)(k * 37 % 128);
    /* binary16 of 1, -2, 0.5, the largest, the smallest subnormal, ... */
    static const uint16_t halves[8] = {0x3c00, 0xc000, 0x3800, 0x4248,
                                       0x0001, 0x8000, 0x3555, 0xb266};
    for (int k = 0; k < 16; k++) memcpy(out + 54 + 2 * k, &halves[k % 8], 2);
    const int32_t whole[11] = {0, 0, 0, 0, 0, 0, 0, 1, /* axis */ -1, /* axes */ 1, 2};
    memcpy(out + 54 + 32, whole, sizeof whole);
}

/* The same in plain loops over NHWC, as TensorFlow defines the operations. */
static void small_reference(const float *x, double map[3][2][3], double y[2]) {
    static const double v[8] = {
        1, -2, 0.5, 3.140625, 5.9604644775390625e-08, 0, 0.333251953125, -0.199951171875};
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 2; j++)
            for (int o = 0; o < 3; o++) {
                double sum = 0;
                /* SAME, stride 2: 5 rows need 2 of padding (1 above), 4 columns 1 (0 before). */
                for (int a = 0; a < 3; a++)
                    for (int b = 0; b < 3; b++)
                        for (int c = 0; c < 2; c++) {
                            int row = 2 * i + a - 1, column = 2 * j + b;
                            if (row < 0 || row > 4 || column > 3) continue;
                            int k = ((a * 3 + b) * 2 + c) * 3 + o;
                            sum += (k * 37 % 128 * 0.03125 - 2) *
                                   (double)x[(row * 4 + column) * 2 + c];
                        }
                map[i][j][o] = fmin(fmax(sum, 0), 6);
            }
    double means[8] = {0}; /* three channels and a padded one, twice */
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 2; j++)
            for (int o = 0; o < 3; o++) {
                double top = -INFINITY;
                for (int a = i; a <= i + 1 && a < 3; a++)
                    for (int b = j; b <= j + 1 && b < 2; b++) top = fmax(top, map[a][b][o]);
                means[o] += top / 6;
                means[4 + o] += top / 6;
            }
    double score[2] = {0};
    for (int k = 0; k < 8; k++)
        for (int o = 0; o < 2; o++) score[o] += means[k] * v[(2 * k + o) % 8];
    double norm = exp(score[0]) + exp(score[1]);
    y[0] = exp(score[0]) / norm;
    y[1] = exp(score[1]) / norm;
}

static void write_small(void) {
    uint8_t weights[SMALL_WEIGHTS];
    small_weights(weights);
    write_text("weights.bin", weights, sizeof weights);
    write_text("model.json", small_graph, sizeof small_graph - 1);
}

static void small_graph_is_its_definition(void **state) {
    (void)state;
    write_small();
    char json[PATH_SIZE];
    snprintf(json, sizeof json, "%s", in_folder("model.json"));
    if (tfjs_convert_file(ctx, json, in_folder("model.onnx")))
        fail_msg("%s", affect_context_message(ctx));
    infer_model *model = load_converted();
    infer_tensor in = infer_model_input(model, 0),
                 out[2] = {infer_model_output(model, 0), infer_model_output(model, 1)};
    assert_string_equal(in.name, "x");
    assert_string_equal(out[0].name, "y");
    assert_string_equal(out[1].name, "map");
    in.shape[0] = 1;
    float *x = picture(5, 4, 2, 0);
    in.data = x;
    if (infer_model_run(ctx, model, &in, 1, out, 2)) fail_msg("%s", affect_context_message(ctx));
    double map[3][2][3], y[2];
    small_reference(x, map, y);
    for (int o = 0; o < 2; o++) assert_true(fabs((double)((float *)out[0].data)[o] - y[o]) < 1e-6);
    const int64_t nhwc[4] = {1, 3, 2, 3};
    assert_int_equal(out[1].rank, 4);
    for (int d = 0; d < 4; d++) assert_int_equal(out[1].shape[d], nhwc[d]);
    bool varied = false;
    for (int k = 0; k < 18; k++) {
        double expected = (&map[0][0][0])[k];
        assert_true(fabs((double)((float *)out[1].data)[k] - expected) < 1e-5);
        varied = varied || (expected > 0 && expected < 6);
    }
    assert_true(varied);
    base_free(x);
    infer_model_destroy(model);
}

/* ---- broken input ---- */

static affect_status convert_text(const char *text, uint8_t **bytes) {
    write_text("model.json", text, strlen(text));
    tfjs_model model;
    size_t length = 0;
    *bytes = NULL;
    affect_status status = tfjs_model_read(ctx, in_folder("model.json"), &model);
    if (!status) status = tfjs_to_onnx(ctx, &model, "test", bytes, &length);
    tfjs_model_destroy(&model);
    return status;
}

/* The small graph with the first occurrence of a text replaced. */
static char *small_with(const char *from, const char *to) {
    const char *at = strstr(small_graph, from);
    assert_non_null(at);
    base_text text = {0};
    base_text_append_n(&text, small_graph, (size_t)(at - small_graph));
    base_text_append(&text, to);
    base_text_append(&text, at + strlen(from));
    assert_false(text.failed);
    return text.data;
}

static void refuses_and_says_why(void **state) {
    (void)state;
    static const struct {
        const char *from, *to, *says;
    } cases[] = {
        {"{\"signature\"", "{{", "not valid JSON"},
        {"\"signature\"", "\"other\"", "no signature"},
        {"\"outputs\"", "\"other\"", "no output"},
        {"[3, 3, 2, 3]", "[3, 3, 2, 300]", "larger than its file"},
        {"[3, 3, 2, 3]", "[3, 3, 2, 4]", "too short"},
        {"[3, 3, 2, 3]", "[9000000000, 9000000000, 9000000000]", "larger than its file"},
        {"[3, 3, 2, 3]", "[-3]", "larger than its file"},
        {"\"uint8\"", "\"int4\"", "unknown type"},
        {"weights.bin", "../weights.bin", "not a name"},
        {"weights.bin", "absent.bin", "absent.bin"},
        {"\"Relu6\"", "\"Frobnicate\"", "Frobnicate"},
        {"\"input\": [\"conv\"]", "\"input\": [\"pool\"]", "circle"},
        {"\"input\": [\"conv\"]", "\"input\": [\"nobody\"]", "names no node"},
        {"U0FNRQ==", "RVhQTElDSVQ=", "explicit padding"},
        {"\"1\", \"2\", \"2\", \"1\"", "\"2\", \"2\", \"2\", \"1\"", "strides over batch"},
        {"[\"x\", \"w\"]", "[\"x\", \"x\"]", "constant 4-D kernel"},
        {"\"soft:0\"", "\"w\"", "a constant cannot be an output"},
        {"TkhXQw==", "TkNIVw==", "only NHWC"},
    };
    uint8_t weights[SMALL_WEIGHTS], *bytes;
    small_weights(weights);
    write_text("weights.bin", weights, sizeof weights);
    for (size_t k = 0; k < BASE_COUNT(cases); k++) {
        char *text = small_with(cases[k].from, cases[k].to);
        assert_int_not_equal(convert_text(text, &bytes), AFFECT_OK);
        assert_null(bytes);
        if (!strstr(affect_context_message(ctx), cases[k].says))
            fail_msg("case %zu: \"%s\" does not say \"%s\"", k, affect_context_message(ctx),
                     cases[k].says);
        base_free(text);
    }
}

static void survives_every_failed_allocation(void **state) {
    (void)state;
    write_small();
    uint8_t *bytes = NULL;
    affect_status status = AFFECT_ERROR_MEMORY;
    long n = 0;
    while (status != AFFECT_OK) {
        assert_true(++n < 1000);
        tfjs_model model;
        size_t length = 0;
        base_alloc_fail_at(n);
        status = tfjs_model_read(ctx, in_folder("model.json"), &model);
        if (!status) status = tfjs_to_onnx(ctx, &model, "test", &bytes, &length);
        base_alloc_fail_at(0);
        tfjs_model_destroy(&model);
        if (status) assert_int_equal(status, AFFECT_ERROR_MEMORY);
    }
    assert_true(n > 5);
    base_free(bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(facemesh_is_tfjs),
        cmocka_unit_test(iris_is_tfjs),
        cmocka_unit_test(emotion_is_tfjs),
        cmocka_unit_test(faceres_is_tfjs),
        cmocka_unit_test(antispoof_is_tfjs),
        cmocka_unit_test(liveness_is_tfjs),
        cmocka_unit_test(small_graph_is_its_definition),
        cmocka_unit_test(refuses_and_says_why),
        cmocka_unit_test(survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
