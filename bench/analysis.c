/* Where the time of an analysis goes. usage: bench-analysis RECORDING [THREADS [RUNS [no-words|fast]]]
 * Prints, for the fastest of RUNS runs: times real time, the share of each stage, the first result
 * and the peak memory of the process. One line of JSON at the end for tools/bench. */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "affect/affect.h"
#include "session/session_private.h"

typedef struct first {
    double start, rows, trajectory;
} first;

static void on_rows(void *user, const affect_track *track, size_t from, size_t count) {
    first *f = user;
    (void)from;
    (void)count;
    double now = base_now_s() - f->start;
    if (f->rows == 0) f->rows = now;
    if (f->trajectory == 0 && affect_track_modality(track) == AFFECT_MODALITY_FUSED)
        f->trajectory = now;
}

static double cpu_s(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6;
}

int main(int argc, char **argv) {
    if (argc < 2) {
        fprintf(stderr, "usage: %s RECORDING [THREADS [RUNS [no-words|fast]]]\n", argv[0]);
        return 2;
    }
    int threads = argc > 2 ? atoi(argv[2]) : 2, runs = argc > 3 ? atoi(argv[3]) : 1;
    double best = 0, best_cpu = 0, length = 0, first_rows = 0;
    session_times times = {0};
    for (int run = 0; run < runs; run++) {
        affect_context *ctx;
        affect_options *options;
        affect_timeline *timeline;
        session_times now = {0};
        if (affect_context_create(&ctx) != AFFECT_OK) return 1;
        affect_context_set_threads(ctx, threads);
        if (affect_options_create(ctx, &options) != AFFECT_OK) return 1;
        first f = {.start = base_now_s()};
        double cpu = cpu_s();
        affect_options_set_words(options, argc <= 4 || strcmp(argv[4], "no-words") != 0);
        affect_options_set_fast(options, argc > 4 && strcmp(argv[4], "fast") == 0);
        affect_options_on_rows(options, on_rows, &f);
        affect_status status = session_analyze(ctx, argv[1], options, &now, &timeline);
        double took = base_now_s() - f.start;
        if (status != AFFECT_OK) {
            fprintf(stderr, "%s\n", affect_context_message(ctx));
            return (int)status;
        }
        length = time_to_seconds(affect_timeline_duration(timeline));
        if (run == 0 || took < best) {
            best = took, times = now, first_rows = f.rows;
            best_cpu = cpu_s() - cpu;
        }
        affect_timeline_destroy(timeline);
        affect_options_destroy(options);
        affect_context_destroy(ctx);
    }
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double all = times.decode;
    for (size_t i = 0; i < times.count; i++) all += times.stages[i].seconds;
    printf("%-28s %.1f s of recording in %.2f s: %.2f x real time (%.2f s of processor: %.2f x "
           "real time a core)\n",
           "whole analysis", length, best, length / best, best_cpu, length / best_cpu);
    printf("%-28s %.2f s\n", "first result after", first_rows);
    printf("%-28s %5.1f %%  %7.2f s\n", "  decode", 100 * times.decode / all, times.decode);
    for (size_t i = 0; i < times.count; i++)
        printf("  %-26s %5.1f %%  %7.2f s\n", times.stages[i].name,
               100 * times.stages[i].seconds / all, times.stages[i].seconds);
    printf("%-28s %.0f MB\n", "peak memory", (double)usage.ru_maxrss / 1024);
    printf(
        "{\"seconds\":%.3f,\"times_real_time\":%.3f,\"cpu_s\":%.3f,\"first_s\":%.3f,\"peak_mb\":%."
        "1f}\n",
        best, length / best, best_cpu, first_rows, (double)usage.ru_maxrss / 1024);
    return 0;
}
