/* Which part of the recordings this process takes. */
#include <stdlib.h>
#include <string.h>

#include "collection/collection.h"

/* A number of the environment; false where it is not set. */
static bool variable(const char *name, int64_t *out) {
    const char *text = getenv(name);
    return text && base_parse_int64(text, strlen(text), out);
}

static bool good(int64_t index, int64_t count) {
    return count >= 1 && count <= 1000000 && index >= 1 && index <= count;
}

affect_status collection_shard_parse(affect_context *ctx, const char *text, collection_shard *out) {
    int64_t index = 1, count = 1, id, first, step, rank, size;
    *out = (collection_shard){1, 1, NULL};
    if (text) {
        const char *slash = strchr(text, '/');
        if (!slash || !base_parse_int64(text, (size_t)(slash - text), &index) ||
            !base_parse_int64(slash + 1, strlen(slash + 1), &count) || !good(index, count))
            return base_fail(ctx, AFFECT_ERROR_USAGE,
                             "--shard wants I/N, I from 1 to N, not '%.40s'", text);
        *out = (collection_shard){(int)index, (int)count, "--shard"};
        return AFFECT_OK;
    }
    /* An array numbers its tasks as its user likes. */
    if (variable("SLURM_ARRAY_TASK_ID", &id) && variable("SLURM_ARRAY_TASK_COUNT", &count)) {
        if (!variable("SLURM_ARRAY_TASK_MIN", &first)) first = 0;
        if (!variable("SLURM_ARRAY_TASK_STEP", &step) || step < 1) step = 1;
        index = (id - first) / step + 1;
        out->from = "Slurm's array";
    }
    /* SLURM_PROCID alone is also set in the batch script, which is no part of anything. */
    if (variable("SLURM_STEP_NUM_TASKS", &size) && variable("SLURM_PROCID", &rank)) {
        out->from = "Slurm";
    } else if (variable("OMPI_COMM_WORLD_SIZE", &size) && variable("OMPI_COMM_WORLD_RANK", &rank)) {
        out->from = "Open MPI";
    } else if (variable("PMI_SIZE", &size) && variable("PMI_RANK", &rank)) {
        out->from = "MPI";
    } else {
        size = 1;
        rank = 0;
    }
    if (!good(index, count) || !good(rank + 1, size) || !good(1, count * size))
        return base_fail(ctx, AFFECT_ERROR_USAGE,
                         "the numbers of tasks that %s gives in its environment do not fit "
                         "together: say --shard I/N",
                         out->from);
    out->index = (int)((index - 1) * size + rank + 1);
    out->count = (int)(count * size);
    return AFFECT_OK;
}
