/* Answers about levels: valence, arousal and dominance on the trajectory, pitch and loudness while the person speaks. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "reason/ask.h"

/* "+4.8 semitones", "+0.40": pitch and loudness have units, the others run from -1 to 1. */
static const char *unit_of(int dimension) {
    return dimension == REASON_PITCH ? " semitones" : dimension == REASON_LOUDNESS ? " dB" : "";
}

static double hertz(double semitones) { return 100 * pow(2, semitones / 12); }

void reason_ask_put_level(int dimension, double level, char out[32]) {
    if (dimension == REASON_PITCH)
        snprintf(out, 32, "%.0f Hz", hertz(level));
    else if (dimension == REASON_LOUDNESS)
        snprintf(out, 32, "%.1f dB", level);
    else
        snprintf(out, 32, "%+.2f", level);
}

int reason_ask_voices(const asking *a, int *sign) {
    const bool voice = THERE(a, "voice", "voices", "tone", "sound*", "speak*", "spoke", "talk*",
                             "pitch", "intonation");
    *sign = 1;
    if (!voice && !THERE(a, "louder", "loudest", "loudness", "volume")) return -1;
    if (THERE(a, "faster", "fastest", "slower", "slowest", "quicker", "quickest", "fast", "slowly"))
        return -2;
    if (THERE(a, "louder", "loudest", "loudness", "volume", "loudly")) return REASON_LOUDNESS;
    if (THERE(a, "softer", "softest", "quieter", "quietest", "softly", "quietly")) {
        *sign = -1;
        return REASON_LOUDNESS;
    }
    if (THERE(a, "deeper", "deepest", "deep")) {
        *sign = -1;
        return REASON_PITCH;
    }
    return THERE(a, "higher", "highest", "lower", "lowest", "high", "low") &&
                   THERE(a, "voice", "voices", "tone", "sound*", "pitch", "intonation", "speak*",
                         "talk*") &&
                   !THERE(a, "valence", "arousal", "dominance", "mood*", "often")
               ? REASON_PITCH
               : -1;
}

static bool of_voice(int dimension) { return dimension >= REASON_PITCH; }

static bool episode_level(const asking *a, const reason_node *e, int dimension, double *mean,
                          double *sd) {
    return of_voice(dimension) ? reason_level(a->g, e->person, AFFECT_MODALITY_FUSED, dimension,
                                              e->t0, e->t1, mean, sd)
                               : reason_episode_level(a->g, e, dimension, mean, sd);
}

/* Whose level it is: with several persons and none named it is nobody's. */
static bool whose(asking *a, int *person) {
    *person = a->q->person;
    if (*person == AFFECT_PERSON_NONE && a->g->person_count == 1) *person = a->g->persons[0];
    if (*person != AFFECT_PERSON_NONE || a->g->person_count < 2) return true;
    reason_ask_refuse(a->r, "there are several persons, and it does not say of whom");
    return false;
}

static void cite_speech(asking *a, int person, affect_time t0, affect_time t1) {
    const affect_tier *u = reason_ask_speech(a);
    for (size_t i = 0; u && i < u->count && a->r->count < 4; i++) {
        const reason_node *n = reason_graph_find(a->g, u->items[i].id);
        if (n && n->t0 < t1 && n->t1 > t0 && (!person || !n->person || n->person == person))
            reason_ask_cite(a->r, n);
    }
}

/* ---- a level ---- */

/* "How positive", "how strongly aroused": the level that an adjective after "how" asks for; -1: none. */
static int level_asked(const asking *a) {
    const reason_facts *f = &a->q->facts;
    for (size_t i = 0; i + 1 < f->token_count; i++) {
        if (strcmp(f->tokens[i].text, "how") != 0) continue;
        const char *w = f->tokens[i + 1].text;
        if (i + 2 < f->token_count && REASON_IS(w, "strongly", "very", "much"))
            w = f->tokens[i + 2].text;
        if (REASON_IS(w, "positive*", "negative*", "pleasant*", "unpleasant*"))
            return REASON_VALENCE;
        if (REASON_IS(w, "aroused", "activated", "energetic", "agitated")) return REASON_AROUSAL;
        if (REASON_IS(w, "dominant")) return REASON_DOMINANCE;
        if (REASON_IS(w, "high", "low", "deep") && a->q->of_voice) return REASON_PITCH;
        if (REASON_IS(w, "loud")) return REASON_LOUDNESS;
    }
    return -1;
}

static bool by_sign(const asking *a) {
    return reason_ask_asked_sign(a) && !a->q->facts.label_count && (a->q->yes_no || a->q->either);
}

bool reason_ask_for_level(const asking *a) {
    return level_asked(a) >= 0 || reason_ask_asked_dimension(a) >= 0 || by_sign(a);
}

void reason_ask_level(asking *a) {
    double mean, sd;
    char who[64];
    const reason_question *q = a->q;
    int dimension = level_asked(a), sign = 0;
    if (dimension < 0) {
        sign = reason_ask_asked_sign(a);
        dimension = reason_ask_asked_dimension(a);
        if (dimension < 0) dimension = REASON_VALENCE;
    }
    const reason_node *e = reason_ask_episode_at(a, q->person, (q->t0 + q->t1) / 2);
    affect_time t0 = q->t0, t1 = q->t1;
    int person = q->person ? q->person : e ? e->person : AFFECT_PERSON_NONE;
    if (of_voice(dimension) && !whose(a, &person)) return;
    if (t1 - t0 < AFFECT_SECOND) t0 -= AFFECT_SECOND / 2, t1 += AFFECT_SECOND / 2;
    if (!reason_level(a->g, person, AFFECT_MODALITY_FUSED, dimension, t0, t1, &mean, &sd) &&
        (of_voice(dimension) || !(e && reason_episode_level(a->g, e, dimension, &mean, &sd)))) {
        reason_ask_refuse(a->r, "the timeline has no level there");
        return;
    }
    if (e && !of_voice(dimension)) reason_ask_cite(a->r, e);
    reason_ask_title(a, person, false, who);
    if (dimension == REASON_PITCH) {
        reason_ask_give(a->r, "state", 0.68, "%.0f", hertz(mean));
        reason_ask_say(a, "The pitch of %s is %.0f Hz %s.", who, hertz(mean),
                       q->timed ? "there" : "on average");
        cite_speech(a, person, t0, t1);
        return;
    }
    if (dimension == REASON_LOUDNESS) {
        reason_ask_give(a->r, "state", 0.68, "%.1f", mean);
        reason_ask_say(a, "The loudness of %s is %.1f dB of full scale %s.", who, mean,
                       q->timed ? "there" : "on average");
        cite_speech(a, person, t0, t1);
        return;
    }
    if (sign && q->yes_no)
        reason_ask_give(a->r, "state", reason_ask_surely(mean, sd), "%s",
                        mean * sign > 0 ? "yes" : "no");
    else if (sign && q->either)
        reason_ask_give(a->r, "state", reason_ask_surely(mean, sd), "%s",
                        mean > 0 ? "positive" : "negative");
    else
        reason_ask_give(a->r, "state", 0.68, "%+.2f", mean); /* one deviation to both sides */
    reason_ask_say(a, "The %s of %s is %+.2f ± %.2f%s there.", reason_dimension_names[dimension],
                   who, mean, sd, unit_of(dimension));
}

/* ---- a trend ---- */

/* The stretch that a trend is asked about: what is said or happens "while", a window, what surrounds an instant. */
static void stretch(const asking *a, int dimension, affect_time *t0, affect_time *t1) {
    const reason_question *q = a->q;
    *t0 = q->t0;
    *t1 = q->t1;
    if (q->anchor && !q->after) *t0 = q->anchor->t0, *t1 = q->anchor->t1;
    /* What a voice does while words are said is heard in them, however short they are. */
    const bool words = of_voice(dimension) && q->anchor && q->anchor->interval && !q->after;
    if (*t1 - *t0 < AFFECT_SECOND && !words) *t0 -= 2 * AFFECT_SECOND, *t1 += 2 * AFFECT_SECOND;
    *t0 = BASE_MAX(*t0, 0);
    if (q->end > 0) *t1 = BASE_MIN(*t1, q->end);
}

/* A level at the begin and at the end of a stretch; *mixed: its halves go another way than its ends do. */
static bool ends(const asking *a, int person, int dimension, affect_time t0, affect_time t1,
                 double *delta, bool *mixed) {
    double early, late, sd;
    affect_time middle = (t0 + t1) / 2;
    *mixed = false;
    if (!reason_change(a->g, person, AFFECT_MODALITY_FUSED, dimension, t0, t1, delta)) return false;
    if (reason_level(a->g, person, AFFECT_MODALITY_FUSED, dimension, t0, middle, &early, &sd) &&
        reason_level(a->g, person, AFFECT_MODALITY_FUSED, dimension, middle, t1, &late, &sd))
        *mixed = fabs(late - early) >= reason_moved(dimension) && (late - early) * *delta < 0;
    return true;
}

/* How a trend is said: pitch with both its ends in hertz. */
static void say_trend(asking *a, int person, int dimension, affect_time t0, affect_time t1,
                      double delta, affect_direction real) {
    char who[64];
    const char *verb = real == AFFECT_DIRECTION_RISE   ? "rises"
                       : real == AFFECT_DIRECTION_FALL ? "falls"
                                                       : "is steady";
    double mean, sd;
    if (person)
        reason_ask_say(a, "The %s of %s %s from %.1f s to %.1f s: it changes by %+.*f%s",
                       reason_dimension_names[dimension], reason_ask_title(a, person, false, who),
                       verb, reason_ask_s(t0), reason_ask_s(t1), of_voice(dimension) ? 1 : 2, delta,
                       unit_of(dimension));
    else
        reason_ask_say(a, "The %s %s from %.1f s to %.1f s: it changes by %+.*f%s",
                       reason_dimension_names[dimension], verb, reason_ask_s(t0), reason_ask_s(t1),
                       of_voice(dimension) ? 1 : 2, delta, unit_of(dimension));
    if (dimension == REASON_PITCH &&
        reason_level(a->g, person, AFFECT_MODALITY_FUSED, dimension, t0, t1, &mean, &sd))
        base_text_printf(&a->r->text, " around %.0f Hz", hertz(mean));
    base_text_append(&a->r->text, ".");
}

void reason_ask_trend(asking *a, int dimension, affect_direction d) {
    affect_time t0, t1;
    int person;
    double delta = 0, x, y, sx = 0, sy = 0;
    bool mixed = false;
    if (dimension < 0) dimension = REASON_VALENCE;
    if (!whose(a, &person)) return;
    stretch(a, dimension, &t0, &t1);
    const reason_node *first = reason_ask_episode_at(a, person, t0),
                      *last = reason_ask_episode_at(a, person, t1);
    if (!ends(a, person, dimension, t0, t1, &delta, &mixed)) {
        if (of_voice(dimension) || !first || !last ||
            !reason_episode_level(a->g, first, dimension, &x, &sx) ||
            !reason_episode_level(a->g, last, dimension, &y, &sy)) {
            reason_ask_refuse(a->r, "the timeline has no level there");
            return;
        }
        delta = y - x;
    } else if (first && !of_voice(dimension)) {
        (void)(reason_episode_level(a->g, first, dimension, &x, &sx) && last &&
               reason_episode_level(a->g, last, dimension, &y, &sy));
    }
    if (mixed) {
        reason_ask_refuse(a->r, "it goes up and down there: ask about a shorter stretch");
        return;
    }
    /* Of a voice, what may be said to have moved has: a question is no claim that is doubted. */
    double least = of_voice(dimension) ? reason_moved(dimension) : reason_steady(dimension);
    affect_direction real = delta >= least    ? AFFECT_DIRECTION_RISE
                            : delta <= -least ? AFFECT_DIRECTION_FALL
                                              : AFFECT_DIRECTION_STEADY;
    if (of_voice(dimension)) {
        sx = reason_moved(dimension);
        cite_speech(a, person, t0, t1);
    } else {
        if (first) reason_ask_cite(a->r, first);
        if (last) reason_ask_cite(a->r, last);
    }
    say_trend(a, person, dimension, t0, t1, delta, real);
    double sure = reason_ask_surely(delta, hypot(sx, sy));
    if (of_voice(dimension)) { /* a pitch may be mistaken, and the words be another's */
        sure = fmin(sure, 0.9);
        for (size_t i = 0; i < a->r->count; i++) {
            const reason_node *n = reason_graph_find(a->g, a->r->ids[i]);
            if (n) sure = fmin(sure, reason_ask_score_of(a, n));
        }
    }
    if (a->q->yes_no && d != AFFECT_DIRECTION_NONE)
        reason_ask_give(a->r, "change", sure, "%s", d == real ? "yes" : "no");
    else if (a->q->yes_no)
        reason_ask_give(a->r, "change", sure, "%s", real == AFFECT_DIRECTION_STEADY ? "no" : "yes");
    else
        reason_ask_give(a->r, "change", sure, "%s", affect_direction_name(real));
}

/* ---- the highest, and one time against another ---- */

typedef struct scale {
    int dimension, sign; /* sign: which end is asked for */
    bool label;          /* only episodes that the label fits */
} scale;

/* Which end of which level a word asks for; false: none. */
static bool word_scale(const char *w, scale *out) {
    static const struct {
        const char *words[14];
        int dimension, sign;
    } rows[] = {
        {{"valence", "mood*", "positiv*", "pleasant", "cheerful*"}, REASON_VALENCE, 1},
        {{"negativ*", "unpleasant"}, REASON_VALENCE, -1},
        {{"arousal", "aroused", "activat*", "energetic", "agitat*", "excit*", "animated", "lively",
          "livelier", "liveliest"},
         REASON_AROUSAL,
         1},
        {{"calm", "calmer", "calmest", "relaxed"}, REASON_AROUSAL, -1},
        {{"dominan*"}, REASON_DOMINANCE, 1},
        {{"pitch", "intonation", "voice"}, REASON_PITCH, 1},
        {{"louder", "loudest", "loud", "volume", "loudness"}, REASON_LOUDNESS, 1},
    };
    for (size_t i = 0; i < BASE_COUNT(rows); i++)
        if (reason_is(w, rows[i].words)) {
            *out = (scale){rows[i].dimension, rows[i].sign, false};
            return true;
        }
    return false;
}

static bool find_scale(const asking *a, scale *out) {
    const reason_facts *f = &a->q->facts;
    bool found = false;
    for (size_t i = 0; i < f->token_count && !found; i++)
        found = !f->tokens[i].quoted && word_scale(f->tokens[i].text, out);
    if (!found && f->label_count && f->labels[0] >= 0) {
        const words_emotion_word *w = words_emotions_at(a->lexicon, (size_t)f->labels[0]);
        const char *category =
            w->family_count ? words_emotions_family(a->lexicon, w->families[0].family)->category
                            : "";
        *out = (scale){REASON_VALENCE, 1, true};
        if (strcmp(category, "sadness") == 0 || strcmp(category, "disgust") == 0)
            out->sign = -1;
        else if (strcmp(category, "happiness") != 0)
            out->dimension = REASON_AROUSAL;
        found = true;
    }
    if (!found) return false;
    if (THERE(a, "less", "least", "lower", "lowest", "worse", "worst", "minimum", "minimal", "low"))
        out->sign = -out->sign;
    return true;
}

/* How the stretch of an episode or utterance is called in a sentence: "(+0.65 ± 0.08)". */
static void say_peak(asking *a, const reason_node *n, const scale *s, double mean, double sd) {
    char who[64], level[64];
    if (s->dimension == REASON_PITCH)
        snprintf(level, sizeof level, "%.0f Hz", hertz(mean));
    else
        snprintf(level, sizeof level, "%+.2f ± %.2f%s", mean, sd, unit_of(s->dimension));
    reason_ask_say(a, "The %s of %s is %s from %.1f s to %.1f s (%s",
                   reason_dimension_names[s->dimension], reason_ask_title(a, n->person, false, who),
                   s->sign > 0 ? "highest" : "lowest", reason_ask_s(n->t0), reason_ask_s(n->t1),
                   level);
    if (reason_is_episode(n))
        base_text_printf(&a->r->text, ", %s", reason_ask_adjective(n->interval->label));
    base_text_append(&a->r->text, ") [");
    base_text_append_clean(&a->r->text, n->id);
    base_text_append(&a->r->text, "].");
    reason_ask_cite(a->r, n);
}

/* The trajectory's own highest or lowest value in the window, which an episode's mean does not reach. */
static bool track_peak(const asking *a, int person, const scale *s, affect_time *at, double *level,
                       double *sd, double *next) {
    static const char *const channels[] = {"valence", "arousal", "dominance"};
    static const char *const deviations[] = {"valence_sd", "arousal_sd", "dominance_sd"};
    const affect_track *track =
        timeline_role(a->g->timeline, TRACK_ROLE_TRAJECTORY, AFFECT_MODALITY_FUSED, person);
    if (!track && a->g->person_count < 2)
        track = timeline_role(a->g->timeline, TRACK_ROLE_TRAJECTORY, AFFECT_MODALITY_FUSED,
                              AFFECT_PERSON_NONE);
    const size_t c = affect_track_find_channel(track, channels[s->dimension]);
    const size_t d = affect_track_find_channel(track, deviations[s->dimension]);
    const affect_time apart = 2 * AFFECT_SECOND;
    bool found = false;
    if (!track || c == AFFECT_CHANNEL_NONE) return false;
    for (int pass = 0; pass < 2; pass++) /* then the highest that is somewhere else */
        for (size_t i = track_row_at(track, a->q->t0);
             i < track->rows && track->times[i] <= a->q->t1; i++) {
            const float *row = track->values + i * track->channel_count;
            if (track->times[i] < a->q->t0 || !(track->confidence[i] > 0) || !isfinite(row[c]))
                continue;
            const double x = row[c];
            if (pass) {
                if (track->times[i] < *at - apart || track->times[i] > *at + apart)
                    *next = fmax(*next, s->sign * x);
            } else if (!found || s->sign * x > s->sign * *level) {
                found = true;
                *level = x;
                *at = track->times[i];
                *sd = d != AFFECT_CHANNEL_NONE && isfinite(row[d]) ? (double)row[d] : 0.1;
            }
        }
    return found;
}

/* Of a dimension that is named, by the trajectory; false: it has none, and episodes answer. */
static bool extreme_of_track(asking *a, const scale *s) {
    int person = a->q->person;
    affect_time at = 0, one_at = 0;
    double level = 0, sd = 0, next = -INFINITY, one, one_sd, one_next;
    bool found = false;
    char who[64];
    const size_t n = person ? 1 : BASE_MAX(a->g->person_count, 1);
    for (size_t i = 0; i < n; i++) {
        const int p = a->q->person         ? a->q->person
                      : a->g->person_count ? a->g->persons[i]
                                           : AFFECT_PERSON_NONE;
        one_next = -INFINITY;
        if (!track_peak(a, p, s, &one_at, &one, &one_sd, &one_next)) continue;
        if (!found || s->sign * one > s->sign * level) {
            next = fmax(one_next, found ? s->sign * level : -INFINITY);
            found = true;
            level = one, sd = one_sd, at = one_at, person = p;
        } else {
            next = fmax(next, s->sign * one);
        }
    }
    if (!found) return false;
    const reason_node *e = reason_ask_episode_at(a, person, at);
    if (!e) return false;
    reason_ask_say(a, "The %s of %s is %s at %.1f s: %+.2f ± %.2f (%s) [%s].",
                   reason_dimension_names[s->dimension], reason_ask_title(a, person, false, who),
                   s->sign > 0 ? "highest" : "lowest", reason_ask_s(at), level, sd,
                   reason_ask_adjective(e->interval->label), e->id);
    reason_ask_cite(a->r, e);
    if (THERE(a, "when", "where", "moment", "time", "point") ||
        strcmp(a->q->facts.tokens[0].text, "at") == 0)
        reason_ask_give(a->r, "extreme",
                        isfinite(next) ? reason_ask_surely(s->sign * level - next, sqrt(2) * sd)
                                       : 0.7,
                        "%.1f", reason_ask_s(at));
    else
        reason_ask_give(a->r, "extreme", 0.68, "%+.2f", level);
    return true;
}

void reason_ask_extreme(asking *a) {
    scale s;
    const reason_node *best = NULL;
    double top = -INFINITY, next = -INFINITY, top_mean = 0, top_sd = 0;
    if (!find_scale(a, &s)) {
        reason_ask_refuse(a->r, "it does not say of which level");
        return;
    }
    const bool which = THERE(a, "when", "where", "moment", "time", "point", "which") ||
                       strcmp(a->q->facts.tokens[0].text, "at") == 0;
    if (!s.label && !of_voice(s.dimension) &&
        (!which || THERE(a, "valence", "arousal", "dominance")) && extreme_of_track(a, &s))
        return;
    bool least = s.label && THERE(a, "least");
    const affect_tier *u = of_voice(s.dimension) ? reason_ask_speech(a) : NULL;
    size_t n = of_voice(s.dimension) ? (u ? u->count : 0) : a->g->episode_count;
    if (least && s.dimension != REASON_VALENCE) {
        reason_ask_refuse(a->r,
                          "of that emotion the timeline knows where it is, not where it is least");
        return;
    }
    for (size_t i = 0; i < n; i++) {
        const reason_node *e = u ? reason_graph_find(a->g, u->items[i].id) : a->g->episodes[i];
        double mean, sd;
        if (!e || !reason_ask_own(a, e) || (a->q->timed && !reason_ask_in_window(a, e))) continue;
        if (s.label && !least && !reason_ask_any_label(a, e)) continue;
        if (!episode_level(a, e, s.dimension, &mean, &sd)) continue;
        if (s.sign * mean > top) {
            next = top;
            top = s.sign * mean, top_mean = mean, top_sd = sd, best = e;
        } else if (s.sign * mean > next) {
            next = s.sign * mean;
        }
    }
    if (!best && s.label) {
        reason_ask_say(a, "Nothing in the timeline is called %s there.",
                       reason_ask_asked_word(a, 0));
        reason_ask_give(a->r, "extreme", 0.6, "never");
        return;
    }
    if (!best) {
        reason_ask_refuse(a->r, "the timeline has no level there");
        return;
    }
    double sure = isfinite(next) ? reason_ask_surely(top - next, sqrt(2) * top_sd) : 0.9;
    if (of_voice(s.dimension)) sure = 0.7;
    if (s.label && !least) reason_ask_say_state(a, best);
    say_peak(a, best, &s, top_mean, top_sd);
    if (THERE(a, "when", "where", "moment", "time", "point", "which") ||
        strcmp(a->q->facts.tokens[0].text, "at") == 0)
        reason_ask_give(a->r, "extreme", sure, "%.1f", reason_ask_s(best->t0));
    else if (s.dimension == REASON_PITCH)
        reason_ask_give(a->r, "extreme", sure, "%.0f", hertz(top_mean));
    else
        reason_ask_give(a->r, "extreme", sure, "%+.2f", top_mean);
}

/* Begin, middle or end of what the timeline knows of the person, half a second from its edge. */
static affect_time place_of(const asking *a, int person, int place) {
    affect_time t0 = AFFECT_TIME_NONE, t1 = AFFECT_TIME_NONE;
    for (size_t i = 0; i < a->g->episode_count; i++) {
        const reason_node *e = a->g->episodes[i];
        if (person && e->person && e->person != person) continue;
        if (t0 == AFFECT_TIME_NONE || e->t0 < t0) t0 = e->t0;
        if (t1 == AFFECT_TIME_NONE || e->t1 > t1) t1 = e->t1;
    }
    if (t0 == AFFECT_TIME_NONE) t0 = 0, t1 = a->q->end;
    const affect_time edge = BASE_MIN(AFFECT_SECOND / 2, (t1 - t0) / 2);
    return place == 0 ? t0 + edge : place == 1 ? t0 + (t1 - t0) / 2 : t1 - edge;
}

void reason_ask_moments(asking *a) {
    scale s;
    int person;
    double level[2], sd[2];
    bool fits = false;
    char who[64];
    if (!find_scale(a, &s) || (s.label && s.dimension != REASON_VALENCE)) {
        reason_ask_refuse(a->r, "two moments of one person are compared by valence, arousal or "
                                "pitch (\"Is her valence higher at 5 s than at 1 s?\")");
        return;
    }
    if (!whose(a, &person)) return;
    double at[2];
    for (int i = 0; i < 2; i++) {
        affect_time t = a->q->places == 2 ? place_of(a, person, a->q->place[i])
                                          : time_from_seconds(a->q->facts.times[i].value);
        at[i] = reason_ask_s(t);
        const reason_node *e = reason_ask_episode_at(a, person, t);
        affect_time around = of_voice(s.dimension) ? AFFECT_SECOND : AFFECT_SECOND / 2;
        if (!reason_level(a->g, person, AFFECT_MODALITY_FUSED, s.dimension, t - around, t + around,
                          &level[i], &sd[i]) &&
            (of_voice(s.dimension) || !e ||
             !reason_episode_level(a->g, e, s.dimension, &level[i], &sd[i]))) {
            reason_ask_refuse(a->r, "the timeline has no level there");
            return;
        }
        if (e) reason_ask_cite(a->r, e);
        fits = fits || (e && s.label && reason_ask_any_label(a, e));
        if (s.dimension == REASON_PITCH)
            reason_ask_say(a, "The pitch of %s is %.0f Hz at %.1f s.",
                           reason_ask_title(a, person, false, who), hertz(level[i]), at[i]);
        else
            reason_ask_say(
                a, "The %s of %s is %+.2f%s at %.1f s.", reason_dimension_names[s.dimension],
                reason_ask_title(a, person, false, who), level[i], unit_of(s.dimension), at[i]);
    }
    if (s.label && !fits) { /* of two that are none of it, valence makes neither the happier */
        reason_ask_refuse(a->r, "neither moment is called that: ask by valence or arousal");
        return;
    }
    double more = s.sign * (level[0] - level[1]);
    double sure = reason_ask_surely(more, of_voice(s.dimension) ? reason_moved(s.dimension)
                                                                : hypot(sd[0], sd[1]));
    bool alike = fabs(more) < reason_moved(s.dimension);
    if (alike) reason_ask_say(a, "There is hardly a difference.");
    if (a->q->yes_no)
        reason_ask_give(a->r, "comparison", sure, "%s", more > 0 && !alike ? "yes" : "no");
    else if (THERE(a, "than"))
        reason_ask_give(a->r, "comparison", sure, "%s",
                        alike                 ? "equal"
                        : level[0] > level[1] ? "higher"
                                              : "lower");
    else if (alike)
        reason_ask_give(a->r, "comparison", sure, "equal");
    else {
        reason_ask_say(a, "So it is at %.1f s.", at[more > 0 ? 0 : 1]);
        reason_ask_give(a->r, "comparison", sure, "%.1f", at[more > 0 ? 0 : 1]);
    }
}
