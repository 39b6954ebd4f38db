/* What the fits of the face room share: the terms of pose, softmax regression, the file that
 * population.c reads. */
#ifndef FACE_FIT_H
#define FACE_FIT_H

#include <stdio.h>

#include "face/face_private.h"

enum { FIT_C = FACE_CATEGORIES, FIT_F = FACE_MEASURES, FIT_POSE = 6 };

void fit_pose_basis(const face_geometry *g, double b[FIT_POSE]);

/* Softmax regression by accelerated gradient descent on the cross-entropy with soft targets. */
typedef struct fit_regression {
    size_t n, d;         /* rows, columns; a constant is added */
    const float *x;      /* n x d */
    const float *offset; /* n x FIT_C added to the logits, or NULL */
    const float *target; /* n x FIT_C */
    double decay;
} fit_regression;

/* w: FIT_C rows of d weights and a constant. */
void fit_probabilities(const fit_regression *r, const double *w, size_t i, double p[FIT_C]);
bool fit_softmax(const fit_regression *r, int steps, double *w); /* false: out of memory */
int fit_best(const double p[FIT_C]);

/* weights.json of a face.geometry model; w as above with d = FIT_F. */
void fit_write(FILE *file, const face_population *p, const double *w);

#endif
