/* How far the modalities agree, five times a second, and where they contradict each other.
 *
 * Agreement of a pair is 1 - the expected disagreement of their signs (signs.c) after the lag between
 * them has been taken out. p asks how often the same modalities agree as well when one of them is
 * turned round the block: where both always show the same, chance agrees as well as they, and p is 1. */
#include <math.h>
#include <string.h>

#include "align/align_private.h"
#include "align/speaking.h"

enum { MODALITIES = 3, SURROGATES = 39, LEAST_SURROGATES = 9, SMOOTH = 5, LEAST_SHIFT = 20 };
#define STEP (200 * AFFECT_MILLISECOND)
/* Pictures around an instant, in its shot: a little of what voice and words are told of
 * (bench/consistency.py pairs: best F1 .728 with 0.5 s, .730 with 1 s, .724 with 2 s). */
#define FACE_REACH AFFECT_SECOND
#define SPEECH_REACH (2500 * AFFECT_MILLISECOND) /* a row of the voice speaks for this long */
#define PAUSE (300 * AFFECT_MILLISECOND)         /* in speech: still the same utterance */
/* A contradiction: disagreement, times the confidence of the less sure of the two, above this for this
 * long, shorter gaps bridged. signs.c says where the threshold is from. */
static const double THRESHOLD = 0.25;
#define LEAST_LENGTH (600 * AFFECT_MILLISECOND)
#define BRIDGE (600 * AFFECT_MILLISECOND)

typedef struct instant {
    bool present;
    double confidence, sign[ALIGN_SIGNS];
} instant;

/* ---- what each modality says at an instant ---- */

typedef struct sources {
    const timeline_view *view;
    const affect_track *affect[MODALITIES], *categories[MODALITIES], *units; /* of the face */
    int person;
    bool
        dubbed; /* in [t0, t1): the only face, whose mouth moves, and all that is heard is nobody's */
    affect_time t0, t1;
} sources;

/* What perception's own confidence is worth: raised to this, it makes the signs of people whom the weights have not seen
 * likeliest (bench/consistency.py pairs). A text that is unlike the network's others is told nearly as well as these. */
static const double trust = 0.1;
/* How much a voice counts that is held against the only face although the lips do not fit. */
static const double DUBBED = 0.8;

/* Does the mouth move as a speaker's does? A face of which the mouth is not known might. */
static bool talks(const timeline_view *view, int person, affect_time t0, affect_time t1) {
    const affect_track *mouth = view_track(view, TRACK_ROLE_MOUTH, AFFECT_MODALITY_FACE, person);
    if (!mouth) return true;
    double square = 0, count = 0;
    for (size_t i = track_row_at(mouth, t0); i + 2 < mouth->rows && mouth->times[i + 2] < t1; i++) {
        double change =
            mouth->values[(i + 2) * mouth->channel_count] - mouth->values[i * mouth->channel_count];
        double speed = change / time_to_seconds(mouth->times[i + 2] - mouth->times[i]);
        if (isfinite(speed)) square += speed * speed, count++;
    }
    return count > 0 && sqrt(square / count) >= align_rule_default().rest_speed;
}

/* Is the person's the only face in [t0, t1), his mouth at work, and everything that is spoken there nobody's?
 * Then it is dubbed, or somebody talks over him: which, nobody can tell, and it counts for less.
 * Where the person is heard at all, what is nobody's stays so. */
static bool is_dubbed(const timeline_view *view, int person, affect_time t0, affect_time t1) {
    const affect_tier *speaking = align_speaking_tier(view);
    size_t spoken = 0;
    for (size_t k = 0; speaking && k < speaking->count; k++) {
        const affect_interval *in = &speaking->items[k];
        if (in->t1 <= t0 || in->t0 >= t1) continue;
        if (in->person != AFFECT_PERSON_NONE) return false;
        spoken++;
    }
    bool seen = false;
    for (size_t i = 0; i < view->count; i++)
        for (size_t k = 0; k < view->items[i]->track_count; k++) {
            const affect_track *track = view->items[i]->tracks[k];
            if (!track->kind || track->kind->role != TRACK_ROLE_AFFECT ||
                track->kind->modality != AFFECT_MODALITY_FACE ||
                track_row_at(track, t0) == track_row_at(track, t1))
                continue;
            if (track->person != person) return false;
            seen = true;
        }
    return seen && spoken > 0 && talks(view, person, t0, t1);
}

static sources sources_of(const timeline_view *view, int person) {
    sources s = {.view = view, .person = person};
    s.units = view_track(view, TRACK_ROLE_UNITS, AFFECT_MODALITY_FACE, person);
    for (int m = 0; m < MODALITIES; m++) {
        affect_modality modality = (affect_modality)(m + 1);
        int of = modality == AFFECT_MODALITY_FACE ? person : AFFECT_PERSON_NONE;
        s.affect[m] = view_track(view, TRACK_ROLE_AFFECT, modality, of);
        s.categories[m] = view_track(view, TRACK_ROLE_CATEGORIES, modality, of);
    }
    return s;
}

/* The interval of a tier around `time`, with some slack, or NULL; *exists: there is such a tier. */
static const affect_interval *interval_at(const timeline_view *view, const char *id,
                                          affect_time time, affect_time slack, bool *exists) {
    for (size_t i = 0; i < view->count; i++) {
        const affect_tier *tier = affect_timeline_find_tier(view->items[i], id);
        if (!tier || !tier->count) continue;
        *exists = true;
        for (size_t k = 0; k < tier->count; k++)
            if (tier->items[k].t0 - slack <= time && time < tier->items[k].t1 + slack)
                return &tier->items[k];
    }
    return NULL;
}

static affect_time nearest_row(const affect_track *track, affect_time time) {
    size_t at = track_row_at(track, time);
    if (at == track->rows) return at ? track->times[at - 1] : AFFECT_TIME_NONE;
    if (at && time - track->times[at - 1] <= track->times[at] - time) at--;
    return track->times[at];
}

/* Lets [*from, *to] not reach beyond the shot that `time` is in. */
static void within_shot(const timeline_view *view, affect_time time, affect_time *from,
                        affect_time *to) {
    for (size_t i = 0; i < view->count; i++) {
        const affect_tier *shots = affect_timeline_find_tier(view->items[i], "shots");
        for (size_t k = 0; shots && k < shots->count; k++) {
            affect_time end = shots->items[k].t1;
            if (end <= time)
                *from = BASE_MAX(*from, end);
            else
                *to = BASE_MIN(*to, end - 1);
        }
    }
}

/* Whether the shot that `time` is in is dubbed, of the block [t0, t1). */
static void look_at_shot(sources *s, affect_time time, affect_time t0, affect_time t1) {
    if (time >= s->t0 && time < s->t1) return;
    s->t0 = t0;
    s->t1 = t1 - 1;
    within_shot(s->view, time, &s->t0, &s->t1);
    s->t1++;
    s->dubbed = is_dubbed(s->view, s->person, s->t0, s->t1);
}

/* Whose words are those at `time` of the utterance [t0, t1]? Where lips are in doubt, theirs who says most of it. */
static int whose_words(const timeline_view *view, const affect_interval *utterance,
                       affect_time time) {
    int who = align_speaker(view, time);
    if (who != AFFECT_PERSON_NONE || !utterance) return who;
    align_speakers all;
    align_speakers_in(view, utterance->t0, utterance->t1, &all);
    return all.count && 2 * all.items[0].time > all.spoken ? all.items[0].person : who;
}

static instant instant_at(const sources *s, int m, affect_time time) {
    instant out = {0};
    const affect_track *affect = s->affect[m];
    affect_modality modality = (affect_modality)(m + 1);
    affect_time from = time - FACE_REACH, to = time + FACE_REACH;
    if (!affect || !affect->rows) return out;
    if (modality != AFFECT_MODALITY_FACE) {
        bool exists = false;
        const char *tier = modality == AFFECT_MODALITY_VOICE ? "speech" : "utterances";
        affect_time slack = modality == AFFECT_MODALITY_VOICE ? PAUSE : 0;
        const affect_interval *inside = interval_at(s->view, tier, time, slack, &exists);
        from = to = nearest_row(affect, time);
        affect_time off = from < time ? time - from : from - time;
        bool near = modality == AFFECT_MODALITY_WORDS && inside
                        ? inside->t0 <= from && from <= inside->t1
                        : off <= SPEECH_REACH;
        if ((exists && !inside) || !near) return out;
        int who = modality == AFFECT_MODALITY_WORDS ? whose_words(s->view, inside, time)
                                                    : align_speaker(s->view, time);
        if (who != s->person && !(s->dubbed && who == AFFECT_PERSON_NONE)) return out;
    } else {
        within_shot(s->view, time, &from, &to);
    }
    const affect_track *units = modality == AFFECT_MODALITY_FACE ? s->units : NULL;
    align_reading reading = align_read(affect, s->categories[m], units, from, to);
    if (!(reading.confidence > 0)) return out;
    align_signs_of(modality, &reading, out.sign);
    out.confidence = pow(fmin(reading.confidence, 1), trust);
    if (s->dubbed && modality != AFFECT_MODALITY_FACE) out.confidence *= DUBBED;
    out.present = true;
    return out;
}

/* ---- contradictions ---- */

static const char *const sign_names[ALIGN_SIGNS] = {"negative", "neutral", "positive"};

static size_t best_sign(const double sign[ALIGN_SIGNS]) {
    size_t best = 0;
    for (size_t k = 1; k < ALIGN_SIGNS; k++)
        if (sign[k] > sign[best]) best = k;
    return best;
}

/* Ids of what speaks for a side: events of that direction, of speech the stretch, of words the
 * utterance. */
static affect_status put_evidence(align_stage *s, const timeline_view *view, int person,
                                  affect_modality modality, size_t sign, affect_time t0,
                                  affect_time t1, affect_attributes *a) {
    enum { MOST = 16 };
    const char *ids[MOST];
    size_t count = 0;
    const char *tier_id = modality == AFFECT_MODALITY_VOICE   ? "speech"
                          : modality == AFFECT_MODALITY_WORDS ? "utterances"
                                                              : NULL;
    for (size_t i = 0; tier_id && i < view->count; i++) {
        const affect_tier *tier = affect_timeline_find_tier(view->items[i], tier_id);
        for (size_t k = 0; tier && k < tier->count && count < MOST; k++)
            if (tier->items[k].t0 < t1 && tier->items[k].t1 > t0) ids[count++] = tier->items[k].id;
    }
    for (size_t k = align_happening_at(s, t0 - ALIGN_BLOCK); k < s->happenings.count; k++) {
        const align_happening *h = &s->happenings.items[k];
        if (h->apex > t1 || count == MOST) break;
        bool same = h->modality == modality && h->person == person && h->offset >= t0;
        double valence = h->event.valence * ((double)sign - 1);
        if (same && valence > 0) ids[count++] = h->id;
    }
    return count ? affect_attributes_set_texts(s->ctx, a, "evidence", ids, count) : AFFECT_OK;
}

static affect_status put_side(align_stage *s, const timeline_view *view, const align_person *p,
                              const align_run *run, int pair, int side, affect_time t1,
                              const char *id) {
    affect_modality modality = align_pair_of[pair][side];
    const char *name = affect_modality_name(modality);
    size_t sign = best_sign(run->sides[side]);
    double probability = run->sides[side][sign] / (double)run->steps;
    char label[48];
    snprintf(label, sizeof label, "%s %s", name, sign_names[sign]);
    affect_attributes *a;
    affect_status status = affect_attributes_create(s->ctx, &a);
    if (status == AFFECT_OK) status = affect_attributes_set_text(s->ctx, a, "modality", name);
    if (status == AFFECT_OK)
        status = affect_attributes_set_text(s->ctx, a, "sign", sign_names[sign]);
    if (status == AFFECT_OK)
        status = put_evidence(s, view, p->number, modality, sign, run->onset, t1, a);
    if (status == AFFECT_OK)
        status = tier_append(s->ctx, s->sides,
                             &(affect_interval){.t0 = run->onset,
                                                .t1 = t1,
                                                .label = label,
                                                .score = (float)probability,
                                                .person = p->number,
                                                .id = id,
                                                .attributes = a});
    affect_attributes_destroy(a);
    return status;
}

static affect_status run_close(align_stage *s, const timeline_view *view, const align_person *p,
                               int pair, align_run *run) {
    affect_time t1 = run->last + STEP;
    run->open = false;
    if (t1 - run->onset < LEAST_LENGTH) return AFFECT_OK;
    char id[32], sides[2][32];
    s->contradictions++;
    snprintf(id, sizeof id, "c%zu", s->contradictions);
    snprintf(sides[0], sizeof sides[0], "c%zu-a", s->contradictions);
    snprintf(sides[1], sizeof sides[1], "c%zu-b", s->contradictions);
    double n = (double)run->steps;
    affect_status status =
        timeline_add_event(s->ctx, s->out,
                           &(affect_event){.onset = run->onset,
                                           .apex = run->apex,
                                           .offset = t1,
                                           .kind = "contradiction",
                                           .modality = AFFECT_MODALITY_FUSED,
                                           .person = p->number,
                                           .strength = (float)fmin(run->strength / n, 1),
                                           .confidence = (float)fmin(run->confidence / n, 1),
                                           .id = id,
                                           .model = ""});
    for (int side = 0; side < 2 && status == AFFECT_OK; side++) {
        status = put_side(s, view, p, run, pair, side, t1, sides[side]);
        if (status == AFFECT_OK)
            status = timeline_add_link(s->ctx, s->out,
                                       &(affect_link){.from = id,
                                                      .to = sides[side],
                                                      .kind = AFFECT_LINK_CITES,
                                                      .lag = AFFECT_TIME_NONE,
                                                      .lag_sd = AFFECT_TIME_NONE,
                                                      .score = NAN,
                                                      .person = p->number});
    }
    if (status == AFFECT_OK)
        status = timeline_add_link(s->ctx, s->out,
                                   &(affect_link){.from = sides[0],
                                                  .to = sides[1],
                                                  .kind = AFFECT_LINK_CONTRADICTS,
                                                  .lag = AFFECT_TIME_NONE,
                                                  .lag_sd = AFFECT_TIME_NONE,
                                                  .score = (float)fmin(run->strength / n, 1),
                                                  .person = p->number});
    return status;
}

static affect_status run_step(align_stage *s, const timeline_view *view, align_person *p, int pair,
                              affect_time time, const instant *a, const instant *b) {
    align_run *run = &p->runs[pair];
    affect_status status = AFFECT_OK;
    if (run->open && time - run->last > BRIDGE) status = run_close(s, view, p, pair, run);
    if (!a->present || !b->present || status != AFFECT_OK) return status;
    double apart = align_disagreement(a->sign, b->sign) * fmin(a->confidence, b->confidence);
    if (apart < THRESHOLD) return AFFECT_OK;
    if (!run->open) *run = (align_run){.open = true, .onset = time, .apex = time};
    if (apart > run->peak) run->peak = apart, run->apex = time;
    run->last = time;
    run->strength += apart;
    run->confidence += fmin(a->confidence, b->confidence);
    for (int k = 0; k < ALIGN_SIGNS; k++) {
        run->sides[0][k] += a->sign[k];
        run->sides[1][k] += b->sign[k];
    }
    run->steps++;
    return AFFECT_OK;
}

affect_status align_consistency_end(align_stage *s, const timeline_view *view, align_person *p) {
    affect_status status = AFFECT_OK;
    for (int k = 0; k < ALIGN_PAIRS && status == AFFECT_OK; k++)
        if (p->runs[k].open) status = run_close(s, view, p, k, &p->runs[k]);
    return status;
}

/* ---- a block ---- */

/* Means of all pairs' agreement over SMOOTH steps to each side, B turned by `shift`; NaN where
 * nothing is compared. `sums` and `counts` have room for n + 1. */
static void agreement(const instant *x, size_t n, size_t shift, double *sums, double *counts,
                      double *out) {
    sums[0] = counts[0] = 0;
    for (size_t i = 0; i < n; i++) {
        sums[i + 1] = sums[i];
        counts[i + 1] = counts[i];
        for (int k = 0; k < ALIGN_PAIRS; k++) {
            const instant *a = &x[((size_t)align_pair_of[k][0] - 1) * n + i];
            const instant *b = &x[((size_t)align_pair_of[k][1] - 1) * n + (i + shift) % n];
            if (!a->present || !b->present) continue;
            sums[i + 1] += 1 - align_disagreement(a->sign, b->sign);
            counts[i + 1]++;
        }
    }
    for (size_t i = 0; i < n; i++) {
        size_t low = i > SMOOTH ? i - SMOOTH : 0, high = BASE_MIN(i + SMOOTH + 1, n);
        double count = counts[high] - counts[low];
        out[i] = count > 0 ? (sums[high] - sums[low]) / count : NAN;
    }
}

/* p of each step, from shifts of at least LEAST_SHIFT steps to both sides. */
static void surrogates(const instant *x, size_t n, double *scratch, double *p) {
    double *sums = scratch, *counts = sums + n + 1, *here = counts + n + 1, *there = here + n;
    double *as_good = there + n, *known = as_good + n;
    agreement(x, n, 0, sums, counts, here);
    for (size_t i = 0; i < n; i++) as_good[i] = known[i] = 0, p[i] = NAN;
    if (n <= 2 * LEAST_SHIFT) return;
    size_t shifts = BASE_MIN((size_t)SURROGATES, n - 2 * LEAST_SHIFT);
    for (size_t k = 0; k < shifts; k++) {
        agreement(x, n, LEAST_SHIFT + k * (n - 2 * LEAST_SHIFT) / shifts, sums, counts, there);
        for (size_t i = 0; i < n; i++) {
            if (isnan(there[i]) || isnan(here[i])) continue;
            known[i]++;
            as_good[i] += there[i] >= here[i] - 1e-12;
        }
    }
    for (size_t i = 0; i < n; i++)
        if (known[i] >= LEAST_SURROGATES) p[i] = (1 + as_good[i]) / (1 + known[i]);
}

/* When a modality is asked about a step: later by its lag, and in the sound's own time. */
static affect_time time_of(const timeline_view *view, int m, size_t step, affect_time late) {
    affect_time time = (affect_time)step * STEP + late;
    return m == AFFECT_MODALITY_FACE - 1 ? time : time + align_offset_at(view, time);
}

affect_status align_consistency_block(align_stage *s, const timeline_view *view, align_person *p,
                                      affect_time t0, affect_time t1,
                                      const align_belief lags[ALIGN_PAIRS]) {
    size_t first = (size_t)((t0 + STEP - 1) / STEP), end = (size_t)((t1 + STEP - 1) / STEP);
    size_t n = end > first ? end - first : 0;
    sources from = sources_of(view, p->number);
    /* In the time of the face: the voice and the words come so much later. */
    affect_time late[MODALITIES] = {0};
    for (int k = 0; k < 2; k++)
        if (align_claimed(&lags[k])) late[k + 1] = time_from_seconds(lags[k].lag_s);
    if (!n) return AFFECT_OK;
    instant *x = base_calloc(MODALITIES * n, sizeof *x);
    double *scratch = base_alloc((7 * n + 2) * sizeof *scratch),
           *chance = scratch ? scratch + 6 * n + 2 : NULL;
    affect_status status = x && scratch ? AFFECT_OK : base_fail_memory(s->ctx);
    for (size_t i = 0; i < n && status == AFFECT_OK; i++) {
        look_at_shot(&from, (affect_time)(first + i) * STEP, t0, t1);
        for (int m = 0; m < MODALITIES; m++)
            x[(size_t)m * n + i] = instant_at(&from, m, time_of(view, m, first + i, late[m]));
    }
    if (status == AFFECT_OK) surrogates(x, n, scratch, chance);
    for (size_t i = 0; i < n && status == AFFECT_OK; i++) {
        affect_time time = (affect_time)(first + i) * STEP;
        float row[ALIGN_PAIRS + 1], confidence = 0;
        for (int k = 0; k < ALIGN_PAIRS && status == AFFECT_OK; k++) {
            const instant *a = &x[((size_t)align_pair_of[k][0] - 1) * n + i];
            const instant *b = &x[((size_t)align_pair_of[k][1] - 1) * n + i];
            bool both = a->present && b->present;
            row[k] = both ? (float)(1 - align_disagreement(a->sign, b->sign)) : NAN;
            if (both) confidence = fmaxf(confidence, (float)fmin(a->confidence, b->confidence));
            status = run_step(s, view, p, k, time, a, b);
        }
        row[ALIGN_PAIRS] = (float)chance[i];
        if (status != AFFECT_OK || !(confidence > 0)) continue;
        if (!p->consistency)
            status =
                timeline_add_role(s->ctx, s->out, TRACK_ROLE_CONSISTENCY, AFFECT_MODALITY_FUSED,
                                  p->number, "", NULL, 0, &p->consistency);
        if (status == AFFECT_OK)
            status = track_append(s->ctx, p->consistency, time, confidence, row);
    }
    base_free(x);
    base_free(scratch);
    return status;
}
