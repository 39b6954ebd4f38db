/* Reads a TF.js graph model. Format: TensorFlow's GraphDef as JSON (attributes' byte strings in
 * base64, 64-bit integers as strings) beside a manifest of weights, whose shards are concatenated
 * and cut at the size of each tensor; quantised tensors are value * scale + min, or float16. */
#include <math.h>
#include <string.h>

#include "tfjs2onnx/tfjs2onnx.h"

enum { MAX_ITEMS = 100000 };

static affect_status broken(affect_context *ctx, const char *path, const char *what) {
    return base_fail(ctx, AFFECT_ERROR_MODEL, "%s: not a TF.js graph model: %s", path, what);
}

/* Copy of text up to ":0", the number of a node's output. Only first outputs occur in such graphs.
 */
static const char *bare_name(base_arena *arena, const char *text) {
    size_t length = strlen(text);
    if (length > 2 && strcmp(text + length - 2, ":0") == 0) length -= 2;
    char *copy = base_arena_alloc(arena, length + 1);
    if (copy) snprintf(copy, length + 1, "%s", text);
    return copy;
}

static int base64_digit(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static bool base64_text(const char *text, char out[32]) {
    size_t n = 0;
    unsigned bits = 0, held = 0;
    for (; *text && *text != '='; text++) {
        int digit = base64_digit(*text);
        if (digit < 0) return false;
        bits = (bits << 6 | (unsigned)digit) & 0xffffU;
        held += 6;
        if (held < 8) continue;
        held -= 8;
        if (n == 31) return false;
        out[n++] = (char)(bits >> held & 0xff);
    }
    out[n] = '\0';
    return true;
}

static const json_t *attribute(const tfjs_node *node, const char *name) {
    return json_object_get(node->attributes, name);
}

bool tfjs_bool(const tfjs_node *node, const char *name, bool fallback) {
    const json_t *b = json_object_get(attribute(node, name), "b");
    return json_is_boolean(b) ? json_is_true(b) : fallback;
}

size_t tfjs_ints(const tfjs_node *node, const char *name, int64_t *out, size_t limit) {
    const json_t *list = json_object_get(json_object_get(attribute(node, name), "list"), "i");
    size_t n = json_array_size(list);
    for (size_t k = 0; k < n && k < limit; k++) {
        const json_t *item = json_array_get(list, k);
        out[k] = 0;
        if (json_is_integer(item))
            out[k] = json_integer_value(item);
        else if (!json_is_string(item) ||
                 !base_parse_int64(json_string_value(item), json_string_length(item), &out[k]))
            return 0;
    }
    return n;
}

bool tfjs_string(const tfjs_node *node, const char *name, size_t k, char out[32]) {
    const json_t *value = attribute(node, name);
    const json_t *s = json_object_get(value, "s");
    if (!s || k > 0) s = json_array_get(json_object_get(json_object_get(value, "list"), "s"), k);
    return json_is_string(s) && base64_text(json_string_value(s), out);
}

/* IEEE 754 binary16 to binary32. */
static float from_half(uint16_t half) {
    int exponent = half >> 10 & 31, fraction = half & 1023;
    float magnitude = exponent == 31 ? (fraction ? NAN : INFINITY)
                      : exponent     ? ldexpf((float)(fraction + 1024), exponent - 25)
                                     : ldexpf((float)fraction, -24);
    return half >> 15 ? -magnitude : magnitude;
}

typedef struct shards {
    uint8_t *data;
    size_t length, at;
} shards;

static size_t width_of(const char *type) {
    return strcmp(type, "uint8") == 0                                    ? 1
           : strcmp(type, "uint16") == 0 || strcmp(type, "float16") == 0 ? 2
           : strcmp(type, "float32") == 0 || strcmp(type, "int32") == 0  ? 4
                                                                         : 0;
}

static double stored_value(const uint8_t *at, const char *type) {
    if (type[0] == 'u' && type[4] == '8') return *at;
    uint16_t two;
    memcpy(&two, at, 2);
    if (type[0] == 'u') return two;
    if (strcmp(type, "float16") == 0) return (double)from_half(two);
    if (type[0] == 'i') {
        int32_t whole;
        memcpy(&whole, at, 4);
        return whole;
    }
    float real;
    memcpy(&real, at, 4);
    return (double)real;
}

static affect_status read_tensor(affect_context *ctx, const char *path, tfjs_model *model,
                                 const json_t *entry, shards *source, tfjs_tensor *out) {
    const char *name = json_string_value(json_object_get(entry, "name"));
    const char *type = json_string_value(json_object_get(entry, "dtype"));
    const json_t *shape = json_object_get(entry, "shape");
    const json_t *quantisation = json_object_get(entry, "quantization");
    if (!name || !type || !json_is_array(shape)) return broken(ctx, path, "a weight lacks a field");
    const bool whole = strcmp(type, "int32") == 0;
    const char *stored =
        quantisation ? json_string_value(json_object_get(quantisation, "dtype")) : type;
    const size_t width = stored ? width_of(stored) : 0;
    if (!width || (!whole && strcmp(type, "float32") != 0))
        return broken(ctx, path, "a weight has an unknown type");
    out->rank = json_array_size(shape);
    if (out->rank > TFJS_MAX_RANK) return broken(ctx, path, "a weight has too many dimensions");
    out->count = 1;
    for (size_t k = 0; k < out->rank; k++) {
        json_int_t d = json_integer_value(json_array_get(shape, k));
        if (d < 0 || (d > 0 && out->count > source->length / (size_t)d + 1))
            return broken(ctx, path, "a weight is larger than its file");
        out->dims[k] = d;
        out->count *= (size_t)d;
    }
    if (out->count > (source->length - source->at) / width)
        return broken(ctx, path, "the weights' file is too short");

    double scale = 1, low = 0;
    const bool affine = quantisation && stored[0] == 'u';
    if (affine) {
        scale = json_number_value(json_object_get(quantisation, "scale"));
        low = json_number_value(json_object_get(quantisation, "min"));
    }
    out->name = bare_name(&model->arena, name);
    if (whole)
        out->i = base_arena_alloc(&model->arena, out->count * sizeof *out->i);
    else
        out->f = base_arena_alloc(&model->arena, out->count * sizeof *out->f);
    if (!out->name || (!out->i && !out->f)) return base_fail_memory(ctx);
    for (size_t k = 0; k < out->count; k++, source->at += width) {
        double value = stored_value(source->data + source->at, stored) * scale + low;
        if (whole)
            out->i[k] = value > -9e15 && value < 9e15 ? llround(value) : 0;
        else
            out->f[k] = (float)value;
    }
    return AFFECT_OK;
}

/* Appends the shards of one group of the manifest; a shard must lie in the folder of the JSON. */
static affect_status read_shards(affect_context *ctx, const char *path, const json_t *paths,
                                 shards *out) {
    const char *slash = strrchr(path, '/');
    size_t k;
    json_t *item;
    json_array_foreach(paths, k, item) {
        const char *name = json_string_value(item);
        if (!name || strchr(name, '/')) return broken(ctx, path, "a shard's name is not a name");
        char *folder = base_strndup(path, slash ? (size_t)(slash - path) : 0);
        char *file = folder ? (slash ? base_path_join(folder, name) : base_strdup(name)) : NULL;
        base_free(folder);
        if (!file) return base_fail_memory(ctx);
        char *data = NULL;
        size_t length = 0;
        affect_status status = base_read_file(ctx, file, 0, &data, &length);
        base_free(file);
        if (status) return status;
        uint8_t *grown = base_realloc(out->data, out->length + length + 1);
        if (grown) {
            memcpy(grown + out->length, data, length);
            out->data = grown;
            out->length += length;
        }
        base_free(data);
        if (!grown) return base_fail_memory(ctx);
    }
    return AFFECT_OK;
}

static affect_status read_weights(affect_context *ctx, const char *path, tfjs_model *model) {
    const json_t *manifest = json_object_get(model->root, "weightsManifest");
    if (!json_is_array(manifest)) return broken(ctx, path, "no weightsManifest");
    size_t total = 0, g;
    json_t *group;
    json_array_foreach(manifest, g, group) total +=
        json_array_size(json_object_get(group, "weights"));
    if (total > MAX_ITEMS) return broken(ctx, path, "too many weights");
    model->tensors = base_arena_alloc(&model->arena, total * sizeof *model->tensors);
    if (!model->tensors) return base_fail_memory(ctx);
    json_array_foreach(manifest, g, group) {
        shards source = {0};
        affect_status status = read_shards(ctx, path, json_object_get(group, "paths"), &source);
        size_t k;
        json_t *entry;
        json_array_foreach(json_object_get(group, "weights"), k, entry) {
            if (status) break;
            status = read_tensor(ctx, path, model, entry, &source,
                                 &model->tensors[model->tensor_count++]);
        }
        base_free(source.data);
        if (status) return status;
    }
    return AFFECT_OK;
}

static affect_status read_nodes(affect_context *ctx, const char *path, tfjs_model *model) {
    const json_t *list = json_object_get(json_object_get(model->root, "modelTopology"), "node");
    size_t count = json_array_size(list), k;
    if (count == 0 || count > MAX_ITEMS) return broken(ctx, path, "no nodes, or too many");
    model->nodes = base_arena_alloc(&model->arena, count * sizeof *model->nodes);
    if (!model->nodes) return base_fail_memory(ctx);
    json_t *item;
    json_array_foreach(list, k, item) {
        tfjs_node *node = &model->nodes[model->node_count++];
        const json_t *inputs = json_object_get(item, "input");
        node->name = json_string_value(json_object_get(item, "name"));
        node->op = json_string_value(json_object_get(item, "op"));
        node->attributes = json_object_get(item, "attr");
        node->input_count = json_array_size(inputs);
        if (!node->name || !node->op) return broken(ctx, path, "a node lacks its name or op");
        node->inputs =
            base_arena_alloc(&model->arena, (node->input_count + 1) * sizeof *node->inputs);
        if (!node->inputs) return base_fail_memory(ctx);
        for (size_t j = 0; j < node->input_count; j++) {
            const char *name = json_string_value(json_array_get(inputs, j));
            if (!name) return broken(ctx, path, "a node's input is not a name");
            node->inputs[j] = bare_name(&model->arena, name);
            if (!node->inputs[j]) return base_fail_memory(ctx);
        }
    }
    return AFFECT_OK;
}

static affect_status read_ports(affect_context *ctx, tfjs_model *model, json_t *object,
                                tfjs_port **out, size_t *count) {
    *out = base_arena_alloc(&model->arena, (json_object_size(object) + 1) * sizeof **out);
    if (!*out) return base_fail_memory(ctx);
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value) {
        const char *node = json_string_value(json_object_get(value, "name"));
        tfjs_port *port = &(*out)[(*count)++];
        port->name = bare_name(&model->arena, key);
        port->node = bare_name(&model->arena, node ? node : key);
        if (!port->name || !port->node) return base_fail_memory(ctx);
    }
    return AFFECT_OK;
}

affect_status tfjs_model_read(affect_context *ctx, const char *path, tfjs_model *out) {
    *out = (tfjs_model){0};
    base_arena_init(&out->arena, 1 << 20);
    char *text = NULL;
    size_t length = 0;
    affect_status status = base_read_file(ctx, path, 0, &text, &length);
    if (status) return status;
    json_error_t error;
    out->root = json_loadb(text, length, 0, &error);
    base_free(text);
    if (!out->root)
        return base_fail(ctx, AFFECT_ERROR_MODEL, "%s:%d: not valid JSON: %s", path, error.line,
                         error.text);
    json_t *signature = json_object_get(out->root, "signature");
    if (!signature)
        signature = json_object_get(json_object_get(out->root, "userDefinedMetadata"), "signature");
    if (!signature) return broken(ctx, path, "no signature that names inputs and outputs");
    status =
        read_ports(ctx, out, json_object_get(signature, "inputs"), &out->inputs, &out->input_count);
    if (!status)
        status = read_ports(ctx, out, json_object_get(signature, "outputs"), &out->outputs,
                            &out->output_count);
    if (!status && (out->input_count == 0 || out->output_count == 0))
        status = broken(ctx, path, "the signature names no input or no output");
    if (!status) status = read_weights(ctx, path, out);
    if (!status) status = read_nodes(ctx, path, out);
    return status;
}

void tfjs_model_destroy(tfjs_model *model) {
    if (!model) return;
    if (model->root) json_decref(model->root);
    base_arena_destroy(&model->arena);
    *model = (tfjs_model){0};
}
