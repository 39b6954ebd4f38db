#include "tfjs2onnx/emit.h"

#include <string.h>

enum { ONNX_IR = 7, ONNX_OPSET = 13 };

static void *take(emit_graph *graph, size_t size) {
    void *memory = graph->failed ? NULL : base_arena_alloc(&graph->arena, size);
    if (!memory) graph->failed = true;
    return memory;
}

static char *copy_text(emit_graph *graph, const char *text) {
    size_t size = strlen(text) + 1;
    char *copy = take(graph, size);
    if (copy) memcpy(copy, text, size);
    return copy;
}

/* Appends to a list of pointers that lives in the arena. An outgrown list stays behind in the
 * arena, which doubles at most. */
static bool append(emit_graph *graph, void ***list, size_t *count, size_t *capacity, void *item) {
    if (!item) return false;
    if (*count == *capacity) {
        size_t more = *capacity ? 2 * *capacity : 64;
        void **grown = take(graph, more * sizeof *grown);
        if (!grown) return false;
        if (*count) memcpy(grown, *list, *count * sizeof *grown);
        *list = grown;
        *capacity = more;
    }
    (*list)[(*count)++] = item;
    return true;
}

void emit_init(emit_graph *graph, const char *name) {
    *graph = (emit_graph){.graph = ONNX__GRAPH__INIT};
    base_arena_init(&graph->arena, 1 << 20);
    graph->graph.name = copy_text(graph, name);
}

void emit_destroy(emit_graph *graph) { base_arena_destroy(&graph->arena); }

const char *emit_name(emit_graph *graph, const char *format, ...) {
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    char *text = length < 0 ? NULL : take(graph, (size_t)length + 1);
    if (text) vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    va_end(arguments);
    return text ? text : "";
}

enum { MAX_INPUTS = 64, MAX_ATTRIBUTES = 8 };

void emit_input(emit_graph *graph, Onnx__Node *node, const char *name) {
    if (!node || !name) return;
    if (node->n_input == MAX_INPUTS) {
        graph->failed = true;
        return;
    }
    node->input[node->n_input] = copy_text(graph, name);
    if (node->input[node->n_input]) node->n_input++;
}

Onnx__Node *emit_node(emit_graph *graph, const char *op, const char *output, const char *a,
                      const char *b, const char *c) {
    Onnx__Node *node = take(graph, sizeof *node);
    if (!node) return NULL;
    onnx__node__init(node);
    node->op_type = copy_text(graph, op);
    node->name = copy_text(graph, output);
    node->input = take(graph, MAX_INPUTS * sizeof *node->input);
    node->output = take(graph, sizeof *node->output);
    node->attribute = take(graph, MAX_ATTRIBUTES * sizeof(Onnx__Attribute *));
    if (graph->failed) return NULL;
    node->output[0] = node->name;
    node->n_output = 1;
    emit_input(graph, node, a);
    emit_input(graph, node, b);
    emit_input(graph, node, c);
    if (!append(graph, (void ***)&graph->graph.node, &graph->graph.n_node, &graph->node_capacity,
                node))
        return NULL;
    return node;
}

static Onnx__Attribute *add_attribute(emit_graph *graph, Onnx__Node *node, const char *name,
                                      Onnx__Attribute__Type type) {
    if (!node) return NULL;
    Onnx__Attribute *attribute = take(graph, sizeof *attribute);
    if (!attribute || node->n_attribute == MAX_ATTRIBUTES) {
        graph->failed = true;
        return NULL;
    }
    onnx__attribute__init(attribute);
    attribute->name = copy_text(graph, name);
    attribute->has_type = true;
    attribute->type = type;
    node->attribute[node->n_attribute++] = attribute;
    return attribute;
}

void emit_int(emit_graph *graph, Onnx__Node *node, const char *name, int64_t value) {
    Onnx__Attribute *a = add_attribute(graph, node, name, ONNX__ATTRIBUTE__TYPE__INT);
    if (!a) return;
    a->has_i = true;
    a->i = value;
}

void emit_ints(emit_graph *graph, Onnx__Node *node, const char *name, const int64_t *values,
               size_t n) {
    Onnx__Attribute *a = add_attribute(graph, node, name, ONNX__ATTRIBUTE__TYPE__INTS);
    int64_t *copy = a ? take(graph, n * sizeof *copy) : NULL;
    if (!copy) return;
    memcpy(copy, values, n * sizeof *copy);
    a->ints = copy;
    a->n_ints = n;
}

void emit_text(emit_graph *graph, Onnx__Node *node, const char *name, const char *value) {
    Onnx__Attribute *a = add_attribute(graph, node, name, ONNX__ATTRIBUTE__TYPE__STRING);
    char *copy = a ? copy_text(graph, value) : NULL;
    if (!copy) return;
    a->has_s = true;
    a->s = (ProtobufCBinaryData){strlen(copy), (uint8_t *)copy};
}

static const char *add_initializer(emit_graph *graph, const char *name, int type,
                                   const int64_t *dims, size_t rank, const void *data,
                                   size_t size) {
    Onnx__Tensor *tensor = take(graph, sizeof *tensor);
    int64_t *own_dims = take(graph, (rank + 1) * sizeof *own_dims);
    uint8_t *bytes = take(graph, size + 1);
    if (graph->failed) return "";
    onnx__tensor__init(tensor);
    if (rank) memcpy(own_dims, dims, rank * sizeof *own_dims);
    if (size) memcpy(bytes, data, size);
    tensor->n_dims = rank;
    tensor->dims = own_dims;
    tensor->has_data_type = true;
    tensor->data_type = type;
    tensor->has_raw_data = true;
    tensor->raw_data = (ProtobufCBinaryData){size, bytes};
    tensor->name = copy_text(graph, name);
    append(graph, (void ***)&graph->graph.initializer, &graph->graph.n_initializer,
           &graph->initializer_capacity, tensor);
    return name;
}

const char *emit_floats(emit_graph *graph, const char *name, const int64_t *dims, size_t rank,
                        const float *values) {
    size_t count = 1;
    for (size_t k = 0; k < rank; k++) count *= (size_t)dims[k];
    return add_initializer(graph, name, ONNX__TENSOR__DATA_TYPE__FLOAT, dims, rank, values,
                           count * sizeof *values);
}

const char *emit_whole(emit_graph *graph, const char *name, const int64_t *values, size_t n) {
    int64_t dims[1] = {(int64_t)n};
    return add_initializer(graph, name, ONNX__TENSOR__DATA_TYPE__INT64, dims, 1, values,
                           n * sizeof *values);
}

static Onnx__Shape *make_shape(emit_graph *graph, const int64_t *dims, size_t rank) {
    Onnx__Shape *shape = take(graph, sizeof *shape);
    if (!shape) return NULL;
    onnx__shape__init(shape);
    shape->dim = take(graph, (rank + 1) * sizeof *shape->dim);
    for (size_t k = 0; k < rank; k++) {
        Onnx__Dimension *dim = take(graph, sizeof *dim);
        if (!dim) return NULL;
        onnx__dimension__init(dim);
        dim->has_dim_value = dims[k] >= 0;
        dim->dim_value = dims[k] >= 0 ? dims[k] : 0;
        if (dims[k] < 0) dim->dim_param = copy_text(graph, k == 0 ? "N" : "free");
        shape->dim[shape->n_dim++] = dim;
    }
    return shape;
}

void emit_port(emit_graph *graph, bool output, const char *name, const int64_t *dims, size_t rank) {
    Onnx__ValueInfo *port = take(graph, sizeof *port);
    Onnx__ValueType *type = take(graph, sizeof *type);
    Onnx__TensorType *tensor = take(graph, sizeof *tensor);
    if (graph->failed) return;
    onnx__value_info__init(port);
    onnx__value_type__init(type);
    onnx__tensor_type__init(tensor);
    port->name = copy_text(graph, name);
    port->type = type;
    type->tensor_type = tensor;
    tensor->has_elem_type = true;
    tensor->elem_type = ONNX__TENSOR__DATA_TYPE__FLOAT;
    if (rank != SIZE_MAX) tensor->shape = make_shape(graph, dims, rank);

    size_t *count = output ? &graph->graph.n_output : &graph->graph.n_input;
    Onnx__ValueInfo ***list = output ? &graph->graph.output : &graph->graph.input;
    size_t capacity = *count; /* ports are few: grow by one */
    Onnx__ValueInfo **grown = take(graph, (capacity + 1) * sizeof(Onnx__ValueInfo *));
    if (!grown) return;
    if (capacity) memcpy(grown, *list, capacity * sizeof *grown);
    grown[(*count)++] = port;
    *list = grown;
}

affect_status emit_pack(affect_context *ctx, emit_graph *graph, uint8_t **out, size_t *length) {
    if (graph->failed) return base_fail_memory(ctx);
    char producer[] = "affect tfjs2onnx", domain[] = "";
    Onnx__OperatorSet set = ONNX__OPERATOR_SET__INIT;
    set.domain = domain;
    set.has_version = true;
    set.version = ONNX_OPSET;
    Onnx__OperatorSet *sets[] = {&set};
    Onnx__Model model = ONNX__MODEL__INIT;
    model.has_ir_version = true;
    model.ir_version = ONNX_IR;
    model.producer_name = producer;
    model.graph = &graph->graph;
    model.n_opset_import = 1;
    model.opset_import = sets;
    *length = onnx__model__get_packed_size(&model);
    *out = base_alloc(*length);
    if (!*out) return base_fail_memory(ctx);
    onnx__model__pack(&model, *out);
    return AFFECT_OK;
}
