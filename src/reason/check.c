/* Does a claim hold? Each is judged alone, by its fields against the timeline and by its text
 * against its fields. The first finding of the gravest kind is the verdict: contradicted before
 * unsupported before uncheckable; without a finding a claim is supported. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reason/reason_private.h"

/* Instants are compared with the error of a boundary: perception dates events to a frame (40 ms) or
 * a step of pitch, and people round to a quarter of a second. */
static const affect_time TOLERANCE = 250 * AFFECT_MILLISECOND;
/* A change is dated within this: see cause.c. */
static const affect_time CAUSE_SLACK = 500 * AFFECT_MILLISECOND;
static const double LAG_TOLERANCE_S = 0.08;

typedef struct judgement {
    affect_verdict verdict;
    char reason[256];
} judgement;

typedef struct check {
    const reason_graph *g;
    const words_emotions *lexicon;
    const affect_claim *c;
    int person; /* resolved */
    const reason_node *nodes[REASON_EVIDENCE_LIMIT];
    size_t count;
    reason_facts facts;
    judgement result;
    bool failed; /* no memory */
} check;

static int gravity(affect_verdict v) {
    return v == AFFECT_VERDICT_CONTRADICTED  ? 3
           : v == AFFECT_VERDICT_UNSUPPORTED ? 2
           : v == AFFECT_VERDICT_UNCHECKABLE ? 1
                                             : 0;
}

AFFECT_PRINTF(3, 4)
static void find(check *k, affect_verdict verdict, const char *format, ...) {
    if (gravity(verdict) <= gravity(k->result.verdict)) return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(k->result.reason, sizeof k->result.reason, format, arguments);
    va_end(arguments);
    k->result.verdict = verdict;
}
#define CONTRADICTED(k, ...) find((k), AFFECT_VERDICT_CONTRADICTED, __VA_ARGS__)
#define UNSUPPORTED(k, ...) find((k), AFFECT_VERDICT_UNSUPPORTED, __VA_ARGS__)
#define UNCHECKABLE(k, ...) find((k), AFFECT_VERDICT_UNCHECKABLE, __VA_ARGS__)

static double seconds(affect_time t) { return time_to_seconds(t); }
static const char *called(affect_modality m) {
    return m == AFFECT_MODALITY_FUSED   ? "everything together"
           : m == AFFECT_MODALITY_FACE  ? "the face"
           : m == AFFECT_MODALITY_VOICE ? "the voice"
           : m == AFFECT_MODALITY_WORDS ? "the words"
                                        : "no modality";
}

/* ---- fields against the timeline ---- */

static void find_evidence(check *k) {
    if (!k->c->evidence_count) UNSUPPORTED(k, "it cites nothing");
    for (size_t i = 0; i < k->c->evidence_count; i++) {
        const reason_node *n = reason_graph_find(k->g, k->c->evidence[i]);
        if (n)
            k->nodes[k->count++] = n;
        else
            UNSUPPORTED(k, "the timeline has no '%.60s'", k->c->evidence[i]);
    }
}

static void check_interval(check *k) {
    affect_time end = k->g->timeline->duration, a = INT64_MAX, b = INT64_MIN;
    for (size_t i = 0; i < k->count; i++) {
        a = BASE_MIN(a, k->nodes[i]->t0);
        b = BASE_MAX(b, k->nodes[i]->t1);
        end = BASE_MAX(end, k->nodes[i]->t1);
    }
    const affect_claim *c = k->c;
    if (end > 0 && c->t1 > end + TOLERANCE)
        CONTRADICTED(k, "it ends at %.3f s, after the recording (%.3f s)", seconds(c->t1),
                     seconds(end));
    if (!k->count) return;
    for (size_t i = 0; i < k->count; i++)
        if (c->t0 > k->nodes[i]->t1 + TOLERANCE || c->t1 < k->nodes[i]->t0 - TOLERANCE)
            CONTRADICTED(k, "'%.60s' is from %.3f s to %.3f s, not between %.3f s and %.3f s",
                         k->nodes[i]->id, seconds(k->nodes[i]->t0), seconds(k->nodes[i]->t1),
                         seconds(c->t0), seconds(c->t1));
    bool inside = c->t0 >= a - TOLERANCE && c->t1 <= b + TOLERANCE;
    bool around = c->t0 <= a + TOLERANCE && c->t1 >= b - TOLERANCE;
    if (!inside && !around)
        CONTRADICTED(k, "what it cites is from %.3f s to %.3f s, not from %.3f s to %.3f s",
                     seconds(a), seconds(b), seconds(c->t0), seconds(c->t1));
}

static bool relates(const affect_claim *c) { /* two things to each other */
    return c->kind == AFFECT_CLAIM_ORDER || c->kind == AFFECT_CLAIM_LAG ||
           c->kind == AFFECT_CLAIM_CAUSE || c->kind == AFFECT_CLAIM_CONTRADICTION;
}

static void check_modality(check *k) {
    affect_modality said = k->c->modality;
    bool there = false, has[AFFECT_MODALITY_FUSED + 1] = {false};
    size_t kinds = 0;
    for (size_t i = 0; i < k->count; i++) has[k->nodes[i]->modality] = true;
    for (affect_modality m = AFFECT_MODALITY_FACE; m <= AFFECT_MODALITY_FUSED; m++) kinds += has[m];
    if (!k->count) return;
    if (said == AFFECT_MODALITY_NONE) {
        UNSUPPORTED(k, "it names no modality");
        return;
    }
    if (said == AFFECT_MODALITY_FUSED)
        there =
            has[AFFECT_MODALITY_FUSED] || kinds > 1 || has[AFFECT_MODALITY_NONE] || relates(k->c);
    else if (k->c->kind == AFFECT_CLAIM_EVENT)
        there = has[said] && kinds == 1;
    else
        there = has[said];
    /* What two things of one modality are to each other is of that modality. */
    if (relates(k->c) && said == AFFECT_MODALITY_FUSED && kinds == 1 &&
        !has[AFFECT_MODALITY_FUSED] && k->c->kind == AFFECT_CLAIM_CONTRADICTION)
        there = false;
    if (!there)
        CONTRADICTED(k, "what it cites is of %s, not of %s", called(k->nodes[0]->modality),
                     called(said));
}

static void check_person(check *k) {
    bool own = false, other = false, nobody = false;
    if (k->c->person == AFFECT_PERSON_NONE) return;
    if (!reason_graph_has_person(k->g, k->person)) {
        CONTRADICTED(k, "there is no person %d", k->c->person);
        return;
    }
    for (size_t i = 0; i < k->count; i++) {
        int p = k->nodes[i]->person;
        own = own || p == k->person;
        other = other || (p != k->person && p != AFFECT_PERSON_NONE);
        nobody = nobody || p == AFFECT_PERSON_NONE;
    }
    if (k->c->kind == AFFECT_CLAIM_CAUSE && k->count) /* it is about the effect */
        own = k->nodes[k->count - 1]->person == k->person;
    if (other && !(own && relates(k->c)))
        CONTRADICTED(k, "what it cites is not person %d's", k->c->person);
    else if (nobody && !own && k->g->person_count > 1)
        UNSUPPORTED(k, "nothing says that '%.60s' is person %d's", k->nodes[0]->id, k->c->person);
}

static affect_direction natural_direction(const reason_node *n) {
    if (!n->event) return AFFECT_DIRECTION_NONE;
    const char *kind = n->event->kind;
    if (base_ends_with(kind, "_rise") || base_ends_with(kind, "_raise"))
        return AFFECT_DIRECTION_RISE;
    if (base_ends_with(kind, "_fall")) return AFFECT_DIRECTION_FALL;
    return AFFECT_DIRECTION_NONE;
}

/* +1 moved up, -1 down, 0 neither, in *out; false where it cannot be told. *loose: it may also be
 * called steady. */
static bool turn_of(const check *k, int dimension, double *change) {
    const reason_node *first = NULL, *last = NULL;
    for (size_t i = 0; i < k->count; i++) {
        if (!k->nodes[i]->interval) continue;
        if (!first || k->nodes[i]->t0 < first->t0) first = k->nodes[i];
        if (!last || k->nodes[i]->t0 > last->t0) last = k->nodes[i];
    }
    double a, b, sd;
    affect_modality m =
        k->c->modality == AFFECT_MODALITY_NONE ? AFFECT_MODALITY_FUSED : k->c->modality;
    if (first && first != last && reason_is_episode(first) && reason_is_episode(last) &&
        m == AFFECT_MODALITY_FUSED && dimension <= REASON_DOMINANCE &&
        reason_episode_level(k->g, first, dimension, &a, &sd) &&
        reason_episode_level(k->g, last, dimension, &b, &sd)) {
        *change = b - a;
        return true;
    }
    int person = k->person ? k->person : k->count ? k->nodes[0]->person : AFFECT_PERSON_NONE;
    if (first && first != last &&
        reason_level(k->g, person, m, dimension, first->t0, first->t1, &a, &sd) &&
        reason_level(k->g, person, m, dimension, last->t0, last->t1, &b, &sd)) {
        *change = b - a;
        return true;
    }
    return reason_change(k->g, person, m, dimension, k->c->t0, k->c->t1, change);
}

static bool agrees(affect_direction d, int dimension, double change) {
    double moved = reason_moved(dimension), steady = reason_steady(dimension);
    return (d == AFFECT_DIRECTION_RISE && change >= moved) ||
           (d == AFFECT_DIRECTION_FALL && change <= -moved) ||
           (d == AFFECT_DIRECTION_STEADY && fabs(change) <= steady);
}

/* Of a change or state: the level of the dimension that the text names, else of valence, or of
 * arousal. */
static void check_level(check *k) {
    affect_direction d = k->c->direction;
    int named = -1;
    for (size_t i = 0; i < k->facts.move_count && named < 0; i++)
        named = k->facts.moves[i].dimension;
    for (size_t i = 0; i < k->facts.token_count && named < 0; i++)
        for (int m = REASON_VALENCE; m <= REASON_LOUDNESS && named < 0; m++)
            if (strcmp(k->facts.tokens[i].text, reason_dimension_names[m]) == 0) named = m;
    double change;
    bool known = false;
    int from = named >= 0 ? named : REASON_VALENCE, to = named >= 0 ? named : REASON_AROUSAL;
    for (int m = from; m <= to; m++) {
        if (!turn_of(k, m, &change)) continue;
        known = true;
        if (agrees(d, m, change)) return;
    }
    if (!known)
        UNCHECKABLE(k, "the timeline has no level of %s there",
                    named >= 0 ? reason_dimension_names[named] : "valence or arousal");
    else
        CONTRADICTED(k, "%s changes by %+.3f there, which is no %s",
                     reason_dimension_names[to == from ? from : 0],
                     (turn_of(k, from, &change), change), affect_direction_name(d));
}

static void check_direction(check *k) {
    const affect_claim *c = k->c;
    if (c->kind == AFFECT_CLAIM_CHANGE && c->direction == AFFECT_DIRECTION_NONE) {
        double change;
        for (int m = REASON_VALENCE; m <= REASON_DOMINANCE; m++)
            if (turn_of(k, m, &change) && fabs(change) >= reason_moved(m)) return;
        UNSUPPORTED(k, "it says of no direction, and nothing changes there");
        return;
    }
    if (c->direction == AFFECT_DIRECTION_NONE) return;
    bool natural = false;
    affect_direction first = AFFECT_DIRECTION_NONE;
    for (size_t i = 0; i < k->count; i++) {
        affect_direction d = natural_direction(k->nodes[i]);
        natural = natural || (d != AFFECT_DIRECTION_NONE && d == c->direction);
        if (!first) first = d;
    }
    if (c->kind == AFFECT_CLAIM_CHANGE || c->kind == AFFECT_CLAIM_STATE) {
        if (!(natural && first == c->direction)) check_level(k);
    } else if (first != AFFECT_DIRECTION_NONE && !natural) {
        CONTRADICTED(k, "'%.60s' is a %s, no %s", k->nodes[0]->id, affect_direction_name(first),
                     affect_direction_name(c->direction));
    } else if (first == AFFECT_DIRECTION_NONE && k->count && k->nodes[0]->event &&
               c->direction != AFFECT_DIRECTION_RISE) {
        UNSUPPORTED(k, "'%.60s' has no direction", k->nodes[0]->id); /* an onset is a rise */
    } else if (first == AFFECT_DIRECTION_NONE && k->count && !k->nodes[0]->event) {
        check_level(k);
    }
}

static bool need_two(check *k) {
    if (k->count >= 2) return true;
    if (k->c->evidence_count < 2) UNSUPPORTED(k, "it cites less than two things");
    return false;
}

static void check_order(check *k) {
    if (!need_two(k)) return;
    for (size_t i = 1; i < k->count; i++)
        if (k->nodes[i]->t0 < k->nodes[i - 1]->t0 && k->nodes[i]->apex < k->nodes[i - 1]->apex)
            CONTRADICTED(k, "'%.60s' (%.3f s) comes before '%.60s' (%.3f s)", k->nodes[i]->id,
                         seconds(k->nodes[i]->t0), k->nodes[i - 1]->id,
                         seconds(k->nodes[i - 1]->t0));
}

static bool lag_fits(const check *k, double lag, double tolerance) {
    const reason_node *a = k->nodes[0], *b = k->nodes[1];
    static const affect_link_kind kinds[] = {AFFECT_LINK_MATCHES, AFFECT_LINK_LEADS};
    tolerance += LAG_TOLERANCE_S;
    for (size_t i = 0; i < BASE_COUNT(kinds); i++) {
        const affect_link *l = reason_graph_link(k->g, kinds[i], a->id, b->id);
        if (!l || l->lag == AFFECT_TIME_NONE) continue;
        double sd = l->lag_sd == AFFECT_TIME_NONE ? 0 : seconds(l->lag_sd);
        if (fabs(fabs(seconds(l->lag)) - lag) <=
            tolerance + fmin(2 * sd, 0.25 * fabs(seconds(l->lag))))
            return true;
    }
    return fabs(fabs(seconds(b->t0 - a->t0)) - lag) <= tolerance ||
           fabs(fabs(seconds(b->apex - a->apex)) - lag) <= tolerance ||
           (a->interval && fabs(fabs(seconds(b->t0 - a->t1)) - lag) <= tolerance);
}

static void check_lag(check *k) {
    if (!need_two(k)) return;
    check_order(k);
    for (size_t i = 0; i < k->facts.lag_count; i++)
        if (!lag_fits(k, k->facts.lags[i].value, k->facts.lags[i].tolerance))
            CONTRADICTED(k, "between '%.60s' and '%.60s' lie %.3f s, not %.3f s", k->nodes[0]->id,
                         k->nodes[1]->id, fabs(seconds(k->nodes[1]->apex - k->nodes[0]->apex)),
                         k->facts.lags[i].value);
    if (!k->facts.lag_count) UNCHECKABLE(k, "its text names no lag");
}

static void check_cause(check *k) {
    if (!need_two(k)) return;
    if (k->nodes[0]->t0 > k->nodes[1]->t0 + CAUSE_SLACK)
        CONTRADICTED(k, "'%.60s' (%.3f s) comes before '%.60s' (%.3f s)", k->nodes[1]->id,
                     seconds(k->nodes[1]->t0), k->nodes[0]->id, seconds(k->nodes[0]->t0));
    double score = 0;
    for (size_t i = 0; i + 1 < k->count; i++)
        for (size_t j = i + 1; j < k->count; j++)
            score = fmax(score, reason_cause_score(k->g, k->nodes[i], k->nodes[j]));
    if (score * 100 < REASON_CAUSE_PERCENT)
        UNSUPPORTED(k, "nothing speaks for '%.60s' as the cause (score %.2f)", k->nodes[0]->id,
                    score);
}

static void check_contradiction(check *k) {
    bool found = false;
    for (size_t i = 0; i < k->count; i++) {
        found = found || (k->nodes[i]->event && strstr(k->nodes[i]->event->kind, "contradict"));
        for (size_t j = i + 1; j < k->count; j++)
            found = found || reason_graph_link(k->g, AFFECT_LINK_CONTRADICTS, k->nodes[i]->id,
                                               k->nodes[j]->id);
    }
    double mean[AFFECT_MODALITY_FUSED] = {0}, sd;
    for (affect_modality m = AFFECT_MODALITY_FACE; !found && m < AFFECT_MODALITY_FUSED; m++) {
        int person = k->person ? k->person : k->count ? k->nodes[0]->person : AFFECT_PERSON_NONE;
        if (!reason_level(k->g, m == AFFECT_MODALITY_FACE ? person : AFFECT_PERSON_NONE, m,
                          REASON_VALENCE, k->c->t0, k->c->t1, &mean[m], &sd))
            mean[m] = 0;
        for (affect_modality n = AFFECT_MODALITY_FACE; n < m; n++)
            found = found || (mean[m] * mean[n] < 0 && fabs(mean[m] - mean[n]) > 0.4);
    }
    if (!found) UNSUPPORTED(k, "nothing in the timeline contradicts something else there");
    if (k->facts.agreement) CONTRADICTED(k, "its text says that they agree");
}

/* ---- labels ---- */

static bool named_in(const char *word, const char *label) {
    return base_equal_ignore_case(word, label);
}

double reason_label_fit(const reason_graph *g, const words_emotions *lexicon, long entry,
                        const char *word, const reason_node *episode) {
    const words_emotion_word *w = entry >= 0 ? words_emotions_at(lexicon, (size_t)entry) : NULL;
    const affect_interval *v = episode->interval;
    const affect_value *labels = affect_attributes_find(v->attributes, "labels");
    const affect_value *scores = affect_attributes_find(v->attributes, "label_scores");
    const char *region = affect_attributes_text(v->attributes, "region");
    double best = 0, top = 0;
    bool categories = false;
    size_t n = affect_value_count(labels);
    for (size_t i = 0; i < n || i == 0; i++) {
        const char *label = n ? affect_value_text(affect_value_item(labels, i)) : v->label;
        if (!label) continue;
        double score = i ? affect_value_number(affect_value_item(scores, i)) : 1;
        if (!i)
            top = isfinite(affect_value_number(affect_value_item(scores, 0)))
                      ? affect_value_number(affect_value_item(scores, 0))
                      : 1;
        if (i) score = top > 0 ? score / top : 0;
        int category = category_of_label(label);
        long same = words_emotions_lookup(lexicon, label);
        if (named_in(word, label)) best = fmax(best, score);
        if (w && same >= 0 && words_emotions_at(lexicon, (size_t)same)->group == w->group)
            best = fmax(best, score);
        categories = categories || category >= 0;
        double own = 0, all = 0; /* how much of the word is of the label's category */
        for (size_t f = 0; w && category >= 0 && f < w->family_count; f++) {
            all += w->families[f].weight;
            if (strcmp(words_emotions_family(lexicon, w->families[f].family)->category,
                       category_table[category].name) == 0)
                own += w->families[f].weight;
        }
        if (all > 0 && own >= 0.25 * all) best = fmax(best, score * (own >= 0.5 * all ? 1 : 0.8));
    }
    if (region && named_in(word, region)) best = 1;
    double mean[2], sd;
    bool placed = reason_episode_level(g, episode, REASON_VALENCE, &mean[0], &sd) &&
                  reason_episode_level(g, episode, REASON_AROUSAL, &mean[1], &sd);
    if (w && best < 0.34 && placed && !categories)
        best = fmax(0, 1 - hypot(w->vad[0] - mean[0], 0.7 * (w->vad[1] - mean[1])));
    return best;
}

static const reason_node *cited_episode(const check *k) {
    for (size_t i = k->count; i-- > 0;)
        if (reason_is_episode(k->nodes[i])) return k->nodes[i];
    int person = k->person ? k->person : k->count ? k->nodes[0]->person : AFFECT_PERSON_NONE;
    return reason_episode_at(k->g, person, (k->c->t0 + k->c->t1) / 2);
}

/* From which fit on a word says what the episode's label says. */
static const double DENIED = 0.7;

static void check_labels(check *k) {
    const reason_node *episode = cited_episode(k);
    if (k->c->kind != AFFECT_CLAIM_STATE) return;
    if (!episode) {
        UNCHECKABLE(k, "no episode is there");
        return;
    }
    for (size_t i = 0; i < k->facts.label_count; i++) {
        const char *word = k->facts.tokens[k->facts.label_at[i]].text;
        if (reason_label_fit(k->g, k->lexicon, k->facts.labels[i], word, episode) < 0.34)
            CONTRADICTED(k, "'%.60s' is labelled '%.60s', not '%s'", episode->id,
                         episode->interval->label, word);
    }
    for (size_t i = 0; i < k->facts.denied_count; i++) {
        const char *word = k->facts.tokens[k->facts.denied_at[i]].text;
        if (reason_label_fit(k->g, k->lexicon, k->facts.denied[i], word, episode) >= DENIED)
            CONTRADICTED(k, "'%.60s' is labelled '%.60s', and its text denies '%s'", episode->id,
                         episode->interval->label, word);
    }
}

/* ---- text against fields ---- */

static bool cited_person(const check *k, int person) {
    if (person == k->person) return true;
    for (size_t i = 0; i < k->count; i++)
        if (k->nodes[i]->person == person) return true;
    return false;
}

static void check_text_persons(check *k) {
    for (size_t i = 0; i < k->facts.person_count; i++) {
        int person = affect_timeline_resolve_person(k->g->timeline, k->facts.persons[i]);
        bool fits = cited_person(k, person);
        if (!relates(k->c) && k->person && person != k->person) fits = false;
        /* One person alone: what has no owner is theirs. */
        if (!k->person && k->g->person_count == 1 && reason_graph_has_person(k->g, person))
            fits = true;
        if (!fits)
            CONTRADICTED(k, "its text is about person %d, its fields are not", k->facts.persons[i]);
    }
}

static void check_text_modality(check *k) {
    bool has[AFFECT_MODALITY_FUSED + 1] = {false};
    has[k->c->modality] = true;
    for (size_t i = 0; i < k->count; i++) has[k->nodes[i]->modality] = true;
    for (affect_modality m = AFFECT_MODALITY_FACE; m <= AFFECT_MODALITY_WORDS; m++)
        if (k->facts.modality[m] && !has[m])
            CONTRADICTED(k, "its text speaks of %s, its fields of %s", called(m),
                         called(k->c->modality));
}

static bool instant_fits(const check *k, const reason_quantity *q) {
    double slack = q->tolerance + 0.11, a = seconds(k->c->t0), b = seconds(k->c->t1);
    if (q->value >= a - slack && q->value <= b + slack) return true;
    for (size_t i = 0; i < k->count; i++)
        if (fabs(q->value - seconds(k->nodes[i]->t0)) <= slack ||
            fabs(q->value - seconds(k->nodes[i]->apex)) <= slack ||
            fabs(q->value - seconds(k->nodes[i]->t1)) <= slack)
            return true;
    return false;
}

static void check_text_times(check *k) {
    const reason_facts *f = &k->facts;
    for (size_t i = 0; i < f->time_count; i++)
        if (!instant_fits(k, &f->times[i]))
            CONTRADICTED(k, "its text says %.3f s, its fields %.3f s to %.3f s", f->times[i].value,
                         seconds(k->c->t0), seconds(k->c->t1));
    for (size_t i = 0; i < f->lasting_count; i++) {
        double slack = f->lasting[i].tolerance + 0.15 + 0.05 * f->lasting[i].value;
        bool fits = fabs(seconds(k->c->t1 - k->c->t0) - f->lasting[i].value) <= slack;
        for (size_t n = 0; n < k->count; n++)
            fits = fits ||
                   fabs(seconds(k->nodes[n]->t1 - k->nodes[n]->t0) - f->lasting[i].value) <= slack;
        if (!fits)
            CONTRADICTED(k, "its text says that it lasts %.3f s, its fields %.3f s",
                         f->lasting[i].value, seconds(k->c->t1 - k->c->t0));
    }
}

static bool kind_of(const reason_node *n, const char *kind) {
    if (n->event) {
        if (strcmp(n->event->kind, kind) == 0) return true;
        return strcmp(kind, "contradiction") == 0 && strstr(n->event->kind, "contradict");
    }
    /* "falls silent", "says no": said of words and speech too */
    return false;
}

/* Of an event every kind that the text names must be cited, and what is cited must be named where
 * the text names any. */
static void check_text_kinds(check *k) {
    const reason_facts *f = &k->facts;
    bool about_events = k->c->kind == AFFECT_CLAIM_EVENT || k->c->kind == AFFECT_CLAIM_ORDER ||
                        k->c->kind == AFFECT_CLAIM_LAG || k->c->kind == AFFECT_CLAIM_CAUSE;
    for (size_t i = 0; i < f->kind_count && about_events; i++) {
        bool cited = false;
        for (size_t n = 0; n < k->count; n++)
            cited = cited || kind_of(k->nodes[n], f->kinds[i].kind);
        if (strcmp(f->kinds[i].kind, "contradiction") == 0 && !cited) continue;
        if (!cited && k->count)
            CONTRADICTED(k, "its text is about a %s, which it does not cite",
                         reason_kind_phrase(f->kinds[i].kind));
        else if (f->kinds[i].denied && k->c->kind == AFFECT_CLAIM_EVENT)
            CONTRADICTED(k, "its text denies the %s that it cites",
                         reason_kind_phrase(f->kinds[i].kind));
    }
    for (size_t n = 0; n < k->count && about_events && f->kind_count; n++) {
        bool named = !k->nodes[n]->event;
        for (size_t i = 0; i < f->kind_count; i++)
            named = named || kind_of(k->nodes[n], f->kinds[i].kind);
        if (!named && f->kind_count >= k->count)
            CONTRADICTED(k, "it cites a %s, which its text does not name",
                         reason_kind_phrase(k->nodes[n]->event->kind));
    }
}

static void check_text_direction(check *k) {
    if (k->c->kind != AFFECT_CLAIM_CHANGE) return;
    for (size_t i = 0; i < k->facts.move_count; i++) {
        affect_direction d = k->facts.moves[i].direction;
        double change;
        int dimension = k->facts.moves[i].dimension;
        if (k->c->direction != AFFECT_DIRECTION_NONE
                ? d == k->c->direction
                : dimension < 0 || !turn_of(k, dimension, &change) || agrees(d, dimension, change))
            continue;
        /* A sentence about two levels may name both directions; its field is the first one's. */
        if (i && dimension >= 0 && dimension != k->facts.moves[0].dimension &&
            turn_of(k, dimension, &change) && agrees(d, dimension, change))
            continue;
        CONTRADICTED(k, "its text says %s, its fields %s", affect_direction_name(d),
                     k->c->direction ? affect_direction_name(k->c->direction)
                                     : "nothing of a direction");
    }
}

/* Where the text first names a node, in tokens; SIZE_MAX if it does not. */
static size_t place_of(const check *k, const reason_node *n, const reason_node *other) {
    const reason_facts *f = &k->facts;
    for (size_t i = 0; i < f->kind_count && n->event; i++)
        if (kind_of(n, f->kinds[i].kind) &&
            !(other && other->event && kind_of(other, f->kinds[i].kind)))
            return f->kinds[i].at;
    if (n->event && !(other && other->person != n->person)) return SIZE_MAX;
    for (size_t i = 0; i < f->label_count && n->interval && reason_is_episode(n); i++)
        if (reason_label_fit(k->g, k->lexicon, f->labels[i], f->tokens[f->label_at[i]].text, n) >=
                0.34 &&
            !(other && other->interval && reason_is_episode(other) &&
              reason_label_fit(k->g, k->lexicon, f->labels[i], f->tokens[f->label_at[i]].text,
                               other) >= 0.34))
            return f->label_at[i];
    for (size_t i = 0; i < f->person_count && other && other->person != n->person; i++)
        if (f->persons[i] == n->person) return f->person_at[i];
    for (size_t i = 0; i < f->token_count && n->interval && !reason_is_episode(n); i++)
        if (f->tokens[i].quoted ||
            REASON_IS(f->tokens[i].text, "says", "said", "saying", "utterance", "words"))
            return i;
    return SIZE_MAX;
}

/* Does the text say that what it names first comes first? 1 yes, -1 no, 0 it does not say. */
static int said_order(const reason_facts *f, size_t first, size_t second) {
    for (size_t i = 0; i < f->token_count && i <= second + 8; i++) {
        const char *w = f->tokens[i].text,
                   *next = i + 1 < f->token_count ? f->tokens[i + 1].text : "";
        if (f->tokens[i].quoted) continue;
        int order = 0;
        if (REASON_IS(w, "before", "precede*", "leads", "lead", "led", "prior", "earlier", "then",
                      "preceding", "ahead", "anticipat*"))
            order = 1;
        if (REASON_IS(w, "after", "follow*", "trail*", "behind", "later", "lags", "once", "since",
                      "subsequent*"))
            order = -1;
        /* "...; later there is a smile" begins what comes second */
        if (REASON_IS(w, "later", "afterwards", "subsequently") && strcmp(next, "than") != 0 && i &&
            i < second && i > first &&
            (f->tokens[i].before || REASON_IS(f->tokens[i - 1].text, "and", "then")))
            order = 1;
        if (REASON_IS(w, "later", "afterwards", "subsequently", "after", "before") && i > first &&
            i < second &&
            (strcmp(w, "before") == 0 || strcmp(w, "after") == 0
                 ? REASON_IS(next, "that", "this")
                 : REASON_IS(f->tokens[i - 1].text, "only", "but", "and")))
            order = *w == 'b' ? -1 : 1; /* "a smile, but before that a pause" */
        if (REASON_IS(w, "gives", "gave", "giving") && strcmp(next, "way") == 0) order = 1;
        if (REASON_IS(w, "starts", "begins", "started", "began") && strcmp(next, "with") == 0)
            return 1;
        if (REASON_IS(w, "followed", "preceded", "trailed") && strcmp(next, "by") == 0)
            order = -order;
        if (REASON_IS(w, "comes", "came", "is", "was", "starts", "begins") &&
            strcmp(next, "first") == 0 && i < second)
            order = 1;
        if (!order) continue;
        if (i < first) order = -order; /* "After the smile, the pitch rises" */
        if (i < first && strcmp(w, "then") == 0) continue;
        return order;
    }
    return 0;
}

static void check_text_order(check *k) {
    if ((k->c->kind != AFFECT_CLAIM_ORDER && k->c->kind != AFFECT_CLAIM_LAG) || k->count != 2)
        return;
    const reason_node *a = k->nodes[0], *b = k->nodes[1];
    if (a->t0 > b->t0 || (a->t0 == b->t0 && a->apex > b->apex)) a = k->nodes[1], b = k->nodes[0];
    size_t at_a = place_of(k, a, b), at_b = place_of(k, b, a);
    if (at_a == SIZE_MAX || at_b == SIZE_MAX || at_a == at_b) return;
    int order = said_order(&k->facts, BASE_MIN(at_a, at_b), BASE_MAX(at_a, at_b));
    if (order && (at_a < at_b) != (order > 0))
        CONTRADICTED(k, "its text says that '%.60s' came before '%.60s'; it came after", b->id,
                     a->id);
}

/* Bytes of a sign that is no letter beyond ASCII: Latin-1's, general and East Asian punctuation; 0 for none. *joins:
 * a curly apostrophe, which parts no words. */
static size_t sign_beyond_ascii(const char *text, bool *joins) {
    const unsigned char *t = (const unsigned char *)text;
    *joins = false;
    if (t[0] == 0xC2 && t[1] >= 0xA0 && t[1] <= 0xBF) return 2;
    if (!((t[0] == 0xE2 && (t[1] == 0x80 || t[1] == 0x81)) || (t[0] == 0xE3 && t[1] == 0x80)) ||
        t[2] < 0x80)
        return 0;
    *joins = t[0] == 0xE2 && t[1] == 0x80 && (t[2] == 0x98 || t[2] == 0x99);
    return 3;
}

static void append_words(base_text *out, const char *text) {
    bool gap = out->length > 0, joins;
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        size_t sign = sign_beyond_ascii(text, &joins);
        if (sign) {
            gap = joins ? gap : out->length > 0;
            text += sign - 1;
            continue;
        }
        bool inside = (c >= '0' && c <= '9') || isalpha(c) || c >= 0x80;
        if (!inside && c != '\'') {
            gap = out->length > 0;
            continue;
        }
        if (!inside) continue;
        if (gap) base_text_append(out, " ");
        gap = false;
        char low = (char)(c >= 'A' && c <= 'Z' ? c | 32 : c);
        base_text_append_n(out, &low, 1);
    }
}

/* What the text quotes must have been said: in what is cited, or in the claim's interval. */
static void check_text_quote(check *k) {
    base_text said = {0}, quote = {0};
    k->failed = k->facts.quote.failed;
    if (!k->facts.quote.length) return;
    append_words(&quote, k->facts.quote.data);
    for (size_t i = 0; i < k->count; i++)
        if (k->nodes[i]->interval) append_words(&said, k->nodes[i]->interval->label);
    const affect_tier *words = affect_timeline_find_tier(k->g->timeline, "words");
    for (size_t i = 0; words && i < words->count; i++)
        if (words->items[i].t1 >= k->c->t0 - TOLERANCE &&
            words->items[i].t0 <= k->c->t1 + TOLERANCE)
            append_words(&said, words->items[i].label);
    const affect_tier *utterances = affect_timeline_find_tier(k->g->timeline, "utterances");
    for (size_t i = 0; utterances && i < utterances->count; i++)
        if (utterances->items[i].t1 >= k->c->t0 && utterances->items[i].t0 <= k->c->t1)
            append_words(&said, utterances->items[i].label);
    k->failed = k->failed || quote.failed || said.failed;
    if (quote.length && said.length && !k->failed && !strstr(said.data, quote.data))
        CONTRADICTED(k, "what its text quotes was not said there");
    base_text_destroy(&said);
    base_text_destroy(&quote);
}

static void check_kind(check *k) {
    switch (k->c->kind) {
    case AFFECT_CLAIM_ORDER: check_order(k); break;
    case AFFECT_CLAIM_LAG: check_lag(k); break;
    case AFFECT_CLAIM_CAUSE: check_cause(k); break;
    case AFFECT_CLAIM_CONTRADICTION: check_contradiction(k); break;
    default: break;
    }
}

static void check_claim(check *k) {
    find_evidence(k);
    check_interval(k);
    check_modality(k);
    check_person(k);
    if (k->count) {
        check_direction(k);
        check_kind(k);
        check_labels(k);
        check_text_kinds(k);
        check_text_direction(k);
        check_text_order(k);
        check_text_quote(k);
        check_text_modality(k);
    }
    check_text_persons(k);
    check_text_times(k);
    if (k->result.verdict == AFFECT_VERDICT_NONE) k->result.verdict = AFFECT_VERDICT_SUPPORTED;
}

/* ---- the whole explanation ---- */

static bool strong(const reason_node *n) {
    return n->strength >= 0.5 && strcmp(n->event->kind, "blink") != 0;
}

static void count_strong(const reason_graph *g, affect_explanation *e) {
    e->strong = e->strong_cited = 0;
    for (size_t i = 0; i < g->event_count; i++) {
        if (!strong(g->events[i])) continue;
        bool cited = false;
        for (size_t c = 0; c < e->count && !cited; c++)
            for (size_t k = 0; k < e->claims[c].public.evidence_count && !cited; k++)
                cited = e->claims[c].public.verdict == AFFECT_VERDICT_SUPPORTED &&
                        strcmp(e->claims[c].public.evidence[k], g->events[i]->id) == 0;
        e->strong++;
        e->strong_cited += cited;
    }
}

affect_status affect_explanation_check(affect_reasoner *reasoner, const affect_timeline *timeline,
                                       affect_explanation *e) {
    affect_context *ctx = reasoner ? reasoner->ctx : NULL;
    BASE_NEED(ctx, reasoner && timeline && e);
    reason_graph graph;
    check *k = base_calloc(1, sizeof *k);
    if (!k) return base_fail_memory(ctx);
    affect_status status = reason_graph_build(reasoner, timeline, &graph);
    for (size_t i = 0; status == AFFECT_OK && i < e->count; i++) {
        if (affect_context_cancelled(ctx)) {
            status = base_fail(ctx, AFFECT_ERROR_CANCELLED, "interrupted");
            break;
        }
        *k = (check){.g = &graph, .lexicon = reasoner->lexicon, .c = &e->claims[i].public};
        k->person = affect_timeline_resolve_person(timeline, k->c->person);
        reason_facts_read(&graph, k->lexicon, k->c->text, &k->facts);
        check_claim(k);
        reason_facts_clear(&k->facts);
        if (k->failed) {
            status = base_fail_memory(ctx);
            break;
        }
        char reason[sizeof k->result.reason];
        base_clean_line(k->result.reason, reason, sizeof reason);
        status = reason_claim_judge(ctx, &e->claims[i], k->result.verdict, reason);
    }
    if (status == AFFECT_OK) {
        e->checked = true;
        count_strong(&graph, e);
        status = reason_evidence(ctx, &graph, e);
    }
    if (graph.nodes) reason_graph_clear(&graph);
    base_free(k);
    return status;
}
