/* Pictures for the tests of face: a recording or picture decoded through media, and a face stage
 * run over frames. */
#ifndef TESTS_FACE_CLIP_H
#define TESTS_FACE_CLIP_H

#include <string.h>

#include "face/face.h"
#include "tests/test.h"

typedef struct picture {
    int width, height;
    uint8_t *rgb; /* tightly packed */
} picture;

static inline picture picture_make(int width, int height, uint8_t grey) {
    picture p = {width, height, base_alloc((size_t)width * (size_t)height * 3)};
    assert_non_null(p.rgb);
    memset(p.rgb, grey, (size_t)width * (size_t)height * 3);
    return p;
}

static inline media_frame picture_frame(const picture *p, affect_time time) {
    return (media_frame){.time = time,
                         .duration = 40 * AFFECT_MILLISECOND,
                         .width = p->width,
                         .height = p->height,
                         .stride = (size_t)p->width * 3,
                         .rgb = p->rgb};
}

/* The first frame of a file below the data folder, in the caller's memory (base_free .rgb). */
static inline picture picture_load(affect_context *ctx, const char *name) {
    char path[512];
    snprintf(path, sizeof path, "%s/media/%s", test_data(), name);
    media_options options = media_options_default();
    options.want_audio = false;
    media_reader *reader = NULL;
    if (media_open(ctx, path, &options, &reader)) fail_msg("%s", affect_context_message(ctx));
    media_item item = {.kind = MEDIA_GAP};
    while (item.kind != MEDIA_FRAME && item.kind != MEDIA_END)
        assert_int_equal(media_next(reader, &item), AFFECT_OK);
    assert_int_equal(item.kind, MEDIA_FRAME);
    picture p = picture_make(item.frame.width, item.frame.height, 0);
    for (int y = 0; y < p.height; y++)
        memcpy(p.rgb + (size_t)y * (size_t)p.width * 3,
               item.frame.rgb + (size_t)y * item.frame.stride, (size_t)p.width * 3);
    media_close(reader);
    return p;
}

/* Copies the square (x, y, side) of `from` to (at_x, at_y, at_side) of `to`, nearest pixel; what
 * lies outside either is left out. */
static inline void picture_paste(picture *to, int at_x, int at_y, int at_side, const picture *from,
                                 int x, int y, int side) {
    for (int v = 0; v < at_side; v++)
        for (int u = 0; u < at_side; u++) {
            int sx = x + u * side / at_side, sy = y + v * side / at_side, dx = at_x + u,
                dy = at_y + v;
            if (sx < 0 || sy < 0 || sx >= from->width || sy >= from->height || dx < 0 || dy < 0 ||
                dx >= to->width || dy >= to->height)
                continue;
            memcpy(to->rgb + 3 * ((size_t)dy * (size_t)to->width + (size_t)dx),
                   from->rgb + 3 * ((size_t)sy * (size_t)from->width + (size_t)sx), 3);
        }
}

#define FACE_NEED_MODELS(timeline)                                                                 \
    do {                                                                                           \
        if (affect_timeline_warning_count(timeline)) {                                             \
            print_message("skipped: %s\n", affect_timeline_warning(timeline, 0)->label);           \
            skip();                                                                                \
        }                                                                                          \
    } while (0)

#endif
