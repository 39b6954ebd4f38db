/* What the voices of the whole recording tell of who speaks. In: the tier "speaking" as lips alone have
 * it, and the tier "speakers", which voice is heard when. Out: "speaking", with those in it whom lips
 * could not tell. */
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
