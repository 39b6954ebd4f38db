/* base, private: what the context keeps (keep.c). */
#ifndef BASE_PRIVATE_H
#define BASE_PRIVATE_H

#include "base/base.h"

typedef struct base_store {
    pthread_mutex_t lock;
    bool on;
    struct base_kept *first;
    void (*clear)(struct base_store *store); /* destroys everything; NULL while nothing was kept */
} base_store;

base_store *base_store_of(affect_context *ctx); /* NULL of a NULL context */

#endif
