/* The most plausible way through the pitch candidates: dynamic programming over six candidates and
 * "unvoiced", after I. Luengo et al., "Evaluation of pitch detection algorithms under real
 * conditions", ICASSP 2007, with the costs of the eGeMAPS set. A frame is decided when all paths
 * agree on it, or after 40 frames. */
#include <math.h>
#include <string.h>

#include "voice/tracking.h"

static const double WEIGHT_LOCAL = 2.0, WEIGHT_JUMP = 10.0, WEIGHT_BEND = 10.0, COST_SWITCH = 10.0,
                    COST_THRESHOLD = 4.0, COST_RANGE = 1.0, COST_STAY_UNVOICED = 1.0,
                    COST_NO_CANDIDATE = 999.0;
static const float VOICED = 0.7f;

void voice_pitch_path_reset(voice_pitch_path *path) { memset(path, 0, sizeof *path); }

/* Pitches between 100 and 350 Hz are expected. */
static double range_cost(float f0) {
    if (f0 <= 0.0f) return 2.0;
    if (f0 < 100.0f) return 1.0 - 0.01 * (double)f0;
    if (f0 < 350.0f) return 0.0;
    if (f0 < 600.0f) return ((double)f0 - 350.0) / 250.0;
    return 1.2;
}

static void local_costs(const float f0[VOICE_CANDIDATES], const float voicing[VOICE_CANDIDATES],
                        double cost[PITCH_STATES]) {
    bool any = false;
    for (int c = 0; c < VOICE_CANDIDATES; c++) {
        double v = (double)voicing[c];
        bool below = voicing[c] < VOICED;
        any |= !below;
        v = v < 0.01 ? 0.01 : v > 1.0 ? 1.0 : v;
        cost[c] = (-log(v) + (below ? COST_THRESHOLD : 0.0)) * WEIGHT_LOCAL +
                  range_cost(f0[c]) * COST_RANGE;
    }
    cost[VOICE_CANDIDATES] = any ? WEIGHT_LOCAL * COST_THRESHOLD : 0.0;
}

static int cheapest(const double cost[PITCH_STATES]) {
    int best = 0;
    for (int s = 1; s < PITCH_STATES; s++)
        if (cost[s] < cost[best]) best = s;
    return best;
}

/* Frame n's decisions and back pointers live at n modulo the ring. */
static size_t slot(size_t frame) { return frame % (PITCH_LAG + 1); }

/* Decides frames up to the newest on which the paths of all states agree. */
static void decide_agreed(voice_pitch_path *path) {
    signed char at[PITCH_STATES];
    for (int s = 0; s < PITCH_STATES; s++) at[s] = (signed char)s;
    for (size_t n = path->pushed - 1; n > path->decided; n--) {
        bool same = true;
        for (int s = 0; s < PITCH_STATES; s++) {
            at[s] = path->from[slot(n)][at[s]];
            same &= at[s] == at[0];
        }
        if (!same) continue;
        signed char state = at[0];
        for (size_t i = n - 1;; i--) {
            path->state[slot(i)] = state;
            if (i == path->decided) break;
            state = path->from[slot(i)][state];
        }
        path->decided = n;
        return;
    }
}

/* Decides frames [decided, end) along the path that is cheapest now. */
static void decide_cheapest(voice_pitch_path *path, size_t end) {
    signed char state = (signed char)cheapest(path->cost);
    for (size_t n = path->pushed - 1;; n--) {
        if (n < end) path->state[slot(n)] = state;
        if (n == path->decided) break;
        state = path->from[slot(n)][state];
    }
    path->decided = end;
}

void voice_pitch_path_push(voice_pitch_path *path, const float f0[VOICE_CANDIDATES],
                           const float voicing[VOICE_CANDIDATES]) {
    double local[PITCH_STATES], log_f0[VOICE_CANDIDATES];
    local_costs(f0, voicing, local);
    for (int c = 0; c < VOICE_CANDIDATES; c++) log_f0[c] = f0[c] > 0.0f ? log((double)f0[c]) : 0.0;
    if (path->pushed == 0) {
        memcpy(path->cost, local, sizeof local);
    } else {
        double cost[PITCH_STATES];
        /* The bend compares with the last jump that was looked at, in this order of states: a quirk
         * of the set, kept because the contour depends on it. */
        double jump_before = path->pushed == 1 ? 1.0 : 0.0;
        for (int to = 0; to < PITCH_STATES; to++) {
            double least = 0.0;
            int from = -1;
            for (int s = 0; s < PITCH_STATES; s++) {
                double step;
                if (to < VOICE_CANDIDATES && s < VOICE_CANDIDATES) {
                    if (f0[to] == 0.0f || path->f0_before[s] == 0.0f) {
                        step = COST_NO_CANDIDATE;
                    } else {
                        double jump = log_f0[to] - path->log_f0[s];
                        step = WEIGHT_JUMP * fabs(jump) + WEIGHT_BEND * fabs(jump - jump_before);
                        jump_before = jump;
                    }
                } else if (to == s) {
                    step = COST_STAY_UNVOICED;
                } else {
                    step = COST_SWITCH;
                    jump_before = 0.0;
                }
                double total = step + path->cost[s];
                if (from < 0 || total < least) {
                    least = total;
                    from = s;
                }
            }
            cost[to] = least + local[to];
            path->from[slot(path->pushed)][to] = (signed char)from;
        }
        memcpy(path->cost, cost, sizeof cost);
    }
    memcpy(path->log_f0, log_f0, sizeof log_f0);
    memcpy(path->f0_before, f0, sizeof path->f0_before);
    path->pushed++;
    if (path->pushed - path->decided >= PITCH_LAG)
        decide_cheapest(path, path->decided + 1);
    else
        decide_agreed(path);
}

void voice_pitch_path_finish(voice_pitch_path *path) {
    if (path->decided < path->pushed) decide_cheapest(path, path->pushed);
}

int voice_pitch_path_state(const voice_pitch_path *path, size_t frame) {
    return path->state[slot(frame)];
}
