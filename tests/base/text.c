#include "tests/test.h"

#include <locale.h>
#include <math.h>
#include <string.h>

#include "base/base.h"

static void utf8_round_trips_every_code_point(void **state) {
    (void)state;
    for (uint32_t c = 1; c <= 0x10FFFF; c++) {
        if (c >= 0xD800 && c < 0xE000) continue;
        char bytes[4];
        size_t n = base_utf8_put(c, bytes), at = 0;
        assert_int_equal(base_utf8_next(bytes, n, &at), c);
        assert_int_equal(at, n);
    }
}

static void utf8_replaces_malformed_bytes(void **state) {
    (void)state;
    const char *bad[] = {"\xff",     "\xc0\x80",         "\xed\xa0\x80",
                         "\xe2\x82", "\xf4\x90\x80\x80", "\x80"};
    for (size_t i = 0; i < BASE_COUNT(bad); i++) {
        assert_false(base_utf8_valid(bad[i], strlen(bad[i])));
        char *clean = base_utf8_clean(bad[i], strlen(bad[i]));
        assert_non_null(clean);
        assert_true(base_utf8_valid(clean, strlen(clean)));
        base_free(clean);
    }
    assert_true(base_utf8_valid("na\xc3\xafve \xf0\x9f\x99\x82", 11));
}

static void numbers_do_not_depend_on_the_locale(void **state) {
    (void)state;
    setlocale(LC_ALL, "de_DE.UTF-8"); /* may be absent: then this only repeats the C case */
    double value;
    assert_true(base_parse_double("1.5", 3, &value));
    assert_true(value == 1.5);
    assert_true(base_parse_double("-inf", 4, &value));
    assert_true(isinf(value));
    assert_true(base_parse_double("NaN", 3, &value));
    assert_true(isnan(value));
    assert_false(base_parse_double("1,5", 3, &value));
    assert_false(base_parse_double("1.5x", 4, &value));
    assert_false(base_parse_double("0x10", 4, &value));
    assert_false(base_parse_double("", 0, &value));
    assert_false(base_parse_double(" 1", 2, &value));
    int64_t whole;
    assert_true(base_parse_int64("-9223372036854775808", 20, &whole));
    assert_true(whole == INT64_MIN);
    assert_false(base_parse_int64("9223372036854775808", 19, &whole));
    assert_false(base_parse_int64("1.0", 3, &whole));
    setlocale(LC_ALL, "C");
}

static void text_grows_and_reports_out_of_memory_once(void **state) {
    (void)state;
    base_text text = {0};
    for (int i = 0; i < 1000; i++) base_text_printf(&text, "%d,", i);
    assert_int_equal(text.length, 3890);
    base_text_printf(&text, "%0500d", 7);
    assert_int_equal(text.length, 4390);
    base_text_destroy(&text);
    base_alloc_fail_at(1);
    base_text_append(&text, "x");
    base_alloc_fail_at(0);
    assert_true(text.failed);
    base_text_append(&text, "y");
    assert_int_equal(text.length, 0);
    base_text_destroy(&text);
}

static void arena_hands_out_zeroed_aligned_memory(void **state) {
    (void)state;
    base_arena arena;
    base_arena_init(&arena, 256);
    for (int round = 0; round < 3; round++) {
        for (size_t size = 1; size < 1000; size += 37) {
            unsigned char *memory = base_arena_alloc(&arena, size);
            assert_non_null(memory);
            assert_int_equal((uintptr_t)memory % 16, 0);
            for (size_t i = 0; i < size; i++) assert_int_equal(memory[i], 0);
            memset(memory, 0xAA, size);
        }
        base_arena_reset(&arena);
    }
    base_arena_destroy(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8_round_trips_every_code_point),
        cmocka_unit_test(utf8_replaces_malformed_bytes),
        cmocka_unit_test(numbers_do_not_depend_on_the_locale),
        cmocka_unit_test(text_grows_and_reports_out_of_memory_once),
        cmocka_unit_test(arena_hands_out_zeroed_aligned_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
