/* What every reader does with each file that is given: every allocation may fail, and the file may
 * stop at any byte (up to 16 KiB; beyond at every KiB). data/hostile_test.py makes the files.
 * usage: test_data_files FILE ... */
#include <string.h>

#include "tests/test.h"

#include "data/arff.h"
#include "data/frame.h"
#include "data/pickle.h"
#include "data/xlsx.h"
#include "datasets/datasets.h"

static char **files;
static int file_count;

static bool is(const char *path, const char *suffix) { return base_ends_with(path, suffix); }

/* ---- each allocation ---- */

static affect_status describe(void *user) {
    affect_context *ctx = NULL;
    base_text text = {0};
    size_t mismatches;
    affect_status status = affect_context_create(&ctx);
    if (!status) status = datasets_describe(ctx, user, true, false, &text, &mismatches);
    base_text_destroy(&text);
    affect_context_destroy(ctx);
    return status;
}

static affect_status open_frame(void *user) {
    data_frame *frame = NULL;
    affect_status status = data_frame_open(NULL, user, false, &frame);
    data_frame_destroy(frame);
    return status;
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    static const char *const tables[] = {".csv", ".tsv", ".jsonl", ".arff", ".xlsx", "_table.pkl"};
    for (int i = 0; i < file_count; i++) {
        long n = test_fail_each_allocation(files[i], describe, files[i]);
        assert_true(n > 1);
        for (size_t k = 0; k < BASE_COUNT(tables); k++)
            if (is(files[i], tables[k])) {
                n = test_fail_each_allocation(files[i], open_frame, files[i]);
                assert_true(n > 1);
            }
    }
}

/* ---- each length ---- */

static affect_status take_row(void *user, const data_arff *arff, const char *const *cells,
                              size_t line) {
    (void)user, (void)arff, (void)cells, (void)line;
    return AFFECT_OK;
}

/* SHAPE where the kind is not read from memory. */
static affect_status parse(affect_context *ctx, const char *path, const char *bytes, size_t n) {
    affect_status status = AFFECT_ERROR_SHAPE;
    data_table *table = NULL;
    data_npy *npy = NULL;
    data_npz *npz = NULL;
    data_document *document = NULL;
    const data_table_options ragged = {.ragged = true};
    if (is(path, ".npy")) {
        status = data_npy_parse(ctx, "cut", bytes, n, &npy);
        if (!status && npy->values.type == DATA_OBJECT)
            status = data_pickle_parse(ctx, "cut", npy->values.bytes, npy->length, NULL, &document);
    } else if (is(path, ".npz")) {
        status = data_npz_parse(ctx, "cut", bytes, n, &npz);
        for (size_t i = 0; !status && i < data_npz_count(npz); i++) {
            status = data_npz_array_at(ctx, npz, i, &npy);
            data_npy_destroy(npy);
            npy = NULL;
        }
    } else if (is(path, ".pkl")) {
        status = data_pickle_parse(ctx, "cut", bytes, n, NULL, &document);
    } else if (is(path, ".csv") || is(path, ".tsv")) {
        status = data_table_parse(ctx, "cut", bytes, n, &ragged, &table);
    } else if (is(path, ".jsonl")) {
        status = data_json_lines_parse(ctx, "cut", bytes, n, &table);
    } else if (is(path, ".xlsx")) {
        status = data_xlsx_parse(ctx, "cut", bytes, n, NULL, &table);
    } else if (is(path, ".arff")) {
        status = data_arff_parse(ctx, "cut", bytes, n, NULL, take_row, NULL);
    }
    data_npy_destroy(npy);
    data_npz_destroy(npz);
    data_document_destroy(document);
    data_table_destroy(table);
    return status;
}

/* Text may end anywhere and still be some table; a binary file that is cut is refused. */
static void every_length_is_read_or_refused(void **state) {
    (void)state;
    affect_context *ctx;
    assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
    for (int i = 0; i < file_count; i++) {
        const char *path = files[i];
        char *whole;
        size_t length, tried = 0;
        bool text = is(path, ".csv") || is(path, ".tsv") || is(path, ".jsonl") || is(path, ".arff");
        assert_int_equal(base_read_file(ctx, path, 0, &whole, &length), AFFECT_OK);
        affect_status all = parse(ctx, path, whole, length);
        if (all != AFFECT_ERROR_SHAPE) {
            if (all) fail_msg("%s whole: %s", path, affect_context_message(ctx));
            for (size_t n = 0; n < length; n += n < (1 << 14) ? 1 : 1 << 10, tried++) {
                char *part = malloc(n ? n : 1); /* exact: a sanitizer sees what reads beyond */
                assert_non_null(part);
                memcpy(part, whole, n);
                affect_status status = parse(ctx, path, part, n);
                free(part);
                const char *message = affect_context_message(ctx);
                bool refused = status == AFFECT_ERROR_FORMAT || status == AFFECT_ERROR_LIMIT ||
                               status == AFFECT_ERROR_UNSUPPORTED;
                if (!(refused || (text && !status)) ||
                    (refused && (!*message || strchr(message, '\n'))))
                    fail_msg("%s cut to %zu of %zu bytes: %s %s", path, n, length,
                             affect_status_name(status), message);
            }
            assert_true(tried > 0);
        }
        base_free(whole);
    }
    affect_context_destroy(ctx);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(every_length_is_read_or_refused),
    };
    files = argv + 1;
    file_count = argc - 1;
    return file_count ? cmocka_run_group_tests(tests, NULL, NULL) : 2;
}
