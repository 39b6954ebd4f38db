/* Models, whatever runs them: loading by the card, and what is checked before every run. */
#include <string.h>

#include "infer/infer_private.h"
#include "nn/model.h"

static const char *type_name(infer_type type) {
    static const char *const names[] = {"float32", "int64", "uint8", "bool"};
    return names[type];
}

affect_status infer_model_load(affect_context *ctx, const char *name_or_folder, int threads,
                               infer_model **out) {
    *out = NULL;
    base_text key = {0};
    model_key("infer", ctx, name_or_folder, &key);
    base_text_printf(&key, " %d", threads);
    if (key.failed) {
        base_text_destroy(&key);
        return base_fail_memory(ctx);
    }
    if ((*out = base_kept_take(ctx, key.data)) != NULL) {
        base_text_destroy(&key);
        return AFFECT_OK;
    }
    infer_model *model = base_calloc(1, sizeof *model);
    if (!model) {
        base_text_destroy(&key);
        return base_fail_memory(ctx);
    }
    model->ctx = ctx;
    affect_status status = model_card_load(ctx, name_or_folder, false, &model->card);
    if (!status) {
        model->backend = nn_model_describes(model->card) ? &infer_network : &infer_ort;
        status = model->backend->open(ctx, model, threads < 1 ? 1 : threads);
    }
    if (status) {
        base_text_destroy(&key);
        infer_model_destroy(model);
        return status;
    }
    model->key = key.data;
    *out = model;
    return AFFECT_OK;
}

static void destroy(void *kept) {
    infer_model *model = kept;
    if (model->backend) model->backend->close(model);
    for (size_t i = 0; model->inputs && i < model->input_count + model->optional; i++)
        base_free(model->inputs[i].name);
    for (size_t i = 0; model->outputs && i < model->output_count; i++)
        base_free(model->outputs[i].name);
    base_free(model->inputs);
    base_free(model->outputs);
    model_card_destroy(model->card);
    base_free(model->key);
    base_free(model);
}

void infer_model_destroy(infer_model *model) {
    if (model && !base_kept_give(model->ctx, model->key, model, destroy)) destroy(model);
}

const model_card *infer_model_card(const infer_model *model) { return model->card; }
size_t infer_model_input_count(const infer_model *model) { return model->input_count; }
size_t infer_model_output_count(const infer_model *model) { return model->output_count; }

static infer_tensor tensor_of(const infer_port *p) {
    infer_tensor tensor = {.name = p->name, .type = p->type, .rank = p->rank};
    memcpy(tensor.shape, p->shape, sizeof tensor.shape);
    return tensor;
}

infer_tensor infer_model_input(const infer_model *model, size_t i) {
    return i < model->input_count ? tensor_of(&model->inputs[i]) : (infer_tensor){0};
}

infer_tensor infer_model_output(const infer_model *model, size_t i) {
    return i < model->output_count ? tensor_of(&model->outputs[i]) : (infer_tensor){0};
}

bool infer_model_has_output(const infer_model *model, const char *name) {
    for (size_t i = 0; i < model->output_count; i++)
        if (strcmp(model->outputs[i].name, name) == 0) return true;
    return false;
}

bool infer_model_side(const infer_model *model, float *mean, float *deviation) {
    return model->backend->side && model->backend->side(model, mean, deviation);
}

size_t infer_model_vocabulary(const infer_model *model) {
    return model->backend->vocabulary ? model->backend->vocabulary(model) : 0;
}

static const infer_port *find_port(const infer_port *ports, size_t count, const char *name,
                                   size_t position) {
    if (!name) return position < count ? &ports[position] : NULL;
    for (size_t i = 0; i < count; i++)
        if (strcmp(ports[i].name, name) == 0) return &ports[i];
    return NULL;
}

static void shape_text(char out[128], infer_type type, size_t rank, const int64_t *shape) {
    size_t n = (size_t)snprintf(out, 128, "%s[", type_name(type));
    for (size_t d = 0; d < BASE_MIN(rank, (size_t)INFER_MAX_RANK) && n < 128; d++)
        n += (size_t)(shape[d] < 0 ? snprintf(out + n, 128 - n, "%s?", d ? "," : "")
                                   : snprintf(out + n, 128 - n, "%s%lld", d ? "," : "",
                                              (long long)shape[d]));
    if (n < 127) snprintf(out + n, 128 - n, "]");
}

static affect_status check_shape(affect_context *ctx, const infer_model *model,
                                 const infer_port *want, const infer_tensor *have) {
    bool fits = have->type == want->type && have->rank == want->rank && have->data;
    for (size_t d = 0; fits && d < want->rank; d++)
        fits = have->shape[d] >= 0 && (want->shape[d] < 0 || want->shape[d] == have->shape[d]);
    if (fits) return AFFECT_OK;
    char a[128], b[128];
    shape_text(a, want->type, want->rank, want->shape);
    shape_text(b, have->type, have->rank, have->shape);
    return base_fail(ctx, AFFECT_ERROR_SHAPE, "model %s: input %s wants %s and was given %s%s",
                     model->card->name, want->name, a, b, have->data ? "" : " without data");
}

affect_status infer_model_run(affect_context *ctx, infer_model *model, const infer_tensor *inputs,
                              size_t input_count, infer_tensor *outputs, size_t output_count) {
    const infer_port *in_ports[INFER_MAX_PORTS], *out_ports[INFER_MAX_PORTS];
    const size_t most = model->input_count + model->optional;
    if (input_count < model->input_count || input_count > most ||
        output_count > model->output_count || !output_count)
        return base_fail(ctx, AFFECT_ERROR_SHAPE,
                         "model %s takes %zu inputs and has %zu outputs; %zu and %zu were given",
                         model->card->name, model->input_count, model->output_count, input_count,
                         output_count);
    for (size_t i = 0; i < input_count; i++) {
        in_ports[i] = find_port(model->inputs, most, inputs[i].name, i);
        if (!in_ports[i])
            return base_fail(ctx, AFFECT_ERROR_SHAPE, "model %s has no input %s", model->card->name,
                             inputs[i].name ? inputs[i].name : "at that position");
        affect_status status = check_shape(ctx, model, in_ports[i], &inputs[i]);
        if (status) return status;
    }
    for (size_t i = 0; i < output_count; i++) {
        out_ports[i] = find_port(model->outputs, model->output_count, outputs[i].name, i);
        if (!out_ports[i])
            return base_fail(ctx, AFFECT_ERROR_SHAPE, "model %s has no output %s",
                             model->card->name, outputs[i].name);
        outputs[i].name = out_ports[i]->name;
    }
    return model->backend->run(ctx, model, inputs, in_ports, input_count, outputs, out_ports,
                               output_count);
}
