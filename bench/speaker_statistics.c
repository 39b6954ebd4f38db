/* Does the voice stage hear better once it knows a voice? All clips of a RAVDESS actor, shuffled,
 * with pauses between them, are one recording; each clip's category is what the rows of
 * voice/emotion inside it say.
 *
 *   bench-voice-statistics [--models FOLDER] [--voices N] FOLDS RAVDESS [FOLD]...
 *
 * FOLDS is the folder of tools/voice-folds: fold-K never heard the actors of fold K. --voices 2
 * lets two actors of a fold speak in turn, clip by clip, in one recording, as a conversation does.
 * Calm counts as neutral: the stage joins them. UA is the mean recall over categories. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/table.h"
#include "fuse/fuse.h"
#include "media/media.h"
#include "voice/voice.h"

enum { RATE = 16000, C = FUSE_CATEGORIES, ACTORS = 24, FOLDS = 6, PAUSE = RATE * 4 / 5, WAYS = 2 };
static const char *const ways[WAYS] = {"each by itself", "against its statistics"};

typedef struct clip {
    char path[1024];
    int actor, fold, gold;
    affect_time t0, t1; /* in its recording */
} clip;

typedef struct counts {
    int met[C], all[C], silent, as[C][C];
    double in_distribution[C];
} counts;

/* RAVDESS's third field, 01 neutral to 08 surprised, as our categories. */
static const int category_of[9] = {-1, 0, 0, 1, 3, 4, 6, 5, 2};

static affect_status read_clips(affect_context *ctx, const char *folder, clip *clips, size_t most,
                                size_t *count) {
    char path[1024];
    data_table *t = NULL;
    snprintf(path, sizeof path, "%s/folds_emobox.csv", folder);
    affect_status status = data_table_open(ctx, path, NULL, &t);
    if (status != AFFECT_OK) return status;
    int name = data_table_column(t, "clip"), fold = data_table_column(t, "test_fold");
    if (name < 0 || fold < 0)
        status = base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: no columns clip and test_fold", path);
    for (size_t r = 0; status == AFFECT_OK && r < t->rows && *count < most; r++) {
        const char *cell = data_table_cell(t, r, (size_t)name);
        if (strlen(cell) < 20) continue;
        clip *c = &clips[(*count)++];
        snprintf(c->path, sizeof c->path, "%s/%s.ogg", folder, cell);
        c->actor = atoi(cell + 18);
        c->gold = category_of[BASE_MIN(BASE_MAX(atoi(cell + 6), 0), 8)];
        c->fold = atoi(data_table_cell(t, r, (size_t)fold));
    }
    data_table_destroy(t);
    return status;
}

/* The order of the clips: as shuffled cards, the same ones every time. */
static void shuffle(clip *clips, size_t n) {
    uint64_t state = 88172645463325252u;
    for (size_t i = n; i > 1; i--) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        size_t k = (size_t)(state % i);
        clip swapped = clips[i - 1];
        clips[i - 1] = clips[k];
        clips[k] = swapped;
    }
}

static affect_status push_clip(affect_context *ctx, voice_stage *stage, clip *c, int64_t *at) {
    static const float pause[PAUSE];
    media_options o = media_options_default();
    media_reader *reader = NULL;
    o.want_video = false;
    o.sample_rate = RATE;
    affect_status status = media_open(ctx, c->path, &o, &reader);
    c->t0 = time_from_ticks(*at, 1, RATE);
    while (status == AFFECT_OK) {
        media_item item;
        status = media_next(reader, &item);
        if (status != AFFECT_OK || item.kind == MEDIA_END) break;
        if (item.kind != MEDIA_AUDIO) continue;
        item.audio.t0 = time_from_ticks(*at, 1, RATE);
        *at += (int64_t)item.audio.count;
        status = voice_push(stage, &item.audio);
    }
    if (reader) media_close(reader);
    c->t1 = time_from_ticks(*at, 1, RATE);
    media_block silence = {.t0 = c->t1, .sample_rate = RATE, .count = PAUSE, .samples = pause};
    *at += PAUSE;
    return status == AFFECT_OK ? voice_push(stage, &silence) : status;
}

static void count_clip(const affect_timeline *t, const clip *c, counts *sum) {
    fuse_evidence e;
    int best = 0;
    sum->all[c->gold]++;
    if (!fuse_gather(&(timeline_view){&t, 1}, NULL, 1, c->t0, c->t1, &e) || !e.has_voice) {
        sum->silent++;
        return;
    }
    for (int k = 1; k < C; k++)
        if (e.log_voice[k] > e.log_voice[best]) best = k;
    sum->met[c->gold] += best == c->gold;
    sum->as[c->gold][best]++;
    sum->in_distribution[c->gold] += e.trust[FUSE_VOICE];
}

/* One recording of these actors. */
static affect_status listen(affect_context *ctx, const char *model, clip *clips, size_t n,
                            int first, int second, bool alone, counts *sum) {
    affect_timeline *t = NULL;
    voice_stage *stage = NULL;
    const voice_options options = {.emotion_model = model, .alone = alone};
    affect_status status = timeline_create(ctx, &t);
    if (status == AFFECT_OK) status = voice_create(ctx, &options, t, &stage);
    int64_t at = 0;
    size_t next[2] = {0, 0};
    for (bool more = true; more && status == AFFECT_OK;) {
        more = false;
        for (int turn = 0; turn < 2 && status == AFFECT_OK; turn++) {
            int actor = turn ? second : first;
            while (next[turn] < n && clips[next[turn]].actor != actor) next[turn]++;
            if (actor < 0 || next[turn] >= n) continue;
            status = push_clip(ctx, stage, &clips[next[turn]++], &at);
            more = true;
        }
    }
    if (status == AFFECT_OK) status = voice_finish(stage);
    for (size_t i = 0; i < n && status == AFFECT_OK; i++)
        if (clips[i].actor == first || clips[i].actor == second) count_clip(t, &clips[i], sum);
    voice_destroy(stage);
    affect_timeline_destroy(t);
    return status;
}

static double print_counts(const char *name, const counts *s) {
    double recall = 0;
    int classes = 0, met = 0, all = 0;
    for (int k = 0; k < C; k++) {
        if (s->all[k]) recall += (double)s->met[k] / s->all[k], classes++;
        met += s->met[k];
        all += s->all[k];
    }
    recall /= BASE_MAX(classes, 1);
    printf("%-28s UA %5.1f %%  WA %5.1f %%  %4d clips, %d silent", name, 100 * recall,
           100.0 * met / BASE_MAX(all, 1), all, s->silent);
    for (int k = 0; k < C; k++)
        if (s->all[k]) printf("  %s %.2f", category_names[k], (double)s->met[k] / s->all[k]);
    printf("\n");
    return recall;
}

static affect_status run(affect_context *ctx, const char *folds, const char *ravdess, int voices,
                         const bool wanted[FOLDS + 1]) {
    static clip clips[2000];
    static counts total[WAYS];
    double mean[WAYS] = {0};
    int judged = 0;
    size_t n = 0;
    affect_status status = read_clips(ctx, ravdess, clips, BASE_COUNT(clips), &n);
    shuffle(clips, n);
    for (int fold = 1; fold <= FOLDS && status == AFFECT_OK; fold++) {
        if (!wanted[fold]) continue;
        char model[1024];
        snprintf(model, sizeof model, "%s/fold-%d", folds, fold);
        int actors[ACTORS + 1], count = 0;
        for (int a = 1; a <= ACTORS; a++) {
            bool there = false;
            for (size_t i = 0; i < n && !there; i++)
                there = clips[i].actor == a && clips[i].fold == fold;
            if (there) actors[count++] = a;
        }
        for (int way = 0; way < WAYS && status == AFFECT_OK; way++) {
            counts sum = {.silent = 0};
            for (int a = 0; a < count && status == AFFECT_OK; a += voices)
                status = listen(ctx, model, clips, n, actors[a],
                                voices > 1 && a + 1 < count ? actors[a + 1] : -1, way == 0, &sum);
            char name[64];
            snprintf(name, sizeof name, "fold %d, %s", fold, ways[way]);
            if (status == AFFECT_OK) mean[way] += print_counts(name, &sum);
            for (int k = 0; k < C; k++) {
                total[way].met[k] += sum.met[k];
                total[way].all[k] += sum.all[k];
                total[way].in_distribution[k] += sum.in_distribution[k];
                for (int m = 0; m < C; m++) total[way].as[k][m] += sum.as[k][m];
            }
        }
        judged++;
        fflush(stdout);
    }
    for (int way = 0; way < WAYS && judged && status == AFFECT_OK; way++) {
        printf("\n%s: mean UA %.1f %% over %d folds\n%-10s", ways[way], 100 * mean[way] / judged,
               judged, "acted");
        for (int k = 0; k < C; k++) printf(" %9.9s", category_names[k]);
        printf("  in dist.\n");
        for (int k = 0; k < C; k++) {
            if (!total[way].all[k]) continue;
            printf("%-10s", category_names[k]);
            for (int m = 0; m < C; m++)
                printf(" %9.2f", (double)total[way].as[k][m] / total[way].all[k]);
            printf("      %.2f\n", total[way].in_distribution[k] / total[way].all[k]);
        }
    }
    return status;
}

int main(int count, char **a) {
    const char *folders[2] = {NULL, NULL}, *models = NULL;
    bool wanted[FOLDS + 1] = {false}, some = false, wrong = false;
    int voices = 1;
    for (int i = 1; i < count; i++) {
        bool more = i + 1 < count;
        if (more && strcmp(a[i], "--voices") == 0)
            voices = atoi(a[++i]) > 1 ? 2 : 1;
        else if (more && strcmp(a[i], "--models") == 0)
            models = a[++i];
        else if (a[i][0] == '-')
            wrong = true;
        else if (!folders[0] || !folders[1])
            folders[folders[0] != NULL] = a[i];
        else if (atoi(a[i]) >= 1 && atoi(a[i]) <= FOLDS)
            wanted[atoi(a[i])] = some = true;
        else
            wrong = true;
    }
    if (wrong || !folders[1]) {
        fprintf(stderr,
                "usage: bench-voice-statistics [--models FOLDER] [--voices N] FOLDS RAVDESS "
                "[FOLD]...\n");
        return AFFECT_ERROR_USAGE;
    }
    for (int f = 1; f <= FOLDS; f++) wanted[f] = wanted[f] || !some;
    affect_context *ctx;
    if (affect_context_create(&ctx)) return AFFECT_ERROR_MEMORY;
    affect_status status = affect_context_set_models(ctx, models);
    if (!status) status = run(ctx, folders[0], folders[1], voices, wanted);
    if (status) fprintf(stderr, "bench-voice-statistics: %s\n", affect_context_message(ctx));
    affect_context_destroy(ctx);
    return (int)status;
}
