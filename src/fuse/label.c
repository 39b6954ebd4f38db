/* What an episode is called, and what in each modality speaks for it.
 *
 * Categories: a product of experts, log s_c = sum of w ln p_c over face, voice and words, plus
 * w ln N(z; mu_c, ...), where mu_c is the category's place in valence-arousal-dominance. */
#include <math.h>
#include <string.h>

#include "fuse/fuse.h"

const char *const fuse_categories[FUSE_CATEGORIES] = {
    "neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt"};

/* One set for face, voice and both, fitted on Java-SED by bench/java_sed.c, which prints what it is
 * worth on actors that were left out. Words are not fitted: that set's are Javanese
 * (docs/latent.md).
 */
const double fuse_weights[FUSE_EXPERTS] = {0.33, 0.85, 0.45, 0.71};
/* Of the same fit: mouths that speak look surprised, and angry or fearful speakers hardly show it
 * to a network of still faces. */
const double fuse_face_constants[FUSE_CATEGORIES] = {-1.20, -0.07, -0.75, 0.58, 0.68, 0, 0.76, 0};
/* One in six of the fit's clips is neutral; recordings are more often: .4, between those clips and
 * the .47 of MELD's utterances (`bench-java-sed --neutral`; docs/latent.md has the trade). */
const double fuse_neutral_prior = 1.20;
static const double SPREAD = 0.35; /* sd of a category around its place, each dimension */

/* Places on -1..1 after Russell & Mehrabian 1977 (J. Res. Pers. 11:273, mean ratings of 151 terms).
 * Contempt is not among the terms we could verify: put between anger and disgust, calmer and
 * more dominant. */
static const double places[FUSE_CATEGORIES][3] = {
    {0.00, 0.00, 0.00},  {0.81, 0.51, 0.46},  {0.40, 0.67, -0.13},  {-0.63, -0.27, -0.33},
    {-0.51, 0.59, 0.25}, {-0.60, 0.35, 0.11}, {-0.64, 0.60, -0.43}, {-0.50, 0.15, 0.35}};

/* Regions of the valence-arousal plane (Russell 1980, J. Pers. Soc. Psychol. 39:1161). */
static const struct region {
    const char *name;
    double valence, arousal;
} regions[] = {{"neutral", 0.0, 0.0},    {"pleased", 0.55, 0.1}, {"excited", 0.5, 0.55},
               {"activated", 0.0, 0.55}, {"tense", -0.5, 0.55},  {"displeased", -0.55, 0.1},
               {"downcast", -0.5, -0.4}, {"subdued", 0.0, -0.5}, {"calm", 0.5, -0.4}};

static double log_normal(double value, double sd, double place) {
    double variance = sd * sd + SPREAD * SPREAD, d = value - place;
    return -0.5 * (d * d / variance + log(variance));
}

/* In place: logarithms to shares that sum to 1. */
static void soften(double *x, size_t n) {
    double top = -INFINITY, sum = 0.0;
    for (size_t i = 0; i < n; i++) top = fmax(top, x[i]);
    for (size_t i = 0; i < n; i++) sum += x[i] = exp(x[i] - top);
    for (size_t i = 0; i < n; i++) x[i] /= sum;
}

/* What the streams alone say about dimension d: the posterior of the trajectory with its prior
 * taken out again, so that weak evidence is weak and not evidence for the middle. False if there is
 * none. */
static bool without_prior(const fuse_evidence *e, int d, double *mean, double *sd) {
    if (!isfinite(e->mean[d]) || !isfinite(e->sd[d])) return false;
    double prior = fuse_latent_model(d)->sd, left = 1.0 - e->sd[d] * e->sd[d] / (prior * prior);
    if (left < 0.1) return false;
    *mean = fmax(-1.0, fmin(1.0, e->mean[d] / left));
    *sd = e->sd[d] / sqrt(left);
    return true;
}

void fuse_category_terms(const fuse_evidence *e, double out[FUSE_EXPERTS][FUSE_CATEGORIES]) {
    for (int c = 0; c < FUSE_CATEGORIES; c++) {
        out[FUSE_FACE][c] = e->has_face ? e->trust[FUSE_FACE] * e->log_face[c] : 0.0;
        out[FUSE_VOICE][c] = e->has_voice ? e->trust[FUSE_VOICE] * e->log_voice[c] : 0.0;
        out[FUSE_WORDS][c] = e->has_words ? e->trust[FUSE_WORDS] * e->log_words[c] : 0.0;
        out[FUSE_PLACE][c] = 0.0;
        for (int d = 0; d < 3; d++) {
            double mean, sd;
            if (without_prior(e, d, &mean, &sd))
                out[FUSE_PLACE][c] += log_normal(mean, sd, places[c][d]);
        }
    }
}

void fuse_category_scores(const fuse_evidence *e, double out[FUSE_CATEGORIES]) {
    double terms[FUSE_EXPERTS][FUSE_CATEGORIES];
    fuse_category_terms(e, terms);
    for (int c = 0; c < FUSE_CATEGORIES; c++) {
        out[c] = e->has_face ? e->trust[FUSE_FACE] * fuse_face_constants[c] : 0.0;
        for (int k = 0; k < FUSE_EXPERTS; k++) out[c] += fuse_weights[k] * terms[k][c];
    }
    if (e->has_face || e->has_voice || e->has_words) out[0] += fuse_neutral_prior;
    soften(out, FUSE_CATEGORIES);
}

const char *fuse_region(const fuse_evidence *e, double *score) {
    double s[BASE_COUNT(regions)];
    size_t best = 0;
    for (size_t r = 0; r < BASE_COUNT(regions); r++) {
        s[r] = 0.0;
        if (isfinite(e->mean[0])) s[r] += log_normal(e->mean[0], e->sd[0], regions[r].valence);
        if (isfinite(e->mean[1])) s[r] += log_normal(e->mean[1], e->sd[1], regions[r].arousal);
    }
    soften(s, BASE_COUNT(regions));
    for (size_t r = 1; r < BASE_COUNT(regions); r++)
        if (s[r] > s[best]) best = r;
    *score = s[best];
    return regions[best].name;
}

/* ---- gathering ---- */

static size_t row_at(const affect_track *track, affect_time time) {
    size_t low = 0, high = track->rows;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (track->times[middle] < time)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static const affect_track *find(const affect_timeline *const *inputs, size_t count,
                                const char *id) {
    for (size_t i = 0; i < count; i++) {
        const affect_track *track = affect_timeline_find_track(inputs[i], id);
        if (track) return track;
    }
    return NULL;
}

/* Labels of text networks that stand for a category, after the grouping of GoEmotions' 27 emotions
 * under Ekman's six (Demszky et al. 2020, arXiv 2005.00547, appendix). */
static const struct group {
    const char *label, *category;
} groups[] = {
    {"joy", "happiness"},          {"amusement", "happiness"},   {"approval", "happiness"},
    {"excitement", "happiness"},   {"gratitude", "happiness"},   {"love", "happiness"},
    {"optimism", "happiness"},     {"relief", "happiness"},      {"pride", "happiness"},
    {"admiration", "happiness"},   {"desire", "happiness"},      {"caring", "happiness"},
    {"annoyance", "anger"},        {"disapproval", "anger"},     {"nervousness", "fear"},
    {"disappointment", "sadness"}, {"embarrassment", "sadness"}, {"grief", "sadness"},
    {"remorse", "sadness"},        {"realization", "surprise"},  {"confusion", "surprise"},
    {"curiosity", "surprise"}};

/* The category that a channel speaks for, or -1. */
static int category_of(const char *channel) {
    for (size_t g = 0; g < BASE_COUNT(groups); g++)
        if (strcmp(channel, groups[g].label) == 0) channel = groups[g].category;
    for (int c = 0; c < FUSE_CATEGORIES; c++)
        if (strcmp(channel, fuse_categories[c]) == 0) return c;
    return -1;
}

/* Mean logarithm of the posteriors in [t0, t1), weighted by confidence, and `trust`, the mean
 * confidence by the same weights: rows that count for little do not lower it. False without rows.
 * Channels of one category join as labels that may hold together do: 1 - product of (1 - p). A
 * category without a channel is one that the model cannot tell: it gets the mean of the others. */
static bool mean_log_posteriors(const affect_track *track, affect_time t0, affect_time t1,
                                double out[FUSE_CATEGORIES], double *trust) {
    enum { CHANNELS = 64 };
    if (!track || track->channel_count > CHANNELS) return false;
    int category[CHANNELS];
    bool has[FUSE_CATEGORIES] = {false};
    for (size_t k = 0; k < track->channel_count; k++) {
        category[k] = category_of(track->channels[k]);
        if (category[k] >= 0) has[category[k]] = true;
    }
    double weight = 0.0, square = 0.0;
    for (int c = 0; c < FUSE_CATEGORIES; c++) out[c] = 0.0;
    for (size_t i = row_at(track, t0); i < track->rows && track->times[i] < t1; i++) {
        const float *row = track->values + i * track->channel_count;
        double w = track->confidence[i], not [FUSE_CATEGORIES], p[FUSE_CATEGORIES], sum = 0.0;
        bool whole = w > 0;
        for (int c = 0; c < FUSE_CATEGORIES; c++) not [c] = 1.0;
        for (size_t k = 0; k < track->channel_count; k++) {
            whole = whole && isfinite(row[k]);
            if (category[k] >= 0) not [category[k]] *= 1.0 - fmax(0, fmin(1, (double)row[k]));
        }
        for (int c = 0; c < FUSE_CATEGORIES; c++) sum += p[c] = 1.0 - not [c];
        if (!whole || !(sum > 0.0)) continue;
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

static void mean_rows(const affect_track *track, affect_time t0, affect_time t1, size_t channels,
                      double *out) {
    double weight[8] = {0};
    for (size_t k = 0; k < channels; k++) out[k] = 0.0;
    for (size_t i = track ? row_at(track, t0) : 0; track && i < track->rows && track->times[i] < t1;
         i++)
        for (size_t k = 0; k < channels && k < track->channel_count; k++) {
            double value = track->values[i * track->channel_count + k];
            if (!isfinite(value)) continue;
            out[k] += track->confidence[i] * value;
            weight[k] += track->confidence[i];
        }
    for (size_t k = 0; k < channels; k++) out[k] = weight[k] > 0 ? out[k] / weight[k] : NAN;
}

/* ---- writing ---- */

static void json_string(base_text *out, const char *text) {
    base_text_append(out, "\"");
    for (const char *c = text; *c; c++) {
        if (*c == '"' || *c == '\\')
            base_text_printf(out, "\\%c", *c);
        else if ((unsigned char)*c < 0x20)
            base_text_printf(out, "\\u%04x", (unsigned)(unsigned char)*c);
        else
            base_text_append_n(out, c, 1);
    }
    base_text_append(out, "\"");
}

static bool strongest_event(const affect_timeline *const *inputs, size_t count,
                            affect_modality modality, int person, affect_time t0, affect_time t1,
                            affect_event *best) {
    float best_weight = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < inputs[i]->event_count; k++) {
            const affect_event *e = &inputs[i]->events[k];
            if (e->modality != modality || e->apex < t0 || e->apex >= t1 ||
                (e->person != AFFECT_PERSON_NONE && e->person != person))
                continue;
            /* Blinks and pauses are everywhere: they are a cue only where nothing else is. */
            bool common = strcmp(e->kind, "blink") == 0 || strcmp(e->kind, "pause") == 0;
            float weight = e->strength * e->confidence * (common ? 0.1f : 1.0f);
            if (weight > best_weight) best_weight = weight, *best = *e;
        }
    return best_weight > 0;
}

/* The word or utterance with the most extreme estimate in [t0, t1). */
static bool strongest_words(const affect_timeline *const *inputs, size_t count, affect_time t0,
                            affect_time t1, const char **text, double *valence) {
    const affect_track *track = find(inputs, count, "words/affect");
    affect_time at = AFFECT_TIME_NONE;
    for (size_t i = track ? row_at(track, t0) : 0; track && i < track->rows && track->times[i] < t1;
         i++) {
        double v = track->values[i * track->channel_count];
        if (!isfinite(v) || (at != AFFECT_TIME_NONE && fabs(v) <= fabs(*valence))) continue;
        at = track->times[i];
        *valence = v;
    }
    if (at == AFFECT_TIME_NONE) return false;
    static const char *const tiers[] = {"utterances", "words"};
    for (size_t t = 0; t < BASE_COUNT(tiers); t++)
        for (size_t i = 0; i < count; i++) {
            const affect_tier *tier = affect_timeline_find_tier(inputs[i], tiers[t]);
            for (size_t k = 0; tier && k < tier->count; k++)
                if (tier->items[k].t0 <= at && at <= tier->items[k].t1) {
                    *text = tier->items[k].label;
                    return true;
                }
        }
    return false;
}

static void cue(base_text *out, const affect_timeline *const *inputs, size_t count,
                affect_modality modality, int person, affect_time t0, affect_time t1) {
    base_text_printf(out, "\"%s\":", affect_modality_name(modality));
    affect_event event = {0};
    const char *text;
    double value[2];
    char clock[TIME_TEXT_SIZE], line[128];
    if (modality == AFFECT_MODALITY_WORDS &&
        strongest_words(inputs, count, t0, t1, &text, &value[0])) {
        json_string(out, text);
        return;
    }
    if (strongest_event(inputs, count, modality, person, t0, t1, &event)) {
        snprintf(line, sizeof line, "%.80s at %s s", event.kind, time_to_text(event.apex, clock));
        json_string(out, line);
        return;
    }
    char id[64];
    if (modality == AFFECT_MODALITY_FACE)
        snprintf(id, sizeof id, "face/%d/affect", person);
    else
        snprintf(id, sizeof id, "%s/affect", affect_modality_name(modality));
    mean_rows(find(inputs, count, id), t0, t1, 2, value);
    if (!isfinite(value[0]) && !isfinite(value[1])) {
        base_text_append(out, "null");
        return;
    }
    int n = 0;
    line[0] = '\0';
    if (isfinite(value[0])) n = snprintf(line, sizeof line, "valence %+.2f", value[0]);
    if (isfinite(value[1]))
        snprintf(line + n, sizeof line - (size_t)n, "%sarousal %+.2f", n ? ", " : "", value[1]);
    json_string(out, line);
}

/* The labels worth naming: the best, and every other with at least a third of its score. */
static void write_labels(base_text *out, const char *const *names, const double *scores,
                         size_t count) {
    bool done[16] = {false};
    double best = 0;
    base_text_append(out, "\"labels\":[");
    for (size_t k = 0; k < count && k < 4; k++) {
        size_t top = count;
        for (size_t i = 0; i < count; i++)
            if (!done[i] && (top == count || scores[i] > scores[top])) top = i;
        if (k && scores[top] < best / 3) break;
        if (!k) best = scores[top];
        done[top] = true;
        base_text_append(out, k ? ",{\"label\":" : "{\"label\":");
        json_string(out, names[top]);
        base_text_printf(out, ",\"score\":%.3f}", scores[top]);
    }
    base_text_append(out, "]");
}

bool fuse_gather(const affect_timeline *const *inputs, size_t count, const affect_track *trajectory,
                 int person, affect_time t0, affect_time t1, fuse_evidence *e) {
    double means[6] = {NAN, NAN, NAN, NAN, NAN, NAN};
    char id[64];
    *e = (fuse_evidence){0};
    if (trajectory) mean_rows(trajectory, t0, t1, 6, means);
    for (int d = 0; d < 3; d++) e->mean[d] = means[d], e->sd[d] = means[3 + d];
    snprintf(id, sizeof id, "face/%d/expression", person);
    e->has_face =
        mean_log_posteriors(find(inputs, count, id), t0, t1, e->log_face, &e->trust[FUSE_FACE]);
    e->has_voice = mean_log_posteriors(find(inputs, count, "voice/emotion"), t0, t1, e->log_voice,
                                       &e->trust[FUSE_VOICE]);
    e->has_words = mean_log_posteriors(find(inputs, count, "words/emotion"), t0, t1, e->log_words,
                                       &e->trust[FUSE_WORDS]);
    e->trust[FUSE_PLACE] = 1.0;
    return e->has_face || e->has_voice || e->has_words || isfinite(means[0]);
}

affect_status fuse_label_episode(affect_context *ctx, const affect_timeline *const *inputs,
                                 size_t count, const affect_track *trajectory, affect_time t0,
                                 affect_time t1, affect_tier *episodes) {
    int person = trajectory->person;
    fuse_evidence e;
    fuse_gather(inputs, count, trajectory, person, t0, t1, &e);
    double scores[FUSE_CATEGORIES], region_score;
    fuse_category_scores(&e, scores);
    const char *region = fuse_region(&e, &region_score);
    size_t best = 0;
    for (size_t c = 1; c < FUSE_CATEGORIES; c++)
        if (scores[c] > scores[best]) best = c;

    /* A category needs posteriors behind it: a place in the plane alone has only a region's name.
     */
    bool named = e.has_face || e.has_voice || e.has_words;
    base_text json = {0};
    base_text_append(&json, "{");
    write_labels(&json, named ? fuse_categories : &region, named ? scores : &region_score,
                 named ? FUSE_CATEGORIES : 1);
    base_text_append(&json, ",\"region\":");
    json_string(&json, region);
    static const char *const names[] = {"valence", "arousal", "dominance"};
    for (int d = 0; d < 3; d++)
        if (isfinite(e.mean[d]))
            base_text_printf(&json, ",\"%s\":%.3f,\"%s_sd\":%.3f", names[d], e.mean[d], names[d],
                             e.sd[d]);
    base_text_append(&json, ",\"cues\":{");
    for (affect_modality m = AFFECT_MODALITY_FACE; m <= AFFECT_MODALITY_WORDS; m++) {
        if (m != AFFECT_MODALITY_FACE) base_text_append(&json, ",");
        cue(&json, inputs, count, m, person, t0, t1);
    }
    base_text_append(&json, "}}");
    affect_status status = AFFECT_OK;
    if (json.failed)
        status = base_fail_memory(ctx);
    else
        status =
            tier_append(ctx, episodes,
                        &(affect_interval){.t0 = t0,
                                           .t1 = t1,
                                           .label = named ? fuse_categories[best] : region,
                                           .score = (float)(named ? scores[best] : region_score),
                                           .person = person,
                                           .attributes = json.data});
    base_text_destroy(&json);
    return status;
}
