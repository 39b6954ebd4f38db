/* The three meet on real clips: how often what is seen and heard agrees with what the actor was
 * asked to show. Java-SED: 144 videos of six actors, six emotions, Javanese.
 *
 * usage: bench-java-sed [OPTIONS] FOLDER     (FOLDER holds video.csv: path,label,speaker)
 *   --face-model MODEL   a name or folder; "{actor}" in it becomes the clip's speaker ("01"), or
 *   --voice-model MODEL  "{number}" (1), so that each clip is judged by a model that never saw or
 *                        heard its actor
 *   --models FOLDER      look for models here first
 *   --cache FOLDER       keep what perception found, by clip and by the sum of the model's weights:
 *                        then only fusion runs again (empty it when the stages change)
 *   --every N            every N-th clip
 *
 *   --neutral SHARE      how much of a recording is neutral, for the last line (.4: between these
 *                        clips and MELD's utterances, .17 and .47)
 *
 * Three tables. "fitted": weights (of face, voice, place, and one constant a category) for each way
 * of its own, fitted on the clips of the other actors, always leaving the tested actor out. "one
 * set": the same, but one set of weights for the three ways together, whose constants count as far
 * as there is a face: the form that ships. "shipped": the weights that ship, which were fitted on
 * all of these clips and so flatter themselves here. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "affect/affect.h"
#include "data/table.h"
#include "fuse/fuse.h"
#include "infer/infer.h"
#include "report/report.h"

enum { WAYS = 3, C = FUSE_CATEGORIES, MOST = 1024 };
static const char *const ways[WAYS] = {"face alone", "voice alone", "both"};

typedef struct setup {
    affect_context *ctx;
    const char *folder, *face_model, *voice_model, *cache;
    int every;
    double neutral;
    fuse_parameters *shipped;
} setup;

typedef struct clip {
    int gold;
    char actor[32];
    bool says[WAYS];
    double faced[WAYS]; /* how far there is a face to be trusted */
    double terms[WAYS][FUSE_EXPERTS][C];
} clip;

typedef struct weights {
    double of[FUSE_EXPERTS], constant[C];
    double neutral; /* added to neutral, face or not */
} weights;

/* Where fitting starts from and is held near: how people weigh a face against a voice (CREMA-D,
 * docs/latent.md), and no constants. What ships was fitted on these very clips. */
static const double people[FUSE_EXPERTS] = {0.96, 0.64, 0.5, 0.5};

static int category(const char *name) {
    for (int c = 0; c < C; c++)
        if (strcmp(name, category_names[c]) == 0) return c;
    return -1;
}

/* ---- perception, from the cache where it is there ---- */

/* `pattern` with the actor in it: "{actor}" as the table has it, "{number}" without zeros. */
static void model_of(const char *pattern, const char *actor, char *out, size_t room) {
    const char *hole = pattern ? strchr(pattern, '{') : NULL;
    const char *end = hole ? strchr(hole, '}') : NULL;
    if (end && strncmp(hole, "{number}", 8) == 0)
        snprintf(out, room, "%.*s%d%s", (int)(hole - pattern), pattern, atoi(actor), end + 1);
    else if (end)
        snprintf(out, room, "%.*s%s%s", (int)(hole - pattern), pattern, actor, end + 1);
    else
        snprintf(out, room, "%s", pattern ? pattern : "");
}

/* What was found with face or voice alone. */
static affect_status perceive(const setup *s, const char *path, const char *actor, bool face,
                              affect_timeline **out) {
    char model[1024], cached[2048] = "";
    const char *task = face ? "face.emotion" : "voice.emotion";
    model_of(face ? s->face_model : s->voice_model, actor, model, sizeof model);
    if (s->cache) {
        model_card *card = NULL;
        const char *name = strrchr(path, '/');
        affect_status status = model_card_load(s->ctx, *model ? model : task, false, &card);
        snprintf(cached, sizeof cached, "%s/%s.%s.%.12s.json", s->cache, name ? name + 1 : path,
                 task, status ? "none" : card->files[0].sha256);
        model_card_destroy(card);
        if (base_file_exists(cached)) return affect_timeline_read(s->ctx, cached, out);
    }
    affect_options *options = NULL;
    affect_status status = affect_options_create(s->ctx, &options);
    if (status) return status;
    affect_options_set_words(options, 0); /* the clips are Javanese */
    affect_options_set_face(options, face);
    affect_options_set_voice(options, !face);
    if (*model) status = affect_options_set_model(options, task, model);
    if (!status) status = affect_analyze(s->ctx, path, options, out);
    affect_options_destroy(options);
    base_output file = {0};
    if (!status && *cached) status = base_output_open(s->ctx, cached, &file);
    if (!status && *cached) {
        const report_options how = {.media = path};
        status = report_print(s->ctx, *out, REPORT_JSON, NULL, &how, file.file);
        if (!status) status = base_output_commit(s->ctx, &file);
    }
    return status;
}

/* ---- fusion of what there is ---- */

static affect_status fuse_ways(affect_context *ctx, const fuse_parameters *shipped,
                               const affect_timeline *face, const affect_timeline *voice, clip *c) {
    affect_status status = AFFECT_OK;
    affect_time end = BASE_MAX(affect_timeline_duration(face), affect_timeline_duration(voice));
    for (int way = 0; way < WAYS && !status; way++) {
        const affect_timeline *inputs[2];
        size_t count = 0;
        if (way != 1) inputs[count++] = face;
        if (way != 0) inputs[count++] = voice;
        affect_timeline *fused = NULL;
        fuse_stage *stage = NULL;
        fuse_options options = fuse_options_default();
        fuse_evidence evidence;
        status = timeline_create(ctx, &fused);
        if (!status) status = fuse_create(ctx, &options, fused, &stage);
        if (!status) status = fuse_finish(stage, &(timeline_view){inputs, count}, end);
        if (!status) {
            c->says[way] = fuse_gather(&(timeline_view){inputs, count},
                                       affect_timeline_find_track(fused, "trajectory/1"), 1, 0,
                                       end + 1, &evidence);
            c->faced[way] = evidence.has_face ? evidence.trust[FUSE_FACE] : 0.0;
            fuse_category_terms(shipped, &evidence, c->terms[way]);
        }
        fuse_destroy(stage);
        affect_timeline_destroy(fused);
    }
    return status;
}

/* Is the actor's model there? (No pattern: the default is.) */
static bool has_model(const setup *s, const char *pattern, const char *actor) {
    char model[1024];
    model_of(pattern, actor, model, sizeof model);
    if (!*model) return true;
    model_card *card = NULL;
    bool there = model_card_load(s->ctx, model, false, &card) == AFFECT_OK;
    model_card_destroy(card);
    return there;
}

static affect_status read_clips(const setup *s, clip *clips, size_t *count) {
    char path[2048];
    int left_out = 0;
    data_table *t = NULL;
    snprintf(path, sizeof path, "%s/video.csv", s->folder);
    affect_status status = data_table_open(s->ctx, path, NULL, &t);
    int column[3] = {-1, -1, -1};
    static const char *const names[3] = {"path", "label", "speaker"};
    for (int k = 0; k < 3 && !status; k++)
        if ((column[k] = data_table_column(t, names[k])) < 0)
            status = base_fail(s->ctx, AFFECT_ERROR_FORMAT, "%s: no column %s", path, names[k]);
    for (size_t r = 0; !status && r < t->rows && *count < MOST; r += (size_t)s->every) {
        clip *c = &clips[*count];
        affect_timeline *face = NULL, *voice = NULL;
        *c = (clip){.gold = category(data_table_cell(t, r, (size_t)column[1]))};
        snprintf(c->actor, sizeof c->actor, "%s", data_table_cell(t, r, (size_t)column[2]));
        snprintf(path, sizeof path, "%s/%s", s->folder, data_table_cell(t, r, (size_t)column[0]));
        if (c->gold < 0) continue;
        if (!has_model(s, s->face_model, c->actor) || !has_model(s, s->voice_model, c->actor)) {
            left_out++;
            continue;
        }
        status = perceive(s, path, c->actor, true, &face);
        if (!status) status = perceive(s, path, c->actor, false, &voice);
        if (!status) status = fuse_ways(s->ctx, s->shipped, face, voice, c);
        affect_timeline_destroy(face);
        affect_timeline_destroy(voice);
        (*count)++;
        if (*count % 24 == 0) fprintf(stderr, "%zu clips\n", *count);
    }
    if (left_out) printf("%d clips left out: the models of their actors are not there\n", left_out);
    data_table_destroy(t);
    return status;
}

/* ---- weights ---- */

/* Whose weights: one way's own, or one set for all. */
typedef struct fit_kind {
    int first, end; /* ways */
    bool faced;     /* constants count as far as there is a face */
} fit_kind;

static void shares(const clip *c, int way, bool faced, const weights *w, const bool used[C],
                   double out[C]) {
    double top = -INFINITY, sum = 0;
    for (int k = 0; k < C; k++) {
        out[k] = w->constant[k] * (faced ? c->faced[way] : 1) + (k == 0 ? w->neutral : 0);
        for (int e = 0; e < FUSE_EXPERTS; e++) out[k] += w->of[e] * c->terms[way][e][k];
        if (used[k]) top = fmax(top, out[k]);
    }
    for (int k = 0; k < C; k++) sum += out[k] = used[k] ? exp(out[k] - top) : 0;
    for (int k = 0; k < C; k++) out[k] /= sum;
}

/* Most likely weights on the clips of all actors but one, held near those of people by a prior of
 * sd 1; the problem is convex, gradient descent with a halving step finds its one minimum. */
static double cost(const clip *clips, size_t n, fit_kind kind, const char *without,
                   const bool used[C], const weights *w, weights *slope) {
    double sum = 0, share = 1.0 / (kind.end - kind.first);
    *slope = (weights){.neutral = 0};
    for (size_t i = 0; i < n; i++)
        for (int way = kind.first; way < kind.end; way++) {
            const clip *c = &clips[i];
            if (!c->says[way] || strcmp(c->actor, without) == 0) continue;
            double p[C], counts = kind.faced ? c->faced[way] : 1;
            shares(c, way, kind.faced, w, used, p);
            sum -= share * log(fmax(p[c->gold], 1e-12));
            for (int k = 0; k < C; k++) {
                double gap = share * (p[k] - (k == c->gold));
                slope->constant[k] += gap * counts;
                for (int e = 0; e < FUSE_EXPERTS; e++) slope->of[e] += gap * c->terms[way][e][k];
            }
        }
    for (int e = 0; e < FUSE_EXPERTS; e++) {
        double away = w->of[e] - people[e];
        sum += away * away / 2;
        slope->of[e] += away;
    }
    for (int k = 0; k < C; k++) {
        sum += w->constant[k] * w->constant[k] / 2;
        slope->constant[k] += w->constant[k];
    }
    return sum;
}

static weights fit(const clip *clips, size_t n, fit_kind kind, const char *without,
                   const bool used[C]) {
    weights w = {.neutral = 0}, slope, next = w, next_slope;
    for (int e = 0; e < FUSE_EXPERTS; e++) w.of[e] = people[e];
    double now = cost(clips, n, kind, without, used, &w, &slope), step = 1e-2;
    for (int round = 0; round < 2000 && step > 1e-9; round++) {
        for (int e = 0; e < FUSE_EXPERTS; e++) next.of[e] = fmax(0, w.of[e] - step * slope.of[e]);
        for (int k = 0; k < C; k++) next.constant[k] = w.constant[k] - step * slope.constant[k];
        double then = cost(clips, n, kind, without, used, &next, &next_slope);
        if (then < now) {
            w = next;
            slope = next_slope;
            now = then;
            step *= 1.2;
        } else {
            step /= 2;
        }
    }
    return w;
}

/* ---- the tables ---- */

enum table { FITTED, ONE_SET, SHIPPED };
static const fit_kind one_set = {0, WAYS, true};

static fit_kind of_way(int way) { return (fit_kind){way, way + 1, false}; }

static void print_table(const fuse_parameters *shipped, const clip *clips, size_t n,
                        const bool used[C], enum table table) {
    static const char *const titles[] = {"fitted", "one set", "shipped"};
    printf("\n%-12s %8s %9s %6s", titles[table], "agree", "mean rec", "NLL");
    for (int k = 0; k < C; k++)
        if (used[k]) printf(" %9.9s", category_names[k]);
    bool right[WAYS][MOST];
    for (int way = 0; way < WAYS; way++) {
        int met[C] = {0}, all[C] = {0}, hits = 0, classes = 0;
        double recall = 0, loss = 0;
        weights w = {.neutral = shipped->prior[0]};
        for (int e = 0; e < FUSE_EXPERTS; e++) w.of[e] = shipped->weights[e];
        for (int k = 0; k < C; k++) w.constant[k] = shipped->face_constants[k];
        for (size_t i = 0; i < n; i++) {
            const clip *c = &clips[i];
            double p[C];
            int best = -1;
            /* Clips come actor by actor. */
            if (table != SHIPPED && (i == 0 || strcmp(c->actor, clips[i - 1].actor) != 0))
                w = fit(clips, n, table == FITTED ? of_way(way) : one_set, c->actor, used);
            shares(c, way, table != FITTED, &w, used, p);
            for (int k = 0; k < C && c->says[way]; k++)
                if (used[k] && (best < 0 || p[k] > p[best])) best = k;
            all[c->gold]++;
            right[way][i] = best == c->gold;
            met[c->gold] += right[way][i];
            hits += right[way][i];
            loss -= log(c->says[way] ? fmax(p[c->gold], 1e-12) : 1.0 / 6);
        }
        for (int k = 0; k < C; k++)
            if (all[k]) recall += (double)met[k] / all[k], classes++;
        printf("\n%-12s %7.1f%% %8.1f%% %6.2f", ways[way], 100.0 * hits / (double)n,
               100 * recall / classes, loss / (double)n);
        for (int k = 0; k < C; k++)
            if (used[k]) printf(" %9.2f", (double)met[k] / BASE_MAX(all[k], 1));
    }
    for (int way = 0; way < 2; way++) { /* clips only one of the two gets right */
        int better = 0, worse = 0;
        for (size_t i = 0; i < n; i++) {
            better += right[2][i] && !right[way][i];
            worse += !right[2][i] && right[way][i];
        }
        printf("\nboth against %s: right where it is wrong %d, wrong where it is right %d",
               ways[way], better, worse);
    }
    printf("\n");
}

static void print_weights(const char *name, weights w, const bool used[C]) {
    printf("%-12s %.2f %.2f %.2f;", name, w.of[FUSE_FACE], w.of[FUSE_VOICE], w.of[FUSE_PLACE]);
    for (int k = 0; k < C; k++)
        if (used[k]) printf(" %s %+.2f", category_names[k], w.constant[k]);
    printf("\n");
}

static affect_status run(const setup *s) {
    static clip clips[MOST];
    size_t n = 0;
    bool used[C] = {false};
    affect_status status = s->cache ? base_make_folder(s->ctx, s->cache) : AFFECT_OK;
    if (status == AFFECT_ERROR_OUTPUT && base_is_folder(s->cache)) status = AFFECT_OK;
    if (!status) status = read_clips(s, clips, &n);
    if (status || !n) return status;
    int silent[WAYS] = {0};
    for (size_t i = 0; i < n; i++) {
        used[clips[i].gold] = true;
        for (int way = 0; way < WAYS; way++) silent[way] += !clips[i].says[way];
    }
    printf("%zu clips; nothing said: face %d, voice %d, both %d\n", n, silent[0], silent[1],
           silent[2]);
    for (enum table t = FITTED; t <= SHIPPED; t++) print_table(s->shipped, clips, n, used, t);
    printf("\nweights fitted on all clips (face, voice, place; constants):\n");
    for (int way = 0; way < WAYS; way++)
        print_weights(ways[way], fit(clips, n, of_way(way), "", used), used);
    print_weights("one set", fit(clips, n, one_set, "", used), used);
    /* The clips are neutral as often as the share of gold says; recordings are more often. */
    double neutral = 0;
    for (size_t i = 0; i < n; i++) neutral += (double)(clips[i].gold == 0) / (double)n;
    printf("neutral in %.0f %% of what is recorded: %+.2f\n", 100 * s->neutral,
           log(s->neutral / (1 - s->neutral)) - log(neutral / (1 - neutral)));
    return AFFECT_OK;
}

int main(int count, char **a) {
    setup s = {.every = 1, .neutral = 0.4};
    const char *models = NULL;
    for (int i = 1; i < count; i++) {
        bool more = i + 1 < count;
        if (more && strcmp(a[i], "--face-model") == 0)
            s.face_model = a[++i];
        else if (more && strcmp(a[i], "--voice-model") == 0)
            s.voice_model = a[++i];
        else if (more && strcmp(a[i], "--models") == 0)
            models = a[++i];
        else if (more && strcmp(a[i], "--cache") == 0)
            s.cache = a[++i];
        else if (more && strcmp(a[i], "--every") == 0)
            s.every = atoi(a[++i]);
        else if (more && strcmp(a[i], "--neutral") == 0)
            s.neutral = strtod(a[++i], NULL);
        else if (!s.folder && a[i][0] != '-')
            s.folder = a[i];
        else
            s.folder = NULL, i = count;
    }
    if (!s.folder || s.every < 1 || !(s.neutral > 0 && s.neutral < 1)) {
        fprintf(stderr,
                "usage: bench-java-sed [--face-model M] [--voice-model M] [--models FOLDER] "
                "[--cache FOLDER] [--every N] [--neutral SHARE] FOLDER\n");
        return AFFECT_ERROR_USAGE;
    }
    if (affect_context_create(&s.ctx)) return AFFECT_ERROR_MEMORY;
    affect_status status = affect_context_set_models(s.ctx, models);
    if (!status) status = fuse_parameters_load(s.ctx, NULL, &s.shipped);
    if (!status) status = run(&s);
    fuse_parameters_destroy(s.shipped);
    if (status) fprintf(stderr, "bench-java-sed: %s\n", affect_context_message(s.ctx));
    affect_context_destroy(s.ctx);
    return (int)status;
}
