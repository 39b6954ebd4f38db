#include "tests/test.h"

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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pool_does_every_item_once_for_any_thread_count),
        cmocka_unit_test(queue_keeps_order_and_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
