/* Damaged, cut, foreign and hostile files; cancelling; memory. */
#include "tests/media/recording.h"

#include <pthread.h>

#include "base/base.h"

static char *read_whole(const char *path, size_t *length) {
    char *data = NULL;
    assert_int_equal(base_read_file(ctx, path, 0, &data, length), AFFECT_OK);
    return data;
}

static const char *write_whole(const char *name, const char *data, size_t length) {
    const char *path = in_folder(name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, length, file), length);
    fclose(file);
    return path;
}

/* One line that names the file. */
static void expect_error(const char *path, affect_status status, const char *word) {
    heard *h = hear(path);
    const char *text = affect_context_message(ctx);
    print_message("%s: %s\n", affect_status_name(h->status), text);
    assert_int_equal(h->status, status);
    assert_null(strchr(text, '\n'));
    assert_non_null(strstr(text, path));
    if (!strstr(text, word)) fail_msg("'%s' does not say '%s'", text, word);
    free(h);
}

static void test_bad_input(void **state) {
    (void)state;
    expect_error(in_folder("missing.mp4"), AFFECT_ERROR_NOT_FOUND, "no such file");
    expect_error(folder, AFFECT_ERROR_FORMAT, "folder");
    expect_error(write_whole("empty.mp4", "", 0), AFFECT_ERROR_FORMAT, "empty");
    const char *text = "Dear diary,\n\nthis is no film at all, only words about one.\n";
    static const char *const names[] = {"text.mp4", "text.mkv", "text.wav", "text.mp3",
                                        "text.jpg", "text.png", "text.avi", "text.txt"};
    for (size_t i = 0; i < BASE_COUNT(names); i++)
        expect_error(write_whole(names[i], text, strlen(text)), AFFECT_ERROR_FORMAT, "FFmpeg");
    expect_error(write_whole("one.mp4", "x", 1), AFFECT_ERROR_FORMAT, "FFmpeg");
    const char *subtitles = "1\n00:00:01,000 --> 00:00:02,000\nHello\n\n2\n00:00:03,000 --> "
                            "00:00:04,000\nWorld\n";
    expect_error(write_whole("words.srt", subtitles, strlen(subtitles)), AFFECT_ERROR_NO_STREAM,
                 "neither audio nor video");
    if (getuid() != 0) { /* root may read anything */
        const char *path = write_whole("locked.wav", text, strlen(text));
        assert_int_equal(chmod(path, 0), 0);
        expect_error(path, AFFECT_ERROR_NOT_FOUND, "ermission");
    }
    media_reader *reader = NULL;
    media_options nothing = media_options_default();
    nothing.want_audio = nothing.want_video = false;
    assert_int_equal(media_open(ctx, folder, &nothing, &reader), AFFECT_ERROR_ARGUMENT);
    assert_null(reader);
}

/* Busy pictures and sound, 4 s. With this seed what overwrites the WebM below reads as an element
 * that swallows a second of packets without a word. */
#define BUSY                                                                                       \
    " -f lavfi -i \"testsrc2=s=160x120:r=25:d=4,noise=alls=20:allf=t\" "                           \
    " -f lavfi -i \"anoisesrc=d=4:r=48000:a=0.3:seed=11\" "

static void test_absent_streams(void **state) {
    (void)state;
    NEED_FFMPEG();
    /* Streams that are announced and hold nothing. */
    expect_error(make("zero.wav", AUDIO "-t 0"), AFFECT_ERROR_NO_STREAM, "nothing");
    media_options options = media_options_default();
    options.want_video = false;
    heard *h = hear_with(make("silent.mkv", VIDEO "-c:v mjpeg"), &options);
    assert_int_equal(h->status, AFFECT_ERROR_NO_STREAM);
    assert_non_null(strstr(affect_context_message(ctx), "holds no audio"));
    free(h);
    options = media_options_default();
    options.want_audio = false;
    h = hear_with(make("dark.wav", AUDIO), &options);
    assert_int_equal(h->status, AFFECT_ERROR_NO_STREAM);
    assert_non_null(strstr(affect_context_message(ctx), "holds no video"));
    free(h);
    /* An MP4 whose index stands at its end: through a pipe it cannot be read, and that is said. */
    char command[400];
    make("late_index.mp4", BUSY H264 "-c:a aac");
    snprintf(command, sizeof command, "cat %s/late_index.mp4", folder);
    int kept = dup(STDIN_FILENO);
    FILE *in = popen(command, "r");
    dup2(fileno(in), STDIN_FILENO);
    h = hear("-");
    dup2(kept, STDIN_FILENO);
    close(kept);
    pclose(in);
    print_message("%s\n", affect_context_message(ctx));
    assert_int_not_equal(h->status, AFFECT_OK);
    assert_non_null(strstr(affect_context_message(ctx), "by name"));
    free(h);
}

static const struct {
    const char *name, *arguments;
    bool announces; /* its header says how long it is, so that a cut is known */
} kinds[] = {
    {"cut.mp4", "-c:v libx264 -preset ultrafast -bf 2 -g 25 -c:a aac -movflags +faststart", true},
    {"cut.mkv", "-c:v libx264 -preset ultrafast -g 25 -c:a flac", true},
    {"cut.webm", "-c:v libvpx -deadline realtime -cpu-used 8 -c:a libopus", true},
    {"cut.avi", "-c:v mpeg4 -c:a pcm_s16le", true},
    {"cut.ts", "-c:v mpeg2video -c:a mp2", false},
    {"cut.mpg", "-c:v mpeg2video -c:a mp2", false},
    {"cut.ogv", "-c:v libtheora -c:a libvorbis", false},
    {"cut.flac", "-vn -c:a flac", true},
    {"cut.mp3", "-vn -c:a libmp3lame -b:a 320k", true},
    {"cut.wav", "-vn", true},
    {"late.mp4", "-c:v libx264 -preset ultrafast -c:a aac", false},
};

static void check_bounded(const heard *whole, const heard *h) {
    assert_true(h->finite);
    assert_true(h->contiguous);
    assert_true(h->samples <= whole->samples + 16000);
    assert_true(h->frames <= whole->frames + 5);
    assert_true(h->gaps <= 8);
    for (int i = 0; i < h->gaps && i < MAX_GAPS; i++) {
        assert_true(h->gap[i].t0 <= h->gap[i].t1);
        assert_true(h->gap[i].t0 >= 0 && h->gap[i].t1 < 6);
    }
}

static void test_truncated(void **state) {
    (void)state;
    NEED_FFMPEG();
    for (size_t i = 0; i < BASE_COUNT(kinds); i++) {
        size_t length;
        const char *path = make(kinds[i].name, BUSY "%s", kinds[i].arguments);
        char *data = read_whole(path, &length);
        heard *whole = hear(path);
        assert_int_equal(whole->status, AFFECT_OK);
        assert_int_equal(whole->gaps, 0);
        int cuts = 0, read = 0;
        double covered = 0;
        for (size_t cut = 65536; cut < length; cut += 65536, cuts++) {
            heard *h = hear(write_whole("part", data, cut));
            check_bounded(whole, h);
            if (h->status == AFFECT_OK) {
                read++;
                /* What is missing is announced, to the end. */
                bool video_gap = false;
                double missing_to = 0;
                for (int g = 0; g < h->gaps; g++) {
                    missing_to = fmax(missing_to, h->gap[g].t1);
                    video_gap |= h->gap[g].text[0] == 'v';
                }
                double end =
                    fmax(fmax(h->last_frame_end, 0), isnan(h->last_sample) ? 0 : h->last_sample);
                covered = fmax(covered, end);
                if (kinds[i].announces && end < 3.4) {
                    if (fabs(missing_to - 4) > .15) {
                        tell(kinds[i].name, h);
                        fail_msg("%s cut at %zu: nothing says that data are missing to 4 s",
                                 kinds[i].name, cut);
                    }
                    if (whole->frames) assert_true(video_gap);
                }
            } else {
                assert_true(h->status == AFFECT_ERROR_FORMAT ||
                            h->status == AFFECT_ERROR_NO_STREAM);
            }
            free(h);
        }
        print_message("%-10s %zu bytes, %d cuts, %d could be read, to %.2f s\n", kinds[i].name,
                      length, cuts, read, covered);
        free(whole);
        base_free(data);
    }
}

/* A stretch in the middle is overwritten. */
static void test_overwritten(void **state) {
    (void)state;
    NEED_FFMPEG();
    for (size_t i = 0; i < BASE_COUNT(kinds); i++) {
        size_t length;
        const char *path = make(kinds[i].name, BUSY "%s", kinds[i].arguments);
        char *data = read_whole(path, &length);
        heard *whole = hear(path);
        uint32_t seed = 1;
        for (size_t at = length / 2; at < length / 2 + length / 20; at++)
            data[at] = (char)((seed = seed * 1664525 + 1013904223) >> 24);
        heard *h = hear(write_whole("hurt", data, length));
        tell(kinds[i].name, h);
        assert_int_equal(h->status, AFFECT_OK);
        check_bounded(whole, h);
        /* What is there and what is told to be missing make up the whole. */
        double heard_s = (double)h->samples / 16000, seen_s = (double)h->frames / 25;
        for (int g = 0; g < h->gaps; g++)
            *(h->gap[g].text[0] == 'v' ? &seen_s : &heard_s) += h->gap[g].t1 - h->gap[g].t0;
        /* AVI, Ogg and MP3 carry too little to tell exactly where the damage is. */
        bool vague = strstr(kinds[i].name, "avi") || strstr(kinds[i].name, "ogv") ||
                     strstr(kinds[i].name, "mp3");
        if (whole->samples) assert_near(heard_s, 4, vague ? .3 : .05);
        if (whole->frames) assert_near(seen_s, 4, vague ? .6 : .05);
        print_message("    sound %.3f s, pictures %.3f s with what is told to be missing\n",
                      heard_s, seen_s);
        /* FLAC has checksums: nothing wrong is passed on, and the hole is told. */
        if (strstr(kinds[i].name, "flac")) {
            assert_int_equal(h->gaps, 1);
            assert_near(h->gap[0].t0, 2, .3);
            assert_near((double)h->samples / 16000, 4 - (h->gap[0].t1 - h->gap[0].t0), .002);
        }
        /* The same whatever the number of threads, and every time. */
        affect_context_set_threads(ctx, 1);
        heard *one = hear(in_folder("hurt"));
        affect_context_set_threads(ctx, 2);
        heard *two = hear(in_folder("hurt"));
        affect_context_set_threads(ctx, 0);
        assert_int_equal(one->frames, two->frames);
        assert_int_equal(one->gaps, two->gaps);
        assert_true(one->hash == two->hash);
        free(one);
        free(two);
        free(h);
        free(whole);
        base_free(data);
    }
}

/* Two transport streams behind each other: the clock starts anew, the recording goes on. */
static void test_joined(void **state) {
    (void)state;
    NEED_FFMPEG();
    size_t length;
    const char *path = make("once.ts", "%s", VIDEO AUDIO "-c:v mpeg2video -c:a mp2");
    char *data = read_whole(path, &length);
    char *twice = malloc(2 * length);
    memcpy(twice, data, length);
    memcpy(twice + length, data, length);
    heard *h = hear(write_whole("twice.ts", twice, 2 * length));
    tell("twice.ts", h);
    assert_int_equal(h->status, AFFECT_OK);
    assert_true(h->contiguous);
    assert_near(h->last_sample, 6, .05);
    assert_near(h->last_frame, 5.96, .05);
    assert_near(h->flash - h->beep, 0, HALF_FRAME);
    assert_true(h->gaps >= 1 && h->gaps <= 3);
    free(h);
    free(twice);
    base_free(data);
}

/* The first sound comes after more video than the queues hold. */
static void test_interleaving(void **state) {
    (void)state;
    NEED_FFMPEG();
    heard *h = hear(make("apart.mkv", "-f lavfi -i testsrc2=s=640x480:r=25:d=6 -itsoffset 60" AUDIO
                                      "-c:v rawvideo -pix_fmt yuv420p -c:a pcm_s16le"));
    tell("apart.mkv", h);
    assert_int_equal(h->status, AFFECT_OK);
    assert_true(h->in_order);
    assert_int_equal(h->frames, 150);
    assert_int_equal(h->samples, 48000);
    assert_near(h->beep, 61, MS);
    free(h);
}

/* A playlist must not reach out to the network, nor to another file. */
static void test_no_network(void **state) {
    (void)state;
    const char *list = "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXT-X-MEDIA-SEQUENCE:0\n"
                       "#EXTINF:10,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n";
    heard *h = hear(write_whole("list.m3u8", list, strlen(list)));
    assert_int_equal(h->status, AFFECT_ERROR_FORMAT);
    free(h);
    make("near.ts", AUDIO "-c:a mp2"); /* a good one, were it not named by somebody else */
    const char *near = "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nnear.ts\n#EXT-X-ENDLIST\n";
    h = hear(write_whole("near.m3u8", near, strlen(near)));
    assert_int_equal(h->status, AFFECT_ERROR_FORMAT);
    assert_non_null(strstr(affect_context_message(ctx), "list of recordings (hls)"));
    free(h);
    h = hear("http://127.0.0.1:9/a.mp4"); /* a file name like any other */
    assert_int_equal(h->status, AFFECT_ERROR_NOT_FOUND);
    free(h);
}

/* Cancelling while standard input says nothing. */
static void *cancel_soon(void *argument) {
    usleep(150000);
    affect_context_cancel(argument);
    return NULL;
}

static void test_cancel(void **state) {
    (void)state;
    affect_context *mine;
    assert_int_equal(affect_context_create(&mine), AFFECT_OK);
    int ends[2], kept = dup(STDIN_FILENO);
    assert_int_equal(pipe(ends), 0);
    dup2(ends[0], STDIN_FILENO);
    pthread_t thread;
    pthread_create(&thread, NULL, cancel_soon, mine);
    double before = base_now_s();
    media_reader *reader = NULL;
    assert_int_equal(media_open(mine, "-", NULL, &reader), AFFECT_ERROR_CANCELLED);
    assert_true(base_now_s() - before < 2);
    assert_null(reader);
    pthread_join(thread, NULL);
    dup2(kept, STDIN_FILENO);
    close(kept);
    close(ends[0]);
    close(ends[1]);
    affect_context_destroy(mine);

    NEED_FFMPEG();
    assert_int_equal(affect_context_create(&mine), AFFECT_OK);
    assert_int_equal(media_open(mine, make("c.wav", AUDIO), NULL, &reader), AFFECT_OK);
    media_item item;
    assert_int_equal(media_next(reader, &item), AFFECT_OK);
    affect_context_cancel(mine);
    assert_int_equal(media_next(reader, &item), AFFECT_ERROR_CANCELLED);
    media_close(reader);
    affect_context_destroy(mine);
}

/* Each allocation fails in turn: an error of memory, nothing lost, nothing kept. */
static void test_no_memory(void **state) {
    (void)state;
    NEED_FFMPEG();
    const char *path = make("memory.mp4", "-t 0.5" VIDEO "-t 0.5" AUDIO H264 "-c:a aac -t 0.5");
    heard *h = hear(path);
    assert_int_equal(h->status, AFFECT_OK);
    free(h);
    int failed = 0;
    for (long n = 1; n < 200; n++) {
        base_alloc_fail_at(n);
        h = hear(path);
        long used = base_alloc_count();
        base_alloc_fail_at(0);
        if (h->status == AFFECT_ERROR_MEMORY)
            failed++;
        else
            assert_int_equal(h->status, AFFECT_OK);
        free(h);
        if (used < n) break;
    }
    print_message("%d allocations failed in turn\n", failed);
    assert_true(failed >= 5);
}

/* Every real recording opens and decodes without a gap. */
static void test_real(void **state) {
    (void)state;
    TEST_NEED_DATA();
    static const char *const folders[] = {"media/grid",
                                          "media/pyfeat",
                                          "media/sadtalker",
                                          "media/sadtalker/audio",
                                          "media/sadtalker/stills",
                                          "media/speech",
                                          "media/speech/film_1968"};
    static const char *const ends[] = {".mpg", ".mp4", ".mov", ".jpg", ".png", ".wav", ".flac"};
    int seen = 0;
    for (size_t f = 0; f < BASE_COUNT(folders); f++) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", test_data(), folders[f]);
        DIR *dir = opendir(path);
        if (!dir) continue;
        for (struct dirent *entry; (entry = readdir(dir));) {
            bool ours = false;
            for (size_t e = 0; e < BASE_COUNT(ends); e++)
                ours |= base_ends_with(entry->d_name, ends[e]);
            if (!ours) continue;
            snprintf(path, sizeof path, "%s/%s/%s", test_data(), folders[f], entry->d_name);
            heard *h = hear(path);
            tell(entry->d_name, h);
            assert_int_equal(h->status, AFFECT_OK);
            assert_int_equal(h->gaps, 0);
            assert_true(h->in_order && h->contiguous && h->finite);
            assert_true(h->samples > 0 || h->frames > 0);
            if (!h->info.is_picture) {
                double end =
                    fmax(fmax(h->last_frame_end, 0), isnan(h->last_sample) ? 0 : h->last_sample);
                assert_near(end, time_to_seconds(h->info.duration), .06);
            }
            seen++;
            free(h);
        }
        closedir(dir);
    }
    assert_true(seen > 40);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_input),  cmocka_unit_test(test_absent_streams),
        cmocka_unit_test(test_truncated),  cmocka_unit_test(test_overwritten),
        cmocka_unit_test(test_joined),     cmocka_unit_test(test_interleaving),
        cmocka_unit_test(test_no_network), cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_no_memory),  cmocka_unit_test(test_real),
    };
    cmocka_set_test_filter(getenv("ONLY")); /* NULL: all */
    return cmocka_run_group_tests_name("media/damage", tests, make_folder, remove_folder);
}
