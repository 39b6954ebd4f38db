#include <stddef.h>
#include <stdint.h>

#include "data/lzf.h"

/* The first two bytes say how much room there is. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    if (length < 2) return 0;
    const size_t room = (size_t)bytes[0] << 8 | bytes[1];
    uint8_t *out = base_alloc(room + 1);
    if (out && data_lzf_unpack(bytes + 2, length - 2, out, room) > room) __builtin_trap();
    base_free(out);
    return 0;
}
