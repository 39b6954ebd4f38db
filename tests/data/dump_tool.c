/* Prints what a reader of data/ found, as JSON, for comparison with Python's own readers. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/hdf5.h"
#include "data/pickle.h"

static void print_text(const char *bytes, size_t n) {
    putchar('"');
    for (size_t i = 0; i < n; i++) printf("%02x", (unsigned char)bytes[i]);
    putchar('"');
}

static void print_number(double x) {
    if (isnan(x))
        printf("\"nan\"");
    else if (isinf(x))
        printf(x > 0 ? "\"inf\"" : "\"-inf\"");
    else
        printf("%.17g", x);
}

/* Element i, which the two ways to it agree on. */
static double element(const data_array *a, size_t i) {
    double piece[5], one = data_array_number(a, i);
    size_t n = a->count - i < 5 ? a->count - i : 5;
    data_array_numbers(a, i, n, piece);
    for (size_t k = 0; k < n; k++) {
        double expected = data_array_number(a, i + k);
        if (memcmp(&piece[k], &expected, sizeof expected) != 0 && !isnan(expected)) {
            fprintf(stderr, "elements %zu differ: %g %g\n", i + k, piece[k], expected);
            exit(3);
        }
    }
    return one;
}

static void print(const data_value *v) {
    switch (v->kind) {
    case DATA_NONE: printf("null"); break;
    case DATA_BOOL: printf(v->as.truth ? "true" : "false"); break;
    case DATA_INT: printf("%lld", (long long)v->as.integer); break;
    case DATA_FLOAT: print_number(v->as.number); break;
    case DATA_TEXT:
    case DATA_BYTES: print_text(v->as.text.bytes, v->as.text.length); break;
    case DATA_ARRAY: {
        const data_array *a = v->as.array;
        printf("{\"dtype\":\"%s\",\"shape\":[", data_type_name(a->type));
        for (size_t i = 0; i < a->rank; i++) printf(i ? ",%zu" : "%zu", a->shape[i]);
        printf("],\"items\":[");
        for (size_t i = 0; i < a->count; i++) {
            if (i) putchar(',');
            if (a->type == DATA_OBJECT)
                print(a->items[i]);
            else if (a->type == DATA_CHARS || a->type == DATA_UNICODE) {
                char *text = data_array_text(a, i);
                print_text(text ? text : "", text ? strlen(text) : 0);
                base_free(text);
            } else
                print_number(element(a, i));
        }
        printf("]}");
        break;
    }
    default:
        printf("[\"%s\"", data_kind_name(v->kind));
        for (size_t i = 0; i < v->as.list.count; i++) {
            putchar(',');
            print(v->as.list.items[i]);
        }
        putchar(']');
    }
}

/* Everything in an HDF5 file; numbers are read three rows at a time. */
static affect_status print_hdf5(affect_context *ctx, const char *path) {
    data_hdf5 *f;
    affect_status status = data_hdf5_open(ctx, path, &f);
    if (status) return status;
    base_text out = {0};
    base_text_append(&out, "{");
    for (size_t i = 0; i < data_hdf5_count(f) && !status; i++) {
        const data_hdf5_item *item = data_hdf5_item_at(f, i);
        base_text_printf(&out, "%s\"%s\":{\"content\":%d,\"attributes\":{", i ? "," : "",
                         item->path, item->content);
        for (size_t k = 0; k < item->attribute_count; k++)
            base_text_printf(&out, "%s\"%s\":\"%s\"", k ? "," : "", item->attributes[k].name,
                             item->attributes[k].value);
        base_text_printf(&out, "},\"type\":\"%s\",\"shape\":[", data_type_name(item->type));
        for (size_t k = 0; k < item->rank; k++)
            base_text_printf(&out, k ? ",%zu" : "%zu", item->shape[k]);
        base_text_printf(&out, "],\"problem\":%d,\"items\":[", item->problem != NULL);
        size_t rows = item->rank ? item->shape[0] : 1, width = rows ? item->count / rows : 0;
        double *x = base_calloc(3 * width + 1, sizeof *x);
        if (!x) return AFFECT_ERROR_MEMORY;
        for (size_t row = 0; row < rows && !status && !item->problem && item->content != 0;
             row += 3) {
            size_t n = BASE_MIN((size_t)3, rows - row);
            if (item->content == DATA_HDF5_NUMBERS) {
                status = data_hdf5_numbers(ctx, f, i, row, n, x);
                for (size_t k = 0; k < n * width && !status; k++)
                    base_text_printf(&out, isfinite(x[k]) ? "%s%.17g" : "%s\"%g\"",
                                     row || k ? "," : "", x[k]);
            } else if (item->content == DATA_HDF5_TEXTS) {
                for (size_t k = row * width; k < (row + n) * width && !status; k++) {
                    char *text;
                    status = data_hdf5_text(ctx, f, i, k, &text);
                    if (!status) base_text_printf(&out, "%s\"%s\"", k ? "," : "", text);
                    base_free(text);
                }
            }
        }
        base_free(x);
        base_text_append(&out, "]}");
    }
    if (!status) printf("%s}", out.data);
    base_text_destroy(&out);
    data_hdf5_destroy(f);
    return status;
}

int main(int argc, char **argv) {
    affect_context *ctx;
    data_document *document;
    if (argc < 2 || affect_context_create(&ctx) != AFFECT_OK) return 2;
    bool hdf5 = argc > 2 && strcmp(argv[2], "--hdf5") == 0;
    affect_status status =
        hdf5 ? print_hdf5(ctx, argv[1]) : data_pickle_read(ctx, argv[1], &document);
    if (status != AFFECT_OK) {
        fprintf(stderr, "%s\n", affect_context_message(ctx));
    } else if (!hdf5) {
        /* Nesting as deep as a pickle allows would need as deep a stack to print. */
        if (argc < 3 || strcmp(argv[2], "--only-read") != 0) print(data_document_root(document));
        data_document_destroy(document);
    }
    affect_context_destroy(ctx);
    return (int)status;
}
