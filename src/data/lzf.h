/* LZF, the packing of h5py's filter of that name (Lehmann's LibLZF). In: a packed block. Out: its bytes. */
#ifndef DATA_LZF_H
#define DATA_LZF_H

#include "base/base.h"

/* Unpacks into at most `room` bytes; how many there were, 0 where the block is damaged or needs more. */
size_t data_lzf_unpack(const uint8_t *packed, size_t length, uint8_t *out, size_t room);

#endif
