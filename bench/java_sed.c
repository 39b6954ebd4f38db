/* The yardstick of the first form: how often the label of a clip agrees with what the actor was
 * asked to show. usage: bench-java-sed FOLDER [EVERY]   (FOLDER holds video.csv; EVERY n-th clip)
 * Each clip is analyzed once for each of face alone, voice alone and both; the label is the
 * category with the highest score over the clip as one episode. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "affect/affect.h"
#include "fuse/fuse.h"

enum { WAYS = 3 };
static const char *const ways[WAYS] = {"face alone", "voice alone", "both"};

static int category(const char *name) {
    for (int c = 0; c < FUSE_CATEGORIES; c++)
        if (strcmp(name, fuse_categories[c]) == 0) return c;
    return -1;
}

/* Score of each category from the clip's episodes, weighted by their length. */
static bool score_clip(const affect_timeline *timeline, double scores[FUSE_CATEGORIES]) {
    const affect_timeline *inputs[] = {timeline};
    const affect_track *trajectory = affect_timeline_find_track(timeline, "trajectory/1");
    if (!trajectory) return false;
    affect_time end = affect_timeline_duration(timeline);
    return fuse_score_stretch(inputs, 1, trajectory, 0, end + 1, scores);
}

int main(int argc, char **argv) {
    if (argc < 2) {
        fprintf(stderr, "usage: %s FOLDER [EVERY]\n", argv[0]);
        return 2;
    }
    int every = argc > 2 ? atoi(argv[2]) : 1, line_number = 0, used = 0;
    char path[1024], line[512];
    snprintf(path, sizeof path, "%s/video.csv", argv[1]);
    FILE *list = fopen(path, "r");
    if (!list || !fgets(line, sizeof line, list)) {
        fprintf(stderr, "%s: no list of clips\n", path);
        return 3;
    }
    static int confusion[WAYS][FUSE_CATEGORIES][FUSE_CATEGORIES + 1];
    while (fgets(line, sizeof line, list)) {
        char *name = strtok(line, ","), *label = strtok(NULL, ",");
        int gold = label ? category(label) : -1;
        if (line_number++ % every || gold < 0) continue;
        used++;
        snprintf(path, sizeof path, "%s/%s", argv[1], name);
        for (int way = 0; way < WAYS; way++) {
            affect_context *ctx;
            affect_options *options;
            affect_timeline *timeline = NULL;
            double scores[FUSE_CATEGORIES];
            if (affect_context_create(&ctx) != AFFECT_OK ||
                affect_options_create(ctx, &options) != AFFECT_OK)
                return 10;
            affect_options_set_words(options, 0); /* the clips are Javanese */
            affect_options_set_face(options, way != 1);
            affect_options_set_voice(options, way != 0);
            int best = FUSE_CATEGORIES;
            if (affect_analyze(ctx, path, options, &timeline) != AFFECT_OK)
                fprintf(stderr, "%s\n", affect_context_message(ctx));
            else if (score_clip(timeline, scores)) {
                best = -1; /* among the six that are acted */
                for (int c = 0; c < FUSE_CATEGORIES; c++)
                    if (c != category("disgust") && c != category("contempt") &&
                        (best < 0 || scores[c] > scores[best]))
                        best = c;
            }
            confusion[way][gold][best]++;
            affect_timeline_destroy(timeline);
            affect_options_destroy(options);
            affect_context_destroy(ctx);
        }
    }
    fclose(list);
    printf("%d clips\n%-12s %8s %8s   recall of each\n", used, "", "agree", "mean rec");
    for (int way = 0; way < WAYS; way++) {
        int right = 0, all = 0, classes = 0;
        double recall = 0;
        char each[512] = "";
        for (int g = 0; g < FUSE_CATEGORIES; g++) {
            int total = 0;
            for (int p = 0; p <= FUSE_CATEGORIES; p++) total += confusion[way][g][p];
            if (!total) continue;
            classes++;
            all += total;
            right += confusion[way][g][g];
            recall += (double)confusion[way][g][g] / total;
            size_t n = strlen(each);
            snprintf(each + n, sizeof each - n, "  %s %.2f", fuse_categories[g],
                     (double)confusion[way][g][g] / total);
        }
        printf("%-12s %7.1f%% %7.1f%% %s\n", ways[way], all ? 100.0 * right / all : 0.0,
               classes ? 100 * recall / classes : 0.0, each);
    }
    return 0;
}
