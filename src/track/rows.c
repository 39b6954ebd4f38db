/* Rows of tracks: appended, moved from one person to another, and kept. What is older than the last
 * thousand rows lies in a file without a name, so that a session of hours takes no more memory than one of
 * minutes; readers find it in the same arrays. */
#include <math.h>
#include <string.h>

#include "track/track.h"

/* Rows go to the file this many at a time, and as many stay: what is read again and again, within the
 * look-ahead of fusion, is young. 100 rows of prosody a second are 10 s, 60 KB. */
enum { BLOCK = 1024 };

static void point(affect_track *track) {
    track->times = track->stored.times.data;
    track->confidence = track->stored.confidence.data;
    track->values = track->stored.values.data;
}

static bool make_room(affect_track *track, size_t rows) {
    size_t n = track->rows, t = sizeof *track->times, f = sizeof(float), d = track->channel_count;
    const base_spill *file = track->stored.file;
    bool good = base_spilled_grow(&track->stored.times, file, n * t, rows * t) &&
                base_spilled_grow(&track->stored.confidence, file, n * f, rows * f) &&
                base_spilled_grow(&track->stored.values, file, n * d * f,
                                  BASE_MAX(rows * d, (size_t)1) * f);
    point(track);
    return good;
}

static void put_away(affect_track *track) {
    size_t old = track->rows - BLOCK;
    base_spill *file = track->stored.file;
    base_spilled_write(&track->stored.times, file, old * sizeof *track->times);
    base_spilled_write(&track->stored.confidence, file, old * sizeof(float));
    base_spilled_write(&track->stored.values, file, old * track->channel_count * sizeof(float));
}

/* Before rows are changed that were appended once. */
static bool own(affect_track *track) {
    size_t n = track->rows;
    bool good = base_spilled_own(&track->stored.times, n * sizeof *track->times) &&
                base_spilled_own(&track->stored.confidence, n * sizeof(float)) &&
                base_spilled_own(&track->stored.values, n * track->channel_count * sizeof(float));
    point(track);
    return good;
}

/* One row; the track has room. */
static void set_row(affect_track *track, size_t row, affect_time time, float confidence,
                    const float *values) {
    size_t d = track->channel_count;
    ((affect_time *)track->stored.times.data)[row] = time;
    ((float *)track->stored.confidence.data)[row] = confidence;
    if (d) /* of a track without channels there is nothing to copy from */
        memcpy((float *)track->stored.values.data + row * d, values, d * sizeof *values);
}

affect_status track_append(affect_context *ctx, affect_track *track, affect_time time,
                           float confidence, const float *values) {
    size_t d = track->channel_count, n = track->rows;
    if (n && time < track->times[n - 1])
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "track %s: time runs backwards at row %zu",
                         track->id, n);
    if (!make_room(track, n + 1)) return base_fail_memory(ctx);
    set_row(track, n, time, confidence >= 0 ? (confidence > 1 ? 1 : confidence) : 0, values);
    float *row = (float *)track->stored.values.data + n * d;
    for (size_t i = 0; i < d; i++)
        if (isinf(row[i])) row[i] = NAN;
    track->rows++;
    if (track->rows % BLOCK == 0 && track->rows > BLOCK) put_away(track);
    return AFFECT_OK;
}

void track_leave_rows(const affect_track *track) {
    base_spilled_leave(&track->stored.times);
    base_spilled_leave(&track->stored.confidence);
    base_spilled_leave(&track->stored.values);
}

void timeline_leave_rows(const affect_timeline *timeline) {
    for (size_t i = 0; i < timeline->track_count; i++) track_leave_rows(timeline->tracks[i]);
}

/* ---- rows from one person to another ---- */

static void copy_row(affect_track *to, size_t row, const affect_track *from, size_t from_row) {
    set_row(to, row, from->times[from_row], from->confidence[from_row],
            from->values + from_row * from->channel_count);
}

/* Takes rows [first, end) out. */
static void cut(base_spilled *array, size_t size, size_t rows, size_t first, size_t end) {
    char *bytes = array->data;
    memmove(bytes + first * size, bytes + end * size, (rows - end) * size);
}

affect_status track_move_rows(affect_context *ctx, affect_track *from, size_t first, size_t end,
                              affect_track *to) {
    size_t d = to->channel_count, n = to->rows, moved = end - first;
    bool same = d == from->channel_count;
    for (size_t c = 0; same && c < d; c++) same = strcmp(from->channels[c], to->channels[c]) == 0;
    if (!same)
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "tracks %s and %s have other channels",
                         from->id, to->id);
    if (!moved) return AFFECT_OK;
    if (!own(from) || !own(to) || !make_room(to, n + moved)) return base_fail_memory(ctx);
    for (size_t k = n + moved, i = n, j = end; j > first; k--) { /* from behind */
        if (i && to->times[i - 1] > from->times[j - 1])
            copy_row(to, k - 1, to, i - 1), i--;
        else
            copy_row(to, k - 1, from, j - 1), j--;
    }
    to->rows += moved;
    cut(&from->stored.times, sizeof *from->times, from->rows, first, end);
    cut(&from->stored.confidence, sizeof(float), from->rows, first, end);
    cut(&from->stored.values, d * sizeof(float), from->rows, first, end);
    from->rows -= moved;
    return AFFECT_OK;
}
