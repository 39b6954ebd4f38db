/* Out of memory is an error like others: each allocation fails in turn while a model is read, an adapter is made and a
 * few tokens run. */
#include "tests/test.h"

#include <string.h>

#include "nn/decoder.h"
#include "nn/vocabulary.h"

static affect_status run(affect_context *ctx, const void *bytes, size_t size) {
    nn_gguf *file = NULL;
    nn_decoder *decoder = NULL;
    nn_lora *lora = NULL;
    nn_params *params = NULL;
    nn_session *session = NULL;
    const int32_t tokens[] = {1, 2, -1, 3};
    float logits[8];
    affect_status status = nn_gguf_read(ctx, bytes, size, NN_GGUF_MODEL, &file);
    if (!status) status = nn_decoder_create(ctx, file, &decoder);
    if (!status) assert_true(nn_decoder_get_shape(decoder)->vocabulary == BASE_COUNT(logits));
    if (!status) status = nn_params_create(ctx, 1, &params);
    if (!status) status = nn_lora_new(ctx, decoder, params, 2, 4, 0x7f, &lora);
    if (!status) status = nn_session_create(ctx, decoder, lora, params, 8, &session);
    if (!status) status = nn_session_feed(session, tokens, 4, NULL, 0, false, logits);
    nn_session_destroy(session);
    nn_lora_destroy(lora);
    nn_params_destroy(params);
    nn_decoder_destroy(decoder);
    nn_gguf_close(file);
    return status;
}

static void each_allocation(void **state) {
    (void)state;
    affect_context *ctx = NULL;
    char *bytes = NULL;
    size_t size = 0;
    long failed = 0;
    assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
    assert_int_equal(base_read_file(ctx, "tests/fuzz/corpus/gguf/model-qwen3", 0, &bytes, &size),
                     AFFECT_OK);
    for (affect_status status = AFFECT_ERROR_MEMORY; status; failed++) {
        base_alloc_fail_at(failed + 1);
        status = run(ctx, bytes, size);
        base_alloc_fail_at(0);
        if (status) assert_int_equal(status, AFFECT_ERROR_MEMORY);
    }
    assert_true(failed > 20);
    base_free(bytes);
    affect_context_destroy(ctx);
}

static affect_status spell(affect_context *ctx) {
    static const int32_t merges[][2] = {{'a', 'b'}, {256, 'c'}};
    static const char *const marks[] = {"<m>"};
    static const char text[] = "abc<m>ab";
    nn_vocabulary *v = NULL;
    int32_t *tokens = NULL;
    size_t count = 0, capacity = 0;
    affect_status status = nn_vocabulary_make(ctx, merges, BASE_COUNT(merges), marks, 1, &v);
    if (!status)
        status =
            nn_vocabulary_read(ctx, v, text, sizeof text - 1, true, &tokens, &count, &capacity);
    if (!status) {
        assert_int_equal(count, 3);
        assert_int_equal(tokens[0], 257);
        assert_int_equal(tokens[1], nn_vocabulary_mark(v, "<m>"));
        assert_int_equal(tokens[2], 256);
    }
    base_free(tokens);
    nn_vocabulary_destroy(v);
    return status;
}

static void each_allocation_of_a_vocabulary(void **state) {
    (void)state;
    affect_context *ctx = NULL;
    long failed = 0;
    assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
    for (affect_status status = AFFECT_ERROR_MEMORY; status; failed++) {
        base_alloc_fail_at(failed + 1);
        status = spell(ctx);
        base_alloc_fail_at(0);
        if (status) assert_int_equal(status, AFFECT_ERROR_MEMORY);
    }
    assert_true(failed > 8);
    affect_context_destroy(ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_allocation),
                                       cmocka_unit_test(each_allocation_of_a_vocabulary)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
