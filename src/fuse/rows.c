/* Rows of a person, from tracks to what the network takes. */
#include <math.h>
#include <string.h>

#include "align/speaking.h"
#include "fuse/network.h"

size_t fuse_input_width(size_t input) { return input % 2 ? FUSE_INPUT_MOST : FUSE_DIMENSIONS + 1; }

int fuse_input_of(const affect_track *track) {
    if (!track->kind) return -1;
    affect_modality m = track->kind->modality;
    if (m < AFFECT_MODALITY_FACE || m > AFFECT_MODALITY_WORDS) return -1;
    int first = 2 * ((int)m - AFFECT_MODALITY_FACE);
    if (track->kind->role == TRACK_ROLE_AFFECT) return first;
    return track->kind->role == TRACK_ROLE_CATEGORIES ? first + 1 : -1;
}

/* Labels join the categories as labels that may hold together do; shares sum to 1. False: none of them is one. */
static bool put_shares(const affect_track *track, const float *from, float *out) {
    double not [FUSE_CATEGORIES], sum = 0;
    for (int c = 0; c < FUSE_CATEGORIES; c++) not [c] = 1;
    for (size_t k = 0; k < track->channel_count; k++) {
        int c = category_of_label(track->channels[k]);
        if (!isfinite(from[k])) return false;
        if (c >= 0) not [c] *= 1 - fmax(0, fmin(1, (double)from[k]));
    }
    for (int c = 0; c < FUSE_CATEGORIES; c++) sum += 1 - not [c];
    for (int c = 0; c < FUSE_CATEGORIES && sum > 0; c++) out[c] = (float)((1 - not [c]) / sum);
    return sum > 0;
}

affect_status fuse_rows_take(affect_context *ctx, fuse_rows *rows, const affect_track *track,
                             size_t row, affect_time time, double share) {
    int input = fuse_input_of(track);
    double confidence = track->confidence[row] * share;
    if (input < 0 || !(confidence > 0)) return AFFECT_OK;
    struct fuse_input *in = &rows->inputs[input];
    size_t width = fuse_input_width((size_t)input), at = in->count;
    const float *from = track->values + row * track->channel_count;
    float value[FUSE_INPUT_MOST];
    bool says = false;
    if (input % 2) {
        says = put_shares(track, from, value);
    } else {
        for (size_t d = 0; d < FUSE_DIMENSIONS; d++) {
            value[d] = d < track->channel_count ? from[d] : (float)NAN;
            says = says || isfinite(value[d]);
        }
    }
    if (!says) return AFFECT_OK;
    value[width - 1] = (float)confidence;
    if (!base_grow((void **)&in->times, &in->times_capacity, at + 1, sizeof *in->times) ||
        !base_grow((void **)&in->values, &in->values_capacity, (at + 1) * width,
                   sizeof *in->values))
        return base_fail_memory(ctx);
    while (at > 0 && in->times[at - 1] > time) at--; /* an offset that changes turns few round */
    memmove(in->times + at + 1, in->times + at, (in->count - at) * sizeof *in->times);
    memmove(in->values + (at + 1) * width, in->values + at * width,
            (in->count - at) * width * sizeof *in->values);
    in->times[at] = time;
    memcpy(in->values + at * width, value, width * sizeof *value);
    in->count++;
    return AFFECT_OK;
}

affect_status fuse_rows_collect(affect_context *ctx, fuse_rows *rows, const timeline_view *view,
                                int person) {
    affect_status status = AFFECT_OK;
    for (size_t i = 0; i < view->count; i++)
        for (size_t k = 0; k < view->items[i]->track_count; k++) {
            const affect_track *track = view->items[i]->tracks[k];
            bool heard = track->modality != AFFECT_MODALITY_FACE;
            if (fuse_input_of(track) < 0 || (!heard && track->person != person)) continue;
            for (size_t r = 0; r < track->rows && status == AFFECT_OK; r++) {
                affect_time time = track->times[r],
                            offset = heard ? align_offset_at(view, time) : 0;
                double share = 1;
                if (heard && fuse_speaks(view, track, time, person, &share) != person) continue;
                status = fuse_rows_take(ctx, rows, track, r, time - offset, share);
            }
        }
    return status;
}

/* Of a stream, the first row at or after `time`. */
static size_t row_at(const fuse_rows *rows, size_t input, affect_time time) {
    const struct fuse_input *in = &rows->inputs[input];
    size_t low = 0, high = in->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (in->times[middle] < time)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void fuse_rows_forget(fuse_rows *rows, affect_time before) {
    for (size_t m = 0; m < FUSE_INPUTS; m++) {
        struct fuse_input *in = &rows->inputs[m];
        size_t gone = row_at(rows, m, before), width = fuse_input_width(m);
        if (!gone) continue;
        in->count -= gone;
        memmove(in->times, in->times + gone, in->count * sizeof *in->times);
        memmove(in->values, in->values + gone * width, in->count * width * sizeof *in->values);
    }
}

void fuse_rows_destroy(fuse_rows *rows) {
    for (size_t m = 0; m < FUSE_INPUTS; m++) {
        base_free(rows->inputs[m].times);
        base_free(rows->inputs[m].values);
    }
    *rows = (fuse_rows){.inputs = {{.count = 0}}};
}

void fuse_piece_rows(const fuse_rows *rows, int64_t step, size_t first[FUSE_INPUTS],
                     size_t count[FUSE_INPUTS]) {
    affect_time start = fuse_piece_start(step);
    for (size_t m = 0; m < FUSE_INPUTS; m++) {
        first[m] = row_at(rows, m, start);
        count[m] = row_at(rows, m, start + FUSE_PIECE_S * AFFECT_SECOND) - first[m];
    }
}
