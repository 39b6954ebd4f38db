/* Is an input of the kind a network was trained on? A Gaussian over the network's last features
 * (what enters its output layer), fitted on training samples without looking at their labels; the
 * Mahalanobis distance to it says how unusual an input is (Lee et al. 2018, arXiv 1807.03888, with
 * one class), and validation samples say how unusual is usual. */
#ifndef NN_OOD_H
#define NN_OOD_H

#include "nn/safetensors.h"

typedef struct nn_ood nn_ood;

/* features: n x width, n >= 2. Errors: ARGUMENT, MEMORY. */
AFFECT_MUST_USE affect_status nn_ood_fit(affect_context *ctx, const float *features, size_t n,
                                         size_t width, nn_ood **out);
/* Sets what is usual from n other samples: the median of their log distances, and how far from it
 * 95 and 99 % of them are. Both ways: a text of unknown words gives features near the mean of all.
 */
AFFECT_MUST_USE affect_status nn_ood_calibrate(affect_context *ctx, nn_ood *ood,
                                               const float *features, size_t n);
void nn_ood_destroy(nn_ood *ood);
size_t nn_ood_width(const nn_ood *ood);
/* Mean squared distance per feature; about 1 on samples like those of the fit. */
double nn_ood_distance(const nn_ood *ood, const float *features);
/* The out-of-distribution score: how far the log distance is from the usual one, from 0. */
double nn_ood_score(const nn_ood *ood, const float *features);
/* Of such a score: 1 as far out as 95 % of the validation samples, falling exponentially beyond:
 * .2 at the 99th percentile, 0 far away. */
double nn_ood_in_distribution(const nn_ood *ood, double ood_score);
/* As tensors (named before this file was) "known.mean", "known.factor", "known.usual" of a weights
 * file. */
void nn_ood_write(const nn_ood *ood, nn_writer *writer);
/* *out is NULL if the file has none. Errors: MODEL, MEMORY. */
AFFECT_MUST_USE affect_status nn_ood_read(affect_context *ctx, const nn_file *file, nn_ood **out);

#endif
