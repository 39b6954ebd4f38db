/* PNG (ISO/IEC 15948) of 8-bit RGB, each row as the difference to the one above it. */
#include <string.h>
#include <zlib.h>

#include "media/media.h"

static void put_u32(unsigned char *at, uint32_t v) {
    for (int i = 0; i < 4; i++) at[i] = (unsigned char)(v >> (24 - 8 * i));
}

static void put_chunk(base_text *out, const char *type, const unsigned char *data, size_t length) {
    unsigned char number[4];
    put_u32(number, (uint32_t)length);
    base_text_append_n(out, (const char *)number, 4);
    base_text_append_n(out, type, 4);
    if (length) base_text_append_n(out, (const char *)data, length);
    uLong sum = crc32(crc32(0, NULL, 0), (const Bytef *)type, 4);
    if (length) sum = crc32(sum, data, (uInt)length);
    put_u32(number, (uint32_t)sum);
    base_text_append_n(out, (const char *)number, 4);
}

bool media_put_png(const media_frame *frame, base_text *out) {
    size_t row = (size_t)frame->width * 3, raw_size = (row + 1) * (size_t)frame->height;
    uLong size = compressBound((uLong)raw_size);
    unsigned char *raw = base_alloc(raw_size), *packed = base_alloc(size), head[13] = {0};
    bool good = raw && packed;
    for (int y = 0; good && y < frame->height; y++) {
        const uint8_t *now = frame->rgb + (size_t)y * frame->stride;
        unsigned char *to = raw + (size_t)y * (row + 1);
        *to++ = y ? 2 : 0;
        for (size_t x = 0; x < row; x++)
            to[x] = (unsigned char)(y ? now[x] - (now - frame->stride)[x] : now[x]);
    }
    if (good) good = compress2(packed, &size, raw, (uLong)raw_size, 6) == Z_OK;
    if (good) {
        put_u32(head, (uint32_t)frame->width);
        put_u32(head + 4, (uint32_t)frame->height);
        head[8] = 8;
        head[9] = 2;
        base_text_append_n(out, "\x89PNG\r\n\x1a\n", 8);
        put_chunk(out, "IHDR", head, sizeof head);
        put_chunk(out, "IDAT", packed, size);
        put_chunk(out, "IEND", NULL, 0);
    }
    base_free(raw);
    base_free(packed);
    return good && !out->failed;
}
