/* A trained network on labelled data, with intervals, beside the majority baseline. */
#include <string.h>

#include "nn/model.h"
#include "train/train.h"

/* Clips of one voice may stand against its others, or each by itself: ways to hear a set. */
enum { KNOWN, ALONE, WAYS };
static const char *const way_names[WAYS] = {"known", "alone"};
static const char *const way_titles[WAYS] = {"the speaker known by the other clips",
                                             "each clip by itself"};

/* A row a sample and way: who, what it is, and what came out before any temperature. */
static void add_scores(const train_set *s, const float *outputs, int way, bool ways,
                       base_text *out) {
    if (!out->length) {
        base_text_append(out, "way\tsample\tspeaker\tgold");
        for (size_t k = 0; k < s->width; k++)
            base_text_printf(out, "\t%s%s", k < s->spec.classes ? "logit_" : "", s->spec.labels[k]);
        base_text_append(out, "\n");
    }
    for (size_t i = 0; i < s->count; i++) {
        base_text_printf(out, "%s\t%s\t", ways ? way_names[way] : "-",
                         s->names[i] ? s->names[i] : "");
        if (s->group[i] >= 0) base_text_printf(out, "%d", (int)s->group[i]);
        base_text_printf(out, "\t%s", s->gold[i] >= 0 ? s->spec.labels[s->gold[i]] : "");
        for (size_t k = 0; k < s->width; k++)
            base_text_printf(out, "\t%.6g", (double)outputs[i * s->width + k]);
        base_text_append(out, "\n");
    }
}

/* Raw outputs of the set's labels, in new memory. */
static affect_status run(affect_context *ctx, train_model *m, const train_set *set, int threads,
                         const train_mapped *mapped, double temperature, float **out) {
    const train_spec *own = train_model_spec(m);
    float *raw = base_calloc(set->count * (own->classes + own->values), sizeof *raw);
    *out = raw;
    affect_status status =
        raw ? train_model_outputs(ctx, m, set, threads, raw) : base_fail_memory(ctx);
    if (status != AFFECT_OK || !mapped) return status;
    *out = base_calloc(set->count * set->width, sizeof **out);
    if (*out)
        train_map_outputs(own, mapped, set->count, temperature, raw, *out);
    else
        status = base_fail_memory(ctx);
    base_free(raw);
    return status;
}

affect_status train_evaluate(affect_context *ctx, const char *model, const char *data,
                             const train_evaluation *o, base_text *out) {
    train_model *m = NULL;
    train_set *set = NULL;
    datasets_map map = {0};
    train_mapped mapped;
    base_text as_json = {0}, as_text = {0}, svg = {0}, scores = {0};
    affect_status status = train_model_open(ctx, model, &m);
    if (status == AFFECT_OK && o->map) {
        status = train_map_open(ctx, o->map, &map);
        if (status == AFFECT_OK) status = train_map_labels(ctx, train_model_spec(m), &map, &mapped);
    }
    if (status == AFFECT_OK) {
        train_spec spec = o->map ? mapped.spec : *train_model_spec(m);
        spec.cache = o->cache;
        spec.by = o->by;
        status = train_set_open(ctx, &spec, data, o->only, o->except, &set);
    }
    const bool ways = status == AFFECT_OK && train_audio_ways(set);
    const double temperature = o->temperature > 0    ? o->temperature
                               : status == AFFECT_OK ? nn_model_temperature(train_model_network(m))
                                                     : 1;
    for (int way = 0; status == AFFECT_OK && way < (ways ? WAYS : 1); way++) {
        float *outputs = NULL;
        base_text json = {0};
        set->alone = way == ALONE;
        status = run(ctx, m, set, o->threads, o->map ? &mapped : NULL, temperature, &outputs);
        if (ways) base_text_printf(&as_text, "%s== %s\n", way ? "\n" : "", way_titles[way]);
        if (status == AFFECT_OK)
            status = train_report(set, outputs, temperature, train_model_threshold(m), o->rounds,
                                  &json, &as_text);
        if (status == AFFECT_OK && json.failed) status = base_fail_memory(ctx);
        if (status == AFFECT_OK && way == KNOWN) base_text_append(&as_json, json.data);
        if (status == AFFECT_OK && way == ALONE) {
            /* inside the first one's braces */
            char *last = as_json.length ? strrchr(as_json.data, '}') : NULL;
            if (last) as_json.length = (size_t)(last - as_json.data);
            while (as_json.length && as_json.data[as_json.length - 1] == '\n') as_json.length--;
            if (as_json.length) as_json.data[as_json.length] = '\0';
            base_text_printf(&as_json, ",\n  \"alone\": %s}\n", json.data);
        }
        if (status == AFFECT_OK && o->scores) add_scores(set, outputs, way, ways, &scores);
        if (status == AFFECT_OK && o->svg && way == KNOWN) {
            status = train_confusion_svg(set, outputs, &svg);
            if (status == AFFECT_OK) status = base_write_file(ctx, o->svg, svg.data, svg.length);
        }
        base_text_destroy(&json);
        base_free(outputs);
    }
    if (status == AFFECT_OK && (as_json.failed || as_text.failed || scores.failed))
        status = base_fail_memory(ctx);
    if (status == AFFECT_OK && o->scores)
        status = base_write_file(ctx, o->scores, scores.data, scores.length);
    if (status == AFFECT_OK) base_text_append(out, o->json ? as_json.data : as_text.data);
    if (status == AFFECT_OK && out->failed) status = base_fail_memory(ctx);
    base_text_destroy(&as_json);
    base_text_destroy(&as_text);
    base_text_destroy(&svg);
    base_text_destroy(&scores);
    train_set_destroy(set);
    train_map_close(&map);
    train_model_close(m);
    return status;
}
