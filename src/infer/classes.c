/* Classifiers: posteriors and values out of whatever runs them. */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "infer/infer_private.h"

/* The last labels of a card may be values. */
static size_t count_values(const model_card *card) {
    static const char *const names[] = {"valence", "arousal", "dominance"};
    size_t values = 0;
    for (size_t i = card->label_count; i > 0; i--) {
        size_t k = 0;
        while (k < BASE_COUNT(names) && strcmp(card->labels[i - 1], names[k]) != 0) k++;
        if (k == BASE_COUNT(names)) break;
        values++;
    }
    return values;
}

affect_status infer_model_classes(affect_context *ctx, const infer_model *model,
                                  infer_classes *out) {
    const model_card *card = model->card;
    json_t *root = json_loads(card->json, 0, NULL);
    const json_t *temperature = json_object_get(root, "temperature");
    *out = (infer_classes){.own = infer_model_has_output(model, "posteriors"), .temperature = 1};
    if (out->own) { /* the back end has calibrated */
        out->several =
            json_is_true(json_object_get(json_object_get(root, "network"), "multi_label"));
        out->classes = (size_t)infer_model_output(model, 0).shape[1];
        for (size_t i = 0; i < model->output_count; i++)
            if (strcmp(model->outputs[i].name, "values") == 0)
                out->values = (size_t)model->outputs[i].shape[1];
    } else {
        out->several = json_is_true(json_object_get(root, "multi_label"));
        out->values = count_values(card);
        out->classes = card->label_count - out->values;
        if (temperature) out->temperature = json_number_value(temperature);
    }
    json_decref(root);
    if (!(out->temperature > 0) || !isfinite(out->temperature))
        return base_fail(ctx, AFFECT_ERROR_MODEL,
                         "%s/card.json: 'temperature': expected a number above 0", card->folder);
    if (out->classes + out->values != card->label_count)
        return base_fail(ctx, AFFECT_ERROR_MODEL,
                         "%s/card.json: 'labels' has %zu names, the network %zu outputs",
                         card->folder, card->label_count, out->classes + out->values);
    return AFFECT_OK;
}

/* Raw outputs of the classes to posteriors: softmax, or sigmoid where several may hold. */
static void calibrate(const infer_classes *c, const float *raw, float *out) {
    double top = -INFINITY, sum = 0;
    for (size_t i = 0; i < c->classes; i++) top = fmax(top, (double)raw[i]);
    for (size_t i = 0; i < c->classes; i++) {
        double x = (double)raw[i];
        out[i] = (float)(c->several ? 1 / (1 + exp(-x / c->temperature))
                                    : exp((x - top) / c->temperature));
        sum += (double)out[i];
    }
    for (size_t i = 0; !c->several && i < c->classes; i++) out[i] = (float)((double)out[i] / sum);
    memcpy(out + c->classes, raw + c->classes, c->values * sizeof *out);
}

affect_status infer_model_classify(affect_context *ctx, infer_model *model, const infer_classes *c,
                                   const infer_tensor *inputs, size_t input_count, size_t count,
                                   float *rows, float *in_distribution) {
    const size_t width = c->classes + c->values;
    infer_tensor out[3] = {{.name = "posteriors"}, {.name = "in_distribution"}, {.name = "values"}};
    if (!c->own) out[0].name = infer_model_has_output(model, "logits") ? "logits" : NULL;
    affect_status status = infer_model_run(ctx, model, inputs, input_count, out,
                                           !c->own     ? 1
                                           : c->values ? 3
                                                       : 2);
    if (status != AFFECT_OK) return status;
    const size_t wanted = c->own ? c->classes : width;
    if (out[0].type != INFER_F32 || out[0].rank != 2 || out[0].shape[0] != (int64_t)count ||
        out[0].shape[1] != (int64_t)wanted)
        return base_fail(ctx, AFFECT_ERROR_SHAPE,
                         "model %s: output %s: expected float [%zu,%zu], a number a label",
                         model->card->name, out[0].name, count, wanted);
    for (size_t i = 0; i < count; i++) {
        const float *from = (const float *)out[0].data + i * wanted;
        if (c->own) {
            memcpy(rows + i * width, from, c->classes * sizeof *rows);
            if (c->values)
                memcpy(rows + i * width + c->classes, (const float *)out[2].data + i * c->values,
                       c->values * sizeof *rows);
        } else {
            calibrate(c, from, rows + i * width);
        }
        in_distribution[i] = c->own ? ((const float *)out[1].data)[i] : 1;
    }
    return AFFECT_OK;
}
