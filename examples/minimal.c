/* Prints when a recording's emotional episodes begin and end, what best names each, and how sure
 * that is. cc minimal.c $(pkg-config --cflags --libs affect) -o minimal && ./minimal talk.mp4 */
#include <affect/affect.h>
#include <stdio.h>

static double seconds(affect_time time) { return (double)time / 1e9; }

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: minimal RECORDING\n");
        return AFFECT_ERROR_USAGE;
    }
    affect_context *context = NULL;
    affect_timeline *timeline = NULL;
    affect_status status = affect_context_create(&context);
    if (status == AFFECT_OK) status = affect_analyze(context, argv[1], NULL, &timeline);
    if (status != AFFECT_OK) {
        fprintf(stderr, "%s\n", context ? affect_context_message(context) : "out of memory");
        affect_context_destroy(context);
        return (int)status;
    }
    const affect_tier *episodes = affect_timeline_find_tier(timeline, "episodes");
    for (size_t i = 0; episodes && i < affect_tier_count(episodes); i++) {
        affect_interval e = *affect_tier_interval(episodes, i);
        printf("%8.3f %8.3f  person %d  %-12s %.2f\n", seconds(e.t0), seconds(e.t1), e.person,
               e.label, (double)e.score);
    }
    for (size_t i = 0; i < affect_timeline_warning_count(timeline); i++)
        fprintf(stderr, "note: %s\n", affect_timeline_warning(timeline, i)->label);
    affect_timeline_destroy(timeline);
    affect_context_destroy(context);
    return 0;
}
