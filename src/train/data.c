/* Samples of data sets, as the networks eat them. */
#include <string.h>

#include "datasets/datasets.h"
#include "train/train.h"

static affect_status create(affect_context *ctx, const train_spec *spec, train_set **out) {
    *out = base_calloc(1, sizeof **out);
    if (!*out) return base_fail_memory(ctx);
    (*out)->ctx = ctx;
    (*out)->spec = *spec;
    (*out)->width = spec->classes + spec->values;
    return AFFECT_OK;
}

/* A sample of a set joins: what the network eats of it, then what is known of it. */
typedef struct joining {
    train_set *set;
    int32_t group; /* of the file's first speaker */
    int32_t source;
} joining;

/* The number of a sample's group. */
static affect_status join_group(train_set *s, size_t at, const char *name) {
    if (!base_grow((void **)&s->by, &s->by_capacity, at + 1, sizeof *s->by))
        return base_fail_memory(s->ctx);
    s->by[at] = -1;
    if (!name || !*name) return AFFECT_OK;
    for (size_t k = 0; k < s->by_count; k++)
        if (strcmp(s->by_names[k], name) == 0) {
            s->by[at] = (int32_t)k;
            return AFFECT_OK;
        }
    char *copy = base_strdup(name);
    if (!copy ||
        !base_grow((void **)&s->by_names, &s->by_room, s->by_count + 1, sizeof *s->by_names)) {
        base_free(copy);
        return base_fail_memory(s->ctx);
    }
    s->by[at] = (int32_t)s->by_count;
    s->by_names[s->by_count++] = copy;
    return AFFECT_OK;
}

static affect_status join(void *user, const datasets_sample *sample) {
    joining *j = user;
    train_set *s = j->set;
    affect_status status = AFFECT_OK;
    switch (s->spec.kind) {
    case TRAIN_FACES: status = train_faces_add(s, sample->pixels); break;
    case TRAIN_AUDIO: status = train_audio_add(s, sample->file); break;
    case TRAIN_TEXT: status = train_text_add(s, sample->text); break;
    case TRAIN_FEATURES:
        status = train_features_add(s, sample->name, sample->features, sample->rows, sample->width);
        break;
    }
    if (status != AFFECT_OK) return status;
    size_t at = s->count - 1;
    memcpy(s->target + at * s->width, sample->shares, s->spec.classes * sizeof *s->target);
    memcpy(s->target + at * s->width + s->spec.classes, sample->values,
           s->spec.values * sizeof *s->target);
    s->gold[at] = sample->label;
    if (sample->speaker >= 0) s->group[at] = j->group + sample->speaker;
    s->source[at] = j->source;
    if (s->clear) s->clear[at] = sample->clear;
    return s->spec.by ? join_group(s, at, sample->by) : AFFECT_OK;
}

affect_status train_set_open(affect_context *ctx, const train_spec *spec, const char *sources,
                             const char *only, const char *except, train_set **out) {
    static const datasets_kind kinds[] = {
        [TRAIN_FACES] = DATASETS_FACES,
        [TRAIN_AUDIO] = DATASETS_RECORDING,
        [TRAIN_TEXT] = DATASETS_TEXT,
        [TRAIN_FEATURES] = DATASETS_FEATURES,
    };
    affect_status status = create(ctx, spec, out);
    if (status != AFFECT_OK) return status;
    char *text = base_strdup(sources);
    const char *files[64];
    size_t count = 0;
    if (!text) status = base_fail_memory(ctx);
    for (char *rest = text, *word; text && (word = strsep(&rest, " \t"));)
        if (*word && count < BASE_COUNT(files)) files[count++] = word;
    if (status == AFFECT_OK && count == 0)
        status = base_fail(ctx, AFFECT_ERROR_FORMAT, "no data file is named");
    const datasets_request request = {
        .kind = kinds[spec->kind],
        .labels = spec->labels,
        .classes = spec->classes,
        .values = spec->values,
        .places = spec->places,
        .several = spec->multi_label,
        .drop_single_votes = spec->drop_single_votes,
        .modalities = spec->modalities,
        .pooled = spec->pooled,
        .only = only,
        .except = except,
        .by = spec->by,
        .map = spec->map,
    };
    joining j = {.set = *out};
    /* texts and recordings: a file is a set */
    const size_t step = spec->kind == TRAIN_TEXT || spec->kind == TRAIN_AUDIO ? 1 : count;
    for (size_t i = 0; status == AFFECT_OK && i < count; i += step) {
        j.group = (int32_t)(*out)->count;
        j.source = (int32_t)i;
        status = datasets_read(ctx, &request, files + i, step, join, &j);
    }
    if (status == AFFECT_OK && spec->kind == TRAIN_AUDIO) status = train_audio_speakers(*out);
    if (status == AFFECT_OK && spec->by && (*out)->count && !(*out)->by_count)
        status = base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: no row has a value of '%s'", sources,
                           spec->by);
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
             : spec->kind == TRAIN_FACES
                 ? base_fail(ctx, AFFECT_ERROR_UNSUPPORTED, "pictures are not read one by one here")
                 : base_fail(ctx, AFFECT_ERROR_UNSUPPORTED,
                             "features are not read one by one: use affect evaluate");
    if (status == AFFECT_OK && spec->kind == TRAIN_AUDIO) status = train_audio_voices(*out);
    if (status != AFFECT_OK) {
        train_set_destroy(*out);
        *out = NULL;
    }
    return status;
}

void train_set_destroy(train_set *s) {
    if (!s) return;
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
    base_free(s->pixels);
    base_free(s->frames);
    base_free(s->first);
    base_free(s->side);
    base_free(s->relative);
    for (size_t k = 0; k < s->by_count; k++) base_free(s->by_names[k]);
    base_free(s->by_names);
    base_free(s->by);
    base_free(s->source);
    base_free(s->voice);
    base_free(s->voice_at);
    base_free(s->voice_size);
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
    case TRAIN_FEATURES: return train_features_batch(s, tape, index, n, batch);
    }
    return false;
}
