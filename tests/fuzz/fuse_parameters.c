/* Any bytes as the constants of fusion: constants or an error; and with what is taken a trajectory can be
 * estimated and named. */
#include "fuse/fuse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuse_parameters *p = NULL;
    if (fuse_parameters_parse(NULL, "weights.json", (const char *)data, size, &p) != AFFECT_OK)
        return 0;
    const fuse_evidence evidence = {.has_face = true,
                                    .log_face = {-1, -2, -3},
                                    .trust = {1, 1, 1, 1},
                                    .mean = {0.5, -0.5, 0.1},
                                    .sd = {0.1, 0.2, 0.3}};
    double scores[FUSE_CATEGORIES], region;
    fuse_category_scores(p, &evidence, scores);
    if (!fuse_region(p, &evidence, &region)) __builtin_trap();
    latent_observation row = {.time = AFFECT_SECOND, .value = 0.5, .confidence = 1};
    affect_time asked = 2 * AFFECT_SECOND;
    latent_estimate out;
    for (int d = 0; d < FUSE_DIMENSIONS; d++)
        if (latent_smooth(NULL, &p->dimensions[d], &row, 1, &asked, 1, &out, NULL) ==
            AFFECT_ERROR_ARGUMENT)
            __builtin_trap();
    fuse_parameters_destroy(p);
    return 0;
}
