/* Who speaks, made again from what perception found (bench/speakers.py).
 *
 * usage: bench-speakers RULES SCENE[=WEIGHTS]...
 *        bench-speakers --voices SOUND...
 *
 * SCENE: a folder with timeline.json; WEIGHTS: a folder with a weights.json of synchrony in place of the shipped ones.
 * RULES: a file, each line of it values by name ("stay_speech=.99 doubt=.5") in place of those of
 * align/speaking.h; an empty line: none. Prints for each line and scene the tier "speaking": "LINE SCENE", then
 * "t0 t1 person score" of each interval in seconds.
 *
 * --voices: a line for each file of sound, what align/voices.h measures of it ("FILE" alone: it is too short). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "affect/affect.h"
#include "align/speaking.h"
#include "align/voices.h"
#include "bench/rule.h"

enum { MOST = 4096 };

static affect_context *ctx;

static void need(affect_status status, const char *what) {
    if (status == AFFECT_OK) return;
    fprintf(stderr, "bench-speakers: %s: %s\n", what, affect_context_message(ctx));
    exit(1);
}

static void speak(const affect_timeline *scene, const align_rule *rule,
                  const align_synchrony *synchrony) {
    affect_timeline *out;
    align_speaking *stage;
    timeline_view view = {&scene, 1};
    need(timeline_create(ctx, &out), "timeline");
    align_speaking_options options = {.rule = rule, .synchrony = synchrony};
    need(align_speaking_create(ctx, &options, out, &stage), "stage");
    need(align_speaking_finish(stage, &view, scene->duration), "finish");
    const affect_tier *tier = affect_timeline_find_tier(out, "speaking");
    for (size_t i = 0; tier && i < tier->count; i++)
        printf("%.3f %.3f %d %.4f\n", time_to_seconds(tier->items[i].t0),
               time_to_seconds(tier->items[i].t1), tier->items[i].person,
               (double)tier->items[i].score);
    align_speaking_destroy(stage);
    affect_timeline_destroy(out);
}

/* NULL: the shipped ones. */
static align_synchrony *read_weights(const char *folder) {
    align_synchrony *synchrony = NULL;
    static char text[1 << 20];
    char path[4096];
    if (!folder) {
        need(align_synchrony_load(ctx, NULL, &synchrony), "weights");
        return synchrony;
    }
    snprintf(path, sizeof path, "%s/weights.json", folder);
    FILE *f = fopen(path, "r");
    size_t length = f ? fread(text, 1, sizeof text, f) : 0;
    if (f) fclose(f);
    need(align_synchrony_parse(ctx, path, text, length, &synchrony), path);
    return synchrony;
}

static int describe_voices(char **files) {
    affect_options *options;
    need(affect_options_create(ctx, &options), "options");
    affect_options_set_words(options, 0);
    affect_options_set_face(options, 0);
    for (; *files; files++) {
        affect_timeline *sound;
        double measures[ALIGN_VOICE_MEASURES];
        need(affect_analyze(ctx, *files, options, &sound), *files);
        timeline_view view = {(const affect_timeline *const *)&sound, 1};
        printf("%s", *files);
        if (align_voice_measure(&view, 0, sound->duration, measures))
            for (size_t i = 0; i < ALIGN_VOICE_MEASURES; i++) printf(" %.6g", measures[i]);
        printf("\n");
        affect_timeline_destroy(sound);
    }
    affect_options_destroy(options);
    affect_context_destroy(ctx);
    return 0;
}

int main(int argc, char **argv) {
    static align_rule rules[MOST];
    size_t count = 0;
    if (argc > 2 && !strcmp(argv[1], "--voices"))
        return affect_context_create(&ctx) ? 1 : describe_voices(argv + 2);
    FILE *f = argc > 2 ? fopen(argv[1], "r") : NULL;
    if (!f) {
        fputs("usage: bench-speakers RULES SCENE[=WEIGHTS]... | --voices SOUND...\n", stderr);
        return 2;
    }
    char line[4096];
    while (count < MOST && fgets(line, sizeof line, f))
        rules[count++] = bench_read_rule(line, " \n", "bench-speakers");
    fclose(f);
    if (affect_context_create(&ctx)) return 1;
    for (int a = 2; a < argc; a++) {
        char *weights = strchr(argv[a], '='), path[4096];
        if (weights) *weights++ = '\0';
        align_synchrony *synchrony = NULL;
        affect_timeline *scene;
        snprintf(path, sizeof path, "%s/timeline.json", argv[a]);
        need(affect_timeline_read(ctx, path, &scene), path);
        synchrony = read_weights(weights);
        for (size_t r = 0; r < count; r++) {
            printf("%zu %s\n", r, argv[a]);
            speak(scene, &rules[r], synchrony);
        }
        align_synchrony_destroy(synchrony);
        affect_timeline_destroy(scene);
    }
    affect_context_destroy(ctx);
    return 0;
}
