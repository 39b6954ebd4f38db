/* Phrases of voiced speech, the legs of their pitch contour, and their prominent syllables. */
#include "voice/events.h"

#include <math.h>
#include <string.h>

enum { PHRASE_MAX = 500 }; /* frames of 10 ms */
static const affect_time GAP = 100 * AFFECT_MILLISECOND;
static const affect_time SHORTEST_PHRASE = 80 * AFFECT_MILLISECOND;

/* A leg of the contour is an event from 3 semitones on: smaller movements are the micro-prosody of
 * consonants or go unnoticed ('t Hart 1981: differences below 3 semitones do not matter to
 * listeners). */
static const double LEG_SEMITONES = 3.0, FULL_SEMITONES = 12.0;
static const affect_time LEG_SHORTEST = 50 * AFFECT_MILLISECOND;
/* Faster than 120 semitones a second is an octave error of the tracker, not a voice: the fastest
 * pitch change speakers can make is about 50 to 70 (Xu & Sun 2002). */
static const double FASTEST = 120.0;
/* A syllable stands out when it is this many standard deviations above the speaker's mean. */
static const double EMPHASIS = 1.2;
static const double NUCLEUS_DIP_DB = 2.0;     /* de Jong & Wempe 2009 */
static const double STATISTICS_FRAMES = 1000; /* of voiced speech (10 s): how far back they reach */

typedef struct phrase_frame {
    affect_time time;
    double pitch; /* semitones above 27.5 Hz, NaN where unvoiced */
    double level; /* dB */
} phrase_frame;

struct voice_events {
    affect_context *ctx;
    affect_timeline *timeline;
    phrase_frame frames[PHRASE_MAX];
    double contour[PHRASE_MAX], smooth_level[PHRASE_MAX];
    size_t count, last_voiced; /* last_voiced: index + 1, 0 = none */
    double weight, pitch_mean, pitch_square, level_mean, level_square; /* running statistics */
    size_t nuclei;
};

affect_status voice_events_create(affect_context *ctx, affect_timeline *timeline,
                                  voice_events **out) {
    *out = base_calloc(1, sizeof **out);
    if (!*out) return base_fail_memory(ctx);
    (*out)->ctx = ctx;
    (*out)->timeline = timeline;
    return AFFECT_OK;
}

void voice_events_destroy(voice_events *v) { base_free(v); }
size_t voice_events_nuclei(const voice_events *v) { return v->nuclei; }

static bool statistics_of(const voice_events *v, voice_running_statistics *out) {
    if (v->weight < 100) return false;
    out->pitch = v->pitch_mean;
    out->level = v->level_mean;
    out->pitch_sd = sqrt(fmax(v->pitch_square - v->pitch_mean * v->pitch_mean, 0.25));
    out->level_sd = sqrt(fmax(v->level_square - v->level_mean * v->level_mean, 1.0));
    return true;
}

static void learn_statistics(voice_events *v, double pitch, double level) {
    v->weight = fmin(v->weight + 1, STATISTICS_FRAMES);
    double rate = 1 / v->weight;
    v->pitch_mean += rate * (pitch - v->pitch_mean);
    v->pitch_square += rate * (pitch * pitch - v->pitch_square);
    v->level_mean += rate * (level - v->level_mean);
    v->level_square += rate * (level * level - v->level_square);
}

static double median(double *values, size_t n) {
    for (size_t i = 1; i < n; i++) {
        double value = values[i];
        size_t j = i;
        for (; j && values[j - 1] > value; j--) values[j] = values[j - 1];
        values[j] = value;
    }
    return values[n / 2];
}

/* Median of five voiced neighbours (removes octave flips), linear bridges over unvoiced frames,
 * then a mean of five. */
static void smooth_contour(voice_events *v, size_t n) {
    double bridged[PHRASE_MAX];
    for (size_t i = 0; i < n; i++) {
        double near[5];
        size_t m = 0;
        for (size_t j = i >= 2 ? i - 2 : 0; j < n && j <= i + 2; j++)
            if (!isnan(v->frames[j].pitch)) near[m++] = v->frames[j].pitch;
        bridged[i] = isnan(v->frames[i].pitch) ? NAN : median(near, m);
    }
    size_t last = 0; /* frame 0 is voiced: a phrase starts with its first voiced frame */
    for (size_t i = 1; i < n; i++) {
        if (isnan(bridged[i])) continue;
        for (size_t j = last + 1; j < i; j++)
            bridged[j] = bridged[last] +
                         (bridged[i] - bridged[last]) * (double)(j - last) / (double)(i - last);
        last = i;
    }
    for (size_t i = 0; i < n; i++) {
        double sum = 0, level = 0;
        size_t m = 0;
        for (size_t j = i >= 2 ? i - 2 : 0; j < n && j <= i + 2; j++, m++) {
            sum += bridged[j];
            level += v->frames[j].level;
        }
        v->contour[i] = sum / (double)m;
        v->smooth_level[i] = level / (double)m;
    }
}

/* One leg of the contour from frame a (an extreme) to frame b (the next one). */
static affect_status write_leg(voice_events *v, size_t a, size_t b, size_t n) {
    double change = v->contour[b] - v->contour[a];
    /* A zigzag's extreme may lie anywhere on a plateau: the leg itself is its middle 90 %. */
    while (a < b && fabs(v->contour[a + 1] - v->contour[b]) > 0.95 * fabs(change)) a++;
    while (a < b && fabs(v->contour[b - 1] - v->contour[a]) > 0.95 * fabs(change)) b--;
    affect_time length = v->frames[b].time - v->frames[a].time;
    if (fabs(change) < LEG_SEMITONES || length < LEG_SHORTEST ||
        fabs(change) / time_to_seconds(length) > FASTEST)
        return AFFECT_OK;
    /* It lasts until the pitch has gone half the way back, or the phrase is over. */
    size_t end = b;
    while (end + 1 < n && fabs(v->contour[end] - v->contour[b]) < fabs(change) / 2) end++;
    size_t voiced = 0;
    for (size_t i = a; i <= b; i++) voiced += !isnan(v->frames[i].pitch);
    affect_event event = {
        .onset = v->frames[a].time,
        .apex = v->frames[b].time,
        .offset = v->frames[end].time,
        .kind = change > 0 ? "pitch_rise" : "pitch_fall",
        .modality = AFFECT_MODALITY_VOICE,
        .strength = (float)fmin(fabs(change) / FULL_SEMITONES, 1),
        .confidence = (float)((double)voiced / (double)(b - a + 1)),
    };
    return timeline_add_event(v->ctx, v->timeline, &event);
}

/* Zigzag: an extreme counts once the contour has moved LEG_SEMITONES / 2 away from it. */
static affect_status write_legs(voice_events *v, size_t n) {
    const double turn = LEG_SEMITONES / 2;
    size_t start = 0, low = 0, high = 0;
    int direction = 0;
    affect_status status = AFFECT_OK;
    for (size_t i = 1; i < n && status == AFFECT_OK; i++) {
        if (v->contour[i] < v->contour[low]) low = i;
        if (v->contour[i] > v->contour[high]) high = i;
        if (direction >= 0 && v->contour[high] - v->contour[i] >= turn) {
            if (direction > 0) status = write_leg(v, start, high, n);
            start = high;
            low = i;
            high = i;
            direction = -1;
        } else if (direction <= 0 && v->contour[i] - v->contour[low] >= turn) {
            if (direction < 0) status = write_leg(v, start, low, n);
            start = low;
            high = i;
            low = i;
            direction = 1;
        }
    }
    if (status == AFFECT_OK && direction != 0)
        status = write_leg(v, start, direction > 0 ? high : low, n);
    return status;
}

/* Syllable nuclei are peaks of the level with a dip on both sides; those far above the speaker's
 * mean are emphasised. */
static affect_status write_emphasis(voice_events *v, size_t n) {
    voice_running_statistics statistics;
    bool known = statistics_of(v, &statistics);
    affect_status status = AFFECT_OK;
    size_t dip = 0, peak = 0;
    for (size_t i = 1; i <= n && status == AFFECT_OK; i++) {
        bool falls = i == n || v->smooth_level[peak] - v->smooth_level[i] >= NUCLEUS_DIP_DB;
        if (i < n && v->smooth_level[i] > v->smooth_level[peak]) peak = i;
        if (!falls) continue;
        size_t end = i == n ? n - 1 : i;
        while (end + 1 < n && v->smooth_level[end + 1] < v->smooth_level[end]) end++;
        bool rises = dip == 0 || v->smooth_level[peak] - v->smooth_level[dip] >= NUCLEUS_DIP_DB;
        if (rises && !isnan(v->frames[peak].pitch)) {
            v->nuclei++;
            double z =
                known ? 0.5 * (v->smooth_level[peak] - statistics.level) / statistics.level_sd +
                            0.5 * (v->contour[peak] - statistics.pitch) / statistics.pitch_sd
                      : 0;
            if (z >= EMPHASIS) {
                affect_event event = {
                    .onset = v->frames[dip].time,
                    .apex = v->frames[peak].time,
                    .offset = v->frames[end].time,
                    .kind = "emphasis",
                    .modality = AFFECT_MODALITY_VOICE,
                    .strength = (float)fmin(z / (2 * EMPHASIS), 1),
                    .confidence = (float)fmin(v->weight / STATISTICS_FRAMES * 2, 1),
                };
                status = timeline_add_event(v->ctx, v->timeline, &event);
            }
        }
        if (i == n) break;
        dip = peak = i = end;
    }
    return status;
}

static affect_status end_phrase(voice_events *v) {
    size_t n = v->last_voiced;
    v->count = v->last_voiced = 0;
    if (n < 2 || v->frames[n - 1].time - v->frames[0].time < SHORTEST_PHRASE) return AFFECT_OK;
    smooth_contour(v, n);
    affect_status status = write_legs(v, n);
    if (status == AFFECT_OK) status = write_emphasis(v, n);
    /* Habits are learnt afterwards: a phrase is compared with what went before it. */
    for (size_t i = 0; i < n; i++)
        if (!isnan(v->frames[i].pitch)) learn_statistics(v, v->contour[i], v->frames[i].level);
    return status;
}

affect_status voice_events_frame(voice_events *v, affect_time time, float f0_hz, float level_db) {
    bool voiced = f0_hz > 0 && isfinite(f0_hz);
    if (!v->count && !voiced) return AFFECT_OK;
    affect_status status = AFFECT_OK;
    if (v->count && (time - v->frames[v->last_voiced - 1].time > GAP || v->count == PHRASE_MAX))
        status = end_phrase(v);
    if (status != AFFECT_OK || (!v->count && !voiced)) return status;
    v->frames[v->count++] = (phrase_frame){
        .time = time,
        .pitch = voiced ? 12 * log2((double)f0_hz / 27.5) : NAN,
        .level = isfinite(level_db) ? (double)level_db : -100,
    };
    if (voiced) v->last_voiced = v->count;
    return AFFECT_OK;
}

affect_status voice_events_finish(voice_events *v) { return v->count ? end_phrase(v) : AFFECT_OK; }

affect_status voice_events_pauses(affect_context *ctx, affect_timeline *timeline,
                                  const affect_tier *speech, size_t from) {
    affect_status status = AFFECT_OK;
    const affect_track *activity =
        timeline_role(timeline, TRACK_ROLE_ACTIVITY, AFFECT_MODALITY_VOICE, AFFECT_PERSON_NONE);
    for (size_t i = BASE_MAX(from, 1); i < speech->count && status == AFFECT_OK; i++) {
        affect_time t0 = speech->items[i - 1].t1, t1 = speech->items[i].t0;
        if (t1 - t0 < 250 * AFFECT_MILLISECOND || t1 - t0 > 3 * AFFECT_SECOND) continue;
        affect_event event = {
            .onset = t0,
            .apex = t0 + (t1 - t0) / 2,
            .offset = t1,
            .kind = "pause",
            .modality = AFFECT_MODALITY_VOICE,
            .strength = (float)fmin(time_to_seconds(t1 - t0) / 2, 1),
            .confidence = BASE_MIN(speech->items[i - 1].score, speech->items[i].score),
            .model = activity ? activity->model : "",
        };
        status = timeline_add_event(ctx, timeline, &event);
    }
    return status;
}
