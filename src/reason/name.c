/* Which words name an episode: a score for every word of the lexicon from
 *   its place in valence, arousal and dominance, as a normal density with the episode's own error;
 *   the posteriors of the categories, through the category of its family;
 *   what the texts of its utterances were labelled with;
 *   dynamics: relief needs arousal to have fallen after negative valence, disappointment valence
 *   that fell from above, surprise a jump of arousal.
 * The best word of a synonym group stands for it. */
#include <math.h>
#include <string.h>

#include "reason/reason_private.h"

enum { MOST = 4 };
static const double SPREAD = 0.28; /* of a word around its place: half of what divides families */
static const double BOOST = 5.0;   /* odds that a dynamic pattern or the words add */
static const double CORE = 2.5;    /* odds of a category's own family */
static const double LEAST = 0.25;  /* of the best, to be named */
static const double CONFIDENT = 0.05; /* a category's least share: posteriors are no veto */

/* "e12 has happiness .6, surprise .2": the share of a category, 0.05 at least. */
static double category_share(const affect_interval *v, const char *category) {
    const affect_value *labels = affect_attributes_find(v->attributes, "labels");
    const affect_value *scores = affect_attributes_find(v->attributes, "label_scores");
    double share = 0;
    bool any = false;
    for (size_t i = 0; i < affect_value_count(labels); i++) {
        const char *label = affect_value_text(affect_value_item(labels, i));
        int c = label ? category_of_label(label) : -1;
        any = any || c >= 0;
        if (c >= 0 && strcmp(category_table[c].name, category) == 0)
            share += affect_value_number(affect_value_item(scores, i));
    }
    if (!any) {
        int c = category_of_label(v->label);
        if (c < 0) return 1; /* a region: the place alone counts */
        share = strcmp(category_table[c].name, category) == 0 ? 1 : 0;
    }
    return isfinite(share) ? fmax(CONFIDENT, share) : CONFIDENT;
}

typedef struct episode_place {
    double mean[3], sd[3], last[3];
    bool known[3], follows;
} episode_place;

static void place_episode(const reason_graph *g, const reason_node *episode, episode_place *p) {
    const reason_node *last = reason_episode_before(g, episode);
    double sd;
    p->follows = last != NULL;
    for (int d = 0; d < 3; d++) {
        p->known[d] = reason_episode_level(g, episode, d, &p->mean[d], &p->sd[d]);
        if (last && !reason_episode_level(g, last, d, &p->last[d], &sd) && d < REASON_DOMINANCE)
            p->follows = false;
    }
    p->follows = p->follows && p->known[0] && p->known[1];
}

static double dynamics(const episode_place *p, const char *family) {
    if (!p->follows) return strcmp(family, "relief") == 0 ? 1 / BOOST : 1;
    double v = p->mean[0] - p->last[0], a = p->mean[1] - p->last[1];
    if (strcmp(family, "relief") == 0)
        return p->last[0] < -0.05 && v > 0.1 && a < 0 ? BOOST : 1 / BOOST;
    if (strcmp(family, "disappointment") == 0) return p->last[0] > 0.1 && v < -0.2 ? BOOST : 1;
    if (strcmp(family, "surprise") == 0) return a > 0.25 ? BOOST : 1;
    return 1;
}

/* Do the utterances of the episode carry a label of the word's family? */
static bool said(const reason_graph *g, const words_emotions *lexicon, const reason_node *episode,
                 size_t family) {
    const affect_tier *u = affect_timeline_find_tier(g->timeline, "utterances");
    for (size_t i = 0; u && i < u->count; i++) {
        if (u->items[i].t0 >= episode->t1 || u->items[i].t1 <= episode->t0) continue;
        if (u->items[i].person && episode->person && u->items[i].person != episode->person)
            continue;
        const affect_value *labels = affect_attributes_find(u->items[i].attributes, "labels");
        for (size_t k = 0; k < affect_value_count(labels); k++) {
            const char *label = affect_value_text(affect_value_item(labels, k));
            long w = label ? words_emotions_lookup(lexicon, label) : -1;
            const words_emotion_word *e = w >= 0 ? words_emotions_at(lexicon, (size_t)w) : NULL;
            if (e && e->family_count && e->families[0].family == family) return true;
        }
    }
    return false;
}

/* The family that a category is named after says it best. */
static double central(const affect_interval *v, const emotion_family *family) {
    int c = category_of_label(v->label);
    if (c < 0 || strcmp(category_table[c].name, family->category) != 0) return 1;
    const char *core = c == 1 ? "joy" : category_table[c].name;
    return strcmp(family->name, core) == 0 ? CORE : 1;
}

/* Common words first: the more of the lexicon's sources of texts and ratings have met a word, and the
 * more forms and synonyms it has, the more common it is. 0..1. */
static double common(const words_emotions *lexicon, const words_emotion_word *w) {
    int n = 0;
    size_t members;
    words_emotions_group_members(lexicon, w->group, &members);
    for (const char *c = "vfel"; *c; c++) n += strchr(w->sources, *c) != NULL;
    return (1.0 + n) / 5 * (double)members / ((double)members + 4);
}

static double score_word(const words_emotions *lexicon, const episode_place *p,
                         const words_emotion_word *w, const double family_factor[]) {
    double score = 0, density = 1;
    for (int d = 0; d < 3; d++) {
        if (!p->known[d]) continue;
        double error = hypot(SPREAD * (d + 1), p->sd[d]), off = (p->mean[d] - w->vad[d]) / error;
        density *= exp(-0.5 * off * off);
    }
    for (size_t f = 0; f < w->family_count; f++)
        score += w->families[f].weight * family_factor[w->families[f].family];
    return score * density * common(lexicon, w);
}

/* Adjectives that were placed or checked by hand; "disturbing" is said of causes. */
static bool presentable(const words_emotion_word *w) {
    return !base_ends_with(w->word, "ing") && w->family_count &&
           (strpbrk(w->sources, "pc") != NULL) && strchr(w->pos, 'a') && !strchr(w->word, ' ');
}

static affect_status add_allowed(affect_context *ctx, affect_labels *out, const char *word,
                                 double score, const char *family, const char *category) {
    if (!base_grow((void **)&out->items, &out->capacity, out->count + 1, sizeof *out->items))
        return base_fail_memory(ctx);
    reason_label *l = &out->items[out->count];
    *l = (reason_label){base_strdup(word), score, family, category};
    if (!l->word) return base_fail_memory(ctx);
    out->count++;
    return AFFECT_OK;
}

/* A user's own labels: each has the score of the best word of its group or family. */
static affect_status name_allowed(affect_context *ctx, const words_emotions *lexicon,
                                  const double *scores, const char *const *allowed, size_t n,
                                  affect_labels *out) {
    size_t count = words_emotions_count(lexicon);
    for (size_t a = 0; a < n; a++) {
        long w = words_emotions_lookup(lexicon, allowed[a]);
        int c = category_of_label(allowed[a]);
        const words_emotion_word *own = w >= 0 ? words_emotions_at(lexicon, (size_t)w) : NULL;
        const char *family = "", *category = c >= 0 ? category_table[c].name : "";
        double best = 0;
        if (own && own->family_count) {
            family = words_emotions_family(lexicon, own->families[0].family)->name;
            if (!*category)
                category = words_emotions_family(lexicon, own->families[0].family)->category;
        }
        if (!own && c < 0) continue; /* no word that is known */
        for (size_t i = 0; i < count; i++) {
            const words_emotion_word *e = words_emotions_at(lexicon, i);
            if (!e->family_count) continue;
            const emotion_family *f = words_emotions_family(lexicon, e->families[0].family);
            bool alike = c >= 0 ? strcmp(f->category, category) == 0
                                : own && (e->group == own->group || strcmp(f->name, family) == 0);
            if (alike) best = fmax(best, scores[i]);
        }
        affect_status status = add_allowed(ctx, out, allowed[a], best, family, category);
        if (status != AFFECT_OK) return status;
    }
    for (size_t i = 0; i < out->count; i++) /* the best first; few of them */
        for (size_t k = i + 1; k < out->count; k++)
            if (out->items[k].score > out->items[i].score) {
                reason_label swap = out->items[i];
                out->items[i] = out->items[k];
                out->items[k] = swap;
            }
    while (out->count > MOST ||
           (out->count > 1 && out->items[out->count - 1].score < LEAST * out->items[0].score))
        base_free(out->items[--out->count].word);
    return AFFECT_OK;
}

static affect_status name_open(affect_context *ctx, const words_emotions *lexicon, double *scores,
                               affect_labels *out) {
    size_t count = words_emotions_count(lexicon);
    double lead = 0;
    while (out->count < MOST) {
        size_t best = count;
        for (size_t i = 0; i < count; i++)
            if (presentable(words_emotions_at(lexicon, i)) && scores[i] > 0 &&
                (best == count || scores[i] > scores[best]))
                best = i;
        if (best == count || scores[best] < LEAST * lead) break;
        double score = scores[best];
        lead = fmax(lead, score);
        affect_status status = reason_labels_add(ctx, out, lexicon, best, score);
        if (status != AFFECT_OK) return status;
        const words_emotion_word *w = words_emotions_at(lexicon, best);
        for (size_t i = 0; i < count; i++) /* one of a group, less of a family */
            if (words_emotions_at(lexicon, i)->group == w->group)
                scores[i] = 0;
            else if (words_emotions_at(lexicon, i)->family_count &&
                     words_emotions_at(lexicon, i)->families[0].family == w->families[0].family)
                scores[i] *= 0.5;
    }
    return AFFECT_OK;
}

affect_status reason_name_episode(affect_context *ctx, const reason_graph *g,
                                  const words_emotions *lexicon, const reason_node *episode,
                                  const char *const *allowed, size_t allowed_count,
                                  affect_labels **labels) {
    size_t count = words_emotions_count(lexicon), families = words_emotions_family_count(lexicon);
    double *scores = base_calloc(count + families, sizeof *scores), sum = 0;
    affect_labels *out = base_calloc(1, sizeof *out);
    *labels = NULL;
    if (!scores || !out) {
        base_free(scores);
        base_free(out);
        return base_fail_memory(ctx);
    }
    double *factor = scores + count;
    episode_place place = {0};
    place_episode(g, episode, &place);
    for (size_t f = 0; f < families; f++) {
        const emotion_family *family = words_emotions_family(lexicon, f);
        factor[f] = category_share(episode->interval, family->category) *
                    dynamics(&place, family->name) * central(episode->interval, family) *
                    (said(g, lexicon, episode, f) ? BOOST : 1);
    }
    for (size_t i = 0; i < count; i++)
        scores[i] = score_word(lexicon, &place, words_emotions_at(lexicon, i), factor);
    affect_status status = allowed ? name_allowed(ctx, lexicon, scores, allowed, allowed_count, out)
                                   : name_open(ctx, lexicon, scores, out);
    for (size_t i = 0; i < out->count; i++) sum += out->items[i].score;
    for (size_t i = 0; i < out->count; i++)
        out->items[i].score = sum > 0 ? out->items[i].score / sum : 1.0 / (double)out->count;
    base_free(scores);
    if (status == AFFECT_OK)
        *labels = out;
    else
        affect_labels_destroy(out);
    return status;
}

affect_status affect_labels_of_episode(affect_reasoner *reasoner, const affect_timeline *timeline,
                                       const char *id, const char *const *allowed,
                                       size_t allowed_count, affect_labels **labels) {
    affect_context *ctx = reasoner ? reasoner->ctx : NULL;
    BASE_NEED(ctx, reasoner && timeline && id && labels);
    reason_graph g;
    *labels = NULL;
    affect_status status = reason_graph_build(reasoner, timeline, &g);
    if (status != AFFECT_OK) return status;
    const reason_node *n = reason_graph_find(&g, id);
    if (!n || !reason_is_episode(n))
        status = base_fail(ctx, AFFECT_ERROR_NOT_FOUND, "the timeline has no episode '%s'", id);
    else
        status = reason_name_episode(ctx, &g, reasoner->lexicon, n, allowed, allowed_count, labels);
    reason_graph_clear(&g);
    return status;
}

const char *reason_person_title(const affect_timeline *timeline, int person, bool begin,
                                char out[64]) {
    const char *name = affect_timeline_person_name(timeline, person);
    if (*name)
        base_clean_line(name, out, 64);
    else if (person == AFFECT_PERSON_NONE)
        snprintf(out, 64, begin ? "Somebody" : "somebody");
    else
        snprintf(out, 64, "%s %d", begin ? "Person" : "person", person);
    return out;
}
