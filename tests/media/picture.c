/* Pictures: rotation, pixel aspect, sizes, colours, stills. */
#include "tests/media/recording.h"

/* First frame of a recording as packed RGB (caller frees). */
static uint8_t *first_picture(const char *path, const media_options *options, int *w, int *h) {
    media_reader *reader = NULL;
    if (media_open(ctx, path, options, &reader) != AFFECT_OK)
        fail_msg("%s", affect_context_message(ctx));
    media_item item;
    do assert_int_equal(media_next(reader, &item), AFFECT_OK);
    while (item.kind == MEDIA_AUDIO || item.kind == MEDIA_GAP);
    assert_int_equal(item.kind, MEDIA_FRAME);
    *w = item.frame.width;
    *h = item.frame.height;
    assert_true(item.frame.stride >= (size_t)*w * 3);
    uint8_t *rgb = malloc((size_t)*w * (size_t)*h * 3);
    for (int y = 0; y < *h; y++)
        memcpy(rgb + (size_t)y * (size_t)*w * 3, item.frame.rgb + (size_t)y * item.frame.stride,
               (size_t)*w * 3);
    media_close(reader);
    return rgb;
}

/* Mean colour of the quarter (0 or 1, 0 or 1), as a letter: r, g, b, w, k or ?. */
static char colour(const uint8_t *rgb, int w, int h, int right, int lower) {
    double sum[3] = {0};
    int n = 0;
    for (int y = h / 8 + lower * h / 2; y < 3 * h / 8 + lower * h / 2; y++)
        for (int x = w / 8 + right * w / 2; x < 3 * w / 8 + right * w / 2; x++, n++)
            for (int c = 0; c < 3; c++) sum[c] += rgb[((size_t)y * (size_t)w + (size_t)x) * 3 + c];
    int bits = 0;
    for (int c = 0; c < 3; c++) {
        double mean = sum[c] / n;
        if (mean > 60 && mean < 190) return '?';
        bits |= (mean > 128) << c;
    }
    static const char names[8] = {'k', 'r', 'g', '?', 'b', '?', '?', 'w'};
    return names[bits];
}

/* Upper left red, upper right green, lower left blue, lower right white. */
#define QUARTERS                                                                                   \
    " -f lavfi -i \"color=c=red:s=160x96:r=25:d=0.4,drawbox=80:0:80:48:lime:fill,"                 \
    "drawbox=0:48:80:48:blue:fill,drawbox=80:48:80:48:white:fill\" "

static void see_quarters(const char *path, const media_options *options, int width, int height,
                         const char *expected) {
    int w, h;
    uint8_t *rgb = first_picture(path, options, &w, &h);
    char seen[5] = {colour(rgb, w, h, 0, 0), colour(rgb, w, h, 1, 0), colour(rgb, w, h, 0, 1),
                    colour(rgb, w, h, 1, 1), 0};
    print_message("%s: %dx%d %s\n", path, w, h, seen);
    assert_int_equal(w, width);
    assert_int_equal(h, height);
    assert_string_equal(seen, expected);
    free(rgb);
}

static void test_rotation(void **state) {
    (void)state;
    NEED_FFMPEG();
    make("plain.mp4", "%s", QUARTERS "-c:v libx264 -preset ultrafast -crf 10 -pix_fmt yuv444p");
    /* What the ffmpeg command itself makes of the tag is the reference (5.1 turns anticlockwise).
     */
    static const struct {
        int angle, width, height;
        const char *expected, *other;
    } cases[] = {{0, 160, 96, "rgbw", "rgbw"},
                 {90, 96, 160, "brwg", "gwrb"},
                 {180, 160, 96, "wbgr", "wbgr"},
                 {270, 96, 160, "gwrb", "brwg"}};
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        char name[32];
        snprintf(name, sizeof name, "turn%d.mp4", cases[i].angle);
        const char *path =
            make(name, "-i plain.mp4 -c copy -metadata:s:v rotate=%d", cases[i].angle);
        int rw, rh;
        uint8_t *rgb = first_picture(make("turned.png", "-i %s -frames:v 1", name), NULL, &rw, &rh);
        bool other = colour(rgb, rw, rh, 0, 0) == cases[i].other[0];
        const char *expected = other ? cases[i].other : cases[i].expected;
        free(rgb);
        see_quarters(path, NULL, cases[i].width, cases[i].height, expected);
        heard *h = hear(path);
        assert_int_equal(h->info.width, cases[i].width);
        assert_int_equal(h->info.height, cases[i].height);
        assert_int_equal(h->frames, 10);
        free(h);
        media_options options = media_options_default();
        options.max_height = 48; /* of the picture as it is shown */
        int w = (cases[i].width * 48 + cases[i].height / 2) / cases[i].height;
        see_quarters(path, &options, w, 48, expected);
    }
}

static void test_aspect(void **state) {
    (void)state;
    NEED_FFMPEG();
    static const struct {
        const char *name, *sar;
        int width, height;
    } cases[] = {
        {"wide.mp4", "2/1", 320, 96},   {"narrow.mp4", "1/2", 80, 96},
        {"wide.mkv", "2/1", 320, 96},   {"anamorphic.mpg", "16/15", 171, 96},
        {"square.mp4", "1/1", 160, 96}, {"absurd.mkv", "1000/1", 160, 96},
    };
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        const char *codec = strstr(cases[i].name, "mpg")
                                ? "-c:v mpeg2video -aspect 16:9 -q:v 2"
                                : "-c:v libx264 -preset ultrafast -crf 10 -pix_fmt yuv444p";
        const char *path = make(cases[i].name, QUARTERS "-vf setsar=%s %s", cases[i].sar, codec);
        see_quarters(path, NULL, cases[i].width, cases[i].height, "rgbw");
    }
    /* Rotation and aspect together: 160x96 with pixels twice as wide is 320x96, turned 96x320. */
    make("both0.mp4",
         QUARTERS "-vf setsar=2 -c:v libx264 -preset ultrafast -crf 10 -pix_fmt yuv444p");
    see_quarters(make("both.mp4", "-i both0.mp4 -c copy -metadata:s:v rotate=180"), NULL, 320, 96,
                 "wbgr");
    heard *h = hear(make("both2.mp4", "-i both0.mp4 -c copy -metadata:s:v rotate=90"));
    assert_int_equal(h->width, 96);
    assert_int_equal(h->height, 320);
    free(h);
}

static void test_sizes(void **state) {
    (void)state;
    NEED_FFMPEG();
    static const struct {
        const char *size, *codec;
        int width, height;
    } cases[] = {
        {"1x1", "-c:v ffv1 -pix_fmt bgr0", 1, 1},
        {"1x1", "-c:v mjpeg", 1, 1},
        {"2x2", "-c:v libx264 -preset ultrafast", 2, 2},
        {"3x5", "-c:v ffv1", 3, 5},
        {"1x1000", "-c:v ffv1", 1, 720},
        {"16000x2", "-c:v ffv1", 16000, 2},
        {"1280x720", "-c:v mjpeg", 1280, 720},
        {"1920x1080", "-c:v mjpeg", 1280, 720},
        {"7680x4320", "-c:v mjpeg", 1280, 720},
        {"4320x7680", "-c:v mjpeg", 405, 720},
    };
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        const char *path =
            make("size.mkv", "-f lavfi -i color=c=red:s=16x16:r=25:d=0.08,scale=%s,setsar=1 %s",
                 cases[i].size, cases[i].codec);
        heard *h = hear(path);
        print_message("%s %s: %s %dx%d\n", cases[i].size, cases[i].codec,
                      affect_status_name(h->status), h->width, h->height);
        assert_int_equal(h->status, AFFECT_OK);
        assert_int_equal(h->frames, 2);
        assert_int_equal(h->width, cases[i].width);
        assert_int_equal(h->height, cases[i].height);
        free(h);
    }
    /* Beyond the documented 67 million pixels. */
    heard *h = hear(make("huge.png", "-f lavfi -i color=c=red:s=9000x9000:d=0.04 -frames:v 1"));
    assert_int_equal(h->status, AFFECT_ERROR_LIMIT);
    assert_non_null(strstr(affect_context_message(ctx), "9000"));
    free(h);
}

/* The size of the pictures changes in the middle. */
static void test_size_change(void **state) {
    (void)state;
    NEED_FFMPEG();
    make("a.ts", "%s", VIDEO_IN("160x120", "25") "-c:v mpeg2video -t 1");
    make("b.ts", "%s", VIDEO_IN("320x180", "25") "-c:v mpeg2video -t 1 -output_ts_offset 1");
    heard *h = hear(make("ab.ts", "-i concat:a.ts'|'b.ts -c copy"));
    tell("ab.ts", h);
    assert_int_equal(h->status, AFFECT_OK);
    assert_true(h->frames >= 49);
    assert_int_equal(h->width, 320);
    assert_int_equal(h->height, 180);
    free(h);
}

static void test_stills(void **state) {
    (void)state;
    NEED_FFMPEG();
    static const char *const names[] = {"s.png",  "s.jpg", "s.bmp",       "s.webp",
                                        "s.tiff", "s.ppm", "100%03d.png", "a:b.jpg"};
    for (size_t i = 0; i < BASE_COUNT(names); i++) {
        const char *path = in_folder(names[i]);
        char made[300], command[700];
        snprintf(made, sizeof made, "made%s", strrchr(names[i], '.'));
        make(made, QUARTERS "-frames:v 1 -q:v 2");
        snprintf(command, sizeof command, "mv '%s/%s' '%s'", folder, made, path);
        assert_int_equal(system(command), 0);
        heard *h = hear(path);
        assert_int_equal(h->status, AFFECT_OK);
        assert_true(h->info.is_picture);
        assert_true(h->info.has_video);
        assert_false(h->info.has_audio);
        assert_int_equal(h->frames, 1);
        assert_int_equal(h->gaps, 0);
        assert_near(h->frame_time[0], 0, 0);
        assert_near(h->frame_duration[0], 0, 0);
        free(h);
        see_quarters(path, NULL, 160, 96, "rgbw");
    }
}

/* A cover in a sound file is not its video. */
static void test_cover(void **state) {
    (void)state;
    NEED_FFMPEG();
    make("cover.png", QUARTERS "-frames:v 1");
    heard *h = hear(make("cover.mp3", AUDIO "-i cover.png -map 0 -map 1 -c:v copy"));
    assert_int_equal(h->status, AFFECT_OK);
    assert_false(h->info.has_video);
    assert_int_equal(h->frames, 0);
    assert_near(h->beep, 1, MS);
    free(h);
}

/* Colours: BT.601 and BT.709, limited and full range give the same red. */
static void test_colours(void **state) {
    (void)state;
    NEED_FFMPEG();
    static const char *const matrices[] = {"bt709", "smpte170m"};
    for (int m = 0; m < 2; m++)
        for (int full = 0; full < 2; full++) {
            const char *path = make("colour.mkv",
                                    "-f lavfi -i color=c=0xc04020:s=64x64:d=0.04,format=rgb24 -vf "
                                    "scale=out_color_matrix=%s:out_range=%s,format=yuv444p "
                                    "-c:v libx264 -qp 1 -colorspace %s -color_range %s",
                                    m ? "bt601" : "bt709", full ? "full" : "limited", matrices[m],
                                    full ? "pc" : "tv");
            int w, h;
            uint8_t *rgb = first_picture(path, NULL, &w, &h);
            assert_near(rgb[0], 0xc0, 4);
            assert_near(rgb[1], 0x40, 4);
            assert_near(rgb[2], 0x20, 4);
            free(rgb);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rotation), cmocka_unit_test(test_aspect),
        cmocka_unit_test(test_sizes),    cmocka_unit_test(test_size_change),
        cmocka_unit_test(test_stills),   cmocka_unit_test(test_cover),
        cmocka_unit_test(test_colours),
    };
    return cmocka_run_group_tests_name("media/picture", tests, make_folder, remove_folder);
}
