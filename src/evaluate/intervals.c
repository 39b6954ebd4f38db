/* Intervals of a task's values: what both the whole and each group (groups.c) ask for. */
#include "evaluate/evaluate.h"

affect_status evaluate_intervals(evaluate_data *d, const uint32_t *index, size_t n,
                                 const int32_t *unit, size_t units, affect_score_metric metric,
                                 void *user, size_t values, affect_score_interval *out) {
    const evaluate_call *call = d->call;
    const score_draws draws = {unit, units, (size_t)call->rounds, (uint64_t)call->seed, .95};
    affect_status status =
        d->resample ? d->resample(d, index, n, &draws, values, out) : AFFECT_ERROR_UNSUPPORTED;
    if (status == AFFECT_ERROR_UNSUPPORTED)
        status = affect_score_bootstrap(call->ctx, unit, n, units, draws.rounds, draws.seed,
                                        draws.level, metric, user, values, out);
    return status ? status : d->status;
}
