/* The eGeMAPS set beside openSMILE's numbers, and its speed.
 *     build/bench/bench-egemaps FOLDER [SECONDS]
 * FOLDER holds NAME.wav, NAME_lld.csv and NAME_functionals.csv. Prints a row for each of the 25
 * descriptors and 88 functionals, then what the set costs on one core for SECONDS (default 1000) of
 * those recordings, and where that time goes. One line of JSON at the end for tools/bench. */
#include <sys/resource.h>

#include "tests/voice/parity.h"
#include "voice/kernels.h"

static double user_s(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)u.ru_utime.tv_sec + (double)u.ru_utime.tv_usec * 1e-6;
}

/* Rows that miss the bars: r >= .999 and median error <= 1 % in every file; error <= 1 % in all
 * files but one. */
static size_t print_table(const parity *p) {
    size_t missed = 0;
    printf("%-46s %10s %14s\n", "descriptor (worst of the files)", "r", "median error");
    for (int i = 0; i < VOICE_EGEMAPS_DESCRIPTORS; i++) {
        const parity_descriptor *d = &p->descriptor[i];
        bool miss = d->r < 0.999 || d->median_error > 0.01;
        missed += miss;
        printf("%-46s %10.6f %13.5f%%%s\n", voice_egemaps_descriptor_names[i], d->r,
               100.0 * d->median_error, miss ? "  *" : "");
    }
    printf("\n%-46s %10s %14s\n", "functional", "within 1 %", "worst error");
    for (int i = 0; i < VOICE_EGEMAPS_FUNCTIONALS; i++) {
        size_t good = 0;
        double worst = 0.0;
        for (size_t k = 0; k < p->files; k++) {
            good += p->functional_error[i][k] <= 0.01;
            worst = fmax(worst, p->functional_error[i][k]);
        }
        bool miss = good + 1 < p->files;
        missed += miss;
        printf("%-46s %6zu of %zu %13.5f%%%s\n", voice_egemaps_functional_names[i], good, p->files,
               100.0 * worst, miss ? "  *" : "");
    }
    printf("\n* misses the bar: %zu of %d\n", missed,
           VOICE_EGEMAPS_DESCRIPTORS + VOICE_EGEMAPS_FUNCTIONALS);
    return missed;
}

typedef struct stages {
    double total, long_frames, short_frames, seconds;
} stages;

/* Runs the set over the recordings, `rounds` times, then only its two kernels. */
static bool measure(affect_context *ctx, const char *folder, const parity *p, double wanted,
                    stages *out) {
    memset(out, 0, sizeof *out);
    const voice_kernels *kernels = voice_kernels_get(NULL);
    for (size_t k = 0; k < p->files; k++) {
        char path[1024];
        size_t count;
        int rate;
        snprintf(path, sizeof path, "%s/%s.wav", folder, p->name[k]);
        float *samples = test_wave(path, &count, &rate);
        voice_egemaps *set = NULL;
        voice_plan *plan = NULL;
        if (!samples || voice_egemaps_create(ctx, rate, &set) != AFFECT_OK ||
            voice_plan_create(ctx, rate, &plan) != AFFECT_OK)
            return false;
        double length = (double)count / rate;
        int rounds = (int)ceil(wanted / (double)p->files / length);
        double start = user_s();
        for (int r = 0; r < rounds; r++) {
            float functionals[VOICE_EGEMAPS_FUNCTIONALS];
            size_t n;
            voice_egemaps_reset(set);
            for (size_t i = 0; i < count; i += 4096) {
                if (voice_egemaps_push(set, samples + i, BASE_MIN(count - i, (size_t)4096)) !=
                    AFFECT_OK)
                    return false;
                voice_egemaps_take(set, &n);
            }
            if (voice_egemaps_finish(set) != AFFECT_OK ||
                voice_egemaps_functionals(set, functionals) != AFFECT_OK)
                return false;
        }
        out->total += user_s() - start;
        out->seconds += length * rounds;

        void *scratch = base_alloc_aligned(64, voice_scratch_size(plan));
        float *magnitude =
            base_alloc_aligned(64, plan->long_bins * VOICE_LANES * sizeof *magnitude);
        float *previous = base_calloc(plan->short_bins, sizeof *previous);
        if (!scratch || !magnitude || !previous) return false;
        for (int which = 0; which < 2; which++) {
            start = user_s();
            for (int r = 0; r < rounds; r++)
                for (size_t i = 0; i + plan->long_size + VOICE_LANES * plan->step <= count;
                     i += VOICE_LANES * plan->step) {
                    voice_block block;
                    if (which == 0)
                        kernels->long_frames(plan, samples + i, VOICE_LANES, scratch, magnitude,
                                             &block);
                    else
                        kernels->short_frames(plan, samples + i, VOICE_LANES, i == 0, previous,
                                              scratch, &block);
                }
            *(which ? &out->short_frames : &out->long_frames) += user_s() - start;
        }
        base_free(scratch);
        base_free(magnitude);
        base_free(previous);
        voice_plan_destroy(plan);
        voice_egemaps_destroy(set);
        base_free(samples);
    }
    return true;
}

int main(int argc, char **argv) {
    if (argc < 2) {
        fprintf(stderr, "usage: %s FOLDER [SECONDS]\n", argv[0]);
        return 2;
    }
    double wanted = argc > 2 ? atof(argv[2]) : 1000.0;
    affect_context *ctx;
    static parity p;
    stages s;
    if (affect_context_create(&ctx) != AFFECT_OK) return 70;
    if (!parity_run(ctx, argv[1], &p) || !p.names_match) {
        fprintf(stderr, "%s: no usable reference: %s\n", argv[1], affect_context_message(ctx));
        affect_context_destroy(ctx);
        return 1;
    }
    size_t missed = print_table(&p);
    if (!measure(ctx, argv[1], &p, wanted, &s)) {
        fprintf(stderr, "%s\n", affect_context_message(ctx));
        affect_context_destroy(ctx);
        return 1;
    }
    double rest = s.total - s.long_frames - s.short_frames;
    printf("\n%s kernels, one core: %.0f s of audio in %.2f s of user time, %.0f x real time\n",
           voice_kernels_get(NULL)->name, s.seconds, s.total, s.seconds / s.total);
    printf("  60 ms frames (pitch)              %5.1f %%\n", 100.0 * s.long_frames / s.total);
    printf("  20 ms frames (spectrum, formants) %5.1f %%\n", 100.0 * s.short_frames / s.total);
    printf("  pitch path, periods, harmonics,\n  functionals                       %5.1f %%\n",
           100.0 * rest / s.total);
    printf("{\"bench\":\"egemaps\",\"missed\":%zu,\"times_real_time\":%.1f,\"user_s\":%.3f,"
           "\"audio_s\":%.1f}\n",
           missed, s.seconds / s.total, s.total, s.seconds);
    affect_context_destroy(ctx);
    return 0;
}
