/* What an episode is called, and what in each modality speaks for it.
 *
 * Categories: a product of experts, log s_c = sum of w_c ln 8 p_c over face, voice and words, plus
 * w ln N(z; mu_c, ...), where mu_c is the category's place in valence-arousal-dominance. */
#include <math.h>
#include <string.h>

#include "align/speaking.h"
#include "fuse/fuse.h"

static double log_normal(double value, double sd, double place, double spread) {
    double variance = sd * sd + spread * spread, d = value - place;
    return -0.5 * (d * d / variance + log(variance));
}

/* In place: logarithms to shares that sum to 1. */
static void softmax(double *x, size_t n) {
    double top = -INFINITY, sum = 0.0;
    for (size_t i = 0; i < n; i++) top = fmax(top, x[i]);
    for (size_t i = 0; i < n; i++) sum += x[i] = exp(x[i] - top);
    for (size_t i = 0; i < n; i++) x[i] /= sum;
}

/* What the streams alone say about dimension d: the posterior of the trajectory with its prior
 * taken out again, so that weak evidence is weak and not evidence for the middle. False if there is
 * none. */
static bool without_prior(const fuse_parameters *p, const fuse_evidence *e, int d, double *mean,
                          double *sd) {
    if (!isfinite(e->mean[d]) || !isfinite(e->sd[d])) return false;
    double prior = p->dimensions[d].sd, left = 1.0 - e->sd[d] * e->sd[d] / (prior * prior);
    if (left < 0.1) return false;
    *mean = fmax(-1.0, fmin(1.0, e->mean[d] / left));
    *sd = e->sd[d] / sqrt(left);
    return true;
}

void fuse_category_terms(const fuse_parameters *p, const fuse_evidence *e,
                         double out[FUSE_EXPERTS][FUSE_CATEGORIES]) {
    for (int c = 0; c < FUSE_CATEGORIES; c++) {
        const double even = log(FUSE_CATEGORIES);
        out[FUSE_FACE][c] = e->has_face ? e->trust[FUSE_FACE] * (e->log_face[c] + even) : 0.0;
        out[FUSE_VOICE][c] = e->has_voice ? e->trust[FUSE_VOICE] * (e->log_voice[c] + even) : 0.0;
        out[FUSE_WORDS][c] = e->has_words ? e->trust[FUSE_WORDS] * (e->log_words[c] + even) : 0.0;
        out[FUSE_PLACE][c] = 0.0;
        for (int d = 0; d < 3; d++) {
            double mean, sd;
            if (without_prior(p, e, d, &mean, &sd))
                out[FUSE_PLACE][c] += log_normal(mean, sd, p->places[c][d], p->spread);
        }
    }
}

void fuse_category_scores(const fuse_parameters *p, const fuse_evidence *e,
                          double out[FUSE_CATEGORIES]) {
    double terms[FUSE_EXPERTS][FUSE_CATEGORIES];
    bool named = e->has_face || e->has_voice || e->has_words;
    fuse_category_terms(p, e, terms);
    for (int c = 0; c < FUSE_CATEGORIES; c++) {
        out[c] = e->has_face ? e->trust[FUSE_FACE] * p->face_constants[c] : 0.0;
        for (int k = 0; k < FUSE_EXPERTS; k++) out[c] += p->weights[k][c] * terms[k][c];
        if (named) out[c] += p->prior[c];
    }
    softmax(out, FUSE_CATEGORIES);
}

const char *fuse_region(const fuse_parameters *p, const fuse_evidence *e, double *score) {
    double s[CATEGORY_REGIONS];
    size_t best = 0;
    for (size_t r = 0; r < CATEGORY_REGIONS; r++) {
        s[r] = 0.0;
        if (isfinite(e->mean[0]))
            s[r] += log_normal(e->mean[0], e->sd[0], category_regions[r].valence, p->spread);
        if (isfinite(e->mean[1]))
            s[r] += log_normal(e->mean[1], e->sd[1], category_regions[r].arousal, p->spread);
    }
    softmax(s, CATEGORY_REGIONS);
    for (size_t r = 1; r < CATEGORY_REGIONS; r++)
        if (s[r] > s[best]) best = r;
    *score = s[best];
    return category_regions[best].name;
}

/* ---- gathering ---- */

/* What is heard lies the offset later in its own time. */
static void sound_stretch(const timeline_view *view, const affect_track *track, affect_time *t0,
                          affect_time *t1) {
    if (track->modality != AFFECT_MODALITY_VOICE && track->modality != AFFECT_MODALITY_WORDS)
        return;
    affect_time offset = align_offset_at(view, *t0);
    *t0 += offset;
    *t1 += offset;
}

/* Voice and words have one track for all: a row is his who speaks there. */
static bool row_is_his(const timeline_view *view, const affect_track *track, int person,
                       affect_time time) {
    bool heard =
        track->modality == AFFECT_MODALITY_VOICE || track->modality == AFFECT_MODALITY_WORDS;
    return !heard || fuse_says(view, track, time, person);
}

/* Mean logarithm of the posteriors in [t0, t1), weighted by confidence, and `trust`, the mean
 * confidence by the same weights: rows that count for little do not lower it. False without rows.
 * Channels of one category join as labels that may hold together do: 1 - product of (1 - p). A
 * category without a channel is one that the model cannot tell: it gets the mean of the others. */
static bool mean_log_posteriors(const timeline_view *view, const affect_track *track, int person,
                                affect_time t0, affect_time t1, double out[FUSE_CATEGORIES],
                                double *trust) {
    enum { CHANNELS = 64 };
    if (!track || track->channel_count > CHANNELS) return false;
    sound_stretch(view, track, &t0, &t1);
    int category[CHANNELS];
    bool has[FUSE_CATEGORIES] = {false};
    for (size_t k = 0; k < track->channel_count; k++) {
        category[k] = category_of_label(track->channels[k]);
        if (category[k] >= 0) has[category[k]] = true;
    }
    double weight = 0.0, square = 0.0;
    for (int c = 0; c < FUSE_CATEGORIES; c++) out[c] = 0.0;
    for (size_t i = track_row_at(track, t0); i < track->rows && track->times[i] < t1; i++) {
        const float *row = track->values + i * track->channel_count;
        double w = track->confidence[i], not [FUSE_CATEGORIES], p[FUSE_CATEGORIES], sum = 0.0;
        bool whole = w > 0;
        for (int c = 0; c < FUSE_CATEGORIES; c++) not [c] = 1.0;
        for (size_t k = 0; k < track->channel_count; k++) {
            whole = whole && isfinite(row[k]);
            if (category[k] >= 0) not [category[k]] *= 1.0 - fmax(0, fmin(1, (double)row[k]));
        }
        for (int c = 0; c < FUSE_CATEGORIES; c++) sum += p[c] = 1.0 - not [c];
        if (!whole || !(sum > 0.0) || !row_is_his(view, track, person, track->times[i])) continue;
        weight += w;
        square += w * w;
        for (int c = 0; c < FUSE_CATEGORIES; c++)
            out[c] += w * log(fmax(p[c] / sum, 0.01)); /* one wrong frame must not veto */
    }
    if (!(weight > 0.0)) return false;
    *trust = square / weight;
    double mean = 0.0, told = 0.0;
    for (int c = 0; c < FUSE_CATEGORIES; c++) {
        out[c] /= weight;
        if (has[c]) mean += out[c], told++;
    }
    for (int c = 0; c < FUSE_CATEGORIES; c++)
        if (!has[c] && told > 0) out[c] = mean / told;
    return told > 0;
}

static void mean_rows(const timeline_view *view, const affect_track *track, int person,
                      affect_time t0, affect_time t1, size_t channels, double *out) {
    double weight[8] = {0};
    if (track) sound_stretch(view, track, &t0, &t1);
    for (size_t k = 0; k < channels; k++) out[k] = 0.0;
    for (size_t i = track ? track_row_at(track, t0) : 0;
         track && i < track->rows && track->times[i] < t1; i++)
        for (size_t k = 0; k < channels && k < track->channel_count; k++) {
            double value = track->values[i * track->channel_count + k];
            if (!isfinite(value) || !row_is_his(view, track, person, track->times[i])) continue;
            out[k] += track->confidence[i] * value;
            weight[k] += track->confidence[i];
        }
    for (size_t k = 0; k < channels; k++) out[k] = weight[k] > 0 ? out[k] / weight[k] : NAN;
}

/* ---- writing ---- */

/* What a modality shows, as a direction: an event's, its mean valence, arousal and dominance, or those
 * of what is said. It supports a label as far as it points where the label lies. */
typedef struct cue {
    double weight; /* 0: there is none */
    char text[192];
} cue;

/* Of the label: its place, and whether that is the middle, which has no direction. */
typedef struct aim {
    double place[3];
    bool middle;
} aim;

/* Below: too little to speak for or against a label. What is called neutral has half of what a clear
 * event is worth (track/kinds.c) at most. */
static const double LEAST_SUPPORT = 0.02, LEAST_AGAINST = 0.1, NEUTRAL_REACH = 0.25;

/* How far `shown` points to the label: along its place, or, of the middle, how near it is. */
static double support(const aim *to, const double shown[3]) {
    double dot = 0.0, size = 0.0, length = 0.0;
    for (int d = 0; d < 3; d++) {
        size += to->place[d] * to->place[d];
        if (!isfinite(shown[d])) continue;
        dot += shown[d] * to->place[d];
        length += shown[d] * shown[d];
    }
    return to->middle ? NEUTRAL_REACH - sqrt(length) : dot / sqrt(size);
}

static void offer(cue *to, double weight, const char *text) {
    if (!(weight > to->weight)) return;
    size_t at = 0, end = 0, length = strlen(text);
    while (at < length) { /* a long utterance is cut between characters */
        base_utf8_next(text, length, &at);
        if (at >= sizeof to->text) break;
        end = at;
    }
    to->weight = weight;
    memcpy(to->text, text, end);
    to->text[end] = '\0';
}

/* Sorts one thing that was shown into what speaks for the label and what against it. */
static void weigh(const aim *to, const double shown[3], double weight, const char *text,
                  cue *for_it, cue *against) {
    double s = support(to, shown);
    if (s >= LEAST_SUPPORT) offer(for_it, weight * s, text);
    if (s <= -LEAST_AGAINST) offer(against, -weight * s, text);
}

typedef struct where {
    const timeline_view *view;
    int person;
    affect_time t0, t1;
} where;

/* Where the same stretch lies in the times of what is heard. */
static where heard(const where *w) {
    affect_time offset = align_offset_at(w->view, w->t0);
    return (where){w->view, w->person, w->t0 + offset, w->t1 + offset};
}

/* Voice and words count for the person who speaks. */
static bool is_his(const where *w, affect_modality modality, int person, affect_time time) {
    if (person != AFFECT_PERSON_NONE) return person == w->person;
    return modality == AFFECT_MODALITY_FACE || fuse_surely_says(w->view, time, w->person);
}

static void weigh_events(const where *w, affect_modality modality, const aim *to, cue *for_it,
                         cue *against) {
    for (size_t i = 0; i < w->view->count; i++)
        for (size_t k = 0; k < w->view->items[i]->event_count; k++) {
            const affect_event *e = &w->view->items[i]->events[k];
            if (e->modality != modality || e->apex < w->t0 || e->apex >= w->t1) continue;
            event_kind kind = event_kind_of(e->kind);
            if (!is_his(w, modality, e->person, e->apex)) continue;
            double strength = (double)(e->strength * e->confidence);
            const double shown[3] = {strength * kind.valence, strength * kind.arousal, NAN};
            char line[128], clock[TIME_TEXT_SIZE];
            snprintf(line, sizeof line, "%.80s at %s s", e->kind, time_to_text(e->apex, clock));
            if (!isfinite(kind.valence) && !isfinite(kind.arousal)) continue;
            /* The voice rises and falls in whatever is said: that may support, but denies nothing. */
            cue nothing = {0};
            weigh(to, shown, 1.0, line, for_it, isfinite(kind.valence) ? against : &nothing);
        }
}

/* What is said: the utterance (of words without utterances the word) around each estimate. */
static void weigh_words(const where *w, const aim *to, cue *for_it, cue *against) {
    static const char *const tiers[] = {"utterances", "words"};
    const affect_track *track =
        view_track(w->view, TRACK_ROLE_AFFECT, AFFECT_MODALITY_WORDS, AFFECT_PERSON_NONE);
    for (size_t r = track ? track_row_at(track, w->t0) : 0;
         track && r < track->rows && track->times[r] < w->t1; r++) {
        affect_time at = track->times[r];
        const float *row = track->values + r * track->channel_count;
        double shown[3] = {NAN, NAN, NAN};
        for (size_t d = 0; d < 3 && d < track->channel_count; d++) shown[d] = row[d];
        if (!isfinite(shown[0]) || !is_his(w, AFFECT_MODALITY_WORDS, AFFECT_PERSON_NONE, at))
            continue;
        const char *text = NULL;
        for (size_t t = 0; t < BASE_COUNT(tiers) && !text; t++)
            for (size_t i = 0; i < w->view->count && !text; i++) {
                const affect_tier *tier = affect_timeline_find_tier(w->view->items[i], tiers[t]);
                for (size_t k = 0; tier && k < tier->count && !text; k++)
                    if (tier->items[k].t0 <= at && at <= tier->items[k].t1)
                        text = tier->items[k].label;
            }
        if (text && *text) weigh(to, shown, 1.0, text, for_it, against);
    }
}

/* The mean of what the modality says by itself. */
static void weigh_mean(const where *w, affect_modality modality, const aim *to, cue *for_it,
                       cue *against) {
    bool own = modality == AFFECT_MODALITY_FACE;
    const affect_track *track =
        view_track(w->view, TRACK_ROLE_AFFECT, modality, own ? w->person : AFFECT_PERSON_NONE);
    double value[3];
    char line[128];
    int n = 0;
    mean_rows(w->view, track, w->person, w->t0, w->t1, 3, value);
    if (!isfinite(value[0]) && !isfinite(value[1])) return;
    line[0] = '\0';
    if (isfinite(value[0])) n = snprintf(line, sizeof line, "valence %+.2f", value[0]);
    if (isfinite(value[1]))
        snprintf(line + n, sizeof line - (size_t)n, "%sarousal %+.2f", n ? ", " : "", value[1]);
    weigh(to, value, 1.0, line, for_it, against);
}

/* Cues are evidence: in each modality what supports the label most, an event or the words before the
 * mean; and, apart from these, what speaks against it. */
static affect_status set_cues(affect_context *ctx, affect_attributes *a, const where *w,
                              const aim *to) {
    char lines[AFFECT_MODALITY_WORDS][224];
    const char *against[AFFECT_MODALITY_WORDS];
    size_t count = 0;
    affect_status status = AFFECT_OK;
    for (affect_modality m = AFFECT_MODALITY_FACE; m <= AFFECT_MODALITY_WORDS; m++) {
        cue for_it = {0}, denies = {0}, mean_for = {0}, mean_against = {0};
        char key[32];
        const where there = m == AFFECT_MODALITY_FACE ? *w : heard(w);
        if (m == AFFECT_MODALITY_WORDS) weigh_words(&there, to, &for_it, &denies);
        weigh_events(&there, m, to, &for_it, &denies);
        weigh_mean(w, m, to, &mean_for, &mean_against);
        const cue *best = for_it.weight > 0 ? &for_it : &mean_for;
        const cue *worst = denies.weight > 0 ? &denies : &mean_against;
        snprintf(key, sizeof key, "cue_%s", affect_modality_name(m));
        if (best->weight > 0 && status == AFFECT_OK)
            status = affect_attributes_set_text(ctx, a, key, best->text);
        if (!(worst->weight > 0)) continue;
        snprintf(lines[count], sizeof lines[count], "%s: %s", affect_modality_name(m), worst->text);
        against[count] = lines[count];
        count++;
    }
    if (count && status == AFFECT_OK)
        status = affect_attributes_set_texts(ctx, a, "against", against, count);
    return status;
}

/* The largest score that is not taken yet, or `count`. */
static size_t best_left(const double *scores, const bool *done, size_t count) {
    size_t top = count;
    for (size_t i = 0; i < count; i++)
        if (!done[i] && (top == count || scores[i] > scores[top])) top = i;
    return top;
}

/* The labels worth naming: the best, and every other with at least a third of its score. */
static affect_status set_labels(affect_context *ctx, affect_attributes *a, const char *const *names,
                                const double *scores, size_t count) {
    enum { MOST = 4 };
    bool done[16] = {false};
    const char *chosen[MOST];
    double best[MOST];
    size_t n = 0;
    for (; n < count && n < MOST; n++) {
        size_t top = best_left(scores, done, count);
        if (n && scores[top] < best[0] / 3) break;
        done[top] = true;
        chosen[n] = names[top];
        best[n] = scores[top];
    }
    for (size_t k = 0; k < n; k++) best[k] = round(best[k] * 1000) / 1000;
    affect_status status = affect_attributes_set_texts(ctx, a, "labels", chosen, n);
    if (status == AFFECT_OK)
        status = affect_attributes_set_numbers(ctx, a, "label_scores", best, n);
    return status;
}

/* All labels that the score does not rule out, the best first: `share` of such sets hold the right one, on
 * the people of the fit (split conformal prediction; Vovk, Gammerman & Shafer 2005). */
static affect_status set_conformal(affect_context *ctx, affect_attributes *a,
                                   const fuse_parameters *p, const fuse_evidence *e,
                                   const double *scores) {
    int kind = !e->has_voice ? FUSE_SET_FACE : e->has_face ? FUSE_SET_BOTH : FUSE_SET_VOICE;
    if ((!e->has_face && !e->has_voice) || isnan(p->least[kind])) return AFFECT_OK;
    const char *chosen[FUSE_CATEGORIES];
    bool done[FUSE_CATEGORIES] = {false};
    size_t n = 0;
    for (; n < FUSE_CATEGORIES; n++) {
        size_t top = best_left(scores, done, FUSE_CATEGORIES);
        if (scores[top] < p->least[kind]) break;
        done[top] = true;
        chosen[n] = category_names[top];
    }
    affect_status status = affect_attributes_set_texts(ctx, a, "label_set", chosen, n);
    if (status == AFFECT_OK)
        status = attributes_set_rounded(ctx, a, "label_set_share", p->set_share);
    return status;
}

/* A stretch without length is an instant, as a picture is: what is at it counts. */
static affect_time end_of(affect_time t0, affect_time t1) { return t1 > t0 ? t1 : t0 + 1; }

bool fuse_gather(const timeline_view *view, const affect_track *trajectory, int person,
                 affect_time t0, affect_time t1, fuse_evidence *e) {
    double means[6] = {NAN, NAN, NAN, NAN, NAN, NAN};
    t1 = end_of(t0, t1);
    *e = (fuse_evidence){0};
    if (trajectory) mean_rows(view, trajectory, person, t0, t1, 6, means);
    for (int d = 0; d < 3; d++) e->mean[d] = means[d], e->sd[d] = means[3 + d];
    const affect_track *face =
        view_track(view, TRACK_ROLE_CATEGORIES, AFFECT_MODALITY_FACE, person);
    const affect_track *voice =
        view_track(view, TRACK_ROLE_CATEGORIES, AFFECT_MODALITY_VOICE, AFFECT_PERSON_NONE);
    const affect_track *words =
        view_track(view, TRACK_ROLE_CATEGORIES, AFFECT_MODALITY_WORDS, AFFECT_PERSON_NONE);
    e->has_face =
        mean_log_posteriors(view, face, person, t0, t1, e->log_face, &e->trust[FUSE_FACE]);
    e->has_voice =
        mean_log_posteriors(view, voice, person, t0, t1, e->log_voice, &e->trust[FUSE_VOICE]);
    e->has_words =
        mean_log_posteriors(view, words, person, t0, t1, e->log_words, &e->trust[FUSE_WORDS]);
    e->trust[FUSE_PLACE] = 1.0;
    return e->has_face || e->has_voice || e->has_words || isfinite(means[0]);
}

affect_status fuse_label_episode(affect_context *ctx, const fuse_parameters *p,
                                 const timeline_view *view, const affect_track *trajectory,
                                 affect_time t0, affect_time t1, affect_tier *episodes) {
    int person = trajectory->person;
    fuse_evidence e;
    fuse_gather(view, trajectory, person, t0, t1, &e);
    double scores[FUSE_CATEGORIES], region_score;
    fuse_category_scores(p, &e, scores);
    const char *region = fuse_region(p, &e, &region_score);
    size_t best = 0;
    for (size_t c = 1; c < FUSE_CATEGORIES; c++)
        if (scores[c] > scores[best]) best = c;

    /* A category needs posteriors behind it: a place in the plane alone has only a region's name.
     */
    bool named = e.has_face || e.has_voice || e.has_words;
    affect_attributes *a;
    affect_status status = affect_attributes_create(ctx, &a);
    if (status == AFFECT_OK)
        status = set_labels(ctx, a, named ? category_names : &region,
                            named ? scores : &region_score, named ? FUSE_CATEGORIES : 1);
    if (status == AFFECT_OK) status = affect_attributes_set_text(ctx, a, "region", region);
    if (status == AFFECT_OK) status = set_conformal(ctx, a, p, &e, scores);
    static const char *const names[][2] = {
        {"valence", "valence_sd"}, {"arousal", "arousal_sd"}, {"dominance", "dominance_sd"}};
    for (int d = 0; d < 3 && status == AFFECT_OK; d++) {
        if (!isfinite(e.mean[d])) continue;
        status = attributes_set_rounded(ctx, a, names[d][0], e.mean[d]);
        if (status == AFFECT_OK) status = attributes_set_rounded(ctx, a, names[d][1], e.sd[d]);
    }
    aim to = {.middle = named ? best == 0 : strcmp(region, category_regions[0].name) == 0};
    for (int d = 0; d < 3; d++) to.place[d] = named ? p->places[best][d] : 0.0;
    for (size_t r = 0; r < CATEGORY_REGIONS && !named; r++)
        if (strcmp(category_regions[r].name, region) == 0) {
            to.place[0] = category_regions[r].valence;
            to.place[1] = category_regions[r].arousal;
        }
    if (status == AFFECT_OK)
        status = set_cues(ctx, a, &(where){view, person, t0, end_of(t0, t1)}, &to);
    if (status == AFFECT_OK)
        status =
            tier_append(ctx, episodes,
                        &(affect_interval){.t0 = t0,
                                           .t1 = t1,
                                           .label = named ? category_names[best] : region,
                                           .score = (float)(named ? scores[best] : region_score),
                                           .person = person,
                                           .attributes = a});
    affect_attributes_destroy(a);
    return status;
}
