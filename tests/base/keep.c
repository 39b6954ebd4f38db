/* What the context keeps: nothing unless it is told to, each object for one taker, shared ones for
 * all, and all of it destroyed once. */
#include "tests/test.h"

#include "base/base.h"

static int destroyed;
static void destroy(void *object) {
    destroyed += *(int *)object;
    base_free(object);
}

static int *make(int value) {
    int *object = base_alloc(sizeof *object);
    assert_non_null(object);
    *object = value;
    return object;
}

static void test_off(void **state) {
    (void)state;
    affect_context *ctx;
    assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
    int *one = make(1);
    assert_false(base_kept_give(ctx, "a", one, destroy));
    assert_false(base_kept_share(ctx, "a", one, destroy));
    assert_null(base_kept_take(ctx, "a"));
    assert_false(base_kept_give(NULL, "a", one, destroy));
    assert_null(base_kept_take(NULL, "a"));
    base_free(one);
    affect_context_destroy(ctx);
}

static void test_on(void **state) {
    (void)state;
    affect_context *ctx;
    assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
    affect_context_keep_models(ctx, 1);
    destroyed = 0;
    assert_true(base_kept_give(ctx, "a", make(1), destroy));
    assert_true(base_kept_give(ctx, "a", make(10), destroy));
    assert_null(base_kept_take(ctx, "b"));
    int *taken = base_kept_take(ctx, "a");
    assert_non_null(taken);
    assert_true(base_kept_give(ctx, "a", taken, destroy));
    int *shared = make(100), *second = make(1000);
    assert_true(base_kept_share(ctx, "s", shared, destroy));
    assert_false(base_kept_share(ctx, "s", second, destroy)); /* there is one already */
    base_free(second);
    assert_ptr_equal(base_kept_take(ctx, "s"), shared);
    assert_ptr_equal(base_kept_take(ctx, "s"), shared);
    assert_int_equal(destroyed, 0);
    affect_context_keep_models(ctx, 0);
    assert_int_equal(destroyed, 111);
    assert_null(base_kept_take(ctx, "s"));
    affect_context_keep_models(ctx, 1);
    assert_true(base_kept_give(ctx, "a", make(1), destroy));
    affect_context_destroy(ctx);
    assert_int_equal(destroyed, 112);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_off), cmocka_unit_test(test_on)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
