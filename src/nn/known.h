/* Is an input of the kind a network was trained on? A Gaussian over the network's last features
 * (what enters its output layer), fitted on training samples without looking at their labels; the
 * Mahalanobis distance to it says how unusual an input is (Lee et al. 2018, arXiv 1807.03888, with
 * one class), and validation samples say how unusual is usual. */
#ifndef NN_KNOWN_H
#define NN_KNOWN_H

#include "nn/safetensors.h"

typedef struct nn_known nn_known;

/* features: n x width, n >= 2. Errors: ARGUMENT, MEMORY. */
AFFECT_MUST_USE affect_status nn_known_fit(affect_context *ctx, const float *features, size_t n,
                                           size_t width, nn_known **out);
/* Sets what is usual from n other samples: the median of their log distances, and how far from it
 * 95 and 99 % of them are. Both ways: a text of unknown words gives features near the mean of all.
 */
AFFECT_MUST_USE affect_status nn_known_calibrate(affect_context *ctx, nn_known *known,
                                                 const float *features, size_t n);
void nn_known_destroy(nn_known *known);
size_t nn_known_width(const nn_known *known);
/* Mean squared distance per feature; about 1 on samples like those of the fit. */
double nn_known_distance(const nn_known *known, const float *features);
/* How far the log distance is from the usual one. */
double nn_known_strangeness(const nn_known *known, const float *features);
/* Of a strangeness: 1 as far out as 95 % of the validation samples, falling exponentially beyond:
 * .2 at the 99th percentile, 0 far away. */
double nn_known_score(const nn_known *known, double strangeness);
/* As tensors "known.mean", "known.factor", "known.usual" of a weights file. */
void nn_known_write(const nn_known *known, nn_writer *writer);
/* *out is NULL if the file has none. Errors: MODEL, MEMORY. */
AFFECT_MUST_USE affect_status nn_known_read(affect_context *ctx, const nn_file *file,
                                            nn_known **out);

#endif
