/* What a run leaves on disk: adapter.gguf, projector.safetensors, card.json, and the checkpoint to go on from. */
#include <math.h>
#include <nettle/sha2.h>
#include <string.h>
#include <unistd.h>

#include "nn/gguf_write.h"
#include "nn/safetensors.h"
#include "tune/tune_private.h"

affect_status tune_write_at(const tuning *t, const char *name, const void *data, size_t length) {
    char *path = base_path_join(t->o->folder, name);
    if (!path) return base_fail_memory(t->ctx);
    affect_status status = base_write_file(t->ctx, path, data, length);
    base_free(path);
    return status;
}

affect_status tune_sum_of(affect_context *ctx, const char *path, char out[65]) {
    enum { PIECE = 1 << 16 };
    int descriptor = base_open_regular(path);
    FILE *file = descriptor < 0 ? NULL : fdopen(descriptor, "rb");
    unsigned char *piece = base_alloc(PIECE);
    struct sha256_ctx sum;
    uint8_t digest[SHA256_DIGEST_SIZE];
    sha256_init(&sum);
    affect_status status = piece ? AFFECT_OK : base_fail_memory(ctx);
    for (size_t n = 1; !status && file && n;) {
        n = fread(piece, 1, PIECE, file);
        sha256_update(&sum, n, piece);
        if (affect_context_cancelled(ctx))
            status = base_fail(ctx, AFFECT_ERROR_CANCELLED, "interrupted");
    }
    if (!status && (!file || ferror(file)))
        status = base_fail(ctx, AFFECT_ERROR_NOT_FOUND, "%s: cannot be read", path);
    sha256_digest(&sum, sizeof digest, digest);
    for (size_t i = 0; i < sizeof digest; i++) snprintf(out + 2 * i, 3, "%02x", digest[i]);
    base_free(piece);
    if (file)
        fclose(file);
    else if (descriptor >= 0)
        close(descriptor);
    return status;
}

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
    nn_gguf_put_text(&w, "general.name", train_recipe_text(t->recipe, "card", "name", "unnamed"));
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

static void put_field(base_text *card, const char *key, const char *value) {
    base_text_printf(card, ",\n  \"%s\": ", key);
    base_text_append_json(card, value);
}

static affect_status save_card(const tuning *t) {
    train_recipe *r = t->recipe;
    const nn_decoder_shape *shape = nn_decoder_get_shape(t->network.decoder);
    const char *slash = strrchr(t->o->base, '/');
    base_text card = {0};
    char name[128] = "";
    nn_gguf_text(t->network.file, "general.name", name, sizeof name);
    base_text_append(&card, "{\n  \"name\": ");
    base_text_append_json(&card, train_recipe_text(r, "card", "name", "unnamed"));
    put_field(&card, "task", "adapter of a language model");
    put_field(&card, "licence", train_recipe_text(r, "card", "licence", "unknown"));
    base_text_printf(
        &card, ",\n  \"commercial\": %s",
        strcmp(train_recipe_text(r, "card", "commercial", "no"), "yes") == 0 ? "true" : "false");
    put_field(&card, "training_data", train_recipe_text(r, "card", "training_data", "not stated"));
    put_field(
        &card, "source",
        train_recipe_text(r, "card", "source", "tuned with affect tune; recipe.ini beside it"));
    base_text_append(&card, ",\n  \"base\": {\"name\": ");
    base_text_append_json(&card, name);
    base_text_append(&card, ", \"file\": ");
    base_text_append_json(&card, slash ? slash + 1 : t->o->base);
    base_text_printf(&card, ", \"architecture\": \"%s\", \"sha256\": \"%s\"}", shape->architecture,
                     t->base_sum);
    base_text_printf(&card, ",\n  \"data\": {\"sha256\": \"%s\", \"train\": %zu, \"valid\": %zu}",
                     t->data_sum, t->order_count, t->valid_count);
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
                     t->best_epoch);
    base_text_printf(&card, ",\n  \"validation\": {\"loss\": %.6f, \"exact\": %.6f}\n}\n", t->best,
                     t->best_exact);
    affect_status status = card.failed ? base_fail_memory(t->ctx)
                                       : tune_write_at(t, "card.json", card.data, card.length);
    base_text_destroy(&card);
    return status;
}

affect_status tune_save_model(tuning *t) {
    affect_status status = t->network.lora ? save_adapter(t) : AFFECT_OK;
    if (!status && t->clips.streams) status = save_projectors(t);
    return status ? status : save_card(t);
}

/* ---- the checkpoint ---- */

affect_status tune_save_checkpoint(tuning *t) {
    const nn_engine_state *state = nn_engine_get_state(t->engine);
    nn_writer *w = NULL;
    char *path = base_path_join(t->o->folder, "checkpoint.safetensors"), text[64];
    affect_status status = path ? nn_writer_create(t->ctx, path, &w) : base_fail_memory(t->ctx);
    base_free(path);
    if (status) return status;
    nn_params_write(w, t->network.params, "value.", NULL, NN_F32, 0);
    if (state->m) nn_params_write(w, t->network.params, "m.", state->m, NN_F32, 0);
    if (state->v) nn_params_write(w, t->network.params, "v.", state->v, NN_F32, 0);
    const struct {
        const char *key;
        double value;
    } numbers[] = {{"epoch", (double)t->epoch},
                   {"step", (double)state->step},
                   {"best", t->best},
                   {"best_exact", t->best_exact},
                   {"best_epoch", (double)t->best_epoch},
                   {"seconds", t->seconds}};
    for (size_t i = 0; i < BASE_COUNT(numbers); i++) {
        snprintf(text, sizeof text, "%.17g", numbers[i].value);
        nn_writer_metadata(w, numbers[i].key, text);
    }
    nn_writer_metadata(w, "recipe", t->recipe->text);
    nn_writer_metadata(w, "base", t->base_sum);
    nn_writer_metadata(w, "data", t->data_sum);
    nn_writer_metadata(w, "log", t->log.data ? t->log.data : "");
    return nn_writer_commit(t->ctx, w);
}

static double number_of(const nn_file *f, const char *key) {
    const char *text = nn_file_metadata(f, key);
    double value = 0;
    if (text) (void)base_parse_double(text, strlen(text), &value);
    return value;
}

static bool same(const nn_file *f, const char *key, const char *value) {
    const char *text = nn_file_metadata(f, key);
    return text && strcmp(text, value) == 0;
}

static affect_status load_vector(const tuning *t, const nn_file *f, const char *prefix,
                                 float **out) {
    const nn_params *p = t->network.params;
    if (!*out) *out = base_alloc_aligned(64, p->size * sizeof(float));
    if (!*out) return base_fail_memory(t->ctx);
    memset(*out, 0, p->size * sizeof(float));
    return nn_params_read(t->ctx, f, p, prefix, *out);
}

affect_status tune_load_checkpoint(tuning *t, const char *path) {
    nn_file *f = NULL;
    affect_status status = nn_file_open(t->ctx, path, &f);
    if (status) return status;
    nn_engine_state *state = nn_engine_get_state(t->engine);
    const char *log = nn_file_metadata(f, "log");
    if (!log || !same(f, "recipe", t->recipe->text) || !same(f, "base", t->base_sum) ||
        !same(f, "data", t->data_sum))
        status = base_fail(t->ctx, AFFECT_ERROR_EXISTS,
                           "%s was made with another recipe, base or data: give --fresh to throw "
                           "that run away, or another folder",
                           t->o->folder);
    if (!status)
        status = nn_params_read(t->ctx, f, t->network.params, "value.", t->network.params->value);
    if (!status) status = load_vector(t, f, "m.", &state->m);
    if (!status) status = load_vector(t, f, "v.", &state->v);
    if (!status) {
        state->step = (uint64_t)number_of(f, "step");
        t->epoch = (size_t)number_of(f, "epoch");
        t->best = number_of(f, "best");
        t->best_exact = number_of(f, "best_exact");
        t->best_epoch = (size_t)number_of(f, "best_epoch");
        t->seconds = number_of(f, "seconds");
        base_text_clear(&t->log);
        base_text_append(&t->log, log);
    }
    nn_file_close(f);
    return status;
}
