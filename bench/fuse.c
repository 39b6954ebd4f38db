/* Fusion alone, again, on what perception found: what another model makes of the same recording, and what that costs.
 *
 * usage: bench-fuse TIMELINE.json [MODEL]     (MODEL: a trained fusion; without it fuse.default)
 * Prints person 1's trajectory as CSV: time, valence, arousal; on standard error the milliseconds of processor time a
 * recorded second. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "affect/session.h"
#include "fuse/fuse.h"

static affect_status run(affect_context *ctx, const char *path, const char *model) {
    affect_timeline *in = NULL, *out = NULL;
    fuse_stage *stage = NULL;
    fuse_options options = fuse_options_default();
    options.network = model;
    affect_status status = affect_timeline_read(ctx, path, &in);
    if (!status) status = timeline_create(ctx, &out);
    if (!status) status = fuse_create(ctx, &options, out, &stage);
    clock_t before = clock();
    const affect_timeline *all[] = {in};
    affect_time end = status ? 0 : affect_timeline_duration(in);
    for (affect_time at = AFFECT_SECOND; !status && at < end; at += AFFECT_SECOND)
        status = fuse_advance(stage, &(timeline_view){all, 1}, at);
    if (!status) status = fuse_finish(stage, &(timeline_view){all, 1}, end);
    double spent = (double)(clock() - before) / CLOCKS_PER_SEC;
    const affect_track *track = status ? NULL : affect_timeline_find_track(out, "trajectory/1");
    printf("time,valence,arousal\n");
    for (size_t r = 0; track && r < track->rows; r++) {
        const float *v = track->values + r * track->channel_count;
        printf("%.3f,%.5f,%.5f\n", time_to_seconds(track->times[r]), (double)v[0], (double)v[1]);
    }
    if (!status) fprintf(stderr, "%.3f ms a second\n", 1000 * spent / time_to_seconds(end));
    fuse_destroy(stage);
    affect_timeline_destroy(in);
    affect_timeline_destroy(out);
    return status;
}

int main(int count, char **a) {
    affect_context *ctx = NULL;
    if (count < 2 || count > 3) {
        fprintf(stderr, "usage: bench-fuse TIMELINE.json [MODEL]\n");
        return AFFECT_ERROR_USAGE;
    }
    if (affect_context_create(&ctx)) return AFFECT_ERROR_MEMORY;
    affect_status status = run(ctx, a[1], count > 2 ? a[2] : NULL);
    if (status) fprintf(stderr, "bench-fuse: %s\n", affect_context_message(ctx));
    affect_context_destroy(ctx);
    return (int)status;
}
