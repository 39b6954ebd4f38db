/* The program was built without libwebsockets or SQLite. */
#include "serve/serve.h"

affect_status serve_run(affect_context *ctx, const serve_options *options) {
    (void)options;
    return base_fail(ctx, AFFECT_ERROR_RUNTIME,
                     "this program was built without libwebsockets and SQLite, which serve needs");
}
