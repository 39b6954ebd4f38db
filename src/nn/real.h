/* The number type of the network library. Everything in nn/ that computes is written over nn_real
 * and compiled twice: as float (the library) and, with NN_DOUBLE, as double. The double build is
 * the reference mode in which the tests check every gradient by finite differences; its symbols get
 * a suffix, so that both can live in one program. */
#ifndef NN_REAL_H
#define NN_REAL_H

#include "base/base.h"

#ifdef NN_DOUBLE
typedef double nn_real;
#include "nn/rename64.h"
#else
typedef float nn_real;
#endif

#endif
