/* What every training has: the steps of an epoch, the folder of a run. */
#include <string.h>

#include "train/train.h"

static void show(const train_epoch *e, size_t done, double loss, double started) {
    if (!e->progress) return;
    double spent = base_now_s() - started, share = (double)done / (double)e->steps;
    train_progress now = {e->epoch + 1, e->epochs, share, loss, 0};
    now.left_s = spent / share * (1 - share + (double)(e->epochs - e->epoch - 1));
    e->progress(e->progress_user, &now);
}

affect_status train_epoch_run(const train_epoch *e, double *mean_loss) {
    double sum = 0, started = base_now_s();
    for (size_t i = 0; i < e->steps; i++) {
        if (affect_context_cancelled(e->ctx))
            return base_fail(e->ctx, AFFECT_ERROR_CANCELLED,
                             "interrupted; the same command goes on after epoch %zu", e->epoch);
        uint64_t seed = 0;
        size_t shards = e->begin(e->user, i, nn_engine_get_state(e->engine)->step, &seed);
        double loss;
        affect_status status =
            nn_engine_step(e->engine, shards, e->build, e->user, seed, e->optimiser, &loss);
        if (status) return status;
        sum += loss;
        show(e, i + 1, sum / (double)(i + 1), started);
    }
    *mean_loss = sum / (double)e->steps;
    return AFFECT_OK;
}

char *train_folder_name(const char *recipe, const char *folder) {
    if (folder) return base_strdup(folder);
    const char *slash = strrchr(recipe, '/'), *name = slash ? slash + 1 : recipe;
    base_text path = {0};
    base_text_printf(&path, "runs/%.*s", (int)strcspn(name, "."), name);
    char *copy = path.failed ? NULL : base_strdup(path.data);
    base_text_destroy(&path);
    return copy;
}
