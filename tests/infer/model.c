/* Loading and running a model: a tiny ONNX graph, y = Relu(x + b), written here byte by byte, in a
 * model folder that the test makes; and every way in which it can be missing or damaged. */
#include <nettle/sha2.h>
#include <string.h>
#include <sys/stat.h>

#include "infer/infer.h"
#include "tests/test.h"

/* ---- the least of protobuf: fields of onnx.proto by number ---- */

static void put_varint(base_text *out, uint64_t value) {
    do {
        char byte = (char)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        base_text_append_n(out, &byte, 1);
    } while (value >>= 7);
}

static void put_int(base_text *out, unsigned field, uint64_t value) {
    put_varint(out, field << 3);
    put_varint(out, value);
}

static void put_bytes(base_text *out, unsigned field, const void *bytes, size_t n) {
    put_varint(out, field << 3 | 2);
    put_varint(out, n);
    base_text_append_n(out, bytes, n);
}

static void put_string(base_text *out, unsigned field, const char *text) {
    put_bytes(out, field, text, strlen(text));
}

static void put_message(base_text *out, unsigned field, base_text *message) {
    put_bytes(out, field, message->data ? message->data : "", message->length);
    base_text_destroy(message);
}

static void put_value_info(base_text *graph, unsigned field, const char *name) {
    base_text dimension = {0}, shape = {0}, tensor = {0}, type = {0}, info = {0};
    put_string(&dimension, 2, "n"); /* free */
    put_message(&shape, 1, &dimension);
    put_int(&dimension, 1, 3);
    put_message(&shape, 1, &dimension);
    put_int(&tensor, 1, 1); /* float */
    put_message(&tensor, 2, &shape);
    put_message(&type, 1, &tensor);
    put_string(&info, 1, name);
    put_message(&info, 2, &type);
    put_message(graph, field, &info);
}

static void put_node(base_text *graph, const char *op, const char *a, const char *b,
                     const char *out) {
    base_text node = {0};
    put_string(&node, 1, a);
    if (b) put_string(&node, 1, b);
    put_string(&node, 2, out);
    put_string(&node, 4, op);
    put_message(graph, 1, &node);
}

static base_text tiny_model(void) {
    base_text graph = {0}, weights = {0}, opset = {0}, model = {0};
    static const float bias[3] = {1, -2, 3};
    put_node(&graph, "Add", "x", "b", "s");
    put_node(&graph, "Relu", "s", NULL, "y");
    put_string(&graph, 2, "tiny");
    put_int(&weights, 1, 3);
    put_int(&weights, 2, 1);
    put_string(&weights, 8, "b");
    put_bytes(&weights, 9, bias, sizeof bias);
    put_message(&graph, 5, &weights);
    put_value_info(&graph, 11, "x");
    put_value_info(&graph, 12, "y");
    put_int(&model, 1, 7);
    put_message(&model, 7, &graph);
    put_int(&opset, 2, 12);
    put_message(&model, 8, &opset);
    return model;
}

/* ---- a folder for it ---- */

static affect_context *ctx;
static char folder[256];

static void write_file(const char *name, const void *data, size_t length) {
    char *path = base_path_join(folder, name);
    assert_int_equal(base_write_file(NULL, path, data, length), AFFECT_OK);
    base_free(path);
}

static void write_model(const char *card_sum_override) {
    base_text model = tiny_model();
    struct sha256_ctx sum;
    uint8_t digest[32];
    char hex[65], card[600];
    sha256_init(&sum);
    sha256_update(&sum, model.length, (const uint8_t *)model.data);
    sha256_digest(&sum, sizeof digest, digest);
    for (size_t i = 0; i < 32; i++) snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    snprintf(card, sizeof card,
             "{\"name\": \"tiny\", \"version\": \"1\", \"task\": \"test\", \"licence\": \"MIT\", "
             "\"training_data\": \"none\", \"commercial\": true, \"files\": [{\"name\": "
             "\"tiny.onnx\", \"sha256\": \"%s\"}]}",
             card_sum_override ? card_sum_override : hex);
    write_file("tiny.onnx", model.data, model.length);
    write_file("card.json", card, strlen(card));
    base_text_destroy(&model);
}

static int set_up(void **state) {
    (void)state;
    const char *temporary = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/affect-infer-XXXXXX", temporary ? temporary : P_tmpdir);
    if (!mkdtemp(folder)) return 1;
    return affect_context_create(&ctx) != AFFECT_OK;
}

static int tear_down(void **state) {
    (void)state;
    static const char *const names[] = {"tiny.onnx", "card.json"};
    for (size_t i = 0; i < BASE_COUNT(names); i++) {
        char *path = base_path_join(folder, names[i]);
        unlink(path);
        base_free(path);
    }
    rmdir(folder);
    affect_context_destroy(ctx);
    return 0;
}

static infer_model *load(int threads) {
    infer_model *model = NULL;
    affect_status status = infer_model_load(ctx, folder, threads, &model);
    if (status == AFFECT_ERROR_RUNTIME && !getenv("AFFECT_ORT")) {
        print_message("skipped: %s\n", affect_context_message(ctx));
        skip();
    }
    if (status) fail_msg("%s", affect_context_message(ctx));
    return model;
}

static void runs_and_describes(void **state) {
    (void)state;
    write_model(NULL);
    infer_model *model = load(1);
    assert_int_equal(infer_model_input_count(model), 1);
    assert_int_equal(infer_model_output_count(model), 1);
    infer_tensor in = infer_model_input(model, 0);
    assert_string_equal(in.name, "x");
    assert_int_equal(in.rank, 2);
    assert_int_equal(in.shape[0], -1);
    assert_int_equal(in.shape[1], 3);
    for (int rows = 1; rows <= 4; rows++) { /* the free dimension is free, run after run */
        float x[12];
        for (int i = 0; i < 12; i++) x[i] = (float)(i - 4) * 0.5f;
        infer_tensor input = {.type = INFER_F32, .rank = 2, .shape = {rows, 3}, .data = x};
        infer_tensor output = {.name = "y"};
        assert_int_equal(infer_model_run(ctx, model, &input, 1, &output, 1), AFFECT_OK);
        assert_int_equal(output.rank, 2);
        assert_int_equal(output.shape[0], rows);
        static const float bias[3] = {1, -2, 3};
        for (int i = 0; i < rows * 3; i++) {
            float want = x[i] + bias[i % 3];
            assert_float_equal(((float *)output.data)[i], want > 0 ? want : 0, 0);
        }
    }
    infer_model_destroy(model);
    infer_model_destroy(NULL);
}

static void wrong_shape_names_both(void **state) {
    (void)state;
    write_model(NULL);
    infer_model *model = load(2);
    float x[4] = {0};
    infer_tensor input = {.type = INFER_F32, .rank = 2, .shape = {1, 4}, .data = x};
    infer_tensor output = {0};
    assert_int_equal(infer_model_run(ctx, model, &input, 1, &output, 1), AFFECT_ERROR_SHAPE);
    assert_non_null(strstr(affect_context_message(ctx), "float32[?,3]"));
    assert_non_null(strstr(affect_context_message(ctx), "float32[1,4]"));
    input.shape[1] = 3;
    input.name = "z";
    assert_int_equal(infer_model_run(ctx, model, &input, 1, &output, 1), AFFECT_ERROR_SHAPE);
    input.name = NULL;
    input.type = INFER_I64;
    assert_int_equal(infer_model_run(ctx, model, &input, 1, &output, 1), AFFECT_ERROR_SHAPE);
    infer_model_destroy(model);
}

static void damage_is_told(void **state) {
    (void)state;
    infer_model *model = NULL;
    write_model("0000000000000000000000000000000000000000000000000000000000000000");
    assert_int_equal(infer_model_load(ctx, folder, 1, &model), AFFECT_ERROR_MODEL);
    assert_null(model);
    assert_non_null(strstr(affect_context_message(ctx), "damaged"));
    assert_non_null(strstr(affect_context_message(ctx), "make setup"));
    char *path = base_path_join(folder, "tiny.onnx");
    unlink(path);
    base_free(path);
    assert_int_equal(infer_model_load(ctx, folder, 1, &model), AFFECT_ERROR_MODEL);
    assert_non_null(strstr(affect_context_message(ctx), "is missing"));
}

static void garbage_with_the_right_sum_is_refused(void **state) {
    (void)state;
    infer_model_destroy(load((write_model(NULL), 1))); /* skips without a run time */
    write_file("tiny.onnx", "", 0);
    static const char card[] =
        "{\"name\": \"tiny\", \"version\": \"1\", \"task\": \"test\", \"licence\": \"MIT\", "
        "\"training_data\": \"none\", \"commercial\": true, \"files\": [{\"name\": \"tiny.onnx\", "
        "\"sha256\": \"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"}]}";
    write_file("card.json", card, strlen(card));
    infer_model *model = NULL;
    assert_int_equal(infer_model_load(ctx, folder, 1, &model), AFFECT_ERROR_MODEL);
    assert_null(model);
    assert_null(strchr(affect_context_message(ctx), '\n'));
}

static void a_missing_run_time_is_told(void **state) {
    (void)state;
    write_model(NULL);
    char *before = base_strdup(getenv("AFFECT_ORT"));
    infer_model *model = NULL;
    setenv("AFFECT_ORT", "/nonexistent/libonnxruntime.so", 1);
    affect_status missing = infer_model_load(ctx, folder, 1, &model);
    assert_non_null(strstr(affect_context_message(ctx), "make setup"));
    setenv("AFFECT_ORT", "/proc/self/exe", 1); /* a file, but no such library */
    affect_status wrong = infer_model_load(ctx, folder, 1, &model);
    if (before)
        setenv("AFFECT_ORT", before, 1);
    else
        unsetenv("AFFECT_ORT");
    base_free(before);
    assert_int_equal(missing, AFFECT_ERROR_RUNTIME);
    assert_int_equal(wrong, AFFECT_ERROR_RUNTIME);
}

static void out_of_memory_is_an_error(void **state) {
    (void)state;
    write_model(NULL);
    infer_model_destroy(load(1));
    for (long n = 1; n < 200; n++) {
        infer_model *model = NULL;
        base_alloc_fail_at(n);
        affect_status status = infer_model_load(ctx, folder, 1, &model);
        bool reached = base_alloc_count() >= n;
        base_alloc_fail_at(0);
        infer_model_destroy(model);
        if (!reached) {
            assert_int_equal(status, AFFECT_OK);
            assert_true(n > 20);
            return;
        }
        if (status) assert_null(model);
    }
    fail_msg("loading a model takes more than 200 allocations");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_and_describes),
        cmocka_unit_test(wrong_shape_names_both),
        cmocka_unit_test(damage_is_told),
        cmocka_unit_test(garbage_with_the_right_sum_is_refused),
        cmocka_unit_test(a_missing_run_time_is_told),
        cmocka_unit_test(out_of_memory_is_an_error),
    };
    return cmocka_run_group_tests_name("infer/model", tests, set_up, tear_down);
}
