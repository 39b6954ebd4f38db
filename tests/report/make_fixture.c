/* make_fixture talk|hard|empty|long FILE [HOURS]: writes a fixture as timeline.json, for readers
 * that are programs of their own. */
#include <stdlib.h>
#include <string.h>

#include "report/report.h"
#include "tests/report/fixture.h"

int main(int argc, char **argv) {
    static const char *const kinds[] = {"talk", "hard", "empty", "long"};
    if (argc < 3) return AFFECT_ERROR_USAGE;
    for (int k = 0; k < 4; k++) {
        if (strcmp(argv[1], kinds[k]) != 0) continue;
        affect_context *ctx;
        affect_timeline *timeline = NULL;
        affect_status status = affect_context_create(&ctx);
        if (status != AFFECT_OK) return status;
        status =
            fixture_build(ctx, (fixture_kind)k, argc > 3 ? strtod(argv[3], NULL) : 1, &timeline);
        base_output out;
        if (status == AFFECT_OK) status = base_output_open(ctx, argv[2], &out);
        if (status == AFFECT_OK) {
            status = report_print(ctx, timeline, REPORT_JSON, NULL, NULL, out.file);
            if (status == AFFECT_OK) status = base_output_commit(ctx, &out);
        }
        if (status != AFFECT_OK) fprintf(stderr, "%s\n", affect_context_message(ctx));
        affect_timeline_destroy(timeline);
        affect_context_destroy(ctx);
        return status;
    }
    return AFFECT_ERROR_USAGE;
}
