/* A folder of files that appears when it is complete. */
#include "report/report_private.h"

affect_status report_fill_folder(affect_context *ctx, const char *folder, bool unsynced,
                                 report_fill_fn fill, void *user) {
    base_folder hidden;
    affect_status status = base_folder_open(ctx, folder, &hidden);
    hidden.unsynced = unsynced;
    if (status == AFFECT_OK) status = fill(hidden.temporary, user);
    if (status == AFFECT_OK) return base_folder_commit(ctx, &hidden);
    base_folder_abort(&hidden);
    return status;
}
