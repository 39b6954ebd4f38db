/* LZF: a control byte below 32 says how many bytes less one follow as they are. Else its upper three bits
 * are a length (7: the next byte is added), its lower five with the byte after that how far back: so many
 * bytes and two more are repeated from there. */
#include "data/lzf.h"

#include <string.h>

size_t data_lzf_unpack(const uint8_t *packed, size_t length, uint8_t *out, size_t room) {
    size_t at = 0, made = 0;
    while (at < length) {
        size_t control = packed[at++], n;
        if (control < 32) {
            n = control + 1;
            if (n > length - at || n > room - made) return 0;
            memcpy(out + made, packed + at, n);
            at += n;
            made += n;
            continue;
        }
        n = control >> 5;
        if (n == 7) {
            if (at == length) return 0;
            n += packed[at++];
        }
        if (at == length) return 0;
        const size_t back = ((control & 31) << 8 | packed[at++]) + 1;
        n += 2;
        if (back > made || n > room - made) return 0;
        for (; n; n--, made++) out[made] = out[made - back]; /* may run into what it makes */
    }
    return made;
}
