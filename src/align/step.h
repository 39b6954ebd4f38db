/* How far apart the rows of a series typically are. */
#ifndef ALIGN_STEP_H
#define ALIGN_STEP_H

#include <stddef.h>

/* The median of the steps above 0, of at most 4096 of them, evenly taken; 0 without any. */
double align_typical_step(const double *times_s, size_t rows);

#endif
