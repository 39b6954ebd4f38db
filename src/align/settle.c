/* What the voices of the whole recording tell of who speaks. In: the tier "speaking" as lips alone have
 * it, and the tier "speakers", which voice is heard when. Out: "speaking", with those in it whom lips
 * could not tell. */
#include <math.h>
#include <string.h>

#include "align/speaking.h"

int64_t align_voice_number(const affect_interval *in) {
    int64_t number = 0;
    if (in->label[0] != 'S' || !base_parse_int64(in->label + 1, strlen(in->label + 1), &number) ||
        number < 1 || number > 9999)
        return 0;
    return number;
}

/* What each voice is heard as. */
typedef struct account {
    int64_t voice;         /* 0: one that cannot be told from others */
    int person;            /* AFFECT_PERSON_NONE: nobody in view */
    double time_s, sure_s; /* all of it; weighted by score */
} account;

typedef struct accounts {
    account *items;
    size_t count, capacity;
} accounts;

static bool add_to_account(accounts *a, int64_t number, int person, double time_s, double score) {
    size_t i = 0;
    while (i < a->count && (a->items[i].voice != number || a->items[i].person != person)) i++;
    if (i == a->count) {
        if (!base_grow((void **)&a->items, &a->capacity, a->count + 1, sizeof *a->items))
            return false;
        a->items[a->count++] = (account){.voice = number, .person = person};
    }
    a->items[i].time_s += time_s;
    a->items[i].sure_s += time_s * score;
    return true;
}

/* The voice that is heard most in [t0, t1); 0: none of those that are told apart. */
static int64_t voice_between(const affect_tier *speakers, affect_time t0, affect_time t1) {
    int64_t best = 0;
    affect_time most = 0;
    for (size_t i = 0; speakers && i < speakers->count; i++) {
        affect_time both =
            BASE_MIN(speakers->items[i].t1, t1) - BASE_MAX(speakers->items[i].t0, t0);
        if (both <= most) continue;
        most = both;
        best = align_voice_number(&speakers->items[i]);
    }
    return best;
}

/* Whose a voice is that fits no face in the stretch at hand. */
static int owner_of(const align_rule *rule, const accounts *a, int64_t number) {
    const account *best = NULL, *none = NULL;
    double faces = 0, all = 0;
    for (size_t i = 0; i < a->count; i++) {
        const account *x = &a->items[i];
        if (x->voice != number) continue;
        all += x->time_s;
        if (x->person == AFFECT_PERSON_NONE) {
            none = x;
        } else {
            faces += x->sure_s;
            if (!best || x->sure_s > best->sure_s) best = x;
        }
    }
    if (number && best && best->sure_s >= rule->linked_s &&
        best->sure_s >= rule->linked_share * faces && best->sure_s >= rule->linked_of_all * all)
        return best->person;
    if (none && none->time_s >= rule->absent_s && none->sure_s >= rule->absent_sure * none->time_s)
        return ALIGN_VOICE_FIRST + (int)number;
    return AFFECT_PERSON_NONE;
}

/* A stretch that lips gave to somebody with less than this is not his if so much of all that is heard of
 * the voice fits no face. (That of a face is not taken from another by its voice: on composed scenes that
 * was wrong more often than right.) */
static int sure_owner_of(const align_rule *rule, const accounts *a, int64_t number, int person) {
    double all = 0, most = 0;
    const account *best = NULL;
    for (size_t i = 0; i < a->count; i++) {
        const account *x = &a->items[i];
        if (x->voice != number) continue;
        all += x->sure_s;
        if (x->sure_s > most) most = x->sure_s, best = x;
    }
    if (!best || best->sure_s < rule->linked_s || best->sure_s < rule->owned_share * all)
        return person;
    return best->person == AFFECT_PERSON_NONE ? owner_of(rule, a, number) : person;
}

/* ---- lips and voices together ---- */

/* Lips so far from a stretch still tell of it: a mouth opens before it is heard. */
#define BESIDE (500 * AFFECT_MILLISECOND)

typedef struct whole {
    const align_rule *rule;
    const timeline_view *view;
    affect_tier *speaking;
    affect_time offset;
    struct {
        int *items; /* as resolved, rising */
        size_t count, capacity;
    } faces;
    align_stretch *stretches;
    bool *fixed;    /* stays whose it is */
    double *lips;   /* [count][faces] */
    double *likely; /* [count][faces + 1] */
    int *number;    /* [count][faces]: as which the face is in view then; 0: it is not */
} whole;

static int resolved(const timeline_view *view, int person) {
    for (size_t i = 0; i < view->count; i++) {
        int one = affect_timeline_resolve_person(view->items[i], person);
        if (one != person) return one;
    }
    return person;
}

static bool find_faces(whole *w, const align_lips *lips, size_t count) {
    for (size_t k = 0; k < count; k++) {
        int person = resolved(w->view, lips[k].person);
        size_t at = 0;
        while (at < w->faces.count && w->faces.items[at] < person) at++;
        if (at < w->faces.count && w->faces.items[at] == person) continue;
        if (!base_grow((void **)&w->faces.items, &w->faces.capacity, w->faces.count + 1,
                       sizeof *w->faces.items))
            return false;
        memmove(w->faces.items + at + 1, w->faces.items + at,
                (w->faces.count++ - at) * sizeof *w->faces.items);
        w->faces.items[at] = person;
    }
    size_t stretches = w->speaking->count, faces = BASE_MAX(w->faces.count, (size_t)1);
    w->stretches = base_calloc(stretches, sizeof *w->stretches);
    w->fixed = base_calloc(stretches, sizeof *w->fixed);
    w->lips = base_calloc(stretches * faces, sizeof *w->lips);
    w->number = base_calloc(stretches * faces, sizeof *w->number);
    w->likely = base_calloc(stretches * (faces + 1), sizeof *w->likely);
    return w->stretches && w->fixed && w->lips && w->number && w->likely;
}

static size_t face_of(const whole *w, int person) {
    size_t f = 0;
    while (f < w->faces.count && w->faces.items[f] != person) f++;
    return f;
}

/* Each stretch: does it stand alone, how does it sound, does it go on? */
static void describe(whole *w, const align_voices *voices) {
    const affect_interval *items = w->speaking->items;
    size_t count = w->speaking->count;
    for (size_t i = 0; i < count; i++) {
        const affect_interval *in = &items[i];
        w->fixed[i] = w->fixed[i] || affect_attributes_text(in->attributes, "channel") != NULL;
        for (size_t k = i + 1; k < count && items[k].t0 < in->t1; k++)
            w->fixed[i] = w->fixed[k] = true;
    }
    for (size_t i = 0; i < count; i++) {
        const affect_interval *in = &items[i];
        align_stretch *s = &w->stretches[i];
        s->heard = !w->fixed[i] && align_voice_describe(voices, w->view, in->t0 + w->offset,
                                                        in->t1 + w->offset, s->voice);
        s->bound = i > 0 && !w->fixed[i] && !w->fixed[i - 1] && in->t0 - items[i - 1].t1 < BESIDE &&
                   align_shot_at(w->view, in->t0) == align_shot_at(w->view, items[i - 1].t0);
    }
}

/* What lips said goes to the stretch in which it was, or to the nearest in its shot. */
static void add_lips(whole *w, const align_lips *lips, size_t count) {
    const affect_interval *items = w->speaking->items;
    size_t first = 0, n = w->speaking->count;
    for (size_t k = 0; k < count; k++) {
        affect_time time = lips[k].time - w->offset, nearest = BESIDE;
        size_t best = n, shot = align_shot_at(w->view, time);
        while (first < n && items[first].t0 + ALIGN_SPEAKING_LONGEST + BESIDE < time) first++;
        for (size_t i = first; i < n && items[i].t0 < time + BESIDE; i++) {
            affect_time off = BASE_MAX(BASE_MAX(items[i].t0 - time, time - items[i].t1), 0);
            if (off >= nearest || align_shot_at(w->view, items[i].t0) != shot) continue;
            nearest = off;
            best = i;
        }
        if (best == n) continue;
        size_t at = best * w->faces.count + face_of(w, resolved(w->view, lips[k].person));
        w->lips[at] += (double)lips[k].ratio;
        w->number[at] = lips[k].person;
    }
    for (size_t i = 0; i < n; i++)
        for (size_t f = 0; f < w->faces.count; f++) {
            double *x = &w->lips[i * w->faces.count + f];
            if (!w->number[i * w->faces.count + f]) *x = w->rule->together_away;
        }
}

static double calibrated(const align_rule *rule, double p) {
    p = fmin(p, 1 - 1e-9);
    return 1 / (1 + exp(-(rule->sure_slope * log(p / (1 - p)) + rule->sure_shift)));
}

static void assign(whole *w, bool *revised) {
    size_t n = w->faces.count + 1;
    for (size_t i = 0; i < w->speaking->count; i++) {
        affect_interval *in = &w->speaking->items[i];
        const double *likely = w->likely + i * n;
        size_t best = n - 1;
        if (w->fixed[i]) continue;
        for (size_t f = 0; f + 1 < n; f++)
            if (likely[f] > likely[best]) best = f;
        int number = best + 1 < n ? w->number[i * w->faces.count + best] : 0;
        int person = best + 1 == n ? AFFECT_PERSON_NONE : number ? number : w->faces.items[best];
        *revised = *revised || person != in->person;
        in->person = person;
        in->score = (float)calibrated(w->rule, likely[best]);
    }
}

affect_status align_settle_together(affect_context *ctx, const align_rule *rule,
                                    const align_voices *voices, const timeline_view *view,
                                    const align_lips *lips, size_t count, affect_tier *speaking,
                                    affect_time offset, bool *revised) {
    if (!count || !speaking->count) return AFFECT_OK;
    whole w = {.rule = rule, .view = view, .speaking = speaking, .offset = offset};
    align_together_rule together = {.lips = rule->together_lips,
                                    .voice = rule->together_voice,
                                    .nobody = rule->together_nobody,
                                    .new_voice = rule->together_new,
                                    .bond = rule->together_bond};
    affect_status status = AFFECT_OK;
    if (!find_faces(&w, lips, count)) {
        status = base_fail_memory(ctx);
        goto cleanup;
    }
    describe(&w, voices);
    add_lips(&w, lips, count);
    status = align_together(ctx, &together, voices, w.stretches, speaking->count, w.faces.count,
                            w.lips, w.likely);
    if (status == AFFECT_OK) assign(&w, revised);
cleanup:
    base_free(w.faces.items);
    base_free(w.stretches);
    base_free(w.fixed);
    base_free(w.lips);
    base_free(w.number);
    base_free(w.likely);
    return status;
}

affect_status align_settle(affect_context *ctx, const align_rule *rule, affect_tier *speaking,
                           const affect_tier *speakers, bool faces, affect_time offset,
                           bool *revised) {
    for (size_t i = 0; speakers && i < speakers->count; i++)
        if (affect_attributes_text(speakers->items[i].attributes, "channel")) return AFFECT_OK;
    size_t count = speaking->count;
    accounts a = {0};
    int64_t *voices = base_calloc(count + 1, sizeof *voices), first = 0;
    bool enough = voices != NULL;
    for (size_t i = 0; i < count && enough; i++) {
        const affect_interval *in = &speaking->items[i];
        voices[i] = voice_between(speakers, in->t0 + offset, in->t1 + offset);
        if (!voices[i] && i > 0 && speakers) voices[i] = voices[i - 1];
        enough = add_to_account(&a, voices[i], in->person, time_to_seconds(in->t1 - in->t0),
                                (double)in->score);
    }
    for (size_t i = 0; i < count && enough; i++) {
        affect_interval *in = &speaking->items[i];
        int person = in->person;
        if (!first) first = voices[i];
        if (!faces)
            person = voices[i] == first ? 1 : ALIGN_VOICE_FIRST + (int)voices[i];
        else if (person == AFFECT_PERSON_NONE)
            person = owner_of(rule, &a, voices[i]);
        else if (voices[i] && (double)in->score < rule->doubt)
            person = sure_owner_of(rule, &a, voices[i], person);
        *revised = *revised || person != in->person;
        in->person = person;
    }
    base_free(voices);
    base_free(a.items);
    return enough ? AFFECT_OK : base_fail_memory(ctx);
}
