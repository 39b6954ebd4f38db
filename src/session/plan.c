/* What is asked of a plan and of options that name models for it. */
#include <string.h>

#include "session/session_private.h"

const session_task *session_task_at(const session_plan *plan, size_t i) {
    for (size_t k = 0; plan->perception[k]; k++)
        for (const session_task *t = plan->perception[k]->tasks; t && t->task; t++)
            if (i-- == 0) return t;
    for (size_t k = 0; plan->understanding[k]; k++)
        for (const session_task *t = plan->understanding[k]->tasks; t && t->task; t++)
            if (i-- == 0) return t;
    return NULL;
}

bool session_wants(const affect_options *o, media_kind kind) {
    for (size_t k = 0; o->plan->perception[k]; k++)
        if (o->plan->perception[k]->takes == kind && o->plan->perception[k]->wanted(o)) return true;
    return false;
}

const char *session_option_model(const affect_options *o, const char *task) {
    for (size_t i = 0; i < o->models.count; i++)
        if (strcmp(o->models.items[i].task, task) == 0) return o->models.items[i].model;
    return NULL;
}
