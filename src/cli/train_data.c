/* Data sets as the networks eat them: what the kinds share. */
#include <math.h>
#include <string.h>

#include "cli/train.h"
#include "data/npy.h"
#include "nn/kernels.h"

double train_roll(train_dice *d) {
    return ((double)nn_hash64(d->seed, d->at++) + .5) / 4294967296.;
}
double train_spread(train_dice *d, double most) { return (2 * train_roll(d) - 1) * most; }

affect_status train_set_add(train_set *s, char *name) {
    if (s->count == s->capacity) {
        size_t room = s->capacity ? s->capacity * 2 : 1024;
        float *target = base_realloc(s->target, room * s->width * sizeof *target);
        if (target) s->target = target;
        int32_t *gold = base_realloc(s->gold, room * sizeof *gold);
        if (gold) s->gold = gold;
        int32_t *group = base_realloc(s->group, room * sizeof *group);
        if (group) s->group = group;
        char **names = base_realloc(s->names, room * sizeof *names);
        if (names) s->names = names;
        if (!target || !gold || !group || !names) {
            base_free(name);
            return base_fail_memory(s->ctx);
        }
        s->capacity = room;
    }
    for (size_t i = 0; i < s->width; i++)
        s->target[s->count * s->width + i] = i < s->spec.classes ? -1 : (float)NAN;
    s->gold[s->count] = s->group[s->count] = -1;
    s->names[s->count++] = name;
    return AFFECT_OK;
}

/* Spellings of the basic categories in the corpora that are read here. */
int train_label(const train_spec *spec, const char *name) {
    static const char *const words[][8] = {
        {"neutral", "neu", "n", "no emotion"},
        {"happiness", "happy", "joy", "hap", "h"},
        {"surprise", "surprised", "sur"},
        {"sadness", "sad", "s"},
        {"anger", "angry", "ang", "a"},
        {"disgust", "disgusted", "dis", "d"},
        {"fear", "fearful", "fea", "f", "scared"},
        {"contempt", "contemptuous"},
        {"calm", "boredom"},
    };
    for (size_t i = 0; i < spec->classes; i++)
        if (base_equal_ignore_case(spec->labels[i], name)) return (int)i;
    for (size_t k = 0; k < BASE_COUNT(words); k++)
        for (size_t w = 0; w < 8 && words[k][w]; w++)
            if (base_equal_ignore_case(words[k][w], name))
                for (size_t i = 0; i < spec->classes; i++)
                    for (size_t v = 0; v < 8 && words[k][v]; v++)
                        if (base_equal_ignore_case(words[k][v], spec->labels[i])) return (int)i;
    return -1;
}

static affect_status create(affect_context *ctx, const train_spec *spec, train_set **out) {
    *out = base_calloc(1, sizeof **out);
    if (!*out) return base_fail_memory(ctx);
    (*out)->ctx = ctx;
    (*out)->spec = *spec;
    (*out)->width = spec->classes + spec->values;
    return AFFECT_OK;
}

affect_status train_set_open(affect_context *ctx, const train_spec *spec, const char *sources,
                             const char *only, const char *except, train_set **out) {
    affect_status status = create(ctx, spec, out);
    if (status != AFFECT_OK) return status;
    char *text = base_strdup(sources), *files[64];
    size_t count = 0;
    if (!text) status = base_fail_memory(ctx);
    for (char *rest = text, *word; text && (word = strsep(&rest, " \t"));)
        if (*word && count < BASE_COUNT(files)) files[count++] = word;
    if (status == AFFECT_OK && count == 0)
        status = base_fail(ctx, AFFECT_ERROR_FORMAT, "no data file is named");
    if (status == AFFECT_OK && spec->kind == TRAIN_FACES && count != 2)
        status = base_fail(ctx, AFFECT_ERROR_FORMAT,
                           "expected two files, IMAGES.npz VOTES.csv, not %zu", count);
    if (status == AFFECT_OK && spec->kind == TRAIN_FACES)
        status = train_faces_open(*out, files[0], files[1]);
    for (size_t i = 0; status == AFFECT_OK && spec->kind != TRAIN_FACES && i < count; i++)
        status = spec->kind == TRAIN_AUDIO ? train_audio_open(*out, files[i], only, except)
                                           : train_text_open(*out, files[i], only, except);
    if (status == AFFECT_OK && spec->kind == TRAIN_AUDIO) status = train_audio_speakers(*out);
    if (status == AFFECT_OK && (*out)->count == 0)
        status = base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: no usable sample was found", sources);
    base_free(text);
    if (status != AFFECT_OK) {
        train_set_destroy(*out);
        *out = NULL;
    }
    return status;
}

affect_status train_set_single(affect_context *ctx, const train_spec *spec, const char *input,
                               train_set **out) {
    affect_status status = create(ctx, spec, out);
    if (status != AFFECT_OK) return status;
    status = spec->kind == TRAIN_AUDIO  ? train_audio_add(*out, input)
             : spec->kind == TRAIN_TEXT ? train_text_add(*out, input)
                                        : base_fail(ctx, AFFECT_ERROR_UNSUPPORTED,
                                                    "pictures are not read one by one here");
    if (status != AFFECT_OK) {
        train_set_destroy(*out);
        *out = NULL;
    }
    return status;
}

void train_set_destroy(train_set *s) {
    if (!s) return;
    data_npy_destroy(s->owned[1]);
    data_npz_destroy(s->owned[0]);
    for (size_t i = 0; i < s->count; i++) {
        base_free(s->names[i]);
        if (s->texts) base_free(s->texts[i]);
    }
    base_free(s->names);
    base_free(s->texts);
    base_free(s->target);
    base_free(s->gold);
    base_free(s->group);
    base_free(s->clear);
    base_free(s->frames);
    base_free(s->first);
    base_free(s->side);
    base_free(s->relative);
    base_free(s);
}

bool train_set_batch(const train_set *s, nn_tape *tape, const uint32_t *index, size_t n,
                     const train_augment *augment, uint64_t seed, nn_batch *batch, float **target) {
    *target = nn_tape_alloc(tape, n * s->width);
    if (!*target) return false;
    for (size_t i = 0; i < n; i++)
        memcpy(*target + i * s->width, s->target + index[i] * s->width, s->width * sizeof(float));
    switch (s->spec.kind) {
    case TRAIN_FACES: return train_faces_batch(s, tape, index, n, augment, seed, batch);
    case TRAIN_AUDIO: return train_audio_batch(s, tape, index, n, augment, seed, batch);
    case TRAIN_TEXT: return train_text_batch(s, tape, index, n, augment, seed, batch);
    }
    return false;
}
