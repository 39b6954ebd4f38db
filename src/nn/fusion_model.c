/* Cards to fusion networks and back. */
#include "nn/fusion_model.h"

#include <jansson.h>
#include <string.h>

#include "nn/safetensors.h"

/* Whole numbers and others of the options, by their names in the card. */
static const struct {
    const char *name;
    size_t at;
} counts[] = {{"streams", offsetof(nn_fusion_options, streams)},
              {"width", offsetof(nn_fusion_options, width)},
              {"path", offsetof(nn_fusion_options, path)},
              {"heads", offsetof(nn_fusion_options, heads)},
              {"context", offsetof(nn_fusion_options, context)},
              {"classes", offsetof(nn_fusion_options, classes)},
              {"values", offsetof(nn_fusion_options, values)}},
  numbers[] = {{"reach", offsetof(nn_fusion_options, reach)},
               {"steep", offsetof(nn_fusion_options, steep)}},
  flags[] = {{"nearest", offsetof(nn_fusion_options, nearest)},
             {"attached", offsetof(nn_fusion_options, attached)},
             {"apart", offsetof(nn_fusion_options, apart)},
             {"based", offsetof(nn_fusion_options, based)}};

/* A member of the options by its place. */
static void *member(nn_fusion_options *o, size_t at) { return (char *)o + at; }
static const void *const_member(const nn_fusion_options *o, size_t at) {
    return (const char *)o + at;
}

void nn_fusion_describe(const nn_fusion_options *o, base_text *out) {
    base_text_append(out, "{\"kind\": \"fusion\"");
    for (size_t i = 0; i < BASE_COUNT(counts); i++)
        base_text_printf(out, ", \"%s\": %zu", counts[i].name,
                         *(const size_t *)const_member(o, counts[i].at));
    base_text_append(out, ", \"inputs\": [");
    for (size_t m = 0; m < o->streams; m++)
        base_text_printf(out, "%s%zu", m ? ", " : "", o->inputs[m]);
    base_text_append(out, "]");
    for (size_t i = 0; i < BASE_COUNT(numbers); i++)
        base_text_printf(out, ", \"%s\": %.9g", numbers[i].name,
                         *(const double *)const_member(o, numbers[i].at));
    for (size_t i = 0; i < BASE_COUNT(flags); i++)
        base_text_printf(out, ", \"%s\": %s", flags[i].name,
                         *(const bool *)const_member(o, flags[i].at) ? "true" : "false");
    base_text_append(out, "}");
}

static affect_status bad(affect_context *ctx, const model_card *card, const char *field,
                         const char *expected) {
    return base_fail(ctx, AFFECT_ERROR_MODEL, "%s/card.json: '%s': expected %s", card->folder,
                     field, expected);
}

static affect_status read_options(affect_context *ctx, const model_card *card,
                                  nn_fusion_options *o) {
    json_t *root = json_loads(card->json, 0, NULL);
    const json_t *network = json_object_get(root, "network"),
                 *inputs = json_object_get(network, "inputs");
    const char *kind = json_string_value(json_object_get(network, "kind"));
    affect_status status = AFFECT_OK;
    if (!kind || strcmp(kind, "fusion") != 0) status = bad(ctx, card, "network.kind", "\"fusion\"");
    for (size_t i = 0; i < BASE_COUNT(counts) && status == AFFECT_OK; i++) {
        json_int_t n = json_integer_value(json_object_get(network, counts[i].name));
        if (n < 0 || n > 4096)
            status = bad(ctx, card, "network", "whole numbers from 0 to 4096");
        else
            *(size_t *)member(o, counts[i].at) = (size_t)n;
    }
    if (status == AFFECT_OK &&
        (o->streams > NN_FUSION_STREAMS || json_array_size(inputs) != o->streams))
        status = bad(ctx, card, "network.inputs", "the width of each stream, up to six");
    for (size_t m = 0; status == AFFECT_OK && m < o->streams; m++) {
        json_int_t n = json_integer_value(json_array_get(inputs, m));
        o->inputs[m] = n > 0 && n <= 4096 ? (size_t)n : 0; /* nn_fusion_create refuses 0 */
    }
    for (size_t i = 0; i < BASE_COUNT(numbers); i++)
        *(double *)member(o, numbers[i].at) =
            json_number_value(json_object_get(network, numbers[i].name));
    for (size_t i = 0; i < BASE_COUNT(flags); i++)
        *(bool *)member(o, flags[i].at) = json_is_true(json_object_get(network, flags[i].name));
    json_decref(root);
    return status;
}

affect_status nn_fusion_load(affect_context *ctx, const model_card *card, nn_fusion **out) {
    nn_fusion_options o = {0};
    nn_fusion *net = NULL;
    nn_file *file = NULL;
    char *path = model_card_path(card, card->files[0].name);
    *out = NULL;
    affect_status status = path ? read_options(ctx, card, &o) : base_fail_memory(ctx);
    if (status == AFFECT_OK) status = nn_fusion_create(ctx, &o, NN_UNSEEDED, &net);
    if (status == AFFECT_OK) status = nn_file_open(ctx, path, &file);
    if (status == AFFECT_OK)
        status = nn_params_read(ctx, file, nn_fusion_params(net), "", nn_fusion_params(net)->value);
    nn_file_close(file);
    base_free(path);
    if (status != AFFECT_OK && status != AFFECT_ERROR_MEMORY && status != AFFECT_ERROR_MODEL) {
        char why[512]; /* to the caller it is the model's */
        snprintf(why, sizeof why, "%s", affect_context_message(ctx));
        status = base_fail(ctx, AFFECT_ERROR_MODEL, "model %s: %s", card->name, why);
    }
    if (status != AFFECT_OK) {
        nn_fusion_destroy(net);
        return status;
    }
    *out = net;
    return AFFECT_OK;
}
