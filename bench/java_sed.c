/* What face, voice and place say of real clips, for those who fit and judge the weights of fusion
 * (bench/face_voice.py).
 *
 * usage: bench-java-sed [OPTIONS] TABLE > TERMS.csv     (a set's table: ../shared/data/java_sed/video.csv)
 *   --face-model MODEL   a name or folder; "{by}" in it becomes what the column BY has for the clip, so
 *   --voice-model MODEL  that each clip is judged by a model that never saw or heard its actor
 *   --by COLUMN          that column, also printed ("speaker"): whom fits leave out
 *   --models FOLDER      look for models here first
 *   --only RULE          "COLUMN VALUE,VALUE": these rows
 *   --cache FOLDER       keep what perception found, by clip and by the sum of the model's weights:
 *                        then only fusion runs again (empty it when the stages change)
 *   --every N            every N-th clip
 *   --sound              voice alone
 *
 * A row for each clip and each way (face, voice, both): clip, by, label, way, whether anything was said,
 * how far the face and the voice can be trusted, and for each expert and category what is added to the
 * category's logarithm for a weight of 1, over the whole clip. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "affect/affect.h"
#include "datasets/datasets.h"
#include "fuse/fuse.h"
#include "infer/infer.h"
#include "report/report.h"

enum { WAYS = 3, C = FUSE_CATEGORIES, LABELS = C + 1 };
static const char *const ways[WAYS] = {"face", "voice", "both"};

typedef struct setup {
    affect_context *ctx;
    const char *face_model, *voice_model, *cache;
    int every;
    bool sound;
    fuse_parameters *shipped;
    size_t read, printed, left_out;
} setup;

/* ---- perception, from the cache where it is there ---- */

/* `pattern` with what the clip has in the column BY. */
static void model_of(const char *pattern, const char *by, char *out, size_t room) {
    const char *hole = pattern ? strstr(pattern, "{by}") : NULL;
    if (hole)
        snprintf(out, room, "%.*s%s%s", (int)(hole - pattern), pattern, by, hole + 4);
    else
        snprintf(out, room, "%s", pattern ? pattern : "");
}

/* What was found with face or voice alone. */
static affect_status perceive(const setup *s, const char *path, const char *by, bool face,
                              affect_timeline **out) {
    char model[1024], cached[2048] = "";
    const char *task = face ? "face.emotion" : "voice.emotion";
    model_of(face ? s->face_model : s->voice_model, by, model, sizeof model);
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
    affect_options_set_words(options, 0);
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

static affect_status print_way(const setup *s, const affect_timeline *face,
                               const affect_timeline *voice, int way, const char *row) {
    affect_time end = BASE_MAX(face ? affect_timeline_duration(face) : 0,
                               voice ? affect_timeline_duration(voice) : 0);
    const affect_timeline *inputs[2];
    size_t count = 0;
    if (way != 1) inputs[count++] = face;
    if (way != 0) inputs[count++] = voice;
    affect_timeline *fused = NULL;
    fuse_stage *stage = NULL;
    fuse_options options = fuse_options_default();
    fuse_evidence e = {.has_face = false};
    affect_status status = timeline_create(s->ctx, &fused);
    if (!status) status = fuse_create(s->ctx, &options, fused, &stage);
    if (!status) status = fuse_finish(stage, &(timeline_view){inputs, count}, end);
    if (!status) {
        bool says =
            fuse_gather(&(timeline_view){inputs, count},
                        affect_timeline_find_track(fused, "trajectory/1"), 1, 0, end + 1, &e);
        double terms[FUSE_EXPERTS][C];
        fuse_category_terms(s->shipped, &e, terms);
        printf("%s,%s,%d,%.6g,%.6g", row, ways[way], says, e.has_face ? e.trust[FUSE_FACE] : 0.0,
               e.has_voice ? e.trust[FUSE_VOICE] : 0.0);
        for (int k = 0; k < FUSE_EXPERTS; k++)
            for (int c = 0; c < C && k != FUSE_WORDS; c++)
                printf(",%.6g", says ? terms[k][c] : 0.0);
        printf("\n");
    }
    fuse_destroy(stage);
    affect_timeline_destroy(fused);
    return status;
}

/* Is the clip's model there? (No pattern: the default is.) */
static bool has_model(const setup *s, const char *pattern, const char *by) {
    char model[1024];
    model_of(pattern, by, model, sizeof model);
    if (!*model) return true;
    model_card *card = NULL;
    bool there = model_card_load(s->ctx, model, false, &card) == AFFECT_OK;
    model_card_destroy(card);
    return there;
}

static affect_status take_clip(void *user, const datasets_sample *sample) {
    setup *s = user;
    const char *by = sample->by ? sample->by : "", *name = strrchr(sample->file, '/');
    if (s->read++ % (size_t)s->every != 0 || sample->label < 0) return AFFECT_OK;
    if (!has_model(s, s->face_model, by) || !has_model(s, s->voice_model, by)) {
        s->left_out++;
        return AFFECT_OK;
    }
    char row[512];
    affect_timeline *face = NULL, *voice = NULL;
    snprintf(row, sizeof row, "%s,%s,%s", name ? name + 1 : sample->file, by,
             category_names[sample->label % C]); /* calm, the last label, is neutral */
    affect_status status = AFFECT_OK;
    if (!s->sound) status = perceive(s, sample->file, by, true, &face);
    if (!status) status = perceive(s, sample->file, by, false, &voice);
    for (int way = 0; way < WAYS && !status; way++)
        if (!s->sound || way == 1) status = print_way(s, face, voice, way, row);
    affect_timeline_destroy(face);
    affect_timeline_destroy(voice);
    if (++s->printed % 100 == 0) fprintf(stderr, "%zu clips\n", s->printed);
    return status;
}

static affect_status run(setup *s, const char *table, const char *by, const char *only) {
    static const char *const experts[FUSE_EXPERTS] = {"face", "voice", NULL, "place"};
    const char *labels[LABELS];
    for (int c = 0; c < C; c++) labels[c] = category_names[c];
    labels[C] = "calm";
    const datasets_request request = {
        .kind = DATASETS_RECORDING, .labels = labels, .classes = LABELS, .only = only, .by = by};
    affect_status status = s->cache ? base_make_folder(s->ctx, s->cache) : AFFECT_OK;
    if (status == AFFECT_ERROR_OUTPUT && base_is_folder(s->cache)) status = AFFECT_OK;
    printf("clip,by,label,way,says,face,voice");
    for (int k = 0; k < FUSE_EXPERTS; k++)
        for (int c = 0; c < C && experts[k]; c++) printf(",%s_%s", experts[k], category_names[c]);
    printf("\n");
    if (!status) status = datasets_read(s->ctx, &request, &table, 1, take_clip, s);
    if (s->left_out)
        fprintf(stderr, "%zu clips left out: the models of their actors are not there\n",
                s->left_out);
    return status;
}

int main(int count, char **a) {
    setup s = {.every = 1};
    const char *models = NULL, *table = NULL, *by = "speaker", *only = NULL;
    for (int i = 1; i < count; i++) {
        bool more = i + 1 < count;
        if (more && strcmp(a[i], "--face-model") == 0)
            s.face_model = a[++i];
        else if (more && strcmp(a[i], "--voice-model") == 0)
            s.voice_model = a[++i];
        else if (more && strcmp(a[i], "--models") == 0)
            models = a[++i];
        else if (more && strcmp(a[i], "--by") == 0)
            by = a[++i];
        else if (more && strcmp(a[i], "--only") == 0)
            only = a[++i];
        else if (more && strcmp(a[i], "--cache") == 0)
            s.cache = a[++i];
        else if (more && strcmp(a[i], "--every") == 0)
            s.every = atoi(a[++i]);
        else if (strcmp(a[i], "--sound") == 0)
            s.sound = true;
        else if (!table && a[i][0] != '-')
            table = a[i];
        else
            table = NULL, i = count;
    }
    if (!table || s.every < 1) {
        fprintf(stderr, "usage: bench-java-sed [--face-model M] [--voice-model M] [--by COLUMN] "
                        "[--models FOLDER] [--only RULE] [--cache FOLDER] [--every N] [--sound] "
                        "TABLE > TERMS.csv\n");
        return AFFECT_ERROR_USAGE;
    }
    if (affect_context_create(&s.ctx)) return AFFECT_ERROR_MEMORY;
    affect_status status = affect_context_set_models(s.ctx, models);
    if (!status) status = fuse_parameters_load(s.ctx, NULL, &s.shipped);
    if (!status) status = run(&s, table, by, only);
    fuse_parameters_destroy(s.shipped);
    if (status) fprintf(stderr, "bench-java-sed: %s\n", affect_context_message(s.ctx));
    affect_context_destroy(s.ctx);
    return (int)status;
}
