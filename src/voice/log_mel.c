/* Log-mel spectrograms, by the kernels of the descriptors. */
#include <math.h>
#include <string.h>

#include "voice/descriptors.h"
#include "voice/kernels.h"

struct voice_log_mel {
    size_t window_size, step;
    float floor;
    float *window;
    voice_fft fft;
    voice_mel mel;
    const voice_kernels *kernels;
};

voice_log_mel_options voice_log_mel_default(void) {
    return (voice_log_mel_options){16000, 0.025, 0.010, 64, 20.0, 8000.0, 1e-10f};
}

voice_log_mel_options voice_log_mel_network(size_t bands, double step_s) {
    voice_log_mel_options o = voice_log_mel_default();
    o.bands = bands;
    o.step_s = step_s;
    o.window_s = fmax(o.window_s, 2 * step_s);
    return o;
}

enum { TRIM_BLOCK = 160, TRIM_MARGIN = 5, TRIM_LEAST = 30 };

static double power_of(const float *block) {
    double sum = 0;
    for (size_t i = 0; i < TRIM_BLOCK; i++) sum += (double)(block[i] * block[i]);
    return sum;
}

void voice_trim(const float **samples, size_t *count, double db) {
    const float *x = *samples;
    double loudest = 0;
    size_t blocks = *count / TRIM_BLOCK, from = 0, to = blocks;
    for (size_t b = 0; b < blocks; b++) loudest = fmax(loudest, power_of(x + b * TRIM_BLOCK));
    double least = loudest * pow(10, -db / 10);
    while (from < to && power_of(x + from * TRIM_BLOCK) < least) from++;
    while (to > from && power_of(x + (to - 1) * TRIM_BLOCK) < least) to--;
    from = from > TRIM_MARGIN ? from - TRIM_MARGIN : 0;
    to = BASE_MIN(to + TRIM_MARGIN, blocks);
    if (to < from + TRIM_LEAST) return; /* too little to stand on its own */
    *samples = x + from * TRIM_BLOCK;
    *count = (to - from) * TRIM_BLOCK;
}

affect_status voice_log_mel_create(affect_context *ctx, const voice_log_mel_options *o,
                                   voice_log_mel **out) {
    *out = NULL;
    double rate = (double)o->sample_rate;
    size_t window = (size_t)lround(fmax(o->window_s, 0.0) * rate);
    size_t step = (size_t)lround(fmax(o->step_s, 0.0) * rate);
    if (o->sample_rate < 1000 || o->sample_rate > 192000 || window < 16 || window > 65536 ||
        step < 1 || o->bands < 1 || o->bands > 256 || !(o->low_hz >= 0.0) ||
        !(o->high_hz > o->low_hz) || !(o->floor > 1e-37f))
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT,
                         "log-mel: rate 1000..192000 Hz, window 16..65536 samples, 1..256 bands, "
                         "0 <= low < high and a positive floor are needed");
    voice_log_mel *m = base_calloc(1, sizeof *m);
    if (!m) return base_fail_memory(ctx);
    m->window_size = window;
    m->step = step;
    m->floor = o->floor;
    m->kernels = voice_kernels_get(NULL);
    size_t size = 16;
    while (size < window) size *= 2;
    m->window = base_alloc(window * sizeof *m->window);
    bool good =
        m->window && voice_fft_init(&m->fft, size) &&
        voice_mel_init(&m->mel, o->bands, size / 2 + 1, rate / (double)size, o->low_hz, o->high_hz);
    if (!good) {
        voice_log_mel_destroy(m);
        return base_fail_memory(ctx);
    }
    for (size_t i = 0; i < window; i++)
        m->window[i] = (float)(0.5 - 0.5 * cos(6.283185307179586 * (double)i / (double)window));
    *out = m;
    return AFFECT_OK;
}

void voice_log_mel_destroy(voice_log_mel *m) {
    if (!m) return;
    base_free(m->window);
    voice_fft_destroy(&m->fft);
    voice_mel_destroy(&m->mel);
    base_free(m);
}

size_t voice_log_mel_frames(const voice_log_mel *m, size_t count) {
    return count < m->window_size ? 0 : (count - m->window_size) / m->step + 1;
}

size_t voice_log_mel_step(const voice_log_mel *m) { return m->step; }
affect_status voice_log_mel_compute(affect_context *ctx, const voice_log_mel *m,
                                    const float *samples, size_t count, float *out) {
    size_t frames = voice_log_mel_frames(m, count);
    size_t lanes = BASE_MAX(m->fft.size, m->mel.bands);
    void *scratch = base_alloc_aligned(64, 4 * (lanes + 4) * VOICE_LANES * sizeof(float));
    if (!scratch) return base_fail_memory(ctx);
    for (size_t n = 0; n < frames; n += VOICE_LANES)
        m->kernels->log_mel(&m->fft, m->window, m->window_size, m->step, &m->mel, m->floor,
                            samples + n * m->step, BASE_MIN(frames - n, (size_t)VOICE_LANES),
                            scratch, out + n * m->mel.bands, m->mel.bands);
    base_free(scratch);
    return AFFECT_OK;
}
