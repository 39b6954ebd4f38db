/* What the readers of all kinds of data share: a sample more, its label, random numbers for it. */
#include <math.h>

#include "nn/kernels.h"
#include "train/train_private.h"

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
        int32_t *source = base_realloc(s->source, room * sizeof *source);
        if (source) s->source = source;
        if (!target || !gold || !group || !names || !source) {
            base_free(name);
            return base_fail_memory(s->ctx);
        }
        s->capacity = room;
    }
    for (size_t i = 0; i < s->width; i++)
        s->target[s->count * s->width + i] = i < s->spec.classes ? -1 : (float)NAN;
    s->gold[s->count] = s->group[s->count] = -1;
    s->source[s->count] = 0;
    s->names[s->count++] = name;
    return AFFECT_OK;
}

bool train_usable(const train_set *s, size_t i) {
    const float *t = s->target + i * s->width;
    double sum = 0;
    bool known = false;
    for (size_t c = 0; c < s->spec.classes; c++) {
        known |= t[c] >= 0;
        sum += fmaxf(t[c], 0);
    }
    for (size_t v = s->spec.classes; v < s->width; v++)
        if (!isnan(t[v])) return true;
    return s->spec.multi_label ? known : sum > 0;
}
