/* Tiny untrained networks as model folders, to pin what stands between a stage and its network. */
#ifndef TESTS_NN_TINY_H
#define TESTS_NN_TINY_H

#include <nettle/sha2.h>
#include <string.h>
#include <sys/stat.h>

#include "nn/model.h"
#include "nn/onnx.h"
#include "nn/safetensors.h"
#include "tests/test.h"

typedef struct tiny_model {
    char folder[128];
} tiny_model;

static inline void tiny_sum(const char *path, char out[65]) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    struct sha256_ctx sum;
    uint8_t bytes[4096], digest[SHA256_DIGEST_SIZE];
    sha256_init(&sum);
    for (size_t n; (n = fread(bytes, 1, sizeof bytes, file)) > 0;) sha256_update(&sum, n, bytes);
    fclose(file);
    sha256_digest(&sum, sizeof digest, digest);
    for (size_t i = 0; i < sizeof digest; i++) snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

/* A model called `name` with these labels (as JSON strings, classes first); `words` is the text of
 * a vocabulary file or NULL, `more` further members of the card or "". */
static inline tiny_model tiny_make(affect_context *ctx, const char *name, nn_net_options options,
                                   size_t classes, bool several, const char *labels,
                                   const char *words, bool commercial, const char *more) {
    tiny_model m = {"/tmp/affect-tiny-XXXXXX"};
    assert_non_null(mkdtemp(m.folder));
    char path[300], sums[2][65] = {"", ""};
    nn_net *net;
    nn_writer *writer;
    assert_int_equal(nn_net_create(ctx, &options, 7, &net), AFFECT_OK);
    snprintf(path, sizeof path, "%s/weights.safetensors", m.folder);
    assert_int_equal(nn_writer_create(ctx, path, &writer), AFFECT_OK);
    nn_params_write(writer, nn_net_params(net), "", NULL, NN_F32, 0);
    assert_int_equal(nn_writer_commit(ctx, writer), AFFECT_OK);
    tiny_sum(path, sums[0]);
    snprintf(path, sizeof path, "%s/words.txt", m.folder);
    if (words) {
        assert_int_equal(base_write_file(ctx, path, words, strlen(words)), AFFECT_OK);
        tiny_sum(path, sums[1]);
    }
    base_text card = {0};
    base_text_printf(&card,
                     "{\"name\": \"%s\", \"version\": \"1\", \"task\": \"test\", \"licence\": "
                     "\"MIT\", \"commercial\": %s, \"training_data\": \"none\", \"labels\": [%s], "
                     "\"files\": [{\"name\": \"weights.safetensors\", \"sha256\": \"%s\"}",
                     name, commercial ? "true" : "false", labels, sums[0]);
    if (words) base_text_printf(&card, ", {\"name\": \"words.txt\", \"sha256\": \"%s\"}", sums[1]);
    base_text_append(&card, "], \"network\": ");
    nn_model_describe(&options, classes, several, &card);
    base_text_printf(&card, "%s}", more);
    snprintf(path, sizeof path, "%s/card.json", m.folder);
    assert_int_equal(base_write_file(ctx, path, card.data, card.length), AFFECT_OK);
    base_text_destroy(&card);
    nn_net_destroy(net);
    return m;
}

/* The same network as an ONNX file with a card of its own, as a user's model would be; `card` is
 * further members. */
static inline tiny_model tiny_plug(affect_context *ctx, const tiny_model *own, const char *labels,
                                   bool words, const char *card) {
    tiny_model m = {"/tmp/affect-tiny-XXXXXX"};
    assert_non_null(mkdtemp(m.folder));
    char path[300], from[300], sums[2][65];
    nn_model *model;
    base_text text = {0};
    assert_int_equal(nn_model_load(ctx, own->folder, &model), AFFECT_OK);
    snprintf(path, sizeof path, "%s/weights.safetensors", m.folder); /* a name that is removed */
    assert_int_equal(nn_onnx_write(ctx, nn_model_net(model), path), AFFECT_OK);
    nn_model_destroy(model);
    tiny_sum(path, sums[0]);
    base_text_printf(
        &text,
        "{\"name\": \"plugged\", \"version\": \"1\", \"task\": \"test\", \"licence\": "
        "\"MIT\", \"commercial\": true, \"training_data\": \"none\", \"labels\": [%s], "
        "\"files\": [{\"name\": \"weights.safetensors\", \"sha256\": \"%s\"}",
        labels, sums[0]);
    if (words) {
        char *bytes;
        size_t length;
        snprintf(from, sizeof from, "%s/words.txt", own->folder);
        snprintf(path, sizeof path, "%s/words.txt", m.folder);
        assert_int_equal(base_read_file(ctx, from, 0, &bytes, &length), AFFECT_OK);
        assert_int_equal(base_write_file(ctx, path, bytes, length), AFFECT_OK);
        base_free(bytes);
        tiny_sum(path, sums[1]);
        base_text_printf(&text, ", {\"name\": \"words.txt\", \"sha256\": \"%s\"}", sums[1]);
    }
    base_text_printf(&text, "]%s}", card);
    snprintf(path, sizeof path, "%s/card.json", m.folder);
    assert_int_equal(base_write_file(ctx, path, text.data, text.length), AFFECT_OK);
    base_text_destroy(&text);
    return m;
}

static inline void tiny_remove(const tiny_model *m) {
    static const char *const names[] = {"card.json", "weights.safetensors", "words.txt"};
    for (size_t i = 0; i < BASE_COUNT(names); i++) {
        char path[300];
        snprintf(path, sizeof path, "%s/%s", m->folder, names[i]);
        remove(path);
    }
    rmdir(m->folder);
}

#endif
