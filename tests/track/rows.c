/* Rows of long tracks lie in a file without a name: read like others, moved like others, in memory where there is no room for
 * a file, and no more memory however many there are. */
#include <dirent.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/test.h"
#include "track/track.h"

enum { CHANNELS = 12, LONG = 20000 };
static const char *const names[CHANNELS] = {"a", "b", "c", "d", "e", "f",
                                            "g", "h", "i", "j", "k", "l"};
static affect_context *ctx;
static affect_timeline *timeline;

static int set_up(void **state) {
    (void)state;
    return affect_context_create(&ctx) != AFFECT_OK || timeline_create(ctx, &timeline) != AFFECT_OK;
}

static int tear_down(void **state) {
    (void)state;
    affect_timeline_destroy(timeline);
    affect_context_destroy(ctx);
    return 0;
}

static affect_track *new_track(const char *id) {
    affect_track *track;
    assert_int_equal(timeline_add_track(ctx, timeline, id, AFFECT_MODALITY_VOICE, 0, "", names,
                                        CHANNELS, &track),
                     AFFECT_OK);
    return track;
}

static float value_of(size_t row, size_t c) { return (float)(row * 13 + c); }

static affect_status append(affect_track *track, size_t row) {
    float values[CHANNELS];
    for (size_t c = 0; c < CHANNELS; c++) values[c] = value_of(row, c);
    return track_append(ctx, track, (affect_time)row * 10, (float)(row % 100) / 100, values);
}

static void fill(affect_track *track, size_t from, size_t end) {
    for (size_t row = from; row < end; row++) assert_int_equal(append(track, row), AFFECT_OK);
}

static void assert_row(const affect_track *track, size_t at, size_t row) {
    assert_int_equal(affect_track_time(track, at), (affect_time)row * 10);
    assert_true(affect_track_confidence(track, at) == (float)(row % 100) / 100);
    for (size_t c = 0; c < CHANNELS; c++)
        assert_true(affect_track_row(track, at)[c] == value_of(row, c));
}

static void assert_rows(const affect_track *track, size_t from, size_t end) {
    assert_int_equal(affect_track_rows(track), end - from);
    for (size_t row = from; row < end; row++) assert_row(track, row - from, row);
}

static bool spilled(const affect_track *track) {
    return track->stored.times.in_file && track->stored.confidence.in_file &&
           track->stored.values.in_file;
}

/* Descriptors of files that have no name any more. */
static int nameless_files(void) {
    int count = 0;
    DIR *open = opendir("/proc/self/fd");
    assert_non_null(open);
    for (const struct dirent *e; (e = readdir(open));) {
        struct stat info;
        if (e->d_name[0] != '.' && fstat((int)strtol(e->d_name, NULL, 10), &info) == 0)
            count += S_ISREG(info.st_mode) && info.st_nlink == 0;
    }
    closedir(open);
    return count;
}

static double resident(void) { /* MB */
    long pages = 0, own = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%ld %ld", &pages, &own), 2);
    fclose(f);
    return (double)own * (double)sysconf(_SC_PAGESIZE) / 1e6;
}

static void old_rows_read_as_they_were_written(void **state) {
    (void)state;
    int before = nameless_files();
    affect_track *track = new_track("long"), *other = new_track("other");
    fill(track, 0, 500);
    assert_false(spilled(track)); /* a short recording makes no file */
    assert_int_equal(nameless_files(), before);
    fill(track, 500, LONG);
    fill(other, 0, LONG / 2); /* two tracks in one file */
    assert_true(spilled(track));
    assert_true(spilled(other));
    assert_int_equal(nameless_files(), before + 1);
    assert_rows(track, 0, LONG);
    timeline_leave_rows(timeline);
    assert_rows(track, 0, LONG);
    assert_rows(other, 0, LONG / 2);
    assert_int_equal(track_row_at(track, 777 * 10), 777);
}

/* Ten times as many rows (24 MB) take no more memory. */
static void many_rows_take_no_memory(void **state) {
    (void)state;
    affect_track *track = new_track("long");
    fill(track, 0, 40000);
    assert_true(spilled(track));
    double before = resident();
    fill(track, 40000, 440000);
    double after = resident();
    if (after - before > 4) fail_msg("%.1f MB more for 24 MB of rows", after - before);
    for (size_t row = 0; row < 440000; row += 997) assert_row(track, row, row);
    track_leave_rows(track);
    if (resident() - before > 4) fail_msg("%.1f MB more after reading", resident() - before);
}

static void rows_move_out_of_the_file_and_into_it(void **state) {
    (void)state;
    affect_track *from = new_track("from"), *to = new_track("to");
    fill(from, 0, LONG);
    fill(to, 0, 5000);
    for (size_t row = 15000; row < LONG; row++) assert_int_equal(append(to, row), AFFECT_OK);
    assert_true(spilled(from));
    assert_true(spilled(to));
    assert_int_equal(track_move_rows(ctx, from, 5000, 15000, to), AFFECT_OK);
    assert_rows(to, 0, LONG);
    assert_int_equal(affect_track_rows(from), 10000);
    assert_row(from, 4999, 4999);
    assert_row(from, 5000, 15000);
    fill(to, LONG, LONG + 5000); /* and it goes on */
    fill(from, LONG, LONG + 5000);
    assert_rows(to, 0, LONG + 5000);
    assert_row(from, 14999, LONG + 4999);
    assert_true(spilled(to));
}

/* Tracks outlive the timeline that they were made in. */
static void joined_tracks_keep_their_rows(void **state) {
    (void)state;
    affect_timeline *all;
    assert_int_equal(timeline_create(ctx, &all), AFFECT_OK);
    fill(new_track("long"), 0, LONG);
    assert_int_equal(timeline_join(ctx, all, timeline), AFFECT_OK);
    affect_timeline_destroy(timeline);
    timeline = all;
    assert_rows(affect_timeline_find_track(all, "long"), 0, LONG);
}

/* A disk that is full, here a limit of the size of files: what fits lies there, the rest in memory. */
static void without_room_rows_stay_in_memory(void **state) {
    (void)state;
    struct rlimit was, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    small = was;
    small.rlim_cur = 300000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    affect_track *track = new_track("long");
    for (size_t row = 0; row < LONG; row++)
        if (append(track, row) != AFFECT_OK) break;
    setrlimit(RLIMIT_FSIZE, &was);
    assert_rows(track, 0, LONG);
    assert_true(track->stored.values.in_file < 300000);
}

static void without_a_descriptor_rows_stay_in_memory(void **state) {
    (void)state;
    struct rlimit was, none;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
    none = was;
    none.rlim_cur = 0;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    affect_track *track = new_track("long");
    for (size_t row = 0; row < LONG; row++)
        if (append(track, row) != AFFECT_OK) break;
    setrlimit(RLIMIT_NOFILE, &was);
    assert_false(spilled(track));
    assert_rows(track, 0, LONG);
}

/* Whatever allocation fails, the rows so far are whole, and the same row can be appended again. */
static void out_of_memory_loses_no_row(void **state) {
    (void)state;
    long failures = 0;
    for (long n = 1;; n++) {
        char id[32];
        snprintf(id, sizeof id, "track %ld", n);
        affect_track *track = new_track(id);
        bool failed = false;
        base_alloc_fail_at(n);
        for (size_t row = 0; row < 6000; row++) {
            affect_status status = append(track, row);
            if (status == AFFECT_OK) continue;
            assert_int_equal(status, AFFECT_ERROR_MEMORY);
            failed = true;
            assert_int_equal(append(track, row), AFFECT_OK);
        }
        base_alloc_fail_at(0);
        assert_rows(track, 0, 6000);
        if (!failed && n > 60) break;
        failures += failed;
    }
    assert_true(failures > 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(old_rows_read_as_they_were_written, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_rows_take_no_memory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rows_move_out_of_the_file_and_into_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(joined_tracks_keep_their_rows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_room_rows_stay_in_memory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_a_descriptor_rows_stay_in_memory, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(out_of_memory_loses_no_row, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
