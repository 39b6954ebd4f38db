/* What is known of the persons so far, from the newest row of each modality: the exact posterior of
 * the latent process (latent/latent.h) given these rows alone. It costs a system of at most three
 * equations, needs no future and changes with the next row, so it never enters a result. */
#include <math.h>

#include "fuse/fuse.h"

/* An older row says next to nothing: at 10 s the correlation of the process is 0.002. */
#define OLDEST (10 * AFFECT_SECOND)
enum { STREAMS = FUSE_STREAMS, DIMENSIONS = FUSE_DIMENSIONS, LOOK_BACK_ROWS = 100 };

/* The newest row at or before `now` that says something; SIZE_MAX if none is young enough. */
static size_t newest(const affect_track *track, affect_time now) {
    size_t row = track_row_at(track, now + 1);
    for (int i = 0; row-- > 0 && i < LOOK_BACK_ROWS; i++) {
        if (now - track->times[row] > OLDEST) break;
        const float *v = track->values + row * track->channel_count;
        bool says = false;
        for (size_t d = 0; d < DIMENSIONS && d < track->channel_count; d++)
            says = says || isfinite(v[d]);
        if (says && track->confidence[row] > 0) return row;
    }
    return SIZE_MAX;
}

/* Matern-3/2 covariance at a distance in seconds. */
static double covariance(const latent_model *m, double distance_s) {
    double x = sqrt(3.0) * fabs(distance_s) / m->length_s;
    return m->sd * m->sd * (1 + x) * exp(-x);
}

/* a x = b for n <= STREAMS by elimination; a is positive definite. */
static void solve(double a[STREAMS][STREAMS], double b[STREAMS], size_t n) {
    for (size_t k = 0; k < n; k++)
        for (size_t i = k + 1; i < n; i++) {
            double f = a[i][k] / a[k][k];
            for (size_t j = k; j < n; j++) a[i][j] -= f * a[k][j];
            b[i] -= f * b[k];
        }
    for (size_t k = n; k-- > 0;) {
        for (size_t j = k + 1; j < n; j++) b[k] -= a[k][j] * b[j];
        b[k] /= a[k][k];
    }
}

/* Mean and standard deviation of channel d at `now`; rows[m] is SIZE_MAX where a stream is silent.
 */
static void estimate(const latent_model *m, size_t d, const affect_track *const tracks[STREAMS],
                     const size_t rows[STREAMS], affect_time now, double *mean, double *sd) {
    double a[STREAMS][STREAMS], b[STREAMS], k[STREAMS], at[STREAMS], y[STREAMS], noise[STREAMS];
    size_t n = 0;
    for (size_t s = 0; s < STREAMS; s++) {
        if (rows[s] == SIZE_MAX || d >= tracks[s]->channel_count) continue;
        const latent_stream *stream = &m->streams[s];
        double value = (double)tracks[s]->values[rows[s] * tracks[s]->channel_count + d];
        double confidence = (double)tracks[s]->confidence[rows[s]];
        if (!isfinite(value)) continue;
        at[n] = time_to_seconds(now - tracks[s]->times[rows[s]]) + stream->delay_s;
        y[n] = (value - stream->offset) / stream->gain - m->mean;
        noise[n++] = (stream->noise_sd * stream->noise_sd / confidence +
                      stream->drift_sd * stream->drift_sd) /
                     (stream->gain * stream->gain);
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++)
            a[i][j] = covariance(m, at[i] - at[j]) + (i == j ? noise[i] : 0);
        b[i] = k[i] = covariance(m, at[i]);
    }
    solve(a, b, n); /* the weights of the rows */
    double left = m->sd * m->sd;
    *mean = m->mean;
    for (size_t i = 0; i < n; i++) {
        *mean += b[i] * y[i];
        left -= b[i] * k[i];
    }
    *sd = sqrt(fmax(left, 0));
}

static affect_status add_person(affect_context *ctx, const fuse_parameters *p,
                                const timeline_view *view, int number, int speaker, affect_time now,
                                affect_timeline *out) {
    const affect_track *tracks[STREAMS];
    size_t rows[STREAMS];
    bool any = false;
    for (int s = 0; s < STREAMS; s++) {
        affect_modality modality = (affect_modality)(s + 1);
        bool own = modality == AFFECT_MODALITY_FACE;
        tracks[s] = own || number == speaker ? view_track(view, TRACK_ROLE_AFFECT, modality,
                                                          own ? number : AFFECT_PERSON_NONE)
                                             : NULL;
        rows[s] = tracks[s] ? newest(tracks[s], now) : SIZE_MAX;
        any = any || rows[s] != SIZE_MAX;
    }
    if (!any) return AFFECT_OK;
    float row[2 * DIMENSIONS];
    double learnt = 0;
    for (size_t d = 0; d < DIMENSIONS; d++) {
        double mean, sd, share;
        estimate(&p->dimensions[d], d, tracks, rows, now, &mean, &sd);
        row[d] = (float)fmax(-1, fmin(1, mean));
        row[DIMENSIONS + d] = (float)sd;
        share = sd / p->dimensions[d].sd;
        if (d < 2) learnt += 0.5 * (1 - fmin(share * share, 1));
    }
    affect_track *track;
    affect_status status = timeline_add_role(ctx, out, TRACK_ROLE_TRAJECTORY, AFFECT_MODALITY_FUSED,
                                             number, "", NULL, 0, &track);
    return status == AFFECT_OK ? track_append(ctx, track, now, (float)learnt, row) : status;
}

affect_status fuse_estimate_now(affect_context *ctx, const fuse_parameters *p,
                                const timeline_view *view, affect_time now, affect_timeline *out) {
    int speaker = fuse_speaker(view, now, AFFECT_PERSON_NONE);
    affect_status status = AFFECT_OK;
    bool spoken = false;
    for (size_t i = 0; i < view->count; i++)
        for (size_t k = 0; k < view->items[i]->track_count && status == AFFECT_OK; k++) {
            const affect_track *track = view->items[i]->tracks[k];
            if (!track->kind || track->kind->role != TRACK_ROLE_AFFECT ||
                track->kind->modality != AFFECT_MODALITY_FACE)
                continue;
            status = add_person(ctx, p, view, track->person, speaker, now, out);
            spoken = spoken || track->person == speaker;
        }
    if (status == AFFECT_OK && !spoken)
        status = add_person(ctx, p, view, speaker, speaker, now, out);
    return status;
}
