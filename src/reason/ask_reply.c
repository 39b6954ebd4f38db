/* The parts of an answer: what is said, what is cited, and how things are found. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "reason/ask.h"

static const double FITS = 0.7; /* of a label: the best, or nearly */

/* ---- putting an answer together ---- */

void reason_ask_cite(reply *r, const reason_node *n) {
    for (size_t i = 0; i < r->count; i++)
        if (strcmp(r->ids[i], n->id) == 0) return;
    if (r->count == REASON_ASK_EVIDENCE) return;
    r->ids[r->count] = base_strdup(n->id);
    if (r->ids[r->count])
        r->count++;
    else
        r->failed = true;
}

void reason_ask_refuse(reply *r, const char *why) {
    r->public.refused = 1;
    r->public.kind = "refused";
    r->public.confidence = NAN;
    base_text_clear(&r->text);
    base_text_clear(&r->value);
    base_text_printf(&r->text, "This cannot be answered: %s.", why);
    for (size_t i = 0; i < r->count; i++) base_free(r->ids[i]);
    r->count = 0;
}

void reason_ask_give(reply *r, const char *kind, double confidence, const char *value, ...) {
    va_list arguments;
    va_start(arguments, value);
    base_text_clear(&r->value);
    base_text_vprintf(&r->value, value, arguments);
    va_end(arguments);
    r->public.kind = kind;
    r->public.confidence = isfinite(confidence) ? fmax(0, fmin(1, confidence)) : 0.5;
}

void reason_ask_say(asking *a, const char *format, ...) {
    base_text line = {0};
    va_list arguments;
    va_start(arguments, format);
    base_text_vprintf(&line, format, arguments);
    va_end(arguments);
    if (a->r->text.length) base_text_append(&a->r->text, " ");
    base_text_append_clean(&a->r->text, line.data ? line.data : "");
    a->r->failed = a->r->failed || line.failed;
    base_text_destroy(&line);
}

double reason_ask_s(affect_time t) { return time_to_seconds(t); }
const char *reason_ask_title(const asking *a, int person, bool begin, char out[64]) {
    return reason_person_title(a->g->timeline, person, begin, out);
}

/* P(x > 0) of a normal with that mean and deviation: how sure a difference is. */
double reason_ask_surely(double mean, double sd) {
    return 0.5 * erfc(-fabs(mean) / (fmax(sd, 1e-6) * 1.4142135623730951));
}

double reason_ask_score_of(const asking *a, const reason_node *n) {
    if (n->event && strcmp(n->event->kind, "contradiction") == 0) {
        double least = n->event->confidence;
        for (size_t i = 0; i < 2; i++) {
            char id[80];
            snprintf(id, sizeof id, "%.70s-%c", n->id, "ab"[i]);
            const reason_node *side = reason_graph_find(a->g, id);
            if (side && side->interval) least = fmin(least, reason_ask_score_of(a, side));
        }
        return least;
    }
    if (n->event) return n->event->confidence;
    return isfinite(n->interval->score) ? (double)n->interval->score : 0.5;
}

/* ---- finding ---- */

bool reason_ask_own(const asking *a, const reason_node *n) {
    return a->q->person == AFFECT_PERSON_NONE || n->person == a->q->person ||
           (n->person == AFFECT_PERSON_NONE && a->g->person_count <= 1);
}

/* Does it lie in the window? An instant takes what is around it. */
bool reason_ask_in_window(const asking *a, const reason_node *n) {
    affect_time slack = n->event && a->q->t0 == a->q->t1 ? 500 * AFFECT_MILLISECOND : 0;
    return n->t0 <= a->q->t1 + slack && n->t1 + slack >= a->q->t0;
}

/* The episode of a person at an instant: of two that meet there, the later. */
const reason_node *reason_ask_episode_at(const asking *a, int person, affect_time t) {
    const reason_node *found = reason_episode_at(a->g, person, t);
    if (found) return found;
    affect_time best = 500 * AFFECT_MILLISECOND;
    for (size_t i = 0; i < a->g->episode_count; i++) { /* just outside one */
        const reason_node *e = a->g->episodes[i];
        if (person != AFFECT_PERSON_NONE && e->person != person) continue;
        affect_time off = t < e->t0 ? e->t0 - t : t - e->t1;
        if (off <= best) {
            best = off;
            found = e;
        }
    }
    return found;
}

bool reason_ask_is_label(const asking *a, const reason_node *e, size_t k) {
    const reason_facts *f = &a->q->facts;
    return reason_label_fit(a->g, a->lexicon, f->labels[k], f->tokens[f->label_at[k]].text, e) >=
           FITS;
}

bool reason_ask_any_label(const asking *a, const reason_node *e) {
    for (size_t k = 0; k < a->q->facts.label_count; k++)
        if (reason_ask_is_label(a, e, k)) return true;
    return false;
}

const char *reason_ask_asked_word(const asking *a, size_t k) {
    return a->q->facts.tokens[a->q->facts.label_at[k]].text;
}

/* The kind of event that is asked for: the one that does not only say when. */
const char *reason_ask_asked_kind(const asking *a) {
    const reason_facts *f = &a->q->facts;
    for (size_t i = 0; i < f->kind_count; i++)
        if (!a->q->anchor ||
            strcmp(f->kinds[i].kind, a->q->anchor_kind ? a->q->anchor_kind : "") != 0)
            return f->kinds[i].kind;
    return f->kind_count ? f->kinds[0].kind : NULL;
}

/* ---- what was observed ---- */

static bool of_person(const asking *a, int one, int person) {
    one = one ? affect_timeline_resolve_person(a->g->timeline, one) : one;
    return person == AFFECT_PERSON_NONE || one == person || (!one && a->g->person_count < 2);
}

static bool measured(const asking *a) {
    for (size_t i = 0; i < a->g->timeline->track_count; i++) {
        const affect_modality m = a->g->timeline->tracks[i]->modality;
        if (m == AFFECT_MODALITY_FACE || m == AFFECT_MODALITY_VOICE || m == AFFECT_MODALITY_WORDS)
            return true;
    }
    return false;
}

bool reason_ask_observed(const asking *a, int person, affect_modality modality) {
    const affect_timeline *t = a->g->timeline;
    for (size_t i = 0; i < t->track_count; i++) {
        const affect_track *track = t->tracks[i];
        /* What a microphone took is nobody's voice yet: only what is somebody's counts. */
        if (track->modality == modality && track->rows &&
            (track->person || modality == AFFECT_MODALITY_FACE) &&
            of_person(a, track->person, person))
            return true;
    }
    for (size_t i = 0; i < a->g->count; i++)
        if (a->g->nodes[i].modality == modality && of_person(a, a->g->nodes[i].person, person))
            return true;
    return !measured(a);
}

/* Is the face in the pictures of the window? Without a track of it nobody can say: yes. */
static bool face_there(const asking *a, int person) {
    const affect_timeline *t = a->g->timeline;
    const affect_time slack = AFFECT_SECOND / 2;
    bool tracked = false;
    for (size_t i = 0; i < t->track_count; i++) {
        const affect_track *track = t->tracks[i];
        if (track->modality != AFFECT_MODALITY_FACE || !of_person(a, track->person, person))
            continue;
        tracked = true;
        for (size_t k = track_row_at(track, a->q->t0 - slack); k < track->rows; k++) {
            if (track->times[k] > a->q->t1 + slack) break;
            if (track->times[k] >= a->q->t0 - slack && track->confidence[k] > 0) return true;
        }
    }
    return !tracked;
}

affect_modality reason_ask_modality_of(const char *kind) {
    if (REASON_IS(kind, "smile", "brow_raise", "brow_furrow", "blink", "micro_expression"))
        return AFFECT_MODALITY_FACE;
    if (REASON_IS(kind, "pause", "pitch_rise", "pitch_fall", "emphasis"))
        return AFFECT_MODALITY_VOICE;
    if (REASON_IS(kind, "negation", "intensifier", "swearing")) return AFFECT_MODALITY_WORDS;
    return AFFECT_MODALITY_NONE;
}

/* A choice that the kind of question does not make: an answer to something else would be wrong. */
static const char *unchosen(const asking *a) {
    const reason_question *q = a->q;
    const reason_facts *f = &q->facts;
    if (q->yes_no && !q->same && (q->kind == REASON_ASK_STATE || q->kind == REASON_ASK_EVENT)) {
        const size_t n = f->token_count;
        for (size_t i = 0; i < n; i++) /* "they all", not "at all", "all the time" */
            if (REASON_IS(f->tokens[i].text, "everyone", "everybody", "both", "each") ||
                (strcmp(f->tokens[i].text, "all") == 0 && i &&
                 REASON_IS(f->tokens[i - 1].text, "they", "them", "are", "were", "do", "did",
                           "people")))
                return "it asks of all at once: ask of each";
        for (size_t i = 0; i + 1 < n; i++)
            if ((REASON_IS(f->tokens[i].text, "all", "whole", "entire") &&
                 REASON_IS(f->tokens[i + 1].text, "the", "time", "recording", "video", "clip") &&
                 !REASON_IS(i ? f->tokens[i - 1].text : "", "at", "in", "over")) ||
                REASON_IS(f->tokens[i].text, "constantly", "throughout"))
                return "whether it holds all the time is not answered: ask for its share";
        if (n && REASON_IS(f->tokens[n - 1].text, "first", "last") &&
            (f->kind_count || f->label_count))
            return "it asks for a place among others: ask who does it first or last";
    }
    bool laughs = false;
    for (size_t i = 0; i < a->g->event_count; i++)
        laughs = laughs || strcmp(a->g->events[i]->event->kind, "laughter") == 0;
    for (size_t i = 0; i < f->kind_count; i++)
        if (!laughs && strcmp(f->kinds[i].kind, "laughter") == 0 && measured(a))
            return "laughter is known only where a transcript notes it, and none does here";
    if (!q->person && f->person_count > 1 && THERE(a, "than") && q->kind != REASON_ASK_COMPARE &&
        q->kind != REASON_ASK_ORDER && q->kind != REASON_ASK_LAG)
        return "by how much persons differ is not answered: ask who is more so";
    if (!f->kind_count) return NULL;
    if (q->kind == REASON_ASK_COUNT && THERE(a, "longer", "shorter", "stronger", "weaker", "than"))
        return "only all of them are counted, not those of some length or strength";
    if (reason_ask_picks(a) && q->kind != REASON_ASK_EVENT && q->kind != REASON_ASK_WHO &&
        q->kind != REASON_ASK_DURATION && q->kind != REASON_ASK_CHANGE &&
        q->kind != REASON_ASK_SPEECH)
        return "one by its length or strength is found alone (\"when is the longest pause\"), not "
               "counted, compared or put in order";
    if (q->kind == REASON_ASK_EVENT && THERE(a, "longer", "shorter", "stronger", "weaker", "than"))
        return "events are compared by how often persons do it, not one with another";
    if (q->kind == REASON_ASK_EVENT && q->yes_no && THERE(a, "long", "short"))
        return "how long is long is not said: ask how long it lasts";
    if (q->kind == REASON_ASK_EVENT && reason_ask_picks(a) && q->order)
        return "it asks for one by its place and by its size: ask for either";
    return NULL;
}

/* What was never seen or heard is not absent: neither "no" nor a state of everything together answers it. */
const char *reason_ask_out_of_sight(const asking *a) {
    const reason_facts *f = &a->q->facts;
    bool asked[AFFECT_MODALITY_FUSED + 1] = {false};
    asked[AFFECT_MODALITY_FACE] = f->modality[AFFECT_MODALITY_FACE] || THERE(a, "visible");
    asked[AFFECT_MODALITY_VOICE] =
        f->modality[AFFECT_MODALITY_VOICE] || THERE(a, "pitch", "intonation", "loud*");
    for (size_t i = 0; i < f->kind_count; i++)
        if (!a->q->anchor_kind || strcmp(a->q->anchor_kind, f->kinds[i].kind) != 0)
            asked[reason_ask_modality_of(f->kinds[i].kind)] = true;
    const char *choice = unchosen(a);
    if (choice) return choice;
    for (size_t i = 0; i < BASE_MAX(f->person_count, 1); i++) {
        const int person = f->person_count
                               ? affect_timeline_resolve_person(a->g->timeline, f->persons[i])
                               : a->q->person;
        if (asked[AFFECT_MODALITY_FACE] && !reason_ask_observed(a, person, AFFECT_MODALITY_FACE))
            return person && a->g->person_count > 1 ? "no face of that person was seen"
                                                    : "no face was seen";
        if (asked[AFFECT_MODALITY_VOICE] && !reason_ask_observed(a, person, AFFECT_MODALITY_VOICE))
            return person && a->g->person_count > 1 ? "no voice of that person was heard"
                                                    : "no voice was heard";
        if (asked[AFFECT_MODALITY_WORDS] && !reason_ask_observed(a, person, AFFECT_MODALITY_WORDS))
            return "no words of that person were recognised";
        if (asked[AFFECT_MODALITY_FACE] && a->q->timed && !a->q->anchor && !face_there(a, person))
            return "no face is seen at that time";
    }
    return NULL;
}

/* ---- states ---- */

/* "angry" for "anger", where a label is a category's noun. */
const char *reason_ask_adjective(const char *label) {
    static const char *const forms[][2] = {{"happiness", "happy"},      {"surprise", "surprised"},
                                           {"sadness", "sad"},          {"anger", "angry"},
                                           {"disgust", "disgusted"},    {"fear", "afraid"},
                                           {"contempt", "contemptuous"}};
    for (size_t i = 0; i < BASE_COUNT(forms); i++)
        if (strcmp(label, forms[i][0]) == 0) return forms[i][1];
    return label;
}

void reason_ask_say_state(asking *a, const reason_node *e) {
    char who[64];
    reason_ask_say(a, "%s appears %s from %.1f s to %.1f s (%.0f %%) [%s].",
                   reason_ask_title(a, e->person, true, who),
                   reason_ask_adjective(e->interval->label), reason_ask_s(e->t0),
                   reason_ask_s(e->t1), 100 * reason_ask_score_of(a, e), e->id);
    reason_ask_cite(a->r, e);
}

/* What the question says of a level, as a sign: +1 "positive", -1 "negative", 0 nothing. */
int reason_ask_asked_sign(const asking *a) {
    for (size_t i = 0; i < a->q->facts.token_count; i++) {
        const char *w = a->q->facts.tokens[i].text;
        if (REASON_IS(w, "positive", "pleasant")) return 1;
        if (REASON_IS(w, "negative", "unpleasant")) return -1;
    }
    return 0;
}

int reason_ask_asked_dimension(const asking *a) {
    for (size_t i = 0; i < a->q->facts.token_count; i++) {
        const reason_token *t = &a->q->facts.tokens[i];
        if (t->quoted) continue;
        if (REASON_IS(t->text, "pitch", "intonation")) return REASON_PITCH;
        if (REASON_IS(t->text, "voice", "tone") && a->q->of_voice) return REASON_PITCH;
        if (REASON_IS(t->text, "loudness", "volume", "louder")) return REASON_LOUDNESS;
    }
    for (size_t i = 0; i < a->q->facts.token_count; i++)
        for (int d = REASON_VALENCE; d <= REASON_DOMINANCE; d++)
            if (strcmp(a->q->facts.tokens[i].text, reason_dimension_names[d]) == 0) return d;
    return -1;
}

/* ---- events ---- */

void reason_ask_say_event(asking *a, const reason_node *n) {
    char who[64];
    if (n->person)
        reason_ask_say(a, "There is a %s of %s from %.1f s to %.1f s (confidence %.0f %%) [%s].",
                       reason_kind_phrase(n->event->kind),
                       reason_ask_title(a, n->person, false, who), reason_ask_s(n->t0),
                       reason_ask_s(n->t1), 100 * reason_ask_score_of(a, n), n->id);
    else
        reason_ask_say(a, "There is a %s from %.1f s to %.1f s (confidence %.0f %%) [%s].",
                       reason_kind_phrase(n->event->kind), reason_ask_s(n->t0), reason_ask_s(n->t1),
                       100 * reason_ask_score_of(a, n), n->id);
    reason_ask_cite(a->r, n);
}

bool reason_ask_asked_event(const asking *a, const reason_node *n, const char *kind) {
    return strcmp(n->event->kind, kind) == 0 && reason_ask_own(a, n) &&
           (!a->q->timed || reason_ask_in_window(a, n)) && n != a->q->anchor;
}

/* The n-th (1 first, -1 last) event of a kind in the window. */
const reason_node *reason_ask_nth_event(const asking *a, const char *kind, int n) {
    const reason_node *found = NULL;
    int seen = 0;
    for (size_t i = 0; i < a->g->event_count; i++) {
        if (!reason_ask_asked_event(a, a->g->events[i], kind)) continue;
        if (++seen == n) return a->g->events[i];
        found = a->g->events[i];
    }
    return n < 0 ? found : NULL;
}

static int picks_length(const asking *a) {
    const char *kind = reason_ask_asked_kind(a);
    const bool pause = kind && strcmp(kind, "pause") == 0;
    if (THERE(a, "longest", "longest-lasting")) return 1;
    if (THERE(a, "shortest", "briefest")) return -1;
    if (pause && THERE(a, "biggest", "largest", "greatest")) return 1;
    return pause && THERE(a, "smallest") ? -1 : 0;
}

static int picks_strength(const asking *a) {
    if (THERE(a, "strongest", "biggest", "largest", "greatest", "broadest", "widest", "brightest",
              "clearest"))
        return 1;
    if (THERE(a, "weakest", "smallest", "slightest", "faintest")) return -1;
    if (THERE(a, "most", "least") && THERE(a, "intens*", "pronounced", "marked", "strongly"))
        return THERE(a, "most") ? 1 : -1;
    return 0;
}

bool reason_ask_picks(const asking *a) { return picks_length(a) || picks_strength(a); }

const reason_node *reason_ask_chosen(const asking *a, const char *kind) {
    const int length = picks_length(a), strength = length ? 0 : picks_strength(a);
    const reason_node *best = NULL;
    double most = 0;
    if (!length && !strength)
        return a->q->order ? reason_ask_nth_event(a, kind, a->q->order) : NULL;
    for (size_t i = 0; i < a->g->event_count; i++) {
        const reason_node *n = a->g->events[i];
        if (!reason_ask_asked_event(a, n, kind)) continue;
        const double x =
            length ? length * reason_ask_s(n->t1 - n->t0) : strength * (double)n->event->strength;
        if (!best || x > most) best = n, most = x;
    }
    return best;
}

bool reason_ask_there(const asking *a, const char *const *list) {
    for (size_t i = 0; i < a->q->facts.token_count; i++)
        if (!a->q->facts.tokens[i].quoted && reason_is(a->q->facts.tokens[i].text, list))
            return true;
    return false;
}

const affect_tier *reason_ask_speech(const asking *a) {
    const affect_tier *u = affect_timeline_find_tier(a->g->timeline, "utterances");
    return u && u->count ? u : affect_timeline_find_tier(a->g->timeline, "speaking");
}
