/* Learning from other networks (Hinton et al. 2015, arXiv 1503.02531): what teachers think of the
 * training samples becomes part of their targets. So one small network takes over what several
 * larger or specialised ones know, on every line of the training data, labelled for it or not. */
#include <math.h>
#include <string.h>

#include "train/train_private.h"

/* A loss that weighs the positive part of class c by w is least where sigmoid(logit) is
 * w p / (1 + (w - 1) p); this is the share p that such an output stands for. */
static double share_of(double logit, double weight) {
    double q = logit > 0 ? 1 / (1 + exp(-logit)) : exp(logit) / (1 + exp(logit));
    return q / (weight - (weight - 1) * q);
}

static void softmax(const float *logits, size_t n, double *out) {
    double top = -INFINITY, sum = 0;
    for (size_t c = 0; c < n; c++) top = fmax(top, (double)logits[c]);
    for (size_t c = 0; c < n; c++) sum += out[c] = exp(logits[c] - top);
    for (size_t c = 0; c < n; c++) out[c] /= sum;
}

/* Adds one teacher's outputs, as targets, to `sum`. */
static void add_opinion(const training *t, const float *row, bool values, float part, float *sum) {
    double shares[MAX_LABELS];
    if (values) {
        for (size_t k = t->classes; k < t->classes + t->values; k++) sum[k] += part * row[k];
        return;
    }
    if (!t->spec.multi_label) softmax(row, t->classes, shares);
    for (size_t c = 0; c < t->classes; c++) {
        if (t->spec.multi_label)
            shares[c] = share_of((double)row[c], t->weights ? (double)t->weights[c] : 1);
        sum[c] += part * (float)shares[c];
    }
}

static bool same_labels(const training *t, const train_spec *other) {
    if (other->kind != t->spec.kind || other->classes != t->classes || other->values != t->values)
        return false;
    for (size_t i = 0; i < t->classes + t->values; i++)
        if (strcmp(other->labels[i], t->labels[i]) != 0) return false;
    return true;
}

/* Raw outputs of one teacher on the training set, read with the teacher's own vocabulary. */
static affect_status ask(training *t, const char *name, const char *key, float *outputs) {
    train_model *teacher = NULL;
    affect_status status = train_model_open(t->ctx, name, &teacher);
    if (status == AFFECT_OK && !same_labels(t, train_model_spec(teacher))) {
        train_recipe_mistake(
            t->recipe, "train", key,
            "expected teachers with this recipe's kind, labels and values; %s has others", name);
        status = t->recipe->status;
    }
    if (status == AFFECT_OK) {
        const train_spec own = t->train->spec;
        t->train->spec.words = train_model_spec(teacher)->words;
        status = train_model_outputs(t->ctx, teacher, t->train, t->o->threads, outputs);
        t->train->spec = own;
    }
    train_model_close(teacher);
    return status;
}

/* What was known stays beside: thresholds are judged by it. */
static affect_status keep_known(training *t) {
    size_t bytes = t->train->count * t->train->width * sizeof(float);
    if (t->untaught) return AFFECT_OK;
    t->untaught = base_alloc(bytes);
    if (!t->untaught) return base_fail_memory(t->ctx);
    memcpy(t->untaught, t->train->target, bytes);
    return AFFECT_OK;
}

static void blend(training *t, const float *mean, double share, bool values) {
    size_t width = t->train->width, from = values ? t->classes : 0,
           to = values ? width : t->classes;
    for (size_t i = 0; i < t->train->count; i++)
        for (size_t k = from; k < to; k++) {
            float *target = t->train->target + i * width + k;
            bool known = values ? !isnan(*target) : *target >= 0;
            *target = known ? (float)((1 - share) * *target + share * mean[i * width + k])
                            : mean[i * width + k];
        }
}

affect_status train_distil(training *t, const char *teachers, double share, bool values) {
    const char *key = values ? "value_teachers" : "label_teachers";
    size_t n = t->train->count * t->train->width, count = 0;
    float *outputs = base_calloc(n, sizeof *outputs), *mean = base_calloc(n, sizeof *mean);
    char *names = base_strdup(teachers), *rest = names;
    affect_status status = outputs && mean && names ? AFFECT_OK : base_fail_memory(t->ctx);
    for (const char *at = teachers; *at; at += strspn(at, " ")) {
        size_t length = strcspn(at, " ");
        count += length > 0;
        at += length;
    }
    for (char *name; status == AFFECT_OK && (name = strsep(&rest, " "));) {
        if (!*name) continue;
        status = ask(t, name, key, outputs);
        for (size_t i = 0; status == AFFECT_OK && i < t->train->count; i++)
            add_opinion(t, outputs + i * t->train->width, values, 1 / (float)count,
                        mean + i * t->train->width);
    }
    if (status == AFFECT_OK) status = keep_known(t);
    if (status == AFFECT_OK) blend(t, mean, share, values);
    base_free(names);
    base_free(mean);
    base_free(outputs);
    return status;
}
