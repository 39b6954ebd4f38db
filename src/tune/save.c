/* What a tuned model is on disk: adapter.gguf, projector.safetensors, card.json. */
#include <string.h>

#include "nn/safetensors.h"
#include "tune/tune_private.h"

static bool is_adapter(const nn_param *p) { return strncmp(p->name, "blk.", 4) == 0; }

/* The parameters lie as GGUF has them: [rank, in] and [out, rank]. */
static affect_status save_adapter(const tuning *t) {
    const nn_params *params = t->network.params;
    nn_gguf_writer w = {0};
    char *path = base_path_join(t->o->folder, "adapter.gguf");
    if (!path) return base_fail_memory(t->ctx);
    nn_gguf_put_text(&w, "general.type", "adapter");
    nn_gguf_put_text(&w, "general.architecture",
                     nn_decoder_get_shape(t->network.decoder)->architecture);
    nn_gguf_put_text(&w, "general.name",
                     train_recipe_text(t->loop.recipe, "card", "name", "unnamed"));
    nn_gguf_put_text(&w, "adapter.type", "lora");
    nn_gguf_put_number(&w, "adapter.lora.alpha", (float)t->network.alpha);
    for (size_t i = 0; i < params->count; i++) {
        const nn_param *p = &params->items[i];
        if (is_adapter(p)) /* one of rank or width 1 is a matrix, too */
            nn_gguf_put_matrix(&w, p->name, p->shape.rank == 2 ? p->shape.d[0] : 1,
                               p->shape.d[p->shape.rank - 1], params->value + p->offset);
    }
    affect_status status = nn_gguf_write(t->ctx, path, &w);
    base_free(path);
    return status;
}

/* Projectors, and how their streams are standardised. */
static affect_status save_projectors(const tuning *t) {
    const nn_params *params = t->network.params;
    nn_writer *w = NULL;
    char *path = base_path_join(t->o->folder, "projector.safetensors"), name[48];
    affect_status status = path ? nn_writer_create(t->ctx, path, &w) : base_fail_memory(t->ctx);
    base_free(path);
    if (status) return status;
    for (size_t i = 0; i < params->count; i++) {
        const nn_param *p = &params->items[i];
        if (!is_adapter(p)) nn_writer_add(w, p->name, NN_F32, p->shape, params->value + p->offset);
    }
    for (size_t s = 0; s < t->clips.streams; s++) {
        snprintf(name, sizeof name, "%s.mean", t->clips.names[s]);
        nn_writer_add(w, name, NN_F32, NN_SHAPE(t->clips.features[s]), t->clips.mean[s]);
        snprintf(name, sizeof name, "%s.deviation", t->clips.names[s]);
        nn_writer_add(w, name, NN_F32, NN_SHAPE(t->clips.features[s]), t->clips.deviation[s]);
    }
    return nn_writer_commit(t->ctx, w);
}

static affect_status save_card(const tuning *t) {
    const nn_decoder_shape *shape = nn_decoder_get_shape(t->network.decoder);
    const char *slash = strrchr(t->o->base, '/');
    base_text card = {0};
    char name[128] = "";
    nn_gguf_text(t->network.file, "general.name", name, sizeof name);
    tune_card_begin(&card, t->loop.recipe, "adapter of a language model",
                    "tuned with affect tune; recipe.ini beside it");
    base_text_append(&card, ",\n  \"base\": {\"name\": ");
    base_text_append_json(&card, name);
    base_text_append(&card, ", \"file\": ");
    base_text_append_json(&card, slash ? slash + 1 : t->o->base);
    base_text_printf(&card, ", \"architecture\": \"%s\", \"sha256\": \"%s\"}", shape->architecture,
                     t->loop.base_sum);
    base_text_printf(&card, ",\n  \"data\": {\"sha256\": \"%s\", \"train\": %zu, \"valid\": %zu}",
                     t->loop.data_sum, t->order_count, t->valid_count);
    base_text_append(&card, ",\n  \"streams\": [");
    for (size_t s = 0; s < t->clips.streams; s++) {
        base_text_printf(&card, "%s{\"name\": \"%s\", \"features\": %zu, \"tokens\": %zu",
                         s ? ", " : "", t->clips.names[s], t->clips.features[s],
                         t->network.shape.soft);
        if (t->clips.rate_hz[s] > 0)
            base_text_printf(&card, ", \"rate_hz\": %g", t->clips.rate_hz[s]);
        if (t->clips.channels[s])
            base_text_printf(&card, ", \"channels\": %s", t->clips.channels[s]);
        base_text_append(&card, "}");
    }
    base_text_printf(&card, "],\n  \"rank\": %zu,\n  \"best_epoch\": %zu", t->network.rank,
                     t->loop.best_epoch);
    base_text_printf(&card, ",\n  \"validation\": {\"loss\": %.6f, \"exact\": %.6f}", t->loop.best,
                     t->loop.best_second);
    return tune_card_write(&t->loop, &card);
}

affect_status tune_save_model(tuning *t) {
    affect_status status = t->network.lora ? save_adapter(t) : AFFECT_OK;
    if (!status && t->clips.streams) status = save_projectors(t);
    return status ? status : save_card(t);
}
