/* Where a shot ends: hard cuts and dissolves, told from flashes. A thumbnail of each picture is compared with those
 * before it. Hard cuts: a change that stands out from what is usual, and that stays; a flash returns to the picture
 * before it. Dissolves: over some tenths of a second every cell goes from one picture to another in step (a mixture
 * of the two: the production model of Hampapur, Jain & Weymouth 1995), which moving things do not. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "face/face_private.h"

enum {
    THUMB_W = 16,
    THUMB_H = 12,
    CELLS = THUMB_W * THUMB_H,
    USUAL = 12,
    KEPT = 40, /* thumbnails, for dissolves */
    FLASH = 3, /* pictures */
    LEAST =
        6, /* steps of a dissolve that are looked at, so it is not seen below some ten pictures a second */
    LENGTHS = 5
};

static const double cut_level = 28.0; /* mean change of a thumbnail, of 255, that is a cut */
/* Where identity can tell who goes on, a doubtful cut costs little: so many cells changed so much. */
static const long cell_level = 16;
static const double cut_cells = 0.3;
/* A shot ends where the picture changes by so much, and by so many times what is usual in the half second
 * before (of takes of the same people in the same room the cut is 5 to 10 of 255, their movement below 3). */
static const double shot_level = 3.5, shot_ratio = 5.0;
/* A head that is lifted or turned changes as much as such a cut does, but not at once: a change below the first of
 * these that comes after more than the second of it, or goes on with more than the third, is movement. Chosen on clips of
 * Java-SED 01, 02 and 03, GRID, SadTalker and pyfeat, at one to four times their speed (docs/face.md). */
static const double certain_level = 15.0, comes_after = 0.3, goes_on_after = 0.5;
/* A picture that is nearer to the one before the change than this share of it, or than what would be one, has
 * returned; those that go on changing by more than half as much in each step are within something gradual. */
static const double returned = 0.1, goes_on = 0.5;
static const affect_time flash_longest = 250 * AFFECT_MILLISECOND;
/* A dissolve: the windows that are tried; the mean change across one; no step more than this share of the change; all
 * cells off the line between the two pictures by less than this share; steps back on that line. On scenes of the
 * people of `fit` (tests/face/cuts.py) every dissolve keeps the shares below .09 in some window, and movement above .25. */
static const affect_time lengths[LENGTHS] = {400 * AFFECT_MILLISECOND, 600 * AFFECT_MILLISECOND,
                                             800 * AFFECT_MILLISECOND, 1000 * AFFECT_MILLISECOND,
                                             1200 * AFFECT_MILLISECOND};
static const double dissolve_level = 8.0, step_most = 0.4, off_most = 0.15, back_most = 0.05;
static const affect_time kept_apart = 35 * AFFECT_MILLISECOND;
/* It is over once the picture of so long ago is nearer than this share of the change; said so late at most. */
static const affect_time dissolve_wait = 200 * AFFECT_MILLISECOND;
static const double still = 0.15;
static const affect_time dissolve_latest = 1200 * AFFECT_MILLISECOND;

typedef struct thumb {
    affect_time time;
    uint8_t cells[CELLS];
} thumb;

struct face_shots {
    bool started;
    int width, height;
    thumb last, before; /* `before`: of a cut that is in doubt */
    double changes[USUAL];
    size_t change_count;
    struct {
        affect_time time; /* AFFECT_TIME_NONE: none */
        double change;
        int pictures;
        bool steady; /* each step since was as large */
    } doubt;
    thumb kept[KEPT]; /* a ring */
    size_t kept_count;
    struct {
        affect_time middle, found; /* middle AFFECT_TIME_NONE: none */
        double change;
    } dissolve;
    affect_time
        clear; /* the next dissolve is looked for from here on; AFFECT_TIME_NONE: from anywhere */
    struct {
        affect_time end;
        const char *how;
    } over[2]; /* what is known and was not asked for yet */
    size_t over_count;
};

face_shots *face_shots_create(void) {
    face_shots *s = base_calloc(1, sizeof *s);
    if (s) s->clear = s->doubt.time = s->dissolve.middle = AFFECT_TIME_NONE;
    return s;
}

void face_shots_destroy(face_shots *s) { base_free(s); }

static void measure(const media_frame *frame, thumb *out) {
    out->time = frame->time;
    for (int v = 0; v < THUMB_H; v++)
        for (int u = 0; u < THUMB_W; u++) {
            /* A 3 x 3 patch of scattered pixels stands for the cell. */
            int sum = 0;
            for (int k = 0; k < 9; k++) {
                int64_t x = (int64_t)frame->width * (6 * u + 1 + 2 * (k % 3)) / (6 * THUMB_W);
                int64_t y = (int64_t)frame->height * (6 * v + 1 + 2 * (k / 3)) / (6 * THUMB_H);
                sum += frame->rgb[(size_t)y * frame->stride + 3 * (size_t)x + 1];
            }
            out->cells[v * THUMB_W + u] = (uint8_t)(sum / 9);
        }
}

static double change_of(const thumb *a, const thumb *b) {
    long sum = 0;
    for (int i = 0; i < CELLS; i++) sum += labs((long)a->cells[i] - (long)b->cells[i]);
    return (double)sum / CELLS;
}

static void end_shot(face_shots *s, affect_time at, affect_time clear, const char *how) {
    s->clear = clear;
    if (s->over_count == BASE_COUNT(s->over)) return; /* nobody asks */
    s->over[s->over_count].end = at;
    s->over[s->over_count++].how = how;
}

/* ---- hard cuts ---- */

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Does the change stand out from those before it? */
static bool stands_out(face_shots *s, double change) {
    double sorted[USUAL];
    size_t n = BASE_MIN(s->change_count, (size_t)USUAL);
    memcpy(sorted, s->changes, sizeof sorted);
    qsort(sorted, n, sizeof *sorted, by_size);
    double before = n ? s->changes[(s->change_count - 1) % USUAL] : 0;
    s->changes[s->change_count++ % USUAL] = change;
    if (change < certain_level && before > comes_after * change) return false;
    return n >= USUAL / 2 && change >= shot_level && change >= shot_ratio * sorted[n / 2];
}

/* ---- dissolves ---- */

static const thumb *kept(const face_shots *s, size_t i) { return &s->kept[i % KEPT]; }

/* Is what lies between two kept pictures a mixture of them, more and more of the second? *middle: when half. */
static bool is_mixture(const face_shots *s, size_t first, size_t last, double change,
                       affect_time *middle) {
    const thumb *a = kept(s, first), *b = kept(s, last);
    double square = 0, before = 0, back = 0;
    for (int i = 0; i < CELLS; i++) {
        double d = (double)b->cells[i] - (double)a->cells[i];
        square += d * d;
    }
    *middle = AFFECT_TIME_NONE;
    for (size_t k = first + 1; k <= last; k++) {
        const thumb *c = kept(s, k);
        double share = 0, off = 0;
        if (change_of(kept(s, k - 1), c) > step_most * change) return false;
        for (int i = 0; i < CELLS; i++)
            share += ((double)c->cells[i] - a->cells[i]) * ((double)b->cells[i] - a->cells[i]);
        share /= square;
        for (int i = 0; i < CELLS; i++)
            off += fabs((double)c->cells[i] - a->cells[i] -
                        share * ((double)b->cells[i] - a->cells[i]));
        if (share < before) back += before - share;
        if (off / CELLS > off_most * change || back > back_most) return false;
        if (*middle == AFFECT_TIME_NONE && share >= .5) *middle = c->time;
        before = share;
    }
    return *middle != AFFECT_TIME_NONE;
}

static void look_for_dissolve(face_shots *s, affect_time now) {
    size_t last = s->kept_count - 1, held = BASE_MIN(s->kept_count, (size_t)KEPT);
    for (int w = 0; w < LENGTHS; w++) {
        size_t first = last;
        while (first + held > s->kept_count && now - kept(s, first)->time < lengths[w]) first--;
        if (now - kept(s, first)->time < lengths[w] || last - first < LEAST) continue;
        double change = change_of(kept(s, first), kept(s, last));
        affect_time middle;
        if (s->clear != AFFECT_TIME_NONE && kept(s, first)->time < s->clear) continue;
        if (change < dissolve_level || !is_mixture(s, first, last, change, &middle)) continue;
        if (s->dissolve.middle != AFFECT_TIME_NONE && change < s->dissolve.change) continue;
        s->dissolve.middle = middle;
        s->dissolve.found = now;
        s->dissolve.change = change;
    }
}

/* Does it no longer change, or must it be said now? */
static bool is_done(const face_shots *s, const thumb *now) {
    size_t first = s->kept_count - 1, held = BASE_MIN(s->kept_count, (size_t)KEPT);
    if (now->time - s->dissolve.middle >= dissolve_latest) return true;
    if (now->time - s->dissolve.found < dissolve_wait) return false;
    while (first + held > s->kept_count && now->time - kept(s, first)->time < dissolve_wait)
        first--;
    return change_of(kept(s, first), now) < still * s->dissolve.change;
}

static void end_dissolve(face_shots *s, affect_time now) {
    if (s->dissolve.middle != AFFECT_TIME_NONE) end_shot(s, s->dissolve.middle, now, "dissolve");
    s->dissolve.middle = AFFECT_TIME_NONE;
}

/* A cut in doubt: is it over with it, as a flash is, was it one, or does it go on? */
static void resolve(face_shots *s, const thumb *now, double change) {
    double away = change_of(&s->before, now);
    bool late = now->time - s->doubt.time > flash_longest;
    s->doubt.pictures++;
    if (!late && s->doubt.pictures <= FLASH &&
        away < fmax(shot_level, returned * s->doubt.change)) {
        s->doubt.time = AFFECT_TIME_NONE;
        return;
    }
    if (s->doubt.pictures == 1 && s->doubt.change < certain_level &&
        change > goes_on_after * s->doubt.change) {
        s->doubt.time = AFFECT_TIME_NONE;
        return;
    }
    s->doubt.steady = s->doubt.steady && change >= goes_on * s->doubt.change;
    if (!late && s->doubt.pictures < FLASH) return;
    if (!s->doubt.steady || away * goes_on < s->doubt.change) {
        end_dissolve(s, s->doubt.time); /* which came before it */
        end_shot(s, s->doubt.time, s->doubt.time, "cut");
    }
    s->doubt.time = AFFECT_TIME_NONE;
}

static void keep(face_shots *s, const thumb *now) {
    if (s->kept_count && now->time - kept(s, s->kept_count - 1)->time < kept_apart) return;
    s->kept[s->kept_count++ % KEPT] = *now;
    if (s->doubt.time != AFFECT_TIME_NONE || s->clear == now->time) return;
    look_for_dissolve(s, now->time);
    if (s->dissolve.middle != AFFECT_TIME_NONE && is_done(s, now)) end_dissolve(s, now->time);
}

/* ---- a picture ---- */

bool face_shots_push(face_shots *s, const media_frame *frame, bool doubtful) {
    thumb now;
    measure(frame, &now);
    bool first = !s->started, turned = frame->width != s->width || frame->height != s->height;
    long cells = 0;
    for (int i = 0; i < CELLS; i++)
        cells += labs((long)now.cells[i] - (long)s->last.cells[i]) > cell_level;
    double change = change_of(&now, &s->last);
    s->started = true;
    s->width = frame->width;
    s->height = frame->height;
    if (!first) {
        bool out = stands_out(s, change);
        if (s->doubt.time != AFFECT_TIME_NONE)
            resolve(s, &now, change);
        else if (out) {
            s->doubt.time = now.time;
            s->doubt.change = change;
            s->doubt.pictures = 0;
            s->doubt.steady = true;
            s->before = s->last;
        }
    }
    keep(s, &now);
    s->last = now;
    return !first &&
           (change > cut_level || turned || (doubtful && (double)cells > cut_cells * CELLS));
}

bool face_shots_over(face_shots *s, affect_time *end, const char **how) {
    if (!s->over_count) return false;
    *end = s->over[0].end;
    *how = s->over[0].how;
    s->over[0] = s->over[1];
    s->over_count--;
    return true;
}
