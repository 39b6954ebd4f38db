/* Animated WebP: times, canvas, damage. The judge of the pixels is libwebpdemux, Google's own reader. */
#include "tests/media/recording.h"

#include <dlfcn.h>

/* ---- the reference ---- */

typedef struct reference {
    void *library, *decoder;
    char *bytes;
    uint32_t info[9]; /* width, height, loops, background, frames */
} reference;

#define ABI 0x0107 /* WEBP_DEMUX_ABI_VERSION */

#define REFERENCE_FUNCTION(type, name, ...)                                                        \
    type (*name)(__VA_ARGS__) = NULL;                                                              \
    *(void **)&name = dlsym(r->library, #name);                                                    \
    assert_non_null(name)

static bool reference_open(reference *r, const char *bytes, size_t size) {
    r->library = dlopen("libwebpdemux.so.2", RTLD_NOW);
    if (!r->library) return false;
    REFERENCE_FUNCTION(int, WebPAnimDecoderOptionsInitInternal, void *, int);
    REFERENCE_FUNCTION(void *, WebPAnimDecoderNewInternal, const void *, const void *, int);
    REFERENCE_FUNCTION(int, WebPAnimDecoderGetInfo, const void *, void *);
    struct {
        const char *bytes;
        size_t size;
    } data = {bytes, size};
    int options[16] = {0};
    assert_int_equal(WebPAnimDecoderOptionsInitInternal(options, ABI), 1);
    options[0] = 1; /* MODE_RGBA */
    r->decoder = WebPAnimDecoderNewInternal(&data, options, ABI);
    assert_non_null(r->decoder);
    assert_int_equal(WebPAnimDecoderGetInfo(r->decoder, r->info), 1);
    return true;
}

/* RGBA until the next call; `end_ms`: when the frame's time is over. NULL behind the last. */
static const uint8_t *reference_next(reference *r, int *end_ms) {
    REFERENCE_FUNCTION(int, WebPAnimDecoderGetNext, void *, uint8_t **, int *);
    REFERENCE_FUNCTION(int, WebPAnimDecoderHasMoreFrames, const void *);
    uint8_t *picture = NULL;
    if (!WebPAnimDecoderHasMoreFrames(r->decoder)) return NULL;
    assert_int_equal(WebPAnimDecoderGetNext(r->decoder, &picture, end_ms), 1);
    return picture;
}

static void reference_close(reference *r) {
    REFERENCE_FUNCTION(void, WebPAnimDecoderDelete, void *);
    WebPAnimDecoderDelete(r->decoder);
    dlclose(r->library);
}

/* ---- files ---- */

typedef struct bytes {
    uint8_t *data;
    size_t size;
} bytes;

static bytes read_file(const char *path) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    bytes all = {.size = (size_t)ftell(file)};
    rewind(file);
    all.data = malloc(all.size + 1);
    assert_int_equal(fread(all.data, 1, all.size, file), all.size);
    fclose(file);
    return all;
}

static const char *write_file(const char *name, const uint8_t *data, size_t size) {
    const char *path = in_folder(name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    fclose(file);
    return path;
}

static void put(uint8_t *to, uint32_t value, int count) {
    for (int i = 0; i < count; i++) to[i] = (uint8_t)(value >> 8 * i);
}

static uint32_t get(const uint8_t *from, int count) {
    uint32_t value = 0;
    for (int i = 0; i < count; i++) value |= (uint32_t)from[i] << 8 * i;
    return value;
}

static void begin(bytes *file, int width, int height) {
    file->data = calloc(1, (size_t)1 << 22);
    memcpy(file->data, "RIFF\0\0\0\0WEBPVP8X\12\0\0\0\22\0\0\0", 24);
    put(file->data + 24, (uint32_t)width - 1, 3);
    put(file->data + 27, (uint32_t)height - 1, 3);
    memcpy(file->data + 30, "ANIM\6\0\0\0\0\0\0\0\0\0", 14);
    file->size = 44;
}

/* What a still WebP holds, as a frame at (x, y), both even. */
static void add(bytes *file, const bytes *still, int x, int y, int width, int height, int ms,
                int flags) {
    size_t from = 12;
    if (memcmp(still->data + from, "VP8X", 4) == 0) from += 18;
    size_t payload = still->size - from;
    uint8_t *to = file->data + file->size;
    assert_true(file->size + 24 + payload < (size_t)1 << 22);
    memcpy(to, "ANMF", 4);
    put(to + 4, (uint32_t)(16 + payload), 4);
    put(to + 8, (uint32_t)x / 2, 3);
    put(to + 11, (uint32_t)y / 2, 3);
    put(to + 14, (uint32_t)width - 1, 3);
    put(to + 17, (uint32_t)height - 1, 3);
    put(to + 20, (uint32_t)ms, 3);
    to[23] = (uint8_t)flags;
    memcpy(to + 24, still->data + from, payload);
    file->size += 24 + payload + (payload & 1);
    put(file->data + 4, (uint32_t)file->size - 8, 4);
}

/* Place of the n-th ANMF. */
static size_t find_frame(const bytes *file, int n) {
    size_t at = 12;
    for (;;) {
        assert_true(at + 8 <= file->size);
        if (memcmp(file->data + at, "ANMF", 4) == 0 && n-- == 0) return at;
        size_t size = get(file->data + at + 4, 4);
        at += 8 + size + (size & 1);
    }
}

#define MOVING(rate) " -f lavfi -i testsrc2=s=170x98:r=" rate ":d=1 -c:v libwebp_anim "

/* Largest and mean difference to the reference; times must be equal. */
static void compare(const char *path, int *largest, double *mean) {
    bytes file = read_file(path);
    reference r = {0};
    if (!reference_open(&r, (const char *)file.data, file.size)) {
        print_message("skipped: no libwebpdemux.so.2\n");
        free(file.data);
        skip();
    }
    media_options options = media_options_default();
    options.max_height = 0;
    media_reader *reader = NULL;
    assert_int_equal(media_open(ctx, path, &options, &reader), AFFECT_OK);
    assert_string_equal(media_reader_info(reader)->format, "webp");
    int end = 0, before = 0;
    double sum = 0, count = 0;
    *largest = 0;
    for (const uint8_t *expected; (expected = reference_next(&r, &end)); before = end) {
        media_item item;
        assert_int_equal(media_next(reader, &item), AFFECT_OK);
        assert_int_equal(item.kind, MEDIA_FRAME);
        assert_int_equal(item.frame.time, before * AFFECT_MILLISECOND);
        assert_int_equal(item.frame.duration, (end - before) * AFFECT_MILLISECOND);
        assert_int_equal(item.frame.width, r.info[0]);
        assert_int_equal(item.frame.height, r.info[1]);
        for (int y = 0; y < item.frame.height; y++)
            for (int x = 0; x < item.frame.width; x++, expected += 4)
                for (int c = 0; c < 3; c++, count++) {
                    /* Nothing is to be seen there: any colour. */
                    if (expected[3] == 0) continue;
                    const uint8_t *ours = item.frame.rgb + (size_t)y * item.frame.stride;
                    int off = abs(ours[x * 3 + c] - expected[c]);
                    *largest = BASE_MAX(*largest, off);
                    sum += off;
                }
    }
    media_item item;
    assert_int_equal(media_next(reader, &item), AFFECT_OK);
    assert_int_equal(item.kind, MEDIA_END);
    media_close(reader);
    reference_close(&r);
    free(file.data);
    *mean = sum / count;
    print_message("%s: largest difference %d, mean %.3f\n", path, *largest, *mean);
}

/* ---- tests ---- */

static void test_encoder(void **state) {
    (void)state;
    NEED_FFMPEG();
    int largest;
    double mean;
    compare(make("lossless.webp", MOVING("10") "-lossless 1"), &largest, &mean);
    assert_int_equal(largest, 0);
    compare(make("uneven.webp", MOVING("30") "-lossless 1"), &largest, &mean); /* 33 and 34 ms */
    assert_int_equal(largest, 0);
    /* Chroma is brought to full size in two ways. */
    compare(make("lossy.webp", MOVING("10") "-quality 90"), &largest, &mean);
    assert_true(mean < 3);
}

/* Frames of several sizes, opaque and not, lossy and not, blended or not, disposed of or not. */
static void test_canvas(void **state) {
    (void)state;
    NEED_FFMPEG();
    static const struct {
        int width, height;
        const char *alpha, *options;
    } kinds[] = {{64, 48, "255", "-pix_fmt bgra -lossless 1"},
                 {31, 17, "X*8", "-pix_fmt bgra -lossless 1"},
                 {40, 40, "if(gt(X,20),255,0)", "-pix_fmt bgra -lossless 1"},
                 {64, 48, "255*gt(Y,9)", "-pix_fmt yuva420p -quality 95"},
                 {1, 1, "128", "-pix_fmt bgra -lossless 1"}};
    enum { KINDS = BASE_COUNT(kinds) };
    bytes stills[KINDS];
    for (size_t k = 0; k < KINDS; k++) {
        char name[32];
        snprintf(name, sizeof name, "still%zu.webp", k);
        const char *grey = k == 3 ? "p(0,0)" : "p(X,Y)"; /* of one colour: no edges of chroma */
        stills[k] = read_file(make(
            name,
            "-f lavfi -i \"testsrc2=s=%dx%d,format=rgba,geq=r='%s':g='%s':b='%s':a='%s'\" "
            "-frames:v 1 -c:v libwebp %s",
            kinds[k].width, kinds[k].height, grey, grey, grey, kinds[k].alpha, kinds[k].options));
    }
    bytes file;
    begin(&file, 64, 48);
    uint32_t seed = 7;
    for (int i = 0; i < 120; i++) {
        seed = seed * 1664525 + 1013904223;
        size_t k = (seed >> 24) % KINDS;
        int x = (int)(seed >> 8) % (64 - kinds[k].width + 1) & ~1;
        int y = (int)(seed >> 16) % (48 - kinds[k].height + 1) & ~1;
        add(&file, &stills[k], x < 0 ? 0 : x, y < 0 ? 0 : y, kinds[k].width, kinds[k].height,
            20 + (int)(seed % 90), (int)(seed >> 28) & 3);
    }
    int largest;
    double mean;
    compare(write_file("canvas.webp", file.data, file.size), &largest, &mean);
    /* Each blending rounds, in the reference downward. */
    assert_true(largest <= 4);
    assert_true(mean < .2);
    free(file.data);
    for (size_t k = 0; k < KINDS; k++) free(stills[k].data);
}

static void test_times(void **state) {
    (void)state;
    NEED_FFMPEG();
    bytes file = read_file(make("times.webp", MOVING("5") "-lossless 1"));
    static const int given[] = {0, 10, 11, 2000, 333}, shown[] = {100, 100, 11, 2000, 333};
    for (int i = 0; i < 5; i++) put(file.data + find_frame(&file, i) + 20, (uint32_t)given[i], 3);
    heard *h = hear(write_file("times2.webp", file.data, file.size));
    assert_int_equal(h->status, AFFECT_OK);
    assert_int_equal(h->frames, 5);
    assert_int_equal(h->gaps, 0);
    double at = 0;
    for (int i = 0; i < 5; at += shown[i++] * MS) {
        assert_near(h->frame_time[i], at, 1e-9);
        assert_near(h->frame_duration[i], shown[i] * MS, 1e-9);
    }
    assert_near(time_to_seconds(h->info.duration), at, 1e-9);
    assert_near(h->info.fps, 5 / at, 1e-6);
    assert_false(h->info.is_picture);
    assert_false(h->info.has_audio);
    free(h);
    free(file.data);
}

static int64_t read_bytes(void *user, void *out, size_t size) {
    bytes *left = user;
    size = BASE_MIN(BASE_MIN(size, left->size), (size_t)1000);
    if (size > 0) memcpy(out, left->data, size);
    left->data += size;
    left->size -= size;
    return (int64_t)size;
}

/* What cannot be sought in gives the same pictures at the same times. */
static void test_pipe(void **state) {
    (void)state;
    NEED_FFMPEG();
    const char *path = make("pipe.webp", MOVING("10"));
    heard *expected = hear(path), *h = calloc(1, sizeof *h);
    bytes file = read_file(path), left = file;
    media_source source = {.user = &left, .read = read_bytes};
    media_reader *reader = NULL;
    assert_int_equal(media_open_source(ctx, &source, "pipe.webp", NULL, &reader), AFFECT_OK);
    h->flash = NAN;
    h->hash = UINT64_C(14695981039346656037);
    for (media_item item;;) {
        assert_int_equal(media_next(reader, &item), AFFECT_OK);
        if (item.kind == MEDIA_END) break;
        assert_int_equal(item.kind, MEDIA_FRAME);
        hear_frame(h, &item.frame);
    }
    media_close(reader);
    assert_int_equal(h->frames, 10);
    assert_int_equal(h->frames, expected->frames);
    assert_true(h->hash == expected->hash);
    assert_near(h->last_frame_end, expected->last_frame_end, 0);
    free(file.data);
    free(expected);
    free(h);
}

/* An animation of one frame, WebP or GIF, is a picture. */
static void test_one_frame(void **state) {
    (void)state;
    NEED_FFMPEG();
    bytes still = read_file(make("one-still.webp", "-f lavfi -i testsrc2=s=64x48 -frames:v 1 "
                                                   "-c:v libwebp -lossless 1")),
          file;
    begin(&file, 64, 48);
    add(&file, &still, 0, 0, 64, 48, 70, 0);
    const char *paths[] = {write_file("one.webp", file.data, file.size),
                           make("one.gif", "-f lavfi -i testsrc2=s=64x48 -frames:v 1")};
    for (size_t i = 0; i < BASE_COUNT(paths); i++) {
        heard *h = hear(paths[i]);
        assert_int_equal(h->status, AFFECT_OK);
        assert_true(h->info.is_picture);
        assert_int_equal(h->frames, 1);
        assert_int_equal(h->gaps, 0);
        assert_int_equal(h->info.duration, 0);
        assert_near(h->frame_duration[0], 0, 0);
        free(h);
    }
    heard *h = hear(make("two.gif", "-f lavfi -i testsrc2=s=64x48:r=5 -frames:v 2"));
    assert_false(h->info.is_picture);
    assert_int_equal(h->frames, 2);
    free(h);
    free(still.data);
    free(file.data);
}

static void test_damage(void **state) {
    (void)state;
    NEED_FFMPEG();
    bytes file = read_file(make("whole.webp", MOVING("5")));
    size_t third = find_frame(&file, 2), fourth = find_frame(&file, 3);
    /* One frame is overwritten: its time is missing, what comes later is there. */
    uint8_t *copy = malloc(file.size);
    memcpy(copy, file.data, file.size);
    memset(copy + third + 24, 0xA5, fourth - third - 24);
    heard *h = hear(write_file("middle.webp", copy, file.size));
    tell("middle.webp", h);
    assert_int_equal(h->status, AFFECT_OK);
    assert_int_equal(h->frames, 4);
    assert_near(h->last_frame_end, 1, 1e-9);
    assert_int_equal(h->gaps, 1);
    assert_near(h->gap[0].t0, .4, 1e-9);
    assert_near(h->gap[0].t1, .6, 1e-9);
    free(h);
    /* So is one that does not lie on the canvas. */
    memcpy(copy, file.data, file.size);
    put(copy + third + 8, 60, 3);
    h = hear(write_file("outside.webp", copy, file.size));
    assert_int_equal(h->frames, 4);
    assert_int_equal(h->gaps, 1);
    free(h);
    /* Cut in the fourth frame, or before it: said up to the end that is known or likely. */
    for (int inside = 0; inside < 2; inside++) {
        h = hear(write_file("cut.webp", file.data, fourth + (inside ? 200 : 0)));
        tell("cut.webp", h);
        assert_int_equal(h->status, AFFECT_OK);
        assert_int_equal(h->frames, 3);
        assert_int_equal(h->gaps, 1);
        assert_near(h->gap[0].t0, .6, 1e-9);
        assert_true(h->gap[0].t1 >= .8 && h->gap[0].t1 < 1.5);
        free(h);
    }
    /* Canvases beyond the limit. */
    memcpy(copy, file.data, file.size);
    put(copy + 24, 0xFFFFFF, 3);
    put(copy + 27, 0xFFFFFF, 3);
    h = hear(write_file("huge.webp", copy, file.size));
    assert_int_equal(h->status, AFFECT_ERROR_LIMIT);
    free(h);
    /* Whatever else happens to it, reading ends. */
    uint32_t seed = 11;
    for (int i = 0; i < 400; i++) {
        memcpy(copy, file.data, file.size);
        for (int k = 0; k < 1 + i % 8; k++) {
            seed = seed * 1664525 + 1013904223;
            size_t at = (seed >> 8) % (i % 2 ? file.size : 200);
            if (at >= 24 && at < 30) continue; /* large canvases only take long */
            copy[at] = (uint8_t)(seed >> 3);
        }
        free(hear(
            write_file("mutated.webp", copy, i % 3 ? file.size : (seed >> 8) % file.size + 1)));
    }
    free(copy);
    free(file.data);
}

static void test_memory(void **state) {
    (void)state;
    NEED_FFMPEG();
    const char *path = make("memory.webp", MOVING("5"));
    base_alloc_fail_at(0);
    heard *h = hear(path);
    assert_int_equal(h->status, AFFECT_OK);
    long count = base_alloc_count();
    free(h);
    assert_true(count > 0);
    for (long n = 1; n <= count; n++) {
        base_alloc_fail_at(n);
        h = hear(path);
        base_alloc_fail_at(0);
        assert_int_equal(h->status, AFFECT_ERROR_MEMORY);
        free(h);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_encoder),   cmocka_unit_test(test_canvas),
        cmocka_unit_test(test_times),     cmocka_unit_test(test_pipe),
        cmocka_unit_test(test_one_frame), cmocka_unit_test(test_damage),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests_name("media/webp", tests, make_folder, remove_folder);
}
