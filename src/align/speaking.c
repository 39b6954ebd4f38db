/* The stage: cells, evidence, who speaks, the offset. */
#include "align/speaking.h"

#include <math.h>
#include <string.h>

enum {
    LAGS = 34, /* 0.68 s to both sides */
    LAG_COUNT = 2 * LAGS + 1,
    BLOCK = 5,       /* cells: 0.1 s, a state of the chain */
    HOLD = 40,       /* blocks of future that decide one */
    WINDOW = 10,     /* blocks: 1 s, over which one mouth is taken for the voice's */
    CELL_RING = 512, /* the latest cells' variates */
    BLOCK_RING = 128,
    AROUND = 100,   /* cells: 2 s, how far from speech silence tells of a lag */
    FIT_REACH = 10, /* blocks: over which a face is taken to keep its lag */
    NEAR = 3,       /* 60 ms: lags so close are the same */
    OWN = 1,        /* so far a face's lag may be from the recording's */
    GONE = 500,     /* cells without a face after which it is forgotten */
    GAP = 15,       /* blocks without speech that do not end a turn */
    IDLE = 750,     /* cells: 15 s, after which nothing is waited for */
    VOICES_AT_ONCE = 4
};

/* Of the tier "speakers". */
static const affect_time LONGEST_TURN = 10 * AFFECT_SECOND;
/* Ratios of neighbouring cells say almost the same thing: so much of their sum is new. Chosen, with the
 * constants below, by build/bench/bench-synchrony on people whom the tests do not show. */
static const double independent = 0.06;
/* Probability of speech from which there is some. */
static const double speech_least = 0.25;
/* A sound so little below the loudest of the last seconds (which fall by 5 dB a second), and so
 * periodic, might be a voice that is not known for speech; where lips say so it is. */
static const double loud_db = 25, peak_fall_db = 0.1, voiced_least = 0.7;
/* A second in which no mouth fits counts so much against a lag at most: then nobody in view speaks. */
static const double nobody_floor = -4;
/* Offsets have a Laplace prior of this scale. */
static const double offset_scale_s = 0.3;
/* An offset is claimed by the log odds of the likelihood's share near the best lag (0.9999 at most), and by how much likelier
 * that lag is than that nobody in view speaks. Printed by build/bench/bench-synchrony. */
static const double claim_share = 0.166, claim_evidence = 0.662, claim_least = 3.5;
static const double frame_s = 0.04;
/* From a cut to the next one. */
typedef struct scene {
    affect_time t0;
    double fit[LAG_COUNT];
    size_t best;           /* lag */
    double spoken;         /* 0..1: that somebody in view speaks, if the lag is that */
    affect_time taken_off; /* of the sound's times */
} scene;

typedef struct evidence {
    double ratio[LAG_COUNT];
    double square, cells; /* of the mouth's speed */
} evidence;

typedef struct turn {
    bool open;
    size_t shot;
    affect_time t0, t1; /* of the sound */
    affect_time offset;
    size_t last; /* block */
    int person;
    double score, blocks;
    const affect_attributes *channel; /* of a voice that has its own; NULL else */
} turn;

/* A voice that perception tells apart (tier "speakers"). */
typedef struct voice {
    int64_t number; /* of its label */
    int person;     /* as which it counts where no face is its */
    turn turn;
} voice;

typedef struct face {
    int person;
    const affect_track *mouth;
    align_mouth *cells; /* NULL while it is not in view */
    size_t unseen;      /* cells since it was */
    double alpha;       /* of the chain */
    turn turn;
    size_t done;              /* cells before it stand there */
    size_t number[CELL_RING]; /* which cell stands there, SIZE_MAX: none */
    double variates[CELL_RING][ALIGN_VARIATES], speed[CELL_RING];
    evidence blocks[BLOCK_RING];
} face;

struct align_speaking {
    affect_context *ctx;
    affect_timeline *out;
    align_synchrony *synchrony;
    align_voices *voice_weights; /* NULL: none are told apart */
    align_rule rule;
    bool keep_offset;
    bool offset_known; /* of the whole recording: this is the second pass */
    bool many_offsets; /* they are in `scenes` */
    affect_tier *tier, *offsets;
    align_sound *sound;
    size_t idle;                                            /* cells in which nothing was known */
    size_t next_cell, next_variate, next_ratio, next_block; /* each: the one that comes */
    size_t decided;                                         /* blocks */
    bool heard;                                             /* there is a voice/activity */
    double activity[CELL_RING];
    bool loud[CELL_RING]; /* a voiced sound near the loudest of the last seconds */
    double peak_db;
    bool sound_known[CELL_RING];
    double sound_variates[CELL_RING][ALIGN_VARIATES];
    double speech[BLOCK_RING], voiced[BLOCK_RING]; /* shares of the block's cells */
    size_t shot[BLOCK_RING];                       /* in which it begins */
    size_t shots;                                  /* cuts so far */
    size_t first_face;                             /* cell; SIZE_MAX before it */
    double nobody;                                 /* alpha */
    bool begun;                                    /* alphas are of a block before */
    const turn *speaks;                            /* whose turn it was last */
    turn elsewhere;                                /* of nobody in view */
    struct {
        face **items;
        size_t count, capacity;
    } faces;
    struct {
        voice **items; /* in order of number */
        size_t count, capacity;
    } voices;
    affect_attributes *channels[2];
    struct {
        align_lips *items; /* in order of time */
        size_t count, capacity;
    } said;
    bool revised;         /* at the end */
    size_t speakers_done; /* intervals of "speakers" that are over */
    struct {
        affect_interval *items;
        size_t count, capacity;
    } pending;             /* closed, but an older one is still open */
    double fit[LAG_COUNT]; /* of the recording so far */
    struct {
        scene *items; /* by number of the shot */
        size_t count, capacity;
    } scenes;
    size_t window; /* block: evidence before it is in `fit` */
    align_offset offset;
    affect_time taken_off; /* of the sound's times */
    size_t best;           /* lag */
};

align_rule align_rule_default(void) {
    return (align_rule){
#define ALIGN_RULE_VALUE(name, value) .name = (value),
        ALIGN_RULES(ALIGN_RULE_VALUE)
#undef ALIGN_RULE_VALUE
    };
}

affect_status align_speaking_create(affect_context *ctx, const align_speaking_options *options,
                                    affect_timeline *out, align_speaking **stage) {
    *stage = NULL;
    align_speaking *s = base_calloc(1, sizeof *s);
    if (!s) return base_fail_memory(ctx);
    s->ctx = ctx;
    s->out = out;
    s->keep_offset = options->keep_offset;
    s->rule = options->rule ? *options->rule : align_rule_default();
    s->best = LAGS;
    s->first_face = SIZE_MAX;
    s->peak_db = -100;
    affect_status status = AFFECT_OK;
    if (!options->synchrony)
        status = align_synchrony_load(ctx, options->model, &s->synchrony);
    else if ((s->synchrony = base_alloc(sizeof *s->synchrony)))
        *s->synchrony = *options->synchrony;
    else
        status = base_fail_memory(ctx);
    if (status == AFFECT_OK && !options->anonymous)
        status = align_voices_load(ctx, options->voices, &s->voice_weights);
    s->sound = align_sound_create(0);
    if (status == AFFECT_OK && !s->sound) status = base_fail_memory(ctx);
    if (status != AFFECT_OK) {
        align_speaking_destroy(s);
        return status;
    }
    *stage = s;
    return AFFECT_OK;
}

void align_speaking_destroy(align_speaking *s) {
    if (!s) return;
    for (size_t i = 0; i < s->faces.count; i++) {
        align_mouth_destroy(s->faces.items[i]->cells);
        base_free(s->faces.items[i]);
    }
    base_free(s->faces.items);
    for (size_t i = 0; i < s->voices.count; i++) base_free(s->voices.items[i]);
    base_free(s->voices.items);
    for (int c = 0; c < 2; c++) affect_attributes_destroy(s->channels[c]);
    base_free(s->pending.items);
    base_free(s->said.items);
    base_free(s->scenes.items);
    align_sound_destroy(s->sound);
    align_synchrony_destroy(s->synchrony);
    align_voices_destroy(s->voice_weights);
    base_free(s);
}

/* ---- cells in ---- */

static affect_status find_faces(align_speaking *s, const timeline_view *view) {
    for (size_t i = 0; i < view->count; i++)
        for (size_t k = 0; k < view->items[i]->track_count; k++) {
            const affect_track *track = view->items[i]->tracks[k];
            if (!track->kind || track->kind->role != TRACK_ROLE_MOUTH) continue;
            bool known = false;
            for (size_t f = 0; f < s->faces.count && !known; f++)
                known = s->faces.items[f]->mouth == track;
            if (known) continue;
            face *new = base_calloc(1, sizeof *new);
            if (!new || !base_grow((void **)&s->faces.items, &s->faces.capacity, s->faces.count + 1,
                                   sizeof *s->faces.items)) {
                base_free(new);
                return base_fail_memory(s->ctx);
            }
            new->mouth = track;
            new->person = track->person;
            for (size_t c = 0; c < CELL_RING; c++) new->number[c] = SIZE_MAX;
            /* In order of their numbers, whichever came first into the view. */
            size_t at = s->faces.count++;
            while (at > 0 && s->faces.items[at - 1]->person > new->person) {
                s->faces.items[at] = s->faces.items[at - 1];
                at--;
            }
            s->faces.items[at] = new;
        }
    return AFFECT_OK;
}

static void take_mouth(align_speaking *s, face *f, size_t k) {
    double mouth[ALIGN_MOUTH_WIDTH];
    size_t at = k % CELL_RING;
    bool known = f->cells && align_mouth_features(f->cells, k, mouth);
    f->number[at] = known ? k : SIZE_MAX;
    f->speed[at] = f->cells ? align_mouth_speed(f->cells, k) : NAN;
    if (known) align_mouth_variates(s->synchrony, mouth, f->variates[at]);
    f->done = k + 1;
}

/* A mouth on the other side of a cut is another one, though it be the same person's: what it is compared
 * with, and what smooths it, ends there. */
static void cut_mouths(align_speaking *s, size_t k) {
    for (size_t i = 0; i < s->faces.count; i++) {
        face *f = s->faces.items[i];
        if (!f->cells) continue;
        align_mouth_end(f->cells);
        for (size_t j = BASE_MAX(f->done, s->next_variate); j < k; j++) take_mouth(s, f, j);
        align_mouth_destroy(f->cells);
        f->cells = NULL;
    }
}

/* The scene of a shot; NULL: no memory. */
static scene *scene_of(align_speaking *s, size_t shot) {
    if (!base_grow((void **)&s->scenes.items, &s->scenes.capacity, shot + 1,
                   sizeof *s->scenes.items))
        return NULL;
    while (s->scenes.count <= shot) s->scenes.items[s->scenes.count++] = (scene){.best = LAGS};
    return &s->scenes.items[shot];
}

static affect_status take_cell(align_speaking *s, const timeline_view *view, size_t k) {
    size_t shot = align_shot_at(view, (affect_time)k * ALIGN_CELL);
    if (shot != s->shots) cut_mouths(s, k);
    if (!s->offset_known && shot >= s->scenes.count) {
        size_t first = s->scenes.count;
        if (!scene_of(s, shot)) return base_fail_memory(s->ctx);
        for (size_t i = first; i <= shot; i++) s->scenes.items[i].t0 = (affect_time)k * ALIGN_CELL;
    }
    s->shots = shot;
    if (k % BLOCK == 0) s->shot[(k / BLOCK) % BLOCK_RING] = shot;
    double sound[ALIGN_SOUNDS], shapes[ALIGN_SHAPES];
    bool known = align_read_sound(view, k, sound), any = known;
    align_sound_push(s->sound, known ? sound : NULL);
    s->activity[k % CELL_RING] = known ? sound[ALIGN_SOUNDS - 1] : NAN;
    s->peak_db = fmax(s->peak_db - peak_fall_db, known && isfinite(sound[0]) ? sound[0] : -100);
    s->loud[k % CELL_RING] = known && sound[0] >= s->peak_db - loud_db && sound[2] >= voiced_least;
    for (size_t i = 0; i < s->faces.count; i++) {
        face *f = s->faces.items[i];
        known = align_read_mouth(view, f->mouth, k, shapes);
        f->unseen = known ? 0 : f->unseen + 1;
        any = any || known;
        if (known) s->first_face = BASE_MIN(s->first_face, k);
        if (known && !f->cells && !(f->cells = align_mouth_create(k)))
            return base_fail_memory(s->ctx);
        if (f->cells && f->unseen > GONE) {
            align_mouth_destroy(f->cells);
            f->cells = NULL;
        }
        if (f->cells) align_mouth_push(f->cells, known ? shapes : NULL);
    }
    s->idle = any ? 0 : s->idle + 1;
    return AFFECT_OK;
}

/* ---- evidence ---- */

static void take_variates(align_speaking *s, size_t k) {
    double sound[ALIGN_SOUND_WIDTH];
    size_t at = k % CELL_RING;
    s->sound_known[at] = align_sound_features(s->sound, k, sound);
    if (s->sound_known[at]) align_sound_variates(s->synchrony, sound, s->sound_variates[at]);
    for (size_t i = 0; i < s->faces.count; i++) {
        face *f = s->faces.items[i];
        if (k >= f->done) take_mouth(s, f, k);
    }
}

static void take_ratios(align_speaking *s, size_t k) {
    size_t at = (k / BLOCK) % BLOCK_RING;
    if (k % BLOCK == 0) {
        s->speech[at] = s->voiced[at] = 0;
        for (size_t i = 0; i < s->faces.count; i++)
            s->faces.items[i]->blocks[at] = (evidence){.square = 0};
    }
    double activity = s->activity[k % CELL_RING];
    if (activity >= speech_least) s->speech[at] += 1.0 / BLOCK;
    if (s->loud[k % CELL_RING]) s->voiced[at] += 1.0 / BLOCK;
    for (size_t i = 0; i < s->faces.count; i++) {
        face *f = s->faces.items[i];
        double speed = f->speed[k % CELL_RING];
        if (isfinite(speed)) f->blocks[at].square += speed * speed, f->blocks[at].cells++;
        for (size_t l = 0; l < LAG_COUNT && s->sound_known[k % CELL_RING]; l++) {
            if (k + LAGS < l) continue;
            size_t other = k + LAGS - l; /* the mouth moved so much earlier */
            if (f->number[other % CELL_RING] != other) continue;
            f->blocks[at].ratio[l] += align_synchrony_ratio(
                s->synchrony, s->sound_variates[k % CELL_RING], f->variates[other % CELL_RING]);
        }
    }
}

/* ---- the offset ---- */

static double prior_of(size_t lag) {
    return -fabs(((double)lag - LAGS) * time_to_seconds(ALIGN_CELL)) / offset_scale_s;
}

static align_offset judge_offset(const double fit[LAG_COUNT], size_t *best) {
    double chance[LAG_COUNT], top = -INFINITY, sum = 0, near = 0, mean = 0, square = 0;
    for (size_t l = 0; l < LAG_COUNT; l++) {
        chance[l] = fit[l] + prior_of(l);
        if (chance[l] > top) top = chance[l], *best = l;
    }
    for (size_t l = 0; l < LAG_COUNT; l++) sum += chance[l] = exp(chance[l] - top);
    for (size_t l = 0; l < LAG_COUNT; l++) {
        double p = chance[l] / sum, lag_s = ((double)l - LAGS) * time_to_seconds(ALIGN_CELL);
        if (l + NEAR < *best || l > *best + NEAR) continue;
        near += p;
        mean += p * lag_s;
        square += p * lag_s * lag_s;
    }
    mean /= near;
    bool inside = *best >= NEAR && *best + NEAR < LAG_COUNT;
    double odds = log((near + 1e-4) / (1 - near + 1e-4));
    return (align_offset){.claimed = inside && claim_share * odds + claim_evidence * fit[*best] >=
                                                   claim_least,
                          .offset_s = mean,
                          .sd_s = sqrt(fmax(square / near - mean * mean, 1e-4)),
                          .confidence = near,
                          .evidence = fit[*best]};
}

static affect_status write_offset(align_speaking *s, const align_offset *offset, bool known,
                                  affect_time t0, affect_time t1) {
    affect_status status = AFFECT_OK;
    if (!s->offsets)
        status = timeline_tier(s->ctx, s->out, "av_offset", AFFECT_MODALITY_NONE, &s->offsets);
    affect_attributes *a = NULL;
    if (status == AFFECT_OK) status = affect_attributes_create(s->ctx, &a);
    if (status == AFFECT_OK)
        status = attributes_set_rounded(s->ctx, a, "offset_s", offset->offset_s);
    if (status == AFFECT_OK) status = attributes_set_rounded(s->ctx, a, "sd_s", offset->sd_s);
    char label[32] = "unknown";
    if (known) snprintf(label, sizeof label, "%+.0f ms", offset->offset_s * 1e3);
    if (status == AFFECT_OK)
        status = tier_append(s->ctx, s->offsets,
                             &(affect_interval){.t0 = t0,
                                                .t1 = t1,
                                                .label = label,
                                                .score = (float)offset->confidence,
                                                .attributes = a});
    affect_attributes_destroy(a);
    return status;
}

/* A second is over (it counts for the scene that its middle is in): the mouth that fits best at a lag speaks for that lag, if anybody does. */
static affect_status close_window(align_speaking *s, size_t last) {
    size_t from = s->window, first = from * BLOCK, end = (last + 1) * BLOCK;
    bool spoken = false, any = false;
    s->window = last + 1;
    if (s->offset_known) return AFFECT_OK;
    /* Where a mouth rests while nobody speaks tells of the lag too, as long as somebody just did or
     * soon will. */
    for (size_t k = first > AROUND ? first - AROUND : 0; k < BASE_MIN(end + AROUND, s->next_cell);
         k++)
        spoken = spoken || s->activity[k % CELL_RING] >= speech_least;
    if (!spoken) return AFFECT_OK;
    scene *here = scene_of(s, s->shot[(from + (last - from) / 2) % BLOCK_RING]);
    if (!here) return base_fail_memory(s->ctx);
    for (size_t l = 0; l < LAG_COUNT; l++) {
        double best = -INFINITY;
        for (size_t i = 0; i < s->faces.count; i++) {
            double sum = 0, seen = 0;
            for (size_t b = from; b <= last; b++) {
                const evidence *e = &s->faces.items[i]->blocks[b % BLOCK_RING];
                sum += e->ratio[l];
                seen += e->cells;
            }
            if (seen > 0) best = fmax(best, independent * sum);
        }
        if (best == -INFINITY) continue;
        best = fmax(best, nobody_floor);
        s->fit[l] += best;
        here->fit[l] += best;
        any = true;
    }
    if (!any) return AFFECT_OK;
    s->offset = judge_offset(s->fit, &s->best);
    /* Within a frame they fit; and what is known a little better than before moves nothing again. */
    double taken_off_s = time_to_seconds(s->taken_off);
    if (!s->offset.claimed || s->keep_offset || fabs(s->offset.offset_s - taken_off_s) < frame_s)
        return AFFECT_OK;
    s->taken_off = time_from_seconds(round(s->offset.offset_s * 1e3) / 1e3);
    /* What is new is said, from this second on. */
    affect_time t0 = (affect_time)from * BLOCK * ALIGN_CELL;
    return write_offset(s, &s->offset, true, s->offsets ? t0 : 0,
                        (affect_time)(last + 1) * BLOCK * ALIGN_CELL);
}

/* Log likelihood of a lag in a scene, in which perhaps nobody in view speaks: then it tells of none. */
static double scene_fit(const align_speaking *s, const scene *of, size_t lag) {
    double spoken = log1p(-s->rule.scene_unspoken) + of->fit[lag],
           unspoken = log(s->rule.scene_unspoken), top = fmax(spoken, unspoken);
    return top + log(exp(spoken - top) + exp(unspoken - top));
}

/* The likeliest lags of all scenes, into `best`: most go on with that of the scene before (Viterbi 1967). */
static affect_status scene_lags(align_speaking *s) {
    size_t n = s->scenes.count;
    double all = 0, before[LAG_COUNT], now[LAG_COUNT], changes = s->rule.scene_changes;
    uint8_t *from = base_calloc(n + 1, LAG_COUNT);
    if (!from) return base_fail_memory(s->ctx);
    for (size_t l = 0; l < LAG_COUNT; l++) all += exp(prior_of(l));
    for (size_t k = 0; k < n; k++) {
        size_t top = 0;
        for (size_t l = 1; l < LAG_COUNT && k; l++)
            if (before[l] > before[top]) top = l;
        for (size_t l = 0; l < LAG_COUNT; l++) {
            double anew = prior_of(l) - log(all);
            bool stays = k && before[l] + log1p(-exp(changes)) >= before[top] + changes + anew;
            double most = !k      ? anew
                          : stays ? before[l] + log1p(-exp(changes))
                                  : before[top] + changes + anew;
            from[k * LAG_COUNT + l] = (uint8_t)(stays ? l : top);
            now[l] = most + scene_fit(s, &s->scenes.items[k], l);
        }
        memcpy(before, now, sizeof before);
    }
    size_t lag = 0;
    for (size_t l = 1; l < LAG_COUNT && n; l++)
        if (before[l] > before[lag]) lag = l;
    for (size_t k = n; k-- > 0;) {
        s->scenes.items[k].best = lag;
        lag = from[k * LAG_COUNT + lag];
    }
    base_free(from);
    return AFFECT_OK;
}

static affect_time scene_end(const align_speaking *s, size_t k, affect_time end) {
    return k + 1 < s->scenes.count ? s->scenes.items[k + 1].t0 : end;
}

/* Where the stretch of scenes that begins with scene k and has one lag ends; *offset: what it tells by itself. */
static size_t judge_stretch(align_speaking *s, size_t k, affect_time end, align_offset *offset) {
    double fit[LAG_COUNT] = {0};
    size_t next = k, best = LAGS;
    for (; next < s->scenes.count && s->scenes.items[next].best == s->scenes.items[k].best; next++)
        for (size_t l = 0; l < LAG_COUNT; l++) fit[l] += scene_fit(s, &s->scenes.items[next], l);
    *offset = judge_offset(fit, &best);
    affect_time length = scene_end(s, next - 1, end) - s->scenes.items[k].t0;
    offset->claimed = offset->claimed && length >= time_from_seconds(s->rule.scene_least_s);
    for (size_t i = k; i < next; i++) {
        scene *of = &s->scenes.items[i];
        of->best = best;
        of->spoken = 1 / (1 + exp(-of->fit[best]));
    }
    return next;
}

/* At the end: stretches of scenes that have one lag are judged each by itself. What cannot be told of one of them is
 * unknown, and nothing is taken off; within one of which it can, scenes in which nobody in view speaks have its offset
 * and say so. The longest that can be told is what is said of the recording. */
static affect_status judge_scenes(align_speaking *s, affect_time end) {
    size_t n = s->scenes.count, next;
    affect_time longest = 0;
    if (n < 2) return AFFECT_OK;
    affect_status status = scene_lags(s);
    align_offset *told = status == AFFECT_OK ? base_calloc(n, sizeof *told) : NULL;
    if (status == AFFECT_OK && !told) status = base_fail_memory(s->ctx);
    bool apart = false;
    for (size_t k = 0; k < n && status == AFFECT_OK; k = next) {
        next = judge_stretch(s, k, end, &told[k]);
        affect_time length = scene_end(s, next - 1, end) - s->scenes.items[k].t0;
        apart = apart || (told[k].claimed && fabs(told[k].offset_s) >= frame_s);
        if (told[k].claimed && length > longest) {
            longest = length;
            s->offset = told[k];
            s->best = s->scenes.items[k].best;
        }
        for (size_t i = k + 1; i < next; i++) told[i] = told[k];
    }
    s->many_offsets = status == AFFECT_OK && longest && apart && !s->keep_offset;
    if (s->many_offsets && s->offsets) tier_clear(s->offsets);
    for (size_t k = 0; s->many_offsets && k < n && status == AFFECT_OK; k = next) {
        scene *of = s->scenes.items;
        bool known = told[k].claimed && of[k].fit[of[k].best] >= s->rule.scene_evidence;
        double sum = 0;
        for (next = k;
             next < n && of[next].best == of[k].best && told[next].claimed == told[k].claimed &&
             (told[next].claimed && of[next].fit[of[next].best] >= s->rule.scene_evidence) == known;
             next++) {
            sum += of[next].spoken * time_to_seconds(scene_end(s, next, end) - of[next].t0);
            of[next].taken_off =
                told[k].claimed ? time_from_seconds(round(told[k].offset_s * 1e3) / 1e3) : 0;
        }
        align_offset offset = told[k];
        affect_time t1 = scene_end(s, next - 1, end);
        double length = time_to_seconds(t1 - of[k].t0); /* 0: scenes that nothing was seen of */
        if (!known && length > 0) offset.confidence *= sum / length;
        if (!told[k].claimed) offset.offset_s = offset.confidence = 0;
        if (length > 0) status = write_offset(s, &offset, known, k ? of[k].t0 : 0, t1);
        for (size_t i = k; i < next && !told[k].claimed; i++) of[i].best = LAGS;
    }
    base_free(told);
    return status;
}

/* What is known of the shot that a block is in. */
static const scene *scene_at(const align_speaking *s, size_t block) {
    size_t shot = s->shot[block % BLOCK_RING];
    return s->many_offsets && shot < s->scenes.count ? &s->scenes.items[shot] : NULL;
}

static affect_time taken_off_at(const align_speaking *s, size_t block) {
    const scene *of = scene_at(s, block);
    return of ? of->taken_off : s->taken_off;
}

/* ---- who speaks ---- */

/* Speech, or a voiced sound that might be: the detector of speech is deaf to some shouting and crying. */
static bool is_sounding(const align_speaking *s, size_t block) {
    return s->speech[block % BLOCK_RING] >= .5 || s->voiced[block % BLOCK_RING] >= .5;
}

/* The blocks at most `reach` from one that are in its shot: [*first, *end). */
static void around(const align_speaking *s, size_t block, size_t reach, size_t last, size_t *first,
                   size_t *end) {
    size_t shot = s->shot[block % BLOCK_RING];
    *first = block > reach ? block - reach : 0;
    *end = BASE_MIN(block + reach, last) + 1;
    while (*first < block && s->shot[*first % BLOCK_RING] != shot) ++*first;
    while (*end > block + 1 && s->shot[(*end - 1) % BLOCK_RING] != shot) --*end;
}

/* The lag near the recording's (near 0 while none is claimed) at which the face fits best for a second to
 * both sides: frames that come late and pictures that were repeated move it a little. */
static size_t own_lag(const align_speaking *s, const face *f, size_t block, size_t last) {
    const scene *of = scene_at(s, block);
    size_t middle = of ? of->best : s->offset.claimed ? s->best : LAGS, best = middle, first, end;
    double top = -INFINITY;
    size_t near = s->offset_known ? OWN : NEAR;
    around(s, block, FIT_REACH, last, &first, &end);
    for (size_t l = middle > near ? middle - near : 0;
         l <= BASE_MIN(middle + near, (size_t)LAG_COUNT - 1); l++) {
        double sum = 0;
        for (size_t b = first; b < end; b++) sum += f->blocks[b % BLOCK_RING].ratio[l];
        if (sum > top) top = sum, best = l;
    }
    return best;
}

/* Log likelihood of the block where this face speaks, against nobody; not in view: unlikely. A mouth that
 * moves in the silence around speech counts too. */
static double evidence_of(const align_speaking *s, const face *f, size_t block, size_t last) {
    const evidence *e = &f->blocks[block % BLOCK_RING];
    bool spoken = false;
    for (size_t b = block > FIT_REACH ? block - FIT_REACH : 0;
         b <= BASE_MIN(block + FIT_REACH, last); b++)
        spoken = spoken || is_sounding(s, b);
    if (!spoken) return 0;
    if (!(e->cells > 0)) return is_sounding(s, block) ? -1 : 0;
    return s->rule.chain_weight * e->ratio[own_lag(s, f, block, last)];
}

/* A mouth that rests for half a second around the block does not speak. */
static double rest_of(const align_speaking *s, const face *f, size_t block, size_t last) {
    double square = 0, cells = 0;
    size_t first, end;
    if (!is_sounding(s, block)) return 0;
    around(s, block, 5, last, &first, &end);
    for (size_t b = first; b < end; b++) {
        square += f->blocks[b % BLOCK_RING].square;
        cells += f->blocks[b % BLOCK_RING].cells;
    }
    if (!(cells > 0)) return 0;
    double speed = fmax(sqrt(square / cells), 0.005);
    return s->rule.rest_weight * fmin(0, log(speed / s->rule.rest_speed));
}

/* All that speaks for this face in two seconds around the block. */
static double fits(const align_speaking *s, const face *f, size_t block, size_t last) {
    double sum = 0;
    size_t first, end;
    around(s, block, FIT_REACH, last, &first, &end);
    for (size_t k = first; k < end; k++) sum += evidence_of(s, f, k, last) + rest_of(s, f, k, last);
    return sum;
}

static affect_status write_turn(align_speaking *s, turn *t) {
    if (!t->open) return AFFECT_OK;
    t->open = false;
    if (!base_grow((void **)&s->pending.items, &s->pending.capacity, s->pending.count + 1,
                   sizeof *s->pending.items))
        return base_fail_memory(s->ctx);
    size_t at = s->pending.count++;
    affect_interval new = {.t0 = BASE_MAX(0, t->t0 - t->offset),
                           .t1 = BASE_MAX(0, t->t1 - t->offset),
                           .label = "",
                           .score = (float)(t->score / t->blocks),
                           .person = t->person,
                           .attributes = t->channel};
    for (; at > 0 && s->pending.items[at - 1].t0 > new.t0; at--)
        s->pending.items[at] = s->pending.items[at - 1];
    s->pending.items[at] = new;
    return AFFECT_OK;
}

/* In order of time: what begins before everything that is still open. */
static affect_status write_pending(align_speaking *s, bool all) {
    affect_time open = s->elsewhere.open ? s->elsewhere.t0 - s->elsewhere.offset : INT64_MAX;
    for (size_t i = 0; i < s->faces.count; i++) {
        const turn *t = &s->faces.items[i]->turn;
        if (t->open) open = BASE_MIN(open, t->t0 - t->offset);
    }
    for (size_t i = 0; i < s->voices.count; i++) {
        const turn *t = &s->voices.items[i]->turn;
        if (t->open) open = BASE_MIN(open, t->t0 - t->offset);
    }
    affect_status status = AFFECT_OK;
    size_t n = 0;
    for (; n < s->pending.count && status == AFFECT_OK && (all || s->pending.items[n].t0 <= open);
         n++) {
        if (!s->tier)
            status = timeline_tier(s->ctx, s->out, "speaking", AFFECT_MODALITY_NONE, &s->tier);
        if (status == AFFECT_OK) status = tier_append(s->ctx, s->tier, &s->pending.items[n]);
    }
    s->pending.count -= n;
    if (n)
        memmove(s->pending.items, s->pending.items + n,
                s->pending.count * sizeof *s->pending.items);
    return status;
}

/* The part of the block with speech belongs to a turn. */
static affect_status extend(align_speaking *s, turn *t, int person, size_t block, double score) {
    affect_status status = AFFECT_OK;
    size_t first = block * BLOCK, end = first + BLOCK;
    affect_time offset = taken_off_at(s, block);
    /* A pause does not end a turn, unless somebody else speaks in it. */
    size_t gap = t == s->speaks || t->channel ? GAP : 1;
    size_t shot = s->shot[block % BLOCK_RING];
    bool goes_on = t->open && t->person == person && block - t->last <= gap &&
                   t->offset == offset && t->shot == shot &&
                   (affect_time)end * ALIGN_CELL - t->t0 <= ALIGN_SPEAKING_LONGEST;
    if (!goes_on) status = write_turn(s, t);
    if (!t->open)
        *t = (turn){.open = true,
                    .shot = shot,
                    .channel = t->channel,
                    .person = person,
                    .t0 = (affect_time)first * ALIGN_CELL,
                    .offset = offset};
    t->t1 = (affect_time)end * ALIGN_CELL;
    t->last = block;
    t->score += score;
    t->blocks++;
    return status;
}

static affect_status close_turns(align_speaking *s, size_t block, bool all) {
    affect_status status = AFFECT_OK;
    if (s->elsewhere.open && (all || block - s->elsewhere.last > GAP))
        status = write_turn(s, &s->elsewhere);
    for (size_t i = 0; i < s->faces.count && status == AFFECT_OK; i++) {
        face *f = s->faces.items[i];
        if (f->turn.open && (all || block - f->turn.last > GAP)) status = write_turn(s, &f->turn);
    }
    for (size_t i = 0; i < s->voices.count && status == AFFECT_OK; i++) {
        turn *t = &s->voices.items[i]->turn;
        if (t->open && (all || block - t->last > GAP)) status = write_turn(s, t);
    }
    return status == AFFECT_OK ? write_pending(s, all) : status;
}

/* ---- voices ---- */

static const affect_tier *speakers_tier(const timeline_view *view) {
    const affect_tier *tier = NULL;
    for (size_t i = 0; i < view->count && !tier; i++)
        tier = affect_timeline_find_tier(view->items[i], "speakers");
    return tier;
}

static affect_status find_voice(align_speaking *s, const affect_interval *in, voice **out) {
    int64_t number = align_voice_number(in);
    *out = NULL;
    if (!number) return AFFECT_OK;
    size_t at = s->voices.count;
    for (size_t i = 0; i < s->voices.count; i++)
        if (s->voices.items[i]->number == number) {
            *out = s->voices.items[i];
            return AFFECT_OK;
        }
    voice *v = base_calloc(1, sizeof *v);
    if (!v || !base_grow((void **)&s->voices.items, &s->voices.capacity, s->voices.count + 1,
                         sizeof(voice *))) {
        base_free(v);
        return base_fail_memory(s->ctx);
    }
    v->number = number;
    const char *channel = affect_attributes_text(in->attributes, "channel");
    int side = channel && strcmp(channel, "right") == 0;
    affect_status status = AFFECT_OK;
    if (channel && !s->channels[side]) {
        status = affect_attributes_create(s->ctx, &s->channels[side]);
        if (status == AFFECT_OK)
            status = affect_attributes_set_text(s->ctx, s->channels[side], "channel", channel);
    }
    v->turn.channel = channel ? s->channels[side] : NULL;
    for (; at > 0 && s->voices.items[at - 1]->number > number; at--)
        s->voices.items[at] = s->voices.items[at - 1];
    s->voices.items[at] = v;
    s->voices.count++;
    *out = v;
    return status;
}

/* Whose voices are heard in the block; *count of them, at most VOICES_AT_ONCE. */
static affect_status voices_in(align_speaking *s, const timeline_view *view, size_t block,
                               voice *out[VOICES_AT_ONCE], size_t *count) {
    const affect_tier *tier = speakers_tier(view);
    affect_time t0 = (affect_time)(block * BLOCK) * ALIGN_CELL, t1 = t0 + BLOCK * ALIGN_CELL;
    affect_status status = AFFECT_OK;
    *count = 0;
    while (tier && s->speakers_done < tier->count &&
           tier->items[s->speakers_done].t1 + 2 * LONGEST_TURN < t0)
        s->speakers_done++;
    for (size_t i = s->speakers_done; tier && i < tier->count && status == AFFECT_OK; i++) {
        const affect_interval *in = &tier->items[i];
        if (BASE_MIN(in->t1, t1) - BASE_MAX(in->t0, t0) < (t1 - t0) / 2 ||
            !affect_attributes_text(in->attributes, "channel"))
            continue;
        voice *v;
        status = find_voice(s, in, &v);
        bool known = !v || *count == VOICES_AT_ONCE;
        for (size_t k = 0; k < *count; k++) known = known || out[k] == v;
        if (!known) out[(*count)++] = v;
    }
    return status;
}

/* As whom a voice counts where no face is its. The first that is heard while no face has been seen is
 * person 1, as is somebody whose voice cannot be told from others'. */
static int person_of_voice(align_speaking *s, voice *v, bool faces) {
    bool taken = faces;
    for (size_t i = 0; i < s->voices.count; i++) taken = taken || s->voices.items[i]->person == 1;
    if (!v->person) v->person = taken ? ALIGN_VOICE_FIRST + (int)v->number - 1 : 1;
    return v->person;
}

/* Probability of going on in block k as in the one before. */
static double stay_at(const align_speaking *s, size_t k) {
    double stay = is_sounding(s, k) ? s->rule.stay_speech : s->rule.stay_silence;
    bool cut = k > 0 && s->shot[k % BLOCK_RING] != s->shot[(k - 1) % BLOCK_RING];
    return cut ? fmin(stay, s->rule.stay_cut) : stay;
}

static bool remember(align_speaking *s, size_t block, int person, double ratio) {
    if (!base_grow((void **)&s->said.items, &s->said.capacity, s->said.count + 1,
                   sizeof *s->said.items))
        return false;
    affect_time middle = (affect_time)(block * BLOCK) * ALIGN_CELL + BLOCK * ALIGN_CELL / 2;
    s->said.items[s->said.count++] = (align_lips){middle, person, (float)ratio};
    return true;
}

/* Decides block b, of which those to `last` are known: the chain's posterior. */
static affect_status decide(align_speaking *s, const timeline_view *view, size_t b, size_t last) {
    size_t n = s->faces.count, in_view = 0;
    double *work = base_alloc((3 * n + 3) * sizeof *work);
    if (!work) return base_fail_memory(s->ctx);
    double *prior = work, *later = work + n + 1, *here = later + n + 1; /* nobody comes last */
    for (size_t i = 0; i < n; i++) {
        prior[i] = 0;
        for (size_t k = b; k <= last; k++)
            if (s->faces.items[i]->blocks[k % BLOCK_RING].cells > 0) prior[i] = 1;
        in_view += prior[i] > 0;
    }
    for (size_t i = 0; i < n; i++)
        prior[i] = prior[i] > 0 ? (1 - s->rule.prior_nobody) / (double)in_view : 0;
    prior[n] = in_view ? s->rule.prior_nobody : 1;
    for (size_t i = 0; i <= n; i++) later[i] = 1;
    /* Backward: what comes after block b says about who speaks in it. */
    for (size_t k = last; k > b; k--) {
        double sum = 0, top = 0;
        for (size_t i = 0; i <= n; i++) {
            face *f = i < n ? s->faces.items[i] : NULL;
            here[i] = !f ? later[i] * (is_sounding(s, k) ? exp(s->rule.nobody_evidence) : 1)
                      : prior[i] > 0
                          ? later[i] * exp(evidence_of(s, f, k, last) + rest_of(s, f, k, last))
                          : 0;
            sum += prior[i] * here[i];
        }
        double stay = stay_at(s, k);
        for (size_t i = 0; i <= n; i++) {
            later[i] = stay * here[i] + (1 - stay) * sum;
            top = fmax(top, later[i]);
        }
        for (size_t i = 0; i <= n; i++) later[i] /= top;
    }
    double stay = stay_at(s, b), sum = 0, all = 0;
    for (size_t i = 0; i <= n; i++) {
        face *f = i < n ? s->faces.items[i] : NULL;
        double *alpha = f ? &f->alpha : &s->nobody;
        *alpha = s->begun ? stay * *alpha + (1 - stay) * prior[i] : prior[i];
        if (!f && is_sounding(s, b)) *alpha *= exp(s->rule.nobody_evidence);
        if (f && prior[i] > 0) {
            double ratio = evidence_of(s, f, b, last) + rest_of(s, f, b, last);
            *alpha *= exp(ratio);
            if (f->blocks[b % BLOCK_RING].cells > 0 && !remember(s, b, f->person, ratio)) {
                base_free(work);
                return base_fail_memory(s->ctx);
            }
        } else if (f) {
            *alpha = 0;
        }
        sum += *alpha;
    }
    s->begun = true;
    size_t best = n;
    for (size_t i = 0; i <= n; i++) {
        double *alpha = i < n ? &s->faces.items[i]->alpha : &s->nobody;
        *alpha = sum > 0 ? *alpha / sum : prior[i];
        here[i] = *alpha * later[i];
        all += here[i];
    }
    for (size_t i = 0; i < n; i++)
        if (here[i] > here[best]) best = i;
    face *f = best < n ? s->faces.items[best] : NULL;
    voice *heard[VOICES_AT_ONCE];
    size_t voices;
    affect_status status = voices_in(s, view, b, heard, &voices);
    /* What is not heard to be speech is speech where lips say so. */
    bool spoken = s->speech[b % BLOCK_RING] >= .5 ||
                  (f && is_sounding(s, b) && fits(s, f, b, last) >= s->rule.lips_evidence);
    double score = all > 0 ? here[best] / all : 0;
    bool faces = s->first_face < (last + 1) * BLOCK;
    if (voices && status == AFFECT_OK) {
        /* Each on a channel of its own: lips tell whose it is where it is heard alone. */
        for (size_t i = 0; i < voices && status == AFFECT_OK; i++) {
            voice *v = heard[i];
            int person = f && voices == 1 ? f->person : person_of_voice(s, v, faces);
            status = extend(s, &v->turn, person, b, f && voices == 1 ? score : 1);
        }
        s->speaks = NULL;
    } else if (spoken && status == AFFECT_OK) {
        int person = f ? f->person : faces ? AFFECT_PERSON_NONE : 1;
        status = extend(s, f ? &f->turn : &s->elsewhere, person, b, score);
        s->speaks = f ? &f->turn : &s->elsewhere;
        /* Whose mouth fits as clearly speaks at the same time. */
        for (size_t i = 0; i < n && f && status == AFFECT_OK; i++) {
            if (i == best || !(prior[i] > 0)) continue;
            double clear = fits(s, s->faces.items[i], b, last);
            if (clear >= s->rule.overlap_evidence)
                status = extend(s, &s->faces.items[i]->turn, s->faces.items[i]->person, b,
                                1 - exp(-clear));
        }
    }
    base_free(work);
    return status == AFFECT_OK ? close_turns(s, b, false) : status;
}

/* ---- the stage ---- */

/* The cell of the next row of a voice or a mouth, at most `most`. */
static size_t next_known(const timeline_view *view, size_t cell, size_t most) {
    for (size_t i = 0; i < view->count; i++)
        for (size_t k = 0; k < view->items[i]->track_count; k++) {
            const affect_track *t = view->items[i]->tracks[k];
            if (!t->kind ||
                (t->kind->role != TRACK_ROLE_MOUTH && t->kind->role != TRACK_ROLE_PROSODY))
                continue;
            size_t row = track_row_at(t, (affect_time)cell * ALIGN_CELL);
            if (row < t->rows) most = BASE_MIN(most, (size_t)(t->times[row] / ALIGN_CELL));
        }
    return BASE_MAX(most, cell);
}

/* Nothing was seen or heard for so long that all before is decided: what comes now is a new begin. */
static affect_status restart(align_speaking *s, size_t cell) {
    align_sound_destroy(s->sound);
    if (!(s->sound = align_sound_create(cell))) return base_fail_memory(s->ctx);
    s->next_cell = s->next_variate = s->next_ratio = cell;
    s->next_block = s->decided = s->window = cell / BLOCK;
    s->idle = 0;
    s->begun = false;
    s->speaks = NULL;
    s->peak_db = -100;
    memset(s->speech, 0, sizeof s->speech);
    memset(s->voiced, 0, sizeof s->voiced);
    memset(s->loud, 0, sizeof s->loud);
    memset(s->sound_known, 0, sizeof s->sound_known);
    for (size_t i = 0; i < CELL_RING; i++) s->activity[i] = NAN;
    for (size_t i = 0; i < s->faces.count; i++) {
        face *f = s->faces.items[i];
        f->alpha = 0;
        for (size_t c = 0; c < CELL_RING; c++) f->number[c] = SIZE_MAX;
        memset(f->blocks, 0, sizeof f->blocks);
    }
    return AFFECT_OK;
}

static affect_status run(align_speaking *s, const timeline_view *view, size_t cells, bool ended) {
    affect_status status = find_faces(s, view);
    while (s->next_cell < cells && status == AFFECT_OK) {
        if (s->idle >= IDLE) {
            size_t next = next_known(view, s->next_cell, cells);
            s->next_cell = next;
            if (next == cells) break;
            status = restart(s, next - next % (WINDOW * BLOCK));
            if (status != AFFECT_OK) break;
        }
        status = take_cell(s, view, s->next_cell++);
        bool last = ended && s->next_cell == cells;
        if (last) {
            align_sound_end(s->sound);
            for (size_t i = 0; i < s->faces.count; i++)
                if (s->faces.items[i]->cells) align_mouth_end(s->faces.items[i]->cells);
        }
        for (; s->next_variate + (last ? 0 : ALIGN_AHEAD) < s->next_cell; s->next_variate++)
            take_variates(s, s->next_variate);
        while (s->next_ratio + (last ? 0 : LAGS) < s->next_variate && status == AFFECT_OK) {
            take_ratios(s, s->next_ratio++);
            if (s->next_ratio % BLOCK != 0 && !(last && s->next_ratio == cells)) continue;
            size_t block = s->next_block++;
            if (block % WINDOW == WINDOW - 1 || (last && s->next_ratio == cells))
                status = close_window(s, block);
            for (; s->decided + HOLD <= block && status == AFFECT_OK; s->decided++)
                status = decide(s, view, s->decided, block);
        }
    }
    return status;
}

affect_status align_speaking_advance(align_speaking *s, const timeline_view *view,
                                     affect_time horizon) {
    affect_time known = horizon - 300 * AFFECT_MILLISECOND;
    return known > 0 ? run(s, view, (size_t)(known / ALIGN_CELL), false) : AFFECT_OK;
}

static affect_status say_offset(align_speaking *s) {
    char text[32];
    if (!s->offset.claimed) return AFFECT_OK;
    snprintf(text, sizeof text, "%.3f", s->offset.offset_s);
    affect_status status = timeline_set_property(s->ctx, s->out, "av_offset_s", text);
    if (status != AFFECT_OK) return status;
    snprintf(text, sizeof text, "%.3f", s->offset.sd_s);
    status = timeline_set_property(s->ctx, s->out, "av_offset_sd_s", text);
    if (status != AFFECT_OK) return status;
    snprintf(text, sizeof text, "%.3f", s->offset.confidence);
    status = timeline_set_property(s->ctx, s->out, "av_offset_confidence", text);
    bool corrected = s->taken_off != 0;
    for (size_t i = 0; s->many_offsets && i < s->scenes.count; i++)
        corrected = corrected || s->scenes.items[i].taken_off != 0;
    return status == AFFECT_OK ? timeline_set_property(s->ctx, s->out, "av_offset_corrected",
                                                       corrected ? "yes" : "no")
                               : status;
}

bool align_speaking_revised(const align_speaking *s) { return s->revised; }

/* What is nobody's is in no trajectory, which has to be said where there is somebody in view. */
static affect_status say_nobody(align_speaking *s) {
    affect_time all = 0, nobody = 0;
    for (size_t i = 0; s->tier && s->faces.count && i < s->tier->count; i++) {
        const affect_interval *in = &s->tier->items[i];
        all += in->t1 - in->t0;
        if (in->person == AFFECT_PERSON_NONE) nobody += in->t1 - in->t0;
    }
    if (nobody < 2 * AFFECT_SECOND || nobody < all / 5) return AFFECT_OK;
    return timeline_warn(s->ctx, s->out, AFFECT_TIME_NONE, AFFECT_TIME_NONE,
                         "%.0f of %.0f s of speech fit no mouth in view (somebody out of view, a "
                         "voice-over, a picture that stands still): that voice and those words "
                         "count for nobody",
                         time_to_seconds(nobody), time_to_seconds(all));
}

static affect_status decide_all(align_speaking *s, const timeline_view *view, affect_time end) {
    affect_status status = run(s, view, (size_t)((end + ALIGN_CELL - 1) / ALIGN_CELL), true);
    for (; s->decided < s->next_block && status == AFFECT_OK; s->decided++)
        status = decide(s, view, s->decided, s->next_block - 1);
    return status == AFFECT_OK ? close_turns(s, s->decided, true) : status;
}

/* Who spoke when, without the words for it. */
static affect_status copy_turns(affect_context *ctx, const affect_tier *tier, affect_interval **out,
                                size_t *count) {
    *count = tier ? tier->count : 0;
    *out = base_calloc(*count + 1, sizeof **out);
    if (!*out) return base_fail_memory(ctx);
    for (size_t i = 0; i < *count; i++)
        (*out)[i] = (affect_interval){
            .t0 = tier->items[i].t0, .t1 = tier->items[i].t1, .person = tier->items[i].person};
    return AFFECT_OK;
}

static bool are_turns(const affect_tier *tier, const affect_interval *turns, size_t count) {
    if (count != (tier ? tier->count : 0)) return false;
    for (size_t i = 0; i < count; i++)
        if (tier->items[i].t0 != turns[i].t0 || tier->items[i].t1 != turns[i].t1 ||
            tier->items[i].person != turns[i].person)
            return false;
    return true;
}

/* What was decided before an offset was claimed looked at other lags: with that of the whole recording
 * everything is decided again. */
static affect_status decide_again(align_speaking *s, const timeline_view *view, affect_time end) {
    align_speaking *again = NULL;
    affect_interval *before = NULL;
    size_t count;
    align_speaking_options options = {
        .synchrony = s->synchrony, .rule = &s->rule, .anonymous = true};
    affect_status status = copy_turns(s->ctx, s->tier, &before, &count);
    if (status == AFFECT_OK) status = align_speaking_create(s->ctx, &options, s->out, &again);
    if (status != AFFECT_OK) goto cleanup;
    again->offset_known = true;
    again->offset = s->offset;
    again->best = s->best;
    again->scenes.items = s->scenes.items; /* borrowed */
    again->scenes.count = s->scenes.count;
    again->many_offsets = s->many_offsets;
    if (s->tier) tier_clear(s->tier);
    if (s->offsets && !s->many_offsets) {
        s->taken_off =
            s->offset.claimed ? time_from_seconds(round(s->offset.offset_s * 1e3) / 1e3) : 0;
        tier_clear(s->offsets);
        if (s->offset.claimed) status = write_offset(s, &s->offset, true, 0, end);
    }
    again->taken_off = s->taken_off;
    if (status == AFFECT_OK) status = decide_all(again, view, end);
    if (again->tier) s->tier = again->tier;
    base_free(s->said.items);
    s->said.items = again->said.items;
    s->said.count = again->said.count;
    s->said.capacity = again->said.capacity;
    again->said.items = NULL;
    s->revised = !are_turns(s->tier, before, count);
cleanup:
    if (again) again->scenes.items = NULL;
    align_speaking_destroy(again);
    base_free(before);
    return status;
}

affect_status align_speaking_finish(align_speaking *s, const timeline_view *view, affect_time end) {
    affect_status status = decide_all(s, view, end);
    if (status == AFFECT_OK) status = judge_scenes(s, end);
    if (status == AFFECT_OK && (s->offset.claimed || s->taken_off))
        status = decide_again(s, view, end);
    if (status == AFFECT_OK && s->tier && s->voice_weights)
        status = align_settle_together(s->ctx, &s->rule, s->voice_weights, view, s->said.items,
                                       s->said.count, s->tier, s->taken_off, &s->revised);
    if (status == AFFECT_OK && s->tier)
        status = align_settle(s->ctx, &s->rule, s->tier, speakers_tier(view),
                              s->first_face != SIZE_MAX, s->taken_off, &s->revised);
    if (status == AFFECT_OK) status = say_nobody(s);
    return status == AFFECT_OK ? say_offset(s) : status;
}

align_offset align_speaking_offset(const align_speaking *s) { return s->offset; }
