#include "tests/test.h"

#include <locale.h>
#include <math.h>
#include <string.h>

#include "base/base.h"
#include "base/svg.h"

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

static void shown_text_is_one_clean_line(void **state) {
    (void)state;
    static const struct {
        const char *raw, *clean;
    } cases[] = {
        {"plain \u00e4\u6f22", "plain \u00e4\u6f22"},
        {"a\nb\tc\rd", "a b c d"},
        {"\033[2J\007x\177", "?[2J?x?"},
        {"\302\233"
         "31m",
         "?31m"}, /* U+009B, the one-character CSI */
        {"\xff\xc3", "??"},
        {"\u202egpj.exe\u2028\u2066", "?gpj.exe??"},
    };
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        char out[64], shorter[4];
        assert_string_equal(base_clean_line(cases[i].raw, out, sizeof out), cases[i].clean);
        base_text text = {0};
        base_text_append_clean(&text, cases[i].raw);
        assert_string_equal(text.data, cases[i].clean);
        assert_true(base_utf8_valid(out, strlen(out)));
        base_clean_line(cases[i].raw, shorter, sizeof shorter);
        assert_true(base_utf8_valid(shorter, strlen(shorter)));
        assert_true(strlen(shorter) < sizeof shorter);
        base_text_destroy(&text);
    }
    base_text json = {0};
    base_text_append_json(&json, "\"\\\n\033\302\233\u00e4");
    assert_string_equal(json.data, "\"\\\"\\\\\\u000a\\u001b\\u009b\u00e4\"");
    base_text_clear(&json);
    base_text_append_safe_json(&json, "{\n \"a\\n\302\233\342\200\256\177\": \"\u00e4\"}");
    assert_string_equal(json.data, "{\n \"a\\n\\u009b\\u202e\\u007f\": \"\u00e4\"}");
    base_text_destroy(&json);
}

static void messages_are_clean_lines(void **state) {
    (void)state;
    affect_context *ctx;
    assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
    assert_int_equal(base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: no", "a\nb\033[31m"),
                     AFFECT_ERROR_FORMAT);
    assert_string_equal(affect_context_message(ctx), "a b?[31m: no");
    affect_context_destroy(ctx);
}

static void xml_text_ends_nothing(void **state) {
    (void)state;
    base_text text = {0};
    base_text_append_xml(&text, "a<b>&\"c\"\t\x01\xff\xc3\xa9");
    assert_string_equal(text.data,
                        "a&lt;b&gt;&amp;&quot;c&quot;&#9;\xef\xbf\xbd\xef\xbf\xbd\xc3\xa9");
    base_text_destroy(&text);
}

static void svg_numbers_have_one_decimal(void **state) {
    (void)state;
    base_text svg = {0};
    for (int i = -2000; i < 2000; i++) {
        double x = i * .1373; /* no ties */
        char expected[32];
        base_text_clear(&svg);
        base_svg_number(&svg, x);
        snprintf(expected, sizeof expected, "%.1f", x);
        assert_string_equal(svg.data, strcmp(expected, "-0.0") == 0 ? "0.0" : expected);
    }
    base_text_clear(&svg);
    base_svg_number(&svg, NAN);
    base_svg_rect(&svg, "a=\"b\"", 1, 2, 3.25, 4, "", "x<y");
    base_svg_path_begin(&svg, "");
    base_svg_path_point(&svg, true, -.5, 0);
    base_svg_path_close(&svg);
    base_svg_path_end(&svg);
    assert_string_equal(svg.data, "<rect a=\"b\" x=\"1.0\" y=\"2.0\" width=\"3.3\" height=\"4.0\">"
                                  "<title>x&lt;y</title></rect>\n<path d=\"M-0.5 0.0Z\"/>\n");
    base_text_destroy(&svg);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(xml_text_ends_nothing),
        cmocka_unit_test(svg_numbers_have_one_decimal),
        cmocka_unit_test(shown_text_is_one_clean_line),
        cmocka_unit_test(messages_are_clean_lines),
        cmocka_unit_test(utf8_round_trips_every_code_point),
        cmocka_unit_test(utf8_replaces_malformed_bytes),
        cmocka_unit_test(numbers_do_not_depend_on_the_locale),
        cmocka_unit_test(text_grows_and_reports_out_of_memory_once),
        cmocka_unit_test(arena_hands_out_zeroed_aligned_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
