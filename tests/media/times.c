/* Times of known events through containers, codecs and edits: a frame within half a frame, a sample
 * within a millisecond. */
#include "tests/media/recording.h"

/* ---- containers ---- */

typedef struct container {
    const char *name, *arguments;
    double lead; /* up to this much may stand before the first instant: encoder delay that the
                    container does not mark as such, so that it is part of the recording; below 0,
                    what the decoder needs before its first sample */
    bool video, audio;
} container;

static const container containers[] = {
    {"x.mp4", VIDEO AUDIO H264 "-c:a aac", 0, true, true},
    {"fragments.mp4", VIDEO AUDIO H264 "-c:a aac -movflags frag_keyframe+delay_moov", .022, true,
     true},
    {"x.mov", VIDEO AUDIO "-c:v mjpeg -c:a pcm_s16le", 0, true, true},
    {"x.mkv", VIDEO AUDIO H264 "-c:a aac", .022, true, true},
    {"flac.mkv", VIDEO AUDIO H264 "-c:a flac", 0, true, true},
    {"x.webm", VIDEO AUDIO "-c:v libvpx -deadline realtime -cpu-used 8 -c:a libopus", 0, true,
     true},
    {"x.ts", VIDEO AUDIO H264 "-c:a aac", .045, true, true},
    {"mp2.ts", VIDEO AUDIO "-c:v mpeg2video -c:a mp2", .045, true, true},
    {"x.mpg", VIDEO AUDIO "-c:v mpeg2video -c:a mp2", .045, true, true},
    {"x.avi", VIDEO AUDIO "-c:v mpeg4 -c:a pcm_s16le", 0, true, true},
    {"x.flv", VIDEO AUDIO H264 "-c:a aac -ar 44100", .045, true, true},
    {"x.ogv", VIDEO AUDIO "-c:v libtheora -c:a libvorbis", 0, true, true},
    {"x.nut", VIDEO AUDIO "-c:v ffv1 -c:a pcm_f32le", 0, true, true},
    {"silent.mp4", VIDEO H264, 0, true, false},
    {"x.gif", VIDEO, 0, true, false},
    {"x.wav", AUDIO, 0, false, true},
    {"float.wav", AUDIO "-c:a pcm_f32le", 0, false, true},
    {"double.wav", AUDIO "-c:a pcm_f64le", 0, false, true},
    {"x.flac", AUDIO, 0, false, true},
    {"x.mp3", AUDIO, 0, false, true},
    {"x.ogg", AUDIO "-c:a libvorbis", 0, false, true},
    {"x.opus", AUDIO "-c:a libopus", 0, false, true},
    {"x.m4a", AUDIO, 0, false, true},
    {"x.aac", AUDIO, .045, false, true},
    {"x.aiff", AUDIO, 0, false, true},
    {"x.wma", AUDIO, -.043, false, true},
};

static void test_containers(void **state) {
    (void)state;
    NEED_FFMPEG();
    for (size_t i = 0; i < BASE_COUNT(containers); i++) {
        const container *c = &containers[i];
        heard *h = hear(make(c->name, "%s", c->arguments));
        tell(c->name, h);
        assert_int_equal(h->status, AFFECT_OK);
        assert_int_equal(h->info.has_video, c->video);
        assert_int_equal(h->info.has_audio, c->audio);
        assert_false(h->info.is_picture);
        assert_true(h->in_order);
        assert_true(h->contiguous);
        assert_int_equal(h->gaps, 0);
        double lead = 0;
        if (c->audio) {
            lead = h->beep - 1;
            assert_true(lead > fmin(c->lead, 0) - 1 * MS && lead < fmax(c->lead, 0) + 1 * MS);
            /* Codecs whose container marks their padding give the right length to the sample. */
            if (c->lead == 0 && !c->video) assert_int_equal(h->samples, 3 * 16000);
        }
        if (c->video) {
            assert_near(h->flash, 1 + lead, HALF_FRAME);
            /* Theora and GIF leave out pictures that repeat the one before. */
            bool repeats = strstr(c->name, ".ogv") || strstr(c->name, ".gif");
            if (!repeats) assert_int_equal(h->frames, 75);
            if (!repeats) assert_near(h->info.fps, 25, .1);
            assert_near(h->last_frame_end, 3 + h->first_frame, repeats ? .5 : .001);
        }
        if (c->lead == 0) assert_near(time_to_seconds(h->info.duration), 3, .05);
        free(h);
    }
}

/* ---- starts, offsets, edits ---- */

static void test_starts(void **state) {
    (void)state;
    NEED_FFMPEG();
    static const struct {
        const char *name, *arguments;
        double flash, beep, start;
    } cases[] = {
        /* Sound 0.5 s late, 0.5 s early: the first instant is that of the earlier stream. */
        {"late_sound.mp4", VIDEO "-itsoffset 0.5" AUDIO H264 "-c:a aac", 1, 1.5, 0},
        {"late_picture.mp4", "-itsoffset 0.48" VIDEO AUDIO H264 "-c:a aac", 1.48, 1, 0},
        {"late_sound.mkv", VIDEO "-itsoffset 0.5" AUDIO H264 "-c:a flac", 1, 1.5, 0},
        {"late_picture.ts", "-itsoffset 0.48" VIDEO AUDIO H264 "-c:a mp2", 1.48, 1, NAN},
        {"odd_offset.mkv", VIDEO "-itsoffset 0.1234" AUDIO "-c:v mjpeg -c:a pcm_s16le", 1, 1.1234,
         0},
        {"odd_offset.mov", VIDEO "-itsoffset 0.12345" AUDIO "-c:v mjpeg -c:a pcm_s16le", 1, 1.12345,
         0},
        /* Both late: the recording begins with its first instant, wherever its clock stands. */
        {"late.mkv", "-itsoffset 7.24" VIDEO "-itsoffset 7.24" AUDIO "-copyts -c:v mjpeg -c:a flac",
         1, 1, 7.24},
        {"late.ts",
         "-itsoffset 4000" VIDEO "-itsoffset 4000" AUDIO "-copyts -c:v mpeg2video -c:a mp2", 1, 1,
         NAN},
        {"negative.asf",
         "-itsoffset -2.48" VIDEO "-itsoffset -2.48" AUDIO
         "-copyts -avoid_negative_ts disabled -c:v mjpeg -c:a pcm_s16le",
         1, 1, -2.48},
        /* The clock of a transport stream is 33 bits wide and runs over after 26.5 h. */
        {"wrap.ts",
         "-itsoffset 95442.72" VIDEO "-itsoffset 95442.72" AUDIO
         "-copyts -muxdelay 0 -c:v mpeg2video -c:a mp2",
         1, 1, NAN},
    };
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        heard *h = hear(make(cases[i].name, "%s -vsync passthrough", cases[i].arguments));
        tell(cases[i].name, h);
        assert_int_equal(h->status, AFFECT_OK);
        assert_int_equal(h->gaps, 0);
        assert_true(h->in_order);
        /* mp2 in a transport stream has a lead of 10 ms that nothing marks. */
        double lead = strstr(cases[i].name, ".ts") && cases[i].flash == cases[i].beep
                          ? h->beep - cases[i].beep
                          : 0;
        assert_true(lead >= -MS && lead < .012);
        assert_near(h->beep - lead, cases[i].beep, strstr(cases[i].name, ".ts") ? .012 : MS);
        assert_near(h->flash - lead, cases[i].flash, HALF_FRAME);
        if (!isnan(cases[i].start))
            assert_near(time_to_seconds(h->info.start), cases[i].start, .002);
        free(h);
    }
}

static void test_edit_list(void **state) {
    (void)state;
    NEED_FFMPEG();
    make("whole.mp4", "%s", VIDEO AUDIO H264 "-g 75 -c:a aac");
    /* Copied from the middle of a group of pictures: an edit list hides what comes before. */
    heard *h = hear(make("edited.mp4", "-ss 0.52 -i whole.mp4 -c copy"));
    tell("edited.mp4", h);
    assert_int_equal(h->status, AFFECT_OK);
    assert_int_equal(h->gaps, 0);
    assert_near(h->flash - h->beep, 0, HALF_FRAME);
    assert_near(h->flash, .48, HALF_FRAME);
    assert_near(h->beep, .48, MS);
    assert_near(h->last_frame, 3 - .52 - .04, HALF_FRAME);
    free(h);
}

/* 40 ms steps, then 100, then 20 ms, made by moving the time stamps of a constant rate. */
static void test_variable_rate(void **state) {
    (void)state;
    NEED_FFMPEG();
    static const char *const names[] = {"vfr.mp4", "vfr.mkv", "vfr.webm", "vfr.mov"};
    for (size_t i = 0; i < BASE_COUNT(names); i++) {
        const char *codec = strstr(names[i], "webm") ? "-c:v libvpx -deadline realtime -cpu-used 8 "
                            : strstr(names[i], "mov") ? "-c:v mjpeg "
                                                      : H264;
        heard *h = hear(make(
            names[i],
            "-f lavfi -i \"color=c=black:s=160x120:r=25:d=3,"
            "drawbox=c=white:t=fill:enable='eq(n,22)',settb=1/1000,"
            "setpts='if(lt(N,10),N*0.04,if(lt(N,20),0.4+(N-10)*0.1,1.4+(N-20)*0.02))/TB'\" " AUDIO
            "%s -vsync passthrough -enc_time_base -1 -c:a %s",
            codec,
            strstr(names[i], "webm")  ? "libopus"
            : strstr(names[i], "mov") ? "pcm_s16le"
                                      : "flac -strict -2"));
        tell(names[i], h);
        assert_int_equal(h->status, AFFECT_OK);
        assert_int_equal(h->gaps, 0);
        assert_int_equal(h->frames, 75);
        double shift = h->first_frame; /* the muxer's 7 ms for Opus */
        assert_near(shift, 0, .0071);
        assert_near(h->flash - shift, 1.44, .0011);
        for (int n = 0; n + 1 < 75; n++) {
            double t = n < 10 ? n * .04 : n < 20 ? .4 + (n - 10) * .1 : 1.4 + (n - 20) * .02;
            assert_near(h->frame_time[n] - shift, t, .0011);
            assert_near(h->frame_duration[n], h->frame_time[n + 1] - h->frame_time[n], 1e-8);
        }
        free(h);
    }
}

static void test_frame_limit(void **state) {
    (void)state;
    NEED_FFMPEG();
    const char *path = make("fast.mkv", VIDEO_IN("64x48", "50") "-c:v mjpeg");
    media_options options = media_options_default();
    static const struct {
        double limit;
        long frames;
    } cases[] = {{0, 150}, {60, 150}, {50, 150}, {25, 75}, {10, 30}, {20, 60}, {1, 3}};
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        options.max_fps = cases[i].limit;
        heard *h = hear_with(path, &options);
        assert_int_equal(h->status, AFFECT_OK);
        assert_int_equal(h->frames, cases[i].frames);
        for (long n = 0; n + 1 < h->frames; n++) /* a frame lasts until the next one */
            assert_near(h->frame_time[n] + h->frame_duration[n], h->frame_time[n + 1], 1e-8);
        free(h);
    }
}

/* The time axis is the same whatever a run asks for. */
static void test_one_axis(void **state) {
    (void)state;
    NEED_FFMPEG();
    const char *path =
        make("axis.mkv", "-itsoffset 0.32" VIDEO AUDIO "-vsync passthrough -c:v mjpeg -c:a flac");
    media_options options = media_options_default();
    options.want_audio = false;
    heard *h = hear_with(path, &options);
    assert_int_equal(h->samples, 0);
    assert_near(h->flash, 1.32, HALF_FRAME);
    free(h);
    path =
        make("axis2.mkv", VIDEO "-itsoffset 0.3" AUDIO "-vsync passthrough -c:v mjpeg -c:a flac");
    options = media_options_default();
    options.want_video = false;
    h = hear_with(path, &options);
    assert_int_equal(h->frames, 0);
    assert_near(h->beep, 1.3, MS);
    free(h);
}

static void test_pipe(void **state) {
    (void)state;
    NEED_FFMPEG();
    static const struct {
        const char *name, *arguments;
    } cases[] = {
        {"pipe.mkv", VIDEO AUDIO H264 "-c:a aac"},
        {"pipe.mp4", VIDEO AUDIO H264 "-c:a aac -movflags +faststart"},
        {"pipe.ts", VIDEO AUDIO H264 "-c:a aac"},
        {"pipe.wav", AUDIO},
        {"pipe.flac", AUDIO},
        {"pipe.png", VIDEO "-ss 1.1 -frames:v 1"},
    };
    int kept = dup(STDIN_FILENO);
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        const char *path = make(cases[i].name, "%s", cases[i].arguments);
        heard *file = hear(path);
        for (int redirected = 0; redirected < 2; redirected++) {
            char command[512];
            snprintf(command, sizeof command, "cat %s", path);
            FILE *pipe_in = redirected ? fopen(path, "r") : popen(command, "r");
            assert_non_null(pipe_in);
            dup2(fileno(pipe_in), STDIN_FILENO);
            heard *h = hear("-");
            dup2(kept, STDIN_FILENO);
            redirected ? fclose(pipe_in) : pclose(pipe_in);
            if (!redirected) tell(cases[i].name, h);
            assert_int_equal(h->status, AFFECT_OK);
            assert_int_equal(h->samples, file->samples);
            assert_int_equal(h->frames, file->frames);
            assert_int_equal(h->gaps, file->gaps);
            assert_true(h->hash == file->hash);
            free(h);
        }
        free(file);
    }
    close(kept);
}

/* Without the pictures that no other is made from: fewer, each at its time, and the end is where it was. */
static void test_sparse(void **state) {
    (void)state;
    NEED_FFMPEG();
    static const char *const names[] = {"sparse.mp4", "sparse.mkv"};
    for (size_t i = 0; i < BASE_COUNT(names); i++) {
        media_options options = media_options_default();
        const char *path = make(names[i], VIDEO_IN("160x120", "25") AUDIO
                                "-c:v libx264 -bf 3 -g 50 -pix_fmt yuv420p "
                                "-x264-params b-adapt=0 -c:a flac -strict -2");
        heard *all = hear_with(path, &options);
        options.sparse = true;
        heard *few = hear_with(path, &options);
        assert_int_equal(all->frames, 75);
        assert_in_range(few->frames, 20, 50);
        assert_int_equal(few->gaps, 0);
        assert_int_equal(few->samples, all->samples);
        long at = 0;
        for (long n = 0; n < few->frames; n++) {
            while (at < all->frames && all->frame_time[at] < few->frame_time[n] - 1e-9) at++;
            assert_near(all->frame_time[at], few->frame_time[n], 1e-9);
            if (n + 1 < few->frames)
                assert_near(few->frame_time[n] + few->frame_duration[n], few->frame_time[n + 1],
                            1e-8);
        }
        free(all);
        free(few);
    }
}

/* Where too few pictures would be left, all are taken from the first on that is far from the one before. */
static void test_sparse_of_few(void **state) {
    (void)state;
    NEED_FFMPEG();
    media_options options = media_options_default();
    const char *path = make("few.mp4", VIDEO_IN("160x120", "10") AUDIO
                            "-c:v libx264 -bf 3 -g 50 -pix_fmt yuv420p "
                            "-x264-params b-adapt=0 -c:a flac -strict -2");
    options.sparse = true;
    heard *few = hear_with(path, &options);
    assert_in_range(few->frames, 22, 30);
    free(few);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_containers),    cmocka_unit_test(test_starts),
        cmocka_unit_test(test_edit_list),     cmocka_unit_test(test_variable_rate),
        cmocka_unit_test(test_frame_limit),   cmocka_unit_test(test_one_axis),
        cmocka_unit_test(test_pipe),          cmocka_unit_test(test_sparse),
        cmocka_unit_test(test_sparse_of_few),
    };
    return cmocka_run_group_tests_name("media/times", tests, make_folder, remove_folder);
}
