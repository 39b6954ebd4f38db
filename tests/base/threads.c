#include "tests/test.h"

#include <string.h>

#include "base/base.h"

static void square(void *user, size_t i) { ((size_t *)user)[i] = i * i; }

static void pool_does_every_item_once_for_any_thread_count(void **state) {
    (void)state;
    for (int threads = 0; threads <= 4; threads++) {
        base_pool *pool;
        assert_int_equal(base_pool_create(NULL, threads, &pool), AFFECT_OK);
        for (size_t n = 0; n < 200; n += 13) {
            size_t results[200] = {0};
            base_pool_for(pool, n, square, results);
            for (size_t i = 0; i < n; i++) assert_int_equal(results[i], i * i);
        }
        base_pool_destroy(pool);
    }
}

static void *produce(void *argument) {
    for (size_t i = 1; i <= 1000; i++)
        if (!base_queue_push(argument, (void *)(uintptr_t)i)) break;
    base_queue_close(argument);
    return NULL;
}

static void queue_keeps_order_and_ends(void **state) {
    (void)state;
    base_queue *queue;
    assert_int_equal(base_queue_create(NULL, 3, &queue), AFFECT_OK);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, produce, queue), 0);
    void *item;
    size_t expected = 1;
    while (base_queue_pop(queue, &item)) assert_int_equal((uintptr_t)item, expected++);
    assert_int_equal(expected, 1001);
    pthread_join(thread, NULL);
    assert_false(base_queue_push(queue, &item));
    base_queue_destroy(queue);
}

typedef struct failing {
    affect_context *context;
    const char *name;
    int wrong;
} failing;

static void *fail_and_look(void *argument) {
    failing *f = argument;
    char expected[64];
    for (int i = 0; i < 5000; i++) {
        snprintf(expected, sizeof expected, "%s: %d", f->name, i);
        base_fail(f->context, AFFECT_ERROR_FORMAT, "%s: %d", f->name, i);
        f->wrong += strcmp(affect_context_message(f->context), expected) != 0;
    }
    return NULL;
}

static void each_thread_reads_its_own_failure(void **state) {
    (void)state;
    affect_context *context;
    assert_int_equal(affect_context_create(&context), AFFECT_OK);
    base_fail(context, AFFECT_ERROR_FORMAT, "mine");
    pthread_t threads[3];
    failing jobs[3] = {{context, "a", 0}, {context, "b", 0}, {context, "c", 0}};
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, fail_and_look, &jobs[i]), 0);
    for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
    for (int i = 0; i < 3; i++) assert_int_equal(jobs[i].wrong, 0);
    assert_string_equal(affect_context_message(context), "mine");
    affect_context_destroy(context);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pool_does_every_item_once_for_any_thread_count),
        cmocka_unit_test(queue_keeps_order_and_ends),
        cmocka_unit_test(each_thread_reads_its_own_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
