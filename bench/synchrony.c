/* Fits the weights of lip-voice synchrony, and says what the audio-visual offset is worth.
 *
 * usage: bench-synchrony DATA [--work WORK] [--write FOLDER [PERSON...]]      (DATA: the shared data)
 *        bench-synchrony DATA [--work WORK] --parts fit|judge COUNT [RULES...]
 *
 * Clips: java_sed (six actors), media/grid, media/sadtalker; perception as `affect analyze` does it, once. Each clip
 * is judged with weights that were fitted on other people (three folds). Sound is moved by -500 to
 * 500 ms, what leaves the clip is cut. "8 s" are three clips of one actor, one after the other.
 * Clips without a speaking face: the face of another clip of the same people (somebody else speaks
 * while a mouth moves), and a face that rests as on a photograph.
 *
 * The linear peer (FaceSync, Slaney & Covell 2000): the first pair of canonical variates of what is
 * measured in the same instant, fitted on the same people; the lag with the highest correlation.
 *
 * --parts: recordings put together of one to three, each of four or five clips with an offset of its own, or without a
 * speaking face: how much of the time is its offset claimed, and rightly? RULES are values of align/speaking.h,
 * "scene_changes=-8,scene_least_s=6". fit: people 01, 02, 03, 07; judge: 06, 08 and those of GRID.
 *
 * --work: keeps what perception found there, and takes it from there.
 * --write: weights.json, fitted on the people named in SHIPPED alone, less those named here; the scenes of the tests show others. */
#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "affect/affect.h"
#include "align/align_private.h"
#include "align/speaking.h"
#include "bench/rule.h"

enum { MOST = 200, FOLDS = 3, DS = ALIGN_SOUND_WIDTH, DM = ALIGN_MOUTH_WIDTH, V = ALIGN_VARIATES };
static const double REGULARISE = 0.15;
static const char *const SHIPPED[] = {"01",     "02",     "03",     "07",    "bbaf2n",
                                      "brbk7n", "lbax4n", "lbbc2a", "lrwp9a"};

typedef struct clip {
    char name[64], person[32];
    int fold;
    affect_timeline *timeline;
    size_t count; /* cells of which both are known */
    double *sound, *mouth;
} clip;

static clip clips[MOST];
static size_t clip_count;
static affect_context *ctx;
static const char *work; /* folder, or NULL */
static char **without;   /* people who are left out of what is written, up to NULL */

static void need(affect_status status, const char *what) {
    if (status == AFFECT_OK) return;
    fprintf(stderr, "bench-synchrony: %s: %s\n", what, affect_context_message(ctx));
    exit(1);
}
static void *room(size_t bytes) {
    void *p = calloc(1, bytes);
    if (!p) exit(1);
    return p;
}

/* ---- clips ---- */

static void take_features(clip *c) {
    timeline_view view = {(const affect_timeline *const *)&c->timeline, 1};
    const affect_track *mouth = view_track(&view, TRACK_ROLE_MOUTH, AFFECT_MODALITY_FACE, 0);
    size_t cells = (size_t)(c->timeline->duration / ALIGN_CELL);
    align_sound *sound = align_sound_create(0);
    align_mouth *shapes = align_mouth_create(0);
    double s[ALIGN_SOUNDS], m[ALIGN_SHAPES];
    c->sound = room(cells * DS * sizeof(double));
    c->mouth = room(cells * DM * sizeof(double));
    for (size_t k = 0, done = 0; k < cells; k++) {
        align_sound_push(sound, align_read_sound(&view, k, s) ? s : NULL);
        align_mouth_push(shapes, mouth && align_read_mouth(&view, mouth, k, m) ? m : NULL);
        if (k + 1 == cells) {
            align_sound_end(sound);
            align_mouth_end(shapes);
        }
        for (; done + (k + 1 == cells ? 0 : ALIGN_AHEAD) <= k; done++)
            c->count += align_sound_features(sound, done, c->sound + c->count * DS) &&
                        align_mouth_features(shapes, done, c->mouth + c->count * DM);
    }
    align_sound_destroy(sound);
    align_mouth_destroy(shapes);
}

static void add_clip(const char *path, const char *name, const char *person, int fold) {
    if (clip_count == MOST) return;
    clip *c = &clips[clip_count];
    char folder[4096], kept[4200];
    snprintf(folder, sizeof folder, "%s/%s", work ? work : "", name);
    snprintf(kept, sizeof kept, "%s/timeline.json", folder);
    if (!work || affect_timeline_read(ctx, kept, &c->timeline) != AFFECT_OK) {
        affect_options *options;
        need(affect_options_create(ctx, &options), "options");
        affect_options_set_words(options, 0);
        affect_status status = affect_analyze(ctx, path, options, &c->timeline);
        affect_options_destroy(options);
        need(status, path);
        if (work) need(affect_timeline_write(ctx, c->timeline, folder, "json", 0), folder);
    }
    snprintf(c->name, sizeof c->name, "%s", name);
    snprintf(c->person, sizeof c->person, "%s", person);
    c->fold = fold;
    take_features(c);
    clip_count++;
}

static int is_clip(const struct dirent *e) {
    const char *dot = strrchr(e->d_name, '.');
    return dot && (!strcmp(dot, ".mp4") || !strcmp(dot, ".mpg"));
}

/* Java-SED's file names begin with the actor; of other sets each clip is somebody else. */
static void add_folder(const char *data, const char *folder, bool actors) {
    char path[4096];
    struct dirent **found;
    snprintf(path, sizeof path, "%s/%s", data, folder);
    int n = scandir(path, &found, is_clip, alphasort);
    for (int i = 0; i < n; i++) {
        char name[64], file[8192];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(found[i]->d_name, "."), found[i]->d_name);
        snprintf(file, sizeof file, "%s/%s", path, found[i]->d_name);
        char person[32];
        snprintf(person, sizeof person, "%.*s", actors ? 2 : 30, name);
        static const char *const folds[] = {"01", "02", "03", "06", "07", "08"};
        int fold = i % FOLDS;
        for (int a = 0; actors && a < 6; a++)
            if (!strcmp(person, folds[a])) fold = a / 2;
        add_clip(file, name, person, fold);
        free(found[i]);
    }
    if (n >= 0) free(found);
}

/* ---- the fit ---- */

typedef bool (*choice)(const clip *, int);

/* Whom a clip shows, as far as people are left out: those of GRID are left out together. */
static const char *group_of(const clip *c) { return strlen(c->person) == 2 ? c->person : "grid"; }

static bool chosen(choice wanted, int argument, const char *left, bool inside, const clip *c) {
    return wanted(c, argument) && (left && !strcmp(group_of(c), left)) == inside;
}

/* Variates of variance 1, fitted on those who are wanted but for the group `left` (NULL: nobody). */
static void fit_variates(choice wanted, int argument, const char *left, align_synchrony *out) {
    static double css[DS * DS], cmm[DM * DM], cms[DM * DS], means[DS + DM];
    static double ds[DS * V], dm[DM * V], scratch[2 * DM * DS + 2 * DM * DM + DM];
    double n = 0;
    memset(out, 0, sizeof *out);
    memset(css, 0, sizeof css);
    memset(cmm, 0, sizeof cmm);
    memset(cms, 0, sizeof cms);
    memset(means, 0, sizeof means);
    for (size_t i = 0; i < clip_count; i++)
        for (size_t k = 0; chosen(wanted, argument, left, false, &clips[i]) && k < clips[i].count;
             k++, n++) {
            for (size_t d = 0; d < DS; d++) out->sound_mean[d] += clips[i].sound[k * DS + d];
            for (size_t d = 0; d < DM; d++) out->mouth_mean[d] += clips[i].mouth[k * DM + d];
        }
    for (size_t d = 0; d < DS; d++) out->sound_mean[d] /= n;
    for (size_t d = 0; d < DM; d++) out->mouth_mean[d] /= n;
    for (size_t i = 0; i < clip_count; i++)
        for (size_t k = 0; chosen(wanted, argument, left, false, &clips[i]) && k < clips[i].count;
             k++) {
            double s[DS], m[DM];
            for (size_t d = 0; d < DS; d++) s[d] = clips[i].sound[k * DS + d] - out->sound_mean[d];
            for (size_t d = 0; d < DM; d++) m[d] = clips[i].mouth[k * DM + d] - out->mouth_mean[d];
            for (size_t a = 0; a < DS; a++)
                for (size_t b = 0; b < DS; b++) css[a * DS + b] += s[a] * s[b] / n;
            for (size_t a = 0; a < DM; a++) {
                for (size_t b = 0; b < DM; b++) cmm[a * DM + b] += m[a] * m[b] / n;
                for (size_t b = 0; b < DS; b++) cms[a * DS + b] += m[a] * s[b] / n;
            }
        }
    double unused[V];
    if (!align_canonical(cmm, DM, css, DS, cms, REGULARISE, V, dm, ds, unused, scratch)) {
        fprintf(stderr, "bench-synchrony: no fit of %.0f cells\n", n);
        exit(1);
    }
    for (size_t v = 0; v < V; v++) {
        for (size_t d = 0; d < DS; d++) out->sound[v][d] = ds[d * V + v];
        for (size_t d = 0; d < DM; d++) out->mouth[v][d] = dm[d * V + v];
    }
    double variance[2][V] = {{0}};
    for (size_t i = 0; i < clip_count; i++)
        for (size_t k = 0; chosen(wanted, argument, left, false, &clips[i]) && k < clips[i].count;
             k++) {
            double x[V], y[V];
            align_sound_variates(out, clips[i].sound + k * DS, x);
            align_mouth_variates(out, clips[i].mouth + k * DM, y);
            for (size_t v = 0; v < V; v++) {
                variance[0][v] += x[v] * x[v] / n;
                variance[1][v] += y[v] * y[v] / n;
            }
        }
    for (size_t v = 0; v < V; v++) {
        for (size_t d = 0; d < DS; d++) out->sound[v][d] /= sqrt(variance[0][v]);
        for (size_t d = 0; d < DM; d++) out->mouth[v][d] /= sqrt(variance[1][v]);
    }
}

/* The correlation of each pair of variates is that of people who were left out of them: with that of the
 * people of the fit, which is higher, somebody whose lips are a little other than theirs would be taken
 * for nobody. */
static void fit(choice wanted, int argument, align_synchrony *out) {
    static align_synchrony part;
    static const char *const groups[] = {"01", "02", "03", "06", "07", "08", "grid"};
    double product[V] = {0}, xx[V] = {0}, yy[V] = {0};
    for (size_t q = 0; q < BASE_COUNT(groups); q++) {
        bool there = false;
        for (size_t i = 0; i < clip_count; i++)
            there = there || chosen(wanted, argument, groups[q], true, &clips[i]);
        if (!there) continue;
        fit_variates(wanted, argument, groups[q], &part);
        for (size_t i = 0; i < clip_count; i++)
            for (size_t k = 0;
                 chosen(wanted, argument, groups[q], true, &clips[i]) && k < clips[i].count; k++) {
                double x[V], y[V];
                align_sound_variates(&part, clips[i].sound + k * DS, x);
                align_mouth_variates(&part, clips[i].mouth + k * DM, y);
                for (size_t v = 0; v < V; v++) {
                    product[v] += x[v] * y[v];
                    xx[v] += x[v] * x[v];
                    yy[v] += y[v] * y[v];
                }
            }
    }
    fit_variates(wanted, argument, NULL, out);
    for (size_t v = 0; v < V; v++) out->correlation[v] = fmax(0, product[v] / sqrt(xx[v] * yy[v]));
}

static bool others(const clip *c, int fold) {
    return c->fold != fold && strncmp(c->name, "WDA", 3) != 0;
}
static bool shipped(const clip *c, int unused) {
    (void)unused;
    for (char **p = without; *p; p++)
        if (!strcmp(c->person, *p)) return false;
    for (size_t i = 0; i < BASE_COUNT(SHIPPED); i++)
        if (!strcmp(c->person, SHIPPED[i])) return true;
    return false;
}

static void write_list(FILE *f, const double *x, size_t n) {
    for (size_t i = 0; i < n; i++) fprintf(f, "%s%.5g", i ? "," : "[", x[i]);
    fputs("]", f);
}

static void write_weights(const char *folder, const align_synchrony *s) {
    char path[4096];
    snprintf(path, sizeof path, "%s/weights.json", folder);
    FILE *f = fopen(path, "w");
    if (!f) exit(1);
    fputs("{\"correlation\":", f);
    write_list(f, s->correlation, V);
    fputs(",\n\"sound_mean\":", f);
    write_list(f, s->sound_mean, DS);
    fputs(",\n\"mouth_mean\":", f);
    write_list(f, s->mouth_mean, DM);
    for (int which = 0; which < 2; which++) {
        fprintf(f, ",\n\"%s\":[\n", which ? "mouth" : "sound");
        for (size_t v = 0; v < V; v++) {
            write_list(f, which ? s->mouth[v] : s->sound[v], which ? DM : DS);
            fputs(v + 1 < V ? ",\n" : "]", f);
        }
    }
    fputs("}\n", f);
    if (fclose(f)) exit(1);
}

/* ---- recordings made of clips ---- */

/* Appends a clip's face and another's voice at `at`, the voice moved by `shift`. */
static void append(affect_timeline *to, const affect_timeline *face, const affect_timeline *voice,
                   affect_time at, affect_time shift, affect_time length, bool rests) {
    static const struct {
        track_role role;
        affect_modality modality;
    } kinds[] = {{TRACK_ROLE_MOUTH, AFFECT_MODALITY_FACE},
                 {TRACK_ROLE_UNITS, AFFECT_MODALITY_FACE},
                 {TRACK_ROLE_PROSODY, AFFECT_MODALITY_VOICE},
                 {TRACK_ROLE_ACTIVITY, AFFECT_MODALITY_VOICE}};
    for (size_t k = 0; k < BASE_COUNT(kinds); k++) {
        bool seen = kinds[k].modality == AFFECT_MODALITY_FACE;
        const affect_track *from =
            timeline_role(seen ? face : voice, kinds[k].role, kinds[k].modality, 0);
        affect_track *track =
            (affect_track *)timeline_role(to, kinds[k].role, kinds[k].modality, 0);
        if (!from) continue;
        if (!track)
            need(timeline_add_role(ctx, to, kinds[k].role, kinds[k].modality, seen ? 1 : 0, "",
                                   (const char *const *)from->channels, from->channel_count,
                                   &track),
                 "track");
        for (size_t i = 0; i < from->rows; i++) {
            affect_time t = from->times[i] + (seen ? 0 : shift);
            if (t < 0 || t >= length || (track->rows && at + t <= track->times[track->rows - 1]))
                continue;
            need(track_append(ctx, track, at + t, from->confidence[i],
                              from->values + (seen && rests ? 0 : i) * from->channel_count),
                 "row");
        }
    }
}

static align_offset judge(const affect_timeline *t, affect_time length,
                          const align_synchrony *synchrony) {
    affect_timeline *out;
    align_speaking *stage;
    timeline_view view = {&t, 1};
    need(timeline_create(ctx, &out), "timeline");
    need(align_speaking_create(ctx, &(align_speaking_options){.synchrony = synchrony}, out, &stage),
         "stage");
    need(align_speaking_finish(stage, &view, length), "finish");
    align_offset offset = align_speaking_offset(stage);
    align_speaking_destroy(stage);
    affect_timeline_destroy(out);
    return offset;
}

typedef struct score {
    size_t tried, claimed, right;
    double squares;
} score;

/* What a claim rests on. */
typedef struct claim {
    bool own, right; /* somebody in view speaks; the best lag is within 40 ms */
    double odds, evidence;
} claim;
static claim claims[6000];
static size_t claim_count;

/* Of people of the fit, as `--parts fit` has them. */
static void remember(const clip *c, align_offset o, bool own, double truth_s) {
    bool held = strlen(c->person) != 2 || !strcmp(c->person, "06") || !strcmp(c->person, "08");
    if (held || claim_count == BASE_COUNT(claims)) return;
    double odds = log((o.confidence + 1e-4) / (1 - o.confidence + 1e-4));
    claims[claim_count++] =
        (claim){own, own && fabs(o.offset_s - truth_s) <= .0405, odds, o.evidence};
}

static int by_score(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

/* The constants of a claim (src/align/speaking.c): logistic regression of "there is a speaking face and the lag is right", both kinds
 * of clips alike, by Newton's method; and the least score at which five in a hundred of those without are claimed, and of the claims
 * with one 95.5 are right. */
static void fit_claims(void) {
    double w[3] = {0}, kinds[2] = {0};
    for (size_t i = 0; i < claim_count; i++) kinds[claims[i].own]++;
    for (int round = 0; round < 50; round++) {
        double g[3] = {0}, h[3][3] = {{1e-9, 0, 0}, {0, 1e-9, 0}, {0, 0, 1e-9}};
        for (size_t i = 0; i < claim_count; i++) {
            double x[3] = {1, claims[i].odds, claims[i].evidence}, z = 0;
            for (int a = 0; a < 3; a++) z += w[a] * x[a];
            double p = 1 / (1 + exp(-z)), each = 1 / kinds[claims[i].own];
            for (int a = 0; a < 3; a++) {
                g[a] += each * (p - claims[i].right) * x[a];
                for (int b = 0; b < 3; b++) h[a][b] += each * p * (1 - p) * x[a] * x[b];
            }
        }
        for (int a = 0; a < 3; a++) /* Gauss-Jordan */
            for (int b = 0; b < 3; b++) {
                if (b == a) continue;
                double f = h[b][a] / h[a][a];
                for (int c = 0; c < 3; c++) h[b][c] -= f * h[a][c];
                g[b] -= f * g[a];
            }
        for (int a = 0; a < 3; a++) w[a] -= g[a] / h[a][a];
    }
    static double scores[BASE_COUNT(claims)];
    for (size_t i = 0; i < claim_count; i++)
        scores[i] = w[1] * claims[i].odds + w[2] * claims[i].evidence;
    static double sorted[BASE_COUNT(claims)];
    memcpy(sorted, scores, sizeof sorted);
    qsort(sorted, claim_count, sizeof *sorted, by_score);
    double least = INFINITY;
    for (size_t k = 0; k < claim_count; k++) {
        double own = 0, right = 0, others = 0;
        for (size_t i = 0; i < claim_count; i++) {
            if (scores[i] < sorted[k]) continue;
            own += claims[i].own;
            right += claims[i].right;
            others += !claims[i].own;
        }
        if (others <= .05 * kinds[0] && right >= .955 * own) least = sorted[k];
    }
    printf("claim_share = %.3f, claim_evidence = %.3f, claim_least = %.3f (of %zu)\n\n", w[1], w[2],
           least, claim_count);
}

static void count(score *s, align_offset o, double truth_s) {
    double error = o.offset_s - truth_s;
    s->tried++;
    if (!o.claimed) return;
    s->claimed++;
    s->right += fabs(error) <= .0405;
    s->squares += (error / o.sd_s) * (error / o.sd_s);
}

/* ---- recordings put together of several ---- */

enum { PARTS = 3 };
typedef struct part {
    affect_time t0, t1;
    double offset_s; /* NAN: nobody in view speaks */
} part;

static uint32_t drawn = 1;
static size_t draw(size_t below) {
    drawn = drawn * 1664525U + 1013904223U;
    return (size_t)(drawn >> 8) % below;
}

static bool takes_part(const clip *c, bool judged) {
    bool java = strlen(c->person) == 2;
    bool held = java ? !strcmp(c->person, "06") || !strcmp(c->person, "08") : true;
    return strncmp(c->name, "WDA", 3) != 0 && held == judged;
}

/* One of a fold's clips, of that person where one is given. */
static size_t draw_clip(bool judged, int fold, const char *person) {
    size_t i = draw(clip_count);
    while (!takes_part(&clips[i], judged) || clips[i].fold != fold ||
           (person && strcmp(clips[i].person, person) != 0))
        i = draw(clip_count);
    return i;
}

/* Each clip is a shot. Every third recording has one part, and of the others every second one without a speaking face. */
static size_t put_together(affect_timeline **out, size_t number, bool judged, int *fold,
                           part parts[PARTS]) {
    static const double shifts[] = {-.4, -.24, -.12, 0, .12, .24, .4};
    size_t count = 1 + number % PARTS, mute = number / PARTS % 2 && count > 1 ? draw(count) : PARTS;
    affect_tier *shots;
    affect_time at = 0;
    size_t last = BASE_COUNT(shifts);
    *fold = (int)draw(FOLDS);
    need(timeline_create(ctx, out), "timeline");
    need(timeline_tier(ctx, *out, "shots", AFFECT_MODALITY_NONE, &shots), "shots");
    for (size_t p = 0; p < count; p++) {
        size_t first = draw_clip(judged, *fold, NULL), shift = draw(BASE_COUNT(shifts));
        bool java = strlen(clips[first].person) == 2, rests = draw(2) > 0;
        while (shift == last) shift = draw(BASE_COUNT(shifts));
        last = shift;
        parts[p] = (part){at, at, p == mute ? NAN : shifts[shift]};
        for (size_t k = 0; k < 4 + draw(2); k++) {
            size_t face = draw_clip(judged, *fold, java ? clips[first].person : NULL);
            size_t voice = p == mute ? draw_clip(judged, *fold, NULL) : face;
            while (p == mute && voice == face) voice = draw_clip(judged, *fold, NULL);
            affect_time length =
                BASE_MIN(clips[face].timeline->duration, 3500 * AFFECT_MILLISECOND);
            append(*out, clips[face].timeline, clips[voice].timeline, at,
                   p == mute ? 0 : time_from_seconds(shifts[shift]), length, p == mute && rests);
            need(tier_append(
                     ctx, shots,
                     &(affect_interval){.t0 = at, .t1 = at + length, .label = "cut", .score = NAN}),
                 "shot");
            at += length;
        }
        parts[p].t1 = at;
    }
    return count;
}

/* Of tenths of a second: [0] with a speaking face, [1] of these claimed, [2] and right; [3] without one, [4] claimed; [5] recordings
 * with as many intervals as parts. */
static void judge_parts(const affect_timeline *t, const part *parts, size_t count,
                        const align_synchrony *synchrony, const align_rule *rule, size_t found[6]) {
    affect_timeline *out;
    align_speaking *stage;
    timeline_view view = {&t, 1};
    align_speaking_options options = {.synchrony = synchrony, .rule = rule, .anonymous = true};
    need(timeline_create(ctx, &out), "timeline");
    need(align_speaking_create(ctx, &options, out, &stage), "stage");
    need(align_speaking_finish(stage, &view, parts[count - 1].t1), "finish");
    align_offset whole = align_speaking_offset(stage);
    const affect_tier *tier = affect_timeline_find_tier(out, "av_offset");
    for (size_t p = 0; p < count; p++)
        for (affect_time at = parts[p].t0; at < parts[p].t1; at += 100 * AFFECT_MILLISECOND) {
            bool claimed = whole.claimed && !(tier && tier->count);
            double offset_s = whole.offset_s;
            for (size_t i = 0; tier && i < tier->count; i++) {
                if (tier->items[i].t0 > at || at >= tier->items[i].t1) continue;
                claimed = strcmp(tier->items[i].label, "unknown") != 0;
                offset_s = affect_attributes_number(tier->items[i].attributes, "offset_s");
            }
            bool spoken = isfinite(parts[p].offset_s);
            found[spoken ? 0 : 3]++;
            found[spoken ? 1 : 4] += claimed;
            found[2] += spoken && claimed && fabs(offset_s - parts[p].offset_s) <= .0405;
        }
    found[5] += (tier && tier->count ? tier->count : (size_t)whole.claimed) == count;
    align_speaking_destroy(stage);
    affect_timeline_destroy(out);
}

static int try_parts(const align_synchrony weights[FOLDS], bool judged, size_t count,
                     char **rules) {
    static char none[] = "";
    char *standing[] = {none, NULL};
    for (char **line = *rules ? rules : standing; *line; line++) {
        size_t found[PARTS + 1][6] = {{0}};
        char name[256];
        snprintf(name, sizeof name, "%s", *line);
        align_rule rule = bench_read_rule(*line, ",", "bench-synchrony");
        drawn = judged ? 77 : 7;
        for (size_t k = 0; k < count; k++) {
            affect_timeline *t;
            part parts[PARTS];
            int fold;
            size_t n = put_together(&t, k, judged, &fold, parts);
            judge_parts(t, parts, n, &weights[fold], &rule, found[n]);
            affect_timeline_destroy(t);
        }
        for (size_t n = 1; n <= PARTS; n++)
            for (size_t i = 0; i < 6; i++) found[0][i] += found[n][i];
        for (size_t n = 1; n <= PARTS + 1; n++) {
            const size_t *f = found[n % (PARTS + 1)];
            double spoken = fmax(1, (double)f[0]), mute = fmax(1, (double)f[3]);
            printf("%s %zu part%s: claimed %.3f, right of these %.3f, without a speaking face "
                   "%.3f, as many "
                   "intervals %zu; right less wrong %.3f\n",
                   name, n % (PARTS + 1), n % (PARTS + 1) ? "" : " (all)", (double)f[1] / spoken,
                   (double)f[2] / fmax(1, (double)f[1]), (double)f[4] / mute, f[5],
                   ((double)f[2] - (double)(f[1] - f[2]) - (double)f[4]) / (spoken + (double)f[3]));
        }
        fflush(stdout);
    }
    return 0;
}

static void print(const char *what, const score *s) {
    printf("| %s | %zu | %.1f %% | %.1f %% |\n", what, s->tried,
           100.0 * (double)s->claimed / fmax(1, (double)s->tried),
           100.0 * (double)s->right / fmax(1, (double)s->claimed));
}

/* The clip `i`, or it and the next two of its person. */
static affect_time make(affect_timeline **out, size_t i, size_t voice, size_t number,
                        double shift_s, bool rests) {
    affect_time at = 0;
    need(timeline_create(ctx, out), "timeline");
    for (size_t k = 0; k < number; k++) {
        affect_time length = BASE_MIN(clips[i + k].timeline->duration, 3500 * AFFECT_MILLISECOND);
        append(*out, clips[i + k].timeline, clips[voice + k].timeline, at,
               time_from_seconds(shift_s), length, rests);
        at += length;
    }
    return BASE_MIN(at, 8 * AFFECT_SECOND);
}

static bool together(size_t i, size_t number) {
    for (size_t k = 1; k < number; k++)
        if (i + k >= clip_count || clips[i + k].fold != clips[i].fold ||
            strlen(clips[i + k].person) != strlen(clips[i].person))
            return false;
    return strncmp(clips[i].name, "WDA", 3) != 0;
}

/* ---- the peer ---- */

static double peer_lag(size_t i, double shift_s, int fold) {
    static align_synchrony weights[FOLDS];
    static bool made[FOLDS];
    enum { INSTANT_S = DS / 2 - ALIGN_SOUNDS / 2, INSTANT_M = DM / 2 - ALIGN_MOVES / 2 };
    if (!made[fold]) { /* canonical variates of the middle tap alone */
        static double css[ALIGN_SOUNDS * ALIGN_SOUNDS], cmm[ALIGN_MOVES * ALIGN_MOVES],
            cms[ALIGN_MOVES * ALIGN_SOUNDS], ds[ALIGN_SOUNDS], dm[ALIGN_MOVES], r[1], scratch[4096];
        memset(css, 0, sizeof css);
        memset(cmm, 0, sizeof cmm);
        memset(cms, 0, sizeof cms);
        for (size_t c = 0; c < clip_count; c++)
            for (size_t k = 0; others(&clips[c], fold) && k < clips[c].count; k++) {
                const double *s = clips[c].sound + k * DS + INSTANT_S;
                const double *m = clips[c].mouth + k * DM + INSTANT_M;
                for (size_t a = 0; a < ALIGN_SOUNDS; a++)
                    for (size_t b = 0; b < ALIGN_SOUNDS; b++)
                        css[a * ALIGN_SOUNDS + b] += s[a] * s[b];
                for (size_t a = 0; a < ALIGN_MOVES; a++) {
                    for (size_t b = 0; b < ALIGN_MOVES; b++)
                        cmm[a * ALIGN_MOVES + b] += m[a] * m[b];
                    for (size_t b = 0; b < ALIGN_SOUNDS; b++)
                        cms[a * ALIGN_SOUNDS + b] += m[a] * s[b];
                }
            }
        if (!align_canonical(cmm, ALIGN_MOVES, css, ALIGN_SOUNDS, cms, .001, 1, dm, ds, r, scratch))
            exit(1);
        memcpy(weights[fold].sound[0], ds, sizeof ds);
        memcpy(weights[fold].mouth[0], dm, sizeof dm);
        made[fold] = true;
    }
    const clip *c = &clips[i];
    int shift = (int)lround(shift_s / time_to_seconds(ALIGN_CELL)), best = 0;
    double top = -2;
    for (int lag = -34; lag <= 34; lag++) {
        double n = 0, sx = 0, sy = 0, xx = 0, yy = 0, xy = 0;
        for (int k = 0; k < (int)c->count; k++) {
            int j = k - shift; /* the sound that is at cell k */
            int m = k - lag;
            if (j < 0 || j >= (int)c->count || m < 0 || m >= (int)c->count) continue;
            double x = 0, y = 0;
            for (size_t d = 0; d < ALIGN_SOUNDS; d++)
                x += weights[fold].sound[0][d] * c->sound[(size_t)j * DS + INSTANT_S + d];
            for (size_t d = 0; d < ALIGN_MOVES; d++)
                y += weights[fold].mouth[0][d] * c->mouth[(size_t)m * DM + INSTANT_M + d];
            n++, sx += x, sy += y, xx += x * x, yy += y * y, xy += x * y;
        }
        double r = (n * xy - sx * sy) / sqrt((n * xx - sx * sx) * (n * yy - sy * sy) + 1e-12);
        if (n > 50 && r > top) top = r, best = lag;
    }
    return best * time_to_seconds(ALIGN_CELL);
}

int main(int argc, char **argv) {
    static const double shifts[] = {-.5, -.32, -.2, -.12, -.08, -.04, 0,
                                    .04, .08,  .12, .2,   .32,  .5};
    static align_synchrony weights[FOLDS];
    int next = 2;
    if (argc > next + 1 && !strcmp(argv[next], "--work")) work = argv[next + 1], next += 2;
    const char *written = NULL;
    if (argc > next + 1 && !strcmp(argv[next], "--write")) written = argv[next + 1], next += 2;
    bool parts = argc > next + 2 && !strcmp(argv[next], "--parts");
    const char *of = parts ? argv[next + 1] : "";
    size_t count_of_parts = parts ? strtoul(argv[next + 2], NULL, 10) : 0;
    if (parts) next += 3;
    without = argv + next;
    if (argc < 2 || (next < argc && !written && !parts)) {
        fputs("usage: bench-synchrony DATA [--work WORK] [--write FOLDER [PERSON...]]\n"
              "       bench-synchrony DATA [--work WORK] --parts fit|judge COUNT [RULES...]\n",
              stderr);
        return 2;
    }
    if (affect_context_create(&ctx)) return 1;
    add_folder(argv[1], "java_sed/video", true);
    add_folder(argv[1], "media/grid", false);
    add_folder(argv[1], "media/sadtalker", false);
    if (!clip_count) {
        fprintf(stderr, "bench-synchrony: no clips in %s\n", argv[1]);
        return 77;
    }
    if (written) {
        fit(shipped, 0, &weights[0]);
        write_weights(written, &weights[0]);
        return 0;
    }
    for (int f = 0; f < FOLDS; f++) {
        fit(others, f, &weights[f]);
        printf("fold %d: correlations", f);
        for (size_t v = 0; v < V; v++) printf(" %.2f", weights[f].correlation[v]);
        puts("");
    }
    if (parts) return try_parts(weights, !strcmp(of, "judge"), count_of_parts, argv + next);
    static const char *const sets[] = {"java_sed, one clip", "java_sed, 8 s", "grid, one clip",
                                       "sadtalker, against its own claim"};
    score found[4] = {{0}}, peer[2] = {{0}}, dubbed[2] = {{0}}, resting[2] = {{0}};
    for (size_t i = 0; i < clip_count; i++)
        for (size_t number = 1; number <= 3; number += 2) {
            bool java = strlen(clips[i].person) == 2, talker = !strncmp(clips[i].name, "WDA", 3);
            if (number == 3 && (!java || !together(i, 3) || i % 2)) continue;
            size_t set = talker ? 3 : (java ? 0U : 2U) + (number == 3);
            affect_timeline *t;
            double own = 0;
            if (talker) {
                affect_time length = clips[i].timeline->duration;
                align_offset o = judge(clips[i].timeline, length, &weights[clips[i].fold]);
                printf("%s: %s, offset %+.0f ms, sd %.0f, confidence %.2f\n", clips[i].name,
                       o.claimed ? "claimed" : "not claimed", o.offset_s * 1e3, o.sd_s * 1e3,
                       o.confidence);
                own = o.claimed ? o.offset_s : 0;
            }
            for (size_t k = 0; k < BASE_COUNT(shifts); k++) {
                affect_time length;
                if (talker) {
                    length = clips[i].timeline->duration;
                    need(timeline_create(ctx, &t), "timeline");
                    append(t, clips[i].timeline, clips[i].timeline, 0, time_from_seconds(shifts[k]),
                           length, false);
                } else {
                    length = make(&t, i, i, number, shifts[k], false);
                }
                align_offset told = judge(t, length, &weights[clips[i].fold]);
                count(&found[set], told, shifts[k] + own);
                if (!talker) remember(&clips[i], told, true, shifts[k]);
                affect_timeline_destroy(t);
                if (number == 1 && !talker) {
                    align_offset o = {true, peer_lag(i, shifts[k], clips[i].fold), 1, 1, 0};
                    count(&peer[java ? 0 : 1], o, shifts[k]);
                }
            }
            for (size_t k = 1; k <= 4 && !talker; k++) { /* the voice of others of the fold */
                size_t other = (i + 7 * k + 3) % clip_count;
                while (clips[other].fold != clips[i].fold || other == i || !together(other, number))
                    other = (other + 1) % clip_count;
                affect_time length = make(&t, i, other, number, 0, false);
                align_offset told = judge(t, length, &weights[clips[i].fold]);
                count(&dubbed[number == 3], told, 0);
                remember(&clips[i], told, false, 0);
                affect_timeline_destroy(t);
                length = make(&t, i, other, number, 0, true);
                count(&resting[number == 3], judge(t, length, &weights[clips[i].fold]), 0);
                affect_timeline_destroy(t);
            }
        }
    fit_claims();
    puts("| offset | tried | claimed | of those within 40 ms |\n|---|---:|---:|---:|");
    for (size_t k = 0; k < BASE_COUNT(sets); k++) print(sets[k], &found[k]);
    print("linear peer, java_sed, one clip", &peer[0]);
    print("linear peer, grid, one clip", &peer[1]);
    puts("\n| without a speaking face | tried | claimed | |\n|---|---:|---:|---:|");
    print("a mouth that moves to other words, one clip", &dubbed[0]);
    print("the same, 8 s", &dubbed[1]);
    print("a face at rest, one clip", &resting[0]);
    print("the same, 8 s", &resting[1]);
    return 0;
}
