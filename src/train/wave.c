/* Recordings as they might have been made elsewhere: another room, line, moment, place and voice.
 * Works on samples, before any front end. */
#include <math.h>
#include <string.h>

#include "train/train.h"

enum { RATE = 16000 };

/* Second-order low or high pass, Butterworth, by the bilinear transform. */
static void filter(float *x, size_t count, double hz, bool high) {
    double w = tan(3.141592653589793 * hz / RATE), q = 1.4142135623730951,
           norm = 1 / (1 + q * w + w * w), b = high ? norm : w * w * norm,
           b1 = high ? -2 * b : 2 * b, a1 = 2 * (w * w - 1) * norm, a2 = (1 - q * w + w * w) * norm,
           x1 = 0, x2 = 0, y1 = 0, y2 = 0;
    for (size_t i = 0; i < count; i++) {
        double now = (double)x[i], y = b * now + b1 * x1 + b * x2 - a1 * y1 - a2 * y2;
        x2 = x1;
        x1 = now;
        y2 = y1;
        y1 = y;
        x[i] = (float)y;
    }
}

static double power_of(const float *x, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += (double)x[i] * (double)x[i];
    return sum / (double)BASE_MAX(count, (size_t)1);
}

/* Adds `other` so that the signal stands `db` above it. */
static void mix(float *x, const float *other, size_t count, double db) {
    double level = power_of(other, count), gain = sqrt(power_of(x, count) / pow(10, db / 10));
    if (!(level > 0)) return;
    gain /= sqrt(level);
    for (size_t i = 0; i < count; i++) x[i] += (float)gain * other[i];
}

/* Coloured noise: white through one pole. */
static void make_noise(float *out, size_t count, train_dice *d) {
    double pole = .98 * train_roll(d), y = 0;
    for (size_t i = 0; i < count; i++) {
        y = pole * y + train_spread(d, 1) + train_spread(d, 1);
        out[i] = (float)y;
    }
}

/* Chords of three to five plucked or held notes with a bass, at a steady beat. */
static void make_music(float *out, size_t count, train_dice *d) {
    double beat = (.25 + .5 * train_roll(d)) * RATE, decay = train_roll(d) < .5 ? 3 : .2,
           root = 90 * pow(2, train_roll(d));
    static const double steps[] = {0, 3, 4, 5, 7, 8, 9, 12};
    memset(out, 0, count * sizeof *out);
    for (double at = 0; at < (double)count; at += beat) {
        size_t notes = 3 + (size_t)(3 * train_roll(d)), from = (size_t)at,
               length = BASE_MIN((size_t)(2 * beat), count - from);
        for (size_t n = 0; n < notes; n++) {
            double octave = n ? 1 + floor(2 * train_roll(d)) : 0,
                   hz = root * pow(2, octave + steps[(size_t)(8 * train_roll(d))] / 12);
            for (size_t h = 1; h <= 6 && hz * (double)h < 7000; h++) {
                /* a rotating vector in place of a sine each sample */
                double step = 6.283185307179586 * hz * (double)h / RATE, c = cos(step),
                       s = sin(step), u = 0, v = 1 / (double)(h * (n + 1)),
                       fade = exp(-decay / RATE);
                for (size_t i = 0; i < length; i++) {
                    out[from + i] += (float)u;
                    double turned = (u * c + v * s) * fade;
                    v = (v * c - u * s) * fade;
                    u = turned;
                }
            }
        }
    }
}

/* A room: early reflections and a tail, by feedback combs and one all-pass (Schroeder 1962). */
static void reverberate(float *x, float *wet, size_t count, train_dice *d) {
    double t60 = .15 + .6 * train_roll(d), level = pow(10, -(2 + 12 * train_roll(d)) / 20);
    memset(wet, 0, count * sizeof *wet);
    for (size_t k = 0; k < 4; k++) {
        size_t delay = (size_t)((.018 + .012 * train_roll(d) + .007 * (double)k) * RATE);
        double gain = pow(10, -3 * (double)delay / RATE / t60);
        float line[RATE / 16] = {0};
        for (size_t i = 0, at = 0; i < count; i++, at = at + 1 < delay ? at + 1 : 0) {
            wet[i] += .25F * line[at];
            line[at] = x[i] + (float)gain * line[at];
        }
    }
    double share = level * sqrt(power_of(x, count) / fmax(power_of(wet, count), 1e-12));
    for (size_t i = 0; i < count; i++) x[i] += (float)share * wet[i];
}

affect_status train_wave_disturb(affect_context *ctx, const float *samples, size_t count,
                                 train_dice *d, float **out, size_t *out_count) {
    /* Another speaker's size and haste: played faster or slower. */
    double speed = train_roll(d) < .5 ? 1 + train_spread(d, .08) : 1;
    size_t n = (size_t)((double)count / speed);
    *out = base_calloc(BASE_MAX(n, (size_t)1), sizeof **out);
    float *other = base_calloc(BASE_MAX(n, (size_t)1), sizeof *other);
    if (!*out || !other || !count) {
        base_free(*out);
        base_free(other);
        *out = NULL;
        return base_fail_memory(ctx);
    }
    float *x = *out;
    for (size_t i = 0; i < n; i++) {
        double at = (double)i * speed;
        size_t k = BASE_MIN((size_t)at, count - 1), next = BASE_MIN(k + 1, count - 1);
        x[i] = samples[k] + (float)(at - (double)k) * (samples[next] - samples[k]);
    }
    /* A part of it: from half a second on. */
    if (train_roll(d) < .4) {
        size_t length = (size_t)((.5 + 2 * train_roll(d)) * RATE);
        if (length < n) {
            size_t from = (size_t)(train_roll(d) * (double)(n - length));
            memmove(x, x + from, length * sizeof *x);
            n = length;
        }
    }
    if (train_roll(d) < .3) reverberate(x, other, n, d);
    if (train_roll(d) < .15) {
        make_music(other, n, d);
        mix(x, other, n, 3 + 20 * train_roll(d));
    }
    if (train_roll(d) < .5) {
        make_noise(other, n, d);
        mix(x, other, n, 5 + 30 * train_roll(d));
    }
    if (train_roll(d) < .25) {
        filter(x, n, 200 + 150 * train_roll(d), true);
        filter(x, n, 3000 + 500 * train_roll(d), false);
        filter(x, n, 3400, false);
    } else if (train_roll(d) < .4) { /* a microphone's own colour */
        filter(x, n, 40 + 120 * train_roll(d), true);
        if (train_roll(d) < .5) filter(x, n, 4500 + 3000 * train_roll(d), false);
    }
    double gain = pow(10, (-26 - 20 * train_roll(d)) / 20) / sqrt(fmax(power_of(x, n), 1e-12));
    for (size_t i = 0; i < n; i++) x[i] = (float)fmax(-1, fmin(1, gain * (double)x[i]));
    base_free(other);
    *out_count = n;
    return AFFECT_OK;
}
