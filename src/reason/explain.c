/* The deterministic account: each episode gives a paragraph of claims, each with its evidence. The
 * sentences are patterns that are taken in turn, so that an account does not say everything in the
 * same words; which comes first follows from the recording's name, so that several accounts do
 * not begin alike. */
#include <math.h>
#include <string.h>

#include "reason/reason_private.h"

typedef struct account {
    affect_context *ctx;
    const reason_graph *g;
    const words_emotions *lexicon;
    affect_explanation *out;
    const char *episode;  /* of the paragraph */
    unsigned turn, state; /* which patterns are next */
} account;

static unsigned hash(const char *text, unsigned h) {
    for (; *text; text++) h = (h ^ (unsigned char)*text) * 16777619U;
    return h;
}

static const char *clock_of(affect_time t, char out[TIME_TEXT_SIZE]) {
    double s = round(time_to_seconds(t) * 10) / 10;
    snprintf(out, TIME_TEXT_SIZE, "%.1f s", s);
    return out;
}

/* One claim of one to four nodes. */
static affect_status say(account *a, affect_claim_kind kind, affect_modality modality, int person,
                         affect_direction direction, affect_time t0, affect_time t1,
                         const reason_node *const *nodes, size_t count, const base_text *text) {
    const char *ids[4];
    if (text->failed) return base_fail_memory(a->ctx);
    for (size_t i = 0; i < count; i++) ids[i] = nodes[i]->id;
    const affect_claim claim = {.text = text->data,
                                .kind = kind,
                                .person = person,
                                .modality = modality,
                                .direction = direction,
                                .t0 = t0,
                                .t1 = t1,
                                .evidence = ids,
                                .evidence_count = count};
    return reason_explanation_add(a->ctx, a->out, &claim, a->episode);
}

/* ---- what was expressed ---- */

/* {W} who, {w} inside a sentence, {L} the words, {A} and {B} the times, {S} how sure. */
static const char *const STATES[] = {
    "From {A} to {B}, {w} comes across as {L} ({S}).",
    "{W} comes across as {L} between {A} and {B} ({S}).",
    "Viewers would most likely call {w} {L} between {A} and {B} ({S}).",
    "Until {B}, starting at {A}, {w} gives the impression of being {L} ({S}).",
    "The expression of {w} reads as {L} from {A} to {B} ({S}).",
    "What {w} shows from {A} to {B} is best described as {L} ({S}).",
    "At {A} a stretch begins in which {w} appears {L}; it ends at {B} ({S}).",
    "Most people would describe {w} as {L} between {A} and {B} ({S}).",
    "In the stretch from {A} to {B}, {w} appears {L} ({S}).",
    "Everything together, {w} appears {L} from {A} to {B} ({S}).",
    "During the time from {A} to {B}, {w} is seen as {L} ({S}).",
    "Observers would see {w} as {L} from {A} to {B} ({S}).",
    "Starting at {A} and up to {B}, {w} appears {L} ({S}).",
    "For an onlooker, {w} appears {L} between {A} and {B} ({S}).",
    "Taken as a whole, {w} appears {L} from {A} to {B} ({S}).",
    "Here, between {A} and {B}, {w} comes across as {L} ({S}).",
    "Seen from outside, {w} appears {L} from {A} to {B} ({S}).",
    "Judging by all modalities, {w} comes across as {L} between {A} and {B} ({S}).",
    "On balance, {w} appears {L} between {A} and {B} ({S}).",
    "An observer would probably say that {w} is {L} from {A} to {B} ({S}).",
    "With some uncertainty, {w} comes across as {L} from {A} to {B} ({S}).",
    "To others, {w} would seem {L} between {A} and {B} ({S}).",
    "Perceived as a whole, {w} appears {L} from {A} to {B} ({S}).",
};

static void fill(base_text *out, const char *pattern, const char *const values[128]) {
    for (; *pattern; pattern++) {
        if (*pattern == '{' && pattern[1] && pattern[2] == '}') {
            base_text_append(out, values[(unsigned char)pattern[1] & 127]);
            pattern += 2;
        } else {
            base_text_append_n(out, pattern, 1);
        }
    }
}

/* Words in which the checker, which knows the episode's categories, would not find a contradiction. */
static void choose_words(const account *a, const reason_node *episode, const affect_labels *labels,
                         base_text *out) {
    size_t n = 0;
    for (size_t i = 0; i < affect_labels_count(labels) && n < 2; i++) {
        long w = words_emotions_lookup(a->lexicon, labels->items[i].word);
        if (w >= 0 && reason_label_fit(a->g, a->lexicon, w, labels->items[i].word, episode) < 0.34)
            continue;
        base_text_printf(out, "%s%s", n ? " and " : "", labels->items[i].word);
        n++;
    }
    if (!n) base_text_append_clean(out, episode->interval->label);
}

static void put_level(base_text *out, const reason_graph *g, const reason_node *episode) {
    double v, sd;
    if (reason_episode_level(g, episode, REASON_VALENCE, &v, &sd))
        base_text_printf(out, ", valence %+.2f ± %.2f", v, sd);
    if (reason_episode_level(g, episode, REASON_AROUSAL, &v, &sd))
        base_text_printf(out, ", arousal %+.2f ± %.2f on scales from -1 to 1", v, sd);
}

static affect_status say_state(account *a, const reason_node *episode,
                               const affect_labels *labels) {
    char who[64], begin[64], t0[TIME_TEXT_SIZE], t1[TIME_TEXT_SIZE];
    base_text words = {0}, sure = {0}, text = {0};
    choose_words(a, episode, labels, &words);
    if (isfinite(episode->interval->score)) {
        base_text_append_clean(&sure, episode->interval->label);
        base_text_printf(&sure, " %.0f %%", 100 * (double)episode->interval->score);
    } else {
        base_text_append(&sure, "how sure is not known");
    }
    put_level(&sure, a->g, episode);
    const char *values[128] = {0};
    values['W'] = reason_person_title(a->g->timeline, episode->person, true, begin);
    values['w'] = reason_person_title(a->g->timeline, episode->person, false, who);
    values['A'] = clock_of(episode->t0, t0);
    values['B'] = clock_of(episode->t1, t1);
    values['L'] = words.data ? words.data : "";
    values['S'] = sure.data ? sure.data : "";
    fill(&text, STATES[a->state++ % BASE_COUNT(STATES)], values);
    if (words.failed || sure.failed) text.failed = true;
    affect_status status = say(a, AFFECT_CLAIM_STATE, AFFECT_MODALITY_FUSED, episode->person,
                               AFFECT_DIRECTION_NONE, episode->t0, episode->t1, &episode, 1, &text);
    base_text_destroy(&words);
    base_text_destroy(&sure);
    base_text_destroy(&text);
    return status;
}

/* ---- on what evidence ---- */

static bool within(const reason_node *n, const reason_node *episode) {
    if (n->apex < episode->t0 || n->apex >= BASE_MAX(episode->t1, episode->t0 + 1)) return false;
    return n->person == AFFECT_PERSON_NONE || episode->person == AFFECT_PERSON_NONE ||
           n->person == episode->person;
}

/* The strongest event of a modality in an episode that is weaker than `but`; a blink only where there
 * is nothing else. */
static const reason_node *strongest(const reason_graph *g, const reason_node *episode,
                                    affect_modality modality, const reason_node *but) {
    const reason_node *best = NULL;
    double most = 0;
    for (size_t i = 0; i < g->event_count; i++) {
        const reason_node *n = g->events[i];
        if (n->modality != modality || !within(n, episode)) continue;
        if (but && (n->strength > but->strength || (n->strength == but->strength && n <= but)))
            continue;
        double s = n->strength * (strcmp(n->event->kind, "blink") == 0 ? 0.1 : 1);
        if (s > most || (s == most && best && n < best)) {
            most = s;
            best = n;
        }
    }
    return best;
}

/* An event of nobody in particular is the person's where there is one alone. */
static int owner(const reason_graph *g, const reason_node *n) {
    if (n->person != AFFECT_PERSON_NONE) return n->person;
    return g->person_count == 1 ? g->persons[0] : AFFECT_PERSON_NONE;
}

/* "A smile", "an intensifier" */
static const char *article(const char *noun, bool begin) {
    bool vowel = strchr("aeiou", *noun) != NULL;
    return begin ? (vowel ? "An" : "A") : (vowel ? "an" : "a");
}

static affect_direction direction_of(const char *kind) {
    return strcmp(kind, "pitch_rise") == 0   ? AFFECT_DIRECTION_RISE
           : strcmp(kind, "pitch_fall") == 0 ? AFFECT_DIRECTION_FALL
                                             : AFFECT_DIRECTION_NONE;
}

static affect_status say_event(account *a, const reason_node *n) {
    static const char *const places[] = {"", "on the face", "in the voice", "in the words", ""};
    char t[TIME_TEXT_SIZE], end[TIME_TEXT_SIZE], phrase[64];
    base_text text = {0};
    const char *place = places[n->modality];
    base_clean_line(reason_kind_phrase(n->event->kind), phrase, sizeof phrase);
    int percent = (int)lround(100 * (double)n->event->strength);
    int sure = (int)lround(100 * (double)n->event->confidence);
    switch (a->turn++ % 4) {
    case 0:
        base_text_printf(&text, "%s %s %s peaks at %s (strength %d %%, confidence %d %%).",
                         article(phrase, true), phrase, place, clock_of(n->apex, t), percent, sure);
        break;
    case 1:
        base_text_printf(&text, "This rests on %s %s %s at %s (strength %d %%, confidence %d %%).",
                         article(phrase, false), phrase, place, clock_of(n->apex, t), percent,
                         sure);
        break;
    case 2:
        base_text_printf(
            &text,
            "Part of the evidence is %s %s %s from %s to %s (strength %d %%, confidence %d %%).",
            article(phrase, false), phrase, place, clock_of(n->t0, t), clock_of(n->t1, end),
            percent, sure);
        break;
    default:
        base_text_printf(&text, "There is %s %s %s at %s (strength %d %%, confidence %d %%).",
                         article(phrase, false), phrase, place, clock_of(n->apex, t), percent,
                         sure);
    }
    affect_status status = say(a, AFFECT_CLAIM_EVENT, n->modality, owner(a->g, n),
                               direction_of(n->event->kind), n->t0, n->t1, &n, 1, &text);
    base_text_destroy(&text);
    return status;
}

/* The first words of an utterance in the episode, which are evidence of what was said. */
static affect_status say_utterance(account *a, const reason_node *episode) {
    const reason_node *best = NULL;
    double most = 0.15; /* of valence; below it an utterance says little */
    for (size_t i = 0; i < a->g->count; i++) {
        const reason_node *n = &a->g->nodes[i];
        if (!n->interval || strcmp(n->tier, "utterances") != 0 || n->t0 >= episode->t1 ||
            n->t1 <= episode->t0)
            continue;
        if (n->person && episode->person && n->person != episode->person) continue;
        double v = fabs(affect_attributes_number(n->interval->attributes, "valence"));
        if (v > most) {
            most = v;
            best = n;
        }
    }
    if (!best) return AFFECT_OK;
    enum { WORDS = 8 };
    const char *label = best->interval->label;
    size_t length = 0;
    for (int w = 0; w < WORDS && label[length]; w++) {
        length += strspn(label + length, " ");
        length += strcspn(label + length, " ");
    }
    char *quote = base_utf8_clean(label, length), t[TIME_TEXT_SIZE], line[256];
    if (!quote) return base_fail_memory(a->ctx);
    for (char *c = quote; *c; c++)
        if (*c == '"') *c = '\'';
    base_text text = {0};
    double v = affect_attributes_number(best->interval->attributes, "valence");
    base_text_printf(&text, "The words \"%s\"%s, from %s on, are %s (valence %+.2f).",
                     base_clean_line(quote, line, sizeof line),
                     label[length] ? " and what follows" : "", clock_of(best->t0, t),
                     v > 0 ? "positive" : "negative", v);
    base_free(quote);
    affect_status status = say(a, AFFECT_CLAIM_EVENT, AFFECT_MODALITY_WORDS, owner(a->g, best),
                               AFFECT_DIRECTION_NONE, best->t0, best->t1, &best, 1, &text);
    base_text_destroy(&text);
    return status;
}

/* ---- what changed, and why ---- */

static affect_status say_change(account *a, const reason_node *last, const reason_node *episode) {
    static const char *const verbs[2][3] = {{"rises", "goes up", "climbs"},
                                            {"falls", "goes down", "drops"}};
    double before, now, sd, most = 0.1; /* smaller ones are called steady */
    int dimension = -1;
    for (int d = REASON_VALENCE; d <= REASON_DOMINANCE; d++)
        if (reason_episode_level(a->g, last, d, &before, &sd) &&
            reason_episode_level(a->g, episode, d, &now, &sd) && fabs(now - before) > most) {
            most = fabs(now - before);
            dimension = d;
        }
    if (dimension < 0) return AFFECT_OK;
    (void)reason_episode_level(a->g, last, dimension, &before, &sd);
    (void)reason_episode_level(a->g, episode, dimension, &now, &sd);
    bool up = now > before;
    char who[64], t[TIME_TEXT_SIZE];
    base_text text = {0};
    reason_person_title(a->g->timeline, episode->person, false, who);
    base_text_printf(&text,
                     a->turn % 2 ? "Around %s, the %s of %s %s by %.2f, from %+.2f to %+.2f."
                                 : "At about %s the %s of %s %s by %.2f, from %+.2f to %+.2f.",
                     clock_of(episode->t0, t), reason_dimension_names[dimension], who,
                     verbs[!up][a->turn % 3], fabs(now - before), before, now);
    a->turn++;
    const reason_node *nodes[] = {last, episode};
    affect_status status = say(a, AFFECT_CLAIM_CHANGE, AFFECT_MODALITY_FUSED, episode->person,
                               up ? AFFECT_DIRECTION_RISE : AFFECT_DIRECTION_FALL, last->t0,
                               episode->t1, nodes, 2, &text);
    base_text_destroy(&text);
    return status;
}

static affect_status say_cause(account *a, const reason_node *episode) {
    double score;
    const reason_node *cause = reason_cause_find(a->g, episode, &score);
    if (!cause || score * 100 < REASON_CAUSE_PERCENT) return AFFECT_OK;
    char t[TIME_TEXT_SIZE], phrase[64];
    base_text text = {0};
    if (cause->event)
        base_text_printf(
            &text, "A possible reason is the %s at %s (score %.2f).",
            base_clean_line(reason_kind_phrase(cause->event->kind), phrase, sizeof phrase),
            clock_of(cause->apex, t), score);
    else
        base_text_printf(&text, "A possible reason is what is said from %s on (score %.2f).",
                         clock_of(cause->t0, t), score);
    const reason_node *nodes[] = {cause, episode};
    affect_status status =
        say(a, AFFECT_CLAIM_CAUSE, AFFECT_MODALITY_FUSED, episode->person, AFFECT_DIRECTION_NONE,
            BASE_MIN(cause->t0, episode->t0), BASE_MAX(cause->t1, episode->t1), nodes, 2, &text);
    base_text_destroy(&text);
    return status;
}

/* ---- links ---- */

static affect_status say_link(account *a, const affect_link *link, const reason_node *x,
                              const reason_node *y) {
    static const char *const of[] = {"", "the face", "the voice", "the words", "everything"};
    char p[64], q[64], t[TIME_TEXT_SIZE], u[TIME_TEXT_SIZE];
    base_text text = {0};
    affect_claim_kind kind = AFFECT_CLAIM_CONTRADICTION;
    int person = x->person == y->person ? owner(a->g, x) : AFFECT_PERSON_NONE;
    const reason_node *third = NULL; /* the event that cites both sides */
    if (link->kind == AFFECT_LINK_CONTRADICTS) {
        for (size_t i = 0; i < a->g->timeline->link_count && !third; i++)
            if (a->g->timeline->links[i].kind == AFFECT_LINK_CITES &&
                strcmp(a->g->timeline->links[i].to, x->id) == 0)
                third = reason_graph_find(a->g, a->g->timeline->links[i].from);
        if (x->interval && y->interval) {
            base_clean_line(x->interval->label, p, sizeof p);
            base_clean_line(y->interval->label, q, sizeof q);
            base_text_printf(&text, "From %s to %s there is a contradiction: %s against %s.",
                             clock_of(x->t0, t), clock_of(x->t1, u), p, q);
        } else {
            base_text_printf(&text, "There is a contradiction between %s and %s, at %s and %s.",
                             of[x->modality], of[y->modality], clock_of(x->apex, t),
                             clock_of(y->apex, u));
        }
    } else {
        if (y->t0 < x->t0) {
            const reason_node *swap = x;
            x = y;
            y = swap;
        }
        kind = AFFECT_CLAIM_LAG;
        base_clean_line(reason_kind_phrase(x->event->kind), p, sizeof p);
        base_clean_line(reason_kind_phrase(y->event->kind), q, sizeof q);
        base_text_printf(&text, "The %s at %s comes %.2f s after the %s at %s.", q,
                         clock_of(y->apex, u), fabs(time_to_seconds(y->apex - x->apex)), p,
                         clock_of(x->apex, t));
    }
    const reason_node *nodes[] = {x, y, third};
    affect_status status =
        say(a, kind, x->modality == y->modality ? x->modality : AFFECT_MODALITY_FUSED, person,
            AFFECT_DIRECTION_NONE, BASE_MIN(x->t0, y->t0), BASE_MAX(x->t1, y->t1), nodes,
            third ? 3 : 2, &text);
    base_text_destroy(&text);
    return status;
}

/* The contradictions of an episode, and its surest match across modalities. */
static affect_status say_links(account *a, const reason_node *episode) {
    const affect_link *best = NULL;
    const reason_node *from = NULL, *to = NULL;
    affect_status status = AFFECT_OK;
    for (size_t i = 0; i < a->g->timeline->link_count && status == AFFECT_OK; i++) {
        const affect_link *l = &a->g->timeline->links[i];
        if (l->kind != AFFECT_LINK_MATCHES && l->kind != AFFECT_LINK_CONTRADICTS) continue;
        const reason_node *x = reason_graph_find(a->g, l->from),
                          *y = reason_graph_find(a->g, l->to);
        if (!x || !y || !within(x, episode) || x->modality == y->modality) continue;
        if (l->kind == AFFECT_LINK_CONTRADICTS)
            status = say_link(a, l, x, y);
        else if (x->event && y->event && (x->t0 <= y->t0) == (x->apex <= y->apex) &&
                 (!best || l->score > best->score))
            best = l, from = x, to = y;
    }
    if (best && status == AFFECT_OK) status = say_link(a, best, from, to);
    return status;
}

/* ---- the account ---- */

static affect_status explain_episode(account *a, const reason_node *episode,
                                     const char *const *allowed, size_t allowed_count) {
    affect_labels *labels = NULL;
    affect_status status =
        reason_name_episode(a->ctx, a->g, a->lexicon, episode, allowed, allowed_count, &labels);
    if (status == AFFECT_OK)
        status = reason_explanation_name(a->ctx, a->out, episode->id, episode->person, labels);
    if (status == AFFECT_OK) status = say_state(a, episode, labels);
    const reason_node *last = reason_episode_before(a->g, episode);
    if (status == AFFECT_OK && last) status = say_change(a, last, episode);
    for (affect_modality m = AFFECT_MODALITY_FACE; m <= AFFECT_MODALITY_WORDS; m++) {
        const reason_node *n = strongest(a->g, episode, m, NULL);
        for (int k = 0; n && k < 3 && status == AFFECT_OK; k++) {
            if (k == 0 || (n->strength >= 0.5 && strcmp(n->event->kind, "blink") != 0))
                status = say_event(a, n);
            n = strongest(a->g, episode, m, n);
        }
    }
    if (status == AFFECT_OK) status = say_utterance(a, episode);
    if (status == AFFECT_OK && last) status = say_cause(a, episode);
    if (status == AFFECT_OK) status = say_links(a, episode);
    return status;
}

affect_status affect_explain(affect_reasoner *reasoner, const affect_timeline *timeline,
                             const char *const *allowed, size_t allowed_count,
                             affect_explanation **out) {
    affect_context *ctx = reasoner ? reasoner->ctx : NULL;
    BASE_NEED(ctx, reasoner && timeline && out);
    reason_graph g;
    *out = NULL;
    affect_status status = reason_graph_build(reasoner, timeline, &g);
    if (status != AFFECT_OK) return status;
    const char *input = affect_timeline_property(timeline, "input");
    account a = {.ctx = ctx, .g = &g, .lexicon = reasoner->lexicon};
    char generator[64];
    snprintf(generator, sizeof generator, "affect %s", affect_version());
    status = reason_explanation_create(ctx, input, generator, &a.out);
    a.turn = hash(input ? input : "", 2166136261U) % 1000003U;
    a.state = (a.turn * 2654435761U) >> 12; /* Knuth: neighbours far apart */
    for (size_t i = 0; i < g.episode_count && status == AFFECT_OK; i++) {
        a.episode = g.episodes[i]->id;
        status = affect_context_cancelled(ctx)
                     ? base_fail(ctx, AFFECT_ERROR_CANCELLED, "interrupted")
                     : explain_episode(&a, g.episodes[i], allowed, allowed_count);
    }
    if (status == AFFECT_OK) status = reason_evidence(ctx, &g, a.out);
    reason_graph_clear(&g);
    if (status == AFFECT_OK)
        *out = a.out;
    else
        affect_explanation_destroy(a.out);
    return status;
}
