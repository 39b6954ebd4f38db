/* Where shots end, in drawn pictures: cuts on the picture they are on, dissolves in their middle, and nothing at
 * flashes, flicker, movement or a change of light within them. */
#include <math.h>

#include "face/face_private.h"
#include "tests/test.h"

enum { W = 160, H = 120 };

static uint8_t rgb[W * H * 3];
static face_shots *shots;
static double fps;
static struct {
    double at_s;
    const char *how;
} ends[16];
static size_t end_count;

/* Picture `which` at a pixel: blotches of another seed each. */
static double blotch(int which, int x, int y) {
    return 120 + 60 * sin(.05 * x * (1 + which) + which) +
           50 * cos(.07 * y * (1.5 + which) + 2 * which);
}

static void begin(double pictures_per_s) {
    shots = face_shots_create();
    assert_non_null(shots);
    fps = pictures_per_s;
    end_count = 0;
}

/* Picture k: (1 - share) of a, share of b, `white` of white, a bright square at x. */
static void show(int k, int a, int b, double share, double white, int square_x) {
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
            double v = (1 - share) * blotch(a, x, y) + share * blotch(b, x, y);
            if (square_x >= 0 && x >= square_x && x < square_x + 40 && y >= 30 && y < 90) v = 250;
            v += white * (255 - v) + ((k * 7 + x * 3 + y) % 3 - 1); /* a little noise */
            for (int c = 0; c < 3; c++) rgb[3 * (y * W + x) + c] = (uint8_t)fmax(0, fmin(255, v));
        }
    media_frame frame = {.time = time_from_seconds(k / fps),
                         .width = W,
                         .height = H,
                         .stride = (size_t)W * 3,
                         .rgb = rgb};
    face_shots_push(shots, &frame, false);
    affect_time at;
    const char *how;
    while (face_shots_over(shots, &at, &how)) {
        assert_true(end_count < BASE_COUNT(ends));
        assert_true(at <= frame.time && frame.time - at <= 1300 * AFFECT_MILLISECOND);
        ends[end_count].at_s = time_to_seconds(at);
        ends[end_count++].how = how;
    }
}

static void expect(size_t count, double at_s, double slack_s, const char *how) {
    for (size_t i = 0; i < end_count; i++) print_message("%.2f %s\n", ends[i].at_s, ends[i].how);
    assert_int_equal(end_count, count);
    if (count) {
        assert_true(fabs(ends[0].at_s - at_s) <= slack_s);
        assert_string_equal(ends[0].how, how);
    }
    face_shots_destroy(shots);
}

static void a_cut_is_on_its_picture(void **unused) {
    (void)unused;
    static const double rates[] = {10, 25, 30, 60};
    for (size_t r = 0; r < BASE_COUNT(rates); r++) {
        begin(rates[r]);
        int at = (int)rates[r] * 2;
        for (int k = 0; k < 2 * at; k++) show(k, k < at ? 0 : 1, 0, 0, 0, -1);
        expect(1, 2, 1e-6, "cut");
    }
}

static void a_flash_is_no_cut(void **unused) {
    (void)unused;
    for (int length = 1; length <= 3; length++) {
        begin(25);
        for (int k = 0; k < 100; k++) show(k, 0, 0, 0, k >= 50 && k < 50 + length ? .9 : 0, -1);
        expect(0, 0, 0, "");
    }
    begin(25); /* one that fades */
    for (int k = 0; k < 100; k++)
        show(k, 0, 0, 0, k == 50 ? .9 : k == 51 ? .5 : k == 52 ? .2 : 0, -1);
    expect(0, 0, 0, "");
    begin(25); /* a disco */
    for (int k = 0; k < 200; k++) show(k, 0, 0, 0, k > 50 && k % 10 < 2 ? .8 : 0, -1);
    expect(0, 0, 0, "");
}

static void a_flash_at_a_cut_is_one_cut(void **unused) {
    (void)unused;
    begin(25);
    for (int k = 0; k < 100; k++) show(k, k < 51 ? 0 : 1, 0, 0, k == 50 || k == 51 ? .9 : 0, -1);
    expect(1, 2, 1e-6, "cut");
}

/* White for a second is a shot of its own. */
static void what_stays_longer_is_a_shot(void **unused) {
    (void)unused;
    begin(25);
    for (int k = 0; k < 125; k++) show(k, 0, 0, 0, k >= 50 && k < 75 ? .9 : 0, -1);
    expect(2, 2, 1e-6, "cut");
}

static void a_dissolve_is_in_its_middle(void **unused) {
    (void)unused;
    static const double lengths_s[] = {.32, .6, 1}, rates[] = {25, 50};
    for (size_t i = 0; i < BASE_COUNT(lengths_s); i++)
        for (size_t r = 0; r < BASE_COUNT(rates); r++) {
            begin(rates[r]);
            for (int k = 0; k < 5 * (int)rates[r]; k++)
                show(k, 0, 1, fmax(0, fmin(1, (k / rates[r] - 2) / lengths_s[i])), 0, -1);
            expect(1, 2 + lengths_s[i] / 2, .13, "dissolve");
        }
}

static void movement_is_neither(void **unused) {
    (void)unused;
    for (int speed = 1; speed <= 4; speed++) { /* pixels a picture */
        begin(25);
        for (int k = 0; k < 110; k++)
            show(k, 0, 0, 0, 0, k < 50 ? 0 : BASE_MIN((k - 50) * speed, 119));
        expect(0, 0, 0, "");
    }
}

/* Breaks when a head that is lifted at once after it was still is taken for another shot; and when a cut to another
 * picture of the same place, which changes as much, no longer is one. */
static void a_head_that_is_lifted_is_no_cut(void **unused) {
    (void)unused;
    static const int lifted[] = {0, 2, 8, 16, 22, 25, 26};
    begin(25);
    for (int k = 0; k < 100; k++)
        show(k, 0, 0, 0, 0, 40 + lifted[k < 50 ? 0 : k - 50 < 6 ? k - 50 : 6]);
    expect(0, 0, 0, NULL);
    begin(25);
    for (int k = 0; k < 100; k++) show(k, 0, 0, 0, 0, k < 50 ? 40 : 66);
    expect(1, 2, 1e-6, "cut");
}

static void a_cut_after_a_dissolve_comes_after_it(void **unused) {
    (void)unused;
    begin(25);
    for (int k = 0; k < 125; k++)
        show(k, k < 70 ? 0 : 2, k < 70 ? 1 : 2, k < 70 ? fmax(0, fmin(1, (k - 50) / 15.)) : 0, 0,
             -1);
    assert_int_equal(end_count, 2);
    assert_string_equal(ends[1].how, "cut");
    assert_true(fabs(ends[1].at_s - 2.8) < 1e-6);
    expect(2, 2.3, .13, "dissolve");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cut_is_on_its_picture),
        cmocka_unit_test(a_flash_is_no_cut),
        cmocka_unit_test(a_flash_at_a_cut_is_one_cut),
        cmocka_unit_test(what_stays_longer_is_a_shot),
        cmocka_unit_test(a_dissolve_is_in_its_middle),
        cmocka_unit_test(movement_is_neither),
        cmocka_unit_test(a_head_that_is_lifted_is_no_cut),
        cmocka_unit_test(a_cut_after_a_dissolve_comes_after_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
